"""The Colab edition of the book: every notebook in a form that works alone, wherever it is opened.

The build of the book writes it into ``_build/html/colab`` (``tools/sphinx_course.py`` calls ``write``). Each notebook
gets a first cell that brings ``course_lib`` along and installs what is missing or too old, and its Markdown is made
plain. The outputs are kept: who opens the notebook sees the results of the book before running anything, and can
compare.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import zipfile
from importlib.metadata import metadata, requires
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_lib.files import write_atomically
from tools.notebooks import NOTEBOOK_METADATA, ROOT
from tools.plain_markdown import Page, each_page_read_once
from tools.repository import Published

FOLDER = "colab"  # of the site
LIBRARY = "course_lib"
STORED_RESULTS = ("chapters/results/*.json", "benchmarks/results/*.json")  # that pages of the book show
MODULES = {"paddlepaddle": "paddle", "scikit-learn": "sklearn"}  # packages whose module has another name
SETUP = ROOT / "tools" / "colab_setup.py"
TITLE = "#@title Run this cell first: it brings the course's library along"  # Colab shows it in the place of the code
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}  # in Colab, in JupyterLab
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold


def file_name(docname: str) -> str:
    """The name of a page's notebook, which says in any folder what it is.

    Example:
        >>> file_name("chapters/01_learning_rate"), file_name("chapters/solutions/01_learning_rate")
        ('01_learning_rate.ipynb', '01_learning_rate_solutions.ipynb')
    """
    _, *folder, name = docname.split("/")
    return "_".join([name, *folder]) + ".ipynb"


def pages(env) -> list[str]:
    """The names of the book's pages that are notebooks, but for the first: it is the entrance, not to be worked on."""
    notebooks = (page for page in env.found_docs if env.doc2path(page).endswith(".ipynb"))
    return sorted(page for page in notebooks if page != env.config.root_doc)


def write(app, folder: Path) -> None:
    """Write the whole edition into a folder of its own, whose former content goes."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in edition(app).items():
        write_atomically(folder / name, text)


def edition(app) -> dict[str, str]:
    """File name → content of every notebook; of the same book it is the same to the byte.

    Args:
        app: The Sphinx application after the book was read.
    """
    setup, places = setup_cell(), Published.from_environment()
    with each_page_read_once(app.env):
        return {file_name(page): standalone(Page(app, page, places), setup) for page in pages(app.env)}


def standalone(page: Page, setup) -> str:
    """The text of one notebook's file."""
    notebook = page.notebook()
    notebook.cells[:0] = [new_markdown_cell(introduction(page), id="course-introduction"), setup]
    name = file_name(page.docname)
    notebook.metadata = {**NOTEBOOK_METADATA, "colab": {"name": name, "provenance": [], "toc_visible": True}}
    return nbformat.writes(notebook, indent=1).rstrip() + "\n"


def introduction(page: Page) -> str:
    book = f" It is also [a page of the book]({page.address})." if page.address else ""
    return (
        "*This notebook works by itself, on Colab or in a Jupyter of your own.* "
        "**Run the next cell first:** it unpacks the course's library and installs what is missing or too old. "
        f"Your results and your progress are kept in the folder from which the notebook runs.{book}"
    )


def setup_cell():
    """The cell that brings the library along, the same in every notebook."""
    _, _, code = SETUP.read_text(encoding="utf-8").split('"""', 2)  # without the file's docstring
    arguments = (
        f"requirements={json.dumps(requirements())}",
        f"pythons={pythons()}",
        f'library="{archive()}"',
    )
    call = "\n".join(["set_up(", *(f"    {argument}," for argument in arguments), ")"])
    cell = new_code_cell(f"{TITLE}\n{code.strip()}\n\n\n{call}", id="course-setup")
    cell.metadata = FOLDED
    return cell


def requirements() -> dict[str, str]:
    """Module → requirement, as ``pyproject.toml`` has it."""
    asked = [Requirement(line) for line in requires(LIBRARY)]
    return {MODULES.get(item.name, item.name): str(item) for item in asked if not item.marker}


def pythons() -> tuple[tuple[int, int], tuple[int, int]]:
    """The first supported version of Python and the first that is not, as ``pyproject.toml`` has them."""
    bounds = {item.operator: item.version for item in SpecifierSet(metadata(LIBRARY)["Requires-Python"])}
    return tuple(tuple(map(int, bounds[operator].split("."))) for operator in (">=", "<"))


def archive() -> str:
    """The library and the results stored beside the book as a zip file in base64.

    Nothing in it tells when or where it was made, and bzip2 gives the same bytes in every build of Python.
    """
    found = [path for path in (ROOT / LIBRARY).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found += [path for pattern in STORED_RESULTS for path in ROOT.glob(pattern)]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_BZIP2) as file:
        for path in sorted(found):
            entry = zipfile.ZipInfo(path.relative_to(ROOT).as_posix(), EPOCH)
            entry.create_system, entry.compress_type = 3, zipfile.ZIP_BZIP2
            file.writestr(entry, path.read_bytes())
    return base64.b64encode(content.getvalue()).decode()
