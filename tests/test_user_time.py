"""What a reader waits for is measured, and its heavy parts are not brought in unasked. No time is judged here."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import user_time
from course_lib import data, models, optimizer, training

PARTS = {"whole", "mini-batch", "forward", "loss", "backward", "optimizer's step", "clear_grad", "the rest"}


def test_the_results_tell_of_every_import_and_every_part_of_a_step(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(user_time, "IMPORTS", {"Paddle": ("", "import json"), "course_lib": ("", "import course_lib")})
    output = tmp_path / "times.json"
    assert user_time.main(["--rounds", "1", "--steps", "3", "--output", str(output)]) == 0
    results = json.loads(output.read_text(encoding="utf-8"))
    assert results["command"] == "python -m benchmarks.user_time"
    assert results["imports_ms"].keys() == user_time.IMPORTS.keys()
    assert results["step_us"].keys() == user_time.MODELS.keys()
    for parts in results["step_us"].values():
        assert parts.keys() == PARTS
        assert all(microseconds > 0 for microseconds in parts.values())
        assert sum(parts.values()) == pytest.approx(2 * parts["whole"], abs=1)  # the whole and its parts, rounded
    assert user_time.table(results) in capsys.readouterr().out


def test_a_step_that_is_taken_apart_trains_as_ever(monkeypatch):
    histories, fit = [], training.fit
    monkeypatch.setattr(training, "fit", lambda *given, **more: histories.append(fit(*given, **more)))
    user_time.parts_of_step(user_time.MODELS["MLP"], steps=40)
    digits = data.load("digits")
    model = models.mlp(digits, seed=0)
    whole = fit(model, optimizer.Adam(0.001, parameters=model.parameters()), digits, steps=40)
    np.testing.assert_array_equal(histories[0].loss, whole.loss)


def test_the_chapters_imports_are_all_there():
    _, statements = user_time.IMPORTS["chapter 6"]
    assert {"import numpy as np", "from course_lib.optimizer.base import Optimizer"} <= set(statements.splitlines())


def test_the_stored_times_are_complete():
    results = json.loads(user_time.RESULTS.read_text(encoding="utf-8"))
    assert results["imports_ms"].keys() == user_time.IMPORTS.keys()
    assert results["step_us"].keys() == user_time.MODELS.keys()
    assert all(parts.keys() == PARTS for parts in results["step_us"].values())


def test_digits_and_intervals_come_without_what_takes_a_second_to_import():
    program = (
        "import sys; from course_lib import data, intervals; data.load('digits'); intervals.of([1, 2]); "
        "intervals.share([True]); print(*({'sklearn', 'scipy.stats'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
