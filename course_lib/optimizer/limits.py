"""What the optimizers' hyper-parameters may be: functions ``(name, value)`` that return the value or raise."""

from __future__ import annotations

import paddle

from .. import errors


def _plain(value):
    """Turn a tensor of one element into a number: Paddle takes its betas and epsilon in this form too."""
    return value.item() if isinstance(value, paddle.Tensor) and value.size == 1 else value


def decay_rate(name: str, value) -> float:
    """A number in [0, 1): the share of an average that is kept at each step."""
    return errors.number(name, _plain(value), 0, 1, high_open=True)


def share(name: str, value) -> float:
    """A number in [0, 1]."""
    return errors.number(name, _plain(value), 0, 1)


def not_negative(name: str, value) -> float:
    """A finite number of at least 0."""
    return errors.number(name, _plain(value), 0)


def finite(name: str, value) -> float:
    """A finite number."""
    return errors.number(name, _plain(value))


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
