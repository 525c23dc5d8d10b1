"""The learning-rate range test: one short training run that shows which learning rates are worth trying.

Leslie N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3: let the learning rate
rise in every step from far too small to far too large, and look at the loss. It does not move, then it falls, then
it explodes; useful learning rates lie where it falls. ``course_lib.lr_finder`` reads them from
the curve.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import itertools
import random

import numpy as np
import paddle

from course_lib import errors
from course_lib.data import Dataset
from course_lib.edge import LRScheduler
from course_lib.lr_finder import RULES, MovingAverage, RangeTest
from course_lib.optimizer import LookAhead, Optimizer, Rprop
from course_lib.optimizer.base import parameters_of
from course_lib.optimizer.lr import schedule_set_aside
from course_lib.progress_bar import with_bar
from course_lib.seeding import seeded
from course_lib.training import check_run, losses_with_gradients, training_mode

SWEEPS = ("exponential", "linear")


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
    if isinstance(optimizer, LookAhead):
        raise TypeError("optimizer must be the one inside LookAhead: its learning rate is looked for")
    if isinstance(optimizer, (Rprop, paddle.optimizer.Rprop)):
        raise TypeError("optimizer must follow its learning rate; that of Rprop is only its first step size")
    errors.choice("suggest", suggest, RULES)
    lrs = _sweep(lr_min, lr_max, errors.whole("steps", steps, low=10), sweep)
    average = MovingAverage(errors.number("smoothing", smoothing, 0, 1, high_open=True))
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


# The pieces of range_test -------------------------------------------------------------------------------------


def _exploded(smoothed: list[float], stop_factor: float) -> bool:
    lowest = min(smoothed)
    return not smoothed[-1] <= lowest + (stop_factor - 1) * abs(lowest)  # true for NaN


def _sweep(lr_min, lr_max, steps: int, sweep: str) -> list[float]:
    errors.choice("sweep", sweep, SWEEPS)
    lr_min = errors.number("lr_min", lr_min, 0, low_open=sweep == "exponential")
    lr_max = errors.number("lr_max", lr_max, lr_min, low_open=True)
    space = np.geomspace if sweep == "exponential" else np.linspace
    return space(lr_min, lr_max, steps).tolist()


# The pieces of untouched --------------------------------------------------------------------------------------


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
