"""Every page of the book, opened: nothing fails, math is typeset, pictures are there, and everyone can read it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.test_site import toc_entries

PAGES = sorted(f"{entry}.html" for entry in toc_entries())

UNTYPESET = """() => [...document.querySelectorAll(".math")]
    .filter((formula) => !formula.querySelector("mjx-container svg"))
    .map((formula) => formula.textContent)"""
BROKEN_MATH = """() => [...document.querySelectorAll("mjx-merror, [data-mml-node='merror'], [data-mjx-error]")]
    .map((error) => error.dataset.mjxError ?? error.textContent)"""
PROSE = """() => {
    const article = document.querySelector("article, main").cloneNode(true);
    article.querySelectorAll("pre, code, script, style, mjx-container").forEach((element) => element.remove());
    return article.textContent;
}"""
EMPTY_PICTURES = """async () => {
    const pictures = [...document.querySelectorAll("img")];
    for (const picture of pictures) picture.loading = "eager";
    await Promise.all(pictures.map((picture) => picture.decode().catch(() => {})));
    return pictures.filter((picture) => !picture.naturalWidth).map((picture) => picture.src);
}"""
CUT_OFF = """() => {  // MathJax hides a second form of each formula, which programs read aloud
    const hiding = [...document.querySelectorAll("article :not(span.math, mjx-assistive-mml, svg)")]
        .filter((box) => /hidden|clip/.test(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + 1);
    const formulas = [...document.querySelectorAll("span.math > mjx-container > svg")]
        .filter((formula) => formula.getBoundingClientRect().width > formula.closest(".math").clientWidth + 1);
    return [...hiding, ...formulas].map((box) => box.parentElement.textContent.slice(0, 80));
}"""
LONG_LINES = """(most) => {  // the words of each line of prose, by the height at which their letters stand
    const long = [], letter = document.createRange();
    for (const block of document.querySelectorAll("article :is(p, li, dd, figcaption)")) {
        if (block.closest("table, summary, .course-figure, .chapter-map")) continue;
        if (block.querySelector("p, ul, .math") || !block.checkVisibility()) continue;
        const lines = new Map(), texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
        for (let text = texts.nextNode(); text; text = texts.nextNode())
            [...text.data].forEach((sign, k) => {
                letter.setStart(text, k);
                letter.setEnd(text, k + 1);
                const height = Math.round(letter.getBoundingClientRect().bottom / 8);
                lines.set(height, (lines.get(height) ?? "") + sign);
            });
        long.push(...[...lines.values()].filter((line) => line.trim().length > most));
    }
    return long;
}"""
SMALL_CODE = """() => [...document.querySelectorAll("article pre")]
    .filter((code) => parseFloat(getComputedStyle(code).fontSize) < 14)
    .map((code) => code.textContent.slice(0, 80))"""
BROKEN_CODE = """() => {  // lines of code that go on in a second line of the page
    const letter = document.createElement("canvas").getContext("2d");
    return [...document.querySelectorAll(".cell_input pre")].flatMap((code) => {
        letter.font = getComputedStyle(code).font;
        const room = code.clientWidth - 2 * parseFloat(getComputedStyle(code).paddingLeft);
        return code.textContent.split("\\n").filter((line) => letter.measureText(line).width > room + 1);
    });
}"""
ONE_WORD_OF_EACH_COLOUR = """() => {
    const seen = new Set();
    for (const word of document.querySelectorAll(".highlight pre span")) {
        const colour = word.closest(".cell_input, .cell_output, article").className + word.className;
        if (seen.has(colour)) word.replaceWith(word.textContent);
        else seen.add(colour);
    }
}"""

THREE_OF_EACH_LOOK = """() => {  // texts inside elements of the same kinds have the same colours
    for (const colourless of document.querySelectorAll(".math, svg:not(.panel)")) colourless.replaceChildren();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = new Map();
    while (texts.nextNode()) {
        let look = "";
        for (let box = texts.currentNode.parentElement; box; box = box.parentElement)
            look += [box.tagName, ...["class", "style", "open"].map((name) => box.getAttribute(name)), ""];
        seen.set(look, [...(seen.get(look) ?? []), texts.currentNode]);
    }
    for (const same of seen.values()) for (const text of same.slice(3)) text.remove();
}"""


@pytest.fixture(scope="module", params=[*PAGES, "search.html", "genindex.html"])
def page(request, window):
    """Opened once for all tests of this file. That nothing failed on it is asserted when it is closed."""
    with window(request.param) as page:
        yield page


def test_math_is_typeset(page):
    assert page.evaluate(UNTYPESET) == []
    assert page.evaluate(BROKEN_MATH) == []
    prose = page.evaluate(PROSE)
    assert "$" not in prose and "\\(" not in prose and "\\frac" not in prose


def test_every_picture_is_there(page):
    assert page.evaluate(EMPTY_PICTURES) == []


def test_interactive_figures_are_alive(page):
    figures = page.locator(".course-figure")
    assert figures.locator("form:visible").count() == figures.count()


@pytest.mark.parametrize("width", [320, 375, 768])
def test_it_does_not_run_over_the_edge(page, width):
    whole = page.viewport_size
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT_OFF) == []
    page.set_viewport_size(whole)


def test_lines_are_short_and_code_is_large(page):
    whole = page.viewport_size
    page.set_viewport_size({"width": 1400, "height": 800})
    assert page.evaluate(LONG_LINES, 75) == []
    assert page.evaluate(SMALL_CODE) == []
    assert page.evaluate(BROKEN_CODE) == []
    page.set_viewport_size(whole)


def test_everyone_can_use_it(page):
    page.wait_for_timeout(400)  # the theme looks 300 ms after a change of size, by another test, at what scrolls
    page.evaluate(ONE_WORD_OF_EACH_COLOUR)  # a chapter has thousands, and axe looks at each
    assert violations(page, rules={rule: {"enabled": False} for rule in COLOUR_RULES}) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_tell_its_colours_apart(page, theme):
    page.add_style_tag(content="* { transition: none !important }")  # no colour is judged half-way to another
    page.emulate_media(color_scheme=theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    page.evaluate(THREE_OF_EACH_LOOK)
    assert violations(page, runOnly=COLOUR_RULES) == []


COLOUR_RULES = ["color-contrast", "link-in-text-block"]


def violations(page, **options) -> list[str]:
    """What axe finds serious, one line for each place."""
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False, **options}).response["violations"]
    return [line for rule in found if rule["impact"] in {"serious", "critical"} for line in described(rule)]


def described(rule: dict) -> list[str]:
    return [f"{rule['id']}: {node['html'][:150]} {node['failureSummary']}" for node in rule["nodes"]]
