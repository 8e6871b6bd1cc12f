"""A cluster's file for `ray up`: what it says, whether the cluster's head runs, and a tunnel to its dashboard.

A process of its own, `study.cluster.tunnel`, asks the cloud and holds the ssh tunnel, by Ray's own means: so a cloud that
does not answer cannot hold up a launch, and nothing but ssh has to be open on the head.
"""

import contextlib
import importlib.util
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.errors import ClusterError

DEFAULT = "cluster.yaml"
"""The file that a launch looks for where it is started."""

ON_THE_HEAD = "~/ray_bootstrap_config.yaml"
"""Where `ray up` puts the file on the head."""

PATIENCE_S = 3.0
"""How long the cloud may take to say whether a head runs."""

IMPORT_S, TUNNEL_S = 60.0, 45.0
"""Seconds that the import of Ray may take, and those that ssh may take to reach a running head."""

ASK = ("-m", "study.cluster.tunnel")

CLIENTS = {"aws": "boto3", "gcp": "googleapiclient", "azure": "azure.identity"}
"""The client that `ray up` needs for each cloud: without it no cluster was started from here."""


@dataclass(frozen=True)
class ClusterFile:
    """What a launch needs to know of a cluster's file; `resources` are those of all its workers together."""

    file: Path
    provider: str
    home: str | None
    tracking_uri: str | None
    resources: Mapping[str, float]
    workers: int
    """Nodes besides the head that run from the start."""


def read_cluster_file(file: Path) -> ClusterFile:
    """What a cluster's file says. Raises: ClusterError for a file that declares no cluster."""
    import yaml  # most launches need none

    try:
        return _cluster_file(file, yaml.safe_load(file.read_text()))
    except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError, AttributeError) as fault:
        reason = " ".join(str(fault).split())[:200]
        raise ClusterError(f"{file} declares no cluster for `ray up` ({type(fault).__name__}: {reason})") from fault


def _cluster_file(file: Path, config: Mapping[str, Any]) -> ClusterFile:
    provider, metadata = config["provider"], config.get("metadata") or {}
    kind = str(provider["type"])
    there = int(config.get("min_workers") or len(provider.get("worker_ips") or ())) if kind == "local" else 0
    return ClusterFile(file, kind, metadata.get("home"), metadata.get("tracking_uri"), _resources(config), there)


def cluster_of_this_head() -> ClusterFile | None:
    """The cluster whose head this machine is; None if `ray up` has made it no head."""
    file = Path(ON_THE_HEAD).expanduser()
    with contextlib.suppress(ClusterError):
        return read_cluster_file(file) if file.is_file() else None
    return None


def _resources(config: Mapping[str, Any]) -> dict[str, float]:
    """CPUs and GPUs of all workers that the autoscaler may start, counting those with the most GPUs first."""
    left = int(config.get("max_workers") or 0)
    types = config.get("available_node_types") or {}
    workers = [node for name, node in types.items() if name != config.get("head_node_type")]
    total: dict[str, float] = {}
    for node in sorted(workers, key=lambda node: -(node.get("resources") or {}).get("GPU", 0)):
        count = min(left, int(node.get("max_workers", left)))
        left -= count
        for name, amount in (node.get("resources") or {}).items():
            if name in ("CPU", "GPU") and amount * count:
                total[name] = total.get(name, 0) + amount * count
    return total


def may_run(cluster: ClusterFile) -> bool:
    """Whether the cluster can have been started from this machine at all."""
    module = CLIENTS.get(cluster.provider)
    try:
        return module is None or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package above it is not there
        return False


class Head:
    """The running head of a file's cluster, and the tunnel to its dashboard, until it is closed."""

    def __init__(self, cluster: ClusterFile, ip: str, tunnel: "_Tunnel") -> None:
        self.cluster, self.ip, self._tunnel = cluster, ip, tunnel
        self.url = f"http://127.0.0.1:{tunnel.port}"

    def token(self) -> str | None:
        """The cluster's token; None if it has none. Raises: ClusterError if ssh does not reach the head."""
        reported = self._tunnel.report("token", TUNNEL_S)
        if reported is None:
            raise ClusterError(self.no_answer(self._tunnel.complaint()))
        return reported["token"] or None

    def no_answer(self, reason: str) -> str:
        """The sentence about a head that runs and does not answer."""
        file = self.cluster.file
        return (
            f"the head of {file}, {self.ip}, runs and does not answer{f' ({reason})' if reason else ''}: "
            f"`ray up {file}` repairs it, --address local trains here instead"
        )

    def reopen(self) -> None:
        """Open the tunnel again if it broke, on the same port."""
        self._tunnel.reopen()

    def close(self) -> None:
        """Close the tunnel."""
        self._tunnel.close()


def running_head(cluster: ClusterFile) -> Head | None:
    """The cluster's head, which the caller closes; None if none runs, or the cloud does not say so in time."""
    tunnel = _Tunnel(cluster.file)
    try:
        ready = tunnel.report("looking", IMPORT_S)
        found = tunnel.report("head", PATIENCE_S) if ready else None
        if found:
            return Head(cluster, found["head"], tunnel)
    except BaseException:
        tunnel.close()
        raise
    tunnel.close()
    return None


class _Tunnel:
    """The process that looks up a head and then holds a tunnel to it, and what it reports."""

    def __init__(self, file: Path) -> None:
        self._file, self.port = file, _free_port()
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process is)
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *ASK, str(self._file), str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the launch, which still needs the tunnel to stop its job
            env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"},
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process, self._lines), daemon=True).start()

    def report(self, what: str, patience_s: float) -> dict[str, Any] | None:
        """The next report, if it is this one and comes in time."""
        with contextlib.suppress(queue.Empty):
            line = self._lines.get(timeout=patience_s)
            reported = json.loads(line) if line else {}
            return reported if what in reported else None
        return None

    def complaint(self) -> str:
        """The last line of its stderr."""
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read().splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""

    def reopen(self) -> None:
        if self._process.poll() is not None:
            self._start()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._errors.close()


def _listen(process: subprocess.Popen[str], lines: "queue.SimpleQueue[str]") -> None:
    """Pass on each line of the process as it comes, and an empty one at its end."""
    assert process.stdout
    with process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put("")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
