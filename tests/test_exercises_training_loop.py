"""The training loop: right ones in odd styles pass, wrong ones are named; curves of faulty runs show their faults."""

import itertools
import random

import numpy as np
import paddle
import pytest

from course_lib.exercises import EXERCISES, check
from course_lib.exercises.catalogue.ch03_training_loop import FAULTS, train_network
from course_lib.faults import RIGHT, faulty_runs


def cleared_first(model, opt, schedule, batches, validation, epochs):
    for epoch in range(epochs):
        model.train()
        total = paddle.zeros([])
        for x, y in batches:
            opt.clear_grad()
            loss = paddle.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            opt.minimize(loss)
            schedule.step()
            total = total + loss.detach()
        model.eval()
        with paddle.no_grad():
            right = (model(validation[0]).argmax(1) == validation[1]).numpy()
        pair = [total / len(batches), right.mean()]
        history = [pair] if epoch == 0 else [*history, pair]
    model.train()
    return np.array(history, dtype=float)


def weighted_by_examples(model, opt, schedule, batches, validation, epochs):
    losses, accuracies = [], []
    for _ in range(epochs):
        model.train()
        seen = 0.0
        for images, labels in batches:
            loss = paddle.nn.CrossEntropyLoss()(model(images), labels)
            loss.backward()
            opt.step()
            schedule.step()
            opt.clear_gradients() if hasattr(opt, "clear_gradients") else opt.clear_grad()
            seen += float(loss) * len(labels)
        losses.append(seen / sum(len(labels) for _, labels in batches))
        model.eval()
        accuracies.append(paddle.metric.accuracy(model(validation[0]), validation[1].unsqueeze(1)).item())
    return np.stack([losses, accuracies], axis=1)


@pytest.mark.parametrize("answer", [train_network, cleared_first, weighted_by_examples])
def test_right_loops_in_other_styles_pass(answer):
    feedback = check("training-loop", answer, enter=False)
    assert feedback.passed, feedback


def test_what_a_loop_does_wrong_beside_its_catalogue_is_shown():
    def forgets_the_schedule_in_the_last_epoch(model, opt, schedule, batches, validation, epochs):
        calls = itertools.count()

        class Held:
            def step(self):
                if next(calls) < (epochs - 1) * len(batches):
                    schedule.step()

        return train_network(model, opt, Held(), batches, validation, epochs)

    feedback = check("training-loop", forgets_the_schedule_in_the_last_epoch, enter=False)
    assert feedback.status == "wrong"


LOOP = """
def train(model, opt, schedule, batches, validation, epochs):
    history = []
    for epoch in range(epochs):
        model.train()
        losses = []
        for images, labels in batches:
            scores = model(images)
            loss = paddle.nn.functional.cross_entropy(scores, labels)
            loss.backward()
            opt.step()
            opt.clear_grad()
            schedule.step()
            losses.append(loss.item())
        model.eval()
        images, labels = validation
        right = (model(images).argmax(axis=1) == labels).astype("float32")
        history.append((sum(losses) / len(losses), right.mean().item()))
    return history
"""


def judged(*changes):
    """What is said of the loop above after each pair of texts in ``changes`` has been exchanged."""
    source, namespace = LOOP, {"np": np, "paddle": paddle, "random": random}
    for old, new in zip(changes[::2], changes[1::2]):
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    exec(source, namespace)
    return check("training-loop", namespace["train"], enter=False)


@pytest.mark.parametrize("pairs", ["history", "tuple(history)", "zip(*zip(*history))", "np.array(history)"])
def test_pairs_may_come_in_any_sequence(pairs):
    assert judged("return history", f"return {pairs}").passed


BACKWARD, STEP, CLEAR, SCHEDULE = (
    f"            {call}\n" for call in ("loss.backward()", "opt.step()", "opt.clear_grad()", "schedule.step()")
)


@pytest.mark.parametrize(
    ("changes", "mistake", "words"),
    [
        ((BACKWARD, ""), "no-backward", "No gradient is ever computed"),
        ((BACKWARD + STEP, "            opt.minimize(loss)\n"), "no-backward", "No gradient is ever computed"),
        (("loss.backward()", "loss.detach().backward()"), "no-backward", "not detached"),
        ((BACKWARD + STEP, ""), "no-backward", "Neither a gradient nor a step"),
        ((STEP, ""), "no-step", "never makes a step"),
        ((STEP + CLEAR, "            model.clear_gradients()\n" + STEP), "cleared-before-step", "before they are used"),
        ((STEP + CLEAR, "            opt.zero_grad()\n" + STEP), "cleared-before-step", "before they are used"),
        (
            (CLEAR, "", "        model.eval()", "        opt.clear_grad()\n        model.eval()"),
            "no-clear-grad",
            "only once",
        ),
        (
            (STEP + CLEAR, "", "        model.eval()", "        opt.step(); opt.clear_grad()\n        model.eval()"),
            "step-per-epoch",
            "one step per epoch",
        ),
        (("model.train()", "model.eval()"), "eval-left-on", "The network trains in evaluation mode"),
        (("model.train()", "model.eval( )", "model.eval()", "model.train()"), "eval-left-on", "modes are swapped"),
        (("schedule.step()", "schedule.step(epoch)"), "schedule-per-epoch", "number of the epoch"),
        ((SCHEDULE, 2 * SCHEDULE), "schedule-twice", "twice per mini-batch"),
        (("        model.eval()", "        schedule.step()\n        model.eval()"), "schedule-twice", "too often"),
        (("sum(losses) / len(losses)", "losses[0]"), "last-loss", "the first mini-batch"),
        (
            ("        losses = []\n", "", "history = []", "history, losses = [], []"),
            "losses-of-all-epochs",
            "earlier epochs",
        ),
        (
            (
                "        losses = []\n",
                "",
                "history = []",
                "history, losses = [], []",
                "/ len(losses)",
                "/ len(batches)",
            ),
            "losses-of-all-epochs",
            "goes on from epoch to epoch",
        ),
        (("right.mean().item()", "100 * right.mean().item()"), "accuracy-in-percent", "percent"),
        (("right.mean()", "right.sum()"), "accuracy-in-percent", "counted"),
        (("== labels", "!= labels"), "share-of-errors", "wrong answers"),
        (
            ("(sum(losses) / len(losses), right.mean().item())", "(right.mean(), sum(losses) / len(losses))"),
            "pair-swapped",
            "",
        ),
        (("        images, labels = validation\n", ""), "accuracy-of-a-mini-batch", "last mini-batch"),
        (
            ("        losses = []", "        losses = []\n        random.shuffle(batches)"),
            "other-order",
            "another order",
        ),
        (("in batches", "in batches[::-1]"), "other-order", "another order"),
        (
            (
                "(sum(losses) / len(losses), right",
                "(round(sum(losses) / len(losses), 2), right",
                "item()))",
                "item().__round__(2)))",
            ),
            "rounded",
            "digits",
        ),
    ],
)
def test_slips_in_the_loop_are_named_for_what_they_are(changes, mistake, words):
    feedback = judged(*changes)
    assert feedback.mistake == mistake and words in f"{feedback.title} {feedback.message} {feedback.hint}", feedback


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("history.append((sum(losses) / len(losses), right.mean().item()))", "history.append(losses[0])", "(3, 2)"),
        ("return history", "return list(zip(*history))", "(2, 3)"),
        ("return history", "return history[-1]", "(2,)"),
        ("    return history", "        return history", "inside the loop"),
        ("return history", "print(history)", "None"),
        ("right.mean().item()", "right.numpy()", "parts have different shapes"),
        ("right.mean().item()", "'0.5'", "array of text"),
    ],
)
def test_what_is_not_one_pair_per_epoch_is_told_what_is_asked_for(old, new, words):
    feedback = judged(old, new)
    assert feedback.status == "wrong" and words in feedback.message and "one pair" in feedback.message, feedback


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("images, labels in", "labels, images in", "(images, labels)"),
        ("scores, labels)", "labels, scores)", "(images, labels)"),
        ("right.mean()", "paddle.metric.accuracy(model(images), labels)", "labels as a column"),
        ("opt.step()", "optimizer.step()", "The argument is called `opt` here."),
        ("loss.item()", "loss.numpy()[0]", "single number"),
        ("loss.item()", "loss[0]", "single number"),
    ],
)
def test_an_exception_in_a_loop_is_explained(old, new, words):
    feedback = judged(old, new)
    assert feedback.status == "error" and words in feedback.message, feedback


@pytest.mark.parametrize("seed", [0, 7, 100])
def test_the_curves_show_what_the_hints_say_of_them(seed):
    losses = {RIGHT[letter]: curve for letter, curve in faulty_runs(seed).items()}
    end = {fault: curve[-60:] for fault, curve in losses.items()}
    assert end["too low"].mean() > 2.0 and losses["too low"].max() < 2.8
    assert end["too low"][-20:].mean() < losses["too low"][:20].mean()
    assert np.abs(end["dead units"] - 2.3).max() < 0.5 and losses["dead units"].max() > 5
    assert end["too high"].std() > 0.15 and end["too high"].min() > 0.2 and losses["too high"].max() > 2.8
    assert losses["not shuffled"].min() < 0.1 and losses["not shuffled"].max() > 4
    early = losses["decayed too early"]
    assert early[:3].mean() - early[12:18].mean() > 0.5
    assert abs(early[20:40].mean() - early[-20:].mean()) < 0.2 and early[-20:].mean() > 0.8


def test_every_answer_but_the_right_one_is_told_what_was_confused():
    verdicts = [
        check("curve-diagnosis", dict(zip("ABCDE", order)), enter=False) for order in itertools.permutations(FAULTS)
    ]
    assert sum(feedback.passed for feedback in verdicts) == 1
    assert {feedback.status for feedback in verdicts} == {"passed", "mistake", "wrong"}
    named = {feedback.mistake for feedback in verdicts if feedback.mistake}
    assert named == {"flat-taken-for-slow", "bend-taken-for-slow", "saw-teeth-taken-for-jumps", "flat-taken-for-jumps"}
    assert check("curve-diagnosis", RIGHT, enter=False).passed


@pytest.mark.parametrize(
    "spelt", [str.upper, str.capitalize, lambda text: f" {text} ", lambda text: text.replace(" ", "_")]
)
def test_a_diagnosis_in_other_letters_is_the_same(spelt):
    assert check("curve-diagnosis", {key: spelt(fault) for key, fault in RIGHT.items()}, enter=False).passed
    assert check("curve-diagnosis", {key.lower(): fault for key, fault in RIGHT.items()}, enter=False).passed


@pytest.mark.parametrize("gap", [None, "", ...])
def test_of_a_diagnosis_with_gaps_what_is_there_is_judged(gap):
    feedback = check("curve-diagnosis", {**RIGHT, "C": gap, "E": gap}, enter=False)
    assert feedback.status == "wrong" and feedback.message == "Right so far. Still without an answer: C, E."
    assert check("curve-diagnosis", {**RIGHT, "C": gap, "D": "too low"}, enter=False).mistake == "flat-taken-for-slow"


def test_a_confusion_is_named_in_a_way_that_is_true_in_both_directions():
    there = check("curve-diagnosis", {**RIGHT, "B": "decayed too early", "C": None}, enter=False)
    back = check("curve-diagnosis", {**RIGHT, "C": "too low", "B": None}, enter=False)
    assert there.title == back.title == "A curve with a bend and a slow one are mixed up"


def test_a_curve_that_does_not_fit_is_told_what_such_a_curve_looks_like():
    feedback = check("curve-diagnosis", {**RIGHT, "A": "decayed too early", "C": "not shuffled"}, enter=False)
    assert feedback.message.startswith('Not yet: curve A does not look like "decayed too early", where the loss falls')


@pytest.mark.parametrize("fault", [["too low"], {"too low"}, 3, np.array([1, 2])])
def test_a_fault_that_is_no_text_is_shown(fault):
    feedback = check("curve-diagnosis", {**RIGHT, "A": fault}, enter=False)
    assert feedback.status == "error" and f"A has {str(fault)!r}" in feedback.message, feedback


@pytest.mark.parametrize(
    "answer", [None, dict.fromkeys("ABCDE"), {**RIGHT, "A": "bad luck"}, ["too low"] * 5, {"A": "too low"}, "too low"]
)
def test_what_is_no_diagnosis_is_said_to_be_none(answer):
    feedback = check("curve-diagnosis", answer, enter=False)
    empty = answer is None or (isinstance(answer, dict) and not any(answer.values()))
    assert feedback.status == ("not-attempted" if empty else "error"), feedback


def test_the_hints_do_not_give_the_letters_away():
    for id in ("training-loop", "curve-diagnosis"):
        assert len(EXERCISES[id].hints) >= 3
    assert not any(f"{letter} is" in hint for hint in EXERCISES["curve-diagnosis"].hints for letter in "ABCDE")
