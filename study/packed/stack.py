"""A stack: the networks of a pack's trials as one network with a leading axis.

The trained numbers of trial p are row p of one matrix, its log γ in the last column, so that an optimiser step is a few
operations on one tensor however many layers there are. `torch.func.vmap` carries one trial's forward pass over the stack.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from models.gamma import knobs
from models.vae import Methods, build
from study.trial import Trial


class Stack:
    """Trained numbers, γ knobs and network methods of trials that share shapes; row p belongs to trial p."""

    def __init__(self, trials: Sequence[Trial], d: int, device: torch.device) -> None:
        self.d, self.kappa, self.device = d, trials[0].model.kappa, device
        self.dtype = torch.float64 if trials[0].training.dtype == "float64" else torch.float32
        networks = [Methods(build(trial.model, d, trial.seed)).to(self.dtype) for trial in trials]
        self._network = networks[0]
        self._shapes = {name: parameter.shape for name, parameter in self._network.named_parameters()}
        self._sizes = [shape.numel() for shape in self._shapes.values()]
        self._buffers = {
            name: torch.stack([dict(network.named_buffers())[name] for network in networks]).to(device)
            for name, _ in self._network.named_buffers()
        }
        settings = [knobs(trial.objective.gamma) for trial in trials]
        self.knobs = {name: self.column([setting[name] for setting in settings]) for name in settings[0]}
        self.exact_knobs = {
            name: torch.tensor([setting[name] for setting in settings], dtype=torch.float64, device=device)
            for name in settings[0]
        }
        weights = [torch.cat([p.detach().reshape(-1) for p in network.parameters()]) for network in networks]
        self.numbers = torch.cat([torch.stack(weights).to(device), self.knobs["log_init"][:, None]], dim=1)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def parameters(self) -> int:
        """Trained numbers of one trial's network, log γ not counted."""
        return sum(self._sizes)

    @property
    def log_gamma(self) -> Tensor:
        """log γ of each trial, shape (pack,): trained where γ is learned, idle elsewhere."""
        return self.numbers[:, -1]

    def column(self, values: Sequence[float]) -> Tensor:
        """One number a trial, as a tensor of shape (pack,)."""
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def weights(self) -> dict[str, Tensor]:
        """The networks' parameters by name, each of shape (pack, ...): views of `numbers`."""
        columns = self.numbers[:, :-1].split(self._sizes, dim=1)
        return {
            name: column.unflatten(1, shape) if shape else column.squeeze(1)
            for (name, shape), column in zip(self._shapes.items(), columns, strict=True)
        }

    def call(self, method: str, inputs: Tensor, shared: bool = False) -> Any:
        """A network method over the stack: inputs of shape (pack, n, ·), or (n, ·) for all trials where `shared`."""

        def one(weights: dict[str, Tensor], buffers: dict[str, Tensor], rows: Tensor) -> Any:
            return functional_call(self._network, (weights, buffers), (method, rows))

        return vmap(one, in_dims=(0, 0, None if shared else 0))(self.weights(), self._buffers, inputs)

    def decoder_slopes(self, z: Tensor) -> Tensor:
        """Root mean square of ‖∂m(z)/∂z_j‖ over the rows of z (pack, n, kappa), shape (pack, kappa).

        A Jacobian's columns by backward passes alone: ∂m/∂z pulled back by v is linear in v, and its derivative with
        respect to v along e_j is column j. Every network that can be trained can be differentiated this way.
        """
        z = z.detach().requires_grad_()
        mean = self.call("decode", z)
        v = torch.zeros_like(mean, requires_grad=True)
        (pulled,) = torch.autograd.grad(mean, z, v, create_graph=True)
        slopes = []
        for direction in torch.eye(self.kappa, dtype=self.dtype, device=self.device):
            (column,) = torch.autograd.grad(pulled, v, direction.expand_as(pulled), retain_graph=True)
            slopes.append(column.square().sum(-1).mean(-1).sqrt())
        return torch.stack(slopes, dim=-1)
