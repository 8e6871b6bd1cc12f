"""image_collapse: images at a fixed γ over a sweep of β, against the linear theory of their covariance.

ζᵢ² are the eigenvalues of the training set itself, and g = βγ. A linear VAE keeps the modes with ζᵢ² > g, and samples of its
prior have variance Σ(ζᵢ² − g)₊. A network with hidden layers need not follow: it may keep more at a small β, and reach a
lower J. Where neither encodes anything, both are the same model, so both should lose their last mode at about ζ₁²/γ. A claim
needs only the β that it is about: part of the sweep may decide it.

A mode is left if it has more than 0.01 active units (Burda, Grosse & Salakhutdinov, 2016): of a linear network by the
singular values of its decoder, of others by latents, which close to a threshold are more than the modes. The last threshold
of a linear network is fitted to the modes' active units, 1 − βγ/ζᵢ²; those of other networks follow no such law, and their
threshold lies between the last β at which a seed has a mode left and the first at which none has.
Source: Wang & Ziyin (2022), figures 2 and 3; the values that they print as ζᵢ of MNIST are ζᵢ².
"""

import math

import numpy as np
import pandas as pd

from analysis.claims.beta_sweep import BURDA
from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most, between, within
from analysis.claims.estimate import Estimate, fitted, mean_count_of, mean_of
from analysis.claims.linear_optimum import Cell
from analysis.claims.network_sweep import NetworkSweep, network_sweeps
from analysis.figures.drawing import Drawing
from analysis.fit import FITTED, Threshold, total_collapse
from analysis.frames.declaration import data_kind
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells
from analysis.tables.interval import number, t_interval
from analysis.tables.sheet import Sheet
from analysis.theory import linear
from study.catalog.image_collapse.figures import figures
from study.catalog.image_collapse.table import LINEAR, NARROW, WIDE, image_collapse
from study.record import Home

COLLAPSE = {"Digits": (12.0, 16.0), "MNIST": (4.6, 5.4)}
"""Range of β that should hold the last threshold; ζ₁²/γ is 14 and 5.1."""

BY_UNITS, CLOSE = (NARROW, WIDE), (4.5, 6.0)
"""Networks with the source's hidden layers, or narrower ones, and the range that counts as what it has: close to 5."""

LEFT = {"MNIST": {3.5: 2, 6.0: 0}}
"""Number of modes left at each β. Source: Wang & Ziyin (2022), figure 2."""

GAIN_UP_TO = {"Digits": 8.0}
"""β up to which a nonlinear network should not lie above the linear minimum of J."""

FEWEST = 5
"""Number of β needed to say whether the variance of samples falls."""

RISE = 0.01
"""Largest rise of the variance of samples from one β to the next, as a part of the largest of the sweep."""

VARIANCE = 0.05
"""Tolerance on the variance of samples of a linear VAE, relative to the largest of the sweep."""


@image_collapse.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set and network after the other."""
    found = []
    for data, networks in _by_data(view).items():
        for name, trials in networks.items():
            where = f"{data}, {name}"
            if data in COLLAPSE:
                found.append(
                    _collapse(where, trials, name, view.home, *(CLOSE if name in BY_UNITS else COLLAPSE[data]))
                )
            if name == LINEAR and data in LEFT:
                found.append(_left(where, trials, view.home, LEFT[data]))
            if name != LINEAR and data in GAIN_UP_TO:
                found.append(_gain(where, trials, GAIN_UP_TO[data]))
            if trials.trials["beta"].nunique() >= FEWEST:
                found.append(_variance(where, trials, exact=name == LINEAR))
    return found


@image_collapse.figures
def drawings(view: View) -> list[Drawing]:
    """Samples of the prior per β as pictures, and modes and variance of samples against β, for each data set."""
    return [drawing for data, every in _settled(view).items() for drawing in figures(data, every, view.home)]


@image_collapse.sheets
def sheets(view: View) -> list[Sheet]:
    """Modes left, variance of samples and J at each β, and the last threshold."""
    every = [(data, name, trials) for data, networks in _settled(view).items() for name, trials in networks.items()]
    if not every:
        return []
    rows = pd.concat([_rows(*each) for each in every], ignore_index=True)
    last = pd.DataFrame([_last(view.home, *each) for each in every])
    return [
        Sheet("modes", "Modes left, variance of samples and loss against β, means over seeds", rows),
        Sheet("collapse", "Total collapse against ζ₁²/γ", last),
    ]


def _collapse(where: str, trials: NetworkSweep, name: str, home: Home, low: float, high: float) -> Claim:
    """A linear network's threshold is fitted to its modes; others' units follow no hinge, and the grid's brackets decide."""
    expected = float(trials.modes.zeta2[0]) / trials.gamma
    found, fit = _bracket(trials), _first_threshold(where, trials, home) if name == LINEAR else None
    more = ""
    if fit and fit.verdict == FITTED:
        found, more = fitted(fit), f"; lost between {number(found.low)} and {number(found.high)}"
    inside = {beta for beta in trials.trials["beta"] if low <= beta <= high}
    return _claim(
        where,
        f"the last mode is lost {'close to' if name in BY_UNITS else 'at'} β = ζ₁²/γ = {number(expected)}",
        "Wang & Ziyin (2022), section 4.3",
        [Comparison("β at which the last mode is lost", found, between(low, high))],
        trials,
        inside,
        ["W24"] if name in BY_UNITS else ["W7"],
        more,
    )


def _first_threshold(where: str, trials: NetworkSweep, home: Home) -> Threshold | None:
    """That of the strongest mode, told from the others by the decoder's singular values; None if there are no weights."""
    if trials.settled.empty:
        return None
    by_mode = _cell(where, trials, trials.settled, home).by_mode
    return total_collapse(by_mode) if by_mode.n_modes else None


def _cell(where: str, trials: NetworkSweep, own: Frame, home: Home) -> Cell:
    return Cell(where, LINEAR, trials.kappa, trials.modes, own, trials.latents, home)


def _bracket(trials: NetworkSweep) -> Estimate:
    """From the last β at which any seed has a mode left to the first at which none has; infinite beyond the sweep."""
    ends = []
    for _, rows in trials.settled.groupby("seed"):
        alive, dead = rows.loc[rows["n_burda"].gt(0), "beta"], rows.loc[rows["n_burda"].eq(0), "beta"]
        last = float(alive.max()) if len(alive) else 0.0
        ends.append((last, float(dead[dead > last].min()) if (dead > last).any() else math.inf))
    if not ends:
        return Estimate(math.nan, math.nan, math.nan, 0, "fit")
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return Estimate(math.sqrt(low * high) if math.isfinite(high) else low, low, high, len(ends), "fit")


def _left(where: str, trials: NetworkSweep, home: Home, expected: dict[float, int]) -> Claim:
    """Modes are counted by the decoder's singular values: close to its threshold a mode rests on several latents."""
    compared, settled = [], trials.settled
    for beta, count in expected.items():
        own = settled[settled["beta"].eq(beta)]
        units = _cell(where, trials, own, home).by_mode.active_units if len(own) else np.empty((0, 1, 0))
        left = (units > BURDA).sum(0).reshape(-1).astype(float)
        compared.append(Comparison(f"modes left at β = {beta:g}", mean_count_of(left), within(0.5, count)))
    return _claim(
        where,
        "modes are lost one by one",
        "Wang & Ziyin (2022), figure 2",
        compared,
        trials,
        set(expected),
        ["W25"],
    )


def _gain(where: str, trials: NetworkSweep, last: float) -> Claim:
    rows = trials.settled[trials.settled["beta"].le(last)]
    excess = (rows["loss"] - rows["expected"]).groupby(rows["beta"])
    return _claim(
        where,
        f"a nonlinear network reaches no higher J than the best linear one for β ≤ {last:g}",
        "Wang & Ziyin (2022), figure 2 and eq. 13",
        [Comparison(f"J − J*(linear) at β = {beta:g}, nats", mean_of(values), at_most(0)) for beta, values in excess],
        trials,
        {beta for beta in trials.trials["beta"] if beta <= last},
        ["W27"],
    )


def _variance(where: str, trials: NetworkSweep, exact: bool) -> Claim:
    """tr Cov of the decoder's mean under the prior: it should fall with β; for a linear network theory gives it."""
    of = trials.settled[trials.settled["beta"].isin(trials.complete)]
    rises, apart = [], []
    for _, rows in of.groupby("seed"):
        found = rows.sort_values("beta").set_index("beta")["sample_variance"].dropna()
        if len(found) >= FEWEST:
            expected = trials.expected_variance(found.index.to_numpy(float))
            rises.append(float(np.diff(found).max() / found.max()))
            apart.append(float((found - expected).abs().max() / expected.max()))
    compared = [Comparison("largest rise, over the largest variance", mean_of(rises), at_most(RISE))]
    if exact:
        compared.append(Comparison("farthest from Σ(ζᵢ² − βγ)₊, over the largest", mean_of(apart), at_most(VARIANCE)))
    return _claim(
        where,
        "samples of the prior lose variance as β grows" + (", following Σ(ζᵢ² − βγ)₊" if exact else ""),
        "Wang & Ziyin (2022), figure 3; eqs. 11-13",
        compared,
        trials,
        set(),
        ["W26"],
        lacks="" if len(trials.complete) >= FEWEST else f"{len(trials.complete)} β have enough seeds at rest",
    )


def _claim(
    where: str,
    said: str,
    source: str,
    compared: list[Comparison],
    trials: NetworkSweep,
    asked: set[float],
    statements: list[str],
    more: str = "",
    lacks: str = "",
) -> Claim:
    """Undecided where one of the β `asked` has too few seeds that have come to rest."""
    short = sorted(asked - set(trials.complete))
    return Claim(
        where,
        said,
        source,
        measured="; ".join(map(str, compared)) + more,
        trials=len(trials.settled),
        comparisons=compared,
        lacks=lacks or (f"too few seeds have come to rest at β = {', '.join(map(number, short))}" if short else ""),
        statements=statements,
    )


def _by_data(view: View) -> dict[str, dict[str, NetworkSweep]]:
    """By kind of data, for any subset of it, and by network."""
    groups = [of for _, of in cells(view.trials, view.header, ["data"])]
    return {kind: network_sweeps(view, "network", of) for of in groups if (kind := data_kind(of))}


def _settled(view: View) -> dict[str, dict[str, NetworkSweep]]:
    """The sweeps of `_by_data` that have settled trials."""
    return {
        data: every
        for data, networks in _by_data(view).items()
        if (every := {name: trials for name, trials in networks.items() if len(trials.settled)})
    }


def _rows(data: str, name: str, trials: NetworkSweep) -> Frame:
    groups = trials.settled.groupby("beta")
    betas = np.array([beta for beta, _ in groups], float)
    return pd.DataFrame(
        {
            "data": data,
            "network": name,
            "β": betas,
            "modes left": [str(t_interval(rows["n_burda"].astype(float))) for _, rows in groups],
            "ζᵢ² > βγ": linear.active_modes(trials.modes.zeta2, betas * trials.gamma, trials.kappa).astype(float),
            "variance of samples": [str(t_interval(rows["sample_variance"])) for _, rows in groups],
            "Σ(ζᵢ² − βγ)₊": trials.expected_variance(betas),
            "J − J*(linear)": [str(t_interval(rows["loss"] - rows["expected"])) for _, rows in groups],
            "seeds": [str(len(rows)) for _, rows in groups],
        }
    )


def _last(home: Home, data: str, name: str, trials: NetworkSweep) -> dict[str, object]:
    fit = _first_threshold(data, trials, home) if name == LINEAR else None
    fit = fit or total_collapse(trials.by_rank)
    return {
        "data": data,
        "network": name,
        "ζ₁²/γ": float(trials.modes.zeta2[0]) / trials.gamma,
        "β₁*": fit.estimate,
        "95 % low": fit.low,
        "95 % high": fit.high,
        "lost between": f"{number(fit.bracket[0])} and {number(fit.bracket[1])}",
    }
