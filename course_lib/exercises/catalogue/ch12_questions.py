"""Chapter 12: the length and the ends of a 1cycle, its momentum, its mean, and what a comparison must hold equal."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...optimizer import lr as library
from ..answers import PredictExercise, TypicalNumber, as_number
from ..engine import Mistake
from ..experiments import NotYet, Recognised, measure
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict

PredictExercise(
    "one-cycle-total-steps",
    chapter=12,
    title="The length of a cycle",
    question="1,000 pictures, mini-batches of 32, 12 epochs, step() after each mini-batch: which total_steps does "
    "OneCycleLR need?",
    value=384,
    tolerance=0.0005,
    because="An epoch has 32 mini-batches (31 full ones and one of 8 pictures), 12 epochs have 384: the cycle must "
    "end with the run.",
    mistakes=(
        TypicalNumber(
            "epochs-for-steps",
            12,
            "These are the epochs. step() is called after every mini-batch, so the whole cycle would be over "
            "before the first epoch is.",
        ),
        TypicalNumber("last-batch-dropped", 372, "The last, smaller mini-batch of each epoch is a step, too."),
        TypicalNumber(
            "fraction-of-a-batch",
            375,
            "1000/32 = 31.25 mini-batches do not exist: each epoch has 32, the last one smaller.",
        ),
        TypicalNumber("one-epoch", 32, "This is one epoch; the cycle spans the whole run."),
        TypicalNumber("pictures-for-steps", 12000, "These are pictures; 32 of them make one step."),
        TypicalNumber("batch-times-epochs", 384 * 32, "A step is a mini-batch, however many pictures it holds."),
    ),
    hints=(
        "In which unit does the schedule count, and how many of these does an epoch have?",
        "31 full mini-batches and the rest.",
        "⌈1000/32⌉ · 12",
    ),
)

PredictExercise(
    "one-cycle-default-end",
    chapter=12,
    title="The end of a cycle with a small maximum",
    question="OneCycleLR(0.001, total_steps=100), Paddle's defaults otherwise: what is the last rate, divided by the "
    "first?",
    value=2.5,
    because="The first is 0.001/25 = 4e-5, the last end_learning_rate = 1e-4, a value and no fraction: the cycle ends "
    "above its start, so nothing anneals.",
    mistakes=(
        TypicalNumber(
            "relative-to-the-start",
            1e-4,
            "That would be a factor relative to the start, as in another library. In Paddle end_learning_rate is "
            "the value itself.",
        ),
        TypicalNumber(
            "relative-to-the-maximum",
            2.5e-3,
            "That would be 1e-4 of the maximum. In Paddle end_learning_rate is the value itself.",
        ),
        TypicalNumber("upside-down", 0.4, "The other way round: the last in units of the first."),
        TypicalNumber(
            "against-the-maximum",
            0.1,
            "This compares the last with the maximum; the first is 25 times smaller than that.",
        ),
        TypicalNumber(
            "ends-where-it-starts",
            1.0,
            "A cycle of two phases does not come back to its start: it ends at end_learning_rate.",
        ),
    ),
    hints=(
        "What are the defaults of divide_factor and end_learning_rate?",
        "The start is 0.001/25; the end is 1e-4, whatever the maximum.",
        "1e-4 divided by 4e-5",
    ),
)

PredictExercise(
    "shrinkage-of-a-run",
    chapter=12,
    title="The same decay at ten times the learning rate",
    question="SGDW, λ = 0.01, a cycle with peak 0.05. Now peak 0.5, same shape: which λ shrinks the weights as much "
    "over the run?",
    value=0.001,
    because="The shrinkage of a run is about exp(-λ Σ η_t), and the sum of the learning rates is ten times larger. A "
    "smaller best λ at a larger learning rate is this arithmetic, before anything regularizes.",
    mistakes=(
        TypicalNumber(
            "unchanged",
            0.01,
            "λ is multiplied by the learning rate: the same λ now shrinks ten times as much (in the exponent).",
        ),
        TypicalNumber(
            "wrong-way", 0.1, "A larger learning rate already shrinks more per step; λ has to make up for that."
        ),
        TypicalNumber(
            "square-root", 0.01 / np.sqrt(10), "The root is for noise; the shrinkage depends on the product η λ."
        ),
        TypicalNumber("square", 1e-4, "The learning rate enters once."),
    ),
    hints=(
        "What is the product of all factors 1 − η_t λ, for small η_t λ?",
        "About exp(−λ Σ η_t).",
        "λ times the sum of the learning rates must stay what it was.",
    ),
)


# ---------------------------------------------------------------------------------- find the bug


def _momentum_cases():
    rates = np.array([0.02, 0.05, 0.11, 0.2, 0.14, 0.08, 0.02, 0.004, 0.0001])
    settings = {
        "a cycle from 0.02 to 0.2 that ends far below": (rates, 0.02, 0.2, 0.95, 0.85),
        "a cycle with other bounds": (10 * rates, 0.2, 2.0, 0.9, 0.5),
        "a short cycle without a final descent": (np.array([0.1, 0.3, 0.5, 0.3, 0.1]), 0.1, 0.5, 0.99, 0.8),
        "a cycle that overshoots its top": (np.array([0.1, 0.4, 0.6, 0.45, 0.05]), 0.1, 0.5, 0.95, 0.8),
    }
    names = "rates", "low", "high", "most", "least"
    return [Case(dict(zip(names, values)), words) for words, values in settings.items()]


@exercise(
    "momentum-cycle-find-bug",
    chapter=12,
    title="Find the bugs: a momentum against the learning rate",
    cases=_momentum_cases(),
    hints=(
        "Which momentum belongs to the largest learning rate? Print what the function returns there.",
        "The last phase goes far below `low`. What does the share become there, and what should the momentum be?",
        "Turn the direction round, and keep the share between 0 and 1.",
    ),
)
def momentum_of_each_step(rates, low, high, most, least):
    share = np.clip((rates - low) / (high - low), 0, 1)
    return most + (least - most) * share


@momentum_of_each_step.as_printed
def cycled_momentum(rates, low, high, most, least):
    """Return the momentum of every step of a 1cycle: `least` at the top of the cycle,
    `most` at its foot.

    rates        learning rate of every step, array
    low, high    the learning rates at the foot and at the top of the cycle
    most, least  the momentum that belongs to low and to high
    In the last phase the rate falls far below low; the momentum then stays at `most`,
    and at `least` should the rate ever exceed high. Two bugs are hidden here.
    """
    share = (rates - low) / (high - low)
    return least + (most - least) * share


@momentum_of_each_step.mistake("What is the share when the learning rate is far below `low`?")
def runs_on_below_the_foot(rates, low, high, most, least):
    """The direction is right, but the last phase drives the momentum above `most`.

    The share becomes negative there. A momentum a little above the bound can be close to 1, and at 1 nothing is damped.
    """
    share = (rates - low) / (high - low)
    return most + (least - most) * share


@runs_on_below_the_foot.also
def runs_on_below_the_foot_alone(rates, low, high, most, least):
    """The momentum keeps its lower bound, but the last phase drives it above `most`.

    The share becomes negative there. A momentum a little above the bound can be close to 1, and at 1 nothing is damped.
    """
    share = np.minimum((rates - low) / (high - low), 1)
    return most + (least - most) * share


@momentum_of_each_step.mistake("What is the share when the learning rate is above `high`?")
def runs_on_above_the_top(rates, low, high, most, least):
    """The last phase is right, but above `high` the momentum falls below `least`.

    The share exceeds 1 there: only one of the two bounds is kept.
    """
    share = np.maximum((rates - low) / (high - low), 0)
    return most + (least - most) * share


@momentum_of_each_step.mistake("At the top of the learning rate the momentum must be `least`.")
def moves_with_the_rate(rates, low, high, most, least):
    """The bounds are kept, but the momentum moves with the learning rate.

    The step is about lr/(1 - momentum): with both at their largest together the longest steps get much longer still.
    """
    share = np.clip((rates - low) / (high - low), 0, 1)
    return least + (most - least) * share


@momentum_of_each_step.mistake("The last phase belongs to the foot, where momentum is large.")
def drops_in_the_last_phase(rates, low, high, most, least):
    """Below the foot the momentum drops to `least`.

    The last steps, which are to settle, lose the averaging over many mini-batches.
    """
    share = np.where(rates < low, 1.0, (rates - low) / (high - low))
    return most + (least - most) * share


@momentum_of_each_step.mistake("The share starts at `low`, not at zero.")
def share_of_the_maximum(rates, low, high, most, least):
    """The share is taken of `high`, not of the range from low to high.

    The momentum then falls short of `most` at the foot of the cycle, where it belongs.
    """
    return most + (least - most) * np.clip(rates / high, 0, 1)


@momentum_of_each_step.mistake("A learning rate half-way up belongs to a momentum half-way down: no logarithms.")
def logarithmic_share(rates, low, high, most, least):
    """The share is taken on a logarithmic scale.

    Half-way is then the geometric mean of the bounds: the momentum falls too early on the way up.
    """
    share = np.clip(np.log(rates / low) / np.log(high / low), 0, 1)
    return most + (least - most) * share


# ------------------------------------------------------------------------------ measure and quiz

_CYCLE = library.OneCycleLR(0.3, 200, three_phase=True)

MIDDLE = Mistake(
    "middle-of-the-range",
    "This is the middle between the bounds",
    "It would be the mean without the third phase, in which the cycle stays near zero for 40 % of the steps.",
    "Ask the schedule for all its 200 learning rates and take their mean.",
)
TWO_PHASES = Mistake(
    "two-phases",
    "This is the mean of a cycle in two phases",
    "Without three_phase=True the way down takes 70 % of the steps, and the learning rate stays high for longer.",
    "Ask lr.OneCycleLR(0.3, 200, three_phase=True).",
)
PEAK = Mistake(
    "maximum",
    "This is the maximum",
    "The cycle reaches 0.3 only for a moment; a constant 0.3 is a different run altogether.",
    "The mean over all 200 steps is asked for.",
)
HALF = replace(
    MIDDLE,
    name="This is half of the maximum",
    explanation="A cycle spends more steps below it than above: 40 % of them near zero, in the third phase.",
)
UNSTEPPED = Mistake(
    "one-learning-rate",
    "This is the learning rate of one step",
    "A schedule that nobody moves stays at its first value.",
    "cycle.at(np.arange(200)) gives all of them, without moving the schedule.",
)


@measure(
    "one-cycle-mean-rate",
    chapter=12,
    title="A constant learning rate to compare with",
    stub="""# Which constant learning rate has the same sum over the run as
# lr.OneCycleLR(0.3, 200, three_phase=True)? Compute it from the schedule itself
# (it can be asked with .at(steps)); two digits are enough.
one_cycle_mean_rate = None""",
    hints=(
        "The sum of all learning rates over 200 steps, divided by 200.",
        "`.at` takes an array of steps and does not use the schedule up.",
        "Mean of the schedule at steps 0 … 199.",
    ),
)
def mean_of_the_cycle(answer):
    mean = as_number(answer)
    if mean is None:
        raise TypeError(f"one number is asked for, got {type(answer).__name__}")
    if not math.isfinite(mean):
        raise NotYet(f"A finite learning rate is asked for, got {mean}.")
    rates = _CYCLE.at(np.arange(200))
    if abs(mean - rates.mean()) < 0.002:
        return "About a third of the maximum. Held constant, it is the control that tells shape from sum."
    top, first, two_phases = rates.max(), rates[0], library.OneCycleLR(0.3, 200).at(np.arange(200)).mean()
    known = {(top + first) / 2: MIDDLE, top / 2: HALF, top: PEAK, first: UNSTEPPED, two_phases: TWO_PHASES}
    nearest = min(known, key=lambda value: abs(mean - value))
    if abs(mean - nearest) < 0.001:
        raise Recognised(known[nearest])
    if abs(mean - rates.sum()) < 0.5:
        raise NotYet("This is the sum; divide it by the number of steps.")
    raise NotYet(f"A mean lies between {rates.min():.1g} and {rates.max():.1g}; yours is too {_side(mean, rates)}.")


def _side(mean, rates) -> str:
    return "large" if mean > rates.mean() else "small"


QuizExercise(
    "fair-control-quiz",
    chapter=12,
    title="The control that is missing",
    question="A report: 1cycle with peak 0.3 reaches in 200 steps what a decaying schedule from 0.03 reaches in 1,000. "
    "Which single run tells most about whether the cycle is the cause?",
    choices=(
        Choice(
            "1cycle with peak 0.3 over 1,000 steps.",
            "It says whether 1cycle gains from more steps, nothing about what the decaying schedule could have done.",
        ),
        Choice(
            "The decaying schedule from 0.03 over 200 steps.",
            "It will be worse, as everybody expects: it differs from 1cycle in its learning rate and in its shape.",
        ),
        Choice(
            "A decaying schedule from 0.3 over 200 steps.",
            "Same peak, same budget, only the shape differs. If it does as well, the gain came from the larger "
            "learning rate and from coming down in time, not from the cycle.",
            right=True,
        ),
        Choice(
            "Both again with five other seeds.", "That says how sure the difference is. It cannot say what causes it."
        ),
    ),
    hints=(
        "In how many things do the two runs of the report differ?",
        "Three: peak, budget and shape. A control changes one of them.",
        "Keep peak and budget of 1cycle, and change the shape.",
    ),
)
