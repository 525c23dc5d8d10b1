"""Two-dimensional loss surfaces with known gradients, and the path that an optimizer's rule takes over them.

Real losses have millions of parameters and cannot be looked at. Each surface here isolates one difficulty
that they share: a narrow valley, a saddle, a plateau, a steep hole. Points are arrays whose last axis is
``(x, y)``, so one call evaluates a single point, a path or a whole grid.

Example:
    >>> from course_lib import surfaces
    >>> surfaces.ravine([2.0, 1.0])
    12.0
    >>> surfaces.ravine.gradient([2.0, 1.0])
    array([ 2., 20.])
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_lib.errors import choice, number, whole
from course_lib.optimizer.lr import schedule_of


@dataclass(frozen=True)
class Surface:
    """A function of two variables together with what an experiment needs to know about it.

    Attributes:
        name: Key in ``SURFACES``.
        function: ``function(x, y)`` → value; works on arrays of any shape.
        partials: ``partials(x, y)`` → ``(df/dx, df/dy)``, derived by hand.
        start: Where a trajectory begins if not told otherwise.
        minima: All global minima, as ``(x, y)`` pairs.
        limits: ``((x_low, x_high), (y_low, y_high))``, the part worth drawing.
        words: What figures call it; made from the name if left out.
        axes: What the two variables are called.
    """

    name: str
    function: Callable
    partials: Callable
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    limits: tuple[tuple[float, float], tuple[float, float]]
    words: str = ""
    axes: tuple[str, str] = ("x", "y")

    def __post_init__(self):
        if not self.words:
            object.__setattr__(self, "words", f"the surface “{self.name}”")

    def __call__(self, point):
        """Value at ``point[..., 2]``, shaped like the leading axes (a float for one point)."""
        x, y = _coordinates("point", point)
        value = np.asarray(self.function(x, y))
        return float(value) if value.ndim == 0 else value

    def gradient(self, point) -> np.ndarray:
        """Gradient at ``point[..., 2]``, an array of the same shape."""
        return np.stack(self.partials(*_coordinates("point", point)), axis=-1)


def quadratic(curvatures=(1.0, 10.0), angle: float = 0.0, name: str | None = None, words="") -> Surface:
    r"""The surface :math:`\tfrac12(\lambda_1 u^2 + \lambda_2 v^2)`, with ``(u, v)`` the axes turned by ``angle``.

    Gradient descent on it can be computed by hand: it is stable below ``2 / max(curvatures)`` and fastest at
    ``2 / (sum of curvatures)``. Turning the axes changes nothing for gradient descent and momentum, but much
    for methods that scale each coordinate by itself, such as Adam.

    Args:
        curvatures: ``(λ₁, λ₂)``, second derivatives along the two axes, both positive.
        angle: Degrees by which the axes are turned counter-clockwise.
        name: Name of the surface.
        words: What figures call it.

    Raises:
        TypeError, ValueError: A curvature is not a positive number, or there are not two of them.

    Example:
        >>> quadratic((1, 50))([1.0, 1.0])
        25.5
    """
    if np.shape(curvatures) != (2,):
        raise ValueError(f"curvatures must be two positive numbers, got {curvatures!r}")
    first, second = (number("curvatures", value, 0, low_open=True) for value in np.asarray(curvatures).tolist())
    turn = math.radians(number("angle", angle))
    cos, sin = math.cos(turn), math.sin(turn)

    def function(x, y):
        u, v = cos * x + sin * y, cos * y - sin * x
        return (first * u**2 + second * v**2) / 2

    def partials(x, y):
        u, v = cos * x + sin * y, cos * y - sin * x
        return first * u * cos - second * v * sin, first * u * sin + second * v * cos

    start = (-4.0 * cos - 1.5 * sin, 1.5 * cos - 4.0 * sin)
    label = f"quadratic {first:g}:{second:g}" if name is None else name
    limits = ((-5.0, 5.0), (-3.0, 3.0))
    return Surface(label, function, partials, start, minima=((0.0, 0.0),), limits=limits, words=words)


bowl = quadratic((1.0, 1.0), name="bowl", words="a round bowl")
ravine = quadratic((1.0, 20.0), name="ravine", words="a long ravine")

# Steep walls that level off into a plateau, around a valley floor of small constant slope: the gradient is
# large where the path should turn, small where it should run.
pathological_curvature = Surface(
    "pathological_curvature",
    function=lambda x, y: 5 * np.tanh(x) ** 2 + 0.05 * x**2 + 0.1 * (np.sqrt(1 + y**2) - 1),
    partials=lambda x, y: (
        10 * np.tanh(x) * (1 - np.tanh(x) ** 2) + 0.1 * x,
        0.1 * y / np.sqrt(1 + y**2),
    ),
    start=(-1.5, 4.0),
    minima=((0.0, 0.0),),
    limits=((-3.0, 3.0), (-2.0, 5.0)),
    words="steep walls and a gentle floor",
)

# A saddle at the origin between two minima. The start lies almost on the ridge, where the gradient that
# would lead away from it is a ten-thousandth.
saddle = Surface(
    "saddle",
    function=lambda x, y: x**2 / 2 - y**2 / 2 + y**4 / 4,
    partials=lambda x, y: (x, y**3 - y),
    start=(1.0, 1e-4),
    minima=((0.0, -1.0), (0.0, 1.0)),
    limits=((-1.5, 1.5), (-1.75, 1.75)),
    words="a saddle between two hollows",
)

# A gentle bowl with a narrow hole at its bottom. In the hole the curvature is 251 times that of the bowl:
# a step that suits the plain throws the point out again.
steep_optimum = Surface(
    "steep_optimum",
    function=lambda x, y: (x**2 + y**2) / 20 + 1 - np.exp(-12.5 * (x**2 + y**2)),
    partials=lambda x, y: (
        x / 10 + 25 * x * np.exp(-12.5 * (x**2 + y**2)),
        y / 10 + 25 * y * np.exp(-12.5 * (x**2 + y**2)),
    ),
    start=(-2.2, 1.4),
    minima=((0.0, 0.0),),
    limits=((-2.5, 2.5), (-1.75, 1.75)),
    words="a bowl with a narrow hole",
)

# Rosenbrock (1960): a curved valley with a nearly flat floor.
rosenbrock = Surface(
    "rosenbrock",
    function=lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    partials=lambda x, y: (-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)),
    start=(-1.2, 1.0),
    minima=((1.0, 1.0),),
    limits=((-2.0, 2.0), (-1.0, 3.0)),
    words="a curved valley (Rosenbrock)",
)

# Beale (1958): a plateau with ridges, and a narrow valley that leads to the minimum.
beale = Surface(
    "beale",
    function=lambda x, y: sum((c - x + x * y**k) ** 2 for k, c in enumerate(_BEALE, start=1)),
    partials=lambda x, y: (
        sum(2 * (c - x + x * y**k) * (y**k - 1) for k, c in enumerate(_BEALE, start=1)),
        sum(2 * (c - x + x * y**k) * k * x * y ** (k - 1) for k, c in enumerate(_BEALE, start=1)),
    ),
    start=(1.0, 1.5),
    minima=((3.0, 0.5),),
    limits=((-4.5, 4.5), (-4.5, 4.5)),
    words="ridges and a plateau (Beale)",
)
_BEALE = (1.5, 2.25, 2.625)

# Himmelblau (1972): four equally good minima; which one is reached depends on start and step.
himmelblau = Surface(
    "himmelblau",
    function=lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    partials=lambda x, y: (
        4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7),
        2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7),
    ),
    start=(0.0, 0.0),
    minima=(
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286170),
        (3.584428340330492, -1.848126526964404),
    ),
    limits=((-5.0, 5.0), (-5.0, 5.0)),
    words="four hollows (Himmelblau)",
)

SURFACES = {
    surface.name: surface
    for surface in (
        bowl,
        ravine,
        pathological_curvature,
        saddle,
        steep_optimum,
        rosenbrock,
        beale,
        himmelblau,
    )
}


def named(surface: Surface | str) -> Surface:
    """Return ``surface`` itself, or the one of ``SURFACES`` that has this name.

    Example:
        >>> named("beale").minima
        ((3.0, 0.5),)
    """
    if isinstance(surface, Surface):
        return surface
    return SURFACES[choice("surface", surface, SURFACES)]


def trajectory(optimizer, surface: Surface | str, steps: int, start=None, noise: float = 0.0, seed: int = 0):
    """Follow an optimizer's rule over a surface: the points it visits, the start included.

    ``LBFGS`` makes up to ``max_iter`` iterations in each update; with ``max_iter=1`` the path shows them all. The noise
    tilts the surface for it, by the same slope all through an update.

    The optimizer is only read: neither its state nor its schedule is used up, and it needs no parameters. A schedule
    is followed from its step 0, in the momentum too if it drives that. Gradient clipping and L2 regularization are
    not part of the rule, so they are not applied. A learning rate that is too large makes the path leave for
    infinity; it is then returned as it is (``inf``, then ``nan``), without warnings.

    Args:
        optimizer: Any optimizer of ``course_lib.optimizer``.
        surface: A surface, or the name of one.
        steps: Number of updates, at least 0.
        start: ``(x, y)``; by default the surface's own start.
        noise: Standard deviation of the normal noise added to each component of each gradient, as a mini-batch would.
        seed: Seed of that noise.

    Returns:
        float64 array of shape ``[steps + 1, 2]``.

    Raises:
        TypeError, ValueError: An argument has the wrong type or is out of range; the learning rate follows a
            schedule that depends on measurements (``ReduceOnPlateau``, also inside a warm-up).

    Example:
        >>> from course_lib import optimizer, surfaces
        >>> surfaces.trajectory(optimizer.SGD(0.5), surfaces.bowl, steps=2, start=(4, 2))
        array([[4. , 2. ],
               [2. , 1. ],
               [1. , 0.5]])
    """
    if not callable(getattr(optimizer, "advance", None)) or not hasattr(optimizer, "fresh_state"):
        raise TypeError(f"optimizer must be an optimizer of course_lib.optimizer, got {type(optimizer).__name__}")
    surface = named(surface)
    path = np.empty((whole("steps", steps, low=0) + 1, 2))
    path[0] = surface.start if start is None else _one_point("start", start)
    rng = np.random.default_rng(whole("seed", seed, low=0))
    disturbance = number("noise", noise, 0) * rng.standard_normal((steps, 2))
    follower, state = _from_the_first_step(optimizer), optimizer.fresh_state(path[0])
    with np.errstate(all="ignore"):
        for step in range(steps):
            learning_rate = _next_learning_rate(follower)
            noisy = _tilted(surface, disturbance[step])
            path[step + 1] = follower.advance(path[step].copy(), *noisy, state, learning_rate)
    return path


def _tilted(surface: Surface, slope):
    """The surface with a plane of this slope added, as two functions of a point: value and gradient."""
    return lambda point: surface(point) + slope @ point, lambda point: surface.gradient(point) + slope


def _one_point(name: str, point):
    x, y = _coordinates(name, point)
    if x.ndim:
        raise ValueError(f"{name} must be one point (x, y), got shape {np.shape(point)}")
    if not np.isfinite([x, y]).all():
        raise ValueError(f"{name} must be finite, got {point!r}")
    return x, y


def _coordinates(name: str, point):
    try:
        point = np.asarray(point, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must hold numbers (x, y) along its last axis, got {point!r}") from None
    if point.ndim == 0 or point.shape[-1] != 2:
        raise ValueError(f"{name} must hold (x, y) along its last axis, got shape {point.shape}")
    return point[..., 0], point[..., 1]


def _from_the_first_step(optimizer):
    """A copy of the optimizer; its schedule, if it has one, is a copy that stands before step 0."""
    follower, schedule = copy.copy(optimizer), copy.deepcopy(schedule_of(optimizer))
    if schedule is None:
        return follower
    chain = [schedule]  # of a warm-up the learning rate is the schedule that comes after it
    while hasattr(getattr(chain[-1], "learning_rate", None), "step"):
        chain.append(chain[-1].learning_rate)
    if hasattr(chain[-1], "patience"):
        names = " around ".join(type(each).__name__ for each in chain)
        raise ValueError(f"trajectory cannot follow {names}: it waits for measurements")
    schedule.last_epoch = -1
    follower.set_lr_scheduler(schedule)
    return follower


def _next_learning_rate(follower) -> float:
    schedule = schedule_of(follower)
    if schedule is not None:
        schedule.step()
        follower.follow_momentum_schedule()
    return follower.get_lr()
