"""The home: the folder or object store that keeps everything a study produces.

Layout: `records/<table>/*.parquet` (the truth), `artifacts/` (weights and pictures, safetensors), `studies/<name>/` (plan
and report), `index.html` (what all reports say), and by default `mlflow.db`. A write is atomic: written beside the target and
renamed on a local disk, one PUT on an object store. Nothing is ever changed in place.
"""

import contextlib
import errno
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import pyarrow as pa
import pyarrow.fs as pafs

from study.secrets import masked

LAUNCH_LOCK = ".launch-{}.lock"
"""The lock that a launch of a study holds in a home."""

WORK_LOCK = ".work.lock"
"""The lock that every launch shares, and that `study.clean --delete` holds alone."""


_PROBE = ".clock"

LASTING = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENAMETOOLONG,
    }
)
"""Errors of a local or mounted disk that only a person can fix. All others may pass by themselves, and so may all of an
object store's: it refuses a role that has expired just like one that never had the permission."""


class HomeError(Exception):
    """The home cannot be used; the message names the fault and the remedy. `may_pass`: trying again may help."""

    may_pass = False

    def __init__(self, text: str) -> None:
        super().__init__(masked(text))


class Stored(NamedTuple):
    """A file of a home: its path, its bytes, and the seconds since it was written, where the store knows them."""

    path: str
    size: int
    age_s: float | None


class Home:
    """A local folder, or a URI that pyarrow or fsspec can open (`s3://…`, `gs://…`, `memory://…`)."""

    def __init__(self, where: str | Path) -> None:
        text = str(where)
        if not text.strip():
            raise HomeError("the home has no name: give --home a folder or a supported URI")
        try:
            self.local = Path(text.removeprefix("file://")).expanduser().absolute() if _is_local(text) else None
            self.uri = str(self.local) if self.local else text.rstrip("/")
            self._ahead_s = 0.0
            self._files = _open(text, self.local)
        except (OSError, ValueError, ImportError, RuntimeError) as fault:
            refusal = HomeError(f"the home {text} cannot be opened ({fault}): name a folder or a supported URI")
            refusal.may_pass = _may_pass(fault)
            raise refusal from fault
        if self.local and (file := _file_in_the_way(self.local)):
            raise HomeError(f"the home {text} cannot be a folder: {file} is a file; choose another --home")

    def __str__(self) -> str:
        """The home's address with its secrets masked; only `uri` holds them."""
        return masked(self.uri)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Home) and self.uri == other.uri

    def __hash__(self) -> int:
        return hash(self.uri)

    def read(self, path: str, most: int | None = None) -> bytes:
        """The bytes of a file, or its first `most`. Raises: FileNotFoundError; HomeError where it cannot be read."""
        with self._refusal("read"), self._files.open_input_file(path) as stream:
            return stream.read(most)

    def write(self, path: str, content: bytes) -> None:
        """Publish a file: readers see all of it or none of it. Raises: HomeError where the store refuses."""
        with self._refusal("write to"):
            if self.local:
                _write_and_rename(self.local / path, content)
                return
            with self._files.open_output_stream(path) as stream:
                stream.write(content)

    def append(self, path: str, line: bytes) -> None:
        """Append a line to a file of a local home. Raises: HomeError where the disk refuses, perhaps in mid-line."""
        assert self.local
        with self._refusal("write to"):
            target = self.local / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("ab", buffering=0) as stream:  # one unbuffered write: lines of two writers never mix
                # The line break comes first, so that a line truncated by a full disk spoils no later one.
                if stream.write(b"\n" + line) <= len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        with self._refusal("read"):
            return self._files.get_file_info(path).type == pafs.FileType.File

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in `folder`, sorted; none where there is no such folder."""
        return self._listed(folder, pafs.FileType.File)

    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in `folder`, sorted."""
        return self._listed(folder, pafs.FileType.Directory)

    def stored(self, folder: str, deep: bool = False) -> list[Stored]:
        """The files directly in `folder`, or anywhere below it, with their sizes and ages."""
        selector = pafs.FileSelector(folder, allow_not_found=True, recursive=deep)
        with self._refusal("read"):
            found = [info for info in self._files.get_file_info(selector) if info.type == pafs.FileType.File]
        now = time.time() - self._ahead_s
        files = [
            Stored(info.path, info.size or 0, now - info.mtime.timestamp() if info.mtime else None) for info in found
        ]
        return sorted(files)

    def learn_clock(self) -> None:
        """Measure ages from now on by the clock that stamps the home's files, which need not be this machine's."""
        self.write(_PROBE, b"now")
        with self._refusal("read"):
            stamped = self._files.get_file_info(_PROBE).mtime
        self.delete(_PROBE)
        if stamped:
            self._ahead_s = time.time() - stamped.timestamp()

    def drop(self, folder: str) -> None:
        """Delete a folder and all it holds, if it is there."""
        with contextlib.suppress(FileNotFoundError), self._refusal("delete from"):
            self._files.delete_dir(folder)

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        with contextlib.suppress(FileNotFoundError), self._refusal("delete from"):
            self._files.delete_file(path)

    def _listed(self, folder: str, kind: pafs.FileType) -> list[str]:
        with self._refusal("read"):
            found = self._files.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
        return sorted(info.base_name for info in found if info.type == kind)

    @contextlib.contextmanager
    def _refusal(self, doing: str) -> Iterator[None]:
        """Turn what the store raises into one sentence; a missing file is no refusal."""
        try:
            yield
        except OSError as fault:
            if isinstance(fault, FileNotFoundError) and doing != "write to":
                raise
            refusal = HomeError(f"cannot {doing} the home {self} ({fault}): fix it, or choose another --home")
            refusal.may_pass = _may_pass(fault)
            raise refusal from fault

    @contextlib.contextmanager
    def lock(self, name: str, shared: bool = False) -> Iterator[None]:
        """Hold the home's lock `name` on a local disk, exclusive unless `shared`; the kernel releases it if we die.

        An object store has no lock; there, writers rely on unique names and readers on the stored order.
        """
        if not self.local:
            yield
            return
        import fcntl  # Unix only, and readers do not need it

        with self._lock_file(name) as handle:
            with self._refusal("lock"):
                fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def claim(self, name: str, who: str) -> Iterator[str | None]:
        """Take the lock `name` without waiting: yields None, or what its present holder calls itself.

        The kernel releases it if the holder dies. An object store has no lock, so there every claim succeeds.
        """
        if not self.local:
            yield None
            return
        import fcntl

        with self._lock_file(name) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                yield handle.read() or "another process"
                return
            handle.truncate(0)
            handle.write(who)
            handle.flush()
            yield None

    def _lock_file(self, name: str) -> TextIO:
        assert self.local
        path = self.local / name
        with self._refusal("write to"):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("a+")


def _may_pass(fault: Exception) -> bool:
    return isinstance(fault, OSError) and fault.errno not in LASTING


def _is_local(text: str) -> bool:
    return "://" not in text or text.startswith("file://")


def _file_in_the_way(folder: Path) -> Path | None:
    """The file in whose place the folder, or one above it, would have to be."""
    nearest = next((place for place in (folder, *folder.parents) if os.path.exists(place)), None)  # noqa: PTH110 (never raises)
    return nearest if nearest and not nearest.is_dir() else None


def _open(text: str, local: Path | None) -> pafs.FileSystem:
    if local:
        return pafs.SubTreeFileSystem(str(local), pafs.LocalFileSystem())
    try:
        files, path = pafs.FileSystem.from_uri(text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        import fsspec

        # A cached listing would hide what other processes write.
        inner, path = fsspec.core.url_to_fs(text, use_listings_cache=False)
        files = pafs.PyFileSystem(pafs.FSSpecHandler(inner))
    return pafs.SubTreeFileSystem(path, files)


def _write_and_rename(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}"
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
