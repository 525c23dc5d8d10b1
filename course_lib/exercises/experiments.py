"""Kinds of exercise that rest on training: measure something, or design a schedule that reaches a goal."""

from __future__ import annotations

import numpy as np

from .. import optimizer
from ..edge import is_tensor
from ..optimizer.lr import LambdaDecay
from . import diagnosis
from .answers import as_number, shown
from .engine import BadAnswer, Exercise, Implement, Mistake, ask, caller, is_raw_bits, numpy_of
from .functions import header
from .sandbox import run


class Recognised(Exception):
    """Raised by an examination: the answer shows a known mistake."""

    def __init__(self, mistake: Mistake):
        super().__init__(mistake.id)
        self.mistake = mistake


class NotYet(Exception):
    """Raised by an examination: the answer is not right, and the text says where."""


class MeasureExercise(Exercise):
    """Run an experiment and hand over what it gave.

    Args:
        id, chapter, title, hints: See ``Exercise``.
        stub: The text of the notebook's cell.
        judge: ``judge(answer)`` returns praise, or raises :class:`Recognised` or :class:`NotYet`.
        trains: Whether ``judge`` trains a network.
        answer_trains: Whether the learner has to.
    """

    kind = "measure"

    def __init__(self, id, *, stub, judge, trains=False, answer_trains=False, **common):
        super().__init__(id, time_limit=120.0, **common)
        self._stub, self.judge, self.trains, self.answer_trains = stub, judge, trains, answer_trains

    @property
    def stub(self) -> str:
        return self._stub

    def examine(self, answer):
        if _is_empty(answer):
            return self.not_attempted()
        outcome = run(lambda: self.judge(_plain(answer)), self.time_limit)
        error = outcome.error
        if error is None:
            return self.feedback("passed", outcome.value)
        if isinstance(error, Recognised):
            m = error.mistake
            return self.feedback("mistake", m.explanation, mistake=m.id, title=m.name, hint=m.hint)
        if isinstance(error, NotYet):
            return self.feedback("wrong", str(error))
        if diagnosis.ran_too_long(error):
            return self.stopped(outcome, answer)
        return self.feedback(
            "error", f"The answer does not have the form that is asked for. {diagnosis.describe(error)}"
        )


def _is_empty(answer) -> bool:
    """None, an empty list or array, or a tuple or dict of nothing but these."""
    if isinstance(answer, (tuple, dict)):
        return all(map(_is_empty, answer.values() if isinstance(answer, dict) else answer))
    size = answer.size if isinstance(answer, np.ndarray) else len(answer) if isinstance(answer, list) else None
    return answer is None or answer is Ellipsis or size == 0


def _plain(answer):
    """Numbers for whatever holds a single one, as in ``as_number``, also in a list; arrays of several stay arrays."""
    if isinstance(answer, (list, tuple)):
        return list(map(_plain, answer))
    number = as_number(answer)
    if number is not None:
        return number
    if is_raw_bits(answer):
        raise TypeError(f"numbers are needed, got {shown(answer)}")
    return numpy_of(answer) if is_tensor(answer) else answer


def measure(id, *, chapter, title, hints, stub, **options):
    """Decorator: enter the decorated function as the judge of a new exercise, and return the exercise."""
    return lambda judge: MeasureExercise(
        id, chapter=chapter, title=title, hints=hints, stub=stub, judge=judge, **options
    )


class DesignExercise(Implement):
    """Write a schedule with which a small network reaches an accuracy within a budget of steps.

    Args:
        id, chapter, title, hints: See ``Exercise``.
        example: A schedule that passes; its signature and docstring make the stub.
        steps, batch_size, goal, seeds: The budget, and the mean validation accuracy to reach.
    """

    kind = "design"
    trains = True

    def __init__(self, id, *, example, steps, batch_size, goal, seeds=(0, 1, 2), **common):
        super().__init__(id, names=("t",), time_limit=60.0, **common)
        self.example, self.steps, self.batch_size, self.goal, self.seeds = example, steps, batch_size, goal, seeds

    @property
    def stub(self) -> str:
        return f"{header(self.example)}\n    raise NotImplementedError"

    def observe(self, function, backend=None):
        """The learning rate of each step, then the accuracy they lead to."""
        call = caller(function, self.names)
        rates = [ask(call, {"t": t}, (), f"step {t}").item() for t in range(self.steps)]
        if not np.isfinite(rates).all():
            raise BadAnswer(f"The learning rate of step {int(np.argmin(np.isfinite(rates)))} is not finite.")
        return np.array(rates), self.accuracy(rates)

    def accuracy(self, rates) -> float:
        return float(np.mean([self._train(rates, seed) for seed in self.seeds]))

    def _train(self, rates, seed) -> float:
        from .. import data, models, training

        digits = data.load("digits")
        model = models.mlp(digits, seed=seed)
        schedule = LambdaDecay(1.0, lambda t: rates[min(t, len(rates) - 1)])
        sgd = optimizer.SGD(learning_rate=schedule, parameters=model.parameters())
        run_with = {"steps": self.steps, "batch_size": self.batch_size, "seed": seed, "progress": False}
        return training.fit(model, sgd, digits, **run_with).final_accuracy

    def examine(self, answer):
        if not callable(answer):
            return self.no_function(answer)
        outcome = run(lambda: self.observe_twin(answer), self.time_limit)
        if outcome.error is not None:
            return self.not_attempted() if self.unfinished(outcome.error, answer) else self.failure(outcome, answer)
        rates, accuracy = outcome.value
        details = (
            ("learning rates", f"{rates[0]:.3g} at first, {rates.max():.3g} at most, {rates[-1]:.3g} at the end"),
            ("accuracy", f"{accuracy:.0%}, the mean of {len(self.seeds)} seeds; {self.goal:.0%} are needed"),
        )
        if accuracy >= self.goal and rates.min() >= 0:
            return self.feedback("passed", f"Your schedule gets there in {self.steps} steps.", details=details)
        for mistake in self.mistakes.values():
            if mistake.versions[0](rates, accuracy):
                return self.feedback(
                    "mistake",
                    mistake.explanation,
                    mistake=mistake.id,
                    title=mistake.name,
                    hint=mistake.hint,
                    details=details,
                )
        return self.feedback("wrong", "The goal is not reached: try another range or another shape.", details=details)


def design(id, *, chapter, title, hints, **options):
    """Decorator: enter the decorated schedule as the example of a new exercise, and return the exercise."""
    return lambda example: DesignExercise(id, example=example, chapter=chapter, title=title, hints=hints, **options)
