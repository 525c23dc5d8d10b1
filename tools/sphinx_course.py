"""Sphinx extension of the book: MathJax from the book itself, buttons only where they lead somewhere.

Settings by environment variable:
    COURSE_REPOSITORY_URL   the public repository; switches the repository, edit and issue buttons on
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

MATHJAX_PACKAGE = "sphinx-mathjax-offline"  # used for its files only: the package is named like no module can be
MATHJAX_FILES = ("tex-svg.js", "input/tex/extensions")  # TeX to SVG needs no fonts; rare macros load on demand


def setup(app):
    app.setup_extension("sphinx.ext.mathjax")
    app.connect("config-inited", configure)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def configure(app, config):
    config.mathjax_path = "mathjax/tex-svg.js"
    options = config.html_theme_options
    url = os.environ.get("COURSE_REPOSITORY_URL", "").rstrip("/")
    options["repository_url"] = url
    for button in ("use_repository_button", "use_edit_page_button", "use_issues_button"):
        options[button] = bool(url)


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
