# Everything a newcomer types. `make demo` and `make test` need only Python >= 3.11 and make: they build .venv themselves.
# Choose an interpreter with `make PYTHON=/path/to/python3.12 demo`; use other pip settings through pip's own configuration.

VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check --quiet
PEERS  := .venv-peers
CORE   := $(VENV)/.core-installed
DEV    := $(VENV)/.dev-installed
JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint bench bench-peers generate docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(PY):
	@python="$(or $(PYTHON),$$(sh tools/find_python.sh))" && echo "Making $(VENV) with $$python" \
	&& { "$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }

$(CORE): mlops_requirements.txt pyproject.toml | $(PY)
	@echo "Installing the package and what it needs"
	@$(PIP) install -r mlops_requirements.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

$(DEV): requirements-dev.txt $(CORE)
	@echo "Installing what tests and checks need"
	@$(PIP) install -r requirements-dev.txt
	@touch $@

demo: $(CORE) ## Track, compare, register and promote models of real biopsy data
	$(PY) mlops_example.py

test: $(DEV) ## Run the tests on SQLite and PostgreSQL
	$(PY) -m pytest -n $(JOBS) -m "not long"

test-long: $(DEV) ## Run the long kills and simulations
	$(PY) -m pytest -n $(JOBS) -m long --timeout 3600

lint: $(DEV) ## Check format, style, floors and types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy

bench: $(DEV) ## Print the table of ratios against named limits
	$(PY) -m benchmarks

bench-peers: $(DEV) $(PEERS)/.installed ## Measure peers in an environment of their own, beside us
	$(PY) -m benchmarks --peers $(PEERS)/bin/python

$(PEERS)/.installed: benchmarks/peers-requirements.txt
	@$(PY) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install -r $<
	@touch $@

generate: $(DEV) ## Write the async classes and the head script anew from services and migrations
	$(PY) tools/generate_aio.py
	$(PY) tools/generate_head_script.py

docs: $(DEV) ## Write the generated pages of docs/reference anew
	$(PY) tools/generate_reference.py
	$(PY) tools/generate_settings.py
	$(PY) tools/generate_cli_reference.py

lock: $(DEV) ## Resolve pyproject.toml anew into the two requirements files
	sh tools/lock.sh

clean: ## Remove environments, caches and what the demo wrote
	rm -rf $(VENV) $(PEERS) build dist htmlcov mlops_demo .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
