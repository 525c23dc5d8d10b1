"""Values of a call as code: reading a call that is given as text, and writing one."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple


class Source:
    """A value of which only the code is known, as ``args.lr``. Calculating with it gives code again.

    Example:
        >>> Source("args.lr") / 25, 1 - Source("a + b")
        (args.lr / 25, 1 - (a + b))
    """

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __mul__(self, other):
        return _joined(self, "*", other)

    def __rmul__(self, other):
        return _joined(other, "*", self)

    def __truediv__(self, other):
        return _joined(self, "/", other)

    def __rtruediv__(self, other):
        return _joined(other, "/", self)

    def __sub__(self, other):
        return _joined(self, "-", other)

    def __rsub__(self, other):
        return _joined(other, "-", self)

    def __pow__(self, other):
        return _joined(self, "**", other)


def _joined(left, operator: str, right) -> Source:
    return Source(f"{bracketed(left)} {operator} {bracketed(right)}")


def bracketed(value) -> str:
    """The code of a value that can stand in a product: in brackets, if it has to."""
    text = code(value)
    units = (ast.Name, ast.Attribute, ast.Constant, ast.Call, ast.Subscript)
    return text if isinstance(ast.parse(text, mode="eval").body, units) else f"({text})"


def code(value) -> str:
    """The code of a value, with a number that was computed to 15 digits where that makes it short.

    Example:
        >>> code(0.1 * (1 - 0.9)), code([30, Source("args.last")]), code(max)
        ('0.01', '[30, args.last]', 'max')
    """
    if isinstance(value, float):
        exact, short = repr(value), repr(float(f"{value:.15g}"))
        return short if len(short) < len(exact) - 2 else exact
    if isinstance(value, list):
        return f"[{', '.join(map(code, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(code, value))}{',' if len(value) == 1 else ''})"
    return getattr(value, "__name__", repr(value)) if callable(value) else repr(value)


def call(name: str, arguments: dict[str, Any]) -> str:
    """The code of a call. Arguments that are None or False are left out: these are defaults.

    Example:
        >>> call("f", {"a": 1e-8, "b": None, "c": True, "function": lambda t: 1 / t})
        'f(a=1e-08, c=True, function=function)'
    """
    given = {key: value for key, value in arguments.items() if value is not None and value is not False}
    shown = {key: key if _is_lambda(value) else code(value) for key, value in given.items()}
    return f"{name}({', '.join(f'{key}={value}' for key, value in shown.items())})"


def _is_lambda(value) -> bool:
    """Whether a value is a function without a name, which is called as the argument is."""
    return getattr(value, "__name__", "") == "<lambda>"


class Call(NamedTuple):
    """A call that was given as text."""

    name: str
    positional: list
    settings: dict


def read(text: str) -> Call:
    """Read a call, or an assignment of one; what is no literal stays code.

    Raises:
        ValueError: It is no call, or one with ``*`` or ``**``, of which nobody knows what is in them.

    Example:
        >>> read("optimizer = optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)")
        Call(name='optim.SGD', positional=[net.parameters()], settings={'lr': args.lr, 'momentum': 0.9})
    """
    try:
        (statement,) = ast.parse(text.strip()).body
        node = statement.value
        positional = [_value(each) for each in node.args]
        settings = {each.arg: _value(each.value) for each in node.keywords}
        name = ast.unparse(node.func)
    except (SyntaxError, ValueError, AttributeError):
        raise ValueError(f"name must be a class or the text of one call, got {text!r:.120}") from None
    if None in settings or any(isinstance(each, ast.Starred) for each in node.args):
        raise ValueError(f"the arguments behind * and ** must be written out, got {text!r:.120}")
    return Call(name, positional, settings)


def _value(node: ast.expr):
    try:
        return ast.literal_eval(node)
    except ValueError:
        pass
    if isinstance(node, ast.List):
        return [_value(each) for each in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(each) for each in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {ast.literal_eval(key): _value(value) for key, value in zip(node.keys, node.values)}
    return Source(ast.unparse(node))


def groups(value, rate) -> str | None:
    """The code of parameters; in groups PyTorch's ``lr`` becomes Paddle's ``learning_rate``, which multiplies ``rate``.

    Parameters that are objects have no code: None; of groups of such ones the settings are told.

    Example:
        >>> groups([{"params": Source("net.head"), "lr": 0.1}, {"params": [...]}], rate=0.01)
        "[{'params': net.head, 'learning_rate': 10.0}, {'params': groups[1]['params']}]"
    """
    kinds = {type(each) for each in value} if isinstance(value, list) else {type(value)}
    if kinds == {Source}:
        return code(value)
    if kinds != {dict} or not isinstance(value, list):
        return None
    return f"[{', '.join(_group(each, k, rate) for k, each in enumerate(value))}]"


def _group(entries: dict, k: int, rate) -> str:
    theirs = dict(entries)
    if not isinstance(theirs.get("params"), Source):
        theirs["params"] = Source(f"groups[{k}]['params']")
    if "lr" in theirs:
        theirs["learning_rate"] = theirs.pop("lr") / rate
    return f"{{{', '.join(f'{key!r}: {code(value)}' for key, value in theirs.items())}}}"
