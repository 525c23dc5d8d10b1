"""The engine behind the exercises: what it says, what it withstands, and what it leaves alone."""

import ast
import contextlib
import functools
import importlib
import inspect
import json
import os
import random
import re
import subprocess
import sys
import textwrap
import threading
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import paddle
import pytest

from course_lib import exercises
from course_lib.exercises import EXERCISES, check, hint, progress, quiz, record, reset, sandbox, stub
from course_lib.exercises.engine import Exercise, Implement
from course_lib.exercises.feedback import Feedback
from course_lib.exercises.functions import FunctionExercise
from course_lib.exercises.quiz import QuizExercise
from course_lib.exercises.steps import StepExercise

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def adam(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return x - lr * (s.m / (1 - beta1**s.t)) / (np.sqrt(s.v / (1 - beta2**s.t)) + epsilon)


# ------------------------------------------------------------------------------------- the verdicts


def test_stub_is_not_attempted():
    for id, exercise in EXERCISES.items():
        namespace = {"np": np}
        exec(stub(id), namespace)
        functions = [value for value in namespace.values() if getattr(value, "__globals__", None) is namespace]
        assert len(functions) <= 1
        cell = ast.parse(stub(id))
        if functions:
            answer = functions[0]
        elif isinstance(cell.body[-1].targets[0], ast.Tuple):
            answer = tuple(namespace[name.id] for name in cell.body[-1].targets[0].elts)
        else:
            answer = namespace[cell.body[-1].targets[0].id]
        assert check(id, answer).status == "not-attempted", (id, exercise.kind)


def test_passed():
    feedback = check("adam-step", adam)
    assert (feedback.status, feedback.mistake, feedback.id) == ("passed", None, "adam-step")
    assert feedback.passed


def test_mistake_is_named_and_explained():
    feedback = check("momentum-step", lambda x, g, s, lr, momentum: x - lr * g)
    assert (feedback.status, feedback.mistake) == ("mistake", "velocity-forgotten")
    assert "plain gradient descent" in feedback.message and feedback.hint


def test_wrong_names_step_parameter_values_and_state():
    def wrong(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
        new = adam(x, g, s, lr, beta1, beta2, epsilon)
        if s.t == 3:
            new.flat[2] += 0.25
            s.m = s.m + 1
        return new

    feedback = check("adam-step", wrong)
    details = dict(feedback.details)
    assert feedback.status == "wrong"
    assert details["first difference"].startswith("step 3 of the run with ordinary gradients")
    assert details["parameter"] == "x[2]"
    assert float(details["got"]) - float(details["expected"]) == pytest.approx(0.25, abs=1e-3)
    assert "`s.v` is right, `s.m` is not from step 3" in feedback.message


def test_wrong_with_right_state_says_so():
    def wrong(x, g, s, lr, momentum=0.9):
        s.velocity = momentum * s.velocity + g
        return x - 1.01 * lr * s.velocity

    feedback = check("momentum-step", wrong)
    assert feedback.status == "wrong" and "`s.velocity` is right" in feedback.message


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda x: None, "returns None"),
        (lambda x: list(x), "returns a list"),
        (lambda x: (x, x), "returns a tuple"),
        (lambda x: "0.1", "returns a str"),
        (lambda x: 1.0, "returns a float"),
        (lambda x: x > 0, "bool"),
        (lambda x: x + 0j, "complex"),
        (lambda x: x[:-1], "shape"),
        (lambda x: x[None], "shape"),
        (lambda x: x.astype(object), "object"),
        (lambda x: (value for value in x), "generator"),
        (lambda x: x * np.nan, "NaN"),
        (lambda x: x + np.inf, "infinity"),
    ],
)
def test_results_of_the_wrong_kind_are_wrong_and_named(result, words):
    feedback = check("adam-step", lambda x, g, s, lr, **hyper: result(x))
    assert feedback.status == "wrong"
    assert words in feedback.message


@pytest.mark.parametrize("answer", [None, 3, "adam", np.zeros(3), [], {}, object(), Implement])
def test_what_is_no_step_is_an_error_with_advice(answer):
    feedback = check("adam-step", answer)
    assert feedback.status == "error" and len(feedback.message) > 40


def test_a_number_too_large_for_a_float_is_infinite():
    assert ("got", "inf") in check("inverse-time-decay", lambda t, lr, gamma: 10**400).details
    assert ("got", "-inf") in check("inverse-time-decay", lambda t, lr, gamma: -(10**400)).details


def test_counting_from_zero_is_recognised_though_it_gives_only_nan():
    def early(x, g, s, lr, **hyper):
        s.t -= 1
        return adam(x, g, s, lr, **hyper)

    def own_counter(x, g, s, lr, **hyper):
        s.t = s.calls = getattr(s, "calls", -1) + 1
        return adam(x, g, s, lr, **hyper)

    assert check("adam-step", early).mistake == "step-number-one-behind"
    assert check("adam-step", own_counter).mistake == "step-number-one-behind"


# ---------------------------------------------------------------------------------------- exceptions


def raise_name(x, g, s, lr, **hyper):
    return x - lr * gradient


def raise_slot(x, g, s, lr, **hyper):
    s.momentum = s.momentum + g
    return x


def raise_inside(x, g, s, lr, **hyper):
    return _inner(x)


def _inner(x):
    return x.sqrtt()


def raise_local(x, g, s, lr, **hyper):
    m = 0.9 * m + g
    return m


def raise_shape(x, g, s, lr, **hyper):
    return x - lr * np.ones(17)


def raise_truth(x, g, s, lr, **hyper):
    return x if g > 0 else -x


def raise_call(x, g, s, lr, **hyper):
    return lr(g)


def raise_item(x, g, s, lr, **hyper):
    return s["m"]


def raise_stop(x, g, s, lr, **hyper):
    return next(iter(()))


def raise_zero(x, g, s, lr, **hyper):
    return x * (1 / (s.t - s.t))


@pytest.mark.parametrize(
    ("answer", "kind", "line", "meaning"),
    [
        (raise_name, "NameError", "return x - lr * gradient", "typo in `gradient`"),
        (raise_slot, "AttributeError", "s.momentum = s.momentum + g", "`s.m`, `s.v`, `s.t`"),
        (raise_inside, "AttributeError", "return x.sqrtt()", "`np.sqrt`"),
        (raise_local, "UnboundLocalError", "m = 0.9 * m + g", "`s.m`"),
        (raise_shape, "ValueError", "return x - lr * np.ones(17)", "element by element"),
        (raise_truth, "ValueError", "return x if g > 0 else -x", "np.where"),
        (raise_call, "TypeError", "return lr(g)", "`*` missing"),
        (raise_item, "TypeError", 'return s["m"]', "with a dot"),
        (raise_stop, "StopIteration", "return next(iter(()))", "used up"),
        (raise_zero, "ZeroDivisionError", "return x * (1 / (s.t - s.t))", "`s.t` is 1"),
    ],
)
def test_an_exception_is_shown_at_the_learners_line(answer, kind, line, meaning):
    feedback = check("adam-step", answer)
    label, text = feedback.details[1]
    assert feedback.status == "error"
    assert feedback.details[0][1].startswith(kind)
    assert text.startswith(line)
    own_file = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert own_file[int(label.split()[-1]) - 1].strip() == text
    assert meaning in feedback.message


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python 3.9 does not tell the name in a NameError")
def test_a_misspelt_name_is_guessed():
    def misspelt(x, g, s, lr):
        slope = g
        return x - lr * sloppe + slope

    assert "Did you mean `slope`?" in check("sgd-step", misspelt).message


def test_other_defaults_are_remarked_on():
    def step(x, g, s, lr, momentum=0.8):
        s.velocity = momentum * s.velocity + g
        return x - lr * s.velocity

    feedback = check("momentum-step", step)
    assert feedback.passed and "0.8" in feedback.notes[0] and "0.9" in feedback.notes[0]


def test_the_line_of_a_decorated_function_is_found():
    @functools.lru_cache
    def decay(t, lr, gamma):
        return lr / (1 + gama * t)

    label, text = check("inverse-time-decay", decay).details[1]
    assert label.startswith("your line") and text.startswith("return lr / (1 + gama * t)")


def test_the_line_of_a_notebook_cell_is_found():
    """IPython compiles a cell under a name of its own and puts its text into linecache."""
    import linecache

    cell = "def sgd_step(x, g, s, lr):\n    step = lr * slope\n    return x - step\n"
    linecache.cache["<cell 7>"] = (len(cell), None, cell.splitlines(True), "<cell 7>")
    namespace = {}
    exec(compile(cell, "<cell 7>", "exec"), namespace)
    assert check("sgd-step", namespace["sgd_step"]).details[1] == ("your line 2", "step = lr * slope")


def test_a_wrong_signature_is_an_error_that_names_what_is_missing():
    feedback = check("adam-step", lambda x, g, s, lr: x)
    assert feedback.status == "error" and "`beta1`, `beta2`, `epsilon`" in feedback.message
    feedback = check("sgd-step", lambda x, g, s, lr, power: x)
    assert feedback.status == "error" and "yours takes `x, g, s, lr, power`" in feedback.message
    assert check("sgd-step", lambda g, w, s, lr: w - lr * g).status == "error"  # what x is must not be guessed


@pytest.mark.parametrize("id", ["adm-step", "adam_step", "ADAM-STEP", "", "x" * 500, None, 7, adam])
def test_an_unknown_id_is_an_error_that_names_near_ones(id):
    feedback = check(id, adam)
    assert feedback.status == "error"
    if isinstance(id, str) and "dam" in id.lower():
        assert "`adam-step`" in feedback.message


def test_a_forgotten_answer_is_an_error():
    assert check("adam-step").status == "error"


def test_messages_hold_no_addresses_and_no_paths():
    def odd(x, g, s, lr, **hyper):
        raise ValueError(f"{object()} in {__file__}")

    text = repr(check("adam-step", lambda *a, **k: object() + 1)) + repr(check("adam-step", odd)).split("in /")[0]
    assert "0x" not in text


# --------------------------------------------------------------------------- what it must withstand


def loop(x, g, s, lr, **hyper):
    while True:
        pass


def loop_that_swallows(x, g, s, lr, **hyper):
    while True:
        try:
            x = x + 1
        except BaseException:
            continue


def loop_without_end_in_print(x, g, s, lr, **hyper):
    while True:
        print("still here")


@pytest.mark.parametrize("answer", [loop, loop_that_swallows, loop_without_end_in_print])
def test_an_endless_loop_is_stopped(answer, monkeypatch):
    monkeypatch.setattr(EXERCISES["adam-step"], "time_limit", 0.3)
    feedback = check("adam-step", answer)
    assert feedback.status == "error" and "stopped" in feedback.message
    assert len(repr(feedback)) < 1000


def loop_of_nothing():
    while True:
        pass


def loop_that_leaves_generators_behind():
    generators = [counting() for _ in range(50)]
    for generator in generators:
        next(generator)
    loop_of_nothing()


def counting():
    for number in range(10**9):
        with contextlib.suppress(ValueError):
            yield number


@pytest.mark.parametrize("endless", [loop_of_nothing, loop_that_leaves_generators_behind])
def test_no_interruption_arrives_where_nobody_catches_it(endless, monkeypatch):
    """Outside of the learner's code, or in a clean-up on the way out: its traceback would end on the page."""
    escaped = []
    monkeypatch.setattr(threading, "excepthook", escaped.append)
    monkeypatch.setattr(sys, "unraisablehook", escaped.append)
    for milliseconds in range(20):
        assert isinstance(sandbox.run(endless, seconds=milliseconds / 1000).error, sandbox.TimeLimit)
    assert escaped == []


def test_an_endless_loop_is_stopped_in_another_thread(monkeypatch):
    monkeypatch.setattr(EXERCISES["adam-step"], "time_limit", 0.3)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(check("adam-step", loop)), daemon=True)
    thread.start()
    thread.join(30)
    assert [feedback.status for feedback in seen] == ["error"]


def endless_recursion(x, g, s, lr, **hyper):
    return endless_recursion(x, g, s, lr, **hyper)


@pytest.mark.parametrize(
    "answer",
    [
        endless_recursion,
        lambda x, g, s, lr, **hyper: sys.exit(),
        lambda x, g, s, lr, **hyper: input("number?"),
        lambda x, g, s, lr, **hyper: np.zeros(10**14),
        lambda x, g, s, lr, **hyper: next(iter(())),
        lambda x, g, s, lr, **hyper: exec("raise KeyboardInterrupt"),
    ],
)
def test_hostile_answers_are_errors(answer):
    assert check("adam-step", answer).status == "error"


def test_an_object_that_cannot_even_be_looked_at_is_an_error():
    class Hostile:
        def __getattr__(self, name):
            raise RuntimeError(name)

        def __call__(self):
            raise RuntimeError

    for id in EXERCISES:
        assert check(id, Hostile()).status == "error"


def endless(*_):
    while True:
        pass


class EndlessWhenLookedAt:
    __getattr__ = endless

    def __call__(self, x, g, s, lr):
        return x - lr * g


class EndlessNumber(float):
    __float__ = endless


class EndlessText(Exception):
    __str__ = endless


def raise_endless_text(x, g, s, lr):
    raise EndlessText


@pytest.mark.parametrize(
    ("id", "make"),
    [
        ("sgd-step", EndlessWhenLookedAt),
        ("sgd-step", lambda: raise_endless_text),
        ("lr-first-step", lambda: EndlessNumber(2.4)),
        ("momentum-measure-limit", lambda: EndlessNumber(0.19)),
    ],
)
def test_a_check_ends_however_long_it_takes_to_look_at_the_answer(id, make, monkeypatch):
    monkeypatch.setattr(EXERCISES[id], "time_limit", 0.2)
    assert check(id, make()).status == "error"


def test_a_check_inside_of_the_answer_is_refused():
    """An answer that checks itself would start one check after another, without end."""

    def asking(x, g, s, lr):
        return x if check("lr-first-step", 2.4).passed else x - lr * g

    assert check("sgd-step", asking).passed


def test_prints_are_shown_shortened_and_not_let_through(capsys):
    def talking(x, g, s, lr):
        print("g is", g.shape)
        print("<b>bold</b>")
        return x - lr * g

    feedback = check("sgd-step", talking)
    assert feedback.passed and "g is (7,)" in feedback.notes[0]
    assert capsys.readouterr().out == ""
    assert "<b>bold" not in feedback._repr_html_()


# ------------------------------------------------------------------------------- what it leaves alone


def test_answers_may_change_what_they_are_given():
    def greedy(x, g, s, lr, momentum=0.9):
        s.velocity *= momentum
        s.velocity += g
        x -= lr * s.velocity
        g[...] = np.nan
        return x

    assert check("momentum-step", greedy).passed
    assert check("momentum-step", greedy).passed


def test_the_learners_own_objects_stay_as_they_are():
    history, settings, calls = [], {"lr": np.ones(2)}, np.zeros(1)

    def noting(x, g, s, lr, seen=history):
        seen.append(1)
        settings["lr"] += 1
        settings["new"] = 1
        calls[0] += 1
        noting.count = getattr(noting, "count", 0) + 1
        return x - lr * g

    assert check("sgd-step", noting).passed
    assert history == [] and settings.keys() == {"lr"} and (settings["lr"] == 1).all() and calls[0] == 0
    assert not hasattr(noting, "count")


def test_globals_of_the_notebook_stay_as_they_are():
    cell = "count = 0\ndef sgd_step(x, g, s, lr):\n    global count\n    count += 1\n    return x - lr * g\n"
    namespace = {}
    exec(cell, namespace)
    assert check("sgd-step", namespace["sgd_step"]).passed
    assert namespace["count"] == 0


CLASS_AND_GLOBAL_MEMORY = """
class Memory:
    v = 0

def by_class(x, g, s, lr, momentum=0.9):
    Memory.v = momentum * Memory.v + g
    return x - lr * Memory.v

class Counting:
    def __call__(self, x, g, s, lr, momentum=0.9):
        type(self).v = momentum * getattr(self, "v", 0) + g
        return x - lr * self.v

memory = [0]

class Method:
    def step(self, x, g, s, lr, momentum=0.9):
        memory[0] = momentum * memory[0] + g
        return x - lr * memory[0]

answers = {"class": by_class, "class of an object": Counting(), "global": Method().step}
"""


@pytest.mark.parametrize("memory", ["class", "class of an object", "global"])
def test_memory_in_classes_and_globals_is_recognised_and_put_back(memory):
    namespace = {}
    exec(CLASS_AND_GLOBAL_MEMORY, namespace)
    for _ in range(2):
        assert check("momentum-step", namespace["answers"][memory]).mistake == "state-outside-s"
    assert namespace["Memory"].v == 0 and namespace["memory"] == [0] and not hasattr(namespace["Counting"], "v")


def test_memory_is_recognised_in_a_function_for_tensors():
    notes = {}

    def by_closure(x, g, s, lr, momentum=0.9):
        notes["v"] = paddle.scale(notes.get("v", paddle.zeros_like(x)), momentum) + g
        return x - lr * notes["v"]

    assert check("momentum-step", by_closure).mistake == "state-outside-s"


def test_only_the_globals_that_a_function_reads_are_copied():
    """A large array of the notebook that shares its name with a slot costs no time."""
    copies = []

    class Large:
        def __deepcopy__(self, memo):
            copies.append(memo)

    namespace = {"velocity": Large(), "unit": [1.0]}
    exec("def step(x, g, s, lr, momentum):\n    s.velocity = momentum * s.velocity + unit[0] * g\n", namespace)
    check("momentum-step", namespace["step"])
    assert copies == []


@pytest.mark.parametrize("memory", ["default", "attribute", "closure", "object"])
def test_state_outside_of_s_is_recognised(memory):
    notes = {}

    def by_default(x, g, s, lr, momentum=0.9, memory={}):
        memory["v"] = momentum * memory.get("v", 0) + g
        return x - lr * memory["v"]

    def by_attribute(x, g, s, lr, momentum=0.9):
        by_attribute.v = momentum * getattr(by_attribute, "v", 0) + g
        return x - lr * by_attribute.v

    def by_closure(x, g, s, lr, momentum=0.9):
        notes["v"] = momentum * notes.get("v", 0) + g
        return x - lr * notes["v"]

    class AsObject:
        v = 0

        def __call__(self, x, g, s, lr, momentum=0.9):
            self.v = momentum * self.v + g
            return x - lr * self.v

    answers = {"default": by_default, "attribute": by_attribute, "closure": by_closure, "object": AsObject()}
    for _ in range(2):
        assert check("momentum-step", answers[memory]).mistake == "state-outside-s"


def test_a_schedule_that_counts_its_calls_is_recognised():
    calls = []

    def counting(t, lr, gamma):
        calls.append(t)
        return lr / (1 + gamma * (len(calls) - 1))

    for _ in range(2):
        assert check("inverse-time-decay", counting).mistake == "remembers-its-calls"


def test_random_generators_stay_as_they_are_and_give_the_same_verdict():
    def noisy(x, g, s, lr):
        return x - lr * g + 1e-3 * np.random.standard_normal(x.shape) * random.random()

    before = np.random.get_state()[1].copy(), random.getstate(), paddle.get_rng_state()[0].current_seed()
    texts = {repr(check("sgd-step", noisy)) for _ in range(3)}
    check("he-normal", lambda shape, rng: np.random.randn(*shape))
    after = np.random.get_state()[1], random.getstate(), paddle.get_rng_state()[0].current_seed()
    assert len(texts) == 1
    assert (before[0] == after[0]).all() and before[1:] == after[1:]


def test_verdicts_do_not_depend_on_the_order_of_calls():
    answers = [adam, lambda x, g, s, lr, **hyper: x, raise_name, loop_free, None]
    forwards = [repr(check("adam-step", answer)) for answer in answers]
    backwards = [repr(check("adam-step", answer)) for answer in reversed(answers)]
    assert forwards == backwards[::-1]


def loop_free(x, g, s, lr, **hyper):
    return x + lr


def test_numpy_settings_of_the_learner_stay_as_they_are():
    def strict(x, g, s, lr):
        np.seterr(all="raise")
        return x - lr * g

    before = np.geterr()
    assert check("sgd-step", strict).passed
    assert np.geterr() == before


# ---------------------------------------------------------------------------------- the other kinds


@pytest.mark.parametrize("answer", [2.4, np.float32(2.4), np.array([2.4]), paddle.to_tensor(2.4), 2.401])
def test_a_right_number_passes(answer):
    assert check("lr-first-step", answer).passed


def test_a_typical_wrong_number_is_named_and_others_get_a_direction():
    assert check("lr-first-step", 3.6).mistake == "uphill"
    assert check("lr-stability-limit", 0.02).mistake == "one-over-curvature"
    assert "Too large" in check("lr-first-step", 2.8).message
    assert "sign" in check("lr-first-step", -2.4).message
    assert "factor of ten" in check("lr-first-step", 9e9).message


@pytest.mark.parametrize("answer", ["2.4", True, [2.4], adam, np.zeros(3), float, 10**400, float("nan")])
def test_what_is_no_number_never_passes(answer):
    assert check("lr-first-step", answer).status in ("error", "wrong")


def test_every_typical_number_is_told_from_the_right_one_and_from_the_others():
    for exercise in EXERCISES.values():
        for typical in getattr(exercise, "typical", ()):
            assert check(exercise.id, typical.value).mistake == typical.id


def test_a_bug_left_in_place_counts_as_not_attempted_and_a_half_mended_one_is_named():
    namespace = {"np": np}
    exec(stub("lr-find-bug-sign"), namespace)
    assert check("lr-find-bug-sign", namespace["descend"]).status == "not-attempted"
    exec(stub("lr-find-bug-sign").replace("    lr = -lr  # downhill\n", ""), namespace)
    assert check("lr-find-bug-sign", namespace["descend"]).mistake == "all-points-the-same"
    exec(stub("lr-find-bug-sign").replace("x -= lr", "x = x - lr"), namespace)
    assert check("lr-find-bug-sign", namespace["descend"]).mistake == "still-uphill"


def test_a_search_is_examined_not_compared_with_a_number():
    from course_lib.exercises.catalogue.ch02_questions import digits_accuracy

    coarse, fine = [1e-3, 1e-2, 1e-1, 1.0, 10.0], [0.05, 0.2, 0.3, 0.5]
    measured = [digits_accuracy(lr) for lr in coarse + fine]
    searched = np.array(coarse + fine), np.array(measured)
    assert check("lr-measure-search", searched).passed
    assert check("lr-measure-search", (coarse, measured[:5])).mistake == "not-refined"
    assert check("lr-measure-search", (searched[0], 100 * searched[1])).mistake == "accuracy-in-percent"
    assert check("lr-measure-search", ([*coarse, 20, 30, 40], measured[:5] + [0.1] * 3)).mistake == "refined-elsewhere"
    assert check("lr-measure-search", (np.linspace(0.1, 1, 9), np.full(9, 0.9))).mistake == "no-coarse-grid"
    invented = [min(1.0, value + 0.055) for value in measured]
    assert check("lr-measure-search", (searched[0], invented)).mistake == "not-measured"
    for nonsense in (5, "text", ([1, 2], [1]), ([[1]], "ab"), (coarse, fine)):
        assert check("lr-measure-search", nonsense).status in ("error", "wrong")


def test_a_design_is_trained_and_reported():
    feedback = check("schedule-design", lambda t: 0.5 * (1 - t / 100))
    assert feedback.passed and re.search(r"accuracy +\d\d%", repr(feedback))
    assert check("schedule-design", lambda t: 0.1).mistake == "constant-rate"
    assert check("schedule-design", lambda t: 30.0).mistake == "diverges"
    assert check("schedule-design", lambda t: 0.003 * (t + 1)).mistake == "ends-high"
    assert check("schedule-design", lambda t: -0.1).mistake == "not-positive"
    assert check("schedule-design", lambda t: 1e-4 / (t + 1)).mistake == "too-small"


# --------------------------------------------------------------------------------------------- quiz


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


QUIZZES = [id for id, e in EXERCISES.items() if isinstance(e, QuizExercise)]


@pytest.mark.parametrize("id", QUIZZES)
def test_every_distractor_is_explained_and_one_choice_passes(id):
    verdicts = [check(id, letter) for letter in EXERCISES[id].choices]
    assert sorted(f.status for f in verdicts) == ["mistake"] * (len(verdicts) - 1) + ["passed"]
    assert all(len(f.message) > 40 for f in verdicts)
    assert check(id, "(A)") == verdicts[0]
    assert check(id, "z").status == check(id, 1).status == "error"


@pytest.mark.parametrize("id", QUIZZES)
def test_a_quiz_works_without_scripts_server_or_network(id):
    reader = _Reader()
    reader.feed(quiz(id)._repr_html_())
    tags = [tag for tag, _ in reader.tags]
    assert reader.open == []
    assert tags.count("details") == tags.count("summary") == len(EXERCISES[id].choices)
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert not any(name.startswith("on") or name in ("src", "href") for _, attrs in reader.tags for name in attrs)


def test_quiz_of_something_else_is_an_error():
    assert quiz("adam-step").status == quiz("nothing").status == "error"


# ------------------------------------------------------------------------------------------ feedback


def test_feedback_in_html_is_well_formed_escaped_and_announced():
    def nasty(x, g, s, lr):
        raise ValueError("<script>alert(1)</script> & `code`")

    for feedback in (check("sgd-step", nasty), check("sgd-step", adam), check("lr-first-step", 3.6), hint("sgd-step")):
        text = feedback._repr_html_()
        reader = _Reader()
        reader.feed(text)
        assert reader.open == [] and reader.tags[0] == ("div", {**reader.tags[0][1], "role": "status"})
        assert "<script" not in text
        assert "color:inherit" in text and not re.search(r"[^-]color:(?!inherit)", text)  # the theme's own text colour


def test_every_status_has_a_symbol_and_words_of_its_own():
    from course_lib.exercises.feedback import STATUSES

    symbols, words, _ = zip(*STATUSES.values())
    assert len(set(symbols)) == len(set(words)) == len(STATUSES) == 6


# ------------------------------------------------------------------------------------- hints, stubs


def test_hints_come_one_by_one_and_the_last_stays():
    reset("adam-step")
    seen = [hint("adam-step") for _ in range(5)]
    assert [f.title for f in seen] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    assert seen[0].message != seen[1].message != seen[2].message == seen[4].message
    reset("adam-step")
    assert hint("adam-step").title == "Hint 1 of 3"
    assert hint("no-such-thing").status == "error"


def code_lines(text):
    """Every part of ``text`` that is Python code doing something: assigning, returning, calling with arguments."""
    for part in re.split(r"[\n;]|, then ", text):
        try:
            tree = ast.parse(part.strip())
        except SyntaxError:
            continue
        if any(isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)) for node in ast.walk(tree)):
            yield part


def solution_lines(exercise):
    """The lines of the right function, without blanks; those too short to give anything away are left out."""
    reference = exercise.rule.rule if isinstance(exercise, StepExercise) else getattr(exercise, "reference", None)
    if reference is None:
        return
    for node in ast.parse(textwrap.dedent(inspect.getsource(reference)).strip()).body[0].body:
        line = re.sub(r"\s", "", ast.unparse(node))
        if len(line) > 12:
            yield line


@pytest.mark.parametrize("id", EXERCISES)
def test_no_hint_is_code_that_solves_the_exercise(id):
    exercise = EXERCISES[id]
    assert len(exercise.hints) >= 2
    for text in exercise.hints:
        assert not list(code_lines(text)), text
        for line in solution_lines(exercise):
            assert line not in re.sub(r"\s", "", text), line


@pytest.mark.parametrize("id", [id for id, e in EXERCISES.items() if isinstance(e, Implement)])
def test_a_stub_tells_what_is_asked_for(id):
    exercise = EXERCISES[id]
    tree = ast.parse(stub(id))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    text = ast.get_docstring(function)
    assert text and max(map(len, stub(id).splitlines())) <= 88 and len(stub(id).splitlines()) <= 20
    if exercise.unchanged is None:
        assert "Example" in text or exercise.kind == "design"
        assert ast.unparse(function.body[-1]) == "raise NotImplementedError"
        assert len(function.body) == 2
        for slot in exercise.slots:
            assert f"s.{slot}" in text
    if isinstance(exercise, FunctionExercise) and exercise.printed is None:
        for name in exercise.names:
            assert re.search(rf"\b{name}\b", text), name


def exercise_cells(path):
    """(stub cell, id) for every cell tagged ``exercise`` that is followed by a check."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for cell, following in zip(cells, cells[1:]):
        found = re.search(r'check\("([a-z0-9-]+)"', "".join(following["source"]))
        if "exercise" in cell["metadata"].get("tags", []) and found:
            yield "".join(cell["source"]), found.group(1)


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("[0-9i]*.ipynb")), ids=lambda path: path.stem)
def test_the_cells_of_chapters_and_landing_page_are_the_stubs(path):
    for source, id in exercise_cells(path):
        assert id in EXERCISES, id
        assert source.strip() == stub(id).strip(), id


# ------------------------------------------------------------------------------------------ progress


def test_progress_is_kept_and_reset(own_progress_file):
    check("sgd-step", lambda x, g, s, lr: x - lr * g)
    check("adam-step", loop_free)
    check("lr-first-step", None)
    kept = json.loads(own_progress_file.read_text())
    assert kept["exercises"] == {"adam-step": "tried", "sgd-step": "passed"}
    text = repr(progress())
    assert "✓ sgd-step" in text and "◐ adam-step" in text and "○ lr-first-step" in text
    assert "1 of" in text and "<table" in progress()._repr_html_()
    check("sgd-step", loop_free)
    assert "✓ sgd-step" in repr(progress())
    assert "○ sgd-step" in repr(reset("sgd-step"))
    assert "✓" not in repr(reset())


def test_progress_says_how_many_are_done_and_leads_to_the_next(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    check("sgd-step", lambda x, g, s, lr: x - lr * g)
    assert repr(progress()).startswith(f"1 of {len(EXERCISES)} done · next: lr-first-step (chapter 1)\n")
    assert "<a " not in progress()._repr_html_()
    reset()
    assert f"0 of {len(EXERCISES)} done · next: sgd-step (chapter 1)\n" in repr(progress())
    monkeypatch.chdir(Path(__file__).resolve().parents[1] / "chapters")  # their notebooks tell the order, and the place
    assert f"0 of {len(EXERCISES)} done · next: lr-first-step (chapter 1)\n" in repr(progress())
    assert '<a href="01_learning_rate.ipynb#cell-id=01-learning-rate-' in progress()._repr_html_()
    all_passed = record.Progress(dict.fromkeys(EXERCISES, "passed"))
    assert repr(all_passed).startswith(f"{len(EXERCISES)} of {len(EXERCISES)} done\n")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 1}', '{"cells": [{"source": null}]}', '{"cells": []}'])
def test_a_notebook_that_cannot_be_read_hides_no_progress(monkeypatch, tmp_path, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "01_learning_rate.ipynb").write_text(content)
    assert "done · next: sgd-step (chapter 1)" in repr(progress())


def test_stubs_and_hints_leave_no_file(own_progress_file):
    check("sgd-step", raise_not_implemented)
    hint("sgd-step")
    progress()
    assert not own_progress_file.exists()


def raise_not_implemented(x, g, s, lr):
    raise NotImplementedError


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'"exercises"', b'{"exercises": 5}', b'{"exercises": {"a": "b"}}', b"\xff\xfe\x00"),
        *(b'{"exercises": {"a": ["passed"]}}', b'{"exercises": {}, "version": "?"}', b'{"exercises": {}, "more": NaN}'),
        *(b"[" * 100_000 + b"]" * 100_000, b'{"exercises": {}, "version": ' + 5_000 * b"9" + b"}"),
    ],
    ids=lambda content: content[:12],
)
def test_a_damaged_file_is_set_aside_and_named(own_progress_file, content):
    own_progress_file.write_bytes(content)
    feedback = check("sgd-step", loop_free)
    assert "progress.damaged-1.json" in feedback.notes[0]
    assert own_progress_file.with_name("progress.damaged-1.json").read_bytes() == content
    assert json.loads(own_progress_file.read_text())["exercises"] == {"sgd-step": "tried"}
    own_progress_file.write_bytes(content)
    progress()
    assert own_progress_file.with_name("progress.damaged-2.json").exists()


def test_a_damaged_file_that_cannot_be_set_aside_is_not_overwritten(own_progress_file, monkeypatch):
    own_progress_file = own_progress_file.with_name("x" * 255)  # no longer name is possible
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(own_progress_file))
    own_progress_file.write_text("{")
    for result in (check("sgd-step", loop_free), progress(), reset()):
        assert "is damaged and could not be set aside: File name too long" in result.notes[0]
    assert own_progress_file.read_text() == "{"


def test_what_a_file_holds_beside_the_entries_is_kept(own_progress_file):
    content = {"exercises": {"an-exercise-of-later": "passed"}, "learner": {"name": "学习者"}}
    own_progress_file.write_text(json.dumps(content), encoding="utf-8-sig")
    assert check("sgd-step", loop_free).notes == ()
    kept = json.loads(own_progress_file.read_text(encoding="utf-8"))
    entries = {"an-exercise-of-later": "passed", "sgd-step": "tried"}
    assert kept == {"version": 1, "exercises": entries, "learner": {"name": "学习者"}}


@pytest.mark.parametrize(
    "exercises",
    [{"sgd-step": "passed", "adam-step": {"tries": 3}}, [["sgd-step", 1.0]]],
    ids=["readable", "unreadable"],
)
def test_a_file_of_a_later_version_is_shown_and_left_as_it_is(own_progress_file, exercises):
    own_progress_file.write_text(json.dumps({"version": 2, "exercises": exercises, "more": 1}))
    before = own_progress_file.read_bytes()
    feedback = check("momentum-step", loop_free)
    assert "progress.json was written by a later version of the course" in feedback.notes[0]
    assert ("✓ sgd-step" in repr(progress())) == isinstance(exercises, dict)
    for table in (progress(), reset("sgd-step"), reset()):
        assert repr(table).count("later version") == 1
    assert own_progress_file.read_bytes() == before
    assert list(own_progress_file.parent.iterdir()) == [own_progress_file]


def links_in_a_circle(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, links_in_a_circle])
@pytest.mark.parametrize("name", ["progress.json", "progress.json/within"])
def test_what_is_no_file_leaves_a_note_and_the_verdict(own_progress_file, monkeypatch, make, name):
    make(own_progress_file)
    if make is os.mkdir and "/" in name:
        make(own_progress_file / "within")
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(own_progress_file.parent / name))
    feedback = check("sgd-step", lambda x, g, s, lr: x - lr * g)
    assert feedback.passed and "progress could not be" in feedback.notes[0]
    for table in (progress(), reset()):
        assert "progress could not be" in repr(table)
    assert list(own_progress_file.parent.iterdir()) == [own_progress_file]


@pytest.mark.parametrize("value", ["/", "~/../.."])
def test_a_folder_without_a_name_is_no_file(monkeypatch, value):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", value)
    assert "progress could not be read from" in check("sgd-step", loop_free).notes[0]


def test_a_place_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_PROGRESS_FILE", "~/course/progress.json")
    check("sgd-step", loop_free)
    assert (tmp_path / "course" / "progress.json").exists()


def test_a_link_to_the_file_stays_a_link(own_progress_file, tmp_path):
    own_progress_file.symlink_to(tmp_path / "elsewhere.json")
    check("sgd-step", loop_free)
    (tmp_path / "elsewhere.json").write_text("damaged")
    assert "set aside as elsewhere.damaged-1.json" in check("sgd-step", loop_free).notes[0]
    assert own_progress_file.is_symlink()
    assert json.loads((tmp_path / "elsewhere.json").read_text())["exercises"] == {"sgd-step": "tried"}


SOLUTIONS = sorted((ROOT / "chapters" / "solutions").glob("*.ipynb"))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_leave_the_learners_progress_alone(own_progress_file, path):
    """Wherever they run, and whatever the variable says: each takes the check that enters nothing."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    tree = ast.parse("".join(cells[0]["source"]))
    imported = {name.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names}
    module = importlib.import_module(imported["check"])
    check("sgd-step", loop_free)
    assert module.check("sgd-step", lambda x, g, s, lr: x - lr * g).passed
    assert module.check("adam-step", loop_free).status == "wrong"
    assert json.loads(own_progress_file.read_text())["exercises"] == {"sgd-step": "tried"}


def test_notebooks_at_work_at_the_same_time_do_not_undo_each_others_progress(own_progress_file):
    ids = list(EXERCISES)[:24]
    start = threading.Barrier(len(ids))

    def enter(id):
        start.wait()
        record.enter(Feedback(id, "passed", ""))

    notebooks = [threading.Thread(target=enter, args=[id]) for id in ids]
    for notebook in notebooks:
        notebook.start()
    for notebook in notebooks:
        notebook.join()
    assert json.loads(own_progress_file.read_text())["exercises"] == dict.fromkeys(sorted(ids), "passed")


def test_a_file_that_cannot_be_read_is_not_overwritten(own_progress_file, monkeypatch):
    check("sgd-step", loop_free)
    kept = own_progress_file.read_bytes()

    def locked(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", locked)
    assert "could not be read" in check("adam-step", loop_free).notes[0]
    assert own_progress_file.read_bytes() == kept


def test_an_unwritable_place_leaves_a_note_and_the_verdict(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "file" / "progress.json"))
    feedback = check("sgd-step", lambda x, g, s, lr: x - lr * g)
    assert feedback.passed and "could not be" in feedback.notes[0]
    assert "could not be" in repr(progress())
    assert str(tmp_path) not in repr(feedback)


def test_the_default_place_is_the_learners_folder(tmp_path):
    program = textwrap.dedent("""
        from course_lib.exercises import check
        def sgd_step(x, g, s, lr): return x - lr * g
        print(check("sgd-step", sgd_step))
    """)
    environment = {k: v for k, v in os.environ.items() if k != "COURSE_PROGRESS_FILE"}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert "✓ sgd-step: Passed" in done.stdout, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".course_progress.json"]


def test_the_public_names_are_documented():
    for name in ("check", "hint", "progress", "quiz", "reset", "stub"):
        assert getattr(exercises, name).__doc__


# -------------------------------------------------------------------------------------- the registry


def test_an_id_can_be_given_only_once():
    with pytest.raises(ValueError, match="sgd-step"):
        Exercise("sgd-step", chapter=1, title="again", hints=("a", "b"))


def test_the_example_in_contributing_is_an_exercise(tmp_path, monkeypatch):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = re.search(r"## An exercise\n.*?```python\n(.*?)```", text, re.DOTALL).group(1)
    (tmp_path / "example_of_an_exercise.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        import example_of_an_exercise as example

        assert check("exponential-decay", lambda t, lr, gamma: lr * np.exp(t * np.log(gamma))).passed
        assert check("exponential-decay", example.product_for_power.versions[0]).mistake == "product-for-power"
        assert stub("exponential-decay").endswith('"""\n    raise NotImplementedError')
    finally:
        EXERCISES.pop("exponential-decay", None)
