"""The connection to Ray, one of our own or a cluster's: what it has to train on, and whether it lives."""

import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# Read when Ray and Tune are imported: no log files a trial, no signal handler over ours, no changed working directory.
os.environ |= {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",  # we find out who is to blame for a death; Tune counts them all alike
    "RAY_preload_python_modules": "collapsar",  # before a worker looks along the driver's path, where a study.py may lie
}
os.environ.pop("PYTHONWARNINGS", None)  # as errors, the warnings of libraries would end every worker

import ray
from ray._private import ray_constants
from ray._private import worker as ray_worker

from study.cluster.cluster_file import ClusterFile, cluster_of_this_head
from study.errors import ClusterError
from study.pack.cost import CPU_CORE, GPU
from study.pack.devices import Pool
from study.run.executor import ExecutorLostError
from study.run.ray_folders import give_token, sessions_folder
from study.run.wait_for_nodes import Wait

STRAGGLERS_S = 60.0
"""How long a launch waits for the other workers that were declared, so that packs are laid out for all of them."""

STUCK_S = 20.0
"""How long a launch may take to notice that its Ray is dead, and to take the rest of it down, in seconds."""

NEEDED = ("raylet", "gcs_server")
"""Ray's processes without which nothing goes on."""


def pools_of(resources: Mapping[str, float]) -> tuple[Pool, ...]:
    """The faster pool first: GPUs, each with a core of its own, and the cores that are left; or the cores alone."""
    cores, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    if not gpus:
        return (Pool(CPU_CORE, max(1, cores)),)
    return (Pool(GPU, gpus), Pool(CPU_CORE, cores - gpus)) if cores > gpus else (Pool(GPU, gpus),)


@contextlib.contextmanager
def connected(
    address: str | None, say: Callable[[str], None], leave_if_stuck: bool = False
) -> Iterator[tuple[Pool, ...]]:
    """The pools of devices of the Ray at `address`, or of a Ray of our own on this machine where it is None.

    A call into a Ray that has died may never return: `leave_if_stuck` then ends this process, as a command may.
    Raises: ClusterError where there is no Ray at `address`, or no node of it trains, or ours has no folder for its sockets;
    ExecutorLostError where ours cannot be started.
    """
    own: dict[str, Any] = {}
    if not address:
        give_token()
        own = {"include_dashboard": False, "object_store_memory": 200 * 2**20, "_temp_dir": sessions_folder()}
    _listen_on_loopback(alone=address is None)
    _hush()
    on_termination = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", logging_level=logging.CRITICAL, log_to_driver=False, **own)
    except Exception as fault:  # a bare one where its processes do not come up in time
        reason = " ".join(str(fault).split())[:300]
        if address:
            raise ClusterError(
                f"no Ray of this machine can be joined ({reason}): `ray start` makes it part of a cluster"
            ) from fault
        raise ExecutorLostError(f"Ray cannot be started ({reason})") from fault
    if threading.current_thread() is threading.main_thread() and on_termination is not None:
        signal.signal(signal.SIGTERM, on_termination)  # Ray has put its own handler over ours, which leaves at once
    over = threading.Event()
    if leave_if_stuck:
        threading.Thread(target=_leave_if_stuck, args=(over,), name="ray watch", daemon=True).start()
    try:
        yield pools_of(_resources(cluster_of_this_head() if address else None, say))
    finally:
        with _no_garbage():
            ray.shutdown()
        over.set()


def _listen_on_loopback(alone: bool) -> None:
    """Keep a Ray `alone` on its machine off the network; the setting is Ray's own, for systems without clusters."""
    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0" if alone else "1"
    ray_constants.ENABLE_RAY_CLUSTER = not alone


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Ray ends the process when one of its handles is dropped while it shuts down, and any thread may collect garbage."""
    gc.disable()
    gc.collect()
    try:
        yield
    finally:
        gc.enable()


def _leave_if_stuck(over: threading.Event) -> None:
    """Calls into a Ray without its GCS block, and Ray then ends the process in its own words: this is sooner and clearer."""
    while not over.wait(1):
        if (gone := dead()) and not over.wait(STUCK_S):
            print(f"\nerror: Ray's {gone} on this machine died: launch again to go on", file=sys.stderr, flush=True)
            os._exit(1)


def _hush() -> None:
    """We say what goes wrong, in our own words, not Ray across the progress bar."""
    for noisy in ("ray", "ray.tune", "ray.air", "ray.train"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    ray_worker.print_to_stdstream = lambda *_, **__: None  # the raylet's notices, which no setting turns off


def _resources(declared: ClusterFile | None, say: Callable[[str], None]) -> Mapping[str, float]:
    """What the cluster has: what its autoscaler may start, since it starts nothing before it is asked to; else what is there.

    Raises: ClusterError where no node comes that trains.
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


def dead() -> str | None:
    """The process that a Ray of our own needs and that is gone, if one is."""
    node: Any = ray_worker._global_node
    return next((kind for kind, _ in node.dead_processes() if kind in NEEDED), None) if node else None
