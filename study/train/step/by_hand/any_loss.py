"""The loss of every likelihood, penalty and term, between a decoder and an encoder by hand: its own slopes by autograd."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from study.declare.trial import Trial
from study.train.stack.stack import Stack
from study.train.step.by_hand.encoder import Encoder
from study.train.step.by_hand.layers import Rows, Slope, Trained
from study.train.step.loss_graph import Loss, LossGraph, slopes_of
from study.train.step.minibatches import Minibatch
from study.train.step.schedules import Moment


class AnyLoss:
    """The loss of a whole pack, from what its networks give. `pixels` are the log variances of pixels, where trained."""

    def __init__(
        self,
        stack: Stack,
        trials: Sequence[Trial],
        log_gamma_slope: Float[Tensor, " pack"],
        pixels: Trained | None,
    ) -> None:
        self.graph = LossGraph(stack, trials)
        self._log_gamma, self._log_gamma_slope, self._pixels = stack.log_gamma, log_gamma_slope, pixels

    def run(self, step: int, encoder: Encoder, out: Rows, batch: Minibatch, now: Moment) -> Loss:
        """The loss; `out`, what the decoder's layers gave, becomes the slope at it."""
        held = [out, encoder.mu, encoder.log_var, encoder.z, self._log_gamma]
        with torch.enable_grad():
            mean, mu, log_var, z, log_gamma = leaves = [each.detach().clone().requires_grad_() for each in held]
            given = mean
            if self._pixels:
                leaves.append(self._pixels.value.detach().requires_grad_())
                given = torch.cat([mean, leaves[-1].expand_as(mean)], -1)
            loss = self.graph.of(step, batch, now, (mu, log_var), z, given, log_gamma)
        at_mean, self._at_mu, self._at_log_var, self._at_z, at_log_gamma, *at_pixels = slopes_of(loss.value, leaves)
        out.copy_(at_mean)
        self._log_gamma_slope.copy_(at_log_gamma)
        if self._pixels:
            self._pixels.slope.copy_(at_pixels[0])
        return loss

    def follow_z(self, encoder: Encoder, slope_z: Slope) -> None:
        """Fill the encoder's slopes of μ and log σ², given that of z, to which the loss's own is added."""
        slope_z.add_(self._at_z)
        torch.add(slope_z, self._at_mu, out=encoder.mu_slope)
        if encoder.is_random:
            encoder.noise.mul_(0.5)
            torch.addcmul(self._at_log_var, encoder.noise, slope_z, out=encoder.log_var_slope)
