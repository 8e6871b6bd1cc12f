"""The best trials: by what a search minimises, on its front where that is several measures, otherwise by −ELBO."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_studies import DIGITS, PLANTED, row, store
from rich.console import Console
from undrawn_charts import undrawn

from analysis.explore.axes import in_words
from analysis.explore.charts import charts_of
from analysis.figures.chart import Charts
from analysis.frames.view import View
from analysis.report.best_trials import MOST, best_trials
from analysis.report.notes import outdone
from analysis.report.report import write_report
from analysis.report.terminal import print_report
from study.record import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def search(home: Home, minimise: dict[str, float], trials: int = 30) -> list[dict[str, Any]]:
    """A study `hunt` of two samplers with two repeats each, over β and lr, whose first trial diverged; returns its rows."""
    rng = np.random.default_rng(4)
    plan, rows = [], []
    for sampler in ("tpe", "random"):
        for repeat in (0, 1):
            for number in range(trials):
                line = {"trial_id": f"{sampler}-{repeat}-{number}", "sampler": sampler, "repeat": repeat}
                plan.append(line | {"number": number, "lr": float(rng.uniform()), "beta": float(10 ** rng.normal())})
                numbers = {
                    "neg_elbo_test": rng.normal(),
                    "n_active": int(rng.integers(0, 6)),
                    "nre_mean_test": rng.uniform(),
                }
                rows.append(row(line["trial_id"], beta=plan[-1]["beta"], lr=plan[-1]["lr"], seed=repeat, **numbers))
    rows[0] |= {"status": "diverged", "neg_elbo_test": None, "n_active": None, "nre_mean_test": None}
    axes = {axis: list(dict.fromkeys(line[axis] for line in plan)) for axis in plan[0] if axis != "trial_id"}
    store(home, "hunt", axes, plan, rows)
    header = json.loads(home.read("studies/hunt/study.json")) | {"search": {"minimise": minimise}}
    home.write("studies/hunt/study.json", json.dumps(header).encode())
    return rows


def test_the_best_trials_of_a_search_have_the_least_of_what_it_minimises(home: Home):
    rows = search(home, {"nre_mean_test": 1.0})
    (sheet,) = best_trials(View.of("hunt", home))
    finished = sorted((each for each in rows if each["status"] == "finished"), key=lambda each: each["nre_mean_test"])
    assert sheet.frame["trial id"].tolist() == [each["trial_id"] for each in finished[:MOST]]
    assert sheet.frame["NRE mean"].tolist() == [each["nre_mean_test"] for each in finished[:MOST]]
    assert "which the search minimises" in sheet.caption
    head = ["NRE mean", "sampler", "seed of the search", "trial of its search", "lr", "β", "trial id"]
    assert sheet.csv().decode().splitlines()[0] == ",".join(head)


def test_of_several_measures_those_are_best_that_nothing_betters(home: Home):
    rows = search(home, {"n_active": 8.0, "nre_mean_test": 1.0})
    (sheet,) = best_trials(View.of("hunt", home))
    finished = [each for each in rows if each["status"] == "finished"]
    for name in sheet.frame["trial id"]:
        best = next(each for each in finished if each["trial_id"] == name)
        assert not any(
            each["n_active"] <= best["n_active"]
            and each["nre_mean_test"] <= best["nre_mean_test"]
            and (each["n_active"], each["nre_mean_test"]) != (best["n_active"], best["nre_mean_test"])
            for each in finished
        )
    assert 1 < len(sheet.frame) <= MOST


def test_without_a_search_the_lowest_neg_elbo_is_best_on_each_data_set(home: Home):
    plan = [
        {"trial_id": f"{data['data_id']}{seed}", "data": data["data"], "seed": seed}
        for data in (PLANTED, DIGITS)
        for seed in (0, 1)
    ]
    trials = [
        row(line["trial_id"], **data, seed=seed, neg_elbo_test=10.0 * (data is DIGITS) - seed)
        for line, (data, seed) in zip(plan, [(d, s) for d in (PLANTED, DIGITS) for s in (0, 1)], strict=True)
    ]
    store(home, "two", {"data": [PLANTED["data"], DIGITS["data"]], "seed": [0, 1]}, plan, trials)
    (sheet,) = best_trials(View.of("two", home))
    assert sheet.frame["trial id"].tolist() == ["m31", "dg1"]
    assert sheet.frame["data set"].tolist() == ["manifold r=3", "Digits"]
    assert sheet.frame["seed"].tolist() == [1, 1]
    assert sheet.caption == "Best trials, by −ELBO, test, on each data set"


def test_the_terminal_names_the_best_trial_of_a_search_and_its_value(home: Home):
    rows = search(home, {"neg_elbo_test": 100.0})
    best = min((each for each in rows if each["status"] == "finished"), key=lambda each: each["neg_elbo_test"])
    console = Console(width=80, file=io.StringIO(), record=True)
    print_report(console, write_report("hunt", home))
    text = console.export_text()
    assert best["trial_id"] in text
    assert f"{best['neg_elbo_test']:.2f}" in text
    assert text.count("tpe-") + text.count("random-") <= MOST + 1  # no table of all trials beside it


def test_a_search_counts_its_trials_from_one_wherever_they_are_named(home: Home):
    search(home, {"neg_elbo_test": 100.0})
    view = View.of("hunt", home)
    last = view.trials.set_index("trial_id").loc["random-1-29"]
    assert last["number"] == 30
    assert view.header.axes["number"] == list(range(1, 31))
    rows = {each["id"]: each for each in charts_of(view).datasets["trials"]}
    assert rows["random-1-29"]["order"] == 30
    labels = {axis: last[axis] for axis in ("sampler", "repeat", "number", "kappa")}
    assert in_words(labels) == "trial 30 of the search by random with seed 1, κ 8"
    (sheet,) = best_trials(view)
    places = [int(name.rpartition("-")[2]) + 1 for name in sheet.frame["trial id"]]
    assert sheet.frame["trial of its search"].tolist() == places


def test_the_page_of_a_search_begins_with_its_best_trials_and_its_history(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Charts, "drawing", undrawn)
    search(home, {"neg_elbo_test": 100.0}, trials=3)
    write_report("hunt", home)
    page = home.read("studies/hunt/report/index.html").decode()
    parts = ["id='sheet-best_trials'", "id='figure-history'", "id='figure-explorer'", "id='glance'", "id='table'"]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)


def test_the_history_of_a_search_never_rises_and_no_diverged_trial_is_its_best(home: Home):
    search(home, {"neg_elbo_test": 100.0})
    charts = charts_of(View.of("hunt", home))
    assert {"history", "explorer", "importance", "parallel"} <= {chart.name for chart in charts.charts}
    rows = {each["id"]: each for each in charts.datasets["trials"]}
    assert rows["tpe-0-0"]["status"] == "diverged"
    assert rows["tpe-0-0"]["h0"] == 100  # as declared
    assert rows["tpe-0-0"].get("b0") is None
    for sampler in ("tpe", "random"):
        best = [rows[f"{sampler}-1-{number}"]["b0"] for number in range(30)]
        values = [rows[f"{sampler}-1-{number}"]["h0"] for number in range(30)]
        assert best == np.minimum.accumulate(values).tolist()


def test_a_diverged_trial_stands_at_the_worst_finished_one_where_that_is_worse_than_declared(home: Home):
    search(home, {"neg_elbo_test": -1000.0})
    view = View.of("hunt", home)
    worst = view.trials.loc[view.trials["status"].eq("finished"), "neg_elbo_test"].max()
    rows = {each["id"]: each for each in charts_of(view).datasets["trials"]}
    assert rows["tpe-0-0"]["h0"] == pytest.approx(worst, rel=1e-4)
    (note,) = outdone(view.trials, view.header)
    assert (
        f"counts as neg_elbo_test=-1000, and a finished one has {worst:.5g}: so a diverged one counts as worse" in note
    )


def test_the_front_of_a_search_is_marked_for_each_sampler(home: Home):
    search(home, {"n_active": 8.0, "nre_mean_test": 1.0})
    charts = charts_of(View.of("hunt", home))
    assert "front" in {chart.name for chart in charts.charts}
    rows = [each for each in charts.datasets["trials"] if each["status"] == "finished"]
    for sampler in ("tpe", "random"):
        own = [each for each in rows if each["id"].startswith(sampler)]
        for each in own:
            is_bettered = any(
                other["h0"] <= each["h0"]
                and other["h1"] <= each["h1"]
                and (other["h0"], other["h1"]) != (each["h0"], each["h1"])
                for other in own
            )
            assert ("front" in each) is not is_bettered


def test_of_a_trial_that_trained_again_with_more_steps_the_last_rung_counts(home: Home):
    plan = [
        {"trial_id": f"{n}-{steps}", "sampler": "tpe", "repeat": 0, "number": n, "steps": steps}
        for n in (0, 1)
        for steps in (10, 20)
    ]
    trials = [
        row(line["trial_id"], neg_elbo_test=value, steps=line["steps"])
        for line, value in zip(plan, (1.0, 5.0, 4.0, 3.0), strict=True)
    ]
    store(home, "rungs", {"sampler": ["tpe"], "repeat": [0], "number": [0, 1], "steps": [10, 20]}, plan, trials)
    header = json.loads(home.read("studies/rungs/study.json")) | {"search": {"minimise": {"neg_elbo_test": 9.0}}}
    home.write("studies/rungs/study.json", json.dumps(header).encode())
    rows = {each["id"]: each for each in charts_of(View.of("rungs", home)).datasets["trials"]}
    assert [rows[name].get("b0") for name in ("0-10", "0-20", "1-10", "1-20")] == [None, 5, None, 3]
