"""Identity by content: a declaration is known by its hash.

A trial's id is a hash of its canonical declaration and of the engine version. In the canonical form numbers have the type
of their field, fields at their default are left out, generators and loaders count by their version, and files by their
checksums. So a new field renames no trial, and a default may only change together with the engine version.
"""

import hashlib
import json
from functools import cache, lru_cache
from typing import Any

from models.specs import Spec

ENGINE = 1
"""The engine version. Raise it when a change of code changes the numbers of trials: old results then stand for none."""

_NOT_CACHED = ("Trial",)
"""Kinds whose content is not cached: a study declares one for each of its rows."""


def content_id(spec: Spec) -> str:
    """The id of a declaration: the digest of its canonical content."""
    return digest(canonical(spec))


def canonical(value: Any) -> Any:
    """The content of a declaration as JSON data; equal declarations have the same."""
    if isinstance(value, Spec):
        content = _fields(value) if type(value).__name__ in _NOT_CACHED else _shared_fields(value)
        version = {"version": value.version} if value.version is not None else {}
        return content | version | ({"fingerprint": value.fingerprint} if value.fingerprint else {})
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    return value


def _fields(spec: Spec) -> dict[str, Any]:
    """The canonical fields of a declaration, without those at their default."""
    defaults = _defaults(type(spec))  # pyright: ignore[reportArgumentType]
    return {
        name: canonical(spec.counted(name))
        for name in type(spec).model_fields
        if name not in defaults or getattr(spec, name) != defaults[name]
    }


_cached_fields = lru_cache(maxsize=4096)(_fields)
"""The trials of a study consist of few parts, declared over and over: a plan of 100,000 looks each of them up."""


def _shared_fields(spec: Spec) -> dict[str, Any]:
    try:
        return _cached_fields(spec)  # pyright: ignore[reportArgumentType]  (frozen models have a hash)
    except TypeError:  # options are a dict, which has no hash
        return _fields(spec)


@cache
def _defaults(kind: type[Spec]) -> dict[str, Any]:
    """The optional fields of a kind of declaration with their defaults."""
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in kind.model_fields.items()
        if name != "kind" and not field.is_required()
    }


def digest(content: Any) -> str:
    """16 hexadecimal digits of SHA-256 over JSON data and the engine version."""
    text = json.dumps({"engine": ENGINE, "content": content}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
