"""What is minimised: the torch-free declarations. `models.loss.objective` carries them out."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from models.specs.gamma import Absent, Fixed, Gamma, LearnedByBeta, ManyGammas, OneGamma, Optimal
from models.specs.likelihood import Likelihood, Normal
from models.specs.own_functions import OwnTerm
from models.specs.sparsity import Sparsity
from models.specs.spec import Magnitude, NonNegative, Positive, Spec, as_tuple, brief
from models.specs.vocabulary import Vocabulary


class MMD(Spec):
    """A penalty weight · MMD²(q(z), N(0, I)): the unbiased estimate of each minibatch, with `models.metrics.mmd`'s kernel.

    Source: Tolstikhin, Bousquet, Gelly & Schölkopf (2018), algorithm 2: WAE-MMD, where β = 0 and γ = ½ makes R the cost.
    """

    kind: Literal["MMD"] = "MMD"
    weight: Magnitude
    """What MMD² is multiplied by."""

    @property
    def label(self) -> str:
        """ "MMD×10"."""
        return f"MMD×{brief(self.weight)}"


Regulariser = Annotated[MMD | Sparsity, Vocabulary()]
"""What may be minimised beside J."""


class Spread(Spec):
    """Every example of a minibatch has a β of its own, log-uniform between `low` and `high`, for one network to serve all.

    The rate and the distortion of the trained network are recorded at each β of `at`.
    """

    kind: Literal["Spread"] = "Spread"
    low: Magnitude
    """The smallest β."""
    high: Magnitude
    """The largest β."""
    at: tuple[Positive, ...] = ()
    """The β at which the trained network is measured, beside the trial's own; by default there are none."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be below high: a single β needs no spread")
        if outside := [beta for beta in self.at if not self.low <= beta <= self.high]:
            raise ValueError(f"β = {brief(outside[0])} is not between low and high: the network is not trained there")
        return self

    @property
    def label(self) -> str:
        """ "β 0.1 to 10"."""
        return f"β {brief(self.low)} to {brief(self.high)}"


HalfWeight = Annotated[NonNegative, Field(le=1e30)]
"""What a half of the rate counts."""


class Objective(Spec):
    """J = R/(2γ) + (d/2) log γ + β K, in nats an example.

    R = E‖x − m(z)‖² is the squared error, summed over the d outputs; γ the decoder variance; and K the rate, the KL
    divergence of q(z|x) from the prior. Its halves are ½ E Σ μ² of the means and ½ E Σ (σ² − 1 − log σ²) of the variances;
    where `mean_weight` or `variance_weight` is not 1, what is minimised counts them by these. With another likelihood than
    the normal one J = −E log p(x|z) + β K, all constants kept. With a `spread` the mean of β J(β′)/β′ over the β′ of the
    examples is minimised: divided by β′, each counts alike, and at β′ = β it is J. Where γ is learned by β each counts alike
    already, and it is the mean of J(β′). The trial is described at β.
    """

    kind: Literal["Objective"] = "Objective"
    gamma: Gamma = Absent()
    """How the decoder variance γ is set, which a likelihood of levels leaves out."""
    beta: Annotated[NonNegative, Field(le=1e30)] = 1.0
    """The weight β of the KL term K; at 1, J is −ELBO but for a constant."""
    penalty: Regulariser | None = None
    """What is minimised beside J: an `MMD` of the codes, or the `Sparsity` of an autoencoder; by default nothing."""
    likelihood: Likelihood = Normal()
    """The distribution p(x|z) of an example x given its code z; by default a normal one."""
    spread: Spread | None = None
    """The range of β that one network is trained for; by default it is trained at `beta` alone."""
    terms: Annotated[tuple[OwnTerm, ...], BeforeValidator(as_tuple)] = ()
    """Terms of your own that are minimised beside J: `OwnTerm.of(…)`, or several of them."""
    mean_weight: HalfWeight = 1.0
    """What the means' half of the rate, ½ E Σ μ², counts in it; at 0, means may be as large as they like."""
    variance_weight: HalfWeight = 1.0
    """What the variances' half of the rate, ½ E Σ (σ² − 1 − log σ²), counts in it; at 0, they may be as small as they
    like."""

    @model_validator(mode="after")
    def _gamma_suits_the_likelihood(self) -> Self:
        name, has_none = self.likelihood.kind, isinstance(self.gamma, Absent)
        if self.likelihood.is_discrete and not has_none:
            raise ValueError(f"{name} gives probabilities of levels, and has no gamma: leave gamma out")
        if has_none and not self.likelihood.is_discrete:
            raise ValueError("gamma is missing: declare how the decoder variance is set, gamma=Learned() for example")
        if not isinstance(self.likelihood, Normal) and isinstance(self.gamma, Optimal | ManyGammas):
            raise ValueError(
                f"gamma = {self.gamma.kind}() is the normal likelihood's: give {name} one γ, gamma=Learned() for example"
            )
        return self

    @model_validator(mode="after")
    def _suits_a_spread(self) -> Self:
        if not self.spread:
            if isinstance(self.gamma, LearnedByBeta):
                raise ValueError(
                    "LearnedByBeta() learns a γ for every β of a spread: declare spread=Spread(low, high), or gamma=Learned()"
                )
            return self
        if not isinstance(self.gamma, Fixed | LearnedByBeta) or self.penalty or not isinstance(self.likelihood, Normal):
            raise ValueError(
                "a spread of β needs one γ for all of them or a function of β, the normal likelihood and no penalty: "
                "declare gamma=Fixed(...) or gamma=LearnedByBeta() alone"
            )
        if not self.spread.low <= self.beta <= self.spread.high:
            raise ValueError("beta must lie between the low and the high of its spread: the trial is described there")
        return self

    @model_validator(mode="after")
    def _has_a_rate_to_weigh(self) -> Self:
        if not (self.beta or self.has_whole_rate):
            raise ValueError(
                "beta=0 leaves the whole rate out: leave mean_weight and variance_weight out, or raise beta"
            )
        return self

    @model_validator(mode="after")
    def _suits_sparsity(self) -> Self:
        if not isinstance(self.penalty, Sparsity):
            return self
        if self.beta or not self.is_plain:
            raise ValueError(
                "Sparsity is for autoencoders with the normal likelihood and one γ: declare beta=0, and gamma=Fixed(...) "
                "for example"
            )
        if self.penalty.g and not isinstance(self.gamma, Optimal):
            raise ValueError("with a misfit g of its own γ only describes what is left: declare gamma=Optimal()")
        return self

    @property
    def has_whole_rate(self) -> bool:
        """Whether both halves of the rate count as they are."""
        return self.mean_weight == self.variance_weight == 1

    @property
    def is_sparse(self) -> bool:
        """Whether energies of codes have a price."""
        return isinstance(self.penalty, Sparsity)

    @property
    def is_one_gamma(self) -> bool:
        """Whether one number says how wide p(x|z) is."""
        return isinstance(self.gamma, OneGamma)

    @property
    def is_plain(self) -> bool:
        """Whether p(x|z) = N(m(z), γ I) with one γ: all that theory speaks of."""
        return isinstance(self.likelihood, Normal) and self.is_one_gamma
