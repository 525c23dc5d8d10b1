"""What a program relies on that replaces ``paddle.optimizer`` by ``course_lib.optimizer``."""

from __future__ import annotations

import inspect

import numpy as np
import paddle
import pytest

from course_lib import data, models, optimizer
from course_lib.optimizer import lr

SHARED = [name for name in optimizer.__all__ if hasattr(paddle.optimizer, name) and name not in ("Optimizer", "lr")]


def parameter_with_gradient(gradient=1.0, dtype="float32"):
    parameter = paddle.to_tensor([1.0, 2.0], dtype=dtype, stop_gradient=False)
    parameter.grad = paddle.full([2], gradient, dtype)
    return parameter


@pytest.mark.parametrize("name", SHARED)
def test_arguments_have_paddles_names_order_and_defaults(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (optimizer, paddle.optimizer))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("name", SHARED)
def test_without_arguments_the_learning_rate_is_paddles(name):
    required = {"learning_rate": 0.5} if name in ("Adagrad", "RMSProp") else {}
    made, theirs = (
        getattr(module, name)(parameters=[parameter_with_gradient()], **required)
        for module in (optimizer, paddle.optimizer)
    )
    assert made.get_lr() == theirs.get_lr()


def test_sgdw_has_the_defaults_of_momentum_and_adamw():
    made = optimizer.SGDW()
    assert (made.get_lr(), made.momentum, made.use_nesterov, made.weight_decay) == (0.001, 0.9, False, 0.01)


@pytest.mark.parametrize("name", SHARED)
def test_arguments_without_effect_are_kept_as_given(name):
    cls = getattr(optimizer, name)
    without_effect = {"multi_precision", "use_multi_tensor", "lazy_mode", "use_lowprecision_moment", "rescale_grad"}
    accepted = without_effect & set(cls.hyperparameters) & set(inspect.signature(cls).parameters)
    given = {argument: 2.0 if argument == "rescale_grad" else True for argument in accepted}
    plain, made = (cls(learning_rate=0.1, **arguments) for arguments in ({}, given))
    assert {argument: getattr(made, argument) for argument in given} == given
    assert all(getattr(plain, argument) in (False, 1.0) for argument in given)


@pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])
def test_zero_grad_removes_gradients_or_sets_them_to_zero(module):
    parameter = parameter_with_gradient()
    module.SGD(parameters=[parameter]).zero_grad(set_to_none=False)
    assert parameter.grad.tolist() == [0.0, 0.0]
    module.SGD(parameters=[parameter]).zero_grad()
    assert parameter.grad is None


# ---------------------------------------------------------------------- states that come from elsewhere


def test_master_weights_of_half_precision_runs_are_passed_over():
    parameter = parameter_with_gradient()
    made = optimizer.Momentum(parameters=[parameter])
    made.step()
    made.set_state_dict({**made.state_dict(), "master_weights": {}})
    assert f"{parameter.name}_velocity_0" in made.state_dict()


def test_a_state_of_another_precision_takes_the_parameters():
    parameter = parameter_with_gradient()
    made = optimizer.Momentum(parameters=[parameter])
    made.step()
    wide = {key: value.astype("float64") if "velocity" in key else value for key, value in made.state_dict().items()}
    made.set_state_dict(wide)
    made.step()
    assert made.state_dict()[f"{parameter.name}_velocity_0"].dtype == paddle.float32
    assert [block.state.velocity.dtype for block in made._updates.blocks] == [np.float32]


def test_the_step_number_is_found_in_the_slowest_power_whichever_it_is():
    """With β₁ = 0.5 and 60 steps, β₁^t has all but vanished; so has β₂^t with the two exchanged."""
    for betas in ({"beta1": 0.5, "beta2": 0.999}, {"beta1": 0.999, "beta2": 0.5}):
        parameter = parameter_with_gradient()
        theirs = paddle.optimizer.Adam(parameters=[parameter], **betas)
        for _ in range(200):
            theirs.step()
        made = optimizer.Adam(parameters=[parameter], **betas)
        made.set_state_dict(theirs.state_dict())
        assert made.state_dict()[f"{parameter.name}_t_0"].item() == 200


def test_radams_extra_state_is_paddles_from_the_first_step_on():
    states = []
    for module in (optimizer, paddle.optimizer):
        parameter = parameter_with_gradient()
        made = module.RAdam(parameters=[parameter])
        made.step()
        states.append({key[len(parameter.name) :]: value.numpy() for key, value in made.state_dict().items()})
    ours, theirs = states
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key], value, rtol=1e-4, err_msg=key)


def test_row_wise_gradients_leave_the_state_in_the_parameters_precision():
    embedding = paddle.nn.Embedding(6, 2, sparse=True)
    made = optimizer.Momentum(parameters=embedding.parameters())
    embedding(paddle.to_tensor([1, 4])).sum().backward()
    made.step()
    (block,) = made._updates.blocks
    assert block.state.velocity.dtype == np.float32
    assert block.state.velocity.reshape(6, 2)[:, 0].tolist() == [0, 1, 0, 0, 1, 0]


def test_what_does_not_fit_is_named_by_its_type():
    parameter = parameter_with_gradient()
    made = optimizer.Adam(parameters=[parameter])
    with pytest.raises(TypeError, match=r"scheduler must be an LRScheduler, got 'cosine' \(str\)"):
        made.set_lr_scheduler("cosine")
    with pytest.raises(TypeError, match=r"state_dict must be a dict as state_dict\(\) returns it, got list"):
        made.set_state_dict([])
    with pytest.raises(ValueError, match=r"^state_dict has entries for none of the parameters of this Adam: a, b, c;"):
        made.set_state_dict({key: paddle.zeros([1]) for key in "dcba"})


def test_wrong_groups_are_named():
    parameter = parameter_with_gradient()
    with pytest.raises(
        ValueError, match=r"^a parameter group of SGD has no setting 'momentum'; allowed: params, learning"
    ):
        optimizer.SGD(parameters=[{"params": [parameter], "momentum": 0.5}])
    with pytest.raises(TypeError, match=r"^params of a parameter group must be a list: a set has no order"):
        optimizer.SGD(parameters=[{"params": {parameter}}])
    with pytest.raises(ValueError, match=r"^params of a parameter group must hold at least one tensor"):
        optimizer.SGD(parameters=[{"params": []}])
    made = optimizer.AdamW(parameters=[parameter], lr_ratio=lambda parameter: "much")
    with pytest.raises(TypeError, match=r"^the result of lr_ratio must be a finite number, got 'much'"):
        made.step()


def test_a_group_may_be_one_tensor():
    parameter = parameter_with_gradient()
    optimizer.SGD(learning_rate=1.0, parameters=[{"params": parameter}]).step()
    assert parameter.tolist() == [0.0, 1.0]


def test_the_step_number_is_saved_as_a_whole_number():
    parameter = parameter_with_gradient()
    made = optimizer.Momentum(parameters=[parameter])
    made.step()
    assert made.state_dict()[f"{parameter.name}_t_0"].dtype == paddle.int64


def test_a_missing_slot_is_named_with_the_class_that_wants_it():
    parameter = parameter_with_gradient()
    saved = optimizer.Momentum(parameters=[parameter])
    saved.step()
    with pytest.raises(ValueError, match="it was not saved by a Adagrad with the same settings"):
        optimizer.Adagrad(0.1, parameters=[parameter]).set_state_dict(saved.state_dict())


# ---------------------------------------------------------------------- schedules


def test_exp_gamma_acts_in_its_own_mode_only():
    faded = lr.CyclicLR(0.1, 1.0, step_size_up=5, mode="exp_range", exp_gamma=0.9)
    plain = lr.CyclicLR(0.1, 1.0, step_size_up=5, mode="triangular", exp_gamma=0.9)
    assert faded.at(5) == pytest.approx(0.1 + 0.9 * 0.9**5)
    assert plain.at(5) == pytest.approx(1.0)
    assert lr.CyclicLR(0.1, 1.0, step_size_up=5, mode="exp_range").at(5) == pytest.approx(1.0)


def test_a_plateau_may_be_told_the_step():
    schedule = lr.ReduceOnPlateau(0.5)
    schedule.step(1.0, epoch=7)
    assert schedule.last_epoch == 7
    with pytest.raises(ValueError, match="epoch must be"):
        schedule.step(1.0, epoch=-1)


def test_a_warm_up_around_a_plateau_may_be_told_the_step():
    schedule = lr.LinearWarmup(lr.ReduceOnPlateau(0.5), warmup_steps=10, start_lr=0.0, end_lr=0.5)
    schedule.step(1.0, epoch=5)
    assert (schedule.last_epoch, schedule()) == (5, 0.25)
    schedule.step(1.0, epoch=12)
    assert schedule.learning_rate.last_epoch == 2


def test_a_plateau_is_as_patient_as_its_default_says():
    schedule = lr.ReduceOnPlateau(0.5)
    lowered = []
    for step in range(30):
        schedule.step(1.0)
        lowered.append(schedule() < 0.5 and step)
    assert next(step for step in lowered if step) == 11  # the first metric is the best one, 10 more are borne


def test_momentum_may_be_cycled_between_equal_ends():
    assert lr.OneCycleLR(1.0, total_steps=4, momentum=(0.9, 0.9)).momentum_at([0, 1, 3]).tolist() == [0.9] * 3


def test_a_wrong_last_epoch_of_a_warm_up_around_a_plateau_is_named():
    with pytest.raises(ValueError, match="last_epoch must be a whole number of at least -1, got -2"):
        lr.LinearWarmup(lr.ReduceOnPlateau(0.5), warmup_steps=10, start_lr=0.0, end_lr=0.5, last_epoch=-2)


def tiny_problem(module):
    """A network, its optimizer of ``module``, and a data set of 64 digits."""
    split = data.load("digits").train
    model = models.mlp(64, seed=0)
    made = module.Adam(module.lr.StepDecay(0.01, step_size=3), parameters=model.parameters())
    return model, made, paddle.to_tensor(split.images[:64]), paddle.to_tensor(split.labels[:64])


def test_paddles_high_level_model_trains_saves_and_loads(tmp_path):
    losses = []
    for module in (optimizer, paddle.optimizer):
        network, made, images, labels = tiny_problem(module)
        model = paddle.Model(network)
        model.prepare(made, paddle.nn.CrossEntropyLoss())
        dataset = paddle.io.TensorDataset([images, labels])
        model.fit(dataset, batch_size=16, epochs=2, verbose=0, shuffle=False)
        model.save(str(tmp_path / "checkpoint"))
        model.load(str(tmp_path / "checkpoint"))
        model.fit(dataset, batch_size=16, epochs=1, verbose=0, shuffle=False)
        losses.append(model.evaluate(dataset, batch_size=64, verbose=0)["loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_paddles_gradient_scaler_finds_the_parameters():
    ends = []
    for module in (optimizer, paddle.optimizer):
        network, made, images, labels = tiny_problem(module)
        scaler = paddle.amp.GradScaler(init_loss_scaling=1024)
        scaler.scale(paddle.nn.functional.cross_entropy(network(images), labels)).backward()
        scaler.step(made)
        scaler.update()
        ends.append(network.parameters()[0].numpy())
    np.testing.assert_allclose(*ends, atol=1e-6)


def test_saved_tensors_are_named_as_their_entries():
    parameter = parameter_with_gradient()
    made = optimizer.Adam(parameters=[parameter])
    made.step()
    assert {tensor.name for tensor in made.state_dict().values()} == set(made.state_dict())
