"""Chapter 2: how large a learning rate may be, and how to find one."""

from __future__ import annotations

import numpy as np

from ... import optimizer
from ..answers import PredictExercise, TypicalNumber
from ..engine import Mistake
from ..experiments import NotYet, Recognised, measure
from ..functions import Case, exercise

# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "lr-stability-limit",
    chapter=2,
    title="The largest stable learning rate",
    question="A quadratic has the curvatures (eigenvalues) 1, 10 and 50: below which learning rate is descent stable?",
    value=0.04,
    because="The steepest direction decides: |1 - lr · 50| < 1 means lr < 2/50 = 0.04.",
    mistakes=(
        TypicalNumber(
            "one-over-curvature",
            0.02,
            "1/λ_max is where the steepest direction is solved in one step. It still shrinks beyond that: up to "
            "where does |1 - lr·λ| stay below 1?",
        ),
        TypicalNumber(
            "smallest-curvature",
            2.0,
            "2/λ_min looks at the flattest direction. The steepest one has exploded long before.",
        ),
        TypicalNumber(
            "fastest-not-largest",
            2 / 51,
            "2/(λ_min + λ_max) is the fastest learning rate; the question asks for the largest stable one.",
        ),
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
)


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
    """Return the constant learning rate at which gradient descent
    on a quadratic is fastest.

    eigenvalues  the curvatures of its directions:
                 array of positive numbers, in any order
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


# --------------------------------------------------------------------------------------- measure


def digits_accuracy(lr: float, seed: int = 0) -> float:
    """Validation accuracy of the exercise's run: the small network, SGD, 150 mini-batches of 32."""
    from ... import data, models, training

    images = data.load()
    model = models.mlp(images, seed=seed)
    sgd = optimizer.SGD(learning_rate=float(lr), parameters=model.parameters())
    return training.fit(model, sgd, images, steps=150, batch_size=32, seed=seed, progress=False).final_accuracy


NOISE = 0.02  # what accuracies of the same learning rate differ by from seed to seed


SEARCH_STUB = """# Search a learning rate for this run, powers of ten first,
# then refine inside the best decade:
#   model = models.mlp(images, seed=0), SGD,
#   training.fit(…, steps=150, batch_size=32, seed=0)
# Fill both lists in the order in which you tried: learning rates,
# and validation accuracies in [0, 1].
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
    trains=True,
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
