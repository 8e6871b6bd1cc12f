"""Searches: what is asked next follows from the declaration and the results so far, and from nothing else."""

import math
import random
from typing import Any

import pytest

from study import VAE, Fixed, Learned, Objective, Optimal, PlantedManifold, Training, Trial
from study.declare.search import search
from study.declare.search_space import Between, Sampler
from study.errors import DeclarationError
from study.launch.find import find
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.plan.optuna_search import OptunaSearch, rank
from study.plan.plan import make_plan, replan
from study.record import Home, commit, new_commit_id

OPTIONS = {
    "minimise": {"n_active": 8.0, "nre_mean_test": 1.0},
    "samplers": ["tpe", "nsga2", "random"],
    "repeats": 2,
    "trials": 12,
    "batch": 4,
    "alike": 2,
    "rungs": (10, 40),
    "shape": {"kappa": [2, 4]},
    "free": {"gamma": [Fixed(0.1), Learned(), Optimal()], "beta": Between(0.01, 100)},
}


def a_trial(kappa, gamma, beta, steps, seed):
    """Can it be found?"""
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=steps, batch=32),
        seed=seed,
    )


@pytest.fixture
def hunt():
    return search(**OPTIONS)(a_trial)


def result(trial, status="finished"):
    """A record that follows from the trial alone, better near β = 1."""
    draw = random.Random(trial.trial_id)
    error = abs(math.log10(trial.objective.beta)) / 2 + draw.random() / 100
    return {"trial_id": trial.trial_id, "status": status, "n_active": trial.model.kappa, "nre_mean_test": error}


def put(home, trials, status="finished"):
    commit_id = new_commit_id()
    rows = [result(trial, status) | {"commit_id": commit_id, "attempt": 1} for trial in trials]
    commit(home, commit_id, {"trials": rows})


def carried_out(study, home):
    """The plan of a search whose every round has results."""
    plan = make_plan(study, "laptop", home)
    while plan.missing:
        put(home, plan.missing)
        plan = replan(plan, home)
    return plan


def test_a_search_asks_in_rounds_until_its_budget_is_spent(hunt, tmp_path):
    home = Home(tmp_path)
    plan = make_plan(hunt, "laptop", home)
    assert len(plan.rows) == 3 * 2 * 4  # one batch of each search
    assert plan.remaining == {10: 3 * 2 * 2 * 4, 40: 3 * 2 * 3 * 2}
    assert plan.expected == len(hunt.table("laptop"))
    assert replan(plan, home).declared == plan.declared, "a round is over before the next is asked"
    plan = carried_out(hunt, home)
    asked = {tuple(row.axes[axis] for axis in ("sampler", "repeat", "number")) for row in plan.declared}
    assert (plan.expected, plan.remaining.total()) == (len(plan.declared), 0)
    assert len(hunt.table("laptop")) == 3 * 2 * 3 * (4 + 2)
    assert sum(sampler != "nsga2" for sampler, *_ in asked) == 2 * 2 * 12
    assert 2 * 4 < sum(sampler == "nsga2" for sampler, *_ in asked) <= 2 * 12, "a child may equal a parent: one trial"


def test_whoever_asks_again_asks_for_the_same_trials(hunt, tmp_path):
    plan = carried_out(hunt, Home(tmp_path))
    again = make_plan(search(**OPTIONS)(a_trial), "laptop", Home(tmp_path))
    assert sorted(row.trial.trial_id for row in again.rows) == sorted(row.trial.trial_id for row in plan.rows)
    assert not again.missing


def test_a_search_that_was_cut_off_goes_on_where_it_was(hunt, tmp_path):
    whole = carried_out(hunt, Home(tmp_path / "whole"))
    plan = make_plan(hunt, "laptop", Home(tmp_path / "cut"))
    put(Home(tmp_path / "cut"), plan.missing[::2])
    left = make_plan(search(**OPTIONS)(a_trial), "laptop", Home(tmp_path / "cut"))
    assert {trial.trial_id for trial in left.missing} == {trial.trial_id for trial in plan.missing[1::2]}
    after = carried_out(search(**OPTIONS)(a_trial), Home(tmp_path / "cut"))
    assert {row.trial.trial_id for row in after.rows} == {row.trial.trial_id for row in whole.rows}


def test_more_trials_extend_a_search(hunt, tmp_path):
    before = carried_out(hunt, Home(tmp_path))
    more = make_plan(search(**OPTIONS | {"trials": 16})(a_trial), "laptop", Home(tmp_path))
    assert {row.trial.trial_id for row in before.rows} < {row.trial.trial_id for row in more.rows}
    assert 2 * 2 * 4 <= len(more.missing) <= 3 * 2 * 4


def test_a_later_rung_holds_only_the_better_part_of_a_batch(hunt, tmp_path):
    plan = carried_out(hunt, Home(tmp_path))
    for start in (0, 4, 8):
        batch = [
            row
            for row in plan.declared
            if (row.axes["sampler"], row.axes["repeat"]) == ("tpe", 1) and start <= int(row.axes["number"]) < start + 4
        ]
        first = [row for row in batch if row.axes["steps"] == 10]
        later = {row.axes["number"] for row in batch if row.axes["steps"] == 40}
        values = [(float(row.trial.model.kappa), result(row.trial)["nre_mean_test"]) for row in first]
        assert later == {first[place].axes["number"] for place in rank(values)[:2]}


def test_trials_of_a_batch_that_share_a_shape_train_as_one_pack(hunt, tmp_path):
    plan = make_plan(hunt, "laptop", Home(tmp_path))
    of_one = [row for row in plan.rows if (row.axes["sampler"], row.axes["repeat"]) == ("random", 0)]
    packs = make_packs([row.trial for row in of_one], {}, None, 1, CPU_CORE)
    assert len(packs) <= 2
    assert all(row.axes["kappa"] == of_one[i - i % 2].axes["kappa"] for i, row in enumerate(of_one))


def test_a_search_learns_from_its_results():
    """On one number that is least at β = 1, and with little else to choose, later trials of TPE lie nearer to it."""
    table: Any = search(**OPTIONS | {"minimise": {"nre_mean_test": 1.0}, "rungs": None, "trials": 60, "batch": 6})(
        without_rungs
    ).table("laptop")
    away: dict[Sampler, list[float]] = {"tpe": [], "random": []}
    for repeat in range(3):
        for sampler, found in away.items():
            one = OptunaSearch(table.settings, table.space, sampler, repeat, lambda n, p, s: table.row("x", 0, n, p, s))
            known = {}
            while new := [row for row in one.more(known) if row.trial.trial_id not in known]:
                known |= {row.trial.trial_id: result(row.trial) for row in new}
            found += [abs(math.log(float(row.axes["beta"]))) for row in one.more(known)[30:]]
    median = {sampler: sorted(found)[len(found) // 2] for sampler, found in away.items()}
    assert median["tpe"] < median["random"] / 2


def without_rungs(kappa, gamma, beta, seed):
    """A trial without rungs."""
    return a_trial(kappa, gamma, beta, 10, seed)


def searched(declared: float, harm: float, trials: int, known: dict[str, Any] | None = None) -> list[Any]:
    """The rows that TPE asks for where β above 1 diverges, and what has finished is at `harm` or above, least at β = 1."""
    options = OPTIONS | {"minimise": {"nre_mean_test": declared}, "rungs": None, "trials": trials, "batch": 6}
    table: Any = search(**options)(without_rungs).table("laptop")
    one = OptunaSearch(table.settings, table.space, "tpe", 0, lambda n, p, s: table.row("x", 0, n, p, s))
    known = {} if known is None else known
    while new := [row for row in one.more(known) if row.trial.trial_id not in known]:
        for row in new:
            found = result(row.trial, "diverged" if row.trial.objective.beta > 1 else "finished")
            known[row.trial.trial_id] = found | {"nre_mean_test": harm + found["nre_mean_test"]}
    return [*one.more(known)]


def test_a_search_is_not_led_to_divergence_by_a_value_of_diverged_trials_that_is_better_than_finished_ones():
    """As with minimise={"neg_elbo_test": 1.0}, where −ELBO is some tens of nats: else 21 of 24 diverge, near β = 12."""
    later = sorted(float(row.axes["beta"]) for row in searched(1.0, harm=50.0, trials=48)[24:])
    assert sum(beta > 1 for beta in later) <= 14
    assert 0.3 < later[12] < 2, "it is led to β = 1, as by a value that is worse than all"


def test_a_finished_trial_that_is_worse_than_what_diverged_ones_count_as_is_told(tmp_path):
    home, options = Home(tmp_path), OPTIONS | {"minimise": {"n_active": 3.0}, "rungs": None, "samplers": ["random"]}
    plan = carried_out(search(**options)(without_rungs), home)
    assert {row.axes["kappa"] for row in plan.declared} == {2, 4}
    (remark,) = make_plan(search(**options)(without_rungs), "laptop", home).remarks
    assert "declares that a diverged trial counts as n_active=3, and a finished one has 4" in remark
    assert "so a diverged one counts as worse than every finished one so far" in remark


def test_a_search_that_learned_what_diverged_trials_count_as_goes_on_where_it_was():
    known: dict[str, Any] = {}
    whole = [row.trial.trial_id for row in searched(1.0, 50.0, 30, known)]
    part = {trial: known[trial] for trial in whole[:14]}
    assert [row.trial.trial_id for row in searched(1.0, 50.0, 30, part)] == whole


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_trial_without_a_number_is_told_as_it_was_declared_or_not_at_all(hunt, tmp_path, status):
    home = Home(tmp_path)
    plan = make_plan(hunt, "laptop", home)
    put(home, plan.missing[1:])
    put(home, plan.missing[:1], status)
    grown = replan(plan, home)
    assert len(grown.declared) > len(plan.declared)
    failed = plan.missing[0].trial_id
    climbed = {row.trial.trial_id for row in grown.declared[len(plan.declared) :]}
    assert failed not in climbed


def test_ranked_puts_first_what_nothing_dominates():
    assert rank([(3, 0.5), (1, 0.1), (2, 0.2), (0, 0.9)])[0] == 1
    assert set(rank([(3, 0.5), (1, 0.1), (2, 0.2), (0, 0.9)])[:2]) == {1, 3}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"minimise": {"happiness": 1.0}}, "not a recorded number: choose a column"),
        ({"samplers": ["cmaes"]}, "samplers.0 should be 'tpe', 'nsga2' or 'random'"),
        ({"samplers": ["tpe", "tpe"]}, "samplers repeats one"),
        ({"rungs": (40, 10)}, "each larger than the one before"),
        ({"shape": {"kappa": Between(2, 4)}}, "kappa decides the shape of a pack: list its choices"),
        ({"free": {"gamma": [Learned()]}}, "parameters should be gamma, kappa, seed, steps"),
        ({"free": {"gamma": [], "beta": Between(0.1, 1)}}, "the axis gamma is empty"),
        ({"shape": {"kappa": [2], "status": [1]}}, "the axis status has the name of a recorded column"),
        ({"shape": {"kappa": [2], "number": [1]}}, "the search itself sets number: rename the axis"),
        ({"shape": {"kappa": [2], "seed": [1]}}, "the search itself sets seed"),
        ({"trials": 0}, "trials should be greater than or equal to 1"),
    ],
)
def test_a_wrong_search_is_one_sentence(change, said):
    with pytest.raises(DeclarationError, match=said):
        search(**OPTIONS | change)(a_trial)


@pytest.mark.parametrize(("low", "high"), [(2, 1), (0, 1), (1, 1)])
def test_a_range_goes_up_from_above_zero(low, high):
    with pytest.raises(DeclarationError, match="should go from a lower number to a higher one, above zero"):
        Between(low, high)


def test_the_catalogs_search_is_a_valid_declaration_at_both_scales(tmp_path):
    study = find("balance_search")
    assert len(make_plan(study, "laptop", Home(tmp_path)).missing) == 3 * 5 * 12
    assert len(make_plan(study, "paper", Home(tmp_path)).missing) == 3 * 10 * 64
