PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: venv demo test check lit docs verify verify-full scale bench clean

venv: $(STAMP)

$(STAMP): pyproject.toml
	command -v $(PYTHON) >/dev/null || { echo "dycl needs Python 3.11 as $(PYTHON); or: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# Compiles, verifies and times SkipNet38.
demo: venv
	$(BIN)/python -m tools.demo

test: venv
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/python -m pytest tests/unit/test_imports.py

# The FileCheck tests with the real lit; `make test` runs the same files in process.
lit: venv
	$(BIN)/lit -v tests/filecheck

# docs/passes.md from the passes' docstrings, docs/python.md from the frontend's tests.
docs: venv
	$(BIN)/dycl-opt --list-passes --markdown > docs/passes.md.new && mv docs/passes.md.new docs/passes.md
	$(BIN)/python -m tools.python_support > docs/python.md.new && mv docs/python.md.new docs/python.md

# Every example: eager against interpreter against compiled; `verify-full` at the sizes of the papers.
verify: venv
	$(BIN)/python -m tools.verify_gallery --samples 100

verify-full: venv
	$(BIN)/python -m tools.verify_gallery --full --samples 5

scale: venv
	$(BIN)/python -m tools.bench.scale

bench: venv
	$(BIN)/python -m tools.bench.examples

clean:
	rm -rf $(VENV) build dist *.egg-info
