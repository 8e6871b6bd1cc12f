"""Commands in odd surroundings: outputs that are closed or full, a folder that is gone, settings that break libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from launches import ROOT

from study.errors import ClusterError, OptionError, SettingError
from study.mirror.address import address_of, asked_tracking_uri, database
from study.run.ray_folders import LONGEST, give_token, sessions_folder

LIST = f"{sys.executable} -m study.launch --list"


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a command does, started by a shell at the project's root."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, errors="replace"
    )


@pytest.mark.parametrize("redirected", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "| true"])
def test_an_output_that_is_closed_changes_nothing(redirected):
    done = shell(f"{LIST} {redirected}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_output_is_said_and_nothing_else_happens():
    done = shell(f"{LIST} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "error: the output cannot be written (No space left on device), and some of it is lost: send it elsewhere\n"
    )


def test_a_folder_that_is_gone_is_one_sentence(tmp_path):
    done = shell(f"cd {tmp_path} && mkdir gone && cd gone && rmdir ../gone && {LIST}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the current folder was deleted: change to one that exists\n"


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONWARNINGS": "error"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLUMNS": "-3", "LINES": "x"},
        {"TERM": "dumb", "NO_COLOR": "1"},
        {"HOME": "/nowhere"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_the_catalog_is_listed_whatever_is_set(variables):
    done = shell(LIST, **variables)
    assert done.returncode == 0, done.stderr
    assert "grid_gamma" in done.stdout
    assert "Which decoder variances keep exactly" in done.stdout  # a caption, also where docstrings are gone
    said = done.stderr.splitlines()
    assert all(line.startswith("note: PYTHONWARNINGS=error is left out") for line in said)


def test_a_temporary_folder_too_long_for_sockets_gives_way(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert len(sessions_folder()) <= LONGEST + 4
    assert not sessions_folder().startswith(str(long))
    monkeypatch.setattr("study.run.ray_folders._temporary_folders", lambda: iter([long]))
    with pytest.raises(ClusterError, match="set TMPDIR to one, or add --in-process"):
        sessions_folder()


def test_a_home_directory_that_takes_no_file_gets_a_token_for_this_launch(monkeypatch):
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null")
    give_token()
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    monkeypatch.delenv("RAY_AUTH_TOKEN")


@pytest.mark.parametrize("name", ["plain", "a?b", "a#b", "a%b", "a%3Fb", "a b", "äβ", "a&b=c"])
def test_a_home_of_any_name_has_an_address(name):
    file = Path("/tmp") / name / "mlflow.db"
    assert database(address_of(file)) == file


def test_mlflows_own_variable_counts_as_rays_does(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5001")
    assert asked_tracking_uri(None) == "http://127.0.0.1:5001"
    assert asked_tracking_uri("sqlite:////tmp/x.db") == "sqlite:////tmp/x.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense")
    with pytest.raises(SettingError, match="MLFLOW_TRACKING_URI=nonsense"):
        asked_tracking_uri(None)
    with pytest.raises(OptionError, match=r"^nonsense "):
        asked_tracking_uri("nonsense")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert asked_tracking_uri(None) is None
