"""Where the course's own files are, and writing that leaves neither half a file nor another writer's work undone."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: programs that write to one folder are to be run one at a time
    fcntl = None

#: The folder in which the library lies, and beside it what was measured for the book: in a clone of the repository,
#: and in the temporary folder into which a notebook of the Colab edition unpacks both.
PROJECT = Path(__file__).resolve().parents[1]


def write_atomically(path, content) -> Path:
    """Write ``content`` to ``path``: afterwards the file is either the old one or the new one, never a part.

    The content goes to a temporary file in the same folder first, which then takes the place of ``path`` in one
    step of the file system. Missing folders are made. A symbolic link is followed, not replaced.

    Args:
        path: Where to write (str or Path).
        content: Text (written as UTF-8 with its line ends as they are) or bytes.

    Returns:
        The path written.

    Raises:
        TypeError: ``content`` is neither text nor bytes.
        OSError: The folder cannot be made or written to (the exact subclass tells why, for instance
            PermissionError); the message names the file. Nothing is left behind.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(f"{folder}/results/claims.json", "[]").read_text()
        '[]'
    """
    if not isinstance(content, (str, bytes)):
        raise TypeError(f"content must be text or bytes, got {content!r} ({type(content).__name__})")
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name on an empty file
        if target.exists():
            os.chmod(temporary, target.stat().st_mode)
        os.replace(temporary, target)
    except OSError as error:
        raise type(error)(
            error.errno, f"cannot write {target.name} into {target.parent}: {error.strerror}; choose a writable folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # already in its place, or never made
            temporary.unlink()
    return Path(path)


@contextlib.contextmanager
def one_writer_at_a_time(folder):
    """Hold others up, threads and programs, that want to be inside such a block for the same folder.

    Raises:
        OSError: There is no such folder.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)  # the lock is on the folder: no lock file is left lying about
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Rename a damaged file to the next free name like ``claims.damaged-1.json`` and return that.

    Raises:
        OSError: It cannot be renamed.
    """
    candidates = (path.with_name(f"{path.stem}.damaged-{count}{path.suffix}") for count in range(1, 1000))
    aside = next(candidate for candidate in candidates if not candidate.exists())
    path.replace(aside)
    return aside
