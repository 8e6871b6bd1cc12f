"""What finite samples add to a spectrum: eigenvalues of noise that look like modes.

n examples of pure noise in d dimensions have eigenvalues up to (1 + √(d/n))² times its variance, not one. So at β = 1 and
a γ equal to the noise latents stay slightly active on noise alone, and a count of AU above a small cut counts them.
"""

import math


def pruning_beta(d: int, n: int) -> float:
    """(1 + √(d/n))²: the β above which no mode of pure noise, of variance γ in d dimensions, survives n examples.

    Source: Marchenko & Pastur (1967), the upper edge of the spectrum of a sample covariance.
    """
    return (1 + math.sqrt(d / n)) ** 2


def spurious_active_units(d: int, n: int) -> float:
    """1 − (1 + √(d/n))^{-2}: what AU reaches at β = 1 on pure noise; a cut on AU must exceed it.

    Source: Wang & Ziyin (2022), eqs. 11-13, at the upper edge of Marchenko & Pastur (1967).
    """
    return 1 - 1 / pruning_beta(d, n)
