# Two commands are enough: `make run` and `make test`. Paths may hold spaces, so everything is quoted and relative.
.ONESHELL:
SHELL := /bin/sh
.SHELLFLAGS := -ec
PY := .venv/bin/python
.PHONY: help setup setup-dev run test test-fast test-browser test-security fuzz check bench docs messages clean-data

help:
	@echo "make run        start Answerable here, with the demonstration alliance, until Ctrl-C"
	@echo "make test       checks and the whole test suite"
	@echo "make test-fast  the everyday suite;  make check  ruff, mypy, import-linter"
	@echo "make fuzz       each parser for a minute, for the night"
	@echo "make bench      measure;  make docs  build the documentation;  make setup  only install"

setup:
	@sh scripts/setup.sh core

setup-dev:
	@sh scripts/setup.sh dev

run: setup
	@exec $(PY) -m answerable run

check: setup-dev
	@$(PY) -m ruff check answerable tests bench fuzz conftest.py
	$(PY) -m ruff format --check answerable tests bench fuzz conftest.py
	$(PY) -m mypy
	$(PY) -c "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"

test-fast: setup-dev
	@$(PY) -m pytest -q -n 2 -m "not slow" answerable tests/test_architecture.py tests/walks

test-security: setup-dev
	@ANSWERABLE_TIMING=1 $(PY) -m pytest -q tests/security

test-browser: setup-dev
	@$(PY) -m pytest -q tests/browser

test: check
	@$(PY) -m pytest -q -n 2 answerable tests --ignore=tests/browser
	if $(PY) scripts/browser.py; then $(PY) -m pytest -q tests/browser; \
	else echo "Left out: the browser tests (tests/browser), because no chromium was found. Debian's package is chromium."; fi

bench: setup-dev
	@for f in bench/*.py; do echo "== $$f"; $(PY) "$$f"; done

# For the night: each parser for a minute, or FUZZ_SECONDS. atheris is in no lock; see fuzz/README.md.
FUZZ_SECONDS ?= 60
fuzz: setup-dev
	@$(PY) -c "import atheris" 2>/dev/null || $(PY) -m pip install -q 'atheris>=3,<4'
	for name in open_field open_envelope unpad open_file identity_block identity_fields checkpoint signed_checkpoint user_key; do
	echo "== $$name"; $(PY) fuzz/parsers.py "$$name" -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1; done

docs: setup-dev
	@$(PY) -m sphinx -q -W -b html docs docs/_build/html && echo "docs/_build/html/index.html"

messages: setup-dev
	@$(PY) -m answerable messages
