"""What tests of a user's study file share."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that a study's file is run."""
    counted: list[int] = []
    monkeypatch.setattr("builtins.RUNS", counted, raising=False)
    return counted


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list[int]) -> Path:
    """The folder from which a study is launched."""
    assert runs == []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path
