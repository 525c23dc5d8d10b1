"""``check`` for the notebooks of solutions: the same judgement, which is not entered in the learner's progress.

Solutions may run beside their chapter, in one folder or with one ``COURSE_PROGRESS_FILE``. Running them must not mark
exercises as passed that the learner has not solved.
"""

from __future__ import annotations

from . import Feedback
from . import check as _check


def check(id: str, answer) -> Feedback:
    """Judge ``answer`` as ``course_lib.exercises.check`` does, and leave the learner's progress as it is.

    Example:
        >>> check("sgd-step", lambda x, g, s, lr: x - lr * g).status
        'passed'
    """
    return _check(id, answer, enter=False)
