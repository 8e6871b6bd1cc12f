"""Linear problems at their minimum: its value by L-BFGS, and the importance weights there.

Source: Wang & Ziyin (2022), Props. 2 and 3, Thms. 1 and 2; Tipping & Bishop (1999), section 3.2, for the optimum at β = 1.
"""

import numpy as np
import torch
from torch.distributions import MultivariateNormal

from models.metrics.iwae import log_weights, nll
from models.probes.exact_linear import Moments, minimise
from models.probes.finding import Finding, computes
from models.probes.problems import FLOOR, problem
from models.specs.groundwork import LearnedGammaMinimum, LinearLikelihood, LinearMinimum


@computes(LinearMinimum)
def minimum(what: LinearMinimum, seed: int) -> Finding:
    """The lowest loss of the seed's problem at a random level around its modes; its ζ² and the given variances beside it."""
    p, rng = problem(seed), np.random.default_rng([34, seed])
    gamma = p.zeta2 * float(np.exp(rng.uniform(-3.0, 0.3))) / p.beta
    scale = np.ones(p.kappa) if what.variant == "equal Σ" else np.exp(rng.uniform(-2.0, 1.0, p.kappa))
    given, learned = not what.variant.startswith("learned"), what.variant == "learned γ"
    if learned:
        gamma = FLOOR * p.moments.total / p.moments.d2
    sigma2 = p.eta_enc**2 * scale
    found = minimise(
        p.moments,
        p.kappa,
        p.beta,
        None if learned else gamma,
        torch.from_numpy(sigma2) if given else None,
        p.eta_enc,
        floor=gamma if learned else 0.0,
        seed=seed,
    )
    numbers = {
        "lowest": found.objective,
        "highest_end": max(found.values),
        "ends": len(found.values),
        "found_gamma": found.gamma,
        "at_gamma": gamma,
        "at_beta": p.beta,
        "latents": p.kappa,
        "outputs": p.moments.d2,
        "target_variance": p.moments.total,
        "prior_std": p.eta_enc,
    }
    return Finding(numbers, {"zeta2": p.spectrum, **({"sigma2": sigma2} if given else {})})


FLOOR_OF_GAMMA = 1e-2
"""Least γ over T/d of problems that are given."""


@computes(LearnedGammaMinimum)
def learned_gamma(what: LearnedGammaMinimum, seed: int) -> Finding:
    """Where L-BFGS ends, γ learned; F is random, from the seed."""
    rank = len(what.zeta2)
    left = np.linalg.qr(np.random.default_rng([37, seed]).standard_normal((what.d, rank)))[0]
    total = sum(what.zeta2) + what.d * what.rest
    moments = Moments(torch.eye(rank, dtype=torch.float64), torch.from_numpy(left * np.sqrt(what.zeta2)), total)
    floor = FLOOR_OF_GAMMA * total / what.d
    found = minimise(moments, what.kappa, what.beta, floor=floor, seed=seed)
    kept = int((found.variance < 0.999).sum())
    numbers = {"kept_modes": kept, "least_gamma": found.gamma, "gamma_floor": floor, "least_j": found.objective}
    return Finding(numbers)


@computes(LinearLikelihood)
def likelihood(what: LinearLikelihood, seed: int) -> Finding:
    """Log weights of draws from the posterior at the optimum, and the density that they estimate.

    Decoder and encoder are the leading eigenvectors of a covariance whose other eigenvalues are γ.
    """
    rng = np.random.default_rng([35, seed])
    basis = torch.from_numpy(np.linalg.qr(rng.standard_normal((what.d, what.kappa)))[0])
    gamma = float(np.exp(rng.uniform(-3.0, 0.0)))
    modes = torch.from_numpy(gamma + np.exp(rng.uniform(-1.0, 2.0, what.kappa)))
    decoder = basis * (modes - gamma).sqrt()
    encoder = decoder / modes
    exact = MultivariateNormal(
        torch.zeros(what.d, dtype=torch.float64),
        decoder @ decoder.T + gamma * torch.eye(what.d, dtype=torch.float64),
    )
    generator = torch.Generator().manual_seed(seed)
    x = (
        torch.from_numpy(rng.standard_normal((what.examples, what.d)))
        @ torch.linalg.cholesky(exact.covariance_matrix).T
    )
    eps = torch.randn(what.draws, what.examples, what.kappa, dtype=torch.float64, generator=generator)
    log_var = (gamma / modes).log().expand_as(eps)
    z = x @ encoder + (0.5 * log_var).exp() * eps
    error = (x - z @ decoder.T).square().sum(-1)
    weights = log_weights(error, z, eps, log_var, torch.tensor(gamma, dtype=torch.float64)[None, None], what.d)
    away = (nll(weights) + exact.log_prob(x)).abs()
    return Finding({"spread": float(weights.std(0).max()), "misjudged": float(away.max())})
