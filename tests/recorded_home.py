"""A small home of made-up records, and what its mirror shows."""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from study.mirror.mirror import Mirror, tracking_uri
from study.record import Home, commit, new_commit_id, write_artifacts

STUDY = "grid_gamma"
KAPPAS, SEEDS = (4, 8), (0, 1)
REGIMES = {(4, 0): "balanced", (4, 1): "balanced", (8, 0): "under", (8, 1): "over?"}
IDS = {(kappa, seed): f"trial-{kappa}-{seed}" for kappa in KAPPAS for seed in SEEDS}


def write_plan(
    home: Home,
    name: str = STUDY,
    seeds: Sequence[int] = SEEDS,
    gamma: str = "learned",
    kappas: Sequence[int] = KAPPAS,
) -> None:
    """A plan of two cells. A `gamma` that is not the trials' own adds a row, and so a varying axis."""
    rows = [{"trial_id": IDS[k, s], "kappa": k, "gamma": "learned", "seed": s} for k in kappas for s in seeds]
    rows += [{"trial_id": "another", "kappa": 4, "gamma": gamma, "seed": 0}] if gamma != "learned" else []
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    axes = {"kappa": kappas, "gamma": ["learned"], "seed": seeds}
    home.write(f"studies/{name}/plan.parquet", buffer.getvalue())
    home.write(
        f"studies/{name}/study.json", json.dumps({"name": name, "caption": "A question?", "axes": axes}).encode()
    )


def row(kappa: int, seed: int, commit_id: str, status: str = "finished") -> dict[str, Any]:
    """A trials row."""
    training = {"kind": "Training", "steps": 1000, "decay_from": 0.5}
    declaration = {"model": {"kind": "VAE", "kappa": kappa, "encoder": [64, 32]}, "training": training, "seed": seed}
    declaration["objective"] = {"kind": "Objective", "beta": 1.0, "gamma": {"kind": "Learned", "init": 1.0}}
    columns = {"trial_id": IDS[kappa, seed], "commit_id": commit_id, "status": status, "pack_id": "p1", "attempt": 1}
    columns |= {"model": "VAE", "kappa": kappa, "seed": seed, "steps": 1000, "beta": 1.0, "wall_s": 1.5, "engine": 1}
    columns["declaration"] = json.dumps(declaration)
    if status == "failed":
        return {**columns, "error": "the worker was killed"}
    columns |= {
        "distortion_test": 1.25 + seed,
        "rate_test": 7.0,
        "neg_elbo_test": 12.5 + seed,
        "gamma": 0.02,
        "n_active": 3,
    }
    return {**columns, "error": "J is not finite", "diverged_at": 400} if status == "diverged" else columns


def commit_trials(home: Home, which: Sequence[tuple[int, int]], status: str = "finished", points: int = 200) -> None:
    """Record these trials with weights, pictures, curves, latents and a metric; failed ones with their row alone."""
    key = new_commit_id()
    trials = [row(kappa, seed, key, status) for kappa, seed in which]
    if status == "failed":
        commit(home, key, {"trials": trials})
        return
    arrays = {}
    for name in (trial["trial_id"] for trial in trials):
        arrays[f"{name}/weights/decoder.0"] = np.ones((3, 2), np.float32)
        arrays |= {f"{name}/pictures/{kind}": np.eye(8, dtype=np.float16)[None] for kind in ("original", "sample")}
    path = write_artifacts(home, key, arrays)
    own = [{"trial_id": IDS[pair], "commit_id": key, "stage": "vae"} for pair in which]
    curves = [{**o, "step": s, "gamma": 1 / (1 + s), "rate": float(s)} for o in own for s in range(points)]
    latents = [{**o, "latent": j, "rate": 2.0 - j, "post_var": 0.1 + 0.8 * j} for o in own for j in range(2)]
    metric = [{**o, "metric": "mmd", "value": 0.01, "version": 1} for o in own]
    trials = [{**trial, "artifacts": path} for trial in trials]
    commit(home, key, {"trials": trials, "curves": curves, "latents": latents, "evaluations": metric})


def launched(home: Home, **settings: Any) -> str | None:
    """Mirror what is there, as a launch without training does; returns what `Mirror.close` does."""
    mirror = Mirror(home, STUDY, **settings)
    mirror.start({"scale": "laptop", "pack": "auto"})
    return mirror.close("finished", {"finished": 4.0})


def write_report(home: Home, page: str, regimes: Mapping[tuple[int, int], str]) -> None:
    """What the mirror reads of a report: its page, the regimes, and what they go by."""
    named = {IDS[pair]: regime for pair, regime in regimes.items()}
    home.write(f"studies/{STUDY}/report/index.html", page.encode())
    home.write(f"studies/{STUDY}/report/regimes.json", json.dumps(named).encode())
    home.write(f"studies/{STUDY}/report/rules.json", json.dumps([f"They go by {page}."]).encode())


def reported(home: Home, page: str, regimes: Mapping[tuple[int, int], str] = REGIMES) -> None:
    """Mirror what is there, write the report and show it, as a launch does."""
    mirror = Mirror(home, STUDY)
    mirror.start({})
    mirror.finish("finished", {}, is_reported=True)
    assert mirror.wait() is None
    write_report(home, page, regimes)
    assert mirror.show_report() is None


def client(home: Home) -> Any:
    """MLflow's client of the home's mirror."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri(home))


def runs(home: Home, kind: str, study: str = STUDY) -> list[Any]:
    """The runs of trials, cells, packs or launches."""
    experiment = client(home).get_experiment_by_name(study)
    found = client(home).search_runs([experiment.experiment_id])
    return [run for run in found if run.data.tags["kind"] == kind]


def shown(home: Home) -> dict[str, Any]:
    """All that the mirror shows of each trial, except its place in MLflow and its times."""
    found = {}
    for run in runs(home, "trial"):
        tags = {key: text for key, text in run.data.tags.items() if key != "mlflow.parentRunId"}
        curves = {key: [(p.step, p.value) for p in history(home, run, key)] for key in run.data.metrics}
        files = sorted(path_names(home, run.info.run_id))
        found[tags["trial_id"]] = (run.info.run_name, run.info.status, tags, run.data.params, curves, files)
    return found


def history(home: Home, run: Any, metric: str) -> list[Any]:
    """All points of one of a run's metrics."""
    return client(home).get_metric_history(run.info.run_id, metric)


def path_names(home: Home, run_id: str, folder: str | None = None) -> list[str]:
    """The paths of a run's artifacts."""
    found = client(home).list_artifacts(run_id, folder)
    return [path for item in found for path in (path_names(home, run_id, item.path) if item.is_dir else [item.path])]


def run_ids(home: Home) -> Mapping[str, str]:
    """trial_id → run_id."""
    return {run.data.tags["trial_id"]: run.info.run_id for run in runs(home, "trial")}


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait, but not for ever."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextlib.contextmanager
def serving(home: Home, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A tracking server over the home's database, in processes of its own."""
    command = [str(Path(sys.executable).parent / "mlflow"), "server", "--backend-store-uri", tracking_uri(home)]
    process = subprocess.Popen(
        [*command, "--default-artifact-root", f"{home}/mlartifacts", "--port", str(port), "--workers", "1"],
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: process.poll() is not None or answers(port), 90)
        assert process.poll() is None, "the server does not start"
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[Any]) -> None:
    """Kill a process and all of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(port: int) -> bool:
    """Whether a tracking server answers."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
