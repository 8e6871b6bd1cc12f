"""What all other studies rest on, tested where the truth is known: conventions, closed forms, metrics, what counts as active.

Probes hold the J of real training steps against the objectives of the literature, written out; they compute the lowest loss
of random linear problems by L-BFGS, the γ at which an exact likelihood and its ELBO lose modes, and metrics between samples
of one distribution; none of this uses theory. Two linear VAEs train on noisy data: there the usual criterion of an active
latent, a mean that varies, counts every latent. And what is said to avoid collapse while γ is learned is tried on either
side: exact minima, and some of them trained on samples.
"""

from models.specs import VAE, Learned, LinearMap, LinearSubspace, Objective, Training
from models.specs.groundwork import (
    Conventions,
    LearnedGammaMinimum,
    LinearLikelihood,
    LinearMinimum,
    LossThresholds,
    NullBins,
    NullMMD,
)
from models.specs.probes import Probing
from study.declare.probe import Declared, Probe
from study.declare.table import study
from study.declare.trial import Trial

CONVENTIONS, LIKELIHOOD, LOSSES = "conventions", "likelihood", "likelihood and ELBO"
LEARNED_GAMMA = "minimum, learned γ"
MINIMA = {
    "minimum, equal Σ": LinearMinimum(variant="equal Σ"),
    "minimum, unequal Σ": LinearMinimum(variant="unequal Σ"),
    "minimum, learned Σ": LinearMinimum(variant="learned Σ"),
    LEARNED_GAMMA: LinearMinimum(variant="learned γ"),
}
BINS = {f"NDB, {bins} bins": NullBins(bins=bins) for bins in (100, 200, 300)}
MMDS = {f"MMD, κ = {kappa}": NullMMD(kappa=kappa) for kappa in (2, 16, 64)}

MAP, REST = (1.0, 0.4, 0.27), 3.385
"""ζ² of a map to six outputs, d₂/d* = 2, and the variance that makes it R² = 0.076 of each output's."""

AVOIDED = {
    "y linear in x, β = 1.9": LearnedGammaMinimum(zeta2=MAP, d=6, kappa=4, beta=1.9),
    "y with noise, β = 1.5": LearnedGammaMinimum(zeta2=MAP, d=6, kappa=4, beta=1.5, rest=REST),
    "y with noise, β = 0.287": LearnedGammaMinimum(zeta2=MAP, d=6, kappa=4, beta=0.287, rest=REST),
    "y with noise, β = 0.259": LearnedGammaMinimum(zeta2=MAP, d=6, kappa=4, beta=0.259, rest=REST),
    "y with noise, β = 0.15": LearnedGammaMinimum(zeta2=MAP, d=6, kappa=4, beta=0.15, rest=REST),
    "equal modes, full rank, β = 1": LearnedGammaMinimum(zeta2=(1,) * 5, d=5, kappa=5, beta=1),
    "unequal modes, full rank, β = 1": LearnedGammaMinimum(zeta2=(2, 1.5, 1, 0.5, 0.25), d=5, kappa=5, beta=1),
    "equal modes, rank 3 of 5, β = 1": LearnedGammaMinimum(zeta2=(1,) * 3, d=5, kappa=5, beta=1),
    "r = 3, κ = 2, β = 0.01": LearnedGammaMinimum(zeta2=(4, 2, 1), d=6, kappa=2, beta=0.01),
    "r = 3, κ = 2, β = 0.5": LearnedGammaMinimum(zeta2=(4, 2, 1), d=6, kappa=2, beta=0.5),
    "r = 3, κ = 3, β = 0.5": LearnedGammaMinimum(zeta2=(4, 2, 1), d=6, kappa=3, beta=0.5),
    "r = 3, κ = 4, β = 1.9": LearnedGammaMinimum(zeta2=(4, 2, 1), d=6, kappa=4, beta=1.9),
    "r = 3, κ = 4, β = 2.1": LearnedGammaMinimum(zeta2=(4, 2, 1), d=6, kappa=4, beta=2.1),
}
"""Linear models with a learned γ, on either side of what is said to avoid collapse; exact, by L-BFGS."""

LOOKS: dict[str, Probing] = {
    CONVENTIONS: Conventions(),
    **MINIMA,
    **BINS,
    **MMDS,
    LIKELIHOOD: LinearLikelihood(),
    LOSSES: LossThresholds(),
    **AVOIDED,
}
"""What each probe computes, by the name of its row."""

NOISE = 0.1
"""Variance of the noise in every dimension; those of the modes are 1 to 4."""

NOISY = {
    "noise, d = 20": (LinearSubspace(d=20, eigenvalues=(4, 2, 1), noise=NOISE, n=1000), 10),
    "noise, d = 64": (LinearSubspace(d=64, eigenvalues=(4, 3, 2, 1.5, 1), noise=NOISE, n=1797), 32),
}
"""What the two VAEs train on: data and κ."""

TRAINED: dict[str, tuple[LinearMap | LinearSubspace, int, float]] = {
    "trained, y linear in x, β = 1.5": (LinearMap(d=6, zeta2=MAP, inputs=(1, 1, 1)), 4, 1.5),
    "trained, y with noise, β = 1.5": (LinearMap(d=6, zeta2=MAP, inputs=(1, 1, 1), noise=REST), 4, 1.5),
    "trained, unequal modes, full rank, β = 1": (LinearSubspace(d=5, eigenvalues=(2, 1.5, 1, 0.5, 0.25)), 5, 1.0),
    "trained, r = 3, κ = 2, β = 0.5": (LinearSubspace(d=6, eigenvalues=(4, 2, 1)), 2, 0.5),
    "trained, r = 3, κ = 3, β = 0.5": (LinearSubspace(d=6, eigenvalues=(4, 2, 1)), 3, 0.5),
}
"""Some of the same, trained on samples: data, κ and β."""

ALL = [*LOOKS, *NOISY, *TRAINED]

SEEDS = dict.fromkeys(ALL, 3) | {CONVENTIONS: 20, LIKELIHOOD: 5} | dict.fromkeys(MINIMA, 12) | dict.fromkeys(AVOIDED, 1)
"""Number of seeds of each row; twelve cover every kind of linear problem, and a minimum that is given has one."""


@study(look=ALL, seed=range(20))
def groundwork(look: str, seed: int) -> Declared | None:
    """Do the conventions, closed forms and metrics behind every other study hold?"""
    return _row(look, seed) if seed < SEEDS[look] else None


@groundwork.paper(look=ALL, seed=range(200))
def groundwork_paper(look: str, seed: int) -> Declared | None:
    """The same question with ten times as many seeds."""
    return _row(look, seed) if seed < 10 * SEEDS[look] else None


def _row(look: str, seed: int) -> Declared:
    if look in LOOKS:
        return Probe(what=LOOKS[look], seed=seed)
    data, kappa, beta = TRAINED[look] if look in TRAINED else (*NOISY[look], 1.0)
    return Trial(
        data=data,
        model=VAE(kappa=kappa, encoder=(), decoder=(), post_var="shared"),
        objective=Objective(gamma=Learned(), beta=beta),
        training=Training(steps=4000, batch=128, lr=1e-2),
        seed=seed,
    )
