"""A sentence of a source that can be tested."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """A sentence of a source, in our words: its number, where it stands, and what is wrong with it, if something is."""

    number: str
    where: str
    says: str
    wrong: str = ""


@dataclass(frozen=True)
class Source:
    """A source: what it is called here, and the statements of it that can be tested, in its order."""

    name: str
    about: str
    statements: Sequence[Statement]
