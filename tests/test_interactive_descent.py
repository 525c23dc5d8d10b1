"""The figures of descent: walks, factors, paths and floors are those of the library's rule and of the formulas."""

import itertools
import math

import numpy as np
import pytest

from course_lib import interactive, optimizer, surfaces
from course_lib.interactive.descent import LeastSquares, noisy_examples


@pytest.fixture(scope="module")
def curvature():
    return interactive.curvature_explorer()


@pytest.fixture(scope="module")
def mini_batches():
    return interactive.mini_batch_explorer()


def frame(item, **setting):
    """What a series or a readout shows at the values of its controls."""
    index = 0
    for control in item.controls:
        index = index * len(control.values) + control.values.index(setting[control.label])
    return item.frames[index]


def series(figure, panel, name):
    return next(one for one in figure.panels[panel].series if one.name == name)


def readout(figure, label):
    return next(one for one in figure.readouts if label in one.label)


# -- curvature ---------------------------------------------------------------------------------------------------------


def test_every_control_has_many_stops_and_the_page_is_light(curvature, mini_batches):
    for figure in (curvature, mini_batches):
        assert all(len(control.values) >= 15 for control in figure.controls if control.kind == "slider")
        assert len(figure._repr_html_().encode()) < 250_000


def test_it_opens_at_the_chapter_s_curvature_and_limit(curvature):
    steep = curvature.controls[2]
    assert steep.values[steep.start] == 2.0
    assert frame(readout(curvature, "limit"), **{"steep λ": 2.0}) == "1"


@pytest.mark.parametrize("name", ["flat", "steep"])
def test_every_walk_is_the_factor_s_power_on_its_parabola(curvature, name):
    walk = series(curvature, 0, name)
    rate, bend = walk.controls
    for (lr, curve), path in zip(itertools.product(rate.values, bend.values), walk.frames):
        x = -math.sqrt(2 / curve) * (1 - lr * curve) ** np.arange(21)
        np.testing.assert_allclose(path, np.column_stack([x, curve * x**2 / 2]), rtol=1e-9, atol=1e-12)
        dot = frame(series(curvature, 1, f"setting, {name}"), **{rate.label: lr, bend.label: curve})
        np.testing.assert_allclose(dot, [[lr, abs(1 - lr * curve)]])


@pytest.mark.parametrize("name", ["flat", "steep"])
def test_the_line_of_factors_goes_through_every_dot(curvature, name):
    line, dots = series(curvature, 1, f"factor, {name}"), series(curvature, 1, f"setting, {name}")
    for (lr, curve), ((_, factor),) in zip(itertools.product(*(c.values for c in dots.controls)), dots.frames):
        x, y = np.transpose(frame(line, **{dots.controls[1].label: curve}))
        assert np.interp(lr, x, y) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize(
    ("rate", "steep", "words"),
    [
        (0.05, 2.0, "factor 0.9, creeps"),
        (0.1, 2.0, "factor 0.8, creeps"),
        (0.2, 2.0, "factor 0.6, comes closer"),
        (0.5, 2.0, "factor 0, arrives in one step"),
        (0.1, 10.0, "factor 0, arrives in one step"),
        (0.9, 2.0, "factor −0.8, a shrinking zigzag"),
        (1.0, 2.0, "factor −1, a zigzag that stays"),
        (0.2, 10.0, "factor −1, a zigzag that stays"),
        (1.05, 2.0, "factor −1.1, a growing zigzag"),
    ],
)
def test_the_fate_in_words(curvature, rate, steep, words):
    assert frame(readout(curvature, "steep"), **{"learning rate": rate, "steep λ": steep}) == words


def test_what_the_chapter_says_one_finds(curvature):
    def slower(rate, flat, steep):
        return max(abs(1 - rate * flat), abs(1 - rate * steep))

    rates = curvature.controls[0].values
    assert min(rates, key=lambda rate: slower(rate, 0.2, 2.0)) == 0.9
    assert slower(0.9, 0.2, 2.0) == pytest.approx(0.82)
    assert min(rates, key=lambda rate: slower(rate, 0.2, 10.0)) == 0.15
    assert slower(0.15, 0.2, 10.0) == pytest.approx(0.97)


# -- mini-batches ------------------------------------------------------------------------------------------------------


def test_the_gradient_of_least_squares_is_that_of_its_loss():
    examples, point, h = noisy_examples(), np.array([0.3, -0.7]), 1e-6
    surface = examples.surface()
    slopes = [(surface(point + step) - surface(point - step)) / (2 * h) for step in h * np.eye(2)]
    np.testing.assert_allclose(examples.gradient(point), slopes, rtol=1e-6)
    np.testing.assert_allclose(surface.gradient(point), slopes, rtol=1e-6)
    np.testing.assert_allclose(surface.gradient(surface.minima[0]), 0, atol=1e-12)


def test_batches_average_the_gradients_of_their_examples():
    examples = noisy_examples()
    single = [examples.gradient(np.ones(2), [k]) for k in range(128)]
    np.testing.assert_allclose(examples.gradient(np.ones(2), [5, 5, 9]), (2 * single[5] + single[9]) / 3)
    np.testing.assert_allclose(examples.gradient(np.ones(2)), np.mean(single, axis=0))


@pytest.mark.parametrize(("batch", "rate", "start"), [(1, 0.05, 0), (4, 0.2, 0), (128, 2.0, 1)])
def test_every_path_is_sgd_on_the_batches_drawn(mini_batches, batch, rate, start):
    examples, rule = noisy_examples(), optimizer.SGD(rate)
    start = mini_batches.controls[2].values[start]
    path, state = [np.array(start)], rule.fresh_state(np.zeros(2))
    for chosen in np.random.default_rng(0).integers(128, size=(3000, batch))[:50]:
        path.append(rule.rule(path[-1], examples.gradient(path[-1], chosen), state, rate))
    setting = {"batch size": batch, "learning rate": rate, "start": start}
    np.testing.assert_allclose(frame(series(mini_batches, 0, "mini-batches"), **setting), path, rtol=1e-9, atol=1e-12)
    surface = examples.surface()
    losses = surface(np.array(path)) - surface((2.0, 1.0))
    drawn = frame(series(mini_batches, 1, "mini-batches"), **setting)
    np.testing.assert_allclose(drawn[:, 1], losses, rtol=1e-6, atol=1e-9)


def test_the_full_batch_is_descent_on_the_surface(mini_batches):
    surface = noisy_examples().surface()
    path = surfaces.trajectory(optimizer.SGD(0.2), surface, 50)
    drawn = frame(series(mini_batches, 0, "full batch"), **{"learning rate": 0.2, "start": (0.0, 0.0)})
    np.testing.assert_allclose(drawn, path, rtol=1e-9)


def test_the_error_falls_as_one_over_the_root_of_the_batch(mini_batches):
    errors = readout(mini_batches, "relative error")
    sizes = mini_batches.controls[0].values
    measured = np.array([float(frame(errors, **{"batch size": b, "start": (0.0, 0.0)})) for b in sizes])
    examples = noisy_examples()
    single = np.array([examples.gradient(np.zeros(2), [k]) for k in range(128)])
    one = np.sqrt(single.var(axis=0).sum()) / np.linalg.norm(single.mean(axis=0))
    np.testing.assert_allclose(measured, one / np.sqrt(sizes), rtol=0.06)
    assert frame(errors, **{"batch size": 1, "start": (2.0, 1.0)}) == "infinite"


def test_the_floor_goes_with_learning_rate_over_batch_size(mini_batches):
    floor = series(mini_batches, 1, "noise floor")

    def height(batch, rate):
        return frame(floor, **{"batch size": batch, "learning rate": rate})[0, 1]

    assert height(1, 0.2) / height(4, 0.2) == pytest.approx(4, rel=0.25)
    assert height(4, 0.2) / height(16, 0.2) == pytest.approx(4, rel=0.25)
    assert height(4, 0.2) / height(4, 0.05) == pytest.approx(4, rel=0.35)
    grown = frame(readout(mini_batches, "noise floor"), **{"batch size": 1, "learning rate": 2.0})
    assert grown == "none, the steps grow" and height(1, 2.0) > 1e3


def test_examples_are_counted(mini_batches):
    used = frame(readout(mini_batches, "examples used"), **{"batch size": 16})
    assert used[0] == "0 (full batch 0)" and used[50] == "800 (full batch 6,400)"


def test_other_examples_can_be_given():
    pair = LeastSquares(np.eye(2), np.array([3.0, 1.0]))
    figure = interactive.mini_batch_explorer([1, 2], [0.1, 0.5], 5, (1, 0.5), pair)
    assert figure.controls[2].values == ((0.0, 0.0), (3.0, 1.0))
    assert readout(figure, "examples used").frames[0][5] == "5 (full batch 10)"
