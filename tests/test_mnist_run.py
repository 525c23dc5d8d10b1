"""``make mnist``: beside the book, resumable, and the same result however often it was interrupted."""

from __future__ import annotations

import json

import nbformat
import pytest

from tools import mnist

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
    mnist.publish(work, results)
    resumed = (results / mnist.CLAIMS).read_text()

    assert mnist.execute_all(chapters, tmp_path / "unbroken") == []
    mnist.publish(tmp_path / "unbroken", results)
    assert (results / mnist.CLAIMS).read_text() == resumed
    assert [entry["id"] for entry in json.loads(resumed)] == ["LR-1", "OPT-1"]
    run = json.loads((results / mnist.RUN).read_text())
    assert run["command"] == "make mnist"
    assert set(run["versions"]) == {"python", *mnist.PACKAGES}
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
