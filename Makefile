# Everything a newcomer needs: `make study` installs and runs the main job, `make test` installs and passes the tests.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
EXTRAS ?= test,check

# The other supported Pythons of this machine; those of another place are named: make test-pythons PYTHONS="PATH PATH".
PYTHONS = $(shell $(PYTHON) .ci/pythons)

.PHONY: study test test-slow test-faults test-cluster test-pythons test-short check lint types contracts tests benchmark clean

study: $(INSTALLED)
	$(BIN)/python -m study.launch grid_gamma

test: check tests

check: lint types contracts

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $@

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/basedpyright

contracts: $(INSTALLED)
	$(BIN)/lint-imports

tests: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

test-faults: $(INSTALLED)
	$(BIN)/python -m pytest -m faults $$(grep -rl mark.faults tests --include="*.py")

test-cluster: $(INSTALLED)
	$(BIN)/python -m pytest -m cluster -s tests/cluster/test_ray_up.py

# What may differ between Pythons. One of the same minor version takes the packages of the first, which are the same files;
# every other gets an environment of its own.
test-pythons: $(INSTALLED)
	@for python in $(PYTHONS); do \
		version=$$($$python -c 'import platform; print(platform.python_version())') || exit 1; \
		echo "Python $$version, $$python"; \
		$$python .ci/share_packages $(VENV) .venv-$$version || exit 1; \
		$(MAKE) --no-print-directory test-short PYTHON=$$python VENV=.venv-$$version EXTRAS=test || exit 1; \
	done

test-short: $(INSTALLED)
	$(BIN)/python -m pytest -m "every_python and not slow and not faults" $$(grep -rl mark.every_python tests --include="*.py")

benchmark: $(INSTALLED)
	$(BIN)/python -m benchmarks.packing
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.reports
	$(BIN)/python -m benchmarks.planning
	$(BIN)/python -m benchmarks.scale

clean:
	rm -rf .venv .venv-* build *.egg-info
