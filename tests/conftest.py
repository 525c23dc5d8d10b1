"""Fixtures that several test files share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tools.repository import SITE_VARIABLE, VARIABLE

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id) -> Path:
    """The folder of the built HTML book: built once per session, warnings being errors, whatever the workers."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder, log = shared / "book", shared / "book.log"
    with FileLock(shared / "book.lock"):
        if not log.exists():
            command = [sys.executable, "-m", "tools.book", "build", ROOT, "--all", "-W", "-n", "--keep-going"]
            command += ["--path-output", folder]
            environment = {**os.environ, "NO_COLOR": "1", VARIABLE: "", SITE_VARIABLE: ""}
            build = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
            )
            log.write_text("" if build.returncode == 0 else what_went_wrong(build.stdout), encoding="utf-8")
    if log.read_text(encoding="utf-8"):
        pytest.fail(f"the book does not build without warnings:\n{log.read_text(encoding='utf-8')}", pytrace=False)
    return folder / "_build" / "html"


def what_went_wrong(log: str) -> str:
    """The warnings of a build or, where it broke off without one, the end of what it printed."""
    lines = log.splitlines()
    return "\n".join([line for line in lines if "WARNING" in line or "ERROR" in line] or lines[-30:])
