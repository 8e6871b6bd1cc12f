"""What every probe declares: the numbers that it measures, and about how long it takes."""

from typing import ClassVar

from models.specs.spec import Spec

Measures = dict[str, tuple[str, str]]
"""Name of a measured number → its unit and its meaning."""

EQ3 = "2J + βκ in nats"


class Look(Spec):
    """One look at a loss. `version` is raised when a change of code changes its numbers; it is part of the identity."""

    version: ClassVar[int | None] = 1
    of_training: ClassVar[bool] = False
    """Whether it looks at training itself: `study.train` computes it then, and `models.probes` knows nothing of it."""
    measures: ClassVar[Measures] = {}

    @property
    def seconds(self) -> float:
        """What it takes one CPU core, roughly."""
        return 0.1
