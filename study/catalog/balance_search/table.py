"""A search that chooses its own next trials: where in a wide space is the balance between error and active dimensions?

The data are a manifold of dimension r = 3 in d = 20, so the balance has an exact meaning: three active dimensions
reconstruct all of the data. A search varies everything that decides this at once, over ranges that leave the answer open:
how γ is set (fixed at a value within eight decades, learned, or in closed form), β over six decades, the learning rate over
five, κ, and the skip connection. κ always exceeds three: someone who does not know r offers too many latents, and the VAE
prunes some. Three samplers search with equal budgets, several times each: two learn from results, the third is random.

A search minimises two numbers together: active dimensions, and the share of the variance that reconstructions lose. So it
ends with a front, and the balance is one corner of it. Every trial first trains for few steps; the better third of each
batch then trains again for four times as many.
"""

from collections.abc import Sequence

from models.specs import VAE, Fixed, Gamma, Learned, Objective, Optimal, PlantedManifold, Skip, Training
from study.declare.search import search
from study.declare.search_space import Between
from study.declare.trial import Trial

CHANCE = "random"

SAMPLERS: Sequence[str] = ("tpe", "nsga2", CHANCE)

GAMMAS: list[Gamma] = [*(Fixed(10.0**-power) for power in range(-1, 8)), Learned(), Optimal()]

WORST = {"n_active": 16.0, "nre_mean_test": 1.0}
"""The objectives of a search, each with its value for a diverged trial: every latent active, and nothing explained."""


@search(
    minimise=WORST,
    samplers=SAMPLERS,
    repeats=5,
    trials=24,
    batch=12,
    alike=4,
    rungs=(300, 1200),
    keep=1 / 3,
    shape={"kappa": [6, 8, 12, 16], "skip": ["none", "affine"]},
    free={"gamma": GAMMAS, "beta": Between(1e-3, 1e3), "lr": Between(1e-5, 1.0)},
)
def balance_search(kappa: int, skip: Skip, gamma: Gamma, beta: float, lr: float, steps: int, seed: int) -> Trial:
    """Which settings reconstruct with the fewest active dimensions, and how soon does a search find them?"""
    return Trial(
        data=PlantedManifold(d=20, r=3, n=1000, n_test=1000),
        model=VAE(
            kappa=kappa,
            encoder=(32, 32),
            decoder=(32, 32),
            skip=skip,
            mu_scale=0.1,
            log_var_scale=0.1,
            log_var_range=(-20, 5),
        ),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=steps, batch=64, lr=lr),
        seed=seed,
    )


@balance_search.paper(
    minimise=WORST | {"n_active": 64.0},
    samplers=SAMPLERS,
    repeats=10,
    trials=512,
    batch=64,
    alike=8,
    rungs=(1000, 4000, 16_000),
    shape={"kappa": [6, 8, 16, 32, 64], "skip": ["none", "affine", "residual", "concat"]},
    free={"gamma": GAMMAS, "beta": Between(1e-3, 1e3), "lr": Between(1e-5, 1.0)},
)
def balance_search_paper(kappa: int, skip: Skip, gamma: Gamma, beta: float, lr: float, steps: int, seed: int) -> Trial:
    """Which settings reconstruct with the fewest active dimensions, and how soon does a search find them?"""
    short = balance_search.table("laptop").function(kappa, skip, gamma, beta, lr, steps, seed)
    data = short.data.model_copy(update={"n": 20_000, "n_test": 10_000})
    model = short.model.model_copy(update={"encoder": (64, 64), "decoder": (64, 64)})
    training = short.training.model_copy(update={"batch": 128})
    return short.model_copy(update={"data": data, "model": model, "training": training})
