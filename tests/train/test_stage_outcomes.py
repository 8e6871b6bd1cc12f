"""What becomes of trials whose stage diverges or is given up."""

import pytest
from staged_trials import rows_of, staged

from study.plan.launch_plan import LaunchPlan
from study.plan.plan import MAX_ATTEMPTS, make_plan, replan
from study.record import Home, commit, new_commit_id, read
from study.run.rounds import _record_blocked


def test_what_stands_on_a_diverged_stage_has_diverged_with_it(tmp_path):
    home = Home(tmp_path)
    plan = make_plan(staged, "laptop", home, {"kind": ["vae"], "seed": ["0"]})
    first = plan.missing[0]
    put(home, first, "diverged")
    _record_blocked(LaunchPlan((replan(plan, home),)), home, pytest.fail)
    (row,) = [row for row in read(home, "trials").to_pylist() if row["trial_id"] != first.trial_id]
    assert row["status"] == "diverged"
    assert row["error"] == f"its stage {first.trial_id} (autoencoder) diverged"
    assert not replan(plan, home).missing


def test_what_stands_on_a_stage_that_is_given_up_fails_and_is_tried_again_on_demand(tmp_path):
    home = Home(tmp_path)
    plan = make_plan(staged, "laptop", home, {"kind": ["vae"], "seed": ["0"]})
    first, second = plan.missing
    put(home, first, "failed", attempt=MAX_ATTEMPTS)
    assert not replan(plan, home).missing
    _record_blocked(LaunchPlan((replan(plan, home),)), home, pytest.fail)
    assert rows_of(home)[second.trial_id]["status"] == "failed"
    again = make_plan(staged, "laptop", home, {"kind": ["vae"], "seed": ["0"]}, retry_failed=True)
    assert [trial.trial_id for trial in again.missing] == [first.trial_id, second.trial_id]


def put(home, trial, status, attempt=1):
    commit_id = new_commit_id()
    row = {"trial_id": trial.trial_id, "commit_id": commit_id, "status": status, "attempt": attempt, "engine": 1}
    commit(home, commit_id, {"trials": [row]})
