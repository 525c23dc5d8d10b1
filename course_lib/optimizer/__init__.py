"""The course's optimizers: a drop-in twin of ``paddle.optimizer`` whose rules read like the formulas."""


from .base import Optimizer
from .sgd import SGD, Momentum

__all__ = ["SGD", "Momentum", "Optimizer"]
