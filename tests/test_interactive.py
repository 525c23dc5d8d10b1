"""Interactive figures: every picture that a control can pick is the library's path; the page needs nothing else."""

import base64
import html
import itertools
import json
import re
import shutil
import subprocess
import xml.dom.minidom
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from course_lib import interactive, optimizer, surfaces
from course_lib.interactive import (
    Axis,
    Figure,
    Formula,
    Panel,
    Readout,
    Series,
    curves,
    over,
    radio,
    shown,
    slider,
    steps,
    svg,
)
from course_lib.interactive.figure import _read, _script
from course_lib.interactive.shorthand import packed
from course_lib.looks import COLORS, at_night
from course_lib.lr_finder import RangeTest
from course_lib.optimizer import lr as schedules

CHAPTERS = Path(__file__).parent.parent / "chapters"

FIGURES = {
    "bowl": lambda: interactive.learning_rate_explorer("bowl"),
    "ravine": lambda: interactive.learning_rate_explorer("ravine"),
    "rosenbrock": lambda: interactive.learning_rate_explorer("rosenbrock"),
    "momentum": lambda: interactive.momentum_explorer("ravine"),
    "race": lambda: interactive.optimizer_race(
        "beale", {name: [0.001, 0.01, 0.1] for name in ("SGD", "Momentum", "Nesterov", "RMSProp", "Adam", "AMSGrad")}
    ),
    "race with a choice": lambda: interactive.optimizer_race(
        ["ravine", "saddle", "pathological_curvature"], {name: [0.01, 0.1, 1.0] for name in ("SGD", "Momentum", "Adam")}
    ),
    "weight decay": lambda: interactive.weight_decay_explorer(pulled),
    "adam": interactive.adam_state_explorer,
    "schedules": interactive.schedule_designer,
    "range test": lambda: interactive.range_test_reader(range_test()),
    "curvature": interactive.curvature_explorer,
    "mini-batches": interactive.mini_batch_explorer,
    "rare feature": interactive.rare_feature_explorer,
    "rare slope": lambda: interactive.rare_slope_explorer(count=600),
    "projection": interactive.projection_explorer,
    "average": interactive.average_explorer,
    "rectifier": lambda: interactive.rectifier_explorer(lambda t, beta2: t * beta2, lambda rho, end: rho / end),
    "batches": lambda: interactive.batch_calculator(batch_runs()),
}


def batch_runs():
    sizes = [1, 4, 16, 64, 256, 1000]
    sgd = interactive.BatchRuns(sizes, [0.0625, 0.25, 0.5, 1, 1, 1], [700, 190, 75, 55, 35, 34], 1, 35, 19)
    adam = interactive.BatchRuns(sizes, [0.01, 0.02, 0.04, 0.08, 0.08, 0.08], [600, 170, 46, 20, 13, 11], 0.5, 10, 60)
    return {"SGD": sgd, "Adam": adam}


def pulled(scale, decay):
    """A loss with its minimum at (3, 2), and a pull to the origin."""
    return surfaces.Surface(
        "pulled",
        lambda x, y: scale * ((x - 3) ** 2 + 4 * (y - 2) ** 2) / 2 + decay * (x * x + y * y) / 2,
        lambda x, y: (scale * (x - 3) + decay * x, scale * 4 * (y - 2) + decay * y),
        start=(-1.0, 1.0),
        minima=((3 * scale / (scale + decay), 8 * scale / (4 * scale + decay)),),
        limits=((-1.5, 4.5), (0.0, 3.0)),
    )


def range_test(losses=None):
    """A smooth curve with the three regions: flat to 0.01, falling to 1, exploding beyond."""
    lrs = np.geomspace(1e-4, 10, 101)
    losses = 2.3 - 1.5 / (1 + (0.1 / lrs) ** 2) + (lrs / 3) ** 4 if losses is None else losses
    return RangeTest(lrs, np.array(losses), np.array(losses), "steepest", None, "exponential")


@cache
def made(name):
    """A figure, computed once for all tests that only look at it."""
    return FIGURES[name]()


@pytest.fixture(params=FIGURES)
def figure(request):
    return made(request.param)


def simple(**changes):
    rate, kind, time = slider("rate", [1.0, 2.0, 3.0]), radio("kind", ["up", "down"]), steps(2)
    sign = {"up": 1, "down": -1}
    frames = over([rate, kind], lambda r, k: [(0, 0), (1, sign[k] * r), (2, sign[k] * 2 * r)])
    line = Series("SGD", frames, [rate, kind])
    texts = over([rate, kind], lambda r, k: [f"{k} {r * step:g}" for step in range(3)])
    parts = {
        "id": "simple",
        "title": "Lines & <angles>",
        "controls": [rate, kind, time],
        "panels": [Panel("a line", Axis("x", 0, 2), Axis("y", -6, 6), [line])],
        "readouts": [Readout("height", texts, [rate, kind], line), Readout("rate", ["a", "b", "c"], [rate])],
    }
    return Figure(**{**parts, **changes})


def stored(figure):
    """The data as the page holds it."""
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', figure._repr_html_(), re.S)[1])
    for kept, control in zip(data["controls"], figure.controls):
        kept["label"] = control.label
    return data


def chosen(data, item, setting, key="frames"):
    """The frame that the JavaScript picks at a setting: mixed radix, the last control fastest."""
    index = 0
    for control in item["controls"]:
        index = index * len(data["controls"][control]["labels"]) + setting[control]
    return item[key] if isinstance(item[key], str) else item[key][index]


def unpacked(letters):
    """Numbers from Base64 VLQ, as the specification of source maps has it, and summed up."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    groups = re.findall("[g-z0-9+/]*[A-Za-f]", letters)
    bits = ["".join(f"{alphabet.index(letter) % 32:05b}" for letter in reversed(group)) for group in groups]
    return np.cumsum([int(one[:-1], 2) * (-1 if one[-1] == "1" else 1) for one in bits])


def line(data, series, setting):
    """The points of a curve in SVG units at a setting."""
    if "formula" in series:
        values = {data["controls"][c]["label"]: data["controls"][c]["values"][setting[c]] for c in series["controls"]}
        x, y = Formula(series["formula"], series["count"])(**values).T
        panel = data["panels"][series["panel"]]
        (x0, x1), (y0, y1) = panel["x"], panel["y"]
        u = svg.LEFT + (x - x0) / (x1 - x0) * (svg.RIGHT - svg.LEFT)
        return np.column_stack([u, svg.BOTTOM - (y - y0) / (y1 - y0) * (svg.BOTTOM - svg.TOP)])
    if "x" in series:
        v = unpacked(chosen(data, series, setting, "y"))
        u = unpacked(series["x"])[: len(v)]
    else:
        u, v = map(unpacked, chosen(data, series, setting, "xy"))
    return np.column_stack([u, v]) / 10


def text(data, readout, setting):
    """What a line of text says at a setting."""
    frame, step = chosen(data, readout, setting), step_of(data, setting)
    words = {data["controls"][c]["label"]: data["controls"][c]["labels"][setting[c]] for c in readout["controls"]}
    if "series" in readout:
        words["y"] = height_at(data, data["series"][readout["series"]], setting, step)
    return re.sub(r"{(\w+)}", lambda found: words[found[1]], frame if isinstance(frame, str) else frame[step])


def step_of(data, setting):
    return next((setting[k] for k, control in enumerate(data["controls"]) if control["kind"] == "step"), -1)


def height_at(data, series, setting, step):
    points = line(data, series, setting)
    if step >= len(points):
        return "beyond all numbers"
    panel = data["panels"][series["panel"]]
    share, (low, high) = (svg.BOTTOM - points[step][1]) / (svg.BOTTOM - svg.TOP), panel["y"]
    if "formula" in series:
        return shown(round(low + share * (high - low), 12))
    if not panel.get("log"):
        return f"{low + share * (high - low):.{panel['decimals']}f}".replace("-", "−")
    value = low * (high / low) ** share
    return "below 10⁻¹²" if value < 1e-12 else shown(value, 2)


def number(text):
    """The number that a text of a figure shows."""
    mantissa, _, power = text.replace("−", "-").partition("·10")
    power = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0
    return float(mantissa) * 10.0 ** int(power)


def in_data_units(panel, points):
    u, v = np.transpose(points)
    (x0, x1), (y0, y1) = (panel.x.low, panel.x.high), (panel.y.low, panel.y.high)
    x, y = (u - svg.LEFT) / (svg.RIGHT - svg.LEFT), (svg.BOTTOM - v) / (svg.BOTTOM - svg.TOP)
    return np.column_stack([x0 + x * (x1 - x0), y0 + y * (y1 - y0)])


def test_every_setting_of_the_sliders_holds_the_library_s_path():
    figure = interactive.learning_rate_explorer("ravine")
    data, panel = stored(figure), figure.panels[0]
    rates, starts = figure.controls[0].values, figure.controls[1].values
    assert len(rates) >= 15 and len(starts) >= 10
    for (k, rate), (j, start) in itertools.product(enumerate(rates), enumerate(starts)):
        path = surfaces.trajectory(optimizer.SGD(rate), surfaces.ravine, 40, start)
        drawn = in_data_units(panel, line(data, data["series"][0], [k, j, 0]))
        assert len(drawn) == 41
        near = np.abs(path).max(axis=1) < 100
        np.testing.assert_allclose(drawn[near], path[near], atol=0.02)
        loss = surfaces.ravine(path)[7]
        told = text(data, data["readouts"][0], [k, j, 7])
        assert number(told) == pytest.approx(loss, rel=0.06) if loss >= 1e-12 else told == "below 10⁻¹²"


def test_what_is_read_is_what_was_computed():
    figure = interactive.learning_rate_explorer("bowl", [0.1, 0.5], count=9)
    for k, start in enumerate(figure.controls[1].values):
        loss = surfaces.bowl(surfaces.trajectory(optimizer.SGD(0.1), surfaces.bowl, 9, start))
        for step in range(10):
            told = text(stored(figure), stored(figure)["readouts"][0], [0, k, step])
            assert number(told) == pytest.approx(loss[step], rel=0.06), "two digits"


def test_outcomes_follow_theory_on_a_quadratic():
    def outcomes(rates, **options):
        figure = interactive.learning_rate_explorer("ravine", rates, **options)
        data, start = stored(figure), figure.controls[1].start
        return [text(data, data["readouts"][1], [k, start, 0]) for k in range(len(rates))]

    assert outcomes([0.001, 0.04, 0.09, 0.1, 0.101], count=400) == [
        "has not arrived, without overshooting",
        "arrives, without overshooting",
        "arrives, overshooting",
        "has not arrived, overshooting",
        "diverges",
    ]
    assert outcomes([0.101, 0.2])[0] == "diverges"


def test_default_learning_rates_lie_on_both_sides_of_the_stability_limit():
    for name, limit in (("bowl", 2.0), ("ravine", 0.1), ("rosenbrock", 2 / 1001.6)):
        rates = interactive.learning_rate_explorer(name).controls[0].values
        assert sum(rate < 0.999 * limit for rate in rates) >= 8
        assert sum(rate > 1.001 * limit for rate in rates) >= 2


@pytest.mark.parametrize("surface", surfaces.SURFACES.values(), ids=surfaces.SURFACES)
def test_a_start_can_be_chosen_all_over_a_surface(surface):
    figure = interactive.learning_rate_explorer(surface.name, [1e-4, 1e-3])
    starts = figure.controls[1].values
    assert len(starts) >= 10 and figure.controls[1].values[figure.controls[1].start] == surface.start
    assert figure.panels[0].place is figure.controls[1]
    inside = np.array(starts)
    for axis, (low, high) in enumerate(surface.limits):
        assert (low < inside[:, axis]).all() and (inside[:, axis] < high).all()
        middle = (low + high) / 2
        assert (inside[:, axis] < middle).any() and (inside[:, axis] > middle).any()
    assert min(np.linalg.norm(inside - minimum, axis=1).min() for minimum in surface.minima) > 0.05


def test_momentum_frames_and_map_agree_with_the_rule():
    figure = interactive.momentum_explorer("ravine", [0.05, 0.1, 0.15], [0.0, 0.5, 0.9])
    data, panel = stored(figure), figure.panels[0]
    rates, betas, starts = (control.values for control in figure.controls[:3])
    for (i, lr), (j, beta), (k, start) in itertools.product(enumerate(rates), enumerate(betas), enumerate(starts)):
        path = surfaces.trajectory(optimizer.Momentum(lr, momentum=beta), surfaces.ravine, 40, start)
        drawn = in_data_units(panel, line(data, data["series"][0], [i, j, k, 0]))
        near = np.abs(path).max(axis=1) < 100
        np.testing.assert_allclose(drawn[near], path[near], atol=0.02)
        dot = in_data_units(figure.panels[2], line(data, data["series"][2], [i, j, k, 0]))
        np.testing.assert_allclose(dot, [[lr, beta]], atol=2e-3)
    assert shade(figure, (0.15, 0.0)) == 0.6  # past its limit of 0.1 without momentum
    assert shade(figure, (0.1, 0.5)) < 0.1


def shade(figure, setting):
    """How full the cell of the stability map is in which a setting lies."""
    (at,) = figure.panels[2].pixels([setting])
    for opacity, outlines in re.findall(r'class="cell" fill-opacity="([\d.]+)" d="([^"]*)"', figure._repr_html_()):
        for corners in re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)", outlines):
            left, top, right, bottom = map(float, corners)
            if left < at[0] < right and top < at[1] < bottom:
                return float(opacity)


def test_race_uses_each_optimizer_under_its_own_slider():
    figure = interactive.optimizer_race("bowl", {"SGD": [0.1, 0.5], "Nesterov": [0.01, 0.1], "AMSGrad": [0.1, 1.0]}, 10)
    data, start = stored(figure), figure.controls[3]
    assert [series["controls"] for series in data["series"]] == [[0, 3], [1, 3], [2, 3]] * 2
    expected = {
        0: optimizer.SGD(0.5),
        1: optimizer.Momentum(0.1, momentum=0.9, use_nesterov=True),
        2: optimizer.Adam(1.0, amsgrad=True),
    }
    for (k, rule), (j, at) in itertools.product(expected.items(), enumerate(start.values)):
        path = surfaces.trajectory(rule, surfaces.bowl, 10, at)
        drawn = in_data_units(figure.panels[0], line(data, data["series"][k], [1, 1, 1, j, 0]))
        np.testing.assert_allclose(drawn, path, atol=0.02)


def test_race_opens_where_it_is_told_to():
    figure = interactive.optimizer_race("bowl", {"SGD": [0.1, 0.2, 0.5], "Adam": [0.1, 1.0, 2.0]}, 10, {"SGD": 0.1})
    assert "SGD 0.1, Adam 1, " in repr(figure)
    with pytest.raises(ValueError, match="start must be one of"):
        interactive.optimizer_race("bowl", {"SGD": [0.1, 0.2]}, 10, {"SGD": 0.3})


def test_race_on_a_chosen_surface_shows_the_panels_and_losses_of_that_surface_only():
    figure = interactive.optimizer_race(["bowl", "saddle"], {"SGD": [0.1, 0.5], "Adam": [0.1, 1.0]}, 10)
    data = stored(figure)
    assert [panel["when"] for panel in data["panels"]] == [[0, 0], [0, 0], [0, 1], [0, 1]]
    assert [readout["when"] for readout in data["readouts"]] == [[0, 0], [0, 0], [0, 1], [0, 1]]
    assert [control.get("when") for control in data["controls"]] == [None, None, None, [0, 0], [0, 1], None]
    for k, surface, control in ((0, surfaces.bowl, 3), (4, surfaces.saddle, 4)):
        for j, start in enumerate(figure.controls[control].values):
            path = surfaces.trajectory(optimizer.SGD(0.5), surface, 10, start)
            setting = [0, 1, 0, j, j, 0] if control == 3 else [1, 1, 0, 0, j, 0]
            drawn = in_data_units(figure.panels[k // 2], line(data, data["series"][k], setting))
            np.testing.assert_allclose(drawn, path, atol=0.02)
    pictures = [one["class"] for one in Elements(figure._repr_html_()).all("svg") if one.get("role") == "img"]
    assert pictures == ["panel", "panel", "panel off", "panel off"]
    assert figure.id == "race-bowl-saddle"


def test_weight_decay_walks_over_the_loss_with_l2_or_decays_beside_the_loss():
    figure = interactive.weight_decay_explorer(pulled, [0.0, 0.5], [1.0, 10.0], count=30)
    data, panel = stored(figure), figure.panels[0]
    goal, with_l2, decoupled = data["series"][:3]
    paths = {
        "L2": surfaces.trajectory(optimizer.Adam(0.1), pulled(10.0, 0.5), 30),
        "AdamW": surfaces.trajectory(optimizer.AdamW(0.1, weight_decay=0.5), pulled(10.0, 0.0), 30),
    }
    for item, path in ((with_l2, paths["L2"]), (decoupled, paths["AdamW"])):
        np.testing.assert_allclose(in_data_units(panel, line(data, item, [1, 1, 30])), path, atol=0.02)
    np.testing.assert_allclose(in_data_units(panel, line(data, goal, [1, 1, 30]))[0], (2.857, 1.975), atol=0.02)
    length = in_data_units(figure.panels[1], line(data, data["series"][4], [1, 1, 30]))[:, 1]
    np.testing.assert_allclose(length, np.linalg.norm(paths["AdamW"], axis=1), atol=0.02)
    assert text(data, data["readouts"][1], [1, 1, 30]) == "({:.2f}, {:.2f})".format(*paths["AdamW"][-1])


def test_without_decay_adam_with_l2_and_adamw_are_one():
    data = stored(interactive.weight_decay_explorer(pulled, [0.0, 0.5], [1.0, 10.0], count=30))
    with_l2, decoupled = (line(data, series, [0, 1, 30]) for series in data["series"][1:3])
    np.testing.assert_array_equal(with_l2, decoupled)


def test_adam_s_state_is_that_of_the_formula():
    figure = interactive.adam_state_explorer((0.9, 0.99), (0.0, 1.0), count=30, seed=5)
    data = stored(figure)
    gradients = 1 + np.random.default_rng(5).standard_normal(30)
    t = np.arange(1, 31)
    m = np.array([sum(0.1 * 0.9 ** (n - k) * gradients[k - 1] for k in range(1, n + 1)) for n in t])
    v = np.array([sum(0.01 * 0.99 ** (n - k) * gradients[k - 1] ** 2 for k in range(1, n + 1)) for n in t])
    corrected = m / (1 - 0.9**t), np.sqrt(v / (1 - 0.99**t))
    expected = [gradients, *corrected, m, np.sqrt(v), corrected[0] / corrected[1], m / np.sqrt(v)]
    for series, values in zip(data["series"], expected):
        panel = figure.panels[series["panel"]]
        drawn = in_data_units(panel, line(data, series, [1, 1, 29]))
        np.testing.assert_allclose(drawn, np.column_stack([t, values]), atol=0.02)
    assert len(data["readouts"]) == len(data["series"]) == len(expected)


SETTINGS = {  # schedule: values of its sliders, and its formula with them
    "step decay": ({"step_size": 10, "gamma": 0.5}, "0.1 · 0.5^⌊t / 10⌋"),
    "multi-step": ({"first": 20, "second": 32, "gamma": 0.3}, "0.1 · 0.3 from step 20 on, · 0.3 again from 32 on"),
    "piecewise": ({"boundary": 20, "value": 0.05}, "0.1 for t < 20, then 0.05"),
    "exponential": ({"gamma": 0.9}, "0.1 · 0.9^t"),
    "natural exponential": ({"gamma": 0.03}, "0.1 · e^(−0.03 t)"),
    "1/t": ({"gamma": 0.3}, "0.1 / (1 + 0.3 t)"),
    "any function": ({"k": 5}, "0.1 · f(t), with f(t) = 1 / √(1 + t / 5)"),
    "any factors": ({"k": 5}, "0.1 · f(1) · f(2) · … · f(t), with f(t) = 1 − 1 / (5 + t)"),
    "polynomial": ({"power": 2.0, "decay_steps": 40}, "0.1 · (1 − min(t, 40) / 40)^2"),
    "cosine": ({"T_max": 30, "eta_min": 0.01}, "0.01 + (0.1 − 0.01) · (1 + cos(π t / 30)) / 2"),
    "warm restarts": ({"T_0": 8, "T_mult": 2}, "0.1 · (1 + cos(π T_cur / T_i)) / 2 with T_i = 8 · 2^i"),
    "warm-up": ({"warmup_steps": 10, "start_lr": 0.01}, "0.01 + (0.1 − 0.01) · t / 10 for t < 10, then 0.1"),
    "linear": (
        {"total_steps": 40, "start_factor": 0.3, "end_factor": 1.0},
        "0.1 · (0.3 + (1 − 0.3) · min(t, 40) / 40)",
    ),
    "Noam": ({"d_model": 25, "warmup_steps": 10}, "25^−½ · min(t^−½, t · 10^−1.5)"),
    "cyclical": ({"step_size_up": 10, "base": 0.01}, "0.01 + (0.1 − 0.01) · height(t): up in 10 steps, down in 10"),
    "1cycle": (
        {"phase_pct": 0.3, "divide_factor": 5.0},
        "0.1 / 5 up to 0.1 in the share 0.3 of the steps, then down to 0.0001",
    ),
    "1cycle of the paper": (
        {"phase_pct": 0.45, "divide_factor": 10.0},
        "0.1 / 10 up to 0.1 in the share 0.45 of the steps, back in as many, then down to 0.0001",
    ),
}
MAKERS = {
    "step decay": lambda step_size, gamma: schedules.StepDecay(0.1, step_size, gamma),
    "multi-step": lambda first, second, gamma: schedules.MultiStepDecay(0.1, [first, second], gamma),
    "piecewise": lambda boundary, value: schedules.PiecewiseDecay([boundary], [0.1, value]),
    "exponential": lambda gamma: schedules.ExponentialDecay(0.1, gamma),
    "natural exponential": lambda gamma: schedules.NaturalExpDecay(0.1, gamma),
    "1/t": lambda gamma: schedules.InverseTimeDecay(0.1, gamma),
    "any function": lambda k: schedules.LambdaDecay(0.1, lambda t: (1 + t / k) ** -0.5),
    "any factors": lambda k: schedules.MultiplicativeDecay(0.1, lambda t: 1 - 1 / (k + t)),
    "polynomial": lambda power, decay_steps: schedules.PolynomialDecay(0.1, decay_steps, 0.0, power),
    "cosine": lambda T_max, eta_min: schedules.CosineAnnealingDecay(0.1, T_max, eta_min),
    "warm restarts": lambda T_0, T_mult: schedules.CosineAnnealingWarmRestarts(0.1, T_0, T_mult),
    "warm-up": lambda warmup_steps, start_lr: schedules.LinearWarmup(0.1, warmup_steps, start_lr, 0.1),
    "linear": lambda total_steps, start_factor, end_factor: schedules.LinearLR(
        0.1, total_steps, start_factor, end_factor
    ),
    "Noam": lambda d_model, warmup_steps: schedules.NoamDecay(d_model, warmup_steps),
    "cyclical": lambda step_size_up, base: schedules.CyclicLR(base, 0.1, step_size_up),
    "1cycle": lambda phase_pct, divide_factor: schedules.OneCycleLR(0.1, 61, divide_factor, phase_pct=phase_pct),
    "1cycle of the paper": lambda phase_pct, divide_factor: schedules.OneCycleLR(
        0.1, 61, divide_factor, phase_pct=phase_pct, anneal_strategy="linear", three_phase=True
    ),
}


@pytest.fixture(scope="module")
def designer():
    return interactive.schedule_designer()


def positions(designer, series, values):
    """Where the sliders of a schedule stand for these values; all others at their first position."""
    setting = [control.start for control in designer.controls]
    for c in series["controls"]:
        setting[c] = designer.controls[c].values.index(values[designer.controls[c].label])
    return setting


@pytest.mark.parametrize("name", MAKERS)
def test_every_setting_of_a_schedule_is_the_library_s(designer, name):
    data, panel = stored(designer), designer.panels[0]
    k = list(designer.controls[0].values).index(name)
    series = data["series"][k]
    assert series["when"] == [0, k] and data["readouts"][2 * k]["series"] == k
    sliders = [designer.controls[c] for c in series["controls"]]
    every = [dict(zip([one.label for one in sliders], v)) for v in itertools.product(*(one.values for one in sliders))]
    for values in every if len(every) < 500 else every[::37]:
        drawn = in_data_units(panel, line(data, series, positions(designer, series, values)))
        expected = MAKERS[name](**values).at(np.arange(61))
        np.testing.assert_allclose(drawn[:, 1], expected, atol=1e-12 if "formula" in series else 4e-5, err_msg=values)
    values, formula = SETTINGS[name]
    setting = positions(designer, series, values)
    setting[-1] = 37
    assert text(data, data["readouts"][2 * k + 1], setting) == formula
    rate = MAKERS[name](**values).at(37)
    told = number(text(data, data["readouts"][2 * k], setting))
    assert told == pytest.approx(rate, rel=0.006, abs=0 if "formula" in series else 0.0006)


def test_the_designer_has_every_schedule_of_the_library():
    drawn = {
        type(design.make(*(values[0] for values, _ in design.sliders.values()))) for design in curves._DESIGNS.values()
    }
    assert {kind.__name__ for kind in drawn} == set(schedules.__all__) - {"LRScheduler", "Schedule"}
    assert set(curves._DESIGNS) == {*MAKERS, "plateau"}


def test_the_designer_opens_with_the_schedule_that_is_asked_for():
    figure = interactive.schedule_designer("1cycle")
    assert "at schedule 1cycle, phase_pct 0.3, divide_factor 25," in repr(figure)
    with pytest.raises(ValueError, match=r"start must be one of 'step decay'.*'two cycles'"):
        interactive.schedule_designer("two cycles")


def test_the_plateau_s_rates_follow_a_loss_that_stands_still(designer):
    data, line_of_plateau = stored(designer), stored(designer)["series"][-1]
    setting = positions(designer, line_of_plateau, {"factor": 0.3, "patience": 3})
    drawn = in_data_units(designer.panels[0], line(data, line_of_plateau, setting))[:, 1]
    # step 21 sees the best loss; 22 to 25 are no better, one more than the patience of 3 allows
    np.testing.assert_allclose(drawn[[0, 24, 25, 28, 29, 60]], 0.1 * 0.3 ** np.array([0, 0, 1, 1, 2, 9]), atol=4e-5)


def test_a_rate_holds_until_the_next_step(designer):
    (corners,) = re.findall(r'<polyline data-line="" points="([^"]*)"(?![^>]*class="off")', designer._repr_html_())
    u, v = np.array([pair.split(",") for pair in corners.split(" ")], dtype=float).T
    assert len(u) == 121 and all((np.diff(u) == 0) | (np.diff(v) == 0))


def test_only_the_chosen_schedule_is_shown_at_first(designer):
    page = Elements(designer._repr_html_())
    shown = [box for box in page.all("polyline") if box.get("class") != "off"]
    assert len(shown) == 1 and len(page.all("polyline")) == 18
    controls = [box["class"] for box in page.all("div") if box.get("class", "").startswith("control")]
    assert controls.count("control") == 2 + 1  # its two parameters and the step
    assert len([item for item in page.all("li") if item.get("class") != "off"]) == 2


def test_range_test_is_read_as_its_three_regions():
    figure = interactive.range_test_reader(range_test())
    data = stored(figure)
    rates = [float(label) for label in data["controls"][0]["labels"]]
    regions = dict(zip(rates, data["readouts"][3]["frames"][0]))
    assert regions[0.0001] == regions[rates[35]] == "no progress"
    assert regions[0.1] == "fast descent"
    assert regions[10.0] == "divergence"
    assert list(dict.fromkeys(regions.values())) == ["no progress", "fast descent", "around the minimum", "divergence"]
    slopes = [float(text.replace("−", "-")) for text in data["readouts"][2]["frames"][0]]
    assert slopes[60] < -1 and slopes[100] > 1 and abs(slopes[3]) < 0.1
    assert rates[data["controls"][0]["start"]] == pytest.approx(range_test().suggestion, rel=0.01)


def test_range_test_without_descent_says_so():
    figure = interactive.range_test_reader(range_test(np.linspace(2.3, 3.0, 101)))
    texts = [readout["frames"][0] for readout in stored(figure)["readouts"]]
    assert set(texts[3]) == {"no descent at all"}
    assert "none" in texts[4]


def test_range_test_is_read_up_to_the_first_gap():
    losses = range_test().losses.copy()
    losses[60:] = np.nan
    assert len(stored(interactive.range_test_reader(range_test(losses)))["controls"][0]["labels"]) == 60
    losses[4] = np.inf
    with pytest.raises(ValueError, match="test must have at least 10 finite losses at its start, got 4"):
        interactive.range_test_reader(range_test(losses))


def test_first_picture_is_the_start_setting(figure):
    data, page = stored(figure), figure._repr_html_()
    setting = [control["start"] for control in data["controls"]]
    lines = re.findall(r'<polyline data-line="" points="([^"]*)"', page)
    dots = re.findall(r'<g data-dot="" transform="translate\(([^)]*)\)"', page)
    texts = [html.unescape(one) for one in re.findall(r"<span data-readout>([^<]*)</span>", page)]
    check_shown(data, setting, {"lines": lines, "dots": dots, "texts": texts})


@pytest.mark.parametrize("name", FIGURES)
def test_pages_are_light_and_the_same_every_time(name):
    page = made(name)._repr_html_()
    assert page == FIGURES[name]()._repr_html_()
    assert len(page.encode()) < 300_000


@pytest.fixture(scope="module")
def figures_of_the_book():
    """The figures as the notebooks hold them."""
    notebooks = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(CHAPTERS.glob("*.ipynb")))
    outputs = [output for book in notebooks for cell in book["cells"] for output in cell.get("outputs", [])]
    pages = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    return [page for page in pages if 'class="course-figure"' in page]


def test_figures_of_the_book_are_light_and_have_the_present_script(figures_of_the_book):
    for page in figures_of_the_book:
        assert len(page.encode()) < 300_000, page[:100]
        assert _script() in page and _read("figure.css") in page
    kinds = {re.search(r'class="course-figure" id="([\w-]+)"', page)[1] for page in figures_of_the_book}
    asked = {"learning-rate-bowl", "learning-rate-ravine", "momentum-ravine", "race", "schedule-designer", "range-test"}
    assert asked | {"adam-state", "weight-decay", "curvature", "mini-batches"} <= kinds
    assert len(kinds) == len(figures_of_the_book)


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("[01]*.ipynb")), ids=lambda p: p.stem)
def test_every_chapter_has_a_figure_in_its_first_third(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    ends = np.cumsum([len("".join(cell["source"])) for cell in cells])
    places = [end for end, cell in zip(ends, cells) if 'class=\\"course-figure' in json.dumps(cell.get("outputs"))]
    assert min(places, default=ends[-1]) < ends[-1] / 3


def test_the_javascript_is_one_small_piece():
    assert len(_script().encode()) < 9_000
    assert "</" not in _script() and "$" not in re.sub(r"\$\{", "", _script())


def test_sliders_have_fifteen_stops_or_more(figures_of_the_book):
    few = {"start", "T_mult"}  # points to be picked; whole numbers of which more make no sense
    for page in figures_of_the_book:
        for label, last in re.findall(r'<label for="[^"]*">([^<]*)</label><input type="range" [^>]*max="(\d+)"', page):
            assert int(last) >= 14 or label in few, label


def test_what_to_try_is_said(figures_of_the_book):
    for page in figures_of_the_book:
        assert re.search(r'<p class="task">[^<]{20,}</p>', page), page[:100]


def test_nothing_is_loaded_from_elsewhere(figure):
    page = re.sub('<script type="application/json">.*?</script>', "", figure._repr_html_(), flags=re.S)
    page = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z]|@import|\bsrc=|href=|url\((?!#)", page)


class Elements(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_every_control_has_a_name_and_every_picture_a_description(figure):
    elements = Elements(figure._repr_html_())
    labelled = {label["for"] for label in elements.all("label") if "for" in label}
    assert {box["id"] for box in elements.all("input") if box["type"] == "range"} <= labelled
    pictures = [one for one in elements.all("svg") if one.get("role") == "img"]
    assert len(pictures) == len(figure.panels)
    assert all(len(one["aria-label"]) > 40 for one in pictures)
    assert any("aria-live" in one for one in elements.all("ul"))


def test_controls_wait_for_the_script_so_that_nothing_dead_is_shown(figure):
    assert "hidden" in Elements(figure._repr_html_()).all("form")[0]


def test_ids_do_not_clash_on_one_page():
    pages = [made(name)._repr_html_() for name in FIGURES]
    ids = [one["id"] for page in pages for _, one in Elements(page).found if "id" in one]
    assert len(ids) == len(set(ids))


def test_drawn_svg_is_well_formed(figure):
    for picture in re.findall(r"<svg.*?</svg>", figure._repr_html_(), re.S):
        xml.dom.minidom.parseString(picture)


def test_colours_of_all_curves_differ_without_colour_too(figure):
    for panel in figure.panels:
        looks = [series.look() for series in panel.series if not figure.is_off(series)]
        looks = [look for look in looks if look["marker"] != "None"]  # lines without a dot
        assert len({look["marker"] for look in looks}) == len(looks)


def test_curves_and_texts_stand_out_on_both_cards():
    def luminance(color):
        c = np.array(to_rgb(color))
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    def contrast(*colors):
        low, high = sorted(map(luminance, colors))
        return (high + 0.05) / (low + 0.05)

    css = _read("figure.css")
    themes = [dict(re.findall(r"--(\w+): (#\w+);", rule)) for rule in re.findall(r"{([^{}]*--ink:[^{}]*)}", css)]
    assert len({theme["card"] for theme in themes}) == 2
    for theme in themes:
        assert contrast(theme["ink"], theme["card"]) >= 7 and contrast(theme["soft"], theme["card"]) >= 4.5
        assert contrast(theme["focus"], theme["card"]) >= 4.5  # a button's text has the colour of the card
        for name, color in COLORS.items():
            assert contrast(color, theme["card"]) >= 3, name  # for browsers without light-dark()
            partner = at_night(color) if theme["ink"] == "#eee" else color
            assert contrast(partner, theme["card"]) >= (4.5 if theme["ink"] == "#eee" else 3), name


def test_radio_buttons_and_sliders_combine_with_the_last_fastest():
    figure = simple()
    data = stored(figure)
    assert data["readouts"][0]["frames"][2 * 2 + 1] == ["down 0", "down 3", "down 6"]
    assert repr(figure).splitlines() == [
        "Lines & <angles> (interactive; at rate 2, kind up, step 2)",
        "  height: up 4",
        "  rate: b",
    ]
    page = figure._repr_html_()
    assert "Lines &amp; &lt;angles&gt;" in page and page.count('type="radio"') == 2


def test_data_cannot_end_the_script_it_stands_in():
    figure = simple(readouts=[Readout("text", ["</script><b>"])])
    assert "</script><b>" not in figure._repr_html_()
    assert stored(figure)["readouts"][0]["frames"] == ["</script><b>"]


# Moves every control of every figure to its end and to the middle, as a hand would, and writes down what is shown.
OPERATE = """<script>
const log = {}, note = (root) => ({
  lines: [...root.querySelectorAll("[data-line]")].map((line) => line.getAttribute("points")),
  dots: [...root.querySelectorAll("[data-dot]")].map((dot) => dot.getAttribute("transform")),
  texts: [...root.querySelectorAll("[data-readout]")].map((text) => text.textContent),
  off: [...root.querySelectorAll("[data-line]")].map((line) => getComputedStyle(line).display === "none"),
  outputs: [...root.querySelectorAll("output")].map((output) => output.textContent),
});
document.querySelectorAll(".course-figure").forEach((root) => {
  const controls = Math.max(...[...root.querySelectorAll("[data-control]")].map((one) => one.dataset.control)) + 1;
  log[root.id] = [{ set: null, ...note(root) }];
  for (let k = 0; k < controls; k++) {
    const inputs = [...root.querySelectorAll(`[data-control="${k}"]`)];
    const radio = inputs[0].type === "radio", last = radio ? inputs.length - 1 : Number(inputs[0].max);
    for (const value of [last, Math.floor(last / 2)]) {
      const input = radio ? inputs[value] : inputs[0];
      if (radio) input.checked = true; else input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      log[root.id].push({ set: [k, value], ...note(root) });
    }
  }
  log[root.id].push({ form: getComputedStyle(root.querySelector("form")).display });
});
document.body.innerHTML = "<pre>" + btoa(unescape(encodeURIComponent(JSON.stringify(log)))) + "</pre>";
</script>"""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_moved_by_hand_a_browser_shows_what_is_stored(tmp_path):
    figures = [made(name) for name in FIGURES]
    page = "".join(figure._repr_html_() for figure in figures)
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8><body>{page}{OPERATE}", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    command = [CHROMIUM, *options, (tmp_path / "page.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    log = json.loads(base64.b64decode(re.search(r"<pre>([^<]*)</pre>", shown)[1]))
    for figure in figures:
        *states, form = log[figure.id]
        assert form == {"form": "flex"}
        data, setting = stored(figure), [control.start for control in figure.controls]
        assert len(states) == 1 + 2 * len(figure.controls)
        for state in states:
            if state["set"]:
                setting[state["set"][0]] = state["set"][1]
            check_shown(data, setting, state)


def check_shown(data, setting, state):
    """Hold what is shown against what is stored; formulas may differ in the last digit of a browser's arithmetic."""
    step = step_of(data, setting)
    for k, (item, corners, dot) in enumerate(zip(data["series"], state["lines"], state["dots"], strict=True)):
        points = line(data, item, setting)
        end = min(step, len(points) - 1) if step >= 0 else len(points) - 1
        expected = points if item.get("whole") else points[: end + 1]
        if item.get("stairs"):
            expected = [point for a, b in zip(expected, expected[1:]) for point in (a, (b[0], a[1]))] + [expected[-1]]
        drawn = np.array([pair.split(",") for pair in corners.split(" ")], dtype=float)
        np.testing.assert_allclose(drawn, expected, atol=0.051 if "formula" in item else 1e-9)
        at = np.array(re.search(r"[-\d.]+,[-\d.]+", dot)[0].split(","), dtype=float)
        inside = np.clip(points[end], (svg.LEFT, svg.TOP), (svg.RIGHT, svg.BOTTOM))
        np.testing.assert_allclose(at, inside, atol=0.051 if "formula" in item else 1e-9)
        if "off" in state:
            assert state["off"][k] == ("when" in item and setting[item["when"][0]] != item["when"][1])
    assert state["texts"] == [text(data, item, setting) for item in data["readouts"]]
    if "outputs" in state:
        sliders = [k for k, control in enumerate(data["controls"]) if control["kind"] != "choice"]
        assert state["outputs"] == [data["controls"][k]["labels"][setting[k]] for k in sliders]


def test_a_curve_ends_where_it_leaves_for_infinity():
    panel = Panel("a line", Axis("x", 0, 1), Axis("y", 1e-3, 1e3, log=True), [])
    assert panel.curve([(0, 1e-3), (1, 1e3), (1, np.inf), (1, 1)]).tolist() == [[52, 238], [350, 26]]
    assert len(panel.curve([(0, 1), (1e300, 0)])) == 2


@given(st.lists(st.integers(-(10**9), 10**9)))
def test_packed_numbers_come_back(numbers):
    assert unpacked(packed(numbers)).tolist() == numbers
    assert set(packed(numbers)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simple(id="two words"), "id must be letters"),
        (lambda: simple(controls=[steps(2), steps(3, "again")]), "controls must hold at most one made by steps"),
        (lambda: simple(controls=[slider("a", [1, 2]), slider("a", [1, 3])]), "controls must have different labels"),
        (lambda: simple(controls=[steps(2)]), "frames must be one for each of the 6 settings"),
        (lambda: simple(readouts=[Readout("two", ["a", "b"])]), "frames must be one for each of the 1 settings"),
        (lambda: slider("rate", [1.0]), "values must be at least two different ones"),
        (lambda: slider("β₂", [0.9999999, 1.0]), "values must be told apart by their labels, got .*'1', '1'"),
        (lambda: slider("rate", [1.0, 2.0], start=3.0), "start must be one of 1.0, 2.0, got 3.0"),
        (lambda: steps(0), "count must be"),
        (lambda: interactive.optimizer_race("bowl", {"Adaam": [0.1, 0.2]}), "optimizer must be one of 'SGD'.*'Adaam'"),
        (lambda: interactive.learning_rate_explorer("hole"), "surface must be one of"),
        (lambda: simple().panels[0].curve([(np.nan, 0)]), "frames must be points"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
