"""What a rule is: one formula, the state that it keeps and the hyper-parameters that it has."""

from __future__ import annotations

import math
import numbers
from types import SimpleNamespace

from ..arrays import zeros_like
from ..edge import LRScheduler
from ..errors import flag, number

PADDLE_FLAGS = {"multi_precision": flag, "use_multi_tensor": flag, "lazy_mode": flag}
"""Switches for Paddle's GPU and sparse kernels: accepted, so that programs run unchanged, and without effect here."""


class Rule:
    """The half of an optimizer that needs no tensors; ``Optimizer`` adds the other one."""

    slots: tuple[str, ...] = ()
    """Names of the state arrays, one value per element of the parameter, zero at first."""

    stacked_slots: dict[str, str] = {}
    """State array → the hyper-parameter, a whole number, that says how many values it has per element; they lie one
    after the other along a first axis. A rule may write into such an array in place."""

    optional_slots: dict[str, str] = {}
    """Hyper-parameter → the state array that is there only where it is switched on."""

    scalars: dict[str, float] = {}
    """Names and first values of state that is one number for all elements."""

    hyperparameters: dict = {}
    """Hyper-parameter → its check ``(name, value)``, which returns the value or raises."""

    decoupled = False
    """Whether ``weight_decay`` is a hyper-parameter of the rule, beside the gradient. Else it is L2 in the gradient."""

    momentum_name: str | None = None
    """The hyper-parameter that a schedule with momentum cycling moves."""

    lowest_learning_rate = -math.inf
    """The least learning rate that the class takes; below zero it climbs the loss."""

    same_at_every_step = False
    """Whether the rule looks at its arguments and hyper-parameters alone, and not at ``s.t``: its compiled loop is then
    written down once. Only the class's own word counts, not that of a base: a new rule may look at more."""

    whole: str | None = None
    """What the rule has to see at once, a ``"parameter"`` or a ``"group"``. ``None``: it treats every element alone."""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if cls.decoupled != ("weight_decay" in cls.hyperparameters):
            raise TypeError(
                f"{cls.__name__} must have decoupled = True and a check of weight_decay in hyperparameters, or neither"
            )

    def __init__(self, learning_rate, **hyperparameters):
        self._learning_rate = _checked_learning_rate(learning_rate, self.lowest_learning_rate)
        for name, value in hyperparameters.items():
            if name not in self.hyperparameters:
                known = ", ".join(self.hyperparameters) or "none"
                raise TypeError(f"{type(self).__name__} has no hyper-parameter {name!r} in its table; there: {known}")
            setattr(self, name, self.hyperparameters[name](name, value))
        self.slots = self.slots_with({})

    # ------------------------------------------------------------------ what a class of its own writes

    def rule(self, x, g, s, lr):
        """Return the new parameter for parameter ``x``, gradient ``g``, state ``s`` and learning rate ``lr``.

        Args:
            x, g: Arrays of one shape (NumPy or Paddle); neither is changed.
            s: Namespace with the slots and the step number ``s.t``, 1 at the first step. New state is assigned.
            lr: The learning rate of this step, a float.

        Raises:
            NotImplementedError: The class has not defined its rule.
        """
        raise NotImplementedError(f"{type(self).__name__} must define rule(x, g, s, lr)")

    def advance(self, x, loss_at, gradient_at, s, lr):
        """Return where one step leads. A class that asks for the loss several times in a step overrides it (``LBFGS``).

        Args:
            x, lr: As in ``rule``.
            loss_at, gradient_at: Functions of such an array that return the loss, a float, and the gradient.
            s: The state; ``s.t`` is the number of the last step.
        """
        s.t += 1
        return self.rule(x, gradient_at(x), s, lr)

    def initial_values(self) -> dict[str, float]:
        """Return the first values of those slots that do not start at zero."""
        return {}

    def overrides_for(self, parameter) -> dict:
        """Return hyper-parameters (or ``lr_ratio``) that differ for this one parameter."""
        return {}

    # ------------------------------------------------------------------ state

    def fresh_state(self, x) -> SimpleNamespace:
        """Return the state before the first step for a parameter like ``x``.

        Example:
            >>> import numpy as np
            >>> from course_lib import optimizer
            >>> sgd = optimizer.Momentum(learning_rate=0.1)
            >>> s = sgd.fresh_state(np.zeros(2))
            >>> s.t += 1
            >>> sgd.rule(np.array([1.0, 2.0]), np.array([1.0, 1.0]), s, lr=0.1)
            array([0.9, 1.9])
        """
        initial = self.initial_values()
        arrays = {slot: zeros_like(x, self.stack_of(slot)) for slot in self.slots}
        arrays.update({slot: arrays[slot] + value for slot, value in initial.items()})
        return SimpleNamespace(**arrays, **self.scalars, t=0)

    def stack_of(self, slot: str) -> tuple[int, ...]:
        """Return ``(n,)`` for a state array with n values per element, ``()`` for all others."""
        return (getattr(self, self.stacked_slots[slot]),) if slot in self.stacked_slots else ()

    def slots_with(self, settings: dict) -> tuple[str, ...]:
        """Return the names of the state arrays where ``settings`` replace some hyper-parameters."""
        optional = [slot for switch, slot in self.optional_slots.items() if settings.get(switch, getattr(self, switch))]
        return (*type(self).slots, *optional)

    # ------------------------------------------------------------------ the learning rate

    def get_lr(self) -> float:
        """Return the learning rate of the next step."""
        return self._learning_rate() if isinstance(self._learning_rate, LRScheduler) else self._learning_rate

    def set_lr(self, value: float) -> None:
        """Set the learning rate.

        Raises:
            RuntimeError: A schedule drives the learning rate.
            TypeError, ValueError: ``value`` is no finite number, or below ``lowest_learning_rate``.
        """
        if isinstance(self._learning_rate, LRScheduler):
            raise RuntimeError(
                f"set_lr({value!r}) would be undone by the schedule {type(self._learning_rate).__name__} that drives "
                "the learning rate; use set_lr_scheduler for another schedule"
            )
        self._learning_rate = number("value", value, self.lowest_learning_rate)

    def set_lr_scheduler(self, scheduler) -> None:
        """Let ``scheduler`` drive the learning rate from now on.

        Raises:
            TypeError: ``scheduler`` is no ``LRScheduler``.
        """
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(f"scheduler must be an LRScheduler, got {scheduler!r} ({type(scheduler).__name__})")
        self._learning_rate = scheduler

    def follow_momentum_schedule(self) -> None:
        """Let a schedule that cycles momentum against the learning rate set this step's momentum.

        Raises:
            ValueError: There is such a schedule, but the rule has no momentum.
        """
        current_momentum = getattr(self._learning_rate, "current_momentum", None)
        momentum = current_momentum() if current_momentum is not None else None
        if momentum is None:
            return
        if self.momentum_name is None:
            raise ValueError(
                f"the schedule {type(self._learning_rate).__name__} cycles momentum, but {type(self).__name__} has none"
            )
        setattr(self, self.momentum_name, self.hyperparameters[self.momentum_name](self.momentum_name, momentum))


def given(variables: dict) -> dict:
    """Return the arguments of a constructor by name, from its ``vars()``.

    Every constructor has the signature of Paddle's class; this saves repeating it. It has to come first there: every
    local variable counts.
    """
    return {name: value for name, value in variables.items() if name not in ("self", "__class__")}


def _checked_learning_rate(learning_rate, low: float):
    """Return a float of at least ``low`` or a schedule.

    Raises:
        TypeError: It is anything else; also an int, as in Paddle.
        ValueError: It is ``None``, NaN, infinite or below ``low``.
    """
    if isinstance(learning_rate, LRScheduler):
        return learning_rate
    too_low = isinstance(learning_rate, numbers.Real) and learning_rate < low
    if not isinstance(learning_rate, float) and not too_low:
        error = ValueError if learning_rate is None else TypeError
        raise error(
            f"learning_rate must be a float or an LRScheduler, got {learning_rate!r} ({type(learning_rate).__name__})"
        )
    return number("learning_rate", learning_rate, low)
