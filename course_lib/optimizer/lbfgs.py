"""L-BFGS: steps as Newton's method would take them, with a curvature learned from the last few steps."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..arrays import dot
from ..edge import paddle
from ..errors import choice, not_negative, positive_whole
from .base import NoTensors, Optimizer
from .line_search import Point, strong_wolfe
from .rule import given
from .two_loop import two_loop

if paddle is None:
    StepsByClosure = NoTensors
else:
    from .tensors.closures import StepsByClosure

LEAST_CURVATURE = 1e-10
"""A step is remembered only if s·y, its curvature times its length squared, is larger."""


class LBFGS(Optimizer, StepsByClosure):
    r"""L-BFGS: Newton's method with a curvature that is learned from the last steps.

    Newton's method divides the gradient by the second derivative: :math:`x \leftarrow x - H g` with the inverse H of
    the matrix of second derivatives. L-BFGS never has that matrix. It remembers its last m steps s and by how much
    each changed the gradient, y, and from these pairs ``two_loop`` computes H·g in about 4m vector operations:

    .. math::

        s_k = x_{k+1} - x_k, \qquad y_k = g_{k+1} - g_k, \qquad
        x \leftarrow x - \alpha\, H g

    Without a line search α is the learning rate; with ``"strong_wolfe"`` it is only the first α to be tried, see
    ``line_search``. The very first step has no pairs: it goes along -g, and its α is divided by
    :math:`\lVert g\rVert_1` if that is above 1.

    Pairs from different mini-batches say little about curvature: use it with all data at once. One step evaluates the
    loss several times, so ``step`` is given a function that does so, the closure.

    Args:
        learning_rate: α, a float or a schedule; at least 0.
        max_iter: Iterations in one ``step``, at least 1.
        max_eval: After how many evaluations of the loss a ``step`` ends; by default 1¼ ``max_iter``. A line search
            that has begun is finished.
        tolerance_grad: A ``step`` ends when no component of the gradient is larger, ≥ 0.
        tolerance_change: A ``step`` ends when an iteration changes the loss, or every parameter, by less, ≥ 0.
        history_size: m, how many pairs are remembered, at least 1.
        line_search_fn: ``"strong_wolfe"`` or ``None``.
        parameters: See ``Optimizer``. Groups are allowed, but none with settings of its own: one step moves all.
        weight_decay, grad_clip: Must be ``None``. What is minimized is the loss that the closure returns: add a
            penalty there.
        name: Accepted for Paddle's sake.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A value is out of range, ``weight_decay`` or ``grad_clip`` is given, or a group or ``ParamAttr`` has
            a learning rate or a regularizer of its own.

    Example:
        >>> import paddle
        >>> from course_lib import optimizer
        >>> x = paddle.to_tensor([-1.2, 1.0], dtype="float64", stop_gradient=False)
        >>> lbfgs = optimizer.LBFGS(line_search_fn="strong_wolfe", max_iter=50, parameters=[x])
        >>> def closure():
        ...     lbfgs.clear_grad()
        ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        ...     loss.backward()
        ...     return loss
        >>> print(f"{lbfgs.step(closure).item():.1f}, then {closure().item():.1f}")
        24.2, then 0.0

    Source: D. Liu, J. Nocedal, On the limited memory BFGS method for large scale optimization, 1989; J. Nocedal,
    S. Wright, Numerical Optimization, 2nd edition, 2006, algorithm 7.4. Departures, all of them Paddle's: a pair is
    left out if s·y ≤ 1e-10, however small the problem's numbers are; the line search's shortest move is 1e-9, whatever
    ``tolerance_change`` is; it misses a rise at its second trial; and where the loss is NaN it goes on outwards, so
    that one NaN may throw the parameters far away.

    Where Paddle differs: its ``weight_decay``, ``grad_clip`` and ``set_lr`` are ignored without a word, its ``get_lr``
    always returns 1, a schedule fails in ``step``, of several groups only the last is trained, a parameter that is
    frozen after ``backward`` goes on to move, and its ``set_state_dict`` resumes nothing.
    """

    hyperparameters = {
        "max_iter": positive_whole,
        "max_eval": lambda name, value: None if value is None else positive_whole(name, value),
        "tolerance_grad": not_negative,
        "tolerance_change": not_negative,
        "history_size": positive_whole,
        "line_search_fn": lambda name, value: choice(name, value, (None, "strong_wolfe")),
    }
    whole = "group"
    lowest_learning_rate = 0

    def __init__(
        self,
        learning_rate=1.0,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
        parameters=None,
        weight_decay=None,
        grad_clip=None,
        name=None,
    ):
        if type(learning_rate) is int:  # Paddle's own examples say learning_rate=1
            learning_rate = float(learning_rate)
        _refuse("weight_decay", weight_decay, "add the penalty to the loss that the closure returns")
        _refuse("grad_clip", grad_clip, "a clipped gradient is not the slope of the loss, and the step needs both")
        super().__init__(**given(vars()))
        if max_eval is None:
            self.max_eval = self.max_iter * 5 // 4

    def rule(self, x, g, s, lr):
        """Refuse: one gradient does not make a step.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            "LBFGS asks for loss and gradient several times in a step: advance takes rule's place"
        )

    def fresh_state(self, x=None) -> SimpleNamespace:
        """Return the state before the first step: ``t`` counts iterations, ``pairs`` are the (s, y), oldest first."""
        return SimpleNamespace(t=0, evaluations=0, pairs=(), direction=None, alpha=None, gradient=None)

    def advance(self, x, loss_at, gradient_at, s, lr):
        """Return where one ``step`` leads: up to ``max_iter`` iterations of L-BFGS.

        Args:
            x: The parameters as one array; it is not changed.
            loss_at: Function of such an array that returns the loss, a float.
            gradient_at: Function that returns the gradient, a new array; asked where the loss has just been asked for.
            s: The state, as ``fresh_state`` returns it. New state is assigned.
            lr: The learning rate.

        Example:
            >>> from course_lib import optimizer
            >>> from scipy.optimize import rosen, rosen_der
            >>> lbfgs = optimizer.LBFGS(line_search_fn="strong_wolfe", max_iter=100)
            >>> x = lbfgs.advance(np.zeros(5), rosen, rosen_der, lbfgs.fresh_state(), lr=1.0)
            >>> x.round(3)
            array([1., 1., 1., 1., 1.])
        """

        def ask(x):
            s.evaluations += 1
            return loss_at(x), gradient_at(x)

        most_evaluations = s.evaluations + self.max_eval
        loss, g = ask(x)
        for iteration in range(1, self.max_iter + 1):
            if largest(g) <= self.tolerance_grad:
                break
            s.t += 1
            self.aim(g, s, lr)
            slope, loss_before = dot(g, s.direction), loss
            if slope > -self.tolerance_change:
                break
            if self.line_search_fn is not None:
                start, reach = Point(0.0, loss, slope, g), largest(s.direction)
                s.alpha, loss, _, g = strong_wolfe(along(x, s.direction, ask), start, s.alpha, reach)
            move = s.alpha * s.direction
            x = x + move
            if iteration == self.max_iter:
                break
            if self.line_search_fn is None:
                loss, g = ask(x)
            if largest(move) <= self.tolerance_change or abs(loss - loss_before) < self.tolerance_change:
                break
            if s.evaluations >= most_evaluations:
                break
        return x

    def aim(self, g, s, lr):
        """Learn from the last step, then set the direction and the α to be tried first."""
        if s.t > 1:
            step, change = s.alpha * s.direction, g - s.gradient
            if dot(step, change) > LEAST_CURVATURE:
                s.pairs = (*s.pairs, (step, change))[-self.history_size :]
        s.direction = -two_loop(g, s.pairs)
        s.alpha = lr if s.t > 1 else lr * min(1.0, 1.0 / float(np.abs(g).sum()))
        s.gradient = g


def along(x, direction, ask):
    """Return the loss along a direction from ``x``, as a function of the step that returns a ``Point``."""

    def at(step):
        loss, gradient = ask(x + step * direction)
        return Point(step, loss, dot(gradient, direction), gradient)

    return at


def largest(vector) -> float:
    """Return the largest absolute value; 0 if there is no element."""
    return float(np.max(np.abs(vector), initial=0.0))


def _refuse(name: str, value, reason: str) -> None:
    """Refuse a setting that Paddle's class takes and ignores; 0 is none.

    Raises:
        ValueError: There is a value.
    """
    if value:
        raise ValueError(f"{name} of LBFGS must be None: {reason}; got {value!r:.60}")
