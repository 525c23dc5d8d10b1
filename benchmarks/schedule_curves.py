"""Training curves of LeNet under seven learning-rate schedules: the picture with which chapter 9 begins.

    python -m benchmarks.schedule_curves        train all runs (about four minutes on one core) and write the record

The network is LeNet with momentum 0.9, the data 2,400 pictures of MNIST, mini-batches of 30, that is 80 steps an
epoch. Five schedules share one first rate, a tenth of which is the sixth, a constant one. Two more begin at a rate that
is too large for the first steps, with and without a warm-up. Nothing is tuned: the curves are to be looked at. A run
that is finished is kept in ``_build/schedule-curves``, so an interrupted command goes on where it was.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from benchmarks.records import Record, rounded
from course_lib import data, models, training
from course_lib.optimizer import Momentum, lr

RECORD = Record("schedule-curves", "python -m benchmarks.schedule_curves")

EPOCHS, PER_EPOCH, BATCH_SIZE, SEEDS = 6, 80, 30, range(3)
STEPS = EPOCHS * PER_EPOCH
RATE, LARGE = 0.02, 0.04

SCHEDULES = {
    "constant, large": lambda: RATE,
    "constant, small": lambda: RATE / 10,
    "step": lambda: lr.StepDecay(RATE, step_size=STEPS // 4, gamma=0.3),
    "1/t": lambda: lr.InverseTimeDecay(RATE, gamma=36 / STEPS),
    "cosine": lambda: lr.CosineAnnealingDecay(RATE, STEPS),
    "cosine, larger": lambda: lr.CosineAnnealingDecay(LARGE, STEPS),
    "warm-up, then cosine, larger": lambda: lr.LinearWarmup(
        lr.CosineAnnealingDecay(LARGE, STEPS - PER_EPOCH), PER_EPOCH, LARGE / PER_EPOCH, LARGE
    ),
}


def pictures(train: int = PER_EPOCH * BATCH_SIZE, validation: int = 1000) -> data.Dataset:
    """A part of MNIST: the first pictures of its validation set, and as many training pictures as an epoch needs."""
    mnist = data.load("mnist")
    part = data.Split(mnist.validation.images[:validation], mnist.validation.labels[:validation])
    return replace(mnist.subset(train, seed=0), validation=part)


def run(schedule: str, seed: int) -> dict:
    """Train LeNet once: validation accuracy and loss after each epoch, and the rates that were applied."""
    model = models.lenet(seed=seed)
    momentum = Momentum(SCHEDULES[schedule](), 0.9, model.parameters())
    options = {"batch_size": BATCH_SIZE, "seed": seed, "progress": False}
    history = training.fit(model, momentum, pictures(), epochs=EPOCHS, **options)
    return {"accuracy": history.accuracy, "loss": history.validation_loss, "rate": history.lr[:: PER_EPOCH // 8]}


def content(runs: training.Sweep) -> dict:
    """What the chapter shows, rounded: all runs under their schedule's name, and the rates of one of them."""
    shown = {}
    for row, name in enumerate(SCHEDULES):
        curves = {key: [rounded(curve) for curve in runs[key][row]] for key in ("accuracy", "loss")}
        shown[name] = {**curves, "rate": [float(f"{rate:.4g}") for rate in runs["rate"][row, 0]]}
    setting = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "pictures": PER_EPOCH * BATCH_SIZE, "seeds": list(SEEDS)}
    return {**setting, "schedules": shown}


def main() -> int:
    runs = training.sweep(run, {"schedule": list(SCHEDULES)}, seeds=SEEDS, store=RECORD.store)
    RECORD.write(content(runs))
    for name, accuracy in zip(SCHEDULES, 100 * runs["accuracy"][:, :, -1]):
        print(
            f"{name:<30} {accuracy.mean():.1f} % after {EPOCHS} epochs ({accuracy.min():.1f} to {accuracy.max():.1f})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
