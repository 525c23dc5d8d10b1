"""Chapters 1 and 2: the first step, and how large it may be."""

from __future__ import annotations

import numpy as np

from .. import data, models, optimizer, training
from .answers import PredictExercise, TypicalNumber
from .engine import Mistake
from .experiments import NotYet, Recognised, measure
from .functions import Case, exercise
from .quiz import Choice, QuizExercise
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


@normalised_gradient.also
def normalised_without_protection(x, g, s, lr):
    """The gradient is normalised to length 1, and a gradient of length 0 becomes NaN.

    All steps have the same length: flat regions are crossed faster, but the minimum is never settled into.
    """
    return x - lr * g / np.linalg.norm(g)


@sgd.mistake("The gradient is used as it is: neither its square nor its absolute value.")
def squared_gradient(x, g, s, lr):
    """The gradient is squared.

    A square has no sign: every parameter only ever falls, whichever way is downhill.
    """
    return x - lr * g**2


@squared_gradient.also
def absolute_gradient(x, g, s, lr):
    """The absolute value of the gradient is taken.

    It has no sign: every parameter only ever falls, whichever way is downhill.
    """
    return x - lr * abs(g)


@sgd.mistake("Multiply by lr once.")
def lr_applied_twice(x, g, s, lr):
    """The learning rate is applied twice.

    lr² is much smaller than lr: training crawls, and a schedule acts twice.
    """
    return x - lr * lr * g


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


@mean_gradient.also
def summed_gradient(x, g, s, lr):
    """All parameters get the sum of the gradients.

    The parameters move in lockstep and cannot learn different things, in steps that grow with their number.
    """
    return x - lr * g.sum()


@sgd.mistake("The step number plays no part in plain gradient descent: schedules change `lr` from outside.")
def decays_by_itself(x, g, s, lr):
    """The step shrinks with the step number.

    A hidden 1/t schedule on top of the given lr: training slows down early, and a schedule acts twice.
    """
    return x - lr / s.t * g


@decays_by_itself.also
def decays_by_a_root(x, g, s, lr):
    """The step shrinks with the root of the step number.

    A hidden 1/√t schedule on top of the given lr: training slows down early, and a schedule acts twice.
    """
    return x - lr / np.sqrt(s.t) * g


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
    chapter=2,
    title="The largest stable learning rate",
    question="A quadratic has the curvatures (eigenvalues) 1, 10 and 50: below which learning rate is descent stable?",
    value=0.04,
    because="The steepest direction decides: |1 - lr · 50| < 1 means lr < 2/50 = 0.04.",
    mistakes=(
        TypicalNumber("one-over-curvature", 0.02, "1/λ_max is where the steepest direction is solved in one step. It still shrinks beyond that: up to where does |1 - lr·λ| stay below 1?"),  # noqa: E501
        TypicalNumber("smallest-curvature", 2.0, "2/λ_min looks at the flattest direction. The steepest one has exploded long before."),  # noqa: E501
        TypicalNumber("fastest-not-largest", 2 / 51, "2/(λ_min + λ_max) is the fastest learning rate; the question asks for the largest stable one."),  # noqa: E501
        TypicalNumber("middle-curvature", 0.2, "2/10 looks at the middle direction; the steepest one decides."),
        TypicalNumber("sum-of-curvatures", 2 / 61, "Directions do not add up: the one with the lowest limit decides."),
        TypicalNumber("limit-times-curvature", 100.0, "Divide by the curvature: steep valleys need small steps."),
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
    chapter=2,
    title="The fastest learning rate on a quadratic",
    cases=[Case({"eigenvalues": values}, f"eigenvalues {np.round(values, 2).tolist()}") for values in _spectra()],
    hints=(
        "The slowest direction decides how fast the whole descent is. Which directions can be the slowest?",
        "A step multiplies the distance by |1 − lr·λ|. As lr grows it falls for the smallest λ, rises for the largest.",
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
    """This is 1/λ_min.

    It solves the flattest direction in one step. Along the steepest one it diverges as soon as that is more than twice
    as steep.
    """
    return 1 / np.min(eigenvalues)


@best_lr.mistake("Only the two ends of the spectrum matter.")
def mean_curvature(eigenvalues):
    """The mean of all curvatures was used.

    The directions between the ends never decide: an average over them misses the fastest lr or even diverges.
    """
    return 1 / np.mean(eigenvalues)


@mean_curvature.also
def median_curvature(eigenvalues):
    """The median of the curvatures was used.

    The directions between the ends never decide: with the median the steepest one may diverge.
    """
    return 1 / np.median(eigenvalues)


@mean_curvature.also
def sum_of_curvatures(eigenvalues):
    """The sum of all curvatures was used.

    Directions do not add up: the more there are, the smaller and slower this lr is.
    """
    return 2 / np.sum(eigenvalues)


@mean_curvature.also
def geometric_mean_of_the_ends(eigenvalues):
    """The geometric mean of the ends was used.

    1/√(λ_min λ_max) is above the stability limit as soon as the steepest direction is four times as steep as the
    flattest.
    """
    return 1 / np.sqrt(np.min(eigenvalues) * np.max(eigenvalues))


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

    (2/(√λ_min + √λ_max))² needs the momentum that belongs to it; without it the steepest direction swings or diverges.
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
    """The norms of the arrays were averaged.

    The mean of the parts' lengths is not the length of the whole vector, which is at least as long as its longest part.
    """
    return sum((g * g).sum() ** 0.5 for g in gradients) / len(gradients)


@gradient_norm.mistake("Is a variable overwritten in the loop?")
def one_array_only(gradients):
    """Only the last of the arrays counts.

    The loop overwrites its variable in every turn instead of adding to it.
    """
    return (gradients[-1] * gradients[-1]).sum() ** 0.5


@one_array_only.also(hint="Is there a `return` inside the loop?")
def first_array_only(gradients):
    """Only the first of the arrays counts.

    The loop returns in its first turn.
    """
    return (gradients[0] * gradients[0]).sum() ** 0.5


@gradient_norm.mistake("np.linalg.norm(g) without an order, or np.sum(g * g), adds all squares.")
def spectral_norms(gradients):
    """The spectral norm of each matrix was taken.

    np.linalg.norm(g, 2) of a matrix is its largest singular value, not the root of the sum of its squares.
    """
    return sum(np.linalg.norm(g, 2) ** 2 for g in gradients) ** 0.5


@gradient_norm.mistake("Square before adding, or positive and negative parts cancel.")
def signs_cancel(gradients):
    """The elements were added before squaring.

    Positive and negative gradients cancel: the norm can be zero while nothing is at rest.
    """
    return abs(sum(g.sum() for g in gradients))


# ---------------------------------------------------------------------------------- find the bug


def _valleys():
    bowl = ("a round valley", lambda x: 2 * x, np.array([3.0, -2.0]), 0.1, 8)
    ravine = ("a ravine", lambda x: np.array([1.0, 20.0]) * x, np.array([1.0, 1.0]), 0.09, 12)
    shifted = ("a valley around (1, 2, 3)", lambda x: x - np.array([1.0, 2.0, 3.0]), np.zeros(3), 0.5, 5)
    uphill = ("a hill, climbed with a negative learning rate", lambda x: -x, np.array([0.5, 2.0]), -0.2, 4)
    names = "gradient", "x", "lr", "steps"
    return [Case(dict(zip(names, arguments)), words) for words, *arguments in (bowl, ravine, shifted, uphill)]


@exercise(
    "lr-find-bug-sign",
    chapter=1,
    title="Find the bugs: a descent that climbs",
    cases=_valleys(),
    hints=(
        "Follow the sign of the learning rate through the function. Is it turned round once or twice?",
        "Mend the sign, then look at the path: why are all its points the same?",
        "`x -= …` changes the array that is already in the path; `x = x - …` makes a new one.",
    ),
)
def descent_without_bugs(gradient, x, lr, steps):
    path = [x]
    for _ in range(steps):
        x = x - lr * gradient(x)
        path.append(x)
    return np.array(path)


@descent_without_bugs.as_printed
def descend(gradient, x, lr, steps):
    """Return all positions of gradient descent from x: array [steps + 1, …]. Two bugs are hidden here."""
    lr = -lr  # downhill
    path = [x]
    for _ in range(steps):
        x -= lr * gradient(x)
        path.append(x)
    return np.array(path)


@descent_without_bugs.mistake("Look at the path: are its points different from each other?")
def all_points_the_same(gradient, x, lr, steps):
    """The sign is mended, but all points of the path are the same.

    `x -= …` changes the one array in place, and the path holds that array many times over: a picture of it shows a dot.
    """
    path = [x]
    for _ in range(steps):
        x -= lr * gradient(x)
        path.append(x)
    return np.array(path)


@descent_without_bugs.mistake("Two minus signs make a plus.")
def still_uphill(gradient, x, lr, steps):
    """The path is mended, but it still climbs.

    The learning rate is turned negative and then subtracted: minus times minus is a step uphill.
    """
    path = [x]
    for _ in range(steps):
        x = x + lr * gradient(x)
        path.append(x)
    return np.array(path)


@descent_without_bugs.mistake("The gradient belongs to the place where x is now.")
def gradient_of_the_start(gradient, x, lr, steps):
    """The gradient is computed only once.

    All steps have the length and the direction of the first one, past the minimum and on.
    """
    slope, path = gradient(x), [x]
    for _ in range(steps):
        x = x - lr * slope
        path.append(x)
    return np.array(path)


@descent_without_bugs.mistake("Append after the step.")
def one_point_behind(gradient, x, lr, steps):
    """Each point is entered before its step.

    The start stands in the path twice and the last step is missing.
    """
    path = [x]
    for _ in range(steps):
        path.append(x)
        x = x - lr * gradient(x)
    return np.array(path)


# --------------------------------------------------------------------------------------- quizzes

QuizExercise(
    "lr-sign-quiz",
    chapter=1,
    title="The sign of the step",
    question="A program computes x = x + lr * g with lr = -0.1. What does it do?",
    choices=(
        Choice("It climbs, because the learning rate is negative.", "The rule has a plus: together with the negative learning rate x moves against the gradient."),  # noqa: E501
        Choice("It descends like x = x - 0.1 * g.", "Plus times minus is minus: both are the same step. The convention is a minus in the rule and a positive learning rate.", right=True),  # noqa: E501
        Choice("It descends first and climbs later.", "The sign of lr does not change on the way, so the step always points downhill."),  # noqa: E501
        Choice("Nothing: a learning rate must be positive.", "Python does not know what lr stands for; and Paddle accepts a negative learning rate, too."),  # noqa: E501
    ),
    hints=(
        "Write the step out for one number, say g = 2.",
        "The change of x is +(−0.1) · 2. Is the loss smaller or larger to that side?",
        "x + (−0.1) · g = x − 0.1 · g",
    ),
)  # fmt: skip

QuizExercise(
    "lr-too-large-quiz",
    chapter=1,
    title="A loss that stays at 2.30",
    question="The loss of a ReLU network with ten classes leaps up at first, then it stays at 2.30 for good. Why?",
    choices=(
        Choice("The learning rate is too small.", "Then the loss would fall slowly and never leap up."),
        Choice("The learning rate is too large: a huge step has killed the hidden units.", "2.30 = ln 10 is the loss of guessing among ten classes. After a huge step the units are 0 for every image: no gradient comes through them, and nothing changes any more.", right=True),  # noqa: E501
        Choice("The network has converged: 2.30 is its best loss.", "2.30 = ln 10 is what guessing gives. No training at all is about as good."),  # noqa: E501
        Choice("The learning rate is too large: the loss swings around the minimum.", "Swinging would show as a loss that goes up and down below its first value. Here it stands still, at the level of guessing."),  # noqa: E501
    ),
    hints=(
        "What is ln 10?",
        "Which loss has a classifier that answers every image with the same ten probabilities of 1/10?",
        "A ReLU whose input is negative for every image has the output 0 and the gradient 0.",
    ),
)  # fmt: skip


# --------------------------------------------------------------------------------------- measure


def digits_accuracy(lr: float, seed: int = 0) -> float:
    """Validation accuracy of the exercise's run: the small network, SGD, 150 mini-batches of 32."""
    images = data.load()
    model = models.mlp(images, seed=seed)
    sgd = optimizer.SGD(learning_rate=float(lr), parameters=model.parameters())
    return training.fit(model, sgd, images, steps=150, batch_size=32, seed=seed, progress=False).final_accuracy


NOISE = 0.02  # what accuracies of the same learning rate differ by from seed to seed


SEARCH_STUB = """# Search a learning rate for this run, powers of ten first, then refine inside the best decade:
#   model = models.mlp(images, seed=0), SGD, training.fit(…, steps=150, batch_size=32, seed=0)
# Fill both lists in the order in which you tried: learning rates, and validation accuracies in [0, 1].
searched_lrs, searched_accuracies = [], []"""

NO_COARSE_GRID = Mistake(
    "no-coarse-grid",
    "The search does not begin with four neighbouring powers of ten",
    "A fine grid in one decade finds nothing if the best learning rate lies in another one; learning rates matter by "
    "their ratio, so equal steps crowd at one end.",
    "Begin with at least four neighbouring powers of ten, such as 0.001, 0.01, 0.1, 1.",
)
BEST_AT_THE_EDGE = Mistake(
    "best-at-the-edge",
    "A neighbour of the best power of ten was not tried",
    "The best decade may lie there, beyond the grid or in a gap of it: the accuracy could go on rising.",
    "Add powers of ten until the accuracy falls on both sides of the best one.",
)
NOT_REFINED = Mistake(
    "not-refined",
    "The best decade is not refined",
    "A power of ten can be off by a factor of three, which may cost a point of accuracy.",
    "Try at least three different learning rates between the neighbours of the best power of ten.",
)
REFINED_ELSEWHERE = Mistake(
    "refined-elsewhere",
    "The refinement lies outside of the best decade",
    "Runs are spent where the coarse search has already shown that nothing is to be found.",
    "Refine between a tenth and ten times the best power of ten.",
)
IN_PERCENT = Mistake(
    "accuracy-in-percent",
    "Accuracies are not in [0, 1]",
    "Percent, or losses in their place, do not compare with the accuracy that the check measures.",
    "Hand over `history.final_accuracy` as it is.",
)
NOT_MEASURED = Mistake(
    "not-measured",
    "The numbers do not repeat",
    "The check ran the best of your learning rates again and got another accuracy: another model, budget, optimizer or "
    "part of the data?",
    "Use `models.mlp(images, seed=0)`, SGD, 150 steps and the validation accuracy.",
)


@measure(
    "lr-measure-search",
    chapter=2,
    title="Search a learning rate, coarse then fine",
    stub=SEARCH_STUB,
    hints=(
        "Begin with powers of ten that are too small and end with some that are too large.",
        "The best power of ten has two neighbours. Where between them would you look?",
        "For example factors 1/3, 1/2, 2 and 3 around the best power of ten.",
    ),
)
def search(answer):
    lrs, accuracies = (np.asarray(values, dtype=float).ravel() for values in answer)
    _well_formed(lrs, accuracies)
    exponents = np.log10(lrs)
    coarse = np.abs(exponents - np.round(exponents)) < 1e-6
    powers = {round(e): accuracy for e, accuracy in zip(exponents[coarse], accuracies[coarse])}
    begins_with = {round(e) for e in exponents[: np.argmin([*coarse, False])]}
    if not any({e, e + 1, e + 2, e + 3} <= begins_with for e in begins_with):
        raise Recognised(NO_COARSE_GRID)
    best = [e for e, accuracy in powers.items() if accuracy == max(powers.values())]
    if not any({e - 1, e + 1} <= powers.keys() for e in best):
        raise Recognised(BEST_AT_THE_EDGE)
    # Between neighbouring powers of ten that are equally good within the noise, either may be refined.
    good = [e for e, accuracy in powers.items() if accuracy > max(powers.values()) - NOISE]
    fine = {float(f"{e:.2f}") for e in exponents[~coarse]}  # each learning rate counts once
    if len(fine) < 3:
        raise Recognised(NOT_REFINED)
    if sum(min(good) - 1 < e < max(good) + 1 for e in fine) < 3:
        raise Recognised(REFINED_ELSEWHERE)
    chosen, claimed = lrs[np.argmax(accuracies)], accuracies.max()
    if abs(digits_accuracy(chosen) - claimed) > 2 * NOISE:
        raise Recognised(NOT_MEASURED)
    return f"Coarse, then fine, and learning rate {chosen:.2g} repeats its accuracy when the check runs it again."


def _well_formed(lrs, accuracies):
    if len(lrs) != len(accuracies):
        raise NotYet(f"There are {len(lrs)} learning rates, but {len(accuracies)} accuracies.")
    if not (np.isfinite(lrs).all() and (lrs > 0).all()):
        raise NotYet("Learning rates must be positive and finite.")
    if np.isnan(accuracies).any():
        raise NotYet("An accuracy is NaN. Even a run that diverges has an accuracy: it is that of guessing.")
    if ((accuracies < 0) | (accuracies > 1)).any():
        raise Recognised(IN_PERCENT)
    measured = {}
    for lr, accuracy in zip(lrs, accuracies):
        if abs(measured.setdefault(lr, accuracy) - accuracy) > NOISE:
            raise NotYet(
                f"Learning rate {lr:.3g} is there twice, with accuracy {measured[lr]:.2f} and with {accuracy:.2f}: "
                "the same run gives the same number each time."
            )
