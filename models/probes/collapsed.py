"""The curvature of J where a deep decoder ignores z, by automatic differentiation, and what its closed form is made of.

With one latent z = vᵀx + ε, and u the weights that take it in. All second derivatives at u = 0, v = 0 depend on the noise by
E ε = 0 and E ε² = 1 alone, so two draws, 1 and −1, give the expectation. Data of covariance diag(λ) are 2d points on the
axes. The source calls this point a local minimum of deep decoders.

Source: "On the regularization balance in autoencoder-based generative models", section 4.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, grad, jacrev

from models.networks.build import build
from models.networks.methods import Methods
from models.probes.finding import Finding, computes
from models.specs import VAE, LinearSubspace
from models.specs.probes import CollapsedCurvature

MEAN, AFFINE = "network.mu.weight", "network.affine.weight"

Weights = dict[str, Float[Tensor, "..."]]
"""Weights of the network by name."""


@computes(CollapsedCurvature)
def curvature(what: CollapsedCurvature, seed: int) -> Finding:
    """Extreme eigenvalues of the Hessian, and the gradient, of a network whose other weights follow from the seed."""
    network, x = _collapsed(what, seed), _examples(what)
    held = {name: value.detach() for name, value in network.named_parameters()}
    entries = _entries(what)
    u = torch.zeros(sum(held[name].shape[0] for name in entries), dtype=torch.float64)
    v = torch.zeros(x.shape[1], dtype=torch.float64)

    def objective(vector: Float[Tensor, " weights"]) -> Float[Tensor, ""]:
        return _objective(network, _placed(held, entries, *vector.split([len(u), len(v)])), x, what.gamma)

    def decoded(u: Float[Tensor, " m"]) -> Float[Tensor, " d"]:
        return functional_call(network, _placed(held, entries, u, v), ("decode", x.new_ones(1)))

    # Reverse twice: in forward mode torch compiles decompositions, with a warning.
    eigenvalues = torch.linalg.eigvalsh(jacrev(jacrev(objective))(torch.cat([u, v])))
    slopes = grad(lambda weights: _objective(network, weights, x, what.gamma))(held)
    moments = (x.mT @ x / len(x)).numpy()  # the encoder is linear: its features are x itself
    return Finding(
        {
            "least_eigenvalue": float(eigenvalues[0]),
            "largest_eigenvalue": float(eigenvalues[-1]),
            "slope": max(float(slope.abs().max()) for slope in slopes.values()),
        },
        {"jacobian": jacrev(decoded)(u).numpy(), "cross": moments, "features": moments},
    )


def _collapsed(what: CollapsedCurvature, seed: int) -> Methods:
    model = VAE(
        kappa=1,
        encoder=(),
        decoder=(what.width,) * what.depth,
        skip=what.skip,
        mu_scale=0,
        log_var_scale=0,
        z_scale=0,
        decoder_gain=what.gain,
    )
    return Methods(build(model, LinearSubspace(d=len(what.eigenvalues), eigenvalues=(1,)), seed)).double()


def _examples(what: CollapsedCurvature) -> Float[Tensor, "n d"]:
    """Two points on each axis, whose mean is 0 and whose covariance is diag(eigenvalues)."""
    variances = torch.tensor(what.eigenvalues, dtype=torch.float64)
    points = (len(variances) * variances).sqrt().diag()
    return torch.cat([points, -points])


def _entries(what: CollapsedCurvature) -> list[str]:
    """Names of the matrices whose last column multiplies z."""
    layers = [f"network.decoder.{place}.weight" for place in range(what.depth + 1)]
    match what.skip:
        case "concat":
            return layers
        case "affine":
            return [layers[0], AFFINE]
        case _:
            return layers[:1]


def _placed(held: Weights, entries: list[str], u: Float[Tensor, " m"], v: Float[Tensor, " d"]) -> Weights:
    """All weights, with u in the columns that multiply z, and v in the row of the mean."""
    columns = u.split([held[name].shape[0] for name in entries])
    taken = {
        name: torch.cat([held[name][:, :-1], column[:, None]], 1) for name, column in zip(entries, columns, strict=True)
    }
    return held | taken | {MEAN: v[None]}


def _objective(network: Methods, weights: Weights, x: Float[Tensor, "n d"], gamma: float) -> Float[Tensor, ""]:
    """R/(2γ) + K in nats; the constant in γ is left out."""
    mu, log_var = functional_call(network, weights, ("encode", x))
    noise = x.new_tensor([1.0, -1.0])[:, None, None]
    mean = functional_call(network, weights, ("decode", mu + (log_var / 2).exp() * noise))
    distortion = (x - mean).square().sum(-1).mean()
    rate = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1).mean()
    return distortion / (2 * gamma) + rate
