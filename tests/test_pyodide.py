"""Which Python a page loads: a copy is taken if every file is the right one, and whatever is wrong is said."""

from __future__ import annotations

import hashlib
import io
import json
import re
import urllib.error
from urllib.parse import urlsplit

import pytest

from tools import pyodide
from tools.notebooks import ROOT

CONTENT = {"pyodide.js": b"a script", "numpy.whl": b"arrays"}


@pytest.fixture
def files(monkeypatch):
    """Small files in the place of Pyodide's own."""
    monkeypatch.setattr(
        pyodide, "FILES", {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    )


@pytest.fixture
def source(tmp_path, files):
    """A folder that has them all, as a server would."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("named", [None, "", "  "])
def test_without_a_folder_there_is_no_copy(monkeypatch, named):
    monkeypatch.delenv(pyodide.VARIABLE, raising=False)
    if named is not None:
        monkeypatch.setenv(pyodide.VARIABLE, named)
    assert pyodide.folder() is None


def test_the_folder_may_be_in_the_home_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(pyodide.VARIABLE, " ~/pyodide ")
    assert pyodide.folder() == tmp_path / "pyodide"


def test_a_whole_copy_is_taken(source):
    (source / "pyodide-lock.json").write_text("what else is there is nobody's concern")
    assert pyodide.checked(source) == source


def test_a_missing_file_is_named_and_how_it_is_brought(source):
    (source / "numpy.whl").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        pyodide.checked(source)
    for said in (pyodide.VARIABLE, str(source), f"Pyodide {pyodide.VERSION}", "make pyodide", "no numpy.whl"):
        assert said in str(caught.value)


def test_a_file_of_another_version_is_named(source):
    (source / "pyodide.js").write_bytes(b"another script")
    with pytest.raises(ValueError) as caught:
        pyodide.checked(source)
    for said in (pyodide.VARIABLE, f"pyodide.js must be that of Pyodide {pyodide.VERSION}", str(source)):
        assert said in str(caught.value)


def test_what_is_missing_or_another_is_brought_and_all_else_left(source, tmp_path):
    place = tmp_path / "new" / "place"
    pyodide.download(place, f"{source.as_uri()}/")
    assert {file.name: file.read_bytes() for file in place.iterdir()} == CONTENT
    (place / "pyodide.js").write_bytes(b"of an older version")
    (source / "numpy.whl").unlink()  # it is not asked for again
    pyodide.download(place, f"{source.as_uri()}/")
    assert (place / "pyodide.js").read_bytes() == CONTENT["pyodide.js"]


def test_other_bytes_than_promised_are_refused(source, tmp_path):
    (source / "numpy.whl").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"numpy\.whl must be that of Pyodide"):
        pyodide.download(tmp_path / "place", f"{source.as_uri()}/")


def test_the_command_asks_the_address_of_the_version_and_fills_the_folder(files, tmp_path, monkeypatch):
    asked = []

    def urlopen(address, timeout):
        asked.append(address)
        return io.BytesIO(CONTENT[address.rpartition("/")[2]])

    monkeypatch.setattr(pyodide.urllib.request, "urlopen", urlopen)
    pyodide.main([str(tmp_path / "place")])
    assert asked == [pyodide.CDN + name for name in CONTENT]
    assert pyodide.checked(tmp_path / "place")


def test_without_a_network_the_command_says_so_in_one_line(files, tmp_path, monkeypatch):
    def urlopen(address, timeout):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(pyodide.urllib.request, "urlopen", urlopen)
    with pytest.raises(SystemExit) as caught:
        pyodide.main([str(tmp_path / "place")])
    message = str(caught.value)
    assert "\n" not in message and pyodide.CDN in message and "no route to host" in message


# -- the version ------------------------------------------------------------------------------------------------------


def test_the_address_is_that_of_one_version():
    assert urlsplit(pyodide.CDN).scheme == "https" and f"/v{pyodide.VERSION}/" in pyodide.CDN


def test_the_version_stands_in_one_place():
    written = [
        *ROOT.glob("*.*"),
        *ROOT.glob("Makefile"),
        *ROOT.glob(".github/**/*.yml"),
        *ROOT.glob("chapters/**/*.md"),
    ]
    written += [*ROOT.glob("tools/*.py"), *ROOT.glob("course_lib/**/*.py"), *ROOT.glob("chapters/_assets/answers/*")]
    named = [path.relative_to(ROOT).as_posix() for path in written if path.is_file() and names_version(path)]
    assert named == ["tools/pyodide.py"]


def names_version(path) -> bool:
    return pyodide.VERSION in path.read_text(encoding="utf-8", errors="replace")


def test_the_lock_has_numpy_alone_and_its_hash():
    lock = json.loads(pyodide.lock())
    (entry,) = lock["packages"].values()
    assert (entry["file_name"], entry["sha256"]) == (pyodide.NUMPY, pyodide.FILES[pyodide.NUMPY])
    assert entry["version"] == pyodide.WORKS["NumPy"] and re.match(r"\d+\.\d+\.\d+$", entry["version"])
    assert entry["depends"] == [] and lock["info"]["version"] == pyodide.VERSION


def test_the_lock_says_what_pyodides_own_says():
    own = pyodide.folder() and pyodide.folder() / "pyodide-lock.json"
    if not (own and own.is_file()):
        pytest.skip(f"{pyodide.VARIABLE} names no folder that has Pyodide's own lock")
    ours, theirs = json.loads(pyodide.lock()), json.loads(own.read_text(encoding="utf-8"))
    assert ours["info"] == theirs["info"]
    entry = theirs["packages"]["numpy"]
    assert {key: entry[key] for key in ours["packages"]["numpy"]} == {
        **ours["packages"]["numpy"],
        "imports": entry["imports"],
    }
