"""How long a launch is said to take before it begins: its start and its report count, and so do a search's later rounds."""

import pytest
from two_studies import a_trial, first, plan_of, second

from study import Between, search
from study.launch.estimate import Estimate
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.plan.launch_plan import LaunchPlan
from study.plan.plan import make_plan
from study.record import Home


def estimate_of(plan: LaunchPlan, in_process: bool = True, mirrored: bool = False) -> Estimate:
    return Estimate.of(plan, make_packs(plan.missing, {}, None, 1, CPU_CORE), in_process, mirrored)


def test_a_tiny_study_takes_its_start_and_its_report(tmp_path):
    """Trained in a second, it was done after nine."""
    plan = plan_of(Home(tmp_path), first)
    alone = estimate_of(plan)
    assert alone.training < 0.1
    assert 6 < alone.on(1) < 10
    assert alone.on(1) < estimate_of(plan, mirrored=True).on(1) < 13
    assert estimate_of(plan, in_process=False).on(1) > alone.on(1)
    assert estimate_of(plan_of(Home(tmp_path), first, second)).on(1) > alone.on(1) + 4, "two reports"


def test_what_is_trained_already_takes_its_report_alone(tmp_path):
    plan = plan_of(Home(tmp_path), first)
    assert Estimate.of(plan, [], in_process=True, mirrored=False).on(2) < estimate_of(plan).on(2)


@pytest.mark.parametrize(("rungs", "later"), [(None, 3.0), ((10, 40), 3.0 + 4 * 0.5 * 4)])
def test_later_rounds_of_a_search_cost_what_their_steps_do(tmp_path, rungs, later):
    """Of four rounds the first is to train; where half of each trains again, with four times the steps, they cost more."""
    function = _with_rungs if rungs else _plain
    hunt = search(minimise={"nre_mean_test": 1.0}, samplers=["random"], trials=32, rungs=rungs, free=FREE)(function)
    found = estimate_of(LaunchPlan((make_plan(hunt, "laptop", Home(tmp_path)),)))
    assert found.later == pytest.approx(later * found.training, rel=1e-6)
    part = make_plan(hunt, "laptop", Home(tmp_path), {"repeat": ["0"]})
    assert estimate_of(LaunchPlan((part,))).later == 0.0


FREE = {"beta": Between(0.1, 10)}


def _plain(beta, seed):
    """Can it be found?"""
    trial = a_trial(2, seed)
    return trial.model_copy(update={"objective": trial.objective.model_copy(update={"beta": beta})})


def _with_rungs(beta, steps, seed):
    """Can it be found in steps?"""
    trial = _plain(beta, seed)
    return trial.model_copy(update={"training": trial.training.model_copy(update={"steps": steps})})
