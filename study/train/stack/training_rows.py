"""The training rows that minibatches are gathered from: on the device as numbers or as bytes, else on the disk.

Pictures larger than memory are bytes, a quarter of their float32. A GPU that has the room holds them; a CPU reads them
from the file that all its workers share.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.data.disk_rows import LEVEL, DiskRows, Rows

ROOM = 0.5
"""Share of a GPU's free memory that bytes may take: the rest is for the pack."""


class TrainingRows:
    """Rows (n, d), gathered by index tensors on `device`: the same numbers wherever they lie."""

    def __init__(self, rows: Rows, device: torch.device, dtype: torch.dtype) -> None:
        self._rows, self._device, self._dtype, self._held = rows, device, dtype, None
        if isinstance(rows, np.ndarray):
            self._held = torch.from_numpy(rows).to(device, dtype)
        elif _has_room(rows, device):
            self._held = torch.from_numpy(np.array(rows.stored)).to(device)
            self._centre = torch.from_numpy(rows.centre).to(device)

    def gather(self, index: Int[Tensor, "*index"]) -> Float[Tensor, "*index d"]:
        """The rows that an index tensor names."""
        flat = index.flatten()
        if self._held is None:
            found = self._read(flat)
        elif self._held.dtype == torch.uint8:
            found = self._held.index_select(0, flat).float().mul_(float(LEVEL)).sub_(self._centre).to(self._dtype)
        else:
            found = self._held.index_select(0, flat)
        return found.view(*index.shape, -1)

    def _read(self, flat: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Rows from the disk, each read once, though trials that share a seed all ask for it."""
        distinct, places = flat.unique(return_inverse=True)
        read = torch.from_numpy(self._rows[distinct.cpu().numpy()])
        return read.to(self._device, self._dtype).index_select(0, places)


def _has_room(rows: DiskRows, device: torch.device) -> bool:
    return device.type == "cuda" and rows.stored.size <= ROOM * torch.cuda.mem_get_info(device)[0]
