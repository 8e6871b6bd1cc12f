"""The tensors of a user's module: each must be a parameter or a buffer of its own, which every trial has for itself."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from models.networks.own_outputs import NetworkError

DEPTH = 3
"""Lists, dicts and objects within each other that are looked into."""

_EMPTY = nn.Module()
_SEEN = {"layers": "nn.ModuleList or nn.ModuleDict", "tensors": "register_buffer, or nn.ParameterList"}


def take_in_tensors(network: nn.Module, name: str) -> list[str]:
    """Make plain tensors buffers, and name them. Raises: NetworkError for what cannot be one."""
    known = {id(part) for part in network.modules()}
    owned = {each.data_ptr() for _, each in _tensors(network)}
    taken: list[str] = []
    for place, part in network.named_modules():
        for attribute, value in list(vars(part).items()):
            inside = ".".join(filter(None, (place, attribute)))
            if isinstance(value, Tensor):
                _check_kind(value, f"{name}.{inside}")
                if value.requires_grad or (value.numel() and value.data_ptr() in owned):
                    raise NetworkError(
                        f"{name}.{inside} is made of parameters once, when the network is built, so training never "
                        "reaches it: compute it in encode and decode (weight_norm and spectral_norm: "
                        "torch.nn.utils.parametrizations)"
                    )
                if not hasattr(type(part), attribute):  # which would hide the buffer
                    delattr(part, attribute)
                    part.register_buffer(attribute, value, persistent=False)
                    taken.append(inside)
            elif attribute not in vars(_EMPTY) and (kind := _kind_inside(value, known)):
                raise NetworkError(
                    f"{name}.{inside} holds {kind} in a {type(value).__name__}, out of sight: use {_SEEN[kind]}"
                )
    return taken


def check_tensors(network: nn.Module, name: str) -> None:
    """Raises: NetworkError for parameters and buffers that no stack can hold, or that share their memory."""
    owners: dict[int, str] = {}
    for inside, value in _tensors(network):
        where = f"{name}.{inside}"
        _check_kind(value, where)
        other = owners.setdefault(value.untyped_storage().data_ptr(), where) if value.numel() else where
        if other != where:
            raise NetworkError(
                f"{where} shares its memory with {other}, which no stack of trials can: use one of them for both "
                "(as in F.linear(z, self.mu.weight.t())), or copy it with clone()"
            )


def _check_kind(value: Tensor, where: str) -> None:
    if value.layout != torch.strided:
        raise NetworkError(f"{where} is sparse: make it dense, as in x.to_dense()")
    if value.is_quantized:
        raise NetworkError(f"{where} is quantized: give it real numbers, as in x.dequantize()")
    if value.is_meta:
        raise NetworkError(f"{where} is on the device meta, and has no numbers: build it without device='meta'")
    if type(value) not in (Tensor, nn.Parameter, nn.Buffer):
        raise NetworkError(
            f"{where} is a {type(value).__name__}: make it a plain tensor, as in x.as_subclass(torch.Tensor)"
        )


@contextmanager
def parameters_unchanged(network: nn.Module, name: str) -> Iterator[None]:
    """Raises: NetworkError where code writes into a parameter meanwhile, be it the numbers that are there."""
    before = [(inside, each, each._version) for inside, each in network.named_parameters() if not is_lazy(each)]
    yield
    if changed := [inside for inside, each, version in before if each._version != version]:
        raise NetworkError(
            f"{name}.{changed[0]} changes when encode or decode is called, and optimisers alone change parameters: "
            "compute what is made of it without changing it, as in weight.clamp(-1, 1)"
        )


def with_live_weights(network: nn.Module) -> None:
    """Let recurrent layers use the parameters that they have: they keep a list of those that they were built with."""
    for part in network.modules():
        if isinstance(part, nn.RNNBase):
            vars(part).pop("_flat_weights", None)
            part.__class__ = type(
                type(part).__name__, (type(part),), {"_flat_weights": property(_flat_weights, _ignore)}
            )


def _flat_weights(layer: nn.RNNBase) -> list[Tensor | None]:
    return [getattr(layer, name, None) for name in layer._flat_weights_names]


def _ignore(layer: nn.RNNBase, listed: list[Tensor | None]) -> None:
    """Torch sets the list where parameters are moved; nobody needs it."""
    del layer, listed


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by name, each once, without those that a call will give their shapes."""
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        if not is_lazy(value):
            yield name, value


def _kind_inside(value: Any, known: Set[int], depth: int = 0) -> str | None:
    """Whether a plain list, dict or object holds layers or tensors, which no module would know of."""
    match value:
        case nn.Module():
            return None if id(value) in known else "layers"
        case Tensor():
            return "tensors"
        case list() | tuple() | set():
            inside = value
        case dict():
            inside = value.values()
        case type() | ModuleType():
            return None
        case _:
            inside = getattr(value, "__dict__", {}).values()
    if depth > DEPTH:
        return None
    return next(filter(None, (_kind_inside(part, known, depth + 1) for part in [*inside])), None)
