"""A VAE that sees the β of each example: one network for a whole rate-distortion curve.

β comes as a last column u of what is encoded and of what is decoded: log β from the trial's own β on, in half widths of
its spread, so that u is 0 there and the ends of a spread around it are −1 and 1. Without the column u is 0. The outputs of
every layer are scaled and shifted by functions of u, and so are μ, log σ² (shifted) and z. That is what a linear VAE's
minimum asks for: its directions are the same at every level, and each latent has a scale of its own at each.

Source: Perez et al. (2018), feature-wise linear modulation; Dosovitskiy & Djolonga (2020) for training one network over a
distribution of loss weights; Wang & Ziyin (2022), eqs. 11-13, for what depends on β in a linear VAE.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.networks.heads import linear
from models.networks.vae import GaussianVAE
from models.specs.network import BETA_FEATURES, VAE

START = 0.1
"""Size of the initial weights of scales and shifts: at first they hardly differ from 1 and 0."""

STEEPNESS = 2.0
"""Size of the initial weights that u is multiplied by."""


class BetaVAE(GaussianVAE):
    """The VAE that a `VAE` spec with `sees_beta` declares."""

    def __init__(self, spec: VAE, d_in: int, d: int | None = None) -> None:
        super().__init__(spec, d_in, d)
        self._d_in = d_in
        self.told = linear(1, BETA_FEATURES, spec, STEEPNESS)
        nn.init.normal_(self.told.bias)  # or every function of u would be odd
        widths = spec.beta_layers()
        self.scales = nn.ModuleList(linear(BETA_FEATURES, width, spec, START) for width in widths)
        self.shifts = nn.ModuleList(linear(BETA_FEATURES, width, spec, START) for width in widths)
        self.log_var_shift = linear(BETA_FEATURES, spec.kappa, spec, START)

    def encode(self, x: Float[Tensor, "*n d_in"]) -> tuple[Float[Tensor, "*n kappa"], Float[Tensor, "*n kappa"]]:
        """Mean and log variance of q(z|x); u may follow x as a last column."""
        x, features = self._parted(x, self._d_in)
        for place, layer in enumerate(self.encoder):
            x = self.act(self._modulated(layer(x), features, place))
        mu, log_var = self._posterior(x)
        return self._modulated(mu, features, len(self.encoder)), log_var + self.log_var_shift(features)

    def decode(self, z: Float[Tensor, "*n kappa"]) -> Float[Tensor, "*n d"]:
        """Mean m(z) of p(y|z); u may follow z as a last column."""
        z, features = self._parted(z, self.spec.kappa)
        place = len(self.encoder) + 1
        z = h = self._modulated(self._in_own_units(z), features, place)
        *hidden, output = self.decoder
        for further, layer in enumerate(hidden, place + 1):
            h = self.act(self._modulated(layer(h), features, further))
        return output(h) + (self.affine(z) if self.spec.skip == "affine" else 0)

    def _parted(
        self, rows: Float[Tensor, "*n columns"], width: int
    ) -> tuple[Float[Tensor, "*n width"], Float[Tensor, "*n features"]]:
        """The rows themselves, and the features of their u."""
        u = rows[..., width:] if rows.shape[-1] > width else rows.new_zeros(*rows.shape[:-1], 1)
        return rows[..., :width], torch.tanh(self.told(u))

    def _modulated(
        self, h: Float[Tensor, "*n width"], features: Float[Tensor, "*n features"], place: int
    ) -> Float[Tensor, "*n width"]:
        return h * (1 + self.scales[place](features)) + self.shifts[place](features)


def beside(rows: Float[Tensor, "*n d"], u: Float[Tensor, "*n"]) -> Float[Tensor, "*n wider"]:
    """The rows with u as their last column."""
    return torch.cat([rows, u[..., None]], -1)
