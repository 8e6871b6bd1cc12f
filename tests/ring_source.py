"""The source of a data set of a user's: a function that stands on another, and on a value that a statement changes."""

RING = '''
import numpy as np

ROTATE = {"by": 0.0}
ROTATE["by"] = 0.5


def turned(angle):
    return angle + ROTATE["by"]


def ring(n=300, noise=0.05):
    """A noisy circle in three dimensions."""
    rng = np.random.default_rng(0)
    angle = turned(rng.uniform(0, 2 * np.pi, n + 100))
    x = np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle)], 1) + noise * rng.standard_normal((n + 100, 3))
    return x[:n], x[n:]
'''
