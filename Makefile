# make reproduce: the experiment of params.yaml, from videos to tables. make test: the tests. See README.md.
PYTHON ?= python3
VENV   ?= .venv
WORKERS ?= 2
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help install reproduce test test-slow test-all test-slurm test-faults lint audit-dependencies fuzz wheel docs benchmark lock

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: $(STAMP)  ## create .venv and install the locked dependencies

# pip leaves a torch alone that already satisfies torch==2.13.0, whichever build (CPU, CUDA) it is
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("make: Python 3.11 or later is needed, $(PYTHON) is " + sys.version.split()[0] + "; set PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

reproduce: $(STAMP)  ## run the experiment of params.yaml, print its top-1, and compare it with the reference
	$(BIN)/snakemake
	@$(BIN)/aurl summary

test: $(STAMP)  ## run the tests but the slow ones, WORKERS at a time (minutes)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not slurm and not faults"

test-slow: $(STAMP)  ## run the tests that `make test` leaves out: most run whole experiments (a quarter of an hour)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "slow and not slurm and not faults"

test-all: test test-slow  ## run all tests

test-slurm: $(STAMP)  ## run the tests on a real Slurm of their own (Debian: slurm-wlm, munge); no root
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cluster]'
	$(BIN)/python -m pytest -m slurm tests/workflow

test-faults: $(STAMP)  ## make every fault, and write the figures of docs/faults.md
	AURL_FAULTS=benchmarks/measured/faults.json $(BIN)/python -m pytest -m faults
	$(BIN)/python tools/faults_page.py

lint: $(STAMP) audit-dependencies  ## ruff, mypy, bandit, and the locked packages' known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy aurl
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml aurl benchmarks docs

audit-dependencies: $(STAMP)  ## ask for known vulnerabilities of the locked packages; says so where nobody answers
	$(BIN)/python tools/audit_dependencies.py

fuzz: $(STAMP)  ## give every parser 110,000 bad inputs in all (a quarter of an hour); figures in benchmarks/measured/fuzz.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "atheris==3.0.0"
	$(BIN)/python tests/helpers/fuzz.py

wheel: $(STAMP)  ## build dist/aurl-*.whl, with which anyone can verify a bundle (docs/verify.md)
	rm -rf build/lib build/bdist.* dist/aurl-*.whl
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

docs: $(STAMP)  ## build the documentation into build/site
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

benchmark: $(STAMP)  ## measure speed and memory, and write docs/performance.md
	$(BIN)/python benchmarks/run.py

lock:  ## pin every dependency anew (torch without its build, so that the user can choose one)
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --extra test --extra lint --extra docs --output-file requirements.lock pyproject.toml
	sed -i 's/^torch==\([0-9.]*\)+.*/torch==\1/' requirements.lock
