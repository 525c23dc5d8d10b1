"""Sphinx extension: a builder that writes the book as ``make lab`` copies it for a learner, in a form for JupyterLab.

    jupyter-book build . --builder custom --custom-builder lab

Notebooks and pages are plain Markdown with the numbers of the book; their links lead to each other and to copies of the
library's files. ``README.md`` is the entrance.
"""

from __future__ import annotations

import posixpath
import shutil
from pathlib import Path

import nbformat
from sphinx.builders import Builder

from course_lib.files import write_atomically
from tools.notebooks import NOTEBOOK_METADATA, ROOT
from tools.plain_markdown import Page, each_page_read_once

FOLDER = "chapters"  # of the book: it becomes the top of the lab
ABOUT_THE_SITE = "chapters/licences"
SOURCES = "source"  # the folder for the files of the repository that pages lead to; no name that Python would import

ENTRANCE = """# {title}

A copy of the course to work in. Change what you like: run a cell with Shift+Enter, solve the exercises in place, add
notebooks of your own. Nothing here is a part of the course's repository.

- `check(…)` below an exercise says whether it is right, `hint(…)` helps, `progress()` shows what you have done.
- `make lab` opens this folder again as you left it. After the course was updated it brings the new version of every
  notebook in which you have changed no cell, and tells which ones it kept.
- To begin **one notebook again**, rename or delete it and run `make lab`. To begin **everything again**, run
  `make lab-again`: what you have done is kept in a folder beside this one.

- `source/` holds the files of the library that chapters lead to, for reading: the notebooks use the library itself.

## Chapters

{chapters}

The solutions are [notebooks of their own](solutions): try first, look afterwards.

## Pages beside them

{others}
"""


def setup(app):
    app.add_builder(LabBuilder)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class LabBuilder(Builder):
    name = "lab"
    epilog = "The copies for JupyterLab are in %(outdir)s."

    def get_outdated_docs(self):
        return "all pages"

    def get_target_uri(self, docname, typ=None):
        return f"{docname}.html"  # as in the book: Beside.page says where that is

    def write(self, *which):
        """Nothing page by page."""

    def finish(self):
        folder = Path(self.outdir)
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in edition(self.app).items():
            write_atomically(folder / name, text)


def edition(app) -> dict[str, str]:
    """File name → content of everything in the lab; of the same book it is the same to the byte."""
    files, sources = {"README.md": entrance(app)}, set()
    with each_page_read_once(app.env):
        for docname in copied(app.env):
            page = Page(app, docname, Beside(app.env, docname, sources))
            files[file_of(app.env, docname)] = text_of(page)
    for path in sources:
        files[f"{SOURCES}/{path}"] = (ROOT / path).read_text(encoding="utf-8")
    return dict(sorted(files.items()))


def copied(env) -> list[str]:
    """The pages that a learner gets: all but the site's first one, and the one about what the site is made of."""
    return sorted(set(env.found_docs) - {env.config.root_doc, ABOUT_THE_SITE})


def file_of(env, docname: str) -> str:
    return posixpath.relpath(docname, FOLDER) + Path(env.doc2path(docname)).suffix


def text_of(page: Page) -> str:
    """The content of a page's file."""
    if page.source.endswith(".md"):
        return page.plain(Path(page.source).read_text(encoding="utf-8")) + "\n"
    notebook = page.notebook()
    notebook.metadata = NOTEBOOK_METADATA
    return nbformat.writes(notebook, indent=1).rstrip() + "\n"


class Beside:
    """Where a page of the lab finds the others, and copies of the repository's files, which it notes in ``sources``."""

    def __init__(self, env, docname: str, sources: set[str]):
        self.env, self.folder, self.sources = env, posixpath.dirname(file_of(env, docname)), sources

    def page(self, address: str) -> str | None:
        name, _, place = address.partition("#")
        docname = name[: -len(".html")]
        if docname not in copied(self.env):
            return None
        return self._from_here(file_of(self.env, docname)) + (f"#{place}" if place else "")

    def source(self, path: str) -> str:
        self.sources.add(path)
        return self._from_here(f"{SOURCES}/{path}")

    def _from_here(self, file: str) -> str:
        return posixpath.relpath(file, self.folder)


def entrance(app) -> str:
    env = app.env
    numbered = [name for name in copied(env) if env.toc_secnumbers.get(name, {}).get("")]
    others = [name for name in copied(env) if name not in numbered and "/solutions/" not in name]
    return ENTRANCE.format(
        title=app.config.html_title,
        chapters="\n".join(f"{number}. {link(env, name)}" for number, name in enumerate(numbered, 1)),
        others="\n".join(f"- {link(env, name)}" for name in others),
    )


def link(env, docname: str) -> str:
    return f"[{env.titles[docname].astext()}]({file_of(env, docname)})"
