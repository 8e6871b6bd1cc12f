"""Random starts on the loss over affine decoders: which minima exist, how many, and what lies between them?

Minimising over encoder and posterior variances leaves a loss of the decoder's columns alone. The data have covariance
diag(4, 2), so each latent carries one of two modes or none. γ decides how many modes the VAE keeps, κ how many latents it
can choose from. At κ = 3, several γ also show how the saddles between minima rise as γ falls. A string of decoders finds
each saddle; a rotation of two latents is one way over it, and not the lowest.
"""

from models.specs.probes import AffineMinima
from study.declare.probe import Probe
from study.declare.table import study

GAMMAS = [1e-3, 1e-2, 0.1, 1.0, 2.5, 3.0, 5.0]

USUAL = 0.1
"""The γ at which the study tries every κ."""


@study(kappa=[1, 2, 3, 4], gamma=GAMMAS, seed=range(1))
def affine_minima(kappa: int, gamma: float, seed: int) -> Probe | None:
    """Is every minimum of an affine VAE global, how many are there, and how high are the saddles between them?"""
    if kappa != 3 and gamma != USUAL:
        return None
    return Probe(what=AffineMinima(eigenvalues=(4, 2), gamma=gamma, kappa=kappa), seed=seed)


@affine_minima.paper(modes=[2, 3], kappa=[1, 2, 3, 4, 5, 6], gamma=GAMMAS, seed=range(5))
def affine_minima_paper(modes: int, kappa: int, gamma: float, seed: int) -> Probe | None:
    """The same question for two and three modes and up to six latents, with 6000 starts and five seeds."""
    if kappa < modes and gamma != USUAL:
        return None
    what = AffineMinima(eigenvalues=(8, 4, 2)[-modes:], gamma=gamma, kappa=kappa, starts=6000)
    return Probe(what=what, seed=seed)
