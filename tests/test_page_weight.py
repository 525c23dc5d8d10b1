"""Pages load quickly: their weight stays below the limit, and it is all that a browser fetches."""

import gzip
import re

from fontTools.ttLib import TTFont

from benchmarks import page_weight
from tests.test_site import html_files, written_pages


def test_pages_are_light(site):
    weights = {path.name: page_weight.weight(path) for path in written_pages(site)}
    assert {name: size for name, size in weights.items() if size > page_weight.LIMIT} == {}


def test_everything_that_a_page_names_is_weighed_but_pictures(tmp_path):
    files = {
        "chapters/a.html": '<link rel="stylesheet" href="../s/a.css?v=1"><script src="../s/a.js"></script>'
        '<img src="../_images/plot.png"><img src="../s/logo.svg"><a href="b.html">b</a>',
        "s/a.css": "@font-face { src: url(icons.ttf) }",
        "s/a.js": "// a script",
        "s/icons.ttf": "a font",
        "s/logo.svg": "<svg/>",
        "_images/plot.png": "a picture",
        "chapters/b.html": "another page",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    counted = [text for name, text in files.items() if name not in {"_images/plot.png", "chapters/b.html"}]
    page = tmp_path / "chapters/a.html"
    assert page_weight.weight(page) == sum(len(gzip.compress(text.encode(), 6)) for text in counted)


def test_the_table_begins_with_the_heaviest_page(site):
    sizes = [int(line.split()[0]) for line in page_weight.table(site).split("\n\n")[0].splitlines()]
    assert len(sizes) == len(written_pages(site)) and sizes == sorted(sizes, reverse=True)


def test_the_icon_font_has_the_icons_that_pages_show_and_hardly_more(site):
    (font,) = site.rglob("fa-solid-900.ttf")
    glyphs = set(TTFont(font).getBestCmap())
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    pages = "".join(path.read_text(encoding="utf-8") for path in html_files(site))
    shown = set(re.findall(r"\bfa-solid fa-([a-z-]+)", pages))
    assert len(shown) > 5
    for icon in shown:
        code = re.search(rf'\.fa-{icon}:+before[^{{}}]*{{[^"}}]*"\\(\w+)"', styles)[1]
        assert int(code, 16) in glyphs, icon
    assert len(glyphs) < 100
