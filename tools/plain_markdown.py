"""The book's Markdown as plain Markdown: what Jupyter and Colab can show of a cell.

The cells are written in MyST, which the book's own parser reads here too. mdformat writes what it read back as
Markdown; this module adds how MyST's own elements are written. References are resolved by Sphinx, so they carry the
numbers and names that they have in the book.
"""

from __future__ import annotations

import copy
import functools
import html
import posixpath
import re
import textwrap
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import mdformat_tables
import nbformat
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import directives
from docutils.parsers.rst.directives.admonitions import BaseAdmonition
from docutils.parsers.rst.directives.body import Container
from docutils.parsers.rst.languages import en
from docutils.utils import new_document
from mdformat.renderer import DEFAULT_RENDERERS, MDRenderer
from myst_parser.parsers.directives import parse_directive_text
from myst_parser.parsers.mdit import create_md_parser
from myst_parser.parsers.sphinx_ import MystParser
from nbformat.v4 import new_markdown_cell
from sphinx import addnodes
from sphinx.domains.std import Glossary
from sphinx.transforms import SphinxTransformer
from sphinx.util.docutils import sphinx_domains
from sphinxcontrib.bibtex.directives import BibliographyDirective

STYLE = {"number": True, "compact_tables": True}  # lists count on, columns of tables are not filled up with spaces


class UnknownSyntax(ValueError):
    """A page uses an element of MyST that has no form in plain Markdown yet."""


class Page:
    """Turns the Markdown of one page of the book into Markdown that needs no book around it.

    Args:
        app: The Sphinx application, with the whole book read.
        docname: The page's name, as ``chapters/01_learning_rate``.
        places: Knows where links lead: ``page(address)`` says where another page is that the book has at that address,
            ``source(path)`` where a file of the repository is. A link for which they say None becomes text.

    Example:
        ``page.plain("By {eq}`lr-step` …")`` gives ``By [(1.2)](#equation-lr-step) …``.
    """

    def __init__(self, app, docname: str, places):
        self.app, self.docname, self.places = app, docname, places
        self.RENDERERS = {
            "link": self._link,
            "myst_role": self._role,
            "myst_target": lambda node, context: anchor(nodes.make_id(node.content)),
            "myst_line_comment": lambda node, context: "",
            "myst_block_break": lambda node, context: "",
            "fence": self._fence,
            "colon_fence": self._directive,
            "math_inline": self._inline_math,
            "math_inline_double": lambda node, context: f"$${node.content.strip()}$$",
            "math_block": lambda node, context: self._formula(node.content),
            "math_block_label": lambda node, context: self._formula(node.content, label=node.info),
            "amsmath": lambda node, context: self._formula(node.content),
        }
        self._parser = create_md_parser(app.env.myst_config, MDRenderer)
        self._parser.options.update(parser_extension=[self, mdformat_tables], mdformat=STYLE)
        mdformat_tables.update_mdit(self._parser)

    def plain(self, markdown: str) -> str:
        """The same text in plain Markdown.

        Raises:
            UnknownSyntax: The text holds an element that this module cannot write; the message names it.
        """
        try:
            return self._parser.render(markdown).rstrip()
        except KeyError as error:  # mdformat has no function for this kind of token
            raise UnknownSyntax(f"{self.docname}: no plain Markdown for {error.args[0]!r}") from error

    def notebook(self):
        """The page's notebook with its Markdown made plain, its outputs, and a caption below each figure."""
        notebook = nbformat.read(self.source, as_version=4)
        for cell in list(notebook.cells):
            if cell.cell_type == "markdown":
                cell.source = self.plain(cell.source)
            for output in cell.get("outputs", []):
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] = self.links_of_html(output.data["text/html"])
            if "figure" in cell.metadata.get("mystnb", {}):
                caption = new_markdown_cell(self.caption(**cell.metadata["mystnb"]), id=f"{cell.id}-caption")
                notebook.cells.insert(notebook.cells.index(cell) + 1, caption)
        return notebook

    def caption(self, figure: dict, image: dict) -> str:
        """The lines under a figure: with the number that it has in the book, and in words what it shows.

        Jupyter calls every picture "Image"; who cannot see it finds the words below.
        """
        number = re.match(r"\[(.+)\]", self._resolved(f"{{numref}}`{figure['name']}`")).group(1)
        words = f"<details><summary>The picture in words</summary>{html.escape(image['alt'], quote=False)}</details>"
        return f"{anchor(nodes.make_id(figure['name']))}**{number}.** {self.plain(figure['caption'])}\n\n{words}"

    @property
    def source(self) -> str:
        return self.app.env.doc2path(self.docname)

    @property
    def address(self) -> str | None:
        """Where the page is published, None if that is not known."""
        return self.places.page(f"{self.docname}.html")

    def links_of_html(self, html: str) -> str:
        """An output in HTML whose links to other pages lead where these are or, if that is not known, nowhere."""

        def outside(link):
            page = re.sub(r"\.ipynb(?=#|$)", ".html", link.group(1))
            address = self.places.page(urljoin(f"{self.docname}.html", page))
            return f' href="{address}"' if address else ""

        return re.sub(r' href="(?!#|\w+:)([^"]+)"', outside, html)

    # -- references ---------------------------------------------------------------------------------------------------

    def _role(self, node, context) -> str:
        return self._resolved(f"{{{node.meta['name']}}}`{node.content}`")

    def _link(self, node, context) -> str:
        href = node.attrs["href"]
        if urlsplit(href).scheme:
            return DEFAULT_RENDERERS["link"](node, context)
        text = "".join(child.render(context) for child in node.children)
        return self._resolved(f"[{text}]({href})")

    def _resolved(self, markdown: str) -> str:
        """A role or a link as the book shows it on this page (without what events would add to a whole page)."""
        env = self.app.env
        env.prepare_settings(self.docname)
        try:
            settings = copy.copy(parser_settings())
            settings.env = env
            document = new_document(self.source, settings)
            with sphinx_domains(env):
                MystParser().parse(markdown, document)
            transformer = SphinxTransformer(document)
            transformer.set_environment(env)
            transformer.add_transforms(self.app.registry.get_post_transforms())
            transformer.apply_transforms()
        finally:
            env.temp_data.clear()
        return self._inline(document)

    def _inline(self, node) -> str:
        if isinstance(node, nodes.Text):
            return re.sub(r"([\\`*_<$])", r"\\\1", node.astext())
        if isinstance(node, nodes.literal):
            text = f"`{node.astext()}`"
        else:
            text = "".join(self._inline(child) for child in node.children)
        for kind, mark in ((nodes.emphasis, "*"), (nodes.strong, "**"), (nodes.math, "$")):
            if isinstance(node, kind):
                return f"{mark}{text}{mark}"
        address = self._address(node)
        return f"[{text}]({address}{hover_text(node)})" if address else text

    def _address(self, node) -> str | None:
        """Where a reference leads from outside the book; None if it is no reference or leads nowhere then."""
        if isinstance(node, addnodes.download_reference):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(self.docname), node["reftarget"]))
            return self.places.source(path)
        if not isinstance(node, nodes.reference):
            return None
        uri = node.get("refuri") or f"#{node['refid']}"
        if uri.startswith("#") or urlsplit(uri).scheme:
            return uri
        page = urljoin(f"{self.docname}.html", uri)
        return self._papers.get(page) or self.places.page(page)

    @functools.cached_property
    def _papers(self) -> dict[str, str]:
        """Place in the book's bibliography → address of the work itself."""
        cited = {
            f"{item.bibliography_key.docname}.html#{item.citation_id}": item.entry.fields for item in self._works()
        }
        address = {place: doi_address(fields) or fields.get("url") for place, fields in cited.items()}
        return {place: url for place, url in address.items() if url}

    def _works(self):
        return self.app.env.get_domain("cite").citations

    # -- blocks -------------------------------------------------------------------------------------------------------

    def _fence(self, node, context) -> str:
        is_directive = re.match(r"\{\S+\}", node.info)
        return self._directive(node, context) if is_directive else DEFAULT_RENDERERS["fence"](node, context)

    def _directive(self, node, context) -> str:
        name, _, first_line = node.info.strip().partition(" ")
        name = name.strip("{}")
        with sphinx_domains(self.app.env):  # where Sphinx's own directives are found
            directive, _ = directives.directive(name, en, new_document(self.docname))
        for kind, write in self.DIRECTIVES:
            if directive and issubclass(directive, kind):
                return write(self, name, parse_directive_text(directive, first_line, node.content))
        raise UnknownSyntax(f"{self.docname}: no plain Markdown for the directive {{{name}}}")

    def _admonition(self, name: str, parts) -> str:
        """A quotation with its title in bold or, if it can be opened, such a box of HTML."""
        title = self.plain(" ".join(parts.arguments)) or name.capitalize()
        body = self.plain("\n".join(parts.body))
        if "dropdown" in parts.options.get("class", []):
            return f"<details>\n<summary><b>{title}</b></summary>\n\n{body}\n\n</details>"
        return quoted(f"**{title}**\n\n{body}")

    def _container(self, name: str, parts) -> str:
        """What is in it: only style sheets ask for its name."""
        return self.plain("\n".join(parts.body))

    def _glossary(self, name: str, parts) -> str:
        """A paragraph for each entry: its words in bold, each with its place to link to, and what they mean."""
        places, entries = self.app.env.get_domain("std").objects, []
        for entry in re.split(r"\n\n(?=\S)", "\n".join(parts.body).strip()):
            words = re.findall(r"^\S.*", entry, re.MULTILINE)
            meaning = textwrap.dedent(re.sub(r"^\S.*\n", "", entry, flags=re.MULTILINE))
            heads = " · ".join(f"{anchor(places['term', word][1])}**{word}**" for word in words)
            entries.append((words[0].lower(), f"{heads}<br>\n{self.plain(meaning)}"))
        return "\n\n".join(text for _, text in sorted(entries))

    def _bibliography(self, name: str, parts) -> str:
        works = sorted(self._works(), key=lambda work: work.formatted_entry.label)
        texts = ((work.citation_id, work.formatted_entry.text.render_as("markdown")) for work in works)
        return "\n\n".join(anchor(place) + text for place, text in texts)

    DIRECTIVES = (
        (BaseAdmonition, _admonition),
        (Container, _container),
        (Glossary, _glossary),
        (BibliographyDirective, _bibliography),
    )

    # -- formulas -----------------------------------------------------------------------------------------------------

    def _inline_math(self, node, context) -> str:
        """A formula; in a table without the character that Jupyter would take for the end of a cell."""
        in_table = any(parent.type == "table" for parent in ancestors(node))
        tex = node.content.replace(r"\|", r"\Vert ").replace("|", r"\vert ") if in_table else node.content
        return f"${tex}$"

    def _formula(self, tex: str, label: str | None = None) -> str:
        if label is None:
            return f"$$\n{tex.strip()}\n$$"
        number = self._resolved(f"{{eq}}`{label}`")
        number = re.match(r"\[\((.+)\)\]", number).group(1)
        return f"{anchor(nodes.make_id(f'equation-{label}'))}\n$$\n{tex.strip()} \\tag{{{number}}}\n$$"


@functools.cache
def parser_settings():
    """Made once: docutils takes milliseconds to collect them."""
    return get_default_settings(MystParser)


@contextmanager
def each_page_read_once(env):
    """Let Sphinx keep the pages that it looks figures up in; it would read one from disk for every reference."""
    env.get_doctree = functools.cache(env.get_doctree)
    try:
        yield
    finally:
        del env.get_doctree


def anchor(name: str) -> str:
    """A place to link to: Jupyter looks for ``id``, Colab for ``name``."""
    return f'<a id="{name}" name="{name}"></a>'


def hover_text(node) -> str:
    """The title of a link: for a citation the whole reference."""
    title = node.get("reftitle", "").replace('"', "'")
    return f' "{title}"' if title else ""


def doi_address(fields) -> str | None:
    return f"https://doi.org/{fields['doi']}" if "doi" in fields else None


def ancestors(node):
    while node.parent:
        node = node.parent
        yield node


def quoted(markdown: str) -> str:
    """Markdown as a quotation. A formula stands on one line there: Jupyter would take the mark > for a part of it."""
    markdown = re.sub(r"\$\$.*?\$\$", lambda formula: " ".join(formula.group().split()), markdown, flags=re.DOTALL)
    return "\n".join(f"> {line}".rstrip() for line in markdown.splitlines())
