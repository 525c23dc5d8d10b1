"""The small tools: no import cycles among them, and a server of the book that finds a free port."""

from __future__ import annotations

import ast
import graphlib
import socket
import subprocess
import sys

import pytest

from tools import serve
from tools.notebooks import ROOT


def imported(path) -> set[str]:
    """The modules of ``tools`` that a file imports, at its top or within a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "tools":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tools."):
            names.add(node.module.split(".")[1])
    return names


def test_no_two_tools_import_each_other():
    graph = {path.stem: imported(path) for path in (ROOT / "tools").glob("*.py")}
    assert graph["hygiene"] >= {"notebooks"}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


def test_what_builds_the_book_compiles_no_grammars():
    program = "import sys, tools.book, jsonschema; print('lark' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-W", "ignore", "-c", program], text=True) == "False\n"


@pytest.fixture
def taken_port():
    with socket.create_server(("localhost", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_taken_port_is_passed_over(taken_port, capsys):
    with serve.server_on(taken_port) as server:
        assert server.server_port > taken_port
    assert f"port {taken_port} cannot be used" in capsys.readouterr().out


def test_no_free_port_is_said_in_one_line(taken_port):
    with pytest.raises(SystemExit, match=f"no free port from {taken_port} on: choose another one"):
        serve.server_on(taken_port, tries=1)


@pytest.mark.parametrize("port", ["0", "65536", "http", "8000.5", "²"])
def test_an_impossible_port_is_refused(port, capsys):
    with pytest.raises(SystemExit):
        serve.main([port])
    assert "from 1 to 65535" in capsys.readouterr().err
