"""A program that judges every solution of the book and every wrong answer of the catalogue, and prints the verdicts.

Run by ``test_without_paddle.py`` in two processes: ``python judge_all.py FOLDER`` finds ``course_lib`` in ``FOLDER``.
"""

import ast
import contextlib
import json
import sys
from importlib import import_module
from pathlib import Path

SOLUTIONS = Path(__file__).resolve().parent.parent / "chapters" / "solutions"


def words(feedback) -> list:
    return [feedback.status, feedback.mistake, repr(feedback)]


def statements(notebook: Path):
    """The code of a notebook, statement by statement; one that imports several names becomes one for each."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            for node in ast.parse("".join(cell["source"])).body:
                if isinstance(node, ast.ImportFrom):
                    yield from (
                        ast.ImportFrom(node.module, [name], node.level, lineno=1, col_offset=0) for name in node.names
                    )
                else:
                    yield node


def solved() -> dict[str, list]:
    """Exercise → verdict on its solution. A solution that cannot be computed here has none."""
    from course_lib.exercises import check, solutions

    verdicts = {}

    def noted(id, answer):
        verdicts[id] = words(check(id, answer, enter=False))

    solutions.check = noted
    for notebook in sorted(SOLUTIONS.glob("*.ipynb")):
        names: dict = {}
        for statement in statements(notebook):
            program = compile(ast.fix_missing_locations(ast.Module([statement], [])), notebook.stem, "exec")
            try:
                exec(program, names)
            except (ImportError, NameError):  # it needs what is not installed, or a name that is missing for that
                continue
    return verdicts


def recognised() -> dict[str, list]:
    """Exercise, mistake and form → verdict on this wrong answer."""
    from course_lib.exercises import EXERCISES, check

    verdicts = {}
    for id, exercise in EXERCISES.items():
        if exercise.trains:
            continue
        wrong = [(m.id, version) for m in getattr(exercise, "mistakes", {}).values() for version in m.versions]
        wrong += [(typical.id, typical.value) for typical in getattr(exercise, "typical", ())]
        wrong += [(f"choice-{k}", k) for k, choice in getattr(exercise, "choices", {}).items() if not choice.right]
        for n, (mistake, answer) in enumerate(wrong):
            verdicts[f"{id}, {mistake}, {n}"] = words(check(id, answer, enter=False))
    return verdicts


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    for module in ("optimizer", "surfaces", "initializer", "lr_finder", "variants"):
        import_module(f"course_lib.{module}")
    from course_lib.exercises import EXERCISES, check

    found = {name.partition(".")[0] for name in sys.modules}
    with contextlib.redirect_stdout(sys.stderr):  # solutions print what they measure
        result = {
            "solved": solved(),
            "recognised": recognised(),
            "trains": {
                id: words(check(id, None, enter=False)) for id, exercise in EXERCISES.items() if exercise.trains
            },
            "imported": sorted(found),
        }
    json.dump(result, sys.stdout)
