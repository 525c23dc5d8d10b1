"""What a card says about code that fails: only what is there, and at which line."""

import importlib
import re

import numpy as np
import paddle
import pytest

from course_lib.exercises import EXERCISES, check, hint, quiz, reset, stub
from course_lib.exercises.catalogue import ch13_questions
from course_lib.exercises.diagnosis import COMMON_CAUSES, OTHER_NAMES, explain, numpy_function
from course_lib.exercises.engine import Implement
from course_lib.exercises.functions import FunctionExercise


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def answer_of(signature, body):
    """A function as a learner writes it, with NumPy and Paddle at hand; its text is known, as in a notebook."""
    namespace = {"np": np, "paddle": paddle}
    exec(f"def answer({signature}):\n    {body}", namespace)
    return namespace["answer"]


def decay(body):
    """What is said about the body of an ``inverse_time_decay``: an exercise without ``s``."""
    return check("inverse-time-decay", answer_of("t, lr, gamma", body))


def step(body, id="adam-step"):
    return check(id, answer_of("x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8", body))


# ------------------------------------------------------------------------------------------ exceptions

IN_A_SCHEDULE = [
    ("return lr / (1 + gama * t)", "typo in `gama`"),
    ("return lr / (1 + s.m * t)", "no `s` in this exercise; its arguments are `t`, `lr`, `gamma`"),
    ("return lr * sqrt(gamma)", "`np.sqrt`"),
    ("return lr * log(gamma) + nan", "`np.log`"),
    ("return lr^2", "write `**`"),
    ("return np.ones(2)^2", "write `**`"),
    ("return paddle.to_tensor([lr])^2", "write `**`"),
    ("return np.ones(2).item()", "holds no more than one"),
    ("return 2**(t^lr)", "write `**`"),
    ("return lr @ gamma", "with `*`"),
    ("return [1, 2][t * 0.5]", "a whole number, neither a float nor a text"),
    ("return np.ones(3)[t * 0.5]", "a whole number or a slice, neither a float nor a text"),
    ("return np.ones(3)['a']", "neither a float nor a text"),
    ("return np.ones(3)[np.ones(2)]", "neither a float nor a text"),
    ("return [1, 2][5]", "beyond the end"),
    ("return np.ones(3)[3]", "beyond the end"),
    ("return np.ones(3)[1, 2]", "More indices than axes"),
    ("return np.ones(3).sum()[0]", "single number"),
    ("return np.array(3.0)[0]", "single number: it has no elements to pick"),
    ("return paddle.to_tensor(3.0)[0]", "single number: it has no elements to pick"),
    ("with paddle.no_grad: return lr", "are its brackets missing"),
    ("return {}['m']", "no such key"),
    ("return lr['m']", "single number"),
    ("return max(lr)", "single number"),
    ("x, y = lr; return x", "single number"),
    ("return len(lr)", "single number"),
    ("return np.sqrt[lr]", "round brackets"),
    ("return np.zeros(3).norm()", "`np.linalg.norm`"),
    ("return np.zeros(3).subtract_(1)", "`np.subtract`"),
    ("return np.zeros(3).mul(1)", "`np.multiply`"),
    ("return np.norm(lr)", "`np.linalg.norm`"),
    ("return np.float64(lr).clamp(0)", "`np.clip`"),
    ("return lr.sqrt()", "`np.sqrt`"),
    ("import math; return math.sqr(lr)", "`math.sqrt`"),
    ("return lr / t", "divided by 0. The step `t` counts from 0."),
    ("return lr * epoch", "The argument is called `t` here."),
    ("return np.max(np.ones(3), np.ones(3))", "`np.maximum(a, b)`"),
    ("return [i for i in range(np.ones(3))]", "An array stands where a single whole number is needed"),
    ("return np.zeros(3, 2)", "in one pair of brackets"),
    ("return np.random.default_rng(0).standard_normal(3, 2)", "in one pair of brackets"),
    ("return lr * np.ones(3).min", "call it, with brackets"),
    ("return lr * len", "call it, with brackets"),
    ("return len * lr", "call it, with brackets"),
    ("lr = lr * gamma,\n    return lr * 0.5", "a tuple, which a comma at the end of a line makes"),
    ("return np.random.default_rng(0).normal(0, -1, 3)", "deviation is never negative"),
    ("return np.concatenate([np.ones(2), np.ones((2, 2))])", "`np.ravel`"),
    ("return np.stack([np.ones(2), np.ones(3)])", "`np.ravel`"),
    ("return np.linalg.norm(np.ones(3), axis=1)", "no such axis"),
    ("return np.ones(0)[0]", "no elements at all"),
    ("return np.dot(np.ones((2, 3)), np.ones(2))", "not `@` or `dot`"),
    ("return np.PI * lr", "`np.pi`"),
    ("return np.ones(3).Sum()", "`np.sum`"),
    ("return np.squareroot(lr)", "`np.sqrt`"),
    ("return np.grad(np.ones(3))", "`np.gradient`"),
    ("import math; return math.cosine(lr)", "`math.cos`"),
    ("import math; return math.squareroot(lr)", "`math.sqrt`"),
    ("return np.ones(3).index(1)", "`np.argmin`"),
    ("m = m * lr; return m", "`m` is used before it has a value"),
    ("return lr * (lambda: later)(); later = 1", "`later` is used before it has a value"),
    ("return range(lr)", "whole number"),
    ("return np.zeros(lr)", "whole number"),
    ("return np.power(lr)", "`power` is called with other arguments"),
    ("return 'a' + 1", "is a text"),
    ("return [lr] + 1", "A list or a text"),
    ("return lr < 'a'", "have no order"),
    ("x, y = 1, 2, 3; return x", "as many values on the right as names on the left"),
    ("return np.reshape(lr, (2, 3))", "room for more or fewer elements"),
    ("return np.ones(3) @ np.ones(2)", "with `*`, not `@`"),
    ("return np.ones(3) + np.ones(2)", "element by element"),
    ("return float('abc')", "text is no number"),
    ("import math; return math.sqrt(-1)", "root of a negative number"),
    ("return int(np.nan)", "NaN cannot become a whole number"),
    ("return open('nowhere')", "no files"),
    ("import nowhere", "not installed"),
    ("from math import sqroot", "nothing of this name"),
    ("return paddle.sqrt(lr)", "there is NumPy's own"),
    ("raise ValueError", "without a message"),
    ("raise KeyboardInterrupt", "interrupted"),
]


@pytest.mark.parametrize(("body", "words"), IN_A_SCHEDULE)
def test_an_explanation_fits_and_speaks_of_nothing_that_is_not_there(body, words):
    feedback = decay(body)
    assert feedback.status == "error" and words in feedback.message
    if "no `s`" not in words:
        assert not re.search(r"\bs\.|`s`|namespace|beta|shape must work|course_lib", feedback.message)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return x - lr * v", "State is read from `s`: is `s.v` meant?"),
        ("return x / (1 - beta1**t)", "State is read from `s`: is `s.t` meant?"),
        ("return x - lr * grad", "variable of another cell. The argument is called `g` here."),
        ("return x / eps", "The argument is called `epsilon` here."),
        ("s.m = s.momentum + g", "`s.m`, `s.v`, `s.t`"),
        ("m = 0.9 * m + g", "read as `s.m`"),
        ("w = 0.9 * w + g", "`w` is used before it has a value: it is assigned to in this function."),
        ("return s['m']", "`s.m`, not `s['m']`"),
        ("return {}['m']", "`s.m`, not `s['m']`"),
        ("return 1 / (s.t - 1)", "`s.t` is 1 at the first step"),
        ("return x[0, 0]", "Arrays of any shape must work."),
        ("return np.zeros(x.shape[1])", "Arrays of any shape must work."),
    ],
)
def test_a_step_is_told_of_its_state(body, words):
    assert words in step(body).message


@pytest.mark.parametrize("name", ["torch", "self", "optimizer"])
def test_a_name_that_is_no_state_is_not_called_state(name):
    assert "State" not in step(f"return x - lr * {name}.sqrt(g)").message


def test_a_division_by_zero_speaks_of_step_0_only_there():
    body = "import math; return lr * math.log(2, t_mult)"
    feedback = check("sgdr", answer_of("t, lr, t_0, t_mult=1, eta_min=0.0", body))
    assert "`t_mult` = 1" in feedback.message and "counts from 0" not in feedback.message


@pytest.mark.parametrize("id", [id for id, exercise in EXERCISES.items() if isinstance(exercise, Implement)])
def test_whoever_hands_over_a_result_is_told_the_name_of_the_function(id):
    name = stub(id).split("(")[0].removeprefix("def ")
    assert f"check({id!r}, {name})`, not `{name}(…)`" in check(id, 1.0).message


@pytest.mark.parametrize("id", [id for id, exercise in EXERCISES.items() if isinstance(exercise, FunctionExercise)])
def test_an_answer_without_optional_arguments_is_asked_at_least_once(id):
    exercise = EXERCISES[id]
    assert not exercise.cases or any(not set(case.arguments) & set(exercise.optional) for case in exercise.cases)


def test_what_is_printed_is_not_returned():
    assert "What is printed is not returned" in step("return print(x - lr * g)").message


def test_a_step_without_slots_is_told_of_none():
    feedback = check("sgd-step", answer_of("x, g, s, lr", "return x - lr * s.velocity"))
    assert "holds `s.t`;" in feedback.message


def test_every_function_that_is_suggested_exists():
    names = [*OTHER_NAMES, *dir(paddle.Tensor), *dir(paddle), "sqrtt", "maximun", "squeze", "norms", "expo"]
    suggestions = {numpy_function(name, guess) for name in names for guess in (True, False)} - {None}
    assert len(suggestions) > 100
    for suggestion in suggestions:
        owner, _, name = suggestion.replace("np.", "numpy.", 1).rpartition(".")
        assert hasattr(importlib.import_module(owner), name), suggestion


def test_explanations_hold_no_function_that_does_not_exist():
    texts = [decay(body).message for body, _ in IN_A_SCHEDULE] + [meaning for _, _, meaning in COMMON_CAUSES]
    for suggestion in re.findall(r"`(np\.[\w.]+)", " ".join(texts)):
        assert eval(suggestion, {"np": np}) is not None


def test_what_nothing_is_known_of_gets_no_explanation():
    assert explain(Exception("odd")) == explain(TypeError("odd")) == explain(ValueError("odd")) == ""


def test_a_message_without_the_places_of_files():
    assert "/" not in dict(decay("from math import sqroot").details)["exception"]


def test_an_exception_that_cannot_tell_its_text_is_an_error_at_its_line():
    class Mute(Exception):
        def __str__(self):
            raise ValueError

    def raising(t, lr, gamma):
        raise Mute

    feedback = check("inverse-time-decay", raising)
    assert feedback.details[0] == ("exception", "Mute") and feedback.details[1][1] == "raise Mute"


# -------------------------------------------------------------------------------------- half-written


def half_written(x, g, s, lr):
    x = x - lr * g
    raise NotImplementedError


def written_below(x, g, s, lr):
    raise NotImplementedError
    return x - lr * g


def calls_another_stub(x, g, s, lr):
    return another_stub(x)


def another_stub(x):
    """Not written yet."""
    raise NotImplementedError


@pytest.mark.parametrize("answer", [half_written, written_below, calls_another_stub])
def test_a_stubs_line_that_still_stands_is_named(answer):
    feedback = check("sgd-step", answer)
    assert feedback.status == "error" and "remove it" in feedback.message
    if answer is not calls_another_stub:
        assert ("raise NotImplementedError") in dict(feedback.details).values()


@pytest.mark.parametrize(
    "body", ["raise NotImplementedError", "'''Say what.'''\n    raise NotImplementedError('later')"]
)
def test_a_stub_is_not_attempted_though_its_text_is_gone(body):
    assert check("sgd-step", answer_of("x, g, s, lr", body)).status == "not-attempted"


def test_a_half_written_function_is_told_though_its_text_is_gone():
    body = "x = x - lr * g\n    raise NotImplementedError"
    assert "remove it" in check("sgd-step", answer_of("x, g, s, lr", body)).message


# ------------------------------------------------------------------------------------ NaN and infinity


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("lr * g / np.sqrt(0 * g)", "The infinity comes from a division by zero"),
        ("lr * np.sqrt(-g * g)", "The NaN comes from the root of a negative number: is a bracket missing?"),
        ("lr * np.log(-g * g)", "The NaN comes from the logarithm of a negative number"),
        ("lr * np.log(0 * g)", "The infinity comes from the logarithm of 0"),
        ("lr * (-g * g)**0.3", "to the power of a fraction"),
        ("lr * (0 * g) / (0 * g)", "The NaN comes from 0 divided by 0"),
        ("np.nan * g", "began the NaN: it stands in the code itself."),
        ("np.inf + g", "began the infinity: it stands in the code itself."),
        ("np.exp(1e6 + g)", "The infinity comes from a number too large"),
    ],
)
def test_the_origin_of_nan_is_told(change, words):
    feedback = check("sgd-step", answer_of("x, g, s, lr", f"return x - {change}"))
    assert feedback.status == "wrong" and words in feedback.message
    assert ("itself" in words) != any(label == "your line 2" for label, _ in feedback.details)
    assert "epsilon" not in feedback.message and "ε" not in feedback.message and "beta" not in feedback.message


def test_a_slip_of_precedence_under_the_root_is_no_division_by_zero():
    body = "s.v = beta2 * s.v + (1 - beta2) * g * g; return x - lr * g / np.sqrt(s.v / 1 - beta2**s.t)"
    message = step(body).message
    assert "root of a negative number: is a bracket missing?" in message and "zero" not in message


def early_without_epsilon(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return x - lr * g / np.sqrt(0 * s.v / (1 - beta2**s.t))


def divided_by_nothing(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return x - lr * g / 0


def test_a_division_by_zero_is_told_of_what_stands_in_its_line():
    message = check("adam-step", early_without_epsilon).message
    assert "a division by zero" in message and "what is ε for?" in message and "if t starts at 0" in message
    message = check("adam-step", divided_by_nothing).message
    assert message.endswith("comes from a division by zero.")


def test_for_tensors_the_origin_of_nan_is_asked_not_told():
    message = check("sgd-step", lambda x, g, s, lr: paddle.subtract(x, paddle.log(-g * g))).message
    assert "It gives NaN: a division by zero, or the root of a negative number?" in message


# ---------------------------------------------------------------------------------------- endless loops


def spinning(x, g, s, lr):
    while True:
        x = x + 0


def spinning_inside(x, g, s, lr):
    return _spin(x)


def _spin(x):
    return spinning(x, x, None, 0.1)


def swallowing(x, g, s, lr):
    while True:
        try:
            x = x + 0
        except BaseException:
            continue


@pytest.mark.parametrize("answer", [spinning, spinning_inside, swallowing])
def test_the_line_of_an_endless_loop_is_shown(answer, monkeypatch):
    monkeypatch.setattr(EXERCISES["sgd-step"], "time_limit", 0.2)
    feedback = check("sgd-step", answer)
    (label, text), *_ = feedback.details
    assert "after 0.2 seconds" in feedback.message and label.startswith("your line")
    assert text in ("while True:", "x = x + 0", "try:", "continue", "except BaseException:")


def test_what_cannot_be_interrupted_is_told_truly(monkeypatch):
    monkeypatch.setattr(EXERCISES["sgd-step"], "time_limit", 0.1)
    namespace = {}
    exec("import time\ndef waiting(x, g, s, lr):\n    time.sleep(3)\n", namespace)
    feedback = check("sgd-step", namespace["waiting"])
    assert feedback.details[0][0] == "your line 3" and "could not be stopped" in feedback.message
    assert "goes on in the background" in feedback.notes[0] and "swallows" not in feedback.notes[0]


# ------------------------------------------------------------------------------------- friendly words


@pytest.mark.parametrize("function", [check, hint, quiz, stub])
def test_without_an_id_there_is_a_friendly_word(function):
    feedback = function()
    assert feedback.status == "error" and f'{function.__name__}("sgd-step"' in feedback.message


@pytest.mark.parametrize("id", [[], {}, 3, object(), np.zeros(2)])
def test_what_is_no_id_gets_a_friendly_word(id):
    for function in (check, hint, quiz, reset):
        assert "comes first and is text" in function(id).message
    with pytest.raises(KeyError, match="comes first and is text"):
        stub(id)


# --------------------------------------------------------------------------------------------- remarks


@pytest.mark.parametrize(
    ("id", "signature", "body", "remark"),
    [
        ("inverse-time-decay", "t, lr, gamma=0.9", "return lr / (1 + gamma * t)", "`gamma` is 0.9, the stub has none"),
        ("sgd-step", "x, g, s, lr=0.1", "return x - lr * g", "`lr` is 0.1, the stub has none"),
    ],
)
def test_a_default_of_ones_own_is_remarked_on(id, signature, body, remark):
    feedback = check(id, answer_of(signature, body))
    assert feedback.passed and remark in feedback.notes[0]
    assert check(id, answer_of(re.sub(r"=[\d.]+", "", signature), body)).notes == ()


# ------------------------------------------------------------------------------- kinds of right answers


def test_a_wrong_distribution_shows_where_it_differs_most():
    right = EXERCISES["he-normal"].reference

    def cut_at_the_ends(shape, rng):
        draws = right(shape, rng)
        return np.clip(draws, -1.3 * draws.std(), 1.3 * draws.std())

    labels = [label for label, _ in check("he-normal", cut_at_the_ends).details]
    assert {"5% lie below", "95% lie below"} < set(labels) and "50% lie below" not in labels


def test_a_list_of_numbers_is_as_good_as_an_array_of_them():
    def rates(lr, gamma, every, epochs):
        return [lr * gamma ** (epoch // every) for epoch in range(epochs)]

    assert check("decay-find-bug", rates).passed
    assert "is needed" in check("decay-find-bug", lambda lr, gamma, every, epochs: [lr]).message
    assert check("decay-find-bug", lambda lr, gamma, every, epochs: ["a"] * epochs).status == "wrong"


RIGHT_NUMBERS = {
    "momentum-measure-limit": 0.19,
    "adam-measure-beta2": 0.47,
    "one-cycle-mean-rate": None,
    "init-measure-leaky": 0.0894,
    "wd-measure-half-life": 138,
    **{id: exercise.value for id, exercise in EXERCISES.items() if exercise.kind == "predict"},
}
KINDS = {
    "0-d array": lambda value: np.array(value, dtype=float),
    "one-element array": lambda value: np.array([[value]], dtype=float),
    "32 bits": np.float32,
    "0-d tensor": lambda value: paddle.to_tensor(float(value)),
    "one-element tensor": lambda value: paddle.to_tensor([float(value)], dtype="float64"),
    "tensor.numpy()": lambda value: paddle.to_tensor(float(value)).numpy(),
}


def right_number(id):
    if id != "one-cycle-mean-rate":
        return RIGHT_NUMBERS[id]
    from course_lib.optimizer.lr import OneCycleLR

    return OneCycleLR(0.3, 200, three_phase=True).at(np.arange(200)).mean()


@pytest.mark.parametrize("id", RIGHT_NUMBERS)
def test_a_right_number_passes_in_whatever_holds_it(id, monkeypatch):
    monkeypatch.setattr(ch13_questions, "leaky_growth", lambda std: 1.0)  # what takes seconds to measure
    for kind, give in KINDS.items():
        assert check(id, give(right_number(id))).passed, kind


@pytest.mark.parametrize("id", RIGHT_NUMBERS)
def test_raw_bits_texts_and_truth_values_are_no_numbers(id):
    bits = paddle.to_tensor([1.5, 2.5]).astype("bfloat16")[:1].numpy()
    for answer in (bits, str(right_number(id)), True):
        assert check(id, answer).status == "error", answer
    assert "raw bits" in check(id, bits).message


def test_every_exercise_that_asks_for_a_number_is_tried():
    lists_instead = {"lr-measure-search", "curve-diagnosis"}
    asked = {id for id, exercise in EXERCISES.items() if exercise.kind in ("predict", "measure")}
    assert asked == set(RIGHT_NUMBERS) | lists_instead


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensors_of_all_precisions_are_read_as_numbers(dtype):
    x = paddle.to_tensor([0.5, 2.0]).astype(dtype)
    from course_lib.exercises.engine import as_array

    assert as_array(x, (2,)).tolist() == [0.5, 2.0]


def test_a_sparse_tensor_is_refused_with_advice():
    answer = answer_of("x, g, s, lr", "return paddle.to_tensor(x - lr * g).to_sparse_coo(1)")
    assert "`.to_dense()`" in check("sgd-step", answer).message
    for id in ("lr-first-step", "momentum-measure-limit"):
        assert check(id, paddle.to_tensor([2.4]).to_sparse_coo(1)).status == "error"


def test_raw_bits_of_a_step_are_refused_with_advice():
    answer = answer_of("x, g, s, lr", "return paddle.to_tensor(x - lr * g).astype('bfloat16').numpy()")
    assert ".astype('float32')" in check("sgd-step", answer).message
