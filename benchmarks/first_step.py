"""What a compiled rule costs at its first step: Numba's import, and a loop that has to be compiled or is on disk.

    python -m benchmarks.first_step     writes results/first_step.json

Every measurement is made in a process of its own, where Paddle, NumPy and the course are loaded already and the
gradients are there. The first step loads Numba where it compiles.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.step_time import MODELS, flavours, loops_from, numba_version, parameters_with_gradients
from course_lib.files import as_json, write_atomically
from course_lib.optimizer.tensors.one_pass import WORTH_COMPILING
from tools.circumstances import circumstances

RESULTS = Path(__file__).with_name("results") / "first_step.json"
MODEL = "MLP"
IMPORT = "import numpy, time; start = time.perf_counter(); import numba; print(time.perf_counter() - start)"
STEP = "from benchmarks.first_step import first_step; print(first_step({}))"


def first_step(loops_from_elements: float) -> float:
    """Seconds of the first step of Adam in this process."""
    adam = flavours()["Adam"].ours(parameters_with_gradients(MODELS[MODEL]()))
    with loops_from(loops_from_elements):
        start = time.perf_counter()
        adam.step()
        return time.perf_counter() - start


def in_a_process_of_its_own(program: str, loops: str) -> float:
    """The number that a program prints, whose compiled loops are kept in the folder ``loops``."""
    environment = {**os.environ, "COURSE_LOOPS_DIR": loops}
    command = [sys.executable, "-W", "ignore", "-c", program]
    return round(float(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout), 4)


def run(times: int) -> dict:
    seconds = {"import numba": [], "compiled": [], "from the disk": [], "on NumPy": []}
    for _ in range(times):
        with tempfile.TemporaryDirectory() as loops:
            compiled = STEP.format(WORTH_COMPILING)
            programs = [IMPORT, compiled, compiled, STEP.format("float('inf')")]  # the second one finds the loop there
            for program, measured in zip(programs, seconds.values()):
                measured.append(in_a_process_of_its_own(program, loops))
    return {
        **circumstances("python -m benchmarks.first_step"),
        "numba": numba_version(),
        "values": sum(map(math.prod, MODELS[MODEL]())),
        "seconds": seconds,
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_step", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="how often each is measured")
    parser.add_argument("--output", type=Path, default=RESULTS, help="JSON file to write")
    options = parser.parse_args(arguments)
    if numba_version() == "not installed":
        print("the first step is not measured: Numba is not installed")
        return 0
    results = run(options.times)
    print(*(f"{what:16}{np.median(each):7.3f} s" for what, each in results["seconds"].items()), sep="\n")
    write_atomically(options.output, as_json(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
