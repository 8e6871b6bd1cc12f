"""Trials of a linear VAE with a Σ that serves every x, laid out by mode, β and seed beside what theory expects.

A decoder that is linear, and a Σ that does not depend on x, leave nothing to chance in the loss:

    E‖y − Uz‖² = E‖y − Uμ(x)‖² + Σ_j σ_j² ‖u_j‖²

so J is known of the whole training set without the noise of a draw. Modes are told apart by the singular values of the
decoder, read from the stored weights: where Σ is trained each comes to lie on one latent, but slowly; where Σ is held at a
multiple of I any rotation of the latents is as good (Wang & Ziyin (2022), Thm. 2).
"""

import json
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float

from analysis.claims.lacks import too_few
from analysis.fit import Sweep, sweep
from analysis.frames.declaration import declaration
from analysis.frames.regime import CONVERGED
from analysis.frames.types import Column, Frame
from analysis.theory import Modes, fixed_sigma, linear
from study.record import Home, read_artifacts

Array = np.ndarray

ENCODER, DECODER = "network.mu", "network.decoder.0"
"""The linear maps' names among the weights."""


@dataclass(frozen=True)
class Cell:
    """Declared trials of one network over β and seeds: rows of `View.trials` and of `View.latents`."""

    data: str
    variant: str
    kappa: int
    modes: Modes
    trials: Frame
    latents: Frame
    home: Home

    @cached_property
    def held(self) -> bool:
        """Whether Σ is held, at the prior's variance, by the trials' declaration."""
        return isinstance(declaration(self.trials)["model"]["post_var"], list)

    @property
    def finished(self) -> Frame:
        """The trials with a result."""
        return self.trials[self.trials["status"].eq("finished")]

    @cached_property
    def settled(self) -> Frame:
        """The finished trials that stand still: a rescaling of any latent, both maps together, would gain nothing.

        That is E z_j² = 1 where σ_j is trained, and σ_j²‖u_j‖² = βγ Var_x E[z_j|x] where it is held.
        """
        kept = self.finished
        if not self.held:
            return kept[kept["scale_residual"].le(CONVERGED)]
        rows = self.latents.merge(kept[["trial_id", "gamma_eff"]], on="trial_id")
        rows["residual"] = (rows["post_var"] * rows["decoder_norm"] ** 2 / rows["gamma_eff"] - rows["mean_var"]).abs()
        worst = rows.groupby("trial_id")["residual"].max()
        return kept[kept["trial_id"].map(worst).le(CONVERGED)]

    @property
    def lacks(self) -> str:
        """What is missing where less than two thirds of the declared trials stand still, or only one seed does."""
        if self.settled["seed"].nunique() < 2:
            return f"trials of {self.settled['seed'].nunique()} seeds stand still"
        return too_few(len(self.settled), len(self.trials), "stand still")

    @cached_property
    def gamma(self) -> float:
        """The fixed decoder variance, in data²."""
        return float(self.finished["gamma_value"].iloc[0])

    @cached_property
    def sweep(self) -> Sweep:
        """Latents by rank of active units, settled trials only; not modes where Σ is held."""
        return sweep(self.latents, usable=set(self.settled["trial_id"]))

    def expected_units(self, betas: Float[Array, " k"]) -> Float[Array, "k kappa"]:
        """(1 − βγ/ζᵢ²)₊ where Σ is trained. Source: Wang & Ziyin (2022), eqs. 11-13."""
        return linear.active_units(self.modes.zeta2, betas * self.gamma, self.kappa)

    @cached_property
    def encoder_power(self) -> Float[Array, "betas seeds"]:
        """Σ_j Var_x E[z_j|x], which no rotation of the latents changes."""
        return self.sweep.active_units.sum(0)

    @cached_property
    def decoder_power(self) -> Float[Array, "betas seeds"]:
        """Σ_j ‖u_j‖², in data²."""
        return np.square(self._measured(self.sweep.decoder_norm)).sum(0)

    def expected_power(self, betas: Float[Array, " k"]) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """`encoder_power` and `decoder_power` of theory. Source: Wang & Ziyin (2022), Prop. 2, and eqs. 11-13."""
        zeta2, levels = self.modes.zeta2, betas * self.gamma
        if self.held:
            ones = np.ones(self.kappa)
            encoder = fixed_sigma.encoder_singular_values(zeta2, ones, levels)
            return np.square(encoder).sum(-1), fixed_sigma.sample_diversity(zeta2, ones, levels)
        units = linear.active_units(zeta2, levels, self.kappa)
        return units.sum(-1), linear.sample_diversity(zeta2, levels, self.kappa)

    @cached_property
    def rates(self) -> Float[Array, "betas seeds"]:
        """K in nats, which is also dJ/dβ."""
        return self._measured(self.sweep.rate).sum(0)

    @cached_property
    def distortions(self) -> Column:
        """E‖y − Uz‖² of each settled trial over the training set, in data²; index trial_id."""
        rows = self.latents[self.latents["trial_id"].isin(self.settled["trial_id"])]
        spread = (rows["post_var"] * rows["decoder_norm"] ** 2).groupby(rows["trial_id"]).sum()
        of_mean = self.settled.set_index("trial_id")["nre_mean_train"] * self.modes.total
        return of_mean + spread

    @cached_property
    def losses(self) -> Frame:
        """β, seed, J and the least J there is, in nats, of each settled trial; index trial_id."""
        frame = self.settled.set_index("trial_id")[["beta", "seed", "rate_train"]]
        constant = 0.5 * self.modes.d2 * math.log(self.gamma)
        frame["j"] = self.distortions / (2 * self.gamma) + frame["beta"] * frame["rate_train"] + constant
        frame["least"] = self.least(frame["beta"].to_numpy())
        return frame

    def least(self, betas: Float[Array, " k"]) -> Float[Array, " k"]:
        """min J in nats. Source: Wang & Ziyin (2022), Prop. 2 where Σ is held, eq. 13 where it is trained."""
        if not self.held:
            return linear.objective(self.modes, self.gamma, betas, self.kappa)
        found = fixed_sigma.loss_wz(self.modes, np.ones(self.kappa), self.gamma, betas)
        return found + 0.5 * self.modes.d2 * math.log(self.gamma)

    @cached_property
    def by_mode(self) -> Sweep:
        """The sweep with modes told apart: `decoder_norm` holds the singular values λ of the decoder, in data.

        Close to its threshold a mode rests for a long time on several latents at once, which ranks of latents cannot see.
        `active_units` is what λ says of a mode that lies on one latent: λ²/(λ² + g) where Σ is learned, and where it is
        held 1 − (1 + λ²/g)^{-2}; at either minimum that is (1 − g/ζᵢ²)₊, g = βγ.
        Source: Wang & Ziyin (2022), eqs. 11-13 and Prop. 2.
        """
        rows = [
            {
                "trial_id": trial["trial_id"],
                "beta": trial["beta"],
                "seed": trial["seed"],
                "latent": mode,
                "value": value,
            }
            | {"level": trial["gamma_eff"]}
            for trial in self.settled.to_dict("records")
            if trial["has_weights"] == 1
            for mode, value in enumerate(_singular_values(self.home, trial))
        ]
        frame = pd.DataFrame(rows, columns=["trial_id", "beta", "seed", "latent", "value", "level"])
        ratio = frame["value"] ** 2 / frame["level"]
        units = 1 - (1 + ratio) ** (-2.0 if self.held else -1.0)
        return sweep(frame.assign(mean_var=units, decoder_norm=frame["value"], rate=np.nan))

    @cached_property
    def off_centre(self) -> Frame:
        """How far the biases are from centring data whose mean is `offset` in every coordinate; a row a settled trial.

        `seed`: the trial's. `latent`: largest |E_x E[z_j|x]|, in the prior's standard deviations. `data`: largest distance
        to `offset` of a coordinate that is decoded from z = 0, as a part of `offset`.
        """
        rows = []
        for trial in self.settled.to_dict("records"):
            weights = _weights(self.home, trial)
            if not weights:
                continue
            mean = np.full(self.modes.d2, json.loads(str(trial["declaration"]))["data"]["offset"])
            z = weights[f"{ENCODER}.weight"] @ mean + weights[f"{ENCODER}.bias"]
            rows.append((trial["seed"], np.abs(z).max(), np.abs(weights[f"{DECODER}.bias"] / mean - 1).max()))
        return pd.DataFrame(rows, columns=["seed", "latent", "data"], dtype=float)

    def _measured(self, part: Array | None) -> Array:
        return np.full_like(self.sweep.active_units, np.nan) if part is None else part


def _singular_values(home: Home, trial: dict[str, object]) -> Float[Array, " modes"]:
    """Of the decoder U of one trial, for a z in units of the prior's standard deviation, in data units; none if lost."""
    weights = _weights(home, trial)
    if not weights:
        return np.empty(0)
    prior_std = json.loads(str(trial["declaration"]))["model"]["prior_std"]
    return np.linalg.svd(weights[f"{DECODER}.weight"].astype(float), compute_uv=False) * prior_std


def _weights(home: Home, trial: dict[str, object]) -> dict[str, Array]:
    """The stored weights of one trial by name; none if they are lost."""
    try:
        return read_artifacts(home, str(trial["artifacts"]), str(trial["trial_id"]), "weights")
    except FileNotFoundError:  # weights may be thrown away, records stay
        return {}
