"""The training loop: right ones in odd styles pass, wrong ones are named; curves of faulty runs show their faults."""

import itertools

import numpy as np
import paddle
import pytest

from course_lib.exercises import EXERCISES, check
from course_lib.exercises.training_loop import FAULTS, RIGHT, faulty_runs, train_network


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
        history = [pair] if epoch == 0 else [*history, pair]  # noqa: F821
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


def test_the_losses_must_come_in_pairs():
    feedback = check(
        "training-loop", lambda model, opt, schedule, batches, validation, epochs: [1.0] * epochs, enter=False
    )
    assert feedback.status == "wrong"
    assert "(3, 2)" in feedback.message


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
