"""The linear VAE at a given γ, with a learnable posterior variance: where its minimum lies, latent by latent.

    z = Wᵀx + ε,  ε ~ N(0, diag σ²),   p(y|z) = N(Uz, γI),   prior N(0, η² I), η = eta_enc

Only `level` g = βγ enters: mode i is kept iff ζ_i² > g. `level` may have any shape (a sweep of β, say); per-latent answers
have shape (*level, kappa), the latents in the order of their modes, followed by those that no mode is left for.
The prior's scale η is a gauge: it moves the weights, and neither loss, nor rate, nor distortion.

Source: Wang & Ziyin (2022), section 4.2, eqs. 11-13, with two corrections: the σ of a latent that carries no mode is η,
not 0, and sums run over the min(κ, d*) modes that κ latents reach.
"""

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.modes import Array, Modes, checked, checked_kappa, is_kept


def latent_modes(zeta2: ArrayLike, kappa: int) -> Array:
    """ζ² of the mode that each of κ latents carries, shape (kappa,); 0 for those beyond the last mode."""
    values = checked(zeta2)[: checked_kappa(kappa)]
    return np.pad(values, (0, kappa - len(values)))


def thresholds(zeta2: ArrayLike, gamma: ArrayLike, kappa: int) -> Array:
    """β_i* = ζ_i²/γ, shape (*gamma, kappa): latent i collapses iff β ≥ β_i*; 0 for one that carries no mode.

    Source: Wang & Ziyin (2022), section 4.3.
    """
    return latent_modes(zeta2, kappa) / _last(_positive(gamma, "gamma"))


def collapse_beta(zeta2: ArrayLike, gamma: ArrayLike) -> Array:
    """β_1* = ζ_1²/γ, shape of `gamma`: every latent is collapsed iff β ≥ β_1*. Source: Wang & Ziyin (2022), section 4.3."""
    return thresholds(zeta2, gamma, 1)[..., 0]


def active_modes(zeta2: ArrayLike, level: ArrayLike, kappa: int) -> np.ndarray:
    """How many of κ latents carry a mode, #{i ≤ κ: ζ_i² > g}; shape of `level`."""
    return is_kept(latent_modes(zeta2, kappa), _last(_level(level))).sum(-1)


def active_units(zeta2: ArrayLike, level: ArrayLike, kappa: int) -> Array:
    """AU_i = Var_x E[z_i|x] = (1 − g/ζ_i²)_+, shape (*level, kappa), in units of the prior's variance.

    Source: Wang & Ziyin (2022), eqs. 11-13; the name is Burda, Grosse & Salakhutdinov's (2016).
    """
    return 1 - posterior_variance(zeta2, level, kappa)


def posterior_variance(zeta2: ArrayLike, level: ArrayLike, kappa: int, eta_enc: float = 1.0) -> Array:
    """σ_i² = η² min(1, g/ζ_i²), shape (*level, kappa). Source: Wang & Ziyin (2022), eqs. 11-13."""
    signal, g = latent_modes(zeta2, kappa), _last(_level(level))
    collapsed = np.ones(np.broadcast_shapes(g.shape, signal.shape))
    return eta_enc**2 * np.divide(g, signal, out=collapsed, where=is_kept(signal, g))


def rates(zeta2: ArrayLike, level: ArrayLike, kappa: int) -> Array:
    """KL_i = ½ log_+(ζ_i²/g) in nats, shape (*level, kappa); infinite for a kept mode at g = 0.

    Source: reverse water-filling, Cover & Thomas (2006), section 10.3.3; derived from Wang & Ziyin (2022), eqs. 11-13.
    """
    with np.errstate(divide="ignore"):
        return 0.5 * np.log(1 / posterior_variance(zeta2, level, kappa))


def distortions(zeta2: ArrayLike, level: ArrayLike, kappa: int) -> Array:
    """D_i = min(ζ_i², g) of each mode, shape (*level, d*), in squared data units; ζ_i² for modes beyond κ.

    Source: reverse water-filling, Cover & Thomas (2006), section 10.3.3; derived from Wang & Ziyin (2022), eqs. 11-13.
    """
    values = checked(zeta2)
    reached = np.arange(len(values)) < checked_kappa(kappa)
    return np.where(reached, np.minimum(values, _last(_level(level))), values)


def decoder_singular_values(zeta2: ArrayLike, level: ArrayLike, kappa: int, eta_enc: float = 1.0) -> Array:
    """λ_i = √(ζ_i² − g)_+/η of U, shape (*level, kappa), in data units. Source: Wang & Ziyin (2022), eqs. 11-13."""
    return np.sqrt(_above(zeta2, level, kappa)) / eta_enc


def encoder_singular_values(zeta2: ArrayLike, level: ArrayLike, kappa: int, eta_enc: float = 1.0) -> Array:
    """θ_i = η √(ζ_i² − g)_+/ζ_i of W on whitened inputs, shape (*level, kappa). Source: Wang & Ziyin (2022), eqs. 11-13."""
    return eta_enc * np.sqrt(active_units(zeta2, level, kappa))


def sample_diversity(zeta2: ArrayLike, level: ArrayLike, kappa: int) -> Array:
    """tr Cov of the decoder mean under the prior, Σ_{i≤κ} (ζ_i² − g)_+, in squared data units; shape of `level`.

    Source: derived from Wang & Ziyin (2022), eqs. 11-13: what generated samples differ by, as in their figure 3.
    """
    return _above(zeta2, level, kappa).sum(-1)


def distortion(modes: Modes, level: ArrayLike, kappa: int) -> Array:
    """R = T − Σ ζ_i² + Σ D_i at the minimum, in squared data units; shape of `level`.

    The first two terms are the part of y not linear in x. Source: Wang & Ziyin (2022), eq. 13 and its constant.
    """
    return modes.total - modes.zeta2.sum() + distortions(modes.zeta2, level, kappa).sum(-1)


def rate(zeta2: ArrayLike, level: ArrayLike, kappa: int) -> Array:
    """K = Σ_i KL_i at the minimum, in nats; shape of `level`. It is also dL_WZ/dβ, by the envelope theorem."""
    return rates(zeta2, level, kappa).sum(-1)


def loss_wz(modes: Modes, gamma: ArrayLike, beta: ArrayLike, kappa: int) -> Array:
    """min L_WZ = R/(2γ) + βK, in nats; shape of `gamma` and `beta` broadcast.

    As a function of β it is once continuously differentiable: at β_i* its second derivative jumps by +1/(2β_i*).
    Source: Wang & Ziyin (2022), eq. 13.
    """
    gamma, beta = _positive(gamma, "gamma"), _positive(beta, "beta")
    level = beta * gamma
    return distortion(modes, level, kappa) / (2 * gamma) + beta * rate(modes.zeta2, level, kappa)


def objective(modes: Modes, gamma: ArrayLike, beta: ArrayLike, kappa: int) -> Array:
    """min J = min L_WZ + (d2/2) log γ, in nats; shape of `gamma` and `beta` broadcast."""
    return loss_wz(modes, gamma, beta, kappa) + 0.5 * modes.d2 * np.log(gamma)


def _above(zeta2: ArrayLike, level: ArrayLike, kappa: int) -> Array:
    """(ζ_i² − g)_+, shape (*level, kappa); 0 of a mode at its threshold, and not rounding noise that roots enlarge."""
    signal, g = latent_modes(zeta2, kappa), _last(_level(level))
    return np.where(is_kept(signal, g), signal - g, 0.0)


def _last(values: Array) -> Array:
    return values[..., None]


def _level(level: ArrayLike) -> Array:
    values = np.asarray(level, float)
    if not (values >= 0).all():
        raise ValueError("the level beta * gamma must be a number that is not negative")
    return values


def _positive(values: ArrayLike, name: str) -> Array:
    numbers = np.asarray(values, float)
    if not ((numbers > 0) & np.isfinite(numbers)).all():
        raise ValueError(f"{name} must be positive and finite")
    return numbers
