"""The search as readers use it: what comes first, what is shown of it, and the way there without a mouse."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

FIRST = {  # what is typed: where the first result leads
    "warmup": "09_schedules.html#warm-up-begin-small",
    "warm-up": "09_schedules.html#warm-up-begin-small",
    "Warm up": "09_schedules.html#warm-up-begin-small",
    "learning-rate": "01_learning_rate.html#learning-rates",
    "lr": "01_learning_rate.html#learning-rates",
    "学习率": "01_learning_rate.html#learning-rates",
    "one cycle": "12_super_convergence.html#one-cycle",
    "one-cycle": "12_super_convergence.html#one-cycle",
    "“one cycle”": "12_super_convergence.html#one-cycle",
    "onecycle": "12_super_convergence.html#one-cycle",
    "1cycle": "12_super_convergence.html#one-cycle",
    "epsilon": "06_adam.html#where-sits",
    "ε": "06_adam.html#where-sits",
    "adam epsilon": "06_adam.html#where-sits",
    "weight decay": "11_weight_decay.html#weight-decay-and-adamw",
    "AdamW": "11_weight_decay.html#weight-decay-and-adamw",
    "L2": "11_weight_decay.html#does-l2-do-little-in-adam",
    "momentums": "04_momentum.html#momentum",
    "MOMENTUM": "04_momentum.html#momentum",
    "momentun": "04_momentum.html#momentum",
    "nesterov": "04_momentum.html#nesterov-s-look-ahead",
    "sgdr": "10_range_test_and_cycles.html#sgdr-restarts-and-a-model-at-any-time",
    "he initialization": "13_initialization.html#he-make-up-for-what-relu-cuts-off",
    "initialisation": "13_initialization.html#initialization",
    "xavier": "13_initialization.html#xavier-keep-the-variance-both-ways",
    "glorot": "13_initialization.html#xavier-keep-the-variance-both-ways",
    "overfitting": "14_batch_size.html#do-large-batches-generalize-worse",
    "batch size": "14_batch_size.html#the-critical-batch-size",
    "plateau": "glossary.html#term-plateau",
    "vanishing": "glossary.html#term-vanishing-gradient",
    "热重启": "10_range_test_and_cycles.html#sgdr-restarts-and-a-model-at-any-time",
    "restart": "10_range_test_and_cycles.html#sgdr-restarts-and-a-model-at-any-time",
    "restarts": "10_range_test_and_cycles.html#sgdr-restarts-and-a-model-at-any-time",
    "β2": "06_adam.html#adam-both-ideas-at-once",
    "beta2": "06_adam.html#adam-both-ideas-at-once",
    "beta_2": "06_adam.html#adam-both-ideas-at-once",
    "β 1": "06_adam.html#adam-both-ideas-at-once",
    "learning rate finder": "10_range_test_and_cycles.html#which-rates-are-worth-trying-the-range-test",
    "lr finder": "10_range_test_and_cycles.html#which-rates-are-worth-trying-the-range-test",
    "lr schedule": "09_schedules.html#learning-rate-schedules",
    "kaiming init": "13_initialization.html#he-make-up-for-what-relu-cuts-off",
    "annealing": "glossary.html#term-annealing",
    "exploding gradient": "glossary.html#term-exploding-gradient",
    "decoupled": "glossary.html#term-decoupled-weight-decay",
    "cite": "index.html#how-to-cite",
    "how to cite": "index.html#how-to-cite",
    "citation": "index.html#how-to-cite",
    "author": "index.html#how-to-cite",
    "reference": "references.html#references",
    "bibliography": "references.html#references",
    "licence": "licences.html#licences",
    "exercises": "index.html#how-the-exercises-work",
    "answer on the page": "index.html#how-the-exercises-work",
    "answer here": "index.html#how-the-exercises-work",
    "browser": "index.html#how-the-exercises-work",
    "claims": "claims.html#the-ledger-of-claims",
    "download": "index.html#three-ways-to-use-the-course",
    "install": "index.html#three-ways-to-use-the-course",
    "without installing": "index.html#three-ways-to-use-the-course",
    "pdf": "index.html#three-ways-to-use-the-course",
    "colab": "index.html#three-ways-to-use-the-course",
    "constructor": "07_amsgrad.html#the-rule-as-the-library-has-it",  # what every object of JavaScript has, too
}
NOWHERE = ["xyzzyx", "xyzzyx momentum", "__proto__", "toString", "hasOwnProperty", "x" * 200, "<>", "-", '"']
ADDRESSES = """(questions) => questions.map((question) => {
    document.querySelector("#search-results").replaceChildren();
    Search.performSearch(question);
    return [...document.querySelectorAll("#search-results a")].map((link) => link.getAttribute("href"));
})"""


@pytest.fixture(scope="module", params=["from disk", "served"])
def page(request, window, site, served):
    root = served if request.param == "served" else f"{site.as_uri()}/"
    with window("search.html?q=β2", root=root) as page:
        yield page


@pytest.fixture(scope="module")
def results(window, site):
    """What is found for each question."""
    asked = [*FIRST, *NOWHERE, "one", "r", "step"]
    with window("search.html", root=f"{site.as_uri()}/") as page:
        yield dict(zip(asked, page.evaluate(ADDRESSES, asked), strict=True))


def test_the_section_that_a_reader_means_comes_first(results):
    assert {asked: (results[asked] or [""])[0].removeprefix("./chapters/") for asked in FIRST} == FIRST


def test_what_is_nowhere_is_not_found(results):
    assert {asked: results[asked] for asked in NOWHERE if results[asked]} == {}


def test_solutions_come_last(results):
    both = 0
    for asked, addresses in results.items():
        are_solutions = ["/solutions/" in address for address in addresses]
        assert are_solutions == sorted(are_solutions), asked
        both += len(set(are_solutions)) == 2
    assert both > 10


def test_an_excerpt_shows_the_words_where_they_stand(page):
    """A formula is no obstacle, and where the book lies makes no difference."""
    first = page.locator("#search-results li").first
    expect(first.locator("a")).to_have_text("6.1. Adam: both ideas at once — 6. Adam")
    expect(first.locator("p")).to_contain_text("is β₁ for the gradients and β₂ for their squares")
    expect(first.locator(".highlighted").first).to_have_text("β₂")
    expect(page.locator(".search-summary")).to_contain_text("page(s)")


def test_the_keyboard_leads_from_any_page_to_a_section(window, site):
    narrow = {"width": 320, "height": 640}
    with window("chapters/03_mini_batches.html", root=f"{site.as_uri()}/", viewport=narrow) as page:
        page.keyboard.press("Control+k")
        page.keyboard.type("weight decay")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=weight+decay")
        expect(page.locator(".bd-search-container input")).to_be_focused()
        expect(page.locator(".bd-search-container input")).to_have_value("weight decay")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            options = {"runOnly": ["color-contrast"], "preload": False}
            assert Axe().run(page, context="#search-results", options=options).violations_count == 0
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/chapters/11_weight_decay.html#weight-decay-and-adamw")
