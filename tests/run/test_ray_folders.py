"""What a Ray of our own keeps outside of the home: folders and a token that suit it, whatever the surroundings."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from launches import ROOT, command, write_study

from study.errors import ClusterError
from study.record import Home, read
from study.run import ray_folders
from study.run.ray_folders import LONGEST, LONGEST_BELOW, SOCKET_BYTES, give_token, sessions_folder


@pytest.fixture
def temporary(monkeypatch):
    """Makes a folder the temporary one."""

    def use(folder, variable="TMPDIR"):
        monkeypatch.setenv(variable, str(folder))
        monkeypatch.setattr(tempfile, "tempdir", None)
        return folder

    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    return use


def long_folder(folder: Path) -> Path:
    """A folder whose path is too long for the sockets of Ray."""
    made = folder / ("x" * LONGEST)
    made.mkdir()
    return made


def test_sessions_lie_where_the_user_wants_temporary_files(tmp_path, temporary, monkeypatch):
    monkeypatch.setattr(ray_folders, "LONGEST", len(str(tmp_path)))
    temporary(tmp_path)
    assert sessions_folder() == f"{tmp_path}/ray"


def test_the_longest_socket_of_a_folder_that_will_do_is_short_enough():
    assert LONGEST + len(LONGEST_BELOW) < SOCKET_BYTES


@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
def test_a_folder_too_long_for_sockets_gives_way_to_a_short_one(variable, tmp_path, temporary):
    temporary(long_folder(tmp_path), variable)
    assert len(sessions_folder()) <= LONGEST
    assert Path(sessions_folder()).parent.is_dir()


def test_without_any_folder_a_sentence_says_what_to_set(tmp_path, temporary, monkeypatch):
    temporary(long_folder(tmp_path))
    monkeypatch.setattr(ray_folders, "LONGEST", 1)
    with pytest.raises(
        ClusterError, match=r"a temporary folder whose path has 1 bytes at most: set TMPDIR to one, or add"
    ):
        sessions_folder()


@pytest.mark.parametrize("home", ["/proc/nothing", "/dev/null"])
def test_where_ray_cannot_keep_its_token_it_gets_one(home, monkeypatch):
    monkeypatch.setattr(os, "environ", {"HOME": home})
    give_token()
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    given = dict(os.environ)
    give_token()
    assert os.environ == given


def test_where_ray_can_keep_its_token_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {"HOME": str(tmp_path)})
    give_token()
    assert "RAY_AUTH_TOKEN" not in os.environ


@pytest.mark.faults
def test_ray_trains_in_the_worst_of_surroundings(tmp_path):
    """Each of these alone once ended a launch after three starts of Ray, without the reason."""
    path = write_study(tmp_path)
    odd = {"TMPDIR": str(long_folder(tmp_path)), "HOME": "/proc/nothing"}
    odd |= {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "PYTHONPATH": str(ROOT)}
    words = command(f"{path}:tiny", "--no-mirror", "--home", tmp_path / "home")
    done = subprocess.run(
        words, cwd=tmp_path, env=os.environ | odd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row["status"] for row in read(Home(tmp_path / "home"), "trials").to_pylist()} <= {"finished", "diverged"}
