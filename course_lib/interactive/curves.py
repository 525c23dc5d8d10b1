"""Interactive figures of quantities over time: Adam's state, schedules, the learning-rate range test."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from .. import optimizer
from ..looks import BLUE, GREEN, GREY, ORANGE, PINK
from ..optimizer import lr as schedules
from . import svg
from .figure import Axis, Figure, Panel, Readout, Series, against_step, height, over, radio, slider, steps
from .shorthand import Formula, shown

_BETA2S = (0.5, 0.6, 0.7, 0.8, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.993, 0.995, 0.998, 0.999, 0.9995)
_NOISES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0)
_COUNT = 60  # steps of a schedule
_LONG_AGO = 10**6  # after so many steps the bias correction divides by 1
_STALLED = 20  # from this step on, the loss that ReduceOnPlateau watches stands still


def adam_state_explorer(beta2s=_BETA2S, noises=_NOISES, count=60, seed=0, id="adam-state", task="") -> Figure:
    """Adam's averages and steps under a noisy gradient, with and without the correction of their bias.

    The gradient is 1 plus normal noise. Without correction means: the same rule, told that a million steps have
    passed, so that it divides by 1 - β^t = 1. Steps are shown in multiples of the learning rate.

    Args:
        beta2s: Values of β₂; it begins at 0.999 if that is among them, else in the middle.
        noises: Standard deviations of the noise; it begins in the middle.
        count: Number of steps.
        seed: Seed of the noise.
        id: Fixed name on the page.
        task: As in ``Figure``.

    Example:
        >>> adam_state_explorer(noises=(0.0, 1.0, 2.0), count=40)
        Adam under a noisy gradient, with and without bias correction (interactive; at β₂ 0.999, noise 1, step 40)
          gradient: 2.49
          m̂, the corrected mean: 1.13
          √v̂, the corrected root mean square: 1.23
          m, not corrected: 1.12
          √v, not corrected: 0.24
          step / learning rate: 0.9
          step / learning rate without correction: 4.6
    """
    beta2 = slider("β₂", beta2s, 0.999 if 0.999 in beta2s else None)
    noise = slider("noise", noises)
    runs = over([beta2, noise], lambda b, sigma: _adam_run(b, sigma, count, seed, before=0))
    raw = over([beta2, noise], lambda b, sigma: _adam_run(b, sigma, count, seed, before=_LONG_AGO))

    def curve(name, frames, attribute, of_beta2=True, **look):
        controls, frames = ([beta2, noise], frames) if of_beta2 else ([noise], frames[: len(noises)])
        return Series(name, [against_step(getattr(run, attribute), first=1) for run in frames], controls, **look)

    averages = [
        curve("gradient", runs, "g", of_beta2=False, color=GREY, dash=":", marker="o"),
        curve("m̂, the corrected mean", runs, "m", of_beta2=False, color=BLUE, marker="s"),
        curve("√v̂, the corrected root mean square", runs, "root_v", color=ORANGE, marker="^"),
        curve("m, not corrected", raw, "m", of_beta2=False, color=BLUE, dash="--", marker="D"),
        curve("√v, not corrected", raw, "root_v", color=ORANGE, dash="--", marker="v"),
    ]
    sizes = [
        curve("step / learning rate", runs, "step", color=PINK, marker="X"),
        curve("step / learning rate without correction", raw, "step", color=GREEN, dash="--", marker="P"),
    ]
    return Figure(
        id,
        "Adam under a noisy gradient, with and without bias correction",
        [beta2, noise, steps(count - 1, format=lambda k: str(k + 1))],
        [
            _panel_over_time(
                "gradient and averages", "The gradient and Adam's averages against the step", "value", averages, count
            ),
            _panel_over_time(
                "length of the step",
                "Adam's step in multiples of the learning rate, against the step",
                "step / learning rate",
                sizes,
                count,
            ),
        ],
        [height(one.name, one) for one in averages + sizes],
        task,
    )


def schedule_designer(schedule="step decay", id="schedule-designer", task="") -> Figure:
    """Every schedule of the library, its parameters under sliders: learning rate against step, and the formula.

    ``ReduceOnPlateau`` watches a loss; here it is one that falls until step 20 and then stands still.

    Args:
        schedule: The one that is shown at first.
        id: Fixed name on the page.
        task: As in ``Figure``.

    Example:
        >>> schedule_designer("cosine")
        Design a schedule (interactive; at schedule cosine, T_max 60, eta_min 0, step 60)
          learning rate: 0
          formula: 0 + (0.1 − 0) · (1 + cos(π t / 60)) / 2
    """
    kind = radio("schedule", list(_DESIGNS), schedule)
    controls, lines, readouts = [kind], [], []
    for name, design in _DESIGNS.items():
        when = (kind, name)
        sliders = [slider(label, *values, when=when) for label, values in design.sliders.items()]
        if design.curve:
            curves = Formula(design.curve, _COUNT)
        else:
            curves = over(sliders, lambda *values, make=design.make: against_step(_rates(make(*values))))
        lines.append(Series(name, curves, sliders, whole=True, stairs=True, color=BLUE, when=when))
        controls += sliders
        readouts += [height("learning rate", lines[-1]), Readout("formula", design.words, sliders, when=when)]
    label = "The learning rate against the step, for the chosen schedule"
    axes = Axis("step t", 0, _COUNT), Axis("learning rate", 0, 0.105)
    panel = Panel(label, *axes, lines, title="the learning rate over time")
    return Figure(id, "Design a schedule", [*controls, steps(_COUNT)], [panel], readouts, task)


def _rates(schedule) -> np.ndarray:
    """The learning rates of the steps 0 to ``_COUNT``."""
    if not schedule.watches_metric:
        return schedule.at(np.arange(_COUNT + 1))
    rates = [schedule()]
    for step in range(_COUNT):
        schedule.step(1 / (1 + min(step, _STALLED)))
        rates.append(schedule())
    return np.array(rates)


def _numbers(low, high, step, first) -> tuple:
    """Values of a slider, from low to high in equal steps, and the one at first."""
    count = round((high - low) / step) + 1
    kind = int if isinstance(step, int) else float
    return [kind(f"{value:.4g}") for value in np.linspace(low, high, count)], first


@dataclass(frozen=True)
class _Design:
    """A schedule: its parameters as sliders, the schedule of the library, and its formula.

    ``curve`` is the formula for the page (see ``Formula``), None if there is none in closed form, and the library's
    values are stored; ``words`` is the formula to be read.
    """

    sliders: dict
    make: Callable
    curve: str | None
    words: str


_GAMMAS = _numbers(0.05, 0.95, step=0.05, first=0.5)
_FACTORS = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0]
_TOP = f"({_COUNT + 1} * phase_pct - 1)"  # the step at which one cycle is highest
_DESIGNS = {
    "step decay": _Design(
        {"step_size": _numbers(2, 40, step=2, first=20), "gamma": _GAMMAS},
        lambda size, gamma: schedules.StepDecay(0.1, size, gamma),
        "0.1 * gamma ** floor(t / step_size)",
        "0.1 · {gamma}^⌊t / {step_size}⌋",
    ),
    "multi-step": _Design(
        {
            "first": _numbers(2, 30, step=2, first=20),
            "second": _numbers(32, 60, step=2, first=50),
            "gamma": _GAMMAS,
        },
        lambda first, second, gamma: schedules.MultiStepDecay(0.1, [first, second], gamma),
        "0.1 * gamma ** (1 * (t >= first) + (t >= second))",
        "0.1 · {gamma} from step {first} on, · {gamma} again from {second} on",
    ),
    "piecewise": _Design(
        {
            "boundary": _numbers(4, 56, step=2, first=30),
            "value": _numbers(0.005, 0.095, step=0.005, first=0.02),
        },
        lambda boundary, value: schedules.PiecewiseDecay([boundary], [0.1, value]),
        "0.1 * (t < boundary) + value * (t >= boundary)",
        "0.1 for t < {boundary}, then {value}",
    ),
    "exponential": _Design(
        {"gamma": _numbers(0.8, 0.99, step=0.01, first=0.95)},
        lambda gamma: schedules.ExponentialDecay(0.1, gamma),
        "0.1 * gamma ** t",
        "0.1 · {gamma}^t",
    ),
    "natural exponential": _Design(
        {"gamma": _numbers(0.01, 0.2, step=0.01, first=0.05)},
        lambda gamma: schedules.NaturalExpDecay(0.1, gamma),
        "0.1 * exp(-gamma * t)",
        "0.1 · e^(−{gamma} t)",
    ),
    "1/t": _Design(
        {"gamma": ([0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0], 0.1)},
        lambda gamma: schedules.InverseTimeDecay(0.1, gamma),
        "0.1 / (1 + gamma * t)",
        "0.1 / (1 + {gamma} t)",
    ),
    "any function": _Design(
        {"k": _numbers(1, 60, step=1, first=20)},
        lambda k: schedules.LambdaDecay(0.1, lambda t: 1 / math.sqrt(1 + t / k)),
        "0.1 / sqrt(1 + t / k)",
        "0.1 · f(t), with f(t) = 1 / √(1 + t / {k})",
    ),
    "any factors": _Design(
        {"k": _numbers(2, 60, step=1, first=20)},
        lambda k: schedules.MultiplicativeDecay(0.1, lambda t: 1 - 1 / (k + t)),
        "0.1 * k / (k + t)",  # the product of the factors (k + t - 1) / (k + t)
        "0.1 · f(1) · f(2) · … · f(t), with f(t) = 1 − 1 / ({k} + t)",
    ),
    "polynomial": _Design(
        {
            "power": ([0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0], 1.0),
            "decay_steps": _numbers(10, 60, step=2, first=60),
        },
        lambda power, length: schedules.PolynomialDecay(0.1, length, end_lr=0.0, power=power),
        "0.1 * (1 - min(t, decay_steps) / decay_steps) ** power",
        "0.1 · (1 − min(t, {decay_steps}) / {decay_steps})^{power}",
    ),
    "cosine": _Design(
        {"T_max": _numbers(10, 60, step=2, first=60), "eta_min": _numbers(0.0, 0.1, step=0.005, first=0.0)},
        lambda length, low: schedules.CosineAnnealingDecay(0.1, length, eta_min=low),
        "eta_min + (0.1 - eta_min) * (1 + cos(pi * t / T_max)) / 2",
        "{eta_min} + (0.1 − {eta_min}) · (1 + cos(π t / {T_max})) / 2",
    ),
    "warm restarts": _Design(
        {"T_0": _numbers(4, 34, step=2, first=8), "T_mult": ([1, 2, 3], 2)},
        lambda first, factor: schedules.CosineAnnealingWarmRestarts(0.1, first, T_mult=factor),
        None,
        "0.1 · (1 + cos(π T_cur / T_i)) / 2 with T_i = {T_0} · {T_mult}^i",
    ),
    "warm-up": _Design(
        {"warmup_steps": _numbers(2, 40, step=2, first=20), "start_lr": _numbers(0.0, 0.095, step=0.005, first=0.0)},
        lambda length, start: schedules.LinearWarmup(0.1, length, start_lr=start, end_lr=0.1),
        "start_lr + (0.1 - start_lr) * min(t / warmup_steps, 1)",
        "{start_lr} + (0.1 − {start_lr}) · t / {warmup_steps} for t < {warmup_steps}, then 0.1",
    ),
    "linear": _Design(
        {
            "total_steps": _numbers(4, 60, step=2, first=40),
            "start_factor": _numbers(0.05, 1.0, step=0.05, first=0.3),
            "end_factor": _numbers(0.0, 1.0, step=0.05, first=1.0),
        },
        lambda length, start, end: schedules.LinearLR(0.1, length, start, end),
        "0.1 * (start_factor + (end_factor - start_factor) * min(t, total_steps) / total_steps)",
        "0.1 · ({start_factor} + ({end_factor} − {start_factor}) · min(t, {total_steps}) / {total_steps})",
    ),
    "Noam": _Design(
        {"d_model": _numbers(20, 100, step=5, first=50), "warmup_steps": _numbers(2, 40, step=2, first=10)},
        lambda width, length: schedules.NoamDecay(width, length),
        "d_model ** -0.5 * min(t ** -0.5, t * warmup_steps ** -1.5)",
        "{d_model}^−½ · min(t^−½, t · {warmup_steps}^−1.5)",
    ),
    "cyclical": _Design(
        {"step_size_up": _numbers(2, 30, step=1, first=10), "base": _numbers(0.0, 0.1, step=0.005, first=0.01)},
        lambda half, base: schedules.CyclicLR(base, 0.1, half),
        "base + (0.1 - base) * max(0, 1 - abs(t / step_size_up - 2 * floor(1 + t / (2 * step_size_up)) + 1))",
        "{base} + (0.1 − {base}) · height(t): up in {step_size_up} steps, down in {step_size_up}",
    ),
    "1cycle": _Design(
        {"phase_pct": _numbers(0.05, 0.95, step=0.05, first=0.3), "divide_factor": (_FACTORS, 25.0)},
        lambda share, factor: schedules.OneCycleLR(0.1, _COUNT + 1, divide_factor=factor, phase_pct=share),
        f"(t <= {_TOP}) * (0.1 + (0.1 / divide_factor - 0.1) * (1 + cos(pi * t / {_TOP})) / 2)"
        f" + (t > {_TOP}) * (0.0001 + 0.0999 * (1 + cos(pi * (t - {_TOP}) / ({_COUNT} - {_TOP}))) / 2)",
        "0.1 / {divide_factor} up to 0.1 in the share {phase_pct} of the steps, then down to 0.0001",
    ),
    "1cycle of the paper": _Design(
        {"phase_pct": _numbers(0.05, 0.49, step=0.02, first=0.45), "divide_factor": (_FACTORS, 10.0)},
        lambda share, factor: schedules.OneCycleLR(
            0.1, _COUNT + 1, factor, phase_pct=share, anneal_strategy="linear", three_phase=True
        ),
        f"(t <= {_TOP}) * (1 + (divide_factor - 1) * t / {_TOP}) * 0.1 / divide_factor"
        f" + (t > {_TOP}) * (t <= 2 * {_TOP}) * (1 + (divide_factor - 1) * (2 - t / {_TOP})) * 0.1 / divide_factor"
        f" + (t > 2 * {_TOP}) * (0.0001 + (0.1 / divide_factor - 0.0001) * ({_COUNT} - t) / ({_COUNT} - 2 * {_TOP}))",
        "0.1 / {divide_factor} up to 0.1 in the share {phase_pct} of the steps, back in as many, then down to 0.0001",
    ),
    "plateau": _Design(
        {"factor": _GAMMAS, "patience": _numbers(0, 15, step=1, first=3)},
        lambda factor, patience: schedules.ReduceOnPlateau(0.1, factor=factor, patience=patience),
        None,
        "· {factor} whenever the loss was no better for more than {patience} steps; it stands still from step "
        f"{_STALLED} on",
    ),
}


def range_test_reader(test, id="range-test", task="") -> Figure:
    """A learning-rate range test to walk along: at each learning rate the loss, its slope, and the region.

    Regions are read from the smoothed loss. A tenth of its fall from start to minimum counts as progress: before it
    has fallen so far, there is none; once it has risen again so far, it diverges. Between them, descent is fast until
    a tenth of the fall is left.

    The values come from a training run, which another machine repeats only up to rounding: mark the notebook's cell
    with the tag ``nbval-ignore-output``.

    Args:
        test: What ``range_test`` returned, with an exponential sweep.
        id: Fixed name on the page.
        task: As in ``Figure``.
    """
    rates = np.asarray(test.lrs, dtype=np.float64)
    smoothed = np.asarray(test.smoothed, dtype=np.float64)
    seen = int(np.argmin(np.isfinite(smoothed))) if not np.isfinite(smoothed).all() else len(smoothed)
    if seen < 10:
        raise ValueError(f"test must have at least 10 finite losses at its start, got {seen}")
    rates, losses, smoothed = rates[:seen], np.asarray(test.losses, dtype=np.float64)[:seen], smoothed[:seen]
    slopes = np.gradient(smoothed, np.log10(rates))
    regions = _regions(smoothed)
    top = 1.3 * smoothed[: max(1, seen // 10)].max()
    axes = Axis("learning rate", rates[0], rates[-1], log=True), Axis("loss", 0, top)
    every = [Series("mini-batches", [np.column_stack([rates, losses])], whole=True, color=GREY, dash=":", marker="o")]
    every.append(Series("moving average", [np.column_stack([rates, smoothed])], whole=True, color=BLUE, marker="s"))
    starts = [k for k in range(1, seen) if regions[k] != regions[k - 1]]
    close = [later - k < seen / 15 for k, later in itertools.pairwise([*starts, math.inf])]  # no room for words between
    background = [svg.limit([(rates[k], 0), (rates[k], top)], regions[k], tight) for k, tight in zip(starts, close)]
    start = int(np.argmin(np.abs(rates - test.suggestion))) if test.has_descent else 0
    advice = (
        f"{shown(test.suggestion)}, by the rule “{test.rule}”" if test.has_descent else "none: the loss never falls"
    )
    return Figure(
        id,
        "Read a learning-rate range test",
        [steps(seen - 1, "learning rate", start=start, format=lambda k: shown(rates[k]))],
        [
            Panel(
                "Loss against the learning rate, dashed lines where regions begin",
                *axes,
                every,
                background,
                title="loss while the learning rate rises",
            )
        ],
        [
            Readout("loss of the mini-batch", [[f"{value:.2f}" for value in losses]], (), every[0]),
            Readout("moving average", [[f"{value:.2f}" for value in smoothed]], (), every[1]),
            Readout("slope per factor of ten", [[f"{value:+.1f}".replace("-", "−") for value in slopes]]),
            Readout("region", [regions]),
            Readout("suggested learning rate", [advice]),
        ],
        task,
    )


def _regions(smoothed) -> list[str]:
    bottom = int(np.argmin(smoothed))
    tenth = (smoothed[0] - smoothed[bottom]) / 10
    if tenth <= 0:
        return ["no descent at all"] * len(smoothed)
    begins = int(np.argmax(smoothed < smoothed[0] - tenth))
    slows = int(np.argmax(smoothed < smoothed[bottom] + tenth))
    ends = [k for k in range(bottom, len(smoothed)) if smoothed[k] > smoothed[bottom] + tenth]
    ends = ends[0] if ends else len(smoothed)
    names = (
        ("no progress", begins),
        ("fast descent", slows),
        ("around the minimum", ends),
        ("divergence", len(smoothed)),
    )
    return [next(name for name, end in names if k < end) for k in range(len(smoothed))]


def _adam_run(beta2: float, noise: float, count: int, seed: int, before: int) -> SimpleNamespace:
    """Gradients, averages and steps of Adam, from zero state but as if ``before`` steps had passed."""
    adam = optimizer.Adam(learning_rate=1.0, beta2=beta2)
    gradients = 1 + noise * np.random.default_rng(seed).standard_normal(count)
    s, rows = adam.fresh_state(np.zeros(1)), []
    s.t = before
    for gradient in gradients:
        s.t += 1
        step = -adam.rule(np.zeros(1), np.array([gradient]), s, lr=1.0)
        mean, square = s.m / (1 - adam.beta1**s.t), s.v / (1 - beta2**s.t)
        rows.append([gradient, mean[0], math.sqrt(square[0]), step[0]])
    return SimpleNamespace(**dict(zip(("g", "m", "root_v", "step"), np.transpose(rows))))


def _panel_over_time(title: str, label: str, y: str, series, count: int) -> Panel:
    values = np.concatenate([frame[:, 1] for one in series for frame in one.frames])
    margin = 0.05 * (values.max() - values.min())
    names = ", ".join(one.name for one in series)
    axes = Axis("step", 1, count), Axis(y, values.min() - margin, values.max() + margin)
    return Panel(f"{label}: {names}", *axes, series, title=title)
