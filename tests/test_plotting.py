"""Figures: what is drawn, that it can be told apart, and that its bytes do not change."""

import gzip
import itertools
import re
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.ticker import NullFormatter

from course_lib import plotting
from course_lib.looks import INK, at_night
from course_lib.surfaces import SURFACES

# How people without one kind of cone see linear RGB (Machado, Oliveira & Fernandes, 2009).
SIGHT = {
    "full": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
LIGHT_CARD, DARK_PAGE = "#fafafa", "#121212"


@pytest.fixture(autouse=True)
def ax():
    with plt.style.context(plotting.STYLE):
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)


def linear(color):
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def luminance(color):
    return linear(color) @ [0.2126, 0.7152, 0.0722]


def contrast(first, second):
    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


def lab(color, sight):
    rgb = np.clip(np.array(SIGHT[sight]) @ linear(color), 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ rgb / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def nearness(first, second):
    return min(np.linalg.norm(lab(first, sight) - lab(second, sight)) for sight in SIGHT)


def test_every_colour_stands_out_on_light_and_on_dark():
    for name, color in plotting.COLORS.items():
        assert contrast(color, LIGHT_CARD) >= 3, name
        assert contrast(color, DARK_PAGE) >= 3, name
    for part in ("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.labelcolor", "ytick.labelcolor"):
        assert contrast(plt.rcParams[part], LIGHT_CARD) >= 7, part


def test_the_main_optimizers_are_told_apart_by_colour_alone_whatever_the_sight():
    main = ["SGD", "Momentum", "Adagrad", "RMSProp", "Adam"]
    for first, second in itertools.combinations(main, 2):
        assert nearness(plotting.color(first), plotting.color(second)) >= 12, (first, second)


def test_no_two_optimizers_look_alike():
    looks = {name: plotting.look(name) for name in plotting.COLORS}
    for first, second in itertools.combinations(looks, 2):
        a, b = looks[first], looks[second]
        assert a["marker"] != b["marker"], (first, second)
        assert a["linestyle"] != b["linestyle"] or nearness(a["color"], b["color"]) >= 12, (first, second)


def test_every_optimizer_of_the_library_has_a_look():
    from course_lib import optimizer

    classes = {name for name, value in vars(optimizer).items() if isinstance(value, type)} - {"Optimizer"}
    assert {"SGD", "Momentum"} <= classes <= set(plotting.COLORS)


def test_style_is_the_card_it_says(ax):
    assert ax.figure.get_facecolor()[:3] == to_rgb(LIGHT_CARD)
    assert 100 <= ax.figure.dpi <= 120


def test_at_night_colours_stand_out_and_are_told_apart_too():
    night = {name: at_night(color) for name, color in plotting.COLORS.items()}
    for name, color in night.items():
        assert contrast(color, DARK_PAGE) >= 4.5, name
    for first, second in itertools.combinations(["SGD", "Momentum", "Adagrad", "RMSProp", "Adam"], 2):
        assert nearness(night[first], night[second]) >= 10, (first, second)
    assert contrast(at_night(INK), DARK_PAGE) >= 12
    assert contrast(at_night("#dddddd"), DARK_PAGE) < 2  # a grid stays in the background


def test_the_same_figure_gives_the_same_svg_without_program_or_date():
    texts = []
    for _ in range(2):
        figure, axes = plt.subplots()
        plotting.contours(axes, "himmelblau")
        plotting.path(axes, [[0, 0], [1, 1], [2, 1.5]], "Adam")
        texts.append(plotting.svg(figure))
        plt.close(figure)
    assert texts[0] == texts[1]
    assert not re.search(r"metadata|<!--|<style|20\d\d-", texts[0])
    assert len(gzip.compress(texts[0].encode())) < 25_000


def test_words_stay_words_in_svg(ax):
    ax.set_xlabel("steps < 3.125 & more")
    plotting.path(ax, [[0, 0], [1, 1]], "Adam")
    text = plotting.svg(ax.figure)
    assert ">steps &lt; 3.125 &amp; more</text>" in text
    assert re.search(r"paint-order: stroke; stroke: #fafafa.{0,40}>\s*<text[^>]*>Adam</text>", text)


def test_exponents_have_the_size_of_other_words(ax):
    ax.set(xscale="log", xlim=(1e-3, 10), yscale="log", ylim=(0.2, 0.9))
    text = plotting.svg(ax.figure)
    assert {"10⁻³", "10¹", "3·10⁻¹"} <= set(re.findall(r"<text[^>]*>(.*?)</text>", text))
    assert "<tspan" not in text


def test_ticks_with_words_of_their_own_keep_them(ax):
    ax.set(xscale="log", xlim=(1, 100))
    ax.set_xticks([1, 30], ["one", "thirty"])
    ax.xaxis.set_minor_formatter(NullFormatter())
    assert {"one", "thirty"} <= set(re.findall(r"<text[^>]*>(.*?)</text>", plotting.svg(ax.figure)))


def cuts(figure):
    (found,) = re.findall(r'data-cuts="(.*?)"', plotting.svg(figure))
    plt.close(figure)
    return [float(cut) for cut in found.split()]


@pytest.mark.parametrize("rows, columns", [(1, 1), (2, 1), (1, 2), (2, 2), (1, 4)])
def test_svg_may_be_cut_between_columns_of_panels(rows, columns):
    figure, _ = plt.subplots(rows, columns, figsize=(8, 3 * rows))
    found = cuts(figure)
    assert found == pytest.approx([72 * 8 * k / columns for k in range(1, columns)], abs=25)


def test_svg_is_not_cut_through_what_belongs_to_several_panels():
    figure, _ = plt.subplots(1, 2, figsize=(8, 3))
    figure.suptitle("a title of both panels that is long enough")
    assert cuts(figure) == []
    figure, axes = plt.subplots(1, 2, figsize=(8, 3))
    figure.colorbar(axes[0].imshow([[0, 1]]), ax=axes[0])
    (cut,) = cuts(figure)
    assert cut > 300  # the bar of the colours stays with its panel


def test_svg_cuts_lie_outside_the_labels_of_both_sides():
    figure, axes = plt.subplots(1, 2, figsize=(8, 3))
    axes[1].set_ylabel("wide\nlabel\nof three lines")
    plain, _ = plt.subplots(1, 2, figsize=(8, 3))
    assert cuts(figure)[0] < cuts(plain)[0]


@pytest.mark.parametrize("name", SURFACES)
def test_contours_show_the_surface_s_part_and_its_minima(ax, name):
    plotting.contours(ax, name)
    surface = SURFACES[name]
    assert (ax.get_xlim(), ax.get_ylim()) == surface.limits
    stars = ax.collections[-1].get_offsets()
    np.testing.assert_allclose(stars, surface.minima)
    assert ax.get_xlabel() == "x" and ax.get_ylabel() == "y"


def test_a_path_ends_where_it_leaves_for_infinity(ax):
    plotting.contours(ax, "bowl")
    limits = ax.axis()
    plotting.path(ax, [[0, 0], [2, 1], [900, 1e30], [np.inf, np.nan]], "SGD")
    assert ax.axis() == limits
    assert len(ax.lines[0].get_xdata()) == 3
    (label,) = ax.texts
    assert label.get_text() == "SGD" and tuple(label.xy) == (2, 1)
    assert ax.lines[0].get_color() == plotting.color("SGD")
    ax.figure.canvas.draw()


def test_paths_that_end_together_are_labelled_one_above_the_other(ax):
    plotting.contours(ax, "bowl")
    for name in ("SGD", "Adam"):
        plotting.path(ax, [[2, 2], [0, 0]], name)
    first, second = ax.texts
    assert second.xyann[1] - first.xyann[1] >= 12


def test_band_is_mean_and_range_with_a_gap_where_a_seed_diverged(ax):
    plotting.band(ax, [1, 2, 3], [[1, 2, np.inf], [3, 6, 1]], "loss", "#0069b4")
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), [2, 4, np.nan])
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(1.0, 1.0), (1.0, 3.0), (2.0, 2.0), (2.0, 6.0)} <= set(map(tuple, corners))


def test_loss_curve_takes_a_history_and_smooths(ax):
    plotting.loss_curve(ax, SimpleNamespace(loss=[4.0, 2.0, 1.0, 1.0]), "RMSProp", smooth=2)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [3, 1.5, 1])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [2, 3, 4])
    assert ax.get_yscale() == "log" and ax.lines[0].get_label() == "RMSProp"


def test_accuracy_is_shown_in_percent_on_a_logarithmic_axis(ax):
    plotting.accuracy_against_lr(ax, [0.01, 0.1], [[0.5, 0.9], [0.7, 0.9]], "Adam")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [60, 90])
    assert ax.get_xscale() == "log" and "%" in ax.get_ylabel()


def test_schedule_is_asked_for_every_step(ax):
    plotting.schedule(ax, SimpleNamespace(at=lambda step: 0.5**step), 4, label="halved")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1, 0.5, 0.25, 0.125])


def test_a_matrix_shows_each_number_on_a_colour_it_can_be_read_on(ax):
    values = [[1e-9, 0.0], [1e-3, 1e3]]
    plotting.matrix(ax, values, ["a", "b"], ["c", "d"], limits=(1e-9, 1e-3), text="{:.0e}")
    assert [text.get_text() for text in ax.texts] == ["1e-09", "0", "1e-03", "1e+03"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["c", "d"]
    (cells,) = ax.collections
    shades = [cells.cmap(cells.norm(value))[:3] for value in cells.get_array().ravel()]
    assert shades[0] == shades[1]
    assert shades[2] == shades[3]
    for text, shade in zip(ax.texts, shades):
        bright, dark = sorted((luminance(text.get_color()), luminance(shade)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) > 4.5


def test_a_matrix_that_does_not_fit_its_names_is_refused(ax):
    with pytest.raises(ValueError, match=r"\[1, 2\].*\(2, 1\)"):
        plotting.matrix(ax, [[1.0], [2.0]], ["a"], ["b", "c"], limits=(1, 2))


def test_labels_at_the_ends_keep_their_distance(ax):
    for height in (1.0, 1.001, 1.002, 5.0):
        ax.plot([0, 1], [0, height], label=f"to {height}")
    ax.plot([0, 1], [0, np.nan], label="diverged")
    plotting.label_lines(ax, gap=12)
    written = {text.get_text(): text for text in ax.texts}
    heights = [
        ax.transData.transform(text.xy)[1] * 72 / ax.figure.dpi + text.xyann[1]
        for text in (written["to 1.0"], written["to 1.001"], written["to 1.002"], written["to 5.0"])
    ]
    assert np.diff(heights).min() >= 12 - 1e-9
    assert written["diverged"].xy == (0, 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda ax: plotting.color("Adaam"), ValueError, "name must be one of 'SGD'.*got 'Adaam'"),
        (lambda ax: plotting.contours(ax, "hole"), ValueError, "surface must be one of"),
        (lambda ax: plotting.contours(ax, "bowl", levels=1), ValueError, "levels must be"),
        (lambda ax: plotting.path(ax, [1, 2, 3]), ValueError, "trajectory must be points"),
        (lambda ax: plotting.band(ax, [1, 2], [[1, 2, 3]]), ValueError, r"values must have shape \[seeds, 2\]"),
        (lambda ax: plotting.loss_curve(ax, [1.0], smooth=0), ValueError, "smooth must be"),
        (lambda ax: plotting.schedule(ax, 0.1, 5), TypeError, "schedule must be one of course_lib.optimizer.lr"),
    ],
)
def test_bad_input_is_named(ax, call, error, message):
    with pytest.raises(error, match=message):
        call(ax)


def test_svg_numbers_every_panel_since_narrow_pages_lay_them_one_below_the_other():
    figure, axes = plt.subplots(1, 3, sharey=True)
    axes[0].set(ylim=(0, 7), yticks=[0, 7])
    assert len(re.findall(">7<", plotting.svg(figure))) == 3


def test_svg_has_at_most_seven_numbers_on_an_axis_that_is_numbered_by_itself():
    figure, ax = plt.subplots(figsize=(9, 5))
    ax.set(xlim=(100, 900), yticks=[])
    assert len(ax.get_xticks()) == 9
    assert 3 <= len(re.findall(r">\d+<", plotting.svg(figure))) <= 7
    ax.set_xticks(range(100, 901, 100))
    assert len(re.findall(r">\d+<", plotting.svg(figure))) == 9, "what was asked for stays"
