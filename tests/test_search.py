"""What the search of the built book knows: every section, under its title and with its text alone."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from docutils import nodes

from tests.test_site import html_files, written_pages
from tools import sphinx_search

HEADING = re.compile(
    r'<section[^>]* id="([^"]+)"[^>]*>\s*(?:<span id=[^>]*></span>)*<h\d>(.*?)<a class="headerlink"', re.DOTALL
)


@pytest.fixture(scope="module")
def pages(site):
    text = (site / sphinx_search.FILE).read_text(encoding="utf-8")
    return json.loads(text.removeprefix("Search.setIndex(").removesuffix(");\n"))["pages"]


def test_every_heading_of_the_book_is_known(site, pages):
    known = {entry["page"]: entry["parts"] for entry in pages}
    for path in written_pages(site):
        headings = HEADING.findall(path.read_text(encoding="utf-8"))
        parts = known[path.relative_to(site).with_suffix("").as_posix()]
        titles = {part["anchor"]: part["title"] for part in parts if "terms" not in part}
        assert list(titles) == [f"#{anchor}" for anchor, _ in headings], path
        for anchor, heading in headings:
            if "math" not in heading:
                assert titles[f"#{anchor}"] == unescape(re.sub("<[^>]+>", "", heading)), path


def test_only_the_page_of_the_search_loads_it(site):
    loading = [path.name for path in html_files(site) if sphinx_search.FILE in path.read_text(encoding="utf-8")]
    assert loading == ["search.html"]


def test_no_page_loads_the_index_of_sphinx(site):
    assert not [path.name for path in html_files(site) if "searchindex.js" in path.read_text(encoding="utf-8")]


def test_the_glossary_leads_to_sections_that_explain(pages):
    """Each is about the term: it has a word of it, at least in its title or in the text."""
    parts = {entry["page"] + part["anchor"]: part for entry in pages for part in entry["parts"]}
    explained = [(part["terms"], address) for part in parts.values() for address in part.get("explained", ())]
    leading = [(terms, address) for terms, address in explained if "#" in address]
    assert len(leading) > 30
    for terms, address in leading:
        words = {word[:6].lower() for term in terms for word in re.findall(r"\w{3,}", term)}
        assert any(word in f"{parts[address]['title']} {parts[address]['text']}".lower() for word in words), address


def test_text_is_what_one_reads(pages):
    """No code, no TeX, no headings of sections inside, nothing of an exercise's field and feedback; but claims."""
    parts = {entry["page"] + part["anchor"]: part for entry in pages for part in entry["parts"]}
    adam = parts["chapters/06_adam#where-sits"]["text"]
    assert adam.startswith("ε looks like a mere precaution") and "Exercise" not in adam
    assert "OPT-19: partly" in parts["chapters/05_adaptive_steps#rmsprop-and-sparse-data"]["text"]
    assert "LinearWarmup" in parts["chapters/09_schedules#warm-up-begin-small"]["text"]
    beside_exercises = "not answered|loads Python once|Your answer to|Start over|Bring my text back|Ctrl.Enter"
    for address, part in parts.items():
        assert not re.search(rf"\\[a-z]|\$|^import |minutes of reading|{beside_exercises}", part["text"]), address


def test_code_is_known_by_its_names_alone():
    code = nodes.literal_block("", "import paddle\nopt.clear_grad(); lr.NoamDecay(0.1)  # and so on")
    printed = nodes.container("", nodes.literal_block("", "some_output"), classes=["cell_output"])
    inner = nodes.section("", nodes.title("", "Inner"), nodes.paragraph("", "Not of this section."))
    outer = nodes.section("", nodes.title("", "Outer"), nodes.paragraph("", "NoamDecay,"), code, printed, inner)
    assert sphinx_search.body(outer) == {"text": "NoamDecay,", "code": "clear_grad"}


@pytest.mark.parametrize(
    ("tex", "plain"),
    [
        (r"\hat v_t = \lambda\,v_{10}", "v̂_t = λv₁₀"),
        (r"\tfrac12 \le \frac{\eta}{\sqrt{t}}", "1/2 ≤ η/√t"),
        (r"10^{-8} \approx \max(\varepsilon, \Lambda)^2", "10⁻⁸ ≈ max(ε, Λ)²"),
        (r"\lVert x\rVert \text{ is small}", "‖ x‖ is small"),
    ],
)
def test_a_formula_becomes_characters(tex, plain):
    assert sphinx_search.plain(tex) == plain
