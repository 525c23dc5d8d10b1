"""The book as one PDF: the pages of the built site put one after another and printed by Chromium.

    python -m tools.pdf        makes _build/pdf/learning-rates-and-optimizers.pdf from _build/html

In front stand a title page and the contents with page numbers: the book is printed twice, the second time with the
numbers that the first one had. A chapter is taken as it stands, without navigation, controls, fields for answers and
what is said to people at a screen (class ``screen-only``). Figures that move show their static picture, MathJax sets
the formulas, links between pages lead to pages of the PDF. An exercise keeps its question and its stub; folded code is
left out, unless it is a rule of the library. Solutions are left out: whoever turns a page of paper shall not stumble
over them.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from tools.sphinx_pages import authors

ROOT = Path(__file__).resolve().parent.parent
PDF = ROOT / "_build" / "pdf" / "learning-rates-and-optimizers.pdf"
PARTS_LEFT_OUT = {"Solutions"}
NOT_FOR_PAPER = (
    "script, .still, form, button, .headerlink, .screen-only, .calls, .answer, "
    ".cell:has([role=status]), "  # a check, which waits for an answer
    ".cell:has(details[name]) > .cell_input, section[aria-labelledby^=quiz-] > p:last-child, "  # how to open a choice
    ".cell:not([class*='tag_library:']) > details.above-input, details.hide > summary"  # folded code
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 10 * 60 * 1000  # milliseconds, far more than the whole book needs
NUMBER_CONTENTS = """pages => {
    for (const link of document.querySelectorAll("nav.book-contents a")) link.dataset.page = pages[link.hash.slice(1)];
    document.documentElement.classList.remove("draft");
}"""
BLACK = (
    r'<span class="(?:n|p|w)">([^<]*)</span>'  # words of code that have the colour of the rest; half of all there are
)
REFERRING = ("id", "for", "aria-labelledby", "aria-describedby")  # attributes that hold ids of their own page


class Part(NamedTuple):
    """Pages under one caption; those of a numbered part are chapters, which begin on a sheet of their own."""

    caption: str
    pages: list[str]
    numbered: bool = False


def parts_of_the_book() -> list[Part]:
    """The names of the pages, without suffix, in the order of reading."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [
        Part(part["caption"], [chapter["file"] for chapter in part["chapters"]], part.get("numbered", False))
        for part in toc["parts"]
    ]
    return [Part("The course", [toc["root"]]), *(part for part in parts if part.caption not in PARTS_LEFT_OUT)]


# -- the whole --------------------------------------------------------------------------------------------------------


def assemble(site: Path, folder: Path) -> str:
    """One HTML page with the articles of all pages; it is to be stored in ``folder``, from where it finds its files."""
    parts = parts_of_the_book()
    names = [name for part in parts for name in part.pages]
    articles = {name: article(site, name, names, folder) for name in names}
    work = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    home = read(site, names[0])
    links = [*stylesheets(home), *mathjax(home)]
    for element in links:
        relocate(element, site / names[0], folder)
    style = Path(__file__).with_name("print.css").read_text(encoding="utf-8") + running_heads(parts, articles)
    return (
        '<!doctype html><html lang="en" class="draft" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(work['title'])}</title>{''.join(map(str, links))}<style>{style}</style></head>"
        f"<body>{title_page(work, folder)}{contents(parts, articles)}{''.join(map(str, articles.values()))}</body>"
        "</html>"
    )


def read(site: Path, name: str) -> BeautifulSoup:
    page = (site / name).with_suffix(".html").read_text(encoding="utf-8")
    return BeautifulSoup(re.sub(BLACK, r"\1", page), "html.parser")


def stylesheets(page: BeautifulSoup) -> list:
    return page.head.select('link[rel="stylesheet"]')


def mathjax(page: BeautifulSoup) -> list:
    """MathJax's settings, and MathJax."""
    return [script for script in page.select("script") if "mathjax" in (script.get("src", "") + script.text).lower()]


def title_page(work: dict, folder: Path) -> str:
    """What CITATION.cff says of the course. There is no date on it: the same book makes the same page."""
    logo = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["logo"]
    source = Path(os.path.relpath(ROOT / logo, folder)).as_posix()
    lines = work["abstract"], ", ".join(authors(work)), f"Version {work['version']}"
    return (
        f'<header class="title-page"><img src="{source}" alt=""><h1>{escape(work["title"])}</h1>'
        f"{''.join(f'<p>{escape(line)}</p>' for line in lines)}</header>"
    )


def contents(parts: list[Part], articles: dict) -> str:
    """The titles of all pages and, in chapters, of their sections; page numbers are put in when they are known."""
    lists = (
        f"<h2>{part.caption}</h2><ol>{''.join(entry(articles[name], part.numbered) for name in part.pages)}</ol>"
        for part in parts
    )
    return f'<nav class="book-contents"><h1>Contents</h1>{"".join(lists)}</nav>'


def entry(text, with_sections: bool) -> str:
    sections = text.select("section > section:has(> h2)") if with_sections else []
    inner = "".join(f"<li>{link_to(section['id'], section.h2)}</li>" for section in sections)
    return f"<li>{link_to(text['id'], text.h1)}{inner and f'<ol>{inner}</ol>'}</li>"


def link_to(id: str, heading) -> str:
    return f'<a href="#{id}" data-page="000"><span>{heading.decode_contents()}</span></a>'


def running_heads(parts: list[Part], articles: dict) -> str:
    """A kind of paper for each chapter, and one for each other part, with its title at the top.

    Paper changes between pages only: what has paper of its own begins on a new page.
    """
    rules = []
    for part in parts:
        papers = [[name] for name in part.pages] if part.numbered else [part.pages]
        for pages in papers:
            head = articles[pages[0]].h1.get_text() if part.numbered else part.caption
            rules.append(f"@page {anchor(pages[0])} {{ @top-right {{ content: {json.dumps(head)} }} }}")
            rules += [f"#{anchor(name)} {{ page: {anchor(pages[0])} }}" for name in pages]
    return "\n".join(rules)


# -- a page -----------------------------------------------------------------------------------------------------------


def article(site: Path, name: str, names: list[str], folder: Path):
    """The text of a page, fit to stand among those of other pages."""
    text = read(site, name).select_one("article")
    for figure in text.select(".course-figure"):
        figure.form.replace_with(settings(figure))
    for element in text.select(NOT_FOR_PAPER):
        element.decompose()
    for code in text.select("details.hide"):
        code.unwrap()
    for folded in text.select("details:not([name])"):  # to save room on the screen; a quiz keeps its answers closed
        folded["open"] = ""
    for link in text.select("a[href]"):
        redirect(link, name, names)
    for element in text.select("[src]"):
        relocate(element, site / name, folder)
    for element in text.find_all(True):
        make_unique(element, name)
    text["id"] = anchor(name)
    return text


def settings(figure):
    """Where the controls of an interactive figure stand, in words.

    Example:
        >>> slider = '<div class="control"><label>β</label><input><output>0.9</output><button>Play</button></div>'
        >>> settings(BeautifulSoup(f"<figure>{slider}</figure>", "html.parser"))
        <p class="settings">β 0.9</p>
    """
    words = []
    for control in figure.select(".control:not(.off)"):
        chosen = control.select_one("label:has([checked])")
        label, value = (control.span, chosen) if chosen else (control.label, control.output)
        words.append(f"{label.get_text(strip=True)} {value.get_text(strip=True)}")
    return BeautifulSoup(f'<p class="settings">{escape(", ".join(words))}</p>', "html.parser").p


def anchor(name: str, fragment: str = "") -> str:
    """The id in the whole book of something that has the id ``fragment`` on a page.

    Example:
        >>> anchor("chapters/notation"), anchor("chapters/notation", "steps")
        ('chapters-notation', 'chapters-notation--steps')
    """
    page = name.replace("/", "-")
    return f"{page}--{fragment}" if fragment else page


def redirect(link, name: str, names: list[str]) -> None:
    """Make a link to another page one within the book; the words of a link to what is not in the book stay."""
    address = urlsplit(link["href"])
    if address.scheme or address.netloc:
        return
    target = os.path.normpath(Path(name).parent / unquote(address.path)) if address.path else f"{name}.html"
    target, suffix = os.path.splitext(Path(target).as_posix())
    if suffix == ".html" and target in names:
        link["href"] = "#" + anchor(target, unquote(address.fragment))
    else:
        link.unwrap()


def relocate(element, page: Path, folder: Path) -> None:
    """Let an element that loads a file find it from ``folder``."""
    for attribute in ("src", "href"):
        address = urlsplit(element.get(attribute, ""))
        if address.path and not address.scheme:
            element[attribute] = Path(os.path.relpath(page.parent / unquote(address.path), folder)).as_posix()


def make_unique(element, name: str) -> None:
    """Put the page's name before every id, and before the ids that drawings refer to."""
    for key, value in element.attrs.items():
        if key in REFERRING:
            element[key] = " ".join(anchor(name, id) for id in value.split())
        elif key in ("href", "xlink:href") and element.name == "use":
            element[key] = "#" + anchor(name, value[1:])
        elif isinstance(value, str):
            element[key] = re.sub(r"(?<=url\(#)[^)]+", lambda id: anchor(name, id[0]), value)


# -- printing ---------------------------------------------------------------------------------------------------------


def chromium() -> str | None:
    """The program that prints, or None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def print_pdf(page: Path, pdf: Path) -> None:
    """Print a page when MathJax has set its formulas: once to see where things are, then with the numbers of pages."""
    program = chromium()
    if program is None:
        raise SystemExit("The PDF is printed by Chromium, which is not installed: apt-get install chromium")
    pdf.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=program).new_page()
        window.set_default_timeout(PATIENCE)
        window.goto(page.as_uri())
        window.evaluate("MathJax.startup.promise.then(() => null)")
        draft = window.pdf(prefer_css_page_size=True)
        window.evaluate(NUMBER_CONTENTS, page_numbers(draft))
        window.pdf(path=pdf, prefer_css_page_size=True, outline=True, tagged=True)


def page_numbers(pdf: bytes) -> dict[str, int]:
    """The page, counted from 1, of everything in a PDF that a link leads to."""
    reader = PdfReader(io.BytesIO(pdf))
    places = reader.named_destinations
    return {name.lstrip("/"): 1 + reader.get_destination_page_number(place) for name, place in places.items()}


def make(site: Path, pdf: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "book.html"
        page.write_text(assemble(site, page.parent), encoding="utf-8")
        print_pdf(page, pdf)


if __name__ == "__main__":
    make(ROOT / "_build" / "html", PDF)
    print(f"{os.path.relpath(PDF)}: {PDF.stat().st_size / 1e6:.1f} MB")
