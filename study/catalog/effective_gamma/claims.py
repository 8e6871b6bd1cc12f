"""effective_gamma: with a fixed γ, does anything but the product βγ matter?

J(γ, β) = β J(βγ, 1) + const, and Adam is invariant to the scale of J. So trials of equal seed, κ and βγ should end alike,
converged or not. The claim compares them in pairs. It also counts pairs whose βγ differs by one step of the axes, because
agreement would say nothing if those agreed too. On linear data, mode i of the covariance has posterior variance
min(1, βγ/λᵢ). So κ latents hold #{λᵢ > βγ} modes, of which #{λᵢ > 2βγ} have a variance below 0.5 and count as active. λᵢ
are the eigenvalues of the training set itself.

Source: Wang & Ziyin (2022), section 4 with a learnable posterior variance; that only the product of β and γ acts is algebra.
"""

from collections.abc import Mapping, Sequence

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_least
from analysis.claims.estimate import share_of
from analysis.claims.lacks import too_few
from analysis.frames.declaration import data_kind
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number
from study.catalog.effective_gamma.table import effective_gamma

AGREEING = 0.8
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
        found.append(_ends_alike(label_text(data), trials, too_few(len(trials), len(declared), "have finished")))
        spectrum = spectra.get(str(trials["data_id"].iloc[0])) if len(trials) else None
        if spectrum is not None and data_kind(trials) == "LinearSubspace":
            converged = trials[trials["converged"]]
            lacks = too_few(len(converged), len(declared))
            found += _follows_theory(label_text(data), converged, spectrum, lacks)
    return found


def _ends_alike(data: str, trials: Frame, lacks: str) -> Claim:
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
    agree = share_of(int(equal["agree"].sum()), len(equal), "pairs")
    alike = Comparison("pairs of equal βγ, κ and seed with the same n_active", agree, at_least(AGREEING))
    measured = (
        f"{alike}; {int(near['agree'].sum())} of {len(near)} pairs whose βγ is one step apart; "
        f"median relative difference of the rate {number(equal['apart'].median())} against {number(near['apart'].median())}"
    )
    source = "J(γ, β) = β J(βγ, 1) + const; Wang & Ziyin (2022), section 4"
    return Claim(
        data,
        claim,
        source,
        measured=measured,
        comparisons=[alike],
        lacks=lacks,
        trials=len(trials),
        statements=["W20", "S1"],
    )


def _follows_theory(data: str, trials: Frame, spectrum: Sequence[float], lacks: str) -> list[Claim]:
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
        agree = share_of(int(exact.sum()), len(exact))
        found.append(
            Claim(
                data,
                claim,
                "Wang & Ziyin (2022), section 4: posterior variance min(1, βγ/λᵢ)",
                comparisons=[Comparison(f"{column} is that number in", agree, at_least(AGREEING))],
                lacks=lacks,
                trials=len(exact),
                statements=["W6"],
                kind="source" if column == "n_burda" else "derived",
            )
        )
    return found


def _rounded(product: float) -> float:
    """A product to group trials by: float32 and decimal axes differ in its last digits."""
    return float(f"{product:.4g}")
