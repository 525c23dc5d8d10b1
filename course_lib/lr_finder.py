"""The curve of a learning-rate range test, and which learning rate can be read from it.

The test itself, one short training run with a rising learning rate, is ``course_lib.range_test``. Its losses do not
move at first, then they fall, then they explode; useful learning rates lie where they fall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from course_lib import errors

RULES = ("steepest", "minimum/10")


@dataclass(frozen=True, eq=False)
class RangeTest:
    """The curve of a range test, and what it suggests.

    Attributes:
        lrs: Learning rate of each step that was made ``[n]``.
        losses: Loss of the mini-batch that the step was made with, before the step ``[n]``.
        smoothed: Moving average of the losses, NaN where the loss is no finite number ``[n]``.
        rule: The rule of ``suggestion``, one of ``RULES``.
        diverged_at: Learning rate at which the test was stopped because the loss exploded; None if it was not.
        sweep: ``"exponential"`` or ``"linear"``.
    """

    lrs: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    rule: str
    diverged_at: float | None
    sweep: str

    @property
    def has_descent(self) -> bool:
        """Whether the loss ever falls: a curve that does not points to a fault in the model or the data."""
        return _has_descent(self.smoothed)

    @property
    def suggestion(self) -> float:
        """The learning rate that ``rule`` suggests; see ``suggest``.

        Raises:
            ValueError: The curve has no descent.
        """
        return suggest(self.lrs, self.smoothed, self.rule)

    def plot(self, ax) -> None:
        """Draw the losses, their moving average and the suggestion on a Matplotlib Axes."""
        (line,) = ax.plot(self.lrs, self.smoothed, linestyle="-", label="moving average")
        look = {"color": line.get_color(), "linestyle": "-", "alpha": 0.3, "linewidth": 1, "zorder": 1}
        ax.plot(self.lrs, self.losses, label="mini-batches", **look)
        ax.set(xscale="log" if self.sweep == "exponential" else "linear", xlabel="learning rate", ylabel="loss")
        finite = _finite_part(self.smoothed)
        if len(finite) and finite.min() > 0:  # one exploded mini-batch must not flatten the rest of the curve
            ax.set_ylim(0.8 * finite.min(), 2 * np.median(finite[: _reach(len(finite)) + 1]))
        if self.has_descent:
            ax.axvline(self.suggestion, linestyle="--", color="0.3", label=f"{self.rule}: {self.suggestion:.2g}")
        ax.legend()

    def __repr__(self) -> str:
        end = f"diverged at {self.diverged_at:.2g}" if self.diverged_at is not None else "no divergence"
        advice = f"suggests {self.suggestion:.2g} ({self.rule})" if self.has_descent else "no descent"
        return f"RangeTest({self.lrs[0]:.2g} to {self.lrs[-1]:.2g}, {len(self.lrs)} steps: {end}, {advice})"


def suggest(lrs, smoothed, rule: str = "steepest") -> float:
    """Suggest a learning rate from the curve of a range test.

    ``"steepest"``: where, before its lowest point, the smoothed loss falls fastest per step of the sweep. The slope is
    taken over a tenth of the curve, so that the noise of single mini-batches does not decide.
    ``"minimum/10"``: a tenth of the learning rate at which the smoothed loss is lowest. The minimum itself is too
    large: there the loss is about to explode.

    Args:
        lrs: Learning rates ``[n]``, each greater than the one before.
        smoothed: Smoothed losses ``[n]``, n at least 10; what comes after the first NaN or infinity is not used.
        rule: One of ``RULES``.

    Raises:
        TypeError: ``lrs`` or ``smoothed`` are no numbers.
        ValueError: An unknown rule, arrays that do not fit, or a curve that has no descent: the loss never gets a
            tenth lower than at the start, so there is no learning rate to suggest.

    Example:
        >>> lrs = np.logspace(-4, 1, 101)
        >>> losses = 2.3 - 1.5 / (1 + (0.1 / lrs) ** 2) + (lrs / 3) ** 4
        >>> round(suggest(lrs, losses), 3), round(suggest(lrs, losses, "minimum/10"), 3)
        (0.1, 0.089)
    """
    errors.choice("rule", rule, RULES)
    lrs, smoothed = _array("lrs", lrs), _array("smoothed", smoothed)
    if lrs.ndim != 1 or lrs.shape != smoothed.shape:
        raise ValueError(f"lrs and smoothed must be two lists of one length, got {lrs.shape} and {smoothed.shape}")
    if len(lrs) < 10:
        raise ValueError(f"lrs and smoothed must have at least 10 entries, got {len(lrs)}")
    if not (np.isfinite(lrs).all() and (np.diff(lrs) > 0).all()):
        raise ValueError("lrs must be finite numbers, each greater than the one before")
    smoothed = _finite_part(smoothed)
    if not _has_descent(smoothed):
        raise ValueError(
            "the curve has no descent, so there is no learning rate to suggest: try another range lr_min … lr_max; "
            "if that does not help, look for a fault in the model, the loss or the labels"
        )
    if rule == "minimum/10":
        return float(lrs[smoothed.argmin()] / 10)
    reach = _reach(len(smoothed))
    descent = smoothed[: max(smoothed.argmin(), 2 * reach) + 1]  # what falls later falls from an explosion
    return float(lrs[reach + (descent[2 * reach :] - descent[: -2 * reach]).argmin()])


class MovingAverage:
    """Exponential moving average of the finite values, without bias towards 0 at the start."""

    def __init__(self, beta: float):
        self.beta, self.sum, self.weight = beta, 0.0, 0.0

    def update(self, value: float) -> float:
        if not math.isfinite(value):
            return math.nan
        self.sum = self.beta * self.sum + (1 - self.beta) * value
        self.weight = self.beta * self.weight + (1 - self.beta)
        return self.sum / self.weight


# The pieces ---------------------------------------------------------------------------------------------------


def _array(name: str, values) -> np.ndarray:
    try:
        if np.iscomplexobj(values):  # NumPy would leave the imaginary part out, with a warning
            raise TypeError
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a list of numbers, got {values!r:.60}") from None


def _finite_part(smoothed: np.ndarray) -> np.ndarray:
    finite = np.isfinite(smoothed)
    return smoothed if finite.all() else smoothed[: finite.argmin()]


def _has_descent(smoothed: np.ndarray) -> bool:
    smoothed = _finite_part(smoothed)
    if len(smoothed) < 10:
        return False
    start = np.median(smoothed[: _reach(len(smoothed)) + 1])
    return bool(smoothed.min() < start - 0.1 * abs(start))


def _reach(n: int) -> int:
    return max(1, n // 20)
