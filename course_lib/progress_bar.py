"""Progress bars: shown to a person who waits, never stored in a notebook."""

from __future__ import annotations

import contextlib
import contextvars
import os
import sys

from course_lib import errors

_allowed = contextvars.ContextVar("bars are allowed", default=True)  # each thread has its own


def with_bar(iterable, total: int, progress: bool | None = None):
    """Return ``iterable`` with a bar around it that vanishes at the end, if one is wanted.

    Args:
        iterable: What to go through.
        total: Its length.
        progress: True or False; None shows a bar where a person watches: on a terminal and in Jupyter, not in a
            notebook that a program runs, and not with ``COURSE_PROGRESS=0`` in the environment.

    Raises:
        TypeError: ``progress`` is neither None, True nor False.

    Example:
        >>> sum(with_bar([1, 2, 3], total=3, progress=False))
        6
    """
    wanted = somebody_watches() if progress is None else errors.flag("progress", progress)
    if not (wanted and _allowed.get()):
        return iterable
    from tqdm import tqdm

    # In a notebook what goes to stderr is shown in red, as if it were an error.
    return tqdm(iterable, total=total, leave=False, file=sys.stdout if _kernel() else sys.stderr)


@contextlib.contextmanager
def no_bars():
    """Show no bars inside the block: for work that has one bar around the whole of it."""
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def somebody_watches() -> bool:
    """Return whether a person sees the output while it is written."""
    if os.environ.get("COURSE_PROGRESS") == "0":
        return False
    kernel = _kernel()
    if kernel is None:
        return sys.stderr is not None and sys.stderr.isatty()
    # Jupyter, VS Code and Colab let a cell ask the person for input. Programs that run notebooks (nbclient,
    # nbconvert, nbval) forbid it, and what they run must not store bars.
    return bool(getattr(kernel, "_allow_stdin", False))


def _kernel():
    """The Jupyter kernel that runs this program, or None."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None)
