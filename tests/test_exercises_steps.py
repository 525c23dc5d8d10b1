"""Steps of optimizers: what their probes tell apart, and that the slips of public code are named."""

import itertools
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from course_lib.exercises import EXERCISES, check, stub
from course_lib.exercises.catalogue import adam_slips, adam_steps
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


@pytest.mark.parametrize("id", [id for id in STEPS if STEPS[id].uses_rate])
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


PRINTED_RHO = "np.sqrt((2 - beta2**t) / (1 - beta2**t))"
RIGHT_RHO = "rho_inf - 2 * t * beta2**t / (1 - beta2**t)"


@pytest.mark.parametrize(
    ("id", "mended", "outcome"),
    [
        ("amsgrad-as-printed", {}, "not-attempted"),
        ("amsgrad-as-printed", {"v) / (1 - beta2**t)": "v)"}, "scales-without-correction"),
        ("amsgrad-as-printed", {"max(v_hat, v) /": "v /"}, "scales-of-adam"),
        (
            "amsgrad-as-printed",
            {"v) / (1 - beta2**t)": "v)", "append(v_hat)": "append(v_hat / (1 - beta2**t))"},
            "passed",
        ),
        ("radam-as-printed", {}, "not-attempted"),
        ("radam-as-printed", {PRINTED_RHO: RIGHT_RHO}, "branch-on-the-maximum"),
        ("radam-as-printed", {"max(rho, rho_inf)": "rho"}, "rho-still-as-printed"),
        ("radam-as-printed", {PRINTED_RHO: RIGHT_RHO, "max(rho, rho_inf)": "rho"}, "passed"),
    ],
)
def test_of_the_printed_forms_what_is_left_is_named(id, mended, outcome):
    source, namespace = stub(id), {"np": np}
    for printed, right in mended.items():
        assert printed in source
        source = source.replace(printed, right)
    exec(source, namespace)
    feedback = check(id, namespace[source.split("(")[0].removeprefix("def ")])
    assert outcome in (feedback.status, feedback.mistake), feedback


SCALES = """
def scales_of(gradients, beta2=0.999):
    v = v_max = 0.0
    scales = []
    for t, g in enumerate(gradients, start=1):
        v = beta2 * v + (1 - beta2) * g * g
        v_max = max(v_max, v)
        scales.append(v_max / (1 - beta2**t))
    return np.array(scales)
"""
FACTOR = """
def factor(t, beta2=0.999):
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return 0.0
    return np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
"""


@pytest.mark.parametrize(
    ("source", "old", "new", "outcome"),
    [
        (SCALES, "np.array(scales)", "tuple(scales)", "passed"),
        (SCALES, "beta2**t)", "beta2 ** (t + 1))", "scales-corrected-for-the-next-step"),
        (SCALES, "beta2**t)", "beta2)", "scales-corrected-for-ever"),
        (SCALES, "v_max / (", "v_max * (", "scales-multiplied"),
        (SCALES, "np.array(scales)", "np.sqrt(scales)", "scales-as-roots"),
        (SCALES, "np.array(scales)", "(scales, v_max)", "return the one result alone, as an array."),
        (SCALES, "    return", "        return", "Is the `return` inside the loop?"),
        (SCALES, "max(v_max, v)", "np.max(v_max, v)", "two numbers are compared by `max(a, b)`"),
        (SCALES, ", beta2=0.999):", "):\n    beta2 = 0.999", "has no `beta2`"),
        (FACTOR, ", beta2=0.999):", "):\n    beta2 = 0.999", "has no `beta2`"),
        (FACTOR, "    if rho <= 5:\n        return 0.0\n", "", "no branch is left"),
        (FACTOR, "rho <= 5", "rho > 5", "branches-swapped"),
        (FACTOR, "2 * t *", "t *", "two-left-out"),
        (FACTOR, " - 1\n", "\n", "one-left-out"),
        (FACTOR, "    rho_inf =", "    t = t + 1\n    rho_inf =", "one-step-ahead"),
    ],
)
def test_forms_of_a_mended_program_and_slips_in_it(source, old, new, outcome):
    assert source.count(old) == 1
    namespace = {"np": np}
    exec(source.replace(old, new), namespace)
    id = "amsgrad-as-printed" if source is SCALES else "radam-as-printed"
    feedback = check(id, namespace["scales_of" if source is SCALES else "factor"])
    words = f"{feedback.status} {feedback.mistake} {feedback.title} {feedback.message}"
    assert outcome in words, feedback


def test_a_step_number_that_starts_at_0_is_named_where_it_divides_by_0():
    def scales_of(gradients, beta2):
        v = v_max = 0.0
        scales = []
        for t, g in enumerate(gradients):
            v = beta2 * v + (1 - beta2) * g * g
            v_max = max(v_max, v)
            scales.append(v_max / (1 - beta2**t))
        return scales

    assert "`1 - beta**t` is 0 if t starts at 0." in check("amsgrad-as-printed", scales_of).message


def test_a_factor_that_is_not_used_may_be_computed():
    def by_where(t, beta2):
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        factor = np.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        return np.where(rho > 5, factor, 0.0)

    assert check("radam-as-printed", by_where).passed


def test_a_change_that_changes_nothing_is_told_so():
    source = stub("amsgrad-as-printed").replace("max(v_hat, v) /", "v_max /")
    namespace = {"np": np}
    exec(source.replace("        v_hat =", "        v_max = max(v_hat, v)\n        v_hat ="), namespace)
    feedback = check("amsgrad-as-printed", namespace["amsgrad_scales"])
    assert feedback.status == "not-attempted" and "still computes what was printed" in feedback.message


# ------------------------------------------------------------------------------ slips of public code


@pytest.mark.parametrize(
    ("id", "kind"),
    [
        ("adam-step", adam_steps.AdamStep),
        ("amsgrad-step", adam_steps.AMSGradStep),
        ("radam-step", adam_steps.RAdamStep),
    ],
)
def test_the_steps_that_slips_are_made_from_are_right(id, kind):
    assert check(id, adam_slips.Slip("none", "None", "Nothing is replaced.", "", {}).of(kind)).passed


def test_two_slips_of_adam_together_never_pass():
    exercise, combined = STEPS["adam-step"], 0
    other_hyper_parameters = 2
    expected = exercise.observe(exercise.reference, only=other_hyper_parameters)
    for one, other in itertools.combinations(adam_slips.SLIPS, 2):
        if not one.parts.keys() & other.parts.keys():
            both = replace(one, parts=one.parts | other.parts).of(adam_steps.AdamStep)
            with np.errstate(all="ignore"):
                observed = exercise.observe(both, only=other_hyper_parameters)
            assert deviation(observed, expected) > 100, (one.name, other.name)
            combined += 1
    assert combined > 500


#: The right steps as programs write them: averages, corrected averages, the step.
PROGRAMS = {
    "adam-step": """
        m = beta1 * s.m + (1 - beta1) * g
        v = beta2 * s.v + (1 - beta2) * g**2
        s.m, s.v = m, v
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return x - lr * m_hat / (np.sqrt(v_hat) + epsilon)
    """,
    "amsgrad-step": """
        m = beta1 * s.m + (1 - beta1) * g
        v = beta2 * s.v + (1 - beta2) * g**2
        s.m, s.v = m, v
        s.v_max = np.maximum(s.v_max, v)
        m_hat = m / (1 - beta1**t)
        v_hat = s.v_max / (1 - beta2**t)
        return x - lr * m_hat / (np.sqrt(v_hat) + epsilon)
    """,
    "radam-step": """
        m = beta1 * s.m + (1 - beta1) * g
        v = beta2 * s.v + (1 - beta2) * g**2
        s.m, s.v = m, v
        m_hat = m / (1 - beta1**t)
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / (1 - beta2**t)
        if rho <= 5:
            return x - lr * m_hat
        r = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        v_hat = np.sqrt(v / (1 - beta2**t)) + epsilon / np.sqrt(1 - beta2**t)
        return x - lr * r * m_hat / v_hat
    """,
    "adagrad-step": """
        G = s.sum_of_squares + g**2
        s.sum_of_squares = G
        return x - lr * g / (np.sqrt(G) + epsilon)
    """,
    "rmsprop-step": """
        r = rho * s.mean_square + (1 - rho) * g**2
        s.mean_square = r
        return x - lr * g / np.sqrt(r + epsilon)
    """,
    "adadelta-step": """
        r = rho * s.mean_square + (1 - rho) * g**2
        d = s.mean_square_update
        u = np.sqrt(d + epsilon) / np.sqrt(r + epsilon) * g
        d = rho * d + (1 - rho) * u**2
        s.mean_square, s.mean_square_update = r, d
        return x - lr * u
    """,
    "momentum-step": """
        v = momentum * s.velocity + g
        s.velocity = v
        return x - lr * v
    """,
    "nesterov-step": """
        v = momentum * s.velocity + g
        s.velocity = v
        return x - lr * (g + momentum * v)
    """,
}

PROGRAMS |= {
    "adamw-step": "\n        x = x - lr * weight_decay * x" + PROGRAMS["adam-step"],
    "sgdw-step": "\n        x = x - lr * weight_decay * x" + PROGRAMS["momentum-step"],
}

#: What programs write in the place of it.
SLIPS_OF_ADAM = [
    ("m / (1 - beta1**t)", "m"),
    ("m / (1 - beta1**t)", "m / beta1**t"),
    ("m / (1 - beta1**t)", "m / (1 - beta1 * t)"),
    ("m / (1 - beta1**t)", "m * (1 - beta1**t)"),
    ("m / (1 - beta1**t)", "m / (1 - beta2**t)"),
    ("m / (1 - beta1**t)", "m / np.sqrt(1 - beta1**t)"),
    ("m / (1 - beta1**t)", "g"),
    ("m / (1 - beta1**t)", "g / (1 - beta1**t)"),
    ("m / (1 - beta1**t)", "(beta1 * m + (1 - beta1) * g) / (1 - beta1**t)"),
    ("beta1 * s.m + (1 - beta1) * g", "beta1 * s.m + g"),
    ("beta1 * s.m + (1 - beta1) * g", "(1 - beta1) * s.m + beta1 * g"),
    ("beta1 * s.m + (1 - beta1) * g", "beta1 * s.m + (1 - beta2) * g"),
    ("beta1 * s.m + (1 - beta1) * g", "beta2 * s.m + (1 - beta2) * g"),
    ("beta1 * s.m + (1 - beta1) * g", "(1 - beta1) * g"),
    ("beta1 * s.m + (1 - beta1) * g", "g if t == 1 else beta1 * s.m + (1 - beta1) * g"),
    ("(1 - beta2) * g**2", "(1 - beta2) * g"),
    ("(1 - beta2) * g**2", "(1 - beta2) * np.abs(g)"),
    ("(1 - beta2) * g**2", "(1 - beta2) * m**2"),
    ("(1 - beta2) * g**2", "(1 - beta2) * (g - m)**2"),
    ("(1 - beta2) * g**2", "(1 - beta2) * np.mean(g**2)"),
    ("(1 - beta2) * g**2", "(1 - beta2) * np.sum(g**2)"),
    ("(1 - beta2) * g**2", "(1 - beta1) * g**2"),
    ("(1 - beta2) * g**2", "g**2"),
    ("beta2 * s.v + ", "s.v + "),
    ("beta2 * s.v + ", ""),
    ("beta2 * s.v + (1 - beta2)", "(1 - beta2) * s.v + beta2"),
    ("beta2 * s.v + (1 - beta2)", "beta1 * s.v + (1 - beta1)"),
    ("beta2 * s.v", "g**2 if t == 1 else beta2 * s.v"),
    ("s.m, s.v = m, v", "s.m = m"),
    ("s.m, s.v = m, v", "s.v = v"),
    ("s.m, s.v = m, v", "s.m, s.v = m / (1 - beta1**t), v; m = m / (1 - beta1**t) * (1 - beta1**t)"),
    ("return x - lr *", "return x + lr *"),
    ("beta1**t", "beta1**(2 * t)", "beta2**t", "beta2**(2 * t)", "2 * t * beta2", "4 * t * beta2"),
    ("beta1**t", "beta1**(t + 1)", "beta2**t", "beta2**(t + 1)", "2 * t * beta2", "2 * (t + 1) * beta2"),
]  # fmt: skip
SLIPS_WITH_A_CORRECTED_V = [
    (" / (1 - beta2**t)", ""),
    (" / (1 - beta2**t)", " / beta2**t"),
    (" / (1 - beta2**t)", " * (1 - beta2**t)"),
    (" / (1 - beta2**t)", " / (1 - beta1**t)"),
    (" / (1 - beta2**t)", " / np.sqrt(1 - beta2**t)"),
    ("np.sqrt(v_hat)", "v_hat"),
    ("np.sqrt(v_hat) + epsilon", "np.sqrt(v_hat + epsilon)"),
    ("(np.sqrt(v_hat) + epsilon)", "np.sqrt(v_hat) + epsilon"),
    (" + epsilon", ""),
    ("m_hat / (np.sqrt(v_hat)", "m * np.sqrt(1 - beta2**t) / (1 - beta1**t) / (np.sqrt(v_hat * (1 - beta2**t))"),
    ("m_hat / (np.sqrt(v_hat)", "m * (1 - beta2**t) / (1 - beta1**t) / (np.sqrt(v_hat * (1 - beta2**t))"),
    ("m_hat / (np.sqrt(v_hat)", "m * np.sqrt((1 - beta2**t) / (1 - beta1**t)) / (np.sqrt(v_hat * (1 - beta2**t))"),
]
SLIPS_OF_A_VELOCITY = [
    ("momentum * s.velocity + g", "momentum * s.velocity + (1 - momentum) * g"),
    ("momentum * s.velocity + g", "(1 - momentum) * s.velocity + momentum * g"),
    ("momentum * s.velocity + g", "momentum * (s.velocity + g)"),
    ("momentum * s.velocity + g", "momentum * s.velocity - g"),
    ("momentum * s.velocity + g", "g - momentum * s.velocity"),
    ("momentum * s.velocity + g", "s.velocity + g"),
]
SLIPS_OF_MOMENTUM = [
    *SLIPS_OF_A_VELOCITY,
    ("+ g", "- lr * g", "x - lr * v", "x + v"),
    ("+ g", "- lr * g", "x - lr * v", "x - v"),
    ("+ g", "+ lr * g", "x - lr * v", "x + v"),
    ("+ g", "+ lr * g"),
    ("+ g", "+ lr * (1 - momentum) * g", "x - lr * v", "x - v"),
    ("+ g", "+ g / (1 - momentum)"),
    ("momentum * s.velocity + g", "momentum * (s.velocity - lr * g)", "x - lr * v", "x + v"),
    ("lr * v", "lr * v / (1 - momentum**t)"),
    ("+ g", "+ (1 - momentum) * g", "lr * v", "lr * v / (1 - momentum**t)"),
    ("lr * v", "lr * (v + g)"),
    ("lr * v", "lr * (g + momentum * v)"),
]
SLIPS = {
    "adam-step": SLIPS_OF_ADAM + SLIPS_WITH_A_CORRECTED_V,
    "adamw-step": SLIPS_OF_ADAM + SLIPS_WITH_A_CORRECTED_V,
    "amsgrad-step": SLIPS_OF_ADAM + SLIPS_WITH_A_CORRECTED_V,
    "radam-step": [
        *SLIPS_OF_ADAM,
        ("2 / (1 - beta2) - 1", "2 / (1 - beta2)"),
        ("2 / (1 - beta2) - 1", "1 / (1 - beta2) - 1"),
        ("limit - 2 * t", "limit - t"),
        ("limit - 2 * t", "limit - 2"),
        ("limit - 2 * t", "limit + 2 * t"),
        ("2 * t * beta2**t", "2 * t * beta2**2"),
        ("rho <= 5", "rho <= 4"),
        ("rho <= 5", "t <= 5"),
        ("rho <= 5", "True"),
        (" * limit / (", " / (", " * rho)", ")"),
        ("np.sqrt((rho", "((rho"),
        ("lr * r *", "lr / r *"),
        ("lr * r *", "lr *"),
        ("np.sqrt(v / (1 - beta2**t)) + epsilon / np.sqrt(1 - beta2**t)", "np.sqrt(v / (1 - beta2**t)) + epsilon"),
        ("np.sqrt(v / (1 - beta2**t)) + epsilon / np.sqrt(1 - beta2**t)", "np.sqrt(v / (1 - beta2**t) + epsilon)"),
        ("np.sqrt(v / (1 - beta2**t)) + epsilon / np.sqrt(1 - beta2**t)", "np.sqrt(v) + epsilon"),
        ("np.sqrt(v / (1 - beta2**t)) + epsilon / np.sqrt(1 - beta2**t)", "(np.sqrt(v) + epsilon) / (1 - beta2**t)"),
        ("np.sqrt(v / (1 - beta2**t)) + epsilon / np.sqrt(1 - beta2**t)", "(v + epsilon) / np.sqrt(1 - beta2**t)"),
        ("np.sqrt(v / (1 - beta2**t)) + epsilon / np.sqrt(1 - beta2**t)", "np.sqrt((v + epsilon) / (1 - beta2**t))"),
    ],
    "adagrad-step": [
        ("+ g**2", "+ g"),
        ("+ g**2", "+ np.abs(g)"),
        ("+ g**2", "+ np.sum(g**2)"),
        ("+ g**2", "+ np.mean(g**2)"),
        ("+ g**2", "+ np.linalg.norm(g)**2"),
        ("s.sum_of_squares + g**2", "g**2"),
        ("s.sum_of_squares + g**2", "0.9 * s.sum_of_squares + 0.1 * g**2"),
        ("s.sum_of_squares + g**2", "(0.1 if t == 1 else s.sum_of_squares) + g**2"),
        ("s.sum_of_squares + g**2", "(1.0 if t == 1 else s.sum_of_squares) + g**2"),
        ("s.sum_of_squares = G", "pass"),
        ("np.sqrt(G)", "G"),
        ("np.sqrt(G)", "np.sqrt(G / t)"),
        ("(np.sqrt(G) + epsilon)", "np.sqrt(G + epsilon)"),
        ("(np.sqrt(G) + epsilon)", "np.sqrt(G) + epsilon"),
        ("(np.sqrt(G) + epsilon)", "np.sqrt(G)"),
        ("np.sqrt(G)", "np.sqrt(G - g**2)"),
        ("x - lr", "x + lr"),
    ],
    "rmsprop-step": [
        ("(1 - rho) * g**2", "(1 - rho) * g"),
        ("(1 - rho) * g**2", "(1 - rho) * np.abs(g)"),
        ("(1 - rho) * g**2", "(1 - rho) * np.mean(g**2)"),
        ("(1 - rho) * g**2", "(1 - rho) * np.sum(g**2)"),
        ("(1 - rho) * g**2", "g**2"),
        ("rho * s.mean_square + (1 - rho)", "(1 - rho) * s.mean_square + rho"),
        ("rho * s.mean_square + ", "s.mean_square + "),
        ("rho * s.mean_square + (1 - rho) *", "s.mean_square +"),
        ("rho * s.mean_square", "(g**2 if t == 1 else s.mean_square) * rho"),
        ("rho * s.mean_square", "(1.0 if t == 1 else s.mean_square) * rho"),
        ("s.mean_square = r", "pass"),
        ("np.sqrt(r + epsilon)", "(np.sqrt(r) + epsilon)"),
        ("np.sqrt(r + epsilon)", "np.sqrt(r) + epsilon"),
        ("np.sqrt(r + epsilon)", "np.sqrt(r)"),
        ("np.sqrt(r + epsilon)", "(r + epsilon)"),
        ("np.sqrt(r + epsilon)", "np.sqrt(r / (1 - rho**t) + epsilon)"),
        ("np.sqrt(r + epsilon)", "(np.sqrt(r / (1 - rho**t)) + epsilon)"),
        ("x - lr", "x + lr"),
    ],
    "adadelta-step": [
        ("(1 - rho) * g**2", "g**2"),
        ("(1 - rho) * u**2", "u**2"),
        ("(1 - rho) * g**2", "g**2", "(1 - rho) * u**2", "u**2"),
        ("rho * s.mean_square + (1 - rho)", "(1 - rho) * s.mean_square + rho"),
        ("rho * d + (1 - rho)", "(1 - rho) * d + rho"),
        ("u**2", "g**2"),
        ("u**2", "(lr * u)**2"),
        ("s.mean_square, s.mean_square_update = r, d", "s.mean_square = r"),
        ("s.mean_square, s.mean_square_update = r, d", "s.mean_square_update = d"),
        ("s.mean_square, s.mean_square_update = r, d", "pass"),
        ("np.sqrt(d + epsilon)", "(np.sqrt(d) + epsilon)"),
        ("np.sqrt(r + epsilon)", "(np.sqrt(r) + epsilon)"),
        ("np.sqrt(d + epsilon)", "(d + epsilon)"),
        ("np.sqrt(r + epsilon)", "(r + epsilon)"),
        ("np.sqrt(d + epsilon) / np.sqrt(r + epsilon)", "np.sqrt(r + epsilon) / np.sqrt(d + epsilon)"),
        ("np.sqrt(d + epsilon) / ", "1 / "),
        ("np.sqrt(r + epsilon)", "np.sqrt(s.mean_square + epsilon)"),
        ("d + epsilon", "d", "r + epsilon", "r"),
        ("lr * u", "u"),
        ("x - lr", "x + lr"),
    ],
    "momentum-step": SLIPS_OF_MOMENTUM,
    "sgdw-step": SLIPS_OF_MOMENTUM,
    "nesterov-step": [
        *SLIPS_OF_A_VELOCITY[:3],
        *SLIPS_OF_A_VELOCITY[4:],
        ("g + momentum * v)", "g - momentum * v)"),
        ("(g + momentum * v)", "(1 + momentum) * v"),
        ("(g + momentum * v)", "((1 + momentum) * v + (v - g))"),
        ("(g + momentum * v)", "v"),
        ("(g + momentum * v)", "g"),
        ("(g + momentum * v)", "(v + momentum * g)"),
        ("(g + momentum * v)", "(momentum * v - g)"),
        ("(g + momentum * v)", "momentum * v"),
        # as CS231n writes it, with lr inside: x - μ v_old + (1 + μ) v
        ("+ g\n", "- lr * g\n", "- lr * (g + momentum * v)", "+ (1 + momentum) * v"),
        ("+ g\n", "- lr * g\n", "- lr * (g + momentum * v)", "+ v + lr * g + (1 + momentum) * v"),
        ("+ g\n", "- lr * g\n", "- lr * (g + momentum * v)", "+ v + lr * g - (1 + momentum) * v"),
        ("+ g\n", "- lr * g\n", "- lr * (g + momentum * v)", "+ v"),
        ("(g + momentum * v)", "(g + v)"),
        ("+ g\n", "+ lr * g\n", "lr * (g + momentum * v)", "(1 + momentum) * v"),
        ("+ g\n", "+ lr * g\n", "lr * (g + momentum * v)", "(lr * g + momentum * v)"),
    ],
}


def program(id, *replacements):
    text = textwrap.dedent(PROGRAMS[id])
    for old, new in zip(replacements[::2], replacements[1::2]):
        text = text.replace(old, new)
    header = f"def answer(x, g, s, lr, {', '.join(STEPS[id].defaults)}):\n    t = s.t"
    namespace = {"np": np}
    exec(header + textwrap.indent(text, "    "), namespace)
    return namespace["answer"]


@pytest.mark.parametrize("id", SLIPS)
def test_slips_of_public_programs_are_named(id):
    assert check(id, program(id)).passed
    statuses = {slip: check(id, program(id, *slip)).status for slip in SLIPS[id]}
    assert {slip: status for slip, status in statuses.items() if status != "mistake"} == {}


def test_a_decay_after_a_step_whose_lr_is_corrected_is_told_of_both_slips():
    folded = "x = x - lr * np.sqrt(1 - beta2**t) * m_hat / (np.sqrt(v) + epsilon)"
    late = f"{folded}\nreturn x - lr * weight_decay * x"
    decay, step = "x = x - lr * weight_decay * x", "return x - lr * m_hat / (np.sqrt(v_hat) + epsilon)"
    feedback = check("adamw-step", program("adamw-step", decay, "pass", step, late))
    assert feedback.title == "The decay comes after the step, and ε is not corrected with v"


# -------------------------------------------------------------------- the same values, another slip

#: Exercise, replacements in its program -> the title of its card; what is kept in `s` tells these slips apart.
TOLD_APART_BY_THE_STATE = [
    ("momentum-step", ("lr * v", "lr * g"), "The step follows the gradient, not the velocity"),
    ("momentum-step", ("s.velocity = v", "pass"), "The velocity is not kept"),
    ("momentum-step", ("lr * v", "lr * momentum * v"), "The velocity is multiplied by momentum once more in the step"),
    ("nesterov-step", ("momentum * v)", "momentum**2 * v)"), "The velocity is multiplied by momentum twice"),
    ("adagrad-step", ("np.sqrt(G)", "np.sqrt(g * g)"), "The step is divided by the last gradient's size"),
    ("adagrad-step", ("s.sum_of_squares = G", "pass", "np.sqrt(G)", "np.sqrt(g * g)"), "The sum is not kept"),
    ("adagrad-step", ("s.sum_of_squares = G", "pass", "(G)", "(s.sum_of_squares)"), "The sum stays at zero"),
    ("rmsprop-step", ("(r + epsilon)", "((1 - rho) * g * g + epsilon)"), "The step is divided by a share of the last"),
    ("rmsprop-step", ("s.mean_square = r", "pass", "(r +", "(s.mean_square +"), "The average stays at zero"),
    ("adadelta-step", ("np.sqrt(d + epsilon)", "np.sqrt(d)"), "ε is missing above the fraction bar"),
]

M, V = "beta1 * s.m + (1 - beta1) * g", "beta2 * s.v + (1 - beta2) * g * g"
CORRECTED_M, STEP_OF_ADAM = "s.m / (1 - beta1**s.t)", "/ (np.sqrt({} / (1 - beta2**s.t)) + epsilon)"

#: Exercise, body -> the title of its card.
STATE_NOT_RENEWED = [
    ("momentum-step", "s.velocity == momentum * s.velocity + g", "Neither the parameter nor the state changes"),
    ("momentum-step", "s.velocity = 2 * g; return x", "The parameter is returned unchanged"),
    ("adam-step", f"m = {M}; s.v = {V}", "m stays at zero"),
    ("adam-step", f"s.m = {M}; v = {V}", "v stays at zero"),
    ("adam-step", f"m = {M}; v = {V}", "Neither the parameter nor the state changes"),
    ("adamw-step", f"x = x - lr * weight_decay * x; m = {M}; s.v = {V}", "Only the decay is applied"),
    ("adamw-step", f"x = x - lr * weight_decay * x; s.m = {M}; v = {V}", "v stays at zero"),
    ("amsgrad-step", f"s.m = {M}; v = {V}; s.v_max = np.maximum(s.v_max, s.v)", "v and its maximum stay at zero"),
    ("amsgrad-step", f"s.m = {M}; s.v = {V}; v_max = np.maximum(s.v_max, s.v)", "The maximum stays at zero"),
    ("amsgrad-step", f"s.m = {M}; s.v = {V}; s.v_max = np.minimum(s.v_max, s.v)", "The maximum stays at zero"),
]


@pytest.mark.parametrize(("id", "slip", "title"), TOLD_APART_BY_THE_STATE)
def test_slips_with_the_same_values_are_told_apart_by_their_state(id, slip, title):
    assert check(id, program(id, *slip)).title.startswith(title)


@pytest.mark.parametrize(("id", "body", "title"), STATE_NOT_RENEWED)
def test_a_state_that_is_not_renewed_is_named(id, body, title):
    change = "s.velocity" if id == "momentum-step" else CORRECTED_M + STEP_OF_ADAM.format(f"s.{STEPS[id].slots[-1]}")
    namespace = {"np": np}
    arguments = ", ".join(("x, g, s, lr", *STEPS[id].defaults))
    exec(f"def answer({arguments}):\n    {body}\n    return x - lr * {change}", namespace)
    assert check(id, namespace["answer"]).title.startswith(title)
