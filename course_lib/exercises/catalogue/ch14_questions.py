"""Chapter 14: steps of a schedule under accumulation, and the place of the clipping."""

from __future__ import annotations

import numpy as np

from ..answers import PredictExercise, TypicalNumber
from ..functions import Case, exercise

# ------------------------------------------------------------------------------------- predict

PredictExercise(
    "updates-per-epoch",
    chapter=14,
    title="Steps of a schedule under accumulation",
    question="1,000 pictures, mini-batches of 16, one update for every 4 of them and one for the rest at the end of "
    "each epoch, 5 epochs: how often does a schedule step that is made for updates?",
    value=80,
    tolerance=0.0005,
    because="An epoch has 63 mini-batches (62 full ones and one of 8), which make 15 whole groups of 4 and one of 3: "
    "16 updates, 80 in 5 epochs.",
    mistakes=(
        TypicalNumber(
            "steps-per-mini-batch",
            315,
            "So many mini-batches there are. Stepped after each of them the schedule would be at its end after a "
            "quarter of the run.",
        ),
        TypicalNumber("rest-dropped", 75, "At the end of each epoch three mini-batches are left: they make an update."),
        TypicalNumber(
            "fractions", 78.125, "Counted without rounding. Groups do not go on from one epoch into the next here."
        ),
        TypicalNumber(
            "groups-across-epochs",
            79,
            "So many there would be if groups went on from one epoch into the next; here each epoch ends its own.",
        ),
        TypicalNumber("one-epoch", 16, "This is one epoch."),
        TypicalNumber("times-four", 1260, "Accumulation makes fewer updates than mini-batches, not more."),
        TypicalNumber("epochs-for-updates", 5, "These are the epochs."),
    ),
    hints=(
        "How many mini-batches has an epoch, counting the last, smaller one?",
        "63 mini-batches in groups of 4, the last group smaller. Then the epochs.",
        "⌈⌈1000/16⌉/4⌉ · 5",
    ),
)

# ---------------------------------------------------------------------------------- find the bug


def _gradients_of_parts():
    rng = np.random.default_rng(41)
    # The mean is longer than the bound, or shorter: by much, and by less than their parts after the point. At the last
    # the sum is shorter, too.
    settings = [(4, 3, 1.0, 2.5), (3, 5, 0.5, 0.9), (6, 2, 1.0, 0.3), (1, 4, 1.0, 3.0), (5, 3, 2.7, 2.4)]
    settings += [(2, 3, 2.6, 2.8), (2, 4, 0.4, 0.3), (3, 4, 2.0, 0.4)]
    cases = []
    for parts, n, largest, length in settings:
        drawn = rng.standard_normal((parts, n)) + 0.3
        gradients = list(drawn * length / np.linalg.norm(drawn.mean(axis=0)))
        words = f"{parts} parts, {n} parameters, largest norm {largest:g}, norm of the mean {length:g}"
        cases.append(Case({"gradients": gradients, "largest": largest}, words))
    return cases


@exercise(
    "clip-accumulated",
    chapter=14,
    title="Find the bug: clipping under accumulation",
    cases=_gradients_of_parts(),
    hints=(
        "Which gradient would the large batch clip?",
        "Part by part, long gradients are shortened before the mean is taken: what does that do to their share?",
        "First the mean of all parts, then its norm, then the shortening: once.",
    ),
)
def clipped_mean(gradients, largest):
    mean = sum(gradients) / len(gradients)
    length = np.linalg.norm(mean)
    return mean * (largest / length) if length > largest else mean


@clipped_mean.as_printed
def clipped_accumulation(gradients, largest):
    """Return the gradient that a step under accumulation uses: that of the large batch,
    shortened to the length `largest` if it is longer.

    gradients  the gradients of the mean losses of equally large parts: arrays
    largest    the largest length that a step's gradient may have
    One bug is hidden here.
    """
    total = 0.0
    for gradient in gradients:
        length = np.linalg.norm(gradient)
        if length > largest:
            gradient = gradient * (largest / length)
        total = total + gradient
    return total / len(gradients)


def _shortened(gradient, largest):
    return gradient * min(1.0, largest / np.linalg.norm(gradient))


@clipped_mean.mistake("Divide first, then clip.")
def sum_clipped(gradients, largest):
    """The sum is clipped, not the mean.

    It is as many times as long as there are parts, so it is nearly always clipped, and then divided once more.
    """
    return _shortened(sum(gradients), largest) / len(gradients)


@clipped_mean.mistake("Divide by the number of parts before the norm is taken.")
def not_divided(gradients, largest):
    """The sum is clipped and never divided.

    Where it is not clipped, the step is as many times too long as there are parts.
    """
    return _shortened(sum(gradients), largest)


@clipped_mean.mistake("Clip once, when all parts are added up.")
def running_sum_clipped(gradients, largest):
    """The sum is clipped after each part.

    So it happens with a call of `clip_grad_norm_` after each `backward`: the later parts count more.
    """
    total = 0.0 * gradients[0]
    for gradient in gradients:
        total = _shortened(total + gradient, largest)
    return total / len(gradients)


@running_sum_clipped.also
def running_mean_clipped(gradients, largest):
    """The growing mean is clipped after each part.

    So it happens where each loss is divided by the number of parts, and the gradients are clipped after each
    `backward`.
    """
    total = 0.0 * gradients[0]
    for gradient in gradients:
        total = _shortened(total + gradient / len(gradients), largest)
    return total


@clipped_mean.mistake("The mean has to be clipped where it is too long.")
def not_clipped(gradients, largest):
    """Nothing is clipped.

    A single wild batch can make a step of any length again.
    """
    return sum(gradients) / len(gradients)


@clipped_mean.mistake("Shorten the mean only where it is longer than `largest`.")
def always_of_this_length(gradients, largest):
    """The mean always gets the length `largest`.

    Short gradients are stretched: near the minimum, where they are short, steps stay long.
    """
    mean = sum(gradients) / len(gradients)
    return mean * largest / np.linalg.norm(mean)


@clipped_mean.mistake("One norm, of the whole gradient: its direction is to stay.")
def clipped_by_value(gradients, largest):
    """Every element is clipped by itself.

    That changes the direction; clipping by the norm only shortens.
    """
    return np.clip(sum(gradients) / len(gradients), -largest, largest)
