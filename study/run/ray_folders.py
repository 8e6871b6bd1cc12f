"""What a Ray of our own keeps outside of the home: its sessions, whose sockets need a short path, and its token.

Knows no Ray: what is wrong here is said before Ray starts.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study.errors import ClusterError

SOCKET_BYTES = 107
"""The longest path of a Unix socket, on Linux; on macOS it is 103."""

LONGEST_BELOW = "/ray/session_2026-12-31_23-59-59_999999_9999999/sockets/plasma_store"
"""The longest path of a socket below a temporary folder."""

LONGEST = SOCKET_BYTES - 4 - len(LONGEST_BELOW)


def sessions_folder() -> str:
    """Where Ray keeps its sessions: below RAY_TMPDIR or TMPDIR, or below /tmp where these are too long for its sockets.

    Raises: ClusterError where no temporary folder will do.
    """
    for folder in _temporary_folders():
        if len(os.fsencode(folder)) <= LONGEST and folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return str(folder / "ray")
    raise ClusterError(
        f"Ray needs a temporary folder whose path has {LONGEST} bytes at most: set TMPDIR to one, or add --in-process"
    )


def _temporary_folders() -> Iterator[Path]:
    if asked := os.environ.get("RAY_TMPDIR"):
        yield Path(asked).absolute()
    yield Path(tempfile.gettempdir()).absolute()
    yield from map(Path, ("/tmp", "/var/tmp", "/dev/shm"))


def give_token() -> None:
    """Ray keeps the token that its processes share in the user's home: where it cannot, give it one for this launch."""
    if os.environ.keys() & {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        return
    try:
        file = Path.home() / ".ray" / "auth_token"
        if file.is_file() and os.access(file, os.R_OK):
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        is_writable = os.access(file.parent, os.W_OK | os.X_OK)
    except (OSError, RuntimeError):  # RuntimeError: there is no home at all
        is_writable = False
    if not is_writable:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
