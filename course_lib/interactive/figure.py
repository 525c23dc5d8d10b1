"""What an interactive figure is made of.

Example:
    >>> from course_lib import optimizer, surfaces
    >>> from course_lib.interactive import Figure, Readout, Series, over, slider, steps
    >>> from course_lib.interactive.explorers import surface_panel
    >>> rate = slider("learning rate", [0.1, 0.5])
    >>> paths = over([rate], lambda lr: surfaces.trajectory(optimizer.SGD(lr), surfaces.bowl, 3, start=(4, 0)))
    >>> panel = surface_panel(surfaces.bowl, [Series("SGD", paths, [rate])])
    >>> ends = Readout("x at the end", [f"{path[-1, 0]:g}" for path in paths], [rate])
    >>> Figure("descent", "Descent on a bowl", [rate, steps(3)], [panel], [ends])
    Descent on a bowl (interactive; at learning rate 0.5, step 3)
      x at the end: 0.5
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..errors import choice, whole
from ..looks import BLUE, COLORS, look
from ..markup import escape, raised
from . import svg
from .shorthand import LETTERS, Formula, packed, shown


@dataclass(frozen=True)
class Control:
    """Something the reader sets: one of ``values``, shown as ``labels``; made by the functions below."""

    kind: str
    label: str
    values: tuple
    labels: tuple
    start: int
    when: tuple | None = None


def slider(label: str, values: Sequence, start=None, format: Callable | None = None, when=None) -> Control:
    """A slider over ``values`` (at least two), beginning at the value ``start`` (the middle one if left out).

    With ``when=(radio, value)`` it is shown only while that radio button is chosen.
    """
    return _control("slider", label, values, start, format or functools.partial(shown, digits=6), when)


def radio(label: str, values: Sequence[str], start: str | None = None) -> Control:
    """Radio buttons, beginning at ``start`` (the first if left out)."""
    return _control("choice", label, values, values[0] if start is None else start, str)


def place(label: str, values: Sequence, start=None, when=None) -> Control:
    """One of several points, such as the start of a path: picked on the panel that has it as ``place``, or by a slider.

    Example:
        >>> place("start", [(-4.0, 1.5), (0.0, 2.0)]).labels
        ('(−4, 1.5)', '(0, 2)')
    """
    values = [tuple(map(float, value)) for value in values]
    start = values[0] if start is None else tuple(map(float, start))
    return _control("place", label, values, start, lambda point: "({}, {})".format(*map(shown, point)), when)


def steps(count: int, label: str = "step", start: int | None = None, format: Callable = str) -> Control:
    """How much of each curve is drawn: a slider from 0 to ``count`` with a button that plays it.

    A figure has at most one. It begins at the end if not told otherwise, so that the static picture shows everything.
    """
    values = range(whole("count", count, low=1) + 1)
    return _control("step", label, values, count if start is None else start, format)


def over(controls: Sequence[Control], compute: Callable) -> list:
    """``compute(*values)`` for every combination of the controls' values, the last one fastest.

    Example:
        >>> over([radio("a", "xy"), radio("b", "12")], lambda a, b: a + b)
        ['x1', 'x2', 'y1', 'y2']
    """
    return [compute(*values) for values in itertools.product(*(control.values for control in controls))]


def against_step(values, first: int = 0) -> np.ndarray:
    """Points with the step as x, counted from ``first``."""
    return np.column_stack([first + np.arange(len(values)), values])


@dataclass(frozen=True, eq=False)
class Series:
    """A curve in a panel, in one version for every combination of the controls it depends on.

    Attributes:
        name: What it is called; the looks of optimizers go by their names.
        frames: Arrays ``[n, 2]`` in the panel's coordinates, ordered as ``over`` gives them; or a ``Formula``. A curve
            ends at its first point that is not finite.
        controls: The controls it depends on.
        whole: Draw all of it at every step, and only move the dot.
        stairs: Each value holds until the next point.
        color, dash, marker: As in Matplotlib; by default those of the optimizer ``name``.
        when: ``(radio, value)``: shown only while that radio button is chosen.
    """

    name: str
    frames: list | Formula
    controls: Sequence[Control] = ()
    whole: bool = False
    stairs: bool = False
    color: str | None = None
    dash: str | tuple | None = None
    marker: str | None = None
    when: tuple | None = None

    def look(self) -> dict:
        known = look(self.name) if self.name in COLORS else {}
        own = {"color": self.color, "linestyle": self.dash, "marker": self.marker}
        return {"color": BLUE, "linestyle": "-", "marker": "o", **known, **{k: v for k, v in own.items() if v}}


@dataclass(frozen=True)
class Readout:
    """A line of text under the figure.

    Attributes:
        label: What is read.
        frames: One text, or one text per step, for every combination of ``controls``; or one text for all. In a text
            ``{y}`` stands for the height of the curve at the step, as exact as the picture, and the label of one of
            the controls for its setting.
        controls: The controls it depends on.
        series: Shown with this curve's look, which makes the line its legend.
        when: ``(radio, value)``: shown only while that radio button is chosen.
    """

    label: str
    frames: list | str
    controls: Sequence[Control] = ()
    series: Series | None = None
    when: tuple | None = None


def height(label: str, series: Series) -> Readout:
    """A curve's legend, with its height at the step."""
    return Readout(label, "{y}", (), series, series.when)


@dataclass(frozen=True)
class Axis:
    """Range and label of one side of a panel."""

    label: str
    low: float
    high: float
    log: bool = False

    def place(self, values, length: float) -> np.ndarray:
        """Positions along ``length``. What lies far outside is cut to a hundred lengths away."""
        scale = (lambda v: np.log(np.maximum(v, 1e-300))) if self.log else (lambda v: v)
        low, high = scale(self.low), scale(self.high)
        return np.clip((scale(np.asarray(values, dtype=np.float64)) - low) / (high - low), -100, 100) * length

    def read(self, share: float) -> str:
        """The value at a share of the length, in as many digits as the picture holds."""
        if not self.log:
            return f"{self.low + (self.high - self.low) * share:.{self.decimals}f}".replace("-", "−")
        value = self.low * (self.high / self.low) ** share
        return "below 10⁻¹²" if value < 1e-12 else shown(value, 2)

    @property
    def decimals(self) -> int:
        """How many a value has that is read from a picture some thousand dots wide."""
        return max(0, math.floor(3 - math.log10(self.high - self.low)))

    def ticks(self) -> list[tuple[float, str]]:
        """Positions and texts."""
        if not self.log:
            values = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
            return [(v, f"{v:g}".replace("-", "−")) for v in values if self.low <= v <= self.high]
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        powers = range(first, last + 1, max(1, math.ceil((last - first) / 5)))
        return [(10.0**power, "10" + raised(power)) for power in powers]


@dataclass(frozen=True, eq=False)
class Panel:
    """A coordinate system with its curves.

    Attributes:
        label: What it shows, for readers who cannot see it.
        x, y: The axes.
        series: The curves.
        background: Functions of the panel that return SVG to be drawn behind the curves, such as ``svg.line(points)``.
        when: ``(radio, value)``: shown only while that radio button is chosen.
        place: A control made by ``place`` whose points can be picked here.
        title: A few words over it.
    """

    label: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    background: Sequence[Callable] = ()
    when: tuple | None = None
    place: Control | None = None
    title: str = ""

    def pixels(self, points) -> np.ndarray:
        """Points ``[n, 2]`` in SVG units, rounded to a tenth."""
        x, y = np.asarray(points, dtype=np.float64).reshape(-1, 2).T
        u = svg.LEFT + self.x.place(x, svg.RIGHT - svg.LEFT)
        v = svg.BOTTOM - self.y.place(y, svg.BOTTOM - svg.TOP)
        return np.round(np.column_stack([u, v]) * 10) / 10 + 0.0  # no minus zero

    def curve(self, frame) -> np.ndarray:
        """A curve in SVG units, up to its first point that is not finite."""
        frame = np.asarray(frame, dtype=np.float64)
        if frame.ndim != 2 or frame.shape[1] != 2 or not np.isfinite(frame[:1]).all() or not len(frame):
            raise ValueError(f"frames must be points of shape [n, 2], the first finite, got shape {frame.shape}")
        finite = np.isfinite(frame).all(axis=1)
        frame = frame[: len(frame) if finite.all() else int(np.argmin(finite))]
        return self.pixels(frame)

    def height(self, v: float) -> str:
        """What is read at a height in SVG units."""
        return self.y.read((svg.BOTTOM - v) / (svg.BOTTOM - svg.TOP))


@dataclass(frozen=True)
class Figure:
    """An interactive figure. Show it as the last line of a notebook's cell.

    Args:
        id: Fixed name, unique on the page: letters, digits and hyphens.
        title: What is seen, as one line above the figure.
        controls: At most one of them made by ``steps``; with different labels.
        panels: Drawn side by side, on narrow pages one below the other.
        readouts: Lines of text below.
        task: What to try, for whoever has not read the text around the figure.
        autoplay: Play once when the figure is first seen, unless the reader prefers reduced motion.

    Raises:
        ValueError: The id is not fit for a page, or a series does not have one frame per setting of its controls.
    """

    id: str
    title: str
    controls: Sequence[Control]
    panels: Sequence[Panel]
    readouts: Sequence[Readout] = ()
    task: str = ""
    autoplay: bool = False

    def __post_init__(self):
        if not isinstance(self.id, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", self.id):
            raise ValueError(f"id must be letters, digits and hyphens, beginning with a letter, got {self.id!r}")
        if len({(control.label, control.when) for control in self.controls}) < len(self.controls):
            raise ValueError(f"controls must have different labels, got {[c.label for c in self.controls]}")
        if sum(control.kind == "step" for control in self.controls) > 1:
            raise ValueError("controls must hold at most one made by steps()")
        for item in [*self.series, *self.readouts]:
            settings = math.prod(len(control.values) for control in item.controls)
            frames = settings if isinstance(item.frames, (Formula, str)) else len(item.frames)
            if frames != settings or any(control not in self.controls for control in item.controls):
                raise ValueError(
                    f"frames must be one for each of the {settings} settings of its controls, all of them controls "
                    f"of the figure, got {frames} frames for {getattr(item, 'name', item)!r}"
                )

    @property
    def series(self) -> list[Series]:
        """All curves, in the order of the panels."""
        return [series for panel in self.panels for series in panel.series]

    @functools.cached_property
    def data(self) -> dict:
        """What the JavaScript reads: the settings, and for each of them the curves in SVG units and the texts."""
        return {
            "controls": [self._stored_control(control) for control in self.controls],
            "panels": [self._stored_panel(panel) for panel in self.panels],
            "series": [self._stored_series(k, one) for k, panel in enumerate(self.panels) for one in panel.series],
            "readouts": [self._stored_readout(readout) for readout in self.readouts],
            "autoplay": self.autoplay,
        }

    def _stored_control(self, control) -> dict:
        values = {"values": control.values} if any(control in one.controls for one in self._formulas) else {}
        return {"kind": control.kind, "start": control.start, "labels": control.labels, **values, **self._when(control)}

    def _stored_panel(self, panel) -> dict:
        axes = {name: [axis.low, axis.high] for name, axis in (("x", panel.x), ("y", panel.y))}
        scale = {"log": True} if panel.y.log else {"decimals": panel.y.decimals}
        spots = {} if panel.place is None else {"place": self.controls.index(panel.place)}
        if spots:
            spots["spots"] = panel.pixels(panel.place.values).tolist()
        return {**axes, **scale, **spots, **self._when(panel)}

    def _stored_series(self, panel: int, series) -> dict:
        controls = {"controls": [self.controls.index(control) for control in series.controls]}
        ways = {name: True for name in ("whole", "stairs") if getattr(series, name)}
        common = {"panel": panel, **controls, **ways, **self._when(series)}
        if isinstance(series.frames, Formula):
            return {**common, "formula": series.frames.text, "count": series.frames.count}
        curves = [np.rint(self.panels[panel].curve(frame) * 10).astype(int) for frame in series.frames]
        longest = max(curves, key=len)[:, 0]
        if all(np.array_equal(curve[:, 0], longest[: len(curve)]) for curve in curves):
            return {**common, "x": packed(longest), "y": [packed(curve[:, 1]) for curve in curves]}
        return {**common, "xy": [[packed(column) for column in curve.T] for curve in curves]}

    def _stored_readout(self, readout) -> dict:
        controls = {"controls": [self.controls.index(control) for control in readout.controls]}
        series = {} if readout.series is None else {"series": self.series.index(readout.series)}
        return {**controls, "frames": readout.frames, **series, **self._when(readout)}

    @property
    def _formulas(self) -> list[Series]:
        return [series for series in self.series if isinstance(series.frames, Formula)]

    def _when(self, item) -> dict:
        """Which control, and which of its values, an item belongs to."""
        if item.when is None:
            return {}
        control, value = item.when
        return {"when": [self.controls.index(control), control.values.index(value)]}

    def is_off(self, item) -> bool:
        """Whether a control, panel, series or readout is hidden at the first setting."""
        return item.when is not None and self._when(item)["when"][1] != item.when[0].start

    def __repr__(self) -> str:
        settings = [f"{c.label} {c.labels[c.start]}" for c in self.controls if not self.is_off(c)]
        texts = [f"  {one.label}: {self._text(one)}" for one in self.readouts if not self.is_off(one)]
        return "\n".join([f"{self.title} (interactive; at {', '.join(settings)})", *texts])

    def _repr_html_(self) -> str:
        data = json.dumps(self.data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
        controls = "".join(
            _control_html(f"{self.id}-{k}", k, control, self.is_off(control)) for k, control in enumerate(self.controls)
        )
        texts = "".join(_readout_html(one, self._text(one), self.is_off(one)) for one in self.readouts)
        task = f'<p class="task">{escape(self.task)}</p>' if self.task else ""
        return (
            f"<style>{_read('figure.css')}</style>"
            f'<figure class="course-figure" id="{self.id}"><figcaption>{escape(self.title)}</figcaption>'
            f'{task}<p class="still">{_STILL}</p><form hidden>{controls}</form>'
            f'<div class="panels">{self._panels_html()}</div>'
            f'<ul aria-live="polite">{texts}</ul>'
            f'<script type="application/json">{data}</script></figure>'
            f"<script>{_script()}</script>"
        )

    def _panels_html(self) -> str:
        return "".join(
            svg.panel(
                f"{self.id}-panel-{k}",
                panel,
                [(*self._drawn(panel, series), self.is_off(series)) for series in panel.series],
                self.is_off(panel),
            )
            for k, panel in enumerate(self.panels)
        )

    # The first setting, drawn here for pages without scripts. The JavaScript does the same for all settings.

    @property
    def _step(self) -> float:
        return next((control.start for control in self.controls if control.kind == "step"), math.inf)

    def _frame(self, item):
        """The frame of a series or readout at the start."""
        if isinstance(item.frames, Formula):
            return item.frames(**{control.label: control.values[control.start] for control in item.controls})
        if isinstance(item.frames, str):
            return item.frames
        index = 0
        for control in item.controls:
            index = index * len(control.values) + control.start
        return item.frames[index]

    def _drawn(self, panel, series) -> tuple[np.ndarray, np.ndarray]:
        """The points of a line, and the place of its dot."""
        points = panel.curve(self._frame(series))
        end = min(self._step, len(points) - 1)
        line = points if series.whole else points[: end + 1]
        return (svg.stairs(line) if series.stairs else line), points[end]

    def _text(self, readout) -> str:
        frame = self._frame(readout)
        text = frame if isinstance(frame, str) else frame[min(self._step, len(frame) - 1)]
        words = {control.label: control.labels[control.start] for control in readout.controls}
        if readout.series is not None and "{y}" in text:
            words["y"] = self._height(readout.series)
        return re.sub(r"\{(\w+)\}", lambda match: words[match[1]], text)

    def _height(self, series) -> str:
        frame = self._frame(series)
        if isinstance(series.frames, Formula):
            return shown(frame[min(self._step, len(frame) - 1)][1])
        panel = next(panel for panel in self.panels if series in panel.series)
        points = panel.curve(frame)
        if len(points) <= self._step < math.inf:
            return shown(math.inf)
        return panel.height(points[min(self._step, len(points) - 1)][1])


_STILL = "This figure answers to sliders where JavaScript is on. Without it, this is its first picture."


def _control(kind: str, label: str, values, start, format, when=None) -> Control:
    values = tuple(values)
    if len(values) < 2 or len(set(values)) < len(values):
        raise ValueError(f"values must be at least two different ones, got {values!r}")
    start = values[len(values) // 2] if start is None else start
    labels = tuple(map(format, values))
    if len(set(labels)) < len(labels):
        raise ValueError(f"values must be told apart by their labels, got {labels!r}")
    return Control(kind, label, values, labels, values.index(choice("start", start, values)), when)


def _control_html(id: str, k: int, control: Control, off: bool) -> str:
    kind = "control off" if off else "control"
    label, text = escape(control.label), escape(control.labels[control.start])
    if control.kind == "choice":
        buttons = "".join(
            f'<label><input type="radio" name="{id}" data-control="{k}" value="{value}"'
            f"{' checked' if value == control.start else ''}> {escape(name)}</label>"
            for value, name in enumerate(control.labels)
        )
        return f'<div class="{kind} choice" role="radiogroup" aria-label="{label}"><span>{label}</span>{buttons}</div>'
    width = max(map(len, control.labels))  # so that the slider keeps its own while it is moved
    play = '<button type="button" data-play>Play</button>' if control.kind == "step" else ""
    return (
        f'<div class="{kind}"><label for="{id}">{label}</label><input type="range" id="{id}" data-control="{k}" '
        f'min="0" max="{len(control.values) - 1}" step="1" value="{control.start}" aria-valuetext="{text}">'
        f'<output for="{id}" style="min-width:{width}ch">{text}</output>'
        f"{play}</div>"
    )


def _readout_html(readout: Readout, text: str, off: bool) -> str:
    key = svg.key(readout.series.look()) if readout.series else ""
    text = f"<span data-readout>{escape(text)}</span>"
    start = '<li class="off">' if off else "<li>"
    return f"{start}{key}<span>{escape(readout.label)}: {text}</span></li>"


def _script() -> str:
    edges = str([svg.LEFT, svg.RIGHT, svg.TOP, svg.BOTTOM])
    return _read("figure.js").replace("$EDGES", edges).replace("$LETTERS", LETTERS)


@functools.cache
def _read(name: str) -> str:
    """A file of this folder, without indentation and comments."""
    lines = [line.strip() for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()]
    return "\n".join(line for line in lines if not line.startswith("//"))
