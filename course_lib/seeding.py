"""Random numbers that can be repeated, without touching anybody else's."""

from __future__ import annotations

import contextlib
import threading

import paddle

from course_lib import errors

# Paddle's generator belongs to the whole process. Two threads (a Dask worker may have several) that seed it
# in turn would get each other's numbers; the lock makes them wait.
_lock = threading.RLock()


@contextlib.contextmanager
def seeded(seed: int | None):
    """Paddle's random numbers inside the block depend on ``seed`` only; outside it nothing changes.

    Args:
        seed: A whole number, or None to leave Paddle's generator as it is.

    Raises:
        TypeError, ValueError: ``seed`` is no whole number between 0 and 2⁶⁴ - 1.

    Example:
        >>> with seeded(7):
        ...     first = paddle.rand([2])
        >>> with seeded(7):
        ...     second = paddle.rand([2])
        >>> bool((first == second).all())
        True
    """
    if seed is None:
        yield
        return
    seed = errors.whole("seed", seed, low=0)
    if seed >= 2**64:  # more does not fit into Paddle's generator
        raise ValueError(f"seed must be below 2**64, got {seed}")
    with _lock:
        state = paddle.get_rng_state()
        paddle.seed(seed)
        try:
            yield
        finally:
            paddle.set_rng_state(state)
