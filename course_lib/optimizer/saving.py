"""The state of the course's optimizers under the names that Paddle's optimizers give it."""

from __future__ import annotations

import re

import numpy as np
import paddle

from .blocks import State, View

LARGEST_STEP = 10**6
"""Where Paddle's stored β^t has underflowed to zero, any step this late gives the same correction."""


def to_paddle(optimizer, parameter, state: State) -> dict[str, paddle.Tensor]:
    """Return one parameter's entries of a ``state_dict``: Paddle's, and the step number ``…_t_0``."""
    shape, dtype = list(parameter.shape), _dtype(parameter)
    # Paddle builds its powers up in the parameter's precision, from the β that it has there.
    in_this_precision = View(optimizer, {}, rounded=dtype == "float32").current()
    arrays = dict(in_this_precision.paddle_extras(state.t, shape))
    for slot, array in state.arrays.items():
        arrays[optimizer.accumulators.get(slot, slot)] = array.reshape(shape)
    for scalar, value in state.scalars.items():
        arrays[optimizer.accumulators.get(scalar, scalar)] = np.full(shape, value)
    tensors = {name: paddle.to_tensor(np.asarray(array, dtype)) for name, array in arrays.items()}
    tensors["t"] = paddle.to_tensor([state.t], dtype="int64")
    # A scalar is kept exactly, too: a resumed run must not depend on the parameter's precision.
    tensors.update({f"{name}_exact": paddle.to_tensor([v], dtype="float64") for name, v in state.scalars.items()})
    entries = {_prefix(optimizer, parameter) + name + "_0": tensor for name, tensor in tensors.items()}
    for key, tensor in entries.items():
        tensor.name = key  # as in Paddle, where programs look a saved tensor up by its name
    return entries


def from_paddle(optimizer, parameter, entries: dict) -> State | None:
    """Take one parameter's entries out of ``entries`` and return its state, ``None`` if there are none.

    Raises:
        ValueError: An entry is missing or has another shape than the parameter.
    """
    pattern = re.compile(re.escape(_prefix(optimizer, parameter)) + r"(\w+)_\d+")
    found = {match[1]: np.asarray(entries.pop(key)) for key in list(entries) if (match := pattern.fullmatch(key))}
    extras = {name: found.pop(name) for name in optimizer.paddle_extras(1, [1]) if name in found}
    if not found and not extras:
        return None

    def taken(slot, shape):
        name = optimizer.accumulators.get(slot, slot)
        if name not in found:
            raise ValueError(
                f"state_dict has no '{name}' for parameter {parameter.name}: "
                f"it was not saved by a {type(optimizer).__name__} with the same settings"
            )
        if list(found[name].shape) != shape:
            raise ValueError(
                f"state_dict's '{name}' for parameter {parameter.name} has shape {list(found[name].shape)}, "
                f"the parameter has {shape}"
            )
        return found.pop(name)

    shape, dtype = list(parameter.shape), _dtype(parameter)
    arrays = {slot: np.array(taken(slot, shape), dtype).reshape(-1) for slot in optimizer.slots}
    scalars = {scalar: float(taken(scalar, shape).flat[0]) for scalar in optimizer.scalars}
    scalars.update({scalar: found.pop(f"{scalar}_exact").item() for scalar in scalars if f"{scalar}_exact" in found})
    t = int(found.pop("t").item()) if "t" in found else _step_of(optimizer, extras)
    # paddle.Model.load adds copies of entries under mangled names that begin with an underscore
    found = {name: array for name, array in found.items() if not name.startswith("_")}
    if found:
        raise ValueError(
            f"state_dict has entries for parameter {parameter.name} that {type(optimizer).__name__} does not have: "
            f"{', '.join(sorted(found))}; it was saved by another optimizer class or with other settings"
        )
    return State(t, arrays, scalars)


def _step_of(optimizer, extras: dict[str, np.ndarray]) -> int:
    """Return the step number t that belongs to the powers β^t that Paddle stores in its place."""
    powers = {name: array.flat[0] for name, array in extras.items() if name in optimizer.powers}
    if not powers:
        return 0  # a rule without powers does not look at t
    slowest = max(powers, key=powers.get)

    def power(t):
        return optimizer.paddle_extras(t, [1])[slowest].item()

    low, high = 0, LARGEST_STEP
    while low < high:  # the powers fall with t: find the first that is not above the stored one
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) <= powers[slowest] else (middle + 1, high)
    return min((max(low - 1, 0), low), key=lambda t: abs(power(t) - powers[slowest]))


def _prefix(optimizer, parameter) -> str:
    return f"{parameter.name}_" + (f"{optimizer._name}_" if optimizer._name else "")


def _dtype(parameter) -> str:
    return str(parameter.dtype).rsplit(".", 1)[-1]
