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


@dataclass(frozen=True)
class Control:
    """Something the reader sets: one of ``values``, shown as ``labels``; made by ``slider``, ``radio`` or ``steps``."""

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
    return _control("slider", label, values, start, format or shown, when)


def radio(label: str, values: Sequence[str], start: str | None = None) -> Control:
    """Radio buttons, beginning at ``start`` (the first if left out)."""
    return _control("choice", label, values, values[0] if start is None else start, str)


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


def shown(value: float) -> str:
    """A number as the figures print it: three significant digits, and words for what is beyond all numbers.

    Example:
        >>> shown(0.012345), shown(1234567.0), shown(float("inf"))
        ('0.0123', '1.23e+06', 'beyond all numbers')
    """
    return f"{value:.3g}" if math.isfinite(value) else "beyond all numbers"


@dataclass(frozen=True)
class Series:
    """A curve in a panel, in one version for every combination of the controls it depends on.

    Attributes:
        name: What it is called; the looks of optimizers go by their names.
        frames: Arrays ``[n, 2]`` in the panel's coordinates, ordered as ``over`` gives them. A curve ends at its first
            point that is not finite.
        controls: The controls it depends on.
        whole: Draw all of it at every step, and only move the dot.
        color, dash, marker: As in Matplotlib; by default those of the optimizer ``name``.
        when: ``(radio, value)``: shown only while that radio button is chosen.
    """

    name: str
    frames: list
    controls: Sequence[Control] = ()
    whole: bool = False
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
    """A line of text under the figure: one text, or one text per step, for every combination of ``controls``."""

    label: str
    frames: list
    controls: Sequence[Control] = ()
    series: Series | None = None
    """Shown with this curve's look, which makes the line its legend."""
    when: tuple | None = None


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

    def ticks(self) -> list[tuple[float, str]]:
        """Positions and texts."""
        if not self.log:
            values = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
            return [(v, f"{v:g}".replace("-", "−")) for v in values if self.low <= v <= self.high]
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        powers = range(first, last + 1, max(1, math.ceil((last - first) / 5)))
        return [(10.0**power, "10" + raised(power)) for power in powers]


@dataclass(frozen=True)
class Panel:
    """A coordinate system with its curves.

    Attributes:
        label: What it shows, for readers who cannot see it.
        x, y: The axes.
        series: The curves.
        background: Functions of the panel that return SVG to be drawn behind the curves, such as ``svg.line(points)``.
        when: ``(radio, value)``: shown only while that radio button is chosen.
    """

    label: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    background: Sequence[Callable] = ()
    when: tuple | None = None

    def pixels(self, points) -> np.ndarray:
        """Points ``[n, 2]`` in SVG units, rounded to a tenth."""
        x, y = np.asarray(points, dtype=np.float64).reshape(-1, 2).T
        u = svg.LEFT + self.x.place(x, svg.RIGHT - svg.LEFT)
        v = svg.BOTTOM - self.y.place(y, svg.BOTTOM - svg.TOP)
        return np.round(np.column_stack([u, v]), 1) + 0.0  # no minus zero

    def points(self, frame) -> str:
        """A curve as SVG's list of points, up to the first that is not finite."""
        frame = np.asarray(frame, dtype=np.float64)
        if frame.ndim != 2 or frame.shape[1] != 2 or not np.isfinite(frame[:1]).all() or not len(frame):
            raise ValueError(f"frames must be points of shape [n, 2], the first finite, got shape {frame.shape}")
        finite = np.isfinite(frame).all(axis=1)
        frame = frame[: len(frame) if finite.all() else int(np.argmin(finite))]
        return " ".join(f"{u:g},{v:g}" for u, v in self.pixels(frame))


@dataclass(frozen=True)
class Figure:
    """An interactive figure. Show it as the last line of a notebook's cell.

    Args:
        id: Fixed name, unique on the page: letters, digits and hyphens.
        title: What is seen, as one line above the figure.
        controls: At most one of them made by ``steps``; with different labels.
        panels: Drawn side by side, on narrow pages one below the other.
        readouts: Lines of text below.
        autoplay: Play once when the figure is first seen, unless the reader prefers reduced motion.

    Raises:
        ValueError: The id is not fit for a page, or a series does not have one frame per setting of its controls.
    """

    id: str
    title: str
    controls: Sequence[Control]
    panels: Sequence[Panel]
    readouts: Sequence[Readout] = ()
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
            if len(item.frames) != settings or any(control not in self.controls for control in item.controls):
                raise ValueError(
                    f"frames must be one for each of the {settings} settings of its controls, all of them controls "
                    f"of the figure, got {len(item.frames)} frames for {getattr(item, 'name', item)!r}"
                )

    @property
    def series(self) -> list[Series]:
        """All curves, in the order of the panels."""
        return [series for panel in self.panels for series in panel.series]

    @functools.cached_property
    def data(self) -> dict:
        """What the JavaScript reads: the settings, and for each of them the curves in SVG units and the texts."""

        def when(item):
            return {} if item.when is None else {"when": self._when(item)}

        def kept(item, frames, **more):
            controls = [self.controls.index(control) for control in item.controls]
            return {"controls": controls, "frames": frames, **more, **when(item)}

        return {
            "controls": [{"kind": c.kind, "start": c.start, "labels": c.labels, **when(c)} for c in self.controls],
            "panels": [when(panel) for panel in self.panels],
            "series": [
                kept(series, [panel.points(frame) for frame in series.frames], whole=series.whole)
                for panel in self.panels
                for series in panel.series
            ],
            "readouts": [kept(readout, readout.frames) for readout in self.readouts],
            "autoplay": self.autoplay,
        }

    def _when(self, item) -> list[int]:
        """Which control, and which of its values, an item belongs to."""
        control, value = item.when
        return [self.controls.index(control), control.values.index(value)]

    def is_off(self, item) -> bool:
        """Whether a control, panel, series or readout is hidden at the first setting."""
        return item.when is not None and self._when(item)[1] != item.when[0].start

    def __repr__(self) -> str:
        settings = [f"{c.label} {c.labels[c.start]}" for c in self.controls if not self.is_off(c)]
        texts = [
            f"  {readout.label}: {self._text(item)}"
            for readout, item in zip(self.readouts, self.data["readouts"])
            if not self.is_off(readout)
        ]
        return "\n".join([f"{self.title} (interactive; at {', '.join(settings)})", *texts])

    def _repr_html_(self) -> str:
        data = json.dumps(self.data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
        controls = "".join(
            _control_html(f"{self.id}-{k}", k, control, self.is_off(control)) for k, control in enumerate(self.controls)
        )
        texts = "".join(
            _readout_html(readout, self._text(item), self.is_off(readout))
            for readout, item in zip(self.readouts, self.data["readouts"])
        )
        return (
            f"<style>{_read('figure.css')}</style>"
            f'<figure class="course-figure" id="{self.id}"><figcaption>{escape(self.title)}</figcaption>'
            f'<p class="still">{_STILL}</p><form hidden>{controls}</form>'
            f'<div class="panels">{self._panels_html()}</div>'
            f'<ul aria-live="polite">{texts}</ul>'
            f'<script type="application/json">{data}</script></figure>'
            f"<script>{_read('figure.js')}</script>"
        )

    def _panels_html(self) -> str:
        stored = iter(self.data["series"])
        return "".join(
            svg.panel(
                f"{self.id}-panel-{k}",
                panel,
                [(*self._points_now(next(stored)), self.is_off(series)) for series in panel.series],
                self.is_off(panel),
            )
            for k, panel in enumerate(self.panels)
        )

    # The first setting, drawn here for pages without scripts. The JavaScript does the same for all settings.

    def _now(self, item: dict, frames_per_step: Callable):
        """The frame of a series or readout at the start, and the step up to which it is shown."""
        index = 0
        for control in (self.controls[k] for k in item["controls"]):
            index = index * len(control.values) + control.start
        frame = frames_per_step(item["frames"][index])
        step = next((control.start for control in self.controls if control.kind == "step"), math.inf)
        return frame, min(step, len(frame) - 1)

    def _text(self, item: dict) -> str:
        texts, step = self._now(item, lambda frame: [frame] if isinstance(frame, str) else frame)
        return texts[step]

    def _points_now(self, item: dict) -> tuple[str, str]:
        points, step = self._now(item, lambda frame: frame.split(" "))
        return " ".join(points if item["whole"] else points[: step + 1]), points[step]


_STILL = "This figure answers to sliders where JavaScript is on. Without it, this is its first picture."


def _control(kind: str, label: str, values, start, format, when=None) -> Control:
    values = tuple(values)
    if len(values) < 2 or len(set(values)) < len(values):
        raise ValueError(f"values must be at least two different ones, got {values!r}")
    start = values[len(values) // 2] if start is None else start
    return Control(kind, label, values, tuple(map(format, values)), values.index(choice("start", start, values)), when)


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
    play = '<button type="button" data-play>Play</button>' if control.kind == "step" else ""
    return (
        f'<div class="{kind}"><label for="{id}">{label}</label><input type="range" id="{id}" data-control="{k}" '
        f'min="0" max="{len(control.values) - 1}" step="1" value="{control.start}" aria-valuetext="{text}">'
        f'<output for="{id}">{text}</output>'
        f"{play}</div>"
    )


def _readout_html(readout: Readout, text: str, off: bool) -> str:
    key = svg.key(readout.series.look()) if readout.series else ""
    text = f"<span data-readout>{escape(text)}</span>"
    start = '<li class="off">' if off else "<li>"
    return f"{start}{key}<span>{escape(readout.label)}: {text}</span></li>"


@functools.cache
def _read(name: str) -> str:
    """A file of this folder, without indentation and comments."""
    lines = [line.strip() for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()]
    return "\n".join(line for line in lines if not line.startswith("//"))
