"""Training and records of every likelihood: alone, in packs, from checkpoints, and back from the home."""

from typing import Any

import numpy as np
import pytest
import torch
from likelihood_trials import FLOOR, OBJECTIVES, a_trial
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal as TorchNormal
from torch.distributions import StudentT as TorchStudentT
from torch.nn.functional import cross_entropy

from models.data.load import load
from models.networks.build import build
from models.streams import minibatches, noise
from study import (
    ImageVAE,
    Trial,
)
from study import load as load_network
from study.pack.pack import make_pack
from study.record import Home, read, read_artifacts
from study.train.measure.from_weights import measure_again
from study.train.pack_run import PackRun

CONVOLUTIONAL = ImageVAE(kappa=2, channels=(3, 4), skip="affine")


def trained(trials, home=None):
    run = PackRun(make_pack(trials, {}), "cpu", home)
    while not run.done:
        run.advance(60)
    return run


def numbers(run):
    """What a pack ends with, a row a trial."""
    return [value.double() for value in run.training.stack.weights().values()]


# Against a plain loop with torch's own distributions


def by_torch(name: str, out: Any, x: Any, mean: Any, log_gamma: Any) -> Any:
    """−log p(x|z) of each example, without the constants that no gradient sees."""
    levels = 2 if name == "bernoulli" else 17
    level = ((x + mean) * (levels - 1)).round()
    match name:
        case "per pixel":
            return -TorchNormal(out[:, :64], (FLOOR + out[:, 64:].exp()).sqrt()).log_prob(x).sum(1)
        case "per pixel, decoded":
            means, v = out.reshape(-1, 64, 2).unbind(-1)
            return -TorchNormal(means, (FLOOR + 0.2 * v.exp()).sqrt()).log_prob(x).sum(1)
        case "per image":
            variance = ((x - out) ** 2).mean(1).detach().clamp(min=FLOOR)  # the best one has no slope
            return -TorchNormal(out, variance.sqrt()[:, None]).log_prob(x).sum(1)
        case "student t":
            return -TorchStudentT(5.0, out, (log_gamma.exp() * 3 / 5).sqrt()).log_prob(x).sum(1)
        case "categorical":
            logits = out.reshape(-1, 17)
            return cross_entropy(logits, level.flatten().long(), reduction="none").reshape(x.shape).sum(1)
        case "bitwise":
            digits = (level.long()[..., None] >> torch.arange(5)) & 1
            return -TorchBernoulli(logits=out.reshape(len(x), 64, 5)).log_prob(digits.float()).sum((1, 2))
        case "bernoulli":
            return -TorchBernoulli(logits=out).log_prob(level).sum(1)
        case _:
            weight, centre, log_scale = out.reshape(len(x), 64, 6).chunk(3, -1)
            edges = [((level + half) / 16 - mean)[..., None] for half in (-0.5, 0.5)]
            low, high = (((edge - centre) / log_scale.exp()).sigmoid() for edge in edges)
            low, high = torch.where(level[..., None] > 0, low, 0), torch.where(level[..., None] < 16, high, 1)
            return -torch.log((weight.softmax(-1) * (high - low)).sum(-1)).sum(1)


def plain_loop(name: str, trial: Trial) -> tuple[Any, float]:
    """The network, and log γ, as a loop of one module trains them."""
    data, settings, beta = load(trial.data), trial.training, trial.objective.beta
    network: Any = build(trial.model, trial, trial.seed)
    log_gamma = torch.nn.Parameter(torch.tensor(0.2).log())
    optimiser: Any = torch.optim.Adam(
        [{"params": network.parameters()}, {"params": [log_gamma], "lr": 1e-2}], lr=settings.lr
    )
    rates = [group["lr"] for group in optimiser.param_groups]
    examples, mean = torch.from_numpy(np.asarray(data.train)), torch.from_numpy(data.mean).float()
    order, draws = minibatches(trial.seed, len(examples), 64), noise(trial.seed, 64, trial.model.kappa, torch.float32)
    for step in range(settings.steps):
        late = max(0.0, (step / settings.steps - 0.5) / 0.5)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (1 - 0.98 * late)
        x = examples[next(order)]
        mu, log_var = network.encode(x)
        out = network.decode(mu + (0.5 * log_var).exp() * next(draws))
        rate = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1).mean()
        optimiser.zero_grad()
        (by_torch(name, out, x, mean, log_gamma).mean() + beta * rate).backward()
        optimiser.step()
    return network, float(log_gamma.detach())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_likelihood_trains_in_a_pack_as_a_plain_loop_does(name):
    trials = [a_trial(name), a_trial(name, seed=1), a_trial(name, beta=0.5)]
    run = trained(trials)
    for place in (0, 2):
        network, log_gamma = plain_loop(name, trials[place])
        for key, value in run.training.stack.weights().items():
            expected = dict(network.named_parameters())[key.removeprefix("network.")].detach()
            torch.testing.assert_close(value[place], expected, rtol=2e-3, atol=2e-4)
        if name == "student t":
            assert float(run.training.stack.log_gamma[place].detach()) == pytest.approx(log_gamma, abs=1e-4)


@pytest.mark.parametrize("name", ["per pixel", "per pixel, decoded", "mixture"])
def test_pictures_of_convolutions_train_in_a_pack_as_they_do_alone(name):
    trials = [a_trial(name, seed, 10, CONVOLUTIONAL) for seed in (0, 1)]
    for together, alone in zip(numbers(trained(trials)), numbers(trained(trials[1:])), strict=True):
        torch.testing.assert_close(together[1], alone[0], rtol=1e-3, atol=1e-5)


# Packs, checkpoints, records


@pytest.mark.parametrize("name", ["per pixel", "mixture"])
def test_a_checkpoint_goes_on_to_the_last_bit(name):
    trials = [a_trial(name, seed) for seed in (0, 1)]
    whole, begun = trained(trials), PackRun(make_pack(trials, {}), "cpu")
    while begun.training.step < 17:
        begun.training.take_step()
    state, again = begun.state(), PackRun(make_pack(trials, {}), "cpu")
    again.go_to({name: value.copy() for name, value in state.items()}, 0.0)
    again.advance(60)
    assert again.done
    assert again.training.stack.numbers.equal(whole.training.stack.numbers)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_record_says_what_the_likelihood_is_and_how_probable_the_levels_are(name, tmp_path):
    home, trial = Home(tmp_path), a_trial(name, bits=True)
    trained([trial], home).commit(home)
    (row,) = read(home, "trials").to_pylist()
    found = {each["metric"]: each["value"] for each in read(home, "evaluations").to_pylist()}
    discrete = trial.objective.likelihood.is_discrete
    assert row["likelihood"] == trial.objective.likelihood.kind.lower()
    assert (row["gamma"] is None) == (row["gamma_init"] is None and name != "per image") == discrete
    assert row["parameters"] == trial.model.parameters(trial)
    assert 0 < found["nll_levels"] <= found["neg_elbo_levels"]
    if discrete:
        assert found["nll_levels"] == pytest.approx(found["iwae_nll"], rel=1e-9)
        assert row["neg_elbo_test"] == pytest.approx(found["neg_elbo_levels"], rel=0.02)  # other draws of z
    constant = 0 if discrete or name == "student t" else 32 * np.log(2 * np.pi)
    beta = trial.objective.beta
    assert row["neg_elbo_test"] == pytest.approx(row["objective_test"] + (1 - beta) * row["rate_test"] + constant)
    shown = read_artifacts(home, row["artifacts"], row["trial_id"], "pictures")["sample"]
    assert shown.shape == (8, 8, 8)


def test_a_network_with_a_variance_a_pixel_comes_back_whole(tmp_path):
    home, trial = Home(tmp_path), a_trial("per pixel", bits=True)
    run = trained([trial], home)
    run.commit(home)
    (row,) = read(home, "trials").to_pylist()
    network: Any = load_network(row["trial_id"], home)
    variances = FLOOR + network.pixel_log_var.detach().double().exp()
    assert row["gamma"] == pytest.approx(float(variances.mean()), rel=1e-5)
    assert network.decode(torch.zeros(1, 3)).shape == (1, 128)
    weights = read_artifacts(home, row["artifacts"], row["trial_id"], "weights")
    ((again, *_),) = measure_again([trial], [weights], [0.0], ["nll_levels"], home)
    recorded = [each for each in read(home, "evaluations").to_pylist() if each["metric"] == "nll_levels"]
    assert again[1]["value"] == pytest.approx(recorded[0]["value"], rel=1e-9)
