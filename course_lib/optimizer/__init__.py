"""The course's optimizers: a drop-in twin of ``paddle.optimizer`` whose rules read like the formulas."""

from ..edge import paddle as _paddle
from ..errors import only_in_paddle as _only_in_paddle
from . import lr
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .adaptive import Adadelta, Adagrad, RMSProp, Rprop
from .averaging import EMA, LookAhead, ModelAverage
from .base import Optimizer
from .layerwise import LARS, Lamb
from .lbfgs import LBFGS
from .sgd import ASGD, SGD, SGDW, Momentum
from .swats import SWATS

__all__ = [
    "ASGD",
    "EMA",
    "LARS",
    "LBFGS",
    "SGD",
    "SGDW",
    "SWATS",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lamb",
    "LookAhead",
    "ModelAverage",
    "Momentum",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "Rprop",
    "lr",
]


def __getattr__(name):
    raise _only_in_paddle(__name__, name, _paddle and _paddle.optimizer)
