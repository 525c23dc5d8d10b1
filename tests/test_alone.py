"""A notebook that nbval runs alone fails where its output is another, where it needs what only the repository has, and
where it writes results that the book does not have."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import alone
from tools.notebooks import store

RECORD = """from course_lib import claims
card = claims.record("LR-1", measured="a number", verdict=claims.judge({"above 0": True}))
print("yes")"""


@pytest.fixture
def run(request, tmp_path):
    """Run a notebook of one cell, alone; the cell's stored output is ``yes``."""

    def run(source):
        path = tmp_path / "01_small.ipynb"
        cell = new_code_cell(source, outputs=[new_output("stream", text="yes\n")], execution_count=1)
        store(new_notebook(cells=[cell]), path)
        notebook = alone.LoneNotebook.from_parent(request.session, path=path)
        notebook.setup()
        try:
            for cell in notebook.collect():
                cell.runtest()
        finally:
            notebook.teardown()

    return run


def test_it_finds_the_library_and_nothing_else(run):
    run("import os, course_lib\nprint('yes' if os.listdir() == [] and 'course-' in course_lib.__file__ else 'no')")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("print('no')", "Cell outputs differ"),
        ("import yaml\nprint('yes')", "exception"),
        ("import tools\nprint('yes')", "exception"),
        (RECORD, r"other results than those in chapters/results: \['claims.json: LR-1'"),
    ],
    ids=["another output", "a package of ours", "a folder of ours", "another result"],
)
def test_what_is_otherwise_than_in_the_book_fails(run, source, message):
    with pytest.raises(Exception, match=message):
        run(source)
