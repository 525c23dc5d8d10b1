"""Exercises that name the mistake.

``check(id, answer)`` tells right from wrong, and recognises the mistakes that people make; ``hint(id)`` helps a
little more with each call; ``progress()`` shows what is done and ``reset(id)`` forgets it. ``stub(id)`` is the text
of the notebook cell in which an exercise is answered.
"""

from __future__ import annotations

import difflib
import sys
from dataclasses import replace

if sys.flags.optimize > 1:
    raise ImportError("exercises keep their explanations in docstrings: start Python without -OO (PYTHONOPTIMIZE=2)")

from ..edge import paddle
from . import record as _record
from .catalogue import EXERCISES
from .engine import CHAPTERS
from .feedback import Feedback
from .quiz import Quiz, QuizExercise
from .sandbox import answers_run_here
from .surroundings import apart

__all__ = ["CHAPTERS", "EXERCISES", "Feedback", "check", "hint", "progress", "quiz", "reset", "stub"]

_NOTHING = object()
_TRAINS = (
    "This exercise trains a network, and that needs Paddle, which is not installed here: `pip install paddlepaddle`, "
    "or open the chapter in Colab. Exercises that train nothing can be checked without it."
)
#: Exercise → how many of its hints were given.
hints_given: dict[str, int] = {}


def check(id: str | None = None, answer=_NOTHING, *, enter: bool = True) -> Feedback:
    """Judge ``answer`` to the exercise ``id``. Never raises, never hangs, changes nothing that it is given.

    What the answer prints, draws or displays is held back and told in the card. Two things a check cannot do: end a
    single call that works in C and lets nobody in between, such as ``sum(itertools.count())``, which holds up the
    whole kernel; and end one that waits in C, such as ``time.sleep(1000)``, which goes on in the background.

    Args:
        id: The exercise, such as ``"sgd-step"``; ``progress()`` lists all.
        answer: The function you wrote (not its result), or the number or choice that is asked for.
        enter: Enter the result in your progress; the notebooks of solutions do not.

    Returns:
        A :class:`Feedback`: ``.status`` is ``not-attempted``, ``passed``, ``mistake`` (``.mistake`` names it),
        ``wrong`` or ``error``; ``.message`` explains.

    Example:
        >>> def sgd_step(x, g, s, lr):
        ...     return x + lr * g
        >>> check("sgd-step", sgd_step).mistake
        'uphill'
    """
    exercise, problem = _find(id, "check")
    if problem is not None:
        return problem
    if answer is _NOTHING:
        message = f"There is no answer: write `check({id!r}, …)` with your function or your number."
        return Feedback(id, "error", message)
    if answers_run_here():
        message = "`check` was called by the very answer that is checked: call it beside your function, not inside."
        return Feedback(id, "error", message)
    if exercise.trains and paddle is None:
        return Feedback(id, "error", _TRAINS, title="It needs Paddle")
    with apart() as held:
        try:
            feedback = exercise.examine(answer)
        except BaseException as error:  # an answer so odd that looking at it raises
            feedback = Feedback(id, "error", f"The answer cannot be looked at: {type(error).__name__}.")
    feedback = replace(feedback, notes=(*feedback.notes, *held.notes))
    return replace(feedback, notes=(*feedback.notes, *_record.enter(feedback))) if enter else feedback


def hint(id: str | None = None):
    """Return the next hint for an exercise, from a nudge to the formula; the last one is repeated.

    How far you are is remembered until the kernel restarts.

    Example:
        >>> _ = reset("sgd-step")  # its hints start afresh
        >>> hint("sgd-step")
        ? sgd-step: Hint 1 of 3
          The gradient points uphill; where should the parameter go?
    """
    exercise, problem = _find(id, "hint")
    if problem is not None:
        return problem
    given = min(hints_given.get(id, 0) + 1, len(exercise.hints))
    hints_given[id] = given
    return Feedback(id, "hint", exercise.hints[given - 1], title=f"Hint {given} of {len(exercise.hints)}")


def progress():
    """Return how much is done, what comes next, and the table of all exercises by chapter: passed, tried or open.

    It is kept in ``.course_progress.json`` in the notebook's folder, or in the file that the environment variable
    ``COURSE_PROGRESS_FILE`` names. The notebooks of solutions enter nothing.
    """
    return _record.table()


def reset(id: str | None = None):
    """Forget that an exercise was tried or passed and start its hints afresh; without ``id``, all of them.

    Returns:
        The table of ``progress()`` afterwards.
    """
    if id is not None:
        _, problem = _find(id, "reset")
        if problem is not None:
            return problem
    for key in [id] if id is not None else list(hints_given):
        hints_given.pop(key, None)
    notes = _record.forget(id)
    table = _record.table()
    return replace(table, notes=tuple(dict.fromkeys([*notes, *table.notes])))


def quiz(id: str | None = None):
    """Return a quiz to be shown in the notebook: each choice opens its explanation.

    Example:
        >>> quiz("lr-sign-quiz")
        A program computes x = x + lr * g with lr = -0.1. What does it do?
          a) It climbs, because the learning rate is negative.
          b) It descends like x = x - 0.1 * g.
          c) It descends first and climbs later.
          d) Nothing: a learning rate must be positive.
        Answer with check("lr-sign-quiz", "a"), or another letter.
    """
    exercise, problem = _find(id, "quiz")
    if problem is not None:
        return problem
    if not isinstance(exercise, QuizExercise):
        return Feedback(id, "error", f"`{id}` is no quiz; `stub({id!r})` shows its cell.")
    return Quiz(exercise)


def stub(id: str | None = None) -> str | Feedback:
    """Return the text of the notebook cell in which the exercise is answered; without ``id`` a card that asks for it.

    Raises:
        KeyError: There is no such exercise.
    """
    exercise, problem = _find(id, "stub")
    if id is None:
        return problem
    if problem is not None:
        raise KeyError(problem.message)
    return exercise.stub


def _find(id, function: str):
    """Return (exercise, None), or (None, feedback that names ids like the one given)."""
    if not isinstance(id, str):
        message = (
            f'The id comes first and is text: `{function}("sgd-step"{", sgd_step" if function == "check" else ""})`.'
        )
        return None, Feedback("?", "error", message, title="Which exercise?")
    if id not in EXERCISES:
        return None, Feedback(
            id[:60], "error", f"There is no exercise `{id[:60]}`; {_near(id)}", title="Unknown exercise"
        )
    return EXERCISES[id], None


def _near(id) -> str:
    near = difflib.get_close_matches(str(id).lower().replace("_", "-"), EXERCISES, n=3, cutoff=0.4)
    listed = " or ".join(f"`{name}`" for name in near)
    return f"did you mean {listed}?" if near else "`progress()` lists all of them."
