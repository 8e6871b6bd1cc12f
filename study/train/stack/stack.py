"""A stack: the networks of a pack's trials as one network with a leading axis.

The trained numbers of all trials are one buffer (`study.train.stack.trained_numbers`), log γ among them. The platform's own
networks carry a leading axis themselves once their layers do, and do so where it gains; where it does not, they are carried
one by one. A user's own network, written for one trial only, is carried over the stack by `torch.func.vmap`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from models.loss.gamma import Knobs, knobs
from models.loss.likelihood import Likelihood
from models.loss.objective import latent_rates
from models.networks.beta_vae import beside
from models.networks.build import build, methods_of
from models.networks.image_vae import ConvolutionalVAE
from models.networks.methods import Methods
from models.networks.own import OwnNetwork, check_alike
from models.networks.vae import GaussianVAE
from models.specs import Gamma
from models.streams import BLOCK
from study.declare.trial import Trial
from study.pack.cost import CPU_CORE, GPU, gains_as_one
from study.train.stack.carrier import Carrier, Numbers
from study.train.stack.layers import as_layers_take_it, with_leading_axis
from study.train.stack.trained_numbers import TrainedNumbers

Way = Literal["together", "one by one", "vmap"]

_CHUNK_NUMBERS = 4_000_000

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
        self._trained = {name: each for name, each in network.named_parameters() if each.requires_grad}
        modes = [knobs(gamma) for gamma in gammas]
        self.knobs, self.exact_knobs = (_knob_columns(modes, dtype, device) for dtype in (self.dtype, torch.float64))
        way = way or _way_of(trials, network.network, device)
        self._layout = as_layers_take_it if way == "together" else _as_real
        self.trained_numbers = self._start(networks)
        """Changed in place only: `trained` are views of it."""
        # A view of a detached tensor: what is expanded from a detached one itself has a gradient even under no_grad.
        self.trained = [part.detach().view_as(part).requires_grad_() for part in self.trained_numbers.parts]
        """What gradients are taken of, each (pack, ...): the networks' parameters in order, and log γ."""
        self.u: float | None = None
        """The u at which networks see β, but for rows that bring their own; None: at their own β."""
        self._together, self.carrier = None, None
        """`carrier` calls the networks that do not carry the stack themselves."""
        if way == "together":
            parts = {name.removeprefix("network."): part for name, part in self._named().items()}
            self._together = with_leading_axis(network.network.to(device), parts)
        else:
            self.carrier = Carrier(networks, [trial.weights_seed for trial in trials], device, way)
        if self.carrier and isinstance(network, OwnNetwork):
            self.carrier.prepare(self._named(), trials[0].d_in, self.kappa)

    def __len__(self) -> int:
        return self.trained_numbers.pack

    @property
    def parameters(self) -> int:
        """Trained numbers of one trial's network, log γ not counted."""
        return sum(part[0].numel() for part in self.trained_numbers.parts[:-1])

    @property
    def numbers(self) -> Float[Tensor, "pack numbers"]:
        """The trained numbers of each trial in a row, log γ last: a copy."""
        return self.trained_numbers.by_trial()

    def constants(self) -> dict[str, Tensor]:
        """What a network is built with and never trains, by name: the same for all trials that are carried together."""
        return dict(self._network.network.named_buffers())

    @property
    def names(self) -> list[str]:
        """The names of the networks' trained parameters, in order; log γ, which comes after them, has none."""
        return list(self._trained)

    @property
    def rows_at_once(self) -> int:
        """Rows of a data set that all networks see at a time, in whole blocks: what they make of them fits the memory."""
        return BLOCK * max(1, _CHUNK_NUMBERS // (len(self) * (self.width + self.kappa) * BLOCK))

    @property
    def way(self) -> Way:
        """How the networks are carried."""
        return self.carrier.way if self.carrier else "together"

    @contextmanager
    def learning(self) -> Iterator[None]:
        """A pass of training; outside of it, networks are in evaluation mode."""
        if self.carrier and isinstance(self._network, OwnNetwork):
            with self.carrier.learning():
                yield
        else:
            yield

    @property
    def log_gamma(self) -> Float[Tensor, " pack"]:
        """log γ of each trial: trained where γ is learned, idle elsewhere."""
        return self.trained[-1]

    def column(self, values: Sequence[float]) -> Float[Tensor, " pack"]:
        """One number a trial, as a tensor."""
        return torch.tensor(values, dtype=self.dtype, device=self.device)

    def weights(self) -> dict[str, Num[Tensor, "pack ..."]]:
        """What training made of the networks, by name: their trained numbers, and what it changed beside them."""
        return self.trained_weights() | (self.carrier.kept if self.carrier else {})

    def trained_weights(self) -> dict[str, Num[Tensor, "pack ..."]]:
        """The networks' trained numbers by name, in the order of their columns: views of `numbers`.

        A complex parameter comes as real numbers, its parts in the last axis.
        """
        parts = dict(zip(self._trained, (part.detach() for part in self.trained), strict=False))
        turned = {name for name, each in self._trained.items() if self._together and each.dim() == 2}
        return {
            name: (part.mT if name in turned else part).view(len(self), *_as_real(self._trained[name]).shape)
            for name, part in parts.items()
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
        if self.carrier:
            return self.carrier.call(method, self._named(), inputs)
        return getattr(self._together, method)(inputs)

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

    def _start(self, networks: Sequence[Methods]) -> TrainedNumbers:
        """Where training starts: the networks' own weights, as the layers store them, and log γ."""
        shapes = [self._layout(parameter.detach()).shape for parameter in self._trained.values()]
        start = TrainedNumbers(len(networks), [*shapes, torch.Size(())], self.knobs["log_init"])
        weights = torch.stack([_flatten(each, self._layout) for each in networks]).to(self.device)
        start.take_rows(torch.cat([weights, self.knobs["log_init"][:, None]], dim=1))
        return start

    def _named(self) -> Numbers:
        pairs = zip(self._trained.items(), self.trained, strict=False)
        return {name: torch.complex(*part.unbind(-1)) if each.is_complex() else part for (name, each), part in pairs}


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
            built[key] = methods_of(build(trial.model, trial, trial.weights_seed, dtype))
    check_alike([network for network in built.values() if isinstance(network, OwnNetwork)])
    return [built[key] for key in keys]


def _knob_columns(
    modes: Sequence[Knobs], dtype: torch.dtype, device: torch.device
) -> dict[str, Float[Tensor, " pack"]]:
    """The numbers of γ modes by name, one a trial."""
    names = Knobs.__annotations__
    return {name: torch.tensor([mode[name] for mode in modes], dtype=dtype, device=device) for name in names}


def _flatten(network: nn.Module, layout: Callable[[Tensor], Tensor]) -> Float[Tensor, " numbers"]:
    """A network's trained parameters as one row."""
    trained = [each.detach() for each in network.parameters() if each.requires_grad]
    return torch.cat([layout(each).reshape(-1) for each in trained])


def _as_real(parameter: Num[Tensor, "..."]) -> Float[Tensor, "..."]:
    """A complex parameter as real numbers, its parts in a last axis, as torch's optimisers take it."""
    return torch.view_as_real(parameter.detach()) if parameter.is_complex() else parameter.detach()
