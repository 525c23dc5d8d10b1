"""The ledger of claims as a page: every claim with what was measured on the digits and on MNIST.

The table is complete without scripts. With scripts it can be filtered by verdict and by chapter, on the page itself.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from pathlib import Path

from course_lib.claims import CLAIMS, VERDICTS, read, read_conditions

STYLE = """
.ledger select { margin: 0 1em 0.6em 0.3em; padding: 0.2em; font: inherit; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: 0.3em; }
.ledger select option { color: #111; background: #fff; }
.ledger table { width: 100%; border-collapse: collapse; text-align: left; }
.ledger th, .ledger td { vertical-align: top; padding: 0.4em 0.6em; border-top: 1px solid #8886; }
.ledger .wide { overflow-x: auto; }
.ledger td small { display: block; }
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
    """All claims, with their entries of both data sets.

    Args:
        results: Folder with ``claims.json`` and, once ``make mnist`` has run, ``claims-mnist.json``.
        links: Chapter's number → address of its page.
    """

    def __init__(self, results: Path, links: dict[int, str]):
        ledgers = [Path(results) / name for name in ("claims.json", "claims-mnist.json")]
        self.digits, self.mnist = ({entry["id"]: entry for entry in read(path)} for path in ledgers)
        self.conditions = [read_conditions(path) for path in ledgers]
        self.links = links

    @property
    def missing(self) -> list[str]:
        """Claims that no chapter has judged on the digits."""
        return [id for id in CLAIMS if id not in self.digits]

    @property
    def different(self) -> list[str]:
        """Claims whose verdict on MNIST is not that on the digits."""
        return [id for id in CLAIMS if id in self.mnist and self.mnist[id]["verdict"] != self.digits[id]["verdict"]]

    def turned(self, id: str) -> list[tuple[str, bool, bool]]:
        """The conditions behind a claim that held on one data set only: (text, on the digits, on MNIST)."""
        digits, mnist = (conditions[id] for conditions in self.conditions)
        pairs = zip(digits.items(), mnist.values())  # the same cell made both, so they are in one order
        return [(text, held, held_on_mnist) for (text, held), held_on_mnist in pairs if held != held_on_mnist]

    def counts(self, entries: dict) -> dict[str, int]:
        """Verdict → number of claims, in the order of ``VERDICTS``."""
        counted = Counter(entry["verdict"] for entry in entries.values())
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def __repr__(self) -> str:
        return f"Ledger({len(self.digits)} claims on the digits, {len(self.mnist)} on MNIST)"

    def _repr_html_(self) -> str:
        rows = "".join(self._row(id) for id in CLAIMS if id in self.digits)
        return (
            f"<style>{STYLE}</style>"
            f'<div class="ledger">{self._filters()}<div class="wide"><table><thead><tr><th scope="col">Claim</th>'
            '<th scope="col">Digits</th><th scope="col">MNIST</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div></div><script>{SCRIPT}</script>"
        )

    def _filters(self) -> str:
        chapters = sorted({entry["chapter"] for entry in self.digits.values()})
        return (
            '<form hidden onsubmit="return false"><label>Verdict <select><option value="">all</option>'
            + "".join(f'<option value="{verdict}">{verdict}</option>' for verdict in VERDICTS)
            + '</select></label><label>Chapter <select><option value="">all</option>'
            + "".join(f'<option value="{chapter}">{chapter}</option>' for chapter in chapters)
            + '</select></label><output aria-live="polite"></output></form>'
        )

    def _row(self, id: str) -> str:
        digits, mnist = self.digits[id], self.mnist.get(id)
        chapter = digits["chapter"]
        name = f"<strong>{id}</strong>"
        if chapter in self.links:
            name = f'<a href="{self.links[chapter]}#claim-{id.lower()}">{name}</a>'
        return (
            f'<tr data-verdict="{digits["verdict"]}" data-mnist="{mnist["verdict"] if mnist else ""}" '
            f'data-chapter="{chapter}"><td>{name} {html.escape(digits["claim"])}'
            f"<small>Source: {digits['source'].replace(' ', ', ')}; chapter {chapter}</small></td>"
            f"<td>{_outcome(digits)}</td><td>{_outcome(mnist)}</td></tr>"
        )


def run_record(results: Path) -> dict | None:
    """What ``make mnist`` wrote down about its run: command, date, machine, versions; None before its first run."""
    path = Path(results) / "mnist-run.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _outcome(entry: dict | None) -> str:
    if entry is None:
        return "not run"
    symbol, color = VERDICTS[entry["verdict"]]
    return (
        f'<strong><span aria-hidden="true" style="color:{color}">{symbol}</span> {entry["verdict"]}</strong>'
        f"<small>{html.escape(entry['measured'])}</small>"
    )
