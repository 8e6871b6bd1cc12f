"""The MLflow mirror: each trial once, whatever happens in between, and nobody waits for it."""

import contextlib
import io
import json
import shutil
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from study import ledger
from study.ledger import Ledger, rebuild, tracking_uri, ui_command
from study.record import Home, commit, new_commit_id, write_artifacts

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]

STUDY = "grid_gamma"
KAPPAS, SEEDS = (4, 8), (0, 1)
IDS = {(kappa, seed): f"trial-{kappa}-{seed}" for kappa in KAPPAS for seed in SEEDS}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty tracking database: creating one takes seconds."""
    folder = tmp_path_factory.mktemp("database")
    ledger._Server(Home(folder), tracking_uri(Home(folder)))
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, database: Path) -> Home:
    shutil.copy(database, tmp_path / "mlflow.db")
    place = Home(tmp_path)
    write_plan(place)
    return place


def write_plan(home: Home, name: str = STUDY) -> None:
    rows = [{"trial_id": key, "kappa": k, "gamma": "learned", "seed": s} for (k, s), key in IDS.items()]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    axes = {"kappa": KAPPAS, "gamma": ["learned"], "seed": SEEDS}
    home.write(f"studies/{name}/plan.parquet", buffer.getvalue())
    home.write(
        f"studies/{name}/study.json", json.dumps({"name": name, "caption": "A question?", "axes": axes}).encode()
    )


def row(kappa: int, seed: int, commit_id: str, status: str = "finished") -> dict[str, Any]:
    training = {"kind": "Training", "steps": 1000, "decay_from": 0.5}
    declaration = {"model": {"kind": "VAE", "kappa": kappa, "encoder": [64, 32]}, "training": training, "seed": seed}
    told = {"trial_id": IDS[kappa, seed], "commit_id": commit_id, "status": status, "pack_id": "p1", "attempt": 1}
    told |= {"model": "VAE", "kappa": kappa, "seed": seed, "steps": 1000, "beta": 1.0, "wall_s": 1.5, "engine": 1}
    told["declaration"] = json.dumps(declaration)
    if status == "failed":
        return {**told, "error": "the worker was killed"}
    told |= {"distortion_test": 1.25, "rate_test": 7.0, "gamma": 0.02, "n_active": 3}
    return {**told, "error": "J is not finite", "diverged_at": 400} if status == "diverged" else told


def commit_trials(home: Home, which: Sequence[tuple[int, int]], status: str = "finished", points: int = 200) -> None:
    key = new_commit_id()
    trials = [row(kappa, seed, key, status) for kappa, seed in which]
    if status == "failed":
        commit(home, key, {"trials": trials})
        return
    arrays = {}
    for name in (told["trial_id"] for told in trials):
        arrays[f"{name}/weights/decoder.0"] = np.ones((3, 2), np.float32)
        arrays |= {f"{name}/pictures/{kind}": np.eye(8, dtype=np.float16)[None] for kind in ("original", "sample")}
    path = write_artifacts(home, key, arrays)
    own = [{"trial_id": IDS[pair], "commit_id": key, "stage": "vae"} for pair in which]
    curves = [{**o, "step": s, "gamma": 1 / (1 + s), "rate": float(s)} for o in own for s in range(points)]
    latents = [{**o, "latent": j, "rate": 2.0 - j, "post_var": 0.1 + 0.8 * j} for o in own for j in range(2)]
    metric = [{**o, "metric": "mmd", "value": 0.01, "version": 1} for o in own]
    trials = [{**told, "artifacts": path} for told in trials]
    commit(home, key, {"trials": trials, "curves": curves, "latents": latents, "evaluations": metric})


def launched(home: Home, **settings: Any) -> str | None:
    """A launch that only mirrors what is there."""
    book = Ledger(home, STUDY, **settings)
    book.start({"scale": "laptop", "pack": "auto"})
    return book.close("finished", {"finished": 4.0})


def client(home: Home) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri(home))


def runs(home: Home, kind: str) -> list[Any]:
    experiment = client(home).get_experiment_by_name(STUDY)
    found = client(home).search_runs([experiment.experiment_id])
    return [run for run in found if run.data.tags["kind"] == kind]


def shown(home: Home) -> dict[str, Any]:
    """Everything the mirror says of each trial, but for where in MLflow it stands and when."""
    told = {}
    for run in runs(home, "trial"):
        tags = {key: text for key, text in run.data.tags.items() if key != "mlflow.parentRunId"}
        curves = {key: [(p.step, p.value) for p in history(home, run, key)] for key in run.data.metrics}
        files = sorted(path_names(home, run.info.run_id))
        told[tags["trial_id"]] = (run.info.run_name, run.info.status, tags, run.data.params, curves, files)
    return told


def history(home: Home, run: Any, metric: str) -> list[Any]:
    return client(home).get_metric_history(run.info.run_id, metric)


def path_names(home: Home, run_id: str, folder: str | None = None) -> list[str]:
    found = client(home).list_artifacts(run_id, folder)
    return [path for item in found for path in (path_names(home, run_id, item.path) if item.is_dir else [item.path])]


def run_ids(home: Home) -> Mapping[str, str]:
    return {run.data.tags["trial_id"]: run.info.run_id for run in runs(home, "trial")}


def test_each_trial_is_mirrored_once_under_its_launch(home: Home) -> None:
    book = Ledger(home, STUDY)
    commit_trials(home, [(4, 0), (8, 0)])
    book.start({"scale": "laptop"})
    commit_trials(home, [(4, 1), (8, 1)])
    book.committed("p1")
    book.committed()
    assert book.close("finished", {"finished": 4}) is None
    (launch,) = runs(home, "launch")
    assert launch.info.status == "FINISHED"
    assert launch.data.params == {"scale": "laptop"}
    assert launch.data.metrics == {"finished": 4}
    trials = runs(home, "trial")
    assert sorted(run.data.tags["trial_id"] for run in trials) == sorted(IDS.values())
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {launch.info.run_id}
    assert {run.info.run_name for run in trials} == {"κ=4 · s0", "κ=4 · s1", "κ=8 · s0", "κ=8 · s1"}
    assert all(run.info.end_time - run.info.start_time == 1500 for run in trials)


def test_replaying_changes_nothing(home: Home) -> None:
    commit_trials(home, list(IDS))
    assert launched(home) is None
    before, ids = shown(home), run_ids(home)
    assert launched(home) is None
    assert rebuild(home, STUDY) == 4
    assert (shown(home), run_ids(home)) == (before, ids)
    assert len(runs(home, "launch")) == 2


def test_a_mirror_rebuilt_from_nothing_equals_the_live_one(home: Home, database: Path) -> None:
    commit_trials(home, [(4, 0), (4, 1)])
    commit_trials(home, [(8, 0)], "diverged")
    commit_trials(home, [(8, 1)], "failed")
    assert launched(home) is None
    live = shown(home)
    copy = Home(f"{home}-copy")
    assert home.local
    shutil.copytree(home.local, str(copy), ignore=shutil.ignore_patterns("ml*"))
    shutil.copy(database, f"{copy}/mlflow.db")
    assert rebuild(copy) == 4
    assert shown(copy) == live


@pytest.mark.parametrize("call", ["log_batch", "log_artifacts", "set_terminated", "set_tag"])
def test_a_killed_pass_is_mended_in_the_same_run(home: Home, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, [(4, 0)])
    mirror = ledger._open(home, STUDY, None, "first-seed")
    (entry,) = mirror.entries(mirror.missing())

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mirror.client, call, die)
    with pytest.raises(KeyboardInterrupt):
        mirror.write(entry)
    broken = run_ids(home)
    assert "mirrored" not in runs(home, "trial")[0].data.tags
    assert launched(home) is None
    assert run_ids(home) == broken
    (run,) = runs(home, "trial")
    assert run.info.status == "FINISHED"
    assert run.data.tags["mirrored"] == entry.commit_id
    assert len(path_names(home, run.info.run_id)) == 3


def test_what_a_crash_left_running_is_closed(home: Home) -> None:
    mirror = ledger._open(home, STUDY, None, "none")
    mirror.begin({})
    mirror.progress("p1", {"steps_per_s": 10.0}, 1, 24)
    assert launched(home) is None
    assert [run.info.status for run in runs(home, "pack")] == ["KILLED"]
    assert sorted(run.info.status for run in runs(home, "launch")) == ["FINISHED", "KILLED"]


def test_a_diverged_trial_is_a_result_and_a_failed_one_is_not(home: Home) -> None:
    commit_trials(home, [(4, 0)], "diverged")
    commit_trials(home, [(8, 0)], "failed")
    assert launched(home) is None
    found = {run.data.tags["status"]: run for run in runs(home, "trial")}
    assert found["diverged"].info.status == "FINISHED"
    assert found["diverged"].data.tags["diverged_at"] == "400"
    assert "J is not finite" in found["diverged"].data.tags["mlflow.note.content"]
    assert found["failed"].info.status == "FAILED"
    assert "the worker was killed" in found["failed"].data.tags["mlflow.note.content"]


def test_a_failed_trial_that_later_finishes_keeps_its_run(home: Home) -> None:
    commit_trials(home, [(4, 0)], "failed")
    assert launched(home) is None
    before = run_ids(home)
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    assert run_ids(home) == before
    assert (run.info.status, run.data.tags["status"]) == ("FINISHED", "finished")
    assert run.data.tags["mlflow.note.content"].startswith("Finished")
    assert run.data.metrics["gamma"] == 0.02


def test_columns_and_curves_stay_few(home: Home) -> None:
    commit_trials(home, [(4, 0)], points=2000)
    assert launched(home) is None
    (run,) = runs(home, "trial")
    final = {name for name in run.data.metrics if "/" not in name}
    assert final == {"distortion_test", "rate_test", "gamma", "n_active", "mmd"}
    curve = history(home, run, "curve/gamma")
    assert len(curve) == 50
    assert (min(p.step for p in curve), max(p.step for p in curve)) == (0, 1999)
    assert run.data.params["training.decay_from"] == "0.5"
    assert run.data.params["model.encoder"] == "64, 32"
    assert run.data.params["beta"] == "1"
    assert "model.kappa" not in run.data.params


@pytest.mark.parametrize(("pictures", "seeds"), [("first-seed", {"0"}), ("all", {"0", "1"}), ("none", set())])
def test_artifacts_are_those_of_the_chosen_trials(home: Home, pictures: ledger.Pictures, seeds: set[str]) -> None:
    commit_trials(home, [(4, 0), (4, 1)])
    assert launched(home, pictures=pictures) is None
    files = {run.data.params["seed"]: path_names(home, run.info.run_id) for run in runs(home, "trial")}
    assert {seed for seed, paths in files.items() if paths} == seeds
    assert all(set(files[seed]) == {"latents.png", "reconstruction.png", "weights/model.safetensors"} for seed in seeds)


def test_weights_are_what_was_trained(home: Home) -> None:
    from safetensors.numpy import load_file

    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    folder = Path(client(home).download_artifacts(run.info.run_id, "weights"))
    np.testing.assert_array_equal(load_file(folder / "model.safetensors")["decoder.0"], np.ones((3, 2)))
    assert run.info.artifact_uri.startswith(f"file://{home}/mlartifacts/{STUDY}/")


def test_a_running_pack_is_shown_while_it_trains(home: Home) -> None:
    book = Ledger(home, STUDY)
    book.start({})
    book.progress("p1", {"steps_per_s": 90.0, "objective_max": float("nan")}, step=100, trials=24)
    book.progress("p2", {"steps_per_s": 80.0}, step=100)
    book.progress("p3", {"steps_per_s": 70.0}, step=100)
    book.committed("p1")
    book.failed("p2", "out of memory")
    assert book.close("interrupted", {}) is None
    packs = {run.data.tags["pack_id"]: run for run in runs(home, "pack")}
    assert [packs[name].info.status for name in ("p1", "p2", "p3")] == ["FINISHED", "FAILED", "KILLED"]
    assert packs["p1"].info.run_name == "pack p1 · 24 trials"
    assert packs["p1"].data.metrics == {"steps_per_s": 90.0}
    assert packs["p2"].data.tags["reason"] == "out of memory"
    assert runs(home, "launch")[0].info.status == "KILLED"


@pytest.mark.slow
def test_a_server_that_hangs_is_left_after_the_given_patience(tmp_path: Path) -> None:
    import socket

    write_plan(Home(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        book = Ledger(Home(tmp_path), STUDY, uri=f"http://127.0.0.1:{server.getsockname()[1]}")
        book.start({})
        begun = time.monotonic()
        assert "could not be opened" in str(book.close("finished", {}, patience_s=1.0))
        assert time.monotonic() - begun < 5


def test_a_server_that_is_down_costs_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path)
    write_plan(home)
    commit_trials(home, list(IDS))
    book = Ledger(home, STUDY, uri="http://127.0.0.1:9")
    begun = time.monotonic()
    book.start({"scale": "laptop"})
    for step in range(1000):
        book.progress("p1", {"steps_per_s": 1.0}, step)
    book.committed("p1")
    book.failed("p2", "gone")
    assert time.monotonic() - begun < 0.5
    said = book.close("finished", {}, patience_s=60)
    assert time.monotonic() - begun < 60
    assert said
    assert "http://127.0.0.1:9 could not be opened" in said
    assert f"python -m study.ledger {STUDY} --home {home} --tracking-uri http://127.0.0.1:9" in said
    assert capfd.readouterr() == ("", "")


def test_progress_is_dropped_when_the_ledger_is_behind(home: Home) -> None:
    book = Ledger(home, STUDY)
    begun = time.monotonic()
    for step in range(10_000):  # the thread has not even begun
        book.progress("p1", {"steps_per_s": 1.0}, step)
    assert time.monotonic() - begun < 1
    commit_trials(home, [(4, 0)])
    book.start({})
    assert book.close("finished", {}) is None
    assert len(history(home, runs(home, "pack")[0], "steps_per_s")) < 100
    assert len(runs(home, "trial")) == 1


def test_impatience_leaves_a_mirror_that_the_next_launch_completes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, list(IDS))
    write = ledger.Mirror.write
    monkeypatch.setattr(ledger.Mirror, "write", lambda self, entry: (time.sleep(0.7), write(self, entry)))
    waited: list[int] = []
    book = Ledger(home, STUDY)
    book.start({})
    while not book._clerk.left and not book._clerk.fault:
        time.sleep(0.01)
    said = book.close("finished", {}, patience_s=1.0, on_wait=waited.append)
    assert said
    assert "of the study's trials" in said
    assert max(waited) <= 4
    monkeypatch.undo()
    assert launched(home) is None
    assert len(run_ids(home)) == len(runs(home, "trial")) == 4


def test_a_trial_that_mlflow_refuses_holds_up_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_trials(home, list(IDS))
    write = ledger.Mirror.write

    def refuse_one(self: ledger.Mirror, entry: Any) -> None:
        if entry.trial_id == IDS[4, 1]:
            raise ValueError("no such thing")
        write(self, entry)

    monkeypatch.setattr(ledger.Mirror, "write", refuse_one)
    monkeypatch.setattr("study.ledger_thread.PAUSES_S", (0.0,))
    said = launched(home)
    assert said
    assert "lacks 1 of the study's trials (no such thing)" in said
    assert len(runs(home, "trial")) == 3


def test_a_deleted_experiment_is_named_with_its_remedy(home: Home) -> None:
    assert launched(home) is None
    client(home).delete_experiment(client(home).get_experiment_by_name(STUDY).experiment_id)
    said = launched(home)
    assert said
    assert f"the experiment {STUDY} was deleted in MLflow: restore it" in said


def test_a_second_study_of_the_home_is_an_experiment_of_its_own(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    write_plan(home, "again")
    assert rebuild(home) == 2
    note = client(home).get_experiment_by_name("again").tags["mlflow.note.content"]
    assert note.startswith("A question?")


def test_the_command_rebuilds_and_says_what_is_wrong(home: Home) -> None:
    import typer

    app = typer.Typer()
    app.command()(ledger.main)
    commit_trials(home, [(4, 0)])
    done = CliRunner().invoke(app, [STUDY, "--home", str(home), "--artifacts", "none"])
    assert (done.exit_code, done.output) == (0, f"1 trials mirrored. To see them: {ui_command(home)}\n")
    wrong = CliRunner().invoke(app, ["nothing", "--home", str(home)])
    assert (wrong.exit_code, wrong.output) == (
        2,
        f"{home} holds no study nothing (it holds {STUDY}): launch it first\n",
    )
    empty = CliRunner().invoke(app, ["--home", str(home) + "/none"])
    assert (empty.exit_code, len(empty.output.splitlines())) == (2, 1)


def test_the_default_mirror_lies_in_a_local_home_or_with_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(Home("runs")) == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert tracking_uri(Home("memory://runs")) == f"sqlite:///{tmp_path}/mlflow.db"
    assert ui_command(Home("runs")).endswith(f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/runs/mlflow.db")
    assert ui_command(Home("runs"), "http://host:5000") == "http://host:5000"


def test_importing_the_ledger_imports_no_mlflow() -> None:
    import subprocess
    import sys

    code = "import sys, study.ledger; print({'mlflow', 'torch', 'ray', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
