"""Submitting a launch to a Ray cluster as a job: the same command, run on the cluster's head, its output shown here.

Our packages are sent along, so that the cluster trains with this very code; a study in a user's file brings its working
directory. Studies that are launched together are one job, and train together there, too. The job's address is `auto`: it
drives the cluster it runs on. It outlives this process, unless Ctrl-C stops both.
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

from study.cluster.cluster_file import ClusterFile
from study.cluster.job import Job, studies_of
from study.cluster.target import Target, dashboard_of
from study.declare.origin import SENT_FROM
from study.declare.table import Scale
from study.errors import ClusterError, OptionError, refuse_secret

PROJECT = Path(__file__).parents[2]
PACKAGES = ("collapsar", "study", "models", "analysis")
LEFT_BEHIND = [".[!.]*", "__pycache__", "venv", "/runs", "mlruns", "mlflow.db*", "*.egg-info"]
"""Files of a working directory that are never sent, besides those of its .gitignore and .rayignore; hidden ones first.

Ray matches the folder itself, `.`, too: the pattern `.*` would leave everything behind."""

STOP_S = 30
"""Seconds that a job may take to end in good order when it is stopped: Ray's own three are too few."""


@dataclass(frozen=True)
class Request:
    """A launch as it was typed here, to be repeated on the cluster; `options` mean the same there.

    `studies` maps each argument to the name of its study.
    """

    studies: Mapping[str, str]
    home: str | None
    scale: Scale
    tracking_uri: str | None
    mirrored: bool
    options: list[str]

    @property
    def name(self) -> str:
        """The beginning of its job's name."""
        first, *others = self.studies.values()
        return f"{first}-and-{len(others)}-more" if others else first


def submit(request: Request, target: Target, console: Console) -> int:
    """Run the launch as a job and show its output; returns the job's exit status. Raises: OptionError, ClusterError."""
    cluster = target.cluster
    refuse_secret("--home", request.home or (cluster and cluster.home))
    refuse_secret("--tracking-uri", request.tracking_uri or (cluster and cluster.tracking_uri))
    own = {asked: _own_file(asked) for asked in request.studies}
    client, target = _connect(target)
    home = _home_there(request.home, cluster, client)
    mirror, note = _mirror_there(request, cluster, home)
    command = ["python3", "-m", "collapsar", "launch", *(path or asked for asked, path in own.items())]
    command += ["--address", "auto", "--home", home, "--scale", request.scale]
    job = Job(client, target, f"{request.name}-{uuid.uuid4().hex[:8]}", console)
    try:
        environment = _environment(any(own.values()), home, console.width)
        job.send(shlex.join([*command, *mirror, *request.options]), environment, request.studies.values())
        console.print(
            f"[bold]{', '.join(request.studies.values())}[/] at {request.scale} scale on {target}, "
            f"submitted as [bold]{job.job_id}[/], home {escape(home)}{note}",
            soft_wrap=True,
        )
        console.print(f"it goes on without this terminal: {job.look_again}; Ctrl-C stops it", soft_wrap=True)
        return job.follow()
    except KeyboardInterrupt:
        return job.stop()


def attach(name: str, target: Target, console: Console) -> int:
    """Show all output of a submitted launch, past and to come; returns the job's exit status.

    `name` is that of the job, or of a study, whose newest job is meant. Raises: OptionError if the cluster knows neither.
    """
    client, target = _connect(target)
    jobs = sorted((job for job in client.list_jobs() if job.submission_id), key=lambda job: job.start_time or 0)
    found = [job.submission_id for job in jobs if name in (job.submission_id, *studies_of(job))]
    if not found:
        known = ", ".join(str(job.submission_id) for job in jobs[-5:]) or "none at all"
        raise OptionError(f"{target} knows no launch {name}: it knows {known}")
    job = Job(client, target, str(found[-1]), console)
    console.print(f"[bold]{job.job_id}[/] on {target}; Ctrl-C leaves it at work")
    try:
        return job.follow()
    except KeyboardInterrupt:
        console.print(f"the job goes on: {job.look_again}", soft_wrap=True)
        return 130


def _connect(target: Target) -> tuple[JobSubmissionClient, Target]:
    """A client of the cluster's dashboard, and the target with the dashboard's address. Raises: ClusterError."""
    for module in ("dashboard.modules.job.sdk", "dashboard.modules.dashboard_sdk", "_private.runtime_env.packaging"):
        logging.getLogger(f"ray.{module}").setLevel(logging.ERROR)  # we say what matters in our own words
    url = dashboard_of(target)
    for variable in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"):
        os.environ.pop(variable, None)  # the client would obey them rather than its argument
    try:
        client = JobSubmissionClient(url or target.address)
        return client, target if target.head else replace(target, address=client.get_address())
    except AuthenticationError as fault:
        raise ClusterError(
            f"{target} asks for its token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH"
        ) from fault
    except (RuntimeError, ValueError, OSError) as fault:
        raise ClusterError(
            f"the Ray at {target.address} has no dashboard that takes jobs from here: start it where ray[default] "
            "is installed, or forward its port 8265 and give --address http://localhost:8265"
        ) from fault


def _own_file(name: str) -> str | None:
    """A user's file and study as the job finds it, relative to the working directory; None for a study of the catalog."""
    file, _, study = name.partition(":")
    if ".py" not in name:
        return None
    here = Path.cwd().resolve()
    if not Path(file).resolve().is_relative_to(here):
        raise OptionError(f"{file} is outside of the folder that is sent to the cluster: launch it from its own")
    return f"{Path(file).resolve().relative_to(here)}:{study}"


def _home_there(asked: str | None, cluster: ClusterFile | None, client: JobSubmissionClient) -> str:
    """The home as the cluster's nodes name it: the one asked for, else that of the cluster's file, else ./runs.

    Nothing may be relative to a job's own folder, which is temporary. An absolute path is taken for a folder that the nodes
    share. Raises: OptionError for a folder of this machine.
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


def _mirror_there(request: Request, cluster: ClusterFile | None, home: str) -> tuple[list[str], str]:
    """The job's options for MLflow, and a remark about it. Raises: OptionError for a database in this folder."""
    uri = request.tracking_uri or (cluster.tracking_uri if cluster else None)
    if not request.mirrored:
        return ["--no-mirror"], ""
    if uri and ("://" not in uri or (uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"))):
        raise OptionError(
            f"--tracking-uri {uri} is relative to a folder of this machine: give a server's address or an absolute path"
        )
    if uri:
        port = urlsplit(uri).port if "//127.0.0.1:" in uri or "//localhost:" in uri else None
        remark = (
            f"; `ray attach {cluster.file} --port-forward {port}` brings its MLflow to {uri}"
            if cluster and port
            else ""
        )
        return ["--tracking-uri", uri], remark
    if "://" in home and not home.startswith("file://"):  # the database would be in the job's folder, and be lost
        return ["--no-mirror"], f"; without MLflow, which `collapsar mirror --home {home}` fills from its records"
    return [], ""


def _environment(with_folder: bool, home: str, width: int) -> dict[str, object]:
    """The job's runtime environment: our packages, the user's folder, and time to stop."""
    here, there = Path.cwd(), Path(home)
    excluded = list(LEFT_BEHIND)
    if there.is_relative_to(here):
        inside = "" if there == here else f"/{there.relative_to(here)}"
        excluded += [f"{inside}/{part}/" for part in ("records", "artifacts", "studies", "mlartifacts")]
    return {
        "py_modules": [str(PROJECT / package) for package in PACKAGES],
        "excludes": excluded,
        "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_S), "COLUMNS": str(width), SENT_FROM: str(here.resolve())},
        **({"working_dir": str(here)} if with_folder else {}),
    }
