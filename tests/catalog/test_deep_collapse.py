"""The collapsed point of deep decoders: probes against closed forms, starts near it, and verdicts that can turn."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from trained_rows import train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, OPEN, YES
from analysis.frames.load import Header
from analysis.theory import hessian
from models.networks.build import build
from models.networks.methods import Methods
from models.probes import probe
from models.specs import VAE, LinearSubspace
from models.specs.probes import CollapsedCurvature
from study.catalog.deep_collapse.claims import claims, drawings, sheets
from study.catalog.deep_collapse.table import (
    AFFINE,
    AT,
    CURVATURE,
    DEPTHS,
    LEVELS,
    NEAR,
    NONE,
    SPECTRUM,
    STARTS,
    WEAK,
    deep_collapse,
)
from study.record import Home, write_artifacts


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("skip", [NONE, AFFINE])
def test_the_least_eigenvalue_is_that_of_the_closed_form_at_every_depth(depth, skip):
    found = probe(CollapsedCurvature(depth=depth, skip=skip, gain=WEAK), 0)
    parts = (found.arrays[name] for name in ("jacobian", "cross", "features"))
    exact = np.linalg.eigvalsh(hessian.collapsed_hessian(*parts, gamma=0.5))
    assert found.numbers["least_eigenvalue"] == pytest.approx(exact[0], rel=1e-6)
    assert found.numbers["largest_eigenvalue"] == pytest.approx(exact[-1], rel=1e-9)
    assert found.numbers["least_eigenvalue"] < 0
    assert found.numbers["slope"] < 1e-12


@pytest.mark.parametrize("skip", ["residual", "concat"])
def test_other_skips_have_the_same_closed_form(skip):
    found = probe(CollapsedCurvature(depth=6, skip=skip), 0)
    parts = (found.arrays[name] for name in ("jacobian", "cross", "features"))
    exact = np.linalg.eigvalsh(hessian.collapsed_hessian(*parts, gamma=0.5))
    assert found.numbers["least_eigenvalue"] == pytest.approx(exact[0], rel=1e-9)


def test_the_point_is_a_minimum_from_the_largest_variance_on():
    least = [probe(CollapsedCurvature(depth=6, gamma=gamma), 0).numbers["least_eigenvalue"] for gamma in (3.6, 4.4)]
    assert least[0] < -1e-6 < -1e-12 < least[1]


def test_the_jacobian_of_plain_layers_is_the_product_of_their_weights():
    what = CollapsedCurvature(depth=3, gain=0.7)
    model = VAE(kappa=1, encoder=(), decoder=(32,) * 3)
    weights = dict(build(model, LinearSubspace(d=6, eigenvalues=(1,)), 4).named_parameters())
    product = np.eye(32)
    for place in (1, 2, 3):
        product = 0.7 * weights[f"decoder.{place}.weight"].detach().double().numpy() @ product
    assert probe(what, 4).arrays["jacobian"] == pytest.approx(product, abs=1e-6)


@pytest.mark.parametrize("skip", ["none", "affine", "residual", "concat"])
def test_a_start_at_the_collapsed_point_ignores_x_and_z_and_keeps_all_other_weights(skip):
    data = LinearSubspace(d=6, eigenvalues=(1,))
    model = VAE(kappa=2, encoder=(8,), decoder=(8, 8), skip=skip)
    change = {"mu_scale": 0, "log_var_scale": 0, "z_scale": 0, "decoder_gain": 0.5}
    start, plain = Methods(build(model.model_copy(update=change), data, 0)), Methods(build(model, data, 0))
    generator = torch.Generator().manual_seed(0)
    x, z = torch.randn(5, 6, generator=generator), torch.randn(5, 2, generator=generator)
    mu, log_var = start("encode", x)
    assert not mu.any()
    assert not log_var.any()
    assert not start("decode", z).any()
    ours, theirs = dict(start.named_parameters()), dict(plain.named_parameters())
    inner = "network.decoder.1.weight"
    assert torch.equal(ours[inner][:, :8], 0.5 * theirs[inner][:, :8])
    assert torch.equal(ours["network.encoder.0.weight"], theirs["network.encoder.0.weight"])


def test_training_from_near_the_point_escapes_by_the_skip_and_not_without_it(tmp_path):
    rows = [row for row in deep_collapse.table("laptop").rows() if is_deepest(row.axes)]
    frame = train_rows(rows, tmp_path)
    active = {row.axes["skip"]: frame.loc[row.trial.trial_id, "n_active"] for row in rows}
    assert active[NONE] == 0
    assert active[AFFINE] >= 2


def is_deepest(axes):
    return axes["part"] == NEAR and axes["depth"] == DEPTHS[-1] and axes["gain"] == WEAK and axes["seed"] == 0


def test_starts_and_gains_share_packs():
    rows = [row for row in deep_collapse.table("laptop").rows() if row.axes["part"] in STARTS]
    assert len({row.trial.pack_key for row in rows}) == len(DEPTHS) * 2


def view_of(place, spoil=lambda axes, numbers: {}) -> Any:
    """The laptop table where probes are theory, and where trainings leave the point unless it is flat."""
    rows, arrays, trials = deep_collapse.table("laptop").rows(), {}, []
    covariance = np.diag(SPECTRUM)
    for row in rows:
        axes: dict[str, Any] = {**row.axes}
        trial_id = row.trial.trial_id
        flat = axes["skip"] == NONE and axes["gain"] == WEAK and axes["depth"] > 1
        told = axes | {"trial_id": trial_id, "status": "finished", "declaration": row.trial.model_dump_json()}
        if axes["part"] in LEVELS:
            jacobian = np.eye(len(SPECTRUM)) * (0.7 ** axes["depth"] if flat else 1.0)
            exact = np.linalg.eigvalsh(
                hessian.collapsed_hessian(jacobian, covariance, covariance, LEVELS[axes["part"]])
            )
            numbers = {"least_eigenvalue": exact[0], "largest_eigenvalue": exact[-1], "slope": 0.0, "n_active": np.nan}
            parts = {"jacobian": jacobian, "cross": covariance, "features": covariance}
            arrays |= {f"{trial_id}/probe/{name}": value for name, value in parts.items()}
            told["artifacts"] = "artifacts/a.safetensors"
        else:
            numbers = {"n_active": 0.0 if flat else 3.0, "artifacts": None}
        numbers |= spoil(axes, numbers)
        trials.append(told | numbers)
    home = Home(place)
    write_artifacts(home, "a", arrays)
    labels: dict[str, Any] = {name: list(dict.fromkeys(row.axes[name] for row in rows)) for name in rows[0].axes}
    return SimpleNamespace(
        trials=pd.DataFrame(trials), header=Header("deep_collapse", "?", "laptop", labels), home=home
    )


def said(view) -> list[str]:
    return [claim.verdict for claim in claims(view)]


AS_DERIVED = [FAILS, HOLDS, HOLDS, HOLDS, HOLDS, HOLDS, YES]
"""What the source says of a minimum is wrong, and the rest is so."""


def test_only_the_source_s_minimum_fails_where_probes_are_theory(tmp_path):
    view = view_of(tmp_path)
    assert said(view) == AS_DERIVED
    assert "0 of 20" in claims(view)[4].measured
    assert drawings(view)
    assert sheets(view)


def test_the_source_would_be_right_if_no_curvature_were_negative(tmp_path):
    flat = view_of(tmp_path, lambda axes, _: {"least_eigenvalue": 0.0} if axes["part"] in LEVELS else {})
    assert said(flat)[:3] == [HOLDS, FAILS, FAILS]


@pytest.mark.parametrize(
    ("place", "spoil"),
    [
        (1, lambda axes, _: {"slope": 1e-3} if axes["part"] == CURVATURE else {}),
        (2, lambda axes, n: {"least_eigenvalue": 1.01 * n["least_eigenvalue"]} if axes["part"] in LEVELS else {}),
        (3, lambda axes, _: {"least_eigenvalue": -1.0} if axes["depth"] == 20 and axes["part"] == CURVATURE else {}),
        (4, lambda axes, _: {"n_active": 0.0} if axes["part"] in STARTS and axes["skip"] == AFFINE else {}),
        (4, lambda axes, _: {"n_active": 1.0} if axes["part"] in STARTS and axes["depth"] == 20 else {}),
        (5, lambda axes, _: {"n_active": 0.0} if axes["part"] in STARTS and axes["depth"] == 1 else {}),
    ],
)
def test_each_claim_fails_where_its_numbers_are_spoiled(tmp_path, place, spoil):
    assert said(view_of(tmp_path, spoil))[place] == FAILS


def test_a_decoder_that_keeps_what_it_is_given_may_stay_too(tmp_path):
    stays = view_of(tmp_path, lambda axes, _: {"n_active": 0.0} if axes["part"] in STARTS and axes["gain"] == 1 else {})
    assert said(stays)[-1] == NO


def test_half_of_the_seeds_decide_nothing_about_training(tmp_path):
    view = view_of(tmp_path, lambda axes, _: {"status": "missing"} if axes["seed"] or axes["part"] == AT else {})
    assert said(view) == [INSUFFICIENT] * 6 + [OPEN]  # the probes are seeds, too
