"""The ledger of claims as pages show it: every claim, or a few, with what was measured on the digits and on MNIST.

It only reads what chapters recorded with ``course_lib.claims``. The table of all claims is complete without scripts;
with scripts it can be filtered by verdict and by chapter, on the page itself.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from itertools import chain, repeat
from pathlib import Path

from course_lib import errors
from course_lib.claims import CLAIMS, DATA_FREE, MARKS, VERDICTS, judge, read, read_conditions
from course_lib.files import read_json

NOT_RUN = "–"  # in the place of a condition's mark

STYLE = """
.ledger select { margin: 0 1em 0.6em 0.3em; padding: 0.2em; font: inherit; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: 0.3em; }
.ledger select option { color: #111; background: #fff; }
.ledger table { width: 100%; border-collapse: collapse; text-align: left; }
.ledger th, .ledger td { vertical-align: top; padding: 0.4em 0.6em; border-top: 1px solid #8886; }
.ledger .wide { overflow-x: auto; }
.ledger td small { display: block; }
.ledger td.held { text-align: center; white-space: nowrap; }
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
        links: Chapter's number → address of its page.
    """

    def __init__(self, results: Path, links: dict[int, str]):
        ledgers = [Path(results) / name for name in ("claims.json", "claims-mnist.json")]
        self.digits, self.mnist = (
            {entry["id"]: entry for entry in read(path) if entry["id"] in CLAIMS} for path in ledgers
        )
        self._conditions = [read_conditions(path) for path in ledgers]
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

    def evidence(self, *ids: str) -> Evidence:
        """A table of a few claims with every condition behind them, to stand below a sentence that rests on them.

        Raises:
            ValueError: No claim has such an id.
        """
        return Evidence(self, [errors.choice("id", id, CLAIMS) for id in ids])

    def __repr__(self) -> str:
        return f"Ledger({len(self.digits)} claims on the digits, {len(self.mnist)} on MNIST)"

    def _repr_html_(self) -> str:
        rows = "".join(self._row(id) for id in CLAIMS if id in self.digits or id in self.mnist)
        return (
            f"<style>{STYLE}</style>"
            f'<div class="ledger">{self._filters()}<div class="wide"><table><thead><tr><th scope="col">Claim</th>'
            '<th scope="col">Digits</th><th scope="col">MNIST</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div></div><script>{SCRIPT}</script>"
        )

    def _filters(self) -> str:
        chapters = sorted({CLAIMS[id].chapter for id in (*self.digits, *self.mnist)})
        return (
            '<form hidden onsubmit="return false"><label>Verdict <select><option value="">all</option>'
            + "".join(f'<option value="{verdict}">{verdict}</option>' for verdict in VERDICTS)
            + '</select></label><label>Chapter <select><option value="">all</option>'
            + "".join(f'<option value="{chapter}">{chapter}</option>' for chapter in chapters)
            + '</select></label><output aria-live="polite"></output></form>'
        )

    def _row(self, id: str) -> str:
        digits, mnist = self.digits.get(id), self.mnist.get(id)
        verdicts = [escape(entry["verdict"]) if entry else "" for entry in (digits, mnist)]
        shown = digits or mnist
        return (
            f'<tr data-verdict="{verdicts[0]}" data-mnist="{verdicts[1]}" data-chapter="{CLAIMS[id].chapter}">'
            f"<td>{self.linked(id)} {escape(shown['claim'])}"
            f"<small>Source: {escape(shown['source'].replace(' ', ', '))}; chapter {CLAIMS[id].chapter}</small></td>"
            f"{self.outcomes(id)}</tr>"
        )

    def outcomes(self, id: str) -> str:
        """The cells of both data sets, or one across both for a claim that needs no data."""
        entries = self.digits.get(id), self.mnist.get(id)
        shown = [_outcome(entry, held.get(id)) for entry, held in zip(entries, self._conditions)]
        if id in DATA_FREE:
            one = shown[0] if entries[0] else shown[1]
            return f'<td colspan="2">{one}<small>This claim needs no data.</small></td>'
        return "".join(f"<td>{outcome}</td>" for outcome in shown)

    def linked(self, id: str) -> str:
        """The claim's id in HTML, linked to its card in the chapter."""
        page = self.links.get(CLAIMS[id].chapter)
        return f'<a href="{page}#claim-{id.lower()}"><strong>{id}</strong></a>' if page else f"<strong>{id}</strong>"


class Evidence:
    """Some claims of a ledger, each with its measurements and conditions on both data sets."""

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
        rows = "".join(self._rows(id) for id in self.ids)
        return (
            f'<style>{STYLE}</style><div class="ledger"><div class="wide"><table><thead><tr><th scope="col">Claim and '
            'its conditions</th><th scope="col">Digits</th><th scope="col">MNIST</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div></div>"
        )

    def _rows(self, id: str) -> str:
        ledger = self.ledger
        head = f"<tr><td>{ledger.linked(id)} {escape(CLAIMS[id].text)}</td>{ledger.outcomes(id)}</tr>"
        return head + "".join(
            f'<tr><td>{escape(text)}</td><td class="held">{on_digits}</td><td class="held">{on_mnist}</td></tr>'
            for text, on_digits, on_mnist in ledger.conditions(id)
        )


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


def _outcome(entry: dict | None, conditions: dict | None) -> str:
    if entry is None:
        return "not run"
    word = entry["verdict"]
    symbol, color = VERDICTS.get(word, ("·", "#757575"))  # another version may know more verdicts
    summary = judge(conditions).summary if conditions else word
    count = summary[len(word) :] if summary.startswith(word) else ""
    return (
        f'<strong><span aria-hidden="true" style="color:{color}">{symbol}</span> {escape(word)}</strong>{escape(count)}'
        f"<small>{escape(entry['measured'])}</small>"
    )
