"""Turning the latents of a linear VAE at the minimum of J.

Source: Wang & Ziyin (2022), Thm. 2, whose P is said to be any orthogonal matrix.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.probes.exact_linear import Moments, expected_loss, minimise
from models.probes.finding import Finding, computes
from models.specs.probes import Rotations


@computes(Rotations)
def rises(what: Rotations, seed: int) -> Finding:
    """How much J rises over `count` random turns of the minimum's latents; decoder and encoder are turned alike."""
    covariance = torch.diag(torch.tensor(what.eigenvalues, dtype=torch.float64))
    moments, rng = Moments(covariance, covariance, float(covariance.trace())), np.random.default_rng(seed)
    given = torch.ones(what.kappa, dtype=torch.float64) if what.sigma == "given" else None
    found = minimise(moments, what.kappa, 1.0, what.gamma, given, seed=seed)
    turns = torch.from_numpy(np.stack([_turn(what, rng) for _ in range(what.count)]))
    decoders, encoders = found.decoder @ turns, found.encoder @ turns
    variances = _variances(what, found.variance, decoders, turns)
    log_gamma = torch.tensor(what.gamma, dtype=torch.float64).log()
    losses = expected_loss(moments, decoders, encoders, variances.log(), log_gamma.expand(what.count), 1.0)
    # At the stored minimum, evaluated as the others are: L-BFGS sums in another order.
    start = expected_loss(moments, found.decoder, found.encoder, found.variance.log(), log_gamma, 1.0)
    rise = losses - start
    return Finding({"lowest": float(start), "least_rise": float(rise.min()), "largest_rise": float(rise.max())})


def _turn(what: Rotations, rng: np.random.Generator) -> Float[np.ndarray, "kappa kappa"]:
    """A random orthogonal matrix, uniform over all of them, or a permutation with random signs."""
    if what.turn == "signed permutation":
        return np.eye(what.kappa)[rng.permutation(what.kappa)] * rng.choice([-1.0, 1.0], what.kappa)
    q, r = np.linalg.qr(rng.standard_normal((what.kappa, what.kappa)))
    return q * np.sign(np.diag(r))


def _variances(
    what: Rotations,
    at_minimum: Float[Tensor, " kappa"],
    decoders: Float[Tensor, "count d kappa"],
    turns: Float[Tensor, "count kappa kappa"],
) -> Float[Tensor, "count kappa"]:
    """σ² of each turned solution: the best for its decoder, 1/(1 + ‖u_j‖²/γ), the given one, or that of the minimum.

    A permutation takes the variances along; where the turn is no permutation they stay, as Thm. 2 has it.
    """
    if what.sigma == "best":
        return 1 / (1 + decoders.square().sum(-2) / what.gamma)
    if what.turn == "signed permutation":
        return turns.square().mT @ at_minimum
    return at_minimum.expand(len(decoders), -1)
