"""What all other studies rest on, tested where the truth is known: conventions, closed forms, metrics, what counts as active.

Probes hold the J of real training steps against the objectives of the literature, written out; they compute the lowest loss
of random linear problems by L-BFGS, the γ at which an exact likelihood and its ELBO lose modes, and metrics between samples
of one distribution; none of this uses theory. Two linear VAEs train on noisy data: there the usual criterion of an active
latent, a mean that varies, counts every latent.
"""

from models.specs import VAE, Learned, LinearSubspace, Objective, Training
from models.specs.groundwork import Conventions, LinearLikelihood, LinearMinimum, LossThresholds, NullBins, NullMMD
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

LOOKS: dict[str, Probing] = {
    CONVENTIONS: Conventions(),
    **MINIMA,
    **BINS,
    **MMDS,
    LIKELIHOOD: LinearLikelihood(),
    LOSSES: LossThresholds(),
}
"""What each probe computes, by the name of its row."""

NOISE = 0.1
"""Variance of the noise in every dimension; those of the modes are 1 to 4."""

NOISY = {
    "noise, d = 20": (LinearSubspace(d=20, eigenvalues=(4, 2, 1), noise=NOISE, n=1000), 10),
    "noise, d = 64": (LinearSubspace(d=64, eigenvalues=(4, 3, 2, 1.5, 1), noise=NOISE, n=1797), 32),
}
"""What the two VAEs train on: data and κ."""

SEEDS = dict.fromkeys([*LOOKS, *NOISY], 3) | {CONVENTIONS: 20, LIKELIHOOD: 5} | dict.fromkeys(MINIMA, 12)
"""Number of seeds of each row; twelve cover every kind of linear problem."""


@study(look=[*LOOKS, *NOISY], seed=range(20))
def groundwork(look: str, seed: int) -> Declared | None:
    """Do the conventions, closed forms and metrics behind every other study hold?"""
    return _row(look, seed) if seed < SEEDS[look] else None


@groundwork.paper(look=[*LOOKS, *NOISY], seed=range(200))
def groundwork_paper(look: str, seed: int) -> Declared | None:
    """The same question with ten times as many seeds."""
    return _row(look, seed) if seed < 10 * SEEDS[look] else None


def _row(look: str, seed: int) -> Declared:
    if look in LOOKS:
        return Probe(what=LOOKS[look], seed=seed)
    data, kappa = NOISY[look]
    return Trial(
        data=data,
        model=VAE(kappa=kappa, encoder=(), decoder=(), post_var="shared"),
        objective=Objective(gamma=Learned()),
        training=Training(steps=4000, batch=128, lr=1e-2),
        seed=seed,
    )
