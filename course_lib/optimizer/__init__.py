"""The course's optimizers: a drop-in twin of ``paddle.optimizer`` whose rules read like the formulas."""

from . import lr
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .adaptive import Adadelta, Adagrad, RMSProp
from .base import Optimizer
from .sgd import SGD, SGDW, Momentum
from .swats import SWATS

__all__ = [
    "SGD",
    "SGDW",
    "SWATS",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Momentum",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "lr",
]
