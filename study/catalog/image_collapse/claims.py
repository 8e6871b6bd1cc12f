"""image_collapse: images at a fixed γ over a sweep of β, against the linear theory of their covariance.

ζᵢ² are the eigenvalues of the training set itself, and g = βγ. A linear VAE keeps the modes with ζᵢ² > g, and samples of its
prior have variance Σ(ζᵢ² − g)₊. A network with hidden layers need not follow: it may keep more at a small β, and reach a
lower J. Where neither encodes anything, both are the same model, so both should lose their last mode at about ζ₁²/γ. A claim
needs only the β that it is about: part of the sweep may decide it.

A mode is left if a latent has more than 0.01 active units (Burda, Grosse & Salakhutdinov, 2016).
Source: Wang & Ziyin (2022), figures 2 and 3; the values that they print as ζᵢ of MNIST are ζᵢ².
"""

import numpy as np
import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.claims.network_sweep import NetworkSweep, network_sweeps
from analysis.claims.topics import Topic
from analysis.figures.drawing import Drawing
from analysis.fit import FITTED, total_collapse
from analysis.frames.declaration import data_kind
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells
from analysis.tables.interval import number, t_interval
from analysis.tables.sheet import Sheet
from analysis.theory import linear
from study.catalog.image_collapse.figures import figures
from study.catalog.image_collapse.table import LINEAR, image_collapse

TOPICS = {"Digits": topics.DIGITS_SWEEP, "MNIST": topics.MNIST_SWEEP}
"""By kind of data, like the tables below."""

COLLAPSE = {"Digits": (12.0, 16.0), "MNIST": (4.6, 5.4)}
"""Range of β that should hold the last threshold; ζ₁²/γ is 14 and 5.1."""

LEFT = {"MNIST": {3.5: 2, 6.0: 0}}
"""Number of modes left at each β. Source: Wang & Ziyin (2022), figure 2."""

GAIN_UP_TO = {"Digits": 8.0}
"""β up to which a nonlinear network should not lie above the linear minimum of J."""

FEWEST = 5
"""Number of β needed to say whether the variance of samples falls."""

VARIANCE = 0.05
"""Tolerance on the variance of samples of a linear VAE, relative to the largest of the sweep."""


@image_collapse.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set and network after the other."""
    found = []
    for data, networks in _by_data(view).items():
        for name, trials in networks.items():
            where = f"{data}, {name}", TOPICS[data]
            if data in COLLAPSE:
                found.append(_collapse(*where, trials, *COLLAPSE[data]))
            if data in LEFT:
                found.append(_left(*where, trials, LEFT[data]))
            if name != LINEAR and data in GAIN_UP_TO:
                found.append(_gain(*where, trials, GAIN_UP_TO[data]))
            found.append(_variance(*where, trials, exact=name == LINEAR))
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
    last = pd.DataFrame([_last(*each) for each in every])
    return [
        Sheet("modes", "Modes left, variance of samples and loss against β, means over seeds", rows),
        Sheet("collapse", "Total collapse against ζ₁²/γ", last),
    ]


def _collapse(data: str, topic: Topic, trials: NetworkSweep, low: float, high: float) -> Claim:
    """The grid's bracket decides; a nonlinear network's active units follow no hinge, so the fit is only shown."""
    expected = float(trials.modes.zeta2[0]) / trials.gamma
    measured, agrees = "nothing was measured", False
    if len(trials.settled):
        fit = total_collapse(trials.by_rank)
        agrees = low <= fit.bracket[0] < fit.bracket[1] <= high
        measured = f"the last mode is lost between β = {number(fit.bracket[0])} and {number(fit.bracket[1])}"
        if fit.verdict == FITTED:
            measured += f"; fit {number(fit.estimate)} [{number(fit.low)}, {number(fit.high)}]"
    return Claim(
        data=data,
        claim="the last mode is lost at β = ζ₁²/γ",
        source="Wang & Ziyin (2022), section 4.3",
        expected=number(expected),
        measured=measured,
        tolerance=f"in [{low:g}, {high:g}]",
        verdict=judge(agrees, {beta for beta in trials.trials["beta"] if low <= beta <= high} <= set(trials.complete)),
        trials=len(trials.settled),
        topic=topic,
    )


def _left(data: str, topic: Topic, trials: NetworkSweep, expected: dict[float, int]) -> Claim:
    counts = {beta: trials.settled.loc[trials.settled["beta"].eq(beta), "n_burda"].tolist() for beta in expected}
    agree = all(n == expected[beta] for beta, found in counts.items() for n in found)
    texts = [f"{', '.join(f'{n:.0f}' for n in found) or 'none measured'} at β = {b:g}" for b, found in counts.items()]
    return Claim(
        data=data,
        claim="modes are lost one by one",
        source="Wang & Ziyin (2022), figure 2",
        expected=", ".join(f"{n} at β = {beta:g}" for beta, n in expected.items()),
        measured=f"modes left, seed by seed: {'; '.join(texts)}",
        tolerance="every seed",
        verdict=judge(agree, set(expected) <= set(trials.complete)),
        trials=sum(map(len, counts.values())),
        topic=topic,
    )


def _gain(data: str, topic: Topic, trials: NetworkSweep, last: float) -> Claim:
    rows = trials.settled[trials.settled["beta"].le(last)]
    excess = (rows["loss"] - rows["expected"]).groupby(rows["beta"]).max()
    enough = {b for b in trials.trials["beta"] if b <= last} <= set(trials.complete)
    measured = "; ".join(f"{number(value)} at β = {beta:g}" for beta, value in excess.items()) or "nothing was measured"
    return Claim(
        data=data,
        claim=f"a nonlinear network reaches a lower J than any linear one for β ≤ {last:g}",
        source="Wang & Ziyin (2022), eq. 13",
        expected="J − J*(linear) ≤ 0 at every seed",
        measured=f"J − J*(linear), the worst seed, in nats: {measured}",
        tolerance="0",
        verdict=judge(bool(excess.le(0).all()), enough),
        trials=len(rows),
        topic=topic,
    )


def _variance(data: str, topic: Topic, trials: NetworkSweep, exact: bool) -> Claim:
    """tr Cov of the decoder's mean under the prior: it should fall with β; for a linear network theory gives it."""
    found = trials.settled.groupby("beta")["sample_variance"].mean().reindex(trials.complete).dropna()
    expected = trials.expected_variance(found.index.to_numpy(float))
    falls = bool((np.diff(found) <= 0.01 * found.max()).all())
    apart = float((found - expected).abs().max() / expected.max()) if len(found) else float("nan")
    ends = f"from {number(found.iloc[0])} to {number(found.iloc[-1])}" if len(found) else "not measured"
    beyond = f"; at most {apart:.1%} of the largest away from Σ(ζᵢ² − βγ)₊" if exact and len(found) else ""
    return Claim(
        data=data,
        claim="samples of the prior lose variance as β grows" + (", following Σ(ζᵢ² − βγ)₊" if exact else ""),
        source="Wang & Ziyin (2022), figure 3; eqs. 11-13",
        expected=f"from {number(float(expected[0]))} to {number(float(expected[-1]))}"
        if exact and len(found)
        else "falling",
        measured=f"{ends}{'' if falls else ', not monotonically'}{beyond}",
        tolerance=f"{VARIANCE:.0%} of the largest" if exact else "no rise above 1 % of the largest",
        verdict=judge(falls and (not exact or apart <= VARIANCE), len(found) >= FEWEST),
        trials=len(trials.settled),
        topic=topic,
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


def _last(data: str, name: str, trials: NetworkSweep) -> dict[str, object]:
    fit = total_collapse(trials.by_rank)
    return {
        "data": data,
        "network": name,
        "ζ₁²/γ": float(trials.modes.zeta2[0]) / trials.gamma,
        "β₁*": fit.estimate,
        "95 % low": fit.low,
        "95 % high": fit.high,
        "lost between": f"{number(fit.bracket[0])} and {number(fit.bracket[1])}",
    }
