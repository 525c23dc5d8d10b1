"""Chapter 4: how far a velocity leads, and how large it may be."""

from __future__ import annotations

import numpy as np

from ... import optimizer
from ...surfaces import trajectory
from ..answers import PredictExercise, TypicalNumber, one_number
from ..engine import Mistake
from ..experiments import NotYet, Recognised, measure
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "momentum-effective-step",
    chapter=4,
    title="Where the velocity leads",
    question="Learning rate 0.02, momentum 0.95, and the gradient is 3 at every step: how long are the steps in the "
    "end?",
    value=1.2,
    because="The velocity settles where v = 0.95 v + 3, at v = 3/0.05 = 60. The step is 0.02 · 60 = 1.2.",
    mistakes=(
        TypicalNumber("first-step", 0.06, "This is the first step. The velocity has only begun to grow."),
        TypicalNumber("second-step", 0.117, "This is the second step; the velocity goes on growing."),
        TypicalNumber(
            "momentum-as-factor",
            0.057,
            "Momentum does not shorten the gradient: it adds what is left of the earlier ones.",
        ),
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
)


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
    """Return the momentum with which descent on a quadratic is fastest,
    at the learning rate that goes with it.

    eigenvalues  the curvatures of its directions:
                 array of positive numbers, in any order
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
#   rule = optimizer.Momentum(lr, momentum=0.9)
#   surfaces.trajectory(rule, surfaces.ravine, steps=2000)
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
    question="Learning rate 0.01, one direction of curvature 1. You raise momentum from 0.9 to 0.99. What happens in "
    "this direction?",
    choices=(
        Choice(
            "It arrives ten times sooner, for lr/(1 - momentum) is ten times larger.",
            "That holds only while the motion is overdamped. At 0.99, √μ is above 1 - √(ηλ) = 0.9: the point "
            "swings and loses only half a percent of its swing per step.",
        ),
        Choice(
            "It swings, and comes to rest later than before.",
            "Critical damping is at √μ = 1 - √0.01 = 0.9, that is μ = 0.81. Both settings lie above it, so the "
            "distance shrinks by √μ per step: 0.949 at first, 0.995 afterwards.",
            right=True,
        ),
        Choice(
            "It diverges: lr/(1 - momentum) = 1 is beyond the limit.",
            "The limit is lr < 2(1 + μ)/λ, about 4 here. More momentum does not lower it, it raises it.",
        ),
        Choice(
            "Nothing: momentum matters across the ravine only.",
            "Every direction has its own damping, and momentum enters all of them.",
        ),
    ),
    hints=(
        "Compute √(ηλ) first.",
        "Critical damping lies at √μ = 1 − √(ηλ). Are 0.9 and 0.99 above or below?",
        "Above it, each step leaves the share √μ of the swing.",
    ),
)
