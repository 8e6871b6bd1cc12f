"""Autoencoders under penalties on their codes, as claims, tables and figures read them: one group for each penalty."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import NOTHING, number
from analysis.tables.sheet import Sheet
from analysis.theory import sparse_codes as theory
from analysis.theory.modes import Array
from study.catalog.sparse_codes.table import LATE, SECOND

COPIES, TIE, ONE = "copies", "a tie", "one code"

TIED = 1e-9
"""Smaller differences of cost count as none."""

FLAT_BEYOND = {"MCP": 1.0, "SCAD": theory.KNEE}
"""A penalty is flat beyond this multiple of its parameter, in √u."""


@dataclass(frozen=True)
class Group:
    """One penalty on one data set under one γ mode, seed by seed; `energies` (seeds, κ) are sorted, in data²."""

    label: str
    declared: dict[str, Any]
    is_linear: bool
    is_complete: bool
    r: int
    gamma_mode: str
    gamma_init: float
    gamma: float
    spectrum: Array
    total: float
    used: tuple[int, ...]
    nre: tuple[float, ...]
    energies: Array

    def __len__(self) -> int:
        return len(self.used)

    @property
    def is_fixed(self) -> bool:
        """Whether γ is fixed."""
        return self.gamma_mode == "fixed"

    @property
    def is_late(self) -> bool:
        """Whether a learned γ starts so large that it falls late."""
        return self.gamma_mode == "learned" and self.gamma_init == LATE.init

    @property
    def h(self) -> str:
        """The penalty's name."""
        return self.declared["h"]

    @property
    def parameter(self) -> float | None:
        """The penalty's parameter, if it has one."""
        return self.declared["parameter"]

    @property
    def weight(self) -> float:
        """The weight of the penalty."""
        return self.declared["weight"]

    @property
    def kappa(self) -> int:
        """The number of codes."""
        return self.energies.shape[-1]

    @cached_property
    def preference(self) -> str:
        """Whether, in theory, copies of a principal component's code cost less than one code, the same, or more."""
        copies = range(2, self.kappa + 1)
        costs = [theory.split(self.h, u, m, self.parameter) for u in self.spectrum for m in copies]
        return COPIES if min(costs) < -TIED else TIE if min(costs) <= TIED else ONE

    @property
    def is_flat(self) -> bool:
        """Whether the penalty is flat from the smallest principal component on."""
        return (self.parameter or 0) * FLAT_BEYOND.get(self.h, np.inf) < np.sqrt(self.spectrum.min())

    @property
    def expected(self) -> Array:
        """Energies of the codes used at the minimum on linear data, where that minimum is unique."""
        if self.h == "u":
            return np.full(self.kappa, theory.ridge_energy(self.spectrum, self.gamma, self.kappa, self.weight))
        return theory.principal_energies(self.h, self.spectrum, self.gamma, self.weight, self.parameter)

    def energy_errors(self) -> list[float]:
        """Largest relative error of a used code's energy, seed by seed; 1 if more or fewer are used than in theory."""
        expected = self.expected
        return [
            float(np.abs(row[:n] / expected - 1).max()) if n == len(expected) else 1.0
            for row, n in zip(self.energies, self.used, strict=True)
        ]

    @property
    def norms(self) -> Array:
        """Σ √u of all codes, seed by seed."""
        return np.sqrt(self.energies).sum(-1)


def groups(view: View) -> dict[tuple[str, str], list[Group]]:
    """Data set and γ mode → the groups in declared order; data of unknown dimension are left out."""
    found: dict[tuple[str, str], list[Group]] = {}
    energies = _energies(view)
    known, _ = split(view.trials[view.trials["data_id"].isna() | view.trials["intrinsic_dim"].notna()])
    for (data, gamma), declared in cells(known, view.header, ["data", "gamma"]):
        finished = declared[declared["status"].eq("finished")]
        penalties = [(h, trials) for (h,), trials in cells(declared, view.header, ["h"])]
        done = {h: trials for (h,), trials in cells(finished, view.header, ["h"])}
        of = [
            _group(view, str(h), done[h], len(done[h]) == len(trials) and len(done) == len(penalties), energies)
            for h, trials in penalties
            if h in done
        ]
        if of:
            found[label_text(data), label_text(gamma)] = of
    return found


def split(trials: Frame) -> tuple[Frame, Frame]:
    """Autoencoders, and second stages on their codes."""
    if "part" not in trials:
        return trials, trials.iloc[:0]
    return trials[trials["part"].ne(SECOND)], trials[trials["part"].eq(SECOND)]


def _group(view: View, label: str, trials: Frame, is_complete: bool, energies: dict[str, Array]) -> Group:
    """The group of one penalty's finished trials; complete if all have finished, and some of every other penalty."""
    first = trials.iloc[0]
    told, r = json.loads(first["declaration"]), int(first["intrinsic_dim"])
    return Group(
        label=label,
        declared=told["objective"]["penalty"],
        is_linear=told["data"]["kind"] == "LinearSubspace",
        is_complete=is_complete,
        r=r,
        gamma_mode=str(first["gamma_mode"]),
        gamma_init=float(first["gamma_init"]),
        gamma=float(first["gamma_value"]),
        spectrum=np.array(view.spectrum(first["data_id"])[:r]),
        total=float(first["total_variance"]),
        used=tuple(int(n) for n in trials["codes_used"]),
        nre=tuple(float(nre) for nre in trials["nre_mean_test"]),
        energies=np.stack([energies[trial] for trial in trials["trial_id"]]),
    )


def _energies(view: View) -> dict[str, Array]:
    """trial_id → the energies of its codes, sorted: variance times the decoder's mean squared slope."""
    latents = view.latents
    energy = latents["mean_var"] * latents["decoder_norm"] ** 2
    return {str(trial): np.sort(values.to_numpy(float))[::-1] for trial, values in energy.groupby(latents["trial_id"])}


def by_penalty(of: Iterable[Group]) -> str:
    """How many codes are used under each penalty: one number if all seeds agree."""
    return "; ".join(f"{group.label}: {counts(group.used)}" for group in of) or NOTHING


def counts(used: Sequence[int]) -> str:
    """Numbers of codes, or one number if all seeds agree."""
    return str(used[0]) if len(set(used)) == 1 else ", ".join(map(str, used))


def sheet(view: View) -> Sheet:
    """One row for each penalty, data set and γ mode."""
    rows = [
        {
            "data": data,
            "γ": gamma,
            "h(u)": group.label,
            "theory": group.preference if group.is_linear else NOTHING,
            "codes used": counts(group.used),
            "needed": str(group.r),
            "NRE": number(float(np.mean(group.nre))),
            "largest unneeded energy": number(float(group.energies[:, group.r].max() / group.total)),
        }
        for (data, gamma), of in groups(view).items()
        for group in of
    ]
    caption = (
        "Codes used, seed by seed: those with more than 0.001 of the data's variance. Theory, for linear data: "
        "whether copies of a code cost less than one, the same or more. Energies are fractions of the data's "
        "variance"
    )
    return Sheet("codes", caption, pd.DataFrame(rows))
