"""A compiled loop computes what the rule computes on NumPy, to the last bit, or it is not used."""

from __future__ import annotations

import builtins
import copy
import inspect
import math
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizer_table import CASES, GRADIENTS, OWN, parameters_like, run

from course_lib import optimizer
from course_lib.arrays import maximum, minimum, sqrt
from course_lib.optimizer.tensors import blocks, one_pass

pytest.importorskip("numba")

WITHOUT_LOOP = ("ASGD", "LARS", "Lamb", "SWATS")
COMPILED = [case for case in CASES + OWN if case.name not in WITHOUT_LOOP]
BY_LABEL = {"ids": lambda case: case.label}
ODD = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-45, 1e-30, 1e30, -1e30]  # what a gradient should never be


@pytest.fixture(autouse=True)
def loops_of_its_own(monkeypatch, tmp_path_factory):
    """Every model is worth compiling; loops are kept in a folder for all tests of this file."""
    monkeypatch.setenv("COURSE_LOOPS_DIR", str(tmp_path_factory.getbasetemp() / "loops"))
    monkeypatch.setattr(one_pass, "WORTH_COMPILING", 1)


def bits(arrays) -> list[bytes]:
    """Arrays to the last bit; one NaN is as good as another."""
    return [np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes() for array in arrays]


def both_ways(made, sequence, x):
    """The parameter after each gradient, and the state at the end: on NumPy, and by loops."""
    results = []
    for in_one_pass in (False, True):
        position, s, path = x.copy(), made.fresh_state(x), []
        for gradient in sequence:

            def formula(x, g, s):
                s.t += 1
                return made.rule(x, g, s, 0.01)

            step = one_pass.fused(formula, s, made.slots, x.dtype, set()) if in_one_pass else formula
            with np.errstate(all="ignore"):
                position = step(position, gradient, s)
            path.append(position.copy())
        state = [getattr(s, slot) for slot in made.slots]
        results.append((bits([*path, *state]), {name: getattr(s, name) for name in made.scalars}))
    return results


# ---------------------------------------------------------------------- the course's rules


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", COMPILED, **BY_LABEL)
def test_a_loop_computes_the_same_bits_as_numpy(case, dtype):
    """Along all sequences of gradients at once, one stretch of elements each, and with odd values in each step."""
    sequences = [[np.concatenate([g.reshape(-1) for g in step]) for step in each(dtype)] for each in GRADIENTS.values()]
    with np.errstate(over="ignore"):
        odd = np.array(ODD, dtype)
    sequence = [np.concatenate([*step, np.roll(odd, t)]) for t, step in enumerate(zip(*sequences))][:60]
    x = np.random.default_rng(2).normal(size=sequence[0].size).astype(dtype)
    on_numpy, by_loops = both_ways(case.ours(None), sequence, x)
    assert by_loops == on_numpy


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 31, 33, 100])
def test_every_length_is_done_to_its_end(size):
    rng = np.random.default_rng(size)
    sequence = [rng.normal(size=size).astype("float32") for _ in range(3)]
    on_numpy, by_loops = both_ways(optimizer.Adam(), sequence, rng.normal(size=size).astype("float32"))
    assert by_loops == on_numpy


SETTINGS = {
    "plain": {},
    "L2": {"weight_decay": 0.1},
    "L1": {"weight_decay": paddle.regularizer.L1Decay(0.1)},
    "clipped": {"grad_clip": paddle.nn.ClipGradByGlobalNorm(0.5)},
    "clipped, L2": {"grad_clip": paddle.nn.ClipGradByValue(0.5), "weight_decay": 0.1},
}


def steps(make, monkeypatch, compiled: bool, gradients=None):
    """The path of an optimizer of Paddle tensors, and the optimizer."""
    monkeypatch.setattr(one_pass, "WORTH_COMPILING", 1 if compiled else math.inf)
    parameters = parameters_like("float32")
    made = make(parameters)
    return run(made, parameters, gradients or list(GRADIENTS["six decades"]("float32"))[:20]), made


def same_both_ways(make, monkeypatch, compiled=True, gradients=None):
    on_numpy, by_numpy = steps(make, monkeypatch, compiled=False, gradients=gradients)
    by_loops, made = steps(make, monkeypatch, compiled=True, gradients=gradients)
    assert (by_numpy.compiled, made.compiled) == (False, compiled)
    np.testing.assert_array_equal(by_loops, on_numpy)
    for ours, theirs in zip(made.states_in_use(), by_numpy.states_in_use()):
        assert (ours.t, ours.scalars, bits(ours.arrays.values())) == (
            theirs.t,
            theirs.scalars,
            bits(theirs.arrays.values()),
        )


@pytest.mark.parametrize("more", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("case", COMPILED, **BY_LABEL)
def test_an_optimizer_takes_the_same_path_compiled_or_not(case, more, monkeypatch):
    if case.ours(None).decoupled or "weight_decay" not in case.arguments:
        more = {name: value for name, value in more.items() if name != "weight_decay"}
    same_both_ways(lambda parameters: case.ours(parameters, **more), monkeypatch)


@pytest.mark.filterwarnings("ignore:set_lr has no effect on Rprop")
@pytest.mark.parametrize("case", COMPILED, **BY_LABEL)
def test_what_changes_between_two_steps_is_seen(case, monkeypatch):
    """The learning rate and every hyper-parameter that is a number, by hand and in the middle of a run."""

    def change(step, made):
        if step == 4:
            made.set_lr(0.02)
        if step == 8:
            for name in made.hyperparameters:
                if type(vars(made).get(name)) is float:
                    setattr(made, name, 0.5 * getattr(made, name))

    paths = []
    for elements in (1, math.inf):
        monkeypatch.setattr(one_pass, "WORTH_COMPILING", elements)
        parameters = parameters_like("float32")
        paths.append(run(case.ours(parameters), parameters, list(GRADIENTS["random"]("float32"))[:12], change))
    np.testing.assert_array_equal(*paths)


def test_a_subclass_of_a_rule_that_is_always_the_same_may_look_at_the_step(monkeypatch):
    class Fading(optimizer.Momentum):
        def rule(self, x, g, s, lr):
            return super().rule(x, g / s.t, s, lr)

    same_both_ways(lambda parameters: Fading(0.1, parameters=parameters), monkeypatch)


def test_rules_that_say_they_are_always_the_same_do_not_look_at_the_step():
    own = [each for each in vars(optimizer).values() if isinstance(each, type) and vars(each).get("same_at_every_step")]
    for cls in own:
        source = inspect.getsource(cls.rule)
        assert "s.t" not in source and "rule(" not in source.partition("\n")[2].replace("Momentum.rule(", "")
    assert {cls.__name__ for cls in own} == {"SGD", "Momentum", "SGDW", "Adagrad", "RMSProp", "Adadelta", "Rprop"}


class NormClippedByPaddle(paddle.nn.ClipGradByGlobalNorm):
    """Of a class of its own: what it does is left to it."""


class ValueClippedByPaddle(paddle.nn.ClipGradByValue):
    """Of a class of its own: what it does is left to it."""


CLIPS = [
    (paddle.nn.ClipGradByGlobalNorm(0.3), NormClippedByPaddle(0.3)),
    (paddle.nn.ClipGradByValue(max=0.7, min=-0.1), ValueClippedByPaddle(max=0.7, min=-0.1)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gradients", ["six decades", "huge", "zero", "nan"])
@pytest.mark.parametrize("clips", CLIPS, ids=lambda clips: type(clips[0]).__name__)
def test_clipping_in_the_pass_gives_the_bits_of_paddles_clip(clips, gradients, dtype):
    """In two groups, each with its own norm, and with a parameter that is not to be clipped."""
    values = list(GRADIENTS["huge" if gradients == "nan" else gradients](dtype))[:10]
    if gradients == "nan":
        values[5][0][0, 0] = np.nan
    paths = []
    for clip in clips:
        parameters = [*parameters_like(dtype), *parameters_like(dtype)]
        parameters[1].need_clip = False
        groups = [{"params": parameters[:3]}, {"params": parameters[3:], "learning_rate": 0.5}]
        made = optimizer.Momentum(0.01, parameters=groups, grad_clip=clip)
        paths.append(run(made, parameters, [[*each, *(2 * value for value in each)] for each in values]))
        assert made.compiled
    np.testing.assert_array_equal(*paths)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("elements", [1, math.inf], ids=["compiled", "NumPy"])
def test_a_clip_that_changes_in_the_middle_is_followed(elements, dtype, monkeypatch):
    """Bounds, norm, and which parameters are clipped: Paddle looks at them in every step."""
    monkeypatch.setattr(one_pass, "WORTH_COMPILING", elements)
    for ours, theirs in copy.deepcopy(CLIPS):
        paths = []
        for clip in (ours, theirs):
            parameters = parameters_like(dtype)

            def change(step, made, clip=clip, parameters=parameters):
                if step == 3:
                    clip.max, clip.min, clip.clip_norm = 0.2, -0.3, 0.05
                if step in (6, 9):
                    parameters[0].need_clip = step == 9

            made = optimizer.Momentum(0.01, parameters=parameters, grad_clip=clip)
            paths.append(run(made, parameters, list(GRADIENTS["six decades"](dtype))[:12], change))
        np.testing.assert_array_equal(*paths)


def test_a_copy_clips_as_the_original(monkeypatch):
    for copied in (copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))):
        parameters = parameters_like("float32")
        gradients = list(GRADIENTS["random"]("float32"))[:6]
        made = optimizer.Adam(0.01, parameters=parameters, grad_clip=paddle.nn.ClipGradByGlobalNorm(0.3))
        run(made, parameters, gradients[:3])
        twin = copied(made)
        np.testing.assert_array_equal(
            run(twin, twin._parameters(), gradients[3:]), run(made, parameters, gradients[3:])
        )


def test_groups_with_settings_of_their_own(monkeypatch):
    def grouped(parameters):
        first, second, third = parameters
        return optimizer.Adam(
            0.1, parameters=[{"params": [first], "amsgrad": True}, {"params": [second, third], "learning_rate": 0.1}]
        )

    same_both_ways(grouped, monkeypatch)


def test_cut_and_joined_on_two_cores(monkeypatch):
    for name, value in {"WORTH_JOINING": 4, "FOR_LOOPS": 8, "WORTH_SHARING": 1, "CORES": 2}.items():
        monkeypatch.setattr(blocks, name, value)
    blocks._workers.cache_clear()
    same_both_ways(lambda parameters: optimizer.NAdam(parameters=parameters), monkeypatch)
    blocks._workers().shutdown()
    blocks._workers.cache_clear()


def test_a_parameter_that_sits_out_and_one_that_is_replaced(monkeypatch):
    gradients = [
        [None if (step + place) % 3 == 0 else value for place, value in enumerate(values)]
        for step, values in enumerate(list(GRADIENTS["random"]("float32"))[:12])
    ]
    same_both_ways(lambda parameters: optimizer.Adam(parameters=parameters), monkeypatch, gradients=gradients)


@pytest.mark.parametrize("at_first", [True, False])
def test_a_run_changes_over_in_the_middle(at_first, monkeypatch):
    """Saved by loops and resumed on NumPy, or the other way round, and copied."""
    gradients = list(GRADIENTS["random"]("float32"))[:12]
    unbroken, _ = steps(lambda parameters: optimizer.Adam(parameters=parameters), monkeypatch, False, gradients)
    monkeypatch.setattr(one_pass, "WORTH_COMPILING", 1 if at_first else math.inf)
    parameters = parameters_like("float32")
    made = optimizer.Adam(parameters=parameters)
    run(made, parameters, gradients[:6])
    saved = made.state_dict()
    moments = {key: np.array(value) for key, value in saved.items()}
    twin = copy.deepcopy(made)
    monkeypatch.setattr(one_pass, "WORTH_COMPILING", math.inf if at_first else 1)
    resumed = optimizer.Adam(parameters=parameters)
    resumed.set_state_dict(saved)
    np.testing.assert_array_equal(run(resumed, parameters, gradients[6:])[-1], unbroken[-1])
    assert (made.compiled, resumed.compiled) == (at_first, not at_first)
    np.testing.assert_array_equal(run(twin, twin._parameters(), gradients[6:])[-1], unbroken[-1])
    for key, value in saved.items():
        np.testing.assert_array_equal(value, moments[key], err_msg="what was saved changes with a further step")


# ---------------------------------------------------------------------- a learner's own rule


def of_rule(function, **attributes):
    """An optimizer class with this rule and one slot."""
    return type("Own", (optimizer.Optimizer,), {"slots": ("a",), "rule": function, **attributes})


def centred(self, x, g, s, lr):
    s.a = np.maximum(0.9 * s.a, np.abs(g))
    return x - lr * np.sign(g) * sqrt(s.a) / (1 + abs(-g) ** 0.5)


def in_place(self, x, g, s, lr):
    s.a *= 0.5
    s.a += g
    x -= lr * s.a
    return x


def with_choices(self, x, g, s, lr):
    s.a = np.where(g > s.a, 0.5, s.a) + np.where(g <= 0, g, minimum(s.a, 2.0))
    return np.clip(x, -1, 1) - lr * np.where(np.less(g, 0), s.a**2, maximum(g, s.a**-1))


def with_helper_and_branch(self, x, g, s, lr):
    def damped(value, by=3):
        return value / by if s.t > 3 else value * np.float32(1).item()

    s.a = np.square(damped(g)) + np.negative(s.a)
    return x - math.sqrt(lr) * damped(np.reciprocal(1 + s.a * s.a))


def without_numbers(self, x, g, s, lr):
    return x - g


def swapped(self, x, g, s, lr):
    s.a, x = x, s.a
    return x - g


@pytest.mark.parametrize("rule", [centred, in_place, with_choices, with_helper_and_branch, without_numbers, swapped])
def test_a_learners_own_rule_is_compiled(rule, monkeypatch):
    same_both_ways(lambda parameters: of_rule(rule)(0.1, parameters=parameters, weight_decay=0.01), monkeypatch)


def test_a_subclass_that_calls_its_parents_rule_is_compiled(monkeypatch):
    class Cautious(optimizer.Adam):
        def rule(self, x, g, s, lr):
            step = super().rule(x, g, s, lr) - x
            return x + np.where(step * g < 0, step, 0.5 * step)

    same_both_ways(lambda parameters: Cautious(parameters=parameters), monkeypatch)


kept = []


def mean(self, x, g, s, lr):
    return x - lr * (g - g.mean())


def mean_by_numpy(self, x, g, s, lr):
    return x - lr * (g - np.mean(g))


def norm(self, x, g, s, lr):
    return x - lr * g / (1 + float(np.linalg.norm(g)))


def dot(self, x, g, s, lr):
    return x - lr * np.vdot(g, x) * g


def exponential(self, x, g, s, lr):
    return x - lr * np.exp(-(g * g))


def if_on_an_array(self, x, g, s, lr):
    return x - lr * g if (g > -1e9).all() else x


def number_of_numpy(self, x, g, s, lr):
    return x - np.sqrt(lr) * g


def array_of_its_own(self, x, g, s, lr):
    return x - lr * g * np.float32([0.5])


def keeps_arrays(self, x, g, s, lr):
    kept.append(lr * g)
    return x - kept[-1]


def keeps_in_the_state(self, x, g, s, lr):
    s.last = getattr(s, "last", 0.0) * 0.5 + g
    return x - lr * s.last


def prints(self, x, g, s, lr):
    builtins.print(g[:1])
    return x - lr * g


def formats(self, x, g, s, lr):
    assert len(f"{g}") > 3
    return x - lr * g


def slot_becomes_a_number(self, x, g, s, lr):
    s.a = np.zeros_like(x)
    return x - lr * g


def multiplies_by_a_condition(self, x, g, s, lr):
    return x - lr * (g > 0) * g


def sums_up(self, x, g, s, lr):
    return x - lr * g * float(np.sum(abs(g)) > 1)


def asks_for_the_size(self, x, g, s, lr):
    return x - lr * g / g.size


def asks_whether_any(self, x, g, s, lr):
    return np.where(np.any(g > 0.5), x - lr * g, x)


def compares_a_condition(self, x, g, s, lr):
    return x - lr * g if np.size((g > 0) == True) else x  # noqa: E712


def prints_a_condition(self, x, g, s, lr):
    return x - lr * g * len(str(g > 0))


def another_loop_at_every_step(self, x, g, s, lr):
    for _ in range(s.t):
        x = x - lr * g
    return x


NOT_COMPILED = [
    *[mean, mean_by_numpy, norm, dot, exponential, if_on_an_array, number_of_numpy, array_of_its_own, keeps_arrays],
    *[keeps_in_the_state, prints, formats, slot_becomes_a_number, multiplies_by_a_condition, sums_up],
    *[asks_for_the_size, asks_whether_any, compares_a_condition, prints_a_condition, another_loop_at_every_step],
]


@pytest.mark.parametrize("rule", NOT_COMPILED)
def test_what_no_loop_has_runs_on_numpy(rule, monkeypatch):
    same_both_ways(lambda parameters: of_rule(rule)(0.1, parameters=parameters), monkeypatch, compiled=False)


def test_a_gradient_that_a_rule_changes_is_changed():
    def rule(self, x, g, s, lr):
        g *= 0.5
        return x - lr * g

    s = SimpleNamespace(a=np.zeros(3), t=1)
    assert one_pass.fused(lambda x, g, s: rule(None, x, g, s, 0.1), s, ("a",), np.dtype("float64"), set()) is None


def test_a_rule_that_can_not_be_compiled_is_tried_once(monkeypatch):
    calls = []

    def rule(self, x, g, s, lr):
        calls.append(type(g))
        return x - lr * g.mean()

    steps(lambda parameters: of_rule(rule)(0.1, parameters=parameters), monkeypatch, compiled=True)
    assert calls.count(np.ndarray) == len(calls) - 1 == 20


def test_an_error_of_a_rule_is_the_one_of_numpy():
    parameter = paddle.ones([3])
    parameter.stop_gradient, parameter.grad = False, paddle.ones([3])
    with pytest.raises(ZeroDivisionError):
        of_rule(lambda self, x, g, s, lr: x - 1 / (s.t - 1))(0.1, parameters=[parameter]).step()


arrays = st.sampled_from(["x", "g", "s.a", "s.b"])
numbers = st.sampled_from(["2", "0.1", "-3", "lr", "s.t", "0.0"])
functions = ["np.abs({})", "np.sqrt(np.abs({}))", "np.sign({})", "-({})", "({}) ** 2", "np.square({})"]
pairs = ["({} + {})", "({} - {})", "({} * {})", "({} / {})", "np.maximum({}, {})", "np.minimum({}, {})"]
formulas = st.recursive(
    arrays,
    lambda inner: st.one_of(
        st.builds(str.format, st.sampled_from(functions), inner),
        st.builds(str.format, st.sampled_from(pairs), inner, inner | numbers),
        st.builds(str.format, st.sampled_from(pairs[:4]), numbers, inner),
        st.builds("np.where({} < {}, {}, {})".format, inner, inner | numbers, inner, inner | numbers),
    ),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None)
@given(formulas, formulas, formulas)
def test_any_formula_of_these_functions_gives_the_same_bits(new_a, new_b, new_x):
    space = {"np": np}
    exec(f"def rule(x, g, s, lr):\n s.a, s.b = {new_a}, {new_b}\n return {new_x}", space)
    rng = np.random.default_rng(0)
    made = SimpleNamespace(
        **{"slots": ("a", "b"), "scalars": {}, "rule": space["rule"]},
        fresh_state=lambda x: SimpleNamespace(a=x + 1, b=x * 2, t=0),
    )
    sequence = [np.concatenate([rng.normal(size=40), ODD[:7]]).astype("float32") for _ in range(3)]
    on_numpy, by_loops = both_ways(made, sequence, rng.normal(size=47).astype("float32"))
    assert by_loops == on_numpy


# ---------------------------------------------------------------------- when, and where loops are kept


def test_compiled_tells_what_the_last_step_was(monkeypatch):
    monkeypatch.undo()
    for size, expected in ((one_pass.WORTH_COMPILING - 1, False), (one_pass.WORTH_COMPILING, True)):
        parameter = paddle.zeros([size])
        parameter.stop_gradient, parameter.grad = False, paddle.ones([size])
        made = optimizer.SGD(0.1, parameters=[parameter])
        assert made.compiled is None
        made.step()
        assert made.compiled is expected
    assert optimizer.SGD(0.1).compiled is None


@pytest.mark.parametrize("case", [case for case in CASES + OWN if case not in COMPILED], **BY_LABEL)
def test_a_rule_that_looks_at_more_than_an_element_runs_on_numpy(case, monkeypatch):
    same_both_ways(case.ours, monkeypatch, compiled=False)


def test_without_numba_everything_runs_on_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    one_pass._numba_is_there.cache_clear()
    same_both_ways(lambda parameters: optimizer.Adam(parameters=parameters), monkeypatch, compiled=False)
    one_pass._numba_is_there.cache_clear()


def test_the_loop_can_be_read():
    made = optimizer.Momentum(0.1)
    s = made.fresh_state(np.zeros(1))
    loop, numbers, scalars = one_pass.record(lambda x, g, s: made.rule(x, g, s, 0.1), s, made.slots)
    assert loop.text == (
        "def loop(x, g, s_velocity, c):\n"
        "    c0, c1 = c[0], c[1]\n"
        "    for i in range(x.size):\n"
        "        t0 = c0 * s_velocity[i]\n"
        "        t1 = t0 + g[i]\n"
        "        t2 = c1 * t1\n"
        "        t3 = x[i] - t2\n"
        "        s_velocity[i], x[i] = t1, t3\n"
    )
    assert (numbers, scalars) == ([0.9, 0.1], {"t": 0})


def loop_of(made):
    s = made.fresh_state(np.zeros(1, "float32"))
    s.t = 1
    return one_pass.record(lambda x, g, s: made.rule(x, g, s, 0.1), s, made.slots)[0]


def compiled_anew(loop):
    """Compile as a new process would, which has nothing in memory."""
    one_pass.compiled.cache_clear()
    return one_pass.compiled(loop, np.dtype("float32"))


def hits(machine_code) -> int:
    return sum(machine_code.stats.cache_hits.values())


def test_a_loop_is_compiled_once_and_then_read_from_disk(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LOOPS_DIR", str(tmp_path / "new"))
    loop = loop_of(optimizer.Adagrad(0.1))
    assert [hits(compiled_anew(loop)), hits(compiled_anew(loop))] == [0, 1]
    (source,) = (tmp_path / "new").glob("*.py")
    assert source.read_text(encoding="utf-8") == loop.text


def computes(machine_code):
    x, g = np.ones(3, "float32"), np.full(3, 2, "float32")
    machine_code(x, g, np.array([0.5], "float32"))
    return x.tolist() == [0, 0, 0]


def test_damaged_files_are_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LOOPS_DIR", str(tmp_path))
    loop = loop_of(optimizer.SGD(0.1))
    compiled_anew(loop)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix != ".py":
            path.write_bytes(b"damaged")
    assert computes(compiled_anew(loop))
    (source,) = tmp_path.glob("*.py")
    source.write_text("def loop(x, g, c):\n    x[0] = 7\n", encoding="utf-8")
    assert computes(compiled_anew(loop))


def test_where_nothing_can_be_written_the_loop_is_compiled_in_memory(monkeypatch, tmp_path):
    file = tmp_path / "a file"
    file.write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_LOOPS_DIR", str(file / "loops"))
    assert computes(compiled_anew(loop_of(optimizer.SGD(0.1))))


def test_a_folder_that_is_read_only(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LOOPS_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))

    def refused(path, content):
        raise PermissionError(13, "read-only file system")

    monkeypatch.setattr(one_pass, "write_atomically", refused)
    assert computes(compiled_anew(loop_of(optimizer.SGD(0.1))))
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import numpy as np, paddle
from course_lib import optimizer
x = paddle.ones([20_000])
x.stop_gradient, x.grad = False, paddle.full([20_000], 2.0)
made = optimizer.Adam(parameters=[x])
made.step()
print(made.compiled, repr(float(x[0])))
"""


def test_processes_may_compile_at_the_same_time(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_LOOPS_DIR", str(tmp_path / "shared"))
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    root = Path(__file__).resolve().parent.parent
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)]
    outputs = {other.communicate()[0] for other in others}
    assert len(outputs) == 1
    assert outputs.pop().startswith("True")
