"""PyTorch's optimizers, in a process of PyTorch's own environment that is asked for a few steps at a time.

Both ends of the pipe are here. Requests and answers are lines of JSON: a request is a list, the name of a method of
``Optimizers`` and its arguments; the answer is what the method returns. The answering end needs PyTorch alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

KINDS = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
"""PyTorch's ways: one operation after the other for one tensor after the other, for all at once, all in one kernel."""

FUSED = ("SGD", "Adagrad", "Adam", "AdamW")
ANOTHER_RULE = ("ASGD",)
"""What PyTorch has under the same name, but with another formula; ``Lamb`` it does not have."""

CLASSES = {"Momentum": "SGD", "RMSProp": "RMSprop"}  # the others have our names
SETTINGS = {
    **{name: name for name in ("momentum", "rho", "centered", "amsgrad", "momentum_decay", "weight_decay")},
    **{"use_nesterov": "nesterov", "epsilon": "eps", "initial_accumulator_value": "initial_accumulator_value"},
}


def timed(step, count: int) -> list[float]:
    """Microseconds of each of so many steps."""
    durations = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        durations.append(1e6 * (time.perf_counter() - start))
    return durations


def in_pytorchs_words(rule) -> tuple[str, dict]:
    """The class of ``torch.optim`` that has the rule of a course's optimizer, and its settings."""
    values = vars(rule)
    settings = {theirs: values[ours] for ours, theirs in SETTINGS.items() if ours in values}
    if "beta1" in values:
        settings["betas"] = (rule.beta1, rule.beta2)
    name = CLASSES.get(type(rule).__name__, type(rule).__name__)
    if name == "RMSprop":
        settings["alpha"] = settings.pop("rho")
    return name, {"lr": rule.get_lr(), **settings}


class PyTorch:
    """The asking end.

    Args:
        python: The Python of an environment with PyTorch.
        threads: On how many threads PyTorch may compute.
    """

    def __init__(self, python: Path, threads: int):
        command = [python, "-W", "ignore", "-m", "benchmarks.pytorch_steps"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.version = self._ask("start", threads)

    def make(self, rule, shapes: list[list[int]]) -> list[str]:
        """Make optimizers with the rule and settings of ``rule`` for parameters of these shapes; return their kinds.

        There are none where PyTorch does not have the rule.
        """
        return self._ask("make", *in_pytorchs_words(rule), shapes)

    def steps(self, kind: str, count: int) -> list[float]:
        """Microseconds of each of so many steps."""
        return self._ask("steps", kind, count)

    def close(self) -> None:
        self._process.communicate()

    def _ask(self, *request):
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"PyTorch's process has ended at the request {request}; its error stands above")
        return json.loads(answer)


class Optimizers:
    """The answering end: the optimizers of one rule, one of each kind."""

    def start(self, threads: int) -> str:
        import torch

        torch.set_num_threads(threads)
        return torch.__version__

    def make(self, name: str, settings: dict, shapes: list[list[int]]) -> list[str]:
        import torch

        self._made = {}  # what was there before leaves the memory first
        known = hasattr(torch.optim, name) and name not in ANOTHER_RULE
        for kind, how in KINDS.items() if known else ():
            if kind == "fused" and name not in FUSED:
                continue
            parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
            for parameter in parameters:
                parameter.grad = torch.randn(parameter.shape)
            self._made[kind] = getattr(torch.optim, name)(parameters, **settings, **how)
        return list(self._made)

    def steps(self, kind: str, count: int) -> list[float]:
        return timed(self._made[kind].step, count)


def main() -> None:
    optimizers = Optimizers()
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(optimizers, method)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
