"""Submitting a launch to a Ray cluster as a job: the same command, run on the cluster's head, its output shown here.

The packages that run here are sent along, so that the cluster trains with this code; a study in a file of the user's own
brings its working directory. The job's address is `auto`: it drives the cluster it is on. It outlives this process, unless
Ctrl-C stops both.
"""

import asyncio
import logging
import os
import shlex
import signal
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import ray.util
from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient
from ray.util.state import list_nodes
from rich.console import Console
from rich.markup import escape

from study.declare import DeclarationError, Scale
from study.faults import refuse_secret
from study.masked import masked
from study.place import Place, dashboard_of

PACKAGES = ("study", "models", "analysis")
LEFT_BEHIND = [".[!.]*", "__pycache__", "venv", "/runs", "mlruns", "mlflow.db*", "*.egg-info"]
"""What of a working directory is never sent, besides what its .gitignore and .rayignore name; hidden files first.

Ray matches the folder itself, `.`, too: the pattern `.*` would leave everything behind."""

STOP_S = 30
"""How long a job may take to leave in good order when it is stopped, in seconds: Ray's own three are too few."""

PAUSES_S = (1.0, 3.0, 10.0, 30.0)
"""Waits before a lost connection to the job's output is tried again, in seconds."""

ENDED = {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.STOPPED}
SAID = (0, 1, 2, 130)
"""The launcher's own exit statuses: what they mean stands in the job's output."""


@dataclass(frozen=True)
class Request:
    """A launch as it was asked for here, to be repeated on the cluster; `options` mean the same there."""

    study: str
    name: str
    home: str
    scale: Scale
    tracking_uri: str | None
    mirrored: bool
    options: list[str]


def submit(request: Request, place: Place, console: Console) -> int:
    """Run the launch as a job and show its output; returns the job's exit status. Raises: DeclarationError."""
    refuse_secret("--home", request.home)
    refuse_secret("--tracking-uri", request.tracking_uri)
    own = _own_file(request.study)
    client = _connect(place)
    home = _home_there(request.home, client)
    mirror, note = _mirror_there(request, home)
    command = ["python3", "-m", "study.launch", own or request.study, "--address", "auto", "--home", home]
    command += ["--scale", request.scale]
    job = _Job(client, f"{request.name}-{uuid.uuid4().hex[:8]}", console)
    try:
        job.send(shlex.join([*command, *mirror, *request.options]), _environment(bool(own), home, console.width))
        console.print(
            f"[bold]{request.name}[/] at {request.scale} scale on the Ray cluster at {job.address}, "
            f"submitted as [bold]{job.job_id}[/], home {escape(home)}{note}",
            soft_wrap=True,
        )
        console.print(f"it goes on without this terminal: {job.look_again}; Ctrl-C stops it", soft_wrap=True)
        return job.follow()
    except KeyboardInterrupt:
        return job.stop()


def attach(name: str, place: Place, console: Console) -> int:
    """Show the output of a submitted launch again, and what is still to come; returns the job's exit status.

    `name` is the job's, or a study's, whose newest job is meant. Raises: DeclarationError where the cluster knows neither.
    """
    client = _connect(place)
    jobs = {job.submission_id: job.start_time or 0 for job in client.list_jobs() if job.submission_id}
    found = [each for each in jobs if name in (each, each.rpartition("-")[0])]
    if not found:
        known = ", ".join(sorted(jobs, key=lambda each: jobs[each])[-5:]) or "none at all"
        raise DeclarationError(f"the cluster at {client.get_address()} knows no launch {name}: it knows {known}")
    job = _Job(client, max(found, key=lambda each: jobs[each]), console)
    console.print(f"[bold]{job.job_id}[/] on the Ray cluster at {job.address}; Ctrl-C leaves it at work")
    try:
        return job.follow()
    except KeyboardInterrupt:
        console.print(f"the job goes on: {job.look_again}", soft_wrap=True)
        return 130


class _Job:
    """One job on a cluster, and how much of its output has been shown."""

    def __init__(self, client: JobSubmissionClient, job_id: str, console: Console) -> None:
        self._client, self.job_id, self._console = client, job_id, console
        self.address = masked(client.get_address())
        self.look_again = f"`python -m study.launch --attach {job_id} --address {self.address}` shows it again"
        self._shown = 0

    def send(self, entrypoint: str, environment: dict[str, object]) -> None:
        """Raises: DeclarationError where the cluster does not take the job."""
        try:
            self._client.submit_job(entrypoint=entrypoint, submission_id=self.job_id, runtime_env=environment)
        except (RuntimeError, ValueError, OSError) as fault:
            reason = str(fault).strip().splitlines()[-1][:300].rstrip(".")
            hint = ": a .gitignore or .rayignore keeps large files back" if "exceed" in reason else ""
            raise DeclarationError(
                f"the Ray cluster at {self.address} does not take the job: {reason}{hint}"
            ) from fault

    def follow(self) -> int:
        """Show the job's output to its end; returns its exit status."""
        details = self._shown_to_the_end()
        if details is None:
            self._console.print(f"the connection to {self.address} is lost; the job goes on: {self.look_again}")
            return 1
        if details.status == JobStatus.STOPPED:
            self._console.print("the job was stopped: the same command goes on from there")
            return 130
        status = details.driver_exit_code
        if status is None:
            reason = (details.message or "no reason given").strip().splitlines()[-1]
            self._console.print(f"the job could not run ({escape(reason)}): {self.look_again}", soft_wrap=True)
            return 1
        if status not in SAID:
            self._console.print(f"the job ended with status {status}: its last lines above say why")
        return status if status >= 0 else 128 - status

    def stop(self) -> int:
        """Ask the job to stop, wait until it has, and leave as an interrupted launch does."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C leaves at once
        self._console.print("stopping the job")
        try:
            self._client.stop_job(self.job_id)
        except RuntimeError:  # it had not been submitted yet
            return 130
        except OSError:
            self._console.print(f"the job could not be reached, and goes on: {self.look_again}", soft_wrap=True)
            return 130
        if self._shown_to_the_end():
            self._console.print(f"the job {self.job_id} was stopped: the same command goes on from there")
        else:
            self._console.print(f"the job was asked to stop, and cannot be followed: {self.look_again}", soft_wrap=True)
        return 130

    def _shown_to_the_end(self) -> JobDetails | None:
        """What became of the job when its output has ended; None where the cluster cannot be reached any more."""
        pauses = iter(PAUSES_S)
        while True:
            before = self._shown
            try:
                asyncio.run(self._show())
                for _ in range(20):  # its output ends a moment before its status says so
                    if (details := self._client.get_job_info(self.job_id)).status in ENDED:
                        return details
                    time.sleep(0.25)
            except (RuntimeError, OSError, aiohttp.ClientError):
                pass
            if self._shown > before:  # the connection was there again
                pauses = iter(PAUSES_S)
            if (pause := next(pauses, None)) is None:
                return None
            time.sleep(pause)

    async def _show(self) -> None:
        """Pass the output on as it comes. A tail begins at the beginning: what was shown is not shown again."""
        position = 0
        async for text in self._client.tail_job_logs(self.job_id):
            position += len(text)
            if position > self._shown:
                sys.stdout.write(text[self._shown - position :])
                sys.stdout.flush()
                self._shown = position


def _connect(place: Place) -> JobSubmissionClient:
    """A client of the cluster's dashboard. Raises: DeclarationError."""
    for module in ("dashboard.modules.job.sdk", "dashboard.modules.dashboard_sdk", "_private.runtime_env.packaging"):
        logging.getLogger(f"ray.{module}").setLevel(logging.ERROR)  # what matters is said in our own words
    url = dashboard_of(place)
    for variable in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"):
        os.environ.pop(variable, None)  # the client would follow them instead of what it is given
    try:
        return JobSubmissionClient(url or place.address)
    except AuthenticationError as fault:
        raise DeclarationError(
            f"the Ray at {place.address} asks for its token: set RAY_AUTH_MODE=token, "
            "and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH"
        ) from fault
    except (RuntimeError, ValueError, OSError) as fault:
        raise DeclarationError(
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
        raise DeclarationError(f"{file} is outside of the folder that is sent to the cluster: launch it from its own")
    return f"{Path(file).resolve().relative_to(here)}:{study}"


def _home_there(text: str, client: JobSubmissionClient) -> str:
    """The home as the cluster's nodes name it: a job's own folder is a temporary one, so nothing may be relative to it.

    An absolute path is taken for a folder that the nodes share. Raises: DeclarationError for a folder of this machine.
    """
    if "://" in text or Path(text).is_absolute():
        return text
    nodes = list_nodes(address=client.get_address())
    if {node.node_ip for node in nodes} - _addresses_here():  # pyright: ignore[reportAttributeAccessIssue]
        raise DeclarationError(
            f"the home {text} is a folder of this machine: name one that every node of the cluster reaches, "
            "--home s3://... or the absolute path of a shared folder"
        )
    return str(Path(text).expanduser().absolute())


def _addresses_here() -> set[str]:
    return {"127.0.0.1", "::1", ray.util.get_node_ip_address()}


def _mirror_there(request: Request, home: str) -> tuple[list[str], str]:
    """The job's options for MLflow, and what must be said of it. Raises: DeclarationError for a database of this folder."""
    uri = request.tracking_uri
    if not request.mirrored:
        return ["--no-mirror"], ""
    if uri and ("://" not in uri or (uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"))):
        raise DeclarationError(
            f"--tracking-uri {uri} is relative to a folder of this machine: give a server's address or an absolute path"
        )
    if uri:
        return ["--tracking-uri", uri], ""
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
        "py_modules": [str(Path(__file__).parents[1] / package) for package in PACKAGES],
        "excludes": kept_back,
        "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_S), "COLUMNS": str(width)},
        **({"working_dir": str(here)} if with_folder else {}),
    }
