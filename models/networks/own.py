"""A network of the user's: built from the source that its declaration holds, and called as the platform calls networks.

Its code gets copies, so that what it does in place reaches nothing of ours. What it returns is understood in the forms
that `models.networks.own_outputs` lists.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn
from torch.distributions import Distribution

from models.networks.methods import Methods
from models.networks.module_contents import Contents, contents, differing, plain_contents
from models.networks.module_tensors import check_tensors, parameters_unchanged, take_in_tensors, with_live_weights
from models.networks.own_outputs import Method, NetworkError, decoded, posterior, rows
from models.networks.raised import is_of_a_machine, said, told
from models.specs.gaussian import Shaped
from models.specs.network import Own
from models.specs.source import define, no_arguments, opened_files

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
"""The complex numbers made of two real ones."""

METHODS = {"encode": "encoder", "decode": "decoder"}
"""What a network offers, and the parts that serve where it lacks the method, as in pythae."""


class OwnNetwork(Methods):
    """A user's module as a network: `encode` gives (mu, log_var) and `decode` rows, whatever the module returns."""

    def __init__(
        self, network: nn.Module, spec: Own, data: Shaped, maker: Any = None, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__(network)
        self.maker = maker
        """The class or function that made the module."""
        self._dtype = dtype
        self._name, self._kappa, self._d, self._image = spec.name, spec.kappa, data.d, data.image
        self.sees_pictures = getattr(network, "image", None) is True
        """Whether `encode` is given pictures (n, colours, height, width) in the place of rows."""
        self.converted: dict[str, torch.dtype] = {}
        """Numbers of another type than the trial's that were converted, by name, with the type that they had."""
        self.late: list[str] = []
        """Tensors that the module made when it was first called, by name."""

    def encode(self, x: Num[Tensor, "n d_in"]) -> tuple[Float[Tensor, "n kappa"], Float[Tensor, "n kappa"]]:
        """Mean and log variance of q(z|x). Raises: NetworkError for results of other shapes."""
        with _unchecked_distributions():
            mu, log_var = posterior(self._call("encode", self._as_seen(self._as_trained(x))), self._method("encode"))
        n, kappa = len(x), (self._kappa, "kappa")
        return self._rows(mu, n, kappa, "encode's mu"), self._rows(log_var, n, kappa, "encode's log_var")

    def decode(self, z: Num[Tensor, "n kappa"]) -> Float[Tensor, "n d"]:
        """Mean of x. Raises: NetworkError for a result of another shape."""
        with _unchecked_distributions():
            mean = decoded(self._call("decode", self._as_trained(z)), self._method("decode"))
        return self._rows(mean, len(z), (self._d, "d"), "decode", self._image)

    def forward(self, method: Any, *inputs: Any) -> Any:
        """The named method, or the module itself where it is called with something else."""
        return getattr(self, method)(*inputs) if isinstance(method, str) else self.network(method, *inputs)

    def __getattr__(self, name: str) -> Any:
        """What the wrapper lacks, the module may have."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)

    def _method(self, method: str) -> Method:
        if callable(getattr(self.network, method, None)):
            return Method(f"{self._name}.{method}", "return")
        taken = "x" if method == "encode" else "z"
        return Method(
            f"{self._name} has no {method}, and its {METHODS[method]}", f"write {method}(self, {taken}) that returns"
        )

    def _call(self, method: str, value: Float[Tensor, "n ..."]) -> Any:
        return (getattr(self.network, method, None) or getattr(self.network, METHODS[method]))(value)

    def _rows(
        self,
        value: Num[Tensor, "..."],
        n: int,
        width: tuple[int, str],
        what: str,
        image: tuple[int, ...] | None = None,
    ) -> Float[Tensor, "n _"]:
        """What a method returned, as n rows of the type that the network was trained with. `width` has a name."""
        found = rows(value, n, width, f"{self._name}: {what}", image)
        if found.dtype != self._dtype:
            self.converted[what] = found.dtype
        return found.to(self._dtype)

    def _as_trained(self, rows: Num[Tensor, "n _"]) -> Float[Tensor, "n _"]:
        """A copy of the rows, in numbers of the type that the network was trained with."""
        real = rows.real if rows.is_complex() else rows
        return real.clone() if real.dtype == self._dtype else real.to(self._dtype)

    def _as_seen(self, x: Float[Tensor, "n d_in"]) -> Float[Tensor, "n ..."]:
        if not (self.sees_pictures and self._image):
            return x
        height, width, *colours = self._image
        return x.unflatten(-1, (height, width, *(colours or [1]))).movedim(-1, -3)


def build_own(spec: Own, data: Shaped, dtype: torch.dtype) -> OwnNetwork:
    """A user's class, made again from the source of its declaration, in numbers of `dtype`, and called once.

    Raises: NetworkError where it cannot be built, called, or trained as it is.
    """
    with opened_files() as opened, no_arguments():
        maker = define(spec.source, spec.name, spec.modules)
        network = _made(maker, spec, data)
    if unknown := opened.undeclared():
        raise NetworkError(
            f"{spec.name} reads {unknown[0]}, which no declaration holds: give what it says as an option"
        )
    for method, part in METHODS.items():
        if not (callable(getattr(network, method, None)) or callable(getattr(network, part, None))):
            raise NetworkError(f"{spec.name} has no {method}: a network offers encode(x) and decode(z)")
    with_live_weights(network)
    check_tensors(network, spec.name)
    take_in_tensors(network, spec.name)
    own = OwnNetwork(network, spec, data, maker, dtype)
    own.converted = _convert(network, dtype)
    with parameters_unchanged(network, spec.name):
        _call_once(own, spec, data, dtype)
    own.late = take_in_tensors(network, spec.name)
    return own


def check_alike(networks: Sequence[OwnNetwork]) -> None:
    """Raises: NetworkError where networks of one class differ in more than the numbers of parameters and buffers.

    These alone are stacked; all else a stack holds once for all its trials.
    """
    found = [_unstacked(network) for network in networks]
    for other in found[1:]:
        if drawn := differing(found[0], other):
            raise NetworkError(
                f"{networks[0]._name}.{drawn[0]} differs from seed to seed, and is neither a parameter nor a buffer made in "
                "__init__, which each trial has for itself: make it one (register_buffer), or set it by an option"
            )


def _unstacked(network: OwnNetwork) -> Contents:
    module = network.network
    tensors = [*module.named_parameters(), *module.named_buffers()]
    shapes = {name: (tuple(each.shape), each.dtype) for name, each in tensors}
    late = {name: value for name, value in contents(module).items() if name in network.late}
    return shapes | late | plain_contents(module, network.maker)


def arguments_of(maker: Any, d: int, kappa: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a class or function is called with: its options, and `d` and `kappa` where it takes them.

    A class of which Python cannot tell what it takes gets both.
    """
    try:
        taken = inspect.signature(maker).parameters
    except (TypeError, ValueError):
        return {"d": d, "kappa": kappa, **options}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in taken.values())
    return {name: value for name, value in (("d", d), ("kappa", kappa)) if takes_any or name in taken} | dict(options)


def _made(maker: Any, spec: Own, data: Shaped) -> nn.Module:
    arguments = arguments_of(maker, data.d_in, spec.kappa, deepcopy(spec.options))  # or its code could change them
    try:
        network = maker(**arguments)
    except (Exception, SystemExit) as fault:
        if is_of_a_machine(fault):
            raise
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        raise NetworkError(f"{spec.name}({given}) cannot be built ({said(fault)}): fix it, or its options") from fault
    if not isinstance(network, nn.Module):
        raise NetworkError(f"{spec.name} made a {type(network).__name__}: make an nn.Module")
    return network


def _convert(network: nn.Module, dtype: torch.dtype) -> dict[str, torch.dtype]:
    """Floating point numbers become `dtype`, complex ones stay complex, and integers and booleans what they are."""
    before = {name: each.dtype for name, each in [*network.named_parameters(), *network.named_buffers()]}
    network._apply(lambda each: each.to(_as(each.dtype, dtype)))
    kept = (dtype, torch.float32, torch.complex64)
    return {name: old for name, old in before.items() if (old.is_floating_point or old.is_complex) and old not in kept}


def _as(old: torch.dtype, dtype: torch.dtype) -> torch.dtype:
    if old.is_complex:
        return COMPLEX[dtype]
    return dtype if old.is_floating_point else old


@torch.no_grad()
def _call_once(own: OwnNetwork, spec: Own, data: Shaped, dtype: torch.dtype) -> None:
    """Call both methods on two rows, in evaluation mode: lazy modules get their shapes, wrong results are refused.

    Pictures are given where the class says `image = True`, and where it cannot take rows.
    """
    own.eval()
    x, z = torch.zeros(2, data.d_in, dtype=dtype), torch.zeros(2, spec.kappa, dtype=dtype)
    try:
        tried(own, "encode", x)
    except NetworkError as fault:
        if own.sees_pictures or not (data.image and fault.__cause__):
            raise
        own.sees_pictures = True
        try:
            tried(own, "encode", x)
        except NetworkError:
            raise fault from fault.__cause__
    tried(own, "decode", z)
    own.train()


def tried(own: OwnNetwork, method: str, value: Float[Tensor, "n _"]) -> Any:
    """What a method of the network makes of rows. Raises: NetworkError, also for whatever the method raises."""
    with told(f"{own._name}.{method}, called with rows {tuple(value.shape)},"):
        return own(method, value)


@contextmanager
def _unchecked_distributions() -> Iterator[None]:
    """Distributions without their checks: these ask for values, which `vmap` has none of, and NaN is divergence."""
    before = Distribution._validate_args
    Distribution._validate_args = False
    try:
        yield
    finally:
        Distribution._validate_args = before
