"""Finished runs of a sweep, kept in a folder, so that an interrupted sweep goes on where it was.

Each run has a small file, named by a fingerprint of everything that its result depends on. Nothing has to be deleted
or renamed when an experiment changes: its runs have other fingerprints then, and are done anew.

``joblib.Memory`` keeps results too, but does not fit here. It knows a function by its text alone, so that a function
that uses another value from outside gets the old results; all lambdas of a module share one place and throw out each
other's results; and it writes where the run takes place, which on a cluster is another machine.
"""

from __future__ import annotations

import dis
import functools
import io
import os
import sys
import types
import warnings
from pathlib import Path

import joblib
import numpy as np
from joblib.hashing import NumpyHasher

import course_lib
from course_lib.files import file_at, write_atomically


class Store:
    """The finished runs of one experiment.

    A kept result is used again if all this is the same: the arguments of the run; its code (comments and docstrings
    aside), and the code of the functions and classes that it uses and that stand in the same package or in the
    notebook; the values that they take from outside; ``COURSE_DATA``; the versions of Python, Paddle and course_lib.
    Other packages count by their functions' names: after a change in one of them choose another folder.

    Args:
        folder: Where the files are or shall be. Several experiments may share one. As with everything that Python
            unpickles, do not use a folder of somebody whom you would not let run programs.
        run: The experiment, as in ``sweeps.sweep``.

    Raises:
        TypeError: ``folder`` is no path, or ``run`` uses a value that cannot be recognised in another session, such
            as an open file; the message says which.
        ValueError: ``folder`` is empty.
        OSError: The folder cannot be made, or is not writable.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = Store(folder, lambda lr, seed: lr + seed)
        ...     store.save({"lr": 0.5, "seed": 1}, {"value": np.array(1.5)})
        ...     print(store.load({"lr": 0.5, "seed": 1}), store.load({"lr": 0.5, "seed": 2}))
        {'value': array(1.5)} None
    """

    def __init__(self, folder, run):
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"store must be the path of a folder or None, got {folder!r} ({type(folder).__name__})")
        if not os.fspath(folder).strip():  # as of a variable that is not set; to pathlib it is the current folder
            raise ValueError(f"store must be the path of a folder or None, got {folder!r}")
        self.folder = Path(os.path.expanduser(folder))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(error.errno, f"store must be a folder, but {folder} is none: {error.strerror}") from error
        if not os.access(self.folder, os.W_OK):  # said now, not when the first run is finished
            raise PermissionError(f"store must be a folder that can be written to, got {folder}")
        self._package = package_of(run)
        self._experiment = fingerprint(run, self._package), os.environ.get("COURSE_DATA") or "digits", _versions()

    def load(self, call: dict):
        """Return the result saved for these arguments as arrays by name, or None.

        A file that is damaged, or holds something else, is set aside, with a warning.

        Raises:
            OSError: The file cannot be read or set aside, or something other than a file is in its place.
        """
        path = self._path(call)
        try:
            content = file_at(path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise type(error)(
                error.errno, f"the store cannot read {path.name} in {self.folder}: {error.strerror}; move it away"
            ) from error
        try:
            return as_numbers(joblib.load(io.BytesIO(content))["result"])
        except Exception as error:  # a damaged pickle may raise anything
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            warnings.warn(f"a kept run could not be read ({error!r}) and is done again: see {aside}", stacklevel=3)
            return None

    def save(self, call: dict, result) -> None:
        """Keep the result of the run with these arguments."""
        content = io.BytesIO()
        joblib.dump({"call": repr(call), "result": result}, content, compress=True)  # compression adds a checksum
        write_atomically(self._path(call), content.getvalue())

    def _path(self, call: dict) -> Path:
        return self.folder / f"{fingerprint((self._experiment, call), self._package)}.run"


def as_numbers(results: dict) -> dict[object, np.ndarray]:
    """Return the results of a run as arrays of float64.

    Raises:
        TypeError: One of them is neither a number nor an array of numbers, or there is none.

    Example:
        >>> as_numbers({"loss": [2, 1]})
        {'loss': array([2., 1.])}
        >>> as_numbers({"loss": None})
        Traceback (most recent call last):
            ...
        TypeError: the result 'loss' must be a number or an array of numbers, got None
    """
    if not results:
        raise TypeError("a run must return at least one result, got {}")
    return {key: _as_number(key, value) for key, value in results.items()}


def _as_number(key, value) -> np.ndarray:
    # A tensor of floats converts itself: of bfloat16, NumPy would read the raw bits.
    floats = hasattr(value, "is_floating_point") and value.is_floating_point()
    try:
        array = np.asarray(value.astype("float64") if floats else value)
        # NumPy takes "0.5" for a number, and makes NaN of None: what a function gives that forgets to return something.
        forgotten = array.dtype == object and any(item is None for item in array.flat)
        if not forgotten and array.dtype.kind in "biufO":
            return array.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError):  # lists of unequal lengths, things that are no numbers
        pass
    raise TypeError(f"the result {key!r} must be a number or an array of numbers, got {value!r:.60}")


def _versions() -> tuple:
    from course_lib.edge import paddle  # takes seconds: not in workers, which need no store

    return sys.version_info[:2], paddle and paddle.__version__, course_lib.__version__


# Fingerprints -------------------------------------------------------------------------------------------------


def fingerprint(thing, package: str = "__main__") -> str:
    """Return a short text that is the same, also in another session, only for things that do the same.

    ``joblib.hash`` does this for values. Here functions and classes count by what they are made of, too.

    Args:
        thing: A function, or values.
        package: Functions and classes of this package are taken apart, as are those of the notebook or program
            itself; others count by their names.

    Raises:
        TypeError: Something in ``thing`` cannot be recognised again, such as an open file.

    Example:
        >>> def scaled(factor):
        ...     return lambda x: factor * x
        >>> fingerprint(scaled(2)) == fingerprint(scaled(2)), fingerprint(scaled(2)) == fingerprint(scaled(3))
        (True, False)
    """
    try:
        return _Fingerprint(own={"__main__", package} - {"course_lib"}).hash(thing)
    except Exception as error:  # objects raise what they like when they cannot be pickled
        raise TypeError(
            f"store cannot tell whether run does the same as before, because it uses a value that cannot be saved "
            f"({error}); make that value inside of run, or leave store out"
        ) from error


class _Fingerprint(NumpyHasher):
    """joblib's pickler for fingerprints, which takes ``own`` packages' functions and classes apart.

    A pickler already goes through containers and objects, and through what refers to itself.
    """

    def __init__(self, own: set[str]):
        super().__init__()
        self.own = own

    def reducer_override(self, thing):
        """Of what a thing consists, as ``(any function, parts, more parts)``; a pickler asks for it."""
        if isinstance(thing, types.FunctionType) and self._is_own(thing):
            return tuple, ([_undocumented(thing), thing.__defaults__, thing.__kwdefaults__],), _from_outside(thing)
        if isinstance(thing, type) and self._is_own(thing):
            return tuple, ([thing.__qualname__, *thing.__bases__],), _members(thing)
        if isinstance(thing, types.CodeType):  # without its file and lines
            names = thing.co_names, thing.co_varnames, thing.co_freevars, thing.co_cellvars
            return tuple, ([thing.co_code, thing.co_consts, *names],)
        if isinstance(thing, types.ModuleType):
            return str, (thing.__name__,)
        if isinstance(thing, frozenset):  # has an order of its own in each session; joblib sorts sets
            return frozenset, (set(thing),)
        if isinstance(thing, property):
            return property, (thing.fget, thing.fset)
        if isinstance(thing, (staticmethod, classmethod)):
            return type(thing), (thing.__func__,)
        if isinstance(thing, functools._lru_cache_wrapper):
            return functools.lru_cache, (thing.__wrapped__,)
        return NotImplemented

    def memoize(self, thing):
        # Whether equal constants are one object depends on how a module was loaded.
        if not isinstance(thing, (tuple, frozenset)):
            super().memoize(thing)

    def _is_own(self, thing) -> bool:
        has_no_address = "<" in thing.__qualname__  # <lambda>, or written in a function: <locals>
        return has_no_address or package_of(thing) in self.own


def package_of(thing) -> str:
    """Return the top-level package in which a function or class is written."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    return str(getattr(thing, "__module__", None)).partition(".")[0]


def _from_outside(function) -> dict:
    """The values that a function takes from outside, by name; those of the functions written in it, too."""
    outer = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    cells = zip(function.__code__.co_freevars, function.__closure__ or ())
    return {**outer, **{name: cell.cell_contents for name, cell in cells}}


def _undocumented(function) -> types.CodeType:
    """The code without its docstring, the first of its constants: a comma in it must not cost hours."""
    code = function.__code__
    documented = function.__doc__ is not None and code.co_consts[:1] == (function.__doc__,)
    in_use = any(step.arg == 0 and "CONST" in step.opname for step in dis.get_instructions(code))
    return code.replace(co_consts=(None, *code.co_consts[1:])) if documented and not in_use else code


def _names(code):
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _members(cls) -> dict:
    """What is written in a class; what Python adds (``__dict__``, ``__doc__``, …) left out."""
    written = (types.FunctionType, property, staticmethod, classmethod)
    return {k: v for k, v in vars(cls).items() if isinstance(v, written) or not k.startswith(("__", "_abc_"))}
