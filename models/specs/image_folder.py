"""A folder of the user's pictures."""

import os
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from models.specs.examples import Pictures
from models.specs.picture_files import checksum_of, picture_names
from models.specs.spec import Count, Real, Seed, Several, Whole, among

HELD_OUT = 10
"""Every tenth picture is held out for the test set, unless something else is declared."""


class ImageFolder(Pictures):
    """The jpg and png pictures under a folder, in the order of their names, /255, as squares of `size` pixels.

    Of each picture the largest centred square, shrunk by Pillow's bilinear filter; `channels` is 3 for colour, 1 for grey
    (ITU-R 601 luma); what is transparent is laid on white. The test set is every k-th picture (`every`), or a share of
    them drawn with `seed` (`fraction`); the training set are the others, or `n` of them evenly spread, since a folder is
    often sorted by what the pictures show. The folder is part of the identity by the names and contents of its pictures
    (SHA-256), wherever it lies, and a load refuses one that has changed. Workers look for it where it was declared.
    """

    kind: Literal["ImageFolder"] = "ImageFolder"
    is_decoded: ClassVar[bool] = True
    path: str
    """The folder's full path."""
    checksum: str
    """SHA-256 of the pictures' names and contents, which `ImageFolder.of` fills in."""
    pictures: Count
    """How many pictures there are, which `ImageFolder.of` fills in."""
    size: Count
    """Side of the squares that pictures are shrunk to, in pixels."""
    channels: Annotated[Whole, AfterValidator(among(1, 3))] = 3
    """3 for colour, 1 for grey."""
    n: Several | None = None
    """How many pictures are trained on, evenly spread over those that are not held out; by default all of them."""
    every: Several | None = HELD_OUT
    """Every so many pictures one is held out for the test set; None where `fraction` says how many."""
    fraction: Annotated[Real, Field(gt=0, lt=1)] | None = None
    """The share of the pictures that is drawn for the test set; None where `every` says which."""
    seed: Seed = 0
    """The seed of that draw, and of nothing else."""
    intrinsic_dim: Count | None = None
    """How many latents the pictures need, where you know it: regimes are judged by it; by default by the best trial."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.every is None) == (self.fraction is None):
            raise ValueError("needs one way to hold out a test set: give every=... or fraction=..., and the other None")
        if self.n_test < 2:
            raise ValueError(
                f"{self.pictures} pictures leave {self.n_test} for the test set, which needs two at least: "
                "add pictures, lower every or raise fraction"
            )
        if (left := self.pictures - self.n_test) < (self.n or 2):
            raise ValueError(
                f"{self.pictures} pictures leave {left} for training, not n = {self.n or 2}: add pictures, or fix n"
            )
        if (self.intrinsic_dim or 0) > self.d:
            raise ValueError(f"intrinsic_dim = {self.intrinsic_dim} exceeds d = {self.d}: fix either")
        return self

    @classmethod
    def of(
        cls,
        path: str | PathLike[str],
        size: int,
        *,
        channels: int = 3,
        n: int | None = None,
        every: int | None = None,
        fraction: float | None = None,
        seed: int = 0,
        intrinsic_dim: int | None = None,
    ) -> Self:
        """Declare the pictures that lie under `path` now, read once for their checksum and again when they change.

        Raises: ValueError where there is no such folder, or it holds no pictures.
        """
        folder = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 (which never raises)
        names = picture_names(folder)
        return cls(
            path=str(folder),
            checksum=checksum_of(folder, names),
            pictures=len(names),
            size=size,
            channels=channels,
            n=n,
            every=HELD_OUT if every is None and fraction is None else every,
            fraction=fraction,
            seed=seed,
            intrinsic_dim=intrinsic_dim,
        )

    def counted(self, name: str) -> Any:
        """Everything but where the folder lies."""
        return None if name == "path" else super().counted(name)

    @property
    def image(self) -> tuple[int, ...]:
        """(size, size), or (size, size, 3) in colour."""
        return (self.size, self.size) if self.channels == 1 else (self.size, self.size, 3)

    @property
    def n_test(self) -> int:
        """Pictures that are held out."""
        return self.pictures // self.every if self.every else round((self.fraction or 0) * self.pictures)

    @property
    def n_train(self) -> int:
        """Pictures that are trained on."""
        return self.n or self.pictures - self.n_test

    @property
    def label(self) -> str:
        """ "faces-64", or "faces-64-grey(1000)"."""
        kind = "-grey" if self.channels == 1 else ""
        count = f"({self.n})" if self.n else ""
        return f"{Path(self.path).name}-{self.size}{kind}{count}"
