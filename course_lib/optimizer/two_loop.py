"""The two loops of L-BFGS: a Newton step out of a few pairs of vectors, without a matrix."""

from __future__ import annotations

from ..arrays import dot


def two_loop(g, pairs):
    r"""Return H·g, where H is the inverse matrix of second derivatives as far as the pairs tell.

    H begins as :math:`\gamma I`, and each pair (s, y), from the oldest to the newest, makes it

    .. math::

        H \leftarrow (I - \rho\, s y^T)\, H\, (I - \rho\, y s^T) + \rho\, s s^T, \qquad \rho = \frac{1}{s \cdot y}

    after which H·y = s: along s it knows the curvature. The first loop applies the right factors to g, from the newest
    pair to the oldest, the second one the left factors, back to the newest.

    Args:
        g: The gradient.
        pairs: ``[(s, y), …]``, the oldest first: steps, and by how much each changed the gradient.

    Example:
        >>> import numpy as np
        >>> two_loop(np.array([4.0, 4.0]), [(np.array([1.0, 0.0]), np.array([8.0, 0.0]))])
        array([0.5, 0.5])
    """
    q, shares = g, []
    for s, y in reversed(pairs):
        share = dot(s, q) / dot(s, y)
        q = q - share * y
        shares.append(share)
    r = first_guess(pairs) * q
    for (s, y), share in zip(pairs, reversed(shares)):
        r = r + (share - dot(y, r) / dot(s, y)) * s
    return r


def first_guess(pairs) -> float:
    r"""Return γ of the first guess H = γI: the newest pair's :math:`s \cdot y / y \cdot y`, 1 without pairs."""
    if not pairs:
        return 1.0
    s, y = pairs[-1]
    return dot(s, y) / dot(y, y)
