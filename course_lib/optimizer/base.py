"""The base class of the course's optimizers: a rule, and what makes it an optimizer of tensors.

A subclass states its state arrays (``slots``), the checks of its hyper-parameters (``hyperparameters``) and one formula
(``rule``); what belongs to a rule is in ``rule.py``. Everything that touches tensors is in ``tensors/``, the only place
that needs Paddle. Where Paddle is not installed an optimizer is its rule, which ``surfaces.trajectory`` follows.
"""

from __future__ import annotations

from ..edge import needs_paddle, paddle
from ..errors import finite
from .rule import Rule

__all__ = ["Optimizer", "parameters_of"]


class NoTensors:
    """What stands in the place of ``tensors.interface.OfTensors`` where Paddle is not installed."""

    REFUSED = (
        *("step", "minimize", "backward", "apply_gradients", "get_opti_var_name_list"),
        *("clear_grad", "clear_gradients", "zero_grad", "state_dict", "set_state_dict", "load_state_dict"),
        "own_entries",
    )

    def __init__(self, parameters, weight_decay, grad_clip, name):
        if parameters is not None or grad_clip is not None:
            raise needs_paddle(f"{type(self).__name__}({'grad_clip' if parameters is None else 'parameters'}=…)")
        self.regularization = None if weight_decay is None else finite("weight_decay", weight_decay)

    compiled = None

    def states_in_use(self) -> list:
        return []


def _refusing(name: str):
    def method(self, *arguments, **settings):
        raise needs_paddle(f"{type(self).__name__}.{name}")

    method.__name__, method.__doc__ = name, "Not without Paddle."
    return method


for _name in NoTensors.REFUSED:
    setattr(NoTensors, _name, _refusing(_name))


if paddle is None:
    OfTensors = NoTensors
else:
    from .tensors.interface import OfTensors


class Optimizer(Rule, OfTensors):
    """Base class of the course's optimizers; its interface is that of ``paddle.optimizer.Optimizer``.

    It is a subclass of Paddle's in name, so that programs which ask ``isinstance`` take it for one. It uses nothing
    of it: every method is the course's own.

    Args:
        learning_rate: A float or an ``LRScheduler`` (Paddle's or the course's). A negative float is
            allowed, as in Paddle: it climbs the loss.
        parameters: The tensors to update, or a list of group dicts ``{"params": […], …}``. In a group,
            ``learning_rate`` multiplies the global one, ``weight_decay``, ``grad_clip`` and any
            hyper-parameter of the class replace it. A ``weight_decay`` of ``None`` leaves the global one, as if it
            were not there; only ``Momentum`` takes it for none, as in Paddle, and a class whose own ``weight_decay``
            is a number (``AdamW``, ``SGDW``) refuses it.
            ``None`` makes an optimizer that has only its ``rule``, to be followed by ``surfaces.trajectory``;
            its ``step`` raises.
        weight_decay: A float λ adds λ·x to the gradient (L2, without ½); ``paddle.regularizer.L1Decay``
            and ``L2Decay`` objects work too. A regularizer set on a parameter by ``ParamAttr`` wins.
        grad_clip: ``paddle.nn.ClipGradByValue``, ``ClipGradByNorm`` or ``ClipGradByGlobalNorm``. It acts
            before the regularization, and on each group by itself: a global norm is the group's, as in Paddle.
        name: Prefix of the state's names in ``state_dict``.
        **hyperparameters: The subclass's own, each checked as ``hyperparameters`` says.

    Raises:
        TypeError: An argument has the wrong type (an ``int`` learning rate too, as in Paddle).
        ValueError: A value is out of range, the parameter list is empty or names a tensor twice.
        ModuleNotFoundError: ``parameters`` are given, but Paddle is not installed.

    A NaN or infinite gradient is not caught: as in Paddle it reaches the parameter and its state. A gradient of
    some rows only, as ``Embedding(sparse=True)`` gives it, is zero in all other rows; Paddle's kernels for it miss
    rows that are out of order (Momentum, RMSProp) or do not exist (Adadelta, Adamax, NAdam, RAdam, AdamW).

    Example:
        >>> import numpy as np
        >>> import paddle
        >>> class SignDescent(Optimizer):
        ...     def rule(self, x, g, s, lr):
        ...         return x - lr * np.sign(g)
        >>> x = paddle.to_tensor([3.0, -5.0], stop_gradient=False)
        >>> (x * x).sum().backward()
        >>> SignDescent(0.5, parameters=[x]).step()
        >>> x.tolist()
        [2.5, -4.5]
    """

    def __init__(self, learning_rate, parameters=None, weight_decay=None, grad_clip=None, name=None, **hyperparameters):
        if self.decoupled:
            hyperparameters["weight_decay"], weight_decay = weight_decay, None
        Rule.__init__(self, learning_rate, **hyperparameters)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string or None, got {name!r}")
        super(Rule, self).__init__(parameters, weight_decay, grad_clip, name)  # OfTensors, or what is derived from it


def parameters_of(optimizer) -> list:
    """The tensors that an optimizer updates, of this library or of Paddle, in groups or not."""
    given = getattr(optimizer, "_parameter_list", None) or ()
    return [p for each in given for p in (each["params"] if isinstance(each, dict) else [each])]
