"""Sphinx extension: of the theme's two thousand icons, keep those that the book shows.

The theme brings all icons of Font Awesome twice: as fonts, which its style sheets already draw every icon from, and as
a script that draws them once more, heavier than a whole chapter with its formulas. The script is emptied, and fonts and
style sheets shrink to the icons that are named in pages and scripts.
"""

from __future__ import annotations

import re
from pathlib import Path

from fontTools import subset

ICON = re.compile(r"\bfa-([a-z0-9-]+)")
ICON_RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:{1,2}before,?)+)\{(?:content|--fa):"[^"]*"\}')
CODE_POINT = re.compile(r"\\([ef][0-9a-f]{3})\b")
PRELOADED_FONT = re.compile(r"<link rel=.preload. as=.font.[^>]*\.woff2[^>]*>\n?")  # by the theme for older Pythons
COMPRESSED_FONT = re.compile(r'url\([^)]*\.woff2\)\s*format\("woff2"\),')  # names the .ttf beside it next


def setup(app):
    app.connect("build-finished", keep_used_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def keep_used_icons(app, error):
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    scripts = {path: path.read_text(encoding="utf-8") for path in (site / "_static").rglob("*.js")}
    for path in [path for path, script in scripts.items() if "___FONT_AWESOME___" in script]:
        path.write_text("/* the style sheets draw the icons */\n", encoding="utf-8")
        del scripts[path]
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    for path, page in pages.items():
        if PRELOADED_FONT.search(page):
            path.write_text(PRELOADED_FONT.sub("", page), encoding="utf-8")
    used = {name for text in [*pages.values(), *scripts.values()] for name in ICON.findall(text)}
    code_points = set()
    for path in (site / "_static").rglob("*.css"):
        style = without_unused(path.read_text(encoding="utf-8"), used)
        path.write_text(style, encoding="utf-8")
        code_points |= {int(code, 16) for code in CODE_POINT.findall(style)}
    for font in (site / "_static").rglob("fa-*.ttf"):
        keep_glyphs(font, code_points)


def without_unused(style: str, used: set[str]) -> str:
    """A style sheet without the rules of unused icons, its icons' fonts being those that ``keep_glyphs`` writes."""

    def kept(rule: re.Match) -> str:
        return rule[0] if used & set(ICON.findall(rule[1])) else ""

    return COMPRESSED_FONT.sub("", ICON_RULE.sub(kept, style))


def keep_glyphs(path: Path, code_points: set[int]) -> None:
    """Reduce a font to some characters, and remove its compressed double, which would need another package."""
    subsetter = subset.Subsetter()
    subsetter.populate(unicodes=code_points)
    with subset.load_font(path, subset.Options()) as font:
        subsetter.subset(font)
        font.save(path)
    path.with_suffix(".woff2").unlink(missing_ok=True)
