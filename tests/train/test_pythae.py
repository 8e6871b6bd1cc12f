"""Models of pythae in the wrapper of docs/your_own_network.md: packs, records and losses are what pythae's own would be."""

import re
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, cast

import pytest
import torch
from documents import file_of
from launches import launch_here
from own_networks import imported
from painted_pictures import paint
from trained_stacks import train_stack

from analysis import results
from models.data.load import load as load_data
from models.networks.build import build
from models.streams import minibatches, noise
from study import Constant, Digits, Fixed, ImageFolder, Learned, Objective, Own, OwnTerm, Training, Trial, load
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.rehearsal import rehearse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("pythae"), reason="needs pythae: see CONTRIBUTING.md, Set up and check"),
]

EXAMPLE = file_of("docs/your_own_network.md", "of_pythae.py")
WRAPPER = EXAMPLE.partition("@study")[0] + (
    "\n\ndef away(mu, log_var, c):\n    return (0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1) - c).abs()\n"
)
MODELS = {
    "VAE": ("VAE(config)", "VAEConfig(input_dim=(d,), latent_dim=kappa)"),
    "BetaVAE": ("BetaVAE(config)", "BetaVAEConfig(input_dim=(d,), latent_dim=kappa, beta=4.0)"),
    "DisentangledBetaVAE": (
        "DisentangledBetaVAE(config)",
        "DisentangledBetaVAEConfig(input_dim=(d,), latent_dim=kappa, beta=10.0, C=5.0, warmup_epoch=0)",
    ),
    "ResNet": (
        "VAE(config, Encoder_ResNet_VAE_MNIST(config), Decoder_ResNet_AE_MNIST(config))",
        "VAEConfig(input_dim=(1, 28, 28), latent_dim=kappa)",
    ),
    "FactorVAE": ("FactorVAE(config)", "FactorVAEConfig(input_dim=(d,), latent_dim=kappa)"),
}
"""How the wrapper makes a model of pythae, and its settings."""

LOSSES = {"VAE": ((), 1.0), "BetaVAE": ((), 4.0), "DisentangledBetaVAE": ((1,), 0.0)}
"""What pythae's loss is given beside the network's results (an epoch after the warm-up), and β here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pythae")


@pytest.fixture(scope="module")
def pictures(folder):
    return ImageFolder.of(paint(folder / "pictures", 40, 28), size=28, channels=1)


def trial_of(name, folder, data, gamma=None, seed=0, dtype: Any = "float64") -> Any:
    made, config = MODELS[name]
    source = WRAPPER.replace("VAE(config)", made).replace("VAEConfig(input_dim=(d,), latent_dim=kappa)", config)
    source = source.replace("import VAE, VAEConfig", f"import {made.partition('(')[0]}, {config.partition('(')[0]}")
    if "ResNet" in name:
        source = f"from pythae.models.nn.benchmarks.mnist import *\n{source}"
    nets = imported(folder, source, name)
    terms = (OwnTerm.of(nets.away, weight=10.0, c=5.0),) if name == "DisentangledBetaVAE" else ()
    beta = LOSSES[name][1] if name in LOSSES else 1.0
    return Trial(
        data=data,
        model=Own.of(nets.OfPythae, kappa=3, release=version("pythae")),
        objective=Objective(gamma=gamma or Fixed(1.0), beta=beta, terms=terms),
        training=Training(steps=6, batch=16, lr=1e-3, dtype=dtype, schedule=Constant()),
        seed=seed,
    )


@pytest.fixture(params=["VAE", "BetaVAE", "DisentangledBetaVAE", "ResNet"])
def make(request, folder, pictures):
    data = pictures if request.param == "ResNet" else Digits()
    return lambda **changes: trial_of(request.param, folder, data, **changes)


def test_a_pack_trains_a_model_as_it_trains_alone(make):
    trials = [make(), make(seed=1), make(gamma=Learned())]
    assert rehearse(trials[0]) == ([], [])
    together, measured = train_stack(trials)
    assert together.stack.way == "vmap"
    for index, trial in enumerate(trials):
        alone, own = train_stack([trial])
        assert float(measured.test.distortion[index]) == pytest.approx(float(own.test.distortion[0]), rel=1e-7)
        for part, value in alone.stack.weights().items():
            assert torch.allclose(value[0], together.stack.weights()[part][index], rtol=1e-6, atol=1e-9), part


def test_a_loaded_model_gives_the_recorded_numbers(make, tmp_path):
    trial, home = make(dtype="float32"), Home(tmp_path)
    run = PackRun(make_pack([trial], {}))
    run.advance(1e9)
    run.commit(home)
    (recorded,) = read(home, "trials").to_pylist()
    data, network = load_data(trial.data), cast("Any", load(trial.trial_id, tmp_path))
    x = torch.from_numpy(data.test)
    with torch.no_grad():
        mu, log_var = network.encode(x)
        error = ((network.decode(mu) - x) ** 2).sum(1).mean()
        rate = (0.5 * (mu**2 + log_var.exp() - 1 - log_var)).sum(1).mean()
    assert float(error) / data.total_variance_test == pytest.approx(recorded["nre_mean_test"], rel=1e-4)
    assert float(rate) == pytest.approx(recorded["rate_test"], rel=1e-4)


def by_pythaes_loss(trial, *epoch) -> Any:
    """The network after a loop with pythae's own loss and torch's own Adam."""
    network: Any = build(trial.model, trial, trial.seed, torch.float64)
    x_all = torch.from_numpy(load_data(trial.data).train).double()
    optimiser = torch.optim.Adam(network.parameters(), lr=trial.training.lr)
    order, eps = minibatches(trial.seed, len(x_all), 16), noise(trial.seed, 16, 3, torch.float64)
    for _ in range(trial.training.steps):
        x = x_all[next(order)]
        mu, log_var = network.encode(x)
        z = mu + (0.5 * log_var).exp() * next(eps)
        loss, *_ = network.network.vae.loss_function(network.decode(z), x, mu, log_var, z, *epoch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


@pytest.mark.parametrize("name", LOSSES)
def test_the_declared_objective_is_the_loss_of_the_model(name, folder):
    trial = trial_of(name, folder, Digits())
    start = dict(build(trial.model, trial, trial.seed, torch.float64).named_parameters())
    expected = dict(by_pythaes_loss(trial, *LOSSES[name][0]).named_parameters())
    weights = train_stack([trial])[0].stack.weights()
    for part, value in expected.items():
        assert torch.allclose(weights[part][0], value.detach(), rtol=1e-7, atol=1e-10), part
        assert not torch.allclose(start[part], value, rtol=1e-3), part


def test_the_example_is_launched_and_another_version_is_named(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(EXAMPLE, encoding="utf-8")
    result = launch_here("mine.py:of_pythae", "--home", "runs", "--no-mirror", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 declared, 0 already there, 4 finished" in result.stdout
    trial_id = results("of_pythae", tmp_path / "runs")["trial_id"][0]
    network: Any = load(trial_id, tmp_path / "runs")
    assert type(network.network.vae).__module__.startswith("pythae.")
    trained_with = re.escape(version("pythae"))
    monkeypatch.setattr("importlib.metadata.version", lambda _: "9.9")
    with pytest.raises(ValueError, match=rf"declared with pythae {trained_with}, and 9\.9 is installed"):
        load(trial_id, tmp_path / "runs")


def test_a_model_that_is_more_than_an_encoder_and_a_decoder_is_told_of(folder):
    faults, (note,) = rehearse(trial_of("FactorVAE", folder, Digits()))
    assert not faults
    assert note.startswith("OfPythae has parameters that neither encode nor decode uses")
    assert "(vae.discriminator.layers." in note
