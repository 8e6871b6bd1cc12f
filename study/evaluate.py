"""`python -m study.evaluate [STUDY]` computes the metrics that trained trials lack, from their stored weights.

A launch evaluates what it trains. This command is for records from before a metric existed, or was corrected: it adds rows
to the evaluations table, never changes one, and finds nothing to do when it is run again.
"""

import math
import uuid
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from study.cli import command_of, counted, refuse, run
from study.declare.trial import Trial
from study.errors import REFUSALS, OptionError
from study.record import WORK_LOCK, Home, HomeError, read, read_artifacts, write_part
from study.record.garbage import declared_ids

MOST = 64
"""How many trials are evaluated together at most."""

Row = dict[str, Any]


def main(
    study: Annotated[str | None, typer.Argument(help="the study; if left out, every trial of the home")] = None,
    home: Annotated[str, typer.Option(metavar="DIR|URI", help="the home that holds the records")] = "./runs",
) -> None:
    """Compute the metrics that trained trials lack, from their stored weights."""
    console = Console()
    try:
        place = Home(home)
        lacking = _lacking(place, study)
        with place.lock(WORK_LOCK, shared=True):
            for group, metrics in _groups(lacking):
                _evaluate(place, group, metrics)
                console.print(f"{counted(len(group), 'trial')}: {', '.join(metrics)}")
    except REFUSALS as fault:
        refuse(str(fault))
    console.print(f"{counted(len(lacking), 'trial')} evaluated" if lacking else "every trial with weights is evaluated")


def _lacking(home: Home, study: str | None) -> list[tuple[Row, tuple[str, ...]]]:
    """The trials with weights that lack the present version of some metric, and which. Raises: HomeError, OptionError."""
    from study.train.measure.metrics import METRICS

    chosen = None if study is None else _declared(home, study)
    columns = ["trial_id", "commit_id", "declaration", "artifacts", "has_weights", "gamma", "status"]
    rows = [
        row for row in read(home, "trials", columns).to_pylist() if row["has_weights"] and row["status"] != "failed"
    ]
    table = read(home, "evaluations", ["trial_id", "metric", "version"]).to_pylist()
    known = {(row["trial_id"], row["metric"], row["version"]) for row in table}
    found = []
    for row in rows:
        lacks = {name for name, of in METRICS.items() if (row["trial_id"], name, of.version) not in known}
        if not lacks or not (chosen is None or row["trial_id"] in chosen):
            continue
        trial = Trial.model_validate_json(row["declaration"])
        if metrics := tuple(name for name in METRICS if name in lacks and METRICS[name].is_for(trial)):
            found.append((row, metrics))
    return found


def _declared(home: Home, study: str) -> frozenset[str]:
    plans = declared_ids(home)
    if study not in plans:
        raise OptionError(f"{home} holds no study {study} (it holds {', '.join(plans) or 'none'})")
    return plans[study]


def _groups(lacking: Sequence[tuple[Row, tuple[str, ...]]]) -> Iterator[tuple[list[Row], tuple[str, ...]]]:
    """Trials that share shapes and lack the same metrics, at most `MOST` together."""
    groups: dict[tuple[str, tuple[str, ...]], list[Row]] = {}
    for row, metrics in lacking:
        key = Trial.model_validate_json(row["declaration"]).pack_key
        groups.setdefault((key, metrics), []).append(row)
    for (_, metrics), rows in groups.items():
        for start in range(0, len(rows), MOST):
            yield rows[start : start + MOST], metrics


def _evaluate(home: Home, rows: Sequence[Row], metrics: Sequence[str]) -> None:
    from models.networks.own_outputs import NetworkError
    from study.train.measure.from_weights import measure_again

    trials = [Trial.model_validate_json(row["declaration"]) for row in rows]
    try:
        weights = [read_artifacts(home, row["artifacts"], row["trial_id"], "weights") for row in rows]
        # Unless γ is learned, the stack decides it anew and ignores this.
        gammas = [math.log(row["gamma"]) if row["gamma"] else math.nan for row in rows]
        for values in measure_again(trials, weights, gammas, metrics, home):
            added = [
                {name: rows[place][name] for name in ("trial_id", "commit_id")} | {"stage": trials[place].stage} | value
                for place, value in values
            ]
            write_part(home, "evaluations", f"later-{uuid.uuid4().hex[:16]}.parquet", added)
    except (
        NetworkError,
        ModuleNotFoundError,
    ) as fault:  # packages of other versions than those that trained it, or none
        raise HomeError(f"trial {rows[0]['trial_id']} cannot be built here: {fault}") from fault
    except (FileNotFoundError, KeyError, RuntimeError) as fault:
        raise HomeError(
            f"the weights of trial {rows[0]['trial_id']} or of its pack do not fit its network ({fault}): "
            "another version kept them, or they were moved"
        ) from fault


app = command_of(main)

if __name__ == "__main__":
    run(app, "python -m study.evaluate")
