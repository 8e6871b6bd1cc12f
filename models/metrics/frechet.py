"""The Fréchet distance of two Gaussians, and of two samples' features taken as Gaussian.

    D² = ‖m₁ − m₂‖² + tr(C₁ + C₂ − 2(C₁C₂)^½)

On the 2,048 pooled features of the standard Inception network it is the FID, and on nothing else. It sees means and
covariances only, is biased upwards by a sample's smallness (by about the same amount for all models of one sample size),
and its unit is that of the squared features: compare values of one network and one sample size.

Source: Dowson & Landau (1982), eq. 4; Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter (2017), eq. 6.
"""

import math

import numpy as np
from jaxtyping import Float

Mean = Float[np.ndarray, " d"]
Covariance = Float[np.ndarray, "d d"]
Features = Float[np.ndarray, "_ d"]


def frechet_gaussians(mean_a: Mean, covariance_a: Covariance, mean_b: Mean, covariance_b: Covariance) -> float:
    """D² of two Gaussians, in float64; covariances may be singular."""
    mean_a, covariance_a, mean_b, covariance_b = (
        part.astype(np.float64) for part in (mean_a, covariance_a, mean_b, covariance_b)
    )
    shared = _root(covariance_a) @ _root(covariance_b)  # tr (C₁C₂)^½ is the sum of its singular values
    overlap = np.linalg.svd(shared, compute_uv=False).sum()
    apart = np.square(mean_a - mean_b).sum() + np.trace(covariance_a) + np.trace(covariance_b)
    return max(float(apart - 2 * overlap), 0.0)


def frechet(a: Features, b: Features) -> tuple[float, float]:
    """D² of two samples' features, and its standard error (first order: it says nothing of the bias).

    With the QR decompositions √(n₁−1) QA and √(n₂−1) PB of the centred samples and the singular values BAᵀ = USVᵀ, the
    optimal transport T from a to b is A⁻¹VSVᵀA⁻ᵀ, and row x of a moves D² by 2(m₁ − m₂)ᵀx + ‖x‖² − xᵀTx, where xᵀTx =
    (n₁−1) Σ_k s_k (QV)²_xk needs no inverse. The transport back does the same for the rows of b.

    Source: derived here, from the gradient of the squared Wasserstein distance.
    Raises: ValueError where a sample has no more rows than there are features: its covariance is singular, and D² is
    mostly bias.
    """
    d = a.shape[1]
    if min(len(a), len(b)) <= d:
        raise ValueError(
            f"the Fréchet distance of {d} features needs more than {d} rows of each sample, not {len(a)} and {len(b)}: "
            "draw more samples, or use fewer features"
        )
    (mean_a, rows_a, q_a, r_a), (mean_b, rows_b, q_b, r_b) = _decomposed(a), _decomposed(b)
    u, singular, vt = np.linalg.svd(r_b @ r_a.T)
    gap = mean_a - mean_b
    value, variance = float(gap @ gap) - 2 * float(singular.sum()), 0.0
    for rows, q, turn, sign in ((rows_a, q_a, vt.T, 2), (rows_b, q_b, u, -2)):
        n = len(rows)
        size = np.square(rows).sum(1)
        influence = sign * rows @ gap + size - (n - 1) * np.square(q @ turn) @ singular
        value += float(size.sum()) / (n - 1)
        variance += float(influence.var(ddof=1)) / n
    return max(value, 0.0), math.sqrt(variance)


def _decomposed(x: Features) -> tuple[Mean, Features, Features, Covariance]:
    """Mean, centred rows, and Q and R/√(n−1) of their QR decomposition, in float64."""
    x = x.astype(np.float64)
    mean = x.mean(0)
    q, r = np.linalg.qr(x - mean)
    return mean, x - mean, q, r / math.sqrt(len(x) - 1)


def _root(covariance: Covariance) -> Covariance:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
