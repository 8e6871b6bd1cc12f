"""From records to the arrays that are fitted, and a trained sweep to the end."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_studies import row, store
from planted_sweeps import planted_sweep

from analysis import latents, results
from analysis.fit import FITTED, LEFT, Estimator, counts, sweep, thresholds
from study.record import Home

PLANTED = np.array([6.0, 3.0, 1.5])


def rows_of(study, rng):
    """The records of a sweep as `analysis.latents` gives them: latents of each trial in an order of their own."""
    lines = []
    modes, betas, seeds = study.sweep.active_units.shape
    for j in range(betas):
        for k in range(seeds):
            for latent, mode in enumerate(rng.permutation(modes)):
                lines.append(
                    {
                        "trial_id": f"t{j}-{k}",
                        "stage": "vae",
                        "beta": study.sweep.betas[j],
                        "seed": k,
                        "latent": latent,
                        "planted": mode,
                        "mean_var": study.sweep.active_units[mode, j, k],
                        "rate": study.sweep.rate[mode, j, k],
                        "decoder_norm": study.sweep.decoder_norm[mode, j, k],
                    }
                )
    return pd.DataFrame(lines).sample(frac=1, random_state=0)


@pytest.fixture(scope="module")
def study():
    return planted_sweep(np.random.default_rng(0), PLANTED)


@pytest.fixture(scope="module")
def frame(study):
    return rows_of(study, np.random.default_rng(1))


def test_latents_are_ranked_by_their_active_units(study, frame):
    found = sweep(frame)
    order = np.argsort(-study.sweep.active_units, axis=0, kind="stable")
    assert (found.betas == study.sweep.betas).all()
    assert found.seeds == tuple(range(6))
    for name in ("active_units", "rate", "decoder_norm"):
        expected = np.take_along_axis(getattr(study.sweep, name), order, axis=0)
        gone = found.active_units == 0  # latents without activity are alike: their order says nothing
        assert getattr(found, name)[~gone] == pytest.approx(expected[~gone])


def test_modes_matched_by_the_caller_are_kept(study, frame):
    found = sweep(frame, mode="planted")
    for name in ("active_units", "rate", "decoder_norm"):
        assert getattr(found, name) == pytest.approx(getattr(study.sweep, name))
    first = sweep(frame.assign(planted=frame["planted"].where(frame["planted"] == 0)), mode="planted")
    assert first.active_units.shape == (1, 24, 6)


def test_a_surplus_latent_without_a_measurement_comes_last(frame):
    hurt = frame.copy()
    hurt.loc[hurt["trial_id"].eq("t0-0") & hurt["planted"].eq(0), ["mean_var", "rate", "decoder_norm"]] = np.nan
    found = sweep(hurt)
    assert np.isnan(found.active_units[2, 0, 0])
    assert found.rate is not None
    assert np.isnan(found.rate[2, 0, 0])
    assert np.isfinite(found.active_units[:2, 0, 0]).all()


def test_missing_and_unusable_trials_are_nan(frame):
    present = frame[~frame["trial_id"].eq("t3-2")]
    usable = set(present["trial_id"]) - {"t5-1"}
    found = sweep(present, usable)
    lost = np.isnan(found.active_units).all(0)
    assert {(int(j), int(k)) for j, k in np.argwhere(lost)} == {(3, 2), (5, 1)}
    assert not np.isnan(found.active_units[:, ~lost]).any()
    for threshold, truth in zip(thresholds(found), PLANTED, strict=True):
        assert threshold.estimate == pytest.approx(truth, rel=0.03)


def test_rows_of_two_sweeps_are_refused(frame):
    other = frame.assign(trial_id=frame["trial_id"] + "-wide")
    with pytest.raises(ValueError, match=r"two trials share beta 0\.3 and seed \d: select the rows of one sweep"):
        sweep(pd.concat([frame, other]).sort_values("beta"))
    with pytest.raises(ValueError, match="select the rows of one stage"):
        sweep(pd.concat([frame, frame.assign(stage="second")]))


def test_no_rows_make_an_empty_sweep(frame):
    assert thresholds(sweep(frame.iloc[:0])) == []


def test_a_home_is_fitted(study, frame, tmp_path: Path):
    """Committed records, one trial diverged and one missing, to thresholds."""
    home = Home(tmp_path)
    trials = frame.drop_duplicates("trial_id").sort_values("trial_id")
    plan = [{"trial_id": t.trial_id, "beta": float(t.beta), "seed": int(t.seed)} for t in trials.itertuples()]
    axes = {"beta": study.sweep.betas.tolist(), "seed": list(range(6))}
    known = [line for line in plan if line["trial_id"] != "t9-3"]
    records = [row(line["trial_id"], beta=line["beta"], seed=line["seed"]) for line in known]
    records[0] |= {"status": "diverged"}
    kept = {line["trial_id"] for line in known}
    columns = ["trial_id", "stage", "latent", "mean_var", "rate", "decoder_norm"]
    rows = [line for line in frame[columns].to_dict("records") if line["trial_id"] in kept]
    store(home, "b", axes, plan, records, latents=rows)

    table = results("b", home)
    found = sweep(latents("b", home), table.loc[table["status"].eq("finished"), "trial_id"])
    assert np.isnan(found.active_units[0]).sum() == 2
    assert [threshold.estimate for threshold in thresholds(found)] == pytest.approx(PLANTED, rel=0.03)

    betas, active = counts(table, "n_active", axis="beta")
    assert active.shape == (24, 6)
    assert np.isnan(active).sum() == 2
    assert (betas == study.sweep.betas).all()


def test_counts_are_those_of_finished_trials():
    lines = [(k, s, min(k, 3) + s, "finished") for k in (8, 2, 4) for s in (0, 1)]
    trials = pd.DataFrame(lines, columns=["kappa", "seed", "n_active", "status"])
    trials.loc[0, "status"] = "diverged"
    kappa, active = counts(trials)
    assert kappa.tolist() == [2, 4, 8]
    assert active[:2].tolist() == [[2, 3], [3, 4]]
    assert np.isnan(active[2, 0])
    assert active[2, 1] == 4
    with pytest.raises(ValueError, match="two trials share kappa and seed"):
        counts(pd.concat([trials, trials]))


@pytest.mark.slow
def test_a_trained_sweep_meets_theory():
    """A linear VAE, 24 β × 6 seeds: thresholds ζ_i²/γ within 3 %, and active units on (1 − β/β_i*)₊ to 0.01."""
    from trained_stacks import train_stack

    from study import VAE, Fixed, LinearSubspace, Objective, Training, Trial

    spectrum = (6.0, 4.0, 2.5, 1.2, 0.5, 0.2, 0.1, 0.1, 0.05, 0.05)
    betas = np.geomspace(0.3, 9, 24)
    trials = [
        Trial(
            data=LinearSubspace(d=10, eigenvalues=spectrum, noise=0.0, n=2000, n_test=100),
            model=VAE(kappa=6, encoder=(), decoder=(), log_var_scale=0.1),
            objective=Objective(gamma=Fixed(1.0), beta=float(beta)),
            training=Training(steps=4000, batch=128, lr=1e-2),
            seed=seed,
        )
        for beta in betas
        for seed in range(6)
    ]
    _, measure = train_stack(trials)
    columns = {name: part.numpy().ravel() for name, part in measure.latents().items()}
    where = {
        "trial_id": [trial.trial_id for trial in trials for _ in range(6)],
        "beta": np.repeat(betas, 36),
        "seed": np.tile(np.repeat(np.arange(6), 6), 24),
        "latent": np.tile(np.arange(6), 144),
    }
    found, truth = sweep(pd.DataFrame(where | columns)), measure.data.spectrum[:6]
    off = found.active_units - np.maximum(1 - betas / truth[:, None], 0)[..., None]
    assert np.sqrt(np.mean(off**2)) <= 0.01
    tolerances: dict[Estimator, float] = {"active units": 0.03, "rate": 0.05, "half rate": 0.05, "spectral": 0.05}
    for estimator, tolerance in tolerances.items():
        *modes, last = thresholds(found, estimator)
        assert last.verdict == LEFT
        assert [mode.verdict for mode in modes] == [FITTED] * 5
        assert [mode.estimate for mode in modes] == pytest.approx(truth[:5], rel=tolerance)
    assert sum(mode.low <= true <= mode.high for mode, true in zip(thresholds(found), truth, strict=False)) >= 5
