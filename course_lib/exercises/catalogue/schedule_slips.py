"""What the schedules of several chapters share: their cases, and the two mistakes of counting that each can have."""

from __future__ import annotations

import inspect
import math

from ..engine import Mistake, mistake_from
from ..functions import Case


def at_steps(steps, *settings):
    """Cases for each step and each setting."""
    return [Case({"t": t, **setting}) for setting in settings for t in steps]


def enter_shifted(schedule, but=()):
    """Enter the two mistakes of counting that every schedule can have, and arguments (``but`` these) without effect."""
    right = schedule.reference

    def one_step_early(t, *arguments, **keywords):
        """Every value comes one step early.

        t + 1 is used for t: the first value is skipped and every change comes a step too soon.
        """
        return right(t + 1, *arguments, **keywords)

    def one_step_late(t, *arguments, **keywords):
        """Every value comes one step late.

        t - 1 is used for t: the value is set after the step or epoch that it was meant for.
        """
        return right(max(t - 1, 0), *arguments, **keywords)

    schedule.add(mistake_from(one_step_early, "Use t as it is: it counts from 0."))
    late = schedule.add(mistake_from(one_step_late, "Set the value for step t before step t, not after it."))
    late.also(lambda t, *arguments, **keywords: right(abs(t - 1), *arguments, **keywords))  # a cosine of -1 is one of 1
    for name in sorted(schedule.defaults.keys() - set(but)):
        schedule.add(_ignoring(right, name, schedule.defaults[name]))
    return schedule


def _ignoring(right, name, value) -> Mistake:
    signature = inspect.signature(right)

    def ignoring(*arguments, **keywords):
        return right(**{**signature.bind(*arguments, **keywords).arguments, name: value})

    return Mistake(
        f"ignores-{name.replace('_', '-')}",
        f"`{name}` has no effect",
        f"The schedule is the same for every `{name}`, as if it were always {value!r}.",
        f"Where does `{name}` belong in the formula?",
        [ignoring],
    )


def half_cosine(share):
    """From 1 at share 0 to 0 at share 1."""
    return (1 + math.cos(math.pi * share)) / 2


def annealed(lr, eta_min, share):
    """From lr at share 0 to eta_min at share 1, along half a cosine."""
    return eta_min + (lr - eta_min) * half_cosine(share)
