"""The measured half-life of chapter 11 is what a run gives, and other numbers are told apart."""

import math

import numpy as np
import pytest

from course_lib import data, models, optimizer, training
from course_lib.exercises import check, stub


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def half_life(method, steps=160):
    images = data.load("digits")
    unused = (images.train.images.reshape(len(images.train), -1) == 0).all(axis=0)
    model, sizes = models.mlp(images, seed=0), []

    def look(step, model, rule):
        sizes.append(np.abs(model.parameters()[0].numpy()[unused]).mean())

    rule = method(learning_rate=0.01, weight_decay=0.5, parameters=model.parameters())
    training.fit(model, rule, images, steps=steps, evaluate_every=steps, callback=look)
    return int(np.argmax(np.array(sizes) < sizes[0] / 2))


def test_the_half_life_that_a_run_gives_passes_and_that_of_l2_is_recognised():
    assert check("wd-measure-half-life", half_life(optimizer.AdamW)).passed
    assert check("wd-measure-half-life", half_life(optimizer.Adam, steps=40)).mistake == "l2-instead"


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (1, "lr-forgotten"),
        (2, "lr-forgotten"),
        (math.log(2) / (0.01 * 0.01), "default-decay"),
        (math.log(2) / (0.001 * 0.5), "default-rate"),
        (1 / (0.01 * 0.5), "time-constant"),
    ],
)
def test_typical_wrong_half_lives_are_named(answer, mistake):
    assert check("wd-measure-half-life", answer).mistake == mistake


@pytest.mark.parametrize("answer", [20, 130, 150, -139, float("nan")])
def test_other_numbers_do_not_pass(answer):
    assert check("wd-measure-half-life", answer).status == "wrong"


@pytest.mark.parametrize("answer", ["139", check])
def test_what_is_no_number_is_an_error(answer):
    assert check("wd-measure-half-life", answer).status == "error"


def test_the_printed_bug_counts_as_not_attempted_and_half_a_repair_is_named():
    namespace, printed = {"np": np}, stub("wd-find-bug")
    exec(printed, namespace)
    assert check("wd-find-bug", namespace["descent_with_decay"]).status == "not-attempted"
    exec(printed.replace("        x = shrink * x", "        x = (1 - lr * weight_decay) * x"), namespace)
    assert check("wd-find-bug", namespace["descent_with_decay"]).mistake == "step-decayed-too"


def adam(x, g, s, lr, beta1, beta2, epsilon):
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return lr / (1 - beta1**s.t) * s.m / (np.sqrt(s.v / (1 - beta2**s.t)) + epsilon)


@pytest.mark.parametrize(
    ("decay", "mistake", "words"),
    [
        (lambda x, lr, share: 2 * lr * share * x, "decay-doubled", "twice"),
        (lambda x, lr, share: lr * share, "constant-decay", "same number"),
        (lambda x, lr, share: lr * share * np.sign(x), "decay-by-the-sign", "L1"),
        (lambda x, lr, share: lr * share * x / 2, "decay-halved", "half"),
    ],
)
def test_wrong_decays_of_public_code_are_named(decay, mistake, words):
    def adamw_step(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
        return x - decay(x, lr, weight_decay) - adam(x, g, s, lr, beta1, beta2, epsilon)

    def sgdw_step(x, g, s, lr, weight_decay=0.01, momentum=0.9):
        s.velocity = momentum * s.velocity + g
        return x - decay(x, lr, weight_decay) - lr * s.velocity

    for id, step in (("adamw-step", adamw_step), ("sgdw-step", sgdw_step)):
        feedback = check(id, step)
        assert feedback.mistake == mistake and words in feedback.title + feedback.message, feedback


def test_a_decay_of_the_new_x_without_lr_is_told_both():
    def sgdw_step(x, g, s, lr, weight_decay=0.01, momentum=0.9):
        s.velocity = momentum * s.velocity + g
        x = x - lr * s.velocity
        return x - weight_decay * x

    feedback = check("sgdw-step", sgdw_step)
    assert feedback.mistake == "decay-without-lr" and "after the step" in feedback.title


def test_a_step_that_only_decays_is_not_told_that_it_changes_nothing():
    feedback = check("sgdw-step", lambda x, g, s, lr, weight_decay=0.01, momentum=0.9: (1 - lr * weight_decay) * x)
    assert feedback.mistake == "parameter-unchanged" and "Only the decay" in feedback.title


def test_a_decay_that_is_cut_off_does_not_pass():
    def descent(x, gradients, lrs, weight_decay):
        for g, lr in zip(gradients, lrs):
            x = np.clip(1 - lr * weight_decay, 0, 1) * x - lr * g
        return x

    assert check("wd-find-bug", descent).status == "wrong"
