"""What the README says of the course is so."""

from __future__ import annotations

import re

import paddle
import pytest

from course_lib import optimizer
from tests.test_site import parse
from tools import readme_picture, repository
from tools.notebooks import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_as_long_as_the_book_says(site):
    page = parse(site / "chapters" / "index.html")
    ((chapters, hours, exercises),) = re.findall(
        r"(\d+) chapters, about (\d+) hours of reading, (\d+) exercises", page.text
    )
    assert f"{chapters} chapters, about {hours} hours of reading, and {exercises} exercises" in README


def names(text: str) -> set[str]:
    return set(re.findall(r"\b(?:[A-Z][A-Za-z]*[A-Z]|Ada[a-z]+|Momentum|Rprop|Lamb)\w*", text)) - {"PaddlePaddle"}


def test_it_lists_the_optimizers_that_there_are():
    ((paddles, others),) = re.findall(r"and all its optimizers: (.*?)\.(.*?), which it does not have\.\n", README, re.S)
    ours, theirs = ({name for name in module.__all__ if name not in ("Optimizer", "lr")}
                    for module in (optimizer, paddle.optimizer))  # fmt: skip
    assert names(paddles) == theirs
    assert names(others) == ours - theirs


def test_all_schedules_are_there():
    assert "all learning-rate schedules of PaddlePaddle" in README
    assert [name for name in paddle.optimizer.lr.__all__ if not hasattr(optimizer.lr, name)] == []


def address_in(readme: str) -> str | None:
    """Where a README says that the book is published."""
    found = re.search(r"https://[\w.-]+\.github\.io/\S*?(?=[)>\s])", readme)
    return found and found.group()


@pytest.mark.parametrize("cited", [None, "https://github.com/ada/learning-rates"])
def test_the_repository_has_one_place(tmp_path, monkeypatch, cited):
    (tmp_path / "CITATION.cff").write_text(f"title: Course\n{f'repository-code: {cited}' if cited else ''}\n")
    monkeypatch.setattr(repository, "CITATION", tmp_path / "CITATION.cff")
    for variable in (repository.VARIABLE, repository.SITE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    assert repository.site_url() == ("https://ada.github.io/learning-rates/" if cited else None)
    monkeypatch.setenv(repository.VARIABLE, "https://github.com/eve/fork")
    assert repository.site_url() == "https://eve.github.io/fork/"


def test_it_names_the_published_book_or_says_how_it_is_published(monkeypatch):
    for variable in (repository.VARIABLE, repository.SITE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    assert address_in(README) == repository.site_url()
    assert ("names no\n   address" in README) == (repository.site_url() is None)
    assert address_in("Read it at <https://ada.github.io/learning-rates/>.") == "https://ada.github.io/learning-rates/"


def test_its_picture_is_there_by_day_and_by_night_and_in_words():
    assert re.findall(r'(?:srcset|src)="(.+?)"', README) == [
        path.relative_to(ROOT).as_posix() for path in (readme_picture.DARK, readme_picture.LIGHT)
    ]
    day, night = (path.read_text(encoding="utf-8") for path in (readme_picture.LIGHT, readme_picture.DARK))
    assert readme_picture.for_night(day) == night != day
    for name in readme_picture.RUNS:
        assert f">{name}<" in day and re.search(rf'alt="[^"]*{name}', README)


def test_its_commands_are_targets_of_make():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert (
        {"book", "lab", "lab-again"}
        <= set(re.findall(r"make ([a-z][\w-]+)(?=[\s`])", README)) - {"alone"}
        <= {*targets}
    )
