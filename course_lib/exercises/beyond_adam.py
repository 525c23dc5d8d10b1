"""Chapters 7 and 8: where Adam goes the wrong way, when SWATS switches, what RAdam trusts."""

from __future__ import annotations

import numpy as np

from .answers import PredictExercise, TypicalNumber, one_number
from .engine import Mistake
from .experiments import NotYet, Recognised, measure
from .functions import Case, exercise
from .quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict


def drift_per_cycle(beta2: float, slopes=(3.0, -1.0, -1.0), cycles: int = 3000) -> float:
    """How far Adam with β₁ = 0 and learning rate 1 moves over one cycle of slopes, once v repeats.

    Example:
        >>> round(drift_per_cycle(0.1), 2), drift_per_cycle(0.9) < 0
        (0.68, True)
    """
    v = 1.0
    for _ in range(cycles):
        moved = 0.0
        for slope in slopes:
            v = beta2 * v + (1 - beta2) * slope * slope
            moved -= slope / v**0.5
    return moved


_SCALES = (8.2072, 1.7207, 1.0721)  # v after the gradients 3, -1, -1, once it repeats with period 3

PredictExercise(
    "adam-cycle-drift",
    chapter=7,
    title="Adam over one cycle of the three slopes",
    question="Slopes 3, -1, -1 in turn; Adam with β₁ = 0, β₂ = 0.1, lr = 1, and v has settled: by how much does x change per cycle?",  # noqa: E501
    value=drift_per_cycle(0.1),
    tolerance=0.01,
    because="v is 8.21, 1.72, 1.07 after the three slopes, so x moves by -3/√8.21 + 1/√1.72 + 1/√1.07 = +0.68.",
    mistakes=(
        TypicalNumber("wrong-way", -drift_per_cycle(0.1), "Right size, wrong sign: a slope of 3 moves x down, a slope of -1 up."),  # noqa: E501
        TypicalNumber("plain-descent", -1, "This is plain gradient descent, -3 + 1 + 1: Adam divides by √v."),
        TypicalNumber("signs-only", 1, "That would be steps of one length, ±1. √v does not follow each slope entirely: after the 3 it is too large for the next slope."),  # noqa: E501
        TypicalNumber("largest-scale", -1 / _SCALES[0] ** 0.5, "Here all three slopes were divided by the √v that follows the 3. Adam renews v in every step."),  # noqa: E501
        TypicalNumber("mean-scale", -1 / (11 / 3) ** 0.5, "Here all three slopes were divided by the root of their mean square. With β₂ = 0.1, v follows the last slope."),  # noqa: E501
        TypicalNumber("root-missing", -3 / _SCALES[0] + 1 / _SCALES[1] + 1 / _SCALES[2], "The slopes were divided by v; Adam divides by its root."),  # noqa: E501
        TypicalNumber("one-step-late", -3 / _SCALES[2] ** 0.5 + 1 / _SCALES[0] ** 0.5 + 1 / _SCALES[1] ** 0.5, "Each slope was divided by the v from before it; v is renewed first."),  # noqa: E501
        TypicalNumber("shares-swapped", drift_per_cycle(0.9), "β₂ = 0.1 is the share of the old v that is kept: v ← 0.1 v + 0.9 g²."),  # noqa: E501
    ),
    hints=(
        "Let v run through the three slopes a few times, by hand or in a loop, until it repeats.",
        "v ← 0.1 v + 0.9 g². Then add up the three steps −g/√v.",
        "v after the three slopes: 8.21, 1.72, 1.07.",
    ),
)  # fmt: skip

PredictExercise(
    "radam-never-adaptive",
    chapter=8,
    title="RAdam that never divides by √v",
    question="Paddle's RAdam uses v only while ρ_t > 5, and ρ_t rises towards ρ∞ = 2/(1 - β₂) - 1. Up to which β₂ does it never use v?",  # noqa: E501
    value=2 / 3,
    because="2/(1 - β₂) - 1 = 5 at β₂ = 2/3. There RAdam follows m̂ alone for ever: it is SGD with a damped momentum.",
    mistakes=(
        TypicalNumber("rho-of-four", 0.6, "There ρ∞ = 4: that is the paper's threshold (Paddle's is 5), or the -1 was forgotten."),  # noqa: E501
        TypicalNumber("one-minus", 1 / 3, "This is 1 - β₂."),
        TypicalNumber("five-sixths", 5 / 6, "That is where 1/(1 - β₂) = 6; the formula has 2/(1 - β₂)."),
    ),
    hints=(
        "ρ_t never exceeds ρ∞.",
        "For which β₂ is ρ∞ exactly 5?",
        "2/(1 − β₂) = 6",
    ),
)  # fmt: skip


# ---------------------------------------------------------------------------------- find the bug


def _gamma_cases():
    rng = np.random.default_rng(3)
    noisy = 0.2 * (1 + 0.4 * rng.standard_normal(60))
    falling = 0.5 * 0.97 ** np.arange(80) * (1 + 0.05 * rng.standard_normal(80))
    uphill = np.concatenate([-0.3 * np.ones(12), 4.0 + 2.5 * rng.standard_normal(50)])
    # The 7th and the 14th γ are the opposite of the average at that step.
    changing_sign = np.array([-0.3] * 6 + [0.2035, 3, 6, 1, 6, 1, 6, -1.8215, 6, 1, 6])
    names = "gammas", "beta2", "tolerance", "minimum_steps"
    settings = {
        "γ is noisy around 0.2": (noisy, 0.9, 0.05, 10),
        "γ falls": (falling, 0.95, 0.1, 20),
        "γ is negative at first, then around 4": (uphill, 0.9, 0.08, 5),
        "γ is large and never settles": (np.array([10.0, 90.0] * 20), 0.9, 0.02, 5),
        "γ is 0.01 with little noise": (0.01 * (1 + 0.2 * rng.standard_normal(50)), 0.99, 0.03, 12),
        "γ grows too fast to be close enough": (0.1 * 1.1 ** np.arange(30), 0.9, 0.5, 15),
        "γ changes its sign": (changing_sign, 0.9, 0.02, 3),
        "γ grows and is always close enough": (0.1 * 1.05 ** np.arange(30), 0.9, 0.9, 7),
        "the first γ may do": (0.3 * 1.1 ** np.arange(9), 0.9, 0.5, 1),
        "minimum_steps is the last step": (0.3 * 1.1 ** np.arange(9), 0.9, 0.9, 9),
    }
    return [Case(dict(zip(names, values)), words) for words, values in settings.items()]


@exercise(
    "swats-find-bug-switch",
    chapter=8,
    title="Find the bug: the moment of the switch",
    cases=_gamma_cases(),
    hints=(
        "Let every γ be 0.2 and print the average after the first steps. What should it be?",
        "An average that starts at zero is too small at first. What does Adam do about that?",
        "Compare and return average / (1 − beta2**t); keep the average itself as it is.",
    ),
)
def switched_rate(gammas, beta2, tolerance, minimum_steps):
    average = 0.0
    for t, gamma in enumerate(gammas, 1):
        average = beta2 * average + (1 - beta2) * gamma
        corrected = average / (1 - beta2**t)
        if t >= minimum_steps and abs(corrected - gamma) < tolerance * corrected:
            return corrected
    return 0.0


@switched_rate.as_printed
def swats_learning_rate(gammas, beta2, tolerance, minimum_steps):
    """Return the learning rate with which SWATS goes on as SGD, 0.0 if it never switches.

    gammas         the projected learning rate γ of every step, in order
    beta2          how much of the average of γ is kept per step
    tolerance      the largest relative difference between γ and its average at which SWATS switches
    minimum_steps  the first step at which it may
    One bug is hidden here.
    """
    average = 0.0
    for t, gamma in enumerate(gammas, 1):
        average = beta2 * average + (1 - beta2) * gamma
        if t >= minimum_steps and abs(average - gamma) < tolerance * average:
            return average
    return 0.0


@switched_rate.mistake("Return what was compared.")
def raw_average_returned(gammas, beta2, tolerance, minimum_steps):
    """The moment is right, but the uncorrected average is returned.

    SGD starts with a learning rate that is too small by the factor 1 - beta2**t.
    """
    average = 0.0
    for t, gamma in enumerate(gammas, 1):
        average = beta2 * average + (1 - beta2) * gamma
        corrected = average / (1 - beta2**t)
        if t >= minimum_steps and abs(corrected - gamma) < tolerance * corrected:
            return average
    return 0.0


@switched_rate.mistake("Return the average, not the last γ.")
def last_gamma_returned(gammas, beta2, tolerance, minimum_steps):
    """The last γ is returned instead of the average.

    One γ carries the noise of one mini-batch; the average was kept to be rid of it.
    """
    average = 0.0
    for t, gamma in enumerate(gammas, 1):
        average = beta2 * average + (1 - beta2) * gamma
        corrected = average / (1 - beta2**t)
        if t >= minimum_steps and abs(corrected - gamma) < tolerance * corrected:
            return gamma
    return 0.0


@switched_rate.mistake("Give the corrected value a name of its own.")
def correction_stored(gammas, beta2, tolerance, minimum_steps):
    """The corrected average is stored back as the average.

    It is corrected again in every step and grows far too large: SWATS hardly ever switches.
    """
    average = 0.0
    for t, gamma in enumerate(gammas, 1):
        average = (beta2 * average + (1 - beta2) * gamma) / (1 - beta2**t)
        if t >= minimum_steps and abs(average - gamma) < tolerance * average:
            return average
    return 0.0


@switched_rate.mistake("The tolerance is relative: it multiplies the corrected average.")
def absolute_tolerance(gammas, beta2, tolerance, minimum_steps):
    """The tolerance is used as an absolute one.

    So it stands in the paper; what is close then depends on the units of the loss.
    """
    average = 0.0
    for t, gamma in enumerate(gammas, 1):
        average = beta2 * average + (1 - beta2) * gamma
        corrected = average / (1 - beta2**t)
        if t >= minimum_steps and abs(corrected - gamma) < tolerance:
            return corrected
    return 0.0


@switched_rate.mistake("Only the first value was the matter; the average itself is a moving one.")
def plain_mean(gammas, beta2, tolerance, minimum_steps):
    """The mean of all γ so far is taken.

    It is not biased, but it never forgets the first steps, in which γ was another.
    """
    for t in range(minimum_steps, len(gammas) + 1):
        mean = float(np.mean(gammas[:t]))
        if abs(mean - gammas[t - 1]) < tolerance * mean:
            return mean
    return 0.0


@switched_rate.mistake("Start at zero and correct, as Adam does.")
def started_at_first_gamma(gammas, beta2, tolerance, minimum_steps):
    """The average starts at the first γ instead of being corrected.

    That removes the pull to zero but gives one noisy γ the weight of all that came before it.
    """
    average = gammas[0]
    for t, gamma in enumerate(gammas, 1):
        average = beta2 * average + (1 - beta2) * gamma
        if t >= minimum_steps and abs(average - gamma) < tolerance * average:
            return average
    return 0.0


# ------------------------------------------------------------------------------ measure and quiz


_TURNING_POINT = 0.4723  # there drift_per_cycle is zero

RULE_OF_THE_PAPER = Mistake(
    "rule-of-the-paper",
    "This is the β₂ of the example, not the limit",
    "At 0.1 Adam fails clearly. How much larger can β₂ get until it no longer does?",
    "Raise β₂ from 0.1 in steps of 0.1 and look where x ends.",
)
NEVER_TURNS = Mistake(
    "never-turns",
    "Adam does converge for a β₂ below 1",
    "The longer v remembers the large slope, the more evenly it divides the three; long before 1 the drift has turned.",
    "Try 0.3, 0.6 and 0.9.",
)


@measure(
    "adam-measure-beta2",
    chapter=7,
    title="The memory that Adam needs here",
    stub="""# From which beta2 on does Adam no longer walk the wrong way on the slopes 3, -1, -1 (beta1 = 0)? Try with
#   walk(optimizer.Adam(0.1, beta1=0.0, beta2=…), three_steps, steps=6000)
# and look where x ends. An error of 0.02 is allowed.
smallest_good_beta2 = None""",
    hints=(
        "At 0.1 x ends at +1, at 0.9 at −1: the limit lies between.",
        "Halve the interval several times. Near the limit x is slow: start in the middle and take more steps.",
        "It is the β₂ at which the three steps of a cycle, −3/√v₁ + 1/√v₂ + 1/√v₃, add up to zero.",
    ),
)
def beta2_limit(answer):
    limit = one_number(answer)
    if not 0 <= limit <= 1:
        raise NotYet("β₂ lies between 0 and 1.")
    if abs(limit - 0.1) < 1e-9:
        raise Recognised(RULE_OF_THE_PAPER)
    if limit >= 0.9999:
        raise Recognised(NEVER_TURNS)
    if abs(limit - _TURNING_POINT) > 0.02:
        drift = drift_per_cycle(limit)
        way = "still moves up: the limit is larger" if drift > 0 else "moves down already: the limit is smaller"
        raise NotYet(f"At {limit:g} x {way}.")
    return "From about 0.47 on the three steps of a cycle add up to a step down. A longer period needs a longer memory."


QuizExercise(
    "radam-scale-quiz",
    chapter=8,
    title="A loss in other units",
    question="The loss is counted in cents instead of euros: 100 times larger, and nothing else changes. β₂ is 0.999. What happens to the first five steps?",  # noqa: E501
    choices=(
        Choice("Nothing, neither in Adam nor in RAdam: both divide by √v̂.", "RAdam does not divide by √v̂ in its first five steps; it follows m̂, which is 100 times larger."),  # noqa: E501
        Choice("They stay the same in Adam and become 100 times longer in RAdam.", "While ρ_t ≤ 5, RAdam's step is lr · m̂, a step of SGD with all its sensitivity to units. Adam divides it out.", right=True),  # noqa: E501
        Choice("They become 100 times longer in both.", "In Adam both m̂ and √v̂ become 100 times larger, and the quotient stays."),  # noqa: E501
        Choice("They become 10 times longer in RAdam: r_t contains a root.", "r_t knows nothing of gradients: it depends on t and β₂ alone. And in the first five steps it plays no part."),  # noqa: E501
    ),
    hints=(
        "Which of the two divides by √v̂ in its very first step?",
        "ρ_t > 5 holds from the sixth step on.",
        "Until then RAdam's step is lr · m̂.",
    ),
)  # fmt: skip
