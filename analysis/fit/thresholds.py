"""Collapse thresholds of a β sweep: at which β each latent mode dies, by three estimators.

At fixed γ a linear VAE keeps mode i while β < β_i* = ζ_i²/γ, and near β_i* its latent obeys one of three hinges:

    active units   Var_x E[z_i|x] = (1 − β/β_i*)₊                  one number to fit
    rate           KL_i = ½ (log β_i* − log β)₊                    the ½ fixed, or free
    spectral       squared decoder norm = γ (β_i* − β)₊            γ free: the fit also gives the decoder variance

The spectral form is stated for a linear decoder and a unit prior. Fits are exact least squares over all seeds. The
interval holds the spread of the seeds and the misfit of the hinge (`analysis.fit.resample`); a fault common to the whole
sweep, such as a training that stopped early everywhere, shows in neither, and is stated apart as `systematic`.

A mode that dies outside the sweep, or too near its edge for a fit, has a censored threshold: a bracket, no estimate.
Modes are ranks of active units (`analysis.fit.sweep`), so thresholds closer than the seeds' spread repel each other.

Source: Wang, Ziyin (2022), section 4.2, eqs. 11-13, with a learnable posterior variance.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from analysis.fit.hinge import Form, fit_hinges, hinge
from analysis.fit.resample import Estimate, resampled
from analysis.fit.sweep import Sweep
from analysis.fit.verdict import BETWEEN, FITTED, INSUFFICIENT, LEFT, RIGHT

Array = np.ndarray
Estimator = Literal["active units", "rate", "half rate", "spectral"]
FORMS: dict[Estimator, Form] = {
    "active units": Form(intercept=1.0),
    "rate": Form(),
    "half rate": Form(slope=0.5),
    "spectral": Form(),
}

ALIVE = 0.01
"""A mode is alive at a β where most seeds have more active units than this. Source: Burda, Grosse, Salakhutdinov (2016)."""

FEWEST_BETAS = 3
"""A hinge is fitted where the mode lives at so many β at least; below, the grid's bracket says all there is to say."""

SYSTEMATIC = 0.02
"""Relative error that all seeds and β of a trained sweep may share, in which case no interval can show it."""

_NOTHING = Estimate(math.nan, math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Threshold:
    """The β at which one mode collapses, and what it was read from.

    `verdict` is *fitted*: estimate and 95 % interval; *left-*, *right-* or *interval-censored*: the threshold lies below
    the grid, above it, or too near its lower end, the interval is the bracket and the estimate NaN; or
    *insufficient data*: a single seed (an estimate, but no interval), nothing measured, or data that no hinge fits.
    """

    estimator: Estimator
    mode: int
    verdict: str
    fit: Estimate
    slope: Estimate | None
    """Where it was fitted: nats per unit of log β (rate: ½ in theory) or the decoder variance in data² (spectral)."""
    bracket: tuple[float, float]
    """The largest β at which most seeds have the mode alive, and the next β; 0 or infinity beyond the grid."""
    systematic: float
    """A relative error that stands beside the interval and is not in it."""
    n_seeds: int
    betas: Float[Array, " betas"]
    measured: Float[Array, " betas"]
    """Means over seeds of what was fitted: active units, nats, or data²."""
    curve: Float[Array, " betas"]
    residual: Float[Array, " betas"]
    n: Int[Array, " betas"]
    """How many seeds were measured."""

    @property
    def estimate(self) -> float:
        """β* of the mode; NaN without a fit."""
        return self.fit.value

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval, or of the bracket where β* lies outside the sweep."""
        return self.fit.low

    @property
    def high(self) -> float:
        """The upper end, likewise."""
        return self.fit.high

    @property
    def rms(self) -> float:
        """Root mean square of the residual over β, in the unit of what was fitted; NaN without a fit."""
        seen = self.residual[np.isfinite(self.residual)]
        return float(np.sqrt(np.mean(seen**2))) if len(seen) else math.nan


def thresholds(sweep: Sweep, estimator: Estimator = "active units") -> list[Threshold]:
    """The threshold of every mode. Raises: ValueError where the sweep lacks what the estimator fits."""
    measured = _measured(sweep, estimator)
    return [_threshold(sweep, estimator, mode, measured[mode]) for mode in range(sweep.n_modes)]


def total_collapse(sweep: Sweep, estimator: Estimator = "active units") -> Threshold:
    """The threshold of the first mode, the last to die; in its bracket the last active unit disappears.

    Raises: ValueError for a sweep without modes, or without what the estimator fits.
    """
    if not sweep.n_modes:
        raise ValueError("a sweep without latents has no collapse: select trials that finished")
    return _threshold(sweep, estimator, 0, _measured(sweep, estimator)[0])


def _measured(sweep: Sweep, estimator: Estimator) -> Float[Array, "modes betas seeds"]:
    """What the estimator fits."""
    if estimator not in FORMS:
        raise ValueError(f"there is no estimator {estimator!r}: choose one of {', '.join(map(repr, FORMS))}")
    if estimator == "active units":
        return sweep.active_units
    part = sweep.decoder_norm if estimator == "spectral" else sweep.rate
    if part is None:
        raise ValueError(f"the sweep lacks what the estimator {estimator!r} fits: give it rate and decoder_norm")
    return part**2 if estimator == "spectral" else part


def _threshold(sweep: Sweep, estimator: Estimator, mode: int, values: Float[Array, "betas seeds"]) -> Threshold:
    n = np.isfinite(values).sum(-1)
    n_seeds = int(np.isfinite(values).any(0).sum())
    bracket, censored = _bracket(sweep.betas, sweep.active_units[mode])
    fit, slope, curve = _NOTHING, None, np.full(len(sweep.betas), np.nan)
    if censored:
        fit = replace(fit, low=bracket[0], high=bracket[1])
    elif n_seeds:
        fit, slope, curve = _fitted(sweep.betas, values, estimator)
    measured = np.where(n > 0, np.nansum(values, -1) / np.maximum(n, 1), np.nan)
    return Threshold(
        estimator=estimator,
        mode=mode,
        verdict=censored or (FITTED if math.isfinite(fit.low) else INSUFFICIENT),
        fit=fit,
        slope=slope,
        bracket=bracket,
        systematic=SYSTEMATIC,
        n_seeds=n_seeds,
        betas=sweep.betas,
        measured=measured,
        curve=curve,
        residual=measured - curve,
        n=n,
    )


def _bracket(
    betas: Float[Array, " betas"], units: Float[Array, "betas seeds"]
) -> tuple[tuple[float, float], str | None]:
    """Between which β most seeds lose the mode, and how it is censored by the grid, if it is."""
    n = np.isfinite(units).sum(-1)
    betas, alive = betas[n > 0], (2 * (units > ALIVE).sum(-1) > n)[n > 0]
    if not len(betas):
        return (0.0, math.inf), None
    if not alive.any():
        return (0.0, float(betas[0])), LEFT
    last = int(np.flatnonzero(alive)[-1])
    if last == len(betas) - 1:
        return (float(betas[-1]), math.inf), RIGHT
    return (float(betas[last]), float(betas[last + 1])), None if alive.sum() >= FEWEST_BETAS else BETWEEN


def _fitted(
    betas: Float[Array, " betas"], values: Float[Array, "betas seeds"], estimator: Estimator
) -> tuple[Estimate, Estimate | None, Float[Array, " betas"]]:
    """Threshold, slope and fitted curve: the seeds as they are, all their bootstrap draws, and blocks of β left out."""
    log_x, form = "rate" in estimator, FORMS[estimator]
    x = np.log(betas) if log_x else betas
    values = values[:, np.isfinite(values).any(0)]
    sets = resampled(betas, values.shape[1])
    seen, y = np.isfinite(values).astype(float), np.nan_to_num(values, nan=0.0)
    fits = fit_hinges(x, sets.sums(seen), sets.sums(y), sets.sums(y**2), form)
    knots = np.exp(fits.knot) if log_x else fits.knot
    below = int((betas < knots[0]).sum())
    slope = sets.estimate(fits.slope, below) if form.free_slope else None
    return sets.estimate(knots, below), slope, hinge(x, float(fits.knot[0]), float(fits.slope[0]))
