"""Properties of every declaration: its identity, its table, its plan and its packs."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from declarations import DATA, GAMMAS, MODELS, SEEDS, TRAININGS, TRIALS, bounded, empty_home, made_or_refused
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from study import Objective, Trial, study
from study.pack.cost import CPU_CORE, GPU
from study.pack.pack import make_packs
from study.plan.plan import MAX_ATTEMPTS, make_plan
from study.record import RESULTS, commit


@bounded
@given(TRIALS)
def test_a_declaration_survives_json_with_its_identity(trial):
    again = Trial.model_validate_json(trial.model_dump_json())
    assert again == trial
    assert again.trial_id == trial.trial_id
    assert again.pack_key == trial.pack_key
    assert Trial.model_validate(json.loads(json.dumps(trial.model_dump(mode="json")))).trial_id == trial.trial_id


def reversed_keys(value: Any) -> Any:
    if isinstance(value, list):
        return [reversed_keys(item) for item in value]
    return {k: reversed_keys(value[k]) for k in reversed(value)} if isinstance(value, dict) else value


def typed_otherwise(value: Any, chance: random.Random) -> Any:
    """The same declaration as another person types it: keywords in another order, numbers of other types."""
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {name: _retyped(name, item, chance) for name, item in items}
    if isinstance(value, list | tuple):
        return [typed_otherwise(item, chance) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        forms: list[Any] = [int, np.int64] + ([float, np.float64, np.float32] if value < 2**20 else [])
        return chance.choice(forms)(value)
    if isinstance(value, float):
        kinds: list[Any] = [float, np.float64, *([int] if value.is_integer() else [])]
        return chance.choice(kinds)(value)
    return value


def _retyped(name: str, item: Any, chance: random.Random) -> Any:
    match name:
        case "options":  # plain JSON: a 1 is not a 1.0 there
            return reversed_keys(item)
        case "files":  # told apart by their order: their names do not count
            return item
        case _:
            return typed_otherwise(item, chance)


@bounded
@given(TRIALS, st.randoms(use_true_random=False))
def test_what_means_the_same_is_one_trial_however_it_is_typed(trial, chance):
    again = Trial.model_validate(typed_otherwise(trial.model_dump(), chance))
    assert again == trial
    assert again.trial_id == trial.trial_id
    assert again.pack_key == trial.pack_key


@settings(bounded, max_examples=2)
@given(st.lists(TRIALS, min_size=40, max_size=40))
def test_ids_are_the_same_in_every_process(trials):
    code = (
        "import json, sys; from study.declare.trial import Trial\n"
        "trials = [Trial.model_validate(trial) for trial in json.load(sys.stdin)]\n"
        "print(json.dumps([[trial.trial_id, trial.pack_key] for trial in trials]))"
    )
    for seed in ("1", "4242"):
        result = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps([trial.model_dump(mode="json") for trial in trials]),
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        assert json.loads(result.stdout) == [[trial.trial_id, trial.pack_key] for trial in trials]


@bounded
@given(TRIALS, TRIALS)
def test_two_declarations_share_an_id_only_where_they_are_equal(one, other):
    """Where files lie is no part of what they are."""
    here, there = (trial.model_dump() for trial in (one, other))
    for data in (here["data"], there["data"]):
        data.pop("path", None)
        data["files"] = list(data.get("files", {}).values())
    assert (one.trial_id == other.trial_id) == (here == there)


AXES = st.fixed_dictionaries(
    {
        "data": st.lists(DATA, min_size=1, max_size=2),
        "gamma": st.lists(GAMMAS, min_size=1, max_size=3),
        "model": st.lists(MODELS, min_size=1, max_size=2),
        "training": st.lists(TRAININGS, min_size=1, max_size=2),
        "seed": st.lists(SEEDS, min_size=1, max_size=3),
    }
)


def table_of(axes):
    @study(**axes)
    def table(data, gamma, model, training, seed):
        """Any table."""
        return Trial(data=data, model=model, objective=Objective(gamma=gamma), training=training, seed=seed)

    return table


def declared(axes):
    """The study, but for axes whose different values cannot be told apart by their labels: that is refused in words."""
    table, fault = made_or_refused(lambda: table_of(axes))
    if table is None:
        assert "would share a label" in fault
    assume(table is not None)
    assert table
    return table


@bounded
@given(AXES, st.randoms(use_true_random=False))
def test_reordering_a_table_renames_nothing(axes, chance):
    shuffled = [(name, chance.sample(values, len(values))) for name, values in axes.items()]
    chance.shuffle(shuffled)
    rows, again = (declared(table).table("laptop").rows() for table in (axes, dict(shuffled)))
    assert {row.trial.trial_id for row in rows} == {row.trial.trial_id for row in again}
    named = {frozenset(row.axes.items()): row.trial.trial_id for row in rows}
    assert named == {frozenset(row.axes.items()): row.trial.trial_id for row in again}


@bounded
@given(
    AXES,
    st.randoms(use_true_random=False),
    st.none() | st.integers(1, 300),
    st.integers(1, 64),
    st.sampled_from([CPU_CORE, GPU]),
)
def test_every_table_plans_and_its_packs_hold_each_missing_trial_once(axes, chance, size, workers, device):
    table, home = declared(axes), empty_home()
    tried = {}
    for row in make_plan(table, "laptop", home).rows:
        if chance.random() < 0.5:
            tried[row.trial.trial_id] = chance.choice(RESULTS), 1
            if chance.random() < 0.5:
                tried[row.trial.trial_id] = "failed", chance.randint(1, MAX_ATTEMPTS + 1)
    trials = [
        {"trial_id": trial_id, "commit_id": "c", "status": status, "attempt": attempt}
        for trial_id, (status, attempt) in tried.items()
    ]
    commit(home, "c", {"trials": trials})
    plan = make_plan(table, "laptop", home)
    ids = {row.trial.trial_id for row in plan.rows}
    missing = {i for i in ids if i not in tried or (tried[i][0] == "failed" and tried[i][1] < MAX_ATTEMPTS)}
    packs = make_packs(plan.missing, plan.attempts, size, workers, device)
    assert Counter(trial.trial_id for pack in packs for trial in pack.trials) == Counter(missing)
    for pack in packs:
        assert len({trial.pack_key for trial in pack.trials}) == 1
        assert 1 <= len(pack.trials) <= (size or 256)
        assert pack.attempts == tuple(tried.get(trial.trial_id, ("", 0))[1] + 1 for trial in pack.trials)
    assert len({pack.pack_id for pack in packs}) == len(packs)
