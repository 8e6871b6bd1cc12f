"""Penalties on the codes of an autoencoder: h by name, and the objective that is trained under one."""

from typing import Literal, Self

from pydantic import model_validator

from models.specs.spec import Positive, Spec, brief
from models.specs.vocabulary import check_complete, members

Penalty = Literal["u", "Huber", "saturating", "log plus", "root", "power", "MCP", "SCAD", "support", "log"]
"""h(u), with √u = |z| and the parameter p: u; Huber's of √u beyond p; u/(u + p); log(u + p); √u; u^p; the minimax concave
penalty of √u at slope 1 and concavity p; SCAD of √u at slope p and a = 3.7; 1 where u > 0; log u."""

OF_GAMMA = {"u": "gamma=Fixed(...)", "log": "gamma=Optimal()"}
"""What a misfit g is declared as that the normal likelihood gives already."""

WRITTEN: dict[Penalty, str] = {
    "u": "{u}",
    "Huber": "Huber √{u}, {p}",
    "saturating": "{u}/({u}+{p})",
    "log plus": "log({u}+{p})",
    "root": "√{u}",
    "power": "{u}^{p}",
    "MCP": "MCP √{u}, {p}",
    "SCAD": "SCAD √{u}, {p}",
    "support": "1[{u}>0]",
    "log": "log {u}",
}
"""How a label shows each penalty, of its argument u and its parameter p."""

check_complete(members(Penalty), WRITTEN, "Penalty, in models/specs", "add it to WRITTEN, there")

WITHOUT = tuple(penalty for penalty, text in WRITTEN.items() if "{p}" not in text)
"""Penalties without a parameter."""


def check_parameter(penalty: Penalty, parameter: float | None, field: str = "parameter") -> None:
    """Raises: ValueError where a penalty lacks its parameter, declared as `field`, or has one that it does not know."""
    if penalty in WITHOUT and parameter is not None:
        raise ValueError(f"the penalty {penalty} has no parameter: leave it out")
    if penalty not in WITHOUT and parameter is None:
        raise ValueError(f"the penalty {penalty} needs a parameter: write {field}=...")


class Sparsity(Spec):
    """A price weight/2 · Σ_j h(u_j) of the codes of a deterministic autoencoder, u_j the energy of code j in data².

    u_j = Var(z_j) · E‖∂m/∂z_j‖²: what is left of a code's mean square where its scale and its origin are the decoder's to
    choose; with unit columns and codes of mean 0 it is ‖z_j‖²/n. Energies below `floor` count as `floor`, and have no
    slope: the rounding of float32 comes next, and a logarithm would go on pulling at layers that other codes share.

    With `g`, and `g_parameter` where it has one, the misfit is (d/2) g(R/d); without, it is J's, as γ is set: g is linear
    for a fixed γ, and a logarithm for one that is learned or optimal (Lemma 3).

    Source: Dai, Wenliang & Wipf (2021), the objective of Thm. 4, d g(R/d) + Σ h, in halves.
    """

    kind: Literal["Sparsity"] = "Sparsity"
    h: Penalty
    """The penalty of each code's energy u, by name; `Penalty` in `models.specs.sparsity` says what each is."""
    parameter: Positive | None = None
    """The parameter p of h, where it has one."""
    weight: Positive = 1.0
    """What the penalty is multiplied by, beside the ½."""
    floor: Positive = 1e-8
    """The energy that smaller ones count as, in squared data units."""
    g: Penalty | None = None
    """The penalty that takes the place of J's misfit, as (d/2) g(R/d); by default the misfit is J's."""
    g_parameter: Positive | None = None
    """The parameter of g, where it has one."""

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        check_parameter(self.h, self.parameter)
        if "support" in (self.h, self.g):
            raise ValueError(
                "1[u > 0] has no slope to follow, and every trial's number of codes is measured: train another penalty"
            )
        if self.g in OF_GAMMA:
            raise ValueError(f"the misfit g = {self.g} is that of {OF_GAMMA[self.g]}: leave g out, and declare that")
        if self.g:
            check_parameter(self.g, self.g_parameter, "g_parameter")
        elif self.g_parameter is not None:
            raise ValueError("g_parameter is that of g: declare g too, or leave it out")
        return self

    @property
    def label(self) -> str:
        """ "log u ×0.1"."""
        times = "" if self.weight == 1 else f" ×{brief(self.weight)}"
        misfit = f", g = {_written(self.g, self.g_parameter, 'R/d')}" if self.g else ""
        return _written(self.h, self.parameter, "u") + times + misfit


def _written(penalty: Penalty, parameter: float | None, of: str) -> str:
    return WRITTEN[penalty].format(u=of, p=brief(parameter) if parameter else "")
