"""A stack: the networks of a pack's trials as one network with a leading axis.

The trained numbers of trial p are row p of one matrix, its log γ in the last column, so that an optimiser step is a few
operations on one tensor however many layers there are. A `GaussianVAE` carries a leading axis itself once its linear
layers do; a user's own network, written for one trial only, is carried over the stack by `torch.func.vmap`.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from models.gamma import knobs
from models.objective import latent_rates
from models.specs import Gamma
from models.vae import GaussianVAE, Methods, build
from study.trial import Trial


class Stack:
    """Trained numbers, γ knobs and network methods of trials that share shapes; row p belongs to trial p."""

    def __init__(self, trials: Sequence[Trial], gammas: Sequence[Gamma], device: torch.device) -> None:
        self.d, self.kappa, self.device = trials[0].d, trials[0].model.kappa, device
        self.is_deterministic = trials[0].model.is_deterministic
        self.dtype = torch.float64 if trials[0].training.dtype == "float64" else torch.float32
        networks = _built(trials, self.dtype)
        self._network = network = networks[0]
        self._shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        self._buffers = {
            name: torch.stack([dict(network.named_buffers())[name] for network in networks]).to(device)
            for name, _ in network.named_buffers()
        }
        settings = [knobs(gamma) for gamma in gammas]
        self.knobs = {name: self.column([setting[name] for setting in settings]) for name in settings[0]}
        self.exact_knobs = {
            name: torch.tensor([setting[name] for setting in settings], dtype=torch.float64, device=device)
            for name in settings[0]
        }
        layout = _as_linears_take_it if type(network.network) is GaussianVAE else torch.Tensor.detach
        weights = [torch.cat([layout(p.detach()).reshape(-1) for p in each.parameters()]) for each in networks]
        self.numbers = torch.cat([torch.stack(weights).to(device), self.knobs["log_init"][:, None]], dim=1)
        """Changed in place only: the tensors below are views of it."""
        columns = self.numbers.detach().split([*(shape.numel() for shape in self._shapes.values()), 1], dim=1)
        shapes = [layout(parameter.detach()).shape for parameter in network.parameters()]
        parts = [column.view(len(self), *shape) for column, shape in zip(columns, [*shapes, ()], strict=True)]
        self.trained = [part.requires_grad_() for part in parts]
        """What gradients are taken of, each (pack, ...): the networks' parameters in order, and log γ."""
        is_ours = layout is _as_linears_take_it
        self._together = _with_linears(network.network.to(device), self._named()) if is_ours else None

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def parameters(self) -> int:
        """Trained numbers of one trial's network, log γ not counted."""
        return self.numbers.shape[1] - 1

    @property
    def log_gamma(self) -> Tensor:
        """log γ of each trial, shape (pack,): trained where γ is learned, idle elsewhere."""
        return self.trained[-1]

    def column(self, values: Sequence[float]) -> Tensor:
        """One number a trial, as a tensor of shape (pack,)."""
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def weights(self) -> dict[str, Tensor]:
        """The networks' parameters by name, each of shape (pack, ...): views of `numbers`."""
        turned = (lambda part: part.mT) if self._together else (lambda part: part)
        return {
            name: turned(part.detach()).view(len(self), *self._shapes[name]) for name, part in self._named().items()
        }

    def call(self, method: str, inputs: Tensor) -> Any:
        """A network method over the stack: inputs of shape (pack, n, ·), or (n, ·) for all trials alike."""
        if inputs.dim() == 2:
            inputs = inputs.expand(len(self), *inputs.shape)
        if self._together:
            return getattr(self._together, method)(inputs)

        def one(weights: dict[str, Tensor], buffers: dict[str, Tensor], rows: Tensor) -> Any:
            return functional_call(self._network, (weights, buffers), (method, rows))

        return vmap(one)(self._named(), self._buffers, inputs)

    def rates(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """The rate of each latent, in nats; 0 where z is no random variable, and there is none."""
        return torch.zeros_like(mu) if self.is_deterministic else latent_rates(mu, log_var)

    @torch.enable_grad()
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

    def _named(self) -> dict[str, Tensor]:
        return dict(zip(self._shapes, self.trained, strict=False))


class _Linears(nn.Module):
    """One linear layer of all networks of a stack: x (pack, n, inputs) -> (pack, n, outputs)."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, self.weight) if self.bias is None else torch.baddbmm(self.bias, x, self.weight)


def _as_linears_take_it(parameter: Tensor) -> Tensor:
    """A weight as (inputs, outputs), so that its gradient comes out as it is stored; a bias as (1, outputs)."""
    return parameter.mT if parameter.dim() == 2 else parameter[None]


def _with_linears(network: nn.Module, parts: dict[str, Tensor]) -> nn.Module:
    """The network with a leading axis: the stack's `parts` in place of its linear layers and lone parameters."""
    network = deepcopy(network)
    for name, _ in list(network.named_parameters(recurse=False)):
        delattr(network, name)
        setattr(network, name, parts[f"network.{name}"])
    for name, layer in list(network.named_modules()):
        if isinstance(layer, nn.Linear):
            linears = _Linears(parts[f"network.{name}.weight"], parts.get(f"network.{name}.bias"))
            network.set_submodule(name, linears)
    return network


def _built(trials: Sequence[Trial], dtype: torch.dtype) -> list[Methods]:
    """The networks with their initial weights; trials of one declared network and seed share one."""
    built: dict[str, Methods] = {}
    keys = [f"{trial.weights_seed} {trial.model.model_dump_json()}" for trial in trials]
    for key, trial in zip(keys, trials, strict=True):
        if key not in built:
            built[key] = Methods(build(trial.model, trial.d_in, trial.d, trial.weights_seed)).to(dtype)
    return [built[key] for key in keys]
