"""Small trials that stand on one another, in a study, and a launch of them without Ray."""

import torch

from study import (
    VAE,
    Fixed,
    Learned,
    Objective,
    PlantedManifold,
    Refit,
    Training,
    Trial,
    study,
)
from study.pack.pack import make_pack
from study.plan.plan import replan
from study.record import read
from study.train.pack_run import PackRun

DATA = PlantedManifold(d=20, r=3, n=400, n_test=150)


CPU = torch.device("cpu")


def a_trial(seed=0, kappa=4, **changes):
    fields = {
        "data": DATA,
        "model": VAE(kappa=kappa, encoder=(16,), decoder=(16,)),
        "objective": Objective(gamma=Learned()),
        "training": Training(steps=60, batch=50, lr=3e-3),
        "seed": seed,
    }
    return Trial(**fields | changes)


def an_autoencoder(seed=0, kappa=6, **changes):
    model = VAE(kappa=kappa, encoder=(16,), decoder=(16,), post_var="none")
    return a_trial(seed, model=model, objective=Objective(gamma=Fixed(0.5), beta=0), **changes)


def a_chain(seed=0):
    """Autoencoder, VAE on its codes, second VAE on the first one's latents."""
    first = an_autoencoder(seed)
    second = a_trial(seed, after=first)
    return first, second, a_trial(seed, after=second, model=VAE(kappa=4, encoder=(16,), decoder=(16,), skip="concat"))


def train(home, *trials):
    run = PackRun(make_pack(trials, {}), "cpu", home)
    while not run.done:
        run.advance(60)
    run.commit(home)


def train_plan(plan, home):
    """What a launch does, without Ray: the ids of each round."""
    rounds = []
    while ready := plan.ready:
        rounds.append([trial.trial_id for trial in ready])
        for trial in ready:
            train(home, trial)
        plan = replan(plan, home)
    return rounds


def rows_of(home, table="trials"):
    return {row["trial_id"]: row for row in read(home, table).to_pylist()}


@study(kind=["vae", "second vae", "refit", "learned"], seed=[0, 1])
def staged(kind, seed):
    """Trials of one, two and three stages."""
    _, vae, second = a_chain(seed)
    refit = a_trial(seed, objective=Objective(gamma=Refit()))
    return {"vae": vae, "second vae": second, "refit": refit, "learned": a_trial(seed)}[kind]
