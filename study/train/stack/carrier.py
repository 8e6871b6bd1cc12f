"""The code of one network, written for one trial, carried over a stack: by `torch.func.vmap`, or one trial after another.

A network has more than trained numbers. What it is built with and never trains (buffers, frozen parameters) are its
constants, stacked like the rest; those among them that training changes (running statistics, the vectors of spectral
norm) are its state: it goes into checkpoints and is kept with the weights. Random draws come from each trial's own stream.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Num, Shaped
from torch import Tensor
from torch.func import functional_call, vmap

from models.networks.methods import Methods
from models.networks.own_outputs import NetworkError
from models.networks.random_draws import Draws
from study.train.stack.resumable import State

Numbers = dict[str, Shaped[Tensor, "..."]]
"""Parameters or buffers by name, of one network or with the pack before their own axes."""

CodeWay = Literal["vmap", "one by one"]

Results = Num[Tensor, "..."]

ROWS = 2
"""Rows that a network is tried on before it trains."""

AGREEMENT = 1e-3
"""Relative difference of what `vmap` and the network itself give, above which `vmap` is not used."""


class Carrier:
    """Calls a network's methods for every trial of a stack, given the trained numbers.

    `way` is how. `reason` says why a network of the user's trains one by one, where `vmap` cannot carry it.
    """

    def __init__(self, networks: Sequence[Methods], seeds: Sequence[int], device: torch.device, way: CodeWay) -> None:
        self._network = networks[0].to(device)
        self.way: CodeWay = way
        self.reason: str | None = None
        self._constants = _stack([_constants_of(network) for network in networks], device)
        self._before = self._constants
        self._draws = Draws(seeds)
        self._places = torch.arange(float(len(networks)), device=device)
        self._changing: frozenset[str] = frozenset()
        self._is_learning = self._is_probing = False

    def call(self, method: str, numbers: Numbers, inputs: Float[Tensor, "pack n width"]) -> Any:
        """The method of every trial's network, its results stacked."""
        given = self._constants
        if self._is_learning and self._changing:
            given = given | {name: given[name].clone() for name in self._changing}
        out, after = self._carried(method, numbers, given, inputs)
        if self._is_learning and self._changing:
            self._constants = self._constants | {name: value.detach() for name, value in after.items()}
        return out

    @contextmanager
    def learning(self) -> Iterator[None]:
        """A pass of training: layers are in training mode, draw their masks, and gather their statistics."""
        self._before, self._is_learning = self._constants, True
        self._network.train()
        try:
            yield
        finally:
            self._is_learning = False
            self._network.eval()

    def undo(self, chosen: Bool[Tensor, " pack"]) -> None:
        """Take the state of chosen trials back to where it was before the last pass of training."""
        for name in self._changing:
            now, before = self._constants[name], self._before[name]
            self._constants[name] = torch.where(chosen.view(-1, *[1] * (now.dim() - 1)), before, now)

    @property
    def kept(self) -> dict[str, Num[Tensor, "pack ..."]]:
        """What training changed beside the trained numbers, by name."""
        return {name: self._constants[name] for name in sorted(self._changing)}

    def state(self) -> State:
        """The networks' own state, and where their random streams stand."""
        return self.kept | ({"draws": self._draws.places()} if self._draws.is_used else {})

    def go_to(self, state: State) -> None:
        """Go on from a `state` of the same networks."""
        for name in self._changing:
            self._constants[name] = state[name].to(self._constants[name].device)
        if self._draws.is_used:
            self._draws.move(state["draws"])

    def prepare(self, numbers: Numbers, d_in: int, kappa: int) -> None:
        """Find out which way carries a network of the user's, what of it training changes, and whether it draws.

        Raises: NetworkError where nothing of it can be trained; whatever it raises when it is trained alone.
        """
        self._network.eval()
        first = {name: value.detach()[:1].clone().requires_grad_() for name, value in numbers.items()}
        try:
            self._is_probing, self.way = True, "one by one"
            alone, changing = self._tried(first, d_in, kappa)
            self.way = "vmap"
            self.reason = self._obstacle(first, alone, d_in, kappa)
        finally:
            self._is_probing = False
        self.way, self._changing = "one by one" if self.reason else "vmap", changing

    def _obstacle(self, numbers: Numbers, alone: Sequence[Results], d_in: int, kappa: int) -> str | None:
        """Why `vmap` cannot carry the network; None where it can."""
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message="There is a performance drop")  # vmap loops, and says so
                together, _ = self._tried(numbers, d_in, kappa)
        except Exception as fault:
            return " ".join(str(fault).split())[:160] or type(fault).__name__
        pairs = zip(alone, together, strict=True)
        if all(torch.allclose(a, b, AGREEMENT, AGREEMENT, equal_nan=True) for a, b in pairs):
            return None
        return "torch.func.vmap gives other numbers than the network itself"

    def _tried(self, numbers: Numbers, d_in: int, kappa: int) -> tuple[list[Results], frozenset[str]]:
        """What the first trial's network gives for a few rows, its gradient, and the constants that it changed."""
        like, draws = next(iter(numbers.values())), self._draws.places()
        generator, dtype = torch.Generator().manual_seed(0), like.real.dtype
        x, z = (torch.randn(1, ROWS, n, generator=generator, dtype=dtype).to(like.device) for n in (d_in, kappa))
        kept, self._changing = self._constants, frozenset(self._constants)
        self._constants = before = {name: value[:1] for name, value in kept.items()}
        try:
            with self.learning():
                results = [*self.call("encode", numbers, x), self.call("decode", numbers, z)]
            after = self._constants
            with torch.no_grad():
                results += [*self.call("encode", numbers, x), self.call("decode", numbers, z)]
        finally:
            self._constants, self._changing = kept, frozenset()
            self._draws.move(draws)
        changed = frozenset(name for name, value in before.items() if not torch.equal(value, after[name]))
        return [*map(Tensor.detach, results), *_gradient(results, numbers)], changed

    def _carried(
        self, method: str, numbers: Numbers, constants: Numbers, inputs: Float[Tensor, "pack n width"]
    ) -> tuple[Any, Numbers]:
        """What the networks return, and what became of their state."""
        changing = self._changing if self._is_learning else frozenset()

        def one(own: Numbers, fixed: Numbers, place: Any, rows: Float[Tensor, "n width"]) -> tuple[Any, Numbers]:
            held = own | fixed
            with self._drawing(place):
                out = functional_call(self._network, held, (method, rows))
            return out, {name: held[name] for name in changing}

        if self.way == "vmap":
            return vmap(one)(numbers, constants, self._places[: len(inputs)], inputs)
        parts = zip(_rows(numbers, len(inputs)), _rows(constants, len(inputs)), range(len(inputs)), inputs, strict=True)
        outputs, states = zip(*(one(*each) for each in parts), strict=True)
        after = {name: torch.stack([state[name] for state in states]) for name in changing}
        if isinstance(outputs[0], Tensor):
            return torch.stack(outputs), after
        return tuple(torch.stack(results) for results in zip(*outputs, strict=True)), after

    @contextmanager
    def _drawing(self, place: Any) -> Iterator[None]:
        """Random draws from the trial's stream, where anything draws: to look out for them takes time."""
        if self._is_learning and (self._draws.is_used or self._is_probing):
            with self._draws.at(place):
                yield
        else:
            yield


def _gradient(results: Sequence[Results], numbers: Numbers) -> list[Results]:
    """The gradient of a sum of all results. Raises: NetworkError where there is none."""
    total = torch.stack([each.sum() for each in results if each.requires_grad] or [torch.zeros(())]).sum()
    slopes = torch.autograd.grad(total, list(numbers.values()), allow_unused=True) if total.requires_grad else []
    if not (found := [each for each in slopes if each is not None]):
        raise NetworkError("nothing that encode and decode return depends on a trained parameter: use them there")
    return found


def _constants_of(network: Methods) -> Numbers:
    frozen = {name: value.detach() for name, value in network.named_parameters() if not value.requires_grad}
    return dict(network.named_buffers()) | frozen


def _stack(listed: Sequence[Numbers], device: torch.device) -> Numbers:
    return {name: torch.stack([each[name] for each in listed]).to(device) for name in listed[0]}


def _rows(parts: Mapping[str, Shaped[Tensor, "pack ..."]], pack: int) -> list[Numbers]:
    """Stacked tensors by name, trial by trial; undone in one operation, so that a gradient is put together in one."""
    unbound = {name: part.unbind() for name, part in parts.items()}
    return [{name: rows[index] for name, rows in unbound.items()} for index in range(pack)]
