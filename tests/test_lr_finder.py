"""lr_finder: what is read from the curve of a range test, and what is said of curves that cannot be read."""

import numpy as np
import pytest

from course_lib.lr_finder import suggest

LRS = np.logspace(-4, 1, 201)
CURVE = 2.3 - 1.5 / (1 + (0.1 / LRS) ** 2) + (LRS / 3) ** 4  # steepest at 0.1


def test_steepest_and_minimum():
    assert suggest(LRS, CURVE) == pytest.approx(0.1, rel=0.05)
    assert suggest(LRS, CURVE, "minimum/10") == LRS[CURVE.argmin()] / 10


def test_noise_of_single_steps_does_not_decide():
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert 0.03 < suggest(LRS, CURVE + rng.normal(scale=0.05, size=201)) < 0.3


def test_a_fall_from_an_explosion_is_no_descent():
    after = CURVE.copy()
    after[160:170], after[170:] = 60.0, 2.3
    assert suggest(LRS, after) == pytest.approx(0.1, rel=0.05)


def test_what_follows_a_nan_is_not_used():
    curve = CURVE.copy()
    curve[150] = np.nan
    curve[151:] = -9.0
    assert suggest(LRS, curve) == pytest.approx(0.1, rel=0.05)
    assert suggest(LRS, curve, "minimum/10") == LRS[CURVE[:150].argmin()] / 10


@pytest.mark.parametrize("curve", [np.full(201, 2.3), np.linspace(2.3, 9, 201), 2.3 - 0.02 * LRS, np.full(201, np.nan)])
def test_no_descent_is_an_error_that_says_what_to_look_for(curve):
    with pytest.raises(ValueError, match=r"no descent.*lr_min.*fault in the model"):
        suggest(LRS, curve)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LRS, CURVE, "lowest"), "rule must be one of 'steepest', 'minimum/10', got 'lowest'"),
        ((LRS[:9], CURVE[:9]), "lrs and smoothed must have at least 10 entries, got 9"),
        ((LRS[::-1], CURVE), "lrs must be finite numbers, each greater than the one before"),
        ((np.full(201, np.nan), CURVE), "lrs must be finite numbers, each greater than the one before"),
        ((LRS[:5], CURVE), r"lrs and smoothed must be two lists of one length, got \(5,\) and \(201,\)"),
    ],
)
def test_bad_curves_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        suggest(*arguments)


def test_curves_of_something_else_are_named():
    with pytest.raises(TypeError, match="lrs must be a list of numbers, got 'fast'"):
        suggest("fast", CURVE)
    with pytest.raises(TypeError, match="smoothed must be a list of numbers, got array"):
        suggest(LRS, CURVE + 1j)
    with pytest.raises(TypeError, match=r"smoothed must be a list of numbers, got \{\}"):
        suggest(LRS, {})
