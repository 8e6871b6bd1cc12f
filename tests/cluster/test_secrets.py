"""Passwords, keys and tokens: used as they are given, and never shown, stored or sent to MLflow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from launches import ROOT, launch, write_study
from recorded_home import STUDY, commit_trials, free_port, launched, runs, serving, write_plan
from rich.console import Console

from study.cli import say
from study.cluster.target import Target
from study.errors import OptionError
from study.mirror.address import ui_root
from study.mirror.mirror import Mirror, ui_command
from study.record import Home, HomeError
from study.secrets import masked

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]

SECRET = "sEcReT0"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://user:sEcReT0@host/db", "postgresql://***@host/db"),
        ("postgresql+psycopg2://user:12345@host:5432/db", "postgresql+psycopg2://***@host:5432/db"),
        ("https://user:sEcReT0@mlflow:5000/", "https://***@mlflow:5000/"),
        ("https://sEcReT0@mlflow", "https://***@mlflow"),
        ("s3://KEY:sEcReT0@bucket/runs", "s3://***@bucket/runs"),
        ("s3://KEY:sE/cReT+0@bucket/runs", "s3://***@bucket/runs"),
        ("mysql://:sE@cReT0@host/db", "mysql://***@host/db"),
        ("https://mlflow/?api_key=sEcReT0&page=2", "https://mlflow/?api_key=***&page=2"),
        ("az://runs?sig=sEcReT0", "az://runs?sig=***"),
        ("two: s3://a:b@c and http://d:e@f/g", "two: s3://***@c and http://***@f/g"),
    ],
)
def test_a_secret_in_an_address_is_masked(address, shown):
    assert masked(address) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5000/#/experiments/1/runs?viewStateShareKey=cells",
        "sqlite:////home/me@work/mlflow.db",
        "s3://bucket/runs?region=eu-west-1&endpoint_override=127.0.0.1:9000",
        "abfss://container@account.dfs.core.windows.net/runs",
        "HOST:6379",
        "./runs",
    ],
)
def test_what_is_no_secret_is_shown(address):
    assert masked(address) == address


def test_a_home_shows_its_secret_nowhere_but_uses_it():
    home = Home(f"memory://KEY:{SECRET}@bucket/runs")
    assert str(home) == "memory://***@bucket/runs"
    assert SECRET in home.uri
    with pytest.raises(HomeError) as refused, home._refusal("write to"):
        raise OSError(f"AWS Error ACCESS_DENIED at {home.uri}/records")
    assert SECRET not in str(refused.value)
    with pytest.raises(HomeError) as refused:
        Home(f"nothing://KEY:{SECRET}@bucket")
    assert SECRET not in str(refused.value)


def test_a_mirror_gets_no_secret_of_the_home(tmp_path, database, monkeypatch):
    (tmp_path / "mlflow.db").write_bytes(database.read_bytes())
    monkeypatch.chdir(tmp_path)
    home = Home(f"memory://KEY:{SECRET}@{tmp_path.name}")
    write_plan(home)
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    assert run.data.tags["home"] == f"memory://***@{tmp_path.name}"
    assert_nowhere(tmp_path, SECRET)
    assert SECRET.encode() not in b"".join(home.read(path) for path in all_files(home))


def all_files(home):
    return [file.path for file in home.stored("", deep=True)]


def test_no_sentence_about_a_mirror_tells_its_password(tmp_path, capsys):
    home, uri = Home(tmp_path), f"http://user:{SECRET}@127.0.0.1:9"
    write_plan(home)
    mirror = Mirror(home, STUDY, uri)
    mirror.start({})
    said = str(mirror.close("finished", {}, patience_s=60))
    assert "collapsar mirror" in said
    say(f"MLflow at {uri} did not take it")
    shown = [said, capsys.readouterr().err, ui_command(home, uri), ui_root(home, uri), str(Target(uri))]
    shown.append(ui_command(home, f"postgresql://user:{SECRET}@host/db"))
    assert not [text for text in shown if SECRET in text]
    assert ui_root(home, uri) == "http://127.0.0.1:9"  # a page that a browser opens


@pytest.mark.parametrize(
    ("home", "uri", "option"),
    [
        ("/shared/runs", f"https://user:{SECRET}@mlflow", "--tracking-uri"),
        (f"s3://KEY:{SECRET}@bucket", None, "--home"),
    ],
)
def test_a_secret_is_not_submitted_with_a_job(home, uri, option):
    from study.cluster.submit import Request, submit

    request = Request({"grid_gamma": "grid_gamma"}, home, "laptop", uri, True, [])
    with pytest.raises(OptionError, match=f"would show the secret in {option} ") as refused:
        submit(request, Target("http://127.0.0.1:9"), Console())
    assert SECRET not in str(refused.value)
    assert "MLFLOW_TRACKING_PASSWORD" in str(refused.value)


@pytest.mark.faults
def test_a_launch_leaves_no_secret_behind(tmp_path):
    """Neither that of its mirror's address nor those of its environment: in no file of the home, no output, no run."""
    path, home, port = write_study(tmp_path, seeds=1), Home(tmp_path / "home"), free_port()
    secrets = {name: f"sEcReT-{name}" for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "RAY_AUTH_TOKEN")}
    uri = f"http://user:{SECRET}@127.0.0.1:{port}"
    with serving(home, port):
        result = launch(f"{path}:tiny", "--home", home, "--tracking-uri", uri, cwd=ROOT, **secrets)
        command = [sys.executable, "-m", "study.ledger", "--home", str(home), "--tracking-uri", uri]
        again = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | secrets)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(runs(home, "trial", "tiny")) == 6
    said = result.stdout + result.stderr + again.stdout + again.stderr
    assert not [secret for secret in (SECRET, *secrets.values()) if secret in said]
    for secret in (SECRET, *secrets.values()):
        assert_nowhere(tmp_path, secret)


def assert_nowhere(folder: Path, secret: str) -> None:
    """Not in any file below the folder, MLflow's database among them."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if secret.encode() in file.read_bytes()]
