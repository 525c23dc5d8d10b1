"""Chapter 7: AMSGrad's step, and the mistakes made with it."""

from __future__ import annotations

import numpy as np

from ... import optimizer, variants
from ...arrays import maximum, minimum, sqrt
from ..steps import StepExercise, step_of
from .adam_slips import enter_slips
from .adam_steps import AMSGradStep

_of_corrected = step_of(variants.AMSGradOfCorrected, amsgrad=True)
_uncorrected = step_of(variants.UncorrectedAMSGrad, amsgrad=True)


amsgrad = StepExercise(
    "amsgrad-step",
    chapter=7,
    title="AMSGrad, one step",
    rule=optimizer.Adam,
    fixed={"amsgrad": True},
    hyper=("beta1", "beta2", "epsilon"),
    other={"beta1": 0.6, "beta2": 0.8, "epsilon": 0.05},
    counts=True,
    says="One step of AMSGrad, as Paddle computes it (the largest raw v, corrected afterwards).",
    hints=(
        "As in Adam, but the scale may never shrink: what has to be remembered beside v?",
        "Keep the largest v so far, element by element, of the raw v. Correct it like Adam's v, with the present t.",
        "v_max ← max(v_max, v), then x ← x − lr · m̂ / (√(v_max/(1 − β₂ᵗ)) + ε)",
    ),
)


@amsgrad.mistake("Take the maximum of the raw v; correct the result afterwards.")
def maximum_of_corrected_v(x, g, s, lr, beta1, beta2, epsilon):
    """The maximum is taken of the corrected v.

    v̂ is noisiest in the first steps, where the correction is largest; its maximum holds that noise for ever.
    """
    return _of_corrected(x, g, s, lr, beta1=beta1, beta2=beta2, epsilon=epsilon)


@maximum_of_corrected_v.also(hint="Take the maximum of the raw v, and correct it once.")
def maximum_corrected_twice(x, g, s, lr, beta1, beta2, epsilon):
    """The maximum is taken of the corrected v, and is then corrected once more.

    v̂ is noisiest in the first steps; its maximum holds that noise for ever, and the steps are far too short at first.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    s.v_max = maximum(s.v_max, s.v / (1 - beta2**s.t))
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)


@amsgrad.mistake("Paddle corrects m and the maximum as Adam does.")
def amsgrad_uncorrected(x, g, s, lr, beta1, beta2, epsilon):
    """There is no bias correction.

    So it stands in the paper; Paddle corrects both averages. Without it the first steps are three times too long.
    """
    return _uncorrected(x, g, s, lr, beta1=beta1, beta2=beta2, epsilon=epsilon)


@amsgrad.mistake("The maximum of v is corrected too.")
def maximum_not_corrected(x, g, s, lr, beta1, beta2, epsilon):
    """Only m is corrected, the maximum of v is not.

    v_max stays too small for about 1/(1 - beta2) steps: the first step is over thirty times too long.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    s.v_max = maximum(s.v_max, s.v)
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max) + epsilon)


@amsgrad.mistake("`s.v` goes on as in Adam; the maximum has a slot of its own.")
def v_overwritten_by_the_maximum(x, g, s, lr, beta1, beta2, epsilon):
    """v is overwritten by the maximum.

    The average then continues from the maximum and can never fall: it grows faster than AMSGrad's.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = s.v_max = maximum(s.v_max, beta2 * s.v + (1 - beta2) * g * g)
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)


@amsgrad.mistake("The maximum compares averages, not single squares.")
def maximum_with_the_square(x, g, s, lr, beta1, beta2, epsilon):
    """The maximum is taken with g² instead of v.

    One large gradient sets the scale for ever: all later steps are far too short.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    s.v_max = maximum(s.v_max, g * g)
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)


@maximum_with_the_square.also(hint="v stays an average as in Adam; the maximum compares such averages.")
def maximum_of_old_v_and_square(x, g, s, lr, beta1, beta2, epsilon):
    """v is the larger of its faded old value and g².

    That is AdaMax's idea, not an average: one gradient sets the scale until it has faded, and the scale shrinks again.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = maximum(beta2 * s.v, g * g)
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v / (1 - beta2**s.t)) + epsilon)


@maximum_with_the_square.also
def maximum_of_square_uncorrected(x, g, s, lr, beta1, beta2, epsilon):
    """The maximum is taken of g² alone, without v and without a correction.

    One large gradient sets the scale for ever: all later steps are far too short.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v_max = maximum(s.v_max, g * g)
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max) + epsilon)


@maximum_with_the_square.also(hint="Compare v with the largest v so far, and keep the result in `s.v_max`.")
def maximum_with_the_last_square(x, g, s, lr, beta1, beta2, epsilon):
    """The larger of v and the last g² is taken, and no maximum is kept.

    A large gradient makes its own step short and is forgotten with the next one: the scale shrinks again.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(maximum(s.v, g * g) / (1 - beta2**s.t)) + epsilon)


@amsgrad.mistake("Which of v and v_max belongs under the root?")
def maximum_left_out(x, g, s, lr, beta1, beta2, epsilon):
    """The maximum is not used: this is Adam.

    v may shrink again, and with it comes back the failure that AMSGrad was made against.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    s.v_max = maximum(s.v_max, s.v)
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v / (1 - beta2**s.t)) + epsilon)


@amsgrad.mistake("Renew the maximum before it is used.")
def stale_maximum(x, g, s, lr, beta1, beta2, epsilon):
    """The step uses the maximum from before this gradient.

    The first step divides by ε alone and jumps far away; every spike is answered one step late.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    change = lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)
    s.v_max = maximum(s.v_max, s.v)
    return x - change


@amsgrad.mistake("Element by element: `np.maximum`, not `np.max`.")
def one_maximum_for_all(x, g, s, lr, beta1, beta2, epsilon):
    """All parameters share one maximum.

    The parameter with the largest gradients dictates the scale of all others.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    s.v_max = maximum(s.v_max, np.max(s.v))
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)


@amsgrad.mistake("The scale may grow but not shrink: is it the maximum, and is it assigned to `s.v_max`?")
def minimum_for_maximum(x, g, s, lr, beta1, beta2, epsilon):
    """The maximum stays at zero.

    So does a minimum, or a maximum that is not kept in `s.v_max`: every step divides by ε alone.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    s.v_max = minimum(s.v_max, s.v)
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)


@minimum_for_maximum.also(hint="Assign the new v to `s.v` before the maximum is taken, and the maximum to `s.v_max`.")
def v_never_renewed(x, g, s, lr, beta1, beta2, epsilon):
    """v and its maximum stay at zero.

    The new v is not assigned to `s.v`, so its maximum stays at zero, too: every step divides by ε alone.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    return x - lr * s.m / (1 - beta1**s.t) / epsilon


enter_slips(amsgrad, AMSGradStep, without=("no-bias-correction", "only-m-corrected", "stale-scale", "v-stays-at-zero"))
