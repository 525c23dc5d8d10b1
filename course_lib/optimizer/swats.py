"""SWATS: start as Adam, go on as SGD."""

from __future__ import annotations

from ..arrays import dot, sqrt
from ..errors import not_negative, positive_whole
from .adam import BETAS_AND_EPSILON
from .base import Optimizer
from .rule import given


class SWATS(Optimizer):
    r"""SWATS: Adam, until the learning rate that SGD would need has settled; from then on SGD with it.

    While it is Adam, each step p is compared with the gradient g. Projected back on the line of p, an SGD
    step -γg has the length of p if

    .. math::  \gamma = \frac{p \cdot p}{-\,p \cdot g}

    The average of γ is kept and corrected as Adam's averages are,
    :math:`\lambda \leftarrow \beta_2\lambda + (1-\beta_2)\gamma`, :math:`\hat\lambda = \lambda/(1-\beta_2^t)`.
    Once :math:`|\hat\lambda - \gamma| < \text{tolerance}\cdot\hat\lambda`, the rule is
    SGD with momentum β₁ and learning rate :math:`\Lambda = \hat\lambda`:

    .. math::

        u &\leftarrow \beta_1 u + g \\
        x &\leftarrow x - (1-\beta_1)\,\Lambda\, u

    The products run over all parameters of a group together.

    Args:
        learning_rate: Adam's learning rate, a float or a schedule. After the switch a schedule goes on to act:
            Λ is multiplied by the learning rate divided by its value at the switch.
        beta1, beta2, epsilon: As in ``Adam``; β₁ is also SGD's momentum.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.
        tolerance: Largest relative difference between γ and its average at which the rule switches, ≥ 0.
        minimum_steps: Number of Adam steps before a switch is considered, at least 1.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> swats = optimizer.SWATS(learning_rate=0.1, tolerance=0.5, minimum_steps=2)
        >>> x, s = np.array([3.0]), swats.fresh_state(np.zeros(1))
        >>> for s.t in range(1, 5):
        ...     x = swats.rule(x, 2 * x, s, lr=0.1)
        >>> int(s.switched_at), round(s.sgd_learning_rate, 4)
        (2, 0.0169)

    Source: N. Keskar, R. Socher, Improving Generalization Performance by Switching from Adam to SGD, 2017.
    Departures: the paper's tolerance is absolute, 1e-9, which a noisy gradient never meets; a loose one is
    met by chance at the second step, hence ``minimum_steps``; and it has no guard: here γ and its average
    must be positive, since a negative learning rate would climb. The paper lets SGD's learning rate be;
    here the schedule stays in force.
    """

    slots = ("m", "v", "velocity")
    scalars = {"gamma_average": 0.0, "switched_at": 0.0, "sgd_learning_rate": 0.0, "lr_at_switch": 0.0}
    hyperparameters = {**BETAS_AND_EPSILON, "tolerance": not_negative, "minimum_steps": positive_whole}
    whole = "group"
    momentum_name = "beta1"

    def __init__(
        self,
        learning_rate=0.001,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        tolerance=0.01,
        minimum_steps=100,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        if s.switched_at:
            s.velocity = self.beta1 * s.velocity + g
            damped = (1 - self.beta1) * s.sgd_learning_rate
            return x - damped * (lr / s.lr_at_switch) * s.velocity
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        m_hat = s.m / (1 - self.beta1**s.t)
        v_hat = s.v / (1 - self.beta2**s.t)
        p = -lr * m_hat / (sqrt(v_hat) + self.epsilon)
        self.consider_switch(p, g, s, lr)
        return x + p

    def consider_switch(self, p, g, s, lr):
        """Update the average of γ and switch when it has settled."""
        if dot(p, g) == 0:
            return
        gamma = dot(p, p) / -dot(p, g)
        s.gamma_average = self.beta2 * s.gamma_average + (1 - self.beta2) * gamma
        average = s.gamma_average / (1 - self.beta2**s.t)
        settled = abs(average - gamma) < self.tolerance * average
        if settled and gamma > 0 and lr != 0 and s.t >= self.minimum_steps:
            s.switched_at, s.sgd_learning_rate, s.lr_at_switch = float(s.t), average, lr

    @property
    def switched_at(self) -> int | None:
        """The step at which every group has become SGD; ``None`` while one of them is still Adam."""
        steps = [state.scalars["switched_at"] for state in self.states_in_use()]
        return int(max(steps)) if steps and all(steps) else None

    @property
    def sgd_learning_rate(self) -> float | None:
        """Λ, the learning rate found by projection (the first group's); ``None`` before the switch."""
        switched = [state.scalars for state in self.states_in_use() if state.scalars["switched_at"]]
        return switched[0]["sgd_learning_rate"] if switched else None
