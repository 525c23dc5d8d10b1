"""What makes the rules fast: they run on blocks of memory, not on one tensor after another.

A network has parameters of very different sizes. A bias of ten values costs almost nothing to compute
but as much Python as a large matrix; a matrix of a million values pushes its own temporary results out
of the processor's cache. So parameters with equal settings are joined, and large ones are cut, into
blocks of at most ``BLOCK_SIZE`` elements, which several cores share if there are many. NumPy works on the
tensors' own memory, nothing is copied except to join small parameters.
"""

from __future__ import annotations

import ctypes
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import paddle
from paddle.regularizer import L2Decay

BLOCK_SIZE = 65_536
"""Elements per block: few enough for the processor's cache, many enough for Python's share not to count."""

SMALL = 16_384
"""Up to this many elements it is quicker to copy a gradient than to get a view of its memory."""

WORTH_SHARING = 1_000_000
"""From this many elements on, the cores share the blocks: that costs 5 % more work. Below it may cost 40 %."""

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@dataclass
class State:
    """A parameter's state at rest: its step number, one flat array per slot, and its scalars."""

    t: int
    arrays: dict[str, np.ndarray]
    scalars: dict[str, float]


class Setting(NamedTuple):
    """What parameters must have in common to share a block."""

    hyperparameters: tuple
    lr_scale: float
    regularizers: tuple
    dtype: str
    t: int
    scalars: tuple
    group: object  # which parameters the rule needs to see together, None for an elementwise rule


class Piece(NamedTuple):
    """Elements ``start`` to ``stop`` of the parameter at place ``index`` in the list of updated parameters."""

    index: int
    start: int
    stop: int


class View:
    """An optimizer as some of its parameters see it: some hyper-parameters differ, the rest shows through.

    Args:
        optimizer: What shows through, with every later change of it.
        overrides: Hyper-parameters with other values.
        rounded: Round hyper-parameters to 32 bits, as ``Optimizer.rounds_hyperparameters`` asks for.
    """

    def __init__(self, optimizer, overrides: dict, rounded: bool):
        self.optimizer, self.overrides, self.rounded = optimizer, overrides, rounded

    def current(self):
        """Return an optimizer of the same class with the settings of this moment."""
        settings = {**vars(self.optimizer), **self.overrides}
        if self.rounded:
            for name in settings.keys() & self.optimizer.limits.keys():
                if isinstance(settings[name], float):
                    settings[name] = float(np.float32(settings[name]))
        seen = object.__new__(type(self.optimizer))
        vars(seen).update(settings)
        return seen


class Block:
    """Some pieces of parameters, their joined state, and the settings they share."""

    def __init__(self, setting: Setting, view: View, pieces: list[Piece], states: list[State]):
        self.view, self.lr_scale, self.regularizers, self.pieces = view, setting.lr_scale, setting.regularizers, pieces
        ends = np.cumsum([piece.stop - piece.start for piece in pieces]).tolist()
        self.size, self.parts = ends[-1], [slice(start, stop) for start, stop in zip([0, *ends], ends)]
        self.slots = tuple(states[pieces[0].index].arrays)
        arrays = {
            slot: joined([states[piece.index].arrays[slot][piece.start : piece.stop] for piece in pieces])
            for slot in self.slots
        }
        self.state = SimpleNamespace(**arrays, **dict(setting.scalars), t=setting.t)

    def attach(self, parameters: list[np.ndarray]) -> None:
        """Remember where in memory the block's parameters lie."""
        self.targets = [parameters[index][start:stop] for index, start, stop in self.pieces]

    def update(self, optimizer, gradients: list[np.ndarray], lr: float) -> None:
        """Apply the rule of ``optimizer`` once to every element of the block."""
        x = joined(self.targets)
        g = joined([gradients[index][start:stop] for index, start, stop in self.pieces])
        for kind, coefficient in self.regularizers:
            g = g + coefficient * (x if kind is L2Decay else np.sign(x))
        self.state.t += 1
        new = optimizer.rule(x, g, self.state, lr * self.lr_scale)
        for target, part in zip(self.targets, self.parts):
            target[:] = new[part]

    def states(self, scalars):
        """Yield ``(piece, state of this piece)``, to put the blocks' states together again."""
        for piece, part in zip(self.pieces, self.parts):
            arrays = {slot: getattr(self.state, slot)[part] for slot in self.slots}
            values = {scalar: getattr(self.state, scalar) for scalar in scalars}
            yield piece, State(self.state.t, arrays, values)

    def __getstate__(self) -> dict:
        """Leave out where the parameters lie: those of a copy lie elsewhere."""
        return {name: value for name, value in vars(self).items() if name != "targets"}


def make_blocks(optimizer, settings: list[Setting], states: list[State], sizes: list[int]) -> list[Block]:
    """Cut and join parameters into blocks.

    Args:
        optimizer: The optimizer whose rule the blocks apply.
        settings, states, sizes: One entry per parameter, in the order of the update.
    """
    blocks, open_pieces, open_sizes = [], {}, Counter()
    rounded = optimizer.rounds_hyperparameters
    views = {setting: View(optimizer, dict(setting.hyperparameters), rounded) for setting in set(settings)}

    def close(setting):
        if open_pieces.get(setting):
            blocks.append(Block(setting, views[setting], open_pieces.pop(setting), states))
            del open_sizes[setting]

    for index, (setting, size) in enumerate(zip(settings, sizes)):
        for piece in _cut(index, size) if optimizer.elementwise else [Piece(index, 0, size)]:
            if optimizer.elementwise and open_sizes[setting] + piece.stop - piece.start > BLOCK_SIZE:
                close(setting)
            open_pieces.setdefault(setting, []).append(piece)
            open_sizes[setting] += piece.stop - piece.start
    for setting in list(open_pieces):
        close(setting)
    return blocks


def update(blocks: list[Block], gradients: list[np.ndarray], lr: float) -> None:
    """Update all blocks, on several cores if there is enough to do: NumPy computes outside Python's global lock.

    Args:
        blocks: The blocks; which core gets which makes no difference to the values.
        gradients: One flat array per parameter, as ``read`` returns it.
        lr: The global learning rate of this step.
    """
    optimizers = {view: view.current() for view in {block.view for block in blocks}}

    def work(share):
        with np.errstate(all="ignore"):  # NaN and infinity pass silently, as they do in Paddle
            for block in share:
                block.update(optimizers[block.view], gradients, lr)

    elements = sum(block.size for block in blocks)
    shares = min(CORES, len(blocks)) if elements >= WORTH_SHARING else 1
    others = [_workers().submit(work, blocks[place::shares]) for place in range(1, shares)]
    work(blocks[::shares])
    for other in others:
        other.result()


@cache
def _workers() -> ThreadPoolExecutor:
    if hasattr(os, "register_at_fork"):  # a forked process has the pool but not its threads
        os.register_at_fork(after_in_child=_workers.cache_clear)
    return ThreadPoolExecutor(CORES - 1, thread_name_prefix="optimizer")


def address(tensor: paddle.Tensor) -> int | None:
    """Return where the tensor's values begin, or ``None`` if they do not lie there one after the other."""
    return tensor.data_ptr() if tensor.is_contiguous() else None


def memory(tensor: paddle.Tensor) -> np.ndarray:
    """Return the tensor's own memory as a NumPy array: writing to it changes the tensor.

    Raises:
        TypeError: The tensor is not a dense, contiguous CPU tensor of float32 or float64.
    """
    check_dtype(tensor)
    if not tensor.place.is_cpu_place():
        raise TypeError(
            f"parameter {tensor.name} lies on {tensor.place}; the course's optimizers run on the CPU: "
            "call paddle.set_device('cpu') before making the model"
        )
    if not tensor.is_contiguous():
        raise TypeError(f"parameter {tensor.name} is not contiguous; make it from a contiguous tensor")
    values = np.from_dlpack(tensor.detach())
    return values if values.flags.writeable else _writable(tensor, values)


def check_dtype(parameter: paddle.Tensor) -> None:
    """Refuse half precision, which NumPy computes slowly or not at all.

    Raises:
        TypeError: The parameter is neither float32 nor float64.
    """
    if parameter.dtype not in (paddle.float32, paddle.float64):
        raise TypeError(f"parameter {parameter.name} must be float32 or float64, got {parameter.dtype}")


def _writable(tensor: paddle.Tensor, values: np.ndarray) -> np.ndarray:
    """The same memory by its address: NumPy before 2.1 (Python 3.9) marks all that comes by DLPack as read-only."""
    buffer = (ctypes.c_byte * values.nbytes).from_address(tensor.data_ptr())
    buffer.owner = values  # keeps the memory alive as long as the array
    return np.frombuffer(buffer, values.dtype).reshape(values.shape)


def read(gradient: paddle.Tensor, size: int) -> np.ndarray:
    """Return a gradient as a NumPy array, copied only where that is quicker (up to ``SMALL`` elements) or needed."""
    if not gradient.is_dense():
        return _dense(gradient)
    if size < SMALL or not gradient.is_contiguous() or gradient.dtype not in (paddle.float32, paddle.float64):
        return gradient.numpy()
    return np.from_dlpack(gradient.detach())


def forms(arrays: list[np.ndarray]) -> tuple[list, list]:
    """Return the shapes and the dtypes of the arrays."""
    return [array.shape for array in arrays], [array.dtype for array in arrays]


def check_forms(parameters, memories: list[np.ndarray], gradients, arrays: list[np.ndarray]) -> None:
    """Name the first gradient that does not fit its parameter; of both there are the tensors and NumPy's view of them.

    Raises:
        ValueError: A gradient has another shape than its parameter.
        TypeError: A gradient has another dtype.
    """
    for parameter, own, gradient, array in zip(parameters, memories, gradients, arrays):
        if array.shape != own.shape:
            raise ValueError(
                f"the gradient of {parameter.name} must have the parameter's shape {list(own.shape)}, "
                f"got {list(array.shape)}"
            )
        if array.dtype != own.dtype:
            raise TypeError(
                f"the gradient of {parameter.name} must be {parameter.dtype} like the parameter, got {gradient.dtype}"
            )


def _dense(gradient: paddle.Tensor) -> np.ndarray:
    """Fill in what a sparse gradient leaves out; of the rows of ``Embedding(sparse=True)`` repeated ones add up."""
    if not gradient.is_selected_rows():
        return gradient.to_dense().numpy()
    rows = gradient.get_selected_rows()
    values = np.asarray(rows.get_tensor())
    dense = np.zeros((rows.height(), *values.shape[1:]), values.dtype)
    np.add.at(dense, rows.rows(), values)
    return dense


def _cut(index: int, size: int) -> list[Piece]:
    """Cut a parameter into equal pieces of at most BLOCK_SIZE elements."""
    edges = np.linspace(0, size, max(1, -(-size // BLOCK_SIZE)) + 1).astype(int).tolist()
    return [Piece(index, start, stop) for start, stop in zip(edges, edges[1:])]


def joined(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the arrays as one; a single one as it is, not as a copy."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
