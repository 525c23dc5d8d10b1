"""Let NumPy raise where it would give NaN or infinity.

Processors note a division by zero, and NumPy reads the note; WebAssembly has none. There the arrays themselves compare
what comes out with what went in. Both say it in the same words.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

DIVISIONS = {"divide": 1, "floor_divide": 1, "remainder": 1, "power": 0, "reciprocal": 0}
"""Operations in which an argument of 0 gives infinity, and which argument that is."""

OF_NUMBERS = "sqrt", "log", "log2", "log10", "exp", "power", "divide", "true_divide"


def processor_tells() -> bool:
    """Whether NumPy notices a division by zero."""
    try:
        with np.errstate(divide="raise"):
            np.ones(1) / np.zeros(1)
    except FloatingPointError:
        return True
    return False


TELLS = processor_tells()


@contextlib.contextmanager
def strictly(arguments: dict):
    """Inside the block, computing with these arguments raises FloatingPointError in the place of NaN or infinity.

    Yields:
        What to hand over instead of ``arguments``.
    """
    if TELLS:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            yield arguments
    else:
        with _numbers_watched():
            yield {name: watched(value) for name, value in arguments.items()}


@contextlib.contextmanager
def _numbers_watched():
    """Let NumPy's functions that may have no value watch plain numbers, too, which cannot do it themselves."""
    real = {name: getattr(np, name) for name in OF_NUMBERS}
    try:
        for name, function in real.items():
            setattr(np, name, _of_watched(function))
        yield
    finally:
        for name, function in real.items():
            setattr(np, name, function)


def _of_watched(function):
    def call(*arguments, **options):
        return function(*(watched(np.asarray(a)) if isinstance(a, (int, float)) else a for a in arguments), **options)

    return call


def watched(value):
    """An array that watches itself; lists and namespaces of arrays, too. Everything else is returned as it is."""
    if isinstance(value, (np.ndarray, np.floating)):
        return np.asarray(value).view(Watched)
    if isinstance(value, list):
        return [watched(item) for item in value]
    if isinstance(value, SimpleNamespace):
        for name, item in vars(value).items():
            setattr(value, name, watched(item))
    return value


class Watched(np.ndarray):
    """An array whose operations raise FloatingPointError where NaN or infinity comes out that did not go in.

    Example:
        >>> np.log(np.array([1.0, 0.0]).view(Watched))
        Traceback (most recent call last):
            ...
        FloatingPointError: divide by zero encountered in log
    """

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [_plain(value) for value in inputs]
        went_in = _Kinds.of(plain)  # noted before: the result may take their place
        by_zero = _by_zero(ufunc.__name__, plain)
        if out is not None:
            options["out"] = tuple(map(_plain, out))
        with np.errstate(all="ignore"):
            result = getattr(ufunc, method)(*plain, **options)
        came_out = _Kinds.of(result if isinstance(result, tuple) else (result,))
        if came_out.infinity and not (went_in.infinity or went_in.nan):
            raise FloatingPointError(f"{'divide by zero' if by_zero else 'overflow'} encountered in {ufunc.__name__}")
        if came_out.nan and not went_in.nan:
            raise FloatingPointError(f"invalid value encountered in {ufunc.__name__}")
        if out is not None:
            return out[0] if len(out) == 1 else out
        return watched(result)

    def __array_function__(self, function, types, arguments, options):
        return watched(super().__array_function__(function, types, arguments, options))

    def __getitem__(self, key):
        return watched(super().__getitem__(key))


class _Kinds(NamedTuple):
    """Whether there are any NaN, and any infinities."""

    nan: bool
    infinity: bool

    @classmethod
    def of(cls, values) -> _Kinds:
        floats = [array for array in map(np.asarray, values) if array.dtype.kind == "f"]
        return cls(any(np.isnan(array).any() for array in floats), any(np.isinf(array).any() for array in floats))


def _plain(value):
    return value.view(np.ndarray) if isinstance(value, Watched) else value


def _by_zero(operation: str, inputs) -> bool:
    """Whether an infinity that comes out would be that of a division by zero, or of the logarithm of 0."""
    place = DIVISIONS.get(operation)
    return operation.startswith("log") or (place is not None and bool((np.asarray(inputs[place]) == 0).any()))
