"""How sure a measurement is: intervals that hold the true mean, or the true share, in 95 of 100 repetitions.

A condition of a verdict asks whether a measured quantity is on one side of a threshold. The interval answers with
yes, no, or, where it contains the threshold, with None: the runs do not decide. ``claims.judge`` takes all three::

    lead = intervals.paired(accuracy["Adam"], accuracy["SGD"])  # the same seeds, so differences seed by seed
    claims.judge({"Adam ends ahead by more than half a point": lead.above(0.5)})
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from course_lib import errors

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A measured mean, share or ratio, and the range that the true one can be expected in.

    Attributes:
        mean: The measured value.
        low, high: The ends of the interval.
    """

    mean: float
    low: float
    high: float

    def above(self, threshold: float = 0.0) -> bool | None:
        """True if the whole interval is above ``threshold``, False if it is below, None if it contains it.

        Example:
            >>> of([1.0, 1.2, 1.1, 0.9]).above(0.5), of([1.0, 1.2, 1.1, 0.9]).above(1.0)
            (True, None)
        """
        threshold = errors.number("threshold", threshold)
        return True if self.low > threshold else False if self.high < threshold else None

    def below(self, threshold: float = 0.0) -> bool | None:
        """True if the whole interval is below ``threshold``, False if it is above, None if it contains it."""
        above = self.above(threshold)
        return None if above is None else not above

    def within(self, margin: float) -> bool | None:
        """Whether the true value is 0 up to ``margin``: True if the interval lies between -margin and margin, False
        if it lies outside, None if it contains one of the two.

        Example:
            >>> of([0.1, -0.2, 0.0, 0.1]).within(0.5)
            True
        """
        margin = errors.number("margin", margin, low=0, low_open=True)
        inside = self.above(-margin), self.below(margin)
        return False if False in inside else None if None in inside else True

    def __format__(self, spec: str) -> str:
        """``f"{lead:+.1f}"`` → ``+1.3 ± 0.4``: the mean and half of the interval's length, both in the given format."""
        spec = spec or ".2g"
        return f"{self.mean:{spec}} ± {(self.high - self.low) / 2:{spec.lstrip('+')}}"

    def __str__(self) -> str:
        return f"{self}"


class Ratio(Interval):
    """An interval of a ratio. It is not symmetric, so both ends are shown: ``×1.3 (1.1 to 1.5)``."""

    def __format__(self, spec: str) -> str:
        spec = spec or ".2g"
        return f"×{self.mean:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


@dataclass(frozen=True)
class Share(Interval):
    """The interval of a share, shown as the count that it rests on: ``9 of 10``."""

    yes: int
    tries: int

    def __format__(self, spec: str) -> str:
        return f"{self.yes} of {self.tries}"


def of(samples) -> Interval:
    """Student's interval of the mean of independent samples, such as one number per seed.

    Args:
        samples: At least two finite numbers. What has diverged is no number: count it with ``share``.

    Raises:
        TypeError, ValueError: They are no such numbers.

    Example:
        >>> print(f"{of([2.0, 3.0, 4.0]):.1f}")
        3.0 ± 2.5
    """
    from scipy import special  # stats would take a second to import

    samples = _finite("samples", samples)
    mean, error = samples.mean(), samples.std(ddof=1) / math.sqrt(len(samples))
    reach = special.stdtrit(len(samples) - 1, (1 + LEVEL) / 2) * error
    return Interval(float(mean), float(mean - reach), float(mean + reach))


def paired(a, b) -> Interval:
    """The interval of the mean of ``a - b``, pair by pair: runs with equal seeds share their chance, and it cancels.

    Example:
        >>> paired([97.1, 96.0, 95.2], [96.0, 95.1, 94.0]).above(0)
        True
    """
    a, b = _pairs(a, b)
    return of(a - b)


def ratio(a, b) -> Ratio:
    """The interval of the ratio ``a / b``, pair by pair, of positive numbers: of the geometric mean of the ratios.

    Example:
        >>> ratio([200, 220, 210], [100, 105, 108]).above(1.5)
        True
    """
    a, b = _pairs(a, b)
    if min(a.min(), b.min()) <= 0:
        raise ValueError(f"a ratio needs positive numbers, got {min(a.min(), b.min()):g}")
    logarithm = of(np.log(a) - np.log(b))
    return Ratio(*(math.exp(value) for value in (logarithm.mean, logarithm.low, logarithm.high)))


def share(outcomes) -> Share:
    """Wilson's interval of the share of True among independent tries.

    Example:
        >>> most = share([True] * 9 + [False])
        >>> print(most, most.above(0.5))
        9 of 10 True
    """
    from scipy import special

    outcomes = np.asarray(outcomes)
    if outcomes.ndim != 1 or outcomes.dtype != bool or not len(outcomes):
        raise ValueError(f"outcomes must be a list of True and False, got {outcomes!r:.60}")
    yes, n, z = int(outcomes.sum()), len(outcomes), float(special.ndtri((1 + LEVEL) / 2))
    p, width = yes / n, 2 * (n + z * z)
    centre, reach = (2 * n * p + z * z) / width, z / width * math.sqrt(4 * n * p * (1 - p) + z * z)
    return Share(p, centre - reach if yes else 0.0, centre + reach if yes < n else 1.0, yes, n)


def _pairs(a, b) -> tuple[np.ndarray, np.ndarray]:
    a, b = _finite("a", a), _finite("b", b)
    if len(a) != len(b):
        raise ValueError(f"a and b must have equal lengths, one pair per seed, got {len(a)} and {len(b)}")
    return a, b


def _finite(name: str, samples) -> np.ndarray:
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 1 or len(samples) < 2 or not np.isfinite(samples).all():
        raise ValueError(f"{name} must be at least two finite numbers in a row, got {samples!r:.80}")
    return samples
