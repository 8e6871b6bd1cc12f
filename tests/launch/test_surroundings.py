"""Commands in odd surroundings: they do their work all the same, or say in one sentence what to change."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from launches import ROOT, command_here, write_study

from study.launch.options import Options
from study.mirror.address import address_of, asked_tracking_uri, database
from study.record import Home, read
from study.terminal import without_optimisation

PYTHON = shlex.quote(sys.executable)


def shell(line: str, folder: Path, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """What bash makes of a line, for which `collapsar` is the command; a variable that is None is not set."""
    wanted = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | environment
    settings = {name: text for name, text in wanted.items() if text is not None}
    text = f'set -o pipefail\ncollapsar() {{ {PYTHON} -m collapsar "$@"; }}\n{line}'
    return subprocess.run(
        ["bash", "-c", text], cwd=folder, env=settings, capture_output=True, text=True, timeout=300, check=False
    )


OUTPUTS = {
    "no output": ("collapsar --help >&-", 0, ""),
    "no errors": ("collapsar lanch 2>&-", 2, ""),
    "no input": ("collapsar --help <&- | grep -c verify", 0, ""),
    "nothing at all": ("collapsar --help <&- >&- 2>&-", 0, ""),
    "a full output": (
        "collapsar --help >/dev/full",
        1,
        "error: the output cannot be written (No space left on device), and some of it is lost: send it elsewhere\n",
    ),
    "full errors": ("collapsar lanch 2>/dev/full", 2, ""),
    "a reader who has left": ("collapsar completion words launch | true", 0, ""),
    "a reader who leaves after a line": ("collapsar launch --list | head -1", 0, ""),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_takes_nothing_stops_no_command(name, tmp_path):
    line, status, err = OUTPUTS[name]
    done = shell(line, tmp_path)
    assert (done.returncode, done.stderr) == (status, err)


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
@pytest.mark.parametrize("text", ["0", "-3", "abc", "9" * 30, "²", ""])
def test_a_width_that_is_none_is_not_believed(name, text, monkeypatch):
    from study.terminal import prepare

    monkeypatch.setenv(name, text)
    monkeypatch.setenv("PYTHONWARNINGS", "")
    assert prepare() is None
    assert os.environ.get(name, "") == ""


def test_letters_that_an_output_lacks_are_replaced(tmp_path):
    done = shell("collapsar launch --list", tmp_path, LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "grid_gamma" in done.stdout


def test_a_deleted_folder_is_said(tmp_path):
    for command in ("collapsar launch --list", f"{PYTHON} -m study.clean"):
        done = shell(f"mkdir gone; cd gone; rmdir ../gone; {command}", tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "error: the current folder was deleted: change to one that exists\n"


def test_captions_outlive_dropped_docstrings(tmp_path):
    """A command runs anew with docstrings; a script launches without them, since captions are read from the source."""
    path = write_study(tmp_path)
    script = "from study.launch.find import find; print(find('tiny_study.py:tiny').caption)"
    (tmp_path / "script.py").write_text(script)
    for command in (f"PYTHONOPTIMIZE=2 {PYTHON}", f"{PYTHON} -OO"):
        done = shell(f"{command} -m study.launch {path}:tiny --plan --home home", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    done = shell(f"{PYTHON} -OO script.py", tmp_path)
    assert done.stdout == "A study that trains in seconds.\n", done.stderr


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("-OO -m study.launch -O", "-m study.launch -O"),
        ("-uOO -W error -O script.py -OO", "-u -W error script.py -OO"),
        ("-Werror -X dev -OOB -c code", "-Werror -X dev -B -c code"),
        ("/bin/collapsar launch --only x=O", "/bin/collapsar launch --only x=O"),
    ],
)
def test_a_command_that_runs_anew_is_the_same_command(words, kept):
    assert [*without_optimisation(words.split())] == kept.split()


NOTING = """
import atexit, sys
from pathlib import Path
atexit.register(lambda: (Path(__file__).parent / "modules").write_text(" ".join(sys.modules)))
"""
"""What a study's file does to leave the names of all modules that its launch has imported."""


def test_a_study_trains_in_the_worst_of_surroundings(tmp_path):
    """Without a home directory or a temporary folder, with warnings as errors, and with nobody to print to.

    In process it asks for no cluster, whatever is said of one, and imports no Ray.
    """
    path = write_study(tmp_path)
    path.write_text(NOTING + path.read_text())
    (tmp_path / "cluster.yaml").write_text("cluster_name: c\nprovider: {type: local, head_ip: 203.0.113.7}\n")
    command = f"collapsar launch {path}:tiny --in-process --no-mirror --only kappa=2 --home home"
    odd = {"HOME": "/proc/nothing", "TMPDIR": "/proc/nothing", "PYTHONWARNINGS": "error", "TERM": None, "NO_COLOR": "1"}
    odd |= {"MPLBACKEND": "module://not_installed_here", "RAY_ADDRESS": "http://203.0.113.7:8265"}
    done = shell(f"{command} >&- 2>&- <&-", tmp_path, **odd)
    assert done.returncode == 0
    assert len(read(Home(tmp_path / "home"), "trials")) == 4
    assert (tmp_path / "home/studies/tiny/report/index.html").is_file()
    imported = (tmp_path / "modules").read_text().split()
    assert "torch" in imported
    assert "ray" not in imported
    again = shell(command, tmp_path, **odd | {"HOME": None})
    assert again.stderr.count("\n") == 1
    assert again.stderr.startswith("note: PYTHONWARNINGS=error is left out of account")
    assert "tiny at laptop scale in this process" in again.stdout
    assert "4 already there" in again.stdout


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*Pydantic.*:UserWarning")
def test_a_home_may_have_any_name(tmp_path):
    """What an address gives a meaning to is quoted, and nothing is written beside the home."""
    path, home = write_study(tmp_path, steps=5), tmp_path / "a?b #c %41é&x=1"
    words = (f"{path}:tiny", "--only", "kappa=2", "--only", "seed=0", "--in-process", "--home", home.name)
    done = command_here(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "did not take it" not in done.stdout
    assert (home / "mlflow.db").stat().st_size > 0
    assert {each.name for each in tmp_path.iterdir()} == {home.name, path.name}


@pytest.mark.parametrize("name", ["plain", "a?b", "a%b", "a%3Fb", "a#b", "a b", "ä", "a&b=c", "a+b", "a;b", "a:b@c"])
def test_an_address_names_the_file_it_was_made_of(name, tmp_path):
    from sqlalchemy.engine import make_url

    file = tmp_path / name / "mlflow.db"
    assert database(address_of(file)) == file
    assert make_url(address_of(file)).database == str(file)


def test_mlflows_own_variable_counts_unless_an_option_does(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:5000")
    assert asked_tracking_uri(None) == Options().tracking_uri == "http://there:5000"
    assert asked_tracking_uri("http://elsewhere") == "http://elsewhere"
    assert Options(mirror=False).tracking_uri is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense")
    done = command_here("grid_gamma", "--plan", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: MLFLOW_TRACKING_URI=nonsense is no address of MLflow's: write http://")
    assert done.stderr.endswith("or unset it, and the mirror is kept in the home\n")
    assert command_here("grid_gamma", "--plan", "--no-mirror", cwd=tmp_path).returncode == 0
