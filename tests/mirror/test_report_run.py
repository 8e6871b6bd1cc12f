"""What MLflow shows of a study as a whole: its report, regimes, and its runs in an order that means something."""

import json
import shutil
from pathlib import Path

import pytest
from recorded_home import (
    IDS,
    KAPPAS,
    REGIMES,
    STUDY,
    client,
    commit_trials,
    path_names,
    reported,
    run_ids,
    runs,
    write_plan,
)

from study.mirror.entry import NEG_ELBO, with_neg_elbo
from study.mirror.mirror import Mirror, rebuild
from study.mirror.records import StudyRecords
from study.mirror.views import views
from study.record import Home

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def regimes_shown(home: Home) -> dict[str, str]:
    return {
        run.info.run_name: run.data.tags.get("regime", "") for kind in ("cell", "trial") for run in runs(home, kind)
    }


def page_shown(home: Home) -> str:
    (run,) = runs(home, "report")
    assert (run.info.status, path_names(home, run.info.run_id)) == ("FINISHED", ["report.html"])
    return Path(client(home).download_artifacts(run.info.run_id, "report.html")).read_text()


def test_the_report_and_its_regimes_are_shown_though_they_come_after_the_mirror(home: Home) -> None:
    commit_trials(home, [*IDS])
    reported(home, "<h1>first</h1>")
    assert page_shown(home) == "<h1>first</h1>"
    seeds = {"κ=4 · s0": "balanced", "κ=4 · s1": "balanced", "κ=8 · s0": "under", "κ=8 · s1": "over?"}
    assert regimes_shown(home) == {"κ=4": "balanced", "κ=8": "1 under, 1 over?"} | seeds
    (run,) = runs(home, "report")
    note = client(home).get_experiment_by_name(STUDY).tags["mlflow.note.content"]
    assert f"[open it here](#/experiments/1/runs/{run.info.run_id}/artifacts/report.html?" in note
    assert "**Regimes.** They go by <h1>first</h1>." in note
    reported(home, "<h1>second</h1>", REGIMES | {(8, 0): "over", (8, 1): "over"})
    assert page_shown(home) == "<h1>second</h1>"
    assert regimes_shown(home) == {"κ=4": "balanced", "κ=8": "over"} | seeds | {"κ=8 · s0": "over", "κ=8 · s1": "over"}


def test_a_rebuilt_mirror_shows_report_and_regimes_too(home: Home, database: Path) -> None:
    commit_trials(home, [(4, 0), (8, 0)])
    reported(home, "<h1>page</h1>")
    live = regimes_shown(home)
    (Path(str(home)) / "mlflow.db").unlink()
    shutil.copy(database, f"{home}/mlflow.db")
    rebuild(home)
    assert (page_shown(home), regimes_shown(home)) == ("<h1>page</h1>", live)
    before = run_ids(home), [run.info.run_id for run in runs(home, "report")]
    rebuild(home)
    assert (run_ids(home), [run.info.run_id for run in runs(home, "report")]) == before


@pytest.mark.parametrize("ends", ["killed", "reported"])
def test_a_mirror_that_waits_for_a_report_lets_go_of_the_study(home: Home, ends: str) -> None:
    """A launch whose report could not be written ends otherwise; in a notebook the next one follows in the same process."""
    commit_trials(home, [(4, 0)])
    mirror = Mirror(home, STUDY)
    mirror.start({})
    mirror.finish("finished", {}, is_reported=True)
    assert mirror.wait() is None
    if ends == "killed":
        mirror.finish("killed", {})
    else:
        assert mirror.show_report() is None  # there is none, and so nothing to show
    reported(home, "<h1>next</h1>")
    assert page_shown(home) == "<h1>next</h1>"


def test_runs_are_in_the_order_of_the_table_also_after_it_has_changed(home: Home) -> None:
    def names(kind: str) -> list[str]:
        found = client(home).search_runs(["1"], f"tags.kind = '{kind}'", order_by=["tags.place ASC"])
        return [run.info.run_name for run in found]

    commit_trials(home, [*IDS])
    for kappas in (KAPPAS, KAPPAS[::-1]):
        write_plan(home, kappas=kappas)
        rebuild(home)
        assert names("cell") == [f"κ={kappa}" for kappa in kappas]
        assert names("trial") == [f"κ={kappa} · s{seed}" for kappa in kappas for seed in (0, 1)]
    states = [state for name, state in views(StudyRecords(home, STUDY)).values() if name != "Training now"]
    assert {state["orderByKey"] for state in states} == {"tags.`place`"}


def test_the_trials_of_a_search_are_in_the_order_of_what_it_minimises(home: Home) -> None:
    header = json.loads(home.read(f"studies/{STUDY}/study.json"))
    header["search"] = {"settings": {"minimise": "distortion_train=5 n_active=16"}}
    home.write(f"studies/{STUDY}/study.json", json.dumps(header).encode())
    records = StudyRecords(home, STUDY)
    name, state = views(records)["trials"]
    assert (name, state["orderByKey"], state["orderByAsc"]) == ("Every trial", "metrics.`distortion_train`", True)
    columns = state["selectedColumns"]
    assert isinstance(columns, list)
    assert columns[:4] == ["tags.`status`", "tags.`regime`", "metrics.`distortion_train`", "metrics.`n_active`"]
    commit_trials(home, [(4, 0)])
    (entry,) = records.entries(records.committed())
    assert entry.metrics["n_active"] == 3


def test_neg_elbo_is_known_of_a_normal_likelihood_with_one_gamma_alone() -> None:
    point = {"step": 0, "distortion": 4.0, "rate": 3.0, "gamma": 0.5}
    normal = {"likelihood": "normal", "gamma_mode": "learned", "d": 2}
    (found,) = with_neg_elbo([point], normal)
    assert found[NEG_ELBO] == pytest.approx(4.0 + 1.1447298858494002 + 3.0)  # R/(2γ) + log π + K
    for other in ({"likelihood": "bernoulli"}, {"gamma_mode": "perpixel"}, {"gamma_mode": "perimage"}):
        assert NEG_ELBO not in with_neg_elbo([point], normal | other)[0]
    (without_a_rate,) = with_neg_elbo([point | {"rate": None}], normal)
    assert without_a_rate[NEG_ELBO] is None
