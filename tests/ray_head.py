"""A Ray head in a process of its own, which takes jobs from whoever has its token."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from launches import ROOT

from study.cluster.target import Target, dashboard_of
from study.errors import ClusterError


class Head:
    """A Ray head on this machine: the addresses of its dashboard and of Ray itself, and what a client needs to know."""

    def __init__(self, folder):
        ports = free_ports(6)
        self.dashboard, self.gcs = f"http://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}"
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "PYTHONPATH": str(ROOT)}
        options = {
            "dashboard-host": "127.0.0.1",
            "dashboard-port": ports[0],
            "port": ports[1],
            "ray-client-server-port": ports[2],
            "dashboard-agent-listen-port": ports[3],
            "runtime-env-agent-port": ports[4],
            "metrics-export-port": ports[5],
            "num-cpus": 2,
            "object-store-memory": 200 * 2**20,
            "temp-dir": folder,
        }
        binaries = Path(sys.executable).parent  # of the environment, in which the job finds what it needs
        self.log = folder / "head.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [binaries / "ray", "start", "--head", "--block", *(f"--{k}={v}" for k, v in options.items())],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self.environment | {"PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": ""},
                start_new_session=True,
            )

    def has_started(self):
        """Whether the dashboard answers, once it does or is not going to."""
        deadline = time.monotonic() + 90
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(ClusterError):
                return bool(dashboard_of(Target(self.dashboard)))
            time.sleep(0.3)
        return False

    def end(self):
        """The head and what it started: a job's processes are in groups of their own."""
        started = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        for process in [*started, self.process]:
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


def free_ports(count):
    """Ports of this machine that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def ray_head():
    """A head that has started, in a folder of its own under a short path, where Ray's sockets fit."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    head = Head(folder)
    try:
        if not head.has_started():
            pytest.skip(f"Ray's dashboard does not start here: {head.log.read_text()[-300:]}")
        yield head
    finally:
        head.end()
        shutil.rmtree(folder, ignore_errors=True)
