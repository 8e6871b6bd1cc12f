"""Optimisers: how a gradient becomes a step. Each does what its namesake in `torch.optim` does.

All of a pack's trials have optimisers of one `family`; the numbers of an optimiser are each trial's own.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.specs.spec import Described, Fraction, NonNegative, Positive, Real, Spec
from models.specs.vocabulary import Vocabulary

Share = Annotated[Fraction, Field(lt=1)]
"""What a running average keeps of itself in a step."""

Switch = Annotated[bool, Field(strict=True)]


class Adam(Described):
    """`torch.optim.Adam`; `weight_decay` · w is added to the gradient of every weight w (L2).

    Source: Kingma & Ba (2015), algorithm 1.
    """

    kind: Literal["Adam"] = "Adam"
    beta1: Share = 0.9
    """What the running mean of the gradient keeps of itself in a step: the momentum."""
    beta2: Share = 0.999
    """What the running mean of its square keeps of itself in a step."""
    epsilon: Annotated[Positive, Field(ge=1e-30)] = 1e-8
    """Added to the root of the mean square, so that no step is divided by zero."""
    weight_decay: NonNegative = 0.0
    """Times each weight, added to its gradient (L2); by default there is none."""

    @property
    def family(self) -> str:
        """Trials with Adam and with AdamW share packs."""
        return "Adam"


class AdamW(Described):
    """`torch.optim.AdamW`: Adam, and every step multiplies each weight by 1 − learning rate · `weight_decay`.

    Source: Loshchilov & Hutter (2019), algorithm 2.
    """

    kind: Literal["AdamW"] = "AdamW"
    beta1: Share = 0.9
    """What the running mean of the gradient keeps of itself in a step: the momentum."""
    beta2: Share = 0.999
    """What the running mean of its square keeps of itself in a step."""
    epsilon: Annotated[Positive, Field(ge=1e-30)] = 1e-8
    """Added to the root of the mean square, so that no step is divided by zero."""
    weight_decay: NonNegative = 0.01
    """The share of each weight that a step takes away, in learning rates."""

    @property
    def family(self) -> str:
        """Trials with Adam and with AdamW share packs."""
        return "Adam"


class SGD(Described):
    """`torch.optim.SGD`: gradient descent, with momentum (dampening 0) and L2 weight decay where they are given.

    Source: Sutskever, Martens, Dahl & Hinton (2013), section 2, in the form in which torch has it.
    """

    kind: Literal["SGD"] = "SGD"
    momentum: Share = 0.0
    """What the running sum of gradients keeps of itself in a step; by default steps follow the gradient alone."""
    nesterov: Switch = False
    """Whether the gradient looks ahead along the momentum; by default it does not."""
    weight_decay: NonNegative = 0.0
    """Times each weight, added to its gradient (L2); by default there is none."""

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov looks ahead along the momentum, and there is none: give momentum=0.9, say")
        return self

    @property
    def family(self) -> str:
        """Nesterov's momentum has packs of its own."""
        return "SGD, Nesterov" if self.nesterov else "SGD"


class RMSprop(Described):
    """`torch.optim.RMSprop`: the gradient over the root of its running mean square, with L2 weight decay and momentum.

    `centred` subtracts the square of the running mean first: torch's `centered`.
    """

    kind: Literal["RMSprop"] = "RMSprop"
    alpha: Share = 0.99
    """What the running mean of the squared gradient keeps of itself in a step."""
    epsilon: Annotated[Positive, Field(ge=1e-30)] = 1e-8
    """Added to the root of that mean, so that no step is divided by zero."""
    weight_decay: NonNegative = 0.0
    """Times each weight, added to its gradient (L2); by default there is none."""
    momentum: Share = 0.0
    """What the running sum of steps keeps of itself; by default there is no momentum."""
    centred: Switch = False
    """Whether the square of the gradient's running mean is subtracted first: torch's `centered`; by default it is
    not."""

    @property
    def family(self) -> str:
        """The centred one has packs of its own."""
        return "RMSprop, centred" if self.centred else "RMSprop"


class Rprop(Spec):
    """Steps by the signs of the gradient alone, of a size that each number has for itself: iRprop−.

    A size starts at the learning rate, grows by `grow` where the gradient keeps its sign, and shrinks by `shrink` where it
    changes it; after a change the number rests for one step. Sizes stay between `least` and `most` learning rates. How
    large a gradient is makes no difference, so none is too large as γ → 0; but a minibatch's signs are those of its noise
    wherever that is larger than the gradient.

    `torch.optim.Rprop` is the same algorithm with bounds in absolute numbers. At a constant learning rate lr the two
    agree for `least=1e-6 / lr` and `most=50 / lr`. Here a schedule scales every step, in torch only the first sizes.

    Source: Igel & Hüsken (2003), "Empirical evaluation of the improved Rprop learning algorithms", iRprop−, after
    Riedmiller & Braun (1993).
    """

    kind: Literal["Rprop"] = "Rprop"
    grow: Annotated[Real, Field(ge=1, le=10)] = 1.2
    """What a step size is multiplied by where the gradient keeps its sign."""
    shrink: Annotated[Fraction, Field(gt=0)] = 0.5
    """What it is multiplied by where the gradient changes its sign."""
    least: NonNegative = 1e-5
    """The smallest step size, in learning rates."""
    most: Annotated[Positive, Field(le=1e30)] = 10.0
    """The largest step size, in learning rates."""

    @model_validator(mode="after")
    def _sizes_enclose_the_start(self) -> Self:
        if not self.least <= 1 <= self.most:
            raise ValueError("sizes are in learning rates and start at 1: give least ≤ 1 ≤ most")
        return self

    @property
    def label(self) -> str:
        """ "iRprop−"."""
        return "iRprop−"

    @property
    def family(self) -> str:
        """All of them share packs."""
        return "Rprop"


Optimiser = Annotated[Adam | AdamW | SGD | RMSprop | Rprop, Vocabulary()]
"""How a gradient becomes a step."""
