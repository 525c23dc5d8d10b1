"""Interactive figures operated by mouse, keyboard and finger: what is drawn is what the library computes.

What should be seen is computed here with ``course_lib``. What is seen is read from the picture as a reader does, with
the numbers at the ticks of its axes.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from course_lib import optimizer, surfaces
from course_lib.interactive import svg
from course_lib.interactive.descent import noisy_examples
from course_lib.optimizer import lr as schedules

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters"


# -- what should be seen: setting -> curves of each panel --------------------------------------------------------------


def against_step(values, first=0):
    return np.column_stack([first + np.arange(len(values)), values])


def loss_curve(surface, path):
    return against_step(surface(path) - surface(surface.minima[0]))


def descent(surface, setting):
    rule = optimizer.SGD(setting["learning rate"])
    path = surfaces.trajectory(rule, surface, setting["step"], start=setting["start"])
    return [[path], [loss_curve(surface, path)]]


def momentum(surface, setting):
    lr, beta = setting["learning rate"], setting["momentum β"]
    rule = optimizer.Momentum(lr, momentum=beta)
    path = surfaces.trajectory(rule, surface, setting["step"], start=setting["start"])
    return [[path], [loss_curve(surface, path)], [np.array([[lr, beta]])]]


def race(surface, setting):
    by_words = {one.words: one for one in surfaces.SURFACES.values()}
    surface = by_words[setting["surface"]] if "surface" in setting else surfaces.SURFACES[surface]
    makers = {
        "Momentum": lambda lr: optimizer.Momentum(lr, momentum=0.9),
        "AMSGrad": lambda lr: optimizer.Adam(lr, amsgrad=True),
    }
    racers = [
        makers.get(name, getattr(optimizer, name, None))(lr)
        for name, lr in setting.items()
        if name not in {"surface", "start", "step"}
    ]
    paths = [surfaces.trajectory(racer, surface, setting["step"], start=setting["start"]) for racer in racers]
    return [paths, [loss_curve(surface, path) for path in paths]]


def adam_state(setting):
    adam, rows = optimizer.Adam(1.0, beta2=setting["β₂"]), []
    gradients = 1 + setting["noise"] * np.random.default_rng(0).standard_normal(60)
    s = adam.fresh_state(np.zeros(1))
    for s.t, gradient in enumerate(gradients[: setting["step"]], 1):
        step = -adam.rule(np.zeros(1), np.array([gradient]), s, 1.0)
        corrected = s.m / (1 - 0.9**s.t), np.sqrt(s.v / (1 - setting["β₂"] ** s.t))
        rows.append(np.stack([[gradient], *corrected, s.m, np.sqrt(s.v), step, s.m / np.sqrt(s.v)])[:, 0])
    curves = [against_step(values, first=1) for values in np.transpose(rows)]
    return [curves[:5], curves[5:]]


def designed(setting):
    steps = np.arange(61)
    rates = {
        "step decay": lambda step_size, gamma: schedules.StepDecay(0.1, int(step_size), gamma),
        "cosine": lambda T_max, eta_min: schedules.CosineAnnealingDecay(0.1, int(T_max), eta_min),
        "Noam": lambda d_model, warmup_steps: schedules.NoamDecay(d_model, int(warmup_steps)),
        "1cycle": lambda phase_pct, divide_factor: schedules.OneCycleLR(
            0.1, 61, divide_factor=divide_factor, phase_pct=phase_pct
        ),
    }
    parameters = {name: value for name, value in setting.items() if name not in {"schedule", "step"}}
    if setting["schedule"] not in rates:
        return None  # the rest is compared in tests/test_interactive.py
    values = rates[setting["schedule"]](**parameters).at(steps)
    held = np.repeat(against_step(values), 2, axis=0)  # each until the next step
    return [[np.column_stack([held[1:, 0], held[:-1, 1]])]]


def weight_decay(setting):
    scale, decay = setting["loss times"], setting["decay λ"]

    def walk(rule, l2):
        pulled = surfaces.Surface(
            "pulled",
            lambda x, y: np.zeros_like(x),
            lambda x, y: (scale * (x - 3) + l2 * x, scale * 4 * (y - 2) + l2 * y),
            start=(-1.0, 1.0),
            minima=((0.0, 0.0),),
            limits=((-1.5, 4.5), (0.0, 3.0)),
        )
        return surfaces.trajectory(rule, pulled, setting["step"])

    paths = walk(optimizer.Adam(0.1), decay), walk(optimizer.AdamW(0.1, weight_decay=decay), 0.0)
    goal = np.array([[3 * scale / (scale + decay), 8 * scale / (4 * scale + decay)]])
    return [[goal, *paths], [against_step(np.linalg.norm(path, axis=1)) for path in paths]]


def curvature(setting):
    lr, bends = setting["learning rate"], (setting["flat λ"], setting["steep λ"])
    valleys, walks = [], []
    for bend in bends:
        reach = np.sqrt(2 / bend)  # where the loss is 1
        x = np.linspace(-1.3, 1.3, 41) * reach
        path = surfaces.trajectory(optimizer.SGD(lr), surfaces.quadratic((bend, 1.0)), setting["step"], (-reach, 0))
        valleys.append(np.column_stack([x, bend * x**2 / 2]))
        walks.append(np.column_stack([path[:, 0], bend * path[:, 0] ** 2 / 2]))
    corners = [np.array([(0, 1), (1 / bend, 0), (3.3, abs(1 - 3.3 * bend))]) for bend in bends]
    return [[*valleys, *walks], [*corners, *(np.array([(lr, abs(1 - lr * bend))]) for bend in bends)]]


def mini_batches(setting):
    examples, lr, steps = noisy_examples(), setting["learning rate"], setting["step"]
    surface, start = examples.surface(), np.array(setting["start"])

    def walk(start, batches):
        sgd, path = optimizer.SGD(lr), [start]
        with np.errstate(all="ignore"):
            for chosen in batches:
                gradient = examples.gradient(path[-1], chosen)
                path.append(sgd.rule(path[-1], gradient, sgd.fresh_state(start), lr))
            return np.array(path), surface(path) - surface(surface.minima[0])

    drawn = np.random.default_rng(0).integers(128, size=(3000, int(setting["batch size"])))
    floor = walk(np.array(surface.minima[0]), drawn)[1][500:].mean()
    paths, losses = zip(walk(start, [slice(None)] * steps), walk(start, drawn[:steps]))
    return [[*paths], [np.array([(0, floor), (50, floor)]), *map(against_step, losses)]]


def rare_feature(setting):
    seen = 1 + 0.5 * np.random.default_rng(3).standard_normal(120)
    rates = {name: setting[f"{name}'s learning rate"] for name in ("SGD", "AdaGrad")}

    def follow(rule, k):
        w, s, rows = np.zeros(1), rule.fresh_state(np.zeros(1)), []
        for s.t in range(setting["step"] + 1):
            if s.t:
                g = w - seen[s.t - 1] if s.t % k == 0 else np.zeros(1)
                w = rule.rule(w, g, s, rule.get_lr())
            rows.append((w[0], rule.get_lr() / (np.sqrt(getattr(s, "sum_of_squares", 1 + 0 * w)[0]) + 1e-6)))
        return [svg.stairs(against_step(column)) for column in np.transpose(rows)]

    common_and_rare = 1, int(setting["one gradient in k steps: k"])
    sgd = [follow(optimizer.SGD(rates["SGD"]), k)[0] for k in common_and_rare]
    adagrad = [follow(optimizer.Adagrad(rates["AdaGrad"]), k) for k in common_and_rare]
    constant = svg.stairs(against_step([rates["SGD"]] * (setting["step"] + 1)))
    return [sgd, [weights for weights, _ in adagrad], [*(effective for _, effective in adagrad), constant]]


def rare_slope(setting):
    large, beta2, last = setting["large slope C"], setting["β₂"], setting["step"]
    rules = [
        optimizer.SGD(0.5),
        optimizer.Adam(0.5, beta1=0.0, beta2=beta2),
        optimizer.Adam(0.5, beta1=0.0, beta2=beta2, amsgrad=True),
    ]
    cycles = np.unique(np.rint(np.geomspace(5, 2000, 70)))
    drawn = np.concatenate([np.arange(1, 13), 3 * cycles.astype(int)])
    drawn = drawn[drawn <= last]

    def walk(rule):
        x, s, path = np.zeros(1), rule.fresh_state(np.zeros(1)), []
        for s.t in range(1, last + 1):
            slope = np.array([large if s.t % 3 == 1 else -1.0])
            x = np.clip(rule.rule(x, slope, s, 0.5 / s.t**0.5), -1, 1)
            path.append(x[0])
        return np.column_stack([drawn, np.array(path)[drawn - 1]])

    return [[walk(rule) for rule in rules], [np.array([[large, beta2]])]]


def projection(setting):
    degrees, length = float(setting["angle between −g and p"].rstrip("°")), setting["length of g"]
    origin, p = np.zeros(2), np.array([1.0, 0.0])
    angle = np.radians(degrees)
    minus_g = length * np.array([np.cos(angle), np.sin(angle)])
    tip = p @ p / (p @ minus_g) * minus_g
    way = np.append(np.arange(0, degrees, 2) if degrees < 90 else np.arange(160, degrees, -2), degrees)
    gamma = np.column_stack([way, 1 / (length * np.cos(np.radians(way)))])
    return [[np.array(ends) for ends in ((tip, p), (origin, tip), (origin, minus_g), (origin, p))], [gamma]]


def rectifier(setting):
    beta2, t = setting["β₂"], np.arange(1, setting["step"] + 1)
    end = 2 / (1 - beta2) - 1
    rho = end - 2 * t * beta2**t / (1 - beta2**t)
    squared = (rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)
    return [[against_step(rho, first=1)], [against_step(np.sqrt(np.where(rho > 5, squared, 0)), first=1)]]


@functools.cache
def measured_batches():
    """Batch sizes, best rates and steps as the chapter printed them: method -> three arrays."""
    cells = json.loads((CHAPTERS / "14_batch_size.ipynb").read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ()) if output["output_type"] == "stream"]
    text = "".join("".join(output["text"]) for output in outputs)
    found = {}
    for name in ("SGD", "Adam"):
        rates = re.findall(rf"^{name}, batch of (\d+): rate ([\d.]+),", text, re.M)
        steps = re.findall(r"([\d.]+) at \d+", re.search(rf"^{name}, steps: (.*)", text, re.M)[1])
        found[name] = *np.array(rates, dtype=float).T, np.array(steps, dtype=float)
    return found


def batches(setting):
    sizes, rates, steps = measured_batches()[setting["method"]]
    everywhere = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1000])
    base, batch, power = setting["rule starts at batch"], setting["batch size"], {"SGD": 1, "Adam": 0.5}
    scale, least = np.polyfit(1 / sizes, steps, 1, w=1 / steps)

    def scaled(b):
        return rates[sizes == base] * (b / base) ** power[setting["method"]]

    def with_here(measured, curve):
        drawn = np.column_stack([everywhere, curve(everywhere)])
        return [np.column_stack([sizes, measured]), drawn, np.array([(batch, float(np.ravel(curve(batch))[0]))])]

    return [with_here(rates, scaled), with_here(steps, lambda b: least + scale / b)]


def average(setting):
    """The walks are SGD's, with the noise of ``surfaces.trajectory``; the averages are sums with their shares."""
    lr, beta, count = setting["learning rate"], setting["β"], setting["step"]
    walks = [
        3 + surfaces.trajectory(optimizer.SGD(lr), surfaces.bowl, 80, (3, 0), noise=1.0, seed=seed)[:, 0]
        for seed in range(30)
    ]
    ages = np.subtract.outer(np.arange(81), np.arange(1, 81))

    def shares(beta):
        return np.where(ages < 0, 0, (1 - beta) * beta ** np.maximum(ages, 0.0))

    def averaged(weights, beta):
        return np.append(weights[0], (shares(beta) @ weights[1:])[1:] / shares(beta)[1:].sum(axis=1))

    def late(curves):
        return np.mean([(curve[40:] - 3) ** 2 for curve in curves])

    weights, memories = walks[0], 1 / (1 - np.array(BETAS))
    distances = [late([averaged(walk, one) for walk in walks]) for one in BETAS]
    curves = weights, averaged(weights, beta), shares(beta) @ weights[1:]
    here = 1 / (1 - beta), late([averaged(walk, beta) for walk in walks])
    level = [(end, late(walks)) for end in memories[[0, -1]]]
    lines = np.array(level), np.column_stack([memories, distances]), np.array([here])
    return [[against_step(curve[: count + 1]) for curve in curves], [*lines]]


BETAS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)  # of the slider


FIGURES = {  # id: its page, and what it should show
    "learning-rate-bowl": ("01_learning_rate", functools.partial(descent, surfaces.bowl)),
    "learning-rate-ravine": ("01_learning_rate", functools.partial(descent, surfaces.ravine)),
    "momentum-ravine": ("04_momentum", functools.partial(momentum, surfaces.ravine)),
    "adam-state": ("06_adam", adam_state),
    "race": ("06_adam", functools.partial(race, None)),
    "race-beyond-adam": ("08_swats_radam", functools.partial(race, "ravine")),
    "schedule-designer": ("09_schedules", designed),
    "weight-decay": ("11_weight_decay", weight_decay),
    "curvature": ("02_finding_a_learning_rate", curvature),
    "mini-batches": ("03_mini_batches", mini_batches),
    "rare-feature": ("05_adaptive_steps", rare_feature),
    "rare-slope": ("07_amsgrad", rare_slope),
    "projection": ("08_swats_radam", projection),
    "radam-rho-r": ("08_swats_radam", rectifier),
    "batch-calculator": ("14_batch_size", batches),
    "average-of-a-walk": ("15_more_memory", average),
}


# -- what is seen ------------------------------------------------------------------------------------------------------

SEEN = """(root) => {
    const visible = (element) => getComputedStyle(element).display !== "none";
    const all = (parent, selector) => [...parent.querySelectorAll(selector)].filter(visible);
    const ticks = (svg, anchor, place) => all(svg, `text.tick[text-anchor=${anchor}]`)
        .map((tick) => [place(tick), tick.textContent]);
    return {
        setting: all(root, ".control").map((box) => box.matches(".choice")
            ? [box.getAttribute("aria-label"), box.querySelector("input:checked").parentNode.textContent.trim()]
            : [box.querySelector("label").textContent, box.querySelector("output").textContent]),
        panels: all(root, "svg.panel").map((svg) => ({
            x: ticks(svg, "middle", (tick) => Number(tick.getAttribute("x"))),
            y: ticks(svg, "end", (tick) => Number(tick.getAttribute("y")) - 4),
            curves: all(svg, "[data-line]").map((line) => line.getAttribute("points")),
        })),
        texts: all(root, "li").map((line) => line.textContent),
    };
}"""


def number(text):
    """The number in a label: −0.5, 10⁻³, or both of (−4, 1.5); other texts as they are."""
    text = text.translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789"))
    try:
        return tuple(map(float, text[1:-1].split(","))) if text.startswith("(") else float(text)
    except ValueError:
        return text


class Scale:
    """Positions along an axis in its own units, from the places and the texts of its ticks."""

    def __init__(self, ticks):
        labels = [label for _, label in ticks]
        self.is_log = any(set(label) & set("⁰¹²³⁴⁵⁶⁷⁸⁹") for label in labels)
        values = [number(label[2:] if self.is_log else label) for label in labels]
        self.line = np.polyfit([place for place, _ in ticks], values, 1)

    def __call__(self, pixels):
        units = np.polyval(self.line, pixels)
        return 10.0**units if self.is_log else units


def seen(root):
    """The setting (label -> number or text), the panels with their curves in the units of the axes, and the texts."""
    state = root.evaluate(SEEN)
    setting = {label: number(value) for label, value in state["setting"]}
    if "step" in setting:
        setting["step"] = int(setting["step"])
    for panel in state["panels"]:
        panel["scales"] = x, y = Scale(panel["x"]), Scale(panel["y"])
        curves = [np.array([point.split(",") for point in line.split()], dtype=float) for line in panel["curves"]]
        panel["curves"] = [np.column_stack([x(curve[:, 0]), y(curve[:, 1])]) for curve in curves]
    return setting, state["panels"], state["texts"]


def compare(root, expected):
    """Hold what is seen against the library's numbers, wherever they lie inside the axes; return the setting."""
    setting, panels, _ = seen(root)
    curves = expected(setting)
    if curves is not None:
        assert [len(panel["curves"]) for panel in panels] == [len(panel) for panel in curves], setting
        for panel, computed in zip(panels, curves):
            for drawn, points in zip(panel["curves"], computed):
                compare_curve(drawn, points, *panel["scales"], setting)
    return setting


def compare_curve(drawn, points, x, y, setting):
    finite = np.isfinite(points).all(axis=1)
    points = points[: len(points) if finite.all() else int(np.argmin(finite))]
    assert len(drawn) == len(points), setting
    left, right, bottom, top = x(svg.LEFT + 2), x(svg.RIGHT - 2), y(svg.BOTTOM - 4), y(svg.TOP + 2)
    inside = (left <= points[:, 0]) & (points[:, 0] <= right) & (bottom <= points[:, 1]) & (points[:, 1] <= top)
    drawn, points = drawn[inside], points[inside]
    near = {"rtol": 0.01} if x.is_log else {"atol": (right - left) / 1000}
    np.testing.assert_allclose(drawn[:, 0], points[:, 0], **near, err_msg=str(setting))
    near = {"rtol": 0.02} if y.is_log else {"atol": (top - bottom) / 1000}
    np.testing.assert_allclose(drawn[:, 1], points[:, 1], **near, err_msg=str(setting))


# -- hands -------------------------------------------------------------------------------------------------------------


def thumb(slider, share):
    """Where the thumb of a slider lies when it is moved to a share of its way."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    return box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2


def position(slider):
    value, last = slider.evaluate("(input) => [Number(input.value), Number(input.max)]")
    return value / last


class Mouse:
    @staticmethod
    def move(page, slider, share):
        page.mouse.move(*thumb(slider, position(slider)))
        page.mouse.down()
        page.mouse.move(*thumb(slider, share), steps=3)
        page.mouse.up()

    @staticmethod
    def choose(page, button):
        button.locator("..").click()


class Keyboard:
    @staticmethod
    def move(page, slider, share):
        slider.focus()
        from_the_end = share > 0.5
        page.keyboard.press("End" if from_the_end else "Home")
        for _ in range(round(min(share, 1 - share) * int(slider.get_attribute("max")))):
            page.keyboard.press("ArrowLeft" if from_the_end else "ArrowRight")

    @staticmethod
    def choose(page, button):
        group = button.locator("xpath=ancestor::*[@role='radiogroup']")
        group.locator("input:checked").focus()
        for _ in range(group.locator("input").count()):
            if button.is_checked():
                return
            page.keyboard.press("ArrowRight")


class Finger:
    @staticmethod
    def move(page, slider, share):
        start, end = thumb(slider, position(slider)), thumb(slider, share)
        session = page.context.new_cdp_session(page)
        for kind, points in (("Start", [start]), ("Move", [end]), ("End", [])):
            touches = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})
        session.detach()

    @staticmethod
    def choose(page, button):
        button.locator("..").tap()


@pytest.fixture(scope="module", params=FIGURES)
def figure(request, window):
    """A figure on its page, and what it should show at a setting."""
    chapter, compute = FIGURES[request.param]
    expected = functools.cache(lambda *setting: compute(dict(setting)))  # every hand comes by the same settings
    with window(f"chapters/{chapter}.html", has_touch=True) as page:
        yield page, page.locator(f"#{request.param}"), lambda setting: expected(*setting.items())


@pytest.mark.parametrize("hand", [Mouse, Keyboard, Finger])
def test_every_control_draws_what_the_library_computes(figure, hand):
    page, root, expected = figure
    compare(root, expected)
    for button in root.locator("input[type=radio]").all():
        hand.choose(page, button)
        expect(button).to_be_checked()
        compare(root, expected)
    for slider in root.locator("input[type=range]:visible").all():
        for share in (0.0, 1.0, 0.3):
            hand.move(page, slider, share)
            assert position(slider) == pytest.approx(share, abs=0.5 / int(slider.get_attribute("max")) + 0.03)
            compare(root, expected)


def test_the_range_test_is_read_where_the_dot_is(window):
    with window("chapters/10_range_test_and_cycles.html") as page:
        root = page.locator("#range-test")
        for share in (0.2, 0.5, 0.9):
            Mouse.move(page, root.locator("input[type=range]"), share)
            setting, (panel,), texts = seen(root)
            x, y = panel["scales"]
            dots = root.locator("[data-dot]").evaluate_all("(dots) => dots.map((dot) => dot.getAttribute('transform'))")
            assert len(dots) == 2
            for dot, text in zip(dots, texts):  # the first two lines are the losses
                u, v = map(float, dot[len("translate(") : -1].split(","))
                assert x(u) == pytest.approx(setting["learning rate"], rel=0.02)
                if v > svg.TOP:  # inside the axes
                    assert y(v) == pytest.approx(float(text.split(": ")[1]), abs=0.02)


@pytest.mark.parametrize("hand", ["mouse", "finger"])
def test_a_start_is_picked_on_the_map(window, hand):
    with window("chapters/01_learning_rate.html", has_touch=True) as page:
        root = page.locator("#learning-rate-ravine")
        chart = root.locator("svg.panel").first
        chart.scroll_into_view_if_needed()
        for x, y in ((0.9, 0.3), (0.25, 0.7)):  # shares of the panel
            box = chart.bounding_box()
            at = box["x"] + x * box["width"], box["y"] + y * box["height"]
            (page.mouse.click if hand == "mouse" else page.touchscreen.tap)(*at)
            setting = compare(root, FIGURES["learning-rate-ravine"][1])
            spots = np.array(chart.locator(".spot").evaluate_all(CENTRES))
            (panel, _), to = seen(root)[1], at
            nearest = spots[np.argmin(np.linalg.norm(spots - to, axis=1))]
            scale = svg.WIDTH / box["width"]
            u, v = (nearest[0] - box["x"]) * scale, (nearest[1] - box["y"]) * scale
            assert setting["start"] == pytest.approx((panel["scales"][0](u), panel["scales"][1](v)), abs=0.03)


CENTRES = """(shapes) => shapes.map((shape) => {
    const { x, y, width, height } = shape.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
})"""

ALL_SLIDERS_TO = """(end) => {
    for (const slider of document.querySelectorAll(".course-figure input[type=range]")) {
        slider.value = slider[end];
        slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
}"""
FRAMES = """() => [...document.querySelectorAll(".course-figure svg.panel:not(.off)")].map((panel) => {
    const box = (element) => element.getBoundingClientRect();
    const frame = box(panel.querySelector(".axis"));
    const room = (12 * frame.width) / (350 - 52);  // half of a dot, which may lie on the edge
    const outside = (inner, outer, room) => inner.left < outer.left - room || inner.right > outer.right + room
        || inner.top < outer.top - room || inner.bottom > outer.bottom + room;
    const words = [...panel.querySelectorAll("text")].filter((text) => text.textContent);
    return {
        figure: panel.closest("figure").id,
        dots: [...panel.querySelectorAll("[data-dot]:not(.off)")]
            .filter((dot) => outside(box(dot), frame, room)).length,
        words: words.filter((text) => outside(box(text), box(panel), 1)).map((text) => text.textContent),
        small: words.map((text) => parseFloat(getComputedStyle(text).fontSize) * panel.getScreenCTM().a)
            .filter((size) => size < 9),
    };
})"""


PAGES = sorted({page for page, _ in FIGURES.values()} | {"10_range_test_and_cycles", "13_initialization", "index"})


@pytest.mark.parametrize("page", PAGES)
def test_nothing_leaves_its_frame_and_no_letter_is_small(window, page):
    with window(f"chapters/{page}.html") as page:
        for width in (1400, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for end in ("min", "max"):
                page.evaluate(ALL_SLIDERS_TO, end)
                for panel in page.evaluate(FRAMES):
                    assert not panel["dots"] and not panel["words"] and not panel["small"], (width, end, panel)


# -- playing, and other places -----------------------------------------------------------------------------------------


def test_it_plays_and_pauses(window):
    with window("chapters/01_learning_rate.html") as page:
        root = page.locator("#learning-rate-ravine")
        step = root.locator("output").last
        root.get_by_role("button", name="Play").click()
        expect(step).to_have_text(re.compile(r"^[1-9]"))
        page.keyboard.press("Space")  # the button keeps the focus
        expect(root.get_by_role("button", name="Play")).to_be_visible()
        assert compare(root, FIGURES["learning-rate-ravine"][1])["step"] < 40


def test_the_race_of_the_landing_page_starts_when_it_is_seen(window):
    with window("chapters/index.html", viewport={"width": 800, "height": 400}) as page:
        root = page.locator("#landing")
        step, last = root.locator("output").last, "40"
        page.wait_for_timeout(300)  # it would have begun
        expect(step).to_have_text(last)
        root.locator("svg.panel").first.scroll_into_view_if_needed()
        expect(root.get_by_role("button", name="Pause")).to_be_visible()
        expect(step).not_to_have_text(last)
        expect(step).to_have_text(last)


def test_without_scripts_a_figure_says_so(window):
    with window("chapters/04_momentum.html", java_script_enabled=False) as page:
        root = page.locator("#momentum-ravine")
        expect(root.get_by_text("where JavaScript is on")).to_be_visible()
        assert root.locator("form:visible").count() == 0


def test_whoever_wants_no_motion_steps(window):
    with window("chapters/01_learning_rate.html", reduced_motion="reduce") as page:
        root = page.locator("#learning-rate-ravine")
        root.get_by_role("button", name="Next step").click()
        expect(root.locator("output").last).to_have_text("0")
        root.get_by_role("button", name="Next step").press("Enter")
        expect(root.locator("output").last).to_have_text("1")


def stored_figures():
    """The figures as the notebooks hold them."""
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/html", ""))
                if "course-figure" in text:
                    yield pytest.param(text, id=f"{path.stem}-{text.split('id=')[1].split()[0][1:-2]}")


JUPYTER = """(html) => {  // as JupyterLab shows the output of a cell: scripts are run anew once the rest is there
    const output = document.createElement("div");
    output.innerHTML = html;
    document.body.append(output);
    for (const old of output.querySelectorAll("script")) {
        const script = document.createElement("script");
        for (const { name, value } of old.attributes) script.setAttribute(name, value);
        script.textContent = old.textContent;
        old.replaceWith(script);
    }
}"""
COLAB = """(html) => {  // as Colab does: every output in a frame of its own, on another origin
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.style = "width: 900px; height: 900px";
    frame.srcdoc = html;
    document.body.append(frame);
}"""


@pytest.fixture(scope="module")
def blank(browser):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.problems = []
    yield page
    context.close()


@pytest.mark.parametrize("place", [JUPYTER, COLAB], ids=["Jupyter", "Colab"])
@pytest.mark.parametrize("html", list(stored_figures()))
def test_it_works_in_notebooks(blank, html, place):
    blank.set_content("<!doctype html><title>A notebook</title>")
    blank.evaluate(place, html)
    root = (blank.frame_locator("iframe") if place is COLAB else blank).locator(".course-figure")
    slider = root.locator("input[type=range]:visible").last
    slider.press("Home")  # stops a figure that plays by itself, too
    expect(slider).to_have_value("0")
    before = drawn(root)
    slider.press("End")
    expect(slider).not_to_have_value("0")
    assert drawn(root) != before


def drawn(root):
    """Where the lines and the dots are."""
    places = "(shapes) => shapes.map((shape) => shape.getAttribute('points') ?? shape.getAttribute('transform'))"
    return root.locator("[data-line], [data-dot]").evaluate_all(places)


@pytest.mark.parametrize("figure_id", FIGURES)
def test_without_scripts_a_picture_stands_there(window, figure_id):
    chapter, expected = FIGURES[figure_id]
    with window(f"chapters/{chapter}.html", java_script_enabled=False) as page:
        root = page.locator(f"#{figure_id}")
        expect(root.locator("form")).to_be_hidden()
        expect(root.locator("svg.panel").first).to_be_visible()
        expect(root.locator("[data-readout]").first).to_be_visible()
        compare(root, expected)
