"""training: the loop does what it says, in the order it says."""

from dataclasses import replace

import numpy as np
import paddle
import pytest

from course_lib import data, models, optimizer, progress_bar
from course_lib.training import History, evaluate, fit, largest_difference, path

DIGITS = data.load("digits")
MODULES = {"course": optimizer, "paddle": paddle.optimizer}


def trained(steps=40, lr=0.1, module=optimizer, model=None, **keywords):
    model = model or models.mlp(DIGITS, seed=0)
    return model, fit(model, module.SGD(lr, parameters=model.parameters()), DIGITS, steps=steps, **keywords)


def assert_same(first: History, second: History):
    for name in ("loss", "lr", "evaluated_at", "accuracy", "validation_loss"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


# path --------------------------------------------------------------------------------------------------------


def test_a_path_begins_at_the_start_and_ends_where_fit_ends():
    fitted, start = trained(steps=3)[0], models.mlp(DIGITS, seed=0)
    model, seen = models.mlp(DIGITS, seed=0), []
    rule = optimizer.SGD(0.1, parameters=model.parameters())
    points = path(model, rule, DIGITS, steps=3, callback=lambda step, model, rule: seen.append(step))
    ends = [paddle.nn.utils.parameters_to_vector(end.parameters()).numpy() for end in (start, fitted)]
    np.testing.assert_array_equal(points[[0, -1]], ends)
    assert len(points) == 4 and seen == [1, 2, 3]


def test_a_difference_is_a_share_of_the_way_gone_so_far():
    ours = np.array([[3.0, 4.0], [3.0, 5.0], [3.0, 9.0]])  # 5 from 0, then 1 and 4 more
    theirs = np.add(ours, [[0, 0], [0.3, 0], [0, -0.5]])
    np.testing.assert_allclose(largest_difference(ours, theirs), max(0.3 / 6, 0.5 / 10))
    assert largest_difference(ours, ours) == 0
    for other in (ours[1:], ours[:1], ours[:, 0]):
        with pytest.raises(ValueError, match=r"both paths must be \[steps \+ 1, parameters\] of one shape, got"):
            largest_difference(ours if len(other) > 1 else other, other)


# fit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_the_same_call_gives_the_same_numbers(module):
    assert_same(trained(module=module)[1], trained(module=module)[1])


@pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])
def test_a_network_in_double_precision_is_trained_and_measured(module):
    model = models.mlp(DIGITS, seed=0)
    single = fit(model, module.SGD(0.1, parameters=model.parameters()), DIGITS, steps=3)
    model = models.mlp(DIGITS, seed=0).to(dtype="float64")
    double = fit(model, module.SGD(0.1, parameters=model.parameters()), DIGITS, steps=3)
    np.testing.assert_allclose(double.loss, single.loss, rtol=1e-5)
    np.testing.assert_allclose(double.validation_loss, single.validation_loss, rtol=1e-5)


def test_another_seed_gives_another_order():
    assert trained(seed=0)[1].loss[5] != trained(seed=1)[1].loss[5]


def test_random_layers_are_seeded_and_the_callers_generator_is_left_alone():
    def run():
        model = paddle.nn.Sequential(models.mlp(DIGITS, seed=0), paddle.nn.Dropout(0.5))
        return trained(model=model)[1]

    paddle.seed(1)
    first = run()
    after = paddle.rand([3]).numpy()
    assert_same(first, run())
    paddle.seed(1)
    np.testing.assert_array_equal(paddle.rand([3]).numpy(), after)


def test_it_equals_a_loop_written_out():
    model, history = trained(steps=70, batch_size=20, seed=4)
    twin = models.mlp(DIGITS, seed=0)
    rng, losses = np.random.default_rng(4), []
    for _epoch in range(2):
        order = rng.permutation(1000)
        for start in range(0, 1000, 20):
            chosen = order[start : start + 20]
            logits = twin(paddle.to_tensor(DIGITS.train.images[chosen]))
            value = paddle.nn.functional.cross_entropy(logits, paddle.to_tensor(DIGITS.train.labels[chosen]))
            value.backward()
            losses.append(value.item())
            with paddle.no_grad():
                for parameter in twin.parameters():
                    parameter.set_value(parameter - 0.1 * parameter.grad)
                    parameter.clear_gradient()
            if len(losses) == 70:
                break
    np.testing.assert_allclose(history.loss, losses, rtol=1e-5)
    for parameter, expected in zip(model.parameters(), twin.parameters()):
        np.testing.assert_allclose(parameter.numpy(), expected.numpy(), atol=1e-6)


def test_course_and_paddle_optimizers_give_the_same_history():
    ours, paddles = trained(module=optimizer)[1], trained(module=paddle.optimizer)[1]
    np.testing.assert_allclose(ours.loss, paddles.loss, rtol=1e-5)
    np.testing.assert_array_equal(ours.lr, paddles.lr)


def test_epochs_and_steps_are_two_ways_to_say_the_same():
    model = models.mlp(DIGITS, seed=0)
    by_epochs = fit(model, optimizer.SGD(0.1, parameters=model.parameters()), DIGITS, 2, batch_size=300)
    assert_same(by_epochs, trained(steps=8, batch_size=300)[1])
    assert by_epochs.evaluated_at.tolist() == [4, 8]


@pytest.mark.parametrize(
    ("every", "steps", "expected"),
    [(None, 70, [32, 64, 70]), (None, 64, [32, 64]), (30, 70, [30, 60, 70]), (100, 70, [70]), (1, 3, [1, 2, 3])],
)
def test_when_it_evaluates(every, steps, expected):
    assert trained(steps=steps, evaluate_every=every)[1].evaluated_at.tolist() == expected


def test_evaluating_more_often_changes_nothing_else():
    model = paddle.nn.Sequential(models.mlp(DIGITS, hidden=(), seed=0), paddle.nn.Dropout(0.5))
    often = trained(model=model, evaluate_every=1)[1]
    model = paddle.nn.Sequential(models.mlp(DIGITS, hidden=(), seed=0), paddle.nn.Dropout(0.5))
    np.testing.assert_array_equal(often.loss, trained(model=model)[1].loss)


def test_the_last_evaluation_is_of_the_final_model_on_the_validation_images():
    model, history = trained()
    loss, accuracy = evaluate(model, DIGITS.validation)
    assert (history.validation_loss[-1], history.accuracy[-1]) == (loss, accuracy)
    assert history.final_accuracy == accuracy > 0.5


def test_the_callback_sees_gradients_before_the_update():
    seen = []

    def watch(step, model, optimizer):
        weight = model.parameters()[0]
        seen.append((step, weight.numpy().copy(), weight.grad.numpy().copy()))

    model, _ = trained(steps=3, callback=watch)
    assert [step for step, *_ in seen] == [1, 2, 3]
    for (_, weight, gradient), (_, following, _) in zip(seen, seen[1:]):
        np.testing.assert_allclose(following, weight - np.float32(0.1) * gradient, atol=1e-7)
    assert not (seen[-1][1] == model.parameters()[0].numpy()).all()


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
@pytest.mark.parametrize(
    ("per", "expected"), [("step", [0.1 / 2 ** (t // 2) for t in range(8)]), ("epoch", [0.1] * 8 + [0.05] * 2)]
)
def test_the_recorded_lr_is_the_one_applied(module, per, expected):
    schedule = paddle.optimizer.lr.StepDecay(0.1, step_size=2, gamma=0.5)
    weights = []

    def watch(step, model, optimizer):
        weights.append((model.parameters()[1].numpy().copy(), model.parameters()[1].grad.numpy().copy()))

    _, history = trained(
        len(expected), lr=schedule, module=module, batch_size=250, schedule_per=per, callback=watch, evaluate_every=1
    )
    assert history.lr.tolist() == expected
    for (before, gradient), (after, _), lr in zip(weights, weights[1:], expected):
        np.testing.assert_allclose(after, before - np.float32(lr) * gradient, atol=1e-7)


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_a_learning_rate_that_the_callback_sets_is_the_one_recorded(module):
    def halve(step, model, optimizer):
        optimizer.set_lr(optimizer.get_lr() / 2)

    assert trained(steps=3, lr=0.8, module=module, callback=halve)[1].lr.tolist() == [0.4, 0.2, 0.1]


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_paddles_warm_up_around_reduce_on_plateau_is_refused(module):
    lr = paddle.optimizer.lr
    schedule = lr.LinearWarmup(lr.ReduceOnPlateau(0.1), warmup_steps=5, start_lr=0.0, end_lr=0.1)
    with pytest.raises(ValueError, match="LinearWarmup around ReduceOnPlateau, which takes the step's number"):
        trained(module=module, lr=schedule)


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_reduce_on_plateau_follows_the_validation_loss(module, monkeypatch):
    Plateau, seen = module.lr.ReduceOnPlateau, []
    original = Plateau.step

    def watched(self, metrics, epoch=None):
        seen.append(metrics)
        original(self, metrics, epoch)

    monkeypatch.setattr(Plateau, "step", watched)
    schedule = Plateau(learning_rate=0.1, patience=0, factor=0.5, threshold=0.5)
    _, history = trained(steps=100, lr=schedule, module=module)
    assert seen == history.validation_loss.tolist() and len(seen) == 4
    assert history.lr[31] == 0.1 and history.lr[-1] < 0.1


def test_a_warm_up_moves_by_the_step():
    schedule = optimizer.lr.LinearWarmup(0.1, warmup_steps=4, start_lr=0.0, end_lr=0.1)
    np.testing.assert_allclose(trained(steps=6, lr=schedule)[1].lr, [0, 0.025, 0.05, 0.075, 0.1, 0.1])


def test_another_loss_is_used_for_training_and_evaluation():
    def squared(logits, labels):
        target = paddle.nn.functional.one_hot(labels, 10)
        return ((logits - target) * (logits - target)).mean()

    model, history = trained(loss=squared, steps=200)
    assert history.loss[-10:].mean() < history.loss[:10].mean() < 1
    assert history.validation_loss[-1] == evaluate(model, DIGITS.validation, squared)[0]


def test_the_model_is_left_in_the_mode_it_was_in():
    inner = paddle.nn.Dropout(0.5)
    model = paddle.nn.Sequential(models.mlp(DIGITS, seed=0), inner)
    inner.eval()
    trained(model=model, steps=2)
    assert model.training and not inner.training


def test_training_leaves_no_gradients():
    model, _ = trained(steps=2)
    assert all(not parameter.grad.numpy().any() for parameter in model.parameters())


def test_gradients_from_before_do_not_count():
    def run(with_gradients):
        model = models.mlp(DIGITS, seed=0)
        if with_gradients:
            model(paddle.to_tensor(DIGITS.train.images[:8])).sum().backward()
        return trained(model=model)[1]

    assert_same(run(with_gradients=True), run(with_gradients=False))


# Nothing to train --------------------------------------------------------------------------------------------

NOTHING = {
    "in no_grad": "gradients are switched off; call this outside of paddle.no_grad",
    "frozen": "all parameters of the optimizer are frozen; set stop_gradient=False",
    "another model": "the optimizer has the parameters of another model; make it with parameters=model.parameters",
    "detached loss": "the loss does not lead back to any parameter; look for detach",
    "no_grad in the model": "the loss does not lead back to any parameter; look for detach",
    "a part that is not used": "none of the optimizer's parameters gets a gradient from the loss, only others do",
}


class WithSpare(paddle.nn.Layer):
    """A network with one more layer, which does nothing."""

    def __init__(self, quietly=False):
        super().__init__()
        self.network, self.spare, self.quietly = models.mlp(DIGITS, seed=0), paddle.nn.Linear(2, 2), quietly

    def forward(self, images):
        with paddle.set_grad_enabled(not self.quietly):
            return self.network(images)


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
@pytest.mark.parametrize("case", NOTHING)
def test_a_run_that_would_train_nothing_says_why(module, case):
    model = WithSpare(quietly=case == "no_grad in the model")
    others = {"another model": WithSpare().parameters(), "a part that is not used": model.spare.parameters()}
    sgd = module.SGD(0.1, parameters=others.get(case, model.parameters()), weight_decay=0.1)
    if case == "frozen":  # after a gradient, which stays
        model(paddle.to_tensor(DIGITS.train.images[:8])).sum().backward()
        for parameter in model.parameters():
            parameter.stop_gradient = True
    loss = (lambda logits, labels: logits.detach().mean()) if case == "detached loss" else None
    before = [parameter.numpy().tobytes() for parameter in model.parameters()]
    message = f"nothing would be trained: {NOTHING[case]}"
    with pytest.raises(ValueError, match=message), paddle.set_grad_enabled(case != "in no_grad"):
        fit(model, sgd, DIGITS, steps=2, loss=loss)
    assert [parameter.numpy().tobytes() for parameter in model.parameters()] == before


def test_an_optimizer_without_parameters_says_so():
    with pytest.raises(ValueError, match="nothing would be trained: the optimizer has no parameters"):
        fit(models.mlp(DIGITS), optimizer.SGD(0.1), DIGITS, steps=2)


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
@pytest.mark.parametrize("case", ["some are frozen", "some are not used", "zero", "nan", "groups"])
def test_a_run_that_trains_little_is_a_run(module, case):
    model = WithSpare()
    model.network.parameters()[0].stop_gradient = case == "some are frozen"
    factor = {"zero": 0.0, "nan": float("nan")}.get(case, 1.0)
    groups = [{"params": model.spare.parameters()}, {"params": model.network.parameters()}]
    sgd = module.SGD(0.1, parameters=groups if case == "groups" else model.parameters())
    history = fit(model, sgd, DIGITS, steps=2, loss=lambda *pair: factor * paddle.nn.functional.cross_entropy(*pair))
    assert len(history.loss) == 2


# evaluate ----------------------------------------------------------------------------------------------------


def test_evaluate_counts_across_batches():
    model = models.mlp(DIGITS, seed=0)
    part = data.Split(np.tile(DIGITS.train.images, (3, 1, 1, 1))[:2500], np.tile(DIGITS.train.labels, 3)[:2500])
    logits = model(paddle.to_tensor(part.images))
    expected = paddle.nn.functional.cross_entropy(logits, paddle.to_tensor(part.labels)).item()
    loss, accuracy = evaluate(model, part)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert accuracy == (logits.numpy().argmax(1) == part.labels).mean()


def test_evaluate_turns_dropout_off():
    model = paddle.nn.Sequential(models.mlp(DIGITS, seed=0), paddle.nn.Dropout(0.9))
    assert evaluate(model, DIGITS.test) == evaluate(model, DIGITS.test)
    assert model.training


# History -----------------------------------------------------------------------------------------------------


def history(loss=(1.0,), accuracy=(0.5,), finite=True):
    steps = np.arange(1, len(accuracy) + 1) * 10
    loss, accuracy = np.array(loss), np.array(accuracy)
    return History(loss, np.full(len(loss), 0.1), steps, accuracy, np.ones(len(accuracy)), finite)


def test_steps_to():
    run = history(accuracy=[0.3, 0.8, 0.6, 0.9])
    assert [run.steps_to(a) for a in (0, 0.5, 0.8, 0.85, 0.95)] == [10, 20, 20, 40, None]
    assert run.final_accuracy == 0.9 and run.best_accuracy == 0.9
    assert history(accuracy=[0.9, 0.2]).best_accuracy == 0.9
    with pytest.raises(ValueError, match=r"accuracy must be a number in \[0, 1\], got 95"):
        run.steps_to(95)


@pytest.mark.parametrize(
    ("loss", "finite", "expected"),
    [
        ([2.4, 2.0, 1.0], True, False),
        ([2.4, np.nan, 1.0], True, True),
        ([2.4, np.inf, 1.0], True, True),
        ([2.4, 2.0, 1.0], False, True),
        ([2.4, 30.0, 2.3], True, True),  # a spike, then ln 10 for ever
        ([2.4, 30.0, 0.3], True, False),  # a spike it recovered from
        ([2.4, 2.5, 2.3], True, False),  # never got going: the lr was too small
    ],
)
def test_what_counts_as_divergence(loss, finite, expected):
    assert history(loss=loss, finite=finite).diverged is expected


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("lr", "expected"), [(1e-6, False), (0.1, False), (2.0, True), (10.0, True), (1e30, True)])
def test_divergence_on_the_digits(lr, expected, seed):
    assert trained(steps=160, lr=lr, model=models.mlp(DIGITS, seed=seed), seed=seed)[1].diverged is expected


def test_paddles_cross_entropy_hides_how_far_a_run_has_gone():
    """The docstring of History.diverged says so; if this changes, change it."""
    logits = paddle.to_tensor([[1000.0, 0.0]])
    assert paddle.nn.functional.cross_entropy(logits, paddle.to_tensor([1])).item() == 64


def test_a_nan_that_relu_swallows_is_still_seen():
    model = models.mlp(DIGITS, seed=0)
    model.parameters()[0].set_value(paddle.full([64, 64], float("nan")))
    _, run = trained(model=model, steps=5)
    assert np.isfinite(run.loss).all(), "Paddle's ReLU turns NaN into 0 on the CPU; if that changed, drop this test"
    assert run.diverged


# Bad input ---------------------------------------------------------------------------------------------------


LBFGS = [module.LBFGS(parameters=models.mlp(DIGITS).parameters()) for module in (optimizer, paddle.optimizer)]
WRAPPED = paddle.incubate.LookAhead(paddle.optimizer.SGD(0.1, parameters=models.mlp(DIGITS).parameters()))


def part_empty(name: str) -> data.Dataset:
    return replace(DIGITS, **{name: data.Split(DIGITS.train.images[:0], DIGITS.train.labels[:0])})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "mlp"}, TypeError, "model must be a paddle.nn.Layer, got 'mlp'"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be an optimizer of course_lib.optimizer .* got 0.1"),
        ({"data": "digits"}, TypeError, "data must be a Dataset as data.load"),
        ({"epochs": 1, "steps": 5}, ValueError, "give either epochs or steps, got epochs=1 and steps=5"),
        ({"steps": None}, ValueError, "give either epochs or steps, got epochs=None and steps=None"),
        ({"steps": 0}, ValueError, "steps must be a whole number of at least 1, got 0"),
        ({"steps": None, "epochs": 0.5}, TypeError, "epochs must be a whole number of at least 1, got 0.5"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1, got 0"),
        ({"seed": 2**64}, ValueError, r"seed must be below 2\*\*64, got 18446744073709551616"),
        ({"seed": "a"}, TypeError, "seed must be a whole number of at least 0, got 'a'"),
        ({"schedule_per": "batch"}, ValueError, "schedule_per must be one of 'step', 'epoch', got 'batch'"),
        ({"evaluate_every": 0}, ValueError, "evaluate_every must be a whole number of at least 1, got 0"),
        ({"callback": 3}, TypeError, "callback must be a function or None, got 3"),
        ({"loss": "mse"}, TypeError, "loss must be a function or None, got 'mse'"),
        ({"progress": "yes"}, TypeError, "progress must be True or False, got 'yes'"),
        ({"data": part_empty("train")}, ValueError, "data.train must have at least one image, got none"),
        ({"data": part_empty("validation")}, ValueError, "data.validation must have at least one image, got none"),
        ({"loss": lambda *_: 0.5}, TypeError, "loss must return a tensor with one number, .* got float"),
        ({"loss": lambda logits, _: logits}, TypeError, r"loss must return a tensor with one .* got shape .*32, 10"),
        ({"optimizer": WRAPPED}, TypeError, "optimizer must be the one that has the learning rate, not LookAhead"),
        ({"optimizer": LBFGS[0]}, TypeError, "optimizer must make a step from one gradient; LBFGS asks for the loss"),
        ({"optimizer": LBFGS[1]}, TypeError, "optimizer must make a step from one gradient; LBFGS asks for the loss"),
    ],
)
def test_bad_input_is_named_before_anything_is_trained(change, error, message):
    model = models.mlp(DIGITS, seed=0)
    before = model.parameters()[0].numpy()
    arguments = {"model": model, "optimizer": optimizer.SGD(0.1, parameters=model.parameters()), "data": DIGITS}
    with pytest.raises(error, match=message):
        fit(**{**arguments, "steps": 5, **change})
    np.testing.assert_array_equal(model.parameters()[0].numpy(), before)


def test_evaluate_wants_a_model_and_a_loss():
    with pytest.raises(TypeError, match=r"model must be a paddle.nn.Layer, got 'mlp'"):
        evaluate("mlp", DIGITS.test)
    with pytest.raises(TypeError, match=r"loss must be a function or None, got 0.5"):
        evaluate(models.mlp(DIGITS, seed=0), DIGITS.test, loss=0.5)


def test_evaluate_wants_images():
    with pytest.raises(ValueError, match="split must have at least one image, got none"):
        evaluate(models.mlp(DIGITS), part_empty("train").train)


def test_evaluate_wants_a_part_of_a_data_set():
    with pytest.raises(TypeError, match=r"split must be a part of a data set such as data.validation, got Dataset"):
        evaluate(models.mlp(DIGITS), DIGITS)


# Progress bars -----------------------------------------------------------------------------------------------


def test_no_bar_without_a_terminal(capfd):
    trained(steps=3)
    assert capfd.readouterr() == ("", "")


def test_a_bar_on_a_terminal_unless_switched_off(capfd, monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert progress_bar.somebody_watches()
    trained(steps=3, progress=None)
    assert "3" in capfd.readouterr().err
    monkeypatch.setenv("COURSE_PROGRESS", "0")
    assert not progress_bar.somebody_watches()


def test_a_bar_can_be_asked_for_and_goes_away(capfd):
    trained(steps=3, progress=True)
    shown = capfd.readouterr().err
    assert "3" in shown and shown.rsplit("\r", 1)[-1].strip() == ""


NOTEBOOK = """
import sys
from IPython import get_ipython
from course_lib import progress_bar
print(progress_bar._kernel() is not None, progress_bar.somebody_watches())
"""


@pytest.mark.parametrize("person", [False, True], ids=["a program", "a person"])
def test_in_a_notebook_only_a_person_gets_bars(person, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    client = nbclient.NotebookClient(notebook, timeout=60)
    with client.setup_kernel():
        client.kc.allow_stdin = person  # what the pages of Jupyter, VS Code and Colab send, and programs do not
        client.execute_cell(notebook.cells[0], 0)
    assert notebook.cells[0].outputs[0].text == f"True {person}\n"
