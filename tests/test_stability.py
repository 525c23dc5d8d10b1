"""Shifted seeds: they reach every experiment, and what changes is told."""

import json
import os
import subprocess
import sys

import nbformat
import pytest

from course_lib.seeding import SEEDS, seeds_from
from tools import stability

CHAPTER = """
from course_lib import claims, training
from course_lib.seeding import SEEDS
training.choose("LR-1", "a parabola", {"lr": [1.0, 2.0, 3.0]}, [0.0, SEEDS[0] < 50, 0.5])
held = {"always": True, f"only below 50, and it is {SEEDS[0]}": SEEDS[0] < 50}
claims.record("LR-1", measured="a number", verdict=claims.judge(held))
claims.record("LR-2", measured="a number", verdict=claims.judge({"always": True}))
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the tool over one small chapter whose stored results are those without a shift; its exit code."""
    monkeypatch.setattr(stability, "WORK", tmp_path / "work")
    monkeypatch.setattr(stability, "RESULTS", tmp_path / "stored")
    monkeypatch.setattr(stability, "ROOT", tmp_path)
    chapter = tmp_path / "01_first.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CHAPTER)]), chapter)
    assert stability.execute_all([chapter], 0, "", tmp_path / "stored") == []
    before = chapter.read_bytes()

    def run(offset):
        code = stability.main([str(offset), str(chapter)])
        assert chapter.read_bytes() == before
        return code

    return run


def test_what_a_shift_changes_is_told(run, capsys, tmp_path):
    assert run(7) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if "differ" in line] == [
        "0 of 2 verdicts differ",
        "0 of 3 conditions differ",
        "0 chosen settings differ",
    ]
    assert run(100) == 1
    assert capsys.readouterr().out.splitlines() == [
        "seeds shifted by 100: what is stored -> what came out",
        "1 of 2 verdicts differ",
        "  LR-1: confirmed -> partly",
        "1 of 3 conditions differ",
        "  LR-1: ✓ -> ✗ only below 50, and it is 100",
        "1 chosen settings differ",
        "  LR-1, a parabola: lr 2 -> lr 3",
    ]
    assert json.loads((tmp_path / "work" / "100" / "choices.json").read_text())["LR-1"]["a parabola"]["settings"] == {
        "lr": 3
    }
    assert not os.environ.get("COURSE_SEED_OFFSET")


def test_a_chapter_that_fails_is_told(run, tmp_path, capsys):
    broken = tmp_path / "02_broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), broken)
    assert stability.main(["7", str(broken)]) == 1
    assert "02_broken.ipynb: " in capsys.readouterr().out


def test_no_shift_is_no_comparison(capsys):
    with pytest.raises(SystemExit):
        stability.main(["0"])
    assert "offset must be a whole number of at least 1, got 0" in capsys.readouterr().err


def test_the_seeds_of_the_book_start_at_the_offset():
    assert (SEEDS[0], list(SEEDS[10:12])) == (0, [10, 11])
    program = "from course_lib.seeding import SEEDS; print(SEEDS[:3])"
    environment = {**os.environ, "COURSE_SEED_OFFSET": "200"}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "range(200, 203)\n"


@pytest.mark.parametrize("offset", ["-1", "1.5", "many", "²", "4294967295"])
def test_an_impossible_offset_is_named(offset):
    with pytest.raises(ValueError, match="COURSE_SEED_OFFSET must be a whole number from 0 to 4293967296, got "):
        seeds_from(offset)
