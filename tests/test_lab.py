"""The copies that `make lab` lays: plain, linked with each other, renewed with the course, and never written over."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib import claims, files
from course_lib.exercises import record
from tools import lab
from tools.lock import write_constraints
from tools.notebooks import CHAPTERS, ROOT, notebooks

# -- what is copied ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def edition(site) -> dict[str, str]:
    """File name → content, written by the builder from what the build of the site has read."""
    folder = site.parents[1]
    command = [sys.executable, "-m", "tools.book", "build", ROOT, "-W", "-n", "--path-output", folder]
    command += ["--builder", "custom", "--custom-builder", "lab"]
    built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    assert built.returncode == 0, built.stdout[-3000:]
    written = folder / "_build" / "lab"
    return {
        path.relative_to(written).as_posix(): path.read_text(encoding="utf-8")
        for path in written.rglob("*")
        if path.is_file()
    }


def markdown(edition) -> dict[str, str]:
    """File name → all Markdown in it."""
    texts = {name: text for name, text in edition.items() if name.endswith(".md")}
    for name, text in edition.items():
        if name.endswith(".ipynb"):
            cells = nbformat.reads(text, 4).cells
            texts[name] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return texts


def test_every_notebook_and_page_has_a_copy(edition):
    wanted = [*notebooks(), *CHAPTERS.glob("*.md")]
    wanted = {path.relative_to(CHAPTERS).as_posix() for path in wanted} - {"index.ipynb", "licences.md"}
    assert wanted | {"README.md"} == {name for name in edition if not name.startswith("source/")}
    for name in edition:
        if name.endswith(".ipynb"):
            nbformat.validate(nbformat.reads(edition[name], 4))


def test_nothing_of_myst_is_left(edition):
    written_in_myst = {path.relative_to(CHAPTERS).as_posix(): path.read_text(encoding="utf-8") for path in notebooks()}
    syntax = r"\{[\w:-]+\}`|^ *:::|^ *```+\{|^\([\w-]+\)=$|^ *%|\$\$ *\([\w-]+\)|\{\{"
    assert len(re.findall(syntax, "\n".join(markdown(written_in_myst).values()), re.MULTILINE)) > 300
    for name, text in markdown(edition).items():
        assert not re.findall(f".*(?:{syntax}).*", text, re.MULTILINE), name


def test_links_lead_to_something_in_the_folder(edition):
    """To a file and, on pages and notebooks, to a place that is there; to nothing outside but the network."""
    texts, places = markdown(edition), {}
    for name, text in texts.items():
        places[name] = set(re.findall(r'<a id="(.+?)"', text))
    seen = set()
    for name, text in texts.items():
        links = re.findall(r"\]\(([^)\s]+)", text)
        if name.endswith(".ipynb"):
            for cell in nbformat.reads(edition[name], 4).cells:
                for output in cell.get("outputs", []):
                    html = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser")
                    links += [link["href"] for link in html.find_all("a", href=True)]
        for link in links:
            if re.match("https?://|mailto:", link):
                continue
            path, _, place = link.partition("#")
            folder = Path(name).parent
            target = (Path("/") / folder / path).resolve().relative_to("/").as_posix() if path else name
            assert target in edition or target == "solutions", (name, link)
            if place and re.match("equation-|fig-|term-", place):
                assert place in places[target], (name, link)
            seen.add(Path(target).suffix)
    assert seen == {".ipynb", ".md", ".py", ".json", ""}


def test_a_chapter_leads_to_its_neighbours_and_solutions_and_back(edition):
    texts = markdown(edition)
    assert "(02_finding_a_learning_rate.ipynb" in texts["01_learning_rate.ipynb"]
    assert "(solutions/01_learning_rate.ipynb" in texts["01_learning_rate.ipynb"]
    assert "(../01_learning_rate.ipynb" in texts["solutions/01_learning_rate.ipynb"]
    assert "(glossary.md#term-gradient)" in texts["notation.md"]
    assert "(source/course_lib/optimizer/sgd.py)" in texts["04_momentum.ipynb"]
    assert edition["source/course_lib/optimizer/sgd.py"] == (ROOT / "course_lib/optimizer/sgd.py").read_text()


def test_pictures_are_described_in_words(edition):
    for path in notebooks():
        name = path.relative_to(CHAPTERS).as_posix()
        for cell in nbformat.read(path, 4).cells:
            if alt := cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
                words = BeautifulSoup(markdown({name: edition[name]})[name], "html.parser").find_all("details")
                assert alt in [detail.get_text().replace("The picture in words", "", 1) for detail in words], name


def test_the_glossary_is_in_order_and_the_bibliography_has_every_work(edition):
    words = [re.sub("<.*?>", "", line) for line in edition["glossary.md"].splitlines() if line.startswith("<a id")]
    assert "**learning rate** · **step size** · **学习率** · **步长**" in words
    first = [re.match(r"\*\*(.+?)\*\*", line).group(1).lower() for line in words]
    assert len(first) > 50 and first == sorted(first)
    works = re.findall(r"^@\w+\{", (CHAPTERS / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(re.findall("^<a id", edition["references.md"], re.MULTILINE)) == len(works)


# -- laying the copies ------------------------------------------------------------------------------------------------


def notebook(*sources: str, count: int | None = None) -> str:
    cells = [new_markdown_cell("# Chapter", id="title")]
    cells += [new_code_cell(source, id=f"cell-{n}", execution_count=count) for n, source in enumerate(sources)]
    return nbformat.writes(new_notebook(cells=cells)) + "\n"


@pytest.fixture
def course(tmp_path) -> Path:
    """A course of two notebooks and a page."""
    folder = tmp_path / "edition"
    for name, text in {
        "01.ipynb": notebook("raise NotImplementedError", "check()"),
        "solutions/01.ipynb": notebook("answer = 1"),
        "notation.md": "# Notation\n\nx\n",
    }.items():
        files.write_atomically(folder / name, text)
    return folder


@pytest.fixture
def mine(course, tmp_path) -> Path:
    """A learner's folder with the copies in it."""
    told = lab.lay(course, tmp_path / "lab")
    assert told == {"new": ["01.ipynb", "notation.md", "solutions/01.ipynb"]}
    return tmp_path / "lab"


ALL = ["01.ipynb", "notation.md", "solutions/01.ipynb"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_time_changes_nothing(course, mine):
    before = content(mine)
    assert lab.lay(course, mine) == {"same": ALL} and content(mine) == before


def test_what_was_typed_is_kept_and_what_was_not_is_renewed(course, mine):
    answered = notebook("return 3", "check()")
    (mine / "01.ipynb").write_text(answered)
    assert lab.lay(course, mine) == {"kept": ["01.ipynb"], "same": ["notation.md", "solutions/01.ipynb"]}
    (course / "01.ipynb").write_text(notebook("raise NotImplementedError", "check()", "progress()"))
    (course / "notation.md").write_text("# Notation\n\ny\n")
    told = lab.lay(course, mine)
    assert told == {"behind": ["01.ipynb"], "renewed": ["notation.md"], "same": ["solutions/01.ipynb"]}
    assert (mine / "01.ipynb").read_text() == answered and (mine / "notation.md").read_text() == "# Notation\n\ny\n"
    assert "newer version: 01.ipynb" in lab.report(told) and "nothing in them: notation.md" in lab.report(told)
    (mine / "01.ipynb").rename(mine / "my 01.ipynb")  # as the report advises
    assert lab.lay(course, mine)["new"] == ["01.ipynb"]
    assert (mine / "01.ipynb").read_text() == (course / "01.ipynb").read_text()
    assert (mine / "my 01.ipynb").read_text() == answered


def test_what_was_only_run_is_renewed_and_set_aside(course, mine):
    ran = notebook("answer = 1", count=7)
    (mine / "solutions/01.ipynb").write_text(ran)
    assert "kept" not in lab.lay(course, mine)
    assert (mine / "solutions/01.ipynb").read_text() == ran, "the course has nothing newer"
    (course / "solutions/01.ipynb").write_text(notebook("answer = 2"))
    assert lab.lay(course, mine)["renewed"] == ["solutions/01.ipynb"]
    assert (mine / "solutions/01.ipynb").read_text() == notebook("answer = 2")
    assert content(mine / lab.ASIDE) == {"solutions/01.ipynb": ran.encode()}


def test_new_outputs_of_the_course_reach_a_copy(course, mine):
    (course / "01.ipynb").write_text(notebook("raise NotImplementedError", "check()", count=3))
    assert lab.lay(course, mine)["renewed"] == ["01.ipynb"]
    assert (mine / "01.ipynb").read_bytes() == (course / "01.ipynb").read_bytes()
    assert not (mine / lab.ASIDE).exists()


def test_windows_line_ends_are_no_change(course, mine):
    for name in ALL:
        (mine / name).write_bytes((mine / name).read_bytes().replace(b"\n", b"\r\n"))
    (course / "notation.md").write_text("# Notation\n\ny\n")
    assert lab.lay(course, mine) == {"renewed": ["notation.md"], "same": ["01.ipynb", "solutions/01.ipynb"]}


@pytest.mark.parametrize("broken", ["", "{}", "<<<<<<< HEAD", '{"cells": [1]}', "\udcff"])
def test_a_notebook_that_is_none_any_more_is_kept(course, mine, broken):
    (mine / "01.ipynb").write_bytes(broken.encode("utf-8", "surrogateescape"))
    (course / "01.ipynb").write_text(notebook("new"))
    assert lab.lay(course, mine)["behind"] == ["01.ipynb"]
    assert (mine / "01.ipynb").read_bytes() == broken.encode("utf-8", "surrogateescape")


def test_an_interrupted_run_is_finished(course, tmp_path, monkeypatch):
    write = lab.write_atomically

    def interrupted(path, content):
        if path.name == "notation.md":
            raise KeyboardInterrupt
        return write(path, content)

    monkeypatch.setattr(lab, "write_atomically", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.lay(course, tmp_path / "lab")
    monkeypatch.undo()
    (course / "01.ipynb").write_text(notebook("new"))
    assert lab.lay(course, tmp_path / "lab") == {"renewed": ["01.ipynb"], "new": ["notation.md", "solutions/01.ipynb"]}


@pytest.mark.parametrize("record", [None, "", "[]", '{"01.ipynb": 1}'])
def test_without_a_record_what_differs_is_kept(course, mine, record):
    (mine / lab.LAID).unlink() if record is None else (mine / lab.LAID).write_text(record)
    (mine / "01.ipynb").write_text(notebook("mine"))
    told = lab.lay(course, mine)
    assert told == {"behind": ["01.ipynb"], "renewed": ["notation.md", "solutions/01.ipynb"]}
    assert (mine / "01.ipynb").read_text() == notebook("mine")


def test_a_folder_that_was_deleted_is_made_again(course, mine):
    (mine / "solutions/01.ipynb").unlink()
    (mine / "solutions").rmdir()
    assert lab.lay(course, mine)["new"] == ["solutions/01.ipynb"]


def test_files_of_the_learners_own_are_left_alone(course, mine):
    (mine / "my notes.ipynb").write_text("{}")
    (mine / "02.ipynb").write_text(notebook("mine"))
    (course / "02.ipynb").write_text(notebook("a new chapter"))
    assert lab.lay(course, mine)["behind"] == ["02.ipynb"]
    assert (mine / "02.ipynb").read_text() == notebook("mine") and (mine / "my notes.ipynb").read_text() == "{}"


def test_what_the_course_has_no_more_goes_unless_it_was_changed(course, mine):
    (mine / "01.ipynb").write_text(notebook("mine"))
    for name in ("01.ipynb", "notation.md"):
        (course / name).unlink()
    assert lab.lay(course, mine)["gone"] == ["notation.md"]
    assert not (mine / "notation.md").exists() and (mine / "01.ipynb").exists()
    assert set(json.loads((mine / lab.LAID).read_text())) == {"solutions/01.ipynb"}


def test_beginning_again_keeps_what_there_was(mine):
    before = content(mine)
    first = lab.put_away(mine)
    assert first.name == "lab-before-1" and content(first) == before and not mine.exists()
    mine.mkdir()
    assert lab.put_away(mine).name == "lab-before-2" and content(first) == before
    assert lab.put_away(mine) is None


def test_jupyterlab_trusts_the_copies_and_nothing_else(course, mine):
    notary = NotebookNotary(data_dir=str(mine / lab.JUPYTER / "data"))
    assert notary.check_signature(nbformat.read(mine / "01.ipynb", 4))
    assert not notary.check_signature(nbformat.reads(notebook("somebody's"), 4))


# -- a notebook in the lab --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["lab", "lab/solutions", "lab/mine/deep"])
def test_all_notebooks_of_the_lab_share_progress_and_results(folder, tmp_path, monkeypatch):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "chapters").mkdir()
    for module in (files, claims):
        monkeypatch.setattr(module, "LAB", tmp_path / "lab")
    monkeypatch.setattr(claims, "PROJECT", tmp_path)
    for variable in ("COURSE_PROGRESS_FILE", "COURSE_RESULTS_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path / folder)
    assert record.place() == tmp_path / "lab" / ".course_progress.json"
    assert claims.results_folder() == tmp_path / "lab" / "results"
    monkeypatch.chdir(tmp_path / "chapters")
    assert record.place() == Path(".course_progress.json")
    assert claims.results_folder() == tmp_path / "chapters" / "results"


def test_git_sees_nothing_of_it():
    folders = ["lab/01_learning_rate.ipynb", "lab/.jupyter/x", "lab-before-1/01_learning_rate.ipynb"]
    ignored = subprocess.run(["git", "check-ignore", *folders], cwd=ROOT, capture_output=True, text=True).stdout
    assert ignored.split() == folders


def test_versions_of_the_lock_bind_what_is_installed_beside_it(tmp_path):
    text = write_constraints(tmp_path / "constraints.txt").read_text()
    assert re.search("^ipykernel==", text, re.MULTILINE) and "sha256" not in text and "\\" not in text
