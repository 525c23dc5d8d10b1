"""Adam and its relatives: a velocity, divided by an estimate of the gradient's size."""

from __future__ import annotations

from ..arrays import absolute, maximum, sqrt
from ..errors import decay_rate, finite, flag, function_or_none, not_negative
from .base import Optimizer
from .rule import PADDLE_FLAGS, given

BETAS_AND_EPSILON = {"beta1": decay_rate, "beta2": decay_rate, "epsilon": not_negative}


class Adam(Optimizer):
    r"""Adam: momentum and a per-parameter scale, both corrected for their start at zero.

    .. math::

        m &\leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad
        v \leftarrow \beta_2 v + (1-\beta_2)\, g^2 \\
        \hat m &= \frac{m}{1-\beta_1^t}, \qquad \hat v = \frac{v}{1-\beta_2^t} \\
        x &\leftarrow x - \eta\, \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    With ``amsgrad`` the largest v so far takes the place of v:
    :math:`v_{\max} \leftarrow \max(v_{\max}, v)`, :math:`\hat v = v_{\max} / (1-\beta_2^t)`.

    Args:
        learning_rate: η, a float or a schedule.
        beta1: β₁ in [0, 1), the share of the average gradient that is kept.
        beta2: β₂ in [0, 1), the share of the average squared gradient that is kept.
        epsilon: ε ≥ 0, outside the root.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``. ``weight_decay`` is L2; for decoupled
            decay see ``AdamW``.
        amsgrad: Use the largest v so far; one more state per parameter.
        lazy_mode, multi_precision, use_multi_tensor: Accepted for Paddle's sake, without effect here.

    Raises:
        TypeError, ValueError: See ``Optimizer``.
        RuntimeError: ``weight_decay`` meets a gradient of some rows only, as in Paddle (where it passes in groups).

    Example:
        >>> import paddle
        >>> from course_lib import optimizer
        >>> x = paddle.to_tensor([3.0, -5.0], stop_gradient=False)
        >>> adam = optimizer.Adam(learning_rate=0.1, parameters=[x])
        >>> (x * x).sum().backward()
        >>> adam.step()
        >>> [f"{value:.2f}" for value in x.tolist()]
        ['2.90', '-4.90']

    Source: D. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015; same as its
    Algorithm 1. AMSGrad: S. Reddi, S. Kale, S. Kumar, On the Convergence of Adam and Beyond, ICLR 2018,
    which has no bias correction; Paddle, and this class, keep the maximum of the raw v and correct it
    with the current 1-β₂ᵗ.

    Paddle corrects gradients of some rows only (``Embedding(sparse=True)``) as if they came one step later, and
    with ``lazy_mode`` leaves the other rows alone. Here they are what they stand for: zeros in the other rows; a
    warning says so where ``lazy_mode`` asks for the other.
    Given β as a tensor, Paddle starts its powers from 0.9 and 0.999 whatever the tensor holds; this class from β.
    """

    slots = ("m", "v")
    optional_slots = {"amsgrad": "v_max"}
    hyperparameters = {**BETAS_AND_EPSILON, "amsgrad": flag, **PADDLE_FLAGS}
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
        lazy_mode=False,
        multi_precision=False,
        use_multi_tensor=False,
        amsgrad=False,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        v = s.v
        if self.amsgrad:
            v = s.v_max = maximum(s.v_max, s.v)
        m_hat = s.m / (1 - self.beta1**s.t)
        v_hat = v / (1 - self.beta2**s.t)
        return x - lr * m_hat / (sqrt(v_hat) + self.epsilon)


class AdamW(Optimizer):
    r"""AdamW: Adam with weight decay beside the gradient's way, not through it.

    .. math::

        x &\leftarrow x - \eta\,\lambda\, x \\
        x &\leftarrow x - \eta\, \frac{\hat m}{\sqrt{\hat v} + \epsilon}
        \qquad \text{with Adam's } \hat m, \hat v \text{ of the bare gradient}

    Args:
        learning_rate: η, a float or a schedule.
        beta1, beta2, epsilon, amsgrad: As in ``Adam``.
        weight_decay: λ, a number. In a parameter group it replaces the global one.
        lr_ratio: Function of a parameter that returns a factor for its learning rate (and so for its decay).
            Paddle has it on GPUs only.
        apply_decay_param_fun: Function of a parameter's name that returns whether it decays.
        parameters, grad_clip, name: See ``Optimizer``.
        use_lowprecision_moment, lazy_mode, multi_precision: Accepted for Paddle's sake, without effect on the CPU.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> adamw = optimizer.AdamW(learning_rate=0.1, weight_decay=0.5)
        >>> s = adamw.fresh_state(np.zeros(1))
        >>> s.t = 1
        >>> adamw.rule(np.array([2.0]), np.array([1.0]), s, lr=0.1).round(3)
        array([1.8])

    Source: I. Loshchilov, F. Hutter, Decoupled Weight Decay Regularization, ICLR 2019. There the decay is
    scaled by the schedule's multiplier alone; in Paddle, PyTorch and this class by the whole learning rate.
    """

    slots = ("m", "v")
    optional_slots = Adam.optional_slots
    hyperparameters = {
        **Adam.hyperparameters,
        "weight_decay": finite,
        "lr_ratio": function_or_none,
        "apply_decay_param_fun": function_or_none,
        "use_lowprecision_moment": flag,
    }
    decoupled = True
    momentum_name = "beta1"

    def __init__(
        self,
        learning_rate=0.001,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        parameters=None,
        weight_decay=0.01,
        use_lowprecision_moment=False,
        lr_ratio=None,
        apply_decay_param_fun=None,
        grad_clip=None,
        lazy_mode=False,
        multi_precision=False,
        amsgrad=False,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        x = x - lr * self.weight_decay * x
        return Adam.rule(self, x, g, s, lr)

    def overrides_for(self, parameter):
        overrides = {}
        if self.lr_ratio is not None:
            overrides["lr_ratio"] = finite("the result of lr_ratio", self.lr_ratio(parameter))
        if self.apply_decay_param_fun is not None and not self.apply_decay_param_fun(parameter.name):
            overrides["weight_decay"] = 0.0
        return overrides


class Adamax(Optimizer):
    r"""Adamax: Adam with the largest recent gradient in the place of the root mean square.

    .. math::

        m &\leftarrow \beta_1 m + (1-\beta_1)\, g \\
        u &\leftarrow \max(|g|,\; \beta_2 u + \epsilon) \\
        x &\leftarrow x - \frac{\eta}{1-\beta_1^t}\, \frac{m}{u}

    Args:
        learning_rate: η, a float or a schedule.
        beta1, beta2: β₁ and β₂ in [0, 1).
        epsilon: ε ≥ 0.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> adamax = optimizer.Adamax(learning_rate=0.1)
        >>> s = adamax.fresh_state(np.zeros(1))
        >>> s.t = 1
        >>> adamax.rule(np.array([3.0]), np.array([6.0]), s, lr=0.1).round(3)
        array([2.9])

    Source: D. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, section 7.1. The paper
    has no ε; Paddle, and this class, add it inside the maximum.
    """

    slots = ("m", "u")
    hyperparameters = BETAS_AND_EPSILON
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
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.u = maximum(absolute(g), self.beta2 * s.u + self.epsilon)
        return x - lr / (1 - self.beta1**s.t) * s.m / s.u


class NAdam(Optimizer):
    r"""NAdam: Adam with Nesterov's look-ahead and a warm-up of its momentum.

    .. math::

        \mu_t &= \beta_1 \left(1 - \tfrac12\, 0.96^{\,t\psi}\right), \qquad \Pi_t = \mu_1 \mu_2 \cdots \mu_t \\
        m &\leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2 \\
        \hat m &= \frac{\mu_{t+1}\, m}{1-\Pi_{t+1}} + \frac{(1-\mu_t)\, g}{1-\Pi_t}, \qquad
        \hat v = \frac{v}{1-\beta_2^t} \\
        x &\leftarrow x - \eta\, \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    Args:
        learning_rate: η ≥ 0, a float or a schedule.
        beta1, beta2: β₁ and β₂ in [0, 1).
        epsilon: ε ≥ 0.
        momentum_decay: ψ ≥ 0, how fast the momentum warms up.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> nadam = optimizer.NAdam(learning_rate=0.1)
        >>> s = nadam.fresh_state(np.zeros(1))
        >>> s.t = 1
        >>> nadam.rule(np.array([3.0]), np.array([6.0]), s, lr=0.1).round(2)
        array([2.89])

    Source: T. Dozat, Incorporating Nesterov Momentum into Adam, 2016. In the paper μ_t also takes the place
    of β₁ in the average m.
    """

    slots = ("m", "v")
    scalars = {"mu_product": 1.0}
    hyperparameters = {**BETAS_AND_EPSILON, "momentum_decay": not_negative}
    momentum_name = "beta1"
    lowest_learning_rate = 0

    def __init__(
        self,
        learning_rate=0.002,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        momentum_decay=0.004,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        mu = self.beta1 * (1 - 0.5 * 0.96 ** (s.t * self.momentum_decay))
        mu_next = self.beta1 * (1 - 0.5 * 0.96 ** ((s.t + 1) * self.momentum_decay))
        s.mu_product = s.mu_product * mu
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        ahead = mu_next * s.m / (1 - s.mu_product * mu_next)
        m_hat = ahead + (1 - mu) * g / (1 - s.mu_product)
        v_hat = s.v / (1 - self.beta2**s.t)
        return x - lr * m_hat / (sqrt(v_hat) + self.epsilon)


class RAdam(Optimizer):
    r"""RAdam: Adam that does not trust its scale before it has seen enough gradients to estimate it.

    .. math::

        \rho_\infty &= \frac{2}{1-\beta_2} - 1, \qquad
        \rho_t = \rho_\infty - \frac{2\, t\, \beta_2^t}{1-\beta_2^t} \\
        r_t &= \sqrt{\frac{(\rho_t-4)(\rho_t-2)\,\rho_\infty}{(\rho_\infty-4)(\rho_\infty-2)\,\rho_t}} \\
        x &\leftarrow x - \eta\, r_t\, \hat m\, \frac{\sqrt{1-\beta_2^t}}{\sqrt v + \epsilon}
        \quad\text{if } \rho_t > 5, \qquad\text{else } x \leftarrow x - \eta\, \hat m

    with Adam's m, v and :math:`\hat m = m / (1-\beta_1^t)`.

    Args:
        learning_rate: η ≥ 0, a float or a schedule.
        beta1, beta2: β₁ and β₂ in [0, 1).
        epsilon: ε ≥ 0, added to the uncorrected root.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> radam = optimizer.RAdam(learning_rate=0.1)
        >>> s = radam.fresh_state(np.zeros(1))
        >>> s.t = 1
        >>> radam.rule(np.array([3.0]), np.array([6.0]), s, lr=0.1)
        array([2.4])

    Source: L. Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020. The paper's
    threshold is ρ_t > 4 and it has no ε; Paddle, PyTorch and this class take 5.
    """

    slots = ("m", "v")
    hyperparameters = BETAS_AND_EPSILON
    momentum_name = "beta1"
    lowest_learning_rate = 0

    def __init__(
        self,
        learning_rate=0.001,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        m_hat = s.m / (1 - self.beta1**s.t)
        rho_inf = 2 / (1 - self.beta2) - 1
        rho = rho_inf - 2 * s.t * self.beta2**s.t / (1 - self.beta2**s.t)
        if rho <= 5:
            return x - lr * m_hat
        numerator = (rho - 4) * (rho - 2) * rho_inf
        r = sqrt(numerator / ((rho_inf - 4) * (rho_inf - 2) * rho))
        step = lr * r * m_hat * sqrt(1 - self.beta2**s.t) / (sqrt(s.v) + self.epsilon)
        return x - step
