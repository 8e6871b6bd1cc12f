"""A declaration in a few words, for whoever looks at one: what differs from the defaults, and no source texts."""

from typing import Any

from models.specs import Spec
from models.specs.spec import brief
from study.html import table

_LEFT_OUT = ("kind", "source", "modules")


def as_html(declared: Spec, trial_id: str) -> str:
    """What a notebook shows of a trial or a probe: its parts, a row for each, and its id."""
    rows = [(name, in_words(value)) for name, value in _parts(declared).items()]
    return table((type(declared).__name__.lower(), ""), [*rows, ("id", trial_id)])


def in_words(value: Any) -> str:
    """A value as a person writes it: `VAE(kappa=4, encoder=(16,))`."""
    match value:
        case Spec():
            return f"{type(value).__name__}({', '.join(f'{k}={in_words(v)}' for k, v in _parts(value).items())})"
        case tuple():
            return f"({', '.join(map(in_words, value))}{',' if len(value) == 1 else ''})"
        case float():
            return brief(value)
    return str(value)


def _parts(spec: Spec) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    fields = {name: (getattr(spec, name), field) for name, field in type(spec).model_fields.items()}
    return {
        name: value
        for name, (value, field) in fields.items()
        if name not in _LEFT_OUT and (field.is_required() or value != field.get_default(call_default_factory=True))
    }
