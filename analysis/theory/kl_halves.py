"""A linear VAE at a given γ, Σ learned, whose rate is taken apart: the half of the means counts α, that of the variances δ.

    J = R/(2γ) + (d2/2) log γ + β Σ_j ½ [α E μ_j² + δ (σ_j² − 1 − log σ_j²)],        g = βγ

At α = δ = 1 this is J (`linear`). At a given Σ only the half of the means moves the weights, so `fixed_sigma` holds with αg
in place of g. What is left of mode i, times 2γ, is a function of its latent's σ alone:

    f(σ) = ζ² − (ζ − √(αg) σ)₊² + δ g (σ² − 1 − log σ²)

Encoder and decoder together multiply the mode by 1 − t, where t = √(αg) σ/ζ. With ρ = δ/α a mode that is kept has

    αg/ζ² = t (1 − (1 − ρ) t)/ρ,     σ² = ρ t/(1 − (1 − ρ) t),     E μ² = ρ (1 − σ²),

the smaller t where two solve the first equation. A lost one has t = σ = 1 and E μ = 0: a minimum from αg = ζ² on.

* For α ≤ 2δ, t reaches 1 at αg = ζ²: the mode is lost there, without a jump.
* For α > 2δ a mode can be kept up to αg = ζ²/(4ρ(1 − ρ)), where t = 1/(2(1 − ρ)). Beyond αg = ζ² both are minima, and the
  kept one is the lower up to where t (1 − (1 − ρ) t) log((1 − (1 − ρ) t)/(ρ t)) = 1 − t: a transition of first order.
* For δ = 0 or α = 0 no mode is ever lost: t = 0 can be approached at every g, by σ → 0, or by E μ² → ∞ at σ = 1.

Source: derived here, from Wang & Ziyin (2022), Prop. 2, whose ℓ_mean and ℓ_var the halves are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.modes import Array

_HALVINGS = 200
"""Of the interval that the turning point of a first-order transition is looked for in: far more than float64 can tell."""


@dataclass(frozen=True)
class Halves:
    """α ≥ 0, which the half of the means counts, and δ ≥ 0, which that of the variances counts; not both are 0.

    `zeta2` and `level`, g = βγ, may have any shapes that broadcast, both in squared data units. Raises: ValueError.
    """

    mean: float = 1.0
    variance: float = 1.0

    def __post_init__(self) -> None:
        weights = (self.mean, self.variance)
        if not (all(np.isfinite(weights)) and min(weights) >= 0 and max(weights) > 0):
            raise ValueError(
                f"the halves count {self.mean} and {self.variance}: give numbers ≥ 0, one of them positive"
            )

    @property
    def is_first_order(self) -> bool:
        """Whether a mode is lost by a jump: α > 2δ > 0."""
        return self.mean > 2 * self.variance > 0

    def lost_level(self, zeta2: ArrayLike) -> Array:
        """g from which on a lost mode has the lower loss, shape of `zeta2`; infinite without either half."""
        return self._in_units(zeta2, self._lost)

    def stable_level(self, zeta2: ArrayLike) -> Array:
        """ζ²/α: g from which on a lost mode with σ = 1 is a minimum, so that training from there stays; infinite for α = 0.

        For δ = 0 a lost mode has no σ of its own: with a narrower one it can be left at every level.
        """
        return self._in_units(zeta2, 1.0 if self.mean > 0 else np.inf)

    def kept_level(self, zeta2: ArrayLike) -> Array:
        """g up to which a kept mode is a minimum, so that training from there stays; infinite without either half."""
        ratio = self.variance / self.mean if self.mean > 0 else np.inf
        turns = self.mean > 0 and ratio < 0.5
        with np.errstate(divide="ignore"):
            return self._in_units(zeta2, float(np.divide(1, 4 * ratio * (1 - ratio))) if turns else self._lost)

    def shrinkage(self, zeta2: ArrayLike, level: ArrayLike) -> Array:
        """t of a mode that training keeps as long as it is a minimum; 1 where it is none."""
        signal, g = _positive(zeta2, "zeta2"), _positive(level, "level")
        if not self.mean:
            return np.zeros(np.broadcast_shapes(signal.shape, g.shape))
        noise = self.variance * g / signal
        root = 1 + 4 * (self.variance / self.mean - 1) * noise
        t = np.divide(2 * noise, 1 + np.sqrt(np.maximum(root, 0)))
        return np.minimum(np.where(root >= 0, t, 1.0), 1.0)

    def posterior_variance(self, zeta2: ArrayLike, level: ArrayLike) -> Array:
        """σ² of the same latent, in units of the prior's variance."""
        t = self.shrinkage(zeta2, level)
        if not self.mean:
            return np.ones_like(t)
        return self.variance * t / (self.mean * (1 - t) + self.variance * t)

    def mean_power(self, zeta2: ArrayLike, level: ArrayLike) -> Array:
        """E μ² of the same latent, in units of the prior's variance; infinite without the half of the means."""
        if not self.mean:
            return np.full_like(self.shrinkage(zeta2, level), np.inf)
        return self.variance / self.mean * (1 - self.posterior_variance(zeta2, level))

    def loss(self, zeta2: ArrayLike, level: ArrayLike) -> Array:
        """f of the same latent: what of the mode is in 2γ J, in squared data units; ζ² where it is lost."""
        signal, g = _positive(zeta2, "zeta2"), _positive(level, "level")
        t, var = self.shrinkage(signal, g), self.posterior_variance(signal, g)
        lossy = signal * t * (2 - t)
        if not self.variance:
            return lossy
        return lossy + self.variance * g * (var - 1 - np.log(var))

    def least_loss(self, zeta2: ArrayLike, level: ArrayLike) -> Array:
        """The global minimum of f: the lower of a kept and of a lost mode, in squared data units."""
        return np.minimum(self.loss(zeta2, level), _positive(zeta2, "zeta2"))

    @property
    def _lost(self) -> float:
        """αg/ζ² at which a mode is lost."""
        if not (self.mean and self.variance):
            return np.inf
        if not self.is_first_order:
            return 1.0
        ratio = self.variance / self.mean
        low, high = 0.0, 0.5 / (1 - ratio)
        for _ in range(_HALVINGS):
            t = (low + high) / 2
            rest = 1 - (1 - ratio) * t
            low, high = (t, high) if t * rest * np.log(rest / (ratio * t)) < 1 - t else (low, t)
        return low * (1 - (1 - ratio) * low) / ratio

    def _in_units(self, zeta2: ArrayLike, number: float) -> Array:
        """A level in units of ζ²/α."""
        signal = _positive(zeta2, "zeta2")
        return np.full_like(signal, np.inf) if np.isinf(number) else number * signal / self.mean


def _positive(values: ArrayLike, name: str) -> Array:
    numbers = np.asarray(values, float)
    if not ((numbers > 0) & np.isfinite(numbers)).all():
        raise ValueError(f"{name} must be positive and finite")
    return numbers
