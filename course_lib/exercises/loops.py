"""The kind of exercise in which a training loop is written: small networks are trained with it, and watched."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from .. import optimizer
from ..edge import paddle
from ..optimizer import lr
from .engine import ROUNDED, Mistake, NumpyArrays, Observation, Reading, ask, caller, deviation, is_rounded
from .functions import FunctionExercise, listing
from .sandbox import run


class LoopExercise(FunctionExercise):
    """Write a training loop. Each case trains a new small network with it.

    The cases are numbers of epochs and of mini-batches. What the loop returns is read, and then what it did: the
    weights, the learning rate that the next step would have, and the steps.
    """

    trains = True
    of_each_training = 4
    """How many readings a training gives; the first is what the loop returns."""

    def __init__(self, id, *, reference, cases, **common):
        self._run_of_each_case = cases
        super().__init__(id, reference=reference, cases=[], **common)

    def observe(self, function, backend=NumpyArrays, small_run=None):
        return Observation(self._readings(function, small_run or _small_run))

    def glimpse(self, function):
        return Observation(itertools.islice(self._readings(function, _small_run), self.of_each_training))

    def _readings(self, function, small_run):
        call = listing(_pairs(caller(function, self.names)))
        for case in self._run_of_each_case:
            yield from self._train(call, *case, small_run(*case))

    def _train(self, call, epochs, batches, arguments):
        where = f"{epochs} epochs of {batches} mini-batches"
        value = ask(call, arguments, (epochs, 2), where)
        yield Reading(f"{where}: loss and accuracy of each epoch", value, allowed=1e-4)
        weights = [p.numpy().ravel() for p in arguments["model"].parameters()]
        yield Reading(f"{where}: the weights afterwards", np.concatenate(weights).astype(float), allowed=1e-4)
        yield Reading(f"{where}: the learning rate afterwards", np.array(arguments["opt"].get_lr()), allowed=1e-9)
        yield Reading(f"{where}: steps, and those with a gradient", arguments["opt"].watched, allowed=1e-3)

    def recognise(self, readings):
        got, want = (side[:: self.of_each_training] for side in (readings, self.expected))
        return super().recognise(readings) or (ROUNDED if is_rounded(got, want, self.roundings) else None)

    def about_the_result(self, error, answer):
        return (
            f"{super().about_the_result(error, answer)} A list is asked for: one pair [mean loss, accuracy] per epoch."
        )

    def diagnose(self, answer, backend):
        """Would it be right if all mini-batches were the same?"""
        outcome = run(lambda: self.observe_twin(answer, small_run=_run_of_equal_batches), self.time_limit)
        if outcome.error is None and deviation(outcome.value, self._expected_of_equal_batches) <= 1:
            return self.named(_OTHER_ORDER)
        return super().diagnose(answer, backend)

    @functools.cached_property
    def _expected_of_equal_batches(self):
        return self.observe(self.reference, small_run=_run_of_equal_batches)


def _pairs(call):
    """The same call for which a tuple of pairs, or what ``zip`` gives, is as good as the list of them."""

    def as_list(arguments):
        result = call(arguments)
        return list(result) if isinstance(result, (tuple, zip)) else result

    return as_list


_OTHER_ORDER = Mistake(
    "other-order",
    "The mini-batches are not taken one after the other",
    "Each epoch goes through the list of mini-batches as it is given, from first to last. Here some are left out, come "
    "twice or come in another order. Shuffling is right in a program of your own; the check compares with one order.",
    "Take `batches` as the list is: no shuffling, and every mini-batch once.",
)


class _Watched(optimizer.Momentum):
    """Notes its steps, each ``clear_grad`` and each gradient that arrives, to tell why a step had none to use."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._moved, self._calls, self._used = options["parameters"], "", 0
        self._moved[0].register_hook(self._note_gradient)

    def _note_gradient(self, _):
        self._calls += "b"

    @property
    def watched(self) -> np.ndarray:
        steps = self._calls.count("s")
        return np.array([steps, self._used, 0.0 if steps == self._used > 0 else self._reason])

    @property
    def _reason(self) -> float:
        """Why no step, or not every step, had a gradient to use."""
        if "b" not in self._calls:
            return 3.0  # none has arrived
        if "s" not in self._calls:
            return 0.0  # no step was made
        return 1.0 if self._calls[0] == "s" else 2.0  # the step came first, or ``clear_grad`` did

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
    from .. import seeding

    nn, rng = paddle.nn, np.random.default_rng([epochs, batches])
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


def _run_of_equal_batches(epochs: int, batches: int) -> dict:
    """The same training with its first mini-batch in the place of every other one."""
    arguments = _small_run(epochs, batches)
    return {**arguments, "batches": arguments["batches"][:1] * batches}
