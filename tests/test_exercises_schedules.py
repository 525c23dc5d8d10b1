"""Answers to the exercises on schedules, range tests and learning rates that are nearly right, and some that are."""

import math

import numpy as np
import pytest

from course_lib.exercises import EXERCISES, check
from course_lib.exercises.catalogue.ch02_questions import digits_accuracy


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def one_cycle_with_top(top_of):
    def one_cycle(t, max_lr, total_steps, divide_factor=25.0, end_learning_rate=1e-4, phase_pct=0.3):
        top, end = top_of(phase_pct * total_steps), total_steps - 1
        if t <= top:
            return max_lr + (max_lr / divide_factor - max_lr) * (1 + math.cos(math.pi * t / top)) / 2
        share = (t - top) / (end - top)
        return end_learning_rate + (max_lr - end_learning_rate) * (1 + math.cos(math.pi * share)) / 2

    return one_cycle


def warm_up_then_cosine_from_step_zero(t, max_lr, total_steps, div=25.0, end=1e-4, pct=0.3):
    if t <= pct * total_steps - 1:
        return one_cycle_with_top(lambda steps: steps - 1)(t, max_lr, total_steps, div, end, pct)
    return end + 0.5 * (max_lr - end) * (1 + math.cos(math.pi * t / (total_steps - 1)))


def sgdr_with(cycle_of):
    """As PyTorch computes it, with ``cycle_of(x, base)`` for the number of the cycle."""

    def sgdr(t, lr, t_0, t_mult=1, eta_min=0.0):
        if t_mult == 1:
            t_cur, t_i = t % t_0, t_0
        else:
            n = int(cycle_of(t / t_0 * (t_mult - 1) + 1, t_mult))
            t_cur = t - t_0 * (t_mult**n - 1) / (t_mult - 1)
            t_i = t_0 * t_mult**n
        return eta_min + (lr - eta_min) * (1 + math.cos(math.pi * t_cur / t_i)) / 2

    return sgdr


def sgdr_recursive(t, lr, t_0, t_mult=1, eta_min=0.0):
    if t >= t_0:
        return sgdr_recursive(t - t_0, lr, t_0 * t_mult, t_mult, eta_min)
    return eta_min + (lr - eta_min) * math.cos(math.pi * t / t_0 / 2) ** 2


def sgdr_by_a_corrected_logarithm(t, lr, t_0, t_mult=1, eta_min=0.0):
    cycle = t // t_0 if t_mult == 1 else round(math.log(t / t_0 * (t_mult - 1) + 1, t_mult))
    begin = t_0 * sum(t_mult**k for k in range(cycle))
    if t < begin:
        cycle -= 1
        begin -= t_0 * t_mult**cycle
    return eta_min + (lr - eta_min) * (1 + math.cos(math.pi * (t - begin) / (t_0 * t_mult**cycle))) / 2


def plan_by_a_reciprocal(lr, gamma, every, epochs):
    return np.array([lr * gamma ** int(epoch * (1 / every)) for epoch in range(epochs)])


def momentum_clipped(lowest, highest):
    def cycled_momentum(rates, low, high, most, least):
        share = np.clip((rates - low) / (high - low), lowest, highest)
        return most + (least - most) * share

    return cycled_momentum


def clipped_momentum_itself(rates, low, high, most, least):
    return np.clip(most - (most - least) * (rates - low) / (high - low), least, most)


# ------------------------------------------------------------------------------------ what is right

RIGHT = [
    ("step-decay", lambda t, lr, step_size, gamma: lr * gamma ** math.floor(t / step_size)),
    ("one-cycle", one_cycle_with_top(lambda steps: steps - 1)),
    ("sgdr", sgdr_with(lambda x, base: math.log(x, base) + 1e-9)),
    ("sgdr", sgdr_by_a_corrected_logarithm),
    ("sgdr", sgdr_recursive),
    ("triangular", lambda t, base, top, step: np.interp(t % (2 * step), [0, step, 2 * step], [base, top, base])),
    ("momentum-cycle-find-bug", clipped_momentum_itself),
    (
        "gradient-norm",
        lambda gradients: np.sqrt(sum(np.linalg.norm(g, "fro") ** 2 for g in map(np.atleast_2d, gradients))),
    ),
    ("lr-range-test", lambda losses, lrs: lrs[np.argmin(losses)] / 8),
    ("lr-range-test", lambda losses, lrs: lrs[:-1][np.argmin(np.diff(losses) / np.diff(np.log(lrs)))]),
]


@pytest.mark.parametrize(("id", "answer"), RIGHT)
def test_right_answers_pass(id, answer):
    feedback = check(id, answer)
    assert feedback.passed, feedback


# ------------------------------------------------------------------------------- what is nearly right

NAMED = [
    ("one-cycle", "top-rounded-down", one_cycle_with_top(lambda steps: int(steps) - 1)),
    ("one-cycle", "top-rounded-down", one_cycle_with_top(lambda steps: round(steps - 1))),
    ("one-cycle", "top-rounded-down", one_cycle_with_top(lambda steps: math.ceil(steps) - 1)),
    ("one-cycle", "phases-one-step-too-long", one_cycle_with_top(int)),
    ("one-cycle", "cosine-not-restarted", warm_up_then_cosine_from_step_zero),
    ("sgdr", "found-by-a-logarithm", sgdr_with(math.log)),
    ("step-decay", "multiplies-by-a-reciprocal", lambda t, lr, size, gamma: lr * gamma ** math.floor(t * size**-1)),
    ("lr-range-test", "slope-per-rate", lambda losses, lrs: lrs[np.argmin(np.diff(losses) / np.diff(lrs))]),
    ("lr-range-test", "exponent-instead-of-rate", lambda losses, lrs: math.log10(lrs[np.argmin(losses)] / 10)),
    ("lr-range-test", "middle-of-the-range", lambda losses, lrs: np.median(lrs)),
    ("lr-range-test", "middle-of-the-range", lambda losses, lrs: math.exp(np.mean(np.log(lrs)))),
    ("momentum-cycle-find-bug", "runs-on-above-the-top", momentum_clipped(0, None)),
    ("momentum-cycle-find-bug", "runs-on-below-the-foot", momentum_clipped(None, 1)),
]


def decayed(drops):
    """A rate that has dropped ``drops(step, every, per_epoch)`` times."""
    return lambda step, lr, gamma, every, per_epoch: lr * gamma ** drops(step, every, per_epoch)


def pieces(up, down):
    """A warm-up by ``up(share)`` and a fall by ``down(share)``, each of the share of its own steps."""

    def rate(t, lr, warmup_steps, total_steps):
        if t < warmup_steps:
            return lr * up(t / warmup_steps)
        return lr * down((t - warmup_steps) / (total_steps - warmup_steps))

    return rate


def half_cosine(share):
    return (1 + np.cos(np.pi * share)) / 2


NAMED_AS = [
    ("decay-epochs-find-bug", "ten", decayed(lambda step, n, m: step // m // 10)),
    ("decay-epochs-find-bug", "remainder", decayed(lambda step, n, m: step // m % n)),
    ("decay-epochs-find-bug", "multiplied by", decayed(lambda step, n, m: step // m * n)),
    ("decay-epochs-find-bug", "only once", decayed(lambda step, n, m: step // m >= n)),
    ("decay-epochs-find-bug", "too many", decayed(lambda step, n, m: step // m // n + 1)),
    ("decay-epochs-find-bug", "Epoch 0 counts", decayed(lambda step, n, m: sum(e % n == 0 for e in range(step // m)))),
    ("decay-epochs-find-bug", "nearest", decayed(lambda step, n, m: round(step / n / m))),
    ("decay-epochs-find-bug", "rounded up", decayed(lambda step, n, m: math.ceil(step / n / m))),
    ("decay-epochs-find-bug", "one mini-batch early", decayed(lambda step, n, m: (step + 1) // (n * m))),
    ("decay-epochs-find-bug", "one epoch late", decayed(lambda step, n, m: max(step // m - 1, 0) // n)),
    ("decay-epochs-find-bug", "one epoch late", decayed(lambda step, n, m: (step // m - 1) // n)),
    ("decay-epochs-find-bug", "one mini-batch late", decayed(lambda step, n, m: (step - 1) // (n * m))),
    ("decay-epochs-find-bug", "very first one", decayed(lambda step, n, m: step // m % n == 0)),
    ("decay-epochs-find-bug", "comes back", decayed(lambda step, n, m: step // m * (step // m % n == 0))),
    ("decay-epochs-find-bug", "comes back", decayed(lambda step, n, m: step // m // n * (step // m % n == 0))),
    (
        "decay-epochs-find-bug",
        "begins at 0",
        lambda step, lr, gamma, every, per_epoch: lr * gamma * (step // per_epoch // every),
    ),
    (
        "decay-epochs-find-bug",
        "factor alone",
        lambda step, lr, gamma, every, per_epoch: gamma ** (step // per_epoch // every),
    ),
    (
        "warmup-find-bug",
        "upside down",
        lambda t, lr, warmup_steps, total_steps: lr * (1 - np.cos(np.pi * t / total_steps)) / 2,
    ),
    ("warmup-find-bug", "a cosine, too", pieces(lambda share: 1 - half_cosine(share), half_cosine)),
    ("warmup-find-bug", "down in a line", pieces(lambda share: share, lambda share: 1 - share)),
    ("warmup-find-bug", "quarter", pieces(lambda share: share, lambda share: np.cos(np.pi * share / 2))),
    (
        "warmup-find-bug",
        "lr is missing",
        lambda t, lr, warmup_steps, total_steps: (
            t / warmup_steps if t < warmup_steps else pieces(None, half_cosine)(t, lr, warmup_steps, total_steps)
        ),
    ),
    (
        "warmup-find-bug",
        "does not rise",
        lambda t, lr, warmup_steps, total_steps: (
            lr / warmup_steps if t < warmup_steps else pieces(None, half_cosine)(t, lr, warmup_steps, total_steps)
        ),
    ),
    (
        "warmup-find-bug",
        "one step short",
        lambda t, lr, warmup_steps, total_steps: (
            np.linspace(0, lr, warmup_steps)[t]
            if t < warmup_steps
            else pieces(None, half_cosine)(t, lr, warmup_steps, total_steps)
        ),
    ),
    (
        "warmup-find-bug",
        "arrives one step early",
        lambda t, lr, warmup_steps, total_steps: (
            lr * t / warmup_steps
            if t < warmup_steps
            else pieces(None, half_cosine)(t, lr, warmup_steps, total_steps - 1)
        ),
    ),
    (
        "warmup-find-bug",
        "begins with the warm-up",
        lambda t, lr, warmup_steps, total_steps: (
            lr * t / warmup_steps if t < warmup_steps else lr * half_cosine(t / (total_steps - warmup_steps))
        ),
    ),
]


@pytest.mark.parametrize(("id", "words", "answer"), NAMED_AS)
def test_slips_in_a_mended_program_are_told_in_words_that_are_true(id, words, answer):
    feedback = check(id, answer)
    assert feedback.status == "mistake" and words in f"{feedback.title}. {feedback.message}", feedback


@pytest.mark.parametrize(("id", "mistake", "answer"), NAMED)
def test_nearly_right_answers_are_named(id, mistake, answer):
    feedback = check(id, answer)
    assert feedback.mistake == mistake, feedback


REFUSED = [
    ("sgdr", sgdr_with(lambda x, base: math.log10(x) / math.log10(base))),
    ("sgdr", sgdr_with(lambda x, base: math.log(x) * (1 / math.log(base)))),
    ("decay-find-bug", plan_by_a_reciprocal),
    ("step-decay", lambda t, lr, size, gamma: max(lr * gamma ** (t // size), 1e-7)),
]


@pytest.mark.parametrize(("id", "answer"), REFUSED)
def test_other_nearly_right_answers_do_not_pass(id, answer):
    assert not check(id, answer).passed


def test_what_is_no_positive_learning_rate_is_shown_as_it_is():
    assert ("got", "-0.25") in check("lr-range-test", lambda losses, lrs: -0.25).details
    assert ("got", "0") in check("lr-range-test", lambda losses, lrs: 0.0).details


@pytest.mark.parametrize("place", np.linspace(0, 1, 21))
def test_no_fixed_place_in_the_range_is_the_place_of_the_steepest_descent(place):
    assert not check("lr-range-test", lambda losses, lrs: lrs[round(place * (len(lrs) - 1))]).passed
    assert not check("lr-range-test", lambda losses, lrs: lrs[0] * 10 ** (5.5 * place)).passed
    assert not check("lr-range-test", lambda losses, lrs: lrs[-1] / 10 ** (5.5 * place)).passed
    assert not check("lr-range-test", lambda losses, lrs: 10.0 ** (5 * place - 4)).passed


CUTS = {
    "five decimals": lambda value: np.round(value, 5),
    "cut off": lambda value: np.trunc(np.asarray(value) * 1e5) / 1e5,
    "five digits": np.vectorize(lambda value: float(f"{value:.5g}")),
}
SCHEDULES = ["step-decay", "inverse-time-decay", "cosine-decay", "warmup", "sgdr", "triangular", "one-cycle"]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("id", [*SCHEDULES, "decay-find-bug"])
def test_rounded_results_are_named(id, cut):
    right = EXERCISES[id].reference
    feedback = check(id, lambda *arguments, **options: CUTS[cut](right(*arguments, **options)))
    assert feedback.mistake == "rounded", feedback


@pytest.mark.parametrize("id", ["sgd-step", "momentum-step", "adam-step", "radam-step"])
def test_steps_that_round_their_result_are_named(id):
    right = EXERCISES[id].reference
    feedback = check(id, lambda x, g, s, lr, **hyper: np.round(right(x, g, s, lr, **hyper), 5))
    assert feedback.mistake == "rounded", feedback


def test_a_wrong_result_is_not_called_rounded():
    assert check("step-decay", lambda t, lr, step_size, gamma: round(lr * 0.9**t, 5)).status == "wrong"
    assert check("step-decay", lambda t, lr, step_size, gamma: lr).mistake != "rounded"


def test_a_schedule_that_turns_negative_does_not_pass_even_if_it_gets_there():
    assert check("schedule-design", lambda t: 0.5 * (1 - t / 97)).mistake == "not-positive"
    assert check("schedule-design", lambda t: 0.5 * (1 - t / 99)).passed  # zero at the end


# ------------------------------------------------------------------------------------------ a search


def searched(*lrs):
    return list(lrs), [digits_accuracy(lr) for lr in lrs]


COARSE, FINE = (0.01, 0.1, 1.0, 10.0), (0.2, 0.3, 0.5, 2.0)


def test_a_good_search_passes_in_any_order():
    assert check("lr-measure-search", searched(*reversed(COARSE), *FINE)).passed
    assert check("lr-measure-search", searched(*COARSE, 1000.0, *FINE)).passed  # a look at where it diverges
    assert check("lr-measure-search", searched(*COARSE, *FINE, 0.2, 1.0)).passed  # some of them run twice
    assert check(
        "lr-measure-search", searched(0.001, 0.01, 0.1, 1.0, *FINE, 10.0)
    ).passed  # the edge, once seen, explored


def test_rates_that_repeat_count_once():
    assert check("lr-measure-search", searched(0.1, 1.0, 1.0, 10.0, *FINE)).mistake == "no-coarse-grid"
    assert check("lr-measure-search", searched(*COARSE, 0.3, 0.3, 0.3)).mistake == "not-refined"
    assert (
        check("lr-measure-search", searched(*COARSE, 0.5, 0.5, 0.5, 0.001, 0.002, 0.003)).mistake == "refined-elsewhere"
    )


def test_the_neighbours_of_the_best_power_of_ten_must_be_tried():
    rising = [0.2, 0.3, 0.4, 0.9]
    assert check("lr-measure-search", (COARSE, rising)).mistake == "best-at-the-edge"
    assert check("lr-measure-search", ((*COARSE, 1000.0), [*rising, 0.1])).mistake == "best-at-the-edge"


def test_accuracies_that_are_none_or_contradict_each_other_are_refused():
    lrs, accuracies = searched(*COARSE, *FINE)
    assert "NaN" in check("lr-measure-search", (lrs, [math.nan, *accuracies[1:]])).message
    assert "twice" in check("lr-measure-search", ([*lrs, lrs[0]], [*accuracies, accuracies[0] + 0.3])).message
