"""Sets of images as their authors distribute them."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from models.specs.examples import Pictures
from models.specs.spec import Several, Whole, among

Binary = Annotated[bool, Field(strict=True)]
"""Whether every value is 1 where it is at least one half, and 0 elsewhere."""


class Digits(Pictures):
    """scikit-learn's 1,797 handwritten digits of 8×8 pixels, /16; every sixth image is held out for the test set."""

    kind: Literal["Digits"] = "Digits"
    binary: Binary = False
    """Whether every value is 1 where it is at least one half, and 0 elsewhere; by default values stay grey."""

    @property
    def label(self) -> str:
        """ "Digits", or "Digits, binary"."""
        return "Digits, binary" if self.binary else "Digits"

    @property
    def levels(self) -> int:
        """Two where they are binary, else 17."""
        return 2 if self.binary else 17

    @property
    def n_train(self) -> int:
        """Five sixths of 1,797."""
        return 1498

    @property
    def image(self) -> tuple[int, int]:
        return (8, 8)

    @property
    def intrinsic_dim(self) -> None:
        return None


class Published(Pictures):
    """Pictures whose files are downloaded from `url`, or lie in `folder`: verified by their published md5."""

    folder: ClassVar[str]
    url: ClassVar[str]

    @property
    def intrinsic_dim(self) -> None:
        return None


class _Idx(Published):
    """60,000 training and 10,000 test images of 28×28 pixels in the IDX format, /255; the first `n` of the training set."""

    n: Annotated[Several, Field(le=60_000)] = 60_000
    """How many training images there are, the first ones of the set."""
    binary: Binary = False
    """Whether every value is 1 where it is at least one half, and 0 elsewhere; by default values stay grey."""

    @property
    def n_train(self) -> int:
        return self.n

    @property
    def levels(self) -> int:
        return 2 if self.binary else 256

    @property
    def image(self) -> tuple[int, int]:
        return (28, 28)

    @property
    def label(self) -> str:
        name = type(self).__name__ if self.n == 60_000 else f"{type(self).__name__}({self.n})"
        return f"{name}, binary" if self.binary else name


class MNIST(_Idx):
    """Handwritten digits (LeCun, Cortes and Burges), verified by the published md5 of their four files."""

    kind: Literal["MNIST"] = "MNIST"
    folder: ClassVar[str] = "mnist"
    url: ClassVar[str] = "https://ossci-datasets.s3.amazonaws.com/mnist/"
    fingerprint: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }


class FashionMNIST(_Idx):
    """Zalando's articles of clothing (Xiao, Rasul and Vollgraf), verified by the published md5 of their four files."""

    kind: Literal["FashionMNIST"] = "FashionMNIST"
    folder: ClassVar[str] = "fashion_mnist"
    url: ClassVar[str] = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    fingerprint: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }


class _Colour32(Published):
    """Photographs of 32×32 pixels in colour, /255."""

    @property
    def image(self) -> tuple[int, int, int]:
        return (32, 32, 3)


class CIFAR10(_Colour32):
    """50,000 training and 10,000 test photographs of ten kinds of things (Krizhevsky 2009); the first `n` for training.

    The authors' binary version, verified by its published md5.
    """

    kind: Literal["CIFAR10"] = "CIFAR10"
    folder: ClassVar[str] = "cifar10"
    url: ClassVar[str] = "https://www.cs.toronto.edu/~kriz/"
    n: Annotated[Several, Field(le=50_000)] = 50_000
    """How many training images there are, the first ones of the set."""
    fingerprint: ClassVar[dict[str, str]] = {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"}

    @property
    def n_train(self) -> int:
        """The first n."""
        return self.n

    @property
    def label(self) -> str:
        """ "CIFAR-10", or "CIFAR-10(1000)"."""
        return "CIFAR-10" if self.n == 50_000 else f"CIFAR-10({self.n})"


class SVHN(_Colour32):
    """73,257 training and 26,032 test house numbers, cropped (Netzer et al. 2011); the first `n` for training.

    Verified by the published md5 of both files; the authors' extra training images are left out.
    """

    kind: Literal["SVHN"] = "SVHN"
    folder: ClassVar[str] = "svhn"
    url: ClassVar[str] = "http://ufldl.stanford.edu/housenumbers/"
    n: Annotated[Several, Field(le=73_257)] = 73_257
    """How many training images there are, the first ones of the set."""
    fingerprint: ClassVar[dict[str, str]] = {
        "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
        "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
    }

    @property
    def n_train(self) -> int:
        """The first n."""
        return self.n

    @property
    def label(self) -> str:
        """ "SVHN", or "SVHN(1000)"."""
        return "SVHN" if self.n == 73_257 else f"SVHN({self.n})"


class CelebA(Pictures):
    """202,599 aligned faces in colour (Liu, Luo, Wang and Tang 2015), /255; the authors' training and test partition.

    The centred 140×140 pixels of each 178×218 image, resized to size × size by Pillow's bilinear filter: the crop of
    Tolstikhin et al. (2018) and of what Dai and Wipf (2019) compare with it, so that numbers can stand beside theirs. The
    wider 148×148, also seen, keeps more of the background. Of the 162,770 training images the first `n`, of the 19,962
    test images the first `n_test`; the 19,867 images for validation are left out. Identified by the published md5 of the
    partition and of the archive that the images come in; a load verifies the first.
    """

    kind: Literal["CelebA"] = "CelebA"
    is_decoded: ClassVar[bool] = True
    size: Annotated[Whole, AfterValidator(among(64, 128))] = 64
    """Side of the pictures in pixels, 64 or 128."""
    n: Annotated[Several, Field(le=162_770)] = 162_770
    """How many training images there are, the first ones of the set."""
    n_test: Annotated[Several, Field(le=19_962)] = 19_962
    """How many test images there are, the first ones of the set."""
    fingerprint: ClassVar[dict[str, str]] = {
        "img_align_celeba.zip": "00d2c5bc6d35e252742224ab0c1e8fcb",
        "list_eval_partition.txt": "d32c9cbf5e040fd4025c592c306e6668",
    }

    @property
    def n_train(self) -> int:
        """The first n."""
        return self.n

    @property
    def image(self) -> tuple[int, int, int]:
        """(size, size, 3)."""
        return (self.size, self.size, 3)

    @property
    def intrinsic_dim(self) -> None:
        return None

    @property
    def label(self) -> str:
        """ "CelebA-64", or "CelebA-64(1000)"."""
        return f"CelebA-{self.size}" if self.n == 162_770 else f"CelebA-{self.size}({self.n})"
