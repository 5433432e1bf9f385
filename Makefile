# `make help` lists the targets. Each needs only make and Python >= 3.11 (or uv).
# `make PYTHON=python3.12 test` chooses the interpreter of a new environment.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
BIN := .venv/bin
UV := $(or $(shell command -v uv),.uv/bin/uv)
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
# The certificates that the system trusts, so that it also works behind a company's proxy.
export UV_SYSTEM_CERTS ?= true
# "file://" paths and hosts stay out of the constraints: the list is the same wherever it is made.
INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --constraints constraints.txt \
	--build-constraints constraints.txt --editable . --editable ./emulator
# Two workers on a small machine; more only where there are more cores.
WORKERS ?= auto

.PHONY: help demo example test check bench conformance docs fmt lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

demo: .venv/.runtime ## pull a sample workspace into Markdown files and SQL tables
	@$(BIN)/syncline demo

example: .venv/.runtime ## push five tables into six Notion databases of a local Notion, twice
	@$(BIN)/python examples/cadence/run.py

test: .venv/.dev ## all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: .venv/.dev ## style, types, import contracts, docs, changelog and version
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n0 tests/test_repository.py

bench: .venv/.dev ## measure the numbers of docs/explanation/numbers.md (about half an hour)
	$(BIN)/python -m bench

conformance: .venv/.dev ## programs by others judge the emulator and the REST API (installs them; slow)
	SCHEMATHESIS_EXAMPLES=30 $(BIN)/python -m pytest -q -n0 emulator/conformance tests/conformance

docs: .venv/.dev ## regenerate what the documents show of the program
	$(BIN)/python docs/routes.py
	$(BIN)/python docs/capture.py

fmt: .venv/.dev ## format and repair style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: | $(UV) ## choose the newest versions that fit, for every supported platform
	@printf 'hatchling\nuv\n' | $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate \
		--no-header --no-emit-package notion-emulator --group dev --output-file .venv/lock \
		pyproject.toml emulator/pyproject.toml -
	@{ echo "# Versions that were tested together. Regenerate with: make lock"; grep '==' .venv/lock; } > constraints.txt

clean: ## remove the environment and every cache
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.uv/bin/uv:
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 found; install one, or set PYTHON=/path/to/python" >&2; exit 1; }
	@echo "installing uv into .uv (once)" >&2
	@"$(PYTHON)" -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv

# A uv that is on the PATH needs no rule; without this line make would look for one.
$(filter-out .uv/bin/uv,$(UV)):

.venv/bin/python: | $(UV)
	@$(UV) venv --quiet --python "$(or $(PYTHON),>=3.11)" .venv

.venv/.runtime: pyproject.toml emulator/pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing syncline into .venv" >&2
	@$(INSTALL)
	@touch $@

.venv/.dev: pyproject.toml emulator/pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing syncline and its development tools into .venv" >&2
	@$(INSTALL) --group dev
	@touch $@ .venv/.runtime
