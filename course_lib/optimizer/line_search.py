r"""How far to go along a direction: a search for a step that satisfies the strong Wolfe conditions.

Along the direction d the loss is a function of one number, the step: φ(α) = f(x + αd). A step is good if

.. math::

    \varphi(\alpha) \le \varphi(0) + c_1 \alpha\, \varphi'(0)
    \qquad\text{and}\qquad
    |\varphi'(\alpha)| \le c_2\, |\varphi'(0)|

the loss has fallen enough, and the slope has become flat enough. ``bracket`` walks until good steps must lie between
two points, ``zoom`` closes in on one.

Source: J. Nocedal, S. Wright, Numerical Optimization, 2nd edition, 2006, algorithms 3.5 and 3.6.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ENOUGH_FALL, FLAT_ENOUGH = 1e-4, 0.9  # c₁ and c₂
MOST_TURNS = 25  # of bracket and zoom together
SHORTEST_MOVE = 1e-9  # of any parameter, from one end of a bracket to the other
MARGIN = 0.1  # share of a bracket, at either end, in which a second trial in turn is none


class Point(NamedTuple):
    """What is known at one step along the direction: φ(α), φ'(α) and the gradient there."""

    step: float
    loss: float
    slope: float
    gradient: np.ndarray


class Line:
    """The loss along a direction, and how often it has been asked for.

    Args:
        at: Function of a step that returns its ``Point``.
        start: The point of step 0.
    """

    def __init__(self, at, start: Point):
        self._at, self.start, self.evaluations = at, start, 0

    def at(self, step: float) -> Point:
        """Return the point of a step."""
        self.evaluations += 1
        return self._at(step)

    def is_too_high(self, point: Point) -> bool:
        """Whether the loss has not fallen enough; where it is NaN the answer is no, as in Paddle."""
        return point.loss > self.start.loss + ENOUGH_FALL * point.step * self.start.slope

    def is_flat(self, point: Point) -> bool:
        """Whether the slope has become flat enough."""
        return abs(point.slope) <= -FLAT_ENOUGH * self.start.slope


def strong_wolfe(at, start: Point, step: float, reach: float) -> Point:
    """Return the point of a step that satisfies the strong Wolfe conditions, or the lowest one found.

    Args:
        at: Function of a step that returns its ``Point``.
        start: The point of step 0, where the slope is negative.
        step: The step to try first.
        reach: How far step 1 moves the parameter that it moves farthest.

    Example:
        >>> def parabola(step):
        ...     return Point(step, (step - 3) ** 2, 2 * (step - 3), None)
        >>> strong_wolfe(parabola, parabola(0.0), step=0.1, reach=1.0).step
        1.0
    """
    line = Line(at, start)
    ends = bracket(line, step)
    return ends[0] if len(ends) == 1 else zoom(line, *ends, reach)


def bracket(line: Line, step: float) -> tuple[Point, ...]:
    """Go on until a point is good: return it alone. Or until one is beyond good ones: return it and the one before."""
    before, point = line.start, line.at(step)
    for turn in range(MOST_TURNS):
        if line.is_too_high(point) or (turn > 1 and point.loss >= before.loss):  # the book: turn > 0
            return before, point
        if line.is_flat(point):
            return (point,)
        if point.slope >= 0:
            return before, point
        shortest, longest = point.step + 0.01 * (point.step - before.step), 10 * point.step
        before, point = point, line.at(cubic_minimum(before, point, shortest, longest))
    return line.start, point


def zoom(line: Line, first: Point, second: Point, reach: float) -> Point:
    """Replace the ends of a bracket until the lower one is good, or little is left of it."""
    low, high = _by_loss(first, second)
    near_an_end = False
    while line.evaluations <= MOST_TURNS and not abs(high.step - low.step) * reach < SHORTEST_MOVE:
        left, right = sorted((low.step, high.step))
        step = cubic_minimum(low, high, left, right)
        step, near_an_end = _off_the_ends(step, left, right, near_an_end)
        point = line.at(step)
        if line.is_too_high(point) or point.loss >= low.loss:
            low, high = _by_loss(low, point)
        elif line.is_flat(point):
            return point
        else:
            rises_towards_high = point.slope * (high.step - low.step) >= 0
            low, high = point, low if rises_towards_high else high
    return low


def cubic_minimum(a: Point, b: Point, lowest: float, highest: float) -> float:
    """Return where the cubic through two points, with their slopes, has its minimum, within the bounds given.

    Where it has none, return the middle between the bounds.

    Example:
        >>> a, b = Point(0.0, 1.0, -2.0, None), Point(3.0, 4.0, 4.0, None)  # of (step - 1)²
        >>> cubic_minimum(a, b, 0.0, 3.0)
        1.0
        >>> cubic_minimum(a, b, 1.5, 3.0)
        1.5
    """
    left, right = sorted((a, b), key=lambda point: point.step)
    with np.errstate(all="ignore"):  # a straight line, a single point, NaN: NumPy divides by zero, too
        width = np.float64(right.step - left.step)
        d1 = left.slope + right.slope - 3 * (right.loss - left.loss) / width
        d2_squared = d1 * d1 - left.slope * right.slope
        if not d2_squared >= 0:
            return (lowest + highest) / 2
        d2 = np.sqrt(d2_squared)
        step = right.step - width * (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
    return float(min(max(step, lowest), highest))


def _by_loss(a: Point, b: Point) -> tuple[Point, Point]:
    return (a, b) if a.loss <= b.loss else (b, a)


def _off_the_ends(step: float, left: float, right: float, near_an_end: bool) -> tuple[float, bool]:
    """Return the step to try, and whether it is near an end of the bracket.

    A second trial in turn that is near an end, and any on an end, is moved inwards: else a bracket might hardly shrink.
    """
    margin = MARGIN * (right - left)
    if not min(right - step, step - left) < margin:
        return step, False
    if left < step < right and not near_an_end:
        return step, True
    return (right - margin if abs(step - right) < abs(step - left) else left + margin), False
