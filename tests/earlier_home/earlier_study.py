"""The study that wrote the home beside this file, with the code before the rooms were moved."""

from study import VAE, Fixed, Learned, Objective, PlantedManifold, Refit, Training, Trial, study


@study(gamma=[Fixed(1.0), Learned(), Refit()], kappa=[2], seed=range(2))
def stability(gamma, kappa, seed):
    """A study of the user's own that bears a name of the catalog."""
    return Trial(
        data=PlantedManifold(n=200, n_test=100),
        model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=gamma),
        training=Training(steps=40, batch=32, lr=1e-2),
        seed=seed,
    )
