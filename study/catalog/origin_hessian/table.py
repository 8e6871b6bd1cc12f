"""The curvature of the exact loss at the origin, where nothing is encoded, beside its global minimum.

Each seed draws a linear problem: inputs and targets of several dimensions, noise-free or not, of full rank or not, more
latents than modes or fewer, any β and any prior. The ratio of βγ to ζ₁² lies between ½ and 2. With two layers in the
decoder, the curvature at the origin no longer decides; one problem shows it.
"""

from models.specs.probes import OriginHessian, Variant
from study.declare.probe import Probe
from study.declare.table import study

DEEP: Variant = "two layers"
VARIANTS: list[Variant] = ["fixed Σ", "learned Σ", "learned γ", DEEP]


@study(variant=VARIANTS, seed=range(60))
def origin_hessian(variant: Variant, seed: int) -> Probe | None:
    """Has a linear VAE collapsed if and only if the origin is a minimum?"""
    if variant == DEEP and seed:
        return None
    return Probe(what=OriginHessian(variant=variant), seed=seed)


@origin_hessian.paper(variant=VARIANTS, seed=range(1000))
def origin_hessian_paper(variant: Variant, seed: int) -> Probe | None:
    """The same question for a thousand problems of each kind."""
    return origin_hessian.table("laptop").function(variant, seed)
