"""What is minimised, and how: the torch-free declarations. `models.loss.objective` and the training loop carry them out."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.specs.gamma import Absent, Fixed, Gamma, ManyGammas, OneGamma, Optimal
from models.specs.likelihood import Likelihood, Normal
from models.specs.sparsity import Sparsity
from models.specs.spec import Count, Fraction, Magnitude, NonNegative, Positive, Rate, Real, Spec, brief
from models.specs.vocabulary import Vocabulary


class MMD(Spec):
    """A penalty weight · MMD²(q(z), N(0, I)): the unbiased estimate of each minibatch, with `models.metrics.mmd`'s kernel.

    Source: Tolstikhin, Bousquet, Gelly & Schölkopf (2018), algorithm 2: WAE-MMD, where β = 0 and γ = ½ makes R the cost.
    """

    kind: Literal["MMD"] = "MMD"
    weight: Magnitude

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
    high: Magnitude
    at: tuple[Positive, ...] = ()

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


class Objective(Spec):
    """J = R/(2γ) + (d/2) log γ + β K, in nats per sample; R = E‖x − m(z)‖² summed over outputs, K the rate.

    With another `likelihood` than the normal one J = −E log p(x|z) + β K, all constants kept. What is minimised is J, and
    `penalty` beside it where there is one. With a `spread` it is the mean of β J(β′)/β′ over the β′ of the examples: divided
    by β′, each counts alike, and at β′ = β it is J. The trial is described at β.
    """

    kind: Literal["Objective"] = "Objective"
    gamma: Gamma = Absent()
    beta: Annotated[NonNegative, Field(le=1e30)] = 1.0
    penalty: Regulariser | None = None
    likelihood: Likelihood = Normal()
    spread: Spread | None = None

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
            return self
        if not isinstance(self.gamma, Fixed) or self.penalty or not self.is_plain:
            raise ValueError(
                "a spread of β needs one γ for all of them, the normal likelihood and no penalty: "
                "declare gamma=Fixed(...) alone"
            )
        if not self.spread.low <= self.beta <= self.spread.high:
            raise ValueError("beta must lie between the low and the high of its spread: the trial is described there")
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


class Rprop(Spec):
    """Steps by the signs of the gradient alone, of a size that each number has for itself: iRprop−.

    A size starts at the learning rate, grows by `grow` where the gradient keeps its sign, and shrinks by `shrink` where it
    changes it; after a change the number rests for one step. Sizes stay between `least` and `most` learning rates. How
    large a gradient is makes no difference, so none is too large as γ → 0; but a minibatch's signs are those of its noise
    wherever that is larger than the gradient.

    Source: Igel & Hüsken (2003), "Empirical evaluation of the improved Rprop learning algorithms", iRprop−, after
    Riedmiller & Braun (1993).
    """

    kind: Literal["Rprop"] = "Rprop"
    grow: Annotated[Real, Field(ge=1, le=10)] = 1.2
    shrink: Annotated[Fraction, Field(gt=0)] = 0.5
    least: NonNegative = 1e-5
    most: Annotated[Positive, Field(le=1e30)] = 10.0

    @model_validator(mode="after")
    def _sizes_enclose_the_start(self) -> Self:
        if not self.least <= 1 <= self.most:
            raise ValueError("sizes are in learning rates and start at 1: give least ≤ 1 ≤ most")
        return self

    @property
    def label(self) -> str:
        """ "iRprop−"."""
        return "iRprop−"


class Slower(Spec):
    """Every learning rate times (γ/below)^power where γ < below: steps shrink as γ falls and gradients grow with 1/γ."""

    kind: Literal["Slower"] = "Slower"
    below: Positive
    power: Annotated[Positive, Field(le=4)] = 0.5

    @property
    def label(self) -> str:
        """ "(γ/0.01)^0.5"."""
        return f"(γ/{brief(self.below)})^{brief(self.power)}"


class Training(Spec):
    """Adam, or `signs`, on minibatches drawn without replacement within an epoch.

    The learning rate is constant for the first `decay_from` of the steps, then falls linearly to `decay_to` of itself.
    Three remedies for training at a small γ, none of them taken by default: β rises linearly from 0 to its value over the
    first `warm_up` of the steps; learning rates fall with γ as `slower` says; and `signs` takes the place of Adam.
    A trial has *diverged* at the first step whose J or gradient is not finite, or whose J exceeds `blow_up` times
    (1 + |J| of its first step): its weights stay at the last state before that step.
    """

    kind: Literal["Training"] = "Training"
    steps: Count
    batch: Count = 256
    lr: Rate = 1e-3
    decay_from: Fraction = 0.5
    decay_to: Fraction = 0.02
    adam_beta1: Annotated[Fraction, Field(lt=1)] = 0.9
    adam_beta2: Annotated[Fraction, Field(lt=1)] = 0.999
    adam_epsilon: Annotated[Positive, Field(ge=1e-30)] = 1e-8
    blow_up: Positive = 1e5
    dtype: Literal["float32", "float64"] = "float32"
    warm_up: Fraction = 0.0
    slower: Slower | None = None
    signs: Rprop | None = None
