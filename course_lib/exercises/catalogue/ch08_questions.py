"""Chapter 8: RAdam as an article prints it, when SWATS switches, and where RAdam warms up."""

from __future__ import annotations

import numpy as np

from ...variants import rectified_length
from ..answers import PredictExercise, TypicalNumber
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise
from .adam_steps import r_squared

# --------------------------------------------------------------------------------------- RAdam


# No ρ_t lies between 2 and 4, where the root is one of a negative number; ρ∞ is below 5 at β₂ = 0.65, and never 4,
# where the factor that is not used there would be divided by 0.
_STEPS = {0.999: (1, 2, 5, 6, 7, 30, 100, 3000), 0.9: (1, 5, 6, 7, 20, 60), 0.7: (1, 8, 9, 12, 40), 0.65: (1, 30)}


@exercise(
    "radam-as-printed",
    chapter=8,
    title="Find the bugs: RAdam as printed",
    hints=(
        "How many squares does v̂ hold after one step, and what does the function have for ρ there?",
        "ρ must begin at 1 and rise towards ρ∞. And which of the two says whether v̂ holds enough by now?",
        "ρ_t = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ), and the factor is 0 while ρ_t ≤ 5.",
    ),
    cases=[Case({"t": t, "beta2": beta2}) for beta2, steps in _STEPS.items() for t in steps],
)
def right_factor(t, beta2=0.999):
    rho, rho_inf = rectified_length(t, beta2)
    return float(np.sqrt(r_squared(rho, rho_inf))) if rho > 5 else 0.0


@right_factor.as_printed
def radam_factor(t, beta2=0.999):
    """Return the factor r_t of RAdam's step t (the first is 1).

    It is 0.0 as long as v̂ is not used. Paddle's form is wanted, with the threshold 5.
    Two bugs of an article are hidden here.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = np.sqrt((2 - beta2**t) / (1 - beta2**t))
    if max(rho, rho_inf) <= 5:
        return 0.0
    numerator = (rho - 4) * (rho - 2) * rho_inf
    return np.sqrt(numerator / ((rho_inf - 4) * (rho_inf - 2) * rho))


@right_factor.mistake("Ask ρ_t, which grows with the steps, and not its largest value.")
def branch_on_the_maximum(t, beta2=0.999):
    """ρ_t is mended, but its maximum still decides.

    The maximum is known from the start: at β₂ = 0.999 the scale is used from the first step on, where r_t is the root
    of a negative number or means nothing.
    """
    rho, rho_inf = rectified_length(t, beta2)
    if max(rho, rho_inf) <= 5:
        return 0.0
    return np.sqrt(r_squared(rho, rho_inf))


@branch_on_the_maximum.also(hint="Return 0.0 while ρ_t ≤ 5.")
def no_branch(t, beta2=0.999):
    """ρ_t is mended, but no branch is left: every step has a factor.

    In the first steps r_t is the root of a negative number or means nothing.
    """
    rho, rho_inf = rectified_length(t, beta2)
    return np.sqrt(r_squared(rho, rho_inf))


@right_factor.mistake("Small ρ_t: the scale is not used, and the factor is 0.0.")
def branches_swapped(t, beta2=0.999):
    """The branches are swapped.

    The scale is used in the first steps, where it cannot be trusted, and given up as soon as it can.
    """
    rho, rho_inf = rectified_length(t, beta2)
    return 0.0 if rho > 5 else np.sqrt(r_squared(rho, rho_inf))


@right_factor.mistake("ρ_t = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ)")
def rho_still_as_printed(t, beta2=0.999):
    """The branch is mended, but ρ_t is still the printed one.

    It falls where it should rise: the scale is used in the first steps and given up for ever afterwards.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = np.sqrt((2 - beta2**t) / (1 - beta2**t))
    if rho <= 5:
        return 0.0
    return np.sqrt(r_squared(rho, rho_inf))


@right_factor.mistake("Ask for ρ_t > 5.")
def branch_at_four(t, beta2=0.999):
    """The threshold is smaller than 5.

    The paper's is 4; Paddle waits until ρ_t exceeds 5, because r_t is tiny just above 4.
    """
    rho, rho_inf = rectified_length(t, beta2)
    return np.sqrt(r_squared(rho, rho_inf)) if rho > 4 else 0.0


@right_factor.mistake("r_t is the root of the fraction.")
def factor_without_root(t, beta2=0.999):
    """The root is lost.

    r_t is below 1 and its square far below: the steps come out much too short.
    """
    rho, rho_inf = rectified_length(t, beta2)
    return r_squared(rho, rho_inf) if rho > 5 else 0.0


@right_factor.mistake("What is wanted for the first steps is 0.0.")
def one_at_first(t, beta2=0.999):
    """The first steps get the factor 1 instead of 0.

    That would use the scale at full length just where it cannot be trusted.
    """
    rho, rho_inf = rectified_length(t, beta2)
    return np.sqrt(r_squared(rho, rho_inf)) if rho > 5 else 1.0


@right_factor.mistake("β₂ is raised to the power t.")
def square_for_the_power(t, beta2=0.999):
    """ρ_t is computed with β₂² instead of β₂ᵗ.

    It then falls with time instead of rising.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**2 / (1 - beta2**2)
    return np.sqrt(np.maximum(r_squared(rho, rho_inf), 0)) if rho > 5 else 0.0


@right_factor.mistake("The power stands above the fraction bar with the factor 2 t.")
def step_number_left_out(t, beta2=0.999):
    """The step number is missing in front of β₂ᵗ.

    ρ_t is right at the first step only, and jumps to about ρ∞/2 at the second.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * beta2**t / (1 - beta2**t)
    return np.sqrt(r_squared(rho, rho_inf)) if rho > 5 else 0.0


@right_factor.mistake("ρ_t = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ), with a 2.")
def two_left_out(t, beta2=0.999):
    """The factor 2 is missing in front of t.

    ρ_t then begins at about ρ∞/2 in place of 1: the scale is used from the first step on.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - t * beta2**t / (1 - beta2**t)
    return np.sqrt(r_squared(rho, rho_inf)) if rho > 5 else 0.0


@right_factor.mistake("ρ∞ = 2/(1 − β₂) − 1")
def one_left_out(t, beta2=0.999):
    """The 1 is missing in ρ∞.

    ρ∞ and every ρ_t are larger by 1: the scale is used one step too early.
    """
    rho_inf = 2 / (1 - beta2)
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    return np.sqrt(r_squared(rho, rho_inf)) if rho > 5 else 0.0


@right_factor.mistake("`t` is 1 at the first step: no `+ 1`.")
def one_step_ahead(t, beta2=0.999):
    """The step number is one too large.

    With t + 1 the scale is used one step too early, and every factor is that of the next step.
    """
    return right_factor.reference(t + 1, beta2)


@right_factor.mistake("Below the bar, ρ∞ takes the place of ρ_t, and ρ_t that of ρ∞.")
def factor_upside_down(t, beta2=0.999):
    """The fraction is upside down.

    The factor then lengthens the first steps; it must shorten them, and become 1 in the end.
    """
    rho, rho_inf = rectified_length(t, beta2)
    return 1 / np.sqrt(r_squared(rho, rho_inf)) if rho > 5 else 0.0


# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "radam-never-adaptive",
    chapter=8,
    title="RAdam that never divides by √v",
    question="Paddle's RAdam uses v only while ρ_t > 5, and ρ_t rises towards ρ∞ = 2/(1 - β₂) - 1. Up to which β₂ does "
    "it never use v?",
    value=2 / 3,
    because="2/(1 - β₂) - 1 = 5 at β₂ = 2/3. There RAdam follows m̂ alone for ever: it is SGD with a damped momentum.",
    mistakes=(
        TypicalNumber(
            "rho-of-four", 0.6, "There ρ∞ = 4: that is the paper's threshold (Paddle's is 5), or the -1 was forgotten."
        ),
        TypicalNumber("one-minus", 1 / 3, "This is 1 - β₂."),
        TypicalNumber("five-sixths", 5 / 6, "That is where 1/(1 - β₂) = 6; the formula has 2/(1 - β₂)."),
    ),
    hints=(
        "ρ_t never exceeds ρ∞.",
        "For which β₂ is ρ∞ exactly 5?",
        "2/(1 − β₂) = 6",
    ),
)


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
    """Return the learning rate with which SWATS goes on as SGD; 0.0: it never switches.

    gammas         the projected learning rate γ of every step, in order
    beta2          how much of the average of γ is kept per step
    tolerance      the largest relative difference between γ and its average at which
                   SWATS switches
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


# ------------------------------------------------------------------------------------------------------------- quiz


QuizExercise(
    "radam-scale-quiz",
    chapter=8,
    title="A loss in other units",
    question="The loss is counted in cents instead of euros: 100 times larger, and nothing else changes. β₂ is 0.999. "
    "What happens to the first five steps?",
    choices=(
        Choice(
            "Nothing, neither in Adam nor in RAdam: both divide by √v̂.",
            "RAdam does not divide by √v̂ in its first five steps; it follows m̂, which is 100 times larger.",
        ),
        Choice(
            "They stay the same in Adam and become 100 times longer in RAdam.",
            "While ρ_t ≤ 5, RAdam's step is lr · m̂, a step of SGD with all its sensitivity to units. Adam "
            "divides it out.",
            right=True,
        ),
        Choice(
            "They become 100 times longer in both.",
            "In Adam both m̂ and √v̂ become 100 times larger, and the quotient stays.",
        ),
        Choice(
            "They become 10 times longer in RAdam: r_t contains a root.",
            "r_t knows nothing of gradients: it depends on t and β₂ alone. And in the first five steps it plays "
            "no part.",
        ),
    ),
    hints=(
        "Which of the two divides by √v̂ in its very first step?",
        "ρ_t > 5 holds from the sixth step on.",
        "Until then RAdam's step is lr · m̂.",
    ),
)
