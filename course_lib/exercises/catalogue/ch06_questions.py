"""Chapter 6: numbers to predict, a bug to find and questions about Adam."""

from __future__ import annotations

import numpy as np

from ..answers import PredictExercise, TypicalNumber
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "rmsprop-epsilon-inside",
    chapter=6,
    title="ε inside the root",
    question="A gradient has been 1e-4 for a long time. How long is RMSProp's step √(v + ε), ε = 1e-6, as a multiple "
    "of lr?",
    value=1e-4 / np.sqrt(1e-8 + 1e-6),
    because="v = 1e-8 is small against ε = 1e-6, so the root is about √ε = 1e-3: the step is a tenth of lr instead of "
    "lr.",
    mistakes=(
        TypicalNumber("epsilon-neglected", 1.0, "That would be so without ε. Compare v = (1e-4)² with ε."),
        TypicalNumber(
            "epsilon-outside",
            1e-4 / (1e-4 + 1e-6),
            "This is √v + ε, with ε outside of the root. Inside, ε is compared with v, not with its root.",
        ),
        TypicalNumber("root-forgotten", 1e-4 / (1e-8 + 1e-6), "The root is missing: √(v + ε)."),
        TypicalNumber(
            "v-for-its-root",
            1e-4 / np.sqrt(1e-4 + 1e-6),
            "v averages the squares of the gradients: it is 1e-8, not 1e-4.",
        ),
    ),
    hints=(
        "v has settled at the square of the gradient.",
        "Which is larger, v = 1e-8 or ε = 1e-6?",
        "1e-4 / √(1e-8 + 1e-6)",
    ),
)

PredictExercise(
    "adam-uncorrected-step",
    chapter=6,
    title="Adam's first step without correction",
    question="Adam with β₁ = 0.9, β₂ = 0.999 but without bias correction: how long is its first step, as a multiple of "
    "lr?",
    value=0.1 / np.sqrt(0.001),
    because="m = 0.1 g and v = 0.001 g², so m/√v = 0.1/0.0316 = 3.16: the root of v starts even further below its "
    "goal than m.",
    tolerance=0.02,
    mistakes=(
        TypicalNumber(
            "corrected",
            1.0,
            "This is the first step with both corrections. Put in m = 0.1 g and v = 0.001 g² as they are.",
        ),
        TypicalNumber("only-m", 0.1, "v is too small as well: v = 0.001 g², not g²."),
        TypicalNumber("m-taken-as-g", 1 / np.sqrt(0.001), "m is too small as well: m = 0.1 g, not g."),
        TypicalNumber("root-forgotten", 100.0, "The step divides by the root of v."),
        TypicalNumber("upside-down", np.sqrt(0.001) / 0.1, "m stands above, √v below the fraction bar."),
        TypicalNumber(
            "old-shares",
            0.9 / np.sqrt(0.999),
            "The new gradient has the share 1 − β, the old average β; and the old averages are 0.",
        ),
    ),
    hints=(
        "What are m and v after one gradient g, both having started at 0?",
        "m = 0.1 g and v = 0.001 g².",
        "m / √v",
    ),
)


# ---------------------------------------------------------------------------------- find the bug


def _series_of_gradients():
    rng = np.random.default_rng(5)
    drawn = [(rng.standard_normal(shape) + 1, beta) for shape, beta in (((9,), 0.9), ((7, 3), 0.5), ((12,), 0.99))]
    return [(np.ones(6), 0.9), *drawn, (np.array([0.0, 0.0, 2.0, 0.0]), 0.8), (np.array([3.0]), 0.9)]


@exercise(
    "adam-find-bug",
    chapter=6,
    title="A corrected average with two bugs",
    hints=(
        "Feed it ones: what must the average of ones be, at every step?",
        "One bug makes the average ten times too large at β = 0.9. The other shows from the second step on.",
        "The shares β and 1 − β add up to 1; and the corrected value must not go into the next average.",
    ),
    cases=[Case({"gradients": gradients, "beta": beta}) for gradients, beta in _series_of_gradients()],
)
def corrected_average(gradients, beta=0.9):
    m, averages = 0.0, []
    for t, g in enumerate(gradients, start=1):
        m = beta * m + (1 - beta) * g
        averages.append(m / (1 - beta**t))
    return np.array(averages)


@corrected_average.as_printed
def average_as_printed(gradients, beta=0.9):
    """Return Adam's corrected average after each gradient: array like gradients.

    Two bugs are hidden here.
    """
    m, averages = 0.0, []
    for t, g in enumerate(gradients, start=1):
        m = beta * m + g
        m = m / (1 - beta**t)
        averages.append(m)
    return np.array(averages)


@corrected_average.mistake("Keep the corrected value in a variable of its own.")
def corrected_value_fed_back(gradients, beta=0.9):
    """The shares are mended, but the corrected value goes into the next average.

    It is corrected again at the next step: the corrections multiply.
    """
    m, averages = 0.0, []
    for t, g in enumerate(gradients, start=1):
        m = beta * m + (1 - beta) * g
        m = m / (1 - beta**t)
        averages.append(m)
    return np.array(averages)


@corrected_average.mistake("How large is the share of the new gradient?")
def share_left_out(gradients, beta=0.9):
    """The correction is mended, but the new gradient enters whole.

    The sum of the shares is not 1: at β = 0.9 everything comes out ten times too large.
    """
    m, averages = 0.0, []
    for t, g in enumerate(gradients, start=1):
        m = beta * m + g
        averages.append(m / (1 - beta**t))
    return np.array(averages)


@corrected_average.mistake("The average starts at 0 and needs the correction; just do not keep the corrected value.")
def correction_thrown_out(gradients, beta=0.9):
    """The correction is gone altogether.

    That removes the bug and the cure: the average is too small during its first 1/(1 − β) steps.
    """
    m, averages = 0.0, []
    for g in gradients:
        m = beta * m + (1 - beta) * g
        averages.append(m)
    return np.array(averages)


@corrected_average.mistake("Look at the first entry: it must be the first gradient.")
def counts_one_ahead(gradients, beta=0.9):
    """The steps are counted one ahead.

    The correction of the second step is applied to the first: every average comes out too small.
    """
    m, averages = 0.0, []
    for t, g in enumerate(gradients, start=2):
        m = beta * m + (1 - beta) * g
        averages.append(m / (1 - beta**t))
    return np.array(averages)


# --------------------------------------------------------------------------------------- quizzes

QuizExercise(
    "adam-memory-quiz",
    chapter=6,
    title="What Adam keeps in memory",
    question="A model has 10 million parameters of 4 bytes: 40 MB. How much does Adam keep from step to step, beside "
    "parameters and gradients?",
    choices=(
        Choice(
            "Almost nothing: two averages, two numbers.",
            "The averages are kept for each parameter separately; that is what gives each one its own step.",
        ),
        Choice(
            "About 40 MB.",
            "That is one value per parameter, as momentum or AdaGrad keep it. Adam keeps an average of gradients "
            "and one of their squares.",
        ),
        Choice(
            "About 80 MB.",
            "Two values per parameter, m and v, of the parameter's own size: twice the model.",
            right=True,
        ),
        Choice("About 160 MB.", "That is model, gradients and state together; the state alone is m and v."),
    ),
    hints=(
        "Which arrays does Adam's rule assign to s?",
        "Each of them has the shape of the parameter.",
        "m and v: two values of 4 bytes per parameter.",
    ),
)

QuizExercise(
    "fair-comparison-quiz",
    chapter=6,
    title="What a comparison at one learning rate shows",
    question="At learning rate 0.01, one network reaches 96 % with Adam and 67 % with SGD. What follows?",
    choices=(
        Choice(
            "Adam is the better optimizer for this network.",
            "At this learning rate it is. SGD was perhaps run far below its own best one, and then the table "
            "compares two learning rates, not two methods.",
        ),
        Choice("SGD cannot reach 96 % on this network.", "Nobody looked: only one learning rate was tried."),
        Choice(
            "0.01 suits Adam better than SGD; about the methods nothing follows yet.",
            "The same number is a different step in each rule. Give each method the same search on the validation "
            "set, and several seeds; then compare.",
            right=True,
        ),
        Choice(
            "The comparison is fair, because both had the same learning rate.",
            "SGD's step is lr times the gradient, Adam's about lr, whatever the gradient: the same number means "
            "different steps.",
        ),
    ),
    hints=(
        "How long is a step of SGD at 0.01 where the gradient is 0.01? And a step of Adam?",
        "What was tuned, and for whom?",
        "One number, two meanings.",
    ),
)
