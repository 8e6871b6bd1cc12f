"""Images in the IDX format: MNIST and Fashion-MNIST."""

import gzip

import numpy as np
from jaxtyping import Float

from models.data.download import verified
from models.specs.data import MNIST, FashionMNIST

Images = Float[np.ndarray, "_ 784"]


def read_images(spec: MNIST | FashionMNIST) -> tuple[Images, Images]:
    """Training and test images as rows of grey values in [0, 1]. Raises: DataError."""
    return _read(spec, "train-images-idx3-ubyte.gz"), _read(spec, "t10k-images-idx3-ubyte.gz")


def _read(spec: MNIST | FashionMNIST, name: str) -> Images:
    content = gzip.decompress(verified(spec, name).read_bytes())
    pixels = np.frombuffer(content, dtype=np.uint8, offset=16)  # 16 bytes: magic number, count, height and width
    return pixels.reshape(-1, 784).astype(np.float32) / np.float32(255)
