"""Likelihoods: what a decoder's outputs say of x. Elementwise, for one trial and for a stack of trials alike.

A likelihood answers the same questions, whatever a decoder gives for each value:

    mean(out)                 E[x|z], as rows of the data
    nats(out, y, γ)           what J counts of −log p(y|z), in nats an example; `constant` is what J leaves out
    variance(out, y, γ)       the decoder variance, mean over pixels, of each example
    level_nats(out, y, γ)     −log of the probability of y's levels, in nats an example

J leaves (d/2) log 2π out of the normal likelihoods, as everywhere; of others it keeps all constants. A density is no
probability, and grows without bound on data that repeat themselves, so `nats` of a density and of a discrete likelihood
are not comparable. `level_nats` are: densities are integrated over the bins of levels (`models.loss.levels`).

A variance in closed form for each image makes p(x|z) no density: it has seen x. `level_nats` are those of a code in two
parts, which first names one of a fixed grid of variances: −log P(x|z, γ_g) + log(size of the grid), an upper bound of
−log of the equal mixture over the grid, which is a likelihood. The grid reaches from a quarter of a level to the whole
range in standard deviations, in steps of 10 % of the variance.

Source: Rybkin, Daniilidis & Levine (2021), section 3, for the choices; their table compares densities and probabilities.
"""

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.levels import Levels
from models.loss.objective import misfit, normal_constant, squared_error

GRID_STEP = 1.1
"""Ratio of neighbouring variances of the grid that a variance for each image is coded in."""


Outputs = Float[Tensor, "*#n outputs"]
"""What decoders give for examples: d means, or as many numbers for each value as the likelihood has parameters."""
Rows = Float[Tensor, "*#n d"]
PerExample = Float[Tensor, "*#n"]


@runtime_checkable
class Likelihood(Protocol):
    """`gamma` is the decoder variance in force, (pack, 1) in a stack: only likelihoods with one γ look at it."""

    constant: float

    def mean(self, out: Outputs) -> Rows:
        """E[x|z], as rows of the data."""
        ...

    def nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """What J counts of −log p(y|z), in nats an example."""
        ...

    def variance(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """The decoder variance, mean over pixels."""
        ...

    def level_nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """−log of the probability of y's levels, in nats."""
        ...


class SharedNormal:
    """N(m(z), γ I)."""

    def __init__(self, d: int, levels: Levels | None = None) -> None:
        self.d, self.constant, self._levels = d, normal_constant(d), levels

    def mean(self, out: Outputs) -> Rows:
        """The outputs themselves."""
        return out

    def nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """‖y − m(z)‖²/(2γ) + (d/2) log γ."""
        return misfit(squared_error(y, out), gamma, self.d)

    def variance(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """γ, for every example."""
        return gamma.expand(torch.broadcast_shapes(out.shape[:-1], y.shape[:-1]))

    def level_nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """The normal density over the bins of levels."""
        return self._bins(out, y, gamma[..., None])

    def _bins(self, mean: Rows, y: Rows, gamma: Float[Tensor, "*#n #d"]) -> PerExample:
        """Of normal densities with variances γ, one an example or one a value."""
        return in_levels(self._levels).bin_nats(y, mean, gamma.sqrt(), torch.special.log_ndtr).sum(-1)


class PixelNormal(SharedNormal):
    """N(m(z), diag γ): outputs are d means, then v, with γ_i = floor + exp(v_i)."""

    def __init__(self, d: int, floor: float, levels: Levels | None = None) -> None:
        super().__init__(d, levels)
        self._floor = floor

    def mean(self, out: Outputs) -> Rows:
        """The first d outputs."""
        return out[..., : self.d]

    def nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """Σ_i (y_i − m_i)²/(2γ_i) + ½ log γ_i."""
        return misfit((y - self.mean(out)).square(), self._variances(out), d=1).sum(-1)

    def variance(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """The mean of the γ_i."""
        return self._variances(out).mean(-1)

    def level_nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """The normal density over the bins of levels, each value with its own γ_i."""
        return self._bins(self.mean(out), y, self._variances(out))

    def _variances(self, out: Outputs) -> Rows:
        return self._floor + out[..., self.d :].exp()


class DecodedNormal(PixelNormal):
    """N(m(z), diag γ(z)): outputs are m_i and v_i of each value beside one another, with γ_i = floor + init·exp(v_i)."""

    def __init__(self, d: int, init: float, floor: float, levels: Levels | None = None) -> None:
        super().__init__(d, floor, levels)
        self._init = init

    def mean(self, out: Outputs) -> Rows:
        """Every other output, from the first on."""
        return out[..., 0::2]

    def _variances(self, out: Outputs) -> Rows:
        return self._floor + self._init * out[..., 1::2].exp()


class BetaNormal(SharedNormal):
    """N(m(z), γ(β) I): outputs are d means, then the log γ of the example's β."""

    def mean(self, out: Outputs) -> Rows:
        """The first d outputs."""
        return out[..., : self.d]

    def nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """‖y − m(z)‖²/(2γ(β)) + (d/2) log γ(β)."""
        return super().nats(self.mean(out), y, self.variance(out, y, gamma))

    def variance(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """γ(β)."""
        return out[..., self.d].exp()

    def level_nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """The normal density over the bins of levels."""
        return super().level_nats(self.mean(out), y, self.variance(out, y, gamma))


class ImageNormal(SharedNormal):
    """N(m(z), γ_n I) with γ_n = max(‖x_n − m(z)‖²/d, floor)."""

    def __init__(self, d: int, floor: float, levels: Levels | None = None) -> None:
        super().__init__(d, levels)
        self._floor = floor

    def nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """‖y − m(z)‖²/(2γ_n) + (d/2) log γ_n."""
        return super().nats(out, y, self.variance(out, y, gamma))

    def variance(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """γ_n in closed form."""
        return (squared_error(y, out) / self.d).clamp(min=self._floor)

    def level_nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """In two parts: the nearest variance of the grid, and the levels given it."""
        step, least = math.log(GRID_STEP), 2 * math.log(0.25 * in_levels(self._levels).width)
        last = math.ceil(-least / step)
        place = ((self.variance(out, y, gamma).log() - least) / step).round().clamp(0, last)
        return super().level_nats(out, y, (least + step * place).exp()) + math.log(last + 1)


class StudentT(SharedNormal):
    """Student's t with `freedom` ν > 2 about m(z) in every value, of variance γ: squared scale s² = γ (ν − 2)/ν."""

    def __init__(self, d: int, freedom: float, levels: Levels | None = None) -> None:
        super().__init__(d, levels)
        self.constant, self._freedom = 0.0, freedom
        self._log_norm = math.lgamma(freedom / 2) - math.lgamma((freedom + 1) / 2) + 0.5 * math.log(math.pi * freedom)

    def nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """−log of the density, all constants kept."""
        square = self._squared_scale(gamma)
        tails = torch.log1p((y - out).square() / (self._freedom * square[..., None])).sum(-1)
        return 0.5 * (self._freedom + 1) * tails + self.d * (self._log_norm + 0.5 * torch.log(square))

    def level_nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """Student's t over the bins of levels."""
        scale = self._squared_scale(gamma).sqrt()[..., None]
        return in_levels(self._levels).bin_nats(y, out, scale, self._log_cdf).sum(-1)

    def _squared_scale(self, gamma: PerExample) -> PerExample:
        return gamma * ((self._freedom - 2) / self._freedom)

    def _log_cdf(self, t: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """torch has no distribution function of Student's t."""
        from scipy.special import stdtr  # which training itself never needs

        return torch.from_numpy(stdtr(self._freedom, t.cpu().numpy())).to(t).log()


def in_levels(levels: Levels | None) -> Levels:
    """Raises: ValueError for data that are not in levels."""
    if levels is None:
        raise ValueError("these data are not in levels, which alone have probabilities")
    return levels
