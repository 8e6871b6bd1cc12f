"""Whether a user's decoder can reach its targets: they are centred, and a sigmoid, say, is never negative."""

import torch
from jaxtyping import Float
from torch import Tensor

from models.networks.own import OwnNetwork

FAR = 30.0
"""So many standard deviations out, a decoder without a bound on what it returns goes beyond any target."""


@torch.no_grad()
def out_of_reach(network: OwnNetwork, z: Float[Tensor, "n kappa"], y: Float[Tensor, "n d"], name: str) -> list[str]:
    """A sentence where a decoder cannot reach the targets y, whatever its layers learn."""
    found = torch.cat([network.decode(at * z) for at in (1.0, FAR, -FAR)])
    low, high, far = float(found.min()), float(found.max()), float(y.abs().max())
    remedy = "subtract a learned mean from what it returns, or take its last activation out"
    if low >= 0 > float(y.min()):
        return [f"{name}.decode returns nothing below 0, and data are centred, so they lie there too: {remedy}"]
    if low >= -1 and high <= 1 < far:
        return [f"{name}.decode returns nothing beyond ±1, and these data reach ±{far:.2g}: {remedy}"]
    return []
