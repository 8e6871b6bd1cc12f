"""The generators of synthetic data: each draws from its spec's own seed. One that changes is a new version of its spec."""

import numpy as np
from jaxtyping import Float

from models.data.centring import from_arrays
from models.data.dataset import DataSet
from models.data.disk_rows import mean_square
from models.data.loaders import loads
from models.specs.data import LinearMap, LinearSubspace, PlantedArc, PlantedClusters, PlantedManifold
from models.specs.planted import Planted

Array = Float[np.ndarray, "_ d"]


@loads(LinearSubspace)
def linear_subspace(spec: LinearSubspace) -> DataSet:
    """x = Q diag(√eigenvalues) u, Q with random orthonormal columns."""
    rng = np.random.default_rng(spec.seed)
    basis = np.linalg.qr(rng.standard_normal((spec.d, spec.intrinsic_dim)))[0]
    u = rng.standard_normal((spec.n + spec.n_test, spec.intrinsic_dim))
    return from_arrays(spec, *_with_noise(spec, u * np.sqrt(spec.eigenvalues) @ basis.T, rng), offset=spec.offset)


@loads(LinearMap)
def linear_map(spec: LinearMap) -> DataSet:
    """Inputs and, after them, targets y = F diag(√ζ²) Gᵀ u of whitened u, x = diag(inputs) u."""
    rng = np.random.default_rng(spec.seed)
    left = np.linalg.qr(rng.standard_normal((spec.d, spec.intrinsic_dim)))[0]
    right = np.linalg.qr(rng.standard_normal((spec.d_in, spec.d_in)))[0]
    u = rng.standard_normal((spec.n + spec.n_test, spec.d_in))
    y = u @ right * np.sqrt(spec.zeta2) @ left.T
    x = u * spec.inputs
    return from_arrays(spec, x[: spec.n], x[spec.n :], *_with_noise(spec, y, rng))


@loads(PlantedManifold)
def planted_manifold(spec: PlantedManifold) -> DataSet:
    """x = A₀u + 1.2 A₂ᵀ tanh(A₁ᵀu + b), scaled so that the training set's total variance is d before noise."""
    rng = np.random.default_rng(spec.seed)
    a0 = np.linalg.qr(rng.standard_normal((spec.d, spec.r)))[0]
    a1 = 0.8 * rng.standard_normal((spec.r, 16))
    b = 0.5 * rng.standard_normal(16)
    a2 = rng.standard_normal((16, spec.d)) / 4
    u = rng.standard_normal((spec.n + spec.n_test, spec.r))
    x = u @ a0.T + 1.2 * np.tanh(u @ a1 + b) @ a2
    x = x - x[: spec.n].mean(axis=0)
    return from_arrays(spec, *_with_noise(spec, x * np.sqrt(spec.d / mean_square(x[: spec.n])), rng))


@loads(PlantedClusters)
def planted_clusters(spec: PlantedClusters) -> DataSet:
    """x = A₀u + A₂ᵀ tanh(A₁ᵀu), u from four Gaussians around (±2, 0) and (0, ±2)."""
    rng = np.random.default_rng(spec.seed)
    a0 = np.linalg.qr(rng.standard_normal((spec.d, 2)))[0]
    a1 = 0.8 * rng.standard_normal((2, 16))
    a2 = rng.standard_normal((16, spec.d)) / 4
    centres = np.array([(2, 0), (-2, 0), (0, 2), (0, -2)])[rng.integers(4, size=spec.n + spec.n_test)]
    u = centres + 0.25 * rng.standard_normal(centres.shape)
    return from_arrays(spec, *_with_noise(spec, u @ a0.T + np.tanh(u @ a1) @ a2, rng))


@loads(PlantedArc)
def planted_arc(spec: PlantedArc) -> DataSet:
    """x = Q (t, sin t) on a share `middle` of the arc, or points of [−π, π] × [−3/2, 3/2] that are `off` away from it."""
    rng = np.random.default_rng(spec.seed)
    plane = np.linalg.qr(rng.standard_normal((spec.d, 2)))[0]
    n = spec.n + spec.n_test
    if not spec.off:
        t = spec.middle * rng.uniform(-np.pi, np.pi, n)
        return from_arrays(spec, *_with_noise(spec, np.stack([t, np.sin(t)], axis=1) @ plane.T, rng))
    return from_arrays(spec, *_with_noise(spec, _off_the_curve(spec.off, n, rng) @ plane.T, rng))


def _off_the_curve(off: float, n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Points of the plane that are `off` away from (t, sin t) at least."""
    from scipy.spatial import KDTree  # takes a third of a second, and only this data set needs it

    curve = np.linspace(-np.pi, np.pi, 2001)
    tree = KDTree(np.stack([curve, np.sin(curve)], axis=1))
    found = np.empty((0, 2))
    while len(found) < n:  # even of points that are 1 away there are enough
        points = rng.uniform(-1, 1, (4 * n, 2)) * (np.pi, 1.5)
        found = np.concatenate([found, points[tree.query(points)[0] >= off]])
    return found[:n]


def _with_noise(spec: Planted, x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    x = x + np.sqrt(spec.noise) * rng.standard_normal(x.shape)
    return x[: spec.n], x[spec.n :]
