"""``make mnist``: beside the book, resumable, and the same result however often it was interrupted."""

from __future__ import annotations

import ast
import json
import os
import re

import nbformat
import numpy as np
import pytest

from course_lib import claims, data
from tools import circumstances, hygiene, mnist, notebooks
from tools.stamps import stamp_of, write_stamped

CLAIM = """
import os
from course_lib import claims, data
assert os.environ["COURSE_DATA"] == "mnist"
claims.record("{id}", measured="a number", verdict=claims.judge({{"a condition": True}}))
"""
INTERRUPTED = "import pathlib\nassert pathlib.Path(r'{flag}').exists(), 'interrupted'\n"


DATA = data.load("digits")


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    """Two small chapters; the second one fails as long as the file ``go_on`` does not exist."""
    monkeypatch.setattr(mnist, "whole_mnist", lambda: DATA)
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
    assert run["data"] == DATA.checksum
    assert claims.read_conditions(results / mnist.CLAIMS)["OPT-1"] == {"a condition": True}
    assert [path.read_bytes() for path in chapters] == before


@pytest.mark.filterwarnings("ignore:claims-mnist.json is damaged")
def test_a_chapter_whose_results_are_lost_is_not_done(chapters, tmp_path):
    work = tmp_path / "work"
    mnist.execute_all(chapters[:1], work)
    recorded = work / "results" / mnist.CLAIMS
    before = recorded.read_text()
    for content in ("[]", '["damaged"'):
        recorded.write_text(content)
        assert not mnist.is_done(chapters[0], work)
        recorded.write_text(before)
        assert mnist.is_done(chapters[0], work)
    recorded.unlink()
    assert not mnist.is_done(chapters[0], work)


def test_a_damaged_stamp_is_none(chapters, tmp_path):
    for chapter in chapters:
        write_stamped(tmp_path / "work" / chapter.name, "", mnist.digest(chapter))
    first, second = (stamp_of(tmp_path / "work" / chapter.name) for chapter in chapters)
    first.write_bytes(b"\xff")
    second.unlink()
    second.mkdir()
    assert [mnist.is_done(path, tmp_path / "work") for path in chapters] == [False, False]


def test_a_chapter_that_is_edited_while_it_runs_is_not_done(chapters, tmp_path, monkeypatch):
    def edit(client):
        chapters[0].write_text(chapters[0].read_text().replace("a number", "another number"))

    monkeypatch.setattr(notebooks.NotebookClient, "execute", edit)
    mnist.execute(chapters[0], tmp_path / "work")
    assert not mnist.is_done(chapters[0], tmp_path / "work")


@pytest.fixture
def is_done_after(chapters, tmp_path):
    """Whether the first chapter, once done, still is when one text of a file has been replaced by another."""
    work, library = tmp_path / "work", tmp_path / "course_lib"
    for name in ("data.py", "exercises/steps.py"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text(LIBRARY, encoding="utf-8")
    cells = [nbformat.v4.new_code_cell(source) for source in (IMPORTS, EXPERIMENT, STUB, "check('an-id', answer)")]
    cells[2].metadata["tags"] = ["exercise"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), chapters[0])
    write_stamped(work / chapters[0].name, "", mnist.digest(chapters[0]))

    def replace(name: str, old: str, new: str) -> bool:
        file = tmp_path / name
        before = file.read_text(encoding="utf-8")
        assert old in before
        file.write_text(before.replace(old, new), encoding="utf-8")
        return mnist.is_done(chapters[0], work)

    return replace


IMPORTS = "from course_lib import data\nfrom course_lib.exercises import check"
EXPERIMENT = "def run(lr):\n    'A run.'\n    return [lr, 2]  # two\nrun(0.1)"
STUB = "def answer(x):\n    'Return x.'\n    raise NotImplementedError"
LIBRARY = "'A module.'\ndef load(name):\n    'Load it.'\n    return name"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("chapters/01_first.ipynb", "two", "a comment, and another one"),
        ("chapters/01_first.ipynb", "'A run.'", "'A run, documented.'"),
        ("chapters/01_first.ipynb", "[lr, 2]", "[\\n        lr,\\n        0x2,\\n    ]"),
        ("chapters/01_first.ipynb", "'Return x.'", "'Return x, whatever it is.'"),
        ("chapters/01_first.ipynb", "(x)", "(x, y)"),
        ("chapters/01_first.ipynb", "check('an-id', answer)", "check('another-id', answer)"),
        ("chapters/01_first.ipynb", "import check", "import check, quiz"),
        ("course_lib/data.py", "'Load it.'", "'Load it, and cache it.'  # a comment"),
        ("course_lib/exercises/steps.py", "return name", "return 2 * name"),
    ],
)
def test_what_changes_no_result_lets_a_chapter_stay_done(is_done_after, file, old, new):
    assert is_done_after(file, old, new)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("chapters/01_first.ipynb", "[lr, 2]", "[lr, 3]"),
        ("chapters/01_first.ipynb", "[lr, 2]", "(lr, 2)"),
        ("chapters/01_first.ipynb", "run(0.1)", "run(0.2)"),
        ("chapters/01_first.ipynb", "run(0.1)", "run(-0.1)"),
        ("course_lib/data.py", "return name", "return 2 * name"),
    ],
)
def test_a_changed_experiment_or_library_runs_again(is_done_after, file, old, new):
    assert not is_done_after(file, old, new)


def test_other_data_run_again(is_done_after, monkeypatch):
    monkeypatch.setattr(mnist, "whole_mnist", lambda: DATA.subset(999))
    assert not is_done_after("chapters/01_first.ipynb", "two", "two")


def test_an_extract_is_not_recorded(monkeypatch):
    monkeypatch.setattr(data, "load", lambda name: DATA)
    with pytest.raises(ValueError, match=r"all of MNIST's images, .*got {'train': 1397, 'test': 400}"):
        mnist.whole_mnist()


def test_a_chapter_depends_on_the_recorded_results_that_it_reads(chapters, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "RESULTS", tmp_path)
    code = "json.loads((RESULTS / 'runs.json').read_text())"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), chapters[0])

    def digests(name: str) -> list[str]:
        (tmp_path / name).write_text("[1]")
        first = mnist.digest(chapters[0])
        (tmp_path / name).write_text("[2]")
        return [first, mnist.digest(chapters[0])]

    assert len(set(digests("runs.json"))) == 2
    assert len(set(digests("others.json"))) == 1


@pytest.mark.parametrize("chapter", mnist.chapters(), ids=lambda chapter: chapter.stem)
def test_no_experiment_uses_what_only_an_exercise_defines(chapter):
    cells = [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    exercises = [cell for cell in cells if "exercise" in hygiene.tags(cell)]
    answers = {name for cell in exercises for name, _ in hygiene.functions(cell) + hygiene.assignments(cell)}
    statements = [s for cell in cells if cell not in exercises for s in hygiene.parsed(cell).body]
    nodes = [n for s in statements if not hygiene.belongs_to_exercises(s) for n in ast.walk(s)]
    read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    stored |= {getattr(n, "arg", None) or getattr(n, "name", None) for n in nodes}  # arguments, imports, functions
    assert answers
    assert read
    assert answers & read <= stored


# -- the recorded run -------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def test_the_record_is_of_the_chapters_as_they_are():
    recorded = json.loads((mnist.RESULTS / mnist.RUN).read_text(encoding="utf-8"))["code"]
    today = {chapter.stem: mnist.fingerprint(mnist.code_of(chapter)) for chapter in mnist.chapters()}
    changed = [stem for stem in today if recorded.get(stem) != today[stem]]
    assert changed == [], "their code has changed since MNIST was run: make mnist"


def test_the_record_says_on_which_data():
    recorded = json.loads((mnist.RESULTS / mnist.RUN).read_text(encoding="utf-8"))
    assert re.fullmatch("[0-9a-f]{32}", recorded["data"])


def test_the_record_holds_every_claim():
    assert [entry["id"] for entry in claims.read(mnist.RESULTS / mnist.CLAIMS)] == list(claims.CLAIMS)


@pytest.mark.skipif("COURSE_MNIST_DIR" not in os.environ, reason="COURSE_MNIST_DIR names no folder with MNIST")
def test_the_record_agrees_with_a_fresh_run(tmp_path):
    """Of the quickest chapter: its verdicts are the recorded ones, its numbers the same up to rounding."""
    (chapter,) = (path for path in mnist.chapters() if path.stem == "05_adaptive_steps")
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
