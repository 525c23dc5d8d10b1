"""Runs of other libraries' optimizers and schedules, stored as numbers, and the task they were all given.

``make libraries`` writes them (``benchmarks/other_libraries.py``), in an environment that has
PyTorch, Keras and optax. Whoever compares with them needs none of the three: the gradients are a formula.
"""

from __future__ import annotations

import numpy as np

from .files import RESULTS, read_json

PATH = RESULTS / "other-libraries.json"

STEPS = 100
DROP = 50
"""After so many steps the learning rate falls to a tenth, in runs that say so: a velocity may remember the old one."""

KEPT = (1, 2, 3, 10, 50, 51, 60, 75, 100)
"""The steps after which positions are stored."""

SIZES = (1.0, 1e-4, 1e-8)
"""Of the gradients, row by row: ordinary ones, small ones, and some as small as the usual ε."""

START = np.array([[-1.0, -0.6], [-0.2, 0.2], [0.6, 1.0]])


def gradient(step: int) -> np.ndarray:
    """The gradient at a step, counted from 1. The second column is zero two times out of three.

    Example:
        >>> gradient(1).round(3)[0]
        array([1.341, 0.   ])
    """
    waves = np.sin(np.array([1.0, 1.7]) * step + np.array([[0.0], [1.0], [2.0]])) + 0.5
    return np.array(SIZES)[:, None] * waves * [1, step % 3 == 0]


def rows(step: int) -> list[int]:
    """The rows of a table of four that a step's gradient belongs to, for optimizers that leave the others alone.

    Example:
        >>> rows(1), rows(2)
        ([1, 3], [2, 3])
    """
    return sorted({step % 4, 3})


def metric(step: int) -> float:
    """What a schedule that waits for a plateau is shown at a step, counted from 1: it falls in waves.

    Example:
        >>> [round(metric(step), 3) for step in (1, 2, 3)]
        [1.046, 0.995, 0.813]
    """
    return float(1 / (1 + step / 8) + 0.2 * np.sin(0.9 * step))


def rosenbrock(x, y):
    """The valley in which L-BFGS is compared: it asks for the loss itself."""
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def stored() -> dict:
    """All that is stored, with the versions it was made with."""
    return read_json(PATH)


def deviation(ours: np.ndarray, kept) -> np.ndarray:
    """Return for each element how far the two libraries are apart, relative to its size and its way.

    Args:
        ours: The positions after each step, the start included: [STEPS + 1, …].
        kept: The other library's positions after the steps ``KEPT``.

    Example:
        >>> way = np.linspace(0, 1, STEPS + 1)[:, None]
        >>> deviation(way, 1.01 * way[list(KEPT)]).round(6)
        array([0.01])
    """
    way = np.abs(ours[0]) + np.abs(np.diff(ours, axis=0)).sum(axis=0)
    return np.abs(ours[list(KEPT)] - np.array(kept)).max(axis=0) / way
