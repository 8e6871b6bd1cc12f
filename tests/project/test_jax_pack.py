"""What JAX trains in the benchmark are the platform's trials: the same J, gradient and steps, given the same draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.networks import NETWORKS
from benchmarks.plain_loop import PlainLoop
from models.data.load import load
from models.loss.objective import latent_rates, misfit, squared_error
from models.loss.objective import objective as our_objective
from models.networks.build import build
from models.specs import Learned, Training
from models.streams import minibatches, noise

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install '.[bench]'")
jax_pack = pytest.importorskip("benchmarks.jax_pack")


def draws(trial, steps):
    """The rows and the noise of a trial's first steps."""
    train, batch = load(trial.data).train, trial.training.batch
    order, normal = (
        minibatches(trial.seed, len(train), batch),
        noise(trial.seed, batch, trial.model.kappa, torch.float32),
    )
    return [(train[next(order).numpy()], next(normal).numpy()) for _ in range(steps)]


def as_jax_holds_it(network, of):
    """Numbers of a network's parameters under JAX's names."""
    found = {name: of(each).numpy().T for name, each in network.named_parameters()}
    for part in ("weight", "bias"):
        found[f"heads.{part}"] = np.concatenate([found.pop(f"{head}.{part}") for head in ("mu", "log_var")], axis=-1)
    return found


@pytest.mark.parametrize("name", ["5-8-5", "planted", "digits"])
def test_jax_has_the_objective_and_its_gradient(name):
    trial = NETWORKS[name].trial(Learned(init=0.3), 0.7, seed=1)
    ((x, eps),) = draws(trial, 1)
    network: Any = build(trial.model, trial.data, trial.seed)
    log_gamma: Any = torch.tensor(0.3).log().requires_grad_()
    rows = torch.from_numpy(x)
    mu, log_var = network.encode(rows)
    mean = network.decode(mu + (0.5 * log_var).exp() * torch.from_numpy(eps))
    nats = misfit(squared_error(rows, mean).mean(), log_gamma.exp(), trial.d)
    ours = our_objective(nats, latent_rates(mu, log_var).sum(-1).mean(), 0.7)
    ours.backward()
    theirs, slopes = jax.value_and_grad(jax_pack.objective, argnums=1)(
        trial.model, jax_pack.start(trial), x, eps, trial.objective.beta
    )
    assert float(theirs) == pytest.approx(ours.item(), rel=1e-4)
    expected = as_jax_holds_it(network, lambda each: each.grad) | {"log_gamma": log_gamma.grad.numpy()}
    assert slopes.keys() == expected.keys()
    for part, slope in expected.items():
        assert np.abs(slopes[part] - slope).max() <= 1e-4 * np.abs(slope).max(), part


def test_jax_takes_the_same_steps_as_the_plain_loop():
    """Adam, and the decay of its rate from the middle on: in 30 steps, from the same batches and noise."""
    network = replace(NETWORKS["5-8-5"], training=Training(steps=30, batch=32, lr=5e-3))
    trials = [network.trial(Learned(), beta, seed) for beta, seed in ((0.5, 0), (2.0, 1))]
    weights = jax_pack.JaxPack(trials).weights
    state = (weights, *(jax.tree.map(np.zeros_like, weights) for _ in range(2)))
    in_axes = (None, None, 0, None, 0, 0, 0)
    one_step = jax.jit(jax.vmap(jax_pack.updated, in_axes), static_argnums=(0, 1))
    for step, batches in enumerate(zip(*(draws(trial, 30) for trial in trials), strict=True)):
        x, eps = (np.stack(part) for part in zip(*batches, strict=True))
        state = one_step(trials[0].model, network.training, state, step, x, eps, np.array([0.5, 2.0]))
    for index, trial in enumerate(trials):
        alone = PlainLoop(trial)
        while not alone.done:
            alone.advance(1e-5)
        for part, value in as_jax_holds_it(alone._network, torch.Tensor.detach).items():
            assert np.allclose(state[0][part][index], value, atol=1e-4), part


@pytest.mark.parametrize("block", ["whole", "of 4"])
def test_a_pack_of_jax_learns_and_ends(block, monkeypatch):
    """Also where blocks take turns, the last of them smaller."""
    if block == "of 4":
        monkeypatch.setattr(jax_pack, "BLOCK", 4)
        monkeypatch.setattr(jax_pack, "FEW_NUMBERS", 0)
    network = replace(NETWORKS["5-8-5"], training=Training(steps=600, batch=32, lr=5e-3))
    trials = network.trials(6, (Learned(),), seeds=2)
    pack = jax_pack.JaxPack(trials)
    x = load(trials[0].data).test
    eps = np.random.default_rng(0).standard_normal((len(x), 2)).astype(np.float32)

    def values():
        of_pack = jax.vmap(lambda weights, beta: jax_pack.objective(trials[0].model, weights, x, eps, beta))
        return of_pack(pack.weights, np.array([trial.objective.beta for trial in trials]))

    before = values()
    jax.clear_caches()
    assert pack.advance(60) >= 600
    assert pack.done
    assert (values() < before - 1).all()
