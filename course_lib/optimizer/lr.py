"""Learning-rate schedules: the twin of ``paddle.optimizer.lr``, each one a closed form of the step.

A schedule is a function of the step t, written once in its method ``formula``. Three things ask it:

* ``step()`` moves on by one and stores the new learning rate: what a training loop calls;
* ``get_lr()`` is the formula at the present step ``last_epoch``; asking twice gives the same number;
* ``at(steps)`` is the formula at any steps, for plots and tables. It touches no state, so a plot never uses up
  the schedule that the training was going to follow.

*What is a step?* Whatever calls ``step()``: a mini-batch or an epoch. ``step_size``, ``T_max``, ``milestones`` and
every other length is counted in that unit. (Most mistakes with schedules are a ``T_max`` in epochs, stepped per batch.)

Names, arguments, defaults and stepping are Paddle's, and so is the hook: every schedule is a
``paddle.optimizer.lr.LRScheduler``, so Paddle's own optimizers take it as well, and a ``state_dict`` can be loaded
from Paddle's class into ours and back. Where a schedule of Paddle's has a defect, the docstring says what ours does
instead, under *Paddle*. For all of them: arguments are checked when the schedule is made, not when it first goes wrong.
"""

from __future__ import annotations

import contextlib
import math
import numbers

import numpy as np

from ..edge import LRScheduler, is_tensor, leave_to_python, paddle
from ..errors import choice, flag, function, listed, number, only_in_paddle, whole

__all__ = [
    "CosineAnnealingDecay",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LRScheduler",
    "LambdaDecay",
    "LinearLR",
    "LinearWarmup",
    "MultiStepDecay",
    "MultiplicativeDecay",
    "NaturalExpDecay",
    "NoamDecay",
    "OneCycleLR",
    "PiecewiseDecay",
    "PolynomialDecay",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
]


def __getattr__(name):
    raise only_in_paddle(__name__, name, paddle and paddle.optimizer.lr)


class Schedule(LRScheduler):
    """A learning rate that is a function of the step. Subclass it and write ``formula``.

    Args:
        learning_rate: The learning rate that the formula scales, available to it as ``base_lr``; at least 0.
        last_epoch: The step after which to go on, a whole number of at least -1: there it starts at step 0.
        verbose: Print a line whenever the learning rate is set.

    Raises:
        TypeError, ValueError: An argument of the wrong type or out of range; the message says which and what it may be.

    Example:
        >>> class Zigzag(Schedule):
        ...     def formula(self, t):
        ...         return self.base_lr * (1 + t % 2)
        >>> zigzag = Zigzag(0.5)
        >>> zigzag.at([0, 1, 2, 3])
        array([0.5, 1. , 0.5, 1. ])
        >>> zigzag.step()
        >>> zigzag(), zigzag.last_epoch
        (1.0, 1)
    """

    has_closed_form = True  # False: the learning rate depends on more than the step
    step_tells_rate = True  # False: in a state that Paddle has saved, step and learning rate may not belong together
    watches_metric = False  # True: step() takes the metric that the schedule watches

    def __init__(self, learning_rate=0.1, last_epoch=-1, verbose=False):
        learning_rate = number("learning_rate", learning_rate, 0)
        super().__init__(learning_rate, whole("last_epoch", last_epoch, -1), flag("verbose", verbose))

    def formula(self, t) -> float:
        """The learning rate at step ``t`` = 0, 1, 2, …, computed from ``t`` and the constructor's arguments alone.

        Raises:
            NotImplementedError: The class has not defined it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define formula(t), the learning rate at step t")

    def get_lr(self) -> float:
        """The learning rate at the present step, ``last_epoch``."""
        return float(self.formula(self.last_epoch))

    def at(self, steps):
        """The learning rate at any steps; the schedule itself does not move.

        Args:
            steps: A step (int of at least 0) or an array or list of them.

        Returns:
            A float, or a float64 array of the same shape as ``steps``.

        Example:
            >>> StepDecay(0.5, step_size=2).at(3)
            0.05
        """
        return _at_each(self.formula, steps)

    def step(self, epoch=None):
        """Move on to the next step, or to step ``epoch`` if one is given, and store the learning rate there."""
        leave_to_python(recursive=True)  # inside paddle.jit.to_static(full_graph=False): leave this method to Python
        super().step(epoch if epoch is None else _not_negative("epoch", epoch))

    def current_momentum(self):
        """The momentum the optimizer should use now; None means: leave the optimizer's own alone."""
        return None

    def set_state_dict(self, state_dict):
        """Go on from a state that ``state_dict`` has saved, here or in Paddle's class of the same name.

        Raises:
            TypeError: It is no dict, or holds something else where a number belongs.
            ValueError: The step in it is negative, or the learning rate is not the one that this schedule has there.
            RuntimeError: It does not have just the entries of this class, so another class has saved it.

        With every error the schedule stays as it was.
        """
        with all_or_nothing(self):
            self.take_state(state_dict)
            self._check_learning_rate()

    set_dict = set_state_dict

    def take_state(self, state_dict):
        """Go on from a state of this class, with other arguments than it was saved with if need be."""
        if not isinstance(state_dict, dict):
            raise TypeError(f"state_dict must be a dict as state_dict() returns it, got {type(state_dict).__name__}")
        self.state_keys()
        if set(state_dict) != set(self.keys):
            raise RuntimeError(
                f"state_dict must hold {', '.join(self.keys)} for a {type(self).__name__}, "
                f"got {', '.join(map(str, state_dict)) or 'nothing'}: another schedule has saved it"
            )
        checked = {key: _checked_entry(key, value) for key, value in state_dict.items()}
        super().set_state_dict(checked)

    def _check_learning_rate(self):
        """Most classes save the same two numbers; from whom they come only the learning rate can tell."""
        if not self.has_closed_form or not self.step_tells_rate or type(self).formula is Schedule.formula:
            return
        expected = float(self.formula(self.last_epoch))
        if not math.isclose(self.last_lr, expected, rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(
                f"state_dict has the learning rate {self.last_lr:g} at step {self.last_epoch}, where this "
                f"{type(self).__name__} has {expected:g}: another schedule has saved it, or one with other arguments "
                f"(to go on with new ones, make the schedule with last_epoch={self.last_epoch - 1})"
            )


# --- Decay: start large, end small -----------------------------------------------------------------------------------


class StepDecay(Schedule):
    r"""Multiply the learning rate by gamma every ``step_size`` steps.

    .. math:: \eta_t = \eta_0\, \gamma^{\lfloor t / s \rfloor}

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        step_size: s, the number of steps at each level, a whole number of at least 1.
        gamma: The factor between levels, in [0, 1).
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> StepDecay(0.5, step_size=2, gamma=0.1).at([0, 1, 2, 3, 4])
        array([0.5  , 0.5  , 0.05 , 0.05 , 0.005])
    """

    def __init__(self, learning_rate, step_size, gamma=0.1, last_epoch=-1, verbose=False):
        self.step_size = whole("step_size", step_size, 1)
        self.gamma = number("gamma", gamma, 0, 1, high_open=True)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        return self.base_lr * self.gamma ** (t // self.step_size)


class MultiStepDecay(Schedule):
    r"""Multiply the learning rate by gamma at each of the given milestones.

    .. math:: \eta_t = \eta_0\, \gamma^{\,\#\{m \in \text{milestones}:\ m \le t\}}

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        milestones: The steps at which a new level begins, a list or tuple of increasing numbers.
        gamma: The factor between levels, in [0, 1).
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> MultiStepDecay(0.5, milestones=[2, 3]).at([0, 1, 2, 3, 4])
        array([0.5  , 0.5  , 0.05 , 0.005, 0.005])
    """

    def __init__(self, learning_rate, milestones, gamma=0.1, last_epoch=-1, verbose=False):
        self.milestones = _increasing("milestones", milestones)
        self.gamma = number("gamma", gamma, 0, 1, high_open=True)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        milestones_passed = sum(milestone <= t for milestone in self.milestones)
        return self.base_lr * self.gamma**milestones_passed


class PiecewiseDecay(Schedule):
    r"""Read the learning rate from a table.

    .. math:: \eta_t = v_i \quad\text{for}\quad b_{i-1} \le t < b_i

    and the last value from the last boundary on.

    Args:
        boundaries: The steps :math:`b_i` at which the next value begins, increasing, at least one.
        values: The learning rates :math:`v_i`, each at least 0, one more than there are boundaries. (Surplus values are
            allowed, as in Paddle: after the last boundary it is the *last* value that counts.)
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> PiecewiseDecay([2, 3], [0.1, 0.02, 0.005]).at([0, 1, 2, 3, 4])
        array([0.1  , 0.1  , 0.02 , 0.005, 0.005])
    """

    def __init__(self, boundaries, values, last_epoch=-1, verbose=False):
        self.boundaries = _increasing("boundaries", boundaries)
        self.values = _numbers("values", values)
        if not self.boundaries:
            raise ValueError("boundaries must hold at least one step, got none")
        if len(self.values) <= len(self.boundaries):
            raise ValueError(
                f"values must be one more than the {len(self.boundaries)} boundaries, got {len(self.values)}"
            )
        super().__init__(last_epoch=last_epoch, verbose=verbose)

    def formula(self, t):
        for boundary, value in zip(self.boundaries, self.values):
            if t < boundary:
                return value
        return self.values[-1]


class ExponentialDecay(Schedule):
    r"""Multiply the learning rate by gamma at every step.

    .. math:: \eta_t = \eta_0\, \gamma^t

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        gamma: The factor per step, in (0, 1). The rate halves every :math:`\ln 2 / \ln(1/\gamma)` steps.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> ExponentialDecay(0.8, gamma=0.5).at([0, 1, 2, 3])
        array([0.8, 0.4, 0.2, 0.1])
    """

    def __init__(self, learning_rate, gamma, last_epoch=-1, verbose=False):
        self.gamma = number("gamma", gamma, 0, 1, low_open=True, high_open=True)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        return self.base_lr * self.gamma**t


class NaturalExpDecay(Schedule):
    r"""Exponential decay with the rate in the exponent.

    .. math:: \eta_t = \eta_0\, e^{-\gamma t}

    The same curve as ``ExponentialDecay`` with the factor :math:`e^{-\gamma}`: here a *larger* gamma decays faster.

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        gamma: The rate of decay per step, greater than 0. The rate halves every :math:`\ln 2 / \gamma` steps.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> NaturalExpDecay(0.5, gamma=0.1).at([0, 10]).round(4)
        array([0.5   , 0.1839])
    """

    def __init__(self, learning_rate, gamma, last_epoch=-1, verbose=False):
        self.gamma = number("gamma", gamma, 0, low_open=True)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        return self.base_lr * math.exp(-self.gamma * t)


class InverseTimeDecay(Schedule):
    r"""Decay as one over time: fast at first, then ever more slowly ("1/t decay").

    .. math:: \eta_t = \frac{\eta_0}{1 + \gamma t}

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        gamma: The rate of decay per step, at least 0. The rate halves after :math:`1/\gamma` steps.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> InverseTimeDecay(0.6, gamma=1).at([0, 1, 2, 5])
        array([0.6, 0.3, 0.2, 0.1])

    Source: Robbins & Monro 1951, "A Stochastic Approximation Method": steps that shrink like 1/t sum to infinity while
    their squares do not, which is what makes the noise die out.
    """

    def __init__(self, learning_rate, gamma, last_epoch=-1, verbose=False):
        self.gamma = number("gamma", gamma, 0)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        return self.base_lr / (1 + self.gamma * t)


class PolynomialDecay(Schedule):
    r"""Fall to an end value along a power of the time that is left.

    .. math:: \eta_t = (\eta_0 - \eta_\text{end}) \left(1 - \frac{\min(t, N)}{N}\right)^p + \eta_\text{end}

    With ``cycle`` the rate does not stay at the end: N is replaced by :math:`N \lceil t/N \rceil`, the next multiple of
    N, so the rate jumps up after N, 2N, … steps and falls again, each time more slowly.

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        decay_steps: N, the number of steps to the end, a whole number of at least 1.
        end_lr: :math:`\eta_\text{end}`, at least 0.
        power: p, greater than 0; 1 is a straight line.
        cycle: Start again, over a longer distance, whenever the end is reached.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> PolynomialDecay(1.0, decay_steps=4, end_lr=0, power=2).at([0, 1, 2, 3, 4, 5])
        array([1.    , 0.5625, 0.25  , 0.0625, 0.    , 0.    ])
        >>> PolynomialDecay(1.0, decay_steps=4, end_lr=0, cycle=True).at([0, 3, 4, 5, 8])
        array([1.   , 0.25 , 0.   , 0.375, 0.   ])
    """

    def __init__(self, learning_rate, decay_steps, end_lr=0.0001, power=1.0, cycle=False, last_epoch=-1, verbose=False):
        self.decay_steps = whole("decay_steps", decay_steps, 1)
        self.end_lr = number("end_lr", end_lr, 0)
        self.power = number("power", power, 0, low_open=True)
        self.cycle = flag("cycle", cycle)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        rounds = max(math.ceil(t / self.decay_steps), 1) if self.cycle else 1
        end = self.decay_steps * rounds
        return (self.base_lr - self.end_lr) * (1 - min(t, end) / end) ** self.power + self.end_lr


class CosineAnnealingDecay(Schedule):
    r"""Fall along half a cosine: slowly at both ends, fast in the middle.

    .. math:: \eta_t = \eta_\text{min} + (\eta_0 - \eta_\text{min})\, \frac{1 + \cos(\pi t / T_\text{max})}{2}

    After ``T_max`` the cosine *rises again*, and is back at the top at ``2 * T_max``. That is Paddle's behaviour and
    the cosine's; for restarts that jump use ``CosineAnnealingWarmRestarts``.

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        T_max: The number of steps from the top to the bottom (half a period), a whole number of at least 1.
        eta_min: :math:`\eta_\text{min}`, the learning rate at the bottom, at least 0.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> CosineAnnealingDecay(1.0, T_max=4).at([0, 2, 4, 6, 8]).round(6)
        array([1. , 0.5, 0. , 0.5, 1. ])

    Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation (5), one cycle.

    Paddle computes the next rate from the last one: asked twice with ``get_lr()`` it gives two different answers, begun
    with ``last_epoch=10`` it takes the top for step 10's rate, and past ``T_max`` it keeps the rounding error that it
    picked up near the bottom (up to 6e-13 of the rate within 1,000 steps). Ours has no memory.
    """

    def __init__(self, learning_rate, T_max, eta_min=0, last_epoch=-1, verbose=False):
        self.T_max = whole("T_max", T_max, 1)
        self.eta_min = number("eta_min", eta_min, 0)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        height = (1 + math.cos(math.pi * t / self.T_max)) / 2  # from 1 to 0
        return self.eta_min + (self.base_lr - self.eta_min) * height


# --- Functions of the user's own -------------------------------------------------------------------------------------


class LambdaDecay(Schedule):
    r"""Scale the learning rate by any function of the step.

    .. math:: \eta_t = \eta_0\, \lambda(t)

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        lr_lambda: :math:`\lambda`, a function that takes the step and returns the factor.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> LambdaDecay(0.8, lambda t: 1 / (1 + t)).at([0, 1, 3])
        array([0.8, 0.4, 0.2])
    """

    def __init__(self, learning_rate, lr_lambda, last_epoch=-1, verbose=False):
        self.lr_lambda = function("lr_lambda", lr_lambda)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        return self.base_lr * self.lr_lambda(t)


class MultiplicativeDecay(Schedule):
    r"""Multiply the learning rate at every step by a factor of that step.

    .. math:: \eta_t = \eta_0 \prod_{i=1}^{t} \lambda(i)

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        lr_lambda: :math:`\lambda`, a function that takes the step i = 1, 2, … and returns the factor. It is asked once
            for each i, and the products are remembered. (Paddle multiplies all of them anew at every step.)
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> MultiplicativeDecay(0.8, lambda i: 0.5).at([0, 1, 2, 3])
        array([0.8, 0.4, 0.2, 0.1])
    """

    def __init__(self, learning_rate, lr_lambda, last_epoch=-1, verbose=False):
        self.lr_lambda = function("lr_lambda", lr_lambda)
        self._product = _RunningProduct(number("learning_rate", learning_rate, 0), self.lr_lambda)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        return self._product(t)


# --- Warm-up: begin small --------------------------------------------------------------------------------------------


class LinearWarmup(Schedule):
    r"""Rise along a straight line, then hand over to a learning rate or to another schedule.

    .. math:: \eta_t = \begin{cases}
        \eta_\text{start} + (\eta_\text{end} - \eta_\text{start})\, t / W & t < W \\
        \text{schedule}(t - W) & t \ge W \end{cases}

    The schedule inside starts at *its* step 0 when the warm-up is over; while it waits it does not move. Mind that
    ``end_lr`` is never reached: at step W the inner schedule takes over, and the two should meet there.

    Args:
        learning_rate: What follows the warm-up: a number of at least 0 or any schedule.
        warmup_steps: W, a whole number of at least 1.
        start_lr: :math:`\eta_\text{start}`, the learning rate at step 0, at least 0.
        end_lr: :math:`\eta_\text{end}`, where the line points to, greater than ``start_lr``.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``. Around ``ReduceOnPlateau`` also a ``last_epoch`` past the warm-up.

    Around ``ReduceOnPlateau``, ``step(metrics)`` takes the metric and hands it on; during the warm-up it may be left
    out, and is ignored. Around any other schedule ``step(epoch)`` takes the step to jump to, as everywhere.

    Example:
        >>> warmup = LinearWarmup(ExponentialDecay(0.8, gamma=0.5), warmup_steps=2, start_lr=0, end_lr=0.8)
        >>> warmup.at([0, 1, 2, 3, 4])
        array([0. , 0.4, 0.8, 0.4, 0.2])

    Source: Goyal et al. 2017, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", section 2.2 (gradual
    warm-up, there starting at a k-th of the full learning rate for k workers).

    Paddle hands the *step's number* to ``ReduceOnPlateau`` as if it were the metric, so in mode "min" the rate falls
    every time patience runs out, however well the training goes. Its ``get_lr()`` moves the schedule inside, and its
    ``set_dict`` forgets it.
    """

    def __init__(self, learning_rate, warmup_steps, start_lr, end_lr, last_epoch=-1, verbose=False):
        if not isinstance(learning_rate, LRScheduler):
            learning_rate = number("learning_rate", learning_rate, 0)
        self.learning_rate = learning_rate
        self.warmup_steps = whole("warmup_steps", warmup_steps, 1)
        self.start_lr = number("start_lr", start_lr, 0)
        self.end_lr = number("end_lr", end_lr, self.start_lr, low_open=True)
        self.has_closed_form = getattr(learning_rate, "has_closed_form", not isinstance(learning_rate, LRScheduler))
        self.watches_metric = watches_metric(learning_rate)
        if self.watches_metric and whole("last_epoch", last_epoch, -1) >= self.warmup_steps:
            raise ValueError(
                f"last_epoch must be below warmup_steps={self.warmup_steps} around a schedule that watches a metric "
                f"(to go on later, load its state_dict), got {last_epoch}"
            )
        super().__init__(self.start_lr, last_epoch, verbose)

    def formula(self, t):
        if t < self.warmup_steps:
            return (self.end_lr - self.start_lr) * t / self.warmup_steps + self.start_lr
        if not isinstance(self.learning_rate, LRScheduler):
            return self.learning_rate
        if not isinstance(self.learning_rate, Schedule):
            inner = type(self.learning_rate)
            raise TypeError(
                f"at() after the warm-up needs a schedule of {__name__} inside, because others cannot be asked without "
                f"being moved; got {inner.__module__}.{inner.__name__}"
            )
        return self.learning_rate.formula(t - self.warmup_steps)

    def get_lr(self):
        """The learning rate at the present step; neither this schedule nor the one inside moves."""
        if self.has_closed_form or self.last_epoch < self.warmup_steps:
            return super().get_lr()
        return float(self.learning_rate())

    def step(self, metrics=None, epoch=None):
        """Move on to the next step, or to step ``epoch``; take the schedule inside along once the warm-up is over.

        Args:
            metrics: Around ``ReduceOnPlateau`` the metric, needed after the warm-up; around anything else another
                place for ``epoch``, so that ``step(7)`` jumps to step 7 as it does in all schedules.
            epoch: The step to go to.
        """
        leave_to_python(recursive=True)
        if epoch is None and not self.watches_metric:
            metrics, epoch = None, metrics
        target = self.last_epoch + 1 if epoch is None else _not_negative("epoch", epoch)
        self._step_inside(target - self.warmup_steps, metrics)
        super().step(epoch)

    def _step_inside(self, t, metrics):
        if self.watches_metric and t > 0:  # at its step 0 it has set no learning rate that a metric could speak of
            self.learning_rate.step(metrics, t)
        elif isinstance(self.learning_rate, LRScheduler) and not self.watches_metric and t >= 0:
            self.learning_rate.step(t)

    def current_momentum(self):
        """The momentum of the schedule inside, if it drives one; during the warm-up that of its step 0."""
        return self.learning_rate.current_momentum() if isinstance(self.learning_rate, Schedule) else None

    def state_dict(self):
        """The state of this schedule, with that of the schedule inside under ``LinearWarmup_LR``."""
        state = super().state_dict()
        if isinstance(self.learning_rate, LRScheduler):
            state["LinearWarmup_LR"] = self.learning_rate.state_dict()
        return state

    def take_state(self, state_dict):
        """Go on from a state of this class and of the schedule inside."""
        if not isinstance(self.learning_rate, LRScheduler) or not isinstance(state_dict, dict):
            return super().take_state(state_dict)
        own = dict(state_dict)
        inside = own.pop("LinearWarmup_LR", None)
        if inside is None:
            raise RuntimeError(
                f"state_dict must hold 'LinearWarmup_LR', the state of the inner schedule, got {sorted(state_dict)}"
            )
        take_inside = getattr(self.learning_rate, "take_state", self.learning_rate.set_state_dict)
        take_inside(inside)
        super().take_state(own)


class LinearLR(Schedule):
    r"""Move from one fraction of the learning rate to another along a straight line, and stay there.

    .. math:: \eta_t = \eta_0 \left(f_0 + (f_1 - f_0)\, \frac{\min(t, N)}{N}\right)

    Args:
        learning_rate: :math:`\eta_0`, at least 0.
        total_steps: N, the number of steps to the end of the line, a whole number of at least 1.
        start_factor: :math:`f_0`, in (0, 1].
        end_factor: :math:`f_1`, in [0, 1].
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> LinearLR(1.0, total_steps=4, start_factor=0.5).at([0, 1, 2, 3, 4, 5]).round(6)
        array([0.5  , 0.625, 0.75 , 0.875, 1.   , 1.   ])

    Paddle walks the line by multiplying the last rate by the ratio of neighbours,
    :math:`1 + \frac{f_1 - f_0}{N f_0 + (t - 1)(f_1 - f_0)}`. Programs compare with it bit for bit, so ours takes the
    product of the same ratios; unlike Paddle's it may be asked twice, jumped about in, and begun at any ``last_epoch``.
    """

    def __init__(self, learning_rate, total_steps, start_factor=1.0 / 3, end_factor=1.0, last_epoch=-1, verbose=False):
        self.total_steps = whole("total_steps", total_steps, 1)
        self.start_factor = number("start_factor", start_factor, 0, 1, low_open=True)
        self.end_factor = number("end_factor", end_factor, 0, 1)
        start_lr = number("learning_rate", learning_rate, 0) * self.start_factor
        self._product = _RunningProduct(start_lr, self._ratio)
        super().__init__(learning_rate, last_epoch, verbose)

    def _ratio(self, t):
        rise = self.end_factor - self.start_factor
        return 1 + rise / (self.total_steps * self.start_factor + (t - 1) * rise)

    def formula(self, t):
        return self._product(min(t, self.total_steps))


class NoamDecay(Schedule):
    r"""The Transformer's schedule: rise along a line for W steps, then decay as one over the root of the step.

    .. math:: \eta_t = \eta_0\, d^{-1/2}\, \min\left(t^{-1/2},\; t\, W^{-3/2}\right)

    Both branches meet at t = W, where the rate is highest: :math:`\eta_0 / \sqrt{d\,W}`. Step 0 has the rate 0: the
    first update of a loop that calls ``step()`` after it changes nothing.

    Args:
        d_model: d, the width of the model, greater than 0.
        warmup_steps: W, a whole number of at least 1.
        learning_rate: :math:`\eta_0`, a plain factor, at least 0.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> NoamDecay(d_model=100, warmup_steps=4).at([0, 1, 4, 16]).round(6)
        array([0.    , 0.0125, 0.05  , 0.025 ])

    Source: Vaswani et al. 2017, "Attention Is All You Need", equation (3), with steps counted from 1 and a factor of 1.
    """

    def __init__(self, d_model, warmup_steps, learning_rate=1.0, last_epoch=-1, verbose=False):
        self.d_model = number("d_model", d_model, 0, low_open=True)
        self.warmup_steps = whole("warmup_steps", warmup_steps, 1)
        super().__init__(learning_rate, last_epoch, verbose)

    def formula(self, t):
        decay = t**-0.5 if t > 0 else 1.0  # at t = 0 the line is lower: 0
        warmup = self.warmup_steps**-1.5 * t
        return self.base_lr * self.d_model**-0.5 * min(decay, warmup)


# --- Cycles: raise the learning rate again ---------------------------------------------------------------------------


class CosineAnnealingWarmRestarts(Schedule):
    r"""Cosine annealing that jumps back to the top at the end of every cycle (SGDR).

    .. math:: \eta_t = \eta_\text{min} + (\eta_0 - \eta_\text{min})\, \frac{1 + \cos(\pi\, T_\text{cur} / T_i)}{2}

    where :math:`T_\text{cur}` counts the steps since the last restart and cycle i is
    :math:`T_i = T_0\, T_\text{mult}^{\,i}` steps long.

    Args:
        learning_rate: :math:`\eta_0`, the learning rate at every restart, at least 0.
        T_0: The length of the first cycle in steps, a whole number of at least 1.
        T_mult: The factor from one cycle's length to the next, a whole number of at least 1.
        eta_min: :math:`\eta_\text{min}`, where a cycle ends, at least 0.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    ``step(epoch)`` takes fractions of an epoch too, as the paper does: ``step(epoch + batch / batches)``.

    Example:
        >>> sgdr = CosineAnnealingWarmRestarts(1.0, T_0=2, T_mult=2)
        >>> sgdr.at([0, 1, 2, 4, 6]).round(6)
        array([1. , 0.5, 1. , 0.5, 1. ])
        >>> sgdr.step(121)
        >>> sgdr.T_cur, sgdr.T_i
        (59, 64)

    Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation (5).

    Paddle finds the cycle of ``step(epoch)`` by a logarithm, which rounds down at some restarts: with T_0 = 1 and
    T_mult = 3, ``step(121)`` gives eta_min instead of the maximum. It saves neither T_cur nor T_i, so a run that is
    resumed from its state begins its cycle anew, and with ``last_epoch`` beyond two cycles it loses its place. Ours
    counts cycles in whole numbers, from the step alone. After a fractional ``step(2.5)`` Paddle's ``last_epoch`` is 2
    while the rate is that of 2.5; ours keeps the 2.5, so that it is saved, too.
    """

    step_tells_rate = False  # after step(2.5) Paddle's state has step 2

    def __init__(self, learning_rate, T_0, T_mult=1, eta_min=0, last_epoch=-1, verbose=False):
        for name, value in ("T_0", T_0), ("T_mult", T_mult):
            if isinstance(value, float):  # Paddle calls this a wrong value, not a wrong type; programs may catch it
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        self.T_0 = whole("T_0", T_0, 1)
        self.T_mult = whole("T_mult", T_mult, 1)
        self.eta_min = number("eta_min", eta_min, 0)
        super().__init__(learning_rate, last_epoch, verbose)

    def cycle(self, t):
        """Where step ``t`` is: the steps since the last restart, and the length of the cycle."""
        if self.T_mult == 1:
            return t % self.T_0, self.T_0
        length = self.T_0
        while t >= length:
            t -= length
            length *= self.T_mult
        return t, length

    def formula(self, t):
        T_cur, T_i = self.cycle(t)
        height = (1 + math.cos(math.pi * T_cur / T_i)) / 2  # from 1 to 0
        return self.eta_min + (self.base_lr - self.eta_min) * height

    @property
    def T_cur(self):
        """Steps since the last restart."""
        return self.cycle(self.last_epoch)[0]

    @property
    def T_i(self):
        """Length of the present cycle in steps."""
        return self.cycle(self.last_epoch)[1]


class CyclicLR(Schedule):
    r"""Go up and down between two bounds, again and again.

    .. math:: \eta_t = \eta_\text{base} + (\eta_\text{max} - \eta_\text{base})\, \text{height}(t)\, \text{scale}

    where height rises from 0 to 1 in ``step_size_up`` steps and falls back in ``step_size_down``. The scale is 1 for
    "triangular", halves with every cycle for "triangular2" and is :math:`\gamma^t` for "exp_range". A cycle is *both*
    ways: ``step_size_up`` is the half that the paper calls the step size.

    Args:
        base_learning_rate: :math:`\eta_\text{base}`, the lower bound, at least 0.
        max_learning_rate: :math:`\eta_\text{max}`, the upper bound, at least the lower one.
        step_size_up: Steps on the way up, a whole number of at least 1. The paper advises 2 to 10 epochs' worth.
        step_size_down: Steps on the way down; None means as many as up.
        mode: "triangular", "triangular2" or "exp_range". Ignored if there is a ``scale_fn``.
        exp_gamma: :math:`\gamma` of "exp_range", at least 0.
        scale_fn: A scale of your own: a function of the cycle's number 1, 2, … or of the step.
        scale_mode: What ``scale_fn`` is given: "cycle" or "iterations".
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> CyclicLR(0.25, 1.25, step_size_up=2).at([0, 1, 2, 3, 4, 5])
        array([0.25, 0.75, 1.25, 0.75, 0.25, 0.75])
        >>> CyclicLR(0.25, 1.25, step_size_up=2, mode="triangular2").at([2, 6, 10])
        array([1.25, 0.75, 0.5 ])

    Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3. The momentum is not cycled.

    Paddle's "triangular2" raises OverflowError from the 1025th cycle on; ours fades out. Paddle takes swapped bounds
    without a word and turns the triangle upside down; ours says so.
    """

    def __init__(
        self,
        base_learning_rate,
        max_learning_rate,
        step_size_up,
        step_size_down=None,
        mode="triangular",
        exp_gamma=1.0,
        scale_fn=None,
        scale_mode="cycle",
        last_epoch=-1,
        verbose=False,
    ):
        base_learning_rate = number("base_learning_rate", base_learning_rate, 0)
        self.max_lr = number("max_learning_rate", max_learning_rate, base_learning_rate)
        self.amplitude = self.max_lr - base_learning_rate
        up = whole("step_size_up", step_size_up, 1)
        down = up if step_size_down is None else whole("step_size_down", step_size_down, 1)
        self.cycle_size = float(up + down)
        self.step_up_pct = up / self.cycle_size
        self.gamma = number("exp_gamma", exp_gamma, 0)
        self.scale_fn = None if scale_fn is None else function("scale_fn", scale_fn)
        self.scale_mode = choice("scale_mode", scale_mode, ["cycle", "iterations"])
        self.mode = mode if scale_fn else choice("mode", mode, ["triangular", "triangular2", "exp_range"])
        super().__init__(base_learning_rate, last_epoch, verbose)

    def formula(self, t):
        cycle = 1 + t // self.cycle_size
        position = 1 + t / self.cycle_size - cycle  # in [0, 1): how far around
        if position <= self.step_up_pct:
            height = position / self.step_up_pct
        else:
            height = (1 - position) / (1 - self.step_up_pct)
        return self.base_lr + self.amplitude * height * self._scale(t, cycle)

    def _scale(self, t, cycle):
        if self.scale_fn is not None:
            return self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.mode == "triangular2":
            return 0.5 ** (cycle - 1)
        return self.gamma**t if self.mode == "exp_range" else 1.0


class OneCycleLR(Schedule):
    r"""One cycle: up to a large learning rate, down again, and below where it began (1cycle).

    Between its knots the rate follows ``anneal_strategy``. With :math:`p` = ``phase_pct`` and N = ``total_steps``:

    ============ ============ ================= ============== ==============
    step         0            :math:`pN - 1`    :math:`2pN-2`  :math:`N - 1`
    ============ ============ ================= ============== ==============
    two phases   max/divide   max                              end
    three phases max/divide   max               max/divide     end
    momentum     high         low               (high)         high
    ============ ============ ================= ============== ==============

    .. math:: \text{cos: } v_1 + \frac{v_0 - v_1}{2}\,(1 + \cos \pi s), \qquad \text{linear: } v_0 + (v_1 - v_0)\, s

    for the fraction s of the way from a knot's value :math:`v_0` to the next one's, :math:`v_1`.

    Args:
        max_learning_rate: The learning rate at the top, at least 0; a range test finds it.
        total_steps: N, the steps of the whole cycle, a whole number of at least 1: epochs times batches per epoch.
        divide_factor: How many times smaller the first learning rate is, greater than 0.
        end_learning_rate: The last learning rate, at least 0. An *absolute* learning rate, not a fraction: for a small
            ``max_learning_rate`` set it, or the default 1e-4 may lie above the start.
        phase_pct: p, the share of the steps spent on the way up, in [0, 1], less than 0.5 with three phases.
        anneal_strategy: "cos" or "linear".
        three_phase: Come down symmetrically first, then fall from the first learning rate to the last.
        momentum: A pair (high, low) to drive the optimizer's momentum against the learning rate: high where the rate
            is low, low where it is high; both in [0, 1). None leaves the momentum alone. ``course_lib``'s optimizers
            follow it (``momentum`` of Momentum, SGDW and RMSProp, ``beta1`` of the Adam family), Paddle's do not.
        last_epoch, verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> cycle = OneCycleLR(1.0, 11, divide_factor=10, end_learning_rate=0, phase_pct=6 / 11,
        ...                    anneal_strategy="linear", momentum=(0.95, 0.85))
        >>> cycle.at([0, 5, 10, 11]).round(6)
        array([0.1, 1. , 0. , 0. ])
        >>> cycle.momentum_at([0, 5, 10]).round(6)
        array([0.95, 0.85, 0.95])

    Source: Smith & Topin 2018, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates";
    Smith 2018, "A disciplined approach to neural network hyper-parameters: Part 1", section 4. The papers' cycle has
    straight lines, three phases, and a momentum that runs against the rate: ``anneal_strategy="linear",
    three_phase=True, momentum=(0.95, 0.85)``.

    Paddle runs past the end: at step N the cosine is on its way up again and the line is below the end, even negative;
    at N + 1 it raises ValueError. Ours stays at the end. Paddle divides by zero if :math:`pN = 1`, and for smaller p
    begins somewhere below the maximum, on a descent that started before step 0; ours begins at the maximum.
    """

    def __init__(
        self,
        max_learning_rate,
        total_steps,
        divide_factor=25.0,
        end_learning_rate=0.0001,
        phase_pct=0.3,
        anneal_strategy="cos",
        three_phase=False,
        last_epoch=-1,
        verbose=False,
        *,
        momentum=None,
    ):
        highest = number("max_learning_rate", max_learning_rate, 0)
        self.total_steps = whole("total_steps", total_steps, 1)
        first = highest / number("divide_factor", divide_factor, 0, low_open=True)
        last = number("end_learning_rate", end_learning_rate, 0)
        three_phase = flag("three_phase", three_phase)
        self.phase_pct = number("phase_pct", phase_pct, 0, 0.5 if three_phase else 1, high_open=three_phase)
        self.anneal_strategy = choice("anneal_strategy", anneal_strategy, ["cos", "linear"])
        self.momentum = None if momentum is None else _momentum_pair(momentum)

        top = max(self.phase_pct * self.total_steps - 1, 0)
        end = self.total_steps - 1
        self.knots = [0, top, 2 * top, end] if three_phase else [0, top, end]
        self.learning_rates = [first, highest, first, last] if three_phase else [first, highest, last]
        super().__init__(first, last_epoch, verbose)

    def formula(self, t):
        return self._between_knots(self.learning_rates, t)

    def momentum_at(self, steps):
        """The momentum at any steps (int or array of ints): a float or float64 array, or None if none is driven."""
        return None if self.momentum is None else _at_each(self._momentum_formula, steps)

    def current_momentum(self):
        """The momentum at the present step, or None if none is driven."""
        return None if self.momentum is None else self._momentum_formula(self.last_epoch)

    def _momentum_formula(self, t):
        high, low = self.momentum
        return self._between_knots([high, low, high, high][: len(self.knots)], t)

    def _between_knots(self, values, t):
        t = min(t, self.knots[-1])
        knots = list(zip(self.knots, values))
        for (begin, start), (end, target) in zip(knots, knots[1:]):
            if begin < end and t <= end:  # a phase without length is over at once
                return self._anneal(start, target, (t - begin) / (end - begin))
        return values[-1]

    def _anneal(self, start, target, fraction):
        if self.anneal_strategy == "linear":
            return (target - start) * fraction + start
        return target + (start - target) / 2 * (math.cos(math.pi * fraction) + 1)


# --- A schedule that looks at the training ---------------------------------------------------------------------------


class ReduceOnPlateau(Schedule):
    r"""Lower the learning rate when a metric has stopped getting better.

    .. math:: \eta \leftarrow \max(\eta \cdot \text{factor},\ \eta_\text{min})

    whenever the metric was no better than the best one for more than ``patience`` calls of ``step(metrics)`` in a row.
    The learning rate depends on what the training does, not on the step: there is no formula to plot, ``at`` says so.

    Args:
        learning_rate: The first learning rate, at least 0.
        mode: "min" if the metric should fall (a loss), "max" if it should rise (an accuracy).
        factor: What the learning rate is multiplied by, in [0, 1).
        patience: How many calls without improvement are tolerated, a whole number of at least 0.
        threshold: How much better than the best counts as better, at least 0.
        threshold_mode: "rel" (the threshold is a share of the best metric; meant for positive metrics) or "abs".
        cooldown: How many calls after a reduction are ignored, their metrics included, a whole number of at least 0.
        min_lr: :math:`\eta_\text{min}`, the lower bound of the learning rate, at least 0.
        epsilon: Reductions no larger than this are not made, at least 0.
        verbose: See ``Schedule``.

    Raises:
        TypeError, ValueError: See ``Schedule``.

    Example:
        >>> plateau = ReduceOnPlateau(1.0, factor=0.5, patience=1)
        >>> for loss in [0.9, 0.7, 0.7, 0.7, 0.6]:
        ...     plateau.step(loss)
        ...     print(plateau(), end=" ")
        1.0 1.0 1.0 0.5 0.5
        >>> plateau.at(3)
        Traceback (most recent call last):
            ...
        TypeError: ReduceOnPlateau watches a metric: its learning rate is no function of the step, so at() has no answer

    Paddle is poisoned by a first metric that is NaN, or (mode "min", "rel") infinite: nothing is ever better, and the
    rate falls for ever. Here such a metric counts as one without improvement and is never the best. Paddle keeps a
    tensor or array that it is given, and sees the best change when the caller reuses that array; ours takes the number.
    """

    has_closed_form = False
    watches_metric = True

    def __init__(
        self,
        learning_rate,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0,
        epsilon=1e-8,
        verbose=False,
    ):
        self.mode = choice("mode", _lower(mode), ["min", "max"])
        self.factor = number("factor", factor, 0, 1, high_open=True)
        self.patience = whole("patience", patience, 0)
        self.threshold = number("threshold", threshold, 0)
        self.threshold_mode = choice("threshold_mode", _lower(threshold_mode), ["rel", "abs"])
        self.cooldown = whole("cooldown", cooldown, 0)
        self.min_lr = number("min_lr", min_lr, 0)
        self.epsilon = number("epsilon", epsilon, 0)
        self.best = None
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        # LRScheduler's constructor would take a first step, and there is no metric yet.
        self.base_lr = self.last_lr = number("learning_rate", learning_rate, 0)
        self.last_epoch = 0
        self.verbose = flag("verbose", verbose)
        self._var_name = None

    def formula(self, t):
        raise TypeError(
            "ReduceOnPlateau watches a metric: its learning rate is no function of the step, so at() has no answer"
        )

    def get_lr(self):
        """The present learning rate."""
        return self.last_lr

    def step(self, metrics, epoch=None):
        """Take in the latest metric, and lower the learning rate if it is time.

        Args:
            metrics: A number, or a tensor or array that holds a single one.
            epoch: The number of this step; None counts on.
        """
        leave_to_python(recursive=True)
        metric = float(_single_number("metrics", metrics))
        self.last_epoch = self.last_epoch + 1 if epoch is None else _not_negative("epoch", epoch)
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
        elif self._is_better(metric):
            self.best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
            if self.num_bad_epochs > self.patience:
                self._reduce()

    def _is_better(self, metric):
        if not math.isfinite(metric):
            return False
        if self.best is None or not math.isfinite(self.best):  # a state saved by Paddle may hold a NaN
            return True
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1)
        return metric < self.best - margin if self.mode == "min" else metric > self.best + margin

    def _reduce(self):
        self.cooldown_counter = self.cooldown
        self.num_bad_epochs = 0
        reduced = max(self.last_lr * self.factor, self.min_lr)
        if self.last_lr - reduced > self.epsilon:
            self.last_lr = reduced
            if self.verbose:
                print(f"Epoch {self.last_epoch}: {type(self).__name__} set learning rate to {self.last_lr}.")

    def state_keys(self):
        """Name the attributes that make up the state, as Paddle does."""
        self.keys = ["cooldown_counter", "best", "num_bad_epochs", "last_epoch", "last_lr"]


# --- The schedule of an optimizer, the course's or Paddle's -----------------------------------------------------------


def schedule_of(optimizer):
    """Return the schedule that drives the learning rate of ``optimizer``, or None if it is a number.

    Example:
        >>> from course_lib import optimizer
        >>> schedule_of(optimizer.SGD(StepDecay(0.5, step_size=2))).at(3), schedule_of(optimizer.SGD(0.5))
        (0.05, None)
    """
    # Paddle keeps it in this attribute and offers no other way to it; the course's optimizers do the same.
    learning_rate = optimizer._learning_rate
    return learning_rate if isinstance(learning_rate, LRScheduler) else None


@contextlib.contextmanager
def schedule_set_aside(optimizer):
    """Inside the block the learning rate of ``optimizer`` is a number, which ``set_lr`` may change."""
    learning_rate = optimizer._learning_rate
    optimizer._learning_rate = optimizer.get_lr()
    try:
        yield
    finally:
        optimizer._learning_rate = learning_rate


def watches_metric(schedule) -> bool:
    """Whether ``step`` of a schedule, the course's or Paddle's, takes the metric that it watches."""
    of_paddle = paddle is not None and isinstance(schedule, paddle.optimizer.lr.ReduceOnPlateau)
    return getattr(schedule, "watches_metric", of_paddle)


# --- Shared by the schedules above -----------------------------------------------------------------------------------


@contextlib.contextmanager
def all_or_nothing(schedule):
    """If the block raises, leave ``schedule``, the course's or Paddle's, and what is inside it as they were before."""
    before, inside = [], schedule
    while isinstance(inside, LRScheduler):
        before.append((inside, dict(vars(inside))))
        inside = getattr(inside, "learning_rate", None)
    try:
        yield
    except BaseException:
        for each, attributes in before:
            vars(each).clear()
            vars(each).update(attributes)
        raise


class _RunningProduct:
    """start · factor(1) · factor(2) · … · factor(t), from left to right, each product computed once and remembered."""

    def __init__(self, start, factor):
        self.factor = factor
        self.products = [start]

    def __call__(self, t):
        while len(self.products) <= t:
            self.products.append(self.products[-1] * self.factor(len(self.products)))
        return self.products[t]


def _at_each(function, steps):
    """``function`` of every step, in the shape of ``steps``. Steps reach it as Python ints, as they do in stepping."""
    steps = np.asarray(steps)
    if steps.size and not np.issubdtype(steps.dtype, np.integer):
        raise TypeError(f"steps must be a whole number or an array of whole numbers, got {steps!r}")
    if steps.size and steps.min() < 0:
        raise ValueError(f"steps must be at least 0, got {steps.min()}")
    values = np.array([float(function(t)) for t in steps.ravel().tolist()])
    return values.reshape(steps.shape) if steps.ndim else values.item()


def _numbers(name, values):
    return [_not_negative(f"{name}[{i}]", value) for i, value in enumerate(listed(name, values, "numbers"))]


def _not_negative(name, value):
    """Check a number, but keep an int an int. One of NumPy's becomes Python's: a state can be written as JSON."""
    checked = number(name, value, 0)
    return int(value) if isinstance(value, numbers.Integral) else checked


NUMBERS_IN_A_STATE = ("last_lr", "best", "num_bad_epochs", "cooldown_counter")


def _checked_entry(key, value):
    """Check one entry of a state; those of other people's subclasses are theirs."""
    name = f"state_dict[{key!r}]"
    if key == "last_epoch":
        return _not_negative(name, _single_number(name, value))
    if key not in NUMBERS_IN_A_STATE or (key == "best" and value is None):
        return value
    return _single_number(name, value)


def _increasing(name, values):
    values = _numbers(name, values)
    if any(later <= earlier for earlier, later in zip(values, values[1:])):
        raise ValueError(f"{name} must be increasing, got {values}")
    return values


def _lower(value):
    return value.lower() if isinstance(value, str) else value


def _momentum_pair(momentum):
    if not isinstance(momentum, (tuple, list)) or len(momentum) != 2:
        raise TypeError(f"momentum must be a pair (high, low) or None, got {momentum!r}")
    high, low = (number(f"momentum[{i}]", m, 0, 1, high_open=True) for i, m in enumerate(momentum))
    if high < low:
        raise ValueError(f"momentum must be (high, low): first the one for low learning rates, got {momentum!r}")
    return high, low


def _single_number(name, value):
    """The number in a scalar, or in a tensor or array of one element. NaN and infinity are allowed."""
    if is_tensor(value) or isinstance(value, np.ndarray):
        if value.size != 1:
            raise ValueError(f"{name} must hold a single number (take the mean first), got shape {list(value.shape)}")
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, or a tensor or array of one, got {value!r} ({type(value).__name__})")
    return int(value) if isinstance(value, numbers.Integral) else float(value)
