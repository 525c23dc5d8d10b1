"""The book as one PDF: all pages but the solutions, whose links work, without what only a screen can do."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

from tools import pdf

NAMES = [name for part in pdf.parts_of_the_book() for name in part.pages]


@pytest.fixture(scope="module")
def assembled(site, tmp_path_factory) -> BeautifulSoup:
    folder = tmp_path_factory.mktemp("assembled")
    html = pdf.assemble(site, folder)
    (folder / "book.html").write_text(html, encoding="utf-8")
    book = BeautifulSoup(html, "html.parser")
    book.folder = folder
    return book


@pytest.fixture(scope="module")
def printed(assembled) -> PdfReader:
    if pdf.chromium() is None:
        pytest.skip("Chromium, which prints the PDF, is not installed")
    target = assembled.folder / "book.pdf"
    pdf.print_pdf(assembled.folder / "book.html", target)
    return PdfReader(target)


def test_every_page_but_the_solutions_is_in_the_book_once(assembled):
    written = {path.stem for path in (pdf.ROOT / "chapters").glob("*") if path.suffix in {".ipynb", ".md"}}
    assert sorted(name.rpartition("/")[2] for name in NAMES) == sorted(written)
    assert [article["id"] for article in assembled.select("article")] == list(map(pdf.anchor, NAMES))


def test_title_and_contents_stand_in_front(assembled):
    assert [element.name for element in assembled.body.find_all(recursive=False)][:3] == ["header", "nav", "article"]
    work = yaml.safe_load((pdf.ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    words = " ".join(assembled.header.get_text(" ").split())
    assert all(part in words for part in (work["title"], work["abstract"], work["version"]))
    listed = [link["href"][1:] for link in assembled.select("nav a")]
    assert [id for id in listed if "--" not in id] == list(map(pdf.anchor, NAMES))
    numbered = [h2.parent["id"] for h2 in assembled.select("article h2") if h2.select_one(".section-number")]
    assert [id for id in listed if "--" in id] == numbered


def test_links_in_the_book_lead_somewhere_in_it(assembled):
    ids = Counter(element["id"] for element in assembled.select("[id]"))
    assert [id for id, count in ids.items() if count > 1] == []
    local = [link["href"] for link in assembled.select("a[href]") if not re.match("https?:", link["href"])]
    assert len(local) > 200
    assert [href for href in local if not href.startswith("#") or href[1:] not in ids] == []


def test_drawings_refer_to_their_own_parts(assembled):
    ids = {element["id"] for element in assembled.select("[id]")}
    references = re.findall(r"url\(#([^)]+)\)", str(assembled))
    assert references and set(references) <= ids
    used = [part.get("href") or part["xlink:href"] for part in assembled.select("use")]
    assert used and {id[1:] for id in used} <= ids


def test_files_that_the_book_loads_exist(assembled):
    sources = [element["src"] for element in assembled.select("[src]") if not element["src"].startswith("data:")]
    sources += [element["href"].partition("?")[0] for element in assembled.select("link[href]")]
    assert len(sources) > 5
    assert [source for source in sources if not (assembled.folder / source.partition("?")[0]).exists()] == []


def test_paper_has_no_controls_and_no_scripts_but_those_of_mathjax(assembled):
    assert not assembled.select("body script, form, button, input, textarea, .answer, .headerlink")
    assert len(assembled.head.select("script")) == 2
    assert not assembled.select("details[open][name]"), "a quiz shows its answer"
    figures = assembled.select(".course-figure")
    assert figures and all(figure.select("polyline[data-line]") for figure in figures)
    assert all(re.search(r"\w \d", figure.select_one(".settings").text) for figure in figures)


def test_paper_asks_for_nothing_that_it_cannot_do(assembled):
    text = assembled.body.get_text(" ")
    asked = "Not attempted yet|waiting for your answer|Your answer to|Open a choice|Show code|Code · "
    assert not re.findall(asked, text)
    assert not assembled.select(".screen-only, details:not([open], [name])")


def test_exercises_and_rules_of_the_library_are_on_paper(assembled):
    notebooks = [path for name in NAMES if (path := pdf.ROOT / f"{name}.ipynb").exists()]
    cells = [cell for path in notebooks for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    tags = [" ".join(cell["metadata"].get("tags", [])) for cell in cells]
    for tag in ("exercise", "library:"):
        code = assembled.select(f".cell[class*='tag_{tag}'] .cell_input pre")
        assert len(code) == sum(tag in some for some in tags) > 10, tag


def test_links_to_what_is_left_out_become_words():
    page = BeautifulSoup('<p><a href="solutions/a.html">one</a> <a href="b.html#c">two</a></p>', "html.parser")
    for link in page.select("a"):
        pdf.redirect(link, "chapters/index", ["chapters/index", "chapters/b"])
    assert str(page) == '<p>one <a href="#chapters-b--c">two</a></p>'


def test_without_chromium_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        pdf.print_pdf(tmp_path / "a.html", tmp_path / "a.pdf")


def test_the_outline_has_every_page_of_the_book(assembled, printed):
    titles = [closed_up(entry.title) for entry in begins(printed)]
    assert titles == [closed_up(title.get_text()) for title in assembled.select("h1")]


def test_the_contents_name_the_page_on_which_each_chapter_begins(printed):
    contents = "\n".join(page.extract_text() for page in printed.pages[1:4])
    for chapter in begins(printed)[2:]:
        number = 1 + printed.get_destination_page_number(chapter)
        title = r"\s*".join(map(re.escape, closed_up(chapter.title)))
        assert re.search(rf"{title}\s+{number}$", contents, re.MULTILINE), chapter.title
    last = printed.pages[number - 1].extract_text().splitlines()
    assert str(number) in last[:2], "the page has another number"
    assert len(last) > 10, "the page is empty"


def begins(book: PdfReader) -> list:
    """The entries of the outline that are titles of whole pages."""
    return [entry for entry in book.outline if not isinstance(entry, list)]


def closed_up(text: str) -> str:
    """A text without spaces: Chromium forgets them where a title goes on in a second line."""
    return "".join(text.split())
