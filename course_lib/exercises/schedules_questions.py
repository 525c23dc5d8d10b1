"""Chapters 9 and 10: schedules in a program, in which unit they count, and what a range test can show."""

from __future__ import annotations

import math

import numpy as np

from .answers import PredictExercise, TypicalNumber
from .functions import Case, exercise
from .quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict

PredictExercise(
    "schedule-unit",
    chapter=9,
    title="A schedule counted in the wrong unit",
    question="ExponentialDecay(0.1, gamma=0.9), stepped after each of the 20 mini-batches of an epoch: which rate begins epoch 2?",  # noqa: E501
    value=0.1 * 0.9**20,
    because="Twenty calls multiply by 0.9 twenty times: 0.1 · 0.9²⁰ ≈ 0.012, an eighth of what was meant (0.09).",
    mistakes=(
        TypicalNumber("as-meant", 0.09, "That is what was meant: one factor of 0.9 per epoch. The program calls step() twenty times."),  # noqa: E501
        TypicalNumber("one-call-short", 0.1 * 0.9**19, "One call is missing: step() is called after the last mini-batch of the epoch, too."),  # noqa: E501
        TypicalNumber("two-epochs", 0.1 * 0.9**40, "When the second epoch *begins*, only the calls of the first one have been made."),  # noqa: E501
        TypicalNumber("factor-alone", 0.9**20, "This is the factor; the learning rate began at 0.1."),
        TypicalNumber("product-for-power", 0.1 * 0.9 / 20, "Each call multiplies by 0.9 once more; nothing is divided by 20."),  # noqa: E501
    ),
    hints=(
        "How many times has step() been called by then?",
        "Each call multiplies by 0.9: a power.",
        "0.1 · 0.9^20",
    ),
)  # fmt: skip

PredictExercise(
    "sgdr-cycle-end",
    chapter=10,
    title="Where a long cycle ends",
    question="SGDR with T_0 = 100 and T_mult = 3: how many steps in all until the third cycle is over?",
    value=1300,
    because="The cycles are 100, 300 and 900 steps long, which makes 1,300.",
    mistakes=(
        TypicalNumber("length-alone", 900, "This is the length of the third cycle; two others came before it."),
        TypicalNumber("not-multiplied", 300, "Three cycles of T_0 each, or the second one alone: each is three times as long as the one before, and all three count."),  # noqa: E501
        TypicalNumber("two-cycles", 400, "Here the second cycle ends."),
        TypicalNumber("four-cycles", 4000, "Here the fourth cycle ends: the one of T_0 steps is the first, not the zeroth."),  # noqa: E501  # noqa: E501
        TypicalNumber("starts-multiplied", 3900, "The first cycle is T_0 long; multiplying begins with the second."),
        TypicalNumber("added", 600, "The lengths are multiplied by 3, not increased by T_0."),
        TypicalNumber("multiplied-once", 700, "The third cycle is three times as long as the second."),
    ),
    hints=(
        "How long is each of the three cycles?",
        "100, then three times that, then three times that again.",
        "T_0 · (1 + T_mult + T_mult²)",
    ),
)  # fmt: skip


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
    return np.array([lr * gamma ** (epoch // every) for epoch in range(epochs)])


@rates_of_the_plan.as_printed
def rate_of_each_epoch(lr, gamma, every, epochs):
    """Return the learning rates of epochs 0, 1, 2, …: multiplied by gamma after each `every` epochs. Two bugs."""
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


def half_cosine(share):
    """From 1 at share 0 to 0 at share 1."""
    return (1 + np.cos(np.pi * share)) / 2


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
    if t < warmup_steps:
        return lr * t / warmup_steps
    return lr * half_cosine((t - warmup_steps) / (total_steps - warmup_steps))


@warmup_then_cosine.as_printed
def warm_up(t, lr, warmup_steps, total_steps):
    """Return the learning rate at step t: a line from 0 to lr in warmup_steps, then half a cosine to 0 at the end."""
    return lr * (1 + np.cos(np.pi * t / total_steps)) / 2


@warmup_then_cosine.mistake("The cosine has to begin where the line ends: with t - warmup_steps.")
def cosine_of_the_whole_run(t, lr, warmup_steps, total_steps):
    """The warm-up is there, but the cosine counts its steps too.

    It is that of the whole run. Where the line hands over, it has already begun to fall: the rate never reaches lr.
    """
    return lr * t / warmup_steps if t < warmup_steps else lr * half_cosine(t / total_steps)


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
        for period in (every * per_epoch,)
        for step in sorted({0, 1, per_epoch, every, period - 1, period, period + 1, 2 * period - 1, 3 * period + 2})
    ]


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
    return lr * gamma ** (step // per_epoch // every)


@rate_in_epochs.as_printed
def rate_at(step, lr, gamma, every, per_epoch):
    """Return the learning rate at a mini-batch: times gamma after each `every` epochs of per_epoch mini-batches."""
    epoch = step // per_epoch
    return lr * gamma**epoch


@rate_in_epochs.mistake("`step` counts mini-batches. How many of them are an epoch?")
def counts_mini_batches(step, lr, gamma, every, per_epoch):
    """It falls every few mini-batches.

    `every` counts epochs, and here it is taken for a number of mini-batches: a plan for the run is over in an epoch.
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


@rate_in_epochs.mistake("Epochs are counted from 0 here.")
def drop_one_epoch_early(step, lr, gamma, every, per_epoch):
    """Every drop comes one epoch early.

    With epoch + 1 the last epoch of each level already runs at the next one.
    """
    return lr * gamma ** ((step // per_epoch + 1) // every)


@rate_in_epochs.mistake("The mini-batch number every · per_epoch is the first of the lower level.")
def drop_one_mini_batch_late(step, lr, gamma, every, per_epoch):
    """Every drop comes one mini-batch late.

    The first mini-batch of a level still runs at the level before.
    """
    return lr * gamma ** (max(step - 1, 0) // (every * per_epoch))


@rate_in_epochs.mistake("The rate falls by a factor with each drop.")
def divided_by_the_drops(step, lr, gamma, every, per_epoch):
    """It multiplies by gamma times the number of drops.

    Two drops are a factor of gamma · gamma: a power, not a product.
    """
    drops = step // per_epoch // every
    return lr * gamma * drops if drops else lr


# --------------------------------------------------------------------------------------- quizzes

QuizExercise(
    "range-test-quiz",
    chapter=10,
    title="A range test that starts at 50",
    question="A range test on ten classes starts at a loss of about 50, falls in small steps to 2.3 and never gets below. What is the first thing to look at?",  # noqa: E501
    choices=(
        Choice("The labels: they have been shuffled.", "Shuffled labels start at ln 10 ≈ 2.3, where guessing starts, and stay there."),  # noqa: E501
        Choice("The scale of the inputs or of the first weights.", "A network that has learned nothing should start near ln 10 ≈ 2.3. A loss of 50 means that it is very sure and wrong: its outputs are far too large before the first step.", right=True),  # noqa: E501
        Choice("The learning rate: the test begins too high.", "The first losses are measured before any step has been made, so they do not depend on the learning rate."),  # noqa: E501
        Choice("The loss function: softmax is applied twice.", "Probabilities between 0 and 1 in place of logits cannot give a large loss: the curve starts at 2.3 and falls too little."),  # noqa: E501
    ),
    hints=(
        "What is the loss of a network that knows nothing about ten classes?",
        "The first point of the curve is measured before the first update.",
        "A cross-entropy of 50 needs outputs that differ by about 50.",
    ),
)  # fmt: skip

QuizExercise(
    "range-test-blind-quiz",
    chapter=10,
    title="What a range test cannot see",
    question="Which of these faults leaves the curve of a range test exactly as it is?",
    choices=(
        Choice("The training pictures are fed in 0 … 255, not 0 … 1.", "Then the loss starts far above ln 10, before any step is made."),  # noqa: E501
        Choice("The validation pictures are fed in 0 … 255, the training pictures in 0 … 1.", "The test trains and looks at training losses only; the validation pictures take no part in it. Compare training and validation loss after a short run to find this.", right=True),  # noqa: E501
        Choice("The labels are shuffled.", "Then nothing can be learned: the fast descent is missing."),
        Choice("One training picture is NaN and the network uses tanh.", "From the first batch with that picture on, every loss is NaN: the curve breaks off."),  # noqa: E501
    ),
    hints=(
        "Which data does the test look at?",
        "It trains on mini-batches, and it plots their losses.",
        "A fault that is not in the training data, the model or the loss leaves no trace.",
    ),
)  # fmt: skip
