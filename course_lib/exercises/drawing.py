"""The kind of exercise in which random numbers are drawn: not the numbers are compared, but their distribution."""

from __future__ import annotations

import numpy as np

from .engine import NumpyArrays, Observation, Reading, ask, caller, first_difference
from .functions import FunctionExercise, listing

SHARES = np.array([0.05, 0.15, 0.25, 0.5, 0.75, 0.85, 0.95])
ALLOWED = 0.06
"""In standard deviations of the right distribution. With 50,000 numbers a quantile is off by 0.01; a uniform and a
normal distribution of the same variance differ by 0.19 at the quartiles."""

#: What is looked at beside the distribution -> what is wrong where it is not as it should be.
REQUIREMENTS = {
    "neighbours": "Each weight must be drawn on its own: here one tells of the one beside it, as in sorted numbers.",
    "repetitions": "Each weight must be drawn on its own: here many are the same, or the same but for the sign.",
    "the next layer": "Each call must draw new numbers from `rng`: here the next layer would get the same weights.",
    "equal generators": "All randomness must come from `rng`: equal generators must give equal weights.",
    "different generators": "All randomness must come from `rng`: different generators must give different weights.",
}


class OldGenerators(NumpyArrays):
    """What an answer gets that cannot work with NumPy's new generators."""


class DrawExercise(FunctionExercise):
    """Write ``draw(shape, rng)``, which returns random weights of a given distribution.

    Args:
        id, chapter, title, hints, reference: See ``FunctionExercise``.
        shapes: Shapes to draw, each with some 30,000 elements.
    """

    def __init__(self, id, *, reference, shapes, **common):
        self.shapes = shapes
        super().__init__(id, reference=reference, cases=[], **common)

    tried_again_after = AttributeError  # a function that NumPy's new generators lack
    other_probes = OldGenerators

    def observe(self, function, backend=NumpyArrays):
        call = listing(caller(function, self.names))
        generator = np.random.RandomState if backend is OldGenerators else np.random.default_rng

        def draw(shape, rng):
            return ask(call, {"shape": shape, "rng": rng}, shape, f"shape {list(shape)}")

        weights = (reading for shape in self.shapes for reading in self._weights(draw, shape, generator(1)))
        return Observation([*weights, *self._generators(draw, generator)])

    def _weights(self, draw, shape, rng):
        """The weights of two layers of one shape: their distribution, and whether each is drawn on its own."""
        words = f"shape {list(shape)}"
        layers = np.stack([draw(shape, rng), draw(shape, rng)])
        spread = max(layers.std(), 1e-6 * np.abs(layers).max(), 1e-30)  # that of a constant is its rounding
        quantiles = np.sort(layers, axis=None)[(SHARES * layers.size).astype(int)]
        yield Reading(f"the quantiles of the weights of {words}", quantiles, allowed=ALLOWED * spread)
        layer = (layers[0] - layers[0].mean()) / spread
        beside = np.array([(layer[1:] * layer[:-1]).mean(), (layer[:, 1:] * layer[:, :-1]).mean()])
        yield Reading(f"neighbours, {words}", beside, allowed=0.05)
        yield Reading(f"repetitions, {words}", np.unique(np.abs(layers[0])).size / np.array(layer.size), allowed=0.02)
        yield _yes_or_no("the next layer", not np.array_equal(*layers))

    def _generators(self, draw, generator):
        first, same, other = (draw((3, 2), generator(seed)) for seed in (1, 1, 2))
        yield _yes_or_no("equal generators", np.array_equal(first, same))
        yield _yes_or_no("different generators", not np.array_equal(first, other))

    def difference(self, readings):
        got, want = first_difference(readings, self.expected)
        requirement = REQUIREMENTS.get(want.where.partition(",")[0])
        if requirement is not None:
            return self.feedback("wrong", requirement, details=(("first difference", want.where),))
        furthest = sorted(np.argsort(np.abs(got.value - want.value))[-3:])
        details = [
            (f"{SHARES[i]:.0%} lie below", f"{got.value[i]:.4f}, expected {want.value[i]:.4f}") for i in furthest
        ]
        message = "The weights do not have the right distribution: compare where they lie."
        return self.feedback("wrong", message, details=(("first difference", want.where), *details))

    def with_cause_of_nan(self, feedback, readings, answer, backend):
        return feedback  # what is compared are no results of single calls

    def diagnose(self, answer, backend):
        return None


def _yes_or_no(where, answer) -> Reading:
    return Reading(where, np.array(float(answer)), allowed=0.1)


def drawing(id, *, chapter, title, hints, shapes):
    """Decorator: enter the decorated function as the right answer of a new exercise, and return the exercise."""
    return lambda reference: DrawExercise(
        id, reference=reference, shapes=shapes, chapter=chapter, title=title, hints=hints
    )
