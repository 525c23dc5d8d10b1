"""Paddle's layers with other first weights, or with weights that are written in another way.

The formulas are those of ``course_lib.initializer``.
"""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn

from course_lib import errors
from course_lib.initializer import unit_lengths, weight_norm

LAYERS = (nn.Linear, nn.Conv1D, nn.Conv2D, nn.Conv3D)


def initialize(model, function, seed: int = 0, **settings):
    """Set the weight of every linear and convolution layer by ``function`` and its bias to 0.

    Other layers (normalization, embedding, …) are left alone. The layers are drawn one after the other, in the order
    of ``model.sublayers()``, from one generator.

    Args:
        model: A ``paddle.nn.Layer``; it is changed in place.
        function: One of ``initializer``, or your own ``(shape, rng) -> array``.
        seed: Makes the weights repeatable.
        **settings: Passed on to ``function``, such as ``std=0.1`` for ``normal``.

    Returns:
        The model.

    Raises:
        TypeError: ``model`` is no layer, or ``function`` no function.
        ValueError: The model has no linear or convolution layer, or ``function`` returned another shape than asked.

    Example:
        >>> from course_lib.initializer import constant
        >>> model = initialize(nn.Linear(3, 2), constant, value=0.5)
        >>> model(paddle.ones([1, 3])).tolist()
        [[1.5, 1.5]]
    """
    if not isinstance(model, nn.Layer):
        raise TypeError(f"model must be a paddle.nn.Layer, got {model!r} ({type(model).__name__})")
    if not callable(function):
        raise TypeError(f"function must be a function (shape, rng) -> array, got {function!r}")
    layers = [layer for layer in model.sublayers(include_self=True) if isinstance(layer, LAYERS)]
    if not layers:
        raise ValueError(f"model must have a linear or convolution layer, got {type(model).__name__} without one")
    rng = np.random.default_rng(errors.whole("seed", seed, low=0))
    for layer in layers:
        shape = tuple(layer.weight.shape)
        values = np.asarray(function(shape, rng, **settings))
        if values.shape != shape:
            raise ValueError(f"function must return an array of shape {shape}, got {values.shape}")
        layer.weight.set_value(values.astype(layer.weight.numpy().dtype))
        if layer.bias is not None:
            layer.bias.set_value(paddle.zeros_like(layer.bias))
    return model


class WeightNorm(nn.Layer):
    """A linear or convolution layer whose weight is written as g·v/‖v‖, and which learns g and v.

    At first v is the layer's weight and g its units' lengths, so wrapping changes no output. What changes is the
    gradient: that of v is orthogonal to v, scaled by g/‖v‖.

    Args:
        layer: A Linear or Conv layer; its weight becomes ``v``.

    Raises:
        TypeError: ``layer`` is neither.
        ValueError: The weights of a unit are all 0.

    Example:
        >>> layer = WeightNorm(nn.Linear(3, 2))
        >>> [name for name, _ in layer.named_parameters()]
        ['v', 'g', 'layer.bias']

    Source: as ``initializer.weight_norm``. The paper also sets g and the bias from a first mini-batch (section 3); this
    does not.
    """

    def __init__(self, layer):
        super().__init__()
        if not isinstance(layer, LAYERS):
            raise TypeError(f"layer must be a Linear or Conv layer, got {layer!r} ({type(layer).__name__})")
        weight = layer.weight
        weight_norm(weight.numpy(), unit_lengths(weight.numpy()))  # raises if a unit has no direction
        self.v = weight
        lengths = nn.initializer.Assign(unit_lengths(weight).numpy())
        self.g = self.create_parameter(unit_lengths(weight).shape, dtype=weight.dtype, default_initializer=lengths)
        del layer.weight  # from now on it is computed
        self.layer = layer

    def forward(self, x):
        self.layer.weight = weight_norm(self.v, self.g)
        return self.layer(x)
