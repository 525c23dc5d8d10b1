"""Chapter 6: the steps of NAdam and Adamax; slips in parts that are not Adam's are rows of tables, too."""

from __future__ import annotations

import numpy as np

from ... import optimizer
from ...arrays import absolute, maximum, minimum, sqrt
from ..steps import StepExercise
from .adam_slips import Slip, enter_slips
from .adam_steps import AdamaxStep, NAdamStep, uncorrected

# --------------------------------------------------------------------------------------------- NAdam

nadam = StepExercise(
    "nadam-step",
    chapter=6,
    title="NAdam, one step",
    rule=optimizer.NAdam,
    hyper=("beta1", "beta2", "epsilon", "momentum_decay"),
    # At 0.004 the momentum of the look-ahead hardly moves within the 14 steps of a probe.
    usual={"momentum_decay": 1.7},
    other={"beta1": 0.6, "beta2": 0.8, "epsilon": 0.05, "momentum_decay": 3.3},
    counts=True,
    says="One step of NAdam, as Paddle computes it (m and v are Adam's own).",
    hints=(
        "m and v are renewed as in Adam. What stands above the root now mixes m and the gradient once more.",
        "You need μ of this step and of the next, and the product of all μ so far: keep it in s.mu_product.",
        "m̂ = μ_{t+1} m/(1 − Π_{t+1}) + (1 − μ_t) g/(1 − Π_t) with Π_t = s.mu_product and Π_{t+1} = Π_t μ_{t+1}",
    ),
)


def without_product(step):
    return 1 - step.next_mu(), 1 - step.mu(step.t)


def by_powers(step):
    return 1 - step.next_mu() ** (step.t + 1), 1 - step.mu(step.t) ** step.t


def with_mu_twice(step):
    now, _ = step.products()
    return 1 - now * step.mu(step.t), 1 - now


def by_this_product_only(step):
    now, _ = step.products()
    return 1 - now, 1 - now


def by_the_next_product_only(step):
    _, following = step.products()
    return 1 - following, 1 - following


def next_factor_kept(step):
    now, following = step.products()
    step.s.mu_product = following
    return 1 - following, 1 - now


def constant(step, t):
    return step.beta1


PRODUCT = "s.mu_product is 1 at first and is multiplied by this step's μ in every step."
LOOK_AHEAD = "m is weighted with the μ of the next step, g with 1 minus that of this one."

NADAM_SLIPS = [
    Slip(
        "no-look-ahead",
        "The step follows Adam's m̂: nothing looks ahead",
        "The newest gradient counts for as little as in Adam: this is Adam itself.",
        "Where does the gradient come in once more?",
        {"top": lambda step: step.m_used / (1 - step.beta1**step.t)},
    ),
    Slip(
        "no-look-ahead",
        "The step follows m alone, corrected with the product of the μ: nothing looks ahead",
        "The newest gradient counts for as little as in Adam.",
        "Where does the gradient come in once more?",
        {"top": lambda step: step.m_used / (1 - step.products()[0])},
    ),
    Slip(
        "gradient-instead-of-m",
        "m is missing in the step: it follows the gradient alone",
        "Momentum is computed and thrown away: every step follows the noise of one mini-batch.",
        LOOK_AHEAD,
        {"top": lambda step: step.g},
    ),
    Slip(
        "momentum-not-warmed-up",
        "μ is beta1 in every step",
        "So NAdam stands in many overviews; Paddle's μ begins at about half of beta1 and rises slowly.",
        "μ_t = β₁ (1 − ½ · 0.96^(t ψ)), with ψ for `momentum_decay`.",
        {"mu": constant},
    ),
    Slip(
        "momentum-not-warmed-up",
        "μ is beta1 in every step, and m̂ is Adam's",
        "So NAdam stands in many overviews: β₁ m̂ + (1 - β₁) g/(1 - β₁ᵗ). Paddle's μ begins at about half of beta1.",
        "μ_t = β₁ (1 − ½ · 0.96^(t ψ)), with ψ for `momentum_decay`; m has a correction of its own.",
        {"mu": constant, "corrections": lambda step: (1 - step.beta1**step.t,) * 2},
    ),
    Slip(
        "momentum-decay-left-out",
        "ψ is missing in the exponent",
        "0.96^t is the warm-up at ψ = 1, over after a hundred steps; at the default it takes tens of thousands.",
        "The exponent is t · momentum_decay.",
        {"mu": lambda step, t: step.beta1 * (1 - 0.5 * 0.96**t)},
    ),
    Slip(
        "half-left-out",
        "The factor ½ before 0.96 is missing",
        "μ then begins near 0 instead of near half of beta1: at first there is hardly any momentum.",
        "μ_t = β₁ (1 − ½ · 0.96^(t ψ))",
        {"mu": lambda step, t: step.beta1 * (1 - 0.96 ** (t * step.momentum_decay))},
    ),
    Slip(
        "half-of-all",
        "The ½ stands before the bracket",
        "μ then begins near 0 and never gets beyond half of beta1.",
        "μ_t = β₁ (1 − ½ · 0.96^(t ψ))",
        {"mu": lambda step, t: step.beta1 * 0.5 * (1 - 0.96 ** (t * step.momentum_decay))},
    ),
    Slip(
        "momentum-cools-down",
        "1 - is missing in μ",
        "½ · 0.96^(tψ) falls where μ has to rise: momentum fades away during the run.",
        "μ rises from about half of beta1 to beta1.",
        {"mu": lambda step, t: step.beta1 * 0.5 * 0.96 ** (t * step.momentum_decay)},
    ),
    Slip(
        "momentum-without-beta1",
        "beta1 is missing in μ",
        "μ rises towards 1: in the end the gradient of the moment has no weight of its own.",
        "μ rises from about half of beta1 to beta1.",
        {"mu": lambda step, t: 1 - 0.5 * 0.96 ** (t * step.momentum_decay)},
    ),
    Slip(
        "momentum-of-this-step-twice",
        "m is weighted with this step's μ, not with the next one's",
        "The look-ahead is a step short: it asks what this step's momentum would do, not the next one's.",
        LOOK_AHEAD,
        {"shares": lambda step: (step.mu(step.t), 1 - step.mu(step.t))},
    ),
    Slip(
        "momentum-of-this-step-twice",
        "This step's μ stands for the next one's, in the weight of m and in its correction",
        "The look-ahead is a step short: it asks what this step's momentum would do, not the next one's.",
        LOOK_AHEAD,
        {"next_mu": lambda step: step.mu(step.t)},
    ),
    Slip(
        "momentum-of-this-step-twice",
        "m is corrected with this step's μ twice, and without the next one's",
        "This step's μ is smaller than the next one's, so the product is too small and m corrected too weakly.",
        "Π_{t+1} = Π_t · μ_{t+1}",
        {"corrections": with_mu_twice},
    ),
    Slip(
        "momentum-of-the-next-step-twice",
        "g is weighted with the next step's μ, not with this one's",
        "The weights of m and g come out as in the average of the next step, whose gradient is not known yet.",
        LOOK_AHEAD,
        {"shares": lambda step: (step.next_mu(), 1 - step.next_mu())},
    ),
    Slip(
        "momentum-of-the-next-step-twice",
        "All μ are one step ahead",
        "t + 1 stands where t belongs: the warm-up is one step too far from the first step on.",
        "The first step has t = 1, as `s.t` says.",
        {"mu": lambda step, t: NAdamStep.mu(step, t + 1)},
    ),
    Slip(
        "shares-of-the-look-ahead",
        "The weights of m and g are swapped",
        "m has to get μ and g the rest; swapped, the step listens to the gradient where it should listen to m.",
        LOOK_AHEAD,
        {"shares": lambda step: (1 - step.next_mu(), step.mu(step.t))},
    ),
    Slip(
        "shares-of-the-look-ahead",
        "m has no weight: μ is missing before it",
        "The two weights add up to more than 1: all steps are too long.",
        LOOK_AHEAD,
        {"shares": lambda step: (1.0, 1 - step.mu(step.t))},
    ),
    Slip(
        "shares-of-the-look-ahead",
        "g has no weight: 1 - μ is missing before it",
        "The two weights add up to more than 1: all steps are too long, and noisier.",
        LOOK_AHEAD,
        {"shares": lambda step: (step.next_mu(), 1.0)},
    ),
    Slip(
        "shares-of-the-look-ahead",
        "g is weighted with 1 - beta1 instead of 1 - μ",
        "μ is about half of beta1 for a long time: the two weights add up to much less than 1.",
        LOOK_AHEAD,
        {"shares": lambda step: (step.next_mu(), 1 - step.beta1)},
    ),
    Slip(
        "product-forgotten",
        "The product of the μ is not kept: the correction uses μ of the moment",
        "1 - μ stays far below 1 for ever, where 1 - Π soon reaches it: m̂ stays too large.",
        PRODUCT,
        {"corrections": without_product},
    ),
    Slip(
        "power-for-the-product",
        "A power of the newest μ stands for the product of all",
        "μ grows from step to step, and the product holds the smaller ones of before.",
        PRODUCT,
        {"corrections": by_powers},
    ),
    Slip(
        "power-for-the-product",
        "m and g are corrected with powers of beta1",
        "That is the correction for a constant momentum; the product of the μ falls faster, for they are smaller.",
        PRODUCT,
        {"corrections": lambda step: (1 - step.beta1 ** (step.t + 1), 1 - step.beta1**step.t)},
    ),
    Slip(
        "power-for-the-product",
        "m is corrected as in Adam",
        "1 - β₁ᵗ is what m's own start at zero asks for; Paddle's NAdam divides by 1 - Π_{t+1}.",
        PRODUCT,
        {"corrections": lambda step: (1 - step.beta1**step.t, 1 - step.products()[0])},
    ),
    Slip(
        "next-factor-kept",
        "The μ of the next step is kept in the product",
        "The next step multiplies it in once more: the product falls about twice as fast as it should.",
        PRODUCT,
        {"corrections": next_factor_kept},
    ),
    Slip(
        "one-correction-for-both",
        "m is corrected with this step's product, as g is",
        "m stands for the next step and needs the product up to there.",
        "m is divided by 1 − Π_{t+1}, g by 1 − Π_t.",
        {"corrections": by_this_product_only},
    ),
    Slip(
        "one-correction-for-both",
        "g is corrected with the next step's product, as m is",
        "g stands for this step and needs the product up to here.",
        "m is divided by 1 − Π_{t+1}, g by 1 − Π_t.",
        {"corrections": by_the_next_product_only},
    ),
    Slip(
        "direction-not-corrected",
        "The direction is not corrected",
        "In the first steps m and the weights are too small: a hidden warm-up of the step.",
        "m is divided by 1 − Π_{t+1}, g by 1 − Π_t.",
        {"corrections": lambda step: (1.0, 1.0)},
    ),
    Slip(
        "direction-not-corrected",
        "g is not corrected",
        "In the first steps the gradient of the moment counts too little.",
        "m is divided by 1 − Π_{t+1}, g by 1 − Π_t.",
        {"corrections": lambda step: (1 - step.products()[1], 1.0)},
    ),
    Slip(
        "direction-not-corrected",
        "m is not corrected",
        "In the first steps m counts too little.",
        "m is divided by 1 − Π_{t+1}, g by 1 − Π_t.",
        {"corrections": lambda step: (1.0, 1 - step.products()[0])},
    ),
    Slip(
        "warmed-up-momentum-in-m",
        "m forgets by μ instead of by beta1",
        "So it stands in the paper; in Paddle m is Adam's own, and μ appears in the direction only.",
        "m ← β₁ m + (1 − β₁) g, as in Adam.",
        {"new_m": lambda step, old, new, beta, other: step.mu(step.t) * old + (1 - step.mu(step.t)) * new},
    ),
]

enter_slips(nadam, NAdamStep, own=NADAM_SLIPS)

# -------------------------------------------------------------------------------------------- Adamax

adamax = StepExercise(
    "adamax-step",
    chapter=6,
    title="Adamax, one step",
    rule=optimizer.Adamax,
    hyper=("beta1", "beta2", "epsilon"),
    # At 0.999 the memory of u is far longer than a probe.
    usual={"beta2": 0.9},
    other={"beta1": 0.6, "beta2": 0.7, "epsilon": 0.05},
    counts=True,
    says="One step of Adamax, as Paddle computes it (epsilon beside the faded u).",
    hints=(
        "m is Adam's. The divisor u is no average: it is the largest gradient that is not yet forgotten.",
        "u fades by β₂, and a gradient that is larger than what is left takes its place. Which of the two needs a "
        "correction?",
        "u ← max(|g|, β₂ u + ε), x ← x − lr/(1 − β₁ᵗ) · m/u",
    ),
)


def maximum_of(gradient, faded):
    """The part ``new_v`` of a slip: u as the larger of two functions of the step and what is compared."""
    return lambda step, old, new, beta, other: maximum(gradient(step, new), faded(step, beta, old))


def as_it_is(step, new):
    return new


def faded(step, beta, old):
    return beta * old + step.epsilon


NO_AVERAGE = "u ← max(|g|, β₂ u + ε): no shares, and nothing is added up."
WHERE_EPSILON_IS = "ε is added to β₂ u, within the maximum."
NO_CORRECTION_OF_U = "After one step u = |g₁|: is that too small?"

ADAMAX_SLIPS = [
    Slip(
        "maximum-never-fades",
        "The maximum is kept for ever: u does not fade by beta2",
        "One spike makes all later steps short, for good.",
        "u is multiplied by beta2 before it is compared.",
        {"new_v": maximum_of(as_it_is, lambda step, beta, old: old + step.epsilon)},
    ),
    Slip(
        "maximum-never-fades",
        "The maximum is kept for ever: neither beta2 nor ε stands beside u",
        "One spike makes all later steps short, for good, and a parameter whose gradients are all 0 becomes 0/0.",
        "u is multiplied by beta2, and ε added, before it is compared.",
        {"new_v": maximum_of(as_it_is, lambda step, beta, old: old)},
    ),
    Slip(
        "gradient-squared",
        "The gradient is squared, and no root is taken",
        "The step is divided by a square: small gradients explode, large ones stand still.",
        "u has the unit of g: take |g|.",
        {"square": lambda step: step.g * step.g},
    ),
    Slip(
        "gradient-squared",
        "The maximum is taken of squares, and its root divides",
        "The root of beta2 · u fades by √beta2 only: u remembers twice as long.",
        "No squares and no root: u ← max(|g|, β₂ u + ε).",
        {"square": lambda step: step.g * step.g, "quotient": lambda step, top, u: top / sqrt(u)},
    ),
    Slip(
        "sign-not-dropped",
        "g is compared instead of |g|",
        "A large negative gradient is not noticed, and nothing shortens the step it makes.",
        "How large is a gradient of -5?",
        {"square": lambda step: step.g},
    ),
    Slip(
        "average-instead-of-maximum",
        "u is an average of |g|",
        "A spike enters with the small share 1 - β₂, and u begins at zero: the first steps are far too long.",
        NO_AVERAGE,
        {"new_v": lambda step, old, new, beta, other: beta * old + (1 - beta) * new},
    ),
    Slip(
        "average-instead-of-maximum",
        "u is an average of |g|, with ε beside it",
        "A spike enters with the small share 1 - β₂, and u begins at zero: the first steps are far too long.",
        NO_AVERAGE,
        {"new_v": lambda step, old, new, beta, other: beta * old + (1 - beta) * new + step.epsilon},
    ),
    Slip(
        "average-instead-of-maximum",
        "The new gradient is added to u",
        "u becomes a sum: the steps are far too short.",
        NO_AVERAGE,
        {"new_v": lambda step, old, new, beta, other: beta * old + step.epsilon + new},
    ),
    Slip(
        "average-instead-of-maximum",
        "This is Adam: the root of a corrected average of squares",
        "A spike enters with the small share 1 - β₂, and the step after it can be several times η.",
        NO_AVERAGE,
        {
            "new_v": lambda step, old, new, beta, other: beta * old + (1 - beta) * new * new,
            "quotient": lambda step, top, u: top / (sqrt(u / (1 - step.beta2**step.t)) + step.epsilon),
        },
    ),
    Slip(
        "new-gradient-weighted",
        "The new gradient is weighted with 1 - beta2",
        "Those are the shares of an average. In a maximum they make u too small, at 0.999 a thousand times.",
        NO_AVERAGE,
        {"new_v": maximum_of(lambda step, new: (1 - step.beta2) * new, faded)},
    ),
    Slip(
        "scale-corrected",
        "u is corrected for a start at zero",
        "u is no average: after one step it is |g₁| already. Divided by 1 - β₂ᵗ it is far too large at first.",
        NO_CORRECTION_OF_U,
        {"quotient": lambda step, top, u: top / (u / (1 - step.beta2**step.t))},
    ),
    Slip(
        "scale-corrected",
        "u is corrected for a start at zero, with a root",
        "u is no average: after one step it is |g₁| already. √(1 - β₂ᵗ) makes the first steps far too short.",
        NO_CORRECTION_OF_U,
        {"quotient": lambda step, top, u: top / u * (1 - step.beta2**step.t) ** 0.5},
    ),
    Slip(
        "m-not-corrected",
        "m is not corrected",
        "The first steps are too short, by the factor 1 - beta1**t: a hidden warm-up of about ten steps.",
        "m starts at zero, as in Adam.",
        {"correct_m": uncorrected},
    ),
    Slip(
        "epsilon-outside-the-maximum",
        "ε is added to u when it divides",
        "With ε outside the steps are a little shorter; that shows where gradients are as small as ε.",
        WHERE_EPSILON_IS,
        {
            "new_v": maximum_of(as_it_is, lambda step, beta, old: beta * old),
            "quotient": lambda step, top, u: top / (u + step.epsilon),
        },
    ),
    Slip(
        "epsilon-outside-the-maximum",
        "ε is added to the maximum and kept in u",
        "It piles up from step to step, and u is larger than any gradient was.",
        WHERE_EPSILON_IS,
        {
            "new_v": lambda step, old, new, beta, other: maximum(new, beta * old) + step.epsilon,
        },
    ),
    Slip(
        "epsilon-beside-the-gradient",
        "ε is added to |g|",
        "So it is in PyTorch; in Paddle ε stands beside the faded u, where it piles up while gradients are tiny.",
        WHERE_EPSILON_IS,
        {"new_v": maximum_of(lambda step, new: new + step.epsilon, lambda step, beta, old: beta * old)},
    ),
    Slip(
        "epsilon-fades",
        "ε is added to u before it fades",
        "β₂ (u + ε) is a little less than β₂ u + ε; that shows where gradients are as small as ε.",
        "β₂ multiplies u alone.",
        {"new_v": maximum_of(as_it_is, lambda step, beta, old: beta * (old + step.epsilon))},
    ),
    Slip(
        "epsilon-as-a-bound",
        "ε is compared, not added",
        "As a third number ε does nothing until gradients are as small; added, it piles up to ε/(1 − β₂).",
        WHERE_EPSILON_IS,
        {"new_v": maximum_of(as_it_is, lambda step, beta, old: maximum(beta * old, step.epsilon))},
    ),
    Slip(
        "no-epsilon",
        "ε is left out",
        "A parameter whose gradients have all been zero becomes 0/0 = NaN, and NaN spreads through the network.",
        "What happens to a parameter whose gradients have all been 0?",
        {"new_v": maximum_of(as_it_is, lambda step, beta, old: beta * old)},
    ),
    Slip(
        "minimum-for-maximum",
        "u takes the smaller of the two",
        "It begins at zero and stays near ε: the steps are gigantic.",
        "The larger one counts.",
        {"new_v": lambda step, old, new, beta, other: minimum(new, beta * old + step.epsilon)},
    ),
    Slip(
        "one-maximum-for-all",
        "All parameters share one u",
        "The parameter with the largest gradient dictates the scale of all others.",
        "Element by element: `np.maximum`, not `np.max`.",
        {"square": lambda step: np.max(absolute(step.g))},
    ),
    Slip(
        "scale-forgotten",
        "u is not kept: the step is divided by the gradient of the moment",
        "The new u is not assigned to `s.u`. Where a gradient happens to be small, the step is huge.",
        "Assign the new u to `s.u`.",
        {"new_v": maximum_of(as_it_is, lambda step, beta, old: step.epsilon)},
    ),
    Slip(
        "fades-by-beta1",
        "u fades by beta1",
        "u then remembers ten steps instead of a thousand: its size jumps.",
        "u fades by beta2.",
        {"new_v": lambda step, old, new, beta, other: maximum(new, other * old + step.epsilon)},
    ),
    Slip(
        "fades-by-the-rest",
        "u is multiplied by 1 - beta2",
        "u forgets nearly everything at each step, and the step is divided by the gradient of the moment.",
        "How much of u should be left after one step at beta2 = 0.999?",
        {"new_v": maximum_of(as_it_is, lambda step, beta, old: (1 - beta) * old + step.epsilon)},
    ),
]

enter_slips(
    adamax,
    AdamaxStep,
    without=("only-v-corrected", "corrections-swapped", "betas-swapped-in-averages"),
    own=ADAMAX_SLIPS,
)
