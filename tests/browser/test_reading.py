"""What readers do: answer questions, filter the ledger, take a notebook along, change the colours."""

from __future__ import annotations

import re
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import expect

from benchmarks.page_weight import first_load
from tests.browser.conftest import QuietHandler, serve
from tests.test_site import parse


def pages_with(site, selector):
    return [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html")) if parse(path).select(selector)]


EXPLANATIONS = """name => [...document.querySelectorAll(`details[name="${name}"]`)].map((choice) => {
    const explanation = choice.querySelector("p");
    return explanation.checkVisibility() ? explanation.textContent.trim() : null;
})"""


def test_every_choice_of_every_question_opens_its_explanation(window, site):
    pages = pages_with(site, "details[name^=quiz-]")
    assert len(pages) >= 5
    for path in pages:
        with window(path) as page:
            choices = page.locator("details[name^=quiz-]").all()
            names = [choice.get_attribute("name") for choice in choices]
            for name in dict.fromkeys(names):
                assert set(page.evaluate(EXPLANATIONS, name)) == {None}
            for k, (choice, name) in enumerate(zip(choices, names)):
                summary = choice.locator("summary")
                summary.click() if k % 2 else summary.press("Enter")
                shown = page.evaluate(EXPLANATIONS, name)
                place = k - names.index(name)
                assert [text is not None for text in shown] == [other == place for other in range(len(shown))]
                assert re.fullmatch(r"[✓✗]\s*(Right|No)\.\s+\S.{10,}", shown[place], re.DOTALL)


def test_on_paper_an_exercise_has_its_stub_though_it_is_being_answered(window):
    with window("chapters/index.html") as page:
        stub, answer = page.locator(".exercise .cell_input").first, page.locator(".exercise .answer")
        stub.evaluate("cell => { cell.hidden = true; }")  # as "Answer here" does
        expect(stub).to_be_hidden()
        page.emulate_media(media="print")
        expect(stub).to_be_visible()
        expect(answer).to_be_hidden()


def test_the_ledger_shows_what_is_asked_for(window):
    with window("chapters/claims.html") as page:
        rows, shown = page.locator(".ledger tbody tr"), page.locator(".ledger tbody tr:visible")
        verdict, chapter = page.get_by_label("Verdict"), page.get_by_label("Chapter")
        expect(shown).to_have_count(rows.count())
        for name in verdict.locator("option").all_inner_texts()[1:]:
            verdict.select_option(name)
            for row in rows.all():
                asked_for = name in (row.get_attribute("data-verdict"), row.get_attribute("data-mnist"))
                assert row.is_visible() == asked_for
            expect(page.locator(".ledger output")).to_have_text(f"{shown.count()} of {rows.count()} shown")
        verdict.select_option("")
        chapter.select_option("1")
        assert shown.count() > 3
        assert {row.get_attribute("data-chapter") for row in shown.all()} == {"1"}


def test_on_a_telephone_the_ledger_is_cards_and_is_read_aloud_as_a_table(window):
    with window("chapters/claims.html", viewport={"width": 390, "height": 800}) as page:
        table, rows = page.locator(".ledger table"), page.locator(".ledger tbody tr")
        assert rows.first.evaluate("row => getComputedStyle(row).display") == "block"
        assert table.evaluate("table => table.scrollWidth <= table.clientWidth")
        expect(page.get_by_role("table").get_by_role("row")).to_have_count(rows.count() + 1)
        page.get_by_label("Chapter").select_option("1")
        assert 0 < page.locator(".ledger tbody tr:visible").count() < rows.count()


@pytest.fixture(params=["application/json", "text/plain", "from disk"])
def downloads_from(request, site) -> Iterator[str]:
    """The address of a book whose server takes its files to be of some type, or of the book on the disk."""
    if request.param == "from disk":
        yield f"{site.as_uri()}/"
    else:

        class Server(QuietHandler):
            def guess_type(self, path):
                offered = path.endswith((".ipynb", ".py", ".json"))
                return request.param if offered else super().guess_type(path)

        with serve(site, Server) as address:
            yield address


def test_the_download_button_saves_the_notebook(window, downloads_from):
    """No tab shows it as text, whatever type a server says that it has."""
    with window("chapters/01_learning_rate.html", root=downloads_from) as page:
        page.get_by_role("button", name="Download this page").click()
        with page.expect_download() as download:
            page.locator(".dropdown-download-buttons a.dropdown-item:visible").click()
        assert download.value.suggested_filename == "01_learning_rate.ipynb"
        notebook = nbformat.read(download.value.path(), as_version=4)
        assert sum(cell.cell_type == "code" for cell in notebook.cells) > 20
        assert page.context.pages == [page]


def test_a_file_that_the_text_offers_is_saved_too(window, downloads_from):
    with window("chapters/12_super_convergence.html", root=downloads_from) as page:
        links = page.locator("a.download")
        assert links.count() > 1
        for link in links.all():
            with page.expect_download() as download:
                link.click()
            assert link.get_attribute("href").endswith(f"/{download.value.suggested_filename}")


def test_the_button_changes_the_colours_and_the_next_page_remembers(window):
    with window("chapters/notation.html", color_scheme="light") as page:
        button, root = page.get_by_role("button", name="Color mode").first, page.locator("html")
        expect(root).to_have_attribute("data-mode", "auto")
        while root.get_attribute("data-theme") != "dark":  # auto, light, dark
            button.click()
        page.goto(page.url.replace("notation", "references"))
        expect(root).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("06_weight_decay.html", "11_weight_decay.html"),
        ("03_adagrad_to_adam.html", "05_adaptive_steps.html"),
        ("03_adagrad_to_adam.html#claim-opt-6", "05_adaptive_steps.html#claim-opt-6"),
        ("03_adagrad_to_adam.html#claim-opt-11", "06_adam.html#claim-opt-11"),
        ("01_learning_rate.html#claim-lr-1", "01_learning_rate.html#claim-lr-1"),
        ("01_learning_rate.html#claim-lr-9", "02_finding_a_learning_rate.html#claim-lr-9"),
        ("solutions/02_sgd_and_momentum.html#nesterov-step", "solutions/04_momentum.html#nesterov-step"),
    ],
)
def test_an_old_address_leads_to_the_new_page(browser, site, old, new):
    page = browser.new_page()
    page.goto(f"{site.as_uri()}/chapters/{old}")
    page.wait_for_url(f"**/chapters/{new}")
    anchor = new.partition("#")[2]
    assert not anchor or page.locator(f"[id='{anchor}']").count() == 1
    page.close()


@pytest.mark.parametrize("path", ["chapters/index.html", "chapters/01_learning_rate.html", "chapters/claims.html"])
def test_it_works_from_disk(window, site, path):
    with window(path, root=site.as_uri() + "/") as page:
        expect(page.locator("article h1")).to_be_visible()
        assert page.locator(".course-figure form:visible").count() == page.locator(".course-figure").count()


def test_the_weight_of_a_page_counts_all_that_the_browser_asks_for(browser, served, site):
    for path in ("chapters/index.html", "chapters/04_momentum.html", "chapters/claims.html"):
        page, asked = browser.new_page(), set()
        page.on("request", lambda request, asked=asked: asked.add(request.url.removeprefix(served).split("?")[0]))
        page.goto(served + path)
        page.evaluate("() => window.MathJax?.startup?.promise")
        page.close()
        counted = {file.relative_to(site.resolve()).as_posix() for file in first_load(site / path)}
        assert {name for name in asked if not name.startswith("_images/")} <= counted
