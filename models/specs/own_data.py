"""Data of the user's own."""

from collections.abc import Callable, Sequence
from math import prod
from os import PathLike
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.specs.examples import Examples, Image
from models.specs.source import declared, source_of
from models.specs.spec import Count, Options, Several, alike


class OwnData(Examples):
    """Data of the user's: the source of a function that returns (train, test), two arrays of `d` float columns.

    The declaration holds the source itself, as `Own` does for networks: identity changes when the code does, and no
    worker needs the file. It says what the arrays will be, so that a plan need not load them; a load checks it. What the
    function reads from `files` is part of the identity by their SHA-256, in the order declared and wherever they lie, and
    a load refuses a file that has changed; a file that is not declared there is not seen. Workers look for the files
    where the function does: give absolute paths where they run elsewhere. With `image` = (height, width), examples are
    shown as pictures of grey values in [0, 1]; with (height, width, 3), of red, green and blue.
    """

    kind: Literal["OwnData"] = "OwnData"
    is_own: ClassVar[bool] = True
    name: str
    """The function's name, which `OwnData.of` fills in."""
    source: str
    """The text that defines it, which `OwnData.of` cuts out of its file."""
    modules: dict[str, str] = Field(default_factory=dict)
    """The texts of your own modules that it imports, by name, which `OwnData.of` fills in."""
    d: Count
    """Dimensions of an example: columns of the arrays."""
    n: Several
    """Training examples: rows of the first array."""
    intrinsic_dim: Count | None = None
    """How many latents the data need, where you know it: regimes are judged by it; by default by the best trial."""
    image: Image | None = None
    """(height, width) of grey pictures or (height, width, 3) of colour ones; by default examples are no pictures."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file that the function reads, by path, which `OwnData.of` fills in."""
    options: Options = Field(default_factory=dict)
    """Further arguments that the function is called with: numbers, text, lists and dicts."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.image and prod(self.image) != self.d:
            in_colour = " in colour" if len(self.image) == 3 else ""
            raise ValueError(
                f"an image of {self.image[0]}×{self.image[1]} pixels{in_colour} has not d = {self.d}: fix either"
            )
        if (self.intrinsic_dim or 0) > self.d:
            raise ValueError(f"intrinsic_dim = {self.intrinsic_dim} exceeds d = {self.d}: fix either")
        return self

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        d: int,
        n: int,
        *,
        intrinsic_dim: int | None = None,
        image: tuple[int, ...] | None = None,
        files: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
        **options: Any,
    ) -> Self:
        """Declare what `function(**options)` returns: `n` training examples of `d` dimensions, and a test set.

        The function is cut out of its file, or of a notebook's cells, with the names it uses there and in your own modules
        that it imports. Raises: ValueError where its source cannot be found, does not stand alone, or makes another function
        than the one given here, or where a file cannot be read.
        """
        source = source_of(function)
        listed = [files] if isinstance(files, str | PathLike) else files
        return cls(
            name=getattr(function, "__name__", ""),
            source=source.text,
            modules=dict(source.modules),
            d=d,
            n=n,
            intrinsic_dim=intrinsic_dim,
            image=image,
            files={str(path): declared(path) for path in listed},
            options=options,
        )

    def counted(self, name: str) -> Any:
        """Files by their contents alone, options by what they mean."""
        match name:
            case "files":
                return list(self.files.values())
            case "options":
                return alike(self.options)
            case _:
                return super().counted(name)

    @property
    def n_train(self) -> int:
        """As declared."""
        return self.n

    @property
    def label(self) -> str:
        """The function's name."""
        return self.name
