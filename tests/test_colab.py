"""The Colab edition: plain Markdown, no solution in a chapter, the same bytes each time, and it runs alone."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement
from sphinx.errors import ConfigError

from tests.test_site import parse
from tools import alone, colab, colab_run, colab_setup, hygiene, pyodide
from tools.notebooks import CHAPTERS, ROOT, notebooks, store
from tools.repository import SITE_VARIABLE, VARIABLE, Repository, site_url

EMPTY_LIBRARY = base64.b64encode(b"PK\5\6" + bytes(18)).decode()  # a zip file without files
ENTRANCE = CHAPTERS / "index.ipynb"
MYST = {"myst_role", "myst_target", "myst_block_break", "myst_line_comment", "math_block_label", "colon_fence"}


def edition_name(path: Path) -> str:
    return colab.file_name(path.relative_to(ROOT).with_suffix("").as_posix())


@pytest.fixture(scope="session")
def edition(site) -> dict[Path, nbformat.NotebookNode]:
    """Notebook of the book → the one made from it."""
    folder = site / colab.FOLDER
    return {path: nbformat.read(folder / edition_name(path), 4) for path in notebooks() if path != ENTRANCE}


def markdown_cells(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


# -- all of the book --------------------------------------------------------------------------------------------------


def test_the_first_cell_installs_what_a_bare_environment_lacks(pytestconfig):
    _, packages = alone.made_environment(pytestconfig)
    before, after = packages["before"].lower(), packages["after"].lower()
    assert "ipykernel" in before and not re.search("paddle|numpy|scikit|course", before)
    assert "paddlepaddle" in after and "course" not in after


def test_pages_with_links_to_the_others_run_alone_too_and_print_what_the_book_shows(site, edition, pytestconfig):
    """All others run alone where nbval runs them, cell by cell (tools/alone.py)."""
    pages = [site / colab.FOLDER / edition_name(path) for path in edition if not alone.is_lone(path)]
    assert len(pages) == len(alone.IN_PLACE) - 1  # the entrance has no edition
    assert alone.bare_environment(pytestconfig).run_all(pages) == []


def test_every_notebook_is_valid_and_there_is_no_other(site, edition):
    for path, notebook in edition.items():
        nbformat.validate(notebook)
        assert notebook.cells[1].id == "course-setup", path.name
        assert notebook.cells[1].source == alone.first_cell(), path.name
    assert {file.name for file in (site / colab.FOLDER).iterdir()} == set(map(edition_name, edition))


def test_no_myst_is_left(edition):
    extensions = {"amsmath", "colon_fence", "deflist", "dollarmath", "substitution", "tasklist"}
    parser = create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)
    for path, notebook in edition.items():
        for source in markdown_cells(notebook):
            blocks = parser.parse(source)
            tokens = blocks + [child for block in blocks for child in block.children or []]
            found = {token.type for token in tokens} & MYST
            found |= {token.info for token in tokens if token.type == "fence" and token.info.startswith("{")}
            assert not found, f"{path.name}: {found} in\n{source}"


def test_formulas_keep_the_numbers_of_the_book(site, edition):
    for path, notebook in edition.items():
        page = (site / path.relative_to(ROOT)).with_suffix(".html").read_text(encoding="utf-8")
        shown = re.findall(r'class="eqno">\((.+?)\)', page)
        assert re.findall(r"\\tag\{(.+?)\}", "\n".join(markdown_cells(notebook))) == shown, path.name


def test_figures_keep_the_numbers_of_the_book_and_their_captions_follow_them(site, edition):
    for path, notebook in edition.items():
        page = parse((site / path.relative_to(ROOT)).with_suffix(".html"))
        captions = []
        for figure, cell in zip(notebook.cells, notebook.cells[1:]):
            if any("image/svg+xml" in output.get("data", {}) for output in figure.get("outputs", [])):
                captions += re.findall(r'^<a id="(fig-.+?)" .*></a>\*\*(Figure .+?)\.\*\*', cell.source)
        shown = [
            (figure["id"], figure.select_one(".caption-number").get_text().strip())
            for figure in page.select(".cell_output figure[id^=fig-]")
        ]
        assert captions == shown, path.name


def test_links_within_a_notebook_have_an_end(edition):
    for path, notebook in edition.items():
        text = "\n".join(markdown_cells(notebook))
        links, anchors = set(re.findall(r"\]\(#(.+?)\)", text)), set(re.findall(r'<a id="(.+?)"', text))
        assert links <= anchors, (path.name, links - anchors)


def test_other_links_lead_to_the_network_or_nowhere(edition):
    for path, notebook in edition.items():
        html = [output.data["text/html"] for cell in notebook.cells for output in cell.get("outputs", [])
                if "text/html" in output.get("data", {})]  # fmt: skip
        links = re.findall(r"\]\(([^#)\s]+)", "\n".join(markdown_cells(notebook)))
        links += [link["href"] for text in html for link in BeautifulSoup(text, "html.parser").find_all("a", href=True)]
        assert not [link for link in links if not re.match("https?://|#", link)], path.name


def test_code_and_outputs_are_those_of_the_book(edition):
    for path, notebook in edition.items():
        stored = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        copied = [cell for cell in notebook.cells if cell.cell_type == "code"][1:]
        assert [cell.source for cell in copied] == [cell.source for cell in stored], path.name
        assert list(map(colab_run.printed, copied)) == list(map(colab_run.printed, stored)), path.name


def test_no_chapter_holds_a_solution(edition):
    chapters = [path for path in edition if hygiene.solution_of(path)]
    assert len(chapters) >= 8
    for path in chapters:
        assert hygiene.solution_problems(edition[path], edition[path.parent / "solutions" / path.name]) == [], path.name


def test_what_is_brought_along_is_the_library_and_stored_results():
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(colab.archive()))).namelist()
    assert "course_lib/__init__.py" in names and "course_lib/style.mplstyle" in names
    assert all(re.fullmatch(r"course_lib/.*|(chapters|benchmarks)/results/.*\.json", name) for name in names)
    assert not [name for name in names if name.endswith((".ipynb", ".pyc"))]


def test_pages_offer_the_notebook_that_works_alone(site):
    for path in notebooks():
        page = (site / path.relative_to(ROOT)).with_suffix(".html")
        targets = [
            (page.parent / link["href"]).resolve() for link in parse(page).select("a.btn-download-source-button")
        ]
        assert targets == ([] if path == ENTRANCE else [site / colab.FOLDER / edition_name(path)]), path.name
    assert not list(site.glob("_sources/**/*.ipynb")), "a notebook that would not run alone"


# -- a small book with everything in it -------------------------------------------------------------------------------

SMALL = """(small-start)=
# Small

Formula {eq}`small-step` is by {cite:t}`robbins1951`, see {cite}`robbins1951`, [words](#small-start),
{ref}`small-start`, {doc}`other`, [the list](other.md), [rule](../course_lib/optimizer/sgd.py) and [outside](https://example.org/a_b).

$$
x - \\eta g
$$ (small-step)

See {numref}`fig-small`.

% not for readers

1. one
2. two with $|x|$

| of | size |
|---|---|
| $\\|g\\|$ | 2 |

```{warning}
Not *here*:

$$
a
= b
$$
```

:::{container} screen-only
Move the *slider*.
:::

````{admonition} The *result*
:class: dropdown, tip

```python
3
```
````
"""
PLAIN = """<a id="small-start" name="small-start"></a>

# Small

Formula [(1)](#equation-small-step) is by Robbins and Monro [[1951](https://doi.org/10.1/x "{reference}")], see \
[[Robbins and Monro, 1951](https://doi.org/10.1/x "{reference}")], [words](#small-start),
[Small](#small-start), {other}, {the_list}, {rule} and [outside](https://example.org/a_b).

<a id="equation-small-step" name="equation-small-step"></a>
$$
x - \\eta g \\tag{{1}}
$$

See [Figure 1](#fig-small).

1. one
2. two with $|x|$

| of | size |
| -- | -- |
| $\\vert g\\vert $ | 2 |

> **Warning**
>
> Not *here*:
>
> $$ a = b $$

Move the *slider*.

<details>
<summary><b>The *result*</b></summary>

```python
3
```

</details>"""
DOT = (  # a picture of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
REFERENCE = "Herbert Robbins and Sutton Monro. A method. Annals, 1951. doi:10.1/x."
BIBLIOGRAPHY = """@article{robbins1951, author = {Robbins, Herbert and Monro, Sutton}, title = {A method},
journal = {Annals}, year = {1951}, doi = {10.1/x}}"""


def small_book(folder: Path, text: str = SMALL) -> Path:
    """A book of one notebook and one more page, with the configuration of the real one."""
    chapters = folder / "chapters"
    chapters.mkdir(parents=True)
    shutil.copytree(CHAPTERS / "_assets", chapters / "_assets")
    shutil.copytree(ROOT / "course_lib" / "optimizer", folder / "course_lib" / "optimizer")
    for name in ("_config.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    (folder / "tools").symlink_to(ROOT / "tools")
    (folder / "_toc.yml").write_text("format: jb-book\nroot: chapters/index\nchapters:\n"
                                     "  - file: chapters/small\n  - file: chapters/other\n")  # fmt: skip
    (chapters / "index.md").write_text("# Book\n")
    (chapters / "other.md").write_text("# Other\n\n```{bibliography}\n```\n")
    (chapters / "references.bib").write_text(BIBLIOGRAPHY)
    html = '<a href="other.ipynb#place">there</a> <a href="#here">here</a> <a href="https://example.org">out</a>'
    output = new_output("display_data", data={"text/html": html, "text/plain": "there"})
    code = new_code_cell("show()", outputs=[output], execution_count=1)
    figure = new_code_cell("draw()", outputs=[new_output("display_data", {"image/png": DOT})], execution_count=2)
    figure.metadata["mystnb"] = {"image": {"alt": "A dot"}, "figure": {"name": "fig-small", "caption": "A *dot*."}}
    store(new_notebook(cells=[new_markdown_cell(text), code, figure]), chapters / "small.ipynb")
    return folder


def build(folder: Path, repository: str = "", seed: str = "0") -> subprocess.CompletedProcess:
    environment = {**os.environ, VARIABLE: repository, SITE_VARIABLE: "", "PYTHONHASHSEED": seed, "NO_COLOR": "1"}
    environment[pyodide.VARIABLE] = ""  # packing Python for pages from disk takes a third of the time
    command = [sys.executable, "-m", "tools.book", "build", ".", "-W", "-n", "--keep-going"]
    return subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """The site of the small book, built for a repository."""
    folder = small_book(tmp_path_factory.mktemp("published"))
    built = build(folder, "https://github.com/ada/learning-rates")
    assert built.returncode == 0, built.stdout[-3000:]
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def unpublished(tmp_path_factory) -> Path:
    """The same without a repository."""
    folder = small_book(tmp_path_factory.mktemp("unpublished"))
    built = build(folder)
    assert built.returncode == 0, built.stdout[-3000:]
    return folder / "_build" / "html"


def small_notebook(site: Path):
    return nbformat.read(site / colab.FOLDER / "small.ipynb", 4)


def test_myst_becomes_plain_markdown_and_links_lead_to_the_site(published):
    notebook = small_notebook(published)
    site, source = "https://ada.github.io/learning-rates/", "https://github.com/ada/learning-rates/blob/main/"
    expected = PLAIN.format(
        reference=REFERENCE,
        other=f"[Other]({site}chapters/other.html)",
        the_list=f"[the list]({site}chapters/other.html)",
        rule=f"[rule]({source}course_lib/optimizer/sgd.py)",
    )
    assert notebook.cells[2].source == expected
    assert f"]({site}chapters/small.html)" in notebook.cells[0].source
    assert f'<a href="{site}chapters/other.html#place">' in notebook.cells[3].outputs[0].data["text/html"]


def test_in_the_book_an_output_that_names_a_notebook_leads_to_its_page(unpublished):
    page = parse(unpublished / "chapters/small.html")
    links = [link["href"] for link in page.select(".cell_output a:not(.headerlink)")]
    assert links == ["other.html#place", "#here", "https://example.org"]


def test_a_caption_follows_its_figure(published):
    figure, caption = small_notebook(published).cells[-2:]
    assert figure.source == "draw()"
    words = "<details><summary>The picture in words</summary>A dot</details>"
    assert caption.source == f'<a id="fig-small" name="fig-small"></a>**Figure 1.** A *dot*.\n\n{words}'


def test_without_a_site_links_to_it_are_plain_text(unpublished):
    notebook = small_notebook(unpublished)
    assert notebook.cells[2].source == PLAIN.format(
        reference=REFERENCE, other="Other", the_list="the list", rule="rule"
    )
    assert "](" not in notebook.cells[0].source
    html = notebook.cells[3].outputs[0].data["text/html"]
    assert html == '<a>there</a> <a href="#here">here</a> <a href="https://example.org">out</a>'


def test_same_input_same_bytes(published, tmp_path):
    again = small_book(tmp_path / "elsewhere")
    assert build(again, "https://github.com/ada/learning-rates/", seed="7").returncode == 0
    first, second = (folder / colab.FOLDER / "small.ipynb" for folder in (published, again / "_build" / "html"))
    assert first.read_bytes() == second.read_bytes()


def test_buttons_lead_to_the_repository_and_to_colab(published):
    page = parse(published / "chapters/small.html")
    links = {link["href"] for link in page.select(".header-article a, .bd-header-article a") if link.has_attr("href")}
    repository = "https://github.com/ada/learning-rates"
    assert {
        "https://colab.research.google.com/github/ada/learning-rates/blob/colab/small.ipynb",
        "https://mybinder.org/v2/gh/ada/learning-rates/main?urlpath=lab/tree/chapters/small.ipynb",
        f"{repository}/edit/main/chapters/small.ipynb",
        repository,
        "../colab/small.ipynb",
    } <= links
    assert [link for link in links if link.startswith(f"{repository}/issues/new?")]


def test_a_page_that_is_no_notebook_has_none_to_offer(published):
    page = parse(published / "chapters/other.html")
    assert not page.select(".btn-download-source-button, .dropdown-launch-buttons")


def test_without_a_repository_nothing_leads_to_one(unpublished):
    page = (unpublished / "chapters/small.html").read_text(encoding="utf-8")
    assert "../colab/small.ipynb" in page
    assert not re.search("colab.research|mybinder|github.com/executablebooks", page)


def test_a_bad_address_stops_the_build_and_is_shown(tmp_path):
    built = build(small_book(tmp_path / "book"), "https://example.org/ada/learning-rates")
    assert built.returncode != 0
    assert f"{VARIABLE} must read https://github.com/<owner>/<repository>" in built.stdout
    assert "'https://example.org/ada/learning-rates'" in built.stdout


def test_an_element_without_a_plain_form_stops_the_build_and_is_named(tmp_path):
    built = build(small_book(tmp_path / "book", "# Small\n\nterm\n: meaning\n"))
    assert built.returncode != 0 and "chapters/small: no plain Markdown for 'dl'" in built.stdout


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://github.com/ada/learning-rates", Repository("ada", "learning-rates")),
        ("https://github.com/ada/learning-rates.git", Repository("ada", "learning-rates")),
        ("https://github.com/ada/ada.github.io/", Repository("ada", "ada.github.io")),
        ("  ", None),
    ],
)
def test_the_repository_is_read_from_the_environment(monkeypatch, address, expected):
    monkeypatch.setenv(VARIABLE, address)
    assert Repository.from_environment() == expected


@pytest.mark.parametrize(
    "address",
    ["ada/learning-rates", "https://gitlab.com/a/b", "https://github.com/ada", "https://github.com/a/b/tree/main"],
)
def test_another_address_is_refused(monkeypatch, address):
    monkeypatch.setenv(VARIABLE, address)
    with pytest.raises(ConfigError, match=re.escape(repr(address))):
        Repository.from_environment()


@pytest.mark.parametrize(
    ("repository", "site", "expected"),
    [
        ("https://github.com/Ada/learning-rates", "", "https://ada.github.io/learning-rates/"),
        ("https://github.com/Ada/ada.github.io", "", "https://ada.github.io/"),
        ("https://github.com/ada/learning-rates", "https://example.org", "https://example.org/"),
        ("", "https://example.org/course/", "https://example.org/course/"),
        ("", "", None),
    ],
)
def test_where_the_site_is_published(monkeypatch, repository, site, expected):
    monkeypatch.setenv(VARIABLE, repository)
    monkeypatch.setenv(SITE_VARIABLE, site)
    assert site_url() == expected


# -- the first cell ---------------------------------------------------------------------------------------------------


def test_the_first_cell_installs_what_pyproject_names():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.search(r"^dependencies = \[(.*?)\]", text, re.DOTALL | re.MULTILINE).group(1)
    asked = colab.requirements()
    assert sorted(re.findall(r'"([\w-]+)', named)) == sorted(
        re.match(r"[\w-]+", item).group() for item in asked.values()
    )
    assert asked["paddle"] == "paddlepaddle<3.4,>=3.0"
    signs = {item.operator for line in asked.values() for item in Requirement(line).specifier}
    assert signs == {">=", "<"}  # the first cell knows no others
    for module in asked:
        __import__(module)  # the modules do have these names
    assert colab.pythons() == ((3, 9), (3, 14))


FAIR = [  # environments that notebooks are opened in, and need nothing
    {"paddlepaddle": "3.3.1", "numpy": "2.0.2", "matplotlib": "3.10.0", "scikit-learn": "1.6.1", "scipy": "1.16.3",
     "joblib": "1.5.2", "tqdm": "4.67.1"},  # Colab, once Paddle is there
    {"paddlepaddle": "3.0.0", "numpy": "1.23.5", "matplotlib": "3.7.5", "scikit-learn": "1.2.2", "scipy": "1.9",
     "joblib": "1.5.0", "tqdm": "4.66"},
    {"paddlepaddle-gpu": "3.3.0.post1", "numpy": "2.4.0rc1", "matplotlib": "3.11", "scikit-learn": "1.10",
     "scipy": "2", "joblib": "2", "tqdm": "5.0.dev3"},
]  # fmt: skip


@pytest.fixture
def machine(monkeypatch):
    """``machine(packages)`` pretends that these are installed; it returns the list of what pip is asked for."""

    def pretend(packages, after=None):
        packages, asked_for = dict(packages), []

        def version(name):
            if name not in packages:
                raise PackageNotFoundError(name)
            return packages[name]

        def find_spec(module):
            names = [name.removesuffix("-gpu") for name in packages]
            return "found" if module in {colab.MODULES.get(name, name) for name in names} else None

        def run(command, **options):
            asked_for.extend(word for word in command[4:] if not word.startswith("-"))
            packages.update(after or {})
            return subprocess.CompletedProcess(command, 0, stdout="")

        monkeypatch.setattr(colab_setup, "version", version)
        monkeypatch.setattr(colab_setup, "find_spec", find_spec)
        monkeypatch.setattr(colab_setup.subprocess, "run", run)
        monkeypatch.setattr(colab_setup, "os", SimpleNamespace(environ={}))
        monkeypatch.setattr(colab_setup, "sys", SimpleNamespace(modules={}, path=[], executable="python",
                                                                version_info=(3, 12, 0)))  # fmt: skip
        return asked_for

    return pretend


def set_up():
    colab_setup.set_up(EMPTY_LIBRARY, colab.requirements(), colab.pythons())


@pytest.mark.parametrize("packages", FAIR)
def test_fair_environments_are_left_as_they_are(machine, packages):
    asked_for = machine(packages)
    set_up()
    assert asked_for == []


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("joblib", "1.3.2"),
        ("joblib", "1.4.99"),
        ("paddlepaddle", "2.6.2"),
        ("paddlepaddle", "3.4.0"),
        ("paddlepaddle", "3.10"),
        ("numpy", "1.22.4"),
        ("numpy", "1.9"),
        ("matplotlib", "3.6.3"),
        ("scikit-learn", "1.1"),
        ("scipy", "1.8.1"),
        ("tqdm", "4.65.2"),
    ],
)
def test_what_is_too_old_or_too_new_is_replaced(machine, package, version):
    asked_for = machine({**FAIR[0], package: version}, after=FAIR[0])
    set_up()
    assert [Requirement(asked).name for asked in asked_for] == [package]
    assert FAIR[0][package] in Requirement(asked_for[0]).specifier


def test_what_is_missing_is_installed_with_what_is_too_old(machine):
    asked_for = machine(
        {**{name: FAIR[0][name] for name in ("numpy", "tqdm", "matplotlib")}, "joblib": "1.3.2"}, FAIR[0]
    )
    set_up()
    assert {Requirement(asked).name for asked in asked_for} == {"paddlepaddle", "scikit-learn", "scipy", "joblib"}


def test_a_package_whose_version_nobody_knows_is_left_alone(machine):
    asked_for = machine({**FAIR[0], "numpy": None})
    set_up()
    assert asked_for == []


@pytest.mark.parametrize("rerun", [False, True])
def test_an_old_version_that_is_loaded_asks_for_a_restart(machine, rerun):
    machine(FAIR[0] if rerun else {**FAIR[0], "joblib": "1.3.2"}, after=FAIR[0])
    colab_setup.sys.modules.update(
        joblib=SimpleNamespace(__version__="1.3.2"), numpy=SimpleNamespace(__version__="2.0.2")
    )
    with pytest.raises(RuntimeError, match=r"version of joblib was loaded before.*Restart session.*Kernel"):
        set_up()


def test_a_python_without_paddle_is_told_what_to_do(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(colab_setup.sys, "version_info", (3, 14, 0))
        with pytest.raises(RuntimeError) as raised:
            colab_setup.install(["paddlepaddle<3.4,>=3.3"], colab.pythons())
        colab_setup.install([], colab.pythons())  # somebody found a way: nothing is missing
    for part in ("This is Python 3.14", "Python 3.9 to 3.13", "Runtime", "conda create -n course python=3.13"):
        assert part in str(raised.value)


def test_a_failed_installation_says_why_and_how_to_do_it_by_hand():
    with pytest.raises(RuntimeError, match=r'(?s)nowhere.*By hand: pip install "\./nowhere"'):
        colab_setup.install(["./nowhere"], colab.pythons())


def test_the_first_cell_uses_the_library_it_brought_and_the_learners_folder(tmp_path):
    code = (
        f"{colab.setup_cell().source}\nimport course_lib\nprint(course_lib.__file__, os.environ['COURSE_RESULTS_DIR'])"
    )
    (tmp_path / "cell.py").write_text(code, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    printed = subprocess.check_output([sys.executable, "cell.py"], cwd=tmp_path, env=environment, text=True)
    library, results = printed.splitlines()[-1].split()
    assert "course-" in library and not Path(library).exists(), "unpacked into a temporary folder, which is gone"
    assert results == str(tmp_path / "results")


# -- the run itself ---------------------------------------------------------------------------------------------------


def test_another_result_is_noticed():
    def ran(text, **data):
        outputs = [new_output("stream", text=text), new_output("display_data", data=data)]
        return new_notebook(cells=[new_code_cell("f()", outputs=outputs)])

    stored = ran("loss 0.25\n", **{"text/plain": "ok"})
    assert colab_run.differences(stored, ran("loss 0.25\n", **{"text/plain": "ok"})) == []
    assert "loss 0.26" in colab_run.differences(stored, ran("loss 0.26\n", **{"text/plain": "ok"}))[0]
    assert colab_run.differences(stored, ran("loss 0.25\n", **{"text/plain": "not ok"}))


def test_without_the_edition_the_run_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(colab_run, "EDITION", tmp_path)
    with pytest.raises(SystemExit):
        colab_run.main([])
    assert "make colab" in capsys.readouterr().err
