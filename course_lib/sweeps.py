"""An experiment repeated over a grid of settings and seeds, on one core or many or a cluster, with the same numbers.

``sweep`` is used as ``training.sweep``.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import traceback
import warnings
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

import joblib
import numpy as np
from joblib.parallel import get_active_backend

from course_lib import errors
from course_lib.choices import choose
from course_lib.progress_bar import no_bars, with_bar
from course_lib.store import Store, as_numbers

_TRIES = 2  # so often a run whose process died is tried again, by itself, before it is given up


class Sweep:
    """Results of an experiment over a grid of settings and several seeds.

    Attributes:
        grid: Name of a setting → its values.
        seeds: The seeds.
        results: Name of a result → array ``[setting 1, setting 2, …, seeds]`` (and its own axes, if it is an array).
            An experiment that returns a bare number or array has the one result ``"value"``.
    """

    def __init__(self, grid: dict, seeds: list, results: dict):
        self.grid, self.seeds, self.results = grid, seeds, results

    @property
    def values(self) -> np.ndarray:
        """The one result of an experiment that has only one."""
        return self[None]

    def __getitem__(self, key: str | None) -> np.ndarray:
        if key is None:
            if len(self.results) > 1:
                raise ValueError(f"key must be one of {', '.join(map(repr, self.results))}, got none")
            key = next(iter(self.results))
        return self.results[errors.choice("key", key, self.results)]

    def mean(self, key: str | None = None) -> np.ndarray:
        """Mean over the seeds ``[setting 1, setting 2, …]``; NaN where a run gave NaN."""
        return self[key].mean(axis=len(self.grid))

    def std(self, key: str | None = None) -> np.ndarray:
        """Standard deviation over the seeds (divided by n - 1; 0 for a single seed)."""
        return self[key].std(axis=len(self.grid), ddof=1 if len(self.seeds) > 1 else 0)

    def choose(self, id: str, what: str, key: str | None = None, lowest: bool = False, edge: str = "") -> dict:
        """``best``, which says whether it is inside the grid and is kept: see ``course_lib.choices.choose``."""
        return choose(id, what, self.grid, self._mean_of_numbers(key), lowest, edge)

    def best(self, key: str | None = None, lowest: bool = False) -> dict:
        """The settings whose mean is highest (or lowest), as a dict; NaN never wins, the first of equals does."""
        mean = self._mean_of_numbers(key)
        place = np.unravel_index(np.nanargmin(mean) if lowest else np.nanargmax(mean), mean.shape)
        return {name: values[i] for (name, values), i in zip(self.grid.items(), place)}

    def _mean_of_numbers(self, key: str | None) -> np.ndarray:
        mean = self.mean(key)
        if mean.ndim != len(self.grid):
            raise ValueError(f"best needs one number per run, but {key or 'the result'} is an array")
        if np.isnan(mean).all():
            raise ValueError("best needs a mean that is a number, but every setting gave NaN")
        return mean

    def table(self, *keys: str, digits: int = 3) -> str:
        """A text table: a row for each setting, mean ± standard deviation for each result (or for ``keys``)."""
        keys = keys or tuple(self.results)
        rows = [[*self.grid, *map(str, keys)]]
        for place, point in zip(np.ndindex(*map(len, self.grid.values())), _points(self.grid)):
            cells = (f"{self.mean(key)[place]:.{digits}f} ± {self.std(key)[place]:.{digits}f}" for key in keys)
            rows.append([*(f"{v:g}" if isinstance(v, float) else str(v) for v in point.values()), *cells])
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)

    def __repr__(self) -> str:
        sizes = " × ".join(f"{len(values)} {name}" for name, values in {**self.grid, "seeds": self.seeds}.items())
        return f"Sweep({sizes}: {', '.join(map(str, self.results))})"


def sweep(run, grid: dict, seeds, n_jobs: int | None = None, progress: bool | None = None, store=None) -> Sweep:
    """Call ``run(seed=…, **point)`` for every point of ``grid`` and every seed, and collect the results.

    Args:
        run: The experiment. Returns a number, an array, or a dict of them; the same kind at every point.
        grid: Name of an argument of ``run`` → list of its values. Every combination is run.
        seeds: The seeds, such as ``range(5)``; every point is run with all of them.
        n_jobs: Processes: 1, another number, or -1 for all cores. None means 1, or what the surrounding
            ``joblib.parallel_config`` says; with its backend ``"dask"`` the runs go to a Dask cluster.
        progress: Show a progress bar, as in ``fit``. Runs show none of their own.
        store: A folder in which each finished run is kept at once. The same sweep, or another one with some of the
            same points, then does only what is missing; a changed ``run`` starts anew. What counts as the same is
            told by ``course_lib.store.Store``. With None nothing is kept.

    A process that dies, or a machine of the cluster that is lost, costs only the runs that were under way. They are
    tried again, each by itself, since a lack of memory is the usual reason; the sweep goes on meanwhile.

    Raises:
        TypeError, ValueError: An empty grid, an empty list of seeds, or arguments of the wrong kind.
        OSError: The store cannot be read or written.
        RuntimeError: A run failed, or returned something else than the others; the message says at which point. With
            a store all other runs are finished first, and kept; without one the sweep ends at once. A run whose
            process dies whenever it is tried, by itself as well, has failed. Or the cluster is closed, or was in
            mid-sweep.

    Example:
        >>> parabola = sweep(lambda lr, seed: (1 - lr) ** 2 + seed, {"lr": [0.5, 1.0, 2.0]}, seeds=[0, 1])
        >>> parabola.best(lowest=True)
        {'lr': 1.0}
        >>> print(parabola.table())
         lr          value
        0.5  0.750 ± 0.707
          1  0.500 ± 0.707
          2  1.500 ± 0.707
    """
    grid, seeds = _checked_grid(run, grid), _checked_seeds(seeds)
    if n_jobs is not None and errors.whole("n_jobs", n_jobs) == 0:
        raise ValueError("n_jobs must be a number of processes, or -1 for all cores, got 0")
    calls = [{**point, "seed": seed} for point in _points(grid) for seed in seeds]
    found = _all_results(run, calls, n_jobs, progress, None if store is None else Store(store, run))
    shape = (*map(len, grid.values()), len(seeds))
    return Sweep(grid, seeds, {key: _stacked(key, found, calls, shape) for key in found[0]})


class _Failure(NamedTuple):
    """What a run that failed leaves behind: text, which gets home from any machine."""

    message: str
    traceback: str = ""


def _all_results(run, calls: list[dict], n_jobs, progress, store: Store | None) -> list[dict]:
    """The result of each call: kept ones from the store, the others by running them."""
    kept = {place: store.load(call) for place, call in enumerate(calls)} if store else {}
    found = {place: result for place, result in kept.items() if result is not None}
    missing = {place: call for place, call in enumerate(calls) if place not in found}
    failures = []
    outcomes = _outcomes(run, missing, n_jobs, go_on=store is not None)
    try:
        for place, outcome in with_bar(outcomes, len(missing), progress):
            if isinstance(outcome, _Failure):
                failures.append(outcome)
                continue
            found[place] = outcome
            if store:
                store.save(calls[place], outcome)
    except CancelledError as error:  # of Dask, for every run that it has not begun
        what_to_do = "connect to a cluster and start the sweep again"
        raise RuntimeError(f"the cluster was closed in mid-sweep; {_fate(found, store)}; {what_to_do}") from error
    if failures:
        more = f" ({len(failures) - 1} others failed, too)" if len(failures) > 1 else ""
        cause = RuntimeError(failures[0].traceback) if failures[0].traceback else None
        raise RuntimeError(f"{failures[0].message}{more}; {_fate(found, store)}") from cause
    return [found[place] for place in range(len(calls))]


def _fate(found: dict, store: Store | None) -> str:
    fate = f"are kept in {store.folder}" if store else "are lost: a store would have kept them"
    return f"the {len(found)} finished runs {fate}"


# Running ------------------------------------------------------------------------------------------------------


def _outcomes(run, calls: dict, n_jobs, go_on: bool):
    """Yield (place, result or failure) of the calls, in the order in which they end."""
    waiting, suspects = dict(calls), {}
    while waiting:
        suspects.update((yield from _until_a_process_dies(run, waiting, n_jobs, go_on)))
    for place, call in suspects.items():
        for _ in range(_TRIES):
            if not (yield from _until_a_process_dies(run, {place: call}, n_jobs, go_on)):
                break
        else:
            message = f"the run at {_shown(call)} failed: its process died, and died again when it ran alone"
            yield place, _Failure(message)


def _until_a_process_dies(run, waiting: dict, n_jobs, go_on: bool):
    """Run the calls, taking them out of ``waiting``; return those that may have been the death of a process.

    joblib's own processes end all together when one of them dies; a cluster goes on, and says which run it was.
    """
    under_way = {}

    def jobs():  # joblib asks for the next one when a process is free
        while waiting:
            place = next(iter(waiting))
            under_way[place] = waiting.pop(place)
            yield joblib.delayed(_outcome)(run, place, under_way[place], _settings(), go_on)

    # Only what really runs is under way, and a process that dies takes no finished run with it.
    one_by_one = {"batch_size": 1, "pre_dispatch": "n_jobs", "return_as": "generator_unordered"}
    with contextlib.suppress(BrokenProcessPool):
        for place, outcome in joblib.Parallel(n_jobs, backend=_backend(), **one_by_one)(jobs()):
            if outcome is not _DIED:
                del under_way[place]
                yield place, outcome
    if under_way:
        points = "; ".join(map(_shown, under_way.values()))
        warnings.warn(f"a process died during one of these runs, which are tried again: {points}", stacklevel=2)
    return under_way


_DIED = object()


def _backend():
    """The backend to use, None for joblib's choice. joblib's way to Dask (in 1.6) has two faults that matter here.

    When workers die under a run several times, Dask gives it up, and joblib waits for it for ever: it calls back for
    results only, where other backends call back for errors, too. And while a cluster has a single core, joblib does
    the runs in the caller's own process.
    """
    active, _ = get_active_backend()
    if not hasattr(active, "client"):
        return None
    if active.client.status != "running":
        raise RuntimeError("the Dask cluster is closed: connect to one, or sweep outside of joblib's parallel_config")
    from distributed import KilledWorker

    backend = object.__new__(type(active))  # copy.copy would make one with other settings
    vars(backend).update(vars(active))
    submit, retrieve, cores = backend.submit, backend.retrieve_result_callback, backend.effective_n_jobs

    def submit_and_report_errors(function, callback):
        ((_, (_, place, *_), _),) = function.items  # the one call of _outcome in this batch
        future = submit(function, callback)
        future.add_done_callback(lambda done: done.exception() and callback((place, done.exception())))
        return future

    def retrieve_or_report(answer):
        if not isinstance(answer, tuple):
            return retrieve(answer)
        place, error = answer
        if isinstance(error, KilledWorker):
            return [(place, _DIED)]
        raise error

    backend.submit, backend.retrieve_result_callback = submit_and_report_errors, retrieve_or_report
    backend.effective_n_jobs = lambda n_jobs: max(2, cores(n_jobs))
    return backend


def _settings() -> dict:
    return {name: os.environ.get(name, "") for name in ("COURSE_DATA", "COURSE_MNIST_DIR")}


def _adopt(settings: dict) -> None:
    """Use the data that the sweep's own process uses: a worker may have been started with other settings."""
    here = _settings()
    if settings["COURSE_DATA"] != here["COURSE_DATA"]:
        os.environ["COURSE_DATA"] = settings["COURSE_DATA"]
    folder = settings["COURSE_MNIST_DIR"]
    there = os.path.isdir(os.path.expanduser(folder))  # another machine may have it elsewhere
    if folder != here["COURSE_MNIST_DIR"] and there:
        os.environ["COURSE_MNIST_DIR"] = folder


def _outcome(run, place: int, call: dict, settings: dict, go_on: bool) -> tuple:
    """Do one run, wherever this is; a failure is raised, or returned if the sweep shall go on."""
    _adopt(settings)
    try:
        with no_bars():
            result = run(**call)
        results = result if isinstance(result, dict) else {"value": result}
        return place, as_numbers(results)
    except Exception as error:
        message = f"the run at {_shown(call)} failed: {type(error).__name__}: {error}"
        if go_on:
            return place, _Failure(message, traceback.format_exc())
        raise RuntimeError(message) from error


def _stacked(key: str, found: list[dict], calls: list[dict], shape: tuple) -> np.ndarray:
    for result, call in zip(found, calls):
        if result.keys() != found[0].keys() or result[key].shape != found[0][key].shape:
            raise RuntimeError(f"the run at {_shown(call)} returned another kind of result than {_shown(calls[0])}")
    return np.stack([result[key] for result in found]).reshape(*shape, *found[0][key].shape)


def _points(grid: dict):
    """Every combination of the grid's values, the last setting changing fastest."""
    return (dict(zip(grid, values)) for values in itertools.product(*grid.values()))


def _shown(call: dict) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in call.items())


def _checked_grid(run, grid) -> dict:
    if not callable(run):
        raise TypeError(f"run must be a function, got {run!r} ({type(run).__name__})")
    if not isinstance(grid, dict):
        raise TypeError(f'grid must be a dict such as {{"lr": [0.1, 1.0]}}, got {grid!r} ({type(grid).__name__})')
    if "seed" in grid:
        raise ValueError("grid must not hold 'seed': the seeds are an argument of their own")
    grid = {name: _listed(f"grid[{name!r}]", values) for name, values in grid.items()}
    if not grid:
        raise ValueError("grid must hold at least one setting, got {}")
    return grid


def _checked_seeds(seeds) -> list[int]:
    return [errors.whole("each of seeds", seed, low=0) for seed in _listed("seeds", seeds)]


def _listed(name: str, values) -> list:
    values = [value.item() if isinstance(value, np.generic) else value for value in errors.listed(name, values)]
    if not values:
        raise ValueError(f"{name} must hold at least one value, got none")
    return values
