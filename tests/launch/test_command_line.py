"""The command line: quick where nothing is trained, and one sentence with a remedy where the command is wrong."""

import re
import subprocess
import sys

import pytest
from launches import ROOT, command_here, launch, launch_here

from study.launch.find import catalog_names, find


def test_the_catalog_is_a_table_that_counts_trials_and_cuts_nothing():
    """Rows that a study leaves out are no trials: grid_gamma has 1,728 rows, and 297 trials."""
    result = command_here("--list", COLUMNS="80")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in result.stdout
    assert re.search(r"^grid_gamma +297 +Which decoder variances keep", result.stdout, re.MULTILINE)
    captions = {word for name in catalog_names() for word in find(name).caption.splitlines()[0].split()}
    assert {*captions, *catalog_names()} <= set(result.stdout.split())


def test_a_plan_counts_and_estimates_and_trains_nothing(tmp_path):
    result = command_here("grid_gamma", "--plan", "--home", tmp_path / "home")
    assert result.returncode == 0
    assert "297 trials declared, 0 already there, 297 to train" in result.stdout
    assert re.search(
        r"estimated: [\d.]+ (?:minutes|seconds) on the \d+ cores here, \d+ seconds to start and to report",
        result.stdout,
    )
    assert re.search(r"training alone: [\d.]+ minutes of one CPU core\n", result.stdout)
    assert not (tmp_path / "home").exists()


def test_a_plan_for_this_process_speaks_of_one_core_and_no_ray(tmp_path):
    result = launch_here("grid_gamma", "--plan", "--home", tmp_path / "home")
    assert result.returncode == 0
    assert "grid_gamma at laptop scale in this process" in result.stdout
    assert re.search(
        r"estimated: [\d.]+ minutes in this process, 10 seconds to start and to report included", result.stdout
    )
    assert re.search(r"training alone: [\d.]+ minutes of one CPU core\n", result.stdout)
    assert "Ray" not in result.stdout


@pytest.mark.parametrize(
    "arguments", [["--list"], ["grid_gamma", "--plan"], ["grid_gamma", "--plan", "--scale", "paper"]]
)
def test_listing_and_planning_import_no_heavy_library(arguments, tmp_path):
    """They answer in a second or two because nothing heavy is imported; `benchmarks.planning` measures how soon."""
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['launch', *{[*arguments, '--home', str(tmp_path)]!r}]\n"
        "try:\n    runpy.run_module('study.launch', run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'torch', 'ray', 'mlflow', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


WRONG = {
    "unknown study": (["grid_gama"], "did you mean grid_gamma?"),
    "unknown second study": (["grid_gamma", "grid_gama"], "did you mean grid_gamma?"),
    "no study": ([], "name a study"),
    "unknown axis": (["grid_gamma", "--plan", "--only", "kapa=2"], "has no axis kapa: choose among data, gamma, kappa"),
    "unknown value": (
        ["grid_gamma", "--plan", "--only", "kappa=3"],
        "axis kappa has no value 3: choose among 2, 4, 8, 16",
    ),
    "malformed only": (["grid_gamma", "--plan", "--only", "kappa"], "write it as AXIS=VALUE"),
    "pack of zero": (["grid_gamma", "--pack", "0"], "--pack 0 is no pack size"),
    "pack of words": (["grid_gamma", "--pack", "many"], "--pack many is no pack size"),
    "no such file": (["nowhere.py:it", "--plan"], "there is no file nowhere.py"),
    "home that cannot be": (["grid_gamma", "--home", "/dev/null/x", "--no-mirror"], "choose another --home"),
    "home that cannot be made": (["grid_gamma", "--home", "/proc/x", "--no-mirror"], "choose another --home"),
    "no Ray there": (["grid_gamma", "--address", "127.0.0.1:1"], "no Ray answers at 127.0.0.1:1"),
    "no dashboard there": (["grid_gamma", "--address", "http://127.0.0.1:1"], "no Ray dashboard answers at"),
    "a Ray Client's address": (["grid_gamma", "--address", "ray://127.0.0.1:10001"], "give the dashboard's"),
    "no address": (["grid_gamma", "--address", "cluster"], "cluster is no Ray address"),
    "here and elsewhere": (["grid_gamma", "--in-process", "--address", "local"], "leave one of them out"),
    "not sent along": (["/dev/null.py:it", "--address", "127.0.0.1:1"], "there is no file /dev/null.py"),
    "unknown kind of home": (["grid_gamma", "--home", "gopher://x"], "cannot be opened"),
    "nothing to attach to": (["--attach", "grid_gamma", "--in-process"], "needs the cluster that it runs on"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_is_refused_in_one_sentence(name):
    arguments, words = WRONG[name]
    assert_refused(command_here(*arguments), words)


def test_a_process_that_refuses_ends_with_its_status():
    assert_refused(launch("grid_gama"), "did you mean grid_gamma?")


def assert_refused(result, words):
    assert result.returncode == 2, result.stdout + result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_paper_scale_without_its_data_names_the_remedy(tmp_path):
    options = ["--scale", "paper", "--home", tmp_path, "--no-mirror"]
    result = command_here("grid_gamma", *options, COLLAPSAR_DATA=str(tmp_path))
    assert result.returncode == 2
    assert "does not exist: put the original file there" in result.stderr
