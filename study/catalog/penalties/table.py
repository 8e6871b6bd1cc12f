"""Which penalties on codes prefer a sparse decoder, and how a VAE's loss becomes one of them as γ falls.

A dense decoder reconstructs a serpentine in a square of side ε from both coordinates, a sparse one from its arc length
alone. The penalty h(u) on the mean squares u of their codes decides which one is preferred. Probes compare the two at
several ε, and find the parameter of the penalty at which the preference changes; for a VAE's loss they find the γ. `column
scale` and `logarithms` test the two lemmas by which that loss becomes a sum of logarithms. `at` is ε; for `column scale` it
is γ, for `logarithms` the dimension of the data.

Nothing is trained here; `sparse_codes` trains autoencoders under these penalties.
"""

from models.specs.penalties import (
    ColumnScale,
    Crossed,
    LogTransform,
    SerpentineCost,
    SerpentineCritical,
    SerpentineCrossing,
)
from models.specs.sparsity import Penalty
from study.declare.probe import Probe
from study.declare.table import study

U, HUBER, SATURATING = "u", "Huber √u", "u/(u+0.01)"
LOG_PLUS, LOG_PLUS_LESS = "log(u+1e-4)", "log(u+1e-8)"
ROOT, POWER, SMALL_POWER, MCP, SCAD = "√u", "u^0.1", "u^0.02", "MCP √u", "SCAD √u"
SUPPORT, LOG = "1[u>0]", "log u"

PENALTIES: dict[str, tuple[Penalty, float | None]] = {
    U: ("u", None),
    HUBER: ("Huber", 0.1),
    SATURATING: ("saturating", 0.01),
    LOG_PLUS: ("log plus", 1e-4),
    LOG_PLUS_LESS: ("log plus", 1e-8),
    ROOT: ("root", None),
    POWER: ("power", 0.1),
    SMALL_POWER: ("power", 0.02),
    MCP: ("MCP", 0.2),
    SCAD: ("SCAD", 0.1),
    SUPPORT: ("support", None),
    LOG: ("log", None),
}
"""Look → the penalty and its parameter."""

OF_SATURATING, OF_LOG_PLUS, OF_POWER = "critical c", "critical δ", "critical p"

CRITICAL: dict[str, Crossed] = {OF_SATURATING: "saturating", OF_LOG_PLUS: "log plus", OF_POWER: "power"}

VAE, COLUMN_SCALE, LOGARITHMS = OTHERS = "VAE", "column scale", "logarithms"

LOOKS = [*PENALTIES, *CRITICAL, *OTHERS]

EPS, GAMMAS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01), (1e-2, 1e-4, 1e-6, 1e-8)

FINER = tuple(round(4 / (runs + 1), 12) for runs in (2, 5, 9, 13, 27, 55, 111, 279, 559, 799, 1999, 3999))
"""More ε, each with a whole number of runs."""

LAPTOP: dict[str, tuple[float, ...]] = {"critical": (0.5, 0.1, 0.02), VAE: (0.5, 0.2, 0.1), LOGARITHMS: (4, 12, 30)}

PAPER: dict[str, tuple[float, ...]] = {
    "critical": (*EPS, *FINER),
    VAE: (0.5, 0.4, 0.2, 0.1, 0.05, 0.04, 0.02),
    LOGARITHMS: (4, 12, 30, 100),
}


@study(look=LOOKS, at=[*EPS, 1e-4, 1e-6, 1e-8, *LAPTOP[LOGARITHMS]], seed=range(5))
def penalties(look: str, at: float, seed: int) -> Probe | None:
    """Which penalties on codes prefer a sparse decoder to a dense one, and does a VAE's loss do so at a small γ?"""
    return _probe(look, at, seed, EPS, GAMMAS, LAPTOP)


@penalties.paper(
    look=LOOKS,
    at=sorted({*EPS, *FINER, *PAPER[VAE], *(10**-k for k in range(1, 11)), *PAPER[LOGARITHMS]}, reverse=True),
    seed=range(20),
)
def penalties_paper(look: str, at: float, seed: int) -> Probe | None:
    """The same for more ε down to 0.001, more γ, and more random autoencoders."""
    return _probe(look, at, seed, (*EPS, *FINER), tuple(10**-k for k in range(1, 11)), PAPER)


def _probe(
    look: str,
    at: float,
    seed: int,
    eps: tuple[float, ...],
    gammas: tuple[float, ...],
    ats: dict[str, tuple[float, ...]],
) -> Probe | None:
    """One row; None where a look is not evaluated at this value, or does not depend on the seed."""
    if look == LOGARITHMS:
        return Probe(what=LogTransform(d=int(at)), seed=seed) if at in ats[look] else None
    if seed:
        return None
    if look in PENALTIES:
        penalty, parameter = PENALTIES[look]
        return Probe(what=SerpentineCost(penalty=penalty, parameter=parameter, eps=at)) if at in eps else None
    if look in CRITICAL:
        return Probe(what=SerpentineCritical(penalty=CRITICAL[look], eps=at)) if at in ats["critical"] else None
    if look == VAE:
        return Probe(what=SerpentineCrossing(eps=at)) if at in ats[look] else None
    return Probe(what=ColumnScale(gamma=at)) if at in gammas else None
