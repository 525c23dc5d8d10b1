"""The published MNIST table of super-convergence, run again: LeNet under the classic policy and under one cycle.

    python -m benchmarks.super_convergence                               all planned runs; writes the record at the end
    python -m benchmarks.super_convergence --policies 1cycle --seeds 0   some of them, to be held against the record

A run (a policy with a seed) is stored in ``_build/super-convergence`` after every epoch. If it is interrupted it goes
on from there, to the same numbers as if it had not been. Several processes may share the work: give each its own
policies or seeds. When all planned runs are there, they become the record that chapter 12 shows.

The setting is that of Caffe's MNIST example, from which the classic policy comes: weights drawn by fan-in, biases at
zero and learning at twice the rate, pixels in [0, 255/256], weight decay 5e-4 as L2 on weights and biases, all 60,000
training images. Three things differ. Every epoch has a new order of the images, where Caffe reads them in one order; it
ends with a smaller batch; and the learning rate stands outside the velocity, as in Paddle.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import paddle
from tqdm import tqdm

from benchmarks.records import rounded
from course_lib import data, initializer, layers, models, training
from course_lib.files import as_json, read_json, write_atomically
from course_lib.optimizer import Momentum, lr
from tools.circumstances import circumstances, versions

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "_build" / "super-convergence"
RECORD = ROOT / "chapters" / "results" / "reproduce-mnist.json"

BATCH_SIZE = 512
WEIGHT_DECAY = 5e-4
MOMENTUM = 0.9  # where the schedule does not drive it
GUESSING = 20  # percent: who is right no more often has learned nothing
FIRST_LOSSES = 20  # kept of every run: a fresh run can be compared with the record in seconds


def inv(steps: int) -> lr.Schedule:
    """Caffe's classic policy. It does not depend on the length of the run: a long one contains all shorter ones."""
    return lr.LambdaDecay(0.01, lambda t: (1 + 1e-4 * t) ** -0.75)


def one_cycle(steps: int) -> lr.Schedule:
    """Five twelfths of the steps up, as many down, and in the rest from the first rate to a 100,000th of it."""
    return lr.OneCycleLR(
        0.1,
        steps,
        divide_factor=10,
        end_learning_rate=1e-7,
        phase_pct=5 / 12,
        anneal_strategy="linear",
        three_phase=True,
        momentum=(0.95, 0.8),
    )


def linear(steps: int) -> lr.Schedule:
    """The control: a straight line from the cycle's top to zero, without going up first."""
    return lr.PolynomialDecay(0.1, steps, end_lr=0)


@dataclass(frozen=True)
class Policy:
    """A learning-rate schedule, as a function of the number of steps, and the epochs that each seed is trained for.

    Whether a run survives its first steps needs more seeds than its end: ``starts`` further ones are trained for the
    first epoch only.
    """

    schedule: Callable[[int], lr.Schedule]
    epochs: tuple[int, ...]
    starts: int = 0


POLICIES = {
    "1cycle": Policy(one_cycle, epochs=(12,) * 5, starts=15),
    "linear": Policy(linear, epochs=(12,) * 5, starts=15),
    "inv": Policy(inv, epochs=(85, 12, 12)),
}


@dataclass(frozen=True)
class Plan:
    """One run that is to be done: its place in the table, and what its result depends on."""

    policy: str
    seed: int
    images: int  # to train on

    @property
    def epochs(self) -> int:
        """The length of the schedule."""
        epochs = POLICIES[self.policy].epochs
        return epochs[min(self.seed, len(epochs) - 1)]

    @property
    def trained_epochs(self) -> int:
        return self.epochs if self.seed < len(POLICIES[self.policy].epochs) else 1

    @property
    def steps(self) -> int:
        return self.epochs * math.ceil(self.images / BATCH_SIZE)

    def schedule(self) -> lr.Schedule:
        return POLICIES[self.policy].schedule(self.steps)

    def settings(self) -> dict:
        """The settings as numbers; of two schedules with the same ends and the same mean we take it that they agree."""
        schedule, steps = self.schedule(), range(self.steps)
        cycles = isinstance(schedule, lr.OneCycleLR)
        return {
            "epochs": self.epochs,
            "steps": self.steps,
            "batch_size": BATCH_SIZE,
            "weight_decay": WEIGHT_DECAY,
            "learning_rate": _described(schedule.at(steps)),
            "momentum": _described(schedule.momentum_at(steps) if cycles else np.array([MOMENTUM])),
        }


def _described(values: np.ndarray) -> dict[str, float]:
    numbers = {
        "first": values[0],
        "lowest": values.min(),
        "highest": values.max(),
        "last": values[-1],
        "mean": values.mean(),
    }
    return {name: float(f"{number:.6g}") for name, number in numbers.items()}


def planned(images: int) -> list[Plan]:
    seeds = {name: range(len(policy.epochs) + policy.starts) for name, policy in POLICIES.items()}
    return [Plan(name, seed, images) for name in POLICIES for seed in seeds[name]]


# One run ------------------------------------------------------------------------------------------------------


def published_data() -> data.Dataset:
    """All 60,000 training images; the test images take the place of the validation images, as in the published table.

    Nothing is chosen by them: every setting is the published one.
    """
    mnist = data.load("mnist")
    parts = (mnist.train, mnist.validation)
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    test = data.Split(_as_in_caffe(mnist.test.images), mnist.test.labels)
    return data.Dataset("mnist", data.Split(_as_in_caffe(images), labels), validation=test, test=test)


def _as_in_caffe(images: np.ndarray) -> np.ndarray:
    return images * np.float32(255 / 256)


def caffes_xavier(shape, rng) -> np.ndarray:
    """Uniform with variance 1/n_in: what Caffe calls Xavier leaves, by default, the fan-out aside."""
    return initializer.uniform(shape, rng, math.sqrt(3 / initializer.fans(shape)[0]))


class Run:
    """A training run that can be laid aside after every epoch."""

    def __init__(self, plan: Plan, dataset: data.Dataset):
        self.plan, self.dataset = plan, dataset
        self.accuracy, self.first_losses = [], []
        with paddle.utils.unique_name.guard():  # the same names in every process, so that a stored state fits
            self.model = layers.initialize(models.lenet(dataset.size), caffes_xavier, plan.seed)
        parameters = self.model.parameters()
        weights, biases = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim == 1]
        groups = [{"params": weights}, {"params": biases, "learning_rate": 2.0}]  # of the schedule's rate
        self.optimizer = Momentum(plan.schedule(), MOMENTUM, groups, weight_decay=WEIGHT_DECAY)

    def train_epoch(self, steps: int | None = None) -> None:
        """Train for an epoch, or for its first ``steps``: enough to hold a run against the record."""
        options = {
            "steps": steps or self.plan.steps // self.plan.epochs,
            "batch_size": BATCH_SIZE,
            "seed": 1000 * self.plan.seed + len(self.accuracy),  # an order of the images for every epoch of every run
            "progress": False,
        }
        history = training.fit(self.model, self.optimizer, self.dataset, **options)
        self.accuracy.append(round(history.final_accuracy, 4))
        self.first_losses += history.loss[: FIRST_LOSSES - len(self.first_losses)].round(4).tolist()

    @property
    def result(self) -> dict:
        return {
            "policy": self.plan.policy,
            "seed": self.plan.seed,
            "accuracy": self.accuracy,
            "first_losses": self.first_losses,
        }

    def state(self) -> dict:
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "result": self.result}

    def set_state(self, state: dict) -> None:
        self.model.set_state_dict(state["model"])
        self.optimizer.set_state_dict(state["optimizer"])
        self.accuracy, self.first_losses = state["result"]["accuracy"], state["result"]["first_losses"]


# All runs -----------------------------------------------------------------------------------------------------


class Store:
    """The folder of the runs: finished ones as JSON, the others as they were after their last epoch.

    What was stored with other settings or other versions counts as not there.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def finished(self, plan: Plan) -> dict | None:
        """The result of a run that came to its end."""
        path = self._path(plan, "json")
        stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return stored["result"] if stored.get("stamp") == _stamp(plan) else None

    def finish(self, run: Run) -> None:
        content = {"stamp": _stamp(run.plan), "result": run.result}
        write_atomically(self._path(run.plan, "json"), json.dumps(content))
        self._path(run.plan, "pdparams").unlink()

    def lay_aside(self, run: Run) -> None:
        buffer = io.BytesIO()
        paddle.save({"stamp": _stamp(run.plan), "state": run.state()}, buffer)
        write_atomically(self._path(run.plan, "pdparams"), buffer.getvalue())

    def take_up(self, run: Run) -> None:
        """Set the run to where it was laid aside, if it was."""
        path = self._path(run.plan, "pdparams")
        stored = paddle.load(str(path)) if path.exists() else {}
        if stored.get("stamp") == _stamp(run.plan):
            run.set_state(stored["state"])

    def _path(self, plan: Plan, kind: str) -> Path:
        return self.folder / f"{plan.policy}-{plan.seed}.{kind}"


def _stamp(plan: Plan) -> dict:
    return {"settings": plan.settings(), "versions": versions()}


def train(plan: Plan, dataset: data.Dataset, store: Store) -> dict:
    """Bring a run to its end, from where it is, and return its result."""
    if not store.finished(plan):
        run = Run(plan, dataset)
        store.take_up(run)
        bar = {"desc": f"{plan.policy}, seed {plan.seed}", "unit": "epoch", "disable": None}
        done, planned_epochs = len(run.accuracy), plan.trained_epochs
        for _ in tqdm(range(done, planned_epochs), initial=done, total=planned_epochs, **bar):
            run.train_epoch()
            store.lay_aside(run)
        store.finish(run)
    return store.finished(plan)


def make_record(plans: list[Plan], results: list[dict]) -> dict:
    """The results with all that is needed to judge and to repeat them."""
    runs = [{**result, **plan.settings()} for plan, result in zip(plans, results)]
    for run in runs:
        run["first_losses"] = rounded(run["first_losses"])
    return {**circumstances("make reproduce"), "runs": runs}


def summary(runs: list[dict]) -> str:
    """A line for each policy and length: mean and standard deviation of the last accuracies, in percent.

    A run that still guesses at its end is counted, and left out of the mean.
    """
    ends = {}
    for run in runs:
        ends.setdefault((run["policy"], len(run["accuracy"])), []).append(100 * run["accuracy"][-1])
    return "\n".join(
        f"{policy:<8}{epochs:>3} epochs  {_mean_and_spread([end for end in all_ends if end > GUESSING])}, "
        f"n = {len(all_ends)}, of these failed: {sum(end <= GUESSING for end in all_ends)}"
        for (policy, epochs), all_ends in ends.items()
    )


def _mean_and_spread(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}" if values else "–"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.super_convergence", description=__doc__.splitlines()[0])
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES), help="default: all")
    parser.add_argument("--seeds", nargs="+", type=int, help="default: all that are planned")
    options = parser.parse_args(arguments)

    dataset, store = published_data(), Store(WORK)
    plans = planned(len(dataset.train))
    seeds = {plan.seed for plan in plans if plan.policy in options.policies}
    if not seeds.issuperset(options.seeds or ()):
        parser.error(f"--seeds must be from 0 to {max(seeds)}, got {options.seeds}")
    chosen = [p for p in plans if p.policy in options.policies and p.seed in (options.seeds or [p.seed])]
    for plan in chosen:
        train(plan, dataset, store)
    results = [store.finished(plan) for plan in plans]
    print("these runs:", summary([result for result in results if result]), sep="\n")
    if RECORD.exists():
        print("the record:", summary(read_json(RECORD)["runs"]), sep="\n")
    if all(results):
        write_atomically(RECORD, as_json(make_record(plans, results)))
        print("all planned runs are there: they are the record now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
