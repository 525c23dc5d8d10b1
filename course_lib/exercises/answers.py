"""Kinds of exercise that need no function: a number to predict, a question with choices."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from ..edge import is_tensor
from .engine import Exercise, as_float, is_raw_bits, lines_of_cell, numpy_of
from .sandbox import run


@dataclass(frozen=True)
class TypicalNumber:
    """A wrong number that people really give, and what it comes from."""

    id: str
    value: float
    explanation: str


class PredictExercise(Exercise):
    """Predict a number before running anything.

    Args:
        id, chapter, title, hints: See ``Exercise``.
        question: What is asked, in one or two sentences.
        value: The right number.
        tolerance: The relative error that passes.
        because: Why it is right, shown when it is.
        mistakes: :class:`TypicalNumber` entries.
    """

    kind = "predict"

    def __init__(self, id, *, question, value, because, mistakes=(), tolerance=0.005, **common):
        super().__init__(id, **common)
        self.question, self.value, self.because, self.tolerance = question, value, because, tolerance
        self.typical = tuple(mistakes)

    @property
    def stub(self) -> str:
        name = self.id.replace("-", "_")
        return f"{lines_of_cell(self.question, '# ', '# ')}\n{name} = None  # your number here"

    def close(self, number: float, value: float) -> bool:
        return math.isclose(number, value, rel_tol=self.tolerance, abs_tol=1e-12)

    def examine(self, answer):
        if answer is None or answer is Ellipsis:
            return self.not_attempted()
        number = run(lambda: as_number(answer), self.time_limit).value
        if number is None:
            return self.feedback("error", f"A number is needed, got {shown(answer)}.")
        if self.close(number, self.value):
            return self.feedback("passed", self.because)
        for mistake in self.typical:
            if self.close(number, mistake.value):
                return self.feedback(
                    "mistake", mistake.explanation, mistake=mistake.id, details=(("got", f"{number:.6g}"),)
                )
        return self.feedback("wrong", self._direction(number), details=(("got", f"{number:.6g}"),))

    def _direction(self, number) -> str:
        """Say in which direction the number is off without giving the right one away."""
        if not math.isfinite(number):
            return "A finite number is asked for."
        if number * self.value < 0:
            return "The sign is wrong."
        ratio = number / self.value if self.value else math.inf
        if ratio >= 10 or ratio <= 0.1:
            return f"Too {'large' if ratio > 1 else 'small'}, by a factor of ten or more."
        return f"Too {'large' if number > self.value else 'small'}."


def as_number(answer) -> float | None:
    """Return a number, or an array or tensor of one element, as a float; anything else is None.

    Example:
        >>> as_number(np.array([0.04])), as_number("0.04")
        (0.04, None)
    """
    if is_tensor(answer):
        answer = numpy_of(answer) if answer.is_dense() else None
    if isinstance(answer, (bool, np.bool_)) or is_raw_bits(answer):
        return None
    if isinstance(answer, np.ndarray) and answer.size == 1 and answer.dtype.kind in "fiu":
        answer = answer.reshape(-1)[0]
    return as_float(answer) if isinstance(answer, (numbers.Real, Decimal)) else None


def one_number(answer) -> float:
    """Return what ``as_number`` reads, or raise a TypeError that says what stands there instead."""
    number = as_number(answer)
    if number is None:
        raise TypeError(f"one number is asked for, got {shown(answer)}")
    return number


def shown(answer) -> str:
    """What stands where a number is needed, in words."""
    if isinstance(answer, str):
        return f"the text {answer[:40]!r}: write it without quotes"
    if callable(answer):
        return "a function: call it and hand over its result"
    if is_raw_bits(answer):
        return "bfloat16 numbers as raw bits: before `.numpy()`, `.astype('float32')`"
    return f"a value of type {type(answer).__name__}"
