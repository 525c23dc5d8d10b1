"""Chapter 12: the 1cycle policy, and the mistakes made with it."""

from __future__ import annotations

import math

from ...optimizer import lr as library
from ..functions import exercise
from .schedule_slips import annealed, at_steps, enter_shifted, half_cosine

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
def one_cycle(
    t,
    max_lr,
    total_steps,
    divide_factor=25.0,
    end_learning_rate=0.0001,
    phase_pct=0.3,
):
    """Return the learning rate at step t of Paddle's OneCycleLR (two cosine phases).

    t                  step, a whole number from 0 to total_steps - 1
    max_lr             the top, at step phase_pct · total_steps - 1
    total_steps        length of the whole cycle
    divide_factor      the cycle starts at max_lr / divide_factor
    end_learning_rate  the value at the last step (absolute: not relative to max_lr)
    phase_pct          share of the steps that go up

    Example: max_lr = 1 and total_steps = 10 give 0.04, 0.52, 1, 0.9505, …, 0.0001.
    """
    return library.OneCycleLR(float(max_lr), total_steps, divide_factor, end_learning_rate, phase_pct).at(t)


def _phases(t, points, shape=half_cosine):
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
    return _phases(t, [first, top]) if t <= top[0] else annealed(max_lr, end_learning_rate, t / (last[0] - top[0]))


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
