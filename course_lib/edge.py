"""The edge at which Paddle stands: here is found out whether it is installed.

Formulas, schedules, surfaces and the checks of exercises need NumPy alone. They run where there is no Paddle, as in a
browser, with the same classes and the same numbers; what works on tensors says so when it is used.
"""

from __future__ import annotations

import inspect
import warnings

try:
    import paddle
except ModuleNotFoundError as missing:
    if missing.name != "paddle":
        raise
    paddle = None

__all__ = ["LRScheduler", "is_tensor", "leave_to_python", "needs_paddle", "paddle"]


def is_tensor(value) -> bool:
    """Whether ``value`` is a Paddle tensor. Where Paddle is not installed, nothing is.

    Example:
        >>> is_tensor(0.5)
        False
    """
    return paddle is not None and isinstance(value, paddle.Tensor)


def needs_paddle(what: str) -> ModuleNotFoundError:
    """Return the error for something that works on Paddle's tensors, where Paddle is not installed.

    Example:
        >>> raise needs_paddle("training.fit")
        Traceback (most recent call last):
            ...
        ModuleNotFoundError: training.fit needs Paddle, which is not installed here: pip install paddlepaddle
    """
    message = f"{what} needs Paddle, which is not installed here: pip install paddlepaddle"
    return ModuleNotFoundError(message, name="paddle")


class TwinOfScheduler:
    """``paddle.optimizer.lr.LRScheduler``, where Paddle is not installed: the same methods, errors and state."""

    def __init__(self, learning_rate=0.1, last_epoch=-1, verbose=False):
        if not isinstance(learning_rate, (float, int)):
            raise TypeError(f"learning_rate must be a float, got {learning_rate!r} ({type(learning_rate).__name__})")
        if learning_rate < 0:
            raise ValueError(f"learning_rate must be at least 0, got {learning_rate}")
        self.base_lr = self.last_lr = float(learning_rate)
        self.last_epoch, self.verbose = last_epoch, verbose
        self.step()

    def __call__(self):
        return self.last_lr

    def get_lr(self):
        raise NotImplementedError(f"{type(self).__name__} must define get_lr(), the learning rate at last_epoch")

    def step(self, epoch=None):
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed_form = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self.last_lr = (closed_form or self.get_lr)()
        if self.verbose:
            print(f"Epoch {self.last_epoch}: {type(self).__name__} set learning rate to {self.last_lr}.")

    def state_keys(self):
        self.keys = ["last_epoch", "last_lr"]

    def state_dict(self):
        self.state_keys()
        return {key: vars(self)[key] for key in self.keys if key in vars(self)}

    def set_state_dict(self, state_dict):
        self.state_keys()
        missing = [key for key in self.keys if key not in state_dict]
        if missing:
            raise RuntimeError(f"state_dict has no entry {missing[0]!r}")
        vars(self).update({key: state_dict[key] for key in self.keys})
        if len(state_dict) > len(self.keys):
            warnings.warn("state_dict has entries that this schedule does not use", stacklevel=2)

    set_dict = set_state_dict


def _nothing(recursive: bool) -> None:
    """Without Paddle nothing is translated; the oldest Paddle of the course knows no call for nested methods."""


if paddle is None:
    LRScheduler, leave_to_python = TwinOfScheduler, _nothing
else:
    from paddle.jit.sot.psdb import fallback
    from paddle.optimizer.lr import LRScheduler

    leave_to_python = fallback if "recursive" in inspect.signature(fallback).parameters else _nothing
    """Called first in a method, it keeps ``paddle.jit.to_static(full_graph=False)`` from translating the method."""
