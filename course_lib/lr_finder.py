"""The learning-rate range test: one short training run that shows which learning rates are worth trying.

Leslie N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3: let the learning rate
rise in every step from far too small to far too large, and look at the loss. It does not move, then it falls, then
it explodes; useful learning rates lie where it falls.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import itertools
import math
import random
from dataclasses import dataclass

import numpy as np
import paddle
from paddle.optimizer.lr import LRScheduler

from course_lib import errors
from course_lib.data import Dataset
from course_lib.optimizer import Optimizer
from course_lib.progress import with_bar
from course_lib.seeding import seeded
from course_lib.training import check_run, losses_with_gradients, parameters_of, training_mode

SWEEPS = ("exponential", "linear")
RULES = ("steepest", "minimum/10")


@dataclass(frozen=True, eq=False)
class RangeTest:
    """The curve of a range test, and what it suggests.

    Attributes:
        lrs: Learning rate of each step that was made ``[n]``.
        losses: Loss of the mini-batch that the step was made with, before the step ``[n]``.
        smoothed: Moving average of the losses, NaN where the loss is no finite number ``[n]``.
        rule: The rule of ``suggestion``, one of ``RULES``.
        diverged_at: Learning rate at which the test was stopped because the loss exploded; None if it was not.
        sweep: ``"exponential"`` or ``"linear"``.
    """

    lrs: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    rule: str
    diverged_at: float | None
    sweep: str

    @property
    def has_descent(self) -> bool:
        """Whether the loss ever falls: a curve that does not points to a fault in the model or the data."""
        return _has_descent(self.smoothed)

    @property
    def suggestion(self) -> float:
        """The learning rate that ``rule`` suggests; see ``suggest``.

        Raises:
            ValueError: The curve has no descent.
        """
        return suggest(self.lrs, self.smoothed, self.rule)

    def plot(self, ax) -> None:
        """Draw the losses, their moving average and the suggestion on a Matplotlib Axes."""
        (line,) = ax.plot(self.lrs, self.smoothed, linestyle="-", label="moving average")
        look = {"color": line.get_color(), "linestyle": "-", "alpha": 0.3, "linewidth": 1, "zorder": 1}
        ax.plot(self.lrs, self.losses, label="mini-batches", **look)
        ax.set(xscale="log" if self.sweep == "exponential" else "linear", xlabel="learning rate", ylabel="loss")
        finite = _finite_part(self.smoothed)
        if len(finite) and finite.min() > 0:  # one exploded mini-batch must not flatten the rest of the curve
            ax.set_ylim(0.8 * finite.min(), 2 * np.median(finite[: _reach(len(finite)) + 1]))
        if self.has_descent:
            ax.axvline(self.suggestion, linestyle="--", color="0.3", label=f"{self.rule}: {self.suggestion:.2g}")
        ax.legend()

    def __repr__(self) -> str:
        end = f"diverged at {self.diverged_at:.2g}" if self.diverged_at is not None else "no divergence"
        advice = f"suggests {self.suggestion:.2g} ({self.rule})" if self.has_descent else "no descent"
        return f"RangeTest({self.lrs[0]:.2g} to {self.lrs[-1]:.2g}, {len(self.lrs)} steps: {end}, {advice})"


def range_test(
    model,
    optimizer,
    data: Dataset,
    lr_min: float = 1e-4,
    lr_max: float = 10.0,
    steps: int = 200,
    sweep: str = "exponential",
    smoothing: float = 0.9,
    stop_factor: float | None = 4,
    batch_size: int = 32,
    seed: int = 0,
    suggest: str = "steepest",
    loss=None,
    progress: bool | None = None,
) -> RangeTest:
    r"""Train with a rising learning rate, record the loss, and put everything back as it was.

    Step :math:`t = 0 \dots T-1` of T is made with

    .. math::
        \eta_t = \eta_{min} (\eta_{max} / \eta_{min})^{t/(T-1)} \quad\text{(exponential)}, \qquad
        \eta_t = \eta_{min} + (\eta_{max} - \eta_{min})\, t/(T-1) \quad\text{(linear)}.

    The loss is smoothed by a moving average :math:`a_t = \beta a_{t-1} + (1-\beta) L_t`, shown as
    :math:`a_t / (1-\beta^{t+1})`, which is not biased towards 0 at the start. It trails behind the losses by about
    :math:`\beta/(1-\beta)` steps.

    Args:
        model, optimizer, data, batch_size, seed, loss, progress: As in ``training.fit``. A schedule of the optimizer
            is set aside during the test.
        lr_min: First learning rate, greater than 0 (for a linear sweep 0 is allowed).
        lr_max: Last learning rate, greater than ``lr_min``.
        steps: Mini-batches, at least 10; fewer are used when the test is stopped.
        sweep: ``"exponential"`` (the same number of steps for each decade) or ``"linear"`` (as Smith has it).
        smoothing: β of the moving average, in [0, 1); 0 smooths nothing.
        stop_factor: Stop when the moving average exceeds its lowest value so far by this factor (more than 1), or when
            the loss is NaN or infinite. None goes on to the end whatever happens, NaN gaps included.
        suggest: Rule of the suggestion, see ``suggest``.

    Returns:
        A RangeTest. The model and its layers, all that the optimizer has (tensors that are not the model's too),
        gradients, schedule, and the random numbers of Paddle, NumPy and Python are, bit for bit, what they were
        before the call, even if it raised or was interrupted. (What else a layer may refer to, an object of a class of
        your own, say, is not looked into.)

    Raises:
        TypeError, ValueError: An argument is of the wrong kind or out of range; the message names it.
        ValueError: Nothing would be trained, because no parameter of the optimizer gets a gradient in the first step.

    Example:
        >>> from course_lib import data, models, optimizer
        >>> digits = data.load("digits")
        >>> model = models.mlp(digits, seed=0)
        >>> sgd = optimizer.SGD(learning_rate=0.1, parameters=model.parameters())
        >>> found = range_test(model, sgd, digits, lr_max=100.0)
        >>> 0.03 < found.suggestion < 3 < found.diverged_at < 100
        True

    Source: Smith 2017 (see above), whose sweep is linear, whose curve is the accuracy, and who reads the two bounds
    of a cyclical schedule from it by eye. The exponential sweep, the smoothed loss and the rules are later custom.
    """
    check_run(model, optimizer, data, loss=loss)
    errors.choice("suggest", suggest, RULES)
    lrs = _sweep(lr_min, lr_max, errors.whole("steps", steps, low=10), sweep)
    average = _MovingAverage(errors.number("smoothing", smoothing, 0, 1, high_open=True))
    if stop_factor is not None:
        errors.number("stop_factor", stop_factor, 1, low_open=True)
    errors.whole("batch_size", batch_size, low=1)
    errors.whole("seed", seed, low=0)
    losses, smoothed, diverged_at = [], [], None
    with seeded(seed), untouched(model, optimizer), schedule_set_aside(optimizer), training_mode(model, True):
        gradients = losses_with_gradients(model, optimizer, data.train, batch_size, seed, loss)
        for lr, value in zip(with_bar(lrs, steps, progress), gradients):
            losses.append(value)
            smoothed.append(average.update(value))
            if stop_factor is not None and _exploded(smoothed, stop_factor):
                diverged_at = lr
                break
            optimizer.set_lr(lr)
            optimizer.step()
            optimizer.clear_grad()
    return RangeTest(np.array(lrs[: len(losses)]), np.array(losses), np.array(smoothed), suggest, diverged_at, sweep)


def suggest(lrs, smoothed, rule: str = "steepest") -> float:
    """Suggest a learning rate from the curve of a range test.

    ``"steepest"``: where, before its lowest point, the smoothed loss falls fastest per step of the sweep. The slope is
    taken over a tenth of the curve, so that the noise of single mini-batches does not decide.
    ``"minimum/10"``: a tenth of the learning rate at which the smoothed loss is lowest. The minimum itself is too
    large: there the loss is about to explode.

    Args:
        lrs: Learning rates ``[n]``, each greater than the one before.
        smoothed: Smoothed losses ``[n]``, n at least 10; what comes after the first NaN or infinity is not used.
        rule: One of ``RULES``.

    Raises:
        TypeError: ``lrs`` or ``smoothed`` are no numbers.
        ValueError: An unknown rule, arrays that do not fit, or a curve that has no descent: the loss never gets a
            tenth lower than at the start, so there is no learning rate to suggest.

    Example:
        >>> lrs = np.logspace(-4, 1, 101)
        >>> losses = 2.3 - 1.5 / (1 + (0.1 / lrs) ** 2) + (lrs / 3) ** 4
        >>> round(suggest(lrs, losses), 3), round(suggest(lrs, losses, "minimum/10"), 3)
        (0.1, 0.089)
    """
    errors.choice("rule", rule, RULES)
    lrs, smoothed = _array("lrs", lrs), _array("smoothed", smoothed)
    if lrs.ndim != 1 or lrs.shape != smoothed.shape:
        raise ValueError(f"lrs and smoothed must be two lists of one length, got {lrs.shape} and {smoothed.shape}")
    if len(lrs) < 10:
        raise ValueError(f"lrs and smoothed must have at least 10 entries, got {len(lrs)}")
    if not (np.isfinite(lrs).all() and (np.diff(lrs) > 0).all()):
        raise ValueError("lrs must be finite numbers, each greater than the one before")
    smoothed = _finite_part(smoothed)
    if not _has_descent(smoothed):
        raise ValueError(
            "the curve has no descent, so there is no learning rate to suggest: try another range lr_min … lr_max; "
            "if that does not help, look for a fault in the model, the loss or the labels"
        )
    if rule == "minimum/10":
        return float(lrs[smoothed.argmin()] / 10)
    reach = _reach(len(smoothed))
    descent = smoothed[: max(smoothed.argmin(), 2 * reach) + 1]  # what falls later falls from an explosion
    return float(lrs[reach + (descent[2 * reach :] - descent[: -2 * reach]).argmin()])


@contextlib.contextmanager
def untouched(model, optimizer):
    """Whatever is trained inside the block, model and optimizer are afterwards, bit for bit, what they were.

    So are the gradients, and the random numbers that come next from NumPy and Python.
    """
    changeable = list(_changeable([*model.sublayers(include_self=True), vars(optimizer)]))
    contents = [(thing, _content(thing)) for thing in changeable]
    parameters = _unique([*model.parameters(), *parameters_of(optimizer)])
    gradients = [(parameter, copy.deepcopy(parameter.grad)) for parameter in parameters]
    tensors = [t for t in _unique([*parameters, *_tensors(changeable)]) if t._is_initialized()]  # one of LSTM's is not
    before = [(tensor, tensor.detach().clone(), tensor.stop_gradient) for tensor in tensors]
    with schedule_set_aside(optimizer):  # Paddle's keeps its state in the tensors; that of ours lies in its blocks
        state = optimizer.state_dict() if isinstance(optimizer, Optimizer) else None
    numpys, pythons = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(numpys)
        random.setstate(pythons)
        for thing, content in contents:
            _refill(thing, content)
        for tensor, value, stop_gradient in before:
            with paddle.no_grad():
                tensor.set_value(value)
            tensor.stop_gradient = stop_gradient
        for parameter, gradient in gradients:
            _put_back_gradient(parameter, gradient)
        with schedule_set_aside(optimizer):
            if state is not None:
                optimizer.set_state_dict(state)


@contextlib.contextmanager
def schedule_set_aside(optimizer):
    """Inside the block the learning rate is a number, which ``set_lr`` may change."""
    learning_rate = optimizer._learning_rate
    optimizer._learning_rate = optimizer.get_lr()
    try:
        yield
    finally:
        optimizer._learning_rate = learning_rate


# The pieces ---------------------------------------------------------------------------------------------------


class _MovingAverage:
    """Exponential moving average of the finite values, without bias towards 0 at the start."""

    def __init__(self, beta: float):
        self.beta, self.sum, self.weight = beta, 0.0, 0.0

    def update(self, value: float) -> float:
        if not math.isfinite(value):
            return math.nan
        self.sum = self.beta * self.sum + (1 - self.beta) * value
        self.weight = self.beta * self.weight + (1 - self.beta)
        return self.sum / self.weight


def _exploded(smoothed: list[float], stop_factor: float) -> bool:
    lowest = min(smoothed)
    return not smoothed[-1] <= lowest + (stop_factor - 1) * abs(lowest)  # true for NaN


def _sweep(lr_min, lr_max, steps: int, sweep: str) -> list[float]:
    errors.choice("sweep", sweep, SWEEPS)
    lr_min = errors.number("lr_min", lr_min, 0, low_open=sweep == "exponential")
    lr_max = errors.number("lr_max", lr_max, lr_min, low_open=True)
    space = np.geomspace if sweep == "exponential" else np.linspace
    return space(lr_min, lr_max, steps).tolist()


def _array(name: str, values) -> np.ndarray:
    try:
        if np.iscomplexobj(values):  # NumPy would leave the imaginary part out, with a warning
            raise TypeError
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a list of numbers, got {values!r:.60}") from None


def _finite_part(smoothed: np.ndarray) -> np.ndarray:
    finite = np.isfinite(smoothed)
    return smoothed if finite.all() else smoothed[: finite.argmin()]


def _has_descent(smoothed: np.ndarray) -> bool:
    smoothed = _finite_part(smoothed)
    if len(smoothed) < 10:
        return False
    start = np.median(smoothed[: _reach(len(smoothed)) + 1])
    return bool(smoothed.min() < start - 0.1 * abs(start))


def _reach(n: int) -> int:
    return max(1, n // 20)


def _put_back_gradient(parameter, gradient) -> None:
    if gradient is not None and gradient.is_dense():
        # What is merely set after clear_grad() would be replaced by the next backward, instead of being added to.
        with paddle.enable_grad():
            paddle.autograd.backward([paddle.assign(parameter)], [gradient])
    try:
        parameter.grad = gradient  # hooks may have changed it on the way
    except ValueError:  # Paddle 3.0 takes no None
        parameter.clear_gradient(set_to_zero=False)


_OWNERS = paddle.nn.Layer, LRScheduler, paddle.nn.clip.ClipGradBase
"""Objects whose attributes belong to them alone."""

_COLLECTIONS = dict, list, tuple, set, collections.deque

_RANDOM = {
    np.random.Generator: (
        lambda rng: rng.bit_generator.state,
        lambda rng, state: setattr(rng.bit_generator, "state", state),
    ),
    np.random.RandomState: (np.random.RandomState.get_state, np.random.RandomState.set_state),
    random.Random: (random.Random.getstate, random.Random.setstate),
}
"""Generators of random numbers, and how their state is read and set."""


def _changeable(value):
    """All collections, arrays and generators of random numbers in ``value`` whose content can change, each once."""
    found, waiting = {}, [value]
    while waiting:
        each = waiting.pop()
        each = vars(each) if isinstance(each, _OWNERS) else each
        array = isinstance(each, np.ndarray) and each.flags.writeable
        if (array or isinstance(each, _COLLECTIONS) or type(each) in _RANDOM) and id(each) not in found:
            found[id(each)] = each
            waiting += _items(each)
    return found.values()


def _items(thing):
    return thing.values() if isinstance(thing, dict) else thing if isinstance(thing, _COLLECTIONS) else ()


def _content(thing):
    read, _ = _RANDOM.get(type(thing), (copy.copy, None))
    return read(thing)


def _refill(thing, content) -> None:
    """Give a thing its content back, in place: others may know it too, as a hook's handle knows its dict."""
    if type(thing) in _RANDOM:
        _RANDOM[type(thing)][1](thing, content)
    elif isinstance(thing, np.ndarray):
        thing[...] = content
    elif isinstance(thing, (list, collections.deque)):
        thing.clear()
        thing.extend(content)
    elif isinstance(thing, (dict, set)):
        thing.clear()
        thing.update(content)


def _tensors(things):
    return [item for item in itertools.chain.from_iterable(map(_items, things)) if isinstance(item, paddle.Tensor)]


def _unique(tensors) -> list:
    """Each tensor once, however often it is used: shared weights, a parameter of model and optimizer."""
    return list({id(tensor): tensor for tensor in tensors}.values())
