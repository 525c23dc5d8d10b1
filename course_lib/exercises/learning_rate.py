"""Chapter 1: the first step, and how large it may be."""

from __future__ import annotations

import numpy as np

from .. import optimizer
from .answers import PredictExercise, TypicalNumber
from .functions import Case, exercise
from .steps import StepExercise

sgd = StepExercise(
    "sgd-step",
    chapter=1,
    title="Gradient descent, one step",
    rule=optimizer.SGD,
    says="One step of gradient descent.",
    hints=(
        "The gradient points uphill; where should the parameter go?",
        "The length of the step is the learning rate times the gradient.",
        "x ← x − lr · g",
    ),
)


@sgd.mistake("The gradient's length matters too: multiply by g itself.")
def sign_only(x, g, s, lr):
    """Only the sign of the gradient is used.

    Every step has the length lr, near a minimum as well: the parameter hops around it for ever.
    """
    return x - lr * np.sign(g)


@sgd.mistake("Do not divide by the gradient's norm.")
def normalised_gradient(x, g, s, lr):
    """The gradient is normalised to length 1.

    All steps have the same length: flat regions are crossed faster, but the minimum is never settled into.
    """
    return x - lr * g / (np.linalg.norm(g) + 1e-12)


@sgd.mistake("A small lr means a small step: multiply.")
def divided_by_lr(x, g, s, lr):
    """The gradient is divided by the learning rate.

    A smaller lr makes larger steps, so the usual values diverge at once.
    """
    return x - g / lr


@sgd.mistake("lr multiplies the gradient, not the parameter.")
def parameter_scaled_by_lr(x, g, s, lr):
    """The learning rate multiplies the whole difference.

    lr · (x - g) shrinks the parameter itself at each step: everything ends near zero.
    """
    return lr * (x - g)


@sgd.mistake("Each parameter follows its own gradient; no averages over parameters.")
def mean_gradient(x, g, s, lr):
    """All parameters get the mean gradient.

    The parameters move in lockstep and cannot learn different things.
    """
    return x - lr * g.mean()


@sgd.mistake("The step number plays no part in plain gradient descent: schedules change `lr` from outside.")
def decays_by_itself(x, g, s, lr):
    """The step shrinks with the step number.

    A hidden 1/t schedule on top of the given lr: training slows down early, and a schedule acts twice.
    """
    return x - lr / s.t * g


# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "lr-first-step",
    chapter=1,
    title="One step on a parabola",
    question="f(x) = x², start x = 3, learning rate 0.1: where is x after one step of gradient descent?",
    value=2.4,
    because="The gradient at 3 is 2 · 3 = 6, the step 0.1 · 6 = 0.6, and 3 - 0.6 = 2.4.",
    mistakes=(
        TypicalNumber("uphill", 3.6, "This goes uphill: the step is subtracted."),
        TypicalNumber("value-for-gradient", 2.1, "The step used the value f(3) = 9; it needs the gradient f'(3)."),
        TypicalNumber("gradient-without-factor", 2.7, "The derivative of x² is not x: a factor is missing."),
        TypicalNumber("step-without-lr", -3.0, "The whole gradient was subtracted; the learning rate scales it first."),
        TypicalNumber("only-the-lr", 2.9, "Only the learning rate was subtracted; the gradient belongs to the step."),
        TypicalNumber("step-instead-of-position", 0.6, "This is the length of the step. Where does it lead from 3?"),
        TypicalNumber("value-after-step", 5.76, "This is f after the step; the question asks for x."),
        TypicalNumber("two-steps", 1.92, "This is where two steps lead."),
    ),
    hints=(
        "Three things are needed: the gradient at 3, the step, the new position.",
        "The derivative of x² is 2x.",
        "x − lr · f'(x), with x = 3.",
    ),
)

PredictExercise(
    "lr-stability-limit",
    chapter=1,
    title="The largest stable learning rate",
    question="A quadratic has the curvatures (eigenvalues) 1, 10 and 50: below which learning rate is descent stable?",
    value=0.04,
    because="The steepest direction decides: |1 - lr · 50| < 1 means lr < 2/50 = 0.04.",
    mistakes=(
        TypicalNumber("one-over-curvature", 0.02, "1/λ_max is where the steepest direction is solved in one step. It still shrinks beyond that: up to where does |1 - lr·λ| stay below 1?"),  # noqa: E501
        TypicalNumber("smallest-curvature", 2.0, "2/λ_min looks at the flattest direction. The steepest one has exploded long before."),  # noqa: E501
        TypicalNumber("fastest-not-largest", 2 / 51, "2/(λ_min + λ_max) is the fastest learning rate; the question asks for the largest stable one."),  # noqa: E501
        TypicalNumber("middle-curvature", 0.2, "2/10 looks at the middle direction; the steepest one decides."),
        TypicalNumber("sum-of-curvatures", 2 / 61, "Directions do not add up: each has its own limit, and the smallest counts."),
        TypicalNumber("limit-times-curvature", 100.0, "Divide by the curvature: the steeper the valley, the smaller the step."),
        TypicalNumber("curvature-as-limit", 50.0, "The limit falls as the curvature grows."),
    ),
    hints=(
        "Each direction is a parabola of its own. Which one explodes first?",
        "In a direction of curvature λ each step multiplies the distance by 1 − lr · λ.",
        "|1 − lr · λ_max| < 1; solve for lr.",
    ),
)  # fmt: skip


# ----------------------------------------------------------------------------------- implement


def _spectra():
    rng = np.random.default_rng(3)
    drawn = [rng.uniform(0.1, 100, size) for size in (2, 3, 5, 9)]
    return [np.array([1.0, 50.0]), np.array([4.0, 4.0]), np.array([50.0, 1.0, 10.0]), np.array([1e-3, 0.5]), *drawn]


@exercise(
    "lr-best-quadratic",
    chapter=1,
    title="The fastest learning rate on a quadratic",
    cases=[Case({"eigenvalues": values}, f"eigenvalues {np.round(values, 2).tolist()}") for values in _spectra()],
    hints=(
        "The slowest direction decides how fast the whole descent is. Which directions can be the slowest?",
        "A step multiplies the distance by |1 − lr·λ|. With growing lr this falls for the smallest λ and rises for the largest.",
        "Both ends are equally fast where 1 − lr·λ_min = lr·λ_max − 1.",
    ),
)
def best_lr(eigenvalues):
    """Return the constant learning rate at which gradient descent on a quadratic is fastest.

    eigenvalues  the curvatures of its directions: array of positive numbers, in any order
    Return one number.

    Example: best_lr(np.array([1.0, 3.0])) is 0.5.
    """
    return 2 / (np.min(eigenvalues) + np.max(eigenvalues))


@best_lr.mistake("At this lr the steepest direction does not shrink any more.")
def stability_limit(eigenvalues):
    """This is the stability limit.

    At 2/λ_max the steepest direction swings from side to side for ever: the largest lr, not the fastest.
    """
    return 2 / np.max(eigenvalues)


@best_lr.mistake("It suits the steepest direction only; what about the flattest?")
def inverse_of_the_largest(eigenvalues):
    """This is 1/λ_max.

    Safe, and up to two times slower than need be along the flattest direction.
    """
    return 1 / np.max(eigenvalues)


@best_lr.mistake("Try it along the steepest direction: what is |1 - lr·λ_max|?")
def from_the_smallest_alone(eigenvalues):
    """Only the smallest curvature was used.

    Along the steepest direction this lr diverges.
    """
    return 2 / np.min(eigenvalues)


@from_the_smallest_alone.also
def inverse_of_the_smallest(eigenvalues):
    return 1 / np.min(eigenvalues)


@best_lr.mistake("Only the two ends of the spectrum matter.")
def mean_curvature(eigenvalues):
    """All curvatures were averaged.

    The directions between the ends never decide: an average over them misses the fastest lr or even diverges.
    """
    return 1 / np.mean(eigenvalues)


@mean_curvature.also
def median_curvature(eigenvalues):
    return 1 / np.median(eigenvalues)


@best_lr.mistake("Check with a single curvature λ: one step must solve it, lr = 1/λ.")
def factor_two_missing(eigenvalues):
    """The factor 2 is missing.

    The lr is half of the fastest one: about twice as many steps.
    """
    return 1 / (np.min(eigenvalues) + np.max(eigenvalues))


@best_lr.mistake("The eigenvalues come in any order.")
def first_and_last(eigenvalues):
    """The first and the last eigenvalue were taken for the smallest and the largest.

    Right only for a sorted array; else the lr may diverge.
    """
    return 2 / (eigenvalues[0] + eigenvalues[-1])


@best_lr.mistake("The two ends are balanced by their sum.")
def difference_of_the_ends(eigenvalues):
    """The ends are subtracted, not added.

    The lr is too large: along the steepest direction it diverges.
    """
    return 2 / (np.max(eigenvalues) - np.min(eigenvalues) + 1e-30)


@best_lr.mistake("The best momentum uses roots of the curvatures; plain descent does not.")
def momentum_formula(eigenvalues):
    """This is the learning rate for descent with the best momentum.

    (2/(√λ_min + √λ_max))² needs the momentum that belongs to it; without it the steepest direction diverges.
    """
    return 4 / (np.sqrt(np.min(eigenvalues)) + np.sqrt(np.max(eigenvalues))) ** 2


def _gradient_lists():
    rng = np.random.default_rng(4)
    shapes = [[(3,)], [(2, 3), (3,)], [(4, 5), (5,), (5, 2), (2,)], [(1,), (6,)]]
    return [[rng.standard_normal(shape) for shape in case] for case in shapes]


@exercise(
    "gradient-norm",
    chapter=1,
    title="The norm of all gradients together",
    cases=[
        *(Case({"gradients": g}, f"gradients of shapes {[a.shape for a in g]}") for g in _gradient_lists()),
        Case({"gradients": [np.zeros((2, 2)), np.zeros(2)]}, "gradients that are all zero"),
        Case({"gradients": [np.array([3.0]), np.array([-4.0])]}, "gradients [3.0] and [-4.0]"),
    ],
    hints=(
        "Think of all the arrays as one long vector.",
        "The squared length of the long vector is the sum of the squared lengths of its parts.",
        "√(Σ over arrays Σ over elements g²): the root comes last, once.",
    ),
)
def gradient_norm(gradients):
    """Return the Euclidean norm of all gradients together, as if they were one long vector.

    gradients  list of arrays of any shapes, one per parameter
    Return one number.

    Example: gradient_norm([np.array([3.0]), np.array([4.0])]) is 5.0.
    """
    return sum((g * g).sum() for g in gradients) ** 0.5


@gradient_norm.mistake("Take the root once, at the end.")
def sum_of_norms(gradients):
    """The norms of the arrays were added.

    The result depends on how the parameters are cut into arrays and is too large: clipping by it cuts too much.
    """
    return sum((g * g).sum() ** 0.5 for g in gradients)


@gradient_norm.mistake("A length has the unit of the gradient, not of its square.")
def root_missing(gradients):
    """The root is missing.

    This is the squared norm: twice the gradient looks four times as large.
    """
    return sum((g * g).sum() for g in gradients)


@gradient_norm.mistake("All elements count, not just the largest.")
def largest_element(gradients):
    """This is the largest absolute element.

    The maximum norm ignores how many elements are large: a thousand of them weigh as much as one.
    """
    return max(np.max(np.abs(g)) for g in gradients)


@gradient_norm.mistake("All arrays belong to one vector.")
def largest_norm(gradients):
    """This is the norm of the largest array alone.

    All others may explode without being seen.
    """
    return max((g * g).sum() ** 0.5 for g in gradients)


@gradient_norm.mistake("Square the elements before adding.")
def sum_of_absolutes(gradients):
    """Absolute values were added.

    The 1-norm is larger than the length, the more so the more parameters there are.
    """
    return sum(np.abs(g).sum() for g in gradients)


@gradient_norm.mistake("A norm adds; it does not average.")
def root_mean_square(gradients):
    """This is the root of the mean square.

    Divided by the number of elements it is a typical element's size, not the length of the vector.
    """
    return (sum((g * g).sum() for g in gradients) / sum(g.size for g in gradients)) ** 0.5


@root_mean_square.also
def mean_of_norms(gradients):
    return sum((g * g).sum() ** 0.5 for g in gradients) / len(gradients)


@gradient_norm.mistake("Is a variable overwritten in the loop, or a `return` inside it?")
def one_array_only(gradients):
    """Only one of the arrays counts.

    The loop keeps its last array, or returns after its first.
    """
    return (gradients[-1] * gradients[-1]).sum() ** 0.5


@one_array_only.also
def first_array_only(gradients):
    return (gradients[0] * gradients[0]).sum() ** 0.5


@gradient_norm.mistake("Square before adding, or positive and negative parts cancel.")
def signs_cancel(gradients):
    """The elements were added before squaring.

    Positive and negative gradients cancel: the norm can be zero while nothing is at rest.
    """
    return abs(sum(g.sum() for g in gradients))
