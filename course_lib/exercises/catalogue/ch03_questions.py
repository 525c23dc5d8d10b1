"""Chapter 3: the noise of a mini-batch."""

from __future__ import annotations

import numpy as np

from ..answers import PredictExercise, TypicalNumber
from ..functions import Case, exercise

# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "sgd-batch-noise",
    chapter=3,
    title="A batch for a third of the noise",
    question="Gradients of 32 examples are off by 60 % of the true gradient's length. How many examples for 20 %?",
    value=288,
    because="A third of the error needs 3² = 9 times the examples: 9 · 32 = 288.",
    mistakes=(
        TypicalNumber(
            "proportional", 96, "The error falls with the root of the batch size, not with the batch size itself."
        ),
        TypicalNumber(
            "root-of-the-factor",
            32 * 3**0.5,
            "The root is on the other side: the error is 1/√batch, so the batch is 1/error².",
        ),
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
)


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
    """Return the gradient of the mean loss over all examples,
    computed batch by batch to save memory.

    gradient(batch) is the gradient of the mean loss over the batch.
    One bug is hidden here.
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
