"""The book as one PDF: all pages but the solutions, whose links work, without what only a screen can do."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup

from tools import pdf

NAMES = pdf.pages_of_the_book()


@pytest.fixture(scope="module")
def assembled(site, tmp_path_factory) -> BeautifulSoup:
    folder = tmp_path_factory.mktemp("assembled")
    html = pdf.assemble(site, NAMES, folder)
    (folder / "book.html").write_text(html, encoding="utf-8")
    book = BeautifulSoup(html, "html.parser")
    book.folder = folder
    return book


def test_every_page_but_the_solutions_is_in_the_book_once(assembled):
    written = {path.stem for path in (pdf.ROOT / "chapters").glob("*") if path.suffix in {".ipynb", ".md"}}
    assert sorted(name.rpartition("/")[2] for name in NAMES) == sorted(written)
    assert [article["id"] for article in assembled.select("article")] == list(map(pdf.anchor, NAMES))


def test_links_in_the_book_lead_somewhere_in_it(assembled):
    ids = Counter(element["id"] for element in assembled.select("[id]"))
    assert [id for id, count in ids.items() if count > 1] == []
    local = [link["href"] for link in assembled.select("a[href]") if not re.match("https?:", link["href"])]
    assert len(local) > 200
    assert [href for href in local if not href.startswith("#") or href[1:] not in ids] == []


def test_drawings_refer_to_their_own_parts(assembled):
    ids = {element["id"] for element in assembled.select("[id]")}
    references = re.findall(r'="url\(#([^)]+)\)"', str(assembled))
    assert references and set(references) <= ids


def test_files_that_the_book_loads_exist(assembled):
    sources = [element["src"] for element in assembled.select("[src]") if not element["src"].startswith("data:")]
    sources += [element["href"].partition("?")[0] for element in assembled.select("link[href]")]
    assert len(sources) > 50
    assert [source for source in sources if not (assembled.folder / source.partition("?")[0]).exists()] == []


def test_paper_has_no_controls_and_no_scripts_but_those_of_mathjax(assembled):
    assert not assembled.select("body script, form, button, input, .headerlink, details.above-input")
    assert len(assembled.head.select("script")) == 2
    assert not assembled.select("details[open][name]"), "a quiz shows its answer"
    figures = assembled.select(".course-figure")
    assert figures and all(figure.select("polyline[data-line]") for figure in figures)


def test_links_to_what_is_left_out_become_words():
    page = BeautifulSoup('<p><a href="solutions/a.html">one</a> <a href="b.html#c">two</a></p>', "html.parser")
    for link in page.select("a"):
        pdf.redirect(link, "chapters/index", ["chapters/index", "chapters/b"])
    assert str(page) == '<p>one <a href="#chapters-b--c">two</a></p>'


def test_without_chromium_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        pdf.print_pdf(tmp_path / "a.html", tmp_path / "a.pdf")


@pytest.mark.skipif(pdf.chromium() is None, reason="Chromium, which prints the PDF, is not installed")
def test_the_pdf_has_every_chapter_in_its_outline(assembled):
    target = assembled.folder / "book.pdf"
    pdf.print_pdf(assembled.folder / "book.html", target)
    data = target.read_bytes()
    assert len(re.findall(rb"/Type /Page\b", data)) > 100
    outline = {unescaped(title) for title in re.findall(rb"/Title \((.*?[^\\])\)|/Title <(.*?)>", data, re.DOTALL)}
    for article in assembled.select("article"):
        title = article.h1.get_text()
        assert any(title in entry for entry in outline), title


def unescaped(match: tuple[bytes, bytes]) -> str:
    """The text of a string in a PDF: plain in parentheses, or UTF-16 as hexadecimal digits."""
    plain, digits = match
    return (
        bytes.fromhex(digits.decode()).decode("utf-16")
        if digits
        else re.sub(rb"\\(.)", rb"\1", plain).decode("latin-1")
    )
