"""The mirror: a study's records shown in MLflow. The only file that imports MLflow, and only on the mirror's own thread.

Records are the truth, and the mirror can be rebuilt from them at any time. A launch reports its events and goes on; if
MLflow is down or slow, that costs the launch one sentence at its end. `entry` says what a run shows of a trial, `runs` keeps
the runs in step with the records, and `background` is the thread that does both.
"""

import contextlib
import json
import logging
import os
import shlex
import shutil
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Any

from study.mirror.address import (
    address_of,
    artifact_root,
    database,
    only_writer,
    remove_strays,
    tracking_uri,
    ui_command,
    ui_root,
    use_write_ahead_log,
)
from study.mirror.background import BackgroundWriter
from study.mirror.cells import Number
from study.mirror.entry import Pictures
from study.mirror.records import StudyRecords
from study.mirror.runs import Progressed, StudyRuns
from study.pack.pack import Pack
from study.record import Home
from study.secrets import masked

SHOWN = ("trial_steps_per_s", "diverged", "objective_", "gamma_", "n_active_")
"""What of a pack's progress its run shows, by the beginnings of the names."""

INDEX = "mlflow.json"
"""The file that the mirror writes beside a study's plan: which run shows which trial, and how to open it."""

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # or it writes across the launcher's progress bar
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # likewise
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "GIT_PYTHON_REFRESH": "quiet",
}


class _Server:
    """The tracking client of one address. Creating it imports MLflow (seconds) and may create the database (seconds)."""

    def __init__(self, home: Home, uri: str) -> None:
        _hush()
        from mlflow import MlflowClient

        # Two users who create a database at once both crash.
        with home.lock(".mlflow.lock"):
            if file := database(uri):
                if not file.exists():
                    _create(file)
                use_write_ahead_log(file)
            self.client: Any = MlflowClient(tracking_uri=uri)
        remove_strays(uri)

    def log(
        self,
        run_id: str,
        numbers: Sequence[Number] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log in as few requests as the limits allow (1000 metrics, 100 params, 100 tags)."""
        from mlflow.entities import Metric, Param, RunTag

        metrics = [Metric(*number) for number in numbers]
        texts = [Param(*item) for item in (params or {}).items()]
        self.client.log_batch(run_id, metrics, texts, [RunTag(*item) for item in (tags or {}).items()])


def _create(file: Path) -> None:
    """Create an empty database beside its place and move it there: MLflow could never open one that is half made."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    making = file.with_name(f".{file.name}.making")
    shutil.rmtree(making, ignore_errors=True)  # and the journal of a killed writer, which SQLite would replay
    making.mkdir(parents=True)
    SqlAlchemyStore(address_of(making / file.name), str(file.parent / "mlartifacts")).engine.dispose()
    remove_strays(address_of(making / file.name))
    (making / file.name).replace(file)
    making.rmdir()


def _hush() -> None:
    """Limit the client's patience, and keep it from printing across the launcher's progress bar."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "mlflow", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"(mlflow|alembic|sqlalchemy|pydantic|google)\b")


@contextlib.contextmanager
def opened(
    home: Home, study: str, uri: str | None, pictures: Pictures, launch_id: str = "", progressed: Progressed = list
) -> Iterator[StudyRuns]:
    """A study's runs, for their one writer. Raises: MirrorBusyError, HomeError, MirrorError, and MLflow's own exceptions."""
    where = tracking_uri(home, uri)
    records = StudyRecords(home, study, pictures)
    with only_writer(home, study):
        is_own = where == tracking_uri(home)
        yield StudyRuns(records, _Server(home, where), artifact_root(home, where), launch_id, is_own, progressed)


def _close(runs: StudyRuns, uri: str | None, status: str, summary: Mapping[str, float]) -> None:
    """End the launch, and write beside the plan how a reader of the report finds a trial's run."""
    runs.finish(status, summary)
    home, study = runs.records.home, runs.records.study
    found = {"open": ui_command(home, uri), **runs.index(ui_root(home, uri))}
    home.write(f"studies/{study}/{INDEX}", json.dumps(found, ensure_ascii=False).encode())


class Mirror:
    """The mirror of one study in one launch, as the driver sees it, and a listener between `start` and `finish`.

    Every call returns at once, and none raises because of MLflow. `pictures` chooses the trials whose pictures and weights
    become artifacts: `first-seed` those of the plan's smallest seed. The study's plan must be written before `start`. The
    mirrors of one launch share a `turn`.
    """

    def __init__(
        self,
        home: Home,
        study: str,
        uri: str | None = None,
        pictures: Pictures = "first-seed",
        turn: AbstractContextManager[Any] | None = None,
    ) -> None:
        self.home, self.study, self.uri = home, study, uri
        self._sizes: dict[str, int] = {}
        launch_id = uuid.uuid4().hex
        self._writer = BackgroundWriter(
            lambda: opened(home, study, uri, pictures, launch_id, self._writer.progressed), turn
        )

    def start(self, launch: Mapping[str, object]) -> None:
        """Begin the launch's run (`launch` are its params), close what a crash left, and catch up."""
        settings = dict(launch)
        self._writer.start(lambda runs: runs.start(settings))

    def begin(self, packs: Sequence[Pack]) -> None:
        """A round of packs: a pack's run, which begins with its first progress, is named by how many trials it holds."""
        self._sizes |= {pack.pack_id: len(pack.trials) for pack in packs}

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        """Show a running pack. Dropped if the mirror is behind."""
        shown = {name: value for name, value in values.items() if name.startswith(SHOWN)}
        step, trials = int(values.get("step", 0)), self._sizes.get(pack_id)
        self._writer.ask(lambda runs: runs.packs.progress(pack_id, shown, step, trials), droppable=True)

    def committed(self, pack_id: str | None = None) -> None:
        """New records are there: mirror them, and end the pack's run."""
        if pack_id:
            self._writer.ask(lambda runs: runs.packs.committed(pack_id))
        self._writer.refresh()

    def failed(self, pack_id: str, reason: str) -> None:
        """Show why a pack could not be trained."""
        self._writer.ask(lambda runs: runs.packs.failed(pack_id, reason or "no reason given"))

    def lost(self, pack_id: str, what: str) -> None:
        """Nothing is shown: the pack's run goes on with its next attempt."""

    def waiting(self, reason: str) -> None:
        """Nothing is shown."""

    def grown(self, plan: object) -> None:
        """The study's plan, as it is written down, has further rows."""
        self._writer.ask(lambda runs: runs.show(runs.records.reread()))

    def restarted(self, plan: object, why: str) -> None:
        """Nothing is shown: packs that were lost are ended with the training."""

    def say(self, text: str) -> None:
        """Nothing is shown."""

    def end(self) -> None:
        """No pack trains any more: end the runs of those that were cut short."""
        self._writer.ask(lambda runs: runs.packs.end())

    def close(self, status: str, summary: Mapping[str, float], patience_s: float = 120.0) -> str | None:
        """Catch up for `patience_s` at most and end the launch: `status` finished, failed, or else it was cut short.

        Returns a sentence if the mirror is behind: by how much, why, and the remedy.
        """
        self.finish(status, summary)
        return self.wait(patience_s)

    def finish(self, status: str, summary: Mapping[str, float], is_reported: bool = False) -> None:
        """Begin to close; `wait` then waits, so that a launch can wait for the mirrors of several studies together.

        Where the study `is_reported` afterwards, the mirror stays open for `show_report`.
        """
        numbers = dict(summary)
        self._writer.finish(lambda runs: _close(runs, self.uri, status, numbers), is_reported)

    def wait(self, patience_s: float = 120.0) -> str | None:
        """Wait for the end, at most `patience_s` from `finish` on; returns the sentence of `close`."""
        self._writer.wait(patience_s)
        return None if self._writer.is_complete or not self._writer.is_started else self._lag(patience_s)

    def show_report(self, patience_s: float = 120.0) -> str | None:
        """After `wait`: show the report that the home holds by now, and close; a sentence if that is not done in time."""
        is_behind = not self._writer.is_complete  # as `wait` has said: then nobody waits again
        if self._writer.follow(lambda runs: runs.show_report(), 0 if is_behind else patience_s) or is_behind:
            return None
        why = self._writer.fault or f"it needs more than {patience_s:g} s"
        return masked(f"MLflow does not show all of the report ({why}): `{self._command}` completes it.")

    @property
    def _command(self) -> str:
        option = f" --tracking-uri {shlex.quote(self.uri)}" if self.uri else ""
        return f"collapsar mirror {self.study} --home {shlex.quote(str(self.home))}{option}"

    def _lag(self, patience_s: float) -> str:
        """How far the mirror is behind, why, and the remedy."""
        if self._writer.is_kept_out:
            behind = "was left alone"
        elif self._writer.was_opened:
            behind = f"lacks {self._writer.left} of the study's trials" if self._writer.left else "was not closed"
        else:
            recorded = len(StudyRecords(self.home, self.study).committed())
            behind = f"could not be opened, and may lack any of the study's {recorded} recorded trials"
        why = self._writer.fault or f"it needs more than {patience_s:g} s"
        where = tracking_uri(self.home, self.uri)
        return masked(
            f"The MLflow mirror at {where} {behind} ({why}): the next launch or `{self._command}` catches up."
        )

    @property
    def page(self) -> str | None:
        """The address of the study's runs, once the UI runs; None for a study that has not been mirrored yet."""
        try:
            return json.loads(self.home.read(f"studies/{self.study}/{INDEX}"))["page"]
        except FileNotFoundError:
            return None


def rebuild(home: Home, study: str | None = None, uri: str | None = None, pictures: Pictures = "first-seed") -> int:
    """Rebuild a study's mirror, or every study's, from the records; returns how many trials were written.

    Runs that exist are kept and completed. Trials without a run come first, so that even a writer that is killed again and
    again makes progress. Raises: HomeError for a study that the home does not hold; as `opened`.
    """
    written = 0
    for name in [study] if study else home.folders("studies"):
        with opened(home, name, uri, pictures) as runs:
            missing = runs.missing()
            shown = {trial: key for trial, key in runs.records.committed().items() if trial not in missing}
            for entry in chain(runs.entries(missing), runs.entries(shown)):
                runs.write(entry)
                written += 1
            _close(runs, uri, "finished", {})
            runs.show_report()
    return written
