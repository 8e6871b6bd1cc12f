"""The study of saturation: what it declares, what training says of it, and that its verdicts can fail."""

import itertools
import json
from typing import Any

import pandas as pd
import pytest
from made_up_studies import row, store
from trained_rows import train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, YES
from analysis.frames.load import Header
from analysis.frames.view import View
from analysis.report.findings import findings
from study.catalog.gamma_star.table import gamma_star
from study.catalog.kappa_saturation.claims import PUBLISHED, saturating
from study.catalog.kappa_saturation.components import beside_components
from study.catalog.kappa_saturation.table import kappa_saturation
from study.record import Home

KAPPAS = [1, 2, 3, 4, 6, 10, 20, 32, 64]
DATA = ("manifold r=3", "Digits")


def test_both_data_sets_meet_their_kappas_the_digits_the_affine_skip_too_and_mnist_is_shared_with_gamma_star():
    rows: list[Any] = kappa_saturation.table("laptop").rows()
    pictures = {row.trial.trial_id for row in rows if row.trial.data.kind == "MNIST"}
    rows = [row for row in rows if row.trial.data.kind != "MNIST"]
    assert len({row.trial.trial_id for row in rows}) == len(rows) == 6 * 3 + 2 * (3 + 6 + 6)
    met = {name: sorted({r.trial.model.kappa for r in rows if r.trial.data.label == name}) for name in DATA}
    assert met == {"manifold r=3": [1, 2, 3, 4, 10, 20], "Digits": [10, 32, 64]}
    assert {row.trial.model.skip for row in rows} == {"none", "affine"}
    assert all(row.trial.objective.gamma.kind == "Learned" and row.trial.objective.beta == 1 for row in rows)
    learned = {row.trial.trial_id for row in gamma_star.table("laptop").rows() if row.axes["mode"] == "learned"}
    assert len(pictures) == 3
    assert pictures <= learned


def test_the_paper_scale_is_the_published_table():
    rows: list[Any] = kappa_saturation.table("paper").rows()
    assert sorted({row.trial.model.kappa for row in rows}) == list(PUBLISHED["kappa"])
    assert {row.trial.data.label for row in rows} == {"MNIST"}
    assert all(len(row.trial.model.encoder) == 6 and len(row.trial.model.decoder) == 3 * 2 for row in rows)
    assert {row.trial.model.skip for row in rows} == {"residual", "none"}


def test_training_keeps_as_many_latents_as_there_are_dimensions(tmp_path):
    """κ below and at r = 3, without skip: one seed each; above it, as tests/train/test_first_results.py sees, it is alike."""
    rows = [row for row in kappa_saturation.table("laptop").rows() if narrow(row.axes)]
    trained = train_rows(rows, tmp_path)
    active = {row.axes["kappa"]: trained.loc[row.trial.trial_id, "n_active"] for row in rows}
    assert active == {2: 2, 3: 3}
    full = trained[trained["kappa"] == 3]
    assert (full["nre_test"] <= 1e-3).all()
    assert (full["scale_residual"] < 0.5).all()


def narrow(axes):
    return axes["data"] == "manifold r=3" and axes["skip"] == "none" and axes["kappa"] in (2, 3) and axes["seed"] == 0


SPECTRUM = [1.0 / place for place in range(1, 101)]
"""Eigenvalues of made-up pictures."""


def frame_of(data="manifold r=3", r=3.0, active=lambda kappa: min(kappa, 3), kappas=KAPPAS, change=lambda row: {}):
    """Three seeds at every κ, of which `active` latents are active, but for what `change` says."""
    rows = []
    for kappa, seed in itertools.product(kappas, range(3)):
        row = {"data": data, "skip": "none", "kappa": kappa, "seed": seed, "status": "finished", "converged": True}
        row |= {"intrinsic_dim": r, "n_active": active(kappa), "nre_test": 3e-4 if kappa >= 3 else 0.1}
        row |= {"distortion_test": 5 - 0.01 * kappa, "iwae_nll": -100 - kappa, "data_id": "x", "nre_mean_train": 0.05}
        row["declaration"] = json.dumps({"data": {"kind": data}})
        rows.append(row | change(row))
    return pd.DataFrame(rows)


def said(frame):
    axes = {"data": [frame["data"].iloc[0]], "skip": ["none"], "kappa": sorted(set(frame["kappa"])), "seed": [0, 1, 2]}
    header = Header("kappa_saturation", "?", "laptop", axes)
    return [claim.verdict for claim in saturating(frame, header, {"x": SPECTRUM})]


def test_the_claims_hold_where_theory_is_exact():
    assert said(frame_of()) == [HOLDS] * 3


def test_a_latent_too_many_in_most_trials_fails():
    one_more = frame_of(change=lambda row: {"n_active": 4} if row["kappa"] > 3 else {})
    assert said(one_more)[0] == FAILS


def test_a_curve_that_rises_slowly_is_not_the_ideal_one():
    assert said(frame_of(active=lambda kappa: round(3 * kappa / (kappa + 2), 1))) == [FAILS, HOLDS, FAILS]


def test_the_ideal_curve_with_another_plateau_fails():
    assert said(frame_of(active=lambda kappa: min(kappa, 5))) == [FAILS, HOLDS, FAILS]


def test_an_incomplete_reconstruction_fails():
    lost = frame_of(change=lambda row: {"nre_test": 2e-3} if row["kappa"] >= 3 else {})
    assert said(lost) == [HOLDS, FAILS, HOLDS]


def test_half_a_study_decides_nothing():
    absent = {"status": "missing", "converged": False, "n_active": float("nan"), "nre_test": float("nan")}
    assert said(frame_of(change=lambda row: absent if row["seed"] else {})) == [INSUFFICIENT] * 3
    assert said(frame_of(change=lambda row: {"converged": row["seed"] == 0})) == [INSUFFICIENT] * 3


def test_a_part_of_the_study_shows_what_it_measured_and_counts_the_rest(tmp_path):
    """Three of the twelve rows and one of the three fits are there, and panels of the manifold alone."""
    home = Home(tmp_path / "home")
    cells = [(name, skip, kappa) for name in DATA for skip in ("none", "affine") for kappa in (2, 3, 4, 10)]
    cells = [(name, skip, kappa) for name, skip, kappa in cells if skip == "none" or name == "Digits"]
    plan = [{"trial_id": f"{d}{s}{k}", "data": d, "skip": s, "kappa": k} for d, s, k in cells]
    trials = [
        row(f"{DATA[0]}none{kappa}", kappa=kappa, n_active=min(kappa, 3), n_burda=3, nre_test=0.1)
        for kappa in (2, 3, 4)
    ]
    axes = {"data": [*DATA], "skip": ["none", "affine"], "kappa": [2, 3, 4, 10]}
    store(home, "kappa_saturation", axes, plan, trials, catalog=True)
    found = findings(View.of("kappa_saturation", home))
    saturation, curves, _ = found.sheets
    assert saturation.frame["κ"].tolist() == [2, 3, 4]
    assert len(curves.frame) == 1
    assert found.left_out == "Of the study's own tables 11 rows are left out: nothing in them is measured yet."
    assert [drawing.svg.count(b'<g id="axes_') for drawing in found.figures] == [1, 2]


@pytest.mark.parametrize(("last", "verdict"), [(12, HOLDS), (13, INSUFFICIENT), (14, FAILS), (10, HOLDS), (8, FAILS)])
def test_digits_are_to_have_stopped_growing(last, verdict):
    frame = frame_of("Digits", float("nan"), lambda kappa: last if kappa == 64 else min(kappa, 11))
    assert said(frame) == [verdict, HOLDS, HOLDS]


@pytest.mark.parametrize(("column", "place"), [("distortion_test", 1), ("iwae_nll", 2)])
def test_error_and_likelihood_are_to_improve_with_kappa(column, place):
    worse = frame_of("Digits", float("nan"), lambda _: 11, change=lambda row: {column: row["kappa"]})
    assert said(worse)[place] == FAILS
    noise = frame_of(
        "Digits", float("nan"), lambda _: 11, change=lambda row: {column: row["kappa"] * (row["seed"] - 1)}
    )
    assert said(noise)[place] == INSUFFICIENT


def test_mnist_is_to_end_where_the_published_table_does():
    published = dict(zip(PUBLISHED["kappa"], PUBLISHED["published active"], strict=True))
    kappas = list(published)
    assert said(frame_of("MNIST", float("nan"), published.get, kappas)) == [HOLDS] * 5 + [YES]
    assert said(frame_of("MNIST", float("nan"), lambda kappa: 2 * published[kappa], kappas))[3] == FAILS


@pytest.mark.parametrize(
    ("nre", "verdicts"), [(0.05, [HOLDS, YES]), (0.2, [HOLDS, NO]), (0.37, [FAILS, NO]), (0.9, [FAILS, NO])]
)
def test_an_active_latent_of_mnist_is_to_do_more_than_a_component(nre, verdicts):
    """Twenty-two components of this spectrum leave 0.29, and some sixty-six 0.08."""
    frame = frame_of("MNIST", float("nan"), lambda _: 22, [784], lambda row: {"nre_mean_train": nre})
    assert said(frame) == verdicts
    assert said(frame.assign(converged=False)) == verdicts


def test_what_a_latent_is_worth_is_counted_in_components():
    frame = frame_of("MNIST", float("nan"), lambda _: 2, [784], lambda row: {"nre_mean_train": 0.2501})
    errors, worth = beside_components(frame, {"x": [4.0, 2.0, 1.0, 1.0]})
    assert errors == pytest.approx([0.2501 / 0.25] * 3)
    assert worth == [1.0] * 3
    assert beside_components(frame.assign(n_active=0), {"x": [1.0]}) == ([], [])
