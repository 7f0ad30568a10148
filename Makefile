# What a contributor types. `make` alone lists it.
# VENV is where everything is installed; .ci/run points it at a clean folder.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n 2
# PYTEST_ARGS: more for pytest, e.g. make test PYTEST_ARGS='-k oracle -x'
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test faults soak test-all golden docs docs-serve docs-answers captures lint types bench bench-large bench-keep check clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(BIN)/.installed ## install into $(VENV) and run the demo
	$(BIN)/epql demo

test: $(BIN)/.dev ## install what tests need, run the quick tests
	$(PYTEST) -m 'not slow and not row' $(PYTEST_ARGS)

# Rows differ in length: a free worker takes the next one (worksteal).
faults: $(BIN)/.dev ## kills, power cuts, faults, floods: the bar, in every submission's sizes
	.ci/crash_packages
	rm -rf build/reliability
	$(PYTEST) --dist worksteal -m row $(PYTEST_ARGS)

# SOAK_SECONDS: of each row's test at most; there are some fifty of them, two run at once
SOAK_SECONDS ?= 900
soak: $(BIN)/.dev ## the bar in a night's sizes; SOAK_SECONDS=… bounds each row
	.ci/crash_packages
	rm -rf build/reliability
	$(PYTEST) --dist worksteal -m row --bar nightly --row-seconds $(SOAK_SECONDS) $(PYTEST_ARGS)

test-all: $(BIN)/.dev $(BIN)/.docs ## all tests, the slow ones and the bar too
	.ci/crash_packages
	$(PYTEST) $(PYTEST_ARGS)

golden: $(BIN)/.dev ## rewrite the answers in tests/golden; review the diff like code
	EPQL_GOLDEN_REWRITE=1 $(PYTEST) tests/golden $(PYTEST_ARGS)

docs: $(BIN)/.docs ## the manual as a site, in build/site; broken links fail
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

docs-serve: $(BIN)/.docs ## the site on http://127.0.0.1:8000, made anew at each change
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

docs-answers: $(BIN)/.dev ## rewrite answers and syntax in docs/; review the diff like code
	EPQL_DOCS_REWRITE=1 $(PYTEST) tests/docs $(PYTEST_ARGS)

captures: $(BIN)/.dev ## make the pictures in docs/images anew, from the real program
	$(BIN)/python docs/images/capture.py

lint: $(BIN)/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy does not run the import hook of an editable install, so it cannot see that engine/ is
# epql.engine. It does see a folder that looks as an installed copy does: build/types/epql with
# links to each mapped folder (the map is read from pyproject.toml). mypy puts the working
# folder first on its path, where the unmapped epql/ would win; hence the cd.
types: $(BIN)/.dev ## mypy, strict: the packages, and examples as users of the public names
	$(BIN)/python .ci/link_tree.py build/types
	cd build/types && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml -p epql
	cd build/types && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml \
	  $(CURDIR)/examples/agent.py $(CURDIR)/examples/git_history.py

bench: $(BIN)/.dev ## EPQL beside the hand-written baseline, what a statement costs: 3 minutes
	$(BIN)/python benchmarks/run.py quick $(BENCH_ARGS)

bench-large: $(BIN)/.dev ## the same at 1 M and 10 M assertions: an hour, 10 GB of disk
	$(BIN)/python benchmarks/run.py large $(BENCH_ARGS)

# BEFORE=…: the Python of another checkout, measured in turn with this one
bench-keep: $(BIN)/.dev ## measure the figures of docs/performance anew; goes on where it was stopped
	$(BIN)/python benchmarks/run.py keep $(if $(BEFORE),--before $(BEFORE)) $(BENCH_ARGS)

check: lint types test ## what continuous integration runs

clean: ## remove what the targets made
	rm -rf build dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(BIN)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(BIN)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(BIN)/.installed

$(BIN)/.docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@ $(BIN)/.installed
