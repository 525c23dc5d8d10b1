"""files.write_atomically: old or new, never half; errors that name the file."""

import os
import stat

import pytest

from course_lib import files
from course_lib.files import write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", ["学习率 α\r\n", b"\x00\xff"], ids=["text", "bytes"])
def test_content_arrives_byte_for_byte(tmp_path, content):
    path = write_atomically(tmp_path / "new" / "folder" / "file", content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(path.parent) == ["file"]


def test_accepts_a_plain_string_path_and_replaces(tmp_path):
    path = str(tmp_path / "file")
    write_atomically(path, "old")
    write_atomically(path, "new")
    assert (tmp_path / "file").read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path, monkeypatch):
    write_atomically(tmp_path / "file", "old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"cannot write file .*No space left"):
        write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_an_interrupt_leaves_the_old_file(tmp_path, monkeypatch):
    write_atomically(tmp_path / "file", "old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "results").write_text("I am no folder")
    with pytest.raises(OSError, match=r"cannot write claims.json into .*results"):
        write_atomically(tmp_path / "results" / "claims.json", "[]")


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / "claims.json").mkdir()
    with pytest.raises(OSError, match=r"cannot write claims.json"):
        write_atomically(tmp_path / "claims.json", "[]")
    assert names(tmp_path) == ["claims.json"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_an_unwritable_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match=r"cannot write claims.json into .*choose a writable folder"):
            write_atomically(tmp_path / "claims.json", "[]")
    finally:
        tmp_path.chmod(0o700)


def test_permissions_of_the_old_file_are_kept(tmp_path):
    path = write_atomically(tmp_path / "file", "old")
    path.chmod(0o640)
    write_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", "content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "content"


@pytest.mark.parametrize("content", [None, 3, ["a"]])
def test_other_content_is_refused(tmp_path, content):
    with pytest.raises(TypeError, match="content must be text or bytes"):
        write_atomically(tmp_path / "file", content)
    assert names(tmp_path) == []
