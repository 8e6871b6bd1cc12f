"""The β sweep of a linear VAE: what it declares, what its claims say of exact and of broken records, and a real training."""

import itertools
from typing import Any

import numpy as np
import pytest
from exact_linear_records import BETAS_KEPT, BETAS_LOST, KAPPAS, exact, failing, said, view_of
from trained_rows import shorter, train_rows

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.theory import fixed_sigma, linear
from models.data.load import load
from study.catalog.linear_collapse.claims import claims, drawings, sheets
from study.catalog.linear_collapse.table import BATCHES, HELD, LEARNED, OFF_ZERO, SMALL_BATCHES, WIDE, linear_collapse
from study.catalog.linear_collapse.transitions import hinge_slopes
from study.record import Home, read


@pytest.mark.parametrize(("scale", "count"), [("laptop", 693), ("paper", 4705)])
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


def test_a_transition_is_read_from_the_whole_rate_and_not_from_latents_that_share_modes(tmp_path):
    def shared(row, rows):
        rows["rate"] = rows["rate"].mean() if row["variant"] == LEARNED else rows["rate"]

    def steeper(row, rows):
        rows.loc[0, "rate"] *= 1.2 if row["variant"] == LEARNED else 1.0

    of = "linear, κ = 3, learned Σ: each collapse is a second-order transition: J′ is continuous at βᵢ*, "
    verdicts = [said(view_of(tmp_path / change.__name__, change, kappas=(3,))) for change in (shared, steeper)]
    assert [verdict[f"{of}and J″ jumps by 1/(2βᵢ*)"] for verdict in verdicts] == [HOLDS, FAILS]


def test_slopes_are_fitted_to_the_seeds_that_have_enough_rates():
    betas, thresholds = np.geomspace(0.5, 9, 12), np.array([6.0, 2.0])
    rates = np.stack([0.5 * np.maximum(np.log(thresholds[:, None] / betas), 0).sum(0)] * 3, axis=1)
    rates[3:5, 1], rates[1:, 2] = np.nan, np.nan
    assert hinge_slopes(betas, rates, thresholds)[:, :2] == pytest.approx(0.5)
    assert np.isnan(hinge_slopes(betas, rates, thresholds)[:, 2]).all()


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
    rows = [
        row for row in rows if row.axes["variant"] in (LEARNED, HELD) and row.axes["beta"] in (BETAS_KEPT, BETAS_LOST)
    ]
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
