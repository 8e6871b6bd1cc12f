"""Where the preference between the decoders changes: critical parameters of penalties, and the γ of a VAE."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from analysis.claims.claim import Kind
from analysis.frames.probe_results import ProbeResult
from analysis.theory import serpentine
from study.catalog.penalties.table import OF_LOG_PLUS, OF_POWER, OF_SATURATING, VAE

SOURCE, BALANCE = "Dai, Wenliang & Wipf (2021)", "Regularization balance, Thm. 3"


class Change(NamedTuple):
    """Where the preference changes: of what, its theory from ε and the length, the measured number, and the claim."""

    data: str
    theory: Callable[[float, float], float]
    number: str
    claim: str
    source: str
    tolerance: float
    statements: Sequence[str]
    kind: Kind


CHANGES = {
    OF_SATURATING: Change(
        "u/(u + c)",
        lambda *of: serpentine.critical_saturation(serpentine.moments(*of)),
        "critical",
        "prefers the sparse decoder below a critical c, about ε²/3",
        f"{SOURCE}, Thm. 4; derived",
        1e-6,
        ("D20",),
        "derived",
    ),
    OF_LOG_PLUS: Change(
        "log(u + δ)",
        lambda *of: serpentine.critical_offset(serpentine.moments(*of)),
        "critical",
        "prefers the sparse decoder below δ = m_x m_y/(T − m_x − m_y)",
        f"{SOURCE}, Thm. 4; derived",
        1e-6,
        ("D20",),
        "derived",
    ),
    OF_POWER: Change(
        "u^p",
        lambda *of: serpentine.critical_power(serpentine.moments(*of)),
        "critical",
        "prefers the sparse decoder below p ≈ log 2/log(T/√(m_x m_y)), which falls with ε",
        f"{SOURCE}, Thm. 4; derived",
        1e-6,
        ("D20",),
        "derived",
    ),
    VAE: Change(
        "VAE with either decoder",
        lambda *of: serpentine.crossing(serpentine.variances(*of)),
        "crossing",
        "its loss prefers the sparse decoder below γ* = e v_x v_y/v_T",
        f"{BALANCE}; γ* derived",
        0.15,
        ("B15",),
        "source",
    ),
}
"""By the name of the look."""


def expected_of(change: Change, found: Sequence[ProbeResult]) -> list[tuple[ProbeResult, float]]:
    """Each probe with its value in theory."""
    return [(look, change.theory(look.what["eps"], look.what["length"])) for look in found]
