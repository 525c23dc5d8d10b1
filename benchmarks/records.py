"""A record: the results of runs that take too long for a page, as a file that the page reads.

Where a command's finished runs are kept until all are there, so that an interrupted one goes on, is said here as well:
in a folder for a sweep's ``store`` or for files with ``tools.stamps``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.files import as_json, read_json, write_atomically
from tools.circumstances import circumstances


@dataclass(frozen=True)
class Record:
    """Where the results of a command are kept.

    Attributes:
        name: Of the record.
        command: What makes it.
        root: The project's folder.
    """

    name: str
    command: str
    root: Path = Path(__file__).resolve().parents[1]

    @property
    def path(self) -> Path:
        """The record."""
        return self.root / "chapters" / "results" / f"{self.name}.json"

    @property
    def store(self) -> Path:
        """The folder of the finished runs."""
        return self.root / "_build" / self.name

    def read(self) -> dict:
        return read_json(self.path)

    def write(self, content: dict) -> None:
        """Write the record: ``content``, after what it was made with."""
        write_atomically(self.path, as_json({**circumstances(self.command), **content}))


def rounded(values: Iterable[float]) -> list[float | None]:
    """Four decimals, and None where a lost run has no number: JSON has no NaN."""
    return [round(value, 4) if math.isfinite(value) else None for value in map(float, values)]
