"""Training a network and writing down what happened.

``fit`` is the training loop of the whole book, ``evaluate`` measures a model, ``sweep`` (of ``course_lib.sweeps``)
repeats an experiment over a grid of settings and seeds, on one core or on many, with the same numbers, and ``choose``
(of ``course_lib.choices``) takes the best setting and writes it down.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from dataclasses import dataclass

import numpy as np
import paddle

from course_lib import errors
from course_lib.choices import choose
from course_lib.data import Dataset, Split, batches
from course_lib.layers import check_model
from course_lib.optimizer import EMA, LBFGS, LookAhead
from course_lib.optimizer.base import parameters_of
from course_lib.optimizer.lr import schedule_of, watches_metric
from course_lib.progress_bar import with_bar
from course_lib.seeding import seeded
from course_lib.sweeps import Sweep, sweep

__all__ = ["History", "Sweep", "choose", "evaluate", "fit", "largest_difference", "path", "sweep"]

_AT_ONCE = 32  # mini-batches that become tensors together: one by one takes five times as long
_EVALUATION_BATCH = 200  # fits into the processor's cache: a quarter faster than 1000


@dataclass(frozen=True, eq=False)
class History:
    """What happened in one call of ``fit``; all arrays are float64 but ``evaluated_at``.

    Attributes:
        loss: Training loss of each mini-batch, before its update ``[steps]``.
        lr: Learning rate that was applied in each step ``[steps]``.
        evaluated_at: Number of steps done at each evaluation ``[evaluations]``.
        accuracy: Share of the validation images that were recognised, in [0, 1] ``[evaluations]``.
        validation_loss: Mean loss over the validation images ``[evaluations]``.
        finite: Whether all parameters are finite numbers at the end.
    """

    loss: np.ndarray
    lr: np.ndarray
    evaluated_at: np.ndarray
    accuracy: np.ndarray
    validation_loss: np.ndarray
    finite: bool

    @property
    def final_accuracy(self) -> float:
        """Validation accuracy at the end of training."""
        return float(self.accuracy[-1])

    @property
    def best_accuracy(self) -> float:
        """Highest validation accuracy of all evaluations."""
        return float(self.accuracy.max())

    def steps_to(self, accuracy: float) -> int | None:
        """Steps until an evaluation first found at least this validation accuracy; None if none did."""
        reached = self.accuracy >= errors.number("accuracy", accuracy, 0, 1)
        return int(self.evaluated_at[reached.argmax()]) if reached.any() else None

    @property
    def diverged(self) -> bool:
        """Whether training blew up, openly or silently.

        Openly: a loss or a parameter is NaN or infinite. Silently: the loss once rose above 1.4 times its first
        value, and its mean over the last tenth of the steps is no lower than nine tenths of that first value.
        That is the usual end of a network with ReLU: one huge step kills its units, and from then on it answers
        every image with the same ten numbers, at a loss of ln 10 = 2.30. A learning rate that is too small leaves
        the loss high as well, but never raises it, and so does not count. (Do not wait for an infinite loss: Paddle's
        cross-entropy on the CPU never exceeds 64, whatever the logits.)
        """
        if not (self.finite and np.isfinite(self.loss).all()):
            return True
        first, last_tenth = self.loss[0], self.loss[-max(1, len(self.loss) // 10) :]
        return bool(self.loss.max() > 1.4 * first and last_tenth.mean() >= 0.9 * first)

    def __repr__(self) -> str:
        end = "diverged" if self.diverged else f"final accuracy {self.final_accuracy:.1%}"
        return f"History({len(self.loss):,} steps, {end})"


def fit(
    model,
    optimizer,
    data: Dataset,
    epochs: int | None = None,
    *,
    steps: int | None = None,
    batch_size: int = 32,
    seed: int = 0,
    schedule_per: str = "step",
    evaluate_every: int | None = None,
    callback=None,
    loss=None,
    ema: EMA | None = None,
    progress: bool | None = None,
) -> History:
    """Train ``model`` on shuffled mini-batches of ``data.train``; the same call gives the same numbers.

    Each step computes the loss of one mini-batch and its gradient, calls ``callback``, updates the parameters,
    clears the gradients, and moves the learning-rate schedule if there is one. Gradients that are there before the
    first step are cleared. At every evaluation the model is measured on ``data.validation``; nothing here looks at
    ``data.test``.

    Args:
        model: A ``paddle.nn.Layer`` that takes images ``[n, 1, h, w]`` and returns logits ``[n, classes]``.
        optimizer: Of ``course_lib.optimizer`` or ``paddle.optimizer``, made with ``model.parameters()``.
        data: Data set to train on and to evaluate with.
        epochs: Passes over the training images. Give either epochs or steps.
        steps: Number of mini-batches: the same budget costs the same on digits and on MNIST.
        batch_size: Images of a mini-batch; the last one of an epoch may be smaller.
        seed: Of the order of the images and of random layers such as dropout. It does not touch the weights.
        schedule_per: Move the schedule after every ``"step"`` or after every ``"epoch"``. ``ReduceOnPlateau`` (also
            inside the course's warm-up; Paddle's hands no metric on and is refused around it) needs a metric and is
            moved at every evaluation instead, with the validation loss.
        evaluate_every: Steps between evaluations; None means one epoch. The end is always evaluated.
        callback: ``callback(step, model, optimizer)`` is called in every step, counted from 1, when the gradients
            are there and the parameters are not yet updated: to measure norms, dead units, weights.
        loss: ``loss(logits, labels)`` returns a scalar tensor; None means softmax cross-entropy.
        ema: An average of the model's weights: it is updated after every step, and the evaluations measure it.
        progress: Show a progress bar. None shows one where a person watches: on a terminal and in Jupyter, never
            in a notebook run by a program, nor with ``COURSE_PROGRESS=0`` in the environment.

    Raises:
        TypeError, ValueError: An argument is of the wrong kind or out of range; the message names it.
        ValueError: Nothing would be trained, because no parameter of the optimizer gets a gradient in the first step.

    A loss that becomes NaN or infinite does not stop training: the history shows it, see ``History.diverged``.

    Example:
        >>> from course_lib import data, models, optimizer
        >>> digits = data.load("digits")
        >>> model = models.mlp(digits, seed=0)
        >>> history = fit(model, optimizer.SGD(learning_rate=0.1, parameters=model.parameters()), digits, steps=64)
        >>> history.loss.shape, history.evaluated_at.tolist()
        ((64,), [32, 64])
        >>> history.final_accuracy > 0.8
        True
    """
    check_run(model, optimizer, data, callback=callback, loss=loss)
    _check_not_empty("data.validation", data.validation)
    _check_schedule(schedule_of(optimizer))
    _check_ema(ema, model)
    errors.choice("schedule_per", schedule_per, ("step", "epoch"))
    per_epoch = math.ceil(len(data.train) / errors.whole("batch_size", batch_size, low=1))
    steps = _budget(epochs, steps, per_epoch)
    every = per_epoch if evaluate_every is None else errors.whole("evaluate_every", evaluate_every, low=1)
    losses, lrs, evaluations = [], [], []
    with seeded(seed), training_mode(model, True):
        stream = itertools.islice(losses_with_gradients(model, optimizer, data.train, batch_size, seed, loss), steps)
        for step, value in enumerate(with_bar(stream, steps, progress), 1):
            losses.append(value)
            if callback is not None:
                callback(step, model, optimizer)
            lrs.append(optimizer.get_lr())
            optimizer.step()
            optimizer.clear_grad()
            if ema is not None:
                ema.update()
            evaluated = step % every == 0 or step == steps
            if evaluated:
                with contextlib.nullcontext() if ema is None else ema.apply():
                    evaluations.append((step, *evaluate(model, data.validation, loss)))
            _move_schedule(optimizer, step, schedule_per, per_epoch, evaluations[-1][1] if evaluated else None)
    return _history(model, losses, lrs, evaluations)


def evaluate(model, split: Split, loss=None) -> tuple[float, float]:
    """Return (mean loss, accuracy in [0, 1]) of ``model`` on ``split``, in evaluation mode, without gradients.

    Args:
        model: A ``paddle.nn.Layer`` as in ``fit``; it is left in the mode it was in.
        split: The images and labels to measure on, such as ``data.validation``.
        loss: As in ``fit``; it must be a mean over the images.

    Raises:
        TypeError: ``model`` is no Layer, ``split`` no Split or ``loss`` no function that returns one number.
        ValueError: ``split`` has no images.

    Example:
        >>> from course_lib import data, models
        >>> value, accuracy = evaluate(models.mlp(64, seed=0), data.load("digits").test)
        >>> accuracy < 0.5  # ten classes, no training
        True
    """
    check_model(model)
    errors.function_or_none("loss", loss)
    if not isinstance(split, Split):
        raise TypeError(f"split must be a part of a data set such as data.validation, got {type(split).__name__}")
    _check_not_empty("split", split)
    total, right, precision = 0.0, 0, _precision(model)
    with training_mode(model, False), paddle.no_grad():
        for start in range(0, len(split), _EVALUATION_BATCH):
            images = paddle.to_tensor(split.images[start : start + _EVALUATION_BATCH], precision)
            labels = split.labels[start : start + _EVALUATION_BATCH]
            logits = model(images)
            total += _mean_loss(loss, logits, paddle.to_tensor(labels)).item() * len(labels)
            right += int((logits.numpy().argmax(axis=1) == labels).sum())
    return total / len(split), right / len(split)


def path(model, optimizer, data: Dataset, steps: int, callback=None, **options) -> np.ndarray:
    """Train as ``fit`` does; return all parameters before every step and after the last: ``[steps + 1, parameters]``.

    Args:
        model, optimizer, data, steps: As in ``fit``.
        callback, options: Further arguments of ``fit``, such as ``seed``.

    Raises:
        TypeError, ValueError: As in ``fit``.

    Example:
        >>> from course_lib import data, models, optimizer
        >>> model = models.mlp(64, seed=0)
        >>> path(model, optimizer.SGD(0.1, parameters=model.parameters()), data.load("digits"), steps=3).shape
        (4, 4810)
    """
    points = []

    def keep(step, model, optimizer):
        points.append(paddle.nn.utils.parameters_to_vector(model.parameters()).numpy())
        if callback is not None:
            callback(step, model, optimizer)

    fit(model, optimizer, data, **{"steps": steps, "evaluate_every": steps, **options}, callback=keep)
    points.append(paddle.nn.utils.parameters_to_vector(model.parameters()).numpy())
    return np.array(points, dtype=np.float64)


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    r"""How far two paths with one start come apart, as a share of the way that the first has gone by then.

    .. math:: \max_t \frac{\max_i |a_{t,i} - b_{t,i}|}{\lVert a_0 \rVert + \sum_{s \le t} \lVert a_s - a_{s-1} \rVert}

    Args:
        ours, theirs: Parameters before every step and after the last, ``[steps + 1, parameters]``, as of ``path``.

    Raises:
        ValueError: The two are not of one shape, with at least one step.

    Example:
        >>> largest_difference(np.array([[1.0], [2.0]]), np.array([[1.0], [2.5]]))
        0.25
    """
    if ours.shape != theirs.shape or ours.ndim != 2 or len(ours) < 2:
        raise ValueError(
            f"both paths must be [steps + 1, parameters] of one shape, got {ours.shape} and {theirs.shape}"
        )
    travelled = np.linalg.norm(ours[0]) + np.linalg.norm(np.diff(ours, axis=0), axis=1).cumsum()
    return float((np.abs(ours - theirs)[1:].max(axis=1) / travelled).max())


# The pieces of fit --------------------------------------------------------------------------------------------


def losses_with_gradients(model, optimizer, split: Split, batch_size: int, seed: int, loss=None):
    """Yield, without end, the loss of one mini-batch after the other, leaving its gradient in the parameters.

    Every epoch has a new order. Gradients from before are removed at first; what becomes of the new ones (a step, a
    measurement) is the caller's business, and so is clearing them.

    Raises:
        ValueError: The first loss gives no parameter of the optimizer a gradient.
    """
    parameters = parameters_of(optimizer)
    for parameter in parameters:
        if not parameter.stop_gradient:
            parameter.clear_gradient(False)  # to None; Paddle overlooks the argument by its name
    rng, precision = np.random.default_rng(seed), _precision(model)
    epochs = (_mini_batches(split, batch_size, rng, precision) for _ in itertools.count())
    for step, (images, labels) in enumerate(itertools.chain.from_iterable(epochs)):
        value = _mean_loss(loss, model(images), labels)
        value.backward()
        if step == 0 and not any(_is_trained(parameter) for parameter in parameters):
            raise ValueError(f"nothing would be trained: {_why_nothing_is_trained(model, parameters, value)}")
        yield value.item()


def _mini_batches(split: Split, batch_size: int, rng: np.random.Generator, precision):
    """Yield the split once, in random order, as tensors (images, labels): what ``batches`` yields."""
    for images, labels in batches(split, _AT_ONCE * batch_size, rng):
        images, labels = paddle.to_tensor(images, precision), paddle.to_tensor(labels)
        for start in range(0, len(labels), batch_size):
            yield images[start : start + batch_size], labels[start : start + batch_size]


def _precision(model):
    """The kind of number in which the model wants its images: that of its first weights; None if they have it."""
    first = next(iter(model.parameters()), None)
    return None if first is None or first.dtype == paddle.float32 else first.dtype


def _mean_loss(loss, logits, labels):
    value = (loss or paddle.nn.functional.cross_entropy)(logits, labels)
    if not isinstance(value, paddle.Tensor) or math.prod(value.shape) != 1:  # value.size takes Paddle ten times as long
        shown = f"shape {value.shape}" if isinstance(value, paddle.Tensor) else type(value).__name__
        raise TypeError(f"loss must return a tensor with one number, such as the mean over the images, got {shown}")
    return value


def _is_trained(parameter) -> bool:
    return parameter.grad is not None and not parameter.stop_gradient


def _why_nothing_is_trained(model, parameters: list, loss) -> str:
    """The likeliest cause, from what can be seen after the first ``backward``."""
    in_model = {id(parameter) for parameter in model.parameters()}
    if not parameters:
        return "the optimizer has no parameters; make it with parameters=model.parameters()"
    if not paddle.is_grad_enabled():
        return "gradients are switched off; call this outside of paddle.no_grad()"
    if not in_model.intersection(map(id, parameters)):
        return (
            "the optimizer has the parameters of another model; make it with parameters=model.parameters() of this one"
        )
    if all(parameter.stop_gradient for parameter in parameters):
        return "all parameters of the optimizer are frozen; set stop_gradient=False for those that shall be trained"
    if loss.stop_gradient:
        return (
            "the loss does not lead back to any parameter; look for detach(), numpy(), argmax() or paddle.no_grad() in "
            "the model or the loss"
        )
    return (
        "none of the optimizer's parameters gets a gradient from the loss, only others do; look for what the optimizer "
        "was given, and for detach() or paddle.no_grad() in the model or the loss"
    )


def _move_schedule(optimizer, step: int, schedule_per: str, per_epoch: int, validation_loss: float | None) -> None:
    schedule = schedule_of(optimizer)
    if schedule is None:
        return
    if watches_metric(schedule):
        if validation_loss is not None:
            schedule.step(validation_loss)
    elif schedule_per == "step" or step % per_epoch == 0:
        schedule.step()


def _history(model, losses, lrs, evaluations) -> History:
    at, validation_loss, accuracy = zip(*evaluations)
    finite = all(bool(paddle.isfinite(parameter).all()) for parameter in model.parameters())
    arrays = (np.array(values, dtype=np.float64) for values in (accuracy, validation_loss))
    return History(np.array(losses, dtype=np.float64), np.array(lrs, dtype=np.float64), np.array(at), *arrays, finite)


@contextlib.contextmanager
def training_mode(model, training: bool):
    """Inside the block the model is in training (or evaluation) mode; afterwards every layer is as it was."""
    before = [(layer, layer.training) for layer in model.sublayers(include_self=True)]
    model.train() if training else model.eval()
    try:
        yield
    finally:
        for layer, was_training in before:
            layer.training = was_training


def _budget(epochs, steps, per_epoch: int) -> int:
    if (epochs is None) == (steps is None):
        raise ValueError(f"give either epochs or steps, got epochs={epochs!r} and steps={steps!r}")
    if steps is not None:
        return errors.whole("steps", steps, low=1)
    return errors.whole("epochs", epochs, low=1) * per_epoch


def check_run(model, optimizer, data, **functions) -> None:
    """Raise a TypeError or ValueError that names the argument if a model cannot be trained with these."""
    check_model(model)
    # The learning rate of Paddle's LookAhead is none, and its schedule is out of reach
    if hasattr(optimizer, "inner_optimizer") and not isinstance(optimizer, LookAhead):
        raise TypeError(
            f"optimizer must be the one that has the learning rate, not {type(optimizer).__name__} around it"
        )
    needed = ("step", "clear_grad", "get_lr", "_learning_rate", "_parameter_list")
    if not all(hasattr(optimizer, name) for name in needed):
        raise TypeError(
            "optimizer must be an optimizer of course_lib.optimizer or paddle.optimizer, "
            f"got {optimizer!r} ({type(optimizer).__name__})"
        )
    if isinstance(optimizer, (LBFGS, paddle.optimizer.LBFGS)):
        raise TypeError("optimizer must make a step from one gradient; LBFGS asks for the loss several times in a step")
    if not isinstance(data, Dataset):
        raise TypeError(f"data must be a Dataset as data.load() returns it, got {type(data).__name__}")
    _check_not_empty("data.train", data.train)
    for name, function in functions.items():
        errors.function_or_none(name, function)


def _check_schedule(schedule) -> None:
    theirs = paddle.optimizer.lr
    if isinstance(schedule, theirs.LinearWarmup) and isinstance(schedule.learning_rate, theirs.ReduceOnPlateau):
        raise ValueError(
            "optimizer must not follow Paddle's LinearWarmup around ReduceOnPlateau, which takes the step's number for "
            "the metric; use course_lib.optimizer.lr.LinearWarmup"
        )


def _check_ema(ema, model) -> None:
    if ema is not None and not isinstance(ema, EMA):
        raise TypeError(f"ema must be an EMA of the model, got {ema!r} ({type(ema).__name__})")
    if ema is not None and ema.model is not model:
        raise ValueError("ema must be an EMA of the model that is trained, got one of another model")


def _check_not_empty(name: str, split: Split) -> None:
    if not len(split):
        raise ValueError(f"{name} must have at least one image, got none")
