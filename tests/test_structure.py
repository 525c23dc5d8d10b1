"""The house: which files may import Paddle, and which storey may know which.

The tables say what is where; a file that is in none of them, or a line that no longer holds, fails.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parent.parent / "course_lib"

# From the ground up. A file imports from its own storey and from those below. A folder stands for what is in it, unless
# a part of it has a line of its own.
STOREYS = {
    "formulas": ["errors", "edge", "arrays", "surfaces", "initializer", "lr_finder", "optimizer", "variants"],
    "apparatus": [
        *["files", "intervals", "rare_words", "progress_bar"],
        *["sources", "claims", "claims_page", "choices", "sweeps", "store"],
        *["markup", "looks", "plotting", "interactive"],
        *["other_libraries", "translation"],
    ],
    "Paddle": [
        *["optimizer/tensors", "seeding", "layers", "data", "models", "training", "range_test", "faults"],
        "translation/state",
    ],
    "exercises": ["exercises"],
}

# The only files that import Paddle. All others can be imported where it is not installed.
NEEDS_PADDLE = {
    "edge.py",  # asks whether it is there
    *{f"optimizer/tensors/{name}.py" for name in ("closures", "groups", "interface", "memory", "saving")},
    *{"layers.py", "data.py", "models.py", "training.py", "range_test.py", "translation/state.py"},
}

# Files that ask ``edge`` for it: they work on tensors where there are any, and on everything else without Paddle.
USES_PADDLE_IF_THERE = {
    *{f"optimizer/{name}.py" for name in ("__init__", "averaging", "base", "lbfgs", "lr")},
    "arrays.py",
    *{"seeding.py", "store.py", "faults.py"},
    *{f"exercises/{name}.py" for name in ("__init__", "engine", "sandbox", "surroundings", "loops")},
    "exercises/catalogue/ch03_training_loop.py",
}

# file -> what it imports from a storey above it, and only where Paddle is installed
DOORS = {
    "optimizer/base.py": "optimizer.tensors.interface.OfTensors",
    "optimizer/lbfgs.py": "optimizer.tensors.closures.StepsByClosure",
}

FILES = sorted(path.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.py"))


def imports(file: str, source: str | None = None) -> set[str]:
    """All that a file of the library imports, inside of functions too: ``numpy``, ``course_lib.edge.paddle``, …"""
    source = (LIBRARY / file).read_text(encoding="utf-8") if source is None else source
    package = ["course_lib", *Path(file).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def storey(path: str) -> int | None:
    """The storey of a file or module of the library, as ``optimizer/lr``; None for the bare library."""
    places = [(place, number) for number, places in enumerate(STOREYS.values()) for place in places]
    matching = [(len(place), number) for place, number in places if f"{path}/".startswith(f"{place}/")]
    return max(matching)[1] if matching else None


def imported_storeys(file: str, source: str | None = None):
    """(what a file imports of the library, its storey)."""
    for name in imports(file, source):
        library, _, path = name.partition(".")
        if library == "course_lib" and storey(path.replace(".", "/")) is not None:
            yield path, storey(path.replace(".", "/"))


def too_high(file: str, source: str | None = None) -> list[str]:
    """What a file imports from a storey above its own."""
    own, allowed = storey(file.removesuffix(".py")), DOORS.get(file)
    return sorted(path for path, number in imported_storeys(file, source) if number > own and path != allowed)


def test_paddle_is_imported_where_the_table_says():
    roots = {file: {name.partition(".")[0] for name in imports(file)} for file in FILES}
    assert {file for file in FILES if "paddle" in roots[file]} == NEEDS_PADDLE


def test_paddle_is_asked_for_at_the_edge_where_the_table_says():
    assert {file for file in FILES if "course_lib.edge.paddle" in imports(file)} == USES_PADDLE_IF_THERE


@pytest.mark.parametrize("file", [file for file in FILES if file != "__init__.py"])
def test_a_file_knows_its_own_storey_and_those_below(file):
    assert storey(file.removesuffix(".py")) is not None, f"{file} has no place in STOREYS"
    assert too_high(file) == []


def test_the_library_itself_imports_what_it_is_asked_for_and_nothing_else():
    names = {name for name, _ in imported_storeys("__init__.py")}
    assert names == {"translation.translate", "translation.state.translate_state"}
    program = "import sys, course_lib; print([name for name in sys.modules if name.startswith('course_lib.')])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_every_place_in_the_tables_exists():
    places = [place for places in STOREYS.values() for place in places]
    assert [p for p in places if not (LIBRARY / p).is_dir() and not (LIBRARY / f"{p}.py").is_file()] == []
    assert set(DOORS) <= set(FILES)


@pytest.mark.parametrize(
    "source",
    [
        "from course_lib import training",
        "def f():\n    from ..training import fit",
        "import course_lib.exercises.engine",
    ],
)
def test_an_import_from_above_is_found(source):
    assert too_high("optimizer/adam.py", source)


@pytest.mark.parametrize("source", ["from . import lr", "from ..errors import number", "import numpy as np"])
def test_an_import_from_below_is_none_from_above(source):
    assert too_high("optimizer/adam.py", source) == []


def test_no_line_is_excused_from_the_style():
    assert [file for file in FILES if "# noqa" in (LIBRARY / file).read_text(encoding="utf-8")] == []
