"""What a page's Python does with a reader's text, without a browser: the same as a notebook, word for word."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from course_lib.exercises import CHAPTERS, EXERCISES, check, hint, hints_given, on_page, sandbox, strict
from course_lib.exercises.surroundings import Printed, apart

ROOT = Path(__file__).resolve().parent.parent
STEP = "def sgd_step(x, g, s, lr):\n    "
CALL = 'check("sgd-step", sgd_step)'


class Alarm:
    """What a page's worker does: a signal after some seconds, and again from time to time."""

    called_off = threading.Event()

    def __call__(self, seconds):
        self.called_off.set()
        if seconds is not None:
            self.called_off = threading.Event()
            threading.Thread(target=self.ring, args=(self.called_off, seconds), daemon=True).start()

    def ring(self, called_off, seconds):
        for wait in itertools.chain([seconds, 0.2], itertools.repeat(0.001)):
            if called_off.wait(wait):
                return
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.fixture(autouse=True)
def on_a_page(tmp_path, monkeypatch):
    """Judged in the main thread, as where no other can be started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_PROGRESS_FILE", "")
    monkeypatch.setattr(sandbox, "alarm", None)
    hints_given.clear()
    alarm = Alarm()
    on_page.begin(alarm)
    yield
    alarm(None)
    hints_given.clear()


def judged(answer, id="sgd-step", call=CALL, progress="", hints="{}", **more):
    request = {"id": id, "answer": answer, "call": call, **more}
    return json.loads(on_page.judge(json.dumps(request), progress, hints))


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


# --------------------------------------------------------------------------- the same as in a notebook


@pytest.mark.parametrize(
    "line, status",
    [
        ("return x - lr * g", "passed"),
        ("return x + lr * g", "mistake"),
        ("return x - 1.5 * lr * g", "wrong"),
        ("return x - lr * g / 0", "wrong"),
        ("return 1 / 0", "error"),
        ("print('seen')\n    return x - lr * g", "passed"),
        ("raise NotImplementedError", "not-attempted"),
    ],
)
def test_the_card_is_that_of_the_notebook(line, status, monkeypatch):
    on_the_page = judged(STEP + line)
    space = {"np": np}
    cell = on_page.Cell(STEP + line, on_page.ANSWER)
    exec(cell.statements, space)
    monkeypatch.setattr(sandbox, "alarm", None)  # as a notebook: in a thread
    feedback = check("sgd-step", space["sgd_step"], enter=False)
    assert (on_the_page["status"], on_the_page["html"]) == (status, feedback._repr_html_())


def test_what_a_cell_shows_is_kept_apart_from_the_card():
    result = judged(STEP + "return x - lr * g\nprint('1 < 2')\nsgd_step(3.0, 2.0, None, 0.5)")
    assert result["output"] == "<pre>1 &lt; 2\n</pre><pre>2.0</pre>"
    assert result["status"] == "passed"


def test_functions_of_the_course_show_what_a_notebook_shows():
    result = judged(STEP + "return x - lr * g\nhint('sgd-step')")
    assert result["output"] == hint_card(1) and result["hints"] == {"sgd-step": 1}
    assert "1 of" in text_of(judged(STEP + "return x - lr * g\nprogress()", progress=result["progress"])["output"])
    checked = judged(STEP + f"return x + lr * g\n{CALL}")
    assert checked["output"] == checked["html"] and checked["status"] == "mistake"


def hint_card(number):
    hints_given.clear()
    return [hint("sgd-step") for _ in range(number)][-1]._repr_html_()


@pytest.mark.parametrize("name", sorted(on_page.OFFERED))
def test_names_are_there_without_an_import(name):
    assert judged(STEP + f"return x - lr * g\n_ = {name}")["status"] == "passed"


def test_a_name_is_imported_as_the_chapter_does_and_only_if_it_is_read():
    imports = {"root": "from course_lib.arrays import sqrt as root", "plt": "import no_such_module as plt"}
    assert judged(STEP + "return x - lr * root(g * g) * np.sign(g)", imports=imports)["status"] == "passed"
    missing = judged(STEP + "return plt.plot(x)", imports=imports)
    assert missing["status"] == "error" and "plt is not on this page" in " ".join(text_of(missing["html"]).split())


def test_cells_before_are_run():
    before = ["half = 0.5", "def double(x):\n    return 2 * x"]
    result = judged(STEP + "return x - half * double(lr * g)", before=before)
    assert result["status"] == "passed"


def test_check_is_the_real_one_whatever_the_text_calls_so():
    assert judged(STEP + "return x + lr * g\ncheck = print")["status"] == "mistake"


# ------------------------------------------------------------------------ what a notebook would not judge


def test_an_exception_of_the_cell_is_told_with_its_line():
    result = judged("one = 1\ntwo = one / 0\n")
    assert result["status"] == "error"
    assert "your line 2 two = one / 0" in text_of(result["html"])


@pytest.mark.parametrize(
    "text, told",
    [
        ("x = 1\nretur x", "SyntaxError"),
        ("def f():\nreturn 1", "IndentationError"),
        ("import no_such_module", "NumPy and the course's library alone"),
        ("other_step = 1", "no value to sgd_step"),
        ("x = undefined_name", "NameError"),
        ("raise SystemExit", "SystemExit"),
    ],
)
def test_a_text_that_cannot_be_checked_gets_a_card(text, told):
    result = judged(text)
    assert result["status"] == "error" and told in text_of(result["html"])


def test_a_cell_that_never_ends_is_stopped_with_its_line(monkeypatch):
    monkeypatch.setattr(EXERCISES["sgd-step"], "time_limit", 0.3)
    result = judged("n = 0\nwhile True:\n    n += 1")
    assert "stopped after 0.3 seconds" in text_of(result["html"])
    assert "your line 3 n += 1" in text_of(result["html"]) or "your line 2 while True:" in text_of(result["html"])


def test_a_function_that_never_ends_gets_the_card_of_the_notebook(monkeypatch):
    monkeypatch.setattr(EXERCISES["sgd-step"], "time_limit", 0.3)
    result = judged(STEP + "while True: pass")
    assert result["status"] == "error" and "your line 2 while True: pass" in text_of(result["html"])
    assert judged(STEP + "return x - lr * g")["status"] == "passed"


def test_last_words_are_the_cards_of_the_exercise():
    cards = json.loads(on_page.last_words("sgd-step"))
    assert "stopped after 3 seconds" in text_of(cards["stopped"]) and "os._exit" in text_of(cards["ended"])


# ------------------------------------------------------------------------------ what the page keeps


def test_progress_goes_in_and_out_in_the_form_of_the_notebooks_file():
    first = judged(STEP + "return x - lr * g")["progress"]
    assert json.loads(first) == {"version": 1, "exercises": {"sgd-step": "passed"}}
    later = judged(STEP + "return x + lr * g", progress=first)["progress"]
    assert later == first
    assert judged(STEP + "return x + lr * g")["progress"] != first


def test_hints_go_on_where_they_were():
    given = json.loads(on_page.give_hint("sgd-step", "", json.dumps({"sgd-step": 1})))
    assert given["hints"] == {"sgd-step": 2} and given["html"] == hint_card(2)


@pytest.mark.parametrize("kind", sorted({e.kind for e in EXERCISES.values() if not e.trains}))
def test_an_exercise_of_every_kind_can_be_made_ready(kind):
    id = next(id for id, exercise in EXERCISES.items() if exercise.kind == kind and not exercise.trains)
    on_page.prepare(id)
    assert on_page.last_words(id)


# --------------------------------------------------------------------- in the sandbox without a thread


@pytest.fixture
def no_thread(monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_what_c_code_prints_is_held_back_without_a_thread(no_thread, capfd):
    with apart() as held:
        os.write(1, b"seen")
    assert held.notes == ("your code printed: seen",)
    assert capfd.readouterr() == ("", "")


def test_held_back_outputs_leave_no_open_files(no_thread):
    def held_back():
        with apart():
            os.write(1, b"seen")
        return len(os.listdir("/proc/self/fd"))

    assert held_back() == held_back() == held_back()


def test_the_signals_handler_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    sandbox.run(lambda: 1, seconds=1)
    assert signal.getsignal(signal.SIGINT) is before


def test_printed_text_is_cut():
    printed = Printed()
    print("x" * 10_000, file=printed)
    assert len(printed.getvalue()) == 2_000 and isinstance(printed, io.StringIO)


# -------------------------------------------------------------- where the processor tells of no division by zero


ODD = [
    *["g / 0", "np.sqrt(-g * g - 1)", "np.log(-g * g - 1)", "np.log(0 * g)", "0 * g / (0 * g)", "np.exp(1e6 + g)"],
    *[
        "(-abs(g) - 1) ** 0.5",
        "g[0] / (g[0] - g[0])",
        "1 / np.mean(0 * g)",
        "(g / 1e-300) / 1e-300",
        "np.power(0 * g, -1)",
    ],
    *["np.sqrt(-lr)", "np.log(0.0)", "np.power(-lr, 0.5)", "np.divide(lr, 0)", "np.exp(1e4)"],
    *[
        "np.divide(g, 0)",
        "np.linalg.norm(g) / 0 * g",
        "g % 0",
        "np.float64(1) / (0 * g)",
        "np.sum(g) / 0 * g",
    ],
]


@pytest.mark.parametrize("change", ODD)
def test_the_cause_of_nan_is_the_same_without_the_processors_help(change, monkeypatch):
    text = STEP + f"return x - lr * ({change})"
    told = judged(text)["html"]
    monkeypatch.setattr(strict, "TELLS", False)
    assert judged(text)["html"] == told


def test_the_courses_own_root_of_a_number_is_watched(monkeypatch):
    text = "from course_lib.arrays import sqrt\n" + STEP + "return x - lr * sqrt(-lr) * g"
    told = judged(text)["html"]
    assert "sqrt(-lr)" in told
    monkeypatch.setattr(strict, "TELLS", False)
    assert judged(text)["html"] == told


def test_without_the_processors_help_nothing_is_claimed_that_was_not_seen(monkeypatch):
    text = STEP + "return x - lr * g * np.inf"
    assert "it stands in the code itself" in judged(text)["html"]
    monkeypatch.setattr(strict, "TELLS", False)
    assert "it stands in the code itself" not in judged(text)["html"]
    assert "It gives infinity: a division by zero, or" in judged(text)["html"]


def test_an_operation_in_place_is_watched():
    array = np.array([1.0, 2.0]).view(strict.Watched)
    array *= 2
    assert isinstance(array, strict.Watched) and array.tolist() == [2.0, 4.0]
    with pytest.raises(FloatingPointError, match="divide by zero encountered in divide"):
        array /= 0.0


def test_what_went_in_as_nan_may_come_out():
    assert np.isnan(np.sqrt(np.array([np.nan]).view(strict.Watched))).all()
    assert np.isinf(np.array([np.inf]).view(strict.Watched) + 1).all()


# ------------------------------------------------------------------------------- the chapters of a page

ENTERED = """
import json
from course_lib.exercises import CHAPTERS, EXERCISES, catalogue
at_first = list(EXERCISES)
catalogue.complete()
print(json.dumps([at_first, {n: [e.id for e in EXERCISES.values() if e.chapter == n] for n in CHAPTERS}]))
"""


@pytest.mark.parametrize("chapters", ["1", "6", "9 12"])
def test_a_page_starts_with_its_own_chapters_and_can_have_the_others(chapters):
    environment = {**os.environ, "COURSE_CHAPTERS": chapters, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", ENTERED], env=environment, capture_output=True, check=True, timeout=300
    )
    at_first, whole = json.loads(done.stdout)
    of_chapter = {n: [e.id for e in EXERCISES.values() if e.chapter == n] for n in CHAPTERS}
    assert at_first == [id for n in map(int, chapters.split()) for id in of_chapter[n]]
    assert whole == {str(n): ids for n, ids in of_chapter.items()}  # in the order of `progress()`


@pytest.mark.parametrize("line", ["progress()", "from course_lib import exercises", "check('adam-step', 0)"])
def test_who_asks_for_other_exercises_finds_all(line, monkeypatch):
    completed = []
    monkeypatch.setattr(on_page.catalogue, "complete", lambda: completed.append(line))
    judged(STEP + "return x - lr * g")
    assert completed == []
    judged(f"{line}\n{STEP}return x - lr * g")
    assert completed == [line]
