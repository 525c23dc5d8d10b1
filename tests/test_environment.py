"""One list of packages: environment.yml, requirements and pyproject.toml say the same, and it installs from nothing."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


def requirements(name):
    lines = (line.partition("#")[0].strip(" \\") for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("--hash")]


def by_name(items):
    return {canonicalize_name(item.name): item for item in items}


def pyproject_list(key):
    """A list of strings of pyproject.toml (Python 3.9 and 3.10 bring no reader of TOML)."""
    text = (ROOT / "pyproject.toml").read_text()
    return re.findall(r'"([^"]+)"', re.search(rf"^{key} = \[(.*?)\]", text, re.DOTALL | re.MULTILINE).group(1))


def pins(python, platform="linux"):
    """The versions that the lock gives to one Python on one platform."""
    environment = {"python_version": python, "python_full_version": f"{python}.5", "sys_platform": platform}
    environment["implementation_name"], environment["platform_machine"] = "cpython", "x86_64"
    chosen = [item for item in requirements("requirements.txt") if not item.marker or item.marker.evaluate(environment)]
    assert len(chosen) == len(by_name(chosen)), f"the lock names a package twice for Python {python}"
    return {name: str(item.specifier).replace("==", "") for name, item in by_name(chosen).items()}


def test_jupyter_book_is_version_1():
    installed = version("jupyter-book")
    assert installed.startswith("1."), (
        f"jupyter-book {installed} is installed, but the book needs version 1: version 2 is another program that "
        "ignores _config.yml and _toc.yml and would build nothing. "
        "Install from requirements.txt, which pins jupyter-book<2."
    )


def test_the_installed_packages_are_those_of_the_lock():
    locked = pins(f"{sys.version_info[0]}.{sys.version_info[1]}", sys.platform)
    wanted = {name: locked[canonicalize_name(name)] for name in by_name(requirements("requirements.in"))}
    assert {name: version(name) for name in wanted} == wanted, "run `make` again, or install requirements.txt anew"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_meets_every_range(python):
    locked = pins(python)
    for item in [*requirements("requirements.in"), *map(Requirement, pyproject_list("dependencies"))]:
        assert locked[canonicalize_name(item.name)] in item.specifier, f"{item} for Python {python}"


def test_the_lock_pins_exactly_and_names_no_place_to_get_packages_from():
    text = (ROOT / "requirements.txt").read_text()
    for item in requirements("requirements.txt"):
        assert re.fullmatch(r"==[\w.]+", str(item.specifier)) and item.url is None, item
    assert not re.search(r"^-|://|@", text, re.MULTILINE)


def test_the_lock_has_hashes_of_every_package():
    text = (ROOT / "requirements.txt").read_text()
    entries = re.findall(r"^[\w.-]+==[^\\\n]+((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", text, re.MULTILINE)
    assert len(entries) == len(requirements("requirements.txt"))


def test_pyproject_and_requirements_ask_for_the_same():
    asked = by_name(requirements("requirements.in"))
    for item in map(
        Requirement, [*pyproject_list("dependencies"), *pyproject_list("cluster"), *pyproject_list("fast")]
    ):
        assert asked[canonicalize_name(item.name)].specifier == item.specifier, item
    assert asked["jupyter-book"].specifier.contains("1.0.4") and not asked["jupyter-book"].specifier.contains("2.0")


def test_every_file_names_the_same_pythons():
    text = (ROOT / "pyproject.toml").read_text()
    allowed = SpecifierSet(re.search(r'requires-python = "([^"]+)"', text).group(1))
    assert [f"3.{minor}" for minor in range(6, 20) if f"3.{minor}" in allowed] == list(PYTHONS)
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    assert tuple(workflow["jobs"]["test"]["strategy"]["matrix"]["python"]) == PYTHONS
    assert "(3, 9) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "tools/venv.sh").read_text()


def test_environment_yml_adds_no_packages_of_its_own():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert [item.partition("=")[0] for item in conda] == ["python", "pip"]
    assert conda[0].partition("=")[2] in PYTHONS
    assert pip == {"pip": ["-r requirements.txt"]}


def test_the_pip_section_is_complete_and_the_library_installs_beside_it(tmp_path):
    """Beside the packages that were unpacked from the same file, pip finds nothing that they lack."""
    project = tmp_path / "project"  # a copy, so that installing leaves nothing in the working tree
    shutil.copytree(ROOT / "course_lib", project / "course_lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "requirements.txt", "postBuild"):
        shutil.copy(ROOT / name, project)
    pip_section = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1]["pip"]
    arguments = [word for line in pip_section for word in line.split()]
    python = tmp_path / "venv" / "bin" / "python"
    run([sys.executable, "-m", "venv", tmp_path / "venv"], project)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own_packages = Path(run([python, "-c", purelib], project, environment).strip())
    unpacked = sysconfig.get_path("purelib")
    (own_packages / "unpacked.pth").write_text(f"import sys; sys.path.insert(0, {unpacked!r})")
    run([python, "-m", "pip", "install", "-q", "--no-index", *arguments], project, environment)
    run([project / "postBuild"], project, {**environment, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"})
    code = "import course_lib.optimizer, jupyter_book; print(course_lib.__file__, jupyter_book.__version__)"
    printed = run([python, "-c", code], tmp_path, environment)
    assert printed.split() == [str(project / "course_lib" / "__init__.py"), version("jupyter-book")]


def test_building_the_library_leaves_nothing_that_git_sees(tmp_path):
    for name in ("course_lib", "pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    run(["git", "init", "--quiet"], tmp_path)
    run(["git", "add", "."], tmp_path)
    run([sys.executable, "-c", "from setuptools import build_meta; build_meta.build_wheel('_build')"], tmp_path)
    assert list((tmp_path / "_build").glob("course_lib-*.whl"))
    assert run(["git", "ls-files", "--others", "--exclude-standard"], tmp_path) == ""


def run(command, folder, environment=None):
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    return result.stdout


# -- make, on machines that lack something ----------------------------------------------------------------------------

SHELL_TOOLS = ("bash", "env", "dirname", "mkdir", "rm", "touch", "cat")


def venv_sh(tmp_path, python3):
    """Run tools/venv.sh where ``python3`` (a shell script's text) is the only Python and there is no uv."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in SHELL_TOOLS:
        (programs / name).symlink_to(shutil.which(name))
    if python3:
        (programs / "python3").write_text(f"#!/bin/sh\n{python3}\n")
        (programs / "python3").chmod(0o755)
    environment = {"PATH": str(programs), "HOME": str(tmp_path)}
    command = [ROOT / "tools/venv.sh", tmp_path / "venv"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_without_venv_the_error_names_the_package(tmp_path):
    lacks_ensurepip = f'case "$2" in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac'
    result = venv_sh(tmp_path, lacks_ensurepip)
    assert result.returncode == 1 and not (tmp_path / "venv").exists()
    assert "apt install python3-venv" in result.stderr and "uv" in result.stderr


@pytest.mark.parametrize(
    ("python3", "found"),
    [
        ('if [ "$1" = --version ]; then echo Python 3.14.0; else exit 1; fi', "found Python 3.14.0"),
        ("", "found no python3"),
    ],
)
def test_an_unsupported_python_is_named(tmp_path, python3, found):
    result = venv_sh(tmp_path, python3)
    assert result.returncode == 1
    assert found in result.stderr and "needs Python 3.9-3.13" in result.stderr


def test_make_lists_every_target_on_one_line():
    # without what an outer `make test` passes on: its flags would be taken as this make's own
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE") and key != "MFLAGS"}
    listed = run(["make"], ROOT, environment).splitlines()
    phony = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1).split()
    assert sorted(line.split()[1] for line in listed) == sorted(phony)
    assert all(len(line) < 120 and len(line.split()) > 3 for line in listed)


# -- workflows --------------------------------------------------------------------------------------------------------


def test_workflows_are_valid():
    files = sorted((ROOT / ".github/workflows").iterdir())
    assert {"newest.yml", "pages.yml", "release.yml", "test.yml"} <= {file.name for file in files}
    run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *files], ROOT)


def test_an_invalid_workflow_is_noticed(tmp_path):
    broken = tmp_path / "broken.yml"
    broken.write_text("on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    step: []\n")
    with pytest.raises(AssertionError):
        run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", broken], ROOT)


def workflows():
    return {file.name: yaml.safe_load(file.read_text()) for file in (ROOT / ".github/workflows").iterdir()}


def jobs():
    return {f"{name}: {job}": content for name, flow in workflows().items() for job, content in flow["jobs"].items()}


def test_actions_are_named_by_commit_with_the_version_beside_it():
    text = "".join(file.read_text() for file in (ROOT / ".github/workflows").iterdir())
    used = re.findall(r"uses: (.*)", text)
    assert used and [line for line in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    actions = {line.partition("@")[0] for line in used}
    assert len(actions) == len(set(used)), "one version of each action"


def test_workflows_keep_no_credentials_and_may_do_no_more_than_they_need():
    assert [name for name, flow in workflows().items() if flow["permissions"] != {"contents": "read"}] == []
    for name, job in jobs().items():
        for step in job["steps"]:
            if "actions/checkout@" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False, name
        runs_our_code = any(
            "checkout@" in step.get("uses", "") or "make" in step.get("run", "") for step in job["steps"]
        )
        assert "write" not in job.get("permissions", {}).values() or not runs_our_code, name
    writing = {name for name, job in jobs().items() if job.get("permissions", {}).get("contents") == "write"}
    assert writing == {"release.yml: attach", "pages.yml: colab"}


def test_the_lock_is_audited_every_week():
    workflow = workflows()["newest.yml"]
    assert workflow[True]["schedule"]  # YAML takes the key `on` for a truth value
    assert any("pip_audit" in step.get("run", "") for step in workflow["jobs"]["audit"]["steps"])


def test_workflows_run_targets_that_there_are():
    targets = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1).split()
    text = "".join(file.read_text() for file in (ROOT / ".github/workflows").iterdir())
    assert {"book", "colab-newest", "pdf", "test"} <= set(re.findall(r"run: make (\S+)", text)) <= set(targets)


def test_workflows_and_ci_run_the_readmes_commands():
    readme = (ROOT / "README.md").read_text()
    assert "make book" in readme and "make test" in readme
    assert "make test-browser" in readme
    assert (ROOT / ".ci/run").read_text().splitlines()[-2:] == ["make test", "make test-browser"]
    assert "run: make test" in (ROOT / ".github/workflows/test.yml").read_text()
    assert "run: make book" in (ROOT / ".github/workflows/pages.yml").read_text()
