"""Submitting a launch to a Ray cluster as a job: the same command, run on the cluster's head, its output shown here.

The packages that run here are sent along, so that the cluster trains with this code; a study in a file of the user's own
brings its working directory. Studies that are launched together are one job, and train together there, too. The job's
address is `auto`: it drives the cluster it is on. It outlives this process, unless Ctrl-C stops both.
"""

import logging
import os
import shlex
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import ray.util
from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient
from ray.util.state import list_nodes
from rich.console import Console
from rich.markup import escape

from study.cluster.cluster_file import Declared
from study.cluster.job import Job, studies_of
from study.cluster.target import Place, dashboard_of
from study.declare.table import Scale
from study.errors import ClusterError, OptionError, refuse_secret

PROJECT = Path(__file__).parents[2]
PACKAGES = ("study", "models", "analysis")
LEFT_BEHIND = [".[!.]*", "__pycache__", "venv", "/runs", "mlruns", "mlflow.db*", "*.egg-info"]
"""What of a working directory is never sent, besides what its .gitignore and .rayignore name; hidden files first.

Ray matches the folder itself, `.`, too: the pattern `.*` would leave everything behind."""

STOP_S = 30
"""How long a job may take to leave in good order when it is stopped, in seconds: Ray's own three are too few."""


@dataclass(frozen=True)
class Request:
    """A launch as it was asked for here, to be repeated on the cluster; `options` mean the same there.

    `studies` are the studies' names by what they were asked for by.
    """

    studies: Mapping[str, str]
    home: str | None
    scale: Scale
    tracking_uri: str | None
    mirrored: bool
    options: list[str]

    @property
    def name(self) -> str:
        """What its job is called after."""
        first, *others = self.studies.values()
        return f"{first}-and-{len(others)}-more" if others else first


def submit(request: Request, place: Place, console: Console) -> int:
    """Run the launch as a job and show its output; returns the job's exit status. Raises: OptionError, ClusterError."""
    cluster = place.cluster
    refuse_secret("--home", request.home or (cluster and cluster.home))
    refuse_secret("--tracking-uri", request.tracking_uri or (cluster and cluster.tracking_uri))
    own = {asked: _own_file(asked) for asked in request.studies}
    client, place = _connect(place)
    home = _home_there(request.home, cluster, client)
    mirror, note = _mirror_there(request, cluster, home)
    command = ["python3", "-m", "study.launch", *(path or asked for asked, path in own.items())]
    command += ["--address", "auto", "--home", home, "--scale", request.scale]
    job = Job(client, place, f"{request.name}-{uuid.uuid4().hex[:8]}", console)
    try:
        environment = _environment(any(own.values()), home, console.width)
        job.send(shlex.join([*command, *mirror, *request.options]), environment, request.studies.values())
        console.print(
            f"[bold]{', '.join(request.studies.values())}[/] at {request.scale} scale on {place}, "
            f"submitted as [bold]{job.job_id}[/], home {escape(home)}{note}",
            soft_wrap=True,
        )
        console.print(f"it goes on without this terminal: {job.look_again}; Ctrl-C stops it", soft_wrap=True)
        return job.follow()
    except KeyboardInterrupt:
        return job.stop()


def attach(name: str, place: Place, console: Console) -> int:
    """Show the output of a submitted launch again, and what is still to come; returns the job's exit status.

    `name` is the job's, or a study's, of which the newest job is meant.
    Raises: OptionError where the cluster knows neither.
    """
    client, place = _connect(place)
    jobs = sorted((job for job in client.list_jobs() if job.submission_id), key=lambda job: job.start_time or 0)
    found = [job.submission_id for job in jobs if name in (job.submission_id, *studies_of(job))]
    if not found:
        known = ", ".join(str(job.submission_id) for job in jobs[-5:]) or "none at all"
        raise OptionError(f"{place} knows no launch {name}: it knows {known}")
    job = Job(client, place, str(found[-1]), console)
    console.print(f"[bold]{job.job_id}[/] on {place}; Ctrl-C leaves it at work")
    try:
        return job.follow()
    except KeyboardInterrupt:
        console.print(f"the job goes on: {job.look_again}", soft_wrap=True)
        return 130


def _connect(place: Place) -> tuple[JobSubmissionClient, Place]:
    """A client of the cluster's dashboard, and the place by that name. Raises: ClusterError."""
    for module in ("dashboard.modules.job.sdk", "dashboard.modules.dashboard_sdk", "_private.runtime_env.packaging"):
        logging.getLogger(f"ray.{module}").setLevel(logging.ERROR)  # what matters is said in our own words
    url = dashboard_of(place)
    for variable in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"):
        os.environ.pop(variable, None)  # the client would follow them instead of what it is given
    try:
        client = JobSubmissionClient(url or place.address)
        return client, place if place.head else replace(place, address=client.get_address())
    except AuthenticationError as fault:
        raise ClusterError(
            f"{place} asks for its token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH"
        ) from fault
    except (RuntimeError, ValueError, OSError) as fault:
        raise ClusterError(
            f"the Ray at {place.address} has no dashboard that takes jobs from here: start it where ray[default] "
            "is installed, or forward its port 8265 and give --address http://localhost:8265"
        ) from fault


def _own_file(name: str) -> str | None:
    """A study of the user's own as the job finds it, relative to the working directory; None for the catalog's."""
    file, _, study = name.partition(":")
    if ".py" not in name:
        return None
    here = Path.cwd().resolve()
    if not Path(file).resolve().is_relative_to(here):
        raise OptionError(f"{file} is outside of the folder that is sent to the cluster: launch it from its own")
    return f"{Path(file).resolve().relative_to(here)}:{study}"


def _home_there(asked: str | None, cluster: Declared | None, client: JobSubmissionClient) -> str:
    """The home as the cluster's nodes name it: a job's own folder is a temporary one, so nothing may be relative to it.

    Asked for, else named by the cluster's file, else ./runs.
    An absolute path is taken for a folder that the nodes share. Raises: OptionError for a folder of this machine.
    """
    text = asked if asked is not None else (cluster and cluster.home) or "./runs"
    if "://" in text or Path(text).is_absolute():
        return text
    nodes = list_nodes(address=client.get_address())
    if {node.node_ip for node in nodes} - _addresses_here():  # pyright: ignore[reportAttributeAccessIssue]
        raise OptionError(
            f"the home {text} is a folder of this machine: name one that every node of the cluster reaches, "
            "--home s3://... or the absolute path of a shared folder"
        )
    return str(Path(text).expanduser().absolute())


def _addresses_here() -> set[str]:
    return {"127.0.0.1", "::1", ray.util.get_node_ip_address()}


def _mirror_there(request: Request, cluster: Declared | None, home: str) -> tuple[list[str], str]:
    """The job's options for MLflow, and what must be said of it. Raises: OptionError for a database of this folder."""
    uri = request.tracking_uri or (cluster.tracking_uri if cluster else None)
    if not request.mirrored:
        return ["--no-mirror"], ""
    if uri and ("://" not in uri or (uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"))):
        raise OptionError(
            f"--tracking-uri {uri} is relative to a folder of this machine: give a server's address or an absolute path"
        )
    if uri:
        port = urlsplit(uri).port if "//127.0.0.1:" in uri or "//localhost:" in uri else None
        way = (
            f"; `ray attach {cluster.file} --port-forward {port}` brings its MLflow to {uri}"
            if cluster and port
            else ""
        )
        return ["--tracking-uri", uri], way
    if "://" in home and not home.startswith("file://"):  # the database would lie in the job's folder, and be lost
        return ["--no-mirror"], f"; without MLflow, which `python -m study.ledger --home {home}` fills from its records"
    return [], ""


def _environment(with_folder: bool, home: str, width: int) -> dict[str, object]:
    """What the job needs besides the cluster's Python: our packages, the user's folder, and time to stop."""
    here, there = Path.cwd(), Path(home)
    kept_back = list(LEFT_BEHIND)
    if there.is_relative_to(here):
        inside = "" if there == here else f"/{there.relative_to(here)}"
        kept_back += [f"{inside}/{part}/" for part in ("records", "artifacts", "studies", "mlartifacts")]
    return {
        "py_modules": [str(PROJECT / package) for package in PACKAGES],
        "excludes": kept_back,
        "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_S), "COLUMNS": str(width)},
        **({"working_dir": str(here)} if with_folder else {}),
    }
