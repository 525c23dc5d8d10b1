"""How long one step of each optimizer takes, ours against Paddle's, PyTorch's and memory's; how large its state is.

    python -m benchmarks.step_time                      everything; writes results/step_time.json and .md beside it
    python -m benchmarks.step_time --models CNN LeNet   some models only; nothing is written without --output

All take turns, a few steps at a time, so that whatever else the machine does hits all alike: the course's optimizers as
they are and on NumPy alone, Paddle's, and PyTorch's in a process of their own where there is an environment with
PyTorch. Every step is timed by itself; the median is reported. The gradients are there before the first step and stay:
what is timed is ``step()`` and nothing else. Each computes on as many cores as ``OMP_NUM_THREADS`` says.

The limit takes turns with them: a walk over memory that moves as many bytes as the rule has to move, and does next to
nothing with them. A rule reads parameter, gradient and state, and writes parameter and state where it has read them;
the walk reads and writes an array in place. (A copy would be no limit: before the processor writes into memory that it
has not read, it reads it.) As the bytes are as many, what fits into a cache for the one fits for the other.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import paddle
from tqdm import tqdm

from benchmarks.pytorch_steps import KINDS, PyTorch, timed
from course_lib import models
from course_lib.files import as_json, write_atomically
from course_lib.optimizer.tensors import one_pass
from course_lib.optimizer.tensors.blocks import CORES, WORTH_SHARING
from course_lib.optimizer.tensors.one_pass import WORTH_COMPILING
from tests.optimizer_table import CASES
from tools.circumstances import processor

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results") / "step_time.json"
PYTORCH = ROOT / ".venv" / "torch" / "bin" / "python"
STEPS_PER_TURN = 5
THREADS_FALL_ASLEEP = 0.2 if CORES > 1 else 0.0
"""Seconds after a turn: idle threads of Paddle and PyTorch keep a core busy for so long, waiting for more to do."""

MODELS = {
    "CNN": lambda: _shapes(models.mnist_cnn()),
    "MLP": lambda: _shapes(models.mlp(784, hidden=(128,))),
    "LeNet": lambda: _shapes(models.lenet()),
    "64 small tensors": lambda: [[8, 4 + place % 8] for place in range(64)],
    "10 million": lambda: _shapes(models.mlp(784, hidden=(3200, 2330))),
}
LARGEST = "10 million"
SIZES = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000]
"""Values of one tensor, for the time of Adam against size."""


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


# -------------------------------------------------------------------------------------------------- who takes part


def parameters_with_gradients(shapes) -> list[paddle.Tensor]:
    """Parameters of these shapes, each with a gradient that stays."""
    rng, parameters = np.random.default_rng(0), []
    for shape in shapes:
        parameter = paddle.create_parameter(shape, "float32")
        parameter.grad = paddle.to_tensor(rng.normal(size=shape).astype("float32"))
        parameters.append(parameter)
    return parameters


@contextmanager
def loops_from(elements: float):
    """Let optimizers that make their first step meanwhile compile their rules from this many elements on."""
    before, one_pass.WORTH_COMPILING = one_pass.WORTH_COMPILING, elements
    try:
        yield
    finally:
        one_pass.WORTH_COMPILING = before


def started(make, shapes, loops_from_elements: float):
    """An optimizer for parameters of these shapes after its first step."""
    optimizer = make(parameters_with_gradients(shapes))
    with loops_from(loops_from_elements):
        optimizer.step()
    return optimizer


class Walk:
    """Moves so many bytes: reads half of them and writes the other half in their place, on so many cores."""

    def __init__(self, size: int, cores: int):
        self._parts = np.array_split(np.ones(size // 8, np.float32), cores)
        self._map = map if cores == 1 else ThreadPoolExecutor(cores).map

    def step(self) -> None:
        list(self._map(np.negative, self._parts, self._parts))


def bytes_to_move(elements: int, slots: int) -> int:
    """Parameter, gradient and state are read, parameter and state are written, each with 4 bytes per element."""
    return 4 * elements * (2 + slots + 1 + slots)


# --------------------------------------------------------------------------------------------------- measurements


def measure(case, shapes, seconds: float, pytorch: PyTorch | None = None, loops_from_elements=WORTH_COMPILING) -> dict:
    """Time the optimizers of a case by turns for about ``seconds`` altogether; times in microseconds."""
    makes = {"ours": (case.ours, loops_from_elements), "numpy": (case.ours, math.inf), "paddle": (case.paddles, 0)}
    here = {name: started(make, shapes, elements) for name, (make, elements) in makes.items()}
    ours, elements = here["ours"], sum(map(math.prod, shapes))
    here["limit"] = Walk(bytes_to_move(elements, len(ours.slots)), CORES if elements >= WORTH_SHARING else 1)
    contestants = {name: partial(timed, each.step) for name, each in here.items()}
    if pytorch:
        contestants |= {kind: partial(pytorch.steps, kind) for kind in pytorch.make(ours, shapes)}
    times = by_turns(contestants, seconds)
    microseconds = {name: float(np.median(durations)) for name, durations in times.items()}
    return {
        **{f"{name}_us": round(microseconds[name], 1) if name in times else None for name in [*here, *KINDS]},
        "ratio": round(microseconds["ours"] / microseconds["paddle"], 2),
        "compiled": ours.compiled,
        "steps": len(times["ours"]),
        "ours_state_bytes": bytes_of_state(ours),
        "paddle_state_bytes": bytes_of_paddle_state(here["paddle"]),
    }


def by_turns(contestants: dict, seconds: float) -> dict[str, list[float]]:
    """Let each take a few steps at a time, for so many seconds; ``contestants`` maps names to ``timed`` steps.

    Each round has an order of its own: who comes after a relative finds the caches full of code that it needs, too.
    """
    times, order = {name: [] for name in contestants}, random.Random(0)
    for steps in contestants.values():
        steps(2)
    end = time.perf_counter() + seconds
    while not all(times.values()) or time.perf_counter() < end:
        for name in order.sample(list(contestants), len(contestants)):
            times[name] += contestants[name](STEPS_PER_TURN)
            time.sleep(THREADS_FALL_ASLEEP)
    return times


def bytes_of_state(optimizer) -> int:
    """Memory of all arrays that the course's optimizer keeps from step to step."""
    return sum(array.nbytes for state in optimizer.states_in_use() for array in state.arrays.values())


def bytes_of_paddle_state(optimizer) -> int:
    """Memory of all tensors in the state of Paddle's optimizer."""
    tensors = [value for value in optimizer.state_dict().values() if isinstance(value, paddle.Tensor)]
    return sum(int(tensor.size) * tensor.element_size() for tensor in tensors)


def machine(pytorch: PyTorch | None) -> dict:
    """What the times depend on, asked before they are measured."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba_version(),
        "paddle": paddle.__version__,
        "pytorch": pytorch.version if pytorch else "not installed",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
        "load before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown",
    }


def numba_version() -> str:
    if not one_pass.pays(math.inf):
        return "not installed"
    import numba

    return numba.__version__


def run(model_names=None, optimizer_names=None, seconds: float = 4.0, sizes=(), python: Path = PYTORCH) -> dict:
    """Measure and return ``{"machine": …, "models": {name: its size}, "rows": […], "sizes": […], "means": …}``.

    Args:
        model_names, optimizer_names: Some of them; all by default.
        seconds: Time for each row.
        sizes: Numbers of values for which Adam is measured, compiled for each of them.
        python: The Python of an environment with PyTorch, if there is one.
    """
    model_names, cases = model_names or list(MODELS), flavours()
    shapes = {model: MODELS[model]() for model in model_names}
    pairs = [(model, name) for model in model_names for name in optimizer_names or cases]
    pytorch = PyTorch(python.absolute(), CORES) if python.exists() else None
    conditions = machine(pytorch)
    rows = [
        {"model": model, "optimizer": name, **measure(cases[name], shapes[model], seconds, pytorch)}
        for model, name in tqdm(pairs, disable=None, unit="pair")
    ]
    by_size = [
        {"values": size, **measure(cases["Adam"], [[size]], seconds, pytorch, loops_from_elements=0)}
        for size in tqdm(sizes, disable=None, unit="size")
    ]
    results = {
        "machine": conditions,
        "models": {model: {"tensors": len(s), "parameters": sum(map(math.prod, s))} for model, s in shapes.items()},
        "rows": rows,
        "sizes": by_size,
        "means": {f"{name} / {other}": means(rows, name, other) for name, other in COMPARED},
    }
    if pytorch:
        pytorch.close()
    return results


COMPARED = [("ours", "paddle"), ("numpy", "paddle"), *(("ours", kind) for kind in KINDS), ("ours", "limit")]
"""Whose times are divided by whose."""


def means(rows: list[dict], name: str, other: str) -> dict[str, float | None]:
    """Geometric means of one's times divided by another's, where both are there."""
    kept = {
        "all": rows,
        "without NAdam": [row for row in rows if row["optimizer"] != "NAdam"],
        f"at {LARGEST}": [row for row in rows if row["model"] == LARGEST],
    }
    return {which: _geometric_mean(_ratios(some, name, other)) for which, some in kept.items()}


def _ratios(rows: list[dict], name: str, other: str) -> list[float]:
    return [row[f"{name}_us"] / row[f"{other}_us"] for row in rows if row[f"{other}_us"]]


def _geometric_mean(ratios: list[float]) -> float | None:
    return round(float(np.exp(np.mean(np.log(ratios)))), 2) if ratios else None


# --------------------------------------------------------------------------------------------------------- tables


def table(results: dict) -> str:
    """The results as a page of Markdown."""
    machine = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    return f"""# Time of a step and size of the state, ours against Paddle's

Measured by `make bench` on: {machine}.

Medians over single steps. A ratio below 1 says that ours is the quicker one. *Ours* is the optimizer as it is, with its
rule compiled where that pays; a star marks where it ran on NumPy. The *limit* is a walk over memory that moves as many
bytes as the rule has to move.

## Time: ours divided by Paddle's

In brackets Paddle's median in microseconds.

{_grid(results, lambda row: f"{row['ratio']:.2f}{'' if row['compiled'] else '*'} ({row['paddle_us']:,.0f})")}

## Time: on NumPy alone, divided by Paddle's

{_grid(results, partial(_ratio_cell, name="numpy", others=["paddle"]))}

## Time: ours divided by the limit

In brackets Paddle's time divided by the limit.

{_grid(results, lambda row: f"{_ratio_cell(row, 'ours', ['limit'])} ({_ratio_cell(row, 'paddle', ['limit'])})")}

## Time: ours divided by PyTorch's ({", ".join(KINDS)})

{_grid(results, partial(_ratio_cell, name="ours", others=list(KINDS)))}

## Geometric means

{_means(results["means"])}

## State: numbers per parameter, ours and Paddle's

{_grid(results, lambda row: _state_cell(row, results["models"]))}
"""


def _grid(results: dict, cell) -> str:
    cells = {(row["optimizer"], row["model"]): cell(row) for row in results["rows"]}
    sizes = [f"{name}: {size['parameters']:,}" for name, size in results["models"].items()]
    optimizers = dict.fromkeys(row["optimizer"] for row in results["rows"])
    lines = [[optimizer, *(cells[optimizer, name] for name in results["models"])] for optimizer in optimizers]
    return _markdown([["optimizer", *sizes], *lines])


def _means(means: dict[str, dict]) -> str:
    heads = list(next(iter(means.values())))
    lines = [[pair, *(_number(of_pair[head]) for head in heads)] for pair, of_pair in means.items()]
    return _markdown([["", *heads], *lines])


def _markdown(lines: list[list[str]]) -> str:
    head, *rest = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---", *["---:"] * (len(head) - 1)], *rest])


def _ratio_cell(row: dict, name: str, others: list[str]) -> str:
    ratios = [_ratios([row], name, other) for other in others]
    return " / ".join(_number(ratio[0] if ratio else None) for ratio in ratios)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _state_cell(row: dict, models: dict) -> str:
    parameters = models[row["model"]]["parameters"]
    return " / ".join(f"{row[f'{whose}_state_bytes'] / (4 * parameters):.2f}" for whose in ("ours", "paddle"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_time", description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, help="default: all")
    parser.add_argument("--optimizers", nargs="+", choices=flavours(), help="default: all")
    parser.add_argument("--seconds", type=float, default=4.0, help="time for each optimizer and model")
    parser.add_argument("--pytorch", type=Path, default=PYTORCH, help="Python of an environment with PyTorch")
    parser.add_argument("--output", type=Path, help="JSON file to write; the table goes beside it as .md")
    options = parser.parse_args(arguments)

    in_part = options.models or options.optimizers
    sizes = () if in_part else SIZES
    results = run(options.models, options.optimizers, options.seconds, sizes, options.pytorch)
    output = options.output or (None if in_part else RESULTS)
    print(table(results))
    if output:
        write_atomically(output, as_json(results))
        write_atomically(output.with_suffix(".md"), table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
