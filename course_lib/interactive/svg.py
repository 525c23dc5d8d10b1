"""Drawing of interactive figures: elements, axes, markers and backgrounds as SVG text."""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from ..looks import at_night
from ..markup import escape, tag

WIDTH, HEIGHT = 360, 280  # of a panel; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 52, 350, 26, 238  # of the part inside the axes
_ROOM = 6  # around it, for dots at the edge

_DASHES = {"-": (), "--": (6, 4), ":": (1.5, 3), "-.": (7, 3, 1.5, 3)}


def text(content: str, **attributes) -> str:
    """A text element."""
    return tag("text", escape(content), **attributes)


def panel(id: str, panel, drawn, off: bool = False) -> str:
    """A panel with its curves; ``drawn`` has, for each, points to show, position of its dot, and if it is off."""
    box = {"x": LEFT, "y": TOP, "width": RIGHT - LEFT, "height": BOTTOM - TOP}
    room = {"x": LEFT - _ROOM, "y": TOP - _ROOM, "width": box["width"] + 2 * _ROOM, "height": box["height"] + 2 * _ROOM}
    clips = tag("clipPath", tag("rect", **box), id=f"{id}-in") + tag("clipPath", tag("rect", **room), id=f"{id}-by")
    looks = [series.look() for series in panel.series]
    signs = "".join(_vertex_marker(f"{id}-{k}", look) for k, look in enumerate(looks))
    lines, dots = "", ""
    for k, (series, (points, last, is_off)) in enumerate(zip(panel.series, drawn)):
        more = {"class_": "off"} if is_off else {}
        lines += _line(looks[k], points, "" if series.whole or series.stairs else f"url(#{id}-{k})", more)
        dots += _dot(looks[k], inside(last), more)
    spots = "" if panel.place is None else "".join(map(_spot, panel.pixels(panel.place.values)))
    behind = "".join(draw(panel) for draw in panel.background)
    content = (
        tag("defs", clips + signs)
        + tag("rect", class_="ground", **box)
        + tag("g", behind + spots + lines, clip_path=f"url(#{id}-in)")
        + tag("g", dots, clip_path=f"url(#{id}-by)")
        + tag("rect", class_="axis", **box)
        + text(panel.title, x=(LEFT + RIGHT) / 2, y=TOP - 9, text_anchor="middle", class_="title")
        + _x_axis(panel)
        + _y_axis(panel)
    )
    kind = "panel off" if off else "panel"
    return tag("svg", content, class_=kind, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=panel.label)


def inside(point) -> np.ndarray:
    """A point, or the nearest one inside the axes: the dot of a curve that has left them waits at the edge."""
    return np.clip(point, (LEFT, TOP), (RIGHT, BOTTOM))


def stairs(points) -> np.ndarray:
    """The points of a line on which each value holds until the next point."""
    doubled = np.repeat(points, 2, axis=0)
    return np.column_stack([doubled[1:, 0], doubled[:-1, 1]])


def key(look: dict) -> str:
    """A sample of a curve for the legend."""
    line = tag("path", d="M0 6H38", fill="none", stroke_width=2, **_ink("stroke", look), **_dashes(look))
    sign = tag("path", transform="translate(19,6)", d=_outline(look["marker"], 9), **_ink("fill", look))
    return tag("svg", line + sign, class_="key", viewBox="0 0 38 12", aria_hidden="true")


# Backgrounds: each returns a function of the panel.


def line(points):
    """A fixed line, pale."""
    return lambda panel: _path(panel.pixels(points), "grid")


def limit(points, label: str, before: bool = False):
    """A fixed line, dashed and in ink, with words: along an upright one, after or before it, else left of its end."""

    def draw(panel):
        (foot, low), *_, (u, v) = corners = panel.pixels(points)
        if foot == u:
            beside = u - 5 if before else u + 13
            where = {"transform": f"translate({beside:g},{min(low, BOTTOM) - 6:g}) rotate(-90)"}
        else:
            where = {"x": u - 5, "y": np.clip(v, TOP + 14, BOTTOM - 6), "text_anchor": "end"}
        return _path(corners, "limit") + text(label, class_="note", **where)

    return draw


def _path(corners, kind: str) -> str:
    return tag("path", class_=kind, d="M" + "L".join(f"{u:g} {v:g}" for u, v in corners))


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
        outlines = defaultdict(str)  # of all cells of one shade
        for row, column in itertools.product(range(len(y) - 1), range(len(x) - 1)):
            (left, bottom), (right, top) = panel.pixels([(x[column], y[row]), (x[column + 1], y[row + 1])])
            shade = round(0.6 * float(shades[row][column]), 2)
            outlines[shade] += f"M{left:g} {top:g}H{right:g}V{bottom:g}H{left:g}Z"
        return "".join(tag("path", class_="cell", fill_opacity=shade, d=d) for shade, d in sorted(outlines.items()))

    return draw


def edges(values) -> np.ndarray:
    """Limits of the cells around the values: half-way to the neighbours."""
    values = np.asarray(values, dtype=np.float64)
    middles = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middles[0]], middles, [2 * values[-1] - middles[-1]]])


def _line(look: dict, points, vertex: str, more: dict) -> str:
    ends = {f"marker_{place}": vertex for place in ("start", "mid", "end")} if vertex else {}
    style = {"fill": "none", "stroke_width": 1.8, "stroke_linejoin": "round", **_ink("stroke", look), **_dashes(look)}
    corners = " ".join(f"{u:g},{v:g}" for u, v in points)
    return tag("polyline", data_line="", points=corners, **style, **ends, **more)


def _dot(look: dict, at, more: dict) -> str:
    sign = tag("path", d=_outline(look["marker"], 11), class_="dot", **_ink("fill", look))
    return tag("g", sign, data_dot="", transform="translate({:g},{:g})".format(*at), **more)


def _spot(at) -> str:
    u, v = at
    return tag("circle", class_="spot", cx=f"{u:g}", cy=f"{v:g}", r=4)


def _vertex_marker(id: str, look: dict) -> str:
    sign = tag("path", d=_outline(look["marker"], 4.5), **_ink("fill", look))
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


def _ink(use: str, look: dict) -> dict:
    """A colour, with its partner on dark pages where the browser knows how to choose."""
    color = look["color"]
    return {use: color, "style": f"{use}:light-dark({color},{at_night(color)})"}


def _dashes(look: dict) -> dict:
    style = look["linestyle"]
    dashes = _DASHES[style] if isinstance(style, str) else style[1]
    return {"stroke_dasharray": " ".join(f"{dash:g}" for dash in dashes)} if dashes else {}
