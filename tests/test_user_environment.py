"""What a user has set for other programs changes neither make's commands nor what a notebook gives."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest
from nbformat import v4

from tools.notebooks import OWN_SETTINGS, ROOT, book_environment, execute, kept

HOSTILE = {
    "MPLBACKEND": "Agg",
    "MATPLOTLIBRC": "/nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONPATH": "/nowhere",
    "PYTEST_ADDOPTS": "--collect-only",
    "NO_COLOR": "1",
    "FORCE_COLOR": "1",
    "COLUMNS": "20",
    "LC_ALL": "tr_TR.UTF-8",
    "LANGUAGE": "de",
    "FLAGS_check_nan_inf": "1",
    "COURSE_DATA": "mnist",
    "COURSE_RESULTS_DIR": "/nowhere",
    "COURSE_PROGRESS_FILE": "/nowhere/progress.json",
}
WANTED = {
    "HOME": "/home/ada",
    "https_proxy": "http://proxy",
    "PIP_INDEX_URL": "http://index",
    "COURSE_MNIST_DIR": "mnist",
}


def test_what_is_kept_is_what_a_machine_needs():
    assert kept([*HOSTILE, *WANTED]) == list(WANTED)


def test_the_books_environment_is_free_of_the_users(monkeypatch):
    for name, value in {**HOSTILE, **WANTED}.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with book_environment():
        inside = dict(os.environ)
    assert dict(os.environ) == before
    left = {name for name in HOSTILE if name in inside}
    assert left == {"PYTHONPATH", "LC_ALL", "COURSE_PROGRESS_FILE"}  # the course's own values
    assert not any(inside[name] == HOSTILE[name] for name in left)
    assert {name: inside[name] for name in WANTED} == WANTED


def test_makes_commands_get_the_same_variables():
    environment = {**os.environ, **HOSTILE, **WANTED}
    environment = {name: value for name, value in environment.items() if not name.startswith(("MAKE", "MFLAGS"))}
    program = "include Makefile\nprobe:\n\t@env\n"
    printed = subprocess.run(
        ["make", "-s", "-f", "-", "probe"], input=program, cwd=ROOT, env=environment, capture_output=True, text=True
    ).stdout
    seen = dict(line.partition("=")[::2] for line in printed.splitlines())
    assert {name: seen.get(name) for name in WANTED} == WANTED
    assert {name for name in HOSTILE if seen.get(name) == HOSTILE[name]} == set()
    assert {name: seen.get(name) for name in OWN_SETTINGS} == OWN_SETTINGS


@pytest.fixture
def users_home(tmp_path, monkeypatch):
    """A home in which IPython, Jupyter and Matplotlib are set up otherwise than by default."""
    startup = tmp_path / ".ipython" / "profile_default" / "startup" / "00-mine.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("print('good morning')\nimport numpy\nnumpy.set_printoptions(precision=2)\n")
    style = tmp_path / ".config" / "matplotlib" / "matplotlibrc"
    style.parent.mkdir(parents=True)
    style.write_text("figure.figsize: 1, 1\nfont.size: 30\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in OWN_SETTINGS:
        monkeypatch.delenv(name, raising=False)


CELLS = (
    "import numpy as np\nnp.array([1 / 3])",
    "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()",
    "import locale, sys\nprint(plt.rcParams['font.size'], locale.setlocale(locale.LC_ALL, ''), sys.warnoptions)",
)


def test_a_notebook_gives_the_same_in_a_users_environment(users_home, tmp_path, monkeypatch):
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "notebook.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(source) for source in CELLS]), path)
    with book_environment():
        execute(path)
    array, figure, printed = ([dict(o) for o in cell.outputs] for cell in nbformat.read(path, as_version=4).cells)
    assert array[0]["data"]["text/plain"] == "array([0.33333333])"
    assert "image/png" in figure[-1]["data"] and len(figure[-1]["data"]["image/png"]) > 5000
    assert printed == [{"output_type": "stream", "name": "stdout", "text": "10.0 C.UTF-8 []\n"}]


ANSWERS = """
from course_lib.exercises import check, hint, progress, quiz
print(check("sgd-step", lambda x, g, s, lr: x + lr * g), hint("adagrad-step"), quiz("lr-sign-quiz"), progress())
"""


def answers(**variables):
    """What a program prints that asks for feedback, in an environment with these variables."""
    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, "-c", ANSWERS], cwd=ROOT, env=environment, capture_output=True)


def test_feedback_is_the_same_whatever_a_user_has_set():
    pythons = {"PYTHONWARNINGS": "error::RuntimeWarning", "PYTHONOPTIMIZE": "1", "FORCE_COLOR": "1", "COLUMNS": "20"}
    plain, set_up = answers(), answers(**pythons, MPLBACKEND="svg", COURSE_DATA="nothing", FLAGS_check_nan_inf="1")
    assert plain.returncode == set_up.returncode == 0, set_up.stderr
    assert "The step goes uphill" in plain.stdout.decode()
    assert set_up.stdout == plain.stdout


def test_feedback_can_be_printed_where_an_encoding_lacks_its_symbols():
    printed = answers(PYTHONIOENCODING="ascii")
    assert printed.returncode == 0, printed.stderr
    assert b"? sgd-step: The step goes uphill" in printed.stdout


def test_a_python_without_docstrings_is_named():
    printed = answers(PYTHONOPTIMIZE="2")
    assert printed.returncode == 1
    assert b"start Python without -OO" in printed.stderr
