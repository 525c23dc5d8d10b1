"""What makes the rules fast may not be seen in what they compute."""

from __future__ import annotations

import math
import mmap
import os
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import paddle
import pytest
from optimizer_table import CASES, GRADIENTS, OWN, parameters_like, run

from course_lib import optimizer
from course_lib.optimizer.tensors import blocks, one_pass

EVERY = [*CASES, *OWN]
BY_LABEL = {"ids": lambda case: case.label}


@pytest.fixture
def two_cores(monkeypatch):
    """Two cores share every model, however small."""
    monkeypatch.setattr(blocks, "CORES", 2)
    monkeypatch.setattr(blocks, "WORTH_SHARING", 1)
    monkeypatch.setattr(blocks, "WORTH_JOINING", 4)
    monkeypatch.setattr(blocks, "FOR_NUMPY", 8)
    monkeypatch.setattr(blocks, "FOR_LOOPS", 8)
    blocks._workers.cache_clear()
    yield
    blocks._workers().shutdown()
    blocks._workers.cache_clear()


def path(case, steps=20):
    parameters = parameters_like("float32")
    return run(case.ours(parameters), parameters, list(GRADIENTS["random"]("float32"))[:steps])


@pytest.mark.parametrize("case", EVERY, **BY_LABEL)
def test_two_cores_compute_the_same_bits_as_one(case, request):
    alone = path(case)
    request.getfixturevalue("two_cores")
    np.testing.assert_array_equal(path(case), alone)


@pytest.mark.parametrize(
    ("allowed", "expected"), [("1", 1), ("2", 2), (" 2,4", 2), ("64", 2), ("0", 1), ("-3", 1), ("many", 1), ("", 1)]
)
def test_as_many_cores_as_openmp_may_have(allowed, expected, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    assert blocks.cores(allowed) == expected


def test_workers_take_part(two_cores, monkeypatch):
    threads = set()
    rule = optimizer.SGD.rule

    def noted(self, x, g, s, lr):
        threads.add(threading.get_ident())
        return rule(self, x, g, s, lr)

    monkeypatch.setattr(optimizer.SGD, "rule", noted)
    path(CASES[0], steps=3)
    assert len(threads) == 2


def test_nan_and_infinity_pass_silently_on_every_core(two_cores):
    parameter = paddle.to_tensor(np.ones(32, "float32"), stop_gradient=False)
    made = optimizer.Adam(learning_rate=0.1, epsilon=0.0, parameters=[parameter])
    parameter.grad = paddle.to_tensor(np.where(np.arange(32) % 2, np.nan, 0.0).astype("float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.step()
    assert np.isnan(parameter.numpy()).all()


def test_an_error_in_a_rule_reaches_the_caller_from_every_core(two_cores):
    class Broken(optimizer.SGD):
        def rule(self, x, g, s, lr):
            if 31.0 in x:
                raise ArithmeticError("no step from here")
            return x

    parameter = paddle.to_tensor(np.arange(32, dtype="float32"), stop_gradient=False)
    parameter.grad = paddle.ones([32])
    with pytest.raises(ArithmeticError, match="no step from here"):
        Broken(parameters=[parameter]).step()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_process_gets_workers_of_its_own(two_cores):
    path(CASES[0], steps=2)  # the pool has its threads now
    child = os.fork()
    if child == 0:  # pragma: no cover
        path(CASES[0], steps=2)
        os._exit(0)
    for _ in range(200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0
            return
        time.sleep(0.1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the forked process hangs")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", EVERY, **BY_LABEL)
def test_a_rule_stays_in_the_precision_of_its_parameter(case, dtype):
    """A float64 that slips in would double time and memory of every step."""
    made = case.ours(None)
    x, g = np.linspace(-1, 1, 12, dtype=dtype), np.linspace(2, 3, 12, dtype=dtype)
    s = made.fresh_state(x)
    for _ in range(12):
        s.t += 1
        x = made.rule(x, g, s, case.lr)
        assert x.dtype == dtype
        assert all(getattr(s, slot).dtype == dtype for slot in made.slots)


@pytest.mark.parametrize("case", EVERY, **BY_LABEL)
def test_state_is_kept_once(case):
    """Neither the first step nor saving nor loading leaves a second copy behind."""
    parameters = parameters_like("float32")
    made = case.ours(parameters)
    gradients = list(GRADIENTS["random"]("float32"))[:2]
    run(made, parameters, gradients)
    made.state_dict()
    assert made._updates._at_rest == {}
    made.set_state_dict(made.state_dict())
    run(made, parameters, gradients)
    assert made._updates._at_rest == {}


def test_a_parameter_that_sits_out_a_step_keeps_its_state():
    first, second = parameters_like("float32")[:2]
    made = optimizer.Momentum(learning_rate=0.1, parameters=[first, second])
    ones = [np.ones(p.shape, "float32") for p in (first, second)]
    run(made, [first, second], [ones, [ones[0], None], ones])
    velocity = {key: value.numpy() for key, value in made.state_dict().items() if "velocity" in key}
    np.testing.assert_allclose(velocity[f"{first.name}_velocity_0"], 1 + 0.9 + 0.81, rtol=1e-6)
    np.testing.assert_allclose(velocity[f"{second.name}_velocity_0"], 1 + 0.9, rtol=1e-6)


def test_the_state_of_a_large_parameter_is_not_copied_into_its_blocks(monkeypatch):
    """The blocks see parts of one array: a first step takes no more memory than the later ones."""
    size = 3 * blocks.FOR_NUMPY
    monkeypatch.setattr(one_pass, "WORTH_COMPILING", math.inf)
    parameter = paddle.zeros([size])
    parameter.stop_gradient = False
    parameter.grad = paddle.ones([size])
    given = []

    class Watched(optimizer.Momentum):
        def fresh_state(self, x):
            given.append(super().fresh_state(x))
            return given[-1]

        def rule(self, x, g, s, lr):
            shared.append(np.shares_memory(s.velocity, given[0].velocity))
            return super().rule(x, g, s, lr)

    shared = []
    Watched(parameters=[parameter]).step()
    assert shared == [True] * 3


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's account of memory")
def test_fresh_state_takes_no_memory_before_it_is_written_to():
    """np.zeros leaves that to the operating system; np.zeros_like writes the zeros at once."""
    size = 10_000_000
    before = pages_in_memory()
    fresh = optimizer.Adam().fresh_state(np.broadcast_to(np.float32(0), size))
    assert (pages_in_memory() - before) * mmap.PAGESIZE < size
    assert fresh.m.nbytes == fresh.v.nbytes == 4 * size


def pages_in_memory():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
