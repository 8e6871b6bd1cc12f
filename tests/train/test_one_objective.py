"""J is one function: replaced, it is another for the training step, the record, the probes and the benchmarks alike."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
from trained_stacks import train_stack

from benchmarks import convolutions
from benchmarks.networks import NETWORKS
from benchmarks.plain_loop import PlainLoop
from models.loss import objective as loss
from models.metrics.iwae import log_normal
from models.probes.exact_linear import expected_loss, moments_of
from models.specs import (
    Annealed,
    Bernoulli,
    DecodedPerPixel,
    Digits,
    Fixed,
    Learned,
    Objective,
    Optimal,
    PerImage,
    PerPixel,
    StudentT,
)
from models.specs import Training as Settings
from models.specs.groundwork import Conventions
from models.specs.penalties import LogTransform
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.probe_run import probe

SHIFT = 1000.0


def refusing():
    """What is called in here must run into `raising`."""
    return pytest.raises(NotImplementedError, match="replaced")


def raising(*_, **__):
    raise NotImplementedError("replaced")


def shifted(misfit, rate, beta):
    return misfit + beta * rate + 1000.0


@pytest.fixture
def put_in_place(monkeypatch):
    """Give a function other lines: whoever imported it, and under whatever name, then runs these."""

    def put(function, other):
        monkeypatch.setattr(inspect.unwrap(function), "__code__", other.__code__)

    return put


def a_run(trials):
    return PackRun(make_pack(trials, {}))


def recorded(trial, home, before_the_record=lambda: None):
    """The first logged J of a trial, its record, after `before_the_record`."""
    run = a_run([trial])
    while not run.done:
        run.advance(60)
    before_the_record()
    run.commit(home)
    (row,) = read(home, "trials").to_pylist()
    return float(run.training.curves.points[0][1]["objective"][0]), row


def test_another_j_is_another_in_step_record_and_probe(make_trial, tmp_path, put_in_place):
    trial = make_trial(gamma=Fixed(0.5), beta=2.0, steps=3)
    step, row = recorded(trial, Home(tmp_path / "before"))
    literature = probe(Conventions(), 0).numbers
    put_in_place(loss.objective, shifted)
    moved_step, moved = recorded(trial, Home(tmp_path / "after"))
    assert moved_step == pytest.approx(step + SHIFT, rel=1e-6)
    for name in ("objective_train", "objective_test", "neg_elbo_test"):
        assert moved[name] == pytest.approx(row[name] + SHIFT, rel=1e-12)
    assert moved["distortion_train"] == row["distortion_train"]  # a constant trains nothing
    other = probe(Conventions(), 0).numbers
    for name in ("j", "j_unit", "j_plain", "j_half", "j_best", "j_graph", "j_optimal", "j_recorded"):
        assert other[name] == pytest.approx(literature[name] + SHIFT, rel=1e-9)
    for name in ("eq3", "bound", "wz", "summed", "j_written", "j_recorded_written"):
        assert other[name] == literature[name]  # each from its own definition


OBJECTIVES = {
    "fixed": Objective(gamma=Fixed(0.5)),
    "learned": Objective(gamma=Learned()),
    "optimal": Objective(gamma=Optimal()),
    "annealed": Objective(gamma=Annealed(1.0, 0.1)),
    "per pixel": Objective(gamma=PerPixel()),
    "per image": Objective(gamma=PerImage()),
    "per pixel, decoded": Objective(gamma=DecodedPerPixel()),
    "student t": Objective(gamma=Fixed(0.5), likelihood=StudentT()),
    "bernoulli": Objective(likelihood=Bernoulli()),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_gamma_mode_and_likelihood_trains_and_is_recorded_by_it(name, make_trial, tmp_path, put_in_place):
    trial = make_trial(data=Digits(binary=name == "bernoulli"), steps=2)
    trial = trial.model_copy(update={"objective": OBJECTIVES[name]})
    run = a_run([trial])
    with refusing():
        recorded(trial, Home(tmp_path), lambda: put_in_place(loss.objective, raising))
    with refusing():
        run.advance(60)


@pytest.mark.parametrize(
    "name", ["fixed", "learned", "optimal", "annealed", "per pixel", "per image", "per pixel, decoded"]
)
def test_every_normal_likelihood_has_the_one_misfit(name, make_trial, put_in_place):
    trial = make_trial(data=Digits(), steps=2)
    run = a_run([trial.model_copy(update={"objective": OBJECTIVES[name]})])
    put_in_place(loss.misfit, raising)
    with refusing():
        run.advance(60)


def the_linear_optimum():
    matrices = (torch.eye(3, dtype=torch.float64)[None], torch.eye(3, dtype=torch.float64)[None])
    logarithms = torch.zeros(1, 3, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    return expected_loss(moments_of(torch.from_numpy(np.eye(3))), *matrices, *logarithms, 1.0)


def a_convolutional_pack():
    network = replace(convolutions.NETWORKS["8-small"], training=Settings(steps=2, batch=8))
    return convolutions.CarriedPack([network.trial(Fixed(0.1), 1.0, 0)], "together", "cpu")


SMALL = NETWORKS["5-8-5"].trials(1, (Learned(),))
USERS = {
    "conventions": lambda: probe(Conventions(), 0),
    "linear minimum": the_linear_optimum,
    "a pack": lambda: train_stack(SMALL),
    "plain loop": lambda: PlainLoop(SMALL[0]).advance(1),
    "convolutions": lambda: a_convolutional_pack().advance(1),
}


@pytest.mark.parametrize("part", [loss.objective, loss.misfit], ids=["objective", "misfit"])
@pytest.mark.parametrize("user", USERS)
def test_probes_and_benchmarks_have_no_other(user, part, put_in_place):
    put_in_place(part, raising)
    with refusing():
        USERS[user]()


def test_densities_and_lemmas_have_no_other_misfit(make_trial, put_in_place):
    _, measure = train_stack([make_trial(steps=2)])
    put_in_place(loss.misfit, raising)
    one = torch.ones(1, dtype=torch.float64)
    for work in (lambda: log_normal(one, one, 2), lambda: probe(LogTransform(), 0), lambda: list(measure.iwae())):
        with refusing():
            work()
