"""Sphinx extension: the old addresses of chapters that were cut in two or renumbered lead to the new ones.

An address with an anchor, such as that of a claim's card, leads to the page on which the anchor is today.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

#: name of an old page -> names of the pages that hold its text now; the same in the folder of solutions
MOVED = {
    "01_learning_rate": ("01_learning_rate", "02_finding_a_learning_rate"),
    "02_sgd_and_momentum": ("03_mini_batches", "04_momentum"),
    "03_adagrad_to_adam": ("05_adaptive_steps", "06_adam"),
    "04_amsgrad_swats_radam": ("07_amsgrad", "08_swats_radam"),
    "05_schedules": ("09_schedules", "10_range_test_and_cycles"),
    "06_weight_decay": ("11_weight_decay",),
    "07_super_convergence": ("12_super_convergence",),
    "08_initialization": ("13_initialization",),
}
FOLDERS = ("chapters", "chapters/solutions")

FORWARD = """<script>
{{
    const pages = {pages};
    const anchor = decodeURIComponent(location.hash.slice(1));
    const page = Object.hasOwn(pages, anchor) ? pages[anchor] : {otherwise};
    if (page) location.replace(page + location.hash);
}}
</script>
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>This page has moved</title>
<noscript><meta http-equiv="refresh" content="5; url={first}"></noscript>
{forward}</head>
<body>
<p>What was on this page is now here: {links}.</p>
</body>
</html>
"""


def setup(app):
    app.connect("build-finished", write_old_addresses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_old_addresses(app, error) -> None:
    if error or app.builder.format != "html":
        return
    for folder in FOLDERS:
        for old, new in MOVED.items():
            pages = [Path(app.outdir, folder, f"{name}.html") for name in new]
            if all(page.is_file() for page in pages):  # not in a build of a few pages only
                titles = [app.env.titles[f"{folder}/{name}"].astext() for name in new]
                write_old_address(pages[0].with_name(f"{old}.html"), pages, titles)


def write_old_address(old: Path, pages: list[Path], titles: list[str]) -> None:
    """A page that leads on; where the old name is still in use, its page leads on the anchors that have left it."""
    first, *others = pages
    on_first = anchors(first)
    elsewhere = {anchor: page.name for page in others for anchor in sorted(anchors(page) - on_first)}
    stays = old == first
    forward = FORWARD.format(pages=in_script(elsewhere), otherwise=in_script(None if stays else first.name))
    if stays:
        text = first.read_text(encoding="utf-8").replace("</head>", f"{forward}</head>", 1)
    else:
        named = zip(pages, titles, strict=True)
        links = " and ".join(f'<a href="{page.name}">{html.escape(title)}</a>' for page, title in named)
        text = PAGE.format(first=first.name, forward=forward, links=links)
    old.write_text(text, encoding="utf-8")


def anchors(page: Path) -> set[str]:
    return {html.unescape(anchor) for anchor in re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8"))}


def in_script(value) -> str:
    return json.dumps(value).replace("</", "<\\/")
