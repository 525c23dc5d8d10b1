"""Chapter 9: a program that an article announces as "every 10 epochs", which acts in every epoch."""

from __future__ import annotations

import math

from ...optimizer import lr as library
from ..functions import Case, exercise

# ---------------------------------------------------------------------------------- find the bug


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
