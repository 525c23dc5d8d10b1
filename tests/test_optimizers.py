"""What every optimizer does besides its parity with Paddle: first steps by hand, purity, groups, bad input."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizer_table import CASES, GRADIENTS, OWN, deviation, parameters_like, run

from course_lib import optimizer

EVERY = CASES + OWN
BY_LABEL = {"ids": lambda case: case.label}


def tensor(*values):
    return paddle.to_tensor(values, dtype="float64", stop_gradient=False)


def one_step(made, parameter, gradient):
    parameter.grad = paddle.to_tensor(gradient, dtype=parameter.dtype)
    made.step()
    return parameter.numpy()


# ---------------------------------------------------------------------- the first step, by hand

X, G, LR = 2.0, 0.5, 0.1
R_1 = math.sqrt((1 - 0.999) * G * G)  # √v after one step
FIRST_STEPS = {
    "SGD": ({}, X - LR * G),
    "Momentum": ({}, X - LR * G),
    "Momentum, Nesterov": ({"use_nesterov": True}, X - LR * (G + 0.9 * G)),
    "SGDW": ({"weight_decay": 0.3}, X - LR * 0.3 * X - LR * G),
    "Adagrad": ({}, X - LR * G / (G + 1e-6)),
    "RMSProp": ({}, X - LR * G / math.sqrt(0.05 * G * G + 1e-6)),
    "RMSProp, centered": ({"centered": True}, X - LR * G / math.sqrt(0.05 * G * G - (0.05 * G) ** 2 + 1e-6)),
    "Adadelta": ({}, X - LR * math.sqrt(1e-6) / math.sqrt(0.05 * G * G + 1e-6) * G),
    "Adam": ({}, X - LR * G / (G + 1e-8)),
    "Adam, epsilon": ({"epsilon": 0.5}, X - LR * G / (G + 0.5)),
    "Adam, amsgrad": ({"amsgrad": True}, X - LR * G / (G + 1e-8)),
    "Adamax": ({}, X - LR * G / G),
    "RAdam": ({}, X - LR * G),
    "AdamW": ({"weight_decay": 0.3}, X - LR * 0.3 * X - LR * G / (G + 1e-8)),
    "SWATS": ({}, X - LR * G / (G + 1e-8)),
    "ASGD": ({"batch_num": 4}, X - LR * G),
    "Rprop": ({}, X - LR),
    "LARS": ({}, X - LR * 0.001 * X / (G + 0.0005 * X) * (G + 0.0005 * X)),
    "Lamb": ({}, X - LR * X),  # one element: ‖x‖/‖r‖ · r is x, up to the sign
}


@pytest.mark.parametrize("name", FIRST_STEPS)
def test_first_step_by_hand(name):
    more, expected = FIRST_STEPS[name]
    x = tensor(X)
    made = getattr(optimizer, name.split(",")[0])(learning_rate=LR, parameters=[x], **more)
    assert one_step(made, x, [G])[0] == pytest.approx(expected, rel=1e-7)


def test_asgd_replaces_what_the_batch_gave_one_epoch_ago():
    """Two batches: the sums are 4, 4 - 2, 4 - 2 - 4 + 1 = -1, and -1 + 2 + 3 = 4."""
    x = tensor(0.0)
    sag = optimizer.ASGD(learning_rate=1.0, batch_num=2, parameters=[x])
    assert [one_step(sag, x, [g])[0] for g in (4.0, -2.0, 1.0, 3.0)] == [-4.0, -5.0, -4.5, -6.5]


def test_rprop_grows_shrinks_and_waits():
    """Steps of 0.1, 0.12, none (turned, halved to 0.06), 0.06 (after a turn: as it is), 0.072."""
    x = tensor(1.0)
    rprop = optimizer.Rprop(learning_rate=0.1, parameters=[x])
    path = [one_step(rprop, x, [g])[0] for g in (1e-3, 1e3, -1e-9, -5.0, -5.0)]
    np.testing.assert_allclose(path, [0.9, 0.78, 0.78, 0.84, 0.912], rtol=1e-6)


def test_rprop_says_that_a_learning_rate_no_longer_counts():
    rprop = optimizer.Rprop(learning_rate=0.1, parameters=[tensor(1.0)])
    with pytest.warns(UserWarning, match="set_lr has no effect on Rprop"):
        rprop.set_lr(0.01)


def test_first_step_of_nadam_by_hand():
    mu_1, mu_2 = (0.9 * (1 - 0.5 * 0.96 ** (t * 0.004)) for t in (1, 2))
    m_hat = mu_2 * 0.1 * G / (1 - mu_1 * mu_2) + (1 - mu_1) * G / (1 - mu_1)
    x = tensor(X)
    assert one_step(optimizer.NAdam(LR, parameters=[x]), x, [G])[0] == pytest.approx(X - LR * m_hat / G, rel=1e-7)


def test_radam_rectifies_from_the_sixth_step_on():
    """With β₂ = 0.999, ρ_t passes 5 at t = 6; until then the step is that of SGD with a corrected average."""
    made = optimizer.RAdam(learning_rate=LR)
    x, s = np.array([X]), made.fresh_state(np.zeros(1))
    lengths = []
    for s.t in range(1, 8):
        new = made.rule(x, np.array([G]), s, LR)
        lengths.append(float(abs(new - x)[0]))
        x = new
    assert lengths[:5] == pytest.approx([LR * G] * 5)
    assert lengths[5] < 0.1 * LR * G


# ---------------------------------------------------------------------- properties of the rules

numbers = st.floats(-100, 100).filter(lambda value: value == 0 or abs(value) > 1e-3)


@pytest.mark.parametrize("case", EVERY, **BY_LABEL)
@given(x=st.lists(numbers, min_size=3, max_size=3), g=st.lists(numbers, min_size=3, max_size=3))
@settings(max_examples=15, deadline=None)
def test_rules_are_pure_and_the_same_on_numpy_and_paddle(case, x, g):
    made = case.ours(None)
    results = []
    for as_array in (np.array, lambda values: paddle.to_tensor(values, dtype="float64")):
        position, gradient = as_array(x), as_array(g)
        s = made.fresh_state(position)
        for s.t in range(1, 4):
            new = made.rule(position, gradient, s, 0.1)
            assert np.array_equal(np.asarray(position), np.asarray(x)) or s.t > 1
            assert np.array_equal(np.asarray(gradient), np.asarray(g))
            position = new
        results.append((np.asarray(position), *(np.asarray(getattr(s, slot)) for slot in made.slots)))
    for ours, paddles in zip(*results):
        np.testing.assert_allclose(ours, paddles, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", EVERY, **BY_LABEL)
def test_step_applies_the_rule(case):
    parameters = parameters_like("float64")
    start = [parameter.numpy().copy() for parameter in parameters]
    made = case.ours_as_rounded(parameters)
    gradients = list(GRADIENTS["random"]("float64"))[:8]
    path = run(made, parameters, gradients)
    whole = made.whole == "group"
    x = [np.concatenate([a.reshape(-1) for a in start])] if whole else start
    states = [made.fresh_state(a) for a in x]
    for values in gradients:
        g = [np.concatenate([v.reshape(-1) for v in values])] if whole else values
        for place, s in enumerate(states):
            s.t += 1
            x[place] = made.rule(x[place], g[place], s, case.lr)
    # RMSProp rounds its hyper-parameters inside step
    np.testing.assert_allclose(path[-1], np.concatenate([a.reshape(-1) for a in x]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", [case for case in EVERY if case.ours(None).whole != "parameter"], **BY_LABEL)
def test_large_parameters_are_cut_into_blocks_without_a_trace(case):
    """The same values give the same steps in one large parameter and in many small ones."""
    rng = np.random.default_rng(0)
    values, gradient = rng.normal(size=(2, 70_000)).astype("float32")
    whole = [paddle.to_tensor(values, stop_gradient=False)]
    parts = [paddle.to_tensor(part, stop_gradient=False) for part in np.split(values, [7, 40_000, 65_000])]
    ends = []
    for parameters, gradients in ((whole, [gradient]), (parts, np.split(gradient, [7, 40_000, 65_000]))):
        made = case.ours(parameters)
        for _ in range(3):
            for parameter, part in zip(parameters, gradients):
                parameter.grad = paddle.to_tensor(part)
            made.step()
        ends.append(np.concatenate([parameter.numpy() for parameter in parameters]))
    np.testing.assert_array_equal(*ends)


def test_new_memory_of_a_parameter_is_noticed():
    layer = paddle.nn.Linear(2, 2, bias_attr=False)
    made = optimizer.SGD(learning_rate=1.0, parameters=layer.parameters())
    one_step(made, layer.weight, np.ones([2, 2], "float32"))
    fresh = paddle.full([2, 2], 5.0)
    layer.weight.get_tensor()._share_data_with(fresh.get_tensor())
    np.testing.assert_array_equal(one_step(made, layer.weight, np.ones([2, 2], "float32")), np.full([2, 2], 4.0))


# ---------------------------------------------------------------------- Paddle's interface


def test_minimize_updates_and_returns_what_it_used():
    x, y = tensor(1.0), tensor(1.0)
    made = optimizer.SGD(learning_rate=0.5, parameters=[x, y])
    loss = (x * 2 + y * 3).sum()
    loss.backward()
    operators, pairs = made.minimize(loss, parameters=[x])
    assert operators == []
    assert [parameter.name for parameter, _ in pairs] == [x.name]
    assert (x.item(), y.item()) == (0.0, 1.0)
    made.minimize(loss, no_grad_set={x.name})
    assert (x.item(), y.item()) == (0.0, -0.5)


def test_minimize_of_something_else():
    with pytest.raises(TypeError, match=r"loss must be a paddle\.Tensor, got float"):
        optimizer.SGD(parameters=[tensor(1.0)]).minimize(0.5)


@pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])
def test_the_two_halves_of_minimize(module):
    x, y = paddle.create_parameter([1], "float64"), paddle.create_parameter([1], "float64")
    for parameter in (x, y):
        parameter.set_value(np.ones(1))
    clip = paddle.nn.ClipGradByValue(0.1)
    made = module.SGD(learning_rate=0.5, parameters=[x, y], grad_clip=clip, weight_decay=0.2)
    loss = (x * 2).sum()
    loss.backward()
    pairs = made.backward(loss)
    assert [(parameter.name, gradient.item()) for parameter, gradient in pairs] == [(x.name, 2.0)]
    made.apply_gradients(pairs)
    assert (x.item(), y.item()) == (pytest.approx(1 - 0.5 * (0.1 + 0.2)), 1.0)
    assert made.get_opti_var_name_list() == []


def test_gradients_of_ones_own_may_be_applied_in_groups():
    x, y = tensor(1.0), tensor(1.0)
    made = optimizer.SGD(0.5, parameters=[{"params": [x]}, {"params": [y], "learning_rate": 0.1}])
    assert made.apply_gradients([(y, tensor(2.0)), (x, tensor(1.0))]) == []
    assert (x.item(), y.item()) == (0.5, pytest.approx(0.9))


def test_minimize_refuses_what_it_would_pass_over_in_silence():
    x, other = tensor(1.0), tensor(1.0)
    made = optimizer.SGD(0.5, parameters=[x])
    message = f"must be among the optimizer's own parameters, got {other.name}"
    with pytest.raises(ValueError, match=f"^parameters {message}"):
        made.minimize(x.sum(), parameters=[other])
    with pytest.raises(ValueError, match=f"^params_grads {message}"):
        made.apply_gradients([(other, x)])
    with pytest.raises(TypeError, match=r"^no_grad_set must hold tensors or names of tensors, got 3"):
        made.minimize(x.sum(), no_grad_set=3)
    with pytest.raises(TypeError, match=r"^parameters must hold tensors or names of tensors, got \[1\.0\]"):
        made.minimize(x.sum(), parameters=[1.0])


@pytest.mark.parametrize("clear", ["clear_grad", "clear_gradients"])
def test_cleared_gradients_are_zero_and_momentum_goes_on(clear):
    x = tensor(1.0)
    made = optimizer.Momentum(learning_rate=0.1, parameters=[x])
    one_step(made, x, [1.0])
    getattr(made, clear)()
    assert x.grad.numpy().tolist() == [0.0]
    made.step()
    assert x.item() == pytest.approx(1 - 0.1 - 0.09)
    getattr(made, clear)(set_to_zero=False)
    made.step()
    assert x.item() == pytest.approx(1 - 0.1 - 0.09)


def test_zero_grad_removes_gradients():
    x = tensor(1.0)
    made = optimizer.SGD(parameters=[x])
    one_step(made, x, [1.0])
    made.zero_grad()
    assert x.grad is None


def test_learning_rate_by_hand_and_by_schedule():
    made = optimizer.SGD(learning_rate=0.1, parameters=[tensor(1.0)])
    made.set_lr(2)
    assert made.get_lr() == 2.0
    made.set_lr_scheduler(optimizer.lr.StepDecay(0.5, step_size=1, gamma=0.1))
    assert made.get_lr() == 0.5
    with pytest.raises(RuntimeError, match="StepDecay"):
        made.set_lr(0.1)
    with pytest.raises(TypeError, match=r"value must be a finite number, got '1' \(str\)"):
        optimizer.SGD(parameters=[tensor(1.0)]).set_lr("1")
    with pytest.raises(ValueError, match=r"value must be a finite number of at least 0, got -1"):
        optimizer.NAdam(parameters=[tensor(1.0)]).set_lr(-1.0)
    with pytest.raises(TypeError, match=r"scheduler must be an LRScheduler, got 0\.1"):
        made.set_lr_scheduler(0.1)


@pytest.mark.parametrize("module", [optimizer.lr, paddle.optimizer.lr], ids=["course", "paddle"])
def test_a_schedule_drives_the_step(module):
    x = tensor(1.0)
    schedule = module.StepDecay(0.5, step_size=1, gamma=0.1)
    made = optimizer.SGD(learning_rate=schedule, parameters=[x])
    one_step(made, x, [1.0])
    schedule.step()
    assert one_step(made, x, [1.0])[0] == pytest.approx(1 - 0.5 - 0.05)


def test_one_cycle_moves_momentum_against_the_learning_rate():
    schedule = optimizer.lr.OneCycleLR(max_learning_rate=0.1, total_steps=10, momentum=(0.95, 0.85))
    made = optimizer.Momentum(learning_rate=schedule, parameters=[tensor(1.0)])
    seen = []
    for _ in range(10):
        made.step()
        seen.append((made.get_lr(), made.momentum))
        schedule.step()
    rates, momenta = zip(*seen)
    assert np.argmax(rates) == np.argmin(momenta)
    assert min(momenta) == pytest.approx(0.85, abs=0.01)
    assert momenta[0] == pytest.approx(0.95)


def test_cycling_momentum_needs_a_momentum():
    schedule = optimizer.lr.OneCycleLR(max_learning_rate=0.1, total_steps=10, momentum=(0.95, 0.85))
    with pytest.raises(ValueError, match="cycles momentum, but Adagrad has none"):
        optimizer.Adagrad(learning_rate=schedule, parameters=[tensor(1.0)]).step()


def test_adamw_decays_only_where_it_is_told_to():
    first, second = tensor(2.0), tensor(2.0)
    made = optimizer.AdamW(
        0.1, weight_decay=0.5, parameters=[first, second], apply_decay_param_fun=lambda name: name == first.name
    )
    for parameter in (first, second):
        parameter.grad = paddle.to_tensor([0.0], dtype="float64")
    made.step()
    assert (first.item(), second.item()) == (pytest.approx(1.9), 2.0)


def test_adamw_lr_ratio_scales_step_and_decay():
    first, second = tensor(2.0), tensor(2.0)
    made = optimizer.AdamW(
        0.1, weight_decay=0.5, parameters=[first, second], lr_ratio=lambda p: 0.1 if p is second else 1.0
    )
    for parameter in (first, second):
        parameter.grad = paddle.to_tensor([1.0], dtype="float64")
    made.step()
    assert first.item() == pytest.approx(2 - 0.1 - 0.1)
    assert second.item() == pytest.approx(2 - 0.01 - 0.01)


def test_gradient_ascent_with_a_negative_learning_rate():
    x = tensor(1.0)
    assert one_step(optimizer.SGD(learning_rate=-0.1, parameters=[x]), x, [1.0])[0] == pytest.approx(1.1)


# ---------------------------------------------------------------------- SWATS


def noisy_quadratic(made, x, steps):
    rng = np.random.default_rng(0)
    for _ in range(steps):
        x.grad = paddle.to_tensor(np.array([1.0, 10.0]) * x.numpy() + 0.1 * rng.normal(size=2))
        made.step()


def test_swats_switches_once_and_goes_on_as_sgd():
    x = tensor(1.0, 1.0)
    made = optimizer.SWATS(learning_rate=0.01, parameters=[x], tolerance=0.1, minimum_steps=20)
    assert made.switched_at is None
    assert made.sgd_learning_rate is None
    noisy_quadratic(made, x, 300)
    switched_at, found = made.switched_at, made.sgd_learning_rate
    assert 20 <= switched_at <= 300
    assert found > 0
    before, velocity = x.numpy().copy(), made.state_dict()[f"{x.name}_velocity_0"].numpy()
    after = one_step(made, x, [1.0, -2.0])
    np.testing.assert_allclose(after, before - 0.1 * found * (0.9 * velocity + np.array([1.0, -2.0])))
    assert (made.switched_at, made.sgd_learning_rate) == (switched_at, found)


def test_swats_never_takes_a_negative_learning_rate():
    """The gradient turns round, so Adam's velocity climbs for a while and γ is negative there."""
    made = optimizer.SWATS(learning_rate=0.1, beta2=0.9, tolerance=1e9, minimum_steps=11)
    x, s, climbs = np.array([0.0]), made.fresh_state(np.zeros(1)), 0
    for s.t in range(1, 100):
        g = np.array([1.0 if s.t <= 10 else -0.05])
        new = made.rule(x, g, s, 0.1)
        climbs += float(((new - x) * g)[0]) > 0
        x = new
        if s.switched_at:
            break
    assert climbs > 0
    assert s.switched_at > 11
    assert s.sgd_learning_rate > 0


def test_swats_schedule_goes_on_after_the_switch():
    made = optimizer.SWATS(learning_rate=0.1, tolerance=1e9, minimum_steps=1)
    s = made.fresh_state(np.zeros(1))
    s.t = 1
    x = made.rule(np.array([1.0]), np.array([1.0]), s, 0.1)
    s.t = 2
    full = x - made.rule(x, np.array([1.0]), SimpleNamespace(**vars(s)), 0.1)
    half = x - made.rule(x, np.array([1.0]), SimpleNamespace(**vars(s)), 0.05)
    np.testing.assert_allclose(half, full / 2)


# ---------------------------------------------------------------------- memory


@pytest.mark.parametrize("case", CASES, **BY_LABEL)
def test_state_is_no_larger_than_paddles(case):
    sizes = []
    for make in (case.ours, case.paddles):
        parameters = parameters_like("float32")
        made = make(parameters)
        run(made, parameters, list(GRADIENTS["random"]("float32"))[:1])
        if make == case.ours:
            sizes.append(sum(getattr(b.state, slot).nbytes for b in made._updates.blocks for slot in made.slots))
        else:
            sizes.append(sum(4 * value.size for value in made.state_dict().values()))
    assert sizes[0] <= sizes[1]


# ---------------------------------------------------------------------- bad input


X0 = [tensor(1.0)]
RATE = {name: [(1.5, ValueError), (-0.1, ValueError), (float("nan"), ValueError), ("0.9", TypeError), (True, TypeError)]
        for name in ("beta1", "beta2")}  # fmt: skip
SIZE = [(-1e-8, ValueError), (float("inf"), ValueError), ("small", TypeError), (None, ValueError), ([1e-8], TypeError)]
NOT_UPHILL = [(-0.1, ValueError), (-1, ValueError), (1, TypeError)]  # Paddle, too, takes it everywhere but in these two
CONSTANT = optimizer.lr.StepDecay(0.1, step_size=10)
WRONG = {
    "SGD": {},
    "Momentum": {"momentum": SIZE, "use_nesterov": [(1, TypeError), ("yes", TypeError)]},
    "SGDW": {"momentum": SIZE, "weight_decay": [("0.1", TypeError), (None, ValueError), (float("nan"), ValueError)]},
    "Adagrad": {"epsilon": SIZE, "initial_accumulator_value": SIZE},
    "RMSProp": {"rho": [(1.1, ValueError), ("x", TypeError)], "epsilon": SIZE, "momentum": SIZE,
                "centered": [(0, TypeError)]},
    "Adadelta": {"rho": [(-1, ValueError)], "epsilon": SIZE},
    "Adam": {**RATE, "epsilon": SIZE, "amsgrad": [("no", TypeError)], "lazy_mode": [(1, TypeError)]},
    "Adamax": {**RATE, "epsilon": SIZE},
    "NAdam": {**RATE, "epsilon": SIZE, "momentum_decay": SIZE, "learning_rate": NOT_UPHILL},
    "RAdam": {**RATE, "epsilon": SIZE, "learning_rate": NOT_UPHILL},
    "AdamW": {**RATE, "epsilon": SIZE, "weight_decay": [("0.1", TypeError), (float("inf"), ValueError)],
              "apply_decay_param_fun": [("w", TypeError)], "lr_ratio": [(0.1, TypeError)]},
    "ASGD": {"batch_num": [(0, ValueError), (2.5, TypeError), (True, TypeError), ("3", TypeError)]},
    "Rprop": {"learning_rate": [(0.0, ValueError), (-0.1, ValueError), (60.0, ValueError), (CONSTANT, TypeError)],
              "learning_rate_range": [((0, 1), ValueError), ((1, 0.1), ValueError), ((0.1,), ValueError),
                                      (0.1, TypeError), (("a", 1), TypeError), ((0.2, 1.0), ValueError)],
              "etas": [((0.5, 1.0), ValueError), ((1.2, 0.5), ValueError), ((0.5, 1.1, 2), ValueError),
                       (None, TypeError)]},
    "LARS": {"momentum": SIZE, "lars_coeff": SIZE, "epsilon": SIZE, "lars_weight_decay": [("0.1", TypeError)],
             "exclude_from_weight_decay": [("bias", TypeError), ([1], TypeError)]},
    "Lamb": {**RATE, "epsilon": SIZE, "lamb_weight_decay": [(None, ValueError), (float("nan"), ValueError)],
             "exclude_from_weight_decay_fn": [("bias", TypeError)], "always_adapt": [(1, TypeError)]},
    "SWATS": {**RATE, "epsilon": SIZE, "tolerance": SIZE, "minimum_steps": [(0, ValueError), (2.5, TypeError)]},
}  # fmt: skip
WRONG_EVERYWHERE = {
    "learning_rate": [(1, TypeError), ("0.1", TypeError), (None, ValueError), (float("nan"), ValueError)],
    "parameters": [([], ValueError), (X0[0], TypeError), ({"params": X0}, TypeError), ("weights", TypeError),
                   (3, TypeError), ([1.0], TypeError), (X0 + X0, ValueError),
                   ([{"params": X0}, {"params": X0}], ValueError),
                   ([{"weights": X0}], TypeError), ([{"params": []}], ValueError), ([{"params": set(X0)}], TypeError),
                   ([{"params": X0, "lr": 0.1}], ValueError), ([{"params": X0, "learning_rate": "x"}], TypeError)],
    "grad_clip": [(1.0, TypeError)],
    "name": [(3, TypeError)],
}  # fmt: skip
ALL_WRONG = [
    (name, argument, value, error)
    for name, own in WRONG.items()
    for argument, values in {**WRONG_EVERYWHERE, **own}.items()
    for value, error in values
]


@pytest.mark.parametrize(("name", "argument", "value", "error"), ALL_WRONG)
def test_bad_input_is_refused_where_it_is_given(name, argument, value, error):
    arguments = {"learning_rate": 0.1, "parameters": X0, argument: value}
    with pytest.raises(error) as caught:
        getattr(optimizer, name)(**arguments)
    message = str(caught.value)
    assert argument.rstrip("s") in message.replace("params", "parameters")
    assert any(word in message for word in ("must", "allowed", "more than once"))


WITH_L2 = sorted({case.name for case in EVERY if "weight_decay" in case.arguments} - {"AdamW", "SGDW"})


@pytest.mark.parametrize("name", WITH_L2)
def test_bad_weight_decay(name):
    with pytest.raises(
        TypeError, match=r"weight_decay must be a number, paddle\.regularizer\.L1Decay, L2Decay or None"
    ):
        getattr(optimizer, name)(learning_rate=0.1, parameters=X0, weight_decay="L2")


def test_a_number_of_numpy_is_a_number():
    x = tensor(1.0)
    made = optimizer.SGD(0.5, parameters=[x], weight_decay=np.float32(0.5))
    assert one_step(made, x, [0.0])[0] == 0.75


def test_bad_hyper_parameter_of_a_group():
    with pytest.raises(ValueError, match=r"beta1 must be a number in \[0, 1\), got 2"):
        optimizer.Adam(parameters=[{"params": X0, "beta1": 2}])


def test_a_step_without_parameters_says_what_is_missing():
    with pytest.raises(ValueError, match=r"SGD has no parameters to update: give parameters=model\.parameters\(\)"):
        optimizer.SGD().step()


def test_half_precision_is_refused():
    with pytest.raises(TypeError, match="must be float32 or float64"):
        optimizer.SGD(parameters=[paddle.ones([2]).astype("float16")])


def test_a_subclass_without_a_rule():
    class Forgetful(optimizer.Optimizer):
        pass

    x = tensor(1.0)
    with pytest.raises(NotImplementedError, match="Forgetful must define rule"):
        one_step(Forgetful(0.1, parameters=[x]), x, [1.0])


def test_every_class_of_paddle_is_here():
    missing = set(paddle.optimizer.__all__) - set(optimizer.__all__)
    assert not missing, (
        f"Paddle {paddle.__version__} has new optimizers: {sorted(missing)}. Write each as CONTRIBUTING.md says under "
        "'An optimizer' (class, docstring, look, row in tests/optimizer_table.py), and name it in the README"
    )


# ---------------------------------------------------------------------- wrong variants are caught


def a_wrong_sign(self, x, g, s, lr):
    return x + lr * g


def epsilon_inside(self, x, g, s, lr):
    s.m = self.beta1 * s.m + (1 - self.beta1) * g
    s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
    return x - lr * s.m / (1 - self.beta1**s.t) / np.sqrt(s.v / (1 - self.beta2**s.t) + self.epsilon)


def without_correction(self, x, g, s, lr):
    s.m = self.beta1 * s.m + (1 - self.beta1) * g
    s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
    return x - lr * s.m / (np.sqrt(s.v) + self.epsilon)


def lr_inside_the_velocity(self, x, g, s, lr):
    s.velocity = self.momentum * s.velocity + lr * g
    return x - s.velocity


def decay_after_the_step(self, x, g, s, lr):
    x = optimizer.Adam.rule(self, x, g, s, lr)
    return x - lr * self.weight_decay * x


def the_mean_of_all_steps(self, x, g, s, lr):
    s.d = s.d + g
    return x - lr * s.d / s.t


def a_step_that_is_taken_where_the_sign_turns(self, x, g, s, lr):
    agreement = np.sign(g * s.last_gradient)
    s.step_size = np.clip(s.step_size * np.where(agreement > 0, 1.2, np.where(agreement < 0, 0.5, 1)), 1e-5, 50)
    s.last_gradient = g
    return x - s.step_size * np.sign(g)


def without_trust(self, x, g, s, lr):
    self.weight_decay, self.amsgrad = self.lamb_weight_decay, False
    return optimizer.AdamW.rule(self, x, g, s, lr)


VARIANTS = [
    ("ASGD", the_mean_of_all_steps),
    ("Rprop", a_step_that_is_taken_where_the_sign_turns),
    ("Lamb", without_trust),
    ("SGD", a_wrong_sign),
    ("Momentum", lr_inside_the_velocity),
    ("Adam", epsilon_inside),
    ("Adam", without_correction),
    ("AdamW", decay_after_the_step),
]


@pytest.mark.parametrize(("name", "wrong"), VARIANTS)
@pytest.mark.filterwarnings("ignore:set_lr has no effect on Rprop")
def test_a_wrong_rule_fails_the_comparison(name, wrong, monkeypatch):
    """Over the table's settings and gradients, at least one comparison of test_parity finds it."""
    monkeypatch.setattr(getattr(optimizer, name), "rule", wrong)
    found = []
    for case in (case for case in CASES if case.name == name):
        for sequence in ("random", "tiny", "constant"):
            gradients = list(GRADIENTS[sequence]("float32"))
            mine, theirs = parameters_like("float32"), parameters_like("float32")

            def lr_falls(step, made, lr=case.lr):
                if step == 100:
                    made.set_lr(lr / 2)

            path = run(case.ours(mine), mine, gradients, lr_falls)
            found.append(deviation(path, run(case.paddles(theirs), theirs, gradients, lr_falls)) / case.tolerance)
    assert max(found) > 10
