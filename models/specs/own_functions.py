"""Functions of the user's that take part in a trial: terms of its loss, and metrics of its trained network."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from models.specs.arguments import arguments_of
from models.specs.source import source_of
from models.specs.spec import Options, Real, Spec, alike, brief

SEEN_BY_TERMS = ("x", "y", "mean", "z", "mu", "log_var", "step")
"""What a loss term may ask for, by the names of its arguments."""


class OwnFunction(Spec):
    """The source of a function of the user's, as `Own` holds that of a network, and the options that it is called with."""

    name: str
    """The function's name, which `of` fills in."""
    source: str
    """The text that defines it, which `of` cuts out of its file."""
    modules: dict[str, str] = Field(default_factory=dict)
    """The texts of your own modules that it imports, by name, which `of` fills in."""
    options: Options = Field(default_factory=dict)
    """Further arguments that it is called with: numbers, text, lists and dicts."""

    def counted(self, name: str) -> Any:
        """Options by what they mean."""
        return alike(self.options) if name == "options" else super().counted(name)

    @property
    def label(self) -> str:
        """The function's name."""
        return self.name


class OwnTerm(OwnFunction):
    """weight · the mean over examples of a function of the user's, minimised beside J.

    The function takes any of x (what is encoded), y (what it is decoded to), mean (m(z)), z, mu, log_var, each (n, ·) of one
    trial's minibatch, and step; and its options. It returns a number for each example, (n,), or one for the minibatch.
    """

    kind: Literal["OwnTerm"] = "OwnTerm"
    weight: Real = 1.0
    """What the mean of the function's values is multiplied by."""

    @classmethod
    def of(cls, function: Callable[..., Any], /, weight: float = 1.0, **options: Any) -> Self:
        """Declare `function` as a loss term. Raises: ValueError for arguments that nobody gives, and as `Own.of`."""
        name = getattr(function, "__name__", "")
        _check_arguments(function, name, SEEN_BY_TERMS, options, f"OwnTerm.of({name}, ...)")
        source = source_of(function)
        return cls(name=name, source=source.text, modules=dict(source.modules), options=options, weight=weight)

    @property
    def label(self) -> str:
        """ "sparsity×0.1"."""
        return f"{self.name}×{brief(self.weight)}"


class OwnMetric(OwnFunction):
    """Numbers that a function of the user's makes of a trained network and the data.

    The function is called as `function(network, data, **options)`. The network, in evaluation mode, offers `encode` and
    `decode`; the data hold `train`, `test` and what these are decoded to, `train_y` and `test_y`, as tensors (n, ·). It
    returns a number for each name of `numbers`, or the number itself where there is one. `numbers` says the unit and the
    meaning of each: {"overlap": ("-", "largest correlation of two latents")}.
    """

    kind: Literal["OwnMetric"] = "OwnMetric"
    numbers: dict[str, tuple[str, str]]
    """The unit and the meaning of each number that it returns, by name."""

    @classmethod
    def of(cls, function: Callable[..., Any], /, numbers: Mapping[str, tuple[str, str]], **options: Any) -> Self:
        """Declare `function` as a metric. Raises: ValueError for arguments that nobody gives, and as `Own.of`."""
        name = getattr(function, "__name__", "")
        taken = _check_arguments(function, name, ("network", "data"), options, f"OwnMetric.of({name}, ...)")
        if taken[:2] != ["network", "data"]:
            raise ValueError(f"{name} takes {', '.join(taken) or 'nothing'}: a metric takes (network, data, ...)")
        source = source_of(function)
        return cls(name=name, source=source.text, modules=dict(source.modules), options=options, numbers=dict(numbers))

    @model_validator(mode="after")
    def _has_names(self) -> Self:
        if not self.numbers:
            raise ValueError(f'{self.name} measures nothing: numbers={{"name": ("unit", "meaning")}}')
        if wrong := [name for name in self.numbers if not name.isidentifier()]:
            raise ValueError(f"a metric cannot be called {wrong[0]!r}: letters, digits and _ make a column's name")
        return self

    def counted(self, name: str) -> Any:
        """Numbers by their names: unit and meaning only describe them."""
        return list(self.numbers) if name == "numbers" else super().counted(name)


def _check_arguments(
    function: Callable[..., Any], name: str, given: tuple[str, ...], options: Mapping[str, Any], remedy: str
) -> list[str]:
    """The names of a function's arguments. Raises: ValueError for one that nobody gives, or that it does not take."""
    try:
        names, lacking, unknown = arguments_of(function, given, options)
    except (TypeError, ValueError) as fault:
        raise ValueError(f"{name or function!r} is no function: give one of your own file") from fault
    if lacking:
        raise ValueError(f"{name} takes {lacking[0]}, which nobody gives: make it an option, {remedy}")
    if unknown:
        raise ValueError(f"{name} takes no argument {unknown[0]}: correct it, or drop it")
    return names
