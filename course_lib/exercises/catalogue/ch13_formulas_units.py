"""Chapter 13: units that must not be alike, and the weights of one unit as direction and length."""

from __future__ import annotations

import numpy as np

from ... import initializer
from ..drawing import drawing
from ..functions import Case, exercise
from .ch13_formulas import SHAPES, add_numbers_from_elsewhere, he_normal

# ------------------------------------------------------------------------ find the bug: a constant start


@drawing(
    "init-find-bug-constant",
    chapter=13,
    title="Find the bugs: a constant with some noise",
    shapes=SHAPES,
    hints=(
        "Print the function's answer for the shape (4, 3). Which of the three units are alike, and what is their mean?",
        "One bug is in the shape of the noise, the other is the constant that the noise is added to.",
        "A number of its own for every weight, around zero, with He's standard deviation √(2/n_in).",
    ),
)
def unlike_units(shape, rng):
    return initializer.he_normal(shape, rng)


@unlike_units.as_printed
def first_weights(shape, rng):
    """Return a layer's first weights: normal, around zero, with He's variance 2/n_in,
    no two units alike. Two bugs.

    shape  (n_in, n_out): the weights of a unit are a column
    rng    a NumPy generator
    """
    sigma = np.sqrt(2 / shape[0])
    # Not zero, so that gradients flow
    constant = np.full(shape, sigma)
    # Random, so that gradients are diverse
    noise = sigma / 10 * rng.standard_normal((shape[0], 1))
    return constant + noise


@unlike_units.mistake("Random is not enough: how many different columns does the answer have?")
def units_still_alike(shape, rng):
    """The constant is gone, but the units are still alike.

    Each input has a random number, and all units share it: their gradients are the same, and they stay the same.
    """
    return np.sqrt(2 / shape[0]) * rng.standard_normal((shape[0], 1)) * np.ones(shape)


@units_still_alike.also(hint="Every weight needs a number of its own.")
def one_number_for_each_unit(shape, rng):
    """Each unit has one random number, which it gives to all of its inputs.

    The units differ in a factor only: all of them look at the sum of the inputs, and the rank is still 1.
    """
    return np.sqrt(2 / shape[0]) * rng.standard_normal((1, shape[1])) * np.ones(shape)


@units_still_alike.also(hint="One bug is left: draw the noise in the full shape, with He's size.")
def small_noise_of_the_inputs(shape, rng):
    """The constant is gone, but the units are still alike, and the weights are far too small.

    Each input has one small random number, and all units share it.
    """
    return np.sqrt(2 / shape[0]) / 10 * rng.standard_normal((shape[0], 1)) * np.ones(shape)


@units_still_alike.also(hint="Every weight needs a number of its own, and the noise is to be around zero.")
def large_noise_of_the_inputs_on_the_constant(shape, rng):
    """The noise has He's size, but the units are still alike, and the constant is still there.

    Each input has one random number, and all units share it.
    """
    return np.sqrt(2 / shape[0]) * (1 + rng.standard_normal((shape[0], 1)) * np.ones(shape))


@units_still_alike.also(hint="Neither (n_in, 1) nor (1, n_out): every weight needs a number of its own.")
def small_noise_of_the_units_on_the_constant(shape, rng):
    """Each unit has one random number for all of its inputs, and the constant is still there.

    The units differ in a factor only: all of them look at the sum of the inputs, and the rank is still 1.
    """
    return np.sqrt(2 / shape[0]) * (1 + rng.standard_normal((1, shape[1])) / 10 * np.ones(shape))


@units_still_alike.also(hint="Every weight needs a number of its own, and the noise is to be around zero.")
def large_noise_of_the_units_on_the_constant(shape, rng):
    """The noise has He's size, but is one number per unit, and the constant is still there.

    The units differ in a factor only: all of them look at the sum of the inputs, and the rank is still 1.
    """
    return np.sqrt(2 / shape[0]) * (1 + rng.standard_normal((1, shape[1])) * np.ones(shape))


@units_still_alike.also(hint="Every weight needs a number of its own, of He's size.")
def small_noise_of_the_units(shape, rng):
    """The constant is gone, but each unit has one small number for all of its inputs.

    The units differ in a factor only: all of them look at the sum of the inputs, and the rank is still 1.
    """
    return np.sqrt(2 / shape[0]) / 10 * rng.standard_normal((1, shape[1])) * np.ones(shape)


@units_still_alike.also(hint="Draw a number for every weight, and multiply it by He's standard deviation once.")
def constant_times_noise(shape, rng):
    """Constant and noise are multiplied, and the units are still alike.

    The noise is scaled twice, so the weights are far too small; and all units share what each input has drawn.
    """
    return (2 / shape[0]) / 10 * rng.standard_normal((shape[0], 1)) * np.ones(shape)


@unlike_units.mistake("What is the mean of a unit's weights? It should be zero.")
def constant_kept(shape, rng):
    """Every weight has its own noise now, but the constant is still there.

    The noise is small beside it: all units see nearly the same sum, and drift apart slowly.
    """
    return np.sqrt(2 / shape[0]) * (1 + rng.standard_normal(shape) / 10)


@constant_kept.also
def noise_of_full_size_around_the_constant(shape, rng):
    """The noise is right, but it lies around the constant.

    The weights have a mean above zero, so all units see the same sum, and the signal grows from layer to layer.
    """
    return np.sqrt(2 / shape[0]) * (1 + rng.standard_normal(shape))


@unlike_units.mistake("Without the constant the noise is all there is: it must have He's size.")
def noise_too_small(shape, rng):
    """The units differ now, but the noise is as small as it was beside the constant.

    With a tenth of He's standard deviation the signals vanish within a few layers.
    """
    return np.sqrt(2 / shape[0]) / 10 * rng.standard_normal(shape)


@noise_too_small.also(hint="Multiply the noise by He's standard deviation, √(2/n_in).")
def noise_not_scaled(shape, rng):
    """The units differ now, but the noise is not scaled.

    A standard deviation of 1 in layers of any size lets the signals explode.
    """
    return rng.standard_normal(shape)


@noise_too_small.also(hint="The constant was He's standard deviation already: multiply the noise by it once.")
def noise_scaled_twice(shape, rng):
    """The units differ now, but constant and noise are multiplied: the noise is scaled twice.

    The result is far smaller than He's standard deviation, and the signals vanish.
    """
    return (2 / shape[0]) / 10 * rng.standard_normal(shape)


@unlike_units.mistake("Where has the noise gone?")
def no_noise(shape, rng):
    """The noise is gone, and the constant is left.

    All units are alike, and no learning rate makes them differ.
    """
    return np.full(shape, np.sqrt(2 / shape[0]))


@no_noise.also
def nothing_left(shape, rng):
    """All weights are zero.

    All units are alike, and with ReLU no weight ever gets a gradient.
    """
    return np.zeros(shape)


@unlike_units.mistake("A normal distribution, around zero.")
def random_signs(shape, rng):
    """Only the signs are random.

    Mean and variance are right, and units differ. But the numbers are two values, not normally distributed.
    """
    return np.sqrt(2 / shape[0]) * rng.choice([-1.0, 1.0], shape)


for _id in (
    "variance-as-std",
    "fans-swapped",
    "factor-two-missing",
    "xavier-variance",
    "rand-for-randn",
    "uniform-instead",
    "bound-as-std",
):
    unlike_units.add(he_normal.mistakes[_id])
add_numbers_from_elsewhere(unlike_units)


# ------------------------------------------------------------------------- weight normalization


def _directions():
    rng = np.random.default_rng(9)
    cases = [Case({"v": np.array([3.0, 4.0]), "g": 2.0}, "v = [3, 4], g = 2")]
    for size, scale, g in [(3, 1, 0.5), (7, 1, -1.5), (40, 1, 3.0), (5, 1e-3, -7.0), (90, 1e3, 12.0), (1, 0.1, 1.0)]:
        v = scale * (rng.standard_normal(size) + 0.3)
        words = "1 element" if size == 1 else f"{size} elements"
        cases.append(Case({"v": v, "g": g}, f"a random v of {words} around {0.3 * scale:g}, g = {g}"))
    return cases


@exercise(
    "weight-norm",
    chapter=13,
    title="Weight normalization",
    cases=_directions(),
    hints=(
        "The result has the direction of v. What must its length be?",
        "Divide v by its length, then it has the length 1.",
        "w = g · v / ‖v‖, with ‖v‖ = √(Σ v²)",
    ),
)
def weight_norm(v, g):
    """Return the weights of one unit, with the direction of v and the length g.

    v  direction: array of one axis
    g  length: a number (a negative one turns the direction round)
    Return an array like v.

    Example: v = [3, 4] and g = 2 give [1.2, 1.6].
    """
    return initializer.weight_norm(v, np.asarray(g))


@weight_norm.mistake("The norm is a root.")
def norm_without_root(v, g):
    """The norm lacks its root.

    The length comes out as g/‖v‖: the larger v, the smaller w.
    """
    return g * v / (v * v).sum()


@weight_norm.mistake("Where is the length set?")
def length_left_out(v, g):
    """g is left out.

    All weights have the length 1: direction can be learnt, size cannot.
    """
    return v / np.linalg.norm(v)


@length_left_out.also(hint="Divide v by its norm first, then multiply by g.")
def product_normalised(v, g):
    """g · v is divided by its own norm.

    That takes g out again, all but its sign: all weights have the length 1.
    """
    return g * v / np.linalg.norm(g * v)


@weight_norm.mistake("A length multiplies.")
def length_added(v, g):
    """g is added instead of multiplied.

    g moves all weights alike and so changes their direction; their length is not g.
    """
    return g + v / np.linalg.norm(v)


@weight_norm.mistake("Divide by the norm first.")
def not_normalised(v, g):
    """v is not divided by its norm.

    g · v mixes length and direction again: nothing is gained.
    """
    return g * v


@weight_norm.mistake("The Euclidean norm: root of the sum of squares.")
def sum_of_absolute_values(v, g):
    """Another norm is used: the sum of the absolute values.

    The absolute values of w add up to that of g, so the length of w depends on its direction.
    """
    return g * v / np.abs(v).sum()


@sum_of_absolute_values.also
def largest_absolute_value(v, g):
    """Another norm is used: the largest absolute value.

    The largest weight becomes g, so the length of w depends on its direction.
    """
    return g * v / np.abs(v).max()


@sum_of_absolute_values.also
def plain_sum(v, g):
    """The sum of v is no norm.

    Positive and negative elements cancel: where the sum is near zero the weights explode, and below it they turn round.
    """
    return g * v / v.sum()


@weight_norm.mistake("A sum of squares, not a mean.")
def mean_of_squares(v, g):
    """The mean of the squares is taken.

    The weights come out longer by the root of the number of inputs.
    """
    return g * v / np.sqrt(np.mean(v * v))


@weight_norm.mistake("Divide.")
def multiplied_by_the_norm(v, g):
    """v is multiplied by its norm.

    Long directions get longer still.
    """
    return g * v * np.linalg.norm(v)


@weight_norm.mistake("Do not centre v first.")
def standardised(v, g):
    """v is standardised: its mean is subtracted, and it is divided by its standard deviation.

    That is what batch normalization does to activations; it changes the direction of v.
    """
    return g * (v - v.mean()) / v.std()


@standardised.also(hint="Divide by the norm: the root of the sum of squares, no mean involved.")
def divided_by_the_standard_deviation(v, g):
    """v is divided by its standard deviation.

    The standard deviation is measured from the mean, so the length of w depends on the mean of v: it is g only by
    chance.
    """
    return g * v / v.std()


@weight_norm.mistake("The sign of g counts.")
def absolute_length(v, g):
    """The sign of g is lost.

    A negative g turns the weights round; without it, gradient descent cannot cross zero.
    """
    return abs(g) * v / np.linalg.norm(v)


@weight_norm.mistake("g is the length, not its root or its square.")
def length_squared(v, g):
    """g is squared.

    The length no longer follows g evenly, and its sign is lost.
    """
    return g * g * v / np.linalg.norm(v)
