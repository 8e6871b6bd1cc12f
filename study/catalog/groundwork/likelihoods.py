"""Claims of groundwork about exact likelihoods of linear models: importance weights, and the thresholds of the ELBO.

Source: Burda, Grosse & Salakhutdinov (2016), eq. 8; Tipping & Bishop (1999), section 3; Lucas et al. (2019).
"""

from analysis.claims.claim import CHECK, Claim
from analysis.claims.comparison import Comparison, at_most
from analysis.claims.estimate import worst_of
from analysis.claims.lacks import uncomputed
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
from analysis.theory import ppca
from study.catalog.groundwork.table import LIKELIHOOD, LOSSES

EXACT = 1e-10
"""Tolerance on densities, in nats."""

THRESHOLD = 5e-3
"""Relative tolerance on a threshold, which lies between two γ that are 0.2 % apart."""

VALUE = 1e-8
"""How far, in nats, two minima that are equal in theory may lie apart."""

GAMMA = 0.5
"""The γ at which the probe measures the gap."""


def of_likelihoods(view: View) -> list[Claim]:
    """That draws weigh what they should, that the likelihood loses modes where the ELBO does, and where they differ."""
    weights = view.trials[view.trials["look"].eq(LIKELIHOOD)]
    both = view.trials[view.trials["look"].eq(LOSSES)]
    looks = probe_results(both)

    def off(what: str, number: str, tolerance: float, unit: str = "") -> Comparison:
        return Comparison(what, worst_of((look[number] for look in looks), "covariances"), at_most(tolerance, unit))

    return [
        _exact(probe_results(weights), uncomputed(weights)),
        Claim(
            "linear models of random covariances, β = 1",
            "the exact likelihood loses each mode at the γ at which its ELBO does, the mode's eigenvalue",
            "Wang & Ziyin (2022), after Lucas et al. (2019); Tipping & Bishop (1999), eq. 7",
            comparisons=[
                off("the likelihood's γ against the eigenvalue, relative", "likelihood_off", THRESHOLD),
                off("the ELBO's γ against it", "elbo_off", THRESHOLD),
                off("one γ against the other", "thresholds_apart", THRESHOLD),
                off("−ELBO against NLL at their minima", "values_apart", VALUE, " nats"),
            ],
            lacks=uncomputed(both),
            trials=len(looks),
            statements=["W30"],
        ),
        Claim(
            "linear models of random covariances, β = 1",
            "elsewhere −ELBO lies above NLL by ½[Σ log(γ + ‖u_k‖²) − log det(γI + UᵀU)], 0 for orthogonal columns",
            "derived",
            comparisons=[
                Comparison(
                    "largest distance to it at random decoders",
                    worst_of((_gap_off(look, view) for look in looks), "covariances"),
                    at_most(VALUE, " nats"),
                ),
                off("gap at orthogonal columns", "gap_of_orthogonal", VALUE, " nats"),
            ],
            lacks=uncomputed(both),
            trials=len(looks),
        ),
    ]


def _gap_off(look: ProbeResult, view: View) -> float:
    decoder = look.arrays(view.home).get("decoder")
    return float("nan") if decoder is None else look["gap"] - ppca.elbo_gap(decoder, GAMMA)


def _exact(found: list[ProbeResult], lacks: str) -> Claim:
    off = worst_of((size for look in found for size in (look["spread"], look["misjudged"])), "looks")
    return Claim(
        "linear VAE at its optimum, β = 1",
        "every draw's importance weight is the exact likelihood",
        "Burda, Grosse & Salakhutdinov (2016), eq. 8; Tipping & Bishop (1999), section 3.2",
        comparisons=[Comparison("spread of log weights, and distance to log p(x)", off, at_most(EXACT, " nats"))],
        lacks=lacks,
        trials=len(found),
        kind=CHECK,
    )
