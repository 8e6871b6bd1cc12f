"""Probes of sparsity penalties: which decoder of a curve they prefer, and what becomes of a VAE's loss as γ falls.

The curve is a serpentine in the square [0, ε]²: horizontal runs in alternating directions, joined at their ends. A dense
decoder takes both coordinates as codes; a sparse one takes the arc length as its first code and leaves the second at 0.
Both reconstruct every point, so that a penalty on the mean squares u of the codes alone decides between them.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.specs.look import EQ3, Look, Measures
from models.specs.sparsity import Penalty, check_parameter
from models.specs.spec import Count, Magnitude, Positive, brief

Crossed = Literal["saturating", "log plus", "power"]
"""Penalties that prefer the sparse decoder for every parameter below a critical one."""

MOST_RUNS = 100_000


class Serpentine(Look):
    """A look at one serpentine: of its length, as nearly as whole runs give it, uniformly filled."""

    eps: Magnitude
    """Side ε of the square that the curve lies in, in data units."""
    length: Magnitude = 4.0
    """Length of the curve, in data units."""

    @property
    def runs(self) -> int:
        """S, so that the length is (S + 1) ε."""
        return round(self.length / self.eps - 1)

    @model_validator(mode="after")
    def _folds(self) -> Self:
        # Compared before it is rounded: a ratio may be infinite.
        if self.length / self.eps < 2.5:
            raise ValueError(
                f"a square of side {brief(self.eps)} holds fewer than two runs of a curve of length {brief(self.length)}: "
                f"lower eps to {brief(self.length / 3)} or less"
            )
        if self.length / self.eps > MOST_RUNS:
            raise ValueError(
                f"eps = {brief(self.eps)} asks for more than {MOST_RUNS:,} runs: raise it to "
                f"{brief(self.length / MOST_RUNS)} or more"
            )
        return self

    @property
    def seconds(self) -> float:
        """Linear in the runs."""
        return 0.01 + 2e-6 * self.length / self.eps


class SerpentineCost(Serpentine):
    """What a penalty asks of the sparse decoder, less what it asks of the dense one."""

    kind: Literal["SerpentineCost"] = "SerpentineCost"
    penalty: Penalty
    """The penalty h of a code's mean square u, by name: see `Penalty`."""
    parameter: Positive | None = None
    """The parameter p of the penalty, where it has one."""

    measures: ClassVar[Measures] = {
        "difference": ("-", "Σ h(u) of the sparse decoder less that of the dense one; nothing where it is −∞"),
        "sign": ("-", "its sign: −1 where the sparse decoder is preferred"),
        "rise": ("-", "h of the sparse decoder's code above h(0); nothing where it is infinite"),
        "arc_length_moment": ("data²", "mean square of the sparse decoder's code"),
        "x_moment": ("data²", "mean square of the dense decoder's first code"),
        "y_moment": ("data²", "and of its second"),
    }

    @model_validator(mode="after")
    def _has_its_parameter(self) -> Self:
        check_parameter(self.penalty, self.parameter)
        return self


class SerpentineCritical(Serpentine):
    """The parameter of a penalty at which both decoders cost the same, by bisection."""

    kind: Literal["SerpentineCritical"] = "SerpentineCritical"
    penalty: Crossed
    """The penalty whose critical parameter is sought."""

    measures: ClassVar[Measures] = {"critical": ("that of p", "the sparse decoder is preferred below it")}


class SerpentineCrossing(Serpentine):
    """The γ at which a VAE's loss prefers neither decoder, with encoder, scale of the codes and noise at their best.

    The sparse decoder's noise travels along the curve, round its corners and straight on beyond its ends.
    """

    kind: Literal["SerpentineCrossing"] = "SerpentineCrossing"

    measures: ClassVar[Measures] = {
        "crossing": ("data²", "γ at which both decoders' least loss is the same; the sparse one's is lower below"),
        "growth": (EQ3, "rise of the difference per decade of γ, over two decades that begin one below the crossing"),
    }

    @property
    def seconds(self) -> float:
        """Linear in the runs."""
        return 0.5 + 0.01 * self.length / self.eps


class ColumnScale(Look):
    """The least price of latents over posterior variances and scales of decoder columns, at one γ.

    Each has a part of x of its own, of variance c, which it reconstructs.
    """

    kind: Literal["ColumnScale"] = "ColumnScale"
    gamma: Positive
    """The decoder variance γ, in squared data units."""
    variances: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.05, 0.1, 0.1, 0.2, 0.2)
    """The variance c of each latent's part of x, in squared data units."""

    measures: ClassVar[Measures] = {
        "price": (EQ3, "least price of all latents together, with log γ for each and without its 1"),
        "unused": (EQ3, "the same of one latent that encodes nothing"),
    }


class LogTransform(Look):
    """A random linear autoencoder's loss at the best γ and the best scales of its codes, beside the loss of logarithms.

    Data, encoder and decoder are random and follow from the seed.
    """

    kind: Literal["LogTransform"] = "LogTransform"
    d: Count = 12
    """Dimensions of an example."""
    kappa: Count = 5
    """Codes of the autoencoder."""
    examples: Count = 200
    """How many examples there are."""

    measures: ClassVar[Measures] = {
        "least": (EQ3, "least of R/γ + d log γ + Σ (u/a + log a) over γ and the a of all codes"),
        "logarithms": (EQ3, "d log(R/d) + Σ log u"),
    }
