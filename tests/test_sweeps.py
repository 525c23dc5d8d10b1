"""sweeps: the same numbers however they run, and nothing lost when a process dies or the sweep is interrupted."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction

import dask
import distributed
import joblib
import numpy as np
import paddle
import pytest

from course_lib import data, models, optimizer, sweeps
from course_lib.training import fit, sweep

DIGITS = data.load("digits")


def small_run(lr, units, seed):
    model = models.mlp(DIGITS, hidden=(units,), seed=seed)
    run = fit(model, optimizer.SGD(lr, parameters=model.parameters()), DIGITS, steps=10, seed=seed)
    return {"accuracy": run.final_accuracy, "loss": run.loss}


GRID = {"lr": [0.01, 0.1, 1.0], "units": [4, 8]}


def test_results_are_laid_out_as_grid_by_seeds():
    found = sweep(lambda a, b, seed: 100 * a + 10 * b + seed, {"a": [1, 2, 3], "b": [4, 5]}, range(2))
    expected = [[[100 * a + 10 * b + seed for seed in (0, 1)] for b in (4, 5)] for a in (1, 2, 3)]
    np.testing.assert_array_equal(found.values, expected)
    np.testing.assert_array_equal(found.mean(), np.mean(expected, axis=2))
    np.testing.assert_allclose(found.std(), np.full((3, 2), np.sqrt(0.5)))
    assert found.best() == {"a": 3, "b": 5} and found.best(lowest=True) == {"a": 1, "b": 4}
    assert repr(found) == "Sweep(3 a × 2 b × 2 seeds: value)"


def test_several_results_and_arrays():
    found = sweep(small_run, GRID, [0, 1])
    assert found["accuracy"].shape == (3, 2, 2) and found["loss"].shape == (3, 2, 2, 10)
    assert found.mean("loss").shape == (3, 2, 10)
    np.testing.assert_array_equal(found["loss"][1, 0, 1], small_run(0.1, 4, seed=1)["loss"])
    with pytest.raises(ValueError, match="key must be one of 'accuracy', 'loss', got none"):
        found.mean()
    with pytest.raises(ValueError, match="key must be one of 'accuracy', 'loss', got 'acc'"):
        found.mean("acc")
    with pytest.raises(ValueError, match="best needs one number per run, but loss is an array"):
        found.best("loss")


def test_a_table_to_print():
    found = sweep(lambda lr, name, seed: {"a": lr + seed, "b": 2}, {"lr": [0.1, 1e-4], "name": ["x", "long"]}, [0, 2])
    assert found.table("a", digits=2) == (
        "    lr  name            a\n"
        "   0.1     x  1.10 ± 1.41\n"
        "   0.1  long  1.10 ± 1.41\n"
        "0.0001     x  1.00 ± 1.41\n"
        "0.0001  long  1.00 ± 1.41"
    )
    assert "2.000 ± 0.000" in found.table()


def test_nan_never_wins_and_never_hides():
    found = sweep(lambda lr, seed: np.nan if lr > 1 and seed else lr, {"lr": [0.1, 1.0, 2.0]}, [0, 1])
    assert found.best() == {"lr": 1.0} and np.isnan(found.mean()[2])
    with pytest.raises(ValueError, match="every setting gave NaN"):
        sweep(lambda lr, seed: np.nan, {"lr": [0.1]}, [0]).best()


@pytest.mark.parametrize("number", [Fraction(1, 2), paddle.to_tensor(0.5, "bfloat16"), np.float32(0.5)], ids=repr)
def test_numbers_of_every_kind_are_results(number):
    assert sweep(lambda lr, seed: number, {"lr": [1]}, [0]).values.item() == 0.5


@pytest.mark.parametrize(
    "result",
    [np.array(["0.5"]), np.str_("0.5"), np.complex64(1), np.datetime64("2020"), {1}, [1.0, [2.0]], 10**400, [{}]],
    ids=lambda result: f"{result!r:.20}",
)
def test_what_is_no_number_is_no_result(result):
    with pytest.raises(RuntimeError, match=r"lr=1, seed=0 failed: TypeError: the result 'value' must be a number or"):
        sweep(lambda lr, seed: result, {"lr": [1]}, [0])


def test_a_run_without_results_is_named():
    with pytest.raises(RuntimeError, match=r"lr=1, seed=0 failed: TypeError: a run must return at least one result"):
        sweep(lambda lr, seed: {"loss": 0.0} if lr > 1 else {}, {"lr": [1, 2]}, [0])


def test_one_seed_has_no_spread():
    assert sweep(lambda lr, seed: lr, {"lr": [0.1]}, [7]).std().tolist() == [0]


def test_numpy_values_reach_the_run_as_plain_numbers():
    types = []
    sweep(lambda lr, seed: types.append((type(lr), type(seed))) or 0, {"lr": np.logspace(-2, 0, 3)}, np.arange(2))
    sweep(lambda lr, seed: types.append((type(lr), type(seed))) or 0, {"lr": list(np.logspace(-2, 0, 3))}, [0])
    assert set(types) == {(float, int)}


# Many processes ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two processes on this machine."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    # Where a worker takes longer than that to come back, on a busy machine, a local cluster takes it for lost.
    patient = dask.config.set({"distributed.deploy.lost-worker-timeout": "600s"})
    with patient, distributed.LocalCluster(**options) as cluster, distributed.Client(cluster):
        yield cluster


@pytest.fixture(params=["processes", "dask"])
def many(request):
    """Sweeps of the test run in other processes, in one way and the other."""
    if request.param == "dask":
        request.getfixturevalue("cluster")
    settings = {"processes": {"n_jobs": 2}, "dask": {"backend": "dask", "wait_for_workers_timeout": 120}}
    with joblib.parallel_config(**settings[request.param]):
        yield


def test_they_give_the_same_numbers(many):
    with joblib.parallel_config(backend="sequential"):
        here = sweep(small_run, GRID, [0, 1])
    there = sweep(small_run, GRID, [0, 1])
    for key in ("accuracy", "loss"):
        np.testing.assert_array_equal(here[key], there[key])


def test_they_are_other_processes(many):
    assert os.getpid() not in sweep(lambda lr, seed: os.getpid(), {"lr": [0.1, 1.0]}, range(2)).values


def test_they_use_the_same_data_although_they_were_started_before(many, monkeypatch, tmp_path):
    missing = tmp_path / "missing"

    def data_there(lr, seed):
        folder = os.environ.get("COURSE_MNIST_DIR")
        return [os.environ.get("COURSE_DATA") == "mnist", folder == str(tmp_path), folder == str(missing)]

    monkeypatch.setenv("COURSE_DATA", "mnist")
    monkeypatch.setenv("COURSE_MNIST_DIR", str(tmp_path))
    assert sweep(data_there, {"lr": [0.1]}, range(2)).values.tolist() == [[[True, True, False]] * 2]
    monkeypatch.delenv("COURSE_DATA")
    monkeypatch.setenv("COURSE_MNIST_DIR", str(missing))  # the worker's own folder is as good as one that is not there
    found = sweep(data_there, {"lr": [0.1]}, range(2)).values
    assert not found[..., 0].any() and not found[..., 2].any()


def test_a_folder_in_the_home_folder_is_found_in_a_worker(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_MNIST_DIR", "elsewhere")
    sweeps._adopt({"COURSE_DATA": "", "COURSE_MNIST_DIR": "~"})
    assert os.environ["COURSE_MNIST_DIR"] == "~"


def test_threads_give_the_same_numbers():
    with joblib.parallel_config(backend="threading", n_jobs=3):
        together = sweep(small_run, GRID, [0, 1])
    np.testing.assert_array_equal(sweep(small_run, GRID, [0, 1])["loss"], together["loss"])


# What a dead process costs -----------------------------------------------------------------------------------

LRS = [0.5, 1.0, 2.0]


def deadly(folder):
    """A run that notes that it took place; at lr = 1 it kills its process as often as ``folder / "deaths"`` says."""

    def run(lr, seed):
        deaths = int((folder / "deaths").read_text())
        if lr == 1.0 and seed == 1 and deaths:
            (folder / "deaths").write_text(str(deaths - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        with open(folder / "log", "a") as log:
            log.write(f"{lr} {seed}\n")
        return lr / 3 + seed

    return run


EXPECTED = [[lr / 3 + seed for seed in range(2)] for lr in LRS]
A_PROCESS_DIED = pytest.mark.filterwarnings("ignore:a process died")


@A_PROCESS_DIED
def test_a_sweep_goes_on_when_a_process_dies(many, tmp_path):
    (tmp_path / "deaths").write_text("1")
    np.testing.assert_array_equal(sweep(deadly(tmp_path), {"lr": LRS}, range(2)).values, EXPECTED)
    assert (tmp_path / "deaths").read_text() == "0"


@A_PROCESS_DIED
def test_a_run_that_always_kills_its_process_is_named_and_the_others_are_kept(many, request, tmp_path, monkeypatch):
    if request.node.callspec.params["many"] == "dask":  # Dask itself would try four times each time
        monkeypatch.setattr(request.getfixturevalue("cluster").scheduler, "allowed_failures", 0)
    (tmp_path / "deaths").write_text("1000")
    message = r"run at lr=1\.0, seed=1 failed: its process died, .* alone; the 5 finished runs are kept in .*kept"
    with pytest.raises(RuntimeError, match=message):
        sweep(deadly(tmp_path), {"lr": LRS}, range(2), store=tmp_path / "kept")
    assert set((tmp_path / "log").read_text().splitlines()) == {f"{lr} {s}" for lr in LRS for s in (0, 1)} - {"1.0 1"}

    (tmp_path / "deaths").write_text("0")
    (tmp_path / "log").unlink()
    again = sweep(deadly(tmp_path), {"lr": LRS}, range(2), store=tmp_path / "kept")
    assert (tmp_path / "log").read_text() == "1.0 1\n"
    np.testing.assert_array_equal(again.values, EXPECTED)


def test_without_a_store_the_message_says_what_is_lost(tmp_path):
    (tmp_path / "deaths").write_text("1000")
    warned = pytest.warns(UserWarning, match=r"a process died during one of these runs, .* lr=1\.0, seed=1")
    with warned, pytest.raises(RuntimeError, match="the 1 finished runs are lost: a store would have kept them"):
        sweep(deadly(tmp_path), {"lr": [1.0]}, range(2), n_jobs=2)


INTERRUPTED = """
import pathlib, sys, time
from course_lib.training import sweep

folder = pathlib.Path(sys.argv[1])

def run(lr, seed):
    with open(folder / "log", "a") as log:
        log.write(f"{lr} {seed}\\n")
    while lr == 1.0 and not (folder / "go on").exists():
        time.sleep(0.05)
    return lr / 3 + seed

print(sweep(run, {"lr": [0.5, 1.0, 2.0]}, range(2), store=folder / "kept").values.tolist())
"""


def test_a_program_that_is_killed_goes_on_where_it_was(tmp_path):
    (tmp_path / "program.py").write_text(INTERRUPTED)
    command = [sys.executable, tmp_path / "program.py", tmp_path]
    log = tmp_path / "log"
    with subprocess.Popen(command) as program:
        while not (log.exists() and "1.0 0" in log.read_text()):
            assert program.poll() is None, "the program ended early"
            time.sleep(0.05)
        program.kill()
    (tmp_path / "go on").touch()
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert json.loads(printed) == EXPECTED
    assert log.read_text().split("\n") == ["0.5 0", "0.5 1", "1.0 0", "1.0 0", "1.0 1", "2.0 0", "2.0 1", ""]


def test_a_cluster_that_is_closed_is_named(cluster, tmp_path):
    kept, closed = tmp_path / "kept", tmp_path / "closed"

    def run(lr, seed):
        while seed and not closed.exists():
            time.sleep(0.05)
        return lr

    client = distributed.Client(cluster)

    def close_when_the_first_run_is_finished():
        while not list(kept.glob("*.run")):
            time.sleep(0.05)
        client.close()
        closed.touch()

    closing = threading.Thread(target=close_when_the_first_run_is_finished, daemon=True)
    closing.start()
    with joblib.parallel_config(backend="dask", client=client):
        message = r"cluster was closed in mid-sweep; the 1 finished runs are kept in .*kept; connect to a cluster"
        with pytest.raises(RuntimeError, match=message):
            sweep(run, {"lr": [0.5]}, range(8), store=kept)
        closing.join()
        with pytest.raises(RuntimeError, match="the Dask cluster is closed: connect to one"):
            sweep(run, {"lr": [0.5]}, range(8), store=kept)
    with joblib.parallel_config(backend="dask"):
        assert sweep(run, {"lr": [0.5]}, range(8), store=kept).values.tolist() == [[0.5] * 8]


# A store -----------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    """Sweep with a store; return the result and which runs were done for it."""

    def kept(run, lrs, seeds, **settings):
        log = tmp_path / "log"
        log.write_text("")

        def noted(lr, seed):
            with open(log, "a") as file:
                file.write(f"{lr} {seed}\n")
            return run(lr, seed)

        return sweep(noted, {"lr": lrs}, seeds, store=tmp_path / "kept", **settings), log.read_text().split("\n")[:-1]

    return kept


def test_another_grid_uses_what_is_there(kept):
    def run(lr, seed):
        return {"sum": lr + seed, 40: [lr, np.nan, -0.0]}

    first, done = kept(run, [0.5, 1.0], [0, 1])
    assert len(done) == 4
    again, done = kept(run, [0.5, 1.0], [0, 1])
    assert done == [] and repr(again) == repr(first) == "Sweep(2 lr × 2 seeds: sum, 40)"
    for key in ("sum", 40):
        np.testing.assert_array_equal(first[key], again[key])
    wider, done = kept(run, [0.25, 1.0], [1, 2])
    assert done == ["0.25 1", "0.25 2", "1.0 2"]
    assert wider["sum"].tolist() == [[1.25, 2.25], [2.0, 3.0]]


def test_another_run_is_another_experiment(kept):
    assert kept(lambda lr, seed: lr + seed, [0.5], [1])[0].values.tolist() == [[1.5]]
    assert kept(lambda lr, seed: lr - seed, [0.5], [1])[0].values.tolist() == [[-0.5]]
    assert kept(lambda lr, seed: lr + seed, [0.5], [1])[1] == []
    for factor in (10, 100):  # the same code with another value from outside
        assert kept(times(factor), [0.5], [1])[0].values.tolist() == [[0.5 * factor]]


def times(factor):
    return lambda lr, seed: lr * factor


def test_a_damaged_file_is_set_aside_and_its_run_done_again(kept, tmp_path):
    kept(fails_at_one_point, [0.5, 1.0], [0, 1])
    damaged = sorted((tmp_path / "kept").iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.warns(UserWarning, match=r"a kept run could not be read .* and is done again: see .*\.damaged"):
        again, done = kept(fails_at_one_point, [0.5, 1.0], [0, 1])
    assert len(done) == 1 and again.values.tolist() == [[0.5, 0.5], [1.0, 1.0]]
    assert damaged.exists() and damaged.with_suffix(".damaged").exists()
    assert kept(fails_at_one_point, [0.5, 1.0], [0, 1])[1] == []


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failing_run_does_not_stop_the_others(kept, n_jobs):
    message = (
        r"lr=1\.0, seed=2 failed: ZeroDivisionError: boom \(1 others failed, too\); the 4 finished runs are kept in"
    )
    with pytest.raises(RuntimeError, match=message) as failure:
        kept(fails_at_one_point, [1.0, 2.0], [0, 1, 2], n_jobs=n_jobs)
    assert 'raise ZeroDivisionError("boom")' in str(failure.value.__cause__)
    with pytest.raises(RuntimeError, match="the 7 finished runs are kept in"):
        kept(fails_at_one_point, [1.0, 2.0, 0.5], [0, 1, 2], n_jobs=n_jobs)


def test_a_store_is_needed_before_the_first_run(tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    runs = []
    for store, error, message in [
        (3, TypeError, "store must be the path of a folder or None, got 3"),
        ("", ValueError, "store must be the path of a folder or None, got ''"),
        (" ", ValueError, "store must be the path of a folder or None, got ' '"),
        (tmp_path / "file", FileExistsError, "store must be a folder, but .*file is none"),
        (tmp_path / "pipe", FileExistsError, "store must be a folder, but .*pipe is none"),
        (tmp_path / "loop", FileExistsError, "store must be a folder, but .*loop is none"),
    ]:
        with pytest.raises(error, match=message):
            sweep(lambda lr, seed: runs.append(lr) or lr, {"lr": [0.1]}, [0], store=store)
    with open(tmp_path / "file") as file, pytest.raises(TypeError, match=r"cannot tell .*TextIOWrapper"):
        sweep(lambda lr, seed: file.name, {"lr": [0.1]}, [0], store=tmp_path / "kept")
    assert runs == []


# Mistakes ----------------------------------------------------------------------------------------------------


def fails_at_one_point(lr, seed):
    if lr >= 1.0 and seed == 2:
        raise ZeroDivisionError("boom")
    return lr


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failing_run_is_named(n_jobs):
    with pytest.raises(RuntimeError, match=r"the run at lr=1\.0, seed=2 failed: ZeroDivisionError: boom"):
        sweep(fails_at_one_point, {"lr": [0.1, 1.0]}, range(3), n_jobs=n_jobs)


def test_a_result_of_another_kind_is_named():
    with pytest.raises(RuntimeError, match=r"the run at lr=1\.0, seed=0 returned another kind of result than lr=0\.1"):
        sweep(lambda lr, seed: np.zeros(2) if lr == 1.0 else 0.0, {"lr": [0.1, 1.0]}, [0])
    for result in ("good", "0.5", None, {"loss": [0.5, None]}, [[1], [2, 3]]):
        with pytest.raises(RuntimeError, match=r"the run at lr=0\.1, seed=0 failed: .*"):
            sweep(lambda lr, seed, result=result: result, {"lr": [0.1]}, [0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((small_run, {}, [0]), ValueError, "grid must hold at least one setting"),
        ((small_run, {"lr": []}, [0]), ValueError, r"grid\['lr'\] must hold at least one value"),
        ((small_run, {"lr": 0.1}, [0]), TypeError, r"grid\['lr'\] must be a list of values, got 0.1"),
        ((small_run, {"lr": "0.1"}, [0]), TypeError, r"grid\['lr'\] must be a list of values"),
        ((small_run, {"seed": [1]}, [0]), ValueError, "grid must not hold 'seed'"),
        ((small_run, [0.1], [0]), TypeError, "grid must be a dict"),
        (("run", {"lr": [1]}, [0]), TypeError, "run must be a function, got 'run'"),
        ((small_run, {"lr": [1]}, []), ValueError, "seeds must hold at least one value"),
        ((small_run, {"lr": [1]}, 3), TypeError, "seeds must be a list of values, got 3"),
        ((small_run, {"lr": [1]}, np.array(3)), TypeError, "seeds must be a list of values, got array"),
        ((small_run, {"lr": [1]}, [0.5]), TypeError, "each of seeds must be a whole number"),
        ((small_run, {"lr": [1]}, [0], 0), ValueError, "n_jobs must be .* got 0"),
        ((small_run, {"lr": [1]}, [0], "all"), TypeError, "n_jobs must be a whole number"),
    ],
)
def test_bad_sweeps_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        sweep(*arguments)


def test_a_sweep_shows_one_bar_and_its_runs_none(capfd):
    sweep(small_run, {"lr": [0.1], "units": [4]}, [0, 1], progress=True)
    shown = capfd.readouterr().err
    assert "/2" in shown and "/10" not in shown
