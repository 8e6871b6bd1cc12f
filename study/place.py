"""Where a launch trains: on this machine, on the cluster it is part of, or on one that is sent a job. Knows no Ray.

An address names one of four things. Nothing or `local` is a Ray of our own here. `auto` is the cluster that this machine
is part of: the launch drives it itself, which is what a submitted job does. `http://HOST:8265` is a cluster's dashboard and
`HOST:6379` its Ray, which knows its dashboard: the launch is sent there as a job.
"""

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Container
from dataclasses import dataclass

from study.declare import DeclarationError, Scale
from study.masked import masked

PATIENCE_S = 3.0
"""How long an address may take to answer."""

START = "start one there with `ray start --head`, or give --address local"


@dataclass(frozen=True)
class Place:
    """Where to train, as it was asked for; `address` is None for this machine."""

    address: str | None = None

    @property
    def is_sent(self) -> bool:
        """Whether a job must be submitted: the address is another cluster's, not our own."""
        return self.address not in (None, "auto")

    def scale_of(self, declared: Container[Scale]) -> Scale:
        """The scale of a launch that names none: the paper's on a cluster, where the study declares it."""
        return "paper" if self.address and "paper" in declared else "laptop"

    def __str__(self) -> str:
        if self.address is None:
            return "this machine"
        return f"the Ray cluster at {masked(self.address)}" if self.is_sent else "the Ray cluster of this machine"


def find_place(text: str | None) -> Place:
    """The place that `--address`, else RAY_ADDRESS, names. Raises: DeclarationError for an address of no known kind."""
    address = (text or os.environ.get("RAY_ADDRESS") or "local").rstrip("/")
    if address == "local":
        return Place()
    scheme, separator, _ = address.rpartition("://")
    if scheme == "ray":
        raise DeclarationError(
            f"{address} is a Ray Client's address, which carries no job: give the dashboard's, http://HOST:8265"
        )
    known = scheme in ("http", "https") if separator else address == "auto" or ":" in address
    if not known:
        raise DeclarationError(f"{address} is no Ray address: give http://HOST:8265, HOST:6379, auto or local")
    return Place(address)


def dashboard_of(place: Place) -> str | None:
    """The URL of a cluster's dashboard, None where a Ray answers that only Ray itself can ask for its dashboard.

    Raises: DeclarationError where nothing like a Ray answers in time.
    """
    address = place.address or ""
    has_scheme = "://" in address
    url = address if has_scheme else f"http://{address}"
    try:
        with urllib.request.urlopen(f"{url}/api/version", timeout=PATIENCE_S) as answer:
            if "ray_version" in json.load(answer):
                return url
    except urllib.error.HTTPError as refusal:
        if refusal.code in (401, 403):  # it wants a token, which is the client's business
            return url
    except http.client.BadStatusLine:  # gRPC, which is no HTTP of this kind: a Ray's own port
        if not has_scheme:
            return None
    except (OSError, ValueError, http.client.HTTPException):
        pass
    raise DeclarationError(f"no Ray {'dashboard ' if has_scheme else ''}answers at {address}: {START}")
