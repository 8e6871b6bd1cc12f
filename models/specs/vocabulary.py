"""Vocabularies: closed unions of declarations, each listed once. Whatever else knows the members derives from the union.

    Gamma = Annotated[Fixed | Learned | Optimal, Vocabulary()]

`members(Gamma)` are its classes. A `match` over them ends in `assert_never`, which the type checker refuses while a member
has no case. A table that holds something for each member is checked by `check_complete` when its module is imported.
"""

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from models.specs.spec import Spec


@dataclass(frozen=True)
class Vocabulary:
    """Marks a union of declarations. Its members are told apart by `kind`; any other value is refused with a remedy."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds = get_args(source)

        def check(value: Any) -> Any:
            if isinstance(value, (dict, *kinds)):
                return value
            raise ValueError(_refusal(value, kinds))

        told_apart = handler.generate_schema(Annotated[source, Field(discriminator="kind")])
        return core_schema.no_info_before_validator_function(check, told_apart)


def _refusal(value: Any, kinds: tuple[type[Spec], ...]) -> str:
    """What the value should be, and how to write the member that it seems to mean."""
    names = {kind.__name__.lower(): kind for kind in kinds}
    meant = value.__name__ if isinstance(value, type) else value if isinstance(value, str) else ""
    near = difflib.get_close_matches(meant.lower(), names, n=1)
    remedy = f": write {names[near[0]].example()}" if near else ""
    return f"should be one of {', '.join(kind.__name__ for kind in kinds)}{remedy}"


def members(vocabulary: Any) -> tuple[Any, ...]:
    """The classes of a vocabulary, in the order of its union; of a `Literal` its texts."""
    marked = any(isinstance(each, Vocabulary) for each in getattr(vocabulary, "__metadata__", ()))
    return get_args(vocabulary.__origin__ if marked else vocabulary)


def check_complete(listed: Collection[Any], known: Collection[Any], name: str, remedy: str) -> None:
    """Raises: TypeError where `known` does not hold exactly what is `listed` in what is called `name`."""
    if missing := [member for member in listed if member not in known]:
        raise TypeError(f"{_text(missing[0])} is listed in {name}, and nothing carries it out: {remedy}")
    if unlisted := [member for member in known if member not in listed]:
        raise TypeError(f"{_text(unlisted[0])} is carried out, and not listed in {name}: add it there")


def _text(member: Any) -> str:
    return getattr(member, "__name__", str(member))
