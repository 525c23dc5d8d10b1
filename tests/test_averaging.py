"""Averages of weights: EMA, LookAhead and ModelAverage."""

from __future__ import annotations

import copy
import inspect
from fractions import Fraction

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn

from course_lib import data, models, optimizer, surfaces
from course_lib.optimizer import EMA, LookAhead, ModelAverage, averaging, lr
from course_lib.range_test import range_test
from course_lib.training import evaluate, fit

# Of Paddle's LookAhead and of its scaler on a processor
pytestmark = [pytest.mark.filterwarnings(f"ignore:{text}") for text in ("Op `increment`", "AmpScaler can only")]

THEIRS = paddle.incubate
DIGITS = data.load("digits")
CORRECTIONS = ["warm-up", "bias", None]


def parameter_of(*values, dtype="float32"):
    start = nn.initializer.Assign(np.array(values, dtype))
    return paddle.create_parameter([len(values)], dtype, default_initializer=start)


def with_gradients(parameters, gradient=1.0):
    for parameter in parameters:
        parameter.grad = paddle.full(parameter.shape, gradient, parameter.dtype)


def contents(model) -> dict:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def saved_and_loaded(state, tmp_path):
    paddle.save(state, str(tmp_path / "state"))
    return paddle.load(str(tmp_path / "state"))


a_new_session = paddle.utils.unique_name.guard  # in which Paddle's optimizers count their state's names from 0


def assert_equal(one: dict, other: dict):
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


# EMA: the numbers -----------------------------------------------------------------------------------------------


class OneWeight(nn.Layer):
    def __init__(self, weight=0.0, dtype="float64"):
        super().__init__()
        start = nn.initializer.Constant(weight)
        self.weight = self.create_parameter([1], dtype=dtype, default_initializer=start)

    def set(self, weight):
        self.weight.set_value(paddle.full([1], weight, self.weight.dtype))


def averages_of(weights, make, start=0.0, dtype="float64"):
    """The average after each of these weights, as the model has it while it is applied."""
    model, averages = OneWeight(start, dtype), []
    ema = make(model)
    for weight in weights:
        model.set(weight)
        ema.update()
        with ema.apply():
            averages.append(model.weight.item())
    return averages


BY_HAND = {  # start 8, then 4, 2, 6; β = ½
    None: [6, 4, 5],  # 8/2 + 4/2; 6/2 + 2/2; 4/2 + 6/2
    "bias": [4, (1 * 4 + 2 * 2) / 3, (1 * 4 + 2 * 2 + 4 * 6) / 7],
    "warm-up": [8 * 2 / 11 + 4 * 9 / 11, 52 / 11 / 4 + 2 * 3 / 4, 59 / 22 * 4 / 13 + 6 * 9 / 13],  # 2/11, 3/12, 4/13
}


def follows_the_numbers_by_hand(cls, correction):
    averages = averages_of([4, 2, 6], lambda model: cls(model, 0.5, correction), start=8)
    np.testing.assert_allclose(averages, BY_HAND[correction], rtol=1e-14)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_the_average_is_the_one_computed_by_hand(correction):
    follows_the_numbers_by_hand(EMA, correction)


class FromZero(EMA):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._averages = {name: (0 * average, t) for name, (average, t) in self._averages.items()}


class Exchanged(EMA):
    def decay_at(self, t):
        return 1 - super().decay_at(t) / 2


class OneLate(EMA):
    def decay_at(self, t):
        return super().decay_at(t + 1)


class OfTheStepBefore(EMA):
    """Updates before the optimizer's step."""

    def update(self):
        now = self.model.weight.numpy()
        self.model.weight.set_value(getattr(self, "before", self._averages["weight"][0]))
        super().update()
        self.model.weight.set_value(now)
        self.before = now


@pytest.mark.parametrize(
    ("wrong", "correction"),
    [
        (FromZero, None),
        (FromZero, "warm-up"),
        *((wrong, correction) for wrong in (Exchanged, OfTheStepBefore) for correction in CORRECTIONS),
        *((OneLate, correction) for correction in ("warm-up", "bias")),
    ],
)
def test_wrong_versions_are_caught_by_these_numbers(wrong, correction):
    with pytest.raises(AssertionError):
        follows_the_numbers_by_hand(wrong, correction)


decays = st.floats(0.0, 0.9999)
numbers = st.floats(-1e3, 1e3)


@settings(max_examples=40, deadline=None)
@given(weight=numbers, decay=decays, correction=st.sampled_from(CORRECTIONS), steps=st.integers(1, 30))
def test_the_average_of_weights_that_stand_still_is_these(weight, decay, correction, steps):
    averages = averages_of([weight] * steps, lambda model: EMA(model, decay, correction), start=weight)
    np.testing.assert_allclose(averages, weight, rtol=1e-13)


@settings(max_examples=40, deadline=None)
@given(start=numbers, slope=numbers, decay=decays, steps=st.integers(1, 30))
def test_behind_weights_that_move_evenly_the_lag_is_the_closed_form(start, slope, decay, steps):
    exact = Fraction(decay)
    behind = exact / (1 - exact)  # in steps, after a long time
    lags = {
        None: lambda t: behind * (1 - exact**t),
        "bias": lambda t: behind - t * exact**t / (1 - exact**t),
    }
    for correction, lag in lags.items():
        weights = [start + slope * t for t in range(1, steps + 1)]
        averages = averages_of(weights, lambda model, c=correction: EMA(model, decay, c), start=start)
        expected = [float(start + slope * float(t - lag(t))) for t in range(1, steps + 1)]
        np.testing.assert_allclose(averages, expected, rtol=1e-9, atol=1e-8)


def test_the_corrected_average_is_adams():
    m, averages = 0.0, averages_of([3.0, 1.0, 4.0, 1.0, 5.0], lambda model: EMA(model, 0.9, "bias"), start=-7.0)
    for t, (weight, average) in enumerate(zip([3.0, 1.0, 4.0, 1.0, 5.0], averages), 1):
        m = 0.9 * m + (1 - 0.9) * weight
        assert average == pytest.approx(m / (1 - 0.9**t), rel=1e-14)


def test_without_correction_it_is_torchs():
    """torch.optim.swa_utils copies the weights at its first update; afterwards ema.lerp_(weights, 1 - decay)."""
    weights = np.random.default_rng(0).normal(size=20)
    lerped = weights[0]
    averages = averages_of(weights[1:], lambda model: EMA(model, 0.9, None), start=weights[0])
    for weight, average in zip(weights[1:], averages):
        lerped = lerped + (1 - 0.9) * (weight - lerped)
        assert average == pytest.approx(lerped, rel=1e-13)


def test_the_formula_takes_arrays_tensors_and_numbers():
    array, tensor = (
        averaging.exponential_average(kind([0.0, 8.0]), kind([4.0, 8.0]), 0.75) for kind in (np.array, paddle.to_tensor)
    )
    assert array.tolist() == tensor.tolist() == [1.0, 8.0]
    assert averaging.exponential_average(0.0, 4.0, 0.75) == 1.0


def test_in_32_bits_weights_that_stand_still_do_not_move_either():
    """With β and 1 - β rounded to 32 bits the average would end 1.3e-5 away: they do not add up to 1."""
    assert set(averages_of([0.7] * 3000, lambda model: EMA(model, 0.999), start=0.7, dtype="float32")) == {
        np.float32(0.7)
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_a_model_keeps_its_precision_and_the_average_is_finer(dtype):
    model = OneWeight(1.0, dtype)
    ema = EMA(model, 0.999, None)
    for _ in range(10):
        model.set(2.0)
        ema.update()
    average = ema.state_dict()["average"]["weight"]
    assert average.dtype == paddle.float64
    assert average.item() == pytest.approx(2 - 0.999**10, rel=1e-13)
    with ema.apply():
        assert model.weight.dtype == getattr(paddle, dtype)
        assert (
            model.weight.astype("float64").item()
            == paddle.to_tensor([2 - 0.999**10], dtype=dtype).astype("float64").item()
        )
    assert model.weight.astype("float64").item() == 2.0


# EMA: models ----------------------------------------------------------------------------------------------------


class WithBuffers(nn.Layer):
    """BatchNorm, a counter, a mask with infinities that is not saved, a frozen weight and one that is there twice."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Linear(4, 4), nn.BatchNorm1D(4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("calls", paddle.zeros([1], "int64"))
        self.register_buffer("mask", paddle.to_tensor([0.0, -np.inf]), persistable=False)
        self.second.bias.stop_gradient = True

    def forward(self, x):
        self.calls += 1
        return self.second(nn.functional.relu(self.norm(self.first(x))))


@pytest.fixture
def trained():
    """A function that makes a model of seed 0 with its optimizer and EMA, and one that trains it further."""

    def make(decay=0.9, **more):
        with a_new_session():
            paddle.seed(0)
            model = WithBuffers()
        made = optimizer.Adam(0.1, parameters=model.parameters())
        return model, made, EMA(model, decay, **more)

    def train(model, made, ema, batches, after=lambda: None):
        for seed in batches:
            x = np.random.default_rng(seed).normal(size=(8, 4)).astype("float32")
            model(paddle.to_tensor(x)).square().mean().backward()
            made.step()
            made.clear_grad()
            ema.update()
            after()

    return make, train


@pytest.mark.filterwarnings("ignore:When training, we now always track")
class TestModels:
    def test_every_kind_of_tensor_is_averaged_or_copied(self, trained):
        make, train = trained
        model, made, ema = make(correction=None)
        expected = {name: values.astype("float64") for name, values in contents(model).items()}
        frozen = model.second.bias.numpy()

        def by_hand():
            for name, values in contents(model).items():
                expected[name] = 0.9 * expected[name] + 0.1 * values

        train(model, made, ema, range(5), by_hand)
        expected["calls"] = np.array([5])
        newest = contents(model)
        with ema.apply():
            applied = contents(model)
            assert model.mask.tolist() == [0.0, -np.inf]
            assert model.second.weight is model.first.weight
        for name, values in expected.items():
            np.testing.assert_allclose(applied[name], values, rtol=1e-6, err_msg=name)
        assert applied["calls"].dtype == np.int64
        np.testing.assert_array_equal(applied["second.bias"], frozen)
        for name in ("norm._mean", "norm._variance", "first.weight"):
            assert np.abs(applied[name] - newest[name]).max() > 1e-3

    @pytest.mark.parametrize("correction", CORRECTIONS)
    def test_a_mask_of_infinities_stays_one(self, trained, correction):
        make, train = trained
        model, made, ema = make(correction=correction)
        train(model, made, ema, range(3))
        with ema.apply():
            assert model.mask.tolist() == [0.0, -np.inf]

    def test_the_trained_weights_come_back_bit_for_bit_and_training_goes_on(self, trained):
        make, train = trained
        model, made, ema = make()
        undisturbed = make()
        addresses = [parameter.data_ptr() for parameter in model.parameters()]

        def look():
            before = contents(model)
            with ema.apply():
                model.eval()
                model.train()
            assert_equal(contents(model), before)

        train(model, made, ema, range(6), look)
        train(*undisturbed, range(6))
        assert_equal(contents(model), contents(undisturbed[0]))
        assert [parameter.data_ptr() for parameter in model.parameters()] == addresses

    def test_an_error_inside_brings_the_trained_weights_back_too(self, trained):
        make, train = trained
        model, made, ema = make()
        train(model, made, ema, range(3))
        before = contents(model)
        with pytest.raises(ZeroDivisionError), ema.apply():
            raise ZeroDivisionError
        assert_equal(contents(model), before)

    def test_as_two_calls(self, trained):
        make, train = trained
        model, made, ema = make()
        train(model, made, ema, range(3))
        before = contents(model)
        with ema.apply():
            inside = contents(model)
        ema.apply()
        assert_equal(contents(model), inside)
        ema.restore()
        assert_equal(contents(model), before)
        with ema.apply(need_restore=False):
            pass
        assert_equal(contents(model), inside)
        ema.restore()
        assert_equal(contents(model), before)

    @pytest.mark.parametrize("correction", CORRECTIONS)
    def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(self, trained, tmp_path, correction):
        make, train = trained
        unbroken = make(correction=correction)
        train(*unbroken, range(10))
        model, made, ema = make(correction=correction)
        train(model, made, ema, range(5))
        state = saved_and_loaded(
            {"model": model.state_dict(), "opt": made.state_dict(), "ema": ema.state_dict()}, tmp_path
        )
        model, made, ema = make(correction=correction)
        train(model, made, ema, range(20, 23))  # something else: nothing of it may be left
        for part, name in ((model, "model"), (made, "opt"), (ema, "ema")):
            part.set_state_dict(state[name])
        train(model, made, ema, range(5, 10))
        with unbroken[2].apply(), ema.apply():
            assert_equal(contents(model), contents(unbroken[0]))
        assert_equal(contents(model), contents(unbroken[0]))

    def test_the_state_is_a_copy(self, trained):
        make, train = trained
        model, made, ema = make()
        train(model, made, ema, range(2))
        state = ema.state_dict()
        before = {name: values.numpy() for name, values in state["average"].items()}
        train(model, made, ema, range(2))
        ema.set_state_dict(state)
        for values in state["average"].values():
            values.set_value(paddle.zeros_like(values))
        assert_equal({name: values.numpy() for name, values in ema.state_dict()["average"].items()}, before)


def test_what_is_added_later_is_averaged_from_then_on_as_if_anew():
    model = OneWeight(0.0)
    ema = EMA(model, 0.5, "bias")
    model.set(8.0)
    ema.update()
    model.late = OneWeight(2.0)
    ema.update()
    model.late.set(5.0)
    ema.update()
    with ema.apply():
        assert model.weight.item() == 8.0
        assert model.late.weight.item() == pytest.approx(4.0, rel=1e-14)  # (½·2 + 1·5) / (½ + 1)
    del model.late
    ema.update()
    assert ema.state_dict()["average"].keys() == {"weight"}


def test_a_recurrent_network_has_a_tensor_without_values():
    model = nn.LSTM(2, 3)
    ema, before = EMA(model, 0.5, None), contents(model)
    for parameter in model.parameters():
        parameter.set_value(parameter + 1)
    trained, x = contents(model), paddle.ones([1, 4, 2])
    ema.update()
    expected = model(x)[0].numpy()
    with ema.apply():
        for name, values in contents(model).items():
            np.testing.assert_allclose(values, before[name] + 0.5, rtol=1e-6)
        assert np.abs(model(x)[0].numpy() - expected).max() > 1e-3
    assert_equal(contents(model), trained)
    np.testing.assert_array_equal(model(x)[0].numpy(), expected)


def test_before_the_first_update_the_average_is_the_model_as_it_was():
    model = OneWeight(3.0)
    ema = EMA(model)
    model.set(4.0)
    with ema.apply():
        assert model.weight.item() == 3.0


def test_a_tensor_of_another_shape_is_refused_by_its_name():
    model = OneWeight(3.0)
    ema = EMA(model)
    state = ema.state_dict()
    model.weight = model.create_parameter([2], dtype="float64")
    for act in (ema.update, ema.apply, lambda: ema.set_state_dict(state)):
        with pytest.raises(ValueError, match=r"weight has the shape \[2\] in the model, but its average has \[1\]"):
            act()
    ema = EMA(model)
    ema.update()


def test_a_state_of_another_model_is_refused_and_changes_nothing():
    ema, other = EMA(OneWeight(3.0)), EMA(nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"state_dict must hold .* bias, weight|state_dict must hold .*: bias"):
        ema.set_state_dict(other.state_dict())
    for wrong in ([], {"weight": paddle.ones([1])}):
        with pytest.raises(TypeError, match=r"state_dict must be a dict as EMA.state_dict\(\) returns it, got"):
            ema.set_state_dict(wrong)
    assert ema.state_dict()["average"]["weight"].item() == 3.0


def test_what_makes_no_sense_while_the_averages_stand_in_the_model_is_refused():
    model = OneWeight(3.0)
    ema = EMA(model)
    state = ema.state_dict()
    with pytest.raises(RuntimeError, match=r"EMA.restore\(\) has nothing to put back: call apply\(\) first"):
        ema.restore()
    model.set(4.0)
    ema.apply()
    for act, what in (
        (ema.apply, r"EMA.apply\(\) would lose the trained weights"),
        (ema.update, r"EMA.update\(\) would average the average"),
        (ema.state_dict, r"EMA.state_dict\(\) would be saved beside a model without its trained weights"),
        (lambda: ema.set_state_dict(state), r"EMA.set_state_dict\(\) would replace what is in use"),
    ):
        with pytest.raises(RuntimeError, match=what + r" while .* call restore\(\) first"):
            act()
    ema.restore()
    assert model.weight.item() == 4.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("mlp",), TypeError, r"model must be a paddle.nn.Layer, got 'mlp' \(str\)"),
        ((OneWeight(), 1.0), ValueError, r"decay must be a number in \[0, 1\), got 1.0"),
        ((OneWeight(), -0.1), ValueError, r"decay must be a number in \[0, 1\), got -0.1"),
        ((OneWeight(), "0.9"), TypeError, r"decay must be a number in \[0, 1\), got '0.9'"),
        ((OneWeight(), 0.9, "adam"), ValueError, r"correction must be one of 'warm-up', 'bias', None, got 'adam'"),
    ],
)
def test_bad_arguments_of_an_ema_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        EMA(*arguments)


def test_without_paddle_an_ema_says_that_it_needs_it(monkeypatch):
    model = OneWeight()
    monkeypatch.setattr(averaging, "paddle", None)
    for act, what in ((lambda: EMA(model), "EMA"), (lambda: ModelAverage(0.15).apply(), "ModelAverage.apply")):
        with pytest.raises(ModuleNotFoundError, match=f"^{what} needs Paddle, which is not installed here"):
            act()


def test_in_everyday_paddle_there_is_none():
    with pytest.raises(Exception, match="don't support ExponentialMovingAverage"):
        paddle.static.ExponentialMovingAverage(0.999)  # when it does: name it in EMA's docstring and compare with it


# EMA: in fit ----------------------------------------------------------------------------------------------------


def test_fit_updates_an_ema_and_evaluates_it_and_trains_as_without():
    runs = []
    for with_ema in (False, True):
        model = models.mlp(DIGITS, seed=0)
        ema = EMA(model, 0.9) if with_ema else None
        made = optimizer.SGD(0.5, parameters=model.parameters())
        runs.append((model, ema, fit(model, made, DIGITS, steps=40, evaluate_every=20, ema=ema)))
    (plain, _, without), (model, ema, run) = runs
    np.testing.assert_array_equal(run.loss, without.loss)
    assert_equal(contents(model), contents(plain))
    assert ema.state_dict()["updates"]["1.weight"] == 40
    with ema.apply():
        assert evaluate(model, DIGITS.validation) == (run.validation_loss[-1], run.accuracy[-1])
    assert run.validation_loss[-1] != without.validation_loss[-1]


def test_fit_refuses_another_models_ema():
    model = models.mlp(DIGITS, seed=0)
    made = optimizer.SGD(0.5, parameters=model.parameters())
    with pytest.raises(TypeError, match=r"ema must be an EMA of the model, got 0.9 \(float\)"):
        fit(model, made, DIGITS, steps=1, ema=0.9)
    with pytest.raises(ValueError, match="ema must be an EMA of the model that is trained, got one of another model"):
        fit(model, made, DIGITS, steps=1, ema=EMA(models.mlp(DIGITS, seed=0)))


# LookAhead ------------------------------------------------------------------------------------------------------


def gradients_of(seed, shape=(3,), steps=23):
    return np.random.default_rng(seed).normal(size=(steps, *shape))


def path_of(made, parameter, gradients, each=lambda: None):
    path = []
    for gradient in gradients:
        parameter.grad = paddle.to_tensor(gradient, dtype=parameter.dtype)
        made.step()
        each()
        path.append(parameter.numpy())
    return np.array(path)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("alpha", "k"), [(0.5, 5), (0.2, 3), (1.0, 2), (0.0, 4), (0.8, 1)])
@pytest.mark.parametrize("name", ["SGD", "Momentum", "Adam"])
def test_look_ahead_takes_paddles_steps(name, alpha, k, dtype):
    paths = []
    for wrapper, module in (
        (THEIRS.LookAhead, paddle.optimizer),
        (LookAhead, paddle.optimizer),
        (LookAhead, optimizer),
    ):
        x = parameter_of(1.0, -2.0, 3.0, dtype=dtype)
        made = wrapper(getattr(module, name)(learning_rate=0.1, parameters=[x]), alpha, k)
        paths.append(path_of(made, x, gradients_of(0)))
    theirs, ours_around_theirs, ours = paths
    rounding = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(ours_around_theirs, theirs, rtol=rounding, atol=rounding)
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


def test_look_ahead_by_hand():
    """A slope of 1 and η = 1: fast steps of 1, and every second step half of the way back to the slow weights."""
    x = parameter_of(10.0)
    made = LookAhead(optimizer.SGD(1.0, parameters=[x]), alpha=0.5, k=2)
    path = path_of(made, x, np.ones((6, 1)))[:, 0]
    assert path.tolist() == [9, 8.5, 7.5, 7.5, 6.5, 6.5]  # slow: 9, 8.5, -, 7.5, -, 6.5
    from_the_start = [9, 9, 8, 8, 7, 7]  # the paper's, whose slow weights begin at 10
    assert path.tolist() != from_the_start


@pytest.mark.parametrize(("ours", "theirs"), [(LookAhead, THEIRS.LookAhead), (ModelAverage, THEIRS.ModelAverage)])
def test_arguments_have_paddles_names_order_and_defaults(ours, theirs):
    ours, theirs = (inspect.signature(each).parameters.values() for each in (ours, theirs))
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])
class TestAround:
    def test_the_learning_rate_is_that_of_the_optimizer_inside(self, module):
        x = parameter_of(1.0)
        inner = module.SGD(0.1, parameters=[x])
        made = LookAhead(inner, alpha=0.3)
        assert made.get_lr() == 0.1
        made.set_lr(0.2)
        assert (made.get_lr(), inner.get_lr()) == (0.2, 0.2)
        path = path_of(made, x, np.ones((1, 1)))
        assert path[0, 0] == pytest.approx(0.8)
        schedule = lr.StepDecay(0.4, step_size=1, gamma=0.5)
        made.set_lr_scheduler(schedule)
        schedule.step()
        assert (made.get_lr(), inner.get_lr()) == (0.2, 0.2)
        assert lr.schedule_of(made) is schedule
        with lr.schedule_set_aside(made):
            made.set_lr(0.7)
            assert inner.get_lr() == 0.7
        assert inner.get_lr() == 0.2

    def test_gradients_are_cleared_and_groups_and_clipping_stay_in_force(self, module):
        x, y = parameter_of(1.0), parameter_of(1.0)
        groups = [{"params": [x]}, {"params": [y], "learning_rate": 0.5}]
        made = LookAhead(module.SGD(0.1, parameters=groups, grad_clip=nn.ClipGradByValue(1.0)), alpha=0.5, k=2)
        for _ in range(2):
            with_gradients([x, y], 100.0)
            made.step()
        assert (x.item(), y.item()) == (pytest.approx(0.85), pytest.approx(0.925))
        made.clear_grad()
        assert (x.grad.item(), y.grad.item()) == (0.0, 0.0)
        made.clear_gradients(False)
        assert x.grad is None

    def test_minimize_and_apply_gradients_do_what_step_does(self, module):
        ends = []
        for act in ("step", "minimize", "apply_gradients"):
            x = parameter_of(1.0, 2.0)
            made = LookAhead(module.Adam(0.1, parameters=[x]), alpha=0.5, k=3)
            for _ in range(7):
                loss = (x * x).sum()
                loss.backward()
                if act == "step":
                    made.step()
                elif act == "minimize":
                    _, ((parameter, gradient),) = made.minimize(loss)
                    assert parameter is x and gradient.shape == [2]
                else:
                    made.apply_gradients(made.backward(loss))
                made.clear_grad()
            ends.append(x.numpy())
        np.testing.assert_array_equal(ends[1], ends[0])
        np.testing.assert_array_equal(ends[2], ends[0])

    @pytest.mark.parametrize("half", [2, 6, 7])
    def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(self, module, half, tmp_path):
        def run(gradients, weights=(1.0, -2.0, 3.0), state=None):
            with a_new_session():
                x = parameter_of(*weights)
                schedule = module.lr.StepDecay(0.1, step_size=3)
                made = LookAhead(module.Adam(schedule, parameters=[x]), alpha=0.5, k=3)
                if state is not None:
                    made.set_state_dict(state)
                return made, path_of(made, x, gradients, schedule.step)

        _, unbroken = run(gradients_of(1))
        made, path = run(gradients_of(1)[:half])
        _, resumed = run(gradients_of(1)[half:], path[-1], saved_and_loaded(made.state_dict(), tmp_path))
        np.testing.assert_array_equal(resumed, unbroken[half:])

    def test_paddles_state_gives_its_slow_weights_and_leaves_the_rest_alone(self, module):
        with a_new_session():
            x = parameter_of(10.0)
            theirs = THEIRS.LookAhead(paddle.optimizer.SGD(1.0, parameters=[x]), alpha=0.5, k=2)
            path_of(theirs, x, np.ones((3, 1)))  # slow 8.5, fast 7.5
        made = LookAhead(module.Momentum(1.0, parameters=[x], momentum=0.0), alpha=0.5, k=2)
        made.set_state_dict(theirs.state_dict())
        assert path_of(made, x, np.ones((2, 1)))[:, 0].tolist() == [6.5, (8.5 + 5.5) / 2]

    def test_fit_trains_with_it(self, module):
        model = models.mlp(DIGITS, seed=0)
        schedule = module.lr.StepDecay(0.5, step_size=10)
        run = fit(model, LookAhead(module.SGD(schedule, parameters=model.parameters())), DIGITS, steps=20)
        assert run.lr.tolist() == [0.5] * 10 + [0.05] * 10
        plain = models.mlp(DIGITS, seed=0)
        without = fit(plain, module.SGD(0.5, parameters=plain.parameters()), DIGITS, steps=20)
        np.testing.assert_array_equal(run.loss[:5], without.loss[:5])
        assert run.loss[5] != without.loss[5]


def test_our_slow_weights_can_be_loaded_by_paddle():
    with a_new_session():
        x = parameter_of(10.0)
        theirs = THEIRS.LookAhead(paddle.optimizer.SGD(1.0, parameters=[x]), alpha=0.5, k=2)
        path_of(theirs, x, np.zeros((1, 1)))
    ours = LookAhead(optimizer.SGD(1.0, parameters=[x]), alpha=0.5, k=2)
    path_of(ours, x, np.ones((3, 1)))
    theirs.set_state_dict(ours.state_dict())
    assert theirs.state_dict()[f"{x.name}_slow_0"].item() == 8.5


def test_a_state_that_does_not_fit_changes_nothing():
    x, y = parameter_of(10.0), parameter_of(1.0, 2.0)
    made = LookAhead(optimizer.Adam(1.0, parameters=[x]), alpha=0.5, k=2)
    path_of(made, x, np.ones((3, 1)))
    before = {key: value.numpy() for key, value in made.state_dict().items()}
    other = LookAhead(optimizer.Adam(1.0, parameters=[y]))
    path_of(other, y, np.ones((3, 2)))
    half = {key: value for key, value in made.state_dict().items() if "moment1" not in key}
    half[f"{x.name}_slow_0"] = paddle.to_tensor([99.0])
    for wrong, error in ((other.state_dict(), ValueError), (half, ValueError), ([1], TypeError)):
        with pytest.raises(error, match="state_dict"):
            made.set_state_dict(wrong)
        assert_equal({key: value.numpy() for key, value in made.state_dict().items()}, before)


def test_the_state_before_the_first_step_is_a_new_beginning():
    x = parameter_of(10.0)
    made = LookAhead(optimizer.Adam(1.0, parameters=[x]), alpha=0.5, k=2)
    fresh = made.state_dict()
    path_of(made, x, np.ones((3, 1)))
    made.set_state_dict(fresh)
    assert made.state_dict() == fresh == {}


def test_the_rule_is_the_step():
    x = parameter_of(1.0, -2.0, 3.0, dtype="float64")
    path = path_of(LookAhead(optimizer.Adam(0.1, parameters=[x]), 0.3, 4), x, gradients_of(2))
    made = LookAhead(optimizer.Adam(0.1), 0.3, 4)
    point, state = np.array([1.0, -2.0, 3.0]), made.fresh_state(np.zeros(3))
    for state.t, gradient in enumerate(gradients_of(2), 1):
        point = made.rule(point, gradient, state, 0.1)
        np.testing.assert_array_equal(point, path[state.t - 1])


def test_a_trajectory_only_reads():
    schedule = lr.OneCycleLR(0.1, 20, momentum=(0.95, 0.85))
    inner = optimizer.Momentum(schedule)
    made = LookAhead(inner, alpha=0.5, k=5)
    path = surfaces.trajectory(made, surfaces.bowl, steps=20)
    np.testing.assert_array_equal(surfaces.trajectory(made, surfaces.bowl, steps=20), path)
    assert (inner._learning_rate, schedule.last_epoch, inner.momentum) == (schedule, 0, 0.9)
    plain = surfaces.trajectory(inner, surfaces.bowl, steps=20)
    np.testing.assert_array_equal(path[:5], plain[:5])
    assert (path[5] != plain[5]).any()


def test_copies_are_independent():
    x = parameter_of(10.0)
    made = LookAhead(optimizer.SGD(1.0, parameters=[x]), alpha=0.5, k=2)
    path_of(made, x, np.ones((3, 1)))
    for twin in (copy.copy(made), copy.deepcopy(made)):
        twin.set_lr(0.1)
        assert made.get_lr() == 1.0
        assert twin.alpha == 0.5
    assert path_of(made, x, np.ones((1, 1))).item() == 7.5


def test_paddle_takes_look_ahead_for_an_optimizer_with_parameters():
    x = parameter_of(10.0)
    made = LookAhead(optimizer.SGD(1.0, parameters=[x]))
    assert isinstance(made, paddle.optimizer.Optimizer)
    assert isinstance(ModelAverage(0.15, [x]), paddle.optimizer.Optimizer)
    assert made._parameter_list == [x]
    scaler = paddle.amp.GradScaler(init_loss_scaling=8.0)
    scaler.scale((x * 1.0).sum()).backward()
    scaler.step(made)
    assert x.item() == 9.0
    with pytest.raises(AttributeError, match="'SGD' object has no attribute 'learn'"):
        made.learn()


def test_a_late_or_frozen_parameter_has_its_rounds_when_it_takes_part():
    early, late, frozen = (parameter_of(10.0) for _ in range(3))
    frozen.stop_gradient = True
    made = LookAhead(optimizer.SGD(1.0, parameters=[early, late, frozen]), alpha=0.5, k=2)
    with_gradients([early])
    made.step()
    for expected in ((8.5, 9.0), (7.5, 8.5), (7.5, 7.5)):
        with_gradients([early, late])
        made.step()
        assert (early.item(), late.item(), frozen.item()) == (*expected, 10.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None,), TypeError, r"inner_optimizer must be an optimizer of course_lib.optimizer .* got None"),
        ((optimizer.LBFGS(),), TypeError, "inner_optimizer must make a step from one gradient"),
        ((lr.StepDecay(0.1, 3),), TypeError, "inner_optimizer must be an optimizer .*StepDecay"),
        ((LookAhead(optimizer.SGD(0.1)),), TypeError, "inner_optimizer must be an optimizer .*LookAhead"),
        ((optimizer.SGD(0.1), 1.5), ValueError, r"alpha must be a number in \[0, 1\], got 1.5"),
        ((optimizer.SGD(0.1), 0.5, 0), ValueError, "k must be a whole number of at least 1, got 0"),
        ((optimizer.SGD(0.1), 0.5, 2.0), TypeError, "k must be a whole number of at least 1, got 2.0"),
    ],
)
def test_bad_arguments_of_look_ahead_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        LookAhead(*arguments)


def test_the_range_test_wants_the_optimizer_inside():
    model = models.mlp(DIGITS, seed=0)
    made = LookAhead(optimizer.SGD(0.1, parameters=model.parameters()))
    with pytest.raises(TypeError, match="optimizer must be the one inside LookAhead: its learning rate is looked for"):
        range_test(model, made, DIGITS)


MENDED = "Paddle has mended this: take it out of the docstring of the course's class, and compare with Paddle's numbers"


class TestFaultsOfPaddlesLookAhead:
    def made(self, *parameters, rate=0.1):
        return THEIRS.LookAhead(paddle.optimizer.SGD(rate, parameters=list(parameters)), alpha=0.5, k=2)

    def test_its_learning_rate_is_alpha(self):
        assert self.made(parameter_of(1.0)).get_lr() == 0.5, MENDED

    def test_its_state_is_the_slow_weights_alone(self):
        x = parameter_of(1.0)
        theirs = THEIRS.LookAhead(paddle.optimizer.Adam(0.1, parameters=[x]))
        path_of(theirs, x, np.ones((1, 1)))
        assert list(theirs.state_dict()) == [f"{x.name}_slow_0"], MENDED

    def test_slow_weights_that_were_loaded_are_overwritten_at_the_next_step(self):
        x = parameter_of(10.0)
        theirs = self.made(x, rate=1.0)
        theirs.set_state_dict({f"{x.name}_slow_0": paddle.to_tensor([99.0])})
        path_of(theirs, x, np.ones((1, 1)))
        assert theirs.state_dict()[f"{x.name}_slow_0"].item() == 9.0, MENDED

    def test_a_late_parameter_is_pulled_to_zero(self):
        early, late = parameter_of(10.0), parameter_of(10.0)
        theirs = self.made(early, late, rate=0.0)
        with_gradients([early])
        theirs.step()
        with_gradients([early, late])
        theirs.step()
        assert (early.item(), late.item()) == (10.0, 5.0), MENDED

    def test_groups_fail(self):
        x = parameter_of(1.0)
        theirs = THEIRS.LookAhead(paddle.optimizer.SGD(0.1, parameters=[{"params": [x]}]))
        with_gradients([x])
        with pytest.raises(AttributeError):
            theirs.step()


# ModelAverage ---------------------------------------------------------------------------------------------------


WINDOWS = [
    *[(0.15, 2, 10), (0.5, 1, 6), (1.0, 3, 3), (0.0, 1, 5), (2.0, 1, 5), (0.1, 10_000, 10_000), (0.7, 2, 1000)],
    (0.58, 22, 1000),  # the second is full after 29 steps: 0.58 · 50 is 29 in Paddle's 32 bits, and 28.99… in 64
]


@pytest.mark.parametrize("window", WINDOWS)
def test_the_average_is_paddles_after_every_step(window):
    x = parameter_of(1.0, -2.0, 3.0)
    pair = [cls(window[0], [x], *window[1:]) for cls in (THEIRS.ModelAverage, ModelAverage)]
    weights = np.random.default_rng(4).normal(size=(60, 3)).astype("float32")
    for values in weights:
        x.set_value(values)
        with_gradients([x])
        averages = []
        for made in pair:
            made.step()
            with made.apply():
                averages.append(x.numpy())
            np.testing.assert_array_equal(x.numpy(), values)
        np.testing.assert_array_equal(*averages)
    theirs, ours = ({key: value.numpy() for key, value in made.state_dict().items()} for made in pair)
    assert_equal(ours, {**theirs, f"{x.name}_restore_0": np.zeros(3, "float32")})


def test_what_is_averaged_by_hand():
    """Windows of two: 1, 1 2, 1 2 3, 3 4, 3 4 5, 5 6."""
    x = parameter_of(0.0)
    made = ModelAverage(0.15, [x], min_average_window=2, max_average_window=10)
    for step, expected in enumerate([1, 1.5, 2, 3.5, 4, 5.5], 1):
        x.set_value(np.array([step], "float32"))
        with_gradients([x])
        made.step()
        with made.apply():
            assert x.item() == expected


def test_long_sums_are_moved_as_in_paddle():
    """One step before, at and after 16,384 updates, in one window that never ends."""
    x = parameter_of(0.1)
    theirs, ours = (cls(1.0, [x], 10**6, 10**6) for cls in (THEIRS.ModelAverage, ModelAverage))
    with_gradients([x])
    for step in range(1, averaging.MOVED_AFTER + 2):
        theirs.step()
        ours.step()
        if step >= averaging.MOVED_AFTER - 1:
            sums = [[made.state_dict()[f"{x.name}_sum_{i}_0"].item() for i in (1, 2, 3)] for made in (theirs, ours)]
            assert sums[0] == sums[1]
    assert ours.state_dict()[f"{x.name}_sum_2_0"].item() > 1600


def test_minimize_is_a_step():
    x = parameter_of(2.0)
    made = ModelAverage(0.15, [x], 2, 10)
    loss = (x * x).sum()
    loss.backward()
    made.minimize(loss)
    assert made.state_dict()[f"{x.name}_num_updates_0"].item() == 1
    assert made.get_lr() == 0.0
    made.clear_grad()
    assert x.grad.item() == 0.0


@pytest.mark.parametrize("saver", [ModelAverage, THEIRS.ModelAverage], ids=["ours", "theirs"])
@pytest.mark.parametrize("loader", [ModelAverage, THEIRS.ModelAverage], ids=["ours", "theirs"])
def test_a_state_goes_to_paddle_and_back_and_a_run_goes_on_bit_for_bit(saver, loader, tmp_path):
    weights = gradients_of(5, (2,), 30).astype("float32")

    def run(cls, steps, state=None):
        with a_new_session():
            x = parameter_of(0.0, 0.0)
            made = cls(0.3, [x], 2, 10)
            if state is not None:
                made.set_state_dict(state)
            for values in weights[steps]:
                x.set_value(values)
                with_gradients([x])
                made.step()
            with made.apply():
                average = x.numpy()
            return made, average

    made, _ = run(saver, slice(13))
    _, resumed = run(loader, slice(13, 30), saved_and_loaded(made.state_dict(), tmp_path))
    np.testing.assert_array_equal(resumed, run(saver, slice(30))[1])


def test_float64_stays_and_a_parameter_that_never_took_part_keeps_its_value():
    x, frozen, unused = parameter_of(0.1, dtype="float64"), parameter_of(5.0), parameter_of(7.0)
    frozen.stop_gradient = True
    made = ModelAverage(0.15, [x, frozen, unused], 10, 10)
    for value in (0.1, 0.2, 0.4):
        x.set_value(np.array([value]))
        with_gradients([x, frozen])
        made.step()
    with made.apply():
        assert x.dtype == paddle.float64
        assert x.item() == pytest.approx(0.7 / 3, rel=1e-15)
        assert (frozen.item(), unused.item()) == (5.0, 7.0)
    assert (x.item(), frozen.item(), unused.item()) == (0.4, 5.0, 7.0)


@pytest.mark.parametrize("around", [lambda inner: inner, LookAhead], ids=["alone", "LookAhead"])
def test_many_weights_have_the_same_average_as_one(around):
    """So many that a rule is compiled, where it can be."""
    large, small = paddle.create_parameter([200, 200], "float32"), parameter_of(0.0)
    large.set_value(paddle.zeros_like(large))
    made = around(optimizer.SGD(1.0, parameters=[large, small]))
    average = ModelAverage(0.3, [large, small], 2, 6)
    for step in range(17):
        with_gradients([large, small], np.sin(step).item())
        made.step()
        assert np.unique(large.numpy()) == small.numpy()
        average.step()
        with average.apply():
            assert np.unique(large.numpy()) == small.numpy()


def test_calls_of_model_average_in_a_wrong_order_lose_nothing():
    x = parameter_of(1.0)
    made = ModelAverage(0.15, [x], 10, 10)
    with pytest.raises(RuntimeError, match=r"ModelAverage.apply\(\) has no averages yet: call step\(\)"):
        made.apply()
    with pytest.raises(RuntimeError, match=r"ModelAverage.restore\(\) has nothing to put back"):
        made.restore()
    with_gradients([x])
    made.step()
    state = made.state_dict()
    x.set_value(np.array([3.0], "float32"))
    made.apply()
    assert x.item() == 1.0
    loss = (x * x).sum()
    for act in (
        made.apply,
        made.step,
        lambda: made.minimize(loss),
        made.state_dict,
        lambda: made.set_state_dict(state),
    ):
        with pytest.raises(RuntimeError, match=r"while the averages stand in the model: call restore\(\) first"):
            act()
    made.restore()
    assert x.item() == 3.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-0.1,), ValueError, "average_window_rate must be a finite number of at least 0, got -0.1"),
        ((0.1, None, 0), ValueError, "min_average_window must be a whole number of at least 1, got 0"),
        ((0.1, None, 5, 3), ValueError, "min_average_window must be at most max_average_window = 3, got 5"),
        ((0.1, None, 5, 7.5), TypeError, "max_average_window must be a whole number of at least 1, got 7.5"),
    ],
)
def test_bad_arguments_of_model_average_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ModelAverage(*arguments)


class TestFaultsOfPaddlesModelAverage:
    def made(self, *parameters):
        theirs = THEIRS.ModelAverage(0.15, list(parameters), 10, 10)
        with_gradients(parameters[:1])
        theirs.step()
        return theirs

    def test_a_parameter_without_gradient_becomes_nan(self):
        x, unused = parameter_of(1.0), parameter_of(5.0)
        with self.made(x, unused).apply():
            assert np.isnan(unused.item()), MENDED

    def test_restore_without_apply_sets_all_to_zero(self):
        x = parameter_of(1.0)
        self.made(x).restore()
        assert x.item() == 0.0, MENDED

    def test_a_second_apply_loses_the_trained_weights(self):
        x = parameter_of(1.0)
        theirs = self.made(x)
        x.set_value(np.array([3.0], "float32"))
        with theirs.apply(), theirs.apply():
            pass
        assert x.item() == 1.0, MENDED

    def test_apply_as_a_call_does_nothing(self):
        x = parameter_of(1.0)
        theirs = self.made(x)
        x.set_value(np.array([3.0], "float32"))
        theirs.apply()
        assert x.item() == 3.0, MENDED

    def test_float64_becomes_float32(self):
        x = parameter_of(1.0, dtype="float64")
        with self.made(x).apply():
            assert x.dtype == paddle.float32, MENDED
