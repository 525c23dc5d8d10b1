"""A rule as one loop over memory: what it does to one element is written down, and Numba compiles it.

NumPy computes one operation after the other, and each of them walks over all elements. Here a rule is run once on
symbols. They compute nothing, they write down what is done to them; that text, as the body of one loop, reads and
writes every element once. Its results equal NumPy's to the last bit: the same operations in the same order, every
number of the formula in the precision of the arrays, and nothing rearranged by the compiler. What has no equal (a sum
over the elements, ``np.exp``, an ``if`` on an array) raises, and the rule runs on NumPy.

A rule is run on symbols at every step, with the numbers of this step, so that its own ``if`` may look at ``s.t``.
That takes some microseconds; a loop is compiled only where its text is a new one.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from ...files import path_named_by, write_atomically

WORTH_COMPILING = 16_384
"""From this many elements on, a loop saves time at every step; in a long training more than its first step costs."""

MOST_LOOPS = 16
"""A rule that is another loop at every step would be compiled at every step: with more loops than these it is not."""

FORMS = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.absolute: "abs({})",
    np.sqrt: "sqrt({})",
    np.square: "{0} * {0}",
    np.reciprocal: "{1} / {0}",
    np.sign: "{1} if {0} > {2} else -{1} if {0} < {2} else {2} if {0} == {2} else {0}",
    np.maximum: "{0} if {0} > {1} or {0} != {0} else {1}",  # NaN goes before numbers
    np.minimum: "{0} if {0} < {1} or {0} != {0} else {1}",
    np.greater: "{} > {}",
    np.greater_equal: "{} >= {}",
    np.less: "{} < {}",
    np.less_equal: "{} <= {}",
    np.where: "{1} if {0} else {2}",
}
"""What is written for a function of NumPy: only for those that every processor computes to the last bit."""

CONSTANTS = {np.reciprocal: (1,), np.sign: (1, 0)}  # further arguments: every number has to have the arrays' type
ARITHMETIC = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide}
COMPARISONS = {"gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal}
COMPARED = frozenset(COMPARISONS.values())
POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}  # what NumPy takes for powers of an array


def pays(elements: int) -> bool:
    """Return whether loops are worth compiling for this many elements, and Numba is there to do it."""
    return elements >= WORTH_COMPILING and _numba_is_there()


@cache
def _numba_is_there() -> bool:
    try:
        return bool(import_module("numba"))
    except ImportError:  # it is not installed, or does not know this NumPy
        return False


class Loop(NamedTuple):
    """What a rule does to one element. An operand is a place in memory, the number of an operation, or ``NUMBER``."""

    slots: tuple[str, ...]
    operations: tuple[tuple, ...]  # (function of NumPy, its operands)
    results: tuple  # what the slots and the parameter become

    @property
    def text(self) -> str:
        """The loop as a function of parameter, gradient, the state's arrays and all numbers."""
        numbers, lines = [], []
        for function, *operands in self.operations:
            names = [f"t{operand}" if type(operand) is int else operand for operand in operands]
            for place, name in enumerate(names):
                if name == NUMBER:
                    numbers.append(f"c{len(numbers)}")
                    names[place] = numbers[-1]
            lines.append(f"        t{len(lines)} = {FORMS[function].format(*names)}\n")
        results = [f"t{result}" if type(result) is int else result for result in self.results]
        return (
            f"def loop({', '.join(['x', 'g', *(f's_{slot}' for slot in self.slots)])}, c):\n"
            f"    {', '.join(numbers) or '_'} = {', '.join(f'c[{place}]' for place in range(len(numbers))) or 'c'}\n"
            f"    for i in range(x.size):\n{''.join(lines)}"
            f"        {', '.join([*map(_place, self.slots), 'x[i]'])} = {', '.join(results)}\n"
        )


NUMBER = "a number"


def _place(slot: str) -> str:
    return f"s_{slot}[i]"


class Symbol:
    """One element of an array, without a value."""

    __slots__ = ("operand", "tape")

    def __init__(self, operand, tape: Tape):
        self.operand, self.tape = operand, tape

    def __array_ufunc__(self, ufunc, method, *inputs, **settings):
        if method != "__call__" or settings or ufunc not in FORMS:
            return NotImplemented
        return self.tape.write(ufunc, *inputs)

    def __array_function__(self, function, types, arguments, settings):
        if function is np.clip and not settings:
            value, low, high = arguments
            return np.minimum(np.maximum(value, low), high)
        if function is np.where and not settings and [type(value) is Condition for value in arguments] == [1, 0, 0]:
            return self.tape.write(np.where, *arguments)
        return NotImplemented

    def __pow__(self, exponent):
        return self.tape.write(POWERS[exponent], self)

    def __neg__(self):
        return self.tape.write(np.negative, self)

    def __abs__(self):
        return self.tape.write(np.absolute, self)

    def _has_no_value(self, *arguments, **settings):
        raise TypeError("a symbol has no value")

    __array__ = __bool__ = __repr__ = __eq__ = __ne__ = _has_no_value
    __hash__ = None


class Condition:
    """What a comparison gives for one element; ``np.where`` takes it, and nothing else does."""

    __slots__ = ("operand", "tape")
    __init__ = Symbol.__init__
    __array__ = __bool__ = __repr__ = __eq__ = __ne__ = Symbol._has_no_value
    __array_ufunc__ = __hash__ = None


def _add_operator(name: str, function) -> None:
    def operate(self, other):
        return self.tape.write(function, self, other)

    def operate_from_the_right(self, other):
        return self.tape.write(function, other, self)

    def operate_in_place(self, other):
        if self.operand == "g[i]":
            raise TypeError("a rule does not change the gradient")
        self.operand = self.tape.write(function, self, other).operand
        return self

    setattr(Symbol, f"__{name}__", operate)
    if name in ARITHMETIC:
        setattr(Symbol, f"__r{name}__", operate_from_the_right)
        setattr(Symbol, f"__i{name}__", operate_in_place)


for _name, _function in {**ARITHMETIC, **COMPARISONS}.items():
    _add_operator(_name, _function)


class Tape:
    """What is written down while a rule runs on symbols."""

    def __init__(self):
        self.operations, self.numbers = [], []

    def write(self, function, *values) -> Symbol:
        """Write down an operation and return the symbol of its result."""
        operation = [function]
        for value in (*values, *CONSTANTS.get(function, ())):
            kind = type(value)
            if kind is Symbol or (kind is Condition and function is np.where):
                operation.append(value.operand)
            elif kind is float or kind is int:
                self.numbers.append(value)
                operation.append(NUMBER)
            else:  # a float64 of NumPy would turn float32 arrays into its like
                raise TypeError(f"{kind.__name__} has no place in a loop")
        self.operations.append(tuple(operation))
        return (Condition if function in COMPARED else Symbol)(len(self.operations) - 1, self)


def record(formula, s: SimpleNamespace, slots: tuple[str, ...]) -> tuple[Loop, list[float], dict]:
    """Run a formula on symbols; return its loop, the numbers that it brings along and the state's new scalars.

    Raises:
        Exception: It cannot be written as a loop, whatever the reason is.
    """
    tape, seen = Tape(), SimpleNamespace(**vars(s))
    scalars = vars(seen)
    scalars.update((slot, Symbol(_place(slot), tape)) for slot in slots)
    new = formula(Symbol("x[i]", tape), Symbol("g[i]", tape), seen)
    results = [*(scalars.pop(slot) for slot in slots), new]
    if any(type(result) is not Symbol for result in results):
        raise TypeError("an array has become something else")
    loop = Loop(slots, tuple(tape.operations), tuple(result.operand for result in results))
    del new, results
    if sys.getrefcount(tape) > 2:  # somebody has a symbol still
        raise TypeError("the rule has kept something that has a value only on NumPy")
    return loop, tape.numbers, scalars


@cache
def compiled(loop: Loop, dtype: np.dtype):
    """Return a loop as machine code, out of the cache on disk where it has been compiled before.

    Numba keeps it beside its source, which is written into the folder ``COURSE_LOOPS_DIR`` names. Where that cannot be
    done, the loop is compiled for this process alone.
    """
    import numba

    array = numba.types.Array(numba.from_dtype(dtype), 1, "C")
    gradient = numba.types.Array(numba.from_dtype(dtype), 1, "C", readonly=True)
    signature = numba.void(array, gradient, *[array] * len(loop.slots), array)
    settings = {"error_model": "numpy", "nogil": True}
    try:
        return numba.njit(signature, cache=True, **settings)(_function(loop, _on_disk(loop)))
    except Exception:  # a folder that cannot be written to, or what a full disk has left there
        return numba.njit(signature, **settings)(_function(loop, "<loop>"))


def _on_disk(loop: Loop) -> str:
    """Return the path of a file that holds the loop; one that is there is left as it is: the cache goes by its date."""
    folder = path_named_by("COURSE_LOOPS_DIR", path_named_by("XDG_CACHE_HOME", "~/.cache") / "course_lib" / "loops")
    path = folder / f"loop_{hashlib.sha256(loop.text.encode()).hexdigest()[:16]}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != loop.text:
        write_atomically(path, loop.text)
    return str(path)


def _function(loop: Loop, file: str):
    space = {"__name__": __name__, "sqrt": np.sqrt}
    exec(compile(loop.text, file, "exec"), space)
    return space["loop"]


def fused(formula, s: SimpleNamespace, slots: tuple[str, ...], dtype: np.dtype, earlier: set[Loop]):
    """Return a function that does what ``formula`` does, where the arrays lie and in one pass; ``None`` without one.

    Args:
        formula: Function of parameter, gradient and state that changes the state and returns the new parameter.
        s: The state before; ``slots`` names its arrays, which are flat and have this ``dtype``.
        earlier: The loops that it has been so far; this one is added.
    """
    try:
        loop, numbers, scalars = record(formula, s, slots)
        earlier.add(loop)
        if len(earlier) > MOST_LOOPS:
            return None
        update, numbers = compiled(loop, dtype), np.array(numbers, dtype)
    except Exception:  # if it is an error of the rule, it will come up again on NumPy
        return None

    def step(x, g, s):
        update(x, g, *[vars(s)[slot] for slot in slots], numbers)
        vars(s).update(scalars, t=s.t + 1)
        return x

    return step
