"""A VAE that sees the β of each example: one network for a whole rate-distortion curve.

β comes as a last column u of what is encoded and of what is decoded: log β from the trial's own β on, in half widths of
its spread, so that u is 0 there and the ends of a spread around it are −1 and 1. Without the column u is 0. The outputs of
every layer are scaled and shifted by functions of u, and so are μ, log σ² (shifted) and z. That is what a linear VAE's
minimum asks for: its directions are the same at every level, and each latent has a scale of its own at each.

A γ that is learned by β is a curve of trained numbers: log γ at knots, linear between them. Each knot follows its own β and
no other, so γ(β) may bend sharply where a mode is lost. At a minimum the network itself depends on the level βγ alone; so
its scales and shifts are then functions of log βγ(β), in the units of u, and no gradient goes from them into γ. `decode`
gives log γ(β) behind the means.

Source: Perez et al. (2018), feature-wise linear modulation; Dosovitskiy & Djolonga (2020) for training one network over a
distribution of loss weights; Wang & Ziyin (2022), eqs. 11-13, for what depends on β in a linear VAE.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.networks.heads import linear
from models.networks.vae import GaussianVAE
from models.specs.likelihood import MEANS, GammaCurve, PerValue
from models.specs.network import BETA_FEATURES, VAE

START = 0.1
"""Size of the initial weights of scales and shifts: at first they hardly differ from 1 and 0."""

STEEPNESS = 2.0
"""Size of the initial weights that u is multiplied by."""


class BetaVAE(GaussianVAE):
    """The VAE that a `VAE` spec with `sees_beta` declares."""

    def __init__(self, spec: VAE, d_in: int, d: int | None = None, per_value: PerValue = MEANS) -> None:
        super().__init__(spec, d_in, d)
        self._d_in, self._curve = d_in, per_value.curve
        self.log_gamma = _start(self._curve) if self._curve else None
        self.told = linear(1, BETA_FEATURES, spec, STEEPNESS)
        nn.init.normal_(self.told.bias)  # or every function of u would be odd
        widths = spec.beta_layers()
        self.scales = nn.ModuleList(linear(BETA_FEATURES, width, spec, START) for width in widths)
        self.shifts = nn.ModuleList(linear(BETA_FEATURES, width, spec, START) for width in widths)
        self.log_var_shift = linear(BETA_FEATURES, spec.kappa, spec, START)

    def encode(self, x: Float[Tensor, "*n d_in"]) -> tuple[Float[Tensor, "*n kappa"], Float[Tensor, "*n kappa"]]:
        """Mean and log variance of q(z|x); u may follow x as a last column."""
        x, u = self._parted(x, self._d_in)
        features = self._features(u, self._log_gamma_at(u))
        for place, layer in enumerate(self.encoder):
            x = self.act(self._modulated(layer(x), features, place))
        mu, log_var = self._posterior(x)
        return self._modulated(mu, features, len(self.encoder)), log_var + self.log_var_shift(features)

    def decode(self, z: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n outputs"]:
        """Mean m(z) of p(y|z), and log γ(β) behind it where γ is learned by β; u may follow z as a last column."""
        z, u = self._parted(z, self.spec.kappa)
        log_gamma = self._log_gamma_at(u)
        features = self._features(u, log_gamma)
        place = len(self.encoder) + 1
        z = h = self._modulated(self._in_own_units(z), features, place)
        *hidden, output = self.decoder
        for further, layer in enumerate(hidden, place + 1):
            h = self.act(self._modulated(layer(h), features, further))
        mean = output(h) + (self.affine(z) if self.spec.skip == "affine" else 0)
        return mean if log_gamma is None else torch.cat([mean, log_gamma], -1)

    def _features(
        self, u: Float[Tensor, "*n 1"], log_gamma: Float[Tensor, "*n 1"] | None
    ) -> Float[Tensor, "*n features"]:
        """Functions of log β, or of log βγ where γ follows β: both are the same before the first step."""
        if self._curve and log_gamma is not None:
            u = u + (log_gamma.detach() - math.log(self._curve.init)) / self._curve.nats
        return torch.tanh(self.told(u))

    def _log_gamma_at(self, u: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n 1"] | None:
        """log γ at u, where γ follows β: linear between the knots, and flat beyond the first and the last."""
        if (curve := self._curve) is None:
            return None
        along = (u - curve.low) * ((curve.knots - 1) / (curve.high - curve.low))
        knots = torch.arange(curve.knots, dtype=u.dtype, device=u.device)
        near = (1 - (along.clamp(0, curve.knots - 1) - knots).abs()).clamp(min=0)
        return (near * self.log_gamma).sum(-1, keepdim=True)

    def _parted(
        self, rows: Float[Tensor, "*n columns"], width: int
    ) -> tuple[Float[Tensor, "*n width"], Float[Tensor, "*n 1"]]:
        """The rows themselves, and their u."""
        u = rows[..., width:] if rows.shape[-1] > width else rows.new_zeros(*rows.shape[:-1], 1)
        return rows[..., :width], u

    def _modulated(
        self, h: Float[Tensor, "*n width"], features: Float[Tensor, "*n features"], place: int
    ) -> Float[Tensor, "*n width"]:
        return h * (1 + self.scales[place](features)) + self.shifts[place](features)


def _start(curve: GammaCurve) -> nn.Parameter:
    """log γ at the knots before the first step."""
    return nn.Parameter(torch.full((curve.knots,), math.log(curve.init)))


def beside(rows: Float[Tensor, "*n d"], u: Float[Tensor, "*n"]) -> Float[Tensor, "*n wider"]:
    """The rows with u as their last column."""
    return torch.cat([rows, u[..., None]], -1)
