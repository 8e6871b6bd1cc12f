"""γ learned by β: it trains as a plain loop does, is recorded at every β, and follows the closed form on linear data."""

from typing import Any

import numpy as np
import pytest
import torch
from trained_rows import take_steps

from analysis.theory import learned_gamma, modes_of_spectrum
from models.data.load import load
from models.networks.beta_vae import beside
from models.networks.build import build
from models.streams import minibatches, noise, stream
from study import (
    MMD,
    VAE,
    Adam,
    Fixed,
    Learned,
    LearnedByBeta,
    LinearSubspace,
    Objective,
    Spread,
    StudentT,
    Training,
    Trial,
)
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.stack import stack as packed_stack
from study.train.stack.build import build_stack
from study.train.step.build import optimiser_of
from study.train.weights import load as load_network

LOW, OWN, HIGH = 0.1, 0.5, 4.0
SPREAD = Spread(low=LOW, high=HIGH, at=(LOW, OWN, 1.5, HIGH))
DATA = LinearSubspace(d=6, eigenvalues=(3.0, 1.0, 0.4), noise=0.05, n=300, n_test=100)


def decoupled(seed=0, steps=60, knots=8, gamma=None, **model):
    sizes: Any = {"kappa": 3, "encoder": (8,), "decoder": (8,), "log_var_scale": 0.1} | model
    return Trial(
        data=DATA,
        model=VAE(sees_beta=True, **sizes),
        objective=Objective(gamma=gamma or LearnedByBeta(init=0.7, knots=knots), beta=OWN, spread=SPREAD),
        training=Training(steps=steps, batch=32, lr=1e-2),
        seed=seed,
    )


def run_of(trials, home=None):
    run = PackRun(make_pack(trials, {}), "cpu", home)
    take_steps(run, trials[0].training.steps)
    return run


def test_log_gamma_is_linear_between_the_knots_and_ends_at_the_spreads_ends():
    trial = decoupled(knots=3)
    network: Any = build(trial.model, trial, 0)
    with torch.no_grad():
        network.log_gamma.copy_(torch.tensor([1.0, 2.0, 5.0]))
    middle = (LOW * HIGH) ** 0.5
    betas = [LOW, (LOW * middle) ** 0.5, middle, (HIGH * middle) ** 0.5, HIGH]
    u = torch.tensor([trial.u_of(beta) for beta in betas])
    out = network.decode(beside(torch.zeros(5, 3), u))
    assert out.shape == (5, 7)
    assert out[:, 6].tolist() == pytest.approx([1.0, 1.5, 2.0, 3.5, 5.0], abs=1e-5)


def test_a_pack_trains_it_as_a_plain_loop_does():
    """The mean of J(β′), each with the γ of its own β′."""
    trial = decoupled(seed=3, steps=80)
    stacked = run_of([decoupled(seed=5, steps=80), trial]).training.stack.weights()
    x_all = torch.from_numpy(load(DATA).train)
    network: Any = build(trial.model, trial, trial.seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    order, draws, betas = minibatches(3, len(x_all), 32), noise(3, 32, 3, torch.float32), stream(3, "betas")
    for step in range(80):
        optimiser.param_groups[0]["lr"] = 1e-2 * (1 - 0.98 * max(0.0, (step / 80 - 0.5) / 0.5))
        x = x_all[next(order)]
        beta = LOW * (HIGH / LOW) ** ((torch.arange(32) + torch.rand(32, generator=betas)) / 32)
        u = torch.log(beta / OWN) / (np.log(HIGH / LOW) / 2)
        mu, log_var = network.encode(beside(x, u))
        out = network.decode(beside(mu + (0.5 * log_var).exp() * next(draws), u))
        error, log_gamma = (x - out[:, :6]).square().sum(1), out[:, 6]
        rate = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1)
        j = error / (2 * log_gamma.exp()) + 0.5 * 6 * log_gamma + beta * rate
        optimiser.zero_grad()
        j.mean().backward()
        optimiser.step()
    assert float((network.log_gamma - np.log(0.7)).abs().max()) > 0.1
    for name, value in network.named_parameters():
        assert torch.allclose(stacked[f"network.{name}"][1], value, rtol=2e-3, atol=2e-4), name


def test_stacked_layers_and_vmap_agree(monkeypatch):
    trials = [decoupled(seed=seed) for seed in (0, 1)]
    together = run_of(trials).training.stack
    monkeypatch.setattr(packed_stack, "GaussianVAE", torch.nn.Identity)
    alone = run_of(trials).training.stack
    assert (together.way, alone.way) == ("together", "vmap")
    for name, weights in alone.weights().items():
        assert torch.allclose(together.weights()[name], weights, rtol=1e-3, atol=1e-4), name


def test_gamma_is_recorded_at_every_beta_and_comes_back_with_the_weights(tmp_path):
    trial, home = decoupled(steps=300), Home(tmp_path)
    run_of([trial], home).commit(home)
    row = read(home, "trials").to_pylist()[0]
    found = read(home, "evaluations").to_pandas().set_index("metric")["value"]
    network: Any = load_network(trial.trial_id, home)
    u = torch.tensor([trial.u_of(beta) for beta in SPREAD.at])
    gammas = network.decode(beside(torch.zeros(4, 3), u))[:, -1].exp().tolist()
    assert [found[f"gamma/beta {beta:g}"] for beta in SPREAD.at] == pytest.approx(gammas, rel=1e-5)
    assert len(set(gammas)) == 4
    assert row["gamma"] == pytest.approx(found[f"gamma/beta {OWN:g}"], rel=1e-9)
    assert (row["gamma_mode"], row["gamma_init"]) == ("learnedbybeta", 0.7)
    assert row["parameters"] == trial.model.parameters(trial)
    j = row["distortion_train"] / (2 * row["gamma"]) + 3 * np.log(row["gamma"]) + OWN * row["rate_train"]
    assert row["objective_train"] == pytest.approx(j, rel=1e-5)


def test_on_linear_data_it_follows_the_closed_form():
    """Of the training set's own modes; two of the four that it has stay beyond the latents, so that γ* > 0."""
    wide = {"kappa": 2, "encoder": (), "decoder": (), "post_var": "shared"}
    trial = decoupled(steps=2500, knots=24, **wide).model_copy(
        update={"training": Training(steps=2500, batch=128, lr=2e-2)}
    )
    stack = run_of([trial]).training.stack
    modes = modes_of_spectrum(load(DATA).spectrum)
    with torch.no_grad():
        u = torch.tensor([trial.u_of(beta) for beta in SPREAD.at])
        gammas = stack.outputs(beside(torch.zeros(4, 2), u))[0, :, -1].exp().numpy()
    assert gammas == pytest.approx(learned_gamma.gamma_star(modes, SPREAD.at, 2), rel=0.05)
    assert gammas[-1] > 3 * gammas[0]


def test_it_is_no_weight_and_does_not_decay():
    trial = decoupled()
    trial = trial.model_copy(update={"training": Training(steps=1, optimiser=Adam(weight_decay=0.5))})
    stack, _ = build_stack([trial], load(DATA), torch.device("cpu"))
    stack.trained_numbers.flat.fill_(1.0)
    moved = optimiser_of(stack, [trial], [(slice(0, 1), stack.trained_numbers.alike())])
    moved.begin()
    moved.move(moved.blocks[0], torch.tensor([0.1]), torch.ones(1))
    assert (stack.weights()["network.log_gamma"] == 1).all()
    assert int((stack.numbers < 1).sum()) == stack.parameters - 8


def test_it_needs_a_spread_and_stands_alone():
    by_beta = LearnedByBeta()
    with pytest.raises(ValueError, match=r"declare spread=Spread\(low, high\), or gamma=Learned\(\)"):
        Objective(gamma=by_beta)
    spread: Any = {"beta": OWN, "spread": SPREAD}
    with pytest.raises(ValueError, match=r"declare gamma=Fixed\(...\) or gamma=LearnedByBeta\(\) alone"):
        Objective(gamma=by_beta, penalty=MMD(weight=1.0), **spread)
    with pytest.raises(ValueError, match=r"or gamma=LearnedByBeta\(\) alone"):
        Objective(gamma=Learned(), **spread)
    with pytest.raises(ValueError, match="give StudentT one γ"):
        Objective(gamma=by_beta, likelihood=StudentT(), **spread)
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        LearnedByBeta(knots=1)
    first = decoupled()
    with pytest.raises(ValueError, match="stages need the normal likelihood with one γ"):
        first.model_copy(update={"objective": Objective(gamma=Learned(init=0.1)), "after": first})


def test_a_fixed_gamma_shares_no_pack_with_it_and_two_seeds_do():
    assert decoupled(seed=0).pack_key == decoupled(seed=1).pack_key
    assert decoupled().pack_key != decoupled(gamma=Fixed(0.7)).pack_key
    assert decoupled().pack_key != decoupled(knots=9).pack_key
