"""The step by hand is the step by autograd: the same J and the same slope of every number, whatever is declared."""

import itertools
from typing import Any

import own_functions as own
import pytest
import torch
from likelihood_trials import OBJECTIVES
from trained_stacks import MODES

from models.data.load import load
from models.specs.own_functions import OwnTerm
from study import (
    MMD,
    VAE,
    AdamW,
    Digits,
    Fixed,
    Learned,
    LinearMap,
    Objective,
    Optimal,
    PlantedManifold,
    Slower,
    Sparsity,
    Spread,
    Training,
    Trial,
)
from study.train.stack.build import build_stack
from study.train.step import build
from study.train.step.build import NUMBERS_IN_CACHE, passes_of
from study.train.step.loop import Training as PackTraining

SMALL = PlantedManifold(d=6, r=2, n=64, n_test=16)


def trials_of(data: Any = SMALL, objectives=None, **model):
    """Trials in float64 of one shape, of several γ modes unless objectives are given, and of two seeds."""
    fields = {"kappa": 3, "encoder": (7,), "decoder": (5, 5)} | model
    objectives = objectives or [Objective(gamma=gamma, beta=0.7) for gamma in MODES]
    settings = Training(steps=50, batch=16, dtype="float64", lr=1e-2)
    return [
        Trial(data=data, model=VAE(**fields), objective=objective, training=settings, seed=seed)
        for objective, seed in itertools.product(objectives, (0, 1))
    ]


def training(trials, way=None):
    stack, inputs = build_stack(trials, load(trials[0].data), torch.device("cpu"))
    return PackTraining(stack, trials, inputs, way)


def assert_same_steps(trials):
    """The first gradient, what the log shows, and the numbers after some steps."""
    hand, graph = training(trials), training(trials, "by autograd")
    assert (hand.way, graph.way) == ("by hand", "by autograd")
    for taken in range(6):
        for each in (hand, graph):
            each.take_step()
        if taken in (0, 5):
            blocks = zip(*(block.gradient.columns() for block in hand._optimiser.blocks), strict=True)
            ours = [torch.cat(parts) for parts in blocks]
            for mine, theirs in zip(ours, graph._optimiser.blocks[0].gradient.columns(), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(hand.stack.numbers, graph.stack.numbers, rtol=1e-7, atol=1e-9)
    for (_, mine), (_, theirs) in zip(hand.curves.points, graph.curves.points, strict=True):
        assert mine.keys() == theirs.keys()
        for name, values in mine.items():
            torch.testing.assert_close(values, theirs[name], rtol=1e-7, atol=1e-9, equal_nan=True, msg=name)


SKIPS = [
    ("none", (5, 5)),
    ("affine", (5, 5)),
    ("residual", (5, 5, 5, 5)),
    ("concat", (5, 6)),
    ("concat", ()),
    ("affine", ()),
]


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "identity"])
@pytest.mark.parametrize(("skip", "decoder"), SKIPS)
def test_every_skip_and_activation(skip, decoder, activation):
    assert_same_steps(trials_of(skip=skip, decoder=decoder, activation=activation, encoder=(7, 4)))


GIVEN = (0.5, 0.1, 1.0)
NARROW = (-0.1, 0.05)  # many log variances are at its ends
POSTERIORS = [(kind, std, ends) for kind in ("amortised", "shared") for std in (1.0, 1.5) for ends in (None, NARROW)]


@pytest.mark.parametrize(
    ("post_var", "prior_std", "log_var_range"),
    [*POSTERIORS, (GIVEN, 1.0, None), (GIVEN, 1.5, None), ("none", 1.0, None)],
)
def test_every_posterior_variance_prior_and_range(post_var, prior_std, log_var_range):
    objectives = [Objective(gamma=gamma, beta=0 if post_var == "none" else 0.7) for gamma in MODES]
    model = {"post_var": post_var, "prior_std": prior_std, "log_var_range": log_var_range}
    assert_same_steps(trials_of(objectives=objectives, encoder=(), **model))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_likelihood(name):
    assert_same_steps(trials_of(Digits(binary=name == "bernoulli"), [OBJECTIVES[name]], skip="affine"))


def test_penalties_terms_and_targets_that_are_not_the_inputs():
    terms = OwnTerm.of(own.everything, weight=0.3), OwnTerm.of(own.of_the_batch, weight=0.1)
    objectives = [
        Objective(gamma=Learned(), penalty=MMD(weight=10), terms=terms),
        Objective(gamma=Fixed(0.5), terms=tuple(term.model_copy(update={"weight": 0.0}) for term in terms)),
    ]
    assert_same_steps(trials_of(objectives=objectives))
    mapped = LinearMap(d=4, zeta2=(4.0, 1.0), inputs=(2.0, 0.5), noise=0.1, n=64, n_test=16)
    assert_same_steps(trials_of(mapped, prior_std=1.5))


@pytest.mark.parametrize("extra", [{}, {"penalty": MMD(weight=10)}], ids=["plain", "any loss"])
def test_weighed_halves_of_the_rate_beside_whole_ones(extra):
    weights = [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (3.0, 0.5)]
    objectives = [
        Objective(gamma=gamma, beta=0.7, mean_weight=mean, variance_weight=variance, **extra)
        for gamma, (mean, variance) in zip(MODES, weights, strict=True)
    ]
    assert_same_steps(trials_of(objectives=objectives, prior_std=1.5))
    assert_same_steps(trials_of(objectives=objectives, post_var="shared"))


def test_clipping_decay_and_slowing_find_the_same_slopes():
    settings = {"clip": 0.5, "optimiser": AdamW(weight_decay=0.1), "slower": Slower(below=1.0)}
    trials = [
        trial.model_copy(update={"training": Training(steps=50, batch=16, dtype="float64", lr=1e-2, **settings)})
        for trial in trials_of()
    ]
    assert_same_steps(trials)


@pytest.mark.parametrize("most", [1, 600, 2500])
def test_blocks_change_no_bit_of_any_trial(most, monkeypatch):
    trials = trials_of()[:7]
    whole = training(trials)
    monkeypatch.setattr(build, "NUMBERS_IN_CACHE", most)
    blocks = training(trials)
    assert len(whole._passes) == 1 < len(blocks._passes) <= 7
    for each in (whole, blocks):
        while not each.done:
            each.take_step()
    torch.testing.assert_close(whole.stack.numbers, blocks.stack.numbers, rtol=1e-12, atol=1e-12)
    for (_, mine), (_, theirs) in zip(whole.curves.points, blocks.curves.points, strict=True):
        assert all(torch.allclose(mine[name], theirs[name], rtol=1e-9) for name in mine)


def test_blocks_are_small_enough_for_the_cache_and_nearly_equal():
    stack, _ = build_stack(trials_of(), load(SMALL), torch.device("cpu"))
    (one,) = passes_of(stack, trials_of(), 16, "by hand")
    assert one.rows == slice(0, 8)
    rows = build.blocks_of(20, NUMBERS_IN_CACHE // 8, NUMBERS_IN_CACHE)
    assert [each.stop - each.start for each in rows] == [6, 7, 7]


def test_what_has_no_way_by_hand_goes_by_autograd(make_trial):
    plain = make_trial()
    sparse = Objective(gamma=Optimal(), beta=0, penalty=Sparsity(h="log", weight=1.0))
    spread = Objective(gamma=Fixed(0.1), spread=Spread(low=0.5, high=2))
    others = [
        plain.model_copy(update={"objective": sparse, "model": VAE(kappa=4, post_var="none")}),
        plain.model_copy(update={"objective": spread, "model": VAE(kappa=4, sees_beta=True)}),
    ]
    assert [training([each]).way for each in (plain, *others)] == ["by hand", "by autograd", "by autograd"]
