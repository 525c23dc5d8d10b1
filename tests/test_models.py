"""models: shapes, the published architectures, repeatable weights that disturb nobody."""

import numpy as np
import paddle
import pytest

from course_lib import data, models
from course_lib.seeding import seeded


def weights(model):
    return [parameter.numpy() for parameter in model.parameters()]


def shapes(model):
    return [tuple(parameter.shape) for parameter in model.parameters()]


BUILDERS = [
    lambda seed: models.mlp(64, hidden=(16, 8), seed=seed),
    lambda seed: models.mnist_cnn(seed=seed),
    lambda seed: models.lenet(seed=seed),
]
builders = pytest.mark.parametrize("build", BUILDERS, ids=["mlp", "mnist_cnn", "lenet"])


@builders
def test_a_seed_repeats_the_weights_and_another_changes_them(build):
    first, again, other = weights(build(5)), weights(build(5)), weights(build(6))
    assert all((a == b).all() for a, b in zip(first, again))
    assert not (first[0] == other[0]).all()


@builders
def test_a_seed_leaves_the_callers_random_numbers_alone(build):
    paddle.seed(1)
    expected = paddle.rand([4]).numpy()
    paddle.seed(1)
    build(5)
    np.testing.assert_array_equal(paddle.rand([4]).numpy(), expected)


@builders
def test_without_a_seed_weights_come_from_the_callers_generator(build):
    with seeded(3):
        first = weights(build(None))
        second = weights(build(None))
    with seeded(3):
        again = weights(build(None))
    assert (first[0] == again[0]).all() and not (first[0] == second[0]).all()


def test_the_tutorials_network():
    model = models.mnist_cnn()
    assert shapes(model) == [(20, 1, 5, 5), (20,), (20, 20, 5, 5), (20,), (980, 10), (10,)]
    assert tuple(model(paddle.zeros([3, 1, 28, 28])).shape) == (3, 10)


def test_caffes_lenet():
    model = models.lenet()
    assert shapes(model) == [(20, 1, 5, 5), (20,), (50, 20, 5, 5), (50,), (800, 500), (500,), (500, 10), (10,)]
    assert tuple(model(paddle.zeros([3, 1, 28, 28])).shape) == (3, 10)


@pytest.mark.parametrize(("build", "size"), [(models.mnist_cnn, 4), (models.mnist_cnn, 8), (models.lenet, 16)])
def test_smaller_images(build, size):
    assert tuple(build(size=size)(paddle.zeros([3, 1, size, size])).shape) == (3, 10)


def test_an_mlp_is_made_to_measure_for_a_data_set():
    digits = data.load("digits", size=28)
    model = models.mlp(digits, hidden=(32,))
    assert shapes(model) == [(784, 32), (32,), (32, 10), (10,)]
    assert tuple(model(paddle.to_tensor(digits.test.images[:3])).shape) == (3, 10)


def test_an_mlp_computes_what_its_definition_says():
    x = np.random.default_rng(0).normal(size=(5, 1, 2, 2)).astype(np.float32)
    for name, function in {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}.items():
        model = models.mlp(4, hidden=(3,), classes=2, activation=name, seed=0)
        w1, b1, w2, b2 = weights(model)
        expected = function(x.reshape(5, 4) @ w1 + b1) @ w2 + b2
        np.testing.assert_allclose(model(paddle.to_tensor(x)).numpy(), expected, atol=1e-6)


def test_without_hidden_layers_it_is_linear():
    assert shapes(models.mlp(64, hidden=())) == [(64, 10), (10,)]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: models.mlp(0), ValueError, "inputs must be a whole number of at least 1, got 0"),
        (lambda: models.mlp("digits"), TypeError, "inputs must be a whole number"),
        (lambda: models.mlp(hidden=64), TypeError, "hidden must be a tuple"),
        (lambda: models.mlp(hidden=(64, 0)), ValueError, "hidden must be a whole number of at least 1, got 0"),
        (lambda: models.mlp(classes=-1), ValueError, "classes must be a whole number of at least 1, got -1"),
        (lambda: models.mlp(activation="swoosh"), ValueError, "activation must be one of 'relu'.*got 'swoosh'"),
        (lambda: models.mlp(seed=-1), ValueError, "seed must be a whole number of at least 0, got -1"),
        (lambda: models.mlp(seed=0.5), TypeError, "seed must be a whole number"),
        (lambda: models.mnist_cnn(size=3), ValueError, "size must be a whole number of at least 4, got 3"),
        (lambda: models.lenet(size=8), ValueError, "size must be a whole number of at least 16, got 8"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_seeded_restores_the_generator_after_an_error():
    paddle.seed(1)
    expected = paddle.rand([4]).numpy()
    paddle.seed(1)
    with pytest.raises(ZeroDivisionError), seeded(9):
        paddle.rand([2])
        raise ZeroDivisionError
    np.testing.assert_array_equal(paddle.rand([4]).numpy(), expected)
