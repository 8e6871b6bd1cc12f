"""Probes: looks at a loss itself, in float64, that `models.specs.probes` declares. No theory is used, only the loss.

Those that look at training itself are computed in `study.train`, which adds them to `PROBES`.
"""

from importlib import import_module
from pkgutil import iter_modules

from models.probes.finding import PROBES, Finding
from models.specs.probes import Probing
from models.specs.vocabulary import check_complete, members

__all__ = ["Finding", "probe"]

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

check_complete(
    [each for each in members(Probing) if not each.of_training],
    PROBES,
    "Probing, in models/specs",
    "decorate a function in models/probes with @computes(...)",
)


def probe(what: Probing, seed: int) -> Finding:
    """Compute a probe; what is random in it follows from the seed."""
    return PROBES[type(what)](what, seed)
