# Two commands are enough: `make run` and `make test`. Paths may hold spaces, so everything is quoted and relative.
.ONESHELL:
SHELL := /bin/sh
.SHELLFLAGS := -ec
PY := .venv/bin/python
.PHONY: help setup setup-dev run test test-fast test-browser test-security check bench docs messages clean-data

help:
	@echo "make run        start Answerable here, with the demonstration alliance, until Ctrl-C"
	@echo "make test       checks and the whole test suite"
	@echo "make test-fast  the everyday suite;  make check  ruff, mypy, import-linter"
	@echo "make bench      measure;  make docs  build the documentation;  make setup  only install"

setup:
	@sh scripts/setup.sh core

setup-dev:
	@sh scripts/setup.sh dev

run: setup
	@exec $(PY) -m answerable run

check: setup-dev
	@$(PY) -m ruff check answerable tests bench conftest.py
	$(PY) -m ruff format --check answerable tests bench conftest.py
	$(PY) -m mypy
	$(PY) -c "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"

test-fast: setup-dev
	@$(PY) -m pytest -q -n 2 answerable tests/test_architecture.py tests/walks

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

docs: setup-dev
	@$(PY) -m sphinx -q -W -b html docs docs/_build/html && echo "docs/_build/html/index.html"

messages: setup-dev
	@$(PY) -m answerable messages
