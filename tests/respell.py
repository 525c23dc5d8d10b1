"""Other spellings of a function that compute the same: for showing that a check judges what is computed, not how.

``respelled`` rewrites the source (commuted sums and products, no subtraction, no division, powers for roots, other
variable names); the others wrap a function so that it works in place, keeps its state elsewhere, or needs tensors.
"""

import ast
import inspect
import textwrap
from types import SimpleNamespace

import numpy as np
import paddle


class _Respell(ast.NodeTransformer):
    def __init__(self, locals_):
        self.names = {name: f"my_{name}" for name in locals_}

    def visit_Name(self, node):
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)

    def visit_Lambda(self, node):
        return node  # its arguments have names of their own

    visit_ListComp = visit_GeneratorExp = visit_Lambda

    def visit_BinOp(self, node):
        self.generic_visit(node)
        left, right = node.left, node.right
        if isinstance(node.op, (ast.Add, ast.Mult)):
            return ast.BinOp(right, node.op, left)
        if isinstance(node.op, ast.Sub):
            return ast.BinOp(ast.UnaryOp(ast.USub(), right), ast.Add(), left)
        if isinstance(node.op, ast.Div):
            return ast.BinOp(ast.BinOp(ast.Constant(1.0), ast.Div(), right), ast.Mult(), left)
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name == "sqrt" and len(node.args) == 1:
            return ast.BinOp(node.args[0], ast.Pow(), ast.Constant(0.5))
        return node


def source_of(function):
    """The function's source without decorators, or None if it is a lambda or has a closure."""
    if function.__name__ == "<lambda>" or function.__closure__:
        return None
    source = textwrap.dedent(inspect.getsource(function))
    return source[source.index("def ") :]


def respelled(function):
    """The function from its rewritten source; None where there is no source to rewrite."""
    source = source_of(function)
    if source is None:
        return None
    tree = ast.parse(source)
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    stored -= set(inspect.signature(function).parameters)
    inner = [node for node in ast.walk(tree) if isinstance(node, (ast.Lambda, ast.GeneratorExp, ast.ListComp))]
    if any(isinstance(name, ast.Name) and name.id in stored for node in inner for name in ast.walk(node)):
        stored = set()  # they read a variable of ours: leave the names as they are
    tree = ast.fix_missing_locations(_Respell(stored).visit(tree))
    namespace = dict(function.__globals__)
    exec(compile(tree, "<respelled>", "exec"), namespace)
    return namespace[tree.body[0].name]


def in_place(step):
    """The same step, but the array it was given is changed and returned."""

    def wrapped(x, g, s, lr, **hyper):
        x[...] = step(x.copy(), g.copy(), s, lr, **hyper)
        g *= 0  # its own copy: nobody else may see this
        return x

    return wrapped


def with_state_elsewhere_in_s(step, exercise):
    """The same step, but its state stands under other names in the namespace."""
    # Its numbers only: the sandbox copies what an answer holds, and an exercise holds all its observations.
    first, slots = vars(exercise.fresh_state(np.float64(0))), tuple(exercise.all_slots)

    def wrapped(x, g, s, lr, **hyper):
        if not hasattr(s, "mine"):
            made = {name: np.full_like(x, first[name]) for name in slots}
            s.mine = SimpleNamespace(**{**first, **made})
        s.mine.t = s.t
        return step(x, g, s.mine, lr, **hyper)

    return wrapped


def on_tensors_only(step, slots):
    """The same step, but it works on Paddle tensors alone."""

    def wrapped(x, g, s, lr, **hyper):
        dtype = paddle.add(x, g).dtype  # raises for NumPy arrays
        inner = SimpleNamespace(t=s.t, **{slot: getattr(s, slot).numpy() for slot in slots})
        new = step(x.numpy(), g.numpy(), inner, lr, **hyper)
        for slot in slots:
            setattr(s, slot, paddle.to_tensor(np.asarray(getattr(inner, slot)), dtype=dtype))
        return paddle.to_tensor(new, dtype=dtype)

    return wrapped


def merged(base: str, first: str, second: str):
    """``base`` with the changes of both others; None where they touch the same line or differ in length."""
    rows = [text.strip("\n").split("\n") for text in (base, first, second)]
    if len({len(lines) for lines in rows}) > 1:
        return None
    result = []
    for kept, one, two in zip(*rows):
        if kept != one and kept != two and one != two:
            return None
        result.append(one if one != kept else two)
    return "\n".join(result)
