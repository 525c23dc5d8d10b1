"""The built book: links lead somewhere, every page is whole, nothing is asked of another host."""

from __future__ import annotations

import importlib.metadata
import json
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from tools import pyodide, sphinx_moved
from tools.sphinx_course import MATHJAX_FILES

ROOT = Path(__file__).resolve().parent.parent
NOT_IN_THE_TOC = {"index.html", "genindex.html", "search.html"}
LOADING = {  # what makes a browser fetch something when a page is opened
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
    "embed": "src",
}
LOADING_RELATIONS = {
    "stylesheet",
    "preload",
    "prefetch",
    "icon",
    "shortcut",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
}


@cache
def parse(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def html_files(site: Path) -> list[Path]:
    return [path for path in sorted(site.rglob("*.html")) if "_static" not in path.relative_to(site).parts]


def written_pages(site: Path) -> list[Path]:
    pages = [path for path in html_files(site) if path.name not in NOT_IN_THE_TOC or path.parent != site]
    moved = {old for old, new in sphinx_moved.MOVED.items() if old not in new}
    return [path for path in pages if path.stem not in moved]


def toc_entries() -> set[str]:
    toc = (ROOT / "_toc.yml").read_text()
    return set(re.findall(r"(?:root|file): (\S+)", toc))


def loaded(page: BeautifulSoup):
    """The addresses that a browser fetches by itself when it opens the page."""
    for tag, attribute in LOADING.items():
        for element in page.find_all(tag, attrs={attribute: True}):
            if tag != "link" or LOADING_RELATIONS & set(element.get("rel", [])):
                yield element[attribute]
    for element in page.find_all(srcset=True):
        yield from (entry.split()[0] for entry in element["srcset"].split(",") if entry.strip())
    styles = [element.get_text() for element in page.find_all("style")]
    styles += [element["style"] for element in page.find_all(style=True)]
    for style in styles:
        yield from css_addresses(style)


def css_addresses(style: str) -> list[str]:
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    return re.findall(r"url\(\s*['\"]?([^'\")]+)", style) + re.findall(r"@import\s+['\"]([^'\"]+)", style)


def is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in {"http", "https"}


def broken_links(site: Path, path: Path) -> list[str]:
    """The links and loaded files of a page that lead to no file or no anchor of the site."""
    page, broken = parse(path), []
    addresses = [element["href"] for element in page.find_all("a", href=True)] + list(loaded(page))
    for address in addresses:
        if is_elsewhere(address) or urlsplit(address).scheme:
            continue
        file, anchor = urldefrag(address)
        target = (path.parent / unquote(urlsplit(file).path)).resolve() if file else path
        if target.is_dir():
            target = target / "index.html"
        exists = target.is_file() and site.resolve() in target.parents
        if not exists or (anchor and target.suffix == ".html" and not has_anchor(target, unquote(anchor))):
            broken.append(address)
    return broken


def has_anchor(path: Path, anchor: str) -> bool:
    return anchor in anchors(path)


@cache
def anchors(path: Path) -> set[str]:
    """All places of a page that a link can lead to; to look for each by itself would read the page as often."""
    return {element.get(name) for element in parse(path).find_all(True) for name in ("id", "name")}


def test_every_page_of_the_contents_is_built(site):
    built = {path.relative_to(site).with_suffix("").as_posix() for path in written_pages(site)}
    assert built == toc_entries()


def test_every_notebook_is_in_the_contents():
    chapters = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "chapters").rglob("*.ipynb")}
    assert chapters <= toc_entries()


def test_old_addresses_lead_to_where_their_anchors_are_now(site):
    for folder in sphinx_moved.FOLDERS:
        for old, new in sphinx_moved.MOVED.items():
            text = (site / folder / f"{old}.html").read_text(encoding="utf-8")
            elsewhere = json.loads(re.search(r"const pages = (.*);", text).group(1))
            assert set(elsewhere.values()) <= {f"{name}.html" for name in new[1:]}
            assert all(has_anchor(site / folder / target, anchor) for anchor, target in elsewhere.items())
            if old not in new:
                assert [link["href"] for link in parse(site / folder / f"{old}.html").select("a")] == [
                    f"{name}.html" for name in new
                ]


def test_links_and_anchors_lead_somewhere(site):
    broken = {path.name: links for path in html_files(site) if (links := broken_links(site, path))}
    assert broken == {}


def test_pages_load_nothing_from_another_host(site):
    asked = {
        path.name: found for path in html_files(site) if (found := list(filter(is_elsewhere, loaded(parse(path)))))
    }
    for sheet in site.rglob("*.css"):
        found = [address for address in css_addresses(sheet.read_text(encoding="utf-8")) if is_elsewhere(address)]
        asked.update({sheet.name: found} if found else {})
    assert asked == {}


def test_scripts_of_the_pages_name_no_other_host(site):
    """Scripts written into the pages could fetch as they run: none holds the address of a file elsewhere."""
    for path in html_files(site):
        for script in parse(path).find_all("script", src=False):
            if "json" not in script.get("type", ""):
                assert not re.search(r"https?://(?!www\.w3\.org/)", script.get_text()), (
                    path.name,
                    script.get_text()[:200],
                )


def test_links_to_files_that_are_no_pages_save_them(site):
    """A browser would show a notebook as text in a tab where the server says that it is text."""
    offered = [link for path in html_files(site) for link in parse(path).find_all("a", href=True) if is_file(link)]
    assert len(offered) > 20
    assert [link["href"] for link in offered if not link.has_attr("download")] == []
    named = [(link["download"], Path(link["href"]).name) for link in offered if link["download"]]
    assert named and [pair for pair in named if len(set(pair)) > 1] == []


def is_file(link) -> bool:
    parts = urlsplit(link["href"])
    return not (parts.scheme or parts.netloc) and Path(parts.path).suffix not in {"", ".html", ".txt"}


def test_every_page_has_a_title(site):
    titles = {path: parse(path).title.get_text(strip=True) for path in html_files(site) if parse(path).title}
    for path in written_pages(site):
        headings = [heading.get_text().strip("# ") for heading in parse(path).select("article h1")]
        assert len(headings) == 1 and headings[0], (path.name, headings)
        assert titles[path] not in {"", "<no title>"}, path.name
    assert len({titles[path] for path in written_pages(site)}) == len(written_pages(site)), "two pages have one title"


def test_headings_go_down_one_level_at_a_time(site):
    for path in written_pages(site):
        headings = parse(path).select("article h1, article h2, article h3, article h4, article h5, article h6")
        levels = [int(heading.name[1]) for heading in headings]
        jumps = [heading.get_text() for heading, a, b in zip(headings[1:], levels, levels[1:]) if b > a + 1]
        assert levels[0] == 1 and jumps == [], path.name


def test_equations_have_numbers_that_references_name(site):
    """A reference says (4.2) where the equation that it leads to says (4.2)."""
    references = 0
    for path in written_pages(site):
        for link in parse(path).select("article a.reference[href*='#equation-']"):
            file, anchor = urldefrag(link["href"])
            target = parse((path.parent / file).resolve() if file else path).find(id=anchor)
            number = target.select_one(".eqno").get_text().rstrip("#").strip()
            assert number == link.get_text().strip() and number.startswith("("), (path.name, link)
            references += 1
    assert references > 30


def test_every_figure_is_there_and_described(site):
    for path in written_pages(site):
        for image in parse(path).find_all("img"):
            name = f"{path.name}: {image['src'][:80]}"
            assert image.has_attr("alt"), name
            if "_images/" in image["src"]:
                assert len(image["alt"]) > 15 and not re.search(r"\.(png|svg|jpe?g)$|^\.\.?/", image["alt"]), name
                assert (path.parent / unquote(image["src"])).stat().st_size > 0, name
        for plot in parse(path).select(".plot"):
            assert plot["role"] == "img" and len(plot["aria-label"]) > 15, path.name


def test_a_notebooks_figures_are_all_on_its_page(site):
    for path in sorted((ROOT / "chapters").rglob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
        stored = sum(kind.startswith("image/") for data in outputs for kind in data)
        page = parse((site / path.relative_to(ROOT)).with_suffix(".html"))
        assert len(page.select(".cell_output figure > :is(img, .plot)")) == stored, path.name
        assert len(page.select(".cell_output figcaption .caption-number")) == stored, path.name


def test_figures_have_numbers_that_references_name(site):
    """A reference says Figure 4.2 where the caption of the figure that it leads to does."""
    references = 0
    for path in written_pages(site):
        for link in parse(path).select("article a.reference[href*='#fig-']"):
            file, anchor = urldefrag(link["href"])
            target = parse((path.parent / file).resolve() if file else path).find(id=anchor)
            number = target.select_one("figcaption .caption-number").get_text().strip()
            assert number == link.get_text().strip() and number.startswith("Figure "), (path.name, link)
            references += 1
    assert references > 30


def test_every_page_counts_its_own_figures(site):
    pages_with_figures = 0
    for path in written_pages(site):
        captions = [number.get_text() for number in parse(path).select("figcaption .caption-number")]
        assert captions == [re.sub(r"\d+ $", f"{count} ", text) for count, text in enumerate(captions, 1)], path.name
        pages_with_figures += bool(captions)
    assert pages_with_figures > 10


def counters(page: BeautifulSoup) -> set[str]:
    """The numbers of a page's figures and equations, as ``figure 4.2`` and ``equation 4.2``."""
    figures = [number.get_text().strip() for number in page.select("figcaption .caption-number")]
    equations = [number.get_text().strip().strip("#()") for number in page.select(".eqno")]
    return {*map(str.lower, figures), *(f"equation {number}" for number in equations)}


def numbers_of_no_counter(page: BeautifulSoup) -> list[str]:
    """The figures and equations that code or printed text calls by a number under which the page has none."""
    named = re.findall(
        r"\b(figure|equation)\s*\(?(\d[\d.]*\d|\d)", "\n".join(code.get_text() for code in page("pre")), re.I
    )
    return [f"{kind} {number}" for kind, number in named if f"{kind} {number}".lower() not in counters(page)]


def test_code_calls_no_figure_or_equation_by_another_number_than_the_page(site):
    wrong = {path.name: found for path in written_pages(site) if (found := numbers_of_no_counter(parse(path)))}
    assert wrong == {}


def test_outputs_lead_to_notebooks_which_jupyter_finds_as_the_book_does():
    for path in sorted((ROOT / "chapters").rglob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output.get("data", {}).get("text/html", "") for cell in cells for output in cell.get("outputs", [])]
        addresses = re.findall(r'href="([^#":]+)["#]', "".join(map("".join, outputs)))
        assert all((path.parent / address).is_file() for address in addresses), path.name


def test_math_is_typeset_by_the_book_itself(site):
    for name in MATHJAX_FILES:
        assert (site / "_static" / "mathjax" / name).exists(), name
    with_math = [path for path in written_pages(site) if parse(path).select(".math")]
    assert with_math
    for path in with_math:
        sources = [address for address in loaded(parse(path)) if "mathjax" in address.lower()]
        assert [urlsplit(source).path.rpartition("_static/")[2] for source in sources] == ["mathjax/tex-svg.js"], (
            path.name
        )


def shipped_by_others(site: Path):
    """Name, version, cell of the licence and files in _static of each work on the page of licences."""
    for row in parse(site / "chapters" / "licences.html").select("table.shipped tbody tr"):
        work, licence, files = row.find_all("td")
        name = work.a.get_text()
        yield name, work.get_text().replace(name, "").strip(), licence, [file.get_text() for file in files("code")]


def files_of_static(site: Path) -> dict[str, Path]:
    static = site / "_static"
    return {path.relative_to(static).as_posix(): path for path in static.rglob("*") if path.is_file()}


def test_all_that_the_site_ships_is_on_the_page_of_licences(site):
    answers = ("answers.css", "answers.js", "worker.js", "course.zip", "pyodide-lock.json")
    ours = {"course.css", "course.js", "search.js", "logo.svg", *(f"answers/{name}" for name in answers)}
    packed = "answers/from_disk.js"  # ours alone where Python is loaded from elsewhere
    patterns = {pattern for *_, files in shipped_by_others(site) for pattern in files}
    unnamed = {name for name in files_of_static(site) if not any(fnmatch(name, pattern) for pattern in patterns)}
    assert unnamed | {packed} == ours | {packed}


def test_what_scripts_were_bundled_from_is_on_the_page_of_licences(site):
    named = str(parse(site / "chapters" / "licences.html").select_one("table.shipped")).lower()
    maps = [json.loads(path.read_text(encoding="utf-8")) for path in (site / "_static").rglob("*.js.map")]
    bundled = set(
        re.findall(r"node_modules/@?([\w-]+)", "\n".join(source for one in maps for source in one["sources"]))
    )
    assert {"bootstrap", "popperjs"} <= bundled
    assert {owner for owner in bundled if owner not in named} == set()


def test_versions_on_the_page_of_licences_are_those_of_the_files(site):
    for name, version, _, patterns in shipped_by_others(site):
        files = [path for file, path in files_of_static(site).items() if any(fnmatch(file, one) for one in patterns)]
        if name in pyodide.WORKS and not patterns:  # loaded from elsewhere
            assert version == pyodide.WORKS[name]
            continue
        assert files, name
        texts = "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
        assert version in texts or version == importlib.metadata.version(name.lower().replace(" ", "-")), name


def test_every_page_leads_to_the_licences_and_these_to_their_texts(site):
    for path in written_pages(site):
        assert parse(path).select_one("footer .extra_footer a")["href"].endswith(("licences.html", "#")), path.name
    for name, _, licence, _ in shipped_by_others(site):
        address = licence.a["href"]
        if is_elsewhere(address):
            assert address == f"https://spdx.org/licenses/{licence.get_text()}.html", name
        else:
            assert "copyright" in (site / "chapters" / address).resolve().read_text(encoding="utf-8").lower(), name


def test_without_a_repository_there_are_no_buttons_to_one(site):
    for path in written_pages(site):
        assert not parse(path).select(
            ".btn-source-repository-button, .btn-source-issues-button, .dropdown-launch-buttons"
        )


# -- the checks themselves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<img srcset="a.png 1x, https://example.org/b.png 2x">',
        '<p style="background: url(https://example.org/b.png)">',
        "<style>@import 'https://example.org/b.css';</style>",
    ],
)
def test_a_request_to_another_host_is_noticed(html):
    assert any(map(is_elsewhere, loaded(BeautifulSoup(html, "html.parser"))))


def test_an_ordinary_link_elsewhere_is_no_request():
    page = BeautifulSoup(
        '<a href="https://arxiv.org">paper</a><link rel="canonical" href="https://x.org">', "html.parser"
    )
    assert not list(loaded(page))


def test_broken_links_are_noticed(tmp_path):
    page = tmp_path / "a.html"
    page.write_text('<p id="here"><a href="#here">1</a><a href="#gone">2</a><a href="b.html">3</a><img src="c.png">')
    assert broken_links(tmp_path, page) == ["#gone", "b.html", "c.png"]


def test_a_number_of_no_counter_is_noticed():
    counted = '<figcaption><span class="caption-number">Figure 4.2 </span></figcaption><span class="eqno">(2)#</span>'
    said = "<pre>Equation 1, equation (2); see Figure 4.2, figure 4.1 and figure (2)</pre>"
    page = BeautifulSoup(counted + said, "html.parser")
    assert numbers_of_no_counter(page) == ["Equation 1", "figure 4.1", "figure 2"]


def test_toc_is_a_jupyter_book_1_toc():
    assert yaml.safe_load((ROOT / "_toc.yml").read_text())["format"] == "jb-book"
