"""store: results come back as they were, damage is noticed, and a run is known by what it does."""

import functools
import itertools
import os
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest

from course_lib import data, optimizer
from course_lib.store import Store, fingerprint

CALL = {"lr": 0.1, "seed": 0}
RESULT = {"loss": np.array([1 / 3, np.nan, -0.0, np.inf]), 40: np.zeros((0, 3)), "value": np.array(2.5)}


def run(lr, seed):
    return lr


def files(store):
    return sorted(path.name for path in store.folder.iterdir())


# Keeping -----------------------------------------------------------------------------------------------------


def test_a_result_comes_back_as_it_was(tmp_path):
    Store(tmp_path, run).save(CALL, RESULT)
    back = Store(tmp_path, run).load(CALL)
    assert back.keys() == RESULT.keys()
    for key, value in RESULT.items():
        assert back[key].dtype == value.dtype and back[key].shape == value.shape
        assert back[key].tobytes() == value.tobytes()


@pytest.mark.parametrize("call", [{"lr": 0.1, "seed": 1}, {"lr": 0.2, "seed": 0}, {"lr": 1, "seed": 0}, {"seed": 0}])
def test_other_arguments_have_no_result(tmp_path, call):
    store = Store(tmp_path, run)
    store.save(CALL, RESULT)
    store.save({"lr": 1.0, "seed": 0}, RESULT)
    assert store.load(call) is None


def test_the_order_of_the_arguments_does_not_matter(tmp_path):
    store = Store(tmp_path, run)
    store.save(CALL, RESULT)
    assert store.load(dict(reversed(CALL.items()))) is not None


@pytest.mark.parametrize("name", ["COURSE_DATA", "__version__"])
def test_other_data_and_another_version_have_no_result(tmp_path, monkeypatch, name):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    Store(tmp_path, run).save(CALL, RESULT)
    if name == "COURSE_DATA":
        monkeypatch.setenv(name, "digits")
        assert Store(tmp_path, run).load(CALL) is not None  # the default, spelled out
        monkeypatch.setenv(name, "mnist")
    else:
        monkeypatch.setattr("course_lib.__version__", "0.0")
    assert Store(tmp_path, run).load(CALL) is None


def test_no_damage_goes_unnoticed(tmp_path):
    store = Store(tmp_path, run)
    store.save(CALL, RESULT)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    shortened = (whole[:length] for length in range(0, len(whole), 7))
    flipped = (whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(len(whole)))
    for damaged in itertools.chain(shortened, flipped):
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            back = store.load(CALL)
        if back is None:
            assert files(store) == [f"{path.stem}.damaged"]
        else:  # a bit of the compressed file that carries nothing
            assert all(back[key].tobytes() == value.tobytes() for key, value in RESULT.items())


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_wrong_with_the_file_system_is_no_damage(tmp_path, make):
    store = Store(tmp_path, run)
    make(store._path(CALL))
    with pytest.raises(OSError, match=r"the store cannot read .*\.run in .*: it is a .*, not a file; move it away"):
        store.load(CALL)
    assert files(store) == [store._path(CALL).name]


@pytest.mark.parametrize(
    "content",
    [
        *(
            [1, 2],
            {"call": "", "result": {}},
            {"call": "", "result": 5},
            {"call": "", "value": RESULT},
            {"call": "", "result": [1.0]},
        ),
        *({"call": "", "result": {"value": text}} for text in ("good", None, [[1.0], [2.0, 3.0]])),
    ],
    ids=str,
)
def test_a_file_of_another_schema_is_set_aside_and_named(tmp_path, content):
    store = Store(tmp_path, run)
    joblib.dump(content, store._path(CALL), compress=True)
    with pytest.warns(UserWarning, match=r"a kept run could not be read .* and is done again: see .*\.damaged"):
        assert store.load(CALL) is None
    assert files(store) == [f"{store._path(CALL).stem}.damaged"]


def test_a_folder_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store("~/results", run).folder == tmp_path / "results"
    monkeypatch.chdir(tmp_path)
    assert str(Store("~no-such-person", run).folder) == "~no-such-person"  # as a shell takes it


# Fingerprints ------------------------------------------------------------------------------------------------

DIGITS = data.load("digits")


def module(text):
    """The name ``run`` of a program, as if it stood in a file of its own."""
    scope = {"__name__": "__main__", "data": DIGITS, "optimizer": optimizer, "functools": functools}
    exec(text, scope)
    return scope["run"]


BASE = """
SIZES = {"units": [4, 8], "names": {"a", "b"}}
RULES = {"adam": optimizer.Adam, "half": lambda x: x / 2}
def helper(x, times=2):
    "Documented."
    return helper(x, times - 1) + SIZES["units"][0] if times and x not in {"p", "q", "r"} else 0
class Net:
    width = 4
    def size(self): return helper(self.width)
    @property
    def double(self): return 2 * self.width
    @staticmethod
    def name():
        "net"
        return "net"
@functools.lru_cache(None)
def cached(): return 5
def run(lr, seed):
    inner = lambda: [Net().size() for _ in range(3)]
    return RULES["half"](lr), inner(), data, cached()
"""
CHANGES = [
    ("lr)", "-lr)"),
    ("[4, 8]", "[4, 9]"),
    ("{'a', 'b'}".replace("'", '"'), '{"a", "c"}'),
    ("x / 2", "x / 3"),
    ("optimizer.Adam", "optimizer.SGD"),
    ("times=2", "times=3"),
    ('"q"', '"s"'),
    ("width = 4", "width = 5"),
    ("2 * self", "3 * self"),
    ('"net"', '"nets"'),
    ("return 5", "return 6"),
    ("range(3)", "range(4)"),
    (", data,", ", data.train,"),
    ("def size(self)", "def size(self, more=1)"),
]


@pytest.mark.parametrize("change", CHANGES, ids=[new for _, new in CHANGES])
def test_a_change_of_anything_that_the_run_uses_is_seen(change):
    assert BASE.count(change[0]) >= 1
    assert fingerprint(module(BASE)) != fingerprint(module(BASE.replace(*change)))


@pytest.mark.parametrize("new", ['"Documented, too."', '"Documented."  # a comment', '("Documented.")'])
def test_docstrings_comments_and_layout_do_not_matter(new):
    assert fingerprint(module(BASE)) == fingerprint(module(BASE.replace('"Documented."', new)))


def test_where_it_stands_and_what_it_does_not_use_do_not_matter():
    assert fingerprint(module(BASE)) == fingerprint(module("OTHER = 3\n\n" + BASE + "\ndef more(): return OTHER"))


def test_it_is_the_same_in_another_session(tmp_path):
    (tmp_path / "program.py").write_text(
        "import functools\nfrom course_lib import data, optimizer\nfrom course_lib.store import fingerprint\n"
        f"data = data.load('digits')\n{BASE}\nprint(fingerprint(run))\n"
    )
    command = [sys.executable, tmp_path / "program.py"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert printed.strip() == fingerprint(module(BASE))


def test_bound_arguments_and_objects_count():
    class Experiment:
        def __init__(self, budget):
            self.budget = budget

        def run(self, lr, seed):
            return lr * self.budget

    runs = [functools.partial(run, lr=1), functools.partial(run, lr=2), Experiment(1).run, Experiment(2).run, run]
    assert len({fingerprint(each) for each in runs}) == len(runs)
    assert fingerprint(Experiment(1).run) == fingerprint(Experiment(1).run)


def test_what_cannot_be_recognised_is_named(tmp_path):
    with open(tmp_path / "file", "w") as file, pytest.raises(TypeError, match=r"cannot tell .*TextIOWrapper"):
        fingerprint(lambda lr, seed: file.write("x"))
