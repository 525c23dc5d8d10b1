"""Chapter 1: the length of a gradient, and which way a step goes."""

from __future__ import annotations

import numpy as np

from ..answers import PredictExercise, TypicalNumber
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise

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


# ----------------------------------------------------------------------------------- implement


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
    """Return the Euclidean norm of all gradients together,
    as if they were one long vector.

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
    """Return all positions of gradient descent from x: array [steps + 1, …].

    Two bugs are hidden here.
    """
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
        Choice(
            "It climbs, because the learning rate is negative.",
            "The rule has a plus: together with the negative learning rate x moves against the gradient.",
        ),
        Choice(
            "It descends like x = x - 0.1 * g.",
            "Plus times minus is minus: both are the same step. The convention is a minus in the rule and a "
            "positive learning rate.",
            right=True,
        ),
        Choice(
            "It descends first and climbs later.",
            "The sign of lr does not change on the way, so the step always points downhill.",
        ),
        Choice(
            "Nothing: a learning rate must be positive.",
            "Python does not know what lr stands for; and Paddle accepts a negative learning rate, too.",
        ),
    ),
    hints=(
        "Write the step out for one number, say g = 2.",
        "The change of x is +(−0.1) · 2. Is the loss smaller or larger to that side?",
        "x + (−0.1) · g = x − 0.1 · g",
    ),
)

QuizExercise(
    "lr-too-large-quiz",
    chapter=1,
    title="A loss that stays at 2.30",
    question="The loss of a ReLU network with ten classes leaps up at first, then it stays at 2.30 for good. Why?",
    choices=(
        Choice("The learning rate is too small.", "Then the loss would fall slowly and never leap up."),
        Choice(
            "The learning rate is too large: a huge step has killed the hidden units.",
            "2.30 = ln 10 is the loss of guessing among ten classes. After a huge step the units are 0 for every "
            "image: no gradient comes through them, and nothing changes any more.",
            right=True,
        ),
        Choice(
            "The network has converged: 2.30 is its best loss.",
            "2.30 = ln 10 is what guessing gives. No training at all is about as good.",
        ),
        Choice(
            "The learning rate is too large: the loss swings around the minimum.",
            "Swinging would show as a loss that goes up and down below its first value. Here it stands still, at "
            "the level of guessing.",
        ),
    ),
    hints=(
        "What is ln 10?",
        "Which loss has a classifier that answers every image with the same ten probabilities of 1/10?",
        "A ReLU whose input is negative for every image has the output 0 and the gradient 0.",
    ),
)
