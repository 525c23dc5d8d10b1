"""Sphinx extension: whose work the site ships, and under which licences.

    ```{shipped}``` a table of its content, which is YAML: name of the work → its url, its licence, its files in the
                    folder _static, and either the package that it is, or its version where it names one

The files of Python for the exercises (``tools/pyodide.py``) may be another host's: then the table names that.

The licence's text is brought along from the package, or from the file ``text`` of another (package/pattern); else a
link leads to it. The foot of every page leads to the page of the table.
"""

from __future__ import annotations

import html
import shutil
from fnmatch import fnmatch
from importlib.metadata import distribution
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from tools import pyodide, sphinx_answers

PAGE = "chapters/licences"
FOLDER = "licences"  # of the site: the texts


def setup(app):
    app.add_directive("shipped", Shipped)
    app.connect("html-page-context", lead_to_page)
    app.connect("build-finished", copy_texts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Shipped(SphinxDirective):
    has_content = True

    def run(self):
        works = yaml.safe_load("\n".join(self.content))
        self.env.metadata[self.env.docname]["shipped"] = works
        rows = "".join(row(name, work) for name, work in works.items())
        head = "<tr><th>Work</th><th>Licence</th><th>Files in <code>_static</code></th></tr>"
        table = f'<table class="table shipped"><thead>{head}</thead><tbody>{rows}</tbody></table>'
        return [nodes.raw("", f'<div class="pst-scrollable-table-container">{table}</div>', format="html")]


def row(name: str, work: dict) -> str:
    written = work.get("version", pyodide.WORKS.get(name, ""))
    version = distribution(work["package"]).version if "package" in work else written
    text = f"../{FOLDER}/{address_of(name)}" if text_of(work) else f"https://spdx.org/licenses/{work['licence']}.html"
    title, licence = link(work["url"], name), link(text, work["licence"])
    return f"<tr><td>{title} {version}</td><td>{licence}</td><td>{place(name, work)}</td></tr>"


def place(name: str, work: dict) -> str:
    """The files in _static, or the host from which pages load the work."""
    host = sphinx_answers.host() if name in pyodide.WORKS else ""
    if host:
        return f"loaded from {host} when “Answer here” is pressed"
    return ", ".join(f"<code>{html.escape(file)}</code>" for file in work["files"])


def link(address: str, text: str) -> str:
    return f'<a href="{address}">{html.escape(text)}</a>'


def address_of(name: str) -> str:
    return name.lower().replace(" ", "-") + ".txt"


def text_of(work: dict) -> Path | None:
    """Where the installed packages have the text of the work's licence.

    Raises:
        LookupError: The package has no such file.
    """
    package, _, pattern = work.get("text", f"{work.get('package', '')}/*dist-info*LICEN*").partition("/")
    if not package:
        return None
    for file in distribution(package).files:
        if fnmatch(str(file), pattern):
            return Path(file.locate())
    raise LookupError(f"{package} has no file {pattern}")


def copy_texts(app, error):
    if error or app.builder.format != "html":
        return
    for name, work in app.env.metadata.get(PAGE, {}).get("shipped", {}).items():
        if text_of(work):
            target = Path(app.outdir) / FOLDER / address_of(name)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(text_of(work), target)


def lead_to_page(app, pagename, templatename, context, doctree):
    if PAGE in app.env.found_docs:
        text = "Licences of this course and of what its pages are made of"
        context["theme_extra_footer"] = link(context["pathto"](PAGE), text)
