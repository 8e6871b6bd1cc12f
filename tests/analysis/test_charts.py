"""The charts of any study: everything that varies and is measured is there, no trial is lost, and every chart is valid."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest
from made_up_studies import row, store

from analysis.explore.charts import charts_of
from analysis.explore.explored import Explored
from analysis.explore.names import NAMES
from analysis.figures.chart import Charts
from analysis.frames.view import View
from analysis.tables.interval import t_interval
from benchmarks.synthetic_records import fill
from benchmarks.synthetic_records import sweep as synthetic
from study.record import TABLES, Home, write_artifacts

MEAN = (
    "learning rate: ([^;]+); latent dimensions κ: ([^;]+); weight of the rate β: ([^;]+); "
    "mean: ([^;]+); ± \\(95 %\\): ([^;]+); n: (\\d+)"
)
"""What a drawing says of a mean to those who do not see it."""

LRS, KAPPAS, BETAS, SEEDS = [1e-3, 1e-2, 1e-1], [2, 4], [0.5, 1.0, 2.0], [0, 1, 2]


def sweep(home: Home) -> list[dict[str, Any]]:
    """A study `sweep` of lr × κ × β × seed whose −ELBO follows from lr, with a diverged trial; returns the trials' rows."""
    rng = np.random.default_rng(0)
    cells = [(lr, kappa, beta, seed) for lr in LRS for kappa in KAPPAS for beta in BETAS for seed in SEEDS]
    plan = [{"trial_id": f"t{i}", "lr": lr, "kappa": k, "beta": b, "seed": s} for i, (lr, k, b, s) in enumerate(cells)]
    trials = []
    for line in plan:
        numbers = {"neg_elbo_test": -100 * line["lr"] + 0.01 * rng.normal(), "objective_test": rng.normal()}
        numbers |= {"rate_test": np.exp(rng.normal()), "distortion_test": np.exp(rng.normal())}
        trials.append(row(line["trial_id"], kappa=line["kappa"], beta=line["beta"], seed=line["seed"], **numbers))
    trials[-1] |= {"status": "diverged", "diverged_at": 7, "neg_elbo_test": None, "n_active": None, "rate_test": None}
    curves = [
        {
            "trial_id": line["trial_id"],
            "stage": "vae",
            "step": step,
            "gamma": 1 / (1 + step),
            "objective": line["lr"] * step,
        }
        for line in plan
        for step in range(0, 3000, 3)
    ]
    metric = [{"trial_id": line["trial_id"], "metric": "sharpness", "value": 0.5, "version": 1} for line in plan]
    axes = {"lr": LRS, "kappa": KAPPAS, "beta": BETAS, "seed": SEEDS}
    store(home, "sweep", axes, plan, trials, curves=curves, evaluations=metric)
    header = json.loads(home.read("studies/sweep/study.json")) | {
        "metrics": {"sharpness": ["1/m", "how sharp"]},
        "own_metrics": ["sharpness"],
    }
    home.write("studies/sweep/study.json", json.dumps(header).encode())
    return trials


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> View:
    """The study `sweep`."""
    home = Home(tmp_path_factory.mktemp("swept"))
    sweep(home)
    return View.of("sweep", home)


@pytest.fixture(scope="module")
def charts(swept: View) -> Charts:
    return charts_of(swept)


def spec(charts: Charts, name: str) -> Mapping[str, Any]:
    return next(chart.spec for chart in charts.charts if chart.name == name)


def options(charts: Charts, name: str, param: str) -> dict[str, str]:
    """Key → title of what a reader can choose."""
    bound = next(one for one in spec(charts, name)["params"] if one["name"] == param)["bind"]
    return dict(zip(bound["options"], bound["labels"], strict=True))


def test_every_axis_and_every_measure_can_be_chosen(charts: Charts, swept: View):
    across = options(charts, "explorer", "x_axis")
    assert set(across.values()) == {"learning rate", "latent dimensions κ", "weight of the rate β"}
    assert set(across.values()) < set(options(charts, "explorer", "colour").values())
    assert set(across.values()) < set(options(charts, "explorer", "panel").values())
    offered = set(options(charts, "explorer", "y_axis").values())
    assert {"−ELBO, test (nats)", "objective J, test (nats)", "active latents", "rate, test (nats)"} < offered
    assert "sharpness (1/m)" in offered
    numbers = {field.name for field in TABLES["trials"] if field.metadata[b"unit"] != b"-" and field.type == "double"}
    measured = {name for name in numbers & set(swept.trials) if swept.trials[name].notna().any()}
    columns = {each.column for each in Explored.of(swept).measures}
    assert measured - columns <= {"gamma_init", "total_variance"}  # these were declared


def test_no_trial_is_lost_on_the_way_to_the_data_set(charts: Charts, swept: View):
    rows = {each["id"]: each for each in charts.datasets["trials"]}
    assert set(rows) == set(swept.trials["trial_id"])
    about = next(one for one in spec(charts, "explorer")["params"] if one["name"] == "about")["value"]
    key = next(name for name, said in about.items() if said["title"] == "−ELBO, test (nats)")
    lr = next(name for name, said in about.items() if said["title"] == "learning rate")
    for trial in swept.trials.to_dict("records"):
        shown = rows[trial["trial_id"]]
        assert about[lr]["numbers"][shown[lr]] == trial["lr"]
        assert shown["status"] == trial["status"]
        if trial["status"] == "finished":
            assert shown[key] == pytest.approx(trial["neg_elbo_test"], rel=1e-4)
        else:
            assert key not in shown


def test_the_axis_that_decides_comes_first(swept: View):
    explored = Explored.of(swept)
    assert explored.ranked[0].name == "lr"
    shares = explored.importance["neg_elbo_test"]
    assert shares["lr"] > 0.99
    assert shares["beta"] < 0.01


def test_curves_are_thinned_to_their_first_and_last_step_and_bands_hold_their_medians(charts: Charts):
    rows = charts.datasets["curves"]
    steps = sorted({each["step"] for each in rows})
    assert (steps[0], steps[-1]) == (0, 2997)
    assert len(steps) <= 200
    assert len({each["g"] for each in rows}) == len(LRS) * len(KAPPAS) * len(BETAS)
    for each in rows:
        for low in (name for name in each if name.endswith("l")):
            assert each[low] <= each[low[:-1]] <= each[f"{low[:-1]}h"]


def test_every_chart_is_valid_and_can_be_drawn(charts: Charts):
    assert {chart.name for chart in charts.charts} == set(NAMES) - {"history", "front", "gradient_z", "strips"}
    for chart in charts.charts:
        alt.Chart.from_dict(_without_signals(chart.spec))
        drawn = charts.drawing(chart)
        assert drawn.svg.startswith(b"<svg")
        assert drawn.png.startswith(b"\x89PNG")
        assert b"undefined" not in drawn.svg
        assert b"NaN" not in drawn.svg


def _without_signals(part: Any) -> Any:
    """The specification as Vega-Lite's schema knows it, which has no signals in titles."""
    if isinstance(part, Mapping):
        return "a title" if "signal" in part else {name: _without_signals(value) for name, value in part.items()}
    return [_without_signals(each) for each in part] if isinstance(part, list) else part


def test_means_and_intervals_are_those_of_the_tables(charts: Charts, swept: View):
    """The page takes them of the trials itself: what it shows of each mean is read from the drawing."""
    svg = charts.drawing(next(chart for chart in charts.charts if chart.name == "explorer")).svg.decode()
    shown = {
        tuple(map(float, found[:3])): tuple(float(text.replace("−", "-")) for text in found[3:])
        for found in re.findall(MEAN, svg)
    }
    cells = swept.trials.groupby(["lr", "kappa", "beta"])["neg_elbo_test"]
    assert len(shown) == len(cells)
    for cell, values in cells:
        expected = t_interval(values)
        assert shown[cell] == pytest.approx((expected.mean, expected.half, expected.n), rel=0.06)  # two digits


def test_a_study_with_nothing_finished_has_no_charts(tmp_path: Path):
    home = Home(tmp_path / "home")
    store(home, "new", {"kappa": [2, 4]}, [{"trial_id": "a", "kappa": 2}, {"trial_id": "b", "kappa": 4}], [])
    assert charts_of(View.of("new", home)).charts == []


def test_pictures_of_each_cell_are_shown_for_its_first_seed(tmp_path: Path):
    home = Home(tmp_path / "home")
    plan = [{"trial_id": f"{beta:g}-{seed}", "beta": beta, "seed": seed} for beta in (0.5, 2.0) for seed in (0, 1)]
    pictures = {kind: np.full((8, 4, 4), i / 3, np.float16) for i, kind in enumerate(("reconstruction", "sample"))}
    pictures["original"] = np.linspace(0, 1, 128, dtype=np.float16).reshape(8, 4, 4)
    arrays = {f"{line['trial_id']}/pictures/{kind}": each for line in plan for kind, each in pictures.items()}
    path = write_artifacts(home, "kept", arrays)
    trials = [row(**line, artifacts=path) for line in plan]
    store(home, "seen", {"beta": [0.5, 2.0], "seed": [0, 1]}, plan, trials)
    charts = charts_of(View.of("seen", home))
    rows = charts.datasets["strips"]
    assert [(each["cell"], each["kind"]) for each in rows] == [
        ("test images", "reconstructions"),
        ("β 0.5", "reconstructions"),
        ("β 0.5", "samples"),
        ("β 2", "reconstructions"),
        ("β 2", "samples"),
    ]
    assert all(each["url"].startswith("data:image/png;base64,") for each in rows)
    drawn = charts.drawing(next(chart for chart in charts.charts if chart.name == "strips"))
    assert drawn.svg.count(b"<image") == len(rows)


def test_where_weights_were_kept_and_no_pictures_there_is_no_strip(tmp_path: Path):
    home = Home(tmp_path / "home")
    path = write_artifacts(home, "kept", {"a/weights/w": np.ones(3, np.float32)})
    store(
        home,
        "w",
        {"beta": [1.0, 2.0]},
        [{"trial_id": "a", "beta": 1.0}, {"trial_id": "b", "beta": 2.0}],
        [row("a", artifacts=path)],
    )
    assert "strips" not in {chart.name for chart in charts_of(View.of("w", home)).charts}


@pytest.mark.slow
def test_ten_thousand_trials_take_less_than_five_megabytes(tmp_path: Path):
    home = Home(tmp_path / "home")
    assert fill(home, synthetic(20, 100, 5)) == 10_000
    charts = charts_of(View.of("generated", home))
    specs = [chart.spec for chart in charts.charts]
    size = len(json.dumps([specs, dict(charts.datasets)], separators=(",", ":"), ensure_ascii=False).encode())
    assert size < 5_000_000
    assert len(charts.datasets["trials"]) == 10_000
