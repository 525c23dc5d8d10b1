"""Interactive figures: every picture that a control can pick is the library's path; the page needs nothing else."""

import base64
import itertools
import json
import re
import shutil
import subprocess
import xml.dom.minidom
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_lib import interactive, optimizer, surfaces
from course_lib.interactive import Axis, Figure, Panel, Readout, Series, curves, over, radio, slider, steps, svg
from course_lib.interactive.figure import _read
from course_lib.looks import COLORS
from course_lib.lr_finder import RangeTest
from course_lib.optimizer import lr as schedules

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
}


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


@pytest.fixture(scope="module", params=FIGURES)
def figure(request):
    return FIGURES[request.param]()


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
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', figure._repr_html_(), re.S)[1])


def chosen(data, item, setting):
    """The frame that the JavaScript picks at a setting: mixed radix, the last control fastest."""
    index = 0
    for control in item["controls"]:
        index = index * len(data["controls"][control]["labels"]) + setting[control]
    return item["frames"][index]


def points_in_data_units(panel, text):
    u, v = np.array([pair.split(",") for pair in text.split(" ")], dtype=float).T
    (x0, x1), (y0, y1) = (panel.x.low, panel.x.high), (panel.y.low, panel.y.high)
    x, y = (u - svg.LEFT) / (svg.RIGHT - svg.LEFT), (svg.BOTTOM - v) / (svg.BOTTOM - svg.TOP)
    return np.column_stack([x0 + x * (x1 - x0), y0 + y * (y1 - y0)])


def test_every_setting_of_the_slider_holds_the_library_s_path():
    figure = interactive.learning_rate_explorer("ravine")
    data, panel = stored(figure), figure.panels[0]
    labels = data["controls"][0]["labels"]
    assert len(labels) >= 10
    for k, label in enumerate(labels):
        path = surfaces.trajectory(optimizer.SGD(float(label)), surfaces.ravine, 40)
        drawn = points_in_data_units(panel, chosen(data, data["series"][0], [k, 0]))
        assert len(drawn) == 41
        near = np.abs(path).max(axis=1) < 100
        np.testing.assert_allclose(drawn[near], path[near], atol=0.02)
        loss = surfaces.ravine(path)
        texts = chosen(data, data["readouts"][0], [k, 0])
        assert float(texts[7]) == pytest.approx(loss[7], rel=6e-3)


def test_outcomes_follow_theory_on_a_quadratic():
    figure = interactive.learning_rate_explorer("ravine", [0.001, 0.04, 0.09, 0.1, 0.101], count=400)
    outcomes = stored(figure)["readouts"][1]["frames"]
    assert outcomes == [
        "has not arrived, without overshooting",
        "arrives, without overshooting",
        "arrives, overshooting",
        "has not arrived, overshooting",
        "diverges",
    ]
    (barely, _) = stored(interactive.learning_rate_explorer("ravine", [0.101, 0.2]))["readouts"][1]["frames"]
    assert barely == "diverges"


def test_default_learning_rates_lie_on_both_sides_of_the_stability_limit():
    for name, limit in (("bowl", 2.0), ("ravine", 0.1), ("rosenbrock", 2 / 1001.6)):
        rates = interactive.learning_rate_explorer(name).controls[0].values
        assert sum(rate < 0.999 * limit for rate in rates) >= 8
        assert sum(rate > 1.001 * limit for rate in rates) >= 2


def test_momentum_frames_and_map_agree_with_the_rule():
    figure = interactive.momentum_explorer("ravine", [0.05, 0.1, 0.15], [0.0, 0.5, 0.9])
    data, panel = stored(figure), figure.panels[0]
    for (i, lr), (j, beta) in itertools.product(enumerate([0.05, 0.1, 0.15]), enumerate([0.0, 0.5, 0.9])):
        path = surfaces.trajectory(optimizer.Momentum(lr, momentum=beta), surfaces.ravine, 40)
        drawn = points_in_data_units(panel, chosen(data, data["series"][0], [i, j, 0]))
        near = np.abs(path).max(axis=1) < 100
        np.testing.assert_allclose(drawn[near], path[near], atol=0.02)
        dot = points_in_data_units(figure.panels[2], chosen(data, data["series"][2], [i, j, 0]))
        np.testing.assert_allclose(dot, [[lr, beta]], atol=2e-3)
    cells = re.findall(r'class="cell" fill-opacity="([\d.]+)"', figure._repr_html_())
    shades = np.array(cells, dtype=float).reshape(3, 3)  # rows are β
    assert shades[0, 2] == shades.max() == 0.6  # lr 0.15 without momentum is past its limit of 0.1
    assert shades[1, 1] < 0.1


def test_race_uses_each_optimizer_under_its_own_slider():
    figure = interactive.optimizer_race("bowl", {"SGD": [0.1, 0.5], "Nesterov": [0.01, 0.1], "AMSGrad": [0.1, 1.0]}, 10)
    data = stored(figure)
    assert [series["controls"] for series in data["series"]] == [[0], [1], [2]] * 2
    expected = {
        0: optimizer.SGD(0.5),
        1: optimizer.Momentum(0.1, momentum=0.9, use_nesterov=True),
        2: optimizer.Adam(1.0, amsgrad=True),
    }
    for k, rule in expected.items():
        path = surfaces.trajectory(rule, surfaces.bowl, 10)
        drawn = points_in_data_units(figure.panels[0], data["series"][k]["frames"][1])
        np.testing.assert_allclose(drawn, path, atol=0.02)


def test_race_on_a_chosen_surface_shows_the_panels_and_losses_of_that_surface_only():
    figure = interactive.optimizer_race(["bowl", "saddle"], {"SGD": [0.1, 0.5], "Adam": [0.1, 1.0]}, 10)
    data = stored(figure)
    assert [panel["when"] for panel in data["panels"]] == [[0, 0], [0, 0], [0, 1], [0, 1]]
    assert [readout["when"] for readout in data["readouts"]] == [[0, 0], [0, 0], [0, 1], [0, 1]]
    for k, surface in ((0, surfaces.bowl), (4, surfaces.saddle)):
        path = surfaces.trajectory(optimizer.SGD(0.5), surface, 10)
        drawn = points_in_data_units(figure.panels[k // 2], chosen(data, data["series"][k], [0, 1, 0, 0]))
        np.testing.assert_allclose(drawn, path, atol=0.02)
    pictures = [one["class"] for one in Elements(figure._repr_html_()).all("svg") if one.get("role") == "img"]
    assert pictures == ["panel", "panel", "panel off", "panel off"]
    assert figure.id == "race-bowl-saddle"


def test_weight_decay_walks_over_the_loss_with_l2_or_decays_beside_the_loss():
    figure = interactive.weight_decay_explorer(pulled, [0.05, 0.1], [0.0, 0.5], [1.0, 10.0], count=30)
    data, panel = stored(figure), figure.panels[0]
    goal, with_l2, decoupled = data["series"][:3]
    paths = {
        "L2": surfaces.trajectory(optimizer.Adam(0.1), pulled(10.0, 0.5), 30),
        "AdamW": surfaces.trajectory(optimizer.AdamW(0.1, weight_decay=0.5), pulled(10.0, 0.0), 30),
    }
    for item, path in ((with_l2, paths["L2"]), (decoupled, paths["AdamW"])):
        np.testing.assert_allclose(points_in_data_units(panel, chosen(data, item, [1, 1, 1, 0])), path, atol=0.02)
    np.testing.assert_allclose(
        points_in_data_units(panel, chosen(data, goal, [1, 0, 1, 0]))[0], (2.857, 1.975), atol=0.02
    )
    length = points_in_data_units(figure.panels[1], chosen(data, data["series"][4], [1, 1, 1, 0]))[:, 1]
    np.testing.assert_allclose(length, np.linalg.norm(paths["AdamW"], axis=1), atol=0.02)
    assert chosen(data, data["readouts"][1], [1, 1, 1, 0]) == "({:.2f}, {:.2f})".format(*paths["AdamW"][-1])


def test_without_decay_adam_with_l2_and_adamw_are_one():
    data = stored(interactive.weight_decay_explorer(pulled, [0.05, 0.1], [0.0, 0.5], [1.0, 10.0], count=30))
    assert chosen(data, data["series"][1], [1, 1, 0, 0]) == chosen(data, data["series"][2], [1, 1, 0, 0])


def test_adam_s_state_is_that_of_the_formula():
    data = stored(interactive.adam_state_explorer((0.9, 0.99), (0.0, 1.0), count=30, seed=5))
    gradients = 1 + np.random.default_rng(5).standard_normal(30)
    t = np.arange(1, 31)
    m = np.array([sum(0.1 * 0.9 ** (n - k) * gradients[k - 1] for k in range(1, n + 1)) for n in t])
    v = np.array([sum(0.01 * 0.99 ** (n - k) * gradients[k - 1] ** 2 for k in range(1, n + 1)) for n in t])
    corrected = m / (1 - 0.9**t), np.sqrt(v / (1 - 0.99**t))
    expected = [gradients, *corrected, m, np.sqrt(v), corrected[0] / corrected[1], m / np.sqrt(v)]
    for readout, values in zip(data["readouts"], expected):
        texts = chosen(data, readout, [1, 1, 0])
        np.testing.assert_allclose(np.array(texts, dtype=float), values, rtol=6e-3)
    assert len(data["readouts"]) == len(data["series"]) == len(expected)


def test_every_schedule_is_drawn_from_the_library():
    figure = interactive.schedule_designer()
    data, panel = stored(figure), figure.panels[0]
    expected = {  # schedule: setting of its sliders, the schedule, the formula
        "step decay": ([1, 2], schedules.StepDecay(0.1, 10, 0.5), "0.1 · 0.5^⌊t / 10⌋"),
        "multi-step": (
            [1, 0, 1],
            schedules.MultiStepDecay(0.1, [20, 30], 0.3),
            "0.1 · 0.3 from step 20 on, · 0.3 again",
        ),
        "piecewise": ([1, 2], schedules.PiecewiseDecay([20], [0.1, 0.05]), "0.1 for t < 20, then 0.05"),
        "exponential": ([1], schedules.ExponentialDecay(0.1, 0.9), "0.1 · 0.9^t"),
        "natural exponential": ([1], schedules.NaturalExpDecay(0.1, 0.03), "0.1 · e^(−0.03 t)"),
        "1/t": ([3], schedules.InverseTimeDecay(0.1, 0.3), "0.1 / (1 + 0.3 t)"),
        "any function": ([1], schedules.LambdaDecay(0.1, lambda t: (1 + t / 5) ** -0.5), "f(t) = 1 / √(1 + t / 5)"),
        "any factors": ([1], schedules.MultiplicativeDecay(0.1, lambda t: 1 - 1 / (5 + t)), "f(t) = 1 − 1 / (5 + t)"),
        "polynomial": ([2, 1], schedules.PolynomialDecay(0.1, 40, 0.0, 2.0), "0.1 · (1 − min(t, 40) / 40)^2"),
        "cosine": ([1, 1], schedules.CosineAnnealingDecay(0.1, 30, 0.01), "0.01 + 0.09 · (1 + cos(π t / 30)) / 2"),
        "warm restarts": ([1, 1], schedules.CosineAnnealingWarmRestarts(0.1, 8, 2), "T_i = 8 · 2^i"),
        "warm-up": ([1, 1], schedules.LinearWarmup(0.1, 10, 0.01, 0.1), "0.01 + 0.09 · t / 10 for t < 10"),
        "linear": ([1, 0, 1], schedules.LinearLR(0.1, 40, 0.3, 1.0), "0.1 · (0.3 + 0.7 · min(t, 40) / 40)"),
        "Noam": ([0, 1], schedules.NoamDecay(25, 10), "25^−½ · min(t^−½, t · 10^−1.5)"),
        "cyclical": ([1, 1], schedules.CyclicLR(0.01, 0.1, 10), "up in 10 steps, down in 10"),
        "1cycle": ([1, 1], schedules.OneCycleLR(0.1, 61, 5.0, phase_pct=0.3), "0.02 up to 0.1 in the first 30 %"),
    }
    assert list(figure.controls[0].values) == [*expected, "plateau"]
    for k, (setting, schedule, formula) in enumerate(expected.values()):
        line = data["series"][k]
        assert line["when"] == [0, k]
        positions = dict(zip(line["controls"], setting))
        drawn = points_in_data_units(panel, chosen(data, line, positions))
        np.testing.assert_allclose(drawn[:, 1], schedule.at(np.arange(61)), atol=3e-5)
        assert formula in chosen(data, data["readouts"][2 * k + 1], positions)


def test_the_designer_has_every_schedule_of_the_library():
    drawn = {
        type(make(*(values[0] for values in sliders.values()), 60)) for sliders, make, _ in curves._DESIGNS.values()
    }
    assert {kind.__name__ for kind in drawn} == set(schedules.__all__) - {"LRScheduler", "Schedule"}


def test_the_plateau_s_rates_follow_a_loss_that_stands_still():
    figure = interactive.schedule_designer()
    data, line = stored(figure), stored(figure)["series"][-1]
    factor, patience = (figure.controls[k] for k in line["controls"])
    assert (factor.values[1], patience.values[1]) == (0.3, 3)
    drawn = points_in_data_units(figure.panels[0], chosen(data, line, dict(zip(line["controls"], (1, 1)))))[:, 1]
    # step 21 sees the best loss; 22 to 25 are no better, one more than the patience of 3 allows
    np.testing.assert_allclose(drawn[[0, 24, 25, 28, 29, 60]], 0.1 * 0.3 ** np.array([0, 0, 1, 1, 2, 9]), atol=3e-5)


def test_only_the_chosen_schedule_is_shown_at_first():
    page = Elements(interactive.schedule_designer()._repr_html_())
    shown = [box for box in page.all("polyline") if box.get("class") != "off"]
    assert len(shown) == 1 and len(page.all("polyline")) == 17
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
    step = next(control["start"] for control in data["controls"] if control["kind"] == "step")
    lines = re.findall(r'<polyline data-line="" points="([^"]*)"', page)
    dots = re.findall(r'<g data-dot="" transform="translate\(([^)]*)\)"', page)
    for item, line, dot in zip(data["series"], lines, dots):
        points = chosen(data, item, setting).split(" ")
        end = len(points) if item["whole"] else step + 1
        assert line == " ".join(points[:end]) and dot == points[min(step, len(points) - 1)]
    assert len(lines) == len(dots) == len(data["series"])


def test_pages_are_light_and_the_same_every_time(figure):
    again = next(make() for make in FIGURES.values() if make().id == figure.id)
    assert figure._repr_html_() == again._repr_html_()
    assert len(figure._repr_html_().encode()) < 300_000


def test_figures_of_the_book_are_light_and_have_the_present_script():
    kinds = set()
    for path in sorted((Path(__file__).parent.parent / "chapters").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                page = "".join(output.get("data", {}).get("text/html", ""))
                if 'class="course-figure"' in page:
                    kinds.add(re.search(r'class="course-figure" id="([\w-]+)"', page)[1])
                    assert len(page.encode()) < 300_000, path.name
                    assert _read("figure.js") in page and _read("figure.css") in page, path.name
    asked = {"learning-rate-bowl", "learning-rate-ravine", "momentum-ravine", "race", "schedule-designer", "range-test"}
    assert asked | {"adam-state", "weight-decay"} <= kinds


def test_the_javascript_is_one_small_piece():
    assert len(_read("figure.js").encode()) < 6_000
    assert "</" not in _read("figure.js")


def test_nothing_is_loaded_from_elsewhere(figure):
    page = figure._repr_html_()
    assert not re.search(
        r"https?:|//[a-z]|@import|\bsrc=|href=|url\((?!#)", page.replace("http://www.w3.org/2000/svg", "")
    )


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
    pages = [make()._repr_html_() for make in FIGURES.values()]
    ids = [one["id"] for page in pages for _, one in Elements(page).found if "id" in one]
    assert len(ids) == len(set(ids))


def test_drawn_svg_is_well_formed(figure):
    for picture in re.findall(r"<svg.*?</svg>", figure._repr_html_(), re.S):
        xml.dom.minidom.parseString(picture)


def test_colours_of_all_curves_differ_without_colour_too(figure):
    for panel in figure.panels:
        looks = [series.look() for series in panel.series if not figure.is_off(series)]
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
            assert contrast(color, theme["card"]) >= 3, name


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
    figures = [make() for make in FIGURES.values()]
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
    times = [k for k, control in enumerate(data["controls"]) if control["kind"] == "step"]
    step = setting[times[0]] if times else 10**9
    for item, line, dot, off in zip(data["series"], state["lines"], state["dots"], state["off"]):
        points = chosen(data, item, setting).split(" ")
        end = min(step, len(points) - 1)
        assert line == " ".join(points if item["whole"] else points[: end + 1])
        assert dot == f"translate({points[end]})"
        assert off == ("when" in item and setting[item["when"][0]] != item["when"][1])
    for item, text in zip(data["readouts"], state["texts"]):
        frame = chosen(data, item, setting)
        assert text == (frame if isinstance(frame, str) else frame[min(step, len(frame) - 1)])
    sliders = [k for k, control in enumerate(data["controls"]) if control["kind"] != "choice"]
    assert state["outputs"] == [data["controls"][k]["labels"][setting[k]] for k in sliders]


def test_a_curve_ends_where_it_leaves_for_infinity():
    panel = Panel("a line", Axis("x", 0, 1), Axis("y", 1e-3, 1e3, log=True), [])
    assert panel.points([(0, 1e-3), (1, 1e3), (1, np.inf), (1, 1)]) == "52,258 410,10"
    assert panel.points([(0, 1), (1e300, 0)]).count(" ") == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simple(id="two words"), "id must be letters"),
        (lambda: simple(controls=[steps(2), steps(3, "again")]), "controls must hold at most one made by steps"),
        (lambda: simple(controls=[slider("a", [1, 2]), slider("a", [1, 3])]), "controls must have different labels"),
        (lambda: simple(controls=[steps(2)]), "frames must be one for each of the 6 settings"),
        (lambda: simple(readouts=[Readout("two", ["a", "b"])]), "frames must be one for each of the 1 settings"),
        (lambda: slider("rate", [1.0]), "values must be at least two different ones"),
        (lambda: slider("rate", [1.0, 2.0], start=3.0), "start must be one of 1.0, 2.0, got 3.0"),
        (lambda: steps(0), "count must be"),
        (lambda: interactive.optimizer_race("bowl", {"Adaam": [0.1, 0.2]}), "optimizer must be one of 'SGD'.*'Adaam'"),
        (lambda: interactive.learning_rate_explorer("hole"), "surface must be one of"),
        (lambda: simple().panels[0].points([(np.nan, 0)]), "frames must be points"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
