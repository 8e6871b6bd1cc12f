"""Autoencoders under a price on their codes."""

from typing import Any

import torch

from models.loss.code_penalties import PENALTIES
from study import (
    VAE,
    Fixed,
    LinearSubspace,
    Objective,
    Optimal,
    Sparsity,
    Training,
    Trial,
)

DATA = LinearSubspace(d=6, eigenvalues=(4.0, 1.0), n=200, n_test=100)


PRICES = [
    Sparsity(h="u"),
    Sparsity(h="log plus", parameter=1e-4, weight=0.5),
    Sparsity(h="log"),
    Sparsity(h="Huber", parameter=0.1, weight=2),
    Sparsity(h="power", parameter=0.1),
    Sparsity(h="MCP", parameter=2),
    Sparsity(h="SCAD", parameter=0.3),
    Sparsity(h="saturating", parameter=0.1),
    Sparsity(h="root"),
]


def trial(penalty, gamma=None, hidden=(), seed=0, steps=40, lr=1e-2, dtype: Any = "float64"):
    return Trial(
        data=DATA,
        model=VAE(kappa=4, encoder=hidden, decoder=hidden, post_var="none"),
        objective=Objective(gamma=gamma or (Optimal() if penalty.g else Fixed(0.1)), beta=0, penalty=penalty),
        training=Training(steps=steps, batch=30, lr=lr, dtype=dtype),
        seed=seed,
    )


def price_of(name, p, u):
    return PENALTIES[name](u, torch.tensor(p or 0.0, dtype=torch.float64))
