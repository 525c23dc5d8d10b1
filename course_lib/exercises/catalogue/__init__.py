"""What is asked, chapter by chapter, and what goes wrong in the answers.

A file's name says its chapter: ``chNN_formulas`` holds what the chapter is about, to be written by the learner (a step,
a schedule, a draw of weights), ``chNN_questions`` what is asked about it (a number, a small function, a bug, a
measurement, a choice). Where these would grow too long a third file says by its name what is in it. Files without a
number hold what several chapters share.

They are found by themselves, and read in the order of their names: in that order ``progress()`` lists the exercises.
"""

from importlib import import_module
from pkgutil import iter_modules

from ..engine import EXERCISES

__all__ = ["EXERCISES"]

for _name in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_name}")
