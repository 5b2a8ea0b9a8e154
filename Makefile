# make reproduce: the experiment of params.yaml, from videos to tables. make test: the tests. See README.md.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help install reproduce test test-faults lint docs lock

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(STAMP)  ## create .venv and install the locked dependencies

# pip leaves a torch alone that already satisfies torch==2.13.0, whichever build (CPU, CUDA) it is
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("make: Python 3.11 or later is needed, $(PYTHON) is " + sys.version.split()[0] + "; set PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

reproduce: $(STAMP)  ## run the experiment of params.yaml and print its ablation table
	$(BIN)/snakemake
	@$(BIN)/aurl summary

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest

test-faults: $(STAMP)  ## make every fault, and write the figures of docs/faults.md
	AURL_FAULTS=benchmarks/faults.json $(BIN)/python -m pytest -m faults
	$(BIN)/python benchmarks/faults_page.py

lint: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy aurl

docs: $(STAMP)  ## build the documentation into build/site
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock:  ## pin every dependency anew (torch without its build, so that the user can choose one)
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --extra test --extra lint --extra docs --output-file requirements.lock pyproject.toml
	sed -i 's/^torch==\([0-9.]*\)+.*/torch==\1/' requirements.lock
