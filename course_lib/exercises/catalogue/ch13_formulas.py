"""Chapter 13: initial weights, and the mistakes made with them."""

from __future__ import annotations

import numpy as np

from ... import initializer
from ..drawing import drawing

SHAPES = [(300, 100), (40, 800), (4, 6000)]


@drawing(
    "xavier-uniform",
    chapter=13,
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
    rng    a NumPy generator: rng.uniform(low, high, shape),
           rng.normal(mean, std, shape), …
    Return an array of that shape.

    Example: for shape (2, 4) all weights lie between -1 and 1.
    """
    return initializer.xavier_uniform(shape, rng)


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


@root_missing.also(hint="a = √(6/(n_in + n_out)): both above and below the fraction bar.")
def root_above_only(shape, rng):
    """The root is taken of 6 alone.

    √6/(n_in + n_out) makes the weights far too small, and so are all signals after a few layers.
    """
    return _uniform(rng, np.sqrt(6) / sum(shape), shape)


@root_missing.also(hint="a = √(6/(n_in + n_out)): both above and below the fraction bar.")
def root_below_only(shape, rng):
    """The root is taken of n_in + n_out alone.

    6/√(n_in + n_out) is √6 times too large, so the variance is six times too large: signals explode.
    """
    return _uniform(rng, 6 / np.sqrt(sum(shape)), shape)


@root_missing.also(hint="First the sum, then its root.")
def roots_added(shape, rng):
    """The roots of n_in and n_out are added.

    √n_in + √n_out is more than √(n_in + n_out): the weights come out too small.
    """
    return _uniform(rng, np.sqrt(6) / (np.sqrt(shape[0]) + np.sqrt(shape[1])), shape)


@xavier_uniform.mistake("Brackets around n_in + n_out: a fraction bar written as `/` ends at the next `+`.")
def brackets_missing(shape, rng):
    """The brackets around n_in + n_out are missing.

    `6 / n_in + n_out` is (6/n_in) + n_out: the weights are as large as the root of n_out, and everything explodes.
    """
    return _uniform(rng, np.sqrt(6 / shape[0] + shape[1]), shape)


@brackets_missing.also
def brackets_missing_below_the_root(shape, rng):
    """The brackets around the sum below the fraction bar are missing.

    `sqrt(6) / sqrt(n_in) + sqrt(n_out)` adds √n_out to the bound: the weights are enormous, and everything explodes.
    """
    return _uniform(rng, np.sqrt(6) / np.sqrt(shape[0]) + np.sqrt(shape[1]), shape)


@brackets_missing.also
def brackets_and_root_missing(shape, rng):
    """The brackets around n_in + n_out are missing, and so is the root.

    `6 / n_in + n_out` is (6/n_in) + n_out: the weights reach as far as n_out, and everything explodes.
    """
    return _uniform(rng, 6 / shape[0] + shape[1], shape)


@xavier_uniform.mistake("Both n_in and n_out count.")
def one_fan_only(shape, rng):
    """Only n_in is used: √(6/n_in) is He's bound.

    The variance 2/n_in makes up for a ReLU. Behind tanh it is twice what keeps the signals, and units saturate.
    """
    return _uniform(rng, np.sqrt(6 / shape[0]), shape)


@one_fan_only.also
def fan_out_only(shape, rng):
    """Only n_out is used.

    The variance 2/n_out is He's for the way back; signals change by the factor √(2 n_in/n_out) in every layer.
    """
    return _uniform(rng, np.sqrt(6 / shape[1]), shape)


@one_fan_only.also
def lecun(shape, rng):
    """Only n_in is used: √(3/n_in) is LeCun's bound.

    The variance 1/n_in keeps the signals on their way forward, but not the gradients on their way back.
    """
    return _uniform(rng, np.sqrt(3 / shape[0]), shape)


@one_fan_only.also
def lecun_of_outputs(shape, rng):
    """Only n_out is used, with the bound √(3/n_out).

    The variance 1/n_out keeps the gradients on their way back, but not the signals on their way forward.
    """
    return _uniform(rng, np.sqrt(3 / shape[1]), shape)


@one_fan_only.also
def inverse_root(shape, rng):
    """The bound is 1/√n_in: an old rule that many libraries still start from.

    The variance is 1/(3 n_in), a third of what keeps the signals: they fade from layer to layer.
    """
    return _uniform(rng, 1 / np.sqrt(shape[0]), shape)


@one_fan_only.also
def inverse_root_of_outputs(shape, rng):
    """The bound is 1/√n_out.

    The variance is 1/(3 n_out), a third of what keeps the gradients: they fade on their way back.
    """
    return _uniform(rng, 1 / np.sqrt(shape[1]), shape)


@one_fan_only.also
def he_std_as_bound(shape, rng):
    """The bound is √(2/n_in): He's standard deviation.

    n_out is left out, and a bound is √3 standard deviations: the variance is 2/(3 n_in), so signals fade.
    """
    return _uniform(rng, np.sqrt(2 / shape[0]), shape)


@xavier_uniform.mistake("The variance is a²/3, and it should be 2/(n_in + n_out).")
def three_for_six(shape, rng):
    """The factor 2 of the variance is lost: √(3/(n_in + n_out)).

    The weights have half of Xavier's variance: signals and gradients fade from layer to layer.
    """
    return _uniform(rng, np.sqrt(3 / sum(shape)), shape)


@three_for_six.also
def one_for_six(shape, rng):
    """The bound is √(1/(n_in + n_out)).

    The weights have a sixth of Xavier's variance: signals and gradients fade within a few layers.
    """
    return _uniform(rng, np.sqrt(1 / sum(shape)), shape)


@xavier_uniform.mistake("Both signs: from -a to a.")
def only_positive(shape, rng):
    """All weights are positive.

    The mean of numbers from 0 to a bound is not zero, so all units see the same sum and saturate together.
    """
    return np.sqrt(6 / sum(shape)) * rng.random(shape)


@only_positive.also
def only_positive_by_std(shape, rng):
    """All weights are positive, and bounded by the standard deviation.

    The mean of numbers from 0 to a bound is not zero, so all units see the same sum. And a bound is √3 times the
    standard deviation.
    """
    return np.sqrt(2 / sum(shape)) * rng.random(shape)


@only_positive.also(hint="Both signs: from -a to a; and both n_in and n_out count.")
def only_positive_by_inputs(shape, rng):
    """All weights are positive, and scaled by n_in alone.

    The mean of numbers from 0 to a bound is not zero, so all units see the same sum and saturate together.
    """
    return rng.random(shape) / np.sqrt(shape[0])


@only_positive.also(hint="Subtract a: from -a to a.")
def not_centred(shape, rng):
    """The weights lie between 0 and 2a.

    The width is right, but the mean is a instead of zero: all units see the same sum and saturate together.
    """
    return 2 * np.sqrt(6 / sum(shape)) * rng.random(shape)


@xavier_uniform.mistake("From -a to a the interval is 2a wide.")
def half_the_width(shape, rng):
    """The interval is half as wide as it should be.

    From -a/2 to a/2 the weights have a quarter of Xavier's variance: signals fade within a few layers.
    """
    return np.sqrt(6 / sum(shape)) * (rng.random(shape) - 0.5)


@xavier_uniform.mistake("The bound depends on n_in and n_out.")
def not_scaled_at_all(shape, rng):
    """The weights are not scaled: they lie between -1 and 1.

    Their variance is 1/3 in layers of any size: the wider the layer, the faster its units saturate.
    """
    return _uniform(rng, 1, shape)


@not_scaled_at_all.also
def from_zero_to_one(shape, rng):
    """The weights are neither centred nor scaled: they lie between 0 and 1.

    All units add up all their inputs with positive weights, see the same sum, and saturate at once.
    """
    return rng.random(shape)


@not_scaled_at_all.also
def keras_default(shape, rng):
    """The bound is 0.05 for layers of any size.

    A fixed bound suits one width only: in wider layers signals grow, in narrower ones they fade.
    """
    return _uniform(rng, 0.05, shape)


@xavier_uniform.mistake("The gain of 4 was made for one activation; it is not asked for here.")
def gain_of_the_sigmoid(shape, rng):
    """The bound is four times Xavier's.

    The factor 4 belongs to the logistic sigmoid, whose slope is 1/4 at zero. Behind tanh the units saturate.
    """
    return _uniform(rng, 4 * np.sqrt(6 / sum(shape)), shape)


@xavier_uniform.mistake("Uniform, between two bounds.")
def normal_instead(shape, rng):
    """The weights are drawn from a normal distribution.

    With the variance 2/(n_in + n_out) that is Xavier's other form; here the uniform one is asked for.
    """
    return rng.standard_normal(shape) * np.sqrt(2 / sum(shape))


@normal_instead.also(hint="Uniform, between two bounds; a is not the standard deviation.")
def normal_with_the_bound(shape, rng):
    """The weights are drawn from a normal distribution, with the bound as standard deviation.

    The variance is three times Xavier's: signals grow. And here the uniform distribution is asked for.
    """
    return rng.standard_normal(shape) * np.sqrt(6 / sum(shape))


@normal_instead.also(hint="Uniform, between two bounds that depend on n_in and n_out.")
def lecun_normal(shape, rng):
    """The weights are drawn from a normal distribution, scaled by n_in alone.

    1/√n_in is LeCun's standard deviation, which many programs call Xavier's. Here the uniform form is asked for, in
    which n_out counts as well.
    """
    return rng.standard_normal(shape) / np.sqrt(shape[0])


@normal_instead.also(hint="Uniform, between two bounds that depend on n_in and n_out.")
def he_normal_instead(shape, rng):
    """The weights are drawn from a normal distribution with He's standard deviation.

    √(2/n_in) makes up for a ReLU. Here the uniform form is asked for, in which n_out counts as well.
    """
    return rng.standard_normal(shape) * np.sqrt(2 / shape[0])


@normal_instead.also(hint="Uniform, between two bounds that depend on n_in and n_out.")
def small_normal_numbers(shape, rng):
    """The weights are drawn from a normal distribution, with a standard deviation of 0.01.

    In layers of any size it is the same, and in all usual ones signals vanish. Here the uniform form is asked for,
    whose bound depends on the layer.
    """
    return 0.01 * rng.standard_normal(shape)


@xavier_uniform.mistake("n_in + n_out, not their product and not their mean.")
def fans_multiplied(shape, rng):
    """n_in and n_out are multiplied instead of added.

    Their product is far larger than their sum: the weights are far too small, and signals vanish.
    """
    return _uniform(rng, np.sqrt(6 / (shape[0] * shape[1])), shape)


@fans_multiplied.also
def mean_of_fans(shape, rng):
    """The mean of n_in and n_out is taken instead of their sum.

    6 over the mean is twice 6 over the sum: the weights have twice Xavier's variance.
    """
    return _uniform(rng, np.sqrt(12 / sum(shape)), shape)


def add_numbers_from_elsewhere(exercise):
    """Enter two ways of not using ``rng``: NumPy's global numbers, and a generator made inside."""

    @exercise.mistake("Draw with `rng.…`, not with `np.random.…`.")
    def own_generator(shape, rng):
        """The given generator is not used.

        The numbers come from somewhere else, so the weights cannot be repeated from the seed of `rng`.
        """
        return exercise.reference(shape, np.random.default_rng(np.random.randint(2**31)))

    @own_generator.also(hint="Draw with `rng.…`; no generator is to be made inside.")
    def fixed_seed(shape, rng):
        """The numbers come from a generator with a fixed seed.

        All layers of a shape get the same weights, in every run, whatever seed `rng` was made from.
        """
        return exercise.reference(shape, np.random.default_rng(0))


add_numbers_from_elsewhere(xavier_uniform)


@drawing(
    "he-normal",
    chapter=13,
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
    rng    a NumPy generator: rng.uniform(low, high, shape),
           rng.normal(mean, std, shape), …
    Return an array of that shape.

    Example: for shape (200, 50) the standard deviation of the weights is about 0.1.
    """
    return initializer.he_normal(shape, rng)


@he_normal.mistake("`rng.normal` takes the standard deviation, the root of the variance.")
def variance_as_std(shape, rng):
    """The variance is used as the standard deviation.

    The weights are far too small: signals vanish within a few layers.
    """
    return rng.normal(0, 2 / shape[0], shape)


@variance_as_std.also(hint="σ = √(2/n_in): both above and below the fraction bar.")
def root_of_two_alone(shape, rng):
    """The root is taken of 2 alone.

    √2/n_in is far too small: signals vanish within a few layers.
    """
    return rng.normal(0, np.sqrt(2) / shape[0], shape)


@variance_as_std.also(hint="σ = √(2/n_in): both above and below the fraction bar.")
def root_of_the_fan_alone(shape, rng):
    """The root is taken of n_in alone.

    2/√n_in is √2 times too large, so the signals' variance doubles in every layer: they explode.
    """
    return rng.normal(0, 2 / np.sqrt(shape[0]), shape)


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


@factor_two_missing.also(hint="σ = √(2/n_in): 2, and the side of the inputs.")
def factor_two_missing_of_outputs(shape, rng):
    """The factor 2 is missing, and n_out is used instead of n_in.

    1/n_out keeps gradients behind tanh; the signals behind ReLU change by the factor √(n_in/(2 n_out)) in every layer.
    """
    return rng.normal(0, np.sqrt(1 / shape[1]), shape)


@he_normal.mistake("He's variance has n_in alone.")
def he_xavier_variance(shape, rng):
    """This is Xavier's variance.

    2/(n_in + n_out) takes no account of ReLU: the signals fade.
    """
    return rng.normal(0, np.sqrt(2 / sum(shape)), shape)


@he_xavier_variance.also
def mean_of_both_fans(shape, rng):
    """n_in is replaced by the mean of n_in and n_out.

    4/(n_in + n_out) is a compromise between signals and gradients: in layers that are not square neither keeps its
    size.
    """
    return rng.normal(0, np.sqrt(4 / sum(shape)), shape)


@he_xavier_variance.also
def product_of_both_fans(shape, rng):
    """n_in is replaced by the product of n_in and n_out.

    √(2/(n_in · n_out)) counts all the weights of the layer; a unit adds up n_in of them. The signals vanish.
    """
    return rng.normal(0, np.sqrt(2 / (shape[0] * shape[1])), shape)


@he_xavier_variance.also(hint="He's variance has n_in alone; and a sum below a fraction bar needs brackets.")
def he_brackets_missing(shape, rng):
    """n_out does not belong there, and the brackets around the sum are missing.

    `2 / n_in + n_out` is (2/n_in) + n_out: the weights are as large as the root of n_out, and everything explodes.
    """
    return rng.normal(0, np.sqrt(2 / shape[0] + shape[1]), shape)


@he_normal.mistake("A normal distribution, around zero.")
def rand_for_randn(shape, rng):
    """The weights are uniform between 0 and a bound.

    All weights are positive, so all units see the same sum: rand, say, was used for randn.
    """
    return rng.random(shape) * np.sqrt(2 / shape[0])


@rand_for_randn.also(hint="Both signs: a normal distribution around zero has them by itself.")
def absolute_values(shape, rng):
    """All weights are positive.

    The absolute value of a normal number has a mean above zero: all units see the same sum, and signals explode.
    """
    return np.abs(rng.normal(0, np.sqrt(2 / shape[0]), shape))


@he_normal.mistake("A normal distribution.")
def uniform_instead(shape, rng):
    """The weights are drawn uniformly.

    With the bound √(6/n_in) that is He's other form; here the normal one is asked for.
    """
    return _uniform(rng, np.sqrt(6 / shape[0]), shape)


@uniform_instead.also
def uniform_with_std_as_bound(shape, rng):
    """The weights are drawn uniformly, with the standard deviation as bound.

    The variance is a third of He's: signals fade. And here the normal distribution is asked for.
    """
    return _uniform(rng, np.sqrt(2 / shape[0]), shape)


@he_normal.mistake("That is the bound of the uniform form. What is the standard deviation?")
def bound_as_std(shape, rng):
    """The bound of the uniform form is used as the standard deviation.

    √(6/n_in) is √3 times too large, so the signals' variance triples in every layer: they explode.
    """
    return rng.normal(0, np.sqrt(6 / shape[0]), shape)


@he_normal.mistake("Scale the numbers that were drawn.")
def not_scaled(shape, rng):
    """The weights are not scaled.

    Their variance is 1: signals grow by √(n_in/2) in every layer and explode.
    """
    return rng.standard_normal(shape)


@not_scaled.also(hint="`rng.normal` takes the mean first, then the standard deviation.")
def deviation_as_mean(shape, rng):
    """The standard deviation is handed over as the mean.

    The weights then have the variance 1 and a mean above zero: signals grow from layer to layer and explode.
    """
    return rng.normal(np.sqrt(2 / shape[0]), 1, shape)


@not_scaled.also(hint="The standard deviation depends on n_in.")
def fixed_scale(shape, rng):
    """The standard deviation is 0.01 for layers of any size.

    A fixed one suits a single width, here n_in = 20,000: in all usual layers signals vanish.
    """
    return 0.01 * rng.standard_normal(shape)


@he_normal.mistake("Multiply by the standard deviation.")
def divided_by_std(shape, rng):
    """The weights are divided by the standard deviation.

    √(n_in/2) makes them larger the more inputs there are: signals explode.
    """
    return rng.standard_normal(shape) / np.sqrt(2 / shape[0])


add_numbers_from_elsewhere(he_normal)
