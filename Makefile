# Two commands matter: `make serve` takes calls, `make test` runs every test.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
WORKERS ?= 3

.PHONY: serve test check lock clean

serve: $(VENV)/.run
	@$(RUN)/ringflow key generate > /dev/null
	@$(RUN)/ringflow serve --first-steps

# Real calls run in real time, so they run by themselves, after everything else: one worker for each Asterisk.
test: $(VENV)/.dev
	$(RUN)/pytest -n $(WORKERS) --dist loadgroup -m 'not lab'
	$(RUN)/pytest -n 2 --dist loadgroup -m lab

check: $(VENV)/.dev
	$(RUN)/ruff check src tests
	$(RUN)/ruff format --check src tests
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
	printf 'hatchling\neditables\n' > $(VENV)/build.in
	$(RUN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml $(VENV)/build.in -o requirements.lock
	$(RUN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .ringflow
