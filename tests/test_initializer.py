"""initializer: distributions with the right spread, layers with the right fans, weight normalization that trains.

Tolerances of statistics follow from the sample's size: five standard deviations of the statistic.
"""

import math

import numpy as np
import paddle
import pytest
from paddle import nn
from scipy import stats

from course_lib import data, initializer, models, optimizer
from course_lib.initializer import WeightNorm, fans, initialize, weight_norm
from course_lib.training import fit

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
        (lambda: initialize("mlp", initializer.zero), TypeError, "model must be a paddle.nn.Layer, got 'mlp'"),
        (lambda: initialize(nn.Linear(2, 2), "he"), TypeError, "function must be a function .* got 'he'"),
        (lambda: initialize(nn.ReLU(), initializer.zero), ValueError, "model must have a linear or convolution layer"),
        (lambda: initialize(nn.Linear(2, 2), initializer.zero, seed=-1), ValueError, "seed must be .* got -1"),
        (lambda: initialize(nn.Linear(2, 3), lambda s, r: np.zeros(3)), ValueError, r"shape \(2, 3\), got \(3,\)"),
        (lambda: WeightNorm(nn.ReLU()), TypeError, "layer must be a Linear or Conv layer, got ReLU"),
        (lambda: WeightNorm(initialize(nn.Linear(2, 2), initializer.zero)), ValueError, "v must have a direction"),
        (lambda: weight_norm(np.zeros((2, 2)), np.ones(2)), ValueError, "v must have a direction"),
        (lambda: weight_norm(np.ones((2, 3)), np.ones(2)), ValueError, r"g must have one value per unit, shape \(3,\)"),
        (lambda: weight_norm(np.ones((2, 3)), 1.0), ValueError, r"g must have one value per unit.*got 1\.0"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Layers ------------------------------------------------------------------------------------------------------


def test_initialize_draws_layer_after_layer_and_zeroes_biases():
    model = initialize(models.lenet(), initializer.he_normal, seed=3)
    generator = rng(3)
    for layer in model.sublayers():
        if isinstance(layer, initializer.LAYERS):
            expected = initializer.he_normal(tuple(layer.weight.shape), generator)
            np.testing.assert_array_equal(layer.weight.numpy(), expected.astype(np.float32))
            assert not layer.bias.numpy().any()


@pytest.mark.parametrize(
    ("function", "paddles"),
    [
        (initializer.xavier_normal, nn.initializer.XavierNormal),
        (initializer.xavier_uniform, nn.initializer.XavierUniform),
        (initializer.he_normal, nn.initializer.KaimingNormal),
        (initializer.he_uniform, nn.initializer.KaimingUniform),
    ],
)
@pytest.mark.parametrize("make", [lambda a: nn.Linear(400, 250, a), lambda a: nn.Conv2D(40, 60, 5, weight_attr=a)])
def test_the_same_spread_as_paddles_initializers(function, paddles, make):
    reference = make(paddle.ParamAttr(initializer=paddles())).weight.numpy()
    ours = initialize(make(None), function, seed=0).weight.numpy()
    assert ours.std() == pytest.approx(reference.std(), rel=5 * math.sqrt(2 * 2 / 4 / ours.size))


def test_other_layers_settings_and_missing_biases():
    norm = nn.BatchNorm1D(4)
    norm.weight.set_value(paddle.full([4], 7.0))
    model = nn.Sequential(nn.Linear(3, 4, bias_attr=False), norm, nn.Linear(4, 2))
    assert initialize(model, initializer.constant, value=0.25) is model
    assert (model[0].weight.numpy() == 0.25).all() and (model[2].weight.numpy() == 0.25).all()
    assert (norm.weight.numpy() == 7).all()


def test_your_own_function_works():
    model = initialize(nn.Linear(3, 2), lambda shape, rng: rng.integers(5, 9, shape), seed=0)
    assert set(model.weight.numpy().ravel().tolist()) <= {5, 6, 7, 8}


@pytest.mark.parametrize(("function", "rank"), [(initializer.constant, 1), (initializer.he_normal, 16)])
def test_equal_units_stay_equal(function, rank):
    digits = data.load("digits")
    model = initialize(models.mlp(digits, hidden=(16,)), function)
    fit(model, optimizer.SGD(0.1, parameters=model.parameters()), digits, steps=100)
    assert np.linalg.matrix_rank(model[1].weight.numpy(), tol=1e-3) == rank


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


def layers(kind):
    paddle.seed(0)
    return nn.Linear(6, 4) if kind == "linear" else nn.Conv2D(3, 4, 3, stride=2, padding=1)


INPUTS = {"linear": (5, 6), "conv": (5, 3, 8, 8)}


@pytest.mark.parametrize("kind", INPUTS)
def test_wrapping_changes_no_output(kind):
    x = paddle.to_tensor(rng().normal(size=INPUTS[kind]).astype(np.float32))
    plain, wrapped = layers(kind), WeightNorm(layers(kind))
    np.testing.assert_allclose(wrapped(x).numpy(), plain(x).numpy(), atol=1e-6)
    assert [name for name, _ in wrapped.named_parameters()] == ["v", "g", "layer.bias"]


@pytest.mark.parametrize(("kind", "dim"), [("linear", 1), ("conv", 0)])
def test_it_trains_as_paddles_weight_norm_does(kind, dim):
    ours, paddles = WeightNorm(layers(kind)), nn.utils.weight_norm(layers(kind), dim=dim)
    opts = [paddle.optimizer.SGD(0.1, parameters=layer.parameters()) for layer in (ours, paddles)]
    x = paddle.to_tensor(rng().normal(size=INPUTS[kind]).astype(np.float32))
    for _ in range(20):
        for layer, opt in zip((ours, paddles), opts):
            out = layer(x)
            ((out - 1) * (out - 1)).mean().backward()
            opt.step()
            opt.clear_grad()
    assert abs(ours.v.numpy() - layers(kind).weight.numpy()).max() > 1e-3
    np.testing.assert_allclose(ours.v.numpy(), paddles.weight_v.numpy(), atol=1e-5)
    np.testing.assert_allclose(ours.g.numpy(), paddles.weight_g.numpy().ravel(), atol=1e-5)
    np.testing.assert_allclose(ours(x).numpy(), paddles(x).numpy(), atol=1e-5)


def test_the_gradient_of_v_is_orthogonal_to_v():
    layer = WeightNorm(layers("linear"))
    layer(paddle.to_tensor(rng().normal(size=(5, 6)).astype(np.float32))).exp().sum().backward()
    assert abs((layer.v.grad.numpy() * layer.v.numpy()).sum(axis=0)).max() < 1e-4 * abs(layer.v.grad.numpy()).max()
    assert abs(layer.g.grad.numpy()).min() > 0


def test_a_network_of_them_learns_saves_and_loads():
    digits = data.load("digits")

    def network(seed):
        flatten, first, act, last = models.mlp(digits, seed=seed)
        return nn.Sequential(flatten, WeightNorm(first), act, WeightNorm(last))

    model = network(0)
    run = fit(model, optimizer.Momentum(0.05, parameters=model.parameters()), digits, epochs=5)
    assert run.final_accuracy > 0.9
    twin = network(1)
    twin.set_state_dict(model.state_dict())
    x = paddle.to_tensor(digits.test.images)
    np.testing.assert_array_equal(twin(x).numpy(), model(x).numpy())
