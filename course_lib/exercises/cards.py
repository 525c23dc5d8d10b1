"""The HTML of exercises: the card of a check, the choices of a quiz, the table of progress.

Styles stand in the elements, so that a card looks the same in Jupyter, in Colab and on a static page. All texts are
escaped here; text between backticks becomes code.
"""

from __future__ import annotations

import re

from ..looks import CARD_GREEN, CARD_GREY, CARD_RED
from ..markup import escape

CELL = "text-align:left;padding:1px 1em 1px 0"
PLAIN_TABLE = "border:0;background:none;color:inherit"


def inline(text: str) -> str:
    """Escape ``text`` for HTML; backticks become code, line ends become breaks.

    Example:
        >>> inline("use `a < b`")
        'use <code>a &lt; b</code>'
    """
    escaped = escape(text, quote=False).replace("\n", "<br>")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def card(accent: str, body: str) -> str:
    """``body`` in a box that takes the page's text colour and only tints its background."""
    return (
        f'<div role="status" style="border:1px solid {accent};border-left-width:6px;border-radius:4px;'
        f'padding:.6em .9em;margin:.5em 0;background:{accent}14;color:inherit;overflow-x:auto">{body}</div>'
    )


def verdict(accent, symbol, heading, id, message, details, hint, notes) -> str:
    """The card of a check or a hint; the arguments are those of ``Feedback``."""
    rows = "".join(
        f'<tr><th scope="row" style="{CELL};font-weight:600">{escape(label)}</th>'
        f'<td style="{CELL}"><code>{escape(value)}</code></td></tr>'
        for label, value in details
    )
    return card(
        accent,
        f"<p style='margin:0 0 .3em'><b>{_unread(symbol)} {inline(heading)}</b> {_faint(escape(id))}</p>"
        + _paragraph(inline(message))
        + (f'<table style="margin:.4em 0;{PLAIN_TABLE}">{rows}</table>' if rows else "")
        + (_paragraph(f"<b>Hint.</b> {inline(hint)}") if hint else "")
        + "".join(_paragraph(inline(note), ";opacity:.85") for note in notes),
    )


def question(id: str, text: str, choices: dict) -> str:
    """A quiz: every choice, a letter and its ``Choice``, opens its explanation."""
    offered = "".join(_choice(id, letter, choice) for letter, choice in choices.items())
    return (
        f'<section aria-labelledby="quiz-{id}" style="border:1px solid {CARD_GREY};border-radius:4px;color:inherit;'
        f'padding:.6em .9em;margin:.5em 0"><p id="quiz-{id}" style="margin:0 0 .4em"><b>'
        f"{inline(text)}</b></p>{offered}"
        f"<p style='margin:.5em 0 0;opacity:.8'>Open a choice to see whether it is right, or keep score with "
        f"<code>check({escape(repr(id))}, 'a')</code>.</p></section>"
    )


def _choice(id: str, letter: str, choice) -> str:
    accent, symbol, words = (CARD_GREEN, "✓", "Right.") if choice.right else (CARD_RED, "✗", "No.")
    return (
        f'<details name="quiz-{id}" style="margin:.25em 0"><summary style="cursor:pointer">{letter}) '
        f'{inline(choice.text)}</summary><p style="margin:.2em 0 .4em 1.2em;border-left:4px solid {accent};'
        f'padding-left:.7em"><b><span aria-hidden="true">{symbol}</span> {words}</b> {inline(choice.explanation)}</p>'
        "</details>"
    )


def progress(done, following, chapters, notes) -> str:
    """The table of progress.

    Args:
        done: How many exercises are done.
        following: The next exercise and its address ("" if unknown), or None.
        chapters: For each its heading, a summary, and rows of symbol, state, id, kind, title.
        notes: What went wrong.
    """
    tables = (
        f"<table style='margin:.2em 0 .8em;{PLAIN_TABLE}'>"
        f"<caption style='caption-side:top;text-align:left;color:inherit'><b>{escape(heading)} "
        f"{_faint(summary)}</b></caption>{''.join(_row(*row) for row in rows)}</table>"
        for heading, summary, rows in chapters
    )
    head = f"<b>{escape(done)}</b>{_next(*following) if following else ''}"
    return card(CARD_GREY, "".join([_paragraph(head), *tables, *(_paragraph(inline(note)) for note in notes)]))


def _next(exercise, address: str) -> str:
    name = f"<code>{escape(exercise.id)}</code>"
    linked = f'<a href="{escape(address)}">{name}</a>' if address else name
    return f" · next: {linked} (chapter {exercise.chapter})"


def _row(symbol, state, id, kind, title) -> str:
    texts = f"{_unread(symbol)} {state}", f"<code>{escape(id)}</code>", escape(kind), escape(title)
    cells = "".join(f"<td style='{CELL}'>{text}</td>" for text in texts)
    return f"<tr>{cells}</tr>"


def _paragraph(content: str, style: str = "") -> str:
    return f"<p style='margin:.3em 0{style}'>{content}</p>"


def _faint(content: str) -> str:
    return f"<span style='opacity:.75'>· {content}</span>"


def _unread(symbol: str) -> str:
    """A symbol that a screen reader leaves out: the words beside it say the same."""
    return f"<span aria-hidden='true'>{symbol}</span>"
