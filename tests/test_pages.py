"""What the pages say about the book itself: reading times, the map of the chapters, glossary, citation."""

from __future__ import annotations

import json
import re
import struct
from functools import cache
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.cmd.build import main as sphinx_build

from course_lib.exercises import EXERCISES
from tests.test_site import parse
from tools import hygiene, sphinx_folds, sphinx_pages, sphinx_social

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {int(path.name[:2]): path for path in sorted((ROOT / "chapters").glob("[0-9][0-9]_*.ipynb"))}
CHINESE = r"[\u4e00-\u9fff]"


def page(site: Path, name: str) -> BeautifulSoup:
    return parse(site / "chapters" / name)


@cache
def prose(chapter: int) -> str:
    cells = json.loads(CHAPTERS[chapter].read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


# -- reading time -----------------------------------------------------------------------------------------------------


def document(*children) -> nodes.container:
    return nodes.container("", *children)


def test_reading_time_counts_text_formulas_code_and_figures():
    words = nodes.paragraph("", "word " * 1500)
    assert sphinx_pages.reading_minutes(document(words)) == 10  # 7.5 minutes, to the next five
    more = [nodes.math_block("", "x") for _ in range(50)] + [nodes.literal_block("", "a\nb\n" * 100)]
    assert sphinx_pages.reading_minutes(document(words, *more)) == 20  # 1500 + 50 · 20 + 200 · 5 + … words
    assert sphinx_pages.reading_minutes(document(words, *[nodes.image() for _ in range(50)])) == 15


def test_reading_time_leaves_out_exercises_and_hidden_code():
    code = nodes.literal_block("", "line\n" * 2000)
    hidden = nodes.container("", nodes.container("", code, classes=["cell_input"]), classes=["cell"], hide_mode="input")
    exercise = nodes.container("", code.deepcopy(), classes=["cell", "tag_exercise"])
    assert sphinx_pages.reading_minutes(document(hidden, exercise)) == 5
    assert sphinx_pages.reading_minutes(document(code.deepcopy())) == 50


def cell(source: str, **attributes) -> nodes.container:
    code = nodes.container("", nodes.literal_block(source, source), nb_element="cell_code_source")
    return nodes.container("", code, nb_element="cell_code", **attributes)


def test_folded_code_says_what_it_does():
    drawn = cell("# Figure: two paths\ndraw()", hide_mode="input")
    judged = cell('# OPT-1: two conditions\nclaims.record("OPT-1")')
    idea = cell("# the step\nx = x - lr * g")
    sphinx_folds.fold(None, document(drawn, judged, idea))
    assert drawn["prompt_show"] == "Code · Figure: two paths"
    assert (judged["hide_mode"], judged["prompt_show"]) == ("input", "Code · OPT-1: two conditions")
    assert "hide_mode" not in idea


def test_verdicts_are_folded_and_rules_are_open(site):
    """In every chapter, a reader sees each rule and result, and may open how a verdict follows."""
    for path in CHAPTERS.values():
        folded = page(site, path.with_suffix(".html").name).select("details.hide")
        judged = [fold for fold in folded if "claims.record(" in fold.get_text()]
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert len(judged) == sum("claims.record(" in "".join(one["source"]) for one in cells) > 0, path.name
        assert all(fold.summary.get_text(strip=True).startswith("Code · ") for fold in folded), path.name


def test_every_chapter_says_how_long_it_takes(site):
    for chapter, path in CHAPTERS.items():
        line = page(site, path.with_suffix(".html").name).select_one("article h1 + .reading-time")
        minutes = int(re.match(r"(\d+) minutes of reading", line.get_text()).group(1))
        words = len(prose(chapter).split())
        assert words / 300 < minutes < words / 60, (chapter, minutes, words)
        assert minutes <= 35, (chapter, minutes)
        assert "minutes" not in prose(chapter).partition("\n## ")[0], f"chapter {chapter} types a reading time"


# -- the map ----------------------------------------------------------------------------------------------------------


def typed_map() -> dict[int, dict]:
    source = json.loads((ROOT / "chapters" / "index.ipynb").read_text(encoding="utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in source["cells"])
    entries = yaml.safe_load(re.search(r"```\{chapter-map\}\n(.*?)```", text, re.DOTALL).group(1))
    return {int(name[:2]): entry for name, entry in entries.items()}


def test_the_map_knows_what_the_chapters_say_they_need():
    for chapter, entry in typed_map().items():
        needed = re.search(r"\*\*You need\*\*(.*?)\n\n", prose(chapter), re.DOTALL).group(1).partition(" rival")[0]
        named = {int(number) for number in re.findall(r"\]\((\d\d)_", needed)}
        assert set(entry["after"]) == named, chapter


def test_the_map_shows_every_chapter_with_its_exercises(site):
    index = page(site, "index.html")
    cards = index.select(".chapter-map li")
    assert [int(card.a.get_text().partition(".")[0]) for card in cards] == list(CHAPTERS)
    for card, chapter in zip(cards, CHAPTERS):
        count = sum(exercise.chapter == chapter for exercise in EXERCISES.values())
        assert f"{count} exercises" in card.get_text(), chapter
    assert f"{len(CHAPTERS)} chapters, " in index.select_one(".course-size").get_text()
    assert f" {len(EXERCISES)} exercises." in index.select_one(".course-size").get_text()


def test_cards_lie_below_what_they_build_on_and_no_two_in_one_place():
    after = {chapter: entry["after"] for chapter, entry in typed_map().items()}
    places = sphinx_pages.layout(after)
    assert len(set(places.values())) == len(after)
    assert all(places[before][0] < places[chapter][0] for chapter in after for before in after[chapter])


def test_a_line_is_drawn_for_direct_needs_only():
    after = {1: [], 2: [1], 3: [1, 2], 4: [3]}
    assert [sphinx_pages.direct(chapter, after) for chapter in after] == [[], [1], [2], [3]]
    assert sphinx_pages.ancestors(4, after) == {1, 2, 3}


def test_the_bar_of_verdicts_counts_the_ledger(site):
    entries = json.loads((ROOT / "chapters" / "results" / "claims.json").read_text(encoding="utf-8"))
    shown = [item.get_text(" ") for item in page(site, "index.html").select(".verdicts li")]
    assert sum(int(text.split()[0]) for text in shown) == len(entries)
    for verdict in {entry["verdict"] for entry in entries}:
        count = sum(entry["verdict"] == verdict for entry in entries)
        assert any(text.startswith(f"{count} ") and verdict in text for text in shown), (verdict, shown)


def test_the_figure_of_the_landing_page_moves_by_itself(site):
    figure = page(site, "index.html").select_one(".course-figure")
    assert json.loads(figure.select_one("script").get_text())["autoplay"] is True
    assert len(figure.select_one("polyline[data-line]")["points"].split()) > 10, "no picture without scripts"


# -- glossary ---------------------------------------------------------------------------------------------------------


def glossary_entries(site: Path) -> list[tuple[list[str], str]]:
    """The terms and the definition of each entry."""
    entries, terms = [], []
    for element in page(site, "glossary.html").select("dl.glossary > *"):
        if element.name == "dt":
            terms.append(element.find(string=True).strip().replace("’", "'"))
        else:
            entries.append((terms, element.get_text(" ", strip=True)))
            terms = []
    return entries


def test_every_entry_of_the_glossary_has_an_english_and_a_chinese_term(site):
    entries = glossary_entries(site)
    assert len(entries) > 50
    for terms, definition in entries:
        assert not re.search(CHINESE, terms[0]) and re.search(CHINESE, terms[-1]), terms
        assert definition, terms


def test_a_chapter_that_the_glossary_names_uses_the_term(site):
    for terms, definition in glossary_entries(site):
        chapters = re.findall(r"\d+", definition.rpartition("Chapter")[2]) if "Chapter" in definition else []
        for chapter in map(int, chapters):
            pattern = "|".join(re.sub(r"[ -]+", r"[\\s*-]+", re.escape(term).replace("\\", "")) for term in terms)
            assert re.search(pattern, prose(chapter), re.IGNORECASE), (terms[0], chapter)


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("*.md")), ids=lambda path: path.stem)
def test_chapters_are_named_by_links_to_them(path):
    assert hygiene.chapter_number_problems(path.read_text(encoding="utf-8")) == []


# -- citation ---------------------------------------------------------------------------------------------------------


def test_the_citation_is_that_of_citation_cff(site):
    work = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    section = page(site, "index.html").select_one("#how-to-cite")
    for value in (work["title"], work["version"], work["authors"][0]["name"].replace("'", "’")):
        assert section.get_text().replace("'", "’").count(str(value)) == 2, value  # in words, and for BibTeX


def test_a_citation_has_an_address_where_one_is_known():
    work = {"authors": [{"given-names": "A", "family-names": "B"}], "title": "T", "version": "1", "year": "2026"}
    assert sphinx_pages.in_words({**work, "url": ""}) == "A B (2026). T, version 1."
    assert sphinx_pages.in_words({**work, "url": "https://x.org/y"}).endswith("version 1. https://x.org/y.")
    assert "url" not in sphinx_pages.bibtex({**work, "url": ""})
    assert "  url     = {https://x.org/y},\n" in sphinx_pages.bibtex({**work, "url": "https://x.org/y"})


# -- previews of links ------------------------------------------------------------------------------------------------


def test_a_published_page_says_how_it_is_previewed(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_SITE_URL", "https://x.org/course")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    (tmp_path / "conf.py").write_text("project = 'A course'\nextensions = ['sphinx_social']\n")
    (tmp_path / "index.rst").write_text("A page\n======\n\nWhat it is about.\n")
    assert sphinx_build(["-q", str(tmp_path), str(tmp_path / "html")]) == 0
    head = BeautifulSoup((tmp_path / "html" / "index.html").read_text(encoding="utf-8"), "html.parser").head
    tags = {tag["property"]: tag["content"] for tag in head.select("meta[property]")}
    assert tags["og:title"] == "A page" and tags["og:description"] == "What it is about."
    assert tags["og:image"] == f"https://x.org/course/{sphinx_social.CARD}"
    card = (tmp_path / "html" / sphinx_social.CARD).read_bytes()
    assert struct.unpack(">II", card[16:24]) == sphinx_social.CARD_SIZE


def test_without_an_address_there_is_no_preview_with_dead_links(site):
    tags = page(site, "index.html").select("meta[property='og:image'], meta[property='og:url']")
    assert not tags
