"""files: written whole or not at all, nothing but files is touched, and errors say what is in the way."""

import multiprocessing
import os
import signal
import stat
import time

import pytest

from course_lib import files
from course_lib.files import one_writer_at_a_time, path_named_by, read_json, set_aside, write_atomically


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


def test_leftovers_of_killed_writers_are_removed_and_hidden_from_git(tmp_path):
    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def write_and_die():
        files.os.replace = killed
        write_atomically(tmp_path / "file", "new")

    writer = multiprocessing.get_context("fork").Process(target=write_and_die)
    writer.start()
    writer.join(60)
    (leftover,) = names(tmp_path)
    ignored = (files.PROJECT / ".gitignore").read_text().splitlines()
    assert any((tmp_path / leftover).match(pattern) for pattern in ignored)
    write_atomically(tmp_path / "file", "another writer may be at it right now")
    assert names(tmp_path) == sorted([leftover, "file"])
    os.utime(tmp_path / leftover, (time.time() - 3600,) * 2)
    files._remove_leftovers.cache_clear()  # as in a new process
    write_atomically(tmp_path / "file", "nobody writes for an hour")
    assert names(tmp_path) == ["file"]


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    assert write_atomically(tmp_path / ("x" * 255), "content").read_text() == "content"


def test_a_protected_file_is_left_alone(tmp_path, monkeypatch):
    write_atomically(tmp_path / "file", "old").chmod(0o400)
    monkeypatch.setattr(files.os, "access", lambda *_: False)  # the superuser may write everywhere
    with pytest.raises(PermissionError, match=r"cannot write file .* it is write-protected"):
        write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


# Not everything that has a path is a file ---------------------------------------------------------------------


def named_pipe(path):
    os.mkfifo(path)


def link_to_a_named_pipe(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def folder(path):
    path.mkdir()


def test_the_root_of_the_file_system_is_no_file():
    with pytest.raises(IsADirectoryError, match="it is a folder, not a file"):
        write_atomically("/", "")


def links_in_a_circle(path):
    path.symlink_to("other")
    path.with_name("other").symlink_to(path)


IN_THE_WAY = {
    named_pipe: "it is a named pipe, not a file",
    link_to_a_named_pipe: "it is a named pipe, not a file",
    folder: "it is a folder, not a file",
    links_in_a_circle: "Too many levels of symbolic links",
}


@pytest.mark.parametrize("make", IN_THE_WAY)
def test_what_is_no_file_is_named_and_neither_read_nor_written_nor_renamed(tmp_path, make):
    path = tmp_path / "claims.json"
    make(path)
    before = names(tmp_path)
    for attempt in (read_json, set_aside, lambda path: write_atomically(path, "[]")):
        with pytest.raises(OSError, match=IN_THE_WAY[make]):
            attempt(path)
    assert names(tmp_path) == before


def test_a_damaged_file_is_renamed_where_it_is_and_the_link_to_it_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.json").write_text("damaged")
    (tmp_path / "link.json").symlink_to("elsewhere/real.json")
    assert set_aside(tmp_path / "link.json").name == "real.damaged-1.json"
    write_atomically(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert names(tmp_path / "elsewhere") == ["real.damaged-1.json", "real.json"]


def test_a_variable_names_a_path_unless_it_is_empty(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, expected in [("~/file", tmp_path / "file"), ("", "default"), ("  ", "default"), ("a b", "a b")]:
        monkeypatch.setenv("COURSE_SOME_FILE", value)
        assert str(path_named_by("COURSE_SOME_FILE", "default")) == str(expected)
    monkeypatch.delenv("COURSE_SOME_FILE")
    assert str(path_named_by("COURSE_SOME_FILE", "~/default")) == str(tmp_path / "default")


# JSON ---------------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_damage(tmp_path):
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbf" + '["学习率"]'.encode())
    assert read_json(tmp_path / "file") == ["学习率"]


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "NaN", "[-Infinity]", "1e999", '"\\ud800"', "9" * 5000),
        *("[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000),
    ],
    ids=lambda content: content[:9],
)
def test_what_cannot_be_read_and_written_again_is_no_json(tmp_path, content):
    (tmp_path / "file").write_text(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "file")


# One writer at a time -----------------------------------------------------------------------------------------


def test_a_program_that_never_ends_its_writing_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_LONGEST_WAIT", 0.05)
    with one_writer_at_a_time(tmp_path):
        message = r"another program has been writing into .* for 0\.05 seconds"
        with pytest.raises(TimeoutError, match=message), one_writer_at_a_time(tmp_path):
            pass
    with one_writer_at_a_time(tmp_path):
        pass


def test_a_process_forked_inside_does_not_keep_the_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_LONGEST_WAIT", 0.05)
    fork = multiprocessing.get_context("fork")
    end = fork.Event()
    child = fork.Process(target=end.wait)
    with one_writer_at_a_time(tmp_path):
        child.start()
    try:
        with one_writer_at_a_time(tmp_path):
            pass
    finally:
        end.set()
        child.join()


def test_a_file_system_without_locks_is_written_to_all_the_same(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", no_locks)
    with one_writer_at_a_time(tmp_path):
        pass


@pytest.mark.parametrize("make", [named_pipe, links_in_a_circle])
def test_a_lock_is_for_a_folder(tmp_path, make):
    make(tmp_path / "folder")
    with pytest.raises(OSError), one_writer_at_a_time(tmp_path / "folder"):
        pass
