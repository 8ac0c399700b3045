# The one list of commands. `make` alone prints it.

PYTHON ?= python3
PORT ?= 8003
DATABASE ?= saas_access.db
SIZES ?= S M
ROUNDS ?= 50
SEEDS ?= 20000
KILLS ?= 200
SEED ?= 1
LITELLM_VERSIONS ?= 1.103.11 1.109.1

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
JOBS := $(shell nproc)
# Two at a time, a file in one of them: each has proxies of its own.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile
# In the environment, so that a rebuild of the package needs none of its own and takes seconds.
BUILD_TOOLS := 'scikit-build-core>=1.1' 'pybind11==3.1.0'
CPP_FILES = $(shell find cpp bindings tests/cpp benchmarks -name '*.cpp' -o -name '*.hpp')
SOURCES := CMakeLists.txt pyproject.toml README.md LICENSE scripts/constraints.txt \
  $(shell find cpp bindings python -type f -not -name '*.pyc')

# Here, and in CI, warnings are errors in the Python module too.
STRICT := --config-settings=cmake.define.CMAKE_COMPILE_WARNING_AS_ERROR=ON

# The tools of the environment come first: clang-tidy is found by CMake, ruff by the hooks.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## Print this list
	@echo "Usage: make TARGET [PORT=$(PORT)] [DATABASE=$(DATABASE)] [PYTHON=$(PYTHON)]"
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(VENV)/.installed ## Install system packages, a virtual environment and the built package with LiteLLM's proxy

$(VENV)/.created: scripts/install_system_packages
	@echo "== System packages"
	scripts/install_system_packages $(PYTHON)
	@echo "== Virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(BUILD_TOOLS)
	touch $@

$(VENV)/.installed: $(VENV)/.created $(SOURCES)
	@echo "== The package with LiteLLM's proxy (the first time takes some minutes)"
	$(BIN)/python -m pip install --no-build-isolation --constraint scripts/constraints.txt '.[proxy]'
	touch $@

# A browser, for the tests of the dashboard alone.
$(VENV)/.browser: $(VENV)/.created
	scripts/install_system_packages $(PYTHON) chromium
	touch $@

$(VENV)/.dev-installed: $(VENV)/.browser $(SOURCES)
	@echo "== The package with LiteLLM's proxy, the tests' and the checks' tools (the first time takes some minutes)"
	$(BIN)/python -m pip install --no-build-isolation --constraint scripts/constraints.txt $(STRICT) '.[proxy,test,dev]'
	touch $(VENV)/.installed $@

.PHONY: develop
develop: $(VENV)/.dev-installed

.PHONY: run
run: install ## Start the LiteLLM proxy with the plugin on 127.0.0.1:PORT, its data in DATABASE
	exec $(BIN)/python -m saas_access.proxy.run --config config.example.yaml --port $(PORT) --database $(DATABASE)

.PHONY: test
test: test-cpp develop ## Build and test everything
	$(PYTEST)

.PHONY: test-cpp
test-cpp: $(VENV)/.created ## Build and test the C++ core
	$(call test_preset,default)

.PHONY: test-python
test-python: develop ## Test the Python package without a proxy
	$(PYTEST) tests/python

.PHONY: test-proxy
test-proxy: develop ## Test the plugin inside real LiteLLM proxies
	$(PYTEST) tests/proxy

.PHONY: test-browser
test-browser: develop ## Test the dashboard in Chromium, on real LiteLLM proxies
	$(PYTEST) tests/browser

.PHONY: screenshots
screenshots: develop ## Picture every page of the dashboard, in an invented world, into build/screenshots; those of the docs anew
	PYTHONPATH=tests:tests/proxy $(BIN)/python -m browser.screenshots build/screenshots --illustrations docs/images

.PHONY: test-asan
test-asan: $(VENV)/.created ## Test the C++ core under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call test_preset,asan)

.PHONY: test-tsan
test-tsan: $(VENV)/.created ## Test the C++ core under ThreadSanitizer
	$(call test_preset,tsan)

.PHONY: fuzz
fuzz: $(VENV)/.created ## Fuzz the core's inputs under sanitizers, ROUNDS times as long as the tests do
	cmake --preset asan --log-level=WARNING
	cmake --build --preset asan
	FUZZ_ROUNDS=$(ROUNDS) ctest --preset asan -R fuzz

.PHONY: test-kills
test-kills: develop ## Kill workers and whole proxies under load, KILLS times, at moments chosen by SEED (some 15 s a kill)
	KILLS=$(KILLS) SEED=$(SEED) $(BIN)/python -m pytest -s tests/proxy/test_kills.py

.PHONY: test-load
test-load: develop ## As many calls as credits, up to thousands, by 64 clients and 4 workers
	$(BIN)/python -m pytest -m 'long or not long' tests/proxy/test_credits_under_load.py

.PHONY: simulate
simulate: $(VENV)/.created ## Simulate SEEDS histories of the ledger with crashes and faults, from SEED on; a failing one is printed
	cmake --preset default --log-level=WARNING
	cmake --build --preset default --target simulate
	build/default/tests/cpp/simulation/simulate -runs=$(SEEDS) -seed=$(SEED)

.PHONY: test-long
test-long: test-asan test-tsan fuzz simulate test-load test-kills test-versions test-clients ## Tests that take long: sanitizers, fuzzing, simulation, load, kills, other LiteLLM releases, real clients

# Each kind of client program has an environment of its own: their pins don't agree with each other, nor with LiteLLM's.
CLIENTS := .venv-clients
.PHONY: test-clients
test-clients: develop $(patsubst %,$(CLIENTS)/%/.installed,newest previous aider node) ## Test with real client programs (Python 3.11 or 3.12; some minutes)
	$(BIN)/python -m pytest tests/clients

.PRECIOUS: $(CLIENTS)/%/.installed
$(CLIENTS)/%/.installed: tests/clients/requirements-%.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --no-deps --requirement $<
	touch $@

# Node itself comes from PyPI: the clients demand a newer one than distributions have.
$(CLIENTS)/node/.installed: tests/clients/requirements-node.txt $(wildcard tests/clients/node/package*.json)
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --no-deps --requirement $<
	cp $(filter %.json,$^) $(@D)
	cd $(@D) && PATH=$$PWD/bin:$$PATH npm ci --no-audit --no-fund
	touch $@

.PHONY: test-versions
test-versions: $(LITELLM_VERSIONS:%=test-litellm-%) ## Test inside other LiteLLM releases, each in an environment of its own

.PHONY: test-litellm-%
test-litellm-%: .venv-%/.installed
	.venv-$*/bin/python -m pytest --numprocesses 2 --dist loadfile tests/proxy

# Some releases of LiteLLM pin companions that are gone or too old; pip can't be told otherwise, uv can.
.PRECIOUS: .venv-%/.installed
.venv-%/.installed: $(VENV)/.created scripts/litellm_overrides.txt $(SOURCES)
	$(BIN)/python -m pip install --quiet uv
	test -x .venv-$*/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python .venv-$*
	$(BIN)/uv pip install --python .venv-$*/bin/python --override scripts/litellm_overrides.txt \
	  --reinstall-package saas-access '.[test]' 'litellm[proxy]==$*'
	touch $@

.PHONY: bench
bench: $(VENV)/.created ## Measure decisions a second (SIZES="S M L"; L takes a minute to fill)
	cmake --preset bench --log-level=WARNING
	cmake --build --preset bench
	build/bench/decision_benchmark $(SIZES)

.PHONY: bench-ledger
bench-ledger: develop ## Measure durable calls a second, many in a transaction beside one by one, at the core and from Python
	cmake --preset bench --log-level=WARNING
	cmake --build --preset bench
	build/bench/ledger_benchmark
	$(BIN)/python benchmarks/ledger_from_python.py

.PHONY: bench-proxy
bench-proxy: develop ## Measure what the plugin costs the proxy: CPU time a request, beside a proxy without it
	$(BIN)/python benchmarks/proxy_overhead.py

.PHONY: lint
lint: develop ## Check style and types, in C++ and Python
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(CPP_FILES)
	cmake --preset tidy --log-level=WARNING -D Python_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -D pybind11_DIR=$$($(BIN)/python -m pybind11 --cmakedir)
	printf '%s\n' $(filter-out tests/%,$(filter %.cpp,$(CPP_FILES))) | \
	  xargs -P $(JOBS) -n 1 clang-tidy --quiet --warnings-as-errors='*' -p build/tidy

.PHONY: format
format: develop ## Rewrite the sources in the project's style
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(CPP_FILES)

.PHONY: stubs
stubs: develop ## Generate the type stub of the C++ module again
	$(BIN)/python scripts/make_stubs.py python/saas_access/_core.pyi

.PHONY: clean
clean: ## Remove what was built, but not the virtual environments
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache
	find bindings python scripts tests -name __pycache__ -prune -exec rm -rf {} +

define test_preset
cmake --preset $(1) --log-level=WARNING
cmake --build --preset $(1)
ctest --preset $(1) --parallel $(JOBS)
endef
