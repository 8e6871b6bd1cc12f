"""What a probe finds, and which function computes it: each registers itself, in the file that holds it.

    @computes(PairSlice)
    def pair(what: PairSlice, _: int) -> Finding: ...

`models.probes` imports every file of this folder, and fails where a probe has no such function.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from models.specs.look import Look

L = TypeVar("L", bound=Look)


@dataclass(frozen=True)
class Finding:
    """The measured numbers by name, NaN where one does not apply, and arrays that figures are drawn from."""

    numbers: dict[str, float]
    arrays: dict[str, Float[np.ndarray, "..."]] = field(default_factory=dict)


PROBES: dict[type[Look], Callable[[Any, int], Finding]] = {}
"""What computes each probe, given its declaration and the seed of what is random in it."""


def computes(kind: type[L]) -> Callable[[Callable[[L, int], Finding]], Callable[[L, int], Finding]]:
    """Registers the function below as the one that computes this kind of probe."""

    def register(function: Callable[[L, int], Finding]) -> Callable[[L, int], Finding]:
        PROBES[kind] = function
        return function

    return register
