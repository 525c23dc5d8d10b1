"""Slips in Adam's step, written once for Adam and its relatives: each row of the table replaces parts of a right step.

What only one of them can have stands beside its exercise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import absolute, maximum, sqrt
from ..engine import Mistake
from ..steps import StepExercise
from .adam_steps import AdamStep, average, correction, folded, nested, uncorrected

# --------------------------------------------------------------------------------- parts that are wrong


def by_the_power(step, beta, other):
    return beta**step.t


def by_a_product(step, beta, other):
    return 1 - beta * step.t


def by_the_power_of_the_rest(step, beta, other):
    return (1 - beta) ** step.t


def by_the_inverse(step, beta, other):
    return 1 / (1 - beta**step.t)


def by_the_other_beta(step, beta, other):
    return 1 - other**step.t


def by_the_root(step, beta, other):
    return (1 - beta**step.t) ** 0.5


def by_the_square(step, beta, other):
    return (1 - beta**step.t) ** 2


def not_weighted(step, old, new, beta, other):
    return beta * old + new


def swapped(step, old, new, beta, other):
    return (1 - beta) * old + beta * new


def of_the_other_beta(step, old, new, beta, other):
    return other * old + (1 - other) * new


def share_of_the_other_beta(step, old, new, beta, other):
    return beta * old + (1 - other) * new


def forgotten(step, old, new, beta, other):
    return (1 - beta) * new


def never_renewed(step, old, new, beta, other):
    return old


def corrected(step, old, new, beta, other):
    return average(step, old, new, beta, other) / (1 - beta**step.t)


def from_the_first(step, old, new, beta, other):
    return new if step.t == 1 else average(step, old, new, beta, other)


def added_up(step, old, new, beta, other):
    return old + (1 - beta) * new


def before_this_gradient(step, old, new):
    return old


def bare(step, top, v):
    return top / sqrt(v)


def under_the_root(step, top, v):
    return top / sqrt(v + step.epsilon)


def without_root(step, top, v):
    return top / (v + step.epsilon)


# ------------------------------------------------------------------------------------------- the table


@dataclass(frozen=True)
class Slip:
    """A wrong step; rows with one id are forms of one mistake.

    Args:
        id, name, explanation, hint: See ``Mistake``. In the table below the words hold for Adam and its relatives.
        parts: Which parts of a right step are replaced by which functions.
    """

    id: str
    name: str
    explanation: str
    hint: str
    parts: dict

    def of(self, kind: type[AdamStep]):
        wrong = type(kind.__name__, (kind,), self.parts)
        return lambda x, g, s, lr, **hyper: wrong(g, s, lr, **hyper)(x)


BOTH_START_AT_ZERO = "Both averages start at zero and are too small at first: divide them by 1 - beta**t."
SHARES = "The two shares of an average add up to 1, in m as in v."
ROOTS = "v is corrected under its root: √v is divided by √(1 - β₂ᵗ), and m by 1 - β₁ᵗ."
BELOW_ONE = "Too small an average must be divided by something below 1."
A_POWER = "A power, not a product: `beta**t`."
ONE_MINUS = "How large is `beta**t` at first, and how large in the end? The correction divides by `1 - beta**t`."
OWN_BETA = "m is corrected with beta1, v with beta2."
OWN_VARIABLES = "Keep the corrected averages in variables of their own, not in `s`."
OLD_SHARE = "How much of the old average stays at beta1 = 0.9, and how much at beta2 = 0.999?"
REACTS_FASTER = "Which average has to react faster, the direction's or the scale's?"
RENEW_FIRST = "First renew both averages, then use them."
ASSIGN = "Assign both averages to `s`."
FROM_ZERO = "Both averages start at zero, as `s` is given; the correction makes up for that."
BRACKETS = "Brackets: ε belongs under the fraction bar."

SLIPS = [
    Slip(
        "no-bias-correction",
        "The bias correction is missing",
        "m is too small at first and √v even more so: at the defaults the first step is three times too long.",
        BOTH_START_AT_ZERO,
        {"correct_m": uncorrected, "correct_v": uncorrected},
    ),
    Slip(
        "only-m-corrected",
        "Only m is corrected",
        "v stays too small for about 1/(1 - beta2) steps: the first step is over thirty times too long.",
        "v starts at zero too.",
        {"correct_v": uncorrected},
    ),
    Slip(
        "only-v-corrected",
        "Only v is corrected",
        "The first steps are too short, by the factor 1 - beta1**t: a hidden warm-up of about ten steps.",
        "m starts at zero too.",
        {"correct_m": uncorrected},
    ),
    Slip(
        "epsilon-inside-the-root-of-v",
        "ε is inside the root",
        "Under the root ε acts like √ε, 1e-4 instead of 1e-8: parameters with small gradients are slowed down.",
        "Add ε after the root has been taken.",
        {"quotient": under_the_root},
    ),
    Slip(
        "epsilon-inside-the-root-of-v",
        "ε is inside the root, beside the raw v",
        "There it acts like √ε, and before v has grown up it weighs even more: small gradients are slowed down.",
        "Add ε after the root has been taken.",
        {"quotient": under_the_root, "change": folded},
    ),
    Slip(
        "epsilon-inside-the-root-of-v",
        "ε is inside the root, beside the corrected v",
        "There it acts like √ε, 1e-4 instead of 1e-8: parameters with small gradients are slowed down.",
        "Add ε after the root has been taken.",
        {"quotient": under_the_root, "change": nested},
    ),
    Slip(
        "epsilon-not-corrected",
        "ε is not corrected with v",
        "In lr · √(1 - β₂ᵗ)/(1 - β₁ᵗ) · m/(√v + ε) the ε weighs up to thirty times more in the first steps.",
        "If the correction moves into the learning rate, ε must be multiplied by √(1 - β₂ᵗ).",
        {"change": folded},
    ),
    Slip(
        "epsilon-outside-the-fraction",
        "ε is added to the quotient instead of to the root",
        "`/ sqrt(v) + eps` divides first: nothing protects from 0/0, and a small drift is added to every step.",
        BRACKETS,
        {"quotient": bare, "move": lambda step, x, change: x - step.lr * (change + step.epsilon)},
    ),
    Slip(
        "epsilon-outside-the-fraction",
        "ε is added to the new parameter instead of to the root",
        "`… / sqrt(v) + eps` divides first: nothing protects from 0/0, and every parameter drifts up by ε per step.",
        BRACKETS,
        {"quotient": bare, "move": lambda step, x, change: x - step.lr * change + step.epsilon},
    ),
    Slip(
        "epsilon-outside-the-fraction",
        "ε is added to the whole step instead of to the root",
        "`… / sqrt(v) + eps` divides first: nothing protects from 0/0, and every parameter drifts down by ε per step.",
        BRACKETS,
        {"quotient": bare, "move": lambda step, x, change: x - (step.lr * change + step.epsilon)},
    ),
    Slip(
        "no-epsilon",
        "ε is left out",
        "A parameter whose gradients have all been zero becomes 0/0 = NaN, and NaN spreads through the network.",
        "What happens to a parameter whose gradients have all been 0?",
        {"quotient": bare},
    ),
    Slip(
        "epsilon-as-a-bound",
        "ε is a lower bound of the root instead of being added",
        "Large roots then stay as they are, and small ones all become ε: another protection from 0/0 than Adam's.",
        "Add ε to the root: no maximum.",
        {"quotient": lambda step, top, v: top / maximum(sqrt(v), step.epsilon)},
    ),
    Slip(
        "v-from-m",
        "v averages the square of m instead of the square of g",
        "m is smoother than g, so v comes out too small wherever gradients are noisy, and the steps too long.",
        "v averages g · g, not m · m.",
        {"square": lambda step: step.m * step.m},
    ),
    Slip(
        "v-from-m",
        "v averages the square of m̂ instead of the square of g",
        "m̂ is smoother than g, so v comes out too small wherever gradients are noisy, and the steps too long.",
        "v averages g · g, not m̂ · m̂.",
        {"square": lambda step: (step.m / step.of_m) ** 2, "correct_m": correction},
    ),
    Slip(
        "v-around-m",
        "v averages (g - m)² instead of g²",
        "That is AdaBelief, another method: gradients that hardly vary make its steps long, however large they are.",
        "v averages g · g, whatever m is.",
        {"square": lambda step: (step.g - step.m) ** 2},
    ),
    Slip(
        "gradient-instead-of-m",
        "The step follows the gradient instead of m̂",
        "Momentum is computed and thrown away: every step follows the noise of one mini-batch.",
        "The step follows m̂, the average.",
        {"top": lambda step: step.g, "correct_m": uncorrected},
    ),
    Slip(
        "gradient-instead-of-m",
        "The gradient itself is corrected and followed instead of m",
        "g is no average and not too small: divided by 1 - beta1**t it makes the first step ten times too long, and "
        "momentum is lost.",
        "The step follows m̂, the average.",
        {"top": lambda step: step.g},
    ),
    Slip(
        "looks-ahead",
        "The step looks ahead, as Nesterov's does",
        "(1 - β₁) g is added to β₁ m once more: that is the idea of NAdam, another method.",
        "The step follows m̂, and nothing is added to it.",
        {"top": lambda step: step.beta1 * step.m + (1 - step.beta1) * step.g},
    ),
    Slip(
        "corrected-values-stored",
        "The corrected averages are stored back into the state",
        "At the next step they are corrected once more: the corrections multiply and the averages grow far too large.",
        OWN_VARIABLES,
        {"new_m": corrected, "new_v": corrected, "correct_m": uncorrected, "correct_v": uncorrected},
    ),
    Slip(
        "corrected-values-stored",
        "The corrected m is stored back into the state",
        "At the next step it is corrected once more: the corrections multiply, and the steps become far too long.",
        OWN_VARIABLES,
        {"new_m": corrected, "correct_m": uncorrected},
    ),
    Slip(
        "corrected-values-stored",
        "The corrected v is stored back into the state",
        "At the next step it is corrected once more: the corrections multiply, and v grows far too large.",
        OWN_VARIABLES,
        {"new_v": corrected, "correct_v": uncorrected},
    ),
    Slip(
        "no-root-of-v",
        "The root is missing",
        "The step is divided by a mean of squares: small gradients explode, large ones stand still.",
        "v has the unit of g²; what brings it back to the unit of g?",
        {"quotient": without_root},
    ),
    Slip(
        "m-not-weighted",
        "The factor 1 - beta1 is missing in m",
        "m becomes a sum as in momentum: at beta1 = 0.9 all steps are ten times too long.",
        SHARES,
        {"new_m": not_weighted},
    ),
    Slip(
        "v-not-weighted",
        "The factor 1 - beta2 is missing in v",
        "v comes out a thousand times too large at beta2 = 0.999: what its root divides is thirty times too short.",
        SHARES,
        {"new_v": not_weighted},
    ),
    Slip(
        "neither-weighted",
        "The factors 1 - beta are missing in both averages",
        "At the defaults m comes out ten times too large and √v thirty times: the two errors do not cancel.",
        SHARES,
        {"new_m": not_weighted, "new_v": not_weighted},
    ),
    Slip(
        "gradient-not-squared",
        "v averages |g| instead of g²",
        "The root of a mean of absolute values has the unit √g: the step depends on the loss's scale.",
        "v averages squares.",
        {"square": lambda step: absolute(step.g)},
    ),
    Slip(
        "gradient-not-squared",
        "v averages g instead of g²",
        "Where the mean of g is negative its root is NaN; elsewhere the step depends on the loss's scale.",
        "v averages squares.",
        {"square": lambda step: step.g},
    ),
    Slip(
        "shares-swapped",
        "beta and 1 - beta are swapped in the averages",
        "The averages forget nearly everything at each step: no momentum, and a scale that follows the noise.",
        OLD_SHARE,
        {"new_m": swapped, "new_v": swapped},
    ),
    Slip(
        "shares-swapped",
        "beta1 and 1 - beta1 are swapped in m",
        "m forgets nearly everything at each step: there is no momentum.",
        "How much of the old m stays at beta1 = 0.9?",
        {"new_m": swapped},
    ),
    Slip(
        "shares-swapped",
        "beta2 and 1 - beta2 are swapped in v",
        "v forgets nearly everything at each step: the scale follows the last gradient and its noise.",
        "How much of the old v stays at beta2 = 0.999?",
        {"new_v": swapped},
    ),
    Slip(
        "shares-of-the-other-beta",
        "Each new value is weighted by the other beta",
        "β₁ and 1 - β₂ do not add up to 1, nor do β₂ and 1 - β₁: m comes out a hundred times too small at the "
        "defaults, v a hundred times too large.",
        SHARES,
        {"new_m": share_of_the_other_beta, "new_v": share_of_the_other_beta},
    ),
    Slip(
        "shares-of-the-other-beta",
        "The new gradient is weighted by 1 - beta2 in m",
        "β₁ and 1 - β₂ do not add up to 1: at the defaults m comes out a hundred times too small.",
        SHARES,
        {"new_m": share_of_the_other_beta},
    ),
    Slip(
        "shares-of-the-other-beta",
        "The new square is weighted by 1 - beta1 in v",
        "β₂ and 1 - β₁ do not add up to 1: at the defaults v comes out a hundred times too large.",
        SHARES,
        {"new_v": share_of_the_other_beta},
    ),
    Slip(
        "v-only-adds-up",
        "v forgets nothing: its old value is kept whole",
        "The scale only grows, as in AdaGrad: the steps get shorter and shorter.",
        "Keep the share beta2 of the old v.",
        {"new_v": added_up},
    ),
    Slip(
        "product-for-power",
        "The correction multiplies beta by t instead of raising it to the power t",
        "1 - beta·t is right at the first step only; from the second on it is negative, and the root of v̂ is NaN.",
        A_POWER,
        {"correct_m": by_a_product, "correct_v": by_a_product},
    ),
    Slip(
        "product-for-power",
        "The correction of m multiplies beta1 by t instead of raising it to the power t",
        "1 - beta1·t is right at the first step only; then it is negative, m̂ points uphill and training climbs.",
        A_POWER,
        {"correct_m": by_a_product},
    ),
    Slip(
        "power-of-the-rest",
        "1 - beta is raised to the power t instead of beta",
        "(1 - beta)**t goes to 0 where 1 - beta**t goes to 1: the corrected averages grow without end.",
        "The power binds to beta alone: `1 - beta**t`, without further brackets.",
        {"correct_m": by_the_power_of_the_rest, "correct_v": by_the_power_of_the_rest},
    ),
    Slip(
        "divided-by-the-power",
        "The averages are divided by beta**t: the 1 - is missing",
        "The early averages are hardly corrected, and the late ones are blown up more and more.",
        ONE_MINUS,
        {"correct_m": by_the_power, "correct_v": by_the_power},
    ),
    Slip(
        "divided-by-the-power",
        "m is divided by beta1**t: the 1 - is missing",
        "The early m is hardly corrected, and the late one is blown up more and more.",
        ONE_MINUS,
        {"correct_m": by_the_power},
    ),
    Slip(
        "divided-by-the-power",
        "v is divided by beta2**t: the 1 - is missing",
        "The early v is hardly corrected, and the late one is blown up more and more.",
        ONE_MINUS,
        {"correct_v": by_the_power},
    ),
    Slip(
        "multiplied-by-the-correction",
        "The averages are multiplied by the correction instead of divided",
        "What is too small at first becomes smaller still, v more than m: what is divided by its root is far too long.",
        BELOW_ONE,
        {"correct_m": by_the_inverse, "correct_v": by_the_inverse},
    ),
    Slip(
        "multiplied-by-the-correction",
        "m is multiplied by its correction instead of divided",
        "What is too small at first becomes smaller still: the first steps are far too short.",
        BELOW_ONE,
        {"correct_m": by_the_inverse},
    ),
    Slip(
        "multiplied-by-the-correction",
        "v is multiplied by its correction instead of divided",
        "What is too small at first becomes smaller still: what is divided by its root is far too long.",
        BELOW_ONE,
        {"correct_v": by_the_inverse},
    ),
    Slip(
        "root-in-the-correction",
        "√v is divided by 1 - beta2**t instead of by its root",
        "The scale comes out up to thirty times too large at first, and the steps that are divided by it too short.",
        ROOTS,
        {"correct_v": by_the_square},
    ),
    Slip(
        "root-in-the-correction",
        "The root is missing: lr is multiplied by 1 - beta2**t",
        "lr · (1 - β₂ᵗ)/(1 - β₁ᵗ) is up to thirty times too small at first: a hidden warm-up.",
        ROOTS,
        {"correct_v": by_the_square, "change": folded},
    ),
    Slip(
        "root-in-the-correction",
        "v is divided by the root of 1 - beta2**t",
        "That corrects only half as much as is needed: the scale stays too small at first.",
        ROOTS,
        {"correct_v": by_the_root},
    ),
    Slip(
        "root-in-the-correction",
        "m is divided by the root of 1 - beta1**t",
        "No root is taken of m: corrected only half as much as is needed, it makes the first steps too short.",
        ROOTS,
        {"correct_m": by_the_root},
    ),
    Slip(
        "root-in-the-correction",
        "The root goes over both corrections",
        "In lr · √((1 - β₂ᵗ)/(1 - β₁ᵗ)) m is corrected only half as much as is needed: the first steps are too short.",
        ROOTS,
        {"correct_m": by_the_root, "change": folded},
    ),
    Slip(
        "corrections-swapped",
        "m is corrected with beta2 and v with beta1",
        "m is blown up a hundredfold at first: the first steps are far too long.",
        OWN_BETA,
        {"correct_m": by_the_other_beta, "correct_v": by_the_other_beta},
    ),
    Slip(
        "corrections-swapped",
        "Both averages are corrected with beta1",
        "v's correction fades after ten steps, where v needs a thousand: the scale is too small for all that time.",
        OWN_BETA,
        {"correct_v": by_the_other_beta},
    ),
    Slip(
        "corrections-swapped",
        "Both averages are corrected with beta2",
        "m is blown up a hundredfold at first, and too large for about a thousand steps.",
        OWN_BETA,
        {"correct_m": by_the_other_beta},
    ),
    Slip(
        "betas-swapped-in-averages",
        "beta1 and beta2 are swapped in the averages, but not in the corrections",
        "The direction follows a thousand steps, the scale ten, and each is corrected for the other's memory.",
        REACTS_FASTER,
        {"new_m": of_the_other_beta, "new_v": of_the_other_beta},
    ),
    Slip(
        "betas-swapped-in-averages",
        "Both averages forget by beta1",
        "v remembers ten steps instead of a thousand: the scale is as noisy as the direction.",
        "v forgets by beta2.",
        {"new_v": of_the_other_beta},
    ),
    Slip(
        "betas-swapped-in-averages",
        "Both averages forget by beta2",
        "m follows a thousand steps instead of ten: the direction reacts far too late.",
        "m forgets by beta1.",
        {"new_m": of_the_other_beta},
    ),
    Slip(
        "stale-averages",
        "The step uses the averages from before this gradient",
        "The first step does not follow the first gradient, and each gradient acts one step late.",
        RENEW_FIRST,
        {"use_m": before_this_gradient, "use_v": before_this_gradient},
    ),
    Slip(
        "stale-averages",
        "The step uses m from before this gradient",
        "The first step does nothing, and each gradient acts one step late.",
        RENEW_FIRST,
        {"use_m": before_this_gradient},
    ),
    Slip(
        "stale-scale",
        "The step uses v from before this gradient",
        "A sudden large gradient is not scaled down, for v has not seen it yet; the very first one meets v = 0.",
        RENEW_FIRST,
        {"use_v": before_this_gradient},
    ),
    Slip(
        "averages-forgotten",
        "The averages are not kept",
        "Both start from zero at every step: m is a share of the last gradient, v a share of its square.",
        ASSIGN,
        {"new_m": forgotten, "new_v": forgotten},
    ),
    Slip(
        "averages-forgotten",
        "m is not kept",
        "It starts from zero at every step and is a share of the last gradient: there is no momentum.",
        "Assign the new m to `s.m`.",
        {"new_m": forgotten},
    ),
    Slip(
        "averages-forgotten",
        "v is not kept",
        "It starts from zero at every step and is a share of the last square: the scale follows the noise.",
        "Assign the new v to `s.v`.",
        {"new_v": forgotten},
    ),
    Slip(
        "parameter-unchanged",
        "m stays at zero",
        "The new m is not assigned to `s.m`: the step is made of the old one, which is 0, and nothing is ever learnt.",
        "Assign the new m to `s.m`, and use it in the step.",
        {"new_m": never_renewed},
    ),
    Slip(
        "v-stays-at-zero",
        "v stays at zero",
        "The new v is not assigned to `s.v`: every step divides by ε alone, and jumps far away.",
        "Assign the new v to `s.v`, and use it in the step.",
        {"new_v": never_renewed},
    ),
    Slip(
        "first-value-as-start",
        "The averages start at the first values and are corrected all the same",
        "The correction is made for a start at zero: m̂ is ten times too large at first, v̂ a thousand times.",
        FROM_ZERO,
        {"new_m": from_the_first, "new_v": from_the_first},
    ),
    Slip(
        "first-value-as-start",
        "m starts at the first gradient and is corrected all the same",
        "The correction is made for a start at zero: at beta1 = 0.9 the first step is ten times too long.",
        FROM_ZERO,
        {"new_m": from_the_first},
    ),
    Slip(
        "first-value-as-start",
        "v starts at the first square and is corrected all the same",
        "The correction is made for a start at zero: at beta2 = 0.999 v̂ is a thousand times too large at first.",
        FROM_ZERO,
        {"new_v": from_the_first},
    ),
    Slip(
        "first-value-as-start",
        "The averages start at the first values instead of being corrected",
        "The first gradient keeps most of the weight for a long time: v remembers its noise for a thousand steps.",
        FROM_ZERO,
        {"new_m": from_the_first, "new_v": from_the_first, "correct_m": uncorrected, "correct_v": uncorrected},
    ),
    Slip(
        "first-value-as-start",
        "m starts at the first gradient instead of being corrected",
        "The noise of the first gradient keeps most of the weight in m for about ten steps.",
        FROM_ZERO,
        {"new_m": from_the_first, "correct_m": uncorrected},
    ),
    Slip(
        "first-value-as-start",
        "v starts at the first square instead of being corrected",
        "The noise of the first gradient keeps most of the weight in v for about a thousand steps.",
        FROM_ZERO,
        {"new_v": from_the_first, "correct_v": uncorrected},
    ),
    Slip(
        "one-scale-for-all",
        "All parameters share one v",
        "Every parameter gets the same scale, the mean over all: Adam's second idea is lost.",
        "v has one entry per parameter.",
        {"square": lambda step: np.mean(step.g * step.g)},
    ),
    Slip(
        "one-scale-for-all",
        "All parameters share one v, the sum over all",
        "Every parameter gets the same scale, and the more parameters there are, the shorter all steps become.",
        "v has one entry per parameter: no `sum`.",
        {"square": lambda step: np.sum(step.g * step.g)},
    ),
]


def enter_slips(exercise: StepExercise, kind: type[AdamStep], without: tuple[str, ...] = (), own=()) -> None:
    """Enter the table's mistakes as made in one kind of step, but those ``without`` which it has words of its own for.

    A row is left out where it replaces a part that is the kind's own, or a part by what the kind has there anyway.
    Slips that only this kind can have are rows as well: ``own``.
    """
    for slip in SLIPS:
        if slip.id not in without and not kind.own & slip.parts.keys() and slip.parts.get("change") is not kind.change:
            _enter(exercise, slip, kind)
    for slip in own:
        _enter(exercise, slip, kind)


def _enter(exercise, slip, kind):
    mistake = Mistake(slip.id, slip.name, slip.explanation, slip.hint, [slip.of(kind)])
    if slip.id in exercise.mistakes:
        exercise.mistakes[slip.id].join(mistake)
    else:
        exercise.add(mistake)
