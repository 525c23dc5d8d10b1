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


def outputs(*programs: str) -> list[dict[str, str]]:
    """The values that each program prints, one run after the other in a notebook of their own.

    A warning that a user would see is an error: with it, Paddle is not silent.
    """
    names, found = {}, []
    needed = [cell.source for cell in cells_with(None)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)
        for program in [*needed, *programs]:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(program, names)
            found.append(values(printed.getvalue()))
    return found[len(needed) :]


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


@each_section
def test_paddle_still_does_it_and_the_other_program_is_right(section):
    found, instead = outputs(section.switch.source, section.instead.source)
    assert not (message := news(section, found)), message
    assert found["Paddle"] != found["right"]
    assert instead == {"instead": found["right"]}


def test_the_list_names_the_sections_in_their_order():
    (listed,) = [cell.source for cell in CELLS if cell.source.startswith("## The list")]
    assert re.findall(r"\{ref\}`([\w-]+)`", listed) == [section.label for section in SECTIONS]


def test_a_release_that_mends_a_switch_is_noticed(monkeypatch):
    (section,) = [section for section in SECTIONS if section.label == "switch-broadcast"]
    loss = paddle.nn.functional.mse_loss
    monkeypatch.setattr(paddle.nn.functional, "mse_loss", lambda x, y: loss(x, y.reshape(x.shape)))
    (found,) = outputs(section.switch.source)
    assert news(section, found).startswith(f"Paddle {paddle.__version__} has mended “mse_loss compares every")


def test_a_release_that_does_something_else_or_warns_is_noticed():
    assert "does something new" in news(SECTIONS[0], {"Paddle": "7.0", "right": "0.0"})
    with pytest.raises(UserWarning, match="shapes differ"):
        outputs("warnings.warn('shapes differ')")
