"""The interactive figures of the book. Each is a function that computes curves and puts them into a ``Figure``."""

from __future__ import annotations

import math
import re

import numpy as np

from .. import optimizer, plotting
from ..surfaces import named, trajectory
from . import svg
from .figure import Axis, Figure, Panel, Readout, Series, over, shown, slider, steps

_PARTS_OF_THE_LIMIT = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0, 1.02, 1.1)


def learning_rate_explorer(surface="ravine", learning_rates=None, count=40, id=None, autoplay=False) -> Figure:
    """Gradient descent on a surface, with the learning rate under a slider: path, loss and outcome.

    Args:
        surface: A surface or the name of one.
        learning_rates: Values of the slider; by default fractions of the largest stable one, 2/λ_max at the minimum.
        count: Number of steps.
        id: Fixed name on the page; by default made from the surface's name.
        autoplay: Play once when the page opens.

    Example:
        >>> learning_rate_explorer("bowl", [0.1, 0.5, 1.0, 2.0], count=20)
        Gradient descent on the surface “bowl”: choose the learning rate (interactive; at learning rate 1, step 20)
          loss above the minimum: below 1e-12
          after 20 steps: arrives, without overshooting
    """
    surface = named(surface)
    if learning_rates is None:
        learning_rates = [float(f"{part * _stability_limit(surface):.3g}") for part in _PARTS_OF_THE_LIMIT]
    rate = slider("learning rate", learning_rates)
    paths = over([rate], lambda lr: trajectory(optimizer.SGD(lr), surface, count))
    losses = [_gap(surface, path) for path in paths]
    descent = Series("SGD", paths, [rate])
    return Figure(
        id or f"learning-rate-{_slug(surface.name)}",
        f"Gradient descent on the surface “{surface.name}”: choose the learning rate",
        [rate, steps(count)],
        [surface_panel(surface, [descent]), loss_panel([("SGD", losses, [rate])], count)],
        [
            Readout("loss above the minimum", list(map(_loss_texts, losses)), [rate], descent),
            Readout(f"after {count} steps", [_outcome(path, loss) for path, loss in zip(paths, losses)], [rate]),
        ],
        autoplay,
    )


# ------------------------------------------------------------------------------------------------ shared panels


def surface_panel(surface, series, levels: int = 12) -> Panel:
    """A panel with a surface's level lines and its minima."""
    surface = named(surface)
    x, y, z, heights = plotting.height_map(surface, levels, resolution=61)
    background = [*map(svg.line, plotting.level_lines(x, y, z, heights[1:])), svg.stars(surface.minima)]
    label = f"Level lines of the surface {surface.name} with a star on each minimum, and the path of {_listed(series)}"
    axes = (Axis(name, *limits) for name, limits in zip("xy", surface.limits))
    return Panel(label, *axes, series, background)


def loss_panel(curves, count: int, decades: int = 8) -> Panel:
    """A panel with the loss against the step. ``curves``: ``(name, losses of every frame, controls)``."""
    highest = max(loss[0] for _, losses, _ in curves for loss in losses)
    top = 10.0 ** math.ceil(math.log10(highest) + 1)
    series = [
        Series(name, [np.column_stack([np.arange(len(loss)), loss]) for loss in losses], controls)
        for name, losses, controls in curves
    ]
    label = f"Loss above the minimum against the step, for {_listed(series)}"
    return Panel(label, Axis("step", 0, count), Axis("loss", top / 10.0**decades, top, log=True), series)


def _listed(series) -> str:
    return ", ".join(one.name for one in series)


# ------------------------------------------------------------------------------------------------ what is measured


def _stability_limit(surface) -> float:
    """2/λ_max, with the curvature at the first minimum from differences of the gradient."""
    h = 1e-5 * np.eye(2)
    hessian = (surface.gradient(surface.minima[0] + h) - surface.gradient(surface.minima[0] - h)) / 2e-5
    return 2 / float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])


def _gap(surface, path) -> np.ndarray:
    """Loss above the minimum along a path; infinite once the path has left for infinity.

    What lies below 1e-12 is rounding error, different on each machine, and counts as 0.
    """
    with np.errstate(all="ignore"):
        gap = surface(path) - surface(surface.minima[0])
    return np.where(np.isfinite(gap), np.where(gap < 1e-12, 0, gap), np.inf)


def _loss_texts(losses) -> list[str]:
    return [shown(value) if value else "below 1e-12" for value in losses]


def _outcome(path, loss) -> str:
    """What happened, judged from the path: did the loss fall, and did the first steps turn back on each other?"""
    if loss[-1] > 1.01 * loss[0]:
        return "diverges"
    moves = np.diff(path[:12], axis=0)
    overshoots = np.sum(np.sum(moves[1:] * moves[:-1], axis=1) < 0) >= 2
    arrives = "arrives" if loss[-1] < 1e-3 * loss[0] else "has not arrived"
    return f"{arrives}, overshooting" if overshoots else f"{arrives}, without overshooting"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
