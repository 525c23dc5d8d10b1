"""Chapter 3: the directions of SAG, the mean of the newest gradient of each mini-batch."""

from __future__ import annotations

import numpy as np

from ..functions import Case, exercise


def _passes():
    rng = np.random.default_rng(17)
    # Steps, mini-batches, shape: more and fewer steps than mini-batches, and full batches (n = 1).
    settings = [(7, 3, ()), (11, 4, (2,)), (3, 5, ()), (4, 1, (3,)), (9, 2, (2, 2))]
    return [
        Case(
            {"gradients": [rng.standard_normal(shape) + 1 for _ in range(steps)], "n": n},
            f"{steps} gradients of shape {shape} from {n} mini-batches",
        )
        for steps, n, shape in settings
    ]


@exercise(
    "sag-directions",
    chapter=3,
    title="The directions of SAG",
    cases=_passes(),
    hints=(
        "Keep n gradients, zero at first. Which of them does the new one replace?",
        "Keep their sum, too: take the old gradient out of it, put the new one in.",
        "d ← d − yᵢ + g, then yᵢ ← g; the direction is d over the smaller one of t and n.",
    ),
)
def sag_directions(gradients, n):
    """Return the direction of every step of SAG, a list as long as gradients.

    gradients  the gradient of each step: arrays of one shape. Step t, counted from 1,
               has that of mini-batch (t - 1) % n
    n          the number of mini-batches

    A direction is the mean of the newest gradient of each mini-batch seen so far.

    Example: the gradients 4, -2, 0, 6 and n = 2 give 4, 1, -1, 3.
    """
    kept, total, directions = [0.0] * n, 0.0, []
    for t, g in enumerate(gradients, start=1):
        i = (t - 1) % n
        total = total - kept[i] + g
        kept[i] = g
        directions.append(total / min(t, n))
    return directions


@sag_directions.mistake("Before g comes in, the old gradient of this mini-batch goes out.")
def old_gradient_not_taken_out(gradients, n):
    """The old gradient stays in the sum.

    The sum grows from pass to pass, with gradients from places left long ago: so do the steps.
    """
    return np.array([sum(gradients[:t]) / min(t, n) for t in range(1, len(gradients) + 1)])


@sag_directions.mistake("In the first pass the sum holds t gradients only.")
def divided_by_n_from_the_start(gradients, n):
    """The sum is divided by n from the start.

    In the first pass it holds fewer than n gradients: the first step is n times too short.
    """
    right = sag_directions.reference(gradients, n)
    return np.array([direction * min(t, n) / n for t, direction in enumerate(right, start=1)])


@sag_directions.mistake("After the first pass the sum holds n gradients, however many steps were made.")
def divided_by_t(gradients, n):
    """The sum is divided by t for ever.

    After the first pass it holds n gradients: the steps shrink as the run goes on.
    """
    right = sag_directions.reference(gradients, n)
    return np.array([direction * min(t, n) / t for t, direction in enumerate(right, start=1)])


@sag_directions.mistake("Divide by the number of gradients in the sum.")
def sum_for_mean(gradients, n):
    """The sum is not divided.

    The direction is up to n times as long as a gradient, and the learning rate means something else for each n.
    """
    right = sag_directions.reference(gradients, n)
    return np.array([direction * min(t, n) for t, direction in enumerate(right, start=1)])


@sag_directions.mistake("The old gradient has to be taken out: a sum of the last n, not of all.")
def mean_of_all(gradients, n):
    """The mean of all gradients so far is taken.

    It never forgets: gradients from the start, where x is no longer, hold the direction back for ever.
    """
    return np.array([sum(gradients[:t]) / t for t in range(1, len(gradients) + 1)])


@sag_directions.mistake("Use the kept gradients: the direction is their mean.")
def newest_gradient_alone(gradients, n):
    """Each direction is the newest gradient alone.

    That is plain SGD, with all the noise of a mini-batch.
    """
    return np.array([1.0 * g for g in gradients])


@sag_directions.mistake("First take the old gradient out of the sum, then store the new one in its place.")
def stored_too_early(gradients, n):
    """The new gradient is stored before the old one is taken out.

    What goes out is what comes in: the sum stays at zero, and nothing is learnt.
    """
    return np.array([0.0 * g for g in gradients])


@sag_directions.mistake("Step t takes out the gradient of step t − n: the places of `kept` are 0 to n − 1.")
def one_mini_batch_too_many(gradients, n):
    """The index runs through n + 1 places.

    An old gradient is replaced one step too late, by that of another mini-batch.
    """
    wider = sag_directions.reference(gradients, n + 1)
    return np.array([direction * min(t, n + 1) / min(t, n) for t, direction in enumerate(wider, start=1)])


@one_mini_batch_too_many.also
def one_mini_batch_too_few(gradients, n):
    """The index runs through n − 1 places.

    An old gradient is replaced one step too early, by that of another mini-batch.
    """
    narrower = sag_directions.reference(gradients, max(n - 1, 1))
    return np.array([direction * min(t, max(n - 1, 1)) / min(t, n) for t, direction in enumerate(narrower, start=1)])


@sag_directions.mistake("Add the new gradient first: it belongs to the direction of its own step.")
def one_step_late(gradients, n):
    """The new gradient comes in after the direction was taken.

    Each step goes where the last one should have gone, and the first goes nowhere.
    """
    right = sag_directions.reference(gradients, n)
    return np.array([0.0 * gradients[0], *right[:-1]])
