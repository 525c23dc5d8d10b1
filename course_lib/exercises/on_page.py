"""An exercise answered on a page of the book: what a reader wrote runs as cells of a notebook do, in the browser.

The page's worker (``chapters/_assets/answers/worker.js``) imports this module into its Python, which has NumPy and this
library alone. What it is asked and what it answers are JSON, so that nothing of either side outlives a call.
"""

from __future__ import annotations

import ast
import contextlib
import json
import linecache
import os
from dataclasses import dataclass, field

from .. import exercises
from ..markup import escape
from . import EXERCISES, catalogue, diagnosis, record, sandbox
from .feedback import Feedback
from .sandbox import Outcome, TimeLimit
from .surroundings import Printed

#: What speaks of other exercises than the one that is answered.
OF_ALL = {"check", "hint", "progress", "quiz", "reset"}
#: What a reader's text may name without importing it, beside what the chapter imports.
OFFERED = {
    "np": "import numpy as np",
    "optimizer": "from course_lib import optimizer",
    "surfaces": "from course_lib import surfaces",
    "lr": "from course_lib.optimizer import lr",
    **{name: f"from course_lib.exercises import {name}" for name in sorted(OF_ALL)},
}

LONGEST_CELL = 20.0
"""Seconds for a reader's own cell, of which most take a hundredth of one."""

ENDED = (
    "Your code ended Python itself, as `os._exit` does, or used up its memory. A new Python starts by itself; your "
    "text is as you left it."
)
NOT_HERE = (
    "This page runs Python with NumPy and the course's library alone. For more, open the chapter in Colab or with "
    "`make lab`."
)


@dataclass(frozen=True)
class Request:
    """What a page asks.

    Args:
        id: The exercise.
        answer: The reader's text.
        call: The cell that checks it, as in ``check("sgd-step", sgd_step)``.
        before: Cells of the chapter that the exercise needs.
        imports: Name → the statement with which the chapter imports it.
    """

    id: str
    answer: str
    call: str
    before: list[str] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)


def begin(alarm) -> None:
    """Make ready: ``alarm(seconds)`` is what interrupts an answer (see ``sandbox.alarm``)."""
    sandbox.alarm = alarm
    os.environ["COURSE_PROGRESS_FILE"] = os.path.abspath("course_progress.json")


def prepare(id: str) -> None:
    """Compute once what every check of an exercise compares with."""
    for name in ("expected", "entries"):
        getattr(EXERCISES[id], name, None)
    for entry in getattr(EXERCISES[id], "entries", ()):
        _ = entry.glimpse


def last_words(id: str) -> str:
    """The cards to be shown where Python can say nothing more: time was up and it could not be stopped, or it ended."""
    exercise = EXERCISES[id]
    stopped = exercise.stopped(Outcome(error=TimeLimit()), None)
    ended = Feedback(id, "error", ENDED, title="Python came to its end")
    return json.dumps({"stopped": stopped._repr_html_(), "ended": ended._repr_html_()})


def judge(request: str, progress: str, hints: str) -> str:
    """Run an answer and its check as a notebook does.

    Args:
        request: The fields of a :class:`Request`.
        progress: The content of the reader's progress file, "" if there is none.
        hints: How many hints of each exercise were given.

    Returns:
        ``html``: the card; ``status``: of the feedback; ``output``: what the reader's own cell printed and showed, as
        HTML; ``progress`` and ``hints`` as they are now.
    """
    asked = Request(**json.loads(request))
    return _kept(progress, hints, lambda: _judged(asked))


def give_hint(id: str, progress: str, hints: str) -> str:
    """The next hint, as ``judge`` returns a card."""
    return _kept(progress, hints, lambda: (exercises.hint(id), ""))


def _kept(progress: str, hints: str, action) -> str:
    """Lay out what the page keeps, act, and hand it back with what came of it."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(record.place())
    if progress:
        record.place().write_text(progress, encoding="utf-8")
    exercises.hints_given.clear()
    exercises.hints_given.update(json.loads(hints))
    feedback, output = action()
    now = record.place().read_text(encoding="utf-8") if record.place().exists() else ""
    kept = {"progress": now, "hints": dict(exercises.hints_given)}
    return json.dumps({"html": feedback._repr_html_(), "status": feedback.status, "output": output, **kept})


# ------------------------------------------------------------------------------------------------ cells


def _judged(asked: Request) -> tuple[Feedback, str]:
    """The feedback, and what the reader's own cell showed."""
    exercise, space, printed = EXERCISES[asked.id], {"__name__": "__main__"}, Printed()
    try:
        before = [Cell(text, f"<cell {n} before>") for n, text in enumerate(asked.before, 1)]
        answer, call = Cell(asked.answer, ANSWER), Cell(asked.call, "<check>")
    except SyntaxError as error:
        return _about_the_cell(exercise, error), ""
    if OF_ALL & answer.names() or "exercises" in asked.answer:
        catalogue.complete()
    for cell in (*before, answer, call):
        if missing := _bring(cell.names(), {**OFFERED, **asked.imports}, space):
            return Feedback(asked.id, "error", NOT_HERE, title=f"`{missing}` is not on this page"), ""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        for cell in before:
            cell.run(space)
        seconds = min(exercise.time_limit, LONGEST_CELL)
        outcome = sandbox.run_under_alarm(lambda: answer.run(space), seconds, through=_readers_cell)
        output = _shown(printed.getvalue(), outcome.value)
    if outcome.error is not None:
        return _about_the_cell(exercise, outcome.error, outcome.reached, seconds), output
    space["check"] = exercises.check
    try:
        return call.run(space), output
    except NameError as error:
        message = f"Your text gives no value to `{error.name}`, which the check needs: keep that name."
        return Feedback(asked.id, "error", message, title="There is nothing to check"), output


class Cell:
    """A text to be run. Its value is that of the last line, if that is an expression.

    Raises:
        SyntaxError: It is no Python.
    """

    def __init__(self, text: str, file: str):
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)  # None: no file on disk
        tree = ast.parse(text, file)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else ast.Expr(ast.Constant(None))
        self.statements = compile(tree, file, "exec")
        self.value = compile(ast.fix_missing_locations(ast.Expression(last.value)), file, "eval")

    def names(self) -> set[str]:
        """What the cell reads beside arguments and variables of its functions."""
        return sandbox.named_in(self.statements, *GLOBALS) | sandbox.named_in(self.value, *GLOBALS)

    def run(self, space: dict):
        exec(self.statements, space)
        return eval(self.value, space)


GLOBALS = "LOAD_GLOBAL", "LOAD_NAME"
ANSWER = "<your answer>"


def _readers_cell(action):
    """A frame by which is seen that the reader's cell is running."""
    return action()


def _bring(names: set[str], statements: dict[str, str], space: dict) -> str | None:
    """Import those of ``names`` that are not there yet; return the first that cannot be imported here."""
    for name in sorted(names & statements.keys() - space.keys()):
        try:
            exec(statements[name], space)
        except ImportError:
            return name
    return None


def _shown(printed: str, value) -> str:
    """What a notebook shows below a cell, as HTML."""
    shown = f"<pre>{escape(printed)}</pre>" if printed else ""
    if value is None:
        return shown
    as_html = getattr(value, "_repr_html_", None)
    return shown + (as_html() if as_html else f"<pre>{escape(repr(value))}</pre>")


def _about_the_cell(exercise, error: BaseException, reached=(), seconds=0.0) -> Feedback:
    """The card for a cell that did not run to its end, where a notebook would show a traceback."""
    if isinstance(error, TimeLimit):
        message = f"It was stopped after {seconds:g} seconds: a loop that never ends, or far too much work?"
        return exercise.feedback("error", message, title="It runs for too long", details=_line(reached))
    if isinstance(error, SyntaxError):
        places, exception = [(error.filename, error.lineno)], f"{type(error).__name__}: {error.msg}"
    else:
        places, exception = diagnosis.places_of(error), diagnosis.describe(error)
    meaning = diagnosis.explain(error) or "The message says what Python could not do."
    if isinstance(error, ImportError):
        meaning = f"{meaning} {NOT_HERE}"
    details = (("exception", exception), *_line(places))
    return exercise.feedback("error", meaning, title="Your code raised an exception", details=details)


def _line(places) -> tuple[tuple[str, str], ...]:
    """The row of a card that shows the innermost line of the reader's cell among ``places``, if there is one."""
    numbers = [number for file, number in places if file == ANSWER and number]
    return ((f"your line {numbers[-1]}", linecache.getline(ANSWER, numbers[-1]).strip()),) if numbers else ()
