"""Packs: the fast way to train must change no trial, and spread no failure."""

import math
import subprocess
import sys
from itertools import islice

import pytest
import torch
from reference_loop import train_alone
from trained_stacks import trained

from models.data.load import load
from models.networks.build import Methods, build
from models.streams import Batches, minibatches, noise
from study import (
    VAE,
    Annealed,
    Digits,
    Fixed,
    ImageVAE,
    Learned,
    LinearMap,
    LinearSubspace,
    Objective,
    Optimal,
    Own,
    PlantedManifold,
    Training,
    Trial,
)
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun
from study.train.stack import stack as packed_stack

MODES = (Fixed(0.5), Learned(lr=1e-2), Optimal(), Annealed(1.0, 0.05))


def in_packs_of(trials, size):
    """Every trial's numbers, trained in packs of `size`."""
    numbers = {}
    for start in range(0, len(trials), size):
        pack = trials[start : start + size]
        _, measure = trained(pack)
        for i, trial in enumerate(pack):
            numbers[trial.trial_id] = {
                "distortion": float(measure.train.distortion[i]),
                "distortion_of_mean": float(measure.train.distortion_of_mean[i]),
                "rate": float(measure.train.rate[i]),
                "gamma": float(measure.gamma[i]),
                "n_active": int((measure.train.variance[i] < 0.5).sum()),
            }
    return numbers


@pytest.fixture(scope="module")
def varied_trials():
    """64 trials of one shape: every γ mode, two β, two learning rates, four seeds; trained to convergence."""
    return [
        Trial(
            data=LinearSubspace(d=8, eigenvalues=(4.0, 2.0, 1.0), noise=0.05, n=500, n_test=200),
            model=VAE(kappa=4, encoder=(16,), decoder=(16,), log_var_scale=0.1),
            objective=Objective(gamma=gamma, beta=beta),
            training=Training(steps=120, batch=100, lr=lr),
            seed=seed,
        )
        for gamma in MODES
        for beta in (1.0, 2.0)
        for lr in (3e-3, 5e-3)
        for seed in range(2)
    ]


def test_packing_changes_no_trial(varied_trials):
    """Packs of 1, 3 and all of them agree with a plain loop of one module and torch.optim.Adam, to 1e-3 relative."""
    stacked = {size: in_packs_of(varied_trials, size) for size in (1, 3, len(varied_trials))}
    for trial in varied_trials:
        alone = train_alone(trial)
        for size in stacked:
            assert stacked[size][trial.trial_id] == pytest.approx(vars(alone), rel=1e-3), (trial, size)


@pytest.mark.parametrize("skip", ["none", "affine", "residual", "concat"])
def test_every_skip_trains_in_a_pack_as_it_does_alone(make_trial, skip):
    model = VAE(kappa=3, encoder=(12,), decoder=(12, 12), skip=skip, log_var_scale=0.1)
    trials = [make_trial(gamma=gamma, model=model, seed=seed) for gamma in MODES for seed in (0, 1)]
    stacked = in_packs_of(trials, 8)
    for trial in trials:
        assert stacked[trial.trial_id] == pytest.approx(vars(train_alone(trial)), rel=1e-3)


@pytest.mark.parametrize("post_var", ["amortised", "shared", (0.5, 0.1, 1.0)])
def test_targets_and_every_posterior_variance_train_in_a_pack_as_they_do_alone(post_var):
    """Linear networks from x to y ≠ x, of other dimensions, with a prior that is not N(0, I)."""
    trials = [
        Trial(
            data=LinearMap(d=4, zeta2=(4.0, 1.0), inputs=(2.0, 0.5), noise=0.1, n=400, n_test=100),
            model=VAE(kappa=3, encoder=(), decoder=(), post_var=post_var, prior_std=1.5),
            objective=Objective(gamma=gamma, beta=0.5),
            training=Training(steps=400, batch=64, lr=1e-2),
            seed=seed,
        )
        for gamma in MODES
        for seed in (0, 1)
    ]
    stacked = in_packs_of(trials, 8)
    for trial in trials:
        assert stacked[trial.trial_id] == pytest.approx(vars(train_alone(trial)), rel=1e-3)


@pytest.mark.parametrize("skip", ["none", "affine", "residual", "concat"])
def test_stacked_layers_and_vmap_are_two_ways_to_one_result(make_trial, skip, monkeypatch):
    model = VAE(kappa=3, encoder=(12,), decoder=(12, 12), skip=skip, log_var_scale=0.1, log_var_range=(-20, 5))
    trials = [make_trial(gamma=gamma, model=model, seed=seed) for gamma in MODES for seed in (0, 1)]
    together = trained(trials)[0].stack
    monkeypatch.setattr(packed_stack, "GaussianVAE", torch.nn.Identity)  # no network is ours now
    one_by_one = trained(trials)[0].stack
    assert together._together is not None
    assert one_by_one._together is None
    for name, weights in one_by_one.weights().items():
        assert torch.allclose(together.weights()[name], weights, rtol=1e-3, atol=1e-4), name
    assert torch.allclose(together.log_gamma, one_by_one.log_gamma, rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("batch", "kappa"), [(64, 2), (20, 3), (5, 2), (300, 4)])
def test_drawing_ahead_changes_no_draw(batch, kappa, dtype):
    """To the last bit, over several epochs and blocks: 16 normal draws a group, whole groups or not, or fewer than one."""
    seeds, n = (0, 7), 200
    ahead = Batches(seeds, n, batch, kappa, dtype, torch.device("cpu"))
    orders = [minibatches(seed, n, batch) for seed in seeds]
    noises = [noise(seed, min(batch, n), kappa, dtype) for seed in seeds]
    for rows, eps in islice(ahead, 150):
        assert torch.equal(rows, torch.stack([next(order) for order in orders]))
        assert torch.equal(eps, torch.stack([next(draws) for draws in noises]))


@pytest.mark.parametrize("at", [0, 1, 63, 64, 65, 99, 100, 101, 200])
def test_streams_go_on_from_where_they_stood(at):
    """Before the first batch, within a block, at its end, at an epoch's end and behind it; and a second time."""
    sizes = ((0, 7), 300, 3, 5, torch.float32, torch.device("cpu"))
    first = Batches(*sizes)
    for _ in islice(first, at):
        pass
    state, expected = first.state(), list(islice(first, 130))
    second = Batches(*sizes)
    next(second)
    second.go_to(state)
    assert all(torch.equal(second.state()[name], place) for name, place in state.items())
    for ours, theirs in zip(islice(second, 130), expected, strict=True):
        assert all(map(torch.equal, ours, theirs))
    assert all(torch.equal(second.state()[name], place) for name, place in first.state().items())


def test_a_trial_that_diverges_is_a_result_and_its_neighbours_do_not_notice(make_trial, tmp_path):
    good = [make_trial(gamma=gamma, seed=seed) for gamma in MODES for seed in (0, 1)]
    absurd = make_trial(lr=1e6)
    home = Home(tmp_path)
    run = PackRun(make_pack([*good[:3], absurd, *good[3:]], {}))
    while not run.done:
        run.advance(10)
    run.commit(home)
    rows = {row["trial_id"]: row for row in read(home, "trials").to_pylist()}
    fallen = rows.pop(absurd.trial_id)
    assert fallen["status"] == "diverged"
    assert fallen["error"].startswith(f"step {fallen['diverged_at']}: the objective J")
    assert 0 < fallen["diverged_at"] < absurd.training.steps
    steps = {row["step"] for row in read(home, "curves").to_pylist() if row["trial_id"] == absurd.trial_id}
    assert max(steps) < fallen["diverged_at"]
    for trial in good:
        solo = in_packs_of([trial], 1)[trial.trial_id]
        assert rows[trial.trial_id]["status"] == "finished"
        assert rows[trial.trial_id]["distortion_train"] == pytest.approx(solo["distortion"], rel=1e-4)
        assert rows[trial.trial_id]["rate_train"] == pytest.approx(solo["rate"], rel=1e-4)


@pytest.mark.parametrize("lr", [1e2, 1e4, 1e12, 1e30])
def test_every_absurd_learning_rate_diverges(make_trial, lr):
    training, _ = trained([make_trial(), make_trial(lr=lr, gamma=Fixed(1.0))])
    assert training.divergence.reason.tolist()[0] == 0
    assert training.divergence.reason.tolist()[1] > 0


def test_a_diverged_trial_keeps_its_last_finite_weights(make_trial):
    training, _ = trained([make_trial(lr=lr, gamma=Fixed(1.0)) for lr in (1e20, 1e30)])
    assert training.stack.numbers.isfinite().all()


def test_results_do_not_depend_on_the_order_in_a_pack(make_trial):
    trials = [make_trial(gamma=gamma, seed=seed) for gamma in MODES for seed in (0, 1)]
    forward, backward = in_packs_of(trials, 8), in_packs_of(trials[::-1], 8)
    for trial_id, numbers in forward.items():
        assert backward[trial_id] == pytest.approx(numbers, rel=1e-5)


def test_the_decoder_norm_is_the_norm_of_its_column_where_the_decoder_is_linear(make_trial):
    model = VAE(kappa=3, encoder=(6,), decoder=(), log_var_scale=0.1)
    _, measure = trained([make_trial(model=model), make_trial(model=model, seed=1)])
    weights = measure.stack.weights()["network.decoder.0.weight"]
    assert measure.latents()["decoder_norm"].numpy() == pytest.approx(weights.norm(dim=1).numpy(), rel=1e-5)


def test_trials_of_one_seed_share_weights_batches_and_noise(make_trial):
    """Common random numbers: only γ differs, so the first batch shows the same distortion and rate."""
    training, _ = trained([make_trial(gamma=Fixed(1.0)), make_trial(gamma=Fixed(0.1)), make_trial(seed=1)])
    first = training.curves.points[0][1]
    assert first["distortion"][0] == first["distortion"][1]
    assert first["distortion"][0] != first["distortion"][2]


def test_the_record_is_the_measurement(make_trial, tmp_path):
    """Identities between the columns of a record, on data with images."""
    home = Home(tmp_path)
    trials = [make_trial(gamma=gamma, beta=2.0, data=Digits()) for gamma in MODES]
    run = PackRun(make_pack(trials, {}))
    while not run.done:
        run.advance(10)
    assert run.commit(home) == [trial.trial_id for trial in trials]
    latents = read(home, "latents").to_pandas()
    data = load(Digits())
    for row in read(home, "trials").to_pylist():
        gamma, d = row["gamma"], row["d"]
        bound = row["distortion_test"] / (2 * gamma) + d / 2 * math.log(2 * math.pi * gamma) + row["rate_test"]
        assert row["neg_elbo_test"] == pytest.approx(bound, rel=1e-9)
        # J carries β, −ELBO the constant and β = 1.
        constant = 0.5 * d * 1.8378770664093453
        assert row["neg_elbo_test"] - row["objective_test"] == pytest.approx(constant - row["rate_test"], rel=1e-9)
        assert row["nre_test"] == pytest.approx(row["distortion_test"] / data.total_variance_test)
        assert row["gamma_eff"] == 2.0 * gamma
        own = latents[latents["trial_id"] == row["trial_id"]]
        assert own["rate"].sum() == pytest.approx(row["rate_train"], rel=1e-6)
        assert row["n_active"] == (own["post_var"] < 0.5).sum()
        assert row["n_burda"] == (own["mean_var"] > 0.01).sum()
        if row["gamma_mode"] == "optimal":
            assert gamma == pytest.approx(row["distortion_train"] / d, rel=1e-9)
        if row["gamma_mode"] == "fixed":
            assert gamma == 0.5
        if row["gamma_mode"] == "annealed":
            assert gamma == pytest.approx(0.05, rel=1e-6)


OWN_NETWORK = """
import torch
from torch import nn

from models.specs import VAE
from models.networks.vae import GaussianVAE

WIDTH = 8  # used by Plain: part of its source
UNUSED = "not used by Plain: no part of it"


class Plain(nn.Module):
    def __init__(self, d, kappa, width=WIDTH):
        super().__init__()
        self.body = nn.Linear(d, width)
        self.mu = nn.Linear(width, kappa)
        self.log_var = nn.Linear(width, kappa)
        self.out = nn.Linear(kappa, d)

    def encode(self, x):
        h = torch.relu(self.body(x))
        return self.mu(h), self.log_var(h)

    def decode(self, z):
        return self.out(z)


class Remembering(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.norm = nn.BatchNorm1d(d)


class Dropping(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.drop = nn.Dropout(0.1)


class Frozen(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.out.weight.requires_grad_(False)


class Loose(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.features = torch.randn(d, d)


class Derived(GaussianVAE):
    def __init__(self, d, kappa):
        super().__init__(VAE(kappa=kappa, encoder=(8,), decoder=(8,)), d)
        self.scale = nn.Parameter(torch.ones(d))

    def decode(self, z):
        return super().decode(z) * self.scale


class Narrow(Plain):
    def decode(self, z):
        return self.out(z)[:, :1]


class Mute(nn.Module):
    def encode(self, x):
        return x, x
"""

REFUSED = {
    "Remembering": r"Remembering\.norm keeps running statistics",
    "Dropping": r"Dropping\.drop draws random numbers of its own",
    "Frozen": r"Frozen\.out\.weight is a parameter that is not trained",
    "Loose": r"Loose\.features is a plain tensor",
    "Narrow": r"Narrow: decode has shape \(2, 1\) for 2 rows, not \(2, 5\)",
    "Mute": "Mute has no decode",
}


def test_a_users_own_module_trains_in_a_pack_as_it_does_alone(make_trial, tmp_path, monkeypatch):
    (tmp_path / "plain.py").write_text(OWN_NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    import plain  # pyright: ignore[reportMissingImports]

    model = Own.of(plain.Plain, kappa=3, width=10)
    assert "UNUSED" not in model.source
    assert "WIDTH = 8" in model.source
    for name, words in REFUSED.items():
        with pytest.raises(ValueError, match=words):
            build(Own.of(getattr(plain, name), kappa=3), PlantedManifold(d=5), seed=0)
    for network in (model, Own.of(plain.Derived, kappa=3)):
        trials = [make_trial(model=network, gamma=gamma, seed=seed) for gamma in MODES for seed in (0, 1)]
        stacked = in_packs_of([Trial.model_validate_json(trial.model_dump_json()) for trial in trials], 8)
        for trial in trials:
            assert stacked[trial.trial_id] == pytest.approx(vars(train_alone(trial)), rel=1e-3)


def test_the_output_scale_is_a_factor_on_what_a_decoder_starts_with():
    """Of the last layer and of an affine skip: the mean of p(x|z) is small at first, and nothing else is different."""
    pictures, rows = Digits(), LinearSubspace(d=64)
    cases = ((VAE(kappa=2), rows), (VAE(kappa=2, skip="affine"), rows), (ImageVAE(kappa=2, skip="affine"), pictures))
    for spec, data in cases:
        small = spec.model_copy(update={"output_scale": 0.1})
        whole, tenth = (Methods(build(each, data, 3)) for each in (spec, small))
        z = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
        assert torch.allclose(tenth("decode", z), 0.1 * whole("decode", z), atol=1e-7)
        x = torch.randn(7, 64, generator=torch.Generator().manual_seed(1))
        assert torch.equal(tenth("encode", x)[0], whole("encode", x)[0])


OUT_OF_MEMORY = """
import gc, resource, weakref
import torch
from study import VAE, LinearSubspace, Objective, Optimal, Training, Trial
from study.train.pack_run import PackRun
from study.pack.pack import make_pack

torch.set_num_threads(1)
gc.disable()  # what is dropped must go by itself


def pack(size):
    declared = dict(data=LinearSubspace(d=5, n=2000), model=VAE(kappa=2, encoder=(256, 256)), seed=0)
    training = Training(steps=2, batch=2000)
    objectives = [Objective(gamma=Optimal(), beta=1.0 + i) for i in range(size)]
    return make_pack([Trial(**declared, objective=objective, training=training) for objective in objectives], {})


PackRun(pack(1)).advance(60)
run = PackRun(pack(64))
stack = weakref.ref(run.training.stack)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 200 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    run.advance(60)
except RuntimeError as fault:
    print("out of memory" if "can't allocate memory" in str(fault) else fault)
run = None
half = PackRun(pack(4))
half.advance(60)
print("kept" if stack() else "released", "and done" if half.done else "and stuck")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_a_pack_that_is_out_of_memory_lets_go_of_it():
    done = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY], capture_output=True, text=True, timeout=300)
    assert done.stdout.split("\n") == ["out of memory", "released and done", ""], done.stderr
