"""Seeds that ``COURSE_SEED_OFFSET`` would not shift: numbers written down, and calls that fall back on a default."""

from __future__ import annotations

import ast

#: What draws random numbers → the place of its seed among the arguments by position.
DRAWS = {
    **{"mlp": 4, "mnist_cnn": 1, "lenet": 1, "initialize": 2, "subset": 1, "seeded": 0, "default_rng": 0},
    **{"fit": None, "range_test": None, "sweep": 2, "trajectory": None},
}

GLOBAL_DRAWS = {"seed", "rand", "randn", "normal", "uniform", "permutation", "shuffle", "randint", "choice"}


def bare_seeds(tree: ast.AST) -> list[str]:
    """A message for each bare seed in a piece of code.

    Example:
        >>> bare_seeds(ast.parse("sweep(run, grid, seeds=range(3)); fit(model, rule, data, seed=SEEDS[0])"))
        ['the seeds range(3) are written down: take them from course_lib.seeding.SEEDS']
    """
    return [problem for node in ast.walk(tree) for problem in _problems(node)]


def _problems(node: ast.AST):
    for name, value in _seeds_given(node):
        if _is_written_down(value):
            yield f"the {name} {ast.unparse(value)} are written down: take them from course_lib.seeding.SEEDS"
    if isinstance(node, ast.Call):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in DRAWS and not _has_seed(node, DRAWS[called]):
            yield f"{called}(…) has no seed: give it one of course_lib.seeding.SEEDS"
        module = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if module in ("np.random", "paddle") and called in GLOBAL_DRAWS:
            yield f"{module}.{called} draws from a generator without a seed of course_lib.seeding.SEEDS"


def _seeds_given(node: ast.AST):
    """(what it is called, expression) for whatever a statement or a call takes as seeds."""
    if isinstance(node, ast.keyword) and _is_name_of_seeds(node.arg):
        yield "seeds", node.value
    elif isinstance(node, ast.Call):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        place = DRAWS.get(called)
        if place is not None and len(node.args) > place:
            yield "seeds", node.args[place]
    elif isinstance(node, ast.arguments):
        positional = [*node.posonlyargs, *node.args]
        pairs = [*zip(positional[::-1], node.defaults[::-1]), *zip(node.kwonlyargs, node.kw_defaults)]
        yield from (("seeds", value) for argument, value in pairs if value and _is_name_of_seeds(argument.arg))
    elif isinstance(node, (ast.For, ast.comprehension)) and _is_name_of_seeds(getattr(node.target, "id", "")):
        yield "seeds", node.iter
    elif isinstance(node, ast.Assign) and any(_is_name_of_seeds(getattr(target, "id", "")) for target in node.targets):
        yield "seeds", node.value
    elif isinstance(node, ast.Dict):
        keys = [
            (key.value if isinstance(key, ast.Constant) else None, value) for key, value in zip(node.keys, node.values)
        ]
        yield from (("seeds", value) for key, value in keys if _is_name_of_seeds(key))


def _is_name_of_seeds(name) -> bool:
    return isinstance(name, str) and name.lower().endswith(("seed", "seeds"))


def _is_written_down(value: ast.AST) -> bool:
    """Whether an expression is numbers alone: nothing in it has a name but what makes a list of them."""
    nodes = list(ast.walk(value))
    names = {node.id for node in nodes if isinstance(node, ast.Name)} | {
        n.attr for n in nodes if isinstance(n, ast.Attribute)
    }
    numbers = [n for n in nodes if isinstance(n, ast.Constant) and type(n.value) is int]
    return bool(numbers) and names <= {"range", "list", "tuple", "np", "arange"}


def _has_seed(call: ast.Call, place: int | None) -> bool:
    by_name = any(keyword.arg is None or _is_name_of_seeds(keyword.arg) for keyword in call.keywords)
    without_noise = ast.unparse(call.func).endswith("trajectory") and not any(k.arg == "noise" for k in call.keywords)
    return by_name or without_noise or (place is not None and len(call.args) > place)
