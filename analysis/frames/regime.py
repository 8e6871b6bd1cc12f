"""The regime: how many latents a trial kept, against how many its data need, and whether it reconstructs.

    balanced    reconstructs     and n_active = r
    under       reconstructs     and n_active > r      under-regularised: needless latents stay active
    over        does not         and n_active < r      over-regularised: needed latents collapsed
    unfit       does not         and n_active ≥ r      capacity or optimisation, not regularisation
    memorising  reconstructs     and n_active < r      fewer coordinates than the data have

Where r is unknown, the best trial on the same data says how many latents are needed, and wherever data are noisy or r is
unknown, it says what reconstructs. The best of all trials that the study declares is meant, whichever part of them a launch
has chosen. So as long as one of them is missing, the regimes of these data are `pending`: each trial has the same regime
after every launch that names one.

A trial that is not finished is labelled by its status. A finished trial that has not converged has the regime it was
left in, and `converged` False: its number of active latents may still be moving, so a table marks it `?` and a verdict
about where training ends does not rest on it. A regime is relative to a study, hence it is never stored.

A deterministic autoencoder has none, for nothing regularises it; where its codes have a price, those that are used count
in place of active latents. Nor has a second VAE, on draws of the first one's q(z): how many latents such draws need is not
known of any data. A probe is computed and not trained, and has none either.
"""

import json

import numpy as np

from analysis.frames.types import Column, Frame

CONVERGED = 0.5
"""Largest scale_residual = max_j |E z_j² − 1| of a converged trial: the residual is zero at every stationary point,
.05 to .2 was measured for small networks at small γ, and above .5 training is not over."""

AUTOENCODER, SECOND, PROBE = "autoencoder", "second vae", "probe"
"""Stages of trials that have no regime: a deterministic network, whose latents settle at no scale; a network that trains on
draws; and a probe, which is computed and has neither latents nor a training."""

NOISE_FREE_LIMIT = 0.01
"""Largest nre_mean_test that reconstructs noise-free synthetic data of known dimension."""

RELATIVE_LIMIT = 1.1
"""For any other data: the same, as a multiple of the best finished trial's on these data in the study."""

OF_THE_MEAN = 1.0
"""The nre_mean_test of a network that returns the mean: what is no better reconstructs nothing, whatever others do."""

MEANINGS = {
    "balanced": "reconstructs with exactly the latents the data need",
    "under": "under-regularised: reconstructs, but keeps more latents active than the data need",
    "over": "over-regularised: needed latents collapsed, and the reconstruction with them",
    "unfit": "enough active latents and still no reconstruction: capacity or optimisation",
    "memorising": "reconstructs with fewer latents than the data need: a curve through the examples",
    "mixed": "no regime holds for more than half of the finished trials",
    "?": "insufficient to say where training ends: fewer than two thirds of the trials converged "
    f"(scale_residual ≤ {CONVERGED:g}); the regime is the one they were left in",
    "diverged": "J or its gradient stopped being finite, or J left all bounds (`blow_up`)",
    "failed": "no result: the trial's worker failed",
    "missing": "declared, not trained yet",
    "pending": "named once every trial on these data has a result, since it is relative to the best of them",
    "unknown": "the best converged trial keeps no latent, or none has converged: so nothing says how many these data need",
    "whole": "a deterministic autoencoder: it has no rate, and its codes no price",
    "probe": "computed, not trained",
    "draws": "a second VAE, on draws of a first one's q(z): how many latents these need is not known",
}
"""Every label that a cell of a table can carry, in one clause."""


def with_regimes(frame: Frame) -> Frame:
    """The frame with columns `converged`, `recon_ok`, `needed_dims`, `regime_relative` and `regime`."""
    finished = frame["status"].eq("finished")
    converged = finished & (frame["scale_residual"].le(CONVERGED) | frame["stage"].isin([AUTOENCODER, PROBE]))
    frame, is_relative = frame.assign(converged=converged), frame["intrinsic_dim"].isna()
    on_draws, noise_free = frame["stage"].eq(SECOND), _noise_free(frame)
    limit = _relative_limit(frame, finished).mask(noise_free, NOISE_FREE_LIMIT)
    recon_ok = finished & frame["nre_mean_test"].le(limit) & frame["nre_mean_test"].lt(OF_THE_MEAN)
    pending = _lacks_trials(frame) & ~noise_free
    best = frame["data_id"].map(reference_trials(frame)["n_active"])
    # Where even the best collapsed, nothing tells what is needed.
    needed = frame["intrinsic_dim"].fillna(best.where(best > 0)).mask(on_draws | pending & is_relative)
    active = kept(frame)
    regime = np.select(
        [
            ~finished,
            frame["stage"].eq(PROBE),
            frame["stage"].eq(AUTOENCODER) & active.isna(),
            on_draws,
            active.notna() & pending,
            needed.isna() | active.isna(),
            recon_ok & active.eq(needed),
            recon_ok & active.gt(needed),
            recon_ok,
            active.lt(needed),
        ],
        [frame["status"], "probe", "whole", "draws", "pending", "unknown", "balanced", "under", "memorising", "over"],
        "unfit",
    )
    return frame.assign(
        recon_ok=recon_ok,
        needed_dims=needed,
        regime_relative=is_relative & frame["data_id"].notna(),
        regime=regime,
    )


def by_trial(frame: Frame) -> dict[str, str]:
    """trial_id → the regime of each trained trial that finished, with a `?` where it has not converged."""
    judged = frame[frame["status"].eq("finished") & frame["stage"].ne(PROBE)]
    marked = judged["regime"].where(judged["converged"], judged["regime"] + "?")
    return dict(zip(judged["trial_id"], marked, strict=True))


def kept(frame: Frame) -> Column:
    """How many latents are kept: active ones, or the codes that are used where codes have a price."""
    return frame["n_active"].fillna(frame["codes_used"]) if "codes_used" in frame else frame["n_active"]


def reference_trials(frame: Frame) -> Frame:
    """For each data_id the row of the converged trial with the lowest neg_elbo_test, to which regimes are relative.

    J itself is not comparable between trials of different β; −ELBO is J at β = 1, so it ranks them all. Not so densities
    and probabilities of levels: where there are densities, the best of them counts.
    """
    ranked = frame[frame["converged"] & ~frame["stage"].eq(SECOND) & frame["n_active"].notna()]
    ranked = ranked.dropna(subset="neg_elbo_test")
    ranked = ranked.assign(is_none=~are_densities(ranked)).sort_values(["is_none", "neg_elbo_test"], kind="stable")
    return ranked.drop_duplicates("data_id").set_index("data_id")


def _lacks_trials(frame: Frame) -> Column:
    """Whether a trial on the same data is still missing. Of what is missing only the labels are known: where no axis is
    called `data`, it may be on any."""
    missing = frame.loc[frame["status"].eq("missing"), "data"]
    return frame["data"].isin(missing.dropna().unique()) | missing.isna().any()


def _relative_limit(frame: Frame, finished: Column) -> Column:
    """Largest nre_mean_test that counts as a reconstruction, per trial, where the best trial on the data decides it."""
    return RELATIVE_LIMIT * frame["nre_mean_test"].where(finished).groupby(frame["data_id"]).transform("min")


def _noise_free(frame: Frame) -> Column:
    """Whether the data are synthetic, of known dimension and without noise."""
    noise = {text: _noise(text) for text in frame["declaration"].dropna().unique()}
    return frame["intrinsic_dim"].notna() & frame["declaration"].map(noise).eq(0.0)


def _noise(declaration: str) -> float:
    """The declared noise variance of the data, in data²; NaN where the data declare none."""
    noise = json.loads(declaration).get("data", {}).get("noise")
    return float(noise) if isinstance(noise, int | float) else float("nan")


def are_densities(frame: Frame) -> Column:
    """Whether a trial's likelihood is a density of x; with a variance for each image it is not."""
    if "likelihood" not in frame:
        return frame["data_id"].notna()
    likely = frame["likelihood"].isna() | frame["likelihood"].isin(["normal", "studentt"])
    return likely & frame["gamma_mode"].ne("perimage")
