"""L-BFGS: each iteration against Paddle's, the line search against Paddle's, the two loops against the matrices."""

from __future__ import annotations

import copy
import pickle
from functools import cache
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizer_table import deviation
from paddle.optimizer import lbfgs as paddles

from course_lib import optimizer, surfaces
from course_lib.optimizer import lbfgs, line_search, two_loop
from course_lib.optimizer.line_search import Point

MODULES = {"course": optimizer, "paddle": paddle.optimizer}
modules = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
WOLFE = {"line_search_fn": "strong_wolfe"}

# ---------------------------------------------------------------------- three problems, each in any precision


@cache
def curvatures(n, dtype):
    """A symmetric matrix with eigenvalues from 1 to 100."""
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(n, n)))
    return paddle.to_tensor(rotation @ np.diag(np.logspace(0, 2, n)) @ rotation.T, dtype)


def a_quadratic(dtype):
    (x,) = parameters = tensors(dtype, np.arange(1.0, 9.0))
    return parameters, lambda: (x @ (curvatures(8, dtype) @ x)) / 2


def rosenbrock(dtype):
    (x,) = parameters = tensors(dtype, [-1.2, 1.0])
    return parameters, lambda: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def a_network(dtype):
    rng = np.random.default_rng(1)
    inputs = paddle.to_tensor(rng.normal(size=(40, 3)), dtype)
    targets = paddle.sin(inputs.sum(axis=1, keepdim=True))
    w, b, v = parameters = tensors(dtype, rng.normal(size=(3, 6)), np.zeros(6), rng.normal(size=(6, 1)))
    return parameters, lambda: ((paddle.tanh(inputs @ w + b) @ v - targets) ** 2).mean()


PROBLEMS = [a_quadratic, rosenbrock, a_network]


def tensors(dtype, *values):
    return [paddle.to_tensor(value, dtype=dtype, stop_gradient=False) for value in values]


def closure_of(made, loss_of):
    def closure():
        made.clear_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return closure


def descend(module, problem, dtype="float64", steps=5, **more):
    """The parameters after each step, all losses, and what the optimizer has counted."""
    parameters, loss_of = problem(dtype)
    made = module.LBFGS(parameters=parameters, **more)
    path, losses, closure = [flat(parameters)], [], closure_of(made, loss_of)
    for _ in range(steps):
        losses.append(made.step(closure).item())
        path.append(flat(parameters))
    state = made.state_dict()["state"]
    return SimpleNamespace(path=np.array(path), losses=losses, counts=(state["n_iter"], state["func_evals"]))


def flat(parameters):
    return np.concatenate([parameter.numpy().reshape(-1).astype("float64") for parameter in parameters])


# ---------------------------------------------------------------------- parity with Paddle

# (iterations in a step, steps); the first shows every iteration
PACES = [(1, 30), (3, 10), (10, 3)]
TOLERANCE64, TOLERANCE32 = 1e-7, 5e-4  # most are below 1e-11 in float64; some paths magnify the last bit, see below


@pytest.mark.parametrize("history_size", [2, 100])
@pytest.mark.parametrize(("max_iter", "steps"), PACES)
@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_iteration_is_paddles(problem, line_search_fn, max_iter, steps, history_size):
    settings = {"line_search_fn": line_search_fn, "max_iter": max_iter, "history_size": history_size}
    ours, theirs = (descend(module, problem, steps=steps, **settings) for module in MODULES.values())
    assert deviation(ours.path, theirs.path) <= TOLERANCE64
    assert ours.counts == theirs.counts
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-5, atol=1e-12)


def nudged_network(dtype):
    parameters, loss_of = a_network(dtype)
    for parameter in parameters:
        parameter.set_value(parameter.numpy() * (1 + 2e-16))
    return parameters, loss_of


def test_where_the_last_bit_grows_it_grows_in_paddle_as_well():
    """After 60 iterations with two pairs: Paddle's own path is as far from itself if its start differs by that bit."""
    settings = {"max_iter": 20, "steps": 3, "history_size": 2, **WOLFE}
    ours, theirs = (descend(module, a_network, **settings).path for module in MODULES.values())
    apart = deviation(descend(paddle.optimizer, nudged_network, **settings).path, theirs)
    assert deviation(ours, theirs) <= max(100 * apart, TOLERANCE64)


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_float32(problem, line_search_fn):
    """Only for some steps: how a difference of the last bit grows is shown above."""
    settings = {"line_search_fn": line_search_fn, "max_iter": 1, "steps": 6, "dtype": "float32"}
    ours, theirs = (descend(module, problem, **settings) for module in MODULES.values())
    assert deviation(ours.path, theirs.path) <= TOLERANCE32


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 0.3},
        {"learning_rate": 0.3, **WOLFE},
        {"learning_rate": 5.0, **WOLFE},
        {"max_eval": 1},
        {"max_eval": 1, **WOLFE},
        {"max_eval": 7, **WOLFE},
        {"tolerance_grad": 1.0, **WOLFE},
        {"tolerance_change": 1e-2, **WOLFE},
        {"tolerance_change": 1e-2},
    ],
    ids=str,
)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_other_settings(problem, settings):
    ours, theirs = (descend(module, problem, max_iter=10, **settings) for module in MODULES.values())
    assert deviation(ours.path, theirs.path) <= TOLERANCE64
    assert ours.counts == theirs.counts


def test_the_first_two_iterations_by_hand():
    """Of x², from 3: the gradient is 6, so the first step is cut to 1; it shows the curvature 2, and 2 - 4/2 = 0."""
    (x,) = tensors("float64", [3.0])
    made = optimizer.LBFGS(max_iter=1, parameters=[x])
    closure = closure_of(made, lambda: (x * x).sum())
    found = []
    for _ in range(2):
        made.step(closure)
        found.append(x.item())
    assert found == [2.0, 0.0]


def test_settings_are_looked_at():
    """Otherwise the comparisons above would show little."""
    ends = [descend(optimizer, rosenbrock, max_iter=1, steps=12, **s).path[-1] for s in ({}, WOLFE)]
    assert np.abs(ends[0] - ends[1]).max() > 0.1
    ends = [descend(optimizer, a_network, max_iter=1, steps=12, history_size=m).path[-1] for m in (2, 100)]
    assert np.abs(ends[0] - ends[1]).max() > 0.01


# ---------------------------------------------------------------------- wrong variants are caught


def oldest_pair_first(g, pairs):
    return two_loop.two_loop(g, pairs[::-1])


def no_first_guess(g, pairs):
    q, shares = g, []
    for s, y in reversed(pairs):
        shares.append((s @ q) / (s @ y))
        q = q - shares[-1] * y
    for (s, y), share in zip(pairs, reversed(shares)):
        q = q + (share - (y @ q) / (s @ y)) * s
    return q


def shares_in_the_wrong_order(g, pairs):
    q, shares = g, []
    for s, y in reversed(pairs):
        shares.append((s @ q) / (s @ y))
        q = q - shares[-1] * y
    r = two_loop.first_guess(pairs) * q
    for (s, y), share in zip(pairs, shares):
        r = r + (share - (y @ r) / (s @ y)) * s
    return r


def only_the_first_loop(g, pairs):
    for s, y in reversed(pairs):
        g = g - (s @ g) / (s @ y) * y
    return two_loop.first_guess(pairs) * g


def newest_pair_only(g, pairs):
    return two_loop.two_loop(g, pairs[-1:])


WRONG = [oldest_pair_first, no_first_guess, shares_in_the_wrong_order, only_the_first_loop, newest_pair_only]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_loops_fail_the_comparison(wrong, monkeypatch):
    theirs = descend(paddle.optimizer, a_quadratic, max_iter=1, steps=12, **WOLFE)
    monkeypatch.setattr(lbfgs, "two_loop", wrong)
    assert deviation(descend(optimizer, a_quadratic, max_iter=1, steps=12, **WOLFE).path, theirs.path) > 1e-3


def test_forgotten_pairs_fail_the_comparison(monkeypatch):
    theirs = descend(paddle.optimizer, a_network, max_iter=1, steps=12)
    monkeypatch.setattr(lbfgs, "LEAST_CURVATURE", 0.1)
    assert deviation(descend(optimizer, a_network, max_iter=1, steps=12).path, theirs.path) > 1e-3


# ---------------------------------------------------------------------- the two loops

vectors = st.lists(st.floats(-3, 3, width=16), min_size=4, max_size=4).map(np.array)


@st.composite
def pairs_of_curvature(draw):
    """Pairs with s·y > 0: y is s, stretched along each coordinate."""
    stretch = st.lists(st.floats(0.25, 4), min_size=4, max_size=4).map(np.array)
    steps = draw(st.lists(vectors.filter(lambda s: s @ s > 0.1), max_size=5))
    return [(s, draw(stretch) * s) for s in steps]


@given(pairs=pairs_of_curvature(), g=vectors)
@settings(max_examples=60, deadline=None)
def test_the_two_loops_apply_the_matrix_that_bfgs_builds(pairs, g):
    identity = np.eye(4)
    s, y = pairs[-1] if pairs else (np.ones(4), np.ones(4))
    matrix = (s @ y) / (y @ y) * identity
    for s, y in pairs:
        left = identity - np.outer(s, y) / (s @ y)
        matrix = left @ matrix @ left.T + np.outer(s, s) / (s @ y)
    scale = np.abs(matrix).max() * max(1, np.abs(g).max())
    np.testing.assert_allclose(two_loop.two_loop(g, pairs), matrix @ g, rtol=1e-8, atol=1e-9 * scale)
    if pairs:
        np.testing.assert_allclose(two_loop.two_loop(y, pairs), s, atol=1e-9 * scale)


@given(
    log_curvatures=st.lists(st.floats(-1, 1), min_size=1, max_size=8),
    start=st.lists(st.floats(-5, 5), min_size=8, max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_a_quadratic_of_any_dimension_is_solved_and_every_pair_has_curvature(log_curvatures, start):
    eigenvalues = 10.0 ** np.array(log_curvatures)
    x = np.array(start[: len(eigenvalues)])
    made = optimizer.LBFGS(max_iter=200, tolerance_grad=1e-6, tolerance_change=0.0, **WOLFE)
    s, lowest = made.fresh_state(), (eigenvalues * x) @ x / 2
    for _ in range(3):
        x = made.advance(x, lambda x: (eigenvalues * x) @ x / 2, lambda x: eigenvalues * x, s, 1.0)
        loss = (eigenvalues * x) @ x / 2
        assert loss <= lowest
        lowest = loss
    assert np.abs(eigenvalues * x).max() <= 1e-5
    assert all(step @ change > 0 for step, change in s.pairs)
    assert len(s.pairs) <= made.history_size


def test_a_step_against_the_curvature_is_not_remembered():
    """On a saddle a step along the ridge makes the gradient grow: s·y < 0."""
    made, seen = optimizer.LBFGS(max_iter=1, learning_rate=0.5), []
    s, x = made.fresh_state(), np.array([1.0])
    for _ in range(3):
        x = made.advance(x, lambda x: -float(x @ x) / 2, lambda x: -x, s, 0.5)
        seen.append(x.item())
    assert (s.t, s.pairs) == (3, ())
    assert seen == [1.5, 2.25, 3.375]


# ---------------------------------------------------------------------- the line search


def both_searches(function, slope, first_step):
    """(step, loss, evaluations) of both line searches along ``function`` from 0."""
    count = [0]

    def at(step):
        count[0] += 1
        return Point(step, function(step), slope(step), None)

    start = Point(0.0, function(0.0), slope(0.0), None)
    ours = line_search.strong_wolfe(at, start, first_step, reach=1.0)

    def objective(x, step, direction):
        step = float(step)
        return function(step), paddle.to_tensor([slope(step)], "float64")

    one, gradient = paddle.ones([1], "float64"), paddle.to_tensor([start.slope], "float64")
    loss, _, step, evaluations = paddles._strong_wolfe(
        objective, None, paddle.to_tensor(first_step, "float64"), one, start.loss, gradient, gradient.sum()
    )
    return (ours.step, ours.loss, count[0]), (float(step), loss, evaluations)


LINES = {
    "parabola": (lambda a: (a - 3) ** 2, lambda a: 2 * (a - 3)),
    "straight": (lambda a: -2 * a, lambda a: -2.0),
    "steep wall": (lambda a: np.exp(min(a, 500.0)) - 3 * a, lambda a: np.exp(min(a, 500.0)) - 3),
    "kink": (lambda a: max(-a, 5 * a - 6), lambda a: -1.0 if a < 1 else 5.0),
    "no good step": (lambda a: -a if a == 0 else 1.0, lambda a: -1.0),
    "steps": (lambda a: -a if a < 1 else -1.0 - 1e-3 * (a // 2), lambda a: -1.0),
    "NaN beyond": (lambda a: -a if a <= 2 else float("nan"), lambda a: -1.0 if a <= 2 else float("nan")),
    "slope that lies": (lambda a: -0.3 * a, lambda a: -1.0 - a),
}


FIRST_STEPS = [1e-6, 0.1, 1.0, 2.5, 40.0]


@pytest.mark.parametrize("first_step", FIRST_STEPS)
@pytest.mark.parametrize("name", LINES)
def test_odd_lines_are_searched_as_by_paddle(name, first_step):
    ours, theirs = both_searches(*LINES[name], first_step)
    assert ours[2] == theirs[2]
    np.testing.assert_allclose(ours[:2], theirs[:2], rtol=1e-9)


CHANGES = {"FLAT_ENOUGH": 0.3, "ENOUGH_FALL": 0.6, "MARGIN": 0.3, "MOST_TURNS": 10, "SHORTEST_MOVE": 1e-2}


@pytest.mark.parametrize("constant", CHANGES)
def test_another_line_search_is_told_from_paddles(constant, monkeypatch):
    monkeypatch.setattr(line_search, constant, CHANGES[constant])
    pairs = [both_searches(*line, first_step) for line in LINES.values() for first_step in FIRST_STEPS]
    assert any(ours[2] != theirs[2] for ours, theirs in pairs)


@given(
    waves=st.lists(st.tuples(st.floats(-2, 2), st.floats(0.2, 5), st.floats(0, 6)), min_size=1, max_size=4),
    bowl=st.floats(0.05, 2),
    first_step=st.floats(0.01, 10),
)
@settings(max_examples=150, deadline=None)
def test_wavy_lines_are_searched_as_by_paddle_and_the_step_is_good(waves, bowl, first_step):
    def function(a):
        return float(bowl * a * a - 4 * a + sum(h * np.sin(w * a + p) for h, w, p in waves))

    def slope(a):
        return float(2 * bowl * a - 4 + sum(h * w * np.cos(w * a + p) for h, w, p in waves))

    if slope(0.0) > -0.1:
        return
    ours, theirs = both_searches(function, slope, first_step)
    assert ours[2] == theirs[2]
    np.testing.assert_allclose(ours[:2], theirs[:2], rtol=1e-6, atol=1e-9)
    if ours[2] < line_search.MOST_TURNS:
        step, loss, _ = ours
        assert loss <= function(0.0) + 1e-4 * step * slope(0.0)
        assert abs(slope(step)) <= 0.9 * abs(slope(0.0)) + 1e-6


def test_a_learning_rate_of_zero_moves_nothing():
    for more in ({}, WOLFE):
        run = descend(optimizer, rosenbrock, learning_rate=0.0, **more)
        np.testing.assert_array_equal(run.path, np.tile(run.path[0], (6, 1)))


# ---------------------------------------------------------------------- on a surface


@pytest.mark.parametrize("more", [{}, WOLFE], ids=["fixed", "wolfe"])
def test_its_path_on_a_surface_is_paddles(more):
    theirs = descend(paddle.optimizer, rosenbrock, max_iter=1, steps=30, **more).path
    path = surfaces.trajectory(optimizer.LBFGS(max_iter=1, **more), "rosenbrock", 30)
    assert deviation(path, theirs) <= TOLERANCE64


def test_many_iterations_in_one_step_go_as_far_as_many_steps():
    single, many = (
        surfaces.trajectory(optimizer.LBFGS(max_iter=n, max_eval=1000, **WOLFE), "rosenbrock", steps)
        for n, steps in ((1, 36), (12, 3))
    )
    np.testing.assert_allclose(many, single[::12], atol=1e-9)


def test_noise_tilts_the_surface_by_one_slope_in_a_step():
    """The minimum of a tilted bowl lies where the tilt is; L-BFGS finds it in one step."""
    made = optimizer.LBFGS(max_iter=50, **WOLFE)
    path = surfaces.trajectory(made, "bowl", 1, noise=0.5, seed=3)
    np.testing.assert_allclose(path[1], -0.5 * np.random.default_rng(3).standard_normal(2), atol=1e-6)


def test_one_gradient_makes_no_step():
    with pytest.raises(NotImplementedError, match="LBFGS asks for loss and gradient several times in a step"):
        optimizer.LBFGS().rule(np.ones(2), np.ones(2), None, 1.0)


# ---------------------------------------------------------------------- saving and resuming

HALVES = pytest.mark.parametrize("dtype", ["float32", "float64"])
SETTINGS = pytest.mark.parametrize("more", [{}, WOLFE, {"history_size": 3}], ids=["fixed", "wolfe", "short"])


def half_way(start, dtype, more, steps=4):
    """A run of ``start`` up to its middle: parameters, optimizer, closure."""
    parameters, loss_of = a_network(dtype)
    made = start.LBFGS(max_iter=2, parameters=parameters, **more)
    closure = closure_of(made, loss_of)
    for _ in range(steps):
        made.step(closure)
    return parameters, loss_of, made


def go_on(made, parameters, loss_of, steps=4):
    for _ in range(steps):
        made.step(closure_of(made, loss_of))
    return flat(parameters)


@HALVES
@SETTINGS
def test_a_resumed_run_equals_the_unbroken_one_bit_for_bit(dtype, more, tmp_path):
    unbroken = half_way(optimizer, dtype, more)
    expected = go_on(unbroken[2], *unbroken[:2])
    parameters, loss_of, made = half_way(optimizer, dtype, more)
    path = str(tmp_path / "state.pdopt")
    paddle.save(made.state_dict(), path)
    resumed = optimizer.LBFGS(max_iter=2, parameters=parameters, **more)
    resumed.set_state_dict(paddle.load(path))
    np.testing.assert_array_equal(go_on(resumed, parameters, loss_of), expected)


@HALVES
@SETTINGS
@pytest.mark.parametrize("start", MODULES.values(), ids=MODULES)
@pytest.mark.parametrize("end", MODULES.values(), ids=MODULES)
def test_change_over(start, end, dtype, more, tmp_path):
    unbroken = half_way(paddle.optimizer, dtype, more)
    expected = go_on(unbroken[2], *unbroken[:2])
    parameters, loss_of, made = half_way(start, dtype, more)
    path = str(tmp_path / "state.pdopt")
    paddle.save(made.state_dict(), path)
    saved = paddle.load(path)
    resumed = end.LBFGS(max_iter=2, parameters=parameters, **more)
    if end is optimizer:
        resumed.set_state_dict(saved)
    else:
        resumed.state.update(saved["state"])  # its set_state_dict does nothing
    tolerance = 1e-9 if dtype == "float64" else 5e-3
    np.testing.assert_allclose(go_on(resumed, parameters, loss_of), expected, rtol=tolerance, atol=tolerance)


def test_the_state_matters():
    """Without it a run goes on otherwise: the tests above compare something."""
    parameters, loss_of, made = half_way(optimizer, "float64", WOLFE)
    expected = go_on(made, parameters, loss_of)
    parameters, loss_of, _ = half_way(optimizer, "float64", WOLFE)
    fresh = optimizer.LBFGS(max_iter=2, parameters=parameters, **WOLFE)
    assert np.abs(go_on(fresh, parameters, loss_of) - expected).max() > 1e-3


def test_the_entries_are_paddles():
    states = [half_way(module, "float64", WOLFE)[2].state_dict() for module in MODULES.values()]
    assert [list(state) for state in states] == [["state"], ["state"]]
    ours, theirs = (state["state"] for state in states)
    assert set(theirs) - set(ours) == {"al", "prev_loss"}
    assert (ours["n_iter"], ours["func_evals"]) == (theirs["n_iter"], theirs["func_evals"])
    for name in set(ours) - {"n_iter", "func_evals"}:
        np.testing.assert_allclose(np.array(ours[name]), np.array(theirs[name]), rtol=1e-6, atol=1e-12, err_msg=name)


def test_the_state_is_a_copy():
    parameters, loss_of, made = half_way(optimizer, "float64", {})
    state = made.state_dict()["state"]
    for tensor in [state["d"], state["prev_flat_grad"], *state["old_sk"], *state["old_yk"]]:
        tensor.set_value(paddle.zeros_like(tensor))
    undisturbed = half_way(optimizer, "float64", {})
    np.testing.assert_array_equal(go_on(made, parameters, loss_of), go_on(undisturbed[2], *undisturbed[:2]))


def test_before_the_first_iteration_there_is_little_to_save():
    parameters, loss_of = a_quadratic("float64")
    made = optimizer.LBFGS(parameters=parameters)
    assert made.state_dict() == {"state": {}}
    parameters[0].set_value(paddle.zeros([8], "float64"))
    made.step(closure_of(made, loss_of))
    assert made.state_dict() == {"state": {"func_evals": 1, "n_iter": 0}}
    made.set_state_dict(made.state_dict())
    made.set_state_dict({"state": {}})


def test_a_schedule_is_followed_saved_and_resumed():
    def make():
        parameters, loss_of = rosenbrock("float64")
        schedule = optimizer.lr.ExponentialDecay(0.5, gamma=0.5)
        return optimizer.LBFGS(schedule, max_iter=1, parameters=parameters), schedule, parameters, loss_of

    made, schedule, parameters, loss_of = make()
    start = flat(parameters)
    made.step(closure_of(made, loss_of))
    assert np.abs(flat(parameters) - start).sum() == pytest.approx(0.5)  # the gradient is far above 1
    schedule.step()
    resumed, fresh, *_ = make()
    resumed.set_state_dict(made.state_dict())
    assert (fresh.last_epoch, resumed.get_lr()) == (1, 0.25)
    with pytest.raises(ValueError, match="no entry 'LR_Scheduler'"):
        resumed.set_state_dict({"state": {}})


def broken(change):
    state = half_way(optimizer, "float64", {})[2].state_dict()["state"]
    change(state)
    return {"state": state}


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([1], TypeError, r"^state_dict must be a dict as state_dict\(\) returns it, got list"),
        ({}, ValueError, r"^state_dict must have the entry 'state' as LBFGS saves it, got NoneType"),
        ({"state": {"moment1": 1}}, ValueError, r"^state_dict must have the entry 'state' .* got \['moment1'\]"),
        ({"state": {"n_iter": 1.5}}, TypeError, "^state_dict's n_iter must be a whole number"),
        (broken(lambda s: s.pop("old_sk")), ValueError, "^state_dict has no 'old_sk' of LBFGS"),
        (
            broken(lambda s: s.update(d=paddle.zeros([3]))),
            ValueError,
            "^the parameters of LBFGS have 30 elements, but in state_dict there are 3: it must come from the same",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_named_and_nothing_is_changed(state, error, message):
    parameters, loss_of, made = half_way(optimizer, "float64", {})
    with pytest.raises(error, match=message):
        made.set_state_dict(state)
    undisturbed = half_way(optimizer, "float64", {})
    np.testing.assert_array_equal(go_on(made, parameters, loss_of), go_on(undisturbed[2], *undisturbed[:2]))


def test_a_shorter_memory_takes_the_newest_pairs():
    parameters, _, made = half_way(optimizer, "float64", {})
    short = optimizer.LBFGS(parameters=parameters, history_size=2)
    short.set_state_dict(made.state_dict())
    kept, all_of_them = short.state_dict()["state"]["old_sk"], made.state_dict()["state"]["old_sk"]
    assert len(all_of_them) > 2
    np.testing.assert_array_equal(np.array(kept), np.array(all_of_them[-2:]))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_a_copy_goes_on_alone(copied):
    parameters, _, made = half_way(optimizer, "float64", WOLFE)
    before = flat(parameters)
    twin = copied(made)
    assert twin.state_dict()["state"]["n_iter"] == made.state_dict()["state"]["n_iter"]
    (w, *_) = twin._parameter_list
    twin.step(closure_of(twin, lambda: (w * w).sum()))
    np.testing.assert_array_equal(flat(parameters), before)
    assert made.state_dict()["state"]["n_iter"] < twin.state_dict()["state"]["n_iter"]


# ---------------------------------------------------------------------- parameters


def two_bowls(dtype="float64"):
    x, y = tensors(dtype, [1.0, 2.0], [3.0])
    return x, y, lambda: (x * x).sum() + 2 * (y * y).sum()


@modules
def test_the_loss_before_the_step_is_returned(module):
    x, y, loss_of = two_bowls()
    made = module.LBFGS(parameters=[x, y])
    returned = made.step(closure_of(made, loss_of))
    assert isinstance(returned, paddle.Tensor) and returned.item() == 23.0


@modules
@pytest.mark.parametrize("absent", ["frozen", "unused"])
def test_what_has_no_gradient_stands_still(module, absent):
    x, y, loss_of = two_bowls()
    y.stop_gradient = absent == "frozen"
    made = module.LBFGS(parameters=[x, y], **WOLFE)
    made.step(closure_of(made, loss_of if absent == "frozen" else lambda: (x * x).sum()))
    np.testing.assert_allclose(x.numpy(), 0, atol=1e-6)
    assert y.item() == 3.0


def test_what_is_frozen_later_stands_still_whatever_is_remembered():
    x, y, loss_of = two_bowls()
    made = optimizer.LBFGS(max_iter=2, parameters=[x, y], learning_rate=0.3)
    closure = closure_of(made, loss_of)
    made.step(closure)
    y.stop_gradient, frozen_at = True, y.item()
    made.step(closure)
    assert y.item() == frozen_at != 3.0
    assert all(step[2] == change[2] == 0 for step, change in made._state.pairs)
    y.stop_gradient = False
    for _ in range(50):
        made.step(closure)
    np.testing.assert_allclose([*x.tolist(), y.item()], 0, atol=1e-3)


def test_all_groups_are_trained_and_paddle_trains_the_last_one_alone():
    ends = []
    for module in MODULES.values():
        x, y = paddle.create_parameter([2], "float64"), paddle.create_parameter([1], "float64")
        for parameter in (x, y):
            parameter.set_value(np.full(parameter.shape, 2.0))
        made = module.LBFGS(parameters=[{"params": [x]}, {"params": [y]}], **WOLFE)
        made.step(closure_of(made, lambda x=x, y=y: (x * x).sum() + (y * y).sum()))
        ends.append([x.tolist(), y.tolist()])
    np.testing.assert_allclose(ends[0][0] + ends[0][1], 0, atol=1e-6)
    assert ends[1][0] == [2.0, 2.0]


def test_set_lr_acts_here_and_not_in_paddle():
    ends = {}
    for name, module in MODULES.items():
        x, y, loss_of = two_bowls()
        made = module.LBFGS(learning_rate=1.0, max_iter=1, parameters=[x, y])
        made.set_lr(0.5)
        made.step(closure_of(made, loss_of))
        ends[name] = abs(1.0 - x.tolist()[0]) + abs(2.0 - x.tolist()[1]) + abs(3.0 - y.item())
    assert ends == {"course": pytest.approx(0.5), "paddle": pytest.approx(1.0)}


@pytest.mark.parametrize(
    "more", [{"weight_decay": 0.5}, {"grad_clip": paddle.nn.ClipGradByValue(1e-3)}], ids=["decay", "clip"]
)
def test_paddle_ignores_what_is_refused_here(more):
    plain, with_setting = (descend(paddle.optimizer, rosenbrock, **s).path for s in ({}, more))
    np.testing.assert_array_equal(with_setting, plain)
    with pytest.raises(ValueError, match=f"^{next(iter(more))} of LBFGS must be None: "):
        optimizer.LBFGS(parameters=rosenbrock("float64")[0], **more)


def test_a_schedule_fails_in_paddles_step():
    with pytest.raises(TypeError):
        descend(paddle.optimizer, rosenbrock, learning_rate=paddle.optimizer.lr.StepDecay(0.5, 3))


def with_attributes(**attributes):
    return [paddle.create_parameter([2], "float32", attr=paddle.ParamAttr(**attributes))]


X = tensors("float32", [1.0])
BAD = [
    ({"learning_rate": -0.1}, ValueError, "^learning_rate must be"),
    ({"learning_rate": "fast"}, TypeError, "^learning_rate must be a float or an LRScheduler"),
    ({"max_iter": 0}, ValueError, "^max_iter must be a whole number of at least 1, got 0"),
    ({"max_eval": 2.5}, TypeError, "^max_eval must be a whole number of at least 1, got 2.5"),
    ({"tolerance_grad": -1e-7}, ValueError, "^tolerance_grad must be"),
    ({"tolerance_change": None}, ValueError, "^tolerance_change must be"),
    ({"history_size": 0}, ValueError, "^history_size must be a whole number of at least 1, got 0"),
    ({"line_search_fn": "armijo"}, ValueError, "^line_search_fn must be one of None, 'strong_wolfe', got 'armijo'"),
    ({"parameters": X[0]}, TypeError, "^parameters must be a list of tensors"),
    ({"parameters": [*X, *tensors("float64", [1.0])]}, ValueError, "^parameters must have one dtype, got paddle.float"),
    ({"parameters": [{"params": X, "learning_rate": 0.1}]}, ValueError, "must have no learning_rate of its own"),
    ({"parameters": [{"params": X, "weight_decay": 0.1}]}, ValueError, "must have no weight_decay of its own"),
    ({"parameters": [{"params": X, "history_size": 5}]}, ValueError, "must have no history_size of its own"),
    ({"parameters": with_attributes(learning_rate=0.1)}, ValueError, "must have no learning_rate of its own"),
    (
        {"parameters": with_attributes(regularizer=paddle.regularizer.L2Decay(0.1))},
        ValueError,
        "must have no weight_decay of its own, neither by its group nor by ParamAttr",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_input_is_refused_where_it_is_given(arguments, error, message):
    with pytest.raises(error, match=message):
        optimizer.LBFGS(**{"parameters": X, **arguments})


def test_a_whole_number_as_learning_rate_and_no_decay_are_taken():
    """Paddle's documentation has learning_rate=1."""
    made = optimizer.LBFGS(learning_rate=1, weight_decay=0.0, parameters=X)
    assert (made.get_lr(), made.max_eval) == (1.0, 25)


@pytest.mark.parametrize(
    ("closure", "message"),
    [
        (None, "^closure must be a function, got None"),
        (lambda: None, r"^closure must return the loss, a tensor of one element, got None \(NoneType\)"),
        (lambda: 0.5, r"^closure must return the loss, a tensor of one element, got 0.5 \(float\)"),
        (lambda: X[0].expand([2]), r"^closure must return .* got a tensor of shape \[2\]"),
    ],
)
def test_what_is_no_closure_is_named(closure, message):
    with pytest.raises(TypeError, match=message):
        optimizer.LBFGS(parameters=X).step(closure)


def test_a_step_without_parameters_says_what_is_missing():
    with pytest.raises(ValueError, match=r"LBFGS has no parameters to update: give parameters=model\.parameters\(\)"):
        optimizer.LBFGS().step(lambda: None)


def test_where_the_closure_raises_nothing_has_happened():
    parameters, loss_of, made = half_way(optimizer, "float64", WOLFE)
    before, count = flat(parameters), iter(range(10))

    def raises_at_its_third_call():
        if next(count) == 2:
            raise ArithmeticError
        return closure_of(made, loss_of)()

    made.max_iter = made.max_eval = 10
    with pytest.raises(ArithmeticError):
        made.step(raises_at_its_third_call)
    np.testing.assert_array_equal(flat(parameters), before)
    made.max_iter = made.max_eval = 2
    undisturbed = half_way(optimizer, "float64", WOLFE)
    np.testing.assert_array_equal(go_on(made, parameters, loss_of), go_on(undisturbed[2], *undisturbed[:2]))


def test_a_parameter_that_has_been_resized_is_named():
    x, y, loss_of = two_bowls()
    made = optimizer.LBFGS(parameters=[x, y], max_iter=2)
    made.step(closure_of(made, loss_of))
    x.stop_gradient = True
    x.resize_([5], fill_zero=True)
    x.stop_gradient = False
    with pytest.raises(ValueError, match=r"have 6 elements, but in its state there are 3: make a new optimizer after"):
        made.step(closure_of(made, loss_of))


@modules
def test_minimize_is_refused(module):
    made = module.LBFGS(parameters=X)
    with pytest.raises(NotImplementedError):
        made.minimize(X[0].sum())
    with pytest.raises(NotImplementedError):
        made.apply_gradients([(X[0], X[0])])
