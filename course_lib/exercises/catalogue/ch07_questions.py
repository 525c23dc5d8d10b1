"""Chapter 7: AMSGrad as an article prints it, and where Adam goes the wrong way."""

from __future__ import annotations

import numpy as np

from ..answers import PredictExercise, TypicalNumber, one_number
from ..engine import Mistake
from ..experiments import NotYet, Recognised, measure
from ..functions import Case, exercise

# ------------------------------------------------------------------------------------- AMSGrad


def _series():
    rng = np.random.default_rng(4)
    return [
        ([10.0, 1, 1, 1, 1, 1, 1, 1], 0.999, "a first gradient of 10, then 1"),
        ([1.0] * 6, 0.9, "all gradients 1"),
        ([0.1, -4, 0.2, 0.1, -0.1, 0.3, 0.1], 0.6, "one large gradient among small ones"),
        (list(2 * 0.7 ** np.arange(9)), 0.5, "gradients that fade"),
        (list(0.01 * 1.6 ** np.arange(9)), 0.8, "gradients that grow"),
        ([0.0, 0.0, 3, 0.0, 1, 0.0], 0.7, "gradients that are often 0"),
        (list(rng.standard_normal(12)), 0.99, "random gradients"),
        ([-2.0], 0.95, "a single gradient"),
    ]


@exercise(
    "amsgrad-as-printed",
    chapter=7,
    title="Find the bug: AMSGrad as printed",
    hints=(
        "Feed it ones: v̂ must then be 1 after every gradient. Print it.",
        "What is divided by 1 − β₂ᵗ must not go into the next maximum, or it is divided again.",
        "Keep the largest raw v in a variable of its own; append that, divided by 1 − β₂ᵗ.",
    ),
    cases=[Case({"gradients": np.array(values), "beta2": beta2}, words) for values, beta2, words in _series()],
)
def largest_scales(gradients, beta2=0.999):
    v = v_max = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
        scales.append(v_max / (1 - beta2**t))
    return np.array(scales)


@largest_scales.as_printed
def amsgrad_scales(gradients, beta2=0.999):
    """Return the v̂ by whose root AMSGrad divides, after each gradient.

    The result is an array as long as gradients. Paddle's form is wanted. The function
    computes an article's, in which learning stops; find out why.
    """
    v = v_hat = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        v_hat = max(v_hat, v) / (1 - beta2**t)
        scales.append(v_hat)
    return np.array(scales)


@largest_scales.mistake("Take the maximum of the raw v; correct the result.")
def scales_of_corrected_v(gradients, beta2=0.999):
    """The explosion is gone, but the maximum is taken of the corrected v.

    v̂ is noisiest in the first steps; its maximum holds their noise for ever. Paddle corrects after the maximum.
    """
    v = v_hat = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        v_hat = max(v_hat, v / (1 - beta2**t))
        scales.append(v_hat)
    return np.array(scales)


@largest_scales.mistake("One division is enough: of the maximum of the raw v.")
def scales_corrected_twice(gradients, beta2=0.999):
    """The maximum is taken of the corrected v and corrected once more.

    It does not pile up any more, but the first step is still thirty times too short at β₂ = 0.999.
    """
    v = v_hat = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        v_hat = max(v_hat, v / (1 - beta2**t))
        scales.append(v_hat / (1 - beta2**t))
    return np.array(scales)


@largest_scales.mistake("Correct the maximum where it is appended, and only there.")
def scales_without_correction(gradients, beta2=0.999):
    """The correction is gone altogether.

    That is the paper's form. Paddle's has one correction, of what goes into the step.
    """
    v = v_max = 0.0
    scales = []
    for g in gradients:
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
        scales.append(v_max)
    return np.array(scales)


@largest_scales.mistake("Keep the largest v so far, and correct that.")
def scales_of_adam(gradients, beta2=0.999):
    """The maximum is gone: this is Adam's v̂.

    Where the gradients become small the scale shrinks again, which AMSGrad was made to prevent.
    """
    v = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        scales.append(v / (1 - beta2**t))
    return np.array(scales)


@largest_scales.mistake("The average goes on by itself; the maximum has a variable of its own.")
def scales_with_v_overwritten(gradients, beta2=0.999):
    """The correction is mended, but v is overwritten by the maximum.

    The average then goes on from the maximum and can never fall: it grows faster than AMSGrad's.
    """
    v = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = max(v, beta2 * v + (1 - beta2) * g * g)
        scales.append(v / (1 - beta2**t))
    return np.array(scales)


@largest_scales.mistake("Keep the raw average in `v`: correct only what is appended.")
def scales_with_v_corrected_in_place(gradients, beta2=0.999):
    """The corrected v is stored as v.

    It goes into the next average and is corrected again: the explosion has only moved from the maximum to v.
    """
    v = v_max = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = (beta2 * v + (1 - beta2) * g * g) / (1 - beta2**t)
        v_max = max(v_max, v)
        scales.append(v_max)
    return np.array(scales)


@largest_scales.mistake("The maximum compares averages, not single squares.")
def scales_of_the_square(gradients, beta2=0.999):
    """The maximum is taken of g² instead of v.

    One large gradient then sets the scale for ever.
    """
    largest = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        largest = max(largest, g * g)
        scales.append(largest / (1 - beta2**t))
    return np.array(scales)


@largest_scales.mistake("Renew the maximum before it is appended.")
def scales_one_late(gradients, beta2=0.999):
    """The maximum comes one gradient late.

    The first v̂ is 0, and the first step would divide by ε alone.
    """
    v = v_max = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        scales.append(v_max / (1 - beta2**t))
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
    return np.array(scales)


@largest_scales.mistake("`t` is 1 at the first gradient: no `+ 1`.")
def scales_corrected_for_the_next_step(gradients, beta2=0.999):
    """The correction is that of the next step.

    With t + 1 in the power the first v̂ is about half of what it should be.
    """
    v = v_max = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
        scales.append(v_max / (1 - beta2 ** (t + 1)))
    return np.array(scales)


@largest_scales.mistake("The correction fades: `beta2**t` becomes 0 with time.")
def scales_corrected_for_ever(gradients, beta2=0.999):
    """β₂ is not raised to the power t.

    Division by 1 − β₂ is right at the first gradient only. Later the v̂ stay a thousand times too large at β₂ = 0.999.
    """
    v = v_max = 0.0
    scales = []
    for g in gradients:
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
        scales.append(v_max / (1 - beta2))
    return np.array(scales)


@largest_scales.mistake("Divide by 1 − β₂ᵗ.")
def scales_multiplied(gradients, beta2=0.999):
    """The maximum is multiplied by 1 − β₂ᵗ.

    The average starts at 0 and is too small in the first steps. The correction has to make it larger, not smaller.
    """
    v = v_max = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
        scales.append(v_max * (1 - beta2**t))
    return np.array(scales)


@largest_scales.mistake("Return v̂ itself: no root.")
def scales_as_roots(gradients, beta2=0.999):
    """The roots are returned.

    They are what the step is divided by, but asked for is v̂.
    """
    return np.sqrt(largest_scales.reference(gradients, beta2))


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
_DRIFT = drift_per_cycle(0.1, cycles=200)  # so soon v repeats where β₂ is far from 1


PredictExercise(
    "adam-cycle-drift",
    chapter=7,
    title="Adam over one cycle of the three slopes",
    question="Slopes 3, -1, -1 in turn; Adam with β₁ = 0, β₂ = 0.1, lr = 1, and v has settled: by how much does x "
    "change per cycle?",
    value=_DRIFT,
    tolerance=0.01,
    because="v is 8.21, 1.72, 1.07 after the three slopes, so x moves by -3/√8.21 + 1/√1.72 + 1/√1.07 = +0.68.",
    mistakes=(
        TypicalNumber("wrong-way", -_DRIFT, "Right size, wrong sign: a slope of 3 moves x down, a slope of -1 up."),
        TypicalNumber("plain-descent", -1, "This is plain gradient descent, -3 + 1 + 1: Adam divides by √v."),
        TypicalNumber(
            "signs-only",
            1,
            "That would be steps of one length, ±1. √v does not follow each slope entirely: after the 3 it is too "
            "large for the next slope.",
        ),
        TypicalNumber(
            "largest-scale",
            -1 / _SCALES[0] ** 0.5,
            "Here all three slopes were divided by the √v that follows the 3. Adam renews v in every step.",
        ),
        TypicalNumber(
            "mean-scale",
            -1 / (11 / 3) ** 0.5,
            "Here all three slopes were divided by the root of their mean square. With β₂ = 0.1, v follows the "
            "last slope.",
        ),
        TypicalNumber(
            "root-missing",
            -3 / _SCALES[0] + 1 / _SCALES[1] + 1 / _SCALES[2],
            "The slopes were divided by v; Adam divides by its root.",
        ),
        TypicalNumber(
            "one-step-late",
            -3 / _SCALES[2] ** 0.5 + 1 / _SCALES[0] ** 0.5 + 1 / _SCALES[1] ** 0.5,
            "Each slope was divided by the v from before it; v is renewed first.",
        ),
        TypicalNumber(
            "shares-swapped",
            drift_per_cycle(0.9, cycles=200),
            "β₂ = 0.1 is the share of the old v that is kept: v ← 0.1 v + 0.9 g².",
        ),
    ),
    hints=(
        "Let v run through the three slopes a few times, by hand or in a loop, until it repeats.",
        "v ← 0.1 v + 0.9 g². Then add up the three steps −g/√v.",
        "v after the three slopes: 8.21, 1.72, 1.07.",
    ),
)


# ---------------------------------------------------------------------------------------------------------- measure


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
    stub="""# From which beta2 on does Adam no longer walk the wrong way on the slopes 3, -1, -1
# (beta1 = 0)? Try with
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
