"""Outliers: the arc and what lies off it, the scores of real packs, and what the study's claims say of made-up trials."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from models.data.load import load
from models.specs import MNIST, VAE, Digits, Fixed, Learned, Objective, PlantedArc, Training
from study.catalog.outlier_screening.claims import screening_claims, sheets
from study.catalog.outlier_screening.figures import drawings
from study.catalog.outlier_screening.table import outlier_screening
from study.declare.trial import Trial
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.measure.outliers import outliers_of
from study.train.pack_run import PackRun

ARC = PlantedArc(d=6, n=600, n_test=300)


def trial(**changes: Any) -> Trial:
    fields: dict[str, Any] = {
        "data": ARC,
        "model": VAE(kappa=2, encoder=(32, 32), decoder=(32, 32), log_var_scale=0.1),
        "objective": Objective(gamma=Learned(init=1.0)),
        "training": Training(steps=500, batch=128, lr=5e-3),
        "seed": 0,
        "outliers": PlantedArc(d=6, off=0.3, n=600, n_test=300),
    }
    return Trial(**(fields | changes))


def test_points_off_the_arc_lie_in_its_plane_and_away_from_it():
    data = load(ARC)
    plane = np.linalg.svd(np.asarray(data.train), full_matrices=False)[2][:2]
    outliers = outliers_of(data, PlantedArc(d=6, off=0.3, n=600, n_test=300))
    assert outliers.shape == (300, 6)
    assert outliers @ plane.T @ plane == pytest.approx(outliers, abs=1e-5)
    dense = PlantedArc(d=6, n=20_000, n_test=2)
    arc = np.asarray(load(dense).train) + (load(dense).mean - data.mean)
    nearest = np.sqrt(np.square(outliers[:, None] - arc).sum(-1)).min(1)
    assert 0.3 - 1e-3 < nearest.min() < 0.4
    assert np.median(nearest) > 0.5


def test_points_on_the_middle_of_the_arc_lie_on_it_and_within_their_share():
    data = load(ARC)
    middle = outliers_of(data, PlantedArc(d=6, middle=0.2, n=600, n_test=300))
    plane = np.linalg.svd(np.asarray(data.train), full_matrices=False)[2][:2]
    assert middle @ plane.T @ plane == pytest.approx(middle, abs=1e-5)
    arc = np.asarray(load(PlantedArc(d=6, n=20_000, n_test=2)).train)
    arc = arc + (load(PlantedArc(d=6, n=20_000, n_test=2)).mean - data.mean)
    assert np.sqrt(np.square(middle[:, None] - arc).sum(-1)).min(1).max() < 5e-3
    length = np.linalg.norm(middle[:, None] - middle, axis=-1).max()
    assert length == pytest.approx(2 * np.hypot(0.2 * np.pi, np.sin(0.2 * np.pi)), rel=0.03)
    with pytest.raises(ValidationError, match="leave off or middle out"):
        PlantedArc(off=0.3, middle=0.5)


def test_a_pack_measures_how_its_trials_and_components_tell_outliers(tmp_path):
    home = Home(tmp_path)
    run = PackRun(make_pack([trial(), trial(seed=1), trial(objective=Objective(gamma=Fixed(100.0)))], {}))
    while not run.done:
        run.advance(60)
    ids = [each.trial_id for each in run.pack.trials]
    run.commit(home)
    found = (
        read(home, "evaluations").to_pandas().pivot_table(index="trial_id", columns="metric", values="value").loc[ids]
    )
    assert found["auroc"].iloc[:2].gt(0.9).all()
    assert found["auroc"].iloc[2] < 0.75  # a collapsed network scores by the distance from the mean
    assert found["auroc_pca"].eq(0.5).all()  # nothing is left to tell by: all errors are zero
    assert found["error_pca"].eq(0).all()
    rows = read(home, "evaluations").to_pandas().query("metric == 'auroc'")
    assert rows["sample_size"].eq(600).all()
    assert rows["standard_error"].between(1e-6, 0.1).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outliers": Digits()}, "outliers have 64 dimensions, and the data 6"),
        (
            {
                "after": trial(
                    outliers=None, model=VAE(kappa=3, post_var="none"), objective=Objective(gamma=Fixed(0.5), beta=0)
                )
            },
            "declare them for a single VAE",
        ),
    ],
)
def test_outliers_that_do_not_fit_are_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        trial(**changes)


def test_outliers_are_part_of_a_trials_identity_and_of_what_it_needs():
    assert trial().trial_id != trial(outliers=None).trial_id
    assert trial().pack_key != trial(outliers=None).pack_key
    assert trial().datasets == (ARC, trial().outliers)
    assert trial(outliers=None).datasets == (ARC,)


@pytest.mark.parametrize(("scale", "count"), [("laptop", 40), ("paper", 50)])
def test_the_catalog_meets_kappas_from_below_to_far_above(scale, count):
    rows = outlier_screening.table(scale).rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == count
    pictures = [row.trial for row in rows if row.trial.data.kind == "FashionMNIST"]
    assert all(each.outliers == MNIST() for each in pictures)
    assert max(each.model.kappa for each in pictures) >= 128


def frame_of(change=lambda row: None) -> pd.DataFrame:
    """Trials that say what the source says, but for what `change` does to a row."""
    rows = []
    for kappa, seed in ((1, 0), (1, 1), (8, 0), (8, 1)):
        row = {"data": "arc r=1", "outliers": "on the curve", "kappa": kappa, "network": "VAE", "seed": seed}
        row |= {"status": "finished", "auroc": 0.45 + 0.05 * seed, "auroc_se": 0.01, "auroc_pca": 0.5}
        row |= {"error_pca": 1e-13, "nre_mean_test": 0.01, "n_active": 1.0, "intrinsic_dim": 1.0}
        change(row)
        rows.append(row)
    for data, kappas in (("arc r=1", (1, 2, 8)), ("FashionMNIST", (2, 32, 128))):
        for kappa in kappas:
            for network in ("VAE", "AE"):
                for seed in range(3):
                    row = {"data": data, "kappa": kappa, "network": network, "seed": seed, "status": "finished"}
                    row["outliers"] = "apart"
                    row |= {"auroc": (0.99 if network == "VAE" else 0.9) + 0.001 * seed, "auroc_se": 0.004}
                    row |= {"auroc_pca": 0.57, "error_pca": 1e-13, "nre_mean_test": 0.01}
                    row |= {"n_active": 1.0 if network == "VAE" else np.nan}
                    row |= {"intrinsic_dim": 1.0 if data.startswith("arc") else np.nan}
                    change(row)
                    rows.append(row)
    return pd.DataFrame(rows)


HEADER = Header(
    "outlier_screening",
    "?",
    "laptop",
    {
        "data": ["arc r=1", "FashionMNIST"],
        "outliers": ["apart", "on the curve"],
        "network": ["VAE", "AE"],
        "kappa": [1, 2, 8, 32, 128],
        "seed": [0, 1, 2],
    },
)


def failing(change) -> list[str]:
    found = screening_claims(frame_of(change), HEADER)
    assert {claim.verdict for claim in found} <= {HOLDS, FAILS}
    return [f"{claim.data}: {claim.claim}" for claim in found if claim.verdict == FAILS]


def test_trials_as_the_source_has_them_hold_every_claim():
    found = screening_claims(frame_of(), HEADER)
    assert len(found) == 6
    assert {number for claim in found for number in claim.statements} == {"D12", "D13", "D14", "D15"}
    assert {claim.verdict for claim in found} == {HOLDS}


def set_where(column, value, **where):
    def change(row):
        if all(row[name] == wanted for name, wanted in where.items()):
            row[column] = value

    return change


PLANE, ARC_FOUND = "arc r=1: two principal components", "arc r=1: a VAE detects what lies off"
NEEDLESS, ON_ARC = "FashionMNIST: needless latents", "arc r=1: outliers on the arc itself"
STAYS, BEATS = "FashionMNIST: a VAE detects outliers as well", "FashionMNIST: a VAE detects outliers better"


@pytest.mark.parametrize(
    ("change", "claims"),
    [
        (set_where("auroc_pca", 0.7, kappa=2, data="arc r=1"), [PLANE]),
        (set_where("error_pca", 1e-8, kappa=2, seed=1), [PLANE]),
        (set_where("auroc", 0.94, kappa=8, network="VAE", outliers="apart"), [ARC_FOUND]),
        (set_where("auroc", 0.9, outliers="on the curve"), [ON_ARC]),
        (set_where("auroc", 0.95, kappa=128, network="VAE"), [STAYS]),
        (set_where("auroc_pca", 0.995, kappa=128), [BEATS]),
        (set_where("auroc", 0.995, kappa=128, network="AE"), [NEEDLESS]),
    ],
)
def test_each_claim_can_fail(change, claims):
    found = failing(change)
    assert len(found) == len(claims)
    assert all(claim.startswith(start) for claim, start in zip(found, claims, strict=True))


def test_one_seed_decides_nothing_but_what_is_computed():
    few = frame_of()[lambda rows: rows["seed"].eq(0) & rows["outliers"].eq("apart")]
    verdicts = [claim.verdict for claim in screening_claims(few, HEADER)]
    assert verdicts == [HOLDS] + [INSUFFICIENT] * 5


def test_homes_without_outliers_on_the_arc_are_judged_all_the_same():
    earlier = frame_of()[lambda rows: rows["outliers"].eq("apart")].drop(columns="outliers")
    verdicts = [claim.verdict for claim in screening_claims(earlier, HEADER)]
    assert verdicts == [HOLDS, HOLDS, INSUFFICIENT, HOLDS, HOLDS, HOLDS]


def test_the_figure_and_the_table_show_what_there_is():
    trials = frame_of()
    view: Any = SimpleNamespace(trials=trials, header=HEADER)
    (drawing,), (sheet,) = drawings(view), sheets(view)
    assert drawing.name == "screening"
    assert len(sheet.frame) == 14
    view.trials = trials.assign(status="missing")
    assert drawings(view) == []
