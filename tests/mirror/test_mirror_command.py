"""`python -m study.mirror`, by its old name `study.ledger` too, and where a mirror is found."""

import json
from pathlib import Path

import pytest
from many_commands import answer
from recorded_home import (
    IDS,
    STUDY,
    client,
    commit_trials,
    runs,
    write_plan,
)

from study.mirror.mirror import Mirror, rebuild, tracking_uri, ui_command
from study.record import Home

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def test_the_home_says_where_in_mlflow_a_trial_is(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    mirror = Mirror(home, STUDY)
    assert mirror.page is None
    mirror.start({})
    assert mirror.close("finished", {}) is None
    found = json.loads(home.read(f"studies/{STUDY}/mlflow.json"))
    (run,) = runs(home, "trial")
    entry = found["runs"][IDS[4, 0]]
    assert (entry["name"], run.info.run_id in entry["page"]) == ("κ=4 · s0", True)
    assert found["open"] == ui_command(home)
    assert str(mirror.page).startswith("http://127.0.0.1:5000/#/experiments/1/runs?")


def test_a_second_study_of_the_home_is_an_experiment_of_its_own(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    write_plan(home, "again")
    assert rebuild(home) == 2
    note = client(home).get_experiment_by_name("again").tags["mlflow.note.content"]
    assert note.startswith("A question?")


@pytest.mark.parametrize("module", ["study.mirror", "study.ledger"])
def test_the_command_rebuilds_and_says_what_is_wrong(home: Home, module: str) -> None:
    commit_trials(home, [(4, 0)])
    done = answer([STUDY, "--home", home, "--artifacts", "none"], module=module)
    assert done == (0, f"1 trial mirrored; to see them:\n{ui_command(home)}\n", "")
    wrong = answer(["nothing", "--home", home], module=module)
    assert wrong == (2, "", f"error: {home} holds no study nothing (it holds {STUDY}): launch it first\n")
    nowhere = answer(["--home", f"{home}/none"], module=module)
    assert nowhere == (2, "", f"error: {home}/none holds no studies: name the home with --home\n")
    status, _, refusal = answer(["--home", home, "--tracking-uri", "./mlruns"], module=module)
    assert (status, refusal.splitlines()[0][:48]) == (2, "error: ./mlruns is no address of MLflow's: write")
    status, _, refusal = answer(["--help-me"], module=module)
    assert (status, f"see python -m {module} --help" in refusal) == (2, True)


def test_the_default_mirror_lies_in_a_local_home_or_with_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(Home("runs")) == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert tracking_uri(Home("memory://runs")) == f"sqlite:///{tmp_path}/mlflow.db"
    assert ui_command(Home("runs")).endswith(f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/runs/mlflow.db")
    assert ui_command(Home("runs"), "http://host:5000") == "http://host:5000"


def test_importing_the_command_imports_no_mlflow() -> None:
    import subprocess
    import sys

    code = "import sys, study.ledger; print({'mlflow', 'torch', 'ray', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
