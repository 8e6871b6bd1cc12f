"""A home that an earlier version wrote is reported, mirrored, loaded and planned as if nothing had happened."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.report.overview import every_claim, overview
from analysis.report.report import write_report
from study import load
from study.launch.find import find
from study.mirror.mirror import rebuild
from study.plan.plan import make_plan
from study.record import Home, read

pytestmark = pytest.mark.every_python

EARLIER = Path(__file__).parents[1] / "earlier_home"


@pytest.fixture
def earlier(tmp_path: Path) -> Home:
    shutil.copytree(EARLIER / "home", tmp_path / "home")
    return Home(tmp_path / "home")


def test_a_study_of_the_catalog_is_known_by_its_axes_and_its_claims_are_judged(earlier: Home):
    report = write_report("collapse_point", earlier)
    assert [claim.verdict for claim in report.claims] == ["holds"] * 4
    assert report.faults == []
    assert [sheet.name for sheet in report.sheets] == ["gradients"]
    assert any(path.endswith("noise.svg") for path in report.paths)


def test_a_users_study_that_bears_a_name_of_the_catalog_has_a_plain_report(earlier: Home):
    report = write_report("stability", earlier)
    assert (report.claims, [sheet.name for sheet in report.sheets], report.faults) == ([], ["best_trials"], [])
    assert report.counts["finished"] == report.counts["declared"] == 6
    assert {"table.csv", "index.html", "gamma_trajectory.svg"} <= {path.rsplit("/", 1)[1] for path in report.paths}


def test_the_overview_reads_the_whole_home(earlier: Home):
    found = overview(earlier)
    assert found.faults == []
    assert {one.study for one in every_claim(found)} == {"collapse_point"}
    assert "stability" in found.missing  # the user's study is not the catalog's
    assert "collapse_point" not in found.missing


def test_a_network_is_loaded(earlier: Home):
    rows = read(earlier, "trials", ["trial_id", "kappa", "has_weights"]).to_pylist()
    (trial, *_) = [row for row in rows if row["has_weights"] == 1]
    network: Any = load(trial["trial_id"], earlier)
    assert network.trial.model.kappa == trial["kappa"]


def test_planning_finds_nothing_to_train(earlier: Home):
    for name in (f"{EARLIER / 'earlier_study.py'}:stability", "collapse_point"):
        plan = make_plan(find(name), "laptop", earlier)
        assert (plan.missing, plan.settled) == ([], len(plan.rows))


def test_the_mirror_shows_every_trial(earlier: Home, database: Path, tmp_path: Path):
    shutil.copy(database, tmp_path / "home/mlflow.db")
    assert rebuild(earlier) == 6 + 15
