"""At which γ linear models lose their modes: by the exact likelihood, and by its ELBO.

Both are minimised over all weights by BFGS from random starts, without theory, at many γ at once: between the last γ that
keeps a mode and the next one the search goes on.

Source: Lucas et al. (2019), "Don't blame the ELBO!"; Tipping & Bishop (1999), eq. 4, for the likelihood.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.objective import normal_constant
from models.probes.affine import least_over_encoder
from models.probes.descent import Ends, Points, Values, descend
from models.probes.exact_linear import Moments, expected_loss
from models.probes.finding import Finding, computes
from models.specs.groundwork import LossThresholds

KEPT = 1e-3
"""A singular value of the decoder above this part of the data's standard deviation is a direction that it keeps."""

AT_ONCE, ROUNDS = 7, 4
"""Values of γ between the last one that keeps a mode and the next one, and how often they are drawn closer together."""

WIDEST = (1e-2, 1.0)
"""The first values of γ, as parts of the total variance: at the one every mode is kept, at the other none."""

GAMMA = 0.5
"""The γ at decoders that are no optimum."""


@computes(LossThresholds)
def thresholds(what: LossThresholds, seed: int) -> Finding:
    """The thresholds of both, how far they lie from the eigenvalues, and how far the two losses lie from each other."""
    rng = np.random.default_rng([36, seed])
    basis = np.linalg.qr(rng.standard_normal((what.d, what.d)))[0]
    spectrum = np.cumprod(np.concatenate([[4.0], rng.uniform(0.3, 0.8, what.d - 1)]))  # no two alike
    covariance = torch.from_numpy((basis * spectrum) @ basis.T)
    exact, bound = (_Search(covariance, what.kappa, is_bound, seed) for is_bound in (False, True))
    eigenvalues = torch.from_numpy(spectrum[: what.kappa])
    by_exact, by_bound = exact.thresholds(), bound.thresholds()
    below = 0.9 * by_exact
    decoder = torch.from_numpy(rng.standard_normal((what.d, what.kappa)))
    numbers = {
        "likelihood_off": by_exact / eigenvalues - 1,
        "elbo_off": by_bound / eigenvalues - 1,
        "thresholds_apart": by_exact / by_bound - 1,
        "values_apart": exact.ends(below).values - bound.ends(below).values,
    }
    gaps = {"gap": _gap(decoder, covariance), "gap_of_orthogonal": _gap(torch.linalg.qr(decoder).Q, covariance)}
    return Finding(
        {name: float(each.abs().max()) for name, each in numbers.items()} | gaps, {"decoder": decoder.numpy()}
    )


@dataclass(frozen=True)
class _Search:
    """The minima of one of the two losses, −ELBO or NLL, of models of κ latents."""

    covariance: Float[Tensor, "d d"]
    kappa: int
    is_bound: bool
    seed: int

    def thresholds(self) -> Float[Tensor, " kappa"]:
        """The γ at which each mode is lost, the strongest mode's first."""
        total = float(self.covariance.trace())
        low, high = (torch.full((self.kappa,), part * total, dtype=torch.float64) for part in WIDEST)
        for _ in range(ROUNDS):
            shares = torch.linspace(0, 1, AT_ONCE + 2, dtype=torch.float64)
            grid = low[:, None] * (high / low)[:, None] ** shares
            kept = self._kept(self.ends(grid[:, 1:-1].flatten())).view(self.kappa, AT_ONCE)
            last = (kept > torch.arange(self.kappa)[:, None]).sum(1)
            low, high = (grid.gather(1, (last + more)[:, None])[:, 0] for more in (0, 1))
        return (low * high).sqrt()

    def ends(self, gamma: Values) -> Ends:
        """The minimum at each γ, from random weights. The first number of a point is log γ, which stays."""
        d = len(self.covariance)
        size = (2 * d + 1) * self.kappa if self.is_bound else d * self.kappa
        generator = torch.Generator().manual_seed(self.seed)
        weights = torch.randn(len(gamma), size, dtype=torch.float64, generator=generator)
        return descend(self._loss, torch.cat([gamma.log()[:, None], weights], 1))

    def _loss(self, points: Points) -> Values:
        d, kappa = len(self.covariance), self.kappa
        log_gamma, decoder = points[:, 0].detach(), points[:, 1 : 1 + d * kappa].view(-1, d, kappa)
        if not self.is_bound:
            return _mean_nll(decoder, log_gamma.exp(), self.covariance)
        encoder, log_var = points[:, 1 + d * kappa :].split([d * kappa, kappa], 1)
        moments = Moments(self.covariance, self.covariance, float(self.covariance.trace()))
        loss = expected_loss(moments, decoder, encoder.view(-1, d, kappa), log_var, log_gamma, 1.0)
        return loss + normal_constant(d)

    def _kept(self, ends: Ends) -> Tensor:
        """How many directions each decoder keeps."""
        d, kappa = len(self.covariance), self.kappa
        sizes = torch.linalg.svdvals(ends.points[:, 1 : 1 + d * kappa].view(-1, d, kappa))
        return (sizes > KEPT * self.covariance.trace().sqrt()).sum(1)


def _gap(decoder: Float[Tensor, "d kappa"], covariance: Float[Tensor, "d d"]) -> float:
    """−ELBO of the best encoder less the mean NLL, in nats, at `GAMMA`."""
    d, kappa = decoder.shape
    bound = (least_over_encoder(decoder, covariance, GAMMA) - kappa) / 2 + normal_constant(d)
    return bound - float(_mean_nll(decoder[None], torch.tensor([GAMMA], dtype=torch.float64), covariance))


def _mean_nll(decoder: Float[Tensor, "rows d kappa"], gamma: Values, covariance: Float[Tensor, "d d"]) -> Values:
    """−E log N(x; 0, UUᵀ + γI) in nats, over x of that covariance."""
    d = decoder.shape[1]
    model = decoder @ decoder.mT + gamma[:, None, None] * torch.eye(d, dtype=decoder.dtype)
    misfit = torch.linalg.solve(model, covariance.expand_as(model)).diagonal(dim1=-2, dim2=-1).sum(-1)
    return 0.5 * (torch.linalg.slogdet(model).logabsdet + misfit) + normal_constant(d)
