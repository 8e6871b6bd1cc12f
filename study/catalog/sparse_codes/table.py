"""Penalties on an autoencoder's codes × how γ is set × data × part × seeds: which leave exactly r codes?

Every penalty acts on the same energies, which do not depend on a code's scale, with the same weight and from the same
initial weights. There are eight codes, and three are needed. On linear data, theory gives each penalty's minimum, with the
energy of every code; the planted manifold shows whether that carries over to data that are curved but not folded. A fixed γ
makes the misfit linear in R, a learned γ makes it a logarithm. On linear data without noise a learned γ would fall without
end, and is left out. `penalties` computes which decoder a penalty prefers for a folded curve, without training.

An autoencoder has no distribution of codes to draw from. A second stage gives it one: a VAE that is trained on the codes of
the manifold's autoencoders, after the logarithm, which leaves few of them, and after u, which leaves all.
"""

from models.specs import (
    MNIST,
    VAE,
    Data,
    Fixed,
    Gamma,
    Learned,
    LinearSubspace,
    Objective,
    PlantedManifold,
    Sparsity,
    Training,
)
from study.declare.table import study
from study.declare.trial import Trial

PRICES = [
    Sparsity(h="u"),
    Sparsity(h="Huber", parameter=0.1),
    Sparsity(h="root"),
    Sparsity(h="MCP", parameter=0.2),
    Sparsity(h="SCAD", parameter=0.1),
    Sparsity(h="MCP", parameter=4),
    Sparsity(h="SCAD", parameter=0.5),
    Sparsity(h="power", parameter=0.1),
    Sparsity(h="saturating", parameter=0.1),
    Sparsity(h="log plus", parameter=1e-4),
    Sparsity(h="log"),
]

AUTOENCODER, SECOND = PARTS = "autoencoder", "second stage"

DENSE, SPARSE = SAMPLED = Sparsity(h="u").label, Sparsity(h="log").label
"""Labels of the penalties whose autoencoders a second stage stands on."""

LINEAR = LinearSubspace(d=10, eigenvalues=(4.0, 2.0, 1.0), n=1000, n_test=500)

SMALL, SOON, LATE = Fixed(0.1), Learned(init=0.1), Learned()

STEPS = {"LinearSubspace": 4000, "PlantedManifold": 2500}

LONG = {"LinearSubspace": 20_000, "PlantedManifold": 10_000, "MNIST": 14_000}
"""Steps at paper scale; for MNIST, 60 epochs."""


@study(data=[LINEAR, PlantedManifold(d=20, r=3)], gamma=[SMALL, SOON, LATE], h=PRICES, part=PARTS, seed=range(3))
def sparse_codes(data: Data, gamma: Gamma, h: Sparsity, part: str, seed: int) -> Trial | None:
    """Which penalties leave an autoencoder the codes that its data need, and no more?"""
    return _of_part(part, h, _trial(data, gamma, h, seed, STEPS))


@sparse_codes.paper(
    data=[LINEAR, PlantedManifold(d=20, r=3), MNIST()],
    gamma=[SMALL, SOON, LATE],
    h=PRICES,
    part=PARTS,
    seed=range(10),
)
def sparse_codes_paper(data: Data, gamma: Gamma, h: Sparsity, part: str, seed: int) -> Trial | None:
    """The same with longer training and more seeds, and on MNIST with 64 codes."""
    return _of_part(part, h, _trial(data, gamma, h, seed, LONG))


def _of_part(part: str, h: Sparsity, first: Trial | None) -> Trial | None:
    """The autoencoder itself, or a VAE on its codes; None where no second stage is asked for."""
    if first is None or part == AUTOENCODER:
        return first
    if first.data == LINEAR or first.objective.gamma != SMALL or h.label not in SAMPLED:
        return None
    model = VAE(kappa=first.model.kappa, encoder=(64, 64), decoder=(64, 64), log_var_scale=0.1, log_var_range=(-20, 5))
    training = first.training.model_copy(update={"batch": 128, "lr": 3e-3})
    objective = Objective(gamma=Learned(init=0.1))
    update = {"model": model, "objective": objective, "training": training, "after": first, "samples": 1000}
    return first.model_copy(update=update)


FOR_LEARNED = ("u", "root", "log plus", "log")
"""Penalties under which γ is also learned; starting from γ = 1, only the last two."""


def _trial(data: Data, gamma: Gamma, h: Sparsity, seed: int, steps: dict[str, int]) -> Trial | None:
    """One row; None where the misfit would fall without end, and for penalties under which γ is not learned."""
    if gamma != SMALL and (data == LINEAR or h.h not in FOR_LEARNED[-2 if gamma == LATE else 0 :]):
        return None
    mnist = isinstance(data, MNIST)
    hidden = () if data == LINEAR else (256, 256) if mnist else (32, 32)
    return Trial(
        data=data,
        model=VAE(kappa=64 if mnist else 8, encoder=hidden, decoder=hidden, post_var="none"),
        objective=Objective(gamma=gamma, beta=0, penalty=h),
        training=Training(steps=steps[data.kind], batch=256 if mnist else 64, lr=1e-3 if mnist else 1e-2),
        seed=seed,
    )
