"""Chapter 11: decoupled weight decay, and the mistakes made with it."""

from __future__ import annotations

from ... import optimizer, variants
from ...arrays import sign, sqrt
from ..steps import StepExercise, after_decay, step_of
from .ch04_formulas import momentum
from .ch06_formulas import adam

_through_the_gradient = step_of(variants.AdamWithL2)
_without_rate = step_of(variants.AdamWithDecayWithoutRate)


HINTS = (
    "Two things happen to x: it shrinks, and it takes a step. The gradient does not know of the shrinking.",
    "Shrink first, by lr times weight_decay of itself; then the step, made of the bare gradient.",
)

adamw = StepExercise(
    "adamw-step",
    chapter=11,
    title="AdamW, one step",
    rule=optimizer.AdamW,
    hyper=("beta1", "beta2", "epsilon", "weight_decay"),
    other={"beta1": 0.6, "beta2": 0.8, "epsilon": 0.05, "weight_decay": 1.7},
    counts=True,
    says="One step of AdamW, as Paddle computes it: decay scaled by lr, beside Adam's step.",
    hints=(*HINTS, "x ← x − lr · λ · x, then x ← x − lr · m̂ / (√v̂ + ε) with Adam's m̂ and v̂"),
)

sgdw = StepExercise(
    "sgdw-step",
    chapter=11,
    title="SGDW, one step",
    rule=optimizer.SGDW,
    hyper=("weight_decay", "momentum"),
    other={"weight_decay": 1.7, "momentum": 0.5},
    says="One step of SGD with momentum and decoupled weight decay (decay scaled by lr, beside the velocity).",
    hints=(*HINTS, "x ← x − lr · λ · x, then v ← μ v + g and x ← x − lr · v"),
)


OF_THE_STEP_ALONE = ("uphill", "learning-rate-left-out", "step-instead-of-parameter")


def _inherit(exercise, source):
    """Enter the mistakes of the method without decay, each after a right decay."""
    for mistake in source.mistakes.values():
        if mistake.id not in exercise.mistakes:
            exercise.add(after_decay(mistake))
        elif mistake.id in OF_THE_STEP_ALONE:  # entered for decay and step together; the others are the same functions
            exercise.mistakes[mistake.id].join(after_decay(mistake))


_inherit(adamw, adam)
_inherit(sgdw, momentum)


adam_step, momentum_step = adam.reference, momentum.reference


def _add_slips_of_the_decay(exercise, step):
    """Enter wrong decays beside the right ``step`` of a method."""

    @exercise.mistakes["parameter-unchanged"].also(hint="Shrink, then take the step; keep in `s` what it is made of.")
    def only_decayed(x, g, s, lr, weight_decay, **hyper):
        """Only the decay is applied: the step is missing.

        It is not taken, or made of a state that stays at zero: no gradient has an effect, and all weights shrink.
        """
        return x - lr * weight_decay * x

    @exercise.mistake("How large a share of x is taken away? lr times weight_decay, no more.")
    def decay_doubled(x, g, s, lr, weight_decay, **hyper):
        """The decay is twice as strong.

        The factor 2 is the derivative of λ‖x‖². Decoupled decay is no derivative: a step takes away lr · λ of x.
        """
        return step(x, g, s, lr, **hyper) - 2 * lr * weight_decay * x

    @exercise.mistake("How large a share of x is taken away? All of lr times weight_decay.")
    def decay_halved(x, g, s, lr, weight_decay, **hyper):
        """The decay is half as strong.

        The factor ½ belongs to a penalty of the loss. Decoupled decay is no derivative: a step takes away lr · λ of x.
        """
        return step(x, g, s, lr, **hyper) - 0.5 * lr * weight_decay * x

    @exercise.mistake("The decay takes away a share of x: where is x?")
    def constant_decay(x, g, s, lr, weight_decay, **hyper):
        """The decay is the same number for all weights.

        Without x, lr · λ is subtracted from every weight: negative ones grow, and none comes to rest at zero.
        """
        return step(x, g, s, lr, **hyper) - lr * weight_decay

    @exercise.mistake("The decay takes away a share of x, not a share of its sign.")
    def decay_by_the_sign(x, g, s, lr, weight_decay, **hyper):
        """The decay takes the sign of x: this is L1.

        Small weights lose as much as large ones, and jump to and fro around zero.
        """
        return step(x, g, s, lr, **hyper) - lr * weight_decay * sign(x)

    @exercise.mistake("Shrink the parameter, not the gradient.")
    def gradient_decayed(x, g, s, lr, weight_decay, **hyper):
        """The gradient is decayed instead of the parameter.

        (1 - lr · λ) · g is a slightly smaller gradient: weights that get none keep their size for ever.
        """
        return step(x, (1 - lr * weight_decay) * g, s, lr, **hyper)


_add_slips_of_the_decay(adamw, adam_step)
_add_slips_of_the_decay(sgdw, momentum_step)


@adamw.mistake("The averages m and v see the bare gradient.")
def l2_instead(x, g, s, lr, weight_decay, **betas):
    """The decay goes through the gradient: this is L2 regularization.

    Adam divides it by √v̂ like everything else, so weights with large gradients are hardly decayed at all.
    """
    return _through_the_gradient(x, g, s, lr, weight_decay=weight_decay, **betas)


@l2_instead.also
def l2_in_the_direction_only(x, g, s, lr, beta1, beta2, epsilon, weight_decay):
    """The decay goes through the average m: this is L2 regularization by half.

    v does not see it, but it is averaged, corrected and divided by √v̂: weights with large gradients are hardly decayed.
    """
    s.m = beta1 * s.m + (1 - beta1) * (g + weight_decay * x)
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v / (1 - beta2**s.t)) + epsilon)


@adamw.mistake("The decay is scaled by lr alone.")
def decay_with_the_corrected_rate(x, g, s, lr, weight_decay, beta1, beta2, epsilon):
    """The decay is scaled by lr with Adam's bias correction in it.

    lr · √(1 - β₂ᵗ)/(1 - β₁ᵗ) belongs to Adam's step; the decay needs no correction, and is too weak at first.
    """
    corrected = lr * (1 - beta2**s.t) ** 0.5 / (1 - beta1**s.t)
    return adam_step(x, g, s, lr, beta1=beta1, beta2=beta2, epsilon=epsilon) - corrected * weight_decay * x


@adamw.mistake("The decay is scaled by lr as well.")
def decay_without_lr(x, g, s, lr, weight_decay, **betas):
    """The decay is not scaled by lr.

    So it stands in the paper (with a schedule's multiplier); in Paddle's form weights would shrink 1/lr times too fast.
    """
    return _without_rate(x, g, s, lr, weight_decay=weight_decay, **betas)


@decay_without_lr.also(hint="The decay is scaled by lr as well, and takes the old x.")
def decay_without_lr_after_the_step(x, g, s, lr, weight_decay, **betas):
    """The decay is not scaled by lr, and comes after the step.

    A step takes away the share λ of the new x: weights shrink 1/lr times too fast, and the schedule does not touch it.
    """
    return (1 - weight_decay) * adam_step(x, g, s, lr, **betas)


@adamw.mistake("Decay makes weights smaller.")
def decay_with_the_wrong_sign(x, g, s, lr, weight_decay, **betas):
    """The decay has the wrong sign.

    The weights grow exponentially: slowly at first, and then the loss explodes.
    """
    return adam_step(x + lr * weight_decay * x, g, s, lr, **betas)


@adamw.mistake("Decay the old x, before the step is applied.")
def decay_after_the_step(x, g, s, lr, weight_decay, **betas):
    """The decay comes after the step.

    It shrinks the new x, so the step itself is decayed too: a small difference that adds up, and that many tests miss.
    """
    x = adam_step(x, g, s, lr, **betas)
    return x - lr * weight_decay * x


@decay_after_the_step.also(hint="Decay the old x, before the step; and where lr is corrected, ε is to be, too.")
def decay_after_a_step_with_folded_correction(x, g, s, lr, beta1, beta2, epsilon, weight_decay):
    """The decay comes after the step, and ε is not corrected with v.

    The step itself is decayed, too; and in lr · √(1 - β₂ᵗ)/(1 - β₁ᵗ) · m/(√v + ε) the ε weighs more in the first steps.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    x = x - lr * (1 - beta2**s.t) ** 0.5 / (1 - beta1**s.t) * s.m / (sqrt(s.v) + epsilon)
    return x - lr * weight_decay * x


@adamw.mistake("Where is `weight_decay` used?")
def no_decay(x, g, s, lr, weight_decay, **betas):
    """The decay is left out: this is Adam.

    Weights that get no gradient keep their size for ever.
    """
    return adam_step(x, g, s, lr, **betas)


@adamw.mistake("Only Adam's step is divided by the root.")
def decay_divided_by_the_root(x, g, s, lr, beta1, beta2, epsilon, weight_decay):
    """The decay is divided by √v̂ together with m̂.

    Each weight then decays at its own pace, slowest where gradients are large: the coupling that AdamW removes.
    """
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return x - lr * (s.m / (1 - beta1**s.t) + weight_decay * x) / (sqrt(s.v / (1 - beta2**s.t)) + epsilon)


@adamw.mistake("Shrink the parameter, not the gradient or the step.")
def step_decayed(x, g, s, lr, weight_decay, **betas):
    """The step is shrunk instead of the parameter.

    (1 - lr · λ) multiplies the change: that is a slightly smaller learning rate and no decay.
    """
    return x - (1 - lr * weight_decay) * (x - adam_step(x, g, s, lr, **betas))


@adamw.mistake("Once is enough.")
def decay_both_ways(x, g, s, lr, weight_decay, **betas):
    """The weights decay twice: through the gradient and beside it.

    L2 regularization comes on top of the decoupled decay.
    """
    decayed = x - lr * weight_decay * x
    return decayed + adam_step(x, g + weight_decay * x, s, lr, **betas) - x


@adamw.mistake("lr appears once in the decay.")
def decay_with_lr_squared(x, g, s, lr, weight_decay, **betas):
    """The decay is scaled by lr twice.

    lr² · λ is next to nothing: the weights hardly shrink.
    """
    return adam_step(x - lr * lr * weight_decay * x, g, s, lr, **betas)


@sgdw.mistake("The velocity sees the bare gradient.")
def l2_through_the_velocity(x, g, s, lr, weight_decay, momentum):
    """The decay goes through the gradient into the velocity: this is L2 regularization.

    The velocity carries old decay on for 1/(1 - momentum) steps: with momentum the two are not the same.
    """
    return momentum_step(x, g + weight_decay * x, s, lr, momentum=momentum)


@sgdw.mistakes["gradient-decayed"].also(hint="Shrink the parameter, not the step.")
def sgdw_step_decayed(x, g, s, lr, weight_decay, momentum):
    """The step is decayed instead of the parameter.

    (1 - lr · λ) multiplies the change: that is a slightly smaller learning rate and no decay.
    """
    return x - (1 - lr * weight_decay) * (x - momentum_step(x, g, s, lr, momentum=momentum))


@sgdw.mistake("The decay is scaled by lr as well.")
def sgdw_decay_without_lr(x, g, s, lr, weight_decay, momentum):
    """The decay is not scaled by lr.

    The weights shrink 1/lr times too fast.
    """
    return momentum_step(x - weight_decay * x, g, s, lr, momentum=momentum)


@sgdw_decay_without_lr.also(hint="The decay is scaled by lr as well, and takes the old x.")
def sgdw_decay_without_lr_after_the_step(x, g, s, lr, weight_decay, momentum):
    """The decay is not scaled by lr, and comes after the step.

    A step takes away the share λ of the new x: weights shrink 1/lr times too fast, and the schedule does not touch it.
    """
    return (1 - weight_decay) * momentum_step(x, g, s, lr, momentum=momentum)


@sgdw.mistake("Decay makes weights smaller.")
def sgdw_decay_sign(x, g, s, lr, weight_decay, momentum):
    """The decay has the wrong sign.

    The weights grow exponentially: slowly at first, and then the loss explodes.
    """
    return momentum_step(x + lr * weight_decay * x, g, s, lr, momentum=momentum)


@sgdw.mistake("Decay the old x, before the step is applied.")
def sgdw_decay_after_the_step(x, g, s, lr, weight_decay, momentum):
    """The decay comes after the step.

    It shrinks the new x, so the step itself is decayed too: a small difference that adds up.
    """
    x = momentum_step(x, g, s, lr, momentum=momentum)
    return x - lr * weight_decay * x


@sgdw.mistake("Where is `weight_decay` used?")
def sgdw_no_decay(x, g, s, lr, weight_decay, momentum):
    """The decay is left out: this is plain momentum.

    Weights that get no gradient keep their size for ever.
    """
    return momentum_step(x, g, s, lr, momentum=momentum)


@sgdw.mistake("Once is enough.")
def sgdw_decay_twice(x, g, s, lr, weight_decay, momentum):
    """The weights decay twice: through the gradient and beside it.

    L2 regularization comes on top of the decoupled decay.
    """
    return momentum_step(x, g + weight_decay * x, s, lr, momentum=momentum) - lr * weight_decay * x


@sgdw.mistake("lr appears once in the decay.")
def sgdw_decay_with_lr_squared(x, g, s, lr, weight_decay, momentum):
    """The decay is scaled by lr twice.

    lr² · λ is next to nothing: the weights hardly shrink.
    """
    return momentum_step(x - lr * lr * weight_decay * x, g, s, lr, momentum=momentum)
