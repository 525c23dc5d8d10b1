"""The figures of chapters 5, 7 and 8: what they show is what the rules of the library do."""

import json
import re

import numpy as np
import pytest

from course_lib import interactive, optimizer
from course_lib.interactive.shorthand import packed


@pytest.fixture(scope="module")
def rare_feature():
    return interactive.rare_feature_explorer()


@pytest.fixture(scope="module")
def rare_slope():
    return interactive.rare_slope_explorer()


@pytest.fixture(scope="module")
def projection():
    return interactive.projection_explorer()


def held(t, beta2):
    return 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)


def rectifier(rho, end):
    squared = (rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)
    return np.sqrt(np.where(rho > 5, squared, 0))


def at(item, *values):
    """The frame of a series or readout at values of its controls."""
    index = 0
    for control, value in zip(item.controls, values):
        index = index * len(control.values) + control.values.index(value)
    return item.frames[index]


def read(figure, label):
    """The readouts whose label begins so."""
    return [readout for readout in figure.readouts if readout.label.startswith(label)]


def one_weight(rule, k, count=120, noise=0.5, seed=3):
    """A weight with a gradient in every k-th step, and what multiplies its next one."""
    sees = 1 + noise * np.random.default_rng(seed).standard_normal(count)
    w = np.zeros(1)
    s, path = rule.fresh_state(w), [0.0]
    for s.t in range(1, count + 1):
        g = w - sees[s.t - 1] if s.t % k == 0 else np.zeros(1)
        w = rule.rule(w, g, s, rule.get_lr())
        path.append(w[0])
    return np.array(path), s


def test_weights_are_those_of_the_rules(rare_feature):
    (sgd_common, sgd_rare), (ada_common, ada_rare), _ = (panel.series for panel in rare_feature.panels)
    for k, lr in ((1, 0.1), (7, 0.4), (20, 1.0)):
        np.testing.assert_allclose(at(sgd_rare, k, lr)[:, 1], one_weight(optimizer.SGD(lr), k)[0], rtol=1e-12)
        np.testing.assert_allclose(at(ada_rare, k, lr)[:, 1], one_weight(optimizer.Adagrad(lr), k)[0], rtol=1e-12)
        np.testing.assert_array_equal(at(ada_common, lr), at(ada_rare, 1, lr))
        np.testing.assert_array_equal(at(sgd_common, lr), at(sgd_rare, 1, lr))


def test_effective_rates_come_from_adagrad_s_state(rare_feature):
    common, rare, sgd = rare_feature.panels[2].series
    for k, lr in ((1, 0.1), (12, 0.4)):
        _, s = one_weight(optimizer.Adagrad(lr), k)
        assert at(rare, k, lr)[-1, 1] == pytest.approx(lr / (np.sqrt(s.sum_of_squares[0]) + 1e-6))
        assert at(rare, k, lr)[0, 1] == pytest.approx(lr / 1e-6)  # no gradient yet
        assert (at(rare, k, lr)[:, 1] >= at(common, lr)[:, 1]).all()
        assert (at(sgd, lr)[:, 1] == lr).all()


def test_it_opens_where_sgd_s_rare_weight_is_late_and_adagrad_s_is_not(rare_feature):
    sgd, ada = (
        [float(number) for number in re.findall(r"[\d.]+", at(readout, 12, lr))]
        for readout, lr in zip(
            [*read(rare_feature, "SGD, mean"), *read(rare_feature, "AdaGrad, mean")],
            (rare_feature.controls[1].values[rare_feature.controls[1].start], 0.4),
        )
    )
    assert sgd[0] < 0.1 and sgd[1] > 0.5
    assert max(ada) < 0.1


def test_no_rate_of_sgd_does_for_both_weights_what_adagrad_s_does(rare_feature):
    def worst(name):
        (readout,) = read(rare_feature, f"{name}, mean")
        texts = [at(readout, 12, lr) for lr in readout.controls[1].values]
        return min(max(map(float, re.findall(r"[\d.]+", text))) for text in texts)

    assert worst("AdaGrad") < 0.7 * worst("SGD")


def walk(rule, large, count=6000):
    x = np.zeros(1)
    s, path = rule.fresh_state(x), []
    for s.t in range(1, count + 1):
        x = np.clip(rule.rule(x, np.array([large if s.t % 3 == 1 else -1.0]), s, 0.5 / s.t**0.5), -1, 1)
        path.append(x[0])
    return np.array(path)


def test_walks_are_those_of_the_rules(rare_slope):
    sgd, adam, amsgrad = rare_slope.panels[0].series
    rules = {
        "adam": optimizer.Adam(0.5, beta1=0.0, beta2=0.4),
        "amsgrad": optimizer.Adam(0.5, beta1=0.0, beta2=0.4, amsgrad=True),
    }
    for frame, path in (
        (at(sgd, 5.0), walk(optimizer.SGD(0.5), 5.0)),
        (at(adam, 5.0, 0.4), walk(rules["adam"], 5.0)),
        (at(amsgrad, 5.0, 0.4), walk(rules["amsgrad"], 5.0)),
    ):
        drawn = frame[:, 0].astype(int)
        assert drawn[0] == 1 and drawn[-1] == 6000
        np.testing.assert_allclose(frame[:, 1], path[drawn - 1], atol=1e-12)


def test_only_adam_goes_the_wrong_way_and_only_where_it_forgets(rare_slope):
    sgd, adam, amsgrad = rare_slope.panels[0].series
    assert max(frame[-1, 1] for one in (sgd, amsgrad) for frame in one.frames) < -0.9
    assert [at(adam, 3.0, beta2)[-1, 1] > 0 for beta2 in (0.0, 0.1, 0.4, 0.5, 0.999)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    (told,) = read(rare_slope, "Adam after")
    assert at(told, 3.0, 0.1) == "at 1.00, the wrong way"
    for large in told.controls[0].values:  # more memory never turns it back
        ways = ["wrong" in at(told, large, beta2) for beta2 in told.controls[1].values]
        assert ways == sorted(ways, reverse=True)


def test_gamma_is_the_formula_s_and_a_negative_one_is_refused(projection):
    (gamma,), (told,) = read(projection, "γ"), read(projection, "SWATS")
    p = np.array([1.0, 0.0])
    for degrees in gamma.controls[0].values:
        turned = np.radians(180 + degrees)
        g = 1.5 * np.array([np.cos(turned), np.sin(turned)])
        number = float(at(gamma, degrees, 1.5).replace("−", "-"))
        assert number == pytest.approx(p @ p / -(p @ g), rel=6e-3)
        assert at(told, degrees, 1.5).startswith("may go on" if degrees < 90 else "refuses")


def test_sgd_s_step_ends_above_or_below_the_tip_of_adam_s(projection):
    plumb, of_sgd, minus_g, of_adam = projection.panels[0].series
    for frame, gradient in zip(of_sgd.frames, minus_g.frames):
        assert frame[1][0] == pytest.approx(1.0)
        (x, y), (u, v) = frame[1], gradient[1]
        assert x * v == pytest.approx(y * u)  # on one line
    assert [tuple(end) for end in of_adam.frames[0]] == [(0, 0), (1, 0)]
    assert plumb.frames[7][1] == (1, 0)


def test_the_dot_of_gamma_is_at_the_angle(projection):
    (line,) = projection.panels[1].series
    for degrees, length in ((0, 1.0), (50, 0.5), (95, 2.0), (150, 1.0)):
        frame = at(line, degrees, length)
        assert frame[-1, 0] == degrees
        assert frame[-1, 1] == pytest.approx(1 / (length * np.cos(np.radians(degrees))))
        assert (np.sign(frame[:, 1]) == (1 if degrees < 90 else -1)).all()


def test_r_is_the_factor_of_radam_s_steps():
    figure = interactive.rectifier_explorer(held, rectifier)
    (rho,), (r,) = (panel.series for panel in figure.panels)
    assert len(r.controls[0].values) >= 15 and r.controls[0].values[r.controls[0].start] == 0.99
    for beta2 in (0.7, 0.9, 0.99, 0.999):
        radam, adam = (kind(1.0, beta2=beta2) for kind in (optimizer.RAdam, optimizer.Adam))
        states = radam.fresh_state(np.zeros(1)), adam.fresh_state(np.zeros(1))
        for t, g in enumerate(np.random.default_rng(0).standard_normal(100), 1):
            states[0].t = states[1].t = t
            ours, adams = (rule.rule(np.zeros(1), np.array([g]), s, 1.0)[0] for rule, s in zip((radam, adam), states))
            if at(rho, beta2)[t - 1, 1] > 5:
                assert ours / adams == pytest.approx(at(r, beta2)[t - 1, 1], rel=1e-5)
            else:
                assert at(r, beta2)[t - 1, 1] == 0


@pytest.mark.parametrize("name", ["rare_feature", "rare_slope", "projection"])
def test_sliders_are_long_and_every_line_has_its_legend(name, request):
    figure = request.getfixturevalue(name)
    assert all(len(control.values) >= 15 for control in figure.controls)
    explained = {readout.series for readout in figure.readouts}
    assert {line.name for line in figure.series if line not in explained} <= {"setting", "right angle"}
    assert all(panel.title for panel in figure.panels)


def test_the_page_holds_the_frames(rare_slope):
    page = rare_slope._repr_html_()
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.S)[1])
    adam = rare_slope.panels[0].series[1]
    pixels = rare_slope.panels[0].curve(at(adam, 3.0, 0.1))
    index = 6 * 16 + 1
    assert data["series"][1]["y"][index] == packed(np.rint(pixels[:, 1] * 10).astype(int))
    assert len(page.encode()) < 120_000
