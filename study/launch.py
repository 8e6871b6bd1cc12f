"""The command line: `python -m study.launch STUDY`.

Plans a study, trains what is missing, mirrors it to MLflow, prints the table, and says where everything is. Exit status:
0 when every chosen trial has a result, 1 when some have not, 2 for a wrong command or declaration, 130 on Ctrl-C.
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from models.places import DataError
from study.carry_out import Launch
from study.command import known_tracking, refuse, run
from study.declare import DeclarationError, Scale
from study.find import find
from study.ledger_entry import Pictures
from study.place import Place, found_place
from study.plan import check, make_plan
from study.record import Home, HomeError
from study.show import announce, console, show_catalog, show_cost

StudyName = Annotated[str | None, typer.Argument(metavar="STUDY", help="A name from --list, or file.py:name.")]
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


def main(
    study: StudyName = None,
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
    """Train whatever a study declares and its home does not have yet."""
    try:
        if catalog:
            show_catalog()
            return
        if attach:
            with found_place(address) as where:
                raise typer.Exit(_attached(attach, where))
        if study is None:
            raise DeclarationError("name a study: --list shows the catalog, and your own is launched as file.py:name")
        size, chosen = _pack_size(pack), _only(only or [])
        declared = find(study)
        with found_place(address) as where:
            scale = scale or where.scale_of(declared.tables)
            if where.is_sent:
                check(declared, scale, chosen, refine)  # what is wrong is refused here, not by a job
                options = ["--pack", pack, "--artifacts", artifacts, *["--retry-failed"] * retry_failed]
                options += [part for text in only or [] for part in ("--only", text)] + ["--plan"] * plan
                options += [] if refine is None else ["--refine", str(refine)]
                from study.submit import Request, submit  # Ray takes its time to import

                asked = Request(study, declared.name, home, scale, tracking_uri, mirrored, options)
                raise typer.Exit(submit(asked, where, console))
            place = Home("./runs" if home is None else home)
            todo = make_plan(declared, scale, place, chosen, retry_failed, refine)
            announce(todo, place, where)
            if plan:
                show_cost(todo, size, where.resources)
                return
            status = Launch(todo, place, size, where.address, tracking_uri, artifacts, mirrored).carry_out()
    except (DeclarationError, HomeError, DataError) as fault:
        refuse(str(fault))
    except KeyboardInterrupt:
        status = 130
    raise typer.Exit(status)


def _attached(name: str, where: Place) -> int:
    if not where.is_sent:
        raise DeclarationError(f"--attach {name} needs the cluster that it runs on: give --address, or set RAY_ADDRESS")
    from study import submit

    return submit.attach(name, where, console)


def _pack_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise DeclarationError(f"--pack {text} is no pack size: give auto, or a number from 1")
    return int(text)


def _only(texts: Sequence[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for text in texts:
        axis, equals, values = text.partition("=")
        if not (axis and equals and values):
            raise DeclarationError(f"--only {text} is not understood: write it as AXIS=VALUE or AXIS=V1,V2")
        chosen.setdefault(axis, []).append(values)
    return chosen


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    run(app, "python -m study.launch")
