"""What is minimised, and how: the torch-free declarations. `models.objective` and the training loop carry them out."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.specs.base import Count, Fraction, NonNegative, Positive, Rate, Spec, brief
from models.specs.gamma import Absent, Gamma, Optimal, PerImage, PerPixel
from models.specs.likelihood import Likelihood, Normal


class MMD(Spec):
    """A penalty weight · MMD²(q(z), N(0, I)): the unbiased estimate of each minibatch, with `models.mmd`'s kernel.

    Source: Tolstikhin, Bousquet, Gelly & Schölkopf (2018), algorithm 2: WAE-MMD, where β = 0 and γ = ½ makes R the cost.
    """

    kind: Literal["MMD"] = "MMD"
    weight: Positive

    @property
    def label(self) -> str:
        return f"MMD×{brief(self.weight)}"


class Objective(Spec):
    """J = R/(2γ) + (d/2) log γ + β K, in nats per sample; R = E‖x − m(z)‖² summed over outputs, K the rate.

    With another `likelihood` than the normal one J = −E log p(x|z) + β K, all constants kept. What is minimised is J, and
    `penalty` beside it where there is one.
    """

    kind: Literal["Objective"] = "Objective"
    gamma: Gamma = Absent()
    beta: NonNegative = 1.0
    penalty: MMD | None = None
    likelihood: Likelihood = Normal()

    @model_validator(mode="after")
    def _gamma_suits_the_likelihood(self) -> Self:
        name, has_none = self.likelihood.kind, isinstance(self.gamma, Absent)
        if self.likelihood.is_discrete and not has_none:
            raise ValueError(f"{name} gives probabilities of levels, and has no gamma: leave gamma out")
        if has_none and not self.likelihood.is_discrete:
            raise ValueError("gamma is missing: declare how the decoder variance is set, gamma=Learned() for example")
        if not isinstance(self.likelihood, Normal) and isinstance(self.gamma, Optimal | PerPixel | PerImage):
            raise ValueError(
                f"gamma = {self.gamma.kind}() is the normal likelihood's: give {name} one γ, gamma=Learned() for example"
            )
        return self

    @property
    def is_plain(self) -> bool:
        """Whether p(x|z) = N(m(z), γ I) with one γ: all that theory speaks of."""
        return isinstance(self.likelihood, Normal) and not isinstance(self.gamma, PerPixel | PerImage)


class Training(Spec):
    """Adam on minibatches drawn without replacement within an epoch.

    The learning rate is constant for the first `decay_from` of the steps, then falls linearly to `decay_to` of itself.
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
    adam_epsilon: Positive = 1e-8
    blow_up: Positive = 1e5
    dtype: Literal["float32", "float64"] = "float32"
