"""From an exception in a learner's code to a sentence that helps: where it happened and what is often meant."""

from __future__ import annotations

import difflib
import functools
import inspect
import linecache
import re
import traceback

from .sandbox import InputRefused, TimeLimit

#: (exception, pattern in its text, what is often meant); the first match of the closest class speaks.
COMMON_CAUSES = [
    (NameError, r"'(np|numpy|paddle|math)'", "`{0}` is not imported here: run the import cell at the top."),
    (
        NameError,
        r"'(sqrt|maximum|minimum|exp|where|zeros_like)'",
        "Write `np.{0}`, or import it from `course_lib.arrays`.",
    ),
    (NameError, r"'(\w+)'", "A typo in `{0}`, a variable of another cell, or state that must be read from `s`."),
    (UnboundLocalError, r"'(\w+)'", "`{0}` is used before it has a value. State of the last step is read as `s.{0}`."),
    (
        AttributeError,
        r"'numpy\.ndarray' object has no attribute '(\w+)'",
        "NumPy arrays have no `.{0}`: try `np.{0}(…)`.",
    ),
    (
        AttributeError,
        r"Generator' object has no attribute",
        "A generator has `rng.uniform`, `rng.normal`, `rng.random` …",
    ),
    (AttributeError, r"'(?:float|int)' object has no attribute", "This is a plain number, not an array."),
    (AttributeError, r"'NoneType'", "A function or an earlier line gave None: is a `return` missing?"),
    (AttributeError, r"attribute '(\w+)'", "There is nothing called `{0}` there: check the spelling."),
    (TypeError, r"not callable", "Something is called that is no function: is a `*` missing, as in `2(x + 1)`?"),
    (TypeError, r"not subscriptable|item assignment", "The namespace is read with a dot: `s.m`, not `s['m']`."),
    (TypeError, r"NoneType", "One of the operands is None: an earlier line or function gave no value back."),
    (
        TypeError,
        r"only .*scalar|to Python scalars",
        "`math` works on one number; for arrays use `np.sqrt` and its kin.",
    ),
    (TypeError, r"argument", "The names or the number of the arguments differ: compare with the stub."),
    (TypeError, r"", "Two values of kinds that do not go together: print their types."),
    (
        ValueError,
        r"truth value",
        "An `if` or `max` met a whole array: choose per element with `np.where` or `np.maximum`.",
    ),
    (
        ValueError,
        r"broadcast|shape|dimension|align",
        "Two shapes do not fit: work element by element, with `*`, not `@`.",
    ),
    (ValueError, r"math domain", "The root or logarithm of a negative number."),
    (ZeroDivisionError, r"", "A counter that starts at 0, or `1 - beta**0`? `s.t` is 1 at the first step."),
    (IndexError, r"", "An index beyond the end, or more indices than axes: arrays of any shape must work."),
    (StopIteration, r"", "An iterator is used up. Compute from the arguments, not from what earlier calls left over."),
    (KeyError, r"", "There is no such key. State is kept in the namespace: `s.m`, not `s['m']`."),
    (RecursionError, r"", "The function calls itself without end."),
    (OverflowError, r"", "A number grew too large: is a sign wrong, or a power?"),
    (MemoryError, r"", "An array far too large was asked for."),
    (ImportError, r"", "This module is not installed, or its name is misspelt."),
    (AssertionError, r"", "One of your own assertions does not hold for the check's inputs."),
    (InputRefused, r"", "An exercise gets everything it needs as arguments; do not ask for `input()`."),
    (SystemExit, r"", "The function ends the whole program; use `return`."),
    (KeyboardInterrupt, r"", "The check was interrupted."),
]


def explain(error: BaseException, slots=()) -> str:
    """Return what is often meant by ``error``; ``slots`` are the names that the namespace ``s`` has.

    Example:
        >>> explain(ValueError("The truth value of an array is ambiguous"))
        'An `if` or `max` met a whole array: choose per element with `np.where` or `np.maximum`.'
    """
    text = str(error)
    if isinstance(error, AttributeError) and "SimpleNamespace" in text:
        known = ", ".join(f"`s.{slot}`" for slot in (*slots, "t"))
        return f"The namespace `s` holds {known}; names are spelt exactly so."
    for kind in type(error).__mro__:
        for own_kind, pattern, meaning in COMMON_CAUSES:
            match = re.search(pattern, text) if own_kind is kind else None
            if match:
                return meaning.format(*match.groups())
    return ""


def near_name(error: BaseException) -> str:
    """Return a question about the variable that a misspelt name may have meant, or nothing."""
    name = getattr(error, "name", None)
    if not isinstance(error, NameError) or not isinstance(name, str):  # Python 3.9 does not tell the name
        return ""
    frame = list(traceback.walk_tb(error.__traceback__))[-1][0]
    near = difflib.get_close_matches(name, [*frame.f_locals, *frame.f_globals], n=1, cutoff=0.75)
    return f" Did you mean `{near[0]}`?" if near and near[0] != name else ""


def describe(error: BaseException) -> str:
    """Return ``Type: text`` on one line, without addresses in memory and not too long.

    Example:
        >>> describe(TypeError("bad operand <object object at 0x7f01>"))
        'TypeError: bad operand <object object>'
    """
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", str(error)).strip()
    first_line = next((line.strip() for line in text.splitlines() if line.strip(" -")), "")
    summary = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    return summary if len(summary) <= 200 else summary[:199] + "…"


def learner_line(error: BaseException, answer) -> tuple[int, str] | None:
    """Return number and text of the deepest line of the learner's own code on the way to ``error``."""
    code = code_of(answer)
    if code is None:
        return None
    frames = traceback.walk_tb(error.__traceback__)
    own = [number for frame, number in frames if frame.f_code.co_filename == code.co_filename]
    if not own:
        return None
    return own[-1], linecache.getline(code.co_filename, own[-1]).strip()


def is_unfinished(error: BaseException, answer) -> bool:
    """Whether ``error`` is the stub's own ``raise NotImplementedError``."""
    return isinstance(error, NotImplementedError) and learner_line(error, answer) is not None


def code_of(answer):
    """Return the code object behind a function, method, partial, decorated or callable object, or None."""
    answer = inspect.unwrap(answer)
    while isinstance(answer, functools.partial):
        answer = answer.func
    if not isinstance(answer, type) and not hasattr(answer, "__code__") and not hasattr(answer, "__func__"):
        answer = type(answer).__call__
    return getattr(getattr(answer, "__func__", answer), "__code__", None)


def ran_too_long(error: BaseException) -> bool:
    return isinstance(error, TimeLimit)


def mentions_paddle(answer) -> bool:
    """Whether a learner's function is written for Paddle tensors, judged by the names it uses."""
    code = code_of(answer)
    return code is not None and bool({"paddle", "to_tensor"} & set(code.co_names))
