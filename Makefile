# Two commands: `make demo` shows what the package does, `make test` checks that it does it.

# A Python that MXNet 1.9.1 is made to work on; 3.13 last, since numpy has no wheel for it and is compiled, and then
# whatever python3 is, to be told what is wrong with it. `make test PYTHON=python3.12` chooses another.
PYTHON ?= $(shell for python in python3.12 python3.11 python3.10 python3.13 python3; do \
	$$python -c pass 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
MATRIX ?= 3.10 3.11 3.12 3.13

.PHONY: demo test format matrix soak faults fuzz measure bench clean

demo: $(VENV)/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/demo.sh

# One thread: tests may share the machine with others, and a busy neighbour slows two threads more than one. Two
# processes, file by file in order: many tests wait for processes of their own.
test: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

format: $(VENV)/tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Both commands from a clean clone on every supported Python that is here.
matrix:
	sh tools/matrix.sh $(MATRIX)

# Sixty trainings killed at random moments, resumed and compared; a quarter of an hour.
soak: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python tools/soak.py

# Launched trainings whose processes are killed, stopped or cut off, five times each; half an hour. docs/launching.md
faults: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.faults

# Altered files for every reader: docs/fuzzing.md. `make fuzz MINUTES=1` is quicker.
MINUTES ?= 10
fuzz: $(VENV)/tested
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --minutes $(MINUTES)

# Every recipe's figures, as their headers state them; fifteen minutes on two cores.
measure: $(VENV)/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python benchmarks/recipes.py

# Start-up, training, growth, exports and workers, measured one after the other; two to three hours on idle cores. The
# status is 1 where a bar is missed. TORCH is a Python that has this package and its extra torch, DATA the folder of
# Fashion-MNIST: `make bench TORCH=.venv/bin/python DATA=DIR`. What needs one that is not given is left out.
bench: $(VENV)/installed
	@missed=0; run() { echo "python benchmarks/$$*" >&2; $(BIN)/python benchmarks/"$$@" || missed=1; }; \
	run startup.py; \
	run training.py $(if $(TORCH),--torch "$(TORCH)") $(if $(DATA),--data "fashion_mnist:$(DATA)"); \
	run growth.py; \
	run exports.py $(if $(TORCH),--torch "$(TORCH)"); \
	$(if $(DATA),run scaling.py --data "fashion_mnist:$(DATA)";) \
	exit $$missed

$(VENV)/installed: setup.cfg setup.py gluon_ref/machine.py
	@test -n "$(PYTHON)" || { echo "no python3 here; as root: apt-get update && apt-get install -y python3 python3-venv \
	python3-dev g++ libgl1 libglib2.0-0" >&2; exit 1; }
	@$(PYTHON) gluon_ref/machine.py
	@echo "installing into $(VENV): about 1 GB, a minute or two (on Python 3.13 numpy is compiled: five)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --use-pep517 --editable .
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --use-pep517 --editable ".[test]"
	@touch $@

clean:
	rm -rf $(VENV) .venv-* build demo *.egg-info .ruff_cache .mypy_cache
