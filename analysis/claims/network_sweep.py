"""Trials of one network over β and seeds, with the best seed at each β, beside the linear theory's minimum."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from analysis.claims.lacks import FEWEST, too_few
from analysis.fit import Sweep, sweep
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, cells
from analysis.theory import Modes, linear

Array = np.ndarray


@dataclass(frozen=True)
class NetworkSweep:
    """Declared trials of one network: rows of `View.trials` and of `View.latents`, and the modes of their data."""

    modes: Modes
    trials: Frame
    latents: Frame

    @cached_property
    def settled(self) -> Frame:
        """The converged trials, with the columns `loss`, `expected` (L_WZ = J − (d/2) log γ, nats) and `kept` (modes)."""
        rows = self.trials[self.trials["converged"]].copy()
        betas, d = rows["beta"].to_numpy(float), self.modes.d2
        rows["loss"] = rows["objective_train"] - 0.5 * d * np.log(rows["gamma_value"].to_numpy(float))
        rows["expected"] = self.expected_loss(betas) if len(rows) else math.nan
        rows["kept"] = linear.active_modes(self.modes.zeta2, betas * self.gamma, self.kappa) if len(rows) else 0
        strongest = self.latents.groupby("trial_id")["mean_var"].max()
        rows["au_1"] = rows["trial_id"].map(strongest)
        return rows

    @property
    def lacks(self) -> str:
        """What is missing where less than two thirds of the declared trials have settled, or only one seed has."""
        if self.settled["seed"].nunique() < FEWEST:
            return f"trials of {self.settled['seed'].nunique()} seeds have converged"
        return too_few(len(self.settled), len(self.trials))

    @property
    def complete(self) -> list[float]:
        """The β at which two seeds, and two thirds of those declared, have settled; ascending."""
        declared, settled = self.trials["beta"].value_counts(), self.settled["beta"].value_counts()
        return sorted(float(beta) for beta, n in settled.items() if n >= max(2, ENOUGH * declared[beta]))

    @property
    def best(self) -> Frame:
        """The settled trial with the lowest loss at each β, ascending."""
        return self.settled.sort_values("loss").drop_duplicates("beta").sort_values("beta")

    @cached_property
    def gamma(self) -> float:
        """The fixed decoder variance, in data²; NaN before any trial is recorded."""
        known = self.trials["gamma_value"].dropna()
        return float(known.iloc[0]) if len(known) else math.nan

    @cached_property
    def kappa(self) -> int:
        """Latent dimensions."""
        return int(self.trials["kappa"].dropna().iloc[0])

    @cached_property
    def by_rank(self) -> Sweep:
        """Latents of the settled trials by rank of active units."""
        return sweep(self.latents, usable=set(self.settled["trial_id"]))

    def expected_loss(self, betas: Float[Array, " k"]) -> Float[Array, " k"]:
        """min L_WZ in nats. Source: Wang & Ziyin (2022), eq. 13."""
        return linear.loss_wz(self.modes, self.gamma, betas, self.kappa)

    def expected_variance(self, betas: Float[Array, " k"]) -> Float[Array, " k"]:
        """Σ(ζᵢ² − g)₊ in data²: of samples. Source: derived from Wang & Ziyin (2022), eqs. 11-13."""
        return linear.sample_diversity(self.modes.zeta2, betas * self.gamma, self.kappa)

    def expected_std(self, betas: Float[Array, " k"]) -> Float[Array, "k kappa"]:
        """min(1, √g/ζᵢ). Source: Wang & Ziyin (2022), eqs. 11-13."""
        return np.sqrt(linear.posterior_variance(self.modes.zeta2, betas * self.gamma, self.kappa))

    def stds(self) -> Frame:
        """√E σ_j²(x) of each latent of each settled trial, smallest first: columns β, trial_id, rank, std, is_best."""
        rows = self.latents[self.latents["trial_id"].isin(self.settled["trial_id"])]
        rows = rows[["trial_id", "beta", "post_var"]].sort_values("post_var", kind="stable")
        rank = rows.groupby("trial_id").cumcount()
        best = rows["trial_id"].isin(self.best["trial_id"])
        return rows.assign(rank=rank, std=np.sqrt(rows["post_var"]), is_best=best).sort_values("beta")


def network_sweeps(view: View, axis: str, of: Frame | None = None) -> dict[str, NetworkSweep]:
    """The trials of each label of an axis, all or `of` these, whose data set has a known spectrum; in declared order."""
    found = {}
    for (label,), trials in cells(view.trials if of is None else of, view.header, [axis]):
        known = trials["data_id"].dropna()
        if len(known):
            row = view.datasets[str(known.iloc[0])]
            if row["spectrum"] is None:
                continue
            total = max(float(row["total_variance"]), float(np.sum(row["spectrum"])))  # equal, but for rounding
            modes = Modes(np.asarray(row["spectrum"], float), total, int(row["d"]))
            rows = view.latents[view.latents["trial_id"].isin(trials["trial_id"])]
            found[str(label)] = NetworkSweep(modes, trials, rows)
    return found
