"""How many minima the affine VAE has, how high the barriers between them are, and how many a line through them shows.

`eigenvalues` are those of the data's covariance, descending; `level` is g = βγ. Barriers are in nats on the scale of
Dai, Wenliang & Wipf at β = 1 (twice those of J).
Source: "On the regularization balance in autoencoder-based generative models", Thm. 1 and its footnote 2.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.modes import Array, checked


class Count(NamedTuple):
    """Minima of the affine VAE: choices of latents for the kept modes, and the same with the signs of their columns."""

    supports: int
    signed: int


def count(eigenvalues: ArrayLike, level: float, kappa: int) -> Count:
    """κ!/(κ − k)! supports and 2^k signs each, k = #{i ≤ κ: λ_i > g}; all of them are global.

    Raises: ValueError where two kept eigenvalues are equal: their minima form a continuum.
    Source: Thm. 1, footnote 2, with the signs that it leaves out.
    """
    kept = checked(eigenvalues)[:kappa]
    kept = kept[kept > level]
    if (np.diff(kept) > -1e-9 * kept.max(initial=0.0)).any():
        raise ValueError("two of the kept eigenvalues are equal: their minima are connected, not counted")
    supports = math.perm(kappa, len(kept))
    return Count(supports, supports * 2 ** len(kept))


def swap_barrier(first: ArrayLike, second: ArrayLike) -> Array:
    """2 log((λ_1 + λ_2)/2) − log(λ_1 λ_2): the rise half-way when a rotation exchanges the latents of two kept modes.

    Zero iff they are equal. It does not depend on g.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    return 2 * np.log((first + second) / 2) - np.log(first * second)


def empty_slot_barrier(eigenvalue: ArrayLike, level: ArrayLike) -> Array:
    """2 log((λ + g)/2) − log(λg): the rise half-way when a kept mode moves to an unused latent; infinite as g → 0."""
    return swap_barrier(eigenvalue, level)


def pair_split() -> float:
    """γ/λ below which W(t) = √λ [1 − t, t] passes two minima, 0.931144: where the loss at t = ½ turns from least to greatest.

    Root of (2x − ½)(x + ½)² = 2(x + ¼)². Source: Dai, Wenliang & Wipf (2021), Fig. 3; derived.
    """
    x = np.polynomial.Polynomial([0.0, 1.0])
    roots = ((2 * x - 0.5) * (x + 0.5) ** 2 - 2 * (x + 0.25) ** 2).roots()
    return float(roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real[0])


def minima_along(values: ArrayLike) -> np.ndarray:
    """Indices of the local minima inside a row of losses along a line: lower than the neighbours, a flat floor once.

    The ends of the row do not count.
    """
    row = np.asarray(values, float)
    turns = np.flatnonzero(np.diff(row) != 0)
    slopes = np.sign(np.diff(row)[turns])
    return turns[1:][(slopes[:-1] < 0) & (slopes[1:] > 0)]
