"""Random problems of the linear latent-variable model, of every kind, and their minimum by L-BFGS."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from analysis.theory import Modes, modes_of_moments
from models.probes.exact_linear import Minimum, Moments, minimise

TARGETS = ("same", "linear", "noisy")


@dataclass(frozen=True)
class Problem:
    """A = E xx^T, E yx^T, T = E|y|^2, the number of latents, beta and the scale of the prior."""

    a: np.ndarray
    cross: np.ndarray
    total: float
    kappa: int
    beta: float
    eta_enc: float

    @property
    def modes(self) -> Modes:
        return modes_of_moments(self.a, self.cross, self.total)

    @property
    def moments(self) -> Moments:
        return Moments(torch.from_numpy(self.a), torch.from_numpy(self.cross), self.total)

    def minimum(self, gamma: float | None = None, variance: np.ndarray | None = None, **options) -> Minimum:
        sigma2 = None if variance is None else torch.from_numpy(variance)
        return minimise(self.moments, self.kappa, self.beta, gamma, sigma2, self.eta_enc, **options)


def problems(count: int, seed: int = 0) -> list[Problem]:
    """`count` problems that take turns: y = x, y = Mx, nonlinear noisy y; A of full rank or not; kappa below d* or not."""
    kinds = list(product(TARGETS, (False, True), (False, True)))
    return [problem(np.random.default_rng([seed, i]), *kinds[i % len(kinds)]) for i in range(count)]


def problem(rng: np.random.Generator, target: str, deficient: bool, narrow: bool) -> Problem:
    d0 = int(rng.integers(3, 6))
    rank = int(rng.integers(2, d0)) if deficient else d0
    d2 = d0 if target == "same" else int(rng.integers(2, 6))
    modes = min(rank, d2)
    kappa = int(rng.integers(1, modes)) if narrow and modes > 1 else modes + int(rng.integers(0, 3))
    x = rng.standard_normal((400, rank)) @ rng.standard_normal((rank, d0)) / np.sqrt(rank)
    x -= x.mean(0)
    y = x if target == "same" else x @ rng.standard_normal((d0, d2)) / np.sqrt(d0)
    if target == "noisy":
        y = y + 0.5 * (x @ rng.standard_normal((d0, d2))) ** 2 + 0.3 * rng.standard_normal((400, d2))
        y -= y.mean(0)
    beta, eta_enc = np.exp(rng.uniform(-1.0, 1.0, size=2))
    return Problem(x.T @ x / 400, y.T @ x / 400, float((y**2).sum() / 400), kappa, float(beta), float(eta_enc))


def random_sigma2(p: Problem, seed: int) -> np.ndarray:
    """Unequal posterior variances for the problem's latents, in no order."""
    return p.eta_enc**2 * np.exp(np.random.default_rng([2, seed]).uniform(-2.0, 1.0, p.kappa))
