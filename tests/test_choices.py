"""Choices: the best setting, whether it is inside its grid, and the record of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from course_lib import choices, training

RESULTS = Path(__file__).resolve().parents[1] / "chapters" / "results"
GRID = {"lr": [0.1, 0.3, 1.0], "rule": ["SGD", "Adam"]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    return tmp_path


def test_the_best_is_returned_told_and_kept(folder, capsys):
    scores = [[1, 2], [3, np.nan], [2, 3]]
    assert training.choose("LR-9", "a table", GRID, scores) == {"lr": 0.3, "rule": "SGD"}
    assert training.choose("LR-9", "its worst", GRID, scores, lowest=True) == {"lr": 0.1, "rule": "SGD"}
    assert capsys.readouterr().out.splitlines() == [
        "a table: lr 0.3, inside the grid 0.1 to 1; rule SGD",
        "its worst: lr 0.1, at the edge of the grid 0.1 to 1; rule SGD",
    ]
    kept = json.loads((folder / "choices.json").read_text())
    assert kept == choices.read(folder / "choices.json")
    assert kept["LR-9"]["a table"] == {"settings": {"lr": 0.3, "rule": "SGD"}, "at the edge": [], "why": ""}
    assert kept["LR-9"]["its worst"]["at the edge"] == ["lr"]


def test_a_reason_for_an_edge_is_told_and_kept(folder, capsys):
    choices.choose("LR-9", "momentum", {"momentum": np.array([0.0, 0.5])}, [2, 1], edge="0 is plain SGD")
    assert capsys.readouterr().out == "momentum: momentum 0, at the edge of the grid 0 to 0.5 (0 is plain SGD)\n"
    assert choices.read(folder / "choices.json")["LR-9"]["momentum"]["why"] == "0 is plain SGD"


def test_names_and_single_values_have_no_edge(capsys):
    choices.choose("LR-9", "one", {"lr": [0.1], "rule": ["SGD", "Adam"]}, [[1, 2]])
    assert capsys.readouterr().out == "one: lr 0.1; rule Adam\n"


def test_the_record_is_in_the_order_of_the_claims_and_apart_for_mnist(folder, monkeypatch):
    for id, what in [("WD-1", "b"), ("LR-10", "b"), ("LR-2", "z"), ("LR-2", "a")]:
        choices.choose(id, what, {"lr": [1, 2, 3]}, [1, 2, 1])
    kept = choices.read(folder / "choices.json")
    assert [(id, list(chosen)) for id, chosen in kept.items()] == [
        ("LR-2", ["a", "z"]),
        ("LR-10", ["b"]),
        ("WD-1", ["b"]),
    ]
    monkeypatch.setenv("COURSE_DATA", "mnist")
    choices.choose("LR-2", "a", {"lr": [1, 2, 3]}, [1, 2, 1])
    assert list(choices.read(folder / "choices-mnist.json")) == ["LR-2"]


def test_a_sweep_chooses_as_best_does(folder):
    parabola = training.sweep(lambda lr, seed: (lr - 0.3) ** 2 + seed, {"lr": [0.1, 0.3, 1.0]}, seeds=[0, 1])
    assert parabola.choose("LR-9", "a parabola", lowest=True) == parabola.best(lowest=True) == {"lr": 0.3}
    assert choices.read(folder / "choices.json")["LR-9"]["a parabola"]["at the edge"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("LR-99", "x", GRID, np.zeros((3, 2))), "id must be one of 'LR-1'"),
        (("LR-1", "x", GRID, np.zeros(3)), r"scores must have the shape of the grid, \(3, 2\), got \(3,\)"),
        (("LR-1", "x", GRID, np.full((3, 2), np.nan)), "x cannot be chosen: every score is NaN"),
    ],
)
def test_bad_input_is_named_and_keeps_nothing(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        choices.choose(*arguments)
    assert not list(folder.iterdir())


def test_the_stored_choices_are_those_that_the_chapters_print():
    chapters = RESULTS.parent.glob("[0-9][0-9]_*.ipynb")
    cells = [cell for path in chapters for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    printed = "".join("".join(out.get("text", "")) for cell in cells for out in cell.get("outputs", []))
    stored = choices.read(RESULTS / "choices.json")
    assert [(id, what) for id, chosen in stored.items() for what in chosen if f"{what}: " not in printed] == []
    on_mnist = choices.read(RESULTS / "choices-mnist.json")
    assert {id: set(chosen) for id, chosen in on_mnist.items()} == {id: set(chosen) for id, chosen in stored.items()}


@pytest.mark.parametrize("name", ["choices.json", "choices-mnist.json"])
def test_every_search_of_the_book_has_its_winner_inside_its_grid_or_says_why_not(name):
    kept = choices.read(RESULTS / name)
    assert len(kept) > 15
    at_edge = [
        (id, what)
        for id, chosen in kept.items()
        for what, one in chosen.items()
        if one["at the edge"] and not one["why"]
    ]
    assert at_edge == []
