"""Where a launch trains: on this machine, on the cluster it is part of, or on another one, as a job. Imports no Ray.

An address is one of five things. `local` means a Ray of our own here. `auto` is the cluster that this machine is part of:
the launch drives it itself, as a submitted job does. `http://HOST:8265` is a cluster's dashboard, `HOST:6379` its Ray, which
knows its dashboard, and `FILE.yaml` a cluster that `ray up` started from that file: the launch is sent there as a job.
Without an address it is the cluster of ./cluster.yaml if its head runs, else this machine.
"""

import contextlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from study.cluster.cluster_file import (
    DEFAULT,
    TUNNEL_S,
    ClusterFile,
    Head,
    cluster_of_this_head,
    may_run,
    read_cluster_file,
    running_head,
)
from study.declare.table import Scale
from study.errors import ClusterError, OptionError
from study.secrets import masked

PATIENCE_S = 3.0
"""How long an address may take to answer."""

START = "start one there with `ray start --head`, or give --address local"


@dataclass(frozen=True)
class Target:
    """Where to train. `address` is None for this machine; the cluster of a file has a `head`."""

    address: str | None = None
    head: Head | None = None

    @property
    def is_sent(self) -> bool:
        """Whether the launch is sent as a job: the address is that of another cluster."""
        return self.address not in (None, "auto")

    @property
    def cluster(self) -> ClusterFile | None:
        """The file that declares the cluster, if one does."""
        return self.head.cluster if self.head else None

    @property
    def resources(self) -> Mapping[str, float]:
        """CPUs and GPUs that the cluster's file declares; empty if there is no file."""
        cluster = self.cluster or (cluster_of_this_head() if self.address == "auto" else None)
        return cluster.resources if cluster else {}

    @property
    def option(self) -> str:
        """The option that names this target on the command line, from the same folder."""
        is_default = self.head and self.head.cluster.file == Path(DEFAULT)
        return "" if is_default or not self.address else f" --address {masked(self.address)}"

    def scale_of(self, declared: Container[Scale]) -> Scale:
        """The scale of a launch that names none: on a cluster the paper's, if the study declares it."""
        return "paper" if self.address and "paper" in declared else "laptop"

    def reopen(self) -> None:
        """Open the tunnel again if it broke."""
        if self.head:
            self.head.reopen()

    def __str__(self) -> str:
        if self.address is None:
            return "this machine"
        if self.head:
            return f"the cluster of {self.head.cluster.file} (head {self.head.ip})"
        return f"the Ray cluster at {masked(self.address)}" if self.is_sent else "the Ray cluster of this machine"


@contextlib.contextmanager
def open_target(text: str | None) -> Iterator[Target]:
    """The target that `--address`, else RAY_ADDRESS, else ./cluster.yaml names; inside, the tunnel to it is open.

    Raises: OptionError for an address of no known kind; ClusterError if the cluster of a named file does not run, or a
    running head cannot be reached.
    """
    target = _target(text)
    try:
        if target.head and (token := target.head.token()):
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}  # Ray reads them on import
        yield target
    finally:
        if target.head:
            target.head.close()


def _target(text: str | None) -> Target:
    address = (text or os.environ.get("RAY_ADDRESS") or "").rstrip("/")
    if not address:
        return _default()
    if address == "local":
        return Target()
    if address.endswith((".yaml", ".yml")):
        if head := running_head(read_cluster_file(Path(address))):
            return Target(address, head)
        raise ClusterError(
            f"the cluster of {address} has no running head, as far as this machine can tell: "
            f"`ray up {address}` starts it, --address local trains here"
        )
    scheme, separator, _ = address.rpartition("://")
    if scheme == "ray":
        raise OptionError(
            f"{address} is a Ray Client's address, which carries no job: give the dashboard's, http://HOST:8265"
        )
    known = scheme in ("http", "https") if separator else address == "auto" or ":" in address
    if not known:
        raise OptionError(
            f"{address} is no Ray address: give http://HOST:8265, HOST:6379, a cluster's FILE.yaml, auto or local"
        )
    return Target(address)


def _default() -> Target:
    file = Path(DEFAULT)
    with contextlib.suppress(ClusterError):  # a file of that name may be something else
        if file.is_file() and may_run(cluster := read_cluster_file(file)) and (head := running_head(cluster)):
            return Target(DEFAULT, head)
    return Target()


def dashboard_of(target: Target) -> str | None:
    """The URL of a cluster's dashboard; None for a Ray's own port, which only Ray's client can ask for the dashboard.

    Raises: ClusterError if no Ray answers in time.
    """
    if target.head:
        return _through_the_tunnel(target.head)
    address = target.address or ""
    has_scheme = "://" in address
    url = address if has_scheme else f"http://{address}"
    try:
        if _is_dashboard(url):
            return url
    except http.client.BadStatusLine:  # gRPC: Ray's own port
        if not has_scheme:
            return None
    except (OSError, ValueError, http.client.HTTPException):
        pass
    raise ClusterError(f"no Ray {'dashboard ' if has_scheme else ''}answers at {address}: {START}")


def _through_the_tunnel(head: Head) -> str:
    deadline = time.monotonic() + TUNNEL_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            if _is_dashboard(head.url):
                return head.url
        time.sleep(0.2)
    raise ClusterError(head.no_answer("ssh reaches it, but its dashboard does not answer"))


def _is_dashboard(url: str) -> bool:
    """Whether a Ray dashboard answers. Raises: OSError, ValueError or HTTPException if nothing does."""
    try:
        with urllib.request.urlopen(f"{url}/api/version", timeout=PATIENCE_S) as answer:
            return "ray_version" in json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code in (401, 403)  # it wants a token, which the client has
