"""What an answer can reach beside its arguments: nothing of it comes to the page, and all is as before afterwards."""

import functools
import getpass
import logging
import os
import subprocess
import sys
import threading
import time
import warnings

import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import paddle
import pytest

from course_lib.exercises import EXERCISES, check
from course_lib.exercises.surroundings import apart


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def descent(x, g, s, lr):
    return x - lr * g


def doing(action):
    """A right answer that does something else as well."""

    def answer(x, g, s, lr):
        action()
        return x - lr * g

    return answer


# -------------------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize(
    "action",
    [
        lambda: print("seen"),
        lambda: sys.stderr.write("seen"),
        lambda: print("seen", file=sys.__stdout__),
        lambda: os.write(2, b"seen"),
        lambda: logging.getLogger("mine").error("seen"),
        lambda: os.system("echo seen"),
        lambda: subprocess.run(["echo", "seen"], check=True),
        lambda: warnings.warn("seen", stacklevel=1),
    ],
)
def test_nothing_comes_to_the_page_and_the_card_tells_it(action, capfd):
    streams = sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    feedback = check("sgd-step", doing(action))
    assert feedback.passed
    assert capfd.readouterr() == ("", "")
    assert action.__code__.co_names[0] == "warnings" or "seen" in feedback.notes[0]
    assert (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__) == streams
    os.write(1, b"after")
    assert capfd.readouterr().out == "after"


def test_streams_under_other_names_are_held_back_as_well(capfd):
    out, write = sys.stdout, sys.stderr.write
    to_error = functools.partial(print, file=sys.stderr)

    def answer(x, g, s, lr, stream=sys.stdout):
        out.write("a ")
        stream.write("b ")
        write("c ")
        to_error("d")
        return x - lr * g

    assert "a b c d" in check("sgd-step", answer).notes[0]
    assert capfd.readouterr() == ("", "")


def test_an_endless_output_of_another_program_fills_no_memory(monkeypatch, capfd):
    monkeypatch.setattr(EXERCISES["sgd-step"], "time_limit", 0.3)
    feedback = check("sgd-step", doing(lambda: subprocess.run(["yes"], timeout=0.2, check=False)))
    assert feedback.status == "error" and len(repr(feedback)) < 1000
    assert capfd.readouterr() == ("", "")


def test_figures_are_closed_and_the_learners_own_are_out_of_reach():
    def drawing():
        plt.figure()
        plt.plot([1, 2])
        plt.rcParams["lines.linewidth"] = 99
        plt.show()

    plt.close("all")
    own, _ = plt.subplots()
    width = plt.rcParams["lines.linewidth"]
    for action in (drawing, lambda: plt.plot([1, 2]), lambda: plt.close("all")):
        feedback = check("sgd-step", doing(action))
        assert feedback.passed
        assert plt.get_fignums() == [own.number] and not own.axes[0].lines
        assert plt.rcParams["lines.linewidth"] == width and plt.gcf() is own
    assert "figures held back" in check("sgd-step", doing(drawing)).notes[0]
    plt.close("all")


def test_figures_are_neither_written_nor_shown_where_pyplot_is_imported_inside(tmp_path):
    def drawing():
        import matplotlib.pyplot as pyplot

        figure, axes = pyplot.subplots()
        axes.plot([1, 2])
        figure.savefig(tmp_path / "figure.png")
        pyplot.savefig(tmp_path / "again.png")

    feedback = check("sgd-step", doing(drawing))
    assert feedback.passed and "figures held back" in feedback.notes[0]
    assert list(tmp_path.iterdir()) == [tmp_path / "progress.json"]


CELLS = """
import logging, os, time
import matplotlib.pyplot as plt
from IPython.display import HTML, display
from course_lib.exercises import check
def answer(action):
    def sgd_step(x, g, s, lr):
        action()
        return x - lr * g
    return check("sgd-step", sgd_step)
# ---
answer(lambda: (display(HTML("seen"), HTML("seen")), logging.warning("seen"), os.system("echo seen")))
# ---
answer(lambda: (plt.figure(), plt.plot([1, 2]), plt.show()))
# ---
def sgd_step(x, g, s, lr):
    exit()
    return x - lr * g
check("sgd-step", sgd_step)
# ---
answer(lambda: get_ipython().ask_exit())
# ---
time.sleep(0.3)
display(HTML("alive"))
get_ipython().exit_now
"""


def test_in_a_kernel_nothing_is_displayed_drawn_or_ended(tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.split("# ---\n")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    kernel = {"kernel_name": "python3", "timeout": 120, "resources": {"metadata": {"path": str(tmp_path)}}}
    nbclient.NotebookClient(notebook, **kernel).execute(env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    _, displaying, drawing, exiting, asking, alive = (cell.outputs for cell in notebook.cells)
    assert [len(outputs) for outputs in (displaying, drawing, exiting, asking, alive)] == [1, 1, 1, 1, 2]
    cards = [outputs[0].data["text/plain"] for outputs in (displaying, drawing, exiting, asking)]
    assert "Passed" in cards[0] and "displayed objects held back" in cards[0] and "WARNING: seen / seen" in cards[0]
    assert "Passed" in cards[1] and "figures held back" in cards[1]
    assert "ends the whole program" in cards[2] and "ends the whole program" in cards[3]
    assert alive[1].data["text/plain"] == "False"


@pytest.mark.parametrize("end", [sys.exit, exit, quit, lambda: exec("raise SystemExit(3)")])
def test_what_ends_the_program_is_an_error_and_ends_nothing(end):
    namespace = {"end": end}
    exec("def sgd_step(x, g, s, lr):\n    end()\n    return x - lr * g\n", namespace)
    feedback = check("sgd-step", namespace["sgd_step"])
    assert feedback.status == "error" and "ends the whole program" in feedback.message
    assert not sys.stdin.closed


def test_there_is_nothing_to_read():
    assert check("sgd-step", doing(lambda: sys.stdin.readline())).passed
    for asking in (lambda: input("number?"), getpass.getpass):
        assert "do not ask" in check("sgd-step", doing(asking)).message


def test_two_checks_at_once_leave_all_as_it_was(monkeypatch):
    def slow(x, g, s, lr):
        print("slow")
        time.sleep(0.002)
        return x - lr * g

    before = sys.stdout, sys.stderr, sys.stdin, logging.Logger.callHandlers, np.random.get_state()[1].tolist()
    verdicts = []
    threads = [threading.Thread(target=lambda: verdicts.append(check("sgd-step", slow))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = sys.stdout, sys.stderr, sys.stdin, logging.Logger.callHandlers, np.random.get_state()[1].tolist()
    assert after == before
    assert [verdict.passed for verdict in verdicts] == [True] * 3


def test_a_block_apart_tells_what_it_held_back():
    with apart() as held:
        print("a\nb\nc\nd")
        plt.figure()
    assert held.notes[0] == "your code printed: a / b / c / …"
    assert held.notes[1].endswith("1 figure held back.")


# ------------------------------------------------------------------------------------------- settings


def settings():
    return {
        "recursion": sys.getrecursionlimit(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "modules": list(sys.path),
        "printing": np.get_printoptions(),
        "errors": np.geterr(),
        "dtype": paddle.get_default_dtype(),
        "dynamic": paddle.in_dynamic_mode(),
        "gradients": paddle.is_grad_enabled(),
        "logging": (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
        "warnings": list(warnings.filters),
        "parameters": dict(plt.rcParams),
    }


@pytest.mark.parametrize(
    "action",
    [
        lambda: sys.setrecursionlimit(10**6),
        lambda: os.environ.update(COURSE_TEST="1"),
        lambda: os.chdir("/"),
        lambda: sys.path.insert(0, "elsewhere"),
        lambda: np.set_printoptions(precision=2),
        lambda: np.seterr(all="raise"),
        lambda: paddle.set_default_dtype("float64"),
        lambda: paddle.enable_static(),
        lambda: paddle.set_grad_enabled(False),
        lambda: logging.basicConfig(level=10, force=True),
        lambda: logging.disable(50),
        lambda: warnings.simplefilter("error"),
        lambda: plt.rcParams.update({"lines.linewidth": 9}),
        lambda: plt.style.use("ggplot"),
    ],
)
def test_what_an_answer_sets_is_put_back(action):
    before = settings()
    assert check("sgd-step", doing(action)).passed
    assert settings() == before


@pytest.mark.parametrize("static", [False, True])
def test_a_check_computes_as_usual_whatever_is_set(static):
    """A schedule is tried on a small network, in 32 bits and step by step."""
    try:
        paddle.set_default_dtype("float64")
        if static:
            paddle.enable_static()
        before = settings()
        with paddle.no_grad():
            assert check("schedule-design", lambda t: 0.5 * (1 - t / 100)).passed
        assert check("sgd-step", lambda x, g, s, lr: paddle.subtract(x, paddle.scale(g, lr))).passed
        assert settings() == before
    finally:
        paddle.disable_static()
        paddle.set_default_dtype("float32")


RECURSION = """
import sys
from sys import setrecursionlimit
from course_lib.exercises import check

def deep(n):
    return max([n], key=lambda _: deep(n + 1))  # through C, where each call takes room on the stack of the thread

def by_module(x, g, s, lr):
    sys.setrecursionlimit(10**6)
    return deep(0)

def by_name(x, g, s, lr):
    setrecursionlimit(10**6)
    return deep(0)

print(check("sgd-step", by_module).status, check("sgd-step", by_name).status, sys.getrecursionlimit())
sys.setrecursionlimit(10**6)
print(check("sgd-step", lambda x, g, s, lr: deep(0)).status, sys.getrecursionlimit())
"""


def test_deep_recursion_ends_in_an_error_not_in_a_crash():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", RECURSION]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "error error 1000\nerror 1000000\n", done.stderr


# --------------------------------------------------------------------------- the learner's own objects

MEMORIES = {
    "metaclass": """
class Meta(type):
    v = 0
class Memory(metaclass=Meta):
    seen = []
def touch():
    Meta.v += 1
    Memory.v = 3
    Memory.seen.append(1)
state = lambda: (Meta.v, Memory.v, Memory.seen)
""",
    "metaclass that notes what is set": """
notes = []
class Meta(type):
    def __setattr__(cls, name, value):
        notes.append(name)
        super().__setattr__(name, value)
class Memory(metaclass=Meta):
    v = 0
def touch():
    Memory.v += 1
state = lambda: (Memory.v, notes)
""",
    "singleton": """
class Single(type):
    made = {}
    def __call__(cls):
        return cls.made.setdefault(cls, super().__call__())
class Memory(metaclass=Single):
    v = 0
def touch():
    Memory().v += 1
state = lambda: (Single.made, Memory.v)
""",
    "subclasses": """
class Base:
    registry = []
    def __init_subclass__(cls):
        Base.registry.append(cls.__name__)
def touch():
    class Sub(Base):
        pass
state = lambda: Base.registry
""",
    "methods": """
count, memory = 0, []
class Memory:
    k = 0
    def method(self, seen=[]):
        global count
        count += 1
        memory.append(1)
        seen.append(1)
    @property
    def value(self):
        memory.append(2)
    @staticmethod
    def static():
        memory.append(3)
    @classmethod
    def of_class(cls):
        cls.k += 1
        cls.new = 1
def touch():
    Memory().method()
    Memory().value
    Memory.static()
    Memory.of_class()
state = lambda: (count, memory, Memory.method.__defaults__, Memory.k, hasattr(Memory, "new"))
""",
    "inheritance": """
class Base:
    k = 0
    def go(self):
        return 1
class Memory(Base):
    def go(self):
        type(self).k += super().go()
def touch():
    Memory().go()
state = lambda: (Base.k, "k" in vars(Memory))
""",
    "dataclass": """
import dataclasses
class Inner:
    n = 0
@dataclasses.dataclass
class Memory:
    inner: object = Inner()
    n: int = 0
def touch():
    Memory().inner.n += 1
    Memory.n += 1
state = lambda: (Memory.inner.n, Memory().inner.n, Memory.n)
""",
    "abstract class": """
import abc
class Base(abc.ABC):
    @abc.abstractmethod
    def go(self): ...
class Memory(Base):
    seen = []
    def go(self):
        self.seen.append(1)
def touch():
    Memory().go()
    assert isinstance(Memory(), Base)
state = lambda: Memory.seen
""",
    "enumeration": """
import enum
class Kind(enum.Enum):
    A = 1
def touch():
    assert Kind.A is Kind(1) is Kind["A"]
    Kind.seen = 1
state = lambda: (hasattr(Kind, "seen"), list(Kind))
""",
    "cache": """
import functools
count = 0
@functools.lru_cache(maxsize=None)
def cached(n):
    global count
    count += 1
def touch():
    cached(1)
state = lambda: (count, cached.cache_info().currsize)
""",
    "library": """
import math
import numpy as np
def touch():
    np.memory = math.memory = 1
    np.sqrt = None
state = lambda: (hasattr(np, "memory"), hasattr(math, "memory"), np.sqrt)
""",
    "module": """
import types
module = types.ModuleType("module_of_the_learner")
exec("count, seen = 0, []\\ndef bump():\\n    global count\\n    count += 1", vars(module))
def touch():
    module.bump()
    module.seen.append(1)
    module.new = 1
state = lambda: (module.count, module.seen, hasattr(module, "new"))
""",
    "functions in containers": """
count = 0
def counting():
    global count
    count += 1
functions = {"first": counting}
pair = (counting, [1])
functions["itself"] = functions
def touch():
    functions["first"]()
    functions["itself"]["first"]()
    pair[0]()
    pair[1].append(2)
    functions["new"] = 1
state = lambda: (count, list(functions), pair[1])
""",
    "shared closure": """
def pair():
    count = 0
    def bump():
        nonlocal count
        count += 1
        return count
    def touch():
        before = count
        assert bump() == count == before + 1
    return touch, lambda: count
touch, state = pair()
""",
    "module imported inside": """
import sys
import types
module = sys.modules["module_of_the_learner"] = types.ModuleType("module_of_the_learner")
module.seen = []
def touch():
    import module_of_the_learner
    module_of_the_learner.seen.append(1)
    module_of_the_learner.new = 1
state = lambda: (module.seen, hasattr(module, "new"))
""",
    "layer": """
import paddle
class Memory(paddle.nn.Layer):
    seen = []
    def forward(self, x):
        self.seen.append(1)
        return x
layer = Memory()
def touch():
    layer(1)
    layer.new = 1
state = lambda: (Memory.seen, hasattr(layer, "new"))
""",
}


@pytest.mark.parametrize("kind", MEMORIES)
def test_no_trace_is_left_in_the_learners_objects(kind):
    namespace = {}
    exec(MEMORIES[kind], namespace)
    before = repr(namespace["state"]())
    exec("def sgd_step(x, g, s, lr):\n    touch()\n    return x - lr * g\n", namespace)
    feedback = check("sgd-step", namespace["sgd_step"])
    assert feedback.passed, feedback
    assert repr(namespace["state"]()) == before


def test_no_trace_is_left_by_an_answer_that_is_left_behind(monkeypatch):
    monkeypatch.setattr(EXERCISES["sgd-step"], "time_limit", 0.1)
    namespace = {}
    exec("import time\nclass Memory:\n    def wait(self):\n        time.sleep(2)\n", namespace)
    exec("def sgd_step(x, g, s, lr):\n    Memory.v = 1\n    Memory().wait()\n", namespace)
    before = dict(vars(namespace["Memory"]))
    assert check("sgd-step", namespace["sgd_step"]).notes
    assert dict(vars(namespace["Memory"])) == before


def test_checks_leave_no_threads_and_no_open_files():
    check("sgd-step", descent)
    threads, files = threading.active_count(), len(os.listdir("/dev/fd"))
    for _ in range(20):
        check("sgd-step", descent)
    assert threading.active_count() <= threads and len(os.listdir("/dev/fd")) <= files
