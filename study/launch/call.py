"""The launcher as a function: `study.launch(my_grid)`, for notebooks, debuggers and scripts."""

import contextlib
from collections.abc import Mapping
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from models.specs.source import is_defining
from study.cluster.target import Target, open_target
from study.declare.table import Scale, Study
from study.errors import DeclarationError, OptionError, all_of, shown
from study.launch.find import find
from study.launch.options import Options, each_once, only_of
from study.launch.result import Launched
from study.launch.session import Session
from study.mirror.entry import Pictures


def launch(
    *studies: Study | str,
    home: str | PathLike[str] = "./runs",
    scale: Scale | None = None,
    only: Mapping[str, Any] | None = None,
    pack: int | Literal["auto"] = "auto",
    plan: bool = False,
    in_process: bool | None = None,
    address: str | None = None,
    mirror: bool = True,
    tracking_uri: str | None = None,
    artifacts: Pictures = "first-seed",
    retry_failed: bool = False,
    refine: float | None = None,
    quiet: bool = False,
) -> Launched:
    """Train whatever the studies declare and their home does not have yet, as `collapsar launch` does.

        done = study.launch(my_grid, home="runs", only={"kappa": [2, 4]})
        assert done, done.failures

    studies: what `@study` made, in a file or a notebook's cell, or names that the command line takes.
    home: the folder or URI where everything is kept. scale: "laptop" or "paper"; by default "paper" on a cluster alone.
    only: the values to train of each axis, by its name. pack: how many trials are a stack at most; "auto": as many as gain.
    plan: whether to count and estimate alone. in_process, address: see below. mirror: whether MLflow shows the runs.
    tracking_uri: where it keeps them; by default what MLFLOW_TRACKING_URI names, else a database in the home.
    artifacts: whose pictures and weights it gets. retry_failed: whether to try what failed three times again.
    refine: add β around each collapse until it is known to ± this share of β. quiet: whether to print nothing.

    Trials train in this process unless `in_process=False` or an `address` says otherwise: nothing has to be started and
    taken down, breakpoints in your own network work, and Ctrl-C stops at once. That takes one core or one GPU;
    `in_process=False` starts Ray and takes all there are, `address="auto"` those of the cluster this machine is part of.

    Raises: one of `study.errors.REFUSALS` for what the command line refuses; KeyboardInterrupt on Ctrl-C, after which the
    same call goes on from there. Signal handlers stay as they are.
    """
    here, size = _trains_here(in_process, address), None if pack == "auto" else pack
    chosen = only_of(only or {})
    options = Options(
        fspath(home), scale, size, chosen, plan, tracking_uri, artifacts, mirror, retry_failed, refine, here
    )
    asked = _asked(studies)
    with contextlib.nullcontext(Target()) if here else open_target(address) as place:
        _refuse_sent(place)
        return Session(options, place, Console(highlight=False, quiet=quiet)).launch(asked)


def _refuse_sent(place: Target) -> None:
    if place.is_sent:
        raise OptionError(
            f"{place} takes launches from the command line alone: `collapsar launch` sends them there; "
            'from Python, address="local" trains with a Ray of its own'
        )


def _trains_here(in_process: bool | None, address: str | None) -> bool:
    if in_process and address is not None:
        raise OptionError(f"in_process=True trains here and address={address!r} elsewhere: leave one of them out")
    return address is None if in_process is None else in_process


def _asked(studies: tuple[Study | str, ...]) -> dict[str, Study]:
    """The studies by the names that sentences call them by. Raises: OptionError, DeclarationError."""
    if is_defining():
        raise DeclarationError(
            "a source that is being made launches nothing: write `if __name__ == '__main__':` before it"
        )
    if not studies:
        raise OptionError("name a study: study.launch(my_grid)")
    found = all_of(partial(find, each) if isinstance(each, str) else partial(_study, each) for each in studies)
    return each_once(zip(map(_name, studies), found, strict=True))


def _study(study: object) -> Study:
    if not isinstance(study, Study):
        raise OptionError(f"{shown(study)} is no study: decorate a function with @study(...), and launch what it makes")
    return study


def _name(study: Study | str) -> str:
    if isinstance(study, str):
        return study
    return f"{study.file}:{study.name}" if study.file and Path(study.file).is_file() else study.name
