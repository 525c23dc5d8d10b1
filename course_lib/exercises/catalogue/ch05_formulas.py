"""Chapter 5: AdaGrad's and RMSProp's steps, with a scale for each parameter, and the mistakes made with them."""

from __future__ import annotations

from ... import optimizer, variants
from ...arrays import absolute, sqrt
from ..steps import StepExercise, step_of

_epsilon_inside = step_of(variants.AdagradWithEpsilonInside)
_epsilon_outside = step_of(variants.RMSPropWithEpsilonOutside)


adagrad = StepExercise(
    "adagrad-step",
    chapter=5,
    title="AdaGrad, one step",
    rule=optimizer.Adagrad,
    hyper=("epsilon",),
    other={"epsilon": 0.05},
    says="One step of AdaGrad (epsilon outside of the root).",
    hints=(
        "Each parameter gets its own step: how large have its gradients been so far?",
        "Add up the squares of the gradients, this one included, then divide the step by the root of the sum.",
        "G ← G + g², then x ← x − lr · g / (√G + ε)",
    ),
)


@adagrad.mistake("The sum of squares has the unit of g²; what brings it back to the unit of g?")
def root_missing(x, g, s, lr, epsilon):
    """The root is missing.

    The step is divided by the sum of squares itself: small gradients explode, large ones stand still.
    """
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - lr * g / (s.sum_of_squares + epsilon)


@adagrad.mistake("Add ε after the root has been taken.")
def epsilon_inside_the_root(x, g, s, lr, epsilon):
    """ε is inside the root.

    With √(G + ε) it acts like √ε: a thousand times larger at 1e-6, so parameters with small gradients hardly move.
    """
    return _epsilon_inside(x, g, s, lr, epsilon=epsilon)


@adagrad.mistake("`s.sum_of_squares` has one entry per parameter: no `sum`, no `mean`, no norm.")
def one_accumulator_for_all(x, g, s, lr, epsilon):
    """All parameters share one accumulator.

    Every parameter gets the same scale, so rare features lose the large steps that AdaGrad is made for.
    """
    s.sum_of_squares = s.sum_of_squares + (g * g).sum()
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@one_accumulator_for_all.also
def one_mean_for_all(x, g, s, lr, epsilon):
    s.sum_of_squares = s.sum_of_squares + (g * g).mean()
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@adagrad.mistake("First add the new square, then divide.")
def accumulator_updated_after_use(x, g, s, lr, epsilon):
    """The new square is added after the step.

    The first step divides by ε alone and jumps a million gradients far; later ones trust outdated sums.
    """
    change = lr * g / (sqrt(s.sum_of_squares) + epsilon)
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - change


@adagrad.mistake("AdaGrad never forgets: the sum only grows.")
def moving_average_instead(x, g, s, lr, epsilon):
    """A moving average takes the place of the sum.

    That is RMSProp's idea: the step does not die any more, but it is another method.
    """
    s.sum_of_squares = 0.9 * s.sum_of_squares + 0.1 * g * g
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@moving_average_instead.also
def moving_average_of_095(x, g, s, lr, epsilon):
    s.sum_of_squares = 0.95 * s.sum_of_squares + 0.05 * g * g
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@adagrad.mistake("A sum, not a mean: no division by `s.t`.")
def mean_of_squares(x, g, s, lr, epsilon):
    """The mean of the squares is taken, not the sum.

    The step no longer shrinks with time; AdaGrad's 1/√t decay is gone.
    """
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - lr * g / (sqrt(s.sum_of_squares / s.t) + epsilon)


@adagrad.mistake("Assign the new sum to `s.sum_of_squares`.")
def sum_forgotten(x, g, s, lr, epsilon):
    """The sum is not kept.

    Each gradient is divided by its own size: every parameter moves by lr, up or down, for ever.
    """
    return x - lr * g / (sqrt(g * g) + epsilon)


@sum_forgotten.also(hint="Divide by the root of the sum.")
def sum_not_used(x, g, s, lr, epsilon):
    """The step is divided by the last gradient's size, not by the root of the sum.

    The sum is kept but plays no part: every parameter moves by lr, up or down, for ever.
    """
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - lr * g / (sqrt(g * g) + epsilon)


@adagrad.mistake("Assign the new sum to `s.sum_of_squares`, and use it in the step.")
def sum_stays_at_zero(x, g, s, lr, epsilon):
    """The sum stays at zero.

    The new one is not assigned to `s.sum_of_squares`: every step divides by ε alone, and jumps far away.
    """
    return x - lr * g / epsilon


@adagrad.mistake("Accumulate squares, not the gradients themselves.")
def gradients_accumulated(x, g, s, lr, epsilon):
    """Gradients are accumulated without squaring.

    Absolute values add up linearly, so the step shrinks like 1/t instead of 1/√t and learning stops early.
    """
    s.sum_of_squares = s.sum_of_squares + absolute(g)
    return x - lr * g / (s.sum_of_squares + epsilon)


@gradients_accumulated.also
def root_of_accumulated_gradients(x, g, s, lr, epsilon):
    """Absolute values are accumulated instead of squares.

    The root of a sum of absolute values has the unit √g: the step depends on the loss's scale.
    """
    s.sum_of_squares = s.sum_of_squares + absolute(g)
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@gradients_accumulated.also
def root_of_the_sum_of_gradients(x, g, s, lr, epsilon):
    """The gradients are added up with their signs.

    Opposite ones cancel, and where their sum is negative its root is NaN.
    """
    s.sum_of_squares = s.sum_of_squares + g
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@adagrad.mistake("The state starts at zero, as it is given; ε protects the first step.")
def sum_starts_above_zero(x, g, s, lr, epsilon):
    """The sum starts at 0.1.

    TensorFlow's does; where gradients are small, 0.1 outweighs their squares for a long time and steps are too short.
    """
    s.sum_of_squares = s.sum_of_squares + g * g + (0.1 if s.t == 1 else 0.0)
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@sum_starts_above_zero.also
def sum_starts_at_one(x, g, s, lr, epsilon):
    """The sum starts at 1.

    Where gradients are small, 1 outweighs their squares for a long time and steps are too short.
    """
    s.sum_of_squares = s.sum_of_squares + g * g + (1.0 if s.t == 1 else 0.0)
    return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)


@adagrad.mistake("What happens to a parameter whose gradients have all been 0?")
def epsilon_left_out(x, g, s, lr, epsilon):
    """ε is left out.

    A parameter whose gradients have all been zero becomes 0/0 = NaN, and NaN spreads through the network.
    """
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - lr * g / sqrt(s.sum_of_squares)


@adagrad.mistake("Brackets: ε belongs under the fraction bar.")
def epsilon_added_to_the_quotient(x, g, s, lr, epsilon):
    """ε is added to the quotient instead of to the root.

    `/ sqrt(G) + eps` divides first: nothing protects from 0/0, and a small drift is added to every step.
    """
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - lr * (g / sqrt(s.sum_of_squares) + epsilon)


@epsilon_added_to_the_quotient.also
def epsilon_added_to_the_parameter(x, g, s, lr, epsilon):
    """ε is added to the new parameter instead of to the root.

    `… / sqrt(G) + eps` divides first: nothing protects from 0/0, and every parameter drifts up by ε per step.
    """
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - lr * g / sqrt(s.sum_of_squares) + epsilon


@epsilon_added_to_the_quotient.also
def epsilon_subtracted_from_the_parameter(x, g, s, lr, epsilon):
    """ε is added to the whole step instead of to the root.

    `… / sqrt(G) + eps` divides first: nothing protects from 0/0, and every parameter drifts down by ε per step.
    """
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - (lr * g / sqrt(s.sum_of_squares) + epsilon)


rmsprop = StepExercise(
    "rmsprop-step",
    chapter=5,
    title="RMSProp, one step",
    rule=optimizer.RMSProp,
    hyper=("rho", "epsilon"),
    other={"rho": 0.7, "epsilon": 0.05},
    slots=("mean_square",),
    says="One step of RMSProp, without momentum, as Paddle computes it (epsilon inside the root).",
    hints=(
        "AdaGrad's sum grows for ever. What forgets old squares?",
        "A moving average: keep a share rho of the old value, and let the rest come from the new square.",
        "r ← ρ r + (1 − ρ) g², then x ← x − lr · g / √(r + ε)",
    ),
)


@rmsprop.mistake("The two shares of an average add up to 1.")
def new_square_not_weighted(x, g, s, lr, rho, epsilon):
    """The factor 1 - rho is missing.

    The average becomes a sum that settles 1/(1 - rho) times too high: steps are too short by the root of that.
    """
    s.mean_square = rho * s.mean_square + g * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@rmsprop.mistake("How much of the old average stays at rho = 0.95: most of it, or a twentieth?")
def rho_swapped(x, g, s, lr, rho, epsilon):
    """rho and 1 - rho are swapped.

    The average forgets nearly everything at each step: the scale follows the last gradient and its noise.
    """
    s.mean_square = (1 - rho) * s.mean_square + rho * g * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@rmsprop.mistake("Paddle adds ε before the root is taken.")
def epsilon_outside_the_root(x, g, s, lr, rho, epsilon):
    """ε is outside of the root.

    Many textbooks print √r + ε; Paddle computes √(r + ε), where ε acts like √ε: the two part where gradients are small.
    """
    return _epsilon_outside(x, g, s, lr, rho=rho, epsilon=epsilon)


@rmsprop.mistake("The state starts at zero, as it is given.")
def average_starts_at_one(x, g, s, lr, rho, epsilon):
    """The average starts at 1.

    Some libraries do so; where gradients are small, the first 1/(1 - rho) steps then come out far too short.
    """
    if s.t == 1:
        s.mean_square = s.mean_square + 1
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@average_starts_at_one.also
def average_starts_at_the_first_square(x, g, s, lr, rho, epsilon):
    """The average starts at the first square.

    The first gradient keeps most of the weight for 1/(1 - rho) steps: its noise sets the scale.
    """
    s.mean_square = g * g if s.t == 1 else rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@rmsprop.mistake("A moving average forgets: multiply the old value by rho.")
def sum_instead_of_average(x, g, s, lr, rho, epsilon):
    """The squares are added up for ever.

    That is AdaGrad: the steps only shrink, and learning can stop early.
    """
    s.mean_square = s.mean_square + g * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@sum_instead_of_average.also
def old_average_kept_whole(x, g, s, lr, rho, epsilon):
    """The old average is kept whole, though the new square is weighted.

    It only grows, as AdaGrad's sum does: the steps only shrink, and learning can stop early.
    """
    s.mean_square = s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@rmsprop.mistake("RMS: root of the mean square.")
def no_root(x, g, s, lr, rho, epsilon):
    """The root is missing.

    The step is divided by the square: small gradients explode, large ones stand still.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / (s.mean_square + epsilon)


@rmsprop.mistake("First renew the average, then divide by it.")
def stale_average(x, g, s, lr, rho, epsilon):
    """The step uses the average from before this gradient.

    The first step divides by √ε and jumps a thousand gradients far; a sudden large gradient is not scaled down.
    """
    change = lr * g / sqrt(s.mean_square + epsilon)
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - change


@rmsprop.mistake("What happens to a parameter whose gradients have all been 0?")
def rmsprop_epsilon_left_out(x, g, s, lr, rho, epsilon):
    """ε is left out.

    A parameter whose gradients have all been zero becomes 0/0 = NaN, and NaN spreads through the network.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt(s.mean_square)


@rmsprop.mistake("Assign the new average to `s.mean_square`.")
def average_forgotten(x, g, s, lr, rho, epsilon):
    """The average is not kept.

    Each gradient is divided by its own size alone: every step is about as long, even at the minimum.
    """
    return x - lr * g / sqrt((1 - rho) * g * g + epsilon)


@average_forgotten.also(hint="Divide by the root of the average.")
def average_not_used(x, g, s, lr, rho, epsilon):
    """The step is divided by a share of the last square, not by the average.

    The average is kept but plays no part: every step is about as long, even at the minimum.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt((1 - rho) * g * g + epsilon)


@rmsprop.mistake("Assign the new average to `s.mean_square`, and use it in the step.")
def average_stays_at_zero(x, g, s, lr, rho, epsilon):
    """The average stays at zero.

    The new one is not assigned to `s.mean_square`: every step divides by √ε alone, and jumps far away.
    """
    return x - lr * g / sqrt(epsilon)


@rmsprop.mistake("RMSProp has no bias correction; that came with Adam.")
def bias_corrected(x, g, s, lr, rho, epsilon):
    """A bias correction is added.

    Adam has one, RMSProp has none: the first steps come out shorter than RMSProp's.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt(s.mean_square / (1 - rho**s.t) + epsilon)


@bias_corrected.also(hint="RMSProp has no bias correction, and Paddle adds ε before the root is taken.")
def bias_corrected_epsilon_outside(x, g, s, lr, rho, epsilon):
    """A bias correction is added, and ε is outside of the root.

    That is Adam without m; the first steps come out shorter than RMSProp's.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / (sqrt(s.mean_square / (1 - rho**s.t)) + epsilon)


@rmsprop.mistake("`s.mean_square` has one entry per parameter.")
def one_average_for_all(x, g, s, lr, rho, epsilon):
    """All parameters share one average.

    Every parameter gets the same scale: the method's whole point is lost.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * (g * g).mean()
    return x - lr * g / sqrt(s.mean_square + epsilon)


@one_average_for_all.also(hint="`s.mean_square` has one entry per parameter: no `sum`.")
def one_sum_for_all(x, g, s, lr, rho, epsilon):
    """All parameters share one average, of the sum over all squares.

    Every parameter gets the same scale, and the more parameters there are, the shorter all steps become.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * (g * g).sum()
    return x - lr * g / sqrt(s.mean_square + epsilon)


@rmsprop.mistake("Average the squares, not the absolute values.")
def absolute_values_averaged(x, g, s, lr, rho, epsilon):
    """Absolute values are averaged, not squares.

    The root of a mean of absolute values has the unit √g: the step depends on the loss's scale.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * absolute(g)
    return x - lr * g / sqrt(s.mean_square + epsilon)


@absolute_values_averaged.also
def absolute_values_without_root(x, g, s, lr, rho, epsilon):
    """Absolute values are averaged, and no root is taken.

    The mean of |g| is smaller than the root of the mean square, most of all for rare gradients: steps come out too
    long.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * absolute(g)
    return x - lr * g / (s.mean_square + epsilon)


@absolute_values_averaged.also(hint="Average the squares, not the gradients themselves.")
def gradients_averaged(x, g, s, lr, rho, epsilon):
    """The gradients themselves are averaged, not their squares.

    Opposite ones cancel, and where their mean is negative its root is NaN.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@rmsprop.mistake("Brackets: ε belongs under the root.")
def epsilon_outside_the_fraction(x, g, s, lr, rho, epsilon):
    """ε is added to the quotient instead of under the root.

    `/ sqrt(r) + eps` divides first: nothing protects from 0/0, and a small drift is added to every step.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * (g / sqrt(s.mean_square) + epsilon)


@epsilon_outside_the_fraction.also
def rmsprop_epsilon_added_to_the_parameter(x, g, s, lr, rho, epsilon):
    """ε is added to the new parameter instead of under the root.

    `… / sqrt(r) + eps` divides first: nothing protects from 0/0, and every parameter drifts up by ε per step.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt(s.mean_square) + epsilon


@epsilon_outside_the_fraction.also
def rmsprop_epsilon_added_to_the_step(x, g, s, lr, rho, epsilon):
    """ε is added to the whole step instead of under the root.

    `… / sqrt(r) + eps` divides first: nothing protects from 0/0, and every parameter drifts down by ε per step.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - (lr * g / sqrt(s.mean_square) + epsilon)


@rmsprop.mistake("Divide by the root of the mean square, whatever the mean of the gradients is.")
def centered(x, g, s, lr, rho, epsilon):
    """The square of the mean gradient is subtracted under the root.

    That is RMSProp with `centered=True`: gradients that hardly vary make its steps long.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    s.mean_gradient = rho * getattr(s, "mean_gradient", 0.0) + (1 - rho) * g
    return x - lr * g / sqrt(s.mean_square - s.mean_gradient * s.mean_gradient + epsilon)
