"""What all our commands do alike: a wrong command ends with one sentence on stderr and exit status 2."""

import atexit
import inspect
import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

import collapsar
from study.docstrings import docstring_of
from study.secrets import masked
from study.terminal import is_folder_gone, keep_docstrings, lost_output, prepare

TRACKING = "is no address of MLflow's: write http://host:port or sqlite:////path/to/mlflow.db"
"""What a sentence says of an address that is not one."""

_TRACKING = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc")


def command_of(main: Callable[..., None]) -> typer.Typer:
    """The command that a function of typed options is, with `--version` besides."""

    @wraps(main)
    def with_version(version: bool = False, **options: Any) -> None:  # noqa: ARG001 (its callback has shown it)
        main(**options)

    shown = typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    kind = Annotated[bool, shown]
    ours = inspect.signature(main)
    added = inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
    vars(with_version)["__signature__"] = ours.replace(parameters=[*ours.parameters.values(), added])
    with_version.__annotations__ = {**main.__annotations__, "version": kind}
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=docstring_of(main))(with_version)
    return app


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"collapsar {collapsar.__version__}")
        raise typer.Exit


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run the command and leave with its status: 130 on Ctrl-C, 2 where its options are wrong."""
    if _is_ours():
        keep_docstrings()
    remark = prepare()
    try:
        if remark:
            typer.echo(f"note: {remark}", err=True)
        if is_folder_gone():
            refuse("the current folder was deleted: change to one that exists")
        _leave(app(prog_name=name, standalone_mode=False) or 0)
    except typer.Exit as leaving:
        _leave(leaving.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _leave(130)
    except Exception as fault:
        if not hasattr(fault, "format_message"):
            raise
        text = fault.format_message().replace("Value error, ", "")  # pyright: ignore[reportAttributeAccessIssue]
        say(f"{text.rstrip('.')}: see {name} --help")
        _leave(2)


def _leave(status: int) -> NoReturn:
    """End the program with a status. Where the program is ours, at once: the threads of libraries outlive the last line of
    Python, and now and then abort a process that takes itself apart, whose status would then be theirs."""
    if not _is_ours():
        sys.exit(status)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    if reason := lost_output():
        say(f"the output cannot be written ({reason}), and some of it is lost: send it elsewhere")
    sys.stderr.flush()
    os._exit(status or int(reason is not None))


def _is_ours() -> bool:
    """Whether this process is one of our commands, and nothing else's."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    module = spec.name if spec else Path(str(getattr(main, "__file__", ""))).name
    return module.partition(".")[0] in ("study", "analysis", "collapsar")


def refuse(*sentences: str, status: int = 2) -> NoReturn:
    """Leave with these sentences, and a status."""
    for sentence in sentences:
        say(sentence)
    raise typer.Exit(status)


def say(text: str) -> None:
    """Print an error on stderr, its secrets masked: folded between words in a terminal, else on one line."""
    line = f"error: {masked(' '.join(text.split()))}"
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else len(line)
    typer.echo(textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False), err=True)


def tell(console: Console, text: str) -> None:
    """Print a sentence, in rich's markup: folded between words for a person, and on one line for a program.

    On one line also where a path or an address is wider than the terminal, which would be cut in two.
    """
    is_read = console.is_terminal or console.is_jupyter
    console.print(text, soft_wrap=not is_read or max(map(len, text.split()), default=0) > console.width)


def counted(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_tracking(uri: str) -> bool:
    """Whether this is an MLflow address of a kind that MLflow has."""
    scheme, found, rest = uri.partition("://")
    return scheme == "databricks" or bool(found and rest and scheme.partition("+")[0] in _TRACKING)
