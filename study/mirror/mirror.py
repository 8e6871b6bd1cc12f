"""The ledger: a study's records shown in MLflow. The only file that imports MLflow, and only on the ledger's thread.

Records are the truth, and the mirror can be written again from them at any time. A launch hands its news over and goes
on; MLflow being down or slow costs it one sentence at its end. `ledger_entry` says what a run shows of a trial,
`ledger_mirror` how runs are kept in step with the records, `ledger_thread` how nobody waits for either.

    python -m study.ledger [STUDY] [--home ./runs] [--tracking-uri URI] [--artifacts first-seed|all|none]
"""

import contextlib
import json
import logging
import os
import shlex
import shutil
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli import refuse, run
from study.mirror.address import artifact_root, database, only_writer, tracking_uri, ui_command, ui_root, write_ahead
from study.mirror.background import BusyError, Clerk, PermanentError, sentence
from study.mirror.cells import Number
from study.mirror.entry import Pictures
from study.mirror.records import StudyRecords
from study.mirror.runs import Mirror
from study.pack.pack import Pack
from study.record import Home, HomeError
from study.secrets import masked

SHOWN = ("trial_steps_per_s", "diverged", "objective_", "gamma_", "n_active_")
"""What of a pack's progress its run shows, by the beginnings of the names."""

INDEX = "mlflow.json"
"""What the mirror leaves beside a study's plan: which runs show which trials, and where they are opened."""

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # or it writes across the launcher's progress bar
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # likewise
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "GIT_PYTHON_REFRESH": "quiet",
}


class _Server:
    """The tracking client of one address. Making it imports MLflow (seconds) and may create the database (seconds)."""

    def __init__(self, home: Home, uri: str) -> None:
        _hush()
        from mlflow import MlflowClient

        # Two first users at once crash the creation of a database.
        with home.lock(".mlflow.lock"):
            if file := database(uri):
                if not file.exists():
                    _create(file)
                write_ahead(file)
            self.client: Any = MlflowClient(tracking_uri=uri)

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
    """An empty database, made beside its place and moved there: one left half made, MLflow would never open again."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    making = file.with_name(f".{file.name}.making")
    shutil.rmtree(making, ignore_errors=True)  # with the journal of one that was killed, which SQLite would replay
    making.mkdir(parents=True)
    SqlAlchemyStore(f"sqlite:///{making / file.name}", str(file.parent / "mlartifacts")).engine.dispose()
    (making / file.name).replace(file)
    making.rmdir()


def _hush() -> None:
    """Bound the client's patience and keep it from writing across the launcher's progress bar."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "mlflow", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"(mlflow|alembic|sqlalchemy|pydantic|google)\b")


@contextlib.contextmanager
def opened(home: Home, study: str, uri: str | None, pictures: Pictures, launch_id: str = "") -> Iterator[Mirror]:
    """A study's mirror, for the one who writes it. Raises: BusyError, HomeError, PermanentError, and MLflow's own faults."""
    where = tracking_uri(home, uri)
    records = StudyRecords(home, study, pictures)
    with only_writer(home, study):
        is_own = where == tracking_uri(home)
        yield Mirror(records, _Server(home, where), artifact_root(home, where), launch_id, is_own)


def _close(mirror: Mirror, uri: str | None, status: str, summary: Mapping[str, float]) -> None:
    """End the launch, and leave beside the plan how a reader of the report finds a trial's run."""
    mirror.finish(status, summary)
    home, study = mirror.records.home, mirror.records.study
    found = {"open": ui_command(home, uri), **mirror.index(ui_root(home, uri))}
    home.write(f"studies/{study}/{INDEX}", json.dumps(found, ensure_ascii=False).encode())


class Ledger:
    """The mirror of one launch, as the driver sees it: every call returns at once, and none raises for MLflow's faults.

    It is a listener between `start` and `finish`.

    `pictures` chooses the trials that get pictures and weights as artifacts: `first-seed` those of the plan's smallest
    seed. The study's plan must be written before `start`. The ledgers of one launch share a `turn`.
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
        self._clerk = Clerk(lambda: opened(home, study, uri, pictures, launch_id), turn)

    def start(self, launch: Mapping[str, object]) -> None:
        """Begin the launch's run (`launch` are its params), close what a crash left, and catch up."""
        settings = dict(launch)
        self._clerk.start(lambda mirror: mirror.start(settings))

    def begin(self, packs: Sequence[Pack]) -> None:
        """A round of packs: a pack's run, which begins with its first progress, is named by how many trials it holds."""
        self._sizes |= {pack.pack_id: len(pack.trials) for pack in packs}

    def progress(self, pack_id: str, values: Mapping[str, float]) -> None:
        """Show a running pack. Dropped when the ledger is behind."""
        shown = {name: value for name, value in values.items() if name.startswith(SHOWN)}
        step, trials = int(values.get("step", 0)), self._sizes.get(pack_id)
        self._clerk.ask(lambda mirror: mirror.progress(pack_id, shown, step, trials), droppable=True)

    def committed(self, pack_id: str | None = None) -> None:
        """New records are there: mirror them, and end the pack's run."""
        if pack_id:
            self._clerk.ask(lambda mirror: mirror.committed(pack_id))
        self._clerk.refresh()

    def failed(self, pack_id: str, reason: str) -> None:
        """Show why a pack could not be trained."""
        self._clerk.ask(lambda mirror: mirror.failed(pack_id, reason or "no reason given"))

    def lost(self, pack_id: str, what: str) -> None:
        """Nothing is shown: the pack's run goes on with its next attempt."""

    def waiting(self, reason: str) -> None:
        """Nothing is shown."""

    def grown(self, plan: object) -> None:
        """The study's plan, as it is written down, has further rows."""
        self._clerk.ask(lambda mirror: mirror.show(mirror.records.again()))

    def restarted(self, plan: object, why: str) -> None:
        """Nothing is shown: packs that were lost are ended with the training."""

    def say(self, text: str) -> None:
        """Nothing is shown."""

    def end(self) -> None:
        """No pack trains any more: end the runs of those that were cut short."""
        self._clerk.ask(lambda mirror: mirror.end())

    def close(
        self,
        status: str,
        summary: Mapping[str, float],
        patience_s: float = 120.0,
        on_wait: Callable[[int], None] | None = None,
    ) -> str | None:
        """Catch up for `patience_s` at most and end the launch: `status` finished, failed, or else it was cut short.

        Returns a sentence where the mirror is behind: by how much, why, and the remedy.
        """
        self.finish(status, summary)
        return self.wait(patience_s, on_wait)

    def finish(self, status: str, summary: Mapping[str, float]) -> None:
        """Begin to close: `wait` then waits, so that the mirrors of several studies are waited for together."""
        told = dict(summary)
        self._clerk.finish(lambda mirror: _close(mirror, self.uri, status, told))

    def wait(self, patience_s: float = 120.0, on_wait: Callable[[int], None] | None = None) -> str | None:
        """Wait for the end, for `patience_s` from its beginning at most; the sentence of `close`."""
        self._clerk.wait(patience_s, on_wait)
        return None if self._clerk.is_complete or not self._clerk.is_started else self._lag(patience_s)

    def _lag(self, patience_s: float) -> str:
        """How far the mirror is behind, why, and the remedy."""
        if self._clerk.is_kept_out:
            behind = "was left alone"
        elif self._clerk.opened:
            behind = f"lacks {self._clerk.left} of the study's trials" if self._clerk.left else "was not closed"
        else:
            recorded = len(StudyRecords(self.home, self.study).committed())
            behind = f"could not be opened, and may lack any of the study's {recorded} recorded trials"
        why = self._clerk.fault or f"it needs more than {patience_s:g} s"
        option = f" --tracking-uri {shlex.quote(self.uri)}" if self.uri else ""
        command = f"python -m study.ledger {self.study} --home {shlex.quote(str(self.home))}{option}"
        where = tracking_uri(self.home, self.uri)
        return masked(f"The MLflow mirror at {where} {behind} ({why}): the next launch or `{command}` catches up.")

    @property
    def page(self) -> str | None:
        """The address of the study's runs, once the UI runs; None for a study that has not been mirrored yet."""
        try:
            return json.loads(self.home.read(f"studies/{self.study}/{INDEX}"))["page"]
        except FileNotFoundError:
            return None


def rebuild(home: Home, study: str | None = None, uri: str | None = None, pictures: Pictures = "first-seed") -> int:
    """Write a study's mirror, or every study's, again from the records; returns how many trials were written.

    Runs that exist are kept and completed; what has none comes first, so that one who is killed over and over gets on.
    Raises: HomeError for a study that the home does not hold.
    """
    written = 0
    for name in [study] if study else home.folders("studies"):
        with opened(home, name, uri, pictures) as mirror:
            missing = mirror.missing()
            shown = {trial: key for trial, key in mirror.records.committed().items() if trial not in missing}
            for entry in chain(mirror.entries(missing), mirror.entries(shown)):
                mirror.write(entry)
                written += 1
            _close(mirror, uri, "finished", {})
    return written


def main(
    study: Annotated[str | None, typer.Argument(help="the study; every study of the home where it is left out")] = None,
    home: Annotated[str, typer.Option(help="the folder or URI that holds the records")] = "./runs",
    uri: Annotated[str | None, typer.Option("--tracking-uri", help="MLflow's address")] = None,
    pictures: Annotated[
        Pictures, typer.Option("--artifacts", help="which trials get pictures and weights")
    ] = "first-seed",
) -> None:
    """Write a study's MLflow mirror again from its records."""
    try:
        place = Home(home)
        if not place.folders("studies"):
            raise HomeError(f"{place} holds no studies: name the home with --home")
    except HomeError as fault:
        refuse(str(fault))
    try:
        written = rebuild(place, study, uri, pictures)
    except (HomeError, PermanentError) as fault:
        refuse(str(fault))
    except BusyError as fault:
        refuse(f"the mirror is left alone: {fault}", 1)
    except Exception as fault:  # MLflow's own faults come in many classes
        refuse(f"MLflow at {tracking_uri(place, uri)} did not take it: {sentence(fault)}", 1)
    typer.echo(f"{written} trials mirrored. To see them: {ui_command(place, uri)}")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run(app, "python -m study.ledger")
