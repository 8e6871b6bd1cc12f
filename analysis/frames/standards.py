"""What the trials on a data set are judged by: how many latents the data need, and what counts as a reconstruction.

    r known, no noise    r latents; NRE at most 0.01
    r known, otherwise   r latents; NRE at most 1.1 × that of the best finished trial on these data
    r unknown            both by one trial, the *reference*: the converged one with the lowest −ELBO. As many latents as it
                         keeps; NRE at most 1.1 × the reference's own

NRE is nre_mean_test, and what is no better than the mean reconstructs nothing. The reference reconstructs with exactly the
latents that are needed, so it is balanced. Were the best NRE of all trials the bar, it would often not be: the trials of the
best NRE are those that keep needless latents, and encode with them what is noise to others.

Where the reference keeps no latent, or is no better than the mean, or none has converged, nothing says what is needed.
Trials on draws, of a second VAE, set no standard: their NRE is a share of the variance of the draws.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from analysis.frames.types import Column, Frame

SECOND = "second vae"
"""The stage of a trial on draws of a first VAE's q(z)."""

NOISE_FREE_LIMIT = 0.01
"""Largest nre_mean_test that reconstructs noise-free synthetic data of known dimension."""

RELATIVE_LIMIT = 1.1
"""For any other data: the same, as a multiple of that of the trial that the data are judged by."""

OF_THE_MEAN = 1.0
"""The nre_mean_test of a network that returns the mean: what is no better reconstructs nothing, whatever others do."""


@dataclass(frozen=True)
class Standard:
    """How many latents a data set needs, and the largest nre_mean_test that reconstructs it; None where nothing says so.

    `trial` is the row of the trial that decides the limit, and where r is unknown the number of latents too. `noise` is the
    declared variance of the noise, in data². `lack` says why there is no reference. Before all trials on the data have a
    result, a standard that depends on them `is_pending`, and has neither trial nor limit.
    """

    r: int | None
    noise: float | None = None
    trial: Mapping[str, Any] | None = None
    lack: str = ""
    is_pending: bool = False

    @property
    def is_noise_free(self) -> bool:
        """Whether the data are synthetic, of known dimension and without noise."""
        return self.r is not None and self.noise == 0

    @property
    def needed(self) -> int | None:
        """How many latents the data need."""
        if self.r is None and self.trial is not None:
            return int(self.trial["n_active"])
        return self.r

    @property
    def limit(self) -> float | None:
        """The largest nre_mean_test that reconstructs."""
        if self.is_noise_free:
            return NOISE_FREE_LIMIT
        return RELATIVE_LIMIT * self.trial["nre_mean_test"] if self.trial is not None else None


def standards(frame: Frame) -> dict[str, Standard]:
    """data_id → what its trials are judged by. The frame has the columns of `results`, and `converged`."""
    missing = frame.loc[frame["status"].eq("missing"), "data"]
    known = frame.loc[
        frame["data_id"].notna(), frame.columns.isin(_READ)
    ]  # groups of all columns would be a second frame
    found = {str(data_id): _standard(rows, missing) for data_id, rows in known.groupby("data_id", sort=False)}
    whole = {data: frame.loc[one.trial["index"]].to_dict() for data, one in found.items() if one.trial}
    return {data: replace(one, trial=whole.get(data)) for data, one in found.items()}


_READ = (
    "data",
    "data_id",
    "intrinsic_dim",
    "declaration",
    "status",
    "stage",
    "nre_mean_test",
    "n_active",
    "neg_elbo_test",
)
_READ += ("converged", "likelihood", "gamma_mode")


def _standard(rows: Frame, missing: Column) -> Standard:
    """`rows` are the trials on one data set, `missing` holds the `data` of all that have no result.

    Of what is missing only the labels are known: where no axis is called `data`, it may be on any.
    """
    first = rows.iloc[0]
    r, noise = None if first["intrinsic_dim"] != first["intrinsic_dim"] else int(first["intrinsic_dim"]), _noise(rows)
    found = Standard(r, noise)
    if found.is_noise_free:
        return found
    if missing.isna().any() or missing.isin(rows["data"].unique()).any():
        return Standard(r, noise, is_pending=True)
    usable = rows[rows["status"].eq("finished") & rows["stage"].ne(SECOND)]
    if r is not None:
        return Standard(
            r, noise, _first(usable.dropna(subset="nre_mean_test").sort_values("nre_mean_test", kind="stable"))
        )
    reference = _first(_by_neg_elbo(usable))
    lack = _lack(reference, bool(rows["converged"].any()))
    return Standard(None, noise, None if lack else reference, lack)


def _lack(reference: Mapping[str, Any] | None, has_converged: bool) -> str:
    """Why a data set of unknown dimension has no reference; empty if it has one."""
    if reference is None:
        return "no converged trial has a −ELBO" if has_converged else "no trial has converged yet"
    best = "the converged trial with the lowest −ELBO"
    if not reference["n_active"]:
        return f"{best} keeps no latent"
    return "" if reference["nre_mean_test"] < OF_THE_MEAN else f"{best} reconstructs no better than the mean"


def _by_neg_elbo(usable: Frame) -> Frame:
    """The converged trials with a number of active latents, by neg_elbo_test.

    J itself is not comparable between trials of different β; −ELBO is J at β = 1, so it ranks them all. Not so densities
    and probabilities of levels: where there are densities, the best of them counts.
    """
    ranked = usable[usable["converged"]].dropna(subset=["n_active", "neg_elbo_test"])
    ranked = ranked.assign(is_none=~are_densities(ranked))
    return ranked.sort_values(["is_none", "neg_elbo_test"], kind="stable")


def are_densities(frame: Frame) -> Column:
    """Whether a trial's likelihood is a density of x; with a variance for each image it is not."""
    if "likelihood" not in frame:
        return frame["data_id"].notna()
    likely = frame["likelihood"].isna() | frame["likelihood"].isin(["normal", "studentt"])
    return likely & frame["gamma_mode"].ne("perimage")


def _first(rows: Frame) -> Mapping[str, Any] | None:
    """The first row, and under `index` its place in the whole frame."""
    return rows.iloc[0].to_dict() | {"index": rows.index[0]} if len(rows) else None


def _noise(rows: Frame) -> float | None:
    """The declared noise variance of the data, in data²; None where they declare none."""
    declared = rows["declaration"].dropna()
    noise = json.loads(declared.iloc[0]).get("data", {}).get("noise") if len(declared) else None
    return float(noise) if isinstance(noise, int | float) else None
