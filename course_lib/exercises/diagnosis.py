"""From an exception in a learner's code to a sentence that helps: where it happened and what is often meant."""

from __future__ import annotations

import ast
import difflib
import dis
import functools
import inspect
import linecache
import math
import re
import sys
import textwrap
import traceback
import types

import numpy as np

from .. import arrays
from .sandbox import TimeLimit, run
from .surroundings import InputRefused

ZERO_AT_THE_START = "`1 - beta**t` is 0 if t starts at 0."
POWER = "`^` is no power in Python (it compares bits): write `**`."

#: (exception, pattern in its text, what is often meant); the first match of the closest class speaks. ``{0}``, ``{1}``
#: are the pattern's groups, ``{function}`` is a function that exists and may have been meant by the first of them.
COMMON_CAUSES = [
    (NameError, r"free variable '(\w+)'", "`{0}` is used before it has a value."),
    (
        NameError,
        r"'(np|numpy|paddle|math)'",
        "`{0}` is not imported here: run the import cell at the top, or import it.",
    ),
    (NameError, r"'(\w+)'", "A typo in `{0}`, or a variable of another cell.{function}"),
    (
        UnboundLocalError,
        r"'(\w+)'",
        "`{0}` is used before it has a value: it is assigned to in this function.",
    ),
    (
        AttributeError,
        r"'numpy\.random\.[\w.]*Generator' object has no",
        "NumPy's generators have `uniform`, `normal`, `random` …, with the shape as `size`.",
    ),
    (AttributeError, r"()'numpy\.ndarray' object has no attribute '(\w+)'", "NumPy arrays have no `.{1}`.{function}"),
    (
        AttributeError,
        r"'((?:numpy\.)?(?:float|int)\d*)' object has no attribute '(\w+)'",
        "This is a single number, not an array: it has no `.{1}`.{function}",
    ),
    (AttributeError, r"__(?:enter|exit)__", "A call is needed after `with`: are its brackets missing?"),
    (AttributeError, r"'NoneType'", "A function or an earlier line gave None: is a `return` missing?"),
    (AttributeError, r"module '([\w.]+)' has no attribute '(\w+)'", "There is no `{1}` in `{0}`.{function}"),
    (AttributeError, r"has no attribute '(\w+)'", "There is nothing called `{0}` there: check the spelling."),
    (TypeError, r"for \^=?:|bitwise_xor", POWER),
    (TypeError, r"for @=?:", "`@` multiplies matrices; numbers and elements are multiplied with `*`."),
    (TypeError, r"NoneType", "Something here is None: an earlier line or function gave no value back."),
    (TypeError, r"context manager", "A call is needed after `with`: are its brackets missing?"),
    (TypeError, r"not callable", "Something is called that is no function: is a `*` missing, as in `2(x + 1)`?"),
    (
        TypeError,
        r"SimpleNamespace' object (?:is not subscriptable|does not)",
        "A namespace is read with a dot, not with brackets.",
    ),
    (
        TypeError,
        r"(?:function|method|type|ufunc)\w*' object is not subscriptable",
        "A function is called with round brackets, not with square ones.",
    ),
    (
        TypeError,
        r"'(?:numpy\.)?(?:float|int)\d*' object (?:is not (?:subscriptable|iterable)|does not support item)"
        r"|non-iterable (?:numpy\.)?(?:float|int)|object of type '(?:numpy\.)?(?:float|int)\d*' has no len",
        "This is a single number: it has no elements to pick, count or go through.",
    ),
    (TypeError, r"indices must be integers", "A position is a whole number, neither a float nor a text."),
    (
        TypeError,
        r"only integer scalar arrays",
        "An array stands where a single whole number is needed: a length, a position or an axis. Two arrays are "
        "compared by `np.maximum(a, b)`; the second argument of `np.max` is an axis.",
    ),
    (
        TypeError,
        r"(?:an|single) integer|integer scalar",
        "A whole number is needed here; `/` gives a float, `//` a whole number.",
    ),
    (
        TypeError,
        r"only .*scalar|to Python scalars",
        "`math` and `float` work on one number; for arrays use `np.sqrt` and its kin.",
    ),
    (TypeError, r"([\w.]+)\(\) (?:missing|takes|got)", "`{0}` is called with other arguments than it takes."),
    (
        TypeError,
        r"expected .* arguments?,? |keyword argument",
        "A function is called with other arguments than it takes.",
    ),
    (
        TypeError,
        r"Cannot interpret .* as a data type",
        "A shape is handed over in one pair of brackets: `(3, 2)`, not `3, 2`.",
    ),
    (
        TypeError,
        r"operand type\(s\) for .*'\w*(?:function|method)\w*'",
        "A function stands where its result is meant: call it, with brackets.",
    ),
    (TypeError, r"not supported between", "Two values are compared that have no order: print their types."),
    (TypeError, r"\bstr\b", "One of the values is a text: numbers are written without quotes."),
    (
        TypeError,
        r"\b(?:list|tuple|sequence)\b",
        "A list or a text does not compute like an array, nor does a tuple, which a comma at the end of a line makes; "
        "`np.array(…)` makes an array of a list.",
    ),
    (TypeError, r"unsupported operand|ufunc", "Two values of kinds that do not go together: print their types."),
    (ValueError, r"bitwise_xor", POWER),
    (
        ValueError,
        r"must be Tensor",
        "A function of Paddle's takes tensors; for arrays and numbers there is NumPy's own.",
    ),
    (
        ValueError,
        r"truth value",
        "An `if`, `and` or `max` met a whole array: choose per element with `np.where` or `np.maximum`.",
    ),
    (
        ValueError,
        r"matmul|align",
        "Two shapes do not fit in a product of matrices. Multiply element by element with `*`, not `@` or `dot`.",
    ),
    (ValueError, r"reshape", "The new shape has room for more or fewer elements than there are."),
    (ValueError, r"inhomogeneous|setting an array element", "The parts of an array must all have one shape."),
    (
        ValueError,
        r"concatenation|same number of dimensions|same shape",
        "Arrays of different shapes are put together: `np.ravel` makes each of them flat.",
    ),
    (ValueError, r"scale < 0", "A standard deviation is never negative."),
    (ValueError, r"high - low < 0", "Of two ends the lower one comes first; the upper one is 1 if it is left out."),
    (ValueError, r"broadcast|mismatch|must match", "Two shapes do not fit: they meet element by element."),
    (
        ValueError,
        r"math domain|(?:nonnegative|positive) (?:input|number)",
        "The root of a negative number, or the logarithm of one that is not positive?",
    ),
    (ValueError, r"array of size 1", "A single number can only be taken out of an array that holds no more than one."),
    (ValueError, r"could not convert|invalid literal", "A text is no number."),
    (ValueError, r"to unpack", "There are not as many values on the right as names on the left."),
    (ValueError, r"read-only", "This array cannot be changed: work on a copy, `np.array(…)`."),
    (ValueError, r"float NaN", "NaN cannot become a whole number; where does it come from?"),
    (ValueError, r"empty|zero-size", "Something here has no elements at all."),
    (ZeroDivisionError, r"", "Something is divided by 0."),
    (
        IndexError,
        r"only integers|must be of integer",
        "A position is a whole number or a slice, neither a float nor a text.",
    ),
    (
        IndexError,
        r"array is 0-dimensional|scalar variable|range of \[0, 0\)",
        "This is a single number: it has no elements to pick. `.item()` makes a plain number of an array or tensor.",
    ),
    (IndexError, r"too many indices", "More indices than axes."),
    (IndexError, r"^axis", "There is no such axis: they are counted from 0."),
    (IndexError, r"with size 0", "Something is taken out of an array that has no elements at all."),
    (IndexError, r"out of (?:range|bounds)", "An index beyond the end."),
    (IndexError, r"empty", "Something is taken out of a list that is empty."),
    (IndexError, r"boolean index", "The condition and what it picks from have different shapes."),
    (StopIteration, r"", "An iterator is used up. Compute from the arguments, not from what earlier calls left over."),
    (KeyError, r"", "There is no such key."),
    (RecursionError, r"", "Functions call themselves or each other too often: is the end missing?"),
    (OverflowError, r"infinity", "Infinity cannot become a whole number; where does it come from?"),
    (OverflowError, r"index-sized", "An array far too large was asked for."),  # where addresses have 32 bits
    (OverflowError, r"", "A number grew too large: is a sign wrong, or a power?"),
    (MemoryError, r"", "An array far too large was asked for."),
    (ModuleNotFoundError, r"", "This module is not installed, or its name is misspelt."),
    (ImportError, r"", "The module holds nothing of this name: check the spelling."),
    (AssertionError, r"", "An assertion does not hold for the check's inputs."),
    (
        NotImplementedError,
        r"",
        "A line `raise NotImplementedError` still stands, and the function ends there: remove it.",
    ),
    (OSError, r"", "An exercise gets everything it needs as arguments; it needs no files and no network."),
    (InputRefused, r"", "An exercise gets everything it needs as arguments; do not ask for `input()`."),
    (SystemExit, r"", "The function ends the whole program; use `return`."),
    (KeyboardInterrupt, r"", "The check was interrupted."),
]

#: What to add where the exercise has such an argument: (exception, pattern in its text, argument, pattern in the
#: place, sentence).
IN_THIS_EXERCISE = [
    (
        ZeroDivisionError,
        r"",
        "s",
        r"^step 1 of|^$",
        "`s.t` is 1 at the first step: does something count from 0, or stand in `1 - beta**0`?",
    ),
    (ZeroDivisionError, r"", "t", r"\bt = 0\b", "The step `t` counts from 0."),
    (
        ZeroDivisionError,
        r"",
        "t_mult",
        r"\bt_mult = 1\b",
        "With `t_mult` = 1 both its logarithm and `t_mult - 1` are 0: all cycles are equally long.",
    ),
    (IndexError, r"too many indices|^tuple index", "x", r"", "Arrays of any shape must work."),
    (
        ValueError,
        r"matmul|input_dims",
        "batches",
        r"",
        "A mini-batch is a pair `(images, labels)`: the network takes the images, and `cross_entropy(scores, labels)` "
        "the scores first.",
    ),
    (ValueError, r"AccuracyOp", "batches", r"", "It wants the labels as a column: `labels.unsqueeze(1)`."),
]


def explain(error: BaseException, names=(), slots=(), where="", line="") -> str:
    """Return what is often meant by ``error``.

    Args:
        error: What the learner's code raised.
        names: The arguments of the exercise; nothing else is spoken of.
        slots: What its namespace ``s`` holds beside ``s.t``, where ``s`` is among the arguments.
        where: The place at which it happened, as the card shows it.
        line: The learner's line in which it happened.

    Example:
        >>> explain(TypeError("unsupported operand type(s) for ^: 'float' and 'int'"))
        '`^` is no power in Python (it compares bits): write `**`.'
    """
    text = text_of(error)
    meaning = next((m.format(*g, function=_meant(g)) for m, g in _causes(error, text)), "")
    if _takes_a_number_for_an_axis(error, text):
        meaning = "The second argument of `np.max` or `np.min` is an axis; two numbers are compared by `max(a, b)`."
    additions = [
        sentence
        for kind, pattern, name, place, sentence in IN_THIS_EXERCISE
        if isinstance(error, kind) and re.search(pattern, text) and name in names and re.search(place, where)
    ]
    if isinstance(error, ZeroDivisionError) and "s" not in names and re.search(r"1 ?- ?beta", line):
        additions.append(ZERO_AT_THE_START)
    if "s" in names:
        additions += filter(None, [_about_the_state(error, text, slots)])
    elif isinstance(error, NameError) and "'s'" in text:
        meaning = f"There is no `s` in this exercise; its arguments are {_listed(names)}."
    return " ".join(filter(None, [meaning, *additions]))


def _causes(error, text):
    """Meanings that match, with the groups of their patterns; those of the closest class come first."""
    for kind in type(error).__mro__:
        for own_kind, pattern, meaning in COMMON_CAUSES:
            match = re.search(pattern, text) if own_kind is kind else None
            if match:
                yield meaning, match.groups()


def _about_the_state(error, text, slots) -> str:
    """What helps where the namespace ``s`` may have been meant."""
    known = [f"s.{slot}" for slot in (*slots, "t")]
    name = re.search(r"'(\w+)'", text)
    if isinstance(error, UnboundLocalError) and name and name.group(1) in slots:
        return f"State of the last step is read as `s.{name.group(1)}`."
    if isinstance(error, AttributeError) and "SimpleNamespace" in text:
        return f"The namespace `s` holds {_listed(known)}; names are spelt exactly so."
    if isinstance(error, NameError) and name and not isinstance(error, UnboundLocalError):
        near = difflib.get_close_matches(name.group(1), [*slots, "t"], n=1, cutoff=0.75)
        return f"State is read from `s`: is `s.{near[0]}` meant?" if near else ""
    if isinstance(error, KeyError) or (isinstance(error, TypeError) and "SimpleNamespace' object" in text):
        return f"State is kept in the namespace `s`: `{known[0]}`, not `s['{known[0][2:]}']`."
    return ""


def _takes_a_number_for_an_axis(error, text) -> bool:
    """Whether ``np.max(a, b)`` or the like met a number ``b``."""
    if not isinstance(error, TypeError) or "as an integer" not in text:
        return False
    functions = {frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)}
    return "_wrapreduction" in functions and not functions.isdisjoint({"max", "min", "amax", "amin"})


def _listed(names) -> str:
    return ", ".join(f"`{name}`" for name in names)


#: Names that other libraries and everyday language have for functions of NumPy's.
OTHER_NAMES = {
    "clamp": "np.clip",
    "concat": "np.concatenate",
    "cosine": "np.cos",
    "div": "np.divide",
    "float": "np.float64",
    "int": "np.int64",
    "ln": "np.log",
    "max": "np.max",
    "mm": "np.matmul",
    "mul": "np.multiply",
    "neg": "np.negative",
    "norm": "np.linalg.norm",
    "numel": "np.size",
    "pow": "np.power",
    "rand": "np.random.rand",
    "randn": "np.random.randn",
    "sqroot": "np.sqrt",
    "squareroot": "np.sqrt",
    "sub": "np.subtract",
}

#: Names that stand for a function only behind a dot: alone they are variables.
OTHER_ATTRIBUTES = {"grad": "np.gradient", "index": "np.argmin"}


def _meant(groups) -> str:
    """A question about the function that a name may have meant: the last group of a pattern, in the first one."""
    owner, name = (*groups, "", "")[0], (*groups, "")[len(groups) - 1]
    module = sys.modules.get(owner) if len(groups) == 2 and owner else None
    elsewhere = OTHER_NAMES.get(name, "").replace("np.", f"{owner}.")
    if module is None or module is np:
        function = numpy_function(name, guess=len(groups) == 2)
    elif elsewhere and hasattr(module, elsewhere.rpartition(".")[2]):
        function = elsewhere
    else:
        near = difflib.get_close_matches(name, [n for n in vars(module) if not n.startswith("_")], n=1, cutoff=0.7)
        function = f"{owner}.{near[0]}" if near else None
    return f" Is `{function}` meant?" if function else ""


def numpy_function(name: str, guess: bool = True) -> str | None:
    """Return the function of NumPy's, as it is written, that ``name`` stands for; ``guess`` at misspelt ones too.

    Example:
        >>> numpy_function("subtract_"), numpy_function("norm"), numpy_function("sqrtt"), numpy_function("momentum")
        ('np.subtract', 'np.linalg.norm', 'np.sqrt', None)
        >>> numpy_function("where", guess=False), numpy_function("mean", guess=False)
        ('np.where', None)
    """
    plain = name.rstrip("_")
    if not hasattr(np, plain):
        plain = plain.lower()
    others = {**OTHER_NAMES, **OTHER_ATTRIBUTES} if guess else OTHER_NAMES
    if plain in others:
        return others[plain]
    if hasattr(np, plain) and (guess or plain in ("where", *arrays.__all__) or hasattr(math, plain)):
        return f"np.{plain}"
    near = difflib.get_close_matches(plain, _functions_of_numpy(), n=1, cutoff=0.85) if guess else []
    return f"np.{near[0]}" if near else None


@functools.lru_cache(maxsize=1)
def _functions_of_numpy() -> list[str]:
    there = vars(np)  # not getattr: that would import every submodule, which takes seconds in a browser
    return [name for name in np.__all__ if name[:1].islower() and callable(there.get(name))]


#: (what NumPy says, what it is); the first match speaks.
ORIGINS_OF_NAN = [
    (r"divide by zero encountered in log", "the logarithm of 0"),
    (r"divide by zero", "a division by zero"),
    (r"invalid value encountered in sqrt", "the root of a negative number"),
    (r"invalid value encountered in log", "the logarithm of a negative number"),
    (r"invalid value encountered in \w*power", "a negative number to the power of a fraction, that is a root of it"),
    (r"invalid value encountered in \w*(?:divide|remainder)", "0 divided by 0"),
    (r"overflow", "a number too large for its kind"),
    (r"invalid value", "something without a value, such as infinity minus infinity"),
]


def cause_of_nan(what: str, error: FloatingPointError, line: str = "") -> str:
    """Return a sentence on where ``what``, that is NaN or infinity, came from.

    Args:
        what: ``"NaN"`` or ``"infinity"``.
        error: What NumPy raised in the place of giving it.
        line: The learner's line in which that was.

    Example:
        >>> cause_of_nan("NaN", FloatingPointError("invalid value encountered in sqrt"))
        'The NaN comes from the root of a negative number: is a bracket missing?'
    """
    origin = next((words for said, words in ORIGINS_OF_NAN if re.search(said, text_of(error))), "this operation")
    sentence = f"The {what} comes from {origin}"
    if "negative" in origin:
        return f"{sentence}: is a bracket missing?"
    hints = []
    if origin.endswith((" zero", " 0")):
        hints += ["Where gradients are 0 the root is 0 too: what is ε for?"] if "sqrt" in line else []
        hints += [ZERO_AT_THE_START] if re.search(r"1 ?- ?beta", line) else []
    return " ".join([f"{sentence}.", *hints])


#: What papers and other programs call the arguments of the exercises.
OTHER_ARGUMENTS = {
    "x": ("w", "theta", "param", "params", "weights"),
    "g": ("grad", "grads", "gradient", "dw", "dx"),
    "lr": ("alpha", "eta", "learning_rate"),
    "epsilon": ("eps",),
    "momentum": ("mu", "beta", "gamma"),
    "rho": ("beta", "gamma", "decay_rate"),
    "weight_decay": ("wd", "lam", "lambda_"),
    "eta_min": ("lr_min", "min_lr"),
    "t_max": ("T", "total_steps"),
    "t": ("epoch", "step"),
    "opt": ("optim", "optimizer", "rule"),
    "schedule": ("scheduler",),
}


def near_name(error: BaseException, names=()) -> str:
    """Return a question about the variable that an unknown name may have meant, or nothing.

    Args:
        error: What the learner's code raised.
        names: The arguments of the exercise.
    """
    name = getattr(error, "name", None)
    if not isinstance(error, NameError) or not isinstance(name, str):  # Python 3.9 does not tell the name
        return ""
    meant = [argument for argument in names if name in OTHER_ARGUMENTS.get(argument, ())]
    frame = list(traceback.walk_tb(error.__traceback__))[-1][0]
    near = difflib.get_close_matches(name, [*frame.f_locals, *frame.f_globals], n=1, cutoff=0.75)
    if meant:
        return f" The argument is called `{meant[0]}` here."
    return f" Did you mean `{near[0]}`?" if near and near[0] != name else ""


def text_of(error: BaseException) -> str:
    """The text of an exception; nothing where an exception of the learner's own cannot tell it, or not soon."""
    if not isinstance(inspect.getattr_static(type(error), "__str__"), types.FunctionType):
        return str(error)
    return run(lambda: str(error), seconds=0.3).value or ""


def describe(error: BaseException) -> str:
    """Return ``Type: text`` on one line, without addresses in memory or places of files, and not too long.

    Example:
        >>> describe(TypeError("bad operand <object object at 0x7f01>"))
        'TypeError: bad operand <object object>'
    """
    text = re.sub(r" at 0x[0-9a-fA-F]+| \((?:at )?/[^)]*\)", "", text_of(error)).strip()
    first_line = next((line.strip() for line in text.splitlines() if line.strip(" -")), "")
    summary = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    return summary if len(summary) <= 200 else summary[:199] + "…"


def places_of(error: BaseException) -> list[tuple[str, int]]:
    """Return file and line of each call on the way to ``error``, the innermost last."""
    return [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]


def own_line(places, answer) -> tuple[int, str] | None:
    """Return number and text of the innermost line of the learner's own code among ``places``."""
    code = code_of(answer)
    own = [number for filename, number in places if code is not None and filename == code.co_filename]
    return (own[-1], linecache.getline(code.co_filename, own[-1]).strip()) if own else None


def is_unfinished(error: BaseException, answer) -> bool:
    """Whether ``error`` is the ``raise NotImplementedError`` of a stub in which nothing else has been written."""
    if not isinstance(error, NotImplementedError):
        return False
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code is code_of(answer) and _does_one_thing(frame.f_code)


def _does_one_thing(code) -> bool:
    """Whether a function is a single statement, beside its docstring; where its text is gone, a single line."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(code))).body[0].body
    except (OSError, SyntaxError, AttributeError):
        lines = {line for _, line in dis.findlinestarts(code) if line not in (None, code.co_firstlineno)}
        return len(lines) <= 1 and code.co_nlocals == code.co_argcount + code.co_kwonlyargcount
    return sum(not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)) for part in body) <= 1


def has_a_loop(answer) -> bool:
    """Whether a learner's function goes through something, judged by what it was compiled to."""
    code = code_of(answer)
    return code is not None and any(step.opname == "FOR_ITER" for step in dis.get_instructions(code))


def code_of(answer):
    """Return the code object behind a function, method, partial, decorated or callable object, or None.

    No code of the learner's runs for it: an object may do anything when it is asked for an attribute.
    """
    wrapped = inspect.getattr_static(answer, "__wrapped__", None)
    if wrapped is not None:
        return code_of(wrapped)
    if isinstance(answer, functools.partial):
        return code_of(answer.func)
    if isinstance(answer, types.MethodType):
        return code_of(answer.__func__)
    function = (
        answer if isinstance(answer, types.FunctionType) else inspect.getattr_static(type(answer), "__call__", None)
    )
    return function.__code__ if isinstance(function, types.FunctionType) else None


def ran_too_long(error: BaseException) -> bool:
    return isinstance(error, TimeLimit)


def mentions_paddle(answer) -> bool:
    """Whether a learner's function is written for Paddle tensors, judged by the names it uses."""
    code = code_of(answer)
    return code is not None and bool({"paddle", "to_tensor"} & set(code.co_names))
