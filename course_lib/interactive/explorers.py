"""The interactive figures of the book. Each is a function that computes curves and puts them into a ``Figure``."""

from __future__ import annotations

import functools
import itertools
import math
import re

import numpy as np

from .. import optimizer, plotting
from ..errors import choice
from ..looks import COLORS, GREY, look
from ..surfaces import named, trajectory
from . import svg
from .figure import Axis, Figure, Panel, Readout, Series, against_step, height, over, place, radio, slider, steps
from .shorthand import shown

_TO_THE_LIMIT = (
    0.01,
    0.02,
    0.03,
    0.05,
    0.07,
    0.1,
    0.15,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    0.95,
    0.98,
    1.0,
    1.02,
    1.1,
)
_BEYOND_THE_LIMIT = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2)
_DECAYS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)
_SCALES = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)
_MOMENTA = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)


def learning_rate_explorer(
    surface="ravine", learning_rates=None, count=40, first=None, starts=None, id=None, task="", autoplay=False
) -> Figure:
    """Gradient descent on a surface, its learning rate and its start to be chosen: path, loss and outcome.

    Args:
        surface: A surface or the name of one.
        learning_rates: Values of the slider; by default fractions of the largest stable one, 2/λ_max at the minimum.
        count: Number of steps.
        first: The learning rate at first; by default the middle one.
        starts: Points to choose from, the surface's own start among them; by default a grid.
        id: Fixed name on the page; by default made from the surface's name.
        task, autoplay: As in ``Figure``.

    Example:
        >>> learning_rate_explorer("bowl", [0.1, 0.5, 1.0, 2.0], count=20)
        Gradient descent on a round bowl (interactive; at learning rate 1, start (−4, 1.5), step 20)
          loss above the minimum: below 10⁻¹²
          after 20 steps: arrives, without overshooting
    """
    surface = named(surface)
    rate = slider("learning rate", _up_to_the_limit(surface, _TO_THE_LIMIT, learning_rates), first)
    start = place("start", starts or _starts(surface), surface.start)
    paths = over([rate, start], lambda lr, at: trajectory(optimizer.SGD(lr), surface, count, at))
    losses = [above_minimum(surface, path) for path in paths]
    loss = loss_panel([("SGD", losses, [rate, start])], count)
    outcomes = [_outcome(surface, path) for path in paths]
    return Figure(
        id or f"learning-rate-{_slug(surface.name)}",
        f"Gradient descent on {surface.words}",
        [rate, start, steps(count)],
        [surface_panel(surface, [Series("SGD", paths, [rate, start])], place=start), loss],
        [
            height("loss above the minimum", loss.series[0]),
            Readout(f"after {count} steps", outcomes, [rate, start]),
        ],
        task,
        autoplay,
    )


def momentum_explorer(
    surface="ravine", learning_rates=None, momenta=_MOMENTA, count=40, first=None, starts=None, id=None, task=""
) -> Figure:
    """Momentum on a surface; learning rate, β and start to be chosen: path, loss, and the map of all settings.

    The map is measured: each cell is the loss that the rule reaches in ``count`` steps from the surface's own start.
    Over it lies the limit that theory gives for a quadratic surface, lr = 2 (1 + β) / λₘₐₓ.

    Args:
        surface: A surface or the name of one.
        learning_rates: Increasing values of the slider; by default fractions of 2/λ_max, up to more than twice that.
        momenta: Increasing values of β, from 0 to below 1.
        count: Number of steps.
        first: Learning rate and β at first; by default those in the middle.
        starts: Points to choose from, the surface's own start among them; by default it and one on each axis.
        id: Fixed name on the page; by default made from the surface's name.
        task: As in ``Figure``.

    Example:
        >>> momentum_explorer("ravine", [0.05, 0.1, 0.15], [0.0, 0.5, 0.9])
        Momentum on a long ravine (interactive; at learning rate 0.1, momentum β 0.5, start (−4, 1.5), step 40)
          loss above the minimum: 4·10⁻¹¹
          after 40 steps: arrives, overshooting
          stable below the learning rate 2 (1 + β) / λₘₐₓ: 0.15
    """
    surface = named(surface)
    rates = _up_to_the_limit(surface, _BEYOND_THE_LIMIT, learning_rates)
    rate, beta = (slider(*one) for one in zip(("learning rate", "momentum β"), (rates, momenta), first or (None, None)))
    own = surface.start
    start = place("start", starts or [own, (own[0], 0.0), (0.0, own[1])], own)
    controls = [rate, beta, start]
    paths = over(controls, lambda lr, b, at: trajectory(optimizer.Momentum(lr, momentum=b), surface, count, at))
    losses = [above_minimum(surface, path) for path in paths]
    loss = loss_panel([("Momentum", losses, controls)], count)
    limit = _stability_limit(surface)
    from_own_start = losses[start.values.index(start.values[start.start]) :: len(start.values)]
    return Figure(
        id or f"momentum-{_slug(surface.name)}",
        f"Momentum on {surface.words}",
        [*controls, steps(count)],
        [
            surface_panel(surface, [Series("Momentum", paths, controls)], place=start),
            loss,
            _stability_map(rate, beta, from_own_start, limit),
        ],
        [
            height("loss above the minimum", loss.series[0]),
            Readout(f"after {count} steps", [_outcome(surface, path) for path in paths], controls),
            Readout(
                "stable below the learning rate 2 (1 + β) / λₘₐₓ", [shown(limit * (1 + b)) for b in momenta], [beta]
            ),
        ],
        task,
    )


def optimizer_race(
    surface,
    learning_rates,
    count=60,
    first=None,
    grid=(3, 3),
    noise=0.0,
    seed=0,
    id=None,
    title=None,
    task="",
    autoplay=False,
) -> Figure:
    """Several optimizers on one surface from one start, each with a slider for its learning rate.

    Args:
        surface: A surface or the name of one, or a list of them for the reader to choose from.
        learning_rates: ``{optimizer: [learning rates]}``, with the names that figures use: those of the classes,
            ``"Nesterov"`` and ``"AMSGrad"``. Momentum is 0.9, everything else as the classes have it.
        count: Number of steps.
        first: ``{optimizer: learning rate}`` at first, for those that do not begin in the middle.
        grid: Columns and rows of starts to choose from on each surface; the one nearest to its own gives way to that.
        noise, seed: As in ``surfaces.trajectory``.
        id: Fixed name on the page; by default made from the surfaces' names.
        title, task, autoplay: As in ``Figure``; by default the title names the surface.

    Raises:
        ValueError: There is no optimizer of that name.

    Example:
        >>> optimizer_race("bowl", {"SGD": [0.1, 0.5], "Adam": [0.1, 1.0]}, count=10)
        Race on a round bowl (interactive; at SGD 0.5, Adam 1, start (−4, 1.5), step 10)
          SGD, loss: 8.7·10⁻⁶
          Adam, loss: 1.7
    """
    arenas = [named(one) for one in (surface if isinstance(surface, (list, tuple)) else [surface])]
    rates = {
        choice("optimizer", name, COLORS): slider(name, values, (first or {}).get(name))
        for name, values in learning_rates.items()
    }
    choose = [radio("surface", [arena.words for arena in arenas])] if len(arenas) > 1 else []
    places, panels, readouts = [], [], []
    for arena in arenas:
        when = (choose[0], arena.words) if choose else None
        start = place("start", _starts(arena, *grid), arena.start, when)
        run = functools.partial(_run, surface=arena, count=count, noise=noise, seed=seed)
        runs = {name: over([rate, start], functools.partial(run, name)) for name, rate in rates.items()}
        racers = [Series(name, runs[name], [rate, start]) for name, rate in rates.items()]
        losses = [(one.name, [above_minimum(arena, path) for path in one.frames], one.controls) for one in racers]
        places.append(start)
        panels += [surface_panel(arena, racers, when=when, place=start), loss_panel(losses, count, when=when)]
        readouts += [Readout(f"{one.name}, loss", "{y}", (), one, when) for one in panels[-1].series]
    return Figure(
        id or f"race-{_slug(' '.join(arena.name for arena in arenas))}",
        title or (f"Race on {arenas[0].words}" if not choose else "Race on a surface of your choice"),
        [*choose, *rates.values(), *places, steps(count)],
        panels,
        readouts,
        task,
        autoplay,
    )


def _run(name: str, learning_rate, start, surface, count, noise, seed) -> np.ndarray:
    return trajectory(_make(name, learning_rate), surface, count, start, noise, seed)


def weight_decay_explorer(surface, decays=None, scales=None, learning_rate=0.1, count=80, task="") -> Figure:
    """Adam with L2 against AdamW on one loss: the decay and the scale of the loss to be chosen.

    Args:
        surface: ``surface(scale, decay)`` returns the loss times ``scale`` plus ``decay``/2 ‖x‖² as a surface with one
            minimum. Adam walks over it; AdamW walks over ``surface(scale, 0)`` and decays beside it.
        decays: Values of λ; by default 0 to 2.
        scales: What the loss is multiplied by; by default a tenth to ten.
        learning_rate: Of both.
        count: Number of steps.
        task: As in ``Figure``.

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
        >>> weight_decay_explorer(towards_one, [0.0, 1.0], [1.0, 2.0])
        Adam with L2 against AdamW (interactive; at decay λ 1, loss times 2, step 80)
          Adam with L2 ends at: (0.66, 0.67)
          AdamW ends at: (0.74, 0.74)
          minimum of the loss with L2: (0.67, 0.67)
    """
    decay = slider("decay λ", decays or _DECAYS, None if decays else 0.5)
    scale = slider("loss times", scales or _SCALES, None if scales else 1.0)
    controls = [decay, scale]

    def with_l2(strength, size):
        return trajectory(optimizer.Adam(learning_rate), surface(size, strength), count)

    def decoupled(strength, size):
        return trajectory(optimizer.AdamW(learning_rate, weight_decay=strength), surface(size, 0.0), count)

    paths = {"Adam with L2": over(controls, with_l2), "AdamW": over(controls, decoupled)}
    looks = {"Adam with L2": _look("Adam"), "AdamW": _look("AdamW")}
    walkers = [Series(name, paths[name], controls, **looks[name]) for name in paths]
    goals = over(controls, lambda strength, size: np.array(surface(size, strength).minima))
    goal = Series("minimum of the loss with L2", goals, controls, color=GREY, marker="D")
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
            Panel(
                label, Axis("step", 0, count), Axis("‖x‖", 0, 1.05 * highest), lengths, title="length of the parameters"
            ),
        ],
        [Readout(f"{one.name} ends at", list(map(_end, one.frames)), controls, one) for one in walkers]
        + [Readout(goal.name, list(map(_end, goals)), goal.controls, goal)],
        task,
    )


def _look(name: str) -> dict:
    """The look of an optimizer, for a curve that is called otherwise."""
    color, dash, marker = look(name).values()
    return {"color": color, "dash": dash, "marker": marker}


def _length_over_time(path) -> np.ndarray:
    return against_step(np.linalg.norm(path, axis=1))


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


def surface_panel(surface, series, levels: int = 12, when=None, place=None) -> Panel:
    """A panel with a surface's level lines and its minima; ``place`` is the control that sets the start."""
    surface = named(surface)
    x, y, z, heights = plotting.height_map(surface, levels, resolution=61)
    background = [*map(svg.line, plotting.level_lines(x, y, z, heights[1:])), svg.stars(surface.minima)]
    label = f"Level lines of {surface.words} with a star on each minimum, and the path of {_listed(series)}"
    axes = (Axis(name, *limits) for name, limits in zip(surface.axes, surface.limits))
    return Panel(label, *axes, series, background, when, place, "path from the start")


def loss_panel(curves, count: int, decades: int = 8, when=None) -> Panel:
    """A panel with the loss against the step. ``curves``: ``(name, losses of every frame, controls)``."""
    highest = max(loss[0] for _, losses, _ in curves for loss in losses)
    top = 10.0 ** math.ceil(math.log10(highest) + 1)
    series = [Series(name, list(map(against_step, losses)), controls) for name, losses, controls in curves]
    label = f"Loss above the minimum against the step, for {_listed(series)}"
    return Panel(
        label,
        Axis("step", 0, count),
        Axis("loss above the minimum", top / 10.0**decades, top, log=True),
        series,
        when=when,
        title="loss, step by step",
    )


def _stability_map(rate, beta, losses, limit: float) -> Panel:
    """Learning rate × β: the fuller a cell, the less the loss had fallen; a dot on the setting that is shown."""
    ends = np.array([loss[-1] / loss[0] for loss in losses]).reshape(len(rate.values), len(beta.values))
    shades = np.clip(1 + np.log10(np.clip(ends, 1e-12, 1)) / 6, 0, 1)
    best = np.unravel_index(np.argmin(ends), ends.shape)
    b = np.linspace(0, 1, 50)
    background = [
        svg.cells(edges := svg.edges(rate.values), svg.edges(beta.values), shades.T),
        svg.limit(np.column_stack([limit * (1 + b), b]), "limit of theory"),
        svg.stars([(rate.values[best[0]], beta.values[best[1]])]),
    ]
    here = Series("setting", over([rate, beta], lambda *point: np.array([point])), [rate, beta], marker="o")
    return Panel(
        "Map of learning rate and β: clear where the loss falls fast, filled where it does not, a star on the fastest, "
        "a dashed line at the stability limit of theory, a dot on the chosen setting",
        Axis("learning rate", edges[0], edges[-1]),
        Axis("momentum β", *svg.edges(beta.values)[[0, -1]]),
        [here],
        background,
        title="all settings: filled where slow",
    )


def _listed(series) -> str:
    return ", ".join(one.name for one in series)


# ------------------------------------------------------------------------------------------------ what is measured


def _starts(surface, columns=5, rows=3) -> list:
    """Points on a grid over the part worth drawing, none at a minimum; the surface's own start replaces its nearest."""
    inner = (np.linspace(*limits, number + 2)[1:-1] for limits, number in zip(surface.limits, (columns, rows)))
    grid = np.array([(round(x, 2), round(y, 2)) for x, y in itertools.product(*inner)]) + 0.0
    span = np.ptp(surface.limits, axis=1)
    grid[np.argmin(np.linalg.norm((grid - surface.start) / span, axis=1))] = surface.start
    gaps = np.linalg.norm((grid[:, None] - np.array(surface.minima)) / span, axis=2).min(axis=1)
    return [tuple(point) for point, gap in zip(grid.tolist(), gaps) if gap > 0.02]


def _up_to_the_limit(surface, parts, learning_rates) -> list:
    if learning_rates is not None:
        return learning_rates
    limit = _stability_limit(surface)
    return [float(f"{part * limit:.3g}") for part in parts]


def _stability_limit(surface) -> float:
    """2/λ_max, with the curvature at the first minimum from differences of the gradient."""
    h = 1e-5 * np.eye(2)
    hessian = (surface.gradient(surface.minima[0] + h) - surface.gradient(surface.minima[0] - h)) / 2e-5
    return 2 / float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])


def above_minimum(surface, path) -> np.ndarray:
    """Loss above the minimum along a path; infinite once the path has left for infinity.

    What lies below 1e-12 is rounding error, different on each machine, and counts as 0.
    """
    with np.errstate(all="ignore"):
        gap = surface(path) - surface(surface.minima[0])
    return np.where(np.isfinite(gap), np.where(gap < 1e-12, 0, gap), np.inf)


def _outcome(surface, path) -> str:
    """What happened, judged from the path: did the loss fall, and did a coordinate pass the minimum?"""
    loss = above_minimum(surface, path)
    if loss[-1] > 1.01 * loss[0]:
        return "diverges"
    nearest = min(surface.minima, key=lambda minimum: np.linalg.norm(path[-1] - minimum))
    beside = path - nearest
    far = np.abs(beside) > 0.01 * np.linalg.norm(beside[0])
    overshoots = any(len(set(np.sign(beside[far[:, k], k]))) > 1 for k in (0, 1))
    arrives = "arrives" if loss[-1] < 1e-3 * loss[0] else "has not arrived"
    return f"{arrives}, overshooting" if overshoots else f"{arrives}, without overshooting"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
