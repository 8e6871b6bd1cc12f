"""Packs: the fast way to train must change no trial, and spread no failure."""

import pytest
import torch
from jaxtyping import TypeCheckError
from reference_loop import train_alone
from trained_stacks import MODES, numbers_in_packs, train_stack

from study import (
    VAE,
    Fixed,
    LinearMap,
    LinearSubspace,
    Objective,
    Optimal,
    Slower,
    Training,
    Trial,
)
from study.train.stack import stack as packed_stack


@pytest.fixture(scope="module")
def varied_trials():
    """16 trials of one shape: every γ mode with two β, learning rates and seeds."""
    return [
        Trial(
            data=LinearSubspace(d=8, eigenvalues=(4.0, 2.0, 1.0), noise=0.05, n=500, n_test=200),
            model=VAE(kappa=4, encoder=(16,), decoder=(16,), log_var_scale=0.1),
            objective=Objective(gamma=gamma, beta=beta),
            training=Training(steps=120, batch=100, lr=lr),
            seed=seed,
        )
        for gamma in MODES
        for beta, lr in ((1.0, 3e-3), (2.0, 5e-3))
        for seed in range(2)
    ]


def test_packing_changes_no_trial(varied_trials):
    """Packs of 1, 3 and all of them agree with a plain loop of one module and torch.optim.Adam, to 1e-3 relative."""
    stacked = {size: numbers_in_packs(varied_trials, size) for size in (3, len(varied_trials))}
    stacked[1] = numbers_in_packs(varied_trials[::3], 1)  # of every γ mode
    for trial in varied_trials:
        alone = train_alone(trial)
        for size, numbers in stacked.items():
            if trial.trial_id in numbers:
                assert numbers[trial.trial_id] == pytest.approx(vars(alone), rel=1e-3), (trial, size)
    assert len(stacked[1]) == 6


@pytest.mark.parametrize("skip", ["none", "affine", "residual", "concat"])
def test_every_skip_trains_in_a_pack_as_it_does_alone(make_trial, skip):
    model = VAE(kappa=3, encoder=(12,), decoder=(12, 12), skip=skip, log_var_scale=0.1)
    trials = [make_trial(gamma=gamma, model=model, seed=seed) for gamma in MODES for seed in (0, 1)]
    stacked = numbers_in_packs(trials, 8)
    for trial in trials:
        assert stacked[trial.trial_id] == pytest.approx(vars(train_alone(trial)), rel=1e-3)


@pytest.fixture
def weighed(make_trial):
    """A trial whose halves of the rate count so much."""

    def make(mean_weight, variance_weight, **settings):
        trial = make_trial(gamma=Fixed(0.5), beta=2.0, **settings)
        weights = {"mean_weight": mean_weight, "variance_weight": variance_weight}
        return trial.model_copy(update={"objective": trial.objective.model_copy(update=weights)})

    return make


def test_weighed_halves_of_the_rate_train_in_a_pack_as_they_do_alone(weighed):
    trials = [weighed(*weights) for weights in ((1, 1), (0, 1), (1, 0), (4, 0.5))]
    assert len({trial.pack_key for trial in trials}) == 1
    stacked = numbers_in_packs(trials, 4)
    assert len({numbers["rate"] for numbers in stacked.values()}) == 4
    for trial in trials:
        assert stacked[trial.trial_id] == pytest.approx(vars(train_alone(trial)), rel=1e-3)


def test_a_whole_rate_is_counted_alike_to_the_last_bit_beside_weighed_halves(weighed):
    plain, beside = (train_stack([weighed(1, 1), weighed(*other, seed=1)])[0] for other in ((1, 1), (4, 0.5)))
    assert torch.equal(plain.stack.numbers[0], beside.stack.numbers[0])
    assert not torch.equal(plain.stack.numbers[1], beside.stack.numbers[1])
    for (_, mine), (_, theirs) in zip(plain.curves.points, beside.curves.points, strict=True):
        assert all(torch.equal(mine[name][0], theirs[name][0]) for name in mine)


def test_what_is_recorded_of_weighed_halves_is_what_is_minimised(weighed):
    trials = [weighed(*weights) for weights in ((1, 1), (3, 0.5))]
    _, measure = train_stack(trials)
    moments = measure.train
    of_means = 0.5 * moments.mu_square.sum(-1)
    of_variances = moments.latent_rate.sum(-1) - of_means
    assert float(measure.counted_rate("train")[0]) == float(moments.rate[0])
    assert float(measure.counted_rate("train")[1]) == pytest.approx(float(3 * of_means[1] + 0.5 * of_variances[1]))
    apart = 3 * moments.mu_square[1] + 0.5 * (moments.variance[1] - 1)
    assert float(measure.scale_residual[1]) == pytest.approx(float(apart.abs().max()))


@pytest.mark.parametrize("post_var", ["amortised", "shared", (0.5, 0.1, 1.0)])
def test_targets_and_every_posterior_variance_train_in_a_pack_as_they_do_alone(post_var):
    """Linear networks from x to y ≠ x, of other dimensions, with a prior that is not N(0, I)."""
    trials = [
        Trial(
            data=LinearMap(d=4, zeta2=(4.0, 1.0), inputs=(2.0, 0.5), noise=0.1, n=400, n_test=100),
            model=VAE(kappa=3, encoder=(), decoder=(), post_var=post_var, prior_std=1.5),
            objective=Objective(gamma=gamma, beta=0.5),
            training=Training(steps=150, batch=64, lr=1e-2),
            seed=seed,
        )
        for gamma in MODES
        for seed in (0, 1)
    ]
    stacked = numbers_in_packs(trials, 8)
    for trial in trials:
        assert stacked[trial.trial_id] == pytest.approx(vars(train_alone(trial)), rel=1e-3)


@pytest.mark.parametrize("skip", ["none", "affine", "residual", "concat"])
def test_stacked_layers_and_vmap_are_two_ways_to_one_result(make_trial, skip, monkeypatch):
    model = VAE(kappa=3, encoder=(12,), decoder=(12, 12), skip=skip, log_var_scale=0.1, log_var_range=(-20, 5))
    trials = [make_trial(gamma=gamma, model=model, seed=seed) for gamma in MODES for seed in (0, 1)]
    together = train_stack(trials)[0].stack
    monkeypatch.setattr(packed_stack, "GaussianVAE", torch.nn.Identity)  # no network is ours now
    one_by_one = train_stack(trials)[0].stack
    assert together._together is not None
    assert one_by_one._together is None
    for name, weights in one_by_one.weights().items():
        assert torch.allclose(together.weights()[name], weights, rtol=1e-3, atol=1e-4), name
    assert torch.allclose(together.log_gamma, one_by_one.log_gamma, rtol=1e-3)


def test_shapes_are_checked_while_tests_run(make_trial):
    training, measure = train_stack([make_trial(steps=2)])
    for wrong in (
        lambda: training.stack.encode(torch.zeros(3)),
        lambda: measure.mmd_of(torch.zeros(2, 3), torch.zeros(2)),
    ):
        with pytest.raises(TypeCheckError):
            wrong()


@pytest.mark.parametrize("lr", [1e2, 1e4, 1e12, 1e30])
def test_every_absurd_learning_rate_diverges(make_trial, lr):
    training, _ = train_stack([make_trial(), make_trial(lr=lr, gamma=Fixed(1.0))])
    assert training.divergence.reason.tolist()[0] == 0
    assert training.divergence.reason.tolist()[1] > 0


def test_a_diverged_trial_keeps_its_last_finite_weights(make_trial):
    training, _ = train_stack([make_trial(lr=lr, gamma=Fixed(1.0)) for lr in (1e20, 1e30)])
    assert training.stack.numbers.isfinite().all()


def test_a_trial_whose_rates_follow_a_gamma_that_is_no_number_keeps_them_too(make_trial):
    """Means overflow to inf − inf: so do γ, and every rate that is slowed by it."""
    common = {"gamma": Optimal(), "slower": Slower(below=1e30), "model": VAE(kappa=4, activation="relu")}
    training, _ = train_stack([make_trial(lr=lr, **common) for lr in (1e-3, 1e30)])
    assert training.divergence.reason.tolist()[1] > 0
    assert training.curves.points[-1][1]["gamma"][1].isnan()
    assert training.stack.numbers.isfinite().all()


def test_results_do_not_depend_on_the_order_in_a_pack(make_trial):
    trials = [make_trial(gamma=gamma, seed=seed) for gamma in MODES for seed in (0, 1)]
    forward, backward = numbers_in_packs(trials, 8), numbers_in_packs(trials[::-1], 8)
    for trial_id, numbers in forward.items():
        assert backward[trial_id] == pytest.approx(numbers, rel=1e-5)


def test_the_decoder_norm_is_the_norm_of_its_column_where_the_decoder_is_linear(make_trial):
    model = VAE(kappa=3, encoder=(6,), decoder=(), log_var_scale=0.1)
    _, measure = train_stack([make_trial(model=model), make_trial(model=model, seed=1)])
    weights = measure.stack.weights()["network.decoder.0.weight"]
    assert measure.latents()["decoder_norm"].numpy() == pytest.approx(weights.norm(dim=1).numpy(), rel=1e-5)


def test_trials_of_one_seed_share_weights_batches_and_noise(make_trial):
    """Common random numbers: only γ differs, so the first batch shows the same distortion and rate."""
    training, _ = train_stack([make_trial(gamma=Fixed(1.0)), make_trial(gamma=Fixed(0.1)), make_trial(seed=1)])
    first = training.curves.points[0][1]
    assert first["distortion"][0] == first["distortion"][1]
    assert first["distortion"][0] != first["distortion"][2]
