"""A step that asks for the loss several times: the parameters as one vector, and a closure that evaluates them."""

from __future__ import annotations

import copy
from itertools import chain
from types import SimpleNamespace

import numpy as np
import paddle

from ...arrays import dot
from ...edge import is_tensor, leave_to_python
from ...errors import function, whole
from ..two_loop import first_guess
from .interface import OfTensors
from .memory import DTYPES, check_forms, memory, read
from .saving import checked_dict, load_schedule, schedule_entries
from .updates import check_not_empty

KEPT = {"func_evals", "n_iter", "d", "alpha", "old_sk", "old_yk", "prev_flat_grad"}
"""The entries of Paddle's state from which a run goes on."""

DERIVED = {"ro", "H_diag", "prev_loss", "al"}
"""Paddle's other entries: they follow from those kept, or are only used within a step."""


class StepsByClosure(OfTensors):
    """Paddle's methods for an optimizer whose ``advance`` evaluates the loss itself.

    Args:
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.
    """

    def __init__(self, parameters, weight_decay, grad_clip, name):
        super().__init__(parameters, weight_decay, grad_clip, name)
        for group in self._groups:
            _check_that_nothing_is_its_own(group)
        self._vector = Vector(self._parameters())
        self._state = self.fresh_state()

    def step(self, closure):
        """Go on by one step, in which the loss may be evaluated many times.

        A parameter with ``stop_gradient`` stands still; one that has no gradient has the gradient zero. If
        ``closure`` raises, parameters and state are as before.

        Args:
            closure: Function without arguments that clears the gradients, computes the loss, calls its ``backward()``
                and returns it.

        Returns:
            The first loss that ``closure`` returned: that of the parameters before the step.

        Raises:
            RuntimeError: Paddle is in static mode.
            TypeError: ``closure`` is no function, or returns no tensor of one element.
        """
        leave_to_python(recursive=True)
        self._check_mode()
        check_not_empty(self, self._vector.parameters)
        function("closure", closure)
        losses = []

        def loss_at(x):
            self._vector.write(x)
            with paddle.enable_grad():
                loss = closure()
            if not losses:
                losses.append(loss)
            return _number_of(loss)

        def gradient_at(x):
            return self._vector.gradient()  # which the closure has just computed

        self.follow_momentum_schedule()
        x, state = self._vector.read(), self._state_that_fits()
        try:
            with paddle.no_grad(), np.errstate(all="ignore"):
                x = self.advance(x, loss_at, gradient_at, state, self.get_lr())
        finally:
            self._vector.write(x)
        self._state = state
        return losses[0]

    def _state_that_fits(self) -> SimpleNamespace:
        """Return a copy of the state; a fresh one if it would move a parameter that has been frozen."""
        vectors = _vectors(self._state)
        _check_sizes(vectors, self._vector, "its state", "make a new optimizer after a parameter has been resized")
        frozen = self._vector.frozen()
        moves_what_is_frozen = frozen.any() and any(vector[frozen].any() for vector in vectors)
        return self.fresh_state() if moves_what_is_frozen else copy.copy(self._state)

    def minimize(self, loss, startup_program=None, parameters=None, no_grad_set=None):
        """Refuse, as Paddle's class does.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"{type(self).__name__} evaluates the loss itself: use step(closure)")

    def apply_gradients(self, params_grads):
        """Refuse: see ``minimize``."""
        self.minimize(None)

    # ------------------------------------------------------------------ saving and resuming

    def state_dict(self) -> dict:
        """Return a copy of the state, as Paddle's class names it: ``{"state": {"n_iter": …, "old_sk": […], …}}``.

        Paddle's own ``set_state_dict`` does nothing with it; ``paddles.state.update(ours.state_dict()["state"])`` does.
        """
        return {"state": _to_paddle(self._state), **schedule_entries(self._learning_rate)}

    def set_state_dict(self, state_dict: dict) -> None:
        """Continue from a state that this class or Paddle's class of the same name has saved.

        The state goes by the order of the parameters, not by their names.

        Raises:
            TypeError: It is no dict.
            ValueError: The state belongs to another class, model or schedule. Then nothing is changed.
        """
        checked_dict(state_dict)
        state = _from_paddle(self, state_dict.get("state"))
        load_schedule(self._learning_rate, state_dict)
        self._state = state

    load_state_dict = set_state_dict


class Vector:
    """Parameters, and their gradients, as one array.

    Args:
        parameters: The tensors, all of one dtype.

    Raises:
        ValueError: They are not of one dtype.
    """

    def __init__(self, parameters):
        dtypes = {parameter.dtype for parameter in parameters}
        if len(dtypes) > 1:
            raise ValueError(f"parameters must have one dtype, got {', '.join(sorted(map(str, dtypes)))}")
        self.parameters, self.dtype = parameters, DTYPES[dtypes.pop()] if dtypes else None

    @property
    def size(self) -> int:
        """How many elements the parameters have at this moment."""
        return sum(parameter.size for parameter in self.parameters)

    def read(self) -> np.ndarray:
        """Return a copy of the parameters' values."""
        return np.concatenate([memory(parameter).reshape(-1) for parameter in self.parameters])

    def write(self, x: np.ndarray) -> None:
        """Give the parameters that are not frozen these values."""
        for parameter, part in zip(self.parameters, self._parts(x)):
            if not parameter.stop_gradient:
                memory(parameter)[...] = part.reshape(parameter.shape)

    def gradient(self) -> np.ndarray:
        """Return a copy of the gradients, zero where there is none."""
        gradient = np.zeros(self.size, self.dtype)
        for parameter, part in zip(self.parameters, self._parts(gradient)):
            if not parameter.stop_gradient and parameter.grad is not None:
                own, array = memory(parameter), read(parameter.grad, parameter.size)
                check_forms([parameter], [own], [parameter.grad], [array])
                part[...] = array.reshape(-1)
        return gradient

    def frozen(self) -> np.ndarray:
        """Return for every element whether its parameter is frozen."""
        return np.concatenate([np.full(parameter.size, parameter.stop_gradient) for parameter in self.parameters])

    def _parts(self, x: np.ndarray) -> list[np.ndarray]:
        return np.split(x, np.cumsum([parameter.size for parameter in self.parameters])[:-1])


def _check_that_nothing_is_its_own(group) -> None:
    """Refuse settings of a group, or of a parameter by its ``ParamAttr``: one step moves all parameters.

    Raises:
        ValueError: There is a setting.
    """
    for parameter in group.parameters:
        its_own = {
            "learning_rate": group.lr_scale_of(parameter) != 1,
            "weight_decay": any(coefficient for _, coefficient in group.regularizers_of(parameter)),
            "grad_clip": group._clip is not None,
            **dict.fromkeys(group.hyperparameters.keys() - {"slots"}, True),
        }
        for name in filter(its_own.get, its_own):
            raise ValueError(
                f"LBFGS moves all parameters by one step: {parameter.name} must have no {name} of its own, neither by "
                "its group nor by ParamAttr"
            )


def _number_of(loss) -> float:
    """Return the number that a closure returned.

    Raises:
        TypeError: It is no tensor of one element.
    """
    if not is_tensor(loss) or loss.size != 1:
        shown = f"a tensor of shape {list(loss.shape)}" if is_tensor(loss) else f"{loss!r:.60} ({type(loss).__name__})"
        raise TypeError(f"closure must return the loss, a tensor of one element, got {shown}")
    return loss.item()


# ---------------------------------------------------------------------- the state, as Paddle names it


def _vectors(state: SimpleNamespace) -> list[np.ndarray]:
    return [state.direction, state.gradient, *chain(*state.pairs)] if state.t else []


def _check_sizes(vectors, own: Vector, where: str, hint: str) -> None:
    others = {vector.size for vector in vectors} - {own.size}
    if others:
        raise ValueError(
            f"the parameters of LBFGS have {own.size} elements, but in {where} there are {others.pop()}: {hint}"
        )


def _to_paddle(state: SimpleNamespace) -> dict:
    """Return the state in Paddle's entries; without one before the first step."""
    if not state.evaluations:
        return {}
    counts = {"func_evals": state.evaluations, "n_iter": state.t}
    if not state.t:
        return counts
    dtype = str(state.direction.dtype)
    return {
        **counts,
        "d": paddle.to_tensor(state.direction),
        "alpha": state.alpha,
        "prev_flat_grad": paddle.to_tensor(state.gradient),
        "old_sk": [paddle.to_tensor(s) for s, _ in state.pairs],
        "old_yk": [paddle.to_tensor(y) for _, y in state.pairs],
        "ro": [paddle.to_tensor(1 / dot(s, y), dtype) for s, y in state.pairs],
        "H_diag": paddle.to_tensor(first_guess(state.pairs), dtype),
    }


def _from_paddle(optimizer, saved) -> SimpleNamespace:
    """Return the state that Paddle's entries hold, as ``optimizer`` needs it.

    Raises:
        ValueError: An entry is missing, unknown or has another size than the parameters.
        TypeError: A count is no whole number.
    """
    if not isinstance(saved, dict) or not saved.keys() <= KEPT | DERIVED:
        names = sorted(saved) if isinstance(saved, dict) else type(saved).__name__
        raise ValueError(f"state_dict must have the entry 'state' as LBFGS saves it, got {names!s:.80}")
    state = optimizer.fresh_state()
    state.t, state.evaluations = (
        whole(f"state_dict's {name}", saved.get(name, 0), low=0) for name in ("n_iter", "func_evals")
    )
    if not state.t:
        return state
    if missing := KEPT - saved.keys():
        raise ValueError(f"state_dict has no '{min(missing)}' of LBFGS")

    def vector(tensor):
        return np.array(tensor, optimizer._vector.dtype)

    state.direction, state.gradient = vector(saved["d"]), vector(saved["prev_flat_grad"])
    state.alpha = np.asarray(saved["alpha"]).item()
    pairs = zip(map(vector, saved["old_sk"]), map(vector, saved["old_yk"]))
    state.pairs = tuple(pairs)[-optimizer.history_size :]
    _check_sizes(_vectors(state), optimizer._vector, "state_dict", "it must come from the same model")
    return state
