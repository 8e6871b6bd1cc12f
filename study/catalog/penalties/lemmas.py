"""Claims about two lemmas: a VAE's loss becomes a sum of logarithms as γ falls, and so does an autoencoder's at the best γ.

Source: Dai, Wenliang & Wipf (2021), Lemmas 2 and 3.
"""

from collections.abc import Sequence

import numpy as np

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.claims.residuals import worst
from analysis.frames.probe_results import ProbeResult
from analysis.tables.interval import NOTHING, number
from analysis.theory import affine

EXACT, LIMIT, IDENTITY = 1e-9, 0.01, 1e-10
"""On Lemma 2's closed form, in nats; on its approach to a logarithm for γ ≤ 1e-4, relative; and on Lemma 3, in nats."""

SOURCE = "Dai, Wenliang & Wipf (2021)"


def of_latents(found: Sequence[ProbeResult], enough: bool) -> list[Claim]:
    """What a latent costs at its best scale and variance, and how this cost becomes a logarithm."""
    return [_closed_form(found, enough), _limit(found, enough)]


def _closed_form(found: Sequence[ProbeResult], enough: bool) -> Claim:
    errors = [look["price"] - affine.sparse_penalty(_codes(look), _gamma(look)).sum() for look in found]
    errors += [look["unused"] - affine.sparse_penalty(0.0, _gamma(look)) for look in found]
    error = worst(errors)
    return Claim(
        "latents at their best scale",
        "a latent of variance c costs h_γ(c) = log(γ + a) + c/a, an unused one log γ",
        f"{SOURCE}, Lemma 2",
        "the closed form",
        f"within {number(error)}",
        f"{EXACT:g} nats",
        judge(error <= EXACT, enough),
        len(found),
        topics.LOGARITHMS,
    )


def _limit(found: Sequence[ProbeResult], enough: bool) -> Claim:
    """To first order the error is γ Σ 1/c, and it never exceeds that."""
    ratios = {_gamma(look): _above_logarithm(look) / (_gamma(look) * (1 / _codes(look)).sum()) for look in found}
    agrees = all(0 < ratio <= 1 + LIMIT for ratio in ratios.values())
    agrees &= all(ratio >= 1 - LIMIT for gamma, ratio in ratios.items() if gamma <= 1e-4)
    return Claim(
        "latents at their best scale",
        "h_γ(c) → log c + 1 as γ → 0, with an error O(γ)",
        f"{SOURCE}, Lemma 2",
        "error/(γ Σ 1/c) → 1 from below",
        "; ".join(f"γ = {gamma:g}: {ratio:.4f}" for gamma, ratio in ratios.items()) or NOTHING,
        f"{LIMIT:.0%} for γ ≤ 1e-4",
        judge(agrees, enough),
        len(found),
        topics.LOGARITHMS,
    )


def of_logarithms(found: Sequence[ProbeResult], enough: bool) -> Claim:
    """An autoencoder's loss at the best γ and scales of codes."""
    error = worst(look["least"] - look["logarithms"] - look.what["d"] - look.what["kappa"] for look in found)
    return Claim(
        "random linear autoencoders",
        "at the best γ and scales of codes the loss is d log(R/d) + Σ log u plus a constant",
        f"{SOURCE}, Lemma 3",
        "the constant is d + κ",
        f"within {number(error)}",
        f"{IDENTITY:g} nats",
        judge(error <= IDENTITY, enough),
        len(found),
        topics.LOGARITHMS,
    )


def _gamma(look: ProbeResult) -> float:
    return look.what["gamma"]


def _codes(look: ProbeResult) -> np.ndarray:
    return np.array(look.what["variances"], float)


def _above_logarithm(look: ProbeResult) -> float:
    return look["price"] - float((np.log(_codes(look)) + 1).sum())
