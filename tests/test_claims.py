"""The ledger: verdicts follow from conditions, entries are kept whole whoever writes, cards say it all."""

import json
import math
import multiprocessing
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from course_lib import claims, files, sources

#: group -> how many claims it has, and the chapters that judge them
COUNTS = {
    "LR": (14, {1, 2}),
    "OPT": (23, {3, 4, 5, 6, 7, 8}),
    "SCH": (10, {9, 10}),
    "WD": (6, {11}),
    "SC": (6, {12}),
    "INIT": (8, {13}),
    "BATCH": (6, {14}),
    "MEM": (5, {15}),
}
CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path / "results"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    return tmp_path / "results"


def stored(folder, name="claims.json"):
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_the_table_holds_every_claim_once_in_order_in_its_chapter():
    expected = [f"{group}-{n}" for group, (count, _) in COUNTS.items() for n in range(1, count + 1)]
    assert list(claims.CLAIMS) == expected
    for id, claim in claims.CLAIMS.items():
        assert claim.chapter in COUNTS[id.split("-")[0]][1]
        assert set(claim.source.split()) <= set(sources.SOURCES)
        assert claim.text.endswith(".") and "†" not in claim.text
    for group, (_, chapters) in COUNTS.items():
        assert {claim.chapter for id, claim in claims.CLAIMS.items() if id.startswith(f"{group}-")} == chapters
    assert len({claim.text for claim in claims.CLAIMS.values()}) == len(expected)


def test_every_claim_is_recorded_in_its_chapter_and_nowhere_else():
    notebooks = {int(path.name[:2]): path.read_text(encoding="utf-8") for path in CHAPTERS.glob("[0-9][0-9]_*.ipynb")}
    assert notebooks
    for number, text in notebooks.items():
        recorded = re.findall(r'claims\.record\((?:\\n",\s*")?\s*\\"([A-Z]+-\d+)\\"', text)
        assert sorted(recorded) == sorted(id for id, claim in claims.CLAIMS.items() if claim.chapter == number)


def test_the_ledger_holds_just_the_claims_of_the_chapters():
    numbers = {int(path.name[:2]) for path in CHAPTERS.glob("[0-9][0-9]_*.ipynb")}
    entries = claims.read(CHAPTERS / "results" / "claims.json")
    expected = [id for id, claim in claims.CLAIMS.items() if claim.chapter in numbers]
    assert [entry["id"] for entry in entries] == expected
    assert entries
    for entry in entries:
        claim = claims.CLAIMS[entry["id"]]
        assert (entry["claim"], entry["chapter"], entry["source"]) == (claim.text, claim.chapter, claim.source)


@pytest.mark.parametrize(
    ("held", "summary"),
    [
        ((True,), "confirmed (1 of 1 condition holds)"),
        ((True, True), "confirmed (2 of 2 conditions hold)"),
        ((True, False, True), "partly (mostly: 2 of 3 conditions hold, the core among them)"),
        ((True, None), "partly (mostly: 1 of 2 conditions holds, the core among them)"),
        ((False, True, None), "partly (hardly: 1 of 3 conditions holds, not the core)"),
        ((False, False), "refuted (0 of 2 conditions hold)"),
        ((False, None), "refuted (0 of 2 conditions hold)"),
        ((None, True, False), "undecided (1 of 3 conditions holds, the core is open)"),
        ((None,), "undecided (0 of 1 condition hold)"),
    ],
)
def test_the_verdict_follows_from_the_conditions_the_first_being_the_core(held, summary):
    conditions = dict(zip("abc", (np.bool_(value) if value else value for value in held)))
    verdict = claims.judge(conditions)
    assert verdict.summary == summary
    assert verdict == summary.split(" ")[0]
    assert list(verdict.conditions.values()) == list(held)
    assert claims.not_measurable("no data").summary == "not measurable here"


def test_an_entry_has_exactly_the_agreed_keys(folder):
    card = claims.record("OPT-13", "Adam +1.00, AMSGrad -0.99", claims.judge({"apart": True}))
    (entry,) = stored(folder)
    assert list(entry) == ["id", "source", "claim", "verdict", "measured", "chapter"]
    assert entry == card.entry
    assert entry["verdict"] == "confirmed" and entry["chapter"] == 7 and entry["source"] == "S1"


def test_entries_are_sorted_like_the_table_and_replaced_in_place(folder):
    for id in ("WD-1", "LR-10", "LR-2", "OPT-1"):
        claims.record(id, "1", "refuted")
    claims.record("LR-10", "2", "confirmed")
    assert [(entry["id"], entry["measured"]) for entry in stored(folder)] == [
        ("LR-2", "1"),
        ("LR-10", "2"),
        ("OPT-1", "1"),
        ("WD-1", "1"),
    ]


def test_recording_the_same_again_leaves_the_file_alone(folder, monkeypatch):
    verdict = claims.judge({"a": True, "b": True})
    claims.record("LR-1", "12 steps", verdict)
    before = (folder / "claims.json").read_bytes(), (folder / "claims.json").stat().st_mtime_ns
    with monkeypatch.context() as nothing_is_written:
        nothing_is_written.setattr(claims, "write_atomically", None)
        claims.record("LR-1", "12 steps", verdict)
    assert ((folder / "claims.json").read_bytes(), (folder / "claims.json").stat().st_mtime_ns) == before
    claims.record("LR-1", "12 steps", claims.judge({"b": True, "a": True}))
    assert list(claims.read_conditions()["LR-1"]) == ["b", "a"]
    assert {file.name for file in folder.iterdir()} == {"claims.json", "conditions.json"}


def test_real_mnist_has_a_ledger_of_its_own(folder, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "mnist")
    claims.record("LR-1", "12 steps", "confirmed")
    assert {file.name for file in folder.iterdir()} == {"claims-mnist.json", "conditions-mnist.json"}
    assert claims.read()[0]["id"] == "LR-1"


def test_conditions_are_kept_beside_the_ledger_in_its_order(folder):
    claims.record("LR-2", "12 steps", claims.judge({"b": True, "a": False, "c": None}))
    claims.record("LR-1", "no data", claims.not_measurable("no data"))
    assert list(claims.read_conditions().items()) == [("LR-1", {}), ("LR-2", {"b": True, "a": False, "c": None})]
    assert list(stored(folder, "conditions.json")["LR-2"]) == ["b", "a", "c"], "the core comes first"


@pytest.mark.parametrize("content", ["{not json", "[]", '{"LR-1": 5}', '{"LR-1": {"a": 1}}', '{"LR-99": []}'])
def test_damaged_conditions_are_set_aside_and_named(folder, content):
    folder.mkdir()
    (folder / "conditions.json").write_text(content)
    with pytest.warns(UserWarning, match=r"conditions\.json is damaged .* renamed to conditions\.damaged-1\.json"):
        claims.record("LR-1", "12 steps", claims.judge({"a": True}))
    assert (folder / "conditions.damaged-1.json").read_text() == content
    assert claims.read_conditions() == {"LR-1": {"a": True}}


@pytest.mark.parametrize("ledger", ["claims.json", "claims-mnist.json"])
def test_every_stored_verdict_follows_from_its_stored_conditions(ledger):
    path = CHAPTERS / "results" / ledger
    conditions = claims.read_conditions(path)
    for entry in claims.read(path):
        assert claims.judge(conditions[entry["id"]]) == entry["verdict"], entry["id"]


def test_of_a_claim_that_needs_no_data_both_runs_say_the_same():
    digits, mnist = (
        {entry["id"]: entry["measured"] for entry in claims.read(CHAPTERS / "results" / name)}
        for name in ("claims.json", "claims-mnist.json")
    )
    assert {id: digits[id] for id in sources.DATA_FREE} == {id: mnist[id] for id in sources.DATA_FREE}


def test_the_ledger_says_what_the_cards_on_the_pages_say():
    entries = {entry["id"]: entry for entry in claims.read(CHAPTERS / "results" / "claims.json")}
    conditions = claims.read_conditions(CHAPTERS / "results" / "claims.json")
    for path in CHAPTERS.glob("[0-9][0-9]_*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/plain", ""))
                if found := re.match(r"\S ([A-Z]+-\d+): ", text):
                    id = found[1]
                    verdict = claims.judge(conditions.pop(id))
                    assert text == repr(claims.Card(claims.CLAIMS[id], entries[id]["measured"], verdict)), id
    assert conditions == {}


def test_the_overview_of_a_chapter_has_a_line_for_each_recorded_claim_of_it(folder):
    assert claims.overview(chapter=1) == ""
    for id, verdict in (("LR-2", "confirmed"), ("LR-1", claims.not_measurable("too long")), ("WD-1", "refuted")):
        claims.record(id, "12 steps", verdict)
    lines = claims.overview(chapter=claims.CLAIMS["LR-1"].chapter).splitlines()
    assert [line.split()[0] for line in lines] == ["LR-1", "LR-2"]
    assert len({line.index(claims.CLAIMS[line.split()[0]].text) for line in lines}) == 1, "one column"


def test_entries_of_another_version_are_kept(folder):
    folder.mkdir()
    others = [{**ENTRY, "id": "LR-99"}, {**ENTRY, "id": "LR-2", "verdict": "doubtful"}]
    (folder / "claims.json").write_text(json.dumps(others), encoding="utf-8-sig")
    (folder / "conditions.json").write_text('{"LR-99": {"a": true}, "LR-2": {"b": false}}')
    claims.record("LR-1", "12 steps", "confirmed")
    assert stored(folder) == [ENTRY, others[1], others[0]]
    assert stored(folder, "conditions.json") == {"LR-1": {}, "LR-2": {"b": False}, "LR-99": {"a": True}}


def test_a_ledger_under_another_name_is_not_taken_for_its_own_conditions(tmp_path):
    (tmp_path / "today.json").write_text(json.dumps([ENTRY]))
    claims.copy(tmp_path / "today.json", to=tmp_path / "copy.json")
    assert stored(tmp_path, "today.json") == stored(tmp_path, "copy.json") == [ENTRY]
    assert claims.read_conditions(tmp_path / "copy.json") == {}


def test_a_results_folder_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_RESULTS_DIR", "~/results")
    assert claims.results_folder() == tmp_path / "results"


def test_without_the_variable_results_go_beside_the_chapters(monkeypatch):
    monkeypatch.delenv("COURSE_RESULTS_DIR")
    assert claims.ledger_path() == Path(__file__).resolve().parents[1] / "chapters" / "results" / "claims.json"


def _record_all(ids):
    for id in ids:
        claims.record(id, f"measured {id}", "confirmed")


def test_chapters_that_run_at_the_same_time_lose_nothing(folder):
    ids = list(claims.CLAIMS)
    start = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    workers = [start.Process(target=_record_all, args=(ids[part::3],)) for part in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert [entry["id"] for entry in stored(folder)] == ids


@pytest.mark.parametrize("last_step", range(1, 5))
def test_a_kill_between_two_files_leaves_both_old_or_both_new(folder, last_step):
    """Each file is put into its place by ``os.replace``, three of them; the fourth step is the end."""
    verdicts = claims.judge({"faster": True}), claims.judge({"faster": False, "steadier": True})
    claims.record("LR-1", "12 steps", verdicts[0])

    def record_and_die():
        replace, unlink, steps = os.replace, Path.unlink, iter(range(1, 5))

        def counted(*arguments, **options):
            if next(steps) == last_step:
                os.kill(os.getpid(), signal.SIGKILL)
            return replace(*arguments, **options)

        files.os.replace = counted
        Path.unlink = lambda path, **options: counted() if path.suffix == ".unfinished" else unlink(path, **options)
        claims.record("LR-1", "90 steps", verdicts[1])

    process = multiprocessing.get_context("fork").Process(target=record_and_die)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    (entry,), conditions = claims.read(), claims.read_conditions()
    measured, verdict = ("12 steps", verdicts[0]) if last_step == 1 else ("90 steps", verdicts[1])
    assert (entry["measured"], entry["verdict"], conditions) == (measured, verdict, {"LR-1": verdict.conditions})
    assert stored(folder) == [entry] and stored(folder, "conditions.json") == conditions
    temporary = {file.name for file in folder.iterdir()} - {"claims.json", "conditions.json"}
    assert all(file.startswith(".course-") for file in temporary)


def test_what_a_killed_process_left_is_finished_by_the_next_that_records(folder):
    claims.record("LR-1", "12 steps", claims.judge({"a": True}))
    both = {"entries": [{**claims.read()[0], "measured": "90 steps"}], "conditions": {"LR-1": {"b": True}}}
    (folder / ".claims.json.unfinished").write_text(json.dumps(both))
    claims.record("LR-2", "12 steps", claims.judge({"c": True}))
    assert [entry["measured"] for entry in stored(folder)] == ["90 steps", "12 steps"]
    assert stored(folder, "conditions.json") == {"LR-1": {"b": True}, "LR-2": {"c": True}}
    ignored = (files.PROJECT / ".gitignore").read_text().splitlines()
    assert any(Path(".claims-mnist.json.unfinished").match(pattern) for pattern in ignored)


def test_a_write_protected_ledger_stays_what_it_is(folder, monkeypatch):
    claims.record("LR-1", "12 steps", claims.judge({"a": True}))
    with monkeypatch.context() as protected:
        protected.setattr("os.access", lambda *_: False)
        with pytest.raises(PermissionError, match=r"cannot write claims\.json .*: it is write-protected"):
            claims.record("LR-1", "90 steps", claims.judge({"b": True}))
    assert {file.name for file in folder.iterdir()} == {"claims.json", "conditions.json"}
    assert (claims.read()[0]["measured"], claims.read_conditions()) == ("12 steps", {"LR-1": {"a": True}})


def test_what_cannot_be_finished_is_read_all_the_same(folder, monkeypatch):
    claims.record("LR-1", "12 steps", claims.judge({"a": True}))
    both = {"entries": [{**ENTRY, "measured": "90 steps"}], "conditions": {"LR-1": {"b": True}}}
    (folder / ".claims.json.unfinished").write_text(json.dumps(both))
    monkeypatch.setattr("os.access", lambda *_: False)
    assert (claims.read(), claims.read_conditions()) == (both["entries"], both["conditions"])
    assert (stored(folder)[0]["measured"], stored(folder, "conditions.json")) == ("12 steps", {"LR-1": {"a": True}})
    with pytest.raises(PermissionError, match=r"cannot write claims\.json .*: it is write-protected"):
        claims.record("LR-2", "12 steps", "confirmed")


def test_a_copy_of_a_ledger_has_its_conditions(folder, tmp_path):
    claims.record("LR-1", "12 steps", claims.judge({"a": True}))
    claims.copy(folder / "claims.json", to=tmp_path / "new" / "claims-mnist.json")
    assert stored(tmp_path / "new", "claims-mnist.json") == stored(folder)
    assert stored(tmp_path / "new", "conditions-mnist.json") == {"LR-1": {"a": True}}


@pytest.mark.parametrize("name", ["claims.json", "conditions.json"])
def test_what_is_no_file_is_named_and_stays(folder, name):
    folder.mkdir()
    os.mkfifo(folder / name)
    with pytest.raises(OSError, match="it is a named pipe, not a file"):
        claims.record("LR-1", "12 steps", "confirmed")
    assert [file.name for file in folder.iterdir()] == [name]


ENTRY = claims.Card(claims.CLAIMS["LR-1"], "12 steps", claims.Verdict("confirmed")).entry


@pytest.mark.parametrize(
    "content",
    [
        *("{not json", '{"id": "LR-1"}', '[{"id": "LR-1"}]', "[1]", "", '"claims"', "[" * 100_000 + "]" * 100_000),
        *(json.dumps([{**ENTRY, key: value}]) for key in ENTRY for value in (None, [], {"a": 1}, True, math.nan)),
        *(json.dumps([{**ENTRY, "chapter": value}]) for value in ("1", "<b>", 1.0)),
        *(json.dumps(ENTRY), json.dumps([ENTRY, {**ENTRY, "more": 1}]), json.dumps([{**ENTRY, "measured": "\ud800"}])),
    ],
    ids=range(7 + 30 + 3 + 3),
)
def test_a_damaged_ledger_is_set_aside_and_named(folder, content):
    folder.mkdir()
    (folder / "claims.json").write_text(content)
    with pytest.warns(UserWarning, match=r"claims\.json is damaged .* renamed to claims\.damaged-1\.json"):
        claims.record("LR-1", "12 steps", "confirmed")
    assert (folder / "claims.damaged-1.json").read_text() == content
    assert [entry["id"] for entry in stored(folder)] == ["LR-1"]

    (folder / "claims.json").write_text("again")
    with pytest.warns(UserWarning, match="damaged-2"):
        claims.read()
    assert (folder / "claims.damaged-1.json").read_text() == content


def test_the_card_says_the_same_as_text_and_as_html():
    verdict = claims.judge({"slower at lr 0.01 & below": True, "ten times": False, "always": None})
    card = claims.record("LR-1", "90 steps at 0.01 < 120", verdict)
    text, page = repr(card), card._repr_html_()
    for part in (
        "LR-1: partly",
        "mostly: 1 of 3 conditions holds, the core among them",
        claims.CLAIMS["LR-1"].text,
        "◐",
    ):
        assert part in text and part in page
    assert "✓ slower at lr 0.01 & below (the core)" in text and "✗ ten times\n" in text
    assert "? always (not decided)" in text
    assert "✓ slower at lr 0.01 &amp; below" in page and "90 steps at 0.01 &lt; 120" in page
    assert 'id="claim-lr-1"' in page and "S0, Learning-rate optimization algorithms" in page
    words = re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", page).replace("&amp;", "&").replace("&lt;", "<"))
    assert words == re.sub(r"\s+", "", text)


def test_a_card_folds_a_long_list_of_conditions_after_the_third():
    def card(marks):
        return claims.record("LR-1", "20 runs", claims.judge({f"number {k}": held for k, held in enumerate(marks)}))

    page = card([True, True, True, False, None])._repr_html_()
    shown, folded = page.split("<details>")
    assert re.findall(r"number \d", shown) == ["number 0", "number 1", "number 2"]
    assert "<summary>2 more conditions: ✗ ?</summary>" in folded and re.findall(r"number \d", folded)[0] == "number 3"
    assert "<details>" not in card([True] * 4)._repr_html_()  # to fold a single one would save nothing
    assert "✗ number 3" in repr(card([True, True, True, False, None]))


def test_what_cannot_be_measured_gives_its_reason():
    card = claims.record("SC-2", "no run", claims.not_measurable("needs more data"))
    assert card.entry["verdict"] == "not measurable here"
    assert "Reason: needs more data" in repr(card) and "needs more data" in card._repr_html_()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: claims.record("LR-99", "1", "partly"), ValueError, "id must be one of 'LR-1'.*got 'LR-99'"),
        (lambda: claims.record("LR-1", "1", "maybe"), ValueError, "verdict must be one of 'confirmed'.*got 'maybe'"),
        (lambda: claims.record("LR-1", "1", True), ValueError, "verdict must be one of"),
        (lambda: claims.record("LR-1", "  ", "partly"), ValueError, "measured must not be empty"),
        (lambda: claims.record("LR-1", 0.5, "partly"), TypeError, r"measured must be text, got 0.5 \(float\)"),
        (lambda: claims.judge(True), TypeError, "conditions must be a dict"),
        (lambda: claims.judge({}), ValueError, "conditions must hold at least one entry"),
        (lambda: claims.judge({"a": 0.3}), TypeError, r"condition 'a' must be True, False or None, got 0.3"),
        (lambda: claims.judge({"": True}), ValueError, "the text of a condition must not be empty"),
        (lambda: claims.not_measurable(""), ValueError, "reason must not be empty"),
    ],
)
def test_bad_input_is_named_and_writes_nothing(folder, call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path / "file" / "results"))
    with pytest.raises(OSError, match=r"cannot make the results folder .*COURSE_RESULTS_DIR"):
        claims.record("LR-1", "1", "partly")
