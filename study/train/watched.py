"""The user's code while it is rehearsed: silenced, and watched for what it reads."""

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator

from models.networks.own_outputs import NetworkError
from models.specs.source import environment_reads, opened_files


@contextlib.contextmanager
def nothing_read(name: str) -> Iterator[None]:
    """Raises: NetworkError where the user's code reads what its declaration does not hold."""
    with environment_reads() as read, opened_files() as opened:
        yield
    if unknown := opened.undeclared():
        raise NetworkError(f"{name} reads {unknown[0]}, which no declaration holds: give what it says as an option")
    if read:
        raise NetworkError(
            f"{name} reads the environment variable {read[0]}, which its declaration does not hold: make it an option"
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing that the user's code prints or warns of, and no breakpoint: the training itself shows them."""
    hook, sys.breakpointhook = sys.breakpointhook, lambda *_, **__: None
    silent = io.StringIO()
    try:
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.breakpointhook = hook
