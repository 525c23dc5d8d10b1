"""Text with tags, as HTML and SVG have them: what cards, tables and figures are written with."""

from __future__ import annotations

from html import escape

__all__ = ["escape", "marked", "tag"]


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
