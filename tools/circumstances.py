"""What a recorded run depended on: the machine, the versions, the day. Every record that the book shows has it."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("paddlepaddle", "numpy", "scikit-learn")


def circumstances(command: str) -> dict:
    """The head of a record: the command that repeats the run, and what it was run with."""
    return {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in PACKAGES}}


def processor() -> str:
    """The processor's name; platforms that do not tell it get their architecture."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0] if names else platform.machine()
