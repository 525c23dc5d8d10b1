"""The questions of chapter 8: what each answer gets to hear, and that the right ones agree with a run."""

import math

import numpy as np
import pytest

from course_lib.exercises import check
from course_lib.exercises.initialization_questions import leaky_growth


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def test_the_predicted_signal_is_what_ten_layers_give():
    rng = np.random.default_rng(0)
    ends = []
    for _ in range(20):
        signal = rng.standard_normal((200, 100))
        for _ in range(10):
            signal = signal @ rng.normal(0, 0.05, (100, 100))
        ends.append((signal**2).mean())
    assert math.sqrt(np.mean(ends)) == pytest.approx(0.5**10, rel=0.15)
    assert check("init-signal-factor", 0.5**10).passed


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [(0.25**10, "variance"), (0.5, "one-layer"), (0.05**10, "fan-in-forgotten"), (5.0, "layers-added")],
)
def test_typical_wrong_predictions_are_named(answer, mistake):
    assert check("init-signal-factor", answer).mistake == mistake


def test_the_right_scale_for_a_leaky_relu_keeps_the_signal():
    right = math.sqrt(1.6 / 200)
    assert leaky_growth(right) == pytest.approx(1, abs=0.2)
    assert check("init-measure-leaky", right).passed
    assert check("init-measure-leaky", np.float32(1.02 * right)).passed


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [(math.sqrt(2 / 200), "he-kept"), (math.sqrt(1 / 200), "nothing-cut"), (1.6 / 200, "variance-given")],
)
def test_scales_made_for_something_else_are_named(answer, mistake):
    assert check("init-measure-leaky", answer).mistake == mistake


@pytest.mark.parametrize(("answer", "word"), [(0.094, "grows"), (0.085, "fades"), (-1.0, "positive")])
def test_other_scales_are_told_what_they_do(answer, word):
    feedback = check("init-measure-leaky", answer)
    assert feedback.status == "wrong" and word in feedback.message


@pytest.mark.parametrize(("id", "right"), [("init-zero-quiz", "c"), ("weight-norm-dim-quiz", "b")])
def test_one_choice_of_a_quiz_is_right(id, right):
    assert [letter for letter in "abcd" if check(id, letter).passed] == [right]


def test_paddle_normalizes_what_the_quiz_says():
    from paddle import nn

    layers = {dim: nn.utils.weight_norm(nn.Linear(3, 2), dim=dim) for dim in (0, 1)}
    assert {dim: layer.weight_g.shape for dim, layer in layers.items()} == {0: [3], 1: [2]}
