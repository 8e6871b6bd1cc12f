"""Frozen, validated declarations: the common ground of everything a trial is declared with.

A spec is plain data. Numbers are normalised by the *field's* type when they are declared (`1` and `1.0` are one value
of a float field, `8.0` is 8 in an integer field, NumPy scalars are accepted), text is never read as a number, and NaN
and infinity are refused. So two specs that mean the same trial are equal, whatever they were typed as.
"""

import inspect
import json
import numbers
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from models.specs.fields import default_of, page, public

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


def _to_float(value: Any) -> Any:
    """A real number as a plain float; anything else is left for pydantic to refuse."""
    if type(value) is float:  # nearly always, and asking about kinds of numbers takes long
        return value + 0.0
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return value
    return _float(value) + 0.0  # -0.0 becomes 0.0: they are one value, and must have one identity


def _to_int(value: Any) -> Any:
    """An integral number as a plain int; anything else is left for pydantic to refuse."""
    if type(value) is int:
        return value
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return operator.index(value)
    is_whole = isinstance(value, numbers.Real) and not isinstance(value, bool) and _float(value).is_integer()
    return int(_float(value)) if is_whole else value


def _float(value: numbers.Real) -> float:
    try:
        return value.__float__()
    except OverflowError as fault:
        raise ValueError("should be a number that a float can hold") from fault


def _scalar(value: Any) -> Any:
    """A NumPy scalar as a plain number. Raises: TypeError for anything else."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is none of these")


def _whole_as_int(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number  # beyond, no array holds the integer


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as JSON gives them back, so that a worker builds what was declared."""
    try:
        return json.loads(json.dumps(options, allow_nan=False, default=_scalar))
    except (TypeError, ValueError, RecursionError) as fault:
        raise ValueError(f"options must be plain numbers, text, lists and dicts ({fault})") from fault


def alike(options: dict[str, Any]) -> dict[str, Any]:
    """Options as they count for an identity: `1.0` is 1, since no field says which is meant."""
    return json.loads(json.dumps(options), parse_float=_whole_as_int)


def among(*choices: int) -> Callable[[int], int]:
    """Refuses a number that is none of the choices."""

    def check(value: int) -> int:
        if value in choices:
            return value
        raise ValueError(f"should be {' or '.join(map(str, choices))}")

    return check


def _held(value: float) -> float:
    """Refuses what float32 cannot hold, with room for what it is multiplied by."""
    if 1e-30 <= value <= 1e30:
        return value
    raise ValueError("should lie between 1e-30 and 1e30, which float32 can train with")


def _held_or_zero(value: float) -> float:
    return _held(value) if value else value


Real = Annotated[float, BeforeValidator(_to_float), Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, BeforeValidator(_to_int), Field(strict=True)]
Positive = Annotated[Real, Field(gt=0)]
NonNegative = Annotated[Real, Field(ge=0)]
Magnitude = Annotated[Positive, AfterValidator(_held)]
Scale = Annotated[NonNegative, AfterValidator(_held_or_zero)]
Rate = Annotated[Positive, Field(le=1e30)]  # a learning rate: a step that float32 can take, however absurd
Fraction = Annotated[Real, Field(ge=0, le=1)]
Count = Annotated[Whole, Field(ge=1, lt=2**31)]
Several = Annotated[Count, Field(ge=2)]
Options = Annotated[dict[str, Any], AfterValidator(_plain)]
Seed = Annotated[Whole, Field(ge=0, lt=2**63)]


_OFFERED = (classmethod, property)
"""What `help` shows of a declaration beside its fields: other ways to make one, and what follows from it."""


class _Kind(ModelMetaclass):
    """The class of declarations' classes: `help` and completion show what they declare and offer, and not pydantic's own."""

    def __dir__(self) -> list[str]:
        ours = [each for each in self.__mro__ if isinstance(each, _Kind)]
        offered = {name for each in ours for name, value in vars(each).items() if isinstance(value, _OFFERED)}
        return sorted(name for name in offered - {*dir(BaseModel)} if name[0] != "_")

    @property
    def __doc__(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The docstring, and all fields with their types, defaults and descriptions."""
        return page(cast("type[BaseModel]", self), vars(self).get("__doc__") or "")


class Spec(BaseModel, metaclass=_Kind):
    """A frozen declaration. Subclasses carry a `kind` literal, so that JSON reads back as the class that wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    version: ClassVar[int | None] = None
    """Raised when the meaning of a declaration changes without its fields; part of the trial's identity."""

    fingerprint: ClassVar[dict[str, str]] = {}
    """Published checksums of what a declaration stands for; part of the trial's identity."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Let `help` and editors show each field with its default, and its type where that is one of Python's own."""
        in_order = inspect.signature(cls.__init__).parameters if cls.__init__ is not BaseModel.__init__ else ()
        cls.__signature__ = inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD if name in in_order else inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if field.is_required() else default_of(field),
                    annotation=_plain_type(field.annotation) or inspect.Parameter.empty,
                )
                for name, field in public(cls).items()
            ]
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A variant, validated like any declaration; nothing that was derived from the original comes along."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate(fields | dict(update or {}))

    def counted(self, name: str) -> Any:
        """What of a field is part of the identity: its value."""
        return getattr(self, name)

    @property
    def label(self) -> str:
        """A short name for tables, figures and run names."""
        return type(self).__name__

    def __str__(self) -> str:
        return self.label

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What a person writes: `Fixed(value=1.0)`."""
        return ((name, value) for name, value in super().__repr_args__() if name != "kind")

    @classmethod
    def example(cls) -> str:
        """How a person writes one: `Learned()`, `Fixed(value=...)`."""
        needed = [f"{name}=..." for name, field in cls.model_fields.items() if field.is_required()]
        return f"{cls.__name__}({', '.join(needed)})"


def _plain_type(annotation: Any) -> Any:
    """A type of Python's own, without what is asked of its values; None for any other."""
    if get_origin(annotation) is Annotated:
        return _plain_type(annotation.__origin__)
    if get_origin(annotation) in (tuple, dict):
        inner = [each if each is ... else _plain_type(each) for each in get_args(annotation)]
        return None if None in inner else get_origin(annotation)[tuple(inner)]
    return annotation if annotation in (bool, int, float, str) else None


class Described(Spec):
    """A declaration whose label is how a person writes it, without fields at their default: `AdamW(weight_decay=0.1)`."""

    @property
    def label(self) -> str:
        """The class with what differs from its defaults."""
        fields = {name: (getattr(self, name), field.default) for name, field in type(self).model_fields.items()}
        changed = [f"{name}={_written(value)}" for name, (value, default) in fields.items() if value != default]
        return f"{type(self).__name__}({', '.join(changed)})" if changed else type(self).__name__


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))})"
    return brief(value) if isinstance(value, float) else str(value)


def shared(spec: "Spec") -> "Spec":
    """An equal declaration that was made before, if there is one: a study of 100,000 trials is made of few parts."""
    try:
        return _first_of_its_kind(spec)  # pyright: ignore[reportArgumentType]  (frozen models have a hash)
    except TypeError:  # options are dicts, which have none
        return spec


@lru_cache(maxsize=4096)
def _first_of_its_kind(spec: "Spec") -> "Spec":
    return spec


def as_tuple(value: Any) -> Any:
    """One declaration where several may stand, as a tuple: a declaration itself would be taken for pairs."""
    return (value,) if isinstance(value, Spec) else value


def brief(value: float) -> str:
    """A number as a person writes it: `0.1`, `1e-05`, `4`."""
    return f"{value:g}"
