"""The study of βγ: what it declares, what training says of it, and that its verdicts can fail."""

import itertools
import json

import pandas as pd
import pytest
from trained_rows import train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from study.catalog.effective_gamma.claims import absorption
from study.catalog.effective_gamma.table import effective_gamma

EIGENVALUES = [8.0, 4.0, 2.0, 1.0, 0.5, 0.01]


def product_of(row):
    return row.trial.objective.beta * row.trial.objective.gamma.value


@pytest.mark.parametrize(("scale", "count"), [("laptop", 144), ("paper", 216)])
def test_the_table_is_one_of_distinct_trials_that_share_eleven_products(scale, count):
    rows = effective_gamma.table(scale).rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == count
    assert len({round(product_of(row), 9) for row in rows}) == 11


def test_the_products_pass_between_the_planted_eigenvalues():
    """At 1 and at 2 times βγ, so that neither count of latents sits on a threshold."""
    products = {product_of(row) for row in effective_gamma.table("laptop").rows()}
    for product, times, value in itertools.product(products, (1, 2), EIGENVALUES):
        assert max(value / (times * product), times * product / value) > 1.35


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Linear data, κ = 8, one seed: three ways to each of two neighbouring products."""
    rows = [row for row in effective_gamma.table("laptop").rows() if chosen(row, products=(0.7, 1.4))]
    return train_rows(rows, tmp_path_factory.mktemp("product"))


def chosen(row, products):
    wanted = row.axes["data"] == "linear r=5" and row.axes["kappa"] == 8 and row.axes["seed"] == 0
    return wanted and row.axes["beta"] in (0.5, 1.0, 4.0) and round(product_of(row), 9) in products


def test_training_ends_alike_at_equal_products(trained):
    assert len(trained) == 6
    for _, group in trained.groupby((trained["beta"] * trained["gamma"]).round(4)):
        for column in ("rate_train", "distortion_train"):
            assert group[column].max() / group[column].min() < 1 + 1e-3


def test_a_mode_survives_exactly_above_its_eigenvalue(trained):
    products = trained["beta"] * trained["gamma"]
    assert list(trained["n_burda"]) == [sum(value > product for value in EIGENVALUES) for product in products]
    assert list(trained["n_active"]) == [sum(value > 2 * product for value in EIGENVALUES) for product in products]


def frame_of(change=lambda row: {}):
    """A study of three β × three γ × six seeds on linear data in which theory is exact, but for what `change` says."""
    rows = []
    for beta, gamma, seed in itertools.product((0.5, 1.0, 2.0), (0.35, 0.7, 1.4), range(6)):
        counts = [sum(value > times * beta * gamma for value in EIGENVALUES) for times in (1, 2)]
        row = {"data": "linear r=5", "data_id": "x", "beta": beta, "gamma": f"fixed {gamma}", "gamma_value": gamma}
        row |= {"kappa": 8, "seed": seed, "status": "finished", "converged": True, "rate_train": 1 / (beta * gamma)}
        row |= {"n_burda": counts[0], "n_active": counts[1]}
        row |= {"declaration": json.dumps({"data": {"kind": "LinearSubspace"}})}
        rows.append(row | change(row))
    return pd.DataFrame(rows)


def said(frame):
    axes = {"data": ["linear r=5"], "gamma": ["fixed 0.35", "fixed 0.7", "fixed 1.4"], "beta": [0.5, 1.0, 2.0]}
    header = Header("effective_gamma", "?", "laptop", axes | {"kappa": [8], "seed": [*range(6)]})
    return [item.verdict for item in absorption(frame, header, {"x": EIGENVALUES})]


def test_the_claims_hold_where_theory_is_exact():
    assert said(frame_of()) == [HOLDS, HOLDS, HOLDS]


def test_the_claims_fail_where_beta_matters_by_itself():
    broken = frame_of(lambda row: {"n_active": row["n_active"] + 1} if row["beta"] == 2.0 else {})
    assert said(broken) == [FAILS, HOLDS, FAILS]
    broken = frame_of(lambda row: {"n_burda": 6})
    assert said(broken) == [HOLDS, FAILS, HOLDS]


def test_half_a_study_decides_nothing():
    assert said(frame_of(lambda row: {"status": "missing"} if row["seed"] % 2 else {})) == [INSUFFICIENT] * 3
    moving = frame_of(lambda row: {"converged": row["seed"] % 2 == 0})
    assert said(moving) == [HOLDS, INSUFFICIENT, INSUFFICIENT]
