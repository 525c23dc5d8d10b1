"""What is asked, chapter by chapter, and what goes wrong in the answers.

A file's name says its chapter: ``chNN_formulas`` holds what the chapter is about, to be written by the learner (a step,
a schedule, a draw of weights), ``chNN_questions`` what is asked about it (a number, a small function, a bug, a
measurement, a choice). Where these would grow too long a third file says by its name what is in it. Files without a
number hold what several chapters share.

They are found by themselves, and read in the order of their names: in that order ``progress()`` lists the exercises.
On a page of the book a start shall be short: ``COURSE_CHAPTERS`` names the chapters that are enough there.
"""

import os
from importlib import import_module
from pkgutil import iter_modules

from ..engine import EXERCISES

__all__ = ["EXERCISES", "complete"]


def complete(chapters: str = "") -> None:
    """Enter what is not entered yet, of all chapters or of those whose numbers are listed, as in ``"1 12"``."""
    wanted = tuple(f"ch{int(number):02}_" for number in chapters.split()) or ""
    for name in sorted(module.name for module in iter_modules(__path__)):
        if name.startswith(wanted):
            import_module(f"{__name__}.{name}")


complete(os.environ.get("COURSE_CHAPTERS", ""))
