"""How a network is trained: the torch-free declarations. The training loop carries them out."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.specs.early_stopping import Patience
from models.specs.optimisers import Adam, Optimiser, Rprop, Share
from models.specs.schedules import Constant, Linear, OneCycle, Schedule, as_decay
from models.specs.spec import Count, Fraction, Positive, Rate, Spec, Whole, brief


class Slower(Spec):
    """Every learning rate times (γ/below)^power where γ < below: steps shrink as γ falls and gradients grow with 1/γ."""

    kind: Literal["Slower"] = "Slower"
    below: Positive
    """The γ below which learning rates fall, in squared data units."""
    power: Annotated[Positive, Field(le=4)] = 0.5
    """How fast they fall with γ: in proportion to it at 1, to its root at ½."""

    @property
    def label(self) -> str:
        """ "(γ/0.01)^0.5"."""
        return f"(γ/{brief(self.below)})^{brief(self.power)}"


class Training(Spec):
    """How a network is trained: so many steps, or epochs, on minibatches drawn without replacement in an epoch.

    An epoch is as many whole minibatches as the training examples make; a trial turns `epochs` into `steps` (the incomplete
    last minibatch is dropped), and is the same trial either way.

    A schedule changes the learning rate, and that of γ with it: by default they are constant for half of the steps and fall
    linearly from there; `schedule=Constant()` leaves them alone. What the older fields can say is kept in them:
    `optimiser=Adam(beta1=0.5)` is `adam_beta1=0.5`, `optimiser=Rprop()` is `signs=Rprop()`, and `schedule=Linear(end=0.1)`
    is `decay_from=0, decay_to=0.1`. `optimiser_in_force` and `schedule_in_force` say what counts.

    Clipping is torch's `clip_grad_norm_` and `clip_grad_value_`, of each trial by itself. The gradient of log γ counts as
    that of any parameter. Weight decay is for the network alone: it never touches log γ or the log variances of pixels.

    Three remedies for training at a small γ, none of them taken by default: `warm_up`, `slower`, and Rprop for Adam. A trial
    has *diverged* at the first step whose J or gradient is not finite, or whose J is beyond `blow_up`: its weights stay at
    the last state before that step.
    """

    kind: Literal["Training"] = "Training"
    steps: Annotated[Whole, Field(ge=0, lt=2**31)] = 0
    """How many steps of the optimiser are taken; leave it out where `epochs` says how long."""
    batch: Count = 256
    """Examples in a minibatch."""
    lr: Rate = 1e-3
    """The learning rate before any schedule, for all parameters, and for log γ where that has none of its own."""
    decay_from: Fraction = 0.5
    """The share of all steps after which the learning rate falls, linearly."""
    decay_to: Fraction = 0.02
    """What the learning rate falls to by the end, as a share of itself."""
    adam_beta1: Share = 0.9
    """β₁ of Adam, where no other optimiser is declared."""
    adam_beta2: Share = 0.999
    """β₂ of Adam, where no other optimiser is declared."""
    adam_epsilon: Annotated[Positive, Field(ge=1e-30)] = 1e-8
    """ε of Adam, where no other optimiser is declared."""
    blow_up: Positive = 1e5
    """A trial has diverged where J exceeds so many times 1 + |J of its first step|."""
    dtype: Literal["float32", "float64"] = "float32"
    """The precision of all numbers in training."""
    warm_up: Fraction = 0.0
    """The share of all steps over which β rises linearly from 0; by default it is whole from the first step."""
    slower: Slower | None = None
    """How learning rates fall with γ where it is small; by default they do not."""
    signs: Rprop | None = None
    """An older way to write `optimiser=Rprop(…)`, in which it is kept."""
    optimiser: Optimiser | None = None
    """What makes a step of a gradient; by default Adam with the three numbers above."""
    schedule: Schedule | None = None
    """How the learning rate changes from step to step; by default as `decay_from` and `decay_to` say."""
    epochs: Count | None = None
    """How many times minibatches go through the training examples, in place of `steps`."""
    clip: Positive | None = None
    """The norm that a longer gradient is scaled down to; by default none is."""
    clip_value: Positive | None = None
    """The size at which each number of the gradient is cut off; by default none is."""
    stop: Patience | None = None
    """When a trial ends early; by default it takes all its steps."""

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
