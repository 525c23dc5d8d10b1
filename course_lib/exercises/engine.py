"""How an answer is judged: run it on probes, compare with the right answer and with every known mistake.

An exercise is one object (see ``steps.py`` for steps, ``schedules.py`` for functions). Creating it enters it
into ``EXERCISES``; its mistakes are functions decorated with ``@exercise.mistake(hint)``.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import math
import numbers
import re
import textwrap
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from ..edge import is_tensor, paddle
from . import diagnosis, strict
from .feedback import Feedback
from .sandbox import TimeLimit, isolated, random_state_kept, run

#: chapter number -> title; the order of ``progress()``.
CHAPTERS = {
    1: "Learning rates",
    2: "Finding a learning rate",
    3: "Mini-batches",
    4: "Momentum",
    5: "A step of its own",
    6: "Adam",
    7: "AMSGrad",
    8: "SWATS and RAdam",
    9: "Schedules",
    10: "Range test, cycles, restarts",
    11: "Weight decay",
    12: "Super-convergence",
    13: "Initialization",
    14: "Batch size",
    15: "More memory",
}

#: id -> exercise, in the order in which they were entered.
EXERCISES: dict[str, Exercise] = {}


class Exercise:
    """What all kinds share. A kind defines ``examine(answer)`` and, where there is one, its stub.

    Args:
        id: As in ``check(id, answer)``.
        chapter: Number of the chapter it belongs to.
        title: A few words for the table of ``progress()``.
        hints: From a nudge to the formula; never code that solves it.
        time_limit: Seconds after which an answer is stopped.
    """

    kind = "exercise"
    trains = False
    """Whether judging an answer means training a network, which needs Paddle."""
    answer_trains = False
    """Whether finding an answer does."""

    def __init__(self, id: str, *, chapter: int, title: str, hints: tuple[str, ...], time_limit: float = 3.0):
        if id in EXERCISES:
            raise ValueError(f"id must be new, got {id!r}, which {EXERCISES[id].title!r} already has")
        self.id, self.chapter, self.title, self.hints, self.time_limit = id, chapter, title, hints, time_limit
        EXERCISES[id] = self

    @property
    def stub(self) -> str:
        """The text of the notebook cell in which the learner answers."""
        raise NotImplementedError

    def examine(self, answer) -> Feedback:
        raise NotImplementedError

    @property
    def needs_paddle(self) -> bool:
        return self.trains or self.answer_trains

    def feedback(self, status: str, message: str, **more) -> Feedback:
        return Feedback(self.id, status, message, **more)

    def stopped(self, outcome, answer) -> Feedback:
        """What is told when time was up."""
        message = f"It was stopped after {self.time_limit:g} seconds: a loop that never ends, or far too much work?"
        notes = ()
        if outcome.left_behind:
            message = (
                f"It is not done after {self.time_limit:g} seconds and could not be stopped: one very long call, or a "
                "loop that lets no interruption through?"
            )
            notes = ("it goes on in the background; if that is for ever, restart the kernel.",)
        lines = _line(outcome.reached, answer)
        return self.feedback("error", message, title="It runs for too long", details=lines, notes=notes)

    def not_attempted(self) -> Feedback:
        return self.feedback(
            "not-attempted", f"{self.title}: waiting for your answer. `hint({self.id!r})` gives a nudge."
        )


# --------------------------------------------------------------------------------------- mistakes


@dataclass
class Mistake:
    """A wrong answer that people really give.

    Args:
        id: Short, unique within the exercise.
        name: What is wrong, in a few words.
        explanation: What it does to training, in a sentence or two.
        hint: What helps.
        versions: The wrong functions: mostly one, several where one misconception has several forms.
        told: The texts of those versions of which the ones above would not be true.
    """

    id: str
    name: str
    explanation: str
    hint: str
    versions: list = field(default_factory=list)
    told: dict = field(default_factory=dict)

    def also(self, function=None, *, hint: str | None = None):
        """Decorator: another function that the same misconception leads to.

        With a docstring of its own (first line and rest, as in ``mistake_from``) it is told that, and ``hint``, in
        the place of the first version's.
        """
        if function is None:
            return functools.partial(self.also, hint=hint)
        self.versions.append(function)
        name, explanation = texts_of(function)
        if name or hint:
            self.told[function] = (name or self.name, explanation or self.explanation, hint or self.hint)
        return self

    def join(self, other: Mistake) -> None:
        """Take in the versions of another entry, with what is told of each."""
        self.versions += other.versions
        self.told |= {version: other.words_for(version) for version in other.versions}

    def through(self, change) -> Mistake:
        """The same mistake in another surrounding: ``change`` makes a new function of each version."""
        versions = {version: change(version) for version in self.versions}
        told = {versions[version]: texts for version, texts in self.told.items()}
        return replace(self, versions=list(versions.values()), told=told)

    def seen_as(self, version) -> Mistake:
        """This mistake in the words that are true of one of its versions."""
        name, explanation, hint = self.words_for(version)
        return replace(self, name=name, explanation=explanation, hint=hint)

    def words_for(self, version) -> tuple[str, str, str]:
        return self.told.get(version, (self.name, self.explanation, self.hint))


def mistake_from(function, hint: str) -> Mistake:
    """Read id, name and explanation off a function: its name, its docstring's first line and the rest."""
    return Mistake(function.__name__.replace("_", "-"), *texts_of(function), hint, [function])


ROUNDED = Mistake(
    "rounded",
    "The result is rounded",
    "It is right, but for the digits that were cut off. Small values lose most of theirs, or become 0: a learning rate "
    "near the end of a decay, say, or a small step.",
    "Compute with all digits, and round when you print.",
)


def texts_of(function) -> tuple[str, str]:
    """Name and explanation of a wrong function: its docstring's first line and the rest, in one line each."""
    name, _, explanation = (inspect.getdoc(function) or "").partition("\n")
    return name.rstrip("."), " ".join(explanation.split())


def _without_prefix(text: str, prefix: str) -> str:
    return text[len(prefix) :] if text.startswith(prefix) else text


# --------------------------------------------------------------------------------- calling an answer


class BadAnswer(Exception):
    """A result that is no number or array of the right kind; the message says what it is instead."""

    where = ""


class OnlyTheFirst(BadAnswer):
    """One value, or one row, where a value or row is needed for each of several."""


class BadSignature(Exception):
    """An answer that cannot be called with the arguments of its exercise."""


class Stopped(Exception):
    """The learner's code raised; ``error`` is the exception, ``where`` the probe."""

    def __init__(self, where: str, error: BaseException):
        super().__init__(where)
        self.where, self.error = where, error


def caller(function, names: tuple[str, ...], options=(), optional=()):
    """Return ``call(arguments)``, which hands a dict of arguments to ``function`` whatever it calls them.

    The first way that fits is taken: ``options`` by keyword and the others by position, all by keyword, all by
    position. Those of ``optional`` that the function does not know are left out.

    Example:
        >>> caller(lambda w, gradient, lr: w - lr * gradient, ("x", "g", "lr"))({"x": 3.0, "g": 6.0, "lr": 0.5})
        0.0
    """
    wanted = [name for name in names if name not in optional or accepts(function, name)]
    first, last = ([n for n in wanted if n not in options], [n for n in wanted if n in options])
    ways = [(first, last), ([], wanted), (wanted, [])]
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not tell
        fitting = ways[-1]
    else:
        fitting = next((way for way in ways if _fits(signature, *way)), None)
    if fitting is None:
        lacking = ", ".join(f"`{name}`" for name in wanted if name not in signature.parameters)
        own = f"has no {lacking}" if lacking else f"takes `{', '.join(signature.parameters)}`"
        raise BadSignature(f"The function must take `{', '.join(names)}`, as its stub does; yours {own}.")
    by_position, by_name = fitting
    return lambda arguments: function(*(arguments[n] for n in by_position), **{n: arguments[n] for n in by_name})


def _fits(signature, by_position, by_name) -> bool:
    """Whether a call is possible in this way and no argument gets what belongs to another one."""
    try:
        given = signature.bind(*by_position, **{name: name for name in by_name}).arguments
    except TypeError:
        return False
    own = {*by_position, *by_name}
    return all(value == name for name, value in given.items() if name in own and isinstance(value, str))


def accepts(function, name: str) -> bool:
    """Whether ``function`` can be given an argument called ``name``."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.name == name or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)


class NumpyArrays:
    """Probes are NumPy arrays; every one given away is a copy."""

    words = ""

    @staticmethod
    def give(value):
        return np.array(value) if isinstance(value, np.ndarray) else value


class PaddleTensors:
    words = " (as Paddle tensors)"

    @staticmethod
    def give(value):
        return paddle.to_tensor(value) if isinstance(value, np.ndarray) else value


#: The place, as in ``Reading.where``, at which NumPy raises instead of giving NaN or infinity.
_strict_at = contextvars.ContextVar("strict_at", default=None)


def ask(call, arguments: dict, shape, where: str) -> np.ndarray:
    """Call the learner's function once and return its result as an array; say where if that fails."""
    try:
        if _strict_at.get() == where:
            with strict.strictly(arguments) as arguments:
                result = call(arguments)
        else:
            result = call(arguments)
        return as_array(result, shape)
    except TimeLimit:
        raise
    except BadAnswer as bad:
        bad.where = where
        raise
    except BaseException as error:
        raise Stopped(where, error) from error


def as_given(value, backend):
    """Hand ``value`` (an array, a number, a list of arrays) over in the kind of ``backend``."""
    return [backend.give(item) for item in value] if isinstance(value, list) else backend.give(value)


def as_array(result, shape: tuple[int, ...]) -> np.ndarray:
    """Return a learner's result as a float64 array of ``shape``, or say what it is instead."""
    if type(result) is np.ndarray and result.dtype == np.float64 and result.shape == shape:
        return result.copy()  # by far the most frequent case, so it comes first
    if result is None:
        raise BadAnswer("The function returns None: is a `return` missing? What is printed is not returned.")
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        result.close()
        raise BadAnswer("The function is a generator or `async`: use a plain `def` with `return`, not `yield`.")
    if isinstance(result, tuple):
        raise BadAnswer(f"The function returns a tuple: return the one result alone{', as an array' if shape else ''}.")
    if isinstance(result, (bool, np.bool_)):
        raise BadAnswer(f"The function returns {bool(result)}, a truth value, not a number.")
    number_wanted = shape == ()
    is_array = isinstance(result, (np.ndarray, np.generic)) or is_tensor(result)
    if not is_array and not (number_wanted and isinstance(result, numbers.Number)):
        wanted = "a number" if number_wanted else "an array"
        raise BadAnswer(f"The function returns {_a(type(result).__name__)}, not {wanted}.")
    if isinstance(result, EXACT):
        result = as_float(result)
    array = as_plain_array(result)
    if is_raw_bits(array):
        raise BadAnswer("The function returns bfloat16 numbers as raw bits: before `.numpy()`, `.astype('float32')`.")
    if array.dtype == object or array.dtype.kind not in "fiuc":
        kind = "text" if array.dtype.kind in "US" else array.dtype
        raise BadAnswer(f"The function returns an array of {kind}, not of numbers.")
    if array.dtype.kind == "c":
        raise BadAnswer("The function returns complex numbers: the root of something negative?")
    if number_wanted and array.size == 1:
        array = array.reshape(())
    if array.shape != shape:
        kind = OnlyTheFirst if array.shape == (1, *shape[1:]) else BadAnswer
        raise kind(f"The result has the shape {array.shape}, but {shape or 'a single number'} is needed.")
    return array.astype(np.float64)


def is_raw_bits(value) -> bool:
    """Whether ``value`` is what ``tensor.numpy()`` gives for bfloat16, which NumPy does not know."""
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype == np.uint16


def numpy_of(tensor) -> np.ndarray:
    """Return a Paddle tensor as an array; bfloat16 becomes float32, and a sparse tensor is refused."""
    if not tensor.is_dense():
        raise BadAnswer("The result is a sparse tensor: `.to_dense()` makes a plain one of it.")
    return (tensor.astype("float32") if tensor.dtype == paddle.bfloat16 else tensor.detach()).numpy()


def as_plain_array(value) -> np.ndarray:
    return numpy_of(value) if is_tensor(value) else np.asarray(value)


EXACT = (numbers.Rational, Decimal)
"""Numbers that NumPy does not know, or not all of them: whole ones of any size, fractions, decimals."""


def as_float(number) -> float:
    """Return ``number`` as a float, infinity if it is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _a(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


CELL_WIDTH = 88


def lines_of_cell(words: str, first: str, then: str) -> str:
    """Words in lines that fit a notebook's cell; ``first`` and ``then`` begin the first line and the others."""
    return textwrap.fill(words, CELL_WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False)


# ------------------------------------------------------------------------------ readings and comparison


@dataclass
class Reading:
    """One value that an answer gave: where in the probes, and the state it left behind."""

    where: str
    value: np.ndarray
    state: dict = field(default_factory=dict)
    allowed: np.ndarray | float = 0.0


class Observation(list):
    """All readings of one function; None stands for one that was not asked for."""

    @functools.cached_property
    def values(self) -> np.ndarray:
        return np.concatenate([np.ravel(reading.value) for reading in self])

    @functools.cached_property
    def allowed(self) -> np.ndarray:
        return np.concatenate([np.ravel(np.broadcast_to(r.allowed, np.shape(r.value))) for r in self])


def deviation(readings: list[Reading | None], expected: list[Reading]) -> float:
    """Return the largest difference from ``expected`` in units of what is allowed there; NaN equals NaN.

    Up to 1 two answers count as the same function.
    """
    if None in readings:
        pairs = [(got, want) for got, want in zip(readings, expected) if got is not None]
        readings, expected = (Observation(side) for side in zip(*pairs))
    return float(np.max(units(readings.values, expected.values, expected.allowed), initial=0.0))


def is_same_state(readings, others) -> bool:
    """Whether all slots hold the same in all readings."""
    pairs = [(got.state, want.state) for got, want in zip(readings, others) if got is not None]
    return all(is_same_slot(got[slot], want[slot]) for got, want in pairs for slot in got)


def is_same_slot(got, want) -> bool:
    """Whether one slot holds the same in two runs, but for roundings."""
    scale = np.max(np.abs(want), initial=0.0)
    return np.allclose(got, want, rtol=1e-5, atol=1e-6 * scale + 1e-30, equal_nan=True)


def units(got, want, allowed) -> np.ndarray:
    """Return the distance of each value from the wanted one, in units of what is allowed."""
    with np.errstate(all="ignore"):
        distance = np.abs(got - want) / allowed
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0.0, np.where(np.isfinite(distance), distance, np.inf))


def is_rounded(readings, expected, slips: int) -> bool:
    """Whether the values are the expected ones with digits cut off (behind the point or in all) ``slips`` times."""
    asked = [(got, want) for got, want in zip(readings, expected) if got is not None]
    got, want = (Observation(side).values for side in zip(*asked))
    finite = np.isfinite(want)
    got, want = got[finite], want[finite]
    with np.errstate(all="ignore"):
        leading = np.floor(np.log10(np.abs(want)))
        grids = [10.0**place for digits in range(2, 7) for place in (-digits, leading + 1 - digits)]
        return any(np.all((np.abs(got - want) <= slips * grid) & _on_grid(got, grid)) for grid in grids)


def _on_grid(values, grid):
    places = values / grid
    return (np.abs(places - np.round(places)) < 1e-3 + np.finfo(np.float32).eps * np.abs(places)) | (values == 0)


def first_difference(readings, expected) -> tuple[Reading, Reading]:
    """Return what came out and what was expected, at the first place where they differ."""
    return next(
        (got, want)
        for got, want in zip(readings, expected)
        if got is not None and (units(got.value, want.value, want.allowed) > 1).any()
    )


@dataclass(eq=False)
class Entry:
    """One wrong function of an exercise's catalogue, observed when that is needed and then never again."""

    exercise: Implement
    mistake: Mistake
    function: object

    @functools.cached_property
    def observed(self) -> Observation:
        return _undisturbed(self.exercise.observe, self.function)

    @functools.cached_property
    def glimpse(self) -> Observation:
        return _undisturbed(self.exercise.glimpse, self.function)

    def begins_like(self, first) -> bool:
        """Whether ``first(n)``, the first n readings, agree. An entry of nothing but NaN is no fingerprint: never."""
        agree = deviation(first(len(self.glimpse)), self.glimpse) <= 1
        return agree and bool(np.isfinite(self.glimpse.values).any())


def _undisturbed(observe, function) -> Observation:
    with random_state_kept(), np.errstate(all="ignore"):
        return observe(function)


class Implement(Exercise):
    """A function to be written. A kind defines how it is observed; the verdict follows from comparing observations.

    ``observe(function, backend)`` returns an :class:`Observation`: one reading per value asked of the function, the
    same number and order for every function. ``expected`` and the catalogue are observed in the same way.
    """

    kind = "implement"

    def __init__(self, id, *, names, optional=(), unchanged=None, **common):
        super().__init__(id, **common)
        self.names, self.optional, self.unchanged = tuple(names), tuple(optional), unchanged
        self.mistakes: dict[str, Mistake] = {}

    # -- the catalogue

    def mistake(self, hint: str):
        """Decorator that enters a wrong function into the catalogue.

        Its docstring is name and explanation. Its own name is the id, without the exercise's first word: functions of
        a module need different names, mistakes of different exercises do not.
        """

        def enter(function):
            mistake = mistake_from(function, hint)
            own_word = self.id.split("-")[0] + "-"
            return self.add(replace(mistake, id=_without_prefix(mistake.id, own_word)))

        return enter

    def add(self, mistake: Mistake) -> Mistake:
        if mistake.id in self.mistakes:
            raise ValueError(f"mistake must have a new id, got {mistake.id!r} twice in {self.id}")
        self.mistakes[mistake.id] = mistake
        return mistake

    # -- what a kind defines

    roundings = 1  # how many roundings may add up in one of its readings

    def reference(self, *arguments, **keywords):
        raise NotImplementedError

    def observe(self, function, backend=NumpyArrays) -> Observation:
        raise NotImplementedError

    def difference(self, readings: list[Reading]) -> Feedback:
        """Describe the first reading that differs."""
        raise NotImplementedError

    def diagnose(self, answer, backend) -> Feedback | None:
        """Look for a fault that only shows in how the function behaves, not in one list of readings."""

    # -- the verdict

    @functools.cached_property
    def expected(self) -> Observation:
        return _undisturbed(self.observe, self.reference)

    @functools.cached_property
    def entries(self) -> list[Entry]:
        return [Entry(self, mistake, wrong) for mistake in self.mistakes.values() for wrong in mistake.versions]

    def glimpse(self, function) -> Observation:
        """Observe the first readings only, where observing all of them for a whole catalogue would take long."""
        return self.observe(function)

    def recognise(self, readings: Observation) -> Mistake | None:
        """Return the catalogue's closest entry, if it is the same function as the one observed; or ``ROUNDED``.

        Of several that give the same values, one that leaves the same state comes first.
        """
        first = functools.cache(lambda count: Observation(readings[:count]))  # joined once for the whole catalogue
        alike = [entry for entry in self.entries if entry.begins_like(first)]
        near = [(deviation(readings, entry.observed), entry) for entry in alike]
        same = [(distance, entry) for distance, entry in near if distance <= 1]
        if len(same) > 1:  # comparing states takes long
            same.sort(key=lambda pair: (not is_same_state(readings, pair[1].observed), pair[0]))
        if same:
            _, entry = same[0]
            return entry.mistake.seen_as(entry.function)
        return ROUNDED if is_rounded(readings, self.expected, self.roundings) else None

    def examine(self, answer) -> Feedback:
        if not callable(answer):
            return self.no_function(answer)
        outcome, backend = self.observe_answer(answer)
        if outcome.error is None and deviation(outcome.value, self.expected) <= 1:
            return self.feedback("passed", self.praise(answer), notes=self.remarks(answer))
        if outcome.error is not None and self.unfinished(outcome.error, answer):
            return self.not_attempted()
        if outcome.error is not None and diagnosis.ran_too_long(outcome.error):
            return self.failure(outcome, answer)
        mistake = None if outcome.error else self.recognise(outcome.value)
        if mistake is not None:
            return self.named(mistake)
        odd = self.diagnose(answer, backend)
        if odd is not None:
            return odd
        if outcome.error is not None:
            return self.failure(outcome, answer)
        return self.with_cause_of_nan(self.difference(outcome.value), outcome.value, answer, backend)

    tried_again_after: type[Exception] = Exception
    """Of which kind an exception is that may come from the kind of probes, so that another is tried."""
    other_probes = None if paddle is None else PaddleTensors
    """What is tried then; nothing where Paddle is not installed."""

    def observe_answer(self, answer):
        """Observe on NumPy arrays; a function that cannot work with them gets Paddle tensors instead.

        Returns:
            The outcome, and the kind of arrays that led to it.
        """
        outcome = run(lambda: self.observe_twin(answer), self.time_limit)
        raised = isinstance(outcome.error, Stopped) and isinstance(outcome.error.error, self.tried_again_after)
        if not raised or self.other_probes is None or self.unfinished(outcome.error, answer):
            return outcome, NumpyArrays
        second = run(lambda: self.observe_twin(answer, self.other_probes), self.time_limit)
        better = second.error is None or diagnosis.mentions_paddle(answer)
        return (second, self.other_probes) if better else (outcome, NumpyArrays)

    def observe_twin(self, answer, *how, **more):
        """Observe a twin of the learner's function: it starts without memories and changes nothing of the learner's."""
        with isolated(answer) as twin:
            return self.observe(twin, *how, **more)

    def praise(self, answer) -> str:
        return "Your function agrees with the right one on every probe."

    defaults: dict = {}
    """Arguments that have a value in the stub."""

    def remarks(self, answer) -> tuple[str, ...]:
        """What is worth saying about an answer that passes: where its defaults are not those of the stub."""
        try:
            own = inspect.signature(answer).parameters
        except (TypeError, ValueError):
            return ()
        given = {name: own[name].default for name in self.names if name in own}
        return tuple(
            f"your default for `{name}` is {default!r}, "
            + (f"the stub's is {self.defaults[name]!r}." if name in self.defaults else "the stub has none.")
            for name, default in given.items()
            if isinstance(default, (int, float)) and default != self.defaults.get(name)
        )

    def named(self, mistake: Mistake) -> Feedback:
        if mistake.id == self.unchanged:
            return self.feedback(
                "not-attempted",
                f"{self.title}: the function still computes what was printed. `hint({self.id!r})` gives a nudge.",
            )
        return self.feedback("mistake", mistake.explanation, mistake=mistake.id, title=mistake.name, hint=mistake.hint)

    def no_function(self, answer) -> Feedback:
        name = re.search(r"def (\w+)", self.stub).group(1)
        return self.feedback(
            "error",
            f"A function is needed, got {'None' if answer is None else _a(type(answer).__name__)}. Hand over the "
            f"function itself, without calling it: `check({self.id!r}, {name})`, not `{name}(…)`.",
        )

    def unfinished(self, error, answer) -> bool:
        return isinstance(error, Stopped) and diagnosis.is_unfinished(error.error, answer)

    # -- exceptions

    slots: tuple[str, ...] = ()

    def failure(self, outcome, answer) -> Feedback:
        error = outcome.error
        if isinstance(error, BadAnswer):
            return self.feedback(
                "wrong", self.about_the_result(error, answer), details=(("at", error.where),) if error.where else ()
            )
        if isinstance(error, BadSignature):
            return self.feedback("error", str(error), title="The arguments do not fit")
        if diagnosis.ran_too_long(error):
            return self.stopped(outcome, answer)
        where, error = (error.where, error.error) if isinstance(error, Stopped) else ("", error)
        unknown = (
            "The message says what Python could not do." if diagnosis.text_of(error) else "It comes without a message."
        )
        lines = _line(diagnosis.places_of(error), answer)
        meaning = diagnosis.explain(error, self.names, self.slots, where, lines[0][1] if lines else "") or unknown
        details = [("exception", diagnosis.describe(error)), *lines]
        return self.feedback(
            "error",
            meaning + diagnosis.near_name(error, self.names),
            title="Your code raised an exception",
            details=(*details, *([("at", where)] if where else [])),
        )

    def about_the_result(self, error: BadAnswer, answer) -> str:
        """What is told of a result that is no number or array of the right kind."""
        if "a tuple" in str(error) and self.slots:
            return f"{error} State stays in `s`."
        if isinstance(error, OnlyTheFirst) and diagnosis.has_a_loop(answer):
            return f"{error} Is the `return` inside the loop? It ends the loop in its first round."
        return str(error)

    def with_cause_of_nan(self, feedback, readings, answer, backend) -> Feedback:
        """Where a number is expected and NaN or infinity came out, let NumPy tell in which line that began."""
        got, want = first_difference(readings, self.expected)
        if np.isfinite(got.value).all() or not np.isfinite(want.value).all():
            return feedback

        def look_closely():
            _strict_at.set(want.where)  # of this thread only
            return self.observe_twin(answer, backend)

        what = "NaN" if np.isnan(got.value).any() else "infinity"
        error = run(look_closely, self.time_limit).error
        if isinstance(error, Stopped):
            lines = _line(diagnosis.places_of(error.error), answer)
            sentence = diagnosis.cause_of_nan(what, error.error, line=lines[0][1] if lines else "")
        elif backend is NumpyArrays and strict.TELLS:
            state = " or in the state" if self.slots else ""
            sentence, lines = f"No operation of this call began the {what}: it stands in the code itself{state}.", ()
        else:
            sentence, lines = f"It gives {what}: a division by zero, or the root of a negative number?", ()
        return replace(feedback, message=f"{feedback.message} {sentence}", details=(*feedback.details, *lines))


def _line(places, answer) -> tuple[tuple[str, str], ...]:
    """The row of a card that shows the innermost line of the learner's own among ``places``, if there is one."""
    line = diagnosis.own_line(places, answer)
    return () if line is None else ((f"your line {line[0]}", line[1] or "(its text is not available)"),)


def two_numbers(got: float, expected: float) -> tuple[str, str]:
    """Format two different numbers with enough digits to look different, and no more.

    Example:
        >>> two_numbers(0.913, 0.9131)
        ('0.913', '0.9131')
    """
    for digits in range(4, 17):
        texts = f"{got:.{digits}g}", f"{expected:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts
