"""Where the mirror is: its address, the command and page that show it, its database, and the lock of its one writer."""

import contextlib
import os
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from study.cli import TRACKING, is_tracking
from study.errors import OptionError, SettingError
from study.mirror.background import MirrorBusyError
from study.record import Home
from study.secrets import masked

VARIABLE = "MLFLOW_TRACKING_URI"
"""The variable by which MLflow itself is told where to keep runs."""

LOCAL_UI = "http://127.0.0.1:5000"
"""Where `mlflow ui` listens by default."""


def tracking_uri(home: Home, uri: str | None = None) -> str:
    """The mirror's address: `uri`, or `mlflow.db` in the home (in the driver's folder if the home is no local disk)."""
    return uri or address_of((home.local or Path.cwd()).absolute() / "mlflow.db")


def address_of(file: Path) -> str:
    """The address of a SQLite file: what an address has a meaning for is quoted."""
    return f"sqlite:///{str(file).replace('%', '%25').replace('?', '%3F')}"


def asked_tracking_uri(option: str | None) -> str | None:
    """The address that `--tracking-uri`, else MLFLOW_TRACKING_URI, names. Raises: OptionError, SettingError."""
    if option is not None:
        if not is_tracking(option):
            raise OptionError(f"{option} {TRACKING}")
        return option
    found = os.environ.get(VARIABLE) or None
    if found and not is_tracking(found):
        raise SettingError(f"{VARIABLE}={found} {TRACKING}; or unset it, and the mirror is kept in the home")
    return found


def ui_command(home: Home, uri: str | None = None) -> str:
    """The command to type, or the address to open, to see the mirror; its reader fills in the password."""
    where = tracking_uri(home, uri)
    if where.startswith("http"):
        return masked(where, "")
    return f"{_mlflow()} ui --backend-store-uri {shlex.quote(masked(where))}"


def ui_root(home: Home, uri: str | None = None) -> str:
    """The address of the UI, once it runs."""
    where = tracking_uri(home, uri)
    return masked(where, "").rstrip("/") if where.startswith("http") else LOCAL_UI


def _mlflow() -> str:
    """The `mlflow` of this environment: its name if the shell finds it, else its path."""
    ours = Path(sys.executable).parent / "mlflow"
    if shutil.which("mlflow") == str(ours):
        return "mlflow"
    is_below = ours.is_relative_to(Path.cwd())
    return shlex.quote(str(ours.relative_to(Path.cwd()) if is_below else ours))


def database(uri: str) -> Path | None:
    """The file of a SQLite address; None for another address."""
    path = uri.removeprefix("sqlite:///").partition("?")[0]
    return Path(unquote(path)).absolute() if uri.startswith("sqlite:///") else None


def remove_strays(uri: str) -> None:
    """MLflow makes a database's folder by its quoted name, too, and puts nothing into it: remove that."""
    stray = Path(uri.removeprefix("sqlite:///").partition("?")[0]).parent
    while (file := database(uri)) and "%" in str(stray) and stray not in (file.parent, *file.parents):
        with contextlib.suppress(OSError):
            stray.rmdir()
        stray = stray.parent


def artifact_root(home: Home, uri: str) -> Path | None:
    """Where artifacts go: beside a SQLite file, else into a local home; None, for an HTTP server decides for itself."""
    if file := database(uri):
        return file.parent / "mlartifacts"
    return home.local / "mlartifacts" if home.local and not uri.startswith("http") else None


def use_write_ahead_log(file: Path) -> None:
    """Let readers (the UI) and the writer work at once, at half the cost per write; the file keeps the setting."""
    if not _is_on_a_local_disk(file):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _is_on_a_local_disk(file: Path) -> bool:
    """False for network file systems, where write-ahead logging is not safe; only Linux says so."""
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

    A home that is no local disk has no lock: there, the next writer removes what two have made twice.
    Raises: MirrorBusyError, at once, if somebody else writes.
    """
    with home.claim(f"studies/{study}/.mirror.lock", "another launch") as other:
        if other:
            raise MirrorBusyError(f"{other} is writing it, and shows what it finds in the records")
        yield
