"""What a learner has done, kept in one small JSON file.

Its place is ``COURSE_PROGRESS_FILE`` or, if that is not set, ``.course_progress.json`` in the folder of the
notebook; in what ``make lab`` makes it is one for all. Only answers that were tried are entered: a stub leaves no
trace, nor does a notebook of solutions.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..files import (
    as_json,
    notebook_folder,
    one_writer_at_a_time,
    path_named_by,
    read_json,
    set_aside,
    write_atomically,
)
from . import cards
from .engine import CHAPTERS, EXERCISES, Exercise
from .feedback import Feedback, printable

#: state -> (symbol, words). "passed" stays even if a later try fails.
STATES = {"passed": ("✓", "passed"), "tried": ("◐", "tried"), "open": ("○", "open")}


#: Of the file's format. A file of a later one is shown as far as it is understood, and never written.
VERSION = 1


def place() -> Path:
    """Return where progress is kept."""
    return path_named_by("COURSE_PROGRESS_FILE", notebook_folder() / ".course_progress.json")


def enter(feedback: Feedback) -> tuple[str, ...]:
    """Enter the result of a check; return notes for the learner if that went wrong."""
    if feedback.id not in EXERCISES or feedback.status == "not-attempted":
        return ()

    def entered(done):
        keeps = feedback.passed or done.get(feedback.id) == "passed"
        return {**done, feedback.id: "passed" if keeps else "tried"}

    return _change(entered)


def forget(id: str | None) -> tuple[str, ...]:
    """Drop the entry of one exercise, or all entries."""
    return _change(lambda done: {} if id is None else {key: state for key, state in done.items() if key != id})


def _change(change) -> tuple[str, ...]:
    """Replace the entries by ``change(entries)``, while no other notebook does the same; return notes on failures."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a folder that cannot be made or opened is reported when it is written to
            folder = Path(os.path.realpath(place())).parent
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(one_writer_at_a_time(folder))
        content, notes = _read()
        if content is None or _is_later(content):
            return notes
        changed = dict(sorted(change(content["exercises"]).items()))
        if changed == content["exercises"] and not notes:
            return ()
        return notes + _write({**_new(), **content, "exercises": changed})


def _read() -> tuple[dict | None, tuple[str, ...]]:
    """Return the file's content, None if it cannot be read. A damaged file is renamed, never deleted, and noted."""
    try:
        content = read_json(place())
    except FileNotFoundError:
        return _new(), ()
    except OSError as error:
        return None, (f"progress could not be read from {_shown(place())}: {error.strerror}.",)
    except ValueError:
        return _set_aside()
    if _is_later(content):
        return content, (
            f"{_shown(place())} was written by a later version of the course. It is left as it is and nothing is "
            "entered: update the course, or name another file in `COURSE_PROGRESS_FILE`.",
        )
    return (content, ()) if _is_right(content) else _set_aside()


def _new() -> dict:
    return {"version": VERSION, "exercises": {}}


def _is_later(content) -> bool:
    version = content.get("version") if isinstance(content, dict) else None
    return isinstance(version, (int, float)) and version > VERSION


def _is_right(content) -> bool:
    right = isinstance(content, dict) and content.get("version", VERSION) == VERSION
    return right and isinstance(content.get("exercises"), dict) and content["exercises"] == _entries(content)


def _entries(content: dict) -> dict[str, str]:
    """The entries that are understood: all of them, unless the file is damaged or of a later version."""
    entries = content.get("exercises")
    if not isinstance(entries, dict):
        return {}
    return {id: state for id, state in entries.items() if isinstance(state, str) and state in STATES}


def _set_aside() -> tuple[dict | None, tuple[str, ...]]:
    damaged = _shown(place())
    try:
        aside = set_aside(place())
    except OSError as error:
        return None, (f"{damaged} is damaged and could not be set aside: {error.strerror}.",)
    return _new(), (f"{damaged} was damaged; it was set aside as {aside.name} and a new one begun.",)


def _write(content: dict) -> tuple[str, ...]:
    try:
        write_atomically(place(), as_json(content))
    except OSError as error:
        cause = error.__cause__ or error  # the outer message names the folder, which may be anybody's
        return (f"progress could not be saved in {_shown(place())}: {cause.strerror}.",)
    return ()


def _shown(path: Path) -> str:
    return path.name or str(path)


@dataclass(frozen=True)
class Progress:
    """The table behind ``progress()``: one row per exercise, grouped by chapter."""

    states: dict
    notes: tuple[str, ...] = ()

    def of_chapter(self, chapter: int):
        """Return (exercise, state) for each exercise of a chapter."""
        own = [e for e in EXERCISES.values() if e.chapter == chapter]
        return [(e, self.states.get(e.id, "open")) for e in own]

    def _chapters(self):
        """Return heading, summary and rows (exercise, state) for each chapter that has exercises."""
        for number, title in CHAPTERS.items():
            rows = self.of_chapter(number)
            if rows:
                yield f"{number}. {title}", f"{sum(s == 'passed' for _, s in rows)} of {len(rows)} passed", rows

    @property
    def done(self) -> str:
        """How many exercises are passed, of how many."""
        return f"{sum(self.states.get(id) == 'passed' for id in EXERCISES)} of {len(EXERCISES)} done"

    @property
    def next(self) -> tuple[Exercise, str] | None:
        """The first exercise of the first chapter that is not passed, and where it is; None when all are passed."""
        for chapter in CHAPTERS:
            if left := [e.id for e, state in self.of_chapter(chapter) if state != "passed"]:
                places = places_in_notebook(chapter)
                id = next(filter(left.__contains__, [*places, *left]))
                return EXERCISES[id], places.get(id, "")
        return None

    def __repr__(self) -> str:
        lines = [self.done]
        if self.next:
            exercise, _ = self.next
            lines = [f"{self.done} · next: {exercise.id} (chapter {exercise.chapter})"]
        for heading, summary, rows in self._chapters():
            lines.append(f"{heading}: {summary}")
            lines += [f"   {STATES[state][0]} {e.id:<24} {e.kind:<13} {e.title}" for e, state in rows]
        return printable("\n".join([*lines, *(f"Note: {note}" for note in self.notes)]))

    def _repr_html_(self) -> str:
        chapters = (
            (heading, summary, [(*STATES[state], e.id, e.kind, e.title) for e, state in rows])
            for heading, summary, rows in self._chapters()
        )
        return cards.progress(self.done, self.next, chapters, self.notes)


def places_in_notebook(chapter: int) -> dict[str, str]:
    """Exercise → address of the cell that checks it, in the order of the chapter's notebook.

    Nothing, where the notebook is not in this folder: it may be Colab's. JupyterLab goes to the cell.
    """
    for path in sorted(Path().glob(f"{chapter:02}_*.ipynb")):
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # of a notebook that is being edited
            cells = [(cell.get("id", ""), "".join(cell["source"])) for cell in read_json(path)["cells"]]
            checks = [(re.search(r"^check\([\"']([\w-]+)", source, re.MULTILINE), cell) for cell, source in cells]
            return {check[1]: f"{path.name}#cell-id={cell}" for check, cell in checks if check}
    return {}


def table() -> Progress:
    content, notes = _read()
    return Progress(_entries(content or {}), notes)
