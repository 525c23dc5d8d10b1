"""Interactive figures of what adaptive rules do with rare gradients, and of SWATS's and RAdam's formulas."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from .. import optimizer
from ..looks import BLUE_GREY, GREY, RED, color
from . import svg
from .figure import Axis, Figure, Panel, Readout, Series, against_step, height, over, slider, steps
from .shorthand import shown

_PERIODS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20)
_RATES = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_SLOPES = (2.1, 2.2, 2.3, 2.4, 2.6, 2.8, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0)
_BETA2S = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99, 0.999)
_ANGLES = (0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 95, 100, 105, 110, 120, 130, 140, 150)
_LENGTHS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0)
_LARGEST, _TOP = 160, 12.0  # angle and γ at the ends of their axes
_ORIGIN, _P = (0.0, 0.0), (1.0, 0.0)  # Adam's step, and where it begins
_SAYS = {True: "may go on with this γ", False: "refuses this γ: the step would climb"}
_MEMORIES = (0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 0.999)


# ------------------------------------------------------------------------------------- AdaGrad and the rare feature


def rare_feature_explorer(
    periods=_PERIODS, learning_rates=_RATES, count=120, noise=0.5, seed=3, first=(12, 0.05, 0.4), task=""
) -> Figure:
    """A common and a rare weight under SGD and under AdaGrad; how rare, and both learning rates, to be chosen.

    Both weights start at 0, and the loss ½(w − 1)² wants them at 1. As with mini-batches, each step sees the 1 with
    noise. The common weight has a gradient in every step, the rare one in every k-th only.

    Args:
        periods: Values of k, whole numbers.
        learning_rates: Values of both sliders.
        count: Number of steps.
        noise: Standard deviation of what a step sees in place of 1.
        seed: Seed of that noise.
        first: k and the learning rates of SGD and of AdaGrad at first.
        task: As in ``Figure``.

    Example:
        >>> rare_feature_explorer((1, 10), (0.1, 0.5), noise=0.0, first=(10, 0.1, 0.5))
        Two weights that should go to 1, one with a gradient in every step, one with few (interactive; at one gradient
        in k steps: k 10, SGD's learning rate 0.1, AdaGrad's learning rate 0.5, step 120)
          SGD, common weight: 1.00
          SGD, rare weight: 0.72
          AdaGrad, common weight: 1.00
          AdaGrad, rare weight: 1.00
          AdaGrad's effective rate, common: 0.43
          AdaGrad's effective rate, rare: 0.43
          SGD's rate, common and rare: 0.1
          SGD, mean distance from 1 in the last 40 steps: common 0.00, rare 0.37
          AdaGrad, mean distance from 1 in the last 40 steps: common 0.00, rare 0.00
    """
    rules = {"SGD": optimizer.SGD, "AdaGrad": optimizer.Adagrad}
    rare = slider("one gradient in k steps: k", periods, first[0])
    rates = {name: slider(f"{name}'s learning rate", learning_rates, lr) for name, lr in zip(rules, first[1:])}
    sees = 1 + noise * np.random.default_rng(seed).standard_normal(count)
    runs = {name: [_seldom(rule(lr), periods, sees) for lr in learning_rates] for name, rule in rules.items()}
    weights = {name: _common_and_rare([run.w for run in runs[name]], rare, rates[name]) for name in rules}
    effective = _common_and_rare([run.effective for run in runs["AdaGrad"]], rare, rates["AdaGrad"])
    constant = [against_step([lr] * (count + 1)) for lr in learning_rates]
    effective.append(Series("SGD", constant, [rates["SGD"]], stairs=True, marker="s"))
    late = count // 3
    return Figure(
        "rare-feature",
        "Two weights that should go to 1, one with a gradient in every step, one with few",
        [rare, *rates.values(), steps(count)],
        [*(_weights_panel(name, weights[name], count) for name in rules), _rates_panel(effective, count)],
        [
            *(Readout(f"{name}, {line.name} weight", "{y}", (), line) for name in rules for line in weights[name]),
            *(Readout(f"AdaGrad's effective rate, {line.name}", "{y}", (), line) for line in effective[:2]),
            height("SGD's rate, common and rare", effective[2]),
            *(
                Readout(
                    f"{name}, mean distance from 1 in the last {late} steps",
                    [_distances(run.w[-late:], k) for k in range(1, 1 + len(periods)) for run in runs[name]],
                    [rare, rates[name]],
                )
                for name in rules
            ),
        ],
        task,
    )


def _seldom(rule, periods, sees) -> SimpleNamespace:
    """Weights that follow what is seen, the first with a gradient in every step, the others in every k-th.

    ``w`` and ``effective``, what multiplies the next gradient if AdaGrad is the rule, are ``[steps + 1, weights]``.
    """
    every, rate = np.array([1, *periods]), rule.get_lr()
    w = np.zeros(len(every))
    s, rows = rule.fresh_state(w), [(w, w)]
    for s.t, target in enumerate(sees, 1):
        w = rule.rule(w, np.where(s.t % every == 0, w - target, 0.0), s, rate)
        rows.append((w, getattr(s, "sum_of_squares", 1 + 0 * w)))
    w, sums = map(np.array, zip(*rows))
    return SimpleNamespace(w=w, effective=rate / (np.sqrt(sums) + getattr(rule, "epsilon", 1e-6)))


def _common_and_rare(frames, rare, rate) -> list[Series]:
    """The first column of every frame, which no k changes, and the columns of the values of k."""
    columns = [[against_step(column) for column in frame.T] for frame in frames]
    few = [frame[k] for k in range(1, 1 + len(rare.values)) for frame in columns]
    return [
        Series("common", [frame[0] for frame in columns], [rate], stairs=True, color=BLUE_GREY),
        Series("rare", few, [rare, rate], stairs=True, color=RED, dash="--", marker="D"),
    ]


def _weights_panel(name: str, lines, count: int) -> Panel:
    label = f"A common and a rare weight against the step under {name}, and the 1 that both should reach"
    axes = Axis("step", 0, count), Axis("weight", -0.5, 2.0)
    return Panel(label, *axes, lines, [svg.line([(0, 1), (count, 1)])], title=f"{name}: both should go to 1")


def _rates_panel(lines, count: int) -> Panel:
    label = "What multiplies the gradients of both weights under AdaGrad, against the step, and SGD's learning rate"
    axes = Axis("step", 0, count), Axis("effective learning rate", 0.001, 10, log=True)
    return Panel(label, *axes, lines, title="what multiplies the gradient")


def _distances(late, k: int) -> str:
    common, few = np.abs(late[:, [0, k]] - 1).mean(axis=0)
    return f"common {common:.2f}, rare {few:.2f}"


# ------------------------------------------------------------------------------------ Adam and the rare large slope


def rare_slope_explorer(slopes=_SLOPES, beta2s=_BETA2S, count=6000, first=(3.0, 0.1), task="") -> Figure:
    """SGD, Adam and AMSGrad under the slopes C, −1, −1 in turn; C and β₂ to be chosen: walk, and map of all settings.

    The parameter starts at 0 and is put back into [−1, 1] after every step; the learning rate falls as 0.5/√t, and
    β₁ is 0. C is above 2, so that the mean slope is positive and the right way is the one to −1.

    Args:
        slopes: Increasing values of C, above 2.
        beta2s: Increasing values of β₂, from 0 to below 1.
        count: Number of steps. All of the first are drawn, then fewer and fewer, each the last of three.
        first: C and β₂ at first.
        task: As in ``Figure``.

    Example:
        >>> rare_slope_explorer((3.0, 10.0), (0.1, 0.9), count=600)
        Slopes C, −1, −1 in turn: who goes the right way? (interactive; at large slope C 3, β₂ 0.1, step 600)
          SGD, x: −0.96
          Adam, x: 1.00
          AMSGrad, x: −0.99
          mean slope (C − 1 − 1) / 3: 0.333, so −1 is the right end
          Adam after 600 steps: at 0.99, the wrong way
    """
    large, memory = slider("large slope C", slopes, first[0]), slider("β₂", beta2s, first[1])
    controls = [large, memory]
    walks = {
        "SGD": [_walks(optimizer.SGD(0.5), slopes, count)],
        "Adam": [_walks(optimizer.Adam(0.5, beta1=0.0, beta2=b), slopes, count) for b in beta2s],
        "AMSGrad": [_walks(optimizer.Adam(0.5, beta1=0.0, beta2=b, amsgrad=True), slopes, count) for b in beta2s],
    }
    drawn = _thinned(count)
    lines = []
    for name, runs in walks.items():
        frames = [np.column_stack([drawn, run[drawn - 1, c]]) for c in range(len(slopes)) for run in runs]
        lines.append(Series(name, frames, controls if len(runs) > 1 else [large]))
    ends = np.array([run[-count // 20 :].mean(axis=0) for run in walks["Adam"]])  # [β₂, C]
    walk = Panel(
        "The parameter against the step for SGD, Adam and AMSGrad; the minimum is at −1",
        Axis("step", 1, count, log=True),
        Axis("x", -1.1, 1.1),
        lines,
        [svg.line([(1, -1), (count, -1)])],
        title="the way to −1 is the right one",
    )
    return Figure(
        "rare-slope",
        "Slopes C, −1, −1 in turn: who goes the right way?",
        [*controls, steps(len(drawn) - 1, format=lambda k: str(drawn[k]))],
        [walk, _map_of_ends(large, memory, ends)],
        [
            *(Readout(f"{line.name}, x", "{y}", (), line) for line in lines),
            Readout(
                "mean slope (C − 1 − 1) / 3", [f"{shown((c - 2) / 3)}, so −1 is the right end" for c in slopes], [large]
            ),
            Readout(f"Adam after {count} steps", [_way(end) for end in ends.T.ravel()], controls),
        ],
        task,
    )


def _walks(rule, slopes, count: int) -> np.ndarray:
    """Positions after every step, for each large slope: ``[count, slopes]``."""
    large, x, path = np.array(slopes), np.zeros(len(slopes)), []
    s = rule.fresh_state(x)
    for s.t in range(1, count + 1):
        slope = large if s.t % 3 == 1 else np.full_like(large, -1.0)
        x = np.clip(rule.rule(x, slope, s, lr=0.5 / s.t**0.5), -1, 1)
        path.append(x)
    return np.array(path)


def _thinned(count: int) -> np.ndarray:
    """Steps that a logarithmic axis can show: the first twelve, then ends of cycles of three."""
    cycles = np.unique(np.rint(np.geomspace(5, count // 3, 70)).astype(int))
    return np.concatenate([np.arange(1, 13), 3 * cycles])


def _way(end: float) -> str:
    return f"at {end:.2f}, the {'wrong' if end > 0 else 'right'} way".replace("-", "−")


def _map_of_ends(large, memory, ends) -> Panel:
    """C × β₂: the fuller a cell, the farther Adam has gone to the wrong end; a dot on the setting that is shown."""
    x, y = svg.edges(large.values), svg.edges(memory.values)
    here = Series("setting", over([large, memory], lambda *point: np.array([point])), [large, memory])
    return Panel(
        "Map of the large slope and β₂: filled where Adam ends at 1, clear where it ends at −1, a dot on the setting",
        Axis("large slope C", x[0], x[-1]),
        Axis("β₂", y[0], y[-1]),
        [here],
        [svg.cells(x, y, np.clip((ends + 1) / 2, 0, 1))],
        title="filled: Adam goes wrong; dot: this setting",
    )


# ------------------------------------------------------------------------------------------------------- SWATS


def projection_explorer(angles=_ANGLES, lengths=_LENGTHS, first=(50, 1.0), task="") -> Figure:
    """How SWATS finds SGD's learning rate γ: Adam's step p, the direction −g, and the step −γg that projects to p.

    p is one long and points to the right. γ is what ``SWATS`` computes, and it says whether it would switch.

    Args:
        angles: Values of the angle between −g and p in degrees, from 0 to 160; not 90, where there is no γ.
        lengths: Values of the length of g.
        first: Angle and length at first.
        task: As in ``Figure``.

    Example:
        >>> projection_explorer((0, 60, 120), (1.0, 2.0), first=(60, 1.0))
        SGD's step −γg whose projection onto Adam's step p is p (interactive; at angle between −g and p 60°, length of
        g 1)
          Adam's step p: 1 long
          minus the gradient, −g: 1 long
          SGD's step −γg: 2 long
          γ: 2
          SWATS: may go on with this γ
    """
    angle = slider("angle between −g and p", angles, first[0], format=lambda degrees: f"{degrees}°")
    length = slider("length of g", lengths, first[1])
    controls = [angle, length]
    found = over(controls, _projected)
    steps_of_sgd = [-one.gamma * one.g for one in found]
    plumb = Series("right angle", [[tip, _P] for tip in steps_of_sgd], controls, whole=True, color=GREY, dash=":")
    arrows = {
        "−γg": Series("−γg", [[_ORIGIN, tip] for tip in steps_of_sgd], controls, whole=True, **_of_sgd()),
        "−g": Series(
            "−g", [[_ORIGIN, -one.g] for one in found], controls, whole=True, color=RED, dash="--", marker="s"
        ),
        "p": Series("p", [[_ORIGIN, _P]], whole=True, color=color("Adam"), marker="X"),
    }
    gamma = Series("γ", over(controls, _gamma_up_to), controls, whole=True, **_of_sgd())
    return Figure(
        "projection",
        "SGD's step −γg whose projection onto Adam's step p is p",
        controls,
        [_arrows_panel([plumb, *arrows.values()]), _gamma_panel(gamma)],
        [
            Readout("Adam's step p", "1 long", (), arrows["p"]),
            Readout("minus the gradient, −g", [f"{shown(size)} long" for size in lengths], [length], arrows["−g"]),
            Readout(
                "SGD's step −γg", [f"{shown(np.hypot(*tip))} long" for tip in steps_of_sgd], controls, arrows["−γg"]
            ),
            Readout("γ", [shown(one.gamma) for one in found], controls, gamma),
            Readout("SWATS", [_SAYS[one.accepted] for one in found], controls),
        ],
        task,
    )


def _projected(degrees: float, length: float) -> SimpleNamespace:
    """A gradient, the γ that SWATS finds for it and the step p, and whether it would go on with that."""
    turned = np.radians(180 + degrees)
    g = length * np.array([np.cos(turned), np.sin(turned)])
    swats = optimizer.SWATS(minimum_steps=1)
    s = swats.fresh_state(g)
    s.t = 1  # at the first step the corrected average of γ is γ
    swats.consider_switch(np.array(_P), g, s, lr=1.0)
    return SimpleNamespace(g=g, gamma=s.gamma_average / (1 - swats.beta2), accepted=bool(s.switched_at))


def _gamma_up_to(degrees: float, length: float) -> np.ndarray:
    """γ against the angle, from the end of the axis on this side of the right angle up to an angle."""
    end = 0 if degrees < 90 else _LARGEST
    way = np.append(np.arange(end, degrees, 2 if end == 0 else -2), degrees)
    return np.array([(angle, _projected(angle, length).gamma) for angle in way])


def _arrows_panel(series) -> Panel:
    label = (
        "Adam's step p, minus the gradient, and SGD's step; a dotted line at right angles to p joins the tips of both "
        "steps"
    )
    axes = Axis("along p", -2.4, 3.2), Axis("across p", -2.0, 2.0)
    background = [svg.line([(-2.4, 0), (3.2, 0)]), svg.words(0.5, -0.25, "p")]
    return Panel(label, *axes, series, background, title="steps and gradient, a dot at each tip")


def _gamma_panel(gamma) -> Panel:
    whole = [_gamma_up_to(angle, size) for size in (0.5, 1.0, 2.0) for angle in (89.9, 90.1)]
    upper, lower = [(90, 0.8), (90, _TOP)], [(90, -_TOP), (90, 0.8)]
    background = [*map(svg.line, [[(0, 0), (_LARGEST, 0)], *whole])]
    background += [svg.limit(upper, "right angle"), svg.limit(lower, "")]
    axes = Axis("angle between −g and p (°)", 0, _LARGEST), Axis("γ", -_TOP, _TOP)
    return Panel(
        "γ against the angle between −g and p, up to the chosen one",
        *axes,
        [gamma],
        background,
        title="γ (pale: g 0.5, 1 and 2 long)",
    )


def _of_sgd() -> dict:
    """The look of what SWATS hands on to SGD."""
    return {"color": color("SWATS"), "marker": "d"}


# ------------------------------------------------------------------------------------------------------- RAdam


def rectifier_explorer(held: Callable, rectifier: Callable, beta2s=_MEMORIES, count=100, first=0.99, task="") -> Figure:
    """RAdam's ρ_t and r_t against the step, β₂ to be chosen.

    Args:
        held: ``held(t, beta2)`` returns ρ_t for an array of steps.
        rectifier: ``rectifier(rho, end)`` returns r_t for an array of ρ_t and for ρ_∞, 0 while v is not used.
        beta2s: Values of β₂, above 2/3.
        count: Number of steps.
        first: β₂ at first.
        task: As in ``Figure``.

    Example:
        >>> def held(t, beta2):
        ...     return 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)
        >>> def rectifier(rho, end):
        ...     squared = (rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)
        ...     return np.sqrt(np.where(rho > 5, squared, 0))
        >>> rectifier_explorer(held, rectifier, (0.9, 0.99))
        RAdam: how much v̂ holds, and how far it is trusted (interactive; at β₂ 0.99, step 100)
          ρ_t, squares held: 83.5
          r_t, factor of the step: 0.63
          ρ_t rises to: 199
    """
    memory = slider("β₂", beta2s, first)
    steps_taken = np.arange(1, count + 1)
    limits = [2 / (1 - beta2) - 1 for beta2 in beta2s]
    rhos = [held(steps_taken, beta2) for beta2 in beta2s]
    rs = [rectifier(rho, limit) for rho, limit in zip(rhos, limits)]

    def panel(symbol, title, rows, top, name):
        line = Series(symbol, [against_step(row, first=1) for row in rows], [memory], color=color(name))
        return Panel(
            f"{symbol} against the step: {title}", Axis("step", 1, count), Axis(symbol, 0, top), [line], title=title
        )

    held_panel = panel("ρ_t", "how many squares v̂ holds", rhos, count, "Adam")
    trust_panel = panel("r_t", "what the step is multiplied by", rs, 1.05, "RAdam")
    return Figure(
        "radam-rho-r",
        "RAdam: how much v̂ holds, and how far it is trusted",
        [memory, steps(count - 1, format=lambda k: str(k + 1))],
        [held_panel, trust_panel],
        [
            height("ρ_t, squares held", held_panel.series[0]),
            height("r_t, factor of the step", trust_panel.series[0]),
            Readout("ρ_t rises to", [shown(limit, 4) for limit in limits], [memory]),
        ],
        task,
    )
