"""Early stopping: by held-out training examples, each trial by itself, exactly where a plain loop would stop it."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch_training import train_with_torch
from trained_rows import take_steps
from trained_stacks import train_stack

from models.data.load import load
from models.streams import draws, stream
from study import (
    VAE,
    Annealed,
    Constant,
    Digits,
    Fixed,
    ImageVAE,
    Learned,
    LinearSubspace,
    Objective,
    Optimal,
    Patience,
    StudentT,
    Training,
    Trial,
)
from study.pack.cost import cost
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.step.early_stopping import rows_of

DATA = LinearSubspace(d=6, eigenvalues=(4.0, 2.0), noise=0.5, n=80, n_test=16)


def trial_of(lr=0.05, seed=0, beta=0.1, steps=200, gamma=None, stop=None, halves=(1.0, 1.0), **settings: Any):
    """A trial that soon overfits, or that gets no better."""
    stop = Patience(**{"checks": 2, "every": 5, "held_out": 0.25} | (stop or {}))
    length: Any = {"steps": steps, "batch": 20, "lr": lr, "dtype": "float64", "schedule": Constant(), "stop": stop}
    return Trial(
        data=DATA,
        model=VAE(kappa=3, encoder=(16,), decoder=(16,), log_var_scale=0.1),
        objective=Objective(gamma=gamma or Learned(), beta=beta, mean_weight=halves[0], variance_weight=halves[1]),
        training=Training(**length | settings),
        seed=seed,
    )


class Watch:
    """The plain way: after every five steps the mean over the held-out rows, and a count of checks without a new best."""

    def __init__(self, trial):
        self.stop, self.objective = trial.training.stop, trial.objective
        self.x = torch.from_numpy(load(DATA).train).double()
        order = torch.randperm(80, generator=stream(0, "held out"))
        self.held, self.kept = order[:20].sort().values, order[20:].sort().values
        self.eps = draws([stream(trial.seed, "held out")], 20, 3, torch.float64)[0]
        self.best, self.misses, self.at = math.inf, 0, -1

    def __call__(self, step, network, log_gamma):
        if not step or step % self.stop.every:
            return False
        value = float(self.value(network, log_gamma.detach()))
        if value < self.best - self.stop.min_delta - (1e-6 * abs(self.best) if math.isfinite(self.best) else 0):
            self.best, self.misses = value, 0
        else:
            self.misses += 1
        self.at = step if self.misses >= self.stop.checks else -1
        return self.at >= 0

    @torch.no_grad()
    def value(self, network, log_gamma):
        x = self.x[self.held]
        mu, log_var = network.encode(x)
        error = ((x - network.decode(mu + (0.5 * log_var).exp() * self.eps)) ** 2).sum(1).mean()
        halves = 0.5 * torch.stack([mu**2, log_var.exp() - 1 - log_var]).sum(-1).mean(-1)
        counted = self.objective.mean_weight * halves[0] + self.objective.variance_weight * halves[1]
        fit = error / (2 * log_gamma.exp()) + 3 * log_gamma
        values = {"neg_elbo": fit + halves.sum(), "objective": fit + self.objective.beta * counted, "distortion": error}
        return values[self.stop.on]


def varied(on, count):
    return [
        trial_of(
            lr=0.01 * (1 + i % 7),
            seed=i % 4,
            beta=(0.1, 1.0)[i % 2],
            halves=(0.5, 2.0) if i == 4 else (1.0, 1.0),
            stop={"on": on, "checks": 1 + i % 3, "min_delta": (0.0, 0.02)[i // 2 % 2]},
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("on", ["neg_elbo", "objective", "distortion"])
def test_a_trial_stops_where_a_plain_loop_stops_it_in_packs_of_every_size(on):
    trials = varied(on, 64)
    assert len({trial.pack_key for trial in trials}) == 1
    together, _ = train_stack(trials)
    at = together.ended_at.tolist()
    assert len(set(at)) > 5
    assert max(at) > 0
    for size in (1, 3):
        packs = [train_stack(trials[start : start + size])[0].ended_at for start in range(0, 6, size)]
        assert torch.cat(packs).tolist() == at[:6]
    for place in range(6):
        watch = Watch(trials[place])
        found = train_with_torch(trials[place], watch.kept, watch)
        assert watch.at == at[place]
        assert together.early_stopping is not None
        assert watch.best == pytest.approx(float(together.early_stopping._best[place]), rel=1e-8)
        assert float(found["log_gamma"]) == pytest.approx(float(together.stack.log_gamma.detach()[place]), rel=1e-8)


def test_a_stopped_trial_stays_where_it_stood_and_its_neighbours_do_not_notice():
    """Its weights are those of the same training with so many steps, to the last bit."""
    stopping, going = trial_of(), trial_of(seed=1, stop={"checks": 38})
    both, _ = train_stack([stopping, going])
    at = int(both.ended_at[0])
    assert 0 < at < 200
    assert both.ended_at[1] == -1
    assert both.step == 200
    until = [trial_of(steps=at), trial_of(seed=1, steps=at)]
    assert torch.equal(train_stack(until)[0].stack.numbers[0], both.stack.numbers[0])
    never = [trial_of(stop={"checks": 38}), going]
    assert torch.equal(train_stack(never)[0].stack.numbers[1], both.stack.numbers[1])


def test_a_pack_ends_with_its_last_trial_and_the_record_says_why(tmp_path):
    trials = [trial_of(seed=seed) for seed in (0, 1)] + [trial_of(lr=1e6, seed=0)]
    run = PackRun(make_pack(trials, {}))
    run.advance(60)
    assert run.done
    assert run.training.step < 200
    run.commit(Home(tmp_path))
    first, second, fallen = read(Home(tmp_path), "trials").to_pylist()
    assert (first["status"], second["status"], fallen["status"]) == ("finished", "finished", "diverged")
    assert first["stopped_at"] in range(5, 200, 5)
    assert first["stop_reason"] == "neg_elbo of held-out examples did not fall in 2 checks, one every 5 steps"
    assert (fallen["stopped_at"], fallen["stop_reason"], first["diverged_at"], first["error"]) == (None,) * 4
    steps = [row["step"] for row in read(Home(tmp_path), "curves").to_pylist() if row["trial_id"] == first["trial_id"]]
    assert max(steps) < first["stopped_at"]


def test_a_training_that_stops_resumes_to_the_last_bit():
    trials = [trial_of(), trial_of(seed=1, stop={"checks": 38}), trial_of(lr=0.02), trial_of(lr=1e6)]
    whole = PackRun(make_pack(trials, {}))
    take_steps(whole, 200)
    assert sorted(whole.training.ended_at.tolist())[:1] == [-1]
    for stop in (33, int(whole.training.ended_at[0]) + 7):
        half, again = PackRun(make_pack(trials, {})), PackRun(make_pack(trials, {}))
        take_steps(half, stop)
        again.go_to({name: value.copy() for name, value in half.state().items()}, 0.0)
        take_steps(again, 200)
        for name, value in whole.state().items():
            assert np.array_equal(value, again.state()[name], equal_nan=True), name


def test_held_out_examples_are_in_no_minibatch_and_the_same_for_all():
    kept, held = rows_of(Patience(held_out=0.2), 50)
    assert (len(kept), len(held)) == (40, 10)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(50))
    assert len(rows_of(Patience(), 100_000)[1]) == 2000
    training, _ = train_stack([trial_of(steps=20)])
    table, batches = training._minibatches._kept, training._minibatches._batches
    assert table is not None
    seen = {int(row) for _ in range(20) for row in table[next(batches)[0]].flatten()}
    assert seen == set(rows_of(Patience(held_out=0.25), 80)[0].tolist())


def test_checks_wait_for_the_end_of_the_warm_up_of_beta():
    stop = {"checks": 1, "min_delta": 1e6}  # never a fall: the second check stops it
    plain, warm = (train_stack([trial_of(stop=stop, warm_up=w)])[0].ended_at.tolist() for w in (0.0, 0.5))
    assert (plain, warm) == ([10], [105])


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": Objective(gamma=Optimal(), beta=0.5)},
        {"objective": Objective(gamma=Learned(), likelihood=StudentT(freedom=4))},
        {"objective": Objective(gamma=Fixed(0.1), beta=0), "model": VAE(kappa=3, post_var="none")},
        {"data": Digits(), "model": ImageVAE(kappa=2, channels=(4,), blocks=1)},
    ],
)
def test_every_kind_of_trial_can_stop(changes):
    trial = trial_of(stop={"min_delta": 1e6, "held_out": 0.05}, dtype="float32").model_copy(update=changes)
    assert train_stack([trial])[0].ended_at.tolist() == [15]


def test_a_stage_on_draws_stops_as_well(tmp_path):
    first = trial_of(steps=20)
    second = first.model_copy(
        update={
            "after": first,
            "training": trial_of(stop={"min_delta": 1e6}).training,
            "objective": Objective(gamma=Fixed(1.0)),
        }
    )
    home = Home(tmp_path)
    for trial in (first, second):
        run = PackRun(make_pack([trial], {}), home=home)
        run.advance(60)
        run.commit(home)
    assert [row["stopped_at"] for row in read(home, "trials").to_pylist()] == [None, 15]


def test_what_is_no_number_of_a_trials_own_keeps_packs_apart():
    key = trial_of().pack_key
    assert trial_of(stop={"checks": 9, "min_delta": 0.5}).pack_key == key
    for stop in ({"on": "distortion"}, {"every": 7}, {"held_out": 0.5}):
        assert trial_of(stop=stop).pack_key != key
    plain = trial_of().model_copy(update={"training": Training(steps=200, batch=20)})
    assert cost(trial_of()) > cost(trial_of(stop={"every": 50})) > cost(plain)


def test_a_stop_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="stop would end a trial before its γ is annealed"):
        trial_of(gamma=Annealed(1.0, 0.1))
    with pytest.raises(ValueError, match="stop holds out all of the 1 training examples"):
        Training(steps=5, stop=Patience()).on(1)
