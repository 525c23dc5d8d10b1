"""Chapter 2: steps with a velocity, and the mistakes made with them."""

from __future__ import annotations

from .. import optimizer
from .steps import StepExercise

momentum = StepExercise(
    "momentum-step",
    chapter=2,
    title="Momentum, one step",
    rule=optimizer.Momentum,
    hyper=("momentum",),
    other={"momentum": 0.5},
    says="One step of gradient descent with momentum (the learning rate stays outside of the velocity).",
    hints=(
        "Two lines: the state remembers past gradients, the parameter follows the state, not the gradient.",
        "Keep a share `momentum` of the old velocity and add the new gradient to it. Nothing else enters the velocity.",
        "v ← μ v + g, then x ← x − lr · v, with the new v.",
    ),
)


@momentum.mistake("Is the new gradient weighted in Paddle's formula?")
def damped_gradient(x, g, s, lr, momentum):
    """The gradient is damped by 1 - momentum.

    The velocity becomes an average instead of a sum, so every step is ten times shorter at momentum 0.9: training crawls
    unless the lr is raised by 1/(1 - momentum).
    """
    s.velocity = momentum * s.velocity + (1 - momentum) * g
    return x - lr * s.velocity


@momentum.mistake("Assign the new velocity to `s.velocity`, and use the old one in it.")
def velocity_forgotten(x, g, s, lr, momentum):
    """The velocity is not kept.

    It starts from zero at every step, so this is plain gradient descent with extra work.
    """
    s.velocity = momentum * 0 + g
    return x - lr * s.velocity


@momentum.mistake("First renew the velocity, then use it.")
def stale_velocity(x, g, s, lr, momentum):
    """The step uses the velocity from before this gradient.

    Each gradient acts one step late: the first step does nothing, and ravines are overshot further.
    """
    stale = s.velocity
    s.velocity = momentum * s.velocity + g
    return x - lr * stale


@momentum.mistake("Follow the velocity itself; the extra `g + momentum * v` belongs to Nesterov.")
def nesterov_instead(x, g, s, lr, momentum):
    """This is Nesterov's step.

    It looks ahead by adding the gradient once more: a different method, which damps oscillations more.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (g + momentum * s.velocity)


@momentum.mistake("The gradient enters the velocity in the same way at every step.")
def damped_at_first(x, g, s, lr, momentum):
    """The damping differs between the first step and the others.

    The first gradient gets another weight than all later ones; the velocity carries that for 1/(1 - momentum) steps.
    """
    s.velocity = (1 - momentum) * g if s.t == 1 else momentum * s.velocity + g
    return x - lr * s.velocity


@damped_at_first.also
def damped_after_the_first(x, g, s, lr, momentum):
    s.velocity = g if s.t == 1 else momentum * s.velocity + (1 - momentum) * g
    return x - lr * s.velocity


@momentum.mistake("Multiply by lr when x is changed, not when the velocity is.")
def lr_inside_the_velocity(x, g, s, lr, momentum):
    """The learning rate is inside the velocity.

    As long as lr is constant nothing differs; after lr drops, old and larger steps go on for 1/(1 - momentum) steps.
    """
    s.velocity = momentum * s.velocity + lr * g
    return x - s.velocity


@momentum.mistake("The share that is kept multiplies the old velocity alone.")
def gradient_scaled_too(x, g, s, lr, momentum):
    """The new gradient is scaled by momentum as well.

    v = momentum · (v + g): all steps are shorter by the factor momentum, as if lr had been lowered.
    """
    s.velocity = momentum * (s.velocity + g)
    return x - lr * s.velocity


@momentum.mistake("How much of the old velocity stays at momentum 0.9: most of it, or a tenth?")
def shares_swapped(x, g, s, lr, momentum):
    """momentum and 1 - momentum are swapped.

    Only a tenth of the velocity is kept at momentum 0.9: the memory is as good as gone after two steps.
    """
    s.velocity = (1 - momentum) * s.velocity + momentum * g
    return x - lr * s.velocity


@shares_swapped.also
def shares_swapped_undamped(x, g, s, lr, momentum):
    s.velocity = (1 - momentum) * s.velocity + g
    return x - lr * s.velocity


@momentum.mistake("A velocity forgets: multiply the old one by momentum.")
def never_forgets(x, g, s, lr, momentum):
    """The velocity only adds up.

    Nothing slows it down: the steps grow without end and the parameter swings past every minimum.
    """
    s.velocity = s.velocity + g
    return x - lr * s.velocity


@momentum.mistake("The velocity contains the gradient already.")
def gradient_counted_twice(x, g, s, lr, momentum):
    """The gradient is applied beside the velocity.

    The step is lr · (v + g): each new gradient counts twice, so the lr at which training diverges is lower.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (s.velocity + g)


@momentum.mistake("Which of the two signs belongs to the velocity, which to the step?")
def velocity_against_the_gradient(x, g, s, lr, momentum):
    """The old velocity enters with the wrong sign.

    Successive steps fight each other: progress is slower than without momentum.
    """
    s.velocity = g - momentum * s.velocity
    return x - lr * s.velocity


nesterov = StepExercise(
    "nesterov-step",
    chapter=2,
    title="Nesterov's momentum, one step",
    rule=optimizer.Momentum,
    fixed={"use_nesterov": True},
    hyper=("momentum",),
    other={"momentum": 0.5},
    says="One step of momentum with Nesterov's look-ahead, in the form that Paddle uses.",
    hints=(
        "The velocity is renewed as in plain momentum; only the step differs.",
        "The step pretends that the velocity has already been applied once more: it needs the gradient and the new velocity.",
        "v ← μ v + g, then x ← x − lr · (g + μ v), with the new v in both places.",
    ),
)


@nesterov.mistake("The velocity is right: which look-ahead is added to the gradient?")
def plain_momentum(x, g, s, lr, momentum):
    """This is plain momentum.

    The look-ahead is missing, so oscillations across a ravine are damped less.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * s.velocity


@nesterov.mistake("Renew the velocity before it is used in the step.")
def looks_ahead_with_the_old_velocity(x, g, s, lr, momentum):
    """The look-ahead uses the old velocity.

    g + momentum · v with the old v is exactly the new v: this is plain momentum's first part and never looks ahead.
    """
    old = s.velocity
    s.velocity = momentum * s.velocity + g
    return x - lr * (g + momentum * momentum * old)


@nesterov.mistake("How much of the new velocity is added to the gradient?")
def look_ahead_not_scaled(x, g, s, lr, momentum):
    """The look-ahead lacks the factor momentum.

    The step is lr · (g + v): too long, as if the velocity never slowed down.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (g + s.velocity)


@nesterov.mistake("Multiply by lr when x is changed, not when the velocity is.")
def lr_in_nesterovs_velocity(x, g, s, lr, momentum):
    """The learning rate is inside the velocity.

    As long as lr is constant nothing differs; after lr drops, old and larger steps go on for 1/(1 - momentum) steps.
    """
    s.velocity = momentum * s.velocity + lr * g
    return x - (lr * g + momentum * s.velocity)


@nesterov.mistake("The velocity is a plain sum with a fading memory: no 1 - momentum.")
def damped_gradient_in_nesterov(x, g, s, lr, momentum):
    """The gradient is damped by 1 - momentum.

    The velocity becomes an average, so the look-ahead hardly adds to the gradient and momentum speeds nothing up.
    """
    s.velocity = momentum * s.velocity + (1 - momentum) * g
    return x - lr * (g + momentum * s.velocity)


@damped_gradient_in_nesterov.also
def damped_throughout(x, g, s, lr, momentum):
    s.velocity = momentum * s.velocity + (1 - momentum) * g
    return x - lr * ((1 - momentum) * g + momentum * s.velocity)


@nesterov.mistake("Assign the new velocity to `s.velocity`.")
def nesterov_without_memory(x, g, s, lr, momentum):
    """The velocity is not kept.

    It starts from zero at every step: plain gradient descent with the lr raised by the factor 1 + momentum.
    """
    return x - lr * (g + momentum * g)


@nesterov.mistake("The look-ahead is applied once.")
def looks_ahead_twice(x, g, s, lr, momentum):
    """The look-ahead is stored as the velocity.

    Each step feeds the look-ahead back into the memory, which then grows too fast and overshoots.
    """
    s.velocity = momentum * s.velocity + g
    s.velocity = g + momentum * s.velocity
    return x - lr * s.velocity
