"""Chapter 5: Adadelta's step, and the mistakes made with it."""

from __future__ import annotations

from ... import optimizer
from ...arrays import sqrt
from ..steps import StepExercise

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
