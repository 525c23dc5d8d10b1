"""Argument checks whose messages name the argument, the value given and what is allowed."""

from __future__ import annotations

import math
import numbers

from .edge import is_tensor


def number(name: str, value, low=-math.inf, high=math.inf, *, low_open=False, high_open=False) -> float:
    """Return ``value`` as a float if it is a finite number between ``low`` and ``high``.

    Args:
        name: The argument's name, for the message.
        value: What the caller passed. Booleans, strings and arrays are refused.
        low, high: The allowed range; an end counts as allowed unless it is marked open.
        low_open, high_open: Exclude that end of the range.

    Raises:
        TypeError: ``value`` is no real number.
        ValueError: ``value`` is NaN, infinite or outside the range.

    Example:
        >>> number("beta1", 0.9, 0, 1, high_open=True)
        0.9
        >>> number("beta1", 1, 0, 1, high_open=True)
        Traceback (most recent call last):
            ...
        ValueError: beta1 must be a number in [0, 1), got 1
    """
    allowed = _interval(low, high, low_open, high_open)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a {allowed}, got {_shown(value)}")
    value_too_low = value <= low if low_open else value < low
    value_too_high = value >= high if high_open else value > high
    if value_too_low or value_too_high or not _is_finite(value):
        raise ValueError(f"{name} must be a {allowed}, got {value!r:.60}")
    return float(value)


def whole(name: str, value, low: int | None = None) -> int:
    """Return ``value`` as an int if it is a whole number, at least ``low``.

    Raises:
        TypeError: ``value`` is no integer (``3.0`` is refused too: a count is an int).
        ValueError: ``value`` is below ``low``.

    Example:
        >>> whole("steps", 10, low=1)
        10
        >>> whole("steps", 0, low=1)
        Traceback (most recent call last):
            ...
        ValueError: steps must be a whole number of at least 1, got 0
    """
    allowed = "whole number" if low is None else f"whole number of at least {low}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a {allowed}, got {_shown(value)}")
    if low is not None and value < low:
        raise ValueError(f"{name} must be a {allowed}, got {value}")
    return int(value)


def flag(name: str, value) -> bool:
    """Return ``value`` if it is True or False.

    Example:
        >>> flag("use_nesterov", "yes")
        Traceback (most recent call last):
            ...
        TypeError: use_nesterov must be True or False, got 'yes' (str)
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {_shown(value)}")
    return value


def choice(name: str, value, options):
    """Return ``value`` if it is one of ``options``.

    Example:
        >>> choice("data", "mnits", ["digits", "mnist"])
        Traceback (most recent call last):
            ...
        ValueError: data must be one of 'digits', 'mnist', got 'mnits'
    """
    if not any(value is option or (type(value) is type(option) and value == option) for option in options):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def listed(name: str, values, of: str = "values") -> list:
    """Return ``values`` as a list if they come in an order: a list, a tuple, a range, an array, a tensor.

    Example:
        >>> listed("seeds", range(3))
        [0, 1, 2]
        >>> listed("seeds", 3)
        Traceback (most recent call last):
            ...
        TypeError: seeds must be a list of values, got 3 (int)
    """
    plain = values.tolist() if hasattr(values, "tolist") else values  # without a dimension it is a single number
    if isinstance(plain, (str, bytes, dict, set)) or not hasattr(plain, "__iter__"):
        raise TypeError(f"{name} must be a list of {of}, got {_shown(values)}")
    return list(plain)


def function(name: str, value):
    """Return ``value`` if it can be called.

    Example:
        >>> function("run", 3)
        Traceback (most recent call last):
            ...
        TypeError: run must be a function, got 3 (int)
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {value!r} ({type(value).__name__})")
    return value


def seed(value, bits: int) -> int:
    """Return ``value`` as an int if it is a whole number of at least 0 that fits into a generator's ``bits``.

    Example:
        >>> seed(2**40, bits=32)
        Traceback (most recent call last):
            ...
        ValueError: seed must be below 2**32, got 1099511627776
    """
    if whole("seed", value, low=0) >= 2**bits:
        raise ValueError(f"seed must be below 2**{bits}, got {value}")
    return int(value)


# --- The hyper-parameters of an optimizer -----------------------------------------------------------------------------


def finite(name: str, value, *low_and_high, **open_ends) -> float:
    """Return a finite number, in the range that ``number`` takes.

    As in Paddle it may be a tensor of one element, and ``None`` is a wrong value, not a wrong type.

    Example:
        >>> finite("weight_decay", 0.5)
        0.5
    """
    if is_tensor(value) and value.size == 1:
        value = value.item()
    try:
        return number(name, value, *low_and_high, **open_ends)
    except TypeError as wrong_type:
        if value is None:
            raise ValueError(str(wrong_type)) from None
        raise


def decay_rate(name: str, value) -> float:
    """Return a number in [0, 1): the share of an average that is kept at each step.

    Example:
        >>> decay_rate("beta1", 1.0)
        Traceback (most recent call last):
            ...
        ValueError: beta1 must be a number in [0, 1), got 1.0
    """
    return finite(name, value, 0, 1, high_open=True)


def share(name: str, value) -> float:
    """Return a number in [0, 1]."""
    return finite(name, value, 0, 1)


def not_negative(name: str, value) -> float:
    """Return a finite number of at least 0."""
    return finite(name, value, 0)


def positive_whole(name: str, value) -> int:
    """Return a whole number of at least 1."""
    return whole(name, value, low=1)


def function_or_none(name: str, value):
    """Return a function, or ``None``."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or None, got {value!r} ({type(value).__name__})")
    return value


# --- Names that a module does not have --------------------------------------------------------------------------------


def no_attribute(message: str) -> AttributeError:
    """Return an ``AttributeError`` to which Python adds no "Did you mean …?" of its own.

    Example:
        >>> raise no_attribute("Lamb is in paddle.optimizer, but not in course_lib.optimizer")
        Traceback (most recent call last):
            ...
        AttributeError: Lamb is in paddle.optimizer, but not in course_lib.optimizer
    """
    error = AttributeError(message)
    error.name = error.obj = None
    return error


def only_in_paddle(module: str, name: str, theirs) -> AttributeError:
    """Return the error for a ``name`` that the twin ``module`` of Paddle's module ``theirs`` does not have.

    Example:
        >>> import math
        >>> only_in_paddle("course_lib.twin", "tau", math)
        AttributeError('tau is in math, but not in course_lib.twin')
        >>> only_in_paddle("course_lib.twin", "tao", math)
        AttributeError("module 'course_lib.twin' has no attribute 'tao'")
    """
    if not name.startswith("_") and hasattr(theirs, name):
        return no_attribute(f"{name} is in {theirs.__name__}, but not in {module}")
    return AttributeError(f"module {module!r} has no attribute {name!r}")


def _is_finite(value) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def _interval(low, high, low_open, high_open) -> str:
    if low == -math.inf and high == math.inf:
        return "finite number"
    if high == math.inf:
        return f"finite number {'greater than' if low_open else 'of at least'} {low}"
    return f"number in {'(' if low_open else '['}{low}, {high}{')' if high_open else ']'}"


def _shown(value) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
