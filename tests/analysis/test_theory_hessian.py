"""The curvature of the exact loss at the origin, against the blocks in closed form and against the global minimum."""

import math

import numpy as np
import pytest
import torch
from linear_problems import Problem, problems, random_sigma2

from analysis.theory import fixed_sigma, hessian, learned_gamma, linear
from models.probes.exact_linear import expected_loss

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
