"""The generators of synthetic data: each draws from its spec's own seed. One that changes is a new version of its spec."""

import numpy as np
from jaxtyping import Float

from models.data.centring import from_arrays
from models.data.dataset import DataSet
from models.data.disk_rows import mean_square
from models.data.loaders import loads
from models.specs.data import LinearMap, LinearSubspace, PlantedArc, PlantedClusters, PlantedManifold

Array = Float[np.ndarray, "_ d"]
AnyPlanted = LinearMap | LinearSubspace | PlantedArc | PlantedClusters | PlantedManifold


@loads(LinearSubspace)
def linear_subspace(spec: LinearSubspace) -> DataSet:
    """x = Q diag(√eigenvalues) u, Q with random orthonormal columns."""
    rng = np.random.default_rng(spec.seed)
    basis = np.linalg.qr(rng.standard_normal((spec.d, spec.intrinsic_dim)))[0]
    u = rng.standard_normal((spec.n + spec.n_test, spec.intrinsic_dim))
    return _noisy(spec, u * np.sqrt(spec.eigenvalues) @ basis.T, rng, offset=spec.offset)


@loads(LinearMap)
def linear_map(spec: LinearMap) -> DataSet:
    """Inputs and, after them, targets y = F diag(√ζ²) Gᵀ u of whitened u, x = diag(inputs) u."""
    rng = np.random.default_rng(spec.seed)
    left = np.linalg.qr(rng.standard_normal((spec.d, spec.intrinsic_dim)))[0]
    right = np.linalg.qr(rng.standard_normal((spec.d_in, spec.d_in)))[0]
    u = rng.standard_normal((spec.n + spec.n_test, spec.d_in))
    y = u @ right * np.sqrt(spec.zeta2) @ left.T
    return _noisy(spec, y, rng, inputs=u * spec.inputs)


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
    return _noisy(spec, x * np.sqrt(spec.d / mean_square(x[: spec.n])), rng)


@loads(PlantedClusters)
def planted_clusters(spec: PlantedClusters) -> DataSet:
    """x = A₀u + A₂ᵀ tanh(A₁ᵀu), u from four Gaussians around (±2, 0) and (0, ±2)."""
    rng = np.random.default_rng(spec.seed)
    a0 = np.linalg.qr(rng.standard_normal((spec.d, 2)))[0]
    a1 = 0.8 * rng.standard_normal((2, 16))
    a2 = rng.standard_normal((16, spec.d)) / 4
    centres = np.array([(2, 0), (-2, 0), (0, 2), (0, -2)])[rng.integers(4, size=spec.n + spec.n_test)]
    u = centres + 0.25 * rng.standard_normal(centres.shape)
    return _noisy(spec, u @ a0.T + np.tanh(u @ a1) @ a2, rng)


@loads(PlantedArc)
def planted_arc(spec: PlantedArc) -> DataSet:
    """x = Q (t, sin t) on a share `middle` of the arc, or points of [−π, π] × [−3/2, 3/2] that are `off` away from it."""
    rng = np.random.default_rng(spec.seed)
    plane = np.linalg.qr(rng.standard_normal((spec.d, 2)))[0]
    n = spec.n + spec.n_test
    if not spec.off:
        t = spec.middle * rng.uniform(-np.pi, np.pi, n)
        return _noisy(spec, np.stack([t, np.sin(t)], axis=1) @ plane.T, rng)
    return _noisy(spec, _off_the_curve(spec.off, n, rng) @ plane.T, rng)


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


def _noisy(
    spec: AnyPlanted,
    signal: Array,
    rng: np.random.Generator,
    inputs: Float[np.ndarray, "_ d_in"] | None = None,
    offset: float = 0.0,
) -> DataSet:
    """Training and test examples of a signal with the declared noise; it is the targets where there are other inputs."""
    noisy, n = signal + np.sqrt(spec.noise) * rng.standard_normal(signal.shape), spec.n
    decoded = noisy[:n], noisy[n:]
    parts = decoded if inputs is None else (inputs[:n], inputs[n:], *decoded)
    return from_arrays(spec, *parts, offset=offset, clean=signal[n:] if spec.noise else None)
