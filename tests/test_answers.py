"""How the book's pages come by what their exercises need: a block each, the library as an archive, the words."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from course_lib.exercises import EXERCISES, stub
from course_lib.exercises.quiz import QuizExercise
from tests.test_site import parse, written_pages
from tools import pyodide, sphinx_answers
from tools.notebooks import ROOT
from tools.repository import VARIABLE

SCRIPT = (ROOT / "chapters" / "_assets" / "answers" / "answers.js").read_text(encoding="utf-8")
LANDING_PAGE = "index"


@pytest.fixture(scope="module")
def blocks(site) -> list[tuple[str, object]]:
    """The page and the element of every block of the book."""
    return [(path.stem, block) for path in written_pages(site) for block in parse(path).select("[data-exercise]")]


def settings(page) -> dict:
    return json.loads(page.select_one("#answers-settings").get_text())


# -- the blocks -------------------------------------------------------------------------------------------------------


def test_every_exercise_has_one_block_in_its_chapter_and_one_is_on_the_landing_page_too(blocks):
    in_chapters = [(int(name[:2]), block["data-exercise"]) for name, block in blocks if name != LANDING_PAGE]
    assert sorted(in_chapters) == sorted((exercise.chapter, id) for id, exercise in EXERCISES.items())
    assert [block["data-exercise"] for name, block in blocks if name == LANDING_PAGE] == ["sgd-step"]


def test_a_block_is_the_cell_what_stays_hidden_without_scripts_and_the_check(blocks):
    for _, block in blocks:
        cell, answer, check = block.find_all(recursive=False)
        assert "tag_exercise" in cell["class"] and cell.pre.get_text().strip() == stub(block["data-exercise"]).strip()
        assert answer["class"] == ["answer"] and answer.has_attr("hidden")
        assert block["data-check"] in check.pre.get_text() and check.select_one("[role=status]")
        assert re.match(rf'check\("{block["data-exercise"]}", .+\)$', block["data-check"])


def test_what_can_be_answered_has_the_stub_in_a_labelled_field_and_buttons_with_names(blocks):
    answered = [block for _, block in blocks if not EXERCISES[block["data-exercise"]].needs_paddle]
    assert len(answered) > 70
    for block in answered:
        (field,) = block.select("textarea[data-role=answer]")
        assert field.get_text() == stub(block["data-exercise"]).rstrip("\n"), block["data-exercise"]
        assert block.select_one(f"label[for={field['id']}]") and field["spellcheck"] == "false"
        names = {button["data-action"]: button.get_text() for button in block.select("button")}
        asked = {"answer": "Answer here", "check": "Check", "hint": "Hint", "reset": "Start over"}
        assert asked.items() <= names.items()
        assert f"{pyodide.MEGABYTES} MB" in block.select_one("[data-role=closed]").get_text()


def test_a_quiz_offers_its_choices(blocks):
    quizzes = [block for _, block in blocks if isinstance(EXERCISES[block["data-exercise"]], QuizExercise)]
    assert len(quizzes) > 5
    for block in quizzes:
        letters = [choice["value"] for choice in block.select("fieldset input[type=radio]")]
        assert letters == list(EXERCISES[block["data-exercise"]].choices)


def test_what_needs_paddle_has_no_field_and_leads_to_a_notebook(site, blocks):
    needing = [(name, block) for name, block in blocks if EXERCISES[block["data-exercise"]].needs_paddle]
    assert needing
    for name, block in needing:
        answer = block.select_one(".answer")
        assert not answer.select("textarea, button") and "needs Paddle" in answer.get_text()
        (link,) = answer.select("a")
        assert (site / "chapters" / link["href"]).resolve().is_file() and link["download"] == f"{name}.ipynb"


def test_where_the_book_is_published_the_way_leads_to_colab_too(monkeypatch):
    monkeypatch.setenv(VARIABLE, "https://github.com/ada/course")
    words = sphinx_answers.where_paddle_is("chapters/09_schedules")
    assert re.search(r'href="https://colab\.research\.google\.com/github/ada/course/\S*09_schedules\.ipynb"', words)


def test_cells_that_an_exercise_needs_go_along_with_those_below_them_alone(blocks):
    before = {(name, block["data-exercise"]): json.loads(block["data-before"]) for name, block in blocks}
    assert {id for (_, id), cells in before.items() if cells} == {
        "amsgrad-step",
        "amsgrad-as-printed",
        "adam-measure-beta2",
    }
    assert all("def walk(" in "".join(cells) for cells in before.values() if cells)
    assert not before["07_amsgrad", "adam-cycle-drift"], "it stands above them"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import numpy as np, os.path", {"np": "import numpy as np", "os": "import os.path"}),
        ("from a.b import c as d, e", {"d": "from a.b import c as d", "e": "from a.b import e"}),
        ("def f():\n    import inner", {}),
        ("%matplotlib inline\nimport json", {"json": "import json"}),
        ("x = 1", {}),
        ("", {}),
    ],
)
def test_what_a_cell_imports_is_known_name_by_name(code, found):
    assert sphinx_answers.imported(code) == found


def test_a_page_knows_what_its_chapter_imports(site):
    page = parse(site / "chapters" / "07_amsgrad.html")
    imports = settings(page)["imports"]
    assert imports["np"] == "import numpy as np" and imports["check"] == "from course_lib.exercises import check"


# -- what pages load --------------------------------------------------------------------------------------------------


def test_pages_with_exercises_load_the_script_and_no_others(site, blocks):
    loading = {path.stem for path in written_pages(site) if parse(path).select("script[src*='answers/answers.js']")}
    assert loading == {name for name, _ in blocks}


def test_nothing_of_python_is_loaded_when_a_page_is_opened(site):
    for path in written_pages(site):
        named = re.findall(r"""(?:src|href)=["'][^"']*_static/answers/([^"'?]+)""", path.read_text(encoding="utf-8"))
        assert set(named) <= {"answers.js", "answers.css"}, path.name


def test_a_page_says_where_python_comes_from(site):
    page = parse(site / "chapters" / "index.html")
    assert settings(page)["core"] == ("pyodide/" if pyodide.folder() else pyodide.CDN)
    assert (site / "_static" / "answers" / "pyodide").is_dir() == bool(pyodide.folder())
    host = "this site" if pyodide.folder() else "cdn.jsdelivr.net"
    assert host in page.select_one("[data-role=closed]").get_text() and host in settings(page)["words"]["refused"]


@pytest.mark.parametrize(("named", "said"), [("", "cdn.jsdelivr.net"), ("some/folder", "this site")])
def test_the_button_names_the_host_that_a_press_contacts(monkeypatch, named, said):
    monkeypatch.setenv(pyodide.VARIABLE, named)
    assert f"loads Python once, {pyodide.MEGABYTES} MB, from {said}<" in sphinx_answers.closed()


def test_the_script_says_the_words_that_there_are():
    assert set(re.findall(r"\bwords\.(\w+)", SCRIPT)) == set(sphinx_answers.WORDS)


def test_places_in_the_words_are_filled(site):
    """{host} when the page is written, the others where the script says the words."""
    places = {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in sphinx_answers.WORDS.items()}
    written = {
        key: set(re.findall(r"\{(\w+)\}", text))
        for key, text in settings(parse(site / "chapters/index.html"))["words"].items()
    }
    assert written == {key: names - {"host"} for key, names in places.items()}
    for key, names in written.items():
        for name in names:
            assert re.search(rf'words\.{key}(?:\.replace\([^()]+, [^()]+\))*\.replace\("{{{name}}}"', SCRIPT), (
                key,
                name,
            )


# -- the library ------------------------------------------------------------------------------------------------------


def test_the_archive_is_the_same_to_the_byte_and_has_what_runs_without_paddle():
    first = sphinx_answers.course()
    sphinx_answers.course.cache_clear()
    assert sphinx_answers.course() == first
    names = set(zipfile.ZipFile(io.BytesIO(first)).namelist())
    assert "course_lib/exercises/on_page.py" in names and "course_lib/optimizer/adam.py" in names
    assert all(name.endswith(".py") and "interactive" not in name for name in names)


def test_an_answer_is_judged_where_the_archive_and_numpy_are_all_that_is_there(tmp_path):
    zipfile.ZipFile(io.BytesIO(sphinx_answers.course())).extractall(tmp_path)
    (tmp_path / "numpy").symlink_to(Path(np.__file__).parent, target_is_directory=True)
    libraries = Path(np.__file__).parent.parent / "numpy.libs"
    if libraries.exists():
        (tmp_path / "numpy.libs").symlink_to(libraries, target_is_directory=True)
    program = """
import sys; sys.path.insert(0, sys.argv[1])
from course_lib.exercises import on_page
on_page.begin(lambda seconds: None)
print(on_page.judge(sys.argv[2], "", "{}"))
"""
    answer = "def sgd_step(x, g, s, lr):\n    return x - lr * g"
    request = json.dumps({"id": "sgd-step", "answer": answer, "call": 'check("sgd-step", sgd_step)'})
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path), request]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "passed"


def test_the_version_changes_with_the_library_the_worker_and_pyodide(tmp_path, monkeypatch):
    worker = tmp_path / "chapters" / "_assets" / "answers" / "worker.js"
    worker.parent.mkdir(parents=True)
    worker.write_text("first")
    monkeypatch.setattr(sphinx_answers, "ROOT", tmp_path)
    monkeypatch.setattr(sphinx_answers, "course", lambda: b"library")
    versions = [sphinx_answers.version(), sphinx_answers.version()]
    worker.write_text("second")
    versions.append(sphinx_answers.version())
    monkeypatch.setattr(sphinx_answers, "course", lambda: b"another library")
    versions.append(sphinx_answers.version())
    monkeypatch.setattr(pyodide, "VERSION", "1000.0")
    versions.append(sphinx_answers.version())
    assert versions[0] == versions[1] and len(set(versions)) == 4


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A folder as Sphinx leaves it, with what an earlier build of another kind wrote, and how files get there."""
    monkeypatch.setattr(pyodide, "FILES", {"pyodide.js": "…", pyodide.NUMPY: "…"})
    copy, target = tmp_path / "copy", tmp_path / "answers"
    copy.mkdir()
    for name in pyodide.FILES:
        (copy / name).write_text(f"content of {name}")
    (target / "pyodide").mkdir(parents=True)
    (target / "pyodide" / "old.js").write_text("of another version")
    (target / "worker.js").write_text("the worker")
    return target, copy


def from_disk(target: Path) -> dict[str, bytes]:
    """The files that the script for pages from disk holds."""
    packed = re.match(r"answersFromDisk = (.*);\n$", (target / "from_disk.js").read_text(encoding="utf-8")).group(1)
    return {name: gzip.decompress(base64.b64decode(text)) for name, text in json.loads(packed).items()}


def test_without_a_copy_the_site_has_the_library_and_the_lock_alone(written):
    target, _ = written
    sphinx_answers.write(target, None)
    names = {"worker.js", "course.zip", "pyodide-lock.json"}
    assert {file.name for file in target.iterdir()} == {*names, "from_disk.js"}
    assert from_disk(target) == {name: (target / name).read_bytes() for name in names}
    assert (target / "course.zip").read_bytes() == sphinx_answers.course()
    assert (target / "pyodide-lock.json").read_text(encoding="utf-8") == pyodide.lock()


def test_with_a_copy_the_site_has_its_files_too(written):
    target, copy = written
    sphinx_answers.write(target, copy)
    assert {file.name: file.read_text() for file in (target / "pyodide").iterdir()} == {
        name: f"content of {name}" for name in pyodide.FILES
    }
    held = from_disk(target)
    assert held.keys() == {"worker.js", "course.zip", "pyodide-lock.json", *pyodide.FILES}
    assert held["pyodide.js"] == (copy / "pyodide.js").read_bytes()
    first = (target / "from_disk.js").read_bytes()
    sphinx_answers.write(target, copy)
    assert (target / "from_disk.js").read_bytes() == first


def test_a_wrong_copy_ends_the_build_before_a_page_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv(pyodide.VARIABLE, str(tmp_path))
    with pytest.raises(sphinx_answers.ConfigError, match=r"it has no pyodide\.js"):
        sphinx_answers.check_copy(None, None)
