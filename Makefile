# On a fresh machine with Python 3.11 or newer: `make demo`, then `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
#: Processes that tests run in; the machine's cores unless said otherwise.
JOBS ?= auto
#: Where the long runs count what held.
CRASH := $(CURDIR)/.crash

.PHONY: help demo test lint crash laws soak bench docs lock system-packages clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/.run ## install, then run the main job on an embedded destination, into ./demo
	$(BIN)/reinstate demo demo

test: $(VENV)/.dev system-packages lint ## install what the tests need, and run them all
	$(BIN)/pytest -n $(JOBS) --dist worksteal

lint: $(VENV)/.dev ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

crash: $(VENV)/.dev system-packages ## the long runs of everything that goes wrong; makes the fault matrix
	rm -rf $(CRASH) && mkdir $(CRASH)
	REINSTATE_LONG=1 REINSTATE_MATRIX=$(CRASH)/runs $(BIN)/pytest tests/crash tests/fuzz \
		-n $(JOBS) --dist worksteal -s
	REINSTATE_LONG=1 $(BIN)/pytest tests/system -m long -n $(JOBS) --dist worksteal
	PYTHONPATH=tests $(BIN)/python -m generated matrix $(CRASH)/runs
	PYTHONPATH=tests $(BIN)/python -m tests.bench peers
	$(MAKE) laws

laws: $(VENV)/.dev ## every law with twenty times the examples of `make test`
	REINSTATE_LONG=1 $(BIN)/pytest tests/property -n $(JOBS) --dist worksteal

soak: $(VENV)/.dev ## a million items into a Maildir, killed 20 times; takes a while
	PYTHONPATH=tests $(BIN)/python -m tests.bench soak

bench: $(VENV)/.dev system-packages ## speed and memory, printed
	PYTHONPATH=tests $(BIN)/python -m tests.bench

docs: $(VENV)/.dev ## regenerate what in docs/ is generated from the code
	PYTHONPATH=tests $(BIN)/python -m generated write

lock: ## pin the newest versions of everything that pyproject.toml allows (needs uv)
	uv pip compile --upgrade pyproject.toml --group build --universal --python-version 3.11 \
		--generate-hashes --no-header -o requirements.txt
	uv pip compile --upgrade pyproject.toml --group build --group dev --universal \
		--python-version 3.11 --generate-hashes --no-header -c requirements.txt -o requirements-dev.txt

system-packages:
	.ci/system-packages
	.ci/cyrus

clean: ## take away what make made
	rm -rf $(VENV) demo dist .crash .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
