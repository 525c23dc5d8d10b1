"""Chapter 4: steps with a velocity, and the mistakes made with it."""

from __future__ import annotations

from ... import optimizer, variants
from ..engine import Mistake
from ..steps import StepExercise, step_of

momentum = StepExercise(
    "momentum-step",
    chapter=4,
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


_rate_inside = step_of(variants.MomentumWithRateInside)
_damped, _damped_as_in_pytorch = map(step_of, (variants.DampedMomentum, variants.PyTorchDampedMomentum))


@momentum.mistake("Is the new gradient weighted in Paddle's formula?")
def damped_gradient(x, g, s, lr, momentum):
    """The gradient is damped by 1 - momentum.

    The velocity becomes an average instead of a sum, so every step is ten times shorter at momentum 0.9: training
    crawls unless the lr is raised by 1/(1 - momentum).
    """
    return _damped(x, g, s, lr, momentum=momentum)


@damped_gradient.also(hint="The velocity is a sum: it needs no correction.")
def damped_and_corrected(x, g, s, lr, momentum):
    """The velocity is an average, corrected as in Adam.

    The first step is right; later ones stay as long as one gradient instead of adding up to ten at momentum 0.9.
    """
    s.velocity = momentum * s.velocity + (1 - momentum) * g
    return x - lr * s.velocity / (1 - momentum**s.t)


@damped_gradient.also(hint="In Paddle's formula the gradient enters whole.")
def damped_by_momentum_and_more(x, g, s, lr, momentum):
    """The whole velocity is damped by 1 - momentum at every step.

    v = (1 - momentum) · (momentum · v + g): nearly nothing is left of the old velocity after one step.
    """
    s.velocity = (1 - momentum) * (momentum * s.velocity + g)
    return x - lr * s.velocity


@momentum.mistake("Assign the new velocity to `s.velocity`, and use the old one in it.")
def velocity_forgotten(x, g, s, lr, momentum):
    """The velocity is not kept.

    It starts from zero at every step, so this is plain gradient descent with extra work.
    """
    s.velocity = momentum * 0 + g
    return x - lr * s.velocity


@velocity_forgotten.also(hint="The parameter follows the velocity.")
def velocity_not_used(x, g, s, lr, momentum):
    """The step follows the gradient, not the velocity.

    The velocity is kept but plays no part: this is plain gradient descent with extra work.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * g


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
    """The first gradient alone is damped by 1 - momentum.

    It gets another weight than all later ones; the velocity carries that for 1/(1 - momentum) steps.
    """
    s.velocity = (1 - momentum) * g if s.t == 1 else momentum * s.velocity + g
    return x - lr * s.velocity


@damped_at_first.also
def damped_after_the_first(x, g, s, lr, momentum):
    """All gradients but the first are damped by 1 - momentum.

    That is PyTorch's `dampening`: the first gradient weighs ten times more than the others at momentum 0.9, and in the
    long run every velocity is ten times smaller.
    """
    return _damped_as_in_pytorch(x, g, s, lr, momentum=momentum)


@momentum.mistake("Multiply by lr when x is changed, not when the velocity is.")
def lr_inside_the_velocity(x, g, s, lr, momentum):
    """The learning rate is inside the velocity.

    As long as lr is constant nothing differs; after lr drops, old and larger steps go on for 1/(1 - momentum) steps.
    """
    return _rate_inside(x, g, s, lr, momentum=momentum)


@momentum.mistake("The share that is kept multiplies the old velocity alone.")
def gradient_scaled_too(x, g, s, lr, momentum):
    """The new gradient is scaled by momentum as well.

    momentum multiplies the new gradient, too: the velocity is too small by that factor.
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
    """The share 1 - momentum of the old velocity is kept, not the share momentum.

    Only a tenth of it is left at momentum 0.9: the memory is as good as gone after two steps.
    """
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

    Each new gradient counts twice, within the velocity and beside it: the lr at which training diverges is lower.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (s.velocity + g)


@momentum.mistake("Which of the two signs belongs to the velocity, which to the step?")
def velocity_against_the_gradient(x, g, s, lr, momentum):
    """The old velocity enters with the wrong sign.

    Successive gradients of one direction work against each other instead of adding up: momentum slows down.
    """
    s.velocity = g - momentum * s.velocity
    return x - lr * s.velocity


@momentum.mistake("lr appears once: when x is changed.")
def lr_twice(x, g, s, lr, momentum):
    """The learning rate is applied twice.

    It is inside the velocity and before it: lr² is next to nothing, and training crawls.
    """
    s.velocity = momentum * s.velocity + lr * g
    return x - lr * s.velocity


@momentum.mistake("lr multiplies all of the step: the velocity as well.")
def lr_on_the_gradient_alone(x, g, s, lr, momentum):
    """The learning rate multiplies the new gradient alone.

    The old velocity, a sum of whole gradients, enters at full length: steps do not get shorter with lr.
    """
    old, s.velocity = s.velocity, momentum * s.velocity + g
    return x - lr * g - momentum * old


@momentum.mistake("The sum of the gradients is meant to be longer than one of them: nothing divides it.")
def divided_by_the_rest(x, g, s, lr, momentum):
    """The velocity, or each gradient in it, is divided by 1 - momentum.

    It is a sum already: at momentum 0.9 every step is ten times too long.
    """
    s.velocity = momentum * s.velocity + g / (1 - momentum)
    return x - lr * s.velocity


@divided_by_the_rest.also(hint="Only an average that starts at zero needs this correction; the velocity is a sum.")
def corrected_sum(x, g, s, lr, momentum):
    """The velocity is divided by 1 - momentum**t, as Adam's average is.

    It is a sum, no average: the first steps come out up to ten times too long at momentum 0.9.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * s.velocity / (1 - momentum**s.t)


nesterov = StepExercise(
    "nesterov-step",
    chapter=4,
    title="Nesterov's momentum, one step",
    rule=optimizer.Momentum,
    fixed={"use_nesterov": True},
    hyper=("momentum",),
    other={"momentum": 0.5},
    says="One step of momentum with Nesterov's look-ahead, in the form that Paddle uses.",
    hints=(
        "The velocity is renewed as in plain momentum; only the step differs.",
        "The step acts as if the velocity had been applied once more: it needs the gradient and the new velocity.",
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
    """The look-ahead leaves the new gradient out.

    It goes on with momentum · v of the old v, faded once more; the new velocity holds the new gradient, too.
    """
    old = s.velocity
    s.velocity = momentum * s.velocity + g
    return x - lr * (g + momentum * momentum * old)


@nesterov.mistake("How much of the new velocity is added to the gradient?")
def look_ahead_not_scaled(x, g, s, lr, momentum):
    """The look-ahead lacks the factor momentum.

    The velocity is added whole: the step is too long, as if the velocity never slowed down.
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
    """The gradient is damped by 1 - momentum, in the velocity and in the step.

    Every step is ten times shorter at momentum 0.9: training crawls unless the lr is raised by 1/(1 - momentum).
    """
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

    The next step looks ahead from there: the memory is multiplied by momentum twice per step and fades twice as fast.
    """
    s.velocity = momentum * s.velocity + g
    s.velocity = g + momentum * s.velocity
    return x - lr * s.velocity


@nesterov.mistake("The look-ahead goes on in the direction of the step: both signs are the same.")
def look_ahead_with_the_wrong_sign(x, g, s, lr, momentum):
    """The look-ahead has the wrong sign.

    It looks back by momentum · v: where successive gradients agree, the step even goes uphill.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (g - momentum * s.velocity)


@look_ahead_with_the_wrong_sign.also(hint="In this form μ times the old velocity is taken back: (1 + μ) v − μ v_old.")
def old_velocity_added(x, g, s, lr, momentum):
    """The old velocity is added instead of taken back.

    In (1 + momentum) · v - momentum · v_old the last sign is wrong: steps get nearly three times too long.
    """
    old, s.velocity = s.velocity, momentum * s.velocity + g
    return x - lr * ((1 + momentum) * s.velocity + momentum * old)


@look_ahead_with_the_wrong_sign.also(
    hint="The new velocity counts (1 + μ) times, and μ times the old one is taken back."
)
def velocities_exchanged(x, g, s, lr, momentum):
    """Old and new velocity are exchanged.

    (1 + momentum) · v_old - momentum · v follows the past and subtracts the new gradient: it goes uphill at first.
    """
    old, s.velocity = s.velocity, momentum * s.velocity + g
    return x - lr * ((1 + momentum) * old - momentum * s.velocity)


@nesterov.mistake("To what is momentum · v added: to the velocity, or to the gradient?")
def look_ahead_added_to_the_velocity(x, g, s, lr, momentum):
    """The look-ahead is added to the velocity, not to the gradient.

    (1 + momentum) · v is plain momentum with steps nearly twice as long.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (1 + momentum) * s.velocity


def _looking_ahead(mistake: Mistake) -> Mistake:
    """The same mistake in the velocity, followed by a right step of Nesterov."""

    def ahead(wrong):
        def step(x, g, s, lr, momentum):
            wrong(x, g, s, lr, momentum)
            return x - lr * (g + momentum * s.velocity)

        return step

    return mistake.through(ahead)


for of_the_velocity in ("damped-at-first", "gradient-scaled-too", "shares-swapped", "never-forgets"):
    nesterov.add(_looking_ahead(momentum.mistakes[of_the_velocity]))


# Forms that differ in the step alone: the velocity is right, so that there is nothing to look ahead with.


@gradient_scaled_too.also(hint="The step is lr times the velocity, as it is.")
def velocity_scaled_again(x, g, s, lr, momentum):
    """The velocity is multiplied by momentum once more in the step.

    The velocity is right; the steps are too short by the factor momentum.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * momentum * s.velocity


@nesterov.mistakes["gradient-scaled-too"].also(hint="The look-ahead is momentum times the velocity, once.")
def look_ahead_scaled_again(x, g, s, lr, momentum):
    """The velocity is multiplied by momentum twice in the look-ahead.

    The velocity is right; too little of it is added to the gradient.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (g + momentum * momentum * s.velocity)


@nesterov.mistake("Which of the two signs belongs to the velocity, which to the step?")
def nesterovs_velocity_against_the_gradient(x, g, s, lr, momentum):
    """The old velocity enters with the wrong sign.

    Successive gradients of one direction work against each other instead of adding up.
    """
    s.velocity = g - momentum * s.velocity
    return x - lr * (g + momentum * s.velocity)


@nesterov.mistake("The step needs the gradient and momentum times the new velocity.")
def velocity_left_out(x, g, s, lr, momentum):
    """This is plain gradient descent.

    The velocity plays no part in the step, or what it adds is taken back again: v - momentum · v_old is g.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * g


@nesterov.mistake("The step consists of two parts: the gradient, and momentum times the new velocity.")
def gradient_left_out(x, g, s, lr, momentum):
    """The gradient is missing in the step.

    momentum · v alone is plain momentum with slightly shorter steps.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * momentum * s.velocity


@nesterov.mistake("Which of the two is multiplied by momentum, the gradient or the velocity?")
def momentum_on_the_gradient(x, g, s, lr, momentum):
    """momentum multiplies the gradient instead of the velocity.

    The step v + momentum · g is longer than Nesterov's by the whole new gradient times momentum.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (s.velocity + momentum * g)


@momentum_on_the_gradient.also(hint="Is the new gradient not in the velocity already?")
def look_ahead_and_velocity(x, g, s, lr, momentum):
    """The velocity is added to the step a second time.

    v + (g + momentum · v) is nearly twice as long as Nesterov's step.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (s.velocity + g + momentum * s.velocity)


@look_ahead_with_the_wrong_sign.also(hint="The gradient is subtracted from x, as the velocity is.")
def gradient_with_the_wrong_sign(x, g, s, lr, momentum):
    """The gradient enters the step with the wrong sign.

    The step follows the velocity but climbs along the newest gradient.
    """
    s.velocity = momentum * s.velocity + g
    return x - lr * (momentum * s.velocity - g)


@nesterov.mistake("lr appears once: when x is changed.")
def lr_twice_in_nesterov(x, g, s, lr, momentum):
    """The learning rate is applied twice to the velocity.

    It is inside the velocity and before the step: the look-ahead is next to nothing.
    """
    s.velocity = momentum * s.velocity + lr * g
    return x - lr * (g + momentum * s.velocity)


@nesterov.mistake("lr multiplies the gradient in the step, too.")
def gradient_without_lr(x, g, s, lr, momentum):
    """The gradient in the step is not multiplied by lr.

    lr is inside the velocity alone: the newest gradient enters at full length, mostly far too long.
    """
    s.velocity = momentum * s.velocity + lr * g
    return x - (g + momentum * s.velocity)


def _also_with_lr_inside(mistake: Mistake) -> None:
    """Add the same mistake in programs that have the learning rate inside the velocity, v ← μ v + lr g."""
    inside = mistake.through(lambda wrong: lambda x, g, s, lr, momentum: wrong(x, lr * g, s, 1.0, momentum=momentum))
    for version in inside.versions:
        name, explanation, hint = inside.words_for(version)
        inside.told[version] = (
            name,
            f"{explanation} Besides, lr is inside the velocity: after it drops, larger steps go on for a while.",
            f"{hint} And lr belongs outside of the velocity.",
        )
    mistake.join(inside)


WITH_A_VELOCITY = {
    momentum: """
        uphill damped-gradient stale-velocity nesterov-instead damped-at-first gradient-scaled-too shares-swapped
        never-forgets gradient-counted-twice velocity-against-the-gradient
    """,
    nesterov: """
        uphill plain-momentum looks-ahead-with-the-old-velocity look-ahead-not-scaled damped-gradient-in-nesterov
        looks-ahead-twice look-ahead-with-the-wrong-sign look-ahead-added-to-the-velocity damped-at-first
        gradient-scaled-too shares-swapped never-forgets nesterovs-velocity-against-the-gradient gradient-left-out
        momentum-on-the-gradient
    """,
}
for _exercise, ids in WITH_A_VELOCITY.items():
    for _id in ids.split():
        _also_with_lr_inside(_exercise.mistakes[_id])
