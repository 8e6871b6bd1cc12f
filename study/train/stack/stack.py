"""A stack: the networks of a pack's trials as one network with a leading axis.

The trained numbers of trial p are row p of one matrix, its log γ in the last column, so that an optimiser step is a few
operations on one tensor however many layers there are. The platform's own networks carry a leading axis themselves once
their layers do, and do so where it gains; where it does not, they are carried one by one. A user's own network, written
for one trial only, is carried over the stack by `torch.func.vmap`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.func import functional_call, vmap

from models.loss.gamma import Knobs, knobs
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

Numbers = dict[str, Shaped[Tensor, "..."]]
"""Parameters or buffers by name, of one network or with the pack before their own axes."""

PICTURES_AT_ONCE = 32
"""Rows whose Jacobian a convolutional decoder gives at once: it keeps several times what a training step keeps of a row."""


class Stack:
    """Trained numbers, γ knobs and networks of trials that share shapes; row p belongs to trial p.

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
        self.likelihood, self.device = likelihood, device
        self.d, self.kappa = trials[0].d, trials[0].model.kappa
        self.width = self.d * trials[0].per_value.numbers
        """Numbers that a decoder makes of z."""
        self.is_deterministic = trials[0].model.is_deterministic
        self.dtype = torch.float64 if trials[0].training.dtype == "float64" else torch.float32
        networks = _build_networks(trials, self.dtype)
        self._network = network = networks[0]
        self._shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        self._buffers = _stack_buffers(networks, device)
        modes = [knobs(gamma) for gamma in gammas]
        self.knobs, self.exact_knobs = (_knob_columns(modes, dtype, device) for dtype in (self.dtype, torch.float64))
        self.way = way or _way_of(trials, network.network, device)
        self._layout = as_layers_take_it if self.way == "together" else torch.Tensor.detach
        weights = torch.stack([_flatten(each, self._layout) for each in networks]).to(device)
        self.numbers: Float[Tensor, "pack numbers"] = torch.cat([weights, self.knobs["log_init"][:, None]], dim=1)
        """Changed in place only: `trained` are views of it."""
        self.trained = self._views()
        """What gradients are taken of, each (pack, ...): the networks' parameters in order, and log γ."""
        self.u: float | None = None
        """The u at which networks see β, but for rows that bring their own; None: at their own β."""
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
    def log_gamma(self) -> Float[Tensor, " pack"]:
        """log γ of each trial: trained where γ is learned, idle elsewhere."""
        return self.trained[-1]

    def column(self, values: Sequence[float]) -> Float[Tensor, " pack"]:
        """One number a trial, as a tensor."""
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def weights(self) -> dict[str, Float[Tensor, "pack ..."]]:
        """The networks' parameters by name: views of `numbers`."""
        shapes, detached = self._shapes, {name: part.detach() for name, part in self._named().items()}
        turned = {name for name, shape in shapes.items() if self._together and len(shape) == 2}
        return {
            name: (part.mT if name in turned else part).view(len(self), *shapes[name])
            for name, part in detached.items()
        }

    def encode(self, x: Float[Tensor, "*pack n d_in"]) -> tuple[Float[Tensor, "_ n kappa"], Float[Tensor, "_ n kappa"]]:
        """Mean and log variance of q(z|x), (pack, n, kappa); x is (pack, n, d_in), or (n, d_in) for all trials alike."""
        return self._call("encode", x)

    def decode(self, z: Float[Tensor, "*pack n kappa"]) -> Float[Tensor, "_ n d"]:
        """m(z), the mean of the targets whatever the likelihood, (pack, n, d)."""
        if self.likelihood is None:
            return self.outputs(z)
        blocks = z.split(BLOCK, dim=-2)  # of many numbers a value, means alone are kept
        return torch.cat([self.likelihood.mean(self.outputs(block)) for block in blocks], dim=-2)

    def outputs(self, z: Float[Tensor, "*pack n kappa"]) -> Float[Tensor, "_ n outputs"]:
        """What the decoders themselves make of z, (pack, n, outputs): the parameters of the likelihood."""
        return self._call("decode", z)

    def _call(self, method: str, inputs: Float[Tensor, "*pack n width"]) -> Any:
        """A network method over the stack."""
        if inputs.dim() == 2:
            inputs = inputs.expand(len(self), *inputs.shape)
        if self.u is not None:
            inputs = beside(inputs, torch.full_like(inputs[..., 0], self.u))
        if self._together:
            return getattr(self._together, method)(inputs)

        def one(weights: Numbers, buffers: Numbers, rows: Float[Tensor, "n width"]) -> Any:
            return functional_call(self._network, (weights, buffers), (method, rows))

        if self.way == "vmap":
            return vmap(one)(self._named(), self._buffers, inputs)
        outputs = [
            one(*each) for each in zip(self._rows(self._named()), self._rows(self._buffers), inputs, strict=True)
        ]
        if isinstance(outputs[0], Tensor):
            return torch.stack(outputs)
        return tuple(torch.stack(parts) for parts in zip(*outputs, strict=True))

    def rates(
        self, mu: Float[Tensor, "pack n kappa"], log_var: Float[Tensor, "pack n kappa"]
    ) -> Float[Tensor, "pack n kappa"]:
        """The rate of each latent, in nats; 0 where z is no random variable, and there is none."""
        return torch.zeros_like(mu) if self.is_deterministic else latent_rates(mu, log_var)

    def decoder_slopes(self, z: Float[Tensor, "pack n kappa"]) -> Float[Tensor, "pack kappa"]:
        """Root mean square of ‖∂m(z)/∂z_j‖ over the rows of z."""
        rows = PICTURES_AT_ONCE if isinstance(self._network.network, ConvolutionalVAE) else z.shape[1]
        blocks = [self._squared_slopes(block) for block in z.split(rows, dim=1)]
        return torch.stack([torch.cat(block, 1).mean(-1).sqrt() for block in zip(*blocks, strict=True)], dim=-1)

    @torch.enable_grad()
    def _squared_slopes(self, z: Float[Tensor, "pack n kappa"]) -> list[Float[Tensor, "pack n"]]:
        """‖∂m(z)/∂z_j‖² of every row, for each latent.

        A Jacobian's columns by backward passes alone: ∂m/∂z pulled back by v is linear in v, and its derivative with
        respect to v along e_j is column j. Every network that can be trained can be differentiated this way.
        """
        z = z.detach().requires_grad_()
        mean = self.decode(z)
        v = torch.zeros_like(mean, requires_grad=True)
        (pulled,) = torch.autograd.grad(mean, z, v, create_graph=True)
        squares = []
        for direction in torch.eye(self.kappa, dtype=self.dtype, device=self.device):
            (column,) = torch.autograd.grad(pulled, v, direction.expand_as(pulled), retain_graph=True)
            squares.append(column.square().sum(-1))
        return squares

    def _views(self) -> list[Float[Tensor, "pack ..."]]:
        """`numbers` in the shapes of the parameters as the layers store them, then log γ."""
        shapes = [self._layout(parameter.detach()).shape for parameter in self._network.parameters()]
        columns = self.numbers.detach().split([*(shape.numel() for shape in shapes), 1], dim=1)
        parts = [column.view(len(self), *shape) for column, shape in zip(columns, [*shapes, ()], strict=True)]
        return [part.requires_grad_() for part in parts]

    def _named(self) -> dict[str, Float[Tensor, "pack ..."]]:
        return dict(zip(self._shapes, self.trained, strict=False))

    def _rows(self, parts: dict[str, Shaped[Tensor, "pack ..."]]) -> list[Numbers]:
        """Stacked tensors by name, trial by trial; undone in one operation, so that a gradient is put together in one."""
        unbound = {name: part.unbind() for name, part in parts.items()}
        return [{name: rows[index] for name, rows in unbound.items()} for index in range(len(self))]


def _way_of(trials: Sequence[Trial], network: nn.Module, device: torch.device) -> Way:
    """How a network is carried over the stack; `study.pack.cost` says whether convolutions of a whole stack gain."""
    if isinstance(network, GaussianVAE):
        return "together"
    if type(network) is ConvolutionalVAE:
        at = GPU if device.type == "cuda" else CPU_CORE
        return "together" if len(trials) == 1 or gains_as_one(trials[0], at) else "one by one"
    return "vmap"


def _build_networks(trials: Sequence[Trial], dtype: torch.dtype) -> list[Methods]:
    """The networks with their initial weights; trials of one declared network and seed share one."""
    built: dict[str, Methods] = {}
    keys = [f"{trial.weights_seed} {trial.model.model_dump_json()}" for trial in trials]
    for key, trial in zip(keys, trials, strict=True):
        if key not in built:
            built[key] = Methods(build(trial.model, trial, trial.weights_seed)).to(dtype)
    return [built[key] for key in keys]


def _stack_buffers(networks: Sequence[Methods], device: torch.device) -> dict[str, Shaped[Tensor, "pack ..."]]:
    listed = [dict(network.named_buffers()) for network in networks]
    return {name: torch.stack([buffers[name] for buffers in listed]).to(device) for name in listed[0]}


def _knob_columns(
    modes: Sequence[Knobs], dtype: torch.dtype, device: torch.device
) -> dict[str, Float[Tensor, " pack"]]:
    """The numbers of γ modes by name, one a trial."""
    names = Knobs.__annotations__
    return {name: torch.tensor([mode[name] for mode in modes], dtype=dtype, device=device) for name in names}


def _flatten(network: nn.Module, layout: Callable[[Tensor], Tensor]) -> Float[Tensor, " numbers"]:
    """A network's parameters as one row."""
    return torch.cat([layout(parameter.detach()).reshape(-1) for parameter in network.parameters()])
