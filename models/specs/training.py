"""What is minimised, and how: the torch-free declarations. `models.loss.objective` and the training loop carry them out."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from models.specs.early_stopping import Patience
from models.specs.gamma import Absent, Fixed, Gamma, ManyGammas, OneGamma, Optimal
from models.specs.likelihood import Likelihood, Normal
from models.specs.optimisers import Adam, Optimiser, Rprop, Share
from models.specs.own_functions import OwnTerm
from models.specs.schedules import Constant, Linear, OneCycle, Schedule, as_decay
from models.specs.sparsity import Sparsity
from models.specs.spec import Count, Fraction, Magnitude, NonNegative, Positive, Rate, Spec, Whole, as_tuple, brief
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
    beside it `penalty`, where there is one, and `terms` of the user's own. With a `spread` it is the mean of β J(β′)/β′ over
    the β′ of the examples: divided by β′, each counts alike, and at β′ = β it is J. The trial is described at β.
    """

    kind: Literal["Objective"] = "Objective"
    gamma: Gamma = Absent()
    beta: Annotated[NonNegative, Field(le=1e30)] = 1.0
    penalty: Regulariser | None = None
    likelihood: Likelihood = Normal()
    spread: Spread | None = None
    terms: Annotated[tuple[OwnTerm, ...], BeforeValidator(as_tuple)] = ()

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
    """How a network is trained: `steps` steps, or `epochs` epochs, on minibatches drawn without replacement in an epoch.

    An epoch is as many whole minibatches as the training examples make; a trial turns `epochs` into `steps` (the incomplete
    last minibatch is dropped), and is the same trial either way.

    `optimiser` is Adam by default, with `adam_beta1`, `adam_beta2` and `adam_epsilon`, or what `signs` declares. `schedule`
    changes the learning rate `lr`, and that of γ with it: by default they are constant for the first `decay_from` of the
    steps, then fall linearly to `decay_to` of themselves; `schedule=Constant()` leaves them alone. What these older fields
    can say is kept in them: `optimiser=Adam(beta1=0.5)` is `adam_beta1=0.5`, `optimiser=Rprop()` is `signs=Rprop()`, and
    `schedule=Linear(end=0.1)` is `decay_from=0, decay_to=0.1`. `optimiser_in_force` and `schedule_in_force` say what counts.

    `clip` scales a trial's gradient down to this norm where it is longer, `clip_value` cuts each of its numbers off there:
    torch's `clip_grad_norm_` and `clip_grad_value_`. The gradient of log γ counts as that of any parameter. Weight decay is
    for the network alone: it never touches the decoder variance, log γ or the log variances of pixels.
    `stop` ends a trial early.

    Three remedies for training at a small γ, none of them taken by default: β rises linearly from 0 to its value over the
    first `warm_up` of the steps; learning rates fall with γ as `slower` says; and `signs` takes the place of Adam.
    A trial has *diverged* at the first step whose J or gradient is not finite, or whose J exceeds `blow_up` times
    (1 + |J| of its first step): its weights stay at the last state before that step.
    """

    kind: Literal["Training"] = "Training"
    steps: Annotated[Whole, Field(ge=0, lt=2**31)] = 0
    batch: Count = 256
    lr: Rate = 1e-3
    decay_from: Fraction = 0.5
    decay_to: Fraction = 0.02
    adam_beta1: Share = 0.9
    adam_beta2: Share = 0.999
    adam_epsilon: Annotated[Positive, Field(ge=1e-30)] = 1e-8
    blow_up: Positive = 1e5
    dtype: Literal["float32", "float64"] = "float32"
    warm_up: Fraction = 0.0
    slower: Slower | None = None
    signs: Rprop | None = None
    optimiser: Optimiser | None = None
    schedule: Schedule | None = None
    epochs: Count | None = None
    clip: Positive | None = None
    clip_value: Positive | None = None
    stop: Patience | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not self.steps and not self.epochs:
            raise ValueError("has no length: declare steps=..., or epochs=...")
        if self.steps and self.epochs:
            raise ValueError("has two lengths, steps and epochs: leave one out")
        if self.clip and self.clip_value:
            raise ValueError("clips gradients twice: leave clip or clip_value out")
        return self

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        """What older fields can say moves there, so that one training has one identity."""
        own = {name: getattr(self, name) for name in ("adam_beta1", "adam_beta2", "adam_epsilon", "signs")}
        decay = {name: getattr(self, name) for name in ("decay_from", "decay_to")}
        if self.optimiser:
            _refuse_changed(type(self), own, f"optimiser={self.optimiser.kind}(...)")
            self._take("optimiser", _as_older_fields(self.optimiser))
        if self.schedule:
            _refuse_changed(type(self), decay, f"schedule={self.schedule.kind}(...)")
            self._take("schedule", as_decay(self.schedule))
        return self

    @model_validator(mode="after")
    def _has_a_momentum_to_cycle(self) -> Self:
        cycles = isinstance(self.schedule, OneCycle) and self.schedule.momentum
        if cycles and isinstance(self.optimiser_in_force, Rprop):
            raise ValueError("Rprop has no momentum that OneCycle could change: leave momentum out")
        return self

    def _take(self, field: str, older: dict[str, Any] | None) -> None:
        for name, value in ({field: None} | older if older is not None else {}).items():
            object.__setattr__(self, name, value)  # of a frozen declaration, before anybody has seen it

    @property
    def optimiser_in_force(self) -> Optimiser:
        """What takes the steps, however it was declared."""
        adam = Adam(beta1=self.adam_beta1, beta2=self.adam_beta2, epsilon=self.adam_epsilon)
        return self.optimiser or self.signs or adam

    @property
    def schedule_in_force(self) -> Schedule:
        """The schedule of learning rates, however it was declared."""
        decay = Constant() if self.decay_from == 1 else Linear(end=self.decay_to, after=self.decay_from)
        return self.schedule or decay

    @property
    def momentum(self) -> float | None:
        """The momentum that the optimiser declares, of Adam β₁; Rprop has none."""
        return getattr(self.optimiser_in_force, "beta1", getattr(self.optimiser_in_force, "momentum", None))

    @property
    def shape(self) -> dict[str, Any]:
        """What trials have to share so as to train as one pack: all that is no number of a trial's own."""
        stop = self.stop and (self.stop.on, self.stop.every, self.stop.held_out)
        family = self.optimiser_in_force.family
        return {"steps": self.steps, "batch": self.batch, "dtype": self.dtype, "family": family, "stop": stop}

    def examples(self, n: int) -> int:
        """How many of n training examples minibatches are drawn from."""
        return n - self.stop.examples(n) if self.stop else n

    def on(self, n: int) -> Self:
        """The same training of n examples, its epochs counted in steps. Raises: ValueError where too many are held out."""
        left = self.examples(n)
        if left < 1:
            raise ValueError(f"stop holds out all of the {n} training examples: give it a smaller held_out")
        if not self.epochs:
            return self
        return self.model_copy(update={"epochs": None, "steps": self.epochs * (left // min(self.batch, left))})


def _as_older_fields(optimiser: Optimiser) -> dict[str, Any] | None:
    """An optimiser in the fields that `Training` has for Adam and Rprop, where these can say it."""
    if isinstance(optimiser, Rprop):
        return {"signs": optimiser}
    if isinstance(optimiser, Adam) and not optimiser.weight_decay:
        return {f"adam_{name}": getattr(optimiser, name) for name in ("beta1", "beta2", "epsilon")}
    return None


def _refuse_changed(kind: type[Spec], values: dict[str, Any], given: str) -> None:
    """Raises: ValueError for a field that is not at its default, and that what is given makes meaningless."""
    for name, value in values.items():
        if value != kind.model_fields[name].default:
            raise ValueError(f"has both {name} and {given}, which contradict each other: leave one out")
