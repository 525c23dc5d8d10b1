"""The book's Markdown as plain Markdown: what Jupyter and Colab can show of a cell.

The cells are written in MyST, which the book's own parser reads here too. mdformat writes what it read back as
Markdown; this module adds how MyST's own elements are written. References are resolved by Sphinx, so they carry the
numbers and names that they have in the book.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import urljoin, urlsplit

import mdformat_tables
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import directives
from docutils.parsers.rst.directives.admonitions import BaseAdmonition
from docutils.parsers.rst.languages import en
from docutils.utils import new_document
from mdformat.renderer import DEFAULT_RENDERERS, MDRenderer
from myst_parser.parsers.directives import parse_directive_text
from myst_parser.parsers.mdit import create_md_parser
from myst_parser.parsers.sphinx_ import MystParser
from sphinx import addnodes
from sphinx.transforms import SphinxTransformer
from sphinx.util.docutils import sphinx_domains

STYLE = {"number": True, "compact_tables": True}  # lists count on, columns of tables are not filled up with spaces


class UnknownSyntax(ValueError):
    """A page uses an element of MyST that has no form in plain Markdown yet."""


class Page:
    """Turns the Markdown of one page of the book into Markdown that needs no book around it.

    Args:
        app: The Sphinx application, with the whole book read.
        docname: The page's name, as ``chapters/01_learning_rate``.
        repository: Where the library's source is published. If None, links to it become text.
        site: Where the other pages are published, with a slash at its end; so here.

    Example:
        ``page.plain("By {eq}`lr-step` …")`` gives ``By [(1.2)](#equation-lr-step) …``.
    """

    def __init__(self, app, docname: str, repository=None, site: str | None = None):
        self.app, self.docname, self.repository, self.site = app, docname, repository, site
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

    def caption(self, name: str, text: str) -> str:
        """The line under a figure, with the number that the figure has in the book."""
        number = re.match(r"\[(.+)\]", self._resolved(f"{{numref}}`{name}`")).group(1)
        return f"{anchor(nodes.make_id(name))}**{number}.** {self.plain(text)}"

    @property
    def source(self) -> str:
        return self.app.env.doc2path(self.docname)

    @property
    def address(self) -> str | None:
        """Where the page is published, None if that is not known."""
        return self._published(f"{self.docname}.html")

    def links_of_html(self, html: str) -> str:
        """An output in HTML whose links to other pages lead to the published ones or, if there are none, nowhere."""

        def outside(link):
            address = self._published(urljoin(f"{self.docname}.html", link.group(1)))
            return f' href="{address}"' if address else ""

        return re.sub(r' href="(?!#|\w+:)([^"]+)"', outside, html)

    def _published(self, page: str) -> str | None:
        return self.site and self.site + page

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
            settings = get_default_settings(MystParser)
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
            return self.repository and self.repository.source(path)
        if not isinstance(node, nodes.reference):
            return None
        uri = node.get("refuri") or f"#{node['refid']}"
        if uri.startswith("#") or urlsplit(uri).scheme:
            return uri
        page = urljoin(f"{self.docname}.html", uri)
        return self._papers().get(page) or self._published(page)

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
        """An admonition as a quotation with its title in bold or, if it can be opened, as such a box of HTML."""
        name, _, first_line = node.info.strip().partition(" ")
        name = name.strip("{}")
        directive, _ = directives.directive(name, en, new_document(self.docname))
        if directive is None or not issubclass(directive, BaseAdmonition):
            raise UnknownSyntax(f"{self.docname}: no plain Markdown for the directive {{{name}}}")
        parts = parse_directive_text(directive, first_line, node.content)
        title = self.plain(" ".join(parts.arguments)) or name.capitalize()
        body = self.plain("\n".join(parts.body))
        if "dropdown" in parts.options.get("class", []):
            return f"<details>\n<summary><b>{title}</b></summary>\n\n{body}\n\n</details>"
        return quoted(f"**{title}**\n\n{body}")

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
