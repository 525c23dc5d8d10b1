"""Paddle's interface: the methods of an optimizer that has tensors, with Paddle's names and meanings."""

from __future__ import annotations

import dis
import inspect
from functools import cache
from itertools import chain

import paddle

from ...edge import leave_to_python
from ...errors import no_attribute
from .groups import checked_clip, checked_decay, make_groups, names_of
from .saving import checked_dict, distinct_names, from_paddle, load_schedule, own_entries, schedule_entries, to_paddle
from .updates import Updates


class OfTensors(paddle.optimizer.Optimizer):
    """The half of an optimizer that reads and writes tensors; the other one is ``rule.Rule``.

    Args:
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.
    """

    def __init__(self, parameters, weight_decay, grad_clip, name):
        self.regularization = checked_decay(weight_decay)
        self._grad_clip = checked_clip(grad_clip)
        self._name = name
        self._groups = [] if parameters is None else make_groups(self, parameters)
        self._updates = Updates(self._groups)

    # ------------------------------------------------------------------ a step

    def step(self) -> None:
        """Update every parameter that has a gradient, once.

        Parameters with ``stop_gradient`` or without a gradient are skipped and their step count stands still.

        Raises:
            RuntimeError: Paddle is in static mode.
            ValueError, TypeError: A gradient has another shape or dtype than its parameter.
        """
        leave_to_python(recursive=True)  # see _check_mode
        self._check_mode()
        self._updates.step(self, [group.with_gradients() for group in self._groups])

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
        leave_to_python(recursive=True)
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
        leave_to_python(recursive=True)
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
        leave_to_python(recursive=True)
        self._check_mode()
        pairs = [(parameter, gradient) for parameter, gradient in params_grads if gradient is not None]
        if not all(isinstance(each, paddle.Tensor) for pair in pairs for each in pair):
            raise TypeError(f"params_grads must hold pairs of tensors, parameter and gradient, got {pairs!r:.80}")
        own, given = set(map(id, self._parameters())), {id(parameter): gradient for parameter, gradient in pairs}
        others = [parameter for parameter, _ in pairs if id(parameter) not in own]
        if others:
            raise ValueError(f"params_grads must be among the optimizer's own parameters, got {others[0].name}")
        taking_part = [[(p, given[id(p)]) for p in group.trainable() if id(p) in given] for group in self._groups]
        self._updates.step(self, taking_part)
        return []

    def _check_mode(self) -> None:
        """Refuse Paddle's static mode, in which there are no values yet for NumPy to compute with.

        ``paddle.jit.to_static(full_graph=False)`` is no static mode, but translates what a function calls; there
        ``leave_to_python`` at the beginning of the methods above makes it leave them to Python.
        """
        if not paddle.in_dynamic_mode():
            raise RuntimeError(
                f"{type(self).__name__} of course_lib works in Paddle's dynamic mode only: call "
                "paddle.disable_static() first, and keep its step out of paddle.jit.to_static(full_graph=True)"
            )

    def get_opti_var_name_list(self) -> list[str]:
        """Return the names of the optimizer's variables in Paddle's static mode: there are none."""
        return []

    # ------------------------------------------------------------------ clearing gradients

    def clear_grad(self, set_to_zero: bool = True) -> None:
        """Clear the gradients.

        Args:
            set_to_zero: Set them to 0 (Paddle's default): a further ``step`` still moves a parameter by
                its momentum and decay. ``False`` removes them: a further ``step`` skips the parameter.
        """
        for group in self._groups:
            for parameter in group.trainable():
                parameter.clear_gradient(set_to_zero)

    def clear_gradients(self, set_to_zero: bool = True) -> None:
        """Another name of ``clear_grad``, as in Paddle."""
        self.clear_grad(set_to_zero)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients, by default to ``None``, as Paddle's method of this name does."""
        self.clear_grad(set_to_zero=not set_to_none)

    # ------------------------------------------------------------------ saving and resuming

    def state_dict(self) -> dict:
        """Return a copy of the state, under the names that Paddle's optimizer of this class uses.

        Paddle's optimizer can load it. Beside Paddle's entries it holds each parameter's step number
        ``…_t_0``, so that a resumed run equals the unbroken one bit for bit, and the class of the schedule.

        Raises:
            ValueError: Two parameters have the same name, or one has been resized since its last step.
        """
        distinct_names(self._parameters())
        states, state_dict = self._updates.states(self), {}
        for place, (parameter, group) in enumerate(self._updates.members):
            if place in states:
                states[place].check_size(self, parameter)
                state_dict.update(to_paddle(group.view.of(self), parameter, states[place]))
        return {**state_dict, **schedule_entries(self._learning_rate)}

    def set_state_dict(self, state_dict: dict) -> None:
        """Continue from a state that this class or Paddle's class of the same name has saved.

        Raises:
            TypeError: It is no dict.
            ValueError: The state belongs to another class, model, shape or schedule. Then nothing is changed, as
                with every other error of a schedule's own.
        """
        distinct_names(self._parameters())
        states = from_paddle(self._parameters_and_views(), checked_dict(state_dict))
        load_schedule(self._learning_rate, state_dict)
        self._updates.go_on_from(states)

    load_state_dict = set_state_dict

    def own_entries(self, state_dict: dict) -> dict:
        """Return those entries of a ``state_dict`` that ``set_state_dict`` would take for its parameters."""
        return own_entries(self._parameters_and_views(), checked_dict(state_dict))

    def _parameters_and_views(self) -> list:
        return [(parameter, group.view.of(self)) for parameter, group in self._updates.members]

    @property
    def compiled(self) -> bool | None:
        """Whether the last step ran as compiled loops, one pass over memory each; ``None`` before the first step.

        Else it ran on NumPy, with the same results: Numba is not installed (the extra ``fast``), there are fewer than
        16,384 elements, or the rule has something that no loop has.
        """
        return self._updates.in_one_pass

    def states_in_use(self) -> list:
        """Return the states of the parameters that have been updated, in the order of the parameters."""
        return [state for _, state in sorted(self._updates.states(self).items())]

    def __getstate__(self) -> dict:
        """Return what ``copy`` and ``pickle`` take along."""
        return {**vars(self), "_updates": self._updates.for_copy(self)}

    # ------------------------------------------------------------------ parameters, and Paddle's own bookkeeping

    def _parameters(self) -> list:
        return [parameter for group in self._groups for parameter in group.parameters]

    @property
    def _parameter_list(self) -> list:
        """Where Paddle's GradScaler looks for the parameters."""
        return self._parameters()

    def __getattr__(self, name: str):
        """Tell a slip from an attribute that Paddle's optimizer has for its own bookkeeping (``_accumulators``)."""
        theirs = getattr(paddle.optimizer, type(self).__name__, paddle.optimizer.Optimizer)
        if name in _stored_by_constructors(theirs):
            raise no_attribute(f"{name} is an attribute of Paddle's {theirs.__name__}, but not of the course's")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


@cache
def _stored_by_constructors(cls) -> set[str]:
    """Return the names of the attributes that the constructors of a class and of its bases set."""
    constructors = [dis.get_instructions(inspect.unwrap(each.__init__)) for each in cls.__mro__[:-1]]
    return {instruction.argval for instruction in chain(*constructors) if instruction.opname == "STORE_ATTR"}
