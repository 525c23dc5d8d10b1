"""Exercises answered on the page: Python in the browser says what a notebook says, and no text is ever lost."""

from __future__ import annotations

import _thread
import ast
import json
import re
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from IPython.core.interactiveshell import InteractiveShell
from playwright.sync_api import expect

from course_lib.exercises import EXERCISES, check, hint, on_page, progress, record, sandbox
from course_lib.exercises.experiments import MeasureExercise
from course_lib.exercises.quiz import QuizExercise
from tests.browser.conftest import report_requests_and_problems
from tests.judge_all import SOLUTIONS, statements
from tests.mutants import mutants
from tools import pyodide as versions

ANSWERED_HERE = [id for id, exercise in EXERCISES.items() if not exercise.needs_paddle]
CHAPTERS = [f"chapters/{path.stem}.html" for path in sorted(SOLUTIONS.glob("*.ipynb"))]
FIRST = CHAPTERS[0]
RIGHT = "def sgd_step(x, g, s, lr):\n    return x - lr * g"
UPHILL = "def sgd_step(x, g, s, lr):\n    return x + lr * g"
TO_LOAD = 120_000  # milliseconds for Python to arrive, however busy the machine


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


CELLS = """id => {
    const { check, before } = document.querySelector(`[data-exercise="${id}"]`).dataset;
    const { imports } = JSON.parse(document.getElementById("answers-settings").textContent);
    return { call: check, before: JSON.parse(before), imports };
}"""


class Block:
    """An exercise of a page, as readers see it."""

    def __init__(self, page, id: str = "sgd-step"):
        self.page, self.id = page, id
        self.element = page.locator(f'[data-exercise="{id}"]')
        self.field = self.element.get_by_role("textbox", name=f"Your answer to {id}")
        self.card = self.element.get_by_role("status")
        self.says = self.element.locator("[aria-live]")

    @property
    def cells(self) -> dict:
        """What the page would run beside a reader's text."""
        return self.page.evaluate(CELLS, self.id)

    def press(self, name: str) -> None:
        self.element.get_by_role("button", name=name).click()

    def open(self) -> Block:
        self.press("Answer here")
        expect(self.field).to_be_visible()
        return self

    def after(self, name: str) -> str:
        """The HTML of the card that comes when a button is pressed."""
        self.press(name)
        self.card.wait_for(timeout=TO_LOAD)
        return self.card.evaluate("card => card.outerHTML")

    def checked(self, text: str) -> str:
        self.field.fill(text)
        return self.after("Check")

    def chosen(self, letter: str) -> str:
        self.element.get_by_role("radio", name=f"{letter})").check()
        return self.after("Check")

    def assert_passes(self) -> None:
        """With the right answer, which is that of the first chapter's step."""
        self.checked(RIGHT)
        expect(self.card).to_contain_text("Passed")


def as_browsers_write(page, html: str) -> str:
    """The same HTML in a browser's spelling of quotes and entities."""
    return page.evaluate("html => Object.assign(document.createElement('template'), {innerHTML: html}).innerHTML", html)


def kept(page, key: str):
    return page.evaluate("key => localStorage.getItem(`learning-rates-course:${key}`)", key)


def keep(page, key: str, value: str | None) -> None:
    change = "([key, value]) => value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value)"
    page.evaluate(change, [f"learning-rates-course:{key}", value])


def states(page) -> dict:
    return json.loads(kept(page, "progress"))["exercises"]


@pytest.fixture(scope="module")
def sgd(window, pyodide):
    """The block of the first chapter's step, opened once for those who leave it as it is: with Python at work."""
    with window(FIRST) as page:
        block = Block(page).open()
        block.assert_passes()
        yield block


# ------------------------------------------------------------------------------------- the cards of a notebook


class Notebook:
    """What a notebook shows when the cells of a page are run in it."""

    def __init__(self):
        self.shell = InteractiveShell.instance()

    def card(self, block: Block, text: str) -> str:
        cells = block.cells
        self.shell.reset(new_session=False)
        for cell in (*cells["imports"].values(), *cells["before"], text):
            self.shell.run_cell(cell).raise_error()
        return self.shell.run_cell(cells["call"]).result._repr_html_()


@pytest.fixture(scope="module")
def notebook():
    yield Notebook()
    InteractiveShell.clear_instance()


@cache
def solutions() -> dict[str, list[ast.stmt]]:
    """Exercise → what a reader would type: of the notebook of solutions, the statements that its check depends on."""
    found = {}
    for notebook in SOLUTIONS.glob("*.ipynb"):
        before = []
        for statement in statements(notebook):
            call = getattr(statement, "value", None)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "check":
                found[call.args[0].value] = needed(statement, before)
            else:
                before.append(statement)
    return found


def needed(last: ast.stmt, before: list[ast.stmt]) -> list[ast.stmt]:
    wanted, found = {"check"} ^ names_in(last), []
    for statement in reversed(before):
        if wanted & named_by(statement):
            found.insert(0, statement)
            wanted |= names_in(statement)
    return found


def names_in(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def named_by(statement: ast.stmt) -> set[str]:
    """The names to which a statement gives a value."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {name.asname or name.name for name in statement.names}
    return {statement.name} if isinstance(statement, ast.FunctionDef) else names_in(statement)


def as_text(parts: list[ast.stmt]) -> str:
    return "\n".join(ast.unparse(part) for part in parts)


def wrong_text(id: str, stub: str) -> str:
    """A slip in the function of the solution that has a name, or a typical number in the place of None."""
    exercise = EXERCISES[id]
    if hasattr(exercise, "typical"):
        return re.sub(r"= None\b", f"= {exercise.typical[0].value!r}", stub)
    if isinstance(exercise, MeasureExercise):
        return stub.replace("None", "7")
    *others, function = solutions()[id]
    for source in mutants(ast.unparse(function)).values():
        text, names = f"{as_text(others)}\n{source}".strip(), {}
        exec(text, names)
        if check(id, names[function.name], enter=False).status == "mistake":
            return text
    raise AssertionError(f"no slip in {id} has a name")


def test_every_exercise_is_on_a_page_once(site):
    pages = "".join((site / path).read_text(encoding="utf-8") for path in CHAPTERS)
    assert sorted(re.findall(r'data-exercise="([\w-]+)"', pages)) == sorted(EXERCISES)


@pytest.fixture(scope="module")
def reader(window):
    """One window for all chapters: a browser that has loaded Python once keeps its files."""
    with window(FIRST) as page:
        yield page


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request, reader, served):
    reader.asked.clear()
    reader.goto(served + request.param)
    return reader


def exercises_of(page) -> list[str]:
    return page.locator("[data-exercise]").evaluate_all("blocks => blocks.map((block) => block.dataset.exercise)")


def test_nothing_is_fetched_before_the_press(chapter, site):
    below = [
        urlsplit(address).path.rpartition("/_static/answers/")[2] for address in chapter.asked if "/answers/" in address
    ]
    assert sorted(below) == ["answers.css", "answers.js"]
    for id in exercises_of(chapter):
        block = Block(chapter, id)
        expect(block.element.get_by_role("button", name="Answer here")).to_have_count(int(id in ANSWERED_HERE))
        expect(block.field).to_be_hidden()
        if id not in ANSWERED_HERE:
            where = block.element.locator(".answer")
            expect(where).to_be_visible()
            expect(where).to_contain_text(re.compile("needs Paddle.*on Colab.*make lab", re.DOTALL))
            assert (site / "chapters" / where.get_by_role("link").last.get_attribute("href")).is_file()


def test_every_answer_gets_the_card_of_the_notebook(chapter, pyodide, notebook):
    for id in filter(ANSWERED_HERE.__contains__, exercises_of(chapter)):
        block = Block(chapter, id).open()
        stub = block.field.input_value()
        right = as_text(solutions()[id])
        card = block.checked(right)
        assert card == as_browsers_write(chapter, notebook.card(block, right)), id
        assert "Passed" in card
        if isinstance(EXERCISES[id], QuizExercise):
            letter = next(letter for letter, choice in EXERCISES[id].choices.items() if not choice.right)
            card, wrong = block.chosen(letter), stub.replace("None", repr(letter))
        else:
            wrong = wrong_text(id, stub)
            card = block.checked(wrong)
        assert card == as_browsers_write(chapter, notebook.card(block, wrong)), id
        assert "Passed" not in card
    assert set(states(chapter).values()) == {"passed"}  # a later try takes nothing away


def test_an_empty_answer_and_the_stub_are_not_attempted(sgd, notebook):
    stub = sgd.field.evaluate("field => field.defaultValue")
    assert sgd.checked(stub) == as_browsers_write(sgd.page, notebook.card(sgd, stub))
    sgd.checked("")
    expect(sgd.card).to_contain_text("Your text gives no value to sgd_step")


AT_A_LINE = [
    "def sgd_step(x, g, s, lr):\n    return x - lr * gradient",
    "def sgd_step(x, g, s, lr):\n    s.v = g\n    return x - lr * s.v[0, 0, 0]",
    "def sgd_step(x, g, s, lr):\n    return print(x)",
    "def sgd_step(x, g):\n    return x - g",
    "def sgd_step(x, g, s, lr):\n    while True: pass",
]


@pytest.mark.parametrize("text", AT_A_LINE)
def test_what_a_function_does_is_told_as_in_a_notebook(sgd, notebook, text):
    assert sgd.checked(text) == as_browsers_write(sgd.page, notebook.card(sgd, text))


#: Texts that a notebook would answer with a traceback, and what the page's card says.
BEFORE_THE_CHECK = {
    "x = 1\ny = x / 0\n": "your line 2",
    "def sgd_step(x, g, s, lr)\n    return x": "SyntaxError",
    "def step(x, g, s, lr):\n    return x - lr * g": "Your text gives no value to sgd_step",
    "sgd_step = gradient_descent": "NameError",
    "import torch": "No module named 'torch'",
    "raise SystemExit": "your line 1",
}


@pytest.fixture
def cpython(sgd, monkeypatch):
    """``cpython(text)``: the card that the page's module gives in this process, with a timer as its clock."""

    def alarm(seconds):
        alarm.timer.cancel()
        if seconds is not None:
            alarm.timer = threading.Timer(seconds, _thread.interrupt_main)
            alarm.timer.start()

    def card(text):
        request = {"id": sgd.id, "answer": text, **sgd.cells}
        return json.loads(on_page.judge(json.dumps(request), "", "{}"))["html"]

    alarm.timer = threading.Timer(0, print)
    monkeypatch.setattr(sandbox, "alarm", alarm)
    return card


@pytest.mark.parametrize("text", BEFORE_THE_CHECK)
def test_a_cell_that_fails_is_told_in_the_same_words_as_by_another_python(sgd, cpython, text):
    assert sgd.checked(text) == as_browsers_write(sgd.page, cpython(text))
    expect(sgd.card).to_contain_text(BEFORE_THE_CHECK[text])


# ------------------------------------------------------------------------------------------- hostile answers

STOPPED, ENDED = (json.loads(on_page.last_words("sgd-step"))[how] for how in ("stopped", "ended"))
#: What Python cannot be talked out of, and the card with which the page ends it.
ENDED_BY_THE_PAGE = {
    "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass": STOPPED,
    "def sgd_step(x, g, s, lr):\n    import time\n    time.sleep(1000)": STOPPED,
    "import os\nos._exit(1)": ENDED,
}


@pytest.mark.parametrize("text", ENDED_BY_THE_PAGE)
def test_the_page_ends_what_cannot_be_stopped(sgd, text):
    assert sgd.checked(text) == as_browsers_write(sgd.page, ENDED_BY_THE_PAGE[text])
    expect(sgd.field).to_have_value(text)
    sgd.assert_passes()


SWALLOWS = """def sgd_step(x, g, s, lr):
    while True:
        try:
            while True: pass
        except BaseException: pass"""
USES_UP_MEMORY = "much = [np.empty(1 << 27) for _ in range(9)]"


def test_a_loop_that_swallows_every_exception_is_stopped(sgd):
    sgd.checked(SWALLOWS)
    expect(sgd.card).to_contain_text("It runs for too long")
    sgd.assert_passes()


def test_memory_may_be_used_up(sgd):
    sgd.checked(USES_UP_MEMORY)
    expect(sgd.card).to_contain_text(re.compile("MemoryError|used up its memory"))
    sgd.assert_passes()


def test_the_page_stays_alive_while_an_answer_runs(sgd, cpython):
    sgd.field.fill("while True: pass")
    sgd.press("Check")
    sgd.field.press_sequentially("  # still")
    sgd.press("Check")
    expect(sgd.says).to_have_text("One check is still running.")
    expect(sgd.card).to_have_count(0)
    sgd.card.wait_for(timeout=TO_LOAD)
    card = sgd.card.evaluate("card => card.outerHTML")
    assert card == as_browsers_write(sgd.page, cpython("while True: pass"))
    expect(sgd.card).to_contain_text("your line 1")
    expect(sgd.field).to_have_value("while True: pass  # still")
    sgd.assert_passes()


# ---------------------------------------------------------------------------------------- what the browser keeps


def test_a_reload_keeps_text_and_progress(window):
    with without_worker(window) as page:
        keep(page, "progress", '{"version": 1, "exercises": {"adam-step": "tried", "sgd-step": "passed"}}')
        block = Block(page).open()
        block.field.fill(UPHILL)
        page.reload()
        block.open()
        expect(block.field).to_have_value(UPHILL)
        expect(block.element.locator("summary")).to_have_text(f"1 of {len(EXERCISES)} exercises done in this browser")


@contextmanager
def second_window(page):
    other = page.context.new_page()
    report_requests_and_problems(other)
    other.goto(page.url)
    yield other
    assert other.problems == []


def test_two_windows_see_each_others_text_and_lose_nothing(window, pyodide):
    with window(FIRST) as page, second_window(page) as other:
        here, there = Block(page).open(), Block(other).open()
        first_step = Block(other, "lr-first-step").open()
        here.field.fill(UPHILL)
        expect(there.field).to_have_value(UPHILL)
        first_step.field.fill("lr_first_step = 2.4")
        there.field.fill(RIGHT)
        expect(here.field).to_have_value(RIGHT)
        here.after("Check")
        first_step.after("Check")
        there.checked(UPHILL)
        assert states(page) == {"lr-first-step": "passed", "sgd-step": "passed"}
        expect(here.element.locator("summary")).to_contain_text("2 of")


def test_progress_goes_to_the_notebooks_and_comes_from_there(window, pyodide, tmp_path, monkeypatch):
    with window(FIRST) as page:
        block = Block(page).open()
        block.assert_passes()
        block.element.locator("summary").click()
        with page.expect_download() as download:
            block.press("Save as a file")
        saved = tmp_path / ".course_progress.json"
        download.value.save_as(saved)
        monkeypatch.setenv("COURSE_PROGRESS_FILE", str(saved))
        assert record.table().states == {"sgd-step": "passed"} and record.table().notes == ()
        check("adam-step", lambda x, g, s, lr: x)
        check("sgd-step", lambda x, g, s, lr: x)
        add_file(block, saved.read_bytes())
        expect(block.says).to_have_text("The file's progress was added to yours.")
        assert states(page) == {"adam-step": "tried", "sgd-step": "passed"}
        assert kept(page, "progress").encode() == saved.read_bytes()
        block.press("Check")
        block.card.wait_for()
        assert kept(page, "progress").encode() == saved.read_bytes()


def add_file(block: Block, content: bytes) -> None:
    with block.page.expect_file_chooser() as chooser:
        block.press("Add a file")
    chooser.value.set_files({"name": "progress.json", "mimeType": "application/json", "buffer": content})


NO_PROGRESS = [
    b"",
    b"\xff\xfe\x00",
    b"not JSON",
    b"null",
    b"[]",
    b"{}",
    b'{"version": 1, "exercises": null}',
    b'{"version": 1, "exercises": []}',
    b'{"version": 1, "exercises": {"sgd-step": "done"}}',
    b'{"version": 2, "exercises": {"sgd-step": "passed"}}',
    b'{"cells": [], "metadata": {}}',
]


@pytest.mark.parametrize("passed", [False, True])
def test_a_file_that_is_none_is_refused_and_changes_nothing(window, passed):
    before = '{\n "version": 1,\n "exercises": {\n  "sgd-step": "passed"\n }\n}\n' if passed else None
    with without_worker(window) as page:
        if passed:
            keep(page, "progress", before)
        block = Block(page).open()
        block.element.locator("summary").click()
        for content in NO_PROGRESS:
            block.element.evaluate("block => block.querySelector('[aria-live]').textContent = ''")
            add_file(block, content)
            expect(block.says).to_contain_text("This is no progress file of the course")
            assert kept(page, "progress") == before, content


LATER = '{"version": 2, "exercises": {"sgd-step": "passed"}, "badges": []}'


@pytest.mark.parametrize(("before", "after", "aside"), [("{", {"sgd-step": "passed"}, "{"), (LATER, None, None)])
def test_progress_that_is_not_understood_is_never_lost(sgd, before, after, aside):
    """What is damaged is set aside, and what a later version of the course wrote stays, as beside a notebook."""
    keep(sgd.page, "progress", before)
    keep(sgd.page, "progress:damaged", None)
    sgd.assert_passes()
    assert kept(sgd.page, "progress") == before if after is None else states(sgd.page) == after
    assert kept(sgd.page, "progress:damaged") == aside
    keep(sgd.page, "progress", None)


def test_progress_grows_where_the_browser_keeps_nothing_more(window, pyodide):
    with window(FIRST) as page:
        keep(page, "progress", '{"version": 1, "exercises": {"lr-first-step": "tried"}}')
        page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('it is full'); }; }")
        block = Block(page).open()
        block.assert_passes()
        expect(block.element.locator('[data-role="done"]')).to_contain_text("1 of")


def test_what_is_reset_in_an_answer_is_forgotten_and_nothing_else(sgd):
    keep(sgd.page, "progress", '{"version": 1, "exercises": {"lr-first-step": "passed", "sgd-step": "passed"}}')
    sgd.checked('reset("lr-first-step")')
    assert states(sgd.page) == {"sgd-step": "passed"}
    keep(sgd.page, "progress", None)


def test_starting_over_can_be_taken_back(window):
    with without_worker(window) as page:
        block = Block(page).open()
        stub = block.field.input_value()
        expect(block.element.get_by_role("button", name="Bring my text back")).to_be_hidden()
        block.field.fill(UPHILL)
        block.press("Start over")
        expect(block.field).to_have_value(stub)
        expect(block.says).to_have_text("The text is as it was at first.")
        block.press("Bring my text back")
        expect(block.field).to_have_value(UPHILL)
        assert kept(page, "answer:sgd-step") == UPHILL
        expect(block.element.get_by_role("button", name="Bring my text back")).to_be_hidden()


NO_WORKER = "window.Worker = class { postMessage() {} terminate() {} };"


@contextmanager
def without_worker(window, **options):
    """A window for what needs no Python: none is loaded, so that nothing has to be waited for."""
    with window(FIRST, **options) as page:
        page.evaluate(f"() => {{ {NO_WORKER} }}")
        page.add_init_script(NO_WORKER)  # after a reload
        yield page


# ------------------------------------------------------------------------------------- hints, and what is there


def test_hints_are_those_of_the_notebook_and_survive_a_crash(sgd):
    id = "gradient-norm"
    block = Block(sgd.page, id).open()
    for n in range(len(EXERCISES[id].hints) + 1):  # the last one comes again
        assert block.after("Hint") == as_browsers_write(sgd.page, hint(id)._repr_html_())
        if n == 0:
            block.checked("import os\nos._exit(0)")


def test_a_text_can_use_what_a_notebook_offers(sgd):
    sgd.checked(f"print(np.pi, optimizer.Adam, surfaces.ravine, lr.StepDecay)\n{RIGHT}\nprogress()")
    output = sgd.element.locator('[data-role="output"]')
    expect(output).to_contain_text("3.14159")
    expect(output).to_contain_text(f"of {len(EXERCISES)} done")
    expect(output.get_by_role("table")).to_have_count(len(re.findall("<table", progress()._repr_html_())))
    expect(sgd.card).to_contain_text("Passed")
    sgd.checked('hint("sgd-step")')
    expect(output).to_contain_text(EXERCISES["sgd-step"].hints[0])


# ----------------------------------------------------------------------------------------- where Python comes from


def test_it_goes_on_without_a_network(sgd):
    sgd.page.context.set_offline(True)
    try:
        sgd.assert_passes()
        sgd.checked(UPHILL)
        expect(sgd.card).to_contain_text("known mistake")
    finally:
        sgd.page.context.set_offline(False)


def test_it_works_from_disk(window, site, pyodide):
    with window(FIRST, root=site.as_uri() + "/") as page:
        block = Block(page).open()
        block.assert_passes()
        block.checked("import os\nos._exit(1)")
        expect(block.card).to_contain_text("Python came to its end")
        block.assert_passes()
        page.reload()
        block.open()
        expect(block.field).to_have_value(RIGHT)


def test_a_book_that_holds_python_asks_no_other_place(sgd, served):
    assert all(address.startswith((served, "data:", "blob:")) for address in sgd.page.asked)
    assert any("pyodide.asm.wasm" in address for address in sgd.page.asked)


HOST = urlsplit(versions.CDN).netloc


@pytest.fixture
def from_cdn(window, pyodide):
    """``with from_cdn(answer) as page:`` a page of a book that holds no Python; ``answer(route, file)`` is the CDN.

    What fails on the way is in ``page.problems``, and is what such a test is about.
    """

    def rewritten(route):
        page = route.fetch()
        text = page.text().replace('"core": "pyodide/"', f'"core": "{versions.CDN}"').replace("this site", HOST)
        route.fulfill(response=page, body=text)

    @contextmanager
    def open_page(answer):
        with window(FIRST) as page:
            page.context.route("**/*.html", rewritten)
            page.context.route(f"{versions.CDN}**", lambda route: answer(route, pyodide / Path(route.request.url).name))
            page.reload()
            page.asked.clear()
            yield page
            page.problems.clear()

    return open_page


TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}


def delivered(route, file: Path, content: bytes | None = None) -> None:
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": TYPES.get(file.suffix, "application/zip")}
    route.fulfill(body=content or file.read_bytes(), headers=headers)


def test_a_cdn_that_cannot_be_reached_is_named_and_the_next_check_tries_again(from_cdn):
    blocked = [True]
    with from_cdn(lambda route, file: route.abort() if blocked else delivered(route, file)) as page:
        block = Block(page).open()
        block.field.fill(RIGHT)
        block.press("Check")
        expect(block.says).to_contain_text(f"Python could not be loaded from {HOST}", timeout=TO_LOAD)
        expect(block.field).to_have_value(RIGHT)
        assert kept(page, "answer:sgd-step") == RIGHT
        blocked.clear()
        page.asked.clear()
        page.problems.clear()
        block.assert_passes()
        assert {Path(address).name for address in page.asked if HOST in address} == set(versions.FILES)
        assert page.problems == []


@pytest.mark.parametrize("name", versions.FILES)
def test_a_file_with_other_bytes_is_refused(from_cdn, name):
    def other_bytes(route, file):
        delivered(route, file, b"other bytes" if file.name == name else None)

    with from_cdn(other_bytes) as page:
        block = Block(page).open()
        block.press("Check")
        expect(block.says).to_contain_text(f"Python could not be loaded from {HOST} ({name}: ", timeout=TO_LOAD)
        expect(block.card).to_have_count(0)


# ---------------------------------------------------------------------------------- by keyboard, by ear, by thumb


@pytest.fixture
def field(window):
    """The text area of an opened exercise, for what needs no Python."""
    with without_worker(window) as page:
        yield Block(page).open().field


def test_tab_indents_and_escape_lets_it_leave(field):
    field.fill("a\n")
    field.press("Tab")
    field.press("b")
    field.press("Tab")
    expect(field).to_have_value("a\n    b   ")  # as far as the next multiple of four
    field.press("ControlOrMeta+A")
    field.press("Tab")
    expect(field).to_have_value("    a\n        b   ")
    field.press("Shift+Tab")
    expect(field).to_have_value("a\n    b   ")
    field.press("Escape")
    field.press("Shift+Tab")
    expect(field).not_to_be_focused()
    field.focus()
    field.press("Escape")
    field.press("Tab")
    expect(field).not_to_be_focused()
    expect(field).to_have_value("a\n    b   ")


def test_shift_tab_takes_back_from_the_line_of_the_caret(field):
    field.fill("if x:\n        y = 1")
    field.press("Shift+Tab")
    expect(field).to_have_value("if x:\n    y = 1")
    field.press("2")
    expect(field).to_have_value("if x:\n    y = 12")
    field.press("Shift+Tab")
    field.press("Shift+Tab")
    expect(field).to_have_value("if x:\ny = 12")


def test_enter_keeps_the_indentation_and_deepens_it_after_a_colon(field):
    field.fill("")
    field.press_sequentially("def f(x):\nif x:  # maybe\nreturn 1\n")
    expect(field).to_have_value("def f(x):\n    if x:  # maybe\n        return 1\n        ")
    field.press("Backspace")
    field.press_sequentially("return 2")
    expect(field).to_have_value("def f(x):\n    if x:  # maybe\n        return 1\n    return 2")


@pytest.mark.parametrize("keys", [["Tab"], ["Enter"], ["Shift+Tab"], ["Backspace"], ["ControlOrMeta+A", "Tab"]])
def test_what_a_key_did_can_be_taken_back(field, keys):
    text = "if x:\n        pass"
    field.fill(text)
    for _ in "pass":
        field.press("ArrowLeft")
    for key in keys:
        field.press(key)
    expect(field).not_to_have_value(text)
    field.press("ControlOrMeta+Z")
    expect(field).to_have_value(text)


@pytest.mark.parametrize("keys", ["Control+Enter", "Shift+Enter"])
def test_keys_check(sgd, keys):
    sgd.field.fill(RIGHT)
    sgd.field.press(keys)
    expect(sgd.card).to_contain_text("Passed", timeout=TO_LOAD)
    expect(sgd.field).to_have_value(RIGHT)
    expect(sgd.field).to_be_focused()


def test_the_field_suits_code_and_is_named(field):
    assert field.evaluate("field => parseFloat(getComputedStyle(field).fontSize)") >= 16
    expect(field).to_have_attribute("spellcheck", "false")
    expect(field).to_have_attribute("autocapitalize", "off")
    expect(field).to_have_accessible_description(re.compile("Ctrl.Enter.*Escape, then Tab"))


def test_what_happens_is_announced(sgd):
    expect(sgd.says).to_have_attribute("aria-live", "polite")
    sgd.checked(UPHILL)
    expect(sgd.says).to_contain_text("A known mistake")
    expect(sgd.element.locator('[role="status"]')).to_have_count(1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_use_an_opened_exercise(sgd, theme):
    quiz = Block(sgd.page, "lr-sign-quiz")
    if quiz.field.is_hidden():
        quiz.open()
    sgd.element.locator("details").evaluate("details => details.open = true")
    sgd.checked("print('what it prints')\n" + UPHILL)
    sgd.page.add_style_tag(content="* { transition: none !important }")
    sgd.page.emulate_media(color_scheme=theme)
    expect(sgd.page.locator("html")).to_have_attribute("data-theme", theme)
    for id in ("sgd-step", "lr-sign-quiz"):
        found = Axe().run(sgd.page, context=f'[data-exercise="{id}"]', options={"preload": False}).response
        assert [(rule["id"], node["html"]) for rule in found["violations"] for node in rule["nodes"]] == []


def test_a_quiz_is_answered_by_choosing(sgd):
    quiz = Block(sgd.page, "lr-too-large-quiz").open()
    right = next(letter for letter, choice in EXERCISES[quiz.id].choices.items() if choice.right)
    quiz.chosen(right)
    expect(quiz.card).to_contain_text("Passed")
    expect(quiz.field).to_have_value(f'lr_too_large_quiz = "{right}"')
    other = "a" if right != "a" else "b"
    quiz.field.fill(f'lr_too_large_quiz = "{other}"')
    expect(quiz.element.get_by_role("radio", name=f"{other})")).to_be_checked()


TARGETS = ".answer :is(button:not([hidden]), summary, fieldset label, a)"


def test_a_thumb_can_do_it_on_a_telephone(window):
    with without_worker(window, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as page:
        for id in ("sgd-step", "lr-sign-quiz", "lr-first-step"):
            block = Block(page, id)
            block.element.get_by_role("button", name="Answer here").tap()
            block.element.locator("summary").tap()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            targets = [target for target in block.element.locator(TARGETS).all() if target.is_visible()]
            assert len(targets) >= 6 and min(target.bounding_box()["height"] for target in targets) >= 44
            box = block.field.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_without_scripts_the_page_is_as_it_was(window):
    with window(FIRST, java_script_enabled=False) as page:
        expect(page.locator(".answer:visible")).to_have_count(0)
        expect(page.locator(".exercise .cell_input:visible").first).to_be_visible()
