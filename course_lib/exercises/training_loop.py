"""Chapter 3: the training loop, and the curves that a faulty one leaves behind."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn.functional import cross_entropy

from .. import data, models, optimizer, seeding
from ..optimizer import lr
from .engine import Mistake, NumpyArrays, Observation, Reading, ask, caller
from .experiments import NotYet, Recognised, measure
from .functions import FunctionExercise, listing

# -- complete the loop ------------------------------------------------------------------------------------------------


class LoopExercise(FunctionExercise):
    """Write a training loop. Each case trains a new small network with it.

    The cases are numbers of epochs and of mini-batches. What the loop returns is read, and then what it did: the
    weights, and the learning rate that the next step would have.
    """

    def __init__(self, id, *, reference, cases, **common):
        self._run_of_each_case = cases
        super().__init__(id, reference=reference, cases=[], **common)

    def observe(self, function, backend=NumpyArrays):
        call = listing(caller(function, self.names))
        return Observation(reading for case in self._run_of_each_case for reading in self._train(call, *case))

    def _train(self, call, epochs, batches):
        where = f"{epochs} epochs of {batches} mini-batches"
        arguments = _small_run(epochs, batches)
        value = ask(call, arguments, (epochs, 2), where)
        yield Reading(f"{where}: loss and accuracy of each epoch", value, allowed=1e-4)
        weights = [p.numpy().ravel() for p in arguments["model"].parameters()]
        yield Reading(f"{where}: the weights afterwards", np.concatenate(weights).astype(float), allowed=1e-4)
        yield Reading(f"{where}: the learning rate afterwards", np.array(arguments["opt"].get_lr()), allowed=1e-9)
        yield Reading(f"{where}: steps, and those with a gradient", arguments["opt"].watched, allowed=1e-3)


class _Watched(optimizer.Momentum):
    """Counts its steps. Where some had no gradient to use, it tells whether a step or ``clear_grad`` came first."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._moved, self._calls, self._used = options["parameters"], "", 0

    @property
    def watched(self) -> np.ndarray:
        steps = self._calls.count("s")
        first = 0.0 if steps == self._used else 1.0 if self._calls[0] == "s" else 2.0
        return np.array([steps, self._used, first])

    def step(self):
        self._calls += "s"
        self._used += any(p.grad is not None and bool(p.grad.numpy().any()) for p in self._moved)
        super().step()

    def minimize(self, loss, **options):
        self.step()
        return [], []

    def clear_grad(self, *arguments, **options):
        self._calls += "c"
        super().clear_grad(*arguments, **options)


def _small_run(epochs: int, batches: int) -> dict:
    """The arguments of one training: a network whose layers work in another way in training than in evaluation."""
    rng = np.random.default_rng([epochs, batches])
    with seeding.seeded(epochs):
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1D(8), nn.ReLU(), nn.Linear(8, 3))
    images = rng.normal(0.5, 1.0, (batches + 2, 6, 4)).astype("float32")
    labels = (images[..., :3] + 0.5 * rng.normal(size=images[..., :3].shape)).argmax(axis=-1)
    pairs = [(paddle.to_tensor(image), paddle.to_tensor(label)) for image, label in zip(images, labels)]
    schedule = lr.StepDecay(0.1, step_size=2, gamma=0.7)
    opt = _Watched(schedule, parameters=model.parameters())
    return {
        "model": model,
        "opt": opt,
        "schedule": schedule,
        "batches": pairs[:batches],
        "validation": (paddle.concat([i for i, _ in pairs[batches:]]), paddle.concat([k for _, k in pairs[batches:]])),
        "epochs": epochs,
    }


def _accuracy(model, validation) -> float:
    images, labels = validation
    return float((model(images).argmax(axis=1) == labels).astype("float32").mean())


def train_network(model, opt, schedule, batches, validation, epochs):
    """Train a network; return the mean training loss and the validation accuracy of each epoch.

    model       the network; a call gives the scores of the classes. Some of its layers work in another way while
                training (`model.train()`) than in use (`model.eval()`)
    opt         the optimizer of its parameters; its learning rate is the schedule
    schedule    made to be stepped once after every mini-batch
    batches     the mini-batches of an epoch: a list of (images, labels)
    validation  (images, labels) to measure the accuracy with, after each epoch
    epochs      how often to go through the mini-batches
    Return a list with one pair [mean loss, accuracy in [0, 1]] per epoch. The loss of a mini-batch is
    paddle.nn.functional.cross_entropy(scores, labels).
    Example: two epochs in which the network learns something may give [[1.98, 0.41], [1.52, 0.58]].
    """
    history = []
    for _ in range(epochs):
        model.train()
        losses = []
        for images, labels in batches:
            loss = cross_entropy(model(images), labels)
            loss.backward()
            opt.step()
            opt.clear_grad()
            schedule.step()
            losses.append(float(loss))
        model.eval()
        history.append([np.mean(losses), _accuracy(model, validation)])
    return np.array(history)


loop = LoopExercise(
    "training-loop",
    chapter=3,
    title="Complete the training loop",
    reference=train_network,
    cases=[(3, 4), (2, 5), (1, 3)],
    hints=(
        "Four things happen to every mini-batch: loss, gradient, step, and emptying the gradients for the next one.",
        "The schedule is stepped beside the optimizer. What else has to be switched back before the next epoch begins?",
        "model.train() at the beginning of each epoch and model.eval() before the accuracy; the epoch's loss is the "
        "mean over all of its mini-batches.",
    ),
)


def _variant(*, train=True, evaluate=True, order="bsc", schedule="batch", told="mean", softmax=False):
    """A loop with a slip in it. ``order``: b backward, s step, c clear_grad; a letter left out is not called."""

    def wrong(model, opt, schedule_, batches, validation, epochs):
        history = []
        for _ in range(epochs):
            if train:
                model.train()
            losses = []
            for images, labels in batches:
                scores = model(images)
                loss = cross_entropy(nn.functional.softmax(scores) if softmax else scores, labels)
                for call in order:
                    {"b": loss.backward, "s": opt.step, "c": opt.clear_grad, "l": schedule_.step}[call]()
                if schedule == "batch" and "l" not in order:
                    schedule_.step()
                losses.append(float(loss))
            if schedule == "epoch":
                schedule_.step()
            if evaluate:
                model.eval()
            summary = {"mean": np.mean, "last": lambda values: values[-1], "sum": np.sum, "first": lambda v: v[0]}[told]
            history.append([summary(losses), _accuracy(model, validation)])
        return np.array(history)

    return wrong


def _enter(id, name, explanation, hint, *slips):
    loop.add(Mistake(id, name, explanation, hint, [_variant(**slip) for slip in slips]))


_enter(
    "no-clear-grad",
    "The gradients are never cleared",
    "`backward` adds to the gradients that are there. Each step then follows the sum of all gradients so far, which is "
    "momentum without any friction.",
    "opt.clear_grad() once per mini-batch.",
    {"order": "bs"},
)
_enter(
    "step-before-backward",
    "The step comes before the gradient",
    "`step` uses the gradients that `backward` has left. Before it there are none, or those of the mini-batch before.",
    "First loss.backward(), then opt.step().",
    {"order": "sbc"},
    {"order": "scb"},
    {"order": "sb"},
)
_enter(
    "cleared-before-step",
    "The gradients are cleared before they are used",
    "Between `backward` and `step` nothing may empty them: here nothing is left for `step`.",
    "Clear after the step, or before the backward pass.",
    {"order": "bcs"},
    {"order": "csb"},
)
_enter(
    "no-step",
    "The optimizer never makes a step",
    "The gradients are computed, but no parameter moves.",
    "opt.step() once per mini-batch, after loss.backward().",
    {"order": "bc"},
    {"order": "b"},
)
_enter(
    "eval-left-on",
    "From the second epoch on, the network trains in evaluation mode",
    "`model.eval()` stays in force until `model.train()` is called. Batch normalization then uses old averages and "
    "dropout drops nothing, while the weights go on changing.",
    "Where does each epoch have to begin?",
    {"train": False},
)
_enter(
    "measured-in-training-mode",
    "The accuracy is measured in training mode",
    "Layers such as batch normalization and dropout then behave as in training: the number depends on which pictures "
    "are measured together, and measuring changes the network.",
    "Switch to evaluation mode before the accuracy is measured.",
    {"evaluate": False},
    {"evaluate": False, "train": False},
)
_enter(
    "schedule-per-epoch",
    "The schedule is stepped once per epoch",
    "It was made for mini-batches: its decay comes late by the number of mini-batches in an epoch.",
    "Which loop does schedule.step() belong into?",
    {"schedule": "epoch"},
)
_enter(
    "schedule-not-stepped",
    "The schedule is never stepped",
    "The optimizer asks it for the learning rate, but only `schedule.step()` moves it on: the rate stays as it began.",
    "schedule.step() once per mini-batch.",
    {"schedule": "never"},
)
_enter(
    "schedule-before-step",
    "The schedule is stepped before the optimizer",
    "The first step is then made with the learning rate of the second: the first value of the schedule is never used.",
    "First opt.step(), then schedule.step().",
    {"order": "blsc"},
)
_enter(
    "last-loss",
    "The loss of the last mini-batch is given as that of the epoch",
    "One mini-batch is a noisy sample: the curve of such losses jumps from epoch to epoch.",
    "Collect the losses of all mini-batches and take their mean.",
    {"told": "last"},
    {"told": "first"},
)
_enter(
    "summed-loss",
    "The losses are added, not averaged",
    "The sum grows with the number of mini-batches, so runs with other batch sizes cannot be compared.",
    "Divide by the number of mini-batches.",
    {"told": "sum"},
)
_enter(
    "softmax-twice",
    "Softmax is applied twice",
    "`cross_entropy` applies it to the scores by itself. Twice, it flattens the differences: the loss hardly falls and "
    "the gradients are small.",
    "Hand the scores over as the network gives them.",
    {"softmax": True},
)

# -- diagnose real curves ---------------------------------------------------------------------------------------------

#: Fault → what its curve looks like.
FAULTS = {
    "too low": "the loss falls slowly from first to last, and is still near 2.3 at the end",
    "too high": "the loss is thrown up and down, as far below 2.3 as above it, and settles nowhere",
    "not shuffled": "the loss goes from almost 0 to far above 2.3 and back: each digit is learned and then forgotten",
    "dead units": "after a leap in the first steps the loss lies flat at 2.3, the value of guessing",
    "decayed too early": "the loss falls as fast as in a good run, then bends and hardly falls any further",
}

#: The curves of the figure, from A to E, and how each was made: rate and whether the pictures are shuffled.
_RUNS = {
    "not shuffled": (0.3, False),
    "too low": (0.003, True),
    "decayed too early": ((0.3, 0.001), True),
    "dead units": (4.0, True),
    "too high": (1.5, True),
}
RIGHT = dict(zip("ABCDE", _RUNS))


def faulty_runs(seed: int, steps: int = 120) -> dict[str, np.ndarray]:
    """Letter → training losses of five runs on the digits, each with one fault: what the chapter's figure shows.

    The network is ``models.mlp``, the method SGD with mini-batches of 32. Which letter has which fault is the question
    of the exercise ``curve-diagnosis``.
    """
    return {letter: _losses(*_RUNS[fault], seed, steps) for letter, fault in RIGHT.items()}


def _losses(rate, shuffled: bool, seed: int, steps: int) -> np.ndarray:
    train = data.load("digits").train
    model = models.mlp(64, seed=seed)
    schedule = lr.PiecewiseDecay([15], list(rate if isinstance(rate, tuple) else (rate, rate)))
    opt = optimizer.SGD(schedule, parameters=model.parameters())
    rng, losses, places = np.random.default_rng(seed), [], []
    for _ in range(steps):
        if len(places) < 32:
            places = rng.permutation(len(train)) if shuffled else np.argsort(train.labels, kind="stable")
        batch, places = places[:32], places[32:]
        loss = cross_entropy(model(paddle.to_tensor(train.images[batch])), paddle.to_tensor(train.labels[batch]))
        loss.backward()
        opt.step()
        opt.clear_grad()
        schedule.step()
        losses.append(float(loss))
    return np.array(losses)


CURVES_STUB = f"""\
# What is wrong with each run? Each of these is right once:
# {", ".join(f'"{fault}"' for fault in FAULTS)}
diagnosis = {{"A": None, "B": None, "C": None, "D": None, "E": None}}"""

FLAT_TAKEN_FOR_SLOW = Mistake(
    "flat-taken-for-slow",
    "A flat curve is taken for a slow one",
    "With a rate that is too low, the loss falls all the time, if only a little. A curve that lies flat at 2.3 after a "
    "leap will never fall: no unit of the network answers any more, so no gradient comes back.",
    "Which curve leaps in the first steps, and which never moves far at all?",
)
BEND_TAKEN_FOR_SLOW = Mistake(
    "bend-taken-for-slow",
    "A curve with a bend is taken for a slow one",
    "A rate that is too low is so from the first step. Where the loss first falls fast and then bends, the rate was "
    "right at the beginning and became too low.",
    "Compare the first fifteen steps of the two.",
)
SAW_TAKEN_FOR_JUMPS = Mistake(
    "saw-teeth-taken-for-jumps",
    "The loss of sorted pictures is taken for that of a large rate",
    "Both go up and down. But a rate that is too high never lets the loss come near 0, while sorted pictures do so "
    "again and again: as long as one digit comes, it is enough to say that digit.",
    "Which of the two curves comes close to 0?",
)
DEAD_TAKEN_FOR_JUMPS = Mistake(
    "flat-taken-for-jumps",
    "A flat curve is taken for one that jumps",
    "One leap and then a level line is no jumping: a rate that is too high goes on throwing the loss about as long as "
    "units are alive.",
    "Look at the last hundred steps alone.",
)

_CONFUSED = {
    frozenset({"dead units", "too low"}): FLAT_TAKEN_FOR_SLOW,
    frozenset({"decayed too early", "too low"}): BEND_TAKEN_FOR_SLOW,
    frozenset({"not shuffled", "too high"}): SAW_TAKEN_FOR_JUMPS,
    frozenset({"dead units", "too high"}): DEAD_TAKEN_FOR_JUMPS,
}


@measure(
    "curve-diagnosis",
    chapter=3,
    title="What went wrong? Five curves",
    stub=CURVES_STUB,
    hints=(
        "Guessing among ten digits costs log 10 ≈ 2.3. Which curves stay there, and which leave it and come back?",
        "Look at the beginning of each curve first: falling fast, falling slowly, leaping, or close to 0 at once?",
        *(f"{fault}: {look}." for fault, look in FAULTS.items()),
    ),
)
def diagnosis(answer):
    if not isinstance(answer, dict) or set(answer) != set(RIGHT):
        raise TypeError(f"a dict with the keys {', '.join(RIGHT)} is needed")
    for letter, fault in answer.items():
        if fault not in FAULTS:
            offered = ", ".join(f'"{fault}"' for fault in FAULTS)
            raise TypeError(f"for each curve one of {offered} is needed; {letter} has {fault!r}")
    wrong = [letter for letter in RIGHT if answer[letter] != RIGHT[letter]]
    for letter in wrong:
        mistake = _CONFUSED.get(frozenset({answer[letter], RIGHT[letter]}))
        if mistake:
            raise Recognised(mistake)
    if wrong:
        raise NotYet(
            f"Not yet: of a run that is {answer[wrong[0]]!r}, {FAULTS[answer[wrong[0]]]}. Curve {wrong[0]} differs."
        )
    return (
        "All five. The loss alone tells these faults apart: where it starts to differ, and how far from 2.3 it stays."
    )
