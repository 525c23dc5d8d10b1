"""Chapter 9: schedules that begin small, the linear warm-up and Noam's, and the mistakes made with them."""

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


# ---------------------------------------------------------------------------------------- Noam


@enter_shifted
@exercise(
    "noam-decay",
    chapter=9,
    title="Noam's schedule",
    cases=at_steps(
        (*range(9), 30, 100),
        {"d_model": 512, "warmup_steps": 4, "lr": 1.0},
        {"d_model": 64, "warmup_steps": 7, "lr": 0.5},
    ),
    hints=(
        "Two curves, a rising line and a falling root; the schedule is the lower one. Where do they meet?",
        "The line is t · W^(-1.5), the other one t^(-0.5); at t = W both are W^(-0.5). Which one counts at t = 0?",
        "lr · d^(-0.5) · min(t^(-0.5), t · W^(-1.5)), and 0 at t = 0",
    ),
)
def noam_decay(t, d_model, warmup_steps, lr=1.0):
    """Return the learning rate at step t: up a straight line for warmup_steps, then
    down as one over the root of the step; all of it over the root of d_model.

    t             step, a whole number from 0; the rate at t = 0 is 0
    d_model       width of the model
    warmup_steps  the step at which line and root meet
    lr            a factor

    Example: d_model = 100, warmup_steps = 4 give 0, 0.0125, 0.025, 0.0375, 0.05, …, and
    0.025 at t = 16.
    """
    return library.NoamDecay(d_model, warmup_steps, lr).at(t)


def _noam(t, d_model, warmup_steps, lr, width=-0.5, falls=-0.5, slope=-1.5):
    """Noam's rate with other powers of d_model, of t in the fall and of W in the line."""
    rise = t * warmup_steps**slope
    return lr * d_model**width * (min(t**falls, rise) if t else 0.0)


@noam_decay.mistake("The lower of the two curves counts.")
def larger_of_both(t, d_model, warmup_steps, lr):
    """The higher of the two curves is taken.

    The run begins with its largest rate, and after the warm-up the rate rises without end.
    """
    rise = t * warmup_steps**-1.5
    return lr * d_model**-0.5 * (max(t**-0.5, rise) if t else 0.0)


@noam_decay.mistake("All of it is divided by the root of d_model.")
def width_left_out(t, d_model, warmup_steps, lr):
    """d_model has no effect.

    At a width of 512 every rate is 23 times too large.
    """
    return _noam(t, 1, warmup_steps, lr)


@noam_decay.mistake("One over the root: d_model to the power -0.5.")
def width_without_root(t, d_model, warmup_steps, lr):
    """The root of d_model is missing.

    Divided by d_model itself, every rate is 23 times too small at a width of 512.
    """
    return _noam(t, d_model, warmup_steps, lr, width=-1)


@noam_decay.mistake("A wider model needs a smaller rate: a negative power.")
def width_multiplied(t, d_model, warmup_steps, lr):
    """The root of d_model multiplies instead of dividing.

    At a width of 512 every rate is 512 times too large: training diverges.
    """
    return _noam(t, d_model, warmup_steps, lr, width=0.5)


@noam_decay.mistake("At t = W line and root must meet: t · W^p = t^(-0.5) there. What is p?")
def line_too_steep(t, d_model, warmup_steps, lr):
    """The line is too steep: its slope has the wrong power of warmup_steps.

    Line and root then meet before warmup_steps: the peak comes too early, and is too high.
    """
    return _noam(t, d_model, warmup_steps, lr, slope=-1)


@line_too_steep.also
def line_to_one(t, d_model, warmup_steps, lr):
    """The line is far too steep: it is divided by the root of warmup_steps only.

    It meets the falling root almost at once: there is hardly any warm-up, and the first rates are the largest.
    """
    return _noam(t, d_model, warmup_steps, lr, slope=-0.5)


@line_too_steep.also
def line_too_flat(t, d_model, warmup_steps, lr):
    """The line is too flat: its slope has the wrong power of warmup_steps.

    It meets the falling root late, and the peak is far below the one that was meant.
    """
    return _noam(t, d_model, warmup_steps, lr, slope=-2)


@noam_decay.mistake("One over the root of the step.")
def falls_without_root(t, d_model, warmup_steps, lr):
    """It falls as 1/t instead of as one over the root.

    Line and fall then meet before warmup_steps, and after the peak the rate is far too small.
    """
    return _noam(t, d_model, warmup_steps, lr, falls=-1)


@falls_without_root.also
def falls_as_one_over_time_from_the_peak(t, d_model, warmup_steps, lr):
    """After the peak it falls as 1/t instead of as one over the root.

    The rate is too small in all steps after the warm-up, the more so the longer the run is.
    """
    rise = t * warmup_steps**-1.5
    return lr * d_model**-0.5 * (rise if t <= warmup_steps else warmup_steps**0.5 / t)


@noam_decay.mistake("After t = warmup_steps the root of the step takes over.")
def stays_at_the_peak(t, d_model, warmup_steps, lr):
    """It stays at the peak.

    That is a warm-up and a constant rate: the rate is too large in all steps after the warm-up.
    """
    return lr * (d_model * warmup_steps) ** -0.5 * min(1, t / warmup_steps)


@noam_decay.mistake("Begin at 0 and rise until t = warmup_steps.")
def no_warm_up(t, d_model, warmup_steps, lr):
    """The warm-up is missing: it falls from the first step on.

    The first steps are the largest, and as large as the root of warmup_steps times the peak.
    """
    return lr * (d_model * t) ** -0.5 if t else 0.0


@noam_decay.mistake("The peak follows from the formula: it is lr / √(d_model · warmup_steps).")
def lr_as_the_peak(t, d_model, warmup_steps, lr):
    """The highest rate is lr itself.

    Other programs have it so. Here lr is a factor: the peak depends on d_model and warmup_steps, too.
    """
    return lr * min((warmup_steps / t) ** 0.5, t / warmup_steps) if t else 0.0


@noam_decay.mistake("The rate at t = 0 is 0: the line is the lower curve there.")
def step_zero_as_step_one(t, d_model, warmup_steps, lr):
    """Step 0 has the rate of step 1.

    The paper counts from 1; Paddle counts from 0, where the line, and so the rate, is 0.
    """
    return _noam(max(t, 1), d_model, warmup_steps, lr)


@step_zero_as_step_one.also
def step_zero_on_the_root(t, d_model, warmup_steps, lr):
    """Step 0 has the rate of the falling root at step 1.

    The very first update of the run is then the largest of all, instead of none.
    """
    return _noam(t, d_model, warmup_steps, lr) if t else lr * d_model**-0.5
