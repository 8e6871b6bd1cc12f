"""What trains packs: Ray Tune (`ray_tune`), or this very process (`in_process`)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from study.pack.devices import Pool
from study.pack.pack import Pack
from study.record import Home
from study.run.listener import Listener


class Executor(Protocol):
    """Trains packs that lie in the home, and commits them there."""

    @property
    def pools(self) -> Sequence[Pool]:
        """The devices that packs can train on, the faster kind first."""
        ...

    def run(self, packs: Sequence[Pack], home: Home, listener: Listener) -> Mapping[str, str]:
        """Train and commit the packs; returns pack_id → reason for those that could not be trained.

        Raises: HomeError where home or data refuse, for which no trial is to blame; ExecutorLostError; ClusterError.
        """
        ...


Opening = Callable[[], AbstractContextManager[Executor]]
"""Starts an executor, which ends with the block. Called again after an ExecutorLostError."""


class ExecutorLostError(Exception):
    """The executor could not be started, or died; the message says why. Where `for_good`, starting it again is no use."""

    def __init__(self, text: str, for_good: bool = False) -> None:
        super().__init__(text)
        self.for_good = for_good
