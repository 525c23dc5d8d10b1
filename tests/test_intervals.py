"""Intervals: they hold the truth as often as they say, and their three answers are those of the threshold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_lib import intervals


def test_a_hand_computed_interval():
    interval = intervals.of([1.0, 2.0, 3.0, 4.0])
    reach = 3.182446 * np.std([1, 2, 3, 4], ddof=1) / 2  # the 97.5 % point of Student's t with 3 degrees of freedom
    assert (interval.mean, interval.low, interval.high) == pytest.approx((2.5, 2.5 - reach, 2.5 + reach), abs=1e-6)
    assert f"{interval:+.1f}" == "+2.5 ± 2.1"
    assert intervals.paired([3, 5, 4], [1, 2, 2.5]) == intervals.of([2, 3, 1.5])


def test_the_interval_of_a_ratio_is_that_of_its_logarithm():
    ratio = intervals.ratio([2.0, 4.0, 8.0], [1.0, 1.0, 1.0])
    assert ratio.mean == pytest.approx(4.0)
    assert ratio.low * ratio.high == pytest.approx(16.0)
    assert f"{intervals.ratio([2.0, 2.0], [1.0, 1.0]):.1f}" == "×2.0 (2.0 to 2.0)"


def test_wilsons_interval_of_a_share():
    share = intervals.share([True] * 8)
    assert (share.mean, share.high) == (1.0, 1.0)
    assert share.low == pytest.approx(8 / (8 + 1.959964**2), abs=1e-6)
    assert str(share) == f"{share}" == "8 of 8"
    assert intervals.share([True, False]).above(0.5) is None


@pytest.mark.parametrize("tries", [1, 2, 10, 57])
def test_both_intervals_are_scipys_to_the_last_bit(tries):
    for yes in range(tries + 1):
        share = intervals.share([True] * yes + [False] * (tries - yes))
        assert (share.low, share.high) == stats.binomtest(yes, tries).proportion_ci(intervals.LEVEL, method="wilson")
    samples = np.random.default_rng(tries).normal(size=tries + 1)
    interval, error = intervals.of(samples), samples.std(ddof=1) / math.sqrt(tries + 1)
    assert interval.high == samples.mean() + stats.t.ppf((1 + intervals.LEVEL) / 2, tries) * error


@pytest.mark.parametrize("samples", [lambda rng: rng.normal(5, 2, 8), lambda rng: rng.uniform(4, 6, 8)])
def test_it_holds_the_true_mean_in_95_of_100_repetitions(samples):
    rng = np.random.default_rng(0)
    found = [intervals.of(samples(rng)) for _ in range(2000)]
    assert np.mean([interval.low < 5 < interval.high for interval in found]) == pytest.approx(0.95, abs=0.02)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(-2e6, 2e6))
def test_above_and_below_are_opposites(mean, reach, threshold):
    interval = intervals.Interval(mean, mean - reach, mean + reach)
    above, below = interval.above(threshold), interval.below(threshold)
    assert (above, below) in [(True, False), (False, True), (None, None)]
    assert (above is None) == (interval.low <= threshold <= interval.high)


@pytest.mark.parametrize(
    ("low", "high", "inside"), [(-0.4, 0.4, True), (-0.4, 0.6, None), (0.6, 0.9, False), (-3, -2, False), (-2, 2, None)]
)
def test_within_a_margin(low, high, inside):
    assert intervals.Interval((low + high) / 2, low, high).within(0.5) is inside


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.of([1.0]), "samples must be at least two finite numbers in a row"),
        (lambda: intervals.of([1.0, np.nan]), "finite"),
        (lambda: intervals.of([[1.0, 2.0]]), "in a row"),
        (
            lambda: intervals.paired([1, 2, 3], [1, 2]),
            "a and b must have equal lengths, one pair per seed, got 3 and 2",
        ),
        (lambda: intervals.ratio([1, 2], [0, 1]), "a ratio needs positive numbers, got 0"),
        (lambda: intervals.share([0.5, 1]), "outcomes must be a list of True and False"),
        (lambda: intervals.share([]), "outcomes must be a list"),
        (lambda: intervals.of([1, 2]).within(0), r"margin must be a finite number greater than 0"),
        (lambda: intervals.of([1, 2]).above(np.inf), "threshold must be a finite number"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
