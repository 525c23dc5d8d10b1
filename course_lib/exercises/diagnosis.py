"""From an exception in a learner's code to a sentence that helps: where it happened and what is often meant."""

from __future__ import annotations

import functools
import linecache
import re
import traceback

from .sandbox import InputRefused, TimeLimit

#: exception -> [(pattern in its text, what is often meant)]; the first match speaks, "" matches always.
COMMON_CAUSES = {
    NameError: [
        (r"'(np|numpy|paddle|math)'", "`{0}` is not imported here: run the import cell at the top of the notebook."),
        (r"'(sqrt|maximum|minimum|exp|sum|where|zeros_like)'", "Write `np.{0}`, or import it from `course_lib.arrays`."),
        (r"'(\w+)'", "A typo in `{0}`, a variable of another cell, or a piece of state that must be read from `s`."),
    ],
    UnboundLocalError: [
        (r"'(\w+)'", "`{0}` is used before it gets its value. State from the last step is read from `s`: `s.{0}`."),
    ],
    AttributeError: [
        (r"'numpy\.ndarray' object has no attribute '(\w+)'", "`{0}` is no method of NumPy arrays: try `np.{0}(…)`."),
        (r"'(?:float|int)' object has no attribute '(\w+)'", "This is a plain number, not an array."),
        (r"'NoneType'", "A function or an earlier line gave None where an array was meant: is a `return` missing?"),
        (r"attribute '(\w+)'", "There is nothing called `{0}` there: check the spelling."),
    ],
    TypeError: [
        (r"not callable", "Something is called that is no function: is a `*` missing before a bracket, as in `2(x + 1)`?"),
        (r"not subscriptable", "The namespace is read with a dot: `s.m`, not `s['m']`."),
        (r"NoneType", "One of the operands is None: an earlier line or function gave no value back."),
        (r"only (?:length-1|size-1|0-dim)|converted to Python scalars", "`math` works on one number; for arrays use `np.sqrt` and its kin."),
        (r"unexpected keyword|required positional|positional argument", "The names or the number of the arguments differ from the stub's."),
        (r"assignment", "This object cannot be changed in place."),
        (r"", "Two values of kinds that do not go together; print their types."),
    ],
    ValueError: [
        (r"truth value", "An `if` or `max` met a whole array: choose per element with `np.where` or `np.maximum`."),
        (r"broadcast|shape|dimension|align", "Two arrays differ in shape. A step works element by element: `*`, not `@`; no sums over parameters."),
        (r"math domain", "The root or logarithm of a negative number."),
    ],
    ZeroDivisionError: [(r"", "Something is divided by zero: a counter that starts at 0, or `1 - beta**0`. `s.t` is 1 at the first step.")],
    IndexError: [(r"", "An index beyond the end, or more indices than the array has axes: arrays of any shape must work.")],
    KeyError: [(r"", "There is no such key. State is kept in the namespace: `s.m`, not `s['m']`.")],
    RecursionError: [(r"", "The function calls itself without end.")],
    OverflowError: [(r"", "A number grew too large: is a sign wrong, or a power?")],
    MemoryError: [(r"", "An array far too large was asked for.")],
    ImportError: [(r"", "This module is not installed or its name is misspelt.")],
    AssertionError: [(r"", "One of your own assertions does not hold for the check's inputs.")],
    StopIteration: [(r"", "An iterator has nothing left to give.")],
    InputRefused: [(r"", "An exercise gets everything it needs as arguments; do not ask for `input()`.")],
    SystemExit: [(r"", "The function ends the whole program; use `return`.")],
    KeyboardInterrupt: [(r"", "The check was interrupted.")],
}  # fmt: skip


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
        for pattern, meaning in COMMON_CAUSES.get(kind, ()):
            match = re.search(pattern, text)
            if match:
                return meaning.format(*match.groups())
    return ""


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
    """Return the code object behind a function, method, partial or callable object, or None."""
    while isinstance(answer, functools.partial):
        answer = answer.func
    function = getattr(answer, "__func__", answer)
    if not hasattr(function, "__code__") and not isinstance(answer, type):
        function = getattr(getattr(type(answer), "__call__", None), "__func__", getattr(type(answer), "__call__", None))
    return getattr(function, "__code__", None)


def ran_too_long(error: BaseException) -> bool:
    return isinstance(error, TimeLimit)


def mentions_paddle(answer) -> bool:
    """Whether a learner's function is written for Paddle tensors, judged by the names it uses."""
    code = code_of(answer)
    return code is not None and bool({"paddle", "to_tensor"} & set(code.co_names))
