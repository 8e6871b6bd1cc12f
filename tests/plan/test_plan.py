"""The plan: what is declared and not there yet, grouped into packs that are worth it."""

import json
from typing import Any

import pytest

from models.specs.metrics import METRICS
from study import MMD, VAE, Annealed, Fixed, Learned, Objective, PlantedManifold, Training, Trial, study
from study.pack.cost import CPU_CORE, GPU, cost, largest_useful_pack
from study.pack.pack import make_packs
from study.plan.plan import MAX_ATTEMPTS, make_plan, write_plan
from study.record import Home, commit, new_commit_id


@study(gamma=[Fixed(1), Fixed(1.0), Fixed(0.1)], kappa=[2, 4], seed=range(4))
def table(gamma, kappa: int, seed: int) -> Trial:
    """A table in which one γ is written twice."""
    return a_trial(gamma=gamma, kappa=kappa, seed=seed)


def a_trial(gamma=None, kappa=2, seed=0, widths=(8,), steps=10):
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=kappa, encoder=widths, decoder=widths),
        objective=Objective(gamma=gamma or Fixed(1.0)),
        training=Training(steps=steps),
        seed=seed,
    )


def put(home, trial, status, attempt=1):
    commit_id = new_commit_id()
    row = {"trial_id": trial.trial_id, "commit_id": commit_id, "status": status, "attempt": attempt}
    commit(home, commit_id, {"trials": [row]})


def test_rows_that_make_equal_trials_are_counted_once(tmp_path):
    plan = make_plan(table, "laptop", Home(tmp_path))
    assert len(plan.rows) == 16
    assert plan.repeated == 8


def test_only_understands_a_label_as_it_is_typed(tmp_path):
    @study(gamma=[Annealed(1, 0.1), Learned(ceiling=2)], widths=[(8, 8), (4,)], wide=[True, False])
    def odd(gamma, widths, wide):
        """Labels with commas, arrows and truth values."""
        return a_trial(gamma=gamma, widths=widths, kappa=3 if wide else 2)

    def chosen(**only):
        return len(make_plan(odd, "laptop", Home(tmp_path), {axis: [text] for axis, text in only.items()}).rows)

    assert chosen(gamma="annealed 1->0.1") == chosen(gamma="learned <=2") == chosen(widths="(8, 8)") == 4
    assert chosen(wide="true", widths="(4,)") == 2
    assert chosen(gamma="annealed 1→0.1,learned ≤2") == 8


def test_a_scale_of_its_own_has_its_own_table(tmp_path):
    @study(kappa=[2], seed=[0])
    def scaled(kappa, seed):
        """A study with two scales."""
        return a_trial(kappa=kappa, seed=seed)

    @scaled.paper(kappa=[4], seed=[0])
    def scaled_paper(kappa, seed):
        """The same, larger."""
        return a_trial(kappa=kappa, seed=seed)

    home = Home(tmp_path)
    for scale in ("laptop", "paper"):
        write_plan(make_plan(scaled_paper, scale, home), home)
    assert home.folders("studies") == ["scaled", "scaled-paper"]


def test_what_has_a_result_is_not_planned_again(tmp_path):
    home = Home(tmp_path)
    rows = make_plan(table, "laptop", home).rows
    put(home, rows[0].trial, "finished")
    put(home, rows[1].trial, "diverged")
    put(home, rows[2].trial, "failed")
    plan = make_plan(table, "laptop", home)
    assert {trial.trial_id for trial in plan.missing} == {row.trial.trial_id for row in rows[2:]}
    assert (plan.count("finished"), plan.count("diverged"), plan.count("failed")) == (1, 1, 1)


def test_a_trial_that_keeps_failing_is_given_up(tmp_path):
    home = Home(tmp_path)
    trial = make_plan(table, "laptop", home).rows[0].trial
    for attempt in range(1, MAX_ATTEMPTS + 1):
        plan = make_plan(table, "laptop", home)
        (pack,) = [p for p in make_packs(plan.missing, plan.attempts, 1, 1, CPU_CORE) if p.trials == (trial,)]
        assert pack.attempts == (attempt,)
        put(home, trial, "failed", attempt)
    plan = make_plan(table, "laptop", home)
    assert trial not in plan.missing
    assert plan.given_up == [trial]
    assert trial in make_plan(table, "laptop", home, retry_failed=True).missing


@pytest.mark.parametrize(("size", "workers"), [(1, 2), (3, 2), (100, 2), (None, 1), (None, 2), (None, 16)])
def test_packs_hold_every_missing_trial_once_and_share_shapes(tmp_path, size, workers):
    plan = make_plan(table, "laptop", Home(tmp_path))
    packs = make_packs(plan.missing, plan.attempts, size, workers, CPU_CORE)
    listed = [trial.trial_id for pack in packs for trial in pack.trials]
    assert sorted(listed) == sorted(row.trial.trial_id for row in plan.rows)
    assert all(len({trial.pack_key for trial in pack.trials}) == 1 for pack in packs)
    assert all(len(pack.trials) <= (size or 64) for pack in packs)
    if size is None:
        assert len(packs) >= min(workers, 16)


def test_small_networks_make_large_packs_and_large_networks_small_ones():
    small, middle, large = (a_trial(widths=widths) for widths in ((8,), (64, 64), (2048,) * 4))
    sizes = [largest_useful_pack(trial, CPU_CORE) for trial in (small, middle, large)]
    assert sizes[0] > sizes[1] > sizes[2] == 1
    assert largest_useful_pack(large, GPU) > 1
    assert largest_useful_pack(small, GPU) <= 256


def test_a_penalty_that_compares_all_pairs_of_a_minibatch_counts():
    free = a_trial()
    bound = free.model_copy(update={"objective": Objective(gamma=Fixed(0.5), beta=0, penalty=MMD(weight=10))})
    assert cost(bound) > 10 * cost(free)


def test_the_costliest_pack_starts_first(tmp_path):
    plan = make_plan(table, "laptop", Home(tmp_path))
    packs = make_packs(plan.missing, plan.attempts, None, 1, CPU_CORE)
    first: list[Any] = [pack.trials[0] for pack in packs]
    assert [trial.model.kappa for trial in first] == [4, 2]


def test_a_plan_says_what_its_trials_are_measured_by(tmp_path):
    home = Home(tmp_path)
    write_plan(make_plan(table, "laptop", home), home)
    written = json.loads(home.read("studies/table/study.json"))["metrics"]
    assert set(written) == {"mmd_imq", "iwae_nll", "sample_variance"}  # no samples, levels, outliers or spread of β
    assert written["sample_variance"] == ["data²", METRICS["sample_variance"].meaning]
