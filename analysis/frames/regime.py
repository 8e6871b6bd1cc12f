"""The regime: how many latents a trial kept, against how many its data need, and whether it reconstructs.

    balanced    reconstructs     and n_active = r
    under       reconstructs     and n_active > r      under-regularised: needless latents stay active
    over        does not         and n_active < r      over-regularised: needed latents collapsed
    unfit       does not         and n_active ≥ r      capacity or optimisation, not regularisation
    memorising  reconstructs     and n_active < r      fewer coordinates than the data have

What counts as a reconstruction, and how many latents the data need where r is unknown, is in `analysis.frames.standards`.
Where the trials of the study decide it, all that it declares are meant, whichever part of them a launch has chosen. So as
long as one of them is missing, the regimes of these data are `pending`: each trial has the same regime after every launch
that names one.

A trial that is not finished is labelled by its status. A finished trial that has not converged has the regime it was
left in, and `converged` False: its number of active latents may still be moving, so a table marks it `?` and a verdict
about where training ends does not rest on it. A regime is relative to a study, hence it is never stored. `converged` says
that latents are at rest; of a trained γ, which may move on, `analysis.frames.gamma_rest` says so.

A deterministic autoencoder has none, for nothing regularises it; where its codes have a price, those that are used count
in place of active latents. Nor has a second VAE, on draws of the first one's q(z): how many latents such draws need is not
known of any data. A probe is computed and not trained, and has none either.
"""

import numpy as np
import pandas as pd

from analysis.frames.standards import OF_THE_MEAN, SECOND, Standard, standards
from analysis.frames.types import Column, Frame

CONVERGED = 0.5
"""Largest scale_residual = max_j |E z_j² − 1| of a converged trial: the residual is zero at every stationary point,
.05 to .2 was measured for small networks at small γ, and above .5 training is not over."""

AUTOENCODER, PROBE = "autoencoder", "probe"
"""Stages of trials that have no regime, beside those on draws: a deterministic network, whose latents settle at no scale; and
a probe, which is computed and has neither latents nor a training."""

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
    "pending": "named once every trial on these data has a result, since it is relative to one of them",
    "unknown": "nothing says how many latents these data need: no trial has converged, or the best of those that have keeps "
    "no latent, or reconstructs no better than the mean",
    "whole": "a deterministic autoencoder: it has no rate, and its codes no price",
    "probe": "computed, not trained",
    "draws": "a second VAE, on draws of a first one's q(z): how many latents these need is not known",
}
"""Every label that a cell of a table can carry, in one clause."""


def with_regimes(frame: Frame) -> Frame:
    """The frame with columns `converged`, `recon_ok`, `needed_dims`, `regime_relative` and `regime`."""
    finished = frame["status"].eq("finished")
    converged = finished & (frame["scale_residual"].le(CONVERGED) | frame["stage"].isin([AUTOENCODER, PROBE]))
    frame, on_draws = frame.assign(converged=converged), frame["stage"].eq(SECOND)
    judged_by = standards(frame)
    limit, needed = _of_data(frame, judged_by, "limit"), _of_data(frame, judged_by, "needed").mask(on_draws)
    pending = frame["data_id"].map({data: one.is_pending for data, one in judged_by.items()}).eq(True)
    recon_ok = finished & frame["nre_mean_test"].le(limit) & frame["nre_mean_test"].lt(OF_THE_MEAN)
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
        regime_relative=frame["intrinsic_dim"].isna() & frame["data_id"].notna(),
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


def _of_data(frame: Frame, judged_by: dict[str, Standard], name: str) -> Column:
    """A number of each trial's standard; NaN where there is none."""
    numbers = {data: getattr(standard, name) for data, standard in judged_by.items()}
    return pd.to_numeric(frame["data_id"].map(numbers))
