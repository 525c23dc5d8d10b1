"""Chapter 9: the linear warm-up, and the mistakes made with it."""

from __future__ import annotations

from ...optimizer import lr as library
from ..functions import exercise
from .schedule_slips import at_steps, enter_shifted, half_cosine

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
    """Return the learning rate at step t: along a straight line from start_lr to lr,
    then constant.

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
    return start_lr + (lr - start_lr) * half_cosine(min(t, warmup_steps) / warmup_steps)


@cosine_annealing_instead.also
def cosine_annealing_going_on(t, lr, warmup_steps, start_lr):
    """This is cosine annealing, up and down again.

    It falls where a warm-up rises, and after 2 · warmup_steps it is back at its start: there is no constant part.
    """
    return start_lr + (lr - start_lr) * half_cosine(t / warmup_steps)


@warmup.mistake("A straight line.")
def cosine_rise(t, lr, warmup_steps, start_lr):
    """It rises along a cosine.

    Useful too, but slower at first than the straight line that is asked for.
    """
    return lr - (lr - start_lr) * half_cosine(min(t, warmup_steps) / warmup_steps)


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
