"""effective_gamma: with a fixed γ, does anything but the product βγ matter?

J(γ, β) = β J(βγ, 1) + const, and Adam is invariant to the scale of J. So trials of equal seed, κ and βγ should end alike,
converged or not. The claim compares them in pairs. It also counts pairs whose βγ differs by one step of the axes, because
agreement would say nothing if those agreed too. On linear data, mode i of the covariance has posterior variance
min(1, βγ/λᵢ). So κ latents hold #{λᵢ > βγ} modes, of which #{λᵢ > 2βγ} have a variance below 0.5 and count as active. λᵢ
are the eigenvalues of the training set itself.

Source: Wang & Ziyin (2022), section 4 with a learnable posterior variance; that only the product of β and γ acts is algebra.
"""

from collections.abc import Mapping, Sequence

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.frames.declaration import data_kind
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, cells, label_text
from analysis.tables.interval import number
from study.catalog.effective_gamma.table import effective_gamma

AGREEING = 0.95
"""Share of pairs, or of converged trials, that must agree for a claim to hold: modes near a threshold may go either way."""

Spectra = Mapping[str, Sequence[float]]
"""Eigenvalues of each data set's covariance, by data_id, where recorded."""


@effective_gamma.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    spectra = {key: row["spectrum"] for key, row in view.datasets.items() if row["spectrum"] is not None}
    return absorption(view.trials, view.header, spectra)


def absorption(frame: Frame, header: Header, spectra: Spectra) -> list[Claim]:
    """The claims about trials with the axes `data`, `gamma`, `beta` and `kappa`."""
    found = []
    for (data,), declared in cells(frame, header, ["data"]):
        trials = declared[declared["status"].eq("finished")].copy()
        trials["product"] = [
            _rounded(beta * gamma) for beta, gamma in zip(trials["beta"], trials["gamma_value"], strict=True)
        ]
        enough = len(trials) >= max(2, ENOUGH * len(declared))
        found.append(_ends_alike(label_text(data), trials, enough))
        spectrum = spectra.get(str(trials["data_id"].iloc[0])) if len(trials) else None
        if spectrum is not None and data_kind(trials) == "LinearSubspace":
            converged = trials[trials["converged"]]
            enough = len(converged) >= max(2, ENOUGH * len(declared))
            found += _follows_theory(label_text(data), converged, spectrum, enough)
    return found


def _ends_alike(data: str, trials: Frame, enough: bool) -> Claim:
    claim = "at equal βγ the same number of latents is active, whatever β and γ are"
    ranks = {product: rank for rank, product in enumerate(sorted(trials["product"].unique()))}
    sides = trials[["kappa", "seed", "beta", "n_active", "rate_train"]].assign(rank=trials["product"].map(ranks))
    pairs = sides.merge(sides, on=["kappa", "seed"], suffixes=("", "_2"))
    pairs = pairs[pairs["beta"] < pairs["beta_2"]]
    largest = pairs[["rate_train", "rate_train_2"]].max(axis=1)
    pairs = pairs.assign(
        agree=pairs["n_active"].eq(pairs["n_active_2"]),
        apart=(pairs["rate_train"] - pairs["rate_train_2"]).abs() / largest.where(largest > 0),
    )
    equal, near = [pairs[(pairs["rank"] - pairs["rank_2"]).abs().eq(steps)] for steps in (0, 1)]
    numbers = (
        f"n_active agrees in {int(equal['agree'].sum())} of {len(equal)} pairs of equal βγ, κ and seed, "
        f"and in {int(near['agree'].sum())} of {len(near)} pairs whose βγ is one step apart; "
        f"median relative difference of the rate {number(equal['apart'].median())} against {number(near['apart'].median())}"
    )
    source = "J(γ, β) = β J(βγ, 1) + const; Wang & Ziyin (2022), section 4"
    share, enough = equal["agree"].mean(), enough and len(equal) > 0
    return _claim(data, claim, source, "all pairs agree", share, numbers, enough, len(trials))


def _follows_theory(data: str, trials: Frame, spectrum: Sequence[float], enough: bool) -> list[Claim]:
    """A mode in use moves its latent's mean; only one far enough above βγ also makes its posterior narrow."""
    marks = {
        "n_burda": (1, "min(κ, #{λᵢ > βγ}) latents carry a mode"),
        "n_active": (2, "min(κ, #{λᵢ > 2βγ}) latents are active"),
    }
    found = []
    for column, (times, claim) in marks.items():
        expected = [
            min(kappa, sum(value > times * product for value in spectrum))
            for kappa, product in zip(trials["kappa"], trials["product"], strict=True)
        ]
        exact = trials[column].eq(expected)
        numbers = f"{column} is that number in {int(exact.sum())} of {len(exact)} converged trials"
        source = "Wang & Ziyin (2022), section 4: posterior variance min(1, βγ/λᵢ)"
        found.append(_claim(data, claim, source, "every trial", exact.mean(), numbers, enough, len(exact)))
    return found


def _claim(
    data: str, claim: str, source: str, expected: str, share: float, numbers: str, enough: bool, trials: int
) -> Claim:
    tolerance, verdict = f"{AGREEING:.0%} agree", judge(share >= AGREEING, enough)
    return Claim(data, claim, source, expected, numbers, tolerance, verdict, trials, topics.CONVENTIONS)


def _rounded(product: float) -> float:
    """A product to group trials by: float32 and decimal axes differ in its last digits."""
    return float(f"{product:.4g}")
