"""A study of a network of the user's own in which some trials fail, and some diverge."""

BRITTLE = '''
from torch import nn

from study import Fixed, Objective, Own, PlantedManifold, Training, Trial, study


class Brittle(nn.Module):
    def __init__(self, d, kappa, fault=False):
        super().__init__()
        self.fault = fault
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        if self.fault and self.training and len(x) > 16:  # the rows that it is trained on in a rehearsal are fewer
            raise RuntimeError("this network cannot be trained")
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


@study(fault=[False, True], lr=[3e-3, 1e30], seed=range(2))
def brittle(fault, lr, seed):
    """One trial in four cannot be trained, one in four diverges."""
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=Own.of(Brittle, kappa=2, fault=fault and seed == 1),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=30, batch=32, lr=lr),
        seed=seed,
    )
'''


def write_brittle(folder):
    """The study's file, in which `brittle` is the only study."""
    path = folder / "brittle_study.py"
    path.write_text(BRITTLE)
    return path
