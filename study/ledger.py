"""The ledger: a study's records shown in MLflow. The only file that imports MLflow, and only on the ledger's thread.

Records are the truth, and the mirror can be written again from them at any time. A launch hands its news over and goes
on; MLflow being down or slow costs it one sentence at its end. `ledger_entry` says what a run shows of a trial,
`ledger_mirror` how runs are kept in step with the records, `ledger_thread` how nobody waits for either.

    python -m study.ledger [STUDY] [--home ./runs] [--tracking-uri URI] [--artifacts first-seed|all|none]
"""

import logging
import os
import shlex
import shutil
import sqlite3
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from study.ledger_entry import Pictures, StudyRecords
from study.ledger_mirror import Mirror, Number
from study.ledger_thread import Clerk, PermanentError, sentence
from study.record import Home, HomeError

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # or it writes across the launcher's progress bar
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "GIT_PYTHON_REFRESH": "quiet",
}


def tracking_uri(home: Home, uri: str | None = None) -> str:
    """Where the mirror is: `uri`, or `mlflow.db` in the home (in the driver's folder, for a home that is no local disk)."""
    return uri or f"sqlite:///{(home.local or Path.cwd()).absolute() / 'mlflow.db'}"


def ui_command(home: Home, uri: str | None = None) -> str:
    """What to type, or the address to open, to see the mirror."""
    where = tracking_uri(home, uri)
    return where if where.startswith("http") else f"{_mlflow()} ui --backend-store-uri {shlex.quote(where)}"


def _mlflow() -> str:
    """The `mlflow` of this environment, by its name where the shell finds it and by its path where not."""
    ours = Path(sys.executable).parent / "mlflow"
    if shutil.which("mlflow") == str(ours):
        return "mlflow"
    is_below = ours.is_relative_to(Path.cwd())
    return shlex.quote(str(ours.relative_to(Path.cwd()) if is_below else ours))


class _Server:
    """The tracking client of one address. Making it imports MLflow (seconds) and may create the database (seconds)."""

    def __init__(self, home: Home, uri: str) -> None:
        _hush()
        from mlflow import MlflowClient

        # Two first users at once crash the creation of a database.
        with home.lock(".mlflow.lock"):
            if (file := _database(uri)) and _is_on_a_local_disk(file):
                _write_ahead(file)
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


def _hush() -> None:
    """Bound the client's patience and keep it from writing across the launcher's progress bar."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "mlflow", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"(mlflow|alembic|sqlalchemy|pydantic|google)\b")


def _database(uri: str) -> Path | None:
    """The file of a SQLite address."""
    return Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None


def _write_ahead(file: Path) -> None:
    """Let readers (the UI) and the writer work at once, at half the cost of a write; the setting stays with the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=20)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _is_on_a_local_disk(file: Path) -> bool:
    """False for network file systems, on which write-ahead logging is not safe. Only Linux tells."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return True
    holding = [(len(point), kind) for point, kind in mounts if file.is_relative_to(point)]
    network = ("nfs", "cifs", "smb", "fuse", "lustre", "beegfs", "gpfs", "ceph", "9p")
    return not max(holding, default=(0, ""))[1].startswith(network)


def _artifact_root(home: Home, uri: str) -> Path | None:
    """Where artifacts go: beside a SQLite file, else into a local home; a server over HTTP decides for itself."""
    if file := _database(uri):
        return file.parent / "mlartifacts"
    return home.local / "mlartifacts" if home.local and not uri.startswith("http") else None


def _open(home: Home, study: str, uri: str | None, pictures: Pictures) -> Mirror:
    where = tracking_uri(home, uri)
    return Mirror(StudyRecords(home, study, pictures), _Server(home, where), _artifact_root(home, where))


class Ledger:
    """The mirror of one launch, as the driver sees it: every call returns at once, and none raises for MLflow's faults.

    `pictures` chooses the trials that get pictures and weights as artifacts: `first-seed` those of the plan's smallest
    seed. The study's plan must be written before `start`.
    """

    def __init__(self, home: Home, study: str, uri: str | None = None, pictures: Pictures = "first-seed") -> None:
        self.home, self.study, self.uri = home, study, uri
        self._clerk = Clerk(lambda: _open(home, study, uri, pictures))

    def start(self, launch: Mapping[str, object]) -> None:
        """Begin the launch's parent run (`launch` are its params), close what a crash left, and catch up."""
        settings = dict(launch)
        self._clerk.start()
        self._clerk.ask(lambda mirror: mirror.begin(settings))
        self._clerk.refresh()

    def progress(self, pack_id: str, values: Mapping[str, float], step: int, trials: int | None = None) -> None:
        """Show a running pack; `trials` names its run. Dropped when the ledger is behind."""
        told = dict(values)
        self._clerk.ask(lambda mirror: mirror.progress(pack_id, told, step, trials), droppable=True)

    def committed(self, pack_id: str | None = None) -> None:
        """New records are there: mirror them, and end the pack's run."""
        if pack_id:
            self._clerk.ask(lambda mirror: mirror.end_pack(pack_id, "FINISHED"))
        self._clerk.refresh()

    def failed(self, pack_id: str, reason: str) -> None:
        """A pack could not be trained."""
        self._clerk.ask(lambda mirror: mirror.end_pack(pack_id, "FAILED", reason or "no reason given"))

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
        told = dict(summary)
        self._clerk.finish(lambda mirror: mirror.end(status, told), patience_s, on_wait)
        if self._clerk.is_complete or not self._clerk.is_started:
            return None
        where = tracking_uri(self.home, self.uri)
        behind = f"lacks {self._clerk.left} of the study's trials" if self._clerk.opened else "could not be opened"
        why = self._clerk.fault or f"it needs more than {patience_s:g} s"
        option = f" --tracking-uri {shlex.quote(self.uri)}" if self.uri else ""
        command = f"python -m study.ledger {self.study} --home {shlex.quote(str(self.home))}{option}"
        return f"The MLflow mirror at {where} {behind} ({why}): the next launch or `{command}` catches up."


def rebuild(home: Home, study: str | None = None, uri: str | None = None, pictures: Pictures = "first-seed") -> int:
    """Write a study's mirror, or every study's, again from the records; returns how many trials were written.

    Runs that exist are kept and completed. Raises: HomeError for a study that the home does not hold.
    """
    written = 0
    for name in [study] if study else home.folders("studies"):
        mirror = _open(home, name, uri, pictures)
        for entry in mirror.entries(mirror.records.committed()):
            mirror.write(entry)
            written += 1
        mirror.end("finished", {})
    return written


def _leave(text: str, status: int) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(status)


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
        _leave(str(fault), 2)
    try:
        written = rebuild(place, study, uri, pictures)
    except (HomeError, PermanentError) as fault:
        _leave(str(fault), 2)
    except Exception as fault:  # MLflow's own faults come in many classes
        _leave(f"MLflow at {tracking_uri(place, uri)} did not take it: {sentence(fault)}", 1)
    typer.echo(f"{written} trials mirrored. To see them: {ui_command(place, uri)}")


if __name__ == "__main__":
    typer.run(main)
