"""What is minimised, and how: the torch-free declarations. `models.objective` and the training loop carry them out."""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import Count, Fraction, NonNegative, Positive, Rate, Spec, brief
from models.specs.gamma import Gamma


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

    What is minimised is J, and `penalty` beside it where there is one.
    """

    kind: Literal["Objective"] = "Objective"
    gamma: Gamma
    beta: NonNegative = 1.0
    penalty: MMD | None = None


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
