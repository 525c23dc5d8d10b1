"""The ledger of claims as pages show it: every claim, or a few, with what was measured on the digits and on MNIST.

It only reads what chapters recorded with ``course_lib.claims``. The table of all claims is complete without scripts;
with scripts it can be filtered by verdict and by chapter, on the page itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain, repeat
from pathlib import Path

from course_lib import choices, errors
from course_lib.claims import MARKS, VERDICTS, judge, read, read_conditions
from course_lib.files import read_json
from course_lib.looks import GREY
from course_lib.markup import escape, folded, marked, row, table, tag
from course_lib.sources import CLAIMS, DATA_FREE

COLUMNS = ("Claim", "Digits", "MNIST")
NOT_RUN = "–"  # in the place of a condition's mark

STYLE = """
.ledger select { margin: 0 1em 0.6em 0.3em; padding: 0.2em; font: inherit; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: 0.3em; }
.ledger select option { color: #111; background: #fff; }
.ledger table { width: 100%; border-collapse: collapse; text-align: left; }
.ledger th, .ledger td { vertical-align: top; padding: 0.4em 0.6em; border-top: 1px solid #8886; }
.ledger td small { display: block; font-size: 0.9em; }
.ledger ul { list-style: none; margin: 0.3em 0 0; padding: 0; }
.ledger summary { cursor: pointer; }
"""

SCRIPT = """
(() => {
  for (const ledger of document.querySelectorAll('.ledger')) {
    const [verdict, chapter] = ledger.querySelectorAll('select');
    const rows = [...ledger.querySelectorAll('tbody tr')];
    const show = () => {
      for (const row of rows) {
        const right = !verdict.value || row.dataset.verdict === verdict.value || row.dataset.mnist === verdict.value;
        row.hidden = !(right && (!chapter.value || row.dataset.chapter === chapter.value));
      }
      const shown = rows.filter(row => !row.hidden).length;
      ledger.querySelector('output').textContent = `${shown} of ${rows.length} shown`;
    };
    verdict.onchange = chapter.onchange = show;
    ledger.querySelector('form').hidden = false;
    show();
  }
})();
"""


class Ledger:
    """All claims, with their entries of both data sets; entries for claims of another version are left out.

    Args:
        results: Folder with ``claims.json`` and, once ``make mnist`` has run, ``claims-mnist.json``.
        links: Chapter's number → its notebook, as Jupyter finds it; the book leads to the page instead.
    """

    def __init__(self, results: Path, links: dict[int, str]):
        ledgers = [Path(results) / name for name in ("claims.json", "claims-mnist.json")]
        self.digits, self.mnist = (
            {entry["id"]: entry for entry in read(path) if entry["id"] in CLAIMS} for path in ledgers
        )
        self._conditions = [read_conditions(path) for path in ledgers]
        self._choices = [choices.read(path.with_name(path.name.replace("claims", "choices"))) for path in ledgers]
        self.links = links

    @property
    def missing(self) -> list[str]:
        """Claims that no chapter has judged on the digits."""
        return [id for id in CLAIMS if id not in self.digits]

    @property
    def compared(self) -> list[str]:
        """Claims that were measured on both data sets; a claim that needs no data is none of them."""
        return [id for id in CLAIMS if id in self.digits and id in self.mnist and id not in DATA_FREE]

    @property
    def different(self) -> list[str]:
        """Claims whose verdict on MNIST is not that on the digits."""
        return [id for id in self.compared if self.mnist[id]["verdict"] != self.digits[id]["verdict"]]

    def turned(self, id: str) -> list[tuple[str, str, str]]:
        """The conditions behind a claim that came out otherwise on MNIST: (text, mark on the digits, mark on MNIST)."""
        return [condition for condition in self.conditions(id) if condition[2] not in (condition[1], NOT_RUN)]

    def conditions(self, id: str) -> list[tuple[str, str, str]]:
        """(text, mark on the digits, mark on MNIST) for each condition, the core of the claim first."""
        digits, mnist = (conditions.get(id, {}) for conditions in self._conditions)
        marks = chain(map(MARKS.get, mnist.values()), repeat(NOT_RUN))
        # The same cell wrote both, so they are in one order; a text may hold numbers that differ.
        return [(text, MARKS[held], mark) for (text, held), mark in zip(digits.items(), marks)]

    def counts(self, entries: dict) -> dict[str, int]:
        """Verdict → number of claims, in the order of ``VERDICTS``; those that need no data count as the digits'."""
        ids = [id for id in entries if entries is self.digits or id not in DATA_FREE]
        counted = Counter(entries[id]["verdict"] for id in ids)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    @property
    def mostly(self) -> int:
        """How many of the digits' partly confirmed claims hold at their core."""
        partly = [id for id, entry in self.digits.items() if entry["verdict"] == "partly"]
        return sum(next(iter(self._conditions[0].get(id, {"": False}).values())) is True for id in partly)

    def chosen(self, id: str, what: str) -> str:
        """What a search chose, its first setting: on the digits and, if it is another one, on MNIST (``"0.1; 0.03"``).

        Args:
            id: The claim that the search served.
            what: What was chosen, as ``course_lib.choices.choose`` was told.

        Raises:
            KeyError: There is no record of such a search.
        """
        found = [record[id][what] for record in self._choices if record]
        values = (f"{next(iter(choice['settings'].values())):.2g}" for choice in found)
        return "; ".join(dict.fromkeys(values))

    def reason(self, id: str) -> tuple[str, str]:
        """A claim with its verdict on the digits, and the address of its card, as a cell of a ``Table``."""
        verdict = self.digits[id]["verdict"]
        return f"{id} {VERDICTS[verdict][0]} {verdict}", self._address(id)

    def evidence(self, *ids: str) -> Evidence:
        """A table of a few claims with every condition behind them, to stand below a sentence that rests on them.

        Raises:
            ValueError: No claim has such an id.
        """
        return Evidence(self, [errors.choice("id", id, CLAIMS) for id in ids])

    def __repr__(self) -> str:
        return f"Ledger({len(self.digits)} claims on the digits, {len(self.mnist)} on MNIST)"

    def _repr_html_(self) -> str:
        shown = [id for id in CLAIMS if id in self.digits or id in self.mnist]
        return _styled(self._filters() + self.rows(shown, folded)) + tag("script", SCRIPT)

    def _filters(self) -> str:
        chapters = sorted({CLAIMS[id].chapter for id in (*self.digits, *self.mnist)})
        lists = _choice("Verdict", VERDICTS) + _choice("Chapter", chapters)
        return f'<form hidden onsubmit="return false">{lists}{tag("output", "", aria_live="polite")}</form>'

    def rows(self, ids: Iterable[str], below) -> str:
        """A table of claims; ``below(heading, conditions)`` says how the conditions stand below a claim."""
        return table(COLUMNS, (self._row(id, below) for id in ids))

    def _row(self, id: str, below) -> str:
        entries = self.digits.get(id), self.mnist.get(id)
        verdict, on_mnist = (entry["verdict"] if entry else "" for entry in entries)
        shown = entries[0] or entries[1] or {"claim": CLAIMS[id].text, "source": CLAIMS[id].source}
        claim = f"{self.linked(id)} {escape(shown['claim'])}{below(*self._behind(id, shown['source']))}"
        marks = {"data_verdict": verdict, "data_mnist": on_mnist, "data_chapter": CLAIMS[id].chapter}
        return row(COLUMNS, [claim, *self.outcomes(id)], **marks)

    def _behind(self, id: str, source: str) -> tuple[str, str]:
        """What there is to a verdict beside the numbers: a heading, and the conditions and the source as a list."""
        conditions = self.conditions(id)
        items = (f"{mark if id in DATA_FREE else f'{mark} {on_mnist}'} {text}" for text, mark, on_mnist in conditions)
        source = f"Source: {source.replace(' ', ', ')}; chapter {CLAIMS[id].chapter}"
        heading = f"{len(conditions)} condition{'s' * (len(conditions) > 1)}" if conditions else "Source"
        return heading, tag("ul", "".join(tag("li", escape(line)) for line in (*items, source)))

    def outcomes(self, id: str) -> list[str]:
        """The cells of both data sets, or one for both for a claim that needs no data."""
        entries = self.digits.get(id), self.mnist.get(id)
        shown = [_outcome(entry, held.get(id)) for entry, held in zip(entries, self._conditions)]
        if id in DATA_FREE:
            return [(shown[0] if entries[0] else shown[1]) + tag("small", "This claim needs no data.")]
        return shown

    def linked(self, id: str) -> str:
        """The claim's id in HTML, linked to its card in the chapter."""
        name, address = tag("strong", id), self._address(id)
        return tag("a", name, href=address) if address else name

    def _address(self, id: str) -> str:
        page = self.links.get(CLAIMS[id].chapter)
        return f"{page}#claim-{id.lower()}" if page else ""


class Evidence:
    """Some claims of a ledger, each with its measurements and conditions on both data sets, folded behind one line."""

    def __init__(self, ledger: Ledger, ids: list[str]):
        self.ledger, self.ids = ledger, ids

    def __repr__(self) -> str:
        lines = ["digits, MNIST"]
        for id in self.ids:
            verdicts = [entries[id]["verdict"] for entries in (self.ledger.digits, self.ledger.mnist) if id in entries]
            lines.append(f"{id} ({', '.join(verdicts)}): {CLAIMS[id].text}")
            lines += [f"  {on_digits} {on_mnist} {text}" for text, on_digits, on_mnist in self.ledger.conditions(id)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        claims = self.ledger.rows(self.ids, lambda heading, conditions: conditions)
        return _styled(folded(f"The evidence: {self._verdicts()}", claims))

    def _verdicts(self) -> str:
        """Which of the claims came out how on the digits."""
        by_verdict = {}
        for id in self.ids:
            by_verdict.setdefault(self.ledger.digits.get(id, {}).get("verdict", "not run"), []).append(id)
        return "; ".join(f"{_verdict(word)} {', '.join(ids)}" for word, ids in by_verdict.items())


def run_record(results: Path) -> dict | None:
    """What ``make mnist`` wrote down about its run: command, date, machine, versions; None before its first run.

    Raises:
        ValueError: The file is damaged.
    """
    path = Path(results) / "mnist-run.json"
    try:
        recorded = read_json(path)
        kinds = {"command": str, "date": str, "machine": str, "versions": dict}
        if not isinstance(recorded, dict) or {key: type(recorded.get(key)) for key in kinds} != kinds:
            raise ValueError("it holds no record of a run")
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path.name} is damaged ({error}); `make mnist` writes a new one") from error
    return recorded


def _styled(content: str) -> str:
    return tag("style", STYLE) + tag("div", content, class_="ledger")


def _choice(label: str, options) -> str:
    """A list to choose one of ``options`` from, or all."""
    shown = "".join(tag("option", str(option), value=option) for option in options)
    return tag("label", f"{label} {tag('select', tag('option', 'all', value='') + shown)}")


def _verdict(word: str) -> str:
    symbol, color = VERDICTS.get(word, ("·", GREY))  # another version may know more verdicts
    return marked(symbol, color, escape(word))


def _outcome(entry: dict | None, conditions: dict | None) -> str:
    if entry is None:
        return "not run"
    word = entry["verdict"]
    judged = judge(conditions) if conditions else ""
    extent = f" ({judged.extent})" if judged == word else ""
    return _verdict(word) + extent + tag("small", escape(entry["measured"]))
