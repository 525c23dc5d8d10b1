"""Where the course's own files are, reading and writing that touch nothing but files, and leave neither half a file
nor another writer's work undone.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import json
import os
import stat
import time
import uuid
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: programs that write to one folder are to be run one at a time
    fcntl = None

#: The folder in which the library lies, and beside it what was measured for the book: in a clone of the repository,
#: and in the temporary folder into which a notebook of the Colab edition unpacks both.
PROJECT = Path(__file__).resolve().parents[1]

#: What was measured for the book.
RESULTS = PROJECT / "chapters" / "results"

#: Where ``make lab`` lays copies of the notebooks for a learner to work in.
LAB = PROJECT / "lab"

_LONGEST_WRITE = 600  # seconds: an older temporary file belongs to a process that was killed
_LONGEST_WAIT = 10  # seconds for a lock, which others hold for some milliseconds

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def path_named_by(variable: str, default) -> Path:
    """Return the path that an environment variable names, with ``~`` expanded; ``default`` if it is empty or not set.

    Example:
        >>> path_named_by("COURSE_NO_SUCH_VARIABLE", "results").name
        'results'
    """
    value = os.environ.get(variable, "")
    return Path(os.path.expanduser(value if value.strip() else default))


def notebook_folder() -> Path:
    """Return where a notebook keeps what it writes: the folder from which it runs or, anywhere in the lab, the lab."""
    with contextlib.suppress(OSError):  # the folder was removed meanwhile
        here = Path.cwd()
        if LAB in (here, *here.parents):
            return LAB
    return Path()


def file_at(path) -> Path:
    """Return where a path leads, links followed, if a file is there or nothing yet.

    Whatever a person may have named is asked here first: opening a named pipe waits for ever, and renaming a device
    takes it from the whole machine.

    Raises:
        OSError: Something else is there (IsADirectoryError for a folder), or the path leads nowhere, as links do that
            lead to each other.
    """
    target = Path(os.path.realpath(path))
    try:
        kind = stat.S_IFMT(target.stat().st_mode)
    except FileNotFoundError:
        return target
    if kind != stat.S_IFREG:
        number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
        raise OSError(number, f"it is {_KINDS.get(kind, 'something else')}, not a file", str(path))
    return target


def read_json(path):
    """Return the content of a JSON file in UTF-8, with or without a byte-order mark.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read, or is no file (see ``file_at``).
        ValueError: It is no JSON, or holds what ``as_json`` could not write again.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     read_json(write_atomically(f"{folder}/claims.json", as_json(["LR-1"])))
        ['LR-1']
    """
    try:
        content = json.loads(file_at(path).read_text(encoding="utf-8-sig"))
        as_json(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return content


def as_json(content) -> str:
    """Return ``content`` as the text of a JSON file.

    Raises:
        ValueError: A number is NaN or infinite, or a text holds half a character.
        RecursionError: It is nested too deeply.

    Example:
        >>> print(as_json({"学习率": 0.1}), end="")
        {
         "学习率": 0.1
        }
    """
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    text.encode("utf-8")  # half a character is found here, before anything is written
    return text


def write_atomically(path, content) -> Path:
    """Write ``content`` to ``path``: afterwards the file is either the old one or the new one, never a part.

    The content goes to a temporary file in the same folder first, which then takes the place of ``path`` in one
    step of the file system. Missing folders are made. A symbolic link is followed, not replaced. The first writing
    into a folder removes what writers left there that were killed, ten minutes ago or more.

    Args:
        path: Where to write (str or Path).
        content: Text (written as UTF-8 with its line ends as they are) or bytes.

    Returns:
        The path written.

    Raises:
        TypeError: ``content`` is neither text nor bytes.
        OSError: The folder cannot be made or written to, the file is write-protected, or something other than a file
            is there (the exact subclass tells why, for instance PermissionError); the message names the file. Nothing
            is left behind.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(f"{folder}/results/claims.json", "[]").read_text()
        '[]'
    """
    if not isinstance(content, (str, bytes)):
        raise TypeError(f"content must be text or bytes, got {content!r} ({type(content).__name__})")
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".course-{uuid.uuid4().hex}.tmp"  # git ignores such names
    try:
        replaces = file_at(target).exists()
        if replaces and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is write-protected")
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target.parent)
        with open(temporary, "xb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name on an empty file
        if replaces:
            os.chmod(temporary, target.stat().st_mode)
        os.replace(temporary, target)
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot write {target.name} into {target.parent}: {error.strerror}; "
            "choose a writable folder or another name",
        ) from error
    finally:
        with contextlib.suppress(OSError):  # already in its place, or never made
            temporary.unlink()
    return Path(path)


@functools.cache  # once in a process will do: a store may hold thousands of files
def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(".course-*.tmp"):
        with contextlib.suppress(OSError):  # somebody else was quicker, or it is not ours to remove
            if time.time() - leftover.stat().st_mtime > _LONGEST_WRITE:
                leftover.unlink()


@contextlib.contextmanager
def one_writer_at_a_time(folder):
    """Hold others up, threads and programs, that want to be inside such a block for the same folder.

    Raises:
        OSError: There is no such folder.
        TimeoutError: Another program has kept this one waiting for ten seconds: it is stopped, or hangs.
    """
    if fcntl is None:
        yield
        return
    # The lock is on the folder: no lock file is left lying about.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle, folder)
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # closing alone leaves it to processes that were forked meanwhile
        os.close(handle)


def _lock(handle: int, folder) -> None:
    end = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                waited = f"another program has been writing into {folder} for {_LONGEST_WAIT} seconds"
                raise TimeoutError(errno.ETIMEDOUT, f"{waited}; end it, or wait for it") from None
            time.sleep(0.01)
        except OSError:  # a file system without locks, as of some networks
            return None


def set_aside(path) -> Path:
    """Rename a damaged file to the next free name like ``claims.damaged-1.json`` and return that.

    A link stays: the file that it leads to is renamed.

    Raises:
        OSError: It cannot be renamed, or is no file.
    """
    target = file_at(path)
    candidates = (target.with_name(f"{target.stem}.damaged-{count}{target.suffix}") for count in itertools.count(1))
    aside = next(candidate for candidate in candidates if not os.path.lexists(candidate))
    target.replace(aside)
    return aside
