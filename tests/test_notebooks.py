"""The stored notebooks keep the rules, the rules find what they are for, and nbval notices a changed number."""

import re
import subprocess
import sys

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import v4

from tools import hygiene
from tools.notebooks import ROOT, execute, notebooks, shown, store, stored_form

FORMULA = "def rule(x, g, s, lr):\n    s.v = 0.9 * s.v + g\n    return x - lr * s.v"
SGD = "library:course_lib.optimizer.SGD"
ALT = {"alt": "Loss falls from 2.3 to 0.1"}
FIGURE = {"name": "fig-loss", "caption": "Loss against the step."}


def code(source, outputs=(), tags=(), **metadata):
    cell = v4.new_code_cell(source, outputs=list(outputs), execution_count=1)
    cell.metadata.update(metadata)
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def notebook(*cells):
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
    return v4.new_notebook(cells=list(cells))


def printed(text, name="stdout"):
    return v4.new_output("stream", text=text, name=name)


def displayed(**data):
    return v4.new_output("display_data", data={key.replace("_", "/"): value for key, value in data.items()})


@pytest.mark.parametrize("path", notebooks(), ids=shown)
def test_notebook_keeps_the_rules(path):
    assert hygiene.problems(path) == []


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (code("\n" * 20 + "x = 1"), "21 lines, more than 20"),
        (code("\n" * 40 + "x = 1", tags=["exercise"]), "41 lines, more than 40"),
        (code("draw()", tags=["hide-input"]), "folded code that does not begin with a comment"),
        (code("claims.record()\n# late"), "folded code that does not begin with a comment"),
        (code("#\ndraw()", tags=["hide-input"]), "folded code that does not begin with a comment"),
        (code("f()", [v4.new_output("error", ename="ValueError", evalue="bad")]), "stored error ValueError: bad"),
        (code("f()", [printed("careful", name="stderr")]), "stderr: 'careful'"),
        (code("f()", [printed("started 12:30:59")]), "a clock time"),
        (code("f()", [printed("trained in 3.2 s")]), "a duration"),
        (code("f()", [printed("Wall time: none")]), "a duration"),
        (code("f()", [printed("50%|█████     | 1/2")]), "a progress bar"),
        (code("f()", [printed("saved to /home/ada/mnist.pdparams")]), "an absolute path"),
        (code("f()", [printed(r"saved to C:\ada\mnist.pdparams")]), "an absolute path"),
        (code("f()", [displayed(text_plain="<object at 0x7f3a12345678>")]), "an address in memory"),
        (code("f()", [printed("loss 0.1234567")]), "significant digits in an output: 0.1234567"),
        (code("f()", [displayed(text_html="<p>loss 1.2345678</p>")]), "significant digits in an output: 1.2345678"),
        (code("f()", [displayed(text_html="x" * 600_000)]), "an output of 600 kB"),
        (code("f()", [displayed(image_png="aWNvbg==")], mystnb={"figure": FIGURE}), "a figure without alt text"),
        (code("f()", [displayed(image_png="aWNvbg==")], mystnb={"image": ALT}), "a figure without a caption"),
        (code("f()", [displayed(image_png="aWNvbg==")], mystnb={"image": ALT}), "a figure without a name to refer to"),
        (
            code(
                "f()",
                [displayed(image_png="aWNvbg=="), displayed(text_html="x")],
                mystnb={"image": ALT, "figure": FIGURE},
            ),
            "a figure and something else in one cell",
        ),
        (code('record("LR-1", measured="2", verdict="confirmed")'), "'confirmed' is typed"),
        (code("class SGD(Optimizer):\n    pass"), "tag the cell `library:course_lib.optimizer.SGD`"),
        (code("x = 1", tags=[SGD]), "does not define SGD"),
        (code("class SGD(Optimizer):\n    slots = ()", tags=[SGD]), "SGD.rule is left out"),
        (
            code("class SGD(Optimizer):\n    def rule(self, x, g, s, lr):\n        return x + lr * g", tags=[SGD]),
            "SGD.rule differs from the library's",
        ),
        (code("x = 1", tags=["library:course_lib.optimizer.Nowhere"]), "the library has no"),
        (v4.new_markdown_cell("As in chapter 12."), "chapter 12 is no link to the chapter"),
        (v4.new_markdown_cell("See [chapter 3](04_momentum.ipynb)."), "the number 3 leads to chapter 4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_cell_is_found(cell, message):
    found = hygiene.notebook_problems(notebook(cell))
    assert [problem for problem in found if message in problem], found


@pytest.mark.parametrize(
    "cell",
    [
        code("f()", [printed("loss 0.123456 after 1234 steps, lr 3e-4, s.v = 0.9 s.m = 1, ratio 1/2, 2.5 steps")]),
        code("f()", [displayed(text_html="<svg><path d='M 0.123456789 2'/></svg><p>loss 0.12</p>")]),
        code("f()", [displayed(image_png="aWNvbg==")], mystnb={"image": ALT, "figure": FIGURE}),
        code("f()", [v4.new_output("error", ename="E", evalue="", traceback=[])], tags=["raises-exception"]),
        code('record("LR-1", measured="2", verdict=judge({"falls": True}))'),
        code("%matplotlib inline\nclass Mine(SGD):\n    pass"),
    ],
)
def test_a_good_cell_passes(cell):
    assert hygiene.notebook_problems(notebook(cell)) == []


def test_cells_out_of_order_or_not_run_are_found():
    swapped, cleared = notebook(code("1"), code("2")), notebook(code("1"))
    swapped.cells[0].execution_count = 3
    cleared.cells[0].execution_count = None
    for bad in (swapped, cleared):
        assert "not run once from top to bottom" in hygiene.notebook_problems(bad)[0]


def test_the_librarys_own_rule_passes_without_docstring_and_constructor():
    import inspect

    from course_lib import optimizer

    rule = inspect.getsource(optimizer.SGD.rule)
    assert hygiene.notebook_problems(notebook(code(f"class SGD(Optimizer):\n{rule}", tags=[SGD]))) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sweep(run, grid, seeds=range(3))", "the seeds range(3) are written down"),
        ("sweep(run, grid, range(3))", "the seeds range(3) are written down"),
        ("fit(model, rule, data, seed=0)", "the seeds 0 are written down"),
        ("fit(model, rule, data)", "fit(…) has no seed"),
        ("models.mlp(images)", "mlp(…) has no seed"),
        ("def run(lr, seed=0): pass", "the seeds 0 are written down"),
        ("def run(lr, *, seed=0): pass", "the seeds 0 are written down"),
        ("[run(seed) for seed in [1, 2]]", "the seeds [1, 2] are written down"),
        ("for seed in np.arange(3): pass", "the seeds np.arange(3) are written down"),
        ("NEW_SEEDS = range(10, 20)", "the seeds range(10, 20) are written down"),
        ("options = {'steps': 10, 'seed': 3}", "the seeds 3 are written down"),
        ("rng = np.random.default_rng(0)", "the seeds 0 are written down"),
        ("rng = np.random.default_rng()", "default_rng(…) has no seed"),
        ("images.subset(300)", "subset(…) has no seed"),
        ("layers.initialize(model, he_normal, 0)", "the seeds 0 are written down"),
        ("surfaces.trajectory(rule, bowl, 20, noise=1.0)", "trajectory(…) has no seed"),
        ("x = np.random.normal(size=3)", "np.random.normal draws from a generator without a seed"),
        ("x = paddle.rand([3])", "paddle.rand draws from a generator without a seed"),
    ],
)
def test_a_seed_that_cannot_be_shifted_is_found(source, message):
    found = hygiene.seed_problems(notebook(code(source)))
    assert len(found) == 1 and message in found[0], found
    assert hygiene.seed_problems(notebook(code(source, tags=["exercise"]))) == []


@pytest.mark.parametrize(
    "source",
    [
        "sweep(run, grid, seeds=SEEDS[:3])",
        "fit(models.mlp(images, seed=seed), rule, data, seed=seed)",
        "fit(model, rule, data, **options)",
        "rng = np.random.default_rng(SEEDS[1])",
        "NEW_SEEDS = SEEDS[10:20]\nlater = [run(seed) for seed in NEW_SEEDS]",
        "surfaces.trajectory(rule, bowl, 20)",
        "check('adam-step', lambda: fit(model, rule, data, seed=0))",
    ],
)
def test_a_seed_that_is_shifted_passes(source):
    assert hygiene.seed_problems(notebook(code(source))) == []


STUB = code("def step(x, g, s, lr):\n    raise NotImplementedError", tags=["exercise"])
CHECK = code('check("momentum-step", step)')
SOLUTION = notebook(code(FORMULA.replace("rule", "step")))
RULE = "class Momentum(Optimizer):\n" + "".join(
    f"    {line}\n" for line in FORMULA.replace("x, g", "self, x, g").replace("0.9", "self.momentum").splitlines()
)


def test_an_exercise_is_a_stub_followed_by_its_check():
    assert hygiene.chapter_problems(notebook(STUB, CHECK), SOLUTION) == []
    assert "does not call check" in hygiene.chapter_problems(notebook(STUB, code("step")), SOLUTION)[0]
    assert "does not call check" in hygiene.chapter_problems(notebook(STUB), SOLUTION)[0]
    solved = code(FORMULA, tags=["exercise"])
    assert "no stub" in hygiene.chapter_problems(notebook(solved, CHECK), None)[0]


def test_a_prediction_is_left_open_and_solved_in_the_solutions():
    chapter = notebook(code("limit = None  # your number", tags=["exercise"]), code('check("lr-limit", limit)'))
    assert hygiene.chapter_problems(chapter, notebook(code("limit = 2 / 50"))) == []
    assert "limit has no solution" in hygiene.chapter_problems(chapter, notebook(code("limit = None")))[0]
    filled_in = notebook(code("limit = 0.04", tags=["exercise"]), code('check("lr-limit", limit)'))
    assert "no stub" in hygiene.chapter_problems(filled_in, None)[0]


def test_a_solution_in_the_chapter_is_found():
    given_away = code(
        'def another_name(x, g, s, lr):\n    "Docstring."\n    s.v = 0.9 * s.v + g\n    return x - lr * s.v'
    )
    found = hygiene.chapter_problems(notebook(STUB, CHECK, given_away), SOLUTION)
    assert found == ["cell 3: gives away the solution of step"]
    assert "has no solution" in hygiene.chapter_problems(notebook(STUB, CHECK), notebook())[0]


def test_the_librarys_rule_may_stand_after_its_exercise_only():
    solution = notebook(code(FORMULA.replace("rule", "step").replace("0.9", "momentum")))
    shown_rule = code(RULE, tags=["library:course_lib.optimizer.Momentum"])
    assert hygiene.chapter_problems(notebook(STUB, CHECK, shown_rule), solution) == []
    assert "gives away" in hygiene.chapter_problems(notebook(shown_rule, STUB, CHECK), solution)[0]


def test_a_notebook_in_another_form_or_too_large_is_found(tmp_path):
    path = tmp_path / "some.ipynb"
    store(notebook(v4.new_markdown_cell("# Title"), code("1")), path)
    assert hygiene.problems(path) == []
    nbformat.write(nbformat.read(path, as_version=4), path)
    path.write_text(path.read_text().replace("some-001", "other"))
    assert "not in the stored form" in hygiene.problems(path)[0]
    store(notebook(v4.new_markdown_cell("x" * 2_100_000)), path)
    assert "more than 2000" in hygiene.problems(path)[0]


# -- executing --------------------------------------------------------------------------------------------------------

PICTURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('a')\nprint('b')"


def test_two_executions_give_identical_files(tmp_path):
    path = tmp_path / "02_some_name.ipynb"
    store(notebook(v4.new_markdown_cell("# Title"), code(PICTURE), code("1 + 1")), path)
    execute(path)
    first = path.read_bytes()
    execute(path)
    assert path.read_bytes() == first
    stored = nbformat.read(path, as_version=4)
    assert [cell.id for cell in stored.cells] == [f"02-some-name-00{number}" for number in (1, 2, 3)]
    assert stored.cells[1].outputs[0].text == "a\nb\n"
    assert b"Software" not in first and b"iopub" not in first


def test_a_failing_cell_leaves_the_stored_notebook_as_it_was(tmp_path):
    path = tmp_path / "failing.ipynb"
    store(notebook(code("1"), code("1 / 0")), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["failing.ipynb"]


def test_nbval_notices_one_changed_number(tmp_path):
    honest = tmp_path / "honest.ipynb"
    store(notebook(code("print(f'accuracy {0.25 * 4:.1f}')"), code("3 * 4")), honest)
    execute(honest)
    for name, right, wrong in (("printed", "accuracy 1.0", "accuracy 1.1"), ("shown", '"12"', '"13"')):
        assert right in honest.read_text()
        (tmp_path / f"{name}.ipynb").write_text(honest.read_text().replace(right, wrong))

    options = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tools/nbval.cfg", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-rf", *options, str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    failed = sorted(re.findall(r"^FAILED \S*?(\w+)\.ipynb::Cell (\d)", result.stdout, re.MULTILINE))
    assert failed == [("printed", "0"), ("shown", "1")], result.stdout


def test_stored_form_is_stable():
    text = stored_form(notebook(v4.new_markdown_cell("# Title  \n"), code(PICTURE)), "a_b")
    assert stored_form(nbformat.reads(text, as_version=4), "a_b") == text
    assert re.search(r'"id": "a-b-002"', text)
