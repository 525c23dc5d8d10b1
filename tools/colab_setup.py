"""The first code cell of a notebook of the Colab edition: it makes the notebook run wherever it was opened.

``tools/colab.py`` puts this file's code, and a call of ``set_up``, into each of them. Nothing but Python itself may be
needed here: when the cell runs, nothing else is installed yet.
"""

import atexit
import base64
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path


def set_up(library, requirements, pythons):
    """Install what is missing, unpack the course's library, and let the learner's results go beside the notebook.

    Args:
        library: A zip file with the library in base64.
        requirements: ``{module: what pip is asked for}``; of versions only ``>=`` and ``<`` are understood.
        pythons: The first version of Python that PaddlePaddle has packages for, and the first that it has none for.
    """
    install([asked for module, asked in requirements.items() if not is_there(module, asked)], pythons)
    refuse_what_was_loaded_before(requirements)
    folder = tempfile.mkdtemp(prefix="course-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    zipfile.ZipFile(io.BytesIO(base64.b64decode(library))).extractall(folder)
    sys.path.insert(0, folder)
    os.environ.setdefault("COURSE_RESULTS_DIR", str(Path.cwd() / "results"))
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the book: results do not depend on the number of cores
    print("The course's library is ready.")


def is_there(module, asked):
    """Whether a module is installed in one of the versions asked for; where its version is not known, it is."""
    if find_spec(module) is None:
        return False
    found, bounds = installed(asked), re.findall(r"(>=|<)([\d.]+)", asked)
    return found is None or all((found >= numbers(bound)) == (sign == ">=") for sign, bound in bounds)


def installed(asked):
    """The installed version of a package, or of its build for graphics cards."""
    package = re.match(r"[\w.-]+", asked)[0]
    for name in (package, f"{package}-gpu"):
        try:
            return numbers(version(name))
        except PackageNotFoundError:
            continue
    return None


def numbers(text):
    """A version as numbers that can be compared, or None: "1.5.0", "1.5" and "1.5rc1" all give (1, 5)."""
    found = re.match(r"\d+(\.\d+)*", text or "")
    return tuple(map(int, re.sub(r"(\.0+)+$", "", found[0]).split("."))) if found else None


def refuse_what_was_loaded_before(requirements):
    """A package that was loaded before pip replaced it stays in use in its old version until Python is restarted."""
    old = []
    for module in set(requirements) & set(sys.modules):
        versions = {installed(requirements[module]), numbers(getattr(sys.modules[module], "__version__", None))}
        if len(versions - {None}) > 1:
            old.append(module)
    if old:
        raise RuntimeError(
            f"Another version of {' and '.join(sorted(old))} was loaded before. Restart Python, then run this cell "
            'again: on Colab by "Restart session" in the menu "Runtime", elsewhere by "Restart" in the menu "Kernel".'
        )


def install(missing, pythons):
    first, end = pythons
    if any("paddle" in asked for asked in missing) and not first <= sys.version_info[:2] < end:
        this, oldest, newest = (
            f"{major}.{minor}" for major, minor in (sys.version_info[:2], first, (end[0], end[1] - 1))
        )
        raise RuntimeError(
            f"This is Python {this}, but PaddlePaddle, which the course runs on, has packages for Python {oldest} to "
            f'{newest} only. On Colab: choose "Change runtime type" in the menu "Runtime" and there a runtime version '
            f"with such a Python. Elsewhere: open the notebook in an environment with Python {newest}, made for "
            f"instance by `conda create -n course python={newest} jupyterlab`."
        )
    if missing:
        print(f"Installing {', '.join(missing)} (once; about a minute) ...")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *missing]
        pip = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if pip.returncode:
            by_hand = " ".join(["pip install", *(f'"{asked}"' for asked in missing)])
            raise RuntimeError(f"{pip.stdout.strip()}\n\nInstalling failed, see above. By hand: {by_hand}")
        importlib.invalidate_caches()
