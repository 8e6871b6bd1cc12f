"""A VAE's loss as γ falls, and an autoencoder's at the best γ: both become logarithms of mean squares.

Source: Dai, Wenliang & Wipf (2021), Lemmas 2 and 3.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from models.loss.objective import misfit
from models.probes.descent import descend
from models.probes.finding import Finding, computes
from models.specs.penalties import ColumnScale, LogTransform


@computes(ColumnScale)
def column_scale(what: ColumnScale, _: int) -> Finding:
    """The least price of latents at one γ, each minimised over its column's norm and its posterior variance."""
    price = sum(_cheapest(variance, what.gamma) for variance in what.variances)
    return Finding({"price": price, "unused": _cheapest(0.0, what.gamma)})


def _cheapest(variance: float, gamma: float) -> float:
    """The least over w and log s² of w² s²/γ + c/w² + s² − log s², on the scale of 2J + κ with log γ for its output.

    The mean is the code over w, so that nothing but noise is lost in reconstruction: w² s² of it.
    """

    def loss(point: Float[Tensor, "starts 2"]) -> Float[Tensor, " starts"]:
        w, log_var = point.unbind(-1)
        norm2 = w.square()
        mean = variance / norm2 if variance else 0.0
        return (norm2 / gamma + 1) * log_var.exp() + mean - log_var - 1 + math.log(gamma)

    start = torch.tensor([[1.0, math.log(gamma)]], dtype=torch.float64)
    return float(descend(loss, start).values[0])


@computes(LogTransform)
def log_transform(what: LogTransform, seed: int) -> Finding:
    """A random linear autoencoder's loss, minimised over log γ and the logarithms of its codes' scales."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Float[Tensor, "..."]:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    x, encoder, decoder = normal(what.examples, what.d), normal(what.d, what.kappa), normal(what.kappa, what.d)
    codes = x @ encoder
    distortion = (x - codes @ decoder).square().sum(1).mean()
    squares = codes.square().mean(0)

    def loss(point: Float[Tensor, "starts n"]) -> Float[Tensor, " starts"]:
        log_gamma, log_scales = point[:, 0], point[:, 1:]
        reconstruction = misfit(distortion, log_gamma.exp(), what.d)
        return 2 * reconstruction + (squares / log_scales.exp() + log_scales).sum(1)

    ends = descend(loss, torch.zeros(1, 1 + what.kappa, dtype=torch.float64))
    logarithms = what.d * (distortion / what.d).log() + squares.log().sum()
    return Finding({"least": float(ends.values[0]), "logarithms": float(logarithms)})
