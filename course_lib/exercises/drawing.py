"""The kind of exercise in which random numbers are drawn: not the numbers are compared, but their distribution."""

from __future__ import annotations

import numpy as np

from .engine import NumpyArrays, Observation, Reading, ask, caller, first_difference
from .functions import FunctionExercise

SHARES = np.array([0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98])
ALLOWED = 0.06
"""In standard deviations of the right distribution. With 30,000 numbers a quantile is off by 0.01 to 0.02; a uniform
and a normal distribution of the same variance differ by 0.19 at the quartiles."""


class DrawExercise(FunctionExercise):
    """Write ``draw(shape, rng)``, which returns random weights of a given distribution.

    Args:
        id, chapter, title, hints, reference: See ``FunctionExercise``.
        shapes: Shapes to draw, each with some 10,000 elements.
    """

    def __init__(self, id, *, reference, shapes, **common):
        self.shapes = shapes
        super().__init__(id, reference=reference, cases=[], **common)

    def observe(self, function, backend=NumpyArrays):
        call = caller(function, self.names)
        # An answer that cannot work with NumPy's new generators gets an old one.
        generator = np.random.default_rng if backend is NumpyArrays else np.random.RandomState
        return Observation(reading for shape in self.shapes for reading in self._draws(call, shape, generator))

    def _draws(self, call, shape, generator):
        words = f"shape {list(shape)}"
        first, same, other = (ask(call, {"shape": shape, "rng": generator(seed)}, shape, words) for seed in (1, 1, 2))
        quantiles = np.quantile(first, SHARES)
        yield Reading(f"the quantiles of the weights of {words}", quantiles, allowed=ALLOWED * max(first.std(), 1e-30))
        equal, different = np.array_equal(first, same), not np.array_equal(first, other)
        yield Reading("whether equal generators give equal weights", np.array(float(equal)), allowed=0.1)
        yield Reading("whether different generators give different weights", np.array(float(different)), allowed=0.1)

    def difference(self, readings):
        got, want = first_difference(readings, self.expected)
        if got.value.shape == ():
            message = "All randomness must come from `rng`: equal generators give equal weights, different ones do not."
            return self.feedback("wrong", message, details=(("first difference", want.where),))
        rows = [(f"{share:.0%} lie below", got.value[i], want.value[i]) for i, share in enumerate(SHARES)]
        details = [(words, f"{value:.4f}, expected {right:.4f}") for words, value, right in rows[::3]]
        message = "The weights do not have the right distribution: compare where they lie."
        return self.feedback("wrong", message, details=(("first difference", want.where), *details))

    def diagnose(self, answer, backend):
        return None


def drawing(id, *, chapter, title, hints, shapes):
    """Decorator: enter the decorated function as the right answer of a new exercise, and return the exercise."""
    return lambda reference: DrawExercise(
        id, reference=reference, shapes=shapes, chapter=chapter, title=title, hints=hints
    )
