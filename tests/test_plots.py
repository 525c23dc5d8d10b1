"""Pictures as parts of a page: their own ids, the page's colours, a window for each panel."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest
from bs4 import BeautifulSoup

from course_lib import plotting
from tests.test_site import parse, written_pages
from tools import sphinx_plots


@pytest.fixture
def picture():
    with plt.style.context(plotting.STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3))
        for ax in axes:
            ax.plot([1, 2, 3], "o-", label="a <line>")
        axes[0].set_title("first & foremost")
        yield ElementTree.fromstring(plotting.svg(figure))
        plt.close(figure)


def shown(picture, name="fig-a", alt="two panels"):
    return BeautifulSoup(sphinx_plots.on_page(picture, name, alt), "html.parser").div


def test_a_picture_says_what_it_shows(picture):
    plot = shown(picture, alt='a "line" & more')
    assert (plot["role"], plot["aria-label"]) == ("img", 'a "line" & more')


def test_each_panel_has_a_window_on_the_whole_picture(picture):
    width = float(picture.get("viewBox").split()[2])
    first, second = shown(picture)("svg", recursive=False)
    (x0, y0, w0, h0), (x1, y1, w1, h1) = ([float(v) for v in svg["viewbox"].split()] for svg in (first, second))
    assert (x0, y0, y1) == (0, 0, 0) and h0 == h1
    assert x1 == w0 and w0 + w1 == pytest.approx(width)
    assert second.use["href"] == f"#{first.g['id']}"


def test_ids_are_the_picture_s_own_and_all_that_is_referred_to_is_there(picture):
    html = str(shown(picture, name="fig-b"))
    ids = re.findall(r' id="([^"]+)"', html)
    assert ids and all(id.startswith("fig-b-") for id in ids) and len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)) <= {(id, "") for id in ids} | {
        ("", id) for id in ids
    }


def test_colours_have_a_partner_at_night_and_the_ground_is_the_page_s(picture):
    html = str(shown(picture))
    assert "light-dark(#0069b4," in html and "light-dark(#222222," in html
    assert sphinx_plots.CARD not in re.sub(r' (fill|stroke)="#\w+"', "", html) and "var(--plot-ground)" in html
    for element in BeautifulSoup(html, "html.parser").find_all(style=re.compile("light-dark")):
        assert {"fill", "stroke"} & set(element.attrs), element  # for browsers that do not know light-dark


def test_pixels_turn_at_night_in_every_window():
    figure, axes = plt.subplots(1, 2)
    for ax in axes:
        ax.imshow([[0, 1], [2, 3]], interpolation="none")
    first, second = (image["style"] for image in shown(ElementTree.fromstring(plotting.svg(figure)))("image"))
    assert first == second and "filter:var(--plot-pixels, none)" in first and "image-rendering:pixelated" in first
    plt.close(figure)


def test_letters_can_be_read_on_a_phone(site):
    """A window is as wide as the text there, and its letters shrink with it; or it keeps a width, and scrolls."""
    plots = scrolling = 0
    for path in written_pages(site):
        for plot in parse(path).select(".plot"):
            sizes = [float(size) for size in re.findall(r"<text[^>]*font-size:([\d.]+)px", str(plot))]
            for window in plot("svg", recursive=False):
                width = float(window["viewbox"].split()[2])
                kept = re.search(r"min-width: (\d+)px", window["style"])
                scale = int(kept[1]) / width if kept else sphinx_plots.PHONE / width
                assert min(1, scale) * min(sizes) >= 8.95, (path.name, plot["aria-label"], min(sizes), width)
                scrolling += bool(kept)
            plots += 1
    assert plots > 50 and scrolling < 12, "telephones scroll pictures only where they are tables"
