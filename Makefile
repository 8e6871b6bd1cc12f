# Everything a newcomer needs: `make study` installs and runs the main job, `make test` installs and passes the tests.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: study test test-slow test-faults test-cluster check lint types contracts tests benchmark clean

study: $(INSTALLED)
	$(BIN)/python -m study.launch grid_gamma

test: check tests

check: lint types contracts

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
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
	$(BIN)/python -m pytest -m "faults or not faults" tests/run/test_faults.py tests/record/test_home_faults.py \
		tests/cluster/test_cluster_faults.py tests/cluster/test_cluster.py tests/launch/test_launch.py tests/launch/test_several_studies.py \
		tests/mirror/test_mirror.py tests/mirror/test_mirror_faults.py tests/mirror/test_mirror_kills.py tests/run/test_refusals.py \
		tests/launch/test_search_launch.py tests/cluster/test_secrets.py

test-cluster: $(INSTALLED)
	$(BIN)/python -m pytest -m cluster -s tests/cluster/test_ray_up.py

benchmark: $(INSTALLED)
	$(BIN)/python -m benchmarks.packing
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.planning
	$(BIN)/python -m benchmarks.scale

clean:
	rm -rf .venv build *.egg-info
