"""``make reproduce``: the published settings, runs that survive an interruption, and the record that the book shows."""

from __future__ import annotations

import os

import numpy as np
import pytest

from benchmarks import super_convergence
from benchmarks.records import Record
from benchmarks.super_convergence import POLICIES, Plan, Policy, Run, Store, planned, train
from course_lib import data, initializer, models
from tools.circumstances import PACKAGES

MNIST = 60_000
TINY = data.load("digits", size=28).subset(40)


# The published setting ----------------------------------------------------------------------------------------


def test_the_network_is_caffes():
    assert sum(int(parameter.size) for parameter in models.lenet().parameters()) == 431_080


@pytest.mark.parametrize("shape", [(50, 20, 5, 5), (800, 500)])
def test_the_first_weights_are_caffes(shape):
    weights = super_convergence.caffes_xavier(shape, np.random.default_rng(0))
    bound = (3 / initializer.fans(shape)[0]) ** 0.5
    assert 0.99 * bound < abs(weights).max() <= bound


def test_biases_learn_at_twice_the_rate_and_decay_like_the_weights():
    run = Run(Plan("inv", 0, len(TINY.train)), TINY)
    for parameter in run.model.parameters():
        parameter.set_value(parameter * 0 + 1)
    sum(parameter.sum() for parameter in run.model.parameters()).backward()  # a gradient of 1 everywhere
    run.optimizer.step()
    for parameter in run.model.parameters():
        rate = 0.02 if parameter.ndim == 1 else 0.01
        np.testing.assert_allclose(parameter.numpy(), 1 - rate * (1 + 5e-4), rtol=1e-6)


def test_pixels_are_those_of_caffe():
    white = np.ones((1, 1, 28, 28), dtype=np.float32)
    assert (super_convergence._as_in_caffe(white) == 255 / 256).all()


def test_one_cycle_has_the_published_knots():
    plan = Plan("1cycle", 0, MNIST)
    cycle = plan.schedule()
    assert plan.steps == 12 * 118
    assert cycle.at([0, 589, 1178, 1415]) == pytest.approx([0.01, 0.1, 0.01, 1e-7])
    assert cycle.momentum_at([0, 589, 1178, 1415]) == pytest.approx([0.95, 0.8, 0.95, 0.95])


def test_inv_has_the_published_values():
    plan = Plan("inv", 0, MNIST)
    assert (plan.epochs, plan.steps) == (85, 85 * 118)
    assert plan.schedule().at([0, 10_000]) == pytest.approx([0.01, 0.01 * 2**-0.75])
    assert plan.settings()["momentum"]["highest"] == plan.settings()["momentum"]["lowest"] == 0.9


def test_a_long_inv_run_contains_the_short_ones():
    long, short = (super_convergence.inv(steps).at(range(10)) for steps in (10_000, 10))
    np.testing.assert_array_equal(long, short)


def test_the_control_has_the_top_and_the_budget_of_the_cycle():
    cycle, line = (Plan(policy, 0, MNIST).settings() for policy in ("1cycle", "linear"))
    assert line["steps"] == cycle["steps"]
    assert line["learning_rate"]["first"] == line["learning_rate"]["highest"] == cycle["learning_rate"]["highest"]


# Interruptions ------------------------------------------------------------------------------------------------


class Interrupted(Exception):
    pass


class ShortStore(Store):
    """A store whose run is interrupted as soon as it has stored so many epochs."""

    def __init__(self, folder, epochs):
        super().__init__(folder)
        self.epochs_left = epochs

    def lay_aside(self, run):
        super().lay_aside(run)
        self.epochs_left -= 1
        if not self.epochs_left:
            raise Interrupted


@pytest.mark.parametrize("policy", ["1cycle", "linear"])
def test_an_interrupted_run_ends_with_the_same_result(policy, tmp_path):
    plan = Plan(policy, 1, len(TINY.train))
    unbroken = train(plan, TINY, Store(tmp_path / "unbroken"))

    folder = tmp_path / "interrupted"
    for _ in range(2):
        with pytest.raises(Interrupted):
            train(plan, TINY, ShortStore(folder, epochs=3))
    assert Store(folder).finished(plan) is None
    with pytest.raises(Interrupted):
        train(plan, TINY, ShortStore(folder, epochs=plan.epochs - 2 * 3))  # no more are left to do
    assert train(plan, TINY, Store(folder)) == unbroken
    assert len(unbroken["accuracy"]) == len(unbroken["first_losses"]) == plan.epochs  # one step is an epoch here
    assert sorted(path.name for path in folder.iterdir()) == [f"{policy}-1.json", f"{policy}-1.json.stamp"]


def test_a_finished_run_is_not_done_again(tmp_path, monkeypatch):
    plan, store = Plan("1cycle", 0, len(TINY.train)), Store(tmp_path)
    result = train(plan, TINY, store)
    monkeypatch.setattr(Run, "train_epoch", lambda run: pytest.fail("trained again"))
    assert train(plan, TINY, store) == result


def test_runs_with_other_settings_are_not_gone_on_with(tmp_path, monkeypatch):
    plan = Plan("linear", 0, len(TINY.train))
    with pytest.raises(Interrupted):
        train(plan, TINY, ShortStore(tmp_path, epochs=2))
    run = Run(plan, TINY)
    Store(tmp_path).take_up(run)
    assert len(run.accuracy) == 2
    monkeypatch.setattr(super_convergence, "WEIGHT_DECAY", 0.01)
    run = Run(plan, TINY)
    Store(tmp_path).take_up(run)
    assert run.accuracy == []


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Two policies of two runs each, on a few digits; the record and the runs are put aside."""
    two = {name: Policy(POLICIES[name].schedule, epochs=(2, 2)) for name in ("1cycle", "inv")}
    monkeypatch.setattr(super_convergence, "POLICIES", two)
    monkeypatch.setattr(super_convergence, "RECORD", Record("a-record", "a command", root=tmp_path))
    monkeypatch.setattr(super_convergence, "published_data", lambda: TINY)
    return super_convergence


def test_only_a_complete_set_of_runs_becomes_the_record(small, capsys):
    assert small.main(["--policies", "1cycle", "--seeds", "1"]) == 0
    assert "n = 1" in capsys.readouterr().out
    assert not small.RECORD.path.exists()
    assert small.main([]) == 0
    record = small.RECORD.read()
    assert record["command"] == "a command"
    assert [(run["policy"], run["seed"]) for run in record["runs"]] == [
        ("1cycle", 0), ("1cycle", 1), ("inv", 0), ("inv", 1),
    ]  # fmt: skip
    capsys.readouterr()
    small.main(["--policies", "inv"])
    assert capsys.readouterr().out.count("inv       2 epochs") == 2  # these runs, and beside them the record


@pytest.mark.parametrize("seeds", [["7"], ["0", "7"], ["-1"]])
def test_seeds_that_are_not_planned_are_refused(small, capsys, seeds):
    with pytest.raises(SystemExit):
        small.main(["--seeds", *seeds])
    assert f"--seeds must be from 0 to 1, got [{', '.join(seeds)}]" in capsys.readouterr().err


# The record ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record() -> dict:
    return super_convergence.RECORD.read()


def test_the_record_is_complete_and_made_with_the_present_settings(record):
    assert record["command"] == "make reproduce"
    assert set(record["versions"]) == {"python", *PACKAGES}
    recorded = {(run["policy"], run["seed"]): run for run in record["runs"]}
    for plan in planned(MNIST):
        run = recorded[plan.policy, plan.seed]
        assert {key: run[key] for key in plan.settings()} == plan.settings()
        assert len(run["accuracy"]) == plan.trained_epochs
        assert len(run["first_losses"]) == super_convergence.FIRST_LOSSES
        if plan.policy == "linear" and run["accuracy"][-1] < 0.2:  # it starts at the top: some runs do not survive that
            assert max(run["accuracy"]) < 0.2
        else:
            assert (0.98 if plan.trained_epochs == 12 else 0.94) < run["accuracy"][-1] < 1


def test_a_failed_run_is_counted_and_kept_out_of_the_mean():
    runs = [{"policy": "linear", "accuracy": [0.1, end]} for end in (0.1, 0.98, 0.99)]
    assert super_convergence.summary(runs) == "linear    2 epochs  98.50 ± 0.71, n = 3, of these failed: 1"
    assert super_convergence.summary(runs[:1]) == "linear    2 epochs  –, n = 1, of these failed: 1"


def test_seeds_beyond_the_planned_lengths_are_trained_for_the_first_epoch_of_such_a_run():
    full, start = Plan("linear", 0, MNIST), Plan("linear", 7, MNIST)
    assert (full.trained_epochs, start.trained_epochs) == (12, 1)
    assert start.settings() == full.settings()


def test_enough_runs_are_planned_to_compare():
    assert len(POLICIES["1cycle"].epochs) >= 5
    assert len(POLICIES["linear"].epochs) >= 5
    assert POLICIES["linear"].starts == POLICIES["1cycle"].starts >= 15
    assert 85 in POLICIES["inv"].epochs


@pytest.mark.skipif("COURSE_MNIST_DIR" not in os.environ, reason="needs the real MNIST in COURSE_MNIST_DIR")
def test_a_fresh_run_begins_as_the_recorded_one(record):
    """Twenty steps: long enough to show another network, order, rate or decay, too short for rounding to grow."""
    dataset = super_convergence.published_data()
    run = Run(Plan("1cycle", 0, len(dataset.train)), dataset)
    run.train_epoch(steps=super_convergence.FIRST_LOSSES)
    recorded = next(run for run in record["runs"] if (run["policy"], run["seed"]) == ("1cycle", 0))
    np.testing.assert_allclose(run.first_losses, recorded["first_losses"], atol=0.01)
