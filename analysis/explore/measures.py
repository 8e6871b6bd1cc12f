"""What is measured in a study: recorded numbers, metrics, and the user's own, with titles and units for readers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.explore.axes import class_texts, thresholds
from analysis.explore.scales import SPREAD, SPREAD_OF_FACTORS, Scale, scale_of_measure
from analysis.frames.load import Header
from analysis.frames.recorded import METRIC_NAMES, UNDECLARED, recorded
from analysis.frames.types import Frame

RECORDED = {
    "objective_test": "objective J, test",
    "neg_elbo_test": "−ELBO, test",
    "n_active": "active latents",
    "distortion_test": "distortion, test",
    "rate_test": "rate, test",
    "nre_mean_test": "NRE at the posterior mean, test",
    "gamma_value": "decoder variance γ at the end",
    "gamma_eff": "βγ at the end",
    "nre_test": "NRE, test",
    "objective_train": "objective J, training",
    "distortion_train": "distortion, training",
    "rate_train": "rate, training",
    "nre_mean_train": "NRE at the posterior mean, training",
    "distortion_data_test": "distortion in data space, test",
    "nre_data_test": "NRE in data space, test",
    "n_burda": "latents with varying means (Burda)",
    "scale_residual": "scale residual",
    "grad_z_first": "‖∂J/∂z‖ at the first step",
    "grad_z_last": "‖∂J/∂z‖ at the last step",
    "stopped_at": "step of early stopping",
    "parameters": "trained numbers",
    "wall_s": "time of training",
}
"""Measured columns of the records in the order in which they are offered, and their titles."""

METRICS = {
    "mmd": "MMD of q(z) and the prior",
    "iwae_nll": "−log p of test examples",
    "sample_variance": "variance of samples",
    "mmd_x": "MMD of samples",
    "fid": "FID",
    "kid": "KID",
    "fd_x": "FD of samples",
    "fd_conv": "FD of samples, features",
    "kd_conv": "KD of samples, features",
    "auroc": "AUROC",
    "auroc_pca": "AUROC of components",
    "nll_levels": "−log P of levels",
    "neg_elbo_levels": "−ELBO of levels",
}

FACTORS = ("gamma_value", "gamma_eff", "gamma", "grad_z", "grad_norm", "grad_z_first", "grad_z_last")
"""What acts by its order of magnitude."""

MAIN = ("neg_elbo_test", "objective_test", "n_active", "distortion_test", "rate_test", "nre_mean_test")
"""What parallel coordinates show beside the settings, and what stands for a study by default: the first one measured."""


@dataclass(frozen=True)
class Measure:
    """A measured number: its column in the frame, its `key` in the data sets of charts, and its unit ("-" for none)."""

    column: str
    key: str
    name: str
    unit: str
    values: np.ndarray

    @property
    def title(self) -> str:
        """Name and unit."""
        return self.name if self.unit in ("-", "") else f"{self.name} ({self.unit})"

    @cached_property
    def scale(self) -> Scale:
        """How its numbers lie along an axis."""
        return scale_of_measure(self.values, SPREAD_OF_FACTORS if self.column in FACTORS else SPREAD)

    @property
    def is_signed(self) -> bool:
        """Whether it can be negative, as far as the trials tell."""
        return bool(np.nanmin(self.values) < 0)

    @cached_property
    def thresholds(self) -> list[float]:
        """The bounds of its classes, each of which holds as many trials."""
        return thresholds(self.values)

    @property
    def texts(self) -> list[str]:
        """Its classes as they are read."""
        return class_texts(self.values, self.thresholds)


def measures_of(frame: Frame, header: Header) -> list[Measure]:
    """Every number that some finished trial has, the user's own last.

    The numbers that a network has at each of dozens of β ("rate_test/beta 0.5") are left out: they are a curve.
    """
    found = []
    named = (
        _recorded() | _metrics(header) | {n: (n.replace("_", " "), unit) for n, (unit, _) in header.measures.items()}
    )
    finished = frame[frame["status"].eq("finished")]
    columns = [*header.minimised, *named]  # what a search minimises is offered first
    for column in dict.fromkeys(column for column in columns if column in named and column in frame):
        values = np.asarray(pd.to_numeric(finished[column], errors="coerce"), float)
        if np.isfinite(values).any() and not _is_said(values, column, found):
            found.append(Measure(column, f"m{len(found)}", *named[column], values))
    return found


def _is_said(values: np.ndarray, column: str, found: list[Measure]) -> bool:
    """Whether a number in data space is that in the space of a network, which has no stages below it."""
    return "_data_" in column and any(np.array_equal(values, each.values, equal_nan=True) for each in found)


def _recorded() -> dict[str, tuple[str, str]]:
    """Column → title and unit, from the records' field metadata."""
    return {column: (title, recorded(column).unit) for column, title in RECORDED.items()}


def _metrics(header: Header) -> dict[str, tuple[str, str]]:
    """The same of metrics, whose units stand in the plan."""
    return {
        (column := METRIC_NAMES.get(name, name)): (METRICS.get(column, name.replace("_", " ")), unit)
        for name, (unit, *_) in (UNDECLARED | header.metrics).items()
        if "/" not in name
    }
