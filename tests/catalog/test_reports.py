"""Every study of the catalog has a report, also before anything is trained, and nothing goes wrong in it."""

import io
from importlib import import_module

import pytest
from rich.console import Console

from analysis.report.report import write_report
from analysis.report.terminal import print_report
from study.launch.find import catalog_names, find
from study.plan.plan import make_plan, write_plan
from study.record import Home


@pytest.mark.parametrize("name", catalog_names())
def test_a_study_without_results_has_a_report_without_faults(name: str, tmp_path):
    home, study = Home(tmp_path), find(name)
    write_plan(make_plan(study, "laptop", home), home)
    report = write_report(name, home)
    assert report.faults == []
    assert all(claim.is_undecided for claim in report.claims)
    print_report(Console(width=40, file=(out := io.StringIO())), report)
    assert f"{report.counts['declared']} declared, {report.counts['missing']} missing" in out.getvalue()


@pytest.mark.parametrize("name", catalog_names())
def test_every_study_makes_claims(name: str):
    import_module(f"study.catalog.{name}.claims")
    assert find(name).findings["claims"]
