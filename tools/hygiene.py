"""The rules that every stored notebook of the book keeps; ``problems(path)`` lists what breaks them.

    python -m tools.hygiene [notebook …]     say what breaks a rule where (all of the book by default)

Cell tags with a meaning here:
    ``hide-input``          folded in the book; begins with a comment on what it does, as a cell with a verdict does
    ``exercise``            a stub for the learner: a function that raises NotImplementedError or, where a number or a
                            word is asked for, ``name = None``; the next code cell checks it
    ``answers-need``        an exercise further down needs it: its page runs the cell before each answer
    ``raises-exception``    the error in the output is meant
    ``library:<dotted>``    the cell shows the source of that class or function of the library

A cell tagged ``library:`` equals the library's source but for docstrings, decorators, blank lines and
indentation of the whole. Of a class it may leave members out, but never ``slots`` or ``rule``.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup

from course_lib.claims import VERDICTS
from tools.bare_seeds import bare_seeds
from tools.notebooks import CHAPTERS, notebooks, shown, stored_form
from tools.sphinx_folds import is_verdict

MAX_LINES, MAX_EXERCISE_LINES = 20, 40
MAX_SIGNIFICANT_DIGITS = 6
MAX_NOTEBOOK_KB, MAX_OUTPUT_KB = 2000, 500

NOISE = {
    "a clock time": r"\b\d{1,2}:\d{2}:\d{2}\b|\b20\d\d-\d\d-\d\d\b",
    "a duration": r"\bWall time|\bCPU times|\d\s?(?:ms|µs|us|secs?|seconds|minutes)\b|\d\.\d+ s(?![\w.])",
    "a progress bar": r"\r|it/s\b|[█▏▎▍▌▋▊▉]",
    "an absolute path": r"(?<![\w/.:<>])(?:file://)?/(?:home|root|tmp|Users|usr|opt|var|work|private|mnt|content)/|\b[A-Z]:\\",
    "an address in memory": r"\b0x[0-9a-f]{6,}",
}


def problems(path: Path) -> list[str]:
    """What breaks the rules in a stored notebook, one message each; an empty list if nothing does."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    found = notebook_problems(notebook)
    if len(text) > MAX_NOTEBOOK_KB * 1000:
        found.append(f"the file has {len(text) // 1000} kB, more than {MAX_NOTEBOOK_KB}")
    if text != stored_form(notebook, path.stem):
        found.append(f"not in the stored form: run `python -m tools.notebooks normalise {path.name}`")
    if path.parent == CHAPTERS:
        found += chapter_problems(notebook, solution_of(path))
    return found


def solution_of(path: Path):
    solution = path.parent / "solutions" / path.name
    return nbformat.read(solution, as_version=4) if solution.exists() else None


def notebook_problems(notebook) -> list[str]:
    """What can be said of a notebook by itself, chapter or solutions."""
    found = run_order_problems(notebook)
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            rules = (
                length_problems,
                fold_problems,
                output_problems,
                figure_problems,
                verdict_problems,
                library_problems,
            )
            found += [f"cell {number}: {problem}" for rule in rules for problem in rule(cell)]
        elif cell.cell_type == "markdown":
            found += [f"cell {number}: {problem}" for problem in chapter_number_problems(cell.source)]
    return found


def chapter_problems(notebook, solution) -> list[str]:
    """What concerns the experiments and exercises of a chapter and, if there is one, the notebook of solutions."""
    found = seed_problems(notebook) + exercise_problems(notebook)
    return found if solution is None else found + solution_problems(notebook, solution)


# -- a notebook by itself ---------------------------------------------------------------------------------------------


def run_order_problems(notebook) -> list[str]:
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    in_order = counts == list(range(1, len(counts) + 1))
    return [] if in_order else [f"not run once from top to bottom: execution counts {counts}"]


def length_problems(cell) -> list[str]:
    lines, allowed = cell.source.count("\n") + 1, MAX_EXERCISE_LINES if "exercise" in tags(cell) else MAX_LINES
    return [f"{lines} lines, more than {allowed}"] if lines > allowed else []


def fold_problems(cell) -> list[str]:
    """Folded code is announced by the comment that it begins with."""
    folded = "hide-input" in tags(cell) or is_verdict(cell.source)
    described = re.match(r"# \S.{0,78}(\n|$)", cell.source)
    return ["folded code that does not begin with a comment on what it does"] if folded and not described else []


def output_problems(cell) -> list[str]:
    found = []
    for output in cell.outputs:
        if len(str(output)) > MAX_OUTPUT_KB * 1000:
            found.append(f"an output of {len(str(output)) // 1000} kB, more than {MAX_OUTPUT_KB}")
        if output.output_type == "error" and "raises-exception" not in tags(cell):
            found.append(f"stored error {output.ename}: {output.evalue}")
        elif output.get("name") == "stderr":
            found.append(f"stderr: {output.text.strip()[:80]!r}")
        else:
            found += text_problems(visible_text(output))
    return found


def text_problems(text: str) -> list[str]:
    found = [
        f"{kind} in an output: {match.group()!r} in {line_with(match)!r}"
        for kind, pattern in NOISE.items()
        for match in re.finditer(pattern, text)
    ]
    for number in re.findall(r"\d+\.\d+", text):
        if len(number.replace(".", "").lstrip("0")) > MAX_SIGNIFICANT_DIGITS:
            found.append(f"more than {MAX_SIGNIFICANT_DIGITS} significant digits in an output: {number}")
    return found


def visible_text(output) -> str:
    """What a reader reads of an output: scripts, styles and drawings are left out."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    page = BeautifulSoup(data.get("text/html", ""), "html.parser")
    for hidden in page(["script", "style", "svg"]):
        hidden.decompose()
    return "\n".join([data.get("text/plain", ""), data.get("text/markdown", ""), page.get_text(" ")])


def line_with(match) -> str:
    return match.string[: match.end()].rpartition("\n")[2][-60:]


def figure_problems(cell) -> list[str]:
    shown = [output for output in cell.outputs if output.output_type in ("display_data", "execute_result")]
    figures = [output for output in shown if any(kind.startswith("image/") for kind in output.data)]
    if not figures:
        return []
    described = cell.metadata.get("mystnb", {})
    needed = {
        "alt text": ("image", "alt"),
        "a caption": ("figure", "caption"),
        "a name to refer to": ("figure", "name"),
    }
    found = [
        f"a figure without {what} (cell metadata mystnb.{kind}.{key})"
        for what, (kind, key) in needed.items()
        if not described.get(kind, {}).get(key, "").strip()
    ]
    return found + ["a figure and something else in one cell: both would get the caption"] * (len(shown) > 1)


def verdict_problems(cell) -> list[str]:
    """A verdict follows from conditions in code; its word is never written down."""
    typed = [node for node in ast.walk(parsed(cell)) if isinstance(node, ast.Constant) and node.value in VERDICTS]
    return [f"the verdict {node.value!r} is typed instead of computed from the measurement" for node in typed]


# -- rules shown in a cell --------------------------------------------------------------------------------------------


def library_problems(cell) -> list[str]:
    from course_lib import optimizer

    names = [tag.partition(":")[2] for tag in tags(cell) if tag.startswith("library:")]
    if names:
        return [problem for name in names for problem in differences_from_library(cell.source, name)]
    shown = [node.name for node in parsed(cell).body if isinstance(node, ast.ClassDef)]
    return [
        f"class {name} has the name of a class of the library: tag the cell `library:course_lib.optimizer.{name}`"
        for name in shown
        if hasattr(optimizer, name)
    ]


def chapter_number_problems(text: str) -> list[str]:
    """A chapter's number is the text of a link to it: a number that stands alone is not noticed when it is wrong.

    Example:
        >>> chapter_number_problems("See [chapter 3](02_second.ipynb), chapter 4 and chapter 11 of {cite:t}`book`.")
        ['a link with the number 3 leads to chapter 2', 'chapter 4 is no link to the chapter']
        >>> chapter_number_problems("[Start with chapter 1](01_first.ipynb), [chapter 2](02_second.ipynb#a-section)")
        []
    """
    link = r"\[(?:[^]\d]*[Cc]hapter )?(\d+)\]\((?:\.\./)?(\d\d)_\w+\.ipynb(?:#[^)]*)?\)"
    links = re.findall(link, text)
    wrong = [(shown, int(number)) for shown, number in links if int(shown) != int(number)]
    alone = re.findall(r"\b[Cc]hapters? \d+\b(?! of \{cite)", re.sub(link, "", text))
    return [f"a link with the number {shown} leads to chapter {number}" for shown, number in wrong] + [
        f"{name} is no link to the chapter" for name in alone
    ]


def differences_from_library(source: str, name: str) -> list[str]:
    try:
        module, _, attribute = name.rpartition(".")
        library = textwrap.dedent(inspect.getsource(getattr(importlib.import_module(module), attribute)))
    except (ImportError, AttributeError, ValueError):
        return [f"the library has no {name}"]
    theirs = next((node for node in ast.parse(source).body if getattr(node, "name", None) == attribute), None)
    if theirs is None:
        return [f"does not define {attribute}, as its tag says"]
    ours = ast.parse(library).body[0]
    if not isinstance(ours, ast.ClassDef):
        return [] if bare(source, theirs) == bare(library, ours) else [f"differs from the library's {name}"]
    members = {bare(library, member) for member in ours.body}
    missing = {label(member) for member in ours.body} & {"slots", "rule"} - {label(member) for member in theirs.body}
    changed = [label(member) for member in theirs.body if bare(source, member) not in members]
    found = [f"{name}.{member} differs from the library's" for member in changed]
    found += [f"{name}.{member} is left out" for member in sorted(missing)]
    if [ast.dump(base) for base in theirs.bases] != [ast.dump(base) for base in ours.bases]:
        found.append(f"{name} has other base classes in the library")
    return found


def label(member) -> str:
    """The name that a statement of a class body defines."""
    return getattr(member, "name", None) or (ast.unparse(member.targets[0]) if isinstance(member, ast.Assign) else "")


def bare(source: str, node) -> str:
    """A statement's own text without docstring, blank lines and common indentation."""
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
        docstring = node.body[0]
        del lines[docstring.lineno - node.lineno : docstring.end_lineno - node.lineno + 1]
    return textwrap.dedent("\n".join(line.rstrip() for line in lines if line.strip()))


# -- experiments ------------------------------------------------------------------------------------------------------


def seed_problems(notebook) -> list[str]:
    """Seeds that ``COURSE_SEED_OFFSET`` does not shift; an exercise may fix its own."""
    found = []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code" and "exercise" not in tags(cell):
            body = [statement for statement in parsed(cell).body if not belongs_to_exercises(statement)]
            found += [f"cell {number}: {problem}" for problem in bare_seeds(ast.Module(body, []))]
    return found


# -- exercises --------------------------------------------------------------------------------------------------------


def exercise_problems(notebook) -> list[str]:
    code = [(number, cell) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code"]
    found = []
    for (number, cell), (_, following) in zip(code, [*code[1:], (0, None)]):
        if "exercise" not in tags(cell):
            continue
        if "NotImplementedError" not in cell.source and not open_names(cell) and not is_registered_stub(cell):
            found.append(
                f"cell {number}: an exercise that is no stub (raises no NotImplementedError, sets no name to None)"
            )
        if following is None or not calls(following, "check"):
            found.append(f"cell {number}: an exercise whose next code cell does not call check(...)")
    return found


def belongs_to_exercises(statement: ast.stmt) -> bool:
    """Whether a statement asks for an answer or judges it."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "course_lib.exercises"
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and getattr(call.func, "id", None) in ("check", "hint", "progress", "quiz")


def is_registered_stub(cell) -> bool:
    """Whether the cell is an exercise's own text: a program with a bug to find, or empty lists to be filled."""
    from course_lib.exercises import EXERCISES

    return any(exercise.stub.strip() == cell.source.strip() for exercise in EXERCISES.values())


def solution_problems(notebook, solution) -> list[str]:
    """Exercises without a solution, and places of the chapter that give a solution away.

    The library's own rule may stand in the chapter once its exercise is over.
    """
    answers = {name: body for cell in solution.cells for name, body in functions(cell)}
    assigned = {name for cell in solution.cells for name, value in assignments(cell) if not is_none(value)}
    found = []
    for number, exercise in enumerate(notebook.cells, 1):
        if "exercise" not in tags(exercise):
            continue
        missing = [name for name in open_names(exercise) if name not in assigned]
        found += [f"cell {number}: the exercise {name} has no solution" for name in missing]
        for name, _ in functions(exercise):
            if name not in answers:
                found.append(f"cell {number}: the exercise {name} has no solution")
                continue
            for place, cell in enumerate(notebook.cells, 1):
                allowed = place > number and any(tag.startswith("library:") for tag in tags(cell))
                if not allowed and answers[name] in [body for _, body in functions(cell)]:
                    found.append(f"cell {place}: gives away the solution of {name}")
    return found


def functions(cell) -> list[tuple[str, str]]:
    """Name and normalised body of every function in a cell, methods too.

    Docstrings go, and ``self.beta1`` reads as ``beta1``: a method and a function that compute the same are equal.
    """
    if cell.cell_type != "code":
        return []
    found = []
    for node in ast.walk(parsed(cell)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            text = "\n".join(ast.unparse(statement) for statement in body)
            found.append((node.name, text.replace("self.", "")))
    return found


def open_names(cell) -> list[str]:
    """The names that an exercise leaves for the learner to fill in: ``prediction = None``."""
    return [name for name, value in assignments(cell) if is_none(value)]


def assignments(cell) -> list[tuple[str, ast.expr]]:
    if cell.cell_type != "code":
        return []
    statements = [node for node in parsed(cell).body if isinstance(node, ast.Assign)]
    return [(target.id, node.value) for node in statements for target in node.targets if isinstance(target, ast.Name)]


def is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def calls(cell, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == name
        for node in ast.walk(parsed(cell))
    )


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def parsed(cell) -> ast.Module:
    return syntax_tree(cell.source)


def syntax_tree(code: str) -> ast.Module:
    """The syntax tree of a cell's code; lines for IPython (``%magic``, ``!shell``) count as empty."""
    lines = ("pass" if re.match("[%!]", line) else line for line in code.splitlines())
    return ast.parse("\n".join(lines))


def main(arguments: list[str]) -> int:
    paths = [Path(argument).resolve() for argument in arguments] or notebooks()
    messages = [f"{shown(path)}: {problem}" for path in paths for problem in problems(path)]
    print(*messages, sep="\n", end="\n" if messages else "")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
