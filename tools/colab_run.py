"""Run the Colab edition as a reader does: nothing of the course is installed, and the notebook lies alone in a folder.

    python -m tools.colab_run              with the packages that requirements.txt names
    python -m tools.colab_run --newest     with the newest versions of all packages that pyproject.toml allows

The edition is taken from ``_build/html/colab`` (``make colab`` writes it). A notebook fails if a cell does, or if it
prints anything else than the book shows.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from tools.colab import FOLDER, requirements
from tools.lock import write_constraints
from tools.notebooks import ROOT, TIMEOUT

EDITION = ROOT / "_build" / "html" / FOLDER
KERNEL = "bare"


class BareEnvironment:
    """A virtual environment that holds what a notebook needs to be opened, pip and ipykernel, and nothing else.

    Args:
        folder: Where it is, or ``make`` is to make it.
        newest: Whether pip is free to take the newest versions, instead of those in ``requirements.txt``.
    """

    def __init__(self, folder: Path, newest: bool = False):
        self.folder = folder
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        ours = ("PYTHONPATH", "COURSE_", "OMP_", "MPL")
        self.variables = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        self.variables["COURSE_PROGRESS"] = "0"  # no progress bars, as in the stored outputs
        self.variables["PIP_COMPILE"] = "0"  # Python compiles what is imported, a small part of what is installed
        self.variables["JUPYTER_PATH"] = str(folder / "share" / "jupyter")
        if not newest:
            self.variables["PIP_CONSTRAINT"] = str(folder / "constraints.txt")

    def make(self) -> None:
        """Make it, with a kernel of the name ``KERNEL`` that Jupyter finds by the environment's variables."""
        self._run(sys.executable, "-m", "virtualenv", "--quiet", self.folder)
        if "PIP_CONSTRAINT" in self.variables:
            write_constraints(Path(self.variables["PIP_CONSTRAINT"]))
        self.pip("install", "--quiet", "ipykernel")
        self._run(self.python, "-m", "ipykernel", "install", "--prefix", self.folder, "--name", KERNEL)

    def execute(self, code: str) -> str:
        """Run a program and return what it printed."""
        program = self.folder / "program.py"
        program.write_text(code, encoding="utf-8")
        return self._run(self.python, program)

    def pip(self, *arguments: str) -> str:
        """Run pip in the environment and return what it printed."""
        return self._run(self.python, "-m", "pip", *arguments)

    def _run(self, *command) -> str:
        result = subprocess.run(
            command, env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if result.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{result.stdout}")
        return result.stdout

    def run(self, notebook: Path) -> list[str]:
        """Run a copy of a notebook in an empty folder; return what went otherwise than in the book."""
        stored = nbformat.read(notebook, as_version=4)
        fresh = nbformat.read(notebook, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            kernels = KernelSpecManager(kernel_dirs=[f"{self.variables['JUPYTER_PATH']}/kernels"])
            manager = KernelManager(kernel_name=KERNEL, kernel_spec_manager=kernels)
            resources = {"metadata": {"path": folder}}
            try:
                NotebookClient(fresh, km=manager, timeout=TIMEOUT, resources=resources).execute(env=self.variables)
            except CellExecutionError as error:
                return [f"{notebook.name}: {error}"]
            finally:
                manager.shutdown_kernel()  # nbclient leaves a manager that it was given to its owner
        return [f"{notebook.name}: {text}" for text in differences(stored, fresh)]

    def run_all(self, notebooks: list[Path], workers: int = 2) -> list[str]:
        """Run notebooks side by side. The first runs by itself: it installs what all others find then."""
        first, *others = notebooks
        bar = tqdm(total=len(notebooks), disable=None, unit="notebook")
        messages = self.run(first)
        bar.update()
        with ThreadPoolExecutor(workers) as pool:
            for found in pool.map(self.run, others):
                messages += found
                bar.update()
        bar.close()
        return messages


def differences(stored, fresh) -> list[str]:
    """Where a notebook that was run prints something else than the stored one; the first cell is not compared."""
    found = []
    for number, (before, after) in enumerate(zip(stored.cells, fresh.cells), 1):
        if before.cell_type == "code" and before.id != "course-setup" and printed(before) != printed(after):
            found.append(f"cell {number} prints\n{printed(after)}\ninstead of\n{printed(before)}")
    return found


def printed(cell) -> str:
    """What a cell wrote to stdout and the texts of what it shows."""
    streams = [output.text for output in cell.outputs if output.get("name") == "stdout"]
    shown = [output.data["text/plain"] for output in cell.outputs if "text/plain" in output.get("data", {})]
    return "".join([*streams, *shown])


def upgrade(environment: BareEnvironment) -> None:
    """Install the newest version that a reader could have of each package that the course needs."""
    environment.pip("install", "--quiet", "--upgrade", *requirements().values())
    print(environment.pip("list"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.colab_run", description=__doc__.splitlines()[0])
    parser.add_argument("--newest", action="store_true", help="use the newest versions of all packages")
    options = parser.parse_args(arguments)
    notebooks = sorted(EDITION.glob("*.ipynb"))
    if not notebooks:
        parser.error(f"no notebooks in {EDITION}: run `make colab` first")
    folder = Path(tempfile.mkdtemp(prefix="course-environment-"))
    try:
        environment = BareEnvironment(folder, newest=options.newest)
        environment.make()
        if options.newest:
            upgrade(environment)
        messages = environment.run_all(notebooks)
    finally:
        shutil.rmtree(folder)
    print(*messages, sep="\n\n", end="\n" if messages else "")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
