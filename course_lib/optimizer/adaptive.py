"""Rules that give every parameter its own step from the squares of its past gradients."""

from __future__ import annotations

from ..arrays import sqrt
from ..errors import flag, not_negative, share
from .base import Optimizer
from .rule import given


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
