"""A cluster that a file declares for `ray up`: what the file says, whether its head runs, and the way to its dashboard.

The way is a process of its own, `study.cluster.tunnel`, which asks the cloud and holds an ssh tunnel by Ray's own means:
a cloud that does not answer cannot hold a launch up, and nothing but ssh has to be open on the head.
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
"""Where `ray up` leaves the declaration on the head."""

PATIENCE_S = 3.0
"""How long the cloud may take to say whether a head runs."""

IMPORTS_S, WAY_S = 60.0, 45.0
"""How long Ray may take to be imported, and a head that runs to be reached through ssh, in seconds."""

ASK = ("-m", "study.cluster.tunnel")

CLIENTS = {"aws": "boto3", "gcp": "googleapiclient", "azure": "azure.identity"}
"""What `ray up` needs of each cloud: where it is not installed, no cluster was started from here."""


@dataclass(frozen=True)
class Declared:
    """What a cluster's file says that a launch needs to know; `resources` are those of all its workers together."""

    file: Path
    provider: str
    home: str | None
    tracking_uri: str | None
    resources: Mapping[str, float]
    workers: int
    """Nodes besides the head that are there from the start."""


def declared(file: Path) -> Declared:
    """Raises: ClusterError for a file that declares no cluster."""
    import yaml  # of no use to launches where there is no such file

    try:
        return _declared(file, yaml.safe_load(file.read_text()))
    except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError, AttributeError) as fault:
        reason = " ".join(str(fault).split())[:200]
        raise ClusterError(f"{file} declares no cluster for `ray up` ({type(fault).__name__}: {reason})") from fault


def _declared(file: Path, config: Mapping[str, Any]) -> Declared:
    provider, metadata = config["provider"], config.get("metadata") or {}
    kind = str(provider["type"])
    there = int(config.get("min_workers") or len(provider.get("worker_ips") or ())) if kind == "local" else 0
    return Declared(file, kind, metadata.get("home"), metadata.get("tracking_uri"), _resources(config), there)


def declared_here() -> Declared | None:
    """The cluster that this machine is the head of; None where it is no head that `ray up` made."""
    file = Path(ON_THE_HEAD).expanduser()
    with contextlib.suppress(ClusterError):
        return declared(file) if file.is_file() else None
    return None


def _resources(config: Mapping[str, Any]) -> dict[str, float]:
    """CPUs and GPUs of all workers that the autoscaler may start, those with the most GPUs first."""
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


def may_run(cluster: Declared) -> bool:
    """Whether the cluster can have been started from here at all."""
    module = CLIENTS.get(cluster.provider)
    try:
        return module is None or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that is not there itself
        return False


class Head:
    """The running head of a declared cluster, and the tunnel to its dashboard while this object is open."""

    def __init__(self, cluster: Declared, ip: str, way: "_Way") -> None:
        self.cluster, self.ip, self._way = cluster, ip, way
        self.url = f"http://127.0.0.1:{way.port}"

    def token(self) -> str | None:
        """The cluster's token, None where it has none. Raises: ClusterError where ssh does not reach the head."""
        said = self._way.said("token", WAY_S)
        if said is None:
            raise ClusterError(self.silence(self._way.complaint()))
        return said["token"] or None

    def silence(self, reason: str) -> str:
        """The sentence for a head that runs and does not answer."""
        file = self.cluster.file
        return (
            f"the head of {file}, {self.ip}, runs and does not answer{f' ({reason})' if reason else ''}: "
            f"`ray up {file}` repairs it, --address local trains here instead"
        )

    def reopen(self) -> None:
        """Open the tunnel again if it broke, on the same port."""
        self._way.reopen()

    def close(self) -> None:
        """Close the tunnel; the cluster runs on."""
        self._way.close()


def running_head(cluster: Declared) -> Head | None:
    """The cluster's head, None where none runs or the cloud does not say so in time. The caller closes it."""
    way = _Way(cluster.file)
    try:
        ready = way.said("looking", IMPORTS_S)
        found = way.said("head", PATIENCE_S) if ready else None
        if found:
            return Head(cluster, found["head"], way)
    except BaseException:
        way.close()
        raise
    way.close()
    return None


class _Way:
    """The process that looks a head up and then holds a tunnel to it, and what it says."""

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

    def said(self, what: str, patience_s: float) -> dict[str, Any] | None:
        """The next thing said, where it is this one and comes in time."""
        with contextlib.suppress(queue.Empty):
            line = self._lines.get(timeout=patience_s)
            said = json.loads(line) if line else {}
            return said if what in said else None
        return None

    def complaint(self) -> str:
        """The last line that it left on stderr."""
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
    """Pass on what the process says as it says it, and an empty line at its end."""
    assert process.stdout
    with process.stdout:
        for line in process.stdout:
            lines.put(line)
    lines.put("")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
