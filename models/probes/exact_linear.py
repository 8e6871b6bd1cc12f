"""The exact expected loss of the linear latent-variable model, in float64, and its minimum by L-BFGS with restarts.

    z = Wᵀx + ε,  ε ~ N(0, diag σ²),   p(y|z) = N(Uz, γI),   prior N(0, η² I),   η = eta_enc
    J = R/(2γ) + (d2/2) log γ + βK
    R = T − 2 tr(Uᵀ E[yxᵀ] W) + tr(UᵀU (WᵀAW + diag σ²)),   K = ½ Σ_j [((WᵀAW)_jj + σ_j²)/η² − 1 − log(σ_j²/η²)]

Second moments are all that it takes of the data: A = E xxᵀ, E yxᵀ and T = E‖y‖². No noise is drawn, so that a minimum is
known to rounding error: an oracle for closed forms and for what training by samples ends with. The minimisation uses no
theory, only gradients.

Source: Wang & Ziyin (2022), eq. 5, for L_WZ = J − (d2/2) log γ.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize
from torch import Tensor

from models.loss.objective import misfit, objective

AGREEMENT = 1e-9
"""Two restarts that end this close (relative, and absolute in nats) have found the same value."""


@dataclass(frozen=True, eq=False)
class Moments:
    """A = E xxᵀ (d0, d0), which may be rank-deficient, E yxᵀ (d2, d0) and T = E‖y‖², in float64."""

    a: Float[Tensor, "d0 d0"]
    cross: Float[Tensor, "d2 d0"]
    total: float

    @property
    def d2(self) -> int:
        """Dimensions of the targets."""
        return len(self.cross)


def moments_of(x: Float[Tensor, "n d0"], y: Float[Tensor, "n d2"] | None = None) -> Moments:
    """The second moments of examples and their targets, y = x by default; they are not centred here."""
    x = x.double()
    y = x if y is None else y.double()
    return Moments(x.T @ x / len(x), y.T @ x / len(x), float(y.square().sum() / len(x)))


def expected_loss(
    moments: Moments,
    decoder: Float[Tensor, "*b d2 kappa"],
    encoder: Float[Tensor, "*b d0 kappa"],
    log_var: Float[Tensor, "*b kappa"],
    log_gamma: Float[Tensor, "*b"],
    beta: float,
    eta_enc: float = 1.0,
) -> Float[Tensor, "*b"]:
    """J in nats of each stacked U (decoder), W (encoder), log σ² and log γ; differentiable in all four."""
    variance = log_var.exp()
    codes = encoder.mT @ (moments.a @ encoder)
    second = codes + torch.diag_embed(variance)
    distortion = moments.total + (decoder * (decoder @ second - 2 * moments.cross @ encoder)).sum((-2, -1))
    scale = eta_enc**2
    rate = 0.5 * (second.diagonal(dim1=-2, dim2=-1) / scale - 1 - log_var + math.log(scale)).sum(-1)
    return objective(misfit(distortion, log_gamma.exp(), moments.d2), rate, beta)


@dataclass(frozen=True, eq=False)
class Minimum:
    """The lowest J found, where it lies, and what speaks for it.

    `values` holds every restart's J and `gradient` the largest component of J's gradient at the best.
    """

    objective: float
    decoder: Float[Tensor, "d2 kappa"]
    encoder: Float[Tensor, "d0 kappa"]
    variance: Float[Tensor, " kappa"]
    gamma: float
    values: tuple[float, ...]
    gradient: float

    @property
    def confirmed(self) -> bool:
        """Whether at least two restarts ended at the lowest value."""
        return sum(_agree(value, self.objective) for value in self.values) >= 2


def minimise(
    moments: Moments,
    kappa: int,
    beta: float,
    gamma: float | None = None,
    variance: Float[Tensor, " kappa"] | None = None,
    eta_enc: float = 1.0,
    *,
    floor: float = 0.0,
    restarts: int = 8,
    steps: int = 3000,
    seed: int = 0,
) -> Minimum:
    """The minimum of J by L-BFGS from random weights, started again until two restarts agree on the lowest value.

    gamma: the decoder variance, None to learn it (then `floor` is its least value: without noise J has no lower bound).
    variance: the posterior variances σ², None to learn them.
    Raises: ValueError for a kappa below 1 or numbers that are not positive.
    """
    for name, value in (("kappa", kappa), ("beta", beta), ("gamma", 1.0 if gamma is None else gamma)):
        if not value > 0:
            raise ValueError(f"{name} = {value}: it must be positive")
    layout, generator = _Layout(moments, kappa, gamma, variance, eta_enc), np.random.default_rng(seed)
    settings = {"maxcor": 100, "maxiter": steps, "maxfun": 2 * steps, "ftol": 0.0, "gtol": 1e-10}
    loss, ends = _with_slopes(layout, beta), []
    for _ in range(restarts):
        start, bounds = layout.start(generator), layout.bounds(floor)
        ends.append(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=settings))
        lowest = min(end.fun for end in ends)
        if sum(_agree(end.fun, lowest) for end in ends) >= 2:
            break
    best = min(ends, key=lambda end: end.fun)
    decoder, encoder, log_var, log_gamma = layout.unpacked(torch.from_numpy(best.x))
    return Minimum(
        objective=float(best.fun),
        decoder=decoder,
        encoder=encoder,
        variance=log_var.exp(),
        gamma=float(log_gamma.exp()),
        values=tuple(float(end.fun) for end in ends),
        gradient=float(np.abs(best.jac).max()),
    )


Vector = Float[np.ndarray, " n"]
Parameters = tuple[Float[Tensor, "d2 kappa"], Float[Tensor, "d0 kappa"], Float[Tensor, " kappa"], Float[Tensor, ""]]
"""U, W, log σ² and log γ."""


def _with_slopes(layout: "_Layout", beta: float) -> Callable[[Vector], tuple[float, Vector]]:
    """J and its gradient at one vector, as SciPy asks for them."""

    def loss(vector: Vector) -> tuple[float, Vector]:
        leaf = torch.from_numpy(vector).requires_grad_()
        value = expected_loss(layout.moments, *layout.unpacked(leaf), beta, layout.eta_enc)
        (slope,) = torch.autograd.grad(value, leaf)
        return value.item(), slope.numpy()

    return loss


@dataclass(frozen=True, eq=False)
class _Layout:
    """How U, W and, where they are free, log σ² and log γ lie in one vector."""

    moments: Moments
    kappa: int
    gamma: float | None
    variance: Float[Tensor, " kappa"] | None
    eta_enc: float

    @property
    def sizes(self) -> list[int]:
        d2, d0 = self.moments.cross.shape
        free_variance, free_gamma = self.variance is None, self.gamma is None
        return [d2 * self.kappa, d0 * self.kappa, self.kappa * free_variance, int(free_gamma)]

    def unpacked(self, vector: Float[Tensor, " n"]) -> Parameters:
        u, w, log_var, log_gamma = vector.split(self.sizes)
        if self.variance is not None:
            log_var = self.variance.double().log()
        if self.gamma is not None:
            log_gamma = torch.tensor([self.gamma], dtype=torch.float64).log()
        return u.view(-1, self.kappa), w.view(-1, self.kappa), log_var, log_gamma[0]

    def start(self, generator: np.random.Generator) -> Float[np.ndarray, " n"]:
        """Random weights; σ² at the prior's, γ at T/d2, where nothing is encoded."""
        u, w, s, g = self.sizes
        weights = generator.standard_normal(u + w) / math.sqrt(max(self.moments.cross.shape))
        level = math.log(self.moments.total / self.moments.d2)
        return np.concatenate([weights, np.full(s, 2 * math.log(self.eta_enc)), np.full(g, level)])

    def bounds(self, floor: float) -> list[tuple[float | None, None]]:
        *others, g = self.sizes
        return [(None, None)] * sum(others) + [(math.log(floor) if floor > 0 else None, None)] * g


def _agree(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=AGREEMENT, abs_tol=AGREEMENT)
