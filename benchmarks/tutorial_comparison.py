"""The tutorial's comparison on MNIST with its own network: SGD, Momentum, AdaGrad and Adam, for 3 epochs.

    python -m benchmarks.tutorial_comparison        train all runs (about an hour on one core) and write the record

The network is the tutorial's small convolutional one, the data all 50,000 training pictures of 28 × 28 pixels in
mini-batches of 64. Each method is run at the tutorial's learning rate, 0.01, and at a rate of its own. That one is
chosen from five by the validation loss after 3 epochs on 10,000 of the pictures, with another seed than those that are
reported. A run that is finished is kept in ``_build/tutorial-comparison``, so an interrupted command goes on where it
was.
"""

from __future__ import annotations

import sys

from benchmarks.records import Record, rounded
from course_lib import data, intervals, models, optimizer, training

RECORD = Record("tutorial-comparison", "python -m benchmarks.tutorial_comparison")

EPOCHS, BATCH_SIZE = 3, 64
PICTURES, SEEDS = 50_000, range(3)
FEWER_PICTURES, OTHER_SEEDS = 10_000, range(10, 11)  # to choose the rates with

TUTORIAL_RATE = 0.01
RATES = {
    "SGD": [0.01, 0.0316, 0.1, 0.316, 1.0],
    "Momentum": [0.001, 0.00316, 0.01, 0.0316, 0.1],
    "Adagrad": [0.001, 0.00316, 0.01, 0.0316, 0.1],
    "Adam": [0.0001, 0.000316, 0.001, 0.00316, 0.01],
}


def handwriting(pictures: int) -> data.Dataset:
    """MNIST with so many of its training pictures."""
    return data.load("mnist").subset(pictures)


def run(method: str, lr: float, pictures: int, seed: int) -> dict:
    """Train the tutorial's network once: loss on the validation pictures, accuracy on the test pictures."""
    mnist = handwriting(pictures)
    model = models.mnist_cnn(mnist.size, seed=seed)
    rule = getattr(optimizer, method)(learning_rate=lr, parameters=model.parameters())
    options = {"batch_size": BATCH_SIZE, "seed": seed, "evaluate_every": EPOCHS * pictures}  # that is, at the end
    history = training.fit(model, rule, mnist, epochs=EPOCHS, **options)
    _, accuracy = training.evaluate(model, mnist.test)
    return {"loss": history.validation_loss[-1], "accuracy": accuracy}


def runs(method: str, rates: list[float], pictures: int, seeds: range) -> training.Sweep:
    """The runs of a method, each trained once and kept."""
    grid = {"method": [method], "lr": rates, "pictures": [pictures]}
    return training.sweep(run, grid, seeds, store=RECORD.store)


def choose(method: str) -> dict:
    """The method's own learning rate, and the validation losses that it was chosen by."""
    tried = runs(method, RATES[method], FEWER_PICTURES, OTHER_SEEDS)
    losses = dict(zip(map(str, RATES[method]), rounded(tried.mean("loss").ravel())))
    return {"learning_rate": tried.best("loss", lowest=True)["lr"], "losses": losses}


def measure(method: str, lr: float) -> dict:
    """Test accuracy of every seed."""
    return {"learning_rate": lr, "accuracy": rounded(runs(method, [lr], PICTURES, SEEDS)["accuracy"].ravel())}


def main() -> int:
    chosen = {method: choose(method) for method in RATES}
    methods = {
        method: {"tutorial": measure(method, TUTORIAL_RATE), "own": measure(method, choice["learning_rate"])}
        for method, choice in chosen.items()
    }
    setting = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "pictures": PICTURES, "seeds": list(SEEDS)}
    search = {"pictures": FEWER_PICTURES, "seeds": list(OTHER_SEEDS), "methods": chosen}
    RECORD.write({**setting, "methods": methods, "search": search})
    for method, found in methods.items():
        for each in found.values():
            accuracy = intervals.of([100 * value for value in each["accuracy"]])
            print(f"{method:<9} at {each['learning_rate']:<8} test accuracy {accuracy:.2f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
