"""Let NumPy raise where it would give NaN or infinity.

Processors note a division by zero, and NumPy reads the note; WebAssembly has none. There the arrays themselves compare
what comes out with what went in. Both say it in the same words.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import numpy as np

DIVISIONS = {"divide": 1, "floor_divide": 1, "remainder": 1, "power": 0, "reciprocal": 0}
"""Operations in which an argument of 0 gives infinity, and which argument that is."""


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
        yield {name: watched(value) for name, value in arguments.items()}


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
        if out is not None:
            options["out"] = tuple(map(_plain, out))
        result = getattr(ufunc, method)(*plain, **options)
        for each in result if isinstance(result, tuple) else (result,):
            _look_at(each, ufunc.__name__, plain)
        if out is not None:
            return out[0] if len(out) == 1 else out
        return watched(result)

    def __getitem__(self, key):
        return watched(super().__getitem__(key))


def _plain(value):
    return value.view(np.ndarray) if isinstance(value, Watched) else value


def _look_at(result, operation: str, inputs) -> None:
    """Raise if ``result`` holds NaN or infinity and no input does."""
    if not isinstance(result, (np.ndarray, np.floating)) or result.dtype.kind != "f" or np.isfinite(result).all():
        return
    went_in = [value for value in map(np.asarray, inputs) if value.dtype.kind == "f"]
    if np.isinf(result).any() and all(np.isfinite(value).all() for value in went_in):
        divisor = DIVISIONS.get(operation)
        by_zero = operation.startswith("log") or (divisor is not None and (np.asarray(inputs[divisor]) == 0).any())
        raise FloatingPointError(f"{'divide by zero' if by_zero else 'overflow'} encountered in {operation}")
    if np.isnan(result).any() and not any(np.isnan(value).any() for value in went_in):
        raise FloatingPointError(f"invalid value encountered in {operation}")
