"""Python for the reader's browser: which Pyodide the pages load, from where, and a copy of it in a folder.

    python -m tools.pyodide FOLDER    download it, checked, for ``COURSE_PYODIDE_DIR=FOLDER make book``

The version stands here only. For another one: what its own ``pyodide-lock.json`` says of NumPy's file and in ``info``,
and the hashes of its files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import urllib.request
from pathlib import Path

from course_lib.files import as_json, write_atomically

VERSION = "0.27.7"
CDN = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
VARIABLE = "COURSE_PYODIDE_DIR"
MEGABYTES = 9
"""What a browser loads, compressed as servers do, NumPy and the course's library included."""

NUMPY = "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"

#: What these files are made of → its version; the page of licences names each.
WORKS = {"Pyodide": VERSION, "CPython": "3.12.7", "NumPy": NUMPY.split("-")[1], "Emscripten": "3.1.58"}

#: File → its SHA-256. NumPy's is that of Pyodide's own lock.
FILES = {
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
    NUMPY: "ebb61241d962b98b21597d7ce43b67668a6d5bab3acec4fbe958657320d7cd08",
}


def folder() -> Path | None:
    """The folder of the copy that the environment names, None if it names none."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named).expanduser() if named else None


def checked(place: Path) -> Path:
    """Return a folder if all files in it are the right ones.

    Raises:
        FileNotFoundError: A file is missing there.
        ValueError: A file is not that of the version above.
    """
    for name, wanted in FILES.items():
        if not (place / name).is_file():
            raise FileNotFoundError(
                f"{VARIABLE}: {place} must hold Pyodide {VERSION}, as `make pyodide` brings it; it has no {name}"
            )
        if digest(place / name) != wanted:
            raise ValueError(f"{VARIABLE}: {name} must be that of Pyodide {VERSION}, got another one in {place}")
    return place


def download(place: Path, source: str = CDN) -> None:
    """Bring what is not in ``place`` yet, or is there in another version, and check it."""
    for name, wanted in FILES.items():
        if not (place / name).is_file() or digest(place / name) != wanted:
            with urllib.request.urlopen(source + name, timeout=60) as answer:
                write_atomically(place / name, answer.read())
    checked(place)


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def lock() -> str:
    """What Pyodide reads of packages: NumPy alone, with the hash without which it takes no file."""
    numpy = {
        "name": "numpy",
        "version": WORKS["NumPy"],
        "file_name": NUMPY,
        "sha256": FILES[NUMPY],
        "install_dir": "site",
        "package_type": "package",
        "imports": ["numpy"],
        "depends": [],
        "unvendored_tests": True,
    }
    emscripten = "emscripten_" + WORKS["Emscripten"].replace(".", "_")
    info = {"abi_version": "2024_0", "arch": "wasm32", "platform": emscripten, "python": WORKS["CPython"]}
    return as_json({"info": {**info, "version": VERSION}, "packages": {"numpy": numpy}})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.pyodide", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where it goes; what is there already is checked only")
    try:
        download(parser.parse_args(arguments).folder)
    except (OSError, ValueError) as error:
        raise SystemExit(f"Pyodide {VERSION} could not be brought from {CDN}: {error}") from None


if __name__ == "__main__":
    main()
