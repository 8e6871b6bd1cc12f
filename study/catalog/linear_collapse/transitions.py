"""linear_collapse: how the rate, which is dJ/dβ, falls to zero at each collapse.

A mode above the level βγ costs ½ log(βᵢ*/β) nats, so K is a sum of hinges in log β, each of slope ½. All are fitted together
to the whole rate, seed by seed. Ranks of latents would not do: until training has turned a latent onto its mode it costs some
of the nats of others, and only the sum is that of the modes.

Source: Wang & Ziyin (2022), section 4.3; the slopes are derived from their eqs. 11-13.
"""

import numpy as np
from jaxtyping import Float

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, near
from analysis.claims.estimate import mean_of
from analysis.claims.linear_optimum import Cell
from analysis.theory import linear

Array = np.ndarray

SLOPE = 0.1
"""Relative tolerance on the slope of a mode's rate against log β, which is ½ in theory."""


def second_order(cell: Cell) -> Claim:
    """dJ/dβ is the rate. It falls to zero as ½ log(βᵢ*/β): continuous at βᵢ*, with a jump of 1/(2βᵢ*) in its slope."""
    found: list[Comparison] = []
    if len(cell.settled):
        betas = cell.sweep.betas
        truth = linear.thresholds(cell.modes.zeta2, cell.gamma, cell.kappa)
        truth = truth[truth > betas[0]]
        found = [
            Comparison(f"slope a of mode {mode}, K = Σ a (log βᵢ* − log β)₊", mean_of(slopes), near(0.5, SLOPE))
            for mode, (at, slopes) in enumerate(zip(truth, hinge_slopes(betas, cell.rates, truth), strict=True), 1)
            if at < betas[-1]
        ]
    return Claim(
        cell.data,
        "each collapse is a second-order transition: J′ is continuous at βᵢ*, and J″ jumps by 1/(2βᵢ*)",
        "Wang & Ziyin (2022), section 4.3; derived",
        comparisons=found,
        lacks=cell.lacks,
        trials=len(cell.settled),
        statements=["W12"],
    )


def hinge_slopes(
    betas: Float[Array, " betas"], rates: Float[Array, "betas seeds"], thresholds: Float[Array, " modes"]
) -> Float[Array, "modes seeds"]:
    """The a of Σ a (log βᵢ* − log β)₊ by least squares; NaN for a seed with fewer rates than modes."""
    hinges = np.maximum(np.log(thresholds / betas[:, None]), 0.0)
    slopes = np.full((len(thresholds), rates.shape[1]), np.nan)
    for seed, known in enumerate(np.isfinite(rates).T):
        if known.sum() >= len(thresholds):
            slopes[:, seed] = np.linalg.lstsq(hinges[known], rates[known, seed], rcond=None)[0]
    return slopes
