"""Sphinx extension: the pictures that Matplotlib drew become part of the page.

As a part of the page a picture takes the page's colours, at day and at night; its words can be marked and found; and
where panels stand side by side, a narrow page lays them one below the other. ``course_lib.plotting.svg`` says where a
picture may be cut: each part is a window on the whole picture.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes

from course_lib.looks import at_night
from course_lib.markup import tag

CARD = "#fafafa"  # the ground that a picture brings along where it stands alone (style.mplstyle)
SMALLEST_LETTERS = 9  # pixels
PHONE = 358  # pixels of text on a telephone

ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def setup(app):
    app.connect("doctree-resolved", draw_on_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def draw_on_page(app, doctree, docname):
    for image in list(doctree.findall(nodes.image)):
        if app.builder.format == "html" and image["uri"].endswith(".svg"):
            picture = ElementTree.parse(Path(app.srcdir, image["uri"])).getroot()
            if picture.get("data-cuts") is not None:
                image.replace_self(nodes.raw("", on_page(picture, image.parent["ids"][0], image["alt"]), format="html"))


def on_page(picture: ElementTree.Element, name: str, alt: str) -> str:
    """A picture as HTML for a page with others: one window on it for each part.

    Args:
        picture: The root of an SVG that ``course_lib.plotting.svg`` wrote.
        name: Begins all its ids.
        alt: What it shows, in words.
    """
    *_, width, height = map(float, picture.get("viewBox").split())
    edges = [0.0, *map(float, picture.get("data-cuts").split()), width]
    letters = min(letter_sizes(picture), default=SMALLEST_LETTERS)
    keep_ids_apart(picture, name)
    for element in picture.iter():
        take_colours_of_page(element)
    drawn = ElementTree.Element("g", {"id": f"{name}-drawn", "style": picture.get("style")})
    drawn.extend(picture)

    def window(left: float, right: float) -> str:
        content = ElementTree.tostring(drawn, encoding="unicode") if left == 0 else tag("use", href=f"#{name}-drawn")
        width = right - left
        legible = width * SMALLEST_LETTERS / letters
        size = f"flex: {width:g} 1 {legible:.0f}px; max-width: {1.4 * width:.0f}px"
        if legible > PHONE + 1:  # it scrolls there, as a table does
            size += f"; min-width: {legible:.0f}px"
        return tag("svg", content, viewBox=f"{left:g} 0 {width:g} {height:g}", style=size)

    return tag("div", "".join(map(window, edges, edges[1:])), class_="plot", role="img", aria_label=alt)


def letter_sizes(picture) -> list[float]:
    """Of its words, in units of the picture; exponents, which stand in parts of a text, are smaller."""
    styles = [element.get("style", "") for element in picture.iter() if element.tag.endswith("}text")]
    return [float(size) for style in styles for size in re.findall(r"font-size: ([\d.]+)px", style)]


def keep_ids_apart(picture, name: str) -> None:
    """Put the picture's name before its ids, and drop those that nothing refers to."""
    inner = r"(?<=url\(#)\w+|(?<=^#)\w+"
    used = {id for element in picture.iter() for value in element.attrib.values() for id in re.findall(inner, value)}
    for element in picture.iter():
        for key, value in element.attrib.items():
            element.set(key, re.sub(inner, lambda id: f"{name}-{id[0]}", value))
        if (own := element.attrib.pop("id", None)) in used:
            element.set("id", f"{name}-{own}")


def take_colours_of_page(element) -> None:
    """Give each colour its partner at night, and let the ground be the page's.

    A colour stays behind as an attribute, too: browsers before 2024 do not know ``light-dark``. Where a window shows
    pixels that are drawn in another one, it has their own style and not that of their place on the page.
    """
    style = element.get("style", "")
    if element.tag.endswith("}image"):
        style = f"filter: var(--plot-pixels, none); {style}"
    for kind, colour in re.findall(r"(fill|stroke): (#\w{6})", style):
        element.set(kind, colour)
    style = re.sub(r"#\w{6}", lambda colour: of_page(colour[0]), style)
    style = re.sub(r"font-family: [^;]+(; |$)", "", style)
    if style:
        element.set("style", style.replace(": ", ":").replace("; ", ";"))


def of_page(colour: str) -> str:
    return "var(--plot-ground)" if colour == CARD else f"light-dark({colour},{at_night(colour)})"
