"""Drawing of interactive figures: elements, axes, markers and backgrounds as SVG text."""

from __future__ import annotations

import functools
import itertools

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from ..errors import choice
from ..markup import escape, tag

WIDTH, HEIGHT = 420, 300  # of a panel; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 52, 410, 10, 258  # of the part inside the axes

_DASHES = {"-": (), "--": (6, 4), ":": (1.5, 3), "-.": (7, 3, 1.5, 3)}


def text(content: str, **attributes) -> str:
    """A text element."""
    return tag("text", escape(content), **attributes)


def panel(id: str, panel, drawn, off: bool = False) -> str:
    """A panel with its curves; ``drawn`` has, for each, points to show, position of its dot, and if it is off."""
    box = {"x": LEFT, "y": TOP, "width": RIGHT - LEFT, "height": BOTTOM - TOP}
    looks = [series.look() for series in panel.series]
    markers = "".join(_vertex_marker(f"{id}-{k}", look) for k, look in enumerate(looks))
    background = "".join(draw(panel) for draw in panel.background)
    curves = "".join(
        _curve(looks[k], points, last, "" if series.whole else f"url(#{id}-{k})", {"class_": "off"} if off else {})
        for k, (series, (points, last, off)) in enumerate(zip(panel.series, drawn))
    )
    # Dots at the edge of the axes shall be seen whole.
    room = {
        "x": LEFT - 6,
        "y": TOP - 6,
        "width": RIGHT - LEFT + 12,
        "height": BOTTOM - TOP + 12,
    }  # for dots at the edge
    content = (
        tag("defs", tag("clipPath", tag("rect", **room), id=f"{id}-clip") + markers)
        + tag("g", background + curves, clip_path=f"url(#{id}-clip)")
        + tag("rect", class_="axis", **box)
        + _x_axis(panel)
        + _y_axis(panel)
    )
    kind = "panel off" if off else "panel"
    return tag("svg", content, class_=kind, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=panel.label)


def key(look: dict) -> str:
    """A sample of a curve for the legend."""
    line = tag("path", d="M0 6H38", fill="none", stroke=look["color"], stroke_width=2, **_dashes(look))
    sign = tag("path", transform="translate(19,6)", d=_outline(look["marker"], 9), fill=look["color"])
    return tag("svg", line + sign, class_="key", viewBox="0 0 38 12", aria_hidden="true")


# Backgrounds: each returns a function of the panel.


def line(points, kind: str = "grid"):
    """A fixed line; ``kind`` is ``"grid"`` (pale) or ``"limit"`` (dashed, in ink)."""
    choice("kind", kind, ("grid", "limit"))
    return lambda panel: tag("path", class_=kind, d="M" + "L".join(f"{u:g} {v:g}" for u, v in panel.pixels(points)))


def stars(points):
    """A star at each point."""
    star = _outline("*", 22)  # larger than a curve's dot, which may come to lie on it
    return lambda panel: "".join(
        tag("path", class_="minimum", transform=f"translate({u:g},{v:g})", d=star) for u, v in panel.pixels(points)
    )


def words(x: float, y: float, content: str, anchor: str = "middle"):
    """A text at a point of the panel."""
    return lambda panel: text(
        content, **dict(zip("xy", map(float, panel.pixels([(x, y)])[0]))), text_anchor=anchor, class_="note"
    )


def cells(x, y, shades):
    """A map of rectangles between the edges ``x`` and ``y``, ``shades[row][column]`` from 0 (clear) to 1 (full)."""

    def draw(panel):
        parts = []
        for row, column in itertools.product(range(len(y) - 1), range(len(x) - 1)):
            (left, bottom), (right, top) = panel.pixels([(x[column], y[row]), (x[column + 1], y[row + 1])]).tolist()
            size = {"x": left, "y": top, "width": round(right - left, 1), "height": round(bottom - top, 1)}
            parts.append(tag("rect", class_="cell", fill_opacity=round(0.6 * float(shades[row][column]), 2), **size))
        return "".join(parts)

    return draw


def _curve(look: dict, points: str, last: str, vertex: str, more: dict) -> str:
    ends = {f"marker_{place}": vertex for place in ("start", "mid", "end")} if vertex else {}
    style = {"fill": "none", "stroke": look["color"], "stroke_width": 1.8, "stroke_linejoin": "round", **_dashes(look)}
    dot = tag("path", d=_outline(look["marker"], 11), fill=look["color"], class_="dot")
    return tag("polyline", data_line="", points=points, **style, **ends, **more) + tag(
        "g", dot, data_dot="", transform=f"translate({last})", **more
    )


def _vertex_marker(id: str, look: dict) -> str:
    sign = tag("path", d=_outline(look["marker"], 4.5), fill=look["color"])
    size = {"markerUnits": "userSpaceOnUse", "markerWidth": 8, "markerHeight": 8}
    return tag("marker", sign, id=id, viewBox="-4 -4 8 8", **size)


def _x_axis(panel) -> str:
    parts = [text(panel.x.label, x=(LEFT + RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle")]
    for value, label in panel.x.ticks():
        u = float(panel.pixels([(value, panel.y.low)])[0, 0])
        parts.append(tag("path", class_="axis", d=f"M{u:g} {BOTTOM}v4"))
        parts.append(text(label, class_="tick", x=u, y=BOTTOM + 16, text_anchor="middle"))
    return "".join(parts)


def _y_axis(panel) -> str:
    turned = f"translate(13,{(TOP + BOTTOM) / 2:g}) rotate(-90)"
    parts = [text(panel.y.label, transform=turned, text_anchor="middle")]
    for value, label in panel.y.ticks():
        v = float(panel.pixels([(panel.x.low, value)])[0, 1])
        parts.append(tag("path", class_="axis", d=f"M{LEFT} {v:g}h-4"))
        parts.append(text(label, class_="tick", x=LEFT - 7, y=v + 4, text_anchor="end"))
    return "".join(parts)


@functools.cache
def _outline(marker: str, size: float) -> str:
    """The outline of a Matplotlib marker as path data, centred on the origin."""
    style = MarkerStyle(marker)
    outline, parts = style.get_path().transformed(style.get_transform()), []
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
    for vertices, code in outline.iter_segments():
        pairs = np.round(vertices.reshape(-1, 2) * (size, -size), 2) + 0.0
        parts.append(letters[code] + " ".join(f"{x:g} {y:g}" for x, y in pairs) if code in letters else "Z")
    return "".join(parts)


def _dashes(look: dict) -> dict:
    style = look["linestyle"]
    dashes = _DASHES[style] if isinstance(style, str) else style[1]
    return {"stroke_dasharray": " ".join(f"{dash:g}" for dash in dashes)} if dashes else {}
