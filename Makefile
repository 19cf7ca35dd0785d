.DEFAULT_GOAL := help
.PHONY: help run test newest pins lint format bench

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VERSIONS := -c constraints.txt
NEWEST := .venv-newest
UNPINNED := ^(torch|torchvision|triton|cuda-[a-z]+|nvidia-[cn][a-z0-9-]+)==
TIER := $(if $(EXHAUSTIVE),exhaustive,$(if $(SLOW),not exhaustive,not slow and not exhaustive))
# a file's tests stay in one process, as they share what they built
PARALLEL := -n logical --maxprocesses 4 --dist loadfile

help:  ## say what each verb does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(VERSIONS) -e '.[dev]'
	$(BIN)/python -m compileall -q suite reports
	touch $@

run: $(READY)  ## the main job: demo variants on the built-in data, then the report
	$(BIN)/python run_suite.py run --protocol demo

test: $(READY)  ## the tests; SLOW=1 adds real training and killed runs, as CI does; EXHAUSTIVE=1 runs the rest alone
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) -m '$(TIER)'

newest:  ## the same tests with the newest versions that pyproject.toml allows, in an environment of their own
	rm -f $(NEWEST)/.ready
	$(MAKE) test VENV=$(NEWEST) VERSIONS='--upgrade --upgrade-strategy eager'

pins: newest  ## write constraints.txt anew, with the versions of which `newest` has just passed
	$(NEWEST)/bin/pip freeze --all --exclude pip --exclude-editable > $(NEWEST)/freeze
	(grep '^#' constraints.txt; grep -vE '$(UNPINNED)' $(NEWEST)/freeze) > $(NEWEST)/constraints
	mv $(NEWEST)/constraints constraints.txt

lint: $(READY)  ## ruff, mypy, the import picture, the size budgets
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/budgets.py

format: $(READY)  ## put every file into the house form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## the suite's own speed
	$(BIN)/python -m pytest tests/bench --benchmark-only
