"""A plugin of pytest with which nbval runs notebooks as a reader of the Colab edition does: alone.

    pytest -p tools.alone --nbval chapters

Each gets a kernel that knows nothing of the course, an empty folder, and the edition's first cell before its own. One
run proves both that the stored outputs are true and that the notebook works alone: the edition has the same code cells,
outputs and first cell (``tests/test_colab.py``). A run in place proves less, for it finds whatever lies beside the
notebook or is installed here; the one thing that it adds, the results that it writes into ``chapters/results``, is
compared with them at the notebook's end. Pages that show links to the notebooks beside them run in place, and their
editions in ``tests/test_colab.py``.
"""

from __future__ import annotations

import functools
import json
import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from filelock import FileLock
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbFile

from tools import colab, colab_run
from tools.notebooks import CHAPTERS, TIMEOUT

RESULTS = CHAPTERS / "results"
IN_PLACE = {"index", "claims", "what_to_use"}  # they link to the notebooks that they find beside them


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    found = yield
    if is_lone(file_path):
        return [LoneNotebook.from_parent(parent, path=file_path) for notebook in found]
    return found


def is_lone(path: Path) -> bool:
    """Whether a notebook runs alone: all of the book do, but for those whose outputs depend on others being there."""
    return CHAPTERS in path.parents and path.stem not in IN_PLACE


class LoneNotebook(IPyNbFile):
    """A notebook whose cells nbval runs in an empty folder and a bare environment, after the edition's first cell."""

    def setup(self):
        self.folder = tempfile.TemporaryDirectory()
        environment = bare_environment(self.config)
        with mock.patch.dict(os.environ, environment.variables, clear=True):
            self.kernel = RunningKernel(colab_run.KERNEL, cwd=self.folder.name)
        self.setup_sanitize_files()
        done = self.kernel.kc.execute_interactive(
            first_cell(), store_history=False, timeout=TIMEOUT, output_hook=lambda message: None
        )
        assert done["content"]["status"] == "ok", "\n".join(done["content"]["traceback"])

    def teardown(self):
        super().teardown()
        with self.folder as folder:
            found = not_stored(Path(folder) / "results")
        assert found == [], f"{self.name} writes other results than those in chapters/results: {found}"


@functools.cache
def first_cell() -> str:
    """The code that makes a notebook of the edition run wherever it was opened."""
    return colab.setup_cell().source


def not_stored(written: Path, stored: Path = RESULTS) -> list[str]:
    """What a run wrote and the book has otherwise or not at all, as ``file: entry``."""
    found = []
    for path in sorted(written.glob("*.json")):
        fresh, kept = (json.loads((folder / path.name).read_text(encoding="utf-8")) for folder in (written, stored))
        if isinstance(fresh, list):
            fresh, kept = ({entry["id"]: entry for entry in entries} for entries in (fresh, kept))
        found += [f"{path.name}: {key}" for key, value in fresh.items() if kept.get(key) != value]
    return found


def bare_environment(config) -> colab_run.BareEnvironment:
    """One for the whole run of pytest, whatever the workers; the edition's first cell has installed what it needs."""
    environment, packages = made_environment(config)
    if "failed" in packages:
        pytest.fail(packages["failed"], pytrace=False)
    return environment


def made_environment(config) -> tuple[colab_run.BareEnvironment, dict[str, str]]:
    """The environment, and what was installed in it ``before`` and ``after`` the first cell ran, or what ``failed``."""
    shared = config._tmp_path_factory.getbasetemp()
    if hasattr(config, "workerinput"):
        shared = shared.parent
    environment, packages = colab_run.BareEnvironment(shared / "bare"), shared / "bare.json"
    with FileLock(shared / "bare.lock"):
        if not packages.exists():
            packages.write_text(json.dumps(make(environment)), encoding="utf-8")
    return environment, json.loads(packages.read_text(encoding="utf-8"))


def make(environment: colab_run.BareEnvironment) -> dict[str, str]:
    try:
        environment.make()
        before = environment.pip("list")
        environment.execute(first_cell())
        return {"before": before, "after": environment.pip("list")}
    except RuntimeError as error:
        return {"failed": str(error)}
