# Each target sets up what it needs, from nothing but Python >= 3.11 and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

# How many processes run the tests. `make test WORKERS=0` runs them in one process, for a debugger.
WORKERS ?= auto
PYTEST = $(BIN)/python -m pytest -n $(WORKERS)
IN_PROCESS = not slow and not browser and not oracle and not gate
FAST = $(IN_PROCESS) and not medium

# The tests start hundreds of processes; without byte code each of them would compile the emulator.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run check test test-all coverage soak soak-load soak-live soak-fuzz lint language metrics bench bench-peers pools docs npm playground types release-check pythons installations samples clean

run: $(VENV)/.run
	@exec $(BIN)/oms-emulator serve $(ARGS)

# The inner loop: everything that answers within half a minute.
check: $(VENV)/.dev lint language
	$(PYTEST) -m "$(FAST)" $(ARGS)

# Everything except the gates and the soak tests. Coverage is measured only on the tests that run in their process,
# because measuring doubles their time on Python 3.11.
test: $(VENV)/.dev lint language coverage
	$(PYTEST) -m "not gate and not ($(IN_PROCESS))" $(ARGS)

# What `make test` leaves out: the tools of Node, examples, how-to pages, shortened soak tests, a release and newer
# Pythons.
test-all: $(VENV)/.dev
	$(PYTEST) -m gate $(ARGS)
	$(BIN)/python -m tests.worlds.sqlite.soak --kills 100
	$(BIN)/python -m tools.soak_load --worlds 200 --minutes 2 --races 50
	$(BIN)/python -m tools.soak --hours 8
	$(BIN)/python -m tools.soak_fuzz --requests 1 --examples 2
	$(BIN)/python -m tools.release_check
	$(MAKE) pythons

coverage: $(VENV)/.dev
	$(PYTEST) -m "$(IN_PROCESS)" --cov --cov-report=term:skip-covered

# Servers that are killed under load, then the memory and the races of a server, then random requests. Each part prints
# its figures.
soak: $(VENV)/.dev
	$(BIN)/python -m tests.worlds.sqlite.soak --kills 1000 $(ARGS)
	$(BIN)/python -m tools.soak_load
	$(BIN)/python -m tools.soak_fuzz

soak-load: $(VENV)/.dev
	$(BIN)/python -m tools.soak_load $(ARGS)

soak-live: $(VENV)/.dev
	$(BIN)/python -m tools.soak $(ARGS)

soak-fuzz: $(VENV)/.dev
	$(BIN)/python -m tools.soak_fuzz $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Both checks run, also if the first one fails. D203 and D213 contradict D211 and D212.
language: $(VENV)/.dev
	@status=0; \
	$(BIN)/ruff check --select D2,D4 --ignore D203,D213 --output-format concise . || status=1; \
	$(BIN)/python -m tools.check_language || status=1; \
	exit $$status

metrics: $(VENV)/.dev
	@$(BIN)/python -m tools.metrics

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ARGS)

# Needs wrk, nginx, Java and Node. Installs its peers from npm into build/peers.
bench-peers: $(VENV)/.dev
	$(BIN)/python -m benchmarks.peers --write $(ARGS)

pools: $(VENV)/.dev
	$(BIN)/python -m tools.make_pools

# The pages that come from the tables, and the site in docs/_build. Needs no network.
docs: $(VENV)/.dev
	$(BIN)/python -m tools.docs

npm: $(VENV)/.dev
	$(BIN)/python -m tools.make_npm

# A folder for any static web server: the emulator in the browser. `python3 -m http.server -d dist/playground` shows it.
playground: $(VENV)/.dev
	$(BIN)/python -m tools.make_npm --playground

# The tests that need no other process, on each newer Python of this machine.
pythons: $(VENV)/.dev
	PATH="$$PATH$$(printf ':%s' $$HOME/.pyenv/versions/*/bin)" $(BIN)/python -m nox

release-check: $(VENV)/.dev
	$(BIN)/python -m tools.release_check

types: $(VENV)/.dev
	$(BIN)/python -m tools.make_types

installations: $(VENV)/.dev
	$(BIN)/python -m tools.second_installation

samples: $(VENV)/.dev
	$(BIN)/python -m tools.documented_scenarios
	$(BIN)/python -m tools.list_corrections

clean:
	rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .nox .coverage*

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "oms-emulator needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs,pytest]'
	@touch $@ $(VENV)/.run
