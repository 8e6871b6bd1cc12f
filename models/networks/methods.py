"""A network's methods as one module, for `torch.func`."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn


class Methods(nn.Module):
    """A network whose methods are reached through `forward`, as `torch.func.functional_call` needs it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, method: str, *inputs: Float[Tensor, "..."]) -> Any:
        """Call the named method."""
        return getattr(self.network, method)(*inputs)
