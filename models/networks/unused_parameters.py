"""Parameters of a user's network that have no part in what the platform calls, as those of a loss or a flow of its own."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from models.networks.own import OwnNetwork


def unused_parameters(network: OwnNetwork, x: Float[Tensor, "n d_in"], z: Float[Tensor, "n kappa"]) -> Sequence[str]:
    """Names of the parameters that neither `encode` nor `decode` depends on: no training moves them."""
    trained = {name: each for name, each in network.network.named_parameters() if each.requires_grad}
    results = [each.sum() for each in (*network.encode(x), network.decode(z)) if each.requires_grad]
    if not results:
        return [*trained]
    gradients = torch.autograd.grad(torch.stack(results).sum(), [*trained.values()], allow_unused=True)
    return [name for name, gradient in zip(trained, gradients, strict=True) if gradient is None]
