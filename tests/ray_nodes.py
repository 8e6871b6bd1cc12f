"""A Ray cluster of several nodes on this machine: a head that trains nothing, and workers that come and go."""

import contextlib
import shutil
import signal
import tempfile

import psutil
import pytest

STORE = 80 * 2**20
"""Bytes of a node's object store, which a study hardly uses."""

QUICK = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1500,
    "health_check_failure_threshold": 3,
}
"""A head with these settings knows within seconds that a node is gone, not within a quarter of a minute."""


class Nodes:
    """The cluster; a launch with `address` in its RAY_ADDRESS joins it by `--address auto`."""

    def __init__(self):
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(shutdown_at_exit=False)
        self._seen = set()
        self._add(num_cpus=0, include_dashboard=False, _system_config=QUICK)

    @property
    def address(self):
        return self._cluster.address

    def add(self, cpus=1, gpus=0):
        """A worker that has joined."""
        return self._add(num_cpus=cpus, num_gpus=gpus)

    def _add(self, **options):
        node = self._cluster.add_node(object_store_memory=STORE, **options)
        self._seen.add(raylet(node))
        return node

    def kill(self, node, how=signal.SIGKILL):
        """The node's raylet gets a signal that it does not outlive, and its workers are left to themselves."""
        self._seen |= set(raylet(node).children(recursive=True))
        raylet(node).send_signal(how)
        self.bury(node)

    def bury(self, node):
        """Wait for the end of a node's raylet."""
        node.all_processes["raylet"][0].process.wait(timeout=60)
        self._cluster.remove_node(node, allow_graceful=False)

    def remove(self, node):
        """Take a node away in good order."""
        self._cluster.remove_node(node, allow_graceful=True)

    def clear(self):
        """End every worker node, and whatever has outlived one."""
        for node in list(self._cluster.worker_nodes):
            self.kill(node)
        for process in self._seen - {raylet(self._cluster.head_node)}:
            end(process)

    def end(self):
        self.clear()
        head = raylet(self._cluster.head_node)
        for process in [*head.children(recursive=True), head]:
            end(process)
        self._cluster.shutdown()


def raylet(node):
    return psutil.Process(node.all_processes["raylet"][0].process.pid)


def processes(node):
    """The ids of the processes on a node."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {child.pid for child in raylet(node).children(recursive=True)}
    return set()


def end(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()  # which is all that can be done to a stopped one


@contextlib.contextmanager
def head_alone():
    """A cluster without workers, in a folder of its own under a short path, where Ray's sockets fit."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)  # else it would be the cluster of whoever joins `auto` on this machine
        nodes = None
        try:
            nodes = Nodes()
            yield nodes
        finally:
            if nodes:
                nodes.end()
            shutil.rmtree(folder, ignore_errors=True)
