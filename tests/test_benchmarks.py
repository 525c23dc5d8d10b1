"""The benchmark runs, and its files have the shape that the book's page reads. No time is judged here."""

import itertools
import json
import sys
from collections import Counter
from dataclasses import replace

import nbformat
import numpy as np
import pytest

from benchmarks import answers, first_step, schedule_curves, step_time, tutorial_comparison
from benchmarks.pytorch_steps import KINDS, PyTorch, in_pytorchs_words
from benchmarks.records import rounded
from course_lib import data, training
from course_lib.exercises import EXERCISES
from tools import pyodide
from tools.circumstances import PACKAGES

TINY = {"tiny": lambda: [[3, 2], [2]]}
NO_PYTHON = ["--pytorch", "nowhere/python"]


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    monkeypatch.setattr(step_time, "MODELS", TINY)
    monkeypatch.setattr(step_time, "SIZES", [10])
    monkeypatch.setenv("COURSE_LOOPS_DIR", str(tmp_path / "loops"))


def test_every_optimizer_is_measured_with_each_of_its_flags():
    names = set(step_time.flavours())
    assert {"SGD", "Momentum", "Momentum nesterov", "RMSProp centered", "Adam", "Adam amsgrad", "RAdam"} <= names
    assert all(not case.settings or True in case.settings.values() for case in step_time.flavours().values())


def test_the_results_describe_machine_models_and_every_pair(tiny, tmp_path, capsys):
    output = tmp_path / "times.json"
    assert step_time.main(["--seconds", "0", "--output", str(output), *NO_PYTHON]) == 0
    results = json.loads(output.read_text(encoding="utf-8"))
    assert set(results["machine"]) == {
        "processor", "cores", "system", "python", "numpy", "numba", "paddle", "pytorch", "OMP_NUM_THREADS",
        "load before",
    }  # fmt: skip
    assert results["models"] == {"tiny": {"tensors": 2, "parameters": 8}}
    assert [row["optimizer"] for row in results["rows"]] == list(step_time.flavours())
    assert [row["values"] for row in results["sizes"]] == [10]
    for row in results["rows"] + results["sizes"]:
        assert min(row[f"{name}_us"] for name in ("ours", "numpy", "paddle", "limit")) > 0
        assert row["steps"] == step_time.STEPS_PER_TURN
    assert not any(row["compiled"] for row in results["rows"])  # it does not pay
    table = output.with_suffix(".md").read_text(encoding="utf-8")
    assert table.strip() in capsys.readouterr().out
    assert all(f"| {name} |" in table for name in step_time.flavours())


@pytest.mark.parametrize(
    ("name", "ours", "paddles"), [("SGD", 0, 0), ("Adam", 2, 2), ("RMSProp", 2, 3), ("RAdam", 2, 5)]
)
def test_the_state_is_counted_as_it_lies_in_memory(tiny, name, ours, paddles):
    row = step_time.measure(step_time.flavours()[name], TINY["tiny"](), seconds=0)
    assert row["ours_state_bytes"] == 4 * 8 * ours
    assert 4 * 8 * paddles <= row["paddle_state_bytes"] <= 4 * 8 * paddles + 16  # two powers of β per tensor


def test_a_loop_and_numpy_are_measured_beside_each_other(tiny):
    pytest.importorskip("numba")
    before = step_time.one_pass.WORTH_COMPILING
    row = step_time.measure(step_time.flavours()["SGD"], TINY["tiny"](), seconds=0, loops_from_elements=0)
    assert row["compiled"]
    on_numpy = step_time.started(step_time.flavours()["SGD"].ours, TINY["tiny"](), np.inf)
    assert on_numpy.compiled is False
    assert before == step_time.one_pass.WORTH_COMPILING


@pytest.mark.parametrize(("slots", "reads", "writes"), [(0, 2, 1), (2, 4, 3)])
def test_the_limit_moves_what_the_rule_moves(slots, reads, writes):
    assert step_time.bytes_to_move(1000, slots) == 4 * 1000 * (reads + writes)
    walk = step_time.Walk(4 * 1000 * (reads + writes), cores=2)
    assert 2 * sum(part.nbytes for part in walk._parts) == 4 * 1000 * (reads + writes)
    walk.step()
    assert all((part == -1).all() for part in walk._parts)


def test_means_are_geometric_and_over_what_is_there():
    ratios = [("Adam", "CNN", 2.0), ("Adam", "10 million", 8.0), ("NAdam", "CNN", 0.5)]
    rows = [
        {"optimizer": name, "model": model, "ours_us": ratio, "paddle_us": 1.0, "fused_us": None}
        for name, model, ratio in ratios
    ]
    assert step_time.means(rows, "ours", "paddle") == {"all": 2.0, "without NAdam": 4.0, "at 10 million": 8.0}
    assert set(step_time.means(rows, "ours", "fused").values()) == {None}


def test_where_there_is_no_pytorch_its_columns_are_empty(tiny, tmp_path, capsys):
    output = tmp_path / "times.json"
    step_time.main(["--optimizers", "SGD", "--seconds", "0", "--output", str(output), *NO_PYTHON])
    results = json.loads(output.read_text(encoding="utf-8"))
    assert results["machine"]["pytorch"] == "not installed"
    assert [results["rows"][0][f"{kind}_us"] for kind in KINDS] == [None] * 3
    printed = capsys.readouterr().out
    assert "pytorch not installed" in printed
    assert "| SGD | – / – / – |" in printed


#: As much of PyTorch as is asked for; each step leaves a line in a file.
TORCH = r"""
import pathlib

__version__ = "fake"
zeros = lambda shape: shape
randn = lambda shape: shape
steps = pathlib.Path(__file__).with_name("steps")

def set_num_threads(count):
    steps.write_text(f"{count} threads\n")

class nn:
    class Parameter:
        def __init__(self, shape):
            self.shape = shape

class optim:
    class SGD:
        def __init__(self, parameters, lr, **how):
            assert [parameter.grad for parameter in parameters] == [[3, 2], [2]]
            self.how = how

        def step(self):
            with steps.open("a") as file:
                file.write(f"{self.how}\n")
"""


def test_pytorch_takes_its_turns_in_a_process_of_its_own(tiny, tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text(TORCH, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    output = tmp_path / "times.json"
    step_time.main(["--optimizers", "SGD", "--seconds", "0", "--output", str(output), "--pytorch", sys.executable])
    results = json.loads(output.read_text(encoding="utf-8"))
    assert results["machine"]["pytorch"] == "fake"
    assert all(results["rows"][0][f"{kind}_us"] > 0 for kind in KINDS)
    threads, *steps = (tmp_path / "steps").read_text(encoding="utf-8").splitlines()
    assert threads == f"{step_time.CORES} threads"
    turns = [list(turn) for _, turn in itertools.groupby(steps[:6])]
    assert turns == [2 * [how] for how in ("{'foreach': False}", "{'foreach': True}", "{'fused': True}")]  # to warm up
    assert Counter(steps[6:]) == dict.fromkeys(steps[:6], step_time.STEPS_PER_TURN)


@pytest.mark.parametrize(("name", "kinds"), [("SGD", ["loop", "foreach", "fused"]), ("Lamb", []), ("ASGD", [])])
def test_what_pytorch_does_not_have_is_not_measured(tmp_path, monkeypatch, name, kinds):
    (tmp_path / "torch.py").write_text(TORCH.replace("    class SGD", "    class ASGD:\n        pass\n\n    class SGD"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pytorch = PyTorch(sys.executable, 1)
    assert pytorch.make(step_time.flavours()[name].ours(None), [[3, 2], [2]]) == kinds
    pytorch.close()


def test_in_the_turns_each_comes_after_each_other(monkeypatch):
    monkeypatch.setattr(step_time, "THREADS_FALL_ASLEEP", 0)
    log = []
    contestants = {name: lambda steps, name=name: log.append(name) or [0.0] for name in "abcd"}
    step_time.by_turns(contestants, seconds=0.1)
    turns = log[len(contestants) :]  # after warming up
    rounds = [turns[start : start + 4] for start in range(0, len(turns), 4)]
    assert all(sorted(each) == sorted(contestants) for each in rounds)
    assert set(itertools.permutations(contestants, 2)) <= set(zip(turns, turns[1:]))


@pytest.mark.parametrize(
    ("name", "cls", "settings"),
    [
        ("SGD", "SGD", {}),
        ("Momentum nesterov", "SGD", {"momentum": 0.9, "nesterov": True}),
        ("RMSProp centered", "RMSprop", {"alpha": 0.95, "eps": 1e-6, "momentum": 0.5, "centered": True}),
        ("Adadelta", "Adadelta", {"lr": 1.0, "rho": 0.95, "eps": 1e-6}),
        ("NAdam", "NAdam", {"betas": (0.9, 0.999), "eps": 1e-8, "momentum_decay": 0.004}),
        ("AdamW amsgrad", "AdamW", {"betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": True, "weight_decay": 0.01}),
    ],
)
def test_pytorchs_rule_has_the_settings_of_ours(name, cls, settings):
    assert in_pytorchs_words(step_time.flavours()[name].ours(None)) == (cls, {"lr": 0.01, **settings})


def test_part_of_the_table_is_not_stored_by_itself(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(step_time, "RESULTS", tmp_path / "step_time.json")
    step_time.main(["--models", "tiny", "--optimizers", "SGD", "--seconds", "0", *NO_PYTHON])
    assert list(tmp_path.iterdir()) == []


def test_the_stored_results_are_complete():
    results = json.loads(step_time.RESULTS.read_text(encoding="utf-8"))
    measured = {(row["model"], row["optimizer"]) for row in results["rows"]}
    assert [row["values"] for row in results["sizes"]] == step_time.SIZES
    assert measured == {(model, name) for model in step_time.MODELS for name in step_time.flavours()}


@pytest.mark.parametrize("path", [step_time.RESULTS, step_time.RESULTS.with_name("two_cores.json")])
def test_the_stored_table_is_that_of_the_stored_results(path):
    results = json.loads(path.read_text(encoding="utf-8"))
    assert path.with_suffix(".md").read_text(encoding="utf-8") == step_time.table(results)


def test_the_stored_results_of_two_cores_are_complete():
    results = json.loads(step_time.RESULTS.with_name("two_cores.json").read_text(encoding="utf-8"))
    assert results["machine"]["OMP_NUM_THREADS"] == "2"
    measured = {(row["model"], row["optimizer"]) for row in results["rows"]}
    assert measured == {(model, name) for model in ("LeNet", "10 million") for name in step_time.flavours()}


# The first step -----------------------------------------------------------------------------------------------


def test_each_first_step_has_a_process_and_one_finds_the_loop_that_another_has_left(monkeypatch, tmp_path):
    pytest.importorskip("numba")
    asked = []

    def answer(program, loops):
        asked.append((program, loops))
        return len(asked)

    monkeypatch.setattr(first_step, "in_a_process_of_its_own", answer)
    assert first_step.main(["--times", "2", "--output", str(tmp_path / "first.json")]) == 0
    results = json.loads((tmp_path / "first.json").read_text(encoding="utf-8"))
    assert list(results["seconds"].values()) == [[1, 5], [2, 6], [3, 7], [4, 8]]
    assert len(set(asked[1:3])) == 1  # the same program, in the same folder
    assert asked[1][1] != asked[5][1]  # which is empty again in the next round


def test_a_first_step_takes_time_and_loads_numba_only_where_it_compiles(tmp_path):
    program = first_step.STEP.format("float('inf')") + "; import sys; assert 'numba' not in sys.modules"
    assert first_step.in_a_process_of_its_own(program, str(tmp_path)) > 0
    assert list(tmp_path.iterdir()) == []


def test_the_stored_costs_of_the_first_step_are_complete():
    results = json.loads(first_step.RESULTS.read_text(encoding="utf-8"))
    assert results["command"] == "python -m benchmarks.first_step"
    assert list(results["seconds"]) == ["import numba", "compiled", "from the disk", "on NumPy"]
    assert all(len(each) >= 5 for each in results["seconds"].values())


# Answers on the page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["the book's files of Pyodide", "Chromium"])
def test_what_is_missing_is_said_and_nothing_is_written(what, monkeypatch, tmp_path, capsys):
    folder = "_static" if "book" in what else "_static/answers/pyodide"
    (tmp_path / "site" / folder).mkdir(parents=True)
    monkeypatch.setattr(answers, "SITE", tmp_path / "site")
    monkeypatch.setattr(answers, "chromium", lambda: None)
    output = tmp_path / "answers.json"
    assert answers.main(["--output", str(output)]) == 0
    assert (pyodide.VARIABLE if "book" in what else "Chromium") in capsys.readouterr().out
    assert not output.exists()


@pytest.mark.parametrize("kind", answers.ANSWERS)
def test_an_answer_is_what_its_name_says(kind):
    _, id, text = answers.ANSWERS[kind]
    space = {"np": np}
    exec(text, space)
    status = EXERCISES[id].examine(space[id.replace("-", "_")]).status
    assert status == {"a mistake": "mistake", "an exception": "error"}.get(kind, "passed")


def test_the_stored_costs_are_complete():
    results = json.loads(answers.RESULTS.read_text(encoding="utf-8"))
    assert results["command"] == "python -m benchmarks.answers"
    assert results["pyodide"] == pyodide.VERSION
    assert list(results["checks"]) == list(answers.ANSWERS)
    assert all(len(seconds) >= 5 for seconds in (*results["ready_s"].values(), *results["endless_loop_s"].values()))
    assert results["files"].keys() >= {"answers.js", "worker.js", "course.zip", *pyodide.FILES}
    assert all(f"check of {kind}" in answers.table(results) for kind in answers.ANSWERS)


# Records of long runs ------------------------------------------------------------------------------------------

RECORDS = [benchmark.RECORD for benchmark in (schedule_curves, tutorial_comparison)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_record_says_how_it_was_made(record):
    kept = record.read()
    assert kept["command"] == f"python -m benchmarks.{record.name.replace('-', '_')}"
    assert set(kept["versions"]) == {"python", *PACKAGES}
    assert kept["machine"]
    assert kept["date"]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_chapter_reads_the_record(record):
    chapters = (nbformat.read(path, as_version=4) for path in record.root.glob("chapters/*.ipynb"))
    code = (cell.source for chapter in chapters for cell in chapter.cells if cell.cell_type == "code")
    assert any(f'"{record.path.name}"' in source for source in code)


def test_a_lost_run_is_kept_without_nan():
    assert rounded(np.array([0.12345, np.nan])) == [0.1235, None]


# Curves under schedules ---------------------------------------------------------------------------------------


def test_the_record_of_the_curves_is_the_one_that_the_command_would_write():
    kept = schedule_curves.RECORD.read()
    assert list(kept["schedules"]) == list(schedule_curves.SCHEDULES)
    assert (kept["epochs"], kept["seeds"]) == (schedule_curves.EPOCHS, list(schedule_curves.SEEDS))
    for curves in kept["schedules"].values():
        assert np.shape(curves["accuracy"]) == np.shape(curves["loss"]) == (len(kept["seeds"]), kept["epochs"])


@pytest.mark.parametrize("name", schedule_curves.SCHEDULES)
def test_the_recorded_rates_are_those_of_the_schedule(name):
    schedule = schedule_curves.SCHEDULES[name]()
    steps = np.arange(0, schedule_curves.STEPS, schedule_curves.PER_EPOCH // 8)
    rates = np.full(len(steps), schedule) if isinstance(schedule, float) else schedule.at(steps)
    kept = schedule_curves.RECORD.read()["schedules"][name]["rate"]
    np.testing.assert_allclose(kept, rates, rtol=1e-3)


# The tutorial's comparison ------------------------------------------------------------------------------------


def test_the_record_of_the_comparison_is_the_one_that_the_command_would_write():
    kept = tutorial_comparison.RECORD.read()
    assert (kept["epochs"], kept["batch_size"]) == (tutorial_comparison.EPOCHS, tutorial_comparison.BATCH_SIZE)
    assert (kept["pictures"], kept["seeds"]) == (tutorial_comparison.PICTURES, list(tutorial_comparison.SEEDS))
    assert list(kept["methods"]) == list(kept["search"]["methods"]) == list(tutorial_comparison.RATES)
    for found in kept["methods"].values():
        assert found["tutorial"]["learning_rate"] == tutorial_comparison.TUTORIAL_RATE
        assert all(len(each["accuracy"]) == len(kept["seeds"]) for each in found.values())


@pytest.mark.parametrize(("method", "rates"), tutorial_comparison.RATES.items())
def test_a_rate_of_its_own_was_chosen_inside_the_grid_and_with_other_seeds(method, rates):
    kept = tutorial_comparison.RECORD.read()
    search = kept["search"]["methods"][method]
    assert list(search["losses"]) == list(map(str, rates))
    losses = {float(rate): loss for rate, loss in search["losses"].items() if loss is not None}
    best = min(losses, key=losses.get)
    assert best == search["learning_rate"] == kept["methods"][method]["own"]["learning_rate"]
    assert min(rates) < best < max(rates)
    assert not set(kept["seeds"]).intersection(kept["search"]["seeds"])


def few_digits(pictures):
    digits = data.load("digits", size=28).subset(pictures)
    return replace(digits, validation=digits.train, test=digits.train)


@pytest.fixture
def comparison(monkeypatch, tmp_path):
    """Two methods on a few digits; the record and the runs are put aside."""
    rates = {"SGD": [0.01, 0.1], "Adam": [0.001, 0.01]}
    values = {"RATES": rates, "SEEDS": range(2), "PICTURES": 20, "FEWER_PICTURES": 10, "handwriting": few_digits}
    for name, value in {**values, "RECORD": replace(tutorial_comparison.RECORD, root=tmp_path)}.items():
        monkeypatch.setattr(tutorial_comparison, name, value)
    return tutorial_comparison


def test_an_interrupted_comparison_goes_on_where_it_was(comparison, monkeypatch, tmp_path):
    fit, trained = training.fit, []

    def fit_until_interrupted(model, rule, pictures, **options):
        if len(trained) == 5:
            trained.append("interrupted")
            raise KeyboardInterrupt
        trained.append((type(rule).__name__, rule.get_lr(), len(pictures.train), options["seed"]))
        return fit(model, rule, pictures, **options)

    monkeypatch.setattr(training, "fit", fit_until_interrupted)
    with pytest.raises(KeyboardInterrupt):
        comparison.main()
    assert not comparison.RECORD.path.exists()
    assert comparison.main() == 0
    assert len(trained) == len(set(trained))  # no run was done again
    kept = comparison.RECORD.read()

    monkeypatch.setattr(comparison, "RECORD", replace(comparison.RECORD, root=tmp_path / "unbroken"))
    assert comparison.main() == 0
    assert comparison.RECORD.read() == kept
    assert kept["pictures"] == 20
    assert [len(each["accuracy"]) for found in kept["methods"].values() for each in found.values()] == [2] * 4
