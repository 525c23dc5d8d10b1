"""Chapters 9, 10, 12: schedules as functions of the step, the reading of a range test, and mistakes made with both.

The right answers are the library's own schedules, asked with ``at``.
"""

from __future__ import annotations

import inspect
import math
from functools import partial

import numpy as np

from .. import lr_finder
from ..optimizer import lr as library
from .engine import Mistake, mistake_from
from .experiments import design
from .functions import Case, exercise


def at_steps(steps, *settings):
    """Cases for each step and each setting."""
    return [Case({"t": t, **setting}) for setting in settings for t in steps]


def enter_shifted(schedule, but=()):
    """Enter the two mistakes of counting that every schedule can have, and arguments (``but`` these) without effect."""
    right = schedule.reference

    def one_step_early(t, *arguments, **keywords):
        """Every value comes one step early.

        t + 1 is used for t: the first value is skipped and every change comes a step too soon.
        """
        return right(t + 1, *arguments, **keywords)

    def one_step_late(t, *arguments, **keywords):
        """Every value comes one step late.

        t - 1 is used for t: the value is set after the step or epoch that it was meant for.
        """
        return right(max(t - 1, 0), *arguments, **keywords)

    schedule.add(mistake_from(one_step_early, "Use t as it is: it counts from 0."))
    late = schedule.add(mistake_from(one_step_late, "Set the value for step t before step t, not after it."))
    late.also(lambda t, *arguments, **keywords: right(abs(t - 1), *arguments, **keywords))  # a cosine of -1 is one of 1
    for name in sorted(schedule.defaults.keys() - set(but)):
        schedule.add(_ignoring(right, name, schedule.defaults[name]))
    return schedule


def _ignoring(right, name, value) -> Mistake:
    signature = inspect.signature(right)

    def ignoring(*arguments, **keywords):
        return right(**{**signature.bind(*arguments, **keywords).arguments, name: value})

    return Mistake(
        f"ignores-{name.replace('_', '-')}",
        f"`{name}` has no effect",
        f"The schedule is the same for every `{name}`, as if it were always {value!r}.",
        f"Where does `{name}` belong in the formula?",
        [ignoring],
    )


# ------------------------------------------------------------------------------------ step decay


@enter_shifted
@exercise(
    "step-decay",
    chapter=9,
    title="Step decay",
    cases=[
        *at_steps(
            (*range(14), 100),
            {"lr": 0.1, "step_size": 3, "gamma": 0.5},
            {"lr": 2.0, "step_size": 5, "gamma": 0.1},
            {"lr": 0.03, "step_size": 4, "gamma": 0.73},
        ),
        *at_steps((48, 49, 97, 98), {"lr": 0.3, "step_size": 49, "gamma": 0.5}),  # 49 · (1/49) is a little below 1
    ],
    hints=(
        "How many times has the learning rate dropped by step t?",
        "Whole steps of the stairs: t divided by step_size, rounded down.",
        "lr · γ to the power ⌊t / step_size⌋",
    ),
)
def step_decay(t, lr, step_size, gamma=0.1):
    """Return the learning rate at step t: multiplied by gamma every step_size steps.

    t          step, a whole number from 0
    lr         the learning rate at step 0
    step_size  steps between two drops
    gamma      factor of each drop

    Example: lr = 0.8, step_size = 2, gamma = 0.5 give 0.8, 0.8, 0.4, 0.4, 0.2, …
    """
    return library.StepDecay(lr, step_size, gamma).at(t)


@step_decay.mistakes["one-step-late"].also
def drop_before_the_start(t, lr, step_size, gamma):
    """Every value comes one step late, and the first one is too high.

    The stairs are those of t - 1. At step 0 their number is -1: training begins at lr / gamma.
    """
    return lr * gamma ** ((t - 1) // step_size)


@step_decay.mistake("gamma acts once per step_size steps.")
def decays_at_every_step(t, lr, step_size, gamma):
    """It decays at every step.

    step_size is ignored, as if epochs were steps: after a few steps the learning rate is gone.
    """
    return lr * gamma**t


@step_decay.mistake("Stairs: round the number of drops down.")
def no_rounding(t, lr, step_size, gamma):
    """The exponent is not rounded down.

    The stairs become a smooth exponential decay that lies below them.
    """
    return lr * gamma ** (t / step_size)


@step_decay.mistake("Divide whole numbers: t // step_size.")
def multiplies_by_a_reciprocal(t, lr, step_size, gamma):
    """t is multiplied by 1/step_size before it is rounded down.

    1/step_size is not exact: 49 · (1/49) comes out a little below 1, and that drop comes a step late.
    """
    return lr * gamma ** int(t * (1 / step_size))


@step_decay.mistake("The stairs drop at t = step_size, 2·step_size, …")
def rounds_to_nearest(t, lr, step_size, gamma):
    """The exponent is rounded to the nearest whole number.

    The drops come too early, the first of them after half a stair.
    """
    return lr * gamma ** round(t / step_size)


@rounds_to_nearest.also
def rounds_up(t, lr, step_size, gamma):
    """The exponent is rounded up.

    The first drop comes at step 1 already, and every other one nearly a whole stair too early.
    """
    return lr * gamma ** math.ceil(t / step_size)


@step_decay.mistake("Each drop multiplies once more: a power.")
def product_for_power(t, lr, step_size, gamma):
    """gamma is multiplied by the number of drops.

    The learning rate is 0 at first and then rises: the opposite of decay.
    """
    return lr * gamma * (t // step_size)


@step_decay.mistake("It goes on dropping.")
def drops_only_once(t, lr, step_size, gamma):
    """It drops only once.

    After the first drop the learning rate stays as it is, too high for the end of training.
    """
    return lr * gamma if t >= step_size else lr


@step_decay.mistake("A lower stair lasts until the next drop.")
def drops_for_one_step(t, lr, step_size, gamma):
    """It drops for a single step and comes back.

    `t % step_size == 0` is true at one step only; in between nothing has been remembered.
    """
    return lr * gamma if t % step_size == 0 and t > 0 else lr


@drops_for_one_step.also
def power_for_one_step(t, lr, step_size, gamma):
    return lr * gamma ** (t // step_size) if t % step_size == 0 else lr


@step_decay.mistake("gamma is the share that remains.")
def gamma_taken_away(t, lr, step_size, gamma):
    """gamma is taken as the share that is lost.

    1 - gamma remains at each drop: at gamma = 0.1 the learning rate hardly falls.
    """
    return lr * (1 - gamma) ** (t // step_size)


@step_decay.mistake("Multiply by a number below 1; do not divide by it.")
def grows(t, lr, step_size, gamma):
    """The learning rate grows.

    It is divided by gamma at each drop: training soon diverges.
    """
    return lr / gamma ** (t // step_size)


@step_decay.mistake("Multiply; do not subtract.")
def subtracts(t, lr, step_size, gamma):
    """gamma is subtracted at each drop.

    The learning rate soon turns negative: training climbs.
    """
    return lr - gamma * (t // step_size)


# ----------------------------------------------------------------------------- inverse-time decay


@enter_shifted
@exercise(
    "inverse-time-decay",
    chapter=9,
    title="1/t decay",
    cases=at_steps((*range(12), 100), {"lr": 0.1, "gamma": 0.5}, {"lr": 1.0, "gamma": 0.05}, {"lr": 0.3, "gamma": 2.0}),
    hints=(
        "At which step has the learning rate halved? At γ t = 1.",
        "lr is divided by something that is 1 at t = 0 and grows evenly.",
        "lr / (1 + γ t)",
    ),
)
def inverse_time_decay(t, lr, gamma):
    """Return the learning rate at step t of a decay as one over time.

    t      step, a whole number from 0
    lr     the learning rate at step 0
    gamma  how fast it falls: halved after 1/gamma steps

    Example: lr = 0.6, gamma = 1 give 0.6, 0.3, 0.2, …
    """
    return library.InverseTimeDecay(lr, gamma).at(t)


@inverse_time_decay.mistakes["one-step-late"].also
def from_before_the_start(t, lr, gamma):
    """Every value comes one step late, and the first one is wrong.

    t - 1 is used for t. At step 0 the sum is 1 - gamma: the learning rate starts above lr, at infinity or below zero.
    """
    return lr / (1 + gamma * (t - 1)) if gamma * (1 - t) != 1 else math.inf


@inverse_time_decay.mistake("Divide by a sum; no power, no exponential.")
def exponential_instead(t, lr, gamma):
    """This is an exponential decay.

    It falls much faster in the long run: 1/t keeps taking useful steps late in training.
    """
    return lr * math.exp(-gamma * t)


@exponential_instead.also
def power_of_gamma(t, lr, gamma):
    """gamma is taken as the factor of an exponential decay.

    lr is multiplied by gamma at every step. A small gamma ends training at once, one above 1 lets the learning rate
    grow.
    """
    return lr * gamma**t


@exponential_instead.also
def power_of_one_minus_gamma(t, lr, gamma):
    """lr is multiplied by 1 - gamma at every step.

    That is exponential decay: it falls much faster in the long run. With gamma above 1 the sign changes at every step.
    """
    return lr * (1 - gamma) ** t


@exponential_instead.also
def power_of_one_plus_gamma(t, lr, gamma):
    """lr is divided by 1 + gamma at every step.

    That is exponential decay: the divisors multiply where the formula only adds gamma once more.
    """
    return lr / (1 + gamma) ** t


@inverse_time_decay.mistake("Brackets: the sum stands under the fraction bar.")
def brackets_missing(t, lr, gamma):
    """Brackets are missing.

    lr / 1 + gamma · t divides by 1 and then adds: the learning rate grows.
    """
    return lr / 1 + gamma * t


@brackets_missing.also
def brackets_around_the_constants(t, lr, gamma):
    """The brackets end before t.

    lr / (1 + gamma) · t is a fixed share of lr times t: it is 0 at first and then grows.
    """
    return lr / (1 + gamma) * t


@inverse_time_decay.mistake("At t = 0 the value must be lr.")
def one_missing(t, lr, gamma):
    """The 1 is missing under the fraction bar.

    lr/(gamma · t) is infinite at first and does not start at lr.
    """
    return lr / (gamma * t) if t else math.inf


@one_missing.also(hint="The sum 1 + gamma · t needs no special case for t = 0.")
def one_missing_from_step_one(t, lr, gamma):
    """The 1 is missing under the fraction bar from step 1 on.

    Step 0 was mended by hand. With a small gamma the next learning rate is far above lr: 1/gamma times as large.
    """
    return lr / (gamma * t) if t else lr


@inverse_time_decay.mistake("No root: the decay is 1/t, not 1/√t.")
def root_of_time(t, lr, gamma):
    """It decays as one over the root of time.

    Much slower than 1/t: the noise at the end of training stays.
    """
    return lr / math.sqrt(1 + gamma * t)


@root_of_time.also
def root_of_t_alone(t, lr, gamma):
    """The root of t is taken.

    1 + gamma · √t grows much more slowly than 1 + gamma · t: the noise at the end of training stays.
    """
    return lr / (1 + gamma * math.sqrt(t))


@root_of_time.also(hint="No power: the sum itself stands under the fraction bar.")
def power_of_the_policy_inv(t, lr, gamma):
    """The sum is raised to the power ¾.

    That is Caffe's policy "inv", with which the paper on super-convergence compares: it falls more slowly than 1/t.
    """
    return lr * (1 + gamma * t) ** -0.75


@inverse_time_decay.mistake("gamma times t.")
def gamma_left_out(t, lr, gamma):
    """gamma has no effect.

    1/(1 + t) halves the learning rate after a single step, whatever gamma is.
    """
    return lr / (1 + t)


@inverse_time_decay.mistake("Divide lr at step 0, not the one of the last step.")
def divides_again_and_again(t, lr, gamma):
    """The last learning rate is divided, not the first one.

    The divisors multiply: the learning rate collapses faster than exponentially. This is what happens when a program
    overwrites lr with its decayed value.
    """
    return lr / math.prod(1 + gamma * k for k in range(t + 1))


@inverse_time_decay.mistake("A curve that never reaches zero.")
def straight_line(t, lr, gamma):
    """It falls along a straight line.

    After 1/gamma steps the learning rate is zero, and then negative.
    """
    return lr * (1 - gamma * t)


@straight_line.also
def straight_line_to_zero(t, lr, gamma):
    """It falls along a straight line and is cut off at zero.

    After 1/gamma steps nothing is learnt any more.
    """
    return lr * max(0.0, 1 - gamma * t)


@inverse_time_decay.mistake("Neither the sum nor t is squared.")
def squared(t, lr, gamma):
    """It decays with the square of time.

    Training comes to a halt far too early.
    """
    return lr / (1 + gamma * t) ** 2


@squared.also
def squared_time(t, lr, gamma):
    """t is squared.

    The learning rate falls with the square of time: training comes to a halt far too early.
    """
    return lr / (1 + gamma * t * t)


# ------------------------------------------------------------------------------------- cosine


@enter_shifted
@exercise(
    "cosine-decay",
    chapter=9,
    title="Cosine annealing",
    cases=[
        *at_steps(range(11), {"lr": 0.1, "t_max": 10, "eta_min": 0.0}, {"lr": 1.0, "t_max": 10, "eta_min": 0.2}),
        *at_steps(range(0, 26, 5), {"lr": 0.5, "t_max": 25, "eta_min": 0.01}),
        *at_steps(range(8), {"lr": 0.2, "t_max": 7, "eta_min": 0.05}),
    ],
    hints=(
        "Half a cosine goes from 1 to −1. How is that turned into 1 to 0?",
        "(1 + cos(π t / t_max)) / 2 goes from 1 to 0; stretch it to the range from lr to eta_min.",
        "η_min + (lr − η_min) · (1 + cos(π t / t_max)) / 2",
    ),
)
def cosine_decay(t, lr, t_max, eta_min=0.0):
    """Return the learning rate at step t of cosine annealing from lr down to eta_min.

    t        step, a whole number from 0 to t_max
    lr       the learning rate at t = 0
    t_max    the step at which eta_min is reached
    eta_min  the lowest learning rate

    Example: lr = 1 and t_max = 4 give 1, 0.8536, 0.5, 0.1464, 0.
    """
    return library.CosineAnnealingDecay(float(lr), t_max, eta_min).at(t)


def _cosine(x):
    return (1 + math.cos(math.pi * x)) / 2


@cosine_decay.mistake("The end is reached at t = t_max itself.")
def t_max_off_by_one(t, lr, t_max, eta_min):
    """t_max - 1 is used for t_max.

    eta_min comes one step too soon, and in the last step the learning rate rises again.
    """
    return eta_min + (lr - eta_min) * _cosine(t / (t_max - 1))


@t_max_off_by_one.also
def t_max_one_more(t, lr, t_max, eta_min):
    """t_max + 1 is used for t_max.

    The cosine is stretched too far: at t_max the learning rate has not arrived at eta_min.
    """
    return eta_min + (lr - eta_min) * _cosine(t / (t_max + 1))


@cosine_decay.mistake("1 + cos goes from 2 to 0.")
def half_missing(t, lr, t_max, eta_min):
    """The factor ½ is missing.

    Training starts at about twice the learning rate.
    """
    return eta_min + (lr - eta_min) * 2 * _cosine(t / t_max)


@cosine_decay.mistake("Stretch to the range lr - eta_min.")
def eta_min_added_on_top(t, lr, t_max, eta_min):
    """eta_min is added on top.

    The schedule starts at lr + eta_min instead of lr.
    """
    return eta_min + lr * _cosine(t / t_max)


@cosine_decay.mistake("eta_min is a learning rate, not a share of lr.")
def eta_min_relative(t, lr, t_max, eta_min):
    """eta_min is taken as a share of lr.

    The cosine falls to eta_min · lr. Keras has it so (its `alpha`); here eta_min is the lowest learning rate itself.
    """
    return lr * (eta_min + (1 - eta_min) * _cosine(t / t_max))


@cosine_decay.mistake("No remainder: at t = t_max the learning rate is eta_min.")
def restarts_at_the_end(t, lr, t_max, eta_min):
    """At t_max it starts again.

    The remainder t % t_max is 0 there: the last step is as large as the first.
    """
    return eta_min + (lr - eta_min) * _cosine(t % t_max / t_max)


@cosine_decay.mistake("Stretch, do not cut off.")
def cut_off_at_eta_min(t, lr, t_max, eta_min):
    """The curve is cut off at eta_min.

    It falls towards zero and then stays flat, instead of arriving smoothly at t_max.
    """
    return max(eta_min, lr * _cosine(t / t_max))


@cosine_decay.mistake("Half a period, from 0 to π.")
def whole_period(t, lr, t_max, eta_min):
    """A whole period of the cosine is used.

    The minimum is reached half-way, and the training ends at the highest learning rate.
    """
    return eta_min + (lr - eta_min) * _cosine(2 * t / t_max)


@cosine_decay.mistake("Half a period, from 0 to π, not a quarter.")
def quarter_period(t, lr, t_max, eta_min):
    """A quarter of a period is used.

    The curve falls fastest at its end, instead of slowly at both ends.
    """
    return eta_min + (lr - eta_min) * math.cos(math.pi * t / t_max / 2)


@quarter_period.also(hint="The angle is π t / t_max, not half of it.")
def quarter_of_a_raised_cosine(t, lr, t_max, eta_min):
    """Only the first half of the way down is used.

    The angle goes to π/2 instead of π: the curve falls fastest at its end, and there it is only half-way down to
    eta_min.
    """
    return eta_min + (lr - eta_min) * _cosine(t / t_max / 2)


@cosine_decay.mistake("The angle is π t / t_max, in radians.")
def pi_missing(t, lr, t_max, eta_min):
    """π is missing in the angle.

    The cosine gets no further than 1 radian: the learning rate stays above three quarters of its range.
    """
    return eta_min + (lr - eta_min) * (1 + math.cos(t / t_max)) / 2


@pi_missing.also
def degrees(t, lr, t_max, eta_min):
    """The angle is in degrees.

    math.cos and np.cos take radians. 180 radians are nearly 29 turns: the learning rate jumps up and down from step to
    step.
    """
    return eta_min + (lr - eta_min) * (1 + math.cos(180 * t / t_max)) / 2


@cosine_decay.mistake("`math.pi` and `np.pi` have all its digits.")
def pi_rounded(t, lr, t_max, eta_min):
    """π is rounded to 3.14.

    The angle is off by half a thousandth: too little to see in a plot, but the values differ from the third digit on.
    """
    return eta_min + (lr - eta_min) * (1 + math.cos(3.14 * t / t_max)) / 2


@cosine_decay.mistake("A cosine, slow at both ends.")
def linear_instead(t, lr, t_max, eta_min):
    """It falls along a straight line.

    The cosine stays high for longer and ends more gently.
    """
    return lr + (eta_min - lr) * t / t_max


@cosine_decay.mistake("1 + cos falls from 2 to 0: it belongs to lr - eta_min, added to eta_min.")
def rises_instead(t, lr, t_max, eta_min):
    """It rises instead of falling.

    Training starts at the lowest learning rate and ends at the highest.
    """
    return lr - (lr - eta_min) * _cosine(t / t_max)


@cosine_decay.mistake("Raise the cosine by 1, so that it does not turn negative.")
def negative_half(t, lr, t_max, eta_min):
    """The cosine is not raised.

    In the second half the learning rate is below eta_min, at the end below zero: training climbs.
    """
    return eta_min + (lr - eta_min) * math.cos(math.pi * t / t_max)


# ------------------------------------------------------------------------------------- warm-up


@enter_shifted
@exercise(
    "warmup",
    chapter=9,
    title="Linear warm-up",
    cases=at_steps(
        (*range(9), 30, 100),
        {"lr": 0.1, "warmup_steps": 5, "start_lr": 0.0},
        {"lr": 1.0, "warmup_steps": 4, "start_lr": 0.2},
        {"lr": 0.3, "warmup_steps": 7, "start_lr": 0.01},
    ),
    hints=(
        "A straight line from one value to another, and then a constant.",
        "How far along the line is step t? t / warmup_steps, which must not exceed 1.",
        "start_lr + (lr − start_lr) · t / warmup_steps while t < warmup_steps, then lr",
    ),
)
def warmup(t, lr, warmup_steps, start_lr=0.0):
    """Return the learning rate at step t: along a straight line from start_lr to lr, then constant.

    t             step, a whole number from 0
    lr            the learning rate from step warmup_steps on
    warmup_steps  length of the line
    start_lr      the learning rate at t = 0

    Example: lr = 0.4 and warmup_steps = 4 give 0, 0.1, 0.2, 0.3, 0.4, 0.4, …
    """
    return library.LinearWarmup(lr, warmup_steps, start_lr, lr).at(t)


@warmup.mistakes["one-step-late"].also
def line_from_before_the_start(t, lr, warmup_steps, start_lr):
    """Every value comes one step late, and the first one is too low.

    The line is that of t - 1. At step 0 it is still below start_lr; if that is 0, the first step climbs.
    """
    return start_lr + (lr - start_lr) * min(1, (t - 1) / warmup_steps)


@warmup.mistake("At t = warmup_steps the line ends; what comes then?")
def rises_for_ever(t, lr, warmup_steps, start_lr):
    """It rises for ever.

    After the warm-up the line goes on: the learning rate grows until training diverges.
    """
    return start_lr + (lr - start_lr) * t / warmup_steps


@warmup.mistake("The line ends at t = warmup_steps, not one step before.")
def line_too_short(t, lr, warmup_steps, start_lr):
    """The line is one step too short.

    With warmup_steps - 1 as its length the full learning rate comes one step too soon.
    """
    return start_lr + (lr - start_lr) * min(1, t / (warmup_steps - 1))


@warmup.mistake("The line ends at t = warmup_steps, not one step after.")
def line_too_long(t, lr, warmup_steps, start_lr):
    """The line is one step too long.

    With warmup_steps + 1 as its length every step of the warm-up is a little too short.
    """
    return start_lr + (lr - start_lr) * min(1, t / (warmup_steps + 1))


@line_too_long.also
def line_too_long_then_jump(t, lr, warmup_steps, start_lr):
    """The line is one step too long and is left with a jump.

    It is drawn for warmup_steps + 1 steps: every step of the warm-up is too short, and a last jump makes up for it.
    """
    return start_lr + (lr - start_lr) * t / (warmup_steps + 1) if t < warmup_steps else lr


@warmup.mistake("The rise goes from start_lr to lr: its height is the difference.")
def start_added_on_top(t, lr, warmup_steps, start_lr):
    """start_lr is added on top.

    The line points to lr + start_lr, and there the learning rate stays.
    """
    return start_lr + lr * min(1, t / warmup_steps)


@start_added_on_top.also
def start_added_then_jump(t, lr, warmup_steps, start_lr):
    """start_lr is added on top until the warm-up ends.

    The line points to lr + start_lr: every step of the warm-up but the first is too long.
    """
    return start_lr + lr * t / warmup_steps if t < warmup_steps else lr


@warmup.mistake("start_lr is a learning rate, not a share of lr.")
def start_relative(t, lr, warmup_steps, start_lr):
    """start_lr is taken as a share of lr.

    The line starts at start_lr · lr. Other programs have it so, as a start or warm-up *factor*; here it is the value.
    """
    return lr * (start_lr + (1 - start_lr) * min(1, t / warmup_steps))


@warmup.mistake("After the warm-up the learning rate is lr, for good.")
def decays_after_the_warm_up(t, lr, warmup_steps, start_lr):
    """After the warm-up it decays.

    That is the schedule of the Transformer, with the root of the step under the fraction bar; here lr is to stay.
    """
    return start_lr + (lr - start_lr) * t / warmup_steps if t < warmup_steps else lr * (warmup_steps / t) ** 0.5


@warmup.mistake("A warm-up rises, along a straight line.")
def cosine_annealing_instead(t, lr, warmup_steps, start_lr):
    """This is cosine annealing.

    It falls where a warm-up rises: the large steps come first, when they hurt most. This program is in print under the
    name of warm-up.
    """
    return start_lr + (lr - start_lr) * _cosine(min(t, warmup_steps) / warmup_steps)


@cosine_annealing_instead.also
def cosine_annealing_going_on(t, lr, warmup_steps, start_lr):
    """This is cosine annealing, up and down again.

    It falls where a warm-up rises, and after 2 · warmup_steps it is back at its start: there is no constant part.
    """
    return start_lr + (lr - start_lr) * _cosine(t / warmup_steps)


@warmup.mistake("A straight line.")
def cosine_rise(t, lr, warmup_steps, start_lr):
    """It rises along a cosine.

    Useful too, but slower at first than the straight line that is asked for.
    """
    return lr - (lr - start_lr) * _cosine(min(t, warmup_steps) / warmup_steps)


@warmup.mistake("Add equal amounts; do not multiply by equal factors.")
def exponential_rise(t, lr, warmup_steps, start_lr):
    """It rises exponentially.

    Most of the rise comes in the last steps; from 0 it never gets anywhere.
    """
    return start_lr * (lr / start_lr) ** min(1, t / warmup_steps) if start_lr else (0.0 if t < warmup_steps else lr)


@warmup.mistake("Gradually: every step has a learning rate of its own.")
def constant_then_jump(t, lr, warmup_steps, start_lr):
    """It stays at start_lr and then jumps.

    That is a constant warm-up: the learning rate still arrives at lr all at once.
    """
    return start_lr if t < warmup_steps else lr


@warmup.mistake("From start_lr up to lr.")
def falls_instead(t, lr, warmup_steps, start_lr):
    """It falls from lr to start_lr.

    The large steps come first, and the learning rate ends at its lowest.
    """
    return lr + (start_lr - lr) * min(1, t / warmup_steps)


@falls_instead.also
def falls_then_jumps(t, lr, warmup_steps, start_lr):
    """It falls from lr to start_lr and then jumps back.

    The large steps come first, when they hurt most; at the end of the warm-up they come back all at once.
    """
    return lr + (start_lr - lr) * t / warmup_steps if t < warmup_steps else lr


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

    Example: lr = 1, t_0 = 2, t_mult = 2 give 1, 0.5, then 1, 0.8536, 0.5, 0.1464, then 1, …
    """
    return library.CosineAnnealingWarmRestarts(float(lr), t_0, t_mult, eta_min).at(t)


def _cycle(t, t_0, grow):
    """Steps since the last restart and the cycle's length, if ``grow`` gives the next length."""
    length = t_0
    while t >= length:
        t, length = t - length, grow(length)
    return t, length


def _annealed(lr, eta_min, x):
    return eta_min + (lr - eta_min) * _cosine(x)


@sgdr.mistake("t_mult makes every cycle longer than the last.")
def period_not_multiplied(t, lr, t_0, t_mult, eta_min):
    """The period is not multiplied.

    All cycles are t_0 long: the long, patient cycles at the end are missing.
    """
    return _annealed(lr, eta_min, t % t_0 / t_0)


@sgdr.mistake("Each length is t_mult times the one before: t_0, t_0·t_mult, t_0·t_mult², …")
def period_multiplied_once(t, lr, t_0, t_mult, eta_min):
    """The period is multiplied only once.

    All cycles after the first have the same length.
    """
    cycle, length = _cycle(t, t_0, lambda _: t_0 * t_mult)
    return _annealed(lr, eta_min, cycle / length)


@sgdr.mistake("Multiply the length; do not add to it.")
def period_grows_by_adding(t, lr, t_0, t_mult, eta_min):
    """The cycles grow by adding.

    Each is t_0 steps longer than the last, whatever t_mult is: too slow a growth, or one where there should be none.
    """
    cycle, length = _cycle(t, t_0, lambda length: length + t_0)
    return _annealed(lr, eta_min, cycle / length)


@period_grows_by_adding.also
def period_grows_by_t_mult(t, lr, t_0, t_mult, eta_min):
    """t_mult is added to the length of a cycle.

    t_mult is a factor. Added, it makes each cycle only a few steps longer than the last, even for t_mult = 1.
    """
    cycle, length = _cycle(t, t_0, lambda length: length + t_mult)
    return _annealed(lr, eta_min, cycle / length)


@sgdr.mistake("At a restart the learning rate jumps back to lr.")
def no_restart(t, lr, t_0, t_mult, eta_min):
    """There is no restart.

    The cosine swings back up gently: that is Paddle's CosineAnnealingDecay beyond T_max, not a warm restart.
    """
    return _annealed(lr, eta_min, t / t_0)


@no_restart.also
def falls_once(t, lr, t_0, t_mult, eta_min):
    """There is only one cycle.

    From step t_0 on the learning rate stays at eta_min.
    """
    return _annealed(lr, eta_min, min(t / t_0, 1))


@sgdr.mistake("Divide by the length of the present cycle.")
def first_length_in_every_cycle(t, lr, t_0, t_mult, eta_min):
    """The cosine is stretched by t_0 in every cycle.

    In longer cycles it swings up again, once or several times.
    """
    cycle, _ = _cycle(t, t_0, lambda length: length * t_mult)
    return _annealed(lr, eta_min, cycle / t_0)


@sgdr.mistake("Count from the last restart.")
def counted_from_the_beginning(t, lr, t_0, t_mult, eta_min):
    """t is counted from the beginning, not from the last restart.

    The cosine of a later cycle starts somewhere in its middle.
    """
    _, length = _cycle(t, t_0, lambda length: length * t_mult)
    return _annealed(lr, eta_min, t / length)


@counted_from_the_beginning.also(hint="Take away the cycles before this one; they were shorter.")
def remainder_of_the_present_length(t, lr, t_0, t_mult, eta_min):
    """Steps since the restart are taken as the remainder of t by the present length.

    The cycles before had other lengths: a later one starts somewhere in the middle of its cosine.
    """
    _, length = _cycle(t, t_0, lambda length: length * t_mult)
    return _annealed(lr, eta_min, t % length / length)


@sgdr.mistake("A cycle of T steps uses 0, 1, …, T - 1; eta_min is not reached.")
def cycle_ends_at_the_minimum(t, lr, t_0, t_mult, eta_min):
    """Each cycle ends at eta_min.

    The cosine is stretched by T - 1 instead of T: the last step of each cycle learns next to nothing.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return _annealed(lr, eta_min, cycle / max(length - 1, 1))


@sgdr.mistake("Step t_0 is the first of the second cycle.")
def restart_one_step_late(t, lr, t_0, t_mult, eta_min):
    """The restart comes one step late.

    Each cycle has a step too many, the one at eta_min itself, and the delays add up.
    """
    length = t_0
    while t > length:
        t, length = t - length - 1, length * t_mult
    return _annealed(lr, eta_min, t / length)


@restart_one_step_late.also
def restart_late_without_delay(t, lr, t_0, t_mult, eta_min):
    """A restart comes one step late.

    The step of the restart still belongs to the old cycle and runs at eta_min; the next one starts with its second
    step.
    """
    length = t_0
    while t > length:
        t, length = t - length, length * t_mult
    return _annealed(lr, eta_min, t / length)


@sgdr.mistake("Take away whole cycles, or round before you take the whole part of a logarithm.")
def found_by_a_logarithm(t, lr, t_0, t_mult, eta_min):
    """The cycle is found by a logarithm, which misses some restarts.

    log(243)/log(3) comes out a little below 5: that restart still belongs to the old cycle and runs at eta_min. PyTorch
    and Paddle have it so in step(epoch).
    """
    cycle = int(math.log(t / t_0 * (t_mult - 1) + 1, t_mult)) if t_mult > 1 else t // t_0
    begin = t_0 * (t_mult**cycle - 1) / (t_mult - 1) if t_mult > 1 else t_0 * cycle
    return _annealed(lr, eta_min, (t - begin) / (t_0 * t_mult**cycle))


@sgdr.mistake("Every restart goes back to lr.")
def restarts_get_lower(t, lr, t_0, t_mult, eta_min):
    """Each restart is lower than the last.

    A variant of SGDR does so, but here each cycle starts at lr.
    """
    length, peak = t_0, lr
    while t >= length:
        t, length, peak = t - length, length * t_mult, peak / 2
    return _annealed(peak, eta_min, t / length)


@sgdr.mistake("1 + cos goes from 2 to 0.")
def sgdr_half_missing(t, lr, t_0, t_mult, eta_min):
    """The factor ½ is missing.

    Every cycle starts at about twice the learning rate.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return eta_min + (lr - eta_min) * 2 * _cosine(cycle / length)


@sgdr.mistake("Half a period per cycle.")
def sgdr_whole_period(t, lr, t_0, t_mult, eta_min):
    """Each cycle is a whole period of the cosine.

    The learning rate swings back up gently within the cycle: there is no restart.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return _annealed(lr, eta_min, 2 * cycle / length)


@sgdr.mistake("Stretch to the range lr - eta_min.")
def sgdr_eta_min_added(t, lr, t_0, t_mult, eta_min):
    """eta_min is added on top.

    Every cycle starts at lr + eta_min.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return eta_min + lr * _cosine(cycle / length)


@sgdr.mistake("eta_min is a learning rate, not a share of lr.")
def sgdr_eta_min_relative(t, lr, t_0, t_mult, eta_min):
    """eta_min is taken as a share of lr.

    Each cycle falls towards eta_min · lr. Keras has it so (its `alpha`); here eta_min is the value itself.
    """
    cycle, length = _cycle(t, t_0, lambda length: length * t_mult)
    return _annealed(lr, lr * eta_min, cycle / length)


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
    return max_lr - (max_lr - base_lr) * _cosine(t / step_size)


# --------------------------------------------------------------------------------------- 1cycle


ONE_CYCLE = {"divide_factor": 25.0, "end_learning_rate": 0.0001, "phase_pct": 0.3}


@enter_shifted
@exercise(
    "one-cycle",
    chapter=12,
    title="The 1cycle policy",
    optional=("divide_factor", "end_learning_rate", "phase_pct"),
    cases=[
        *at_steps(range(20), {"max_lr": 0.5, "total_steps": 20}),
        *at_steps(range(0, 50, 7), {"max_lr": 3.0, "total_steps": 50}),
        *at_steps(range(10), {"max_lr": 1.0, "total_steps": 10, "divide_factor": 7.5}),
        *at_steps(range(10), {"max_lr": 1.0, "total_steps": 10, "end_learning_rate": 0.02}),
        *at_steps(range(20), {"max_lr": 1.0, "total_steps": 20, "phase_pct": 0.4}),
        # The top lies between two steps, below the middle between them and above it.
        *at_steps((0, 3, 4, 9, 13), {"max_lr": 0.8, "total_steps": 14}),
        *at_steps((0, 4, 5, 6, 15), {"max_lr": 2.0, "total_steps": 16, "phase_pct": 0.4}),
        *at_steps((0, 3, 4, 5, 18), {"max_lr": 0.2, "total_steps": 19, "phase_pct": 0.25}),
    ],
    hints=(
        "Two phases, one up and one down. Where does each start and end, and at which step do they meet?",
        "The top is at step phase_pct · total_steps − 1, the end at total_steps − 1. Each phase is half a cosine.",
        "From a to b at the share p of a phase: b + (a − b)(1 + cos(π p))/2. The first a is max_lr/divide_factor.",
    ),
)
def one_cycle(t, max_lr, total_steps, divide_factor=25.0, end_learning_rate=0.0001, phase_pct=0.3):
    """Return the learning rate at step t of the 1cycle policy, as Paddle's OneCycleLR has it (two cosine phases).

    t                  step, a whole number from 0 to total_steps - 1
    max_lr             the top, at step phase_pct · total_steps - 1
    total_steps        length of the whole cycle
    divide_factor      the cycle starts at max_lr / divide_factor
    end_learning_rate  the value at the last step (absolute: not relative to max_lr)
    phase_pct          share of the steps that go up

    Example: max_lr = 1 and total_steps = 10 give 0.04, 0.52, 1, 0.9505, 0.8118, …, 0.0001.
    """
    return library.OneCycleLR(float(max_lr), total_steps, divide_factor, end_learning_rate, phase_pct).at(t)


def _phases(t, points, shape=_cosine):
    """The value at step t on a path through ``points``, (step, value) pairs, joined by ``shape`` from 1 to 0."""
    for (first, a), (last, b) in zip(points, points[1:]):
        if t <= last:
            return b + (a - b) * shape((t - first) / (last - first))
    return points[-1][1]


def _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    return [(0, max_lr / divide_factor), (phase_pct * total_steps - 1, max_lr), (total_steps - 1, end_learning_rate)]


@one_cycle.mistake("The second phase goes far below the start, to end_learning_rate.")
def no_final_descent(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The final descent is missing.

    The cycle ends where it began. The last steps far below that are where 1cycle gains its accuracy.
    """
    corners = _corners(max_lr, total_steps, divide_factor, max_lr / divide_factor, phase_pct)
    return _phases(t, corners)


@no_final_descent.also(hint="After the top comes the second phase, down to end_learning_rate.")
def stays_at_the_maximum(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The way down is missing.

    The learning rate stays at the top: the last steps, in which 1cycle gains its accuracy, are as large as the largest.
    """
    return _phases(t, _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)[:2])


@one_cycle.mistake("In Paddle the end is a value, not a factor.")
def end_relative(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """end_learning_rate is multiplied by the top.

    In Paddle it is the value of the last step itself, not a share of max_lr.
    """
    return _phases(t, _corners(max_lr, total_steps, divide_factor, max_lr * end_learning_rate, phase_pct))


@end_relative.also
def end_relative_to_the_start(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """end_learning_rate is multiplied by the start.

    In Paddle it is the value of the last step itself: multiplied by max_lr / divide_factor it is far too small.
    """
    end = max_lr / divide_factor * end_learning_rate
    return _phases(t, _corners(max_lr, total_steps, divide_factor, end, phase_pct))


@end_relative.also
def end_ten_thousandth_of_the_top(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The end is a ten-thousandth of the top.

    Some programs anneal to max_lr / 10,000. Paddle ends at end_learning_rate, which has no effect here.
    """
    return _phases(t, _corners(max_lr, total_steps, divide_factor, max_lr / 1e4, phase_pct))


@end_relative.also
def end_ten_thousandth_of_the_start(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The end is a ten-thousandth of the start.

    PyTorch divides the start by final_div_factor = 10,000. Paddle ends at end_learning_rate, which has no effect here.
    """
    return _phases(t, _corners(max_lr, total_steps, divide_factor, max_lr / divide_factor / 1e4, phase_pct))


@one_cycle.mistake("The end is end_learning_rate, not zero.")
def ends_at_zero(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """It ends at zero.

    The last step learns nothing, and the steps before it too little.
    """
    return _phases(t, _corners(max_lr, total_steps, divide_factor, 0.0, phase_pct))


@one_cycle.mistake("Each phase is half a cosine.")
def straight_lines(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The phases are straight lines.

    That is anneal_strategy="linear": the top is sharper, and less time is spent near it.
    """
    corners = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, corners, shape=lambda p: 1 - p)


@straight_lines.also
def straight_way_up(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The way up is a straight line.

    A linear warm-up before a cosine is common, but in the 1cycle policy of Paddle both phases are cosines.
    """
    first, top, last = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [first, top], shape=lambda p: 1 - p) if t <= top[0] else _phases(t, [top, last])


@one_cycle.mistake("Take phase_pct · total_steps - 1 as it is, with its fraction.")
def top_rounded_down(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The step of the top is rounded down.

    It need not be whole. Where it is not, no step reaches max_lr itself, and both phases keep their lengths.
    """
    top = (int(phase_pct * total_steps) - 1, max_lr)
    return _phases(t, [(0, max_lr / divide_factor), top, (total_steps - 1, end_learning_rate)])


@top_rounded_down.also
def top_rounded_to_nearest(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The step of the top is rounded to the nearest whole number.

    It need not be whole. Where it is not, no step reaches max_lr itself, and both phases keep their lengths.
    """
    top = (round(phase_pct * total_steps) - 1, max_lr)
    return _phases(t, [(0, max_lr / divide_factor), top, (total_steps - 1, end_learning_rate)])


@top_rounded_down.also
def top_rounded_up(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The step of the top is rounded up.

    It need not be whole. Where it is not, no step reaches max_lr itself, and both phases keep their lengths.
    """
    top = (math.ceil(phase_pct * total_steps) - 1, max_lr)
    return _phases(t, [(0, max_lr / divide_factor), top, (total_steps - 1, end_learning_rate)])


@one_cycle.mistake("The first step is 0, so the last of n steps is n - 1.")
def phases_one_step_too_long(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The top comes one step late.

    The first phase has phase_pct · total_steps steps, counted from 0: its last one is one less.
    """
    top = (phase_pct * total_steps, max_lr)
    return _phases(t, [(0, max_lr / divide_factor), top, (total_steps - 1, end_learning_rate)])


@phases_one_step_too_long.also
def both_ends_one_step_late(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """Both phases are one step too long.

    The top comes at phase_pct · total_steps, the end at total_steps: the run is over one step before the end.
    """
    top = (phase_pct * total_steps, max_lr)
    return _phases(t, [(0, max_lr / divide_factor), top, (total_steps, end_learning_rate)])


@phases_one_step_too_long.also
def end_one_step_late(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The end comes one step late.

    The descent is drawn to step total_steps, but the last step of the run is total_steps - 1.
    """
    top = (phase_pct * total_steps - 1, max_lr)
    return _phases(t, [(0, max_lr / divide_factor), top, (total_steps, end_learning_rate)])


@phases_one_step_too_long.also(hint="The top is at phase_pct · total_steps - 1, with its fraction.")
def whole_phase_one_step_too_long(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The top comes too late, at a whole step.

    The number of steps on the way up is rounded down, but counted from 0 the last of them is one less.
    """
    top = (int(phase_pct * total_steps), max_lr)
    return _phases(t, [(0, max_lr / divide_factor), top, (total_steps - 1, end_learning_rate)])


@one_cycle.mistake("The second cosine begins at the top: count its steps from there, and divide by their number.")
def cosine_not_restarted(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The second cosine runs from step 0, not from the top.

    When the way up ends it is well on its way down: the learning rate leaps down behind the top.
    """
    first, top, last = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [first, top] if t <= top[0] else [(0, max_lr), last])


@cosine_not_restarted.also
def second_cosine_too_long(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The second cosine is as long as the whole run.

    It begins at the top, but what is left of the run is shorter: it never gets down to end_learning_rate.
    """
    first, top, last = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [first, top, (top[0] + last[0], end_learning_rate)])


@cosine_not_restarted.also
def second_cosine_too_short(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The second cosine runs from step 0 and is too short.

    Its steps are counted from 0 but divided by the number of those after the top: it is down too soon and rises again.
    """
    first, top, last = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [first, top]) if t <= top[0] else _annealed(max_lr, end_learning_rate, t / (last[0] - top[0]))


@one_cycle.mistake("The start is max_lr / divide_factor.")
def starts_at_zero(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """It starts at zero.

    The first step learns nothing.
    """
    corners = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [(0, 0.0), *corners[1:]])


@one_cycle.mistake("divide_factor divides max_lr.")
def starts_at_the_end_value(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """It starts at the value it ends with.

    The first phase begins far too low: up to half of it is lost.
    """
    corners = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [(0, end_learning_rate), *corners[1:]])


@starts_at_the_end_value.also
def start_not_relative(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """It starts at 1 / divide_factor.

    The start is not relative to max_lr: it is right only for max_lr = 1.
    """
    corners = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [(0, 1 / divide_factor), *corners[1:]])


@one_cycle.mistake("phase_pct is the share of the way up.")
def phases_exchanged(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The lengths of the two phases are exchanged.

    phase_pct is taken as the share of the way down: by default the way up takes 70 % of the steps, and too little time
    is left for the descent.
    """
    return _phases(t, _corners(max_lr, total_steps, divide_factor, end_learning_rate, 1 - phase_pct))


@one_cycle.mistake("The way up takes phase_pct of the steps.")
def symmetric(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """Both phases are equally long.

    phase_pct has no effect: the top comes at half time.
    """
    return _phases(t, _corners(max_lr, total_steps, divide_factor, end_learning_rate, 0.5))


@one_cycle.mistake("Two phases: from the top straight down to the end.")
def three_phases(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """There are three phases.

    Smith's original goes down to the start first and anneals then (three_phase=True); Paddle's default has two phases.
    """
    first, top, last = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [first, top, (2 * top[0], first[1]), last])


@three_phases.also
def smiths_original(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """There are three phases, all of them straight lines.

    That is Smith's original (anneal_strategy="linear", three_phase=True); Paddle's default has two half cosines.
    """
    first, top, last = _corners(max_lr, total_steps, divide_factor, end_learning_rate, phase_pct)
    return _phases(t, [first, top, (2 * top[0], first[1]), last], shape=lambda p: 1 - p)


@one_cycle.mistake("First up, then down.")
def descent_only(t, max_lr, total_steps, divide_factor, end_learning_rate, phase_pct):
    """The way up is missing.

    This is plain cosine annealing from the top: without the warm-up the large learning rate hits an untrained network.
    """
    return _phases(t, [(0, max_lr), (total_steps - 1, end_learning_rate)])


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
    """Return the learning rate that a range test suggests: where the loss falls fastest (or a tenth of the minimum's).

    losses  smoothed loss at each step of the test: array
    lrs     learning rate at each step: array of the same length, evenly spaced in its logarithm, rising
    Return one of the learning rates, a number. Anything within half a decade of the right place passes.

    Example: a curve that is flat up to 0.01, falls until 1 and then explodes suggests about 0.1.
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


# -------------------------------------------------------------------------------------- design


@design(
    "schedule-design",
    chapter=9,
    title="A schedule for 100 steps",
    steps=100,
    batch_size=8,
    goal=0.9,
    hints=(
        "With mini-batches of 8 the gradient is noisy. When does noise hurt more, at the beginning or at the end?",
        "No constant learning rate gets there: large ones end in noise, small ones do not arrive. Use both.",
        "Begin at about half of the largest learning rate that does not diverge, and end near zero.",
    ),
)
def schedule(t):
    """Return the learning rate of step t for a run of 100 steps.

    t  step, a whole number from 0 to 99
    Return a positive number.

    The run: models.mlp on the digits, plain SGD, mini-batches of 8. The check trains it with your schedule from three
    seeds; the mean validation accuracy must reach 90 %. The best constant learning rate stops at about 87 %.
    """
    return 0.5 * (1 - t / 100)


@schedule.mistake("How far from the minimum does each step end when the gradient is noisy?")
def constant_rate(rates, accuracy):
    """The learning rate is constant.

    No constant one is good at both ends: large steps first, small ones last.
    """
    return np.ptp(rates) == 0 and 0.01 < rates[0] < 0.9


@schedule.mistake("Every learning rate must be above zero.")
def not_positive(rates, accuracy):
    """Some learning rates are negative.

    A step with a negative learning rate climbs: it undoes what others have learnt.
    """
    return (rates < 0).any()


@schedule.mistake("Every learning rate must be above zero.")
def mostly_zero(rates, accuracy):
    """Most learning rates are zero.

    In these steps nothing is learnt.
    """
    return np.mean(rates == 0) > 0.5


@schedule.mistake("Stay below the learning rate at which the loss leaps up.")
def diverges(rates, accuracy):
    """The largest learning rate is too large.

    It is beyond what the network stands: the loss leaps up, and the other steps make up for that in part at best.
    """
    return rates.max() > 0.9 and accuracy < 0.8


@schedule.mistake("With 100 steps, the sum of all learning rates decides how far you get.")
def too_small(rates, accuracy):
    """The learning rates are too small for the budget.

    The network is still on its way when the steps run out.
    """
    return rates.sum() < 10


@schedule.mistake("Turn it round.")
def ends_high(rates, accuracy):
    """It ends with larger learning rates than it begins with.

    The noise of the last steps stays in the weights.
    """
    return rates[-20:].mean() > rates[:20].mean()
