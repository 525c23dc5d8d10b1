"""The kind of exercise in which a plain function is written or mended: cases go in, one value each comes out."""

from __future__ import annotations

import functools
import inspect
import numbers
import textwrap
from dataclasses import dataclass, replace

import numpy as np

from .engine import (
    BadAnswer,
    Implement,
    Mistake,
    NumpyArrays,
    Observation,
    Reading,
    accepts,
    as_given,
    as_plain_array,
    ask,
    caller,
    deviation,
    first_difference,
    two_numbers,
    units,
)
from .sandbox import isolated, run


@dataclass(frozen=True)
class Case:
    """Arguments for one call; ``words`` tell the learner which case it was."""

    arguments: dict
    words: str = ""

    def __str__(self):
        return self.words or ", ".join(f"{name} = {shown(value)}" for name, value in self.arguments.items())


def shown(value) -> str:
    """An argument in a few characters: an array as its numbers if they are few, else as its shape.

    Example:
        >>> shown(0.1), shown(np.array([1.0, 0.25])), shown(np.zeros((6, 3)))
        ('0.1', '[1, 0.25]', 'an array of shape (6, 3)')
    """
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.ndim == 1 and value.size <= 6:
        return f"[{', '.join(f'{number:.4g}' for number in value.tolist())}]"
    return f"an array of shape {value.shape}"


class FunctionExercise(Implement):
    """Write a function that returns a number or an array.

    Args:
        id, chapter, title, hints: See ``Exercise``.
        reference: The right function. Its name, signature and docstring make the stub; a ``return`` in it stays here.
        cases: A list of :class:`Case`. They are asked in mixed order, so that a counter inside does not help.
        relative, absolute: How far a right answer may be from the reference.
        decades: How far, in powers of ten, where only the order of magnitude counts.
        optional: Arguments that an answer may lack; cases that set them are then left out.
    """

    def __init__(self, id, *, reference, cases, relative=1e-5, absolute=1e-9, decades=None, **common):
        parameters = inspect.signature(reference).parameters
        super().__init__(id, names=parameters, **common)
        self.defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        self.reference, self.cases = reference, cases
        self.order = np.random.default_rng(7).permutation(len(cases))
        self.relative, self.absolute, self.decades = relative, absolute, decades

    @functools.cached_property  # not at the start: of a hundred exercises one is checked
    def _shapes(self) -> list[tuple]:
        return [np.shape(self._ask_reference(case)) for case in self.cases]

    def _ask_reference(self, case):
        return self.reference(**{name: as_given(value, NumpyArrays) for name, value in case.arguments.items()})

    def observe(self, function, backend=NumpyArrays):
        call = caller(function, self.names, options=self.optional, optional=self.optional)
        readings = [None] * len(self.cases)
        for index in self.order:
            case = self.cases[index]
            if all(accepts(function, name) for name in case.arguments if name in self.optional):
                readings[index] = self._read(call, case, self._shapes[index], backend)
        return Observation(readings)

    def _read(self, call, case, shape, backend):
        arguments = {**self.defaults, **{n: as_given(value, backend) for n, value in case.arguments.items()}}
        value = ask(listing(call) if shape else call, arguments, shape, f"{case}{backend.words}")
        if self.decades is None:
            return Reading(str(case), value, allowed=self.relative * np.abs(value) + self.absolute)
        return Reading(str(case), _place(value), allowed=self.decades)

    def difference(self, readings):
        got, want = first_difference(readings, self.expected)
        details = [("first difference", want.where)]
        index = ()
        if want.value.ndim:
            index = tuple(np.argwhere(units(got.value, want.value, want.allowed) > 1)[0])
            details.append(("element", f"[{', '.join(map(str, index))}]"))
        values = [float(reading.value[index]) for reading in (got, want)]
        value, right = two_numbers(*(values if self.decades is None else map(_value_at, values)))
        return self.feedback(
            "wrong",
            "The function differs from the right one.",
            details=(*details, ("got", value), ("expected", right)),
        )

    def with_cause_of_nan(self, feedback, readings, answer, backend):
        # The logarithm of a number that should not be negative is NaN too.
        return feedback if self.decades is not None else super().with_cause_of_nan(feedback, readings, answer, backend)

    def diagnose(self, answer, backend):
        """A function that answers the same question in two ways remembers its calls."""

        def twice():
            with isolated(answer) as twin:
                return self.observe(twin, backend), self.observe(twin, backend)

        outcome = run(twice, self.time_limit)
        if outcome.error is None and deviation(*outcome.value) > 1:
            return self.named(_USED_UP if "t" in self.names else _REMEMBERS)
        return None

    # -- the notebook's cell

    @property
    def stub(self) -> str:
        if self.printed is not None:
            return textwrap.dedent(inspect.getsource(self.printed)).split("\n", 1)[1].rstrip()
        return f"{header(self.reference)}\n    raise NotImplementedError"

    printed = None

    def as_printed(self, function):
        """Decorator: the broken function that the learner is to mend. Unchanged, it counts as not attempted."""
        self.kind, self.printed, self.unchanged = "find the bug", function, "as-printed"
        self.add(
            Mistake("as-printed", "Still as printed", "The function still computes what was printed.", "", [function])
        )
        return function


def listing(call):
    """The same call for which a list of numbers or arrays, or a tuple of numbers, is as good as the array of them."""

    def as_array_from_list(arguments):
        result = call(arguments)
        if isinstance(result, tuple) and all(isinstance(item, numbers.Number) for item in result):
            result = list(result)
        if not isinstance(result, list) or not result:
            return result
        try:
            return np.array(list(map(as_plain_array, result)))
        except ValueError:
            raise BadAnswer("The function returns a list whose parts have different shapes.") from None

    return as_array_from_list


LEFT_OF_ALL = -1000


def _place(value):
    """The place on a logarithmic scale. What is not positive has none; it gets one to the left of all others."""
    with np.errstate(all="ignore"):
        return np.where(value > 0, np.log10(value), LEFT_OF_ALL + value)


def _value_at(place: float) -> float:
    return place - LEFT_OF_ALL if place < LEFT_OF_ALL / 2 else 10**place


def header(function) -> str:
    """The source of ``function`` up to the end of its docstring, without decorators."""
    source = textwrap.dedent(inspect.getsource(function))
    source = source[source.index("def ") :]
    end = source.index('"""', source.index('"""') + 3) + 3
    return source[:end]


_REMEMBERS = Mistake(
    "remembers-its-calls",
    "Asking twice gives two answers",
    "The function counts its own calls or changes something outside: whoever asks it once more, if only to print the "
    "value, changes what is computed next.",
    "Compute the value from the arguments alone.",
)

_USED_UP = replace(
    _REMEMBERS,
    explanation="The function counts its own calls or changes something outside. Whoever asks it once more, to print "
    "or plot the values, changes what training gets next: the plot uses up the schedule.",
)


def exercise(id, *, chapter, title, hints, cases, **options):
    """Decorator: enter the decorated function as the right answer of a new exercise, and return the exercise."""

    def enter(reference):
        return FunctionExercise(
            id, reference=reference, cases=cases, chapter=chapter, title=title, hints=hints, **options
        )

    return enter
