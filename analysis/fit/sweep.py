"""A sweep of β as arrays: one latent statistic for each mode, β and seed."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.frames.types import Frame

Array = np.ndarray


@dataclass(frozen=True)
class Sweep:
    """Latents of a sweep by mode, in ascending β; NaN where a trial is missing or was not to be used.

    Active units are Var_x E[z_j|x], rates are in nats, decoder norms (the singular values of a linear decoder) in data.
    Statistics that were not measured may be left out.

    Raises: ValueError for arrays that do not belong together.
    """

    betas: Float[Array, " betas"]
    active_units: Float[Array, "modes betas seeds"]
    rate: Float[Array, "modes betas seeds"] | None = None
    decoder_norm: Float[Array, "modes betas seeds"] | None = None
    seeds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.betas.ndim != 1 or not (self.betas > 0).all() or not (np.diff(self.betas) > 0).all():
            raise ValueError("the β of a sweep must be positive and ascend: sort them, each once")
        shape = self.active_units.shape
        if len(shape) != 3 or shape[1] != len(self.betas):
            raise ValueError(
                f"active units of shape {shape} are not (modes, {len(self.betas)} β, seeds): transpose them"
            )
        for name in ("rate", "decoder_norm"):
            part = getattr(self, name)
            if part is not None and part.shape != shape:
                raise ValueError(f"{name} has shape {part.shape}, active units {shape}: give both in the same order")

    @property
    def n_modes(self) -> int:
        """Modes, or latents by rank."""
        return self.active_units.shape[0]


def sweep(latents: Frame, usable: Collection[str] | None = None, mode: str | None = None, beta: str = "beta") -> Sweep:
    """The sweep in the rows of `analysis.latents`: one trial for each β and seed, one row a trial and latent.

    Modes are ranks: the latents of each trial in descending order of active units, so that surplus ones come last. Where
    modes were matched otherwise, `mode` names the column that holds each latent's mode (0 is the first); latents without
    one are left out. Only trials in `usable` count: those that finished, say; the others become NaN, like missing ones.

    Raises: ValueError where two trials share β and seed, or a trial has latents of two stages: a sweep of a larger study is
    a selection of its rows.
    """
    rows = latents[["trial_id", beta, "seed", "latent", "mean_var", "rate", "decoder_norm"]].copy()
    trials = rows.drop_duplicates("trial_id")
    if trials.duplicated([beta, "seed"]).any():
        twice = trials[trials.duplicated([beta, "seed"])].iloc[0]
        raise ValueError(
            f"two trials share {beta} {twice[beta]:g} and seed {twice['seed']}: select the rows of one sweep, "
            "with one value of every other axis"
        )
    if rows.duplicated(["trial_id", "latent"]).any():
        raise ValueError("the trials have latents of several stages: select the rows of one stage")
    by_rank = rows.sort_values("mean_var", ascending=False, na_position="last", kind="stable")
    rows["mode"] = latents[mode] if mode else by_rank.groupby("trial_id", sort=False).cumcount()
    n_modes = int(rows["mode"].max()) + 1 if len(rows) else 0
    betas, seeds = np.sort(rows[beta].unique()), np.sort(rows["seed"].unique())

    kept = rows[rows["mode"].notna()]
    if usable is not None:
        kept = kept[kept["trial_id"].isin(list(usable))]
    place = (
        kept["mode"].to_numpy(int),
        np.searchsorted(betas, kept[beta].to_numpy()),
        np.searchsorted(seeds, kept["seed"].to_numpy()),
    )
    return Sweep(
        betas=betas.astype(float),
        active_units=_placed(kept["mean_var"], place, (n_modes, len(betas), len(seeds))),
        rate=_placed(kept["rate"], place, (n_modes, len(betas), len(seeds))),
        decoder_norm=_placed(kept["decoder_norm"], place, (n_modes, len(betas), len(seeds))),
        seeds=tuple(int(seed) for seed in seeds),
    )


def counts(
    trials: Frame, column: str = "n_active", axis: str = "kappa"
) -> tuple[Float[Array, " values"], Float[Array, "values seeds"]]:
    """What the finished trials counted, by ascending value of an axis and by seed; NaN where there is no such trial.

    Raises: ValueError where two finished trials share value and seed.
    """
    finished = trials[trials["status"].eq("finished") & trials[column].notna()]
    if finished.duplicated([axis, "seed"]).any():
        raise ValueError(f"two trials share {axis} and seed: select rows with one value of every other axis")
    table = finished.pivot(index=axis, columns="seed", values=column).sort_index()
    return table.index.to_numpy(float), table.to_numpy(float)


def _placed(values: pd.Series, place: tuple[Array, Array, Array], shape: tuple[int, int, int]) -> Array:
    array = np.full(shape, np.nan)
    array[place] = values.to_numpy(float, na_value=np.nan)
    return array
