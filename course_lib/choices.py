"""The settings that the experiments chose: each search says whether its winner lies inside its grid, and is kept.

The record, ``choices.json`` beside ``claims.json``, is what ``make stability`` compares when the seeds are shifted.
"""

from __future__ import annotations

import os
from numbers import Real

import numpy as np

from course_lib import errors
from course_lib.claims import results_folder
from course_lib.files import as_json, one_writer_at_a_time, read_json, write_atomically
from course_lib.sources import CLAIMS


def choose(id: str, what: str, grid: dict, scores, lowest: bool = False, edge: str = "") -> dict:
    """The setting with the best score; prints whether it is inside the grid, and writes it down.

    At an edge of its grid the best setting might lie outside. A setting whose values are names has no edge, nor has
    one with a single value.

    Args:
        id: The claim that the search serves.
        what: What is chosen, such as the method's name; with ``id`` it names the choice in the whole book.
        grid: Name of a setting → its values, as for ``training.sweep``.
        scores: One number for each point ``[setting 1, setting 2, …]``; NaN never wins, the first of equals does.
        lowest: The lowest score is best.
        edge: Why it does not matter if the winner is at an edge.

    Raises:
        TypeError, ValueError: No claim has such an id, or the scores do not fit the grid.

    Example:
        >>> choose("LR-9", "a parabola", {"lr": [0.1, 0.3, 1.0]}, [2.0, 0.5, 3.0], lowest=True)  # doctest: +SKIP
        a parabola: lr 0.3, inside the grid 0.1 to 1
        {'lr': 0.3}
    """
    errors.choice("id", id, CLAIMS)
    grid = {name: plain_values(f"grid[{name!r}]", values) for name, values in grid.items()}
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != tuple(map(len, grid.values())):
        raise ValueError(
            f"scores must have the shape of the grid, {tuple(map(len, grid.values()))}, got {scores.shape}"
        )
    if np.isnan(scores).all():
        raise ValueError(f"{what} cannot be chosen: every score is NaN")
    place = np.unravel_index(np.nanargmin(scores) if lowest else np.nanargmax(scores), scores.shape)
    chosen = {name: values[i] for (name, values), i in zip(grid.items(), place)}
    at_edge = [name for name in chosen if _is_at_edge(chosen[name], grid[name])]
    told = (f"{name} {_shown(value)}{_position(grid[name], name in at_edge)}" for name, value in chosen.items())
    print(f"{what}: {'; '.join(told)}{f' ({edge})' if at_edge and edge else ''}")
    _write_down(id, what, {"settings": chosen, "at the edge": at_edge, "why": edge if at_edge else ""})
    return chosen


def plain_values(name: str, values) -> list:
    """The values of a setting as a list, with NumPy's numbers as Python's own, which files can keep."""
    return [value.item() if isinstance(value, np.generic) else value for value in errors.listed(name, values)]


def choices_path():
    """``choices.json`` in the folder of results, ``choices-mnist.json`` under ``COURSE_DATA=mnist``."""
    name = "choices-mnist.json" if os.environ.get("COURSE_DATA", "").lower() == "mnist" else "choices.json"
    return results_folder() / name


def read(path) -> dict:
    """The choices kept in a file: claim's id → what was chosen → settings; none if there is no such file."""
    try:
        return read_json(path)
    except FileNotFoundError:
        return {}


def _write_down(id: str, what: str, choice: dict) -> None:
    path = choices_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with one_writer_at_a_time(path.parent):
        kept = read(path)
        kept.setdefault(id, {})[what] = choice
        content = as_json({id: dict(sorted(kept[id].items())) for id in sorted(kept, key=list(CLAIMS).index)})
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            write_atomically(path, content)


def _is_at_edge(value, values: list) -> bool:
    numbers = [v for v in values if isinstance(v, Real) and not isinstance(v, bool)]
    return len(set(numbers)) > 1 and value in (min(numbers), max(numbers))


def _position(values: list, at_edge: bool) -> str:
    if not isinstance(values[0], Real) or len(set(values)) == 1:
        return ""
    return f", {'at the edge of' if at_edge else 'inside'} the grid {_shown(min(values))} to {_shown(max(values))}"


def _shown(value) -> str:
    return f"{value:.3g}" if isinstance(value, Real) else str(value)
