# Two commands: `make demo` shows what the package does, `make test` checks that it does it.

# The first Python here that MXNet 1.9.1 is made to work on; `make test PYTHON=python3.12` chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
MATRIX ?= 3.10 3.11 3.12 3.13

.PHONY: demo test lint format matrix measure clean

demo: $(VENV)/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/demo.sh

# One thread: tests may share the machine with others, and a busy neighbour slows two threads more than one.
test: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

format: $(VENV)/tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Both commands from a clean clone on every supported Python that is here.
matrix:
	sh tools/matrix.sh $(MATRIX)

# Every recipe's figures, as their headers state them; ten minutes on two cores.
measure: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python benchmarks/recipes.py

$(VENV)/installed: setup.cfg setup.py gluon_ref/machine.py
	@test -n "$(PYTHON)" || { echo "no Python 3.10 to 3.13 here: apt-get install python3 python3-venv python3-dev" >&2; exit 1; }
	@$(PYTHON) gluon_ref/machine.py
	@echo "installing into $(VENV): about 1 GB, one to five minutes (on Python 3.13 numpy is compiled)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --editable ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) .venv-* build demo *.egg-info .ruff_cache .mypy_cache
