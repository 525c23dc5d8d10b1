"""Gradient descent, with and without momentum, and with the gradients of earlier batches."""

from __future__ import annotations

from ..errors import finite, flag, not_negative, positive_whole
from .base import Optimizer
from .rule import PADDLE_FLAGS, given


class SGD(Optimizer):
    r"""Gradient descent: a step against the gradient, of length learning rate times gradient.

    .. math::  x \leftarrow x - \eta\, g

    The same name is used for full-batch, single-sample and mini-batch descent; they differ only in the
    data from which g was computed.

    Args:
        learning_rate: η, a float or a schedule.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.
        multi_precision: Accepted for Paddle's sake; half precision needs a GPU.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import paddle
        >>> from course_lib import optimizer
        >>> x = paddle.to_tensor([3.0], stop_gradient=False)
        >>> sgd = optimizer.SGD(learning_rate=0.1, parameters=[x])
        >>> (x * x).sum().backward()
        >>> sgd.step()
        >>> print(f"{x.item():.2f}")
        2.40

    Source: H. Robbins, S. Monro, A Stochastic Approximation Method, 1951. Same as the paper.
    """

    same_at_every_step = True
    hyperparameters = PADDLE_FLAGS

    def __init__(
        self,
        learning_rate=0.001,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        multi_precision=False,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        return x - lr * g


class Momentum(Optimizer):
    r"""Gradient descent with momentum: steps follow a velocity that remembers past gradients.

    .. math::

        v &\leftarrow \mu v + g \\
        x &\leftarrow x - \eta\, v \qquad\text{or, with Nesterov's look-ahead,}\qquad
        x \leftarrow x - \eta\, (g + \mu v)

    Under a constant gradient the velocity grows to g/(1-μ).

    Args:
        learning_rate: η, a float or a schedule.
        momentum: μ, the share of the velocity that is kept; at least 0. From 1 on it grows without end.
        use_nesterov: Step as if the gradient had been measured where the velocity leads.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.
        rescale_grad, multi_precision, use_multi_tensor: Accepted for Paddle's sake, without effect on the
            CPU, as in Paddle itself.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import paddle
        >>> from course_lib import optimizer
        >>> x = paddle.to_tensor([3.0], stop_gradient=False)
        >>> momentum = optimizer.Momentum(learning_rate=0.1, momentum=0.9, parameters=[x])
        >>> for _ in range(2):
        ...     (x * x).sum().backward()
        ...     momentum.step()
        ...     momentum.clear_grad()
        >>> print(f"{x.item():.2f}")
        1.38

    Source: B. Polyak, Some methods of speeding up the convergence of iteration methods, 1964;
    I. Sutskever et al., On the importance of initialization and momentum in deep learning, 2013, for
    Nesterov's form. Both put the learning rate inside the velocity, v ← μv + ηg; Paddle, and this class,
    outside. The two agree as long as the learning rate does not change.
    """

    slots = ("velocity",)
    same_at_every_step = True
    hyperparameters = {
        "momentum": not_negative,
        "use_nesterov": flag,
        "rescale_grad": finite,
        **PADDLE_FLAGS,
    }
    momentum_name = "momentum"

    def __init__(
        self,
        learning_rate=0.001,
        momentum=0.9,
        parameters=None,
        use_nesterov=False,
        weight_decay=None,
        grad_clip=None,
        multi_precision=False,
        rescale_grad=1.0,
        use_multi_tensor=False,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        s.velocity = self.momentum * s.velocity + g
        if self.use_nesterov:
            return x - lr * (g + self.momentum * s.velocity)
        return x - lr * s.velocity


class SGDW(Optimizer):
    r"""SGD with momentum and decoupled weight decay: the weights shrink beside the velocity, not through it.

    .. math::

        v &\leftarrow \mu v + g \\
        x &\leftarrow x - \eta\,\lambda\, x - \eta\, v \qquad\text{or, with Nesterov's look-ahead,}\qquad
        x \leftarrow x - \eta\,\lambda\, x - \eta\, (g + \mu v)

    Paddle has no such class; the arguments follow ``Momentum`` and ``AdamW``.

    Args:
        learning_rate: η, a float or a schedule.
        momentum: μ ≥ 0.
        parameters, grad_clip, name: See ``Optimizer``.
        use_nesterov: Step as if the gradient had been measured where the velocity leads.
        weight_decay: λ, a number. In a parameter group it replaces the global one.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> sgdw = optimizer.SGDW(learning_rate=0.1, weight_decay=0.5)
        >>> s = sgdw.fresh_state(np.zeros(1))
        >>> s.t = 1
        >>> sgdw.rule(np.array([2.0]), np.array([1.0]), s, lr=0.1)
        array([1.8])

    Source: I. Loshchilov, F. Hutter, Decoupled Weight Decay Regularization, ICLR 2019. There the learning
    rate is inside the velocity and the decay is scaled by the schedule's multiplier alone; here both follow
    Paddle's ``Momentum`` and ``AdamW``.
    """

    slots = ("velocity",)
    same_at_every_step = True
    hyperparameters = {"momentum": not_negative, "use_nesterov": flag, "weight_decay": finite}
    decoupled = True
    momentum_name = "momentum"

    def __init__(
        self,
        learning_rate=0.001,
        momentum=0.9,
        parameters=None,
        use_nesterov=False,
        weight_decay=0.01,
        grad_clip=None,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        x = x - lr * self.weight_decay * x
        return Momentum.rule(self, x, g, s, lr)


class ASGD(Optimizer):
    r"""SAG: a step against the average of the last gradient of each of n mini-batches.

    .. math::

        d &\leftarrow d - y_i + g, \qquad y_i \leftarrow g, \qquad i = (t-1) \bmod n \\
        x &\leftarrow x - \eta\, \frac{d}{\min(t, n)}

    d is the sum of the gradients kept, one per mini-batch: when batch i comes round again, its new gradient takes the
    place of its old one. So the step is that of the full batch, from gradients of which most are old.

    The name misleads: nothing is averaged but gradients. Averaged SGD, which averages the parameters and which
    PyTorch's class of this name is, is another method.

    Args:
        learning_rate: η, a float or a schedule.
        batch_num: n, the number of mini-batches of an epoch, in the same order in every epoch: a gradient is replaced
            n steps later, whatever it came from. Each costs as much memory as the parameters. n = 1 is ``SGD``.
        parameters, weight_decay, grad_clip, name: See ``Optimizer``.
        multi_precision: Accepted for Paddle's sake; half precision needs a GPU.

    Raises:
        TypeError, ValueError: See ``Optimizer``.

    Example:
        >>> import numpy as np
        >>> from course_lib import optimizer
        >>> sag = optimizer.ASGD(learning_rate=0.5, batch_num=2)
        >>> x, s = np.array([0.0]), sag.fresh_state(np.zeros(1))
        >>> for s.t, g in enumerate([4.0, -2.0, 0.0], 1):
        ...     x = sag.rule(x, np.array([g]), s, lr=0.5)
        ...     print(x)
        [-2.]
        [-2.5]
        [-2.]

    Source: N. Le Roux, M. Schmidt, F. Bach, A Stochastic Gradient Method with an Exponential Convergence Rate for
    Finite Training Sets, 2012; there the batch is drawn at random and the step divides by the number of batches seen.
    Paddle's page writes weight decay outside the average; Paddle's code, and this class, add it to g.
    """

    slots = ("d", "y")
    stacked_slots = {"y": "batch_num"}
    hyperparameters = {"batch_num": positive_whole, **PADDLE_FLAGS}

    def __init__(
        self,
        learning_rate=0.001,
        batch_num=1,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        multi_precision=False,
        name=None,
    ):
        super().__init__(**given(vars()))

    def rule(self, x, g, s, lr):
        i = (s.t - 1) % self.batch_num
        s.d = s.d - s.y[i] + g
        s.y[i] = g
        return x - lr * s.d / min(s.t, self.batch_num)
