"""The standard Inception network of FID and KID, for those who have its weights: nothing is downloaded here.

`COLLAPSAR_INCEPTION` names the published file, `weights-inception-2015-12-05-6726825d.pth` (or `pt_inception-…`, the same
bytes); without it the file may lie in the folder `inception` of `COLLAPSAR_DATA`. A file of another checksum is refused:
what isn't measured by this network must not be called FID. The network itself comes with torchmetrics' image metrics,
`pip install 'collapsar[inception]'`.

Images are rounded to 8 bits and scaled to 299×299 as the original TensorFlow graph does (not torchmetrics' antialiased
default), so that values agree with published ones. A CPU core takes some tenths of a second an image.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from models.data_folders import DataError, own_folder
from models.metrics.features import as_pictures

FILE = "weights-inception-2015-12-05-6726825d.pth"
SIZE = 2048

_SHA256_BEGINS = "6726825d"
_ROWS = 50

Network = Callable[[UInt8[Tensor, "n 3 height width"]], Float[Tensor, "n features"]]


def weights() -> Path | None:
    """The verified file of the published weights; None where the user has none. Raises: DataError for another file."""
    named = os.environ.get("COLLAPSAR_INCEPTION")
    if named:
        path = Path(os.path.expanduser(named))  # noqa: PTH111 (which never raises)
        if not path.is_file():
            raise DataError(f"{path} does not exist: put {FILE} there, or unset COLLAPSAR_INCEPTION to do without FID")
        return _verified(path)
    data = own_folder()
    path = data / "inception" / FILE if data else None
    return _verified(path) if path and path.is_file() else None


def _verified(path: Path) -> Path:
    try:
        found = pooch.file_hash(str(path), alg="sha256")
    except OSError as fault:
        raise DataError(f"{path} cannot be read ({fault.strerror}): fix its permissions") from fault
    if not found.startswith(_SHA256_BEGINS):
        raise DataError(
            f"{path} is not the published file (its sha256 should begin with {_SHA256_BEGINS}): replace it with {FILE}"
        )
    return path


def standard_network(path: Path) -> Network:
    """The network with these weights, on the GPU where there is one. Raises: DataError where its code is not installed."""
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance

        metric = FrechetInceptionDistance(feature=SIZE, antialias=False, feature_extractor_weights_path=str(path))
    except (ImportError, RuntimeError) as fault:  # a torchvision of another torch raises the latter
        raise DataError(
            f"FID needs the Inception network of torchmetrics, which does not load ({fault}): "
            "pip install 'collapsar[inception]', with a torchvision of this torch's build, or leave the weights away"
        ) from fault
    return metric.inception.to("cuda" if torch.cuda.is_available() else "cpu").eval()


class InceptionFeatures:
    """A network's features of image rows that a mean was taken off, as 8-bit colour pictures."""

    def __init__(self, network: Network, image: tuple[int, ...], mean: Float[np.ndarray, " d"]) -> None:
        self.network, self.image, self.mean = network, image, mean

    @torch.no_grad()
    def __call__(self, rows: Float[np.ndarray, "n d"]) -> Float[Tensor, "n features"]:
        blocks = (self.pictures(rows[start : start + _ROWS]) for start in range(0, len(rows), _ROWS))
        return torch.cat([self.network(block).double().cpu() for block in blocks])

    def pictures(self, rows: Float[np.ndarray, "n d"]) -> UInt8[Tensor, "n 3 height width"]:
        """8-bit colour pictures; values outside [0, 1] are clipped, and grey ones stand in all three channels."""
        values = torch.from_numpy(np.clip(rows + self.mean, 0, 1))
        maps = as_pictures((255 * values).round().to(torch.uint8), self.image)
        return maps.expand(-1, 3, -1, -1).to("cuda" if torch.cuda.is_available() else "cpu")
