"""Chapter 8: initial weights, and the mistakes made with them."""

from __future__ import annotations

import numpy as np

from .drawing import drawing
from .functions import Case, exercise

SHAPES = [(300, 100), (40, 800), (4, 6000)]


@drawing(
    "xavier-uniform",
    chapter=8,
    title="Xavier initialization, uniform",
    shapes=SHAPES,
    hints=(
        "The variance should be 2/(n_in + n_out). Which interval has that variance?",
        "A uniform distribution on (−a, a) has the variance a²/3.",
        "a = √(6/(n_in + n_out))",
    ),
)
def xavier_uniform(shape, rng):
    """Return weights drawn uniformly, with Xavier's bound.

    shape  (n_in, n_out)
    rng    a NumPy generator: rng.uniform(low, high, shape), rng.normal(mean, std, shape), …
    Return an array of that shape.

    Example: for shape (2, 4) all weights lie between -1 and 1.
    """
    bound = np.sqrt(6 / sum(shape))
    return rng.uniform(-bound, bound, shape)


def _uniform(rng, bound, shape):
    return rng.uniform(-bound, bound, shape)


@xavier_uniform.mistake("The bound is √3 times the standard deviation.")
def std_as_bound(shape, rng):
    """The standard deviation is used as the bound: √3 is missing.

    The variance is a third of what it should be: signals fade from layer to layer.
    """
    return _uniform(rng, np.sqrt(2 / sum(shape)), shape)


@xavier_uniform.mistake("6/(n_in + n_out) is the square of the bound.")
def root_missing(shape, rng):
    """The root is missing.

    The weights are far too small, and so are all signals after a few layers.
    """
    return _uniform(rng, 6 / sum(shape), shape)


@xavier_uniform.mistake("Both n_in and n_out count.")
def one_fan_only(shape, rng):
    """Only one of n_in and n_out is used.

    With √(6/n) of one side alone either the signals or the gradients keep their variance, not both.
    """
    return _uniform(rng, np.sqrt(6 / shape[0]), shape)


@one_fan_only.also
def fan_out_only(shape, rng):
    return _uniform(rng, np.sqrt(6 / shape[1]), shape)


@one_fan_only.also
def lecun(shape, rng):
    return _uniform(rng, np.sqrt(3 / shape[0]), shape)


@one_fan_only.also
def inverse_root(shape, rng):
    return _uniform(rng, 1 / np.sqrt(shape[0]), shape)


@xavier_uniform.mistake("Both signs: from -a to a.")
def only_positive(shape, rng):
    """All weights are positive.

    `rng.random` draws from 0 to 1: the mean is not zero, so all units see the same sum and saturate together.
    """
    return np.sqrt(6 / sum(shape)) * rng.random(shape)


@only_positive.also
def only_positive_by_std(shape, rng):
    return np.sqrt(2 / sum(shape)) * rng.random(shape)


@xavier_uniform.mistake("Uniform, between two bounds.")
def normal_instead(shape, rng):
    """The weights are drawn from a normal distribution.

    With the variance 2/(n_in + n_out) that is Xavier's other form; here the uniform one is asked for.
    """
    return rng.standard_normal(shape) * np.sqrt(2 / sum(shape))


@normal_instead.also
def normal_with_the_bound(shape, rng):
    return rng.standard_normal(shape) * np.sqrt(6 / sum(shape))


@xavier_uniform.mistake("n_in + n_out, not their product and not their mean.")
def fans_multiplied(shape, rng):
    """n_in and n_out are not added.

    Their product makes the weights far too small, their mean too large.
    """
    return _uniform(rng, np.sqrt(6 / (shape[0] * shape[1])), shape)


@fans_multiplied.also
def mean_of_fans(shape, rng):
    return _uniform(rng, np.sqrt(12 / sum(shape)), shape)


def _from_elsewhere(right):
    """Two ways of not using ``rng``: NumPy's global numbers, and a generator made inside."""
    return (
        lambda shape, rng: right(shape, np.random.default_rng(np.random.randint(2**31))),
        lambda shape, rng: right(shape, np.random.default_rng(0)),
    )


@xavier_uniform.mistake("Draw with `rng.…`, not with `np.random.…`.")
def own_generator(shape, rng):
    """The given generator is not used.

    The weights cannot be repeated from the seed, or all layers get the same ones.
    """
    return _from_elsewhere(xavier_uniform.reference)[0](shape, rng)


own_generator.also(_from_elsewhere(xavier_uniform.reference)[1])


@drawing(
    "he-normal",
    chapter=8,
    title="He initialization, normal",
    shapes=SHAPES,
    hints=(
        "ReLU sets half of its inputs to zero: by what factor must the variance of the weights make up for it?",
        "The variance is 2/n_in; rng.normal wants the standard deviation.",
        "weights ~ N(0, σ²), σ = √(2/n_in)",
    ),
)
def he_normal(shape, rng):
    """Return weights drawn from a normal distribution, with He's variance.

    shape  (n_in, n_out)
    rng    a NumPy generator: rng.uniform(low, high, shape), rng.normal(mean, std, shape), …
    Return an array of that shape.

    Example: for shape (200, 50) the standard deviation of the weights is about 0.1.
    """
    return rng.normal(0, np.sqrt(2 / shape[0]), shape)


@he_normal.mistake("`rng.normal` takes the standard deviation, the root of the variance.")
def variance_as_std(shape, rng):
    """The variance is used as the standard deviation.

    The weights are far too small: signals vanish within a few layers.
    """
    return rng.normal(0, 2 / shape[0], shape)


@he_normal.mistake("Each unit adds up n_in inputs; shape is (n_in, n_out).")
def fans_swapped(shape, rng):
    """n_out is used instead of n_in.

    Signals grow or fade by the factor √(n_in/n_out) in every layer that is not square.
    """
    return rng.normal(0, np.sqrt(2 / shape[1]), shape)


@he_normal.mistake("The factor 2 makes up for what ReLU cuts off.")
def factor_two_missing(shape, rng):
    """The factor 2 is missing.

    1/n_in suits tanh; behind ReLU the signals halve in variance from layer to layer.
    """
    return rng.normal(0, np.sqrt(1 / shape[0]), shape)


@he_normal.mistake("He's variance has n_in alone.")
def he_xavier_variance(shape, rng):
    """This is Xavier's variance.

    2/(n_in + n_out) takes no account of ReLU: the signals fade.
    """
    return rng.normal(0, np.sqrt(2 / sum(shape)), shape)


@he_normal.mistake("A normal distribution, around zero.")
def rand_for_randn(shape, rng):
    """The weights are uniform between 0 and a bound.

    `rng.random` (rand) was used for `rng.standard_normal` (randn): all weights are positive, all units see the same
    sum.
    """
    return rng.random(shape) * np.sqrt(2 / shape[0])


@he_normal.mistake("A normal distribution.")
def uniform_instead(shape, rng):
    """The weights are drawn uniformly.

    With the bound √(6/n_in) that is He's other form; here the normal one is asked for.
    """
    return _uniform(rng, np.sqrt(6 / shape[0]), shape)


@uniform_instead.also
def uniform_with_std_as_bound(shape, rng):
    return _uniform(rng, np.sqrt(2 / shape[0]), shape)


@he_normal.mistake("Scale the numbers that were drawn.")
def not_scaled(shape, rng):
    """The weights are not scaled.

    Their variance is 1: signals grow by √(n_in/2) in every layer and explode.
    """
    return rng.standard_normal(shape)


@he_normal.mistake("Multiply by the standard deviation.")
def divided_by_std(shape, rng):
    """The weights are divided by the standard deviation.

    √(n_in/2) makes them larger the more inputs there are: signals explode.
    """
    return rng.standard_normal(shape) / np.sqrt(2 / shape[0])


@he_normal.mistake("Draw with `rng.…`, not with `np.random.…`.")
def he_own_generator(shape, rng):
    """The given generator is not used.

    The weights cannot be repeated from the seed, or all layers get the same ones.
    """
    return _from_elsewhere(he_normal.reference)[0](shape, rng)


he_own_generator.also(_from_elsewhere(he_normal.reference)[1])


# ------------------------------------------------------------------------- weight normalization


def _directions():
    rng = np.random.default_rng(9)
    cases = [Case({"v": np.array([3.0, 4.0]), "g": 2.0}, "v = [3, 4], g = 2")]
    for size, g in [(3, 0.5), (7, -1.5), (40, 3.0)]:
        v = rng.standard_normal(size) + 0.3
        cases.append(Case({"v": v, "g": g}, f"a random v of {size} elements, g = {g}"))
    return cases


@exercise(
    "weight-norm",
    chapter=8,
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
    return g * v / (v * v).sum() ** 0.5


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


@weight_norm.mistake("Divide by the norm first.")
def not_normalised(v, g):
    """v is not divided by its norm.

    g · v mixes length and direction again: nothing is gained.
    """
    return g * v


@weight_norm.mistake("The Euclidean norm: root of the sum of squares.")
def sum_of_absolute_values(v, g):
    """Another norm is used.

    With the sum or the maximum of the absolute values the length of w depends on its direction.
    """
    return g * v / np.abs(v).sum()


@sum_of_absolute_values.also
def largest_absolute_value(v, g):
    return g * v / np.abs(v).max()


@sum_of_absolute_values.also
def plain_sum(v, g):
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
    """v is standardised: mean subtracted, divided by the standard deviation.

    That is what batch normalization does to activations; it changes the direction of v.
    """
    return g * (v - v.mean()) / v.std()


@standardised.also
def divided_by_the_standard_deviation(v, g):
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
