"""What ``course_lib.variants`` says of PyTorch is so, where PyTorch is installed; each variant is another formula."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from optimizer_table import GRADIENTS, STEPS, deviation

from course_lib import optimizer, variants
from course_lib.exercises import EXERCISES, check
from course_lib.exercises.steps import step_of
from course_lib.optimizer import lr as schedules

HALF = STEPS // 2
RATE = 0.01


def flat(gradients: str) -> np.ndarray:
    return np.array([np.concatenate([part.reshape(-1) for part in step]) for step in GRADIENTS[gradients]("float64")])


START = np.random.default_rng(1).normal(size=flat("zero").shape[1])


def walk(rule, gradients) -> np.ndarray:
    """The positions of one of the course's rules; the learning rate falls half-way."""
    path, s = [START], rule.fresh_state(START)
    for t, g in enumerate(gradients):
        s.t += 1
        path.append(rule.rule(path[-1], g, s, RATE if t < HALF else 0.1 * RATE))
    return np.array(path)


def pytorchs_walk(torch, name, settings, gradients) -> np.ndarray:
    x = torch.nn.Parameter(torch.tensor(START))
    made = getattr(torch.optim, name)([x], lr=RATE, **settings)
    path = [START]
    for t, g in enumerate(gradients):
        x.grad = torch.tensor(g)
        made.param_groups[0]["lr"] = RATE if t < HALF else 0.1 * RATE
        made.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


def label(twin) -> str:
    return ", ".join([twin.name, *(f"{key}={value}" for key, value in twin.settings.items())])


# --- With PyTorch ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("gradients", GRADIENTS)
@pytest.mark.parametrize("twin", variants.PYTORCH_OPTIMIZERS, ids=label)
def test_twin_computes_what_pytorch_computes(torch, twin, gradients):
    if "centered" in twin.settings and gradients == "constant":
        pytest.skip("the variance of a constant is a difference of equal numbers: its rounding decides")
    sequence = flat(gradients)
    theirs = pytorchs_walk(torch, twin.name, twin.settings, sequence)
    assert deviation(walk(twin.ours(RATE), sequence), theirs) <= 1e-9


@pytest.mark.parametrize("twin", variants.PYTORCH_OPTIMIZERS, ids=label)
def test_default_learning_rate_is_pytorchs(torch, twin):
    assert inspect.signature(getattr(torch.optim, twin.name)).parameters["lr"].default == twin.default_lr


@pytest.mark.parametrize("name", ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "Adamax", "NAdam", "RAdam"])
def test_weight_decay_in_pytorch_is_l2_without_one_half(torch, name):
    x = torch.nn.Parameter(torch.tensor(START))
    y = torch.nn.Parameter(torch.tensor(START))
    decayed = getattr(torch.optim, name)([x], lr=RATE, weight_decay=0.3)
    plain = getattr(torch.optim, name)([y], lr=RATE)
    for g in flat("random"):
        x.grad, y.grad = torch.tensor(g), torch.tensor(g) + 0.3 * y.detach()
        decayed.step()
        plain.step()
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-9, atol=1e-12)


def pytorchs_schedule(torch, name, settings, rate, steps=STEPS):
    made = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)
    schedule = getattr(torch.optim.lr_scheduler, name)(made, **settings)
    rates, momenta = [], []
    for _ in range(steps):
        rates.append(made.param_groups[0]["lr"])
        momenta.append(made.param_groups[0]["momentum"])
        made.step()
        schedule.step()
    return np.array(rates), np.array(momenta)


@pytest.mark.parametrize("twin", variants.PYTORCH_SCHEDULES, ids=label)
def test_schedule_gives_pytorchs_rates(torch, twin):
    steps = STEPS - 1  # the last step() of a one-cycle schedule would raise
    rates, momenta = pytorchs_schedule(torch, twin.name, twin.settings, 0.5, steps)
    ours = twin.ours(0.5)
    np.testing.assert_allclose(ours.at(np.arange(steps)), rates, rtol=1e-9, atol=1e-12)
    if getattr(ours, "momentum", None) is not None:
        np.testing.assert_allclose(ours.momentum_at(np.arange(steps)), momenta, rtol=1e-9)


def test_cyclic_lr_of_pytorch_cycles_the_momentum_and_ours_does_not(torch):
    momenta = pytorchs_schedule(torch, "CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 20}, 0.5)[1]
    assert np.ptp(momenta) == pytest.approx(0.1)


@pytest.mark.parametrize("cooldown", [0, 5])
def test_plateau_is_pytorchs(torch, cooldown):
    losses = 1 + 0.5 * np.random.default_rng(2).random(STEPS) - 0.002 * np.arange(STEPS)
    made = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(made, factor=0.9, patience=3, cooldown=cooldown)
    ours = variants.PyTorchReduceOnPlateau(0.5, factor=0.9, patience=3, cooldown=cooldown)
    for loss in losses:
        theirs.step(loss)
        ours.step(loss)
        assert ours() == pytest.approx(made.param_groups[0]["lr"], rel=1e-12)
    assert ours() < 0.3


def test_restart_asked_for_by_its_step_is_missed_by_pytorch_as_by_paddle(torch):
    import paddle

    made = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(made, T_0=1, T_mult=3)
    paddles = paddle.optimizer.lr.CosineAnnealingWarmRestarts(0.5, T_0=1, T_mult=3)
    theirs.step(121)
    paddles.step(121)
    assert made.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)
    assert paddles() == pytest.approx(0, abs=1e-12)


def test_zero_grad_of_pytorch_removes_the_gradients(torch):
    x = torch.nn.Parameter(torch.ones(1))
    x.grad = torch.ones(1)
    torch.optim.SGD([x]).zero_grad()
    assert x.grad is None


# --- Without PyTorch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "change"), variants.OTHERS, ids=str)
def test_each_form_is_another_formula(name, change):
    """Gradients of some size tell it from Paddle's, by more than what counts as equal there."""
    (paddles, _), (_, other) = variants.PADDLES[name], variants.OTHERS[name, change]
    scaled = [size * flat("random") for size in (1.0, 1e-4, 1e-8)]
    assert max(deviation(walk(other(RATE), g), walk(paddles(RATE), g)) for g in scaled) > 1e-3


@pytest.mark.parametrize("centered", [False, True])
def test_pytorchs_rmsprop_is_paddles_where_nothing_sets_them_apart(centered):
    settings = {"epsilon": 0.0, "momentum": 0.0, "centered": centered}
    sequence = flat("random")
    paths = [walk(rule(RATE, **settings), sequence) for rule in (variants.PyTorchRMSProp, optimizer.RMSProp)]
    assert deviation(*paths) <= 1e-12


def test_nadam_of_the_paper_is_paddles_once_the_momentum_is_warm():
    settings = {"momentum_decay": 1e6}  # μ_t = β₁ from the first step on
    sequence = flat("random")
    paths = [walk(rule(RATE, **settings), sequence) for rule in (variants.PaperNAdam, optimizer.NAdam)]
    assert deviation(*paths) <= 1e-12


@pytest.mark.parametrize(
    ("exercise", "mistake", "form"),
    [
        ("momentum-step", "lr-inside-the-velocity", variants.MomentumWithRateInside),
        ("momentum-step", "damped-gradient", variants.DampedMomentum),
        ("momentum-step", "damped-at-first", variants.PyTorchDampedMomentum),
        ("adagrad-step", "epsilon-inside-the-root", variants.AdagradWithEpsilonInside),
        ("rmsprop-step", "epsilon-outside-the-root", variants.RMSPropWithEpsilonOutside),
        ("adam-step", "epsilon-inside-the-root-of-v", variants.AdamWithEpsilonInside),
        ("adam-step", "epsilon-not-corrected", variants.DocumentedAdam),
        ("amsgrad-step", "uncorrected", variants.UncorrectedAMSGrad),
        ("amsgrad-step", "maximum-of-corrected-v", variants.AMSGradOfCorrected),
        ("radam-step", "threshold-four", variants.PaperRAdam),
        ("radam-step", "no-update-at-first", variants.RAdamWithoutFirstSteps),
        ("adamw-step", "decay-without-lr", variants.AdamWithDecayWithoutRate),
        ("adamw-step", "l2-instead", variants.AdamWithL2),
    ],
)
def test_another_authors_right_answer_is_a_known_mistake(exercise, mistake, form):
    assert check(exercise, step_of(form, **EXERCISES[exercise].fixed), enter=False).mistake == mistake


def test_a_form_trains_like_an_optimizer():
    import paddle

    x = paddle.to_tensor([3.0], stop_gradient=False)
    rule = variants.AMSGradOfCorrected(0.1, amsgrad=True, parameters=[x])
    for _ in range(60):
        (x * x).sum().backward()
        rule.step()
        rule.clear_grad()
    assert abs(x.item()) < 1.0


def test_pinned_cosine_stays_down_where_the_cosine_rises():
    pinned, rising = variants.PinnedCosine(1.0, 10), schedules.CosineAnnealingDecay(1.0, 10)
    assert pinned.at(7) == rising.at(7)
    assert (pinned.at(20), rising.at(20)) == (pytest.approx(0), pytest.approx(1))


def test_pytorchs_plateau_remembers_what_paddles_overlooks():
    """The best loss falls into the cooldown, and what follows is worse than it."""
    losses = [1.0, 1.0, 0.1, 0.5]
    rates = {}
    for plateau in (variants.PyTorchReduceOnPlateau, schedules.ReduceOnPlateau):
        schedule = plateau(1.0, factor=0.5, patience=0, cooldown=1)
        for loss in losses:
            schedule.step(loss)
        rates[plateau] = schedule()
    assert rates[variants.PyTorchReduceOnPlateau] < rates[schedules.ReduceOnPlateau]


def test_one_cycle_of_pytorch_ends_at_a_fraction_of_its_beginning():
    cycle = variants.pytorch_one_cycle(1e-3, 100)
    assert math.isclose(cycle.at(99), cycle.at(0) / 1e4)
    assert schedules.OneCycleLR(1e-3, 100).at(99) > cycle.at(0)
