"""What a check answers: a status, a sentence, and the same card in Jupyter, in Colab and as plain text."""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass

#: status -> (symbol, words, accent colour). Colour never stands alone: symbol and words say the same.
#: The accents are mid-tones that read on a white page and on a black one; text keeps the page's own colour.
STATUSES = {
    "not-attempted": ("○", "Not attempted yet", "#768390"),
    "passed": ("✓", "Passed", "#2da44e"),
    "mistake": ("≠", "A known mistake", "#c98a00"),
    "wrong": ("✗", "Not right yet", "#d1524c"),
    "error": ("⚠", "The answer could not be checked", "#d1524c"),
    "hint": ("?", "Hint", "#768390"),  # of hint(), never of check()
}


CELL = "text-align:left;padding:1px 1em 1px 0"


@dataclass(frozen=True)
class Feedback:
    """The result of ``check``.

    Args:
        id: The exercise.
        status: ``not-attempted``, ``passed``, ``mistake``, ``wrong`` or ``error`` (``hint`` from ``hint``).
        message: One or a few sentences; text between backticks is code.
        mistake: The id of the recognised mistake, else None.
        title: A heading; by default the status in words.
        details: Rows ``(label, value)``: the step, what came out, what was expected …
        hint: What helps against a recognised mistake.
        notes: Remarks that do not change the verdict.

    Example:
        >>> Feedback("sgd-step", "passed", "Your step is right.")
        ✓ sgd-step: Passed
          Your step is right.
    """

    id: str
    status: str
    message: str
    mistake: str | None = None
    title: str = ""
    details: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def heading(self) -> str:
        return self.title or STATUSES[self.status][1]

    def __repr__(self) -> str:
        symbol = STATUSES[self.status][0]
        lines = [f"{symbol} {self.id}: {self.heading}", *self.message.splitlines()]
        width = max((len(label) for label, _ in self.details), default=0)
        lines += [f"{label:<{width}}  {value}" for label, value in self.details]
        lines += [f"Hint: {self.hint}"] if self.hint else []
        lines += [f"Note: {note}" for note in self.notes]
        return printable("\n  ".join(lines))

    def _repr_html_(self) -> str:
        symbol, words, accent = STATUSES[self.status]
        rows = "".join(
            f'<tr><th scope="row" style="{CELL};font-weight:600">{html.escape(label)}</th>'
            f'<td style="{CELL}"><code>{html.escape(value)}</code></td></tr>'
            for label, value in self.details
        )
        table = f'<table style="margin:.4em 0;border:0;background:none;color:inherit">{rows}</table>' if rows else ""
        hint = f"<p style='margin:.3em 0'><b>Hint.</b> {inline(self.hint)}</p>" if self.hint else ""
        notes = "".join(f"<p style='margin:.3em 0;opacity:.85'>{inline(note)}</p>" for note in self.notes)
        heading = inline(f"{words}: {self.heading}" if self.status == "mistake" else self.heading)
        return card(
            accent,
            f"<p style='margin:0 0 .3em'><b><span aria-hidden='true'>{symbol}</span> {heading}</b>"
            f" <span style='opacity:.75'>· {html.escape(self.id)}</span></p>"
            f"<p style='margin:.3em 0'>{inline(self.message)}</p>{table}{hint}{notes}",
        )


def printable(text: str) -> str:
    """``text`` with a question mark for each character that standard output cannot encode: printing never fails.

    Example:
        >>> printable("λ = 0.01")
        'λ = 0.01'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def card(accent: str, body: str) -> str:
    """``body`` in a box that takes the page's text colour and only tints its background."""
    return (
        f'<div role="status" style="border:1px solid {accent};border-left-width:6px;border-radius:4px;'
        f'padding:.6em .9em;margin:.5em 0;background:{accent}14;color:inherit;overflow-x:auto">{body}</div>'
    )


def inline(text: str) -> str:
    """Escape ``text`` for HTML; backticks become code, line ends become breaks.

    Example:
        >>> inline("use `a < b`")
        'use <code>a &lt; b</code>'
    """
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
