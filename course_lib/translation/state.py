"""The saved state of PyTorch's optimizers, as Paddle's take it: a run can change over in the middle."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import paddle

from .. import optimizer
from ..errors import choice
from ..optimizer.tensors.blocks import State
from ..optimizer.tensors.saving import SCHEDULE, to_paddle


class Slots(NamedTuple):
    """Where PyTorch keeps the state of a rule.

    Attributes:
        ours: The course's class, whose state Paddle's optimizers take.
        names: Our slot or scalar → PyTorch's name of it.
    """

    ours: type
    names: dict[str, str]


_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}
_ADAM = {**_MOMENTS, "v_max": "max_exp_avg_sq"}

SLOTS = {
    "SGD": Slots(optimizer.Momentum, {"velocity": "momentum_buffer"}),
    "Adagrad": Slots(optimizer.Adagrad, {"sum_of_squares": "sum"}),
    "RMSprop": Slots(
        optimizer.RMSProp, {"mean_square": "square_avg", "velocity": "momentum_buffer", "mean_gradient": "grad_avg"}
    ),
    "Adadelta": Slots(optimizer.Adadelta, {"mean_square": "square_avg", "mean_square_update": "acc_delta"}),
    "Adam": Slots(optimizer.Adam, _ADAM),
    "AdamW": Slots(optimizer.AdamW, _ADAM),
    "Adamax": Slots(optimizer.Adamax, {"m": "exp_avg", "u": "exp_inf"}),
    "NAdam": Slots(optimizer.NAdam, {**_MOMENTS, "mu_product": "mu_product"}),
    "RAdam": Slots(optimizer.RAdam, _MOMENTS),
    "Rprop": Slots(optimizer.Rprop, {"last_gradient": "prev", "step_size": "step_size"}),
}
"""Class of ``torch.optim`` with a state for each parameter → that state."""

SEARCH = {
    **{"n_iter": "n_iter", "func_evals": "func_evals", "alpha": "t", "ro": "ro", "prev_loss": "prev_loss"},
    **{"H_diag": "H_diag", "d": "d", "prev_flat_grad": "prev_flat_grad", "old_sk": "old_stps", "old_yk": "old_dirs"},
}
"""Paddle's entry of L-BFGS's one state → PyTorch's."""

NAMES = [*SLOTS, "LBFGS"]
"""The classes whose state can be taken over; the others keep another state than Paddle's."""


def translate_state(name: str, state_dict: dict, model, parameters=None, schedule: dict | None = None) -> dict:
    """Return what ``set_state_dict`` of Paddle's optimizer takes, from what PyTorch's ``state_dict()`` returned.

    The weights themselves go their own way: the model's ``state_dict``, with those of linear layers transposed as here.

    Args:
        name: PyTorch's class, one of ``NAMES``, with or without the modules in front. L-BFGS's state is taken by
            ``course_lib.optimizer.LBFGS``; ``set_state_dict`` of Paddle's own class loads nothing, which is mended by
            ``paddles.state.update(translated["state"])``.
        state_dict: ``optimizer.state_dict()`` of PyTorch; its tensors may be arrays.
        model: Paddle's model, with its layers in the order of PyTorch's. It tells which weights belong to linear
            layers: Paddle keeps these as [in, out], PyTorch as [out, in], and their state is turned as they are.
        parameters: Paddle's parameters in the order in which PyTorch's optimizer was given them, if that is another
            order than the model's, as with groups. Running averages of batch normalization are no parameters.
        schedule: ``scheduler.state_dict()`` of PyTorch, if a schedule drives the learning rate.

    Raises:
        ValueError: The class keeps another state; or parameters and state differ in number or shape, or an entry lacks.

    Example:
        >>> import numpy as np
        >>> import paddle
        >>> saved = {"state": {0: {"momentum_buffer": np.ones((3, 2))}, 1: {"momentum_buffer": np.ones(3)}},
        ...          "param_groups": [{"params": [0, 1], "lr": 0.1, "momentum": 0.9}]}
        >>> model = paddle.nn.Linear(2, 3)
        >>> momentum = paddle.optimizer.Momentum(0.1, 0.9, model.parameters())
        >>> momentum.set_state_dict(translate_state("torch.optim.SGD", saved, model))
    """
    name = choice("name", name.rpartition(".")[2], NAMES)
    parameters = _parameters(model) if parameters is None else list(parameters)
    places = [(group, place) for group in state_dict["param_groups"] for place in group["params"]]
    if len(places) != len(parameters):
        raise ValueError(f"state_dict must be of {len(parameters)} parameters, as the model has, got {len(places)}")
    of_linear = _weights_of_linear_layers(model)
    entries = {} if schedule is None else {SCHEDULE: _schedule(schedule)}
    if name == "LBFGS":
        return {"state": _search(state_dict["state"], parameters, of_linear), **entries}
    slots = SLOTS[name]
    for parameter, (group, place) in zip(parameters, places):
        state = state_dict["state"].get(place, {})
        if any(state.get(theirs) is not None for theirs in slots.names.values()):
            rule = _rule(slots.ours, group)
            ours = _state(rule, slots, group, state, parameter, turned=id(parameter) in of_linear)
            entries.update(to_paddle(rule, parameter, ours))
    return entries


def _search(states: dict, parameters, of_linear: set[int]) -> dict:
    """L-BFGS's state, whose vectors hold all parameters one behind the other.

    Raises:
        ValueError: A vector has another length than the parameters together.
    """
    (state,) = states.values() or [{}]  # PyTorch keeps it with the first parameter
    ends = np.cumsum([parameter.size for parameter in parameters])

    def vector(theirs):
        flat = np.asarray(theirs)
        if flat.shape != (ends[-1],):
            raise ValueError(f"state_dict's vectors must have {ends[-1]} values, as the model, got {flat.size}")
        parts = zip(parameters, np.split(flat, ends[:-1]))
        turned = [_turned(part, p.shape) if id(p) in of_linear else part for p, part in parts]
        return paddle.to_tensor(np.concatenate(turned))

    kinds = {"d": vector, "prev_flat_grad": vector, "H_diag": _scalar, "ro": _listed(_scalar)}
    kinds |= {"old_sk": _listed(vector), "old_yk": _listed(vector)}
    known = {ours: state[theirs] for ours, theirs in SEARCH.items() if state.get(theirs) is not None}
    return {ours: kinds.get(ours, _plain)(value) for ours, value in known.items()}


def _listed(kind):
    """What makes each entry of a list one of the kind."""
    return lambda values: [kind(value) for value in values]


def _scalar(value):
    return paddle.to_tensor(np.asarray(value))


def _plain(value):
    """A number without PyTorch's tensor."""
    return np.asarray(value).item()


def _turned(part: np.ndarray, shape: list[int]) -> np.ndarray:
    """The weights [out, in] of a linear layer, in a row, as [in, out] in a row."""
    return part.reshape(shape[::-1]).T.reshape(-1)


def _rule(cls: type, group: dict):
    """The course's optimizer with those settings on which the form of its state depends."""
    settings = {name: group[name] for name in ("amsgrad", "centered") if group.get(name)}
    if "betas" in group:
        settings["beta1"], settings["beta2"] = map(float, group["betas"])
    return cls(learning_rate=float(group["lr"]), **settings)


def _state(rule, slots: Slots, group: dict, state: dict, parameter, turned: bool) -> State:
    """One parameter's state, as the course's ``rule`` keeps it."""

    def array(slot):
        name = slots.names[slot]
        if state.get(name) is None:
            if slot == "velocity":  # without momentum there is none
                return np.zeros(math.prod(parameter.shape))
            raise ValueError(f"state_dict must have {name} for {parameter.name}, got {', '.join(state)}")
        values = np.asarray(state[name]).T if turned else np.asarray(state[name])
        if list(values.shape) != list(parameter.shape):
            wanted = f"{list(parameter.shape)}, as {parameter.name} has"
            raise ValueError(f"state_dict's {name} must have the shape {wanted}, got {list(values.shape)}")
        return values.reshape(-1) * (_of_velocity(rule, group) if slot == "velocity" else 1.0)

    scalars = {name: float(np.asarray(state[slots.names[name]])) for name in rule.scalars}
    steps = int(np.asarray(state.get("step", 0)))
    return State(steps, {slot: array(slot) for slot in rule.slots}, scalars)


def _of_velocity(rule, group: dict) -> float:
    """What Paddle's velocity is in units of PyTorch's, for the call that ``translate`` gives."""
    if isinstance(rule, optimizer.RMSProp):
        return float(group["lr"])  # Paddle's has the learning rate inside
    return 1 / (1 - float(group.get("dampening", 0)))  # there it is the learning rate that is damped


def _parameters(model) -> list:
    """The parameters that PyTorch has too: Paddle counts the running averages of batch normalization among them."""
    averages = {id(getattr(layer, name, None)) for layer in _layers(model) for name in ("_mean", "_variance")}
    return [parameter for parameter in model.parameters() if id(parameter) not in averages]


def _weights_of_linear_layers(model) -> set[int]:
    linear = (layer for layer in _layers(model) if any(cls.__name__ == "Linear" for cls in type(layer).__mro__))
    return {id(layer.weight) for layer in linear}


def _layers(model) -> list:
    return model.sublayers(include_self=True)


def _schedule(state: dict) -> dict:
    """Both libraries have the same names for what a schedule has counted."""
    counted = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")
    return {**{name: state[name] for name in counted if name in state}, "last_lr": float(state["_last_lr"][0])}
