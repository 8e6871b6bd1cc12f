"""kappa_saturation: with a learned γ, how many of κ latents stay active, and where does that number saturate?

On noise-free data of dimension r, theory says min(κ, r): every seed has exactly this count, the reconstruction is complete
from κ = r on, and the fit selects min(κ, r) among the candidate curves of `analysis.fit`. On images r is unknown: there the
count should stop growing. A latent is active if v = E σ² < 0.5. The table adds Burda's criterion, Var E[z|x] > 0.01, for
comparison: it also counts latents that carry only the noise of a finite sample.

Source: Dai, Wenliang & Wipf (2021), section 3; "On the regularization balance in autoencoder-based generative models",
Table 1, on MNIST.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.figures.bands import SKIPS
from analysis.fit import FITTED, Saturation, counts, saturation
from analysis.frames.declaration import data_kind
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, cells_of, enough_converged, label_text, moving
from analysis.tables.grouping import Grouping
from analysis.tables.interval import number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.kappa_saturation.table import kappa_saturation

PLANTED = "Dai, Wenliang & Wipf (2021), section 3: the optimum keeps min(κ, r) latents"
TABLE_1 = "On the regularization balance in autoencoder-based generative models, Table 1"

NRE_LIMIT = 1e-3
"""Largest share of the test variance that a complete reconstruction may lose."""

STEADY = 2.0
"""Largest difference between saturated counts at the two largest κ."""

PLATEAU = (15.0, 30.0)
"""Range in which the active latents of MNIST should saturate."""

PUBLISHED = pd.DataFrame(
    {
        "kappa": [50, 100, 200, 400, 784],
        "published error": [4.98, 3.42, 2.74, 2.57, 2.78],
        "published NLL": [-315.0, -580.0, -718.0, -743.0, -806.0],
        "published active": [10, 15, 20, 22, 22],
    }
)
"""Table 1 of the source: test reconstruction error, NLL and active units of MNIST."""


@kappa_saturation.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, for each data set and kind of skip."""
    return saturating(view.trials, view.header)


def saturating(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data`, `skip`, `kappa` and `seed`."""
    found = []
    for (data, skip), trials in cells(frame, header, ["data", "skip"]):
        where = f"{label_text(data)}, {SKIPS[skip].label if skip in SKIPS else skip}"
        known = trials["intrinsic_dim"].dropna()
        found += _planted(where, trials, int(known.iloc[0])) if len(known) else _relative(where, trials)
    return found


def _planted(where: str, trials: Frame, r: int) -> list[Claim]:
    usable, full = trials[trials["status"].eq("finished")], trials[trials["kappa"] >= r]
    exact = usable["n_active"].eq(usable["kappa"].clip(upper=r))
    reached = full[full["status"].eq("finished")]["nre_test"]
    fit = saturation(*counts(trials))
    name = fit.selected.curve.name if fit.selected else "none"
    count = Claim(
        data=where,
        claim="min(κ, r) latents are active",
        source=PLANTED,
        expected=f"n_active = min(κ, {r})",
        measured=f"in {exact.sum()} of {len(usable)} trials{moving(usable)}",
        tolerance="every trial",
        verdict=judge(bool(exact.all()), enough_converged(trials)),
        trials=len(usable),
        topic=topics.SATURATION,
    )
    complete = Claim(
        data=where,
        claim="from κ = r on the reconstruction is complete",
        source=PLANTED,
        expected=f"NRE ≤ {NRE_LIMIT:g} on the test set for κ ≥ {r}",
        measured=f"largest NRE {number(reached.max())} in {len(reached)} trials",
        tolerance="every trial",
        verdict=judge(bool(reached.le(NRE_LIMIT).all()), enough_converged(full)),
        trials=len(reached),
        topic=topics.SATURATION,
    )
    curve = Claim(
        data=where,
        claim="among the candidate curves of saturation the fit selects min(κ, r)",
        source=PLANTED,
        expected=f"H1: min(κ, r) with r = {r}",
        measured=f"{name} with {_plateau(fit)}",
        tolerance="least AICc; r rounded to a whole number",
        verdict=judge(name == "H1" and round(fit.estimate) == r, enough_converged(trials) and fit.selected is not None),
        trials=len(usable),
        topic=topics.SATURATION,
    )
    return [count, complete, curve]


def _relative(where: str, trials: Frame) -> list[Claim]:
    low, high = sorted(trials["kappa"].unique())[-2:]
    last = trials[trials["kappa"].isin([low, high])]
    below, above = (t_interval(_active(trials, kappa)) for kappa in (low, high))
    steady = Claim(
        data=where,
        claim=f"the number of active latents has stopped growing at κ = {low}",
        source=TABLE_1,
        expected=f"n_active at κ = {low} and {high} within {STEADY:g} of each other",
        measured=f"{below} and {above}{moving(last)}",
        tolerance="difference of the means over seeds",
        verdict=judge(abs(below.mean - above.mean) <= STEADY, enough_converged(last)),
        trials=len(last),
        topic=topics.SATURATION,
    )
    if data_kind(trials) != "MNIST":
        return [steady]
    fit = saturation(*counts(trials))
    within = fit.verdict == FITTED and PLATEAU[0] <= fit.estimate <= PLATEAU[1]
    plateau = Claim(
        data=where,
        claim="the number of active latents saturates between 15 and 30",
        source=TABLE_1,
        expected=f"plateau in [{PLATEAU[0]:g}, {PLATEAU[1]:g}], 22 published",
        measured=f"{fit.selected.curve.name if fit.selected else 'no curve'} with {_plateau(fit)}",
        tolerance="the fit sees a plateau, and its estimate lies inside",
        verdict=judge(within, enough_converged(trials) and fit.selected is not None),
        trials=len(trials),
        topic=topics.SATURATION,
    )
    return [steady, plateau]


def _active(trials: Frame, kappa: Any) -> list[float]:
    chosen = trials[trials["kappa"].eq(kappa) & trials["status"].eq("finished")]
    return chosen["n_active"].tolist()


def _plateau(fit: Saturation) -> str:
    return f"r = {number(fit.estimate)} (95 % {number(fit.low)} to {number(fit.high)}), {fit.verdict}"


@kappa_saturation.sheets
def sheets(view: View) -> list[Sheet]:
    """The source's Table 1, and the candidate curves with their plateaus."""
    rows, fits = [], []
    for (data, skip), trials in cells(view.trials, view.header, ["data", "skip"]):
        place = {"data": label_text(data), "skip": skip}
        fit = saturation(*counts(trials))
        rows += [place | _row(cell, fit) if _tried(cell) else None for _, cell in cells(trials, view.header, ["kappa"])]
        fits.append(place | _fitted(fit) if fit.selected else None)
    by_kappa = "Reconstruction error, NLL (importance-weighted, K = 64, in nats) and active latents against κ"
    table = Sheet.of("saturation", f"{by_kappa}: mean ± half-width of the 95 % t-interval over seeds, test set", rows)
    if data_kind(view.trials) == "MNIST" and len(table.frame):  # at paper scale, where MNIST is the only data set
        published = PUBLISHED.rename(columns={"kappa": "κ"})
        table = replace(table, frame=table.frame.merge(published, on="κ", how="left"))
    return [
        table,
        Sheet.of("curves", "Saturation of the active latents: the selected curve, its plateau, and AICc", fits),
    ]


def _tried(trials: Frame) -> bool:
    return bool(trials["status"].isin(["finished", "diverged"]).any())


def _row(cell: Frame, fit: Saturation) -> dict[str, Any]:
    usable = cell[cell["status"].eq("finished")]
    kappa = int(cell["kappa"].iloc[0])
    (said,) = cells_of(cell, Grouping([()], np.zeros(len(cell), int)))
    measured = {
        "error": "distortion_test",
        "NRE": "nre_test",
        "NLL": "iwae_nll",
        "active, Var > 0.01": "n_burda",
        "active, v < 0.5": "n_active",
    }
    texts = {heading: str(t_interval(usable[column])) for heading, column in measured.items()}
    fitted = float(fit.selected.at(np.array([float(kappa)]))[0]) if fit.selected else math.nan
    return {"κ": kappa, **texts, "fitted": fitted, "regime": f"{said.regime}{said.mark}", "trials": str(len(usable))}


def _fitted(fit: Saturation) -> dict[str, Any]:
    best = fit.selected
    row = {
        "selected": best.curve.formula if best else "—",
        "plateau r": fit.estimate,
        "from": fit.low,
        "to": fit.high,
        "κ at 95 %": best.kappa_95 if best else math.nan,
        "verdict": fit.verdict,
    }
    return row | {f"AICc {one.curve.name}": one.aicc for one in fit.fits if one.curve.saturates}
