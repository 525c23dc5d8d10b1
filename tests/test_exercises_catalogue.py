"""The catalogue of mistakes: every entry is told from the right answer and from every other entry, however spelt."""

import ast
import functools
import itertools
import math
import re
import sys
import textwrap
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import paddle
import pytest

from course_lib.exercises import EXERCISES, catalogue, check
from course_lib.exercises.drawing import DrawExercise
from course_lib.exercises.engine import deviation, mistake_from
from course_lib.exercises.functions import FunctionExercise
from course_lib.exercises.steps import StepExercise

sys.path.insert(0, str(Path(__file__).parent))
import respell

IMPLEMENT = {id: e for id, e in EXERCISES.items() if isinstance(e, (StepExercise, FunctionExercise))}
STEPS = {id: e for id, e in IMPLEMENT.items() if isinstance(e, StepExercise)}
ENTRIES = [
    pytest.param(id, mistake.id, n, id=f"{id}:{mistake.id}:{n}")
    for id, exercise in IMPLEMENT.items()
    for mistake in exercise.mistakes.values()
    if mistake.id != exercise.unchanged
    for n in range(len(mistake.versions))
]


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


FILES = sorted(path for path in Path(catalogue.__file__).parent.glob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_files_name_says_its_chapter_and_it_is_short(file):
    text = file.read_text(encoding="utf-8")
    keywords = [word for node in ast.walk(ast.parse(text)) for word in getattr(node, "keywords", ())]
    chapters = {word.value.value for word in keywords if word.arg == "chapter"}
    numbered = re.match(r"ch(\d\d)_", file.name)
    assert chapters == ({int(numbered[1])} if numbered else set())
    assert text.count("\n") <= 700


def test_exercises_come_in_the_order_of_the_chapters():
    chapters = [exercise.chapter for exercise in EXERCISES.values()]
    assert chapters == sorted(chapters)


def test_those_who_judge_do_not_know_what_is_asked():
    judges = Path(catalogue.__file__).parent.parent.glob("*.py")
    assert [path.stem for path in judges if "catalogue import" in path.read_text(encoding="utf-8")] == ["__init__"]


def test_the_ids_of_the_design_exist():
    ids = """
        sgd-step momentum-step nesterov-step adagrad-step rmsprop-step adadelta-step adam-step amsgrad-step radam-step
        adamw-step sgdw-step swats-projection step-decay inverse-time-decay cosine-decay warmup sgdr triangular
        one-cycle lr-range-test xavier-uniform he-normal weight-norm
    """
    assert set(ids.split()) <= set(EXERCISES)


def test_there_are_more_than_eighty_entries_written_by_hand():
    by_hand = [
        (id, mistake.id)
        for id, exercise in IMPLEMENT.items()
        for mistake in exercise.mistakes.values()
        if respell.source_of(mistake.versions[0]) is not None
    ]
    assert len(by_hand) > 150


def test_every_entry_explains_itself():
    for id, exercise in IMPLEMENT.items():
        for mistake in exercise.mistakes.values():
            if mistake.id == exercise.unchanged:
                continue
            assert re.fullmatch(r"[a-z0-9-]+", mistake.id), (id, mistake.id)
            for version in mistake.versions:
                name, explanation, hint = mistake.words_for(version)
                assert 5 < len(name) < 90, (id, mistake.id, name)
                assert len(explanation) >= 30 and explanation.endswith((".", "!")), (id, mistake.id, explanation)
                assert hint, (id, mistake.id)


def test_a_form_with_words_of_its_own_is_told_these():
    mistake = mistake_from(lambda x: x, "Look again.")
    mistake.name, mistake.explanation = "Too large", "The result is twice too large."

    @mistake.also(hint="Divide by four.")
    def four_times(x):
        """Four times too large.

        The result is four times
        too large.
        """

    assert four_times is mistake  # several forms can be stacked
    version = mistake.versions[1]
    assert mistake.words_for(version) == (
        "Four times too large",
        "The result is four times too large.",
        "Divide by four.",
    )
    assert mistake.seen_as(version).id == mistake.id


# ------------------------------------------------------------------------- the gap around tolerance


def limits(exercise):
    """How close to 1 right answers may come from below, and wrong ones from above, in units of what is allowed."""
    if isinstance(exercise, DrawExercise):
        return 0.6, 3
    if exercise.id == "lr-range-test":
        return 0.75, 1.8
    return 0.1, 100


@pytest.mark.parametrize("id", IMPLEMENT)
def test_a_place_is_told_in_one_short_line(id):
    for reading in IMPLEMENT[id].expected:
        assert "array(" not in reading.where and "\n" not in reading.where and len(reading.where) <= 150


@pytest.mark.parametrize("id", IMPLEMENT)
def test_every_entry_is_far_from_the_right_answer_and_from_every_other_entry(id):
    exercise = IMPLEMENT[id]
    _, far = limits(exercise)
    for entry in exercise.entries:
        assert deviation(entry.observed, exercise.expected) > far, entry.mistake.id
    for one, other in itertools.combinations(exercise.entries, 2):
        if one.mistake is not other.mistake:
            there, back = deviation(one.observed, other.observed), deviation(other.observed, one.observed)
            assert min(there, back) > far, (one.mistake.id, other.mistake.id)


# --------------------------------------------------------------------- every entry, in other spellings


def spellings(exercise, wrong):
    """At least two other spellings of an entry."""
    rewritten = respell.respelled(wrong)
    if rewritten is not None:
        yield "respelled", rewritten
    if isinstance(exercise, StepExercise):
        yield "in place", respell.in_place(wrong)
        yield "state elsewhere", respell.with_state_elsewhere_in_s(wrong, exercise)
        if id_is_cheap(exercise):
            yield "tensors", respell.on_tensors_only(wrong, exercise.all_slots)
    else:
        yield "as 32 bits", lambda *a, **k: np.float32(wrong(*a, **k))
        yield "as a class", type("Answer", (), {"__call__": lambda self, *a, **k: 1.0 * wrong(*a, **k)})()


def id_is_cheap(exercise):
    return exercise.id in ("sgd-step", "momentum-step", "adagrad-step", "adam-step", "sgdw-step")


@pytest.mark.parametrize(("id", "mistake", "n"), ENTRIES)
def test_every_entry_is_recognised_however_it_is_spelt(id, mistake, n):
    exercise = IMPLEMENT[id]
    wrong = exercise.mistakes[mistake].versions[n]
    assert check(id, wrong).mistake == mistake
    for spelling, answer in spellings(exercise, wrong):
        feedback = check(id, answer)
        assert (feedback.status, feedback.mistake) == ("mistake", mistake), (spelling, feedback)


def momentum_damped_by_weights(x, g, s, lr, momentum=0.9):
    s.velocity = np.average([s.velocity, g], axis=0, weights=[momentum, 1 - momentum])
    return x - lr * s.velocity


def momentum_late(x, g, s, lr, momentum=0.9):
    s.pending = getattr(s, "pending", 0 * x)
    x -= lr * s.pending
    s.pending = s.pending * momentum + g
    return x


def momentum_of_positions(x, g, s, lr, momentum=0.9):
    previous, s.previous = getattr(s, "previous", x), x
    return x - lr * g + momentum * (x - previous)


def nesterov_by_two_velocities(x, g, s, lr, momentum=0.9):
    old, s.velocity = s.velocity, momentum * s.velocity - g
    return x + lr * ((1 + momentum) * s.velocity - momentum * old)


def adagrad_from_epsilon(x, g, s, lr, epsilon=1e-6):
    s.total = getattr(s, "total", epsilon) + g * g
    return x - lr * g / np.sqrt(s.total)


def rmsprop_history(x, g, s, lr, rho=0.95, epsilon=1e-6):
    s.seen = [rho * old for old in getattr(s, "seen", [])] + [g * g]
    return x - lr * g / np.sqrt(sum(s.seen) + epsilon)


def rmsprop_with_a_fading_one(x, g, s, lr, rho=0.95, epsilon=1e-6):
    s.mean_square = rho * s.mean_square + (1 - rho) * g * g
    return x - lr * g / np.sqrt(s.mean_square + rho**s.t + epsilon)


def rprop_with_the_last_gradient_overwritten(x, g, s, lr, etas=(0.5, 1.2), learning_rate_range=(1e-5, 50)):
    s.last_gradient = g
    same = np.sign(s.last_gradient * g)
    s.step_size = np.clip(s.step_size * np.where(same > 0, etas[1], 1), *learning_rate_range)
    return x - s.step_size * np.sign(g)


def adam_with_powers_ahead(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.power1, s.power2 = getattr(s, "power1", beta1) * beta1, getattr(s, "power2", beta2) * beta2
    s.m += (1 - beta1) * (g - s.m)
    s.v += (1 - beta2) * (g * g - s.v)
    return x - lr * s.m / (1 - s.power1) / (np.sqrt(s.v / (1 - s.power2)) + epsilon)


def adam_corrected_through_another_name(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    m, v = s.m, s.v
    m /= 1 - beta1**s.t
    v /= 1 - beta2**s.t
    return x - lr * m / (np.sqrt(v) + epsilon)


def nadam_of_overviews(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=0.004):
    s.m += (1 - beta1) * (g - s.m)
    s.v += (1 - beta2) * (g * g - s.v)
    correction = 1 - beta1**s.t
    direction = (beta1 * s.m + (1 - beta1) * g) / correction
    return x - lr * direction / (np.sqrt(s.v / (1 - beta2**s.t)) + epsilon)


def adamax_of_two_rows(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m += (1 - beta1) * (g - s.m)
    s.u = np.amax(np.stack([beta2 * s.u, np.abs(g) + epsilon]), axis=0)  # as PyTorch has it
    return x - lr / (1 - beta1**s.t) * s.m / s.u


def amsgrad_aliased(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v *= beta2
    s.v += (1 - beta2) * g * g  # changes v_max too, once both are the same array
    s.v_max = s.v = np.maximum(s.v_max, s.v)
    return x - lr * s.m / (1 - beta1**s.t) / (np.sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)


def adamw_shrunk_at_last(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    new = adam_folded(x, g, s, lr, beta1, beta2, epsilon)
    new *= 1 - lr * weight_decay
    return new


def adamw_step_uphill(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    return 2 * x - adam_folded(x.copy(), g, s, lr, beta1, beta2, epsilon) - lr * weight_decay * x


def adamw_gradient_in_place(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    g += weight_decay * x
    return adam_folded(x, g, s, lr, beta1, beta2, epsilon)


def xavier_by_paddle(shape, rng):
    bound = (6 / sum(shape)) ** 0.5
    return paddle.uniform(shape, min=-bound, max=bound)


def inverse_time_again_and_again(t, lr, gamma):
    return functools.reduce(lambda rate, k: rate / (1 + gamma * k), range(t + 1), lr)


def lamb_by_two_adams(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-6, lamb_weight_decay=0.01):
    adam = x - adam_folded(x.copy(), g, s, 1.0, beta1, beta2, epsilon)
    return x - lr * np.linalg.norm(x) * (adam / np.linalg.norm(adam)) - lr * lamb_weight_decay * x


def lars_on_the_old_velocity(x, g, s, lr, momentum=0.9, lars_coeff=0.001, lars_weight_decay=0.0005):
    lengths = [float(np.sum(part**2)) ** 0.5 for part in (x, g)]
    g = g + lars_weight_decay * x
    rate = lr * lars_coeff * lengths[0] / (np.sqrt(np.sum(g * g)) or 1.0) if all(lengths) else lr
    s.velocity *= momentum
    s.velocity += rate * g
    return x - s.velocity


def accumulated_without_weights(x, gradient, parts, every, lr):
    total = 0 * x
    for number, part in enumerate(parts, start=1):
        total += gradient(x, part)
        if number % every == 0 or number == len(parts):
            x, total = x - lr * total / ((number - 1) % every + 1), 0 * x
    return x


UNUSUAL_MISTAKES = [
    ("momentum-step", "damped-gradient", momentum_damped_by_weights),
    ("momentum-step", "stale-velocity", momentum_late),
    ("momentum-step", "lr-inside-the-velocity", momentum_of_positions),
    ("momentum-step", "nesterov-instead", nesterov_by_two_velocities),
    ("momentum-step", "velocity-forgotten", lambda x, g, s, lr, momentum: x - lr * (momentum * s.velocity + g)),
    ("adagrad-step", "epsilon-inside-the-root", adagrad_from_epsilon),
    ("rmsprop-step", "new-square-not-weighted", rmsprop_history),
    ("rmsprop-step", "average-starts-at-one", rmsprop_with_a_fading_one),
    ("rprop-step", "compared-with-itself", rprop_with_the_last_gradient_overwritten),
    ("adam-step", "step-number-one-ahead", adam_with_powers_ahead),
    ("adam-step", "corrected-values-stored", adam_corrected_through_another_name),
    ("nadam-step", "momentum-not-warmed-up", nadam_of_overviews),
    ("adamax-step", "epsilon-beside-the-gradient", adamax_of_two_rows),
    ("amsgrad-step", "maximum-left-out", amsgrad_aliased),
    ("adamw-step", "decay-after-the-step", adamw_shrunk_at_last),
    ("adamw-step", "l2-instead", adamw_gradient_in_place),
    ("adamw-step", "uphill", adamw_step_uphill),
    ("lamb-step", "decay-beside-the-ratio", lamb_by_two_adams),
    ("lars-step", "length-of-the-sum", lars_on_the_old_velocity),
    ("scaled-learning-rate", "always-root", lambda lr, b, n, rule, top: min(lr * math.exp(math.log(n / b) / 2), top)),
    ("critical-batch", "slope-for-critical", lambda b, s: (s[0] - s[-1]) * b[0] * b[-1] / (b[-1] - b[0])),
    ("accumulated-gradient", "mean-of-means", accumulated_without_weights),
    (
        "clip-accumulated",
        "sum-clipped",
        lambda gradients, top: (
            np.sum(gradients, 0) * min(1, top / np.linalg.norm(np.sum(gradients, 0))) / len(gradients)
        ),
    ),
    ("swats-projection", "projection-sign", lambda p, g: np.linalg.norm(p) ** 2 / np.vdot(p, g)),
    ("inverse-time-decay", "divides-again-and-again", inverse_time_again_and_again),
    ("lr-range-test", "read-at-the-minimum", lambda losses, lrs: min(zip(losses, lrs))[1]),
    ("xavier-uniform", "own-generator", xavier_by_paddle),
    ("he-normal", "fans-swapped", lambda shape, rng: rng.standard_normal(shape) / math.sqrt(shape[-1] / 2)),
    ("weight-norm", "sum-of-absolute-values", lambda v, g: g * v / np.linalg.norm(v, 1)),
]


@pytest.mark.parametrize(("id", "mistake", "wrong"), UNUSUAL_MISTAKES)
def test_known_mistakes_in_unusual_spellings_are_named(id, mistake, wrong):
    feedback = check(id, wrong)
    assert feedback.mistake == mistake, feedback


# ----------------------------------------------------------------------- two mistakes at a time

RIGHT = {
    "momentum-step": """
        s.velocity = momentum * s.velocity + g
        return x - lr * s.velocity
    """,
    "nesterov-step": """
        s.velocity = momentum * s.velocity + g
        return x - lr * (g + momentum * s.velocity)
    """,
    "adagrad-step": """
        s.sum_of_squares = s.sum_of_squares + g * g
        return x - lr * g / (sqrt(s.sum_of_squares) + epsilon)
    """,
    "rmsprop-step": """
        s.mean_square = rho * s.mean_square + (1 - rho) * g * g
        return x - lr * g / sqrt(s.mean_square + epsilon)
    """,
    "adadelta-step": """
        s.mean_square = rho * s.mean_square + (1 - rho) * g * g
        update = sqrt(s.mean_square_update + epsilon) / sqrt(s.mean_square + epsilon) * g
        s.mean_square_update = rho * s.mean_square_update + (1 - rho) * update * update
        return x - lr * update
    """,
    "amsgrad-step": """
        s.m = beta1 * s.m + (1 - beta1) * g
        s.v = beta2 * s.v + (1 - beta2) * g * g
        s.v_max = maximum(s.v_max, s.v)
        return x - lr * s.m / (1 - beta1**s.t) / (sqrt(s.v_max / (1 - beta2**s.t)) + epsilon)
    """,
    "radam-step": """
        m_hat, root, correction = _averages(g, s, beta1, beta2)
        rho, rho_inf = rectified_length(s.t, beta2)
        if rho <= 5:
            return x - lr * m_hat
        return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)
    """,
}


def body(source):
    """The lines of a function behind its docstring."""
    source = source[source.index(":\n") + 2 :]
    if '"""' in source:
        source = source.split('"""')[2]
    return textwrap.indent(textwrap.dedent(source).strip("\n"), "    ")


def build(id, text, like):
    header = f"def answer(x, g, s, lr, {', '.join(EXERCISES[id].defaults)}):\n"
    namespace = dict(like.__globals__)
    exec(header + text, namespace)
    return namespace["answer"]


@pytest.mark.parametrize("id", RIGHT)
def test_two_mistakes_together_never_pass(id):
    exercise = EXERCISES[id]
    right = textwrap.indent(textwrap.dedent(RIGHT[id]).strip("\n"), "    ")
    own = [v for m in exercise.mistakes.values() for v in m.versions if v.__module__ != StepExercise.__module__]
    versions = [v for v in own if respell.source_of(v) is not None]
    assert check(id, build(id, right, versions[0])).passed
    combined = 0
    for one, other in itertools.combinations(versions, 2):
        both = respell.merged(right, body(respell.source_of(one)), body(respell.source_of(other)))
        if both is not None and both != right:
            observed = exercise.observe(build(id, both, one))
            assert deviation(observed, exercise.expected) > 100, both
            combined += 1
    assert combined >= 3


def test_two_mistakes_of_any_step_together_never_pass():
    for exercise in (each for each in STEPS.values() if each.uses_rate):
        plain = exercise.mistakes["learning-rate-left-out"].versions[0]
        twice = exercise.observe(lambda x, g, s, lr, plain=plain, **h: 2 * x - plain(x, g, s, lr, **h))
        assert deviation(twice, exercise.expected) > 100


# -------------------------------------------------------------------- right answers, spelt otherwise


def momentum_loop(x, g, s, lr, momentum=0.9):
    for i in np.ndindex(x.shape):
        s.velocity[i] = momentum * s.velocity[i] + g[i]
        x[i] -= lr * s.velocity[i]
    return x


def momentum_with_its_own_list(x, g, s, lr, momentum=0.9):
    s.past = [momentum * old for old in getattr(s, "past", [])] + [g]
    return x - lr * sum(s.past)


def momentum_renamed(w, gradient, state, rate, /, *, momentum):
    state.velocity *= momentum
    state.velocity += gradient
    return w - rate * state.velocity


def momentum_by_positions(x, g, s, lr, momentum=0.9):
    old, old_lr = getattr(s, "old", x), getattr(s, "old_lr", lr)
    s.old, s.old_lr = x, lr
    return x - lr * g + momentum * (x - old) * lr / old_lr


def momentum_scaled(x, g, s, lr, momentum=0.9):
    s.velocity = momentum * s.velocity + (1 - momentum) * g
    return x - lr / (1 - momentum) * s.velocity


def nesterov_as_published(x, g, s, lr, momentum=0.9):
    old = s.velocity
    s.velocity = momentum * old + g
    return x - lr * (1 + momentum) * g - lr * momentum**2 * old


def adagrad_by_power(x, g, s, lr, epsilon=1e-6):
    s.sum_of_squares += np.square(g)
    return x + (-lr) * np.divide(g, epsilon + np.power(s.sum_of_squares, 0.5))


def adagrad_of_roots(x, g, s, lr, epsilon=1e-6):
    s.root = np.hypot(getattr(s, "root", np.zeros_like(x)), g)
    return x - lr * g / (s.root + epsilon)


def rmsprop_incremental(x, g, s, lr, rho=0.95, epsilon=1e-6):
    s.mean_square += (1 - rho) * (g**2 - s.mean_square)
    return x - lr * g * (s.mean_square + epsilon) ** -0.5


def rmsprop_unscaled_state(x, g, s, lr, rho=0.95, epsilon=1e-6):
    s.mean_square = rho * s.mean_square + g * g
    return x - lr * g / np.sqrt((1 - rho) * s.mean_square + epsilon)


def adadelta_ratio(x, g, s, lr, rho=0.95, epsilon=1e-6):
    s.mean_square = rho * s.mean_square + (1 - rho) * g**2
    u = np.sqrt((s.mean_square_update + epsilon) / (s.mean_square + epsilon)) * -g
    s.mean_square_update = rho * s.mean_square_update + (1 - rho) * u**2
    return x + lr * u


def adam_folded(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m += (1 - beta1) * (g - s.m)
    s.v += (1 - beta2) * (g * g - s.v)
    root = math.sqrt(1 - beta2**s.t)
    x -= lr * root / (1 - beta1**s.t) * s.m / (np.sqrt(s.v) + epsilon * root)
    return x


def adam_own_counter(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.power1 = getattr(s, "power1", 1.0) * beta1
    s.power2 = getattr(s, "power2", 1.0) * beta2
    s.m = np.multiply(beta1, s.m) + np.multiply(1 - beta1, g)
    s.v = beta2 * s.v + (1 - beta2) * np.abs(g) ** 2
    return x - lr * (s.m / (1 - s.power1)) / ((s.v / (1 - s.power2)) ** 0.5 + epsilon)


def adam_history(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.seen = [*getattr(s, "seen", []), np.array(g)]
    m = sum((1 - beta1) * beta1 ** (s.t - 1 - i) * old for i, old in enumerate(s.seen))
    v = sum((1 - beta2) * beta2 ** (s.t - 1 - i) * old**2 for i, old in enumerate(s.seen))
    return x - lr * (m / (1 - beta1**s.t)) / (np.sqrt(v / (1 - beta2**s.t)) + epsilon)


def adam_loop(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    new = np.empty_like(x)
    for i in range(x.size):
        s.m.flat[i] = beta1 * s.m.flat[i] + (1 - beta1) * g.flat[i]
        s.v.flat[i] = beta2 * s.v.flat[i] + (1 - beta2) * g.flat[i] ** 2
        top = s.m.flat[i] / (1 - beta1**s.t)
        new.flat[i] = x.flat[i] - lr * top / (math.sqrt(s.v.flat[i] / (1 - beta2**s.t)) + epsilon)
    return new


def adam_paddle(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m = paddle.lerp(g, s.m, paddle.to_tensor(beta1, dtype=g.dtype))
    s.v = beta2 * s.v + (1 - beta2) * paddle.square(g)
    return x - lr * (s.m / (1 - beta1**s.t)) / (paddle.sqrt(s.v / (1 - beta2**s.t)) + epsilon)


def adam_in_32_bits(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m, v = (np.asarray(a, dtype=np.float32) for a in (s.m, s.v))
    s.m = beta1 * m + (1 - beta1) * np.float32(g)
    s.v = beta2 * v + (1 - beta2) * np.float32(g) ** 2
    return np.float32(x - lr * s.m / (1 - beta1**s.t) / (np.sqrt(s.v / (1 - beta2**s.t)) + epsilon))


def amsgrad_of_roots(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    s.v_max = np.where(s.v > s.v_max, s.v, s.v_max)
    root = (1 - beta2**s.t) ** 0.5
    return x - lr * root * s.m / (1 - beta1**s.t) / (np.sqrt(s.v_max) + epsilon * root)


def radam_written_out(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    t, limit = s.t, (1 + beta2) / (1 - beta2)
    s.m, s.v = beta1 * s.m + (1 - beta1) * g, beta2 * s.v + (1 - beta2) * g * g
    rho = limit - 2 * t / (beta2**-t - 1)
    rate = lr / (1 - beta1**t)
    if rho > 5:
        r2 = (rho - 4) / (limit - 4) * (rho - 2) / (limit - 2) * limit / rho
        x = x - rate * s.m * math.sqrt(r2 * (1 - beta2**t)) / (np.sqrt(s.v) + epsilon)
    else:
        x = x - rate * s.m
    return x


def nadam_by_differences(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=0.004):
    t = np.arange(1, s.t + 2)
    momenta = beta1 - beta1 / 2 * np.exp(t * momentum_decay * np.log(0.96))
    s.m += (1 - beta1) * (g - s.m)
    s.v += (1 - beta2) * (g * g - s.v)
    direction = momenta[-1] * s.m / (1 - momenta.prod()) + (1 - momenta[-2]) * g / (1 - momenta[:-1].prod())
    return x - lr * direction / (np.sqrt(s.v / (1 - beta2**s.t)) + epsilon)


def nadam_own_product(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=0.004):
    now, following = (beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay)) for t in (s.t, s.t + 1))
    s.product = getattr(s, "product", 1) * now
    s.m, s.v = beta1 * s.m + (1 - beta1) * g, beta2 * s.v + (1 - beta2) * g**2
    top = following * s.m / (1 - s.product * following) + (1 - now) * g / (1 - s.product)
    return x - lr * top / (epsilon + (s.v / (1 - beta2**s.t)) ** 0.5)


def adamax_by_where(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m += (1 - beta1) * (g - s.m)
    left = s.u * beta2 + epsilon
    s.u = np.where(np.abs(g) < left, left, np.abs(g))
    return x - lr * s.m / (s.u * (1 - beta1**s.t))


def adamax_history(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.seen = [*getattr(s, "seen", []), np.array(g)]
    m, u = np.zeros_like(x), np.zeros_like(x)
    for old in s.seen:
        m, u = beta1 * m + (1 - beta1) * old, np.maximum(np.sqrt(old * old), beta2 * u + epsilon)
    return x - lr / (1 - beta1 ** len(s.seen)) * m / u


def rprop_by_signs(x, g, s, lr, etas=(0.5, 1.2), learning_rate_range=(1e-5, 50)):
    same = np.sign(g) * np.sign(s.last_gradient)
    s.step_size = np.clip(s.step_size * np.choose(same.astype(int) + 1, [etas[0], 1, etas[1]]), *learning_rate_range)
    s.last_gradient = g * (same >= 0)
    return x - np.copysign(s.step_size, g) * (s.last_gradient != 0)


def rprop_loop(x, g, s, lr, etas=(0.5, 1.2), learning_rate_range=(1e-5, 50)):
    for i in np.ndindex(x.shape):
        if (g[i] > 0) == (s.last_gradient[i] > 0) and s.last_gradient[i] and g[i]:
            s.step_size[i] = min(s.step_size[i] * etas[1], learning_rate_range[1])
        elif s.last_gradient[i] and g[i]:
            s.step_size[i] = max(s.step_size[i] * etas[0], learning_rate_range[0])
            g[i] = 0
        x[i] += s.step_size[i] * ((g[i] < 0) - 1.0 * (g[i] > 0))
        s.last_gradient[i] = g[i]
    return x


def adamw_factor(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    kept = (1 - lr * weight_decay) * x
    return kept + adam_folded(np.zeros_like(x), g, s, lr, beta1, beta2, epsilon)


def adamw_beside(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    return adam_own_counter(x, g, s, lr, beta1, beta2, epsilon) - lr * weight_decay * x


def sgdw_in_place(x, g, s, lr, weight_decay=0.01, momentum=0.9):
    s.velocity *= momentum
    s.velocity += g
    x *= 1 - lr * weight_decay
    x -= lr * s.velocity
    return x


def cosine_recursive(t, lr, t_max, eta_min=0.0):
    value = lr
    for k in range(1, t + 1):
        if k == t_max:
            return eta_min
        value = eta_min + (value - eta_min) * (1 + math.cos(math.pi * k / t_max)) / (
            1 + math.cos(math.pi * (k - 1) / t_max)
        )
    return value


def sgdr_by_logarithm(t, lr, t_0, t_mult=1, eta_min=0.0):
    start, length = 0, t_0
    while start + length <= t:
        start += length
        length *= t_mult
    return eta_min + (lr - eta_min) * math.cos(math.pi / 2 * (t - start) / length) ** 2


def triangular_as_published(t, base_lr, max_lr, step_size):
    cycle = np.floor(1 + t / (2 * step_size))
    x = np.abs(t / step_size - 2 * cycle + 1)
    return base_lr + (max_lr - base_lr) * np.maximum(0, 1 - x)


def one_cycle_short(t, max_lr, total_steps, div=25.0, end=1e-4, pct=0.3):
    top = pct * total_steps - 1
    if t <= top:
        return max_lr + (max_lr / div - max_lr) * (1 + np.cos(np.pi * t / top)) / 2
    return end + (max_lr - end) * (1 + np.cos(np.pi * (t - top) / (total_steps - 1 - top))) / 2


def one_cycle_without_options(t, max_lr, total_steps):
    return one_cycle_short(t, max_lr, total_steps)


def range_test_steepest(losses, lrs):
    return lrs[np.nanargmin(np.gradient(losses, np.log(lrs)))]


def lars_by_dot_products(x, g, s, lr, momentum=0.9, lars_coeff=0.001, lars_weight_decay=0.0005):
    weights, slopes = (math.sqrt(np.vdot(part, part)) for part in (x, g))
    share = lars_coeff / (slopes / weights + lars_weight_decay) if weights * slopes > 0 else 1
    s.velocity *= momentum
    s.velocity += lr * share * (g + lars_weight_decay * x)
    x -= s.velocity
    return x


def lamb_of_unit_lengths(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-6, lamb_weight_decay=0.01):
    r = x - adam_folded(x.copy(), g, s, 1.0, beta1, beta2, epsilon) + lamb_weight_decay * x
    return x - lr * np.linalg.norm(x.ravel()) * (r / np.linalg.norm(r.ravel()))


def accumulated_by_examples(x, gradient, parts, every, lr):
    while parts:
        group, parts = parts[:every], parts[every:]
        rows = [row[None] for part in group for row in part]
        x = x - lr * np.mean([gradient(x, row) for row in rows], axis=0)
    return x


def critical_by_two_points(batches, steps):
    (few, *_, many), (long, *_, short) = batches, steps
    examples = (long - short) / (1 / few - 1 / many)
    return examples / (short - examples / many)


def range_test_tenth(losses, lrs):
    return lrs[np.nanargmin(losses)] / 10


def range_test_differences(losses, lrs):
    good = np.isfinite(losses)
    return lrs[good][np.argmin(np.diff(losses[good]))]


def he_by_scaling(shape, rng):
    n_in, n_out = shape
    return (rng.standard_normal(n_in * n_out) * (2 / n_in) ** 0.5).reshape(shape)


def he_32_bits(shape, rng):
    return rng.standard_normal(shape, dtype=np.float32) * np.sqrt(2 / shape[0])


def xavier_by_random(shape, rng):
    a = math.sqrt(6) / math.sqrt(shape[0] + shape[1])
    return 2 * a * rng.random(shape) - a


def xavier_one_by_one(shape, rng):
    a = (6 / (shape[0] + shape[1])) ** 0.5
    return np.array([[rng.uniform(-a, a) for _ in range(shape[1])] for _ in range(shape[0])])


def ema_by_decay_of_the_step(weights, decay):
    """The correction as a β that grows from 0 to its value, as in ``optimizer.EMA``."""
    averages = []
    for t, newest in enumerate(weights, 1):
        beta = decay * (1 - decay ** (t - 1)) / (1 - decay**t)
        averages.append(beta * averages[-1] + (1 - beta) * newest if averages else 1.0 * newest)
    return averages


def ema_as_weighted_mean(weights, decay):
    ages = [decay ** np.arange(t)[::-1] for t in range(1, len(weights) + 1)]
    return [np.average(weights[:t], axis=0, weights=ages[t - 1]) for t in range(1, len(weights) + 1)]


def look_ahead_by_rounds(start, steps, alpha, k):
    path = []
    for first in range(0, len(steps), k):
        there = [start + sum(steps[first : end + 1]) for end in range(first, min(first + k, len(steps)))]
        if len(there) == k:
            there[-1] = start = (1 - alpha) * start + alpha * there[-1]
        path += there
    return path


def look_ahead_in_place(start, steps, alpha, k):
    fast, slow, path = np.array(start, dtype=float), np.array(start, dtype=float), []
    for t, step in enumerate(steps):
        fast += step
        if t % k == k - 1:
            slow += alpha * (fast - slow)
            fast[...] = slow
        path.append(fast.copy())
    return path


def direction_by_matrices(g, steps, changes):
    """The matrix itself, one pair after the other."""
    pairs = [(s, y) for s, y in zip(steps, changes) if s @ y > 0]
    s, y = pairs[-1]
    inverse = np.eye(len(g)) * (s @ y) / (y @ y)
    for s, y in pairs:
        left = np.eye(len(g)) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    return -inverse @ g


def resume_by_positions(weights, velocity, steps_done, gradients, lr, momentum):
    """The velocity as the last move, in units of its learning rate."""
    path, t = [weights], steps_done
    for g in gradients:
        t += 1
        velocity = velocity * momentum + g
        path.append(path[-1] - velocity * (lr / t))
    return path[1:]


def decorated(function):
    """As a decorator leaves it that does not tell the signature behind it."""
    return lambda *args, **kwargs: function(*args, **kwargs)


RIGHT_SPELLINGS = {
    "sgd-step": [
        decorated(lambda w, gradient, state, rate: w - rate * gradient),
        lambda lr, s, g, x: x - lr * g,
        lambda x, g, s, lr: x - lr * g,
        lambda *a: a[0] + a[1] * -a[3],
        lambda x, g, s, lr: np.add(x, -lr * g, out=x),
        lambda x, g, s, lr: paddle.subtract(x, paddle.scale(g, lr)),
        lambda **k: k["x"] - k["g"] * k["lr"],
    ],
    "momentum-step": [
        momentum_loop,
        momentum_with_its_own_list,
        momentum_renamed,
        momentum_scaled,
        momentum_by_positions,
        decorated(momentum_loop),
        functools.partial(momentum_loop, momentum=0.9),
    ],
    "nesterov-step": [nesterov_as_published],
    "adagrad-step": [adagrad_by_power, adagrad_of_roots],
    "rmsprop-step": [rmsprop_incremental, rmsprop_unscaled_state],
    "adadelta-step": [adadelta_ratio],
    "rprop-step": [rprop_by_signs, rprop_loop],
    "adam-step": [
        adam_folded,
        adam_own_counter,
        adam_history,
        adam_loop,
        adam_paddle,
        adam_in_32_bits,
        lambda w, d, state, rate, b1, b2, e: adam_folded(w, d, state, rate, b1, b2, e),
        lambda x, g, s, lr, epsilon, beta2, beta1: adam_folded(x, g, s, lr, beta1, beta2, epsilon),
    ],
    "nadam-step": [nadam_by_differences, nadam_own_product],
    "adamax-step": [adamax_by_where, adamax_history],
    "amsgrad-step": [amsgrad_of_roots],
    "radam-step": [radam_written_out],
    "adamw-step": [adamw_factor, adamw_beside],
    "sgdw-step": [sgdw_in_place],
    "swats-projection": [
        lambda p, g: -np.vdot(p, p) / np.vdot(p, g),
        lambda p, g: -(np.linalg.norm(p) ** 2) / float(np.sum(np.multiply(g, p))),
        lambda p, g: paddle.sum(p * p) / paddle.sum(-p * g),
    ],
    "sag-directions": [
        lambda gradients, n: [np.mean(gradients[max(t - n, 0) : t], axis=0) for t in range(1, len(gradients) + 1)],
        lambda gradients, n: [sum(gradients[:t][-n:]) / len(gradients[:t][-n:]) for t in range(1, len(gradients) + 1)],
    ],
    "step-decay": [
        lambda t, lr, step_size, gamma: lr * math.pow(gamma, int(t / step_size)),
        lambda t, lr, step_size, gamma: np.float64(lr) * np.prod([gamma] * (t // step_size)),
        lambda t, lr, step_size, gamma: Fraction(lr) * Fraction(gamma) ** (t // step_size),
        lambda t, lr, step_size, gamma: Decimal(lr) * Decimal(gamma) ** (t // step_size),
        lambda t, lr, step_size, gamma: paddle.to_tensor([lr * gamma ** (t // step_size)]),
        decorated(lambda epoch, rate, every, factor: rate * factor ** (epoch // every)),
        functools.lru_cache(lambda t, lr, step_size, gamma: lr * gamma ** (t // step_size)),
    ],
    "inverse-time-decay": [lambda t, lr, gamma: lr * (1 + t * gamma) ** -1],
    "cosine-decay": [
        cosine_recursive,
        lambda t, lr, t_max, eta_min=0: eta_min + (lr - eta_min) * math.cos(math.pi * t / t_max / 2) ** 2,
        lambda t, lr, t_max, eta_min=0: lr - (lr - eta_min) * math.sin(math.pi * t / t_max / 2) ** 2,
    ],
    "warmup": [
        lambda t, lr, warmup_steps, start_lr=0.0: float(np.interp(t, [0, warmup_steps], [start_lr, lr])),
        lambda t, lr, n, start: lr if t > n else (t * lr + (n - t) * start) / n,
    ],
    "noam-decay": [
        lambda t, d_model, warmup_steps, lr=1.0: (
            lr * (t / warmup_steps if t < warmup_steps else (warmup_steps / t) ** 0.5) / (d_model * warmup_steps) ** 0.5
        ),
        lambda t, d, w, factor: factor / np.sqrt(d) * np.minimum(np.float64(max(t, 1e-9)) ** -0.5, t * w**-1.5),
    ],
    "sgdr": [sgdr_by_logarithm],
    "triangular": [triangular_as_published],
    "one-cycle": [one_cycle_short, one_cycle_without_options],
    "lr-range-test": [range_test_steepest, range_test_tenth, range_test_differences],
    "xavier-uniform": [
        lambda shape, rng: (2 * rng.rand(*shape) - 1) * (6 / sum(shape)) ** 0.5,
        xavier_by_random,
        xavier_one_by_one,
    ],
    "he-normal": [lambda shape, rng: rng.randn(*shape) * np.sqrt(2 / shape[0]), he_by_scaling, he_32_bits],
    "ema-of-weights": [ema_by_decay_of_the_step, ema_as_weighted_mean],
    "lookahead-step": [look_ahead_by_rounds, look_ahead_in_place],
    "secant-scale": [
        lambda s, y: np.linalg.lstsq(np.reshape(y, (-1, 1)), s, rcond=None)[0][0],
        lambda s, y: sum(a * b for a, b in zip(s, y)) / np.linalg.norm(y) ** 2,
    ],
    "two-loop-direction": [direction_by_matrices],
    "resume-find-bug": [resume_by_positions],
    "weight-norm": [
        lambda v, g: v / np.sqrt(np.dot(v, v)) * g,
        lambda v, g: g / np.linalg.norm(v) * v,
        lambda v, g: paddle.scale(v, g) / paddle.linalg.norm(v),
    ],
    "lr-best-quadratic": [
        lambda eigenvalues: 1 / np.mean([max(eigenvalues), min(eigenvalues)]),
        lambda eigenvalues: 2 / (sorted(eigenvalues)[0] + sorted(eigenvalues)[-1]),
        lambda values: 2 / (paddle.max(values) + paddle.min(values)),
    ],
    "momentum-best-quadratic": [
        lambda e: (1 - 2 / (np.sqrt(np.max(e) / np.min(e)) + 1)) ** 2,
        lambda e: np.square(2 * np.sqrt(max(e)) / np.sum(np.sqrt([min(e), max(e)])) - 1),
    ],
    "scaled-learning-rate": [
        lambda lr, old, new, rule, top: sorted([top, lr * (new / old) ** {"linear": 1, "root": 0.5}[rule]])[0],
        lambda lr, batch, new_batch, rule, largest: np.clip(
            lr * np.power(new_batch / batch, 1.0 if rule == "linear" else 0.5), 0, largest
        ),
    ],
    "critical-batch": [
        critical_by_two_points,
        lambda batches, steps: np.divide(*np.linalg.lstsq(np.c_[1 / batches, batches**0], steps, rcond=None)[0]),
    ],
    "accumulated-gradient": [
        accumulated_by_examples,
        lambda x, gradient, parts, every, lr: functools.reduce(
            lambda at, group: at - lr * gradient(at, np.concatenate(group)),
            [parts[start : start + every] for start in range(0, len(parts), every)],
            x,
        ),
    ],
    "clip-accumulated": [
        lambda gradients, top: np.mean(gradients, axis=0) / max(1, np.linalg.norm(np.mean(gradients, axis=0)) / top),
    ],
    "lars-step": [lars_by_dot_products],
    "lamb-step": [lamb_of_unit_lengths],
    "gradient-norm": [
        lambda gradients: np.linalg.norm(np.concatenate([g.ravel() for g in gradients])),
        lambda gradients: math.sqrt(sum(np.linalg.norm(g) ** 2 for g in gradients)),
        lambda gradients: paddle.sqrt(paddle.add_n([paddle.sum(g * g) for g in gradients])),
    ],
}


SPELLINGS = [
    pytest.param(id, answer, id=f"{id}:{getattr(answer, '__name__', 'partial')}:{n}")
    for id, answers in RIGHT_SPELLINGS.items()
    for n, answer in enumerate(answers)
]


@pytest.mark.parametrize(("id", "answer"), SPELLINGS)
def test_right_answers_pass_however_they_are_spelt(id, answer):
    feedback = check(id, answer)
    assert feedback.passed, feedback


@pytest.mark.parametrize("id", IMPLEMENT)
def test_the_reference_of_every_exercise_passes_its_own_check(id):
    assert check(id, IMPLEMENT[id].reference).passed


@pytest.mark.parametrize("id", STEPS)
def test_right_steps_stay_far_inside_the_tolerance(id):
    """The right rule in place, with state elsewhere, and rounded to 32 bits: where the tolerance comes from."""
    exercise = STEPS[id]

    def rounded(x, g, s, lr, **hyper):
        for slot in exercise.all_slots:
            setattr(s, slot, np.float32(getattr(s, slot)))
        return np.float32(exercise.reference(np.float32(x), np.float32(g), s, lr, **hyper))

    with np.errstate(all="ignore"):
        assert deviation(exercise.observe(respell.in_place(exercise.reference)), exercise.expected) < 0.01
        assert deviation(exercise.observe(rounded), exercise.expected) < 0.5


def test_the_references_of_the_schedules_are_the_librarys_own():
    """A spot check by hand, so that a mistake in the library would be seen here too."""
    known = {
        "step-decay": ({"t": 5, "lr": 0.8, "step_size": 2, "gamma": 0.5}, 0.2),
        "inverse-time-decay": ({"t": 2, "lr": 0.6, "gamma": 1.0}, 0.2),
        "cosine-decay": ({"t": 2, "lr": 1.0, "t_max": 4, "eta_min": 0.0}, 0.5),
        "warmup": ({"t": 3, "lr": 0.4, "warmup_steps": 4, "start_lr": 0.0}, 0.3),
        "noam-decay": ({"t": 16, "d_model": 100, "warmup_steps": 4, "lr": 1.0}, 0.025),
        "sgdr": ({"t": 4, "lr": 1.0, "t_0": 2, "t_mult": 2, "eta_min": 0.0}, 0.5),
        "triangular": ({"t": 3, "base_lr": 0.0, "max_lr": 1.0, "step_size": 2}, 0.5),
        "one-cycle": ({"t": 2, "max_lr": 1.0, "total_steps": 10}, 1.0),
    }
    for id, (arguments, value) in known.items():
        assert EXERCISES[id].reference(**arguments) == pytest.approx(value), id
