"""What it costs to answer an exercise on the page: time until Python is ready and of a check, bytes, memory.

    COURSE_PYODIDE_DIR=folder make book && python -m benchmarks.answers     writes results/answers.json

In Chromium, on the book served from this machine: what a network adds is for the bytes to tell. A cold visit is that of
a new profile; the warm ones come back with it later, each in a browser started anew. Where the book was built without
Pyodide's files, or where there is no Chromium, it says so and measures nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.page_weight import SITE, compressed_size
from course_lib.files import as_json, write_atomically
from tests.browser.conftest import FLAGS, QuietHandler, serve
from tools import pyodide
from tools.circumstances import circumstances

RESULTS = Path(__file__).with_name("results") / "answers.json"
WARM_VISITS = 2  # of each profile
CHECKS = 5  # of each answer after the first

STEP = "def sgd_step(x, g, s, lr):\n    "
ADAM = """def adam_step(x, g, s, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return x - lr * s.m / (1 - beta1**s.t) / (np.sqrt(s.v / (1 - beta2**s.t)) + epsilon)
"""
COSINE = """def cosine_decay(t, lr, t_max, eta_min=0.0):
    return eta_min + (lr - eta_min) * (1 + np.cos(np.pi * t / t_max)) / 2
"""

#: What is answered: (page, exercise, text).
ANSWERS = {
    "a step": ("01_learning_rate", "sgd-step", f"{STEP}return x - lr * g"),
    "a mistake": ("01_learning_rate", "sgd-step", f"{STEP}return x + lr * g"),
    "an exception": ("01_learning_rate", "sgd-step", f"{STEP}return x - lr * np.squared(g)"),
    "Adam's step": ("06_adam", "adam-step", ADAM),
    "a schedule": ("09_schedules", "cosine-decay", COSINE),
    "a number": ("01_learning_rate", "lr-first-step", "lr_first_step = 2.4"),
    "a quiz": ("01_learning_rate", "lr-sign-quiz", "lr_sign_quiz = 'b'"),
}
ENDLESS = f"{STEP}while True: pass"


def missing() -> str:
    """What is not there for measuring, "" if all is."""
    if not (SITE / "_static" / "answers" / "pyodide").is_dir():
        return f"the book is not built with {pyodide.VARIABLE}"
    return "" if chromium() else "there is no Chromium"


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")


# ------------------------------------------------------------------------------------------- a browser's window

#: Lets the window hear what a page's worker says of its start.
LISTEN = """
window.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (data.ready || data.refused) dispatchEvent(new CustomEvent("python", { detail: data }));
    });
  }
};
window.pythonReady = (since) => new Promise((done, failed) => {
  const heard = ({ detail }) => (detail.ready ? done(performance.now() - since) : failed(new Error(detail.refused)));
  addEventListener("python", heard, { once: true });
});
window.part = (id, selector) => document.querySelector(`[data-exercise="${id}"] ${selector}`);
"""
OPEN = """id => {
  const ready = pythonReady(performance.now());
  part(id, '[data-action="answer"]').click();
  return ready;
}"""
#: Milliseconds from the press to the card, and from the card to the start of the next Python if this one is replaced.
CHECK = """([id, restarts]) => new Promise((done, failed) => {
  const since = performance.now();
  new MutationObserver(async (_, observer) => {
    if (!part(id, '[role="status"]')) return;
    observer.disconnect();
    const shown = performance.now() - since;
    const restarted = restarts ? await pythonReady(performance.now()).catch(failed) : 0;
    done([shown, restarted]);
  }).observe(part(id, ""), { childList: true, subtree: true });
  part(id, '[data-action="check"]').click();
})"""


class LikePages(QuietHandler):
    """Lets the browser keep files for ten minutes, as GitHub Pages does."""

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


@contextmanager
def window(playwright, profile: str):
    """A window of a browser that is started for it."""
    options = {"executable_path": chromium(), "args": FLAGS, "service_workers": "block"}
    with playwright.chromium.launch_persistent_context(profile, **options) as context:
        page = context.new_page()
        page.add_init_script(LISTEN)
        yield page


def open_exercise(page, address: str, name: str, id: str) -> float:
    """Open a chapter's page, press "Answer here", and return the seconds until Python was ready."""
    page.goto(f"{address}chapters/{name}.html")
    page.evaluate("() => window.MathJax?.startup?.promise")
    seconds = page.evaluate(OPEN, id) / 1000
    page.workers[-1].evaluate("0")  # what is prepared after the start is done: the reader is still writing
    return seconds


def checks(page, id: str, text: str, times: int) -> list[float]:
    """Milliseconds of several checks of one answer."""
    page.locator(f'[data-exercise="{id}"] [data-role="answer"]').fill(text)
    return [page.evaluate(CHECK, [id, False])[0] for _ in range(times)]


# ------------------------------------------------------------------------------------------------ measurements


def starts(playwright, address: str, visits: int) -> dict[str, list[float]]:
    """Seconds from the press until Python is ready, in new profiles and when they come back."""
    seconds = {"cold": [], "warm": []}
    for _ in range(visits):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            for visit in range(1 + WARM_VISITS):
                with window(playwright, profile) as page:
                    taken = open_exercise(page, address, "06_adam", "adam-step")
                    seconds["warm" if visit else "cold"].append(round(taken, 2))
                    page.wait_for_timeout(3000)  # the browser keeps what it has compiled when it finds time for it
    return seconds


def answers(playwright, address: str) -> dict[str, dict[str, float]]:
    """Milliseconds from pressing "Check" to the card: of an answer's first check, and the median of later ones."""
    taken = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, window(playwright, profile) as page:
        for kind, (name, id, text) in ANSWERS.items():
            open_exercise(page, address, name, id)  # in a Python of its own
            first, *later = checks(page, id, text, 1 + CHECKS)
            taken[kind] = {"exercise": id, "first_ms": round(first), "later_ms": round(float(np.median(later)))}
    return taken


def endless_loops(playwright, address: str, times: int) -> dict[str, list[float]]:
    """Seconds until a loop's card is there, and from then until a new Python is ready."""
    seconds = {"card": [], "ready_again": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, window(playwright, profile) as page:
        open_exercise(page, address, "01_learning_rate", "sgd-step")
        page.locator('[data-exercise="sgd-step"] [data-role="answer"]').fill(ENDLESS)
        for _ in range(times):
            for name, milliseconds in zip(seconds, page.evaluate(CHECK, ["sgd-step", True])):
                seconds[name].append(round(milliseconds / 1000, 2))
    return seconds


def memory(playwright, address: str) -> float | None:
    """Megabytes that the page takes more than before, Python being ready and a check done; None where /proc is not."""
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    name, id, text = ANSWERS["Adam's step"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, window(playwright, profile) as page:
        page.goto(f"{address}chapters/{name}.html")
        page.wait_for_timeout(2000)
        before = renderers_megabytes(profile)
        page.evaluate(OPEN, id)
        checks(page, id, text, 1)
        return round(renderers_megabytes(profile) - before)


def renderers_megabytes(profile: str) -> float:
    """Memory of the processes that show pages in the browser with this profile."""
    kilobytes = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            if "--type=renderer" in command and belongs_to(process, profile):
                rollup = (process / "smaps_rollup").read_text()
                kilobytes += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return kilobytes / 1000


def belongs_to(process: Path, profile: str) -> bool:
    """Whether the browser with this profile is among the parents of a process."""
    while process.name not in ("0", "1"):
        if f"--user-data-dir={profile}" in (process / "cmdline").read_text(errors="replace"):
            return True
        status = (process / "status").read_text()
        process = process.with_name(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
    return False


def sizes() -> dict[str, dict[str, int]]:
    """Bytes of all that is loaded, as they are and compressed, the largest first."""
    folder = SITE / "_static" / "answers"
    files = [folder / name for name in ("answers.js", "answers.css", "worker.js", "course.zip", "pyodide-lock.json")]
    files += [folder / "pyodide" / name for name in pyodide.FILES]
    found = {file.name: {"bytes": file.stat().st_size, "compressed": compressed_size(file)} for file in files}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]["compressed"]))


def run(visits: int) -> dict:
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with serve(SITE, LikePages) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        version = browser.version
        browser.close()
        return {
            **circumstances("python -m benchmarks.answers"),
            "chromium": version,
            "pyodide": pyodide.VERSION,
            "load_before": busy and round(busy, 1),
            "ready_s": starts(playwright, address, visits),
            "checks": answers(playwright, address),
            "endless_loop_s": endless_loops(playwright, address, visits),
            "memory_mb": memory(playwright, address),
            "files": sizes(),
        }


def table(results: dict) -> str:
    """The results in a few lines."""
    ready, loop = (
        {name: np.median(values) for name, values in results[key].items()} for key in ("ready_s", "endless_loop_s")
    )
    total = {key: sum(size[key] for size in results["files"].values()) / 1e6 for key in ("bytes", "compressed")}
    lines = [
        f"{'check of ' + kind:24}{taken['later_ms']:6} ms, the first {taken['first_ms']}"
        for kind, taken in results["checks"].items()
    ]
    return "\n".join(
        [
            f"{'ready at first':24}{ready['cold']:6.1f} s",
            f"{'ready on later visits':24}{ready['warm']:6.1f} s",
            *lines,
            f"{'card of an endless loop':24}{loop['card']:6.1f} s, ready again after {loop['ready_again']:.1f}",
            f"{'loaded':24}{total['bytes']:6.1f} MB, compressed {total['compressed']:.1f}",
            f"{'memory':24}{results['memory_mb'] or 'unknown':>6} MB",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=5, help="cold visits, each with warm ones after it")
    parser.add_argument("--output", type=Path, default=RESULTS, help="JSON file to write")
    options = parser.parse_args(arguments)
    if reason := missing():
        print(f"answers on the page are not measured: {reason}")
        return 0
    results = run(options.visits)
    print(table(results))
    write_atomically(options.output, as_json(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
