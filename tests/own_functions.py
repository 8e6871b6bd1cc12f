"""Loss terms and metrics that a user might write, right ones and wrong ones."""

import torch

from models.specs.own_functions import OwnMetric, OwnTerm
from study import VAE, Fixed, Objective, PlantedManifold, Training, Trial

DATA = PlantedManifold(d=6, r=2, n=64, n_test=32)


def shrink(z, power=2):
    return z.abs().pow(power).sum(-1)


def everything(x, y, mean, z, mu, log_var, step):
    x.zero_()  # its own copy: nobody else sees this
    return ((mean - y).abs() + 1).log().sum(-1) + (mu * z).sum(-1) * log_var.exp().sum(-1) / (1 + step)


def size(mu, power):
    return mu.pow(power).sum(-1)


def of_the_batch(mu):
    return torch.linalg.matrix_norm(mu.T @ mu)


def branching(z):
    return z.sum(-1) if bool(z.sum() > 0) else -z.sum(-1)


def noisy(z):
    return (z + torch.randn_like(z)).square().sum(-1)


def overlap(network, data, power=1):
    mu, _ = network.encode(data.test)
    return {"overlap": torch.corrcoef(mu.T).fill_diagonal_(0).abs().max() ** power, "n_rows": len(data.train)}


def error(network, data):
    data.test.add_(1)
    return float((network.decode(network.encode(data.test - 1)[0]) - (data.test_y)).square().sum(-1).mean())


OVERLAP = OwnMetric.of(overlap, {"overlap": ("-", "largest |correlation| of two means"), "n_rows": ("-", "rows")})
ERROR = OwnMetric.of(error, {"own_error": ("data²", "distortion of the means")})


def trial(
    *terms: OwnTerm, metrics: tuple[OwnMetric, ...] = (), seed: int = 0, beta: float = 1.0, **training: object
) -> Trial:
    """A short training with these terms and metrics."""
    objective = Objective(gamma=Fixed(value=0.5), beta=beta, terms=terms)
    settings = Training.model_validate({"steps": 12, "batch": 16, "dtype": "float64", **training})
    model = VAE(kappa=3, encoder=(8,), decoder=(8,))
    return Trial(data=DATA, model=model, objective=objective, training=settings, metrics=metrics, seed=seed)
