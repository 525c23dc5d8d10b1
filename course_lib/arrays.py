"""The few array functions that a rule needs, for NumPy arrays, Paddle tensors and plain floats alike.

An update rule is written once. It runs on NumPy memory inside ``Optimizer.step``, on 2-D points in
``surfaces.trajectory``, and on Paddle tensors when a learner tries it on some. The operators
``+ - * / **`` already work on all of them; the functions below are what is missing.
"""

from __future__ import annotations

import math

import numpy as np

from .edge import is_tensor, paddle

__all__ = ["absolute", "dot", "maximum", "minimum", "norm", "sign", "sqrt", "where", "zeros_like"]


def _either(name: str, name_in_paddle: str, description: str):
    """Return a function that picks Paddle's version as soon as one argument is a tensor."""

    def function(*arrays):
        if any(map(is_tensor, arrays)):
            return getattr(paddle, name_in_paddle)(*map(_as_tensor_like(arrays), arrays))
        result = getattr(np, name)(*arrays)  # at the call: where exercises are checked, it may be one that is watched
        # NumPy makes a float64 of its own out of a plain float, and that would turn float32 arrays into float64.
        return float(result) if type(arrays[0]) is float and np.ndim(result) == 0 else result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{description}, elementwise, in the kind of array it was given."
    return function


def _as_tensor_like(arrays):
    """Return a converter that turns floats and arrays into tensors of the dtype that is already there."""
    dtype = next(filter(is_tensor, arrays)).dtype
    return lambda value: value if is_tensor(value) else paddle.to_tensor(value, dtype=dtype)


sqrt = _either("sqrt", "sqrt", "Square root")
absolute = _either("absolute", "abs", "Absolute value")
sign = _either("sign", "sign", "Sign, -1, 0 or 1")
maximum = _either("maximum", "maximum", "The larger of two values")
minimum = _either("minimum", "minimum", "The smaller of two values")


def where(condition, x, y):
    """The values of ``x`` where ``condition`` holds, those of ``y`` elsewhere; one of the two may be a number.

    Example:
        >>> where(np.array([True, False]), np.array([1.0, 2.0]), 0.0)
        array([1., 0.])
    """
    if is_tensor(condition):
        return paddle.where(condition, *map(_as_tensor_like([x, y]), [x, y]))
    return np.where(condition, x, y)


def dot(x, y) -> float:
    """Sum of the products of all elements of two arrays of one shape, as a float.

    Example:
        >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        11.0
    """
    if is_tensor(x) or is_tensor(y):
        return (x * y).sum().item()
    return float(np.vdot(x, y))


def norm(x) -> float:
    """Root of the sum of the squares of all elements, as a float.

    Example:
        >>> norm(np.array([3.0, 4.0]))
        5.0
    """
    return math.sqrt(dot(x, x))


def zeros_like(x, stack: tuple[int, ...] = ()):
    """Zeros of the shape, dtype and kind of ``x``; ``0.0`` for a plain number. With ``stack=(n,)`` n times, stacked.

    Example:
        >>> zeros_like(np.ones(2, dtype="float32"))
        array([0., 0.], dtype=float32)
        >>> zeros_like(3.0)
        0.0
        >>> zeros_like(np.ones(2), stack=(3,)).shape
        (3, 2)
    """
    if is_tensor(x):
        return paddle.zeros([*stack, *x.shape], x.dtype)
    if isinstance(x, np.ndarray):
        return np.zeros((*stack, *x.shape), x.dtype)  # takes memory only where it is written to, np.zeros_like at once
    return np.zeros(stack) if stack else 0.0
