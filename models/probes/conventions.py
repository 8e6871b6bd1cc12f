"""The objectives of the literature, each from its own definition, of one random network at one γ and β.

Source: Dai, Wenliang & Wipf (2021), eq. 3; Wang & Ziyin (2022), eq. 5; Rybkin, Daniilidis & Levine (2021), section 3.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from models.loss.objective import latent_rates, misfit, objective, squared_error
from models.networks.build import build
from models.networks.methods import Methods
from models.probes.finding import Finding, computes
from models.specs import VAE, PlantedManifold
from models.specs.groundwork import Conventions


@computes(Conventions)
def numbers(what: Conventions, seed: int) -> Finding:
    """Every objective of the same forward pass."""
    rng = np.random.default_rng([33, seed])
    gamma, beta = (float(value) for value in np.exp(rng.uniform(np.log(0.01), np.log(10), 2)))
    network = Methods(
        build(_NETWORK.model_copy(update={"kappa": what.kappa}), PlantedManifold(d=what.d), seed)
    ).double()
    x = torch.from_numpy(rng.standard_normal((what.examples, what.d)))
    mu, log_var = network("encode", x)
    z = mu + (0.5 * log_var).exp() * torch.from_numpy(rng.standard_normal(mu.shape))
    mean = network("decode", z)
    error = squared_error(x, mean)
    squares, nats = error.mean(), latent_rates(mu, log_var).sum(-1).mean()

    def j(gamma: float, beta: float) -> Float[Tensor, ""]:
        return objective(misfit(squares, torch.tensor(gamma, dtype=torch.float64), what.d), nats, beta)

    best: Any = minimize_scalar(lambda log_gamma: j(np.exp(log_gamma), beta).item(), method="brent", tol=1e-12)
    divergence = kl_divergence(Normal(mu, (0.5 * log_var).exp()), Normal(torch.zeros_like(mu), 1.0)).sum(-1)
    eq3 = error / gamma + what.d * np.log(gamma) + (mu.square() + log_var.exp() - log_var).sum(-1)
    found = {
        "squares": squares,
        "nats": nats,
        "j": j(gamma, beta),
        "j_unit": j(beta * gamma, 1.0),
        "j_plain": j(gamma, 1.0),
        "j_half": j(0.5, beta),
        "eq3": eq3.mean(),
        "bound": (divergence - Normal(mean, gamma**0.5).log_prob(x).sum(-1)).mean(),
        "wz": (error / (2 * gamma) + beta * divergence).mean(),
        "summed": (error + beta * divergence).mean(),
        "turned": _turned(network, j(gamma, beta), beta * j(beta * gamma, 1.0)),
    }
    plain = {"at_gamma": gamma, "at_beta": beta, "best_gamma": float(np.exp(best.x)), "j_best": float(best.fun)}
    return Finding(plain | {name: value.item() for name, value in found.items()})


_NETWORK = VAE(kappa=1, encoder=(32,), decoder=(32,))


def _turned(network: Any, one: Float[Tensor, ""], other: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """How far the gradients of two losses over all weights lie apart, in units of the first."""
    weights = list(network.parameters())
    slopes = [
        torch.cat([slope.flatten() for slope in torch.autograd.grad(loss, weights, retain_graph=True)])
        for loss in (one, other)
    ]
    return (slopes[0] - slopes[1]).norm() / slopes[0].norm()
