"""Autoencoders under a price on their codes: energies, training in packs, and refusals."""

import math
from itertools import islice
from typing import Any

import pytest
import torch
from priced_trials import DATA, PRICES, price_of, trial
from pydantic import ValidationError

from models.data.load import load
from models.loss.code_penalties import PENALTIES, energies
from models.networks.build import build
from models.probes import probe
from models.probes.serpentine import curve
from models.specs.penalties import SerpentineCost
from models.specs.sparsity import Penalty
from models.streams import minibatches
from study import (
    MMD,
    VAE,
    Fixed,
    Learned,
    Objective,
    Optimal,
    PerPixel,
    Sparsity,
    StudentT,
)
from study.train.stack.build import build_stack
from study.train.step.loop import Training as PackTraining

MISFITS = [
    Sparsity(h="root", g="root"),
    Sparsity(h="u", g="Huber", g_parameter=0.2),
    Sparsity(h="log", g="log plus", g_parameter=0.1),
]


def train(trials, until=None):
    stack, inputs = build_stack(trials, load(DATA), torch.device("cpu"))
    training = PackTraining(stack, trials, inputs)
    while training.step < (until or training.settings.steps):
        training.take_step()
    return training


def weights(training, place):
    return {name: values[place] for name, values in training.stack.weights().items()}


# Energies


def test_energies_of_a_linear_decoder_are_exact_and_know_no_scale():
    generator = torch.Generator().manual_seed(0)
    z, w = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((3, 50, 4), (3, 4, 7)))
    scale, shift = torch.tensor([1e-3, 1.0, -50.0, 1e4]), torch.tensor([0.0, 5.0, -1.0, 1e3])
    expected = z.var(1, correction=0) * w.square().sum(-1)
    for codes in (z, z[:, :5]):  # fewer examples than codes need are used again
        found = energies(lambda moved: moved @ w, codes, codes @ w)
        assert torch.allclose(found, codes.var(1, correction=0) * w.square().sum(-1), rtol=1e-10)

    def rescaled(moved):
        return ((moved - shift) / scale) @ w

    other = z * scale + shift
    assert torch.allclose(energies(rescaled, other, rescaled(other)), expected, rtol=1e-8)


def test_a_constant_code_has_neither_energy_nor_a_slope_that_is_no_number():
    z = torch.randn(40, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.0])
    z.requires_grad_()
    found = energies(torch.sin, z, torch.sin(z))
    found.clamp_min(1e-8).log().sum().backward()
    assert found[1] < 1e-20
    assert z.grad is not None
    assert z.grad.isfinite().all()


def test_both_decoders_of_a_serpentine_cost_what_the_probe_says():
    """Of the curve and its mirror image, whose codes have mean 0: then energies are mean squares."""
    eps, n = 0.5, 4000
    found = curve(eps, 7, 3)
    corners, reached = (torch.from_numpy(part) for part in (found.corners, found.reached))
    t = (torch.arange(n, dtype=torch.float64) + 0.5) * 4 / n
    t = torch.cat([t, -t])[torch.randperm(2 * n, generator=torch.Generator().manual_seed(0))]

    def along(arc):  # the second code says nothing
        size, sign = arc[:, :1].abs().clamp(max=4 - 1e-12), arc[:, :1].sign()
        piece = torch.searchsorted(reached, size[:, 0], right=True) - 1
        way = (corners[piece + 1] - corners[piece]) / (reached[piece + 1] - reached[piece])[:, None]
        return sign * (corners[piece] + way * (size - reached[piece][:, None]))

    arcs = torch.stack([t, torch.zeros_like(t)], -1)
    sparse = energies(along, arcs, along(arcs), step=1e-6)
    dense = energies(lambda points: points, along(arcs), along(arcs))
    asked: dict[Penalty, float | None] = {"u": None, "root": None, "log plus": 1e-4, "MCP": 0.2, "power": 0.1}
    for penalty, parameter in asked.items():
        h, p = PENALTIES[penalty], torch.tensor(parameter or 0.0)
        expected = probe(SerpentineCost(penalty=penalty, parameter=parameter, eps=eps), 0).numbers["difference"]
        assert float((h(sparse, p) - h(dense, p)).sum()) == pytest.approx(expected, rel=2e-3), penalty


# Training


def alone(one):
    """The plain loop: one module, torch's Adam, and energies by the columns of the linear decoder."""
    data, settings, penalty = load(DATA), one.training, one.objective.penalty
    x = torch.from_numpy(data.train).double()
    network: Any = build(one.model, one.data, one.seed).double()
    log_gamma = torch.nn.Parameter(torch.tensor(math.log(getattr(one.objective.gamma, "init", 1.0))).double())
    optimiser = torch.optim.Adam([*network.parameters(), log_gamma], lr=settings.lr)
    for step, rows in enumerate(islice(minibatches(one.seed, len(x), settings.batch), settings.steps)):
        late = max(0.0, (step / settings.steps - settings.decay_from) / (1 - settings.decay_from))
        optimiser.param_groups[0]["lr"] = settings.lr * (1 - (1 - settings.decay_to) * late)
        z, _ = network.encode(x[rows])
        r = ((x[rows] - network.decode(z)) ** 2).sum(1).mean()
        energy = (z.var(0, correction=0) * network.decoder[0].weight.square().sum(0)).clamp_min(penalty.floor)
        price = price_of(penalty.h, penalty.parameter, energy).sum() * penalty.weight / 2
        gammas = {"Fixed": torch.tensor(0.1), "Learned": log_gamma.exp(), "Optimal": r / 6}
        gamma = gammas[one.objective.gamma.kind]
        misfit = r / (2 * gamma) + 3 * gamma.log()
        loss = 3 * price_of(penalty.g, penalty.g_parameter, r / 6) if penalty.g else misfit
        optimiser.zero_grad()
        (loss + price).backward()
        optimiser.step()
    return dict(network.named_parameters())


def test_packing_changes_no_trial():
    """Every penalty, misfit and γ mode in one pack, against the plain loop: to what float64 leaves of 20 steps."""
    trials = [trial(penalty, seed=i % 2, steps=20) for i, penalty in enumerate([*PRICES, *MISFITS])]
    trials += [trial(PRICES[2], gamma=gamma, steps=20) for gamma in (Learned(init=0.1), Optimal())]
    assert len({one.pack_key for one in trials}) == 1
    together = train(trials)
    for place, one in enumerate(trials):
        found = weights(together, place)
        for name, expected in alone(one).items():
            assert torch.allclose(found[f"network.{name}"], expected, rtol=1e-6, atol=1e-9), (one, name)


def test_networks_that_are_not_ours_train_the_same(monkeypatch):
    """By vmap as by stacked layers."""
    from study.train.stack import stack

    trials = [trial(penalty, hidden=(5,), steps=10) for penalty in PRICES[:3]]
    together = train(trials)
    monkeypatch.setattr(stack, "GaussianVAE", torch.nn.Identity)
    apart = train(trials)
    assert together.stack.way != apart.stack.way
    for name, values in apart.stack.weights().items():
        assert torch.allclose(together.stack.weights()[name], values, rtol=1e-7, atol=1e-10)


def test_a_trial_that_diverges_is_not_noticed_by_its_neighbours():
    trials = [trial(penalty, hidden=(8,), dtype="float32") for penalty in (PRICES[2], MISFITS[2])]
    bad = trial(PRICES[2], hidden=(8,), lr=1e30, dtype="float32")
    company = train([trials[0], bad, trials[1]])
    assert company.divergence.reason.tolist()[1] > 0
    assert [company.divergence.reason[0], company.divergence.reason[2]] == [0, 0]
    quiet = train(trials)
    for place, other in ((0, 0), (1, 2)):
        for name, values in weights(quiet, place).items():
            assert torch.allclose(values, weights(company, other)[name], rtol=1e-4, atol=1e-6)


def test_training_goes_on_from_its_state_to_the_last_bit():
    trials = [trial(penalty, hidden=(8,)) for penalty in (*PRICES, *MISFITS)]
    whole, part = train(trials), train(trials, until=17)
    later = train(trials, until=3)
    later.go_to({name: value.clone() for name, value in part.state().items()})
    while not later.done:
        later.take_step()
    assert torch.equal(later.stack.numbers, whole.stack.numbers)


def test_codes_with_a_price_have_packs_of_their_own():
    sparse = trial(PRICES[0])
    plain = sparse.model_copy(update={"objective": Objective(gamma=Fixed(0.1), beta=0)})
    held = sparse.model_copy(update={"objective": Objective(gamma=Fixed(0.1), beta=0, penalty=MMD(weight=1))})
    assert plain.pack_key == held.pack_key != sparse.pack_key
    assert sparse.pack_key == trial(MISFITS[1], gamma=Optimal(), seed=3).pack_key


REFUSED = [
    (lambda: Sparsity(h="MCP"), "MCP needs a parameter: write parameter="),
    (lambda: Sparsity(h="u", parameter=1), "u has no parameter: leave it out"),
    (lambda: Sparsity(h="support"), "no slope to follow"),
    (lambda: Sparsity(h="u", g="support"), "no slope to follow"),
    (lambda: Sparsity(h="u", g="u"), r"that of gamma=Fixed\(...\): leave g out"),
    (lambda: Sparsity(h="u", g="log"), r"that of gamma=Optimal\(\): leave g out"),
    (lambda: Sparsity(h="u", g="Huber"), "Huber needs a parameter: write g_parameter="),
    (lambda: Sparsity(h="u", g_parameter=1), "declare g too, or leave it out"),
    (lambda: trial(MISFITS[0], gamma=Fixed(1)), r"declare gamma=Optimal\(\)"),
    (lambda: Objective(gamma=Fixed(1), penalty=PRICES[0]), "declare beta=0"),
    (lambda: Objective(gamma=PerPixel(), beta=0, penalty=PRICES[0]), "one γ"),
    (lambda: Objective(gamma=Learned(), beta=0, penalty=PRICES[0], likelihood=StudentT()), "normal likelihood"),
    (lambda: trial(PRICES[0]).model_copy(update={"model": VAE(kappa=2)}), 'declare the network with post_var="none"'),
]


@pytest.mark.parametrize(("wrong", "words"), REFUSED)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        wrong()


def test_labels_tell_penalties_apart():
    labels = [penalty.label for penalty in (*PRICES, *MISFITS)]
    assert len(set(labels)) == len(labels)
    assert Sparsity(h="u", weight=2, g="root").label == "u ×2, g = √R/d"
