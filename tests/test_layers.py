"""layers: first weights drawn layer after layer with the right fans, and weight normalization that trains."""

import math

import numpy as np
import paddle
import pytest
from paddle import nn

from course_lib import data, initializer, models, optimizer
from course_lib.layers import LAYERS, WeightNorm, initialize
from course_lib.training import fit


def rng(seed=0):
    return np.random.default_rng(seed)


# First weights -----------------------------------------------------------------------------------------------


def test_initialize_draws_layer_after_layer_and_zeroes_biases():
    model = initialize(models.lenet(), initializer.he_normal, seed=3)
    generator = rng(3)
    for layer in model.sublayers():
        if isinstance(layer, LAYERS):
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


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: initialize("mlp", initializer.zero), TypeError, "model must be a paddle.nn.Layer, got 'mlp'"),
        (lambda: initialize(nn.Linear(2, 2), "he"), TypeError, "function must be a function .* got 'he'"),
        (lambda: initialize(nn.ReLU(), initializer.zero), ValueError, "model must have a linear or convolution layer"),
        (lambda: initialize(nn.Linear(2, 2), initializer.zero, seed=-1), ValueError, "seed must be .* got -1"),
        (lambda: initialize(nn.Linear(2, 3), lambda s, r: np.zeros(3)), ValueError, r"shape \(2, 3\), got \(3,\)"),
        (lambda: WeightNorm(nn.ReLU()), TypeError, "layer must be a Linear or Conv layer, got ReLU"),
        (lambda: WeightNorm(initialize(nn.Linear(2, 2), initializer.zero)), ValueError, "v must have a direction"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Weight normalization ----------------------------------------------------------------------------------------


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
