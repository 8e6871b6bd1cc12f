"""A serpentine: horizontal runs in alternating directions through the square [0, ε]², joined at their ends.

Source: Dai, Wenliang & Wipf (2021), Thm. 4 and Fig. 2.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Curve:
    """Corners in order, and the arc length at each; nodes that integrate over arc length, with weights that sum to 1."""

    corners: Float[Array, "corners 2"]
    reached: Float[Array, " corners"]
    t: Float[Array, " nodes"]
    points: Float[Array, "nodes 2"]
    weights: Float[Array, " nodes"]

    def mean(self, values: Float[Array, " nodes"]) -> float:
        """The mean of a function of the nodes over the curve."""
        return float(self.weights @ values)


def curve(eps: float, runs: int, nodes: int) -> Curve:
    """The serpentine of `runs` runs, with Gauss-Legendre nodes on each of its straight pieces."""
    i = np.arange(2 * runs)
    corners = eps * np.stack([(i + 1) // 2 % 2, i // 2 / (runs - 1)], -1)
    pieces = np.diff(corners, axis=0)
    lengths = np.abs(pieces).sum(1)  # each piece runs along one coordinate
    reached = np.concatenate([[0.0], lengths.cumsum()])
    place, weight = np.polynomial.legendre.leggauss(nodes)
    part = (place + 1) / 2
    return Curve(
        corners,
        reached,
        (reached[:-1, None] + lengths[:, None] * part).ravel(),
        (corners[:-1, None] + pieces[:, None] * part[:, None]).reshape(-1, 2),
        (lengths[:, None] * weight / 2).ravel() / reached[-1],
    )
