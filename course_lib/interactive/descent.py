"""Gradient descent by itself: what the curvature does to a step, and what the noise of a mini-batch does to a path."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from .. import optimizer
from ..looks import BLUE, GREY, ORANGE
from ..surfaces import Surface, quadratic, trajectory
from . import svg
from .explorers import above_minimum, surface_panel
from .figure import Axis, Figure, Panel, Readout, Series, against_step, height, over, place, slider, steps
from .shorthand import shown

# ------------------------------------------------------------------------------------- learning rate and curvature

_RATES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1)
_FLAT = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
_STEEP = (2.0, 2.2, 2.5, 2.8, 3.2, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 9.0, 10.0)


def curvature_explorer(learning_rates=_RATES, flat=_FLAT, steep=_STEEP, count=20, first=None, task="") -> Figure:
    """One learning rate for two directions of different curvature: the walks, and the factor of each per step.

    Both walks begin where the loss ½λx² is 1, a steep valley being a narrow one.

    Args:
        learning_rates: Values of the slider, increasing.
        flat, steep: Curvatures λ of the two directions, increasing, those of ``steep`` not below those of ``flat``.
        count: Number of steps.
        first: Learning rate, flat and steep curvature at first; by default 0.8, 0.2 and 2.
        task: As in ``Figure``.

    Example:
        >>> curvature_explorer([0.5, 0.9, 1.0], [0.2, 1.0], [2.0, 10.0], first=(0.9, 0.2, 2.0))
        One learning rate for a flat and a steep direction (interactive; at learning rate 0.9, flat λ 0.2, steep λ 2, \
step 20)
          flat: factor 0.82, creeps
          steep: factor −0.8, a shrinking zigzag
          limit of the learning rate, 2 / steep λ: 1
    """
    names, start = ("learning rate", "flat λ", "steep λ"), first or (0.8, 0.2, 2.0)
    rate, *curvatures = map(slider, names, (learning_rates, flat, steep), start)
    looks = {"flat": {"color": BLUE, "marker": "o"}, "steep": {"color": ORANGE, "marker": "s", "dash": "--"}}
    valleys, walks, factors, settings, texts = [], [], [], [], []
    for (name, look), curvature in zip(looks.items(), curvatures):
        both = [rate, curvature]
        valleys.append(
            Series(f"{name} valley", over([curvature], _valley), [curvature], True, color=GREY, marker="None")
        )
        walks.append(Series(name, over(both, functools.partial(_walk, count)), both, **look))
        frames = over([curvature], functools.partial(_factors, learning_rates[-1]))
        factors.append(Series(f"factor, {name}", frames, [curvature], True, **{**look, "marker": "None"}))
        frames = over(both, lambda lr, bend: [(lr, abs(1 - lr * bend))])
        settings.append(Series(f"setting, {name}", frames, both, **look))
        texts.append(Readout(name, over(both, _fate), both, walks[-1]))
    return Figure(
        "curvature",
        "One learning rate for a flat and a steep direction",
        [rate, *curvatures, steps(count)],
        [_valleys_panel([*valleys, *walks], flat[0]), _factors_panel([*factors, *settings], learning_rates[-1])],
        [
            *texts,
            Readout("limit of the learning rate, 2 / steep λ", [shown(2 / bend) for bend in steep], curvatures[1:]),
        ],
        task,
    )


def _valleys_panel(series, flattest: float) -> Panel:
    reach = 1.05 * _start(flattest)
    return Panel(
        "Two parabolas, a wide one for the flat direction and a narrow one for the steep one, and on each the points "
        "that gradient descent visits from a loss of 1",
        Axis("distance x from the minimum", -reach, reach),
        Axis("loss, ½ λ x²", 0, 1.6),
        series,
        title="steps in both directions",
    )


def _factors_panel(series, highest_rate: float) -> Panel:
    return Panel(
        "Factor by which a step multiplies the distance, against the learning rate: for each direction a line that "
        "falls to 0 and rises again, a dot at the chosen learning rate, and a dashed line at the factor 1",
        Axis("learning rate η", 0, 1.05 * highest_rate),
        Axis("factor |1 − ηλ|", 0, 1.6),
        series,
        [svg.limit([(0, 1), (1.05 * highest_rate, 1)], ""), svg.words(0.02, 1.06, "above 1 it grows", "start")],
        title="factor on the distance, per step",
    )


def _start(curvature: float) -> float:
    """The distance at which the loss ½λx² is 1."""
    return math.sqrt(2 / curvature)


def _valley(curvature: float) -> np.ndarray:
    x = np.linspace(-1.3, 1.3, 41) * _start(curvature)
    return np.column_stack([x, curvature * x**2 / 2])


def _walk(count: int, learning_rate: float, curvature: float) -> np.ndarray:
    """The points that SGD visits on ½λx²: the path on a surface whose second direction stands still."""
    surface, start = quadratic((curvature, curvature)), (-_start(curvature), 0.0)
    path = trajectory(optimizer.SGD(learning_rate), surface, count, start)
    return np.column_stack([path[:, 0], surface(path)])


def _factors(highest_rate: float, curvature: float) -> list:
    """|1 − ηλ| against η: straight down to 0 at 1/λ, and up again."""
    return [(0, 1), (1 / curvature, 0), (3 * highest_rate, abs(1 - 3 * highest_rate * curvature))]


def _fate(learning_rate: float, curvature: float) -> str:
    """The factor of a step, and in words what such steps lead to."""
    factor = round(1 - learning_rate * curvature, 9)
    ends = [
        (factor == 0, "arrives in one step"),
        (factor < -1, "a growing zigzag"),
        (factor == -1, "a zigzag that stays"),
        (factor < 0, "a shrinking zigzag"),
        (factor >= 0.8, "creeps"),
        (True, "comes closer"),
    ]
    return f"factor {shown(factor)}, {next(words for holds, words in ends if holds)}"


# --------------------------------------------------------------------------------------------------- mini-batches

_BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128)
_BATCH_RATES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0)
_LONG_RUN, _UNTIL_BALANCED = 3000, 500  # steps, of which so many are left out of the noise floor


@dataclass(frozen=True)
class LeastSquares:
    """Examples for a model with two weights: its loss is the mean of ½ (prediction − target)² over them.

    Args:
        inputs: ``[n, 2]``.
        targets: ``[n]``.

    Example:
        >>> two = LeastSquares(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([3.0, 1.0]))
        >>> two.gradient(np.zeros(2)).tolist(), two.gradient(np.ones(2), [1]).tolist()
        ([-1.5, -1.0], [0.0, 2.0])
    """

    inputs: np.ndarray
    targets: np.ndarray

    def gradient(self, weights, chosen=slice(None)) -> np.ndarray:
        """Gradient of the mean loss over the chosen examples (or all), at weights of shape ``[..., 2]``."""
        inputs, targets = self.inputs[chosen], self.targets[chosen]
        return (weights @ inputs.T - targets) @ inputs / len(targets)

    def surface(self) -> Surface:
        """The loss over all examples, with a start where both weights are 0."""
        best = np.linalg.lstsq(self.inputs, self.targets, rcond=None)[0]
        return Surface(
            "least squares",
            lambda *weights: ((np.stack(weights, -1) @ self.inputs.T - self.targets) ** 2).mean(-1) / 2,
            lambda *weights: np.moveaxis(self.gradient(np.stack(weights, -1)), -1, 0),
            start=(0.0, 0.0),
            minima=(tuple(best.round(12).tolist()),),
            limits=((-0.75, 3.75), (-0.75, 2.45)),
            words="the loss over all examples",
            axes=("first weight", "second weight"),
        )


def noisy_examples(count=128, best=(2.0, 1.0), noise=1.5, seed=0) -> LeastSquares:
    """Examples made up so that the minimum is exactly at ``best``: their noise is one that no weights can follow.

    Example:
        >>> noisy_examples().surface().minima[0]
        (2.0, 1.0)
    """
    rng = np.random.default_rng(seed)
    inputs, errors = rng.standard_normal((count, 2)) * (1.0, 0.6), noise * rng.standard_normal(count)
    errors -= inputs @ np.linalg.lstsq(inputs, errors, rcond=None)[0]
    return LeastSquares(inputs, inputs @ best + errors)


def mini_batch_explorer(
    batch_sizes=_BATCHES, learning_rates=_BATCH_RATES, count=50, first=None, examples=None, seed=0, task=""
) -> Figure:
    """SGD on a model with two weights; batch size, learning rate and start to be chosen: path, loss and noise floor.

    The examples of each batch are drawn anew, so that the law 1/√B holds for all sizes. Beside it runs descent with all
    examples. One of the two starts is the minimum. Error and noise floor are measured, over 3,000 batches.

    Args:
        batch_sizes, learning_rates: Values of the sliders, increasing.
        count: Number of steps.
        first: Batch size and learning rate at first; by default 4 and 0.2.
        examples: A ``LeastSquares``; by default 128 made-up examples.
        seed: Of the draws.
        task: As in ``Figure``.

    Example:
        >>> mini_batch_explorer([1, 4, 16], [0.1, 0.2], first=(4, 0.2))
        Mini-batches beside the full batch, on a model with two weights (interactive; at batch size 4, learning rate \
0.2, start (0, 0), step 50)
          loss, mini-batches: 0.019
          loss, full batch: 4.5·10⁻⁵
          noise floor (long run): 0.037
          gradient’s relative error at the start: 0.87
          examples used: 200 (full batch 6,400)
    """
    examples = examples or noisy_examples()
    surface = examples.surface()
    batch, rate = map(slider, ("batch size", "learning rate"), (batch_sizes, learning_rates), first or (4, 0.2))
    start = place("start", [surface.start, surface.minima[0]])
    walks = functools.partial(_walks_of_batches, examples, learning_rates, start.values)
    draws = [_drawn(examples, size, seed) for size in batch_sizes]
    paths = {
        "mini-batches": ([path for drawn in draws for path in walks(drawn[:count])], [batch, rate, start]),
        "full batch": (walks([slice(None)] * count), [rate, start]),
    }
    looks = {
        "mini-batches": {"color": ORANGE, "marker": "s"},
        "full batch": {"color": GREY, "dash": "--", "marker": "o"},
    }
    walkers = [Series(name, *paths[name], **looks[name]) for name in ("full batch", "mini-batches")]
    losses = [
        Series(
            one.name,
            [against_step(above_minimum(surface, path)) for path in one.frames],
            one.controls,
            **looks[one.name],
        )
        for one in walkers
    ]
    floors = [floor for drawn in draws for floor in _noise_floors(examples, surface, learning_rates, drawn)]
    lines = [np.array([(0, floor), (count, floor)]) for floor in floors]
    floor = Series("noise floor", lines, [batch, rate], whole=True, color=ORANGE, dash=":", marker="None")
    total = len(examples.targets)
    used = [[f"{size * t:,} (full batch {total * t:,})" for t in range(count + 1)] for size in batch_sizes]
    return Figure(
        "mini-batches",
        "Mini-batches beside the full batch, on a model with two weights",
        [batch, rate, start, steps(count)],
        [surface_panel(surface, walkers, place=start), _descent_panel([floor, *losses], count)],
        [
            height("loss, mini-batches", losses[1]),
            height("loss, full batch", losses[0]),
            Readout("noise floor (long run)", list(map(_in_words, floors)), floor.controls, floor),
            Readout(
                "gradient’s relative error at the start",
                [_relative_error(examples, at, drawn) for drawn in draws for at in start.values],
                [batch, start],
            ),
            Readout("examples used", used, [batch]),
        ],
        task,
    )


def _descent_panel(series, count: int) -> Panel:
    return Panel(
        "Loss over all examples above its minimum against the step, for mini-batches and for the full batch, "
        "and a dotted line at the noise floor",
        Axis("step", 0, count),
        Axis("loss above the minimum", 1e-5, 1e1, log=True),
        series,
        title="loss over all examples, step by step",
    )


def _drawn(examples, size: int, seed: int) -> np.ndarray:
    """The numbers of the examples in each batch of a long run."""
    return np.random.default_rng(seed).integers(len(examples.targets), size=(_LONG_RUN, size))


def _walks_of_batches(examples, learning_rates, starts, batches) -> list:
    """The path of SGD for every learning rate and start, the starts fastest; all of them see the same batches."""
    sgd, rates = optimizer.SGD(), np.array(learning_rates)[:, None, None]
    points = [np.broadcast_to(starts, (len(learning_rates), len(starts), 2))]
    state = sgd.fresh_state(points[0])
    with np.errstate(all="ignore"):
        for chosen in batches:
            state.t += 1
            points.append(sgd.rule(points[-1], examples.gradient(points[-1], chosen), state, rates))
    return list(np.moveaxis(points, 0, 2).reshape(-1, len(points), 2))


def _noise_floors(examples, surface, learning_rates, batches) -> list:
    """For each learning rate the mean loss above the minimum, of a long run that begins there."""
    walks = _walks_of_batches(examples, learning_rates, surface.minima, batches)
    with np.errstate(over="ignore"):
        return [float(above_minimum(surface, walk[_UNTIL_BALANCED:]).mean().clip(max=1e99)) for walk in walks]


def _in_words(floor: float) -> str:
    return "none, the steps grow" if floor > 1e3 else shown(floor, 2)


def _relative_error(examples, at, batches) -> str:
    """How far the gradients of batches are from the true one, root mean square, in lengths of the true one."""
    single = np.array([examples.gradient(np.array(at), [k]) for k in range(len(examples.targets))])
    true = single.mean(axis=0)
    if np.linalg.norm(true) < 1e-9:
        return "infinite"
    misses = single[batches].mean(axis=1) - true
    return shown(np.sqrt((misses**2).sum(axis=1).mean()) / np.linalg.norm(true), 2)
