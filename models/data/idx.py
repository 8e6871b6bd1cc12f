"""Images in the IDX format: MNIST and Fashion-MNIST."""

import gzip

import numpy as np
from jaxtyping import Float

from models.data.centring import from_grey
from models.data.dataset import DataSet
from models.data.download import absence, fetch, verified
from models.data.loaders import loads
from models.specs.data import MNIST, FashionMNIST

Images = Float[np.ndarray, "_ 784"]


@loads(MNIST, FashionMNIST, absence=absence, fetch=fetch)
def idx_images(spec: MNIST | FashionMNIST) -> DataSet:
    """Grey values in [0, 1]. Raises: DataError."""
    train, test = _read(spec, "train-images-idx3-ubyte.gz"), _read(spec, "t10k-images-idx3-ubyte.gz")
    return from_grey(spec, train[: spec.n], test)


def _read(spec: MNIST | FashionMNIST, name: str) -> Images:
    content = gzip.decompress(verified(spec, name).read_bytes())
    pixels = np.frombuffer(content, dtype=np.uint8, offset=16)  # 16 bytes: magic number, count, height and width
    return pixels.reshape(-1, 784).astype(np.float32) / np.float32(255)
