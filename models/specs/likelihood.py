"""How x is distributed given z: the torch-free declarations. `models.loss.likelihood` carries them out.

A picture's values are levels: 0 to 255 in most sets, 0 to 16 in scikit-learn's digits, 0 and 1 where a set is declared
binary. A discrete likelihood gives every level a probability; the others are densities of the centred data.
"""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from models.specs.spec import Count, Real, Spec, brief
from models.specs.vocabulary import Vocabulary


class GammaCurve(NamedTuple):
    """A trained γ(β): log γ is linear between `knots` values, from log `init` on, evenly from u = `low` to `high`.

    u stands for log β, and one unit of it for so many `nats` of log β: see `models.networks.beta_vae`.
    """

    init: float
    knots: int
    low: float
    high: float
    nats: float


class PerValue(NamedTuple):
    """What a decoder gives for each value of x: so many numbers that follow from z, and a variance of the value's own,
    the same for every x and z, that is trained from `variance` on (None where there is none). A `curve` is one variance for
    all values, which follows from β alone."""

    numbers: int = 1
    variance: float | None = None
    curve: GammaCurve | None = None

    def trained(self, d: int) -> int:
        """Trained numbers beside the network's layers, for d values."""
        return (d if self.variance else 0) + (self.curve.knots if self.curve else 0)


MEANS = PerValue()
"""A mean for each value, and nothing else."""


class _Likelihood(Spec):
    """Declares what a likelihood needs of the data, and of a decoder."""

    is_discrete: ClassVar[bool] = False
    """Whether it gives probabilities of levels: then there is no decoder variance."""

    is_binary: ClassVar[bool] = False
    """Whether it takes two levels only."""


class Density(_Likelihood):
    """A density of x, whose scale is the decoder variance γ."""

    def numbers(self, levels: int) -> int:
        """Numbers that a decoder gives for each value of so many levels: where the density has its centre."""
        del levels
        return 1


class Discrete(_Likelihood):
    """Probabilities of levels: there is no decoder variance."""

    is_discrete: ClassVar[bool] = True

    @abstractmethod
    def numbers(self, levels: int) -> int:
        """Numbers that a decoder gives for each value of so many levels."""


class Normal(Density):
    """p(x|z) = N(m(z), γ I), or with a variance a pixel or an image where γ says so."""

    kind: Literal["Normal"] = "Normal"

    @property
    def label(self) -> str:
        """ "normal"."""
        return "normal"


class StudentT(Density):
    """Student's t in every value, about m(z), with the variance γ: its squared scale is γ (freedom − 2)/freedom.

    One γ and a declared number of degrees of freedom serve all values, where Takahashi et al. (2018) have the network
    give both; beyond a few hundred degrees it is the normal likelihood.
    """

    kind: Literal["StudentT"] = "StudentT"
    freedom: Annotated[Real, Field(gt=2, le=1e6)] = 4.0
    """Degrees of freedom: the fewer, the heavier the tails."""

    @property
    def label(self) -> str:
        """ "student-t 4"."""
        return f"student-t {brief(self.freedom)}"


class Bernoulli(Discrete):
    """A logit for each value of binary data."""

    kind: Literal["Bernoulli"] = "Bernoulli"
    is_binary: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """ "bernoulli"."""
        return "bernoulli"

    def numbers(self, levels: int) -> int:
        """One logit."""
        del levels
        return 1


class Categorical(Discrete):
    """A softmax over all levels of a value: 256 logits where these are bytes."""

    kind: Literal["Categorical"] = "Categorical"

    @property
    def label(self) -> str:
        """ "categorical"."""
        return "categorical"

    def numbers(self, levels: int) -> int:
        """A logit a level."""
        return levels


class Bitwise(Discrete):
    """A logit for each binary digit of a level, independent given z: eight a value where these are bytes.

    Where the number of levels is no power of 2, some codes mean no level, and what they get is lost.
    """

    kind: Literal["Bitwise"] = "Bitwise"

    @property
    def label(self) -> str:
        """ "bitwise"."""
        return "bitwise"

    def numbers(self, levels: int) -> int:
        """A logit a binary digit."""
        return (levels - 1).bit_length()


class LogisticMixture(Discrete):
    """A mixture of logistic densities, integrated over each level's bin; each component has weight, mean and scale.

    Values are independent given z: colours are not conditioned on one another.
    Source: Salimans, Karpathy, Chen & Kingma (2017), section 2.1.
    """

    kind: Literal["LogisticMixture"] = "LogisticMixture"
    components: Count = 5
    """How many logistic densities are mixed, for each value."""

    @property
    def label(self) -> str:
        """ "logistic mixture 5"."""
        return f"logistic mixture {self.components}"

    def numbers(self, levels: int) -> int:
        """Weight, mean and scale of each component."""
        del levels
        return 3 * self.components


Likelihood = Annotated[Normal | StudentT | Bernoulli | Categorical | Bitwise | LogisticMixture, Vocabulary()]
