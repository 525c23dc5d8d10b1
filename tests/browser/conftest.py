"""The built book in a real browser that reaches nothing but the book.

``make test-browser`` builds the book first. Every window reports what went wrong in it: messages on the console, errors
of scripts, requests that failed, and requests to any other place than the book.
"""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",  # no other place is found
]


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the book as `make book` left it."""
    if not (SITE / "index.html").exists():
        pytest.fail("there is no built book: run `make book` first", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def pyodide(site) -> Path:
    """The folder of Python for the browser, where the book was built with it."""
    folder = site / "_static" / "answers" / "pyodide"
    if not folder.is_dir():
        pytest.skip(
            "the book holds no Python: build it by `COURSE_PYODIDE_DIR=folder make book` (see tools/pyodide.py)"
        )
    return folder


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium; Playwright's own would have to be downloaded."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("there is no chromium: install it (Debian, Ubuntu: apt install chromium)", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *message):
        pass


@contextmanager
def serve(folder: Path, handler: type[QuietHandler] = QuietHandler) -> Iterator[str]:
    """The address under which a folder is served for a while."""
    with http.server.ThreadingHTTPServer(("localhost", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def served(site) -> Iterator[str]:
    """The address under which the book is served."""
    with serve(site) as address:
        yield address


@pytest.fixture(scope="session")
def window(browser, served):
    """``with window("chapters/index.html") as page:`` a page of the book in a window of its own, its math typeset.

    What goes wrong is collected in ``page.problems`` and fails the test when the window is closed; ``page.asked`` are
    the addresses of all requests. Options are those of a browser context (``has_touch=True``, ``color_scheme="dark"``);
    ``root`` is where the book lies, if not at the server's address.
    """

    @contextmanager
    def open_window(path: str, root: str = served, **options):
        context = browser.new_context(**options)
        page = context.new_page()
        report_requests_and_problems(page)
        page.goto(root + path)
        if options.get("java_script_enabled", True):
            page.evaluate("() => window.MathJax?.startup?.promise")
        yield page
        context.close()
        assert page.problems == [], path

    return open_window


def report_requests_and_problems(page) -> None:
    page.asked, page.problems = [], []

    def on_message(message):
        if message.type in {"error", "warning"}:
            page.problems.append(f"console: {message.text}")

    def on_response(response):
        if response.status >= 400:
            page.problems.append(f"{response.status}: {response.url}")

    def on_failure(request):
        # Nothing is wrong where scripts are off, and where the window left a page before it had all of its pictures
        if request.failure not in {"csp", "net::ERR_ABORTED"}:
            page.problems.append(f"{request.failure}: {request.url}")

    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", on_message)
    page.on("pageerror", lambda error: page.problems.append(f"script: {error}"))
    page.on("requestfailed", on_failure)
    page.on("response", on_response)
