"""The ledger of claims as chapters write it: what the sources say, what was measured, and the verdict.

A chapter measures, states its conditions in code, and records the outcome; the verdict follows from them::

    claims.record(
        "LR-1",
        measured=f"steps to a loss of 0.1: {slow} at lr 0.01, {fast} at lr 0.1",
        verdict=claims.judge({"the smaller learning rate needs more than twice the steps": ratio.above(2)}),
    )

This shows a card on the page and writes the entry to ``chapters/results/claims.json``
(``claims-mnist.json`` under ``COURSE_DATA=mnist``; ``COURSE_RESULTS_DIR`` names another folder). Which conditions held
is kept beside it, in ``conditions.json``. The two agree, also after a process was killed between them. Tables of what
was recorded are made by ``course_lib.claims_page``.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from course_lib.errors import choice
from course_lib.files import (
    LAB,
    PROJECT,
    as_json,
    file_at,
    notebook_folder,
    one_writer_at_a_time,
    path_named_by,
    read_json,
    set_aside,
    write_atomically,
)
from course_lib.looks import BLUE_GREY, GREEN, GREY, OCHRE, RED
from course_lib.markup import card, escape, folded, marked, tag
from course_lib.sources import CLAIMS, SOURCES, Claim

# verdict: (symbol, colour). The symbol and the word say the same as the colour.
VERDICTS = {
    "confirmed": ("✓", GREEN),
    "partly": ("◐", OCHRE),
    "refuted": ("✗", RED),
    "undecided": ("?", BLUE_GREY),
    "not measurable here": ("–", GREY),
}

# A condition that holds, that does not, that the measurement leaves open.
MARKS = {True: "✓", False: "✗", None: "?"}

UNFOLDED = 3  # so many conditions of a card are seen at once; a single one more is, too: to fold it would save nothing


class Verdict(str):
    """A verdict's word, with the conditions it was computed from or the reason why nothing could be measured.

    Attributes:
        conditions: ``{text: held?}``, None where the measurement does not decide; empty if nothing was measured.
        reason: Why not, empty if it was.
    """

    conditions: dict
    reason: str

    def __new__(cls, word: str, conditions: Mapping = (), reason: str = ""):
        verdict = super().__new__(cls, choice("verdict", word, VERDICTS))
        verdict.conditions, verdict.reason = dict(conditions), reason
        return verdict

    @property
    def summary(self) -> str:
        """The word, how many conditions hold and, of several, what became of the core: the first one.

        Example:
            >>> judge({"faster": True, "ten times as fast": False}).summary
            'partly (mostly: 1 of 2 conditions holds, the core among them)'
        """
        if not self.conditions:
            return str(self)
        held = list(self.conditions.values())
        count = f"{self.extent} condition{'s' * (len(held) > 1)} {'holds' if held.count(True) == 1 else 'hold'}"
        if self == "partly":
            count += ", the core among them" if held[0] else ", not the core"
        elif self == "undecided" and len(held) > 1:
            count += ", the core is open"
        return f"{self} ({count})"

    @property
    def extent(self) -> str:
        """How many conditions hold, of how many; nothing if there are none.

        Example:
            >>> judge({"faster": True, "ten times as fast": False}).extent
            'mostly: 1 of 2'
        """
        held = list(self.conditions.values())
        degree = ("mostly: " if held[0] else "hardly: ") if self == "partly" and held else ""
        return f"{degree}{held.count(True)} of {len(held)}" if held else ""


def judge(conditions: Mapping[str, bool | None]) -> Verdict:
    """Compute a verdict from conditions, of which the first is the core of the claim.

    =========  ====================================  ======================================
    the core   the others                            verdict
    =========  ====================================  ======================================
    holds      all hold                              confirmed
    holds      some do not, or are undecided         partly (mostly)
    does not   at least one holds                    partly (hardly)
    does not   none holds                            refuted
    undecided  whatever they are                     undecided
    =========  ====================================  ======================================

    Word each condition as the claim would have it, threshold included, and write it as code over measured values.
    Where chance plays a part, an interval of ``course_lib.intervals`` says whether it holds. The card lists them all.

    Args:
        conditions: ``{what the claim predicts: whether the measurement shows it, None if it does not decide}``.

    Raises:
        TypeError: ``conditions`` is no dict, or a value is no boolean (a number is no condition: compare it).
        ValueError: There is no condition, or one has no wording.

    Example:
        >>> judge({"more steps at lr 0.01": 90 > 12, "ten times as many": 90 > 120})
        'partly'
        >>> judge({"more steps at lr 0.01": None, "ten times as many": 90 > 120})
        'undecided'
    """
    if not isinstance(conditions, Mapping):
        raise TypeError(f"conditions must be a dict {{text of the condition: True, False or None}}, got {conditions!r}")
    if not conditions:
        raise ValueError("conditions must hold at least one entry, got none")
    for text, holds in conditions.items():
        _require_text("the text of a condition", text)
        if holds is not None and not isinstance(holds, (bool, np.bool_)):
            raise TypeError(f"condition {text!r} must be True, False or None, got {holds!r} ({type(holds).__name__})")
    conditions = {text: None if holds is None else bool(holds) for text, holds in conditions.items()}
    core, *others = conditions.values()
    if core is None:
        word = "undecided"
    elif core:
        word = "confirmed" if all(others) else "partly"
    else:
        word = "partly" if any(others) else "refuted"
    return Verdict(word, conditions)


def not_measurable(reason: str) -> Verdict:
    """The verdict for a claim that this course cannot test, with the reason.

    Example:
        >>> not_measurable("needs a data set of several gigabytes")
        'not measurable here'
    """
    return Verdict("not measurable here", reason=_require_text("reason", reason))


class Card:
    """A recorded claim, shown as a card in a notebook and as the same text elsewhere."""

    def __init__(self, claim: Claim, measured: str, verdict: Verdict):
        self.claim, self.measured, self.verdict = claim, measured, verdict

    @property
    def entry(self) -> dict:
        """What the ledger keeps."""
        claim = self.claim
        return {
            "id": claim.id,
            "source": claim.source,
            "claim": claim.text,
            "verdict": str(self.verdict),
            "measured": self.measured,
            "chapter": claim.chapter,
        }

    def __repr__(self) -> str:
        symbol, _ = VERDICTS[self.verdict]
        lines = [f"{symbol} {self.claim.id}: {self.verdict.summary}", f"Claim: {self.claim.text}"]
        lines += [f"Measured: {self.measured}", *(f"  {mark} {text}" for mark, text in self._conditions())]
        return "\n".join([*lines, *self._reason(), f"Source: {_articles(self.claim)}"])

    def _repr_html_(self) -> str:
        """Colours come from the page, except for the verdict's own, which reads on light and on dark."""
        symbol, color = VERDICTS[self.verdict]
        claim, (word, bracket, count) = self.claim, self.verdict.summary.partition(" (")
        lines = (
            tag("div", marked(symbol, color, f"{claim.id}: {word}") + bracket + count),
            tag("div", f"Claim: {tag('em', escape(claim.text))}"),
            tag("div", f"Measured: {escape(self.measured)}"),
            _listed(self._conditions()),
            *(tag("div", escape(line)) for line in self._reason()),
            tag("div", f"Source: {escape(_articles(claim))}", style="font-size:.85em"),
        )
        id = f"claim-{claim.id.lower()}"
        return card(color, "".join(lines), class_="claim", id=id, data_verdict=self.verdict)

    def _conditions(self) -> list[tuple[str, str]]:
        """Mark and text of each; the text says which is the core, and which the measurement leaves open."""
        conditions = self.verdict.conditions
        shown = []
        for place, (text, holds) in enumerate(conditions.items()):
            notes = ["the core"] * (place == 0 and len(conditions) > 1) + ["not decided"] * (holds is None)
            shown.append((MARKS[holds], f"{text} ({', '.join(notes)})" if notes else text))
        return shown

    def _reason(self) -> list[str]:
        return [f"Reason: {self.verdict.reason}"] if self.verdict.reason else []


def _listed(conditions: list[tuple[str, str]]) -> str:
    """A list of conditions. Of a long one the end is folded, its marks in sight."""
    if len(conditions) > UNFOLDED + 1:
        seen, rest = conditions[:UNFOLDED], conditions[UNFOLDED:]
        marks = " ".join(mark for mark, _ in rest)
        return _listed(seen) + folded(f"{len(rest)} more conditions: {marks}", _listed(rest))
    items = "".join(tag("li", f"{mark} {escape(text)}") for mark, text in conditions)
    return tag("ul", items, style="list-style:none;margin:.2em 0;padding-left:1em") if items else ""


def record(id: str, measured: str, verdict: str) -> Card:
    """Write what was measured for a claim into the ledger, and return the card to show.

    Recording the same again leaves the file as it is; processes that record at the same time do not lose each
    other's entries.

    Args:
        id: A key of ``CLAIMS``.
        measured: The measured numbers in one or two sentences, rounded so that another machine gets the same text.
        verdict: What ``judge`` or ``not_measurable`` returned.

    Raises:
        TypeError, ValueError: The id is unknown, ``measured`` is empty, ``verdict`` is none of ``VERDICTS``.
        OSError: The results folder cannot be written to.
    """
    claim = CLAIMS[choice("id", id, CLAIMS)]
    verdict = verdict if isinstance(verdict, Verdict) else Verdict(verdict)
    card = Card(claim, _require_text("measured", measured), verdict)
    path = ledger_path()
    _make(path.parent)
    with one_writer_at_a_time(path.parent):
        _finish(path)
        entries = {entry["id"]: entry for entry in _load(path, [], _entries)}
        conditions = _load(conditions_path(path), {}, _conditions)
        _write(path, {**entries, id: card.entry}, {**conditions, id: verdict.conditions})
    return card


def read(path=None) -> list[dict]:
    """The entries of a ledger file, by default the one in use; none if there is no such file yet.

    A file that is no ledger (damaged by hand or by a disk) is renamed, and a warning names both.

    Raises:
        OSError: The file cannot be read or renamed, or something other than a file is in its place.
    """
    path, unfinished = _finished(path)
    return unfinished["entries"] if unfinished else _load(path, [], _entries)


def overview(chapter: int) -> str:
    """The verdicts on the claims of a chapter, as far as they are recorded: a line for each.

    Example:
        >>> print(overview(chapter=1))  # doctest: +SKIP
        LR-1    confirmed   A smaller learning rate is not always better: reaching the same loss takes more steps.
        …
    """
    entries = [entry for entry in read() if CLAIMS[entry["id"]].chapter == chapter]
    width = max((len(entry["verdict"]) for entry in entries), default=0)
    return "\n".join(f"{entry['id']:<8}{entry['verdict']:<{width}}  {entry['claim']}" for entry in entries)


def read_conditions(path=None) -> dict[str, dict[str, bool | None]]:
    """What the verdicts of a ledger file were computed from: claim's id → ``{text of the condition: held?}``.

    It is kept in a file beside the ledger; one that is damaged is treated as ``read`` does.
    """
    path, unfinished = _finished(path)
    return unfinished["conditions"] if unfinished else _load(conditions_path(path), {}, _conditions)


def copy(ledger: Path, to: Path) -> None:
    """Copy a ledger file with the conditions behind it; ``to`` is the copy's own path."""
    _make(to.parent)
    with one_writer_at_a_time(to.parent):
        _write(to, {entry["id"]: entry for entry in read(ledger)}, read_conditions(ledger))


def conditions_path(ledger: Path) -> Path:
    """``conditions.json`` beside ``claims.json``, ``conditions-mnist.json`` beside ``claims-mnist.json``."""
    name = ledger.name.replace("claims", "conditions")
    return ledger.with_name(name if name != ledger.name else f"conditions-{name}")


# One file cannot take the place of two. So a third one holds both contents until both files are written; whoever finds
# it later, left by a process that was killed, writes them.


def _write(ledger: Path, entries: dict, conditions: dict) -> None:
    both = {"entries": list(_in_order(entries).values()), "conditions": _in_order(conditions)}
    if not (_holds(ledger, both["entries"]) and _holds(conditions_path(ledger), both["conditions"])):
        write_atomically(_unfinished(ledger), as_json(both))
        try:
            _store(ledger, both["entries"])
        except OSError:  # it is write-protected, say, and shall not be read as if it were not
            _unfinished(ledger).unlink()
            raise
        _finish(ledger)


def _finish(ledger: Path) -> None:
    if both := _load(_unfinished(ledger), None, _both):
        _store(ledger, both["entries"])
        _store(conditions_path(ledger), both["conditions"])
        _unfinished(ledger).unlink(missing_ok=True)  # without locks a reader may have been quicker


def _finished(path) -> tuple[Path, dict | None]:
    """The path of a ledger, by default the one in use, and what is left half done where nothing can be written."""
    path = ledger_path() if path is None else Path(path)
    if _unfinished(path).exists():
        with contextlib.suppress(OSError), one_writer_at_a_time(path.parent):  # perhaps its writer is still at work
            _finish(path)
    return path, _load(_unfinished(path), None, _both)


def _unfinished(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name}.unfinished")  # git ignores such names


def _store(path: Path, content) -> None:
    if not _holds(path, content):
        write_atomically(path, as_json(content))


def _holds(path: Path, content) -> bool:
    return path.exists() and file_at(path).read_bytes() == as_json(content).encode("utf-8")


def _load(path: Path, empty, checked):
    """The content of a JSON file as ``checked`` returns it, ``empty`` if there is no file."""
    try:
        return checked(read_json(path))
    except FileNotFoundError:
        return empty
    except ValueError as error:
        aside = set_aside(path)
        warnings.warn(f"{path.name} is damaged ({error}); it was renamed to {aside.name}", stacklevel=3)
        return empty


def _entries(content) -> list[dict]:
    kinds = {"id": str, "source": str, "claim": str, "verdict": str, "measured": str, "chapter": int}
    for entry in content if isinstance(content, list) else [None]:
        if not isinstance(entry, dict) or {key: type(value) for key, value in entry.items()} != kinds:
            raise ValueError("it is no list of entries")
    return content


def _conditions(content) -> dict[str, dict[str, bool | None]]:
    for conditions in content.values() if isinstance(content, dict) else [None]:
        if not isinstance(conditions, dict) or set(map(type, conditions.values())) - {bool, type(None)}:
            raise ValueError("it does not hold conditions by claim")
    return content


def _both(content) -> dict:
    if not isinstance(content, dict) or content.keys() != {"entries", "conditions"}:
        raise ValueError("it does not hold entries and conditions")
    return {"entries": _entries(content["entries"]), "conditions": _conditions(content["conditions"])}


def _in_order(by_id: dict) -> dict:
    """In the order of ``CLAIMS``; what is not in it comes last."""
    return {id: by_id[id] for id in [*CLAIMS, *by_id] if id in by_id}


def ledger_path() -> Path:
    """The file that ``record`` writes to."""
    name = "claims-mnist.json" if os.environ.get("COURSE_DATA", "").lower() == "mnist" else "claims.json"
    return results_folder() / name


def results_folder() -> Path:
    """``COURSE_RESULTS_DIR``, else ``chapters/results`` of the course; ``results`` in the lab or by a lone notebook."""
    chapters, folder = PROJECT / "chapters", notebook_folder()
    if chapters.is_dir() and folder != LAB:
        folder = chapters
    return path_named_by("COURSE_RESULTS_DIR", folder / "results")


def _make(folder: Path):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            error.errno, f"cannot make the results folder {folder}: {error.strerror}; set COURSE_RESULTS_DIR to another"
        ) from error


def _articles(claim: Claim) -> str:
    return "; ".join(f"{key}, {SOURCES[key]}" for key in claim.source.split())


def _require_text(name: str, value) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r} ({type(value).__name__})")
    if not value.strip():
        raise ValueError(f"{name} must not be empty, got {value!r}")
    return value.strip()
