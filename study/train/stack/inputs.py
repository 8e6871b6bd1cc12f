"""What the trials of a pack encode and decode: the data themselves, or codes of the stages before them.

Rows of the data are one table for all trials. Codes differ between trials that stand on different stages, so there they
are one table for each stage, and every trial knows where its own begins.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.data.dataset import DataSet
from models.streams import BLOCK, draws, move, places, stream
from study.declare.trial import Trial
from study.train.stack.earlier_stages import FrozenStage
from study.train.stack.resumable import State
from study.train.stack.training_rows import TrainingRows

Pair = tuple[Float[Tensor, "*pack n d_in"], Float[Tensor, "*pack n d"]]
"""What is encoded, and what it is decoded to: (n, ·) for all trials alike, or (pack, n, ·)."""


class Inputs:
    """Rows of the data, the same for every trial of a pack, which is what `are_everyones` says.

    `is_noisy` says whether they are drawn anew in every batch.
    """

    are_everyones = True
    is_noisy = False

    def __init__(self, data: DataSet, device: torch.device, dtype: torch.dtype) -> None:
        self._data, self._device, self._dtype = data, device, dtype
        self._train = TrainingRows(data.train, device, dtype)
        self._targets = TrainingRows(data.train_y, device, dtype) if data.targets else None
        self.sizes = {"train": len(data.train), "test": len(data.test)}

    def _move(self, rows: object) -> Float[Tensor, "n d"]:
        return torch.as_tensor(rows).to(self._device, self._dtype)

    def batch(
        self, rows: Int[Tensor, "pack batch"], u: Float[Tensor, "pack batch"] | None = None
    ) -> tuple[Float[Tensor, "pack batch d_in"], Float[Tensor, "pack batch d"]]:
        """What the trials encode, and what they decode it to, of the training examples `rows`.

        `u` says which β each example is seen at, for inputs that follow from it.
        """
        del u
        x = self._train.gather(rows)
        return x, x if self._targets is None else self._targets.gather(rows)

    def examples(self, rows: Int[Tensor, " n"]) -> Pair:
        """What the trials encode, and what they decode it to, of the training examples `rows`, in rising order.

        Nothing is drawn from the streams of minibatches.
        """
        x, y = self.batch(rows[None])
        return x[0], y[0]

    def see(self, u: float | None) -> None:
        """Let the stage before see β at `u` (see `models.networks.beta_vae`), if it sees one; None: at its own β."""

    def split(self, name: str, size: int) -> Iterator[Pair]:
        """The whole training or test set in chunks of `size` rows."""
        data = self._data
        sets = {"train": (data.train, data.train_y), "test": (data.test, data.test_y)}[name]
        for start in range(0, len(sets[0]), size):
            x, y = (self._move(part[start : start + size]) for part in sets)
            yield x, y

    def original(self, name: str, start: int, size: int) -> Float[Tensor, "n d"] | None:
        """The rows of the data behind a chunk of codes; None where the trials decode to the data themselves."""
        del name, start, size

    def variance(self, name: str, index: int) -> float:
        """Total variance of what trial `index` decodes to, about the training mean."""
        del index
        return {"train": self._data.total_variance, "test": self._data.total_variance_test}[name]

    def to_data(self, rows: Float[Tensor, "pack n width"]) -> Float[Tensor, "pack n d"]:
        """What the trials decoded, as rows of the data."""
        return rows

    def state(self) -> State:
        """Where the random streams stand that are drawn from in every batch."""
        return {}

    def go_to(self, state: State) -> None:
        """Take the random streams to where a `state` was."""
        del state


class Codes(Inputs):
    """Codes of earlier stages: fixed ones of an autoencoder, or draws z = μ(x) + σ(x) ε of a VAE, new in every batch."""

    are_everyones = False

    def __init__(
        self,
        data: DataSet,
        trials: Sequence[Trial],
        stages: Sequence[FrozenStage],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._data, self._device, self._dtype, self._stage_by_trial = data, device, dtype, stages
        self._stages = list(dict.fromkeys(stages))
        self._stage_of = torch.tensor([self._stages.index(stage) for stage in stages], device=device)
        self.sizes = {"train": len(data.train), "test": len(data.test)}
        self.is_noisy = not self._stages[0].is_deterministic
        self.see(None)
        self._seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seed_of = torch.tensor([self._seeds.index(trial.seed) for trial in trials], device=device)
        self._fresh = self._generators("codes")

    def _stack(self, tables: Sequence[Float[Tensor, "n kappa"]]) -> Float[Tensor, "stages n kappa"]:
        return torch.stack([table.to(self._device, self._dtype) for table in tables])

    def _generators(self, purpose: str) -> list[torch.Generator]:
        return [stream(seed, purpose) for seed in self._seeds]

    def see(self, u: float | None) -> None:
        """Encode the data anew where the stage before sees β at `u`; None: its codes at its own β."""
        self._u = u
        if u is None:
            self._codes = {name: self._stack([stage.codes[name] for stage in self._stages]) for name in self.sizes}
            if self.is_noisy:
                self._stds = {name: self._stack([stage.stds[name] for stage in self._stages]) for name in self.sizes}
            return
        for name in self.sizes:
            codes, stds = zip(*(stage.moments(name, u) for stage in self._stages), strict=True)
            self._codes[name], self._stds[name] = self._stack(codes), self._stack(stds)

    def batch(
        self, rows: Int[Tensor, "pack batch"], u: Float[Tensor, "pack batch"] | None = None
    ) -> tuple[Float[Tensor, "pack batch d"], Float[Tensor, "pack batch d"]]:
        """Codes of the training examples `rows`, which are decoded to themselves; at `u` where a stage before sees β."""
        if u is not None:
            return self._batch_at(rows, u)
        codes = self._codes["train"]
        rows = rows + (self._stage_of * codes.shape[1])[:, None]
        x = _gather(codes.flatten(0, 1), rows)
        if self.is_noisy:
            eps = self._noise(self._fresh, rows.shape[1])
            x = torch.addcmul(x, _gather(self._stds["train"].flatten(0, 1), rows), eps)
        return x, x

    def _batch_at(
        self, rows: Int[Tensor, "pack batch"], u: Float[Tensor, "pack batch"]
    ) -> tuple[Float[Tensor, "pack batch d"], Float[Tensor, "pack batch d"]]:
        """Draws of the posteriors at each example's own u: encoded anew, since no table holds them."""
        moments = [stage.moments_of(own, at) for stage, own, at in zip(self._stage_by_trial, rows, u, strict=True)]
        mu, std = (self._stack(part) for part in zip(*moments, strict=True))
        x = torch.addcmul(mu, std, self._noise(self._fresh, rows.shape[1]))
        return x, x

    def split(self, name: str, size: int) -> Iterator[Pair]:
        """The codes of the whole training or test set; draws are the same however the set is cut."""
        generators = self._generators(f"codes {name}")
        codes = self._codes[name]
        for start in range(0, codes.shape[1], size):
            part = slice(start, start + size)
            x = codes[self._stage_of, part]
            if self.is_noisy:
                x = torch.addcmul(x, self._stds[name][self._stage_of, part], self._noise(generators, x.shape[1]))
            yield x, x

    def examples(self, rows: Int[Tensor, " n"]) -> Pair:
        """The codes of training examples, with the noise that the whole training set is measured with."""
        chunks = zip(range(0, self.sizes["train"], BLOCK), self.split("train", BLOCK), strict=True)
        chosen = [x[:, rows[(rows >= start) & (rows < start + BLOCK)] - start] for start, (x, _) in chunks]
        x = torch.cat(chosen, dim=1)
        return x, x

    def _noise(self, generators: Sequence[torch.Generator], n: int) -> Float[Tensor, "pack n kappa"]:
        width = self._codes["train"].shape[2]
        return draws(generators, n, width, self._dtype).to(self._device)[self._seed_of]

    def original(self, name: str, start: int, size: int) -> Float[Tensor, "n d"]:
        """The rows of the data behind a chunk of codes."""
        rows = {"train": self._data.train, "test": self._data.test}[name]
        return self._move(rows[start : start + size])

    def variance(self, name: str, index: int) -> float:
        """Total variance of the codes of trial `index`, noise included."""
        return self._stage_by_trial[index].variance[name]

    def to_data(self, rows: Float[Tensor, "pack n width"]) -> Float[Tensor, "pack n d"]:
        """Decoded codes as rows of the data, through the decoders of the stages before."""
        pairs = zip(self._stage_by_trial, rows, strict=True)
        return torch.stack([stage.decode(own, self._u).to(own.dtype) for stage, own in pairs])

    def state(self) -> State:
        """Where the noise on the codes stands."""
        return {"codes": places(self._fresh)}

    def go_to(self, state: State) -> None:
        """Take the noise on the codes to where a `state` was."""
        move(self._fresh, state["codes"])


def inputs_of(
    trials: Sequence[Trial],
    data: DataSet,
    stages: Sequence[FrozenStage | None],
    device: torch.device,
    dtype: torch.dtype,
) -> Inputs:
    """What the trials of a pack train on; all of them stand on a stage, or none does."""
    frozen = [stage for stage in stages if stage]
    return Codes(data, trials, frozen, device, dtype) if frozen else Inputs(data, device, dtype)


def _gather(table: Float[Tensor, "n width"], rows: Int[Tensor, "*index"]) -> Float[Tensor, "*index width"]:
    """The rows of a table that an index tensor names."""
    return table.index_select(0, rows.flatten()).view(*rows.shape, table.shape[1])
