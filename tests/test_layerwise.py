"""LARS and LAMB: norms of whole parameters, however these are stored."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimizer_table import GRADIENTS, STEPS, deviation, parameters_like, run
from paddle.incubate.optimizer import LarsMomentumOptimizer

from course_lib import optimizer

LARS_SETTINGS = [
    {},
    {"momentum": 0.5, "lars_coeff": 0.1, "lars_weight_decay": 0.1, "epsilon": 1e-3},
    {"lars_weight_decay": 0.0},
    {"lars_weight_decay": -0.1},
    {"rescale_grad": 0.25, "lars_weight_decay": 0.1},
]
ROUNDED = ("momentum", "lars_coeff", "lars_weight_decay", "epsilon", "rescale_grad")


def ours(parameters, settings, **more):
    return optimizer.LARS(0.1, **settings, parameters=parameters, **more)


def paddles(parameters, settings, weight_decay=None, **more):
    settings = {"momentum": 0.9, **settings, "parameter_list": parameters, "regularization": weight_decay}
    return LarsMomentumOptimizer(0.1, **settings, **more)


def rounded(made):
    """Round hyper-parameters as Paddle's kernel does."""
    for name in ROUNDED:
        setattr(made, name, float(np.float32(getattr(made, name))))
    return made


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gradients", GRADIENTS)
@pytest.mark.parametrize("settings", LARS_SETTINGS, ids=str)
def test_lars_equals_paddles(settings, gradients, dtype):
    mine, theirs = parameters_like(dtype), parameters_like(dtype)

    def cut_lr_half_way(step, made):
        if step == STEPS // 2:
            made.set_lr(0.03)

    values = list(GRADIENTS[gradients](dtype))
    path = run(rounded(ours(mine, settings)), mine, values, cut_lr_half_way)
    paddles_path = run(paddles(theirs, settings), theirs, values, cut_lr_half_way)
    assert deviation(path, paddles_path) <= (1e-9 if dtype == "float64" else 2e-5)


def test_lars_clips_then_regularizes_and_excludes_by_name_as_paddle_does():
    more = {"weight_decay": paddle.regularizer.L2Decay(0.1), "grad_clip": paddle.nn.ClipGradByGlobalNorm(0.5)}
    paths = []
    for make in (ours, paddles):
        parameters = parameters_like("float32")
        excluded = {"exclude_from_weight_decay": [parameters[1].name]}
        paths.append(run(make(parameters, excluded, **more), parameters, GRADIENTS["random"]("float32")))
    assert deviation(*paths) <= 2e-5


@pytest.mark.parametrize("from_first_to_second", [(ours, paddles), (paddles, ours)], ids=["to Paddle", "from Paddle"])
def test_a_run_of_lars_changes_over_in_the_middle(from_first_to_second):
    gradients = list(GRADIENTS["random"]("float64"))
    whole = parameters_like("float64")
    unbroken = run(paddles(whole, {}), whole, gradients)
    parameters = parameters_like("float64")
    first, second = (make(parameters, {}) for make in from_first_to_second)
    run(first, parameters, gradients[:100])
    second.set_state_dict(first.state_dict())
    path = run(second, parameters, gradients[100:])
    np.testing.assert_allclose(path[-1], unbroken[-1], rtol=1e-6)


def by_hand(made, x, g, steps=3):
    s = made.fresh_state(x)
    for s.t in range(1, steps + 1):
        x = made.rule(x, g, s, made.get_lr())
    return x


@pytest.mark.parametrize("name", ["LARS", "Lamb"])
def test_a_parameter_is_seen_as_a_whole_whatever_its_size(name):
    """One that other rules would cut into blocks, and small ones that they would join, in one group and in two."""
    rng = np.random.default_rng(0)
    values = [rng.normal(size=size) for size in (200_000, 7, 5)]
    gradients = [rng.normal(size=value.size) * scale for value, scale in zip(values, (1.0, 10.0, 0.1))]
    for grouped in (False, True):
        tensors = [paddle.to_tensor(value, stop_gradient=False) for value in values]
        groups = [{"params": tensors[:2]}, {"params": tensors[2:]}]
        made = getattr(optimizer, name)(0.1, parameters=groups if grouped else tensors)
        run(made, tensors, [gradients] * 3)
        for tensor, x, g in zip(tensors, values, gradients):
            np.testing.assert_allclose(tensor.numpy(), by_hand(made, x, g), rtol=1e-12)


@given(st.floats(1e-3, 1e3), st.floats(0.1, 10), st.floats(1e-4, 0.5))
def test_a_step_is_a_share_of_the_weights_length(size_of_gradient, size_of_weights, lr):
    x = size_of_weights * np.array([3.0, -4.0])
    g = size_of_gradient * np.array([1.0, 2.0])
    lamb = optimizer.Lamb(lr, lamb_weight_decay=0.0, always_adapt=True, epsilon=0.0)
    assert np.linalg.norm(by_hand(lamb, x, g, steps=1) - x) == pytest.approx(lr * np.linalg.norm(x))
    lars = optimizer.LARS(lr, lars_coeff=0.5, lars_weight_decay=1e-12)
    assert np.linalg.norm(by_hand(lars, x, g, steps=1) - x) == pytest.approx(0.5 * lr * np.linalg.norm(x))


def test_the_first_step_of_lamb_by_hand():
    """r = sign(g) + 0.5 x = (1 + 1.5, 1 + 2) = (2.5, 3); ‖x‖ = 5, ‖r‖ = √15.25."""
    lamb = optimizer.Lamb(0.1, lamb_weight_decay=0.5, epsilon=0.0)
    new = by_hand(lamb, np.array([3.0, 4.0]), np.array([0.2, 70.0]), steps=1)
    np.testing.assert_allclose(new, np.array([3.0, 4.0]) - 0.1 * 5 / np.sqrt(15.25) * np.array([2.5, 3.0]))


def test_parameters_excluded_from_decay_are_not_scaled_unless_always_adapt():
    def end(module, **settings):
        parameters = parameters_like("float64")
        chosen = parameters[0].name
        made = module.Lamb(
            0.01, exclude_from_weight_decay_fn=lambda p: p.name == chosen, parameters=parameters, **settings
        )
        return run(made, parameters, GRADIENTS["random"]("float64"))

    for settings in ({}, {"always_adapt": True}):
        assert deviation(end(optimizer, **settings), end(paddle.optimizer, **settings)) <= 1e-6
    assert deviation(end(optimizer), end(optimizer, always_adapt=True)) > 1e-3


def test_a_group_may_exclude_parameters_of_its_own():
    def end(module):
        parameters = parameters_like("float64")
        groups = [
            {"params": parameters[:1]},
            {"params": parameters[1:], "exclude_from_weight_decay_fn": lambda parameter: len(parameter.shape) == 1},
        ]
        return run(module.Lamb(0.01, parameters=groups), parameters, GRADIENTS["random"]("float64"))

    assert deviation(end(optimizer), end(paddle.optimizer)) <= 1e-6
