"""Rows of the tables of kappa_saturation: one for each κ, and one for each fitted curve."""

import math
from typing import Any

import numpy as np

from analysis.fit import Saturation
from analysis.frames.types import Frame
from analysis.tables.cells import Grouping, cells_of
from analysis.tables.interval import t_interval


def was_tried(trials: Frame) -> bool:
    """Whether any of the trials has a result."""
    return bool(trials["status"].isin(["finished", "diverged"]).any())


def row_of(cell: Frame, fit: Saturation) -> dict[str, Any]:
    """Errors, likelihood and active latents of one κ, as texts, beside the fitted curve."""
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


def fitted_row(fit: Saturation) -> dict[str, Any]:
    """The selected curve with its plateau, and the AICc of all that saturate."""
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
