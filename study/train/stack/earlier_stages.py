"""What a pack stands on: the results of earlier trials, frozen.

A stage sees the data through the stages before it: it encodes their codes, and their decoders lead back to the data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.data.dataset import DataSet
from models.networks.beta_vae import beside
from models.specs import Gamma

_ROWS = 4096
"""Examples that pass through a frozen network at a time."""

CodeMoments = tuple[Float[Tensor, "n kappa"], Float[Tensor, "n kappa"]]
"""Mean and standard deviation of each example's code."""


class FrozenStage:
    """A trained stage, frozen: its codes of the data, and the way from codes back to the data.

    The codes of a deterministic autoencoder are centred by their training mean and divided by one number, so that a
    dimension's mean variance is one; a VAE's are the moments of q(z|x), in units of the prior.
    """

    @torch.no_grad()
    def __init__(self, network: Any, data: DataSet, device: torch.device, before: "FrozenStage | None" = None) -> None:
        self._network, self._before = network.to(device).requires_grad_(False), before
        self.dtype = next(network.parameters()).dtype
        self.is_deterministic: bool = network.trial.model.is_deterministic
        self._rows, self._device = before.codes if before else {"train": data.train, "test": data.test}, device
        self.codes: dict[str, Float[Tensor, "n kappa"]] = {}
        """Split → the mean of each example's code."""
        self.stds: dict[str, Float[Tensor, "n kappa"]] = {}
        """Split → the standard deviation of each example's code, where it has one."""
        for split in self._rows:
            self.codes[split], self.stds[split] = self.moments(split)
        self._mean, self._scale = torch.zeros(()), torch.ones(())
        if self.is_deterministic:
            self.stds = {}
            self._standardise()

    @torch.no_grad()
    def moments(self, split: str, u: float | None = None) -> CodeMoments:
        """The moments of q(z|x) on the training or the test set, of a stage that sees β at `u` (see `beta_vae`)."""
        chunks = [self._network.encode(_at(part, u)) for part in self._chunks(self._rows[split])]
        return torch.cat([mu for mu, _ in chunks]), torch.cat([(0.5 * log_var).exp() for _, log_var in chunks])

    @torch.no_grad()
    def moments_of(self, rows: Int[Tensor, " n"], u: Float[Tensor, " n"]) -> CodeMoments:
        """The moments of the training examples `rows`, each at its own u."""
        chosen = torch.as_tensor(self._rows["train"][rows.cpu()]).to(self._device, self.dtype)
        mu, log_var = self._network.encode(beside(chosen, u.to(self.dtype)))
        return mu, (0.5 * log_var).exp()

    def _chunks(self, rows: Any) -> Iterator[Float[Tensor, "chunk d_in"]]:
        for start in range(0, len(rows), _ROWS):
            yield torch.as_tensor(rows[start : start + _ROWS]).to(self._device, self.dtype)

    def _standardise(self) -> None:
        train = self.codes["train"].double()
        mean, scale = train.mean(0), train.var(0, correction=0).mean().sqrt()
        if not scale > 0:
            raise ValueError("the codes of the stage before are all alike: nothing can be trained on them")
        self._mean, self._scale = mean.to(self.dtype), scale.to(self.dtype)
        self.codes = {split: (code - self._mean) / self._scale for split, code in self.codes.items()}

    @torch.no_grad()
    def decode(self, codes: Float[Tensor, "n kappa"], u: float | None = None) -> Float[Tensor, "n d"]:
        """Codes as rows of the data, through every decoder on the way; this stage's may see β at `u`."""
        parts = (codes.to(self.dtype) * self._scale + self._mean).split(_ROWS)
        rows = torch.cat([self._network.decode(_at(part, u)) for part in parts])
        return self._before.decode(rows) if self._before else rows

    @cached_property
    def variance(self) -> Mapping[str, float]:
        """Split → total variance of the codes about their training mean, noise included."""
        mean = self.codes["train"].double().mean(0)
        spread = {split: (code.double() - mean).square().sum(1).mean() for split, code in self.codes.items()}
        noise = {split: std.double().square().sum(1).mean() for split, std in self.stds.items()}
        return {split: float(value + noise.get(split, 0.0)) for split, value in spread.items()}


def _at(rows: Float[Tensor, "n width"], u: float | None) -> Float[Tensor, "n _"]:
    """The rows, with u beside each where there is one."""
    return rows if u is None else beside(rows, torch.full_like(rows[..., 0], u))


@dataclass(frozen=True)
class Ground:
    """What the trials of a pack stand on: each one's γ mode as it is carried out, and its frozen stage, if any."""

    gammas: Sequence[Gamma]
    stages: Sequence[FrozenStage | None]
