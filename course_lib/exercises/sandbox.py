"""Run a learner's code: within a time limit, on copies, without a trace in random generators.

Nothing here protects against malice; it protects a notebook from an endless loop, an exception,
a ``sys.exit()``, a flood of prints or a function that changes what it is given.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import ctypes
import dis
import functools
import inspect
import operator
import random
import signal
import sys
import threading
import time
import types
from dataclasses import dataclass, field

import numpy as np

from ..edge import paddle
from .surroundings import stand_in

SECONDS_OF_INTERRUPTING = 1.0

#: Set where no thread can be started, as in a browser: ``alarm(seconds)`` lets SIGINT arrive when they have passed, and
#: again from time to time, until ``alarm(None)`` calls it off.
alarm = None


class TimeLimit(BaseException):
    """Raised inside code that runs too long; no ``Exception``, so that ``except Exception`` does not stop it."""


@dataclass
class Outcome:
    """What became of a run: its value, or the exception that ended it.

    If time was up: ``reached`` are the places, as pairs of file and line, at which its calls stood, the innermost
    last, and ``left_behind`` says whether it still runs.
    """

    value: object = None
    error: BaseException | None = None
    reached: list[tuple[str, int]] = field(default_factory=list)
    left_behind: bool = False


def run(action, seconds: float) -> Outcome:
    """Call ``action()`` for at most ``seconds`` and return its :class:`Outcome`; never raises.

    The code runs in a thread of its own: that works in Jupyter, in Colab, in scripts and on Windows alike, and
    code that cannot even be interrupted (a wait in C, a loop that swallows every exception) can be left behind. Only
    a single call that works in C for ever without letting other threads in, such as ``sum(itertools.count())``,
    holds up the whole kernel.

    Example:
        >>> run(lambda: 1 / 0, seconds=1).error
        ZeroDivisionError('division by zero')
    """
    with random_state_kept():
        outcome = (_run_in_thread if alarm is None else run_under_alarm)(action, seconds)
    if outcome.left_behind:
        while _copiers:
            _copiers.pop().put_back()
    return outcome


def _run_in_thread(action, seconds: float) -> Outcome:
    outcomes, sending = [], threading.Lock()

    def work():
        with contextlib.suppress(TimeLimit):
            # Two at most arrive when the learner's code has just ended: one was on its way, one was being sent.
            with contextlib.suppress(TimeLimit), contextlib.suppress(TimeLimit):
                try:
                    np.seterr(all="ignore")  # of this thread only
                    outcomes.append(Outcome(value=_learners_code(action)))
                except BaseException as error:
                    outcomes.append(Outcome(error=error))
            with sending:
                _raise_in(threading.get_ident(), None)  # what was sent and has not arrived is called back

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        worker.join(seconds)
    except KeyboardInterrupt as interruption:  # the reader pressed "stop"
        outcomes.append(Outcome(error=interruption))
    reached = _learners_lines(worker.ident)
    _interrupt(worker, sending)
    outcome = outcomes[0] if outcomes else Outcome(error=TimeLimit())
    outcome.left_behind, outcome.reached = worker.is_alive(), reached or []
    return outcome


def _learners_code(action):
    """A frame by which others see that the learner's code is still running."""
    return action()


def run_under_alarm(action, seconds: float, through=_learners_code) -> Outcome:
    """``run`` without a thread: a signal stops the code. What lets none through is for ``alarm``'s owner to end.

    Args:
        action, seconds: See ``run``.
        through: Calls the action; only as long as it does, the code is stopped.
    """
    reached: list[tuple[str, int]] = []

    def stop(_, frame):
        lines = _lines_below(through, frame)
        if lines is not None:
            reached[:] = reached or lines
            raise TimeLimit

    def work():
        with np.errstate(all="ignore"):
            return through(action)

    before = signal.signal(signal.SIGINT, stop)
    try:
        alarm(seconds)
        outcome = Outcome(value=contextvars.copy_context().run(work))
    except BaseException as error:
        outcome = Outcome(error=error)
    finally:
        alarm(None)
        signal.signal(signal.SIGINT, before)
    outcome.reached = reached
    return outcome


def answers_run_here() -> bool:
    """Whether the caller is itself part of an answer that is being checked."""
    return _lines_below(_learners_code, sys._getframe()) is not None


def _learners_lines(ident: int) -> list[tuple[str, int]] | None:
    """Where in the learner's code a thread is: file and line of each call, the innermost last. None: it has left it."""
    return _lines_below(_learners_code, sys._current_frames().get(ident))


def _lines_below(function, frame) -> list[tuple[str, int]] | None:
    """File and line of each call between ``function`` and ``frame``; None where it is not among the callers."""
    lines = []
    while frame is not None and frame.f_code is not function.__code__:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return None if frame is None else lines[::-1]


def _raise_in(ident: int, exception: type | None):
    pending = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), pending)


def _interrupt(worker, sending):
    """Raise TimeLimit in ``worker`` until it ends, and never outside of the learner's code.

    The first one has time to do its work: another that met it on its way out would be lost in some clean-up, with a
    warning on the page. A loop around ``except: pass`` swallows it, and most of the next; with threads that take turns
    as fast as they can, one soon arrives outside of the ``try``.
    """
    give_up = time.monotonic() + SECONDS_OF_INTERRUPTING
    turns = sys.getswitchinterval()
    patience = 0.2
    try:
        while worker.is_alive() and time.monotonic() < give_up:
            with sending:
                if _learners_lines(worker.ident) is not None:
                    _raise_in(worker.ident, TimeLimit)
            worker.join(patience)
            patience = 1e-5
            sys.setswitchinterval(1e-6)
    finally:
        sys.setswitchinterval(turns)


# -------------------------------------------------------------------------------------- random numbers


_GENERATORS = [
    (random.seed, random.getstate, random.setstate),
    (np.random.seed, np.random.get_state, np.random.set_state),
]
if paddle is not None:
    _GENERATORS.append((paddle.seed, paddle.get_rng_state, paddle.set_rng_state))


@contextlib.contextmanager
def random_state_kept():
    """The same random numbers for every check, and the learner's generators as they were."""
    saved = [state() for _, state, _ in _GENERATORS]
    for seed, _, _ in _GENERATORS:
        seed(0)
    try:
        yield
    finally:
        for (_, _, restore), state in zip(_GENERATORS, saved):
            restore(state)


# ---------------------------------------------------------------------------------- the learner's objects


@contextlib.contextmanager
def isolated(answer):
    """A twin of a learner's function that works on copies of everything it can change, inside a ``with`` block.

    Its default arguments, attributes, closure and the globals it names are copied, so that a function with a
    memory starts every check afresh and the notebook's own objects stay as they are. Classes and modules keep their
    identity: what is stored in them is put back at the end.

    Example:
        >>> calls = []
        >>> def remember(x):
        ...     calls.append(x)
        ...     return len(calls)
        >>> with isolated(remember) as twin:
        ...     twin(1), twin(2), calls
        (1, 2, [])
    """
    copier = _Copier()
    _copiers.append(copier)
    try:
        yield copier.copy(_as_function(answer))
    finally:
        copier.put_back()
        with contextlib.suppress(ValueError):
            _copiers.remove(copier)


_copiers: list[_Copier] = []
"""Those that have lent something out and not yet put it back: what is left behind may never come to that."""


def _as_function(answer):
    """A callable object as its method ``__call__``, whose globals can be copied like those of any function."""
    call = inspect.getattr_static(type(answer), "__call__", None)
    return types.MethodType(call, answer) if isinstance(call, types.FunctionType) else answer


class _Copier:
    def __init__(self):
        self.memo = {}
        self.namespaces = {}
        self.lent = {}

    def copy(self, value):
        if (instead := stand_in(value)) is not value:
            return instead
        if isinstance(value, types.FunctionType):
            return self.function(value)
        if isinstance(value, types.MethodType):
            return types.MethodType(self.copy(value.__func__), self.copy(value.__self__))
        if isinstance(value, (staticmethod, classmethod)):
            return type(value)(self.copy(value.__func__))
        if isinstance(value, property):
            return property(*map(self.copy, (value.fget, value.fset, value.fdel)), value.__doc__)
        if isinstance(value, functools.partial):
            keywords = {name: self.copy(item) for name, item in value.keywords.items()}
            return functools.partial(self.copy(value.func), *map(self.copy, value.args), **keywords)
        if isinstance(value, _CACHED):
            return functools.lru_cache(**value.cache_parameters())(self.copy(value.__wrapped__))
        if isinstance(value, types.ModuleType):
            return self.lend_module(value)
        if type(value) in (dict, list, tuple) and _holds_functions(value):
            return self.container(value)
        for cls in (value if isinstance(value, type) else type(value)).__mro__:
            self.lend_class(cls)
        if isinstance(value, (type, types.BuiltinFunctionType, np.ufunc)) or _belongs_to_the_kernel(value):
            return value
        try:
            return copy.deepcopy(value, self.memo)
        except Exception:  # locks, generators, files: what cannot be copied is shared
            return value

    def container(self, original):
        """A list, tuple or dict that holds functions, which ``copy.deepcopy`` would leave as they are."""
        if id(original) not in self.memo:
            self.memo.setdefault(id(self.memo), []).append(original)
            if isinstance(original, dict):
                self.memo[id(original)] = twin = {}
                twin.update((name, self.copy(value)) for name, value in original.items())
            else:
                self.memo[id(original)] = twin = []
                twin.extend(map(self.copy, original))
                if isinstance(original, tuple):
                    self.memo[id(original)] = tuple(twin)
        return self.memo[id(original)]

    def lend_class(self, cls):
        """Put copies in the place of what a class of the learner's stores, and twins in that of its methods."""
        if id(cls) in self.lent or _is_library_class(cls):
            return
        for name, value in self.lent.setdefault(id(cls), _Lent(cls)).stored.items():
            if isinstance(value, _METHODS) or not (name.startswith("__") or hasattr(type(value), "__get__")):
                _set(cls, name, self.copy(value))
        for metaclass in type(cls).__mro__:
            self.lend_class(metaclass)

    def lend_module(self, module):
        """Put copies in the place of the data of a learner's module; what is set in a library goes again."""
        if id(module) not in self.lent:
            from_library = _is_library_module(module)
            lent = self.lent[id(module)] = _Lent(module, private="_" if from_library else "__")
            for name, value in () if from_library else lent.stored.items():
                if not (name.startswith(lent.private) or callable(value)):
                    _set(module, name, self.copy(value))
        return module

    def put_back(self):
        while self.lent:
            _, lent = self.lent.popitem()
            lent.put_back()

    def function(self, original):
        if id(original) in self.memo:
            return self.memo[id(original)]
        if _is_library_code(original):
            return original
        namespace = self.namespace(original.__globals__)
        cells = original.__closure__ or ()
        new_cells = [cell for cell in cells if id(cell) not in self.memo]  # functions may share them
        self.memo.update((id(cell), types.CellType()) for cell in new_cells)
        closure = tuple(self.memo[id(cell)] for cell in cells) or None
        twin = types.FunctionType(original.__code__, namespace, original.__name__, None, closure)
        self.memo[id(original)] = twin
        self.memo.setdefault(id(self.memo), []).append(original)  # keeps ids unique, as deepcopy does
        twin.__defaults__ = tuple(map(self.copy, original.__defaults__)) if original.__defaults__ else None
        twin.__kwdefaults__ = {k: self.copy(v) for k, v in (original.__kwdefaults__ or {}).items()} or None
        twin.__dict__.update({name: self.copy(value) for name, value in original.__dict__.items()})
        for cell in new_cells:
            with contextlib.suppress(ValueError):  # an empty cell stays empty
                self.memo[id(cell)].cell_contents = self.copy(cell.cell_contents)
        for name in named_in(original.__code__, "LOAD_GLOBAL", "LOAD_NAME"):
            if name in original.__globals__ and not name.startswith("__"):
                namespace[name] = self.copy(original.__globals__[name])
        for name in named_in(original.__code__, "IMPORT_NAME") & sys.modules.keys():
            self.copy(sys.modules[name])
        return twin

    def namespace(self, original: dict) -> dict:
        return self.namespaces.setdefault(id(original), dict(original))


class _Lent:
    """A class or module and what stands in it; names that begin with ``private`` are left alone."""

    def __init__(self, owner, private=()):
        self.owner, self.private, self.stored = owner, private, dict(_namespace_of(owner))

    def put_back(self):
        now = dict(_namespace_of(self.owner))
        if len(now) == len(self.stored) and all(map(operator.is_, now.values(), self.stored.values())):
            return  # nothing has happened: by far the most frequent case
        for name in now.keys() - self.stored.keys():
            if not (name.startswith(self.private) or isinstance(now[name], types.ModuleType)):  # imported meanwhile
                _delete(self.owner, name)
        for name, value in self.stored.items():
            if not name.startswith(self.private) and (name not in now or now[name] is not value):
                _set(self.owner, name, value)


def _namespace_of(owner):
    return _class_namespace(owner) if isinstance(owner, type) else vars(owner)


_class_namespace = type.__dict__["__dict__"].__get__  # what a metaclass says of itself may differ


def _set(owner, name, value):
    """Set an attribute, past what the metaclass of a class may do when that happens."""
    with contextlib.suppress(AttributeError, TypeError):
        (type.__setattr__ if isinstance(owner, type) else setattr)(owner, name, value)


def _delete(owner, name):
    with contextlib.suppress(AttributeError, TypeError):
        (type.__delattr__ if isinstance(owner, type) else delattr)(owner, name)


def _holds_functions(container) -> bool:
    items = container.values() if isinstance(container, dict) else container
    return any(isinstance(item, (types.FunctionType, types.MethodType, functools.partial)) for item in items)


def _belongs_to_the_kernel(value) -> bool:
    """Whether ``value`` is IPython's own, such as the ``exit`` of a notebook: a copy would copy the whole shell."""
    return type(value).__module__.partition(".")[0] in ("IPython", "ipykernel")


def _is_library_code(function) -> bool:
    return _is_library_file(function.__code__.co_filename)


def _is_library_class(cls) -> bool:
    """Whether the class is Python's own, in which nothing can be stored, or stands in a library."""
    module = sys.modules.get(cls.__module__)
    return not cls.__flags__ & _HEAP_TYPE or _is_library_file(getattr(module, "__file__", None) or "")


def _is_library_module(module) -> bool:
    filename = getattr(module, "__file__", None)
    return _is_library_file(filename) if filename else module.__name__ in sys.builtin_module_names


def _is_library_file(filename) -> bool:
    return filename.startswith(_LIBRARY_ROOTS) or "site-packages" in filename


_CACHED = type(functools.lru_cache(len))
_METHODS = (types.FunctionType, staticmethod, classmethod, property)
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_LIBRARY_ROOTS = tuple(  # of Python, of the course, and of NumPy, wherever that is installed
    file.rpartition(last)[0]
    for file, last in ((contextlib.__file__, "contextlib"), (__file__, "exercises"), (np.__file__, "__init__"))
)


@functools.lru_cache(maxsize=256)
def named_in(code, *operations):
    """The globals that a function reads, or the modules that it imports; attributes, as in ``s.m``, are neither."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in operations}
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return names.union(*(named_in(constant, *operations) for constant in inner))
