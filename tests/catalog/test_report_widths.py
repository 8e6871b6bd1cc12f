"""Every study's report in a terminal, from made-up results: no line is too long, and no word of a table is cut."""

import io
import random

import pytest
from rich.console import Console

from analysis.frames.view import View
from analysis.report.declaring_study import declaring_study
from analysis.report.findings import _asked
from analysis.report.report import Report
from analysis.report.terminal import print_report
from analysis.tables.cells import counts, glance
from analysis.tables.sheet import Sheet
from study.declare.probe import Probe
from study.launch.find import catalog_names, find
from study.pack.pack import make_pack
from study.plan.plan import make_plan, write_plan
from study.record import Home, commit, new_commit_id
from study.train.declared_columns import declared_row

SEARCHED = {"balance_search"}
"""Studies that declare no trial before they are launched."""


def made_up(name: str, home: Home) -> Report:
    """The report of a study, without figures, whose every trial ended somehow."""
    rng, plan, commit_id = random.Random(0), make_plan(find(name), "laptop", home), new_commit_id()
    write_plan(plan, home)
    rows, values = [], []
    for row in plan.rows:
        made = declared_row(make_pack([row.trial], {}), 0, commit_id) | {"status": "finished"}
        measured = {
            column: rng.uniform(0.01, 1) for column in ("nre_mean_test", "scale_residual", "gamma", "rate_test")
        }
        measured |= {
            "neg_elbo_test": rng.gauss(0, 50),
            "distortion_test": rng.expovariate(1),
            "n_active": rng.randrange(9),
        }
        is_probe = isinstance(row.trial, Probe)
        rows.append(made if is_probe else made | measured)
        names = row.trial.what.measures if is_probe else ("mmd_imq", "fd_x", "kd_x", "mmd_x", "ndb_100", "auroc")
        own = {"trial_id": row.trial.trial_id, "commit_id": commit_id, "version": 1, "standard_error": 1e-3}
        values += [own | {"metric": metric, "value": rng.uniform(-1, 3)} for metric in names]
    commit(home, commit_id, {"trials": rows, "evaluations": values})
    view, faults = View.of(name, home), []
    study = declaring_study(view.header, None).study
    sheets, claims = _asked(study, "sheets", Sheet, view, faults), _asked(study, "claims", Sheet, view, [])
    trials = view.trials
    return Report(
        name,
        view.header.caption,
        "index.html",
        [],
        counts(trials),
        glance(trials, view.header),
        sheets,
        claims,
        [],
        faults,
    )


@pytest.mark.parametrize("name", sorted({*catalog_names()} - SEARCHED))
def test_nothing_of_a_report_is_cut(name: str, tmp_path):
    report = made_up(name, Home(tmp_path))
    texts = [
        text
        for sheet in report.sheets
        for text in (*sheet.text()[0], *(cell for row in sheet.text()[1] for cell in row))
    ]
    if not any(len(sheet.frame) for sheet in report.sheets):
        texts = [*report.glance.axes, *report.glance.columns, *(label for row in report.glance.rows for label in row)]
        texts += [cell.text for row in report.glance.cells for cell in row]
    said = " ".join([report.caption, *texts, *(sheet.caption for sheet in report.sheets), *map(str, report.claims)])
    for width in (40, 80, 120):
        console = Console(width=width, file=io.StringIO(), force_terminal=True, record=True)
        print_report(console, report)
        shown = console.export_text()
        if width >= 80:
            assert max(map(len, shown.splitlines())) <= width
            words, seen = ({word.rstrip(",") for word in text.split()} for text in (" ".join(texts), shown))
            assert words - {"—", "data"} <= seen
        assert shown.count("…") == said.count("…")
