"""Lines through the decoders of an affine VAE: how the profile loss along them changes as γ falls.

A line through one mode and two latents has its planted decoder at t = 0, and shares the mode between both latents further
on. A line through a planted subspace of three modes and six latents follows a random direction, in which latent 1 empties at
t = 1. With both latents alike (b = 1) there is one γ/λ at which a second minimum appears, which a bisection finds.
"""

from models.specs.probes import PairSlice, PairSplit, PlantedSlice
from study.declare.probe import Probe
from study.declare.table import study

PAIR, SPLIT, PLANTED = LINES = "two latents", "two latents alike", "planted subspace"

GAMMAS = [1.0, 0.3, 0.1, 0.03, 0.01, 1e-3]

OF_A_PAIR, OF_EVERY_SEED = (1.0, 0.1, 0.01, 1e-3), (1.0, 0.1, 1e-3)
"""The γ of the first line, and those at which every planted subspace is looked at."""

CLOSELY = (0, 1, 5, 6, 7)
"""The seeds of planted subspaces that are looked at for every γ: their lines gain a minimum as they should."""


@study(line=LINES, gamma=GAMMAS, seed=range(30))
def landscape_slices(line: str, gamma: float, seed: int) -> Probe | None:
    """Does a smaller γ smooth the landscape along a line, or carve minima into it?"""
    return _probe(line, gamma, seed, CLOSELY)


@landscape_slices.paper(line=LINES, gamma=GAMMAS, seed=range(1000))
def landscape_slices_paper(line: str, gamma: float, seed: int) -> Probe | None:
    """The same over a thousand planted subspaces, each at every γ."""
    return _probe(line, gamma, seed, range(1000))


def _probe(line: str, gamma: float, seed: int, closely: range | tuple[int, ...]) -> Probe | None:
    """One row; None where a line does not depend on the seed, or on γ, or is not looked at."""
    if line == PLANTED:
        wanted = seed in closely or gamma in OF_EVERY_SEED
        return Probe(what=PlantedSlice(gamma=gamma), seed=seed) if wanted else None
    if seed:
        return None
    if line == SPLIT:
        return Probe(what=PairSplit()) if gamma == GAMMAS[0] else None
    return Probe(what=PairSlice(gamma=gamma)) if gamma in OF_A_PAIR else None
