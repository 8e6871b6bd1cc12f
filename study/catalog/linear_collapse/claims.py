"""linear_collapse: a linear VAE over a fine sweep of β, against its closed-form minimum.

Let ζᵢ² be the eigenvalues of the training set's covariance, and g = βγ. Mode i is kept iff ζᵢ² > g; it then has 1 − g/ζᵢ²
active units, a rate of ½ log(ζᵢ²/g) nats and a distortion of g. Thresholds are fitted to active units over the sweep; the
decoder's singular values tell the modes apart. Modes whose threshold lies outside the grid of β are left out. Losses are
exact expectations over the training set (`analysis.claims.linear_optimum`). Only trials that have converged count.

Source: Wang & Ziyin (2022), section 4.2 for a learned Σ, Prop. 2 for a Σ fixed at the prior's variance.
"""

import math

import numpy as np
import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.claims.linear_optimum import Cell
from analysis.claims.thresholds import ThresholdPair, threshold_pairs, threshold_rows, thresholds_claim
from analysis.figures.drawing import Drawing
from analysis.fit import Estimator
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import NOTHING, number
from analysis.tables.sheet import Sheet
from analysis.theory import linear, modes_of_spectrum
from study.catalog.linear_collapse.figures import figures
from study.catalog.linear_collapse.table import HELD, LEARNED, OFF_ZERO, WIDE, linear_collapse

UNITS = 0.01
"""Largest root mean square difference between active units and theory."""

NATS = 0.05
"""How far J may lie above its minimum, and how far two minima that are equal in theory may lie apart."""

SLOPE = 0.1
"""Relative tolerance on the slope of a mode's rate against log β, which is ½ in theory."""

CENTRED = 0.05
"""How far the mean code may lie from zero, in standard deviations of the prior, and the decoded zero from the data's mean,
as a fraction of that mean's distance from zero."""

POWER = 0.03
"""Relative tolerance on sums over latents or modes: of squared weights, and of distortion."""

BY_RANK: tuple[Estimator, ...] = ("rate", "half rate")

SOURCE = "Wang & Ziyin (2022), eqs. 11-13"


@linear_collapse.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one κ after the other."""
    found: list[Claim] = []
    every = settings(view)
    for kappa in dict.fromkeys(cell.kappa for cell in every.values()):
        chosen = {variant: cell for (variant, k), cell in every.items() if k == kappa}
        if OFF_ZERO in chosen:
            found.append(_biases(chosen.pop(OFF_ZERO)))
        for variant, cell in chosen.items():
            source = "Wang & Ziyin (2022), Prop. 2" if cell.held else "Wang & Ziyin (2022), section 4.3"
            pairs = _pairs(cell)
            enough, trials = cell.enough, len(cell.settled)
            found.append(thresholds_claim(cell.data, source, pairs, enough, trials, topics.LINEAR_SWEEP))
            found.append(_reaches_the_minimum(cell))
            if variant == LEARNED:
                found += [_active_units(cell), _second_order(cell), _surplus(cell)]
            if variant in (LEARNED, HELD):
                found.append(_weights(cell))
        if LEARNED in chosen and WIDE in chosen:
            found.append(_gauge(chosen[LEARNED], chosen[WIDE]))
    return found


@linear_collapse.figures
def drawings(view: View) -> list[Drawing]:
    """The study's figures, from the settings with converged trials."""
    every = settings(view)
    return figures([cell for cell in every.values() if len(cell.settled)])


@linear_collapse.sheets
def sheets(view: View) -> list[Sheet]:
    """Thresholds of every network against theory, and the estimators side by side."""
    tables, estimators = [], []
    for (variant, kappa), cell in settings(view).items():
        if variant == OFF_ZERO:  # too few β to fit a threshold
            continue
        tables.append(threshold_rows({"network": variant, "κ": str(kappa)}, _pairs(cell)))
        if variant == LEARNED and len(cell.settled):
            truth = linear.thresholds(cell.modes.zeta2, cell.gamma, kappa)
            named = {"active units by rank": threshold_pairs(cell.sweep, truth), "active units": _pairs(cell)}
            named |= {name: threshold_pairs(cell.sweep, truth, name) for name in BY_RANK}
            named["spectral"] = threshold_pairs(cell.by_mode, truth, "spectral")
            estimators += [threshold_rows({"κ": str(kappa), "estimator": name}, pairs) for name, pairs in named.items()]
    found = [
        Sheet("thresholds", "Collapse thresholds from active units, against ζᵢ²/γ", _stacked(tables)),
        Sheet("estimators", "Collapse thresholds by estimator, learned Σ", _stacked(estimators)),
    ]
    return [sheet for sheet in found if len(sheet.frame)]


def settings(view: View) -> dict[tuple[str, int], Cell]:
    """The trials of each variant and κ whose data set is known, in declared order."""
    found = {}
    for (variant, kappa), trials in cells(view.trials, view.header, ["variant", "kappa"]):
        known = trials["data_id"].dropna()
        if len(known):
            rows = view.latents[view.latents["trial_id"].isin(trials["trial_id"])]
            name = f"{label_text(trials['data'].dropna().iloc[0])}, κ = {kappa}, {variant}"
            modes = modes_of_spectrum(view.spectrum(str(known.iloc[0])))
            found[str(variant), int(kappa)] = Cell(name, str(variant), int(kappa), modes, trials, rows, view.home)
    return found


def _pairs(cell: Cell) -> list[ThresholdPair]:
    if not len(cell.settled):
        return []
    expected = linear.thresholds(cell.modes.zeta2, cell.gamma, cell.kappa)
    return threshold_pairs(cell.by_mode, expected)


def _active_units(cell: Cell) -> Claim:
    claim = "active units are (1 − β/βᵢ*)₊ for every mode"
    rms, ranked = math.nan, math.nan
    if len(cell.settled):
        inside = int((cell.modes.zeta2[: cell.kappa] / cell.gamma > cell.sweep.betas[0]).sum())
        expected = cell.expected_units(cell.sweep.betas).T[:inside, :, None]
        rms, ranked = (
            float(np.sqrt(np.nanmean(np.square(found.active_units[:inside] - expected))))
            for found in (cell.by_mode, cell.sweep)
        )
    measured = f"root mean square {number(rms)} over modes, β and seeds; {number(ranked)} with latents by rank instead"
    return _claim(cell, claim, SOURCE, "no deviation", measured, f"root mean square {UNITS:g}", rms <= UNITS)


def _reaches_the_minimum(cell: Cell) -> Claim:
    source = "Wang & Ziyin (2022), Prop. 2" if cell.held else "Wang & Ziyin (2022), eq. 13"
    excess = (cell.losses["j"] - cell.losses["least"]) if len(cell.settled) else pd.Series([math.nan])
    measured = f"excess {number(excess.median())} nats in the median, {number(excess.max())} at most"
    agrees = bool(excess.abs().max() <= NATS)
    return _claim(cell, "training reaches the closed-form minimum of J", source, "0", measured, f"{NATS} nats", agrees)


def _second_order(cell: Cell) -> Claim:
    """dJ/dβ is the rate. It falls to zero as ½ log(βᵢ*/β): continuous at βᵢ*, with a jump of 1/(2βᵢ*) in its slope."""
    claim = "each collapse is a second-order transition: J′ is continuous at βᵢ*, and J″ jumps by 1/(2βᵢ*)"
    expected, slopes = "KLᵢ = a (log βᵢ* − log β)₊ with a = ½", []
    if len(cell.settled):
        pairs = threshold_pairs(cell.sweep, linear.thresholds(cell.modes.zeta2, cell.gamma, cell.kappa), "rate")
        slopes = [pair.fitted.slope.value if pair.fitted.slope else math.nan for pair in pairs]
    measured = f"a = {', '.join(map(number, slopes)) or NOTHING}"
    agrees = bool(slopes) and all(abs(2 * slope - 1) <= SLOPE for slope in slopes)
    return _claim(cell, claim, "Wang & Ziyin (2022), section 4.3; derived", expected, measured, f"{SLOPE:.0%}", agrees)


def _surplus(cell: Cell) -> Claim:
    """Modes without a latent where κ is below the data's rank, latents without a mode elsewhere."""
    rank, source = cell.modes.rank, "Wang & Ziyin (2022), eqs. 11-13 and the constant of eq. 13"
    if cell.kappa < rank:
        claim = "modes beyond κ are lost entirely at every β"
        rest = cell.modes.unreached(cell.kappa)
        away = pd.Series([math.nan])
        if len(cell.settled):
            reached = np.minimum(cell.modes.zeta2[: cell.kappa], cell.settled["gamma_eff"].to_numpy()[:, None]).sum(1)
            away = cell.distortions.loc[cell.settled["trial_id"]].groupby(cell.settled["beta"].to_numpy()).mean()
            away = away - pd.Series(reached).groupby(cell.settled["beta"].to_numpy()).mean()
        measured = f"they add {number(away.min())} to {number(away.max())} to the distortion over the sweep"
        agrees = bool((away / rest - 1).abs().max() <= POWER)
        return _claim(cell, claim, source, f"Σ ζᵢ² = {number(rest)} at every β", measured, f"{POWER:.0%}", agrees)
    claim = f"{cell.kappa - rank} surplus latents equal the prior at every β"
    units = np.nanmax(cell.sweep.active_units[rank:], initial=0.0) if len(cell.settled) else math.nan
    measured = f"at most {number(float(units))} active units"
    return _claim(cell, claim, source, "0 active units", measured, f"{UNITS}", bool(units <= UNITS))


def _weights(cell: Cell) -> Claim:
    """With σ = η fixed, Σθᵢ² = Σ(ζᵢ/√g − 1)₊ grows like β^{-1/2}; with a learned Σ it stays below the number of modes."""
    claim = "the encoder's weights stay bounded as β falls"
    source = "Wang & Ziyin (2022), Prop. 2" if cell.held else SOURCE
    if cell.held:
        claim = "with Σ fixed the encoder's weights grow without bound as β falls"
    expected, measured, worst = NOTHING, NOTHING, math.nan
    if len(cell.settled):
        of = cell.expected_power(cell.sweep.betas)
        found = [np.nanmean(part, axis=1) for part in (cell.encoder_power, cell.decoder_power)]
        worst = max(float(np.nanmax(np.abs(a - b)) / b.max()) for a, b in zip(found, of, strict=True))
        least = f"at β = {number(float(cell.sweep.betas[0]))}"
        expected, measured = (
            f"Σ Var E[z|x] = {number(float(a[0]))}, Σ‖u‖² = {number(float(b[0]))} {least}" for a, b in (of, found)
        )
        measured += f"; largest error over the sweep {worst:.2%} of the largest value"
    return _claim(cell, claim, source, expected, measured, f"{POWER:.0%} of the largest", worst <= POWER)


def _gauge(one: Cell, other: Cell) -> Claim:
    """z = η z′ maps the problem with prior N(0, η²) to the one with N(0, 1)."""
    loss, units = math.nan, math.nan
    if one.enough and other.enough:
        apart = one.losses.set_index(["beta", "seed"])["j"] - other.losses.set_index(["beta", "seed"])["j"]
        loss = float(apart.abs().max())
        met = np.isin(one.by_mode.betas, other.by_mode.betas)  # at laptop scale the wide prior has only a few β
        units = float(np.sqrt(np.nanmean((one.by_mode.active_units[:, met] - other.by_mode.active_units) ** 2)))
    return Claim(
        data=other.data,
        claim="a prior twice as wide changes neither loss nor active units",
        source="Wang & Ziyin (2022), section 4.1: z = η z′",
        expected="no difference",
        measured=f"J differs by {number(loss)} nats at most, active units by {number(units)} in root mean square",
        tolerance=f"{NATS} nats and {UNITS}",
        verdict=judge(loss <= NATS and units <= UNITS, one.enough and other.enough),
        trials=len(one.settled) + len(other.settled),
        topic=topics.LINEAR_SWEEP,
    )


def _biases(cell: Cell) -> Claim:
    excess = away = np.array([math.nan])
    if len(cell.settled):
        excess = (cell.losses["j"] - cell.losses["least"]).to_numpy()
        away = cell.off_centre.max().to_numpy()
    worst = float(np.abs(excess).max())
    return _claim(
        cell,
        "learned biases do what centring the data does: μ(E x) = 0, 0 decodes to E x, and J is that of centred data",
        "Wang & Ziyin (2022), appendix B",
        "the minimum of J without biases, on centred data",
        f"J at most {number(worst)} nats off it; |E z| at most {number(float(away[0]))}, "
        f"the decoded mean at most {float(away[-1]):.2%} off",
        f"{NATS} nats; {CENTRED} standard deviations of the prior; {CENTRED:.0%}",
        worst <= NATS and bool((away <= CENTRED).all()),
    )


def _claim(cell: Cell, claim: str, source: str, expected: str, measured: str, tolerance: str, agrees: bool) -> Claim:
    verdict, trials = judge(agrees, cell.enough), len(cell.settled)
    return Claim(cell.data, claim, source, expected, measured, tolerance, verdict, trials, topics.LINEAR_SWEEP)


def _stacked(parts: list[Frame]) -> Frame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
