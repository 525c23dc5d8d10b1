"""The questions of chapter 13: what each answer gets to hear, and that the right ones agree with a run."""

import copy
import math

import numpy as np
import pytest

from course_lib.exercises import EXERCISES, check, stub
from course_lib.exercises.catalogue.ch13_questions import leaky_growth
from course_lib.exercises.engine import deviation


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def test_the_predicted_signal_is_what_ten_layers_give():
    rng = np.random.default_rng(0)
    ends = []
    for _ in range(12):
        signal = rng.standard_normal((200, 100))
        for _ in range(10):
            signal = signal @ rng.normal(0, 0.05, (100, 100))
        ends.append((signal**2).mean())
    assert math.sqrt(np.mean(ends)) == pytest.approx(0.5**10, rel=0.15)
    assert check("init-signal-factor", 0.5**10).passed


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [(0.25**10, "variance"), (0.5, "one-layer"), (0.05**10, "fan-in-forgotten"), (5.0, "layers-added")],
)
def test_typical_wrong_predictions_are_named(answer, mistake):
    assert check("init-signal-factor", answer).mistake == mistake


def test_the_right_scale_for_a_leaky_relu_keeps_the_signal():
    right = math.sqrt(1.6 / 200)
    assert leaky_growth(right) == pytest.approx(1, abs=0.2)
    assert check("init-measure-leaky", right).passed
    assert check("init-measure-leaky", np.float32(1.02 * right)).passed


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (math.sqrt(2 / 200), "he-kept"),
        (math.sqrt(1 / 200), "nothing-cut"),
        (math.sqrt(2 / (1.5 * 200)), "slope-not-squared"),
        (1.6 / 200, "variance-given"),
    ],
)
def test_scales_made_for_something_else_are_named(answer, mistake):
    assert check("init-measure-leaky", answer).mistake == mistake


@pytest.mark.parametrize(("answer", "word"), [(0.094, "grows"), (0.085, "fades"), (-1.0, "positive")])
def test_other_scales_are_told_what_they_do(answer, word):
    feedback = check("init-measure-leaky", answer)
    assert feedback.status == "wrong" and word in feedback.message


@pytest.mark.parametrize(("id", "right"), [("init-zero-quiz", "c"), ("weight-norm-dim-quiz", "b")])
def test_one_choice_of_a_quiz_is_right(id, right):
    assert [letter for letter in "abcd" if check(id, letter).passed] == [right]


def test_paddle_normalizes_what_the_quiz_says():
    from paddle import nn

    layers = {dim: nn.utils.weight_norm(nn.Linear(3, 2), dim=dim) for dim in (0, 1)}
    assert {dim: layer.weight_g.shape for dim, layer in layers.items()} == {0: [3], 1: [2]}


# ------------------------------------------------------------------------------ weights that are drawn


def test_a_constant_with_noise_as_printed_counts_as_not_attempted_and_half_a_repair_is_named():
    printed = stub("init-find-bug-constant")
    repairs = {
        printed: None,
        printed.replace("(shape[0], 1)", "shape"): "constant-kept",
        printed.replace("constant + noise", "0 * constant + noise"): "units-still-alike",
        printed.replace("constant + noise", "noise").replace("(shape[0], 1)", "shape"): "noise-too-small",
        printed.replace("constant + noise", "0 * constant + 10 * noise"): "units-still-alike",
    }
    for text, mistake in repairs.items():
        namespace = {"np": np}
        exec(text, namespace)
        feedback = check("init-find-bug-constant", namespace["first_weights"])
        assert (feedback.status, feedback.mistake) == ("mistake" if mistake else "not-attempted", mistake), feedback


@pytest.mark.parametrize(
    ("draw", "mistake", "words"),
    [
        (lambda n, m, rng: 1 + rng.normal(size=(1, m)) / 10, "units-still-alike", "constant is still there"),
        (lambda n, m, rng: 1 + rng.normal(size=(1, m)), "units-still-alike", "one number per unit"),
        (lambda n, m, rng: rng.normal(size=(1, m)) / 10, "units-still-alike", "one small number"),
        (lambda n, m, rng: np.sqrt(2 / n) * rng.normal(size=(n, 1)) / 10, "units-still-alike", "multiplied"),
        (lambda n, m, rng: np.sqrt(2 / n) * rng.normal(size=(n, m)), "variance-as-std", "variance"),
        (lambda n, m, rng: np.sqrt(n / m) * rng.normal(size=(n, m)), "fans-swapped", "n_out"),
        (lambda n, m, rng: np.sqrt(1 / 2) * rng.normal(size=(n, m)), "factor-two-missing", "factor 2"),
        (lambda n, m, rng: rng.random((n, m)), "rand-for-randn", "between 0 and a bound"),
        (lambda n, m, rng: rng.uniform(-1, 1, (n, m)), "uniform-instead", "uniformly"),
        (lambda n, m, rng: np.random.normal(size=(n, m)), "own-generator", "The given generator is not used"),
        (lambda n, m, rng: np.random.default_rng(0).normal(size=(n, m)), "own-generator", "fixed seed"),
    ],
)
def test_what_else_becomes_of_a_constant_with_noise_is_named(draw, mistake, words):
    feedback = check(
        "init-find-bug-constant", lambda shape, rng: np.sqrt(2 / shape[0]) * draw(*shape, rng) * np.ones(shape)
    )
    assert feedback.mistake == mistake and words in f"{feedback.title} {feedback.message}", feedback


@pytest.mark.parametrize("id", ["he-normal", "init-find-bug-constant"])
def test_a_list_of_rows_is_as_good_as_an_array(id):
    assert check(id, lambda shape, rng: rng.normal(0, np.sqrt(2 / shape[0]), shape).tolist()).passed


def test_one_number_for_each_unit_is_told_that_the_rank_is_one():
    feedback = check(
        "init-find-bug-constant", lambda shape, rng: np.sqrt(2 / shape[0]) * rng.normal(size=shape[1:]) * np.ones(shape)
    )
    assert feedback.mistake == "units-still-alike" and "rank is still 1" in feedback.message


RIGHT = {
    "xavier-uniform": lambda shape, rng: rng.uniform(-np.sqrt(6 / sum(shape)), np.sqrt(6 / sum(shape)), shape),
    "he-normal": lambda shape, rng: rng.normal(0, np.sqrt(2 / shape[0]), shape),
}


DEPENDENT = {
    "sorted": lambda weights: np.sort(weights, axis=None).reshape(weights.shape),
    "sorted downwards": lambda weights: -np.sort(-weights, axis=None).reshape(weights.shape),
    "each unit sorted": lambda weights: np.sort(weights, axis=0),
    "each input sorted": lambda weights: np.sort(weights, axis=1),
    "sorted, column by column": lambda weights: np.sort(weights, axis=None).reshape(weights.shape[::-1]).T,
    "all inputs alike": lambda weights: np.tile(weights[:1], (len(weights), 1)),
    "all units alike": lambda weights: np.tile(weights[:, :1], (1, weights.shape[1])),
    "each number twice": lambda weights: np.repeat(weights[:, ::2], 2, axis=1),
    "one half repeats the other": lambda weights: np.hstack([weights[:, ::2]] * 2),
    "one half mirrors the other": lambda weights: np.hstack([weights[:, ::2], -weights[:, ::2]]),
    "signs taking turns": lambda weights: np.abs(weights) * (-1) ** np.arange(weights.shape[1]),
}


@pytest.mark.parametrize("id", RIGHT)
@pytest.mark.parametrize("way", DEPENDENT)
def test_weights_that_depend_on_each_other_do_not_pass(id, way):
    feedback = check(id, lambda shape, rng: DEPENDENT[way](RIGHT[id](shape, rng)))
    assert feedback.status == "wrong" and feedback.details, feedback
    if "alike" not in way:  # a few hundred numbers have another distribution as well
        assert "on its own" in feedback.message or "beside" in feedback.message, feedback


@pytest.mark.parametrize("id", RIGHT)
def test_the_next_layer_must_get_other_weights(id):
    feedback = check(id, lambda shape, rng: RIGHT[id](shape, copy.deepcopy(rng)))
    assert feedback.status == "wrong" and "next layer" in feedback.message, feedback


@pytest.mark.parametrize("id", RIGHT)
@pytest.mark.parametrize(
    "drawn",
    [
        lambda right, shape, rng: np.asfortranarray(right(shape, rng))[::-1, ::-1],
        lambda right, shape, rng: rng.permutation(right(shape, rng).ravel()).reshape(shape),
        lambda right, shape, rng: np.float32(right(shape, rng)),
        lambda right, shape, rng: right(shape, np.random.default_rng(rng.integers(2**32))),
        lambda right, shape, rng: -right(shape, rng),
        lambda right, shape, rng: right(shape, rng) - right(shape, rng).mean() / 100,
    ],
)
def test_odd_ways_of_drawing_right_weights_pass(id, drawn):
    feedback = check(id, lambda shape, rng: drawn(RIGHT[id], shape, rng))
    assert feedback.passed, feedback


@pytest.mark.parametrize("id", RIGHT)
def test_right_weights_stay_far_inside_the_tolerance_whatever_the_numbers_drawn(id):
    exercise = EXERCISES[id]
    other_numbers = (
        lambda shape, rng, n=n: RIGHT[id](shape, np.random.default_rng([n, rng.integers(2**32)])) for n in range(12)
    )
    assert max(deviation(exercise.observe(draw), exercise.expected) for draw in other_numbers) < 0.8


PUBLIC_SLIPS = [
    ("xavier-uniform", lambda n, m: 6 / n + m, "brackets-missing", "and so is the root"),
    ("xavier-uniform", lambda n, m: np.sqrt(6 / n + m), "brackets-missing", "brackets"),
    ("xavier-uniform", lambda n, m: np.sqrt(3 / (n + m)), "three-for-six", "half of Xavier's variance"),
    ("xavier-uniform", lambda n, m: 1 / np.sqrt(m), "one-fan-only", "1/√n_out"),
    ("xavier-uniform", lambda n, m: np.sqrt(6) / np.sqrt(n) + np.sqrt(m), "brackets-missing", "below the fraction bar"),
    ("xavier-uniform", lambda n, m: 4 * np.sqrt(6 / (n + m)), "gain-of-the-sigmoid", "sigmoid"),
    ("xavier-uniform", lambda n, m: np.sqrt(6) / (n + m), "root-missing", "6 alone"),
    ("xavier-uniform", lambda n, m: np.sqrt(12 / (n + m)), "fans-multiplied", "mean of n_in and n_out"),
    ("he-normal", lambda n, m: np.sqrt(2 / (n * m)), "xavier-variance", "product"),
    ("he-normal", lambda n, m: np.sqrt(2 / n + m), "xavier-variance", "brackets"),
    ("he-normal", lambda n, m: np.sqrt(2) / n, "variance-as-std", "2 alone"),
    ("he-normal", lambda n, m: np.sqrt(6 / n), "bound-as-std", "bound of the uniform form"),
    ("he-normal", lambda n, m: np.sqrt(4 / (n + m)), "xavier-variance", "mean of n_in and n_out"),
    ("he-normal", lambda n, m: 0.01, "not-scaled", "0.01"),
]


@pytest.mark.parametrize(("id", "scale", "mistake", "words"), PUBLIC_SLIPS)
def test_what_public_code_has_for_the_scale_is_told_by_name(id, scale, mistake, words):
    def draw(shape, rng):
        a = scale(*shape)
        return rng.uniform(-a, a, shape) if id == "xavier-uniform" else rng.normal(0, a, shape)

    feedback = check(id, draw)
    assert feedback.mistake == mistake and words in feedback.title + feedback.message, feedback


@pytest.mark.parametrize(
    ("answer", "mistake", "words"),
    [
        (lambda shape, rng: rng.normal(size=shape) / np.sqrt(shape[0]), "normal-instead", "n_in alone"),
        (lambda shape, rng: rng.normal(size=shape) / np.sqrt(shape[0] / 2), "normal-instead", "He's"),
        (lambda shape, rng: rng.normal(0, 0.01, shape), "normal-instead", "0.01"),
        (lambda shape, rng: rng.random(shape) / np.sqrt(shape[0]), "only-positive", "n_in alone"),
    ],
)
def test_what_public_code_calls_xavier_is_told_by_name(answer, mistake, words):
    feedback = check("xavier-uniform", answer)
    assert feedback.mistake == mistake and words in feedback.title + feedback.message, feedback


def test_each_form_of_a_mistake_is_told_what_is_true_of_it():
    by_std = check("weight-norm", lambda v, g: g * v / np.std(v))
    assert by_std.mistake == "standardised" and "subtracted" not in by_std.title + by_std.message
    from_a_seed = check(
        "he-normal", lambda shape, rng: np.random.default_rng(1).normal(0, np.sqrt(2 / shape[0]), shape)
    )
    assert from_a_seed.mistake == "own-generator" and "fixed seed" in from_a_seed.title
    by_the_sum = check("weight-norm", lambda v, g: g * v / np.sum(v))
    assert by_the_sum.mistake == "sum-of-absolute-values" and "absolute" not in by_the_sum.title + by_the_sum.message


def he_std_of_field(field):
    return lambda shape: math.sqrt(2 / (shape[0] if len(shape) == 2 else shape[1] * field(shape)))


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("weight-norm", lambda v, g: g * v / max(np.linalg.norm(v), 1)),
        ("weight-norm", lambda v, g: g * v / np.sqrt(np.sum(v * v) + 1e-6)),
        ("weight-norm", lambda v, g: g * v / np.linalg.norm(v[:40])),
        ("weight-norm", lambda v, g: np.clip(g, -2, 3) * v / np.linalg.norm(v)),
        ("init-find-bug-fans", he_std_of_field(lambda shape: shape[2] ** (len(shape) - 2))),
        ("init-find-bug-fans", he_std_of_field(lambda shape: shape[-1] ** (len(shape) - 2))),
        ("init-find-bug-fans", he_std_of_field(lambda shape: math.prod(shape[2:4]))),
        ("he-normal", lambda shape, rng: rng.normal(0, np.sqrt(2 / (shape[0] + 1)), shape)),
    ],
)
def test_what_is_right_for_some_sizes_only_does_not_pass(id, answer):
    assert check(id, answer).status == "wrong"


@pytest.mark.parametrize("ends", [lambda a: (a, -a), lambda a: (a,)])
def test_ends_in_the_wrong_order_are_an_error_as_they_are_for_the_generator(ends):
    feedback = check("xavier-uniform", lambda shape, rng: rng.uniform(*ends(np.sqrt(6 / sum(shape))), size=shape))
    assert feedback.status == "error" and "the lower one comes first" in feedback.message


@pytest.mark.parametrize(
    ("id", "answer", "words"),
    [
        (
            "xavier-uniform",
            lambda shape, rng: rng.uniform(0, np.sqrt(6 / sum(shape)), shape),
            "All weights are positive",
        ),
        ("he-normal", lambda shape, rng: rng.normal(np.sqrt(2 / shape[0]), size=shape), "as the mean"),
        ("he-normal", lambda shape, rng: rng.normal(0, 1, shape), "not scaled"),
        ("he-normal", lambda shape, rng: rng.uniform(0, np.sqrt(2 / shape[0]), shape), "uniform between 0 and a bound"),
    ],
)
def test_arguments_of_the_generator_in_the_wrong_place_are_named(id, answer, words):
    feedback = check(id, answer)
    assert words in feedback.title and "rng.random" not in feedback.message
