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


# Two programs as an article prints them: a "warm-up" without one, and "every 10 epochs" that is every epoch.


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


def _steps_in_epochs():
    plans = ((0.1, 0.9, 10, 8), (1.0, 0.5, 3, 4), (0.4, 0.8, 1, 5), (0.3, 0.7, 6, 1))
    return [
        Case({"step": step, "lr": lr, "gamma": gamma, "every": every, "per_epoch": per_epoch})
        for lr, gamma, every, per_epoch in plans
        for step in _telling_steps(every, per_epoch)
    ]


def _telling_steps(every, per_epoch):
    """Steps beside the places at which the rate drops, or drops by mistake."""
    period = every * per_epoch
    around = (period - 1, period, period + 1, 2 * period - 1, 3 * period + 2)
    return sorted({0, 1, per_epoch, every, 3 * period // 4, *around})


@exercise(
    "decay-epochs-find-bug",
    chapter=9,
    title="Find the bug: every epoch in place of every tenth",
    cases=_steps_in_epochs(),
    hints=(
        "Take every = 3, per_epoch = 4. In which step should the first drop come, and in which does it come?",
        "step // per_epoch is the number of the epoch. How many times have `every` epochs gone by?",
        "lr * gamma ** (number of the epoch // every)",
    ),
)
def rate_in_epochs(step, lr, gamma, every, per_epoch):
    return library.StepDecay(lr, every * per_epoch, gamma).at(step)


@rate_in_epochs.as_printed
def rate_at(step, lr, gamma, every, per_epoch):
    """Return the learning rate of a mini-batch: lr at first, times gamma after each
    `every` epochs.

    step       which mini-batch of the whole run it is; the first is 0
    per_epoch  how many mini-batches make an epoch
    """
    epoch = step // per_epoch
    return lr * gamma**epoch


@rate_in_epochs.mistake("`step` counts mini-batches. How many of them are an epoch?")
def counts_mini_batches(step, lr, gamma, every, per_epoch):
    """It falls every few mini-batches.

    `every` counts epochs, and here it is taken for a number of mini-batches: the drops come per_epoch times too often.
    """
    return lr * gamma ** (step // every)


@rate_in_epochs.mistake("Whole levels: round the number of drops down.")
def falls_without_steps(step, lr, gamma, every, per_epoch):
    """It falls a little in every mini-batch.

    The number of drops is not rounded down, so gamma acts in many small parts.
    """
    return lr * gamma ** (step / (every * per_epoch))


@rate_in_epochs.mistake("Whole levels: round once more, after dividing by `every`.")
def falls_a_little_in_every_epoch(step, lr, gamma, every, per_epoch):
    """It falls a little in every epoch.

    The epoch is a whole number, but the number of drops is not: epoch / every needs rounding down.
    """
    return lr * gamma ** (step // per_epoch / every)


@rate_in_epochs.mistake("What was lowered stays lowered: count the drops so far.")
def falls_and_comes_back(step, lr, gamma, every, per_epoch):
    """It falls in every tenth epoch only, and comes back in the next.

    The condition asks whether *this* epoch is one in which the rate changes. The drops before it are forgotten.
    """
    epoch = step // per_epoch
    return lr * gamma if epoch > 0 and epoch % every == 0 else lr


@falls_and_comes_back.also
def whole_power_and_back(step, lr, gamma, every, per_epoch):
    """It falls in every tenth epoch only, far too much, and comes back in the next.

    The condition asks whether *this* epoch is one in which the rate changes, and the power still counts every epoch.
    """
    epoch = step // per_epoch
    return lr * gamma**epoch if epoch % every == 0 else lr


@falls_and_comes_back.also
def right_power_and_back(step, lr, gamma, every, per_epoch):
    """The power is right, but in the epochs between two drops the first rate comes back.

    The condition asks whether *this* epoch is one in which the rate changes. The number of drops needs no condition.
    """
    epoch = step // per_epoch
    return lr * gamma ** (epoch // every) if epoch % every == 0 else lr


@falls_and_comes_back.also(
    hint="Count the drops so far. In epoch 0 there was none, though 0 is divisible by everything."
)
def falls_at_epoch_zero_and_comes_back(step, lr, gamma, every, per_epoch):
    """It falls in every tenth epoch only, and so in the very first one.

    The condition asks whether *this* epoch is one in which the rate changes. The drops before it are forgotten.
    """
    return lr * gamma if step // per_epoch % every == 0 else lr


@rate_in_epochs.mistake("Use the argument `every`.")
def ten_for_every(step, lr, gamma, every, per_epoch):
    """The rate falls every ten epochs, whatever `every` is.

    Right for the program of the article, but the argument `every` has no effect.
    """
    return lr * gamma ** (step // per_epoch // 10)


@rate_in_epochs.mistake("`//` counts whole groups of epochs; `%` tells what is left over.")
def remainder_for_the_drops(step, lr, gamma, every, per_epoch):
    """The power is the remainder.

    It falls in each of `every` epochs and then starts again from lr. The number of drops is the quotient.
    """
    return lr * gamma ** (step // per_epoch % every)


@rate_in_epochs.mistake("Fewer drops than epochs: divide.")
def drops_multiplied(step, lr, gamma, every, per_epoch):
    """The epoch is multiplied by `every`.

    That makes `every` drops in each epoch, where there should be one in `every` epochs.
    """
    return lr * gamma ** (step // per_epoch * every)


@rate_in_epochs.mistake("What happens after twice `every` epochs?")
def falls_only_once(step, lr, gamma, every, per_epoch):
    """It falls only once.

    After `every` epochs the rate has dropped, and there it stays: the later drops are missing.
    """
    return lr * gamma if step // per_epoch >= every else lr


@rate_in_epochs.mistake("Before the first `every` epochs are over there is no drop.")
def falls_at_the_start(step, lr, gamma, every, per_epoch):
    """There is one drop too many.

    The first one comes at the very start, so every level is one lower than it should be.
    """
    return lr * gamma ** (step // per_epoch // every + 1)


@falls_at_the_start.also(hint="In a loop over epochs: no drop in epoch 0, though 0 is divisible by everything.")
def falls_after_the_first_epoch(step, lr, gamma, every, per_epoch):
    """Epoch 0 counts as one after which the rate drops.

    0 is divisible by everything: the first drop comes after the first epoch, and all others follow too early.
    """
    return lr * gamma ** math.ceil(step // per_epoch / every)


@rate_in_epochs.mistake("Epochs are counted from 0 here.")
def drop_one_epoch_early(step, lr, gamma, every, per_epoch):
    """Every drop comes one epoch early.

    With epoch + 1 the last epoch of each level already runs at the next one.
    """
    return lr * gamma ** ((step // per_epoch + 1) // every)


@drop_one_epoch_early.also(hint="Mini-batches are counted from 0 here.")
def drop_one_mini_batch_early(step, lr, gamma, every, per_epoch):
    """Every drop comes one mini-batch early.

    With step + 1 the last mini-batch of each level already runs at the next one.
    """
    return lr * gamma ** ((step + 1) // (every * per_epoch))


@rate_in_epochs.mistake("Whole levels: round the number of drops down.")
def drops_rounded_to_the_nearest(step, lr, gamma, every, per_epoch):
    """The number of drops is rounded to the nearest.

    From half of the way to a drop on, the rate has already fallen.
    """
    return lr * gamma ** round(step / (every * per_epoch))


@drops_rounded_to_the_nearest.also
def drops_rounded_up(step, lr, gamma, every, per_epoch):
    """The number of drops is rounded up.

    Every drop comes as soon as a level begins, the first one in mini-batch number 1.
    """
    return lr * gamma ** math.ceil(step / (every * per_epoch))


@rate_in_epochs.mistake("Epoch number `every` is the first of the lower level.")
def drop_one_epoch_late(step, lr, gamma, every, per_epoch):
    """Every drop comes one epoch late.

    The first epoch of a level still runs at the level before.
    """
    return lr * gamma ** (max(step // per_epoch - 1, 0) // every)


@drop_one_epoch_late.also(hint="Epochs are counted from 0 here: nothing is to be subtracted.")
def epoch_minus_one(step, lr, gamma, every, per_epoch):
    """Every drop comes one epoch late, and the first epoch is above lr.

    With epoch - 1 the number of drops is -1 in epoch 0: the rate is divided by gamma there.
    """
    return lr * gamma ** ((step // per_epoch - 1) // every)


@rate_in_epochs.mistake("The mini-batch number every · per_epoch is the first of the lower level.")
def drop_one_mini_batch_late(step, lr, gamma, every, per_epoch):
    """Every drop comes one mini-batch late.

    The first mini-batch of a level still runs at the level before.
    """
    return lr * gamma ** (max(step - 1, 0) // (every * per_epoch))


@drop_one_mini_batch_late.also(hint="Mini-batches are counted from 0 here: nothing is to be subtracted.")
def step_minus_one(step, lr, gamma, every, per_epoch):
    """Every drop comes one mini-batch late, and the very first one is above lr.

    With step - 1 the number of drops is -1 at step 0: the rate is divided by gamma there.
    """
    return lr * gamma ** ((step - 1) // (every * per_epoch))


@rate_in_epochs.mistake("The rate falls by a factor with each drop.")
def multiplied_by_the_drops(step, lr, gamma, every, per_epoch):
    """It multiplies by gamma times the number of drops.

    Two drops are a factor of gamma · gamma: a power, not a product.
    """
    drops = step // per_epoch // every
    return lr * gamma * drops if drops else lr


@multiplied_by_the_drops.also
def multiplied_by_no_drops(step, lr, gamma, every, per_epoch):
    """It multiplies by gamma times the number of drops, and begins at 0.

    Two drops are a factor of gamma · gamma, and no drop is a factor of 1: a power, not a product.
    """
    return lr * gamma * (step // per_epoch // every)


@rate_in_epochs.mistake("Start from lr.")
def factor_alone(step, lr, gamma, every, per_epoch):
    """This is the factor alone.

    lr is missing: training begins with the rate 1.
    """
    return gamma ** (step // per_epoch // every)
