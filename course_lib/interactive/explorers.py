"""The interactive figures of the book. Each is a function that computes curves and puts them into a ``Figure``."""

from __future__ import annotations

import functools
import math
import re

import numpy as np

from .. import optimizer, plotting
from ..errors import choice
from ..looks import COLORS, GREY, look
from ..surfaces import named, trajectory
from . import svg
from .figure import Axis, Figure, Panel, Readout, Series, over, radio, shown, slider, steps

_PARTS_OF_THE_LIMIT = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0, 1.02, 1.1)


def learning_rate_explorer(surface="ravine", learning_rates=None, count=40, id=None, autoplay=False) -> Figure:
    """Gradient descent on a surface, with the learning rate under a slider: path, loss and outcome.

    Args:
        surface: A surface or the name of one.
        learning_rates: Values of the slider; by default fractions of the largest stable one, 2/λ_max at the minimum.
        count: Number of steps.
        id: Fixed name on the page; by default made from the surface's name.
        autoplay: Play once when the figure is first seen.

    Example:
        >>> learning_rate_explorer("bowl", [0.1, 0.5, 1.0, 2.0], count=20)
        Gradient descent on a round bowl (interactive; at learning rate 1, step 20)
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
        f"Gradient descent on {surface.words}",
        [rate, steps(count)],
        [surface_panel(surface, [descent]), loss_panel([("SGD", losses, [rate])], count)],
        [
            Readout("loss above the minimum", list(map(_loss_texts, losses)), [rate], descent),
            Readout(f"after {count} steps", [_outcome(path, loss) for path, loss in zip(paths, losses)], [rate]),
        ],
        autoplay,
    )


def momentum_explorer(
    surface="ravine", learning_rates=None, momenta=(0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99), count=40, id=None
) -> Figure:
    """Momentum on a surface, with learning rate and β under sliders: path, loss, and the map of all settings.

    The map is measured: each cell is the loss that the rule reaches in ``count`` steps. Over it lies the limit that
    theory gives for a quadratic surface, lr = 2 (1 + β) / λ_max.

    Args:
        surface: A surface or the name of one.
        learning_rates: Increasing values of the slider; by default fractions of 2/λ_max, up to more than twice that.
        momenta: Increasing values of β, from 0 to below 1.
        count: Number of steps.
        id: Fixed name on the page; by default made from the surface's name.

    Example:
        >>> momentum_explorer("ravine", [0.05, 0.1, 0.15], [0.0, 0.5, 0.9])
        Momentum on a long ravine (interactive; at learning rate 0.1, β 0.5, step 40)
          loss above the minimum: 4.03e-11
          after 40 steps: arrives, overshooting
          stable below the learning rate 2 (1 + β) / λ_max: 0.15
    """
    surface = named(surface)
    limit = _stability_limit(surface)
    if learning_rates is None:
        learning_rates = [float(f"{part * limit:.3g}") for part in (0.05, 0.1, *np.arange(0.2, 2.3, 0.2))]
    rate, beta = slider("learning rate", learning_rates), slider("β", momenta)
    paths = over([rate, beta], lambda lr, b: trajectory(optimizer.Momentum(lr, momentum=b), surface, count))
    losses = [_gap(surface, path) for path in paths]
    moving = Series("Momentum", paths, [rate, beta])
    return Figure(
        id or f"momentum-{_slug(surface.name)}",
        f"Momentum on {surface.words}",
        [rate, beta, steps(count)],
        [
            surface_panel(surface, [moving]),
            loss_panel([("Momentum", losses, [rate, beta])], count),
            _stability_map(rate, beta, losses, limit),
        ],
        [
            Readout("loss above the minimum", list(map(_loss_texts, losses)), [rate, beta], moving),
            Readout(f"after {count} steps", list(map(_outcome, paths, losses)), [rate, beta]),
            Readout(
                "stable below the learning rate 2 (1 + β) / λ_max", [shown(limit * (1 + b)) for b in momenta], [beta]
            ),
        ],
    )


def optimizer_race(
    surface, learning_rates, count=60, start=None, noise=0.0, seed=0, id=None, title=None, autoplay=False
) -> Figure:
    """Several optimizers on one surface from one start, each with a slider for its learning rate.

    Args:
        surface: A surface or the name of one, or a list of them for the reader to choose from.
        learning_rates: ``{optimizer: [learning rates]}``, with the names that figures use: those of the classes,
            ``"Nesterov"`` and ``"AMSGrad"``. Momentum is 0.9, everything else as the classes have it.
        count: Number of steps.
        start, noise, seed: As in ``surfaces.trajectory``.
        id: Fixed name on the page; by default made from the surfaces' names.
        title: Heading; by default it names the surface.
        autoplay: Play once when the figure is first seen.

    Raises:
        ValueError: There is no optimizer of that name.

    Example:
        >>> optimizer_race("bowl", {"SGD": [0.1, 0.5], "Adam": [0.1, 1.0]}, count=10)
        Race on a round bowl (interactive; at SGD 0.5, Adam 1, step 10)
          SGD, loss: 8.7e-06
          Adam, loss: 1.66
    """
    arenas = [named(one) for one in (surface if isinstance(surface, (list, tuple)) else [surface])]
    rates = {choice("optimizer", name, COLORS): slider(name, values) for name, values in learning_rates.items()}
    choose = [radio("surface", [arena.words for arena in arenas])] if len(arenas) > 1 else []
    panels, readouts = [], []
    for arena in arenas:
        runs = {
            name: over([rate], functools.partial(_run, name, arena, count, start, noise, seed))
            for name, rate in rates.items()
        }
        losses = {name: [_gap(arena, path) for path in paths] for name, paths in runs.items()}
        racers = [Series(name, runs[name], [rate]) for name, rate in rates.items()]
        when = (choose[0], arena.words) if choose else None
        panels.append(surface_panel(arena, racers, when=when))
        panels.append(loss_panel([(name, losses[name], [rate]) for name, rate in rates.items()], count, when=when))
        readouts += [
            Readout(f"{one.name}, loss", list(map(_loss_texts, losses[one.name])), one.controls, one, when)
            for one in racers
        ]
    return Figure(
        id or f"race-{_slug(' '.join(arena.name for arena in arenas))}",
        title or (f"Race on {arenas[0].words}" if not choose else "Race on a surface of your choice"),
        [*choose, *rates.values(), steps(count)],
        panels,
        readouts,
        autoplay,
    )


def _run(name: str, surface, count, start, noise, seed, learning_rate) -> np.ndarray:
    return trajectory(_make(name, learning_rate), surface, count, start, noise, seed)


def weight_decay_explorer(
    surface, learning_rates=(0.02, 0.05, 0.1, 0.2), decays=(0.0, 0.1, 0.5, 1.0, 2.0), scales=(0.1, 1.0, 10.0), count=80
) -> Figure:
    """Adam with L2 against AdamW on one loss: learning rate, decay and the scale of the loss under the hand.

    Args:
        surface: ``surface(scale, decay)`` returns the loss times ``scale`` plus ``decay``/2 ‖x‖² as a surface with one
            minimum. Adam walks over it; AdamW walks over ``surface(scale, 0)`` and decays beside it.
        learning_rates: Values of the slider.
        decays: Values of λ.
        scales: What the loss is multiplied by.
        count: Number of steps.

    Example:
        >>> from course_lib.surfaces import Surface
        >>> def towards_one(scale, decay):
        ...     return Surface(
        ...         "towards (1, 1)",
        ...         lambda x, y: (scale * ((x - 1) ** 2 + (y - 1) ** 2) + decay * (x * x + y * y)) / 2,
        ...         lambda x, y: (scale * (x - 1) + decay * x, scale * (y - 1) + decay * y),
        ...         start=(0.0, 2.0),
        ...         minima=((scale / (scale + decay), scale / (scale + decay)),),
        ...         limits=((-0.5, 1.5), (-0.5, 2.5)),
        ...     )
        >>> weight_decay_explorer(towards_one, [0.05, 0.1], [0.0, 1.0], [1.0, 2.0])
        Adam with L2 against AdamW (interactive; at the loss times 2, learning rate 0.1, λ 1, step 80)
          Adam with L2 ends at: (0.66, 0.67)
          AdamW ends at: (0.74, 0.74)
          minimum of the loss with L2: (0.67, 0.67)
    """
    scale = radio("the loss times", [f"{value:g}" for value in scales], f"{scales[len(scales) // 2]:g}")
    rate, decay = slider("learning rate", learning_rates), slider("λ", decays)
    controls = [scale, rate, decay]

    def with_l2(size, lr, strength):
        return trajectory(optimizer.Adam(lr), surface(float(size), strength), count)

    def decoupled(size, lr, strength):
        return trajectory(optimizer.AdamW(lr, weight_decay=strength), surface(float(size), 0.0), count)

    paths = {"Adam with L2": over(controls, with_l2), "AdamW": over(controls, decoupled)}
    looks = {"Adam with L2": _look("Adam"), "AdamW": _look("AdamW")}
    walkers = [Series(name, paths[name], controls, **looks[name]) for name in paths]
    goals = over([scale, decay], lambda size, strength: np.array(surface(float(size), strength).minima))
    goal = Series("minimum of the loss with L2", goals, [scale, decay], color=GREY, marker="D")
    lengths = [
        Series(name, [_length_over_time(path) for path in paths[name]], controls, **looks[name]) for name in paths
    ]
    highest = max(frame[:, 1].max() for one in lengths for frame in one.frames)
    label = f"Length of the parameter vector against the step, for {_listed(lengths)}"
    return Figure(
        "weight-decay",
        "Adam with L2 against AdamW",
        [*controls, steps(count)],
        [
            surface_panel(surface(1.0, 0.0), [goal, *walkers]),
            Panel(label, Axis("step", 0, count), Axis("‖x‖", 0, 1.05 * highest), lengths),
        ],
        [Readout(f"{one.name} ends at", list(map(_end, one.frames)), controls, one) for one in walkers]
        + [Readout(goal.name, list(map(_end, goals)), goal.controls, goal)],
    )


def _look(name: str) -> dict:
    """The look of an optimizer, for a curve that is called otherwise."""
    color, dash, marker = look(name).values()
    return {"color": color, "dash": dash, "marker": marker}


def _length_over_time(path) -> np.ndarray:
    return np.column_stack([np.arange(len(path)), np.linalg.norm(path, axis=1)])


def _end(path) -> str:
    return "({:.2f}, {:.2f})".format(*path[-1]).replace("-", "−")


def _make(name: str, learning_rate: float):
    """The optimizer that figures call ``name``."""
    variants = {
        "Momentum": lambda: optimizer.Momentum(learning_rate, momentum=0.9),
        "Nesterov": lambda: optimizer.Momentum(learning_rate, momentum=0.9, use_nesterov=True),
        "SGDW": lambda: optimizer.SGDW(learning_rate, momentum=0.9),
        "AMSGrad": lambda: optimizer.Adam(learning_rate, amsgrad=True),
    }
    return variants[name]() if name in variants else getattr(optimizer, name)(learning_rate)


# ------------------------------------------------------------------------------------------------ shared panels


def surface_panel(surface, series, levels: int = 12, when=None) -> Panel:
    """A panel with a surface's level lines and its minima."""
    surface = named(surface)
    x, y, z, heights = plotting.height_map(surface, levels, resolution=61)
    background = [*map(svg.line, plotting.level_lines(x, y, z, heights[1:])), svg.stars(surface.minima)]
    label = f"Level lines of {surface.words} with a star on each minimum, and the path of {_listed(series)}"
    axes = (Axis(name, *limits) for name, limits in zip("xy", surface.limits))
    return Panel(label, *axes, series, background, when)


def loss_panel(curves, count: int, decades: int = 8, when=None) -> Panel:
    """A panel with the loss against the step. ``curves``: ``(name, losses of every frame, controls)``."""
    highest = max(loss[0] for _, losses, _ in curves for loss in losses)
    top = 10.0 ** math.ceil(math.log10(highest) + 1)
    series = [
        Series(name, [np.column_stack([np.arange(len(loss)), loss]) for loss in losses], controls)
        for name, losses, controls in curves
    ]
    label = f"Loss above the minimum against the step, for {_listed(series)}"
    return Panel(label, Axis("step", 0, count), Axis("loss", top / 10.0**decades, top, log=True), series, when=when)


def _stability_map(rate, beta, losses, limit: float) -> Panel:
    """Learning rate × β: the fuller a cell, the less the loss had fallen; a dot on the setting that is shown."""
    ends = np.array([loss[-1] / loss[0] for loss in losses]).reshape(len(rate.values), len(beta.values))
    shades = np.clip(1 + np.log10(np.clip(ends, 1e-12, 1)) / 6, 0, 1)
    best = np.unravel_index(np.argmin(ends), ends.shape)
    b = np.linspace(0, 1, 50)
    background = [
        svg.cells(edges := _edges(rate.values), _edges(beta.values), shades.T),
        svg.line(np.column_stack([limit * (1 + b), b]), "limit"),
        svg.words((1.2 * limit + edges[-1]) / 2, 0.1, "unstable"),
        svg.stars([(rate.values[best[0]], beta.values[best[1]])]),
    ]
    here = Series("setting", over([rate, beta], lambda *point: np.array([point])), [rate, beta], marker="o")
    return Panel(
        "Map of learning rate and β: clear where the loss falls fast, filled where it does not, a star on the fastest, "
        "a dashed line at the stability limit of theory, a dot on the chosen setting",
        Axis("learning rate", edges[0], edges[-1]),
        Axis("β", *_edges(beta.values)[[0, -1]]),
        [here],
        background,
    )


def _edges(values) -> np.ndarray:
    """Limits of the cells around the values: half-way to the neighbours."""
    values = np.asarray(values, dtype=np.float64)
    middles = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middles[0]], middles, [2 * values[-1] - middles[-1]]])


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
