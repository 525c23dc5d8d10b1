"""What ``translate`` says is so: its calls, run by Paddle, give the numbers that PyTorch has stored, or other ones."""

from __future__ import annotations

import ast
import inspect
import json
import math
import subprocess
import sys

import numpy as np
import paddle
import pytest
from optimizer_table import run

import course_lib
from course_lib import optimizer, other_libraries, translate, translate_state, variants
from course_lib.other_libraries import DROP, KEPT, START, STEPS, deviation, gradient, metric, rosenbrock, rows
from course_lib.translation import WITHOUT_EFFECT
from course_lib.translation.averages import AVERAGES
from course_lib.translation.optimizers import OPTIMIZERS
from course_lib.translation.schedules import SCHEDULES, SWA, WARM_UPS
from course_lib.translation.state import SLOTS

STORED = other_libraries.stored()
OPTIMIZER_RUNS, SCHEDULE_RUNS = STORED["optimizers"], STORED["schedules"]
EQUAL = 5e-7
"""Of the way; Paddle's kernels hold hyper-parameters in 32 bits."""

RATE = 0.1
"""The optimizer's, in the stored runs of schedules."""


def name_of(call: str) -> str:
    return call.partition("(")[0]


def built(call: str, **names):
    """What a call of Paddle's makes, with no other names than a program would have."""
    return eval(call, {"paddle": paddle, "math": math, **names})


def parameter(value=START):
    made = paddle.create_parameter(list(np.shape(value)), "float64")
    made.set_value(np.asarray(value))
    return made


def gradients(sign=1.0):
    return ([sign * gradient(step)] for step in range(1, STEPS + 1))


def path(call: str, drops: bool, sign=1.0, before_step=None, **names) -> np.ndarray:
    """The positions of an optimizer of Paddle's on the stored task."""
    parameters = [parameter()]
    made = built(call, parameters=parameters, **names)

    def prepared(step, made):
        schedule = made._learning_rate
        if step > 0 and isinstance(schedule, paddle.optimizer.lr.LRScheduler):
            schedule.step()
        if step == DROP and drops:
            made.set_lr(0.1 * made.get_lr())
        if before_step is not None:
            before_step(parameters[0], made)

    return run(made, parameters, gradients(sign), prepared).reshape(-1, *START.shape)


def decayed_beside(weight_decay):
    """The recipe of the note on a decay that Paddle's class does not have."""

    def shrink(each, made):
        with paddle.no_grad():
            each.scale_(1 - made.get_lr() * weight_decay)

    return shrink


def measured(call: str) -> np.ndarray:
    """How far the translation of a stored call is from PyTorch's numbers, with the changes its notes ask for."""
    answer, stored = translate(call), OPTIMIZER_RUNS[call]
    sign = -1.0 if "maximize=True" in call else 1.0
    beside = "decoupled_weight_decay=True" in call and name_of(call) in ("NAdam", "RAdam")
    ours = path(answer.call, stored["drops"], sign, decayed_beside(0.1) if beside else None)
    return deviation(ours, stored["positions"])


def walked(schedule, asks=False, steps=40) -> np.ndarray:
    rates = []
    for step in range(1, steps + 1):
        rates.append(schedule())
        schedule.step(*([metric(step)] if asks else []))
    return np.array(rates)


# --- The table -------------------------------------------------------------------------------------------------------


def test_every_class_of_pytorch_is_in_the_table():
    assert set(OPTIMIZERS) == set(STORED["arguments"]["optimizers"])
    assert set(SCHEDULES) == set(STORED["arguments"]["schedules"])
    assert {*AVERAGES, *SWA} == set(STORED["arguments"]["averages"])


FUNCTIONS = {**OPTIMIZERS, **SCHEDULES, **AVERAGES, **SWA}
THEIR_ARGUMENTS = {name: theirs for classes in STORED["arguments"].values() for name, theirs in classes.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_have_pytorchs_names_order_and_defaults(name):
    theirs = THEIR_ARGUMENTS[name]
    theirs = {key: default for key, default in theirs.items() if key not in (*WITHOUT_EFFECT, "maximize")}
    ours = {
        key: "required" if argument.default is argument.empty else argument.default
        for key, argument in inspect.signature(FUNCTIONS[name]).parameters.items()
        if key not in ("maximize", "model") and (key != "lr" or name in OPTIMIZERS)
    }
    assert json.loads(json.dumps(ours)) == theirs
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_maximize_is_known_where_pytorch_has_it(name):
    if "maximize" in STORED["arguments"]["optimizers"][name]:
        assert name == "Adafactor" or "(-loss).backward()" in translate(name, maximize=True).notes[0]
    assert all(
        "maximize" not in note for note in translate(name, **({} if name == "Muon" else {"maximize": False})).notes
    )


def test_every_class_is_measured_or_has_no_call():
    without = {name for name in OPTIMIZERS if translate(name).same == "none"}
    assert without == {"Adafactor", "Muon"}
    calls = [*OPTIMIZER_RUNS, *STORED["searches"], *STORED["rows"]]
    assert {name_of(call) for call in calls} == set(OPTIMIZERS) - without
    assert {name_of(call) for call in SCHEDULE_RUNS} == {*SCHEDULES, *SWA}
    assert {name_of(call) for call in STORED["averages"]} == set(AVERAGES)


# --- Optimizers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [call for call in OPTIMIZER_RUNS if translate(call).same != "nearest"])
def test_what_is_called_equal_is_equal(call):
    assert measured(call).max() <= EQUAL


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adamax"])
def test_what_is_called_nearest_is_another_formula(name):
    calls = [call for call in OPTIMIZER_RUNS if name_of(call) == name and translate(call).same == "nearest"]
    assert max(measured(call).max() for call in calls) > 1e-2


@pytest.mark.parametrize("call", [call for call in OPTIMIZER_RUNS if name_of(call) == "ASGD"])
def test_asgd_lacks_the_average_only(call):
    assert translate(call).same == "nearest"
    assert measured(call).max() <= EQUAL


@pytest.mark.parametrize("lr, inside", [(1e-7, 1e-6), (1e-6, 1e-6), (0.1, 0.1), (100, 50)])
def test_rprop_starts_inside_of_its_range(lr, inside):
    made = built(translate("Rprop", lr=lr).call, model=paddle.nn.Linear(1, 1))
    assert made.get_lr() == pytest.approx(inside)


def test_paddles_asgd_is_another_algorithm():
    ours = path("paddle.optimizer.ASGD(0.1, parameters=parameters)", drops=False)
    assert (
        deviation(
            ours, OPTIMIZER_RUNS["ASGD(parameters, lr=0.1, lambd=0.01, alpha=0.5, weight_decay=0.1)"]["positions"]
        ).max()
        > 0.1
    )


def test_epsilon_of_rmsprop_must_not_be_copied():
    call = "RMSprop(parameters)"
    copied = path("paddle.optimizer.RMSProp(0.01, rho=0.99, epsilon=1e-8, parameters=parameters)", drops=True)
    small = deviation(copied, OPTIMIZER_RUNS[call]["positions"])[1]
    assert small.max() > 0.5
    assert measured(call)[1].max() < 1e-3
    assert measured(call)[0].max() < EQUAL


@pytest.mark.parametrize(
    "call, ours",
    [
        ("RMSprop(parameters, eps=1e-3)", "PyTorchRMSProp(0.01, rho=0.99, epsilon=1e-3, parameters=parameters)"),
        ("RMSprop(parameters, momentum=0.9)", "PyTorchRMSProp(0.01, 0.99, 1e-8, momentum=0.9, parameters=parameters)"),
        (
            "RMSprop(parameters, centered=True)",
            "PyTorchRMSProp(0.01, 0.99, 1e-8, centered=True, parameters=parameters)",
        ),
        ("Adamax(parameters)", "PyTorchAdamax(0.002, parameters=parameters)"),
        ("Adamax(parameters, eps=1e-3)", "PyTorchAdamax(0.002, epsilon=1e-3, parameters=parameters)"),
    ],
)
def test_the_classes_that_the_notes_name_are_pytorchs(call, ours):
    assert any(ours.partition("(")[0] in note for note in translate(call).notes)
    found = path(f"variants.{ours}", OPTIMIZER_RUNS[call]["drops"], variants=variants)
    assert deviation(found, OPTIMIZER_RUNS[call]["positions"]).max() < EQUAL


def test_dampening_parts_by_what_the_note_says():
    call = "SGD(parameters, lr=0.01, momentum=0.9, dampening=0.5)"
    ours, theirs = path(translate(call).call, drops=True), np.array(OPTIMIZER_RUNS[call]["positions"])
    bound = 0.01 * 0.5 / (1 - 0.9) * np.abs(gradient(1))
    apart = np.abs(ours[list(KEPT)] - theirs).max(axis=0)
    assert (apart <= bound + 1e-7).all()
    assert apart[0, 0] > 0.8 * bound[0, 0]


@pytest.mark.parametrize("call", STORED["searches"])
def test_lbfgs_searches_as_pytorchs(call):
    place = parameter([-1.0, 1.0])
    made = built(translate(call).call, parameters=[place])

    def closure():
        made.clear_grad()
        loss = rosenbrock(place[0], place[1])
        loss.backward()
        return loss

    positions = []
    for _ in range(10):
        made.step(closure)
        positions.append(place.numpy().copy())
    np.testing.assert_allclose(positions, STORED["searches"][call]["positions"], rtol=1e-5, atol=1e-7)


def test_sparse_adam_is_a_step_late_in_its_corrections():
    (call,) = STORED["rows"]
    table = paddle.nn.Embedding(4, 2, sparse=True).to(dtype="float64")
    table.weight.set_value(np.zeros((4, 2)))
    made, positions = built(translate(call).call, parameters=table.parameters()), []
    for step in range(1, 21):
        (step * table(paddle.to_tensor(rows(step)))).sum().backward()
        made.step()
        made.clear_grad()
        positions.append(table.weight.numpy().copy())
    theirs = np.array(STORED["rows"][call]["positions"])
    assert positions[0][3, 0] / theirs[0, 3, 0] == pytest.approx(0.74, abs=0.005)  # "26 % shorter"
    lengths = np.diff(np.array(positions)[:, 3, 0]) / np.diff(theirs[:, 3, 0])
    assert lengths[-1] == pytest.approx(1, abs=0.02)
    assert (theirs[0, 0] == 0).all() and (positions[0][0] == 0).all()


# --- Keras and optax -------------------------------------------------------------------------------------------------


class NesterovWithRateInside(variants.MomentumWithRateInside):
    def rule(self, x, g, s, lr):
        return super().rule(x, g, s, lr) - (self.momentum - 1) * s.velocity - lr * g


class AdamaxWithEpsilonBeside(optimizer.Adamax):
    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.u = np.maximum(np.abs(g), self.beta2 * s.u)
        return x - lr / (1 - self.beta1**s.t) * s.m / (s.u + self.epsilon)


class NAdamWithoutWarmUp(optimizer.Adam):
    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        ahead = self.beta1 * s.m / (1 - self.beta1 ** (s.t + 1)) + (1 - self.beta1) * g / (1 - self.beta1**s.t)
        return x - lr * ahead / (np.sqrt(s.v / (1 - self.beta2**s.t)) + self.epsilon)


class RAdamOfCorrected(optimizer.RAdam):
    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        m_hat = s.m / (1 - self.beta1**s.t)
        rho, most = variants.rectified_length(s.t, self.beta2)
        if rho <= 5:
            return x - lr * m_hat
        r = np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
        return x - lr * r * m_hat / (np.sqrt(s.v / (1 - self.beta2**s.t)) + self.epsilon)


@pytest.mark.parametrize(
    "library, rule, form",
    [
        ("keras", "Momentum", variants.MomentumWithRateInside(0.01)),
        ("keras", "Nesterov", NesterovWithRateInside(0.01)),
        ("keras", "Adam", variants.DocumentedAdam(0.01)),
        ("keras", "Adamax", AdamaxWithEpsilonBeside(0.01)),
        ("keras", "NAdam", optimizer.NAdam(0.01, momentum_decay=1.0)),
        ("optax", "AMSGrad", variants.AMSGradOfCorrected(0.01, amsgrad=True)),
        ("optax", "Adamax", variants.PyTorchAdamax(0.01)),
        ("optax", "NAdam", NAdamWithoutWarmUp(0.01)),
        ("optax", "RAdam", RAdamOfCorrected(0.01)),
    ],
)
def test_the_page_names_the_form_that_others_compute(library, rule, form):
    theirs, s, positions = STORED["forms"][rule], form.fresh_state(START), [START]
    for step in range(1, STEPS + 1):
        s.t = step
        positions.append(form.rule(positions[-1], gradient(step), s, 0.01 if step <= DROP else 0.001))
    assert deviation(np.array(positions), theirs[library]["positions"]).max() < 5e-8
    ours = path(f"paddle.optimizer.{theirs['paddle'][:-1]}, parameters=parameters)", drops=True)
    assert deviation(ours, theirs[library]["positions"]).max() > 1e-3


# --- Schedules -------------------------------------------------------------------------------------------------------


def stored_difference(call: str) -> float:
    made = built(translate(call, lr=RATE).call)
    return np.abs(walked(made, asks="Plateau" in call) - SCHEDULE_RUNS[call]["rates"]).max() / RATE


@pytest.mark.parametrize("call", SCHEDULE_RUNS)
def test_rates_are_pytorchs_where_they_are_said_to_be(call):
    answer = translate(call, lr=RATE)
    moves_momentum = "momenta" in SCHEDULE_RUNS[call]
    assert moves_momentum == any("moves the momentum" in note for note in answer.notes)
    if answer.same == "equal" or moves_momentum:
        assert stored_difference(call) < 1e-12
    else:
        assert answer.same == "nearest" and 1e-3 < stored_difference(call) < 0.5
    assert (answer.same == "nearest") >= moves_momentum


@pytest.mark.parametrize("warm_up", [0, 10])
@pytest.mark.parametrize(
    "name, after",
    [
        ("get_constant_schedule_with_warmup", lambda share: 1.0),
        ("get_linear_schedule_with_warmup", lambda share: 1 - share),
        ("get_cosine_schedule_with_warmup", lambda share: (1 + math.cos(math.pi * share)) / 2),
    ],
)
def test_warm_ups_of_transformers(name, after, warm_up):
    steps = {} if "constant" in name else {"num_training_steps": 40}
    answer = translate(f"transformers.{name}", num_warmup_steps=warm_up, **steps, lr=RATE)
    by_hand = [RATE * (t / warm_up if t < warm_up else after((t - warm_up) / (40 - warm_up))) for t in range(40)]
    np.testing.assert_allclose(walked(built(answer.call)), by_hand, rtol=1e-9, atol=1e-15)


# --- Averages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", STORED["averages"])
def test_an_average_of_weights_is_pytorchs(call):
    model, kept = linear(np.zeros((3, 2))), []
    answer, exponential = translate(call), "ema" in call
    for step in range(1, STEPS + 1):
        with paddle.no_grad():
            model.weight.set_value(model.weight + paddle.to_tensor(gradient(step).T))
        model.weight.grad = paddle.zeros_like(model.weight)
        if step == 1:
            average = built(answer.call, model=model, course_lib=course_lib)
        if step > 1 or not exponential:  # as the first note says
            (average.update if exponential else average.step)()
        if step in KEPT:
            with average.apply():
                kept.append(model.weight.numpy().T.astype("float64"))
    assert answer.same == "after a change"
    theirs = np.array(STORED["averages"][call]["positions"])
    np.testing.assert_allclose(kept, theirs, rtol=1e-12 if exponential else 2e-6, atol=1e-15)


@pytest.mark.parametrize(
    "call, paddles, same",
    [
        (
            "swa_model = torch.optim.swa_utils.AveragedModel(net, device, multi_avg_fn=get_ema_multi_avg_fn(args.ema))",
            "course_lib.optimizer.EMA(model=net, decay=args.ema, correction=None)",
            "after a change",
        ),
        (
            "AveragedModel(net, avg_fn=torch.optim.swa_utils.get_ema_avg_fn())",
            "course_lib.optimizer.EMA(model=net, decay=0.999, correction=None)",
            "after a change",
        ),
        (
            "AveragedModel(net, use_buffers=True)",
            "paddle.incubate.ModelAverage(average_window_rate=1.0, parameters=net.parameters(), "
            "min_average_window=1000000000, max_average_window=1000000000)",
            "nearest",
        ),
        ("AveragedModel(net, avg_fn=lambda old, new, n: 0.1 * old + 0.9 * new)", None, "none"),
        ("AveragedModel(net, avg_fn=my_average)", None, "none"),
        ("AveragedModel(net, avg_fn=averages.of(3))", None, "none"),
    ],
)
def test_averages_of_training_scripts(call, paddles, same):
    answer = translate(call)
    assert (answer.call, answer.same) == (paddles, same)
    assert any("buffers" in note or "update_bn" in note for note in answer.notes) or not paddles


def test_an_average_may_be_named_without_a_call():
    assert translate("torch.optim.swa_utils.AveragedModel").call.startswith("paddle.incubate.ModelAverage(")
    named = translate("AveragedModel", multi_avg_fn="get_ema_multi_avg_fn(0.9)")
    assert named.call == "course_lib.optimizer.EMA(model=model, decay=0.9, correction=None)"
    with pytest.raises(TypeError, match="AveragedModel has no argument decay"):
        translate("AveragedModel", decay=0.9)
    with pytest.raises(ValueError, match=r"decay must be a number in \[0, 1\), got 1.5"):
        translate("AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(1.5))")


@pytest.mark.parametrize(
    "call, lr, error, message",
    [
        ("SWALR(optimizer, [0.05, 0.1])", 0.1, TypeError, "swa_lr must be a finite number"),
        ("SWALR(optimizer, 0.05)", 0, ValueError, "lr must be above 0"),
        ('SWALR(optimizer, 0.05, 10, "cosine")', 0.1, ValueError, "anneal_strategy must be one of 'cos', 'linear'"),
    ],
)
def test_what_swalr_cannot_do_is_refused_by_name(call, lr, error, message):
    with pytest.raises(error, match=message):
        translate(call, lr=lr)


def test_end_of_one_cycle_is_not_paddles_default():
    call = "OneCycleLR(optimizer, max_lr=0.1, total_steps=40)"
    default = paddle.optimizer.lr.OneCycleLR(0.1, 40)
    assert walked(default)[-1] > 100 * SCHEDULE_RUNS[call]["rates"][-1]


RESUMED = [call for call in SCHEDULE_RUNS if name_of(call) not in ("ReduceLROnPlateau", "ChainedScheduler", "CyclicLR")]


@pytest.mark.parametrize("call", RESUMED)
@pytest.mark.parametrize("last_epoch", [0, 7])
def test_a_schedule_goes_on_after_last_epoch(call, last_epoch):
    made = built(translate(call, lr=RATE, last_epoch=last_epoch).call)
    rest = np.array(SCHEDULE_RUNS[call]["rates"])[last_epoch + 1 :]
    np.testing.assert_allclose(walked(made, steps=len(rest)), rest, rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("name, settings", [("CosineAnnealingDecay", {"T_max": 30}), ("LinearLR", {"total_steps": 10})])
def test_paddle_itself_goes_on_at_a_wrong_rate(name, settings):
    unbroken = walked(getattr(paddle.optimizer.lr, name)(RATE, **settings))
    resumed = getattr(paddle.optimizer.lr, name)(RATE, **settings, last_epoch=4)
    assert abs(resumed() - unbroken[5]) > 0.04 * RATE


def test_a_schedule_drives_the_optimizer():
    schedule = translate("StepLR(optimizer, step_size=1, gamma=0.5)", lr=0.1)
    answer = translate("SGD", lr=schedule, momentum=0.9)
    made = built(answer.call, model=paddle.nn.Linear(1, 1))
    made._learning_rate.step()
    assert made.get_lr() == 0.05
    assert any("step()" in note for note in answer.notes)
    assert any("refuses a schedule" in note for note in translate("Rprop", lr=schedule).notes)


# --- Calls from training scripts -------------------------------------------------------------------------------------

SCRIPTS = [
    # ImageNet, ResNet-50: pytorch/examples
    (
        "torch.optim.SGD(model.parameters(), args.lr, momentum=args.momentum, weight_decay=args.weight_decay)",
        "paddle.optimizer.Momentum(learning_rate=args.lr, momentum=args.momentum, weight_decay=args.weight_decay, "
        "parameters=model.parameters())",
    ),
    (
        "StepLR(optimizer, step_size=30, gamma=0.1)",
        "paddle.optimizer.lr.StepDecay(learning_rate=0.1, step_size=30, gamma=0.1)",
    ),
    # CIFAR-10 recipes
    (
        "optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)",
        "paddle.optimizer.Momentum(learning_rate=0.1, momentum=0.9, use_nesterov=True, weight_decay=0.0005, "
        "parameters=net.parameters())",
    ),
    (
        "torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)",
        "paddle.optimizer.lr.CosineAnnealingDecay(learning_rate=0.1, T_max=200, eta_min=0.0)",
    ),
    # MNIST: pytorch/examples
    (
        "optim.Adadelta(model.parameters(), lr=args.lr)",
        "paddle.optimizer.Adadelta(learning_rate=args.lr, epsilon=1e-06, rho=0.9, parameters=model.parameters())",
    ),
    # DCGAN, VAE
    (
        "optim.Adam(netD.parameters(), lr=0.0002, betas=(0.5, 0.999))",
        "paddle.optimizer.Adam(learning_rate=0.0002, beta1=0.5, beta2=0.999, epsilon=1e-08, "
        "parameters=netD.parameters())",
    ),
    (
        "optim.Adam(model.parameters(), lr=1e-3)",
        "paddle.optimizer.Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, "
        "parameters=model.parameters())",
    ),
    # nanoGPT, with its groups
    (
        "torch.optim.AdamW([{'params': decay_params, 'weight_decay': 0.1}, "
        "{'params': nodecay_params, 'weight_decay': 0.0}], "
        "lr=6e-4, betas=(0.9, 0.95), fused=True)",
        "paddle.optimizer.AdamW(learning_rate=0.0006, beta1=0.9, beta2=0.95, epsilon=1e-08, weight_decay=0.01, "
        "parameters=[{'params': decay_params, 'weight_decay': 0.1}, {'params': nodecay_params, 'weight_decay': 0.0}])",
    ),
    # BERT, timm
    (
        "AdamW(model.parameters(), lr=5e-5, eps=1e-8, weight_decay=0.01)",
        "paddle.optimizer.AdamW(learning_rate=5e-05, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.01, "
        "parameters=model.parameters())",
    ),
    (
        "optim.AdamW(params, lr=args.lr, weight_decay=0.05, foreach=True)",
        "paddle.optimizer.AdamW(learning_rate=args.lr, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.05, "
        "parameters=params)",
    ),
    (
        "get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=total)",
        "paddle.optimizer.lr.PolynomialDecay(learning_rate=0.1, decay_steps=total, end_lr=0.0)",
    ),
    # fine-tuning with a smaller rate for the body
    (
        "optim.SGD([{'params': model.base.parameters()}, "
        "{'params': model.head.parameters(), 'lr': 1e-3}], lr=1e-2, momentum=0.9)",
        "paddle.optimizer.Momentum(learning_rate=0.01, momentum=0.9, "
        "parameters=[{'params': model.base.parameters()}, {'params': model.head.parameters(), 'learning_rate': 0.1}])",
    ),
    # word language model, Transformer tutorial
    (
        "torch.optim.SGD(model.parameters(), lr=5.0)",
        "paddle.optimizer.SGD(learning_rate=5.0, parameters=model.parameters())",
    ),
    (
        "torch.optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.95)",
        "paddle.optimizer.lr.StepDecay(learning_rate=0.1, step_size=1, gamma=0.95)",
    ),
    # time sequences
    (
        "optim.LBFGS(seq.parameters(), lr=0.8)",
        "paddle.optimizer.LBFGS(learning_rate=0.8, max_iter=20, tolerance_grad=1e-07, tolerance_change=1e-09, "
        "history_size=100, parameters=seq.parameters())",
    ),
    # Atari
    (
        "optim.RMSprop(policy_net.parameters(), lr=0.00025, alpha=0.95, eps=0.01)",
        "paddle.optimizer.RMSProp(learning_rate=0.00025, rho=0.95, epsilon=0.0001, parameters=policy_net.parameters())",
    ),
    (
        "optim.AdamW(policy_net.parameters(), lr=LR, amsgrad=True)",
        "paddle.optimizer.AdamW(learning_rate=LR, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.01, "
        "amsgrad=True, parameters=policy_net.parameters())",
    ),
    # detection
    (
        "MultiStepLR(optimizer, milestones=[16, 22], gamma=0.1)",
        "paddle.optimizer.lr.MultiStepDecay(learning_rate=0.1, milestones=[16, 22], gamma=0.1)",
    ),
    (
        "torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0 / 1000, total_iters=1000)",
        "paddle.optimizer.lr.LinearLR(learning_rate=0.1, total_steps=1000, start_factor=1.0 / 1000, end_factor=1.0)",
    ),
    # one cycle, plateau
    (
        "OneCycleLR(optimizer, max_lr=0.01, steps_per_epoch=len(train_loader), epochs=10)",
        "paddle.optimizer.lr.OneCycleLR(max_learning_rate=0.01, total_steps=10 * len(train_loader), "
        "divide_factor=25.0, end_learning_rate=4e-08, phase_pct=0.3, anneal_strategy='cos')",
    ),
    (
        "ReduceLROnPlateau(optimizer, 'min', patience=5, verbose=True)",
        "paddle.optimizer.lr.ReduceOnPlateau(learning_rate=0.1, mode='min', factor=0.1, patience=5, threshold=0.0001, "
        "threshold_mode='rel', cooldown=0, min_lr=0, epsilon=1e-08)",
    ),
    (
        "LambdaLR(optimizer, lr_lambda=lambda epoch: min(1.0, epoch / warmup))",
        "paddle.optimizer.lr.LambdaDecay(learning_rate=0.1, lr_lambda=lambda epoch: min(1.0, epoch / warmup))",
    ),
]


@pytest.mark.parametrize("call, paddles", SCRIPTS, ids=[name_of(call) for call, _ in SCRIPTS])
def test_calls_of_training_scripts(call, paddles):
    of_schedule = any(name in call for name in (*SCHEDULES, *WARM_UPS))
    answer = translate(call, **({"lr": 0.1} if of_schedule else {}))
    assert answer.call == paddles
    allowed = inspect.signature(eval(name_of(paddles))).parameters
    assert {each.arg for each in ast.parse(paddles, mode="eval").body.keywords} <= set(allowed)


def literal_arguments(call: str) -> tuple[list, dict] | None:
    """The arguments of a call behind the parameters or the optimizer; None if one is code."""
    node = ast.parse(call, mode="eval").body
    try:
        positional = [ast.literal_eval(each) for each in node.args if not isinstance(each, ast.Name)]
        return positional, {each.arg: ast.literal_eval(each.value) for each in node.keywords}
    except ValueError:
        return None


@pytest.mark.parametrize("call", list(filter(literal_arguments, [*OPTIMIZER_RUNS, *SCHEDULE_RUNS])))
def test_text_names_and_order_are_the_same_question(call):
    positional, settings = literal_arguments(call)
    lr = {} if name_of(call) in OPTIMIZERS else {"lr": RATE}
    asked = translate(f"torch.optim.{name_of(call)}", *positional, **settings, **lr)
    assert asked == translate(call.replace("parameters", "model.parameters()"), **lr)


# --- Ways to ask -----------------------------------------------------------------------------------------------------


class Adam:
    """Stands for a class of PyTorch's."""


@pytest.mark.parametrize("name", ["torch.optim.Adam", "optim.Adam", "Adam", "torch.optim.adam.Adam", Adam])
def test_a_class_may_be_named_in_many_ways(name):
    asked = translate(name, lr=0.1, betas=[0.5, 0.9])
    assert asked.call == translate("optim.Adam(model.parameters(), 0.1, (0.5, 0.9))").call


@pytest.mark.parametrize("rate", [1, np.float32(1), np.array(1.0)])
def test_a_rate_may_be_whole_or_an_array(rate):
    assert "learning_rate=1.0" in translate("SGD", rate).call
    assert "learning_rate=1.0" in translate("SGD", lr=rate).call
    assert "learning_rate=1.0" in translate("SGD", object(), rate).call


def test_objects_have_no_code():
    weights = [parameter()]
    assert translate("SGD", weights, 0.1).call.endswith("parameters=model.parameters())")
    assert translate("SGD", params=iter(weights), lr=0.1).call.endswith("parameters=model.parameters())")
    in_groups = translate("SGD", [{"params": weights, "lr": 0.3}], 0.1).call
    assert in_groups.endswith("parameters=[{'params': groups[0]['params'], 'learning_rate': 3.0}])")
    assert "lr_lambda=lr_lambda)" in translate("LambdaLR", lambda t: 0.9**t, lr=0.1).call
    assert "lr_lambda=metric)" in translate("LambdaLR", metric, lr=0.1).call


def test_what_changes_no_number_is_dropped():
    assert translate("Adam", foreach=True, fused=True, capturable=True, differentiable=True) == translate("Adam")


def test_code_is_calculated_with():
    assert "learning_rate=args.lr * (1 - d)" in translate("SGD(ps, args.lr, momentum=0.9, dampening=d)").call
    assert "beta1=b[0], beta2=b[1]" in translate("Adam(ps, betas=b)").call
    assert "epsilon=eps ** 2" in translate("RMSprop(ps, eps=eps)").call
    assert "values=[lr * 0.5, lr]" in translate("ConstantLR(optimizer, factor=0.5)").call


@pytest.mark.parametrize("given", ["net.parameters()", "[w, b]", "list(net.parameters())"])
@pytest.mark.parametrize("name", ["SGD", "LBFGS"])
def test_the_parameters_of_a_call_stay_what_they_are(name, given):
    assert translate(f"{name}({given}, lr=0.1)").call.endswith(f", parameters={given})")


def test_a_schedule_asks_for_the_rate():
    answer = translate("StepLR", step_size=30)
    assert "learning_rate=lr," in answer.call
    assert any("lr stands for" in note for note in answer.notes)
    assert not any("lr stands for" in note for note in translate("OneCycleLR", max_lr=0.1, total_steps=9).notes)


def test_schedules_in_variables_are_answered_by_a_recipe():
    for call in ("SequentialLR(optimizer, [warmup, cosine], [5])", "ChainedScheduler(schedulers)"):
        answer = translate(call, lr=0.1)
        assert answer.same == "none" and "LambdaDecay" in answer.notes[0]
    parts = [translate("LinearLR", 0.01, total_iters=5, lr=0.1), translate("CosineAnnealingLR", 30, lr=0.1)]
    by_parts = translate("SequentialLR", parts, [5], lr=0.1)
    call = "SequentialLR(optimizer, [LinearLR(optimizer, 0.01, total_iters=5), CosineAnnealingLR(optimizer, 30)], [5])"
    assert by_parts.call == translate(call, lr=0.1).call


@pytest.mark.parametrize(
    "arguments, settings, error, message",
    [
        (["torch.optim.Adan"], {}, ValueError, "Adan.*nearest: Adam"),
        (["Lion"], {}, ValueError, "got 'Lion'"),
        (["keras.optimizers.Adam"], {}, ValueError, "got 'keras.optimizers.Adam', which is keras's"),
        ([3], {}, TypeError, "name must be the name of a class of torch.optim, got 3"),
        (["RMSprop"], {"epsilon": 1e-8}, TypeError, "torch.optim.RMSprop has no argument epsilon: do you mean eps"),
        (["SGD"], {"momentun": 0.9}, TypeError, "do you mean momentum"),
        (["SGD"], {"lr": "0.1"}, TypeError, "lr must be a finite number of at least 0, got '0.1'"),
        (["SGD"], {"lr": -0.1}, ValueError, "lr must be a finite number of at least 0, got -0.1"),
        (["Adam"], {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\] must be a number in \[0, 1\), got 1.0"),
        (["Adam"], {"betas": (0.9,)}, ValueError, "betas must be two numbers"),
        (["SGD"], {"nesterov": True}, ValueError, "nesterov=True needs a momentum and no dampening"),
        (["StepLR"], {"lr": 0.1}, TypeError, "StepLR needs step_size; it has step_size, gamma, last_epoch"),
        (["StepLR", 3], {"step_size": 3}, TypeError, "was given step_size twice"),
        (["OneCycleLR", 0.1], {}, ValueError, "OneCycleLR needs total_steps, or epochs and steps_per_epoch"),
        (["SGD(model.parameters()"], {}, ValueError, "name must be a class or the text of one call"),
        (["SGD(ps, **options)"], {}, ValueError, "must be written out"),
        (["SequentialLR(o, [ConstantLR(o), ConstantLR(o)], [])"], {}, ValueError, "milestones must be one fewer"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments, settings, error, message):
    with pytest.raises(error, match=message):
        translate(*arguments, **settings)


def test_the_card_says_what_the_text_says():
    answer = translate("torch.optim.RMSprop", lr=0.01, momentum=0.9)
    shown = answer._repr_html_()
    for part in (answer.call, answer.source, "Paddle has no equal", "√"):
        assert part in repr(answer) and part in shown
    assert 'data-same="nearest"' in shown
    assert "<b>" not in translate("SGD(named('<b>'))")._repr_html_()


def test_it_needs_no_paddle():
    program = (
        "import sys; sys.modules['paddle'] = None; import course_lib; "
        "print(course_lib.translate('torch.optim.SGD', lr=0.1).call)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "paddle.optimizer.SGD(learning_rate=0.1, parameters=model.parameters())\n"


def test_the_library_has_nothing_else_of_that_kind():
    with pytest.raises(AttributeError, match="module 'course_lib' has no attribute 'translat'"):
        course_lib.translat  # noqa: B018


# --- A saved state ---------------------------------------------------------------------------------------------------


def saved_by_pytorch(call: str) -> dict:
    """The ``state_dict`` of a stored run, half-way."""
    given = {each.arg: ast.literal_eval(each.value) for each in ast.parse(call, mode="eval").body.keywords}
    group = {**STORED["arguments"]["optimizers"][name_of(call)], **given, "params": [0]}
    if OPTIMIZER_RUNS[call]["drops"]:
        group["lr"] *= 0.1
    state = {name: np.array(value) for name, value in OPTIMIZER_RUNS[call]["state"].items()}
    return {"state": {0: state}, "param_groups": [group]}


def linear(weight) -> paddle.nn.Linear:
    """A layer with PyTorch's weight, in 64 bits."""
    layer = paddle.nn.Linear(2, 3, bias_attr=False).to(dtype="float64")
    layer.weight.set_value(np.array(weight).T)
    return layer


def gone_on(call: str) -> np.ndarray:
    """How far Paddle, which takes a run over half-way, is from PyTorch at its end, in units of the way since then."""
    stored, half = OPTIMIZER_RUNS[call], KEPT.index(DROP)
    positions = dict(zip(KEPT, map(np.array, stored["positions"])))
    layer, saved = linear(positions[DROP]), saved_by_pytorch(call)
    made = built(translate(call, lr=saved["param_groups"][0]["lr"]).call, parameters=layer.parameters())
    made.set_state_dict(translate_state(name_of(call), saved, layer))
    apart, sign = [], -1.0 if "maximize=True" in call else 1.0
    for step in range(DROP + 1, STEPS + 1):
        layer.weight.grad = paddle.to_tensor(sign * gradient(step).T)
        made.step()
        if step in positions:
            apart.append(np.abs(layer.weight.numpy().T - positions[step]))
    way = np.abs(np.diff([positions[step] for step in KEPT[half:]], axis=0)).sum(axis=0)
    return np.max(apart, axis=0) / np.maximum(way, 1e-3)


GOES_ON = [
    call
    for call in OPTIMIZER_RUNS
    if name_of(call) in SLOTS and "lr_decay" not in call and "decoupled" not in call and OPTIMIZER_RUNS[call]["state"]
]


@pytest.mark.parametrize("call", [call for call in GOES_ON if name_of(call) not in ("RMSprop", "Adamax")])
def test_a_run_that_began_in_pytorch_goes_on(call):
    assert gone_on(call).max() < 2e-5


@pytest.mark.parametrize(
    "call", [call for call in GOES_ON if name_of(call) in ("RMSprop", "Adamax") and "eps" not in call]
)
def test_it_goes_on_at_ordinary_gradients_where_the_formula_is_another(call):
    assert gone_on(call)[0].max() < 2e-5


def searched_by_pytorch(call: str) -> tuple[dict, np.ndarray, np.ndarray]:
    """The ``state_dict`` of a stored search, half-way; where it was then, and where at the end."""
    stored = STORED["searches"][call]
    counts = {name: int(stored["state"][name]) for name in ("n_iter", "func_evals")}
    positions = np.array(stored["positions"])
    saved = {"state": {0: {**stored["state"], **counts}}, "param_groups": [{"lr": 1.0, "params": [0]}]}
    return saved, positions[4], positions[9]


def searched_on(call: str, by: str, take_over) -> np.ndarray:
    """Where a search of one of Paddle's classes ends that takes a run of PyTorch over half-way."""
    saved, start, _ = searched_by_pytorch(call)
    layer = paddle.nn.Layer()
    layer.x = layer.create_parameter([2], dtype="float64", default_initializer=paddle.nn.initializer.Assign(start))
    made = built(
        translate(call).call.replace("paddle.optimizer", by), course_lib=course_lib, parameters=layer.parameters()
    )

    def closure():
        made.clear_grad()
        loss = rosenbrock(*layer.x)
        loss.backward()
        return loss

    take_over(made, translate_state("LBFGS", saved, layer))
    for _ in range(5):
        made.step(closure)
    return layer.x.numpy()


TAKEN_OVER = {
    "course_lib.optimizer": lambda made, entries: made.set_state_dict(entries),
    "paddle.optimizer": lambda made, entries: made.state.update(entries["state"]),
}


@pytest.mark.parametrize("by", TAKEN_OVER)
@pytest.mark.parametrize("call", STORED["searches"])
def test_a_search_that_began_in_pytorch_goes_on(call, by):
    _, start, end = searched_by_pytorch(call)
    way = np.abs(end - start).max()
    assert way > 0.01
    assert np.abs(searched_on(call, by, TAKEN_OVER[by]) - end).max() < 1e-5 * way
    assert np.abs(searched_on(call, by, lambda made, entries: None) - end).max() > 1e-3 * way


def test_the_weights_of_linear_layers_are_turned_in_the_vectors_of_lbfgs():
    model = paddle.nn.Sequential(paddle.nn.Conv2D(1, 1, 2, bias_attr=False), paddle.nn.Linear(2, 3))
    vector = np.arange(13.0)  # 4 of the convolution, [3, 2] of PyTorch's linear layer, 3 of its bias
    state = {"n_iter": 2, "func_evals": 3, "d": vector, "t": 1, "old_stps": [vector], "old_dirs": [2 * vector]}
    saved = {"state": {0: {**state, "prev_flat_grad": -vector}}, "param_groups": [{"lr": 1, "params": [0, 1, 2]}]}
    turned = np.array([0, 1, 2, 3, 4, 6, 8, 5, 7, 9, 10, 11, 12.0])
    found = translate_state("LBFGS", saved, model)["state"]
    assert np.array_equal(found["d"], turned) and np.array_equal(found["prev_flat_grad"], -turned)
    assert np.array_equal(found["old_sk"], [turned]) and np.array_equal(found["old_yk"], [2 * turned])
    saved["state"][0]["d"] = vector[1:]
    with pytest.raises(ValueError, match="vectors must have 13 values, as the model, got 12"):
        translate_state("LBFGS", saved, model)
    assert translate_state("LBFGS", {**saved, "state": {}}, model) == {"state": {}}


def test_without_its_state_a_run_goes_another_way():
    call = "Adam(parameters, lr=0.01)"
    stored, half = OPTIMIZER_RUNS[call], KEPT.index(DROP)
    layer = linear(stored["positions"][half])
    fresh = paddle.optimizer.Adam(0.001, parameters=layer.parameters())
    layer.weight.grad = paddle.to_tensor(gradient(DROP + 1).T)
    fresh.step()
    assert np.abs(layer.weight.numpy().T - stored["positions"][half + 1]).max() > 2e-4


def network():
    nn = paddle.nn
    return nn.Sequential(nn.Conv2D(1, 2, 3), nn.BatchNorm2D(2), nn.Flatten(), nn.Linear(4, 4), nn.Embedding(4, 4))


def arrays_like_pytorchs(model) -> dict:
    """A momentum for each parameter, numbered element by element, in PyTorch's shapes."""
    shapes = [[2, 1, 3, 3], [2], [2], [2], [4, 4], [4], [4, 4]]
    values = [np.arange(np.prod(shape), dtype="float32").reshape(shape) for shape in shapes]
    group = {"lr": 0.1, "momentum": 0.9, "params": list(range(7))}
    return {"state": {k: {"momentum_buffer": value} for k, value in enumerate(values)}, "param_groups": [group]}


def velocity(entries: dict, layer, name="weight") -> np.ndarray:
    return entries[f"{getattr(layer, name).name}_velocity_0"].numpy()


def test_weights_of_linear_layers_alone_are_turned():
    model = network()
    conv, norm, _, dense, table = model
    entries = translate_state("SGD", arrays_like_pytorchs(model), model)
    square = np.arange(16.0).reshape(4, 4)
    assert np.array_equal(velocity(entries, dense), square.T)
    assert np.array_equal(velocity(entries, table), square)
    assert velocity(entries, conv).shape == (2, 1, 3, 3)
    assert np.array_equal(velocity(entries, norm, "bias"), [0, 1])
    paddle.optimizer.Momentum(0.1, parameters=model.parameters()).set_state_dict(entries)


def test_parameters_may_come_in_groups_of_another_order():
    model = paddle.nn.Linear(2, 3)
    saved = {
        "state": {0: {"momentum_buffer": np.arange(3.0)}, 1: {"momentum_buffer": np.arange(6.0).reshape(3, 2)}},
        "param_groups": [{"lr": 0.1, "params": [0], "dampening": 0.5}, {"lr": 0.1, "params": [1]}],
    }
    entries = translate_state("torch.optim.SGD", saved, model, parameters=[model.bias, model.weight])
    assert np.array_equal(velocity(entries, model, "bias"), [0, 2, 4])  # undamped, as the learning rate is damped
    assert np.array_equal(velocity(entries, model), [[0, 2, 4], [1, 3, 5]])


def test_the_schedule_goes_along():
    model = paddle.nn.Linear(2, 3)
    theirs = {"last_epoch": 20, "_step_count": 21, "_last_lr": [0.025], "base_lrs": [0.1]}
    saved = {"state": {}, "param_groups": [{"lr": 0.025, "params": [0, 1]}]}
    schedule = paddle.optimizer.lr.StepDecay(0.1, step_size=10, gamma=0.5)
    made = paddle.optimizer.SGD(schedule, parameters=model.parameters())
    made.set_state_dict(translate_state("SGD", saved, model, schedule=theirs))
    assert (schedule.last_epoch, made.get_lr()) == (20, 0.025)
    plateau = {"best": 0.4, "num_bad_epochs": 2, "cooldown_counter": 0, "last_epoch": 9, "_last_lr": [0.05]}
    waits = paddle.optimizer.lr.ReduceOnPlateau(0.1)
    waits.set_state_dict(translate_state("SGD", saved, model, schedule=plateau)["LR_Scheduler"])
    assert (waits.best, waits.num_bad_epochs, waits()) == (0.4, 2, 0.05)


@pytest.mark.parametrize(
    "name, state, message",
    [
        ("Muon", {}, "name must be one of 'SGD', .*got 'Muon'"),
        ("Adam", {0: {"exp_avg": np.ones((3, 2))}}, "state_dict must have exp_avg_sq for"),
        ("SGD", {0: {"momentum_buffer": np.ones((2, 3))}}, r"must have the shape \[2, 3\], .*got \[3, 2\]"),
        ("SGD", None, "state_dict must be of 2 parameters, as the model has, got 1"),
    ],
)
def test_a_state_of_something_else_is_refused(name, state, message):
    group = {"lr": 0.1, "params": [0] if state is None else [0, 1]}
    with pytest.raises(ValueError, match=message):
        translate_state(name, {"state": state or {}, "param_groups": [group]}, paddle.nn.Linear(2, 3))
