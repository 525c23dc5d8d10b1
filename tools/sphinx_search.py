"""Sphinx extension: what the search of the book knows, section by section.

Sphinx's own index knows which words are on a page, not in which section, and its page of results fetches every page
that it found for an excerpt, which browsers refuse on a site opened from disk. So the text is written into a script,
``sections.js``, that the page of the search alone loads (``chapters/_templates/search.html``). How it is searched is
in ``chapters/_assets/search.js``; cutting words to their stems, the field and the messages are Sphinx's.

What the file says of a section is its anchor, title and text, and the names in its code; of an entry of the glossary
also the sections that it links to: they explain the term, and come before others that have it in their titles.
Formulas in the text become plain characters. Cards of claims are text; lists of contents, code, figures, outputs and
feedback are none.

An edition in another language needs its own ``ALSO_CALLED``, and a look at ``words`` in ``search.js``, which cuts text
into words. Stems and words without meaning are those of the build's language: Sphinx writes ``language_data.js``.
"""

from __future__ import annotations

import json
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx import addnodes

from tools.sphinx_pages import number_of

FILE = "sections.js"

#: what the book calls it -> names that readers type and that the glossary does not list
ALSO_CALLED = {
    "learning rate": ["lr"],
    "weight decay": ["wd"],
    "Nesterov": ["nag"],
    "momentum": ["heavy ball"],
    "Xavier": ["Glorot"],
    "He": ["Kaiming"],
    "initialization": ["init"],
    "generalization": ["overfitting"],
    "range test": ["lr finder", "learning rate finder"],
    "one cycle": ["1cycle"],
    "how to cite": ["citation", "BibTeX", "author", "authors"],
    "references": ["bibliography", "literature"],
    "three ways to use the course": [
        "install",
        "installation",
        "setup",
        "PDF",
        "print",
        "printing",
        "Colab",
        "Jupyter",
    ],
    "how the exercises work": ["exercises", "solutions", "answers", "answer on the page", "browser", "Pyodide"],
}

SIGNS = {  # of TeX; Greek letters are written as such, and other commands by their names, as max and ln
    "sqrt": "√", "cdot": "·", "times": "×", "pm": "±", "le": "≤", "ge": "≥", "lt": "<", "gt": ">", "ll": "≪", "gg": "≫",
    "ne": "≠", "approx": "≈", "in": "∈", "to": "→", "leftarrow": "←", "infty": "∞", "nabla": "∇", "partial": "∂",
    "sum": "∑", "prod": "∏", "int": "∫", "ell": "ℓ", "dots": "…", "ldots": "…", "cdots": "…", "bmod": "mod",
    "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "lfloor": "⌊", "rfloor": "⌋",
    **dict.fromkeys(["left", "right", "big", "text", "mathrm", "operatorname", "quad"], ""),
}  # fmt: skip
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303"}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NO_TEXT = (nodes.title, nodes.section, nodes.comment, nodes.literal_block, addnodes.toctree, addnodes.glossary)
NAME = re.compile(r"\b[A-Za-z]+(?:_[A-Za-z]|[a-z][A-Z])\w*")  # one that is no common word: set_lr, OneCycleLR


def setup(app):
    app.connect("html-page-context", keep_record)
    app.connect("build-finished", write_records)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# -- the file ---------------------------------------------------------------------------------------------------------


def folder(app) -> Path:
    """Where the records lie: beside Sphinx's own, so that a page that a build leaves as it is keeps its record."""
    return Path(app.doctreedir) / "search"


def keep_record(app, pagename, templatename, context, doctree):
    if doctree is None:
        return
    path = folder(app) / f"{pagename}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record(app.env, pagename, doctree)), encoding="utf-8")


def write_records(app, error):
    if error or app.builder.format != "html":
        return
    kept = [folder(app) / f"{name}.json" for name in sorted(app.env.found_docs)]
    pages = [json.loads(path.read_text(encoding="utf-8")) for path in kept if path.is_file()]
    text = json.dumps({"pages": pages, "alsoCalled": ALSO_CALLED}, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, FILE).write_text(f"Search.setIndex({text});\n", encoding="utf-8")


# -- a page -----------------------------------------------------------------------------------------------------------


def record(env, name: str, doctree) -> dict:
    """What the search knows of a page: its rank (0 for chapters, 2 for solutions, 1 for all others) and its parts."""
    rank = 0 if number_of(env, name) else 2 if "/solutions/" in name else 1
    numbers = env.toc_secnumbers.get(name, {})
    parts = []
    for section in doctree.findall(nodes.section):
        anchor = f"#{section['ids'][0]}"
        depth = nesting(section)
        number = "".join(f"{part}." for part in numbers.get(anchor if depth > 1 else "", ()))
        title = tidy(f"{number} {inside(section.next_node(nodes.title))}")
        parts.append({"anchor": anchor, "depth": depth, "title": title, **body(section)})
    for glossary in doctree.findall(addnodes.glossary):
        parts += [entry(item, name) for item in glossary.findall(nodes.definition_list_item)]
    return {"page": name, "rank": rank, "parts": parts}


def nesting(section) -> int:
    """1 for the section that is the page, 2 for those in it, and so on."""
    return 1 + nesting(section.parent) if isinstance(section.parent, nodes.section) else 1


def entry(item, page: str) -> dict:
    """An entry of the glossary. Its terms mean the same, some in another language; its links lead to explanations."""
    anchor = f"#{item.next_node(nodes.term)['ids'][0]}"
    terms = [term.astext() for term in item.findall(nodes.term)]
    links = [link["refuri"] for link in item.findall(nodes.reference) if ".html" in link.get("refuri", "")]
    explained = [posixpath.normpath(posixpath.join(page, "..", link)).replace(".html", "") for link in links]
    definition = body(item.next_node(nodes.definition))
    return {
        "anchor": anchor,
        "depth": 2,
        "title": ", ".join(terms),
        "terms": terms,
        "explained": explained,
        **definition,
    }


def body(part) -> dict:
    """A part's text, and the names that only its code has; both without those of the parts in it."""
    words = tidy(inside(part))
    names = set(NAME.findall(" ".join(listings(part)))) - set(re.findall(r"\w+", words))
    return {"text": words, "code": " ".join(sorted(names))}


def text(node) -> str:
    """What of a node one reads as text, headings aside: no code, no figures, no formulas that stand alone."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.math):
        return plain(node.astext())
    if isinstance(node, nodes.raw):
        return claim(node.astext())
    if isinstance(node, nodes.math_block):
        return " … "
    if isinstance(node, NO_TEXT) or "reading-time" in node["classes"]:
        return ""
    return inside(node)


def inside(node) -> str:
    cells, running = isinstance(node, nodes.row), isinstance(node, (nodes.TextElement, nodes.Inline))
    between = " · " if cells else "" if running else " "
    return between.join(map(text, node.children))


def claim(html: str) -> str:
    """The text of a claim's card; other raw HTML is a figure, a table of numbers, or feedback."""
    if 'class="claim"' not in html:
        return ""
    return " ".join(card.get_text(" ", strip=True) for card in BeautifulSoup(html, "html.parser").select(".claim"))


def listings(node) -> Iterator[str]:
    """The code of a part, without what it printed."""
    for child in node.children:
        if isinstance(child, nodes.literal_block):
            yield child.astext()
        elif not isinstance(child, (nodes.Text, nodes.section)) and "cell_output" not in child["classes"]:
            yield from listings(child)


def tidy(words: str) -> str:
    return re.sub(r"\s+", " ", words).strip()


# -- formulas ---------------------------------------------------------------------------------------------------------


def plain(tex: str) -> str:
    r"""A formula in a line of text as plain characters, near enough to be recognised.

    Example:
        >>> plain(r"\hat v_t = v_t / (1 - \beta_2^t)")
        'v̂_t = v_t / (1 - β₂^t)'
    """
    tex = re.sub(r"\\[dt]?frac\s*(\d)\s*(\d)", r"\1/\2", tex)
    braced = r"\s*\{((?:[^{}]|\{[^{}]*\})*)\}"
    tex = re.sub(rf"\\[dt]?frac{braced}{braced}", r"\1/\2", tex)
    tex = re.sub(rf"\\({'|'.join(ACCENTS)})\s*\{{?\s*(\\?\w)", lambda m: m[2] + ACCENTS[m[1]], tex)
    tex = re.sub(r"\\([A-Za-z]+)", lambda m: sign(m[1]), tex)
    tex = re.sub(r"_(\d|\{\d+\})", lambda m: m[1].translate(SUBSCRIPTS), tex)
    tex = re.sub(r"\^(\d|\{-?\d+\})", lambda m: m[1].translate(SUPERSCRIPTS), tex)
    return tidy(re.sub(r"\\(?:([|{}%#])|.)", r"\1", tex).translate(str.maketrans("", "", "{}$&")))


def sign(command: str) -> str:
    """What TeX's command shows: a Greek letter, another sign, or the command's name."""
    letter = command.removeprefix("var").upper().replace("LAMBDA", "LAMDA")  # as Unicode spells it
    try:
        return unicodedata.lookup(f"GREEK {'CAPITAL' if command[0].isupper() else 'SMALL'} LETTER {letter}")
    except KeyError:
        return SIGNS.get(command, command)
