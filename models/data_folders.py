"""Where data lie on this machine: the folder that `COLLAPSAR_DATA` names, and the cache of what was fetched or decoded."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


class DataError(Exception):
    """A data set cannot be loaded; the message names the fault and the remedy."""


def own_folder() -> Path | None:
    """The folder of the user's original files, where one is named."""
    own = os.environ.get("COLLAPSAR_DATA")
    return Path(os.path.expanduser(own)) if own else None  # noqa: PTH111 (which never raises)


def cache_folder() -> Path:
    """This user's folder for what can be downloaded or decoded again: on Linux below `XDG_CACHE_HOME`, or ~/.cache."""
    import platformdirs  # not at the top: where nothing is fetched or decoded, training needs torch and pydantic alone

    return platformdirs.user_cache_path("collapsar")


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Only one process of this machine at a time: the others wait, and find the files there."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
