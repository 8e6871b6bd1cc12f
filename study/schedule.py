"""Scheduling packs with Ray Tune: one Tune trial a pack. Of all files, only this one and `submit` say `ray`.

Tune's own state is never trusted to resume: every launch is a fresh Tuner on what is missing. A Tune trial's configuration
is a pack id; the reused actor reads the pack from the home, trains it and commits it there.
"""

import contextlib
import gc
import logging
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Tune reads these when it is imported: no per-trial log files, no signal handler over ours, no changed working directory.
os.environ |= {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",  # we tell whose fault a death is, and Tune counts them all alike
}

import ray
from ray import tune
from ray._private import ray_constants
from ray._private import worker as ray_worker
from ray.exceptions import RayActorError, RayError
from ray.tune.error import TuneError

from study.cluster import Declared, declared_here
from study.declare import DeclarationError
from study.fates import Fates, RayLostError, Watcher
from study.packing import Pack
from study.pools import Pool
from study.record import Home
from study.sizing import CPU_CORE, GPU
from study.trainer import REFUSAL, Trainer
from study.waiting import Wait

STRAGGLERS_S = 60.0
"""How long the other workers that were declared are waited for, so that the packs are laid out for all of them."""

STUCK_S = 20.0
"""How long a launch may take to notice that its Ray is dead, and to take the rest of it down, in seconds."""

NO_CUDA = (
    "the node {} offers a GPU that torch cannot use there: install a CUDA build of torch on it and its driver, "
    "or start its Ray with --num-gpus=0"
)

NEEDED = ("raylet", "gcs_server")
"""Ray's processes that nothing goes on without."""


@dataclass(frozen=True)
class Cluster:
    """What Ray has: the pools of devices that packs can train on, the faster one first."""

    pools: tuple[Pool, ...]

    @property
    def resource(self) -> str:
        """What there must be one of."""
        return "GPU" if self.pools[0].device == GPU else "CPU"


def _pools(resources: Mapping[str, float]) -> tuple[Pool, ...]:
    """GPUs, each with a core of its own, and the cores that are left; or the cores alone."""
    cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    if not gpus:
        return (Pool(CPU_CORE, max(1, cores)),)
    return (Pool(GPU, gpus), Pool(CPU_CORE, cores - gpus)) if cores > gpus else (Pool(GPU, gpus),)


@contextlib.contextmanager
def connected(address: str | None, say: Callable[[str], None]) -> Iterator[Cluster]:
    """A connection to the Ray at `address`, or to a Ray of our own on this machine where it is None.

    Raises: DeclarationError where there is no Ray at `address`, or no node of it trains; RayLostError where ours cannot be
    started.
    """
    own = {} if address else {"include_dashboard": False, "object_store_memory": 200 * 2**20}
    _listen_on_loopback(alone=address is None)
    _hush()
    on_termination = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", logging_level=logging.CRITICAL, log_to_driver=False, **own)
    except Exception as fault:  # a bare one where its processes do not come up in time
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
        yield Cluster(_pools(_resources(declared_here() if address else None, say)))
    finally:
        with _no_garbage():
            ray.shutdown()
        over.set()


def _listen_on_loopback(alone: bool) -> None:
    """A Ray `alone` on its machine has no business on the network: the setting is Ray's own, for systems without clusters."""
    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0" if alone else "1"
    ray_constants.ENABLE_RAY_CLUSTER = not alone


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


def _resources(declared: Declared | None, say: Callable[[str], None]) -> Mapping[str, float]:
    """What the cluster has: what its autoscaler may start, which starts nothing unless it is asked for, else what is there.

    Raises: DeclarationError where no node comes that trains.
    """
    if declared and declared.resources:
        return declared.resources
    Wait("CPU", ray.cluster_resources, say).over()
    deadline = time.monotonic() + STRAGGLERS_S
    while declared and _nodes() <= declared.workers and time.monotonic() < deadline:
        time.sleep(1)
    return ray.cluster_resources()


def _nodes() -> int:
    return sum(node["Alive"] for node in ray.nodes())


def run(packs: Sequence[Pack], home: Home, cluster: Cluster, watcher: Watcher) -> dict[str, str]:
    """Train and commit the packs; returns pack_id → reason for those that could not be.

    Raises: HomeError where the home or the data could not be had: no trial is to blame for that; RayLostError;
    DeclarationError where no node is left to train on, and none comes.
    """
    fates, wait = Fates(watcher), Wait(cluster.resource, ray.cluster_resources, watcher.say)
    left = {pack.pack_id: pack.device for pack in packs}
    while left:
        _fit(left, home, _Events(fates, wait))
        fates.complain()
        left = {pack_id: left[pack_id] for pack_id in fates.taken_spared()}
    return fates.failures


def _fit(devices: Mapping[str, str], home: Home, events: "_Events") -> None:
    """Have the packs trained, each on its device."""

    def needed(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
        return tune.PlacementGroupFactory([{"CPU": 1, "GPU": 1} if devices[config["pack"]] == GPU.name else {"CPU": 1}])

    actor = tune.with_resources(_PackTrainable, needed)
    with tempfile.TemporaryDirectory(prefix="collapsar-") as scratch:
        tuner = tune.Tuner(
            actor,
            param_space={"home": home.uri, "pack": tune.grid_search(list(devices))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=scratch,  # Tune's own state is the driver's, and nothing is restored from it
                callbacks=[events],
                failure_config=tune.FailureConfig(max_failures=0),  # see _Events
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        try:
            tuner.fit()
        except (TuneError, RayError, RuntimeError) as fault:  # Tune expects few of the ways in which a node may go
            raise RayLostError(f"Ray Tune could not go on ({_line(fault)})") from fault


class _PackTrainable(tune.Trainable):
    """The actor: trains and commits a pack, and is reused for the next."""

    def setup(self, config: dict[str, Any]) -> None:
        import torch

        self._device = "cuda" if ray.get_gpu_ids() else "cpu"  # what Tune gave us, not what the machine has
        self._lacks_cuda = self._device == "cuda" and not torch.cuda.is_available()
        if self._device == "cpu":
            torch.set_num_threads(1)  # one core an actor: the parallelism is between packs
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        if not new_config.get("pack"):
            raise ValueError("a Tune trial without a pack: Tune lost its configuration; relaunch the study")
        self._trainer = Trainer(new_config["home"], new_config["pack"], self._device)
        return True

    def step(self) -> dict[str, Any]:
        if self._lacks_cuda:
            return {"done": True, REFUSAL: NO_CUDA.format(ray.util.get_node_ip_address())}
        return self._trainer.step()


class _Events(tune.Callback):
    """Tune's events, passed on.

    Tune itself may start a pack again when its worker dies in training. Whose worker dies before that, while it starts or
    is handed the next pack, Tune would not always start again, and leaves the pack to us.
    """

    def __init__(self, fates: Fates, wait: Wait) -> None:
        self._fates, self._wait = fates, wait
        self._looked = 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its callbacks; ours holds a progress bar and a thread, and nothing worth restoring

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tune itself would wait forever for a node that is gone, and train on for a home that takes nothing more."""
        self._fates.complain()
        if (now := time.monotonic()) - self._looked > 1:
            self._looked = now
            if dead := _dead():
                raise RayLostError(f"Ray's {dead} on this machine died")
            self._wait.look()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        trial.max_failures = trial.num_failures + self._fates.started(trial.config["pack"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._fates.reported(trial.config["pack"], result)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._fates.completed(trial.config["pack"])

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        trial.max_failures = 0
        self._fates.died(trial.config["pack"], str(_error(trial)))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        error = _error(trial)
        by_death = isinstance(error, RayActorError)
        self._fates.given_up(trial.config["pack"], str(error) if by_death else _line(error), by_death)


def _dead() -> str | None:
    """Which of the processes that a Ray of our own needs is gone."""
    node: Any = ray_worker._global_node
    return next((kind for kind, _ in node.dead_processes() if kind in NEEDED), None) if node else None


def _error(trial: Any) -> BaseException:
    """What a Tune trial died of last, as Tune has just written it down."""
    file = trial.pickled_error_file
    return pickle.loads(Path(file).read_bytes()) if file else TuneError(Path(trial.error_file).read_text())


def _line(error: BaseException) -> str:
    """What went wrong: the first line of what our own code raised, the last of Ray's."""
    if cause := getattr(error, "cause", None):
        return f"{type(cause).__name__}: {cause}".splitlines()[0][:500]
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:500]
