# Each target sets up what it needs, from nothing but Python >= 3.11 and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: run test soak lint bench pools docs installations samples clean

run: $(VENV)/.run
	@exec $(BIN)/oms-emulator serve $(ARGS)

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest $(ARGS)

soak: $(VENV)/.dev
	$(BIN)/python -m tests.durable.soak $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ARGS)

pools: $(VENV)/.dev
	$(BIN)/python -m tools.make_pools

docs: $(VENV)/.dev
	$(BIN)/python -m tools.docs

installations: $(VENV)/.dev
	$(BIN)/python -m tools.second_installation

samples: $(VENV)/.dev
	$(BIN)/python -m tools.documented_scenarios
	$(BIN)/python -m tools.list_corrections

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "oms-emulator needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,pytest]'
	@touch $@ $(VENV)/.run
