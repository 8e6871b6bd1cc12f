"""A launch that runs on a cluster as a job: shows its output, takes over its exit status, and stops it on Ctrl-C."""

import asyncio
import signal
import sys
import time
from collections.abc import Iterable

import aiohttp
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient
from rich.console import Console
from rich.markup import escape

from study.cluster.target import Target
from study.errors import ClusterError

PAUSES_S = (1.0, 3.0, 10.0, 30.0)
"""Seconds before each new try to reach the job's output after the connection is lost."""

ENDED = {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.STOPPED}
EXPLAINED = (0, 1, 2, 130)
"""The launcher's own exit statuses, which the job's output explains."""

STUDIES = "studies"
"""The key of a job's metadata that holds the names of its studies."""


def studies_of(job: JobDetails) -> list[str]:
    """The names of the studies that a job launches."""
    return (job.metadata or {}).get(STUDIES, "").split(",")


class Job:
    """One job on a cluster, and how much of its output has been shown."""

    def __init__(self, client: JobSubmissionClient, target: Target, job_id: str, console: Console) -> None:
        self._client, self._target, self.job_id, self._console = client, target, job_id, console
        self.look_again = f"`collapsar launch --attach {job_id}{target.option}` shows it again"
        self._shown = 0

    def send(self, entrypoint: str, environment: dict[str, object], studies: Iterable[str]) -> None:
        """Submit the job. Raises: ClusterError if the cluster does not take it."""
        try:
            self._client.submit_job(
                entrypoint=entrypoint,
                submission_id=self.job_id,
                runtime_env=environment,
                metadata={STUDIES: ",".join(studies)},
            )
        except (RuntimeError, ValueError, OSError) as fault:
            reason = str(fault).strip().splitlines()[-1][:300].rstrip(".")
            hint = ": a .gitignore or .rayignore keeps large files back" if "exceed" in reason else ""
            raise ClusterError(f"{self._target} does not take the job: {reason}{hint}") from fault

    def follow(self) -> int:
        """Show the job's output to its end; returns its exit status."""
        details = self._follow_to_the_end()
        if details is None:
            self._console.print(f"the connection to {self._target} is lost; the job goes on: {self.look_again}")
            return 1
        if details.status == JobStatus.STOPPED:
            self._console.print("the job was stopped: the same command goes on from there")
            return 130
        status = details.driver_exit_code
        if status is None:
            reason = (details.message or "no reason given").strip().splitlines()[-1]
            self._console.print(f"the job could not run ({escape(reason)}): {self.look_again}", soft_wrap=True)
            return 1
        if status not in EXPLAINED:
            self._console.print(f"the job ended with status {status}: its last lines above say why")
        return status if status >= 0 else 128 - status

    def stop(self) -> int:
        """Ask the job to stop, wait until it has, and leave as an interrupted launch does."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C leaves at once
        self._console.print("stopping the job")
        try:
            self._client.stop_job(self.job_id)
        except RuntimeError:  # it was not submitted yet
            return 130
        except OSError:
            self._console.print(f"the job could not be reached, and goes on: {self.look_again}", soft_wrap=True)
            return 130
        if self._follow_to_the_end():
            self._console.print(f"the job {self.job_id} was stopped: the same command goes on from there")
        else:
            self._console.print(f"the job was asked to stop, and cannot be followed: {self.look_again}", soft_wrap=True)
        return 130

    def _follow_to_the_end(self) -> JobDetails | None:
        """Show the output to its end; returns what became of the job, None if the cluster cannot be reached any more."""
        pauses = iter(PAUSES_S)
        while True:
            before = self._shown
            try:
                asyncio.run(self._show())
                for _ in range(20):  # its output ends a moment before its status changes
                    if (details := self._client.get_job_info(self.job_id)).status in ENDED:
                        return details
                    time.sleep(0.25)
            except (RuntimeError, OSError, aiohttp.ClientError):
                pass
            if self._shown > before:  # the connection came back
                pauses = iter(PAUSES_S)
            if (pause := next(pauses, None)) is None:
                return None
            time.sleep(pause)
            self._target.reopen()

    async def _show(self) -> None:
        """Show the output as it comes. Each connection starts from its beginning, so skip what was shown before."""
        position = 0
        async for text in self._client.tail_job_logs(self.job_id):
            position += len(text)
            if position > self._shown:
                sys.stdout.write(text[self._shown - position :])
                sys.stdout.flush()
                self._shown = position
