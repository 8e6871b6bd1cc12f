"""Levels of pictures: back to the whole numbers that a file held, and probabilities of their bins.

A data set in `count` levels holds v/(count − 1) − mean in float32, v a whole number. Adding the mean and rounding gives v
back exactly: float32 errs by 1e-7, and levels lie 1/255 apart or more.

A density says nothing of levels until it is integrated over their bins: v stands for all values that are nearer to it
than to any other level, the lowest for everything below as well and the highest for everything above, so that the
probabilities of all levels sum to one, whatever the density.

So an end bin is open, and a density that is wide beside it gains little there by being narrower: a symmetric one about the
bin's inner edge gives the end's level one half at every scale, and one that lies further in less the narrower it is.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


class Levels:
    """The levels of data about `mean` (d,), in data units."""

    def __init__(self, count: int, mean: Float[Tensor, " d"]) -> None:
        self.count, self.mean = count, mean
        self.width = 1 / (count - 1)
        """Of a level's bin, in data units."""

    def of(self, y: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        """The levels of examples, whole numbers from 0 on."""
        return ((y + self.mean.to(y)) * (self.count - 1)).round()

    def centred(self, levels: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        """Levels, or means of them, as rows of the data."""
        return levels * self.width - self.mean.to(levels)

    def bin_nats(
        self,
        y: Float[Tensor, "*#n d"],
        centre: Float[Tensor, "*#n d"],
        scale: Float[Tensor, "*#n #d"],
        log_cdf: Callable[[Float[Tensor, "..."]], Float[Tensor, "..."]],
    ) -> Float[Tensor, "... d"]:
        """−log of the probability of each value's bin, for a symmetric density about `centre`.

        `log_cdf` is the log of the distribution function at `scale` = 1. Bins in the upper tail are taken by symmetry in
        the lower one, where the difference of two small numbers is exact.
        """
        v = self.of(y)
        exact = self.centred(v)
        low = torch.where(v > 0, (exact - 0.5 * self.width - centre) / scale, -torch.inf)
        high = torch.where(v < self.count - 1, (exact + 0.5 * self.width - centre) / scale, torch.inf)
        is_upper = low + high > 0
        low, high = torch.where(is_upper, -high, low), torch.where(is_upper, -low, high)
        below, upto = log_cdf(low), log_cdf(high)
        return -(upto + torch.log1p(-torch.exp(below - upto)))
