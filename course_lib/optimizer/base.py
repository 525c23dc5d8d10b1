"""Everything an optimizer does besides its rule.

A subclass states its state arrays (``slots``), the limits of its hyper-parameters (``limits``) and one
formula (``rule``). This module does the rest: parameter lists and groups, learning rates and schedules,
regularization, clipping, saving and loading, and making the formula fast.

How it is made fast, without touching the formula: NumPy works directly on the memory of Paddle's CPU
tensors, parameters with equal settings are cut and joined into blocks that fit the processor's cache,
and the rule runs once per block instead of once per parameter.
"""

from __future__ import annotations

import dis
import inspect
import math
from functools import cache
from itertools import chain
from types import SimpleNamespace

import numpy as np
import paddle
from paddle.optimizer.lr import LRScheduler

from ..arrays import zeros_like
from ..errors import no_attribute, number
from .blocks import Setting, State, View, address, check_forms, forms, joined, make_blocks, memory, read, update
from .groups import checked_clip, checked_decay, checked_learning_rate, make_groups, names_of
from .saving import distinct_names, from_paddle, load_schedule, schedule_entries, to_paddle
from .translation import fallback

__all__ = ["Optimizer"]


class Optimizer(paddle.optimizer.Optimizer):
    """Base class of the course's optimizers; its interface is that of ``paddle.optimizer.Optimizer``.

    It is a subclass of Paddle's in name, so that programs which ask ``isinstance`` take it for one. It uses nothing
    of it: every method below is the course's own.

    Args:
        learning_rate: A float or an ``LRScheduler`` (Paddle's or the course's). A negative float is
            allowed, as in Paddle: it climbs the loss.
        parameters: The tensors to update, or a list of group dicts ``{"params": […], …}``. In a group,
            ``learning_rate`` multiplies the global one, ``weight_decay``, ``grad_clip`` and any
            hyper-parameter of the class replace it. A ``weight_decay`` of ``None`` leaves the global one, as if it
            were not there; only ``Momentum`` takes it for none, as in Paddle, and a class whose own ``weight_decay``
            is a number (``AdamW``, ``SGDW``) refuses it.
            ``None`` makes an optimizer that has only its ``rule``, to be followed by ``surfaces.trajectory``;
            its ``step`` raises.
        weight_decay: A float λ adds λ·x to the gradient (L2, without ½); ``paddle.regularizer.L1Decay``
            and ``L2Decay`` objects work too. A regularizer set on a parameter by ``ParamAttr`` wins.
        grad_clip: ``paddle.nn.ClipGradByValue``, ``ClipGradByNorm`` or ``ClipGradByGlobalNorm``. It acts
            before the regularization.
        name: Prefix of the state's names in ``state_dict``.
        **hyperparameters: The subclass's own, each checked against ``limits``.

    Raises:
        TypeError: An argument has the wrong type (an ``int`` learning rate too, as in Paddle).
        ValueError: A value is out of range, the parameter list is empty or names a tensor twice.

    A NaN or infinite gradient is not caught: as in Paddle it reaches the parameter and its state. A gradient of
    some rows only, as ``Embedding(sparse=True)`` gives it, is zero in all other rows; Paddle's kernels for it miss
    rows that are out of order (Momentum, RMSProp) or do not exist (Adadelta, Adamax, NAdam, RAdam, AdamW).

    Example:
        >>> class SignDescent(Optimizer):
        ...     def rule(self, x, g, s, lr):
        ...         return x - lr * np.sign(g)
        >>> x = paddle.to_tensor([3.0, -5.0], stop_gradient=False)
        >>> (x * x).sum().backward()
        >>> SignDescent(0.5, parameters=[x]).step()
        >>> x.tolist()
        [2.5, -4.5]
    """

    slots: tuple[str, ...] = ()
    """Names of the state arrays, one value per element of the parameter, zero at first."""

    optional_slots: dict[str, str] = {}
    """Hyper-parameter → the state array that is there only where it is switched on."""

    scalars: dict[str, float] = {}
    """Names and first values of state that is one number for all elements."""

    limits: dict = {}
    """Hyper-parameter → function ``(name, value)`` that returns the checked value or raises."""

    accumulators: dict[str, str] = {}
    """Slot or scalar → its name in the ``state_dict`` of Paddle's optimizer of the same class."""

    powers: tuple[str, ...] = ()
    """Which of ``paddle_extras`` are powers β^t, from which the step number of a Paddle state is found."""

    powers_of_32_bits = False
    """Whether Paddle builds these up from a β of 32 bits even where the parameter has 64."""

    momentum_name: str | None = None
    """The hyper-parameter that a schedule with momentum cycling moves."""

    lowest_learning_rate = -math.inf
    """The least learning rate that the class takes; below zero it climbs the loss."""

    elementwise = True
    """Whether the rule treats every element alone. If not, it is given all of a group's elements at once."""

    rounds_hyperparameters = False
    """Whether ``step`` rounds hyper-parameters to 32 bits. Paddle's kernels do so; it is copied only where it shows."""

    def __init__(self, learning_rate, parameters=None, weight_decay=None, grad_clip=None, name=None, **hyperparameters):
        self._learning_rate = checked_learning_rate(learning_rate, self.lowest_learning_rate)
        if "weight_decay" in self.limits:  # a rule with a decay of its own takes it as a hyper-parameter
            hyperparameters["weight_decay"], weight_decay = weight_decay, None
        self.regularization = checked_decay(weight_decay)
        self._grad_clip = checked_clip(grad_clip)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string or None, got {name!r}")
        self._name = name
        for key, value in hyperparameters.items():
            setattr(self, key, self.limits[key](key, value))
        self.slots = self.slots_with({})
        self._groups = [] if parameters is None else make_groups(self, parameters)
        self._states = {}  # place in the list of all parameters -> State, where it is not in the blocks
        self._blocks = []
        self._updated, self._places = [], []  # the parameters that the blocks are made of, and their places
        self._memory, self._addresses, self._forms = [], [], ([], [])  # where these lie, their shapes and dtypes
        self._inherited = {}  # in a copy: place -> what the original knew of the parameter there

    # ------------------------------------------------------------------ the rule

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

    def fresh_state(self, x) -> SimpleNamespace:
        """Return the state before the first step for a parameter like ``x``.

        Example:
            >>> from course_lib import optimizer
            >>> sgd = optimizer.Momentum(learning_rate=0.1)
            >>> s = sgd.fresh_state(np.zeros(2))
            >>> s.t += 1
            >>> sgd.rule(np.array([1.0, 2.0]), np.array([1.0, 1.0]), s, lr=0.1)
            array([0.9, 1.9])
        """
        initial = self.initial_values()
        arrays = {slot: zeros_like(x) + initial[slot] if slot in initial else zeros_like(x) for slot in self.slots}
        return SimpleNamespace(**arrays, **self.scalars, t=0)

    def slots_with(self, settings: dict) -> tuple[str, ...]:
        """Return the names of the state arrays where ``settings`` replace some hyper-parameters."""
        optional = [slot for switch, slot in self.optional_slots.items() if settings.get(switch, getattr(self, switch))]
        return (*type(self).slots, *optional)

    def initial_values(self) -> dict[str, float]:
        """Return the first values of those slots that do not start at zero."""
        return {}

    def overrides_for(self, parameter) -> dict:
        """Return hyper-parameters (or ``lr_ratio``) that differ for this one parameter."""
        return {}

    def check_rows(self, parameter, group) -> None:
        """Raise or warn if this class does not take a gradient of some rows only, as ``Embedding(sparse=True)`` has."""

    def regularizers_in(self, settings: dict) -> list:
        """Return the regularizers, at most one of a kind, that act in a group with these ``settings``."""
        own = checked_decay(settings.get("weight_decay"))
        return [regularizer for regularizer in [own or self.regularization] if regularizer is not None]

    # ------------------------------------------------------------------ Paddle's interface

    def step(self) -> None:
        """Update every parameter that has a gradient, once.

        Parameters with ``stop_gradient`` or without a gradient are skipped and their step count stands still.

        Raises:
            RuntimeError: Paddle is in static mode.
            ValueError, TypeError: A gradient has another shape or dtype than its parameter.
        """
        fallback(recursive=True)  # see _check_mode
        self._check_mode()
        self._update([group.with_gradients() for group in self._groups])

    def minimize(self, loss, startup_program=None, parameters=None, no_grad_set=None):
        """Update the parameters from the gradients that ``loss.backward()`` has left.

        Args:
            loss: The loss tensor; as in Paddle its gradients must already have been computed.
            startup_program: Ignored; it belongs to Paddle's static mode.
            parameters: Tensors or names to restrict the update to.
            no_grad_set: Tensors or names to leave out. (Paddle leaves them out in static mode only.)

        Returns:
            ``([], [(parameter, gradient), …])``; the list of operators is empty outside static mode.
        """
        fallback(recursive=True)
        pairs = self.backward(loss, startup_program, parameters, no_grad_set)
        return self.apply_gradients(pairs), pairs

    def backward(self, loss, startup_program=None, parameters=None, no_grad_set=None, callbacks=None) -> list:
        """Return the ``[(parameter, gradient), …]`` that ``minimize`` updates by: its first half.

        As in Paddle's dynamic mode it computes no gradients: ``loss.backward()`` has left them.

        Args:
            loss, startup_program, parameters, no_grad_set: As in ``minimize``.
            callbacks: Ignored; they belong to Paddle's static mode.

        Raises:
            TypeError: ``loss`` is no tensor.
            ValueError: ``parameters`` names one that this optimizer does not update.
        """
        fallback(recursive=True)
        self._check_mode()
        if not isinstance(loss, paddle.Tensor):
            raise TypeError(f"loss must be a paddle.Tensor, got {type(loss).__name__}")
        own = names_of("parameters", self._parameters())
        only = names_of("parameters", parameters, among=own) if parameters else own
        without = names_of("no_grad_set", no_grad_set or ())
        return [
            (parameter, gradient)
            for group in self._groups
            for parameter, gradient in group.with_gradients()
            if parameter.name in only and parameter.name not in without
        ]

    def apply_gradients(self, params_grads) -> list:
        """Update parameters by the ``[(parameter, gradient), …]`` given: the second half of ``minimize``.

        Returns:
            An empty list; Paddle's static mode returns its operators here.

        Raises:
            ValueError: ``params_grads`` has a parameter that this optimizer does not update.
            TypeError: It has something that is no tensor.

        Example:
            >>> from course_lib import optimizer
            >>> x = paddle.to_tensor([1.0], stop_gradient=False)
            >>> sgd = optimizer.SGD(learning_rate=0.5, parameters=[x])
            >>> sgd.apply_gradients([(x, paddle.to_tensor([1.0]))])
            []
            >>> x.tolist()
            [0.5]
        """
        fallback(recursive=True)
        self._check_mode()
        pairs = [(parameter, gradient) for parameter, gradient in params_grads if gradient is not None]
        if not all(isinstance(each, paddle.Tensor) for pair in pairs for each in pair):
            raise TypeError(f"params_grads must hold pairs of tensors, parameter and gradient, got {pairs!r:.80}")
        own, given = set(map(id, self._parameters())), {id(parameter): gradient for parameter, gradient in pairs}
        others = [parameter for parameter, _ in pairs if id(parameter) not in own]
        if others:
            raise ValueError(f"params_grads must be among the optimizer's own parameters, got {others[0].name}")
        self._update([[(p, given[id(p)]) for p in group.trainable() if id(p) in given] for group in self._groups])
        return []

    def get_opti_var_name_list(self) -> list[str]:
        """Return the names of the optimizer's variables in Paddle's static mode: there are none."""
        return []

    def clear_grad(self, set_to_zero: bool = True) -> None:
        """Clear the gradients.

        Args:
            set_to_zero: Set them to 0 (Paddle's default): a further ``step`` still moves a parameter by
                its momentum and decay. ``False`` removes them: a further ``step`` skips the parameter.
        """
        for group in self._groups:
            for parameter in group.parameters:
                if not parameter.stop_gradient:
                    parameter.clear_gradient(set_to_zero)

    def clear_gradients(self, set_to_zero: bool = True) -> None:
        """Another name of ``clear_grad``, as in Paddle."""
        self.clear_grad(set_to_zero)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients, by default to ``None``, as Paddle's method of this name does."""
        self.clear_grad(set_to_zero=not set_to_none)

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

    def set_lr_scheduler(self, scheduler: LRScheduler) -> None:
        """Let ``scheduler`` drive the learning rate from now on.

        Raises:
            TypeError: ``scheduler`` is no ``LRScheduler``.
        """
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(f"scheduler must be an LRScheduler, got {scheduler!r} ({type(scheduler).__name__})")
        self._learning_rate = scheduler

    # ------------------------------------------------------------------ saving and resuming

    def state_dict(self) -> dict:
        """Return a copy of the state, under the names that Paddle's optimizer of this class uses.

        Paddle's optimizer can load it. Beside Paddle's entries it holds each parameter's step number
        ``…_t_0``, so that a resumed run equals the unbroken one bit for bit, and the class of the schedule.

        Raises:
            ValueError: Two parameters have the same name, or one has been resized since its last step.
        """
        distinct_names(self._parameters())
        states, state_dict = self._all_states(), {}
        for place, (parameter, seen) in enumerate(self._parameters_and_views()):
            if place in states:
                self._check_size(parameter, states[place], math.prod(parameter.shape))
                state_dict.update(to_paddle(seen, parameter, states[place]))
        return {**state_dict, **schedule_entries(self._learning_rate)}

    def set_state_dict(self, state_dict: dict) -> None:
        """Continue from a state that this class or Paddle's class of the same name has saved.

        Raises:
            TypeError: It is no dict.
            ValueError: The state belongs to another class, model, shape or schedule. Then nothing is changed, as
                with every other error of a schedule's own.
        """
        if not isinstance(state_dict, dict):
            raise TypeError(f"state_dict must be a dict as state_dict() returns it, got {type(state_dict).__name__}")
        distinct_names(self._parameters())
        states = from_paddle(self._parameters_and_views(), state_dict)
        load_schedule(self._learning_rate, state_dict)
        self._states, self._blocks, self._updated, self._places = states, [], [], []

    load_state_dict = set_state_dict

    def paddle_extras(self, t: int, shape) -> dict[str, np.ndarray]:
        """Return what Paddle's optimizer of this class saves after step ``t`` beside the slots."""
        return {}

    # ------------------------------------------------------------------ one step, block by block

    def _check_mode(self) -> None:
        """Refuse Paddle's static mode, in which there are no values yet for NumPy to compute with.

        ``paddle.jit.to_static(full_graph=False)`` is no static mode, but translates what a function calls; there
        ``fallback``, nothing in itself, at the beginning of the methods above makes it leave them to Python.
        """
        if not paddle.in_dynamic_mode():
            raise RuntimeError(
                f"{type(self).__name__} of course_lib works in Paddle's dynamic mode only: call "
                "paddle.disable_static() first, and keep its step out of paddle.jit.to_static(full_graph=True)"
            )

    def _update(self, pairs_by_group) -> None:
        """Apply the rule to ``[(parameter, gradient), …]`` of each group, after clipping."""
        if not self._groups:
            raise ValueError(
                f"{type(self).__name__} has no parameters to update: give parameters=model.parameters() when making it"
            )
        parameters, gradients, groups = [], [], []
        for group, pairs in zip(self._groups, pairs_by_group):
            for parameter, gradient in group.clipped(pairs):
                if not gradient.is_dense():
                    self.check_rows(parameter, group)
                parameters.append(parameter)
                gradients.append(gradient)
                groups.append(group)
        self._make_current(parameters, groups)
        self._follow_momentum_schedule()
        arrays = [read(gradient, own.size) for gradient, own in zip(gradients, self._memory)]
        if forms(arrays) != self._forms:  # either a parameter has been reshaped where it lies, or a gradient is wrong
            self._addresses = []
            self._make_current(parameters, groups)
            check_forms(parameters, self._memory, gradients, arrays)
        update(self._blocks, [array.reshape(-1) for array in arrays], self.get_lr())

    def _make_current(self, parameters, groups) -> None:
        """See to it that the blocks consist of just these parameters and know where these lie in memory."""
        same = list(map(id, parameters)) == list(map(id, self._updated))
        addresses = [address(parameter) for parameter in parameters]
        if same and addresses == self._addresses:
            return
        in_memory = [memory(parameter) for parameter in parameters]
        flat = [array.reshape(-1) for array in in_memory]
        if not same or [array.size for array in flat] != [array.size for array in self._memory]:
            self._rebuild(parameters, groups, flat)
        self._memory, self._addresses, self._forms = in_memory, addresses, forms(in_memory)
        for block in self._blocks:
            block.attach(flat)

    def _rebuild(self, parameters, groups, flat: list[np.ndarray]) -> None:
        """Make the blocks anew, of these parameters, whose memory is ``flat``."""
        place_of = {id(parameter): place for place, parameter in enumerate(self._parameters())}
        places = [place_of[id(parameter)] for parameter in parameters]
        at_rest = self._all_states()
        states = [
            at_rest.pop(place) if place in at_rest else self._fresh_state_in(group, array)
            for place, group, array in zip(places, groups, flat)
        ]
        for parameter, state, array in zip(parameters, states, flat):
            self._check_size(parameter, state, array.size)
        settings = [self._setting(*each) for each in zip(places, parameters, groups, states)]
        self._blocks = make_blocks(self, settings, states, [array.size for array in flat])
        self._states, self._updated, self._places = at_rest, parameters, places

    def _setting(self, place, parameter, group, state: State) -> Setting:
        """Return what a parameter must share with others to be updated together with them."""
        hyperparameters, lr_scale, regularizers = self._inherited.get(place) or self._own_settings(parameter, group)
        return Setting(
            hyperparameters=tuple(sorted(hyperparameters.items())),
            lr_scale=lr_scale,
            regularizers=regularizers,
            dtype=str(parameter.dtype),
            t=state.t,
            scalars=tuple(state.scalars.items()),
            group=None if self.elementwise else group,
        )

    def _own_settings(self, parameter, group) -> tuple[dict, float, tuple]:
        """Return the hyper-parameters, the factor of the learning rate and the regularizers of a parameter."""
        hyperparameters = {**group.hyperparameters, **self.overrides_for(parameter)}
        lr_scale = group.lr_scale_of(parameter) * hyperparameters.pop("lr_ratio", 1.0)
        return hyperparameters, lr_scale, group.regularizers_of(parameter)

    def _fresh_state_in(self, group, x: np.ndarray) -> State:
        """Return the state before the first step of a parameter ``x`` of ``group``."""
        seen = self._as_in(group)
        fresh = seen.fresh_state(x)
        return State(0, {slot: getattr(fresh, slot) for slot in seen.slots}, dict(self.scalars))

    def _check_size(self, parameter, state: State, size: int) -> None:
        """Refuse a parameter that had another size at its last step; only a rule without state can go on."""
        sizes = {array.size for array in state.arrays.values()} - {size}
        if sizes:
            raise ValueError(
                f"parameter {parameter.name} has {size} elements now, but its state in this "
                f"{type(self).__name__} has {sizes.pop()}: make a new optimizer after a parameter has been resized"
            )

    def _as_in(self, group) -> Optimizer:
        """Return this optimizer as the parameters of ``group`` see it."""
        return View(self, group.hyperparameters, rounded=False).current()

    def _all_states(self) -> dict[int, State]:
        """Return the states at rest and those that live in the blocks, by the parameter's place; not all are copies."""
        pieces = {}
        for block in self._blocks:
            for piece, state in block.states(self.scalars):
                pieces.setdefault(self._places[piece.index], []).append((piece.start, state))
        states = dict(self._states)
        for place, parts in pieces.items():
            parts = [state for _, state in sorted(parts, key=lambda part: part[0])]
            arrays = {slot: joined([state.arrays[slot] for state in parts]) for slot in parts[0].arrays}
            states[place] = State(parts[0].t, arrays, parts[0].scalars)
        return states

    def __getattr__(self, name: str):
        """Tell a slip from an attribute that Paddle's optimizer has for its own bookkeeping (``_accumulators``)."""
        theirs = getattr(paddle.optimizer, type(self).__name__, paddle.optimizer.Optimizer)
        if name in _stored_by_constructors(theirs):
            raise no_attribute(f"{name} is an attribute of Paddle's {theirs.__name__}, but not of the course's")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __getstate__(self) -> dict:
        """Return what ``copy`` and ``pickle`` take along.

        The parameters of a copy lie elsewhere in memory, have other names, and out of a pickle no ``ParamAttr``: what
        depends on these is settled here.
        """
        pairs = [(parameter, group) for group in self._groups for parameter in group.parameters]
        settled = {place: self._own_settings(*pair) for place, pair in enumerate(pairs)}
        return {**vars(self), "_memory": [], "_addresses": [], "_inherited": {**settled, **self._inherited}}

    def _follow_momentum_schedule(self) -> None:
        """Let a schedule that cycles momentum against the learning rate set this step's momentum."""
        current_momentum = getattr(self._learning_rate, "current_momentum", None)
        momentum = current_momentum() if current_momentum is not None else None
        if momentum is None:
            return
        if self.momentum_name is None:
            raise ValueError(
                f"the schedule {type(self._learning_rate).__name__} cycles momentum, but {type(self).__name__} has none"
            )
        setattr(self, self.momentum_name, self.limits[self.momentum_name](self.momentum_name, momentum))

    def _parameters(self):
        return [parameter for group in self._groups for parameter in group.parameters]

    def _parameters_and_views(self) -> list:
        """Return ``[(parameter, this optimizer as the parameter sees it), …]``."""
        views = [(group, self._as_in(group)) for group in self._groups]
        return [(parameter, seen) for group, seen in views for parameter in group.parameters]

    @property
    def _parameter_list(self):
        """Where Paddle's GradScaler looks for the parameters."""
        return self._parameters()


@cache
def _stored_by_constructors(cls) -> set[str]:
    """Return the names of the attributes that the constructors of a class and of its bases set."""
    constructors = [dis.get_instructions(inspect.unwrap(each.__init__)) for each in cls.__mro__[:-1]]
    return {instruction.argval for instruction in chain(*constructors) if instruction.opname == "STORE_ATTR"}
