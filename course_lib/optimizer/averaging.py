"""Averages of the weights that an optimizer walks through: EMA, LookAhead, ModelAverage."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from itertools import chain
from types import SimpleNamespace

import numpy as np

from ..arrays import zeros_like
from ..edge import needs_paddle, paddle
from ..errors import choice, decay_rate, not_negative, positive_whole, share
from .base import Optimizer, parameters_of
from .rule import Rule, given

MOVED_AFTER = 16_384
"""Updates after which ``ModelAverage`` moves its sum, so that small numbers are not lost beside a large one."""


def exponential_average(average, weights, decay):
    r"""Return the average after one more value, :math:`\bar\theta \leftarrow \beta\bar\theta + (1-\beta)\,\theta`.

    Args:
        average, weights: The average so far and the newest weights: floats, NumPy arrays or tensors of one shape.
        decay: β, the share of the old average that is kept, in [0, 1].

    Example:
        >>> exponential_average(np.array([0.0, 8.0]), np.array([4.0, 8.0]), decay=0.75)
        array([1., 8.])
    """
    return decay * average + (1 - decay) * weights


class Exchange:
    """What swaps averages with trained weights and back; a subclass names the averages."""

    _trained = None  # [(tensor, its trained values), …] while the averages stand in their place

    def _averaged(self) -> list:
        """Return ``[(tensor, array), …]``: what is to stand where."""
        raise NotImplementedError

    def apply(self, need_restore: bool = True):
        """Put the averages in the place of the trained weights, until ``restore``.

        Args:
            need_restore: Whether the end of a ``with`` block calls ``restore``.

        Returns:
            What a ``with`` statement takes: ``with ema.apply(): evaluate(…)``.

        Raises:
            RuntimeError: The averages already stand there, or there are none yet.
            ModuleNotFoundError: Paddle is not installed.
        """
        if paddle is None:
            raise needs_paddle(f"{type(self).__name__}.apply")
        self._refuse_while_applied("apply", "would lose the trained weights")
        averaged = self._averaged()
        self._trained = [(tensor, tensor.detach().clone()) for tensor, _ in averaged]
        for tensor, values in averaged:
            tensor.set_value(paddle.to_tensor(values, dtype=tensor.dtype))
        end = ExitStack()
        if need_restore:
            end.callback(self.restore)
        return end

    def restore(self) -> None:
        """Put the trained weights back in their place, bit for bit.

        Raises:
            RuntimeError: They are in their place.
        """
        if self._trained is None:
            raise RuntimeError(f"{type(self).__name__}.restore() has nothing to put back: call apply() first")
        for tensor, values in self._trained:
            tensor.set_value(values)
        self._trained = None

    def _refuse_while_applied(self, method: str, what_it_would_do: str) -> None:
        if self._trained is not None:
            raise RuntimeError(
                f"{type(self).__name__}.{method}() {what_it_would_do} while the averages stand in the model: "
                "call restore() first"
            )


class EMA(Exchange):
    r"""The exponential moving average of a model's weights: smoother than the weights, and often better.

    The weights θ of every step go into the average with the share 1 - β; those of long ago fade:

    .. math::  \bar\theta \leftarrow \beta\bar\theta + (1-\beta)\,\theta

    About 1/(1-β) steps count. At first there are fewer, and the average would hang on to the random weights of the
    beginning: after t steps they still have the share :math:`\beta^t`. So β is smaller at first (``correction``):

    .. math::

        \text{"warm-up"}: \quad \beta_t = \min\Big(\beta, \frac{1+t}{10+t}\Big)
        \qquad\qquad
        \text{"bias"}: \quad \beta_t = \beta\,\frac{1-\beta^{t-1}}{1-\beta^t}

    With the first, TensorFlow's, about the last tenth of the steps counts, as long as that is less than 1/(1-β): the
    average keeps up with weights that are still far from their goal. The second is the bias correction of Adam, an
    average from 0 divided by :math:`1-\beta^t`: of the random weights nothing is left, but at first all steps count
    alike, the poor ones of the beginning too. After some multiples of 1/(1-β) steps all are the same.

    Everything that is a fraction is averaged, in 64 bits whatever the model has: with β and 1 - β rounded to 32 bits
    the average of weights that stand still would move. That includes the running mean and variance of BatchNorm: they
    describe what flows through the network at the weights of the last steps, as the average does; copied, they would
    describe the newest weights alone. Whole numbers and truth values, such as counters, are copied.

    Args:
        model: The ``paddle.nn.Layer`` whose weights are averaged. What is added to it later is averaged from then on,
            as if it started anew; a tensor that is in it twice is one.
        decay: β, in [0, 1).
        correction: ``"warm-up"``, ``"bias"``, or ``None`` for β from the first step on.

    Raises:
        TypeError: ``model`` is no layer, ``decay`` no number.
        ValueError: ``decay`` is out of range, ``correction`` unknown.
        ModuleNotFoundError: Paddle is not installed.

    Example:
        >>> import paddle
        >>> from course_lib import optimizer
        >>> model = paddle.nn.Linear(1, 1)
        >>> ema = optimizer.EMA(model, decay=0.5, correction="bias")
        >>> for weight in (1.0, 4.0):  # in place of two steps of training
        ...     _ = model.weight.set_value(paddle.full([1, 1], weight))
        ...     ema.update()
        >>> with ema.apply():  # (½·1 + 1·4) / (½ + 1)
        ...     model.weight.item()
        3.0
        >>> model.weight.item()
        4.0

    Source: B. Polyak, A. Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992, with equal shares for
    all steps. Everyday Paddle has no such class: ``paddle.static.ExponentialMovingAverage`` raises in dynamic mode.
    """

    def __init__(self, model, decay: float = 0.999, correction: str | None = "warm-up"):
        if paddle is None:
            raise needs_paddle("EMA")
        if not isinstance(model, paddle.nn.Layer):
            raise TypeError(f"model must be a paddle.nn.Layer, got {model!r} ({type(model).__name__})")
        self.model, self.decay = model, decay_rate("decay", decay)
        self.correction = choice("correction", correction, ("warm-up", "bias", None))
        self._averages = {name: (_values(tensor), 0) for name, tensor in self._tensors().items()}  # with updates so far

    def decay_at(self, t: int) -> float:
        """Return β at the ``t``-th update, counted from 1.

        Example:
            >>> import paddle
            >>> [EMA(paddle.nn.Linear(1, 1), 0.5, way).decay_at(2) for way in ("warm-up", "bias", None)]
            [0.25, 0.3333333333333333, 0.5]
        """
        if self.correction == "warm-up":
            return min(self.decay, (1 + t) / (10 + t))
        if self.correction == "bias":
            return self.decay * (1 - self.decay ** (t - 1)) / (1 - self.decay**t)
        return self.decay

    def update(self) -> None:
        """Take the weights of this moment into the average: to be called after each step of the optimizer.

        Raises:
            RuntimeError: The averages stand in the model; they would be averaged once more.
            ValueError: A tensor of the model has another shape than before.
        """
        self._refuse_while_applied("update", "would average the average")
        averages = {}
        for name, tensor in self._tensors().items():
            values = _values(tensor)
            average, t = self._averages.get(name, (values, 0))
            _check_shape(name, values, average)
            decay = self.decay_at(t + 1) if values.dtype == np.float64 else 0
            # 0 times the infinity of a mask would be no number
            averages[name] = (exponential_average(average, values, decay) if decay else values), t + 1
        self._averages = averages

    def state_dict(self) -> dict:
        """Return a copy of the averages and of the number of updates; ``paddle.save`` takes it.

        Raises:
            RuntimeError: The averages stand in the model: what is saved of the model now are not the trained weights.
        """
        self._refuse_while_applied("state_dict", "would be saved beside a model without its trained weights")
        return {
            "average": {name: paddle.to_tensor(average) for name, (average, _) in self._averages.items()},
            "updates": {name: t for name, (_, t) in self._averages.items()},
        }

    def set_state_dict(self, state_dict: dict) -> None:
        """Continue from what ``state_dict`` returned, bit for bit.

        Raises:
            RuntimeError: The averages stand in the model.
            TypeError: It is no dict of that kind.
            ValueError: It belongs to a model with other names or shapes. Then nothing is changed.
        """
        self._refuse_while_applied("set_state_dict", "would replace what is in use")
        if not isinstance(state_dict, dict) or not {"average", "updates"} <= state_dict.keys():
            raise TypeError(f"state_dict must be a dict as EMA.state_dict() returns it, got {state_dict!r:.60}")
        saved, updates, tensors = state_dict["average"], state_dict["updates"], self._tensors()
        if not saved.keys() == updates.keys() == tensors.keys():
            other = sorted((saved.keys() ^ tensors.keys()) | (saved.keys() ^ updates.keys()))
            raise ValueError(f"state_dict must hold the model's own tensors; on one side only: {', '.join(other[:3])}")
        averages = {name: (_values(saved[name]), int(updates[name])) for name in tensors}
        for name, tensor in tensors.items():
            _check_shape(name, tensor, averages[name][0])
        self._averages = averages

    def _tensors(self) -> dict:
        named = chain(self.model.named_parameters(), self.model.named_buffers())
        return {name: tensor for name, tensor in named if tensor._is_initialized()}  # one of LSTM's is not

    def _averaged(self) -> list:
        tensors = self._tensors()
        for name, (average, _) in self._averages.items():
            if name in tensors:
                _check_shape(name, tensors[name], average)
        return [(tensors[name], average) for name, (average, _) in self._averages.items() if name in tensors]


def _values(tensor) -> np.ndarray:
    """Return a copy of a tensor as an array: fractions in 64 bits, all else as it is."""
    return (tensor.detach().astype("float64") if tensor.is_floating_point() else tensor).numpy()


def _check_shape(name: str, values, average: np.ndarray) -> None:
    if tuple(values.shape) != average.shape:
        raise ValueError(
            f"{name} has the shape {list(values.shape)} in the model, but its average has {list(average.shape)}: "
            "make a new EMA after a tensor has been replaced"
        )


class SlowWeights(Optimizer):
    """What LookAhead does after each step of the optimizer inside: a rule of its own, for the same parameters."""

    slots = ("slow",)
    hyperparameters = {"alpha": share, "k": positive_whole}

    def __init__(self, alpha, k, parameters, name):
        super().__init__(learning_rate=0.0, **given(vars()))

    def rule(self, x, g, s, lr):
        if s.t == 1:
            s.slow = s.slow + x  # from zero: a copy, since x is the parameter itself
        if s.t % self.k:
            return x
        s.slow = s.slow + self.alpha * (x - s.slow)
        return s.slow


class LookAhead(paddle.optimizer.Optimizer if paddle else object):
    r"""LookAhead: k steps ahead, one step back.

    Another optimizer takes k fast steps θ; then slow weights φ go a part α of the way that it has found, and it goes on
    from there. Every k steps:

    .. math::

        \phi &\leftarrow \phi + \alpha\,(\theta - \phi) \\
        \theta &\leftarrow \phi

    Noise and oscillation, which lead nowhere in k steps, are damped; with α = 1 nothing is changed.

    Args:
        inner_optimizer: The optimizer that takes the steps, of this library or of Paddle. Its learning rate, schedule,
            groups and clipping stay in force; what is asked of or set in LookAhead (``get_lr``, ``clear_grad``, …) is
            asked of or set in it.
        alpha: α, in [0, 1].
        k: Number of fast steps, at least 1.
        name: Part of the slow weights' names in ``state_dict``.

    Raises:
        TypeError, ValueError: An argument is of the wrong kind or out of range; the message names it.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> ahead = optimizer.LookAhead(optimizer.SGD(learning_rate=0.5), alpha=0.5, k=2)
        >>> x, s = np.array([10.0]), ahead.fresh_state(np.zeros(1))
        >>> for s.t in (1, 2, 3, 4):
        ...     x = ahead.rule(x, np.ones(1), s, lr=0.5)
        ...     x.item(), s.slow.item()
        (9.5, 9.5)
        (9.25, 9.25)
        (8.75, 9.25)
        (8.75, 8.75)

    Source: M. Zhang, J. Lucas, G. Hinton, J. Ba, Lookahead Optimizer: k steps forward, 1 step back, 2019. There φ
    starts at the weights before the first step; here, as in Paddle, at those after it, so that the way of the first
    round has k - 1 steps.

    Three things are not as in Paddle. ``get_lr`` and ``set_lr`` are about the learning rate, in Paddle about α.
    ``state_dict`` holds the state of the optimizer inside and the place in the round, too, so that a resumed run equals
    the unbroken one; in Paddle it holds the slow weights alone, and they are overwritten at the next step. And a
    parameter that gets its first gradient later has its first round later; in Paddle its φ stays 0, and the parameter
    is pulled there. A state of Paddle's can be loaded: its slow weights begin a new round.
    """

    def __init__(self, inner_optimizer, alpha: float = 0.5, k: int = 5, name: str | None = None):
        needed = ("step", "minimize", "get_lr", "state_dict")
        if not all(hasattr(inner_optimizer, each) for each in needed) or hasattr(inner_optimizer, "inner_optimizer"):
            raise TypeError(
                "inner_optimizer must be an optimizer of course_lib.optimizer or paddle.optimizer, "
                f"got {inner_optimizer!r} ({type(inner_optimizer).__name__})"
            )
        if hasattr(inner_optimizer, "line_search_fn"):
            raise TypeError("inner_optimizer must make a step from one gradient; LBFGS asks for the loss")
        self.inner_optimizer = inner_optimizer
        self._slow_weights = SlowWeights(alpha, k, parameters_of(inner_optimizer) or None, name)

    def step(self) -> None:
        """Let the optimizer inside take its step, and at every k-th go back a part of the way."""
        self.inner_optimizer.step()
        self._slow_weights.step()

    def minimize(self, loss, startup_program=None, parameters=None, no_grad_set=None):
        """Do what ``step`` does, for the parameters that the optimizer's ``minimize`` updates, and return the same."""
        operators, pairs = self.inner_optimizer.minimize(loss, startup_program, parameters, no_grad_set)
        self._slow_weights.apply_gradients(pairs)
        return operators, pairs

    def apply_gradients(self, params_grads) -> list:
        """Do what ``step`` does by the ``[(parameter, gradient), …]`` given."""
        operators = self.inner_optimizer.apply_gradients(params_grads)
        self._slow_weights.apply_gradients(params_grads)
        return operators

    def state_dict(self) -> dict:
        """Return the state of the optimizer inside, the slow weights ``…_slow_0`` and the steps ``…_slow_steps_0``."""
        return {**self.inner_optimizer.state_dict(), **self._slow_weights.state_dict()}

    def set_state_dict(self, state_dict: dict) -> None:
        """Continue from a state that this class has saved, or Paddle's, whose slow weights begin a new round.

        Raises:
            TypeError, ValueError: It does not fit; then nothing is changed.
        """
        before = self._slow_weights.state_dict()
        own = self._slow_weights.own_entries(state_dict)
        self._slow_weights.set_state_dict(own)
        new = self._slow_weights.states_in_use()
        of_paddle = bool(new) and not any(state.t for state in new)  # it has no number of steps
        for state in new if of_paddle else ():
            state.t = self.k
        inside = {key: value for key, value in state_dict.items() if key not in own}
        try:
            if inside or not of_paddle:
                self.inner_optimizer.set_state_dict(inside)
        except Exception:
            self._slow_weights.set_state_dict(before)
            raise

    load_state_dict = set_state_dict

    def rule(self, x, g, s, lr):
        """Return the new parameter, as ``Optimizer.rule`` does: the step of the optimizer inside, and what follows."""
        return self._slow_weights.rule(self.inner_optimizer.rule(x, g, s, lr), g, s, lr)

    advance = Rule.advance

    def fresh_state(self, x):
        """Return the state before the first step for a parameter like ``x``: that of both."""
        state = self._slow_weights.fresh_state(x)
        vars(state).update(vars(self.inner_optimizer.fresh_state(x)))
        return state

    @property
    def alpha(self) -> float:
        """The part of the way that the slow weights go."""
        return self._slow_weights.alpha

    @property
    def k(self) -> int:
        """The number of fast steps in a round."""
        return self._slow_weights.k

    @property
    def _learning_rate(self):
        return self.inner_optimizer._learning_rate

    @_learning_rate.setter
    def _learning_rate(self, value):
        self.inner_optimizer._learning_rate = value

    def __getattr__(self, name: str):
        """Look in the optimizer inside for what is not here."""
        if name in ("inner_optimizer", "_slow_weights"):  # asked for while a copy is being made
            raise AttributeError(name)
        return getattr(self.inner_optimizer, name)

    def __copy__(self):
        """Return a copy with an optimizer of its own: its learning rate can be set without that of the first."""
        twin = object.__new__(type(self))
        vars(twin).update({name: copy.copy(value) for name, value in vars(self).items()})
        return twin


def _handed_on(name: str):
    def method(self, *arguments, **settings):
        return getattr(self.inner_optimizer, name)(*arguments, **settings)

    method.__name__, method.__doc__ = name, "As that of the optimizer inside."
    return method


for _name in (
    *("get_lr", "set_lr", "set_lr_scheduler", "clear_grad", "clear_gradients", "zero_grad"),
    *("backward", "get_opti_var_name_list"),
):
    setattr(LookAhead, _name, _handed_on(_name))


class ModelAverage(Exchange, Optimizer):
    r"""The plain average of the weights of the last steps, between one and two windows long.

    It sums the weights of each step until a window is full; then the sum is set aside and a new one is begun. The
    average is over both, the window that was filled last and what has come since:

    .. math::

        \bar\theta = \frac{\sum_{\text{last full window}} \theta + \sum_{\text{since then}} \theta}
            {n_\text{full} + n_\text{since}}

    A window is full with n steps at the t-th update if

    .. math::  n \ge n_{\min} \quad\text{and}\quad n \ge \min(n_{\max}, \lfloor \text{rate} \cdot t \rfloor)

    Until the first one is full everything counts, the first steps too. So with the defaults it is the average of all
    steps up to 10,000; with a rate of 0.15 and windows of 2 to 10, two steps and three are averaged in turn at first.
    As in Paddle there are three sums: that of the last full window is the third, and every 16,384 updates the first is
    added to the second and begins anew, since in a long sum the last digits of what is added are lost.

    Args:
        average_window_rate: Length of a window as a share of the updates so far, at least 0.
        parameters: The tensors to average, or groups of them; none of their settings has an effect.
        min_average_window: Shortest window in steps, at least 1. (The name is Paddle's: it goes before the rate.)
        max_average_window: Longest window in steps, at least ``min_average_window``.
        name: Part of the sums' names in ``state_dict``.

    Raises:
        TypeError, ValueError: An argument is of the wrong kind or out of range; the message names it.

    Example:
        >>> import paddle
        >>> from course_lib import optimizer
        >>> x = paddle.to_tensor([2.0], stop_gradient=False)
        >>> sgd = optimizer.SGD(learning_rate=1.0, parameters=[x])
        >>> average = optimizer.ModelAverage(0.15, [x], min_average_window=2, max_average_window=10)
        >>> for _ in range(3):  # to 1, 0 and -1
        ...     x.sum().backward()
        ...     sgd.step()
        ...     average.step()
        ...     sgd.clear_grad()
        >>> with average.apply():
        ...     x.item()
        0.0
        >>> x.item()
        -1.0

    Source: B. Polyak, A. Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992, where all steps count;
    the rule for the window is Paddle's own. As in Paddle, only a parameter with a gradient is averaged; but one that
    has none keeps its value, where Paddle divides 0 by 0, and no order of calls loses the trained weights: in Paddle a
    second ``apply`` overwrites what ``restore`` would bring back, ``restore`` without ``apply`` sets all weights to 0,
    and ``apply`` without ``with`` does nothing. Of float64 parameters Paddle makes float32 ones when it applies.
    """

    slots = ("sum_1", "sum_2", "sum_3")
    scalars = {"num_accumulates": 0, "old_num_accumulates": 0}
    hyperparameters = {
        "average_window_rate": not_negative,
        "min_average_window": positive_whole,
        "max_average_window": positive_whole,
    }

    def __init__(
        self, average_window_rate, parameters=None, min_average_window=10000, max_average_window=10000, name=None
    ):
        super().__init__(learning_rate=0.0, **given(vars()))
        if self.min_average_window > self.max_average_window:
            raise ValueError(
                f"min_average_window must be at most max_average_window = {max_average_window}, "
                f"got {min_average_window}"
            )

    def rule(self, x, g, s, lr):
        s.sum_1 = s.sum_1 + x
        s.num_accumulates += 1
        if s.t % MOVED_AFTER == 0:
            s.sum_2 = s.sum_2 + s.sum_1
            s.sum_1 = zeros_like(x)
        if s.num_accumulates >= max(self.min_average_window, self.window_at(s.t)):
            s.sum_3 = s.sum_1 + s.sum_2
            s.sum_1, s.sum_2 = zeros_like(x), zeros_like(x)
            s.old_num_accumulates, s.num_accumulates = s.num_accumulates, 0
        return x

    def window_at(self, t: int) -> int:
        """Return the length of a full window at the ``t``-th update, in steps, before ``min_average_window`` counts.

        Example:
            >>> [ModelAverage(0.15, None, 2, 10).window_at(t) for t in (10, 20, 100)]
            [1, 3, 10]
        """
        return min(self.max_average_window, int(np.float32(t) * np.float32(self.average_window_rate)))  # Paddle's bits

    def average(self, s):
        """Return the average of the weights that a state ``s`` has seen."""
        return (s.sum_1 + s.sum_2 + s.sum_3) / (s.num_accumulates + s.old_num_accumulates)

    def step(self) -> None:
        """Take the weights of this moment into the average: to be called after each step of the optimizer.

        Raises:
            RuntimeError: The averages stand in the model; they would be averaged once more.
        """
        self._refuse_while_applied("step", "would average the average")
        super().step()

    def apply_gradients(self, params_grads) -> list:
        """Do what ``step`` does, for the parameters given."""
        self._refuse_while_applied("apply_gradients", "would average the average")
        return super().apply_gradients(params_grads)

    def apply(self, executor=None, need_restore: bool = True):
        """Put the averages in the place of the trained weights, as ``EMA.apply`` does; ``executor`` is ignored."""
        return super().apply(need_restore)

    def restore(self, executor=None) -> None:
        """Put the trained weights back in their place, bit for bit; ``executor`` is ignored."""
        super().restore()

    def state_dict(self) -> dict:
        """Return the sums and counts under Paddle's names.

        Raises:
            RuntimeError: The averages stand in the model: what is saved of the model now are not the trained weights.
        """
        self._refuse_while_applied("state_dict", "would be saved beside a model without its trained weights")
        return super().state_dict()

    def set_state_dict(self, state_dict: dict) -> None:
        """Continue from sums that this class or Paddle's has saved."""
        self._refuse_while_applied("set_state_dict", "would replace what is in use")
        super().set_state_dict(state_dict)

    load_state_dict = set_state_dict

    def _averaged(self) -> list:
        seen = {place: state for place, state in self._updates.states(self).items() if state.t}
        if not seen:
            raise RuntimeError("ModelAverage.apply() has no averages yet: call step() after each step of the optimizer")
        parameters = self._parameters()
        return [(parameters[place], self._average_of(parameters[place], state)) for place, state in seen.items()]

    def _average_of(self, parameter, state) -> np.ndarray:
        state.check_size(self, parameter)
        return self.average(SimpleNamespace(**state.arrays, **state.scalars)).reshape(parameter.shape)
