# Everything a newcomer needs: `make study` installs the platform and runs the main job, `make test` adds the tools of the
# tests and passes them. A file of the environment says what is installed there: the base, or an extra as well.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.installed-test
EXTRAS ?= test,check,docs

# The other supported Pythons of this machine; those of another place are named: make test-pythons PYTHONS="PATH PATH".
PYTHONS = $(shell $(PYTHON) .ci/pythons)

.PHONY: study test test-slow test-faults test-cluster test-pythons test-short check lint types contracts tests benchmark docs clean

.NOTPARALLEL: # two installations into one environment at once would break it

study: $(INSTALLED)
	$(BIN)/python -m study.launch grid_gamma

test: check tests

check: lint types contracts

$(INSTALLED): pyproject.toml constraints.txt .ci/install
	@$(PYTHON) .ci/install $(VENV)

$(TOOLS): pyproject.toml constraints.txt .ci/install
	@$(PYTHON) .ci/install $(VENV) $(EXTRAS)

$(VENV)/.installed-%: pyproject.toml constraints.txt .ci/install
	@$(PYTHON) .ci/install $(VENV) $*

lint: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TOOLS)
	$(BIN)/basedpyright

contracts: $(TOOLS)
	$(BIN)/lint-imports

tests: $(TOOLS)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(TOOLS)
	$(BIN)/python -m pytest -m slow

test-faults: $(TOOLS)
	$(BIN)/python -m pytest -m faults $$(grep -rl mark.faults tests --include="*.py")

test-cluster: $(TOOLS)
	$(BIN)/python -m pytest -m cluster -s tests/cluster/test_ray_up.py

# What may differ between Pythons. One of the same minor version takes the packages of the first, which are the same files;
# every other gets an environment of its own.
test-pythons: $(TOOLS)
	@for python in $(PYTHONS); do \
		version=$$($$python -c 'import platform; print(platform.python_version())') || exit 1; \
		echo "Python $$version, $$python"; \
		$$python .ci/share_packages $(VENV) .venv-$$version || exit 1; \
		$(MAKE) --no-print-directory test-short PYTHON=$$python VENV=.venv-$$version EXTRAS=test || exit 1; \
	done

test-short: $(TOOLS)
	$(BIN)/python -m pytest -m "every_python and not slow and not faults" $$(grep -rl mark.every_python tests --include="*.py")

benchmark: $(INSTALLED)
	$(BIN)/python -m benchmarks.packing
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.reports
	$(BIN)/python -m benchmarks.planning
	$(BIN)/python -m benchmarks.scale

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf .venv .venv-* build *.egg-info
