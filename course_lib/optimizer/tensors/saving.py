"""The state of the course's optimizers under the names that Paddle's optimizers give it."""

from __future__ import annotations

import math
import re

import numpy as np
import paddle
from paddle.optimizer import lr as paddles_lr
from paddle.optimizer.lr import LRScheduler

from ...errors import whole
from .. import lr as own_lr
from .blocks import State, View
from .paddle_format import format_of

LARGEST_STEP = 10**6
"""Where Paddle's stored β^t has underflowed to zero, any step this late gives the same correction."""

SCHEDULE, SCHEDULE_CLASS = "LR_Scheduler", "LR_Scheduler_class"
"""Paddle's entry for the state of the schedule, and the course's for its class, which Paddle passes over."""

OF_NO_PARAMETER = (SCHEDULE, SCHEDULE_CLASS, "master_weights", "StructuredToParameterName@@")
"""Entries of a saved ``state_dict`` that belong to no parameter; the last is what ``paddle.save`` adds."""

OTHER_NAMES = (
    "a model that is made again in the same session gets new names, unless it is made, both times, within "
    "'with paddle.utils.unique_name.guard():'"
)


# ---------------------------------------------------------------------- parameters


def to_paddle(optimizer, parameter, state: State) -> dict[str, paddle.Tensor]:
    """Return one parameter's entries of a ``state_dict``: Paddle's, and the step number ``…_t_0``."""
    shape, dtype = list(parameter.shape), _dtype(parameter)
    form = format_of(type(optimizer))
    arrays = form.extras(_as_in_paddles_kernel(optimizer, dtype), state.t, shape)
    for slot, array in state.arrays.items():
        arrays[form.names.get(slot, slot)] = array.reshape([*array.shape[:-1], *shape])
    counts = {"t": state.t, **{count: state.scalars[count] for count in form.counts}}
    numbers = {scalar: value for scalar, value in state.scalars.items() if scalar not in counts}
    for scalar, value in numbers.items():
        arrays[form.names.get(scalar, scalar)] = np.full(shape, value)
    tensors = {name: paddle.to_tensor(np.asarray(array, dtype)) for name, array in arrays.items()}
    tensors.update({form.names.get(name, name): paddle.to_tensor([n], dtype="int64") for name, n in counts.items()})
    # A scalar is kept exactly, too: a resumed run must not depend on the parameter's precision.
    tensors.update({f"{name}_exact": paddle.to_tensor([v], dtype="float64") for name, v in numbers.items()})
    entries = {_prefix(optimizer, parameter) + name + "_0": tensor for name, tensor in tensors.items()}
    for key, tensor in entries.items():
        tensor.name = key  # as in Paddle, where programs look a saved tensor up by its name
    return entries


def from_paddle(parameters_and_views: list, state_dict: dict) -> dict[int, State]:
    """Return the states that a ``state_dict`` holds, by the place of their parameter.

    Args:
        parameters_and_views: Each parameter, and the optimizer as it sees it.
        state_dict: What this optimizer or Paddle's of the same class has saved.

    Raises:
        ValueError: An entry is missing, belongs to no parameter or has another shape than its parameter.
        TypeError: A step number is no whole number.
    """
    entries = {str(key): value for key, value in state_dict.items() if key not in OF_NO_PARAMETER}
    found, others = _by_parameter(parameters_and_views, entries)
    states = {place: _state(*parameters_and_views[place][::-1], values) for place, values in found.items()}
    if others:
        kind = type(parameters_and_views[0][1]).__name__ if parameters_and_views else "optimizer"
        raise ValueError(
            f"state_dict has entries for none of the parameters of this {kind}: {', '.join(sorted(others)[:3])}; "
            f"it must come from the same model and optimizer class ({OTHER_NAMES})"
        )
    return states


def checked_dict(state_dict) -> dict:
    """Return what is a dict.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(state_dict, dict):
        raise TypeError(f"state_dict must be a dict as state_dict() returns it, got {type(state_dict).__name__}")
    return state_dict


def own_entries(parameters_and_views: list, state_dict: dict) -> dict:
    """Return those entries of a ``state_dict`` that ``to_paddle`` would write for these parameters."""
    own = {_prefix(view, parameter) + name for parameter, view in parameters_and_views for name in _accumulators(view)}
    return {key: value for key, value in state_dict.items() if _without_number(str(key))[0] in own}


def distinct_names(parameters) -> None:
    """Refuse two parameters of one name: a ``state_dict`` could not tell them apart.

    Raises:
        ValueError: Two parameters have the same name.
    """
    seen = set()
    for parameter in parameters:
        if parameter.name in seen:
            raise ValueError(
                f"two parameters are called {parameter.name}, and the state is saved by name: make both of their "
                "models within one 'with paddle.utils.unique_name.guard():'"
            )
        seen.add(parameter.name)


def _by_parameter(parameters_and_views, entries: dict) -> tuple[dict, list]:
    """Sort entries by the place of their parameter, ``{place: {accumulator: array}}``; return the other keys, too.

    Names are looked up, not taken apart: one parameter's name may begin as another's does.
    """
    known, place_of = {}, {}
    for place, (parameter, optimizer) in enumerate(parameters_and_views):
        prefix = _prefix(optimizer, parameter)
        place_of[prefix] = place
        known.update({prefix + name: (place, name) for name in _accumulators(optimizer)})
    found, unknown = {}, []
    for key, value in entries.items():
        stem, number = _without_number(key)
        if number and stem in known:
            place, name = known[stem]
            found.setdefault(place, {})[name] = value
        else:
            unknown.append(key)
    # paddle.Model.load adds entries of its own, under mangled names, that hold the tensors of others
    in_use = {id(value) for values in found.values() for value in values.values()}
    others = []
    for key in (key for key in unknown if id(entries[key]) not in in_use):
        prefix = _longest_prefix(key, place_of)
        if prefix is None:
            others.append(key)
        else:
            found.setdefault(place_of[prefix], {})[_without_number(key[len(prefix) :])[0]] = entries[key]
    return found, others


def _state(optimizer, parameter, values: dict) -> State:
    """Return one parameter's state from its entries of a ``state_dict``."""
    shape, dtype, form = list(parameter.shape), _dtype(parameter), format_of(type(optimizer))
    found = {name: np.asarray(value) for name, value in values.items()}
    extras = {name: found.pop(name) for name in form.extras(optimizer, 1, [1]) if name in found}

    def taken(slot, shape=shape):
        name = form.names.get(slot, slot)
        if name not in found:
            raise ValueError(
                f"state_dict has no '{name}' for parameter {parameter.name}: "
                f"it was not saved by a {type(optimizer).__name__} with the same settings"
            )
        stack = optimizer.stack_of(slot)
        if list(found[name].shape) != [*stack, *shape]:
            raise ValueError(
                f"state_dict's '{name}' for parameter {parameter.name} has shape {list(found[name].shape)}, "
                f"the parameter {'needs' if stack else 'has'} {[*stack, *shape]}"
            )
        return np.array(found.pop(name), dtype).reshape([*stack, math.prod(shape)])

    arrays = {slot: taken(slot) for slot in optimizer.slots}
    numbers = {scalar: default for scalar, default in optimizer.scalars.items() if scalar not in form.counts}
    scalars = {scalar: _first(taken(scalar), default) for scalar, default in numbers.items()}
    scalars.update({scalar: found.pop(f"{scalar}_exact").item() for scalar in scalars if f"{scalar}_exact" in found})
    scalars.update({count: int(taken(count, [1]).item()) for count in form.counts})
    if (step := form.names.get("t", "t")) in found:
        saved = found.pop(step)
        saved = saved.item() if saved.size == 1 else saved.tolist()
        t = whole(f"state_dict's step number for parameter {parameter.name}", saved, 0)
    else:
        t = _step_of(_as_in_paddles_kernel(optimizer, dtype), extras)
    if found:
        raise ValueError(
            f"state_dict has entries for parameter {parameter.name} that {type(optimizer).__name__} does not have: "
            f"{', '.join(sorted(found))}; it was saved by another optimizer class or with other settings"
        )
    return State(t, arrays, scalars)


def _step_of(optimizer, extras: dict[str, np.ndarray]) -> int:
    """Return the step number t that belongs to the powers β^t that Paddle stores in its place."""
    form = format_of(type(optimizer))
    powers = {name: array.flat[0] for name, array in extras.items() if name in form.powers and array.size}
    if not powers:
        return 0  # a rule without powers does not look at t, a parameter without elements has no step
    slowest = max(powers, key=powers.get)

    def power(t):
        return form.extras(optimizer, t, [1])[slowest].item()

    low, high = 0, LARGEST_STEP
    while low < high:  # the powers fall with t: find the first that is not above the stored one
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) <= powers[slowest] else (middle + 1, high)
    return min((max(low - 1, 0), low), key=lambda t: abs(power(t) - powers[slowest]))


def _as_in_paddles_kernel(optimizer, dtype: str):
    """Return ``optimizer`` with the β of which Paddle builds its powers, in the precision that its kernel has."""
    return View({}, rounded=dtype == "float32" or format_of(type(optimizer)).powers_of_32_bits).of(optimizer)


def _accumulators(optimizer) -> set[str]:
    """Return the names, without parameter and number, of all that ``to_paddle`` saves for one parameter."""
    form = format_of(type(optimizer))
    own = [form.names.get(name, name) for name in ("t", *optimizer.slots, *optimizer.scalars)]
    exact = [f"{scalar}_exact" for scalar in optimizer.scalars]
    return {*own, *exact, *form.extras(optimizer, 1, [1])}


def _longest_prefix(key: str, prefixes) -> str | None:
    candidates = (key[: match.end()] for match in re.finditer("_", key))
    return max((candidate for candidate in candidates if candidate in prefixes), key=len, default=None)


def _without_number(key: str) -> tuple[str, str]:
    """Split ``moment1_0`` into ``moment1`` and ``_0``; the number is empty where there is none."""
    stem, _, number = key.rpartition("_")
    return (stem, f"_{number}") if number.isdigit() else (key, "")


def _first(array: np.ndarray, default: float) -> float:
    return float(array.flat[0]) if array.size else default


def _prefix(optimizer, parameter) -> str:
    return f"{parameter.name}_" + (f"{optimizer._name}_" if optimizer._name else "")


def _dtype(parameter) -> str:
    return str(parameter.dtype).rsplit(".", 1)[-1]


# ---------------------------------------------------------------------- the schedule


def schedule_entries(learning_rate) -> dict:
    """Return the entries of a ``state_dict`` for the schedule that drives the learning rate, if one does."""
    if not isinstance(learning_rate, LRScheduler):
        return {}
    # Programs take every entry but the schedule's for a tensor, so the name is one, too.
    name = paddle.to_tensor(list(_class_of(learning_rate).encode()), dtype="uint8")
    name.name = SCHEDULE_CLASS
    return {SCHEDULE: learning_rate.state_dict(), SCHEDULE_CLASS: name}


def load_schedule(learning_rate, state_dict: dict) -> None:
    """Let the schedule that drives the learning rate go on from its entry; leave it as it is if that does not fit.

    Raises:
        ValueError: The entry is missing or was saved by a schedule of another class.
    """
    if not isinstance(learning_rate, LRScheduler):
        return
    state, saved = state_dict.get(SCHEDULE), state_dict.get(SCHEDULE_CLASS)
    if state is None and not isinstance(learning_rate, (own_lr.LambdaDecay, paddles_lr.LambdaDecay)):
        raise ValueError(f"state_dict has no entry '{SCHEDULE}', but a schedule drives the learning rate")
    name = None if saved is None else bytes(np.asarray(saved).tolist()).decode()
    if name not in (None, _class_of(learning_rate)):
        raise ValueError(
            f"state_dict was saved with the schedule {name}, but {_class_of(learning_rate)} drives the learning rate: "
            "make the optimizer with the same schedule, or take another one by set_lr_scheduler afterwards"
        )
    if state:
        same_class = name is not None and isinstance(learning_rate, own_lr.Schedule)
        with own_lr.all_or_nothing(learning_rate):
            (learning_rate.take_state if same_class else learning_rate.set_state_dict)(state)


def _class_of(schedule) -> str:
    """Return the name of a schedule's class, with that of the schedule inside: ``LinearWarmup(StepDecay)``."""
    inside = getattr(schedule, "learning_rate", None)
    return type(schedule).__name__ + (f"({_class_of(inside)})" if isinstance(inside, LRScheduler) else "")
