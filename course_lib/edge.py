"""The edge at which Paddle stands: the one module that knows whether it is installed.

Formulas, schedules, surfaces and the checks of exercises need NumPy alone. They run where there is no Paddle, as in a
browser, with the same classes and the same numbers; what works on tensors says so when it is used.
"""

from __future__ import annotations

import inspect

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


def _nothing(recursive: bool) -> None:
    """Without Paddle nothing is translated; the oldest that the course runs with knows no call for nested methods."""


if paddle is not None:
    from paddle.jit.sot.psdb import fallback
    from paddle.optimizer.lr import LRScheduler

    leave_to_python = fallback if "recursive" in inspect.signature(fallback).parameters else _nothing
    """Called in a method that ``paddle.jit.to_static(full_graph=False)`` shall not translate, and what it calls."""
else:
    leave_to_python = _nothing

    class LRScheduler:
        """As much of ``paddle.optimizer.lr.LRScheduler`` as the course's schedules use."""

        def __init__(self, learning_rate=0.1, last_epoch=-1, verbose=False):
            self.base_lr = self.last_lr = float(learning_rate)
            self.last_epoch, self.verbose = last_epoch, verbose
            self.step()

        def __call__(self):
            return self.last_lr

        def step(self, epoch=None):
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            self.last_lr = self.get_lr()
            if self.verbose:
                print(f"Epoch {self.last_epoch}: {type(self).__name__} set learning rate to {self.last_lr}.")

        def state_keys(self):
            self.keys = ["last_epoch", "last_lr"]

        def state_dict(self):
            self.state_keys()
            return {key: vars(self)[key] for key in self.keys if key in vars(self)}

        def set_state_dict(self, state_dict):
            self.state_keys()
            vars(self).update({key: state_dict[key] for key in self.keys})
