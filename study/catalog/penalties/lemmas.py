"""Claims about two lemmas: a VAE's loss becomes a sum of logarithms as γ falls, and so does an autoencoder's at the best γ.

Source: Dai, Wenliang & Wipf (2021), Lemmas 2 and 3.
"""

from collections.abc import Sequence

import numpy as np

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most, between
from analysis.claims.estimate import computed, worst_of
from analysis.frames.probe_results import ProbeResult
from analysis.theory import affine

EXACT, LIMIT, IDENTITY = 1e-9, 0.01, 1e-10
"""On Lemma 2's closed form, in nats; on its approach to a logarithm for γ ≤ 1e-4, relative; and on Lemma 3, in nats."""

FALLEN = 1e-4
"""The γ from which on the limit is asked for; above it the cost only lies between its ends."""

SOURCE = "Dai, Wenliang & Wipf (2021)"


def of_latents(found: Sequence[ProbeResult], lacks: str) -> list[Claim]:
    """What a latent costs at its best scale and variance, and how this cost becomes a logarithm."""
    return [_closed_form(found, lacks), _limit(found, lacks)]


def _closed_form(found: Sequence[ProbeResult], lacks: str) -> Claim:
    errors = [look["price"] - affine.sparse_penalty(_codes(look), _gamma(look)).sum() for look in found]
    errors += [look["unused"] - affine.sparse_penalty(0.0, _gamma(look)) for look in found]
    return Claim(
        "latents at their best scale",
        "a latent of variance c costs h_γ(c) = log(γ + a) + c/a, an unused one log γ",
        f"{SOURCE}, Lemma 2",
        comparisons=[Comparison("distance to the closed form, nats", worst_of(errors), at_most(EXACT))],
        lacks=lacks,
        trials=len(found),
        statements=["D16", "D1-1"],
    )


def _limit(found: Sequence[ProbeResult], lacks: str) -> Claim:
    """To first order the error is γ Σ 1/c, and it never exceeds that."""
    ratios = {_gamma(look): _above_logarithm(look) / (_gamma(look) * (1 / _codes(look)).sum()) for look in found}
    return Claim(
        "latents at their best scale",
        "h_γ(c) → log c + 1 as γ → 0, with an error O(γ)",
        f"{SOURCE}, Lemma 2",
        comparisons=[
            Comparison(
                f"error/(γ Σ 1/c) at γ = {gamma:g}",
                computed(ratio),
                between(1 - LIMIT if gamma <= FALLEN else 0.0, 1 + LIMIT),
            )
            for gamma, ratio in ratios.items()
        ],
        lacks=lacks,
        trials=len(found),
        statements=["D16", "D1-1"],
    )


def of_logarithms(found: Sequence[ProbeResult], lacks: str) -> Claim:
    """An autoencoder's loss at the best γ and scales of codes."""
    errors = [look["least"] - look["logarithms"] - look.what["d"] - look.what["kappa"] for look in found]
    return Claim(
        "random linear autoencoders",
        "at the best γ and scales of codes the loss is d log(R/d) + Σ log u plus the constant d + κ",
        f"{SOURCE}, Lemma 3",
        comparisons=[Comparison("distance to it, nats", worst_of(errors), at_most(IDENTITY))],
        lacks=lacks,
        trials=len(found),
        statements=["D17"],
    )


def _gamma(look: ProbeResult) -> float:
    return look.what["gamma"]


def _codes(look: ProbeResult) -> np.ndarray:
    return np.array(look.what["variances"], float)


def _above_logarithm(look: ProbeResult) -> float:
    return look["price"] - float((np.log(_codes(look)) + 1).sum())
