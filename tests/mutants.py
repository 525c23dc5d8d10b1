"""Slips made by a machine: all functions that differ from a given one at a single place of its syntax tree.

An operator or a comparison is another one, a constant is off, a name or an attribute stands for its neighbour, an
argument, a call, a condition or a statement is missing, or a call is there that does not belong. Default values stay
as they are: a check hands over every argument.
"""

import ast
import json
import re
from pathlib import Path

SOLUTIONS = Path(__file__).resolve().parent.parent / "chapters" / "solutions"

OTHER_OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Div),
    ast.Mult: (ast.Div, ast.Add, ast.Pow),
    ast.Div: (ast.Mult, ast.Sub, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult, ast.Mod),
    ast.Mod: (ast.FloorDiv, ast.Div),
    ast.Pow: (ast.Mult, ast.Div),
}
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
FAMILIES = (("min", "max"), ("minimum", "maximum"), ("nanargmin", "nanargmax"), ("cos", "sin"), ("sum", "mean", "max"))

#: Variables that are whole numbers by their meaning: rounding does not change them, one more or one less does.
WHOLE = """
    t steps step_size t_max warmup_steps total_steps t_0 t_mult length drops epoch epochs every batch_size
    minimum_steps n_in d_model k steps_done
"""
#: Others that are never negative by their meaning: their absolute value is no slip.
POSITIVE = """
    beta beta1 beta2 rho rho_inf momentum epsilon weight_decay tolerance eigenvalues flat steep shape bound corrected_v
    v_hat lrs rates max_lr base_lr start_lr eta_min low high most least share height divide_factor end_learning_rate
    phase_pct momentum_decay now following decay alpha
"""


def solutions() -> dict[str, tuple[str, dict]]:
    """Exercise id -> source and globals of every function that the notebooks of solutions hand to ``check``."""
    found = {}
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tree = ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))
        imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        names: dict = {}
        exec(compile(ast.Module(imports, []), path.name, "exec"), names)
        functions = {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if getattr(call.func, "id", "") == "check" and getattr(call.args[1], "id", "") in functions:
                found[call.args[0].value] = functions[call.args[1].id], names
    return found


def mutants(source: str) -> dict[str, str]:
    """Label -> source of every function that is ``source`` with one slip; the label is the line that is wrong now.

    Example:
        >>> list(mutants("def half(x):\\n    return x / 2"))[:3]
        ['without return x / 2', 'return x', 'return 2']
    """
    tree = ast.parse(source)
    plain, scope = ast.unparse(tree), _Scope(tree)
    found = {}
    for node, put in _places(tree.body[0]):
        for slip in _slips(node, scope):
            put(slip)
            text = ast.unparse(tree)
            put(node)
            if text != plain:
                found.setdefault(text, _label(plain, text))
    return {label: text for text, label in found.items()}


def _places(parent):
    """All nodes of the body with the function that puts another one in their place."""
    for field, value in ast.iter_fields(parent):
        if isinstance(value, ast.AST) and not isinstance(value, (ast.arguments, ast.expr_context)):
            yield value, lambda other, field=field: setattr(parent, field, other)
            yield from _places(value)
        elif isinstance(value, list):
            for index, node in enumerate(value):
                if isinstance(node, ast.AST):
                    yield node, lambda other, value=value, index=index: value.__setitem__(index, other)
                    yield from _places(node)


def _label(plain: str, mutant: str) -> str:
    changed = ((one, other) for one, other in zip(plain.splitlines(), mutant.splitlines()) if one != other)
    before, after = (_without_brackets(line.strip()) for line in next(changed))
    return after if after != "pass" else f"without {before}"


def _without_brackets(line: str) -> str:
    """``a, b = …`` and ``for a, b in …`` as Python writes them since 3.10."""
    return re.sub(r"^(for )?\(([\w, ]+)\)(?= = | in )", r"\g<1>\2", line)


class _Scope:
    """What can be mixed up: variables, and the attributes of each of them."""

    def __init__(self, tree):
        nodes = list(ast.walk(tree))
        names = [n.arg for n in nodes if isinstance(n, ast.arg)]
        names += [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        owners = {getattr(n.value, "id", "") for n in nodes if isinstance(n, ast.Attribute)}
        self.owners = owners.intersection(names)  # mixed up with nothing: they are no numbers, a list in itself no end
        self.variables = [name for name in dict.fromkeys(names) if name not in owners]
        arguments = tree.body[0].args
        self.defaults = {n.arg: value for n, value in zip(arguments.args[::-1], arguments.defaults[::-1])}
        self.attributes = list(dict.fromkeys(n.attr for n in nodes if self.is_state(n)))

    def is_read(self, node) -> bool:
        return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in self.variables

    def is_state(self, node) -> bool:
        return isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in self.owners


def _slips(node, scope):
    """What may stand in the place of ``node`` by mistake."""
    if isinstance(node, ast.operator):
        yield from (other() for other in OTHER_OPERATORS.get(type(node), ()))
    elif isinstance(node, ast.cmpop):
        yield from (other() for other in COMPARISONS)
    elif isinstance(node, (ast.And, ast.Or)):
        yield from (ast.And(), ast.Or())
    elif isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)):
        yield ast.Pass()
    elif isinstance(node, ast.Constant):
        yield from _numbers_beside(node.value)
    elif scope.is_read(node):
        yield from (ast.Name(other) for other in scope.variables)
        if node.id in scope.defaults:
            yield scope.defaults[node.id]
        if node.id in WHOLE.split():
            yield from (ast.BinOp(node, sign, ast.Constant(1)) for sign in (ast.Add(), ast.Sub()))
    elif scope.is_state(node):
        yield from (ast.Attribute(node.value, other, node.ctx) for other in scope.attributes)
    elif isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
        if not isinstance(node.op, (ast.Add, ast.Mult)):
            yield ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.Call):
        yield from _calls_beside(node)
    elif isinstance(node, ast.Slice):
        yield from (ast.Slice(None, node.upper, node.step), ast.Slice(node.lower, None, node.step))
    if isinstance(node, (ast.If, ast.IfExp)):
        yield from (type(node)(ast.Constant(test), node.body, node.orelse) for test in (True, False))
    if isinstance(node, ast.BinOp) or scope.is_read(node):
        yield from (ast.Call(ast.Name(function), [node], []) for function in _calls_around(node))


def _calls_around(node):
    """Functions that do not belong around ``node``, and would change it."""
    if isinstance(node, ast.Name) and node.id not in (WHOLE + POSITIVE).split():
        yield "abs"
    if not all(_is_whole(part) for part in ast.walk(node)):
        yield from ("int", "round")


def _is_whole(node):
    """Whether a part of an expression keeps whole numbers whole."""
    if isinstance(node, ast.Name):
        return node.id in WHOLE.split()
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    return isinstance(node, (ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.expr_context))


def _numbers_beside(value):
    if isinstance(value, (int, float)):
        numbers = {value + 1, value - 1, 2 * value, value / 2 if value % 2 else value // 2, -value}
        for number in sorted(numbers):
            constant = ast.Constant(abs(number))
            yield ast.UnaryOp(ast.USub(), constant) if number < 0 else constant


def _calls_beside(call):
    """The bare argument, a call with one argument fewer, and a related function."""
    yield from call.args
    for index in range(len(call.args)):
        yield ast.Call(call.func, call.args[:index] + call.args[index + 1 :], call.keywords)
    for index in range(len(call.keywords)):
        yield ast.Call(call.func, call.args, call.keywords[:index] + call.keywords[index + 1 :])
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
    for other in (other for family in FAMILIES if name in family for other in family):
        function = ast.Name(other) if isinstance(call.func, ast.Name) else ast.Attribute(call.func.value, other)
        yield ast.Call(function, call.args, call.keywords)
