"""Surfaces: gradients, minima and the paths that rules take over them."""

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import optimizer, surfaces
from course_lib.surfaces import SURFACES, Surface, quadratic, trajectory

ALL = [*SURFACES.values(), quadratic((1, 50)), quadratic((3, 0.5), angle=30)]
by_name = pytest.mark.parametrize("surface", ALL, ids=lambda surface: surface.name)
unit = st.floats(0, 1)


class Descent(optimizer.SGD):
    """Gradient descent that writes down its steps, and is rude enough to work in place."""

    def __init__(self, learning_rate):
        super().__init__(learning_rate)
        self.seen = []

    def rule(self, x, g, s, lr):
        self.seen.append((s.t, lr))
        x -= lr * g
        return x


def spread(surface, u, v):
    (x0, x1), (y0, y1) = surface.limits
    return np.array([x0 + u * (x1 - x0), y0 + v * (y1 - y0)])


@by_name
@settings(max_examples=60, deadline=None)
@given(u=unit, v=unit)
def test_gradient_equals_finite_differences(surface, u, v):
    point, h = spread(surface, u, v), 1e-5
    steps = h * np.eye(2)
    numeric = (surface(point + steps) - surface(point - steps)) / (2 * h)
    np.testing.assert_allclose(surface.gradient(point), numeric, rtol=2e-5, atol=2e-6 * (1 + abs(surface(point))))


@by_name
@settings(max_examples=60, deadline=None)
@given(u=unit, v=unit)
def test_no_point_lies_below_the_minima(surface, u, v):
    bottom = surface(surface.minima)
    np.testing.assert_allclose(surface.gradient(surface.minima), 0, atol=1e-9)
    np.testing.assert_allclose(bottom, bottom[0], atol=1e-12)
    assert surface(spread(surface, u, v)) >= bottom[0] - 1e-12


@by_name
def test_start_and_minima_lie_inside_the_picture(surface):
    for point in [surface.start, *surface.minima]:
        for value, (low, high) in zip(point, surface.limits):
            assert low < value < high


@by_name
def test_points_and_grids_give_the_same_values(surface):
    grid = np.random.default_rng(1).uniform(-1, 1, (4, 3, 2))
    assert surface(grid).shape == (4, 3)
    assert surface.gradient(grid).shape == (4, 3, 2)
    assert surface(grid)[2, 1] == pytest.approx(surface(grid[2, 1]), rel=1e-14)
    np.testing.assert_allclose(surface.gradient(grid)[2, 1], surface.gradient(grid[2, 1]), rtol=1e-13)


def test_each_surface_has_the_difficulty_it_is_named_for():
    def curvature(surface, axis, at=(0.0, 0.0), h=1e-4):
        step = h * np.eye(2)[axis]
        return (surface.gradient(np.add(at, step))[axis] - surface.gradient(np.subtract(at, step))[axis]) / (2 * h)

    assert curvature(surfaces.ravine, 1) == pytest.approx(20 * curvature(surfaces.ravine, 0))
    assert curvature(surfaces.saddle, 0) > 0 > curvature(surfaces.saddle, 1)
    assert curvature(surfaces.steep_optimum, 0) == pytest.approx(251 * 0.1, rel=1e-3)
    assert curvature(surfaces.pathological_curvature, 0) > 90 * curvature(surfaces.pathological_curvature, 1)


def test_turned_quadratic_keeps_its_curvatures():
    turned, turn = quadratic((2, 7), angle=90), np.array([3.0, 5.0])
    assert turned(turn) == pytest.approx(quadratic((7, 2))(turn))
    assert turned(turned.start) == pytest.approx(quadratic((2, 7))(quadratic((2, 7)).start))


def test_trajectory_on_a_quadratic_is_the_closed_form():
    path = trajectory(Descent(0.1), quadratic((1, 10)), steps=20, start=(4.0, 2.0))
    k = np.arange(21)
    expected = np.stack([4 * 0.9**k, 2 * np.array([1.0] + [0.0] * 20)], axis=-1)
    np.testing.assert_allclose(path, expected, atol=1e-12)


def test_trajectory_counts_from_one_and_reads_its_surface_by_name():
    descent = Descent(0.25)
    path = trajectory(descent, "bowl", steps=3)
    assert descent.seen == [(1, 0.25), (2, 0.25), (3, 0.25)]
    np.testing.assert_array_equal(path[0], surfaces.bowl.start)
    assert path.shape == (4, 2) and path.dtype == np.float64
    assert trajectory(descent, "bowl", steps=0).shape == (1, 2)


def test_divergence_is_returned_without_warnings(recwarn):
    path = trajectory(Descent(1.0), "rosenbrock", steps=60)
    assert not np.isfinite(path[-1]).all()
    assert np.isfinite(path[0]).all()
    assert len(recwarn) == 0


def test_noise_has_the_size_and_seed_that_were_asked_for():
    flat = Surface(
        "flat", lambda x, y: 0 * x, lambda x, y: (0 * x, 0 * y), (0.0, 0.0), ((0.0, 0.0),), ((-1, 1), (-1, 1))
    )
    first, again, other = (trajectory(Descent(1.0), flat, 2000, noise=0.5, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1
    assert np.diff(first, axis=0).std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("module", [paddle.optimizer.lr, optimizer.lr], ids=["Paddle's", "ours"])
def test_a_schedule_is_followed_from_its_start_and_not_used_up(module):
    schedule = module.ExponentialDecay(0.5, gamma=0.5)
    schedule.step()
    descent = Descent(schedule)
    trajectory(descent, "bowl", steps=3)
    assert [lr for _, lr in descent.seen] == [0.5, 0.25, 0.125]
    assert schedule.last_epoch == 1 and schedule.last_lr == 0.25 and descent.get_lr() == 0.25


def test_a_schedule_that_cycles_momentum_is_followed_in_both():
    cycle = optimizer.lr.OneCycleLR(0.1, 10, momentum=(0.95, 0.5))
    momentum = optimizer.Momentum(cycle, momentum=0.7)
    path, velocity, x = trajectory(momentum, "bowl", steps=6, start=(1.0, 0.0)), 0.0, 1.0
    for step in range(6):
        velocity = cycle.momentum_at(step) * velocity + x
        x -= cycle.at(step) * velocity
        assert path[step + 1, 0] == pytest.approx(x, rel=1e-12)
    assert momentum.momentum == 0.7


def test_the_library_s_optimizer_is_followed():
    path = trajectory(optimizer.Momentum(0.1, momentum=0.9), "bowl", steps=2, start=(1.0, 0.0))
    np.testing.assert_allclose(path[:, 0], [1.0, 0.9, 0.72])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"steps": -1}, ValueError, "steps must be a whole number of at least 0, got -1"),
        ({"steps": 2.0}, TypeError, "steps must be"),
        ({"surface": "bowel"}, ValueError, "surface must be one of 'bowl', .*got 'bowel'"),
        ({"start": (1, 2, 3)}, ValueError, r"start must hold \(x, y\)"),
        ({"start": [(1, 2), (3, 4)]}, ValueError, "start must be one point"),
        ({"start": "ab"}, TypeError, "start must hold numbers"),
        ({"start": (1.0, float("nan"))}, ValueError, r"start must be finite, got \(1.0, nan\)"),
        ({"start": (-float("inf"), 0.0)}, ValueError, r"start must be finite, got \(-inf, 0.0\)"),
        ({"noise": -0.1}, ValueError, "noise must be"),
        ({"seed": -1}, ValueError, "seed must be"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be an optimizer of course_lib.optimizer, got float"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    arguments = {"optimizer": Descent(0.1), "surface": "bowl", "steps": 2, **arguments}
    with pytest.raises(error, match=message):
        trajectory(**arguments)


@pytest.mark.parametrize("module", [optimizer, paddle.optimizer], ids=["course", "paddle"])
@pytest.mark.parametrize("warm_ups", range(3))
def test_a_schedule_that_waits_for_measurements_is_named(module, warm_ups):
    schedule = module.lr.ReduceOnPlateau(0.1)
    for _ in range(warm_ups):
        schedule = module.lr.LinearWarmup(schedule, warmup_steps=2, start_lr=0.0, end_lr=0.1)
    names = "LinearWarmup around " * warm_ups + "ReduceOnPlateau"
    with pytest.raises(ValueError, match=f"trajectory cannot follow {names}: it waits for measurements"):
        trajectory(Descent(schedule), "bowl", steps=1)


def test_a_warm_up_around_another_schedule_is_followed():
    inner = optimizer.lr.StepDecay(0.1, step_size=1, gamma=0.5)
    path = trajectory(Descent(optimizer.lr.LinearWarmup(inner, 2, 0.0, 0.1)), "bowl", steps=4, start=(1, 0))
    np.testing.assert_allclose(path[1:, 0] / path[:-1, 0], [1, 0.95, 0.9, 0.95])


@pytest.mark.parametrize("curvatures", [(1,), (1, 0), (1, -2), (1, float("nan")), 3])
def test_bad_curvatures_are_named(curvatures):
    with pytest.raises(ValueError, match="curvatures must be"):
        quadratic(curvatures)
