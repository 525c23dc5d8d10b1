"""Rules that give every parameter a step of its own, from its past gradients: from their squares, or their signs."""

from __future__ import annotations

import warnings

from ..arrays import maximum, minimum, sign, sqrt, where
from ..errors import finite, flag, listed, not_negative, share
from .base import Optimizer
from .rule import PADDLE_FLAGS, given


class Adagrad(Optimizer):
    r"""AdaGrad: divide each element's step by the root of the sum of its squared gradients.

    .. math::

        G &\leftarrow G + g^2 \\
        x &\leftarrow x - \eta\, \frac{g}{\sqrt{G} + \epsilon}

    The sum only grows, so the effective learning rate η/√G only falls.

    Args:
        learning_rate: η, a float or a schedule.
        epsilon: ε ≥ 0, keeps the quotient finite.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.
        initial_accumulator_value: First value of G, at least 0.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> adagrad = optimizer.Adagrad(learning_rate=0.1)
        >>> s = adagrad.fresh_state(np.zeros(2))
        >>> s.t = 1
        >>> adagrad.rule(np.array([1.0, 1.0]), np.array([100.0, 0.01]), s, lr=0.1).round(3)
        array([0.9, 0.9])

    Source: J. Duchi, E. Hazan, Y. Singer, Adaptive Subgradient Methods, JMLR 2011 (diagonal form,
    whose δ stands outside the root as ε does here).
    """

    slots = ("sum_of_squares",)
    same_at_every_step = True
    hyperparameters = {"epsilon": not_negative, "initial_accumulator_value": not_negative}

    def __init__(
        self,
        learning_rate,
        epsilon=1e-6,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        name=None,
        initial_accumulator_value=0.0,
    ):
        super().__init__(**given(vars()))

    def initial_values(self):
        return {"sum_of_squares": self.initial_accumulator_value}

    def rule(self, x, g, s, lr):
        s.sum_of_squares = s.sum_of_squares + g * g
        return x - lr * g / (sqrt(s.sum_of_squares) + self.epsilon)


class RMSProp(Optimizer):
    r"""RMSProp: AdaGrad with a moving average in the place of the sum, so that the step does not die.

    .. math::

        r &\leftarrow \rho\, r + (1-\rho)\, g^2 \\
        v &\leftarrow \mu\, v + \eta\, \frac{g}{\sqrt{r + \epsilon}} \\
        x &\leftarrow x - v

    ``centered`` also averages the gradient, :math:`\bar g \leftarrow \rho\,\bar g + (1-\rho)\,g`, and divides
    by :math:`\sqrt{r - \bar g^2 + \epsilon}`, an estimate of its standard deviation.

    Args:
        learning_rate: η, a float or a schedule.
        rho: ρ in [0, 1], the share of the average that is kept.
        epsilon: ε ≥ 0, inside the root.
        momentum: μ ≥ 0; the learning rate is inside the velocity.
        centered: Divide by the standard deviation in the place of the root mean square.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> rmsprop = optimizer.RMSProp(learning_rate=0.1, rho=0.75, epsilon=0.0)
        >>> s = rmsprop.fresh_state(np.zeros(1))
        >>> s.t = 1
        >>> rmsprop.rule(np.array([1.0]), np.array([4.0]), s, lr=0.1)
        array([0.8])

    Source: T. Tieleman, G. Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012, which has
    no ε and ρ = 0.9; centered: A. Graves, Generating Sequences with Recurrent Neural Networks, 2013.
    """

    slots = ("mean_square", "velocity")
    optional_slots = {"centered": "mean_gradient"}
    same_at_every_step = True
    hyperparameters = {"rho": share, "epsilon": not_negative, "momentum": not_negative, "centered": flag}
    momentum_name = "momentum"

    def __init__(
        self,
        learning_rate,
        rho=0.95,
        epsilon=1e-6,
        momentum=0.0,
        centered=False,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        s.mean_square = self.rho * s.mean_square + (1 - self.rho) * g * g
        variance = s.mean_square
        if self.centered:
            s.mean_gradient = self.rho * s.mean_gradient + (1 - self.rho) * g
            variance = s.mean_square - s.mean_gradient * s.mean_gradient
        s.velocity = self.momentum * s.velocity + lr * g / sqrt(variance + self.epsilon)
        return x - s.velocity


class Adadelta(Optimizer):
    r"""Adadelta: scale the step by the size of past steps, so that parameter and step have the same unit.

    .. math::

        r &\leftarrow \rho\, r + (1-\rho)\, g^2 \\
        u &= \frac{\sqrt{d + \epsilon}}{\sqrt{r + \epsilon}}\; g \\
        d &\leftarrow \rho\, d + (1-\rho)\, u^2 \\
        x &\leftarrow x - \eta\, u

    Args:
        learning_rate: η, a float or a schedule. The default is Paddle's 0.001; the paper has no learning
            rate, which is η = 1.
        epsilon: ε ≥ 0; it also sets the size of the first steps.
        rho: ρ in [0, 1], the share of the averages that is kept.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> adadelta = optimizer.Adadelta(learning_rate=1.0, epsilon=1e-4, rho=0.75)
        >>> s = adadelta.fresh_state(np.zeros(1))
        >>> s.t = 1
        >>> adadelta.rule(np.array([1.0]), np.array([2.0]), s, lr=1.0).round(3)
        array([0.98])

    Source: M. Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012. Same as the paper at η = 1.
    """

    slots = ("mean_square", "mean_square_update")
    same_at_every_step = True
    hyperparameters = {"epsilon": not_negative, "rho": share}

    def __init__(
        self,
        learning_rate=0.001,
        epsilon=1e-6,
        rho=0.95,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        rho, d = self.rho, s.mean_square_update
        s.mean_square = rho * s.mean_square + (1 - rho) * g * g
        u = sqrt(d + self.epsilon) / sqrt(s.mean_square + self.epsilon) * g
        s.mean_square_update = rho * d + (1 - rho) * u * u
        return x - lr * u


def _two_numbers(name: str, values, allowed: str, are_allowed) -> tuple[float, float]:
    numbers = tuple(finite(name, value) for value in listed(name, values, of="two numbers"))
    if len(numbers) != 2 or not are_allowed(*numbers):
        raise ValueError(f"{name} must be {allowed}, got {values!r:.60}")
    return numbers


def _learning_rate_range(name: str, values) -> tuple[float, float]:
    return _two_numbers(name, values, "two numbers, 0 < least ≤ largest", lambda least, largest: 0 < least <= largest)


def _etas(name: str, values) -> tuple[float, float]:
    return _two_numbers(name, values, "two factors, 0 < shrink < 1 < grow", lambda shrink, grow: 0 < shrink < 1 < grow)


class Rprop(Optimizer):
    r"""Rprop: only the sign of the gradient counts; the step grows while it stays and shrinks when it turns.

    .. math::

        \Delta &\leftarrow \operatorname{clip}\left(\Delta \cdot \begin{cases}
            \eta^+ & \text{if } g\, g_{\text{last}} > 0 \\
            \eta^- & \text{if } g\, g_{\text{last}} < 0 \\
            1 & \text{else} \end{cases},\; \Delta_{\min},\; \Delta_{\max}\right) \\
        g &\leftarrow 0 \quad \text{where the sign has turned} \\
        x &\leftarrow x - \Delta \operatorname{sign}(g), \qquad g_{\text{last}} \leftarrow g

    Every element has a step size Δ of its own. Where the sign turns, a minimum has been passed: the element waits for
    one step, and the step after that neither grows nor shrinks.

    It needs the gradient of all data at each step: that of a mini-batch turns its sign by chance.

    Args:
        learning_rate: First value of all Δ, a float. It is no factor: ``set_lr`` and the ``learning_rate`` of a group
            or of ``ParamAttr`` have no effect, as in Paddle; ``set_lr`` warns.
        learning_rate_range: Δ_min and Δ_max.
        parameters, grad_clip, name: See ``Optimizer``. A ``weight_decay`` can be set in a group.
        etas: η⁻ and η⁺, by which Δ shrinks and grows.
        multi_precision: Accepted for Paddle's sake; half precision needs a GPU.

    Raises:
        TypeError: ``learning_rate`` is a schedule, which has nothing to drive here, or see ``Optimizer``.
        ValueError: ``learning_rate`` is not in ``learning_rate_range``, or see ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> rprop = optimizer.Rprop(learning_rate=0.1)
        >>> x, s = np.array([3.0]), rprop.fresh_state(np.zeros(1))
        >>> for s.t, g in enumerate([5.0, 0.01, -7.0, -7.0], 1):
        ...     x = rprop.rule(x, np.array([g]), s, lr=0.1)
        ...     print(s.step_size.round(2), x.round(2))
        [0.1] [2.9]
        [0.12] [2.78]
        [0.06] [2.78]
        [0.06] [2.84]

    Source: M. Riedmiller, H. Braun, A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm,
    1993. There the step that passed the minimum is taken back; here, as in Paddle and PyTorch, it stays (iRprop⁻ of
    C. Igel, M. Hüsken, 2000). Paddle's docstring allows a schedule, its constructor fails on one. An infinite
    gradient just after a turn (0·∞ is no number) leaves Δ as it is; in Paddle Δ becomes Δ_min.
    """

    slots = ("last_gradient", "step_size")
    same_at_every_step = True
    hyperparameters = {"learning_rate_range": _learning_rate_range, "etas": _etas, **PADDLE_FLAGS}

    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_range=(1e-5, 50),
        parameters=None,
        etas=(0.5, 1.2),
        grad_clip=None,
        multi_precision=False,
        name=None,
    ):
        super().__init__(**given(vars()))
        if not isinstance(learning_rate, float):
            raise TypeError(
                f"learning_rate of Rprop must be a float, the first step size: a schedule has nothing to drive here, "
                f"got {type(learning_rate).__name__}"
            )
        least, largest = self.learning_rate_range
        if not least <= learning_rate <= largest:
            raise ValueError(f"learning_rate must be in learning_rate_range [{least}, {largest}], got {learning_rate}")
        self._first_step_size = learning_rate

    def set_lr(self, value):
        super().set_lr(value)
        warnings.warn("set_lr has no effect on Rprop: every element has a step size of its own", stacklevel=2)

    def initial_values(self):
        return {"step_size": self._first_step_size}

    def rule(self, x, g, s, lr):
        shrink, grow = self.etas
        least, largest = self.learning_rate_range
        agreement = g * s.last_gradient
        grown = where(agreement > 0, grow * s.step_size, s.step_size)
        adapted = where(agreement < 0, shrink * s.step_size, grown)
        s.step_size = minimum(maximum(adapted, least), largest)
        s.last_gradient = where(agreement < 0, 0.0, g)
        return x - s.step_size * sign(s.last_gradient)
