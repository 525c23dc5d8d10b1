# Every target sets up .venv by itself; nothing has to be installed or activated before.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: help book pyodide lab lab-again picture colab colab-newest pdf test test-browser lint notebooks mnist stability reproduce bench libraries mutants serve clean

VENV := .venv/complete
BIN := .venv/bin
MUTATION := .venv/mutation
TORCH := .venv/torch
BUILD := $(BIN)/python -m tools.book build . -W -n --keep-going
# As many as there are cores, but a worker of pytest takes 2 GB
WORKERS := -n logical --maxprocesses 4

# What a user has set for Python, Matplotlib, pytest, … could change results: only the variables listed there get through.
KEPT := $(shell sed 's/\#.*//' tools/kept_variables.txt)
unexport $(foreach name,$(.VARIABLES),$(if $(findstring environment,$(origin $(name))),$(filter-out $(KEPT),$(name))))

# One thread: the machine's cores go to parallel notebooks, and results do not depend on how many there are.
export OMP_NUM_THREADS := 1
# Caches and settings of one's own: a user's Jupyter profile cannot change results, and an unwritable home does no harm.
export MPLCONFIGDIR := $(CURDIR)/.venv/settings/matplotlib
export IPYTHONDIR := $(CURDIR)/.venv/settings/ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/.venv/settings/jupyter
export JUPYTER_DATA_DIR := $(CURDIR)/.venv/settings/jupyter-data
export COURSE_LOOPS_DIR := $(CURDIR)/.venv/settings/loops
export PYTHONNOUSERSITE := 1
export LC_ALL := C.UTF-8
# `python -m tools.…` and the notebooks find this working tree
export PYTHONPATH := $(CURDIR)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(VENV) ## build the HTML book from the stored outputs into _build/html
	$(BUILD) --all

pyodide: $(VENV) ## bring Python for browsers into .venv/pyodide (COURSE_PYODIDE_DIR=.venv/pyodide make book bundles it)
	$(BIN)/python -m tools.pyodide .venv/pyodide

lab: $(VENV) ## open the notebooks in JupyterLab, as copies in lab/ that are kept (LAB_ARGS=--no-browser)
	$(if $(COURSE_DATA),COURSE_DATA=$(COURSE_DATA)) $(BIN)/python -m tools.lab $(AGAIN) $(LAB_ARGS)

lab-again: AGAIN := --again
lab-again: lab ## the same with fresh copies; the former ones stay in lab-before-1

colab: $(VENV) ## write the notebooks that work alone, on Colab or elsewhere, into _build/html/colab (as book does)
	$(BUILD)

colab-newest: colab ## run these notebooks alone, with the newest versions of all packages
	$(BIN)/python -m tools.colab_run --newest

pdf: book ## print the book as one PDF into _build/pdf (needs Chromium)
	$(BIN)/python -m tools.pdf

test: lint ## run every check: style, unit tests, all notebooks, a build of the book, its pages
	$(BIN)/pytest $(WORKERS) --dist loadfile --no-loadscope-reorder --doctest-modules -p tools.alone \
	  --nbval --nbval-current-env --nbval-sanitize-with tools/nbval.cfg --nbval-cell-timeout 600 \
	  --durations 10 --ignore tests/browser $(PYTEST_ARGS)

test-browser: book ## open the built book in Chromium (has to be installed), without a network, and use it as readers do
	$(BIN)/pytest tests/browser $(WORKERS) --durations 5 $(PYTEST_ARGS)

lint: $(VENV) ## check the style of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: $(VENV) ## execute every notebook in place (ONLY="chapters/01*.ipynb" for some)
	$(BIN)/python -m tools.notebooks execute $(ONLY)

mnist: $(VENV) ## execute the chapters on the real MNIST and record its verdicts (goes on where it was interrupted)
	$(BIN)/python -m tools.mnist

stability: $(VENV) ## execute the chapters with other seeds (OFFSET=100) and tell which verdicts change (COURSE_DATA=mnist)
	$(if $(COURSE_DATA),COURSE_DATA=$(COURSE_DATA)) $(BIN)/python -m tools.stability $(or $(OFFSET),100) $(ONLY)

reproduce: $(VENV) ## train LeNet on MNIST as in chapter 12 (hours; goes on where it was; ONLY="1cycle" for one policy)
	$(BIN)/python -m benchmarks.super_convergence $(if $(ONLY),--policies $(ONLY))

bench: book $(TORCH)/complete ## weigh pages, time optimizers and Python on the page (writes benchmarks/results, the page on speed)
	$(BIN)/python -m benchmarks.page_weight
	$(BIN)/python -m benchmarks.step_time
	OMP_NUM_THREADS=2 $(BIN)/python -m benchmarks.step_time --models LeNet "10 million" --seconds 10 \
	  --output benchmarks/results/two_cores.json
	$(BIN)/python -m benchmarks.first_step
	$(BIN)/python -m benchmarks.user_time
	$(BIN)/python -m benchmarks.answers
	$(BIN)/python -m tools.notebooks execute chapters/speed.ipynb

libraries: $(TORCH)/complete ## write down what PyTorch, Keras and optax compute (a minute, after their installation)
	$(TORCH)/bin/python -m pip install --quiet keras==3.15.1 optax==0.2.8
	$(TORCH)/bin/python -W ignore -m benchmarks.other_libraries

mutants: $(VENV) ## count the wrong variants of the optimizers that the tests notice (an hour; ONLY="*adam*" for some)
	mkdir -p $(MUTATION)/site
	cp -r course_lib tests tools pyproject.toml $(MUTATION)/
	$(if $(shell command -v uv),uv pip install,$(BIN)/python -m pip install) --quiet --target $(MUTATION)/site mutmut==3.8.1
	cd $(MUTATION) && export PYTHONPATH=site && ../bin/python -m mutmut run $(ONLY) && ../bin/python -m mutmut results

picture: $(VENV) ## draw the picture of the README, for light pages and for dark ones
	$(BIN)/python -m tools.readme_picture

serve: book ## build the book and serve it on http://localhost:8000, or the next free port (PORT=…)
	$(BIN)/python -m tools.serve $(PORT)

clean: ## remove what was built, .venv included
	rm -rf _build .venv

$(VENV): requirements.txt pyproject.toml tools/venv.sh
	@tools/venv.sh .venv
	@touch $@

# PyTorch is only measured beside the course's optimizers. Its build for processors alone has an index of its own; the
# usual one may bring gigabytes for graphics cards. Where neither succeeds, its columns stay empty.
TORCH_INSTALL := $(TORCH)/bin/python -m pip install --quiet --timeout 15 --retries 1 torch==2.13.0
$(TORCH)/complete: $(VENV)
	$(BIN)/python -m virtualenv --quiet $(TORCH)
	if $(TORCH_INSTALL) --index-url https://download.pytorch.org/whl/cpu || $(TORCH_INSTALL); then touch $@; \
	  else rm -r $(TORCH); echo "PyTorch cannot be installed: it is left out of the measurement"; fi
