"""The first code cell of a notebook of the Colab edition: it makes the notebook run wherever it was opened.

``tools/colab.py`` puts this file's code, and a call of ``set_up``, into each of them. Nothing but Python itself may be
needed here: when the cell runs, nothing else is installed yet.
"""

import atexit
import base64
import importlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path


def set_up(library, requirements, pythons):
    """Install what is missing, unpack the course's library, and let the learner's results go beside the notebook.

    Args:
        library: A zip file with the library in base64.
        requirements: ``{module: what pip is asked for if there is no such module}``.
        pythons: The first version of Python that PaddlePaddle has packages for, and the first that it has none for.
    """
    install([asked for module, asked in requirements.items() if find_spec(module) is None], pythons)
    folder = tempfile.mkdtemp(prefix="course-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    zipfile.ZipFile(io.BytesIO(base64.b64decode(library))).extractall(folder)
    sys.path.insert(0, folder)
    os.environ.setdefault("COURSE_RESULTS_DIR", str(Path.cwd() / "results"))
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the book: results do not depend on the number of cores
    print("The course's library is ready.")


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
