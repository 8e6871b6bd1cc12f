"""A linear autoencoder under a price on its codes: R/(2γ) + ½w Σ_j h(u_j), and where its minimum lies.

u_j = ‖w_j‖² Var z_j is the energy of code j, and t_j = √u_j. With S the covariance of the data and z_j = a_jᵀ S^{-1/2} x,

    R = ‖S^{1/2} − Σ_j w_j a_jᵀ‖²,    t_j = ‖w_j‖ ‖a_j‖:

codes are a sum of matrices of rank one, and h prices their norms. A code split into copies v_k z, Σ v_k = 1, decodes the
same, for Σ_k h(v_k² u): all is said by f(t) = h(t²) with f(0) = 0.

- f convex (u, Huber's of √u): κ equal copies cost least, κ f(Σ t/κ), by Jensen's inequality, and every code is used.
- f linear (√u): Σ t_j ≥ the nuclear norm Σ √λ_i, whatever the number of codes: copies cost the same.
- f concave (u^p for p < ½, MCP, SCAD, log u): Σ_j f(t_j) ≥ Σ_i f(σ_i) by Rotfel'd's inequality, so that the least is one
  code for each principal component that is kept; where f is strictly concave any other number costs more.
- f convex below a knee and concave above (u/(u + c), log(u + δ)): neither; `split` compares a code with its equal copies.

It says where the minimum lies, not that a slope leads there: MCP and SCAD are flat beyond their knee.
Source: derived; Rotfel'd (1969), "Singular numbers of a sum of compact operators", for the inequality.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from analysis.theory.modes import Array

KNEE = 3.7
"""a of SCAD, flat beyond a times its parameter."""


def _huber(t: Array, p: float) -> Array:
    return np.where(t <= p, t * t / 2, p * (t - p / 2))


def _mcp(t: Array, p: float) -> Array:
    return np.where(t <= p, t - t * t / (2 * p), p / 2)


def _scad(t: Array, p: float) -> Array:
    bent = (2 * KNEE * p * t - t * t - p * p) / (2 * (KNEE - 1))
    return np.where(t <= p, p * t, np.where(t <= KNEE * p, bent, p * p * (KNEE + 1) / 2))


def _log(t: Array, _: float) -> Array:
    with np.errstate(divide="ignore"):
        return 2 * np.log(t)


PRICES: dict[str, Callable[[Array, float], Array]] = {
    "u": lambda t, _: t * t,
    "Huber": _huber,
    "saturating": lambda t, p: t * t / (t * t + p),
    "log plus": lambda t, p: np.log(t * t + p),
    "root": lambda t, _: t,
    "power": lambda t, p: t ** (2 * p),
    "MCP": _mcp,
    "SCAD": _scad,
    "log": _log,
}
"""f(t) = h(t²) by the name of h, with its parameter."""


def price(name: str, energy: ArrayLike, parameter: float | None = None) -> Array:
    """h(u), elementwise."""
    return PRICES[name](np.sqrt(np.asarray(energy, float)), np.nan if parameter is None else parameter)


def split(name: str, energy: float, copies: int, parameter: float | None = None) -> float:
    """What it costs to split a code of energy u into equal copies: m h(u/m²) − h(u) − (m − 1) h(0), infinite for log u."""
    whole, part, nothing = (float(price(name, u, parameter)) for u in (energy, energy / copies**2, 0.0))
    return copies * part - whole - (copies - 1) * nothing if copies > 1 else 0.0


def principal_energies(
    name: str, spectrum: ArrayLike, gamma: float, weight: float = 1.0, parameter: float | None = None
) -> Array:
    """Energies s² of codes that are the principal components, one for each λ of the spectrum, same shape.

    s is the least of (√λ − s)²/(2γ) + ½w f(s) on [0, √λ], found to 1e-9 by refined grids. Where f is concave that is the
    global minimum. log u is −∞ at 0: of it the local minimum is meant, s = (√λ + √(λ − 4γw))/2, NaN where there is none.
    """
    values = np.asarray(spectrum, float)
    if name == "log":
        with np.errstate(invalid="ignore"):
            return ((np.sqrt(values) + np.sqrt(values - 4 * gamma * weight)) / 2) ** 2
    sizes = np.sqrt(values)[..., None]
    middle = half = sizes / 2
    for _ in range(6):
        grid = np.clip(middle + half * np.linspace(-1, 1, 401), 0, sizes)
        cost = (sizes - grid) ** 2 / (2 * gamma) + weight / 2 * price(name, grid**2, parameter)
        middle, half = np.take_along_axis(grid, cost.argmin(-1)[..., None], -1), half / 200
    return (middle**2)[..., 0]


def ridge_energy(spectrum: ArrayLike, gamma: float, kappa: int, weight: float = 1.0) -> float:
    """The energy of each of κ ≥ r codes under h(u) = u: (Σ √λ/(κ + rγw))², where no mode is given up."""
    sizes = np.sqrt(np.asarray(spectrum, float))
    return float((sizes.sum() / (kappa + len(sizes) * gamma * weight)) ** 2)


def nuclear_norm(spectrum: ArrayLike, gamma: float, weight: float = 1.0) -> float:
    """Σ √u of all codes under h(u) = √u, in however many: Σ (√λ − γw/2)₊."""
    return float(np.maximum(np.sqrt(np.asarray(spectrum, float)) - gamma * weight / 2, 0).sum())
