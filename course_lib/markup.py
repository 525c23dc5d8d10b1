"""Text with tags, as HTML and SVG have them: what cards, tables and figures are written with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Table", "card", "escape", "folded", "marked", "row", "table", "tag"]


def tag(name: str, content: str | None = None, /, **attributes) -> str:
    """An element; in attribute names ``_`` stands for ``-``, and one at the end is dropped (``class_``).

    Args:
        name: Of the element.
        content: What is in it, markup already; None for an element that closes itself, as SVG's shapes do.
        **attributes: Their values are escaped here.

    Example:
        >>> tag("path", d="M0 0", class_="axis", stroke_width=2.0)
        '<path d="M0 0" class="axis" stroke-width="2"/>'
        >>> tag("em", escape("a < b"))
        '<em>a &lt; b</em>'
    """
    shown = {
        key.rstrip("_").replace("_", "-"): f"{value:g}" if isinstance(value, float) else escape(str(value))
        for key, value in attributes.items()
    }
    start = " ".join([name, *(f'{key}="{value}"' for key, value in shown.items())])
    return f"<{start}/>" if content is None else f"<{start}>{content}</{name}>"


def marked(symbol: str, color: str, words: str) -> str:
    """Words in bold behind a coloured symbol, which says the same and is not read aloud."""
    return tag("strong", f"{tag('span', symbol, aria_hidden='true', style=f'color:{color}')} {words}")


def folded(summary: str, content: str) -> str:
    """Something to be opened: its summary is seen, and the content after a click. Both are markup already."""
    return tag("details", tag("summary", summary) + content)


def table(names: Sequence[str], rows: Iterable[str]) -> str:
    """A table of rows made by ``row``. On a telephone ``course.css`` makes a card of each row.

    A browser would take it for no table then; the roles keep it one for those who have it read aloud.
    """
    head = "".join(tag("th", escape(name), scope="col", role="columnheader") for name in names)
    parts = ("thead", tag("tr", head, role="row")), ("tbody", "".join(rows))
    body = "".join(tag(name, content, role="rowgroup") for name, content in parts)
    return tag("table", body, class_="table cards", role="table")


def row(names: Sequence[str], cells: Sequence[str], **attributes) -> str:
    """A row of a table; each cell, markup already, carries its column's name. The last one takes what room is left."""
    spans = [1] * (len(cells) - 1) + [len(names) - len(cells) + 1]
    shown = (
        tag("td", cell, role="cell", data_label=name, **({"colspan": span} if span > 1 else {}))
        for name, cell, span in zip(names, cells, spans)
    )
    return tag("tr", "".join(shown), role="row", **attributes)


def card(color: str, content: str, **attributes) -> str:
    """A frame with a broad edge of its colour; all else is the page's own, on light and on dark."""
    look = (
        f"margin:1em 0;padding:.6em 1em;border:1px solid {color};border-left-width:.5em;border-radius:.4em;"
        "background:transparent;color:inherit;text-align:left"
    )
    return tag("div", content, **attributes, style=look)


class Table:
    """A table that a notebook shows: HTML in Jupyter and on the page, columns of text elsewhere.

    Args:
        names: Of the columns.
        rows: Their cells: a text, or (text, address) for a link.

    Example:
        >>> Table(["class", "learning rate"], [["SGD", "0.1"], [("Adam", "#adam"), "0.001"]])
        class  learning rate
        SGD    0.1
        Adam   0.001
    """

    def __init__(self, names: Sequence[str], rows: Iterable[Sequence[str | tuple[str, str]]]):
        self.names, self.rows = names, [list(cells) for cells in rows]

    def __repr__(self) -> str:
        lines = [self.names, *([_linked(cell)[0] for cell in cells] for cells in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        return table(self.names, (row(self.names, [_in_html(*_linked(cell)) for cell in cells]) for cells in self.rows))


def _linked(cell: str | tuple[str, str]) -> tuple[str, str]:
    return (cell, "") if isinstance(cell, str) else cell


def _in_html(text: str, address: str) -> str:
    return tag("a", escape(text), href=address) if address else escape(text)


def raised(number: int) -> str:
    """An exponent in letters of the height of the rest.

    Example:
        >>> "10" + raised(-3)
        '10⁻³'
    """
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
