"""What every command line of ours does alike: a wrong command is one sentence on stderr and exit status 2."""

import atexit
import io
import os
import sys
from typing import NoReturn

import typer

from study.secrets import masked

_TRACKING = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc")


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run the command and leave with its status: 130 on Ctrl-C, 2 where its options are wrong."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a γ that the terminal does not have is no reason to stop
    try:
        _leave(app(prog_name=name, standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        _leave(130)
    except BrokenPipeError:  # whoever read along has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(1)
    except Exception as fault:
        if not hasattr(fault, "format_message"):
            raise
        text = fault.format_message().replace("Value error, ", "")  # pyright: ignore[reportAttributeAccessIssue]
        say(f"{text.rstrip('.')}: see {name} --help")
        _leave(2)


def _leave(status: int) -> NoReturn:
    """End the program with a status. Where the program is ours, at once: threads of libraries, which outlive the last
    line of Python, now and then abort a process that takes itself apart, and its status would be theirs."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    if main and main.name.startswith("study."):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def refuse(text: str, status: int = 2) -> NoReturn:
    """Leave with the sentence, and a status."""
    say(text)
    raise typer.Exit(status)


def say(text: str) -> None:
    typer.echo(f"error: {masked(' '.join(text.split()))}", err=True)


def counted(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def known_tracking(uri: str | None) -> str | None:
    """An MLflow address of a kind that MLflow has. Raises: typer.BadParameter."""
    scheme, found, rest = (uri or "").partition("://")
    is_known = found and rest and scheme.partition("+")[0] in _TRACKING
    if uri is None or is_known or scheme == "databricks":
        return uri
    raise typer.BadParameter(f"{uri} is no address of MLflow's: write http://host:port or sqlite:////path/to/mlflow.db")
