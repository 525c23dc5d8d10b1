"""What ``translate`` answers: a card with the call, how far it does the same, and what to watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..looks import CARD_AMBER, CARD_GREEN, CARD_RED
from ..markup import card, escape, marked, tag

EQUAL, CHANGED, NEAREST, NONE = "equal", "after a change", "nearest", "none"

_SHOWN = {
    EQUAL: ("✓", CARD_GREEN, "Paddle's call does the same"),
    CHANGED: ("✓", CARD_GREEN, "Paddle does the same after a change in the program"),
    NEAREST: ("≈", CARD_AMBER, "Paddle has no equal; this comes nearest"),
    NONE: ("✗", CARD_RED, "Paddle has nothing like it"),
}


@dataclass(frozen=True)
class Translation:
    """A call of PyTorch in Paddle's words, shown as a card in a notebook and as text elsewhere.

    Attributes:
        call: Paddle's call, an expression to be copied; None where there is none.
        same: "equal"; "after a change", which the first note names; "nearest": it computes something else, and the
            notes say what; "none".
        notes: What is different, by how much, what to watch.
        source: The call of PyTorch.
        rate: Of a schedule that is a function of the step alone: the code of the step → the code of the learning rate,
            in units of the optimizer's; else None.
    """

    call: str | None
    same: str
    notes: tuple[str, ...] = ()
    source: str = ""
    rate: Callable[[str], str] | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        symbol, _, words = _SHOWN[self.same]
        lines = [self.source, f"{symbol} {words}:" if self.call else f"{symbol} {words}."]
        lines += [f"  {self.call}"] if self.call else []
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        symbol, color, words = _SHOWN[self.same]
        code = tag("pre", tag("code", escape(self.call)), style="white-space:pre-wrap") if self.call else ""
        notes = "".join(tag("li", escape(note)) for note in self.notes)
        lines = (
            tag("div", tag("code", escape(self.source))),
            tag("div", marked(symbol, color, escape(words))),
            code + (tag("ul", notes, style="margin:.3em 0") if notes else ""),
        )
        return card(color, "".join(lines), class_="translation", data_same=self.same)
