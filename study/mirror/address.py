"""Where the mirror is: its address, the command and the page that show it, its database, and the lock of its one writer."""

import contextlib
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from study.mirror.background import BusyError
from study.record import Home
from study.secrets import masked

LOCAL_UI = "http://127.0.0.1:5000"
"""Where `mlflow ui` listens where nothing else is asked."""


def tracking_uri(home: Home, uri: str | None = None) -> str:
    """Where the mirror is: `uri`, or `mlflow.db` in the home (in the driver's folder, for a home that is no local disk)."""
    return uri or f"sqlite:///{(home.local or Path.cwd()).absolute() / 'mlflow.db'}"


def ui_command(home: Home, uri: str | None = None) -> str:
    """What to type, or the address to open, to see the mirror; a password is for its reader to fill in."""
    where = tracking_uri(home, uri)
    if where.startswith("http"):
        return masked(where, "")
    return f"{_mlflow()} ui --backend-store-uri {shlex.quote(masked(where))}"


def ui_root(home: Home, uri: str | None = None) -> str:
    """The address of the UI, once it runs."""
    where = tracking_uri(home, uri)
    return masked(where, "").rstrip("/") if where.startswith("http") else LOCAL_UI


def _mlflow() -> str:
    """The `mlflow` of this environment, by its name where the shell finds it and by its path where not."""
    ours = Path(sys.executable).parent / "mlflow"
    if shutil.which("mlflow") == str(ours):
        return "mlflow"
    is_below = ours.is_relative_to(Path.cwd())
    return shlex.quote(str(ours.relative_to(Path.cwd()) if is_below else ours))


def database(uri: str) -> Path | None:
    """The file of a SQLite address."""
    return Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None


def artifact_root(home: Home, uri: str) -> Path | None:
    """Where artifacts go: beside a SQLite file, else into a local home; a server over HTTP decides for itself."""
    if file := database(uri):
        return file.parent / "mlartifacts"
    return home.local / "mlartifacts" if home.local and not uri.startswith("http") else None


def write_ahead(file: Path) -> None:
    """Let readers (the UI) and the writer work at once, at half the cost of a write; the setting stays with the file."""
    if not _is_on_a_local_disk(file):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=5)
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


@contextlib.contextmanager
def only_writer(home: Home, study: str) -> Iterator[None]:
    """Be the one writer of a study's mirror; the kernel releases the lock of a writer that dies.

    A home that is no local disk has no lock: there, what two writers made twice is put right by the next one.
    Raises: BusyError, at once, where somebody else writes.
    """
    with home.claim(f"studies/{study}/.mirror.lock", "another launch") as other:
        if other:
            raise BusyError(f"{other} is writing it, and shows what it finds in the records")
        yield
