"""How long one step of each optimizer takes, ours against Paddle's, and how large its state is.

    python -m benchmarks.step_time                      everything; writes results/step_time.json and .md beside it
    python -m benchmarks.step_time --models CNN LeNet   some models only; nothing is written without --output

Both optimizers live in one process and take turns, a few steps at a time, so that whatever else the machine does
hits both alike. Every step is timed by itself; the median is reported. The gradients are there before the first
step and stay: what is timed is ``step()`` and nothing else.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import paddle
from tqdm import tqdm

from course_lib import models
from course_lib.files import as_json, write_atomically
from tests.optimizer_table import CASES
from tools.circumstances import processor

RESULTS = Path(__file__).with_name("results") / "step_time.json"
STEPS_PER_TURN = 5

MODELS = {
    "CNN": lambda: _shapes(models.mnist_cnn()),
    "MLP": lambda: _shapes(models.mlp(784, hidden=(128,))),
    "LeNet": lambda: _shapes(models.lenet()),
    "64 small tensors": lambda: [[8, 4 + place % 8] for place in range(64)],
    "10 million": lambda: _shapes(models.mlp(784, hidden=(3200, 2330))),
}


def _shapes(model) -> list[list[int]]:
    return [list(parameter.shape) for parameter in model.parameters()]


def flavours() -> dict:
    """The table's optimizers with default settings, and each with a flag set (Nesterov, centred, AMSGrad)."""
    found = {}
    for case in CASES:
        flags = [key for key, value in case.settings.items() if value is True]
        if flags or not case.settings:
            found.setdefault(" ".join([case.name, *(flag.replace("use_", "") for flag in flags)]), case)
    return found


def parameters_with_gradients(shapes) -> list[paddle.Tensor]:
    """Parameters of these shapes, each with a gradient that stays."""
    rng, parameters = np.random.default_rng(0), []
    for shape in shapes:
        parameter = paddle.create_parameter(shape, "float32")
        parameter.grad = paddle.to_tensor(rng.normal(size=shape).astype("float32"))
        parameters.append(parameter)
    return parameters


def measure(case, shapes, seconds: float) -> dict:
    """Time the two optimizers of a case by turns for about ``seconds`` altogether; times in microseconds."""
    pair = [case.ours(parameters_with_gradients(shapes)), case.paddles(parameters_with_gradients(shapes))]
    times = [[], []]
    for optimizer in pair:
        for _ in range(3):
            optimizer.step()
    end = time.perf_counter() + seconds
    while not times[1] or time.perf_counter() < end:
        for optimizer, durations in zip(pair, times):
            for _ in range(STEPS_PER_TURN):
                start = time.perf_counter()
                optimizer.step()
                durations.append(1e6 * (time.perf_counter() - start))
    ours, paddles = (float(np.median(durations)) for durations in times)
    return {
        "ours_us": round(ours, 1),
        "paddle_us": round(paddles, 1),
        "ratio": round(ours / paddles, 2),
        "steps": len(times[0]),
        "ours_state_bytes": bytes_of_state(pair[0]),
        "paddle_state_bytes": bytes_of_paddle_state(pair[1]),
    }


def bytes_of_state(optimizer) -> int:
    """Memory of all arrays that the course's optimizer keeps from step to step."""
    return sum(array.nbytes for state in optimizer.states_in_use() for array in state.arrays.values())


def bytes_of_paddle_state(optimizer) -> int:
    """Memory of all tensors in the state of Paddle's optimizer."""
    tensors = [value for value in optimizer.state_dict().values() if isinstance(value, paddle.Tensor)]
    return sum(int(tensor.size) * tensor.element_size() for tensor in tensors)


def machine() -> dict:
    """What the times depend on."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "paddle": paddle.__version__,
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
    }


def run(model_names=None, optimizer_names=None, seconds: float = 1.0) -> dict:
    """Measure and return ``{"machine": …, "models": {name: number of parameters}, "rows": […]}``."""
    model_names, cases = model_names or list(MODELS), flavours()
    pairs = [(model, name) for model in model_names for name in optimizer_names or cases]
    shapes = {model: MODELS[model]() for model in model_names}
    rows = [
        {"model": model, "optimizer": name, **measure(cases[name], shapes[model], seconds)}
        for model, name in tqdm(pairs, disable=None, unit="pair")
    ]
    sizes = {model: {"tensors": len(s), "parameters": sum(map(int, map(np.prod, s)))} for model, s in shapes.items()}
    return {"machine": machine(), "models": sizes, "rows": rows}


def table(results: dict) -> str:
    """The results as a page of Markdown."""
    machine = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    return f"""# Time of a step and size of the state, ours against Paddle's

Measured by `make bench` on: {machine}.

## Time: ours divided by Paddle's

Median over single steps; below 1 ours is the quicker one. In brackets Paddle's median in microseconds.

{_grid(results, lambda row: f"{row['ratio']:.2f} ({row['paddle_us']:,.0f})")}

## State: numbers per parameter, ours and Paddle's

{_grid(results, lambda row: _state_cell(row, results["models"]))}
"""


def _grid(results: dict, cell) -> str:
    cells = {(row["optimizer"], row["model"]): cell(row) for row in results["rows"]}
    sizes = [f"{name}: {size['parameters']:,}" for name, size in results["models"].items()]
    lines = [["optimizer", *sizes], ["---", *["---:"] * len(sizes)]]
    for optimizer in dict.fromkeys(row["optimizer"] for row in results["rows"]):
        lines.append([optimizer, *(cells[optimizer, name] for name in results["models"])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _state_cell(row: dict, models: dict) -> str:
    parameters = models[row["model"]]["parameters"]
    return " / ".join(f"{row[f'{whose}_state_bytes'] / (4 * parameters):.2f}" for whose in ("ours", "paddle"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_time", description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, help="default: all")
    parser.add_argument("--optimizers", nargs="+", choices=flavours(), help="default: all")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each pair of optimizers")
    parser.add_argument("--output", type=Path, help="JSON file to write; the table goes beside it as .md")
    options = parser.parse_args(arguments)

    results = run(options.models, options.optimizers, options.seconds)
    output = options.output or (None if options.models or options.optimizers else RESULTS)
    print(table(results))
    if output:
        write_atomically(output, as_json(results))
        write_atomically(output.with_suffix(".md"), table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
