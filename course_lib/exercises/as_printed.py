"""Chapters 7 and 8: AMSGrad and RAdam as an article prints them, to be mended."""

from __future__ import annotations

import numpy as np

from .functions import Case, exercise

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
    """Return the v̂ by whose root AMSGrad divides, after each gradient: an array as long as gradients.

    Paddle's form is wanted. The function computes an article's, in which learning stops; find out why.
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


# --------------------------------------------------------------------------------------- RAdam


def _right_rho(t, beta2):
    rho_inf = 2 / (1 - beta2) - 1
    return rho_inf - 2 * t * beta2**t / (1 - beta2**t), rho_inf


def _squared(rho, rho_inf):
    return (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)


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
    rho, rho_inf = _right_rho(t, beta2)
    return float(np.sqrt(_squared(rho, rho_inf))) if rho > 5 else 0.0


@right_factor.as_printed
def radam_factor(t, beta2=0.999):
    """Return the factor r_t of RAdam's step t (the first is 1), and 0.0 as long as v̂ is not used.

    Paddle's form is wanted, with the threshold 5. Two bugs of an article are hidden here.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = np.sqrt((2 - beta2**t) / (1 - beta2**t))
    if max(rho, rho_inf) <= 5:
        return 0.0
    return np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@right_factor.mistake("Ask ρ_t, which grows with the steps, and not its largest value.")
def branch_on_the_maximum(t, beta2=0.999):
    """ρ_t is mended, but its maximum still decides.

    The maximum is known from the start: at β₂ = 0.999 the scale is used from the first step on, where r_t is the root
    of a negative number or means nothing.
    """
    rho, rho_inf = _right_rho(t, beta2)
    if max(rho, rho_inf) <= 5:
        return 0.0
    return np.sqrt(_squared(rho, rho_inf))


@branch_on_the_maximum.also(hint="Return 0.0 while ρ_t ≤ 5.")
def no_branch(t, beta2=0.999):
    """ρ_t is mended, but no branch is left: every step has a factor.

    In the first steps r_t is the root of a negative number or means nothing.
    """
    rho, rho_inf = _right_rho(t, beta2)
    return np.sqrt(_squared(rho, rho_inf))


@right_factor.mistake("Small ρ_t: the scale is not used, and the factor is 0.0.")
def branches_swapped(t, beta2=0.999):
    """The branches are swapped.

    The scale is used in the first steps, where it cannot be trusted, and given up as soon as it can.
    """
    rho, rho_inf = _right_rho(t, beta2)
    return 0.0 if rho > 5 else np.sqrt(_squared(rho, rho_inf))


@right_factor.mistake("ρ_t = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ)")
def rho_still_as_printed(t, beta2=0.999):
    """The branch is mended, but ρ_t is still the printed one.

    It falls where it should rise: the scale is used in the first steps and given up for ever afterwards.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = np.sqrt((2 - beta2**t) / (1 - beta2**t))
    if rho <= 5:
        return 0.0
    return np.sqrt(_squared(rho, rho_inf))


@right_factor.mistake("Ask for ρ_t > 5.")
def branch_at_four(t, beta2=0.999):
    """The threshold is smaller than 5.

    The paper's is 4; Paddle waits until ρ_t exceeds 5, because r_t is tiny just above 4.
    """
    rho, rho_inf = _right_rho(t, beta2)
    return np.sqrt(_squared(rho, rho_inf)) if rho > 4 else 0.0


@right_factor.mistake("r_t is the root of the fraction.")
def factor_without_root(t, beta2=0.999):
    """The root is lost.

    r_t is below 1 and its square far below: the steps come out much too short.
    """
    rho, rho_inf = _right_rho(t, beta2)
    return _squared(rho, rho_inf) if rho > 5 else 0.0


@right_factor.mistake("What is wanted for the first steps is 0.0.")
def one_at_first(t, beta2=0.999):
    """The first steps get the factor 1 instead of 0.

    That would use the scale at full length just where it cannot be trusted.
    """
    rho, rho_inf = _right_rho(t, beta2)
    return np.sqrt(_squared(rho, rho_inf)) if rho > 5 else 1.0


@right_factor.mistake("β₂ is raised to the power t.")
def square_for_the_power(t, beta2=0.999):
    """ρ_t is computed with β₂² instead of β₂ᵗ.

    It then falls with time instead of rising.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**2 / (1 - beta2**2)
    return np.sqrt(np.maximum(_squared(rho, rho_inf), 0)) if rho > 5 else 0.0


@right_factor.mistake("The power stands above the fraction bar with the factor 2 t.")
def step_number_left_out(t, beta2=0.999):
    """The step number is missing in front of β₂ᵗ.

    ρ_t is right at the first step only, and jumps to about ρ∞/2 at the second.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * beta2**t / (1 - beta2**t)
    return np.sqrt(_squared(rho, rho_inf)) if rho > 5 else 0.0


@right_factor.mistake("ρ_t = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ), with a 2.")
def two_left_out(t, beta2=0.999):
    """The factor 2 is missing in front of t.

    ρ_t then begins at about ρ∞/2 in place of 1: the scale is used from the first step on.
    """
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - t * beta2**t / (1 - beta2**t)
    return np.sqrt(_squared(rho, rho_inf)) if rho > 5 else 0.0


@right_factor.mistake("ρ∞ = 2/(1 − β₂) − 1")
def one_left_out(t, beta2=0.999):
    """The 1 is missing in ρ∞.

    ρ∞ and every ρ_t are larger by 1: the scale is used one step too early.
    """
    rho_inf = 2 / (1 - beta2)
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    return np.sqrt(_squared(rho, rho_inf)) if rho > 5 else 0.0


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
    rho, rho_inf = _right_rho(t, beta2)
    return 1 / np.sqrt(_squared(rho, rho_inf)) if rho > 5 else 0.0
