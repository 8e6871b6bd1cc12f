"""The trained numbers of a stack in one buffer, parameter by parameter.

The numbers that all trials have of one parameter lie together, (pack, ...), trial after trial; log γ is the last. So each
layer of the stack is one contiguous tensor, and so is the part of it that belongs to some of the trials: a batched product
reads it and writes its gradient without a copy.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Columns = list[Float[Tensor, "rows _"]]
"""The numbers of some trials, a matrix for each parameter."""


def of_rows(tensor: Tensor, rows: slice) -> Tensor:
    """The part of some trials of a pack; the tensor itself where they are all of it: to cut it would take time."""
    return tensor if rows.start == 0 and rows.stop == tensor.shape[0] else tensor[rows]


_PADDING = 64
"""The buffer's length is a multiple of this: a kernel then treats all numbers alike, and none as the rest of a vector."""


class TrainedNumbers:
    """One number for each trained number of each trial: `flat` is the buffer, `parts` its views, (pack, ...) each."""

    def __init__(self, pack: int, shapes: Sequence[torch.Size], like: Float[Tensor, "..."]) -> None:
        """All zero; `shapes` are those of one trial's parameters, `like` has the dtype and the device."""
        self.pack, self._shapes = pack, list(shapes)
        sizes = [pack * shape.numel() for shape in shapes]
        self.flat: Float[Tensor, " all"] = like.new_zeros(-(-sum(sizes) // _PADDING) * _PADDING)
        pieces = zip(self.flat[: sum(sizes)].split(sizes), shapes, strict=True)
        self.parts: list[Float[Tensor, "pack ..."]] = [piece.view(pack, *shape) for piece, shape in pieces]
        self._columns = [part.view(pack, -1) for part in self.parts]

    def alike(self, pack: int | None = None) -> "TrainedNumbers":
        """Zeros for the same parameters, of as many trials or of `pack`."""
        return TrainedNumbers(self.pack if pack is None else pack, self._shapes, self.flat)

    def columns(self, rows: slice | None = None) -> Columns:
        """The numbers of all trials or of some, (rows, ·) for each parameter: views."""
        return self._columns if rows is None else [column[rows] for column in self._columns]

    def by_trial(self) -> Float[Tensor, "pack numbers"]:
        """A row for each trial, parameter after parameter: a copy."""
        return torch.cat(self.columns(), dim=1)

    def norms(self) -> Float[Tensor, " pack"]:
        """The norm of each trial's numbers."""
        of_parameters = [torch.linalg.vector_norm(column, dim=1) for column in self._columns]
        return torch.linalg.vector_norm(torch.stack(of_parameters), dim=0)

    def fill(self, parts: Sequence[Float[Tensor, "pack ..."]]) -> None:
        """Take over such parts."""
        torch.cat([part.reshape(-1) for part in parts], out=self.flat[: sum(part.numel() for part in parts)])

    def take_rows(self, rows: Float[Tensor, "pack numbers"]) -> None:
        """Take over such rows."""
        columns = self.columns()
        for column, values in zip(columns, rows.split([column.shape[1] for column in columns], dim=1), strict=True):
            column.copy_(values)
