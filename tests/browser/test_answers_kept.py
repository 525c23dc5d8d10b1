"""What Python compiled at one start is kept in the browser for the next one, and a start never fails for it."""

from __future__ import annotations

import pytest

from tools import pyodide

PAGE, BLOCK = "chapters/01_learning_rate.html", '[data-exercise="sgd-step"]'
SIZE = 2_000_000  # bytes at least

#: What the browser keeps, as [address, number of bytes].
KEPT = """async () => {
  const store = await caches.open("learning-rates-course:python");
  const sizes = (await store.keys()).map(async (asked) => [asked.url, (await (await store.match(asked)).blob()).size]);
  return Promise.all(sizes);
}"""
REPLACE = """async (content) => {
  const store = await caches.open("learning-rates-course:python");
  for (const asked of await store.keys()) await store.put(asked, new Response(content));
}"""


@pytest.fixture(autouse=True)
def python_is_there(site):
    if not (site / "_static" / "answers" / "pyodide").is_dir():
        pytest.skip(f"the book is not built with {pyodide.VARIABLE}")


def solve(page) -> None:
    block = page.locator(BLOCK)
    block.locator('[data-action="answer"]').click()
    block.locator('[data-role="answer"]').fill("def sgd_step(x, g, s, lr):\n    return x - lr * g")
    block.locator('[data-action="check"]').click()
    card = block.get_by_role("status")
    card.wait_for(timeout=120_000)
    assert "passed" in card.inner_text().lower()


def test_what_was_compiled_is_kept_once(window):
    with window(PAGE) as page:
        assert page.evaluate(KEPT) == []
        solve(page)
        page.wait_for_function(f"async () => (await ({KEPT})()).length === 1")
        ((address, size),) = page.evaluate(KEPT)
        assert "/course.zip?v=" in address  # of this version of all files
        assert size > SIZE
        page.reload()
        solve(page)
        assert page.evaluate(KEPT) == [[address, size]]


@pytest.mark.parametrize("content", ["rubbish", "{"])
def test_a_damaged_one_is_made_anew(window, content):
    with window(PAGE) as page:
        solve(page)
        page.wait_for_function(f"async () => (await ({KEPT})()).length === 1")
        page.evaluate(REPLACE, content)
        page.reload()
        solve(page)
        page.wait_for_function(f"async () => (await ({KEPT})())[0]?.[1] > {SIZE}")
