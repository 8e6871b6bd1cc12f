"""Studies that take their time where a test needs it, and leave the machine idle meanwhile."""

SLEEPER = '''
import time

from torch import nn

from study import Fixed, Objective, Own, PlantedManifold, Training, Trial, study


class Sleeper(nn.Module):
    """Takes seconds, but none of the machine's, which is busy with starting nodes."""

    def __init__(self, d, kappa):
        super().__init__()
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        time.sleep(0.1)
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


@study(seed=range({trials}))
def tiny(seed):
    """Each trial takes some seconds."""
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=Own.of(Sleeper, kappa=2),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps={steps}, batch=32, lr=1e-3),
        seed=seed,
    )
'''


DAWDLER = '''
import time
from pathlib import Path

from torch import nn

from study import Fixed, Objective, Own, PlantedManifold, Training, Trial, study

BATCH = 32


class Dawdler(nn.Module):
    """Trained at once, and then evaluated for seconds: between its last step and its commit there is time for anything."""

    def __init__(self, d, kappa):
        super().__init__()
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        if len(x) > BATCH:
            Path("{marker}").touch()
            time.sleep(2)
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)


@study(seed=range(4))
def tiny(seed):
    """Who commits what a lost node has trained?"""
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=Own.of(Dawdler, kappa=2),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=5, batch=BATCH, lr=1e-3),
        seed=seed,
    )
'''


def write_sleeper(folder, trials, steps):
    """A study of trials that take seconds to train."""
    path = folder / "sleeper.py"
    path.write_text(SLEEPER.format(trials=trials, steps=steps))
    return path


def write_dawdler(folder, marker):
    """A study of trials that take seconds from their last step to their commit; `marker` appears in between."""
    path = folder / "dawdler.py"
    path.write_text(DAWDLER.format(marker=marker))
    return path
