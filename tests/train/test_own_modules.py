"""A network of the user's own, as it is: whatever layers it is made of, a pack trains it as it trains alone."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from own_networks import NETWORKS, imported
from trained_stacks import train_stack

from models.data.load import load as load_data
from models.networks.build import build
from models.networks.random_draws import Draws
from models.streams import minibatches, noise
from study import Digits, Fixed, Learned, Objective, Own, PlantedManifold, Training, Trial, load
from study.pack.pack import make_pack
from study.record import Home
from study.train.pack_run import PackRun
from study.train.rehearsal import rehearse


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("nets"))


def own_trial(net, gamma=None, seed=0, dtype: Any = "float64", **options) -> Any:
    data = Digits() if net.__name__ == "Pictures" else PlantedManifold(d=6, r=2, n=96, n_test=40)
    return Trial(
        data=data,
        model=Own.of(net, kappa=3, **options),
        objective=Objective(gamma=gamma or Fixed(0.5)),
        training=Training(steps=12, batch=32, lr=1e-2, dtype=dtype),
        seed=seed,
    )


def weights_of(training, index):
    return {name: value[index] for name, value in training.stack.weights().items()}


STATE = ("num_batches_tracked", "running_mean", "running_var")
AS_THEY_ARE = {
    "BatchNormed": ("vmap", STATE, False),
    "Dropping": ("vmap", (), True),
    "AlphaDropping": ("vmap", (), True),
    "Noisy": ("vmap", (), True),
    "LayerNormed": ("vmap", (), False),
    "WeightNormed": ("one by one", (), False),
    "Spectral": ("one by one", ("_u", "_v"), False),
    "Tied": ("vmap", (), False),
    "Lazy": ("vmap", (), False),
    "Frozen": ("vmap", (), False),
    "Loose": ("vmap", (), False),
    "Fourier": ("vmap", (), False),
    "Branching": ("one by one", (), False),
    "Pictures": ("vmap", STATE, True),
}
"""Network → how a stack carries it, what training changes beside its parameters, and whether its layers draw."""


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_a_pack_trains_it_as_it_trains_alone(nets, name):
    way, state, draws = AS_THEY_ARE[name]
    trials = [own_trial(getattr(nets, name), gamma, seed) for seed in (0, 1) for gamma in (Fixed(0.5), Learned())]
    trials = [Trial.model_validate_json(trial.model_dump_json()) for trial in trials[:3]]
    together, measured = train_stack(trials)
    carrier: Any = together.stack.carrier
    assert together.stack.way == way
    assert tuple(sorted(name.rpartition(".")[2] for name in carrier.kept)) == state
    assert ("draws" in carrier.state()) == draws
    for index, trial in enumerate(trials):
        alone, own = train_stack([trial])
        assert float(measured.test.distortion[index]) == pytest.approx(float(own.test.distortion[0]), rel=1e-7)
        for part, value in weights_of(alone, 0).items():
            assert torch.allclose(value, weights_of(together, index)[part], rtol=1e-6, atol=1e-9), part


def plain_loop(trial) -> Any:
    """The network after a loop with torch's own Adam: no stack, no vmap."""
    network: Any = build(trial.model, trial, trial.seed, torch.float64)
    settings, x_all = trial.training, torch.from_numpy(load_data(trial.data).train).double()
    optimiser = torch.optim.Adam([each for each in network.parameters() if each.requires_grad], lr=settings.lr)
    order, draws = minibatches(trial.seed, len(x_all), settings.batch), Draws([trial.seed])
    eps = noise(trial.seed, settings.batch, 3, torch.float64)
    for step in range(settings.steps):
        late = max(0.0, (step / settings.steps - settings.decay_from) / (1 - settings.decay_from))
        optimiser.param_groups[0]["lr"] = settings.lr * (1 - (1 - settings.decay_to) * late)
        x = x_all[next(order)]
        with draws.at(0):
            mu, log_var = network.encode(x)
            mean = network.decode(mu + (0.5 * log_var).exp() * next(eps))
        rate = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1).mean()
        optimiser.zero_grad()
        (((x - mean) ** 2).sum(1).mean() / (2 * trial.objective.gamma.value) + rate).backward()
        optimiser.step()
    return network


@pytest.mark.parametrize("name", ["BatchNormed", "Dropping", "Spectral", "WeightNormed", "Frozen", "Tied", "Fourier"])
def test_weights_and_statistics_are_those_of_a_plain_loop(nets, name):
    trial = own_trial(getattr(nets, name))
    network = plain_loop(trial)
    expected = dict(network.named_parameters()) | dict(network.named_buffers())
    for part, value in weights_of(train_stack([trial])[0], 0).items():
        there = torch.view_as_real(expected[part]) if expected[part].is_complex() else expected[part]
        assert torch.allclose(value, there.detach(), rtol=1e-7, atol=1e-10), part


def test_a_mask_is_drawn_from_the_trials_own_stream_and_never_in_evaluation(nets):
    stack = train_stack([own_trial(nets.Dropping, seed=seed) for seed in (0, 0, 1)])[0].stack
    x = torch.ones(200, 6, dtype=torch.float64)
    with torch.no_grad():
        with stack.learning():
            mu, _ = stack.encode(x)
        quiet, _ = stack.encode(x)
    assert not torch.equal(mu[0, 0], mu[0, 1])  # equal rows, other masks
    assert torch.equal(quiet[:, :1].expand_as(quiet), quiet)
    other = train_stack([own_trial(nets.Dropping, seed=1)])[0].stack
    with torch.no_grad(), other.learning():
        assert torch.allclose(other.encode(x)[0][0], mu[2])


@pytest.mark.parametrize("name", ["BatchNormed", "Dropping", "Pictures", "Spectral"])
def test_an_interrupted_training_goes_on_to_the_same_bits(nets, name):
    pack = make_pack([own_trial(getattr(nets, name), seed=seed, dtype="float32") for seed in (0, 1)], {})
    whole, begun, resumed = PackRun(pack), PackRun(pack), PackRun(pack)
    for _ in range(5):
        begun.training.take_step()
    resumed.go_to({name: value.copy() for name, value in begun.state().items()}, 0.0)
    for run in (whole, resumed):
        while not run.done:
            run.training.take_step()
    for part, value in whole.training.stack.weights().items():
        assert torch.equal(value, resumed.training.stack.weights()[part]), part


@pytest.mark.parametrize("name", ["BatchNormed", "Fourier", "NumPyDrawn", "InADict", "Pictures", "Spectral", "InPlace"])
def test_a_loaded_network_gives_the_recorded_numbers(nets, name, tmp_path):
    trial, home = own_trial(getattr(nets, name), dtype="float32"), Home(tmp_path)
    run = PackRun(make_pack([trial], {}))
    run.advance(1e9)
    run.commit(home)
    data, network = load_data(trial.data), cast("Any", load(trial.trial_id, tmp_path))
    x = torch.from_numpy(data.test)
    with torch.no_grad():
        mu, log_var = network.encode(x)
        error = ((network.decode(mu) - x) ** 2).sum(1).mean()
        rate = (0.5 * (mu**2 + log_var.exp() - 1 - log_var)).sum(1).mean()
    measure = cast("Any", run._results).tables["trials"][0]
    assert float(error) / data.total_variance_test == pytest.approx(measure["nre_mean_test"], rel=1e-4)
    assert float(rate) == pytest.approx(measure["rate_test"], rel=1e-4)
    assert torch.equal(x, torch.from_numpy(data.test))


def test_what_a_network_does_in_place_reaches_neither_data_nor_target(nets):
    numbers = [float(train_stack([own_trial(net)])[1].test.distortion[0]) for net in (nets.InPlace, nets.OutOfPlace)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)
    one = own_trial(nets.InPlace)
    before = np.array(load_data(one.data).train)
    train_stack([one])
    assert np.array_equal(load_data(one.data).train, before)


def test_every_form_of_a_result_trains_the_same_network(nets):
    plain = float(train_stack([own_trial(nets.Plain)])[1].test.distortion[0])
    forms = [nets.Listed, nets.InADict, nets.Named, nets.Deviating, nets.Distributed, nets.InParts, nets.made]
    forms = [own_trial(each) for each in forms] + [own_trial(nets.Renamed, latent_dim=3, input_dim=6)]
    for trial in forms:
        assert float(train_stack([trial])[1].test.distortion[0]) == pytest.approx(plain, rel=1e-9), trial.model.name


def test_a_trial_that_diverges_keeps_the_statistics_that_it_had(nets):
    wild = own_trial(nets.BatchNormed, dtype="float32")
    wild = wild.model_copy(update={"training": wild.training.model_copy(update={"lr": 1e30})})
    pack = [wild, own_trial(nets.BatchNormed, dtype="float32")]
    training, _ = train_stack(pack)
    step = int(training.divergence.at[0])
    assert step >= 0
    tracked = training.stack.weights()["network.norm.num_batches_tracked"]
    assert tracked.tolist() == [step, 12]


def test_an_option_that_a_constructor_changes_stays_as_it_was_declared(tmp_path):
    source = """
from own_networks_base import Plain


class Greedy(Plain):
    def __init__(self, d, kappa, widths):
        super().__init__(d, kappa, widths.pop())
"""
    base = NETWORKS + source.replace("from own_networks_base import Plain\n", "")
    trial = own_trial(imported(tmp_path, base, "greedy").Greedy, widths=[4, 8])
    identity = trial.trial_id
    train_stack([trial])
    assert trial.model.options == {"widths": [4, 8]}
    assert Trial.model_validate_json(trial.model_dump_json()).trial_id == identity


def test_what_is_said_of_a_network_that_is_carried_or_converted_otherwise(nets, tmp_path):
    assert rehearse(own_trial(nets.BatchNormed)) == ([], [])
    (note,) = rehearse(own_trial(nets.Branching)).notes
    assert note.startswith("Branching trains one by one: vmap: It looks like you're attempting to use a Tensor")
    (unused,) = rehearse(own_trial(imported(tmp_path, NETWORKS + HALF_USED, "half_used").HalfUsed)).notes
    assert unused == (
        "HalfUsed has parameters that neither encode nor decode uses, so they stay untrained "
        "(prior, flow.weight, 1 more): use or drop them"
    )
    (converted,) = rehearse(own_trial(imported(tmp_path, DOUBLED, "doubled").Doubled, dtype="float32")).notes
    assert converted == "Doubled.scale is float64 and becomes float32, as its trials compute"


HALF_USED = """


class HalfUsed(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.flow = nn.Linear(kappa, kappa)
        self.prior = nn.Parameter(torch.zeros(kappa))
        self.shown = nn.Parameter(torch.zeros(kappa), requires_grad=False)

    def forward(self, x):
        return self.decode(self.flow(self.encode(x)[0] + self.prior))
"""

DOUBLED = """
import torch
from torch import nn


class Doubled(nn.Module):
    def __init__(self, d, kappa):
        super().__init__()
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)
        self.register_buffer("scale", torch.ones(d, dtype=torch.float64))
        self.register_buffer("shown", torch.arange(d) % 2 == 0)

    def encode(self, x):
        x = x * self.scale
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return torch.where(self.shown, self.out(z), 0.0)
"""
