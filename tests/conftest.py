"""Brings in what every test shares, where tests run: with -n, the process that hands them to others starts seconds sooner."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        config.pluginmanager.import_plugin("every_test")
