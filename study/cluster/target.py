"""Where a launch trains: on this machine, on the cluster it is part of, or on one that is sent a job. Knows no Ray.

An address names one of five things. `local` is a Ray of our own here. `auto` is the cluster that this machine is part of:
the launch drives it itself, which is what a submitted job does. `http://HOST:8265` is a cluster's dashboard, `HOST:6379`
its Ray, which knows its dashboard, and `FILE.yaml` a cluster that the file declares and `ray up` started: the launch is
sent there as a job. No address is the cluster of ./cluster.yaml where its head runs, and this machine where it does not.
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

from study.cluster.cluster_file import DEFAULT, WAY_S, Declared, Head, declared, declared_here, may_run, running_head
from study.declare.table import Scale
from study.errors import ClusterError, OptionError
from study.secrets import masked

PATIENCE_S = 3.0
"""How long an address may take to answer."""

START = "start one there with `ray start --head`, or give --address local"


@dataclass(frozen=True)
class Place:
    """Where to train, as it was asked for; `address` is None for this machine, `head` what a file's cluster has."""

    address: str | None = None
    head: Head | None = None

    @property
    def is_sent(self) -> bool:
        """Whether a job must be submitted: the address is another cluster's, not our own."""
        return self.address not in (None, "auto")

    @property
    def cluster(self) -> Declared | None:
        """What the file says that declares the place."""
        return self.head.cluster if self.head else None

    @property
    def resources(self) -> Mapping[str, float]:
        """CPUs and GPUs that the place's file declares; nothing where no file does."""
        cluster = self.cluster or (declared_here() if self.address == "auto" else None)
        return cluster.resources if cluster else {}

    @property
    def option(self) -> str:
        """What names this place again on the command line, from the same folder."""
        is_default = self.head and self.head.cluster.file == Path(DEFAULT)
        return "" if is_default or not self.address else f" --address {masked(self.address)}"

    def scale_of(self, declared: Container[Scale]) -> Scale:
        """The scale of a launch that names none: the paper's on a cluster, where the study declares it."""
        return "paper" if self.address and "paper" in declared else "laptop"

    def reopen(self) -> None:
        """Mend the way there, where it is a tunnel."""
        if self.head:
            self.head.reopen()

    def __str__(self) -> str:
        if self.address is None:
            return "this machine"
        if self.head:
            return f"the cluster of {self.head.cluster.file} (head {self.head.ip})"
        return f"the Ray cluster at {masked(self.address)}" if self.is_sent else "the Ray cluster of this machine"


@contextlib.contextmanager
def found_place(text: str | None) -> Iterator[Place]:
    """The place that `--address`, else RAY_ADDRESS, else ./cluster.yaml names; the way there is open inside.

    Raises: OptionError for an address of no known kind; ClusterError for a named file whose cluster does not run, and where
    a running head cannot be reached.
    """
    place = _place(text)
    try:
        if place.head and (token := place.head.token()):
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}  # Ray reads them when it is imported
        yield place
    finally:
        if place.head:
            place.head.close()


def _place(text: str | None) -> Place:
    address = (text or os.environ.get("RAY_ADDRESS") or "").rstrip("/")
    if not address:
        return _default()
    if address == "local":
        return Place()
    if address.endswith((".yaml", ".yml")):
        if head := running_head(declared(Path(address))):
            return Place(address, head)
        raise ClusterError(
            f"the cluster of {address} has no head that runs, as far as can be told from here: "
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
    return Place(address)


def _default() -> Place:
    file = Path(DEFAULT)
    with contextlib.suppress(ClusterError):  # a file of that name may be about something else
        if file.is_file() and may_run(cluster := declared(file)) and (head := running_head(cluster)):
            return Place(DEFAULT, head)
    return Place()


def dashboard_of(place: Place) -> str | None:
    """The URL of a cluster's dashboard, None where a Ray answers that only Ray itself can ask for its dashboard.

    Raises: ClusterError where nothing like a Ray answers in time.
    """
    if place.head:
        return _through_the_tunnel(place.head)
    address = place.address or ""
    has_scheme = "://" in address
    url = address if has_scheme else f"http://{address}"
    try:
        if _is_dashboard(url):
            return url
    except http.client.BadStatusLine:  # gRPC, which is no HTTP of this kind: a Ray's own port
        if not has_scheme:
            return None
    except (OSError, ValueError, http.client.HTTPException):
        pass
    raise ClusterError(f"no Ray {'dashboard ' if has_scheme else ''}answers at {address}: {START}")


def _through_the_tunnel(head: Head) -> str:
    deadline = time.monotonic() + WAY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            if _is_dashboard(head.url):
                return head.url
        time.sleep(0.2)
    raise ClusterError(head.silence("ssh reaches it, and its dashboard is not there"))


def _is_dashboard(url: str) -> bool:
    """Raises: OSError, ValueError or HTTPException where no dashboard answers."""
    try:
        with urllib.request.urlopen(f"{url}/api/version", timeout=PATIENCE_S) as answer:
            return "ray_version" in json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code in (401, 403)  # it wants a token, which is the client's business
