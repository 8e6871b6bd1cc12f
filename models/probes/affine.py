"""The VAE with an affine decoder: its profile loss, the minima that random starts find, and what lies between them.

The profile loss is J with encoder and posterior variances minimised out, on the scale 2J + βκ; what it is worth is
measured too, against a minimisation over encoder and variances.

Source: "On the regularization balance in autoencoder-based generative models", Thm. 1.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int8
from torch import Tensor

from models.probes.descent import Loss, Points, descend
from models.probes.exact_linear import Moments, expected_loss
from models.probes.finding import Finding, computes
from models.probes.saddle import POINTS, Saddle, lowest_saddle
from models.specs.probes import AffineMinima

NEGLIGIBLE = 1e-3
"""The part of a decoder's largest weight below which a weight counts as zero."""

ANGLES = 2001
"""Points of a quarter turn, the one half-way among them."""

CHECKED = 4
"""Decoders at which the profile is compared with a minimisation."""


Decoder = Float[Tensor, "d kappa"]


def profile_loss(w: Float[Tensor, "*b d kappa"], covariance: Float[Tensor, "d d"], gamma: float) -> Float[Tensor, "*b"]:
    """L(W) = κ − κ log γ + Σ_k log(γ + ‖w_k‖²) + tr[S(γI + WWᵀ)^{-1}] + d log γ, at β = 1."""
    d, kappa = w.shape[-2:]
    norms = (gamma + w.square().sum(-2)).log().sum(-1)
    model = gamma * torch.eye(d, dtype=w.dtype) + w @ w.mT
    # A search may try decoders so large that rounding leaves a singular matrix: NaN tells it so, an exception would end it.
    solved, _ = torch.linalg.solve_ex(model, covariance.expand_as(model))
    misfit = solved.diagonal(dim1=-2, dim2=-1).sum(-1)
    return kappa - kappa * math.log(gamma) + norms + misfit + d * math.log(gamma)


@computes(AffineMinima)
def minima(what: AffineMinima, seed: int) -> Finding:
    """Where `starts` random decoders end, how many ends there are, and what separates the best one from others like it."""
    variances = torch.tensor(sorted(what.eigenvalues, reverse=True), dtype=torch.float64)
    covariance, d = torch.diag(variances), len(variances)
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randn(what.starts, d, what.kappa, dtype=torch.float64, generator=generator)

    def loss(flat: Float[Tensor, "starts n"]) -> Float[Tensor, " starts"]:
        return profile_loss(flat.view(-1, d, what.kappa), covariance, what.gamma)

    ends = descend(loss, starts.flatten(1))
    found = ends.points.view(-1, d, what.kappa)
    lowest = float(ends.values.min())
    signs = _signs(found)
    best = found[ends.values.argmin()]
    return Finding(
        {
            "lowest": lowest,
            "excess": float(ends.values.max()) - lowest,
            "slope": float(ends.slopes.max()),
            "spread": _spread(found, signs),
            "supports": len(np.unique(np.abs(signs), axis=0)),
            "minima": len(np.unique(signs, axis=0)),
            **_between(loss, best, seed),
            "profile_error": _profile_error(starts[:CHECKED], covariance, what.gamma),
        }
    )


def _signs(decoders: Float[Tensor, "starts d kappa"]) -> Int8[np.ndarray, "starts weights"]:
    """−1, 0 or 1 for each weight of each decoder."""
    # A decoder of zeros, where everything has collapsed, must not be read by its rounding noise.
    large = decoders.abs() > NEGLIGIBLE * decoders.abs().amax((1, 2), keepdim=True).clamp(min=1.0)
    return (decoders.sign() * large).flatten(1).to(torch.int8).numpy()


def _spread(decoders: Float[Tensor, "starts d kappa"], signs: Int8[np.ndarray, "starts weights"]) -> float:
    """Largest distance of an end from the mean of those with its signs."""
    flat, groups = decoders.flatten(1).numpy(), np.unique(signs, axis=0, return_inverse=True)[1].ravel()
    return max(
        float(np.abs(part - part.mean(0)).max()) for part in (flat[groups == i] for i in range(groups.max() + 1))
    )


def _between(loss: Loss, best: Decoder, seed: int) -> dict[str, float]:
    """What lies between a minimum and two like it: its two strongest modes swapped, and its weakest in an unused latent."""
    used = (best.square().sum(0).sqrt() > NEGLIGIBLE).nonzero()[:, 0].tolist()
    used.sort(key=lambda k: int(best[:, k].abs().argmax()))  # the mode that each carries, strongest first
    unused = [k for k in range(best.shape[1]) if k not in used]
    swap = _barrier(loss, best, used[0], used[1], seed) if len(used) > 1 else None
    slot = _barrier(loss, best, used[-1], unused[0], seed) if used and unused else None
    met = [each.saddle for each in (swap, slot) if each]
    return {
        "swap_rotation": swap.rotation if swap else math.nan,
        "slot_rotation": slot.rotation if slot else math.nan,
        "swap_saddle": swap.rise if swap else math.nan,
        "slot_saddle": slot.rise if slot else math.nan,
        "saddle_slope": max((each.slope for each in met), default=math.nan),
        "saddle_falls": max((each.falls for each in met), default=math.nan),
        "saddle_missed": max((each.missed for each in met), default=math.nan),
    }


class Barrier(NamedTuple):
    """What separates two minima: the rise of the loss on the rotation from one to the other, and to the saddle."""

    rotation: float
    rise: float
    saddle: Saddle


def _barrier(loss: Loss, best: Decoder, i: int, j: int, seed: int) -> Barrier:
    """Between a minimum and the one that has its latents i and j exchanged by a quarter turn."""
    lowest, turned = float(loss(best.flatten()[None])), loss(_turned(best, i, j, ANGLES))
    saddle = lowest_saddle(loss, _turned(best, i, j, POINTS), seed)
    return Barrier(float(turned.max()) - lowest, saddle.value - lowest, saddle)


def _turned(best: Decoder, i: int, j: int, points: int) -> Points:
    """Decoders on the quarter turn of latents i and j, flat."""
    angle = torch.linspace(0, math.pi / 2, points, dtype=torch.float64)[:, None]
    path = best.repeat(points, 1, 1)
    path[:, :, i] = angle.cos() * best[:, i] - angle.sin() * best[:, j]
    path[:, :, j] = angle.sin() * best[:, i] + angle.cos() * best[:, j]
    return path.flatten(1)


def _profile_error(decoders: Float[Tensor, "n d kappa"], covariance: Float[Tensor, "d d"], gamma: float) -> float:
    """Largest |min over encoder and log σ² of 2J + κ, less the profile loss|, at a few decoders."""
    return max(
        abs(least_over_encoder(w, covariance, gamma) - float(profile_loss(w, covariance, gamma))) for w in decoders
    )


def least_over_encoder(decoder: Decoder, covariance: Float[Tensor, "d d"], gamma: float) -> float:
    """The least 2J + κ over encoder and log σ², at a given decoder."""
    d, kappa = decoder.shape
    moments = Moments(covariance, covariance, float(covariance.trace()))
    log_gamma = torch.tensor([gamma], dtype=torch.float64).log()

    def loss(flat: Float[Tensor, "starts n"]) -> Float[Tensor, " starts"]:
        encoder, log_var = flat.split([d * kappa, kappa], -1)
        return 2 * expected_loss(moments, decoder[None], encoder.view(-1, d, kappa), log_var, log_gamma, 1.0) + kappa

    return float(descend(loss, torch.zeros(1, (d + 1) * kappa, dtype=torch.float64)).values)
