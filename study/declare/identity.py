"""Identity by content: the hash that a declaration is known by.

A trial's id is a hash of its canonical declaration and of the engine version. Canonical: numbers by field type, fields at
their default left out (a new field renames nothing, so a default never changes without a new engine version), generators
and loaders by their version, files by their checksums.
"""

import hashlib
import json
from functools import cache, lru_cache
from typing import Any

from models.specs import Spec

ENGINE = 1
"""Raised when a change of code changes the numbers of trials: old results then no longer stand for new trials."""

TOO_MANY = ("Trial",)
"""Declarations that are not remembered: a study has one for each of its rows."""


def content_id(spec: Spec) -> str:
    """The id of a declaration: 16 hexadecimal digits of SHA-256 over its canonical content and the engine version."""
    return digest(canonical(spec))


def canonical(value: Any) -> Any:
    """The content of a declaration as JSON data, in a form that equal declarations share."""
    if isinstance(value, Spec):
        content = _fields(value) if type(value).__name__ in TOO_MANY else _shared_fields(value)
        version = {"version": value.version} if value.version is not None else {}
        return content | version | ({"fingerprint": value.fingerprint} if value.fingerprint else {})
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    return value


def _fields(spec: Spec) -> dict[str, Any]:
    """The canonical fields of a declaration, those at their default left out."""
    defaults = _defaults(type(spec))
    return {
        name: canonical(spec.counted(name))
        for name in type(spec).model_fields
        if name not in defaults or getattr(spec, name) != defaults[name]
    }


_remembered = lru_cache(maxsize=4096)(_fields)
"""The trials of a study are made of few parts, declared over and over: a plan of 100,000 looks each up."""


def _shared_fields(spec: Spec) -> dict[str, Any]:
    try:
        return _remembered(spec)  # pyright: ignore[reportArgumentType]  (frozen models have a hash)
    except TypeError:  # options are dicts, which have no hash
        return _fields(spec)


@cache
def _defaults(kind: type[Spec]) -> dict[str, Any]:
    """The fields of a kind of declaration that are left out of the content where they have these values."""
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in kind.model_fields.items()
        if name != "kind" and not field.is_required()
    }


def digest(content: Any) -> str:
    """A hash of JSON data and the engine version."""
    text = json.dumps({"engine": ENGINE, "content": content}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
