"""How many minima the affine VAE has, how high the saddles between them are, and how many a line through them shows.

`eigenvalues` are those of the data's covariance, descending; `level` is g = βγ. Rises are in nats on the scale of
Dai, Wenliang & Wipf at β = 1 (twice those of J).

Why no way is lower than the saddles: let M = gI + WWᵀ have eigenvalues m_i. Then L ≥ Σ_k log(g + ‖w_k‖²) + Σ_i λ_i/m_i, and
the squared norms, sorted, are majorised by the m_i − g. If the latents of the i strongest modes are others at the end of a
way than at its start, then somewhere on it the i-th and the next norm are equal; among such norms the sum of logarithms is
least where these two are (m_i + m_{i+1})/2 − g, and all others m_k − g, as it is Schur-concave. What remains, 2 log((m_i +
m_{i+1})/2) + λ_i/m_i + λ_{i+1}/m_{i+1} over m ≥ g, is least at m = √λ c with c = (√λ_i + √λ_{i+1})/2, where that is above g.

Source: "On the regularization balance in autoencoder-based generative models", Thm. 1 and its footnote 2; saddles derived.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory import linear
from analysis.theory.modes import EQUAL, Array, checked


class Count(NamedTuple):
    """Minima of the affine VAE: choices of latents for the kept modes, and the same with the signs of their columns."""

    supports: int
    signed: int


def count(eigenvalues: ArrayLike, level: float, kappa: int) -> Count:
    """κ!/(κ − k)! supports and 2^k signs each, k = #{i ≤ κ: λ_i > g}; all of them are global.

    Raises: ValueError where a kept eigenvalue equals another one, kept or not: their minima form a continuum.
    Source: Thm. 1, footnote 2, with the signs that it leaves out.
    """
    values = checked(eigenvalues)
    k = int(linear.active_modes(values, level, kappa))
    near = values[: k + 1]  # the first that κ latents do not reach may equal the last that they keep
    if k and (np.diff(near) > -EQUAL * near[0]).any():
        raise ValueError("a kept eigenvalue equals another one: their minima are connected, not counted")
    supports = math.perm(kappa, k)
    return Count(supports, supports * 2**k)


def rotation_rise(first: ArrayLike, second: ArrayLike) -> Array:
    """2 log((λ_1 + λ_2)/2) − log(λ_1 λ_2): the rise half-way when a rotation exchanges the latents of two kept modes.

    With λ_2 = g it is that of a kept mode which a rotation brings to an unused latent. Zero iff they are equal. Other ways
    rise less: see `swap_saddle` and `empty_slot_saddle`.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    return 2 * np.log((first + second) / 2) - np.log(first * second)


def swap_saddle(first: ArrayLike, second: ArrayLike) -> Array:
    """4 log c − log(λ_1 λ_2), c = (√λ_1 + √λ_2)/2: the least rise on any way that exchanges two kept modes next in order.

    Zero iff they are equal; about half the rotation's where they are alike. It does not depend on g. Source: derived.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    return 4 * np.log((np.sqrt(first) + np.sqrt(second)) / 2) - np.log(first * second)


def empty_slot_saddle(eigenvalue: ArrayLike, level: ArrayLike, unkept: ArrayLike = 0.0) -> Array:
    """The least rise on any way that brings the weakest kept mode λ to an unused latent; infinite as g → 0.

        2 log(g + s/2) + λ/(g + s) − log(λg) − 1,   s the positive root of s² + (2g − λ/2)s + g² − λg = 0

    The largest eigenvalue that is not kept, μ ≤ g, lowers it where √μ c > g, c = (√λ + √μ)/2: there both modes share both
    latents at the saddle, and the rise is 4 log c + 1 − log(λg) − μ/g. Source: derived.
    """
    top, g, mu = (np.asarray(each, float) for each in (eigenvalue, level, unkept))
    half = top / 4 - g
    s = half + np.sqrt(half**2 + g * (top - g))
    alone = 2 * np.log(g + s / 2) + top / (g + s) - np.log(top * g) - 1
    c = (np.sqrt(top) + np.sqrt(mu)) / 2
    return np.where(np.sqrt(mu) * c > g, 4 * np.log(c) + 1 - np.log(top * g) - mu / g, alone)


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
