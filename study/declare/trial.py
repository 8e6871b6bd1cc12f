"""The Trial, and the stages it stands on.

A stage is a trial. A trial whose training needs another's result names that trial in its declaration, so its id follows
from both; and a stage that many trials stand on is one trial, trained once.
"""

import math
from functools import cached_property
from typing import Annotated, Literal, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from models.seeds import stream_seed
from models.specs import (
    VAE,
    Data,
    DecodedPerPixel,
    LearnedByBeta,
    Model,
    Objective,
    PerPixel,
    Refit,
    Spec,
    Spread,
    Training,
)
from models.specs.gamma import ManyGammas
from models.specs.likelihood import GammaCurve, PerValue
from models.specs.own_functions import OwnMetric
from models.specs.spec import Seed, Whole, as_tuple, shared
from study.declare.consistency import check
from study.declare.description import as_html
from study.declare.identity import canonical, content_id, digest

_FREE_IN_A_PACK = ("init", "mu_scale", "log_var_scale", "output_scale", "z_scale", "decoder_gain")
"""What of a network may differ inside a pack."""


MOST_SAMPLES = 100_000
"""More samples than that say nothing new beside ten thousand test examples, and would fill the memory."""


class Trial(Spec):
    """One complete experiment: which network trains on which data, how, and from which seed.

    Its identity `trial_id` is a hash of all of this. A trial with `after` trains on the output of that stage: on the codes of
    a deterministic autoencoder, centred and scaled to a mean variance of one, or on draws from a VAE's aggregate posterior
    q(z), fresh in every minibatch. What `samples`, `outliers` and `bits` measure is in `models.metrics.sample_quality`,
    `study.train.measure.outliers` and `study.train.measure.levels`.
    """

    kind: Literal["Trial"] = "Trial"
    data: Annotated[Data, AfterValidator(shared)]
    """The data set: `PlantedManifold(…)`, `MNIST()`, `OwnData.of(…)`."""
    model: Annotated[Model, AfterValidator(shared)]
    """The network: `VAE(…)`, `ImageVAE(…)`, `Own.of(…)`."""
    objective: Annotated[Objective, AfterValidator(shared)]
    """What is minimised: `Objective(gamma=…, beta=…)`."""
    training: Annotated[Training, AfterValidator(shared)]
    """How the network is trained: `Training(steps=…)`."""
    seed: Seed
    """Decides the initial weights, the order of the minibatches and the noise: trials of one seed share them."""
    after: Self | None = None
    """An earlier, frozen stage on the same data, on whose codes or draws this trial trains; by default it trains on
    the data."""
    samples: Annotated[Whole, Field(ge=0, le=MOST_SAMPLES)] = 0
    """How many samples of the trained network are compared with test examples; by default none are."""
    outliers: Data | None = None
    """A data set whose test examples are to be told from the data's own; by default nothing is screened."""
    bits: Annotated[bool, Field(strict=True)] = False
    """Whether the probability of the levels of test images is measured; by default it is not."""
    metrics: Annotated[tuple[OwnMetric, ...], BeforeValidator(as_tuple)] = ()
    """Metrics of your own: `OwnMetric.of(…)`, or several of them."""

    @field_validator("training", mode="after")
    @classmethod
    def _counts_in_steps(cls, training: Training, info: ValidationInfo) -> Training:
        """Epochs are steps once the data are known, so that a trial is the same however its length is declared."""
        data = info.data.get("data")  # missing where it was refused
        return cast("Training", shared(training.on(data.n_train))) if data else training

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        check(self)
        return self

    @cached_property
    def trial_id(self) -> str:
        """Its identity: the digest of the declaration."""
        return content_id(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return as_html(self, self.trial_id)

    @property
    def sees_beta(self) -> bool:
        """Whether the β of each example is an input of the network."""
        return isinstance(self.model, VAE) and self.model.sees_beta

    @property
    def spread(self) -> Spread | None:
        """The range of β that the network sees: its own, or that of the stage whose draws it trains on."""
        seen = self.after.objective if self.after and self.sees_beta else self.objective
        return seen.spread

    def u_of(self, beta: float) -> float:
        """A β of the spread as the network sees it (see `models.networks.beta_vae`)."""
        own, spread = (self.after or self).objective.beta, self.spread
        return 2 * math.log(beta / own) / math.log(spread.high / spread.low) if spread else 0.0

    @property
    def datasets(self) -> tuple[Data, ...]:
        """The data sets that training and measuring need."""
        return (self.data, self.outliers) if self.outliers else (self.data,)

    @property
    def d_in(self) -> int:
        """Dimensions of the encoder's input: those of an example, or of a code of the stage before."""
        return self.after.model.kappa if self.after else self.data.d_in

    @property
    def d(self) -> int:
        """Dimensions of the decoder's output."""
        return self.after.model.kappa if self.after else self.data.d

    @property
    def image(self) -> tuple[int, ...] | None:
        """The shape of the encoder's input where that is a picture; codes are none."""
        return None if self.after else self.data.image

    @property
    def per_value(self) -> PerValue:
        """What the decoder outputs for each value."""
        match gamma := self.objective.gamma:
            case PerPixel():
                return PerValue(variance=gamma.init)
            case DecodedPerPixel():
                return PerValue(2)
            case LearnedByBeta():
                spread = self.objective.spread
                assert spread is not None
                ends, nats = (self.u_of(spread.low), self.u_of(spread.high)), math.log(spread.high / spread.low) / 2
                return PerValue(curve=GammaCurve(gamma.init, gamma.knots, *ends, nats))
            case _:
                return PerValue(self.objective.likelihood.numbers(self.data.levels or 0))

    @cached_property
    def twin(self) -> "Trial | None":
        """With `Refit`: the trial that learns γ, before this one trains again with γ fixed there."""
        gamma = self.objective.gamma
        if not isinstance(gamma, Refit):
            return None
        return self.model_copy(update={"objective": self.objective.model_copy(update={"gamma": gamma.learned})})

    @property
    def stands_on(self) -> tuple["Trial", ...]:
        """The trials whose results this one needs for its training."""
        return tuple(trial for trial in (self.after, self.twin) if trial)

    @cached_property
    def stages(self) -> tuple["Trial", ...]:
        """Every trial that this one stands on, directly or not, each once, in an order in which they can train."""
        found = {stage.trial_id: stage for one in self.stands_on for stage in (*one.stages, one)}
        return tuple(found.values())

    @property
    def stage(self) -> str:
        """The part that this trial plays in its chain of stages."""
        if self.model.is_deterministic:
            return "autoencoder"
        if self.twin:
            return "refit"
        return "vae" if not self.after or self.after.model.is_deterministic else "second vae"

    @property
    def weights_seed(self) -> int:
        """The seed of the training: the trial's own, or one derived from it where the network is trained a second time."""
        return stream_seed(self.seed, "refit") if self.twin else self.seed

    @cached_property
    def pack_key(self) -> str:
        """Hash of what decides the shapes of tensors: trials that share it can train as one stack.

        γ, β, the learning rate and its schedule, the numbers of the optimiser, the scale of the initial weights and the seed
        may differ inside a pack. So may the stage that a trial stands on, as long as its codes are as wide and as noisy.
        Trials of the normal likelihood with one γ share packs, however γ is set; those of another likelihood, or with more
        variances, have packs of their own, and so have those with a penalty on codes, whichever it is. Networks that see β
        share their spread.
        """
        content = canonical(self)
        if not self.objective.is_plain:
            gamma = self.objective.gamma
            content["likelihood"] = canonical(self.objective.likelihood)
            content["gamma"] = canonical(gamma) if isinstance(gamma, ManyGammas) else None
        if self.objective.is_sparse:
            content["penalty"] = "Sparsity"
        if self.after:
            content["after"] = [self.after.model.kappa, self.after.model.is_deterministic]
        for free in ("objective", "seed"):
            content.pop(free)
        if terms := self.objective.terms:
            content["terms"] = [{k: v for k, v in canonical(term).items() if k != "weight"} for term in terms]
        if self.spread:
            content["spread"] = [canonical(self.spread), (self.after or self).objective.beta]
        content["model"] = {name: value for name, value in content["model"].items() if name not in _FREE_IN_A_PACK}
        return digest(content | {"training": self.training.shape})
