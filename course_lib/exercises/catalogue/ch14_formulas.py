"""Chapter 14: learning rates for another batch size, the critical batch, accumulated gradients, and LARS and LAMB."""

from __future__ import annotations

import numpy as np

from ... import optimizer
from ...arrays import absolute, norm, sign, where
from ..functions import Case, exercise
from ..steps import StepExercise
from .adam_slips import Slip, enter_slips
from .adam_steps import AdamStep

# ----------------------------------------------------------------------------- another batch size


def _scalings():
    # From, to, and the bound: it is reached by one rule, by both, by none.
    settings = [(0.1, 32, 128, 1.0), (0.1, 32, 128, 0.3), (0.04, 16, 1024, 0.5), (0.3, 256, 64, 1.0)]
    settings += [(0.002, 8, 24, 0.05), (0.6, 64, 8, 0.2), (2.0, 10, 40, 100.0), (0.8, 50, 50, 0.5)]
    names = "lr", "batch", "new_batch", "largest"
    return [Case({**dict(zip(names, values)), "rule": rule}) for values in settings for rule in ("linear", "root")]


@exercise(
    "scaled-learning-rate",
    chapter=14,
    title="The learning rate for another batch size",
    cases=_scalings(),
    hints=(
        "How many times as large is the new batch? That is k; it may be below 1.",
        "The linear rule multiplies by k, the root rule by √k. Then comes the bound.",
        "The smaller one of `largest` and the scaled rate.",
    ),
)
def scaled_learning_rate(lr, batch, new_batch, rule, largest):
    """Return the learning rate for the batch size new_batch.

    lr         a good learning rate at the batch size `batch`
    new_batch  the batch size that is wanted: larger or smaller
    rule       "linear", as for SGD, or "root", as for Adam
    largest    the largest stable learning rate: no result may be above it

    Example: lr = 0.1, batch = 32, new_batch = 128 and largest = 0.3 give 0.3 by the
    linear rule (0.4 would be too large) and 0.2 by the root rule.
    """
    k = new_batch / batch
    return min(lr * (k if rule == "linear" else k**0.5), largest)


def _scaled_by(factor):
    """The learning rate times ``factor(k, rule)``, bounded."""
    return lambda lr, batch, new_batch, rule, largest: min(lr * factor(new_batch / batch, rule), largest)


def _right_factor(k, rule):
    return k if rule == "linear" else k**0.5


@scaled_learning_rate.mistake("The argument `rule` decides: k or √k.")
def always_linear(lr, batch, new_batch, rule, largest):
    """The linear rule is used for both.

    Adam divides the gradient by its size, and with it by the size of its noise: scaled by k its rate is too large.
    """
    return _scaled_by(lambda k, rule: k)(lr, batch, new_batch, rule, largest)


@scaled_learning_rate.mistake("The argument `rule` decides: k or √k.")
def always_root(lr, batch, new_batch, rule, largest):
    """The root rule is used for both.

    SGD with k times the batch then falls behind: k steps became one that is only √k times as long.
    """
    return _scaled_by(lambda k, rule: k**0.5)(lr, batch, new_batch, rule, largest)


@scaled_learning_rate.mistake("Which of the two belongs to SGD, and what is it called?")
def rules_swapped(lr, batch, new_batch, rule, largest):
    """The two rules are swapped.

    SGD gets the root, Adam the whole factor: one is too slow, the other may diverge.
    """
    return _scaled_by(lambda k, rule: k**0.5 if rule == "linear" else k)(lr, batch, new_batch, rule, largest)


@scaled_learning_rate.mistake("A larger batch has less noise: does it allow a longer or a shorter step?")
def scaled_down(lr, batch, new_batch, rule, largest):
    """The factor is upside down.

    The larger batch gets the smaller learning rate: each step costs more and leads less far.
    """
    return _scaled_by(lambda k, rule: 1 / _right_factor(k, rule))(lr, batch, new_batch, rule, largest)


@scaled_learning_rate.mistake("The scaled rate may be above `largest`: take the smaller one of the two.")
def not_bounded(lr, batch, new_batch, rule, largest):
    """The bound is forgotten.

    Above the largest stable learning rate training diverges, however large the batch is.
    """
    return lr * _right_factor(new_batch / batch, rule)


@scaled_learning_rate.mistake("The bound holds for the result, not for the rate that comes in.")
def bounded_before_scaling(lr, batch, new_batch, rule, largest):
    """The bound is applied before the scaling.

    What comes out can still be above it.
    """
    return min(lr, largest) * _right_factor(new_batch / batch, rule)


@scaled_learning_rate.mistake("The bound holds for the learning rate, not for the factor.")
def factor_bounded(lr, batch, new_batch, rule, largest):
    """The factor is bounded in place of the learning rate.

    `largest` is a learning rate; compared with a factor it says nothing.
    """
    return lr * min(_right_factor(new_batch / batch, rule), largest)


@scaled_learning_rate.mistake("The same rules hold for smaller batches: k is then below 1.")
def never_smaller(lr, batch, new_batch, rule, largest):
    """A smaller batch keeps the learning rate.

    Its gradient is noisier, and the step stays as long: the noise floor rises, or training diverges.
    """
    return _scaled_by(lambda k, rule: max(1.0, _right_factor(k, rule)))(lr, batch, new_batch, rule, largest)


@scaled_learning_rate.mistake("The root of k alone: lr stands outside.")
def root_of_the_product(lr, batch, new_batch, rule, largest):
    """The root is taken of the learning rate, too.

    √(lr · k) is far above lr · √k where lr is small: Adam at 0.001 would get thirty times its rate.
    """
    k = new_batch / batch
    return min(lr * k if rule == "linear" else (lr * k) ** 0.5, largest)


# --------------------------------------------------------------------------------- the critical batch


def _measured_steps():
    settings = [
        (40.3, 16.4, (1, 4, 16, 64)),
        (98.6, 303.7, (32, 64, 512)),
        (25.5, 8.3, (2, 64)),
        (912.4, 61.6, (16, 64, 256)),
    ]
    return [
        Case(
            {
                "batches": np.array(batches, dtype=np.float64),
                "steps": np.array([least * (1 + critical / b) for b in batches]),
            },
            f"steps at the batch sizes {', '.join(map(str, batches))}",
        )
        for least, critical, batches in settings
    ]


@exercise(
    "critical-batch",
    chapter=14,
    title="The critical batch size",
    cases=_measured_steps(),
    hints=(
        "Multiply the bracket out: against which quantity is S a straight line?",
        "Against 1/B. What are its slope and its height at 1/B = 0?",
        "The slope is S_min · B_crit, the height at 0 is S_min.",
    ),
)
def critical_batch(batches, steps):
    """Return the critical batch size B_crit of S = S_min (1 + B_crit / B).

    batches  the batch sizes B that were tried, two or more, as an array
    steps    the steps S to the goal at each of them; they lie on the curve exactly

    Example: the batch sizes 1, 4 and 16 with 340, 100 and 40 steps give 16 (and
    S_min = 20).
    """
    slope, least = np.polyfit(1 / batches, steps, 1)
    return slope / least


def _line(batches, steps):
    return np.polyfit(1 / np.asarray(batches), np.asarray(steps), 1)


@critical_batch.mistake("The slope is the product of both: divide by the height at 1/B = 0.")
def slope_for_critical(batches, steps):
    """The slope is returned.

    It is S_min · B_crit, the number of examples that small batches need, not a batch size.
    """
    return _line(batches, steps)[0]


@critical_batch.mistake("That is S_min. Which batch size doubles it?")
def least_steps_for_critical(batches, steps):
    """The smallest number of steps is returned.

    This many steps are left however large the batch is; a batch size is asked for.
    """
    return _line(batches, steps)[1]


@critical_batch.mistake("The slope by the height, not the height by the slope.")
def quotient_upside_down(batches, steps):
    """The quotient is upside down.

    1/B_crit comes out: the place on the axis of 1/B, not the batch size.
    """
    slope, least = _line(batches, steps)
    return least / slope


@critical_batch.mistake("S is no straight line against B; it is one against 1/B.")
def line_against_the_batch(batches, steps):
    """The line is fitted against B.

    The steps fall steeply at first and then hardly: a straight line against B cuts through that bend.
    """
    slope, least = np.polyfit(batches, steps, 1)
    return slope / least


@line_against_the_batch.also
def line_against_the_batch_crossing_zero(batches, steps):
    """The line is fitted against B, and its crossing with zero returned.

    The steps never come to zero: they end at S_min.
    """
    slope, least = np.polyfit(batches, steps, 1)
    return -least / slope


@critical_batch.mistake("Even the largest batch that was tried lies above S_min. Fit both numbers.")
def largest_batch_as_the_end(batches, steps):
    """The steps at the largest batch are taken for S_min.

    They are still above it, by S_min · B_crit/B, so B_crit comes out too small.
    """
    least = steps[-1]
    return batches[0] * (steps[0] / least - 1)


@critical_batch.mistake("Examples are S · B: they double at B_crit, they do not end there.")
def in_examples(batches, steps):
    """The fewest examples are returned.

    S · B falls towards S_min · B_crit for small batches; B_crit itself is this number divided by S_min.
    """
    return (batches * steps).min()


# --------------------------------------------------------------------------- accumulated gradients


def _passes():
    rng = np.random.default_rng(14)

    def straight(x, part):
        return x - part.mean(axis=0)

    def curved(x, part):
        return ((x - part) ** 3).mean(axis=0)

    settings = [
        ("equal parts", straight, (4, 4, 4, 4), 2),
        ("unequal parts", straight, (4, 4, 1, 4, 2, 3), 3),
        ("a last group of fewer parts", straight, (3, 3, 3, 1, 5), 2),
        ("another loss", curved, (2, 4, 1, 3, 2), 3),
        ("one part per update", straight, (3, 5, 2), 1),
    ]
    return [
        Case(
            {
                "x": rng.standard_normal(2),
                "gradient": gradient,
                "parts": [rng.standard_normal((n, 2)) + 0.5 for n in sizes],
                "every": every,
                "lr": 0.2,
            },
            f"{words}: sizes {', '.join(map(str, sizes))}, {every} parts per update",
        )
        for words, gradient, sizes, every in settings
    ]


@exercise(
    "accumulated-gradient",
    chapter=14,
    title="One pass with accumulated gradients",
    cases=_passes(),
    hints=(
        "What does the large batch's mean divide by, and how much does each part contribute to the sum?",
        "Gather, for each group of parts, the sum over its examples and their number; then make one step, and start "
        "from 0 again.",
        "The sum of len(part) · gradient(x, part), divided by the sum of len(part); x stays where it is meanwhile.",
    ),
)
def accumulated_descent(x, gradient, parts, every, lr):
    """Return the parameters after one pass of SGD that makes one step for every
    `every` parts: the step that their examples would make as one large batch.

    x         the parameters at first, an array
    gradient  gradient(x, part): gradient at x of the mean loss over the examples of
              the part
    parts     the parts in their order, arrays with one row per example; they may
              differ in length
    every     how many parts make one step; the last group may have fewer
    lr        learning rate

    Example: with the gradient x - part.mean(), the parts [1, 1, 1] and [5], every = 2
    and lr = 0.5, x goes from 0 to 1: half of the way to the mean 2 of all four.
    """
    for start in range(0, len(parts), every):
        group = parts[start : start + every]
        total = sum(len(part) * gradient(x, part) for part in group)
        x = x - lr * total / sum(len(part) for part in group)
    return x


def _groups(parts, every):
    return [parts[start : start + every] for start in range(0, len(parts), every)]


@accumulated_descent.mistake("Weight each part by its number of examples.")
def mean_of_means(x, gradient, parts, every, lr):
    """The means of the parts are averaged.

    An example in a short part counts more than one in a long part. With equal parts nothing is seen of it.
    """
    for group in _groups(parts, every):
        x = x - lr * sum(gradient(x, part) for part in group) / len(group)
    return x


@accumulated_descent.mistake("What `backward` adds up is a sum: divide it.")
def means_added(x, gradient, parts, every, lr):
    """The means of the parts are added up, not averaged.

    Each step is as many times too long as there are parts: as if the learning rate were multiplied by that.
    """
    for group in _groups(parts, every):
        x = x - lr * sum(gradient(x, part) for part in group)
    return x


@accumulated_descent.mistake("Divide by the number of examples of the group.")
def examples_added(x, gradient, parts, every, lr):
    """The sum over all examples is not divided.

    Each step is as many times too long as the group has examples.
    """
    for group in _groups(parts, every):
        x = x - lr * sum(len(part) * gradient(x, part) for part in group)
    return x


@accumulated_descent.mistake("After a step the sum starts from 0 again: that is what `clear_grad` is for.")
def never_cleared(x, gradient, parts, every, lr):
    """The gradients of the last group are not cleared.

    Each step contains all gradients so far, those from places left long ago as well.
    """
    total = 0.0
    for group in _groups(parts, every):
        total = total + sum(len(part) * gradient(x, part) for part in group) / sum(map(len, group))
        x = x - lr * total
    return x


@accumulated_descent.mistake("x moves after the last part of a group only.")
def step_after_each_part(x, gradient, parts, every, lr):
    """A step is made after each part.

    That is SGD with the small batches: nothing is accumulated.
    """
    for part in parts:
        x = x - lr * gradient(x, part)
    return x


@accumulated_descent.mistake("All parts of the group count: add them up before the step.")
def last_part_only(x, gradient, parts, every, lr):
    """Only the last part of a group counts.

    The gradients before it are thrown away, as by a `clear_grad` after each part.
    """
    for group in _groups(parts, every):
        x = x - lr * gradient(x, group[-1])
    return x


@accumulated_descent.mistake("Divide by the examples of this group, not by those of the whole pass.")
def divided_by_the_whole_pass(x, gradient, parts, every, lr):
    """The sum is divided by the number of examples of the whole pass.

    With more than one step per pass every step is too short.
    """
    for group in _groups(parts, every):
        x = x - lr * sum(len(part) * gradient(x, part) for part in group) / sum(map(len, parts))
    return x


@accumulated_descent.mistake("Which part is the longest is beside the point: count the examples that are there.")
def nominal_length(x, gradient, parts, every, lr):
    """The sum is divided as if every part were as long as the first.

    Where the last group has fewer parts, or short ones, its step is too short.
    """
    for group in _groups(parts, every):
        x = x - lr * sum(len(part) * gradient(x, part) for part in group) / (every * len(parts[0]))
    return x


@accumulated_descent.mistake("After the loop there may be parts whose step is still to be made.")
def last_group_dropped(x, gradient, parts, every, lr):
    """The last group is left out if it has fewer parts.

    Its examples never count; and their gradients, if they are not cleared, come into the next pass.
    """
    whole = len(parts) - len(parts) % every
    return accumulated_descent.reference(x, gradient, parts[:whole], every, lr)


# ------------------------------------------------------------------------------------------------ LARS

lars = StepExercise(
    "lars-step",
    chapter=14,
    title="LARS, one step",
    rule=optimizer.LARS,
    hyper=("momentum", "lars_coeff", "lars_weight_decay"),
    # With the defaults the decay and a step are too small to be seen within a probe.
    usual={"lars_coeff": 0.4, "lars_weight_decay": 0.3},
    other={"momentum": 0.5, "lars_coeff": 0.7, "lars_weight_decay": 0.8},
    says="One step of LARS, as Paddle computes it: η_l stays inside the velocity (where x or g is 0 altogether, "
    "η_l is lr).",
    hints=(
        "The norms are those of the whole arrays x and g: two numbers per parameter.",
        "First the layer's learning rate: lr · lars_coeff times a quotient of lengths. Then momentum, with this rate "
        "inside the velocity and the decay in the gradient.",
        "η_l = lr c ‖x‖ / (‖g‖ + λ‖x‖), then v ← μ v + η_l (g + λ x), and x ← x − v",
    ),
)


def trust(x, g, lars_coeff, lars_weight_decay, above=None, below=None):
    """The layer's factor of the learning rate, with other lengths above or below the bar where they are given."""
    above = norm(x) if above is None else above
    below = norm(g) + lars_weight_decay * norm(x) if below is None else below
    return lars_coeff * above / below if norm(x) > 0 and norm(g) > 0 else 1.0


def moved_by(x, g, s, rate, momentum, lars_weight_decay):
    s.velocity = momentum * s.velocity + rate * (g + lars_weight_decay * x)
    return x - s.velocity


@lars.mistake("A layer with long weights and a short gradient needs the larger rate.")
def lars_norms_swapped(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The two lengths are swapped.

    Where the gradient is long the rate gets longer still: LARS is made to do the opposite.
    """
    above, below = norm(g) + lars_weight_decay * norm(x), norm(x)
    rate = lr * trust(x, g, lars_coeff, lars_weight_decay, above, below)
    return moved_by(x, g, s, rate, momentum, lars_weight_decay)


@lars.mistake("One number per parameter: the length of the whole array.")
def lars_for_each_element(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """Every element has a quotient of its own.

    Small weights then hardly move at all; LARS asks for the length of a whole layer.
    """
    size = absolute(g) + lars_weight_decay * absolute(x)
    rate = lr * lars_coeff * absolute(x) / where(size > 0, size, 1.0)
    return moved_by(x, g, s, rate, momentum, lars_weight_decay)


@lars.mistake("The decay's part of the step has a length, too: λ‖x‖ belongs below the bar.")
def decay_not_in_the_length(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The decay is missing below the bar.

    The step becomes longer than the share c of the weights, the more so the shorter the gradient.
    """
    rate = lr * trust(x, g, lars_coeff, lars_weight_decay, below=norm(g) if norm(g) > 0 else 1.0)
    return moved_by(x, g, s, rate, momentum, lars_weight_decay)


@lars.mistake("Add λx to the gradient in the velocity.")
def decay_only_in_the_length(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The decay is missing in the step.

    The weights are not pulled towards 0, although the rate allows for it.
    """
    rate = lr * trust(x, g, lars_coeff, lars_weight_decay)
    return moved_by(x, g, s, rate, momentum, 0.0)


@lars.mistake("Two lengths are added below the bar, not two vectors.")
def length_of_the_sum(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The length of g + λx is taken for the sum of both lengths.

    Where the two point in opposite directions their sum is short, and the rate jumps.
    """
    below = norm(g + lars_weight_decay * x)
    rate = lr * trust(x, g, lars_coeff, lars_weight_decay, below=below if below > 0 else 1.0)
    return moved_by(x, g, s, rate, momentum, lars_weight_decay)


@lars.mistake("A length is a root: take `norm`, not its square.")
def lars_squared_lengths(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The lengths are squared.

    A layer that is ten times as long gets a rate a hundred times as large.
    """
    below = norm(g) ** 2 + lars_weight_decay * norm(x) ** 2
    rate = lr * trust(x, g, lars_coeff, lars_weight_decay, norm(x) ** 2, below)
    return moved_by(x, g, s, rate, momentum, lars_weight_decay)


@lars.mistake("Multiply by `lars_coeff`.")
def coefficient_left_out(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The coefficient is left out.

    A step may then be as long as the layer itself, times lr: with the usual rates training explodes.
    """
    return moved_by(x, g, s, lr * trust(x, g, 1.0, lars_weight_decay), momentum, lars_weight_decay)


@lars.mistake("η_l multiplies the gradient where it enters the velocity.")
def rate_outside_of_the_velocity(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The layer's rate multiplies the velocity.

    Old gradients are then scaled by today's quotient, not by the one of their own step.
    """
    s.velocity = momentum * s.velocity + g + lars_weight_decay * x
    return x - lr * trust(x, g, lars_coeff, lars_weight_decay) * s.velocity


@lars.mistake("Assign the new velocity to `s.velocity`, and use the old one in it.")
def lars_without_memory(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """The velocity is not kept.

    Each step starts from rest: this is LARS without momentum.
    """
    return moved_by(x, g, s, lr * trust(x, g, lars_coeff, lars_weight_decay), 0.0, lars_weight_decay)


@lars.mistake("The rate is `lr` alone where a length is 0.")
def zero_gradient_scaled(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """A gradient of 0 is scaled as any other.

    Only λ‖x‖ is then below the bar: the rate jumps to lr · c/λ, and the layer decays at one stroke.
    """
    rate = lr * lars_coeff * norm(x) / (norm(g) + lars_weight_decay * norm(x))
    return moved_by(x, g, s, rate, momentum, lars_weight_decay)


@lars.mistake("The quotient replaces nothing: it multiplies the rate.")
def plain_momentum_with_decay(x, g, s, lr, momentum, lars_coeff, lars_weight_decay):
    """There is no quotient of lengths.

    This is momentum with L2: the step follows the size of the gradient again.
    """
    return moved_by(x, g, s, lr, momentum, lars_weight_decay)


# ------------------------------------------------------------------------------------------------ LAMB

lamb = StepExercise(
    "lamb-step",
    chapter=14,
    title="LAMB, one step",
    rule=optimizer.Lamb,
    hyper=("beta1", "beta2", "epsilon", "lamb_weight_decay"),
    usual={"lamb_weight_decay": 0.3},
    other={"beta1": 0.6, "beta2": 0.8, "epsilon": 0.05, "lamb_weight_decay": 0.8},
    counts=True,
    says="One step of LAMB, as Paddle computes it.",
    hints=(
        "m and v are renewed and corrected as in Adam. What is new comes after the division.",
        "Call what AdamW would go r: Adam's quotient and the decay. Two lengths then set how far it goes.",
        "r = m̂/(√v̂ + ε) + λ x, then x ← x − lr · ‖x‖/‖r‖ · r, with the norms of the whole arrays",
    ),
)


class LambStep(AdamStep):
    """Adam's direction, the decay, and the quotient of two lengths."""

    def __init__(self, g, s, lr, beta1, beta2, epsilon, lamb_weight_decay):
        self.decay = lamb_weight_decay
        super().__init__(g, s, lr, beta1, beta2, epsilon)

    def direction(self, x, change):
        return change + self.decay * x

    def trust(self, x, change, r):
        return norm(x) / norm(r)

    def move(self, x, change):
        r = self.direction(x, change)
        return x - self.lr * self.trust(x, change, r) * r


def decay_beside(step, x, change):
    return x - step.lr * (norm(x) / norm(change) * change + step.decay * x)


def sign_times_length(step, x, change):
    return x - step.lr * absolute(x) * sign(change + step.decay * x)


WHOLE = "One number per parameter: the length of the whole array."
BOTH = "The decay is a part of r: it comes before the lengths are taken."

LAMB_SLIPS = [
    Slip(
        "trust-ratio-upside-down",
        "The two lengths are swapped",
        "A layer with short weights makes the longest steps: the opposite of what LAMB is for.",
        "How long is the step, if the length of r is divided out?",
        {"trust": lambda step, x, change, r: norm(r) / norm(x)},
    ),
    Slip(
        "no-trust-ratio",
        "There is no quotient of lengths",
        "This is AdamW: every element steps about lr, however long the weights of its layer are.",
        "Multiply by ‖x‖/‖r‖.",
        {"trust": lambda step, x, change, r: 1.0},
    ),
    Slip(
        "trust-ratio-for-each-element",
        "Every element has a quotient of its own",
        "What is left of r is its sign, and weights near 0 do not move any more.",
        WHOLE,
        {"move": sign_times_length},
    ),
    Slip(
        "decay-left-out-of-r",
        "The decay is left out",
        "The weights are not pulled towards 0, so nothing stops them from growing, and the steps with them.",
        "Add λx to Adam's quotient.",
        {"direction": lambda step, x, change: change},
    ),
    Slip(
        "decay-beside-the-ratio",
        "The decay stands beside the scaled step",
        "The length of a step is no share of the length of the weights any more: the decay comes on top.",
        BOTH,
        {"move": decay_beside},
    ),
    Slip(
        "decay-not-in-the-norm",
        "The norm is that of Adam's quotient, without the decay",
        "The step is longer or shorter than lr times the weights, the more so the larger λ is.",
        BOTH,
        {"trust": lambda step, x, change, r: norm(x) / norm(change)},
    ),
    Slip(
        "norm-of-the-gradient",
        "The length of the gradient is taken for that of r",
        "That is LARS's quotient. Adam's quotient no longer has the gradient's length, so the step depends on the "
        "scale of the loss again.",
        "Below the bar is the length of what is subtracted.",
        {"trust": lambda step, x, change, r: norm(x) / norm(step.g) if norm(step.g) > 0 else 1.0},
    ),
    Slip(
        "squared-lengths",
        "The lengths are squared",
        "A layer that is ten times as long steps a hundred times as far.",
        "A length is a root: take `norm`, not its square.",
        {"trust": lambda step, x, change, r: (norm(x) / norm(r)) ** 2},
    ),
]

# Where a root is taken of a negative number, one NaN makes the norm, and with it every element, NaN: nothing tells why.
enter_slips(lamb, LambStep, without=("gradient-not-squared",), own=LAMB_SLIPS)
