# One entry for everything: `make help` lists the targets.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin
OUT    ?= runs/demo
IMAGE  ?= examples/cow-park.png
BUDGET ?= 16

.DEFAULT_GOAL := all
.PHONY: all demo test check docs help clean

all: check test ## what CI runs: check, then test

demo: $(VENV)/.core ## set up, then search the words of one example picture
	@$(RUN)/rldf search $(IMAGE) --budget $(BUDGET) --seed 0 --out $(OUT) --force

test: $(VENV)/.dev ## run the tests
	@OMP_NUM_THREADS=1 $(RUN)/python -m pytest -q -n 2

check: $(VENV)/.dev ## style, types, import contracts, generated blocks, sizes
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python tools/generate.py --check
	$(RUN)/python tools/sizes.py

docs: $(VENV)/.dev ## write the generated blocks of the documents again
	$(RUN)/python tools/generate.py

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-6s %s\n", $$1, $$2}'

clean: ## remove the virtual environment and caches; runs are kept
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A stamp says what is installed, so that the second time is instant. Files are compiled when they are
# first imported: compiling all of torch at once takes longer than the demo.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; ok = sys.version_info >= (3, 11); ok or print("rldf needs Python 3.11 or newer; $(PYTHON) is", sys.version.split()[0] + ".", "Choose another: make PYTHON=python3.12", file=sys.stderr); sys.exit(not ok)'
	@test -x $(RUN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.core: pyproject.toml | $(VENV)/.python
	@echo "Installing rldf into $(VENV) (once; torch is the largest part) ..."
	@$(RUN)/python -m pip install -qq --no-compile --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.python
	@echo "Installing rldf and its test tools into $(VENV) (once) ..."
	@$(RUN)/python -m pip install -qq --no-compile --disable-pip-version-check --editable '.[dev,api,bench,train,datasets]'
	@touch $@ $(VENV)/.core
