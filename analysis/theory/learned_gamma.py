"""The linear VAE whose decoder variance γ is learned: where γ ends, and which modes are lost at which β.

    J(γ) = (d2/2) log γ + min L_WZ(γ),   2γ² J'(γ) = G(γ) = d2 γ − C_0 − Σ_{i≤m} min(ζ_i², βγ),   m = min(κ, d*)

G is convex and piecewise linear with G(0) = −C_0 ≤ 0, where C_0 = T − Σ_{i≤m} ζ_i². J falls where G < 0 and rises where
G > 0, so the global minimum over γ is the largest root of G, clipped to a floor and a ceiling where there are any.

C_0 = 0 (y is linear in x and κ reaches every mode) is the case without noise: for β < d2/r, r the rank, γ* = 0, J = −∞
and nothing is lost; at β = d2/r the minimum is flat, and its upper end is returned; above it γ* jumps and at least mode r
is lost. That event and complete collapse at β_c are the two ends of one formula, `thresholds`.

Source: Wang & Ziyin (2022), appendix D, derived again: their condition needs R² where y is not linear in x, and
γ* → 0 needs C_0 = 0, and then happens for every β < d2/r.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory import linear
from analysis.theory.modes import EQUAL, ROUNDING, Array, Modes, checked, checked_kappa


def gamma_star(modes: Modes, beta: ArrayLike, kappa: int, floor: float = 0.0, ceiling: float = math.inf) -> Array:
    """γ* = (C_0 + Σ_{k<i≤m} ζ_i²)/(d2 − βk), k the number of modes kept; shape of `beta`, in squared data units.

    With the modes in order G is the largest of m + 1 lines, one for each k, hence its largest root the smallest of
    theirs, among those that rise. Source: derived from Wang & Ziyin (2022), appendix D.
    """
    beta = _positive(beta)
    m = min(checked_kappa(kappa), len(modes.zeta2))
    tails = np.array([modes.unreached(k) for k in range(m + 1)])
    rise = modes.d2 - beta[..., None] * np.arange(m + 1)
    roots = np.divide(tails, rise, out=np.full(rise.shape, math.inf), where=rise > EQUAL * modes.d2)
    return np.clip(roots.min(-1), floor, ceiling)


def objective(modes: Modes, beta: ArrayLike, kappa: int, floor: float = 0.0, ceiling: float = math.inf) -> Array:
    """min J over γ too, in nats; shape of `beta`. Minus infinity where γ* = 0."""
    beta = _positive(beta)
    gamma = gamma_star(modes, beta, kappa, floor, ceiling)
    reached = linear.objective(modes, np.where(gamma > 0, gamma, 1.0), beta, kappa)
    return np.where(gamma > 0, reached, -math.inf)


def active_modes(
    modes: Modes, beta: ArrayLike, kappa: int, floor: float = 0.0, ceiling: float = math.inf
) -> np.ndarray:
    """k = #{i ≤ κ: ζ_i² > βγ*}; shape of `beta`. Modes that are rounding noise are never active."""
    level = _positive(beta) * gamma_star(modes, beta, kappa, floor, ceiling)
    return linear.active_modes(modes.zeta2, np.maximum(level, ROUNDING * modes.total), kappa)


def thresholds(modes: Modes, kappa: int, floor: float = 0.0, ceiling: float = math.inf) -> Array:
    """β_i: latent i collapses iff β ≥ β_i; shape (kappa,), 0 for a latent that carries no mode.

        β_i = d2 ζ_i²/(C_0 + Σ_{j≤m} min(ζ_j², ζ_i²))

    β_1 is complete collapse, d2 ζ_1²/T; without noise β_r is d2/r, where optimal sparsity is lost. A ceiling raises each to
    at least ζ_i²/ceiling, a floor lowers each to at most ζ_i²/floor.
    Source: derived from Wang & Ziyin (2022), appendix D: βγ*(β) never falls, and reaches ζ_i² at β_i.
    """
    signal = linear.latent_modes(modes.zeta2, kappa)
    reached = np.minimum(signal, signal[:, None]).sum(-1) + modes.unreached(kappa)
    found = np.divide(modes.d2 * signal, reached, out=np.zeros(kappa), where=signal > ROUNDING * modes.total)
    return np.minimum(np.maximum(found, signal / ceiling), signal / floor if floor else math.inf)


def collapse_beta(modes: Modes) -> float:
    """β_c = d2 ζ_1²/T: complete collapse iff β ≥ β_c, and γ* = T/d2 there, for any κ.

    Source: derived from Wang & Ziyin (2022), appendix D.
    """
    return float(modes.d2 * modes.zeta2.max(initial=0.0) / modes.total)


def lossless_beta(modes: Modes, kappa: int) -> float:
    """d2/r without noise (C_0 = 0): below it γ* = 0 and every mode is kept, above it at least mode r is lost.

    NaN where C_0 > 0: there γ* > 0 at every β. For y = x it is d/r. Source: Dai, Wenliang & Wipf (2021), section 2.3.
    """
    return modes.d2 / modes.rank if modes.unreached(kappa) == 0 else math.nan


def safe_beta(modes: Modes) -> float:
    """(d2/r) R²: below it some mode is kept, whatever the spectrum. The bound is tight for equal modes, and 0 for none.

    Source: Wang & Ziyin (2022), appendix D, with the factor R² that it needs where y is not linear in x.
    """
    return modes.d2 / max(modes.rank, 1) * modes.explained


def ppca_gamma(spectrum: ArrayLike, kappa: int) -> float:
    """Σ_{i>κ} λ_i/(d − κ), zeros included: probabilistic PCA, which is y = x, β = 1 and κ < d.

    Source: Tipping & Bishop (1999), eq. 8.
    """
    values = checked(spectrum)
    if not 1 <= kappa < len(values):
        raise ValueError(f"probabilistic PCA of {len(values)} dimensions needs 1 <= kappa < {len(values)}, not {kappa}")
    return float(values[kappa:].mean())


def _positive(beta: ArrayLike) -> Array:
    values = np.asarray(beta, float)
    if not ((values > 0) & np.isfinite(values)).all():
        raise ValueError("beta must be positive and finite")
    return values
