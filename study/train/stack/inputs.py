"""What the trials of a pack encode and decode: the data themselves, or codes of the stages before them.

Rows of the data are one table for all trials. Codes differ between trials that stand on different stages, so there they
are one table for each stage, and every trial knows where its own begins.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from models.data.dataset import DataSet
from models.streams import draws, move, places, stream
from study.declare.trial import Trial
from study.train.stack.earlier_stages import Frozen
from study.train.stack.training_rows import Table


class Inputs:
    """Rows of the data, the same for every trial of a pack. `is_noisy` says whether they are drawn anew in every batch."""

    is_noisy = False

    def __init__(self, data: DataSet, device: torch.device, dtype: torch.dtype) -> None:
        self._data, self._device, self._dtype = data, device, dtype
        self._train = Table(data.train, device, dtype)
        self._targets = Table(data.train_y, device, dtype) if data.targets else None
        self.sizes = {"train": len(data.train), "test": len(data.test)}

    def _moved(self, rows: object) -> Tensor:
        return torch.as_tensor(rows).to(self._device, self._dtype)

    def batch(self, rows: Tensor, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What the trials encode and decode of the training examples `rows` (pack, batch): (pack, batch, ·) each.

        Where these follow from the β that each example is told, `u` (pack, batch) says which.
        """
        del u
        x = self._train.gathered(rows)
        return x, x if self._targets is None else self._targets.gathered(rows)

    def see(self, u: float | None) -> None:
        """Stand at another u of the stage before, where it is told one (`models.networks.beta_vae`); None: at its own β."""

    def split(self, name: str, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The whole training or test set in chunks of `size` rows: (n, ·) for all trials alike, or (pack, n, ·)."""
        data = self._data
        sets = {"train": (data.train, data.train_y), "test": (data.test, data.test_y)}[name]
        for start in range(0, len(sets[0]), size):
            x, y = (self._moved(part[start : start + size]) for part in sets)
            yield x, y

    def original(self, name: str, start: int, size: int) -> Tensor | None:
        """The rows of the data behind a chunk of codes, (n, d); None where the trials decode to the data themselves."""
        del name, start, size

    def variance(self, name: str, index: int) -> float:
        """Total variance of what trial `index` decodes to, about the training mean."""
        del index
        return {"train": self._data.total_variance, "test": self._data.total_variance_test}[name]

    def in_data(self, rows: Tensor) -> Tensor:
        """What the trials decoded, (pack, n, ·), as rows of the data."""
        return rows

    def state(self) -> dict[str, Tensor]:
        """Where what is drawn anew in every batch stands."""
        return {}

    def go_to(self, state: Mapping[str, Tensor]) -> None:
        del state


class Codes(Inputs):
    """Codes of earlier stages: fixed ones of an autoencoder, or draws z = μ(x) + σ(x) ε of a VAE, new in every batch."""

    def __init__(
        self,
        data: DataSet,
        trials: Sequence[Trial],
        frozen: Sequence[Frozen],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._data, self._device, self._dtype, self._frozen = data, device, dtype, frozen
        self._stages = list(dict.fromkeys(frozen))
        self._stage_of = torch.tensor([self._stages.index(stage) for stage in frozen], device=device)
        self.sizes = {"train": len(data.train), "test": len(data.test)}
        self.is_noisy = not self._stages[0].is_deterministic
        self.see(None)
        self._seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seed_of = torch.tensor([self._seeds.index(trial.seed) for trial in trials], device=device)
        self._fresh = self._generators("codes")

    def _stacked(self, tables: Sequence[Tensor]) -> Tensor:
        return torch.stack([table.to(self._device, self._dtype) for table in tables])

    def _generators(self, purpose: str) -> list[torch.Generator]:
        return [stream(seed, purpose) for seed in self._seeds]

    def see(self, u: float | None) -> None:
        self._u = u
        if u is None:
            self._codes = {name: self._stacked([stage.codes[name] for stage in self._stages]) for name in self.sizes}
            if self.is_noisy:
                self._stds = {name: self._stacked([stage.stds[name] for stage in self._stages]) for name in self.sizes}
            return
        for name in self.sizes:
            codes, stds = zip(*(stage.at(name, u) for stage in self._stages), strict=True)
            self._codes[name], self._stds[name] = self._stacked(codes), self._stacked(stds)

    def batch(self, rows: Tensor, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if u is not None:
            return self._told(rows, u)
        codes = self._codes["train"]
        rows = rows + (self._stage_of * codes.shape[1])[:, None]
        x = _gathered(codes.flatten(0, 1), rows)
        if self.is_noisy:
            eps = self._noise(self._fresh, rows.shape[1])
            x = torch.addcmul(x, _gathered(self._stds["train"].flatten(0, 1), rows), eps)
        return x, x

    def _told(self, rows: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Draws of the posteriors at each example's own u: encoded anew, since no table holds them."""
        found = [stage.told(own, at) for stage, own, at in zip(self._frozen, rows, u, strict=True)]
        mu, std = (self._stacked(part) for part in zip(*found, strict=True))
        x = torch.addcmul(mu, std, self._noise(self._fresh, rows.shape[1]))
        return x, x

    def split(self, name: str, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        generators = self._generators(f"codes {name}")
        codes = self._codes[name]
        for start in range(0, codes.shape[1], size):
            part = slice(start, start + size)
            x = codes[self._stage_of, part]
            if self.is_noisy:
                x = torch.addcmul(x, self._stds[name][self._stage_of, part], self._noise(generators, x.shape[1]))
            yield x, x

    def _noise(self, generators: Sequence[torch.Generator], n: int) -> Tensor:
        width = self._codes["train"].shape[2]
        return draws(generators, n, width, self._dtype).to(self._device)[self._seed_of]

    def original(self, name: str, start: int, size: int) -> Tensor:
        rows = {"train": self._data.train, "test": self._data.test}[name]
        return self._moved(rows[start : start + size])

    def variance(self, name: str, index: int) -> float:
        return self._frozen[index].variance[name]

    def in_data(self, rows: Tensor) -> Tensor:
        pairs = zip(self._frozen, rows, strict=True)
        return torch.stack([stage.decoded(own, self._u).to(own.dtype) for stage, own in pairs])

    def state(self) -> dict[str, Tensor]:
        return {"codes": places(self._fresh)}

    def go_to(self, state: Mapping[str, Tensor]) -> None:
        move(self._fresh, state["codes"])


def inputs_of(
    trials: Sequence[Trial],
    data: DataSet,
    frozen: Sequence[Frozen | None],
    device: torch.device,
    dtype: torch.dtype,
) -> Inputs:
    """What the trials of a pack train on; all of them stand on a stage, or none does."""
    stages = [stage for stage in frozen if stage]
    return Codes(data, trials, stages, device, dtype) if stages else Inputs(data, device, dtype)


def _gathered(table: Tensor, rows: Tensor) -> Tensor:
    """The rows of a table (n, ·) that an index tensor names, with the index tensor's shape before their own."""
    return table.index_select(0, rows.flatten()).view(*rows.shape, table.shape[1])
