"""Training runs that go wrong in a known way: chapter 3 shows their curves and asks for the faults."""

from __future__ import annotations

import numpy as np

from . import optimizer
from .edge import needs_paddle, paddle
from .optimizer import lr

#: Fault → how a run gets it: the rate (or the rate at first, and the one that follows), and whether it is shuffled.
RUNS = {
    "not shuffled": (0.3, False),
    "too low": (0.003, True),
    "decayed too early": ((0.3, 0.001), True),
    "dead units": (4.0, True),
    "too high": (1.5, True),
}

#: Letter of the curve in the figure → fault.
RIGHT = dict(zip("ABCDE", RUNS))


def faulty_runs(seed: int, steps: int = 120) -> dict[str, np.ndarray]:
    """Letter → training losses of five runs on the digits, each with one fault: what the chapter's figure shows.

    The network is ``models.mlp``, the method SGD with mini-batches of 32. Which letter has which fault is the question
    of the exercise ``curve-diagnosis``.

    Raises:
        ModuleNotFoundError: Paddle is not installed.
    """
    if paddle is None:
        raise needs_paddle("faulty_runs")
    return {letter: _losses(*RUNS[fault], seed, steps) for letter, fault in RIGHT.items()}


def _losses(rate, shuffled: bool, seed: int, steps: int) -> np.ndarray:
    from . import data, models

    train = data.load("digits").train
    model = models.mlp(64, seed=seed)
    schedule = lr.PiecewiseDecay([15], list(rate if isinstance(rate, tuple) else (rate, rate)))
    opt = optimizer.SGD(schedule, parameters=model.parameters())
    rng, losses, places = np.random.default_rng(seed), [], []
    for _ in range(steps):
        if len(places) < 32:
            places = rng.permutation(len(train)) if shuffled else np.argsort(train.labels, kind="stable")
        batch, places = places[:32], places[32:]
        images, labels = paddle.to_tensor(train.images[batch]), paddle.to_tensor(train.labels[batch])
        loss = paddle.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        opt.step()
        opt.clear_grad()
        schedule.step()
        losses.append(float(loss))
    return np.array(losses)
