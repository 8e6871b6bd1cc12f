"""J of the plain trials, p(x|z) = N(m(z), γ I) with one γ, and its slopes in closed form; see `models.loss.objective`.

    ∂J/∂m = (m − y)/(γ n),   ∂J/∂log γ = d/2 − R/(2γ),   ∂K/∂μ = μ/n,   ∂K/∂log σ² = (σ² − 1)/(2n)

for n examples, the last two times what their half of the rate counts. Where γ is not learned, it is held constant: at the
optimal γ that changes nothing.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.gamma import GammaInForce
from models.loss.objective import misfit, objective
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import of_rows
from study.train.step.by_hand.encoder import Encoder
from study.train.step.by_hand.layers import Rows, Slope
from study.train.step.outcome import Found, PerTrial
from study.train.step.rate_halves import RateHalves
from study.train.step.schedules import Moment


class PlainLoss:
    """The loss of some trials of a stack. `log_gamma_slope` is where its slope at log γ goes; there are `n` examples.

    `halves` are what those of the rate count for in the whole pack, where that differs from 1.

    Numbers that stay are tensors: a number of Python's would become one anew in every operation.
    """

    def __init__(
        self, stack: Stack, rows: slice, log_gamma_slope: Float[Tensor, " rows"], n: int, halves: RateHalves | None
    ) -> None:
        self._rows, self._d, self._slope, self._n = rows, stack.d, log_gamma_slope, n
        self._halves = halves.of_rows(rows) if halves else None
        knobs = {name: value[rows] for name, value in stack.knobs.items()}
        self._gamma, self._learned = GammaInForce(knobs), knobs["learned"]
        self._log_gamma = stack.log_gamma.detach()[rows]
        self._half_d, self._half_kappa = (
            torch.full_like(self._log_gamma, 0.5 * each) for each in (stack.d, stack.kappa)
        )
        self._one, self._half, self._share = (self._log_gamma.new_tensor(each) for each in (1.0, 0.5, 1 / n))

    def run(self, encoder: Encoder, out: Rows, y: Rows, now: Moment) -> Found:
        """Distortion, rate, γ and J; `out`, the means, becomes the slope at the means."""
        error = out.sub_(y).view(out.shape[0], -1)
        distortion = torch.linalg.vector_norm(error, dim=1).square_().mul_(self._share)
        gamma = self._gamma(self._log_gamma, distortion, self._d, of_rows(now.gamma, self._rows))
        rate = self._rate(encoder) if encoder.is_random else torch.zeros_like(distortion)
        counted = self._halves.weigh(rate, self._of_means(encoder)) if self._halves else rate
        value = objective(misfit(distortion, gamma, self._d), counted, of_rows(now.beta, self._rows))
        per_gamma = gamma.reciprocal()
        torch.addcmul(self._half_d, distortion, per_gamma, value=-0.5, out=self._slope).mul_(self._learned)
        out.mul_(per_gamma.mul_(self._share)[:, None, None])
        return distortion, rate, gamma, value

    def _rate(self, encoder: Encoder) -> PerTrial:
        """½ Σ_j (μ_j² + σ_j² − 1 − log σ_j²), mean over the examples."""
        parts = torch.addcmul(encoder.variance, encoder.mu, encoder.mu, out=encoder.mu_slope).sub_(encoder.log_var)
        sums = parts.view(parts.shape[0], -1).sum(1)
        return torch.sub(sums.mul_(self._half).mul_(self._share), self._half_kappa)

    def _of_means(self, encoder: Encoder) -> PerTrial:
        """½ Σ_j μ_j², mean over the examples."""
        sizes = torch.linalg.vector_norm(encoder.mu.view(len(encoder.mu), -1), dim=1)
        return sizes.square_().mul_(self._half).mul_(self._share)

    def follow_z(self, encoder: Encoder, slope_z: Slope, now: Moment) -> None:
        """Fill the encoder's slopes of μ and log σ², given that of z: the rate's are added."""
        if not encoder.is_random:
            encoder.mu_slope.copy_(slope_z)
            return
        of_means = of_variances = of_rows(now.beta, self._rows) * self._share
        if self._halves:
            of_means, of_variances = of_means * self._halves.mean, of_variances * self._halves.variance
        torch.addcmul(slope_z, encoder.mu, of_means[:, None, None], out=encoder.mu_slope)
        of_rate = encoder.variance.sub_(self._one).mul_(of_variances[:, None, None])
        torch.addcmul(of_rate, encoder.noise, slope_z, out=encoder.log_var_slope).mul_(self._half)
