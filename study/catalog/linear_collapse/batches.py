"""linear_collapse: what the noise of minibatches does, from 32 examples a step to all of them.

Minibatches add noise to the gradient; the draw of z adds some at every size. If minibatches caused collapse, or kept modes
that the loss wants to lose, thresholds would move with their size.

Source: Wang & Ziyin (2022), discussion.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, below, near
from analysis.claims.estimate import fitted, mean_count_of
from analysis.claims.linear_optimum import Cell
from analysis.claims.thresholds import TOLERANCE, threshold_pairs
from analysis.theory import linear

Array = np.ndarray

IN_USE = 0.01
"""A mode with more active units is kept. Source: Burda, Grosse & Salakhutdinov (2016)."""

CLEAR = 0.1
"""How far β must lie from every threshold for a mode to be told, relative: closer to it training is slow."""

SOURCE = "Wang & Ziyin (2022), discussion"


def of_batches(cells: Mapping[str, Cell]) -> list[Claim]:
    """That thresholds do not depend on the batch size, and that no size keeps a mode that the loss loses."""
    if not cells:
        return []
    lacks = next((cell.lacks for cell in cells.values() if cell.lacks), "")
    trials = sum(len(cell.settled) for cell in cells.values())
    places = [
        Comparison(f"β* of mode {pair.fitted.mode + 1}, {name}", fitted(pair.fitted), near(pair.expected, TOLERANCE))
        for name, cell in cells.items()
        if len(cell.settled)
        for pair in threshold_pairs(cell.by_mode, linear.thresholds(cell.modes.zeta2, cell.gamma, cell.kappa))
    ]
    extra = [
        Comparison(f"most modes kept that theory has lost, {name}", mean_count_of(_extra(cell)), below(1.0))
        for name, cell in cells.items()
    ]
    data = next(iter(cells.values())).data.split(", learned")[0]
    return [
        Claim(
            f"{data}, minibatches of 32 and whole batches",
            "modes collapse at β = ζᵢ²/γ whatever the size of the minibatches",
            SOURCE,
            comparisons=places,
            lacks=lacks,
            trials=trials,
            statements=["W31"],
        ),
        Claim(
            f"{data}, minibatches of 32 and whole batches",
            "the noise of minibatches keeps no mode that the loss has lost",
            SOURCE,
            comparisons=extra,
            lacks=lacks,
            trials=trials,
            statements=["W31"],
        ),
    ]


def _extra(cell: Cell) -> Float[Array, " seeds"]:
    """By seed, the most modes kept beyond those of theory, over the β that lie clear of every threshold.

    Modes are told by the decoder's singular values: a mode that rests on two latents, turned by the noise, is one.
    """
    if not len(cell.settled):
        return np.array([])
    found, every = cell.by_mode, linear.thresholds(cell.modes.zeta2, cell.gamma, cell.kappa)
    truth = every[every > 0]  # a surplus latent has none
    is_clear = (np.abs(found.betas[:, None] / truth - 1) > CLEAR).all(1)
    used = np.where(np.isfinite(found.active_units), found.active_units > IN_USE, np.nan).sum(0)[is_clear]
    kept = linear.active_modes(cell.modes.zeta2, found.betas * cell.gamma, cell.kappa)[is_clear]
    return np.ma.masked_invalid(used - kept[:, None]).max(axis=0).filled(np.nan)
