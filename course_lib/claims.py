"""The ledger of claims as chapters write it: what the sources say, what was measured, and the verdict.

A chapter measures, states its conditions in code, and records the outcome; the verdict follows from them::

    claims.record(
        "LR-1",
        measured=f"steps to a loss of 0.1: {slow} at lr 0.01, {fast} at lr 0.1",
        verdict=claims.judge({"the smaller learning rate needs more than twice the steps": ratio.above(2)}),
    )

This shows a card on the page and writes the entry to ``chapters/results/claims.json``
(``claims-mnist.json`` under ``COURSE_DATA=mnist``; ``COURSE_RESULTS_DIR`` names another folder). Which conditions held
is kept beside it, in ``conditions.json``. The two agree, also after a process was killed between them. Tables of what
was recorded are made by ``course_lib.claims_page``.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.errors import choice
from course_lib.files import (
    LAB,
    PROJECT,
    as_json,
    file_at,
    notebook_folder,
    one_writer_at_a_time,
    path_named_by,
    read_json,
    set_aside,
    write_atomically,
)
from course_lib.looks import BLUE_GREY, GREEN, GREY, OCHRE, RED
from course_lib.markup import card, escape, folded, marked, tag

SOURCES = {
    "S0": "Learning-rate optimization algorithms",
    "S1": "New Optimization",
    "S2": "Optimization algorithms: tuning practice",
    "S3": "Common questions on the learning rate",
    "S4": "What is new in deep-learning optimizers?",
}

# verdict: (symbol, colour). The symbol and the word say the same as the colour.
VERDICTS = {
    "confirmed": ("✓", GREEN),
    "partly": ("◐", OCHRE),
    "refuted": ("✗", RED),
    "undecided": ("?", BLUE_GREY),
    "not measurable here": ("–", GREY),
}

# A condition that holds, that does not, that the measurement leaves open.
MARKS = {True: "✓", False: "✗", None: "?"}

UNFOLDED = 3  # so many conditions of a card are seen at once; a single one more is, too: to fold it would save nothing


@dataclass(frozen=True)
class Claim:
    """One statement of the sources, in the course's words.

    Attributes:
        id: For instance ``"LR-1"``.
        source: The articles that make it, as keys of ``SOURCES`` with blanks between.
        chapter: Number of the chapter that measures it, as in the name of its notebook.
        text: The statement as the sources mean it, right or wrong.
    """

    id: str
    source: str
    chapter: int
    text: str


# One row per claim: id | source | chapter | claim, in the order of the ledger. A \ at a line's end continues the row.
_TABLE = """
LR-1 | S0 S3 | 1 | A smaller learning rate is not always better: reaching the same loss takes more steps.
LR-2 | S0 S2 S3 | 1 | A larger learning rate is not always better: it oscillates around the optimum, and past a limit \
it diverges.
LR-3 | S0 | 1 | With the best learning rate, the model reaches its best final result.
LR-4 | S3 | 1 | A negative learning rate climbs the loss; flipping the sign in the update rule undoes that.
LR-5 | S3 | 2 | Useful learning rates lie between 1e-6 and 1.
LR-6 | S3 | 1 | A small learning rate makes the gradient vanish; a large one is the exploding gradient.
LR-7 | S3 | 2 | A badly chosen learning rate shows in noisy first-layer features, a good one in smooth, clean and \
varied ones.
LR-8 | S3 | 2 | For a given model and data set, the best learning rate cannot be computed in advance, only found by \
trying.
LR-9 | S3 | 2 | Search powers of ten first, then refine within the best decade; a fine grid is not needed.
LR-10 | S3 | 2 | If only one hyper-parameter can be tuned, tune the learning rate.
LR-11 | S4 | 2 | 3e-4 is the best learning rate for Adam.
LR-12 | S0 | 1 | The best learning rate gives the model its largest effective capacity.
LR-13 | S4 | 2 | By hand: lower the learning rate if the loss does not move clearly, raise it if it moves only in the \
fifth or sixth decimal, and repeat.
LR-14 | S3 | 2 | Usual values are 0.1 and 0.01 for the learning rate, and 0.5, 0.9 and 0.99 for the momentum.
OPT-1 | S0 S1 | 3 | A mini-batch gradient is a noisy estimate that makes SGD's path fluctuate; its error falls as \
1/√batch.
OPT-2 | S1 | 3 | Full-batch, single-sample and mini-batch descent trade the cost of an update against its noise; what \
frameworks call SGD is mini-batch descent.
OPT-3 | S0 S1 S3 | 4 | Momentum accumulates a velocity: it oscillates less across a ravine and moves faster along it.
OPT-4 | S1 | 4 | Momentum carries a point through a flat spot or a small local minimum where plain SGD stops.
OPT-5 | S2 | 4 | Nesterov's look-ahead improves on plain momentum (the article only lists it; this is what is usually \
said of it).
OPT-6 | S0 S1 | 5 | AdaGrad gives each parameter a step of its own, larger for those that are rarely updated.
OPT-7 | S0 S1 | 5 | AdaGrad's effective learning rate only falls, and can end learning too early.
OPT-8 | S0 S1 | 5 | RMSProp keeps a moving average in place of AdaGrad's sum, and so keeps learning.
OPT-9 | S0 S1 | 6 | Adam joins momentum with a scale per parameter; its averages start at 0, so the early ones are \
biased and need a correction.
OPT-10 | S1 | 6 | Adam needs little memory.
OPT-11 | S0 | 6 | On MNIST, at learning rate 0.01 for 3 epochs, SGD, Momentum, Adagrad and Adam differ clearly, and \
the best in theory need not be the best here: tune each.
OPT-12 | S3 | 6 | Adaptive methods converge faster than badly tuned non-adaptive ones; SGD with momentum, RMSProp and \
Adam are robust choices.
OPT-13 | S1 | 7 | AMSGrad keeps the maximum of v, so that the learning rate does not become too large: it converges \
more stably and beats Adam on some hard problems, for one more value per parameter.
OPT-14 | S1 | 7 | AMSGrad takes the maximum with the v̂ that it corrected before, and corrects the result again.
OPT-15 | S1 | 8 | SWATS simply combines Adam and SGD with momentum.
OPT-16 | S1 | 8 | RAdam corrects the bias of the learning rate in the first steps, is more stable and needs no \
learning rate set by hand.
OPT-17 | S4 | 7 | The minima that Adam finds generalize worse than those of SGD.
OPT-18 | S0 | 5 | AdaGrad's steps are larger where the gradient is large, far from the optimum, and smaller where it \
is small.
OPT-19 | S1 | 5 | RMSProp is not suited to sparse data.
OPT-20 | S1 | 7 | Adam can be unstable where the objective is not stationary.
OPT-21 | S1 | 7 | Adam avoids getting stuck in local minima.
OPT-22 | S1 | 6 | AdaGrad needs much memory, Adam little.
OPT-23 | S3 | 6 | No method is best for all problems.
SCH-1 | S2 S3 | 9 | Step, exponential and 1/t decay start large and end small, and beat a constant learning rate.
SCH-2 | S2 S3 | 9 | Lowering the learning rate when the validation metric stalls is more flexible than a fixed plan.
SCH-3 | S2 | 9 | Warm-up avoids large jumps at the start (the code printed for it is a cosine).
SCH-4 | S4 | 10 | A learning-rate range test shows three regions: no progress, fast descent, divergence.
SCH-5 | S4 | 10 | A range test without these regions, or with gaps of NaN, reveals a fault in the model or the data.
SCH-6 | S4 S2 | 10 | A learning rate that cycles between bounds from the range test reaches the accuracy in fewer \
steps than a decaying one.
SCH-7 | S4 | 10 | Raising the learning rate again helps to leave saddle points, where gradients are small.
SCH-8 | S4 | 10 | Cosine annealing with warm restarts makes SGD as fast as Adam and keeps SGD's generalization.
SCH-9 | S2 | 10 | A cyclical learning rate explores more of the parameter space and so improves the model, not only \
its speed.
SCH-10 | S3 | 9 | Let the learning rate decay to a small value, then go on with a small constant one.
WD-1 | S4 | 11 | In Adam, L2 regularization and weight decay are different things.
WD-2 | S4 | 11 | In plain SGD they are the same, once the coefficient is rescaled by the learning rate.
WD-3 | S4 | 11 | L2 does little in Adam; decoupled decay works in Adam as well as in SGD.
WD-4 | S4 | 11 | Decoupling separates the best learning rate from the best decay (said in the paper that the article \
reports).
WD-5 | S4 | 11 | Libraries offer L2 regularization under the name of weight decay.
WD-6 | S4 | 11 | AdamWR is on a par with SGDWR; plain Adam with restarts beats Adam but not SGDR.
SC-1 | S4 | 12 | The 1cycle policy reaches the same validation accuracy in one fifth of the iterations.
SC-2 | S4 | 12 | The gain of 1cycle grows as labelled data get scarcer.
SC-3 | S4 | 12 | 1cycle is a regularization by itself, so the other regularization must be tuned to go with it.
SC-4 | S4 | 12 | Recipe: take as maximum the highest rate that the range test allows, start several orders of \
magnitude below, let the cycle end shortly before the run, and anneal further in the rest.
SC-5 | S4 | 12 | Workflow: range test first, a schedule always, AdamW where Adam is wanted, 1cycle for \
super-convergence.
SC-6 | S4 | 12 | 1cycle explores first, jumping to the flattest and widest basin, and exploits it afterwards.
INIT-1 | S2 | 13 | Zero initialization makes gradients vanish or explode.
INIT-2 | S2 | 13 | A constant start solves the problem of zero, although the gradients lack diversity.
INIT-3 | S2 | 13 | Weights that are too small make gradients vanish with depth; too large ones make them explode.
INIT-4 | S2 | 13 | Xavier initialization, uniform within ±√(6/(n_in + n_out)), keeps the variance through tanh-like \
layers.
INIT-5 | S2 | 13 | He initialization, normal with variance 2/n_in, keeps it through ReLU layers.
INIT-6 | S2 | 13 | Weight normalization, w = g·v/‖v‖, separates length from direction and improves the stability and \
the speed of convergence.
INIT-7 | S2 | 13 | Initialization changes how fast and how well a model learns, and with it the best learning rate.
INIT-8 | S2 | 13 | A good start improves generalization and prevents overfitting.
"""


def _read_table() -> dict[str, Claim]:
    rows = ([part.strip() for part in line.split("|")] for line in _TABLE.strip().splitlines())
    return {id: Claim(id, source, int(chapter), text) for id, source, chapter, text in rows}


CLAIMS = _read_table()

#: Claims whose experiment uses no data set: their measurement is one, whatever ``COURSE_DATA`` says.
DATA_FREE = frozenset(
    ["OPT-4", "OPT-6", "OPT-7", "OPT-10", "OPT-14", "OPT-18", "OPT-19", "OPT-21", "OPT-22", "OPT-23", "SCH-7", "WD-5"]
)


class Verdict(str):
    """A verdict's word, with the conditions it was computed from or the reason why nothing could be measured.

    Attributes:
        conditions: ``{text: held?}``, None where the measurement does not decide; empty if nothing was measured.
        reason: Why not, empty if it was.
    """

    conditions: dict
    reason: str

    def __new__(cls, word: str, conditions: Mapping = (), reason: str = ""):
        verdict = super().__new__(cls, choice("verdict", word, VERDICTS))
        verdict.conditions, verdict.reason = dict(conditions), reason
        return verdict

    @property
    def summary(self) -> str:
        """The word, how many conditions hold and, of several, what became of the core: the first one.

        Example:
            >>> judge({"faster": True, "ten times as fast": False}).summary
            'partly (mostly: 1 of 2 conditions holds, the core among them)'
        """
        if not self.conditions:
            return str(self)
        held = list(self.conditions.values())
        count = f"{self.extent} condition{'s' * (len(held) > 1)} {'holds' if held.count(True) == 1 else 'hold'}"
        if self == "partly":
            count += ", the core among them" if held[0] else ", not the core"
        elif self == "undecided" and len(held) > 1:
            count += ", the core is open"
        return f"{self} ({count})"

    @property
    def extent(self) -> str:
        """How many conditions hold, of how many; nothing if there are none.

        Example:
            >>> judge({"faster": True, "ten times as fast": False}).extent
            'mostly: 1 of 2'
        """
        held = list(self.conditions.values())
        degree = ("mostly: " if held[0] else "hardly: ") if self == "partly" and held else ""
        return f"{degree}{held.count(True)} of {len(held)}" if held else ""


def judge(conditions: Mapping[str, bool | None]) -> Verdict:
    """Compute a verdict from conditions, of which the first is the core of the claim.

    =========  ====================================  ======================================
    the core   the others                            verdict
    =========  ====================================  ======================================
    holds      all hold                              confirmed
    holds      some do not, or are undecided         partly (mostly)
    does not   at least one holds                    partly (hardly)
    does not   none holds                            refuted
    undecided  whatever they are                     undecided
    =========  ====================================  ======================================

    Word each condition as the claim would have it, threshold included, and write it as code over measured values.
    Where chance plays a part, an interval of ``course_lib.intervals`` says whether it holds. The card lists them all.

    Args:
        conditions: ``{what the claim predicts: whether the measurement shows it, None if it does not decide}``.

    Raises:
        TypeError: ``conditions`` is no dict, or a value is no boolean (a number is no condition: compare it).
        ValueError: There is no condition, or one has no wording.

    Example:
        >>> judge({"more steps at lr 0.01": 90 > 12, "ten times as many": 90 > 120})
        'partly'
        >>> judge({"more steps at lr 0.01": None, "ten times as many": 90 > 120})
        'undecided'
    """
    if not isinstance(conditions, Mapping):
        raise TypeError(f"conditions must be a dict {{text of the condition: True, False or None}}, got {conditions!r}")
    if not conditions:
        raise ValueError("conditions must hold at least one entry, got none")
    for text, holds in conditions.items():
        _require_text("the text of a condition", text)
        if holds is not None and not isinstance(holds, (bool, np.bool_)):
            raise TypeError(f"condition {text!r} must be True, False or None, got {holds!r} ({type(holds).__name__})")
    conditions = {text: None if holds is None else bool(holds) for text, holds in conditions.items()}
    core, *others = conditions.values()
    if core is None:
        word = "undecided"
    elif core:
        word = "confirmed" if all(others) else "partly"
    else:
        word = "partly" if any(others) else "refuted"
    return Verdict(word, conditions)


def not_measurable(reason: str) -> Verdict:
    """The verdict for a claim that this course cannot test, with the reason.

    Example:
        >>> not_measurable("needs a data set of several gigabytes")
        'not measurable here'
    """
    return Verdict("not measurable here", reason=_require_text("reason", reason))


class Card:
    """A recorded claim, shown as a card in a notebook and as the same text elsewhere."""

    def __init__(self, claim: Claim, measured: str, verdict: Verdict):
        self.claim, self.measured, self.verdict = claim, measured, verdict

    @property
    def entry(self) -> dict:
        """What the ledger keeps."""
        claim = self.claim
        return {
            "id": claim.id,
            "source": claim.source,
            "claim": claim.text,
            "verdict": str(self.verdict),
            "measured": self.measured,
            "chapter": claim.chapter,
        }

    def __repr__(self) -> str:
        symbol, _ = VERDICTS[self.verdict]
        lines = [f"{symbol} {self.claim.id}: {self.verdict.summary}", f"Claim: {self.claim.text}"]
        lines += [f"Measured: {self.measured}", *(f"  {mark} {text}" for mark, text in self._conditions())]
        return "\n".join([*lines, *self._reason(), f"Source: {_articles(self.claim)}"])

    def _repr_html_(self) -> str:
        """Colours come from the page, except for the verdict's own, which reads on light and on dark."""
        symbol, color = VERDICTS[self.verdict]
        claim, (word, bracket, count) = self.claim, self.verdict.summary.partition(" (")
        lines = (
            tag("div", marked(symbol, color, f"{claim.id}: {word}") + bracket + count),
            tag("div", f"Claim: {tag('em', escape(claim.text))}"),
            tag("div", f"Measured: {escape(self.measured)}"),
            _listed(self._conditions()),
            *(tag("div", escape(line)) for line in self._reason()),
            tag("div", f"Source: {escape(_articles(claim))}", style="font-size:.85em"),
        )
        id = f"claim-{claim.id.lower()}"
        return card(color, "".join(lines), class_="claim", id=id, data_verdict=self.verdict)

    def _conditions(self) -> list[tuple[str, str]]:
        """Mark and text of each; the text says which is the core, and which the measurement leaves open."""
        conditions = self.verdict.conditions
        shown = []
        for place, (text, holds) in enumerate(conditions.items()):
            notes = ["the core"] * (place == 0 and len(conditions) > 1) + ["not decided"] * (holds is None)
            shown.append((MARKS[holds], f"{text} ({', '.join(notes)})" if notes else text))
        return shown

    def _reason(self) -> list[str]:
        return [f"Reason: {self.verdict.reason}"] if self.verdict.reason else []


def _listed(conditions: list[tuple[str, str]]) -> str:
    """A list of conditions. Of a long one the end is folded, its marks in sight."""
    if len(conditions) > UNFOLDED + 1:
        seen, rest = conditions[:UNFOLDED], conditions[UNFOLDED:]
        marks = " ".join(mark for mark, _ in rest)
        return _listed(seen) + folded(f"{len(rest)} more conditions: {marks}", _listed(rest))
    items = "".join(tag("li", f"{mark} {escape(text)}") for mark, text in conditions)
    return tag("ul", items, style="list-style:none;margin:.2em 0;padding-left:1em") if items else ""


def record(id: str, measured: str, verdict: str) -> Card:
    """Write what was measured for a claim into the ledger, and return the card to show.

    Recording the same again leaves the file as it is; processes that record at the same time do not lose each
    other's entries.

    Args:
        id: A key of ``CLAIMS``.
        measured: The measured numbers in one or two sentences, rounded so that another machine gets the same text.
        verdict: What ``judge`` or ``not_measurable`` returned.

    Raises:
        TypeError, ValueError: The id is unknown, ``measured`` is empty, ``verdict`` is none of ``VERDICTS``.
        OSError: The results folder cannot be written to.
    """
    claim = CLAIMS[choice("id", id, CLAIMS)]
    verdict = verdict if isinstance(verdict, Verdict) else Verdict(verdict)
    card = Card(claim, _require_text("measured", measured), verdict)
    path = ledger_path()
    _make(path.parent)
    with one_writer_at_a_time(path.parent):
        _finish(path)
        entries = {entry["id"]: entry for entry in _load(path, [], _entries)}
        conditions = _load(conditions_path(path), {}, _conditions)
        _write(path, {**entries, id: card.entry}, {**conditions, id: verdict.conditions})
    return card


def read(path=None) -> list[dict]:
    """The entries of a ledger file, by default the one in use; none if there is no such file yet.

    A file that is no ledger (damaged by hand or by a disk) is renamed, and a warning names both.

    Raises:
        OSError: The file cannot be read or renamed, or something other than a file is in its place.
    """
    path, unfinished = _finished(path)
    return unfinished["entries"] if unfinished else _load(path, [], _entries)


def overview(chapter: int) -> str:
    """The verdicts on the claims of a chapter, as far as they are recorded: a line for each.

    Example:
        >>> print(overview(chapter=1))  # doctest: +SKIP
        LR-1    confirmed   A smaller learning rate is not always better: reaching the same loss takes more steps.
        …
    """
    entries = [entry for entry in read() if CLAIMS[entry["id"]].chapter == chapter]
    width = max((len(entry["verdict"]) for entry in entries), default=0)
    return "\n".join(f"{entry['id']:<8}{entry['verdict']:<{width}}  {entry['claim']}" for entry in entries)


def read_conditions(path=None) -> dict[str, dict[str, bool | None]]:
    """What the verdicts of a ledger file were computed from: claim's id → ``{text of the condition: held?}``.

    It is kept in a file beside the ledger; one that is damaged is treated as ``read`` does.
    """
    path, unfinished = _finished(path)
    return unfinished["conditions"] if unfinished else _load(conditions_path(path), {}, _conditions)


def copy(ledger: Path, to: Path) -> None:
    """Copy a ledger file with the conditions behind it; ``to`` is the copy's own path."""
    _make(to.parent)
    with one_writer_at_a_time(to.parent):
        _write(to, {entry["id"]: entry for entry in read(ledger)}, read_conditions(ledger))


def conditions_path(ledger: Path) -> Path:
    """``conditions.json`` beside ``claims.json``, ``conditions-mnist.json`` beside ``claims-mnist.json``."""
    name = ledger.name.replace("claims", "conditions")
    return ledger.with_name(name if name != ledger.name else f"conditions-{name}")


# One file cannot take the place of two. So a third one holds both contents until both files are written; whoever finds
# it later, left by a process that was killed, writes them.


def _write(ledger: Path, entries: dict, conditions: dict) -> None:
    both = {"entries": list(_in_order(entries).values()), "conditions": _in_order(conditions)}
    if not (_holds(ledger, both["entries"]) and _holds(conditions_path(ledger), both["conditions"])):
        write_atomically(_unfinished(ledger), as_json(both))
        try:
            _store(ledger, both["entries"])
        except OSError:  # it is write-protected, say, and shall not be read as if it were not
            _unfinished(ledger).unlink()
            raise
        _finish(ledger)


def _finish(ledger: Path) -> None:
    if both := _load(_unfinished(ledger), None, _both):
        _store(ledger, both["entries"])
        _store(conditions_path(ledger), both["conditions"])
        _unfinished(ledger).unlink(missing_ok=True)  # without locks a reader may have been quicker


def _finished(path) -> tuple[Path, dict | None]:
    """The path of a ledger, by default the one in use, and what is left half done where nothing can be written."""
    path = ledger_path() if path is None else Path(path)
    if _unfinished(path).exists():
        with contextlib.suppress(OSError), one_writer_at_a_time(path.parent):  # perhaps its writer is still at work
            _finish(path)
    return path, _load(_unfinished(path), None, _both)


def _unfinished(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name}.unfinished")  # git ignores such names


def _store(path: Path, content) -> None:
    if not _holds(path, content):
        write_atomically(path, as_json(content))


def _holds(path: Path, content) -> bool:
    return path.exists() and file_at(path).read_bytes() == as_json(content).encode("utf-8")


def _load(path: Path, empty, checked):
    """The content of a JSON file as ``checked`` returns it, ``empty`` if there is no file."""
    try:
        return checked(read_json(path))
    except FileNotFoundError:
        return empty
    except ValueError as error:
        aside = set_aside(path)
        warnings.warn(f"{path.name} is damaged ({error}); it was renamed to {aside.name}", stacklevel=3)
        return empty


def _entries(content) -> list[dict]:
    kinds = {"id": str, "source": str, "claim": str, "verdict": str, "measured": str, "chapter": int}
    for entry in content if isinstance(content, list) else [None]:
        if not isinstance(entry, dict) or {key: type(value) for key, value in entry.items()} != kinds:
            raise ValueError("it is no list of entries")
    return content


def _conditions(content) -> dict[str, dict[str, bool | None]]:
    for conditions in content.values() if isinstance(content, dict) else [None]:
        if not isinstance(conditions, dict) or set(map(type, conditions.values())) - {bool, type(None)}:
            raise ValueError("it does not hold conditions by claim")
    return content


def _both(content) -> dict:
    if not isinstance(content, dict) or content.keys() != {"entries", "conditions"}:
        raise ValueError("it does not hold entries and conditions")
    return {"entries": _entries(content["entries"]), "conditions": _conditions(content["conditions"])}


def _in_order(by_id: dict) -> dict:
    """In the order of ``CLAIMS``; what is not in it comes last."""
    return {id: by_id[id] for id in [*CLAIMS, *by_id] if id in by_id}


def ledger_path() -> Path:
    """The file that ``record`` writes to."""
    name = "claims-mnist.json" if os.environ.get("COURSE_DATA", "").lower() == "mnist" else "claims.json"
    return results_folder() / name


def results_folder() -> Path:
    """``COURSE_RESULTS_DIR``, else ``chapters/results`` of the course; ``results`` in the lab or by a lone notebook."""
    chapters, folder = PROJECT / "chapters", notebook_folder()
    if chapters.is_dir() and folder != LAB:
        folder = chapters
    return path_named_by("COURSE_RESULTS_DIR", folder / "results")


def _make(folder: Path):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            error.errno, f"cannot make the results folder {folder}: {error.strerror}; set COURSE_RESULTS_DIR to another"
        ) from error


def _articles(claim: Claim) -> str:
    return "; ".join(f"{key}, {SOURCES[key]}" for key in claim.source.split())


def _require_text(name: str, value) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r} ({type(value).__name__})")
    if not value.strip():
        raise ValueError(f"{name} must not be empty, got {value!r}")
    return value.strip()
