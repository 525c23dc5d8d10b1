"""What an answer can reach beside its arguments: the page, the settings of the process, the end of the kernel.

While a check runs, outputs of all kinds are held back and told in the card, and afterwards everything is as before.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import getpass
import io
import logging
import os
import sys
import tempfile
import threading
import types
import warnings
from dataclasses import dataclass, field

import numpy as np

from ..edge import paddle

PRINTED_LIMIT = 2_000
DEEPEST = 3_000
"""How deep functions may call each other: as in IPython, and few enough for the stack of a thread."""


class InputRefused(Exception):
    """``input()`` was called while an answer is checked."""


class Printed(io.StringIO):
    """Keeps the beginning of what is printed; an endless print fills no memory."""

    def write(self, text):
        if self.tell() < PRINTED_LIMIT:
            super().write(text[: PRINTED_LIMIT - self.tell()])
        return len(text)


@dataclass
class HeldBack:
    """What an answer put out while it was checked."""

    printed: Printed = field(default_factory=Printed)
    figures: int = 0
    displays: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the card tells of it."""
        notes = []
        lines = self.printed.getvalue().strip().splitlines()
        if lines:
            shown = [line if len(line) <= 100 else line[:99] + "…" for line in lines[:3]]
            notes.append("your code printed: " + " / ".join(shown) + (" / …" if len(lines) > 3 else ""))
        counts = [(self.figures, "figure"), (self.displays, "displayed object")]
        unseen = " and ".join(f"{count} {noun}{'s' if count > 1 else ''}" for count, noun in counts if count)
        if unseen:
            notes.append(f"nothing is drawn or displayed during a check: {unseen} held back.")
        return tuple(notes)


_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def apart():
    """Hold back what is put out inside the ``with`` block, and put back what is set in it; one thread at a time.

    Example:
        >>> with apart() as held:
        ...     print("not on the page")
        >>> held.notes
        ('your code printed: not on the page',)
    """
    held = HeldBack()
    with _one_at_a_time, contextlib.ExitStack() as stack:
        for part in _PARTS:
            stack.enter_context(part(held))
        for owner, name, value in _STAND_INS:
            stack.enter_context(_replaced(owner, name, value))
        yield held


@contextlib.contextmanager
def _replaced(owner, name, value):
    """Let ``owner.name`` be ``value`` inside the block; an attribute of its class comes to light again afterwards."""
    missing = object()
    before = vars(owner).get(name, missing)
    setattr(owner, name, value)
    try:
        yield
    finally:
        delattr(owner, name) if before is missing else setattr(owner, name, before)


# ------------------------------------------------------------------------- functions with another effect


def _refuse_input(*_):
    raise InputRefused("input() was called")


def _raise_exit(*code, **_):
    raise SystemExit(*code)


_set_recursion_limit = sys.setrecursionlimit


def _set_safe_recursion_limit(limit):
    _set_recursion_limit(min(limit, DEEPEST))


_STAND_INS = (
    (builtins, "input", _refuse_input),
    (getpass, "getpass", _refuse_input),
    (builtins, "exit", _raise_exit),  # Python's own closes the standard input before
    (builtins, "quit", _raise_exit),
    (sys, "setrecursionlimit", _set_safe_recursion_limit),
)
_STAND_IN_FOR = [(vars(owner)[name], value) for owner, name, value in _STAND_INS if name in vars(owner)]
_real_streams: list = []


def stand_in(value):
    """What takes the place of something that an answer knows by a name of its own: mostly the thing itself.

    Functions have the stand-ins from above; the streams that an answer may print to, the one that is held back.
    """
    if any(value is stream for stream in _real_streams):
        return sys.stdout
    owner = value.__self__ if isinstance(value, (types.BuiltinFunctionType, types.MethodType)) else None
    if any(owner is stream for stream in _real_streams):
        return getattr(sys.stdout, value.__name__, value)
    return next((function for real, function in _STAND_IN_FOR if value is real), value)


# -------------------------------------------------------------------------------------------- settings


@contextlib.contextmanager
def _process_kept(_):
    """Recursion limit, environment variables, working folder, places of modules, NumPy's way of printing."""
    limit, environment, folder, places = sys.getrecursionlimit(), dict(os.environ), _working_folder(), sys.path[:]
    with contextlib.suppress(RecursionError):  # the check itself was called from deeper than that
        _set_recursion_limit(min(limit, DEEPEST))
    try:
        with np.printoptions():
            yield
    finally:
        _set_recursion_limit(limit)
        sys.path[:] = places
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        with contextlib.suppress(OSError):  # it is gone
            os.chdir(folder)


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it has been deleted
        return os.curdir


@contextlib.contextmanager
def _paddle_as_usual(_):
    """Paddle's own defaults, whatever was set in the notebook: a check computes with tensors as well."""
    if paddle is None:
        yield
        return
    dtype, static = paddle.get_default_dtype(), not paddle.in_dynamic_mode()
    paddle.set_default_dtype("float32")
    if static:
        paddle.disable_static()
    try:
        yield
    finally:
        paddle.set_default_dtype(dtype)
        if static:
            paddle.enable_static()


# --------------------------------------------------------------------------------------------- outputs


@contextlib.contextmanager
def _nothing_printed(held):
    """What Python prints, what other programs and C code print, and warnings; there is nothing to be read either."""
    with contextlib.ExitStack() as stack:
        _real_streams.extend(stream for stream in (sys.stdout, sys.stderr) if stream is not None)
        stack.callback(_real_streams.clear)
        for name, stream in (("stdout", held.printed), ("stderr", held.printed), ("stdin", io.StringIO())):
            stack.enter_context(_replaced(sys, name, stream))
        stack.enter_context(_descriptors_read(held.printed))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _descriptors_read(printed):
    """Lead the process's standard output and error, which every program that it starts inherits, to ``printed``."""
    _flush_real_streams()
    with contextlib.ExitStack() as stack:
        try:
            own = {number: os.dup(number) for number in (1, 2)}
            for real in own.values():
                stack.callback(os.close, real)
            writing = stack.enter_context(_collected(printed))
        except OSError:  # a process without them, or with too many files
            yield
            return
        for number in own:
            os.dup2(writing, number)
        try:
            yield
        finally:
            _flush_real_streams()
            for number, real in own.items():
                os.dup2(real, number)


@contextlib.contextmanager
def _collected(printed):
    """A descriptor to write to; a thread reads from the other end, and a file waits where no thread can be started."""
    reading, writing = os.pipe()
    reader = threading.Thread(target=_read_all, args=(reading, printed), daemon=True)
    try:
        reader.start()
    except RuntimeError:
        os.close(reading)
        os.close(writing)
        with tempfile.TemporaryFile() as file:
            yield file.fileno()
            file.seek(0)
            printed.write(file.read(PRINTED_LIMIT).decode(errors="replace"))
        return
    try:
        yield writing
    finally:
        os.close(writing)
        reader.join(0.2)  # a program that still runs keeps the pipe open, and reading goes on for it


def _read_all(reading, printed):
    with open(reading, "rb", buffering=0) as pipe:
        while piece := pipe.read(4096):
            printed.write(piece.decode(errors="replace"))


def _flush_real_streams():
    for stream in (sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):  # there is none, or it is closed
            stream.flush()


@contextlib.contextmanager
def _nothing_logged(held):
    """Messages count as printed; handlers and levels that were set go."""

    def print_record(_, record):
        with contextlib.suppress(Exception):  # logging never raises where a message is malformed
            held.printed.write(f"{record.levelname}: {record.getMessage()}\n")

    root = logging.root
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    try:
        with _replaced(logging.Logger, "callHandlers", print_record):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        root.manager.disable = disabled


@contextlib.contextmanager
def _no_figures(held):
    """Figures are opened once, closed unseen, and those that were open are out of reach; settings are put back."""
    if "matplotlib" not in sys.modules:
        yield
        return
    from matplotlib import pyplot, rcParams
    from matplotlib._pylab_helpers import Gcf

    open_before, settings = dict(Gcf.figs), dict(dict.items(rcParams))  # their own copy would check every setting
    Gcf.figs.clear()
    try:
        with contextlib.ExitStack() as stack:
            for owner, name in (pyplot, "show"), (pyplot, "pause"), (pyplot, "savefig"), (pyplot.Figure, "savefig"):
                stack.enter_context(_replaced(owner, name, lambda *_, **__: None))
            for name in ("figure", "subplots"):
                stack.enter_context(_replaced(pyplot, name, _opened_once(getattr(pyplot, name), held)))
            yield
    finally:
        held.figures += len(Gcf.figs)
        Gcf.destroy_all()
        Gcf.figs.update(open_before)
        if not dict.__eq__(rcParams, settings):
            dict.update(rcParams, settings)


def _opened_once(opener, held):
    """Give the first figure of its kind again: a new one at each of a check's many calls would use up the time."""
    opened = {}

    def open_again(*arguments, **keywords):
        kind = repr((arguments, keywords))
        if kind in opened:
            held.figures += 1
        else:
            opened[kind] = opener(*arguments, **keywords)
        return opened[kind]

    return functools.wraps(opener)(open_again)


@contextlib.contextmanager
def _nothing_displayed(held):
    """IPython's ``display`` counts only, and its ``exit`` and ``quit``, which end the kernel later, end the call."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        yield
        return
    from IPython.utils.capture import capture_output

    def count(*_, **__):
        held.displays += 1
        return {}, {}

    not_drawn = _replaced(shell.display_formatter, "format", count)  # drawing what nobody sees would take long
    with capture_output(stdout=False, stderr=False) as captured, not_drawn, _replaced(shell, "ask_exit", _raise_exit):
        yield
    held.displays += len(captured.outputs)


_PARTS = (_process_kept, _paddle_as_usual, _nothing_printed, _nothing_logged, _no_figures, _nothing_displayed)
