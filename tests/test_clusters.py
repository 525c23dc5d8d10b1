"""The page on clusters: what it prints runs, and means what it says."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

PAGE = (Path(__file__).resolve().parent.parent / "chapters" / "clusters.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_programs_of_the_page_run_and_agree(tmp_path):
    """All up to the real cluster; the page itself asserts that both ways give the same numbers."""
    experiment, cores, store, dask, real = blocks("python")
    body = "\n".join([cores, "alone = found", store, "assert (alone['loss'] == found['loss']).all()", dask])
    body = body.replace("threads_per_worker=1", 'threads_per_worker=1, dashboard_address=":0"')
    (tmp_path / "program.py").write_text(f'{experiment}\nif __name__ == "__main__":\n{textwrap.indent(body, "    ")}')
    subprocess.run([sys.executable, "program.py"], cwd=tmp_path, check=True)
    assert len(list((tmp_path / "results" / "widths").iterdir())) == 18
    assert store.split("store=")[1] == real.split("store=")[1]


def test_the_commands_of_the_page_exist():
    (commands,) = blocks("sh")
    for command in commands.splitlines():
        program, subcommand, *rest = command.split()
        options = [word for word in rest if word.startswith("--")]
        said = subprocess.run([Path(sys.executable).with_name(program), subcommand, "--help"], stdout=subprocess.PIPE)
        assert said.returncode == 0 and all(option in said.stdout.decode() for option in options)
