"""The course's optimizers equal Paddle's, step by step."""

from __future__ import annotations

from functools import cache

import numpy as np
import paddle
import pytest
from optimizer_table import CASES, GRADIENTS, STEPS, Case, deviation, parameters_like, run

from course_lib import data, models, optimizer

CLIPS = {
    "none": None,
    "by value": paddle.nn.ClipGradByValue(0.5),
    "by norm": paddle.nn.ClipGradByNorm(0.5),
    "by global norm": paddle.nn.ClipGradByGlobalNorm(0.5),
}
DECAYS = {"L2 as float": 0.1, "L2Decay": paddle.regularizer.L2Decay(0.1), "L1Decay": paddle.regularizer.L1Decay(0.1)}


WITH_L2 = [case for case in CASES if "weight_decay" in case.arguments and case.name != "AdamW"]

pytestmark = pytest.mark.filterwarnings("ignore:set_lr has no effect on Rprop")


def decaying(case):
    return {"weight_decay": 0.2} if "weight_decay" in case.arguments else {}


def cut_lr_half_way(case):
    return lambda step, made: made.set_lr(case.lr * 0.3) if step == STEPS // 2 else None


@cache
def tensors(gradients, dtype):
    """A gradient sequence as tensors, made once for all tests: a parameter that is given one as gradient copies it."""
    return [[paddle.to_tensor(value) for value in values] for values in GRADIENTS[gradients](dtype)]


def compare(make_ours, make_theirs, gradients, dtype, before_step=None) -> float:
    """Run both optimizers over the same gradients from the same start; return their deviation."""
    mine, theirs = parameters_like(dtype), parameters_like(dtype)
    gradients = list(gradients)
    path = run(make_ours(mine), mine, gradients, before_step)
    paddles_path = run(make_theirs(theirs), theirs, gradients, before_step)
    return deviation(path, paddles_path)


@pytest.mark.parametrize("gradients", GRADIENTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_float32(case, gradients):
    found = compare(case.ours, case.paddles, tensors(gradients, "float32"), "float32", cut_lr_half_way(case))
    assert found <= case.tolerance


@pytest.mark.parametrize("gradients", GRADIENTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_float64_proves_the_formula(case, gradients):
    found = compare(case.ours_as_rounded, case.paddles, tensors(gradients, "float64"), "float64", cut_lr_half_way(case))
    assert found <= case.tolerance64


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("case", WITH_L2, ids=lambda case: case.label)
def test_clipping_then_regularization(case, clip, decay):
    more = {"weight_decay": DECAYS[decay], "grad_clip": CLIPS[clip]}
    # L1 turns where a parameter crosses zero: there the last bit decides. A constant gradient crosses at most once.
    gradients = tensors("constant" if decay == "L1Decay" else "random", "float32")
    found = compare(lambda p: case.ours(p, **more), lambda p: case.paddles(p, **more), gradients, "float32")
    assert found <= case.tolerance


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("case", [c for c in CASES if c not in WITH_L2], ids=lambda case: case.label)
def test_clipping_without_regularization(case, clip):
    more = {"grad_clip": CLIPS[clip]}
    found = compare(
        lambda p: case.ours(p, **more), lambda p: case.paddles(p, **more), tensors("random", "float32"), "float32"
    )
    assert found <= case.tolerance


def in_groups(parameters, case):
    """Three groups with settings of their own; every hyper-parameter that is a number differs in the last one."""
    first, second, third = parameters
    changed = {"weight_decay": 0.05}
    for name in ("momentum", "beta1", "beta2", "rho"):
        if name in case.ours(parameters_like("float32")).hyperparameters:
            changed[name] = 0.7
    return [
        {"params": [first]},
        {"params": [second], "learning_rate": 0.1, "grad_clip": paddle.nn.ClipGradByNorm(0.3)},
        {"params": [third], **changed},
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_groups(case):
    found = compare(
        lambda p: case.ours(in_groups(p, case), **decaying(case)),
        lambda p: case.paddles(in_groups(p, case), **decaying(case)),
        tensors("random", "float32"),
        "float32",
    )
    assert found <= case.tolerance


OF_ONE_GROUP = [
    ("Adagrad", {"initial_accumulator_value": 0.5}),
    ("RMSProp", {"centered": True}),
    ("Momentum", {"use_nesterov": True}),
    ("NAdam", {"momentum_decay": 0.1}),
]


@pytest.mark.parametrize(("name", "own"), OF_ONE_GROUP)
def test_what_decides_on_the_state_may_be_set_for_one_group(name, own):
    def groups(parameters):
        return [{"params": parameters[:1]}, {"params": parameters[1:], **own}]

    case = Case(name, {})
    gradients = tensors("random", "float32")
    found = compare(lambda p: case.ours(groups(p)), lambda p: case.paddles(groups(p)), gradients, "float32")
    assert found <= case.tolerance


@pytest.mark.parametrize("setting", [{"amsgrad": True}, {"amsgrad": False}], ids=str)
@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_amsgrad_may_be_set_for_one_group(name, setting):
    """Paddle passes it over in a group; here it acts."""

    def made(parameters, **settings):
        return getattr(optimizer, name)(0.01, parameters=parameters, **settings)

    gradients = list(tensors("spike", "float32"))
    alone, grouped = parameters_like("float32"), parameters_like("float32")
    otherwise = {"amsgrad": not setting["amsgrad"]}
    own = run(made([{"params": grouped[:1]}, {"params": grouped[1:], **setting}], **otherwise), grouped, gradients)
    run(made(alone[:1], **otherwise), alone[:1], [values[:1] for values in gradients])
    run(made(alone[1:], **setting), alone[1:], [values[1:] for values in gradients])
    np.testing.assert_array_equal(own[-1], flat(alone))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_parameters_without_gradient_are_skipped_and_their_count_stands_still(case):
    def sometimes(dtype):
        for step, values in enumerate(tensors("random", dtype)):
            yield [None if (step + place) % 3 == 0 else value for place, value in enumerate(values)]

    assert compare(case.ours, case.paddles, sometimes("float32"), "float32") <= case.tolerance


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_frozen_parameters_stand_still(case):
    def freeze(parameters):
        parameters[1].stop_gradient = True
        return parameters

    found = compare(
        lambda p: case.ours(freeze(p)),
        lambda p: case.paddles(freeze(p)),
        tensors("random", "float32"),
        "float32",
    )
    assert found <= case.tolerance


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_param_attr_wins_over_the_optimizer(case):
    def layer():
        attribute = paddle.ParamAttr(learning_rate=0.5, regularizer=paddle.regularizer.L1Decay(0.1))
        paddle.seed(3)
        return paddle.nn.Linear(7, 5, weight_attr=attribute)

    found = []
    for make in (case.ours, case.paddles):
        parameters = layer().parameters()
        gradients = [[values[0], values[1]] for values in tensors("random", "float32")]
        found.append(run(make(parameters, **decaying(case)), parameters, gradients))
    assert deviation(*found) <= case.tolerance


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_nan_and_infinite_gradients_do_what_they_do_in_paddle(case, value):
    def with_one(dtype):
        for step, values in enumerate(GRADIENTS["random"](dtype)):
            if step == 5:
                values[0][0, 0] = value
            yield values
            if step == 20:
                return

    if case.name == "Rprop" and value == float("inf"):
        pytest.skip("0·∞ just after a turn: Paddle takes the least step size, here it stays (docstring)")
    mine, theirs = parameters_like("float32"), parameters_like("float32")
    path = run(case.ours(mine), mine, with_one("float32"))
    paddles_path = run(case.paddles(theirs), theirs, with_one("float32"))
    np.testing.assert_array_equal(np.isfinite(path), np.isfinite(paddles_path))
    finite = np.isfinite(paddles_path)
    np.testing.assert_allclose(path[finite], paddles_path[finite], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_row_wise_gradients_of_a_sparse_embedding(case):
    """They equal dense ones. Paddle's own row-wise kernels fail on these rows in most classes."""
    found = []
    for make, sparse in ((case.ours, True), (case.paddles, False)):
        paddle.seed(0)
        embedding = paddle.nn.Embedding(10, 3, sparse=sparse)
        made = make(embedding.parameters())
        positions = [flat(embedding.parameters())]
        for rows in ([4, 1, 1], [9, 0, 4], [2, 2], [5, 0, 1]):
            embedding(paddle.to_tensor(rows)).square().sum().backward()
            made.step()
            made.clear_grad()
            positions.append(flat(embedding.parameters()))
        found.append(np.array(positions))
    assert deviation(*found) <= case.tolerance


@pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])
def test_adam_refuses_to_decay_an_embedding_with_row_wise_gradients(module):
    embedding = paddle.nn.Embedding(10, 3, sparse=True)
    made = module.Adam(parameters=embedding.parameters(), weight_decay=0.1)
    embedding(paddle.to_tensor([1])).sum().backward()
    with pytest.raises(RuntimeError, match="weight_decay"):
        made.step()


# Paddle's Rprop fails on a parameter without dimension
@pytest.mark.parametrize("case", [case for case in CASES if case.name != "Rprop"], ids=lambda case: case.label)
def test_a_parameter_that_is_one_number(case):
    found = []
    for make in (case.ours, case.paddles):
        parameter = paddle.create_parameter([], "float32")
        parameter.set_value(np.array(0.5, "float32"))
        found.append(run(make([parameter]), [parameter], [[np.array(0.3, "float32")], [np.array(-0.1, "float32")]]))
    assert deviation(*found) <= case.tolerance


STEPS_ON_THE_NETWORK = 50


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", size=28).train


def train(make, digits, lr, after_backward=lambda parameters: None):
    """Train the tutorial's network for some steps; return the parameters after each, as one array."""
    model = models.mnist_cnn(seed=0)
    parameters = model.parameters()
    made = make(parameters, lr=lr)
    positions = [flat(parameters)]
    for step in range(STEPS_ON_THE_NETWORK):
        batch = slice(8 * step, 8 * step + 8)
        images, labels = paddle.to_tensor(digits.images[batch]), paddle.to_tensor(digits.labels[batch])
        paddle.nn.functional.cross_entropy(model(images), labels).backward()
        after_backward(parameters)
        made.step()
        made.clear_grad()
        positions.append(flat(parameters))
    return np.array(positions)


def flat(parameters) -> np.ndarray:
    return np.concatenate([parameter.numpy().reshape(-1) for parameter in parameters]).astype("float64")


NETWORK_CASES = [case for case in CASES if set(case.settings) <= {"use_nesterov", "amsgrad"}]


@pytest.mark.parametrize("case", NETWORK_CASES, ids=lambda case: case.label)
def test_with_the_gradients_of_the_mnist_cnn(case, digits):
    gradients = []
    lr = min(case.lr, 0.01)

    def keep(parameters):
        gradients.append([parameter.grad.numpy().copy() for parameter in parameters])

    theirs = train(case.paddles, digits, lr, keep)
    model = models.mnist_cnn(seed=0)
    parameters = model.parameters()
    ours = run(case.ours(parameters, lr=lr), parameters, gradients)
    assert deviation(ours, theirs) <= case.tolerance


@pytest.mark.parametrize("case", NETWORK_CASES, ids=lambda case: case.label)
def test_training_the_mnist_cnn(case, digits):
    """Each optimizer follows its own gradients. ReLU and pooling magnify the last bit, so the steps are small
    where they do not depend on the gradient's size, and the distance is that of the whole parameter vector."""
    lr = {"SGD": 0.01, "Momentum": 0.01, "Adadelta": 0.1}.get(case.name, 2e-4)
    ours, theirs = train(case.ours, digits, lr), train(case.paddles, digits, lr)
    path = np.linalg.norm(np.diff(theirs, axis=0), axis=1).sum()
    assert np.linalg.norm(ours - theirs, axis=1).max() <= 2e-5 * (np.linalg.norm(theirs[0]) + path)
    assert path > 0.01
