"""range_test: the sweep it makes, what it suggests, and that it leaves no trace."""

import collections
import copy
import random

import matplotlib.pyplot as plt
import numpy as np
import paddle
import pytest

from course_lib import data, models, optimizer
from course_lib.range_test import range_test
from course_lib.training import fit

pytestmark = pytest.mark.filterwarnings("ignore:When training, we now always track:UserWarning")  # batch normalization
DIGITS = data.load("digits")
WITHOUT_RANGE = {"Rprop", "LBFGS"}  # the rate is its first step only; it steps by a closure
SHARED = sorted(set(paddle.optimizer.__all__) & set(optimizer.__all__) - {"Optimizer", "lr"} - WITHOUT_RANGE)
MODULES = {"course": optimizer, "paddle": paddle.optimizer}
modules = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)


def network(seed=0):
    """With batch normalization, so that there are buffers to restore."""
    model = models.mlp(DIGITS, hidden=(16,), seed=seed)
    return paddle.nn.Sequential(*model[:2], paddle.nn.BatchNorm1D(16), *model[2:])


def run_test(lr_max=30.0, module=optimizer, name="SGD", model=None, **keywords):
    model = model or models.mlp(DIGITS, seed=0)
    opt = getattr(module, name)(learning_rate=0.05, parameters=model.parameters())
    return range_test(model, opt, DIGITS, lr_max=lr_max, **keywords)


# The sweep ---------------------------------------------------------------------------------------------------


def test_exponential_and_linear_sweeps():
    found = run_test(lr_min=1e-4, lr_max=1e-2, steps=11)
    np.testing.assert_allclose(found.lrs, 10.0 ** np.linspace(-4, -2, 11))
    found = run_test(lr_min=0.0, lr_max=0.01, steps=11, sweep="linear")
    np.testing.assert_allclose(found.lrs, np.linspace(0, 0.01, 11))


@modules
def test_each_step_is_made_with_its_learning_rate(module):
    """The test is a training run under a schedule: fit with that schedule must see the same losses."""
    lrs = np.geomspace(1e-3, 0.3, 30)
    schedule = paddle.optimizer.lr.LambdaDecay(1.0, lambda t: lrs[min(t, 29)])
    model = models.mlp(DIGITS, seed=0)
    expected = fit(model, module.SGD(schedule, parameters=model.parameters()), DIGITS, steps=30, seed=5)
    found = run_test(module=module, lr_min=1e-3, lr_max=0.3, steps=30, seed=5)
    np.testing.assert_allclose(found.losses, expected.loss, rtol=1e-6)


def test_the_moving_average_is_the_weighted_mean_of_the_losses():
    found = run_test(steps=50, lr_max=0.1, smoothing=0.8)
    for t in (0, 1, 7, 49):
        weights = 0.8 ** np.arange(t, -1, -1.0)
        assert found.smoothed[t] == pytest.approx(np.average(found.losses[: t + 1], weights=weights))
    unsmoothed = run_test(steps=50, lr_max=0.1, smoothing=0.0)
    np.testing.assert_array_equal(unsmoothed.smoothed, unsmoothed.losses)


def test_it_stops_where_the_average_exceeds_its_lowest_value_by_the_factor():
    found = run_test(lr_max=100.0, stop_factor=3)
    assert len(found.lrs) == len(found.losses) == len(found.smoothed) < 200
    assert found.diverged_at == found.lrs[-1]
    assert found.smoothed[-1] > 3 * found.smoothed.min()
    assert (found.smoothed[:-1] <= 3 * np.minimum.accumulate(found.smoothed[:-1])).all()


def test_it_goes_to_the_end_if_nothing_explodes_or_if_told_to():
    calm = run_test(lr_max=0.3)
    assert len(calm.lrs) == 200 and calm.diverged_at is None
    stubborn = run_test(lr_max=100.0, stop_factor=None)
    assert len(stubborn.lrs) == 200 and stubborn.diverged_at is None


def nan_network():
    model = models.mlp(DIGITS, activation="tanh", seed=0)
    model.parameters()[0].set_value(paddle.full([64, 64], float("nan")))
    return model


def test_it_stops_at_nan():
    found = run_test(model=nan_network())
    assert len(found.lrs) == 1 and found.diverged_at == found.lrs[0]
    assert not found.has_descent and "no descent" in repr(found)


def test_nan_gaps_are_shown_when_told_to_go_on():
    images = DIGITS.train.images.copy()
    images[123] = np.nan
    spoilt = data.Dataset("digits", data.Split(images, DIGITS.train.labels), DIGITS.validation, DIGITS.test)
    model = models.mlp(DIGITS, activation="tanh", seed=0)
    sgd = optimizer.SGD(0.1, parameters=model.parameters(), grad_clip=None)
    found = range_test(model, sgd, spoilt, steps=64, stop_factor=None)
    assert len(found.lrs) == 64 and np.isnan(found.losses).any() and not np.isnan(found.losses).all()
    np.testing.assert_array_equal(np.isnan(found.smoothed), np.isnan(found.losses))


# The suggestion ----------------------------------------------------------------------------------------------


def test_shuffled_labels_show_no_descent():
    labels = np.random.default_rng(0).permutation(DIGITS.train.labels)
    shuffled = data.Dataset("digits", data.Split(DIGITS.train.images, labels), DIGITS.validation, DIGITS.test)
    model = models.mlp(DIGITS, seed=0)
    found = range_test(model, optimizer.SGD(0.1, parameters=model.parameters()), shuffled)
    assert not found.has_descent
    with pytest.raises(ValueError, match="no descent"):
        _ = found.suggestion


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rule", ["steepest", "minimum/10"])
@pytest.mark.parametrize(("name", "lr_max"), [("SGD", 100.0), ("Momentum", 30.0), ("Adam", 10.0)])
def test_the_suggestion_trains_the_network(name, lr_max, rule, seed):
    model = models.mlp(DIGITS, seed=seed)
    opt = getattr(optimizer, name)(learning_rate=1e-6, parameters=model.parameters())
    found = range_test(model, opt, DIGITS, lr_max=lr_max, seed=seed, suggest=rule)
    assert found.rule == rule and rule in repr(found)
    opt.set_lr(found.suggestion)
    assert fit(model, opt, DIGITS, epochs=8, seed=seed).best_accuracy > 0.9


# No trace ----------------------------------------------------------------------------------------------------


def snapshot(model, opt):
    values = [tensor.numpy().tobytes() for tensor in (*model.parameters(), *model.buffers())]
    gradients = [None if p.grad is None else p.grad.numpy().tobytes() for p in model.parameters()]
    state = {
        key: value.numpy().tobytes() if isinstance(value, paddle.Tensor) else repr(value)
        for key, value in opt.state_dict().items()
    }
    modes = [layer.training for layer in model.sublayers(include_self=True)]
    return values, gradients, state, opt.get_lr(), modes


@modules
@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("steps_before", [0, 3])
@pytest.mark.parametrize("scheduled", [False, True], ids=["float", "schedule"])
def test_it_leaves_no_trace(module, name, steps_before, scheduled):
    """Neither in what can be read nor in how training goes on."""

    def run(with_test):
        paddle.seed(0)
        model = network()
        lr = module.lr.ExponentialDecay(0.01, gamma=0.9) if scheduled else 0.01
        opt = getattr(module, name)(learning_rate=lr, parameters=model.parameters())
        if steps_before:
            fit(model, opt, DIGITS, steps=steps_before)
        before = snapshot(model, opt)
        if with_test:
            range_test(model, opt, DIGITS, steps=20, lr_max=0.5)
            assert snapshot(model, opt) == before
        after = fit(model, opt, DIGITS, steps=5)
        return after.loss.tolist(), after.lr.tolist(), snapshot(model, opt)[:1], paddle.rand([3]).tolist()

    assert run(with_test=True) == run(with_test=False)


@pytest.mark.parametrize("name", ["SGDW", "SWATS"])
def test_optimizers_that_only_the_course_has_are_restored_too(name):
    def run(with_test):
        model = network()
        opt = getattr(optimizer, name)(learning_rate=0.01, parameters=model.parameters())
        fit(model, opt, DIGITS, steps=3)
        if with_test:
            range_test(model, opt, DIGITS, steps=50, lr_max=0.5)
        return fit(model, opt, DIGITS, steps=30).loss.tolist()

    assert run(with_test=True) == run(with_test=False)


def test_a_momentum_cycle_is_set_aside_and_back():
    model = network()
    cycle = optimizer.lr.OneCycleLR(0.1, total_steps=20, momentum=(0.95, 0.85))
    opt = optimizer.Momentum(learning_rate=cycle, parameters=model.parameters())
    fit(model, opt, DIGITS, steps=5)
    before = opt.momentum, opt.get_lr()
    range_test(model, opt, DIGITS, steps=20, lr_max=0.5)
    assert (opt.momentum, opt.get_lr()) == before and opt._learning_rate is cycle


@modules
def test_states_handed_out_before_still_hold_what_they_held(module):
    model = network()
    opt = module.Adam(learning_rate=0.01, parameters=model.parameters())
    fit(model, opt, DIGITS, steps=3)
    handed_out = opt.state_dict()
    before = {key: value.numpy().tobytes() for key, value in handed_out.items()}
    range_test(model, opt, DIGITS, steps=20, lr_max=0.5)
    assert {key: value.numpy().tobytes() for key, value in handed_out.items()} == before


@modules
def test_gradients_are_put_back_and_do_not_disturb_the_test(module):
    def run(with_gradient):
        model = network()
        opt = module.Momentum(0.01, parameters=model.parameters())
        if with_gradient:
            model(paddle.to_tensor(DIGITS.train.images[:8])).sum().backward()
        model.train()
        before = snapshot(model, opt)
        found = range_test(model, opt, DIGITS, steps=20, lr_max=0.5)
        assert snapshot(model, opt) == before
        return found.losses.tolist()

    assert run(with_gradient=True) == run(with_gradient=False)


@modules
def test_a_gradient_that_was_put_back_is_added_to(module):
    model, images = network(), paddle.to_tensor(DIGITS.train.images[:8])
    model(images).sum().backward()
    weight = model.parameters()[0]
    weight.register_hook(lambda gradient: gradient * 1)
    before = weight.grad.numpy()
    range_test(model, module.Momentum(0.01, parameters=model.parameters()), DIGITS, steps=20)
    model(images).sum().backward()
    np.testing.assert_allclose(weight.grad.numpy(), 2 * before, atol=1e-5)


@modules
@pytest.mark.parametrize("name", ["SGD", "Momentum", "AdamW"])
def test_tensors_that_only_the_optimizer_has_are_put_back(module, name):
    def run(with_test):
        paddle.seed(0)
        model, others = network(), [paddle.create_parameter([3], "float32") for _ in range(2)]
        (others[0] * others[0]).sum().backward()  # one has a gradient, one has none
        groups = [{"params": model.parameters()}, {"params": others, "learning_rate": 2.0}]
        opt = getattr(module, name)(learning_rate=0.1, parameters=groups, weight_decay=0.1)
        if with_test:
            before = [(p.numpy().tobytes(), p.grad is None or p.grad.numpy().tobytes()) for p in others]
            range_test(model, opt, DIGITS, steps=20, lr_max=0.5)
            assert [(p.numpy().tobytes(), p.grad is None or p.grad.numpy().tobytes()) for p in others] == before
        (others[1] + others[0]).sum().backward()
        opt.step()
        return [p.numpy().tobytes() for p in (*others, *model.parameters())]

    assert run(with_test=True) == run(with_test=False)


class Moody(paddle.nn.Layer):
    """A layer with much that no state_dict has: counters, lists, arrays, a weight made of others, random numbers."""

    def __init__(self):
        super().__init__()
        self.normed = paddle.nn.utils.weight_norm(paddle.nn.Linear(64, 10))
        self.calls, self.seen, self.counts = 0, [], np.zeros(2)

    def forward(self, images):
        self.calls += 1
        self.seen.append(self.calls)
        self.counts[1] += 1
        return self.normed(images.flatten(1)) * (1 + 0.1 * np.random.rand() + 0.1 * random.random())


def test_what_layers_keep_beside_their_parameters_is_put_back():
    model = Moody()
    handed_out, hook = model.seen, model.register_forward_post_hook(lambda *_: None)
    opt = optimizer.SGD(0.1, parameters=model.parameters())
    fit(model, opt, DIGITS, steps=2)
    derived = model.normed.weight.numpy().tobytes()
    numpys, pythons, calls = repr(np.random.get_state()), random.getstate(), model.calls
    range_test(model, opt, DIGITS, steps=20)
    assert model.normed.weight.numpy().tobytes() == derived
    assert (repr(np.random.get_state()), random.getstate()) == (numpys, pythons)
    assert model.seen is handed_out
    assert (model.calls, model.seen, model.counts.tolist()) == (calls, list(range(1, calls + 1)), [0, calls])
    hook.remove()
    assert not model._forward_post_hooks


class Moodier(Moody):
    """One that keeps such things in tuples, queues and a layer out of sight, and has random numbers of its own."""

    def __init__(self):
        super().__init__()
        self.averages, self.last = (paddle.zeros([1]), {}), collections.deque([0], maxlen=3)
        self.hidden = [Moody()]
        self.dice = np.random.default_rng(0), np.random.RandomState(0), random.Random(0)

    def forward(self, images):
        self.last.append(self.calls)
        self.averages[0].add_(paddle.ones([1]))
        self.averages[1][self.calls] = sum(dice.random() for dice in self.dice)
        self.hidden[0](images)
        return super().forward(images)

    def kept(self):
        averages, hidden = (self.averages[0].item(), self.averages[1]), self.hidden[0]
        return repr((averages, self.last, hidden.calls, hidden.seen))


class CountingClip(paddle.nn.ClipGradByGlobalNorm):
    calls = 0

    def __call__(self, pairs):
        self.calls += 1
        return super().__call__(pairs)


@modules
def test_what_is_kept_in_other_ways_is_put_back(module):
    model, clip = Moodier(), CountingClip(1.0)
    schedule = module.lr.LinearWarmup(module.lr.StepDecay(0.1, 2), 3, 0.0, 0.1)
    opt = module.SGD(schedule, parameters=model.parameters(), grad_clip=clip)
    fit(model, opt, DIGITS, steps=2)
    before, moved, throws = model.kept(), schedule.state_dict(), [copy.deepcopy(die).random() for die in model.dice]

    def loss_that_moves_the_schedule(logits, labels):
        schedule.step()
        return paddle.nn.functional.cross_entropy(logits, labels)

    range_test(model, opt, DIGITS, steps=20, loss=loss_that_moves_the_schedule)
    assert (model.kept(), schedule.state_dict(), clip.calls) == (before, moved, 2)
    assert [die.random() for die in model.dice] == throws


@modules
def test_gradients_of_some_rows_are_put_back(module):
    class Words(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.embedding, self.linear = paddle.nn.Embedding(17, 4, sparse=True), paddle.nn.Linear(4, 10)

        def forward(self, images):
            return self.linear(self.embedding((images.flatten(1) * 16).astype("int64")).mean(1))

    def gradient_of(parameter):
        rows = parameter.grad.get_selected_rows()
        dense = np.zeros((rows.height(), 4))
        np.add.at(dense, rows.rows(), np.asarray(rows.get_tensor()))
        return dense

    model = Words()
    model(paddle.to_tensor(DIGITS.train.images[:2])).sum().backward()
    weight = model.embedding.weight
    before, values = gradient_of(weight), weight.numpy().tobytes()
    range_test(model, module.SGD(0.1, parameters=model.parameters()), DIGITS, steps=20)
    assert weight.numpy().tobytes() == values
    np.testing.assert_array_equal(gradient_of(weight), before)
    model(paddle.to_tensor(DIGITS.train.images[:2])).sum().backward()
    np.testing.assert_allclose(gradient_of(weight), 2 * before, rtol=1e-5)


@modules
def test_a_network_with_copies_of_a_layer_leaves_no_trace(module):
    linear = paddle.nn.Linear(64, 64)
    layers = [paddle.nn.Flatten(), linear, copy.deepcopy(linear), paddle.nn.Linear(64, 10)]
    model = paddle.nn.Sequential(*layers)  # one parameter's name begins another's
    opt = module.Adam(0.01, parameters=model.parameters())
    fit(model, opt, DIGITS, steps=3)
    linear.weight.stop_gradient = True  # its state rests
    before = snapshot(model, opt)
    range_test(model, opt, DIGITS, steps=20)
    assert snapshot(model, opt) == before


def test_a_frozen_part_stays_as_it_is():
    model = network()
    model(paddle.to_tensor(DIGITS.train.images[:8])).sum().backward()
    frozen = model.parameters()[0]
    frozen.stop_gradient = True
    before = frozen.numpy().tobytes(), frozen.grad.numpy().tobytes()
    range_test(model, optimizer.SGD(0.1, parameters=model.parameters()), DIGITS, steps=20)
    assert frozen.stop_gradient and (frozen.numpy().tobytes(), frozen.grad.numpy().tobytes()) == before


@modules
def test_a_recurrent_network_leaves_no_trace(module):
    class Reader(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.lstm, self.linear = paddle.nn.LSTM(8, 16), paddle.nn.Linear(16, 10)

        def forward(self, images):
            return self.linear(self.lstm(images.squeeze(1))[0][:, -1])

    model = Reader()
    opt = module.Adam(0.01, parameters=model.parameters())
    fit(model, opt, DIGITS, steps=2)
    before = snapshot(model, opt)
    range_test(model, opt, DIGITS, steps=20)
    assert snapshot(model, opt) == before


def test_what_is_frozen_during_the_test_is_not_afterwards():
    model = network()
    first = model.parameters()[0]

    def freezing(logits, labels):
        first.stop_gradient = True
        return paddle.nn.functional.cross_entropy(logits, labels)

    range_test(model, optimizer.SGD(0.1, parameters=model.parameters()), DIGITS, steps=20, loss=freezing)
    assert not first.stop_gradient


@modules
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_everything_is_put_back_after_an_error_too(module, error):
    calls = []

    def fails(logits, labels):
        calls.append(1)
        if len(calls) == 7:
            raise error
        return paddle.nn.functional.cross_entropy(logits, labels)

    model = network()
    model.eval()
    schedule = module.lr.ExponentialDecay(0.01, gamma=0.9)
    opt = module.Adam(learning_rate=schedule, parameters=model.parameters())
    before = snapshot(model, opt)
    with pytest.raises(error):
        range_test(model, opt, DIGITS, loss=fails)
    assert len(calls) == 7 and snapshot(model, opt) == before
    assert opt._learning_rate is schedule


def test_where_nothing_would_be_trained_it_says_so_and_leaves_no_trace():
    model, opt = network(), optimizer.Adam(0.1, parameters=models.mlp(DIGITS).parameters())
    before = snapshot(model, opt)
    with pytest.raises(ValueError, match="nothing would be trained: the optimizer has the parameters of another model"):
        range_test(model, opt, DIGITS)
    assert snapshot(model, opt) == before


# Plot and bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sweep", ["exponential", "linear"])
def test_plot(sweep):
    found = run_test(lr_max=3.0, sweep=sweep)
    _, ax = plt.subplots()
    found.plot(ax)
    assert ax.get_xscale() == ("log" if sweep == "exponential" else "linear")
    assert ax.get_xlabel() == "learning rate" and ax.get_ylabel() == "loss"
    labels = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(labels["moving average"].get_ydata(), found.smoothed)
    np.testing.assert_array_equal(labels["mini-batches"].get_xdata(), found.lrs)
    assert labels[f"steepest: {found.suggestion:.2g}"].get_xdata()[0] == found.suggestion
    plt.close()


def test_a_curve_without_descent_is_drawn_without_a_suggestion():
    _, ax = plt.subplots()
    run_test(model=nan_network()).plot(ax)
    assert [line.get_label() for line in ax.get_lines()] == ["moving average", "mini-batches"]
    plt.close()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"lr_min": 0.0}, ValueError, "lr_min must be a finite number greater than 0, got 0.0"),
        ({"lr_min": -1.0, "sweep": "linear"}, ValueError, "lr_min must be .* got -1.0"),
        ({"lr_max": 1e-4}, ValueError, "lr_max must be a finite number greater than 0.0001, got 0.0001"),
        ({"lr_max": float("inf")}, ValueError, "lr_max must be .* got inf"),
        ({"lr_max": "10"}, TypeError, "lr_max must be .* got '10'"),
        ({"steps": 9}, ValueError, "steps must be a whole number of at least 10, got 9"),
        ({"steps": 20.0}, TypeError, "steps must be a whole number"),
        ({"sweep": "log"}, ValueError, "sweep must be one of 'exponential', 'linear', got 'log'"),
        ({"smoothing": 1}, ValueError, r"smoothing must be a number in \[0, 1\), got 1"),
        ({"stop_factor": 1}, ValueError, "stop_factor must be a finite number greater than 1, got 1"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1, got 0"),
        ({"seed": -1}, ValueError, "seed must be a whole number of at least 0, got -1"),
        ({"suggest": "lowest"}, ValueError, "suggest must be one of 'steepest', 'minimum/10', got 'lowest'"),
        ({"loss": 3}, TypeError, "loss must be a function or None, got 3"),
    ],
)
def test_bad_input_is_named(change, error, message):
    with pytest.raises(error, match=message):
        run_test(**change)


def test_bad_objects_are_named():
    model = models.mlp(DIGITS, seed=0)
    sgd = optimizer.SGD(0.1, parameters=model.parameters())
    with pytest.raises(TypeError, match=r"model must be a paddle.nn.Layer"):
        range_test(None, sgd, DIGITS)
    with pytest.raises(TypeError, match="optimizer must be an optimizer of"):
        range_test(model, None, DIGITS)
    with pytest.raises(TypeError, match="data must be a Dataset"):
        range_test(model, sgd, None)


@pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])
def test_an_optimizer_that_does_not_follow_its_learning_rate_is_refused(module):
    model = models.mlp(DIGITS, seed=0)
    rprop = module.Rprop(parameters=model.parameters())
    with pytest.raises(TypeError, match="that of Rprop is only its first step size"):
        range_test(model, rprop, DIGITS)
    around = optimizer.LookAhead(module.SGD(0.1, parameters=model.parameters()))
    with pytest.raises(TypeError, match="optimizer must be the one inside LookAhead"):
        range_test(model, around, DIGITS)
