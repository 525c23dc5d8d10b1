"""Chapter 9: schedules that decay, as functions of the step, and the mistakes made with them."""

from __future__ import annotations

import math

from ...optimizer import lr as library
from ..functions import exercise
from .schedule_slips import at_steps, enter_shifted, half_cosine

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


@cosine_decay.mistake("The end is reached at t = t_max itself.")
def t_max_off_by_one(t, lr, t_max, eta_min):
    """t_max - 1 is used for t_max.

    eta_min comes one step too soon, and in the last step the learning rate rises again.
    """
    return eta_min + (lr - eta_min) * half_cosine(t / (t_max - 1))


@t_max_off_by_one.also
def t_max_one_more(t, lr, t_max, eta_min):
    """t_max + 1 is used for t_max.

    The cosine is stretched too far: at t_max the learning rate has not arrived at eta_min.
    """
    return eta_min + (lr - eta_min) * half_cosine(t / (t_max + 1))


@cosine_decay.mistake("1 + cos goes from 2 to 0.")
def half_missing(t, lr, t_max, eta_min):
    """The factor ½ is missing.

    Training starts at about twice the learning rate.
    """
    return eta_min + (lr - eta_min) * 2 * half_cosine(t / t_max)


@cosine_decay.mistake("Stretch to the range lr - eta_min.")
def eta_min_added_on_top(t, lr, t_max, eta_min):
    """eta_min is added on top.

    The schedule starts at lr + eta_min instead of lr.
    """
    return eta_min + lr * half_cosine(t / t_max)


@cosine_decay.mistake("eta_min is a learning rate, not a share of lr.")
def eta_min_relative(t, lr, t_max, eta_min):
    """eta_min is taken as a share of lr.

    The cosine falls to eta_min · lr. Keras has it so (its `alpha`); here eta_min is the lowest learning rate itself.
    """
    return lr * (eta_min + (1 - eta_min) * half_cosine(t / t_max))


@cosine_decay.mistake("No remainder: at t = t_max the learning rate is eta_min.")
def restarts_at_the_end(t, lr, t_max, eta_min):
    """At t_max it starts again.

    The remainder t % t_max is 0 there: the last step is as large as the first.
    """
    return eta_min + (lr - eta_min) * half_cosine(t % t_max / t_max)


@cosine_decay.mistake("Stretch, do not cut off.")
def cut_off_at_eta_min(t, lr, t_max, eta_min):
    """The curve is cut off at eta_min.

    It falls towards zero and then stays flat, instead of arriving smoothly at t_max.
    """
    return max(eta_min, lr * half_cosine(t / t_max))


@cosine_decay.mistake("Half a period, from 0 to π.")
def whole_period(t, lr, t_max, eta_min):
    """A whole period of the cosine is used.

    The minimum is reached half-way, and the training ends at the highest learning rate.
    """
    return eta_min + (lr - eta_min) * half_cosine(2 * t / t_max)


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
    return eta_min + (lr - eta_min) * half_cosine(t / t_max / 2)


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
    return lr - (lr - eta_min) * half_cosine(t / t_max)


@cosine_decay.mistake("Raise the cosine by 1, so that it does not turn negative.")
def negative_half(t, lr, t_max, eta_min):
    """The cosine is not raised.

    In the second half the learning rate is below eta_min, at the end below zero: training climbs.
    """
    return eta_min + (lr - eta_min) * math.cos(math.pi * t / t_max)
