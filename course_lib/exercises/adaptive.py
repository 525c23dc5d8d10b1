"""Chapters 5 and 6: steps with a scale of their own for each parameter, and the mistakes made with them."""

from __future__ import annotations

from .. import optimizer
from ..arrays import absolute, sqrt
from .adam_slips import AdamStep, enter_slips
from .steps import StepExercise

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
    s.sum_of_squares = s.sum_of_squares + g * g
    return x - lr * g / sqrt(s.sum_of_squares + epsilon)


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
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / (sqrt(s.mean_square) + epsilon)


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


adadelta = StepExercise(
    "adadelta-step",
    chapter=5,
    title="Adadelta, one step",
    rule=optimizer.Adadelta,
    hyper=("rho", "epsilon"),
    other={"rho": 0.7, "epsilon": 0.05},
    says="One step of Adadelta, as Paddle computes it (the update is scaled by lr only when it is applied).",
    hints=(
        "RMSProp's step has no unit. What would give it the unit of the parameter?",
        "Multiply by the root mean square of the updates before this one; then average this update's square.",
        "r ← ρ r + (1 − ρ) g²;  u = √(d + ε)/√(r + ε) · g;  d ← ρ d + (1 − ρ) u²;  x ← x − lr · u",
    ),
)


@adadelta.mistake("The average of squared updates takes u itself, before lr.")
def scaled_update_averaged(x, g, s, lr, rho, epsilon):
    """The average takes the update after it was scaled by lr.

    A small lr then feeds back into the scale: the steps shrink twice and learning all but stops.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = lr * sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - update


@adadelta.mistake("The scale uses the updates *before* this one.")
def update_averaged_too_early(x, g, s, lr, rho, epsilon):
    """The average of updates is renewed before it is used.

    The update would have to be known before it is computed; with a first guess in its place each step comes out
    different.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g


@adadelta.mistake("ε is added before the root, in both roots.")
def adadelta_epsilon_outside(x, g, s, lr, rho, epsilon):
    """ε is outside of the roots.

    The numerator starts at √0 + ε = 1e-6 instead of √1e-6 = 1e-3: training takes far longer to get going.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = (sqrt(s.mean_square_update) + epsilon) / (sqrt(s.mean_square) + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta_epsilon_outside.also
def epsilon_outside_above(x, g, s, lr, rho, epsilon):
    """ε is outside of the root of the updates.

    The numerator starts at √0 + ε = 1e-6 instead of √1e-6 = 1e-3: training takes far longer to get going.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = (sqrt(s.mean_square_update) + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta_epsilon_outside.also
def epsilon_outside_below(x, g, s, lr, rho, epsilon):
    """ε is outside of the root of the gradients.

    There it acts like ε, inside like √ε: the two part where gradients are small.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square_update + epsilon) / (sqrt(s.mean_square) + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta.mistake("The past updates stand above, the past gradients below.")
def ratio_upside_down(x, g, s, lr, rho, epsilon):
    """The ratio is upside down.

    Large gradients make even larger steps: it diverges.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square + epsilon) / sqrt(s.mean_square_update + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta.mistake("Average u², not g², in the second state.")
def gradients_averaged_twice(x, g, s, lr, rho, epsilon):
    """The second average takes gradients instead of updates.

    The ratio of the two roots stays near 1: this is plain gradient descent in disguise.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * g * g
    return x - lr * update


@adadelta.mistake("Take the roots of both averages.")
def adadelta_without_roots(x, g, s, lr, rho, epsilon):
    """The roots are missing.

    The ratio of squares overreacts: tiny at first, then growing without a limit that makes sense.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = (s.mean_square_update + epsilon) / (s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta_without_roots.also
def root_missing_above(x, g, s, lr, rho, epsilon):
    """The root of the updates' average is missing.

    The numerator has the unit of x², so the update has not the unit of x; it starts at 1e-6 instead of 1e-3.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = (s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta_without_roots.also
def root_missing_below(x, g, s, lr, rho, epsilon):
    """The root of the gradients' average is missing.

    The update is divided by a mean of squares: small gradients explode, large ones stand still.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square_update + epsilon) / (s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta.mistake("The numerator is the root of the past updates, not lr.")
def rmsprop_instead(x, g, s, lr, rho, epsilon):
    """This is RMSProp.

    The numerator is missing, so the step has no unit and its size is set by lr alone.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / sqrt(s.mean_square + epsilon)


@adadelta.mistake("Both averages weight the new square with 1 - rho.")
def adadelta_square_not_weighted(x, g, s, lr, rho, epsilon):
    """The factor 1 - rho is missing in both averages.

    They become sums that settle 1/(1 - rho) times too high.
    """
    s.mean_square = rho * s.mean_square + g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + update * update
    return x - lr * update


@adadelta_square_not_weighted.also
def gradient_square_not_weighted(x, g, s, lr, rho, epsilon):
    """The factor 1 - rho is missing in the average of gradients.

    It becomes a sum that settles 1/(1 - rho) times too high: the updates are too small.
    """
    s.mean_square = rho * s.mean_square + g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta_square_not_weighted.also
def update_square_not_weighted(x, g, s, lr, rho, epsilon):
    """The factor 1 - rho is missing in the average of updates.

    It becomes a sum that settles 1/(1 - rho) times too high: the updates feed on themselves and grow.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + update * update
    return x - lr * update


@adadelta.mistake("Which updates are averaged at the first step?")
def adadelta_epsilon_left_out(x, g, s, lr, rho, epsilon):
    """ε is left out.

    No update has been made yet, so the first one is 0, and so are all later ones: ε is what sets training going.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square_update) / sqrt(s.mean_square) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta.mistakes["parameter-unchanged"].also(hint="ε stands under both roots: which updates are averaged at first?")
def epsilon_missing_above(x, g, s, lr, rho, epsilon):
    """ε is missing above the fraction bar.

    No update has been made yet, so the first one is 0, and so are all later ones: ε is what sets training going.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return 1.0 * x


@adadelta.mistake("How much of the old average stays at rho = 0.95?")
def adadelta_rho_swapped(x, g, s, lr, rho, epsilon):
    """rho and 1 - rho are swapped.

    Both averages forget nearly everything at each step.
    """
    s.mean_square = (1 - rho) * s.mean_square + rho * g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = (1 - rho) * s.mean_square_update + rho * update * update
    return x - lr * update


@adadelta_rho_swapped.also
def adadelta_rho_swapped_for_gradients(x, g, s, lr, rho, epsilon):
    """rho and 1 - rho are swapped in the average of gradients.

    It forgets nearly everything at each step: the scale follows the last gradient and its noise.
    """
    s.mean_square = (1 - rho) * s.mean_square + rho * g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta_rho_swapped.also
def adadelta_rho_swapped_for_updates(x, g, s, lr, rho, epsilon):
    """rho and 1 - rho are swapped in the average of updates.

    It forgets nearly everything at each step: the numerator follows the last update.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square_update = (1 - rho) * s.mean_square_update + rho * update * update
    return x - lr * update


@adadelta.mistake("Renew `s.mean_square` before you divide by its root.")
def adadelta_stale_gradient_average(x, g, s, lr, rho, epsilon):
    """The gradients' average is renewed after it was used.

    The first step divides by √ε alone, and every sudden gradient is answered one step late.
    """
    update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@adadelta.mistake("Assign `s.mean_square_update` at the end of the step.")
def updates_not_averaged(x, g, s, lr, rho, epsilon):
    """The average of updates is never renewed.

    The numerator stays at √ε: this is RMSProp with a learning rate a thousand times too small.
    """
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * sqrt(epsilon) / sqrt(s.mean_square + epsilon) * g


@updates_not_averaged.also(hint="Assign the new average to `s.mean_square`.")
def gradients_not_averaged(x, g, s, lr, rho, epsilon):
    """The average of gradients is not kept.

    It starts from zero at every step: the update is divided by a share of the last gradient alone.
    """
    update = sqrt(s.mean_square_update + epsilon) / sqrt((1 - rho) * g * g + epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@updates_not_averaged.also(hint="Assign the new average to `s.mean_square`, and use it in the step.")
def gradients_average_stays_at_zero(x, g, s, lr, rho, epsilon):
    """The average of gradients stays at zero.

    The new one is not assigned to `s.mean_square`: the update is divided by √ε alone, and jumps far away.
    """
    update = sqrt(s.mean_square_update + epsilon) / sqrt(epsilon) * g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
    return x - lr * update


@updates_not_averaged.also(hint="Assign both averages to `s`.")
def nothing_averaged(x, g, s, lr, rho, epsilon):
    """Neither average is kept.

    The numerator stays at √ε, and the update is divided by a share of the last gradient alone.
    """
    return x - lr * sqrt(epsilon) / sqrt((1 - rho) * g * g + epsilon) * g


adam = StepExercise(
    "adam-step",
    chapter=6,
    title="Adam, one step",
    rule=optimizer.Adam,
    hyper=("beta1", "beta2", "epsilon"),
    other={"beta1": 0.6, "beta2": 0.8, "epsilon": 0.05},
    counts=True,
    says="One step of Adam, as Paddle computes it.",
    hints=(
        "Two moving averages: one of the gradients, one of their squares. What does starting at zero do?",
        "Divide each average by 1 − beta**t, t = s.t, but keep the uncorrected averages in s.",
        "m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ), x ← x − lr · m̂ / (√v̂ + ε)",
    ),
)


enter_slips(adam, AdamStep)
