"""claims_page: the tables of all claims and of a few, and the record of MNIST's run."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup

from course_lib.claims import CLAIMS, VERDICTS
from course_lib.claims_page import Ledger, run_record


def entry(id, verdict, measured="3 < 4 & more"):
    claim = CLAIMS[id]
    return {
        "id": id,
        "source": claim.source,
        "claim": claim.text,
        "verdict": verdict,
        "measured": measured,
        "chapter": claim.chapter,
    }


@pytest.fixture
def results(tmp_path):
    digits = [entry("LR-1", "confirmed"), entry("LR-5", "partly"), entry("OPT-13", "confirmed")]
    (tmp_path / "claims.json").write_text(json.dumps(digits))
    (tmp_path / "claims-mnist.json").write_text(json.dumps([entry("LR-1", "confirmed"), entry("LR-5", "refuted")]))
    (tmp_path / "conditions.json").write_text('{"LR-5": {"above 1e-6": true, "below 1": false, "4 of 5": true}}')
    (tmp_path / "conditions-mnist.json").write_text('{"LR-5": {"above 1e-6": false, "below 1": false, "3 of 5": null}}')
    return tmp_path


def test_what_turned_between_the_data_sets(results):
    assert Ledger(results, {}).turned("LR-5") == [("above 1e-6", "✓", "✗"), ("4 of 5", "✓", "?")]
    (results / "conditions-mnist.json").unlink()
    assert Ledger(results, {}).turned("LR-5") == []


def test_evidence_shows_every_condition_on_both_data_sets(results):
    ledger = Ledger(results, {CLAIMS["LR-5"].chapter: "chapter.ipynb"})
    evidence = ledger.evidence("LR-5")
    assert repr(evidence).splitlines()[1:] == [
        f"LR-5 (partly, refuted): {CLAIMS['LR-5'].text}",
        "  ✓ ✗ above 1e-6",
        "  ✗ ✗ below 1",
        "  ✓ ? 4 of 5",
    ]
    page = BeautifulSoup(evidence._repr_html_(), "html.parser")
    assert page.details.summary.text == "The evidence: ◐ partly LR-5" and not page.details.has_attr("open")
    *conditions, source = page.select("tbody li")
    assert [item.text for item in conditions] == ["✓ ✗ above 1e-6", "✗ ✗ below 1", "✓ ? 4 of 5"]
    assert source.text == f"Source: {CLAIMS['LR-5'].source}; chapter 2" and page.select("details details") == []
    assert page.select_one("tbody tr").a["href"] == "chapter.ipynb#claim-lr-5"
    assert "not run" in ledger.evidence("OPT-13")._repr_html_()
    assert "The evidence: · not run WD-1" in BeautifulSoup(ledger.evidence("WD-1")._repr_html_(), "html.parser").text
    with pytest.raises(ValueError, match=r"id must be one of .*got 'LR-99'"):
        ledger.evidence("LR-99")


def test_what_a_search_chose_on_both_data_sets(results):
    def search(**settings):
        return {"settings": settings}

    digits = {"LR-5": {"SGD": search(lr=0.31623), "Adam": search(lr=0.01, λ=1.0)}}
    (results / "choices.json").write_text(json.dumps(digits))
    assert Ledger(results, {}).chosen("LR-5", "SGD") == "0.32"
    mnist = {"LR-5": {"SGD": search(lr=0.1), "Adam": search(lr=0.01, λ=3.0)}}
    (results / "choices-mnist.json").write_text(json.dumps(mnist))
    ledger = Ledger(results, {1: "chapter.ipynb"})
    assert [ledger.chosen("LR-5", what) for what in ("SGD", "Adam")] == ["0.32; 0.1", "0.01"]
    with pytest.raises(KeyError):
        ledger.chosen("LR-5", "Lion")
    assert ledger.reason("LR-1") == ("LR-1 ✓ confirmed", "chapter.ipynb#claim-lr-1")
    assert ledger.reason("LR-5") == ("LR-5 ◐ partly", "")


def test_the_ledgers_rows_are_whole_as_cards_and_read_aloud(results):
    """On a telephone a row is a card: no column's heading stands above it, and CSS alone would make it no row."""
    page = BeautifulSoup(Ledger(results, {})._repr_html_(), "html.parser")
    for row in page.select("tbody tr"):
        assert [cell["data-label"] for cell in row.select("td")][:2] == ["Claim", "Digits"]
        assert row["role"] == "row" and {cell["role"] for cell in row.select("td")} == {"cell"}
    folds = page.select("tbody details")
    assert [fold.summary.text for fold in folds] == ["Source", "3 conditions", "Source"]
    assert [item.text for item in folds[1].select("li")][:2] == ["✓ ✗ above 1e-6", "✗ ✗ below 1"]


def test_counts_and_differences(results):
    ledger = Ledger(results, {})
    assert {word: count for word, count in ledger.counts(ledger.digits).items() if count} == {
        "confirmed": 2,
        "partly": 1,
    }
    assert ledger.mostly == 1
    assert ledger.different == ["LR-5"]
    assert ledger.compared == ["LR-1", "LR-5"]
    assert set(ledger.missing) == set(CLAIMS) - {"LR-1", "LR-5", "OPT-13"}
    assert repr(ledger) == "Ledger(3 claims on the digits, 2 on MNIST)"


def test_the_page_says_it_all_without_scripts(results):
    page = BeautifulSoup(Ledger(results, {1: "chapter.ipynb"})._repr_html_(), "html.parser")
    rows = page.select("tbody tr")
    assert [row["data-verdict"] for row in rows] == ["confirmed", "partly", "confirmed"]
    assert [row["data-chapter"] for row in rows] == [str(CLAIMS[id].chapter) for id in ("LR-1", "LR-5", "OPT-13")]
    assert "refuted" in rows[1].text and "3 < 4 & more" in rows[1].text
    assert "not run" in rows[2].text
    assert rows[0].a["href"] == "chapter.ipynb#claim-lr-1"
    assert rows[2].a is None
    assert not any(row.has_attr("hidden") for row in rows)
    assert page.form.has_attr("hidden")
    assert [option["value"] for option in page.select("select")[0].find_all("option")] == ["", *VERDICTS]


def test_a_claim_that_needs_no_data_counts_once(results, monkeypatch):
    monkeypatch.setattr("course_lib.claims_page.DATA_FREE", {"LR-1"})
    ledger = Ledger(results, {})
    assert ledger.compared == ["LR-5"]
    assert ledger.counts(ledger.digits)["confirmed"] == 2
    assert ledger.counts(ledger.mnist)["confirmed"] == 0
    first, second, _ = BeautifulSoup(ledger._repr_html_(), "html.parser").select("tbody tr")
    assert [cell.get("colspan") for cell in first.select("td")] == [None, "2"]
    assert first.select("td")[1].text.startswith("✓ confirmed")
    assert [cell.text for cell in second.select("td")[1:]] == [
        "◐ partly (mostly: 2 of 3)3 < 4 & more",
        "✗ refuted (0 of 3)3 < 4 & more",
    ]


def test_before_mnist_has_run(tmp_path):
    assert Ledger(tmp_path, {}).mnist == {}
    assert run_record(tmp_path) is None


def test_the_record_of_the_run(tmp_path):
    recorded = {
        "command": "make mnist",
        "date": "2026-11-29",
        "machine": "one",
        "versions": {"python": "3.11"},
        "more": 1,
    }
    (tmp_path / "mnist-run.json").write_text(json.dumps(recorded))
    assert run_record(tmp_path) == recorded
    for content in ('{"command": ', "[]", "{}", *(json.dumps({**recorded, key: None}) for key in list(recorded)[:4])):
        (tmp_path / "mnist-run.json").write_text(content)
        with pytest.raises(ValueError, match=r"mnist-run\.json is damaged .* `make mnist` writes a new one"):
            run_record(tmp_path)


def test_what_the_file_says_is_text_on_the_page(tmp_path):
    hostile = {key: f"<b>{key}</b>" for key in ("source", "claim", "verdict", "measured")}
    for name in ("claims.json", "claims-mnist.json"):
        (tmp_path / name).write_text(json.dumps([{**entry("LR-1", "confirmed"), **hostile}]))
    ledger = Ledger(tmp_path, {})
    page = BeautifulSoup(ledger._repr_html_() + ledger.evidence("LR-1")._repr_html_(), "html.parser")
    assert page.b is None
    assert all(text in page.text for text in hostile.values())
    assert page.select_one("tbody tr")["data-verdict"] == hostile["verdict"]


def test_a_claim_that_was_measured_on_mnist_only(results):
    (results / "claims.json").write_text(json.dumps([entry("LR-1", "confirmed")]))
    ledger = Ledger(results, {})
    rows = BeautifulSoup(ledger._repr_html_(), "html.parser").select("tbody tr")
    assert [(row["data-verdict"], row["data-mnist"]) for row in rows] == [("confirmed", "confirmed"), ("", "refuted")]
    assert "not run" in rows[1].text
    assert ledger.different == []


def test_a_claim_of_another_version_is_left_out(results):
    (results / "claims.json").write_text(json.dumps([{**entry("LR-1", "confirmed"), "id": "LR-99"}]))
    (results / "claims-mnist.json").unlink()
    ledger = Ledger(results, {})
    assert repr(ledger) == "Ledger(0 claims on the digits, 0 on MNIST)"
    assert BeautifulSoup(ledger._repr_html_(), "html.parser").select("tbody tr") == []
