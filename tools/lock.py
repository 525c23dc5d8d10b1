"""The versions in ``requirements.txt``, for packages that are installed beside those of the lock."""

from __future__ import annotations

import re
from pathlib import Path

from tools.notebooks import ROOT

LOCK = ROOT / "requirements.txt"


def write_constraints(path: Path) -> Path:
    """Write the lock as a file for pip's ``--constraint``: without hashes, else pip wants one of all it installs."""
    path.write_text(re.sub(r" \\\n +--hash=\S+", "", LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    return path
