"""Paddle still does what the page on its silent switches says, and what it says to write instead is right."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import nbformat
import paddle
import pytest

PAGE = "chapters/silent_switches.ipynb"
CELLS = nbformat.read(Path(__file__).resolve().parent.parent / PAGE, as_version=4).cells


class Section(NamedTuple):
    label: str
    title: str
    switch: nbformat.NotebookNode
    instead: nbformat.NotebookNode


def cells_with(tag: str | None) -> list:
    """The page's programs with this tag; without any, what all of them need."""
    tags = [tag] if tag else []
    return [cell for cell in CELLS if cell.cell_type == "code" and cell.metadata.get("tags", []) == tags]


def sections() -> list[Section]:
    text = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
    headings = re.findall(r"^\((switch-[\w-]+)\)=\n## (.+)$", text, re.MULTILINE)
    programs = zip(cells_with("switch"), cells_with("instead"), strict=True)
    return [Section(*heading, *pair) for heading, pair in zip(headings, programs, strict=True)]


def values(printed: str) -> dict[str, str]:
    """What stands behind ``Paddle:``, ``right:`` and ``instead:``."""
    return {name: value.strip() for name, value in re.findall(r"^(\w+): (.+)$", printed, re.MULTILINE)}


def run(program: str, names: dict) -> dict[str, str]:
    """The values that a program prints; a warning that users see is an error, for then it is not silent."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(program, names)
    return values(printed.getvalue())


def news(section: Section, found: dict[str, str]) -> str | None:
    """What a reader of the page has to be told, if Paddle no longer does what stands there."""
    stored = values(section.switch.outputs[0].text)
    if found == stored:
        return None
    if found["Paddle"] == found["right"]:
        todo = f"take the section and its row off {PAGE}, and the caution out of the docstrings that have it"
        return f"Paddle {paddle.__version__} has mended “{section.title}”: {todo}"
    return f"Paddle {paddle.__version__} does something new in “{section.title}”: {found}, where {PAGE} has {stored}"


SECTIONS = sections()
each_section = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.label)


@pytest.fixture
def names() -> dict:
    """What the programs need, as in a notebook of its own."""
    defined = {}
    for cell in cells_with(None):
        run(cell.source, defined)
    return defined


@each_section
def test_paddle_still_does_it_and_the_other_program_is_right(section, names):
    found = run(section.switch.source, names)
    assert not (message := news(section, found)), message
    assert found["Paddle"] != found["right"]
    assert run(section.instead.source, names) == {"instead": found["right"]}


def test_the_list_names_the_sections_in_their_order():
    (listed,) = [cell.source for cell in CELLS if cell.source.startswith("## The list")]
    assert re.findall(r"\{ref\}`([\w-]+)`", listed) == [section.label for section in SECTIONS]


def test_a_release_that_mends_a_switch_is_noticed(names, monkeypatch):
    (section,) = [section for section in SECTIONS if section.label == "switch-broadcast"]
    broadcasting = paddle.nn.functional.mse_loss
    monkeypatch.setattr(
        paddle.nn.functional, "mse_loss", lambda input, label: broadcasting(input, label.reshape(input.shape))
    )
    assert news(section, run(section.switch.source, names)).startswith(
        f"Paddle {paddle.__version__} has mended “mse_loss compares every prediction with every target”: take"
    )


def test_a_release_that_does_something_else_or_warns_is_noticed():
    assert "does something new" in news(SECTIONS[0], {"Paddle": "7.0", "right": "0.0"})
    with pytest.raises(UserWarning, match="shapes differ"):
        run("import warnings\nwarnings.warn('shapes differ')", {})
