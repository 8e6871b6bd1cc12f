"""Ways down the profile loss of an affine decoder, from its gradient written out."""

import numpy as np
from scipy.optimize import minimize

from analysis.theory import affine


def profile_gradient(w: np.ndarray, covariance: np.ndarray, gamma: float, beta: float = 1.0) -> np.ndarray:
    """∇L of one decoder (d, κ)."""
    g = beta * gamma
    inverse = np.linalg.inv(g * np.eye(len(w)) + w @ w.T)
    return 2 * beta * (w / (g + np.square(w).sum(0)) - inverse @ covariance @ inverse @ w)


def polished(w: np.ndarray, covariance: np.ndarray, gamma: float) -> tuple[float, np.ndarray]:
    """The lowest loss below a decoder, and where it lies."""

    def loss(vector: np.ndarray) -> tuple[float, np.ndarray]:
        point = vector.reshape(w.shape)
        return float(affine.profile_loss(point, covariance, gamma)), profile_gradient(point, covariance, gamma).ravel()

    end = minimize(loss, w.ravel(), jac=True, method="BFGS", options={"gtol": 1e-7})
    return float(end.fun), end.x.reshape(w.shape)
