"""A stack: the networks of a pack's trials as one network with a leading axis.

The trained numbers of trial p are row p of one matrix, its log γ in the last column, so that an optimiser step is a few
operations on one tensor however many layers there are. The platform's own networks carry a leading axis themselves once
their layers do, and do so where it gains; where it does not, they are carried one by one. A user's own network, written
for one trial only, is carried over the stack by `torch.func.vmap`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from models.loss.gamma import knobs
from models.loss.likelihood import Likelihood
from models.loss.objective import latent_rates
from models.networks.beta_vae import beside
from models.networks.build import Methods, build
from models.networks.image_vae import ConvolutionalVAE
from models.networks.vae import GaussianVAE
from models.specs import Gamma
from models.streams import BLOCK
from study.declare.trial import Trial
from study.pack.cost import CPU_CORE, GPU, gains_as_one
from study.train.stack.layers import as_layers_take_it, with_leading_axis

Way = Literal["together", "one by one", "vmap"]

PICTURES_AT_ONCE = 32
"""Rows whose Jacobian a convolutional decoder gives at once: it keeps several times what a training step keeps of a row."""


class Stack:
    """Trained numbers, γ knobs and network methods of trials that share shapes; row p belongs to trial p.

    `way` says how the networks are carried, by default the way that gains. `likelihood` is what the trials share where it
    is another than N(m(z), γ I) with one γ.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        gammas: Sequence[Gamma],
        device: torch.device,
        way: Way | None = None,
        likelihood: Likelihood | None = None,
    ) -> None:
        self.likelihood = likelihood
        self.d, self.kappa, self.device = trials[0].d, trials[0].model.kappa, device
        self.width = self.d * trials[0].per_value.numbers
        """Numbers that a decoder makes of z."""
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
        self.way = way or _way_of(trials, network.network, device)
        layout = as_layers_take_it if self.way == "together" else torch.Tensor.detach
        weights = [torch.cat([layout(p.detach()).reshape(-1) for p in each.parameters()]) for each in networks]
        self.numbers = torch.cat([torch.stack(weights).to(device), self.knobs["log_init"][:, None]], dim=1)
        """Changed in place only: the tensors below are views of it."""
        columns = self.numbers.detach().split([*(shape.numel() for shape in self._shapes.values()), 1], dim=1)
        shapes = [layout(parameter.detach()).shape for parameter in network.parameters()]
        parts = [column.view(len(self), *shape) for column, shape in zip(columns, [*shapes, ()], strict=True)]
        self.trained = [part.requires_grad_() for part in parts]
        """What gradients are taken of, each (pack, ...): the networks' parameters in order, and log γ."""
        self.u: float | None = None
        """Where networks that see β are told to be, but for rows that bring their own; None: at their own β."""
        self._together = None
        if self.way == "together":
            parts = {name.removeprefix("network."): part for name, part in self._named().items()}
            self._together = with_leading_axis(network.network.to(device), parts)

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
        shapes, detached = self._shapes, {name: part.detach() for name, part in self._named().items()}
        turned = {name for name, shape in shapes.items() if self._together and len(shape) == 2}
        return {
            name: (part.mT if name in turned else part).view(len(self), *shapes[name])
            for name, part in detached.items()
        }

    def call(self, method: str, inputs: Tensor) -> Any:
        """A network method over the stack: inputs of shape (pack, n, ·), or (n, ·) for all trials alike.

        "decode" gives the mean of x, whatever the likelihood makes it of.
        """
        if self.likelihood is None or method != "decode":
            return self.outputs(method, inputs)
        blocks = inputs.split(BLOCK, dim=-2)  # of many numbers a value, means alone are kept
        return torch.cat([self.likelihood.mean(self.outputs(method, block)) for block in blocks], dim=-2)

    def outputs(self, method: str, inputs: Tensor) -> Any:
        """What the networks themselves give."""
        if inputs.dim() == 2:
            inputs = inputs.expand(len(self), *inputs.shape)
        if self.u is not None:
            inputs = beside(inputs, torch.full_like(inputs[..., 0], self.u))
        if self._together:
            return getattr(self._together, method)(inputs)

        def one(weights: dict[str, Tensor], buffers: dict[str, Tensor], rows: Tensor) -> Any:
            return functional_call(self._network, (weights, buffers), (method, rows))

        if self.way == "vmap":
            return vmap(one)(self._named(), self._buffers, inputs)
        outputs = [
            one(*each) for each in zip(self._rows(self._named()), self._rows(self._buffers), inputs, strict=True)
        ]
        if isinstance(outputs[0], Tensor):
            return torch.stack(outputs)
        return tuple(torch.stack(parts) for parts in zip(*outputs, strict=True))

    def rates(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """The rate of each latent, in nats; 0 where z is no random variable, and there is none."""
        return torch.zeros_like(mu) if self.is_deterministic else latent_rates(mu, log_var)

    def decoder_slopes(self, z: Tensor) -> Tensor:
        """Root mean square of ‖∂m(z)/∂z_j‖ over the rows of z (pack, n, kappa), shape (pack, kappa)."""
        rows = PICTURES_AT_ONCE if isinstance(self._network.network, ConvolutionalVAE) else z.shape[1]
        blocks = [self._squared_slopes(block) for block in z.split(rows, dim=1)]
        return torch.stack([torch.cat(block, 1).mean(-1).sqrt() for block in zip(*blocks, strict=True)], dim=-1)

    @torch.enable_grad()
    def _squared_slopes(self, z: Tensor) -> list[Tensor]:
        """‖∂m(z)/∂z_j‖² of every row, (pack, n) for each latent.

        A Jacobian's columns by backward passes alone: ∂m/∂z pulled back by v is linear in v, and its derivative with
        respect to v along e_j is column j. Every network that can be trained can be differentiated this way.
        """
        z = z.detach().requires_grad_()
        mean = self.call("decode", z)
        v = torch.zeros_like(mean, requires_grad=True)
        (pulled,) = torch.autograd.grad(mean, z, v, create_graph=True)
        squares = []
        for direction in torch.eye(self.kappa, dtype=self.dtype, device=self.device):
            (column,) = torch.autograd.grad(pulled, v, direction.expand_as(pulled), retain_graph=True)
            squares.append(column.square().sum(-1))
        return squares

    def _named(self) -> dict[str, Tensor]:
        return dict(zip(self._shapes, self.trained, strict=False))

    def _rows(self, parts: dict[str, Tensor]) -> list[dict[str, Tensor]]:
        """Stacked tensors by name, trial by trial; undone in one operation, so that a gradient is put together in one."""
        unbound = {name: part.unbind() for name, part in parts.items()}
        return [{name: rows[index] for name, rows in unbound.items()} for index in range(len(self))]


def _way_of(trials: Sequence[Trial], network: nn.Module, device: torch.device) -> Way:
    """How a network is carried over the stack: whether convolutions of a whole stack gain is `study.pack.cost`'s to say."""
    if isinstance(network, GaussianVAE):
        return "together"
    if type(network) is ConvolutionalVAE:
        at = GPU if device.type == "cuda" else CPU_CORE
        return "together" if len(trials) == 1 or gains_as_one(trials[0], at) else "one by one"
    return "vmap"


def _built(trials: Sequence[Trial], dtype: torch.dtype) -> list[Methods]:
    """The networks with their initial weights; trials of one declared network and seed share one."""
    built: dict[str, Methods] = {}
    keys = [f"{trial.weights_seed} {trial.model.model_dump_json()}" for trial in trials]
    for key, trial in zip(keys, trials, strict=True):
        if key not in built:
            built[key] = Methods(build(trial.model, trial, trial.weights_seed)).to(dtype)
    return [built[key] for key in keys]
