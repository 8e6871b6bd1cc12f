"""A serpentine of S runs in the square [0, ε]², uniformly filled: when a penalty on its codes prefers the sparse decoder.

A dense decoder takes both coordinates as codes, a sparse one the arc length alone; both reconstruct every point. With u the
mean square of a code, the sparse one is preferred iff h(T) + h(0) < h(m_x) + h(m_y).
Source: Dai, Wenliang & Wipf (2021), Thm. 4 and Fig. 2, whose curve this is; the conditions are derived.
"""

import math
from typing import NamedTuple


class Squares(NamedTuple):
    """Mean squares of the codes: T of the arc length, m_x and m_y of the coordinates."""

    arc: float
    x: float
    y: float


def runs(eps: float, length: float = 4.0) -> int:
    """S, so that the length (S + 1) ε is as nearly `length` as it can be."""
    return round(length / eps - 1)


def moments(eps: float, length: float = 4.0) -> Squares:
    """Mean squares about 0, where the curve begins: L²/3, and ε²/3 each for many runs."""
    s = runs(eps, length)
    x = s / 3 + _right(s)
    y = s * (2 * s - 1) / (6 * (s - 1)) + 1 / 3
    return Squares(((s + 1) * eps) ** 2 / 3, x * eps**2 / (s + 1), y * eps**2 / (s + 1))


def variances(eps: float, length: float = 4.0) -> Squares:
    """The same about the means: L²/12, and ε²/12 each for many runs."""
    s, square = runs(eps, length), moments(eps, length)
    return Squares(square.arc / 4, square.x - (eps * (s / 2 + _right(s)) / (s + 1)) ** 2, square.y - eps**2 / 4)


def critical_saturation(m: Squares) -> float:
    """c below which u/(u + c) prefers the sparse decoder; about m for T ≫ m.

    The positive root of c²(T − m_x − m_y) = 2c m_x m_y + T m_x m_y.
    """
    product, rest = m.x * m.y, m.arc - m.x - m.y
    return (product + math.sqrt(product * (product + m.arc * rest))) / rest


def critical_offset(m: Squares) -> float:
    """δ = m_x m_y/(T − m_x − m_y), below which log(u + δ) prefers the sparse decoder."""
    return m.x * m.y / (m.arc - m.x - m.y)


def critical_power(m: Squares) -> float:
    """p below which u^p prefers the sparse decoder: it falls to 0 with ε, if slowly.

    The p with T^p = m_x^p + m_y^p, which is log 2/log(T/m) for m_x = m_y = m. With m = √(m_x m_y), and δ half the logarithm
    of m_x/m_y, p log(T/m) = log 2 + log cosh(pδ): iterated, since the last term is small.
    """
    ratio, half = math.log(m.arc / math.sqrt(m.x * m.y)), math.log(m.x / m.y) / 2
    p = math.log(2) / ratio
    for _ in range(30):
        p = (math.log(2) + math.log(math.cosh(p * half))) / ratio
    return p


def crossing(v: Squares) -> float:
    """γ* = e v_x v_y/v_T, below which a VAE's loss prefers the sparse decoder, for ε² ≫ γ; `v` are variances.

    Its latents cost log v + 1 where they are used and log γ where they are not: the difference grows by log(1/γ) below.
    """
    return math.e * v.x * v.y / v.arc


def _right(s: int) -> float:
    """The part of ε that joins at the right, x = ε, take of the length: every other one of S − 1 is there, the first too."""
    return s // 2 / (s - 1)
