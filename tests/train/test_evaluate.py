"""Metrics after training: the importance-weighted likelihood against a known one, and metrics that old records lack."""

import contextlib
import io
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from launches import ROOT
from typer import Exit

from models.data.load import load
from models.metrics.iwae import log_weights, nll
from study import VAE, Fixed, Learned, LinearSubspace, Objective, Own, Training, Trial
from study import evaluate as evaluate_command
from study import load as load_network
from study.pack.pack import make_pack
from study.record import Home, read
from study.train import pack_run
from study.train.measure.metrics import METRICS
from study.train.pack_run import PackRun


def gaussian_nll(y, covariance):
    """−log N(y; 0, covariance) of each row, in nats."""
    squares = (y @ np.linalg.inv(covariance) * y).sum(1)
    return 0.5 * (squares + np.linalg.slogdet(2 * np.pi * covariance)[1])


def linear_optimum(d=6, kappa=3, gamma=0.3):
    """Decoder, encoder and posterior variance of a linear VAE at its optimum for β = 1, and the data's covariance."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((d, kappa)))[0]
    variances = np.array([3.0, 1.5, 0.8])
    decoder = basis * np.sqrt(variances - gamma)
    encoder = basis * np.sqrt(variances - gamma) / variances
    covariance = gamma * np.eye(d) + decoder @ decoder.T
    return decoder, encoder, gamma / variances, covariance


def draws_of(y, encoder, decoder, variance, gamma, k):
    """Log weights (k, n) of k draws an example from q(z|y) = N(Vᵀy, diag variance)."""
    y, encoder, decoder = (torch.from_numpy(part) for part in (y, encoder, decoder))
    log_var = torch.from_numpy(variance).log().expand(k, len(y), -1)
    eps = torch.randn(k, len(y), len(variance), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z = y @ encoder + (0.5 * log_var).exp() * eps
    error = (y - z @ decoder.T).square().sum(-1)
    return log_weights(error, z, eps, log_var, torch.tensor(gamma, dtype=torch.float64)[None, None], y.shape[1])


def test_at_the_linear_optimum_every_draw_gives_the_exact_likelihood():
    decoder, encoder, variance, covariance = linear_optimum()
    y = np.random.default_rng(1).multivariate_normal(np.zeros(6), covariance, 50)
    weights = draws_of(y, encoder, decoder, variance, 0.3, k=5)
    assert float(weights.std(0).max()) < 1e-13
    assert nll(weights).numpy() == pytest.approx(gaussian_nll(y, covariance), abs=1e-12)


def test_with_a_wrong_posterior_the_bound_tightens_with_the_draws():
    decoder, encoder, variance, covariance = linear_optimum()
    y = np.random.default_rng(1).multivariate_normal(np.zeros(6), covariance, 200)
    exact = gaussian_nll(y, covariance).mean()
    excess = [
        float(nll(draws_of(y, 0.8 * encoder, decoder, 1.5 * variance, 0.3, k)).mean()) - exact for k in (1, 10, 1000)
    ]
    assert excess[0] > 2 * excess[1] > 4 * excess[2] > -0.01
    assert excess[2] < 0.02


DATA = LinearSubspace(d=6, eigenvalues=(4.0, 2.0), noise=0.1, n=400, n_test=300)


def trials_of(kappas=(2, 3), steps=1500, **changes):
    return [
        Trial(
            data=DATA,
            model=VAE(kappa=kappa, encoder=(), decoder=()),
            objective=Objective(gamma=gamma),
            training=Training(steps=steps, batch=100, lr=1e-2),
            seed=0,
            **changes,
        )
        for kappa in kappas
        for gamma in (Fixed(0.2), Learned(lr=1e-2))
    ]


def train(trials):
    run = PackRun(make_pack(trials, {}))
    while not run.done:
        run.advance(60)
    return run


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """Linear VAEs of two latents at the end of their training, and the home of their records."""
    home, trials = Home(tmp_path_factory.mktemp("linear")), trials_of(kappas=(2,))
    train(trials).commit(home)
    return home, trials


def commit_now_and_before(packs, tmp_path, monkeypatch, known):
    """Homes with the records of now, and with those of a time that knew these metrics; every pack is trained once."""
    homes = Home(tmp_path / "now"), Home(tmp_path / "before")
    runs = [train(trials) for trials in packs]
    for home, metrics in zip(homes, (METRICS, known), strict=True):
        monkeypatch.setattr(pack_run, "METRICS", metrics)
        for run in runs:
            run._results = None  # measured again, with other metrics
            run.commit(home)
    return homes


def values(home, metric):
    rows = [row for row in read(home, "evaluations").to_pylist() if row["metric"] == metric]
    return {row["trial_id"]: (row["value"], row["sample_size"], row["draws"]) for row in rows}


def test_a_trained_linear_vae_is_evaluated_at_its_likelihood(linear):
    """The covariance that a trained network implies, γI + UUᵀ, gives its exact likelihood."""
    home, trials = linear
    y = np.asarray(load(trials[0].data).test_y, float)
    for trial in trials:
        network = load_network(trial.trial_id, home)
        decoder, bias = (part.detach().double().numpy() for part in network.decoder[0].parameters())  # pyright: ignore
        row = next(row for row in read(home, "trials").to_pylist() if row["trial_id"] == trial.trial_id)
        covariance = row["gamma"] * np.eye(6) + decoder @ decoder.T
        value, size, draws = values(home, "iwae_nll")[trial.trial_id]
        assert (size, draws) == (300, 64)
        assert value == pytest.approx(gaussian_nll(y - bias, covariance).mean(), abs=0.02)
        assert value <= row["neg_elbo_test"] + 1e-6


def test_the_variance_of_samples_of_a_linear_decoder_is_that_of_its_weights(linear):
    """tr Cov(Uz + b) = ‖U‖² for z ~ N(0, I), and the standard error says how near 2,000 draws come."""
    home, _ = linear
    norms = read(home, "latents").to_pylist()
    for row in read(home, "evaluations").to_pylist():
        if row["metric"] == "sample_variance":
            exact = sum(latent["decoder_norm"] ** 2 for latent in norms if latent["trial_id"] == row["trial_id"])
            assert 0 < row["standard_error"] < 0.04 * exact
            assert abs(row["value"] - exact) < 4 * row["standard_error"]


def command(*arguments):
    words = [sys.executable, "-m", "study.evaluate", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)


def evaluate(home):
    """What the command does and prints, in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        evaluate_command.main(home=str(home))
    return text.getvalue()


def test_a_metric_that_old_records_lack_comes_from_the_weights(tmp_path, monkeypatch):
    trials, first = trials_of(steps=200), {"mmd_imq": METRICS["mmd_imq"]}
    now, before = commit_now_and_before([trials[:2], trials[2:]], tmp_path, monkeypatch, first)
    assert not values(before, "iwae_nll")
    result = command("--home", before)
    assert result.returncode == 0, result.stderr
    assert "4 trials evaluated" in result.stdout
    again, known = values(before, "iwae_nll"), values(now, "iwae_nll")
    assert again.keys() == known.keys()
    for trial_id, value in known.items():
        assert again[trial_id] == pytest.approx(value, rel=1e-6)
    assert "every trial with weights is evaluated" in evaluate(before)
    assert len(read(before, "evaluations")) == 4 * 4


def test_samples_outliers_and_autoencoders_have_the_metrics_that_are_theirs(tmp_path, monkeypatch):
    """A launch measures them, and where one is missing it is added, and nothing else."""
    autoencoder = VAE(kappa=2, encoder=(), decoder=(), post_var="none")
    plain = {"model": autoencoder, "objective": Objective(gamma=Fixed(0.5), beta=0)}
    outliers = LinearSubspace(d=6, noise=1.0, n=400, n_test=300, seed=1)
    first, *_ = trials_of(steps=200, samples=100, outliers=outliers)
    trials = [first, first.model_copy(update={"outliers": None}), first.model_copy(update=plain | {"samples": 0})]
    now, before = commit_now_and_before([[trial] for trial in trials], tmp_path, monkeypatch, {})
    assert "every trial with weights is evaluated" in evaluate(now)
    assert "3 trials evaluated" in evaluate(before)
    for metric in ("iwae_nll", "mmd_x", "mmd_x_null", "fd_x", "auroc", "auroc_pca"):
        known, again = values(now, metric), values(before, metric)
        assert known
        assert again.keys() == known.keys()
        for trial_id, value in known.items():
            assert again[trial_id][0] == pytest.approx(value[0], rel=1e-5)
            assert again[trial_id][1:] == value[1:]


PACKAGED = """
import nowhere
from torch import nn


class Packaged(nn.Module):
    def __init__(self, d, kappa):
        super().__init__()
        if nowhere.VERSION != 1:
            raise ValueError("declared with nowhere 1")
        self.mu, self.log_var, self.out = nn.Linear(d, kappa), nn.Linear(d, kappa), nn.Linear(kappa, d)

    def encode(self, x):
        return self.mu(x), self.log_var(x)

    def decode(self, z):
        return self.out(z)
"""


def test_a_network_whose_package_is_another_one_or_is_gone_is_one_sentence(tmp_path, monkeypatch):
    package = ModuleType("nowhere")
    package.VERSION = 1  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "nowhere", package)
    model = Own(kappa=2, name="Packaged", source=PACKAGED)
    trial = trials_of(kappas=(2,), steps=5)[0].model_copy(update={"model": model})
    monkeypatch.setattr(pack_run, "METRICS", {})
    train([trial]).commit(Home(tmp_path))
    package.VERSION = 2  # pyright: ignore[reportAttributeAccessIssue]
    for said in ("declared with nowhere 1", "Packaged imports nowhere, which is not installed here: install it"):
        with contextlib.redirect_stderr(io.StringIO()) as text, pytest.raises(Exit) as ended:
            evaluate_command.main(home=str(tmp_path))
        assert ended.value.exit_code == 2
        assert f"trial {trial.trial_id} cannot be built here: " in text.getvalue()
        assert said in text.getvalue()
        monkeypatch.delitem(sys.modules, "nowhere", raising=False)


def test_an_unknown_study_is_one_sentence(tmp_path):
    result = command("nothing", "--home", tmp_path)
    assert result.returncode == 2
    assert result.stderr == f"error: {tmp_path} holds no study nothing (it holds none)\n"
