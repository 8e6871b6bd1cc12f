"""The Trial, and its identity by content.

A trial's id is a hash of its canonical declaration and of the engine version. Canonical: numbers by field type, fields at
their default left out (a new field renames nothing, so a default never changes without a new engine version), generators
and loaders by their version, files by their checksums.
"""

import hashlib
import json
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import model_validator

from models.specs import Data, Model, Objective, Spec, Training
from models.specs.base import Seed

ENGINE = 1
"""Raised when a change of code changes the numbers of trials: old results then no longer stand for new trials."""


_FREE_IN_A_PACK = (
    ("training", "lr"),
    ("training", "blow_up"),
    ("model", "init"),
    ("model", "mu_scale"),
    ("model", "log_var_scale"),
)


class Trial(Spec):
    """One complete experiment: what is trained on what, how, and from which seed.

    The seed decides the initial weights, the minibatch order and the noise: trials that share it share them.
    """

    kind: Literal["Trial"] = "Trial"
    data: Data
    model: Model
    objective: Objective
    training: Training
    seed: Seed

    @model_validator(mode="after")
    def _network_suits_the_data(self) -> Self:
        self.model.check(self.data)
        return self

    @cached_property
    def trial_id(self) -> str:
        return content_id(self)

    @cached_property
    def pack_key(self) -> str:
        """Hash of what decides the shapes: trials that share it can train as one stack.

        γ, β, the learning rate, the initial weights' scale and the seed may differ inside a pack.
        """
        content = canonical(self)
        for free in ("objective", "seed"):
            content.pop(free)
        for section, free in _FREE_IN_A_PACK:
            content[section].pop(free, None)
        return _digest(content)


def content_id(spec: Spec) -> str:
    """The id of a declaration: 16 hexadecimal digits of SHA-256 over its canonical content and the engine version."""
    return _digest(canonical(spec))


def canonical(value: Any) -> Any:
    """The content of a declaration as JSON data, in a form that equal declarations share."""
    if isinstance(value, Spec):
        content = {
            name: canonical(value.counted(name))
            for name, field in type(value).model_fields.items()
            if name == "kind"
            or field.is_required()
            or getattr(value, name) != field.get_default(call_default_factory=True)
        }
        content |= {"version": value.version} if value.version is not None else {}
        return content | ({"fingerprint": value.fingerprint} if value.fingerprint else {})
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    return value


def _digest(content: Any) -> str:
    text = json.dumps({"engine": ENGINE, "content": content}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
