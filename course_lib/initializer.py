r"""First weights of a network: what they are drawn from decides whether it learns at all.

Every initializer is a function ``(shape, rng) -> array`` and knows the network only through the shape of one weight:

=========  ====================================  =================  ==================
layer      shape of the weight (as in Paddle)    fan-in, n_in       fan-out, n_out
=========  ====================================  =================  ==================
linear     ``[n_in, n_out]``                     n_in               n_out
conv       ``[out, in, height, width]``          in·height·width    out·height·width
=========  ====================================  =================  ==================

``course_lib.layers`` applies one to every layer of a Paddle model. Weight normalization, which is not a first value but
another way to write a weight, is here as a function, and there as a layer.
"""

from __future__ import annotations

import math

import numpy as np

from course_lib import errors
from course_lib.arrays import sqrt


def fans(shape) -> tuple[int, int]:
    """Return (fan-in, fan-out): how many inputs a unit sums up, and how many units an input goes to.

    Raises:
        TypeError, ValueError: ``shape`` is no list of at least two whole numbers of at least 1.

    Example:
        >>> fans([784, 10]), fans([20, 3, 5, 5])
        ((784, 10), (75, 500))
    """
    shape = _checked_shape(shape)
    if len(shape) < 2:
        raise ValueError(f"shape must have at least two dimensions, for a fan-in and a fan-out, got {shape}")
    if len(shape) == 2:
        return shape
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def zero(shape, rng=None) -> np.ndarray:
    """All weights 0. The units of a layer compute the same, get the same gradient, and stay the same for ever.

    Example:
        >>> zero([2, 2])
        array([[0., 0.],
               [0., 0.]])
    """
    return np.zeros(_checked_shape(shape))


def constant(shape, rng=None, value: float = 0.1) -> np.ndarray:
    """All weights ``value``: the same fault as ``zero``, with gradients that are not 0.

    Example:
        >>> constant([2], value=0.5)
        array([0.5, 0.5])
    """
    return np.full(_checked_shape(shape), errors.number("value", value))


def normal(shape, rng, std: float = 0.01) -> np.ndarray:
    r"""Draw from :math:`N(0, \sigma^2)`, with ``std`` the standard deviation σ, whatever the size of the layer.

    Raises:
        TypeError, ValueError: ``shape``, ``rng`` or ``std`` (at least 0) is not what it must be.

    Example:
        >>> normal([3], np.random.default_rng(0), std=0.01).round(4)
        array([ 0.0013, -0.0013,  0.0064])
    """
    return _checked_rng(rng).normal(0.0, errors.number("std", std, 0), _checked_shape(shape))


def uniform(shape, rng, bound: float = 0.05) -> np.ndarray:
    r"""Draw from :math:`U(-a, a)`, with ``bound`` = a; the standard deviation is :math:`a/\sqrt 3`.

    Raises:
        TypeError, ValueError: ``shape``, ``rng`` or ``bound`` (at least 0) is not what it must be.

    Example:
        >>> uniform([3], np.random.default_rng(0), bound=1.0).round(2)
        array([ 0.27, -0.46, -0.92])
    """
    bound = errors.number("bound", bound, 0)
    return _checked_rng(rng).uniform(-bound, bound, _checked_shape(shape))


def xavier_uniform(shape, rng, gain: float = 1.0) -> np.ndarray:
    r"""Draw from :math:`U(-a, a)` with :math:`a = \text{gain}\sqrt{6 / (n_{in} + n_{out})}`.

    The variance is then :math:`2/(n_{in} + n_{out})`: as near as one number can be to the :math:`1/n_{in}` that keeps
    the variance of what goes forward through a tanh-like layer, and to the :math:`1/n_{out}` that keeps the variance
    of the gradients going back.

    Args:
        shape: Of the weight, see ``fans``.
        rng: A ``numpy.random.Generator``.
        gain: Factor, at least 0.

    Raises:
        TypeError, ValueError: An argument is not what it must be.

    Example:
        >>> weight = xavier_uniform([784, 10], np.random.default_rng(0))
        >>> bool(abs(weight).max() <= (6 / 794) ** 0.5)
        True

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010),
    eq. 16. The gain is a later addition.
    """
    return uniform(shape, rng, math.sqrt(3) * _xavier_std(shape, gain))


def xavier_normal(shape, rng, gain: float = 1.0) -> np.ndarray:
    r"""Draw from :math:`N(0, \sigma^2)` with :math:`\sigma = \text{gain}\sqrt{2 / (n_{in} + n_{out})}`.

    Arguments, errors and source as in ``xavier_uniform``, whose variance it has; the paper prints the uniform one only.

    Example:
        >>> weight = xavier_normal([784, 216], np.random.default_rng(0))
        >>> round(float(weight.var()), 4)
        0.002
    """
    return normal(shape, rng, _xavier_std(shape, gain))


def he_uniform(shape, rng) -> np.ndarray:
    r"""Draw from :math:`U(-a, a)` with :math:`a = \sqrt{6 / n_{in}}`.

    Arguments, errors and source as in ``he_normal``, whose variance it has; the paper prints the normal one only.

    Example:
        >>> weight = he_uniform([600, 10], np.random.default_rng(0))
        >>> bool(abs(weight).max() <= 0.1)
        True
    """
    return uniform(shape, rng, math.sqrt(3) * _he_std(shape))


def he_normal(shape, rng) -> np.ndarray:
    r"""Draw from :math:`N(0, \sigma^2)` with :math:`\sigma = \sqrt{2 / n_{in}}`; :math:`2/n_{in}` is the variance.

    ReLU sets half of what it gets to 0 and so halves the mean square; the 2 makes up for it.

    Args:
        shape: Of the weight, see ``fans``.
        rng: A ``numpy.random.Generator``.

    Raises:
        TypeError, ValueError: An argument is not what it must be.

    Example:
        >>> weight = he_normal([1000, 200], np.random.default_rng(0))
        >>> round(float(weight.var()), 4)
        0.002

    Source: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers" (2015), eq. 10.
    """
    return normal(shape, rng, _he_std(shape))


# Weight normalization -----------------------------------------------------------------------------------------


def weight_norm(v, g):
    r"""Return :math:`w = g\, v / \lVert v \rVert`, for each output unit by itself: length g, direction of v.

    Args:
        v: Weight, NumPy array or Paddle tensor: ``[n_in, n_out]`` (a unit is a column), ``[out, in, height, width]``
            (a unit is ``v[k]``), or ``[n_in]``, a single unit.
        g: Length of each unit's weights ``[n_out]``; a number for a single unit.

    Raises:
        TypeError: v is neither array nor tensor.
        ValueError: g has not one value per unit, or a unit's weights are all 0 and have no direction.

    Example:
        >>> weight_norm(np.array([[3.0, 0.0], [4.0, 2.0]]), np.array([10.0, 1.0]))
        array([[6., 0.],
               [8., 1.]])

    Source: Salimans and Kingma, "Weight Normalization" (2016), eq. 2. ``paddle.nn.utils.weight_norm`` computes the same
    with ``dim=1`` for linear layers; its default ``dim=0`` takes the rows of ``[n_in, n_out]``, which belong to inputs.
    """
    scale = g / checked_lengths(v, g)
    if len(v.shape) > 2:
        scale = scale.reshape([-1] + [1] * (len(v.shape) - 1))
    return v * scale


# The pieces ---------------------------------------------------------------------------------------------------


def unit_lengths(v):
    """Length of the weights of each output unit."""
    dimensions = len(v.shape)
    others = 0 if dimensions <= 2 else tuple(range(1, dimensions))
    return sqrt((v * v).sum(axis=others))


def checked_lengths(v, g):
    """Lengths of the units of v, if each has a direction, and a new length in g."""
    if len(getattr(v, "shape", ())) == 0:
        raise TypeError(f"v must be an array or a tensor of at least one dimension, got {v!r} ({type(v).__name__})")
    lengths = unit_lengths(v)
    if tuple(getattr(g, "shape", ())) != tuple(lengths.shape):
        raise ValueError(
            f"g must have one value per unit, shape {tuple(lengths.shape)}, got {getattr(g, 'shape', g)!r}"
        )
    if bool((lengths == 0).any()):
        raise ValueError("v must have a direction: the weights of at least one unit are all 0")
    return lengths


def _xavier_std(shape, gain) -> float:
    return errors.number("gain", gain, 0) * math.sqrt(2 / sum(fans(shape)))


def _he_std(shape) -> float:
    return math.sqrt(2 / fans(shape)[0])


def _checked_shape(shape) -> tuple[int, ...]:
    return tuple(errors.whole("each of shape", n, low=1) for n in errors.listed("shape", shape, "whole numbers"))


def _checked_rng(rng) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator such as np.random.default_rng(0), got {rng!r}")
    return rng
