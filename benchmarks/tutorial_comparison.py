"""The tutorial's comparison on MNIST as it is: its network, pictures of 28 × 28 pixels, 3 epochs, learning rate 0.01.

    python -m benchmarks.tutorial_comparison                        SGD, Momentum, Adagrad and Adam at 0.01
    python -m benchmarks.tutorial_comparison SGD=0.1 Momentum=0.1   other methods and learning rates
    python -m benchmarks.tutorial_comparison --seed 1               another start and order of the pictures

A run takes a few minutes on one core; what it prints is quoted in chapter 3. Of the 60,000 training pictures the course
keeps 10,000 for validation; the accuracy is that of the 10,000 test pictures.
"""

from __future__ import annotations

import argparse
import sys

from course_lib import data, models, optimizer, training

BATCH_SIZE = 64


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tutorial_comparison", description=__doc__.split("\n")[0]
    )
    parser.add_argument("runs", nargs="*", default=["SGD=0.01", "Momentum=0.01", "Adagrad=0.01", "Adam=0.01"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, help="train on so many of the pictures only")
    options = parser.parse_args(arguments)
    mnist = data.load("mnist")
    count = options.pictures or len(mnist.train)
    train = data.Split(mnist.train.images[:count], mnist.train.labels[:count])
    pictures = data.Dataset(mnist.name, train, mnist.validation, mnist.test)
    for run in options.runs:
        name, _, lr = run.partition("=")
        model = models.mnist_cnn(pictures.size, seed=options.seed)
        rule = getattr(optimizer, name)(learning_rate=float(lr), parameters=model.parameters())
        history = training.fit(model, rule, pictures, epochs=3, batch_size=BATCH_SIZE, seed=options.seed)
        test = training.evaluate(model, pictures.test)[1]
        last = history.loss[-200:].mean()
        print(f"{name:<9} at {lr:<5} test accuracy {test:.1%}, loss of the last 200 batches {last:.3f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
