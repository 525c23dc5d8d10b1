"""The odd corners of a program that replaces ``paddle.optimizer``: decay in groups, early states, modes, names."""

from __future__ import annotations

import copy
import importlib
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import paddle
import pytest
from optimizer_table import CASES, GRADIENTS, OWN, deviation, parameters_like, run
from test_state import rename

from course_lib import edge, optimizer
from course_lib.optimizer import lr
from course_lib.optimizer.tensors.paddle_format import format_of

BY_LABEL = {"ids": lambda case: case.label}
theirs_lr = paddle.optimizer.lr
L1Decay, L2Decay = paddle.regularizer.L1Decay, paddle.regularizer.L2Decay
both = pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])


def parameter_of(*values, dtype="float32"):
    parameter = paddle.create_parameter([len(values)], dtype)
    parameter.set_value(np.array(values, dtype))
    return parameter


def after_steps(made, parameter, gradient=(0.1, 0.2), steps=3):
    for _ in range(steps):
        parameter.grad = paddle.to_tensor(np.array(gradient, "float32"))
        made.step()
    return parameter.numpy()


# ---------------------------------------------------------------------- decay, global and in a group

DECAYS = {"none": lambda λ: None, "float": float, "L1": L1Decay, "L2": L2Decay}
WITHOUT_LEARNING_RATE = {"EMA", "LookAhead", "ModelAverage"}  # test_averaging.py
PADDLES_OWN = sorted({case.name for case in CASES})


def decayed(module, name, everywhere, in_group):
    """Three steps with these decays; None for a combination that is refused."""
    parameter = parameter_of(1.0, -0.5)
    group = {"params": [parameter]}
    if in_group != "absent":
        group["weight_decay"] = DECAYS[in_group](0.3)
    try:
        made = getattr(module, name)(0.1, parameters=[group], weight_decay=DECAYS[everywhere](0.2))
        return after_steps(made, parameter)
    except (TypeError, ValueError):
        return None


@pytest.mark.parametrize("in_group", ["absent", *DECAYS])
@pytest.mark.parametrize("everywhere", DECAYS)
@pytest.mark.parametrize("name", PADDLES_OWN)
def test_the_decay_of_a_group_and_the_global_one_meet_as_in_paddle(name, everywhere, in_group):
    ours, theirs = (decayed(module, name, everywhere, in_group) for module in (optimizer, paddle.optimizer))
    assert (ours is None) == (theirs is None)
    if ours is not None:
        np.testing.assert_allclose(ours, theirs, rtol=2e-5)


# ---------------------------------------------------------------------- states saved after a few steps

EARLY = [case for case in CASES if format_of(getattr(optimizer, case.name)).powers or case.label == "RMSProp"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", EARLY, **BY_LABEL)
def test_a_state_of_every_early_step_is_continued_by_the_other_library(case, dtype):
    """Paddle corrects by powers of β that it keeps; most of its kernels have β in 32 bits in float64, too."""
    gradients = list(GRADIENTS["random"](dtype))[:16]
    unbroken = parameters_like(dtype)
    expected = run(case.paddles(unbroken), unbroken, gradients)
    for start, go_on in ((case.ours, case.paddles), (case.paddles, case.ours)):
        parameters = parameters_like(dtype)
        made = start(parameters)
        for steps in range(1, 13):
            run(made, parameters, gradients[steps - 1 : steps])
            path = taken_over(made, parameters, go_on, gradients[steps : steps + 4])
            assert deviation(path, expected[steps : steps + 5]) <= case.tolerance, (steps, go_on)


def taken_over(made, parameters, go_on, gradients):
    """The path of an optimizer that takes over from another one; neither disturbs the other."""
    others = [paddle.create_parameter(parameter.shape, parameter.dtype) for parameter in parameters]
    for other, parameter in zip(others, parameters):
        other.set_value(parameter)
    names = [[parameter.name for parameter in each] for each in (parameters, others)]
    successor = go_on(others)
    successor.set_state_dict({rename(key, *names): value for key, value in made.state_dict().items()})
    return run(successor, others, gradients)


@pytest.mark.parametrize("case", CASES + OWN, **BY_LABEL)
def test_an_empty_parameter_is_trained_saved_and_loaded(case):
    empty, full = paddle.create_parameter([0], "float32"), parameter_of(1.0, 2.0)
    made = case.ours([empty, full])
    gradients = [[np.zeros(0, "float32"), np.ones(2, "float32")]] * 3
    run(made, [empty, full], gradients)
    resumed = case.ours([empty, full])
    resumed.set_state_dict(made.state_dict())
    assert resumed.state_dict().keys() == made.state_dict().keys()
    twin = copy.deepcopy(made)
    expected = run(twin, twin._parameters(), gradients)[-1]
    np.testing.assert_array_equal(run(resumed, [empty, full], gradients)[-1], expected)


def test_paddles_state_of_an_empty_parameter_is_loaded():
    empty, full = paddle.create_parameter([0], "float32"), parameter_of(1.0, 2.0)
    theirs = paddle.optimizer.NAdam(parameters=[empty, full])
    run(theirs, [empty, full], [[np.zeros(0, "float32"), np.ones(2, "float32")]] * 3)
    made = optimizer.NAdam(parameters=[empty, full])
    made.set_state_dict(theirs.state_dict())
    assert made.state_dict()[f"{full.name}_t_0"].item() == 3


# ---------------------------------------------------------------------- names


def network_of_copies():
    first = paddle.nn.Linear(2, 2)
    return paddle.nn.Sequential(first, copy.deepcopy(first), copy.deepcopy(first))


def trained(made, model, steps=3):
    for step in range(steps):
        model(paddle.full([1, 2], 1.0 + step)).square().sum().backward()
        made.step()
        made.clear_grad()
    return [parameter.numpy() for parameter in model.parameters()]


@pytest.mark.parametrize("case", CASES + OWN, **BY_LABEL)
def test_a_network_of_copied_layers_is_saved_and_loaded(case):
    """Their names begin as each other's do: linear_0.w_0, linear_0.w_0_deepcopy_1."""
    model = network_of_copies()
    made = case.ours(model.parameters())
    trained(made, model)
    resumed, state = case.ours(model.parameters()), made.state_dict()
    resumed.set_state_dict(state)
    again = resumed.state_dict()
    assert again.keys() == state.keys()
    assert all(np.array_equal(again[key], value) for key, value in state.items())


@pytest.mark.parametrize("names", [("a", "a__b"), ("a", "a_"), ("a", "a_moment1"), ("a_t", "a"), ("a_", "a__b_0")])
@pytest.mark.parametrize("name", [None, "adam", "_"])
def test_names_with_underscores_lose_no_state(names, name):
    parameters = [parameter_of(1.0), parameter_of(2.0)]
    for parameter, its_name in zip(parameters, names):
        parameter.name = its_name
    made = optimizer.Adam(0.1, parameters=parameters, name=name)
    run(made, parameters, [[np.float32([0.5]), np.float32([-2.0])]] * 3)
    resumed = optimizer.Adam(0.1, parameters=parameters, name=name)
    resumed.set_state_dict(made.state_dict())
    assert {key: value.tolist() for key, value in resumed.state_dict().items()} == {
        key: value.tolist() for key, value in made.state_dict().items()
    }


def test_an_entry_of_a_missing_parameter_with_a_double_underscore_is_not_passed_over():
    first, second = parameter_of(1.0), parameter_of(2.0)
    first.name, second.name = "a", "a__b"
    made = optimizer.Adam(0.1, parameters=[first, second])
    run(made, [first, second], [[np.float32([0.5])] * 2])
    with pytest.raises(ValueError, match="entries for parameter a that Adam does not have: _b_"):
        optimizer.Adam(0.1, parameters=[first]).set_state_dict(made.state_dict())


@pytest.mark.parametrize("step_number", [[-1], [1.5], [1, 2], [[3, 4]]], ids=str)
def test_a_step_number_that_is_none_is_refused(step_number):
    parameter = parameter_of(1.0)
    made = optimizer.Adam(0.1, parameters=[parameter])
    run(made, [parameter], [[np.float32([1.0])]])
    state = {**made.state_dict(), f"{parameter.name}_t_0": paddle.to_tensor(step_number)}
    with pytest.raises(
        (TypeError, ValueError), match=r"step number for parameter .* must be a whole number of at least 0"
    ):
        made.set_state_dict(state)
    with pytest.raises(ValueError, match="entries for none of the parameters of this Adam: 3"):
        made.set_state_dict({**made.state_dict(), 3: paddle.ones([1])})


def test_two_parameters_of_one_name_are_trained_but_not_saved():
    first, second = parameter_of(1.0), parameter_of(1.0)
    second.name = first.name
    made = optimizer.Momentum(0.1, parameters=[first, second])
    run(made, [first, second], [[np.float32([1.0]), np.float32([2.0])]])
    made.apply_gradients([(first, paddle.ones([1])), (second, paddle.full([1], 2.0))])
    assert (first.item(), second.item()) == (pytest.approx(0.71), pytest.approx(0.42))
    for ask in (made.state_dict, lambda: made.set_state_dict({})):
        with pytest.raises(ValueError, match=f"two parameters are called {first.name}.*unique_name.guard"):
            ask()


def test_other_names_in_the_same_session_are_explained():
    states = []
    for _ in range(2):
        model = paddle.nn.Linear(2, 2)
        made = optimizer.Adam(0.1, parameters=model.parameters())
        trained(made, model)
        states.append(made.state_dict())
    with pytest.raises(ValueError, match=r"paddle\.utils\.unique_name\.guard\(\)"):
        made.set_state_dict(states[0])
    states = []
    for _ in range(2):
        with paddle.utils.unique_name.guard():
            model = paddle.nn.Linear(2, 2)
            made = optimizer.Adam(0.1, parameters=model.parameters())
        made.set_state_dict(states[-1] if states else {})
        trained(made, model)
        states.append(made.state_dict())
    assert [state["linear_0.w_0_t_0"].item() for state in states] == [3, 6]


def test_the_work_grows_with_the_number_of_parameters_and_no_faster():
    """Twice the parameters take twice the calls, not four times."""
    program = Path(__file__).with_name("count_calls.py")
    printed = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=100, check=True).stdout
    calls = json.loads(printed)
    assert calls.keys() == {"first step", "save", "load"}
    assert [work for work, (few, many) in calls.items() if many > 2.2 * few or few < 60] == []


# ---------------------------------------------------------------------- gradients


@pytest.mark.parametrize("shape", [[1], [3, 2], [6], [12], [3], []])
def test_a_gradient_of_another_shape_is_refused_before_anything_moves(shape):
    parameter, other = paddle.create_parameter([2, 3], "float32"), parameter_of(1.0)
    before = parameter.numpy()
    made = optimizer.SGD(1.0, parameters=[other, parameter])
    message = re.escape(f"the gradient of {parameter.name} must have the parameter's shape [2, 3], got {shape}")
    with pytest.raises(ValueError, match=message):
        made.apply_gradients([(other, paddle.ones([1])), (parameter, paddle.ones(shape))])
    np.testing.assert_array_equal(parameter.numpy(), before)
    assert other.item() == 1.0


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int32"])
@pytest.mark.parametrize("size", [1, 20_000])
def test_a_gradient_of_another_dtype_is_refused(dtype, size):
    parameter = paddle.create_parameter([size], "float32")
    made = optimizer.SGD(1.0, parameters=[parameter])
    with pytest.raises(TypeError, match=rf"{parameter.name} must be paddle\.float32 .*, got paddle\.{dtype}"):
        made.apply_gradients([(parameter, paddle.ones([size], dtype))])


def resized(parameter, shape):
    parameter.stop_gradient = True
    parameter.resize_(shape, fill_zero=True)
    parameter.stop_gradient = False
    parameter.grad = None


@both
@pytest.mark.parametrize("shape", [[4, 3], [1, 3]])
def test_a_resized_parameter_goes_on_in_full_where_there_is_no_state(module, shape):
    parameter = paddle.create_parameter([2, 3], "float32")
    parameter.set_value(np.zeros([2, 3], "float32"))
    made = module.SGD(1.0, parameters=[parameter])
    run(made, [parameter], [[np.ones([2, 3], "float32")]])
    resized(parameter, shape)
    run(made, [parameter], [[np.ones(shape, "float32")]])
    assert parameter.numpy().ravel().tolist() == ([-2.0] * 6 + [-1.0] * 6)[: np.prod(shape)]


@both
@pytest.mark.parametrize("shape", [[4, 3], [1, 3]])
def test_a_resized_parameter_and_its_old_state_are_refused(module, shape):
    parameter = paddle.create_parameter([2, 3], "float32")
    made = module.Adam(1.0, parameters=[parameter])
    run(made, [parameter], [[np.ones([2, 3], "float32")]])
    resized(parameter, shape)
    before = parameter.numpy()
    parameter.grad = paddle.ones(shape)
    with pytest.raises(ValueError, match="param"):
        made.step()
    np.testing.assert_array_equal(parameter.numpy(), before)
    if module is optimizer:
        with pytest.raises(ValueError, match="make a new optimizer after a parameter has been resized"):
            made.state_dict()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_parameter_that_has_become_half_precision_is_refused(dtype):
    model = paddle.nn.Linear(2, 2)
    made = optimizer.Adam(0.1, parameters=model.parameters())
    trained(made, model, steps=1)
    model.to(dtype=dtype)
    model.weight.grad = paddle.ones([2, 2], dtype)
    with pytest.raises(
        TypeError, match=f"parameter {model.weight.name} must be float32 or float64, got paddle.{dtype}"
    ):
        made.step()


def test_a_parameter_reshaped_in_place_goes_on_and_a_transposed_one_is_refused():
    parameter = paddle.create_parameter([2, 3], "float32")
    parameter.set_value(np.zeros([2, 3], "float32"))
    made = optimizer.Momentum(1.0, parameters=[parameter])
    gradient = np.arange(6, dtype="float32")
    run(made, [parameter], [[gradient.reshape(2, 3)]])
    with paddle.no_grad():
        parameter.reshape_([3, 2])
    parameter.grad = None
    run(made, [parameter], [[gradient.reshape(3, 2)]])
    np.testing.assert_allclose(parameter.numpy().ravel(), -2.9 * gradient, rtol=1e-6)
    square = paddle.create_parameter([2, 2], "float32")
    made = optimizer.SGD(1.0, parameters=[square])
    run(made, [square], [[np.ones([2, 2], "float32")]])
    with paddle.no_grad():
        square.transpose_([1, 0])
    with pytest.raises(TypeError, match=f"parameter {square.name} is not contiguous"):
        made.step()


@both
def test_pairs_without_a_gradient_and_frozen_parameters_are_passed_over(module):
    x, y, z = (parameter_of(1.0) for _ in range(3))
    made = module.Momentum(1.0, parameters=[x, y, z], weight_decay=0.5)
    z.stop_gradient = True
    made.apply_gradients([(x, None), (y, paddle.ones([1])), (z, paddle.ones([1]))])
    assert (x.item(), y.item(), z.item()) == (1.0, -0.5, 1.0)


def test_pairs_that_are_none_are_refused():
    parameter = parameter_of(1.0)
    made = optimizer.SGD(1.0, parameters=[parameter])
    for pair in (
        (parameter, 3),
        (parameter, np.ones(1, "float32")),
        (parameter.name, paddle.ones([1])),
        (3, parameter),
    ):
        with pytest.raises(TypeError, match="params_grads must hold pairs of tensors, parameter and gradient, got "):
            made.apply_gradients([pair])
    assert parameter.item() == 1.0


def test_a_sparse_gradient_of_coordinates_is_filled_up():
    parameter = parameter_of(1.0, 2.0, 3.0)
    made = optimizer.SGD(1.0, parameters=[parameter])
    made.apply_gradients([(parameter, paddle.to_tensor([0.0, 0.5, 0.0]).to_sparse_coo(1))])
    assert parameter.tolist() == [1.0, 1.5, 3.0]


@both
def test_adam_refuses_rows_with_l2_whatever_came_before(module):
    embedding = paddle.nn.Embedding(4, 2, sparse=True)
    made = module.Adam(0.1, parameters=embedding.parameters(), weight_decay=0.1)
    run(made, embedding.parameters(), [[np.ones([4, 2], "float32")]])
    embedding.weight.grad = None
    embedding(paddle.to_tensor([1])).sum().backward()
    with pytest.raises(RuntimeError, match="weight_decay"):
        made.step()


@both
def test_in_groups_adam_takes_rows_with_l2(module):
    embedding = paddle.nn.Embedding(4, 2, sparse=True)
    embedding.weight.set_value(np.ones([4, 2], "float32"))
    made = module.Adam(0.1, parameters=[{"params": embedding.parameters(), "weight_decay": 0.1}])
    embedding(paddle.to_tensor([1])).sum().backward()
    made.step()
    np.testing.assert_allclose(embedding.weight.numpy(), np.full([4, 2], 0.9), rtol=1e-5)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_lazy_mode_warns_once_where_rows_show_that_it_has_no_effect(name):
    embedding = paddle.nn.Embedding(4, 2, sparse=True)
    made = getattr(optimizer, name)(0.1, parameters=embedding.parameters(), lazy_mode=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(made, embedding.parameters(), [[np.ones([4, 2], "float32")]])
        assert not caught
        embedding.weight.grad = None
        for _ in range(3):
            embedding(paddle.to_tensor([1])).sum().backward()
            made.step()
            made.clear_grad(set_to_zero=False)
    assert ["lazy_mode=True has no effect" in str(warning.message) for warning in caught] == [True]
    assert caught[0].filename == __file__


# ---------------------------------------------------------------------- modes and attributes


def test_a_step_inside_a_translated_function():
    """paddle.jit.to_static(full_graph=False) translates what a function calls, and breaks it off at the optimizer."""
    ends = []
    for translate in (lambda function: function, lambda f: paddle.jit.to_static(f, full_graph=False)):
        for method in ("step", "minimize", "apply_gradients"):
            paddle.seed(0)
            model = paddle.nn.Linear(2, 2)
            schedule = lr.StepDecay(0.1, step_size=2)
            made = optimizer.Adam(schedule, parameters=model.parameters())
            train = translate(a_training_step(method, model, made, schedule))
            for _ in range(4):
                train(paddle.ones([1, 2]))
            ends.append(model.weight.numpy())
    np.testing.assert_allclose(ends[3:], ends[:3], rtol=1e-5)


def test_a_paddle_that_knows_no_such_call_will_do(monkeypatch):
    monkeypatch.setattr(paddle.jit.sot.psdb, "fallback", lambda: None)  # as in Paddle 3.0
    older = importlib.reload(edge).leave_to_python
    monkeypatch.undo()
    assert importlib.reload(edge).leave_to_python is paddle.jit.sot.psdb.fallback
    assert older(recursive=True) is None


def a_training_step(method, model, made, schedule):
    def by_step(x):
        model(x).square().mean().backward()
        made.step()
        made.clear_grad()
        schedule.step()

    def by_minimize(x):
        loss = model(x).square().mean()
        loss.backward()
        made.minimize(loss)
        made.clear_grad()
        schedule.step()

    def by_pairs(x):
        loss = model(x).square().mean()
        loss.backward()
        made.apply_gradients(made.backward(loss))
        made.clear_grad()
        schedule.step()

    return {"step": by_step, "minimize": by_minimize, "apply_gradients": by_pairs}[method]


def test_static_mode_is_refused_by_name():
    made = optimizer.Adam(0.1)
    paddle.enable_static()
    try:
        with paddle.static.program_guard(paddle.static.Program(), paddle.static.Program()):
            loss = paddle.mean(paddle.static.data("x", [None, 2], "float32"))
            for act in (lambda: made.minimize(loss), lambda: made.backward(loss), made.step):
                with pytest.raises(RuntimeError, match=r"dynamic mode only: call paddle\.disable_static\(\) first"):
                    act()
    finally:
        paddle.disable_static()
    model = paddle.nn.Linear(2, 2)
    made = optimizer.Adam(0.1, parameters=model.parameters())

    @paddle.jit.to_static(full_graph=True)
    def train(x):
        loss = model(x).mean()
        made.step()
        return loss

    with pytest.raises(RuntimeError, match=r"keep its step out of paddle\.jit\.to_static\(full_graph=True\)"):
        train(paddle.ones([1, 2]))


@pytest.mark.parametrize("name", sorted(set(optimizer.__all__) - {"Optimizer", "lr", *WITHOUT_LEARNING_RATE}))
def test_paddle_takes_ours_for_an_optimizer(name):
    made = getattr(optimizer, name)(learning_rate=0.1)
    assert isinstance(made, paddle.optimizer.Optimizer)
    own = {key for each in type(made).__mro__ if each.__module__.startswith("course_lib") for key in vars(each)}
    theirs = {key for key in vars(paddle.optimizer.Optimizer) if not key.startswith("_")}
    assert {"step", "minimize", "clear_grad", "zero_grad", "state_dict", "set_state_dict", "load_state_dict"} <= own
    assert not {"step", "minimize", "backward", "apply_gradients", "get_lr", "set_lr"} & (theirs - own)


def test_paddles_look_ahead_wraps_ours():
    ends = []
    for module in (optimizer, paddle.optimizer):
        paddle.seed(0)
        model = paddle.nn.Linear(2, 2)
        inner = module.Adam(0.1, parameters=model.parameters())
        trained(paddle.incubate.LookAhead(inner, alpha=0.2, k=3), model, steps=7)
        ends.append(model.weight.numpy())
    np.testing.assert_allclose(*ends, rtol=1e-4)


def test_what_only_paddle_has_is_named():
    made = optimizer.Adam(0.1)
    for name in ("_accumulators", "_param_groups", "_beta1", "_default_dict"):
        assert not hasattr(made, name)
        with pytest.raises(AttributeError, match=f"^{name} is an attribute of Paddle's Adam, but not of the course's$"):
            getattr(made, name)
    for name in ("betta1", "isinstance", "copy", "Adam"):  # Paddle's constructor only uses some of these names
        with pytest.raises(AttributeError, match=f"^'Adam' object has no attribute '{name}'$"):
            getattr(made, name)
    misspelt = "Adan"
    with pytest.raises(AttributeError, match=rf"^module 'course_lib\.optimizer' has no attribute '{misspelt}'$"):
        getattr(optimizer, misspelt)
    assert not hasattr(lr, "CosineDecay")


@pytest.mark.parametrize("name", sorted(set(paddle.optimizer.__all__) - set(optimizer.__all__)) or ["Unknown"])
def test_a_class_that_only_paddle_has_is_named_and_no_other_is_suggested(name):
    with pytest.raises(AttributeError) as caught:
        getattr(optimizer, name)
    if name != "Unknown":
        assert str(caught.value) == f"{name} is in paddle.optimizer, but not in course_lib.optimizer"
        assert (caught.value.name, caught.value.obj) == (None, None)  # what Python's "Did you mean" is made of


# ---------------------------------------------------------------------- schedules


@pytest.mark.parametrize("number", [np.int64(3), np.int32(3), np.float32(3), np.uint8(3)], ids=lambda n: n.dtype.name)
@pytest.mark.parametrize(
    "make",
    [
        lambda: lr.StepDecay(np.float64(0.5), step_size=np.int64(2), gamma=np.float32(0.5)),
        lambda: lr.CosineAnnealingWarmRestarts(0.5, np.int64(2)),
        lambda: lr.LinearWarmup(lr.PiecewiseDecay([np.int64(1)], [np.float32(0.5), np.float64(0.1)]), 2, 0, 0.5),
        lambda: lr.LambdaDecay(0.5, lambda t: np.float32(0.5) ** t),
        lambda: lr.ReduceOnPlateau(np.float64(0.5), patience=np.int64(0)),
        lambda: lr.LinearWarmup(lr.ReduceOnPlateau(0.5), 2, 0, 0.5),
        lambda: lr.NoamDecay(np.int64(64), np.int64(4)),
        lambda: lr.OneCycleLR(np.float64(0.5), np.int64(9)),
    ],
    ids=lambda make: "",
)
def test_numbers_of_numpy_leave_a_state_that_json_takes(make, number):
    schedule = make()
    if schedule.watches_metric:
        schedule.step(number, epoch=number)
        schedule.step(number)
    else:
        schedule.step(number)
    state = schedule.state_dict()
    assert json.loads(json.dumps(state)) == state
    resumed = make()
    resumed.set_state_dict({key: as_numpys(value) for key, value in state.items()})
    assert json.dumps(resumed.state_dict()) == json.dumps(state)


def as_numpys(value):
    if isinstance(value, dict):
        return {key: as_numpys(inner) for key, inner in value.items()}
    return value if value is None else np.asarray(value)[()]


def test_the_state_of_another_schedule_is_refused():
    parameters = [parameter_of(1.0)]
    schedules = [
        lambda: lr.StepDecay(0.1, step_size=2),
        lambda: lr.ExponentialDecay(0.1, gamma=0.9),
        lambda: lr.ReduceOnPlateau(0.1),
        lambda: lr.LinearWarmup(lr.StepDecay(0.1, step_size=2), 2, 0.01, 0.1),
        lambda: lr.LinearWarmup(lr.ExponentialDecay(0.1, gamma=0.9), 2, 0.01, 0.1),
        lambda: lr.LinearWarmup(0.1, 2, 0.01, 0.1),
        lambda: paddle.optimizer.lr.MultiStepDecay(0.1, milestones=[2]),
    ]
    for place, make in enumerate(schedules):
        state = optimizer.SGD(make(), parameters=parameters).state_dict()
        for other, make_other in enumerate(schedules):
            made = optimizer.SGD(make_other(), parameters=parameters)
            if other == place:
                made.set_state_dict(state)
                continue
            with pytest.raises(ValueError, match=r"was saved with the schedule .*, but .* drives the learning rate"):
                made.set_state_dict(state)


def test_a_schedule_alone_refuses_a_state_with_other_entries():
    plateau, step, warm_up = lr.ReduceOnPlateau(0.1), lr.StepDecay(0.1, 2), lr.LinearWarmup(0.1, 2, 0.01, 0.1)
    inner = lr.LinearWarmup(lr.StepDecay(0.1, 2), 2, 0.01, 0.1)
    for ours, others in ((plateau, step), (step, plateau), (step, inner), (warm_up, inner), (inner, warm_up)):
        with pytest.raises(RuntimeError, match="state_dict must hold"):
            ours.set_state_dict(others.state_dict())
    with pytest.raises(TypeError, match="state_dict must be a dict"):
        step.set_state_dict([0, 0.1])


def test_a_schedule_alone_knows_another_ones_state_by_its_learning_rate():
    schedules = [
        lr.StepDecay(0.1, 2),
        lr.ExponentialDecay(0.1, 0.9),
        lr.CosineAnnealingDecay(0.1, 9),
        lr.LambdaDecay(0.1, lambda t: 0.1**t),
        lr.LinearWarmup(0.1, 5, 0.01, 0.1),
        theirs_lr.MultiStepDecay(0.1, [1], gamma=0.7),
    ]
    for schedule in schedules:
        schedule.step(3)
    for ours in schedules[:-1]:
        for other in schedules:
            before = ours.state_dict()
            if other is ours:
                ours.set_state_dict(other.state_dict())
                continue
            with pytest.raises(ValueError, match=r"at step 3, where this .*last_epoch=2"):
                ours.set_dict(other.state_dict())
            assert ours.state_dict() == before


def test_a_state_of_paddles_between_two_steps_is_taken():
    ours, theirs = (module.CosineAnnealingWarmRestarts(0.1, 4) for module in (lr, theirs_lr))
    theirs.step(2.5)
    ours.set_state_dict(theirs.state_dict())
    assert ours() == theirs()


def test_an_optimizer_goes_on_with_new_arguments_of_the_same_schedule():
    """As Paddle's programs do that train longer than was planned at first."""
    parameters = [parameter_of(1.0)]
    for around in (lambda inside: inside, lambda inside: lr.LinearWarmup(inside, 2, 0.01, 0.1)):
        short, long = (optimizer.SGD(around(lr.CosineAnnealingDecay(0.1, n)), parameters) for n in (10, 20))
        short._learning_rate.step(6)
        long.set_state_dict(short.state_dict())
        assert (long.get_lr(), long._learning_rate.last_epoch) == (short.get_lr(), 6)


@pytest.mark.parametrize("name", ["StepDecay", "LambdaDecay"])
def test_a_state_with_a_schedule_goes_to_paddle_and_back(name):
    arguments = {"StepDecay": (0.1, 2), "LambdaDecay": (0.1, lambda t: 0.5**t)}[name]
    parameters = [parameter_of(1.0, 2.0)]
    ours, theirs = (
        m.Adam(getattr(m.lr, name)(*arguments), parameters=parameters) for m in (optimizer, paddle.optimizer)
    )
    after_steps(ours, parameters[0])
    ours._learning_rate.step(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs.set_state_dict(ours.state_dict())
        after_steps(theirs, parameters[0])
        ours.set_state_dict(theirs.state_dict())
    assert ours.get_lr() == theirs.get_lr()
    assert ours.state_dict()[f"{parameters[0].name}_t_0"].item() == 6
