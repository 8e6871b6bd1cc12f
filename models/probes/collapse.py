"""The gradient of J at a collapsed latent: all weights to and from it zero, its posterior the prior.

Source: "On the regularization balance in autoencoder-based generative models", Thm. 2, which leaves two hypotheses out:
that both heads' biases of the latent are zero, and that the gradient is an expectation over the noise.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, grad, vmap

from models.data.load import load
from models.networks.build import build
from models.networks.methods import Methods
from models.probes.finding import Finding, computes
from models.specs import VAE, PlantedManifold
from models.specs.probes import CollapsePoint

LATENT = 0

SIZES = (20, 40, 80, 160, 320, 640)
"""Numbers of draws that a gradient is averaged over, to see how its noise falls."""

AT_ONCE = 64
"""Draws whose gradients are computed together."""

Slopes = Float[Tensor, "draws weights"]
"""One gradient for each draw of the noise."""

HEADS = {"mean bias": ("mu", 0.5), "variance bias": ("log_var", -1.0)}


@computes(CollapsePoint)
def gradients(what: CollapsePoint, seed: int) -> Finding:
    """Norms of the gradients of the latent's weights, and how the noise of plain draws falls with their number."""
    data = PlantedManifold(d=what.d, n=what.examples, n_test=2)
    hidden = (what.width, what.width)
    network = Methods(build(VAE(kappa=what.kappa, encoder=hidden, decoder=hidden), data, seed)).double()
    x = torch.from_numpy(load(data).train).double()
    _collapse(network, what)
    generator = torch.Generator().manual_seed(seed)
    shape = (what.draws, len(x), what.kappa)
    plain = torch.randn(shape, dtype=torch.float64, generator=generator)
    single = _slopes(network, x, plain, what.gamma)
    mirror = torch.ones(what.kappa, dtype=torch.float64)
    mirror[LATENT] = -1.0  # the pair differs in this latent's noise alone, so that the others' cancels nothing
    paired = _slopes(network, x, plain[: what.draws // 8] * mirror, what.gamma)
    means = [((a[: len(b)] + b) / 2).mean(0) for a, b in zip(single, paired, strict=True)]
    decoder, mean, variance = (float(part.norm()) for part in means)
    noise = [_noise(single[0], size) for size in SIZES]
    exponent = np.polyfit(np.log(SIZES), np.log(noise), 1)[0]
    return Finding(
        {
            "decoder_slope": decoder,
            "mean_slope": mean,
            "variance_slope": variance,
            "noise_20": noise[SIZES.index(20)],
            "noise_320": noise[SIZES.index(320)],
            "noise_exponent": float(exponent),
        },
        {"draws": np.array(SIZES, float), "noise": np.array(noise)},
    )


@torch.no_grad()
def _collapse(network: Methods, what: CollapsePoint) -> None:
    """Zero the weights to and from the latent, and give its head the bias of the hypothesis."""
    parameters = dict(network.named_parameters())
    parameters["network.decoder.0.weight"][:, LATENT] = 0
    for head in ("mu", "log_var"):
        parameters[f"network.{head}.weight"][LATENT] = 0
    if what.hypothesis in HEADS:
        head, bias = HEADS[what.hypothesis]
        parameters[f"network.{head}.bias"][LATENT] = bias


def _slopes(
    network: Methods, x: Float[Tensor, "n d"], noise: Float[Tensor, "draws n kappa"], gamma: float
) -> tuple[Slopes, Slopes, Slopes]:
    """∂J/∂ of the latent's decoder column, mean weights and log variance weights for every draw of the noise."""
    held = {name: value.detach() for name, value in network.named_parameters()}
    names = ("network.decoder.0.weight", "network.mu.weight", "network.log_var.weight")

    def objective(weights: dict[str, Float[Tensor, "..."]], epsilon: Float[Tensor, "n kappa"]) -> Float[Tensor, ""]:
        parameters = held | weights
        mu, log_var = functional_call(network, parameters, ("encode", x))
        mean = functional_call(network, parameters, ("decode", mu + (log_var / 2).exp() * epsilon))
        distortion = (x - mean).square().sum(1).mean()
        rate = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1).mean()
        return distortion / (2 * gamma) + rate

    found = vmap(grad(objective), in_dims=(None, 0), chunk_size=AT_ONCE)({name: held[name] for name in names}, noise)
    column, *rows = (found[name] for name in names)
    return column[:, :, LATENT], rows[0][:, LATENT], rows[1][:, LATENT]


def _noise(slopes: Slopes, size: int) -> float:
    """Root mean square, over groups of `size` draws, of the norm of their mean."""
    groups = slopes[: len(slopes) // size * size].view(-1, size, slopes.shape[1]).mean(1)
    return float(groups.square().sum(1).mean().sqrt())
