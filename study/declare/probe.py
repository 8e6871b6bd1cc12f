"""The Probe: a row of a study that is computed, not trained.

It examines a loss itself, by optimisation, automatic differentiation or a grid; `what` says which loss, and how. Like a
trial it has an identity, a pack, a commit and records. It depends on no other trial.
"""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from models.specs import Data, Spec
from models.specs.probes import Probing
from models.specs.spec import Seed
from study.declare.description import as_html
from study.declare.identity import canonical, content_id, digest
from study.declare.trial import Trial


class Probe(Spec):
    """One examination of a loss, and the seed of whatever is random in it."""

    kind: Literal["Probe"] = "Probe"
    what: Probing
    """Which loss is examined, and how."""
    seed: Seed = 0
    """The seed of whatever is random in it."""

    @cached_property
    def trial_id(self) -> str:
        """Its identity: the digest of the declaration."""
        return content_id(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return as_html(self, self.trial_id)

    @cached_property
    def pack_key(self) -> str:
        """Probes of one kind share packs, in which they are computed one after another."""
        return digest(["probe", canonical(self.what)["kind"]])

    @property
    def datasets(self) -> tuple[Data, ...]:
        """Empty: a probe makes what it examines."""
        return ()

    @property
    def stands_on(self) -> tuple[Trial, ...]:
        """Empty: a probe needs no trial before it."""
        return ()

    @property
    def stages(self) -> tuple[Trial, ...]:
        """Empty: nothing is trained."""
        return ()

    @property
    def stage(self) -> str:
        """The part that it plays, as a trial's among its stages."""
        return "probe"


Declared = Trial | Probe
"""What a row of a study declares."""

_either: TypeAdapter[Declared] = TypeAdapter(Annotated[Declared, Field(discriminator="kind")])


def read_declaration(content: Any) -> Declared:
    """The trial or probe that JSON data declare. Raises: ValidationError."""
    return _either.validate_python(content)
