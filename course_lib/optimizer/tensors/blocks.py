"""What makes the rules fast: they run on blocks of memory, not on one tensor after another.

A network has parameters of very different sizes. A bias of ten values costs almost nothing to compute
but as much Python as a large matrix; a matrix of a million values pushes its own temporary results out
of the processor's cache. So small parameters with equal settings are joined, and large ones are cut, into
blocks, which several cores share if there are many elements. A block is computed in one pass where its rule can be
compiled (``one_pass``), else by NumPy, and nothing is copied except to join small parameters.

What it is worth is measured by ``make bench``.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from . import one_pass
from .paddle_format import format_of

FOR_NUMPY = 65_536
"""Elements per block for NumPy: few enough for the processor's cache, many enough for Python's share not to count."""

FOR_LOOPS = 1_048_576
"""Elements per block for a compiled loop, which needs no cache: many enough for Python, few enough to be shared."""

WORTH_JOINING = 16_384
"""Up to this many elements a parameter is joined with others; to copy a larger one takes longer than it saves."""

WORTH_SHARING = 1_000_000
"""From this many elements on, the cores share the blocks: that costs 5 % more work. Below it may cost 40 %."""


def cores(allowed: str) -> int:
    """Return on how many cores to compute: at most as many as there are, one where no number is ``allowed``.

    Example:
        >>> cores("1"), cores("")
        (1, 1)
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    first = allowed.partition(",")[0].strip()  # OpenMP takes a list, too, one number for each level of threads
    return max(1, min(there, int(first))) if first.isdecimal() else 1


CORES = cores(os.environ.get("OMP_NUM_THREADS", ""))
"""As many as the user allows; Paddle takes one where nothing is said, and so does the course."""


@dataclass
class State:
    """A parameter's state at rest: its step number, one array per slot, flat but for a stack, and its scalars."""

    t: int
    arrays: dict[str, np.ndarray]
    scalars: dict[str, float]

    def check_size(self, optimizer, parameter) -> None:
        """Refuse a parameter that had another size at its last step; only a rule without state can go on.

        Raises:
            ValueError: The size differs.
        """
        size = math.prod(parameter.shape)
        sizes = {array.shape[-1] for array in self.arrays.values()} - {size}
        if sizes:
            raise ValueError(
                f"parameter {parameter.name} has {size} elements now, but its state in this "
                f"{type(optimizer).__name__} has {sizes.pop()}: make a new optimizer after a parameter has been resized"
            )


class Setting(NamedTuple):
    """What parameters must have in common to share a block."""

    hyperparameters: tuple
    lr_scale: float
    regularizers: tuple
    clipped_in: object  # the group by whose clip the formula clips the gradient, None if it does not
    dtype: str
    t: int
    scalars: tuple
    whole: object  # the group, or the place of the parameter, that the rule has to see at once; None if it has not


class Piece(NamedTuple):
    """Elements ``start`` to ``stop`` of the parameter at place ``index`` in the list of updated parameters."""

    index: int
    start: int
    stop: int


class View:
    """An optimizer as some of its parameters see it: some hyper-parameters differ, the rest shows through.

    Args:
        overrides: Hyper-parameters with other values.
        rounded: Round hyper-parameters to 32 bits, as ``Format.rounds_hyperparameters`` asks for.
    """

    def __init__(self, overrides: dict, rounded: bool = False):
        self.overrides, self.rounded = overrides, rounded
        self.loops = set()  # what the rule has been compiled to, as these parameters see it
        self.kept = None  # the last compiled step, behind what it depends on

    def __getstate__(self) -> dict:
        """Leave out machine code, which no other process can run."""
        return {**vars(self), "kept": None}

    def of(self, optimizer):
        """Return an optimizer of the same class with the settings of this moment."""
        settings = {**vars(optimizer), **self.overrides}
        if self.rounded:
            for name in settings.keys() & optimizer.hyperparameters.keys():
                if isinstance(settings[name], float):
                    settings[name] = float(np.float32(settings[name]))
        seen = object.__new__(type(optimizer))
        vars(seen).update(settings)
        return seen


class Block:
    """Some pieces of parameters, their joined state, and the settings they share."""

    def __init__(self, setting: Setting, view: View, pieces: list[Piece], states: list[State]):
        self.setting, self.view, self.pieces = setting, view, pieces
        ends = np.cumsum([piece.stop - piece.start for piece in pieces]).tolist()
        self.size, self.parts = ends[-1], [slice(start, stop) for start, stop in zip([0, *ends], ends)]
        self.slots = tuple(states[pieces[0].index].arrays)
        arrays = {
            slot: joined([states[piece.index].arrays[slot][..., piece.start : piece.stop] for piece in pieces])
            for slot in self.slots
        }
        self.state = SimpleNamespace(**arrays, **dict(setting.scalars), t=setting.t)

    def attach(self, parameters: list[np.ndarray]) -> None:
        """Remember where in memory the block's parameters lie."""
        self.targets = [parameters[index][start:stop] for index, start, stop in self.pieces]

    def formula(self, optimizer, lr: float, clips: dict):
        """Return one step of the block's parameters as a function of parameter, gradient and state."""
        rule, lr = self.view.of(optimizer).rule, lr * self.setting.lr_scale
        clip = clips.get(self.setting.clipped_in)

        def formula(x, g, s):
            s.t += 1
            if isinstance(clip, tuple):
                g = np.minimum(np.maximum(g, clip[0]), clip[1])
            elif clip is not None:
                g = g * clip
            for kind, coefficient in self.setting.regularizers:
                g = g + coefficient * (x if kind == "L2" else np.sign(x))
            return rule(x, g, s, lr)

        return formula

    def loop(self, optimizer, lr: float, clips: dict):
        """Return the same as a compiled loop, or ``None`` if there is none."""
        if not vars(type(optimizer)).get("same_at_every_step"):
            return self._new_loop(optimizer, lr, clips)
        key = lr, clips.get(self.setting.clipped_in), [vars(optimizer).get(name) for name in optimizer.hyperparameters]
        if self.view.kept is None or self.view.kept[0] != key:
            self.view.kept = key, self._new_loop(optimizer, lr, clips)
        return self.view.kept[1]

    def _new_loop(self, optimizer, lr: float, clips: dict):
        return one_pass.fused(
            self.formula(optimizer, lr, clips), self.state, self.slots, self.targets[0].dtype, self.view.loops
        )

    def update(self, step, gradients: list[np.ndarray]) -> None:
        """Let ``step`` update every element of the block.

        Args:
            step: Function of parameter, gradient and state, which changes the state and returns the new parameter.
            gradients: One flat array per parameter.
        """
        x = joined(self.targets)
        new = step(x, joined([gradients[index][start:stop] for index, start, stop in self.pieces]), self.state)
        if new is not self.targets[0]:
            for target, part in zip(self.targets, self.parts):
                target[:] = new[part]

    def states(self, scalars):
        """Yield ``(piece, state of this piece)``, to put the blocks' states together again."""
        for piece, part in zip(self.pieces, self.parts):
            arrays = {slot: getattr(self.state, slot)[..., part] for slot in self.slots}
            values = {scalar: getattr(self.state, scalar) for scalar in scalars}
            yield piece, State(self.state.t, arrays, values)

    def __getstate__(self) -> dict:
        """Leave out where the parameters lie: those of a copy lie elsewhere."""
        return {name: value for name, value in vars(self).items() if name != "targets"}


def make_blocks(
    optimizer, settings: list[Setting], states: list[State], sizes: list[int], for_loops: bool
) -> list[Block]:
    """Cut and join parameters into blocks.

    Args:
        optimizer: The optimizer whose rule the blocks apply.
        settings, states, sizes: One entry per parameter, in the order of the update.
        for_loops: Whether the rule is to run as compiled loops.
    """
    most = FOR_LOOPS if for_loops else FOR_NUMPY
    blocks, open_pieces, open_sizes = [], {}, Counter()
    rounded = format_of(type(optimizer)).rounds_hyperparameters
    views = {setting: View(dict(setting.hyperparameters), rounded) for setting in set(settings)}

    def close(setting):
        if open_pieces.get(setting):
            blocks.append(Block(setting, views[setting], open_pieces.pop(setting), states))
            del open_sizes[setting]

    for index, (setting, size) in enumerate(zip(settings, sizes)):
        if setting.whole is None and size > WORTH_JOINING:
            blocks += [Block(setting, views[setting], [piece], states) for piece in _cut(index, size, most)]
            continue
        if setting.whole is None and open_sizes[setting] + size > most:
            close(setting)
        open_pieces.setdefault(setting, []).append(Piece(index, 0, size))
        open_sizes[setting] += size
    for setting in list(open_pieces):
        close(setting)
    return blocks


def formulas(blocks: list[Block], optimizer, lr: float, clips: dict) -> dict:
    """Return the step of each setting, for NumPy; ``clips`` is what the groups clip by at this step."""
    return {view: block.formula(optimizer, lr, clips) for view, block in _one_of_each(blocks)}


def loops(blocks: list[Block], optimizer, lr: float, clips: dict) -> dict | None:
    """Return the step of each setting, as a compiled loop; ``None`` if one of them has none."""
    found = {view: block.loop(optimizer, lr, clips) for view, block in _one_of_each(blocks)}
    return found if all(found.values()) else None


def _one_of_each(blocks: list[Block]):
    """Of the blocks that share a setting, and so a step, one will do."""
    return {block.view: block for block in blocks}.items()


def update(blocks: list[Block], steps: dict, gradients: list[np.ndarray]) -> None:
    """Update all blocks, on several cores if there is enough to do: all computing is outside Python's global lock.

    Args:
        blocks: The blocks; which core gets which makes no difference to the values.
        steps: What ``formulas`` or ``loops`` returned.
        gradients: One flat array per parameter, as ``memory.read`` returns it.
    """

    def work(share):
        with np.errstate(all="ignore"):  # NaN and infinity pass silently, as they do in Paddle
            for block in share:
                block.update(steps[block.view], gradients)

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


def _cut(index: int, size: int, most: int) -> list[Piece]:
    """Cut a parameter into equal pieces of at most ``most`` elements."""
    edges = np.linspace(0, size, -(-size // most) + 1).astype(int).tolist()
    return [Piece(index, start, stop) for start, stop in zip(edges, edges[1:])]


def joined(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the arrays as one along their last axis; a single one as it is, not as a copy."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)
