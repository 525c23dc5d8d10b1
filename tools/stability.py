"""Execute the chapters with shifted seeds, beside the book, and tell what comes out differently.

    python -m tools.stability 100 [notebook …]     every seed of the chapters' experiments is 100 higher

The chapters and the stored results are not touched: the executed copies and what they record go to
``_build/stability``. On the digits they are compared with ``chapters/results/claims.json``, under
``COURSE_DATA=mnist`` with the recorded run on MNIST. The exit code is 1 if a verdict differs, or a chapter fails.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from course_lib import choices, claims
from course_lib.files import RESULTS, write_atomically
from tools import notebooks
from tools.mnist import chapters
from tools.notebooks import ROOT, TIMEOUT

WORK = ROOT / "_build" / "stability"


def execute_all(paths: list[Path], offset: int, data: str, work: Path) -> list[str]:
    """Run copies of the chapters, two side by side; return a message for each that failed."""

    def execute(path: Path) -> None:
        write_atomically(work / path.name, notebooks.executed(path, 10 * TIMEOUT))

    variables = {"COURSE_SEED_OFFSET": str(offset), "COURSE_RESULTS_DIR": str(work), "COURSE_DATA": data}
    return notebooks.execute_all(paths, execute, **variables)


class Comparison:
    """What two folders of results say differently about the claims that the second one holds.

    Attributes:
        verdicts, conditions, choices: One line for each difference.
        judged: How many claims and how many conditions were compared.
    """

    def __init__(self, stored: Path, shifted: Path, suffix: str = ""):
        ledgers = [folder / f"claims{suffix}.json" for folder in (stored, shifted)]
        before, after = ({entry["id"]: entry["verdict"] for entry in claims.read(path)} for path in ledgers)
        held_before, held_after = map(claims.read_conditions, ledgers)
        both = [id for id in after if id in before]
        self.verdicts = [f"{id}: {before[id]} -> {after[id]}" for id in both if before[id] != after[id]]
        # A text may hold numbers that differ; the same cell wrote both, so they are in one order.
        pairs = [(id, *pair) for id in both for pair in zip(held_before[id].items(), held_after[id].items())]
        marks = claims.MARKS
        self.conditions = [
            f"{id}: {marks[old]} -> {marks[new]} {text}" for id, (_, old), (text, new) in pairs if old != new
        ]
        self.judged = len(both), len(pairs)
        chosen = [choices.read(folder / f"choices{suffix}.json") for folder in (stored, shifted)]
        self.choices = list(_other_choices(*chosen))

    def __str__(self) -> str:
        claims_judged, conditions_judged = self.judged
        parts = [
            (f"{len(self.verdicts)} of {claims_judged} verdicts differ", self.verdicts),
            (f"{len(self.conditions)} of {conditions_judged} conditions differ", self.conditions),
            (f"{len(self.choices)} chosen settings differ", self.choices),
        ]
        return "\n".join(line for head, lines in parts for line in (head, *(f"  {line}" for line in lines)))


def _other_choices(before: dict, after: dict):
    for id, chosen in after.items():
        for what, choice in chosen.items():
            old, new = before.get(id, {}).get(what, {}).get("settings"), choice["settings"]
            if old is not None and old != new:
                yield f"{id}, {what}: {_settings(old)} -> {_settings(new)}"


def _settings(settings: dict) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.stability", description=__doc__.splitlines()[0])
    parser.add_argument("offset", type=int, help="what is added to every seed")
    parser.add_argument("paths", nargs="*", type=Path, help="chapters (default: all)")
    options = parser.parse_args(arguments)
    if options.offset < 1:
        parser.error(f"offset must be a whole number of at least 1, got {options.offset}")
    data = os.environ.get("COURSE_DATA", "").lower()
    suffix = "-mnist" if data == "mnist" else ""
    work = WORK / f"{options.offset}{suffix}"
    failures = execute_all([path.resolve() for path in options.paths] or chapters(), options.offset, data, work)
    comparison = Comparison(RESULTS, work, suffix)
    print(f"seeds shifted by {options.offset}: what is stored -> what came out", comparison, *failures, sep="\n")
    return 1 if comparison.verdicts or failures else 0


if __name__ == "__main__":
    sys.exit(main())
