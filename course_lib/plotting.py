"""Figures of the course: small functions that draw on an Axes.

One look per optimizer through the whole course: ``color`` and ``look`` are those of ``course_lib.looks``.

Example:
    >>> import matplotlib.pyplot as plt
    >>> from course_lib import optimizer, plotting, surfaces
    >>> plotting.use_style()
    >>> figure, ax = plt.subplots()
    >>> plotting.contours(ax, surfaces.ravine)
    >>> plotting.path(ax, surfaces.trajectory(optimizer.SGD(0.05), surfaces.ravine, 30), "SGD")
    >>> plt.close(figure)
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import contourpy
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colors as mpl_colors
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, LogFormatter, LogFormatterSciNotation

from course_lib.errors import whole
from course_lib.looks import COLORS, INK, color, look
from course_lib.markup import raised
from course_lib.surfaces import named

__all__ = [
    "COLORS",
    "STYLE",
    "accuracy_against_lr",
    "band",
    "color",
    "contours",
    "height_map",
    "label_lines",
    "level_lines",
    "look",
    "loss_curve",
    "matrix",
    "path",
    "schedule",
    "svg",
    "use_style",
]

STYLE = Path(__file__).with_name("style.mplstyle")


def use_style() -> None:
    """Apply the course's style sheet, and let notebooks show figures as ``svg`` draws them."""
    plt.style.use(STYLE)
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # a plain Python program
        return
    if shell := get_ipython():
        set_matplotlib_formats("svg")
        shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, svg)


def svg(figure) -> str:
    """A figure as SVG: its words stay text, and the same figure gives the same bytes wherever it is drawn.

    Positions are rounded to a tenth of a point. The attribute ``data-cuts`` tells where a narrow page may cut the
    picture and lay one part below the other: between panels that stand side by side.

    Example:
        >>> figure, ax = plt.subplots()
        >>> svg(figure)[:4]
        '<svg'
        >>> plt.close(figure)
    """
    _write_powers(figure)
    _number_each_panel(figure)
    _thin_ticks(figure)
    cuts = _cuts(figure)
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "course"}):
        figure.savefig(target := io.StringIO(), format="svg", bbox_inches=_whole(figure), metadata=_NO_METADATA)
    text = target.getvalue()
    text = re.sub(r"<(metadata|style).*?</\1>\s*|<!--.*?-->\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", lambda element: _rounded(element[0]), text)  # numbers in words keep their digits
    text = re.sub(r"\s*\n(?=[A-Z])", "", text)  # the points of a path
    edge = f"paint-order: stroke; stroke: {to_hex(figure.get_facecolor())}; stroke-width: 2.5"
    text = text.replace(f'id="{_EDGED}"', f'style="{edge}"')
    # Matplotlib has the joints in a style sheet, which would be one for all of a page.
    joints = "stroke-linejoin: round; stroke-linecap: butt"
    return text.replace("<svg", f'<svg data-cuts="{" ".join(map(str, cuts))}" style="{joints}"', 1)


_EDGED = "edged"  # words with an edge of the ground's colour, which Matplotlib could give to drawn letters only
_NO_METADATA = dict.fromkeys(["Creator", "Date", "Format", "Type"])  # nothing of the program that drew it


class _Powers(LogFormatterSciNotation):
    """10⁻³ as plain words: Matplotlib writes exponents in letters too small for a telephone."""

    def __call__(self, x, pos=None):
        power = r"\$\\mathdefault\{(?:(.+)\\times)?10\^\{(-?\d+)\}\}\$"
        found = re.fullmatch(power, label := super().__call__(x, pos))
        if not found:
            return label
        return (f"{found[1]}·" if found[1] else "") + "10" + raised(found[2])


def _write_powers(figure) -> None:
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        if isinstance(axis.get_major_formatter(), LogFormatter):
            axis.set_major_formatter(_Powers())
        if isinstance(axis.get_minor_formatter(), LogFormatter):
            axis.set_minor_formatter(_Powers())


def _number_each_panel(figure) -> None:
    """Numbers on the y axis of every panel: where they lie one below the other, those of the first are far away."""
    for ax in figure.axes:
        if len(ax.get_shared_y_axes().get_siblings(ax)) > 1:
            ax.tick_params(labelleft=True)


def _thin_ticks(figure) -> None:
    """At most seven numbers on an axis that Matplotlib numbers."""
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        if isinstance(axis.get_major_locator(), AutoLocator) and sum(low <= t <= high for t in axis.get_ticklocs()) > 7:
            axis.get_major_locator().set_params(nbins=6)


def _rounded(element: str) -> str:
    return re.sub(r"-?\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), element)


def _whole(figure):
    """All that is drawn, and a little room around it, in inches."""
    figure.draw_without_rendering()
    return figure.get_tightbbox().padded(0.05)


def _cuts(figure) -> list[float]:
    """Between panels that stand side by side: distances from the left edge of the picture, in points."""
    whole = _whole(figure)
    columns: list[list[float]] = []
    for left, right in sorted(_sides(artist) for artist in figure.get_children() if artist is not figure.patch):
        if columns and left < columns[-1][1]:
            columns[-1][1] = max(right, columns[-1][1])
        else:
            columns.append([left, right])
    middles = [(before[1] + after[0]) / 2 for before, after in zip(columns, columns[1:])]
    return [round(72 * (middle - whole.x0), 1) for middle in middles]


def _sides(artist) -> tuple[float, float]:
    """Left and right end of a panel with the bars that explain its colours, or of a figure's legend or title."""
    drawn = [*artist.images, *artist.collections] if isinstance(artist, Axes) else []
    bars = [mappable.colorbar.ax for mappable in drawn if mappable.colorbar]
    boxes = [part.get_tightbbox() for part in (artist, *bars)]
    dpi = artist.figure.dpi
    return min(box.x0 for box in boxes) / dpi, max(box.x1 for box in boxes) / dpi


def contours(ax, surface, levels: int = 14, resolution: int = 101) -> None:
    """Draw a surface's level lines, pale enough for paths to stand out, and a star on each minimum.

    Levels lie closer together near the bottom, where optimizers spend their steps.

    Args:
        ax: Matplotlib Axes.
        surface: A ``Surface`` or the name of one.
        levels: Number of level lines, at least 2.
        resolution: Grid points along each axis, at least 2.
    """
    surface = named(surface)
    x, y, z, heights = height_map(surface, levels, resolution)
    ax.contourf(x, y, z, heights, cmap=_PALE, zorder=0).set(edgecolor="#b9c2cc", linewidth=0.6)
    ax.scatter(*np.transpose(surface.minima), marker="*", s=110, color=INK, zorder=4)
    ax.set(**dict(zip(("xlim", "ylim", "xlabel", "ylabel"), (*surface.limits, *surface.axes))))
    ax.grid(False)


def height_map(surface, levels: int, resolution: int):
    """A grid over the surface's limits, and levels on it that lie closer together near the bottom.

    Returns:
        ``x, y, z, heights``: grids of shape ``[resolution, resolution]`` and ``levels + 1`` heights of ``z``, which is
        the cube root of the value above the minimum.
    """
    (left, right), (low, high) = surface.limits
    ticks = np.linspace(0, 1, whole("resolution", resolution, low=2))
    x, y = np.meshgrid(left + ticks * (right - left), low + ticks * (high - low))
    z = surface(np.stack([x, y], axis=-1))
    z = np.cbrt(z - min(z.min(), np.min(surface(surface.minima))))
    return x, y, z, np.linspace(z.min(), z.max(), whole("levels", levels, low=2) + 1)


def level_lines(x, y, z, heights) -> list[np.ndarray]:
    """The lines on which the grid ``z`` has one of the heights, each as points of shape ``[n, 2]``."""
    generator = contourpy.contour_generator(x, y, z)
    return [line for height in heights for line in generator.lines(height)]


def path(ax, trajectory, name: str | None = None, *, label: str | None = None, **style) -> None:
    """Draw the points of a trajectory in order: start ringed, the last visible point labelled.

    Points that are not finite end the line; the limits of the Axes stay as they are.

    Args:
        ax: Matplotlib Axes.
        trajectory: Points, shape ``[n, 2]``.
        name: Optimizer whose look to use.
        label: Text at the end of the path; the optimizer's name if left out, ``""`` for none.
        style: Further keywords for ``ax.plot``, such as ``color=``.
    """
    points = np.asarray(trajectory, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"trajectory must be points of shape [n, 2], got shape {points.shape}")
    finite = np.isfinite(points).all(axis=1)
    points = points[: len(points) if finite.all() else int(np.argmin(finite))]
    style = {
        "markersize": 3.5,
        "linewidth": 1.4,
        "zorder": 3,
        **({"marker": "o"} if name is None else look(name)),
        **style,
    }
    limits = ax.axis()
    (line,) = ax.plot(*points.T, **style)
    ax.plot(*points[:1].T, "o", markersize=9, markerfacecolor="none", color=line.get_color(), zorder=3)
    ax.axis(limits)
    visible = points[_inside(points, limits)]
    text = (name or "") if label is None else label
    if text and len(visible):
        _write(ax, text, visible[-1], line.get_color(), offset=(7, 5 + 12 * _labels_near(ax, visible[-1])))


def band(ax, x, values, label: str | None = None, color=None, **style) -> None:
    """Draw the mean over seeds as a line and the range from the lowest to the highest seed as a band.

    A step at which some seed is not finite (a run that diverged) leaves a gap.

    Args:
        ax: Matplotlib Axes.
        x: Positions, shape ``[n]``.
        values: One row per seed, shape ``[seeds, n]``.
        label: Name of the line.
        color: Any Matplotlib colour; the next of the cycle if left out.
        style: Further keywords for ``ax.plot``.
    """
    x, values = np.asarray(x, dtype=np.float64), np.atleast_2d(np.asarray(values, dtype=np.float64))
    if values.ndim != 2 or values.shape[1] != x.size:
        raise ValueError(f"values must have shape [seeds, {x.size}] to go with x, got {values.shape}")
    values = np.where(np.isfinite(values).all(axis=0), values, np.nan)
    (line,) = ax.plot(x, values.mean(axis=0), label=label, **style, **({} if color is None else {"color": color}))
    ax.fill_between(x, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.18, linewidth=0)


def loss_curve(ax, losses, name: str | None = None, *, label: str | None = None, smooth: int = 1, **style) -> None:
    """Draw the loss against the step on a logarithmic axis.

    Args:
        ax: Matplotlib Axes.
        losses: One loss per step, or a ``History`` of ``course_lib.training``.
        name: Optimizer whose look to use.
        label: Name of the line; the optimizer's name if left out.
        smooth: Draw the mean of this many neighbouring steps, with the raw values pale behind it.
        style: Further keywords for ``ax.plot``.
    """
    losses = np.asarray(getattr(losses, "loss", losses), dtype=np.float64)
    width = min(whole("smooth", smooth, low=1), len(losses))
    style = {**_line_look(name), **style}
    mean = np.convolve(losses, np.ones(width) / width, mode="valid")
    (line,) = ax.plot(np.arange(width, len(losses) + 1), mean, label=label or name, **style)
    if width > 1:
        ax.plot(np.arange(1, len(losses) + 1), losses, "-", color=line.get_color(), linewidth=0.6, alpha=0.35, zorder=1)
    ax.set(xlabel="step", ylabel="training loss", yscale="log")


def accuracy_against_lr(ax, learning_rates, accuracies, name: str | None = None, *, label=None, **style) -> None:
    """Draw accuracy (0 to 1, shown in percent) against the learning rate on a logarithmic axis.

    Args:
        ax: Matplotlib Axes.
        learning_rates: Shape ``[n]``, positive.
        accuracies: One row per seed, shape ``[seeds, n]``, or one row only.
        name: Optimizer whose look to use.
        label: Name of the line; the optimizer's name if left out.
        style: Further keywords for ``ax.plot``.
    """
    style = {"marker": "o", **(look(name) if name else {}), **style}
    band(ax, learning_rates, 100 * np.asarray(accuracies, dtype=np.float64), label or name, **style)
    ax.set(xlabel="learning rate", ylabel="validation accuracy (%)", xscale="log")


def schedule(ax, schedule, steps: int, label: str | None = None, **style) -> None:
    """Draw the learning rate of a schedule against the step. The schedule is asked, not used up.

    Args:
        ax: Matplotlib Axes.
        schedule: A schedule of ``course_lib.optimizer.lr``.
        steps: How many steps to show, at least 1.
        label: Name of the line; the schedule's class if left out.
        style: Further keywords for ``ax.plot``.
    """
    if not hasattr(schedule, "at"):
        raise TypeError(f"schedule must be one of course_lib.optimizer.lr, got {type(schedule).__name__}")
    at = np.arange(whole("steps", steps, low=1))
    ax.plot(at, schedule.at(at), label=label or type(schedule).__name__, **style)
    ax.set(xlabel="step", ylabel="learning rate")


def matrix(ax, values, rows, columns, limits, text="{:.2g}", cmap="Blues") -> None:
    """Draw a table of positive numbers: each cell coloured on a logarithmic scale, with its number in it.

    Args:
        ax: Matplotlib Axes.
        values: Shape ``[rows, columns]``; a zero gets the colour of the lowest value.
        rows, columns: Names of the rows and columns.
        limits: The values with the first and the last colour of the scale.
        text: Format of the number in a cell; a zero is written as 0.
        cmap: A Matplotlib colour map; a diverging one has its middle at the geometric mean of the limits.

    Raises:
        ValueError: The shape of ``values`` does not fit the names.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (len(rows), len(columns)):
        raise ValueError(
            f"values must have shape [{len(rows)}, {len(columns)}] to go with the names, got {values.shape}"
        )
    cells = ax.pcolormesh(np.clip(values, *limits), norm=mpl_colors.LogNorm(*limits), cmap=cmap)
    ax.invert_yaxis()  # the first row on top
    for (row, column), value in np.ndenumerate(values):
        shade = cells.cmap(cells.norm(np.clip(value, *limits)))
        ink = "white" if np.dot(shade[:3], [0.299, 0.587, 0.114]) < 0.5 else INK
        number = text.format(value) if value else "0"
        ax.text(column + 0.5, row + 0.5, number, ha="center", va="center", color=ink, fontsize=9)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(False)


def label_lines(ax, gap: float = 12.0) -> None:
    """Write each line's label beside its right end, so that no legend has to be looked up.

    Call it last: it reads the limits of the Axes. Labels are moved apart to lie at least
    ``gap`` points from each other.
    """
    named_lines = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    ends = [(line, _last_visible(ax, line)) for line in named_lines]
    ends = [(line, end) for line, end in ends if end is not None]
    ends.sort(key=lambda item: ax.transData.transform(item[1])[1])
    points_per_pixel, lowest = 72 / ax.figure.dpi, -np.inf
    for line, end in ends:
        height = ax.transData.transform(end)[1] * points_per_pixel
        lowest = max(height, lowest + gap)
        _write(ax, line.get_label(), end, line.get_color(), offset=(5, lowest - height), va="center")


_PALE = mpl_colors.LinearSegmentedColormap.from_list("pale", ["#ffffff", "#dfe6ee"])


def _line_look(name):
    return {} if name is None else {key: value for key, value in look(name).items() if key != "marker"}


def _write(ax, text, position, color, offset, va="baseline") -> None:
    """Text in a darker shade of the line's colour, with a light edge so that it reads over lines."""
    ink = 0.72 * np.array(mpl_colors.to_rgb(color))
    note = ax.annotate(
        text,
        position,
        xytext=offset,
        textcoords="offset points",
        color=ink,
        fontsize=10,
        va=va,
        zorder=5,
        annotation_clip=False,
    )
    note.set_gid(_EDGED)


def _labels_near(ax, position) -> int:
    """How many labels already stand beside this point (paths that end together): the next goes above them."""
    here = ax.transData.transform(position)
    return sum(np.hypot(*(ax.transData.transform(text.xy) - here)) < 0.3 * ax.figure.dpi for text in ax.texts)


def _inside(points, limits):
    left, right, low, high = limits
    return (points[:, 0] >= left) & (points[:, 0] <= right) & (points[:, 1] >= low) & (points[:, 1] <= high)


def _last_visible(ax, line):
    points = np.column_stack([line.get_xdata(), line.get_ydata()]).astype(np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    points = points[_inside(points, (*sorted(ax.get_xlim()), *sorted(ax.get_ylim())))]
    return tuple(points[-1]) if len(points) else None
