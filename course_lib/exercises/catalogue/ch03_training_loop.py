"""Chapter 3: the training loop, and the curves that a faulty one leaves behind."""

from __future__ import annotations

import functools
import re

import numpy as np

from ...edge import paddle
from ...faults import RIGHT
from ..engine import Mistake
from ..experiments import NotYet, Recognised, measure
from ..loops import LoopExercise

# -- complete the loop ------------------------------------------------------------------------------------------------


def _accuracy(model, validation) -> float:
    images, labels = validation
    return float((model(images).argmax(axis=1) == labels).astype("float32").mean())


def train_network(model, opt, schedule, batches, validation, epochs):
    """Train a network; return the mean training loss and the validation accuracy
    of each epoch.

    model       the network; a call gives the scores of the classes. Some of its layers
                work in another way while training (`model.train()`) than in use
                (`model.eval()`)
    opt         the optimizer of its parameters; its learning rate is the schedule
    schedule    made to be stepped once after every mini-batch
    batches     the mini-batches of an epoch, in the order in which to take them: a list
                of (images, labels)
    validation  (images, labels) to measure the accuracy with, after each epoch
    epochs      how often to go through the mini-batches
    Return a list with one pair [mean loss, accuracy] per epoch: the mean over the
    mini-batches of paddle.nn.functional.cross_entropy(scores, labels), and the share of
    right answers, from 0 to 1.
    Example: two epochs in which the network learns something may give
    [[1.98, 0.41], [1.52, 0.58]].
    """
    history = []
    for _ in range(epochs):
        model.train()
        losses = []
        for images, labels in batches:
            loss = paddle.nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            opt.step()
            opt.clear_grad()
            schedule.step()
            losses.append(float(loss))
        model.eval()
        history.append([np.mean(losses), _accuracy(model, validation)])
    return np.array(history)


loop = LoopExercise(
    "training-loop",
    chapter=3,
    title="Complete the training loop",
    reference=train_network,
    cases=[(3, 4), (2, 5), (1, 3)],
    hints=(
        "Four things happen to every mini-batch: loss, gradient, step, and emptying the gradients for the next one.",
        "The schedule is stepped beside the optimizer. What else has to be switched back before the next epoch begins?",
        "model.train() at the beginning of each epoch and model.eval() before the accuracy; the epoch's loss is the "
        "mean over all of its mini-batches.",
    ),
)


def _mean(losses, accuracy):
    return [np.mean(losses), accuracy]


def _variant(*, begin="train", end="eval", order="bscl", after="", told=_mean, softmax=False, kept=False, shown=False):
    """A loop with a slip in it.

    Args:
        begin, end: The mode in which an epoch begins, and the one in which the accuracy is measured; None: not set.
        order: What is called for each mini-batch: b backward, s step, c clear_grad, l the schedule's step without a
            number, e with that of the epoch.
        after: What is called after each epoch, in the same letters.
        told: Losses and accuracy of an epoch -> what is entered.
        softmax: Whether the loss gets probabilities.
        kept: Whether the losses of the epochs before stay in the list.
        shown: Whether the accuracy is that of the last mini-batch.
    """

    def wrong(model, opt, schedule, batches, validation, epochs):
        functional, history, losses = paddle.nn.functional, [], []
        for epoch in range(epochs):
            if begin:
                getattr(model, begin)()
            losses = losses if kept else []
            for images, labels in batches:
                scores = functional.softmax(model(images)) if softmax else model(images)
                loss = functional.cross_entropy(scores, labels)
                calls = {"b": loss.backward, "s": opt.step, "c": opt.clear_grad, "l": schedule.step}
                calls["e"] = functools.partial(schedule.step, epoch)
                for call in order:
                    calls[call]()
                losses.append(float(loss))
            for call in after:
                calls[call]()
            if end:
                getattr(model, end)()
            history.append(told(losses, _accuracy(model, (images, labels) if shown else validation)))
        return np.array(history)

    return wrong


def _enter(id, name, explanation, hint, *slips):
    """Enter a mistake. A second one of the same id is another form of the first, with words of its own."""
    mistake = Mistake(id, name, explanation, hint, [_variant(**slip) for slip in slips])
    if id in loop.mistakes:
        loop.mistakes[id].join(mistake)
    else:
        loop.add(mistake)


_enter(
    "no-clear-grad",
    "The gradients are never cleared",
    "`backward` adds to the gradients that are there. Each step then follows the sum of all gradients so far, which is "
    "momentum without any friction.",
    "opt.clear_grad() once per mini-batch.",
    {"order": "bsl"},
)
_enter(
    "no-clear-grad",
    "The gradients are cleared only once per epoch",
    "`backward` adds to the gradients that are there. Each step then follows the sum of all gradients of the epoch so "
    "far.",
    "opt.clear_grad() once per mini-batch.",
    {"order": "bsl", "after": "c"},
)
_enter(
    "no-backward",
    "No gradient is ever computed",
    "Steps are made, but no gradient has come from the loss. So no parameter moves.",
    "loss.backward() once per mini-batch, on the loss as it comes from the network: not detached, not as a number.",
    {"order": "scl"},
)
_enter(
    "no-backward",
    "Neither a gradient nor a step",
    "The loss of each mini-batch is computed, but the network does not learn from it.",
    "First loss.backward(), then opt.step().",
    {"order": "cl"},
)
_enter(
    "step-before-backward",
    "The step comes before the gradient",
    "`step` uses the gradients that `backward` has left. Before it there are none, or those of the mini-batch before.",
    "First loss.backward(), then opt.step().",
    {"order": "sbcl"},
    {"order": "scbl"},
    {"order": "sbl"},
)
_enter(
    "cleared-before-step",
    "The gradients are cleared before they are used",
    "Between `backward` and `step` nothing may empty them: here nothing is left for `step`.",
    "Clear after the step, or before the backward pass.",
    {"order": "bcsl"},
    {"order": "csbl"},
)
_enter(
    "no-step",
    "The optimizer never makes a step",
    "The gradients are computed, but no parameter moves.",
    "opt.step() once per mini-batch, after loss.backward().",
    {"order": "bcl"},
)
_enter(
    "step-per-epoch",
    "The optimizer makes one step per epoch",
    "The gradients of all mini-batches are added up first. That is one long step where there should be many.",
    "Which loop does opt.step() belong in?",
    {"order": "bl", "after": "sc"},
)
_enter(
    "eval-left-on",
    "From the second epoch on, the network trains in evaluation mode",
    "`model.eval()` stays in force until `model.train()` is called. Batch normalization then uses old averages and "
    "dropout drops nothing, while the weights go on changing.",
    "Where does each epoch have to begin?",
    {"begin": None},
)
_enter(
    "eval-left-on",
    "The network trains in evaluation mode",
    "Batch normalization then uses its old averages, which are never renewed, and dropout drops nothing.",
    "model.train() before the mini-batches of an epoch.",
    {"begin": "eval"},
)
_enter(
    "eval-left-on",
    "The two modes are swapped",
    "The network trains in evaluation mode, with averages of batch normalization that are never renewed, and is "
    "measured in training mode.",
    "model.train() before the mini-batches, model.eval() before the accuracy.",
    {"begin": "eval", "end": "train"},
)
_enter(
    "measured-in-training-mode",
    "The accuracy is measured in training mode",
    "Layers such as batch normalization and dropout then behave as in training: the number depends on which pictures "
    "are measured together, and measuring changes the network.",
    "Switch to evaluation mode before the accuracy is measured.",
    {"end": None},
)
_enter(
    "schedule-per-epoch",
    "The schedule is stepped once per epoch",
    "It was made for mini-batches: its decay comes late by the number of mini-batches in an epoch.",
    "Which loop does schedule.step() belong in?",
    {"order": "bsc", "after": "l"},
)
_enter(
    "schedule-per-epoch",
    "The schedule is set to the number of the epoch",
    "It was made for mini-batches. `schedule.step()` moves it on by one; with a number it goes to that place.",
    "schedule.step(), without a number, once per mini-batch.",
    {"order": "bsc", "after": "e"},
    {"order": "bsce"},
)
_enter(
    "schedule-twice",
    "The schedule is stepped too often",
    "It was made for one step per mini-batch: with another one after each epoch its decay comes too early.",
    "schedule.step() once per mini-batch, and nowhere else.",
    {"after": "l"},
)
_enter(
    "schedule-twice",
    "The schedule is stepped twice per mini-batch",
    "It was made for one step per mini-batch: its decay comes twice as early as it should.",
    "schedule.step() once per mini-batch, and nowhere else.",
    {"order": "bscll"},
)
_enter(
    "schedule-not-stepped",
    "The schedule is never stepped",
    "The optimizer asks it for the learning rate, but only `schedule.step()` moves it on: the rate stays as it began.",
    "schedule.step() once per mini-batch.",
    {"order": "bsc"},
)
_enter(
    "schedule-before-step",
    "The schedule is stepped before the optimizer",
    "The first step is then made with the learning rate of the second: the first value of the schedule is never used.",
    "First opt.step(), then schedule.step().",
    {"order": "blsc"},
)
_enter(
    "last-loss",
    "The loss of the last mini-batch is given as that of the epoch",
    "One mini-batch is a noisy sample: the curve of such losses jumps from epoch to epoch.",
    "Collect the losses of all mini-batches and take their mean.",
    {"told": lambda losses, accuracy: [losses[-1], accuracy]},
)
_enter(
    "last-loss",
    "The loss of the first mini-batch is given as that of the epoch",
    "One mini-batch is a noisy sample: the curve of such losses jumps from epoch to epoch.",
    "Collect the losses of all mini-batches and take their mean.",
    {"told": lambda losses, accuracy: [losses[0], accuracy]},
)
_enter(
    "summed-loss",
    "The losses are added, not averaged",
    "The sum grows with the number of mini-batches, so runs with other batch sizes cannot be compared.",
    "Divide by the number of mini-batches.",
    {"told": lambda losses, accuracy: [np.sum(losses), accuracy]},
)
_enter(
    "losses-of-all-epochs",
    "The losses of earlier epochs are counted again",
    "From the second epoch on the mean is one over all epochs so far: the curve falls too slowly.",
    "Begin each epoch with an empty list, or with a sum of 0.",
    {"kept": True},
)


@loop.mistakes["losses-of-all-epochs"].also(hint="Set the sum to 0 at the beginning of each epoch.")
def sum_never_set_to_zero(*arguments):
    """The sum of the losses goes on from epoch to epoch.

    Divided by the mini-batches of one epoch, the "mean" rises with every epoch, however well the network learns.
    """
    history = train_network(*arguments)
    return np.stack([np.cumsum(history[:, 0]), history[:, 1]], axis=1)


_enter(
    "accuracy-in-percent",
    "The accuracy is given in percent",
    "It is asked for as a share between 0 and 1.",
    "Do not multiply by 100.",
    {"told": lambda losses, accuracy: [np.mean(losses), 100 * accuracy]},
)
_enter(
    "accuracy-in-percent",
    "The right answers are counted, but not divided by their number",
    "The accuracy is a share between 0 and 1; a count grows with the number of pictures.",
    "Divide by the number of pictures in `validation`.",
    {"told": lambda losses, accuracy: [np.mean(losses), 12 * accuracy]},  # of twelve pictures
)
_enter(
    "share-of-errors",
    "The share of wrong answers is given",
    "That is the error rate; the accuracy is the share of right answers.",
    "Count where the class with the highest score is the label.",
    {"told": lambda losses, accuracy: [np.mean(losses), 1 - accuracy]},
)
_enter(
    "pair-swapped",
    "Loss and accuracy are swapped",
    "A pair is asked for in the order [mean loss, accuracy].",
    "First the loss.",
    {"told": lambda losses, accuracy: [accuracy, np.mean(losses)]},
)
_enter(
    "accuracy-of-a-mini-batch",
    "The accuracy is measured on the last mini-batch",
    "The network has just been trained on these pictures. How well it does on others is what `validation` is for.",
    "Take images and labels from `validation` first.",
    {"shown": True},
)
_enter(
    "softmax-twice",
    "Softmax is applied twice",
    "`cross_entropy` applies it to the scores by itself. Twice, it flattens the differences: the loss hardly falls and "
    "the gradients are small.",
    "Hand the scores over as the network gives them.",
    {"softmax": True},
)

# -- diagnose real curves ---------------------------------------------------------------------------------------------

#: Fault → what its curve looks like.
FAULTS = {
    "too low": "the loss falls slowly from first to last, and is still near 2.3 at the end",
    "too high": "the loss is thrown up and down, as far below 2.3 as above it, and settles nowhere",
    "not shuffled": "the loss goes from almost 0 to far above 2.3 and back: each digit is learned and then forgotten",
    "dead units": "after a leap in the first steps the loss lies flat at 2.3, the value of guessing",
    "decayed too early": "the loss falls as fast as in a good run, then bends and hardly falls any further",
}

CURVES_STUB = f"""\
# What is wrong with each run? Each of these is right once:
# {", ".join(f'"{fault}"' for fault in FAULTS)}
diagnosis = {{"A": None, "B": None, "C": None, "D": None, "E": None}}"""

FLAT_TAKEN_FOR_SLOW = Mistake(
    "flat-taken-for-slow",
    "A flat curve and a slow one are mixed up",
    "With a rate that is too low, the loss falls all the time, if only a little. A curve that lies flat at 2.3 after a "
    "leap will never fall: no unit of the network answers any more, so no gradient comes back.",
    "Which curve leaps in the first steps, and which never moves far at all?",
)
BEND_TAKEN_FOR_SLOW = Mistake(
    "bend-taken-for-slow",
    "A curve with a bend and a slow one are mixed up",
    "A rate that is too low is so from the first step. Where the loss first falls fast and then bends, the rate was "
    "right at the beginning and became too low.",
    "Compare the first fifteen steps of the two.",
)
SAW_TAKEN_FOR_JUMPS = Mistake(
    "saw-teeth-taken-for-jumps",
    "The loss of sorted pictures and that of a rate that is too high are mixed up",
    "Both go up and down. But a rate that is too high never lets the loss come near 0, while sorted pictures do so "
    "again and again: as long as one digit comes, it is enough to say that digit.",
    "Which of the two curves comes close to 0?",
)
DEAD_TAKEN_FOR_JUMPS = Mistake(
    "flat-taken-for-jumps",
    "A flat curve and one that jumps are mixed up",
    "One leap and then a level line is no jumping: a rate that is too high goes on throwing the loss about as long as "
    "units are alive.",
    "Look at the last hundred steps alone.",
)

_CONFUSED = {
    frozenset({"dead units", "too low"}): FLAT_TAKEN_FOR_SLOW,
    frozenset({"decayed too early", "too low"}): BEND_TAKEN_FOR_SLOW,
    frozenset({"not shuffled", "too high"}): SAW_TAKEN_FOR_JUMPS,
    frozenset({"dead units", "too high"}): DEAD_TAKEN_FOR_JUMPS,
}


@measure(
    "curve-diagnosis",
    chapter=3,
    title="What went wrong? Five curves",
    stub=CURVES_STUB,
    hints=(
        "Guessing among ten digits costs log 10 ≈ 2.3. Which curves stay there, and which leave it and come back?",
        "Look at the beginning of each curve first: falling fast, falling slowly, leaping, or close to 0 at once?",
        *(f"{fault}: {look}." for fault, look in FAULTS.items()),
    ),
)
def diagnosis(answer):
    if not isinstance(answer, dict) or {str(letter).strip().upper() for letter in answer} != set(RIGHT):
        raise TypeError(f"a dict with the keys {', '.join(RIGHT)} is needed")
    given = {str(letter).strip().upper(): _fault(letter, fault) for letter, fault in answer.items()}
    wrong = [letter for letter in RIGHT if given[letter] not in (None, RIGHT[letter])]
    for letter in wrong:
        mistake = _CONFUSED.get(frozenset({given[letter], RIGHT[letter]}))
        if mistake:
            raise Recognised(mistake)
    if wrong:
        fault = given[wrong[0]]
        raise NotYet(f'Not yet: curve {wrong[0]} does not look like "{fault}", where {FAULTS[fault]}.')
    open_ = [letter for letter in RIGHT if given[letter] is None]
    if open_:
        right_so_far = "Right so far. " if len(open_) < len(RIGHT) else ""
        raise NotYet(f"{right_so_far}Still without an answer: {', '.join(open_)}.")
    return (
        "All five. The loss alone tells these faults apart: where it starts to differ, and how far from 2.3 it stays."
    )


def _fault(letter, answer) -> str | None:
    """The fault that is meant, however it is capitalised; None where there is no answer yet."""
    if answer is None or answer is Ellipsis or (isinstance(answer, str) and not answer.strip()):
        return None
    fault = " ".join(re.split(r"[\s_-]+", answer.strip().lower())) if isinstance(answer, str) else answer
    if not isinstance(fault, str) or fault not in FAULTS:
        offered = ", ".join(f'"{name}"' for name in FAULTS)
        raise TypeError(f"for each curve one of {offered} is needed; {letter} has {str(answer)[:60]!r}")
    return fault
