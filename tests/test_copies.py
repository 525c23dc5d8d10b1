"""Copies of an optimizer go on as the original does, and a load that fails changes nothing."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import paddle
import pytest
from optimizer_table import CASES, GRADIENTS, OWN, parameters_like, run

from course_lib import optimizer
from course_lib.optimizer import lr

BY_LABEL = {"ids": lambda case: case.label}
VALUES = list(GRADIENTS["random"]("float32"))[:12]
COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda made: pickle.loads(pickle.dumps(made))}
each_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


def without(place, values):
    """The same gradients, but none for the parameter at this place."""
    return [[None if index == place else value for index, value in enumerate(each)] for each in values]


def goes_on_like(copied, made, parameters):
    """Both take the same further steps; all three parameters have a gradient again."""
    twin = copied(made)
    twins = twin._parameters()
    assert not {id(parameter) for parameter in twins} & {id(parameter) for parameter in parameters}
    for parameter in (*parameters, *twins):
        parameter.stop_gradient = False
    np.testing.assert_array_equal(run(twin, twins, VALUES[8:]), run(made, parameters, VALUES[8:]))


@each_copy
@pytest.mark.parametrize("case", CASES + OWN, **BY_LABEL)
def test_a_copy_goes_on_bit_for_bit(case, copied):
    """Of a state partly in use, partly at rest: the second parameter had no gradient in the last steps."""
    parameters = parameters_like("float32")
    made = case.ours(parameters)
    run(made, parameters, [*VALUES[:5], *without(1, VALUES[5:8])])
    goes_on_like(copied, made, parameters)


@each_copy
@pytest.mark.parametrize("case", CASES + OWN, **BY_LABEL)
def test_a_copy_takes_a_loaded_state_along(case, copied):
    parameters = parameters_like("float32")
    made = case.ours(parameters)
    run(made, parameters, VALUES[:5])
    resumed = case.ours(parameters)
    resumed.set_state_dict(made.state_dict())
    goes_on_like(copied, resumed, parameters)


@each_copy
def test_a_copy_before_the_first_step_and_one_of_frozen_parameters(copied):
    for case in (case for case in CASES if case.label in ("Adam", "Momentum", "RAdam")):
        parameters = parameters_like("float32")
        made = case.ours(parameters)
        goes_on_like(copied, made, parameters)
        parameters[0].stop_gradient = True
        run(made, parameters, VALUES[:3])
        goes_on_like(copied, made, parameters)


@each_copy
def test_a_copy_keeps_groups_and_what_was_said_of_single_parameters(copied):
    """The parameters of a copy have other names, and out of a pickle no ParamAttr."""
    attribute = paddle.ParamAttr(learning_rate=0.5, regularizer=paddle.regularizer.L1Decay(0.1))
    layer = paddle.nn.Linear(7, 5, weight_attr=attribute)
    parameters = [*layer.parameters(), paddle.create_parameter([1], "float32")]
    decaying = {parameters[1].name}
    for make in (
        lambda: optimizer.Momentum(0.1, parameters=parameters, weight_decay=0.3),
        lambda: optimizer.AdamW(
            0.1, parameters=parameters, weight_decay=0.3, apply_decay_param_fun=Among(decaying), lr_ratio=half_of_biases
        ),
        lambda: optimizer.Adam(0.1, parameters=[{"params": parameters[:1], "beta1": 0.5}, {"params": parameters[1:]}]),
    ):
        goes_on_like(copied, make(), parameters)
        made = make()
        run(made, parameters, VALUES[:3])
        goes_on_like(copied, made, parameters)
        goes_on_like(lambda original: copied(copied(original)), made, parameters)


class Among:
    """A function of a name that pickle can take."""

    def __init__(self, names):
        self.names = names

    def __call__(self, name):
        return name in self.names


def half_of_biases(parameter):
    return 0.5 if parameter.name.endswith("b_0") else 1.0


@each_copy
def test_a_copy_has_a_schedule_of_its_own(copied):
    parameters = parameters_like("float32")
    cycle = lr.OneCycleLR(0.1, total_steps=10, momentum=(0.95, 0.85))
    made = optimizer.Momentum(lr.LinearWarmup(cycle, 3, 0.01, 0.1), parameters=parameters)
    for step in range(6):
        run(made, parameters, VALUES[step : step + 1])
        made._learning_rate.step()
    twin = copied(made)
    twin._learning_rate.step()
    assert twin.get_lr() != made.get_lr() and twin.momentum == made.momentum
    made._learning_rate.step()
    goes_on_like(lambda _: twin, made, parameters)


def test_model_and_optimizer_copied_together_stay_together():
    model = paddle.nn.Linear(2, 2)
    made = optimizer.Adam(0.1, parameters=model.parameters())
    twin, twin_made = copy.deepcopy((model, made))
    twin(paddle.ones([1, 2])).sum().backward()
    twin_made.step()
    assert not np.allclose(twin.weight.numpy(), model.weight.numpy())


# ---------------------------------------------------------------------- all or nothing


def everything(made):
    """The state in full, and the attributes of the schedule and of the one inside it."""
    state = {key: np.asarray(value) for key, value in made.state_dict().items() if key != "LR_Scheduler"}
    schedules, schedule = [], made._learning_rate
    while isinstance(schedule, lr.LRScheduler):
        schedules.append({key: value for key, value in vars(schedule).items() if key != "keys"})
        schedule = getattr(schedule, "learning_rate", None)
    return state, schedules


def of_a_plateau(module):
    return module.ReduceOnPlateau(0.1, patience=0)


def of_a_warm_up(module):
    return module.LinearWarmup(module.StepDecay(0.1, step_size=2), 2, 0.01, 0.1)


BROKEN = {
    "no last_lr": lambda state: state.pop("last_lr"),
    "no last_epoch": lambda state: state.pop("last_epoch"),
    "another type": lambda state: state.update(last_lr="0.1"),
    "no step": lambda state: state.update(last_epoch=None),
    "before the start": lambda state: state.update(last_epoch=-3),
    "something more": lambda state: state.update(T_max=3),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("make", [lambda m: m.StepDecay(0.1, 2), of_a_plateau, of_a_warm_up], ids=lambda make: "")
def test_a_load_whose_schedule_does_not_fit_changes_nothing(make, broken):
    parameters = parameters_like("float32")
    made = optimizer.Adam(make(lr), parameters=parameters)
    run(made, parameters, VALUES[:2])
    other = optimizer.Adam(make(lr), parameters=parameters)
    run(other, parameters, VALUES[2:7])
    for _ in range(4):
        other._learning_rate.step(1.0) if other._learning_rate.watches_metric else other._learning_rate.step()
    state = other.state_dict()
    broken(state["LR_Scheduler"])
    before = everything(made)
    with pytest.raises((RuntimeError, TypeError, ValueError), match="state_dict"):
        made.set_state_dict(state)
    for ours, theirs in zip(everything(made)[0].items(), before[0].items()):
        assert ours[0] == theirs[0] and np.array_equal(ours[1], theirs[1])
    assert everything(made)[1] == before[1]


def test_paddles_own_schedule_too_is_left_as_it_was():
    parameters = parameters_like("float32")
    made = optimizer.SGD(of_a_warm_up(paddle.optimizer.lr), parameters=parameters)
    state = {"LR_Scheduler": {"last_epoch": 7, "last_lr": 0.5}}
    before = everything(made)
    with pytest.raises(KeyError):
        made.set_state_dict(state)
    assert everything(made)[1] == before[1]


def test_the_inner_schedule_of_a_warm_up_is_left_as_it_was():
    schedule = of_a_warm_up(lr)
    schedule.step(5)
    state = schedule.state_dict()
    schedule.step(6)
    state["last_lr"] = "0.1"
    with pytest.raises(TypeError, match=r"state_dict\['last_lr'\] must be a number"):
        schedule.set_state_dict(state)
    assert (schedule.last_epoch, schedule.learning_rate.last_epoch) == (6, 4)
