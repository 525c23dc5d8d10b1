"""Interactive figures of quantities over time: Adam's state, schedules, the learning-rate range test."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from .. import optimizer
from ..looks import BLUE, GREEN, GREY, ORANGE, PINK
from ..optimizer import lr as schedules
from . import svg
from .figure import Axis, Figure, Panel, Readout, Series, over, radio, shown, slider, steps

_LONG_AGO = 10**6  # after so many steps the bias correction divides by 1
_STALLED = 20  # from this step on, the loss that ReduceOnPlateau watches stands still


def adam_state_explorer(
    beta2s=(0.9, 0.99, 0.999), noises=(0.0, 0.5, 1.0, 2.0), count=60, seed=0, id="adam-state"
) -> Figure:
    """Adam's averages and steps under a noisy gradient, with and without the correction of their bias.

    The gradient is 1 plus normal noise. Without correction means: the same rule, told that a million steps have
    passed, so that it divides by 1 - β^t = 1. Steps are shown in multiples of the learning rate.

    Args:
        beta2s: Values of β₂.
        noises: Standard deviations of the noise.
        count: Number of steps.
        seed: Seed of the noise.
        id: Fixed name on the page.

    Example:
        >>> adam_state_explorer(count=40)
        Adam under a noisy gradient, with and without bias correction (interactive; at β₂ 0.999, noise 1, step 40)
          gradient: 2.49
          m̂, the corrected mean: 1.13
          √v̂, the corrected root mean square: 1.23
          m, not corrected: 1.12
          √v, not corrected: 0.243
          step / learning rate: 0.924
          step / learning rate without correction: 4.6
    """
    beta2, noise = slider("β₂", beta2s, beta2s[-1]), slider("noise", noises)
    controls = [beta2, noise]
    runs = over(controls, lambda b, sigma: _adam_run(b, sigma, count, seed, before=0))
    raw = over(controls, lambda b, sigma: _adam_run(b, sigma, count, seed, before=_LONG_AGO))

    def curve(name, frames, attribute, **look):
        return Series(name, [_against_step(getattr(run, attribute), first=1) for run in frames], controls, **look)

    averages = [
        curve("gradient", runs, "g", color=GREY, dash=":", marker="o"),
        curve("m̂, the corrected mean", runs, "m", color=BLUE, marker="s"),
        curve("√v̂, the corrected root mean square", runs, "root_v", color=ORANGE, marker="^"),
        curve("m, not corrected", raw, "m", color=BLUE, dash="--", marker="D"),
        curve("√v, not corrected", raw, "root_v", color=ORANGE, dash="--", marker="v"),
    ]
    sizes = [
        curve("step / learning rate", runs, "step", color=PINK, marker="X"),
        curve("step / learning rate without correction", raw, "step", color=GREEN, dash="--", marker="P"),
    ]
    return Figure(
        id,
        "Adam under a noisy gradient, with and without bias correction",
        [*controls, steps(count - 1, format=lambda k: str(k + 1))],
        [
            _panel_over_time("The gradient and Adam's averages against the step", "value", averages, count),
            _panel_over_time(
                "Adam's step in multiples of the learning rate, against the step", "step / lr", sizes, count
            ),
        ],
        [Readout(one.name, [_texts(frame) for frame in one.frames], controls, one) for one in averages + sizes],
    )


def schedule_designer(count=60, id="schedule-designer") -> Figure:
    """Every schedule of the library, its parameters under sliders: learning rate against step, and the formula.

    ``ReduceOnPlateau`` watches a loss; here it is one that falls until step 20 and then stands still.

    Args:
        count: Number of steps.
        id: Fixed name on the page.

    Example:
        >>> schedule_designer()
        Design a schedule (interactive; at schedule step decay, step_size 20, gamma 0.5, step 60)
          learning rate: 0.0125
          formula: 0.1 · 0.5^⌊t / 20⌋
    """
    kind = radio("schedule", list(_DESIGNS))
    controls, lines, readouts = [kind], [], []
    for name, (parameters, make, formula) in _DESIGNS.items():
        when = (kind, name)
        sliders = [slider(label, values, when=when) for label, values in parameters.items()]
        curves = over(sliders, lambda *values, make=make: _against_step(_rates(make(*values, count), count)))
        line = Series(name, curves, sliders, whole=True, color=BLUE, when=when)
        controls += sliders
        lines.append(line)
        readouts.append(Readout("learning rate", [_texts(frame) for frame in curves], sliders, line, when))
        readouts.append(Readout("formula", over(sliders, formula), sliders, when=when))
    label = "The learning rate against the step, for the chosen schedule"
    panel = Panel(label, Axis("step t", 0, count), Axis("learning rate", 0, 0.105), lines)
    return Figure(id, "Design a schedule", [*controls, steps(count)], [panel], readouts)


def _rates(schedule, count: int) -> np.ndarray:
    """The learning rates of the steps 0 to ``count``."""
    if not schedule.watches_metric:
        return schedule.at(np.arange(count + 1))
    rates = [schedule()]
    for step in range(count):
        schedule.step(1 / (1 + min(step, _STALLED)))
        rates.append(schedule())
    return np.array(rates)


# schedule: its parameters, how to make it (with the number of steps), and its formula with the parameters put in
_DESIGNS = {
    "step decay": (
        {"step_size": (5, 10, 20, 30), "gamma": (0.1, 0.3, 0.5, 0.8)},
        lambda size, gamma, count: schedules.StepDecay(0.1, size, gamma),
        lambda size, gamma: f"0.1 · {gamma:g}^⌊t / {size}⌋",
    ),
    "multi-step": (
        {"first": (10, 20), "second": (30, 50), "gamma": (0.1, 0.3, 0.5)},
        lambda first, second, gamma, count: schedules.MultiStepDecay(0.1, [first, second], gamma),
        lambda first, second, gamma: f"0.1 · {gamma:g} from step {first} on, · {gamma:g} again from {second} on",
    ),
    "piecewise": (
        {"boundary": (10, 20, 30, 40), "value": (0.005, 0.02, 0.05)},
        lambda boundary, value, count: schedules.PiecewiseDecay([boundary], [0.1, value]),
        lambda boundary, value: f"0.1 for t < {boundary}, then {value:g}",
    ),
    "exponential": (
        {"gamma": (0.8, 0.9, 0.95, 0.97, 0.99)},
        lambda gamma, count: schedules.ExponentialDecay(0.1, gamma),
        lambda gamma: f"0.1 · {gamma:g}^t",
    ),
    "natural exponential": (
        {"gamma": (0.01, 0.03, 0.05, 0.1, 0.2)},
        lambda gamma, count: schedules.NaturalExpDecay(0.1, gamma),
        lambda gamma: f"0.1 · e^(−{gamma:g} t)",
    ),
    "1/t": (
        {"gamma": (0.01, 0.03, 0.1, 0.3, 1.0)},
        lambda gamma, count: schedules.InverseTimeDecay(0.1, gamma),
        lambda gamma: f"0.1 / (1 + {gamma:g} t)",
    ),
    "any function": (
        {"k": (1, 5, 20, 60)},
        lambda k, count: schedules.LambdaDecay(0.1, lambda t: 1 / math.sqrt(1 + t / k)),
        lambda k: f"0.1 · f(t), with f(t) = 1 / √(1 + t / {k})",
    ),
    "any factors": (
        {"k": (2, 5, 20, 60)},
        lambda k, count: schedules.MultiplicativeDecay(0.1, lambda t: 1 - 1 / (k + t)),
        lambda k: f"0.1 · f(1) · f(2) · … · f(t), with f(t) = 1 − 1 / ({k} + t)",
    ),
    "polynomial": (
        {"power": (0.5, 1.0, 2.0, 4.0), "decay_steps": (20, 40, 60)},
        lambda power, length, count: schedules.PolynomialDecay(0.1, length, end_lr=0.0, power=power),
        lambda power, length: f"0.1 · (1 − min(t, {length}) / {length})^{power:g}",
    ),
    "cosine": (
        {"T_max": (15, 30, 60), "eta_min": (0.0, 0.01, 0.03)},
        lambda length, low, count: schedules.CosineAnnealingDecay(0.1, length, eta_min=low),
        lambda length, low: f"{low:g} + {0.1 - low:g} · (1 + cos(π t / {length})) / 2",
    ),
    "warm restarts": (
        {"T_0": (4, 8, 15, 30), "T_mult": (1, 2, 3)},
        lambda first, factor, count: schedules.CosineAnnealingWarmRestarts(0.1, first, T_mult=factor),
        lambda first, factor: f"0.1 · (1 + cos(π T_cur / T_i)) / 2 with T_i = {first} · {factor}^i",
    ),
    "warm-up": (
        {"warmup_steps": (5, 10, 20, 40), "start_lr": (0.0, 0.01, 0.05)},
        lambda length, start, count: schedules.LinearWarmup(0.1, length, start_lr=start, end_lr=0.1),
        lambda length, start: f"{start:g} + {0.1 - start:g} · t / {length} for t < {length}, then 0.1",
    ),
    "linear": (
        {"total_steps": (20, 40, 60), "start_factor": (0.3, 1.0), "end_factor": (0.0, 1.0)},
        lambda length, start, end, count: schedules.LinearLR(0.1, length, start, end),
        lambda length, start, end: f"0.1 · ({start:g} + {end - start:g} · min(t, {length}) / {length})",
    ),
    "Noam": (
        {"d_model": (25, 50, 100), "warmup_steps": (5, 10, 20, 40)},
        lambda width, length, count: schedules.NoamDecay(width, length),
        lambda width, length: f"{width}^−½ · min(t^−½, t · {length}^−1.5)",
    ),
    "cyclical": (
        {"step_size_up": (5, 10, 15, 30), "base": (0.001, 0.01, 0.03)},
        lambda half, base, count: schedules.CyclicLR(base, 0.1, half),
        lambda half, base: f"{base:g} + {0.1 - base:g} · height(t): up in {half} steps, down in {half}",
    ),
    "1cycle": (
        {"phase_pct": (0.1, 0.3, 0.5), "divide_factor": (2.0, 5.0, 25.0)},
        lambda share, factor, count: schedules.OneCycleLR(0.1, count + 1, divide_factor=factor, phase_pct=share),
        lambda share, factor: f"{0.1 / factor:g} up to 0.1 in the first {100 * share:g} % of steps, down to 0.0001",
    ),
    "plateau": (
        {"factor": (0.1, 0.3, 0.5, 0.8), "patience": (0, 3, 10)},
        lambda factor, patience, count: schedules.ReduceOnPlateau(0.1, factor=factor, patience=patience),
        lambda factor, patience: (
            f"· {factor:g} whenever the loss was no better for more than {patience} steps; it stands still from step "
            f"{_STALLED} on"
        ),
    ),
}


def range_test_reader(test, id="range-test") -> Figure:
    """A learning-rate range test to walk along: at each learning rate the loss, its slope, and the region.

    Regions are read from the smoothed loss. A tenth of its fall from start to minimum counts as progress: before it
    has fallen so far, there is none; once it has risen again so far, it diverges. Between them, descent is fast until
    a tenth of the fall is left.

    The values come from a training run, which another machine repeats only up to rounding: mark the notebook's cell
    with the tag ``nbval-ignore-output``.

    Args:
        test: What ``range_test`` returned, with an exponential sweep.
        id: Fixed name on the page.
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
    background = [svg.line([(rates[k], 0), (rates[k], top)], "limit") for k in starts]
    start = int(np.argmin(np.abs(rates - test.suggestion))) if test.has_descent else 0
    advice = (
        f"{shown(test.suggestion)}, by the rule “{test.rule}”" if test.has_descent else "none: the loss never falls"
    )
    return Figure(
        id,
        "Read a learning-rate range test",
        [steps(seen - 1, "learning rate", start=start, format=lambda k: shown(rates[k]))],
        [Panel("Loss against the learning rate, dashed lines where regions begin", *axes, every, background)],
        [
            Readout("loss of the mini-batch", [[f"{value:.2f}" for value in losses]], (), every[0]),
            Readout("moving average", [[f"{value:.2f}" for value in smoothed]], (), every[1]),
            Readout("slope per factor of ten", [[f"{value:+.1f}".replace("-", "−") for value in slopes]]),
            Readout("region", [regions]),
            Readout("suggested learning rate", [advice]),
        ],
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


def _against_step(values, first: int = 0) -> np.ndarray:
    """Points with the step as x, counted from ``first``."""
    return np.column_stack([first + np.arange(len(values)), values])


def _texts(frame) -> list[str]:
    return [shown(value) for value in frame[:, 1]]


def _panel_over_time(label: str, y: str, series, count: int) -> Panel:
    values = np.concatenate([frame[:, 1] for one in series for frame in one.frames])
    margin = 0.05 * (values.max() - values.min())
    names = ", ".join(one.name for one in series)
    return Panel(
        f"{label}: {names}", Axis("step", 1, count), Axis(y, values.min() - margin, values.max() + margin), series
    )
