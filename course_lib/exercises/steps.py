"""The kind of exercise in which one step of an optimizer is written; the library's rules are the right answers."""

from __future__ import annotations

import functools
import inspect
import itertools
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np

from .engine import (
    CELL_WIDTH,
    BadAnswer,
    Implement,
    Mistake,
    NumpyArrays,
    Observation,
    Reading,
    as_array,
    ask,
    caller,
    deviation,
    first_difference,
    is_same_slot,
    lines_of_cell,
    mistake_from,
    two_numbers,
    units,
)
from .sandbox import run

#: Two answers are the same function if they stay this close: a share of the path travelled by each element, plus
#: the rounding of 32-bit numbers in the element itself. tests/test_exercises_catalogue.py shows how far right
#: answers (below) and wrong ones (above) are from it.
PATH_SHARE = 1e-5
ROUNDING = 2e-6

ARGUMENTS = ("x", "g", "s", "lr")


@dataclass(frozen=True)
class Run:
    """A probe: a parameter, the gradients it meets and the learning rate at each step."""

    words: str
    start: np.ndarray
    gradients: np.ndarray
    rates: np.ndarray
    hyper: dict

    def __len__(self):
        return len(self.gradients)


def standard_runs(usual: dict, other: dict) -> list[Run]:
    """The probes behind every step: each separates look-alikes that the others let pass.

    Args:
        usual: The hyper-parameters of most probes.
        other: Values for the probe with unusual hyper-parameters.
    """
    rng = np.random.default_rng(20)
    steps, size = 14, 7
    start = rng.uniform(0.5, 2.0, size) * np.where(np.arange(size) % 2, -1, 1)
    ordinary = rng.standard_normal((steps, size)) + 0.5
    spike = ordinary.copy()
    spike[4] *= 1e3
    sparse = ordinary * (rng.random((steps, size)) < 0.3)
    sparse[:, 0] = 0.0
    constant = np.full(steps, 0.1)
    changing = np.where(np.arange(steps) < steps // 2, 0.1, 0.01)
    changing[[2, 11]] = -0.02
    first = Run("the run with ordinary gradients", start, ordinary, constant, usual)

    def shaped(words, *shape, scale=1.0):
        drawn = scale * rng.uniform(0.5, 2.0, shape), rng.standard_normal((steps, *shape)) + 0.5
        return replace(first, words=words, start=drawn[0], gradients=drawn[1])

    return [
        first,
        replace(first, words="the run whose learning rate drops, and is negative in two steps", rates=changing),
        replace(first, words="the run with other hyper-parameters", hyper={**usual, **other}),
        replace(first, words="the run with one huge gradient", gradients=spike),
        replace(first, words="the run with zero and sparse gradients", gradients=sparse),
        shaped("the run with a matrix of large parameters", 2, 4, scale=1e3),
        shaped("the run with an array of three axes", 2, 1, 5),
        replace(first, words="the run in 32 bits", start=np.float32(start), gradients=np.float32(ordinary)),
        _tiny_gradients(first),
    ]


def _tiny_gradients(first: Run) -> Run:
    large_epsilon = {"epsilon": 1e-3} if "epsilon" in first.hyper else {}
    words = "the run with gradients near 1e-3" + (" and ε = 1e-3" if large_epsilon else "")
    hyper = {**first.hyper, **large_epsilon}
    return replace(first, words=words, start=0.01 * first.start, gradients=1e-3 * first.gradients, hyper=hyper)


def step_of(rule, **fixed):
    """The rule of an optimizer class as a function ``step(x, g, s, lr, **hyper)``, with ``fixed`` arguments.

    Example:
        >>> from course_lib import optimizer
        >>> step_of(optimizer.SGD)(3.0, 2.0, None, lr=0.5)
        2.0
    """

    @functools.lru_cache(maxsize=64)
    def made(hyper):
        return rule(learning_rate=0.1, **fixed, **dict(hyper))

    def step(x, g, s, lr, **hyper):
        return made(tuple(hyper.items())).rule(x, g, s, lr)

    return step


class StepExercise(Implement):
    """Write ``step(x, g, s, lr, …) -> new x``; the right answer is the ``rule`` of a class of the library.

    Args:
        id, chapter, title, hints: See ``Exercise``.
        rule: The optimizer class.
        hyper: Names of the hyper-parameters that the step takes; their defaults are the class's.
        fixed: Further arguments of the class, such as ``amsgrad=True``.
        usual: Values for the other probes, where the defaults do not tell enough.
        other: Values for the probe with unusual hyper-parameters.
        says: One sentence for the stub's docstring.
        slots: The slots that the learner is told of; by default all that the class has with these settings.
        counts: Whether the rule uses the step number ``s.t``.
        uses_rate: Whether the step is multiplied by the learning rate.
        entered_by_hand: Hyper-parameters for which it has an entry of its own what happens without them.
    """

    roundings = 14  # one at each step of a run

    def __init__(
        self,
        id,
        *,
        rule,
        hyper=(),
        fixed=None,
        usual=None,
        other=None,
        says,
        slots=None,
        counts=False,
        uses_rate=True,
        entered_by_hand=(),
        **common,
    ):
        self.rule, self.fixed, self.says, self.counts = rule, fixed or {}, says, counts
        self.uses_rate, self.entered_by_hand = uses_rate, entered_by_hand
        constructor = inspect.signature(rule).parameters
        self.defaults = {name: constructor[name].default for name in hyper}
        super().__init__(id, names=(*ARGUMENTS, *hyper), **common)
        self.reference = step_of(rule, **self.fixed)
        made = rule(learning_rate=0.1, **self.fixed)
        self.all_slots = made.slots
        self.first_values = {slot: value for slot, value in made.initial_values().items() if value != 0}
        self.slots = self.all_slots if slots is None else slots
        self.runs = standard_runs({**self.defaults, **(usual or {})}, other or {})
        for mistake in mistakes_of_any_step(self):
            self.add(mistake)
        if counts:
            for mistake in mistakes_with_the_step_number(self):
                self.add(mistake)
        if {"beta1", "beta2"} <= set(hyper):
            self.add(mistake_of_swapped_betas(self))

    # -- observing

    def fresh_state(self, x, give=np.asarray) -> SimpleNamespace:
        """The state before the first step: the slots' first values, made by ``give``, and the rule's single numbers."""
        first = {slot: np.full_like(x, self.first_values.get(slot, 0)) for slot in self.all_slots}
        return SimpleNamespace(**{slot: give(value) for slot, value in first.items()}, **self.rule.scalars)

    def observe(self, function, backend=NumpyArrays, only=None, late=False):
        call = caller(function, self.names, self.defaults)
        runs = self.runs if only is None else [self.runs[only]]
        walkers = [self._walk(call, probe, backend, late) for probe in runs]
        # In turns, as an optimizer serves its parameters: memory outside of `s` would mix them up.
        readings = [[] for _ in runs]
        for _ in range(max(map(len, runs))):
            for walker, seen in zip(walkers, readings):
                seen.extend(reading for reading in [next(walker, None)] if reading is not None)
        return Observation(reading for seen in readings for reading in seen)

    def glimpse(self, function):
        call = caller(function, self.names, self.defaults)
        return Observation(itertools.islice(self._walk(call, self.runs[0], NumpyArrays, late=False), 7))

    def _walk(self, call, probe: Run, backend, late):
        """Follow one run. If ``late``, one more call with gradient 0 comes before it, and its result is thrown away."""
        x, path = probe.start, 0.0
        s = self.fresh_state(x, backend.give)

        def step(t, g, lr, where):
            s.t = t
            arguments = {"x": backend.give(x), "g": backend.give(g), "s": s, "lr": float(lr), **probe.hyper}
            return ask(call, arguments, x.shape, where)

        if late:
            step(1, np.zeros_like(x), probe.rates[0], probe.words)
        for t, (g, lr) in enumerate(zip(probe.gradients, probe.rates), start=1):
            where = f"step {t} of {probe.words}{backend.words}"
            value = step(t + late, g, lr, where)
            path = path + np.abs(value - x)
            allowed = PATH_SHARE * path + ROUNDING * np.abs(value) + 1e-12
            yield Reading(where, value, self._state(s, x.shape), allowed)
            x = value.astype(probe.start.dtype)

    def _state(self, s, shape) -> dict:
        state = {}
        for slot in self.slots:
            try:
                state[slot] = as_array(getattr(s, slot, None), shape)
            except BadAnswer:
                state[slot] = np.full(shape, np.nan)
        return state

    # -- explaining

    def praise(self, answer) -> str:
        numbers = f"{len(self.runs)} runs of {len(self.runs[0])} steps"
        return f"Your step agrees with the course's {self.rule.__name__} in {numbers}."

    def difference(self, readings):
        got, want = first_difference(readings, self.expected)
        off = units(got.value, want.value, want.allowed)
        index = np.unravel_index(np.argmax(off), off.shape)
        value, right = two_numbers(float(got.value[index]), float(want.value[index]))
        parameter = f"x[{', '.join(map(str, index))}]"
        return self.feedback(
            "wrong",
            " ".join(filter(None, ["The step differs from the right one.", self._state_sentence(readings, want)])),
            details=(("first difference", want.where), ("parameter", parameter), ("got", value), ("expected", right)),
        )

    def _state_sentence(self, readings, want) -> str:
        """Which slots are right and which are not, in the run of the first difference."""
        if not self.slots:
            return ""
        words = want.where.split(" of ", 1)[1]
        pairs = [(g, w) for g, w in zip(readings, self.expected) if w.where.endswith(words)]
        faults = {slot: self._first_fault(slot, pairs) for slot in self.slots}
        right = " and ".join(f"`s.{slot}`" for slot, step in faults.items() if step is None)
        wrong = {f"`s.{slot}`": step for slot, step in faults.items() if step is not None}
        if not wrong:
            return f"Your {right} {'is' if len(faults) == 1 else 'are'} right: look at how the new x is made from it."
        if right:
            verb = "is" if len(faults) - len(wrong) == 1 else "are"
            return (
                f"Your {right} {verb} right, " + ", ".join(f"{s} is not from step {t}" for s, t in wrong.items()) + "."
            )
        return "Your " + ", ".join(f"{s} is not right from step {t}" for s, t in wrong.items()) + "."

    def _first_fault(self, slot, pairs):
        for step, (got, want) in enumerate(pairs, start=1):
            if not is_same_slot(got.state[slot], want.state[slot]):
                return step
        return None

    def diagnose(self, answer, backend):
        """Would the answer be right if each run had it alone, or if it were called once before the first step?"""
        alone = (self._agrees(answer, backend, only=index) for index in range(len(self.runs)))
        if all(alone):
            return self.named(_STATE_ELSEWHERE)
        if self.counts and self._agrees(answer, backend, late=True):
            return self.named(_COUNTS_FROM_ZERO)
        return None

    def _agrees(self, answer, backend, only=None, late=False) -> bool:
        outcome = run(lambda: self.observe_twin(answer, backend, only=only, late=late), self.time_limit)
        wanted = self.expected
        if only is not None:
            wanted = Observation(want for want in wanted if want.where.endswith(self.runs[only].words))
        return outcome.error is None and deviation(outcome.value, wanted) <= 1

    # -- the notebook's cell

    @property
    def stub(self) -> str:
        name = self.id.replace("-", "_")
        hyper = "".join(f", {key}={value!r}" for key, value in self.defaults.items())
        zero = ", ".join(f"s.{slot}" for slot in self.slots if slot not in self.first_values)
        others = "".join(f", s.{slot} ({first:g} at first)" for slot, first in self.first_values.items())
        numbers = "".join(f", s.{name} (a number, {first:g} at first)" for name, first in self.rule.scalars.items())
        state = (
            f"{zero} (arrays like x, zero at first){others}{numbers} and s.t (1 at the first step)"
            if self.slots
            else "not needed here (s.t counts the steps from 1)"
        )
        arguments = f"x, g, s, lr{hyper}"
        if len(f"def {name}({arguments}):") > CELL_WIDTH:
            arguments = f"\n    {arguments}\n"
        return f'''def {name}({arguments}):
{lines_of_cell('"""' + self.says, "    ", "    ")}

    x, g  parameter and gradient: arrays of one shape, whatever it is
{lines_of_cell(state, "    s     state: ", " " * 10)}
    lr    learning rate{"" if self.uses_rate else ": not needed here"}
    Return the new x{"; assign the new state to s" if self.slots else ""}.

{lines_of_cell(self._example(), "    Example: ", "    ")}
    """
    raise NotImplementedError'''

    def _example(self) -> str:
        x, seen = np.array([3.0]), []
        s = self.fresh_state(x)
        for t, g in enumerate([2.0, -1.0], start=1):
            s.t = t
            x = self.reference(x, np.array([g]), s, 0.1, **self.defaults)
            seen.append(f"{x.item():.4f}")
        return f"from x = [3.0] at lr = 0.1, the gradients [2.0] and [-1.0] lead to [{seen[0]}] and [{seen[1]}]."


# ------------------------------------------------------------------ mistakes that any step can have


def mistakes_of_any_step(exercise: StepExercise):
    """Wrong forms that can be made from a right step whatever its formula; those of its state come further below."""
    right = exercise.reference

    def uphill(x, g, s, lr, **hyper):
        """The step goes uphill.

        The change is added instead of subtracted: the loss rises at every step, the faster the larger the lr.
        """
        return 2 * x - right(x, g, s, lr, **hyper)

    def learning_rate_left_out(x, g, s, lr, **hyper):
        """The learning rate is left out.

        Every step is as long as if lr were 1, whatever the schedule says: mostly far too long.
        """
        return right(x, g, s, 1.0, **hyper)

    def step_instead_of_parameter(x, g, s, lr, **hyper):
        """The step is returned, not the new parameter.

        The parameter is replaced by what was to be subtracted from it: everything learnt before is lost at each step.
        """
        return x - right(x, g, s, lr, **hyper)

    def parameter_unchanged(x, g, s, lr, **hyper):
        """The parameter is returned unchanged.

        The state may be kept faithfully, but nothing is ever learnt.
        """
        right(x, g, s, lr, **hyper)
        return 1.0 * x

    yield mistake_from(uphill, "Descent subtracts: which way does the gradient point?")
    if exercise.uses_rate:
        yield mistake_from(learning_rate_left_out, "`lr` must appear in the change of x.")
    instead = mistake_from(step_instead_of_parameter, "Return x minus the step.")

    @instead.also(hint="Return x plus its change.")
    def change_instead_of_parameter(x, g, s, lr, **hyper):
        """The change is returned, not the new parameter.

        The parameter is replaced by its own change: everything learnt before is lost at each step.
        """
        return right(x, g, s, lr, **hyper) - x

    yield instead
    unchanged = mistake_from(parameter_unchanged, "Return the value after the step.")
    if exercise.all_slots:

        @unchanged.also(hint="Assign the new state to `s`, with a single `=`, and return the new x.")
        def nothing_changed(x, g, s, lr, **hyper):
            """Neither the parameter nor the state changes.

            Whatever is computed is not kept: the next step begins where this one began, and nothing is ever learnt.
            """
            return 1.0 * x

    yield unchanged
    for name, value in exercise.defaults.items():
        if name not in exercise.entered_by_hand:
            yield _ignoring(right, name, value)


def mistakes_with_the_step_number(exercise: StepExercise):
    """Wrong forms of steps that use ``s.t``."""
    right = exercise.reference

    def at_step(t, x, g, s, lr, hyper):
        s.t = t
        return right(x, g, s, lr, **hyper)

    def step_number_frozen(x, g, s, lr, **hyper):
        """The step number stays at 1.

        The bias correction of the first step is applied for ever: averages that have long grown up are blown up
        further.
        """
        return at_step(1, x, g, s, lr, hyper)

    def step_number_one_ahead(x, g, s, lr, **hyper):
        """The step number is one too large.

        `s.t` is 1 at the first step already; counted up once more, the first corrections come out too weak.
        """
        return at_step(s.t + 1, x, g, s, lr, hyper)

    def step_number_doubled(x, g, s, lr, **hyper):
        """The step number is counted twice.

        With 2t in the place of t the corrections fade twice as fast as the averages grow up: they come out too weak.
        """
        return at_step(2 * s.t, x, g, s, lr, hyper)

    yield mistake_from(step_number_frozen, "Use `s.t`, which grows by itself from step to step.")
    yield mistake_from(step_number_one_ahead, "Use `s.t` as it is: no `+ 1`.")
    yield mistake_from(step_number_doubled, "Use `s.t` as it is: it grows by 1 from step to step.")


def mistake_of_swapped_betas(exercise: StepExercise) -> Mistake:
    def betas_swapped(x, g, s, lr, beta1, beta2, **hyper):
        """beta1 and beta2 are swapped.

        The direction follows an average over a thousand steps, the scale one over ten: the step reacts too late and
        its size jumps.
        """
        return exercise.reference(x, g, s, lr, beta1=beta2, beta2=beta1, **hyper)

    return mistake_from(betas_swapped, "Which average has to react faster, the direction's or the scale's?")


def _ignoring(right, name, value) -> Mistake:
    return Mistake(
        f"ignores-{name.replace('_', '-')}",
        f"`{name}` is fixed at {value!r}",
        f"The argument `{name}` has no effect: whoever tunes it turns a knob that is connected to nothing.",
        f"Use the argument `{name}` instead of the number.",
        [lambda x, g, s, lr, **hyper: right(x, g, s, lr, **{**hyper, name: value})],
    )


def after_decay(mistake: Mistake) -> Mistake:
    """The same mistake in a step that begins with a right decoupled weight decay."""

    def decayed(wrong):
        return lambda x, g, s, lr, weight_decay, **hyper: wrong(x - lr * weight_decay * x, g, s, lr, **hyper)

    return mistake.through(decayed)


_STATE_ELSEWHERE = Mistake(
    "state-outside-s",
    "State is kept outside of s",
    "Each run is right on its own, but a global variable, a default argument, a class or an attribute of the function "
    "remembers something between calls. An optimizer has many parameters: they would share one memory.",
    "Keep everything that lasts from step to step in `s`; one namespace belongs to one parameter.",
)

_COUNTS_FROM_ZERO = Mistake(
    "step-number-one-behind",
    "The step number is one too small",
    "Counted from 0, the first correction divides by 1 - beta**0 = 0, and all later ones are too strong.",
    "Use `s.t` as it is: it is 1 at the first step.",
)
