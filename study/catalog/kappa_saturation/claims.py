"""kappa_saturation: with a learned γ, how many of κ latents stay active, and where does that number saturate?

On noise-free data of dimension r, theory says min(κ, r), the reconstruction is complete from κ = r on, and the fit selects
min(κ, r) among the candidate curves of `analysis.fit`. On images r is unknown: there the count should stop growing, while
error and likelihood improve. A latent is active if v = E σ² < 0.5. The table adds Burda's criterion, Var E[z|x] > 0.01, for
comparison: it also counts latents that carry only the noise of a finite sample.

On the digits the count with an affine skip has not stopped at κ = 32: it grows by a fifth to κ = 64, as many as there are
pixels. More steps do not mend it: after 10,000 it was 24 and 23 at κ = 32, and 29 and 31 at κ = 64.

Source: Dai, Wenliang & Wipf (2021), section 3; "On the regularization balance in autoencoder-based generative models",
Table 1, on MNIST.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.claims.claim import QUESTION, Claim, Kind
from analysis.claims.comparison import Comparison, at_least, at_most, below, between, within
from analysis.claims.estimate import Estimate, computed, mean_count_of, mean_of, share_of
from analysis.figures.bands import SKIPS
from analysis.fit import counts, saturation
from analysis.frames.declaration import data_kind
from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, enough_converged, label_text, moving
from analysis.tables.sheet import Sheet
from study.catalog.kappa_saturation.components import beside_components
from study.catalog.kappa_saturation.rows import fitted_row, row_of, was_tried
from study.catalog.kappa_saturation.table import kappa_saturation

PLANTED = "Dai, Wenliang & Wipf (2021), section 3: the optimum keeps min(κ, r) latents"
COMPONENTS = "Dai, Wenliang & Wipf (2021), section 5"
TABLE_1 = "On the regularization balance in autoencoder-based generative models, Table 1"

NRE_LIMIT = 1e-3
"""Largest share of the test variance that a complete reconstruction may lose."""

AGREE = 0.75
"""Least share of trials on planted data with exactly the expected number of active latents."""

STEADY = 2.0
"""Largest difference between saturated counts at the two largest κ."""

WORTH = 3.0
"""Least number of principal components that an active latent of MNIST is worth; 100 over 15 is 6.7."""

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
    spectra = {data_id: row["spectrum"] for data_id, row in view.datasets.items() if row["spectrum"] is not None}
    return saturating(view.trials, view.header, spectra)


def saturating(frame: Frame, header: Header, spectra: Mapping[str, Sequence[float]]) -> list[Claim]:
    """The claims about trials with the axes `data`, `skip`, `kappa` and `seed`.

    `spectra` holds the eigenvalues of training sets' covariances in data², by data_id.
    """
    found = []
    for (data, skip), trials in cells(frame, header, ["data", "skip"]):
        where = f"{label_text(data)}, {SKIPS[skip].label if skip in SKIPS else skip}"
        known = trials["intrinsic_dim"].dropna()
        found += _planted(where, trials, int(known.iloc[0])) if len(known) else _relative(where, trials)
        if data_kind(trials) == "MNIST":
            found += _worth_components(where, trials, spectra)
    return found


def _planted(where: str, trials: Frame, r: int) -> list[Claim]:
    usable, full = _finished(trials), trials[trials["kappa"] >= r]
    exact = usable["n_active"].eq(usable["kappa"].clip(upper=r))
    fit = saturation(*counts(trials))
    name = fit.selected.curve.name if fit.selected else "none"
    plateau = Estimate(fit.estimate, fit.low, fit.high, usable["seed"].nunique(), "fit")
    return [
        _claim(
            where,
            "min(κ, r) latents are active",
            PLANTED,
            [Comparison(f"n_active = min(κ, {r})", share_of(int(exact.sum()), len(exact)), at_least(AGREE))],
            trials,
            statements=["D5", "B2"],
        ),
        _claim(
            where,
            "from κ = r on the reconstruction is complete",
            PLANTED,
            [Comparison(f"NRE of κ ≥ {r}", mean_of(_finished(full)["nre_test"], "trials"), at_most(NRE_LIMIT))],
            full,
            statements=["D4"],
        ),
        _claim(
            where,
            "among the candidate curves of saturation the fit selects min(κ, r)",
            PLANTED,
            [
                Comparison(f"r of the selected curve, {name}", plateau, within(0.5, r)),
                Comparison("min(κ, r) is selected", computed(float(name == "H1"), of="fits"), at_least(1)),
            ],
            trials,
            statements=["D5"],
        ),
    ]


def _relative(where: str, trials: Frame) -> list[Claim]:
    """The three columns of Table 1, where κ varies: active latents, error and likelihood."""
    kappas = sorted(trials["kappa"].unique())
    if len(kappas) < 2:
        return []
    low, high = kappas[-2:]
    last = trials[trials["kappa"].isin([low, high])]
    ends = trials[trials["kappa"].isin([kappas[0], high])]
    from_to = f"at κ = {high} less that at {kappas[0]}"
    found = [
        _claim(
            where,
            f"the number of active latents has stopped growing at κ = {low}",
            TABLE_1,
            [
                Comparison(
                    f"n_active at κ = {high} less that at {low}",
                    mean_count_of(_gain(last, "n_active")),
                    within(STEADY, 0),
                )
            ],
            last,
            statements=["B17"],
        ),
        _claim(
            where,
            "the reconstruction error falls as κ grows",
            TABLE_1,
            [Comparison(f"error {from_to}, data²", mean_of(_gain(ends, "distortion_test")), below(0.0))],
            ends,
            statements=["B17"],
        ),
        _claim(
            where,
            "the likelihood improves as κ grows",
            TABLE_1,
            [Comparison(f"NLL {from_to}, nats", mean_of(_gain(ends, "iwae_nll")), below(0.0))],
            ends,
            statements=["B17"],
        ),
    ]
    return [*found, _plateau_of_mnist(where, trials)] if data_kind(trials) == "MNIST" else found


def _plateau_of_mnist(where: str, trials: Frame) -> Claim:
    fit = saturation(*counts(trials))
    plateau = Estimate(fit.estimate, fit.low, fit.high, trials["seed"].nunique(), "fit")
    return _claim(
        where,
        "the number of active latents saturates between 15 and 30; 22 are published",
        TABLE_1,
        [
            Comparison(
                f"plateau of {fit.selected.curve.name if fit.selected else 'no curve'}", plateau, between(*PLATEAU)
            )
        ],
        trials,
        statements=["B17"],
    )


def _worth_components(where: str, trials: Frame, spectra: Mapping[str, Sequence[float]]) -> list[Claim]:
    """The source's ratio is one of long training: at any scale an active latent should do more than a component."""
    usable = _finished(trials)
    usable = usable[usable["kappa"].eq(usable["kappa"].max())]
    errors, worth = beside_components(usable, spectra)
    lost = Comparison("NRE over that of as many components as there are active latents", mean_of(errors), below(1.0))
    each = Comparison("components with the same NRE, over active latents", mean_of(worth), at_least(WORTH))
    return [
        _claim(
            where,
            "active latents do more than as many principal components",
            COMPONENTS,
            [lost],
            usable,
            ["D21"],
            at_rest=False,
        ),
        _claim(
            where,
            "is an active latent worth three principal components or more? (the source's 15 are worth about 100)",
            "asked here",
            [each],
            usable,
            [],
            QUESTION,
            at_rest=False,
        ),
    ]


def _claim(
    where: str,
    said: str,
    source: str,
    compared: list[Comparison],
    trials: Frame,
    statements: Sequence[str],
    kind: Kind | None = None,
    at_rest: bool = True,
) -> Claim:
    """Undecided where too few trials have come to rest, unless the claim is about trials however far they have come."""
    done = int(trials["converged"].sum())
    numbers = "; ".join(map(str, compared))
    return Claim(
        where,
        said,
        source,
        measured=f"{numbers}{moving(trials)}",
        trials=len(_finished(trials)),
        comparisons=compared,
        lacks="" if enough_converged(trials) or not at_rest else f"{done} of {len(trials)} trials have converged",
        statements=statements,
        kind=kind,
    )


def _finished(trials: Frame) -> Frame:
    return trials[trials["status"].eq("finished")]


def _gain(trials: Frame, column: str) -> Column:
    """What the largest κ has more than the smallest, by seed."""
    by_seed = _finished(trials).pivot_table(index="seed", columns="kappa", values=column)
    if by_seed.empty:  # nothing is measured
        return pd.Series(dtype=float)
    return by_seed[by_seed.columns.max()] - by_seed[by_seed.columns.min()]


@kappa_saturation.sheets
def sheets(view: View) -> list[Sheet]:
    """The source's Table 1, and the candidate curves with their plateaus."""
    rows, fits = [], []
    for (data, skip), trials in cells(view.trials, view.header, ["data", "skip"]):
        place = {"data": label_text(data), "skip": skip}
        fit = saturation(*counts(trials))
        rows += [
            place | row_of(cell, fit) if was_tried(cell) else None for _, cell in cells(trials, view.header, ["kappa"])
        ]
        fits.append(place | fitted_row(fit) if fit.selected else None)
    by_kappa = "Reconstruction error, NLL (importance-weighted, K = 64, in nats) and active latents against κ"
    table = Sheet.of("saturation", f"{by_kappa}: mean ± half-width of the 95 % t-interval over seeds, test set", rows)
    if data_kind(view.trials) == "MNIST" and len(table.frame):  # at paper scale, where MNIST is the only data set
        published = PUBLISHED.rename(columns={"kappa": "κ"})
        table = replace(table, frame=table.frame.merge(published, on="κ", how="left"))
    return [
        table,
        Sheet.of("curves", "Saturation of the active latents: the selected curve, its plateau, and AICc", fits),
    ]
