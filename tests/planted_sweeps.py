"""Simulated β sweeps with planted thresholds, noisy as trained ones are.

Minibatch Adam leaves a linear VAE off the closed forms in ways whose sizes were read from trained sweeps (41 data sets of
d = 10 and n = 2000; 24 β, 6 seeds, 4000 steps). With u = log β/β*, in active units:

    near the threshold, alike in all seeds: a dip of 0 to 0.04 at u ≈ −0.075, a tail of 0 to 0.018 above u = 0,
    near the threshold, in each seed and at each β: 0.015, since training is slow there,
    below it, smooth in β: 0.0075 in each seed, whose noise is the same at every β, and 0.003 alike in all.

A rate near the threshold is half the active units, a squared decoder norm is β* times them; both have their own smooth
deviations, which grow as β falls. The scale of the noise differs between modes.
"""

from dataclasses import dataclass

import numpy as np

from analysis.fit import Sweep


@dataclass(frozen=True)
class Planted:
    """A sweep, its thresholds β_i* in descending order, and γ."""

    sweep: Sweep
    thresholds: np.ndarray
    gamma: float


def planted_sweep(
    rng: np.random.Generator,
    thresholds: np.ndarray | None = None,
    n_seeds: int = 6,
    n_betas: int = 24,
    misfit: float = 1.0,
    noise: float = 1.0,
    gamma: float = 1.0,
) -> Planted:
    """A sweep of log-spaced β in 0.3 … 9, by default with three thresholds drawn anew, at least 15 % apart.

    `misfit` scales what all seeds share, `noise` what they do not.
    """
    betas = np.geomspace(0.3, 9, n_betas)
    thresholds = _drawn(rng) if thresholds is None else thresholds
    modes = [_mode(rng, np.log(betas / b), n_seeds, misfit, noise) for b in thresholds]
    units, rate, norm = (np.stack(parts) for parts in zip(*modes, strict=True))
    norm *= np.sqrt(gamma * thresholds)[:, None, None]
    return Planted(Sweep(betas, units, rate, norm, tuple(range(n_seeds))), thresholds, gamma)


def _drawn(rng: np.random.Generator) -> np.ndarray:
    while True:
        logs = np.sort(rng.uniform(np.log(0.5), np.log(8), 3))[::-1]
        if (-np.diff(logs) > 0.15).all():
            return np.exp(logs)


def _mode(rng: np.random.Generator, u: np.ndarray, n_seeds: int, misfit: float, noise: float) -> list[np.ndarray]:
    """Active units, rate and decoder norm/√(γβ*), each (betas, seeds), at u = log β/β*."""
    scale = np.exp(0.5 * rng.normal())
    noise *= scale
    dip = -rng.uniform(0, 0.04) * np.exp(-(((u + 0.075) / 0.04) ** 2) / 2)
    tail = rng.uniform(0, 0.018) * np.where(u < 0, np.exp(u / 0.01), np.exp(-u / 0.06))
    slow = 0.015 * np.exp(-(((u + 0.08) / 0.06) ** 2) / 2)[:, None] * rng.normal(size=(len(u), n_seeds))
    near = misfit * (dip + tail)[:, None] + noise * slow
    depth = np.maximum(-u, 0)
    own, alike = {}, {}
    sizes = {
        "units": 0.0075 * np.sqrt(np.minimum(depth, 1)),
        "rate": 0.0019 * np.exp(0.87 * depth) * (u < 0),
        "norm": (0.004 + 0.0006 * np.exp(1.55 * depth)) * (u < 0),
    }
    for name, size in sizes.items():
        own[name] = noise * size[:, None] * _smooth(rng, u, n_seeds)
        alike[name] = misfit * 0.4 * scale * size[:, None] * _smooth(rng, u, 1)
    hinge = np.maximum(1 - np.exp(u), 0)[:, None]
    units = np.clip(hinge + near + own["units"] + alike["units"], 0, 1)
    rate = np.maximum(0.5 * depth[:, None] + near / 2 + own["rate"] + alike["rate"], 0)
    square = np.maximum(hinge + near + own["norm"] + alike["norm"], 0)
    return [units, rate, np.sqrt(square)]


def _smooth(rng: np.random.Generator, u: np.ndarray, columns: int) -> np.ndarray:
    """Gaussian processes of unit variance with a correlation length of 0.7 in log β: (betas, columns)."""
    covariance = np.exp(-(((u[:, None] - u) / 0.7) ** 2) / 2) + 1e-9 * np.eye(len(u))
    return np.linalg.cholesky(covariance) @ rng.normal(size=(len(u), columns))
