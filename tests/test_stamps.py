"""stamps: a finished file counts as long as what it depends on is the same, and a stamp never lies."""

import pytest

from tools import stamps
from tools.stamps import fingerprint, has_stamp, remove_stamped, stamp_of, write_stamped


def test_a_file_counts_with_its_own_stamp_only(tmp_path):
    path = tmp_path / "work" / "run.json"
    assert not has_stamp(path, "one")
    write_stamped(path, "content", "one")
    assert has_stamp(path, "one")
    assert not has_stamp(path, "two")
    path.unlink()
    assert not has_stamp(path, "one")


def test_an_old_stamp_never_stands_beside_a_new_content(tmp_path, monkeypatch):
    """Killed between the two files, and then the old settings again: the content is not theirs."""
    path = tmp_path / "run.json"
    write_stamped(path, "by the old settings", "old")
    write = stamps.write_atomically

    def killed_at_the_stamp(target, content):
        if target == stamp_of(path):
            raise KeyboardInterrupt
        return write(target, content)

    monkeypatch.setattr(stamps, "write_atomically", killed_at_the_stamp)
    with pytest.raises(KeyboardInterrupt):
        write_stamped(path, "by the new settings", "new")
    assert path.read_text() == "by the new settings"
    assert not has_stamp(path, "old")
    assert not has_stamp(path, "new")


def test_what_is_removed_is_gone_with_its_stamp(tmp_path):
    path = tmp_path / "run.json"
    write_stamped(path, b"content", "one")
    remove_stamped(path)
    remove_stamped(path)
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_tells_contents_apart():
    contents = [{"a": 1}, {"a": 2}, {"b": 1}, ["a", 1], "a", [], None]
    assert len(set(map(fingerprint, contents))) == len(contents)
    assert fingerprint({"a": [1, 2]}) == fingerprint({"a": [1, 2]})
