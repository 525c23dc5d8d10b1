"""What the optimizers' hyper-parameters may be: functions ``(name, value)`` that return the value or raise."""

from __future__ import annotations

import paddle

from .. import errors


def finite(name: str, value, *low_and_high, **open_ends) -> float:
    """A finite number, in the range that ``errors.number`` takes.

    As in Paddle it may be a tensor of one element, and ``None`` is a wrong value, not a wrong type.

    Example:
        >>> finite("weight_decay", paddle.to_tensor([0.5]))
        0.5
    """
    if isinstance(value, paddle.Tensor) and value.size == 1:
        value = value.item()
    try:
        return errors.number(name, value, *low_and_high, **open_ends)
    except TypeError as wrong_type:
        if value is None:
            raise ValueError(str(wrong_type)) from None
        raise


def decay_rate(name: str, value) -> float:
    """A number in [0, 1): the share of an average that is kept at each step.

    Example:
        >>> decay_rate("beta1", 1.0)
        Traceback (most recent call last):
            ...
        ValueError: beta1 must be a number in [0, 1), got 1.0
    """
    return finite(name, value, 0, 1, high_open=True)


def share(name: str, value) -> float:
    """A number in [0, 1]."""
    return finite(name, value, 0, 1)


def not_negative(name: str, value) -> float:
    """A finite number of at least 0."""
    return finite(name, value, 0)


def positive_whole(name: str, value) -> int:
    """A whole number of at least 1."""
    return errors.whole(name, value, low=1)


def a_function(name: str, value):
    """A function, or ``None``."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or None, got {value!r} ({type(value).__name__})")
    return value


flag = errors.flag

PADDLE_FLAGS = {"multi_precision": flag, "use_multi_tensor": flag, "lazy_mode": flag}
"""Switches for Paddle's GPU and sparse kernels: accepted, so that programs run unchanged, and without effect here."""
