# Two commands matter: `make serve` takes calls, `make test` runs every test.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
WORKERS ?= 3

PYTEST := $(RUN)/pytest --dist loadgroup

.PHONY: serve test compile interpreted check lock clean

# Where the call path cannot be compiled it says so, and runs from source.
serve: $(VENV)/.run
	@$(RUN)/python tools/compile.py || true
	@$(RUN)/ringflow key generate > /dev/null
	@$(RUN)/ringflow serve --first-steps

# Everything from source, then again with the call path compiled, where it can be; with CI=true it must be.
# Real calls run in real time, so they run by themselves, after everything else: one worker for each Asterisk.
test: $(VENV)/.dev interpreted
	RINGFLOW_CODE_TESTED=interpreted $(PYTEST) -n $(WORKERS) -m 'not lab'
	@if $(RUN)/python tools/compile.py; then \
	    set -x; RINGFLOW_CODE_TESTED=compiled $(PYTEST) -n $(WORKERS) -m 'not lab'; \
	else [ "$$CI" != true ]; fi
	$(PYTEST) -n 2 -m lab

compile: $(VENV)/.run
	@$(RUN)/python tools/compile.py

# Removes what is compiled, so that every edit runs at once.
interpreted: $(VENV)/.run
	@$(RUN)/python tools/compile.py --remove

check: $(VENV)/.dev
	$(RUN)/ruff check src tests tools setup.py
	$(RUN)/ruff format --check src tests tools setup.py
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/ringflow check

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Ringflow needs Python 3.11 or later: apt install python3, or name one: make PYTHON=python3.12'; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo 'Python has no venv module here: apt install python3-venv'; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo 'Installing what Ringflow runs on into $(VENV) ...'
	@$(RUN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(RUN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(RUN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# New versions for both lock files: versions and hashes only, no addresses.
lock: | $(VENV)/bin/python
	$(RUN)/python -m pip install -q uv
	$(RUN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > $(VENV)/build.in
	$(RUN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml $(VENV)/build.in -o requirements.lock
	$(RUN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .ringflow build
	find src -name '*.so' -delete
	rm -f src/ringflow/compiled.json
