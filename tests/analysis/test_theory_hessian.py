"""The curvature of the exact loss at the origin and at collapsed points: closed forms, and automatic differentiation."""

import math

import numpy as np
import pytest
import torch
from linear_problems import Problem, problems, random_sigma2
from torch.func import functional_call

from analysis.theory import fixed_sigma, hessian, learned_gamma, linear
from models.networks.build import build
from models.networks.methods import Methods
from models.probes.exact_linear import expected_loss
from models.specs import VAE, LinearSubspace

PROBLEMS = problems(60, seed=1)


def origin_curvature(p: Problem, gamma: float, sigma2: np.ndarray | None, learned: bool) -> float:
    """The least eigenvalue of J's Hessian at U = W = 0, over every free parameter."""
    d2, d0, k = p.modes.d2, len(p.a), p.kappa
    sizes = [d2 * k, d0 * k, 0 if sigma2 is not None else k, int(learned)]
    log_var = torch.from_numpy(np.log(np.full(k, p.eta_enc**2) if sigma2 is None else sigma2))
    log_gamma = torch.tensor(math.log(gamma), dtype=torch.float64)

    def loss(vector: torch.Tensor) -> torch.Tensor:
        u, w, s, g = vector.split(sizes)
        variances = log_var + s if sigma2 is None else log_var
        at = log_gamma + g.sum()
        return expected_loss(p.moments, u.view(d2, k), w.view(d0, k), variances, at, p.beta, p.eta_enc)

    # reverse twice: forward mode would have torch compile decompositions, with a warning
    curvature = torch.func.jacrev(torch.func.jacrev(loss))(torch.zeros(sum(sizes), dtype=torch.float64))
    return float(torch.linalg.eigvalsh(curvature)[0])


@pytest.mark.parametrize("variant", ["given", "learnable", "learned gamma"])
def test_the_origin_is_a_minimum_iff_it_is_the_global_one(variant):
    """Sixty problems: the whole Hessian, its blocks in closed form, and the global minimum agree."""
    collapsed = 0
    for i, p in enumerate(PROBLEMS):
        rng, modes = np.random.default_rng([10, i]), p.modes
        level = float(modes.zeta2[0] * np.exp(rng.uniform(-0.7, 0.7)))
        gamma, sigma2 = level / p.beta, None
        origin, narrowest = p.total / (2 * gamma), 1.0
        if variant == "given":
            sigma2 = random_sigma2(p, i)
            narrowest, narrow = float(sigma2.min()) / p.eta_enc**2, sigma2 / p.eta_enc**2
            gamma, level = gamma / narrowest, level / narrowest
            origin = p.total / (2 * gamma) + 0.5 * p.beta * (narrow - 1 - np.log(narrow)).sum()
            lowest = fixed_sigma.loss_wz(modes, sigma2, gamma, p.beta, p.eta_enc)
        elif variant == "learnable":
            lowest = linear.loss_wz(modes, gamma, p.beta, p.kappa)
        else:
            gamma = p.total / modes.d2
            p = Problem(p.a, p.cross, p.total, p.kappa, level / gamma, p.eta_enc)
            origin = 0.5 * modes.d2 * (1 + math.log(gamma))
            lowest = learned_gamma.objective(modes, p.beta, p.kappa)
        is_global = bool(lowest >= origin - 1e-12 * abs(origin))
        blocks = hessian.origin_blocks(modes.zeta2, gamma, p.beta, p.eta_enc, narrowest * p.eta_enc**2)
        assert (np.linalg.eigvalsh(blocks).min() >= 0) == is_global, i
        assert hessian.origin_is_minimum(modes.zeta2, level, narrowest) == is_global, i
        scale = max(1.0, p.total / gamma)
        assert (origin_curvature(p, gamma, sigma2, variant == "learned gamma") >= -1e-9 * scale) == is_global, i
        collapsed += is_global
    assert 15 <= collapsed <= 45


def test_the_equivalence_ends_at_depth_two():
    """u2·u1·z, A = 4, β = γ = 1: eigenvalues 0, 0, 4 at the origin, where the loss is 2; its minimum is 1.5."""
    step = 1e-3
    shifts = step * np.eye(3)
    second = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            corners = [a * shifts[i] + b * shifts[j] for a in (1, -1) for b in (1, -1)]
            plus, minus, minus_too, plus_too = hessian.depth_two_loss(corners, 4.0, 1.0, 1.0)
            second[i, j] = (plus - minus - minus_too + plus_too) / (4 * step**2)
    assert np.linalg.eigvalsh(second) == pytest.approx([0, 0, 4], abs=1e-4)
    assert hessian.depth_two_loss(np.zeros(3), 4.0, 1.0, 1.0) == 2.0
    grid = np.stack(np.meshgrid(np.linspace(0, 2, 41), [1.0], np.linspace(0, 1, 41)), -1)
    assert hessian.depth_two_loss(grid, 4.0, 1.0, 1.0).min() == pytest.approx(1.5, abs=1e-12)


def made_up_point(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes of a decoder that does not reach every direction, and moments of data and of fewer features than data."""
    d, m, h = (int(rng.integers(*ends)) for ends in ((3, 7), (4, 9), (2, 5)))
    rank = int(rng.integers(1, d))
    jacobian = rng.normal(size=(d, rank)) @ rng.normal(size=(rank, m)) * 10.0 ** rng.uniform(-3, 0)
    x, noise = rng.normal(size=(400, d)), rng.normal(size=(400, h))
    features = np.tanh(x @ rng.normal(size=(d, h)) + 0.3 * noise)
    return jacobian, x.T @ features / 400, features.T @ features / 400


@pytest.mark.parametrize("seed", range(20))
def test_the_collapsed_point_is_a_minimum_from_its_level_on_whatever_the_size_of_the_slopes(seed: int):
    jacobian, cross, features = made_up_point(np.random.default_rng([11, seed]))
    level = hessian.collapse_level(jacobian, cross, features)
    assert level == pytest.approx(hessian.collapse_level(1e-3 * jacobian, cross, features))
    for factor in (0.9, 1.1):
        found = np.linalg.eigvalsh(hessian.collapsed_hessian(jacobian, cross, features, factor * level / 2, beta=2.0))
        assert (found[0] < -1e-12 * found[-1]) == (factor < 1)


def test_a_linear_decoder_s_collapsed_point_is_the_origin():
    """With J = I and features that are the whitened inputs, the curvature is that of the blocks of Thm. 3."""
    zeta2 = np.array([4.0, 2.0, 0.5])
    found = hessian.collapsed_hessian(np.eye(3), np.diag(np.sqrt(zeta2)), np.eye(3), gamma=0.7, beta=1.3)
    blocks = hessian.origin_blocks(zeta2, gamma=0.7, beta=1.3)
    assert np.linalg.eigvalsh(found) == pytest.approx(np.sort(np.linalg.eigvalsh(blocks).ravel()))
    assert hessian.collapse_level(np.eye(3), np.diag(np.sqrt(zeta2)), np.eye(3)) == pytest.approx(4.0)


def test_no_other_weight_of_a_deep_network_has_a_part_in_the_collapsed_point_s_curvature():
    """The Hessian in every weight and bias of a network with two latents, by the exact mean over the noise's signs."""
    spec = VAE(kappa=2, encoder=(3,), decoder=(4, 4), mu_scale=0, log_var_scale=0, z_scale=0, decoder_gain=0.8)
    network = Methods(build(spec, LinearSubspace(d=3, eigenvalues=(1,)), seed=1)).double()
    held = {name: value.detach() for name, value in network.named_parameters()}
    sizes = {name: value.numel() for name, value in held.items()}
    rng = np.random.default_rng(0)
    half = torch.from_numpy(rng.normal(size=(20, 3)))
    x = torch.cat([half, -half])  # tanh without biases is odd: features have mean zero, as the data do
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)[:, None]

    def loss(vector: torch.Tensor) -> torch.Tensor:
        parts = dict(zip(held, vector.split([*sizes.values()]), strict=True))
        weights = {name: parts[name].view(value.shape) for name, value in held.items()}
        mu, log_var = functional_call(network, weights, ("encode", x))
        mean = functional_call(network, weights, ("decode", mu + (log_var / 2).exp() * signs))
        rate = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1).mean()
        return (x - mean).square().sum(-1).mean() / (2 * 0.3) + rate

    at = torch.cat([value.reshape(-1) for value in held.values()])
    whole = torch.linalg.eigvalsh(torch.func.jacrev(torch.func.jacrev(loss))(at))
    inner, outer = held["network.decoder.1.weight"], held["network.decoder.2.weight"]
    features = torch.tanh(x @ held["network.encoder.0.weight"].T)
    parts = ((outer @ inner).numpy(), (x.T @ features / 40).numpy(), (features.T @ features / 40).numpy())
    of_one = np.linalg.eigvalsh(hessian.collapsed_hessian(*parts, gamma=0.3))
    assert float(whole[0]) == pytest.approx(of_one[0], rel=1e-9)
    assert float(whole[1]) == pytest.approx(of_one[0], rel=1e-9)  # a copy for each latent
    assert int((whole < -1e-9).sum()) == 2 * int((of_one < -1e-9).sum())
