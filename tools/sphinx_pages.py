"""Sphinx extension: what the book says about itself, counted when it is built instead of typed.

    ```{course-size}``` how many chapters, hours of reading and exercises there are
    ```{chapter-map}``` the chapters as a graph of what builds on what, with reading time and exercises
    ```{verdicts}```    how many claims were confirmed, partly confirmed, refuted
    ```{citation}```    how to cite the course, from CITATION.cff

Under the title of every numbered chapter stands its reading time. A page that is no chapter counts its figures from 1.
"""

from __future__ import annotations

import html
import re
from functools import partial
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
WORDS_PER_MINUTE = 200
WORTH_WORDS = {"formula": 20, "line of code": 5, "figure": 30}  # looking at one takes as long as so many words


def setup(app):
    app.add_node(Later)
    app.add_directive("course-size", CourseSize)
    app.add_directive("chapter-map", ChapterMap)
    app.add_directive("verdicts", Verdicts)
    app.add_directive("citation", Citation)
    app.connect("doctree-read", measure)
    app.connect("env-get-updated", count_figures, priority=600)  # Sphinx counts them at 500
    app.connect("doctree-resolved", complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Later(nodes.Element):
    """The place of what ``write(app, docname)`` gives, until all chapters are known."""


def complete(app, doctree, docname):
    for place in list(doctree.findall(Later)):
        place.replace_self(nodes.raw("", place["write"](app, docname), format="html"))
    if number_of(app.env, docname):
        title = next(doctree.findall(nodes.title))
        about = app.env.metadata[docname]["course"]
        line = nodes.paragraph("", f"{about['minutes']} minutes of reading, and {exercises(about)}.")
        title.parent.insert(title.parent.index(title) + 1, line)
        line["classes"].append("reading-time")


def number_of(env, docname: str) -> int | None:
    """The chapter's number, or None for a page without one."""
    return (env.toc_secnumbers.get(docname, {}).get("") or [None])[0]


def exercises(about: dict) -> str:
    return f"{about['exercises']} exercises"


def count_figures(app, env):
    """Let each page without a number count its own figures; Sphinx counts them on from one such page to the next."""
    for docname, kinds in env.toc_fignumbers.items():
        if not number_of(env, docname):
            for numbers in kinds.values():
                numbers.update({id: (count,) for count, id in enumerate(numbers, 1)})
    return []  # no page has to be read anew


# -- reading time -----------------------------------------------------------------------------------------------------


def measure(app, doctree):
    about = {"minutes": reading_minutes(doctree), "exercises": len(list(filter(is_exercise, doctree.findall())))}
    app.env.metadata[app.env.docname]["course"] = about


def reading_minutes(doctree) -> int:
    """Minutes for text, formulas, shown code and figures, to the next five; exercise cells are not counted."""
    words = sum(map(worth, shown(doctree)))
    return max(5, 5 * round(words / WORDS_PER_MINUTE / 5))


def worth(node) -> int:
    """How many words a node itself counts for, its children apart."""
    if isinstance(node, nodes.Text):
        return len(re.findall(r"\w+", node))
    if isinstance(node, nodes.math):
        return 1
    if isinstance(node, nodes.math_block):
        return WORTH_WORDS["formula"]
    if isinstance(node, nodes.literal_block):
        return WORTH_WORDS["line of code"] * len(node.astext().splitlines())
    figure = isinstance(node, nodes.image) or (isinstance(node, nodes.raw) and "course-figure" in node.astext())
    return WORTH_WORDS["figure"] if figure else 0


def shown(node):
    """The nodes that a reader takes in one by one: no exercises, no hidden code, no parts of formulas and code."""
    if is_exercise(node) or is_hidden_code(node):
        return
    yield node
    if not isinstance(node, (nodes.math, nodes.math_block, nodes.literal_block, nodes.raw)):
        for child in node.children:
            yield from shown(child)


def is_exercise(node) -> bool:
    return isinstance(node, nodes.container) and "tag_exercise" in node["classes"]


def is_hidden_code(node) -> bool:
    is_input = isinstance(node, nodes.container) and "cell_input" in node["classes"]
    return is_input and node.parent.get("hide_mode") == "input"


# -- the size, and the map --------------------------------------------------------------------------------------------


class CourseSize(SphinxDirective):
    def run(self):
        return [Later(write=course_size)]


def course_size(app, docname: str) -> str:
    about = [app.env.metadata[name]["course"] for name in app.env.toc_secnumbers if number_of(app.env, name)]
    hours = sum(entry["minutes"] for entry in about) / 60
    count = sum(entry["exercises"] for entry in about)
    return f'<p class="course-size">{len(about)} chapters, about {hours:.0f} hours of reading, {count} exercises.</p>'


class ChapterMap(SphinxDirective):
    """Its content is YAML: file of the chapter → {question: …, after: [numbers of the chapters it builds on]}."""

    has_content = True

    def run(self):
        chapters = yaml.safe_load("\n".join(self.content))
        folder = Path(self.env.docname).parent
        chapters = {(folder / name).as_posix(): entry for name, entry in chapters.items()}
        return [Later(write=partial(chapter_map, chapters))]


def chapter_map(chapters: dict, app, docname: str) -> str:
    after = {number_of(app.env, name): entry["after"] for name, entry in chapters.items()}
    places = layout(after)
    ways = "".join(way(places[before], places[number]) for number in after for before in direct(number, after))
    size = " ".join(str(1 + max(positions)) for positions in zip(*((column, row) for row, column in places.values())))
    cards = "".join(
        card(app, docname, name, entry, places[number]) for number, (name, entry) in zip(after, chapters.items())
    )
    return (
        "<p>A line leads down from each chapter to those that build on it.</p>"
        f'<div class="chapter-map"><svg viewBox="0 0 {size}" preserveAspectRatio="none" aria-hidden="true">{ways}</svg>'
        f"<ol>{cards}</ol></div>"
    )


def card(app, docname: str, chapter: str, entry: dict, place: tuple[int, int]) -> str:
    row, column = place
    about = app.env.metadata[chapter]["course"]
    facts = [f"{about['minutes']} min", exercises(about)]
    if entry["after"]:
        facts.append("builds on " + ", ".join(map(str, entry["after"])))
    title = f"{number_of(app.env, chapter)}. {app.env.titles[chapter].astext()}"
    return (
        f'<li style="grid-area: {row + 1} / {column + 1}"><div>'
        f'<a href="{app.builder.get_relative_uri(docname, chapter)}">{html.escape(title)}</a>'
        f"<p>{html.escape(entry['question'])}</p><p><small>{' · '.join(facts)}</small></p></div></li>"
    )


def way(start: tuple[int, int], end: tuple[int, int]) -> str:
    (y0, x0), (y1, x1) = start, end
    return f'<path d="M{x0 + 0.5} {y0 + 0.5}L{x1 + 0.5} {y1 + 0.5}" vector-effect="non-scaling-stroke"/>'


def ancestors(chapter: int, after: dict) -> set[int]:
    """All chapters that come before one, near and far.

    Example:
        >>> ancestors(3, {1: [], 2: [1], 3: [2]})
        {1, 2}
    """
    return set(after[chapter]).union(*(ancestors(before, after) for before in after[chapter]))


def direct(chapter: int, after: dict) -> list[int]:
    """The chapters right before one: without those that lie before another of them.

    Example:
        >>> direct(3, {1: [], 2: [1], 3: [1, 2]})
        [2]
    """
    return [before for before in after[chapter] if not any(before in ancestors(c, after) for c in after[chapter])]


def layout(after: dict) -> dict[int, tuple[int, int]]:
    """Row and column of each chapter: below all that it builds on; one that is alone in its row, right below the last.

    Example:
        >>> layout({1: [], 2: [1], 3: [1], 4: [3]})
        {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (2, 1)}
    """
    rows: dict[int, list[int]] = {}
    places: dict[int, tuple[int, int]] = {}
    depth = {}
    for chapter, before in after.items():
        depth[chapter] = 1 + max((depth[one] for one in before), default=-1)
        rows.setdefault(depth[chapter], []).append(chapter)
    for row in sorted(rows):
        for column, chapter in enumerate(rows[row]):
            alone = len(rows[row]) == 1 and after[chapter]
            places[chapter] = (row, places[direct(chapter, after)[-1]][1] if alone else column)
    return {chapter: places[chapter] for chapter in after}


# -- verdicts and citation --------------------------------------------------------------------------------------------


class Verdicts(SphinxDirective):
    """A bar with the number of claims of each verdict, from the ledger's file."""

    def run(self):
        from course_lib.claims import VERDICTS
        from course_lib.claims_page import Ledger

        ledger = Ledger(ROOT / "chapters" / "results", {})
        extent = f" ({ledger.mostly} mostly)"
        parts = "".join(
            f'<li style="flex-grow: {count}; border-color: {VERDICTS[verdict][1]}">'
            f'<strong>{count}</strong> <span aria-hidden="true">{VERDICTS[verdict][0]}</span> {verdict}'
            f"{extent if verdict == 'partly' else ''}</li>"
            for verdict, count in ledger.counts(ledger.digits).items()
            if count
        )
        self.env.note_dependency(str(ROOT / "chapters" / "results" / "claims.json"))
        return [nodes.raw("", f'<ul class="verdicts">{parts}</ul>', format="html")]


class Citation(SphinxDirective):
    """The course as an entry in a list of references, and the same for BibTeX."""

    def run(self):
        path = ROOT / "CITATION.cff"
        self.env.note_dependency(str(path))
        work = yaml.safe_load(path.read_text(encoding="utf-8"))
        work["year"], work["url"] = self.config.copyright, self.config.html_theme_options.get("repository_url")
        code = nodes.literal_block("", bibtex(work), language="bibtex")
        return [nodes.paragraph("", in_words(work)), code]


def authors(work: dict) -> list[str]:
    return [person.get("name") or f"{person['given-names']} {person['family-names']}" for person in work["authors"]]


def in_words(work: dict) -> str:
    where = f" {work['url']}." if work["url"] else ""
    return f"{', '.join(authors(work))} ({work['year']}). {work['title']}, version {work['version']}.{where}"


def bibtex(work: dict) -> str:
    names = " and ".join(f"{{{name}}}" for name in authors(work))
    fields = {"author": names, **{key: work[key] for key in ("title", "version", "year", "url") if work[key]}}
    lines = "".join(f"  {key:<7} = {{{value}}},\n" for key, value in fields.items())
    return f"@software{{course-on-optimizers,\n{lines}}}"
