"""Sphinx extension: code that a reader does not need at first sight is folded under one line that says what it does.

Folded are cells tagged ``hide-input``, and those that record a claim's verdict. The line is the comment with which the
cell begins.
"""

from __future__ import annotations

import re

from docutils import nodes


def setup(app):
    app.connect("doctree-read", fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def fold(app, doctree):
    for cell in doctree.findall(is_cell):
        if is_folded(cell):
            cell["hide_mode"] = "input"
            cell["prompt_show"] = cell["prompt_hide"] = f"Code · {summary(cell)}"


def is_cell(node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def source(cell) -> str:
    """The code of a cell, "" where the page does not show it."""
    parts = cell.findall(nodes.container)
    return "".join(part.astext() for part in parts if part.get("nb_element") == "cell_code_source")


def is_folded(cell) -> bool:
    """Whether the code of a cell is folded; its output is not."""
    return cell.get("hide_mode") == "input" or is_verdict(source(cell))


def is_verdict(code: str) -> bool:
    return "claims.record(" in code


def summary(cell) -> str:
    """What the code does, in one line (``tools.hygiene`` sees to it that the line is there)."""
    comment = re.match(r"# (.+)", source(cell))
    return comment[1] if comment else "not described"
