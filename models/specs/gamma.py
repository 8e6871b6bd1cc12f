"""How the decoder variance γ is set: the torch-free declarations. `models.loss.gamma` carries them out.

γ is always a VARIANCE, in squared data units: p(x|z) = N(m(z), γ I).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from models.specs.spec import Count, Fraction, Magnitude, NonNegative, Rate, Spec, brief
from models.specs.vocabulary import Vocabulary

_NOTHING: Any = object()


def _given(**fields: Any) -> dict[str, Any]:
    """Without what was left out, so that it is missed like any other field."""
    return {name: value for name, value in fields.items() if value is not _NOTHING}


class Fixed(Spec):
    """γ is the same declared value throughout training."""

    kind: Literal["Fixed"] = "Fixed"
    value: Magnitude
    """The decoder variance γ, in squared data units."""

    def __init__(self, value: float = _NOTHING, **fields: Any) -> None:
        BaseModel.__init__(self, **_given(value=value), **fields)

    @property
    def label(self) -> str:
        """ "fixed 0.1"."""
        return f"fixed {brief(self.value)}"

    @property
    def start(self) -> float:
        """γ before the first step, in data²."""
        return self.value


class Learned(Spec):
    """γ is trained by gradient together with the network, as a scalar log γ.

    Adam moves log γ by about its learning rate a step, so a small rate may not arrive. `floor` and `ceiling` bound γ by
    projection after each step, which leaves γ unbiased between them.
    """

    kind: Literal["Learned"] = "Learned"
    init: Magnitude = 1.0
    """γ before the first step, in squared data units."""
    ceiling: Magnitude | None = None
    """The largest γ, to which it is set back after a step beyond; by default there is none."""
    floor: NonNegative = 0.0
    """The smallest γ, to which it is set back after a step below; by default there is none."""
    lr: Rate | None = None
    """The learning rate of log γ, which Adam moves by about so much a step; by default the network's own."""

    @model_validator(mode="after")
    def _bounds_enclose_the_start(self) -> Self:
        if self.init < self.floor or (self.ceiling is not None and self.init > self.ceiling):
            raise ValueError("init must lie between floor and ceiling: move the bounds or start inside them")
        return self

    @property
    def label(self) -> str:
        """ "learned", or "learned ≤1"."""
        return "learned" if self.ceiling is None else f"learned ≤{brief(self.ceiling)}"

    @property
    def start(self) -> float:
        """γ before the first step, in data²."""
        return self.init


class Optimal(Spec):
    """γ is the closed form R/d on each minibatch, and over the whole training set in the record.

    R is the squared error E‖x − m(z)‖², summed over the d outputs. The plug-in underestimates J by O(1/batch) (Jensen).
    """

    kind: Literal["Optimal"] = "Optimal"
    floor: NonNegative = 0.0
    """The smallest γ, in squared data units; by default there is none."""

    @property
    def label(self) -> str:
        """ "optimal"."""
        return "optimal"

    @property
    def start(self) -> None:
        """The data decide the first value."""
        return None


class Annealed(Spec):
    """γ moves geometrically from `start` to `end` over the first `over` of the steps, then stays."""

    kind: Literal["Annealed"] = "Annealed"
    start: Magnitude
    """γ at the first step, in squared data units."""
    end: Magnitude
    """γ from the end of the way on, in squared data units."""
    over: Annotated[Fraction, Field(gt=0)] = 0.5
    """The share of all steps that the way from `start` to `end` takes."""

    def __init__(self, start: float = _NOTHING, end: float = _NOTHING, **fields: Any) -> None:
        BaseModel.__init__(self, **_given(start=start, end=end), **fields)

    @property
    def label(self) -> str:
        """ "annealed 1→0.01"."""
        return f"annealed {brief(self.start)}→{brief(self.end)}"


class Refit(Spec):
    """γ is learned first; then the same network is trained again, from fresh weights, with γ fixed at γ*, where it ended.

    A trial of this mode stands on its twin with the mode `learned`, which is trained once for all that need it. The second
    training draws from a seed of its own, derived from the trial's and recorded beside it.
    """

    kind: Literal["Refit"] = "Refit"
    learned: Learned = Learned()
    """How γ is learned the first time."""

    @property
    def label(self) -> str:
        """ "refit", or "refit ≤1"."""
        return self.learned.label.replace("learned", "refit")

    @property
    def start(self) -> None:
        """The learned twin decides the value."""
        return None


class PerPixel(Spec):
    """Each value of x has a variance of its own, the same for all images: γ_i = floor + exp(v_i), v trained from log init.

    The v_i are trained at the network's learning rate. A pixel that is the same in all images draws its variance to 0,
    and J with it to −∞: a declared `floor` stops it.
    """

    kind: Literal["PerPixel"] = "PerPixel"
    init: Magnitude = 1.0
    """What γ_i exceeds its floor by before the first step, in squared data units."""
    floor: NonNegative = 0.0
    """What every γ_i exceeds, in squared data units; by default 0."""

    @property
    def label(self) -> str:
        """ "per pixel"."""
        return "per pixel"

    @property
    def start(self) -> float:
        """γ_i before the first step, in data²."""
        return self.floor + self.init


class PerImage(Spec):
    """Each image has a variance of its own, in closed form: γ_n = max(‖x_n − m(z)‖²/d, floor), given x_n and z.

    Such a γ has seen what it is to explain, so p(x|z, γ_n) is no density of x; what makes it one is in
    `models.loss.likelihood`.
    """

    kind: Literal["PerImage"] = "PerImage"
    floor: NonNegative = 0.0
    """The smallest γ_n, in squared data units; by default there is none."""

    @property
    def label(self) -> str:
        """ "per image"."""
        return "per image"

    @property
    def start(self) -> None:
        """The data decide the first value."""
        return None


class DecodedPerPixel(Spec):
    """The decoder gives each value of x a variance beside its mean: γ_i(z) = floor + init·exp(v_i(z)), v_i being an output.

    Where the decoder reproduces a value exactly, J falls without bound with its variance: a declared `floor` stops it.
    Source: Rybkin, Daniilidis & Levine (2021), section 3, whose calibrated decoders replace this one.
    """

    kind: Literal["DecodedPerPixel"] = "DecodedPerPixel"
    init: Magnitude = 1.0
    """What γ_i exceeds its floor by where v_i = 0, in squared data units; initial weights put v_i about there."""
    floor: NonNegative = 0.0
    """What every γ_i exceeds, in squared data units; by default 0."""

    @property
    def label(self) -> str:
        """ "per pixel, decoded"."""
        return "per pixel, decoded"

    @property
    def start(self) -> float:
        """γ_i where v_i = 0, in data²."""
        return self.floor + self.init


class LearnedByBeta(Spec):
    """γ is a trained function of β, for a network that sees β: log γ is linear in log β between knots.

    The knots lie evenly in log β over the objective's spread, its ends among them, and are trained at the network's learning
    rate. So each β gets the γ that a training of its own would learn, and one network serves them all.
    """

    kind: Literal["LearnedByBeta"] = "LearnedByBeta"
    init: Magnitude = 1.0
    """γ at every β before the first step, in squared data units."""
    knots: Annotated[Count, Field(ge=2, le=1000)] = 32
    """At how many β log γ is trained: the more, the sharper the bends that it can follow."""

    @property
    def label(self) -> str:
        """ "learned by β"."""
        return "learned by β"

    @property
    def start(self) -> float:
        """γ before the first step, in data²."""
        return self.init


class Absent(Spec):
    """There is no γ: the likelihood is one of levels, and has no variance."""

    kind: Literal["Absent"] = "Absent"

    @property
    def label(self) -> str:
        """ "no γ"."""
        return "no γ"

    @property
    def start(self) -> None:
        """Nothing."""
        return None


OneGamma = Fixed | Learned | Optimal | Annealed | Refit
"""Modes in which one number says how wide p(x|z) is."""

ManyGammas = PerPixel | PerImage | DecodedPerPixel | LearnedByBeta
"""Modes of the normal likelihood with a variance for each value, for each example, or for each β."""

TrainedGamma = Learned | Optimal | PerPixel | PerImage
"""Modes in which training decides where γ ends, not the declaration."""

Gamma = Annotated[OneGamma | ManyGammas | Absent, Vocabulary()]
