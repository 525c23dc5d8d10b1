"""Sphinx extension: exercises are answered on the page itself (``chapters/_assets/answers`` is what the browser runs).

A cell tagged ``exercise`` and the cell that checks it become one block, with a text area that stays hidden until the
page's script shows it. Before an answer run the cells above it that are tagged ``answers-need``; what the chapter
imports can be used as well. Python comes from Pyodide's CDN, or from the site itself if ``COURSE_PYODIDE_DIR`` names a
folder with the files of Pyodide when the book is built (see ``tools/pyodide.py``).
"""

from __future__ import annotations

import ast
import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import zipfile
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.errors import ConfigError

from course_lib.exercises import EXERCISES
from course_lib.exercises.cards import inline
from course_lib.markup import tag
from tools import colab, pyodide
from tools.hygiene import syntax_tree
from tools.notebooks import ROOT
from tools.repository import Repository
from tools.sphinx_folds import is_cell, source

FOLDER = "answers"  # in _static
NEEDED = "tag_answers-need"

WORDS = {
    "loading": "Loading Python …",
    "slow": "Still loading Python: the line is slow, or {host} cannot be reached from here. Your text is kept.",
    "checking": "Checking …",
    "busy": "One check is still running.",
    "ended": "Python came to its end. A new one starts; your text is kept.",
    "refused": "Python could not be loaded from {host} ({why}). Your text is kept: press Check to try again.",
    "startedOver": "The text is as it was at first.",
    "done": "{done} of {all} exercises done in this browser",
    "loaded": "The file's progress was added to yours.",
    "noProgress": "This is no progress file of the course: a file named .course_progress.json is needed, as the "
    "notebooks write it, or one saved here. Nothing was changed.",
}


def setup(app):
    app.add_node(Exercise, html=(Exercise.visit, Exercise.depart))
    app.connect("config-inited", check_copy)
    app.connect("doctree-read", find_exercises, priority=600)  # after cells were folded
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def check_copy(app, config):
    """Say of a wrong copy of Pyodide at once what is wrong, not when all pages are written."""
    if pyodide.folder():
        try:
            pyodide.checked(pyodide.folder())
        except (FileNotFoundError, ValueError) as error:
            raise ConfigError(str(error)) from None


# --------------------------------------------------------------------------------- the blocks of a page


class Exercise(nodes.Element):
    """The cell of an exercise, what is needed to answer it, and the cell that checks it."""

    def visit(self, node):
        data = {"exercise": node["id"], "check": node["check"], "before": json.dumps(node["before"])}
        attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
        self.body.append(f'<div class="exercise"{attributes}>')

    def depart(self, node):
        self.body.append("</div>")


def find_exercises(app, doctree):
    """Put each exercise of a page into a block, and note what its chapter imports."""
    cells = list(doctree.findall(is_cell))
    imports, needed, chapters = {}, [], set()
    for cell, following in zip(cells, cells[1:]):
        imports |= imported(source(cell))
        if NEEDED in cell["classes"]:
            needed.append(source(cell))
        check = re.search(r'^check\("([\w-]+)".*', source(following), re.MULTILINE)
        if "tag_exercise" in cell["classes"] and check:
            block = Exercise(id=check[1], check=check[0], before=list(needed))
            place = cell.parent.index(cell)
            cell.parent.insert(place, block)
            for part in (cell, following):
                part.parent.remove(part)
            bar = answer(EXERCISES[check[1]], source(cell), app.env.docname)
            block += [cell, nodes.raw("", bar, format="html"), following]
            chapters.add(EXERCISES[check[1]].chapter)
    if chapters:
        found = {"imports": imports, "exercises_of": " ".join(map(str, sorted(chapters)))}
        app.env.metadata[app.env.docname].update(found)


def imported(code: str) -> dict[str, str]:
    """Name → statement, for all that a cell imports at its top.

    Example:
        >>> imported("import numpy as np\\nfrom course_lib.arrays import maximum, sqrt")["sqrt"]
        'from course_lib.arrays import sqrt'
    """
    found = {}
    for node in syntax_tree(code).body:
        for name in node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else ():
            node.names = [name]
            found[name.asname or name.name.partition(".")[0]] = ast.unparse(node)
    return found


def answer(exercise, stub: str, docname: str) -> str:
    """What stands between the two cells, hidden where no script is."""
    inner = where_paddle_is(docname) if exercise.needs_paddle else closed() + opened(exercise, stub)
    return f'<div class="answer" hidden>{inner}</div>'


def where_paddle_is(docname: str) -> str:
    name, repository = colab.file_name(docname), Repository.from_environment()
    on_colab = tag("a", "on Colab", href=repository.on_colab(name)) if repository else "on Colab"
    download = tag("a", "the notebook that works alone", href=f"../{colab.FOLDER}/{name}", download=name)
    return tag("p", f"This exercise needs Paddle: answer it {on_colab}, in {download}, or with <code>make lab</code>.")


def closed() -> str:
    loads = f"loads Python once, {pyodide.MEGABYTES} MB, from {host() or 'this site'}"
    return tag("p", button("answer", "Answer here") + " " + tag("small", loads), data_role="closed")


def opened(exercise, stub: str) -> str:
    field = f"answer-{exercise.id}"
    area = tag(
        *("textarea", escape(stub, quote=False)),
        **{"id": field, "data_role": "answer", "spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"},
        **{"autocorrect": "off", "wrap": "off", "rows": stub.count("\n") + 1, "aria_describedby": f"{field}-keys"},
    )
    keys = "Ctrl+Enter or Shift+Enter checks. Tab indents; Escape, then Tab, leaves the field."
    buttons = button("check", "Check", "primary") + button("hint", "Hint") + button("reset", "Start over")
    undo = button("undo", "Bring my text back", hidden="")
    return tag(
        "div",
        tag("label", f"Your answer to {tag('code', exercise.id)}", for_=field)
        + choices(exercise)
        + area
        + tag("p", keys, id=f"{field}-keys", class_="keys")
        + tag("div", buttons + undo + tag("span", "", data_role="says", aria_live="polite"), class_="buttons")
        + progress()
        + tag("div", "", data_role="output"),
        data_role="open",
        hidden="",
    )


def button(action: str, words: str, kind: str = "outline-primary", **more) -> str:
    return tag("button", words, type="button", class_=f"btn btn-sm btn-{kind}", data_action=action, **more)


def choices(exercise) -> str:
    """The choices of a quiz; choosing one writes its letter into the text area."""
    offered = getattr(exercise, "choices", {})
    if not offered:
        return ""
    radio = partial(tag, "input", type="radio", name=f"choice-{exercise.id}")
    rows = (f"{radio(value=letter)} {letter}) {inline(choice.text)}" for letter, choice in offered.items())
    return tag("fieldset", tag("legend", inline(exercise.question)) + "".join(tag("label", row) for row in rows))


def progress() -> str:
    """How much is done, and the way to the notebooks and back."""
    about = (
        "It is kept in this browser alone. Notebooks keep theirs in a file beside them, .course_progress.json: save "
        "yours under that name there, or add theirs to yours."
    )
    file = tag(
        "input", type="file", accept=".json,application/json", data_role="file", hidden="", aria_label="Progress file"
    )
    buttons = button("export", "Save as a file") + button("import", "Add a file")
    content = tag("p", about) + tag("div", buttons + file, class_="buttons")
    return tag("details", tag("summary", "", data_role="done") + content)


def host() -> str:
    """The host from which Python comes, "" where it is the site itself."""
    return "" if pyodide.folder() else urlsplit(pyodide.CDN).netloc


# -------------------------------------------------------------------------------- what the pages load


def add_script(app, pagename, templatename, context, doctree):
    imports = app.env.metadata[pagename].get("imports")
    if imports is None:
        return
    words = {key: text.replace("{host}", host() or "this site") for key, text in WORDS.items()}
    settings = {
        "core": "pyodide/" if pyodide.folder() else pyodide.CDN,
        "hashes": pyodide.FILES,
        "chapters": app.env.metadata[pagename]["exercises_of"],
        "version": version(),
        "exercises": list(EXERCISES),
        "imports": imports,
        "words": words,
    }
    content = json.dumps(settings, ensure_ascii=False).replace("</", r"<\/")
    app.add_js_file(None, body=content, type="application/json", id="answers-settings")
    app.add_js_file(f"{FOLDER}/answers.js", loading_method="defer")
    app.add_css_file(f"{FOLDER}/answers.css")


@lru_cache(maxsize=1)
def course() -> bytes:
    """The library as an archive: all that runs where NumPy is. Of the same files it is the same to the byte."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        for path in sorted((ROOT / "course_lib").rglob("*.py")):
            if "interactive" not in path.parts:
                entry = zipfile.ZipInfo(path.relative_to(ROOT).as_posix())  # of 1980
                written.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return archive.getvalue()


def version() -> str:
    """Changes with what a browser could have kept of an earlier one."""
    worker = (ROOT / "chapters" / "_assets" / FOLDER / "worker.js").read_bytes()
    return hashlib.sha256(course() + worker + pyodide.VERSION.encode()).hexdigest()[:8]


def write_files(app, error):
    if not error and app.builder.format == "html":
        write(Path(app.outdir) / "_static" / FOLDER, pyodide.folder())


def write(target: Path, bundled: Path | None) -> None:
    """Write what a page loads when an exercise is answered.

    Args:
        target: The folder, in which the scripts are already.
        bundled: A folder with Pyodide's files, which become part of the site; None where its CDN is used.
    """
    shutil.rmtree(target / "pyodide", ignore_errors=True)
    if bundled:
        (target / "pyodide").mkdir()
        for name in pyodide.FILES:
            shutil.copyfile(bundled / name, target / "pyodide" / name)
    (target / "course.zip").write_bytes(course())
    (target / "pyodide-lock.json").write_text(pyodide.lock(), encoding="utf-8")
    files = [target / name for name in ("worker.js", "course.zip", "pyodide-lock.json")]
    files += [target / "pyodide" / name for name in pyodide.FILES] if bundled else []
    # Level 9 would take a second longer to make the file smaller by a four-hundredth.
    small = {file.name: gzip.compress(file.read_bytes(), compresslevel=6, mtime=0) for file in files}
    packed = {name: base64.b64encode(content).decode() for name, content in small.items()}
    (target / "from_disk.js").write_text(f"answersFromDisk = {json.dumps(packed)};\n", encoding="utf-8")
