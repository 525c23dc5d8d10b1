"""What a check answers: a status, a sentence, and the same card in Jupyter, in Colab and as plain text."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ..looks import CARD_AMBER, CARD_GREEN, CARD_GREY, CARD_RED
from .cards import verdict

#: status -> (symbol, words, accent colour). Colour never stands alone: symbol and words say the same.
STATUSES = {
    "not-attempted": ("○", "Not attempted yet", CARD_GREY),
    "passed": ("✓", "Passed", CARD_GREEN),
    "mistake": ("≠", "A known mistake", CARD_AMBER),
    "wrong": ("✗", "Not right yet", CARD_RED),
    "error": ("⚠", "The answer could not be checked", CARD_RED),
    "hint": ("?", "Hint", CARD_GREY),  # of hint(), never of check()
}


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
        heading = f"{words}: {self.heading}" if self.status == "mistake" else self.heading
        return verdict(accent, symbol, heading, self.id, self.message, self.details, self.hint, self.notes)


def printable(text: str) -> str:
    """``text`` with a question mark for each character that standard output cannot encode: printing never fails.

    Example:
        >>> printable("λ = 0.01")
        'λ = 0.01'
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
