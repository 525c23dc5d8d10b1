"""What a browser has to fetch before a page of the built book is whole, compressed as web servers send it.

    make book && python -m benchmarks.page_weight       every page of _build/html, the heaviest first

Counted are the page, its scripts and style sheets with all that they name, and the fonts; not the pictures of figures,
which come while the reader reads.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.test_site import css_addresses, is_elsewhere, loaded, parse, written_pages

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
LIMIT = 1_000_000  # bytes of the first load that no page may exceed


@cache
def first_load(page: Path) -> set[Path]:
    """The page and the files that a browser fetches with it, pictures of figures aside."""
    found, waiting = {page.resolve()}, [(page, address) for address in loaded(parse(page))]
    while waiting:
        source, address = waiting.pop()
        file = (source.parent / unquote(urlsplit(address).path)).resolve()
        if is_elsewhere(address) or address.startswith("data:") or "_images" in file.parts or file in found:
            continue
        found.add(file)
        if file.suffix == ".css":
            waiting += [(file, inner) for inner in css_addresses(file.read_text(encoding="utf-8"))]
    return found


@cache
def compressed_size(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), compresslevel=6))


def weight(page: Path) -> int:
    """Compressed bytes of the first load."""
    return sum(map(compressed_size, first_load(page)))


def table(site: Path) -> str:
    """The weights of all pages, and of the files that the heaviest one is made of."""
    pages = sorted(written_pages(site), key=weight, reverse=True)
    lines = [f"{weight(page) / 1e3:7.0f} kB  {page.relative_to(site)}" for page in pages]
    files = sorted(first_load(pages[0]), key=compressed_size, reverse=True)[:8]
    lines += ["", f"of {pages[0].relative_to(site)}:"]
    lines += [f"{compressed_size(file) / 1e3:7.0f} kB  {file.relative_to(site.resolve())}" for file in files]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(SITE))
