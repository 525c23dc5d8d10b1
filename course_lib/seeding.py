"""Random numbers that can be repeated, without touching anybody else's."""

from __future__ import annotations

import contextlib
import os
import threading

from course_lib import errors
from course_lib.edge import needs_paddle, paddle


def seeds_from(offset: str) -> range:
    """The whole numbers from ``offset`` on: what ``SEEDS`` is when ``COURSE_SEED_OFFSET`` has this text.

    Raises:
        ValueError: It is no whole number of at least 0, or leaves no room for a million seeds.

    Example:
        >>> seeds_from("100")[:3]
        range(100, 103)
    """
    end = 2**32  # the largest seed that NumPy's older generators and scikit-learn take
    if not offset.isascii() or not offset.isdigit() or int(offset) > end - 10**6:
        raise ValueError(f"COURSE_SEED_OFFSET must be a whole number from 0 to {end - 10**6}, got {offset!r}")
    return range(int(offset), end)


#: The seeds of every experiment in the book: ``SEEDS[0]`` for one run, ``SEEDS[:3]`` to choose a setting,
#: ``SEEDS[10:20]`` for what is reported of it. ``COURSE_SEED_OFFSET=100`` shifts them all by 100.
SEEDS = seeds_from(os.environ.get("COURSE_SEED_OFFSET") or "0")

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
        ModuleNotFoundError: Paddle is not installed.

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
    if paddle is None:
        raise needs_paddle("seeding.seeded")
    with _lock:
        state = paddle.get_rng_state()
        paddle.seed(seed)
        try:
            yield
        finally:
            paddle.set_rng_state(state)
