"""linear_collapse: a linear VAE over a fine sweep of β, against its closed-form minimum.

Let ζᵢ² be the eigenvalues of the training set's covariance, and g = βγ. Mode i is kept iff ζᵢ² > g; it then has 1 − g/ζᵢ²
active units, a rate of ½ log(ζᵢ²/g) nats and a distortion of g. Thresholds are fitted to active units over the sweep; the
decoder's singular values tell the modes apart. Modes whose threshold lies outside the grid of β are left out. Losses are
exact expectations over the training set (`analysis.claims.linear_optimum`). Only trials that have converged count.

Source: Wang & Ziyin (2022), section 4.2 for a learned Σ, Prop. 2 for a Σ fixed at the prior's variance.
"""

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most, near
from analysis.claims.estimate import mean_of
from analysis.claims.linear_optimum import Cell
from analysis.claims.residuals import largest_by_seed, rms_by_seed
from analysis.claims.thresholds import ThresholdPair, threshold_pairs, threshold_rows, thresholds_claim
from analysis.figures.drawing import Drawing
from analysis.fit import Estimator, Sweep
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number
from analysis.tables.sheet import Sheet
from analysis.theory import linear, modes_of_spectrum
from study.catalog.linear_collapse.batches import of_batches
from study.catalog.linear_collapse.figures import figures
from study.catalog.linear_collapse.table import BATCHES, HELD, LEARNED, OFF_ZERO, WIDE, linear_collapse
from study.catalog.linear_collapse.transitions import second_order

Array = np.ndarray

UNITS = 0.01
"""Largest root mean square difference between active units and theory."""

NATS = 0.05
"""How far J may lie above its minimum, and how far two minima that are equal in theory may lie apart."""

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
        found += of_batches({variant: chosen.pop(variant) for variant in BATCHES if variant in chosen})
        if OFF_ZERO in chosen:
            found.append(_biases(chosen.pop(OFF_ZERO)))
        for variant, cell in chosen.items():
            source = "Wang & Ziyin (2022), Prop. 2" if cell.held else "Wang & Ziyin (2022), section 4.3"
            pairs = _pairs(cell)
            found.append(thresholds_claim(cell.data, source, pairs, cell.lacks, len(cell.settled), ["W6"]))
            found.append(_reaches_the_minimum(cell))
            if variant == LEARNED:
                found += [_active_units(cell), second_order(cell), _surplus(cell)]
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
    inside = int((cell.modes.zeta2[: cell.kappa] / cell.gamma > cell.sweep.betas[0]).sum()) if len(cell.settled) else 0

    def by_seed(found: Sweep) -> Array:
        expected = cell.expected_units(found.betas).T[:inside, :, None]
        return rms_by_seed(found.active_units[:inside] - expected)

    modes, ranks = (by_seed(found) if inside else [] for found in (cell.by_mode, cell.sweep))
    off = Comparison("root mean square over modes and β", mean_of(modes), at_most(UNITS))
    measured = f"{off}; {mean_of(ranks)} with latents by rank instead"
    return _claim(cell, claim, SOURCE, [off], ["W3"], measured=measured)


def _reaches_the_minimum(cell: Cell) -> Claim:
    source, statement = ("Wang & Ziyin (2022), Prop. 2", "W2") if cell.held else ("Wang & Ziyin (2022), eq. 13", "W3")
    over = Comparison("largest distance to it over β", mean_of(_excess(cell)), at_most(NATS, " nats"))
    return _claim(cell, "training reaches the closed-form minimum of J", source, [over], [statement])


def _excess(cell: Cell) -> list[float]:
    """The largest distance of J to its minimum over β, in nats, a seed."""
    if not len(cell.settled):
        return []
    return [*(cell.losses["j"] - cell.losses["least"]).abs().groupby(cell.losses["seed"]).max()]


def _surplus(cell: Cell) -> Claim:
    """Modes without a latent where κ is below the data's rank, latents without a mode elsewhere."""
    rank, source = cell.modes.rank, "Wang & Ziyin (2022), eqs. 11-13 and the constant of eq. 13"
    if cell.kappa < rank:
        rest = cell.modes.unreached(cell.kappa)
        added = mean_of(_unreached(cell))
        away = Comparison("what they add to the distortion, mean over β", added, near(rest, POWER, " in data²"))
        return _claim(cell, "modes beyond κ are lost entirely at every β", source, [away], ["W9"])
    claim = f"{cell.kappa - rank} surplus latents equal the prior at every β"
    units = largest_by_seed(cell.sweep.active_units[rank:]) if len(cell.settled) else []
    most = Comparison("most active units of one, over β", mean_of(units), at_most(UNITS))
    return _claim(cell, claim, source, [most], ["W8", "D3", "B6"])


def _unreached(cell: Cell) -> list[float]:
    """The distortion beyond that of the κ strongest modes, mean over β, in data², a seed."""
    if not len(cell.settled):
        return []
    levels = cell.settled["gamma_eff"].to_numpy()[:, None]
    reached = np.minimum(cell.modes.zeta2[: cell.kappa], levels).sum(1)
    added = cell.settled[["seed"]].assign(value=cell.distortions.loc[cell.settled["trial_id"]].to_numpy() - reached)
    return [*added.groupby("seed")["value"].mean()]


def _weights(cell: Cell) -> Claim:
    """With σ = η fixed, Σθᵢ² = Σ(ζᵢ/√g − 1)₊ grows like β^{-1/2}; with a learned Σ it stays below the number of modes."""
    claim = "the encoder's weights stay bounded as β falls"
    source = "Wang & Ziyin (2022), Prop. 2" if cell.held else SOURCE
    if cell.held:
        claim = "with Σ fixed the encoder's weights grow without bound as β falls"
    worst, said = np.array([]), ""
    if len(cell.settled):
        of = cell.expected_power(cell.sweep.betas)
        found = (cell.encoder_power, cell.decoder_power)
        apart = [(part - theory[:, None]) / theory.max() for part, theory in zip(found, of, strict=True)]
        worst = largest_by_seed(np.stack(apart))
        first, theory = ([number(pd.Series(part[0]).mean()) for part in each] for each in (found, of))
        least = number(float(cell.sweep.betas[0]))
        said = f"Σ Var E[z|x] = {first[0]} against {theory[0]}, Σ‖u‖² = {first[1]} against {theory[1]} at β = {least}; "
    off = Comparison("largest error over β, of the largest value", mean_of(worst), at_most(POWER))
    return _claim(cell, claim, source, [off], ["W11"], measured=f"{said}{off}")


def _gauge(one: Cell, other: Cell) -> Claim:
    """z = η z′ maps the problem with prior N(0, η²) to the one with N(0, 1)."""
    losses: list[float] = []
    units: Array = np.array([])
    if len(one.settled) and len(other.settled):
        apart = (one.losses.set_index(["beta", "seed"])["j"] - other.losses.set_index(["beta", "seed"])["j"]).abs()
        losses = [*apart.groupby("seed").max().dropna()]
        met = np.isin(one.by_mode.betas, other.by_mode.betas)  # at laptop scale the wide prior has few small β
        units = rms_by_seed(one.by_mode.active_units[:, met] - other.by_mode.active_units)
    return Claim(
        other.data,
        "a prior twice as wide changes neither loss nor active units",
        "Wang & Ziyin (2022), section 4.1: z = η z′",
        comparisons=[
            Comparison("largest difference of J over β", mean_of(losses), at_most(NATS, " nats")),
            Comparison("root mean square difference of active units", mean_of(units), at_most(UNITS)),
        ],
        lacks=one.lacks or other.lacks,
        trials=len(one.settled) + len(other.settled),
        statements=["W21"],
    )


def _biases(cell: Cell) -> Claim:
    away = cell.off_centre.groupby("seed").max()
    comparisons = [
        Comparison(
            "largest distance of J to the minimum on centred data", mean_of(_excess(cell)), at_most(NATS, " nats")
        ),
        Comparison("|E z| in standard deviations of the prior", mean_of(away["latent"]), at_most(CENTRED)),
        Comparison("how far the decoded mean is off", mean_of(away["data"]), at_most(CENTRED)),
    ]
    claim = "learned biases do what centring the data does: μ(E x) = 0, 0 decodes to E x, and J is that of centred data"
    return _claim(cell, claim, "Wang & Ziyin (2022), appendix B", comparisons, ["W29"])


def _claim(
    cell: Cell, claim: str, source: str, comparisons: list[Comparison], statements: list[str], measured: str = ""
) -> Claim:
    return Claim(
        cell.data,
        claim,
        source,
        measured=measured,
        comparisons=comparisons,
        lacks=cell.lacks,
        trials=len(cell.settled),
        statements=statements,
    )


def _stacked(parts: list[Frame]) -> Frame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
