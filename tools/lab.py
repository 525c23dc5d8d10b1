"""Open JupyterLab on copies of the course's notebooks, in which a learner may change anything.

    python -m tools.lab                  lay the copies into lab/, keep what was changed there, open JupyterLab
    python -m tools.lab --again          move the folder out of the way first
    python -m tools.lab --no-browser     whatever else is given goes to JupyterLab

A copy is renewed with the course as long as nothing was typed into it. Nothing that a learner made is lost: a copy with
changes stays, and what only was run is set aside in ``lab/before_update`` before a newer version takes its place.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from course_lib.files import LAB, as_json, one_writer_at_a_time, read_json, set_aside, write_atomically
from tools.lock import write_constraints
from tools.notebooks import OWN_SETTINGS, ROOT, SAME_ON_ALL_PROCESSORS

JUPYTERLAB = "4.5.11"  # the last that has Python 3.9
EDITION = ROOT / "_build" / "lab"
LAID = ".copies.json"  # file name → fingerprints of what was laid there last
ASIDE = "before_update"
JUPYTER = ".jupyter"  # settings, open tabs, trusted notebooks
#: JupyterLab's settings where the learner has chosen no others.
SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


# -- copies -----------------------------------------------------------------------------------------------------------


def lay(edition: Path, lab: Path) -> dict[str, list[str]]:
    """Bring the copies up to date.

    Args:
        edition: The folder with the course's version of every file.
        lab: The learner's folder; it is made if it is missing.

    Returns:
        The names of files by what became of them: ``new``, ``renewed``, ``gone`` (the course has it no more), ``kept``
        (with the learner's changes, of the course's present version) and ``behind`` (the same, but of an older one).
    """
    lab.mkdir(parents=True, exist_ok=True)
    told = defaultdict(list)
    with one_writer_at_a_time(lab):
        laid = _laid(lab)
        names = sorted(path.relative_to(edition).as_posix() for path in edition.rglob("*") if path.is_file())
        for name in names:
            content = (edition / name).read_text(encoding="utf-8")
            fate = _fate(lab / name, content, laid.get(name))
            told[fate].append(name)
            if fate in ("new", "renewed"):
                _set_aside(lab, name, laid.get(name))
                write_atomically(lab / name, content)
                _trust(lab, name, content)
                laid[name] = fingerprints(name, content)
                write_atomically(lab / LAID, as_json(laid))  # at once: an interrupted run goes on from here
        for name in sorted(set(laid) - set(names)):
            if _typed_nothing(lab / name, laid[name]):
                _set_aside(lab, name, laid[name])
                (lab / name).unlink(missing_ok=True)
                told["gone"].append(name)
            del laid[name]
        write_atomically(lab / LAID, as_json(laid))
    return told


def _fate(path: Path, content: str, before: dict | None) -> str:
    now = fingerprints(path.name, content)
    if not path.exists():
        return "new"
    if before and before["whole"] == now["whole"]:
        return "same" if _typed_nothing(path, before) else "kept"
    return "renewed" if _typed_nothing(path, before or now) else "behind"


def _typed_nothing(path: Path, before: dict) -> bool:
    return path.exists() and fingerprints(path.name, _read(path))["typed"] == before["typed"]


def fingerprints(name: str, content: str) -> dict[str, str]:
    """Of a file as a whole, and of what somebody has typed: running or opening a notebook changes all but its cells.

    Example:
        >>> ran = '{"cells": [{"cell_type": "code", "source": ["1"], "execution_count": 1}]}'
        >>> fresh = '{"cells": [{"cell_type": "code", "source": "1", "execution_count": null}]}'
        >>> one, other = fingerprints("a.ipynb", ran), fingerprints("a.ipynb", fresh)
        >>> one["typed"] == other["typed"], one["whole"] == other["whole"]
        (True, False)
    """
    typed = content
    if name.endswith(".ipynb"):
        with contextlib.suppress(ValueError, KeyError, TypeError):  # no notebook any more: all of it was typed
            typed = json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(content)["cells"]])
    return {"typed": _digest(typed), "whole": _digest(content)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _read(path: Path) -> str:
    """A file's text, whichever line ends and encoding an editor gave it."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _laid(lab: Path) -> dict[str, dict[str, str]]:
    """What earlier runs have laid; nothing if the file that says so is missing or damaged."""
    try:
        laid = read_json(lab / LAID)
        return {name: {key: prints[key] for key in ("typed", "whole")} for name, prints in laid.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        set_aside(lab / LAID)
        return {}


def _set_aside(lab: Path, name: str, before: dict | None) -> None:
    """Keep a copy of what is there, unless it is as it was laid."""
    there = lab / name
    if there.exists() and not (before and _digest(_read(there)) == before["whole"]):
        (lab / ASIDE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(there, lab / ASIDE / name)


def _trust(lab: Path, name: str, content: str) -> None:
    """Let JupyterLab show the interactive figures of a notebook that comes from the course."""
    if name.endswith(".ipynb"):
        folder = lab / JUPYTER / "data"
        folder.mkdir(parents=True, exist_ok=True)
        NotebookNotary(data_dir=str(folder)).sign(nbformat.reads(content, as_version=4))


def put_away(lab: Path) -> Path | None:
    """Rename the learner's folder to the next free name like ``lab-before-1``; None if there is none."""
    if not lab.exists():
        return None
    names = (lab.with_name(f"{lab.name}-before-{count}") for count in itertools.count(1))
    return lab.rename(next(name for name in names if not os.path.lexists(name)))


def report(told: dict[str, list[str]]) -> str:
    """What ``lay`` did, for the learner."""
    sentences = {
        "new": "Laid into lab/: {count} files.",
        "renewed": "Renewed, as you had changed nothing in them: {names}.",
        "gone": "Removed, as the course has them no more: {names}.",
        "kept": "Kept with your changes: {names}.",
        "behind": "Kept with your changes, although the course has a newer version: {names}.\n"
        "  To get the newer one, rename yours and run this again.",
    }
    lines = [
        sentence.format(count=len(told[fate]), names=", ".join(told[fate]))
        for fate, sentence in sentences.items()
        if told.get(fate)
    ]
    return "\n".join(lines or ["lab/ is as you left it."])


# -- JupyterLab -------------------------------------------------------------------------------------------------------


def build() -> None:
    """Write the course's version of every file into ``_build/lab``."""
    print("Preparing the notebooks (half a minute, less from the second time on) ...", flush=True)
    command = [sys.executable, "-m", "tools.book", "build", ROOT, "--builder", "custom", "--custom-builder", "lab"]
    built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", cwd=ROOT)
    if built.returncode:
        sys.exit(f"{built.stdout[-3000:]}\nerror: the notebooks could not be prepared, see above")


def install() -> None:
    """Install JupyterLab beside the course's packages, which keep their versions."""
    with contextlib.suppress(PackageNotFoundError):
        if version("jupyterlab") == JUPYTERLAB:
            return
    print("Installing JupyterLab (this once) ...", flush=True)
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    with tempfile.TemporaryDirectory() as folder:
        constraints = write_constraints(Path(folder) / "constraints.txt")
        command = [*installer, "--quiet", "--constraint", constraints, f"jupyterlab=={JUPYTERLAB}"]
        if subprocess.run(command).returncode:
            sys.exit("error: JupyterLab could not be installed, see above")


def start(lab: Path, arguments: list[str]) -> int:
    """Run JupyterLab until the learner ends it; its settings and open tabs are the lab's own."""
    settings = lab / JUPYTER
    write_atomically(settings / "defaults" / "overrides.json", as_json(SETTINGS))
    first = not (settings / "lab" / "workspaces").exists()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={lab}", "--ServerApp.answer_yes=True"]
    command += [f"--LabApp.app_settings_dir={settings / 'defaults'}", "--LabApp.extension_manager=readonly"]
    command += ["--LabApp.default_url=/lab/tree/README.md"] if first else []
    own = {"JUPYTER_CONFIG_DIR": str(settings), "JUPYTER_DATA_DIR": str(settings / "data")}
    environment = {"OMP_NUM_THREADS": "1", **os.environ, **SAME_ON_ALL_PROCESSORS, **OWN_SETTINGS, **own}
    with contextlib.suppress(KeyboardInterrupt):  # JupyterLab, too, ends by Ctrl-C
        return subprocess.run([*command, *arguments], env=environment, cwd=lab).returncode
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.lab", description=__doc__.splitlines()[0], epilog="Other options go to JupyterLab."
    )
    parser.add_argument("--again", action="store_true", help="begin with fresh copies; the former folder is renamed")
    options, others = parser.parse_known_args(arguments)
    build()
    if options.again and (before := put_away(LAB)):
        print(f"What you have done is in {before.name}/.")
    print(report(lay(EDITION, LAB)))
    install()
    return start(LAB, others)


if __name__ == "__main__":
    sys.exit(main())
