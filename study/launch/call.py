"""The launcher as a function: `study.launch(my_grid)`, for notebooks, debuggers and scripts."""

import contextlib
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from study.cluster.target import Place, found_place
from study.declare.table import Scale, Study
from study.errors import OptionError, shown
from study.launch.find import find
from study.launch.options import Options, only_of, refuse_namesakes
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
    """Train whatever the studies declare and their home does not have yet, as `python -m study.launch` does.

        import study
        done = study.launch(my_grid, home="runs", only={"kappa": [2, 4]})
        assert done, done.failures

    A study is an object that `@study` made, in a file or a notebook's cell, or a name that the command line takes. The
    options mean what they mean there; `quiet` prints nothing.

    Trials train in this process unless `in_process=False` or an `address` says otherwise: nothing is started that would
    have to be taken down, a breakpoint in a network of your own stops there, and Ctrl-C stops at once. It is one core's work,
    though: `in_process=False` starts Ray and takes all of them, `address="auto"` the cluster that this machine is part of.

    Signal handlers are left alone, and nothing leaves the program. Raises: one of `study.errors.REFUSALS` for what the
    command line refuses; KeyboardInterrupt on Ctrl-C, after which the same call goes on from there.
    """
    here = address is None if in_process is None else in_process
    if here and address is not None:
        raise OptionError(f"in_process=True trains here and address={address!r} elsewhere: leave one of them out")
    options = Options(
        home=fspath(home),
        scale=scale,
        pack=None if pack == "auto" else pack,
        only=only_of(only or {}),
        plan=plan,
        tracking_uri=tracking_uri,
        artifacts=artifacts,
        mirror=mirror,
        retry_failed=retry_failed,
        refine=refine,
        in_process=here,
    )
    asked = _asked(studies)
    with contextlib.nullcontext(Place()) if here else found_place(address) as place:
        if place.is_sent:
            raise OptionError(
                f"{place} takes launches from the command line alone: `python -m study.launch` sends them there; "
                'from Python, address="local" trains with a Ray of its own'
            )
        return Session(options, place, Console(highlight=False, quiet=quiet)).launch(asked)


def _asked(studies: tuple[Study | str, ...]) -> dict[str, Study]:
    """The studies by the names that sentences call them by. Raises: OptionError, DeclarationError."""
    if not studies:
        raise OptionError("name a study: study.launch(my_grid)")
    asked = {_name(each): find(each) if isinstance(each, str) else each for each in studies}
    refuse_namesakes(asked)
    return asked


def _name(study: object) -> str:
    if isinstance(study, str):
        return study
    if not isinstance(study, Study):
        raise OptionError(f"{shown(study)} is no study: decorate a function with @study(...), and launch what it makes")
    return f"{study.file}:{study.name}" if study.file and Path(study.file).is_file() else study.name
