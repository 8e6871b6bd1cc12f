"""Loss terms and metrics of the user's own: exact, alike in every company, recorded, and part of the identity."""

from typing import Any

import numpy as np
import own_functions as own
import pytest
import torch
from user_modules import write_module

from models.data.load import load
from models.loss.objective import objective
from models.specs.own_functions import OwnMetric, OwnTerm
from models.streams import Batches
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.rehearsal import rehearse
from study.train.stack.build import build_stack
from study.train.weights import load as load_network

TERMS = [own.shrink, own.everything, own.of_the_batch, own.branching, own.noisy]


def trained(*trials):
    run = PackRun(make_pack(trials, {}))
    while not run.done:
        run.training.take_step()
    return run


@pytest.mark.parametrize("function", TERMS)
def test_a_term_is_minimised_alike_in_every_company(function):
    trials = [own.trial(OwnTerm.of(function, weight=w), seed=s) for w, s in ((0.1, 0), (0.2, 1), (0.0, 0))]
    pack = trained(*trials).training.stack.numbers
    for place, trial in enumerate(trials):
        alone = trained(trial).training.stack.numbers[0]
        torch.testing.assert_close(pack[place], alone, rtol=1e-9, atol=1e-12)
    assert len({trial.pack_key for trial in trials}) == 1
    without = trained(own.trial()).training.stack.numbers[0]
    torch.testing.assert_close(pack[2], without, rtol=1e-9, atol=1e-12)  # of weight 0
    assert not torch.allclose(pack[0], without)


def test_the_gradient_is_that_of_the_term():
    """Of J + w·mean(term), by an independent derivative through the network that the trial starts from."""
    trial = own.trial(OwnTerm.of(own.everything, weight=0.3), steps=1)
    stack, _ = build_stack([trial], load(own.DATA), torch.device("cpu"))
    run = PackRun(make_pack([trial], {}))
    run.training.take_step()
    with torch.no_grad():
        x = torch.tensor(load(own.DATA).train, dtype=torch.float64)
    rows, eps = _first_minibatch(trial)
    x = x[rows]
    network_mu, network_log_var = stack.encode(x[None])
    z = network_mu + (0.5 * network_log_var).exp() * eps
    mean = stack.decode(z)
    rate = 0.5 * (network_mu**2 + network_log_var.exp() - 1 - network_log_var).sum(-1)
    j = objective((mean - x).square().sum(-1) / (2 * 0.5) + x.shape[1] / 2 * np.log(0.5), rate, 1.0)
    term = own.everything(x[None].clone(), x[None], mean, z, network_mu, network_log_var, 0)
    expected = (j + 0.3 * term).mean(-1)
    value = run.training.curves.points[0][1]["objective"]
    torch.testing.assert_close(value, expected.detach(), rtol=1e-10, atol=0)
    theirs = torch.autograd.grad(expected.sum(), stack.trained[:-1])
    for a, b in zip(run.training._optimiser.blocks[0].gradient.columns(), theirs, strict=False):
        torch.testing.assert_close(a, b.flatten(1), rtol=1e-8, atol=1e-12)


def _first_minibatch(trial):
    streams = Batches([trial.weights_seed], trial.data.n_train, 16, 3, torch.float64, torch.device("cpu"))
    rows, eps = next(streams)
    return rows[0], eps[0]


def test_terms_and_metrics_are_recorded_with_unit_and_meaning(tmp_path):
    home = Home(tmp_path / "home")
    terms = OwnTerm.of(own.shrink, weight=0.1), OwnTerm.of(own.size, weight=0.01, power=4)
    trials = [own.trial(*terms, metrics=(own.OVERLAP, own.ERROR), seed=seed) for seed in (0, 1)]
    run = trained(*trials)
    run.commit(home)
    rows = read(home, "evaluations").to_pylist()
    for trial in trials:
        found = {row["metric"]: row["value"] for row in rows if row["trial_id"] == trial.trial_id}
        network: Any = load_network(trial.trial_id, home)
        data = load(own.DATA)
        test = torch.tensor(np.asarray(data.test), dtype=torch.float64)
        with torch.no_grad():
            mu, log_var = network.encode(test)
            expected = torch.corrcoef(mu.T).fill_diagonal_(0).abs().max()
            distortion = (network.decode(mu) - test).square().sum(-1).mean()
        assert found["overlap"] == pytest.approx(float(expected))
        assert found["own_error"] == pytest.approx(float(distortion))
        assert found["n_rows"] == 64
        assert found["size_test"] == pytest.approx(float(mu.pow(4).sum(-1).mean()))
        assert found["shrink_test"] == pytest.approx(float((log_var.exp() + mu**2).sum(-1).mean()), rel=0.3)
        assert {"shrink_train", "size_train"} <= found.keys()


def test_a_training_with_a_term_that_draws_goes_on_to_the_same_bits():
    trial = own.trial(OwnTerm.of(own.noisy, weight=0.2))
    whole = trained(trial)
    first = PackRun(make_pack([trial], {}))
    for _ in range(5):
        first.training.take_step()
    state = {name: value.copy() for name, value in first.state().items()}
    second = PackRun(make_pack([trial], {}))
    second.go_to(state, 0.0)
    while not second.done:
        second.training.take_step()
    assert torch.equal(whole.training.stack.numbers, second.training.stack.numbers)


def test_identity_is_source_weight_options_and_names():
    shrink = OwnTerm.of(own.shrink)
    trials = [
        own.trial(),
        own.trial(shrink),
        own.trial(OwnTerm.of(own.shrink, weight=2)),
        own.trial(OwnTerm.of(own.shrink, power=3)),
        own.trial(OwnTerm.of(own.noisy)),
        own.trial(metrics=(own.OVERLAP,)),
        own.trial(metrics=(OwnMetric.of(own.overlap, {"overlap": ("-", "x"), "n_rows": ("-", "y")}, power=2),)),
    ]
    assert len({trial.trial_id for trial in trials}) == len(trials)
    described = OwnMetric.of(own.overlap, {"overlap": ("1", "in other words"), "n_rows": ("-", "rows")})
    assert own.trial(metrics=(described,)).trial_id == own.trial(metrics=(own.OVERLAP,)).trial_id
    assert trials[1].pack_key == trials[2].pack_key
    assert len({trial.pack_key for trial in (trials[0], trials[1], trials[3], trials[4], trials[5])}) == 5


def test_what_cannot_be_a_term_or_a_metric_is_refused_when_it_is_declared():
    def term(x, other): ...

    def metric(data): ...

    for declare, words in (
        (lambda: OwnTerm.of(term), "term takes other, which nobody gives: make it an option"),
        (lambda: OwnTerm.of(own.shrink, strength=1), "shrink takes no argument strength"),
        (lambda: OwnMetric.of(metric, {"a": ("-", "a")}), "metric takes data: a metric takes"),
        (lambda: OwnMetric.of(own.error, {}), "error measures nothing"),
        (lambda: OwnMetric.of(own.error, {"a b": ("-", "a")}), "a metric cannot be called 'a b'"),
        (lambda: own.trial(metrics=(own.ERROR, own.ERROR)), "two metrics are called own_error"),
        (
            lambda: own.trial(metrics=(OwnMetric.of(own.error, {"iwae_nll": ("-", "a")}),)),
            "two metrics are called iwae",
        ),
        (lambda: own.trial(OwnTerm.of(own.noisy), OwnTerm.of(own.noisy)), "two metrics are called noisy_train"),
    ):
        with pytest.raises(ValueError, match=words):
            declare()


CHANGING = """
def popping(network, data, counts):
    return float(counts.pop())


def adding(mu, weights):
    weights[0] += 1
    return weights[0] * mu.pow(2).sum(-1)


def reading(mu):
    return mu.pow(2).sum(-1) * len(open("w.txt").read())


def scored(network, data):
    import os
    return float(os.getenv("SCORE", "1"))
"""


def test_options_that_a_function_changes_stay_as_they_were_declared(tmp_path):
    module = write_module(tmp_path, CHANGING)
    metric = OwnMetric.of(module.popping, {"popped": ("-", "the last")}, counts=[1, 2])
    trial = own.trial(OwnTerm.of(module.adding, weights=[0]), metrics=(metric,))
    identity = trial.trial_id
    run = trained(trial, own.trial(OwnTerm.of(module.adding, weights=[0]), metrics=(metric,), seed=1))
    run.commit(Home(tmp_path / "home"))
    assert (metric.options, trial.objective.terms[0].options) == ({"counts": [1, 2]}, {"weights": [0]})
    assert type(trial).model_validate_json(trial.model_dump_json()).trial_id == identity
    found = read(Home(tmp_path / "home"), "evaluations").to_pylist()
    assert {row["value"] for row in found if row["metric"] == "popped"} == {2.0}


def test_what_a_function_reads_must_be_declared(tmp_path, monkeypatch):
    module = write_module(tmp_path, CHANGING)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.txt").write_text("1")
    (fault,) = rehearse(own.trial(OwnTerm.of(module.reading))).faults
    assert fault.endswith(
        f"reading reads {tmp_path / 'w.txt'}, which no declaration holds: give what it says as an option"
    )
    (fault,) = rehearse(own.trial(metrics=(OwnMetric.of(module.scored, {"score": ("-", "x")}),))).faults
    assert "reads the environment variable SCORE" in fault
