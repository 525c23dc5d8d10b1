"""``make mnist``: beside the book, resumable, and the same result however often it was interrupted."""

from __future__ import annotations

import json
import os
import re

import nbformat
import numpy as np
import pytest

from course_lib import claims
from tools import circumstances, mnist

CLAIM = """
import os
from course_lib import claims
assert os.environ["COURSE_DATA"] == "mnist"
claims.record("{id}", measured="a number", verdict=claims.judge({{"a condition": True}}))
"""
INTERRUPTED = "import pathlib\nassert pathlib.Path(r'{flag}').exists(), 'interrupted'\n"


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    """Two small chapters; the second one fails as long as the file ``go_on`` does not exist."""
    monkeypatch.setattr(mnist.data, "load", lambda: None)
    monkeypatch.setattr(mnist, "ROOT", tmp_path)
    folder = tmp_path / "chapters"
    folder.mkdir()
    sources = {
        "01_first": CLAIM.format(id="LR-1"),
        "02_second": INTERRUPTED.format(flag=tmp_path / "go_on") + CLAIM.format(id="OPT-1"),
    }
    paths = []
    for stem, source in sources.items():
        paths.append(folder / f"{stem}.ipynb")
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), paths[-1])
    return paths


def test_an_interrupted_run_goes_on_where_it_was(chapters, tmp_path, monkeypatch):
    before = [path.read_bytes() for path in chapters]
    work, results = tmp_path / "work", tmp_path / "results"
    (failure,) = mnist.execute_all(chapters, work)
    assert "interrupted" in failure
    assert [mnist.is_done(path, work) for path in chapters] == [True, False]

    (tmp_path / "go_on").touch()
    executed = []
    original = mnist.execute
    monkeypatch.setattr(
        mnist, "execute", lambda chapter, work: (executed.append(chapter.stem), original(chapter, work))
    )
    assert mnist.execute_all(chapters, work) == []
    assert executed == ["02_second"]
    mnist.publish(chapters, work, results)
    resumed = (results / mnist.CLAIMS).read_text()

    assert mnist.execute_all(chapters, tmp_path / "unbroken") == []
    mnist.publish(chapters, tmp_path / "unbroken", results)
    assert (results / mnist.CLAIMS).read_text() == resumed
    assert [entry["id"] for entry in json.loads(resumed)] == ["LR-1", "OPT-1"]
    run = json.loads((results / mnist.RUN).read_text())
    assert run["command"] == "make mnist"
    assert set(run["versions"]) == {"python", *circumstances.PACKAGES}
    assert set(run["code"]) == {"01_first", "02_second"}
    assert claims.read_conditions(results / mnist.CLAIMS)["OPT-1"] == {"a condition": True}
    assert [path.read_bytes() for path in chapters] == before


def test_a_changed_chapter_runs_again(chapters, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "01_first.done").write_text(mnist.digest(chapters[0]))
    assert mnist.is_done(chapters[0], work)
    notebook = nbformat.read(chapters[0], as_version=4)
    notebook.cells[0].source += "\n# another experiment"
    nbformat.write(notebook, chapters[0])
    assert not mnist.is_done(chapters[0], work)


# -- the recorded run -------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def test_the_record_is_of_the_chapters_as_they_are():
    recorded = json.loads((mnist.RESULTS / mnist.RUN).read_text(encoding="utf-8"))["code"]
    today = {chapter.stem: mnist.fingerprint(mnist.code_of(chapter)) for chapter in mnist.chapters()}
    changed = [stem for stem in today if recorded.get(stem) != today[stem]]
    assert changed == [], "their code has changed since MNIST was run: make mnist"


def test_the_record_holds_every_claim():
    assert [entry["id"] for entry in claims.read(mnist.RESULTS / mnist.CLAIMS)] == list(claims.CLAIMS)


@pytest.mark.skipif("COURSE_MNIST_DIR" not in os.environ, reason="COURSE_MNIST_DIR names no folder with MNIST")
def test_the_record_agrees_with_a_fresh_run(tmp_path):
    """Of the quickest chapter: its verdicts are the recorded ones, its numbers the same up to rounding."""
    (chapter,) = (path for path in mnist.chapters() if path.stem == "04_amsgrad_swats_radam")
    assert mnist.execute_all([chapter], tmp_path) == []
    fresh = claims.read(tmp_path / "results" / mnist.CLAIMS)
    recorded = {entry["id"]: entry for entry in claims.read(mnist.RESULTS / mnist.CLAIMS)}
    assert fresh
    for entry in fresh:
        assert entry["verdict"] == recorded[entry["id"]]["verdict"], entry["id"]
        assert agree(entry["measured"], recorded[entry["id"]]["measured"]), entry["id"]


def agree(one: str, other: str) -> bool:
    """Whether two sentences differ at most in their numbers, and in these by two per cent or a last digit."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other))
    return all(np.isclose(float(a), float(b), rtol=0.02, atol=last_digit(a)) for a, b in pairs)


def last_digit(number: str) -> float:
    return 10.0 ** -len(number.partition(".")[2])


def test_numbers_that_agree():
    assert agree("12.3 % after 500 steps", "12.4 % after 505 steps")
    assert not agree("12.3 % after 500 steps", "12.5 % after 560 steps")
    assert not agree("12.3 % after 500 steps", "12.3 % before 500 steps")
