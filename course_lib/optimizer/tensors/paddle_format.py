"""What Paddle's optimizers write into a ``state_dict``, and what their kernels do beside the formula: one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


def _none(rule, t, shape) -> dict[str, np.ndarray]:
    return {}


@dataclass(frozen=True)
class Format:
    """What Paddle's optimizer of one class does in its own way.

    Attributes:
        names: Slot or scalar → Paddle's name of it; where it is not named, it has the same. ``t`` is the step number.
        extras: Function of the rule, the step t and the parameter's shape that returns what Paddle saves beside these.
        powers: Which of the extras are powers β^t, from which the step number of a state of Paddle's is found.
        powers_of_32_bits: Whether Paddle builds these up from a β of 32 bits even where the parameter has 64.
        rounds_hyperparameters: Whether a step rounds the hyper-parameters to 32 bits. All of Paddle's kernels do so; it
            is copied only where it shows.
        own_l2: Whether Paddle's kernel does L2 itself. Then a group's ``weight_decay`` replaces the global L2, even if
            it is None, and adds to an L1.
        counts: Scalars that are saved as one whole number each.
    """

    names: dict[str, str] = field(default_factory=dict)
    extras: Callable[..., dict[str, np.ndarray]] = _none
    counts: tuple[str, ...] = ()
    powers: tuple[str, ...] = ()
    powers_of_32_bits: bool = False
    rounds_hyperparameters: bool = False
    own_l2: bool = False


def _adam(rule, t, shape):
    # Paddle multiplies before it uses them, so that after step t the power t + 1 is stored.
    return {f"beta{i}_pow_acc": np.full([1], beta ** (t + 1)) for i, beta in ((1, rule.beta1), (2, rule.beta2))}


def _adamax(rule, t, shape):
    return {"beta1_pow_acc": np.full([1], rule.beta1 ** (t + 1))}


def _nadam(rule, t, shape):
    return {"momentum_decay_pow": np.full(shape, 0.96**t), "beta2_pow": np.full(shape, rule.beta2**t)}


def _radam(rule, t, shape):
    power = rule.beta2**t
    rho = t * power / (1 - power) if t > 0 else 1.0  # how far ρ_t is from ρ_∞, in halves
    values = {"beta1_pow": rule.beta1**t, "beta2_pow": power, "rho": rho}
    return {name: np.full(shape, value) for name, value in values.items()}


def _rmsprop(rule, t, shape):
    return {} if rule.centered else {"mean_grad": np.zeros(shape)}


def _model_average(rule, t, shape):
    return {"restore": np.zeros(shape)}


MOMENTS = {"m": "moment1", "v": "moment2"}
ADAM = Format({**MOMENTS, "v_max": "moment2_max"}, _adam, powers=("beta1_pow_acc", "beta2_pow_acc"))

FORMATS = {
    "sgd.Momentum": Format(own_l2=True),
    "sgd.ASGD": Format({"t": "m"}),
    "adaptive.Rprop": Format({"last_gradient": "prevs", "step_size": "learning_rates"}),
    "adaptive.Adagrad": Format({"sum_of_squares": "moment"}),
    # Under a constant gradient the centered variance is a difference of equal numbers, and rounding decides.
    "adaptive.RMSProp": Format(
        {"velocity": "momentum", "mean_gradient": "mean_grad"}, _rmsprop, rounds_hyperparameters=True
    ),
    "adaptive.Adadelta": Format({"mean_square": "_avg_squared_grad", "mean_square_update": "_avg_squared_update"}),
    "averaging.SlowWeights": Format({"t": "slow_steps"}),  # beside the ``t`` of the optimizer inside
    "averaging.ModelAverage": Format(
        {"t": "num_updates"}, _model_average, counts=("num_accumulates", "old_num_accumulates")
    ),
    "adam.Adam": ADAM,
    "adam.AdamW": ADAM,
    "layerwise.Lamb": ADAM,
    "adam.Adamax": Format({"m": "moment", "u": "inf_norm"}, _adamax, powers=("beta1_pow_acc",)),
    "adam.NAdam": Format(MOMENTS, _nadam, powers=("momentum_decay_pow", "beta2_pow"), powers_of_32_bits=True),
    "adam.RAdam": Format(MOMENTS, _radam, powers=("beta1_pow", "beta2_pow"), powers_of_32_bits=True),
}
"""By module and name of the course's class. Rules that Paddle lacks, and those without state, have ``Format()``."""


def format_of(cls: type) -> Format:
    """Return the format of the course's class that ``cls`` is, or is derived from."""
    library = __package__.rpartition(".")[0]
    names = [f"{each.__module__}.{each.__qualname__}" for each in cls.__mro__]
    return next((FORMATS[key] for name in names if (key := name.replace(f"{library}.", "", 1)) in FORMATS), Format())
