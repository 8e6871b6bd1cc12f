"""Identities between the J of training steps and the sources' objectives; probes of random networks measure both sides."""

from collections.abc import Callable, Sequence

from analysis.claims.residuals import worst
from analysis.frames.probe_results import ProbeResult
from analysis.theory import conventions

Identity = Callable[[ProbeResult], tuple[float, float]]

STEPS: dict[str, Identity] = {
    "J of a step is −log p(x|z) + βK written out, without (d/2) log 2π": lambda a: (a["j"], a["j_written"]),
    "J of a step by autograd is J of a step by hand": lambda a: (a["j_graph"], a["j"]),
    "J in the record is J written out, over the training set": lambda a: (a["j_recorded"], a["j_recorded_written"]),
    "J of a step is R/(2γ) + (d/2) log γ + βK": lambda a: (a["j"], _formula(a)),
    "the γ of a step that sets it to its optimum is R/d": lambda a: (a["step_gamma"], float(_profile(a).gamma)),
    "J of that step is the least J over γ": lambda a: (a["j_optimal"], a["j_best"]),
    "−ELBO is J + (d/2) log 2π at β = 1": lambda a: (
        a["bound"],
        float(conventions.neg_elbo(a["j_plain"], a.what["d"])),
    ),
}
"""What this program's steps and records must be, each with its two sides; the first is measured."""

LITERATURE: dict[str, tuple[str, Identity]] = {
    "Dai, Wenliang & Wipf's eq. 3 is 2J + κ": (
        "D1",
        lambda a: (a["eq3"], float(conventions.eq3(a["j_plain"], a.what["kappa"]))),
    ),
    "Wang & Ziyin's loss is J − (d/2) log γ": (
        "W1",
        lambda a: (a["wz"], float(conventions.loss_wz(a["j"], a["at_gamma"], a.what["d"]))),
    ),
    "J(γ, β) is β J(βγ, 1) plus a constant": (
        "W20",
        lambda a: (
            a["j"],
            float(conventions.absorbed(a["j_unit"], a["at_gamma"], a["at_beta"], a.what["d"])),
        ),
    ),
    "‖x − m‖² + βK is J at γ = ½ plus a constant": (
        "S1",
        lambda a: (a["summed"], float(conventions.loss_wz(a["j_half"], 0.5, a.what["d"]))),
    ),
    "the γ that minimises J is R/d": ("S2", lambda a: (a["best_gamma"], float(_profile(a).gamma))),
    "J at that γ is (d/2) log(R/d) + d/2 + βK": ("S2", lambda a: (a["j_best"], float(_profile(a).objective))),
}
"""What the sources' objectives are in terms of J: the statement that says so, and the two sides."""

IDENTITIES: dict[str, Identity] = STEPS | {name: both for name, (_, both) in LITERATURE.items()}


def residuals(both: Identity, found: Sequence[ProbeResult]) -> list[float]:
    """The differences between the two sides, relative where they exceed 1."""
    return [(measured - expected) / max(1.0, abs(expected)) for measured, expected in map(both, found)]


def worst_residual(both: Identity, found: Sequence[ProbeResult]) -> float:
    """The largest of them; NaN without looks."""
    return worst(residuals(both, found))


def _formula(look: ProbeResult) -> float:
    return float(
        conventions.objective(look["squares"], look["nats"], look["at_gamma"], look["at_beta"], look.what["d"])
    )


def _profile(look: ProbeResult) -> conventions.Profile:
    return conventions.profiled(look["squares"], look["nats"], look["at_beta"], look.what["d"])
