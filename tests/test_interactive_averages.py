"""The figure of averages: the walks are SGD's, the averages are sums with the shares of the formula."""

import numpy as np
import pytest

from course_lib import interactive, optimizer, surfaces


@pytest.fixture(scope="module")
def figure():
    return interactive.average_explorer()


def series(figure, panel, name):
    return next(one for one in figure.panels[panel].series if one.name == name)


def frame(item, **setting):
    """What a series or a readout shows at the values of its controls."""
    index = 0
    for control in item.controls:
        index = index * len(control.values) + control.values.index(setting[control.label])
    return np.asarray(item.frames[index])


def test_the_sliders_have_many_stops_and_the_page_is_light(figure):
    assert all(len(control.values) >= 15 for control in figure.controls if control.kind == "slider")
    assert len(figure._repr_html_().encode()) < 150_000


@pytest.mark.parametrize(("rate", "beta"), [(0.5, 0.9), (0.05, 0.99), (1.0, 0.0)])
def test_averages_are_sums_with_the_shares_of_the_formula(figure, rate, beta):
    setting = {"learning rate": rate, "β": beta}
    path = surfaces.trajectory(optimizer.SGD(rate), surfaces.bowl, 80, (3, 0), noise=1.0, seed=0)
    weights = frame(series(figure, 0, "SGD"), **setting)[:, 1]
    np.testing.assert_allclose(weights, 3 + path[:, 0])
    corrected, raw = (frame(series(figure, 0, name), **setting)[:, 1] for name in ("EMA", "not corrected"))
    for t in (1, 2, 40, 80):
        shares = (1 - beta) * np.power(beta, np.arange(t)[::-1])
        assert corrected[t] == pytest.approx(shares @ weights[1 : t + 1] / shares.sum())
        assert raw[t] == pytest.approx(shares @ weights[1 : t + 1])


def test_the_distance_of_the_walks_is_the_noise_floor_of_theory(figure):
    for rate in (0.3, 0.5, 0.85):  # fast enough to have arrived; V = η / (2 − η)
        far = frame(series(figure, 1, "walks"), **{"learning rate": rate})[0, 1]
        assert far == pytest.approx(rate / (2 - rate), rel=0.15)


def test_what_the_chapter_says_one_finds(figure):
    averages, walks = series(figure, 1, "averages"), series(figure, 1, "walks")
    betas = figure.controls[1].values
    distances = dict(zip(betas, frame(averages, **{"learning rate": 0.5})[:, 1]))
    assert min(distances, key=distances.get) in (0.98, 0.99)
    assert round(distances[0.98], 2) == 0.02
    assert round(frame(walks, **{"learning rate": 0.5})[0, 1], 2) == 0.33
    slow = frame(averages, **{"learning rate": 0.05})[:, 1]
    assert (slow[1:] > frame(walks, **{"learning rate": 0.05})[0, 1]).all()
    assert min(np.min(one) for one in (slow, distances[0.98])) == distances[0.98]
    assert frame(series(figure, 0, "not corrected"), **{"learning rate": 0.05, "β": 0.99})[-1, 1] < 2.5
