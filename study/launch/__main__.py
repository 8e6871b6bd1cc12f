"""The command line: `python -m study.launch STUDY…`.

Plans studies, trains what is missing of all of them together, mirrors it to MLflow, prints their tables, and says where
everything is. Exit status: 0 when every selected trial has a result, 1 when some have not, 2 for a wrong command or
declaration, 130 on Ctrl-C.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from study.cli import command_of, refuse, run
from study.cluster.target import Target, open_target
from study.declare.table import Scale, Study
from study.errors import REFUSALS, FaultsError, OptionError, all_of
from study.launch.find import catalog_names, find
from study.launch.options import Only, Options, each_once
from study.launch.plan_text import show_catalog
from study.launch.session import Session, checked_scales
from study.mirror.entry import Pictures

StudyNames = Annotated[
    list[str] | None, typer.Argument(metavar="STUDY…", help="Names from --list, or file.py:name; `all` of the catalog.")
]
HomePlace = Annotated[
    str | None, typer.Option("--home", metavar="DIR|URI", help="Where everything is kept; default ./runs.")
]
ScaleName = Annotated[Scale | None, typer.Option("--scale", help="Default: laptop here, paper on a cluster.")]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="URL|ADDR|FILE|local",
        help="A Ray cluster to submit to; else RAY_ADDRESS, else the running one of ./cluster.yaml, else here.",
    ),
]
InProcess = Annotated[bool, typer.Option("--in-process", help="Train in this process, without Ray: for a debugger.")]
PackSize = Annotated[str, typer.Option("--pack", metavar="auto|N", help="How many trials train as one stack.")]
OnlyValues = Annotated[
    list[str] | None, typer.Option("--only", metavar="AXIS=V1,V2", help="Only these values (repeatable).")
]
ShowPlan = Annotated[bool, typer.Option("--plan", help="Count and estimate; train nothing.")]
ShowList = Annotated[bool, typer.Option("--list", help="The catalog, with captions; trials at --scale.")]
Tracking = Annotated[
    str | None, typer.Option("--tracking-uri", help="MLflow; else MLFLOW_TRACKING_URI, else mlflow.db in the home.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try trials again that were given up.")]
Artifacts = Annotated[Pictures, typer.Option("--artifacts", help="Which trials' pictures and weights MLflow gets.")]
Refine = Annotated[
    float | None,
    typer.Option(metavar="WIDTH", help="Add β around each collapse until it is known to ± WIDTH (0.02: 2 %)."),
]
Attach = Annotated[str | None, typer.Option(metavar="STUDY|JOB", help="Show a submitted launch's output again.")]
Mirrored = Annotated[bool, typer.Option("--mirror/--no-mirror", help="Whether to show the runs in MLflow.")]


ALL = "all"
"""In place of a name: every study of the catalog."""

INTERRUPTED = 130


def main(
    studies: StudyNames = None,
    home: HomePlace = None,
    scale: ScaleName = None,
    address: Address = None,
    in_process: InProcess = False,
    pack: PackSize = "auto",
    only: OnlyValues = None,
    plan: ShowPlan = False,
    catalog: ShowList = False,
    tracking_uri: Tracking = None,
    artifacts: Artifacts = "first-seed",
    mirrored: Mirrored = True,
    retry_failed: RetryFailed = False,
    attach: Attach = None,
    refine: Refine = None,
) -> None:
    """Train whatever studies declare and their home does not have yet."""
    status, console = 0, Console(highlight=False)
    try:
        if catalog:
            show_catalog(console, scale or "laptop")
            return
        asked = {} if attach else _found(studies or [])
        if in_process and address:
            raise OptionError(f"--in-process trains here and --address {address} elsewhere: leave one of them out")
        size, chosen = _pack_size(pack), _only(only or [])
        options = Options(
            home, scale, size, chosen, plan, tracking_uri, artifacts, mirrored, retry_failed, refine, in_process
        )
        with contextlib.nullcontext(Target()) if in_process else open_target(address) as place:
            if attach:
                status = _attached(attach, place, console)
            elif place.is_sent:
                status = _submitted(asked, options, place, console)
            else:
                with _polite():
                    status = 0 if Session(options, place, console, is_command=True).launch(asked) or plan else 1
    except FaultsError as several:
        refuse(*several.faults)
    except REFUSALS as fault:
        refuse(str(fault))
    except KeyboardInterrupt:
        status = INTERRUPTED
    raise typer.Exit(status)


def _found(names: Sequence[str]) -> dict[str, Study]:
    """The studies by the names that they were asked for by: all are found before any is trained."""
    if not names:
        raise OptionError("name a study: --list shows the catalog, and your own is launched as file.py:name")
    asked = [each for name in names for each in (catalog_names() if name == ALL else [name])]
    return each_once(zip(asked, all_of(partial(find, each) for each in asked), strict=True))


@contextlib.contextmanager
def _polite() -> Iterator[None]:
    """The first Ctrl-C, or a polite kill, stops in good order; the next leaves at once, which loses nothing either."""
    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    raise KeyboardInterrupt


def _submitted(asked: Mapping[str, Study], options: Options, place: Target, console: Console) -> int:
    """Send one job, or one for each scale; the worst exit status, or that of an interruption, which ends it."""
    from study.cluster.submit import Request, submit  # Ray takes its time to import

    scales, status = checked_scales(asked, options, place), 0
    for scale in dict.fromkeys(scales.values()):
        studies = {name: study.name for name, study in asked.items() if scales[name] == scale}
        words = options.on_the_cluster()
        request = Request(studies, options.home, scale, options.tracking_uri, options.mirror, words)
        status = max(status, submit(request, place, console))
        if status == INTERRUPTED:
            break
    return status


def _attached(name: str, place: Target, console: Console) -> int:
    if not place.is_sent:
        raise OptionError(f"--attach {name} needs the cluster that it runs on: give --address, or set RAY_ADDRESS")
    from study.cluster import submit

    return submit.attach(name, place, console)


def _pack_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise OptionError(f"--pack {text} is no pack size: give auto, or a number from 1")
    return int(text)


def _only(texts: Sequence[str]) -> Only:
    chosen: dict[str, list[str]] = {}
    for text in texts:
        axis, equals, values = text.partition("=")
        if not (axis and equals):
            raise OptionError(f"--only {text} is not understood: write it as AXIS=VALUE or AXIS=V1,V2")
        chosen.setdefault(axis, []).append(values)
    return chosen


app = command_of(main)

if __name__ == "__main__":
    run(app, "python -m study.launch")
