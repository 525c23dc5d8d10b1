"""Curves and numbers in the short form in which a page stores them; ``figure.js`` reads the same form."""

from __future__ import annotations

import math

import numpy as np

from ..markup import raised

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def packed(numbers) -> str:
    """Whole numbers as the letters of Base64 VLQ, the form of source maps: each as its difference to the one before.

    A letter holds five bits, lowest first, and whether more follow; the lowest bit of a number is its sign.

    Example:
        >>> packed([0, 1, 0, 16]), packed([100, 100, 100])
        ('ACDgB', 'oGAA')
    """
    letters = []
    for step in np.diff(np.asarray(numbers, dtype=int), prepend=0).tolist():
        rest = 2 * abs(step) + (step < 0)
        while rest > 31:
            letters.append(LETTERS[rest % 32 + 32])
            rest //= 32
        letters.append(LETTERS[rest])
    return "".join(letters)


def shown(value: float, digits: int = 3) -> str:
    """A number as the figures print it: so many significant digits, and words for what is beyond all numbers.

    Example:
        >>> shown(0.012345), shown(-1234567.0), shown(float("inf"))
        ('0.0123', '−1.23·10⁶', 'beyond all numbers')
    """
    if not math.isfinite(value):
        return "beyond all numbers"
    mantissa, _, power = f"{value:.{digits}g}".replace("-", "−").partition("e")
    return f"{mantissa}·10{raised(int(power.replace('−', '-')))}" if power else mantissa


class Formula:
    """A curve as a formula of the step ``t`` and of the controls that it names by their labels.

    The formula is an expression that Python and JavaScript read alike: numbers, ``t``, the labels, ``pi``, operators,
    and ``abs, cos, exp, floor, max, min, sqrt``. The page evaluates it, so that sliders may have many positions.

    Example:
        >>> Formula("0.1 * gamma ** t", count=2)(gamma=0.5).tolist()
        [[0.0, 0.1], [1.0, 0.05], [2.0, 0.025]]
    """

    _WORDS = {
        **{name: getattr(np, name) for name in ("abs", "cos", "exp", "floor", "pi", "sqrt")},
        "max": np.maximum,
        "min": np.minimum,
        "__builtins__": {},
    }

    def __init__(self, text: str, count: int):
        self.text, self.count = text, count

    def __call__(self, **settings) -> np.ndarray:
        """Points ``[count + 1, 2]`` for the steps 0 to ``count``."""
        t = np.arange(self.count + 1.0)
        with np.errstate(divide="ignore"):
            return np.column_stack([t, eval(self.text, self._WORDS, {"t": t, **settings}) + 0 * t])
