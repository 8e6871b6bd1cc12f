"""What all our commands do alike: a wrong command ends with one sentence on stderr and exit status 2."""

import atexit
import io
import os
import sys
from typing import NoReturn

import typer

from study.secrets import masked

TRACKING = "is no address of MLflow's: write http://host:port or sqlite:////path/to/mlflow.db"
"""What a sentence says of an address that is not one."""

_TRACKING = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc")


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run the command and leave with its status: 130 on Ctrl-C, 2 where its options are wrong."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a γ that the terminal cannot show is no reason to stop
    try:
        _leave(app(prog_name=name, standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        _leave(130)
    except BrokenPipeError:  # whoever read the output is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(1)
    except Exception as fault:
        if not hasattr(fault, "format_message"):
            raise
        text = fault.format_message().replace("Value error, ", "")  # pyright: ignore[reportAttributeAccessIssue]
        say(f"{text.rstrip('.')}: see {name} --help")
        _leave(2)


def _leave(status: int) -> NoReturn:
    """End the program with a status. Where the program is ours, at once: the threads of libraries outlive the last line of
    Python, and now and then abort a process that takes itself apart, whose status would then be theirs."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    if main and main.name.startswith("study."):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def refuse(*sentences: str, status: int = 2) -> NoReturn:
    """Leave with these sentences, and a status."""
    for sentence in sentences:
        say(sentence)
    raise typer.Exit(status)


def say(text: str) -> None:
    """Print an error on one line of stderr, its secrets masked."""
    typer.echo(f"error: {masked(' '.join(text.split()))}", err=True)


def counted(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_tracking(uri: str) -> bool:
    """Whether this is an MLflow address of a kind that MLflow has."""
    scheme, found, rest = uri.partition("://")
    return scheme == "databricks" or bool(found and rest and scheme.partition("+")[0] in _TRACKING)
