"""Commands in odd surroundings: closed and full outputs, settings of the shell, names of folders, no home."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from launches import ROOT, launch_here, write_study
from many_commands import answer

from study.errors import ClusterError, SettingError
from study.launch.options import Options
from study.mirror.address import address_of, database, remove_strays, tracking_uri
from study.record import Home, read
from study.run import ray_folders

COLLAPSAR = shlex.join([sys.executable, "-m", "collapsar"])
VERSION = f"{COLLAPSAR} version"


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line."""
    settings = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | environment
    command = ["bash", "-c", line]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=300, check=False)


def test_a_launch_trains_whatever_surrounds_it(tmp_path):
    """Closed streams, no docstrings, warnings as errors, an unwritable home, an odd width: all at once."""
    write_study(tmp_path, seeds=1, steps=5)
    line = f"{COLLAPSAR} launch tiny_study.py:tiny --in-process --no-mirror --home 'a?b #%20ü' <&- >&- 2>&-"
    odd = {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "HOME": "/proc/x", "COLUMNS": "²", "TERM": "dumb"}
    assert shell(tmp_path, line, **odd).returncode == 0
    assert read(Home(tmp_path / "a?b #%20ü"), "trials")["status"].to_pylist() == ["finished"] * 6
    assert (tmp_path / "a?b #%20ü/studies/tiny/report/index.html").stat().st_size > 1000


def test_the_caption_survives_without_docstrings(tmp_path):
    write_study(tmp_path)
    done = shell(tmp_path, f"{COLLAPSAR} launch tiny_study.py:tiny --plan --home h", PYTHONOPTIMIZE="2")
    assert done.returncode == 0, done.stderr
    done = shell(tmp_path, f"{COLLAPSAR} launch --list", PYTHONOPTIMIZE="2")
    assert "Which decoder variances" in done.stdout


def test_a_full_disk_behind_the_output_is_told(tmp_path):
    done = shell(tmp_path, f"{VERSION} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: the output cannot be written (No space left on device), and some of it is lost"
    )


def test_a_reader_that_has_left_wants_no_more(tmp_path):
    done = shell(tmp_path, f"{COLLAPSAR} launch --list | true; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_as_good_as_none(closed, tmp_path):
    done = shell(tmp_path, f"{VERSION} {closed}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_deleted_current_folder_is_refused(tmp_path):
    (tmp_path / "gone").mkdir()
    for words in (f"{COLLAPSAR} launch ../x.py", f"{sys.executable} -m study.launch ../x.py"):
        done = shell(tmp_path / "gone", f"rmdir $PWD; {words}; echo $?; mkdir -p {tmp_path}/gone")
        assert done.stdout == "2\n"
        assert done.stderr == "error: the current folder was deleted: change to one that exists\n"


def test_letters_that_an_output_lacks_are_replaced(tmp_path):
    settings = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = shell(tmp_path, f"{COLLAPSAR} launch --list", **settings)
    assert done.returncode == 0
    assert "?" in done.stdout


def test_warnings_as_errors_are_left_out_of_account_and_said(tmp_path):
    done = shell(tmp_path, VERSION, PYTHONWARNINGS="error::DeprecationWarning")
    assert done.returncode == 0
    assert done.stderr.startswith("note: PYTHONWARNINGS=error::DeprecationWarning is left out of account")


@pytest.mark.parametrize("columns", ["0", "1", "-5", "wide", "²", "999999999"])
def test_an_impossible_width_is_not_believed(columns, tmp_path):
    done = shell(tmp_path, f"{COLLAPSAR} clean --help", COLUMNS=columns)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) == 80


NAMES = ["a?b", "a#b", "a%20b", "a b", "ä", "a&b=c;d", "a'b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_home_of_any_name_has_an_address_of_its_own(name, tmp_path):
    home = Home(tmp_path / name)
    assert database(tracking_uri(home)) == tmp_path / name / "mlflow.db"


def test_a_home_of_an_odd_name_is_mirrored_into_itself(tmp_path):
    name = "a?b#c%20d"
    done = launch_here(
        f"{write_study(tmp_path, seeds=1, steps=2)}:tiny", "--home", tmp_path / name, "--only", "kappa=2"
    )
    assert done.returncode == 0
    assert "MLflow:" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {name, "tiny_study.py"}
    assert (tmp_path / name / "mlflow.db").stat().st_size > 0


def test_strays_of_a_quoted_name_go_and_nothing_else(tmp_path):
    address = address_of(tmp_path / "a?b" / ".making" / "mlflow.db")
    for folder in ("a%3Fb/.making", "a?b/.making"):
        (tmp_path / folder).mkdir(parents=True)
    remove_strays(address)
    assert [path.name for path in tmp_path.iterdir()] == ["a?b"]
    (tmp_path / "a%3Fb").mkdir()
    (tmp_path / "a%3Fb" / "mine").touch()
    remove_strays(address)
    assert (tmp_path / "a%3Fb" / "mine").exists()


def test_mlflows_own_variable_counts_as_rays_does(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert Options().tracking_uri == "http://127.0.0.1:5000"
    assert Options(tracking_uri="sqlite:////tmp/own.db").tracking_uri == "sqlite:////tmp/own.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert Options().tracking_uri is None


def test_a_value_that_is_no_address_is_refused_unless_nothing_is_mirrored(monkeypatch, home):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    with pytest.raises(SettingError, match=r"MLFLOW_TRACKING_URI=./mlruns is no address of MLflow's: .* or unset it"):
        Options()
    assert Options(mirror=False).tracking_uri is None
    status, _, err = answer(["--home", home.local], module="study.mirror")
    assert status == 2
    assert err.startswith("error: MLFLOW_TRACKING_URI=./mlruns is no address")


# What a Ray of our own keeps outside of the home


@pytest.fixture
def temporary(monkeypatch):
    """Sets the temporary folder, and which others there are."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)

    def choose(name, *others):
        monkeypatch.setattr(ray_folders.tempfile, "gettempdir", lambda: str(name))
        monkeypatch.setattr(ray_folders, "FALLBACKS", others)

    return choose


def test_sessions_lie_in_the_temporary_folder_of_this_machine(temporary, monkeypatch):
    temporary("/var/tmp", "/tmp")
    assert ray_folders.sessions_folder() == "/var/tmp/ray"
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    assert ray_folders.sessions_folder() == "/tmp/ray"


def test_a_temporary_folder_too_long_for_sockets_gives_way(temporary, tmp_path):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    temporary(long, "/tmp")
    assert ray_folders.sessions_folder() == "/tmp/ray"


def test_where_no_temporary_folder_will_do_the_launch_is_refused(temporary, tmp_path):
    temporary(tmp_path / "nowhere")
    with pytest.raises(ClusterError, match=r"bytes at most: set TMPDIR to one, or add --in-process"):
        ray_folders.sessions_folder()


@pytest.mark.parametrize("home", ["/proc/x", "/dev/null", "/proc"])
def test_where_the_users_home_takes_nothing_ray_gets_a_token(home, monkeypatch):
    monkeypatch.setattr(os, "environ", {"HOME": home})
    ray_folders.give_token()
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64


def test_a_users_own_token_stays(monkeypatch, tmp_path):
    for given in ({"RAY_AUTH_TOKEN": "own", "HOME": "/proc"}, {"HOME": str(tmp_path)}):
        monkeypatch.setattr(os, "environ", dict(given))
        ray_folders.give_token()
        assert os.environ == given
