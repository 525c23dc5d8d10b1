"""Chapters 3 and 4: the noise of a mini-batch, steps with a velocity, and the mistakes made with them."""

from __future__ import annotations

import numpy as np

from .. import optimizer
from ..surfaces import trajectory
from .answers import PredictExercise, TypicalNumber, one_number
from .engine import Mistake
from .experiments import NotYet, Recognised, measure
from .functions import Case, exercise
from .quiz import Choice, QuizExercise
from .steps import StepExercise

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


@momentum.mistake("Is the new gradient weighted in Paddle's formula?")
def damped_gradient(x, g, s, lr, momentum):
    """The gradient is damped by 1 - momentum.

    The velocity becomes an average instead of a sum, so every step is ten times shorter at momentum 0.9: training
    crawls unless the lr is raised by 1/(1 - momentum).
    """
    s.velocity = momentum * s.velocity + (1 - momentum) * g
    return x - lr * s.velocity


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


# ------------------------------------------------------------------------------------- predict

PredictExercise(
    "sgd-batch-noise",
    chapter=3,
    title="A batch for a third of the noise",
    question="Gradients of 32 examples are off by 60 % of the true gradient's length. How many examples for 20 %?",
    value=288,
    because="A third of the error needs 3² = 9 times the examples: 9 · 32 = 288.",
    mistakes=(
        TypicalNumber("proportional", 96, "The error falls with the root of the batch size, not with the batch size itself."),  # noqa: E501
        TypicalNumber("root-of-the-factor", 32 * 3**0.5, "The root is on the other side: the error is 1/√batch, so the batch is 1/error²."),  # noqa: E501
        TypicalNumber("smaller-batch", 32 / 3, "A smaller batch is noisier."),
        TypicalNumber("smaller-batch-squared", 32 / 9, "A smaller batch is noisier."),
        TypicalNumber("added-not-total", 256, "So many are to be added; the question asks for the total."),
        TypicalNumber("only-the-factor", 9, "This is the factor; how many examples is that?"),
        TypicalNumber("twice-squared", 2592, "The factor was squared twice."),
    ),
    hints=(
        "By which factor must the error fall?",
        "The error is proportional to 1/√B.",
        "B = 32 · (0.6/0.2)²",
    ),
)  # fmt: skip

PredictExercise(
    "momentum-effective-step",
    chapter=4,
    title="Where the velocity leads",
    question="Learning rate 0.02, momentum 0.95, and the gradient is 3 at every step: how long are the steps in the end?",  # noqa: E501
    value=1.2,
    because="The velocity settles where v = 0.95 v + 3, at v = 3/0.05 = 60. The step is 0.02 · 60 = 1.2.",
    mistakes=(
        TypicalNumber("first-step", 0.06, "This is the first step. The velocity has only begun to grow."),
        TypicalNumber("second-step", 0.117, "This is the second step; the velocity goes on growing."),
        TypicalNumber("momentum-as-factor", 0.057, "Momentum does not shorten the gradient: it adds what is left of the earlier ones."),  # noqa: E501
        TypicalNumber("damped", 0.003, "1 - momentum divides here; it would multiply if the velocity were an average."),
        TypicalNumber("one-gradient-missing", 1.14, "The sum 1 + μ + μ² + … begins with 1, the newest gradient."),
        TypicalNumber("without-gradient", 0.4, "This is the effective learning rate; the gradient is 3."),
        TypicalNumber("velocity", 60, "This is the velocity; the learning rate turns it into a step."),
    ),
    hints=(
        "What does the velocity do once it does not change any more?",
        "v = μ v + g; solve for v.",
        "lr · g / (1 − μ)",
    ),
)  # fmt: skip


# ---------------------------------------------------------------------------------- find the bug


def _batched_examples():
    rng = np.random.default_rng(11)
    plain, curved = (lambda rows: rows.mean(axis=0)), (lambda rows: (rows**3 - rows).mean(axis=0))
    settings = [("plain", plain, 10, 4), ("plain", plain, 12, 4), ("curved", curved, 7, 3), ("curved", curved, 5, 8)]
    names = "gradient", "examples", "batch_size"
    return [
        Case(
            dict(zip(names, (gradient, rng.standard_normal((n, 3)) + 0.5, size))), f"{n} examples in batches of {size}"
        )
        for _, gradient, n, size in settings
    ]


@exercise(
    "sgd-find-bug-full-gradient",
    chapter=3,
    title="Find the bug: a full gradient in pieces",
    cases=_batched_examples(),
    hints=(
        "Take 5 examples in batches of 4. How much does the fifth one count?",
        "A mean of means is the mean only if all groups are equally large.",
        "Weight each mini-batch by the number of its examples, and divide by the number of all examples.",
    ),
)
def whole_gradient(gradient, examples, batch_size):
    total = 0
    for start in range(0, len(examples), batch_size):
        batch = examples[start : start + batch_size]
        total = total + len(batch) * gradient(batch)
    return total / len(examples)


@whole_gradient.as_printed
def full_gradient(gradient, examples, batch_size):
    """Return the gradient of the mean loss over all examples, computed batch by batch to save memory.

    gradient(batch) is the gradient of the mean loss over the batch. One bug is hidden here.
    """
    parts = []
    for start in range(0, len(examples), batch_size):
        parts.append(gradient(examples[start : start + batch_size]))
    return np.mean(parts, axis=0)


@whole_gradient.mistake("Keep the small batch, at its own weight.")
def last_batch_dropped(gradient, examples, batch_size):
    """The last, smaller batch is left out.

    Now the others are weighted rightly, but some examples never count.
    """
    parts = [gradient(examples)] if len(examples) < batch_size else []
    for start in range(0, len(examples) - batch_size + 1, batch_size):
        parts.append(gradient(examples[start : start + batch_size]))
    return np.mean(parts, axis=0)


@whole_gradient.mistake("Divide by the number of examples.")
def sum_over_examples(gradient, examples, batch_size):
    """The sum is not divided.

    This is the gradient of the summed loss: larger by the number of examples, and so would be every step.
    """
    return len(examples) * whole_gradient.reference(gradient, examples, batch_size)


@whole_gradient.mistake("Each mean must be multiplied by the number of examples it stands for.")
def sum_of_means(gradient, examples, batch_size):
    """The means are added.

    The result grows with the number of batches, and the small batch still counts as much as a full one.
    """
    return sum(gradient(examples[i : i + batch_size]) for i in range(0, len(examples), batch_size))


@sum_of_means.also
def sum_of_means_over_examples(gradient, examples, batch_size):
    """The means are added and divided by the number of examples.

    Each mean stands for a whole batch: the result is too small by the size of a batch.
    """
    return sum_of_means.versions[0](gradient, examples, batch_size) / len(examples)


@whole_gradient.mistake("The last batch may hold fewer than batch_size examples: use len(batch).")
def nominal_size(gradient, examples, batch_size):
    """Every batch is weighted as if it were full.

    The last one still counts too much.
    """
    return batch_size * sum_of_means.versions[0](gradient, examples, batch_size) / len(examples)


# ----------------------------------------------------------------------------------- implement


def _curvatures():
    rng = np.random.default_rng(5)
    drawn = [rng.uniform(0.1, 100, size) for size in (2, 3, 6)]
    return [np.array([1.0, 50.0]), np.array([4.0, 4.0]), np.array([200.0, 1.0, 10.0]), np.array([1e-3, 0.5]), *drawn]


@exercise(
    "momentum-best-quadratic",
    chapter=4,
    title="The best momentum on a quadratic",
    cases=[Case({"eigenvalues": values}, f"eigenvalues {np.round(values, 2).tolist()}") for values in _curvatures()],
    hints=(
        "Put both ends at critical damping: √μ = 1 − √(η λ_min) and √μ = √(η λ_max) − 1.",
        "The two together give √η; put it back into one of them.",
        "√η = 2/(√λ_min + √λ_max), and μ is the square of √(η λ_max) − 1.",
    ),
)
def best_momentum(eigenvalues):
    """Return the momentum with which descent on a quadratic is fastest, at the learning rate that goes with it.

    eigenvalues  the curvatures of its directions: array of positive numbers, in any order
    Return one number.

    Example: best_momentum(np.array([1.0, 9.0])) is 0.25.
    """
    root = np.sqrt(np.max(eigenvalues) / np.min(eigenvalues))
    return ((root - 1) / (root + 1)) ** 2


@best_momentum.mistake("The conditions are about √μ; the question is about μ.")
def not_squared(eigenvalues):
    """The square is missing.

    (√κ − 1)/(√κ + 1) is the factor per step, √μ. As momentum it is too large: everything swings for longer.
    """
    return np.sqrt(best_momentum.reference(eigenvalues))


@best_momentum.mistake("Momentum depends on the root of the condition number.")
def roots_missing(eigenvalues):
    """The condition number was taken without its root.

    ((κ − 1)/(κ + 1))² is far too close to 1: the point swings for κ steps instead of √κ.
    """
    kappa = np.max(eigenvalues) / np.min(eigenvalues)
    return ((kappa - 1) / (kappa + 1)) ** 2


@best_momentum.mistake(
    "This is what one step of plain descent leaves over; which momentum makes both ends equally fast?"
)
def factor_of_plain_descent(eigenvalues):
    """This is the factor of plain gradient descent.

    (κ − 1)/(κ + 1) says how slow descent without momentum is; it is no momentum.
    """
    kappa = np.max(eigenvalues) / np.min(eigenvalues)
    return (kappa - 1) / (kappa + 1)


@best_momentum.mistake("The learning rate 1/λ_max is not the best one: with momentum it may be larger.")
def critical_at_one_over_largest(eigenvalues):
    """This damps the flattest direction critically at the learning rate 1/λ_max.

    With momentum the learning rate can go up to nearly four times that, and the best pair uses it.
    """
    return (1 - np.sqrt(np.min(eigenvalues) / np.max(eigenvalues))) ** 2


@best_momentum.mistake("The eigenvalues come in any order.")
def unsorted_ends(eigenvalues):
    """The first and the last eigenvalue were taken for the smallest and the largest.

    Right only for a sorted array.
    """
    root = np.sqrt(eigenvalues[-1] / eigenvalues[0])
    return ((root - 1) / (root + 1)) ** 2


@best_momentum.mistake("Momentum is a number below 1, whatever the units of the curvatures.")
def learning_rate_instead(eigenvalues):
    """This is the learning rate of the best pair, not the momentum.

    4/(√λ_min + √λ_max)² has a unit, momentum has none.
    """
    return 4 / (np.sqrt(np.min(eigenvalues)) + np.sqrt(np.max(eigenvalues))) ** 2


# ------------------------------------------------------------------------------ measure and quiz

_RAVINE_LIMIT = 0.19  # 2 (1 + 0.9) / 20

PLAIN_LIMIT = Mistake(
    "plain-limit",
    "This is the limit without momentum",
    "At 0.1 plain descent begins to diverge. With momentum 0.9 the path still arrives there.",
    "Run `optimizer.Momentum(lr, momentum=0.9)`, and go up.",
)
NESTEROVS_LIMIT = Mistake(
    "nesterovs-limit",
    "This is the limit with Nesterov's look-ahead",
    "Plain momentum stands a larger learning rate.",
    "Leave `use_nesterov` at False.",
)
SCALED_LIMIT = Mistake(
    "scaled-limit",
    "This is a tenth of the plain limit",
    "It looks as if only lr/(1 - momentum) mattered for stability. Measure: the steep direction swings, and there the "
    "velocities of successive steps cancel instead of adding up.",
    "Let trajectories decide, at learning rates far above 0.01.",
)


@measure(
    "momentum-measure-limit",
    chapter=4,
    title="The stability limit with momentum",
    stub="""# Up to which learning rate does momentum 0.9 still come to rest on the ravine? Try with
#   surfaces.trajectory(optimizer.Momentum(lr, momentum=0.9), surfaces.ravine, steps=2000)
# and look at the last point. An error of 2 % is allowed.
largest_stable_lr = None""",
    hints=(
        "Without momentum the limit is 2/λ_max = 0.1. Begin there and go up.",
        "A path that diverges ends far away or at nan; near the limit it needs many steps to show which way it goes.",
        "Halve the interval between a learning rate that comes to rest and one that does not, several times.",
    ),
)
def stability_limit(answer):
    limit = one_number(answer)
    if not 0 < limit < np.inf:
        raise NotYet("A learning rate is positive and finite.")
    for value, mistake in ((0.1, PLAIN_LIMIT), (3.8 / 56, NESTEROVS_LIMIT), (0.01, SCALED_LIMIT)):
        if abs(limit / value - 1) < 0.02:
            raise Recognised(mistake)
    if abs(limit / _RAVINE_LIMIT - 1) > 0.02:
        path = trajectory(optimizer.Momentum(limit, momentum=0.9), "ravine", 2000)
        rests = bool(np.abs(path[-1]).max() < 1e-3)
        raise NotYet(
            f"At {limit:g} the path {'still comes to rest: the limit is larger' if rests else 'does not come to rest'}."
        )
    return "Nearly twice the limit of plain descent: 2 (1 + μ)/λ_max = 0.19. The next paragraphs say why."


QuizExercise(
    "momentum-damping-quiz",
    chapter=4,
    title="Too much momentum, or too little?",
    question="Learning rate 0.01, one direction of curvature 1. You raise momentum from 0.9 to 0.99. What happens in this direction?",  # noqa: E501
    choices=(
        Choice("It arrives ten times sooner, for lr/(1 - momentum) is ten times larger.", "That holds only while the motion is overdamped. At 0.99, √μ is above 1 - √(ηλ) = 0.9: the point swings and loses only half a percent of its swing per step."),  # noqa: E501
        Choice("It swings, and comes to rest later than before.", "Critical damping is at √μ = 1 - √0.01 = 0.9, that is μ = 0.81. Both settings lie above it, so the distance shrinks by √μ per step: 0.949 at first, 0.995 afterwards.", right=True),  # noqa: E501
        Choice("It diverges: lr/(1 - momentum) = 1 is beyond the limit.", "The limit is lr < 2(1 + μ)/λ, about 4 here. More momentum does not lower it, it raises it."),  # noqa: E501
        Choice("Nothing: momentum matters across the ravine only.", "Every direction has its own damping, and momentum enters all of them."),  # noqa: E501
    ),
    hints=(
        "Compute √(ηλ) first.",
        "Critical damping lies at √μ = 1 − √(ηλ). Are 0.9 and 0.99 above or below?",
        "Above it, each step leaves the share √μ of the swing.",
    ),
)  # fmt: skip
