"""The book as one PDF: the pages of the built site put one after another and printed by Chromium.

    python -m tools.pdf        makes _build/pdf/learning-rates-and-optimizers.pdf from _build/html

The page of a chapter is taken as it stands, without navigation and controls; figures that move show their static
picture, MathJax sets the formulas, links between pages lead to pages of the PDF. Solutions are left out: whoever turns
a page of paper shall not stumble over them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
PDF = ROOT / "_build" / "pdf" / "learning-rates-and-optimizers.pdf"
PARTS_LEFT_OUT = {"Solutions"}
NOT_FOR_PAPER = "script, noscript, form, button, .headerlink, details.above-input"  # the last is folded code
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
REFERRING = ("id", "for", "aria-labelledby", "aria-describedby")  # attributes that hold ids of their own page


def pages_of_the_book() -> list[str]:
    """The names of the pages in the order of reading, without suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [part["chapters"] for part in toc["parts"] if part["caption"] not in PARTS_LEFT_OUT]
    return [toc["root"], *(chapter["file"] for chapters in parts for chapter in chapters)]


def assemble(site: Path, names: list[str], folder: Path) -> str:
    """One HTML page with the articles of all pages; it is to be stored in ``folder``, from where it finds its files."""
    book = BeautifulSoup(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"></head><body></body></html>',
        "html.parser",
    )
    home = read(site, names[0])
    book.head.extend([home.title, *stylesheets(home), *mathjax(home)])
    style = book.new_tag("style")
    style.string = Path(__file__).with_name("print.css").read_text(encoding="utf-8")
    book.head.append(style)
    for element in book.head.select("[src], [href]"):
        relocate(element, site / names[0], folder)
    for name in names:
        book.body.append(article(site, name, names, folder))
    return str(book)


def read(site: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((site / name).with_suffix(".html").read_text(encoding="utf-8"), "html.parser")


def stylesheets(page: BeautifulSoup) -> list:
    return page.head.select('link[rel="stylesheet"]')


def mathjax(page: BeautifulSoup) -> list:
    """MathJax's settings, and MathJax."""
    return [script for script in page.select("script") if "mathjax" in (script.get("src", "") + script.text).lower()]


def article(site: Path, name: str, names: list[str], folder: Path):
    """The text of a page, fit to stand among those of other pages."""
    text = read(site, name).select_one("article")
    for element in text.select(NOT_FOR_PAPER):
        element.decompose()
    for output in text.select("details.hide"):  # folded to save room on the screen; a quiz keeps its answers closed
        output["open"] = ""
    for link in text.select("a[href]"):
        redirect(link, name, names)
    for element in text.select("[src]"):
        relocate(element, site / name, folder)
    for element in text.find_all(True):
        make_unique(element, name)
    text["id"] = anchor(name)
    return text


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
        elif isinstance(value, str) and value.startswith("url(#"):
            element[key] = f"url(#{anchor(name, value[5:-1])})"


def chromium() -> str | None:
    """The program that prints, or None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def print_pdf(page: Path, pdf: Path) -> None:
    """Print a page when all its scripts have come to rest."""
    program = chromium()
    if program is None:
        raise SystemExit("The PDF is printed by Chromium, which is not installed: apt-get install chromium")
    pdf.parent.mkdir(parents=True, exist_ok=True)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    options += ["--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={pdf}"]
    # Virtual time stands still while scripts compute: this is no waiting, only an end for what never ends.
    options += ["--virtual-time-budget=60000", "--timeout=600000"]
    run = subprocess.run([program, *options, page.as_uri()], capture_output=True, encoding="utf-8", timeout=900)
    if not pdf.exists():
        raise SystemExit(f"Chromium printed nothing:\n{run.stderr}")


def make(site: Path, pdf: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "book.html"
        page.write_text(assemble(site, pages_of_the_book(), page.parent), encoding="utf-8")
        print_pdf(page, pdf)


if __name__ == "__main__":
    make(ROOT / "_build" / "html", PDF)
    print(f"{os.path.relpath(PDF)}: {PDF.stat().st_size / 1e6:.1f} MB")
