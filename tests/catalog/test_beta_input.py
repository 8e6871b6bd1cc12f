"""Networks conditioned on β: they train and are measured as declared."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from trained_rows import take_steps

from models.data.load import load
from models.networks.beta_vae import beside
from models.networks.build import build
from models.specs import Spread
from models.streams import minibatches, noise, stream
from study import MMD, VAE, Fixed, Learned, LearnedByBeta, LinearSubspace, Objective, Training, Trial
from study.catalog.beta_input.table import BETAS, FIXED, LEARNED, beta_input
from study.catalog.rate_distortion.table import LINEAR, rate_distortion
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.stack import stack as packed_stack
from study.train.weights import load as load_network

LOW, OWN, HIGH = 0.1, 0.5, 4.0
SPREAD = Spread(low=LOW, high=HIGH, at=(LOW, OWN, HIGH))


def told(seed=0, steps=60, **model):
    sizes: Any = {"kappa": 3, "encoder": (8,), "decoder": (8,), "log_var_scale": 0.1} | model
    return Trial(
        data=LinearSubspace(d=6, eigenvalues=(3.0, 1.0, 0.4), noise=0.05, n=300, n_test=100),
        model=VAE(sees_beta=True, **sizes),
        objective=Objective(gamma=Fixed(0.5), beta=OWN, spread=SPREAD),
        training=Training(steps=steps, batch=32, lr=1e-2),
        seed=seed,
    )


def second_of(first):
    model = first.model.model_copy(update={"kappa": 2})
    return first.model_copy(update={"model": model, "objective": Objective(gamma=Learned(init=0.1)), "after": first})


def run_of(trials, home=None, steps=None):
    run = PackRun(make_pack(trials, {}), "cpu", home)
    take_steps(run, trials[0].training.steps if steps is None else steps)
    return run


def numbers(run):
    return run.training.stack.numbers.detach().clone()


def evaluated(home):
    rows = read(home, "evaluations").to_pandas()
    return rows.set_index(["trial_id", "metric"])["value"]


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"model": VAE(kappa=3)}, "sees_beta=True"),
        ({"objective": Objective(gamma=Fixed(1.0))}, "needs a spread"),
        ({"after": told(seed=7)}, "no spread of its own"),
    ],
)
def test_a_spread_and_a_network_that_sees_it_belong_together(change, remedy):
    with pytest.raises(ValueError, match=remedy):
        told().model_copy(update=change)


def test_a_stage_is_told_beta_where_the_one_before_it_is():
    plain = Trial(
        data=told().data, model=VAE(kappa=3), objective=Objective(gamma=Fixed(0.5)), training=Training(steps=5), seed=0
    )
    with pytest.raises(ValueError, match="for both, or neither"):
        second_of(told()).model_copy(update={"after": plain})
    blind = second_of(told()).model_copy(update={"model": VAE(kappa=2)})
    assert blind.spread is None  # it trains on the codes at the first stage's own β


def test_a_spread_that_says_nothing_is_refused():
    one = {"gamma": Fixed(1.0), "beta": 1.0, "spread": SPREAD}
    for change in ({"gamma": Learned()}, {"penalty": MMD(weight=1.0)}):
        with pytest.raises(ValueError, match=r"declare gamma=Fixed"):
            Objective(**{**one, **change})
    with pytest.raises(ValueError, match="between the low and the high"):
        Objective(**{**one, "beta": 5.0})
    with pytest.raises(ValueError, match="not between low and high"):
        Spread(low=1.0, high=2.0, at=(3.0,))
    with pytest.raises(ValueError, match="low must be below high"):
        Spread(low=2.0, high=2.0)
    with pytest.raises(ValueError, match='skip="none" or "affine"'):
        VAE(kappa=2, sees_beta=True, skip="concat")


@pytest.mark.parametrize("model", [{}, {"encoder": (), "decoder": (), "post_var": "shared"}, {"skip": "affine"}])
def test_a_network_that_is_told_beta_has_the_numbers_that_it_declares(model):
    trial = told(**model)
    network = build(trial.model, trial, 0)
    assert sum(p.numel() for p in network.parameters()) == trial.model.parameters(trial)


def test_a_pack_trains_it_as_a_plain_loop_does():
    """β log-uniform, one from each equal part of the spread, examples in random order; the mean of β J(β′)/β′."""
    trial = told(seed=3, steps=80)
    stacked = run_of([told(seed=5, steps=80), trial]).training.stack.weights()
    data = load(trial.data)
    x_all = torch.from_numpy(data.train)
    network: Any = build(trial.model, trial.data, trial.seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    order, draws, betas = minibatches(3, len(x_all), 32), noise(3, 32, 3, torch.float32), stream(3, "betas")
    half = np.log(HIGH / LOW) / 2
    for step in range(80):
        late = max(0.0, (step / 80 - 0.5) / 0.5)
        optimiser.param_groups[0]["lr"] = 1e-2 * (1 - 0.98 * late)
        x = x_all[next(order)]
        parts = (torch.arange(32) + torch.rand(32, generator=betas)) / 32
        beta = LOW * (HIGH / LOW) ** parts
        u = torch.log(beta / OWN) / half
        mu, log_var = network.encode(beside(x, u))
        z = mu + (0.5 * log_var).exp() * next(draws)
        error = (x - network.decode(beside(z, u))).square().sum(1)
        rate = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1)
        j = error / (2 * 0.5) + 0.5 * trial.d * np.log(0.5) + beta * rate
        optimiser.zero_grad()
        (OWN * j / beta).mean().backward()
        optimiser.step()
    for name, value in network.named_parameters():
        assert torch.allclose(stacked[f"network.{name}"][1], value, rtol=2e-3, atol=2e-4), name


def test_stacked_layers_and_vmap_agree(monkeypatch):
    trials = [told(seed=seed, skip="affine") for seed in (0, 1)]
    together = run_of(trials).training.stack
    monkeypatch.setattr(packed_stack, "GaussianVAE", torch.nn.Identity)
    alone = run_of(trials).training.stack
    assert together._together is not None
    assert alone._together is None
    for name, weights in alone.weights().items():
        assert torch.allclose(together.weights()[name], weights, rtol=1e-3, atol=1e-4), name


def test_what_is_recorded_at_its_own_beta_is_the_record_itself_and_rates_fall_with_beta(tmp_path):
    trial, home = told(steps=300), Home(tmp_path)
    run_of([trial]).commit(home)
    row = read(home, "trials").to_pylist()[0]
    found = evaluated(home)[trial.trial_id]
    assert found["betas"] == 3
    for name in ("distortion_train", "distortion_test", "rate_train", "rate_test", "n_active"):
        assert found[f"{name}/beta {OWN:g}"] == pytest.approx(row[name], rel=1e-6)
    assert found[f"mmd_imq/beta {OWN:g}"] == pytest.approx(found["mmd_imq"], rel=1e-3, abs=1e-6)
    assert found["rate_train/beta 0.1"] > 1.3 * found["rate_train/beta 0.5"] > 1.3 * found["rate_train/beta 4"]
    assert found["distortion_train/beta 0.1"] < found["distortion_train/beta 0.5"] < found["distortion_train/beta 4"]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A home with two first stages, and the second ones that stand on them."""
    home, firsts = Home(tmp_path_factory.mktemp("told")), [told(seed=seed, steps=200) for seed in (0, 1)]
    run_of(firsts).commit(home)
    return home, [second_of(first) for first in firsts]


def test_a_second_vae_trains_on_draws_of_each_example_s_own_beta(chain):
    """What it is given is N(μ(x, β), σ²(x, β)) of the network before it, β by β."""
    home, seconds = chain
    inputs = run_of(seconds, home, steps=0)._inputs
    rows = torch.arange(64).repeat(2, 1)
    u = torch.linspace(-1.0, 1.0, 64).repeat(2, 1)
    draws = torch.stack([inputs.batch(rows, u)[0] for _ in range(400)])
    for place, second in enumerate(seconds):
        network: Any = load_network(second.after.trial_id, home)
        x = torch.from_numpy(load(second.data).train[:64])
        with torch.no_grad():
            mu, log_var = network.encode(beside(x, u[place]))
        away = (draws[:, place].mean(0) - mu) / (0.5 * log_var).exp() * 400**0.5
        assert away.abs().max() < 5
        assert float(away.square().mean()) == pytest.approx(1, abs=0.3)


def test_a_second_vae_is_measured_at_every_beta(chain):
    home, seconds = chain
    run_of(seconds, home).commit(home)
    for second in seconds:
        found = evaluated(home)[second.trial_id]
        assert found["mmd_codes/beta 0.5"] == pytest.approx(found["mmd_codes"], rel=1e-3)
        assert len({found[f"mmd_codes/beta {beta:g}"] for beta in SPREAD.at}) == 3


@pytest.mark.parametrize("stage", ["first", "second"])
def test_a_checkpoint_goes_on_to_the_last_bit(chain, stage):
    home, seconds = chain
    trials = seconds if stage == "second" else [second.after for second in seconds]
    whole, half = run_of(trials, home, 90), run_of(trials, home, 41)
    state = {name: value.copy() for name, value in half.state().items()}
    again = PackRun(make_pack(trials, {}), "cpu", home)
    again.go_to(state, 0.0)
    take_steps(again, 90)
    assert torch.equal(numbers(again), numbers(whole))


def test_the_study_gives_the_told_network_a_tenth_of_the_steps_and_one_training_behind_both_stages():
    rows: list[Any] = beta_input.table("laptop").rows()
    assert len({row.trial.trial_id for row in rows}) == len(rows)
    for name, mode in itertools.product((LINEAR.label, "Digits"), (FIXED, LEARNED)):
        wanted = {"data": name, "network": "VAE", "mode": mode, "seed": 0}
        first = [row for row in rows if wanted.items() <= row.axes.items()]
        steps = {
            way: sum(r.trial.training.steps for r in first if r.axes["way"] == way) for way in ("separate", "told")
        }
        assert 0 < steps["told"] <= steps["separate"] / 10
        told = next(r for r in first if r.axes["way"] == "told").trial
        assert told.spread.at == tuple(BETAS[mode][name])
        assert isinstance(told.objective.gamma, Fixed if mode == FIXED else LearnedByBeta)
    trained = {row.trial.trial_id for row in rows}
    assert all(row.trial.after.trial_id in trained for row in rows if row.axes["network"] == "second VAE")


def test_the_separate_trainings_with_a_learned_gamma_on_linear_data_are_those_of_rate_distortion():
    of_both = [
        {row.trial.trial_id for row in table.table("laptop").rows() if row.trial}
        for table in (beta_input, rate_distortion)
    ]
    assert len(of_both[0] & of_both[1]) == 45
