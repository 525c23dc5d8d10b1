"""Chapter 11: what decay leaves over, a loop with two bugs, a half-life to measure and questions about units."""

from __future__ import annotations

import numpy as np

from ..answers import PredictExercise, TypicalNumber, as_number
from ..engine import Mistake
from ..experiments import NotYet, Recognised, measure
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict

PredictExercise(
    "wd-left-after",
    chapter=11,
    title="What decay leaves over",
    question="SGD, lr 0.1, weight decay 0.01 (scaled by lr): a weight is 1, its gradient always 0. What is it after "
    "1000 steps?",
    value=0.999**1000,
    because="Each step multiplies by 1 − 0.1 · 0.01 = 0.999, and 0.999¹⁰⁰⁰ ≈ 0.368, that is 1/e.",
    mistakes=(
        TypicalNumber(
            "lr-forgotten",
            0.99**1000,
            "The decay is scaled by the learning rate: a step takes away 0.1 · 0.01, not 0.01.",
        ),
        TypicalNumber(
            "subtracted",
            0.0,
            "A step takes away a share of what is left, not of the start: the weight never reaches 0.",
        ),
        TypicalNumber("gradient-step-only", 1.0, "The gradient is 0, but decay needs no gradient."),
    ),
    tolerance=0.02,
    hints=(
        "By which factor does one step multiply the weight?",
        "1 − lr · λ, and there are 1000 steps.",
        "(1 − 0.1 · 0.01)^1000",
    ),
)

PredictExercise(
    "wd-l2-zero-gradient",
    chapter=11,
    title="L2 alone in Adam",
    question="Adam, lr 0.001, L2 with λ = 0.0001: a weight of 0.5 gets no gradient from the data. How long is its "
    "first step?",
    value=0.001,
    because="The only gradient is λx = 5e-5. Adam divides it by its own size, so the first step is lr, whatever λ is.",
    tolerance=0.02,
    mistakes=(
        TypicalNumber(
            "as-in-sgd",
            0.001 * 1e-4 * 0.5,
            "This is lr · λ · x, the step of SGD or of AdamW. Adam divides the gradient by its size.",
        ),
        TypicalNumber("not-divided-by-x", 0.001 * 0.5, "The weight's own size cancels as well: √v̂ is λ|x|."),
        TypicalNumber("lambda-kept", 0.001 * 1e-4, "λ is above and below the fraction bar: it cancels."),
        TypicalNumber("no-gradient-no-step", 0.0, "L2 is part of the gradient that Adam sees, and it is not 0."),
        TypicalNumber("l2-without-lr", 1e-4 * 0.5, "This is the gradient; the step is lr · m̂/√v̂."),
    ),
    hints=(
        "Which gradient does Adam see when the data give none?",
        "g = λx. What are m̂ and √v̂ after the first step?",
        "lr · λx / (λ|x| + ε)",
    ),
)

PredictExercise(
    "wd-same-decay",
    chapter=11,
    title="The same decay at another learning rate",
    question="AdamW in Paddle: lr 0.001, weight_decay 0.01. Which weight_decay shrinks as much per step at lr 0.0001?",
    value=0.1,
    because="Paddle's AdamW shrinks by lr · λ per step. A tenth of lr needs ten times λ: 0.0001 · 0.1 = 0.001 · 0.01.",
    mistakes=(
        TypicalNumber(
            "unchanged",
            0.01,
            "That would be so in the paper's form, where only the schedule's multiplier scales the decay. Paddle "
            "scales by lr.",
        ),
        TypicalNumber("wrong-way", 0.001, "The other way round: lr · λ is to stay the same."),
        TypicalNumber("square-root", 0.01 * 10**0.5, "lr · λ is a product, no root is involved."),
        TypicalNumber("twice", 1.0, "lr changes by a factor of ten, and so must λ; not by a hundred."),
    ),
    hints=(
        "What does one step of Paddle's AdamW multiply a weight by?",
        "1 − lr · λ",
        "0.001 · 0.01 = 0.0001 · λ",
    ),
)


# ---------------------------------------------------------------------------------- find the bug


def _runs():
    rng = np.random.default_rng(6)
    cases = []
    for steps, shape, decay in ((6, (3,), 0.5), (5, (2, 2), 0.1), (9, (), 1.0)):
        gradients, lrs = rng.standard_normal((steps, *shape)), rng.uniform(0.05, 0.5, steps)
        start = rng.standard_normal(shape) + 2
        cases.append(Case({"x": start, "gradients": gradients, "lrs": lrs, "weight_decay": decay}))
    halves = {"gradients": np.zeros((3, 2)), "lrs": np.array([0.5, 0.5, 0.5]), "weight_decay": 1.0}
    upwards = {"gradients": np.ones((2, 2)), "lrs": np.array([-0.1, 0.6]), "weight_decay": 3.0}
    return [*cases, Case({"x": np.array([8.0, -8.0]), **halves}), Case({"x": np.array([1.0, 2.0]), **upwards})]


@exercise(
    "wd-find-bug",
    chapter=11,
    title="Find the bugs: L2 written as decay",
    cases=_runs(),
    hints=(
        "Compare two steps of it with two steps of x − lr · (g + λx), at two different learning rates.",
        "One bug shows as soon as the learning rate changes, the other in every step with a gradient.",
        "The factor 1 − lr · λ belongs to the step's own lr, and it multiplies the old x only.",
    ),
)
def decayed_descent(x, gradients, lrs, weight_decay):
    for g, lr in zip(gradients, lrs):
        x = (1 - lr * weight_decay) * x - lr * g
    return x


@decayed_descent.as_printed
def descent_with_decay(x, gradients, lrs, weight_decay):
    """Return x after SGD with L2, written as decay: one gradient and one learning rate
    per step. Two bugs.
    """
    shrink = 1 - lrs[0] * weight_decay
    for g, lr in zip(gradients, lrs):
        x = x - lr * g
        x = shrink * x
    return x


@decayed_descent.mistake("What is the learning rate of the second step?")
def decay_of_the_first_lr(x, gradients, lrs, weight_decay):
    """The order is mended, but every step decays with the first learning rate.

    L2 is part of the gradient, so its share is scaled by the learning rate of each step.
    """
    for g, lr in zip(gradients, lrs):
        x = (1 - lrs[0] * weight_decay) * x - lr * g
    return x


@decay_of_the_first_lr.also
def decay_of_the_last_lr(x, gradients, lrs, weight_decay):
    """The order is mended, but every step decays with the last learning rate.

    L2 is part of the gradient, so its share is scaled by the learning rate of each step.
    """
    for g, lr in zip(gradients, lrs):
        x = (1 - lrs[-1] * weight_decay) * x - lr * g
    return x


@decay_of_the_first_lr.also
def decay_of_the_mean_lr(x, gradients, lrs, weight_decay):
    """The order is mended, but every step decays with the mean of the learning rates.

    L2 is part of the gradient, so its share is scaled by the learning rate of each step.
    """
    for g, lr in zip(gradients, lrs):
        x = (1 - np.mean(lrs) * weight_decay) * x - lr * g
    return x


@decayed_descent.mistake("L2 takes λ times the x that the gradient was measured at.")
def step_decayed_too(x, gradients, lrs, weight_decay):
    """The factor follows the learning rate now, but it also shrinks the step.

    The decay comes after the step and multiplies both: the gradient's part is too small by 1 − lr · λ.
    """
    for g, lr in zip(gradients, lrs):
        x = (1 - lr * weight_decay) * (x - lr * g)
    return x


@decayed_descent.mistake("Scale λ by the learning rate of the step.")
def decay_not_scaled(x, gradients, lrs, weight_decay):
    """The decay is not scaled by the learning rate at all.

    Then it is the same in every step, and far stronger than L2.
    """
    for g, lr in zip(gradients, lrs):
        x = (1 - weight_decay) * x - lr * g
    return x


@decayed_descent.mistake("Decay makes weights smaller.")
def grows(x, gradients, lrs, weight_decay):
    """The weights grow.

    1 + lr · λ turns decay round: each step adds to the weight.
    """
    for g, lr in zip(gradients, lrs):
        x = (1 + lr * weight_decay) * x - lr * g
    return x


@decayed_descent.mistake("The gradient of ½λ‖x‖² is λx: where is x?")
def constant_decay(x, gradients, lrs, weight_decay):
    """The decay is the same number for all weights.

    Without x, lr · λ is subtracted from every weight: negative ones grow, and none comes to rest at zero.
    """
    for g, lr in zip(gradients, lrs):
        x = x - lr * (g + weight_decay)
    return x


@decayed_descent.mistake("The gradient is g + λx, with λ as it is.")
def decay_doubled(x, gradients, lrs, weight_decay):
    """The decay is twice as strong.

    The factor 2 is the derivative of λ‖x‖²; here L2 is ½λ‖x‖², whose gradient is λx.
    """
    for g, lr in zip(gradients, lrs):
        x = (1 - 2 * lr * weight_decay) * x - lr * g
    return x


@decayed_descent.mistake("Where has weight_decay gone?")
def decay_removed(x, gradients, lrs, weight_decay):
    """The decay is gone.

    This removes the bugs and the thing itself: plain SGD is left.
    """
    for g, lr in zip(gradients, lrs):
        x = x - lr * g
    return x


# --------------------------------------------------------------------------------------- measure

HALF_LIFE_STUB = """# A network models.mlp(images, seed=0), trained by AdamW at learning_rate=0.01,
# weight_decay=0.5. Look at the first layer's weights of pixels that are 0 in every
# training picture (rows of model.parameters()[0]). After how many steps has their mean
# absolute value fallen below half of what it was at the start?
half_life = None  # the number of steps you measured"""

HALF_LIFE = 139  # the first whole number above ln 2 / -ln(1 - 0.01 · 0.5) = 138.3

ADAM_WITH_L2 = Mistake(
    "l2-instead",
    "This is how fast L2 in Adam does it",
    "In Adam the decay is divided by its own size, so these weights lose about lr per step, whatever λ is: they are at "
    "half after a few steps.",
    "Use optimizer.AdamW.",
)
LR_FORGOTTEN = Mistake(
    "lr-forgotten",
    "This would be without the learning rate",
    "With a factor of 1 - λ = 0.5 per step, one or two steps are enough. The decay is scaled by the learning rate.",
    "Measure it: count the steps in a callback of training.fit.",
)
SMALL_NUMBER = Mistake(
    "default-decay",
    "This is the half-life at weight_decay = 0.01",
    "That is AdamW's default; the exercise asks for 0.5, which is fifty times as fast.",
    "AdamW(learning_rate=0.01, weight_decay=0.5, …)",
)
DEFAULT_RATE = Mistake(
    "default-rate",
    "This is the half-life at learning_rate = 0.001",
    "That is AdamW's default; the exercise asks for 0.01, which decays ten times as fast.",
    "AdamW(learning_rate=0.01, weight_decay=0.5, …)",
)
TIME_CONSTANT = Mistake(
    "time-constant",
    "This is the time to 1/e, not to one half",
    "After 1/(lr · λ) = 200 steps 37 % of a weight are left. One half is reached earlier, after ln 2 times as many.",
    "Measure it: which is the first size below half of the one at the start?",
)


@measure(
    "wd-measure-half-life",
    chapter=11,
    title="The half-life of a weight that nothing uses",
    stub=HALF_LIFE_STUB,
    answer_trains=True,
    hints=(
        "`callback(step, model, optimizer)` of `training.fit` is called before each update.",
        "Keep `np.abs(model.parameters()[0].numpy()[zero]).mean()` in a list; 300 steps are enough.",
        "`np.argmax(np.array(sizes) < sizes[0] / 2)` is the index of the first size below half.",
    ),
)
def half_life(answer):
    steps = as_number(answer)
    if steps is None:
        raise TypeError(f"the answer must be a number of steps, got a {type(answer).__name__}")
    if abs(steps - HALF_LIFE) <= 1.5:  # whether the start counts as step 0 or 1 does not matter
        return "Each step multiplies by 1 − lr · λ = 0.995, and 0.995¹³⁸·³ = ½: measured and computed agree."
    if steps in (1, 2):
        raise Recognised(LR_FORGOTTEN)
    if 2 < steps <= 10:
        raise Recognised(ADAM_WITH_L2)
    if 6900 < steps < 6965:
        raise Recognised(SMALL_NUMBER)
    if 1380 < steps < 1393:
        raise Recognised(DEFAULT_RATE)
    if abs(steps - 200) <= 1.5:
        raise Recognised(TIME_CONSTANT)
    raise NotYet(
        f"Too {'many' if steps > HALF_LIFE else 'few'} steps: are these the rows of the always-zero pixels only?"
    )


# --------------------------------------------------------------------------------------- quizzes

QuizExercise(
    "wd-paddle-quiz",
    chapter=11,
    title="Which program decays its weights?",
    question="Which of these decouples the decay of the weights from the gradient?",
    choices=(
        Choice(
            "paddle.optimizer.Adam(weight_decay=0.01)",
            "A float there is L2: 0.01 · x is added to the gradient, and Adam rescales it with everything else.",
        ),
        Choice(
            "paddle.optimizer.AdamW(weight_decay=0.01)",
            "The weights shrink by lr · 0.01 per step, beside Adam's step of the bare gradient.",
            right=True,
        ),
        Choice(
            "paddle.optimizer.Adam(weight_decay=paddle.regularizer.L2Decay(0.01))",
            "This is the same as the float 0.01: the name says it, L2.",
        ),
        Choice(
            "paddle.optimizer.Momentum(weight_decay=0.01)",
            "This is L2 as well: it goes through the velocity. Without momentum there would be no difference.",
        ),
    ),
    hints=(
        "The argument's name is the same everywhere. What happens to the gradient?",
        "A single class of Paddle leaves the gradient alone.",
        "The W in its name stands for weight decay.",
    ),
)

QuizExercise(
    "wd-units-quiz",
    chapter=11,
    title="A loss in other units",
    question="A program takes the sum instead of the mean of the 32 losses of a batch. Which method trains on as "
    "before, with all its settings unchanged?",
    choices=(
        Choice(
            "SGD with L2",
            "Its gradients are 32 times as large, and so are its steps; and λ weighs 32 times less against the loss.",
        ),
        Choice(
            "SGDW",
            "The decay is the same as before, but the steps are 32 times as large: the learning rate must change.",
        ),
        Choice(
            "Adam with L2",
            "Adam's step does not notice the factor. But λx is added to a gradient 32 times as large: L2 is 32 "
            "times weaker.",
        ),
        Choice("AdamW", "Adam divides the factor out (but for ε), and the decay never meets the loss.", right=True),
    ),
    hints=(
        "All gradients are 32 times as large. Which rule divides a common factor out?",
        "Two rules do. In one of them the decay is added before the division.",
        "Where is λx added to something whose units have changed?",
    ),
)
