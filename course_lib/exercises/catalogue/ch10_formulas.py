"""Chapter 10: schedules that come back, and the reading of a range test, with the mistakes made with them."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ... import lr_finder
from ...optimizer import lr as library
from ..functions import Case, exercise
from .schedule_slips import annealed, at_steps, enter_shifted, half_cosine

# --------------------------------------------------------------------------------------- SGDR


@partial(enter_shifted, but=("t_mult",))
@exercise(
    "sgdr",
    chapter=10,
    title="SGDR: cosine annealing with warm restarts",
    cases=[
        *at_steps(
            range(18),
            {"lr": 0.1, "t_0": 2, "t_mult": 2, "eta_min": 0.0},
            {"lr": 1.0, "t_0": 4, "t_mult": 1, "eta_min": 0.1},
            {"lr": 0.5, "t_0": 3, "t_mult": 3, "eta_min": 0.01},
        ),
        # Restarts, of which a logarithm misses some: it comes out a little below a whole number.
        *at_steps((0, 1, 3, 4, 40, 120, 121, 122), {"lr": 1.0, "t_0": 1, "t_mult": 3, "eta_min": 0.05}),
        *at_steps((7, 43, 259), {"lr": 0.2, "t_0": 1, "t_mult": 6, "eta_min": 0.0}),
        *at_steps((1, 11, 111), {"lr": 0.4, "t_0": 1, "t_mult": 10, "eta_min": 0.02}),
        *at_steps((200, 203), {"lr": 0.3, "t_0": 5, "t_mult": 1, "eta_min": 0.0}),
    ],
    hints=(
        "Which cycle is step t in, and how many steps ago did it start?",
        "Take away t_0, then t_0·t_mult, then t_0·t_mult², … until what is left is shorter than the next cycle.",
        "η_min + (lr − η_min) · (1 + cos(π · T_cur / T_i)) / 2; T_cur steps since the restart, T_i the cycle's length",
    ),
)
def sgdr(t, lr, t_0, t_mult=1, eta_min=0.0):
    """Return the learning rate at step t of cosine annealing with warm restarts.

    t        step, a whole number from 0
    lr       the learning rate at every restart
    t_0      length of the first cycle
    t_mult   each cycle is t_mult times as long as the one before (a whole number)
    eta_min  the learning rate that each cycle falls towards

    Example: lr = 1, t_0 = 2, t_mult = 2 give 1, 0.5, then 1, 0.8536, 0.5, 0.1464,
    then 1, …
    """
    return library.CosineAnnealingWarmRestarts(float(lr), t_0, t_mult, eta_min).at(t)


def _cycle(t, t_0, grow):
    """Steps since the last restart and the cycle's length, if ``grow`` gives the next length."""
    length = t_0
    while t >= length:
        t, length = t - length, grow(length)
    return t, length


@sgdr.mistake("t_mult makes every cycle longer than the last.")
def period_not_multiplied(t, lr, t_0, t_mult, eta_min):
    """The period is not multiplied.

    All cycles are t_0 long: the long, patient cycles at the end are missing.
    """
    return annealed(lr, eta_min, t % t_0 / t_0)


@sgdr.mistake("Each length is t_mult times the one before: t_0, t_0·t_mult, t_0·t_mult², …")
def period_multiplied_once(t, lr, t_0, t_mult, eta_min):
    """The period is multiplied only once.

    All cycles after the first have the same length.
    """
    cycle, length = _cycle(t, t_0, lambda _: t_0 * t_mult)
    return annealed(lr, eta_min, cycle / length)


@sgdr.mistake("Multiply the length; do not add to it.")
def period_grows_by_adding(t, lr, t_0, t_mult, eta_min):
    """The cycles grow by adding.

    Each is t_0 steps longer than the last, whatever t_mult is: too slow a growth, or one where there should be none.
    """
    cycle, length = _cycle(t, t_0, lambda length: length + t_0)
    return annealed(lr, eta_min, cycle / length)


@period_grows_by_adding.also
def period_grows_by_t_mult(t, lr, t_0, t_mult, eta_min):
    """t_mult is added to the length of a cycle.

    t_mult is a factor. Added, it makes each cycle only a few steps longer than the last, even for t_mult = 1.
    """
    cycle, length = _cycle(t, t_0, lambda length: length + t_mult)
    return annealed(lr, eta_min, cycle / length)


@sgdr.mistake("At a restart the learning rate jumps back to lr.")
def no_restart(t, lr, t_0, t_mult, eta_min):
    """There is no restart.

    The cosine swings back up gently: that is Paddle's CosineAnnealingDecay beyond T_max, not a warm restart.
    """
    return annealed(lr, eta_min, t / t_0)


@no_restart.also
def falls_once(t, lr, t_0, t_mult, eta_min):
    """There is only one cycle.

    From step t_0 on the learning rate stays at eta_min.
    """
    return annealed(lr, eta_min, min(t / t_0, 1))


@sgdr.mistake("Divide by the length of the present cycle.")
def first_length_in_every_cycle(t, lr, t_0, t_mult, eta_min):
    """The cosine is stretched by t_0 in every cycle.

    In longer cycles it swings up again, once or several times.
    """
    cycle, _ = _cycle(t, t_0, lambda length: length * t_mult)
    return annealed(lr, eta_min, cycle / t_0)


@sgdr.mistake("Count from the last restart.")
def counted_from_the_beginning(t, lr, t_0, t_mult, eta_min):
    """t is counted from the beginning, not from the last restart.

    The cosine of a later cycle starts somewhere in its middle.
    """
    _, length = _cycle(t, t_0, lambda length: length * t_mult)
    return annealed(lr, eta_min, t / length)


@counted_from_the_beginning.also(hint="Take away the cycles before this one; they were shorter.")
def remainder_of_the_present_length(t, lr, t_0, t_mult, eta_min):
    """Steps since the restart are taken as the remainder of t by the present length.

    The cycles before had other lengths: a later one starts somewhere in the middle of its cosine.
    """
    _, length = _cycle(t, t_0, lambda length: length * t_mult)
    return annealed(lr, eta_min, t % length / length)


@sgdr.mistake("A cycle of T steps uses 0, 1, …, T - 1; eta_min is not reached.")
def cycle_ends_at_the_minimum(t, lr, t_0, t_mult, eta_min):
    """Each cycle ends at eta_min.

    The cosine is stretched by T - 1 instead of T: the last step of each cycle learns next to nothing.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return annealed(lr, eta_min, cycle / max(length - 1, 1))


@sgdr.mistake("Step t_0 is the first of the second cycle.")
def restart_one_step_late(t, lr, t_0, t_mult, eta_min):
    """The restart comes one step late.

    Each cycle has a step too many, the one at eta_min itself, and the delays add up.
    """
    length = t_0
    while t > length:
        t, length = t - length - 1, length * t_mult
    return annealed(lr, eta_min, t / length)


@restart_one_step_late.also
def restart_late_without_delay(t, lr, t_0, t_mult, eta_min):
    """A restart comes one step late.

    The step of the restart still belongs to the old cycle and runs at eta_min; the next one starts with its second
    step.
    """
    length = t_0
    while t > length:
        t, length = t - length, length * t_mult
    return annealed(lr, eta_min, t / length)


@sgdr.mistake("Take away whole cycles, or round before you take the whole part of a logarithm.")
def found_by_a_logarithm(t, lr, t_0, t_mult, eta_min):
    """The cycle is found by a logarithm, which misses some restarts.

    log(243)/log(3) comes out a little below 5: that restart still belongs to the old cycle and runs at eta_min. PyTorch
    and Paddle have it so in step(epoch).
    """
    cycle = int(math.log(t / t_0 * (t_mult - 1) + 1, t_mult)) if t_mult > 1 else t // t_0
    begin = t_0 * (t_mult**cycle - 1) / (t_mult - 1) if t_mult > 1 else t_0 * cycle
    return annealed(lr, eta_min, (t - begin) / (t_0 * t_mult**cycle))


@sgdr.mistake("Every restart goes back to lr.")
def restarts_get_lower(t, lr, t_0, t_mult, eta_min):
    """Each restart is lower than the last.

    A variant of SGDR does so, but here each cycle starts at lr.
    """
    length, peak = t_0, lr
    while t >= length:
        t, length, peak = t - length, length * t_mult, peak / 2
    return annealed(peak, eta_min, t / length)


@sgdr.mistake("1 + cos goes from 2 to 0.")
def sgdr_half_missing(t, lr, t_0, t_mult, eta_min):
    """The factor ½ is missing.

    Every cycle starts at about twice the learning rate.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return eta_min + (lr - eta_min) * 2 * half_cosine(cycle / length)


@sgdr.mistake("Half a period per cycle.")
def sgdr_whole_period(t, lr, t_0, t_mult, eta_min):
    """Each cycle is a whole period of the cosine.

    The learning rate swings back up gently within the cycle: there is no restart.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return annealed(lr, eta_min, 2 * cycle / length)


@sgdr.mistake("Stretch to the range lr - eta_min.")
def sgdr_eta_min_added(t, lr, t_0, t_mult, eta_min):
    """eta_min is added on top.

    Every cycle starts at lr + eta_min.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return eta_min + lr * half_cosine(cycle / length)


@sgdr.mistake("eta_min is a learning rate, not a share of lr.")
def sgdr_eta_min_relative(t, lr, t_0, t_mult, eta_min):
    """eta_min is taken as a share of lr.

    Each cycle falls towards eta_min · lr. Keras has it so (its `alpha`); here eta_min is the value itself.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return annealed(lr, lr * eta_min, cycle / length)


@sgdr.mistake("A cosine, slow at both ends.")
def sawtooth(t, lr, t_0, t_mult, eta_min):
    """Each cycle falls along a straight line.

    SGDR anneals along a cosine, which stays high for longer.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return lr + (eta_min - lr) * cycle / length


# --------------------------------------------------------------------------------- triangular


@enter_shifted
@exercise(
    "triangular",
    chapter=10,
    title="Triangular cyclical learning rate",
    cases=at_steps(
        (*range(17), 101, 250),
        {"base_lr": 0.1, "max_lr": 0.5, "step_size": 4},
        {"base_lr": 0.01, "max_lr": 0.8, "step_size": 3},
        {"base_lr": 0.0, "max_lr": 0.2, "step_size": 5},
    ),
    hints=(
        "Up, down, up, down: how far is step t from the nearest valley?",
        "Fold time: the distance of t from the middle of its cycle, measured in step_size, goes 1 → 0 → 1.",
        "cycle = ⌊1 + t/(2·step_size)⌋, x = |t/step_size − 2·cycle + 1|, base_lr + (max_lr − base_lr) · (1 − x)",
    ),
)
def triangular(t, base_lr, max_lr, step_size):
    """Return the learning rate at step t of a triangular cycle.

    t          step, a whole number from 0
    base_lr    the lowest learning rate, at t = 0
    max_lr     the highest, at t = step_size
    step_size  length of half a cycle: step_size steps up, then step_size steps down

    Example: base_lr = 0, max_lr = 1, step_size = 2 give 0, 0.5, 1, 0.5, 0, 0.5, …
    """
    return library.CyclicLR(base_lr, max_lr, step_size).at(t)


def _triangle(t, step_size):
    return 1 - abs(t % (2 * step_size) / step_size - 1)


@triangular.mistake("step_size is the way up alone; the way down is as long.")
def step_size_as_whole_cycle(t, base_lr, max_lr, step_size):
    """step_size is read as the whole cycle.

    It is half of one: the cycles come twice as fast as meant.
    """
    return base_lr + (max_lr - base_lr) * _triangle(t, step_size / 2)


@step_size_as_whole_cycle.also
def whole_half_of_step_size(t, base_lr, max_lr, step_size):
    """step_size is read as the whole cycle.

    Half of it, rounded down, is used for the way up: the cycles come twice as fast as meant.
    """
    return base_lr + (max_lr - base_lr) * (1 - abs(t % step_size / (step_size // 2) - 1))


@triangular.mistake("It starts in the valley.")
def starts_at_the_top(t, base_lr, max_lr, step_size):
    """It starts at the top.

    The first steps are the largest, without any warm-up.
    """
    return max_lr - (max_lr - base_lr) * _triangle(t, step_size)


@triangular.mistake("After the top it goes down again, as slowly as it went up.")
def jumps_down(t, base_lr, max_lr, step_size):
    """It rises and then jumps down.

    A sawtooth: the way down is missing.
    """
    return base_lr + (max_lr - base_lr) * (t % step_size) / step_size


@jumps_down.also
def slow_sawtooth(t, base_lr, max_lr, step_size):
    """It rises through the whole cycle and then jumps down.

    The way up takes 2 · step_size steps, and the way down is missing.
    """
    return base_lr + (max_lr - base_lr) * (t % (2 * step_size)) / (2 * step_size)


@jumps_down.also
def sawtooth_with_the_top(t, base_lr, max_lr, step_size):
    """It rises to the top and then jumps down.

    A sawtooth with a period of step_size + 1: the way down is missing.
    """
    return base_lr + (max_lr - base_lr) * (t % (step_size + 1)) / step_size


@triangular.mistake("The cycle repeats.")
def only_one_cycle(t, base_lr, max_lr, step_size):
    """There is only one cycle.

    After it the learning rate stays at base_lr.
    """
    return base_lr + (max_lr - base_lr) * max(0.0, 1 - abs(t / step_size - 1))


@only_one_cycle.also
def falls_for_ever(t, base_lr, max_lr, step_size):
    """There is only one cycle, and it goes on falling.

    After the first cycle the line goes on below base_lr, then below zero: training climbs.
    """
    return base_lr + (max_lr - base_lr) * (1 - abs(t / step_size - 1))


@only_one_cycle.also
def stays_at_the_top(t, base_lr, max_lr, step_size):
    """It rises once and stays at the top.

    That is a warm-up; a cycle comes down again.
    """
    return base_lr + (max_lr - base_lr) * min(1, t / step_size)


@triangular.mistake("The height of the triangle is max_lr - base_lr.")
def max_added_on_top(t, base_lr, max_lr, step_size):
    """max_lr is added on top of base_lr.

    The top is base_lr + max_lr, above what the range test allowed.
    """
    return base_lr + max_lr * _triangle(t, step_size)


@triangular.mistake("It never falls below base_lr.")
def base_left_out(t, base_lr, max_lr, step_size):
    """base_lr is left out.

    Every valley goes down to zero, where nothing is learnt.
    """
    return max_lr * _triangle(t, step_size)


@base_left_out.also(hint="The triangle stands on base_lr.")
def base_left_out_of_the_sum(t, base_lr, max_lr, step_size):
    """base_lr is only subtracted.

    The height max_lr - base_lr is right, but it does not stand on base_lr: all values are lower by that.
    """
    return (max_lr - base_lr) * _triangle(t, step_size)


@triangular.mistake("All tops are equally high in this mode.")
def tops_get_lower(t, base_lr, max_lr, step_size):
    """Each top is half as high as the last.

    That is the mode triangular2: the later cycles explore less and less.
    """
    return base_lr + (max_lr - base_lr) * _triangle(t, step_size) / 2 ** (t // (2 * step_size))


@triangular.mistake("The first cycle has the number 1: ⌊1 + t/(2·step_size)⌋.")
def cycle_counted_from_zero(t, base_lr, max_lr, step_size):
    """The cycles are counted from 0.

    In Smith's formula the first one has the number 1. From 0 on x never falls below 1: the learning rate stays at
    base_lr.
    """
    x = abs(t / step_size - 2 * (t // (2 * step_size)) + 1)
    return base_lr + (max_lr - base_lr) * max(0, 1 - x)


@cycle_counted_from_zero.also
def cycle_counted_from_zero_without_a_bound(t, base_lr, max_lr, step_size):
    """The cycles are counted from 0.

    In Smith's formula the first one has the number 1. From 0 on 1 - x is never above 0: the learning rate falls below
    base_lr, and jumps back to it after each cycle.
    """
    x = abs(t / step_size - 2 * (t // (2 * step_size)) + 1)
    return base_lr + (max_lr - base_lr) * (1 - x)


@triangular.mistake("x is a distance, |…|.")
def absolute_value_missing(t, base_lr, max_lr, step_size):
    """The absolute value is missing.

    x runs from -1 to 1: each cycle starts as far above max_lr as base_lr is below it, and only falls.
    """
    x = t / step_size - 2 * (1 + t // (2 * step_size)) + 1
    return base_lr + (max_lr - base_lr) * (1 - x)


@triangular.mistake("Straight lines.")
def cosine_cycle(t, base_lr, max_lr, step_size):
    """The cycle is a cosine.

    It stays longer near its ends than the triangle that is asked for.
    """
    return max_lr - (max_lr - base_lr) * half_cosine(t / step_size)


# ------------------------------------------------------------------------------------ range test


def _curves():
    """Smoothed curves of range tests: flat, falling, exploding; the steepest point is about a tenth of the lowest.

    It lies at another place of every range, so that nobody finds it without looking at the losses.
    """
    rng = np.random.default_rng(11)
    cases = []
    for centre, first, last, steps, width, height, lift, noise in [
        (0.1, 1e-5, 6.0, 120, 0.5, 2.3, 0.0, 0.0005),
        (0.003, 1e-4, 3.0, 60, 0.5, 4.6, 0.0, 0.0005),
        (0.5, 5e-4, 150.0, 200, 0.5, 0.7, -1.0, 0.0005),  # a loss may be negative
        (0.02, 2e-5, 2.0, 80, 0.9, 2.3, 0.0, 0.0),
    ]:
        lrs = np.geomspace(first, last, steps)
        losses = height * (1 - 0.7 / (1 + (centre / lrs) ** (1 / width)) + (lrs / (30 * centre)) ** 3)
        losses = losses + lift + noise * height * rng.standard_normal(lrs.size)
        cases.append(Case({"losses": losses, "lrs": lrs}, f"a curve that falls fastest at {centre:g}"))
    return cases


@exercise(
    "lr-range-test",
    chapter=10,
    title="Reading a range test",
    cases=_curves(),
    decades=0.45,
    hints=(
        "Three regions: nothing happens, the loss falls, it explodes. In which one should training run?",
        "At the lowest point the loss is about to explode; where does it fall fastest?",
        "The lr at which the loss falls fastest per decade, or a tenth of the lr of the lowest loss.",
    ),
)
def lr_range_test(losses, lrs):
    """Return the learning rate that a range test suggests: where the loss falls fastest
    (or a tenth of the minimum's).

    losses  smoothed loss at each step of the test: array
    lrs     learning rate at each step: array of the same length, evenly spaced in its
            logarithm, rising
    Return one of the learning rates, a number. Anything within half a decade of the
    right place passes.

    Example: a curve that is flat up to 0.01, falls until 1 and then explodes suggests
    about 0.1.
    """
    return lr_finder.suggest(lrs, losses)


@lr_range_test.mistake("At the minimum the loss is about to explode.")
def read_at_the_minimum(losses, lrs):
    """It is read at the minimum, or close to it.

    There the loss has stopped falling: training with this learning rate is on the brink of divergence.
    """
    return lrs[np.argmin(losses)]


@lr_range_test.mistake("Return `lrs[index]`, not the index.")
def index_instead_of_rate(losses, lrs):
    """The index is returned, not the learning rate.

    argmin gives a position; taken for a learning rate it is absurdly large.
    """
    return float(np.argmin(np.gradient(losses)))


@index_instead_of_rate.also(hint="Return one of the `lrs`, from where the loss falls fastest.")
def index_of_the_minimum(losses, lrs):
    """The index of the minimum is returned.

    Two slips: argmin gives a position, not a learning rate, and at the minimum the loss is about to explode.
    """
    return float(np.argmin(losses))


@lr_range_test.mistake("Take `lrs[index]` from the array as it is.")
def exponent_instead_of_rate(losses, lrs):
    """The exponent is returned, not the learning rate.

    The logarithm serves to find the place; taken for a learning rate it is mostly negative, and training climbs.
    """
    return np.log10(lrs[np.argmin(np.gradient(losses))])


@exponent_instead_of_rate.also
def natural_logarithm(losses, lrs):
    """The natural logarithm is returned, not the learning rate.

    The logarithm serves to find the place; taken for a learning rate it is mostly negative, and training climbs.
    """
    return np.log(lrs[np.argmin(np.gradient(losses))])


@lr_range_test.mistake("A learning rate is wanted, not a loss.")
def loss_instead_of_rate(losses, lrs):
    """A loss is returned, not a learning rate.

    A loss says how far the test came, not where.
    """
    return np.min(losses)


@lr_range_test.mistake("The loss falls where its slope is negative: argmin of the slope.")
def in_the_explosion(losses, lrs):
    """It is read in the explosion.

    Where the loss rises fastest, training diverges.
    """
    return lrs[np.argmax(np.gradient(losses))]


@in_the_explosion.also
def steepest_either_way(losses, lrs):
    """It is read where the curve is steepest, up or down.

    Without the sign of the slope that is the explosion, which is steeper than any descent.
    """
    return lrs[np.argmax(np.abs(np.gradient(losses)))]


@in_the_explosion.also(hint="The losses decide: where do they fall fastest?")
def end_of_the_test(losses, lrs):
    """The largest learning rate of the test is returned.

    The test ends where training diverges, whatever the curve looks like.
    """
    return lrs[-1]


@lr_range_test.mistake("The losses decide: where do they fall fastest?")
def start_of_the_test(losses, lrs):
    """The smallest learning rate of the test is returned.

    There nothing happens at all: training would crawl.
    """
    return lrs[0]


@lr_range_test.mistake("np.gradient(losses, np.log(lrs)), or the slope per step: the steps are even in the logarithm.")
def slope_per_rate(losses, lrs):
    """The slope is taken per learning rate, not per decade.

    At the start of the test the learning rates lie so close together that the least noise looks like a cliff.
    """
    return lrs[np.argmin(np.gradient(losses, lrs))]


@lr_range_test.mistake("The losses decide, not the range in which they were measured.")
def middle_of_the_range(losses, lrs):
    """It is the middle of the range, whatever the losses are.

    Another range for the same network gives another answer.
    """
    return np.sqrt(lrs[0] * lrs[-1])
