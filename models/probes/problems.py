"""Random problems of the linear latent-variable model, of every kind."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from jaxtyping import Float

from models.probes.exact_linear import Moments

KINDS = list(product(("same", "linear", "noisy"), (False, True), (False, True)))
"""Targets (y = x, y = Mx, or nonlinear and noisy), whether A lacks rank, whether latents are fewer than modes."""

EXAMPLES = 400

FLOOR = 1e-3
"""Least γ over T/d2 where γ is learned: without noise J has no lower bound."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Second moments, all ζ² in descending order, the number of latents, β and the standard deviation of the prior."""

    moments: Moments
    spectrum: Float[np.ndarray, " modes"]
    kappa: int
    beta: float
    eta_enc: float

    @property
    def zeta2(self) -> float:
        """ζ₁²."""
        return float(self.spectrum[0])


def problem(seed: int) -> Problem:
    """The problem of a seed: twelve consecutive seeds give one of each kind."""
    target, deficient, narrow = KINDS[seed % len(KINDS)]
    rng = np.random.default_rng([31, seed])
    d0 = int(rng.integers(3, 6))
    rank = int(rng.integers(2, d0)) if deficient else d0
    d2 = d0 if target == "same" else int(rng.integers(2, 6))
    modes = min(rank, d2)
    kappa = int(rng.integers(1, modes)) if narrow and modes > 1 else modes + int(rng.integers(0, 3))
    codes = rng.standard_normal((EXAMPLES, rank))
    codes -= codes.mean(0)
    x = codes @ rng.standard_normal((rank, d0)) / np.sqrt(rank)
    y = x if target == "same" else x @ rng.standard_normal((d0, d2)) / np.sqrt(d0)
    if target == "noisy":
        y = y + 0.5 * (x @ rng.standard_normal((d0, d2))) ** 2 + 0.3 * rng.standard_normal((EXAMPLES, d2))
        y -= y.mean(0)
    beta, eta_enc = np.exp(rng.uniform(-1.0, 1.0, size=2))
    a, cross = (torch.from_numpy(part.T @ x / EXAMPLES) for part in (x, y))
    orthonormal, _ = np.linalg.qr(codes)  # whitened inputs, up to √n and a rotation
    spectrum = np.linalg.svd(y.T @ orthonormal, compute_uv=False) ** 2 / EXAMPLES
    return Problem(Moments(a, cross, float((y**2).sum() / EXAMPLES)), spectrum, kappa, float(beta), float(eta_enc))
