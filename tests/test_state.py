"""Saving, resuming and changing over between the course's optimizers and Paddle's."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from optimizer_table import CASES, GRADIENTS, OWN, deviation, parameters_like, run

from course_lib import optimizer

BY_LABEL = {"ids": lambda case: case.label}
HALF = 30
GRADIENT_VALUES = list(GRADIENTS["random"]("float32"))[: 2 * HALF]
FIRST, SECOND = GRADIENT_VALUES[:HALF], GRADIENT_VALUES[HALF:]


def saved_and_loaded(state, tmp_path):
    path = str(tmp_path / "state.pdopt")
    paddle.save(state, path)
    return paddle.load(path)


@pytest.mark.parametrize("case", CASES + OWN, **BY_LABEL)
def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(case, tmp_path):
    unbroken = parameters_like("float32")
    expected = run(case.ours(unbroken), unbroken, GRADIENT_VALUES)[-1]

    parameters = parameters_like("float32")
    made = case.ours(parameters)
    run(made, parameters, FIRST)
    state = made.state_dict()
    names = [parameter.name for parameter in parameters]
    state = {rename(key, names, [p.name for p in parameters]): value for key, value in state.items()}
    resumed = case.ours(parameters)
    resumed.set_state_dict(saved_and_loaded(state, tmp_path))
    np.testing.assert_array_equal(run(resumed, parameters, SECOND)[-1], expected)


@pytest.mark.parametrize("case", CASES + OWN, **BY_LABEL)
def test_asking_for_the_state_changes_nothing_and_returns_a_copy(case):
    undisturbed, asked = parameters_like("float32"), parameters_like("float32")
    expected = run(case.ours(undisturbed), undisturbed, FIRST)
    made = case.ours(asked)

    def ask(step, made):
        for value in made.state_dict().values():
            value.set_value(paddle.zeros_like(value))

    np.testing.assert_array_equal(run(made, asked, FIRST, ask), expected)


def rename(key, names, new_names):
    """Give an entry of a state to the parameter at the same place of another model."""
    for name, new in zip(names, new_names):
        if key.startswith(name + "_"):
            return new + key[len(name) :]
    return key


def change_over(case, start, go_on):
    """Take FIRST with one optimizer, hand its state over, take SECOND with the other."""
    parameters = parameters_like("float32")
    made = start(parameters)
    run(made, parameters, FIRST)
    other = parameters_like("float32")
    for parameter, done in zip(other, parameters):
        parameter.set_value(done)
    names, new_names = [p.name for p in parameters], [p.name for p in other]
    successor = go_on(other)
    successor.set_state_dict({rename(key, names, new_names): value for key, value in made.state_dict().items()})
    return run(successor, other, SECOND)


@pytest.mark.parametrize("case", CASES, **BY_LABEL)
def test_change_over_from_paddle(case):
    expected = change_over(case, case.paddles, case.paddles)
    assert deviation(change_over(case, case.paddles, case.ours), expected) <= case.tolerance


@pytest.mark.parametrize("case", CASES, **BY_LABEL)
def test_change_over_to_paddle(case):
    expected = change_over(case, case.paddles, case.paddles)
    assert deviation(change_over(case, case.ours, case.paddles), expected) <= case.tolerance


GROUPED = [case for case in CASES if case.label in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSProp", "Momentum")]


def in_groups(case, parameters):
    """Two groups, of which the second one has averages of another length."""
    keys = {"beta1", "beta2", "rho", "momentum"} & getattr(optimizer, case.name).hyperparameters.keys()
    return [{"params": parameters[:1]}, {"params": parameters[1:], **dict.fromkeys(keys, 0.7)}]


@pytest.mark.parametrize("case", GROUPED, **BY_LABEL)
def test_change_over_in_groups(case):
    def ours(parameters):
        return case.ours(in_groups(case, parameters))

    def paddles(parameters):
        return case.paddles(in_groups(case, parameters))

    expected = change_over(case, paddles, paddles)
    assert deviation(change_over(case, ours, paddles), expected) <= case.tolerance
    assert deviation(change_over(case, paddles, ours), expected) <= case.tolerance


@pytest.mark.parametrize("case", CASES, **BY_LABEL)
def test_the_same_names_and_values_as_in_paddles_state(case):
    states = []
    for make in (case.ours, case.paddles):
        parameters = parameters_like("float32")
        made = make(parameters)
        run(made, parameters, FIRST)
        new_names = [f"parameter_{place}" for place in range(len(parameters))]
        states.append({rename(k, [p.name for p in parameters], new_names): v for k, v in made.state_dict().items()})
    ours, theirs = states
    assert set(theirs) <= set(ours)
    for key, value in theirs.items():
        assert list(ours[key].shape) == list(value.shape), key
        np.testing.assert_allclose(ours[key].numpy(), value.numpy(), rtol=2e-5, atol=1e-7, err_msg=key)


def test_the_step_number_is_found_in_paddles_powers():
    for steps in (1, 2, 17, 500):
        parameters = parameters_like("float32")
        theirs = paddle.optimizer.Adam(parameters=parameters)
        run(theirs, parameters, [GRADIENT_VALUES[0]] * steps)
        ours = optimizer.Adam(parameters=parameters)
        ours.set_state_dict(theirs.state_dict())
        assert ours.state_dict()[f"{parameters[0].name}_t_0"].item() == steps


def test_a_schedule_is_saved_and_resumed():
    def make(parameters):
        schedule = optimizer.lr.StepDecay(0.1, step_size=3)
        return optimizer.SGD(schedule, parameters), schedule

    parameters = parameters_like("float32")
    made, schedule = make(parameters)
    for _ in range(4):
        schedule.step()
    resumed, fresh = make(parameters)
    resumed.set_state_dict(made.state_dict())
    assert (fresh.last_epoch, resumed.get_lr()) == (schedule.last_epoch, made.get_lr())
    with pytest.raises(ValueError, match="no entry 'LR_Scheduler'"):
        resumed.set_state_dict({})


@pytest.mark.parametrize("module", [optimizer.lr, paddle.optimizer.lr], ids=["course", "paddle"])
def test_a_lambda_schedule_may_come_without_a_state(module):
    """Paddle makes this one exception, because a function cannot be saved."""
    schedule = module.LambdaDecay(0.1, lr_lambda=lambda step: 0.5**step)
    optimizer.SGD(schedule, parameters_like("float32")).set_state_dict({})


def test_a_name_is_part_of_the_entries():
    parameters = parameters_like("float32")
    made = optimizer.Momentum(parameters=parameters, name="mine")
    run(made, parameters, FIRST[:1])
    assert f"{parameters[0].name}_mine_velocity_0" in made.state_dict()


def test_before_the_first_step_the_state_is_empty():
    made = optimizer.Adam(parameters=parameters_like("float32"))
    assert made.state_dict() == {}
    made.set_state_dict({})


def some_state(made, parameters):
    run(made, parameters, FIRST[:2])
    return made.state_dict()


@pytest.mark.parametrize(
    ("saved_by", "loaded_by", "message"),
    [
        (optimizer.Momentum, optimizer.Adam, "has no 'moment1'"),
        (optimizer.Adam, optimizer.Momentum, "has no 'velocity'"),
        (optimizer.Adam, optimizer.SGD, "SGD does not have: "),
        (optimizer.RMSProp, optimizer.Momentum, "has no 'velocity'"),
    ],
)
def test_the_state_of_another_class_is_refused(saved_by, loaded_by, message):
    parameters = parameters_like("float32")
    state = some_state(saved_by(0.01, parameters=parameters), parameters)
    with pytest.raises(ValueError, match=message):
        loaded_by(0.01, parameters=parameters).set_state_dict(state)


def test_amsgrad_state_is_not_adams():
    parameters = parameters_like("float32")
    state = some_state(optimizer.Adam(parameters=parameters, amsgrad=True), parameters)
    with pytest.raises(ValueError, match="moment2_max"):
        optimizer.Adam(parameters=parameters).set_state_dict(state)


def test_a_state_of_another_model_is_refused():
    parameters, others = parameters_like("float32"), parameters_like("float32")
    state = some_state(optimizer.Adam(parameters=parameters), parameters)
    with pytest.raises(ValueError, match="it must come from the same model and optimizer class"):
        optimizer.Adam(parameters=others).set_state_dict(state)


def test_a_state_of_another_shape_is_refused_and_nothing_is_changed():
    parameters = parameters_like("float32")
    made = optimizer.Momentum(parameters=parameters)
    before = some_state(made, parameters)
    broken = dict(before)
    broken[f"{parameters[1].name}_velocity_0"] = paddle.zeros([4])
    with pytest.raises(ValueError, match=r"has shape \[4\], the parameter has \[5\]"):
        made.set_state_dict(broken)
    after = made.state_dict()
    assert set(after) == set(before)
    for key, value in before.items():
        np.testing.assert_array_equal(after[key].numpy(), value.numpy())


def test_a_state_must_be_a_dict():
    with pytest.raises(TypeError, match="state_dict must be a dict"):
        optimizer.SGD(parameters=parameters_like("float32")).set_state_dict([1])
