"""How long a reader waits beside the optimizer's step: for imports, and for one step of ``training.fit``.

    python -m benchmarks.user_time      writes results/user_time.json

Imports are timed in new processes that take turns, when Paddle is loaded and, where that is enough, without Paddle. A
step is taken apart as it runs: what ``fit`` calls is timed in its place, and "the rest" is what lies in between. All of
it is work of the processor, and so its time is taken: what else the machine does is not counted.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import nbformat
import numpy as np
import paddle

from course_lib import data, models, optimizer, training
from course_lib.files import as_json, write_atomically
from tools.circumstances import circumstances
from tools.notebooks import CHAPTERS

RESULTS = Path(__file__).with_name("results") / "user_time.json"
STEPS = 320  # ten epochs of the digits

MODELS = {
    "MLP": lambda digits: models.mlp(digits, seed=0),
    "CNN": lambda digits: models.mnist_cnn(digits.size, seed=0),
}


def imports_of(chapter: str) -> str:
    """The import statements of a chapter, one a line."""
    cells = nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4).cells
    code = ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
    return "\n".join(ast.unparse(node) for node in code.body if isinstance(node, (ast.Import, ast.ImportFrom)))


NO_PADDLE = "import sys; sys.modules['paddle'] = None"

#: What is timed → (what is there before, the statements).
IMPORTS = {
    "Paddle": ("", "import paddle"),
    "course_lib": ("import paddle", "import course_lib"),
    "optimizers": ("import paddle", "from course_lib import optimizer"),
    "optimizers, no Paddle": (NO_PADDLE, "from course_lib import optimizer"),
    "exercises": ("import paddle", "from course_lib.exercises import check"),
    "exercises, no Paddle": (NO_PADDLE, "from course_lib.exercises import check"),
    "the digits": ("import paddle; from course_lib import data", "data.load('digits')"),
    "chapter 6": ("import paddle", imports_of("06_adam")),
}
PRINT = "print(time.process_time() - start)"


def import_times(rounds: int) -> dict[str, float]:
    """Median milliseconds of each import."""
    taken = defaultdict(list)
    for _ in range(rounds):
        for name, (before, statements) in IMPORTS.items():
            program = "\n".join([before, "import time", "start = time.process_time()", statements, PRINT])
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
            taken[name].append(1e3 * float(done.stdout.split()[-1]))
    return {name: round(float(np.median(values)), 1) for name, values in taken.items()}


def parts_of_step(make_model, steps: int) -> dict[str, float]:
    """Microseconds of one step of ``fit`` in whole and in its parts, by one training of so many steps."""
    digits, taken = data.load("digits"), defaultdict(float)

    def timed(part, function):
        def call(*arguments, **settings):
            start = time.process_time()
            try:
                return function(*arguments, **settings)
            finally:
                taken[part] += time.process_time() - start

        return call

    def timed_batches(*arguments, batches=training._mini_batches):
        read = timed("mini-batch", batches(*arguments).__next__)
        while True:
            try:
                yield read()
            except StopIteration:
                return

    model = make_model(digits)
    rule = optimizer.Adam(0.001, parameters=model.parameters())
    rule.step, rule.clear_grad = timed("optimizer's step", rule.step), timed("clear_grad", rule.clear_grad)
    model.forward = timed("forward", model.forward)
    replaced = {
        (training, "_mini_batches"): timed_batches,
        (training, "evaluate"): lambda *_: (0.0, 0.0),  # not part of a step
        (paddle.Tensor, "backward"): timed("backward", paddle.Tensor.backward),
    }
    with ExitStack() as stack:
        for (owner, name), function in replaced.items():
            stack.enter_context(patch.object(owner, name, function))
        loss = timed("loss", paddle.nn.functional.cross_entropy)
        timed("whole", training.fit)(model, rule, digits, steps=steps, loss=loss, progress=False)
    taken["the rest"] = 2 * taken["whole"] - sum(taken.values())
    return {part: 1e6 * seconds / steps for part, seconds in taken.items()}


def step_times(rounds: int, steps: int) -> dict[str, dict[str, float]]:
    """Median microseconds of the parts of a step, by model; the models take turns, and a first round warms up."""
    taken = {name: [] for name in MODELS}
    for _ in range(1 + rounds):
        for name, make_model in MODELS.items():
            taken[name].append(parts_of_step(make_model, steps))
    return {
        name: {part: round(float(np.median([each[part] for each in found[1:]])), 1) for part in found[0]}
        for name, found in taken.items()
    }


def run(rounds: int, steps: int) -> dict:
    return {
        **circumstances("python -m benchmarks.user_time"),
        "imports_ms": import_times(rounds),
        "step_us": step_times(rounds, steps),
    }


def table(results: dict) -> str:
    """The results in a few lines: imports as shares of Paddle's own, parts as shares of the step."""
    imports, lines = results["imports_ms"], []
    for name, milliseconds in imports.items():
        lines.append(f"{'import of ' + name:34}{milliseconds:8.0f} ms {milliseconds / imports['Paddle']:6.0%}")
    for model, parts in results["step_us"].items():
        for part, microseconds in sorted(parts.items(), key=lambda pair: -pair[1]):
            lines.append(f"{f'step, {model}: {part}':34}{microseconds:8.0f} µs {microseconds / parts['whole']:6.0%}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.user_time", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="repetitions, of which medians are taken")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each training")
    parser.add_argument("--output", type=Path, default=RESULTS, help="JSON file to write")
    options = parser.parse_args(arguments)
    results = run(options.rounds, options.steps)
    print(table(results))
    write_atomically(options.output, as_json(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
