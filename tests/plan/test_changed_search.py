"""A search that is declared otherwise than before goes on with the results that still fit, and says so."""

import inspect
import json
import math

import pytest
from launches import command_here, committed, launch_here
from many_commands import answer

from study import VAE, Fixed, Learned, Objective, Optimal, PlantedManifold, Training, Trial
from study.declare.search import search
from study.declare.search_space import Between
from study.plan.plan import make_plan, replan, write_plan
from study.record import Home, commit, new_commit_id

MODES = [Fixed(0.1), Learned(), Optimal()]
OPTIONS = {
    "minimise": {"nre_mean_test": 2.0},
    "samplers": ["tpe", "nsga2", "random"],
    "trials": 12,
    "batch": 4,
    "alike": 2,
    "shape": {"kappa": [2, 4]},
    "free": {"gamma": MODES, "beta": Between(0.01, 100)},
}


def a_trial(kappa, gamma, beta, seed, steps=10):
    return Trial(
        data=PlantedManifold(n=100, n_test=50),
        model=VAE(kappa=kappa, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=gamma, beta=beta),
        training=Training(steps=steps, batch=32),
        seed=seed,
    )


def plain(kappa, gamma, beta, seed):
    """Can it be found?"""
    return a_trial(kappa, gamma, beta, seed)


def with_rungs(kappa, gamma, beta, steps, seed):
    """A trial with rungs."""
    return a_trial(kappa, gamma, beta, seed, steps)


def longer(kappa, gamma, beta, seed):
    """Other trials."""
    return a_trial(kappa, gamma, beta, seed, steps=11)


def planned(home, function=plain, **change):
    """The plan of the search with this change."""

    def hunt(**values):
        return function(**values)

    hunt.__doc__, vars(hunt)["__signature__"] = function.__doc__, inspect.signature(function)
    return make_plan(search(**OPTIONS | change)(hunt), "laptop", home)


def result(trial):
    """A record that follows from the trial alone."""
    numbers = {"n_active": trial.model.kappa, "nre_mean_test": abs(math.log10(trial.objective.beta)) / 2}
    return {"trial_id": trial.trial_id, "status": "finished", "attempt": 1} | numbers


def carried_out(home, function=plain, **change):
    """The plan once every round has results, written as a launch writes it."""
    plan = planned(home, function, **change)
    while plan.missing:
        write_plan(plan, home)
        commit_id = new_commit_id()
        commit(home, commit_id, {"trials": [result(trial) | {"commit_id": commit_id} for trial in plan.missing]})
        plan = replan(plan, home)
    write_plan(plan, home)
    return plan


def ids(plan):
    return {row.trial.trial_id for row in plan.declared}


@pytest.mark.parametrize(
    "change",
    [
        {"free": {"gamma": MODES[::-1], "beta": Between(0.01, 100)}},
        {"free": {"beta": Between(0.01, 100), "gamma": [MODES[1], MODES[2], MODES[0]]}},
        {"shape": {"kappa": [4, 2]}},
        {"samplers": ["random", "nsga2", "tpe"]},
    ],
)
def test_the_order_of_axes_and_choices_changes_nothing(change, tmp_path):
    home = Home(tmp_path)
    before = carried_out(home)
    after = planned(home, **change)
    assert ids(after) == ids(before)
    assert (after.missing, after.remarks) == ([], [])
    more = {"trials": 16}
    assert ids(planned(home, **change | more)) == ids(planned(home, **more))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch": 6}, "batch was 4, now 6"),
        ({"alike": 4}, "alike was 2, now 4"),
        ({"minimise": {"n_active": 4.0}}, "minimise was nre_mean_test=2, now n_active=4"),
        ({"free": {"gamma": MODES, "beta": Between(0.001, 1000)}}, "beta was 0.01 to 100, now 0.001 to 1000"),
        ({"free": {"gamma": MODES, "beta": Between(0.01, 100, log=False)}}, "was 0.01 to 100, now 0.01 to 100, linear"),
        ({"free": {"gamma": [*MODES, Fixed(1.0)], "beta": Between(0.01, 100)}}, "gamma was fixed 0.1 or learned or "),
        ({"shape": {"kappa": [2, 3, 4]}}, "kappa was 2 or 4, now 2 or 3 or 4"),
    ],
)
def test_a_wider_or_otherwise_searched_space_keeps_every_result(change, said, tmp_path):
    home = Home(tmp_path)
    before = carried_out(home)
    plan = planned(home, **change)
    assert ids(before) <= ids(plan)
    (remark,) = plan.remarks
    count = len(before.declared)
    assert said in remark
    assert f"{count} of its {count} results in this home count, and it goes on from there" in remark
    assert "study.clean" not in remark
    after = carried_out(home, **change | {"trials": 20})
    assert ids(before) < ids(after), "what was asked for later is beside what was known"
    again = planned(home, **change | {"trials": 20})
    assert (ids(again), again.remarks) == (ids(after), []), "launched again, the changed search is an unchanged one"


def test_results_outside_of_a_smaller_space_no_longer_count(tmp_path):
    home = Home(tmp_path)
    before = carried_out(home)
    plan = planned(home, shape={"kappa": [2]}, free={"gamma": MODES, "beta": Between(1, 100)})
    fitting = {row.trial.trial_id for row in before.declared if row.axes["kappa"] == 2 and float(row.axes["beta"]) >= 1}
    assert 0 < len(fitting) < len(before.declared)
    assert fitting == ids(plan) & ids(before)
    (remark,) = plan.remarks
    assert "kappa was 2 or 4, now 2, beta was 0.01 to 100, now 1 to 100" in remark
    assert f"would remove the {len(before.declared) - len(fitting)} that do not fit" in remark


def test_fewer_trials_keep_the_first_ones(tmp_path):
    home = Home(tmp_path)
    before = carried_out(home, samplers=["tpe"])
    plan = planned(home, samplers=["tpe"], trials=8)
    assert ids(plan) == {row.trial.trial_id for row in before.declared if int(row.axes["number"]) < 8}
    assert "trials was 12, now 8: 8 of its 12 results" in plan.remarks[0]


def test_a_search_whose_function_makes_other_trials_begins_anew_and_says_so(tmp_path):
    home = Home(tmp_path)
    carried_out(home, samplers=["tpe"])
    plan = planned(home, longer, samplers=["tpe"])
    assert len(plan.missing) == 4
    assert "since its trials are others now: none of its 12 results in this home fits any more" in plan.remarks[0]
    assert "would remove the 12" in plan.remarks[0]


def test_a_sampler_that_asks_for_other_trials_than_before_goes_on(tmp_path, monkeypatch):
    """As another version of Optuna does, or a trial that failed and was tried again."""
    home = Home(tmp_path)
    before = carried_out(home)
    monkeypatch.setattr("study.plan.optuna_search.stream_seed", lambda *_: 4)
    plan = planned(home)
    assert ids(before) <= ids(plan)
    assert "asked again, it asks for other trials" in plan.remarks[0]


def test_rungs_that_were_trained_count_and_later_rounds_climb(tmp_path):
    home, rungs = Home(tmp_path), {"rungs": (10, 40), "samplers": ["tpe"]}
    before = carried_out(home, with_rungs, **rungs)
    after = carried_out(home, with_rungs, **rungs | {"batch": 6, "trials": 18})
    assert ids(before) < ids(after)
    new = [row.axes for row in after.declared if row.trial.trial_id not in ids(before)]
    assert sorted({axes["number"] for axes in new}) == list(range(12, 18))
    assert [axes["steps"] for axes in new].count(40) == 3


def test_a_home_that_does_not_know_the_declaration_keeps_the_results(tmp_path):
    """Homes of earlier versions."""
    home = Home(tmp_path)
    before = carried_out(home)
    path = "studies/hunt/study.json"
    header = json.loads(home.read(path))
    assert header.pop("search")["known"] == {}
    home.write(path, json.dumps(header).encode())
    assert planned(home).remarks == []
    assert ids(before) <= ids(planned(home, shape={"kappa": [4, 2]}))


FILE = '''
from study import VAE, Between, Learned, Objective, PlantedManifold, Training, Trial, search


@search(minimise={{"nre_mean_test": 1.0}}, samplers=["tpe"], trials=6, batch=3, free={{"beta": {beta}, "lr": {lr}}})
def looked_for(beta, lr, seed):
    """Can it be found?"""
    return Trial(
        data=PlantedManifold(d=8, r=2, n=100, n_test=50),
        model=VAE(kappa=3, encoder=(8,), decoder=(8,)),
        objective=Objective(gamma=Learned(), beta=beta),
        training=Training(steps=3, batch=32, lr=lr),
        seed=seed,
    )
'''


def test_a_launch_its_plan_and_the_cleaning_say_what_became_of_a_changed_search(tmp_path):
    path, home = tmp_path / "mine.py", tmp_path / "home"

    def written(beta="Between(0.01, 10)", lr="[1e-3, 1e-2]"):
        path.write_text(FILE.format(beta=beta, lr=lr))
        return [f"{path}:looked_for", "--home", home, "--no-mirror"]

    assert launch_here(*written()).returncode == 0
    assert "6 trials declared, 6 already there" in launch_here(*written(lr="[1e-2, 1e-3]")).stdout
    planned = command_here(*written(beta="Between(20, 30)"), "--plan").stdout
    assert "has changed, since beta was 0.01 to 10, now 20 to 30: none of its 6 results in this home fits" in planned
    assert len(committed(home)) == 6
    launched = launch_here(*written(beta="Between(20, 30)"))
    assert launched.returncode == 0
    assert "so it begins anew" in launched.stdout
    assert len(committed(home)) == 12
    _, cleaned, _ = answer(["--home", home], module="study.clean")
    assert "among them 6 trials that looked_for declared until its table changed" in cleaned
