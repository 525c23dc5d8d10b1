"""The exercises on super-convergence whose answers are numbers: they agree with the library's own schedules."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib import data, models, optimizer, training
from course_lib.exercises import EXERCISES, check
from course_lib.optimizer.lr import OneCycleLR


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def test_the_cycle_is_as_long_as_the_run():
    digits = data.load("digits")
    model = models.mlp(digits, seed=0)
    sgd = optimizer.SGD(0.1, parameters=model.parameters())
    steps = len(training.fit(model, sgd, digits, epochs=1, batch_size=32).loss)
    assert check("one-cycle-total-steps", 12 * steps).status == "passed"


def test_the_default_end_is_the_librarys():
    first, last = OneCycleLR(0.001, 100).at([0, 99])
    assert check("one-cycle-default-end", last / first).status == "passed"


def test_the_same_shrinkage_at_ten_times_the_learning_rate():
    def left(peak, decay):
        return np.prod(1 - decay * OneCycleLR(peak, 200).at(np.arange(200)))

    answer = EXERCISES["shrinkage-of-a-run"].value
    assert check("shrinkage-of-a-run", answer).status == "passed"
    assert left(0.5, answer) == pytest.approx(left(0.05, 0.01), rel=1e-3)


def test_the_mean_of_the_cycle_is_told_from_the_middle_the_top_and_the_start():
    cycle = OneCycleLR(0.3, 200, three_phase=True)
    rates = cycle.at(np.arange(200))
    assert check("one-cycle-mean-rate", rates.mean()).status == "passed"
    two_phases = OneCycleLR(0.3, 200).at(np.arange(200)).mean()
    mistakes = {
        rates.max(): "maximum",
        two_phases: "two-phases",
        0.15: "middle-of-the-range",
        cycle.get_lr(): "one-learning-rate",
    }
    for answer, mistake in mistakes.items():
        assert check("one-cycle-mean-rate", answer).mistake == mistake
    assert check("one-cycle-mean-rate", rates.sum()).status == "wrong"
    assert check("one-cycle-mean-rate", 0.12).message.endswith("too large.")
    assert check("one-cycle-mean-rate", None).status == "not-attempted"
    assert check("one-cycle-mean-rate", np.array([rates.mean()])).passed
    assert check("one-cycle-mean-rate", float("nan")).status == "wrong"
    for no_number in ("0.1", rates):
        assert "one number" in check("one-cycle-mean-rate", no_number).message


def test_the_control_keeps_peak_and_budget():
    assert check("fair-control-quiz", "c").status == "passed"
    assert check("fair-control-quiz", "b").status == "mistake"
