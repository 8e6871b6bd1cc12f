"""Biases of a linear VAE on data off zero: the claim about them, and a real training."""

import json

import numpy as np
import pandas as pd
import pytest
from exact_linear_records import BETAS, model_of, said, view_of
from trained_rows import train_rows

from analysis.claims.claim import FAILS, HOLDS
from analysis.claims.linear_optimum import DECODER, ENCODER
from analysis.theory import linear, modes_of_spectrum
from models.data.load import load
from study.catalog.linear_collapse.table import LEARNED, OFF_ZERO, linear_collapse
from study.record import Home, read, read_artifacts, write_artifacts


def off_zero(change):
    """A study of three latents on data two off zero, whose biases centre them but for what `change` does to weights."""

    def view(place):
        found = view_of(place, kappas=(3,))
        few = found.trials[found.trials["variant"].eq(LEARNED) & found.trials["beta"].isin(BETAS[::4])].copy()
        ids = few["trial_id"].str.replace(LEARNED, OFF_ZERO)
        arrays = {}
        for trial_id in ids:
            weights = {
                f"{ENCODER}.weight": np.ones((3, 6)),
                f"{ENCODER}.bias": np.full(3, -12.0),
                f"{DECODER}.bias": np.full(6, 2.0),
            }
            change(weights)
            arrays |= {f"{trial_id}/weights/{name}": value for name, value in weights.items()}
        write_artifacts(found.home, "b", arrays)
        few = few.assign(
            trial_id=ids,
            variant=OFF_ZERO,
            artifacts="artifacts/b.safetensors",
            declaration=json.dumps({"model": model_of(OFF_ZERO, 3), "data": {"offset": 2.0}}),
        )
        rows = found.latents.assign(trial_id=found.latents["trial_id"].str.replace(LEARNED, OFF_ZERO))
        found.trials = pd.concat([found.trials, few], ignore_index=True)
        found.latents = pd.concat([found.latents, rows[rows["trial_id"].isin(ids)]], ignore_index=True)
        return found

    return view


@pytest.mark.parametrize("wrong", [None, f"{ENCODER}.bias", f"{DECODER}.bias"])
def test_biases_that_do_not_centre_the_data_fail(tmp_path, wrong):
    def change(weights):
        if wrong:
            weights[wrong] = weights[wrong] + (0.06 if wrong.startswith(ENCODER) else 0.12)

    found = said(off_zero(change)(tmp_path))
    (claim,) = (name for name in found if OFF_ZERO in name)
    assert found.pop(claim) == (FAILS if wrong else HOLDS)
    assert "learned biases" in claim
    assert set(found.values()) == {HOLDS}


def test_learned_biases_do_what_centring_does(tmp_path):
    """A real training on data two off zero: J ends at the minimum of centred data without any bias.

    Source: Wang & Ziyin (2022), appendix B.
    """
    rows = [row for row in linear_collapse.table("laptop").rows() if row.axes["variant"] == OFF_ZERO]
    rows = [row for row in rows if row.axes["seed"] == 0]
    assert len(rows) == 6
    train_rows(rows, tmp_path)
    home, data = Home(tmp_path), load(rows[0].trial.data)
    assert np.asarray(data.train).mean(axis=0) == pytest.approx(np.full(10, 2.0), abs=1e-5)
    assert data.spectrum.sum() == pytest.approx(data.total_variance)
    latents = read(home, "latents").to_pandas()
    for row in read(home, "trials").to_pylist():
        own = latents[latents["trial_id"].eq(row["trial_id"])]
        distortion = row["nre_mean_train"] * data.total_variance + (own["post_var"] * own["decoder_norm"] ** 2).sum()
        least = float(linear.objective(modes_of_spectrum(data.spectrum), 1.0, row["beta"], 3))
        assert distortion / 2 + row["beta"] * row["rate_train"] == pytest.approx(least, abs=0.05)
        weights = read_artifacts(home, row["artifacts"], row["trial_id"], "weights")
        mean_mu = weights[f"{ENCODER}.weight"] @ np.full(10, 2.0) + weights[f"{ENCODER}.bias"]
        assert mean_mu == pytest.approx(np.zeros(3), abs=0.05)
        assert weights[f"{DECODER}.bias"] == pytest.approx(np.full(10, 2.0), rel=0.05)
