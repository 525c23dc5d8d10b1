"""Sphinx extension of the book: MathJax from the book itself, the Colab edition, links and buttons that lead somewhere.

The buttons for Colab, Binder, repository, edit and issue lead to the repository that ``tools/repository.py`` finds.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes

from tools import colab
from tools.repository import BRANCH, Repository

MATHJAX_PACKAGE = "sphinx-mathjax-offline"  # used for its files only: the package is named like no module can be
FOR_DISK = "from_disk"  # the folder of the site that course.js knows, too
MATHJAX_FILES = ("tex-svg.js", "input/tex/extensions")  # TeX to SVG needs no fonts; rare macros load on demand


def setup(app):
    app.setup_extension("sphinx.ext.mathjax")
    app.connect("config-inited", configure)
    app.connect("doctree-resolved", lead_to_pages)
    app.connect("html-page-context", lead_to_colab_edition, priority=502)  # the theme makes its buttons at 501
    app.connect("html-page-context", list_references)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", write_colab_edition)
    app.connect("build-finished", write_for_disk)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def configure(app, config):
    config.mathjax_path = "mathjax/tex-svg.js"
    repository = Repository.from_environment()
    if repository:
        switch_buttons_on(config.html_theme_options, repository)
    else:
        config.html_theme_options["repository_url"] = ""


def switch_buttons_on(options, repository):
    options.update(repository_url=repository.url, repository_branch=BRANCH)
    options.update(use_repository_button=True, use_edit_page_button=True, use_issues_button=True)
    options["launch_buttons"] = {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    }


def lead_to_pages(app, doctree, docname):
    """Let what a cell printed lead to pages where it names notebooks: Jupyter knows nothing else."""

    def page(link):
        name = posixpath.normpath(posixpath.join(docname, "..", link[1]))
        return f"{link[1]}.html" if name in app.env.found_docs else link[0]

    for output in doctree.findall(nodes.raw):
        output[:] = [nodes.Text(re.sub(r'(?<=href=")([\w./-]+)\.ipynb(?=[#"])', page, output.astext()))]


def lead_to_colab_edition(app, pagename, templatename, context, doctree):
    """Let the buttons for Colab and for downloading lead to the notebook that works alone.

    A page that is no notebook has nothing to download.
    """
    if "header_buttons" not in context:
        return
    is_notebook = pagename in colab.pages(app.env)
    for group in context["header_buttons"]:
        buttons = group.get("buttons", [])
        for button in list(buttons):
            if button.get("label") == "download-source-button" and not is_notebook:
                buttons.remove(button)
            elif button.get("label") == "download-source-button":
                name = colab.file_name(pagename)
                address = context["pathto"](f"{colab.FOLDER}/{name}", resource=True)
                # a browser may show what it takes for text; the theme writes no attribute but the address
                button["url"] = f'{address}" download="{name}'
                button["tooltip"] = "Download as a notebook that works alone"
            elif button["text"] == "Colab":
                button["url"] = Repository.from_environment().on_colab(colab.file_name(pagename))


def write_colab_edition(app, error):
    if not error and app.builder.format == "html":
        colab.write(app, Path(app.outdir) / colab.FOLDER)


def write_for_disk(app, error):
    """Write each file that pages offer into a script, too, from which ``course.js`` saves it.

    On a site opened from disk browsers ignore that a link is there to download, and let no script read a file.
    """
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    shutil.rmtree(site / FOR_DISK, ignore_errors=True)
    for offered in [*(site / colab.FOLDER).iterdir(), *(site / "_downloads").rglob("*.*")]:
        script = site / FOR_DISK / f"{offered.relative_to(site)}.js"
        script.parent.mkdir(parents=True, exist_ok=True)
        name, text = json.dumps(offered.name), json.dumps(offered.read_text(encoding="utf-8"))
        script.write_text(f"saveFile({name}, {text});\n", encoding="utf-8")


def list_references(app, pagename, templatename, context, doctree):
    """Give the entries of the bibliography the role that entries of a list have today; docutils writes an older one."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def copy_mathjax(app, error):
    if error or app.builder.format != "html":
        return
    source = Path(find_spec(MATHJAX_PACKAGE).origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in MATHJAX_FILES:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / name, target / name)
