"""Steps of optimizers: what their probes tell apart, and that the slips of public code are named."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from course_lib.exercises import EXERCISES, check
from course_lib.exercises.adam_slips import SLIPS, AdamStep
from course_lib.exercises.engine import deviation
from course_lib.exercises.steps import StepExercise

STEPS = {id: exercise for id, exercise in EXERCISES.items() if isinstance(exercise, StepExercise)}


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


# -------------------------------------------------------------- right for some inputs only

#: What a step is right for -> whether these inputs are of that kind.
SPECIAL_CASES = {
    "six elements": lambda x, lr: x.size <= 6,
    "thirds": lambda x, lr: x.size % 3 == 0,
    "even sizes": lambda x, lr: x.size % 2 == 0,
    "odd sizes": lambda x, lr: x.size % 2 == 1,
    "vectors": lambda x, lr: x.ndim == 1,
    "vectors and matrices": lambda x, lr: x.ndim < 3,
    "rates above 0": lambda x, lr: lr > 0,
}


def passes(id, step):
    return deviation(STEPS[id].observe(step), STEPS[id].expected) <= 1


@pytest.mark.parametrize("id", STEPS)
def test_a_step_right_for_some_inputs_only_is_refused(id):
    right = STEPS[id].reference
    assert passes(id, right)
    for words, fits in SPECIAL_CASES.items():

        def partly(x, g, s, lr, fits=fits, **hyper):
            return right(x, g, s, lr, **hyper) if fits(x, lr) else 1.0 * x

        assert not passes(id, partly), words


@pytest.mark.parametrize("id", STEPS)
def test_a_step_without_the_sign_of_the_rate_is_refused(id):
    right = STEPS[id].reference
    assert not passes(id, lambda x, g, s, lr, **h: right(x, g, s, abs(lr), **h))
    assert not passes(id, lambda x, g, s, lr, **h: right(x, g, s, max(lr, 0.0), **h))


def radam(trusts_v, real=float):
    """RAdam whose scalars are numbers of the kind ``real``, and which asks ``trusts_v(ρ, t)`` whether to use v."""

    def step(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
        b1, b2, t, one, two, four = map(real, (beta1, beta2, s.t, 1, 2, 4))
        s.m = beta1 * s.m + (1 - beta1) * g
        s.v = beta2 * s.v + (1 - beta2) * g * g
        limit = two / (one - b2) - one
        rho = limit - two * t * b2**t / (one - b2**t)
        m_hat = s.m / (one - b1**t)
        if not trusts_v(rho, s.t):
            return x - lr * m_hat
        r = np.sqrt((rho - four) * (rho - two) * limit / ((limit - four) * (limit - two) * rho))
        return x - lr * r * m_hat * np.sqrt(one - b2**t) / (np.sqrt(s.v) + epsilon)

    return step


def test_radam_asks_rho_not_the_step_number():
    assert check("radam-step", radam(lambda rho, t: rho > 5)).passed
    assert not check("radam-step", radam(lambda rho, t: t > 5)).passed
    assert not check("radam-step", radam(lambda rho, t: rho > 4.9)).passed
    assert not check("radam-step", radam(lambda rho, t: rho > 5.1)).passed


def test_radam_with_32_bit_scalars_passes():
    assert check("radam-step", radam(lambda rho, t: rho > 5, real=np.float32)).passed


@pytest.mark.parametrize("may", ["t > first", "t >= first - 1", "t >= first + 1", "True"])
def test_the_switch_of_swats_comes_at_its_first_step_exactly(may):
    def switched(gammas, beta2, tolerance, minimum_steps):
        average = 0.0
        for t, gamma in enumerate(gammas, 1):
            average = beta2 * average + (1 - beta2) * gamma
            corrected = average / (1 - beta2**t)
            if eval(may, {"t": t, "first": minimum_steps}) and abs(corrected - gamma) < tolerance * corrected:
                return corrected
        return 0.0

    assert not check("swats-find-bug-switch", switched).passed


# ------------------------------------------------------------------------------ slips of public code


def test_two_slips_of_adam_together_never_pass():
    exercise, combined = STEPS["adam-step"], 0
    other_hyper_parameters = 2
    expected = exercise.observe(exercise.reference, only=other_hyper_parameters)
    for one, other in itertools.combinations(SLIPS, 2):
        if not one.parts.keys() & other.parts.keys():
            both = replace(one, parts=one.parts | other.parts).of(AdamStep)
            with np.errstate(all="ignore"):
                observed = exercise.observe(both, only=other_hyper_parameters)
            assert deviation(observed, expected) > 100, (one.name, other.name)
            combined += 1
    assert combined > 500
