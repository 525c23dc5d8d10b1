"""Chapter 9: a schedule to design, and schedules in a program: what they do and in which unit they count."""

from __future__ import annotations

import math

import numpy as np

from ...optimizer import lr as library
from ..answers import PredictExercise, TypicalNumber
from ..experiments import design
from ..functions import Case, exercise
from .schedule_slips import half_cosine

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

    The run: models.mlp on the digits, plain SGD, mini-batches of 8. The check trains it
    with your schedule from three seeds; the mean validation accuracy must reach 90 %.
    The best constant learning rate stops at about 87 %.
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


# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "schedule-unit",
    chapter=9,
    title="A schedule counted in the wrong unit",
    question="ExponentialDecay(0.1, gamma=0.9), stepped after each of the 20 mini-batches of an epoch: which rate "
    "begins epoch 2?",
    value=0.1 * 0.9**20,
    because="Twenty calls multiply by 0.9 twenty times: 0.1 · 0.9²⁰ ≈ 0.012, an eighth of what was meant (0.09).",
    mistakes=(
        TypicalNumber(
            "as-meant",
            0.09,
            "That is what was meant: one factor of 0.9 per epoch. The program calls step() twenty times.",
        ),
        TypicalNumber(
            "one-call-short",
            0.1 * 0.9**19,
            "One call is missing: step() is called after the last mini-batch of the epoch, too.",
        ),
        TypicalNumber(
            "two-epochs",
            0.1 * 0.9**40,
            "When the second epoch *begins*, only the calls of the first one have been made.",
        ),
        TypicalNumber("factor-alone", 0.9**20, "This is the factor; the learning rate began at 0.1."),
        TypicalNumber(
            "product-for-power", 0.1 * 0.9 / 20, "Each call multiplies by 0.9 once more; nothing is divided by 20."
        ),
    ),
    hints=(
        "How many times has step() been called by then?",
        "Each call multiplies by 0.9: a power.",
        "0.1 · 0.9^20",
    ),
)


# ---------------------------------------------------------------------------------- find the bug


def _plans():
    plans = (
        (0.1, 0.5, 10, 31),
        (1.0, 0.1, 3, 10),
        (0.4, 0.8, 5, 4),
        (0.3, 0.7, 1, 9),
        (0.2, 0.9, 4, 13),
        (0.5, 0.6, 49, 99),
    )
    return [Case(dict(zip(("lr", "gamma", "every", "epochs"), plan))) for plan in plans]


@exercise(
    "decay-find-bug",
    chapter=9,
    title="Find the bugs: a decay that comes too often",
    cases=_plans(),
    hints=(
        "Print the result for lr = 1, gamma = 0.5, every = 3. In which epochs does it fall?",
        "`if epoch % every` is true whenever there *is* a remainder. When should it be true?",
        "Mend the condition, then look at epoch 0: a remainder of 0 is not enough.",
    ),
)
def rates_of_the_plan(lr, gamma, every, epochs):
    return library.StepDecay(lr, every, gamma).at(np.arange(epochs))


@rates_of_the_plan.as_printed
def rate_of_each_epoch(lr, gamma, every, epochs):
    """Return the learning rates of epochs 0, 1, 2, …: multiplied by gamma after each
    `every` epochs. Two bugs.
    """
    used = []
    for epoch in range(epochs):
        if epoch % every:
            lr = lr * gamma
        used.append(lr)
    return np.array(used)


@rates_of_the_plan.mistake("Is there anything to multiply by before the first epoch?")
def falls_at_epoch_zero(lr, gamma, every, epochs):
    """The plan is right now, but it begins with a decay.

    0 is divisible by everything: the first epoch already runs at gamma times the learning rate.
    """
    used = []
    for epoch in range(epochs):
        if epoch % every == 0:
            lr = lr * gamma
        used.append(lr)
    return np.array(used)


@rates_of_the_plan.mistake("A remainder other than 0 means that the time has *not* come.")
def falls_in_every_epoch(lr, gamma, every, epochs):
    """It falls in every epoch.

    The first epoch is right, but from then on gamma acts each time, whatever `every` says.
    """
    return np.array([lr * gamma**epoch for epoch in range(epochs)])


@rates_of_the_plan.mistake("The first decay comes after `every` epochs: epoch number `every` is the first lower one.")
def one_epoch_late(lr, gamma, every, epochs):
    """Every decay comes one epoch late.

    The learning rate is entered before it is changed, so a change acts in the epoch after the one it was meant for.
    """
    return np.array([lr * gamma ** (max(epoch - 1, 0) // every) for epoch in range(epochs)])


@one_epoch_late.also(hint="Change first, then enter; and is there anything to multiply by before the first epoch?")
def one_epoch_late_from_epoch_zero(lr, gamma, every, epochs):
    """Every decay comes one epoch late, and one comes after the very first epoch.

    The learning rate is entered before it is changed, and epoch 0 already changes it: 0 is divisible by everything.
    """
    return np.array([lr * gamma ** math.ceil(epoch / every) for epoch in range(epochs)])


@rates_of_the_plan.mistake("Epochs are counted from 0 here.")
def one_epoch_early(lr, gamma, every, epochs):
    """Every decay comes one epoch early.

    With epoch + 1 the last epoch of each level already runs at the next one.
    """
    return np.array([lr * gamma ** ((epoch + 1) // every) for epoch in range(epochs)])


@rates_of_the_plan.mistake("Whole levels: the rate changes only where the remainder is 0.")
def falls_smoothly(lr, gamma, every, epochs):
    """It falls a little in every epoch.

    gamma acts in `every` small parts: the learning rate lies below the levels of the plan.
    """
    return np.array([lr * gamma ** (epoch / every) for epoch in range(epochs)])


@rates_of_the_plan.mistake("It goes on falling, level by level.")
def falls_once(lr, gamma, every, epochs):
    """It falls only once.

    `epoch == every` is true in a single epoch; the later levels are missing.
    """
    return np.array([lr * gamma if epoch >= every else lr for epoch in range(epochs)])


# A program that an article prints under the heading "warm-up".


def _warmups():
    runs = ((0.4, 4, 12), (1.0, 5, 9), (0.1, 1, 6), (0.3, 7, 30))
    return [
        Case({"t": t, **dict(zip(("lr", "warmup_steps", "total_steps"), run))})
        for run in runs
        for t in sorted({0, 1, 2, run[1] - 1, run[1], run[1] + 1, (run[1] + run[2]) // 2, run[2] - 1, run[2]})
    ]


@exercise(
    "warmup-find-bug",
    chapter=9,
    title="Find the bug: a warm-up that is none",
    cases=_warmups(),
    hints=(
        "Print the rates of steps 0 to 12 for lr = 0.4, warmup_steps = 4, total_steps = 12. Where is the largest?",
        "Two pieces: a line from 0 to lr while t < warmup_steps, and the cosine for what comes after.",
        "The cosine begins at t = warmup_steps and has total_steps - warmup_steps steps to fall to 0.",
    ),
)
def warmup_then_cosine(t, lr, warmup_steps, total_steps):
    cosine = library.CosineAnnealingDecay(lr, total_steps - warmup_steps)
    return library.LinearWarmup(cosine, warmup_steps, 0.0, lr).at(t)


@warmup_then_cosine.as_printed
def warm_up(t, lr, warmup_steps, total_steps):
    """Return the learning rate at step t.

    It is to rise in a line, from 0 at step 0 to lr at step warmup_steps, and then to
    fall along half a cosine, to 0 at step total_steps.
    """
    return lr * (1 + np.cos(np.pi * t / total_steps)) / 2


@warmup_then_cosine.mistake("The cosine has to begin where the line ends: with t - warmup_steps.")
def cosine_of_the_whole_run(t, lr, warmup_steps, total_steps):
    """The warm-up is there, but the cosine counts its steps too.

    It is that of the whole run. Where the line hands over, it has already begun to fall: the rate never reaches lr.
    """
    return lr * t / warmup_steps if t < warmup_steps else lr * half_cosine(t / total_steps)


@cosine_of_the_whole_run.also
def cosine_begun_too_early(t, lr, warmup_steps, total_steps):
    """The cosine has the right length, but begins with the warm-up.

    It counts from step 0: where the line hands over, it has already fallen, and it arrives at 0 too early.
    """
    return lr * t / warmup_steps if t < warmup_steps else lr * half_cosine(t / (total_steps - warmup_steps))


@warmup_then_cosine.mistake("How many steps are left for the fall, once the warm-up is over?")
def cosine_too_long(t, lr, warmup_steps, total_steps):
    """The cosine begins in the right place and does not arrive.

    It falls as if it had total_steps for itself: when the run ends, the rate is not at 0.
    """
    if t < warmup_steps:
        return lr * t / warmup_steps
    return lr * half_cosine((t - warmup_steps) / total_steps)


@warmup_then_cosine.mistake("And after the line?")
def stays_at_the_top(t, lr, warmup_steps, total_steps):
    """The warm-up is right, and then nothing falls.

    After the line the rate stays at lr until the end of the run.
    """
    return lr * min(1, t / warmup_steps)


@warmup_then_cosine.mistake("Two pieces: a line up, and then a cosine down.")
def cosine_upside_down(t, lr, warmup_steps, total_steps):
    """The cosine is turned upside down.

    The rate now rises during the whole run and is largest in the last step: there is no line, and nothing anneals.
    """
    return lr * (1 - half_cosine(t / total_steps))


@warmup_then_cosine.mistake("A line: the share t / warmup_steps, without a cosine.")
def cosine_up_and_down(t, lr, warmup_steps, total_steps):
    """The warm-up is a cosine, too.

    It begins and arrives in the right places, but a line is asked for, which rises by the same amount in each step.
    """
    if t < warmup_steps:
        return lr * (1 - half_cosine(t / warmup_steps))
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps))


@warmup_then_cosine.mistake("The second piece is half a cosine.")
def line_up_and_down(t, lr, warmup_steps, total_steps):
    """It comes down in a line.

    It begins and arrives in the right places, but half a cosine is asked for: it falls slowly at both ends.
    """
    return lr * min(t / warmup_steps, (total_steps - t) / (total_steps - warmup_steps))


@warmup_then_cosine.mistake("(1 + cos(π · share)) / 2")
def quarter_of_a_cosine(t, lr, warmup_steps, total_steps):
    """It is a quarter of a cosine.

    cos(π/2 · share) falls slowly at the beginning only; half a cosine does so at the end as well.
    """
    if t < warmup_steps:
        return lr * t / warmup_steps
    return lr * np.cos(np.pi / 2 * (t - warmup_steps) / (total_steps - warmup_steps))


@warmup_then_cosine.mistake("The line leads to lr, not to 1.")
def rate_missing_in_the_line(t, lr, warmup_steps, total_steps):
    """lr is missing in the line.

    The line leads to 1, whatever lr is: most warm-ups would then go far above the rate that comes after.
    """
    if t < warmup_steps:
        return t / warmup_steps
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps))


@warmup_then_cosine.mistake("How far has the line come at step t?")
def warm_up_without_t(t, lr, warmup_steps, total_steps):
    """The warm-up does not rise.

    lr / warmup_steps is how far the line rises in each step; at step t it has risen t times as far.
    """
    if t < warmup_steps:
        return lr / warmup_steps
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps))


@warmup_then_cosine.mistake("The last rate is that of step total_steps, and it is 0.")
def cosine_one_step_short(t, lr, warmup_steps, total_steps):
    """The cosine arrives one step early.

    It is 0 at step total_steps - 1 and rises again in the next one.
    """
    if t < warmup_steps:
        return lr * t / warmup_steps
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps - 1))


@warmup_then_cosine.mistake("One after the other, not one times the other.")
def line_times_cosine(t, lr, warmup_steps, total_steps):
    """Line and cosine are multiplied.

    The line rises while the cosine of the whole run is already falling: the rate never reaches lr.
    """
    return lr * min(1, t / warmup_steps) * half_cosine(t / total_steps)


@warmup_then_cosine.mistake("Step 0 is made with the rate 0, step warmup_steps with lr.")
def line_one_step_early(t, lr, warmup_steps, total_steps):
    """The line is one step early.

    With t + 1 the full rate is there one step too soon. Many libraries do so, to make no step with the rate 0.
    """
    if t < warmup_steps:
        return lr * (t + 1) / warmup_steps
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps))


@line_one_step_early.also
def line_of_one_step_less(t, lr, warmup_steps, total_steps):
    """The line is one step short.

    It reaches lr at step warmup_steps - 1 already, as `np.linspace(0, lr, warmup_steps)` does.
    """
    if t < warmup_steps:
        return np.linspace(0, lr, warmup_steps)[t]
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps))


@warmup_then_cosine.mistake("While t < warmup_steps the line rises; which of your two branches is that?")
def falls_then_rises(t, lr, warmup_steps, total_steps):
    """It comes down a line first.

    The line leads from lr to 0. A warm-up leads from 0 to lr.
    """
    if t < warmup_steps:
        return lr * (1 - t / warmup_steps)
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps))
