"""Discrete likelihoods: a probability for every level of every value, given the decoder's outputs.

They answer what `models.loss.likelihood` asks. There is no γ: it is passed over, and `variance` is NaN. Values are
independent given z, so an example's −log p(y|z) is the sum over its values.
"""

import math
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from models.loss.levels import Levels
from models.loss.likelihood import Outputs, PerExample, Rows


class Discrete(ABC):
    """What they share: `outputs` numbers a value, one value's beside one another."""

    constant = 0.0

    def __init__(self, levels: Levels, outputs: int) -> None:
        self.levels, self._outputs = levels, outputs

    def nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """−log P(y|z), which has no constant to leave out."""
        del gamma
        return self.each(self._by_value(out), self.levels.of(y)).sum(-1)

    def level_nats(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """The same: it is of levels."""
        return self.nats(out, y, gamma)

    def variance(self, out: Outputs, y: Rows, gamma: PerExample) -> PerExample:
        """NaN: there is no decoder variance."""
        del y, gamma
        return torch.full_like(out[..., 0], math.nan)

    def mean(self, out: Outputs) -> Rows:
        """E[y|z], centred as the data are."""
        return self.levels.centred(self.mean_level(self._by_value(out)))

    @abstractmethod
    def each(self, out: Float[Tensor, "*#n d k"], level: Float[Tensor, "*#n d"]) -> Float[Tensor, "*n d"]:
        """−log P(level|z) of every value."""

    @abstractmethod
    def mean_level(self, out: Float[Tensor, "*n d k"]) -> Float[Tensor, "*n d"]:
        """E[level|z] of every value."""

    def _by_value(self, out: Float[Tensor, "*n outputs"]) -> Float[Tensor, "*n d k"]:
        return out.unflatten(-1, (-1, self._outputs))


class Bitwise(Discrete):
    """P(level|z) = Π_b P(digit b of the level|z), a logit each, the least significant first. One digit: Bernoulli."""

    def each(self, out: Float[Tensor, "*#n d k"], level: Float[Tensor, "*#n d"]) -> Float[Tensor, "*n d"]:
        """Σ_b of the cross-entropy of digit b."""
        digits = (level.long()[..., None] >> self._places(out)) & 1
        return (softplus(out) - digits * out).sum(-1)

    def mean_level(self, out: Float[Tensor, "*n d k"]) -> Float[Tensor, "*n d"]:
        """Σ_b 2^b P(digit b = 1)."""
        return (out.sigmoid() * (1 << self._places(out))).sum(-1)

    def _places(self, out: Float[Tensor, "*n d k"]) -> Int[Tensor, " k"]:
        return torch.arange(self._outputs, device=out.device)


class Categorical(Discrete):
    """P(level|z): a softmax over all levels."""

    def each(self, out: Float[Tensor, "*#n d k"], level: Float[Tensor, "*#n d"]) -> Float[Tensor, "*n d"]:
        """The cross-entropy of the softmax."""
        chosen = level.long()[..., None].expand(*out.shape[:-1], 1)
        return torch.logsumexp(out, -1) - out.gather(-1, chosen)[..., 0]

    def mean_level(self, out: Float[Tensor, "*n d k"]) -> Float[Tensor, "*n d"]:
        """Σ_v v P(v)."""
        return out.softmax(-1) @ torch.arange(self._outputs, device=out.device, dtype=out.dtype)


class LogisticMixture(Discrete):
    """P(level|z) = Σ_k π_k [σ((high − μ_k)/s_k) − σ((low − μ_k)/s_k)], the ends of the level's bin in between.

    Outputs of a value: the logits of π, then μ in centred data units, then log s, so that a decoder that gives zeros says
    the mean image. The lowest level's bin has no lower end, and the highest's no upper one. The difference is worked out as
    σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)), whose factors' logs are exact however far the bin lies from μ.
    """

    def each(self, out: Float[Tensor, "*#n d k"], level: Float[Tensor, "*#n d"]) -> Float[Tensor, "*n d"]:
        """−log of the mixture of the bin's probabilities."""
        weight, mean, log_scale = out.chunk(3, -1)
        away = self.levels.centred(level)[..., None] - mean
        inverse, half = torch.exp(-log_scale), 0.5 * self.levels.width
        below_high = logsigmoid((away + half) * inverse)
        above_low = logsigmoid(-(away - half) * inverse)
        within = torch.log(-torch.expm1(-2 * half * inverse))
        is_lowest, is_highest = (level == 0)[..., None], (level == self.levels.count - 1)[..., None]
        inside = torch.where(is_lowest, below_high, torch.where(is_highest, above_low, below_high + above_low + within))
        return torch.logsumexp(weight, -1) - torch.logsumexp(weight + inside, -1)

    def mean_level(self, out: Float[Tensor, "*n d k"]) -> Float[Tensor, "*n d"]:
        """Of each component its most likely level: a mean that lies beyond black or white is black or white."""
        weight, mean, _ = out.chunk(3, -1)
        value = (mean + self.levels.mean.to(out)[:, None]).clamp(0, 1)
        return (weight.softmax(-1) * value).sum(-1) * (self.levels.count - 1)
