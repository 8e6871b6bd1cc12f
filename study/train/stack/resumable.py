"""What lets a training go on from where it stood: parts that say where they stand, and go there."""

from typing import Protocol, runtime_checkable

from jaxtyping import Shaped
from torch import Tensor

State = dict[str, Shaped[Tensor, "..."]]
"""Where a part of a training stands: tensors of its own by name."""


@runtime_checkable
class Resumable(Protocol):
    """A part of a training that has a state of its own."""

    def state(self) -> State:
        """Where the part stands. What is changed in place is not copied."""
        ...

    def go_to(self, state: State) -> None:
        """Go on from the `state` of a part of the same trials."""
        ...
