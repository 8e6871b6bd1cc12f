"""Small trials of every likelihood."""

from study import (
    VAE,
    Bernoulli,
    Bitwise,
    Categorical,
    DecodedPerPixel,
    Digits,
    Learned,
    LogisticMixture,
    Objective,
    PerImage,
    PerPixel,
    StudentT,
    Training,
    Trial,
)

FLOOR = 1e-3


OBJECTIVES = {
    "per pixel": Objective(gamma=PerPixel(init=0.2, floor=FLOOR)),
    "per pixel, decoded": Objective(gamma=DecodedPerPixel(init=0.2, floor=FLOOR)),
    "per image": Objective(gamma=PerImage(floor=FLOOR)),
    "student t": Objective(gamma=Learned(init=0.2, lr=1e-2), likelihood=StudentT(freedom=5)),
    "categorical": Objective(likelihood=Categorical()),
    "bitwise": Objective(likelihood=Bitwise(), beta=2),
    "mixture": Objective(likelihood=LogisticMixture(components=2)),
    "bernoulli": Objective(likelihood=Bernoulli()),
}


def a_trial(name, seed=0, steps=40, model=None, beta=None, **fields):
    objective = OBJECTIVES[name]
    return Trial(
        data=Digits(binary=name == "bernoulli"),
        model=model or VAE(kappa=3, encoder=(12,), decoder=(12,), log_var_scale=0.1),
        objective=objective if beta is None else objective.model_copy(update={"beta": beta}),
        training=Training(steps=steps, batch=64, lr=5e-3),
        seed=seed,
        **fields,
    )
