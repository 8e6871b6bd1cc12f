"""How the profile loss along lines through the decoders of an affine VAE changes as γ falls.

The first line belongs to one mode and two latents: the planted decoder lies at t = 0, and further on both latents share the
mode. The other line follows a random direction through a planted subspace of three modes and six latents; at t = 1 latent 1
is empty. If both latents of the first line are alike (b = 1), a second minimum appears at one γ/λ, which a bisection finds.
"""

from models.specs.probes import PairSlice, PairSplit, PlantedSlice
from study.declare.probe import Probe
from study.declare.table import study

PAIR, SPLIT, PLANTED = LINES = "two latents", "two latents alike", "planted subspace"

GAMMAS = [1.0, 0.3, 0.1, 0.03, 0.01, 1e-3]

OF_A_PAIR, OF_EVERY_SEED = (1.0, 0.1, 0.01, 1e-3), (1.0, 0.1, 1e-3)
"""The γ of the first line, and the γ at which every planted subspace is evaluated."""

CLOSELY = (0, 1, 5, 6, 7)
"""Seeds whose planted subspaces are evaluated at every γ: their lines gain a minimum as γ falls."""


@study(line=LINES, gamma=GAMMAS, seed=range(30))
def landscape_slices(line: str, gamma: float, seed: int) -> Probe | None:
    """Does a smaller γ smooth the landscape along a line, or carve minima into it?"""
    return _probe(line, gamma, seed, CLOSELY)


@landscape_slices.paper(line=LINES, gamma=GAMMAS, seed=range(1000))
def landscape_slices_paper(line: str, gamma: float, seed: int) -> Probe | None:
    """The same over a thousand planted subspaces, each at every γ."""
    return _probe(line, gamma, seed, range(1000))


def _probe(line: str, gamma: float, seed: int, closely: range | tuple[int, ...]) -> Probe | None:
    """One row; None where a line does not depend on the seed or on γ, or is not evaluated."""
    if line == PLANTED:
        wanted = seed in closely or gamma in OF_EVERY_SEED
        return Probe(what=PlantedSlice(gamma=gamma), seed=seed) if wanted else None
    if seed:
        return None
    if line == SPLIT:
        return Probe(what=PairSplit()) if gamma == GAMMAS[0] else None
    return Probe(what=PairSlice(gamma=gamma)) if gamma in OF_A_PAIR else None
