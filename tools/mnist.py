"""Execute the chapters on the real MNIST, beside the book, and keep what they find out about the claims.

    python -m tools.mnist [notebook …]     all chapters by default

The chapters themselves are not touched: the executed copies go to ``_build/mnist``, the claims and the chosen settings
to ``claims-mnist.json`` and ``choices-mnist.json`` in ``chapters/results``, and what ran where to ``mnist-run.json``
there. A chapter that has run is not run again until it or the library changes, so an interrupted run goes on where it
was.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

import nbformat

from course_lib import choices, claims, data
from course_lib.files import RESULTS, as_json, write_atomically
from tools import notebooks
from tools.circumstances import circumstances, versions
from tools.hygiene import belongs_to_exercises, parsed, tags
from tools.notebooks import CHAPTERS, ROOT, TIMEOUT
from tools.stamps import fingerprint, has_stamp, write_stamped

WORK = ROOT / "_build" / "mnist"
CLAIMS, CHOICES, RUN = "claims-mnist.json", "choices-mnist.json", "mnist-run.json"

# Of the library, what no experiment's number needs
BESIDE = {
    *("exercises", "variants.py", "interactive", "plotting.py", "looks.py", "markup.py"),
    *("sources.py", "claims_page.py", "translation", "other_libraries.py"),
}


def chapters() -> list[Path]:
    """The notebooks that judge claims."""
    return sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))


def code_of(chapter: Path) -> list:
    """What a chapter's code does, but for the exercises: their cells, and what asks for an answer or judges it."""
    cells = [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    statements = [statement for cell in cells if "exercise" not in tags(cell) for statement in parsed(cell).body]
    return essence([statement for statement in statements if not belongs_to_exercises(statement)])


def library_code() -> list:
    """What the modules of the library do whose work can reach a number in the chapters: not to ask, not to draw."""
    library = ROOT / "course_lib"
    files = [path for path in sorted(library.rglob("*.py")) if path.relative_to(library).parts[0] not in BESIDE]
    return [essence(ast.parse(path.read_text(encoding="utf-8"))) for path in files]


def essence(code):
    """A syntax tree as plain lists that are the same in every Python: without comments, layout, docstrings."""
    if isinstance(code, list):
        return [essence(item) for item in code if not is_docstring(item)]
    if isinstance(code, ast.AST):  # fields that are empty differ between versions of Python
        fields = {name: essence(value) for name, value in ast.iter_fields(code) if value not in (None, [])}
        return [type(code).__name__, fields]
    return repr(code)


def is_docstring(item) -> bool:
    """Whether a statement is nothing but a text."""
    return isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) and isinstance(item.value.value, str)


def records_read(code: list) -> list[str]:
    """The content of the recorded results that the code reads, known by their names in it."""
    return [path.read_text(encoding="utf-8") for path in sorted(RESULTS.glob("*.json")) if repr(path.name) in str(code)]


def digest(chapter: Path) -> str:
    """A fingerprint of all that a chapter's results depend on: code, recorded results, the library, packages, data."""
    code = code_of(chapter)
    return fingerprint([code, records_read(code), library_code(), versions(), whole_mnist().checksum])


def whole_mnist() -> data.Dataset:
    """MNIST.

    Raises:
        ValueError: It is an extract: what it shows is nothing that the book could record.
    """
    mnist = data.load("mnist")
    counts = {"train": len(mnist.train) + len(mnist.validation), "test": len(mnist.test)}
    if counts != data.COUNTS:
        raise ValueError(f"a record needs all of MNIST's images, {data.COUNTS}, got {counts}")
    return mnist


def is_done(chapter: Path, work: Path) -> bool:
    """Whether the chapter has run as it is today, and what it recorded is still there."""
    if not has_stamp(work / chapter.name, digest(chapter)):
        return False
    code, recorded = str(code_of(chapter)), {entry["id"] for entry in claims.read(work / "results" / CLAIMS)}
    return all(id in recorded for id in claims.CLAIMS if repr(id) in code)


def execute(chapter: Path, work: Path) -> None:
    """Run one chapter on MNIST; the copy and its stamp appear only if it ran to the end.

    Raises:
        CellExecutionError: A cell failed.
    """
    before = digest(chapter)  # somebody may edit it meanwhile
    write_stamped(work / chapter.name, notebooks.executed(chapter, 10 * TIMEOUT), before)


def execute_all(paths: list[Path], work: Path = WORK) -> list[str]:
    """Run the chapters that have not run yet, one after the other; return a message for each that failed."""
    whole_mnist()  # without the data, say so once and now
    waiting = [path for path in paths if not is_done(path, work)]
    variables = {"COURSE_DATA": "mnist", "COURSE_RESULTS_DIR": str(work / "results")}
    return notebooks.execute_all(waiting, lambda chapter: execute(chapter, work), workers=1, **variables)


def publish(paths: list[Path], work: Path = WORK, results: Path = RESULTS) -> None:
    """Put the claims, and the circumstances of the run, where the book reads them."""
    claims.copy(work / "results" / CLAIMS, to=results / CLAIMS)
    write_atomically(results / CHOICES, as_json(choices.read(work / "results" / CHOICES)))
    code = {chapter.stem: fingerprint(code_of(chapter)) for chapter in paths}  # a test compares it with today's
    run = {**circumstances("make mnist"), "data": whole_mnist().checksum, "code": code}
    write_atomically(results / RUN, as_json(run))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mnist", description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="chapters (default: all)")
    paths = [path.resolve() for path in parser.parse_args(arguments).paths] or chapters()
    failures = execute_all(paths)
    print(*failures, sep="\n", end="\n" if failures else "")
    if not failures and all(is_done(chapter, WORK) for chapter in chapters()):
        publish(chapters())
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
