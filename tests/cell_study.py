"""A study that a notebook's cell or a program declares itself: it needs no file."""

CELL = '''
from study import VAE, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study


@study(gamma=[Fixed(4.0), Learned()], kappa=[2, 3], seed=range(2))
def cell(gamma, kappa, seed):
    """A study of a notebook's cell."""
    return Trial(
        data=PlantedManifold(n=200, n_test=100),
        model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=gamma),
        training=Training(steps=20, batch=32),
        seed=seed,
    )
'''
