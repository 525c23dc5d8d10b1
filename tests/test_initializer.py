"""initializer: distributions with the right spread for a weight's fans, and weight normalization.

Tolerances of statistics follow from the sample's size: five standard deviations of the statistic.
"""

import math

import numpy as np
import paddle
import pytest
from scipy import stats

from course_lib import initializer
from course_lib.initializer import fans, weight_norm

LINEAR, CONV = (400, 250), (60, 40, 5, 5)


def rng(seed=0):
    return np.random.default_rng(seed)


# Functions ---------------------------------------------------------------------------------------------------


def test_fans():
    assert fans([784, 10]) == (784, 10)
    assert fans((20, 3, 5, 4)) == (60, 400)
    assert fans([20, 3, 7]) == (21, 140)


VARIANCES = {
    "xavier_uniform": lambda n_in, n_out: 2 / (n_in + n_out),
    "xavier_normal": lambda n_in, n_out: 2 / (n_in + n_out),
    "he_uniform": lambda n_in, n_out: 2 / n_in,
    "he_normal": lambda n_in, n_out: 2 / n_in,
    "normal": lambda n_in, n_out: 0.01**2,
    "uniform": lambda n_in, n_out: 0.05**2 / 3,
}


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize(("shape", "n_in", "n_out"), [(LINEAR, 400, 250), (CONV, 1000, 1500)], ids=["linear", "conv"])
def test_mean_variance_and_shape_of_the_distribution(name, shape, n_in, n_out):
    values = getattr(initializer, name)(shape, rng())
    assert values.shape == shape
    variance, n = VARIANCES[name](n_in, n_out), values.size
    kurtosis, distribution = (3.0, stats.norm) if "normal" in name else (1.8, stats.uniform(-math.sqrt(3), 12**0.5))
    assert abs(values.mean()) < 5 * math.sqrt(variance / n)
    assert abs(values.var() / variance - 1) < 5 * math.sqrt((kurtosis - 1) / n)
    assert stats.kstest(values.ravel() / math.sqrt(variance), distribution.cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal"])
def test_gain_is_a_factor_of_the_values(name):
    function = getattr(initializer, name)
    np.testing.assert_allclose(function(LINEAR, rng(), gain=2.5), 2.5 * function(LINEAR, rng()))


@pytest.mark.parametrize("name", VARIANCES)
def test_the_rng_decides(name):
    function = getattr(initializer, name)
    np.testing.assert_array_equal(function([3, 4], rng(1)), function([3, 4], rng(1)))
    assert (function([3, 4], rng(1)) != function([3, 4], rng(2))).all()
    generator = rng(1)
    assert (function([3, 4], generator) != function([3, 4], generator)).all()


def test_zero_constant_and_spread():
    assert not initializer.zero([2, 3], rng()).any() and initializer.zero([2, 3]).shape == (2, 3)
    assert (initializer.constant([2, 3], rng(), value=-0.5) == -0.5).all()
    assert not initializer.normal([5], rng(), std=0.0).any()
    assert abs(initializer.uniform([1000], rng(), bound=3.0)).max() == pytest.approx(3.0, rel=0.02)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_what_each_is_made_for(activation):
    """Twenty layers: the matching initializer keeps the scale of the signal, a fixed small one loses it."""
    function = {"tanh": initializer.xavier_normal, "relu": initializer.he_normal}[activation]
    act = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[activation]

    def last_scale(draw):
        signal, generator = rng(0).normal(size=(200, 256)), rng(1)
        for _ in range(20):
            signal = act(signal @ draw((256, 256), generator))
        return np.sqrt((signal * signal).mean())

    assert 0.1 < last_scale(function) < 3
    assert last_scale(initializer.normal) < 1e-10


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: initializer.he_normal([5], rng()), ValueError, "shape must have at least two dimensions.*got"),
        (lambda: initializer.he_normal(5, rng()), TypeError, "shape must be a list of whole numbers, got 5"),
        (lambda: initializer.zero(np.array(5)), TypeError, "shape must be a list of whole numbers, got array"),
        (lambda: initializer.zero({}), TypeError, r"shape must be a list of whole numbers, got \{\}"),
        (lambda: weight_norm(2.0, 1.0), TypeError, "v must be an array or a tensor .* got 2.0"),
        (lambda: initializer.he_normal([5, 0], rng()), ValueError, "each of shape must be .* at least 1, got 0"),
        (lambda: initializer.he_normal([5, 2.0], rng()), TypeError, "each of shape must be a whole number"),
        (lambda: initializer.he_uniform([5, 2], 0), TypeError, "rng must be a numpy.random.Generator .* got 0"),
        (lambda: initializer.normal([5], np.random), TypeError, "rng must be a numpy.random.Generator"),
        (lambda: initializer.normal([5], rng(), std=-1), ValueError, "std must be .* got -1"),
        (lambda: initializer.uniform([5], rng(), bound=-1), ValueError, "bound must be .* got -1"),
        (lambda: initializer.constant([5], value=math.nan), ValueError, "value must be a finite number, got nan"),
        (lambda: initializer.xavier_normal([5, 5], rng(), gain="tanh"), TypeError, "gain must be .* got 'tanh'"),
        (lambda: weight_norm(np.zeros((2, 2)), np.ones(2)), ValueError, "v must have a direction"),
        (lambda: weight_norm(np.ones((2, 3)), np.ones(2)), ValueError, r"g must have one value per unit, shape \(3,\)"),
        (lambda: weight_norm(np.ones((2, 3)), 1.0), ValueError, r"g must have one value per unit.*got 1\.0"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Weight normalization ----------------------------------------------------------------------------------------

V = {"unit": (7,), "linear": (7, 4), "conv": (4, 3, 5, 5)}
AXES = {"unit": 0, "linear": 0, "conv": (1, 2, 3)}


@pytest.mark.parametrize("kind", V)
@pytest.mark.parametrize("as_tensor", [False, True], ids=["numpy", "paddle"])
def test_every_unit_gets_its_length_and_keeps_its_direction(kind, as_tensor):
    v = rng().normal(size=V[kind])
    g = np.asarray(np.arange(-1.0, 3.0)[: 4 if v.ndim > 1 else 1] + 0.5)
    g = g if v.ndim > 1 else g[0]
    w = weight_norm(*map(paddle.to_tensor, (v, g))).numpy() if as_tensor else weight_norm(v, g)
    norms = np.sqrt((v * v).sum(axis=AXES[kind], keepdims=True))
    lengths = np.expand_dims(g, AXES[kind]) if v.ndim > 1 else g
    np.testing.assert_allclose(w, lengths * v / norms, rtol=1e-12)
    np.testing.assert_allclose(np.sqrt((w * w).sum(axis=AXES[kind])), abs(g), rtol=1e-12)
