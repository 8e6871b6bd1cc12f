"""Rotating the latents of a linear VAE at its minimum: which rotations leave the loss unchanged?

Random orthogonal matrices, or signed permutations, act on the latents of encoder and decoder. The posterior variances Σ stay
as they are at the minimum, or are optimal for every rotation, or are fixed at the prior's for every latent. Modes of unequal
variance have unequal σ; if the modes are equal or Σ is fixed, Σ is proportional to the identity.
"""

from typing import Literal

from models.specs.probes import Rotations
from study.declare.probe import Probe
from study.declare.table import study

Turn = Literal["orthogonal", "signed permutation"]
Sigma = Literal["kept", "best", "given"]

ORTHOGONAL: Turn = "orthogonal"
SIGNED: Turn = "signed permutation"
TURNS = [ORTHOGONAL, SIGNED]

KEPT: Sigma = "kept"
BEST: Sigma = "best"
GIVEN: Sigma = "given"
SIGMAS = [KEPT, BEST, GIVEN]

SPECTRA = {"unequal": (4.0, 2.0, 1.0), "equal": (2.0, 2.0, 2.0)}


@study(modes=list(SPECTRA), turn=TURNS, sigma=SIGMAS, seed=range(1))
def rotations(modes: str, turn: Turn, sigma: Sigma, seed: int) -> Probe:
    """Can the latents of a linear VAE be rotated at will, or only permuted?"""
    return Probe(what=Rotations(eigenvalues=SPECTRA[modes], gamma=0.3, kappa=3, turn=turn, sigma=sigma), seed=seed)


@rotations.paper(modes=list(SPECTRA), turn=TURNS, sigma=SIGMAS, kappa=[3, 6, 10], seed=range(20))
def rotations_paper(
    modes: str,
    turn: Turn,
    sigma: Sigma,
    kappa: int,
    seed: int,
) -> Probe:
    """The same with as many modes as latents, up to ten, and a thousand rotations for each row."""
    spectrum = tuple(2.0 if modes == "equal" else 4.0 * 0.8**i for i in range(kappa))
    what = Rotations(eigenvalues=spectrum, gamma=0.3, kappa=kappa, turn=turn, sigma=sigma, count=1000)
    return Probe(what=what, seed=seed)
