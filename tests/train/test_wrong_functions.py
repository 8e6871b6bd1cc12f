"""What is wrong with a loss term or metric is said by its name before anything starts; a late failure costs no result."""

import numpy as np
import own_functions as own
from user_modules import write_module

from study import OwnMetric, OwnTerm
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.rehearsal import rehearse

FAULTY = """
import numpy as np
import torch


def missing(z):
    return z.foo()


def infinite(mu):
    return (mu.abs() - mu.abs()).log().sum(-1)


def steep(mu):
    return (0 * mu).square().sum(-1).sqrt()


def unseeded(mu):
    return mu.sum(-1) * float(np.random.default_rng().random())


def detached(mu):
    return mu.detach().abs().sum(-1)


def few(network, data):
    assert len(data.test) < 20, "too many rows"
    return 1.0


def drawn(network, data):
    return np.random.default_rng().random()


def nowhere(network, data):
    return float("nan")


def late(network, data):
    if network.trial.seed:
        raise ArithmeticError("seed 1")
    return 1.0
"""


def test_what_is_wrong_with_a_term_or_metric_is_said_of_that_one_before_anything_starts(tmp_path):
    module = write_module(tmp_path, FAULTY)
    for name, words in {
        "missing": "raises AttributeError: 'Tensor' object has no attribute 'foo': fix `return z.foo()`",
        "infinite": "is not finite on a few rows",
        "steep": "has a gradient that is not finite",
        "unseeded": "gives other numbers when it is called again: draw with torch.rand",
    }.items():
        (fault,) = rehearse(own.trial(OwnTerm.of(getattr(module, name)))).faults
        assert fault.startswith(f"{name} {words}")
    for name, words in {
        "few": "raises AssertionError: too many rows: fix `assert len(data.test) < 20",
        "drawn": "gives other numbers when it is called again: seed what it draws",
    }.items():
        (fault,) = rehearse(own.trial(metrics=(OwnMetric.of(getattr(module, name), {"m": ("-", "x")}),))).faults
        assert fault.startswith(f"{name} {words}")


def test_terms_without_a_gradient_and_metrics_without_a_number_are_told(tmp_path):
    module = write_module(tmp_path, FAULTY)
    metric = OwnMetric.of(module.nowhere, {"m": ("-", "x")})
    found = rehearse(own.trial(OwnTerm.of(module.detached), metrics=(metric, own.ERROR)))
    assert not found.faults
    assert [note.split(":")[0] for note in found.notes] == [
        "detached has no gradient, so it is recorded and changes no training",
        "nowhere gives nan for m after a few steps on a few rows",
    ]
    assert not rehearse(own.trial(OwnTerm.of(module.detached, weight=0))).notes


def test_a_metric_that_fails_in_the_end_costs_no_result(tmp_path):
    module, home = write_module(tmp_path, FAULTY), Home(tmp_path / "home")
    metrics = (OwnMetric.of(module.late, {"late": ("-", "x")}), own.ERROR)
    run = PackRun(make_pack([own.trial(metrics=metrics, seed=seed) for seed in (0, 1)], {}))
    while not run.done:
        run.advance(1.0)
    run.commit(home)
    rows = {row["seed"]: row for row in read(home, "trials").to_pylist()}
    assert [rows[seed]["status"] for seed in (0, 1)] == ["finished", "finished"]
    assert rows[0]["error"] is None
    assert rows[1]["error"] == "late raises ArithmeticError: seed 1: fix `raise ArithmeticError('seed 1')`"
    values = {(row["metric"], row["seed"]): row["value"] for row in read(home, "evaluations").to_pylist()}
    assert values["late", 0] == 1.0
    assert values["late", 1] is None
    assert np.isfinite(values["own_error", 1])
