"""The course's colours, and one look for each optimizer: in plots, in interactive figures, on cards.

Colours are chosen to be told apart by colour-blind readers, on light and on dark; where two come close, the line style
differs, and every optimizer has a marker of its own.
"""

from __future__ import annotations

import numpy as np

from course_lib.errors import choice

GREY, BLUE, ORANGE, GREEN = "#757575", "#0069b4", "#e0600a", "#008f5f"
OCHRE, RED, PINK, BLUE_GREY = "#9a7b00", "#c93a32", "#d8479c", "#4477aa"

INK = "#222222"  # of text, on light

# Of the exercises' cards: mid-tones that read on a white page and on a black one; text keeps the page's own colour
CARD_GREY, CARD_GREEN, CARD_AMBER, CARD_RED = "#768390", "#2da44e", "#c98a00", "#d1524c"

_DASHED, _DOTTED, _DASH_DOT = "--", ":", "-."
_DASH_DOT_DOT, _LONG_DASHED = (0, (5, 1, 1, 1, 1, 1)), (0, (9, 2))

# optimizer: colour, line style, marker
LOOKS = {
    "SGD": (GREY, "-", "o"),
    "Momentum": (BLUE, "-", "s"),
    "Nesterov": ("#2f97d0", _DASHED, "D"),
    "SGDW": ("#5f7f9a", _DASH_DOT_DOT, "8"),
    "Adagrad": (ORANGE, "-", "^"),
    "Adadelta": (OCHRE, _DASHED, "v"),
    "RMSProp": (GREEN, "-", "P"),
    "Adam": (PINK, "-", "X"),
    "AMSGrad": ("#7a5fd6", _DASHED, "*"),
    "AdamW": ("#a8509f", _DASH_DOT, "p"),
    "Adamax": ("#b06a6a", _DOTTED, "h"),
    "NAdam": ("#9a6a3a", _LONG_DASHED, "<"),
    "RAdam": (RED, _DOTTED, ">"),
    "ASGD": ("#4f6b3a", _DASH_DOT, "1"),
    "Rprop": ("#b58900", _DASH_DOT_DOT, "2"),
    "LARS": ("#1f6f8b", _DOTTED, "3"),
    "Lamb": ("#a300cc", _DASH_DOT_DOT, "4"),
    "SWATS": ("#00889a", _LONG_DASHED, "d"),
    "LBFGS": ("#2e9900", _DASH_DOT, "H"),
    "LookAhead": ("#cc526a", _DASHED, "x"),
    "EMA": ("#8352cc", _LONG_DASHED, "+"),
    "ModelAverage": ("#9c2ee6", _DOTTED, "|"),
}
COLORS = {name: look[0] for name, look in LOOKS.items()}


def color(name: str) -> str:
    """The colour of an optimizer, as ``#rrggbb``.

    Example:
        >>> color("Momentum")
        '#0069b4'
    """
    return look(name)["color"]


def look(name: str) -> dict:
    """Colour, line style and marker of an optimizer, as keywords for ``ax.plot``.

    Raises:
        ValueError: No optimizer of the course has this name.

    Example:
        >>> look("Nesterov")
        {'color': '#2f97d0', 'linestyle': '--', 'marker': 'D'}
    """
    return dict(zip(("color", "linestyle", "marker"), LOOKS[choice("name", name, LOOKS)]))


_TO_CONES = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
_TO_OKLAB = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])


def at_night(color: str) -> str:
    """A colour's partner on a dark page: of the same hue, light where it was dark and dark where it was light.

    Lightness and hue are those of Oklab (B. Ottosson, 2020), where colours of the same lightness look equally light.

    Example:
        >>> at_night("#ffffff"), at_night(INK), at_night(BLUE)
        ('#1a1a1a', '#ecebeb', '#61b4ff')
    """
    light = np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]) ** 2.2
    lightness, *hue = _TO_OKLAB @ np.cbrt(_TO_CONES @ light)
    lab = np.array([1 - 0.81 * lightness**1.8, *hue])
    light = np.clip(np.linalg.solve(_TO_CONES, np.linalg.solve(_TO_OKLAB, lab) ** 3), 0, 1)
    return "#" + "".join(f"{round(255 * part):02x}" for part in light ** (1 / 2.2))
