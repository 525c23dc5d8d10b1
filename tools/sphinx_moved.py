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
    "02_sgd_and_momentum": ("03_mini_batches", "04_momentum"),
    "03_adagrad_to_adam": ("05_adaptive_steps", "06_adam"),
    "04_amsgrad_swats_radam": ("07_amsgrad", "08_swats_radam"),
    "05_schedules": ("09_schedules", "10_range_test_and_cycles"),
    "06_weight_decay": ("11_weight_decay",),
    "07_super_convergence": ("12_super_convergence",),
    "08_initialization": ("13_initialization",),
}
FOLDERS = ("chapters", "chapters/solutions")

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>This page has moved</title>
<noscript><meta http-equiv="refresh" content="5; url={first}"></noscript>
<script>
const pages = {pages};  // anchor -> page, for those that are not on the first one
const anchor = decodeURIComponent(location.hash.slice(1));
location.replace((Object.hasOwn(pages, anchor) ? pages[anchor] : "{first}") + location.hash);
</script>
</head>
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
                pages[0].with_name(f"{old}.html").write_text(forwarding(pages, titles), encoding="utf-8")


def forwarding(pages: list[Path], titles: list[str]) -> str:
    """The page at an old address."""
    first, *others = pages
    on_first = anchors(first)
    elsewhere = {anchor: page.name for page in others for anchor in sorted(anchors(page) - on_first)}
    links = " and ".join(
        f'<a href="{page.name}">{html.escape(title)}</a>' for page, title in zip(pages, titles, strict=True)
    )
    return PAGE.format(first=first.name, pages=json.dumps(elsewhere).replace("</", "<\\/"), links=links)


def anchors(page: Path) -> set[str]:
    return {html.unescape(anchor) for anchor in re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8"))}
