"""Interactive figure of averages: a noisy walk to a minimum, and the moving average of the places it visits."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from .. import optimizer
from ..looks import COLORS, GREY, OCHRE
from ..optimizer.averaging import exponential_average
from ..surfaces import bowl, trajectory
from . import svg
from .figure import Axis, Figure, Panel, Readout, Series, against_step, height, over, slider, steps
from .shorthand import shown

_RATES = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
_DECAYS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
_MINIMUM, _START = 3.0, 6.0  # the minimum is not at 0, where an average that is not corrected begins
_LINE_OF_EMA = {"color": COLORS["EMA"], "marker": "None"}
_WALKS = 30  # so many go into the mean distance


def average_explorer(learning_rates=_RATES, decays=_DECAYS, count=80, first=(0.5, 0.9), task="") -> Figure:
    """SGD with noise on a parabola, and the average of its weight: learning rate and β to be chosen.

    The gradient at x is x - 3 plus normal noise of standard deviation 1, the start is 6. Beside the average with
    the correction of its bias goes one without: both start at 0. The second panel has the mean
    squared distance from the minimum in the second half of 30 such walks, for every β.

    Args:
        learning_rates, decays: Values of the two sliders; decays in [0, 1).
        count: Number of steps.
        first: Learning rate and β at first.
        task: As in ``Figure``.

    Example:
        >>> average_explorer((0.1, 0.5), (0.0, 0.9), first=(0.5, 0.9))
        A noisy walk and its average (interactive; at learning rate 0.5, β 0.9, step 80)
          the weight: 3.61
          its average: 3.32
          average from 0, not corrected: 3.32
          steps that count, 1/(1 − β): 10
    """
    rate, beta = slider("learning rate", learning_rates, first[0]), slider("β", decays, first[1])
    walks = [_walks(lr, count) for lr in learning_rates]
    corrected = [_averages(walk, decay) for walk in walks for decay in decays]
    raw = over([rate, beta], lambda lr, decay: _raw_average(walks[rate.values.index(lr)][:, 0], decay))
    path = [
        Series("SGD", [against_step(walk[:, 0]) for walk in walks], [rate]),
        Series("EMA", [against_step(average[:, 0]) for average in corrected], [rate, beta]),
        Series("not corrected", list(map(against_step, raw)), [rate, beta], color=OCHRE, dash=":", marker="v"),
    ]
    return Figure(
        "average-of-a-walk",
        "A noisy walk and its average",
        [rate, beta, steps(count)],
        [_walk_panel(path, count), _distance_panel(rate, beta, walks, corrected)],
        [
            height("the weight", path[0]),
            height("its average", path[1]),
            height("average from 0, not corrected", path[2]),
            Readout("steps that count, 1/(1 − β)", [shown(1 / (1 - decay)) for decay in decays], [beta]),
        ],
        task,
    )


def _walks(learning_rate: float, count: int) -> np.ndarray:
    """The weight before every step and after the last: ``[count + 1, walks]``."""
    start = (_START - _MINIMUM, 0)
    sgd = optimizer.SGD(learning_rate)
    return _MINIMUM + np.stack(
        [trajectory(sgd, bowl, count, start, noise=1.0, seed=seed)[:, 0] for seed in range(_WALKS)], axis=1
    )


def _averages(walk: np.ndarray, decay: float) -> np.ndarray:
    """What ``EMA`` with ``correction="bias"`` makes of it: the newest weight comes in after each step."""
    settings, averages = SimpleNamespace(correction="bias", decay=decay), [walk[0]]
    for t, weight in enumerate(walk[1:], 1):
        averages.append(exponential_average(averages[-1], weight, optimizer.EMA.decay_at(settings, t)))
    return np.array(averages)


def _raw_average(walk: np.ndarray, decay: float) -> np.ndarray:
    averages = [0.0]
    for weight in walk[1:]:
        averages.append(exponential_average(averages[-1], weight, decay))
    return np.array(averages)


def _walk_panel(path, count: int) -> Panel:
    label = "The weight against the step: the walk, its average, and an average that starts at 0"
    axes = Axis("step", 0, count), Axis("weight", -0.5, 7)
    level = svg.line([(0, _MINIMUM), (count, _MINIMUM)])
    return Panel(label, *axes, path, [level], title="the walk and its averages")


def _distance_panel(rate, beta, walks, corrected) -> Panel:
    memories = [1 / (1 - decay) for decay in beta.values]
    ends = memories[0], memories[-1]
    of_walks = [_late_distance(walk) for walk in walks]
    of_averages = np.reshape([_late_distance(average) for average in corrected], (len(walks), len(memories)))
    lines = [
        Series("walks", [[(end, far) for end in ends] for far in of_walks], [rate], True, color=GREY, marker="None"),
        Series("averages", [np.column_stack([memories, row]) for row in of_averages], [rate], True, **_LINE_OF_EMA),
    ]
    dots = [np.array([(memory, far)]) for row in of_averages for memory, far in zip(memories, row)]
    return Panel(
        "Mean squared distance from the minimum in the second half of 30 walks, against the number of steps that count "
        "in the average: a level line for the walks, a curve for their averages, a dot at the chosen β",
        Axis("steps that count, 1/(1 − β)", *ends, log=True),
        Axis("squared distance", 1e-3, 10, log=True),
        [*lines, Series("setting", dots, [rate, beta], color=COLORS["EMA"])],
        title="distance from the minimum, late",
    )


def _late_distance(walks: np.ndarray) -> float:
    """Mean squared distance from the minimum in the second half."""
    return float(((walks[len(walks) // 2 :] - _MINIMUM) ** 2).mean())
