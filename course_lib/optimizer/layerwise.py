"""Rules that look at a layer as a whole: the length of its step follows the length of its weights."""

from __future__ import annotations

from ..arrays import norm, sqrt
from ..errors import finite, flag, function_or_none, listed, not_negative
from .adam import BETAS_AND_EPSILON
from .base import Optimizer
from .rule import PADDLE_FLAGS, given


def _parts_of_names(name: str, values) -> tuple[str, ...]:
    parts = () if values is None else tuple(listed(name, values, of="strings"))
    if not all(isinstance(part, str) for part in parts):
        raise TypeError(f"{name} must be a list of strings or None, got {values!r:.60}")
    return parts


class LARS(Optimizer):
    r"""LARS: momentum whose learning rate is, in every layer, a share of the weights' length by the gradient's.

    .. math::

        \eta_l &= \eta\, c\, \frac{\lVert x \rVert}{\lVert g \rVert + \lambda \lVert x \rVert + \epsilon} \\
        v &\leftarrow \mu v + \eta_l\, (g + \lambda x) \\
        x &\leftarrow x - v

    The norms are those of a whole parameter: a weight matrix, a bias. Whatever the size of its gradient, a layer's
    step has about the length η c times that of its weights.

    Paddle has it as ``paddle.incubate.optimizer.LarsMomentumOptimizer``, with ``parameter_list`` and
    ``regularization`` for ``parameters`` and ``weight_decay``, and without parameter groups.

    Args:
        learning_rate: η, a float or a schedule.
        momentum: μ ≥ 0.
        lars_coeff: c ≥ 0, the trust coefficient: the share of a layer's length that a step may have.
        lars_weight_decay: λ, decay inside the scaled step. **Without it (0) there is no scaling either**: the rule
            is then plain momentum, as in Paddle, with a step 1/c times as large for a gradient as long as the weights.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``; ``weight_decay`` is L2 in g, beside λ.
        exclude_from_weight_decay: Parts of names: parameters whose name has one of them get λ = 0, so plain momentum.
        epsilon: ε ≥ 0.
        rescale_grad: Factor of the gradient.
        multi_precision: Accepted for Paddle's sake; half precision needs a GPU.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> lars = optimizer.LARS(learning_rate=1.0, momentum=0.9, lars_coeff=0.1, lars_weight_decay=1e-9)
        >>> for size in (1.0, 1000.0):
        ...     s = lars.fresh_state(np.zeros(2))
        ...     print(lars.rule(np.array([3.0, 4.0]), size * np.array([0.0, 1.0]), s, lr=1.0).round(6))
        [3.  3.5]
        [3.  3.5]

    Source: Y. You, I. Gitman, B. Ginsburg, Large Batch Training of Convolutional Networks, 2017, which has no ε.
    """

    slots = ("velocity",)
    whole = "parameter"
    hyperparameters = {
        "momentum": not_negative,
        "lars_coeff": not_negative,
        "lars_weight_decay": finite,
        "exclude_from_weight_decay": _parts_of_names,
        "epsilon": not_negative,
        "rescale_grad": finite,
        **PADDLE_FLAGS,
    }
    momentum_name = "momentum"

    def __init__(
        self,
        learning_rate=0.001,
        momentum=0.9,
        lars_coeff=0.001,
        lars_weight_decay=0.0005,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        name=None,
        exclude_from_weight_decay=None,
        epsilon=0.0,
        multi_precision=False,
        rescale_grad=1.0,
    ):
        super().__init__(**given(vars()))

    def overrides_for(self, parameter):
        excluded = any(part in parameter.name for part in self.exclude_from_weight_decay)
        return {"lars_weight_decay": 0.0} if excluded else {}

    def rule(self, x, g, s, lr):
        g = self.rescale_grad * g
        decay = self.lars_weight_decay
        if decay > 0 and norm(x) > 0 and norm(g) > 0:
            lr = lr * self.lars_coeff * norm(x) / (norm(g) + decay * norm(x) + self.epsilon)
        s.velocity = self.momentum * s.velocity + lr * (g + decay * x)
        return x - s.velocity


class Lamb(Optimizer):
    r"""LAMB: Adam's direction, with a step that is in every layer a share of the weights' length.

    .. math::

        m &\leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad
        v \leftarrow \beta_2 v + (1-\beta_2)\, g^2 \\
        r &= \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \epsilon} + \lambda x \\
        x &\leftarrow x - \eta\, \frac{\lVert x \rVert}{\lVert r \rVert}\, r

    The norms are those of a whole parameter; where one of them is 0, the quotient is taken for 1.

    Args:
        learning_rate: η, a float or a schedule: the length of a step, as a share of the length of the weights.
        lamb_weight_decay: λ, inside the scaled step. **Without it (0) there is no scaling either**, unless
            ``always_adapt`` is set: the rule is then Adam, as in Paddle.
        beta1, beta2: β₁ and β₂ in [0, 1).
        epsilon: ε ≥ 0.
        parameters, grad_clip, name: See ``Optimizer``. A ``weight_decay`` set in a group is L2 in g.
        exclude_from_weight_decay_fn: Function of a parameter that returns whether its λ is 0; then its step is not
            scaled either, unless ``always_adapt`` is set.
        multi_precision: Accepted for Paddle's sake; half precision needs a GPU.
        always_adapt: Scale the step of parameters without weight decay, too, as the paper does.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> lamb = optimizer.Lamb(learning_rate=0.1, lamb_weight_decay=0.0, always_adapt=True)
        >>> s = lamb.fresh_state(np.zeros(2))
        >>> s.t = 1
        >>> lamb.rule(np.array([3.0, 4.0]), np.array([0.0, 70.0]), s, lr=0.1).round(4)
        array([3. , 3.5])

    Source: Y. You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 Minutes, ICLR 2020, with
    φ(z) = z. The paper scales every step, also without decay. Paddle's docstring divides by β₁ᵗ, its code, and this
    class, by 1-β₁ᵗ.
    """

    slots = ("m", "v")
    whole = "parameter"
    hyperparameters = {
        "lamb_weight_decay": finite,
        **BETAS_AND_EPSILON,
        "exclude_from_weight_decay_fn": function_or_none,
        "always_adapt": flag,
        **PADDLE_FLAGS,
    }
    momentum_name = "beta1"

    def __init__(
        self,
        learning_rate=0.001,
        lamb_weight_decay=0.01,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-6,
        parameters=None,
        grad_clip=None,
        exclude_from_weight_decay_fn=None,
        multi_precision=False,
        always_adapt=False,
        name=None,
    ):
        super().__init__(**given(vars()))

    def overrides_for(self, parameter):
        excluded = self.exclude_from_weight_decay_fn is not None and self.exclude_from_weight_decay_fn(parameter)
        return {"lamb_weight_decay": 0.0} if excluded else {}

    def rule(self, x, g, s, lr):
        s.m = self.beta1 * s.m + (1 - self.beta1) * g
        s.v = self.beta2 * s.v + (1 - self.beta2) * g * g
        m_hat = s.m / (1 - self.beta1**s.t)
        v_hat = s.v / (1 - self.beta2**s.t)
        r = m_hat / (sqrt(v_hat) + self.epsilon) + self.lamb_weight_decay * x
        scales = self.lamb_weight_decay > 0 or self.always_adapt
        if scales and norm(x) > 0 and norm(r) > 0:
            lr = lr * norm(x) / norm(r)
        return x - lr * r
