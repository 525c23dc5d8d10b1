"""SWATS against its algorithm written down a second time, in plain numbers, from the paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from course_lib import optimizer

BETA1, BETA2, EPSILON = 0.8, 0.9, 0.3
RATES = [0.1] * 12 + [0.05] * 8


def gradients():
    rng = np.random.default_rng(3)
    return [np.array([1.0, 4.0]) + 0.1 * rng.normal(size=2) for _ in RATES]


def by_the_paper(tolerance, minimum_steps):
    """Positions after each step, the step of the switch and SGD's learning rate."""
    x, m, v, u = [2.0, -1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    average, switched_at, found, rate_then, path = 0.0, None, None, None, []
    for t, (g, rate) in enumerate(zip(gradients(), RATES), 1):
        if switched_at:
            u = [BETA1 * u_i + g_i for u_i, g_i in zip(u, g)]
            x = [x_i - (1 - BETA1) * found * rate / rate_then * u_i for x_i, u_i in zip(x, u)]
        else:
            m = [BETA1 * m_i + (1 - BETA1) * g_i for m_i, g_i in zip(m, g)]
            v = [BETA2 * v_i + (1 - BETA2) * g_i * g_i for v_i, g_i in zip(v, g)]
            p = [-rate * (m_i / (1 - BETA1**t)) / (math.sqrt(v_i / (1 - BETA2**t)) + EPSILON) for m_i, v_i in zip(m, v)]
            x = [x_i + p_i for x_i, p_i in zip(x, p)]
            gamma = sum(p_i * p_i for p_i in p) / -sum(p_i * g_i for p_i, g_i in zip(p, g))
            average = BETA2 * average + (1 - BETA2) * gamma
            corrected = average / (1 - BETA2**t)
            if t >= minimum_steps and gamma > 0 and abs(corrected - gamma) < tolerance * corrected:
                switched_at, found, rate_then = t, corrected, rate
        path.append(x)
    return np.array(path), switched_at, found


def ours(tolerance, minimum_steps):
    made = optimizer.SWATS(beta1=BETA1, beta2=BETA2, epsilon=EPSILON, tolerance=tolerance, minimum_steps=minimum_steps)
    x, s, path = np.array([2.0, -1.0]), made.fresh_state(np.zeros(2)), []
    for s.t, (g, rate) in enumerate(zip(gradients(), RATES), 1):
        x = made.rule(x, g, s, rate)
        path.append(x)
    return np.array(path), s.switched_at or None, s.sgd_learning_rate or None


@pytest.mark.parametrize(("tolerance", "minimum_steps"), [(0.02, 2), (0.05, 8), (0.0, 1), (10.0, 15)])
def test_every_step_before_and_after_the_switch_is_the_papers(tolerance, minimum_steps):
    path, switched_at, found = ours(tolerance, minimum_steps)
    expected, at, rate = by_the_paper(tolerance, minimum_steps)
    np.testing.assert_allclose(path, expected, rtol=1e-12)
    assert (switched_at, found) == (at, rate if rate is None else pytest.approx(rate))


def test_these_settings_switch_at_different_steps_and_never():
    """Otherwise the comparison above would show little."""
    assert by_the_paper(10.0, 15)[1] == 15
    assert 8 <= by_the_paper(0.05, 8)[1] < 15
    assert by_the_paper(0.0, 1)[1] in (1, None)


def switches(g=1.0, lr=0.1, **settings):
    made = optimizer.SWATS(**settings)
    x, s = np.array([0.0]), made.fresh_state(np.zeros(1))
    for s.t in range(1, 6):
        x = made.rule(x, np.array([g]), s, lr)
    return s.switched_at


def test_a_tolerance_of_zero_never_switches():
    """At the first step γ equals its corrected average exactly; equal is not closer than zero."""
    assert switches(tolerance=0.0, minimum_steps=1, beta2=0.5) == 0
    assert switches(tolerance=1e-9, minimum_steps=1, beta2=0.5) == 1


def test_the_tolerance_is_a_share_of_the_average():
    """With small steps γ is small, and so is how far it may be from its average."""
    made = optimizer.SWATS(tolerance=0.1, minimum_steps=1, beta2=0.5)
    g = np.array([1.0])
    for gamma, settles in [(0.0101, True), (0.02, False)]:
        s = made.fresh_state(np.zeros(1))
        s.t, s.gamma_average = 100, 0.01
        made.consider_switch(-gamma * g, g, s, lr=0.1)
        assert (s.switched_at == 100) == settles


def test_the_switch_may_come_at_any_learning_rate_but_zero():
    assert switches(lr=1.0, tolerance=1.0, minimum_steps=3) == 3
    assert switches(lr=0.0, tolerance=1.0, minimum_steps=3) == 0


def test_a_gradient_of_zero_moves_nothing_and_does_not_switch():
    assert switches(g=0.0, tolerance=1.0, minimum_steps=1) == 0


def test_the_defaults_are_the_documented_ones():
    made = optimizer.SWATS()
    settings = {name: getattr(made, name) for name in made.hyperparameters}
    assert settings == {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "tolerance": 0.01, "minimum_steps": 100}
    assert made.get_lr() == 0.001
