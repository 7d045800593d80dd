# What needs nothing but Python 3.11+ and make: `make demo`, `make studio` (a page), `make test`, `make test-web` (its pages).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: demo studio test test-slow test-web lint bench clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Striate needs Python 3.11 or later, this is " + sys.version.split()[0] + "; say make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

# Train on the embedded digits, answer for held-out ones, say where the report is.
demo: $(READY)
	$(BIN)/striate train digits --name demo
	$(BIN)/python examples/held_out.py

# Open the studio in a browser: from a folder of pictures to a trained network.
studio: $(READY)
	$(BIN)/striate studio $(FOLDER)

# Bytecode is kept, as it is for who uses it: hundreds of tests start a process, and each would compile our source anew.
test test-slow test-web: export PYTHONDONTWRITEBYTECODE =

test: $(READY) lint
	$(BIN)/python -m pytest -n 2 -m 'not slow'

# STRIATE_NIGHTLY=1 make test-slow: a million mutated pictures and a hundred thousand model files instead of 20,000 each.
test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 -m slow -o faulthandler_timeout=7200

# Pages in Chromium, Debian's, which is installed where there is none (as root, or by sudo).
test-web: $(READY)
	command -v chromium chromium-browser google-chrome >/dev/null || { \
	  SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); $$SUDO apt-get update -q && $$SUDO apt-get install -q -y chromium; }
	$(BIN)/python -m pytest -n 2 -m 'slow or not slow' -o faulthandler_timeout=7200 tests/web tests/render/html tests/cli/test_axe.py \
	  tests/verbs/test_export_page.py tests/export/test_page_program.py

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks --write

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
