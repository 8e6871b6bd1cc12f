"""Scheduling packs with Ray Tune: one Tune trial a pack. Of all files, only this one and `submit` say `ray`.

Tune's own state is never trusted to resume: every launch is a fresh Tuner on what is missing. A Tune trial's configuration
is a pack id; the reused actor reads the pack from the home, trains it and commits it there.
"""

import contextlib
import gc
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Tune reads these when it is imported: no per-trial log files, no signal handler over ours, no changed working directory.
os.environ |= {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
}

import ray
from ray import tune
from ray._private import worker as ray_worker
from ray.exceptions import RayActorError

from study.declare import DeclarationError
from study.masked import masked
from study.plan import Pack
from study.record import Home, HomeError
from study.trainer import FAULT, REFUSAL, WAITING, Trainer

WORKERS_S = 900.0
"""How long a cluster's first worker may take to start, in seconds."""

STUCK_S = 20.0
"""How long a launch may take to notice that its Ray is dead, and to take the rest of it down, in seconds."""

NEEDED = ("raylet", "gcs_server")
"""Ray's processes that nothing goes on without."""


class RayLostError(Exception):
    """Ray could not be started, or died; the message says which."""


class Watcher(Protocol):
    """Whoever wants to know how packs are doing. Called in the driver, from Tune's loop: must return at once."""

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None: ...

    def committed(self, pack_id: str) -> None: ...

    def waiting(self, reason: str) -> None: ...

    def lost(self, pack_id: str) -> None: ...

    def failed(self, pack_id: str, reason: str) -> None: ...


@dataclass(frozen=True)
class Cluster:
    """What Ray has: packs that can train at once, and on what."""

    workers: int
    gpus: int


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """A connection to the Ray at `address`, or to a Ray of our own on this machine where it is None.

    Raises: DeclarationError where there is no Ray at `address`; RayLostError where ours cannot be started.
    """
    own = {} if address else {"include_dashboard": False, "object_store_memory": 200 * 2**20}
    _hush()
    on_termination = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", logging_level=logging.CRITICAL, log_to_driver=False, **own)
    except (ConnectionError, OSError, RuntimeError, ValueError) as fault:
        reason = " ".join(str(fault).split())[:300]
        if address:
            raise DeclarationError(
                f"no Ray of this machine can be joined ({reason}): `ray start` makes it part of a cluster"
            ) from fault
        raise RayLostError(f"Ray cannot be started ({reason})") from fault
    signal.signal(signal.SIGTERM, on_termination)  # Ray has put its own handler over ours, which leaves at once
    over = threading.Event()
    threading.Thread(target=_leave_if_stuck, args=(over,), name="ray watch", daemon=True).start()
    try:
        has = _resources()
        gpus = int(has.get("GPU", 0))
        yield Cluster(workers=gpus or max(1, int(has.get("CPU", 1))), gpus=gpus)
    finally:
        with _no_garbage():
            ray.shutdown()
        over.set()


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Ray ends the process if one of its handles is dropped while it shuts down, and any thread may collect garbage."""
    gc.disable()
    gc.collect()
    try:
        yield
    finally:
        gc.enable()


def _leave_if_stuck(over: threading.Event) -> None:
    """Calls into a Ray without its GCS block, and then end the process in Ray's own words: this is sooner and clearer."""
    while not over.wait(1):
        if (dead := _dead()) and not over.wait(STUCK_S):
            print(f"\nerror: Ray's {dead} on this machine died: launch again to go on", file=sys.stderr, flush=True)
            os._exit(1)


def _hush() -> None:
    """What goes wrong is said in our own words, not by Ray across the progress bar."""
    for noisy in ("ray", "ray.tune", "ray.air", "ray.train"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    ray_worker.print_to_stdstream = lambda *_, **__: None  # the raylet's notices, which no setting turns off


def _resources() -> Mapping[str, float]:
    """What the cluster has, once it has a node that trains: a head alone may offer no CPU, and its workers come later.

    Raises: DeclarationError where none comes.
    """
    deadline = time.monotonic() + WORKERS_S
    while not (has := ray.cluster_resources()).get("CPU"):
        if time.monotonic() > deadline:
            raise DeclarationError(
                "the Ray cluster has no node with a CPU to train on: start a worker, and launch again"
            )
        time.sleep(1)
    return has


def run(packs: Sequence[Pack], home: Home, cluster: Cluster, watcher: Watcher) -> dict[str, str]:
    """Train and commit the packs; returns pack_id → reason for those that could not be.

    Raises: HomeError where the home or the data could not be had: no trial is to blame for that; RayLostError.
    """
    events = _Events(watcher)
    actor = tune.with_resources(_PackTrainable, {"cpu": 1, "gpu": 1} if cluster.gpus else {"cpu": 1})
    with tempfile.TemporaryDirectory(prefix="collapsar-") as scratch:
        tuner = tune.Tuner(
            actor,
            param_space={"home": home.uri, "pack": tune.grid_search([pack.pack_id for pack in packs])},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=scratch,  # Tune's own state is the driver's, and nothing is restored from it
                callbacks=[events],
                failure_config=tune.FailureConfig(max_failures=1),  # a worker's death may be bad luck: once again
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        for result in tuner.fit():
            if not result.error:
                continue
            if not result.config:  # it never had a worker: the pack is not to blame
                raise RayLostError(f"a worker could not be started ({_cause_of_death(result.error)})")
            events.fail(result.config["pack"], _cause_of_death(result.error))
    events.complain()
    return events.failures


class _PackTrainable(tune.Trainable):
    """The actor: trains and commits a pack, and is reused for the next."""

    def setup(self, config: dict[str, Any]) -> None:
        import torch

        self._device = "cuda" if ray.get_gpu_ids() else "cpu"  # what Tune gave us, not what the machine has
        if self._device == "cpu":
            torch.set_num_threads(1)  # one core an actor: the parallelism is between packs
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        if not new_config.get("pack"):
            raise ValueError("a Tune trial without a pack: Tune lost its configuration; relaunch the study")
        self._trainer = Trainer(new_config["home"], new_config["pack"], self._device)
        return True

    def step(self) -> dict[str, Any]:
        return self._trainer.step()


class _Events(tune.Callback):
    """Tune's events, passed on to the watcher; `failures` is pack_id → reason. What no pack can survive is raised."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._looked = 0.0
        self._refusal: str | None = None
        self.failures: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its callbacks; ours holds a progress bar and a thread, and nothing worth restoring

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tune itself would wait forever for a node that is gone, and train on for a home that takes nothing more."""
        self.complain()
        if (now := time.monotonic()) - self._looked > 1:
            self._looked = now
            if dead := _dead():
                raise RayLostError(f"Ray's {dead} on this machine died")

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if REFUSAL in result:
            self._refusal = result[REFUSAL]
        elif FAULT in result:
            self.fail(trial.config["pack"], result[FAULT])
        elif WAITING in result:
            self._watcher.waiting(result[WAITING])
        else:
            values = {name: value for name, value in result.items() if isinstance(value, int | float)}
            self._watcher.progress(trial.config["pack"], values)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._watcher.lost(trial.config["pack"])

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if trial.config["pack"] not in self.failures and not self._refusal:
            self._watcher.committed(trial.config["pack"])

    def complain(self) -> None:
        if self._refusal:
            raise HomeError(self._refusal)

    def fail(self, pack_id: str, reason: str) -> None:
        self.failures[pack_id] = masked(reason)
        self._watcher.failed(pack_id, self.failures[pack_id])


def _dead() -> str | None:
    """Which of the processes that a Ray of our own needs is gone."""
    node: Any = ray_worker._global_node
    return next((kind for kind, _ in node.dead_processes() if kind in NEEDED), None) if node else None


def _cause_of_death(error: BaseException) -> str:
    """Why an actor could not go on, in one line."""
    if isinstance(error, RayActorError):
        return "its worker process died twice (killed, or out of memory)"
    lines = str(getattr(error, "cause", None) or error).strip().splitlines()
    return (lines[-1] if lines else type(error).__name__)[:500]
