"""Interactive figure of measured runs: the learning rate, the steps and the examples that a batch size takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..looks import BLUE, GREY, RED
from .figure import Axis, Control, Figure, Panel, Readout, Series, over, radio, slider
from .shorthand import shown

_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1000)


@dataclass(frozen=True)
class BatchRuns:
    """What was measured of one method at several batch sizes, and the two rules of thumb for it.

    Attributes:
        batches: The batch sizes, increasing.
        rates: The best learning rate at each of them.
        steps: Steps to a goal with this rate.
        power: The learning rate is said to grow with this power of the batch size: 1 (linear) or 1/2 (root).
        least, critical: S_min and B_crit of the fitted curve S = S_min (1 + B_crit / B).
    """

    batches: Sequence[int]
    rates: Sequence[float]
    steps: Sequence[float]
    power: float
    least: float
    critical: float

    def rate_from(self, base: int, batch: float) -> float:
        """The learning rate that the rule gives for ``batch``, from the best one at ``base``."""
        return self.rates[list(self.batches).index(base)] * (batch / base) ** self.power

    def steps_at(self, batch: float) -> float:
        """Steps to the goal by the fitted curve."""
        return self.least * (1 + self.critical / batch)

    def measured_near(self, batch: int) -> str:
        """The best rate, or those of the measured batch sizes below and above."""
        known = dict(zip(self.batches, self.rates))
        near = [max(b for b in known if b <= batch), min(b for b in known if b >= batch)]
        return " and ".join(f"{shown(known[b])} at {b:,}" for b in dict.fromkeys(near))


def batch_calculator(runs: Mapping[str, BatchRuns], sizes=_SIZES, base=None, id="batch-calculator", task="") -> Figure:
    """For a batch size: the learning rate by rule and as measured, steps and examples to the goal.

    Args:
        runs: ``{method: BatchRuns}``, all of the same batch sizes.
        sizes: Values of the slider, inside the batch sizes that were measured.
        base: The batch size whose best rate the rule starts from at first; by default the smallest.
        id: Fixed name on the page.
        task: As in ``Figure``.

    Raises:
        ValueError: There is one method only.

    Example:
        >>> sgd = BatchRuns([1, 4, 16], [0.05, 0.2, 0.8], [500, 140, 50], power=1, least=20, critical=24)
        >>> adam = BatchRuns([1, 4, 16], [0.01, 0.02, 0.04], [500, 140, 50], power=0.5, least=20, critical=24)
        >>> batch_calculator({"SGD": sgd, "Adam": adam}, sizes=[1, 2, 4, 8, 16], base=4)
        A calculator for batch size and learning rate (interactive; at method SGD, rule starts at batch 4, batch size 4)
          learning rate by the rule: 0.2 (linear)
          best of those tried: 0.2 at 4
          steps to the goal, fitted curve: 140
          examples to the goal: 560
          critical batch size: 24
    """
    batches = next(iter(runs.values())).batches
    method = radio("method", list(runs))
    start = radio("rule starts at batch", [str(b) for b in batches], None if base is None else str(base))
    size = slider("batch size", sizes)
    everywhere = np.array(sizes, dtype=np.float64)

    def by_rule(name, base, batch):
        return runs[name].rate_from(int(base), batch)

    chosen = [method, start, size]
    rates = [
        Series("measured", _points(runs, "rates"), [method], whole=True, color=GREY, marker="s"),
        Series("rule", over(chosen[:2], lambda *by: _curve(everywhere, by_rule(*by, everywhere))), chosen[:2]),
        Series("here", over(chosen, lambda *by: [(by[-1], by_rule(*by))]), chosen, color=RED, marker="D"),
    ]
    fitted = over([method], lambda name: _curve(everywhere, runs[name].steps_at(everywhere)))
    steps = [
        Series("measured", _points(runs, "steps"), [method], whole=True, color=GREY, marker="s"),
        Series("fitted", fitted, [method], color=BLUE),
        Series(
            "here", over([method, size], lambda m, b: [(b, runs[m].steps_at(b))]), [method, size], color=RED, marker="D"
        ),
    ]
    return Figure(
        id,
        "A calculator for batch size and learning rate",
        chosen,
        [
            _panel("learning rate", "Best learning rate, measured and by the rule,", rates, batches, runs, "rates"),
            _panel("steps to the goal", "Steps to the goal, measured and fitted,", steps, batches, runs, "steps"),
        ],
        _readouts(runs, method, start, size, rates, steps),
        task,
    )


def _readouts(runs, method: Control, start: Control, size: Control, rates, steps) -> list[Readout]:
    def rate_by_rule(name, base, batch):
        kind = "linear" if runs[name].power == 1 else "root"
        return f"{shown(runs[name].rate_from(int(base), batch), 2)} ({kind})"

    every, both = [method, start, size], [method, size]
    near = over(both, lambda m, b: runs[m].measured_near(b))
    fitted = over(both, lambda m, b: f"{runs[m].steps_at(b):,.0f}")
    (tried, rule, _), (_, curve, _) = rates, steps
    return [
        Readout("learning rate by the rule", over(every, rate_by_rule), every, rule),
        Readout("best of those tried", near, both, tried),
        Readout("steps to the goal, fitted curve", fitted, both, curve),
        Readout("examples to the goal", over(both, lambda m, b: f"{b * runs[m].steps_at(b):,.0f}"), both),
        Readout("critical batch size", over([method], lambda m: f"{runs[m].critical:.0f}"), [method]),
    ]


def _curve(x, y) -> np.ndarray:
    return np.column_stack([x, y])


def _points(runs, what: str) -> list[np.ndarray]:
    return [_curve(run.batches, getattr(run, what)) for run in runs.values()]


def _panel(title: str, label: str, series, batches, runs, what: str) -> Panel:
    """A panel against the batch size, both axes logarithmic, with room for all that was measured."""
    values = np.concatenate([np.asarray(getattr(run, what), dtype=np.float64) for run in runs.values()])
    axes = (
        Axis("batch size", 0.8 * batches[0], 1.25 * batches[-1], log=True),
        Axis(title, values.min() / 3, 3 * values.max(), log=True),
    )
    return Panel(f"{label} against the batch size", *axes, series, title=title)
