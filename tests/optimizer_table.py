"""The one table of optimizers and settings that drives the tests of ``course_lib.optimizer``.

A new optimizer gets its rows here and is then compared with Paddle, saved, resumed, changed over and
measured like all others.
"""

from __future__ import annotations

from inspect import signature
from typing import NamedTuple

import numpy as np
import paddle

from course_lib import optimizer


class Case(NamedTuple):
    """An optimizer class with settings; ``lr`` is chosen so that 200 steps move the parameters visibly."""

    name: str
    settings: dict
    lr: float = 0.01
    tolerance: float = 2e-5  # of the path travelled, in float32
    tolerance64: float = 1e-9  # in float64, hyper-parameters rounded as Paddle rounds them
    rounded: tuple = ()  # hyper-parameters that Paddle's kernel holds in 32 bits for float64 parameters too

    @property
    def label(self) -> str:
        return ", ".join([self.name, *(f"{key}={value}" for key, value in self.settings.items())])

    @property
    def arguments(self) -> set[str]:
        """What the class takes; not all of them have a ``weight_decay``."""
        return set(signature(getattr(optimizer, self.name)).parameters)

    def ours(self, parameters, lr=None, **more):
        return self._build(optimizer, parameters, lr, more)

    def paddles(self, parameters, lr=None, **more):
        return self._build(paddle.optimizer, parameters, lr, more)

    def ours_as_rounded(self, parameters, lr=None, **more):
        """The course's optimizer with hyper-parameters rounded where Paddle's kernel rounds them."""
        made = self.ours(parameters, lr, **more)
        for name in self.rounded:
            setattr(made, name, float(np.float32(getattr(made, name))))
        return made

    def _build(self, module, parameters, lr, more):
        settings = {"learning_rate": self.lr if lr is None else lr, **self.settings, **more}
        return getattr(module, self.name)(parameters=parameters, **settings)


ADAMS = ("beta1", "beta2", "epsilon")
LAMB_WITHOUT_ROUNDING = {"beta1": 0.875, "beta2": 0.9375, "epsilon": 1e-3, "lamb_weight_decay": 0.3}

CASES = [
    Case("SGD", {}),
    Case("Momentum", {}, rounded=("momentum",)),
    Case("Momentum", {"momentum": 0.5}, rounded=("momentum",)),
    Case("Momentum", {"use_nesterov": True}, rounded=("momentum",)),
    Case("Momentum", {"rescale_grad": 0.25}, rounded=("momentum",)),
    Case("Adagrad", {}, rounded=("epsilon",)),
    Case("Adagrad", {"epsilon": 1e-3, "initial_accumulator_value": 0.1}, rounded=("epsilon",)),
    Case("RMSProp", {}),
    Case("RMSProp", {"rho": 0.9, "epsilon": 1e-3}),
    Case("RMSProp", {"momentum": 0.9}),
    Case("RMSProp", {"centered": True, "momentum": 0.5}),
    Case("Adadelta", {}, lr=1.0, rounded=("rho", "epsilon")),
    Case("Adadelta", {"rho": 0.9, "epsilon": 1e-3}, lr=1.0, rounded=("rho", "epsilon")),
    Case("Adam", {}),
    Case("Adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    Case("Adam", {"beta1": 0.0}),
    Case("Adam", {"amsgrad": True}),
    Case("Adam", {"amsgrad": True, "beta2": 0.9, "epsilon": 1e-3}),
    Case("Adamax", {}, rounded=ADAMS, tolerance64=1e-7),  # Paddle rounds β₁ in the average but not in β₁ᵗ
    Case("Adamax", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}, rounded=ADAMS),
    Case("NAdam", {}, rounded=(*ADAMS, "momentum_decay")),
    Case("NAdam", {"momentum_decay": 0.1, "epsilon": 1e-3}, rounded=(*ADAMS, "momentum_decay")),
    Case("RAdam", {}, rounded=ADAMS),
    Case("RAdam", {"beta2": 0.9, "epsilon": 1e-3}, rounded=ADAMS),
    Case("ASGD", {}),
    Case("ASGD", {"batch_num": 3}),
    Case("Rprop", {}),
    Case("Rprop", {"learning_rate_range": (1e-6, 0.05)}),
    Case("Rprop", {"etas": (0.7, 1.1)}),
    Case("Lamb", {}, rounded=(*ADAMS, "lamb_weight_decay"), tolerance64=1e-7),  # as Adamax, both β
    Case("Lamb", LAMB_WITHOUT_ROUNDING, rounded=("epsilon", "lamb_weight_decay")),
    Case("Lamb", {"lamb_weight_decay": 0.0, "always_adapt": True}, rounded=ADAMS),
    Case("AdamW", {}, rounded=("weight_decay",)),
    Case("AdamW", {"weight_decay": 0.3, "epsilon": 1e-3}, rounded=("weight_decay",)),
    Case("AdamW", {"amsgrad": True}, rounded=("weight_decay",)),
]

OWN = [
    Case("SGDW", {"weight_decay": 0.1}),
    Case("SGDW", {"use_nesterov": True, "momentum": 0.5}),
    Case("LARS", {}),
    Case("LARS", {"momentum": 0.5, "lars_weight_decay": 0.1, "lars_coeff": 0.1, "epsilon": 1e-3}),
    Case("SWATS", {"tolerance": 0.5, "minimum_steps": 5}),
    Case("SWATS", {"tolerance": 0.0}),
]
"""Classes that Paddle does not have: everything but the comparison with Paddle."""

STEPS = 200
SHAPES = ([7, 5], [5], [1])


def _each(function):
    """A gradient sequence from a function of (generator, shape, step)."""

    def sequence(dtype):
        rng = np.random.default_rng(0)
        for step in range(STEPS):
            yield [np.asarray(function(rng, shape, step), dtype) for shape in SHAPES]

    return sequence


def _six_decades(rng, shape, step):
    return rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3, size=shape)


def _sparse(rng, shape, step):
    return rng.normal(size=shape) * (rng.random(size=shape) < 0.1)


GRADIENTS = {
    "random": _each(lambda rng, shape, step: rng.normal(size=shape)),
    "six decades": _each(_six_decades),
    "zero": _each(lambda rng, shape, step: np.zeros(shape)),
    "constant": _each(lambda rng, shape, step: np.full(shape, 0.3)),
    "sparse": _each(_sparse),
    "zero at first": _each(lambda rng, shape, step: rng.normal(size=shape) * (step >= 20)),
    "spike": _each(lambda rng, shape, step: rng.normal(size=shape) * (1e4 if step == 50 else 1.0)),
    "huge": _each(lambda rng, shape, step: 1e6 * rng.normal(size=shape)),
    "tiny": _each(lambda rng, shape, step: 1e-12 * rng.normal(size=shape)),
}


def parameters_like(dtype: str) -> list[paddle.Tensor]:
    """Fresh parameters, the same at each call."""
    rng = np.random.default_rng(1)
    parameters = [paddle.create_parameter(shape, dtype) for shape in SHAPES]
    for parameter in parameters:
        parameter.set_value(np.asarray(rng.normal(size=parameter.shape), dtype))
    return parameters


def run(made, parameters, gradients, before_step=None) -> np.ndarray:
    """Feed the gradients to the optimizer ``made``; return the parameters after each step as one array.

    Gradients are arrays, tensors, or None.
    """
    positions = [_flat(parameters)]
    for step, values in enumerate(gradients):
        for parameter, value in zip(parameters, values):
            parameter.grad = paddle.to_tensor(value) if isinstance(value, np.ndarray) else value
        if before_step is not None:
            before_step(step, made)
        made.step()
        positions.append(_flat(parameters))
    return np.array(positions)


def _flat(parameters) -> np.ndarray:
    return np.concatenate([parameter.numpy().reshape(-1).astype("float64") for parameter in parameters])


def deviation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return max |a - b| / (|p₀| + path length) over all steps and elements, each element by its own path."""
    path = np.abs(np.diff(theirs, axis=0)).sum(axis=0)
    scale = np.abs(theirs[0]) + path
    difference = np.abs(ours - theirs).max(axis=0)
    return float(np.max(np.divide(difference, scale, out=np.zeros_like(scale), where=difference > 0)))
