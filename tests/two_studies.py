"""Two small studies that share three of their six trials each, and the plan of a launch of both."""

from study import VAE, Fixed, Objective, PlantedManifold, Training, Trial, study
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import make_plan


def a_trial(kappa, seed, steps=10):
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=kappa, encoder=(4,), decoder=(4,)),
        objective=Objective(gamma=Fixed(1.0)),
        training=Training(steps=steps),
        seed=seed,
    )


@study(kappa=[2, 3], seed=range(3))
def first(kappa, seed):
    """Six trials."""
    return a_trial(kappa, seed)


@study(kappa=[3, 4], seed=range(3))
def second(kappa, seed):
    """Six trials, three of which are those of the first, too."""
    return a_trial(kappa, seed)


@study(kappa=[3, 4, 5], seed=range(3))
def grown(kappa, seed):
    """The second, with three trials more."""
    return a_trial(kappa, seed)


grown.name = second.name


def plan_of(home, *studies):
    """The launch plan of studies over a home."""
    return LaunchPlan(tuple(make_plan(each, "laptop", home) for each in studies))
