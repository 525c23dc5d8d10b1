"""Commands that take hours go on where they were: a finished file has a stamp beside it, of all that it depends on.

So do the chapters of ``make mnist`` and the runs of ``make reproduce``, which know what they depend on and keep one
file for each piece of work. Sweeps have ``course_lib.store`` to the same end. It is another mechanism because there the
piece is any function of a reader's, whose code has to be taken apart to know what it depends on, and because several
versions of it are kept side by side.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from course_lib.files import write_atomically


def fingerprint(content) -> str:
    """A short text that is the same only for the same content: numbers, texts, lists and dicts of them.

    Example:
        >>> fingerprint({"epochs": 12})[:8], fingerprint({"epochs": 85})[:8]
        ('a57ab39f', 'b113fe4c')
    """
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def write_stamped(path: Path, content: str | bytes, stamp: str) -> None:
    """Write a file and its stamp. Whatever comes between, a stamp never stands beside another content."""
    if not has_stamp(path, stamp):
        stamp_of(path).unlink(missing_ok=True)
    write_atomically(path, content)
    write_atomically(stamp_of(path), stamp)


def has_stamp(path: Path, stamp: str) -> bool:
    """Whether the file is there, and was written with this stamp."""
    kept = stamp_of(path)
    return path.is_file() and kept.is_file() and kept.read_bytes() == stamp.encode()


def remove_stamped(path: Path) -> None:
    """Remove a file and its stamp, as far as they are there."""
    for each in (stamp_of(path), path):
        each.unlink(missing_ok=True)


def stamp_of(path: Path) -> Path:
    """The file of the stamp."""
    return path.with_name(f"{path.name}.stamp")
