"""Where nothing but NumPy is installed, formulas can be imported and answers are judged with the same words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_lib.exercises import EXERCISES

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(__file__).with_name("judge_all.py")

#: What a chapter has beside NumPy, none of which may be found.
ABSENT = {"IPython", "joblib", "matplotlib", "paddle", "scipy", "sklearn", "tqdm"}

TRAINS = {"lr-measure-search", "training-loop", "schedule-design"}
#: What is asked for is measured in a training; the check itself trains nothing.
MEASURED_IN_A_TRAINING = {"wd-measure-half-life"}


def run(command, **options) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=900, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which NumPy and the course are all that can be imported beside Python's own modules."""
    folder, installed = tmp_path_factory.mktemp("numpy-alone"), Path(np.__file__).parent.parent
    places = [installed / "numpy", installed / "numpy.libs", ROOT / "course_lib"]
    for place in filter(Path.exists, places):
        (folder / place.name).symlink_to(place, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def alone(folder):
    return run([sys.executable, "-I", "-S", PROGRAM, folder], cwd=folder)


@pytest.fixture(scope="module")
def with_paddle():
    return run([sys.executable, PROGRAM, ROOT])


def test_nothing_else_can_be_found(folder):
    program = (
        "import sys, importlib.util, json; sys.path.insert(0, sys.argv[1]); "
        f"json.dump([name for name in {sorted(ABSENT)} if importlib.util.find_spec(name)], sys.stdout)"
    )
    assert run([sys.executable, "-I", "-S", "-c", program, folder], cwd=folder) == []


def test_nothing_else_is_imported(alone):
    assert {"course_lib", "numpy"} <= set(alone["imported"])
    assert not ABSENT & set(alone["imported"])


def test_every_solution_that_trains_nothing_passes(alone):
    passed = {id for id, (status, *_) in alone["solved"].items() if status == "passed"}
    assert passed == EXERCISES.keys() - TRAINS - MEASURED_IN_A_TRAINING


def test_what_trains_says_that_it_needs_paddle(alone):
    assert alone["trains"].keys() == TRAINS
    for status, mistake, message in alone["trains"].values():
        assert (status, mistake) == ("error", None)
        assert "trains a network" in message and "pip install paddlepaddle" in message and "Colab" in message


def test_every_mistake_is_named(alone):
    for entry, (status, mistake, _) in alone["recognised"].items():
        _, named, _ = entry.split(", ")
        assert (status, mistake) in [("mistake", named), ("not-attempted", None)], entry
        assert status == "mistake" or named == "as-printed"


def test_the_words_are_the_same_as_with_paddle(alone, with_paddle):
    assert alone["recognised"] == with_paddle["recognised"]
    assert all(alone["solved"][id] == with_paddle["solved"][id] for id in alone["solved"].keys() - TRAINS)
    assert {status for status, *_ in with_paddle["solved"].values()} == {"passed"}
    assert with_paddle["solved"].keys() == EXERCISES.keys()


OPTIMIZERS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from course_lib import optimizer, surfaces
from course_lib.optimizer import lr

paths = {}
for name in sorted(set(optimizer.__all__) - {"Optimizer", "lr", "EMA", "LookAhead", "ModelAverage"}):
    schedule = 0.1 if name == "Rprop" else lr.CosineAnnealingDecay(0.1, T_max=20)
    made = getattr(optimizer, name)(learning_rate=schedule)
    paths[name] = surfaces.trajectory(made, surfaces.bowl, steps=20).tolist()
    if name != "LBFGS":
        made = optimizer.LookAhead(made)
        paths[f"LookAhead({name})"] = surfaces.trajectory(made, surfaces.bowl, steps=20).tolist()
json.dump(paths, sys.stdout)
"""


def test_every_optimizer_walks_the_same_path(folder):
    """On its rule and with a schedule, to the last bit."""
    alone = run([sys.executable, "-I", "-S", "-c", OPTIMIZERS, folder], cwd=folder)
    assert alone == run([sys.executable, "-c", OPTIMIZERS, ROOT])
    assert len(alone) >= 24
