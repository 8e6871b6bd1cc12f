"""Whole seeds resampled, neighbouring β left out: what the interval of a threshold is made of.

The seeds of a study share their data and train along β with the same noise, so a seed is one observation: it is drawn
whole. Up to seven seeds every possible draw is listed with its probability, which makes the bootstrap exact.

A percentile interval of six seeds is too narrow twice over: the bootstrap's variance is that of a population of six,
short by (n−1)/n, and six values call for a t quantile. And no resampling of seeds sees that the curve is not quite the
model, as training rounds the kink alike in all of them. What that can do shows when β are left out, neighbours
together, since they err together. With δ the change of log b without a block of m neighbours, each β being in m blocks,

    log b ± max( t(n−1) · s, t(ν) · q ),   s² = n/(n−1) · Var_draws[log b],   q² = Σ_blocks δ² / m,

where ν + 1 is the number of disjoint blocks below the threshold, and ν at least 2. q is large where the fit hangs on a few
points that it does not describe. Noise that is independent from β to β shows in s and again in q, so the two are not
added: the larger one counts. The interval knows nothing of a fault that all β share; that is for the systematic term,
which is stated apart.

The construction was chosen by what it covers: of the thresholds of 41 trained linear sweeps (24 β, 6 seeds), 92 % by
active units, 94 % by rate and by spectrum, and 86 % by a rate of slope ½, where percentile intervals of the seeds hold 44
to 49 %. Simulated sweeps that depart from the hinge as those did give 95, 96, 95 and 91 %.

Source: the block jackknife, Künsch (1989); that errors are clustered in two ways, Cameron, Gelbach, Miller (2011).
"""

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from analysis.tables.interval import t_quantile

LISTED_SEEDS = 7
REPLICATES = 1000

BLOCK = 0.25
"""Width in log β over which trained sweeps err alike: the stretch below a threshold where training is slow."""

Array = np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A positive number, its 95 % interval, and the standard errors s and q of its logarithm; NaN where unknown."""

    value: float
    low: float
    high: float
    seed_error: float
    misfit_error: float


@dataclass(frozen=True)
class Resampled:
    """The sums over seeds that a fit is made from: all seeds first, then every draw, then all seeds without each block."""

    seeds_drawn: Float[Array, "draws n"]
    probability: Float[Array, " draws"]
    kept: Float[Array, "blocks k"]
    block: int
    """How many neighbouring β a block leaves out."""

    def sums(self, part: Float[Array, "k n"]) -> Float[Array, "sets k"]:
        """A sum over seeds at each β, in every set: all seeds, those drawn, and all with a block of β left out."""
        everything = part.sum(-1)
        # A matrix product would wake BLAS's threads for so little.
        drawn = np.einsum("dn,kn->dk", self.seeds_drawn, part)
        return np.concatenate([everything[None], drawn, self.kept * everything])

    def estimate(self, found: Float[Array, " sets"], below: int) -> Estimate:
        """The interval of the module's formula, from the estimates of all sets; `below` β lie under the threshold.

        Sets without an estimate do not count. A single seed has no interval.
        """
        n, draws = self.seeds_drawn.shape[1], len(self.seeds_drawn)
        value, logs = float(found[0]), np.log(found[1:])
        if n < 2 or not math.isfinite(value):
            return Estimate(value, math.nan, math.nan, math.nan, math.nan)
        made = np.isfinite(logs[:draws])
        share, drawn, shifts = self.probability[made], logs[:draws][made], logs[draws:] - math.log(value)
        share = share / share.sum()
        seed_error = math.sqrt(n / (n - 1) * (share @ (drawn - share @ drawn) ** 2))
        misfit_error = math.sqrt(np.nansum(shifts**2) / self.block)
        half = max(t_quantile(n - 1) * seed_error, t_quantile(max(below // self.block - 1, 2)) * misfit_error)
        return Estimate(value, value * math.exp(-half), value * math.exp(min(half, 600.0)), seed_error, misfit_error)


def resampled(betas: Float[Array, " k"], n_seeds: int) -> Resampled:
    """The draws of the seeds and the blocks of the β of a sweep."""
    k = len(betas)
    block = max(1, round(BLOCK / float(np.median(np.diff(np.log(betas))))))
    first = np.arange(1 - block, k)[:, None]  # those at the ends are cut, so that every β is in as many blocks
    kept = (np.arange(k) < first) | (np.arange(k) >= first + block)
    return Resampled(*seed_draws(n_seeds), kept.astype(float), block)


@cache
def seed_draws(n: int) -> tuple[Float[Array, "draws n"], Float[Array, " draws"]]:
    """How often a bootstrap draws each of n seeds, and the probability of every draw.

    All C(2n−1, n) draws up to seven seeds, 1,000 random ones of probability 1/1000 beyond.
    """
    if n > LISTED_SEEDS:
        counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=REPLICATES)
        return counts.astype(float), np.full(REPLICATES, 1 / REPLICATES)
    draws = itertools.combinations_with_replacement(range(n), n)
    counts = np.array([np.bincount(draw, minlength=n) for draw in draws], float)
    orders = [math.factorial(n) / math.prod(math.factorial(int(count)) for count in row) for row in counts]
    return counts, np.array(orders) / n**n
