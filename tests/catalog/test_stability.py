"""Remedies for training at a small γ: what they do, to the number, and that the verdicts about them can fail."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from trained_rows import take_steps

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, OPEN, YES
from analysis.frames.load import Header
from study import Fixed, Learned, Rprop, Slower, Training, Trial
from study.catalog.stability.claims import remedied
from study.catalog.stability.table import LRS, REMEDIES, SETTINGS, stability
from study.pack.pack import make_pack
from study.train.pack_run import PackRun
from study.train.stack.trained_numbers import TrainedNumbers
from study.train.step.rprop import Rprop as Stacked


def trained(trials, steps=None):
    run = PackRun(make_pack(trials, {}))
    take_steps(run, trials[0].training.steps if steps is None else steps)
    return run


def with_training(trial, **changes):
    return trial.model_copy(update={"training": trial.training.model_copy(update=changes)})


def numbers(run):
    return run.training.stack.numbers.detach().clone()


def test_remedies_that_are_not_taken_are_no_part_of_an_identity(make_trial):
    plain = make_trial()
    assert Trial.model_validate_json(plain.model_dump_json()).trial_id == plain.trial_id
    settings = plain.training.model_dump(exclude={"warm_up", "slower", "signs"})
    assert plain.model_copy(update={"training": Training(**settings)}).trial_id == plain.trial_id
    taken = [{"warm_up": 0.1}, {"slower": Slower(below=1.0)}, {"signs": Rprop()}]
    assert len({plain.trial_id, *(with_training(plain, **each).trial_id for each in taken)}) == 4


def test_warm_up_and_slower_steps_share_a_pack_and_steps_by_sign_do_not(make_trial):
    plain = make_trial()
    keys = [with_training(plain, **each).pack_key for each in ({"warm_up": 0.1}, {"slower": Slower(below=1.0)})]
    assert keys == [plain.pack_key] * 2
    assert with_training(plain, signs=Rprop()).pack_key != plain.pack_key


def test_company_with_a_remedy_changes_no_trial(make_trial):
    plain = [make_trial(seed=seed, steps=60) for seed in (0, 1)]
    alone = numbers(trained(plain))
    others = [with_training(plain[0], warm_up=0.5), with_training(plain[1], slower=Slower(below=1.0))]
    together = numbers(trained([*plain, *others]))
    assert torch.allclose(together[:2], alone, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(together[2:], alone, rtol=1e-2, atol=1e-3)


def test_a_warm_up_begins_without_a_rate_and_ends_with_all_of_it(make_trial):
    """The logged J is R/(2γ) + (d/2) log γ + βK with the β in force: 0 at first, halfway ½β, after the warm-up β."""
    trial = with_training(make_trial(gamma=Fixed(0.5), beta=2.0, steps=100), warm_up=0.4)
    curves = trained([trial]).training.curves.points
    for step, values in curves:
        rest = values["objective"] - values["distortion"] / (2 * 0.5) - 0.5 * trial.d * np.log(0.5)
        expected = 2.0 * min(step / 40, 1.0)
        assert float(rest) == pytest.approx(expected * float(values["rate"]), abs=2e-3 * (1 + float(values["rate"])))


def test_steps_shrink_with_gamma_as_declared_and_never_grow(make_trial):
    """One step of Adam moves every number by the learning rate, whatever the gradient: its size shows the factor."""
    trials = [
        with_training(make_trial(gamma=Fixed(gamma), steps=10), slower=Slower(below=0.5, power=power))
        for gamma, power in ((0.5, 1.0), (0.05, 1.0), (0.05, 0.5), (2.0, 1.0))
    ]
    start, end = numbers(trained(trials, 0)), numbers(trained(trials, 1))
    moved = (end - start).abs().amax(1) / trials[0].training.lr
    assert moved.tolist() == pytest.approx([1, 0.1, 0.1**0.5, 1], rel=1e-3)


def test_steps_by_sign_are_those_of_torch():
    """iRprop−, number by number, on noisy gradients of a quadratic: torch.optim.Rprop is the reference."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(3, 40, generator=generator, dtype=torch.float64)
    spec, lr = Rprop(grow=1.3, shrink=0.4, least=1e-2, most=5.0), 0.05
    ours, slopes = (TrainedNumbers(3, [torch.Size([39]), torch.Size([])], start) for _ in range(2))
    ours.take_rows(start)
    theirs = start.clone().requires_grad_()
    stacked = Stacked(ours, [(slice(0, 3), slopes)], [True, False], [spec] * 3)
    reference = torch.optim.Rprop([theirs], lr=lr, etas=(0.4, 1.3), step_sizes=(1e-2 * lr, 5.0 * lr))
    ones = torch.ones(3, dtype=torch.float64)
    for _ in range(200):
        noise = 0.3 * torch.randn(3, 40, generator=generator, dtype=torch.float64)
        theirs.grad = theirs.detach() + noise
        slopes.take_rows(ours.by_trial() + noise)
        stacked.begin()
        stacked.move(stacked.blocks[0], lr * ones, ones)
        reference.step()
        assert torch.allclose(ours.by_trial(), theirs.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("changes", [{"signs": Rprop()}, {"warm_up": 0.6}, {"slower": Slower(below=1.0)}])
def test_a_checkpoint_goes_on_to_the_last_bit(make_trial, changes):
    trials = [with_training(make_trial(gamma=Learned(), seed=seed, steps=90), **changes) for seed in (0, 1)]
    trials.append(with_training(make_trial(lr=1e6, steps=90), **changes))  # diverges, and stays where it was
    whole, half = trained(trials), trained(trials, 41)
    state = {name: value.copy() for name, value in half.state().items()}
    again = PackRun(make_pack(trials, {}))
    again.go_to(state, 0.0)
    take_steps(again, 90)
    assert torch.equal(numbers(again), numbers(whole))
    for name, value in whole.state().items():
        assert np.array_equal(value, again.state()[name], equal_nan=True), name


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"signs": {"kind": "Rprop", "most": 0.5}}, "least ≤ 1 ≤ most"),
        ({"warm_up": 1.5}, "less than or equal to 1"),
        ({"slower": {"kind": "Slower", "below": 0}}, "greater than 0"),
    ],
)
def test_a_remedy_out_of_bounds_is_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        Training(steps=10, **fields)


def test_the_study_pairs_every_remedy_with_none_at_all():
    rows: list[Any] = stability.table("laptop").rows()
    keys: dict[str, set[Any]] = {remedy: set() for remedy in REMEDIES}
    for row in rows:
        keys[row.axes["remedy"]].add((row.axes["setting"], row.axes["lr"], row.axes["seed"]))
    assert all(found <= keys["none"] for found in keys.values())
    assert len({row.trial.trial_id for row in rows}) == len(rows) == (5 + 5 + 4) * len(LRS) * 20


SEEDS = 14


def frame_of(change=lambda row: {}):
    """Without a remedy training diverges at the highest rate and loses and keeps latents; a remedy fixes everything."""
    rows = []
    for setting, lr, remedy, seed in itertools.product(SETTINGS, LRS, ("none", "warm-up"), range(SEEDS)):
        helped = remedy == "warm-up"
        row: dict[str, Any] = {"setting": setting, "lr": lr, "remedy": remedy, "seed": seed, "intrinsic_dim": 3.0}
        row["status"] = "diverged" if lr == LRS[-1] and not helped else "finished"
        row["n_active"] = 3 if helped else {"learned": 3, "learned, β = 6": 1, "fixed": 8}[setting]
        row |= {"objective_test": (-30.0 if helped or lr == LRS[0] else -10.0) + 0.1 * seed, "nre_test": 0.01}
        rows.append(row | change(row))
    return pd.DataFrame(rows)


def said(frame):
    axes = {"setting": SETTINGS, "lr": LRS, "remedy": ["none", "warm-up"], "seed": list(range(SEEDS))}
    return [claim.verdict for claim in remedied(frame, Header("stability", "?", "laptop", axes))]


def test_a_remedy_that_mends_everything_is_told():
    assert said(frame_of()) == [HOLDS] + [YES] * 5


def test_a_remedy_that_does_nothing_leaves_open_whether_it_does():
    idle = frame_of()
    plain = idle[idle["remedy"].eq("none")].set_index(["setting", "lr", "seed"])
    same = ["status", "n_active", "objective_test"]
    idle[same] = plain.loc[[tuple(key) for key in idle[["setting", "lr", "seed"]].to_numpy()], same].to_numpy()
    assert said(idle) == [HOLDS, OPEN, OPEN, OPEN, OPEN, YES]


def test_a_remedy_that_does_harm_is_told():
    def harm(row):
        if row["remedy"] == "none":
            return {"status": "finished", "n_active": 3, "objective_test": -30.0 + 0.1 * row["seed"]}
        worse = {
            "n_active": 1 if row["setting"] == "learned, β = 6" else 8,
            "objective_test": -10.0 + 0.1 * row["seed"],
        }
        return worse | {"status": "diverged" if row["lr"] == LRS[-1] else "finished"}

    assert said(frame_of(harm)) == [FAILS, OPEN] + [NO] * 4
    some = frame_of(lambda row: harm(row) | ({"status": "diverged"} if row["lr"] == row["seed"] == LRS[0] else {}))
    some.loc[some.index[0], "status"] = "diverged"
    assert said(some)[1] == NO


def test_a_training_that_is_stable_anyhow_proves_nothing():
    assert said(frame_of(lambda row: {"status": "finished"}))[:2] == [FAILS, OPEN]


def test_few_seeds_decide_nothing_about_how_many_diverge():
    assert said(frame_of().query("seed < 2"))[0] == INSUFFICIENT
    assert set(said(frame_of().query("seed < 1"))) == {INSUFFICIENT, OPEN}
