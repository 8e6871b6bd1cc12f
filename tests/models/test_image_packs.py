"""Convolutional networks in packs: a pack changes no trial, and its records give pictures back."""

from itertools import product
from typing import Any

import pytest
import torch
from image_trials import CPU, NORMS, SKIPS, a_trial, network_of
from painted_pictures import paint
from reference_loop import train_alone

from models.data import centring
from models.data.disk_rows import DiskRows
from models.data.load import load
from models.metrics import sample_quality
from study import (
    VAE,
    Digits,
    Fixed,
    ImageFolder,
    ImageVAE,
    Learned,
)
from study import load as load_network
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.earlier_results import ground
from study.train.measure.measure import Measure
from study.train.pack_run import PackRun
from study.train.stack.build import build_stack
from study.train.stack.stack import Stack
from study.train.step.loop import Training as PackTraining

VARIANTS = [(skip, norm, "amortised") for skip, norm in product(SKIPS, NORMS)]


VARIANTS += [("none", "group", "shared"), ("residual", "none", "none"), ("concat", "none", (0.5, 0.1, 1.0))]


@pytest.mark.parametrize(("skip", "norm", "post_var"), VARIANTS)
def test_a_stack_is_its_networks_whichever_way_it_is_carried(skip, norm, post_var):
    """Outputs, gradients and decoder slopes of three networks, against each network alone, in float64."""
    prior = 1.0 if post_var == "none" else 1.5
    model = ImageVAE(
        kappa=3, channels=(4, 6), skip=skip, norm=norm, post_var=post_var, prior_std=prior, activation="gelu"
    )
    beta = 0.0 if post_var == "none" else 1.0
    trials = [a_trial(model=model, seed=seed, beta=beta, dtype="float64") for seed in range(3)]
    x, z = torch.randn(3, 5, 64, dtype=torch.float64), torch.randn(3, 5, 3, dtype=torch.float64)
    alone = [of_one(trial, *rows) for trial, *rows in zip(trials, x, z, strict=True)]
    for way in ("together", "one by one"):
        stack = Stack(trials, gammas(trials), CPU, way)
        mu, log_var = stack.encode(x)
        mean = stack.decode(z)
        value = mean.square().sum((1, 2)) + mu.sum((1, 2)) + log_var.square().sum((1, 2))
        gradients = torch.autograd.grad(value.sum(), stack.trained[:-1])
        named = stack.weights()
        for part, slope in zip(stack.trained_numbers.parts, gradients, strict=False):
            part.copy_(slope)
        found = [mu, log_var, mean, *named.values()]  # the weights are now the gradients, in a network's own layout
        for ours, theirs in zip(found, zip(*alone, strict=True), strict=True):
            assert torch.allclose(ours, torch.stack(theirs), rtol=1e-9, atol=1e-11)


def gammas(trials):
    return [trial.objective.gamma for trial in trials]


def of_one(trial, x, z):
    """Outputs of one network, and its gradients."""
    network = network_of(trial.model, trial, trial.weights_seed).double()
    mu, log_var = network.encode(x)
    mean = network.decode(z)
    gradients = torch.autograd.grad(mean.square().sum() + mu.sum() + log_var.square().sum(), list(network.parameters()))
    return [mu, log_var, mean, *gradients]


def test_both_ways_agree_about_how_fast_the_decoder_moves(monkeypatch):
    """And with the Jacobian, whatever the number of pictures that are taken at once."""
    monkeypatch.setattr("study.train.stack.stack.PICTURES_AT_ONCE", 4)
    trials = [a_trial(seed=seed, dtype="float64") for seed in range(2)]
    z = torch.randn(2, 6, 3, dtype=torch.float64)
    ways = [Stack(trials, gammas(trials), CPU, way).decoder_slopes(z) for way in ("together", "one by one")]
    column = torch.func.vmap(
        torch.func.jacrev(network_of(trials[0].model, trials[0], trials[0].weights_seed).double().decode)
    )(z[0])
    assert torch.allclose(ways[0], ways[1], rtol=1e-9)
    assert torch.allclose(ways[0][0], column.square().sum(1).mean(0).sqrt(), rtol=1e-9)


def trained(trials):
    stack, inputs = build_stack(trials, load(trials[0].data), CPU)
    training = PackTraining(stack, trials, inputs)
    while not training.done:
        training.advance(60)
    return training, inputs


@pytest.fixture(scope="module")
def pack():
    """Two trials, and what a plain loop of one module and torch.optim.Adam makes of each."""
    model = ImageVAE(kappa=3, channels=(4, 6), norm="group", skip="residual", log_var_scale=0.1)
    trials = [a_trial(model), a_trial(model, gamma=Learned(lr=1e-2), seed=1)]
    return trials, [train_alone(trial) for trial in trials]


@pytest.mark.parametrize("gains", [True, False])
def test_packing_changes_no_trial(pack, gains, monkeypatch):
    """Carried together and one by one, a pack agrees with the plain loop to 1e-5 relative."""
    monkeypatch.setattr("study.train.stack.stack.gains_as_one", lambda *_: gains)
    trials, alone = pack
    training, inputs = trained(trials)
    assert training.stack.way == ("together" if gains else "one by one")
    measure = Measure(training.stack, trials, load(Digits()), inputs)
    for index, reference in enumerate(alone):
        assert float(measure.train.distortion[index]) == pytest.approx(reference.distortion, rel=1e-5)
        assert float(measure.train.rate[index]) == pytest.approx(reference.rate, rel=1e-5)
        assert float(measure.gamma[index]) == pytest.approx(reference.gamma, rel=1e-5)


@pytest.mark.parametrize("skip", SKIPS)
def test_fifty_steps_lower_the_objective(skip):
    model = ImageVAE(kappa=3, channels=(8, 8), skip=skip, log_var_scale=0.1)
    training, _ = trained([a_trial(model, steps=50)])
    values = [float(point["objective"][0]) for _, point in training.curves.points]
    assert values[-1] < values[0] - 5
    assert max(values[-5:]) < sum(values[:5]) / 5


def test_the_records_hold_a_network_that_can_be_had_again(tmp_path):
    home, trial = Home(tmp_path), a_trial(steps=5)
    run = recorded(trial, home)
    (row,) = read(home, "trials").to_pylist()
    assert (row["model"], row["kappa"], row["skip"]) == ("ImageVAE", 3, "none")
    assert row["parameters"] == trial.model.parameters(trial.data)
    network: Any = load_network(trial.trial_id, home)
    x = torch.from_numpy(load(Digits()).test[:4])
    with torch.no_grad():
        assert torch.allclose(network.encode(x)[0], run.training.stack.encode(x)[0][0], atol=1e-6)


def recorded(trial, home):
    run = PackRun(make_pack([trial], {}), "cpu", home)
    while not run.done:
        run.advance(10)
    run.commit(home)
    return run


@pytest.fixture
def on_the_disk(tmp_path, monkeypatch):
    """Thirty pictures of 16×16 pixels in colour, ten of them for the test set, that are taken to be too large for memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(centring, "IN_MEMORY", 0)
    return ImageFolder.of(paint(tmp_path / "faces", 30, 16), 16, every=3)


def test_a_vae_stands_on_a_convolutional_autoencoder(tmp_path, on_the_disk):
    """Its codes lead back to pictures: what the records measure and sample are pictures, read from the disk."""
    home, data = Home(tmp_path / "home"), load(on_the_disk)
    assert isinstance(data.train, DiskRows)
    model = ImageVAE(kappa=5, channels=(8, 8), activation="gelu", post_var="none")
    first = a_trial(model, on_the_disk, Fixed(0.5), beta=0, batch=10, steps=150)
    second = a_trial(
        VAE(kappa=3, encoder=(8,), decoder=(8,)), on_the_disk, Learned(), after=first, samples=10, batch=10
    )
    assert (second.d, second.image) == (5, None)
    for trial in (first, second):
        recorded(trial, home)
    rows = {row["trial_id"]: row for row in read(home, "trials").to_pylist()}
    ours, theirs = (rows[trial.trial_id] for trial in (second, first))
    assert (theirs["stage"], theirs["status"], theirs["rate_test"]) == ("autoencoder", "finished", None)
    assert (ours["stage"], ours["status"], ours["stages"]) == ("vae", "finished", [first.trial_id])
    (frozen,) = ground([second], data, home, CPU).stages
    assert frozen is not None
    network: Any = load_network(first.trial_id, home)
    x = torch.from_numpy(data.test[:])
    with torch.no_grad():
        pictures = network.decode(network.encode(x)[0])
    assert torch.allclose(frozen.decode(frozen.codes["test"]), pictures, atol=1e-5)
    assert theirs["distortion_data_test"] == pytest.approx(float((x - pictures).square().sum(1).mean()), rel=1e-5)
    assert theirs["nre_data_test"] < 0.75 < ours["nre_data_test"] < 1.5  # which has hardly begun to learn the codes
    evaluated = {row["metric"] for row in read(home, "evaluations").to_pylist() if row["trial_id"] == second.trial_id}
    assert {"mmd_x", "kd_conv", "kd_conv_null", "kd_conv_recon"} <= evaluated


def test_a_reference_reads_no_more_pictures_than_it_needs(on_the_disk, monkeypatch):
    monkeypatch.setattr(sample_quality, "FITTED", 7)
    monkeypatch.setattr(sample_quality, "HELD_OUT", 4)
    held = sample_quality._reference.__wrapped__(on_the_disk.model_dump_json())
    assert [len(rows) for rows in (held.fitted, held.held_out, held.test)] == [7, 4, 4]
    kept, train = {row.tobytes() for row in (*held.fitted, *held.held_out)}, load(on_the_disk).train[:]
    assert len(kept) == 11
    assert kept < {row.tobytes() for row in train}
