"""No solution with a slip in it passes, whatever the slip; those that change nothing are listed with the reason.

``tests/mutants.py`` makes the slips. A mutant that passes shows a missing probe or case, or belongs into the list.
"""

import ast

import mutants
import pytest

from course_lib.exercises import EXERCISES, check
from course_lib.exercises.engine import Implement

SOLUTIONS = mutants.solutions()
TRAINS = {"schedule-design"}

SQUARED = "a square does not know the sign"
ONLY_BY_CHANCE = "two computed numbers are equal only by chance"
NEVER_NEGATIVE = "what it is taken of is never negative"
LISTED = "a list of numbers, or of arrays, is read as the array of them"
POSITIVE_RATE = "a schedule takes no negative learning rate and no negative factor"

# Exercise -> reason -> the changed lines of the mutants that behave as the solution does.
EQUIVALENT = {
    # chapters 1 and 2
    "gradient-norm": {SQUARED: ["return np.sqrt(sum((np.sum(abs(g) ** 2) for g in gradients)))"]},
    "lr-find-bug-sign": {LISTED: ["return path"]},
    # chapters 3 and 4
    "momentum-best-quadratic": {SQUARED: ["return ((flat - steep) / (steep + flat)) ** 2"]},
    "sgd-find-bug-full-gradient": {
        "the place in the list is a whole number, never negative": [
            "batch = examples[abs(start):start + batch_size]",
            "batch = examples[int(start):start + batch_size]",
            "batch = examples[round(start):start + batch_size]",
            "batch = examples[start:int(start + batch_size)]",
            "batch = examples[start:round(start + batch_size)]",
            "batch = examples[start:abs(start) + batch_size]",
            "batch = examples[start:int(start) + batch_size]",
            "batch = examples[start:round(start) + batch_size]",
        ],
        "an absolute value has the same length": [
            "for start in range(0, len(abs(examples)), batch_size):",
            "total = total + len(abs(batch)) * gradient(batch)",
            "return total / len(abs(examples))",
        ],
        "the gradient of all examples, weighted by one batch after the other, is what is asked for": [
            "total = total + len(batch) * gradient(examples)",
        ],
    },
    "sag-directions": {
        "numbers of steps and mini-batches are whole, never negative": [
            "kept, total, directions = ([0] * abs(n), 0, [])",
            "kept, total, directions = ([0] * int(n), 0, [])",
            "kept, total, directions = ([0] * round(n), 0, [])",
            "for t in range(1, int(len(gradients) + 1)):",
            "for t in range(1, round(len(gradients) + 1)):",
            "i = int((t - 1) % n)",
            "i = round((t - 1) % n)",
            "i = (t - 1) % abs(n)",
            "i = (t - 1) % int(n)",
            "i = (t - 1) % round(n)",
            "total = total - kept[abs(i)] + gradients[t - 1]",
            "total = total - kept[int(i)] + gradients[t - 1]",
            "total = total - kept[round(i)] + gradients[t - 1]",
            "kept[abs(i)] = gradients[t - 1]",
            "kept[int(i)] = gradients[t - 1]",
            "kept[round(i)] = gradients[t - 1]",
            "directions.append(total / min(t, abs(n)))",
            "directions.append(total / min(t, int(n)))",
            "directions.append(total / min(t, round(n)))",
        ],
        "any place will do that comes round every n steps": [
            "i = t % n",
            "i = (1 - t) % n",
            "i = (t + 1 - 1) % n",
            "i = (t - 1 - 1) % n",
            "i = (t + 1) % n",
            "i = (t - -1) % n",
            "i = (t - 0) % n",
            "i = (t - 2) % n",
        ],
    },
    "training-loop": {
        "the labels are 0, 1 and 2": [
            "loss = paddle.nn.functional.cross_entropy(model(images), abs(labels))",
            "right = model(images).argmax(axis=1) == abs(labels)",
        ],
        "a tensor of one number is read as that number": [
            "losses.append(loss)",
            "history.append([np.mean(losses), right.astype('float32').mean()])",
        ],
        "of two axes the second is the last": ["right = model(images).argmax(axis=-1) == labels"],
    },
    # chapters 5 and 6
    "adagrad-step": {SQUARED: ["s.sum_of_squares = s.sum_of_squares + abs(g) ** 2"]},
    "rmsprop-step": {SQUARED: ["s.mean_square = rho * s.mean_square + (1 - rho) * abs(g) ** 2"]},
    "adadelta-step": {
        SQUARED: [
            "s.mean_square = rho * s.mean_square + (1 - rho) * abs(g) ** 2",
            "s.mean_square_update = rho * s.mean_square_update + (1 - rho) * abs(update) ** 2",
        ],
    },
    "rprop-step": {
        "of two factors the second is the last": [
            "factor = np.where(agreement > 0, etas[-1], np.where(agreement < 0, etas[0], 1))",
        ],
        "what is positive was dealt with before": [
            "factor = np.where(agreement > 0, etas[1], np.where(agreement != 0, etas[0], 1))",
        ],
        NEVER_NEGATIVE: ["s.step_size = np.clip(s.step_size * abs(factor), least, largest)"],
        "the largest step size is above 0": ["s.step_size = np.clip(s.step_size * factor, least, abs(largest))"],
    },
    "adam-find-bug": {LISTED: ["return averages"]},
    "adam-step": {SQUARED: ["s.v = beta2 * s.v + (1 - beta2) * abs(g) ** 2"]},
    "nadam-step": {
        SQUARED: ["s.v = beta2 * s.v + (1 - beta2) * abs(g) ** 2"],
        "the number of steps is whole": [
            "now, following = (beta1 * (1 - 0.96 ** (t * momentum_decay) / 2) for t in (s.t, int(s.t + 1)))",
            "now, following = (beta1 * (1 - 0.96 ** (t * momentum_decay) / 2) for t in (s.t, round(s.t + 1)))",
        ],
    },
    "adamax-step": {
        "an absolute value has none other": ["s.u = np.maximum(np.abs(abs(g)), beta2 * s.u + epsilon)"],
    },
    # chapters 7 and 8
    "amsgrad-as-printed": {
        LISTED: ["return scales"],
        SQUARED: ["for t, g in enumerate(abs(gradients), start=1):"],
        NEVER_NEGATIVE: [
            "v = beta2 * abs(v) + (1 - beta2) * g * g",
            "v_max = max(abs(v_max), v)",
            "v_max = max(v_max, abs(v))",
            "scales.append(abs(v_max) / (1 - beta2 ** t))",
        ],
    },
    "radam-as-printed": {
        ONLY_BY_CHANCE: ["if rho < 5:"],
        NEVER_NEGATIVE: ["return np.sqrt(abs(numerator) / ((rho_inf - 4) * (rho_inf - 2) * rho))"],
    },
    "swats-find-bug-switch": {
        "the distance is the same in both directions": [
            "if t >= minimum_steps and abs(gamma - corrected) < tolerance * corrected:",
        ],
        "only an average above 0 can be close enough": [
            "if t >= minimum_steps and abs(abs(corrected) - gamma) < tolerance * corrected:",
            "return abs(corrected)",
        ],
        ONLY_BY_CHANCE: ["if t >= minimum_steps and abs(corrected - gamma) <= tolerance * corrected:"],
    },
    "radam-step": {
        "the number of steps is whole": [
            "rho = rho_inf - int(2 * s.t) * beta2 ** s.t / (1 - beta2 ** s.t)",
            "rho = rho_inf - round(2 * s.t) * beta2 ** s.t / (1 - beta2 ** s.t)",
        ],
        ONLY_BY_CHANCE: ["if rho < 5:"],
        NEVER_NEGATIVE: ["return x - lr * abs(r) * m_hat * sqrt(1 - beta2 ** s.t) / (sqrt(s.v) + epsilon)"],
    },
    # chapters 9 and 10
    "step-decay": {POSITIVE_RATE: ["return abs(lr) * gamma ** drops", "return lr * abs(gamma) ** drops"]},
    "inverse-time-decay": {POSITIVE_RATE: ["return abs(lr) / (1 + gamma * t)", "return lr / (1 + abs(gamma) * t)"]},
    "cosine-decay": {POSITIVE_RATE: ["return eta_min + (abs(lr) - eta_min) * height"]},
    "warmup": {POSITIVE_RATE: ["return start_lr + (abs(lr) - start_lr) * share"]},
    "noam-decay": {
        "a step is never negative": ["if t <= 0:"],
        POSITIVE_RATE: ["return abs(lr) * d_model ** (-0.5) * min(t ** (-0.5), t * warmup_steps ** (-1.5))"],
    },
    "sgdr": {
        POSITIVE_RATE: ["return eta_min + (abs(lr) - eta_min) * (1 + math.cos(math.pi * t / length)) / 2"],
    },
    "lr-range-test": {
        "anything within half a decade of the right place passes": [
            "return lrs[np.nanargmin(losses)] / 5",
            "return lrs[np.nanargmin(losses)] / 9",
            "return lrs[np.nanargmin(losses)] / 11",
        ],
    },
    "decay-find-bug": {
        LISTED: ["return used"],
        POSITIVE_RATE: ["lr = abs(lr) * gamma", "lr = lr * abs(gamma)", "used.append(abs(lr))"],
        "an epoch is never negative, and neither is a remainder": [
            "if epoch != 0 and epoch % every == 0:",
            "if epoch > 0 and epoch % every <= 0:",
        ],
    },
    "decay-epochs-find-bug": {
        "a step, an epoch and their numbers are whole, never negative": [
            "epoch = int(step // per_epoch)",
            "epoch = round(step // per_epoch)",
            "epoch = abs(step) // per_epoch",
            "epoch = int(step) // per_epoch",
            "epoch = round(step) // per_epoch",
            "epoch = step // abs(per_epoch)",
            "epoch = step // int(per_epoch)",
            "epoch = step // round(per_epoch)",
        ],
        "rounding down once at the end is enough": ["epoch = step / per_epoch"],
        POSITIVE_RATE: ["return abs(lr) * gamma ** (epoch // every)", "return lr * abs(gamma) ** (epoch // every)"],
    },
    "warmup-find-bug": {
        "at t = warmup_steps both branches give lr": [
            "if t - 1 < warmup_steps:",
            "if t <= warmup_steps:",
            "if t < warmup_steps + 1:",
        ],
        "the cosine is the same in both directions": [
            "share = (warmup_steps - t) / (total_steps - warmup_steps)",
            "share = (t - warmup_steps) / (warmup_steps - total_steps)",
        ],
        POSITIVE_RATE: [
            "return abs(lr) * t / warmup_steps",
            "return abs(lr) * (1 + math.cos(math.pi * share)) / 2",
        ],
    },
    "triangular": {
        "the distance is the same in both directions": ["from_middle = abs(1 - t % (2 * step_size) / step_size)"],
        NEVER_NEGATIVE: ["return base_lr + (max_lr - base_lr) * (1 - abs(from_middle))"],
    },
    # chapter 12
    "one-cycle": {
        "at t = top both branches give max_lr": ["if t < top:"],
        "a whole t is up to a number where it is up to its whole part": ["if t <= int(top):"],
        NEVER_NEGATIVE: [
            "if t <= abs(top):",
            "start, target, share = (max_lr / divide_factor, max_lr, t / abs(top))",
            "start, target, share = (max_lr, end_learning_rate, (t - abs(top)) / (total_steps - 1 - top))",
            "start, target, share = (max_lr, end_learning_rate, (t - top) / (total_steps - 1 - abs(top)))",
        ],
        "the cosine is the same in both directions": [
            "start, target, share = (max_lr, end_learning_rate, (top - t) / (total_steps - 1 - top))",
            "start, target, share = (max_lr, end_learning_rate, (t - top) / (top - (total_steps - 1)))",
        ],
        POSITIVE_RATE: [
            "return abs(target) + (start - target) * (1 + math.cos(math.pi * share)) / 2",
            "return target + (abs(start) - target) * (1 + math.cos(math.pi * share)) / 2",
            "return target + (start - abs(target)) * (1 + math.cos(math.pi * share)) / 2",
        ],
    },
    # chapter 13
    "init-find-bug-fans": {
        "no weight of a layer has fewer than two axes": [
            "n_in = shape[0] if len(shape) <= 2 else shape[1] * np.prod(shape[2:])",
        ],
        "a product of whole numbers is whole": [
            "n_in = shape[0] if len(shape) == 2 else int(shape[1] * np.prod(shape[2:]))",
            "n_in = shape[0] if len(shape) == 2 else round(shape[1] * np.prod(shape[2:]))",
        ],
    },
    # chapter 14
    "critical-batch": {
        "a batch size is above 0, and fewer steps need a larger one": [
            "slope, least = np.polyfit(1 / abs(batches), steps, 1)",
            "return abs(slope) / least",
        ],
    },
    "scaled-learning-rate": {
        "a batch size is whole, and above 0": [
            "k = abs(new_batch) / batch",
            "k = int(new_batch) / batch",
            "k = round(new_batch) / batch",
            "k = new_batch / abs(batch)",
            "k = new_batch / int(batch)",
            "k = new_batch / round(batch)",
        ],
        "of two words the second is the last": ["if rule >= 'root':"],
        POSITIVE_RATE: ["return min(abs(lr) * k, largest)", "return min(lr * k, abs(largest))"],
    },
    "accumulated-gradient": {
        "a place in the list and a number of examples are whole, never negative": [
            "for part in parts[abs(start):start + every]:",
            "for part in parts[int(start):start + every]:",
            "for part in parts[round(start):start + every]:",
            "for part in parts[start:int(start + every)]:",
            "for part in parts[start:round(start + every)]:",
            "for part in parts[start:abs(start) + every]:",
            "for part in parts[start:int(start) + every]:",
            "for part in parts[start:round(start) + every]:",
            "x = x - lr * total / abs(count)",
            "x = x - lr * total / int(count)",
            "x = x - lr * total / round(count)",
        ],
        "an absolute value has the same length": [
            "total = total + len(abs(part)) * gradient(x, part)",
            "count += len(abs(part))",
        ],
        "a learning rate is above 0": ["x = x - abs(lr) * total / count"],
    },
    "clip-accumulated": {
        SQUARED: ["length = np.linalg.norm(abs(mean))"],
        "at the bound both branches give the mean": ["if length >= largest:"],
        "a length is never negative": ["if length > abs(largest):", "mean = mean * (abs(largest) / length)"],
    },
    "lars-step": {
        SQUARED: [
            "weights, slopes = (np.linalg.norm(abs(x)), np.linalg.norm(g))",
            "weights, slopes = (np.linalg.norm(x), np.linalg.norm(abs(g)))",
        ],
        "a length is never negative": [
            "if abs(slopes) > 0:",
            "if slopes != 0:",
            "lr = lr * lars_coeff * abs(weights) / (slopes + lars_weight_decay * weights)",
            "lr = lr * lars_coeff * weights / (abs(slopes) + lars_weight_decay * weights)",
            "lr = lr * lars_coeff * weights / (slopes + lars_weight_decay * abs(weights))",
        ],
        "coefficient and decay are not negative": [
            "lr = lr * abs(lars_coeff) * weights / (slopes + lars_weight_decay * weights)",
            "lr = lr * lars_coeff * weights / (slopes + abs(lars_weight_decay) * weights)",
            "s.velocity = momentum * s.velocity + lr * (g + abs(lars_weight_decay) * x)",
        ],
    },
    "lamb-step": {
        "a decay is not negative": ["r = m_hat / (np.sqrt(v_hat) + epsilon) + abs(lamb_weight_decay) * x"],
    },
    # chapter 15
    "lookahead-step": {"a remainder is never negative": ["if t % k <= 0:"]},
    "two-loop-direction": {
        "a mean has the sign of the sum": [
            "pairs = [(s, y) for s, y in zip(steps, changes) if np.mean(s * y) > 0]",
        ],
        ONLY_BY_CHANCE: ["pairs = [(s, y) for s, y in zip(steps, changes) if np.sum(s * y) >= 0]"],
    },
    "resume-find-bug": {POSITIVE_RATE: ["weights = weights - abs(lr) / t * velocity"]},
}


@pytest.fixture(autouse=True)
def own_progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS_FILE", str(tmp_path / "progress.json"))


def function_from(source, names):
    namespace = dict(names)
    exec(source, namespace)
    return namespace[ast.parse(source).body[0].name]


def test_every_exercise_that_asks_for_a_function_has_a_solution_to_be_mutated():
    assert set(SOLUTIONS) == {id for id, exercise in EXERCISES.items() if isinstance(exercise, Implement)}


@pytest.mark.parametrize("id", sorted(SOLUTIONS.keys() - TRAINS))
def test_only_those_mutants_of_a_solution_pass_that_change_nothing(id, monkeypatch):
    monkeypatch.setattr(EXERCISES[id], "time_limit", 0.5)  # for loops that a slip makes endless
    # Whether an answer passes is decided before a name for what is wrong is looked for, which takes far longer.
    monkeypatch.setattr(EXERCISES[id], "recognise", lambda readings: None)
    monkeypatch.setattr(EXERCISES[id], "diagnose", lambda answer, backend: None)
    source, names = SOLUTIONS[id]
    assert check(id, function_from(source, names)).passed
    passing = {label for label, text in mutants.mutants(source).items() if check(id, function_from(text, names)).passed}
    known = {line for lines in EQUIVALENT.get(id, {}).values() for line in lines}
    assert passing - known == set(), "these pass: is a probe or a case missing?"
    assert known - passing == set(), "these do not pass any more: strike them off the list"


# ----------------------------------------------------------------------------- the mutator itself

SAMPLE = """
def sample(x, s, lr, t=3):
    s.a = min(x, 2) if t >= 1 else -lr
    s.b += s.a
    return s.b
"""


@pytest.mark.parametrize(
    "slip",
    [
        "s.a = max(x, 2) if t >= 1 else -lr",  # a function for its opposite
        "s.a = x if t >= 1 else -lr",  # a call that is missing
        "s.a = min(2) if t >= 1 else -lr",  # an argument that is missing
        "s.a = min(x, 3) if t >= 1 else -lr",  # a constant that is one off
        "s.a = min(x, 2) if t > 1 else -lr",  # another comparison
        "s.a = min(x, 2) if False else -lr",  # one branch only
        "s.a = min(x, 2) if t >= 1 else lr",  # a sign
        "s.a = min(lr, 2) if t >= 1 else -lr",  # another variable
        "s.a = min(x, 2) if 3 >= 1 else -lr",  # the default value of an argument
        "s.a = min(x, 2) if t - 1 >= 1 else -lr",  # a step earlier or later
        "s.a = min(abs(x), 2) if t >= 1 else -lr",  # a call that does not belong
        "s.b -= s.a",  # another operator
        "s.b += s.b",  # another attribute
        "without s.b += s.a",  # a statement that is missing
        "return s.a",
    ],
)
def test_the_mutator_makes_this_slip(slip):
    assert slip in mutants.mutants(SAMPLE)


def test_mutants_differ_from_the_function_in_one_line_and_are_programs():
    plain = ast.unparse(ast.parse(SAMPLE)).splitlines()
    for label, text in mutants.mutants(SAMPLE).items():
        compile(text, label, "exec")
        assert sum(one != other for one, other in zip(plain, text.splitlines())) == 1, label


def test_labels_name_one_mutant_each_and_default_values_stay():
    for source, _ in SOLUTIONS.values():
        found = mutants.mutants(source)
        assert len(set(found.values())) == len(found)
        assert {text.splitlines()[0] for text in found.values()} == {source.splitlines()[0]}
