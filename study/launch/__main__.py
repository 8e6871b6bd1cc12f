"""The command line: `python -m study.launch STUDY…`.

Plans studies, trains what is missing of all of them together, mirrors it to MLflow, prints their tables, and says where
everything is. Exit status: 0 when every chosen trial has a result, 1 when some have not, 2 for a wrong command or
declaration, 130 on Ctrl-C.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from study.cli import known_tracking, refuse, run
from study.cluster.target import Place, found_place
from study.declare.table import Scale, Study
from study.errors import REFUSALS, OptionError
from study.launch.find import catalog_names, find
from study.launch.plan_text import announce, console, show_catalog, show_cost
from study.launch.session import Launch
from study.mirror.entry import Pictures
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import check, make_plan
from study.record import Home

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
PackSize = Annotated[str, typer.Option("--pack", metavar="auto|N", help="How many trials train as one stack.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="AXIS=V1,V2", help="Only these values (repeatable).")]
ShowPlan = Annotated[bool, typer.Option("--plan", help="Count and estimate; train nothing.")]
ShowList = Annotated[bool, typer.Option("--list", help="The catalog, with captions.")]
Tracking = Annotated[
    str | None,
    typer.Option("--tracking-uri", help="MLflow; default: mlflow.db in the home.", callback=known_tracking),
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
    pack: PackSize = "auto",
    only: Only = None,
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
    status = 0
    try:
        if catalog:
            show_catalog()
            return
        todo = {} if attach else _found(studies or [])
        with found_place(address) as where:
            if attach:
                raise typer.Exit(_attached(attach, where))
            asked = Asked(
                home, scale, pack, tuple(only or []), plan, tracking_uri, artifacts, mirrored, retry_failed, refine
            )
            status = asked.carry_out(todo, where)
    except REFUSALS as fault:
        refuse(str(fault))
    except KeyboardInterrupt:
        status = INTERRUPTED
    raise typer.Exit(status)


def _found(names: Sequence[str]) -> dict[str, Study]:
    """The studies by the names that they were asked for by: all are found before any is trained."""
    if not names:
        raise OptionError("name a study: --list shows the catalog, and your own is launched as file.py:name")
    found = {each: find(each) for name in names for each in (catalog_names() if name == ALL else [name])}
    asked_by: dict[str, str] = {}
    for name, study in found.items():
        if (other := asked_by.setdefault(study.name, name)) != name:
            raise OptionError(
                f"{other} and {name} are both named {study.name}, by which a home knows a study: rename one of them, or "
                "launch them into homes of their own"
            )
    return found


@dataclass(frozen=True)
class Asked:
    """What the command line asks of every study that it names."""

    home: str | None
    scale: Scale | None
    pack: str
    only: tuple[str, ...]
    plan: bool
    tracking_uri: str | None
    artifacts: Pictures
    mirrored: bool
    retry_failed: bool
    refine: float | None

    def carry_out(self, todo: Mapping[str, Study], where: Place) -> int:
        """Send the studies, or plan and launch them; the exit status. Raises: one of REFUSALS."""
        size, chosen = _pack_size(self.pack), _only(self.only)
        scales: dict[str, Scale] = {name: self.scale or where.scale_of(study.tables) for name, study in todo.items()}
        for name, study in todo.items():  # what is wrong with the last is said before anything of the first is done
            check(study, scales[name], chosen, self.refine)
        if where.is_sent:
            return self._submit(todo, scales, where)
        home = Home("./runs" if self.home is None else self.home)
        plans = LaunchPlan(
            tuple(
                make_plan(study, scales[name], home, chosen, self.retry_failed, self.refine)
                for name, study in todo.items()
            )
        )
        for plan in plans.plans:
            announce(plan, home, where)
        if self.plan:
            show_cost(plans, size, where.resources)
            return 0
        return Launch(plans, home, size, where.address, self.tracking_uri, self.artifacts, self.mirrored).carry_out()

    def _submit(self, todo: Mapping[str, Study], scales: Mapping[str, Scale], where: Place) -> int:
        """One job, or one for each scale; the worst exit status, or that of an interruption, which ends it."""
        from study.cluster.submit import Request, submit  # Ray takes its time to import

        options = ["--pack", self.pack, "--artifacts", self.artifacts, *["--retry-failed"] * self.retry_failed]
        options += [part for text in self.only for part in ("--only", text)] + ["--plan"] * self.plan
        options += [] if self.refine is None else ["--refine", str(self.refine)]
        status = 0
        for scale in dict.fromkeys(scales.values()):
            studies = {asked: study.name for asked, study in todo.items() if scales[asked] == scale}
            request = Request(studies, self.home, scale, self.tracking_uri, self.mirrored, options)
            status = max(status, submit(request, where, console))
            if status == INTERRUPTED:
                break
        return status


def _attached(name: str, where: Place) -> int:
    if not where.is_sent:
        raise OptionError(f"--attach {name} needs the cluster that it runs on: give --address, or set RAY_ADDRESS")
    from study.cluster import submit

    return submit.attach(name, where, console)


def _pack_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise OptionError(f"--pack {text} is no pack size: give auto, or a number from 1")
    return int(text)


def _only(texts: Sequence[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for text in texts:
        axis, equals, values = text.partition("=")
        if not (axis and equals and values):
            raise OptionError(f"--only {text} is not understood: write it as AXIS=VALUE or AXIS=V1,V2")
        chosen.setdefault(axis, []).append(values)
    return chosen


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run(app, "python -m study.launch")
