"""What a person sees on opening a study's experiment: its question, how to read it, and ready-made views of its runs.

A view is what MLflow stores when a person saves one under *Views*: an experiment tag with the filter, the order, the columns
and the grouping. A browser that opens its address shows just that.
"""

import json
from collections.abc import Sequence

from study.mirror.records import StudyRecords

SIDE = "workflowType=machine_learning"
"""The part of the UI that shows training runs, whatever the browser showed last."""

PAGE = "report.html"
"""The study's report, as an artifact."""

VIEW_TAG = "mlflow.sharedViewState."

SHOWN = ("neg_elbo_test", "n_active", "rate_test", "distortion_test", "nre_mean_test", "gamma")
"""The final numbers that get a column, in this order."""

RUN_NAME = "attributes.`Run Name`"
"""The column of the runs' names. It is wider than MLflow's own: readers look for the names."""

RUNNING = "tags.kind = 'pack' and attributes.status = 'RUNNING'"

LIVE = ("pack/trial_steps_per_s", "pack/diverged", "pack/n_active_median", "pack/objective_median")
"""The numbers of a running pack that get a column."""

MEANINGS = {
    "n_active": "latents with mean posterior variance below 0.5",
    "rate_test": "KL divergence from the prior, in nats an example",
    "distortion_test": "squared error, summed over dimensions, in squared data units",
    "nre_mean_test": "error at the posterior mean, as a share of the variance",
    "neg_elbo_test": "−ELBO at β = 1, in nats an example",
    "gamma": "the decoder variance at the end",
    "scale_residual": "distance from a stationary point: converged up to 0.5",
    "curve/…": "the same of minibatches, along training",
}

NOTE = """{caption}

**Views:** {links}; the same are under *Views* above the runs.

**Runs.** {nesting} They stand in the order of {order}. A plain parameter is an axis that varies in this study; a dotted \
one (`model.encoder`) was declared with it. Tags say a run's `kind` and a trial's `status` (finished, diverged or failed), \
`trial_id` and `regime`, as the report judges it (`?`: the trial has not converged); runs of kind `pack` show training live.

{rules}{legend}

**Report:** {shown}`{report}`. Everything here follows from the study's records: `collapsar mirror {study}` writes \
it again.
"""

CELLS = "A run per *cell* (all axes but the seed) carries the means over its seeds, whose own runs are nested below it."
TRIALS = "A run per trial."


def views(records: StudyRecords) -> dict[str, tuple[str, dict[str, object]]]:
    """key → name and state of each view; the first is the one to open first."""
    numbers, seed = tuple(meanings(records)), ["seed"] if records.has_cells else []
    judged = ["regime"] if records.is_trained else []
    best_first = {"orderByKey": f"metrics.`{records.minimised[0]}`"} if records.minimised else {}
    trials = (
        "Every trial",
        _state("trial", [*records.factors, *seed], ["status", *judged], numbers) | best_first,
    )
    packs = ("Training now", _state("pack", [], [], LIVE) | {"searchFilter": RUNNING})
    if not records.has_cells:
        return {"trials": trials, "packs": packs}
    cells = ("Means over seeds", _state("cell", records.factors, judged, ("seeds", *numbers)))
    if not records.is_trained:
        return {"cells": cells, "trials": trials, "packs": packs}
    curves = (
        "Curves, mean over seeds",
        _state("trial", records.factors, [], numbers) | {"groupBy": _grouped_by_cell()},
    )
    return {"cells": cells, "trials": trials, "curves": curves, "packs": packs}


def meanings(records: StudyRecords) -> dict[str, str]:
    """The numbers of trained trials and of probes that get a column, and their meanings."""
    searched = dict.fromkeys(records.minimised, "what the search minimises")
    trained = searched | {name: MEANINGS[name] for name in SHOWN} if records.is_trained else {}
    return trained | {name: f"{meaning}, in {unit}" for name, (unit, meaning) in records.measures.items()}


def _state(kind: str, params: Sequence[str], tags: Sequence[str], metrics: Sequence[str]) -> dict[str, object]:
    columns = [f"tags.`{name}`" for name in tags] + [f"metrics.`{name}`" for name in metrics]
    columns += [f"params.`{name}`" for name in params]
    return {
        "searchFilter": f"tags.kind = '{kind}'",
        # As the table is. In order of their start, runs would be folded below their parents, and absent from charts.
        "orderByKey": "tags.`place`",
        "orderByAsc": True,
        "selectedColumns": columns,
        "columnOrder": [RUN_NAME, *columns],
        "columnWidths": {RUN_NAME: 360},
    }


def _grouped_by_cell() -> dict[str, object]:
    return {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "cell"}]}


def tags(records: StudyRecords, experiment: str, report: str | None = None) -> dict[str, str]:
    """The experiment's tags: its description, its kind and its views. `report` is the run that holds the report."""
    found = {"mlflow.note.content": description(records, experiment, report)}
    found["mlflow.experimentKind"] = "custom_model_development"  # else the UI guesses a kind
    for age, (key, (name, state)) in enumerate(views(records).items()):
        # The list of views is newest first; a constant time keeps the tag as it is.
        envelope = {"name": name, "createdAt": 10 - age, "updatedAt": 10 - age, "state": json.dumps(state)}
        found[VIEW_TAG + key] = json.dumps(envelope, ensure_ascii=False)
    return found


def description(records: StudyRecords, experiment: str, report: str | None = None) -> str:
    """What the study asks and how to read its experiment, in Markdown."""
    links = ", ".join(f"[{name}]({address(experiment, key)})" for key, (name, _) in views(records).items())
    also = MEANINGS if records.is_trained else {}
    legend = "\n".join(f"- `{name}`: {meaning}" for name, meaning in (meanings(records) | also).items())
    return NOTE.format(
        caption=records.caption,
        links=links,
        nesting=CELLS if records.has_cells else TRIALS,
        rules=f"**Regimes.** {' '.join(records.rules)}\n\n" if records.rules else "",
        legend=legend,
        order=f"{records.minimised[0]}, which the search minimises" if records.minimised else "the study's table",
        shown=f"[open it here]({run_address(experiment, report, PAGE)}); the file is " if report else "",
        report=f"{records.home}/studies/{records.study}/report/index.html",
        study=records.study,
    )


def address(experiment: str, key: str) -> str:
    """The address of a view in the UI."""
    mode = "&compareRunsMode=CHART" if key in ("curves", "packs") else ""
    return f"#/experiments/{experiment}/runs?{SIDE}&viewStateShareKey={key}{mode}"


def run_address(experiment: str, run_id: str, artifact: str = "") -> str:
    """The address of a run, or of an artifact of its, in the UI."""
    return f"#/experiments/{experiment}/runs/{run_id}{artifact and f'/artifacts/{artifact}'}?{SIDE}"
