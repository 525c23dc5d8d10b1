"""Execute the course's notebooks in place and keep their stored form free of noise.

    python -m tools.notebooks execute [notebook …]     run from top to bottom, normalise, store (all by default)
    python -m tools.notebooks normalise [notebook …]   only rewrite in the stored form

Two runs of ``execute`` give identical files: nothing of the time, the machine or chance is stored.
"""

from __future__ import annotations

import argparse
import base64
import logging
import os
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from course_lib.files import write_atomically

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "chapters"
TIMEOUT = 600  # seconds for one cell

logging.getLogger("traitlets").setLevel(logging.WARNING)  # Paddle makes all of Python talkative; bars stay whole

NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT_CELL_METADATA = ("tags", "mystnb")
IMAGE_CHUNKS_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"pHYs", b"sRGB", b"gAMA"}


def notebooks() -> list[Path]:
    """Every notebook of the book, chapters before solutions."""
    return sorted(CHAPTERS.glob("*.ipynb")) + sorted(CHAPTERS.glob("*/*.ipynb"))


def execute(path: Path) -> None:
    """Run a notebook from top to bottom in its own folder and store it with its outputs.

    Raises:
        CellExecutionError: A cell failed; the stored file stays as it was.
    """
    write_atomically(path, executed(path))


def executed(path: Path, timeout: int = TIMEOUT) -> str:
    """The stored form of a notebook with the outputs of a run from top to bottom; the file stays as it is.

    Raises:
        CellExecutionError: A cell failed, or took longer than so many seconds.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    return stored_form(notebook, path.stem)


def store(notebook, path: Path) -> None:
    write_atomically(path, stored_form(notebook, path.stem))


def stored_form(notebook, stem: str) -> str:
    """The text of a notebook's file: nbformat 4.5, minimal metadata, ids by position, indent 1."""
    notebook = nbformat.from_dict(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"{stem.replace('_', '-')[:50]}-{number:03d}"
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        )
        cell.source = cell.source.rstrip()
        cell.pop("attachments", None) if not cell.get("attachments") else None
        for output in cell.get("outputs", []):
            normalise_output(output)
    return nbformat.writes(notebook, version=4, indent=1).rstrip() + "\n"


def normalise_output(output) -> None:
    output.pop("transient", None)
    if "metadata" in output:
        output.metadata = nbformat.from_dict({})
    if "image/png" in output.get("data", {}):
        output.data["image/png"] = base64.b64encode(bare_png(base64.b64decode(output.data["image/png"]))).decode()


def bare_png(image: bytes) -> bytes:
    """The picture without what a program wrote about itself into it (name, version, time)."""
    kept, position = [image[:8]], 8
    while position < len(image):
        (length,) = struct.unpack(">I", image[position : position + 4])
        chunk = image[position : position + 12 + length]
        if chunk[4:8] in IMAGE_CHUNKS_KEPT:
            kept.append(chunk)
        position += len(chunk)
    return b"".join(kept)


# Rounding depends on the instructions that a processor has, and training magnifies it until digits in print differ.
# These make Intel's and AMD's processors take the same ones. Each is read when its library is loaded.
SAME_ON_ALL_PROCESSORS = {
    "MKL_CBWR": "COMPATIBLE",  # Paddle's matrix products
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # whatever else of Paddle goes through oneDNN
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's matrix products
    # NumPy's functions, under the names of its versions 2.0 to 2.4; one that it does not know is ignored
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
}


SETTINGS = ROOT / ".venv" / "settings"

#: Caches and settings of one's own, in the place of a user's profiles, style files and locale.
OWN_SETTINGS = {
    "MPLCONFIGDIR": str(SETTINGS / "matplotlib"),
    "IPYTHONDIR": str(SETTINGS / "ipython"),
    "JUPYTER_CONFIG_DIR": str(SETTINGS / "jupyter"),
    "JUPYTER_DATA_DIR": str(SETTINGS / "jupyter-data"),
    "PYTHONNOUSERSITE": "1",
    "PYTHONPATH": str(ROOT),
    "LC_ALL": "C.UTF-8",
}


@contextmanager
def book_environment():
    """What the book's notebooks run in: the default data, one thread, no progress bars, no learner's file touched.

    Of the user's environment it has the variables in ``kept_variables.txt`` alone.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        for name in set(before) - set(kept(before)):
            del os.environ[name]
        os.environ["COURSE_PROGRESS"] = "0"
        os.environ["COURSE_PROGRESS_FILE"] = str(Path(folder) / "progress.json")
        os.environ["OMP_NUM_THREADS"] = "1"
        os.environ.update(SAME_ON_ALL_PROCESSORS)
        os.environ.update(OWN_SETTINGS)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def kept(names) -> list[str]:
    """Those of some environment variables that are kept, as the Makefile does from the same list."""
    lines = (Path(__file__).with_name("kept_variables.txt")).read_text(encoding="utf-8").splitlines()
    patterns = [word.replace("%", "*") for line in lines for word in line.partition("#")[0].split()]
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def execute_all(paths: list[Path], run=execute, workers: int = 2, **variables: str) -> list[str]:
    """Execute several notebooks side by side, in the book's environment; returns one message per notebook that failed.

    Args:
        paths: The notebooks.
        run: What is done with each of them.
        workers: So many at a time. One works in this thread, so that Ctrl-C stops it at once.
        **variables: Of the environment, beside those of the book.
    """
    failures = []

    def attempt(path):
        bar.set_postfix_str(path.stem)
        try:
            run(path)
        except CellExecutionError as error:
            failures.append(f"{shown(path)}: {error}")
        bar.update()

    with book_environment(), tqdm(total=len(paths), disable=None, unit="notebook") as bar:
        os.environ.update(variables)
        if workers == 1:
            list(map(attempt, paths))
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(attempt, paths))
    return failures


def shown(path: Path) -> str:
    return os.path.relpath(path, ROOT)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["execute", "normalise"])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks (default: all of the book)")
    parser.add_argument("--workers", type=int, default=2, help="notebooks executed side by side")
    options = parser.parse_args(arguments)
    paths = [path.resolve() for path in options.paths] or notebooks()

    if options.command == "execute":
        messages = execute_all(paths, workers=options.workers)
    else:
        messages = []
        for path in paths:
            store(nbformat.read(path, as_version=4), path)
    print(*messages, sep="\n", end="\n" if messages else "")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
