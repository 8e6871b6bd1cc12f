"""The minibatches of a pack: what its trials encode and decode at each step, with the noise on their codes."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.streams import Batches
from study.declare.trial import Trial
from study.train.stack.inputs import Inputs
from study.train.stack.resumable import Resumable
from study.train.stack.stack import Stack
from study.train.stack.trained_numbers import of_rows
from study.train.step.beta_draws import BetaDraws
from study.train.step.early_stopping import rows_of


@dataclass(frozen=True)
class Minibatch:
    """Inputs x, targets y, noise ε, and where networks see β the u of each example and what its misfit and rate count."""

    x: Float[Tensor, "rows batch d_in"]
    y: Float[Tensor, "rows batch d"]
    eps: Float[Tensor, "rows batch kappa"]
    u: Float[Tensor, "rows batch"] | None = None
    weight: Float[Tensor, "rows batch"] | None = None
    rate_weight: Float[Tensor, "rows batch"] | None = None


class Minibatches:
    """Draws minibatches; trials that share a seed share their draws. `parts` are the streams behind them, by name."""

    def __init__(self, stack: Stack, trials: Sequence[Trial], inputs: Inputs) -> None:
        settings = trials[0].training
        self._inputs = inputs
        seeds = list(dict.fromkeys(trial.weights_seed for trial in trials))
        self._seed_of = torch.tensor([seeds.index(trial.weights_seed) for trial in trials], device=stack.device)
        kept, _ = rows_of(settings.stop, inputs.sizes["train"])
        self._kept = kept.to(stack.device) if settings.stop else None
        self._batches = Batches(seeds, len(kept), settings.batch, stack.kappa, stack.dtype, stack.device)
        self._betas = BetaDraws(stack, trials)
        self._memory: dict[tuple[str, int], Tensor] = {}
        self.size = min(settings.batch, len(kept))
        self.parts: dict[str, Resumable] = {"batches": self._batches, "inputs": inputs, "betas": self._betas}

    def draw(self) -> "Drawn":
        """The minibatch of the next step."""
        rows, eps = next(self._batches)
        if self._kept is not None:
            rows = self._kept[rows]
        if self._inputs.are_everyones and not self._betas:
            return Drawn(*self._inputs.batch(rows), eps, self._seed_of, self._seed_of, self._memory)
        u = self._betas.draw(rows.shape[1]) if self._betas else None
        x, y = self._inputs.batch(rows[self._seed_of], u)
        weights = (None, None) if u is None else self._betas.weights(u)
        return Drawn(x, y, eps, None, self._seed_of, self._memory, u, *weights)


@dataclass(frozen=True)
class Drawn:
    """A minibatch of the whole pack: a table of rows for each seed, or for each trial where `place` is None.

    What it gives lies in `memory`, and holds until the same rows, or as many others, are asked for again.
    """

    x: Float[Tensor, "tables batch d_in"]
    y: Float[Tensor, "tables batch d"]
    eps: Float[Tensor, "seeds batch kappa"]
    place: Int[Tensor, " pack"] | None
    seed_of: Int[Tensor, " pack"]
    memory: dict[tuple[str, int], Tensor]
    u: Float[Tensor, "pack batch"] | None = None
    weight: Float[Tensor, "pack batch"] | None = None
    rate_weight: Float[Tensor, "pack batch"] | None = None

    def of(self, rows: slice) -> Minibatch:
        """What some trials of the pack see."""
        x = self._rows_of("x", self.x, rows)
        y = x if self.y is self.x else self._rows_of("y", self.y, rows)
        eps = self._gathered("eps", self.eps, of_rows(self.seed_of, rows))
        of_betas = (self.u, self.weight, self.rate_weight)
        return Minibatch(x, y, eps, *(None if each is None else of_rows(each, rows) for each in of_betas))

    def _rows_of(self, name: str, table: Float[Tensor, "tables batch _"], rows: slice) -> Float[Tensor, "rows batch _"]:
        return of_rows(table, rows) if self.place is None else self._gathered(name, table, of_rows(self.place, rows))

    def _gathered(
        self, name: str, table: Float[Tensor, "tables batch _"], places: Int[Tensor, " rows"]
    ) -> Float[Tensor, "rows batch _"]:
        """The tables at some places, in memory that is used again: new memory takes longer than to fill it."""
        key = (name, places.shape[0])
        if key not in self.memory:
            self.memory[key] = table.new_empty(places.shape[0], *table.shape[1:])
        return torch.index_select(table, 0, places, out=self.memory[key])
