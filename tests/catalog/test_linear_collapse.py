"""The β sweep of a linear VAE: what it declares, what its claims say of exact and of broken records, and a real training."""

import itertools
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trained_rows import shorter, train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.claims.linear_optimum import DECODER, ENCODER
from analysis.frames.load import Header
from analysis.theory import fixed_sigma, linear, modes_of_spectrum
from models.data.load import load
from study.catalog.linear_collapse.claims import claims, drawings, sheets
from study.catalog.linear_collapse.table import BATCHES, HELD, LEARNED, OFF_ZERO, SMALL_BATCHES, WIDE, linear_collapse
from study.record import Home, read, read_artifacts, write_artifacts

SPECTRUM = np.array([6.0, 4.0, 2.5, 1.2, 0.5, 0.2])
BETAS = np.geomspace(0.3, 9, 24)
BETAS_KEPT, BETAS_LOST = 1.316, 4.981
"""Grid points with three modes of the declared data left, and with one."""

T, KAPPAS = float(SPECTRUM.sum()), (3, 8)


@pytest.mark.parametrize(("scale", "count"), [("laptop", 621), ("paper", 4705)])
def test_the_sweep_is_as_fine_and_as_often_repeated_as_a_threshold_needs(scale, count):
    rows = linear_collapse.table(scale).rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == count
    betas: list[Any] = sorted({row.axes["beta"] for row in rows})
    assert len(betas) >= 24
    assert max(b / a for a, b in itertools.pairwise(betas)) < 1.165
    assert len({row.axes["seed"] for row in rows}) >= 6


def test_the_variants_are_the_networks_they_are_called():
    for row in linear_collapse.table("laptop").rows():
        model: Any = row.trial.model
        data: Any = row.trial.data
        kappa: Any = row.axes["kappa"]
        assert model.encoder == model.decoder == ()
        assert model.post_var == ((1.0,) * kappa if row.axes["variant"] == HELD else "shared")
        assert (model.prior_std != 1) == (row.axes["variant"] == WIDE)
        assert (data.offset != 0) == (row.axes["variant"] == OFF_ZERO)
        assert data.d > min(KAPPAS)


def exact(variant, kappa, beta):
    """The latents of the minimum of J: Var E[z|x], σ², KL and the decoder's singular values."""
    if variant == HELD:
        ones = np.ones(kappa)
        units = fixed_sigma.encoder_singular_values(SPECTRUM, ones, beta) ** 2
        rates = fixed_sigma.rates(SPECTRUM, ones, beta)
        return units, ones, rates, fixed_sigma.decoder_singular_values(SPECTRUM, ones, beta)
    units = linear.active_units(SPECTRUM, beta, kappa)
    return units, 1 - units, linear.rates(SPECTRUM, beta, kappa), linear.decoder_singular_values(SPECTRUM, beta, kappa)


def model_of(variant, kappa):
    return {"prior_std": 1.0, "post_var": [1.0] * kappa if variant == HELD else "shared"}


VARIANTS_HERE = (LEARNED, HELD, WIDE, *BATCHES)


def view_of(place, change=lambda row, latents: None, kappas=KAPPAS) -> Any:
    """A study in which theory is exact, but for what `change` does to a trial's row and latents (a frame)."""
    trials, latents, arrays = [], [], {}
    for variant in VARIANTS_HERE:
        for kappa in kappas:
            for beta in BETAS:
                for seed in range(3 if variant in BATCHES else 2):  # fewer decide no count
                    units, variance, rates, values = exact(variant, kappa, beta)
                    trial_id = f"{variant}-{kappa}-{beta:.3f}-{seed}"
                    rows: Any = pd.DataFrame({"trial_id": trial_id, "beta": beta, "seed": seed, "latent": range(kappa)})
                    rows = rows.assign(mean_var=units, post_var=variance, rate=rates, decoder_norm=values)
                    row = {"trial_id": trial_id, "variant": variant, "kappa": kappa, "beta": beta, "seed": seed}
                    row |= {
                        "status": "finished",
                        "data": "linear",
                        "data_id": "x",
                        "gamma_value": 1.0,
                        "gamma_eff": beta,
                    }
                    row |= {"scale_residual": 0.0, "artifacts": "artifacts/a.safetensors", "has_weights": 1}
                    row |= {"declaration": json.dumps({"model": model_of(variant, kappa)})}
                    change(row, rows)
                    kept = rows["decoder_norm"].to_numpy()
                    missed = np.sqrt(SPECTRUM[:kappa]) - (values * np.sqrt(units))[: len(SPECTRUM)]
                    distortion = SPECTRUM[kappa:].sum() + (missed**2).sum()
                    row |= {"nre_mean_train": distortion / T, "rate_train": rows["rate"].sum()}
                    arrays[f"{trial_id}/weights/{DECODER}.weight"] = np.eye(max(6, kappa), kappa) * kept
                    trials.append(row)
                    latents.append(rows)
    home = Home(place)
    write_artifacts(home, "a", arrays)
    axes = {"variant": [*VARIANTS_HERE], "kappa": list(kappas), "beta": list(BETAS), "seed": [0, 1, 2]}
    return SimpleNamespace(
        trials=pd.DataFrame(trials),
        latents=pd.concat(latents, ignore_index=True),
        header=Header("linear_collapse", "?", "laptop", axes),
        spectrum=lambda data_id: SPECTRUM,
        home=home,
    )


def said(view):
    return {f"{item.data}: {item.claim}": item.verdict for item in claims(view)}


def failing(view):
    return {name for name, verdict in said(view).items() if verdict == FAILS}


def test_every_claim_holds_at_the_minimum(tmp_path):
    view = view_of(tmp_path)
    verdicts = said(view)
    assert len(verdicts) == 2 * 14
    assert set(verdicts.values()) == {HOLDS}
    names = {"active_units", "loss", "weights"}
    assert {drawing.name for drawing in drawings(view)} == names
    thresholds = next(sheet.frame for sheet in sheets(view) if sheet.name == "thresholds")
    assert thresholds["β*"].to_numpy(float) == pytest.approx(thresholds["ζᵢ²/γ"].to_numpy(float), rel=5e-3)


def test_every_claim_can_fail(tmp_path):
    def larger(row, rows):
        """A held Σ stays at rest; every latent of a learned one is in use."""
        rows["rate"] *= 2
        rows["decoder_norm"] = 1.2 * rows["decoder_norm"] + (0.5 if row["variant"] in BATCHES else 0.0)
        rows["mean_var"] = 1.44 * rows["mean_var"] if row["variant"] == HELD else 0.5 + 0.01 * rows["mean_var"]

    def early(row, rows):
        rows["decoder_norm"] = exact(row["variant"], row["kappa"], 1.2 * row["beta"])[3] / np.sqrt(1.2)
        rows["rate"] = 2 * rows["rate"]

    def wider(row, rows):
        rows["decoder_norm"] *= 1.2 if row["variant"] == WIDE else 1.0

    broken = [failing(view_of(tmp_path / change.__name__, change)) for change in (larger, early, wider)]
    assert set.union(*broken) == said(view_of(tmp_path / "exact")).keys()


def test_modes_lost_early_fail_the_threshold(tmp_path):
    """Decoders as at a 10 % larger β: thresholds come out as much too low."""

    def early(row, rows):
        if row["variant"] == LEARNED and row["kappa"] == 8:
            rows["decoder_norm"] = exact(LEARNED, 8, 1.1 * row["beta"])[3] / np.sqrt(1.1)

    failed = failing(view_of(tmp_path, early, kappas=(8,)))
    assert "linear, κ = 8, learned Σ: each mode collapses at β = ζᵢ²/γ" in failed
    assert not any(HELD in name and "each mode" in name for name in failed)


def test_minibatches_that_move_a_threshold_or_keep_a_latent_fail(tmp_path):
    def early(row, rows):
        if row["variant"] == SMALL_BATCHES:
            rows["decoder_norm"] = exact(LEARNED, 3, 1.1 * row["beta"])[3] / np.sqrt(1.1)

    def kept(row, rows):
        if row["variant"] == SMALL_BATCHES:
            rows["decoder_norm"] = np.maximum(rows["decoder_norm"], 0.5)

    told = [failing(view_of(tmp_path / change.__name__, change, kappas=(3,))) for change in (early, kept)]
    of = "linear, κ = 3, minibatches of 32 and whole batches: "
    assert told[0] == {of + "modes collapse at β = ζᵢ²/γ whatever the size of the minibatches"}
    assert of + "the noise of minibatches keeps no mode that the loss has lost" in told[1]


def test_a_loss_above_the_minimum_fails(tmp_path):
    def above(row, rows):
        if row["variant"] == HELD:
            rows["rate"] += 0.06 / row["beta"] / row["kappa"]

    assert failing(view_of(tmp_path, above, kappas=(3,))) == {
        "linear, κ = 3, fixed Σ: training reaches the closed-form minimum of J"
    }


def test_a_surplus_latent_in_use_fails(tmp_path):
    def used(row, rows):
        if row["variant"] == LEARNED and row["beta"] > 5:
            rows["mean_var"] = np.maximum(rows["mean_var"], 0.02)

    assert "linear, κ = 8, learned Σ: 2 surplus latents equal the prior at every β" in failing(view_of(tmp_path, used))


def test_half_a_study_decides_nothing(tmp_path):
    def moving(row, rows):
        row["scale_residual"] = 1.0 if row["seed"] else 0.0
        rows["decoder_norm"] += 2.0 if row["seed"] and row["variant"] == HELD else 0.0

    assert set(said(view_of(tmp_path, moving, kappas=(3,))).values()) == {INSUFFICIENT}
    view = view_of(tmp_path, kappas=(3,))
    view.trials.loc[view.trials["seed"].gt(0), "status"] = "missing"
    assert set(said(view).values()) == {INSUFFICIENT}


def test_nothing_is_said_or_drawn_before_anything_is_trained(tmp_path):
    view = view_of(tmp_path, kappas=(3,))
    view.trials[["status", "data_id"]] = ["missing", None]
    assert claims(view) == drawings(view) == sheets(view) == []


def test_training_follows_theory_on_either_side_of_a_threshold(tmp_path):
    """κ = 3, one seed: Σ Var E[z|x] and Σ‖u‖² at two β, with three modes left and with one, Σ learned and held."""
    home = Home(tmp_path)
    rows = [row for row in linear_collapse.table("laptop").rows() if row.axes["kappa"] == 3 and row.axes["seed"] == 0]
    rows = [row for row in rows if row.axes["variant"] != WIDE and row.axes["beta"] in (BETAS_KEPT, BETAS_LOST)]
    rows = shorter(rows, steps=2500)
    train_rows(rows, tmp_path)
    spectrum = load(rows[0].trial.data).spectrum
    latents = read(home, "latents").to_pandas()
    assert len(rows) == 4
    for row in rows:
        found, beta = latents[latents["trial_id"].eq(row.trial.trial_id)], row.axes["beta"]
        if row.axes["variant"] == HELD:
            units = (fixed_sigma.encoder_singular_values(spectrum, np.ones(3), beta) ** 2).sum()
            power = fixed_sigma.sample_diversity(spectrum, np.ones(3), beta)
        else:
            units = linear.active_units(spectrum, beta, 3).sum()
            power = linear.sample_diversity(spectrum, beta, 3)
        assert found["mean_var"].sum() == pytest.approx(units, abs=0.05)
        assert (found["decoder_norm"] ** 2).sum() == pytest.approx(power, rel=0.03, abs=0.05)


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
